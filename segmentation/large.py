"""Large tables, read by the engine: Parquet as it is typed, text through a typed copy; no row is held by Python."""

import csv
import io
from pathlib import Path

import ibis
import pandas as pd

from segmentation.dataset import Dataset, header_keys, match_columns
from segmentation.engine import connect_duckdb, new_file, read_numbered, stored
from segmentation.errors import DataError
from segmentation.formats import is_parquet, read_head, table_on_server
from segmentation.header import split_header
from segmentation.numbers import find_conventions, tell_undecided, to_number
from segmentation.sources import Source

LOOKED_AT = 1_000_000  # rows from which it is told how numbers are written
MOST_BROKEN = 1_000
WHOLE = {"_row": "int64", "_file": "string", "_line": "int64", "_fields": "int64"}
PLAIN = r"^[+\-]?[0-9]+([.][0-9]+)?$"


def read_large(source: Source, dataset: Dataset, *, wanted: tuple[str, ...]) -> tuple[ibis.Table, dict]:
    """Read a large table under its canonical names, as `read_table` does; numbers are numbers already.

    Beside a column of numbers that was text, `_odd_x` holds the cells that are none. The line of a row of text counts
    rows, also where a cell holds several lines.

    Raises
    ------
    DataError
        As `read_table`, and where a text is not UTF-8, or its columns are parted by blanks.
    """
    if source.url:
        read = [_open_server(source)]
    else:
        read = [_open_parquet(path) if is_parquet(path) else _open_text(path, dataset) for path in source.files]
    first, told = read[0]
    headers = [name for name in first.columns if name not in WHOLE]
    for path, (table, _) in zip(source.files, read, strict=False):
        if set(table.columns) != set(first.columns):
            raise DataError(f"{path.name} has other columns than {source.files[0].name}; expected the same in all")
    matched = match_columns(headers, dataset, file=source.name, wanted=wanted)
    parts, before = [], 0
    for table, _ in read:
        whole = {"row": table["_row"] + before, **{name[1:]: table[name] for name in list(WHOLE)[1:]}}
        parts.append(table.select(**whole, **_cells(table, matched)))
        before += int(table.count().execute())
    raw = ibis.union(*parts) if len(parts) > 1 else parts[0]
    texts = [name for name in matched if dataset.columns[name].type == "number" and raw[name].type().is_string()]
    numbers = [name for name in texts if dataset.columns[name].role in ("feature", "descriptor")]
    raw = _with_numbers(raw, dataset, numbers, told["delimiter"], source.name) if numbers else raw
    ignored = [header for header in headers if header not in matched.values()]
    typed = [matched[name] for name in matched if raw[name].type().is_numeric()]
    notes = {"above": sum(notes["above"] for _, notes in read), "beside": 0, "encoding": None}
    return raw, {"columns": matched, "ignored": ignored, "fields": len(headers), "typed": typed, **told, **notes}


def _open_server(source: Source) -> tuple[ibis.Table, dict]:
    """Copy a table of a database to Parquet, a part at a time; nothing can be written into the database."""
    copy = new_file()
    try:
        table_on_server(source).to_parquet(copy)
    except Exception as fault:
        told = (str(fault) or type(fault).__name__).splitlines()[0]
        raise DataError(f"{source.name} cannot be read from the database: {told}") from None
    table, notes = _open_parquet(copy)
    return table.mutate(_file=ibis.literal(source.name)), notes


def _open_parquet(path: Path) -> tuple[ibis.Table, dict]:
    table = read_numbered(path)
    headers = [name for name in table.columns if name != "file_row_number"]
    place = table["file_row_number"] + 1
    whole = {"_row": place, "_file": ibis.literal(path.name), "_line": place, "_fields": ibis.literal(len(headers))}
    return table.select(**whole, **{name: table[name] for name in headers}), {"above": 0, "delimiter": None}


def _cells(table: ibis.Table, matched: dict[str, str]) -> dict[str, ibis.Value]:
    """Return the matched columns: numbers and texts as they are, decimals as numbers, all else as text."""
    kinds = {name: table[header].type() for name, header in matched.items()}
    to = {
        name: kind if kind.is_string() or kind.is_integer() or kind.is_floating() else "string"
        for name, kind in kinds.items()
    }
    to |= {name: "float64" for name, kind in kinds.items() if kind.is_decimal()}
    return {name: table[header].cast(to[name]) for name, header in matched.items()}


