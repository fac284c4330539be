"""Reading a raw table of any size: texts under canonical names, with the file and the line of every row."""

import csv
import io
from codecs import BOM_UTF8
from pathlib import Path

import ibis
import pandas as pd
import pyarrow.parquet as pq

from segmentation.core.dataset import Dataset
from segmentation.core.engine import MOST_HELD, any_of, connect_duckdb, held, kept, new_file, plain, read_numbered
from segmentation.core.errors import DataError, cause
from segmentation.core.files import as_it_was, as_it_was_column
from segmentation.tables.delimited import Number
from segmentation.tables.formats import (
    HEAD,
    in_plain_types,
    is_large,
    is_parquet,
    read_head,
    read_parts,
    table_on_server,
    unpacked,
    unreadable,
)
from segmentation.tables.header import (
    count_rows,
    find_body,
    header_keys,
    match_columns,
    require_names,
    split_header,
    write_anew,
)
from segmentation.tables.number_formats import find_conventions, is_number, tell_undecided, text_of, to_number
from segmentation.tables.sources import RawSource

LOOKED_AT = 1_000_000  # rows from which it is told how numbers are written
MOST_BROKEN = 1_000
WHOLE = {"_its_row": "int64", "_its_file": "string", "_its_line": "int64", "_its_fields": "int64"}


def read_large(
    source: RawSource, dataset: Dataset, *, wanted: tuple[str, ...], known: dict | None = None
) -> tuple[ibis.Table, dict]:
    """Read a large table under its canonical names, as `read_table` does; numbers are numbers already.

    Beside a column of numbers that was text, `_odd_x` holds the cells that are none, and headers has `numbers`: how
    they were written in the first million rows of each file. The line of a row of text counts
    rows, also where a cell holds several lines.

    Raises
    ------
    DataError
        As `read_table`, and where a text is not UTF-8, or its columns are parted by blanks.
    """
    source = unpacked(source)
    files = [
        _open_parquet(path) if is_parquet(path) else _open_text(path, dataset, source.encoding) for path in source.files
    ]
    read = files or [_open_server(source)]
    tables, told = [table for table, _ in read], dict(read[0][1])
    headers = _headers_of(tables, source)
    matched = match_columns(headers, dataset, file=source.name, wanted=wanted)
    whole = told.pop("whole") and all(notes["whole"] for _, notes in read)
    raw = _as_one(tables, matched, dataset, None if whole else len(headers))
    how = {"file": source.name, "known": known or {}}
    raw, conventions = _with_numbers(raw, dataset, list(matched), how)
    told |= {"above": sum(notes["above"] for _, notes in read), "beside": 0, "encoding": None, "fields": len(headers)}
    told["numbers"] = {name: convention.record() for name, convention in conventions.items()}
    told["typed"] = [name for name in headers if all(table[name].type().is_numeric() for table in tables)]
    told["ignored"] = [header for header in headers if header not in matched.values()]
    return raw, {"columns": matched, **told}


def _headers_of(tables: list[ibis.Table], source: RawSource) -> list[str]:
    for path, table in zip(source.files[1:], tables[1:], strict=False):
        if set(table.columns) != set(tables[0].columns):
            raise DataError(f"{path.name} has other columns than {source.files[0].name}; expected the same in all")
    return [name for name in tables[0].columns if name not in WHOLE]


def _as_one(tables: list[ibis.Table], matched: dict[str, str], dataset: Dataset, fields: int | None) -> ibis.Table:
    """Put the parts of a table below each other, without rows of `fields` cells that are all empty.

    None says that there is no such row, so that a query need not read every column to know.
    """
    kinds, parts, before = _kinds(tables, matched, dataset), [], 0
    for table in tables:
        whole = {name.removeprefix("_its_"): table[name].cast(kind) for name, kind in WHOLE.items()}
        cells = {name: _cell(table[header], kinds[name]) for name, header in matched.items()}
        filled = (table[header].notnull() for header in table.columns if header not in WHOLE)
        full = table if fields is None else table.filter(any_of([table["_its_fields"] != fields, *filled]))
        row = (table["_its_row"] > 0).ifelse(table["_its_row"] + before, table["_its_row"] - before)
        parts.append(full.select(**whole | {"row": row}, **cells))
        before += int(table.count().execute())
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _open_server(source: RawSource) -> tuple[ibis.Table, dict]:
    """Copy a table of a database to Parquet, a part at a time; nothing can be written into the database."""
    copy = new_file()
    try:
        table_on_server(source).to_parquet(copy)
    except Exception as fault:
        raise unreadable(source.name, fault, source.url) from fault
    table, notes = _open_parquet(copy)
    return table.mutate(_its_file=ibis.literal(source.name)), notes


