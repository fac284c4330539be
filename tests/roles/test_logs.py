"""Logs of purchases that nobody has described: what their columns are, in the languages of those who keep them."""

import random

import pandas as pd
import pytest
import yaml

from segmentation.core.dataset import Dataset
from segmentation.core.errors import DataError
from segmentation.roles.write import assume
from segmentation.runs.run import parse_dataset
from segmentation.runs.tell import assumed
from segmentation.tables.sources import locate
from tests.conftest import ROOT

SHARED = ROOT.parent / "shared"
beside = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the inputs beside the project")


def _assumed(path) -> dict:
    text = assume(locate("DATA", str(path)))
    parse_dataset(text, "what was assumed")
    return yaml.safe_load(text)


def _log(path, headers: str, *, date: str = "%Y-%m-%d", mark: str = ".") -> dict:
    """Write a log of 40 customers of customer, order, date, product, quantity and amount; "" leaves one out."""
    rng, lines = random.Random(5), []
    for i in range(240):
        day = pd.Timestamp("2023-01-01") + pd.Timedelta(days=(i // 2) * 3)
        amount = f"{rng.choice([3.5, 12.25, 20.4])}".replace(".", mark)
        cells = [
            f"K{100 + i // 2 % 40}",
            f"B{i // 2}",
            day.strftime(date),
            rng.choice("abc"),
            rng.randint(1, 9),
            amount,
        ]
        lines.append(cells)
    table = pd.DataFrame(lines, columns=pd.Index(range(6)))
    named = dict(enumerate(headers.split(";")))
    table = table[[i for i in named if named[i]]].rename(columns=named)
    table.to_csv(path, sep=";", index=False)
    return _assumed(path)


@beside
def test_lines_of_invoices_are_understood():
    told = _assumed(SHARED / "cases" / "invoice-lines.csv")
    assert {part: str(named) for part, named in told["transactions"].items()} == {
        "customer": "['CustomerID']",
        "order": "['InvoiceNo']",
        "date": "['InvoiceDate']",
        "quantity": "['Quantity']",
        "price": "['UnitPrice']",
        "returns": "C",
        "as_of": "2023-12-29",
    }
    roles = {name: column["role"] for name, column in told["columns"].items()}
    made = dict.fromkeys(("recency", "frequency", "monetary"), "feature")
    assert roles == {"id": "id"} | made | dict.fromkeys(("basket", "tenure", "lines", "returned"), "descriptor")


@beside
def test_online_retail_is_understood():
    told = _assumed(SHARED / "data" / "online_retail_20000.csv")
    assert str(told["transactions"]["as_of"]) == "2011-12-10"
    assert {"quantity", "price", "returns"} <= told["transactions"].keys()
    assert told["columns"]["country"]["type"] == "category"


@beside
@pytest.mark.parametrize("file", ["count-of-orders-and-date.csv", "week-number-and-date.csv"])
def test_one_row_a_customer_is_no_log_whatever_repeats(file):
    assert "transactions" not in _assumed(SHARED / "cases" / file)


@pytest.mark.parametrize(
    ("headers", "date"),
    [
        ("Kundennummer;Belegnummer;Rechnungsdatum;Artikel;Menge;Betrag", "%d.%m.%Y"),
        ("N° client;N° de facture;Date de facture;Produit;Quantité;Montant", "%d/%m/%Y"),
        ("Código cliente;Nº pedido;Fecha;Artículo;Cantidad;Importe", "%d-%m-%Y"),
        ("Cliente;Numero ordine;Data ordine;Prodotto;Quantità;Importo", "%d/%m/%Y"),
        ("Klient ID;Numer zamówienia;Data zamówienia;Produkt;Ilość;Kwota", "%Y-%m-%d"),
        ("MüşteriNo;Sipariş No;Sipariş Tarihi;Ürün;Adet;Tutar", "%d.%m.%Y"),
        ("customer;order_number;purchased_date;sku;qty;total", "%Y/%m/%d"),
    ],
)
def test_columns_are_known_in_many_languages(tmp_path, headers, date):
    told = _log(tmp_path / "till.csv", headers, date=date, mark=",")["transactions"]
    customer, order, day, _, _, amount = headers.split(";")
    assert [told[part] for part in ("customer", "order", "date", "amount")] == [[customer], [order], [day], [amount]]
    assert str(told["as_of"]) == "2023-12-25"


@pytest.mark.parametrize("header", ["Sales Rep ID", "Order Value No", "Verkauf Nummer"])
def test_a_number_of_who_sold_is_no_amount(tmp_path, header):
    path = tmp_path / "log.csv"
    _log(path, "Customer ID;Order ID;Order Date;;;Sales")
    table = pd.read_csv(path, sep=";")
    table.insert(0, header, [i % 19 + 1 for i in range(len(table))])
    table.to_csv(path, index=False)
    assert _assumed(path)["transactions"]["amount"] == ["Sales"]


def test_a_log_without_amounts_or_orders_counts_days(tmp_path):
    told = _log(tmp_path / "groceries.csv", "Member_number;;Date;itemDescription;;", date="%d-%m-%Y")
    assert told["transactions"].keys() == {"customer", "date", "date_format", "as_of"}
    assert [name for name, column in told["columns"].items() if column["role"] == "feature"] == ["recency", "frequency"]
    told = _log(tmp_path / "till.csv", "Member;;Date;Item;;Price")["transactions"]
    assert (told["order"], told["amount"]) == (["Date"], ["Price"])  # of two lines of one day
    told = _log(tmp_path / "till.csv", "Member;;Date;;;Price")["transactions"]
    assert "order" not in told


def test_day_and_month_that_cannot_be_told_apart_are_asked_for(tmp_path):
    path = tmp_path / "till.csv"
    lines = [f"C{i % 15};{1 + i % 12:02}/{1 + i % 5:02}/2023;{i}.5" for i in range(60)]
    path.write_text("\n".join(["customer;date;amount", *lines]))
    with pytest.raises(DataError, match=r"'date' are written like '01/02/2023'.* DATES=dmy or DATES=mdy"):
        assume(locate("DATA", str(path)))


def test_the_reader_is_told_the_columns_of_purchases_and_the_day_that_days_are_counted_to(tmp_path):
    told = _log(tmp_path / "till.csv", "customer_id;order_id;order_date;product;quantity;unit_price")
    said = assumed("assumed", Dataset.model_validate(told), ["recency"], "assumed")
    columns = "customer customer_id, order order_id, date order_date, quantity quantity and price unit_price"
    assert (said or "").endswith(f"{columns}; their days are counted to {told['transactions']['as_of']}.")


def test_what_make_dataset_writes_says_how_rows_become_customers(fresh, tmp_path):
    _log(tmp_path / "till.csv", "customer_id;order_id;order_date;product;quantity;unit_price")
    done = fresh.call("dataset", "--name", "till", "--data", str(tmp_path / "till.csv"))
    assert done.returncode == 0, done.stderr
    assert "Monetary value" in done.stdout
    text = (fresh.root / "data" / "till" / "dataset.yaml").read_text()
    assert "  price: [unit_price] # of one; a row came to quantity times price\n" in text
    assert "  as_of: 2023-12-25 # the day after the latest date\n" in text
