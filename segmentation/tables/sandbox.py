"""Reading in a process of its own: a file made to fill the memory, or to crash the reader, ends no other.

A sheet with two cells in far corners takes as much memory as one that is full; a Parquet file may hold one long text a
million times. Started as a script, with the file as input and as arguments what it is and the name of the sheet; it
writes JSON: the names of the sheets, and the rows of the one that was named or is the only one, numbers as numbers and
all else as text; or of a Parquet file how many letters its cells have.
"""

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path

LEAST_LETTERS = 8  # letters that any cell counts as
MOST_TOLD = 300  # letters of a foreign message
FAULT = 3  # the exit code of a fault that is told; a crash has another


class Unreadable(Exception):
    """A file that is no spreadsheet, or too large a one."""


@dataclass(frozen=True)
class Limits:
    """What a reader may use: bytes of memory, seconds, and bytes of a file that it writes."""

    memory: int = 4_000_000_000
    seconds: float = 600
    written: int = 16_000_000_000


LIMITS = Limits()


def read_sheet(content: bytes, part: str | None, limits: Limits = LIMITS) -> tuple[list[str], list[list]]:
    """Return the names of the sheets, and the rows of sheet `part` or of the only one; none where there is a choice.

    Raises
    ------
    Unreadable
        With the reason.
    """
    found = read_apart("sheet", *([part] if part else []), content=content, limits=limits)
    return found["sheets"], found["rows"]


def measure_parquet(content: bytes, most: int, limits: Limits = LIMITS) -> int:
    """Return how many letters the cells of a Parquet file have, counted to `most` and not much further.

    Raises
    ------
    Unreadable
        With the reason.
    """
    return read_apart("parquet", str(most), content=content, limits=limits)


def read_apart(reader: str, *words: str, content: bytes = b"", limits: Limits = LIMITS):
    """Return what one of the `READERS` gives in a process of its own, which ends where it would use more than `limits`.

    Raises
    ------
    Unreadable
        With the reason.
    """
    # Without the folder of this script in the path: its numbers.py is not Python's.
    command = [sys.executable, "-P", str(Path(__file__)), json.dumps(asdict(limits)), reader, *words]
    alone = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # the room of many threads counts as memory
    try:
        done = subprocess.run(command, input=content, capture_output=True, env=alone, timeout=limits.seconds)
    except subprocess.TimeoutExpired as late:
        raise Unreadable(f"it takes more than {limits.seconds:g} seconds to read; save the table as CSV") from late
    told, _, whole = done.stderr.decode(errors="replace").partition("\n")
    if done.returncode == FAULT:
        raise Unreadable(told) from RuntimeError(whole)
    if done.returncode:
        ended = RuntimeError(f"the reader ended with {done.returncode}: {told}\n{whole}")
        raise Unreadable("its cells do not fit into memory, or crash the reader; save the table as CSV") from ended
    return json.loads(done.stdout)


def _limit(limits: Limits) -> None:
    try:
        import resource
    except ImportError:
        return  # Windows has no such limits
    for what, most in ((resource.RLIMIT_AS, limits.memory), (resource.RLIMIT_FSIZE, limits.written)):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    signal.setitimer(signal.ITIMER_REAL, limits.seconds + 1)  # also where who started this is gone


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


READERS: dict[str, Callable] = {"sheet": _sheet, "parquet": _parquet}

if __name__ == "__main__":
    _limit(Limits(**json.loads(sys.argv[1])))
    try:
        json.dump(READERS[sys.argv[2]](*sys.argv[3:]), sys.stdout)
    except MemoryError:
        sys.exit(1)
    except Exception as fault:
        told = " ".join(str(fault).split())
        sys.stderr.write(f"{told[:MOST_TOLD] or type(fault).__name__}\n{traceback.format_exc()}")
        sys.exit(FAULT)
