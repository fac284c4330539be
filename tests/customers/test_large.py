"""Large tables: read, cleaned and counted by the engine as small ones are in memory."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise, product

import ibis
import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from segmentation.core.dataset import Dataset
from segmentation.core.engine import MOST_HELD, ROWS_A_GROUP, connect_duckdb, held, in_batches, opened, write
from segmentation.core.errors import DataError
from segmentation.core.files import sha256, write_csv, write_parquet, write_text
from segmentation.customers.cleaning import clean, fingerprint, require_enough, with_sample
from segmentation.customers.counts import (
    Grouping,
    bin_of,
    log_edges,
    round_edges,
)
from segmentation.customers.customers import HANDED_ON, keep_customers, open_customers
from segmentation.customers.exploring import lump
from segmentation.customers.purchases import raw_dataset
from segmentation.customers.refused import CLOSE, is_ascending, marked_twice, repeated
from segmentation.customers.tell import trust
from segmentation.runs.records import Placement
from segmentation.runs.run import Run
from segmentation.segments.assign import assign_rows, open_segmented, rescaled, write_segments
from segmentation.tables.formats import HEAD, LARGE_TEXT
from segmentation.tables.read import read_large, read_rows, read_small, read_table
from segmentation.tables.sources import locate
from tests.conftest import completed, customers_of, in_frames

COLUMNS = {
    "id": {"role": "id"},
    "city": {"role": "descriptor", "type": "category"},
    "age": {"role": "descriptor", "min": 18},
    "income": {"role": "feature", "unit": "k$"},
    "visits": {"role": "feature", "missing": "median", "min": 0},
}
DATASET = Dataset.model_validate({"title": "Shop", "columns": COLUMNS})


def dirty_customers(rows: int = 300) -> pd.DataFrame:
    """Return customers with every fault that a rule refuses, and with cells to be mended and imputed."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"id": range(1, rows + 1), "city": rng.choice(["Oslo", "Rome", "oslo ", None], rows, p=[0.5, 0.2, 0.2, 0.1])}
    )
    table["age"] = rng.integers(18, 90, rows).astype(float)
    table["income"] = rng.normal(50, 10, rows).round(2)
    table["visits"] = rng.poisson(4, rows).astype(float)
    table.loc[[3, 50], "income"] = np.nan
    table.loc[7, "age"] = 5
    table.loc[[9, 10, 11], "visits"] = np.nan
    table.loc[20, "visits"] = -1
    table.loc[31] = table.loc[30]
    table.loc[41, "id"] = table.loc[40, "id"]
    table.loc[60, "income"] = 900
    return table


def _cleaned(path, *, large: bool, dataset: Dataset = DATASET) -> tuple:
    """Read a table as text, or by the engine as a large one is, clean it, and return the parts as frames."""
    source = locate("DATA", str(path))
    read_by = read_large if large else read_small
    raw, headers = read_by(source, dataset, wanted=dataset.named("id", "feature", "descriptor"))
    found = in_frames(clean(raw, dataset, features=dataset.named("feature"), headers=headers, file=source.name))
    return found.customers, found.rejected, found.flagged, found.account


def _compare(small, large) -> None:
    for own, other in zip(small[:3], large[:3], strict=True):
        pd.testing.assert_frame_equal(other, own)
    assert large[3] == small[3]


def test_a_large_parquet_file_is_cleaned_as_a_small_one(tmp_path):
    path = tmp_path / "shop.parquet"
    dirty_customers().to_parquet(path)
    small, large = (_cleaned(path, large=large) for large in (False, True))
    _compare(small, large)
    assert large[3].collapsed == 1
    assert len(large[3].rules) == 5


def test_a_number_that_is_none_or_has_no_end_is_told_by_its_rule(tmp_path):
    table, nan, end = dirty_customers()[100:180].reset_index(drop=True), float("nan"), float("inf")
    cells = {"income": {1: None, 2: nan, 3: end}, "age": {4: -end, 5: nan, 6: None}, "visits": {7: end, 8: nan}}
    columns = {name: [own.get(i, at) for i, at in enumerate(table[name])] for name, own in cells.items()}
    whole = pa.table({"id": table["id"], "city": table["city"], **columns})
    pq.write_table(whole, tmp_path / "shop.parquet")
    _, rejected, _, account = _cleaned(tmp_path / "shop.parquet", large=True)
    expected = [(2, "income", "present"), (3, "income", "present"), (4, "income", "a number")]
    expected += [(5, "age", "a number"), (8, "visits", "a number")]
    assert list(rejected[["line", "column", "rule"]].itertuples(index=False, name=None)) == expected
    assert account.missing["age"] == 2
    assert account.imputed == {"visits": 1}


