"""Tables of text: their encoding, their delimiter, and their rows."""

import codecs
import csv
import io
import json
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import log
from typing import NoReturn

import pandas as pd

from segmentation.core.errors import DataError, as_option

DELIMITERS = ";\t|,"  # of equals the first: a comma may be in amounts
FIRST_LINES, FIRST_LETTERS = 50, 100_000
MOST_LETTERS = csv.field_size_limit()  # of a cell
MOST_COLUMNS = 2_000

# Letters beyond ASCII, the most frequent first, of the languages that an encoding is made for.
WESTERN = ("éàèêçâôîûùïëœ", "óíáéñúü", "ãçáéóíêâõúàô", "èàòùìé", "äüöß", "äöåé", "øåæé", "éëïöü", "íáðéóöúæþý")
CENTRAL = ("łóąężśćńź", "íáěéřčýžšůúťňďó", "áíéčšžýúľťňôďä", "áéöóíőüúű", "čšžćđ", "ăîâţş")
WRITTEN_IN = {  # how likely each is before a letter is read, and its languages
    "cp1252": (1, WESTERN),
    "cp1250": (0.5, CENTRAL),
    "cp1254": (0.5, ("ıüşçğöİâî",)),
    "iso8859-2": (0.1, CENTRAL),
    "latin-1": (0.1, WESTERN),
    "cp1257": (0.1, ("ėįšąųžūčę", "āīēšņļūžķģč")),
    "mac_roman": (0.04, WESTERN),
    "cp850": (0.04, WESTERN),
}
CALLED = {code: f"Windows-{code[2:]}" for code in ("cp1252", "cp1250", "cp1254", "cp1257")} | {
    "iso8859-2": "ISO-8859-2",
    "latin-1": "Latin-1",
    "mac_roman": "Mac Roman",
    "cp850": "CP850",
}
ELSEWHERE = {  # encodings of scripts of which no letter is one of ASCII
    "cp1251": ("CYRILLIC",),
    "koi8-r": ("CYRILLIC",),
    "cp1253": ("GREEK",),
    "gb18030": ("CJK",),
    "shift_jis": ("CJK", "HIRAGANA", "KATAKANA"),
    "big5": ("CJK",),
    "euc_kr": ("HANGUL",),
    "cp1255": ("HEBREW",),
    "cp1256": ("ARABIC",),
}
WORD = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
SHORTEST = 4  # bytes of a word that would hold accented letters alone
VOWEL, CONSONANT = "vowel", "consonant"
FITS = {VOWEL: (0.7, 0.25, 0.05), CONSONANT: (0.5, 0.4, 0.1)}  # by how many neighbours are of the same kind
SOFT = "ńśź"  # before a vowel Polish writes ni, si, zi
BESIDE = {**dict.fromkeys("‚“”„«»‹›…–—·§©®™°¿¡€ªº\xa0", 1), "’": 2, "‘": 2}  # beside how many letters they may stand
FOREIGN_LETTER, STRANGE = 0.002, 0.02
MUCH_LIKELIER = log(20)
UNLIKELY, FEWEST_WORDS, MOST_WORDS = -8, 3, 2_000  # on average over the words
MOST_READINGS = 3
MOSTLY_LETTERS = 0.8


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


def read_text(content: bytes, name: str, encoding: str | None = None) -> Rows:
    text, encoding = decode(content, name, encoding)
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


def rows_of(headers: list[str], rows, name: str) -> Rows:
    """Return rows of values as text, without those that are empty."""
    texts = as_texts(enumerate(rows, start=1), name)
    return Rows(name, [(0, list(headers)), *(pair for pair in texts if any(pair[1]))])


def as_texts(rows, name: str):
    """Yield each (line, cells) with its cells as text, which may be as long as those of a text file."""
    for line, row in rows:
        cells = [_text(value) for value in row]
        longest = max(map(len, cells), default=0)
        if longest > MOST_LETTERS:
            raise DataError(
                f"{name}, row {line}: found a cell of {longest:,} letters, expected {MOST_LETTERS:,} at most"
            )
        yield line, cells


