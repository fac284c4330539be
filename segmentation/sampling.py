"""A sample of the rows of a table: the same ones on every engine, for any number of threads and order of the rows."""

import ibis

from segmentation.engine import held

PRIME = 2**31 - 1
FACTOR, SHIFT = 1_103_515_245, 12_345
DIGITS = 8
SURE = 6  # standard deviations by which the first cut lies above the sample that it must hold


@ibis.udf.scalar.builtin
def md5(text: str) -> str:
    """Name the function that DuckDB, PySpark and PostgreSQL all have; Ibis translates its own for two of them."""


def sampled(table: ibis.Table, id_column: str, most: int) -> ibis.Table:
    """Return the whole table, or `most` of its rows, those with the smallest hash of the id, ties by id.

    A number has another hash than its text, so that a sample follows the ids as they are typed.

    Parameters
    ----------
    table : ibis.Table
    id_column : str
        Whole numbers or text, none of them null, each once.
    most : int
    """
    rows = table.count().to_pyarrow().as_py()
    if rows <= most:
        return table
    hashed = table.mutate(_hash=hash_of(table[id_column]))
    few = held(hashed.filter(hashed["_hash"] < _cut(hashed["_hash"], (most + SURE * most**0.5) / rows)))
    if few.count().to_pyarrow().as_py() < most:
        few = hashed
    return few.order_by("_hash", id_column).limit(most).select(*table.columns)


def hash_of(identity: ibis.Value) -> ibis.Value:
    """Return what orders ids as if by chance, by arithmetic that no engine does otherwise and that never overflows.

    A whole number n becomes (a (n + b))^5 modulo the prime 2^31 - 1: one to one among the remainders, because 5 and
    2^31 - 2 have no common divisor, and without the pattern of a product alone. A text becomes its MD5.
    """
    if not identity.type().is_integer():
        return md5(identity.cast("string"))
    # The prime is added because the remainder of a negative number is negative in SQL.
    mixed = (identity.cast("int64") % PRIME + (PRIME + SHIFT)) * FACTOR % PRIME
    squared = mixed * mixed % PRIME
    return squared * squared % PRIME * mixed % PRIME


def _cut(hashed: ibis.Value, share: float) -> int | str:
    """Return the hash below which lies a share of all."""
    if hashed.type().is_integer():
        return int(min(share, 1) * PRIME)
    return f"{int(min(share, 1) * 16**DIGITS):0{DIGITS}x}"