def test_a_row_that_was_refused_refuses_no_other(tmp_path):
    columns = COLUMNS | {"mail": {"role": "descriptor", "type": "category", "unique": True}}
    dataset = Dataset.model_validate({"title": "Shop", "columns": columns})
    table = dirty_customers().assign(mail=[f"m{i}" for i in range(300)])
    table.loc[100:104, "age"] = 3
    table.loc[100:101, "mail"] = ["m200", "m201"]
    table.loc[103:104, "id"] = table.loc[203:204, "id"].to_numpy()
    table.loc[210, "mail"] = "m211"
    table.to_parquet(tmp_path / "shop.parquet")
    small, large = (_cleaned(tmp_path / "shop.parquet", large=large, dataset=dataset) for large in (0, 1))
    _compare(small, large)
    assert {"m200", "m201", "m203", "m204"} <= set(large[0]["mail"])
    assert large[3].rules["mail: unique"] == 2


KINDS = {
    "id": {"role": "id"},
    "member": {"role": "descriptor", "type": "yes/no"},
    "grade": {"role": "descriptor", "type": "ordinal", "categories": {"1": [], "2": [], "3": []}},
    "since": {"role": "descriptor", "type": "category"},
    "paid": {"role": "descriptor", "type": "category"},
    "note": {"role": "descriptor", "type": "category"},
    "worth": {"role": "descriptor"},
    "income": {"role": "feature", "min": 0},
}


def _kinds() -> pd.DataFrame:
    """Return columns of every type that Parquet has for what is one thing to a reader."""
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"id": np.arange(300.0), "member": rng.choice([1.0, 0.0, np.nan], 300)})
    table["grade"] = rng.choice([1.0, 2.0, 3.0, np.nan], 300)
    table["since"] = pd.Timestamp("2024-01-02") + pd.to_timedelta(rng.integers(0, 3, 300) * 13, unit="h")
    table["paid"] = rng.choice([True, False], 300)
    table["note"] = pd.Series([None] * 300, dtype=object)
    table["worth"] = [Decimal(int(cents)) / 4 for cents in rng.integers(0, 900, 300)]
    table["income"] = rng.integers(-3, 90, 300)
    return table


IDS = {
    "floats": lambda ids: ids,
    "decimals": lambda ids: ids.map(lambda i: Decimal(int(i) + 12345678901234560000)),
    "unsigned": lambda ids: (ids + 2.0**63).astype("uint64"),
    "texts": lambda ids: " K" + ids.astype(int).astype(str),
}


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_every_type_of_parquet_means_what_it_means_in_a_small_table(tmp_path, ids):
    table = _kinds().assign(id=lambda t: ids(t["id"]))
    table.loc[17, "id"] = None if table["id"].dtype == object else table.loc[16, "id"]
    table.to_parquet(tmp_path / "shop.parquet")
    dataset = Dataset.model_validate({"title": "Shop", "columns": KINDS})
    how = {"dataset": dataset}
    _compare(*(_cleaned(tmp_path / "shop.parquet", large=large, **how) for large in (False, True)))


def test_parts_of_one_table_may_differ_in_their_types(tmp_path):
    table = dirty_customers()
    table[:200].assign(age=table["age"][:200].fillna(30).astype(int)).to_parquet(tmp_path / "a.parquet")
    table[200:].assign(city=None).to_parquet(tmp_path / "b.parquet")
    _compare(*(_cleaned(tmp_path / "*.parquet", large=large) for large in (False, True)))


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_name_with_brackets_is_no_pattern(tmp_path, form):
    for name, rows in (("s[1]", 300), ("s1", 200), ("s*", 400), ("s?", 500)):
        table = dirty_customers(rows).astype({"age": "Int64", "visits": "Int64"})
        table.to_parquet(tmp_path / f"{name}.parquet")
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    for name, rows in (("s[1]", 300), ("s*", 400), ("s?", 500)):
        raw, _ = read_large(locate("DATA", str(tmp_path / f"{name}.{form}")), DATASET, wanted=())
        assert raw.count().execute() == rows


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_no_column_comes_from_the_name_of_a_folder(tmp_path, form):
    path = tmp_path / "income=7" / "town=Rome" / f"shop.{form}"
    path.parent.mkdir(parents=True)
    table = dirty_customers(300).drop(columns="city").astype({"age": "Int64", "visits": "Int64"})
    table.to_parquet(path) if form == "parquet" else table.to_csv(path, index=False)
    raw, headers = read_large(locate("DATA", str(path)), DATASET, wanted=())
    assert headers["fields"] == len(table.columns)
    assert raw["income"].max().execute() > 7
    assert set(read_rows(locate("DATA", str(path)))[0]) == set(table.columns)


def test_large_results_are_the_same_for_any_number_of_threads(tmp_path):
    table = pd.concat([dirty_customers().assign(id=lambda t, i=i: t["id"] + 1000 * i) for i in range(100)])
    table.to_parquet(tmp_path / "shop.parquet", row_group_size=2048, index=False)
    written = set()
    for threads in (1, 2, 2, 4):
        connect_duckdb().raw_sql(f"SET threads = {threads}")
        raw, headers = read_large(locate("DATA", str(tmp_path / "shop.parquet")), DATASET, wanted=())
        found = clean(raw, DATASET, features=("income", "visits"), headers=headers, file="shop.parquet")
        write_parquet(tmp_path / "customers.parquet", found.customers.table)
        write_csv(tmp_path / "rejected.csv", found.rejected)
        write_csv(tmp_path / "flagged.csv", found.flagged)
        means = found.customers.mean(["age", "income"])
        written.add((*(sha256(path) for path in sorted(tmp_path.glob("*.[pc]*"))), *means))
    assert len(written) == 1


