"""The formats in which tables come: text, spreadsheets, Parquet, JSON lines, archives, databases; as rows of text."""

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass

from segmentation.core.errors import DataError

DELIMITERS = ";\t|,"  # of equals the first: a comma may be in amounts
FIRST_LINES = 50
MOST_LETTERS = csv.field_size_limit()  # of a cell
MOST_COLUMNS = 2_000


class Number(str):
    """A cell that was a number in its file, written with a point: nobody has to guess what its marks mean."""

    __slots__ = ()


@dataclass(frozen=True)
class Rows:
    """The rows of one file, as text.

    records : (line, cells) of each row that is not blank; the first may be a title or the header.
    encoding : of a text file that is not UTF-8.
    delimiter : of a text file.
    """

    file: str
    records: list[tuple[int, list[str]]]
    encoding: str | None = None
    delimiter: str | None = None


def read_text(content: bytes, name: str) -> Rows:
    text, encoding = decode(content, name)
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise DataError(f"{name}, line {line}: found a NUL byte, expected text; save the table as CSV (UTF-8)")
    delimiter = _delimiter(text)
    if delimiter == " ":
        records = [(i, line.split()) for i, line in enumerate(text.splitlines(), start=1) if line.strip()]
        return Rows(name, records, encoding=encoding, delimiter=delimiter)
    lines = list(io.StringIO(text, newline=""))
    records = _parse(lines, delimiter, name)
    _refuse_swallowed(records, lines, delimiter, name)
    return Rows(name, records, encoding=encoding, delimiter=delimiter)


def _parse(lines: list[str], delimiter: str, name: str) -> list[tuple[int, list[str]]]:
    """Return (line on which it starts, cells) of each record that is not blank."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    records, line = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                records.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as fault:
        raise DataError(
            f"{name}, line {line}: {fault}; expected cells of text; is a quotation mark left open, or not doubled?"
        ) from fault
    return records


def _refuse_swallowed(records: list[tuple[int, list[str]]], lines: list[str], delimiter: str, name: str) -> None:
    """Refuse a cell that holds whole rows, because a quotation mark was opened in one and closed in another."""
    width = max(Counter(len(cells) for _, cells in records).items(), key=lambda item: item[::-1], default=(0, 0))[0]
    for line, cells in records:
        inner = [part for cell in cells if "\n" in cell or "\r" in cell for part in cell.splitlines()[1:]]
        whole = lines[line - 1 : line + len(inner)]
        rows = all(part.count(delimiter) == width - 1 for part in whole)
        if width > 1 and inner and (rows or any(part.count(delimiter) >= width - 1 for part in inner)):
            raise DataError(
                f"{name}, line {line}: a quotation mark opens a cell that holds the rows below it; expected one row a "
                "line; remove the mark, or double it"
            )


def decode(content: bytes, name: str) -> tuple[str, str | None]:
    """Return a text, and its encoding when it is not UTF-8."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace"), "UTF-16"
    if content[1:2] == b"\0" or content[:1] == b"\0":
        encoding = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
        return content.decode(encoding, errors="replace"), "UTF-16"
    try:
        return content.decode("utf-8-sig"), None
    except UnicodeDecodeError:
        _refuse_two_encodings(content, name)
    try:
        text, encoding = content.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError:
        text, encoding = content.decode("latin-1"), "Latin-1"
    _refuse_other_script(text, encoding, name)
    return text, encoding


def _refuse_other_script(text: str, encoding: str, name: str) -> None:
    """Refuse Cyrillic, Greek or other letters, which one byte a letter turns into words of accents alone."""
    words = re.findall(r"[^\W\d_]{3,}", text)
    strange = [word for word in words if not re.search("[a-zA-Z]", word)]
    if strange and "\0" not in text:
        line = text[: text.index(strange[0])].count("\n") + 1
        raise DataError(
            f"{name}, line {line}: read as {encoding}, a word would have accented letters alone; it is another "
            "encoding; save the table as UTF-8"
        )


def _refuse_two_encodings(content: bytes, name: str) -> None:
    """Refuse UTF-8 with a few bytes of another encoding, which would turn each of its letters into two."""
    text = content.decode("utf-8", errors="replace")
    wrong = text.count("\ufffd")
    if sum(letter > "\x7f" for letter in text) >= 2 * wrong:  # the wrong ones are letters too
        line = text[: text.index("\ufffd")].count("\n") + 1
        raise DataError(
            f"{name}, line {line}: found a letter that is not UTF-8, in a file whose other letters are; expected one "
            "encoding; mend the letter, or save the table as UTF-8"
        )


def _delimiter(text: str) -> str:
    """Return the delimiter by which most of the first lines have one width, the wider of equals; a blank if none."""
    lines = text[:100_000].splitlines()[:FIRST_LINES]

    def regularity(rows: list[list[str]]) -> tuple[int, int]:
        widths = Counter(len(row) for row in rows if len(row) > 1)
        return max(((n, width) for width, n in widths.items()), default=(0, 0))

    def parse(delimiter: str) -> list[list[str]]:
        try:
            return list(csv.reader(lines, delimiter=delimiter))
        except csv.Error:
            return []

    scores = {delimiter: regularity(parse(delimiter)) for delimiter in DELIMITERS}
    best = max(scores, key=lambda delimiter: scores[delimiter])
    blanks = regularity([line.split() for line in lines])[0]
    if blanks == sum(bool(line.strip()) for line in lines) and 2 * scores[best][0] < blanks:
        return " "
    return best if scores[best][0] else ","
