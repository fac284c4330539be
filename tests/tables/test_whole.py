"""No row is lost and no cell is changed, in whatever format a table comes, and by whichever way it is read.

What is read is compared with what was written, by readers of two ways: that of small tables, and that of large ones.
"""

import pytest

from segmentation.core.dataset import Dataset
from segmentation.core.errors import DataError
from segmentation.tables.delimited import count_rows, find_body
from segmentation.tables.read import read_large, read_small
from segmentation.tables.sources import locate

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
        monkeypatch.setattr("segmentation.tables.delimited.PIECE", length)
        assert count_rows(saved(tmp_path, text), body, ",") == 40