def test_the_rows_keep_their_order_on_two_threads(tmp_path):
    rows = 200_000
    member = np.random.default_rng(5).choice(["yes", "no", "N", "TRUE", "0", "oui"], rows)
    income = np.arange(rows) % 97.0
    income[::50] = np.nan
    table = pd.DataFrame({"id": np.arange(rows), "member": member, "income": income})
    table.to_parquet(tmp_path / "shop.parquet", row_group_size=2048, index=False)
    columns = {name: KINDS[name] for name in ("id", "member", "income")}
    dataset = Dataset.model_validate({"title": "Shop", "columns": columns})
    connect_duckdb().raw_sql("SET threads = 2")
    for last in (rows - 1, rows - 2):  # without, and with one id that stands twice
        table.assign(id=table["id"].clip(upper=last)).to_parquet(tmp_path / "shop.parquet", row_group_size=2048)
        customers, *_ = _cleaned(tmp_path / "shop.parquet", large=True, dataset=dataset)
        assert customers["id"].astype(int).is_monotonic_increasing
        assert len(customers) == rows * 49 // 50 - 2 * (last < rows - 1)


def test_a_table_without_a_clean_row_is_told_by_its_rules(tmp_path):
    dirty_customers().assign(income=np.nan).to_parquet(tmp_path / "shop.parquet")
    customers, rejected, flagged, account = _cleaned(tmp_path / "shop.parquet", large=True)
    assert (len(customers), len(rejected), len(flagged)) == (0, 300, 0)
    with pytest.raises(DataError, match=r"0 of 300 rows are clean"):
        require_enough(account, file="shop.parquet")


def test_the_answer_of_the_cleaning_gives_a_reason_where_there_is_one(tmp_path):
    whole = dirty_customers().iloc[[0, 1, 2]]
    for table, told in ((whole, "No rule was broken."), (whole.assign(income=np.nan), "” (3).")):
        table.to_parquet(tmp_path / "shop.parquet")
        assert trust(_cleaned(tmp_path / "shop.parquet", large=True)[3]).endswith(told)


NAMES = {
    "case alone": ({"Visits": 1, "visits": 2}, r"column names \['Visits', 'visits'\] differ in case alone"),
    "of the engine": ({"file_row_number": 1}, r"column names \['file_row_number'\] are used by the engine"),
    "too many": ({f"c{i}": 1 for i in range(2_500)}, "found 2,505 column names, .* expected at most 2,000"),
    "too long": ({"x" * 1_001: 1}, "the longest of 1,001 letters; expected at most 2,000 of 1,000 letters"),
}


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(("more", "told"), NAMES.values(), ids=NAMES)
def test_names_that_cannot_be_used_are_refused_at_every_size(tmp_path, more, told, large):
    beside = pd.DataFrame(more, range(300))
    table = dirty_customers().drop(columns=list(more), errors="ignore")
    pd.concat([table, beside], axis=1).to_parquet(tmp_path / "shop.parquet")
    with pytest.raises(DataError, match=told):
        _cleaned(tmp_path / "shop.parquet", large=large)


@pytest.mark.parametrize("large", [False, True])
def test_an_apostrophe_of_our_own_is_undone_at_every_size(tmp_path, large):
    table = dirty_customers().assign(id=[f"'=K{i}" for i in range(300)], city="'@home")
    table.to_csv(tmp_path / "shop.csv", index=False)
    customers, *_ = _cleaned(tmp_path / "shop.csv", large=large)
    assert set(customers["city"]) == {"@home"}
    assert customers["id"].str.startswith("=K").all()


def test_a_cell_of_several_lines_at_the_end_of_the_head(tmp_path):
    path, table = tmp_path / "shop.csv", dirty_customers(300).astype({"age": "Int64", "visits": "Int64"})
    text = table.assign(city="Oslo\nNorway street\n" + 7000 * "x").to_csv(index=False)
    assert 0 < text.encode()[HEAD - 7000 : HEAD + 1].count(b"x") < 7000 < HEAD  # the head ends inside of a cell
    path.write_text(text)
    assert _cleaned(path, large=True)[3].rows_in == 300


def test_a_large_text_file_is_cleaned_as_a_small_one(tmp_path):
    path = tmp_path / "shop.csv"
    lines = dirty_customers().astype({"age": "Int64", "visits": "Int64"}).to_csv(index=False).splitlines()
    lines[14] = "14,Oslo,old,40.5,3"  # no number
    lines[15] = "15,Oslo,30,n/a,3"
    lines[100] = "100,Oslo,30,40"  # a cell too few
    lines[200] = "200,Oslo,30,40,3,x"  # one too many
    path.write_text("\n".join(["A title", *lines, ""]))
    small, large = (_cleaned(path, large=large) for large in (False, True))
    _compare(small, large)
    refused = large[1].set_index("line")
    assert refused.loc[16, ["column", "value"]].tolist() == ["age", "old"]
    assert refused.loc[[102, 202], "value"].tolist() == ["4", "6"]


