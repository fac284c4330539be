"""The formats in which tables come: text, spreadsheets, Parquet, JSON lines, archives, databases; as rows of text."""

import gzip
import io
import json
import lzma
import re
import struct
import zipfile
import zlib
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlglot import tokenize
from sqlglot.errors import TokenError

from segmentation.core.engine import MOST_HELD, new_file
from segmentation.core.errors import DataError, as_option, cause, require_extra
from segmentation.tables.delimited import MOST_COLUMNS, Rows, as_texts, decode, read_text, rows_of
from segmentation.tables.header import PIECE
from segmentation.tables.sandbox import LIMITS, Unreadable, copy_database, read_sheet
from segmentation.tables.sources import QUERY, RawSource, logs_of

HEAD, ROWS = 2_000_000, 50_000  # bytes and rows from which it is told what a large table holds
LARGE_TEXT = 32_000_000  # bytes
SLOWEST = 5_000_000  # bytes of a database that are read in a second at least
MOST_CUT = 50  # lines of a cell
MOST_UNPACKED = 256_000_000  # bytes that a packed file may become; plain text and Parquet may be of any size
# What the libraries raise for files that are not what they begin as.
DAMAGED = (EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
           pa.ArrowException)  # fmt: skip
LINES = (".jsonl", ".ndjson", ".json")
DATABASES = {b"SQLite format 3\0": "sqlite", b"DUCK": "duckdb"}


def read_parts(source: RawSource) -> list[Rows]:
    """Read every file of a table, or its database; of a large table the first rows.

    Raises
    ------
    DataError
        When one is damaged or unreadable, or holds several tables of which none was named.
    """
    if source.url:
        if is_large(source):
            found = table_on_server(source).limit(ROWS).to_pyarrow()
            return [_from_arrow(found, source.name)]
        return [_read_connection(connect_server(source.url, source.name), source.part, source.name)]
    if is_large(source):
        return [read_head(path, source.encoding) for path in source.files[:1]]
    return [_read_file(path, source) for path in source.files]


def unpacked(source: RawSource) -> RawSource:
    """Return a table whose files can be read in parts: of a database as Parquet, of gzip what it holds; names are kept.

    Raises
    ------
    DataError
        As `read_parts`.
    """
    found = [_unpacked(path, source.part) for path in source.files]
    copied = found != [*source.files] and any(_kind_of(path) in DATABASES.values() for path in source.files)
    return replace(source, files=tuple(found), part=None if copied else source.part)


def _unpacked(path: Path, part: str | None) -> Path:
    with _told(path):
        kind = _kind_of(path)
        if kind in DATABASES.values():
            return _named(path.name, copied_database(path, kind, part))
        if kind != "gzip":
            return path
        copy, size = new_file(), 0
        with gzip.open(path) as packed, copy.open("wb") as file:
            while piece := packed.read(PIECE):
                file.write(piece)
                size += len(piece)
                _refuse_more(size, path.name)
        return _unpacked(_named(path.name.removesuffix(".gz"), copy), part)


def _named(name: str, copy: Path) -> Path:
    """Give a copy the name of what it was made from, in a folder of its own."""
    place = copy.with_suffix("") / name
    if not place.exists():  # a database is copied once
        place.parent.mkdir()
        place.hardlink_to(copy)
    return place


def _kind_of(path: Path) -> str:
    """Return what a file holds, by its first bytes: text where they are none of the others."""
    with path.open("rb") as file:
        start = file.read(16)
    kinds = DATABASES | {b"\x1f\x8b": "gzip", b"PAR1": "parquet", b"PK\x03\x04": "zip", b"\xd0\xcf\x11\xe0": "sheet"}
    found = (
        kind for mark, kind in kinds.items() if start.startswith(mark) or (kind == "duckdb" and start[8:12] == mark)
    )
    return next(found, "lines" if path.suffix.lower() in LINES else "text")


@contextmanager
def _told(path: Path):
    """Tell what is wrong with a file that cannot be read."""
    try:
        yield
    except OSError as fault:
        raise DataError(f"{path.name} cannot be read: {fault.strerror or cause(fault)}") from fault
    except DAMAGED as fault:
        told = cause(fault, path, path.name)
        raise DataError(f"{path.name} is damaged, cut short or encrypted ({told}); copy or export it again") from fault


def _read_file(path: Path, source: RawSource) -> Rows:
    """Read one file of a table, by what it holds rather than by its ending."""
    with _told(path):
        if is_parquet(path):
            return _read_parquet(path, path.name)
        return _read_content(path.read_bytes(), path.name, source.part, source.encoding)


