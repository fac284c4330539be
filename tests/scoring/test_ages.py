"""New customers judged against former ones who had been customers for as long."""

from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from segmentation.core.dataset import Dataset
from segmentation.customers.customers import Customers
from segmentation.roles.known import standing
from segmentation.runs.artifacts import Model
from segmentation.runs.records import Placement
from segmentation.scoring import tell
from segmentation.scoring.drift import Drift, alike, describe_drift
from segmentation.segments.model import _with_ages, bin_feature
from tests.conftest import Project, completed, copy_project, made_once

COLUMNS = {"orders": {"role": "feature", "label": "Orders"}, "tenure": {"role": "descriptor", "label": "Tenure"}}
DATASET = Dataset(title="T", columns=COLUMNS)


def _shop(n: int, rng, *, longest: float = 1000, rate: float = 0.01) -> pd.DataFrame:
    """Draw customers who came evenly over the days before, and ordered at one rate ever since: segment 2 often did."""
    tenure = rng.integers(1, longest + 1, n).astype(float)
    orders = 1.0 + rng.poisson(rate * tenure)
    return pd.DataFrame({"orders": orders, "tenure": tenure, "segment": np.where(orders > 5, 2, 1)})


def _model(table: pd.DataFrame, dataset: Dataset = DATASET) -> Model:
    customers = Customers.of(dataset, table)
    placement = Placement(features=[{"name": "orders", "power": 1, "centre": 0, "spread": 1}], centroids=[[1], [8]])
    model = completed(placement).content()
    limits = customers.limits(["orders"]).loc["orders", ["low", "high"]].astype(float).to_dict()
    model["features"][0] |= limits | bin_feature(customers, "orders")
    sizes = table["segment"].value_counts().sort_index().tolist()
    return _with_ages(Model.model_validate(model | {"customers": len(table), "sizes": sizes}), dataset, customers)


def _drift(new: pd.DataFrame, model: Model) -> Drift:
    return describe_drift(ibis.memtable(new.assign(outside=False)), model, {1: "Seldom", 2: "Often"})


def test_sign_ups_of_the_same_shop_are_as_expected_though_unlike_all_former_customers():
    rng = np.random.default_rng(1)
    model, month = _model(_shop(4_000, rng)), _shop(400, rng, longest=30)
    found, plain = _drift(month, model), _drift(month.drop(columns="tenure"), model)
    assert (plain.age, plain.features["orders"].shifted, plain.segments.shifted) == (None, True, True)
    assert (found.age, found.features["orders"].shifted, found.segments.shifted) == ("tenure", False, False)
    shares = {share.name: (share.then, share.expected, share.now) for share in found.shares}
    assert shares["Often"][0] > 0.3
    assert shares["Often"][1:] == pytest.approx((0, 0), abs=0.02)
    assert "Refresh" not in " ".join(tell.drift(found, {"orders": "Orders", "tenure": "Tenure"}))


@pytest.mark.parametrize("rate", [0.004, 0.05])
def test_customers_who_changed_ask_for_a_refresh_at_any_age(rate):
    rng = np.random.default_rng(2)
    found = _drift(_shop(1_500, rng, longest=600, rate=rate), _model(_shop(4_000, rng)))
    assert (found.age, found.features["orders"].shifted) == ("tenure", True)
    told = tell.drift(found, {"orders": "Orders", "tenure": "Tenure"})
    assert told[2] == "Judged against former customers of as long standing (Tenure)"
    assert told[-1].startswith("Refresh the segmentation: Orders")
    assert "of customers of as long standing, by an index above 0.25" in told[-1]


def test_chance_alone_seldom_asks_for_a_refresh_whatever_the_ages_of_the_new():
    rng = np.random.default_rng(3)
    model, moved = _model(_shop(1_000, rng)), 0
    for longest in np.repeat([30, 90, 400, 1000], 25):
        found = _drift(_shop(200, rng, longest=longest), model)
        moved += found.features["orders"].shifted or found.segments.shifted
    assert moved <= 6


def test_what_is_expected_is_former_customers_by_the_ages_of_the_new():
    """Of 20 former customers of each age 0, 10 and 4 order often; of the new, half are of each of the last two."""
    often = {1.0: 0, 2.0: 10, 3.0: 4}
    rows = [(age, 9.0 if i < n else 1.0) for age, n in often.items() for i in range(20)]
    table = pd.DataFrame(rows, columns=["tenure", "orders"])
    table["segment"] = np.where(table["orders"] > 5, 2, 1)
    model, new = _model(table), pd.DataFrame({"orders": 1.0, "tenure": [2.0, 3.0] * 50, "segment": 1})
    found = alike(ibis.memtable(new), model.ages)
    assert found.shares(model.ages.segments) == pytest.approx([1 - 0.35, 0.35])
    assert found.customers == pytest.approx(40)  # all of those two ages count alike
    assert _drift(new, model).shares[1].expected == pytest.approx(0.35)