def test_decimal_commas_in_a_large_text_file(tmp_path):
    path = tmp_path / "shop.csv"
    dirty_customers().astype({"age": "Int64", "visits": "Int64"}).to_csv(path, index=False, sep=";", decimal=",")
    _compare(*(_cleaned(path, large=large) for large in (False, True)))


def test_several_large_files_are_one_table(tmp_path):
    table = dirty_customers()
    table[:200].to_parquet(tmp_path / "a.parquet")
    table[200:].to_parquet(tmp_path / "b.parquet")
    _compare(*(_cleaned(tmp_path / "*.parquet", large=large) for large in (False, True)))


def test_a_row_of_another_width_in_one_file_refuses_none_of_the_file_before(tmp_path):
    lines = dirty_customers().to_csv(index=False).splitlines()
    (tmp_path / "a.csv").write_text("\n".join(lines[:200]) + "\n")
    lines[230] += ",too many"
    (tmp_path / "b.csv").write_text("\n".join([lines[0], *lines[200:]]) + "\n")
    small, large = (_cleaned(tmp_path / "*.csv", large=large) for large in (False, True))
    assert [*small[0]["id"]] == [*large[0]["id"]]
    assert len(small[1]) == len(large[1])


def test_a_quotation_mark_that_swallows_rows_is_refused_in_a_large_file_too(tmp_path):
    path = tmp_path / "shop.csv"
    lines = dirty_customers().to_csv(index=False).splitlines()
    lines[70], lines[75] = '70,"Oslo,30,40,3', '75,Oslo",30,40,3'
    path.write_text("\n".join(lines))
    for large in (False, True):
        with pytest.raises(DataError, match=r"shop.csv, line 71: a quotation mark opens a cell that holds the rows"):
            _cleaned(path, large=large)


def test_a_large_table_of_postgresql_is_cleaned_as_a_small_one(postgres):
    with psycopg.connect(postgres) as connection:
        connection.execute("create table shop (id int, city text, age float, income float, visits float)")
        rows = dirty_customers().astype(object).where(lambda t: t.notna(), None)
        with connection.cursor() as cursor:
            cursor.executemany("insert into shop values (%s, %s, %s, %s, %s)", rows.to_numpy().tolist())
    _compare(*(_cleaned(f"{postgres}#shop", large=large) for large in (False, True)))


def test_a_large_table_of_a_database_is_known_by_its_rows_in_any_order(postgres):
    """Two months may have as many rows, and the same ends in every column."""
    source, found = locate("DATA", f"{postgres}#known"), []
    march = [(1, "a", 0.1), (2, "b", 0.2), (3, None, 0.3), (4, "d", None)]
    swapped = [(1, "a", 0.1), (2, "b", 0.3), (3, None, 0.2), (4, "d", None)]
    for rows in (march, march[::-1], swapped, [*march[:2], (3, "", 0.3), march[3]]):
        with psycopg.connect(postgres) as connection:
            connection.execute("drop table if exists known")
            connection.execute("create table known (id int, city text, income float, visits int default 2)")
            with connection.cursor() as cursor:
                cursor.executemany("insert into known values (%s, %s, %s)", rows)
        raw, _ = read_large(source, DATASET, wanted=())
        found.append(fingerprint(raw, DATASET, {}, source).whole)
    assert found[0] == found[1]
    assert len(set(found)) == 3


def test_two_months_in_one_file_of_a_database_are_two_tables(tmp_path):
    income = pd.Series(np.arange(MOST_HELD + 1) % 97 + 0.5, name="income")
    months = {"march": income, "april": income.where(income.index != 5_000, 7.5)}
    path, found = tmp_path / "shop.sqlite", {}
    with closing(sqlite3.connect(path)) as database:
        for name, month in months.items():
            month.to_sql(name, database, index=False)
    dataset = Dataset.model_validate({"title": "T", "columns": {"income": COLUMNS["income"]}})
    for name in months:
        source = locate("DATA", f"{path}#{name}")
        raw, _ = read_table(source, dataset, wanted=("income",))
        found[name] = fingerprint(raw, dataset, {}, source).whole
    assert found["march"] != found["april"]