def _open_text(path: Path, dataset: Dataset) -> tuple[ibis.Table, dict]:
    """Copy a text file to Parquet; what has too few or too many cells is put beside it."""
    head = read_head(path)
    if head.encoding or head.delimiter == " ":
        what = f"is {head.encoding}" if head.encoding else "has columns parted by blanks"
        raise DataError(f"{path.name} {what}; expected UTF-8, parted by , ; | or tabs, in a file so large; convert it")
    headers, _, notes = split_header(head, header_keys(dataset))
    top = head.records[notes["above"]][0]
    copy = new_file()
    broken = _copy_text(path, headers, head.delimiter, top, copy)
    table, _ = _open_parquet(copy)
    _refuse_swallowed(table, headers, head.delimiter, path.name, top)
    place = table["_row"]
    shifts = [(place > good, place + top + n) for n, good in reversed([*enumerate(broken["good"], 1)])]
    line = ibis.cases(*shifts, else_=place + top) if shifts else place + top
    table = table.mutate(_line=line, _file=ibis.literal(path.name))
    if len(broken):
        rows = broken.assign(_row=range(-len(broken) + 1, 1), _file=path.name)[list(WHOLE)]
        beside = ibis.memtable(rows, schema=WHOLE).mutate(**{name: ibis.null("string") for name in headers})
        table = ibis.union(table.cast(WHOLE), beside.select(table.columns))
    return table, {"above": notes["above"], "delimiter": head.delimiter}


def _refuse_swallowed(table: ibis.Table, headers: list[str], delimiter: str, name: str, top: int) -> None:
    """Refuse a cell that holds whole rows, because a quotation mark was opened in one and closed in another."""
    marks = {h: table[h].length() - table[h].replace(delimiter, "").length() for h in headers}
    held = ibis.or_(*(table[h].contains("\n") & (marks[h] >= len(headers) - 1) for h in headers))
    first = table.filter(held)["_row"].min().execute() if len(headers) > 1 else None
    if pd.notna(first):
        raise DataError(
            f"{name}, line {int(first) + top}: a quotation mark opens a cell that holds the rows below it; expected "
            "one row a line; remove the mark, or double it"
        )


def _copy_text(path: Path, headers: list[str], delimiter: str, top: int, copy: Path) -> pd.DataFrame:
    """Copy the rows of a text file to Parquet, and return line and fields of those that have another width.

    Raises
    ------
    DataError
        When more than a thousand have, or the file cannot be read.
    """
    engine, faulty = connect_duckdb(), f"broken_{copy.stem}"
    quoted = {what: str(text).replace("'", "''") for what, text in (("path", path), ("copy", copy))}
    columns = ", ".join(f"'{name.replace(chr(39), chr(39) * 2)}': 'VARCHAR'" for name in headers)
    try:
        engine.raw_sql(
            f"COPY (SELECT * FROM read_csv('{quoted['path']}', auto_detect=false, header=false, skip={top}, "
            f"delim='{delimiter}', quote='\"', escape='\"', columns={{{columns}}}, "
            f"store_rejects=true, rejects_table='{faulty}', rejects_scan='{faulty}_scan')) "
            f"TO '{quoted['copy']}' (FORMAT parquet)"
        )
        faults = engine.raw_sql(f"SELECT line, csv_line, error_type::VARCHAR AS kind FROM {faulty} ORDER BY line").df()
    except Exception as fault:
        raise DataError(f"{path.name} cannot be read: {str(fault).splitlines()[0]}") from None
    other = faults[~faults["kind"].isin(["MISSING COLUMNS", "TOO MANY COLUMNS"])]
    if len(other) or len(faults) > MOST_BROKEN:
        line, kind = (other if len(other) else faults).iloc[0][["line", "kind"]]
        raise DataError(f"{path.name}, line {line}: {kind.lower()}, and {len(faults):,} such lines in all; mend them")
    faults = faults.drop_duplicates("line", ignore_index=True)
    widths = [len(next(csv.reader(io.StringIO(text), delimiter=delimiter), [])) for text in faults["csv_line"]]
    good = faults["line"].astype(int) - top - (faults.index + 1)
    return pd.DataFrame({"_line": faults["line"].astype(int), "_fields": widths, "good": good})


def _with_numbers(raw: ibis.Table, dataset: Dataset, names: list[str], delimiter: str | None, file: str) -> ibis.Table:
    """Copy a table with the numbers of its text columns, and beside them what is no number."""
    units = {name: dataset.columns[name].unit for name in names}
    how = {"decimal": dataset.decimal, "typed": frozenset(), "delimiter": delimiter, "file": file, "known": {}}
    looked_at = raw.filter(raw["row"] <= LOOKED_AT)
    conventions, undecided = find_conventions(looked_at, units, **how)
    if undecided:
        raise DataError(f"{file}: {tell_undecided(undecided)}")
    made = {}
    for name, convention in conventions.items():
        text = raw[name].fill_null("")
        plain = text.re_search(PLAIN) if convention.decimal == "." and convention.bare else ibis.literal(False)
        made[name] = plain.ifelse(text.try_cast("float64"), to_number(text, convention))
    typed = raw.mutate(**made, **{f"_odd_{name}": raw[name] for name in names})
    typed = typed.mutate({f"_odd_{n}": typed[n].isnull().ifelse(typed[f"_odd_{n}"], None) for n in names})
    return stored(typed)