def _open_parquet(path: Path) -> tuple[ibis.Table, dict]:
    names = pq.read_schema(path).names
    require_names(path.name, names)
    table = read_numbered(in_plain_types(path))
    headers = [name for name in table.columns if name != "file_row_number"]
    place = table["file_row_number"] + 1
    whole = {
        "_its_row": place,
        "_its_file": ibis.literal(path.name),
        "_its_line": place,
        "_its_fields": ibis.literal(len(headers)),
    }
    found = table.select(**whole, **{name: table[name] for name in headers})
    return found, {"above": 0, "delimiter": None, "whole": _has_full_column(path)}


def _has_full_column(path: Path) -> bool:
    """Return whether the statistics of a Parquet file say of some column that no cell is empty."""
    about = pq.read_metadata(path)
    groups = [about.row_group(i) for i in range(about.num_row_groups)]
    told = ([group.column(i).statistics for group in groups] for i in range(about.num_columns))
    return any(all(of and of.has_null_count and of.null_count == 0 for of in column) for column in told)


def _kinds(tables: list[ibis.Table], matched: dict[str, str], dataset: Dataset) -> dict[str, str]:
    """Return as what each column is read: numbers where dataset.yaml says so, whole ids too, all else as text."""
    kinds = {}
    for name, header in matched.items():
        found = [kind for kind in (table[header].type() for table in tables) if not kind.is_null()]
        number = dataset.columns[name].is_number
        whole = dataset.columns[name].role == "id" and all(k.is_integer() and k != ibis.dtype("uint64") for k in found)
        plain = number and all(kind.is_numeric() for kind in found)
        kinds[name] = "int64" if whole and found else "float64" if plain else "string"
    return kinds


def _cell(cell: ibis.Value, kind: str) -> ibis.Value:
    """Return a cell as a number, or as the text that a small table has for it."""
    if kind != "string":
        return cell.cast(kind)
    if cell.type().is_boolean():
        return cell.ifelse("True", "False")
    if cell.type().is_timestamp():
        text = cell.cast("string").replace(" ", "T")
        return text.endswith("T00:00:00").ifelse(text.left(10), text)
    return as_it_was_column(text_of(cell) if cell.type().is_floating() else cell.cast("string"))


def _open_text(path: Path, dataset: Dataset, encoding: str | None) -> tuple[ibis.Table, dict]:
    """Copy a text file to Parquet; what has too few or too many cells is put beside it."""
    head = read_head(path, encoding)
    delimiter = head.delimiter or ""
    if head.encoding or delimiter == " ":
        what = f"is {head.encoding}" if head.encoding else "has columns parted by blanks"
        raise DataError(f"{path.name} {what}; expected UTF-8, parted by , ; | or tabs, in a file so large; convert it")
    headers, _, notes = split_header(head, header_keys(dataset))
    with path.open("rb") as file:
        start = file.read(HEAD)
    body, place = find_body(start, delimiter, head.records[notes["above"]][0]), path
    # Behind a mark of UTF-8 the engine sees no quotation mark, and takes a title of several lines for several.
    hidden = start.startswith(BOM_UTF8) and body.lines > body.records
    if hidden or (rows := count_rows(path, body, delimiter)) is None:
        place = new_file()
        rows = write_anew(path, body, delimiter, place)
    copy, top, skip = new_file(), body.lines, body.records if place == path else 0
    broken = _copy_text(place, headers, delimiter, (skip, top), copy, name=path.name)
    table, told = _open_parquet(copy)
    _refuse_other_number(table, rows - len(broken), path.name)
    _refuse_swallowed_large(table, headers, delimiter, path.name, top)
    at = table["_its_row"]
    shifts = [(at > good, at + top + n) for n, good in reversed([*enumerate(broken["good"], 1)])]
    line = ibis.cases(*shifts, else_=at + top) if shifts else at + top
    table = table.mutate(_its_line=line, _its_file=ibis.literal(path.name))
    if len(broken := broken[~broken["blank"]]):
        rows = broken.assign(_its_row=range(-len(broken) + 1, 1), _its_file=path.name, _its_line=broken["line"] + top)
        beside = held(rows[list(WHOLE)], schema=WHOLE).mutate(**{h: ibis.null("string") for h in headers})
        table = ibis.union(table.cast(WHOLE), beside.select(table.columns))
    return table, {"above": notes["above"], "delimiter": delimiter, "whole": told["whole"]}


def _refuse_other_number(table: ibis.Table, counted: int, name: str) -> None:
    """Refuse to go on with more or fewer rows than the bytes of a text hold.

    In one column a blank line is an empty row to the engine, and none to who counts.
    """
    first, *others = (header for header in table.columns if header not in WHOLE)
    least, most = (int(n.execute()) for n in (table.count() if others else table[first].count(), table.count()))
    if not least <= counted <= most:
        raise DataError(
            f"{name}: found {most:,} rows of {counted:,} that its lines and quotation marks make; is a mark left "
            "open, or not doubled? Mend it, or save the table as Parquet"
        )


