"""Finding and reading the raw table: text in, text out, with the line of every row."""

import csv
from pathlib import Path

import ibis
import pandas as pd

from segmentation.artifacts import sha256
from segmentation.dataset import ROOT, Dataset, match_columns
from segmentation.errors import DataError, UsageError

DELIMITERS = ",;\t|"


def find_table(name: str, dataset: Dataset, data: str | None = None) -> Path:
    """Return the raw table: `data` when given, else the dataset's own file, fetched when it is not there.

    Raises
    ------
    UsageError
        When `data` is no file, or no table was given and dataset.yaml names none.
    DataError
        When the public source cannot be fetched, or is not what was published.
    """
    if data is not None:
        return existing("DATA", data)
    if dataset.source is None:
        raise UsageError(f"data/{name}/dataset.yaml names no source; give the table as DATA=path")
    path = ROOT / "data" / name / dataset.source.path
    if not path.is_file():
        if dataset.source.url is None:
            raise UsageError(f"data/{name}/{dataset.source.path} does not exist; give the table as DATA=path")
        _fetch(path, dataset)
    if dataset.source.sha256 not in (None, sha256(path)):
        shown = path.relative_to(ROOT).as_posix()
        raise DataError(
            f"{shown} is not the published file (its SHA-256 is not the one in dataset.yaml); remove it to fetch it "
            f"again, or use it knowingly: DATA={shown}"
        )
    return path


def existing(option: str, text: str) -> Path:
    """Return the absolute path of a file that was typed for an option.

    Raises
    ------
    UsageError
        When there is no such file.
    """
    path = Path(text).expanduser()
    if not path.is_file():
        raise UsageError(f"{option}={text} is not a file; expected the path of a CSV table")
    return path.resolve()


def _fetch(path: Path, dataset: Dataset) -> None:
    # Imported here, because it is seldom needed and its progress bar warns in a notebook.
    import pooch

    source = dataset.source
    shown = path.relative_to(ROOT).as_posix()
    pooch.get_logger().setLevel("WARNING")
    try:
        pooch.retrieve(source.url, known_hash=f"sha256:{source.sha256}", path=path.parent, fname=path.name)
    except (OSError, ValueError) as fault:
        what = "it is not the published file" if isinstance(fault, ValueError) else "there is no connection to it"
        raise DataError(
            f"{shown} could not be fetched: {what}.\nDownload {source.url} yourself, "
            f"save it as {shown}, or give its path as DATA=path."
        ) from None


def read_rows(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Read a delimited text file.

    Returns
    -------
    headers : list of str
    rows : list of (line, cells)
        `line` is the physical line on which the row starts; blank lines are no rows.

    Raises
    ------
    DataError
        When the file is empty, is not UTF-8 text, or repeats a header.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = _delimiter(file.readline())
            file.seek(0)
            records = list(_records(csv.reader(file, delimiter=delimiter)))
    except (UnicodeDecodeError, csv.Error) as fault:
        raise DataError(f"{path.name} is not a readable UTF-8 text table: {fault}; save it as CSV (UTF-8)") from None
    if not records:
        raise DataError(f"{path.name} is empty; expected a line of column names and one line a customer")
    headers = [header.strip() for header in records[0][1]]
    repeated = sorted({header for header in headers if headers.count(header) > 1})
    if repeated:
        raise DataError(f"{path.name}, line 1: the column names {repeated} stand more than once; rename them")
    return headers, records[1:]


def _records(reader):
    line = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 1


def _delimiter(header: str) -> str:
    return max(DELIMITERS, key=header.count)


def read_table(path: Path, dataset: Dataset, *, wanted: tuple[str, ...]) -> tuple[ibis.Table, dict]:
    """Read a raw table as text under its canonical names.

    Returns
    -------
    raw : ibis.Table
        One row a record: line (int), fields (int, how many cells it has), and one text column for
        each declared column that the file has.
    headers : dict
        columns (canonical name -> header), ignored (headers that no column claims), fields.
    """
    headers, rows = read_rows(path)
    matched = match_columns(headers, dataset, file=path.name, wanted=wanted)
    if not rows:
        raise DataError(f"{path.name} has column names but no rows; expected one line a customer")
    at = {name: headers.index(header) for name, header in matched.items()}
    frame = pd.DataFrame(
        {"line": [line for line, _ in rows], "fields": [len(cells) for _, cells in rows]}
        | {name: [_cell(cells, i) for _, cells in rows] for name, i in at.items()}
    )
    texts = dict.fromkeys(at, "string")
    raw = ibis.memtable(frame, schema={"line": "int64", "fields": "int64", **texts})
    ignored = [header for header in headers if header not in matched.values()]
    return raw, {"columns": matched, "ignored": ignored, "fields": len(headers)}


def _cell(cells: list[str], i: int) -> str:
    return cells[i] if i < len(cells) else ""
