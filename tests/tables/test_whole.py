"""No row is lost and no cell is changed, in whatever format a table comes, and by whichever way it is read.

What is read is compared with what was written, by readers of two ways: that of small tables, and that of large ones.
"""

import gzip
import json
import sqlite3
from contextlib import closing
from datetime import datetime
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.core.dataset import Dataset
from segmentation.core.engine import MOST_HELD, in_memory
from segmentation.core.errors import DataError
from segmentation.customers.cleaning import clean
from segmentation.tables.delimited import decode
from segmentation.tables.header import count_rows, find_body
from segmentation.tables.read import read_large, read_small, read_table
from segmentation.tables.sources import locate
from tests.tables.test_fuzz import MONTHLY, tried

COLUMNS = {
    "id": {"role": "id"},
    "city": {"role": "descriptor", "type": "category"},
    "since": {"role": "descriptor", "type": "category"},
    "income": {"role": "feature"},
}
DATASET = Dataset.model_validate({"title": "Shop", "columns": COLUMNS})
ROWS = [(f"K{i}", ("Oslo", "Rome")[i % 2], "2024-01-02", f"{i}.5") for i in range(40)]
TEXT = "\n".join(map(",".join, [tuple(COLUMNS), *ROWS])) + "\n"


def cells_of(path, *, large: bool) -> list[tuple]:
    """Return the cells of a table as text, row by row in the order of the lines, and as numbers where they are."""
    raw, _ = (read_large if large else read_small)(locate("DATA", str(path)), DATASET, wanted=("income",))
    found = raw.order_by("line", "row").select(*COLUMNS).to_pandas()
    found["income"] = found["income"].astype(float)
    return list(found.fillna("").itertuples(index=False, name=None))


def saved(folder, content: str | bytes, name: str = "shop.csv"):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


TRUE = [(*row[:3], float(row[3])) for row in ROWS]
LINES = TEXT.splitlines()
WRITTEN = {
    "a title of one line in quotation marks": '"Our customers, in May"\n' + TEXT,
    "a title of two lines": '"Our customers\nin May"\n' + TEXT,
    "a title of four lines": '"Our\n\ncustomers\nin May"\n' + TEXT,
    "a title of two lines behind a mark of UTF-8": '\ufeff"Our customers\nin May"\n' + TEXT,
    "a title that opens no cell": '5" of snow\n\n' + TEXT,
    "a column name of two lines": TEXT.replace("city", '"city\r\n"', 1),
    "a column name of two lines as Excel writes it": TEXT.replace("\n", "\r\n").replace("city", '"city\n"', 1),
    "line ends of Windows and a title": ('"Our customers\nin May"\n' + TEXT).replace("\n", "\r\n"),
    "two kinds of line ends": "\r\n".join(LINES[:9]) + "\n" + "\n".join(LINES[9:]),
    "three kinds of line ends": "\r\n".join(LINES[:9]) + "\n" + "\n".join(LINES[9:20]) + "\r" + "\n".join(LINES[20:]),
    "an end of Windows behind the names alone": TEXT.replace("\n", "\r\n", 1),
    "line ends of an old Mac": TEXT.replace("\n", "\r"),
    "lines of blanks and rows of nothing": TEXT.replace("\n", "\n  \n,,,\n\t\n"),
}


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("how", WRITTEN)
def test_no_customer_is_lost_below_titles_and_between_line_ends(tmp_path, how, large):
    assert cells_of(saved(tmp_path, WRITTEN[how]), large=large) == TRUE


@pytest.mark.parametrize("large", [False, True])
def test_marks_within_cells_are_letters_at_every_size(tmp_path, large):
    text = TEXT.replace("Oslo", '5" Oslo', 3).replace("Rome", ' "Rome"', 1)
    cities = [city for _, city, *_ in cells_of(saved(tmp_path, text), large=large)]
    assert (cities.count('5" Oslo'), cities.count(' "Rome"'), len(cities)) == (3, 1, 40)


@pytest.mark.parametrize("large", [False, True])
def test_a_mark_left_open_and_a_nul_are_told_in_the_same_words_at_every_size(tmp_path, large):
    with pytest.raises(DataError, match=r"shop.csv, line 2: .*is a quotation mark left open, or not doubled\?"):
        cells_of(saved(tmp_path, TEXT.replace("Oslo", '"Oslo', 1)), large=large)
    with pytest.raises(DataError, match="found a NUL byte, expected text; save the table as CSV"):
        cells_of(saved(tmp_path, TEXT.replace("Oslo", "O\0lo", 1)), large=large)


