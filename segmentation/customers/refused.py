"""Rules and who breaks them, what stands more than once, how often each cell stands, and rows without those refused.

These are left out by a mark of each, because a join keeps the order of rows on one core alone.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

import ibis
import ibis.expr.datatypes as dt
import numpy as np
import pandas as pd
from ibis.expr.operations import Relation

from segmentation.core.engine import any_of, connect_duckdb, held, in_batches, in_memory, kept, new_file, of_each

PARTS = ("column", "value", "rule")
REFUSED = ("file", "line", *PARTS)
MOST_MARKED = 500_000_000  # whole numbers between the least and the greatest: a byte for each
CLOSE = 10  # of them for each row


@dataclass(frozen=True)
class Rule:
    """What every row must satisfy: where `broken` holds, the row is refused and `value` is shown.

    One that is `covered` need not be asked whether a row is refused: where it is broken, another one is too.
    """

    column: str
    rule: str
    value: ibis.Value
    broken: ibis.Value
    covered: bool = False


def judge(table: ibis.Table, rules: list[Rule]) -> ibis.Table:
    """Add column, value and rule of the first broken rule, null where none is; an earlier verdict stands.

    Whether any is broken is found first: of the few rows where one is, an engine then asks which it is.
    """
    broken = any_of(rule.broken for rule in rules if not rule.covered).fill_null(False)
    known = "rule" in table.columns
    marked = table.mutate(_marked=table["_broken"] | broken if known else broken)
    first = {part: ibis.cases(*[(rule.broken, getattr(rule, part)) for rule in rules]) for part in PARTS}
    first = {part: ibis.coalesce(table[part], now) if known else now for part, now in first.items()}
    told = {part: marked["_marked"].ifelse(now, ibis.null("string")) for part, now in first.items()}
    return marked.mutate(told | {"_broken": marked["_marked"]}).drop("_marked")


@ibis.udf.scalar.builtin
def getvariable(variable: str) -> dt.binary:
    """Name DuckDB's function that returns what was set for its connection."""


@ibis.udf.scalar.builtin
def get_bit(bits: dt.binary, place: dt.int32) -> dt.int32:
    """Name DuckDB's function that returns one of many bits."""


def without(table: ibis.Table, refused: ibis.Table) -> ibis.Table:
    """Return a table without the rows that were refused, in its order.

    Parameters
    ----------
    table, refused : ibis.Table
        With row, a number that each has for itself; below 1 it is that of a row of another width, and always refused.
    """
    if in_memory(table) or table.get_backend().name != "duckdb":
        return table.anti_join(refused, "row")
    whole = refused.filter(refused["row"] > 0).select("row")
    last = int(whole["row"].max().fill_null(0).execute())
    marks = np.zeros(last + 1, bool)
    for batch in in_batches(whole):
        marks[batch.column(0).to_numpy()] = True
    name = f"refused_{new_file().stem}"
    connect_duckdb().con.execute(f"SET VARIABLE {name} = CAST($1 AS BIT)", [np.packbits(marks).tobytes()])
    place = table["row"].between(1, last).ifelse(table["row"], 0)  # which never is marked
    mark = get_bit(getvariable(name), place.cast("int32"))
    return table.filter((table["row"] > 0) & (mark == 0))


def repeated(table: ibis.Table, name: str) -> ibis.Table:
    """Return the values of a column that stand in more than one row, each once, as a table of one column.

    Whole numbers in ascending order have them side by side. Those that lie close together are marked off one by one,
    which is less work than grouping them. An engine whose rows lie on other machines groups all.
    """
    known, kind = table.filter(table[name].notnull()).select(name), table[name].type()
    if kind.is_integer() and table.get_backend().name == "duckdb":
        found = _side_by_side(table.op(), name)
        if found is None:
            [ends] = known.agg(low=known[name].min(), high=known[name].max(), n=known.count()).to_pyarrow().to_pylist()
            rows = ends.pop("n")
            if rows and ends["high"] - ends["low"] < min(MOST_MARKED, CLOSE * rows):
                found = marked_twice(_numbers(table, name), **ends)
        if found is not None:
            return held({name: found}, schema={name: kind})
    return kept(known.group_by(name).having(ibis._.count() > 1).agg())


def is_ascending(table: ibis.Table, name: str) -> bool:
    """Return whether a column holds whole numbers from 0 in ascending order, nulls left out.

    Texts, and rows that lie on other machines, are not looked through: to put them in order costs little more.
    """
    own = table[name].type().is_integer() and table.get_backend().name == "duckdb"
    return own and _side_by_side(table.op(), name) is not None


@lru_cache(maxsize=4)
def _side_by_side(table: Relation, name: str) -> np.ndarray | None:
    """Return the numbers that stand more than once where all stand in ascending order from 0; None where they do not.

    It is asked twice of a table: what stands more than once, and whether its rows are to be put in order.
    """
    last, found = np.zeros(0, np.int64), [np.empty(0, np.int64)]
    for numbers in _numbers(table.to_expr(), name):
        row = np.concatenate([last, numbers])
        before, after = row[:-1], row[1:]
        if (row[:1] < 0).any() or (after < before).any():
            return None
        found.append(after[after == before])
        last = row[-1:]
    return np.unique(np.concatenate(found))


def _numbers(table: ibis.Table, name: str) -> Iterable[np.ndarray]:
    """Give the whole numbers of a column, nulls left out, in batches."""
    for batch in in_batches(table.filter(table[name].notnull()).select(ibis._[name].cast("int64"))):
        yield batch.column(0).to_numpy()


def marked_twice(batches: Iterable[np.ndarray], low: int, high: int) -> np.ndarray:
    """Return in order the whole numbers between `low` and `high` that the batches hold more than once."""
    seen, found = np.zeros(high - low + 1, bool), [np.empty(0, np.int64)]
    for numbers in batches:
        ordered = np.sort(numbers)
        found += [ordered[1:][ordered[1:] == ordered[:-1]], numbers[seen[numbers - low]]]
        seen[numbers - low] = True
    return np.unique(np.concatenate(found))


def of_each_cell(table: ibis.Table, names: list[str], ask: Callable, few: Collection[str]) -> dict[str, pd.DataFrame]:
    """Return what `ask` finds of each column (_column, _cell), as `of_each`.

    On the disk each of `few` columns is counted once, whatever is asked: it has a row a cell, with `_times`.
    """
    on_disk = [] if in_memory(table) else [name for name in names if name in few]
    own = {name: ask(tallied(table.op(), name)).to_pandas().drop(columns="_column") for name in on_disk}
    return of_each(table, [name for name in names if name not in own], ask) | own


def times(cells: ibis.Table) -> ibis.Value:
    """Return how often cells stand together."""
    return cells["_times"].sum() if "_times" in cells.columns else cells.count()


@lru_cache(maxsize=256)
def tallied(table: Relation, name: str) -> ibis.Table:
    """Return each cell of a column once (_column, _cell), with how often it stands (_times)."""
    cells = table.to_expr().select(_column=ibis.literal(name), _cell=name)
    return kept(cells.group_by("_column", "_cell").agg(_times=cells.count()))
