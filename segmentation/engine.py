"""The engine that reads and computes tables of any size."""

import tempfile
from functools import cache
from itertools import count

import ibis
from ibis.expr.operations import InMemoryTable

MOST_HELD = 200_000  # rows: a table of more is never held as a whole
MEMORY = "1GB"  # beyond it, DuckDB spills to disk


@cache
def connect():
    """Return the DuckDB of this process, with a limit of memory and a folder to spill to."""
    engine = ibis.duckdb.connect(memory_limit=MEMORY, temp_directory=scratch())
    return engine


@cache
def scratch() -> str:
    """Return a folder for what is put aside, which ends with the process, or with its run."""
    folder = tempfile.TemporaryDirectory(prefix="segmentation-")
    _kept.append(folder)
    return folder.name


_kept = []


def is_held(table: ibis.Table) -> bool:
    """Return whether a table is in memory: one of so few rows that its whole cleaning can be."""
    return isinstance(table.op(), InMemoryTable)


def held(table: ibis.Table) -> ibis.Table:
    """Compute a table of few rows once, and keep it in memory."""
    return ibis.memtable(table.to_pyarrow())


def stored(table: ibis.Table) -> ibis.Table:
    """Compute a table of any size once, and keep it on the disk until the process ends."""
    copy = new_file()
    table.to_parquet(copy)
    return connect().read_parquet(copy)


def new_file() -> str:
    """Return the path of a file in `scratch` that nobody else writes."""
    return f"{scratch()}/{next(_numbers)}.parquet"


_numbers = count()