def test_few_rows_of_a_large_text_have_a_fingerprint(tmp_path):
    path = tmp_path / "wide.csv"
    rows = pd.DataFrame({"id": range(99), "city": "a" * (LARGE_TEXT // 99), "income": 1.5, "visits": 2})
    rows.to_csv(path, index=False)
    raw, _ = read_table(locate("DATA", str(path)), DATASET, wanted=("income",))
    assert len(fingerprint(raw, DATASET, {}, locate("DATA", str(path))).whole) == 64


def test_nothing_has_no_fingerprint():
    with pytest.raises(AssertionError):
        fingerprint(ibis.memtable(pd.DataFrame({"row": [1]})), DATASET, {})


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_columns_that_were_numbers_in_the_file_are_told_at_every_size(tmp_path, suffix):
    table = dirty_customers().assign(city=[1.5] * 299 + ["x"] if suffix == ".csv" else "x", income="1.5 k$")
    path = tmp_path / f"shop{suffix}"
    table.to_csv(path, index=False) if suffix == ".csv" else table.to_parquet(path)
    source = locate("DATA", str(path))
    told = [read(source, DATASET, wanted=("age",))[1]["typed"] for read in (read_small, read_large)]
    assert told[0] == told[1] == ([] if suffix == ".csv" else told[0])
    assert ("age" in told[0]) == (suffix == ".parquet")


PURCHASES = Dataset.model_validate(
    {
        "title": "Shop",
        "transactions": {"customer": ["who"], "date": ["day"], "amount": ["paid"], "as_of": "2024-12-31"},
        "columns": {"id": {"role": "id"}, "recency": {"role": "feature"}, "monetary": {"role": "feature"}},
    }
)


def test_a_large_log_of_purchases_becomes_the_customers_of_a_small_one(tmp_path):
    rng = np.random.default_rng(3)
    log = pd.DataFrame({"who": rng.integers(1, 60, 900), "paid": rng.normal(30, 15, 900).round(2)})
    log["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 380, 900), unit="D")
    log["day"] = log["day"].dt.strftime("%Y-%m-%d")
    log.to_parquet(tmp_path / "log.parquet")
    source, found = locate("DATA", str(tmp_path / "log.parquet")), []
    for read_by in (read_small, read_large):
        raw, headers = read_by(source, raw_dataset(PURCHASES), wanted=("id", "date", "amount"))
        made = clean(raw, PURCHASES, features=("recency", "monetary"), headers=headers, file=source.name)
        found.append((made.customers.sample, made.rejected.to_pandas(), made.flagged.to_pandas(), made.account))
    _compare(*found)
    assert len(found[0][1]) > 0


def test_a_large_file_that_cannot_be_read_is_refused(tmp_path):
    path = tmp_path / "shop.csv"
    path.write_bytes("id,city,age,income,visits\n1,Zürich,20,3.5,2\n".encode("cp1252") * 20)
    with pytest.raises(DataError, match=r"shop.csv is Windows-1252; expected UTF-8"):
        _cleaned(path, large=True)


numbers = st.lists(st.integers(-300, 300).map(lambda n: n / 10), min_size=3, max_size=60)


@settings(max_examples=40, deadline=None)
@given(numbers, st.integers(2, 30), st.booleans())
def test_the_engine_counts_bins_as_numpy_does(values, most, known):
    even = round_edges(min(values), max(values), most)
    fine = np.sort(np.append(even, even[:-1] + 0.5 * np.diff(even)))  # not the multiples of half the width to the bit
    for edges in (even, fine, log_edges(min(values), max(values), most, whole=False)):
        table = ibis.memtable({"x": values}, schema={"x": "float64"})
        found = table.select(bin=bin_of(table["x"], edges, np.unique(values) if known else None)).to_pandas()["bin"]
        expected = np.histogram(values, edges)[0]
        assert np.bincount(found, minlength=len(expected)).tolist() == expected.tolist()


def test_values_a_hair_below_an_edge_are_not_left_to_a_division():
    edges = 0.1 * np.arange(50)
    values = np.concatenate([edges[1:-1], np.nextafter(edges[1:-1], 0)])
    table = ibis.memtable({"x": values})
    found = table.select(bin=bin_of(table["x"], edges, values)).to_pandas()["bin"]
    assert np.bincount(found, minlength=49).tolist() == np.histogram(values, edges)[0].tolist()


far_apart = st.sampled_from([-(2**63), 2**63 - 1, 0])
ids = st.one_of(*(st.lists(st.none() | of, max_size=60) for of in (st.integers(-40, 40), far_apart, st.text("ab"))))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-40, 40), min_size=1, max_size=60), st.integers(1, 9))
def test_what_stands_more_than_once_is_marked_off_in_any_batches(values, batch):
    parts = (np.array(values[i : i + batch]) for i in range(0, len(values), batch))
    found = marked_twice(parts, low=min(values), high=max(values)).tolist()
    assert found == sorted({v for v in values if values.count(v) > 1})


@settings(max_examples=60, deadline=None)
@given(ids)
def test_what_stands_more_than_once_is_found_among_near_and_far_numbers_and_texts(values):
    kind = "string" if any(isinstance(value, str) for value in values) else "int64"
    found = repeated(ibis.memtable(pa.table({"x": pa.array(values, kind)})), "x").to_pandas()["x"].tolist()
    assert sorted(found) == sorted({v for v in values if v is not None and values.count(v) > 1})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.integers(-1, 40) | st.just(2**63 - 1), max_size=60), st.booleans())
def test_numbers_in_ascending_order_are_told_with_those_that_stand_twice(values, ordered):
    values = sorted(values, key=lambda value: value or 0) if ordered else values
    known = [value for value in values if value is not None]
    table = ibis.memtable(pa.table({"x": pa.array(values, "int64")}))
    assert is_ascending(table, "x") == (known == sorted(known) and min(known, default=0) >= 0)
    twice = repeated(table, "x").to_pandas()["x"].tolist()
    assert sorted(twice) == sorted({v for v in known if known.count(v) > 1})