def _refuse_swallowed_large(table: ibis.Table, headers: list[str], delimiter: str, name: str, top: int) -> None:
    """Refuse a cell that holds whole rows, because a quotation mark was opened in one and closed in another."""
    marks = {h: table[h].length() - table[h].replace(delimiter, "").length() for h in headers}
    swallowed = any_of(table[h].contains("\n") & (marks[h] >= len(headers) - 1) for h in headers)
    first = table.filter(swallowed)["_its_row"].min().execute() if len(headers) > 1 else None
    if first is not None and pd.notna(first):
        raise DataError(
            f"{name}, line {int(first) + top}: a quotation mark opens a cell that holds the rows below it; expected "
            "one row a line; remove the mark, or double it"
        )


def _copy_text(
    path: Path, headers: list[str], delimiter: str, above: tuple[int, int], copy: Path, *, name: str
) -> pd.DataFrame:
    """Copy the rows of a text file to Parquet, and return what is known of those that have another width.

    Parameters
    ----------
    above : how many records are to be skipped, and on how many lines of the file those above the rows stand.

    Returns
    -------
    DataFrame
        line : which of the rows and blank lines it is, from 1.
        _its_fields : how many cells it has; blank : whether all are empty.
        good : how many of those before it have the right width.

    Raises
    ------
    DataError
        When more than a thousand have, or the file cannot be read.
    """
    engine, faulty, (skip, top) = connect_duckdb(), f"broken_{copy.stem}", above
    quoted = {what: str(text).replace("'", "''") for what, text in (("path", plain(path)), ("copy", copy))}
    columns = ", ".join(f"'{name.replace(chr(39), chr(39) * 2)}': 'VARCHAR'" for name in headers)
    try:
        engine.raw_sql(
            f"COPY (SELECT * FROM read_csv('{quoted['path']}', auto_detect=false, hive_partitioning=false, "
            f"header=false, skip={skip}, delim='{delimiter}', quote='\"', escape='\"', columns={{{columns}}}, "
            f"store_rejects=true, rejects_table='{faulty}', rejects_scan='{faulty}_scan')) "
            f"TO '{quoted['copy']}' (FORMAT parquet)"
        )
        faults = engine.raw_sql(f"SELECT line, csv_line, error_type::VARCHAR AS kind FROM {faulty} ORDER BY line").df()
    except Exception as fault:
        raise DataError(f"{name} cannot be read: {cause(fault, path, name)}") from fault
    other = faults[~faults["kind"].isin(["MISSING COLUMNS", "TOO MANY COLUMNS"])]
    if len(other) or len(faults) > MOST_BROKEN:
        line, kind = (other if len(other) else faults).iloc[0][["line", "kind"]]
        raise DataError(
            f"{name}, line {line - skip + top}: {kind.lower()}, and {len(faults):,} such lines in all; mend them"
        )
    return _of_other_width(faults.drop_duplicates("line", ignore_index=True), delimiter, skip)


def _of_other_width(faults: pd.DataFrame, delimiter: str, skip: int) -> pd.DataFrame:
    cells = [next(csv.reader(io.StringIO(t.lstrip("\r\n")), delimiter=delimiter), []) for t in faults["csv_line"]]
    line = faults["line"].astype(int) - skip
    blank = pd.Series([not any(map(str.strip, row)) for row in cells], dtype=bool)
    return pd.DataFrame(
        {"line": line, "_its_fields": [*map(len, cells)], "blank": blank, "good": line - (faults.index + 1)}
    )


def _with_numbers(raw: ibis.Table, dataset: Dataset, names: list[str], how: dict) -> tuple[ibis.Table, dict]:
    """Copy a table with the numbers of its text columns, and beside them what is no number."""
    texts = [name for name in names if is_number(dataset, name) and raw[name].type().is_string()]
    names = [name for name in texts if dataset.columns[name].role != "ignore"]
    if not names:
        return raw, {}
    units = {name: dataset.columns[name].unit for name in names}
    looked_at = raw.filter(raw["line"] <= LOOKED_AT)
    conventions, undecided = find_conventions(looked_at, units, decimal=dataset.decimal, typed=frozenset(), **how)
    if undecided:
        raise DataError(f"{how['file']}: {tell_undecided(undecided)}")
    made = {}
    for name, convention in conventions.items():
        text = raw[name].fill_null("")
        made[name] = to_number(text, convention)
    typed = raw.mutate(**made, **{f"_odd_{name}": raw[name] for name in names})
    typed = typed.mutate({f"_odd_{n}": typed[n].isnull().ifelse(typed[f"_odd_{n}"], None) for n in names})
    return kept(typed), conventions


