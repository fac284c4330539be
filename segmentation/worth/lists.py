"""The customers of each segment on request: a workbook to look into, and a CSV a segment for whoever writes to them.

They hold customers by their ids, whatever `privacy` says, and are therefore written for those who ask, and never by a
run. How sure each customer is placed stands in them where rows may be shown.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

import ibis
import pandas as pd
import xlsxwriter
from filelock import FileLock, Timeout

from segmentation.core.dataset import Dataset
from segmentation.core.engine import in_batches, opened
from segmentation.core.errors import DataError, SegmentationError
from segmentation.core.figures import width
from segmentation.core.files import DEVICES, harmless, replacing, sweep_halves, write_csv
from segmentation.core.parallel import temporary_folder
from segmentation.customers.counts import identified
from segmentation.language import mark, tr, trc
from segmentation.runs.artifacts import remake_command
from segmentation.runs.manifest import forget_lists, require_unchanged
from segmentation.runs.records import Profile
from segmentation.runs.run import Run
from segmentation.runs.stages import LISTS, WORKBOOK
from segmentation.segments.assign import name_of, told_of
from segmentation.segments.profiles import headed

SHEET_ROWS = 1_048_576  # of a sheet, its heading among them
CELL_LETTERS = 32_767  # of a cell, as UTF-16 counts them
SHEET_LETTERS, FILE_BYTES = 31, 150
PROFILES, DEFINITIONS = mark("Profiles"), mark("Definitions")
OF_EXCEL = "History"  # a name that it takes for itself
OF_SHEETS, OF_FILES = r"[\[\]:*?/\\]", r'[<>:"/\\|?*]'  # what no name may hold
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # letters that nobody sees, or that turn others around
LEAST_WIDE, MOST_WIDE = 8, 60  # letters of a column
BEFORE_TIME = datetime(2000, 1, 1)  # of every workbook, so that two are the same bytes
OF_PRIVATE_ROWS = ("segment", "name", "action")  # what is told of customers whose rows are private
OF_NUMBERS = {"share": "0.0%", "count": "#,##0", "index": "0"}  # of what `headed` calls its columns
AMOUNTS = ((1000, "#,##0"), (10, "#,##0.0"), (0, "0.00"))  # of amounts, by the largest of them


@dataclass(frozen=True)
class Listed:
    """The customers of a segment, and what the sheet and the file are called that list them."""

    profile: Profile
    sheet: str
    file: str
    customers: ibis.Table


def write_lists(
    study: Run, definitions: Callable[[Run], Iterable[Sequence[str]]], too_many: Callable[[int, str], str]
) -> tuple[Listed, ...]:
    """Write segments.xlsx and lists/ of a finished run, in place of those of before.

    Parameters
    ----------
    definitions : function
        What the last sheet says of the run: pairs of a word and its meaning.
    too_many : function
        What a sheet says that cannot hold so many customers: of their number, and the file that does.

    Raises
    ------
    UsageError
        When the run has not been made.
    DataError
        When one of its files, or dataset.yaml, was changed since.
    SegmentationError
        When another process makes the run.
    """
    require_unchanged(study.name, "segmented.parquet", "k_selection.json")
    try:
        with FileLock(study.path(".lock"), blocking=False):
            sweep_halves(study.folder)
            lists = _listed(study)
            forget_lists(study.name)
            comma = study.read("cleaning.json").comma
            for one in lists:
                write_csv(study.path(LISTS) / one.file, one.customers, comma=comma)
            with replacing(study.path(WORKBOOK)) as beside:
                table = headed([one.profile for one in lists], study.dataset, study.read("profiles.json").worth)
                _write_workbook(beside, study.dataset, table, lists, definitions(study), too_many)
    except Timeout as fault:
        raise SegmentationError(f"run {study.name} is being made by another process; wait for it") from fault
    return lists


def _listed(study: Run) -> tuple[Listed, ...]:
    """Return the customers of each segment, in the order of the table."""
    profiles, verdict = study.read("profiles.json").segments, study.read("k_selection.json").verdict
    _require_described(study, profiles[0])
    everyone, key = identified(opened(study.existing("segmented.parquet"))), study.dataset.key
    named = everyone.mutate(
        name=name_of(everyone, {p.segment: p.name for p in profiles}),
        action=name_of(everyone, {p.segment: p.advised(verdict) for p in profiles}),
    )
    named = named.mutate(id=named["id"].cast("string")).rename({key: "id"})
    columns = [key, *(OF_PRIVATE_ROWS if study.private else told_of(named))]
    names = [profile.name for profile in profiles]
    return tuple(
        Listed(profile, sheet, file, named.filter(named["segment"] == profile.segment).select(*columns))
        for profile, sheet, file in zip(profiles, sheet_names(names), file_names(names), strict=True)
    )


def _require_described(study: Run, profile: Profile) -> None:
    """Refuse a dataset.yaml that has lost a column by which the segments are described."""
    gone = [name for name in (*profile.centre, *profile.descriptors) if name not in study.dataset.columns]
    if gone:
        raise DataError(
            f"dataset.yaml was changed since run {study.name} was made: column {gone[0]!r} is gone from there; undo "
            f"that, or make the run again: {remake_command(study.name)}"
        )


def sheet_names(names: Sequence[str]) -> list[str]:
    """Return names for sheets like these: without what Excel forbids, in 31 letters, each another one in any case."""
    cleaned = [re.sub(OF_SHEETS, "-", _seen(name)).strip("' ") for name in names]
    return _distinct(cleaned, SHEET_LETTERS, _letters, (tr(PROFILES), tr(DEFINITIONS), OF_EXCEL))


def file_names(names: Sequence[str]) -> list[str]:
    """Return names of CSV files like these that every system takes: each another one in any case or composition."""
    cleaned = [re.sub(OF_FILES, "-", _seen(name)).strip("-.~' ") for name in names]
    safe = [tr("segment {name}", name=name) if DEVICES.match(name) else name for name in cleaned]
    return [f"{name}.csv" for name in _distinct(safe, FILE_BYTES, lambda text: len(text.encode()))]


def _seen(name: str) -> str:
    """Return the letters of a name that can be seen, composed, with one blank wherever there are some."""
    seen = (" " if letter.isspace() else letter for letter in unicodedata.normalize("NFC", name))
    return " ".join("".join(letter for letter in seen if unicodedata.category(letter) not in UNSEEN).split())


def _letters(text: str) -> int:
    """Return how many letters a text has for Excel, which counts in UTF-16."""
    return len(text.encode("utf-16-le")) // 2


def _distinct(names: Sequence[str], most: int, size: Callable[[str], int], taken: Sequence[str] = ()) -> list[str]:
    """Return names of at most so much, the number of the segment behind those that are another's or nothing."""
    known, found = {_key(name) for name in taken}, []
    for number, name in enumerate(names, 1):
        told, further = _cut(name, most, size), count(number)
        while not told or _key(told) in known:
            behind = f" ({next(further)})"
            told = f"{_cut(name, most - len(behind), size) or tr('segment')}{behind}"
        known.add(_key(told))
        found.append(told)
    return found


