"""Small tables that were once got wrong, each for a kind: the roles that are right."""

import shlex

import pytest
import yaml

from segmentation.core.text import key, key_without_unit
from segmentation.roles.write import assume
from segmentation.tables.sources import locate
from tests.conftest import ROOT

CASES = ROOT.parent / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="needs the inputs beside the project")


def assumed(path) -> dict:
    """Return the dataset.yaml of what a table seems to be."""
    return yaml.safe_load(assume(locate("DATA", str(path))))


def roles_of(dataset: dict) -> dict[str, str]:
    """Return the roles by header, as people wrote it."""
    return {key(spec.get("aliases", [name])[0]): spec["role"] for name, spec in dataset["columns"].items()}


SPEND = {"customer_id": "id", "visits": "feature", "spend": "feature"}
ANSWERS = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6"), "feature")
MOTIVES = {f"motive_{motive}": "feature" for motive in ("rest", "sport", "culture", "nature", "fun", "budget")}
RATED = {f"rate_{what}": "feature" for what in ("wifi", "seat", "food", "crew", "clean", "price")}


@pytest.mark.parametrize(
    ("file", "right"),
    [
        ("small-18-gender.csv", SPEND | {"gender": "descriptor"}),
        ("small-36-regions.csv", SPEND | {"region": "descriptor"}),
        ("small-36-age.csv", SPEND | {"age": "descriptor"}),
        ("my customers.csv", SPEND | {"age": "descriptor"}),
        ("id-column.csv", {"ID": "id", "Visits": "feature", "Spend": "feature"}),
        ("email-and-address.csv", {"Email": "id", "Address": "ignore", "Minutes": "feature", "Spend": "feature"}),
        ("half-empty-number.csv", SPEND | {"days_to_activation": "descriptor"}),
        ("accounting-negative.csv", {"customer_id": "id", "visits": "feature", "balance": "feature"}),
        (
            "survey-yes-no.csv",
            {"respondent": "id", "gender": "descriptor"}
            | dict.fromkeys(("tasty", "cheap", "fast", "healthy", "spicy"), "feature"),
        ),
        ("survey-0-1.csv", {"respondent": "id", "concern": "descriptor"} | MOTIVES),
        ("survey-likert.csv", {"respondent": "id", "distance": "descriptor"} | RATED),
        ("likert-60-rows.csv", {"respondent": "id"} | ANSWERS),
        ("likert-400-rows.csv", {"respondent": "id"} | ANSWERS),
        ("polish-cp1250.csv", {"klient_id": "id", "miasto": "descriptor", "dochód": "feature"}),
        (
            "names-chinese.csv",
            {"客户编号": "id", "年龄": "descriptor", "年收入(万元)": "feature", "消费次数": "feature"},
        ),
        (
            "names-turkish-polish.csv",
            {"MusteriID": "id", "Yaş": "descriptor", "dochód": "feature"}
            | dict.fromkeys(("Yıllık gelir (k$)", "Harcama Skoru (1-100)"), "feature"),
        ),
    ],
)
def test_each_table_has_the_roles_that_an_expert_would_choose(file, right):
    found = roles_of(assumed(CASES / file))
    assert found == {key(header): role for header, role in right.items()}


@pytest.mark.parametrize("file", ["count-of-orders-and-date.csv", "week-number-and-date.csv"])
def test_a_count_or_a_week_number_beside_a_date_makes_no_purchases(file):
    dataset = assumed(CASES / file)
    assert "transactions" not in dataset
    found = roles_of(dataset)
    assert (found[key("customer_id")], found[key("spend")]) == ("id", "feature")


def test_invoice_lines_become_customers():
    dataset = assumed(CASES / "invoice-lines.csv")
    told = dataset["transactions"]
    parts = {"customer": "CustomerID", "order": "InvoiceNo", "date": "InvoiceDate", "quantity": "Quantity"}
    for part, header in (parts | {"price": "UnitPrice"}).items():
        assert told[part] in ([header], header), part
    features = [name for name, spec in dataset["columns"].items() if spec["role"] == "feature"]
    assert features == ["recency", "frequency", "monetary"]


def test_order_lines_become_customers():
    told = assumed(CASES / "order-lines.csv")["transactions"]
    parts = {"customer": "customer_id", "order": "order_id", "date": "order_date", "amount": "line_total"}
    assert {part: told[part] in ([header], header) for part, header in parts.items()} == dict.fromkeys(parts, True)


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("names-chinese.csv", ["年龄", "年收入"]),
        ("names-chinese.csv", ["年收入(万元)", "消费次数"]),
        ("names-turkish-polish.csv", ["Yaş", "Yıllık gelir"]),
        ("names-turkish-polish.csv", ["dochód", "Harcama Skoru (1-100)"]),
        ("half-empty-number.csv", ["spend", "visits"]),
        ("survey-0-1.csv", ["motive_rest", "motive_sport", "Concern"]),
    ],
)
def test_what_the_analyst_names_forms_the_segments(file, named):
    dataset = yaml.safe_load(assume(locate("DATA", str(CASES / file)), features=",".join(named)))
    found = roles_of(dataset)
    headers = [spec.get("aliases", [name])[0] for name, spec in dataset["columns"].items()]
    asked = {key_without_unit(header) for header in named}
    assert {found[key(header)] for header in headers if key_without_unit(header) in asked} == {"feature"}


def test_the_command_that_is_told_can_be_pasted(fresh):
    told = fresh.call("dataset", "--name", "shop", "--data", str(CASES / "my customers.csv"))
    assert told.returncode == 0, told.stderr
    command = next(line for line in told.stdout.splitlines() if "make report" in line)
    assert any(word == f"DATA={CASES / 'my customers.csv'}" for word in shlex.split(command[command.index("make") :]))
