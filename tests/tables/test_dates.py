"""Every format of a date is read alike by the guess and by the engine, and is found again from the texts alone."""

from datetime import date
from typing import get_args

import ibis
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.core.dataset import DateFormat
from segmentation.tables.dates import FORMATS, MONTH, find_formats, read_day, to_day

DAYS = st.lists(st.dates(date(1970, 1, 1), date(2060, 12, 31)), min_size=1, max_size=8)


def _write(day: date, written: str) -> str:
    month = next(word for word, number in MONTH.items() if number == str(day.month))
    text = written.replace("yyyy", str(day.year)).replace("yy", f"{day:%y}").replace("mon", month)
    return text.replace("mm", f"{day:%m}").replace("dd", f"{day:%d}")


@given(DAYS, st.sampled_from(sorted(FORMATS)), st.sampled_from(["", " 00:00", " 3:05 PM", " 23:59:59+02:00"]))
def test_every_format_reads_back_what_it_writes_and_is_found(days, written, time):
    texts = [_write(day, written) + time for day in days]
    assert [read_day(text, written) for text in texts] == days
    assert set(days) <= {read_day(text, one) for text in texts for one in find_formats(pd.Series(texts))}
    assert written in find_formats(pd.Series(texts)) or FORMATS[written][1] in ("dmy", "mdy")


def test_one_expression_reads_every_format_as_the_guess_does():
    days = [date(1970, 1, 1), date(1999, 12, 31), date(2024, 2, 29), date(2012, 9, 4)]
    for written in FORMATS:
        texts = [_write(day, written) for day in days] + ["", "x", "2023-02-30", "31.02.2012", "99/99/2012"]
        found = to_day(ibis.memtable({"cell": texts})["cell"], written).name("day").to_pandas()
        assert [None if pd.isna(day) else pd.Timestamp(day).date() for day in found] == [*days, *[None] * 5], written


def test_dataset_yaml_knows_every_format():
    assert set(get_args(DateFormat)) == set(FORMATS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4-Sep-12", date(2012, 9, 4)),
        ("04 Sep 2012", date(2012, 9, 4)),
        ("Sep 4, 2012", date(2012, 9, 4)),
        ("4. März 2012", date(2012, 3, 4)),
        ("4 de septiembre de 2012", date(2012, 9, 4)),
        ("1er août 2012", date(2012, 8, 1)),
        ("5 października 2012", date(2012, 10, 5)),
        ("2023年5月1日", date(2023, 5, 1)),
        ("2024-01-02T03:04:05Z", date(2024, 1, 2)),
        ("13/01/24", date(2024, 1, 13)),
    ],
)
def test_dates_as_people_write_them(text, expected):
    [written] = find_formats(pd.Series([text]))
    assert read_day(text, written) == expected
    assert str(to_day(ibis.literal(text), written).execute())[:10] == str(expected)


def test_day_and_month_that_cannot_be_told_apart_are_open_until_one_cell_tells():
    open_ = pd.Series(["01/02/2024", "03/04/2024", "12/11/2023"])
    assert find_formats(open_) == ["dd/mm/yyyy", "mm/dd/yyyy"]
    assert find_formats(open_, "mdy") == ["mm/dd/yyyy"]
    assert find_formats(pd.concat([open_, pd.Series(["13/01/2024"])]).sample(frac=1, random_state=1)) == ["dd/mm/yyyy"]


def test_what_is_no_date_is_none():
    for texts in (["1", "2"], ["1.5", "2.25"], ["20", "2024"], ["mall"], ["12345678"], ["030-1234-55"], [""]):
        assert find_formats(pd.Series(texts)) == [], texts


def test_years_of_two_digits_are_not_after_the_latest():
    assert read_day("01.02.45", "dd.mm.yy") == date(2045, 2, 1)
    assert read_day("01.02.45", "dd.mm.yy", date(2024, 1, 1)) == date(1945, 2, 1)
    assert str(to_day(ibis.literal("01.02.45"), "dd.mm.yy", date(2024, 1, 1)).execute())[:10] == "1945-02-01"
