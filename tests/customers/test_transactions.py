"""From purchases to customers: each figure against an independent sum over the raw file."""

import datetime
import random

import pandas as pd
import pytest
from pydantic import ValidationError

from segmentation.core.dataset import Column, Dataset
from segmentation.core.errors import DataError
from segmentation.customers import tell as customers_tell
from segmentation.customers.cleaning import clean, fingerprint, overview, require_enough
from segmentation.customers.purchases import raw_dataset
from segmentation.runs.run import load_dataset
from segmentation.tables.number_formats import conventions_of
from segmentation.tables.read import read_table
from segmentation.tables.sources import locate
from tests.conftest import ROOT, in_frames

SHARED = ROOT.parent / "shared"


def _customers(path, dataset: Dataset):
    described = raw_dataset(dataset)
    wanted = described.named("id", "feature", "descriptor")
    raw, headers = read_table(locate("DATA", str(path)), described, wanted=wanted)
    return in_frames(clean(raw, dataset, features=dataset.named("feature"), headers=headers, file=path.name))


@pytest.fixture(scope="module")
def cdnow_table():
    path = ROOT.parent / "shared" / "data" / "CDNOW_master.txt"
    if not path.is_file():
        pytest.skip("CDNOW_master.txt is not here; README says where to download it")
    return path


def test_cdnow_becomes_its_customers(cdnow_table):
    cleaned = _customers(cdnow_table, load_dataset("cdnow"))
    end, raw = datetime.date(1998, 7, 1), {}
    for line in cdnow_table.read_text().splitlines()[1:]:
        customer, day, _, amount = line.split()
        when = datetime.date(int(day[:4]), int(day[4:6]), int(day[6:]))
        raw.setdefault(customer, []).append((when, round(100 * float(amount))))
    assert sum(map(len, raw.values())) == cleaned.account.rows_in == cleaned.account.clean == 69_659
    assert len(raw) == cleaned.account.customers == 23_570
    made = cleaned.customers.set_index("id")
    for customer, bought in raw.items():
        days, cents = zip(*bought, strict=True)
        row = made.loc[customer]
        assert (row["recency"], row["tenure"]) == ((end - max(days)).days, (end - min(days)).days)
        assert (row["frequency"], round(100 * row["monetary"])) == (len(days), sum(cents))
        assert row["basket"] == pytest.approx(sum(cents) / len(cents) / 100, abs=0.00501)


def test_an_altered_copy_of_cdnow_is_told(cdnow_table, tmp_path):
    dataset = load_dataset("cdnow")
    described, [header, *lines] = raw_dataset(dataset), cdnow_table.read_text().splitlines()
    halved = [line if i % 2 else line[:-1] + "7" for i, line in enumerate(lines)]
    others = [line.replace(" 1997", " 1995").replace(" 1998", " 1996") for line in lines]
    told = []
    for rows in (lines, halved, others):
        path = tmp_path / "CDNOW_master.txt"
        path.write_text("\n".join([header, *rows]))
        source = locate("DATA", str(path))
        raw, headers = read_table(source, described, wanted=described.named("id"))
        conventions = conventions_of(raw, described, list(headers["columns"]), headers, file=path.name)
        told.append(customers_tell.published(fingerprint(raw, described, conventions, source), described, "cdnow"))
    assert told[0] == "This is the published table."
    assert told[1].startswith("This is an altered copy of the published table: about ")
    assert told[2] == "This is another table than the published one."


def _shop(**given) -> Dataset:
    transactions = {"customer": ["who"], "date": ["when"], "amount": ["paid"], "as_of": "2024-06-30"} | given
    columns = {"id": {"role": "id"}} | {name: {"role": "feature"} for name in ("recency", "frequency", "monetary")}
    columns |= {name: {"role": "descriptor"} for name in ("tenure", "basket")}
    return Dataset.model_validate({"title": "T", "columns": columns, "transactions": transactions})


def test_returns_and_faults_are_counted(tmp_path):
    path = tmp_path / "till.csv"
    path.write_text(
        "who,when,paid\na,2024-06-01,10\na,2024-06-20 10:15,30\na,2024-06-25,-15\nb,2024-01-31,5\n"
        "b,2024-02-30,5\nb,2024-07-01,5\nc,2024-05-01,-3\n,2024-05-01,3\nd,2024-05-01,much\ne,2024-05-01,0\n"
    )
    cleaned = _customers(path, _shop())
    assert cleaned.customers.to_dict("list") == {
        "id": ["a", "b", "e"],
        "recency": [10.0, 151.0, 60.0],
        "frequency": [2.0, 1.0, 1.0],
        "monetary": [25.0, 5.0, 0.0],
        "tenure": [29.0, 151.0, 60.0],
        "basket": [20.0, 5.0, 0.0],
    }
    assert cleaned.rejected[["line", "column", "value", "rule"]].values.tolist() == [
        [6, "date", "2024-02-30", "a date as yyyy-mm-dd"],
        [7, "date", "2024-07-01", "on or before 2024-06-30, transactions.as_of in dataset.yaml"],
        [8, "id", "c", "a customer with a purchase"],
        [9, "id", "", "present"],
        [10, "amount", "much", "a number"],
    ]
    assert (cleaned.account.rows_in, cleaned.account.clean, cleaned.account.returns) == (10, 5, 1)