def test_a_row_that_the_reader_loses_is_refused(tmp_path, monkeypatch):
    def one_more(*what) -> int:
        return count_rows(*what) + 1

    monkeypatch.setattr("segmentation.tables.read.count_rows", one_more)
    with pytest.raises(DataError, match=r"shop.csv: found 40 rows of 41 that its lines and quotation marks make"):
        cells_of(saved(tmp_path, TEXT), large=True)


def test_rows_are_counted_in_pieces_of_any_length(tmp_path, monkeypatch):
    text = TEXT.replace("Rome", '"Ro\r\n""me"', 9).replace("\n", "\r\n").replace("\r\r", "\r") + "\r\n\r\n"
    body = find_body(text.encode(), ",", 1)
    assert (body.lines, body.records) == (1, 1)
    for length in (1, 2, 3, 7, 64, 10_000):
        monkeypatch.setattr("segmentation.tables.header.PIECE", length)
        assert count_rows(saved(tmp_path, text), body, ",") == 40


@pytest.mark.parametrize("names", ["客户编号,城市\n一,二\n", "Кто;Город\nя;ты\n", "id\tcity\nŁ\té\n", "顧客;x\r1;2\r"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_read_whatever_its_first_letter(names, encoding):
    assert decode(names.encode(encoding), "shop.csv") == (names, "UTF-16")


def test_a_nul_in_other_text_does_not_make_it_utf_16():
    assert decode(b"id,city\nab,c\0\n", "shop.csv") == ("id,city\nab,c\0\n", None)


MIDNIGHT = [datetime(2024, 1, 2, tzinfo=ZoneInfo("Europe/Berlin"))] * 39 + [None]
TYPES = {
    "bytes": lambda t: t.set_column(0, "id", t["id"].cast(pa.binary())),
    "long bytes": lambda t: t.set_column(0, "id", t["id"].cast(pa.large_binary())),
    "bytes of one length": lambda t: t.set_column(1, "city", t["city"].cast(pa.binary()).cast(pa.binary(4))),
    "a dictionary": lambda t: t.set_column(1, "city", t["city"].dictionary_encode()),
    "a dictionary of bytes": lambda t: t.set_column(1, "city", t["city"].cast(pa.binary()).dictionary_encode()),
    "midnight in a zone": lambda t: t.set_column(2, "since", pa.array(MIDNIGHT, pa.timestamp("us", "Europe/Berlin"))),
    "midnight somewhere": lambda t: t.set_column(
        2, "since", pa.array([d and d.replace(tzinfo=None) for d in MIDNIGHT])
    ),
    "a day": lambda t: t.set_column(2, "since", pa.array([d and d.date() for d in MIDNIGHT])),
}


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("kind", TYPES)
def test_text_is_text_and_a_day_that_day_whatever_its_type_in_parquet(tmp_path, kind, large):
    columns = dict(zip(COLUMNS, zip(*TRUE, strict=True), strict=True))
    columns["since"] = [*columns["since"][:-1], None]
    pq.write_table(TYPES[kind](pa.table(columns)), tmp_path / "shop.parquet")
    assert cells_of(tmp_path / "shop.parquet", large=large) == [*TRUE[:-1], (*TRUE[-1][:2], "", TRUE[-1][3])]


@pytest.mark.parametrize("large", [False, True])
def test_bytes_that_are_no_text_are_refused(tmp_path, large):
    pq.write_table(pa.table({"id": [b"\xff\xfe\x80"] * 3, "income": [1.5, 2, 3]}), tmp_path / "shop.parquet")
    with pytest.raises(DataError, match=r"shop.parquet: column 'id' holds bytes that are no text; write it as text"):
        cells_of(tmp_path / "shop.parquet", large=large)


MANY = MOST_HELD + 1


@pytest.mark.parametrize("form", ["csv", "sqlite", *(["csv.gz", "jsonl"] if MONTHLY else [])])
def test_a_table_of_many_rows_lies_on_the_disk_in_whatever_format_it_came(tmp_path, form):
    path = tmp_path / f"shop.{form}"
    if form == "sqlite":
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("create table shop (id, income)")
            database.executemany("insert into shop values (?, ?)", ((i, i % 97 + 0.5) for i in range(MANY)))
    else:
        line = '{{"id": {0}, "income": {1}.5}}' if form == "jsonl" else "{0},{1}.5"
        text = "\n".join([*["id,income"][: form != "jsonl"], *(line.format(i, i % 97) for i in range(MANY))])
        path.write_bytes(gzip.compress(text.encode(), 1) if form == "csv.gz" else text.encode())
    dataset = Dataset.model_validate({"title": "Shop", "columns": {n: COLUMNS[n] for n in ("id", "income")}})
    raw, headers = read_table(locate("DATA", str(path)), dataset, wanted=("income",))
    assert not in_memory(raw)
    found = clean(raw, dataset, features=("income",), headers=headers, file=path.name)
    assert (found.account.rows_in, found.account.clean) == (MANY, MANY)
    assert len(found.customers.sample) == MOST_HELD


CITIES = ["Oslo", "Łódź", "東京", 'the "inn"', '"', "a\nb", "a\r\nb", "a;b", "a,b", "a\tb", "x'y", "5", "-", ""]
TABLES = st.lists(
    st.tuples(st.sampled_from([*["Oslo", "Rome"] * 8, *CITIES]), st.integers(-999, 9999).map(lambda n: n + 0.5)),
    min_size=12,
    max_size=40,
)
TITLES = ["", "Our customers", '"Our\ncustomers"', '"A ""shop"", \n\nits customers"']


def _text_of(rows: list[tuple], how: dict) -> bytes:
    """Write rows by the rules of CSV (RFC 4180), with no library."""

    def cell(value) -> str:
        text = str(value)
        marked = how["quoted"] or any(mark in text for mark in (how["delimiter"], '"', "\n", "\r"))
        return '"' + text.replace('"', '""') + '"' if marked else text

    lines = [how["title"]] * bool(how["title"]) + [how["delimiter"].join(map(cell, row)) for row in rows]
    ends = [how["end"]] * len(lines)
    ends[how["other"] % len(ends)] = how["other_end"] or how["end"]
    return ("\ufeff" * how["marked"] + "".join(map(str.__add__, lines, ends))).encode()


def _written(folder, form: str, rows: list[tuple], how: dict):
    names, path = tuple(COLUMNS), folder / f"shop.{form}"
    frame = pd.DataFrame(rows, columns=names)
    path.unlink(missing_ok=True)
    if form in ("csv", "csv.gz"):
        content = _text_of([names, *rows], how)
        path.write_bytes(gzip.compress(content) if form == "csv.gz" else content)
    elif form == "jsonl":
        path.write_text("\n".join(json.dumps(dict(zip(names, row, strict=True))) for row in rows))
    elif form == "parquet":
        table = pa.Table.from_pandas(frame, preserve_index=False)
        pq.write_table(table.set_column(1, "city", table["city"].cast(how["type"])), path)
    elif form == "sqlite":
        with closing(sqlite3.connect(path)) as database:
            frame.to_sql("shop", database, index=False)
    elif form == "duckdb":
        with duckdb.connect(path) as database:
            database.register("frame", frame)
            database.execute("create table shop as select * from frame")
    else:
        frame.to_excel(path, index=False)
    return path


@pytest.mark.parametrize("form", ["csv", "csv.gz", "jsonl", "parquet", "sqlite", "duckdb", "xlsx"])
@tried("formats")
@given(
    rows=TABLES,
    how=st.fixed_dictionaries(
        {
            "delimiter": st.sampled_from(",;\t|"),
            "quoted": st.booleans(),
            "marked": st.booleans(),
            "title": st.sampled_from(TITLES),
            "end": st.sampled_from(["\n", "\r\n", "\r"]),
            "other": st.integers(0, 20),
            "other_end": st.sampled_from([None, None, "\n", "\r\n", "\n\n"]),
            "type": st.sampled_from([pa.string(), pa.binary(), pa.dictionary(pa.int8(), pa.string())]),
        }
    ),
)
def test_a_random_table_of_known_truth_is_read_whole_in_every_format_and_at_every_size(tmp_path, form, rows, how):
    rows = [(f"K{i}", city, "2024-01-02", income) for i, (city, income) in enumerate(rows)]
    path = _written(tmp_path, form, rows, how)
    for large in (False, True)[: 1 if form in ("jsonl", "xlsx") else 2]:
        found = cells_of(path, large=large)
        if form == "xlsx":  # a sheet knows one line end
            rows = [(row[0], row[1].replace("\r\n", "\n"), *row[2:]) for row in rows]
            found = [(row[0], row[1].replace("\r\n", "\n"), *row[2:]) for row in found]
        assert found == rows
