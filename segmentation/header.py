"""The line of the column names, and what stands above and beside a table."""

import re
from collections import Counter

from segmentation.dataset import LONGEST_NAME, key, key_without_unit
from segmentation.errors import DataError
from segmentation.formats import MOST_COLUMNS, SAMPLE, Rows

MOST_STRAY = 2
YEAR = r"\s*(19|20)[0-9]{2}\s*$"
NUMBER = r"[+\-]?[0-9][0-9.,]*"


def split_header(part: Rows, known: frozenset[str]) -> tuple[list[str], list[tuple[int, list[str]]], dict]:
    """Part a table from its column names, and from what stands above and beside it.

    Parameters
    ----------
    known : frozenset of str
        How the column names may be spelt (`header_keys`); empty where nobody knows.

    Returns
    -------
    headers : list of str
    rows : list of (line, cells)
    notes : dict
        above and beside: how many lines hold a title or a note.

    Raises
    ------
    DataError
        When there is no line of column names, one name stands twice or is too long, there are too many, or most rows
        have more cells than names.
    """
    if not part.records:
        raise DataError(f"{part.file} is empty; expected a line of column names and one line a customer")
    at = _place([cells for _, cells in part.records[:SAMPLE]], known)
    line, cells = part.records[at]
    if _filled_to(cells) > MOST_COLUMNS or max(map(len, cells)) > LONGEST_NAME:
        raise DataError(
            f"{part.file}, line {line}: found {_filled_to(cells):,} column names, the longest of "
            f"{max(map(len, cells)):,} letters; expected at most {MOST_COLUMNS:,} of {LONGEST_NAME:,} letters"
        )
    below = part.records[at + 1 :]
    _refuse_rows_above(part, at)
    if not known:
        _refuse_numbers(part.file, line, cells, [row for _, row in below])
    width = _width(part.file, line, cells, below)
    headers = [cell.strip() or f"column {i}" for i, cell in enumerate(cells[:width], start=1)]
    repeated = sorted({header for header in headers if headers.count(header) > 1})
    if repeated:
        raise DataError(f"{part.file}, line {line}: the column names {repeated} stand more than once; rename them")
    rows = [(number, row[:width] if _ends(row, width, len(cells)) else row) for number, row in below]
    beside = sum(len(cut) == width < _filled_to(row) for (_, cut), (_, row) in zip(rows, below, strict=True))
    return headers, rows, {"above": at, "beside": beside}


def _place(rows: list[list[str]], known: frozenset[str]) -> int:
    """Return which row holds the names: the one with most known ones, else the first that is no title."""
    hits = [len({spelt for cell in row for spelt in (key(cell), key_without_unit(cell))} & known) for row in rows]
    if max(hits):
        return hits.index(max(hits))
    filled = [_filled(row) for row in rows]
    return next(i for i, n in enumerate(filled) if 2 * n > _usual(filled))


def _filled(row: list[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _filled_to(row: list[str]) -> int:
    return max((i for i, cell in enumerate(row, start=1) if cell.strip()), default=0)


def _usual(filled: list[int]) -> int:
    """Return how many cells most rows have, the more of equals."""
    return max((n, filled_cells) for filled_cells, n in Counter(filled).items())[1]


def _refuse_rows_above(part: Rows, at: int) -> None:
    filled = [_filled(cells) for _, cells in part.records[: SAMPLE + at]]
    full = [line for (line, _), n in zip(part.records[:at], filled, strict=False) if 2 * n > _usual(filled)]
    if full:
        raise DataError(
            f"{part.file}, line {full[0]}: found a row as full as the table above the column names, which stand in "
            f"line {part.records[at][0]}; expected a title at most; remove it, or bring the names to the first line"
        )


def _refuse_numbers(file: str, line: int, cells: list[str], below: list[list[str]]) -> None:
    """Refuse a first customer for column names: a number above numbers, unless it counts the columns or is a year."""
    for i, cell in enumerate(cells):
        if re.fullmatch(NUMBER, cell.strip()) and cell.strip() not in (str(i), str(i + 1)) and not re.match(YEAR, cell):
            column = [row[i].strip() for row in below if i < len(row) and row[i].strip()]
            if 2 * sum(bool(re.fullmatch(NUMBER, value)) for value in column) > len(column):
                raise DataError(
                    f"{file}, line {line}: found {cell!r} among the column names, above other numbers; expected words; "
                    "is the line of column names missing?"
                )


def _width(file: str, line: int, cells: list[str], below: list) -> int:
    """Return how many columns the table has: those with a name, and those without one that most rows fill."""
    width, half = _filled_to(cells), len(below) / 2
    longer = [(number, row) for number, row in below if _filled_to(row) > len(cells)]
    if len(longer) > max(half, MOST_STRAY):
        number, row = longer[0]
        raise DataError(
            f"{file}, line {number}: found {_filled_to(row)} cells, expected the {width} of the column names in line "
            f"{line}, and most rows are like that; is a name missing, or a decimal comma not in quotation marks?"
        )
    filled = Counter(i for _, row in below for i in range(width, min(len(row), len(cells))) if row[i].strip())
    return max([width, *(i + 1 for i, n in filled.items() if n > half)])


def _ends(row: list[str], width: int, whole: int) -> bool:
    """Return whether a row ends with the table: what follows is empty, or a note that a blank cell keeps apart."""
    return len(row) > width and (_filled_to(row) <= width or (len(row) <= whole and not row[width].strip()))
