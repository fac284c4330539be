"""How numbers and units are told: only what is so of a column, and each unit once."""

import pandas as pd
import pytest
import yaml

from segmentation.core.dataset import Dataset
from segmentation.core.text import names_unit
from segmentation.customers.cleaning import clean, overview
from segmentation.customers.tell import reading
from segmentation.roles.guess import guess_columns
from segmentation.roles.write import as_yaml
from segmentation.tables.number_formats import conventions_of
from segmentation.tables.read import read_table
from segmentation.tables.sources import locate

GERMAN = """kunde;Umsatz;Besuche;seit;Preis;Mahnung
K1;1.200,50;3;01.02.2020;3,5;ja
K2;800,25;4;02.02.2020;4,5;nein
K3;90,75;5;03.02.2020;5,5;ja
"""
COLUMNS = {
    "kunde": {"role": "id"},
    "umsatz": {"role": "feature", "label": "Umsatz"},
    "besuche": {"role": "feature", "label": "Besuche"},
    "preis": {"role": "ignore", "label": "Preis"},
    "mahnung": {"role": "descriptor", "type": "yes/no"},
    "seit": {"role": "ignore", "label": "seit"},
}


@pytest.fixture
def german(tmp_path):
    (tmp_path / "shop.csv").write_text(GERMAN, encoding="utf-8")
    dataset = Dataset(title="T", columns=COLUMNS)
    raw, headers = read_table(locate("DATA", str(tmp_path / "shop.csv")), dataset, wanted=("umsatz",))
    return dataset, raw, headers


def test_a_decimal_comma_is_told_of_columns_that_have_one(german):
    dataset, raw, headers = german
    conventions = conventions_of(raw, dataset, list(dataset.columns), headers, file="shop.csv")
    assert "Written with a decimal comma: Umsatz." in reading(headers, conventions, dataset)
    assert conventions["besuche"].decimal == ","
    assert (conventions["umsatz"].expects(), conventions["besuche"].expects()) == (
        "a number with a decimal comma",
        "a number",
    )


def test_what_is_set_aside_has_no_type_and_a_yes_is_read_not_respelt(german):
    dataset, raw, headers = german
    told = overview(raw, headers["columns"], dataset).set_index("column")["type"]
    assert (told["seit"], told["umsatz"], told["kunde"], told["mahnung"]) == ("–", "number", "text", "yes/no")
    cleaned = clean(raw, dataset, features=("umsatz", "besuche"), headers=headers, file="shop.csv")
    assert cleaned.customers.table.to_pandas()["mahnung"].tolist() == ["yes", "no", "yes"]
    assert cleaned.account.mended == {}


@pytest.mark.parametrize(
    "text", ["k$", "%", "EUR", "€", "T€", "Tsd. €", "mio EUR", "days", "kg", "€/month", "kWh per year", "万元"]
)
def test_units_are_told_from_ranges_and_words(text):
    assert names_unit(text)
    assert not any(map(names_unit, ("1-100", "brutto", "incl. VAT", "1 = low", "M/F", "")))


def test_a_unit_stands_once_and_what_is_none_stays_in_the_label(tmp_path):
    table = pd.DataFrame({"Id": [f"c{i}" for i in range(60)]})
    headers = [
        "Annual Income (k$)",
        "Spending Score (1-100)",
        "Umsatz (brutto)",
        "Sales ($)",
        "Sales (%)",
        "Verbrauch [kWh]",
    ]
    for i, header in enumerate(headers, start=1):
        table[header] = [(row * (2 * i + 1)) % 61 + 0.5 for row in range(60)]
    table.to_csv(tmp_path / "shop.csv", index=False)
    columns = {guess.header: guess for guess in guess_columns(locate("DATA", str(tmp_path / "shop.csv")))}
    text = as_yaml(list(columns.values()), locate("DATA", str(tmp_path / "shop.csv")), "T")
    dataset = Dataset.model_validate(yaml.safe_load(text))
    assert [str(dataset.axis(columns[header].name)) for header in headers] == [
        "Annual Income (k$)",
        "Spending Score (1-100)",
        "Umsatz (brutto)",
        "Sales ($)",
        "Sales (%)",
        "Verbrauch (kWh)",
    ]
    assert [dataset.columns[columns[header].name].unit for header in headers] == ["k$", None, None, "$", "%", "kWh"]


@pytest.mark.parametrize(
    "column",
    [{"label": "Geburtsjahr"}, {"label": "Year of birth"}, {"label": "Rok urodzenia"}, {"min": 1900, "max": 2100}],
)
def test_a_year_has_no_comma_wherever_a_number_of_it_is_told(column):
    dataset = Dataset(
        title="T", columns={"x": {"role": "feature", **column}, "spend": {"role": "feature", "unit": "€"}}
    )
    told = dataset.amount("x", 1971.6), dataset.measured("x", 1972), dataset.axis("x").form(1999)
    assert told == ("1972", "1972", "1999")
    assert (dataset.amount("spend", 1972), dataset.measured("spend", 1972)) == ("1,972", "1,972 €")


@pytest.mark.parametrize("label", ["Umsatz pro Jahr", "Umsatz im Jahr", "Sales this year", "Year income", "Last year"])
def test_an_amount_of_a_year_is_none(label):
    dataset = Dataset(title="T", columns={"x": {"role": "feature", "label": label}})
    assert dataset.amount("x", 1972) == "1,972"


def test_years_are_told_from_the_cells_and_prices_are_none(tmp_path):
    rows = [f"c{i},{1950 + i * 7 % 60},{1900 + i * 37 % 101},{(i * 53) % 101 + 0.5}" for i in range(100)]
    (tmp_path / "shop.csv").write_text("\n".join(["id,seit,price (€),spend", *rows]))
    limits = {
        g.header: (g.spec.get("min"), g.spec.get("max"))
        for g in guess_columns(locate("DATA", str(tmp_path / "shop.csv")))
    }
    assert (limits["seit"], limits["price (€)"]) == ((1900, 2100), (0, None))
