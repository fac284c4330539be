"""The line of the column names, what stands above and beside a table, and how many rows of text stand below."""

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segmentation.core.dataset import RESERVED, Column, Dataset
from segmentation.core.errors import DataError
from segmentation.core.text import LONGEST_NAME, key, key_without_unit, other_amount, suggest
from segmentation.tables.delimited import FIRST_LINES, MOST_COLUMNS, Rows, left_open

PIECE = 16_000_000  # bytes that are counted at once
NEW_LINE, RETURN, QUOTE = b'\n\r"'
MOST_STRAY = 2
YEAR = r"\s*(19|20)[0-9]{2}\s*$"
PLAIN_NUMBER = r"[+\-]?[0-9][0-9.,]*"
# Letters that are no Latin ones with an accent, and how they are written in Latin ones.
LATIN = dict(
    zip(
        "łøđðþæœßıəħŋабвгдежзиклмнопрстуфхцчшщъыьэюяієґђјљњћџαβγδεζηθικλμνξοπρσςτυφχψω",
        "l o d d th ae oe ss i e h n a b v g d e zh z i k l m n o p r s t u f kh ts ch sh shch - y - e yu ya i e g dj "
        "j lj nj c dz a v g d e z i th i k l m n x o p r s s t y f ch ps o".replace("-", "").split(" "),
        strict=True,
    )
)


def match_columns(headers: list[str], dataset: Dataset, *, file: str, wanted: tuple[str, ...]) -> dict[str, str]:
    """Match a table's headers to canonical names by name and alias.

    Case, spaces and punctuation do not count, nor does a unit, in brackets or behind.

    Returns
    -------
    dict
        Canonical name -> header, for every declared column that is present.

    Raises
    ------
    DataError
        When a wanted column is missing, or a column is present twice.
    """
    matched: dict[str, str] = {}
    for spelling in (str, key, key_without_unit):
        meant = Counter(text for name, c in dataset.columns.items() for text in _spellings_of(name, c, spelling))
        for name, column in dataset.columns.items():
            if name in matched and spelling is not key:
                continue
            own = {text for text in _spellings_of(name, column, spelling) if meant[text] == 1}
            others = [header for header in headers if spelling(header) in own and header not in matched.values()]
            found = [*([matched[name]] if name in matched else []), *others]
            if len(found) > 1:
                raise DataError(f"{file}: columns {found} both mean {name!r}; rename or remove one of them")
            if others:
                matched[name] = others[0]
                _refuse_other_unit(others[0], name, column, file, spelling)
    missing = [name for name in wanted if name not in matched]
    if missing:
        free = [header for header in headers if header not in matched.values()]
        asked = [_as_written(name, dataset.columns[name]) for name in missing]
        tells = " ".join(f"{name!r} is missing{suggest(name, free)}" for name in asked)
        raise DataError(
            f"{file}: {tells} Found: {', '.join(map(repr, headers))}. "
            "Rename the column, or add its header to the aliases in dataset.yaml."
        )
    return {name: matched[name] for name in dataset.columns if name in matched}


def _as_written(name: str, column: Column) -> str:
    """Return what a missing column is called: where its name was made from a header, by that one."""
    label = column.label or ""
    headers = [re.sub(r"\s*[(\[（][^)\]）]+[)\]）]", "", text) for text in column.aliases]
    return label if label and (_name(label, 0) == name or [label] == headers) else column.headers(name)[0]


def _refuse_other_unit(header: str, name: str, column: Column, file: str, spelling) -> None:
    """Refuse a header that matches but for its unit, when that unit is another multiple or another currency."""
    told = re.search(r"[(\[（]([^)\]）]+)[)\]）]", header)
    if spelling is key_without_unit and told and column.unit and other_amount(column.unit, told[1]):
        raise DataError(
            f"{file}: column {header!r} is in {told[1]}, dataset.yaml says {column.unit} for {name!r}; mend the "
            "unit in dataset.yaml, or the table"
        )


def header_keys(dataset: Dataset) -> frozenset[str]:
    """Return how the headers of the declared columns may be spelt."""
    columns = dataset.columns.items()
    return frozenset().union(*(_spellings_of(name, c, how) for name, c in columns for how in (key, key_without_unit)))


