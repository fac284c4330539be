"""Looking at a table that nobody has described: the role of each column, with the reason, as a dataset.yaml."""

import re
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from pathlib import Path

import pandas as pd
import yaml

from segmentation.core import files
from segmentation.core.dataset import YEARS
from segmentation.core.engine import held
from segmentation.core.errors import DataError, UsageError
from segmentation.core.files import write_text
from segmentation.core.privacy import FEWER, SMALLEST_GROUP, tens
from segmentation.core.text import (
    BEHIND_SUM,
    FEWEST_TO_ADD_UP,
    MISSING,
    NO,
    SUM,
    YES,
    answers,
    decimal,
    key,
    key_without_unit,
    names_unit,
)
from segmentation.runs.run import check_run_name
from segmentation.tables.header import names_of, numbered
from segmentation.tables.number_formats import (
    DIGIT,
    Convention,
    find_conventions,
    tell_undecided,
    to_number,
    why_no_number,
)
from segmentation.tables.read import read_rows
from segmentation.tables.sources import RawSource

NEAR_COPY = 0.95
MOSTLY = 0.8
NUMBERS = 0.95
SKEWED = 2.0
FEW_CODES = 12
CODE_DIGITS = 8
MOST_LEVELS = 50
WHOSE = (
    r"(customer|client|user|member|account|cust|acct|kunden?|cliente?|household|person|card|contact|subscriber|store|shop"
    r"|branch|artikel|order|product|item)"
)
ID = re.compile(
    rf"(^|_)(id|ids|uid|uuid|guid|key|code|nr|no|num|number)$|nummer$|^{WHOSE}_?(id|key|code|nr|no|num\w*)$"
    r"|^(customer|client|user|member|account)$"
)
CODE = re.compile(
    r"(^|_)(id|ids|uid|uuid|guid|key|code|nr|no|phone|telephone|tel|mobile|fax|iban|ean|isbn|sku|ssn|vat)(_|$)|nummer$"
    rf"|^{WHOSE}_?(id|key|code|nr|no)$|^(postleitzahl|postcode|zip|plz|account)$"
)
IN_BRACKETS = r"[(\[]([^)\]]*)[)\]]"
CODED = r"\S*[0-9@]\S*"
INDEX = re.compile(r"^(unnamed_\d+|(index_)?level_\d+|index|column_1|row_?(names?|id|no|nr|num|number))$")
LEFT = re.compile(
    r"^(k_?means_?)?(cluster|segment|label|group)s?(_?(id|no|labels?|kmeans|\d+))?$|_(cluster|segment)$"
    r"|^y_?(kmeans|pred|hat)$|^pca?_?\d+$|^(dist|distance)_?(to_)?(centroid|center|centre|cluster)"
)
DATE = (
    r"(19|20)[0-9]{2}([-/.])[01]?[0-9]\2[0-3]?[0-9]([ T].*)?|(19|20)[0-9]{2}[01][0-9][0-3][0-9]"
    r"|[0-3]?[0-9]([-/.])[0-3]?[0-9]\5(19|20)?[0-9]{2}( .*)?"
)
PERSON = re.compile(r"(^|_)(age|birth|born|year|zip|postcode|postal|plz|lat(itude)?|lon(gitude)?|gender|sex)(_|$)")


@dataclass(frozen=True)
class Looked:
    """A table as it was looked at.

    headers : canonical name -> header.
    texts : one text column each, "" where a cell holds nothing.
    numbers : the columns that are numbers wherever they are filled, but for one cell in twenty.
    conventions : how these are written.
    undecided : what cannot be told about how they are written.
    broken : of columns whose cells hold digits, but are no numbers, why and an example.
    """

    headers: dict[str, str]
    texts: pd.DataFrame
    numbers: dict[str, pd.Series]
    conventions: dict[str, Convention]
    undecided: dict[str, str]
    broken: dict[str, tuple[str, str]]

    @cached_property
    def correlation(self) -> pd.DataFrame:
        return pd.DataFrame(self.numbers).corr()


@dataclass(frozen=True)
class Guess:
    """What one column seems to be, why, what an analyst should know of it, and what must be asked."""

    name: str
    header: str
    spec: dict
    reason: str
    remark: str = ""
    asked: str = ""