def test_a_customer_who_returned_more_than_was_bought_is_refused_where_a_log_is_taken(tmp_path):
    path = tmp_path / "till.csv"
    path.write_text("who,when,paid\na,2024-06-01,10\na,2024-06-02,-30\nb,2024-06-01,5\nb,2024-06-01,5\n")
    owes = _customers(path, _shop())
    assert owes.customers["monetary"].tolist() == [-20, 10]
    assert owes.account.alike == 1
    shop = _shop()
    columns = shop.columns | {"monetary": Column(role="feature", transform="log")}
    refused = _customers(path, shop.model_copy(update={"columns": columns}))
    assert refused.customers["id"].tolist() == ["b"]
    assert set(refused.rejected["rule"]) == {"a customer worth 0 or more after returns"}


def test_only_the_columns_that_are_named_are_taken(tmp_path):
    path = tmp_path / "till.csv"
    path.write_text("id,who,when,amount,paid\n" + "".join(f"{i},a,2024-06-01,7,10.5\n" for i in range(3)))
    customers = _customers(path, _shop()).customers
    assert customers[["id", "frequency", "monetary"]].values.tolist() == [["a", 3.0, 31.5]]
    described = raw_dataset(_shop())
    raw, headers = read_table(
        locate("DATA", str(path)), described, wanted=described.named("id", "feature", "descriptor")
    )
    assert overview(raw, headers["columns"], described).set_index("column")["type"]["date"] == "date"
    path.write_text("id,whoo,when,paid\n1,a,2024-06-01,5\n")
    with pytest.raises(DataError, match="'who' is missing; did you mean 'whoo'"):
        _customers(path, _shop())


def test_amounts_are_added_up_exactly_and_none_is_beyond_measure(tmp_path):
    path = tmp_path / "till.csv"
    path.write_text("who,when,paid\n" + "a,2024-06-01,0.00004\n" * 10 + "b,2024-06-01,1e300\n")
    cleaned = _customers(path, _shop())
    assert cleaned.customers["monetary"].tolist() == [0.0004]
    assert cleaned.rejected["rule"].tolist() == ["below 1,000,000,000,000,000"]


def test_no_order_of_the_purchases_changes_a_sum(tmp_path):
    rng = random.Random(0)
    lines = [f"a,2024-06-01,{rng.randrange(10**9) / 100}" for _ in range(500)]
    (tmp_path / "one.csv").write_text("\n".join(["who,when,paid", *lines]))
    (tmp_path / "two.csv").write_text("\n".join(["who,when,paid", *reversed(lines)]))
    one, two = (_customers(tmp_path / name, _shop()).customers for name in ("one.csv", "two.csv"))
    assert one.to_dict() == two.to_dict()


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("yyyymmdd", "20240601"),
        ("dd.mm.yyyy", "01.06.2024"),
        ("dd/mm/yyyy", "01/06/2024"),
        ("mm/dd/yyyy", "06/01/2024 9:30"),
        ("mm/dd/yyyy", "6/1/2024"),
    ],
)
def test_dates_are_read_as_they_are_written(tmp_path, written, day):
    path = tmp_path / "till.csv"
    path.write_text(f"who;when;paid\na;{day};1,50\nb;{day};2,5\n")
    customers = _customers(path, _shop(date_format=written)).customers
    assert customers["recency"].tolist() == [29.0, 29.0]
    assert pd.Series(customers["monetary"]).tolist() == [1.5, 2.5]


OF_LINES = {
    "customer": ["CustomerID"], "order": ["InvoiceNo"], "date": ["InvoiceDate"], "quantity": ["Quantity"],
    "price": ["UnitPrice"], "returns": "C", "as_of": "2011-12-10",
}  # fmt: skip


def _lines(transactions: dict, **own) -> Dataset:
    columns = {"id": {"role": "id"}} | {name: {"role": "feature"} for name in ("recency", "frequency")}
    columns |= {name: {"role": "descriptor"} for name in ("tenure", "lines")} | own
    if {"amount", "price"} & {*transactions}:
        columns |= {name: {"role": "descriptor"} for name in ("monetary", "basket", "returned")}
    return Dataset.model_validate({"title": "T", "columns": columns, "transactions": transactions})


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the inputs beside the project")
def test_lines_of_one_order_are_one_purchase():
    path = SHARED / "cases" / "order-lines.csv"
    given = {"customer": ["customer_id"], "date": ["order_date"], "amount": ["line_total"], "as_of": "2024-01-01"}
    made = _customers(path, _lines(given | {"order": ["order_id"]}))
    found = made.customers.set_index("id")[["frequency", "basket", "monetary", "lines"]]
    assert found[found.index.str.startswith("ONCE")].mean().tolist() == [1, 93, 93, 6]
    assert found[found.index.str.startswith("LOYAL")].mean().tolist() == [6, 15.5, 93, 6]
    assert (made.account.alike, made.account.returns) == (None, 0)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the inputs beside the project")