def _spellings_of(name: str, column: Column, spelling) -> set[str]:
    """Return the keys of a column's headers, alone and with its unit behind."""
    texts = column.headers(name)
    texts += [f"{text}{word}{column.unit}" for text in texts for word in ("", "in") if column.unit]
    return {spelling(text) for text in texts} - {""}


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
    at = _place([cells for _, cells in part.records[:FIRST_LINES]], known)
    line, cells = part.records[at]
    _refuse_many(part.file, line, cells)
    below = part.records[at + 1 :]
    _refuse_rows_above(part, at)
    if not known:
        _refuse_numbers(part.file, line, cells, [row for _, row in below])
    width = _width(part.file, line, cells, below)
    headers = [cell.strip() or f"column {i}" for i, cell in enumerate(cells[:width], start=1)]
    _refuse_unusable(part.file, line, headers)
    rows = [(number, row[:width] if _ends(row, width, len(cells)) else row) for number, row in below]
    beside = sum(cut is not row and width < _filled_to(row) for (_, cut), (_, row) in zip(rows, below, strict=True))
    return headers, rows, {"above": at, "beside": beside}


def require_names(file: str, names: list[str]) -> None:
    """Refuse column names of a file that has them apart from its rows: too many or too long ones, or two alike.

    Raises
    ------
    DataError
        With the names.
    """
    _refuse_many(file, 0, names)
    _refuse_unusable(file, 0, names)


def _refuse_many(file: str, line: int, cells: list[str]) -> None:
    found, longest = _filled_to(cells), max(map(len, cells))
    if found > MOST_COLUMNS or longest > LONGEST_NAME:
        raise DataError(
            f"{file}, line {line}: found {found:,} column names, the longest of {longest:,} letters; expected at most "
            f"{MOST_COLUMNS:,} of {LONGEST_NAME:,} letters"
        )


def _refuse_unusable(file: str, line: int, headers: list[str]) -> None:
    """Refuse names that stand twice, that an engine cannot tell apart, or that it uses itself."""
    repeated = sorted({header for header in headers if headers.count(header) > 1})
    if repeated:
        raise DataError(f"{file}, line {line}: the column names {repeated} stand more than once; rename them")
    small = [header.lower() for header in headers]
    alike = [header for header in headers if small.count(header.lower()) > 1]
    if alike:
        raise DataError(f"{file}, line {line}: the column names {alike} differ in case alone; rename one of them")
    own = [header for header in headers if header.lower().startswith("_its_") or header.lower() == "file_row_number"]
    if own:
        raise DataError(f"{file}, line {line}: the column names {own} are used by the engine; rename them")


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
    filled = len(row)
    while filled and not row[filled - 1].strip():
        filled -= 1
    return filled


def _usual(filled: list[int]) -> int:
    """Return how many cells most rows have, the more of equals."""
    return max((n, filled_cells) for filled_cells, n in Counter(filled).items())[1]


def _refuse_rows_above(part: Rows, at: int) -> None:
    filled = [_filled(cells) for _, cells in part.records[: FIRST_LINES + at]]
    full = [line for (line, _), n in zip(part.records[:at], filled, strict=False) if 2 * n > _usual(filled)]
    if full:
        raise DataError(
            f"{part.file}, line {full[0]}: found a row as full as the table above the column names, which stand in "
            f"line {part.records[at][0]}; expected a title at most; remove it, or bring the names to the first line"
        )


def _refuse_numbers(file: str, line: int, cells: list[str], below: list[list[str]]) -> None:
    """Refuse a first customer for column names: a number above numbers, unless it counts the columns or is a year."""
    for i, cell in enumerate(cells):
        if (
            re.fullmatch(PLAIN_NUMBER, cell.strip())
            and cell.strip() not in (str(i), str(i + 1))
            and not re.match(YEAR, cell)
        ):
            column = [row[i].strip() for row in below if i < len(row) and row[i].strip()]
            if 2 * sum(bool(re.fullmatch(PLAIN_NUMBER, value)) for value in column) > len(column):
                raise DataError(
                    f"{file}, line {line}: found {cell!r} among the column names, above other numbers; expected words; "
                    "is the line of column names missing?"
                )


def _width(file: str, line: int, cells: list[str], below: list) -> int:
    """Return how many columns the table has: those with a name, and those without one that most rows fill."""
    width, half = _filled_to(cells), len(below) / 2
    longer = [(number, row) for number, row in below if len(row) > len(cells) < _filled_to(row)]
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


def names_of(headers: list[str]) -> list[str]:
    """Return a canonical name for each header, each of them once."""
    wished, names = [_name(header, i) for i, header in enumerate(headers, start=1)], []
    for i, name in enumerate(wished, start=1):
        free = wished.count(name) == 1 and name not in RESERVED
        names.append(name if free else numbered(name, i, wished))
    return names


def numbered(name: str, i: int, taken: Iterable[str]) -> str:
    """Return a name with the number of its column, which none of those that are taken has."""
    numbered = f"{name}_{i}"
    while numbered in taken:
        numbered += "_"
    return numbered