def test_who_stops_before_the_last_row_leaves_the_engine_to_the_next_query():
    table = held({"x": np.r_[1, 0, 2:2_500_000]})
    batches = in_batches(table)
    next(batches)
    batches.close()
    assert not is_ascending(table, "x")
    sizes = [batch.num_rows for batch in in_batches(table)]
    assert sum(sizes) == 2_500_000
    assert max(sizes) <= 1_000_000


def test_numbers_far_apart_are_not_marked_off(monkeypatch):
    monkeypatch.setattr(
        "segmentation.customers.refused.marked_twice", lambda *_, **ends: pytest.fail(f"marked off {ends}")
    )
    table = ibis.memtable({"x": [0, 10 * CLOSE, 10 * CLOSE]})
    assert repeated(table, "x").to_pandas()["x"].tolist() == [10 * CLOSE]


BANDS = Grouping("b", np.array([0, 5, 10, 20.0]), ("x", "y", "z"))
GRID = (np.arange(-5, 6, 0.5), np.arange(0, 21, 2.0))


def _grids(frame: pd.DataFrame) -> dict:
    own = frame.dropna(subset=["a", "b"]).groupby("segment")
    return {segment: np.histogram2d(rows["a"], rows["b"], GRID)[0].astype(int) for segment, rows in own}


def _quantiles(values, levels: list[float]) -> pd.DataFrame:
    return values.quantile(levels).unstack().assign(customers=values.count())


# What is asked of customers, and the same by pandas.
COUNTED = {
    "filled": (lambda c: c.filled(["a", "b"]), lambda f: f[["a", "b"]].notna().sum()),
    "mean": (lambda c: c.mean(["a", "b"]), lambda f: f[["a", "b"]].mean()),
    "deviation": (lambda c: c.deviation(["a", "b"]), lambda f: f[["a", "b"]].std()),
    "means": (lambda c: c.means(["a", "b"]), lambda f: f.groupby("segment")[["a", "b"]].mean()),
    "limits": (lambda c: c.limits(["b"]), lambda f: pd.DataFrame({"l": [f["b"].min()], "h": f["b"].max(), "w": 1.0})),
    "not whole": (lambda c: c.limits(["a"])["whole"], lambda f: pd.Series([0.0])),
    "quantiles": (lambda c: c.quantiles("a", [0.05, 0.5]).iloc[0, :2], lambda f: f["a"].quantile([0.05, 0.5])),
    "by city": (
        lambda c: c.quantiles("a", [0.25, 0.5], Grouping("city")),
        lambda f: _quantiles(f.groupby("city")["a"], [0.25, 0.5]),
    ),
    "by bands": (
        lambda c: c.quantiles("a", [0.5], BANDS),
        lambda f: _quantiles(f.groupby(pd.cut(f["b"], BANDS.edges, right=False), observed=True)["a"], [0.5]),
    ),
    "fences": (
        lambda c: pd.Series(c.fences("a")),
        lambda f: f["a"].quantile([0.25, 0.75]) + 1.5 * np.diff(f["a"].quantile([0.25, 0.75])) * [-1, 1],
    ),
    "beyond": (lambda c: pd.Series([c.beyond("a", -0.5, 0.5)]), lambda f: pd.Series([(f["a"].abs() > 0.5).sum()])),
    "lower median": (
        lambda c: pd.Series([c.lower_median("b")]),
        lambda f: pd.Series([f["b"].quantile(0.5, interpolation="lower")]),
    ),
    "counts": (lambda c: c.counts("city"), lambda f: f["city"].value_counts().sort_index()),
    "counts by segment": (lambda c: c.counts("city", by="segment"), lambda f: pd.crosstab(f["segment"], f["city"])),
    "histogram": (
        lambda c: pd.Series(c.histogram("b", GRID[1])),
        lambda f: pd.Series(np.histogram(f["b"], GRID[1])[0]),
    ),
    "of unique values": (
        lambda c: pd.Series(c.histogram("a", GRID[0])),
        lambda f: pd.Series(np.histogram(f["a"].dropna(), GRID[0])[0]),
    ),
    "grids": (lambda c: pd.concat(map(pd.DataFrame, c.grids(("a", "b"), GRID, "segment").values())),
              lambda f: pd.concat(map(pd.DataFrame, _grids(f).values()))),
    "correlation": (lambda c: c.correlation(["a", "b"]), lambda f: f[["a", "b"]].corr()),
    "skewness": (lambda c: pd.Series([c.skew("a"), c.skew("b")]), lambda f: f[["a", "b"]].skew()),
    "lumped": (
        lambda c: c.replacing("city", ["Oslo", "Rome"], "2 others").counts("city"),
        lambda f: f["city"].replace({"Oslo": "2 others", "Rome": "2 others"}).value_counts().sort_index(),
    ),
    "filtered": (
        lambda c: c.filtered(c.table["b"] > 4).counts("segment"),
        lambda f: f[f["b"] > 4]["segment"].value_counts().sort_index(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("part", [150, 500])
@pytest.mark.parametrize("handed_on", [False, True])
@pytest.mark.parametrize("what", COUNTED)
def test_customers_are_counted_as_pandas_does(what, handed_on, part):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a": rng.normal(size=500), "b": rng.poisson(5, 500).astype(float)})
    frame["city"], frame["segment"] = rng.choice(["Bonn", "Oslo", "Rome"], 500), rng.integers(1, 4, 500)
    frame.loc[::7, "a"] = np.nan
    everyone = customers_of(frame)
    everyone = replace(everyone, sample=frame[:part], counted=everyone.values() if handed_on else {})
    assert everyone.sampled == (part < 500)
    found, wanted = (ask(of) for ask, of in zip(COUNTED[what], (everyone, frame), strict=True))
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(wanted, float), rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=300), st.lists(st.integers(-12, 12), max_size=300))
def test_quantiles_are_exact_whatever_the_sample_says(values, sample):
    assume(len(sample) != len(values))  # a sample of as many is all of them
    frame, some = (pd.DataFrame({"x": of, "segment": [v % 3 for v in of]}).astype(float) for of in (values, sample))
    bands = Grouping("x", np.array([-9, -3, 0, 9.5]), ("a", "b", "c"))
    everyone = customers_of(frame)
    for by, own in (
        (None, 0),
        (Grouping("segment"), frame["segment"]),
        (bands, pd.cut(frame["x"], bands.edges, right=False)),
    ):
        wanted = _quantiles(frame.groupby(own if by else [0] * len(frame), observed=True)["x"], [0.25, 0.5, 0.95])
        for customers in (everyone, replace(everyone, sample=some)):
            found = customers.quantiles("x", [0.25, 0.5, 0.95], by)
            np.testing.assert_allclose(found.to_numpy(float), wanted.to_numpy(float), rtol=1e-12)


def test_grids_counted_together_are_those_counted_by_themselves():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"a": rng.normal(size=300), "b": rng.poisson(5, 300), "c": rng.random(300)}).astype(float)
    frame["segment"] = rng.integers(1, 4, 300)
    frame.loc[::7, "b"] = np.nan
    edges = {"a": np.arange(-5, 6, 0.5), "b": np.array([0, 1, 2, 5, 20.0]), "c": np.arange(0, 1.2, 0.1)}
    together = customers_of(frame)
    together.count_together(edges, "segment")
    for pair in product(edges, repeat=2):
        wanted = customers_of(frame).grids(pair, tuple(edges[name] for name in pair), "segment")
        found = together.grids(pair, tuple(edges[name] for name in pair), "segment")
        assert {group: cells.tolist() for group, cells in found.items()} == {g: c.tolist() for g, c in wanted.items()}


