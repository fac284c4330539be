"""Which columns of a table that nobody has described are values: what customers bring, or what is left of it."""

import random

import pandas as pd
import pytest
import yaml

from segmentation.customers.cleaning import overview
from segmentation.roles.write import assume
from segmentation.runs.run import load_dataset, parse_dataset
from segmentation.runs.tell import roles
from segmentation.tables.read import read_table
from segmentation.tables.sources import locate

BRINGS = """Revenue; Total Revenue; sales_last_12_months; last_year_revenue; Turnover
    Umsatz letztes Jahr; Spend (EUR); Yearly Amount Spent; Monetary; CLV
    Purchase Amount (USD); Amount; TotalSpend; spend_per_year; Revenue per customer; Umsatz (EUR); Jahresumsatz
    Umsatz pro Jahr; Ausgaben; Chiffre d'affaires (€); CA; Dépenses; Montant des achats; Ventas; Gasto total (€); Monto
    Facturación; Fatturato; Spesa al bar (€); Vendite; Receita; Faturamento; Omzet; Jaaromzet; Uitgaven; Obrót; Wydatki
    Kwota zakupów; Ciro; Toplam harcama; Satış tutarı; 年消费金额(元); 売上; Выручка"""
LEFT = "Gross profit; Margin (€); Deckungsbeitrag (€); Marge brute (€); Margen (€); Marża (zł); Winst; Kâr (TL)"
NEITHER = """Annual Income (k$); EstimatedSalary; Einkommen; Dochód (zł); gelir; ingresos; Spending Score (1-100)
    Spending (1-100); Harcama Skoru (1-100); price; Unit Price; Margin %; margin (%); profit rate; Umsatzanteil
    sales_count; number of sales; sales tax; time spent; Minutes spent on site; days since last spend; revenue index
    avg revenue; Average order value; Panier moyen (€); revenue per order; spend per visit; sales growth; log_revenue
    predicted_revenue; sales target; marketing spend; refund amount; loan amount; Credit limit; visits
    last_purchase_amount; First order amount; max spend; Letzter Umsatz; Order value; Company revenue"""


def _named(*groups: str) -> list[str]:
    return [header.strip() for group in groups for line in group.splitlines() for header in line.split(";")]


def _columns(folder, table: pd.DataFrame, **options) -> dict[str, dict]:
    """Return the columns of what a table seems to be, by header."""
    table.to_csv(folder / "shop.csv", index=False)
    text = assume(locate("DATA", str(folder / "shop.csv")), **options)
    parse_dataset(text, "what was assumed")
    columns = yaml.safe_load(text)["columns"].items()
    return {spec.get("aliases", [name.replace("_", " ")])[0]: spec for name, spec in columns}


def _drawn(*headers: str, seed: int = 1, size: float = 300) -> pd.DataFrame:
    rng = random.Random(seed)
    return pd.DataFrame({header: [round(rng.gauss(size, size / 9), 2) for _ in range(60)] for header in headers})


@pytest.mark.parametrize("header", _named(BRINGS, LEFT))
def test_what_customers_bring_is_a_value_in_many_languages(tmp_path, header):
    [spec] = [spec for spec in _columns(tmp_path, _drawn(header, "visits")).values() if spec.get("value")]
    assert spec["role"] == "feature"
    said = "is left of what customers bring" if header in _named(LEFT) else "customers bring"
    assert spec["reason"].endswith(f"; its name says what {said}, so it is a value")


def test_nothing_else_is(tmp_path):
    """Neither a price nor a score, a rate, a count, an average, nor what a person earns."""
    columns = _columns(tmp_path, _drawn(*_named(NEITHER)))
    taken = [h for h, spec in columns.items() if "customers bring" in spec["reason"] or spec.get("value")]
    assert taken == []


def test_a_margin_that_could_be_a_percentage_is_none(tmp_path):
    for header, size, value in (("Margin", 30, False), ("Margin", 3000, True), ("Margin (€)", 30, True)):
        found = [spec for spec in _columns(tmp_path, _drawn(header, "visits", size=size)).values() if spec.get("value")]
        assert bool(found) == value, (header, size)
    assert not any(spec.get("value") for spec in _columns(tmp_path, _drawn("Revenue", "visits", size=0.5)).values())


def test_of_several_columns_those_that_hold_the_total_are_values(tmp_path):
    def found(*headers: str) -> set[str]:
        columns = _columns(tmp_path, _drawn(*headers, "visits"))
        return {spec.get("label", header) for header, spec in columns.items() if spec.get("value")}

    assert found("Spend wine", "Spend toys", "Total spend") == {"Total spend"}
    assert found("Spend wine", "Spend toys", "Spend") == {"Spend"}
    assert found("Revenue lodging", "Revenue yearly", "Revenue bar") == {"Revenue yearly"}
    assert found("Revenue", "Profit") == {"Revenue", "Profit"}
    assert found("Lodging revenue", "Other revenue") == set()
    told = _columns(tmp_path, _drawn("Lodging revenue", "Other revenue", "visits"))["lodging revenue"]["reason"]
    assert told.startswith(
        "an amount; no value, because several columns hold parts of what customers bring, and none says"
    )