def _read_content(content: bytes, name: str, part: str | None, encoding: str | None) -> Rows:
    if content.startswith(b"\x1f\x8b"):
        unpacked = gzip.GzipFile(fileobj=io.BytesIO(content)).read(MOST_UNPACKED + 1)
        _refuse_more(len(unpacked), name)
        return _read_content(unpacked, name.removesuffix(".gz"), part, encoding)
    if content.startswith(b"PK\x03\x04"):
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = [m for m in archive.namelist() if not m.endswith("/") and not m.startswith("__MACOSX/")]
        if {"xl/workbook.xml", "xl/workbook.bin", "content.xml"} & set(members):
            _refuse_more(sum(member.file_size for member in archive.infolist()), name)
            return _read_sheet(content, name, part)
        member = _choose(part, members, name, "file")
        _refuse_more(archive.getinfo(member).file_size, name)
        return _read_content(archive.read(member), member, None, encoding)
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        return _read_sheet(content, name, part)
    if content.startswith(b"PAR1"):
        return _read_parquet(io.BytesIO(content), name)
    if name.lower().endswith(LINES):
        return _read_json_lines(content, name, encoding)
    return read_text(content, name, encoding)


def _refuse_more(size: int, name: str) -> None:
    """Refuse to unpack a small file into one that fills the memory."""
    if size > MOST_UNPACKED:
        raise DataError(
            f"{name} unpacks to more than {MOST_UNPACKED // 1_000_000:,} MB; unpack it yourself, and give the table as "
            "CSV or Parquet, which may be of any size"
        )


def is_large(source: RawSource) -> bool:
    """Return whether a table is read by the engine: Parquet and databases by their rows, text by its bytes.

    Where it lies then is decided by its rows alone, however it was read (`core.engine.opened`).
    """
    if source.url:
        return _rows_on_server(source) > MOST_HELD
    try:
        kinds = {_kind_of(path) for path in source.files}
        if kinds == {"parquet"}:
            return sum(pq.read_metadata(path).num_rows for path in source.files) > MOST_HELD
        return kinds == {"text"} and sum(path.stat().st_size for path in source.files) > LARGE_TEXT
    except (OSError, pa.ArrowInvalid):
        return False  # told when it is read


def _rows_on_server(source: RawSource) -> int:
    """Count the rows of a table of a database; 0 where it says why it cannot be read when it is read."""
    try:
        return int(table_on_server(source).count().execute())
    except Exception:
        return 0


def is_parquet(path: Path) -> bool:
    """Return whether a file is Parquet, by what it holds."""
    return _kind_of(path) == "parquet"


def read_head(path: Path, encoding: str | None = None) -> Rows:
    """Read the first rows of a file of Parquet or text."""
    if is_parquet(path):
        return _from_arrow(next(pq.ParquetFile(path).iter_batches(ROWS)), path.name)
    with path.open("rb") as file:
        lines = file.read(HEAD).splitlines(keepends=True)
    faults = []
    for cut in range(1, MOST_CUT):  # the last line may be cut, or lie in the middle of a quoted cell
        try:
            return read_text(b"".join(lines[:-cut] or lines), path.name, encoding)
        except DataError as fault:
            faults.append(fault)
    raise faults[0]


def _choose(part: str | None, choices: list[str], name: str, what: str) -> str:
    """Return the sheet, table or file that was named, or the only one."""
    if part in choices:
        return part
    if part is None and len(choices) == 1:
        return choices[0]
    named = as_option("data", f"{name}#…")
    found = f"{name} has no {what} {part!r}" if part else f"{name} holds {len(choices)} {what}s"
    raise DataError(f"{found}; name one behind a #, as in {named}: {', '.join(map(repr, choices)) or 'none'}")


def _read_sheet(content: bytes, name: str, part: str | None) -> Rows:
    try:
        sheets, rows = read_sheet(content, part)
    except Unreadable as fault:
        raise DataError(f"{name} is not a readable spreadsheet: {fault}") from fault
    _choose(part, sheets, name, "sheet")
    texts = as_texts(enumerate(rows, start=1), name)
    return Rows(name, [pair for pair in texts if any(pair[1])])


def _read_json_lines(content: bytes, name: str, encoding: str | None) -> Rows:
    headers, records = {}, []
    whole = decode(content, name, encoding)[0]
    if re.match(r"\s*\[\s*({|$)", whole):
        raise DataError(
            f"{name} is one JSON list; expected JSON lines: one object a line, without [ ] and commas between"
        )
    for line, text in enumerate(whole.split("\n"), start=1):
        if text.strip():
            try:
                record = json.loads(text, object_pairs_hook=_once)
            except ValueError as fault:
                raise DataError(f"{name}, line {line}: not JSON ({fault}); expected one object a line") from fault
            if not isinstance(record, dict):
                raise DataError(f'{name}, line {line}: found {text[:40]!r}, expected an object such as {{"id": 1}}')
            headers.update(dict.fromkeys(record))
            records.append((line, record))
        if len(headers) > MOST_COLUMNS:
            raise DataError(f"{name}, line {line}: found more than {MOST_COLUMNS:,} different keys; expected columns")
    rows = ((line, [record.get(header) for header in headers]) for line, record in records)
    return Rows(name, [(0, list(headers)), *as_texts(rows, name)] if headers else [])