def _text(value) -> str:
    """Return a value as text: a whole number without a point, a date as ISO 8601, nothing as nothing."""
    if isinstance(value, dict | list):
        return json.dumps(value, default=str)
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return ""
    if isinstance(value, float):
        return Number(int(value) if value.is_integer() and abs(value) < 1e15 else repr(float(value)))
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Number(value)
    if isinstance(value, datetime):
        return value.isoformat().removesuffix("T00:00:00")
    return str(value)


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
        raise left_open(name, line, fault) from fault
    return records


def left_open(name: str, line: int, fault: csv.Error) -> DataError:
    """Return what is told where the cells of a text do not end."""
    return DataError(
        f"{name}, line {line}: {fault}; expected cells of text; is a quotation mark left open, or not doubled?"
    )


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


def decode(content: bytes, name: str, encoding: str | None = None) -> tuple[str, str | None]:
    """Return a text, and its encoding when it is not UTF-8: the one that was named, or the one that its letters show.

    Raises
    ------
    DataError
        When it is not in the encoding that was named, or none was and its letters leave open which it is.
    """
    if encoding:
        return _decode_named(content, name, encoding)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace"), "UTF-16"
    if b"\0" in content and (unmarked := _unmarked(content[:FIRST_LETTERS])):
        return content.decode(unmarked, errors="replace"), "UTF-16"
    try:
        return content.decode("utf-8-sig"), None
    except UnicodeDecodeError:
        _refuse_two_encodings(content, name)
    if b"\0" in content:
        return content.decode("latin-1"), None  # no text, whatever its encoding
    found = sorted(set(WORD.findall(content)))
    words = found[:: len(found) // MOST_WORDS + 1]
    best, *others = sorted(_likelihoods(content, words).items(), key=lambda item: -item[1])
    alone = any(len(word) >= SHORTEST and not re.search(rb"[A-Za-z]", word) for word in words)
    if alone or best[1] < UNLIKELY * max(len(words), FEWEST_WORDS):
        _refuse_open(content, name, [*(code for code in ELSEWHERE if _is_of_script(content, code)), best[0]])
    rivals = [code for code, how in others if how > best[1] - MUCH_LIKELIER and not _alike(words, code, best[0])]
    if rivals:
        _refuse_open(content, name, [best[0], *rivals])
    return content.decode(best[0]), CALLED[best[0]]


def _unmarked(start: bytes) -> str | None:
    """Return which UTF-16 a text without a mark is in: one byte of each delimiter, line end and Latin letter is NUL."""
    for encoding, high in (("utf-16-le", 1), ("utf-16-be", 0)):
        text = start[: len(start) // 2 * 2].decode(encoding, errors="replace")
        ends = "\n" in text or "\r" in text or start[high : high + 1] == b"\0"
        plain = any(mark in text for mark in DELIMITERS) and "\0" not in text
        if ends and plain and start[high::2].count(0) > start[1 - high :: 2].count(0):
            return encoding
    return None


def _decode_named(content: bytes, name: str, encoding: str) -> tuple[str, str | None]:
    known = codecs.lookup(encoding).name
    try:
        text = content.decode("utf-8-sig" if known == "utf-8" else known)
    except UnicodeDecodeError as fault:
        line = content[: fault.start].count(b"\n") + 1
        raise DataError(
            f"{name}, line {line}: found a letter that is not {encoding}, the encoding that was named; name another "
            f"one with {as_option('encoding')}, or as encoding: in dataset.yaml"
        ) from None
    return text, None if known == "utf-8" else encoding


def _refuse_open(content: bytes, name: str, codes: list[str]) -> NoReturn:
    """Refuse a text of which its letters leave open how they are written, and show how a cell reads in encodings."""
    cells = [cell for cell in re.split(rb"[,;\t\r\n\"]", content) if re.search(rb"[\x80-\xff]", cell)]
    read = [{code: cell.decode(code, errors="replace").strip() for code in codes} for cell in cells[:FIRST_LINES]]
    at = max(range(len(read)), key=lambda i: len({*read[i].values()}))  # the one that tells them apart best
    first = {text: code for code, text in reversed(read[at].items())}
    likely = [*first.items()][::-1][:MOST_READINGS]
    shown = " or ".join(f"{text[:40]!r} ({as_option('encoding', code)})" for text, code in likely)
    line = content[: content.index(cells[at])].count(b"\n") + 1
    raise DataError(
        f"{name}, line {line}: the table is not UTF-8, and its letters leave open what it is: {shown}; name its "
        f"encoding with {as_option('encoding')}, or as encoding: in dataset.yaml, or save the table as UTF-8"
    )


def _alike(words: list[bytes], one: str, other: str) -> bool:
    return all(word.decode(one) == word.decode(other) for word in words)


def _is_of_script(content: bytes, code: str) -> bool:
    """Return whether what is no ASCII in a text reads as words of the script that an encoding is made for."""
    try:
        words = re.findall(r"[A-Za-z]*[^\x00-\x7f]+[A-Za-z]*", content.decode(code))
    except UnicodeDecodeError:
        return False
    letters = [c for c in "".join(words) if c.isalpha() and not c.isascii()]
    own = all(unicodedata.name(c, "").startswith(ELSEWHERE[code]) for c in letters)
    cased = sum(word in (word.lower(), word.upper(), word.title()) for word in words) > len(words) / 2
    return own and cased and len(letters) > MOSTLY_LETTERS * sum(map(len, words))  # few of ASCII beside them


def _likelihoods(content: bytes, words: list[bytes]) -> dict[str, float]:
    """Return the logarithm of how well some words read in each encoding in which all can be read."""
    found = {}
    for code, (before, languages) in WRITTEN_IN.items():
        try:
            content.decode(code)
        except UnicodeDecodeError:
            continue
        texts = [word.decode(code) for word in words]
        letters = {_small(c) for text in texts for c in text if c.isalpha() and not c.isascii()}
        spoken = (sum(_frequency(c, language) for c in letters) for language in languages)
        found[code] = log(before) + max(spoken) + sum(map(_fit, texts))
    return found


def _small(letter: str) -> str:
    return letter.lower() if len(letter.lower()) == 1 else letter


def _frequency(letter: str, language: str) -> float:
    """Return the logarithm of how frequent a letter is among a language's: the second half as much as the first."""
    rank = language.find(letter) + 1
    return log(1 / rank / sum(1 / i for i in range(1, len(language) + 1))) if rank else log(FOREIGN_LETTER)


def _fit(word: str) -> float:
    """Return the logarithm of how well the letters beyond ASCII fit among their neighbours: vowels among consonants."""
    kinds, fit = [_kind(c) for c in word], 0.0
    for i, (letter, kind) in enumerate(zip(word, kinds, strict=True)):
        if letter.isascii():
            continue
        beside = [*kinds[max(i - 1, 0) : i], *kinds[i + 1 : i + 2]]
        if kind in FITS:
            fit += log(FITS[kind][beside.count(kind)] if beside or kind == VOWEL else STRANGE)
            fit += log(STRANGE) if letter.isupper() and word[:i][-1:].islower() else 0
            fit += log(STRANGE) if letter in SOFT and kinds[i + 1 : i + 2] == [VOWEL] else 0
        elif unicodedata.category(letter) == "Cc" or sum(map(bool, beside)) > BESIDE.get(letter, 0):
            fit += log(STRANGE**2)
    return fit


def _kind(letter: str) -> str:
    """Return whether a letter is a vowel or a consonant; empty for what is none."""
    if not letter.isalpha() or letter in "ªº":
        return ""
    return VOWEL if unicodedata.normalize("NFD", letter)[0].lower() in "aeiouyæœøı" else CONSONANT


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
    """Return the delimiter that the first line names (`sep=;`), else the one by which most of the first lines have one
    width, the wider of equals; a blank if none."""
    if named := re.match(rf'"?sep=([{DELIMITERS}])"?[ \t;,|]*[\r\n]', text, re.I):
        return named[1]
    lines = text[:FIRST_LETTERS].splitlines()[:FIRST_LINES]

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