def guess_columns(source: RawSource, decimal_mark: str = "auto") -> list[Guess]:
    """Look at every column of a table and guess its role; neither the order of rows nor that of columns decides.

    Parameters
    ----------
    decimal_mark : "." or "," where somebody named it, or "auto"

    Raises
    ------
    DataError
        When the table cannot be read, has no rows, or has no number column that could form segments.
    """
    looked = _look(source, decimal_mark)
    _refuse_purchases(looked, source.name)
    id_name = _find_id(looked)
    found: dict[str, Guess] = {}
    kept: list[str] = []
    for name in sorted(looked.headers):
        spec, reason = ({"role": "id"}, _why_id(name, looked)) if name == id_name else _guess(name, looked, kept)
        if spec["role"] in ("feature", "descriptor") and "type" not in spec:
            kept.append(name)
        why, example = looked.broken.get(name, ("", ""))
        found[name] = Guess(name, looked.headers[name], spec, reason, example if reason == why else "")
    if "id" in found and id_name != "id":  # what the artifacts call the id, whatever its header
        at = list(looked.headers).index("id") + 1
        found["id"] = replace(found["id"], name=numbered("id", at, looked.headers))
    if not any(guess.spec["role"] == "feature" for guess in found.values()):
        whole = {name: ", ".join(filter(None, (guess.reason, guess.remark))) for name, guess in found.items()}
        told = "; ".join(f"{looked.headers[name]!r}: {whole[name]}" for name in looked.headers)
        raise DataError(f"{source.name} has no number column that could form segments. Looked at {told}")
    return [_with_unit(found[name], looked) if name in kept else found[name] for name in looked.headers]


def _look(source: RawSource, decimal_mark: str) -> Looked:
    headers, rows, told = read_rows(source)
    _refuse_alike(headers, source.name)
    named = dict(zip(names_of(headers), headers, strict=True))
    cells = {n: [row[i].strip() if i < len(row) else "" for *_, row in rows] for i, n in enumerate(named)}
    texts = pd.DataFrame(cells)
    texts, written = texts.mask(texts.apply(lambda column: column.str.lower().isin(MISSING)), ""), texts
    first = reduce(lambda before, name: before.where(before != "", texts[name]), texts.columns[1:], texts.iloc[:, 0])
    kept = ~first.str.lower().str.contains(f"^(?:{SUM}){BEHIND_SUM}")
    places = {"file": [file for file, *_ in rows], "line": [str(line) for _, line, _ in rows]}
    texts = texts.assign(**places)[kept].reset_index(drop=True)
    digits = [n for n in named if texts[n].str.contains(DIGIT).sum() >= NUMBERS * (texts[n] != "").sum() > 0]
    texts = _with_answers(texts, written.loc[kept].reset_index(drop=True), digits)
    raw = held(texts.assign(row=range(len(texts))), schema={**dict.fromkeys(texts, "string"), "row": "int64"})
    typed = frozenset(n for n in digits if named[n] in told["typed"])
    conventions, undecided = find_conventions(
        raw, dict.fromkeys(digits), decimal=decimal_mark, typed=typed, file=source.name, known={}
    )
    values = raw.select("row", **{name: to_number(raw[name], c) for name, c in conventions.items()}).to_pandas()
    values = values.sort_values("row", ignore_index=True)
    numbers = {n: values[n] for n in digits if values[n].notna().sum() >= NUMBERS * (texts[n] != "").sum()}
    broken = {n: why_no_number(raw, n, conventions[n]) for n in digits if n not in numbers}
    texts = texts.drop(columns=["file", "line"])
    if _adds_up(pd.DataFrame(numbers)):
        texts, numbers = texts.iloc[:-1], {name: column.iloc[:-1] for name, column in numbers.items()}
    return Looked(named, texts, numbers, conventions, undecided, broken)


def _with_answers(texts: pd.DataFrame, written: pd.DataFrame, digits: list[str]) -> pd.DataFrame:
    """Give words for missing back to columns in which they are categories, unless a number is missing by them too."""
    missing = {word for name in digits for word in written[name].str.lower().unique()}
    for name in (name for name in written if name not in digits):
        said = answers(written[name].value_counts().to_dict()) - missing
        texts[name] = texts[name].mask(written[name].str.lower().isin(said), written[name])
    return texts


def _adds_up(numbers: pd.DataFrame) -> bool:
    """Return whether the last row holds the sums of the others."""
    last = numbers.tail(1).dropna(axis=1)
    sums = numbers[last.columns].sum()
    same = ((2 * last - sums).abs() <= 1e-9 * sums.abs()) & (sums != 0)
    return len(numbers) >= FEWEST_TO_ADD_UP and not last.empty and bool(same.to_numpy().all())


def _refuse_alike(headers: list[str], file: str) -> None:
    """Refuse column names that differ in case, blanks or punctuation alone."""
    spelt = [key(header) for header in headers]
    alike = [header for header, word in zip(headers, spelt, strict=True) if spelt.count(word) > 1]
    if alike:
        raise DataError(f"{file}: the columns {alike} differ in case, blanks or punctuation alone; rename one of them")