def read_table(
    source: RawSource, dataset: Dataset, *, wanted: tuple[str, ...], known: dict | None = None
) -> tuple[ibis.Table, dict]:
    """Read a raw table under its canonical names: as text, or a large one as the engine reads it (`read_large`).

    Parameters
    ----------
    known : dict
        How the numbers of an earlier table of this kind were written, which a large one is read by.

    Returns
    -------
    raw : ibis.Table
        One row a record: row (from 1, over all files), file, line (in its file), fields (how many cells it has), and
        one text column for each declared column that the table has.
    headers : dict
        columns (canonical name -> header), ignored (headers that no column claims), fields, above and beside (how many
        lines hold a title or a note), typed (headers of columns whose numbers were numbers in the file), encoding,
        delimiter.

    Raises
    ------
    DataError
        When the table cannot be read, has no rows, or lacks a wanted column.
    """
    source = unpacked(source)
    if is_large(source):
        return read_large(source, dataset, wanted=wanted, known=known)
    return read_small(source, dataset, wanted=wanted)


def read_small(source: RawSource, dataset: Dataset, *, wanted: tuple[str, ...]) -> tuple[ibis.Table, dict]:
    """Read a table in every format, as text; where it lies then is decided by its rows, as for a large one."""
    headers, rows, told = read_rows(source, header_keys(dataset))
    matched = match_columns(headers, dataset, file=source.name, wanted=wanted)
    at = {name: headers.index(header) for name, header in matched.items()}
    files, lines, cells = zip(*rows, strict=True)
    frame = pd.DataFrame(
        {"row": range(1, len(rows) + 1), "file": files, "line": lines, "fields": [len(row) for row in cells]}
        | {name: [as_it_was(row[i]) if i < len(row) else "" for row in cells] for name, i in at.items()}
    )
    texts = dict.fromkeys(at, "string")
    raw = held(frame, schema={"row": "int64", "file": "string", "line": "int64", "fields": "int64", **texts})
    ignored = [header for header in headers if header not in matched.values()]
    return kept(raw) if len(rows) > MOST_HELD else raw, {
        "columns": matched,
        "ignored": ignored,
        "fields": len(headers),
        **told,
    }


def read_rows(source: RawSource, known: frozenset[str] = frozenset()) -> tuple[list[str], list[tuple], dict]:
    """Read every file of a table, of a large one the first rows.

    Parameters
    ----------
    known : frozenset of str
        How the headers may be spelt (`header_keys`), to find their line below titles and notes.

    Returns
    -------
    headers : list of str
    rows : list of (file, line, cells)
    told : dict
        above and beside (lines that are no part of the table), typed, encoding, delimiter.

    Raises
    ------
    DataError
        When a file is empty or unreadable, repeats a header, or has other columns than the first, and when none has a
        row.
    """
    read = read_parts(unpacked(source))
    tables = [(part, *split_header(part, known)) for part in read]
    headers, rows = tables[0][1], []
    for part, own, records, _ in tables:
        if set(own) != set(headers):
            missing, extra = sorted(set(headers) - set(own)), sorted(set(own) - set(headers))
            raise DataError(f"{part.file} has other columns than {read[0].file}: without {missing}, with {extra}")
        order = [own.index(header) for header in headers]
        straight = order == list(range(len(own)))
        rows += [(part.file, line, cells if straight or len(cells) != len(own) else [cells[i] for i in order])
                 for line, cells in records]  # fmt: skip
    if not rows:
        raise DataError(f"{source.name} has column names but no rows; expected one line a customer")
    first = read[0]
    around = {what: sum(notes[what] for *_, notes in tables) for what in ("above", "beside")}
    typed = _typed_columns(headers, rows)
    _make_unmistakable([i for i, header in enumerate(headers) if header not in typed], rows)
    told = {"typed": typed, "encoding": first.encoding, "delimiter": first.delimiter}
    return headers, rows, around | told


def _typed_columns(headers: list[str], rows: list[tuple]) -> list[str]:
    """Return the columns of which every filled cell was a number in its file."""
    columns = ((cells[i] for *_, cells in rows if i < len(cells) and cells[i].strip()) for i in range(len(headers)))
    filled = zip(headers, columns, strict=True)
    return [
        h for h, cells in filled if isinstance(next(cells, ""), Number) and all(isinstance(c, Number) for c in cells)
    ]


def _make_unmistakable(columns: list[int], rows: list[tuple]) -> None:
    """Write the numbers among texts without a mark, 20.125 as 20125e-3, because those texts may have decimal commas."""
    for *_, cells in rows:
        for i in columns:
            if i < len(cells) and isinstance(cells[i], Number) and "." in cells[i] and "e" not in cells[i].lower():
                whole, _, part = cells[i].partition(".")
                cells[i] = Number(f"{whole}{part}e-{len(part)}")