@pytest.mark.parametrize(
    ("tenure", "told"),
    [
        ([2000.0] * 100, "too few of them were of as long standing"),
        ([np.nan] * 100, "too few of them were of as long standing"),
        ([5.0] * 89 + [5000.0] * 11, "too few of them were of as long standing"),
        (None, "nothing says of how long standing these are"),
    ],
)
def test_where_no_former_customer_was_as_long_all_are_compared_and_that_is_said(tenure, told):
    rng = np.random.default_rng(4)
    new = _shop(100, rng, longest=30)
    new = new.drop(columns="tenure") if tenure is None else new.assign(tenure=tenure)
    found = _drift(new, _model(_shop(2_000, rng)))
    assert found.age is None
    assert tell.drift(found, {"orders": "Orders"})[2] == f"Judged against all former customers: {told}"
    assert all(share.expected is None for share in found.shares)


def test_the_age_itself_is_not_judged_where_it_formed_the_segments():
    rng, dataset = np.random.default_rng(5), Dataset(title="T", columns=COLUMNS | {"tenure": {"role": "feature"}})
    model = _model(_shop(2_000, rng), dataset)
    assert list(model.ages.features) == ["orders"]


DATE = {"role": "descriptor", "type": "date", "date_format": "yyyy-mm-dd"}


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"sign_up_date": DATE}, "sign_up_date"),
        ({"kunde_seit": DATE}, "kunde_seit"),
        ({"first_purchase": DATE, "last_purchase": DATE}, "first_purchase"),
        ({"last_order": DATE}, None),
        ({"birth_date": DATE | {"unit": "years"}}, None),
        ({"sign_up_date": DATE | {"role": "ignore"}}, None),
        ({"signed": DATE | {"label": "Days since joining"}}, "signed"),
        ({"months": {"role": "feature", "label": "Months as a customer"}}, "months"),
        ({"days_since_last_order": {"role": "feature"}}, None),
        ({"days_since_first_order": {"role": "descriptor"}}, "days_since_first_order"),
        ({"visits_since": {"role": "descriptor"}}, None),
        ({"sign_up_date": DATE, "tenure": {"role": "descriptor"}}, None),
    ],
)
def test_which_column_says_how_long_somebody_has_been_a_customer(columns, found):
    columns = {"x": {"role": "feature"}} | columns
    assert standing(Dataset(title="T", as_of="2024-01-01", columns=columns)) == found


def test_of_purchases_it_is_the_time_since_the_first():
    given = {"customer": ["c"], "date": ["d"], "as_of": "2024-01-01"}
    columns = {"id": {"role": "id"}, "frequency": {"role": "feature"}, "tenure": {"role": "descriptor"}}
    assert standing(Dataset(title="T", transactions=given, columns=columns)) == "tenure"


def _table(days: pd.DatetimeIndex, rng, *, first: int = 0) -> pd.DataFrame:
    """Draw customers who signed up on random days and order once in fifty days, each order of about twenty."""
    came = pd.to_datetime(rng.choice(days, len(days) * 2))
    orders = 1 + rng.poisson((days[-1] - came).days / 50)
    spend = (orders * rng.normal(20, 2, len(came))).round(2)
    ids = [f"c{first + i}" for i in range(len(came))]
    return pd.DataFrame(
        {"customer_id": ids, "sign_up_date": came.strftime("%Y-%m-%d"), "orders": orders, "spend": spend}
    )


def _make(folder: Path) -> Project:
    project = copy_project(folder)
    _table(pd.date_range("2023-01-01", "2023-12-31"), np.random.default_rng(6)).to_csv(
        project.root / "y.csv", index=False
    )
    words = ["--k", "3", "--method", "kmeans", "--resamples", "10"]
    done = project.call("report", "--data", str(project.root / "y.csv"), *words, drawn=False)
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture(scope="module")
def year(tmp_path_factory) -> Project:
    return made_once(tmp_path_factory, "year", _make)


def test_the_sign_ups_of_the_next_month_ask_for_no_refresh_and_others_do(year, tmp_path):
    rng, month = np.random.default_rng(7), pd.date_range("2024-01-01", "2024-01-31")
    signed = _table(month.repeat(3), rng, first=1_000)
    changed = signed.assign(spend=signed["spend"] * 4)
    bad = signed.assign(sign_up_date=[*signed["sign_up_date"][:5], *["soon"] * (len(signed) - 5)])
    told = {}
    for name, table in (("signed", signed), ("changed", changed), ("bad", bad)):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        words = ["--new", str(tmp_path / f"{name}.csv"), "--out", str(tmp_path / f"{name}-scored.csv")]
        done = year.call("score", "--run", "y", *words)
        assert done.returncode == 0, done.stderr
        told[name] = done.stdout
        assert f"{len(signed)} customers scored" in done.stdout
    assert "Judged against former customers of as long standing (Days since sign up)" in told["signed"]
    assert "days are counted to 2024-02-01" in told["signed"]
    assert "Refresh" not in told["signed"]
    assert "Refresh the segmentation: Spend" in told["changed"]
    assert "too few of them were of as long standing" in told["bad"]