def _refuse_purchases(looked: Looked, file: str) -> None:
    """Refuse a table in which customers repeat beside dates: it has one row a purchase."""
    texts = looked.texts
    whose = [name for name in looked.headers if ID.search(name) and _distinct(texts[name]) < MOSTLY]
    when = [name for name in looked.headers if _are_dates(texts[name])]
    if whose and when:
        raise DataError(
            f"{file} seems to have one row a purchase, because {looked.headers[whose[0]]!r} repeats beside the dates "
            f"of {looked.headers[when[0]]!r}; describe it with a transactions: section, as data/cdnow/dataset.yaml does"
        )


def _distinct(texts: pd.Series) -> float:
    """Return how many different texts a column has, as a share of its rows."""
    return texts[texts != ""].nunique() / len(texts)


def _find_id(looked: Looked) -> str | None:
    """Return the column that tells the customers apart: by its name, or else a text that never repeats.

    Of several texts a code or an e-mail address, each without blanks and with a digit or an @, comes first.
    """
    share = {name: _distinct(looked.texts[name]) for name in looked.headers}
    named = [name for name in share if ID.search(name) and share[name] >= MOSTLY]
    whole = [name for name in share if name not in looked.numbers and share[name] == 1 and not LEFT.search(name)]
    texts = [name for name in whole if not _are_dates(looked.texts[name])]
    other = min(texts, key=lambda name: (not looked.texts[name].str.fullmatch(CODED).all(), name), default=None)
    return min(named, key=lambda name: (not re.match(WHOSE, name), name), default=other)


def _are_dates(texts: pd.Series) -> bool:
    return texts.str.fullmatch(DATE).mean() >= MOSTLY


def _why_id(name: str, looked: Looked) -> str:
    share = _distinct(looked.texts[name])
    named = "its name says so, and " if ID.search(name) else ""
    return f"{named}{'every value' if share == 1 else 'nearly every value'} is another"


def _guess(name: str, looked: Looked, kept: list[str]) -> tuple[dict, str]:
    """Return the keys of a column in dataset.yaml, and the reason."""
    texts = looked.texts[name]
    filled = texts[texts != ""]
    if filled.empty:
        return {"role": "ignore"}, "it is empty"
    if filled.nunique() == 1:
        return {"role": "ignore"}, "it holds one text alone" if _are_few(
            filled
        ) else f"every cell is {filled.iloc[0]!r:.40}"
    if LEFT.search(name):
        return {"role": "ignore"}, "its name says that an earlier analysis left it"
    if _are_dates(filled):
        return {"role": "ignore"}, "its cells are dates, and a date is no amount"
    if name not in looked.numbers:
        spec, reason = _guess_text(filled, len(texts))
        broken = looked.broken.get(name, ("", ""))[0]
        return spec, broken if broken and spec["role"] == "ignore" else reason
    if INDEX.search(name):
        return {"role": "ignore"}, "its name says that it numbers the rows"
    if filled.str.match("0[0-9]").mean() > 1 - NUMBERS:
        return {"role": "ignore"}, "its leading zeros say that it is a code, and a code is no amount"
    return _guess_number(name, looked, kept)


def _are_few(filled: pd.Series) -> bool:
    """Return whether a column holds so little that a reason, which the report repeats, must not count or quote it."""
    return len(filled) < SMALLEST_GROUP


def _guess_text(filled: pd.Series, rows: int) -> tuple[dict, str]:
    distinct = filled.nunique()
    said = set(filled.str.lower())
    if said <= {*YES, *NO} and said & set(YES) and said & set(NO):
        return {"role": "descriptor", "type": "yes/no"}, "its cells say yes or no"
    if distinct > max(MOST_LEVELS, rows / 20):
        return {"role": "ignore"}, f"{tens(distinct, private=True)} different texts describe no group"
    many = FEWER if _are_few(filled) else str(distinct)
    return {"role": "descriptor", "type": "category"}, f"{many} different texts"


def _guess_number(name: str, looked: Looked, kept: list[str]) -> tuple[dict, str]:
    values = looked.numbers[name]
    filled = values.dropna()
    distinct, whole = filled.nunique(), bool((filled % 1 == 0).all())
    if distinct == len(values) and whole and filled.max() - filled.min() == len(values) - 1:
        return {"role": "ignore"}, "it only numbers the rows"
    if distinct == len(values) and whole and filled.min() >= 10 ** (CODE_DIGITS - 1):
        return {"role": "ignore"}, f"whole numbers of {CODE_DIGITS} digits or more that never repeat look like codes"
    if whole and distinct <= FEW_CODES and distinct < len(values) / 20:
        many = FEWER if _are_few(filled) else f"only {distinct}"
        return {"role": "descriptor", "type": "category"}, f"{many} whole numbers, which look like codes"
    if CODE.search(name) or (ID.search(name) and _distinct(looked.texts[name]) >= MOSTLY):
        return {"role": "ignore"}, "its name says that it is a code, and a code is no amount"
    for other in kept:
        r = looked.correlation.loc[name, other]
        if abs(r) > NEAR_COPY:
            return {"role": "ignore"}, f"nearly a copy of {_label(looked.headers[other])} (r = {decimal(r)})"
    limits = {"min": 0} if filled.min() >= 0 else {}
    if whole and filled.between(*YEARS).all() and not _unit(name, looked):
        limits = {"min": YEARS[0], "max": YEARS[1]}
    if PERSON.search(name):
        return {"role": "descriptor"} | limits, "its name says what a person is, not what they do"
    skew = values.skew()
    if filled.min() >= 0 and skew > SKEWED:
        return {
            "role": "feature",
            "transform": "log",
        } | limits, f"an amount with a long tail (skewness {decimal(skew, 1)})"
    return {"role": "feature"} | limits, "an amount"


