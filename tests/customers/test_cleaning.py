"""Cleaning: nothing is dropped silently, and every refusal names line, column, value and rule."""

import csv
import io

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.core.dataset import Dataset
from segmentation.core.engine import add_up, all_of, any_of
from segmentation.core.errors import DataError
from segmentation.customers.cleaning import clean
from segmentation.runs.run import load_dataset, parse_features
from segmentation.tables.read import read_table
from segmentation.tables.sources import locate
from tests.conftest import PEOPLE, ROOT, in_frames

SHOP = Dataset.model_validate({"title": "Shop", "columns": PEOPLE})
FEATURES = ("spend",)
CATEGORY = {"role": "descriptor", "type": "category"}


def _clean(path, text: str):
    path.write_text(text, encoding="utf-8")
    return _clean_file(path, SHOP, FEATURES)


def _clean_file(path, dataset: Dataset, features: tuple[str, ...], wanted: tuple[str, ...] = ()):
    raw, headers = read_table(_at(path), dataset, wanted=wanted or (*dataset.named("id"), *features))
    return in_frames(clean(raw, dataset, features=features, headers=headers, file=path.name))


def _at(path):
    return locate("DATA", str(path))


def test_each_fault_is_refused_with_line_column_value_and_rule(tmp_path):
    table = """id,city,size,age,spend
1,Rome,s,30,10
2, rome ,LARGE,,20
3,Rome,medium,30,10
4,Rome,s,130,10
5,Rome,s,-1,10
6,Rome,s,30,
7,Rome,s,30,ten
,Rome,s,30,10
9,Rome,s,30

1,Rome,Small,30,10.0
10,Rome,s,30,10
10,Rome,s,31,10
11,"Ro
me",s,30,inf
12,Rome,s,thirty,10
"""
    cleaned = _clean(tmp_path / "shop.csv", table)
    refused = [tuple(row) for row in cleaned.rejected.drop(columns="file").itertuples(index=False)]
    assert refused == [
        (4, "size", "medium", "one of Small, Large"),
        (5, "age", "130", "at most 120"),
        (6, "age", "-1", "at least 0"),
        (7, "spend", "", "present"),
        (8, "spend", "ten", "a number"),
        (9, "id", "", "present"),
        (10, "row", "4", "5 cells"),
        (12, "id", "1", "one row an id, this is an identical copy"),
        (13, "id", "10", "one row an id, this one's rows differ"),
        (14, "id", "10", "one row an id, this one's rows differ"),
        (15, "spend", "inf", "a number"),
        (17, "age", "thirty", "a number"),
    ]
    assert cleaned.customers.to_dict("list") == {
        "id": ["1", "2"],
        "city": ["Rome", "Rome"],
        "size": ["Small", "Large"],
        "age": [30.0, pytest.approx(float("nan"), nan_ok=True)],
        "spend": [10.0, 20.0],
    }
    assert cleaned.account.mended == {"city": 1, "size": 2}
    assert cleaned.account.missing == {"age": 1}


def test_rows_of_one_id_are_copies_only_when_every_cell_is(tmp_path):
    cleaned = _clean(tmp_path / "shop.csv", "id,city,size,age,spend\n1,a|,s,1,1\n2,Rome,s,1,1\n1,a,s,1,1\n")
    assert cleaned.rejected["rule"].tolist() == ["one row an id, this one's rows differ"] * 2


def test_without_an_id_rows_that_repeat_are_kept_and_counted(tmp_path):
    dataset = Dataset.model_validate({"title": "T", "columns": {"n": {"role": "feature"}, "usual": CATEGORY}})
    path = tmp_path / "shop.csv"
    path.write_text("n,usual\n1,a\n1,A\n1,a\n2,NA\n")
    cleaned = _clean_file(path, dataset, ("n",))
    assert cleaned.customers["usual"].tolist()[:3] == ["a", "a", "a"]
    assert (cleaned.account.clean, cleaned.account.repeated) == (4, 2)
    assert cleaned.account.missing == {"usual": 1}


def test_a_declared_category_is_not_missing(tmp_path):
    region = {"role": "descriptor", "type": "category", "categories": {"NA": [], "EU": ["eu"]}}
    dataset = Dataset.model_validate({"title": "T", "columns": {"n": {"role": "feature"}, "region": region}})
    path = tmp_path / "shop.csv"
    path.write_text("n,region\n1,NA\n2,eu\n3,null\n")
    cleaned = _clean_file(path, dataset, ("n",))
    assert cleaned.customers["region"].fillna("missing").tolist() == ["NA", "EU", "missing"]