def _key(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _cut(name: str, most: int, size: Callable[[str], int]) -> str:
    """Return the start of a name that has room, without half a letter, or what is no end of a name, at its end."""
    end = min(len(name), most)
    while end and (size(name[:end]) > most or unicodedata.category(name[end : end + 1] or "x").startswith("M")):
        end -= 1
    return name[:end].rstrip("'. -")


def _write_workbook(
    path: Path,
    dataset: Dataset,
    table: pd.DataFrame,
    lists: Sequence[Listed],
    definitions: Iterable[Sequence[str]],
    too_many: Callable[[int, str], str],
) -> None:
    """Write a workbook row by row: of however many customers it holds one at a time in memory."""
    with temporary_folder() as folder:
        book = _Book(path, folder, dataset.title)
        forms = [_form(table[name], dataset, of) for name, of in table.attrs["of"].items()]
        book.add(tr(PROFILES), [*table], forms, table.itertuples(index=False), beside=2)
        for one in lists:
            columns = [*one.customers.columns]
            kinds = {"segment": "0", "distance": "0.000", "margin": "0.000", "probability": "0.0%"}
            rows = _rows(one.customers)
            if one.profile.size >= SHEET_ROWS:
                columns, rows = [dataset.key], iter([(too_many(one.profile.size, one.file),)])
            heads = told_heads()
            shown = [heads.get(name, name) for name in columns]
            book.add(one.sheet, shown, [kinds.get(name, "@") for name in columns], rows)
        book.add(tr(DEFINITIONS), [trc("head", "word"), trc("head", "meaning")], ["@", "@"], definitions, wrapped=True)
        book.close()


def _rows(table: ibis.Table) -> Iterator[tuple]:
    for batch in in_batches(table):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def told_heads() -> dict[str, str]:
    """Return what stands over a column of customers, by its name in the CSV files."""
    return {
        "segment": trc("head", "segment"),
        "name": trc("head", "name"),
        "action": trc("head", "action"),
        "distance": trc("head", "distance"),
        "margin": trc("head", "margin"),
        "probability": trc("head", "probability"),
    }


def _form(values: pd.Series, dataset: Dataset, of: tuple[str, str]) -> str:
    """Return the number format of a column of the profiles: texts, percentages, counts, or amounts with their unit."""
    name, kind = of
    if not pd.api.types.is_numeric_dtype(values.convert_dtypes()):
        return "@"
    if kind in OF_NUMBERS:
        return OF_NUMBERS[kind]
    column = dataset.columns[name]
    if column.type == "yes/no":
        return OF_NUMBERS["share"]
    if dataset.holds_years(name):
        return OF_NUMBERS["index"]
    form = next(form for least, form in AMOUNTS if values.abs().max() >= least or not least)
    unit = (column.unit or "").replace('"', "")
    return f'{form}" {unit}"' if unit else form


class _Book:
    """A workbook whose every text is a text, and whose every sheet has a heading that stays in sight."""

    def __init__(self, path: Path, folder: str, title: str) -> None:
        self.book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "tmpdir": folder, "use_zip64": True})
        self.book.set_properties({"title": cell_text(title), "created": BEFORE_TIME})
        self.head = self.book.add_format({"bold": True, "num_format": "@", "valign": "top"})
        self.formats: dict[tuple[str, bool], object] = {}

    def add(
        self,
        name: str,
        columns: list[str],
        forms: list[str],
        rows: Iterable[Sequence],
        *,
        beside: int = 1,
        wrapped: bool = False,
    ) -> None:
        """Add a sheet with these columns, each in its number format, the first ones always in sight."""
        sheet = self.book.add_worksheet(name)
        sheet.freeze_panes(1, beside)
        styles, wide = [self._format(form, wrapped) for form in forms], [width(name) + 2 for name in columns]
        for at, heading in enumerate(columns):
            sheet.write_string(0, at, cell_text(heading), self.head)
        last = 0
        for last, row in enumerate(rows, 1):
            for at, value in enumerate(row):
                wide[at] = max(wide[at], self._write(sheet, last, at, value, styles[at]))
        sheet.autofilter(0, 0, last, len(columns) - 1)
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{SHEET_ROWS}"})
        for at, letters in enumerate(wide):
            sheet.set_column(at, at, min(max(letters, LEAST_WIDE) + 1, MOST_WIDE))

    def _format(self, form: str, wrapped: bool):
        if (form, wrapped) not in self.formats:
            asked = {"num_format": form, "text_wrap": wrapped, "valign": "top"}
            self.formats[form, wrapped] = self.book.add_format(asked)
        return self.formats[form, wrapped]

    @staticmethod
    def _write(sheet, row: int, column: int, value, style) -> int:
        """Write a cell, nothing where there is none, and return its width in letters."""
        if isinstance(value, str):
            text = cell_text(value)
            sheet.write_string(row, column, text, style)
            return width(text[:MOST_WIDE])
        if value is not None and value == value:
            sheet.write_number(row, column, value, style)
        return LEAST_WIDE

    def close(self) -> None:
        """Write the file."""
        self.book.close()


def cell_text(text: str) -> str:
    """Return a text as a cell holds it: no formula where it is copied, no part of the file, and not too long."""
    told = harmless(text)
    told = f"'{told}" if told.startswith("<r>") and told.endswith("</r>") else told  # XlsxWriter takes it for its own
    return told if _letters(told) <= CELL_LETTERS else f"{_cut(told, CELL_LETTERS - 1, _letters)}…"
