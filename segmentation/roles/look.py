"""A table that nobody has described, as it was looked at: texts, numbers, and how these are written."""

import re
from dataclasses import dataclass
from functools import cached_property, reduce

import pandas as pd

from segmentation.core.engine import held
from segmentation.core.errors import DataError
from segmentation.core.text import BEHIND_SUM, FEWEST_TO_ADD_UP, MISSING, SUM, answers, names_unit
from segmentation.roles.words import spelt
from segmentation.tables.dates import find_formats
from segmentation.tables.header import names_of
from segmentation.tables.number_formats import DIGIT, Convention, find_conventions, to_number, why_no_number
from segmentation.tables.read import read_rows
from segmentation.tables.sources import RawSource

MOSTLY = 0.8
NUMBERS = 0.95
MOST_EMPTY = 0.2  # of a feature's cells, and of the rows that lack any: cleaning refuses tables that lose more
IN_BRACKETS = r"[(\[（]([^)\]）]*)[)\]）]"


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
    def spelt(self) -> dict[str, str]:
        """Return of each column its header as the patterns of `roles.words` have it."""
        return {name: spelt(header) for name, header in self.headers.items()}

    @cached_property
    def correlation(self) -> pd.DataFrame:
        return pd.DataFrame(self.numbers).corr()


def look(source: RawSource, decimal_mark: str) -> Looked:
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
    """Refuse column names that differ in case or blanks alone, which no reader could tell apart."""
    spelt = [" ".join(header.casefold().split()) for header in headers]
    alike = [header for header, word in zip(headers, spelt, strict=True) if spelt.count(word) > 1]
    if alike:
        raise DataError(f"{file}: the columns {alike} differ in case or blanks alone; rename one of them")


def share_distinct(texts: pd.Series) -> float:
    """Return how many different texts a column has, as a share of its rows."""
    return texts[texts != ""].nunique() / len(texts)


def are_dates(texts: pd.Series) -> bool:
    """Return whether the cells of a column are dates."""
    return bool(find_formats(texts))


def unit_of(name: str, looked: Looked) -> dict[str, str]:
    """Return the unit of a number as a key of dataset.yaml, none where neither its cells nor its header have one."""
    around = looked.conventions[name].around
    told = [text.strip() for text in re.findall(IN_BRACKETS, looked.headers[name]) if names_unit(text)]
    return {"unit": around[0]} if around else {"unit": told[0]} if told else {}


def plain(header: str) -> str:
    """Return a header in its own spelling, without its unit."""
    plain = re.sub(IN_BRACKETS, lambda found: " " if names_unit(found[1]) else found[0], header)
    return " ".join(plain.replace("_", " ").split())