def test_an_exact_alias_wins_over_one_without_its_unit(tmp_path):
    columns = {
        "a": {"role": "feature", "aliases": ["Spend (2023)"]},
        "b": {"role": "feature", "aliases": ["Spend (2024)"]},
    }
    dataset = Dataset.model_validate({"title": "T", "columns": columns})
    path = tmp_path / "shop.csv"
    path.write_text("Spend (2024),Spend (2023)\n1,2\n")
    assert read_table(_at(path), dataset, wanted=("a", "b"))[1]["columns"] == {"a": "Spend (2023)", "b": "Spend (2024)"}


cells = st.one_of(
    st.sampled_from(
        ["", " ", "NA", "1", "01", "2", "Rome", " rome ", "s", "LARGE", "-1", "1e3", "1e999", "nan", "121"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=4),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(cells, min_size=1, max_size=6), min_size=1, max_size=12))
def test_every_row_is_either_clean_or_refused_once(tmp_path_factory, rows):
    text = io.StringIO()
    csv.writer(text).writerows([["id", "city", "size", "age", "spend"], *rows])
    path = tmp_path_factory.mktemp("any") / "any.csv"
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    if not filled:
        with pytest.raises(DataError, match="no rows"):
            _clean(path, text.getvalue())
        return
    if sum(bool(row[5:] and row[5].strip()) for row in filled) > max(len(filled) / 2, 2):
        with pytest.raises(DataError, match="most rows are like that"):
            _clean(path, text.getvalue())
        return
    cleaned = _clean(path, text.getvalue())
    account = cleaned.account
    assert len(filled) == account.rows_in == account.clean + account.rejected + account.collapsed
    assert len(cleaned.customers) == account.clean
    assert len(cleaned.rejected) == account.rejected + account.collapsed == sum(account.rules.values())
    assert cleaned.rejected["line"].is_unique
    assert not cleaned.rejected[["line", "column", "rule"]].isna().any(axis=None)
    assert cleaned.customers["id"].is_unique
    assert cleaned.customers["spend"].between(0, float("inf"), inclusive="left").all()
    assert cleaned.customers["age"].dropna().between(0, 120).all()
    assert cleaned.customers["size"].dropna().isin(["Small", "Large"]).all()


def _mall(path) -> pd.DataFrame:
    dataset = load_dataset("mall")
    wanted = dataset.named("id", "feature", "descriptor")
    return _clean_file(path, dataset, parse_features(None, dataset), wanted).customers


@pytest.mark.parametrize(
    "header",
    [
        "CustomerID,Genre,Age,Annual Income (k$),Spending Score (1-100)",
        "CustomerID,Gender,Age,AnnualIncome,Score",
        "customer_id,gender,age,Annual_Income,Spending_Score",
        "ID,Sex,AGE,annual income,spending",
    ],
)
def test_headers_of_public_copies_are_understood(mall_table, tmp_path, header):
    lines = mall_table.read_text(encoding="utf-8").splitlines()
    copy = tmp_path / "copy.csv"
    copy.write_text("\n".join([header, *lines[1:]]), encoding="utf-8")
    pd.testing.assert_frame_equal(_mall(copy), _mall(mall_table))


def test_ids_keep_their_zeros_and_categories_their_meaning(mall_table, tmp_path):
    lines = mall_table.read_text(encoding="utf-8").splitlines()
    rows = [line.split(",") for line in lines[1:]]
    rows = [[f"{int(row[0]):04}", f" {row[1].upper()} ", *row[2:]] for row in rows]
    copy = tmp_path / "copy.csv"
    copy.write_text("\n".join([lines[0], *map(",".join, rows)]), encoding="utf-8")
    found, expected = _mall(copy), _mall(mall_table)
    assert found["id"].tolist()[:2] == ["0001", "0002"]
    pd.testing.assert_frame_equal(found.drop(columns="id"), expected.drop(columns="id"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"id,spend\n", "no rows"),
        (b"id,spend,spend\n1,2,3\n", "the column names ['spend'] stand more than once"),
        (b"id,spend,Spend\n1,2,3\n", "'Spend'] differ in case alone"),
        (b"id,spend,spend_\n1,2,3\n", "both mean 'spend'"),
        (b"id,spent\n1,2\n", "'spend' is missing; did you mean 'spent'?"),
        (b"id,spend\n1,\x00\n", "line 2: found a NUL byte"),
        (b'id,spend\n1,"' + b"x" * 200_000, "line 2: field larger than field limit"),
    ],
)
def test_a_file_that_is_no_table(tmp_path, content, told):
    path = tmp_path / "shop.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"shop\.csv") as fault:
        read_table(_at(path), SHOP, wanted=("id", "spend"))
    assert told in str(fault.value)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_and_a_byte_order_mark(tmp_path, delimiter):
    path = tmp_path / "shop.csv"
    path.write_bytes(
        b"\xef\xbb\xbf" + delimiter.join(["id", "spend"]).encode() + delimiter.join(["\r\n1", "2"]).encode()
    )
    raw, headers = read_table(_at(path), SHOP, wanted=("id", "spend"))
    assert headers["columns"] == {"id": "id", "spend": "spend"}
    assert raw.to_pandas()[["line", "id", "spend"]].values.tolist() == [[2, "1", "2"]]