MODEL = Placement(
    features=[
        {"name": "a", "power": 1.0, "centre": 50.0, "spread": 9.0},
        {"name": "b", "power": 0.0, "centre": 1.7, "spread": 0.4},
    ],
    centroids=[[-1.0, 0.0], [0.5, -1.0], [1.0, 1.0]],
)
READ = {
    "mean": lambda c: c.mean(["a", "b"]),
    "deviation": lambda c: c.deviation(["a", "b"]),
    "means by segment": lambda c: c.means(["a", "b"]),
    "limits": lambda c: c.limits(["a", "b"]),
    "quantiles": lambda c: c.quantiles("b", [0.05, 0.25, 0.5]),
    "sizes": lambda c: c.counts("segment"),
    "skewness": lambda c: pd.Series([c.skew("a"), c.skew("b")]),
}


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("rows", [3_000, MOST_HELD + 1_000])
def test_what_is_handed_on_gives_the_figures_of_all_customers(tmp_path, monkeypatch, scaled, rows):
    monkeypatch.setattr("segmentation.core.files.ROOT", tmp_path)
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"id": np.arange(rows), "a": rng.normal(50, 9, rows).round(1)})
    frame["b"], frame["city"] = rng.poisson(5, rows) + 0.5, rng.choice([*"ABCDEFGHIJKLMN", None], rows)
    frame.astype({"id": str}).to_parquet(tmp_path / "all.parquet")
    run, table = Run("shop", DATASET), opened(tmp_path / "all.parquet")
    keep_customers(run, with_sample(DATASET, table, table["id"].cast("int64")))
    assert run.path("sample.parquet").is_file() == (rows > MOST_HELD)
    customers = open_customers(run)
    assert set(customers.counted) == {"a", "b", "city"}
    assert len(customers.sample) == min(rows, MOST_HELD)
    run.write("model.json", completed(MODEL))
    told = assign_rows(customers.table, MODEL)
    write_segments(run, replace(customers, table=told))
    found, held = open_segmented(run), customers_of(told.to_pandas())
    found, held = (rescaled(of, MODEL) if scaled else of for of in (found, held))
    for what, figure in READ.items():
        told, wanted = (np.asarray(figure(of), dtype=float) for of in (found, held))
        np.testing.assert_allclose(told, wanted, rtol=1e-9, err_msg=what)
    if not scaled:
        lumped, wanted = (lump(of, ["city"]).counts("city", by="segment") for of in (found, held))
        assert lumped.to_dict() == wanted.to_dict()


