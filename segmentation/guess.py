"""Looking at a table that nobody has described: the role of each column, with the reason, as a dataset.yaml."""

import re
from dataclasses import dataclass
from pathlib import Path

import ibis
import pandas as pd
import yaml

from segmentation.artifacts import write_text
from segmentation.checking import MISSING, NO, YES
from segmentation.dataset import ROOT, key
from segmentation.errors import DataError, UsageError
from segmentation.numbers import find_conventions, to_number
from segmentation.reading import read_rows
from segmentation.sources import Source
from segmentation.study import check_run_name

COPY = 0.95
MOSTLY = 0.8
SKEWED = 2.0
FEW_CODES = 12
MOST_LEVELS = 50
ID = re.compile(r"(^|_)(id|ids|uid|uuid|key|code|nr|no|number)$|^(customer|client|user|member|account)$")
LEFT = re.compile(r"^(k_?means_?)?(cluster|segment|label|group)s?(_?(id|no|labels?|kmeans|\d+))?$|_(cluster|segment)$")
DATE = r"(19|20)[0-9]{2}[-/.]?[01][0-9][-/.]?[0-3][0-9]([ T].*)?|[0-3]?[0-9][./][01]?[0-9][./](19|20)[0-9]{2}.*"
PERSON = re.compile(r"(^|_)(age|birth|born|year|zip|postcode|postal|plz|lat(itude)?|lon(gitude)?|gender|sex)(_|$)")


@dataclass(frozen=True)
class Guess:
    """What one column seems to be, and why."""

    name: str
    header: str
    spec: dict
    reason: str


def guess_columns(source: Source) -> list[Guess]:
    """Look at every column of a table and guess its role.

    Raises
    ------
    DataError
        When the table cannot be read, has no rows, or has no number column that could form segments.
    """
    headers, rows, told = read_rows(source)
    if not rows:
        raise DataError(f"{source.name} has column names but no rows; expected one line a customer")
    names = _names(headers)
    texts = pd.DataFrame(
        {name: [cells[i].strip() if i < len(cells) else "" for _, _, cells in rows] for i, name in enumerate(names)}
    )
    texts = texts.mask(texts.apply(lambda column: column.str.lower().isin(MISSING)), "")
    numbers = _numbers(texts, told, source.name)
    _refuse_purchases(names, headers, texts, source.name)
    guesses, kept = [], {}
    for name, header in zip(names, headers, strict=True):
        taken = any(guess.spec["role"] == "id" for guess in guesses)
        spec, reason = _guess(name, texts[name], numbers.get(name), kept, taken=taken)
        if spec["role"] in ("feature", "descriptor") and spec.get("type", "number") == "number":
            kept[name] = numbers[name]
        guesses.append(Guess(name, header, spec, reason))
    if not any(guess.spec["role"] == "feature" for guess in guesses):
        looked = "; ".join(f"{guess.header!r}: {guess.reason}" for guess in guesses)
        raise DataError(f"{source.name} has no number column that could form segments. Looked at {looked}")
    return guesses


def _refuse_purchases(names: list[str], headers: list[str], texts: pd.DataFrame, file: str) -> None:
    """Refuse a table in which customers repeat beside dates: it has one row a purchase."""
    whose = [i for i, name in enumerate(names) if ID.search(name) and texts[name].nunique() < MOSTLY * len(texts)]
    when = [i for i, name in enumerate(names) if texts[name].str.fullmatch(DATE).mean() >= MOSTLY]
    if whose and when:
        raise DataError(
            f"{file} seems to have one row a purchase, because {headers[whose[0]]!r} repeats beside the dates of "
            f"{headers[when[0]]!r}; describe it with a transactions: section, as data/cdnow/dataset.yaml does"
        )


def _names(headers: list[str]) -> list[str]:
    """Return a canonical name for each header, each of them once."""
    names = []
    for i, header in enumerate(headers, start=1):
        plain = re.sub(r"[(\[].*?[)\]]", "", header)
        plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", plain).lower()
        plain = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
        plain = plain if re.match(r"[a-z]", plain) else f"column_{i}"
        names.append(plain if plain not in names else f"{plain}_{i}")
    return names


def _numbers(texts: pd.DataFrame, told: dict, file: str) -> dict[str, pd.Series]:
    """Return the columns that are numbers wherever they are filled, but for one cell in twenty."""
    raw = ibis.memtable(texts.assign(row=range(len(texts))), schema={**dict.fromkeys(texts, "string"), "row": "int64"})
    how = {"typed": told["typed"], "delimiter": told["delimiter"], "decimal": "auto"}
    conventions = find_conventions(raw, dict.fromkeys(texts), file=file, known={}, **how)
    values = raw.select("row", **{name: to_number(raw[name], c) for name, c in conventions.items()}).to_pandas()
    values = values.sort_values("row", ignore_index=True)
    filled = {name: (texts[name] != "").sum() for name in texts}
    return {name: values[name] for name in texts if filled[name] and values[name].notna().sum() >= 0.95 * filled[name]}


