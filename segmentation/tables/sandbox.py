"""Reading in a process of its own: a file made to fill the memory, or to crash the reader, ends no other.

A sheet with two cells in far corners takes as much memory as one that is full; a Parquet file may hold one long text a
million times. Started as a script, with the file as input and as arguments what it is and the name of the sheet; it
writes JSON: the names of the sheets, and the rows of the one that was named or is the only one, numbers as numbers and
all else as text; or of a Parquet file how many letters its cells have.
"""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path

MOST_MEMORY = 4_000_000_000  # bytes
LEAST_LETTERS = 8  # letters that any cell counts as
MOST_TOLD = 300  # letters of a foreign message
FAULT = 3  # the exit code of a fault that is told; a crash has another


class Unreadable(Exception):
    """A file that is no spreadsheet, or too large a one."""


def read_sheet(content: bytes, part: str | None) -> tuple[list[str], list[list]]:
    """Return the names of the sheets, and the rows of sheet `part` or of the only one; none where there is a choice.

    Raises
    ------
    Unreadable
        With the reason.
    """
    found = _read_apart(content, "sheet", *([part] if part else []))
    return found["sheets"], found["rows"]


def measure_parquet(content: bytes, most: int) -> int:
    """Return how many letters the cells of a Parquet file have, counted to `most` and not much further.

    Raises
    ------
    Unreadable
        With the reason.
    """
    return _read_apart(content, "parquet", str(most))


def _read_apart(content: bytes, *words: str):
    # Without the folder of this script in the path: its numbers.py is not Python's.
    command = [sys.executable, "-P", str(Path(__file__)), *words]
    alone = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # the room of many threads counts as memory
    done = subprocess.run(command, input=content, capture_output=True, env=alone)
    told, _, whole = done.stderr.decode(errors="replace").partition("\n")
    if done.returncode == FAULT:
        raise Unreadable(told) from RuntimeError(whole)
    if done.returncode:
        ended = RuntimeError(f"the reader ended with {done.returncode}: {told}\n{whole}")
        raise Unreadable("its cells do not fit into memory, or crash the reader; save the table as CSV") from ended
    return json.loads(done.stdout)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:
        return  # Windows has no such limit
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = MOST_MEMORY if hard == resource.RLIM_INFINITY else min(MOST_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _plain(value):
    """Return a cell as JSON has it: a whole number without a point, a date as ISO 8601."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, datetime):
        return value.isoformat().removesuffix("T00:00:00")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _parquet(most: str) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(BytesIO(sys.stdin.buffer.read()))
    letters = LEAST_LETTERS * file.metadata.num_rows * file.metadata.num_columns
    if letters > int(most):
        return letters
    for column in file.read(use_threads=False).columns:
        for cell in () if pa.types.is_primitive(column.type) else column:
            letters += len(str(cell))
            if letters > int(most):
                return letters
    return letters


def _sheet(part: str | None = None) -> dict:
    from python_calamine import SheetTypeEnum, load_workbook

    book = load_workbook(BytesIO(sys.stdin.buffer.read()))
    names = [sheet.name for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    chosen = part if part in names else names[0] if len(names) == 1 and part is None else None
    rows = book.get_sheet_by_name(chosen).to_python(skip_empty_area=False) if chosen else []
    return {"sheets": names, "rows": [[_plain(value) for value in row] for row in rows]}


if __name__ == "__main__":
    _limit_memory()
    try:
        readers: dict[str, Callable] = {"sheet": _sheet, "parquet": _parquet}
        json.dump(readers[sys.argv[1]](*sys.argv[2:]), sys.stdout)
    except MemoryError:
        sys.exit(1)
    except Exception as fault:
        told = " ".join(str(fault).split())
        sys.stderr.write(f"{told[:MOST_TOLD] or type(fault).__name__}\n{traceback.format_exc()}")
        sys.exit(FAULT)
