"""Reading in a process of its own: a file made to fill the memory, or to crash the reader, ends no other.

A sheet with two cells in far corners takes as much memory as one that is full, and a view of a database may read other
files, or never end. Started as a script, with its limits, which of the `READERS` is asked, and what that takes as
arguments; a sheet comes as input. It writes what the reader gives as JSON.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path
from typing import Any

MOST_TOLD = 300  # letters of a foreign message
COPIED_AT_ONCE = 50_000  # rows that are copied together
MOST_EXACT = 2**53  # the largest whole number that a float keeps
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


def copy_database(
    path: Path, kind: str, copy: Path, *, query: str | None = None, table: str | None = None, limits: Limits = LIMITS
) -> list[str]:
    """Copy a table of a file of DuckDB or SQLite to Parquet: that of a query, the one that is named, or the only one.

    The file is opened read-only, and reaches nothing else: no other file, no extension, no network, no setting. What it
    holds in a log beside it is read too.

    Returns
    -------
    list of str
        The names of its tables and views. There is no copy where it has several, and none of them was named.

    Raises
    ------
    Unreadable
        With the reason.
    """
    how, part = ("query", query) if query else ("table", table)
    return read_apart("database", kind, str(path.absolute()), str(copy), how, *([part] if part else []), limits=limits)


def read_apart(reader: str, *words: str, content: bytes = b"", limits: Limits = LIMITS):
    """Return what one of the `READERS` gives in a process of its own, which ends where it would use more than `limits`.

    Raises
    ------
    Unreadable
        With the reason.
    """
    # Without the folder of this script in the path: its numbers.py is not Python's.
    command = [sys.executable, "-P", str(Path(__file__)), json.dumps(asdict(limits)), reader, *words]
    # The room of many threads counts as memory; what is told is read as UTF-8, whatever the system writes.
    alone = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONUTF8": "1"}
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


def limit(limits: Limits) -> None:
    """Let this process use no more than `limits`."""
    try:
        import resource
    except ImportError:
        return  # Windows has no such limits
    for what, most in ((resource.RLIMIT_AS, limits.memory), (resource.RLIMIT_FSIZE, limits.written)):
        hard = resource.getrlimit(what)[1]
        with suppress(ValueError):  # macOS gives a process more from the start, and limits no memory
            resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    signal.setitimer(signal.ITIMER_REAL, limits.seconds + 1)  # also where who started this is gone


def _plain(value):
    """Return a cell as JSON has it: a whole number without a point, a date as ISO 8601."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, datetime):
        return value.isoformat().removesuffix("T00:00:00")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _sheet(part: str | None = None) -> dict:
    from python_calamine import SheetTypeEnum, load_workbook

    book = load_workbook(BytesIO(sys.stdin.buffer.read()))
    names = [sheet.name for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    chosen = part if part in names else names[0] if len(names) == 1 and part is None else None
    rows = book.get_sheet_by_name(chosen).to_python(skip_empty_area=False) if chosen else []
    return {"sheets": names, "rows": [[_plain(value) for value in row] for row in rows]}


def _database(kind: str, place: str, copy: str, how: str, part: str = "") -> list[str]:
    connect, listing, copied = {
        "duckdb": (_connect_duckdb, "SHOW TABLES", _copy_duckdb),
        "sqlite": (_connect_sqlite, TABLES_OF_SQLITE, _copy_sqlite),
    }[kind]
    connection = connect(Path(place), Path(copy))
    tables = [name for name, *_ in connection.execute(listing).fetchall()]
    if how == "query":
        copied(connection, part, copy)
    elif part in tables or (not part and len(tables) == 1):
        quoted = (part or tables[0]).replace('"', '""')
        copied(connection, f'SELECT * FROM "{quoted}"', copy)
    return tables


CLOSED: dict[str, Any] = {  # to whatever is not in the file, from the start: the first of these cannot be set later
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "python_enable_replacements": "false",
    "memory_limit": "2GB",
    "threads": "2",
    "temp_directory": "",  # else a folder beside the file
}


def _connect_duckdb(path: Path, _) -> Any:
    import duckdb

    connection = duckdb.connect(path, read_only=True, config=CLOSED)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET lock_configuration = true")
    return connection


def _copy_duckdb(connection, query: str, copy: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    about = connection.execute(f"DESCRIBE {query}").fetchall()
    cells = ", ".join(_as_plain(f"c{i}", kind) for i, (_, kind, *_) in enumerate(about))
    names = ", ".join(f"c{i}" for i in range(len(about)))  # a query may give one name to two columns
    batches = connection.sql(f"SELECT {cells} FROM ({query}\n) AS found({names})").to_arrow_reader(COPIED_AT_ONCE)
    schema = batches.schema
    for i, (name, *_) in enumerate(about):
        schema = schema.set(i, schema.field(i).with_name(name))
    with pq.ParquetWriter(copy, schema) as file:
        for batch in batches:
            file.write_batch(pa.record_batch(batch.columns, schema=schema))


def _as_plain(name: str, kind: str) -> str:
    """Return a column of DuckDB as a type that every reader of Parquet knows: a sum of whole numbers is none."""
    if re.fullmatch(
        r"BOOLEAN|U?(TINY|SMALL|BIG)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL[^]]*|DATE|TIMESTAMP[^]]*|VARCHAR", kind
    ):
        return name
    if kind == "BLOB":
        return f"coalesce(TRY(decode({name})), {name}::VARCHAR)"
    return f"{name}::{'DECIMAL(38, 0)' if kind == 'HUGEINT' else 'VARCHAR'}"


TABLES_OF_SQLITE = (
    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
)


def _connect_sqlite(path: Path, copy: Path) -> Any:
    import sqlite3

    settled = _settled(path, copy)
    connection = sqlite3.connect(f"{settled.as_uri()}?mode={'ro' if settled == path else 'rw'}", uri=True)
    for setting in ("query_only = 1", "trusted_schema = 0", "cell_size_check = 1", "temp_store = 2"):
        connection.execute(f"PRAGMA {setting}")
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    allowed = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
    connection.set_authorizer(lambda act, *_: sqlite3.SQLITE_OK if act in allowed else sqlite3.SQLITE_DENY)
    return connection


def _settled(path: Path, copy: Path) -> Path:
    """Return a database of SQLite without a log, or a copy with its logs: whoever opens them writes beside the file."""
    with path.open("rb") as file:
        logged = file.read(20)[18:] == b"\2\2"
    logs = [log for end in ("-wal", "-journal") if (log := path.with_name(path.name + end)).exists()]
    if not logged and not logs:
        return path
    other = copy.with_name(f"{copy.name}.sqlite")
    before = [(part.stat().st_size, part.stat().st_mtime_ns) for part in (path, *logs)]
    for part in (path, *logs):
        shutil.copyfile(part, other.with_name(other.name + part.name.removeprefix(path.name)))
    if before != [(part.stat().st_size, part.stat().st_mtime_ns) for part in (path, *logs)]:
        raise Unreadable("it is being written to; close the program that writes it")
    return other


def _copy_sqlite(connection, query: str, copy: str) -> None:
    """Copy what SQLite gives, in columns of the kinds that are found in them: a column's type promises nothing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = connection.execute(query)
    kinds: list[set] = [set() for _ in found.description]
    for rows in iter(lambda: found.fetchmany(COPIED_AT_ONCE), []):
        for kind, cells in zip(kinds, zip(*rows, strict=True), strict=True):
            kind |= {
                "large" if type(cell) is int and not -MOST_EXACT <= cell <= MOST_EXACT else type(cell) for cell in cells
            }
    types = {str: pa.string(), float: pa.float64(), int: pa.int64()}
    schema = pa.schema([(about[0], types[_one_of(kind)]) for about, kind in zip(found.description, kinds, strict=True)])
    found = connection.execute(query)
    with pq.ParquetWriter(copy, schema) as file:
        for rows in iter(lambda: found.fetchmany(COPIED_AT_ONCE), []):
            arrays = [_array(column, kind) for column, kind in zip(zip(*rows, strict=True), schema.types, strict=True)]
            file.write_batch(pa.record_batch(arrays, schema=schema))


def _array(cells: tuple, kind):
    import pyarrow as pa

    return pa.array(map(_as_text, cells) if pa.types.is_string(kind) else cells, kind)


def _one_of(kinds: set) -> type:
    """Return the type of cells of several, `large` being whole numbers that no float keeps."""
    kinds = kinds - {type(None)}
    if not kinds or kinds & {str, bytes} or kinds >= {"large", float}:
        return str
    return float if float in kinds else int


def _as_text(cell) -> str | None:
    """Return a cell as text; a fraction without a mark, 20.125 as 20125e-3: texts beside it may have decimal commas."""
    if isinstance(cell, bytes):
        return cell.decode(errors="backslashreplace")
    if not isinstance(cell, float):
        return None if cell is None else str(cell)
    whole, point, part = repr(cell).partition(".")
    marked = f"{whole}{part}e-{len(part)}" if point and "e" not in part else repr(cell)
    return whole if part == "0" else marked


READERS: dict[str, Callable] = {"sheet": _sheet, "database": _database}

if __name__ == "__main__":
    limit(Limits(**json.loads(sys.argv[1])))
    try:
        json.dump(READERS[sys.argv[2]](*sys.argv[3:]), sys.stdout)
    except MemoryError:
        sys.exit(1)
    except Exception as fault:
        told = " ".join(str(fault).partition("\n\n")[0].split())
        sys.stderr.write(f"{told[:MOST_TOLD] or type(fault).__name__}\n{traceback.format_exc()}")
        sys.exit(FAULT)