def _once(pairs: list[tuple]) -> dict:
    """Make an object of a line of JSON, in which no key may stand twice."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def unreadable(name: str, fault: Exception, place: object = None) -> DataError:
    """Return what is told of a database that cannot be read; a driver may repeat its place, and so a password."""
    return DataError(f"{name} cannot be read from the database: {cause(fault, place, name)}")


def connect_server(url: str, name: str):
    """Return a connection to a database on a server, through which nothing can be written."""
    if url.startswith("postgres"):
        require_extra("postgres", f"{name}, a table of PostgreSQL,")
    try:
        connection = ibis.connect(url)
    except Exception as fault:
        raise unreadable(name, fault, url) from fault
    if connection.name == "postgres":
        connection.raw_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY").close()
    return connection


def _query_in(part: str | None, dialect) -> str | None:
    """Return the query that stands in place of a table; a second one behind it could allow itself to write."""
    if not (part and QUERY.match(part)):
        return None
    try:
        tokens = tokenize(part, read=dialect)
    except TokenError:
        tokens = []
    while tokens and tokens[-1].token_type.name == "SEMICOLON":
        tokens.pop()
    if not tokens or any(token.token_type.name == "SEMICOLON" for token in tokens):
        raise DataError(
            f"found {part[:80]!r}, expected one query, that begins with SELECT or WITH, and no other behind it"
        )
    return part[: tokens[-1].end + 1]


def table_on_server(source: RawSource) -> ibis.Table:
    """Return a table of a database on a server, or the result of a query, without reading it."""
    connection, part = connect_server(source.url or "", source.name), source.part
    if query := _query_in(part, connection.dialect):
        return connection.sql(query)
    return connection.table(_choose(part, connection.list_tables(), source.name, "table"))


def copied_database(path: Path, kind: str, part: str | None) -> Path:
    """Copy a table of a file of SQLite or DuckDB, or the result of a query, to Parquet, once in this process.

    Raises
    ------
    DataError
        When it cannot be read, asks for anything but what is in the file, or none of several tables was named.
    """
    stamps = (file.stat() for file in (path, *logs_of(path)))
    return _copied(path, kind, part, tuple((now.st_ino, now.st_ctime_ns, now.st_size) for now in stamps))


@cache
def _copied(path: Path, kind: str, part: str | None, _) -> Path:
    copy, query = new_file(), _query_in(part, kind)
    size = path.stat().st_size
    limits = replace(LIMITS, seconds=LIMITS.seconds + size // SLOWEST, written=LIMITS.written + size)
    try:
        tables = copy_database(path, kind, copy, query=query, table=part, limits=limits)
    except Unreadable as fault:
        told = cause(fault, path, path.name)
        raise DataError(
            f"{path.name} cannot be read from the database: {told}; it is opened read-only, and only its own tables, "
            "their views and queries of them are read: name one behind a #, or export it as CSV or Parquet"
        ) from fault
    if query is None:
        _choose(part, tables, path.name, "table")
    return copy


def _read_connection(connection, part: str | None, name: str) -> Rows:
    try:
        query = _query_in(part, connection.dialect)
        if query is None:
            table = _choose(part, connection.list_tables(), name, "table").replace('"', '""')
            query = f'select * from "{table}"'
        with closing(connection.raw_sql(query)) as cursor:
            headers, rows = [column[0] for column in cursor.description or ()], cursor.fetchall()
    except DataError:
        raise
    except Exception as fault:
        raise unreadable(name, fault) from fault
    finally:
        connection.disconnect()
    return rows_of(headers, rows, name)


def _read_parquet(place: Path | io.BytesIO, name: str) -> Rows:
    """Read the file alone: `read_table` takes columns from the names of folders too, and refuses one name for two."""
    return _from_arrow(pq.ParquetFile(place).read(), name)


def _from_arrow(found: pa.Table | pa.RecordBatch, name: str) -> Rows:
    columns = _as_read(found, name)
    return rows_of(found.schema.names, zip(*(column.to_pylist() for column in columns), strict=True), name)


def _as_read(found: pa.Table | pa.RecordBatch, name: str) -> list:
    """Return columns of Arrow with text where there are bytes, and local time where there is a zone."""
    columns = []
    for header, column in zip(found.schema.names, found.columns, strict=True):
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        try:
            if pa.types.is_fixed_size_binary(column.type):
                column = column.cast(pa.binary())
            if _is_binary(column.type):
                column = column.cast(pa.string())
        except pa.ArrowInvalid as fault:
            raise DataError(f"{name}: column {header!r} holds bytes that are no text; write it as text") from fault
        if pa.types.is_timestamp(column.type) and column.type.tz:
            column = pc.local_timestamp(column)
        columns.append(column)
    return columns


def _is_binary(kind: pa.DataType) -> bool:
    return any(of(kind) for of in (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view))


def in_plain_types(path: Path) -> Path:
    """Return a Parquet file, or a copy of it whose types every engine reads as a small table is read."""
    file = pq.ParquetFile(path)
    schema = file.schema_arrow
    plain = pa.schema(list(zip(schema.names, [c.type for c in _as_read(schema.empty_table(), path.name)], strict=True)))
    if plain.types == schema.types:
        return path
    copy = new_file()
    with pq.ParquetWriter(copy, plain) as anew:
        for batch in file.iter_batches():
            anew.write_batch(pa.record_batch(_as_read(batch, path.name), schema=plain))
    return copy