def _guess(name: str, texts: pd.Series, numbers, kept: dict[str, pd.Series], *, taken: bool) -> tuple[dict, str]:
    """Return the keys of a column in dataset.yaml, and the reason."""
    filled = texts[texts != ""]
    distinct = filled.nunique()
    if filled.empty:
        return {"role": "ignore"}, "it is empty"
    if distinct == 1:
        return {"role": "ignore"}, f"every cell is {filled.iloc[0]!r:.40}"
    if LEFT.search(name):
        return {"role": "ignore"}, "its name says that an earlier analysis left it"
    each = distinct == len(texts)
    if each and _counts_rows(name, numbers) and not ID.search(name):
        return {"role": "ignore"}, "it only numbers the rows"
    if ID.search(name) and distinct >= MOSTLY * len(texts) and not taken:
        return {"role": "id"}, "its name says so, and " + (
            "every value" if each else "nearly every value"
        ) + " is another"
    if filled.str.fullmatch(DATE).mean() >= MOSTLY:
        return {"role": "ignore"}, "its cells are dates, and a date is no amount"
    if numbers is None:
        return _guess_text(filled, each, len(texts), taken=taken)
    return _guess_number(name, numbers, distinct, kept)


def _counts_rows(name: str, numbers) -> bool:
    steps = None if numbers is None else numbers.diff().iloc[1:]
    return steps is not None and bool((steps == 1).all()) and numbers.iloc[0] in (0, 1)


def _guess_text(filled: pd.Series, each: bool, rows: int, *, taken: bool) -> tuple[dict, str]:
    distinct = filled.nunique()
    if each and not taken:
        return {"role": "id"}, "every value is another text"
    if set(filled.str.lower()) <= {*YES, *NO} and distinct <= 4:
        return {"role": "descriptor", "type": "yes/no"}, "its cells say yes or no"
    if distinct > max(MOST_LEVELS, rows / 20):
        return {"role": "ignore"}, f"{distinct:,} different texts among {rows:,} rows describe no group"
    return {"role": "descriptor", "type": "category"}, f"{distinct} different texts"


def _guess_number(name: str, values: pd.Series, distinct: int, kept: dict) -> tuple[dict, str]:
    whole = bool((values.dropna() % 1 == 0).all())
    if ID.search(name):
        return {"role": "ignore"}, "its name says that it is a code, and a code is no amount"
    if whole and distinct <= FEW_CODES and distinct < len(values) / 20:
        return {"role": "descriptor", "type": "category"}, f"only {distinct} whole numbers, which look like codes"
    for other, known in kept.items():
        r = values.corr(known)
        if abs(r) > COPY:
            return {"role": "ignore"}, f"nearly a copy of {other} (r = {r:.2f})"
    limits = {"min": 0} if values.min() >= 0 else {}
    if PERSON.search(name):
        return {"role": "descriptor"} | limits, "its name says what a person is, not what they do"
    skew = values.skew()
    if values.min() >= 0 and skew > SKEWED:
        return {"role": "feature", "transform": "log"} | limits, f"an amount with a long tail (skewness {skew:.1f})"
    return {"role": "feature"} | limits, "an amount"


def describe(guesses: list[Guess], source: Source, title: str) -> str:
    """Return a commented dataset.yaml."""
    lines = [
        "# yaml-language-server: $schema=../dataset.schema.json",
        "# Guessed from the table: check each role (id, feature: forms the segments, descriptor: only describes them,",
        "# ignore) and its reason; give labels and units; name segments and actions by the levels of their features.",
        f"title: {_yaml(title)}",
    ]
    if len(source.files) == 1:
        lines += ["source:", f"  path: {_yaml(source.files[0].name)}"]
    lines.append("columns:")
    for guess in guesses:
        spec = guess.spec | ({"aliases": [guess.header]} if key(guess.header) != key(guess.name) else {})
        lines.append(f"  {guess.name}: {_yaml(spec | {'reason': guess.reason})}")
    lines.append("privacy: aggregate # groups under ten are hidden; rows shows every customer, rounded and without ids")
    return "\n".join(lines) + "\n"


def _yaml(value) -> str:
    """Return a value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def write_dataset(name: str, source: Source) -> Path:
    """Write data/<name>/dataset.yaml for a table that nobody has described.

    Raises
    ------
    UsageError
        When NAME cannot name a folder, or has a dataset.yaml already.
    """
    check_run_name(name, option="NAME")
    path = ROOT / "data" / name / "dataset.yaml"
    if path.is_file():
        raise UsageError(f"data/{name}/dataset.yaml exists; edit it, or remove it to have it guessed again")
    write_text(path, describe(guess_columns(source), source, title=name.replace("_", " ").capitalize()))
    return path
