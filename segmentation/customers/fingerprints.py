"""Is this the published table, an altered copy of it, or another one?"""

import hashlib
from collections import defaultdict
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from segmentation.core.dataset import Column, Dataset
from segmentation.core.engine import in_memory
from segmentation.tables.number_formats import Convention, to_number
from segmentation.tables.sources import RawSource

SKETCH = 64


@dataclass(frozen=True)
class Fingerprint:
    """What the values of a table come to, whatever its headers, the order of its rows and columns, and its format.

    cells : one row a record, one text column for each declared column, in one spelling.
    whole : SHA-256 of the sorted hashes of the rows.
    sketch : for each of 64 orders of all rows the last eight bits of the first row's hash, as hexadecimal digits. Two
        tables agree in about the share of rows that they have in common (b-bit minwise hashing, Li & König 2010),
        and no row can be worked out from eight bits: these may be published where the table may not.
    """

    cells: pd.DataFrame
    whole: str
    sketch: str


def fingerprint(
    raw: ibis.Table, dataset: Dataset, conventions: dict[str, Convention], source: RawSource | None = None
) -> Fingerprint:
    """Return the fingerprint of the declared columns of a raw table; of a large one that of its files alone."""
    if source and not in_memory(raw):
        return Fingerprint(
            pd.DataFrame(), hashlib.sha256("".join(source.fingerprints().values()).encode()).hexdigest(), ""
        )
    names = [name for name in dataset.columns if name in raw.columns]
    frame = raw.select(
        "row", *names, **{f"_{name}": to_number(raw[name], how) for name, how in conventions.items()}
    ).to_pandas()
    frame = frame.sort_values("row", ignore_index=True)
    cells = pd.DataFrame({n: _spelt(frame[n], frame.get(f"_{n}"), dataset.columns[n]) for n in names})
    tagged = [cells[name].radd(f"{name}=") for name in sorted(names)]
    hashes = [hashlib.sha256("\x1f".join(row).encode()).hexdigest() for row in zip(*tagged, strict=True)]
    whole = hashlib.sha256("".join(sorted(hashes)).encode()).hexdigest()
    return Fingerprint(cells, whole, _sketch(np.array([int(value[:16], 16) for value in hashes], np.uint64)))


def _extremes(raw: ibis.Table) -> list:
    """Return how many rows a table of a database has, and the filled cells and the ends of each column."""
    names = [name for name in raw.columns if name not in ("file", "line", "fields")]
    parts = [part for name in names for part in (raw[name].count(), raw[name].min(), raw[name].max())]
    return raw.agg(**{f"_{i}": part for i, part in enumerate(parts)}).to_pandas().iloc[0].tolist()


def _sketch(rows: np.ndarray) -> str:
    """Return the sketch of the hashes of rows, each mixed anew for each order (Steele, Lea & Flood 2014)."""
    first = []
    for i in range(1, SKETCH + 1):
        mixed = rows + np.uint64(i * 0x9E3779B97F4A7C15 % 2**64)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        first.append(int(mixed.min()) & 0xFF)
    return bytes(first).hex()


def _spelt(texts: pd.Series, numbers: pd.Series | None, column: Column) -> pd.Series:
    """Write each cell in one way: 15.0 and 15 alike, 0007 and 7 alike, Male, male and a declared M alike."""
    plain = texts.str.strip().str.casefold().str.replace(r"^0+(?=\d+$)|(?<=\d)\.0+$", "", regex=True)
    declared = {spelt.casefold(): name.casefold() for name, all_ in (column.categories or {}).items() for spelt in all_}
    plain = plain.replace(declared)
    if numbers is None:
        return plain
    return plain.mask(numbers.notna(), numbers.map(lambda value: f"{value:.12g}"))


def matching_rows(mine: pd.DataFrame, theirs: pd.DataFrame, key: str | None = None) -> list[tuple[int, int]]:
    """Return which row stands for which published one: by its id, or as it is, or by most of its cells."""
    if key and mine[key].is_unique and theirs[key].is_unique:
        at = {value: i for i, value in enumerate(theirs[key])}
        return [(i, at[value]) for i, value in enumerate(mine[key]) if value in at]
    free = defaultdict(list)
    for i, row in enumerate(theirs.itertuples(index=False, name=None)):
        free[row].append(i)
    same = {i: free[row].pop(0) for i, row in enumerate(mine.itertuples(index=False, name=None)) if free[row]}
    left, open_ = [i for i in range(len(mine)) if i not in same], sorted(i for rest in free.values() for i in rest)
    for i in left:
        alike = (theirs.iloc[open_].to_numpy() == mine.iloc[i].to_numpy()).sum(axis=1)
        if len(open_) and 2 * alike.max() > mine.shape[1]:
            same[i] = open_.pop(int(alike.argmax()))
    return sorted(same.items())