def _with_unit(guess: Guess, looked: Looked) -> Guess:
    """Add the unit of a number, from its header or its cells, and its range as a remark."""
    values = looked.numbers[guess.name]
    remark = f"{values.min():g} to {values.max():g}"
    open_ = {guess.name: looked.undecided[guess.name]} if guess.name in looked.undecided else None
    asked = tell_undecided(open_) if open_ else ""
    return replace(guess, spec=guess.spec | _unit(guess.name, looked), remark=asked or remark, asked=asked)


def assume(source: RawSource, decimal_mark: str = "auto") -> str:
    """Return the dataset.yaml of what a table that nobody has described seems to be.

    Raises
    ------
    DataError
        As `guess_columns`, and where it cannot be told how the numbers of a column are written.
    """
    guesses = guess_columns(source, decimal_mark)
    if asked := [guess.asked for guess in guesses if guess.asked]:
        raise DataError(f"{source.name}: {asked[0]}")
    return as_yaml(guesses, source, title=source.name, decimal_mark=decimal_mark)


def _unit(name: str, looked: Looked) -> dict[str, str]:
    """Return the unit of a number as a key of dataset.yaml, none where neither its cells nor its header have one."""
    around = looked.conventions[name].around
    told = [text.strip() for text in re.findall(IN_BRACKETS, looked.headers[name]) if names_unit(text)]
    return {"unit": around[0]} if around else {"unit": told[0]} if told else {}


def as_yaml(guesses: list[Guess], source: RawSource, title: str, decimal_mark: str = "auto") -> str:
    """Return a commented dataset.yaml."""
    lines = [
        "# yaml-language-server: $schema=../dataset.schema.json",
        "# Guessed from the table: check each role (id, feature: forms the segments, descriptor: only describes them,",
        "# ignore) and its reason; give labels and units; name segments and actions by the levels of their features.",
        f"title: {_yaml(title)}",
    ]
    if len(source.files) == 1:
        lines += ["source:", f"  path: {_yaml(source.files[0].name)}"]
    if source.encoding:
        lines.append(f"encoding: {_yaml(source.encoding)}")
    if decimal_mark != "auto":
        lines.append(f"decimal: {_yaml(decimal_mark)}")
    lines.append("columns:")
    for guess in guesses:
        remark = f" # {guess.remark}" if guess.remark else ""
        lines.append(
            f"  {_yaml(guess.name)}: {_yaml(guess.spec | _spelling(guess) | {'reason': guess.reason})}{remark}"
        )
    lines.append("privacy: aggregate # groups under ten are hidden; rows shows every customer, rounded and without ids")
    return "\n".join(lines) + "\n"


def _spelling(guess: Guess) -> dict:
    """Return the header as an alias where its name does not say it, and as the label where it is written otherwise."""
    alias = {"aliases": [guess.header]} if key(guess.header) != key(guess.name) else {}
    same = key_without_unit(guess.header) == key_without_unit(guess.name)
    label = _label(guess.header) if same else guess.header
    return alias | ({"label": label} if label != guess.name.replace("_", " ") else {})


def _label(header: str) -> str:
    """Return a header in its own spelling, without its unit."""
    plain = re.sub(IN_BRACKETS, lambda found: " " if names_unit(found[1]) else found[0], header)
    return " ".join(plain.replace("_", " ").split())


def _yaml(value) -> str:
    """Return a value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def write_dataset(name: str, source: RawSource, decimal_mark: str = "auto") -> Path:
    """Write data/<name>/dataset.yaml for a table that nobody has described.

    Raises
    ------
    UsageError
        When NAME cannot name a folder, or has a dataset.yaml already.
    """
    check_run_name(name, option="NAME")
    path = files.ROOT / "data" / name / "dataset.yaml"
    if path.is_file():
        raise UsageError(f"data/{name}/dataset.yaml exists; edit it, or remove it to have it guessed again")
    guesses = guess_columns(source, decimal_mark)
    write_text(path, as_yaml(guesses, source, name.replace("_", " ").capitalize(), decimal_mark))
    return path
