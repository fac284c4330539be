"""The dataset.yaml of what a table seems to be, with the reasons, assumed for a run or written to start from."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import yaml

from segmentation.core import files
from segmentation.core.dataset import Dataset
from segmentation.core.errors import DataError, UsageError
from segmentation.core.files import write_text
from segmentation.core.text import key
from segmentation.language.kept import Reason
from segmentation.roles.guess import Guess, guess_table
from segmentation.roles.look import plain
from segmentation.runs.run import check_run_name
from segmentation.tables.sources import RawSource

REMARKS = {
    "order": " # what the lines of one purchase share",
    "price": " # of one; a row came to quantity times price",
    "returns": " # with what the number of an order begins that takes goods back; negative amounts do so anyway",
    "as_of": " # the day after the latest date",
}


def assume(
    source: RawSource,
    decimal_mark: str = "auto",
    features: str | None = None,
    dates: str | None = None,
    like: Dataset | None = None,
) -> str:
    """Return the dataset.yaml of what a table that nobody has described seems to be, with the features that are named.

    Parameters
    ----------
    like : Dataset, optional
        That of an earlier month: a column that it has too is what it was then, and no other forms segments.

    Raises
    ------
    DataError
        As `guess_columns`, and where it cannot be told how the numbers of a column are written.
    """
    named = features or (",".join(like.named("feature")) if like else None)
    guesses, purchases = guess_table(source, decimal_mark, named, dates)
    if like:
        guesses = [guess if features and guess.reason == Reason.NAMED else _as_before(guess, like) for guess in guesses]
    if asked := [guess.asked for guess in guesses if guess.asked]:
        raise DataError(f"{source.name}: {asked[0]}")
    return as_yaml(guesses, source, title=source.name, decimal_mark=decimal_mark, purchases=purchases)


def _as_before(guess: Guess, like: Dataset) -> Guess:
    """Return a column as it was in an earlier table; of a date it is looked up anew how it is written."""
    for name, column in like.columns.items():
        if guess.name == name or key(guess.header) in map(key, column.headers(name)):
            told = column.model_dump(mode="json", exclude_unset=True, exclude={"reason", "aliases", "date_format"})
            written = {"date_format": guess.spec["date_format"]} if "date_format" in guess.spec else {}
            asked = "" if column.role == "ignore" else guess.asked
            return replace(guess, name=name, spec=told | written, reason=column.reason or Reason.AS_BEFORE, asked=asked)
    if guess.spec["role"] != "feature":
        return guess
    return replace(guess, spec=guess.spec | {"role": "descriptor"}, reason=f"{Reason.NOT_BEFORE}; {guess.reason}")


def as_yaml(
    guesses: list[Guess], source: RawSource, title: str, decimal_mark: str = "auto", purchases: dict | None = None
) -> str:
    """Return a commented dataset.yaml; of `purchases` it says how the rows of the table are read."""
    lines = [
        "# yaml-language-server: $schema=../dataset.schema.json",
        "# Guessed from the table: check each role (id, feature: forms the segments, descriptor: only describes them,",
        "# value: describes, and is what the segments are worth, ignore) and its reason; a feature with value: true is",
        "# both. Give labels and units; name segments and actions by the levels of their features.",
        f"title: {_yaml(title)}",
    ]
    if len(source.files) == 1:
        lines += ["source:", f"  path: {_yaml(source.files[0].name)}"]
    if source.encoding:
        lines.append(f"encoding: {_yaml(source.encoding)}")
    if decimal_mark != "auto":
        lines.append(f"decimal: {_yaml(decimal_mark)}")
    if purchases:
        lines += ["transactions: # how rows are made into customers: the headers of the columns"]
        lines += [f"  {part}: {_yaml(told)}{REMARKS.get(part, '')}" for part, told in purchases.items()]
    dated = [guess.as_of for guess in guesses if guess.as_of and guess.spec["role"] != "ignore"]
    lines += [f"as_of: {as_of} # the day after the latest date, to which days are counted" for as_of in dated[:1]]
    lines.append("columns:")
    shown = Counter(plain(guess.header) for guess in guesses)
    for guess in guesses:
        remark = f" # {guess.remark}" if guess.remark else ""
        label = plain(guess.header) if shown[plain(guess.header)] == 1 else guess.header
        spec = guess.spec | _spelling(guess, guess.spec.get("label", label)) | {"reason": guess.reason}
        lines.append(f"  {_yaml(guess.name)}: {_yaml(spec)}{remark}")
    lines += _examples(guesses)
    lines.append("privacy: aggregate # groups under ten are hidden; rows shows every customer, rounded and without ids")
    return "\n".join(lines) + "\n"


def _examples(guesses: list[Guess]) -> list[str]:
    """Return, as comments, what else can be said of an amount and of the segments that it forms."""
    amounts = (guess.name for guess in guesses if guess.spec["role"] == "feature" and "type" not in guess.spec)
    return [
        line
        for name in list(amounts)[:1]
        for line in (
            "# What else a line can say, of a feature such as this one:",
            f"#   {name}: {{role: feature, min: 0, max: 1000}} # other cells are refused, with the reason",
            f"#   {name}: {{role: feature, required: false, missing: median}} # empty cells are filled, and counted",
            f"#   {name}: {{role: feature, words: {{low: seldom, high: often}}}} # what people say of its two ends",
            "# Names and actions of segments, by the levels of their features (low, average, high):",
            "# segments:",
            f"#   - {{levels: {{{name}: high}}, name: Best customers, action: Keep in touch}}",
        )
    ] + _campaign(guesses)


def _campaign(guesses: list[Guess]) -> list[str]:
    """Return, as comments, which column the segments are worth is counted in, and what sizes a campaign."""
    main = next((guess for guess in guesses if guess.spec["role"] == "value" or guess.spec.get("value")), None)
    found = f"is counted in the first value, {main.name}" if main else "is not told, because no column is a value"
    unit = (main and main.spec.get("unit")) or f"the unit of {main.name if main else 'the value'}"
    return [
        f"# What the segments are worth {found}; role: value, or value: true of a feature, declares one.",
        "# What contacting a segment costs, and from which response on it pays, stands on its card with any of these:",
        f"# contact_cost: 1.5 # of one customer, in {unit}",
        "# response: 0.02 # the share of those contacted who are expected to answer",
        "# margin: 0.3 # the share of what they then buy that is left; 1 where the value is a margin already",
    ]


def _spelling(guess: Guess, label: str) -> dict:
    """Return the header as an alias where its name does not say it, and the label where it is written otherwise."""
    alias = {"aliases": [guess.header]} if key(guess.header) != key(guess.name) else {}
    return alias | ({"label": label} if label != guess.name.replace("_", " ") else {})


def _yaml(value) -> str:
    """Return a value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def write_dataset(name: str, source: RawSource, decimal_mark: str = "auto", dates: str | None = None) -> Path:
    """Write data/<name>/dataset.yaml for a table that nobody has described.

    Raises
    ------
    UsageError
        When NAME cannot name a folder, or has a dataset.yaml already.
    """
    check_run_name(name, option="NAME")
    path = files.ROOT / "data" / name / "dataset.yaml"
    if path.is_file():
        raise UsageError(f"{files.shown(path)} exists; edit it, or remove it to have it guessed again")
    guesses, purchases = guess_table(source, decimal_mark, dates=dates)
    write_text(path, as_yaml(guesses, source, name.replace("_", " ").capitalize(), decimal_mark, purchases))
    files.bring("data/dataset.schema.json")  # by which an editor knows the keys
    return path
