"""What stands more than once in a column of any length, exactly."""

from collections.abc import Iterable

import ibis
import numpy as np

from segmentation.engine import held

MOST_MARKED = 500_000_000  # whole numbers between the least and the greatest: a byte for each
CLOSE = 10  # of them for each row
BATCH = 1_000_000


def repeated(table: ibis.Table, name: str) -> ibis.Table:
    """Return the values of a column that stand in more than one row, each once, as a table of one column.

    Whole numbers that lie close together are marked off one by one, which is less work than grouping them. An engine
    whose rows lie on other machines groups all.
    """
    known = table.filter(table[name].notnull()).select(name)
    if table[name].type().is_integer() and table.get_backend().name == "duckdb":
        [ends] = known.agg(low=known[name].min(), high=known[name].max(), n=known.count()).to_pyarrow().to_pylist()
        rows = ends.pop("n")
        if rows and ends["high"] - ends["low"] < min(MOST_MARKED, CLOSE * rows):
            batches = known.select(ibis._[name].cast("int64")).to_pyarrow_batches(chunk_size=BATCH)
            found = marked_twice((batch.column(0).to_numpy() for batch in batches), **ends)
            return ibis.memtable({name: found}, schema={name: table[name].type()})
    return held(known.group_by(name).having(ibis._.count() > 1).agg())


def marked_twice(batches: Iterable[np.ndarray], low: int, high: int) -> np.ndarray:
    """Return in order the whole numbers between `low` and `high` that the batches hold more than once."""
    seen, found = np.zeros(high - low + 1, bool), [np.empty(0, np.int64)]
    for numbers in batches:
        ordered = np.sort(numbers)
        found += [ordered[1:][ordered[1:] == ordered[:-1]], numbers[seen[numbers - low]]]
        seen[numbers - low] = True
    return np.unique(np.concatenate(found))