def test_online_retail_becomes_its_customers():
    """Each figure against pandas: 20,000 lines of UCI 352 with returns, free items and a quarter without a customer."""
    path = SHARED / "data" / "online_retail_20000.csv"
    made = _customers(
        path, _lines(OF_LINES, country={"role": "descriptor", "type": "category", "aliases": ["Country"]})
    )
    raw = pd.read_csv(path, dtype={"CustomerID": str, "InvoiceNo": str}).dropna(subset=["CustomerID"])
    raw["day"], raw["amount"] = pd.to_datetime(raw["InvoiceDate"]).dt.normalize(), raw["Quantity"] * raw["UnitPrice"]
    raw["back"] = raw["InvoiceNo"].str.startswith("C") | (raw["Quantity"] < 0)
    bought, by_id = raw[~raw["back"]], raw.groupby("CustomerID")
    buys, end = bought.groupby("CustomerID"), pd.Timestamp("2011-12-10")
    expected = pd.DataFrame(
        {
            "recency": (end - buys["day"].max()).dt.days,
            "frequency": buys["InvoiceNo"].nunique(),
            "tenure": (end - buys["day"].min()).dt.days,
            "lines": buys.size(),
            "monetary": by_id["amount"].sum(),
            "basket": buys["amount"].sum() / buys["InvoiceNo"].nunique(),
            "returned": 100 * by_id["back"].mean(),
        }
    ).dropna(subset=["recency"])
    found = made.customers.set_index("id")
    pd.testing.assert_frame_equal(
        found[expected.columns], expected.loc[found.index].astype(float), check_names=False, check_index_type=False
    )
    assert len(found) == len(expected) == 3017
    assert found.loc["12621", "country"] == "Germany"
    alone = raw[~raw["CustomerID"].isin(expected.index)]
    assert made.account.rules == {"id: present": 5078, "id: a customer with a purchase": len(alone)}
    assert made.account.returns == raw["back"].sum() - len(alone)
    require_enough(made.account, file=path.name)  # though a quarter of the rows was refused


def test_a_return_is_told_by_its_amount_its_quantity_or_the_number_of_its_order(tmp_path):
    (tmp_path / "till.csv").write_text(
        "who,no,day,n,each,city\na,1,2024-06-01,2,10,Bonn\na,1,2024-06-01,1,0,Bonn\na,C2,2024-06-03,1,10,Ulm\n"
        "a,3,2024-06-02,-1,0,\nb,4,2024-06-02,1,0.1,\nb,4,2024-06-02,1,0.2,\n"
    )
    given = {"customer": ["who"], "order": ["no"], "date": ["day"], "quantity": ["n"], "price": ["each"]}
    own = {"city": {"role": "descriptor", "type": "category"}}
    dataset = _lines(given | {"returns": "c", "as_of": "2024-06-11"}, **own)
    made = _customers(tmp_path / "till.csv", dataset)
    columns = ["id", "city", "recency", "frequency", "monetary", "tenure", "basket", "lines", "returned"]
    found = made.customers[columns].astype(object).where(made.customers[columns].notna(), None)
    assert found.values.tolist() == [["a", "Ulm", 10, 1, 10, 10, 20, 2, 50], ["b", None, 9, 1, 0.3, 9, 0.3, 2, 0]]
    assert (made.account.returns, made.account.missing) == (2, {"city": 1})


def test_a_log_without_amounts_gives_recency_and_visits(tmp_path):
    (tmp_path / "groceries.csv").write_text(
        "member,date,item\n1,01-07-2014,milk\n1,01-07-2014,rolls\n1,03-07-2014,milk\n2,02-07-2014,beer\n".replace(
            "-", "."
        )
    )
    given = {"customer": ["member"], "date": ["date"], "as_of": "2014-07-04", "date_format": "dd.mm.yyyy"}
    columns = ["id", "recency", "frequency", "tenure", "lines"]
    for order in ({}, {"order": ["date"]}):
        made = _customers(tmp_path / "groceries.csv", _lines(given | order)).customers
        assert made[columns].values.tolist() == [["1", 1, 2, 3, 3], ["2", 2, 1, 2, 1]]


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"quantity": ["n"]}, "expected amount, or quantity and price, or none of them"),
        ({"amount": ["a"], "quantity": ["n"], "price": ["p"]}, "expected amount, or quantity and price"),
        ({"returns": "C"}, "order is needed"),
        ({"order": ["o"]}, "are made id, recency, frequency, tenure, lines; 'monetary' is none of them"),
    ],
)
def test_what_purchases_cannot_tell_is_refused(given, fault):
    columns = {name: {"role": "feature"} for name in ("recency", "monetary")}
    transactions = {"customer": ["who"], "date": ["when"], "as_of": "2024-06-30"} | given
    with pytest.raises(ValidationError, match=fault):
        Dataset.model_validate({"title": "T", "columns": columns, "transactions": transactions})
