"""Reading a raw table: text in, text out, under canonical names, with the file and the line of every row."""

import ibis
import pandas as pd

from segmentation.artifacts import as_it_was
from segmentation.dataset import Dataset, header_keys, match_columns
from segmentation.errors import DataError
from segmentation.formats import Number, is_large, read_parts
from segmentation.header import split_header
from segmentation.large import read_large
from segmentation.sources import Source


def read_table(
    source: Source, dataset: Dataset, *, wanted: tuple[str, ...], known: dict | None = None
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
    if is_large(source):
        return read_large(source, dataset, wanted=wanted, known=known)
    headers, rows, told = read_rows(source, header_keys(dataset))
    matched = match_columns(headers, dataset, file=source.name, wanted=wanted)
    if not rows:
        raise DataError(f"{source.name} has column names but no rows; expected one line a customer")
    at = {name: headers.index(header) for name, header in matched.items()}
    files, lines, cells = zip(*rows, strict=True)
    frame = pd.DataFrame(
        {"row": range(1, len(rows) + 1), "file": files, "line": lines, "fields": [len(row) for row in cells]}
        | {name: [as_it_was(row[i]) if i < len(row) else "" for row in cells] for name, i in at.items()}
    )
    texts = dict.fromkeys(at, "string")
    raw = ibis.memtable(frame, schema={"row": "int64", "file": "string", "line": "int64", "fields": "int64", **texts})
    ignored = [header for header in headers if header not in matched.values()]
    return raw, {"columns": matched, "ignored": ignored, "fields": len(headers), **told}


def read_rows(source: Source, known: frozenset[str] = frozenset()) -> tuple[list[str], list[tuple], dict]:
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
        When a file is empty or unreadable, repeats a header, or has other columns than the first.
    """
    read = read_parts(source)
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
    first = read[0]
    around = {what: sum(notes[what] for *_, notes in tables) for what in ("above", "beside")}
    typed = _typed(headers, rows)
    _make_unmistakable([i for i, header in enumerate(headers) if header not in typed], rows)
    told = {"typed": typed, "encoding": first.encoding, "delimiter": first.delimiter}
    return headers, rows, around | told


def _typed(headers: list[str], rows: list[tuple]) -> list[str]:
    """Return the columns of which every filled cell was a number in its file."""
    columns = ([cells[i] for *_, cells in rows if i < len(cells) and cells[i].strip()] for i in range(len(headers)))
    filled = zip(headers, columns, strict=True)
    return [header for header, cells in filled if cells and all(isinstance(cell, Number) for cell in cells)]


def _make_unmistakable(columns: list[int], rows: list[tuple]) -> None:
    """Write the numbers among texts without a mark, 20.125 as 20125e-3, because those texts may have decimal commas."""
    for *_, cells in rows:
        for i in columns:
            if i < len(cells) and isinstance(cells[i], Number) and "." in cells[i] and "e" not in cells[i].lower():
                whole, _, part = cells[i].partition(".")
                cells[i] = Number(f"{whole}{part}e-{len(part)}")