def test_what_only_describes_or_was_a_copy_becomes_a_value(tmp_path):
    rng, table = random.Random(3), _drawn("visits", "days away")
    gaps = [cell if rng.random() > 0.4 else "" for cell in _drawn("x", seed=4)["x"]]
    half = _columns(tmp_path, table.assign(**{"Revenue (€)": gaps}))["Revenue (€)"]
    assert (half["role"], half["unit"], half["min"]) == ("value", "€", 0)
    assert half["reason"] == (
        "an amount, but more than a fifth of its cells are empty; its name says what customers bring, so it is a value"
    )
    copy = _columns(tmp_path, table.assign(profit=table["visits"] * 3.1))["profit"]
    assert copy["role"] == "value"
    assert copy["reason"].startswith("nearly a copy of visits (r = 1.00)")
    table["revenue"] = _drawn("x", seed=5)["x"]
    assert (
        _columns(tmp_path, table.assign(**{"net revenue": table["revenue"] * 0.8}))["net revenue"]["role"] == "ignore"
    )


def test_a_copy_that_becomes_a_value_is_no_reason_to_refuse_too_many_rows(tmp_path):
    """Cells of visits are no numbers in 4% of the rows, days away is empty in 12%, and profit no number in other 5%."""
    table = _drawn("visits", "days away", "other", seed=7)
    table = pd.concat([table, _drawn("visits", "days away", "other", seed=8)], ignore_index=True).astype(object)
    table["profit"] = table["visits"] * 3.1
    table.loc[:4, "visits"], table.loc[5:19, "days away"], table.loc[20:25, "profit"] = "x", "", "x"
    columns = _columns(tmp_path, table)
    assert columns["profit"]["role"] == "value"
    assert columns["days away"].get("missing") == "median"


def test_features_that_are_named_leave_a_value_what_it_is(tmp_path):
    from segmentation.pipeline.plan import make_plan

    table = _drawn("visits", "days away", "revenue")
    table["profit"] = table["visits"] * 3.1
    table.to_csv(tmp_path / "shop.csv", index=False)
    nothing = dict.fromkeys(("run", "dataset", "k", "seed", "resamples", "engine", "encoding", "decimal", "base"))

    def planned(features: str) -> dict[str, str]:
        plan = make_plan(**nothing | {"data": str(tmp_path / "shop.csv"), "features": features})
        assert set(plan.study.dataset.values) == {"revenue", "profit"}
        told = roles(plan.study.dataset, plan.parameters["features"].split(","))
        return {label.lower(): role for label, role, _ in told}

    assert planned("visits,days away") == {
        "visits": "feature", "days away": "feature", "revenue": "value", "profit": "value"
    }  # fmt: skip
    assert planned("profit,days away") == {
        "visits": "ignore", "days away": "feature", "revenue": "value", "profit": "feature and value"
    }  # fmt: skip


DESCRIBED = """title: Shop
columns:
  visits: {role: feature}
  days: {role: feature}
  revenue: {role: value, unit: €, min: 0}
  profit: {role: feature, value: true}
"""


def test_terminal_and_chapter_1_say_that_a_column_is_a_value(tmp_path):
    dataset = parse_dataset(DESCRIBED, "shop")
    by_column = ["feature", "feature", "value", "feature and value"]
    assert [role for _, role, _ in roles(dataset, ("visits", "days", "profit"))] == by_column
    _drawn("visits", "days", "revenue", "profit").to_csv(tmp_path / "shop.csv", index=False)
    raw, found = read_table(locate("DATA", str(tmp_path / "shop.csv")), dataset, wanted=tuple(dataset.columns))
    assert list(overview(raw, found["columns"], dataset)["role"]) == by_column


def test_what_purchases_came_to_is_a_value_and_an_average_is_none():
    assert load_dataset("cdnow").values == ("monetary",)
    assert load_dataset("wholesale").values == ()  # six categories of spending, none the whole


def test_what_make_dataset_writes_says_what_is_a_value_and_what_sizes_a_campaign(fresh, tmp_path):
    _drawn("visits", "days away", "Revenue (€)").to_csv(tmp_path / "shop.csv", index=False)
    done = fresh.call("dataset", "--name", "shop", "--data", str(tmp_path / "shop.csv"))
    assert done.returncode == 0, done.stderr
    assert "feature and value" in done.stdout
    text = (fresh.root / "data" / "shop" / "dataset.yaml").read_text(encoding="utf-8")
    assert "# What the segments are worth is counted in the first value, revenue;" in text
    offered = [
        line.removeprefix("# ") for line in text.splitlines() if line.startswith(("# contact_", "# resp", "# marg"))
    ]
    assert offered[0] == "contact_cost: 1.5 # of one customer, in €"
    sized = parse_dataset(text + "\n".join(offered), "shop")
    assert (sized.contact_cost, sized.response, sized.margin, sized.values) == (1.5, 0.02, 0.3, ("revenue",))