def _name(header: str, i: int) -> str:
    plain = re.sub(r"[(\[（].*?[)\]）]", "", header)
    plain = "".join("_" * (before.islower() and c.isupper()) + c for before, c in zip(f" {plain}", plain, strict=False))
    plain = re.sub(r"[^a-z0-9]+", "_", _in_latin(plain)).strip("_")
    return plain if re.match(r"[a-z]", plain) else f"column_{i}"


def _in_latin(text: str) -> str:
    """Return a text in small Latin letters without accents; what has no such letters is left as it is."""
    bare = (c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return "".join(LATIN.get(c, c) for c in bare)


@dataclass(frozen=True)
class Body:
    """Where the rows of a text are, below its titles and column names.

    lines, records : how many of both end with the column names; a record in quotation marks may have several lines.
    start : the byte behind them.
    ends : with which ends of lines.
    """

    lines: int
    records: int
    start: int
    ends: frozenset[bytes]


def find_body(head: bytes, delimiter: str, line: int) -> Body:
    """Return where the rows are, below the column names that begin on a line."""
    lines = head.splitlines(keepends=True)
    texts = [text.decode("utf-8-sig", errors="replace") for text in lines]
    reader, records, first = csv.reader(texts, delimiter=delimiter), 0, 0
    while first < line:
        first = reader.line_num + 1
        next(reader)
        records += 1
    above = lines[: reader.line_num]
    ends = {line[len(line.rstrip(b"\r\n")) :][-2:] for line in above}  # in cells too: the engine takes them for others
    return Body(reader.line_num, records, sum(map(len, above)), frozenset(ends - {b""}))


def count_rows(path: Path, body: Body, delimiter: str) -> int | None:
    """Count the rows of a text by its bytes, whoever reads it: those that are not blank, outside of quotation marks.

    Returns
    -------
    int or None
        None where it needs a slower reader: rows end in several ways, a mark stands within a cell or is left open.

    Raises
    ------
    DataError
        When a byte is NUL.
    """
    rows, ends, inside, behind, last = 0, {*body.ends}, False, True, NEW_LINE
    may_open = np.isin(np.arange(256), [ord(delimiter), NEW_LINE, RETURN, QUOTE])
    with path.open("rb") as file:
        file.seek(body.start)
        while piece := file.read(PIECE):
            while piece.endswith(b"\r") and (more := file.read(1)):
                piece += more
            if b"\0" in piece:
                raise DataError(f"{path.name}: found a NUL byte, expected text; save the table as CSV (UTF-8)")
            letters = np.frombuffer(piece, np.uint8)
            parts = letters == NEW_LINE
            if b"\r" in piece:
                parts |= letters == RETURN
            if inside or b'"' in piece:
                marks = letters == QUOTE
                held = np.logical_xor.accumulate(marks) ^ inside
                opened = np.flatnonzero(marks & held)
                if not may_open[np.where(opened > 0, letters[opened - 1], last)].all():
                    return None
                parts &= ~held
                inside = bool(held[-1])
            ends |= _ends_of(letters, parts)
            rows += int(np.count_nonzero(parts[:-1] & ~parts[1:])) + int(behind and not parts[0])
            behind, last = bool(parts[-1]), int(letters[-1])
    return None if inside or len(ends) > 1 else rows


def _ends_of(letters: np.ndarray, parts: np.ndarray) -> set[bytes]:
    """Return in which ways rows end where `parts` says that one does."""
    returns = parts & (letters == RETURN)
    feeds, pairs = (
        int(np.count_nonzero(parts & ~returns)),
        int(np.count_nonzero(returns[:-1] & ~returns[1:] & parts[1:])),
    )
    found = {b"\r\n": pairs, b"\n": feeds - pairs, b"\r": int(np.count_nonzero(returns)) - pairs}
    return {end for end, n in found.items() if n}


def write_anew(path: Path, body: Body, delimiter: str, copy: Path) -> int:
    """Write the rows of a text as every reader takes them: all cells quoted, one line end; return how many there are.

    Raises
    ------
    DataError
        When it is not UTF-8, or a quotation mark is left open.
    """
    rows, line = 0, 1
    with path.open(encoding="utf-8-sig", newline="") as text, copy.open("w", encoding="utf-8", newline="") as anew:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        writer = csv.writer(anew, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
        try:
            for number, cells in enumerate(reader, start=1):
                if number > body.records and any(cell.strip() for cell in cells):
                    writer.writerow(cells)
                    rows += 1
                line = reader.line_num + 1
        except csv.Error as fault:
            raise left_open(path.name, line, fault) from fault
        except UnicodeDecodeError as fault:
            raise DataError(f"{path.name} holds letters that are not UTF-8, below line {line}; convert it") from fault
    return rows
