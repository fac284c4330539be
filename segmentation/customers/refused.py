"""Rows without those that were refused: by a mark of each, because a join keeps the order of rows on one core alone."""

import ibis
import ibis.expr.datatypes as dt
import numpy as np

from segmentation.core.engine import connect_duckdb, in_batches, in_memory, new_file


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
    marks = np.zeros(last + 2, bool)
    for batch in in_batches(whole):
        marks[batch.column(0).to_numpy()] = True
    name = f"refused_{new_file().stem}"
    connect_duckdb().con.execute(f"SET VARIABLE {name} = CAST($1 AS BIT)", [np.packbits(marks).tobytes()])
    mark = get_bit(getvariable(name), table["row"].clip(0, last + 1).cast("int32"))
    return table.filter((table["row"] > 0) & (mark == 0))