def test_planted_truth_lies_apart_from_the_sample():
    sample = ROOT / "data" / "sample"
    assert "planted" not in (sample / "customers.csv").read_text().splitlines()[0]
    assert len((sample / "customers.csv").read_text().splitlines()) == 201


def _asked(path, columns: int) -> tuple:
    """Clean a table of so many columns, and return what came of it, and how many letters all its queries have."""
    rows = range(30)
    cells = {f"n{i}": [str(i + row % 7 + 1000 * (row == i)) for row in rows] for i in range(columns // 2)}
    cells |= {f"c{i}": ["b " if row == i else "ab"[row % 2] for row in rows] for i in range(columns // 2)}
    pd.DataFrame(cells).to_csv(path, index=False)
    columns_of = {name: {"role": "feature"} if name == "n0" else {"role": "descriptor"} for name in cells}
    columns_of |= {name: CATEGORY for name in cells if name.startswith("c")}
    queries: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ibis.options, "verbose", True)
        patch.setattr(ibis.options, "verbose_log", queries.append)
        cleaned = _clean_file(path, Dataset.model_validate({"title": "T", "columns": columns_of}), ("n0",))
    return cleaned, sum(map(len, queries))


def test_what_is_asked_of_a_table_grows_with_its_columns_and_no_faster(tmp_path):
    """Each column once: before, the queries about one named all the others."""
    few, letters = _asked(tmp_path / "few.csv", 8)
    many, more = _asked(tmp_path / "many.csv", 32)
    for cleaned, columns in ((few, 8), (many, 32)):
        numbers = [f"n{i}" for i in range(columns // 2)]
        assert cleaned.account.clean == 30
        assert cleaned.account.mended == {f"c{i}": 1 for i in range(columns // 2)}
        flagged = cleaned.flagged[["column", "value"]].values.tolist()
        assert flagged == [[name, 1000.0 + i + i % 7] for i, name in enumerate(numbers)]
    assert more < 1.1 * 32 / 8 * letters


def test_more_conditions_than_python_may_nest_are_asked_at_once():
    table = ibis.memtable({"x": [3, 5000]})
    found = table.select(
        one=any_of(table["x"] == i for i in range(1000)),
        every=all_of(table["x"] > i for i in range(1000)),
        total=add_up([table["x"]] * 1000),
    ).to_pandas()
    assert found.to_dict("list") == {"one": [True, False], "every": [False, True], "total": [3000, 5_000_000]}


def test_a_value_is_cleaned_as_a_descriptor_is(tmp_path):
    """Without one a customer stays; a cell that is no number, or out of its range, is refused."""
    worth = Dataset.model_validate({"title": "Shop", "columns": PEOPLE | {"revenue": {"role": "value", "min": 0}}})
    rows = [f"{i},Rome,s,30,10,{i}.5" for i in range(12)]
    (tmp_path / "shop.csv").write_text("\n".join(["id,city,size,age,spend,revenue", *rows, "20,Rome,s,30,10,",
                                                  "21,Rome,s,30,10,-3", "22,Rome,s,30,10,much"]))  # fmt: skip
    cleaned = _clean_file(tmp_path / "shop.csv", worth, FEATURES)
    assert list(zip(cleaned.rejected["value"], cleaned.rejected["rule"].str.slice(0, 8), strict=True)) == [
        ("-3", "at least"), ("much", "a number")
    ]  # fmt: skip
    kept = cleaned.customers.set_index("id")["revenue"]
    assert (len(kept), kept["3"], kept.isna().sum()) == (13, 3.5, 1)