def test_a_run_that_has_become_small_leaves_nothing_of_the_large_one(tmp_path, monkeypatch):
    monkeypatch.setattr("segmentation.core.files.ROOT", tmp_path)
    run = Run("shop", DATASET)
    for name in HANDED_ON:
        write_text(run.path(name), "of many")
    frame = pd.DataFrame({"id": ["1", "2"], "segment": [1, 1], "distance": [0.0, 0.0], "margin": [1.0, 1.0]})
    keep_customers(run, customers_of(frame))
    write_segments(run, customers_of(frame))
    assert sorted(path.name for path in run.folder.iterdir()) == [
        "customers.parquet",
        "segmented.parquet",
        "segments.parquet",
        "values.parquet",
    ]


@pytest.mark.parametrize("joined", [False, True])
def test_a_file_is_divided_by_the_number_of_its_rows_alone(tmp_path, monkeypatch, joined):
    """DuckDB's own writer closes a group of rows earlier or later, as several cores bring them."""
    rows, connect = pd.DataFrame({"x": np.arange(400_000) % 977, "y": np.arange(400_000)}), ibis.duckdb.connect
    with pq.ParquetWriter(tmp_path / "all.parquet", pa.Schema.from_pandas(rows)) as file:
        for start, stop in pairwise([0, 121_000, 121_500, 245_000, 246_000, 390_000, 400_000]):  # groups of any size
            file.write_table(pa.Table.from_pandas(rows.iloc[start:stop], preserve_index=False))
    for cores in (1, 2, 4):
        monkeypatch.setattr(ibis.duckdb, "connect", lambda cores=cores, **how: connect(threads=cores, **how))
        table = connect_duckdb.__wrapped__().read_parquet(tmp_path / "all.parquet")
        some = table.semi_join(table.filter(table["x"] > 5), "y") if joined else table.filter(table["x"] > 5)
        write(some, tmp_path / f"{cores}.parquet")
    ibis.set_backend(connect_duckdb())
    left = rows[rows["x"] > 5]
    found = pq.read_metadata(tmp_path / "1.parquet")
    groups = [found.row_group(i).num_rows for i in range(found.num_row_groups)]
    assert groups == [ROWS_A_GROUP] * 3 + [len(left) - 3 * ROWS_A_GROUP]
    assert pd.read_parquet(tmp_path / "1.parquet")["y"].tolist() == left["y"].tolist()
    assert len({sha256(tmp_path / f"{cores}.parquet") for cores in (1, 2, 4)}) == 1


def test_an_empty_row_is_passed_over_as_in_a_small_table(tmp_path):
    table = dirty_customers()
    table["note"] = [None] * 299 + ["left"]
    table.loc[[7, 299], [name for name in table if name != "note"]] = None  # one row holds a note alone
    table.to_parquet(tmp_path / "shop.parquet")
    small, large = (_cleaned(tmp_path / "shop.parquet", large=large) for large in (False, True))
    assert small[3].rows_in == large[3].rows_in == 299
    _compare(small, large)


OURS = ("clean", "group", "cell", "n", "text", "key", "size", "share", "centre", "index", "place", "usual", "low",
        "high", "count", "hash", "was", "table", "select")  # fmt: skip


@pytest.mark.parametrize("large", [False, True])
def test_columns_may_be_called_as_we_call_our_own(tmp_path, large):
    """A table whose columns are named as ours, or as SQL's, is cleaned and placed as the same one with plain names."""
    rng, found = np.random.default_rng(0), []
    cells = [rng.choice([1.5, 2.25, 70.0], 40) if i % 2 else rng.choice(["a", "B", "b "], 40) for i in range(len(OURS))]
    cells[1][3] = np.nan
    for names in (OURS, [f"column_{i}" for i in range(len(OURS))]):
        table = pd.DataFrame({"id": range(40)} | dict(zip(names, cells, strict=True))).iloc[[*range(40), 5]]
        table.to_parquet(tmp_path / "shop.parquet", index=False)
        kinds = ({"role": "descriptor", "type": "category"}, {"role": "descriptor"})
        columns = {name: kinds[i % 2] for i, name in enumerate(names)}
        columns |= {"id": {"role": "id"}, names[1]: {"role": "feature", "missing": "median"}}
        columns |= {names[3]: {"role": "feature", "max": 60}}
        dataset = Dataset.model_validate({"title": "Shop", "columns": columns})
        customers, rejected, flagged, account = _cleaned(tmp_path / "shop.parquet", large=large, dataset=dataset)
        features = [{"name": names[i], "lambda": 1, "centre": 2, "spread": 1} for i in (1, 3)]
        model = Placement(features=features, centroids=[[0, 0], [30, 0]])
        placed = assign_rows(ibis.memtable(customers), model).order_by("id").to_pandas()
        assert (account.collapsed, account.imputed) == (1, {names[1]: account.imputed[names[1]]})
        assert account.rejected > 0
        plain = dict(zip(names, range(len(names)), strict=True))
        parts = [frame.assign(column=frame["column"].map(plain)) for frame in (rejected, flagged)]
        found.append([placed.rename(columns=plain), *parts])
    for own, other in zip(*found, strict=True):
        pd.testing.assert_frame_equal(own, other)
