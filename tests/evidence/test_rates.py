"""How often the verdict is right on tables whose answer is known: a part of the benchmark that asks all of them."""

import pandas as pd
import pytest

from tests.benchmarks.evidence_rates import as_text, ask, rates
from tests.benchmarks.evidence_tables import (
    ANSWERS,
    CURVED,
    PLANTED,
    STRUCTURELESS,
    SURVEYS,
    curved_rows,
    planted_rows,
    structureless_rows,
    survey_rows,
)
from tests.conftest import ROOT

KEPT = ROOT / "tests" / "benchmarks" / "evidence-rates.csv"  # of the run that docs/method.md prints
NOISY = ("two clouds, 4 sd, d=2", "two clouds, 5 sd, d=4", "one long, one round", "two like Old Faithful")
MISSED = ("95/5, 5 sd, one far",)  # the page says how often


def _asked(rows, *, seeds, most: int = 200) -> pd.DataFrame:
    return rates(ask(rows, seeds, most=most, processes=1))


@pytest.mark.parametrize("name", [name for name, *_ in PLANTED])
def test_planted_groups_are_natural(name):
    variants = ("noise 0", "one far", "noise 2") if name in NOISY else ("noise 0", "one far")
    rows = [row for row in planted_rows() if row.name.startswith(f"{name}, ") and row.name.endswith(variants)]
    found = _asked([row for row in rows if row.name not in MISSED], seeds=range(1))
    assert found["right"].eq(1).all(), found


@pytest.mark.parametrize("name", STRUCTURELESS)
def test_nothing_is_natural_where_no_groups_are(name):
    rows = [row for row in structureless_rows() if row.name.startswith(f"{name}, d=")]
    some, most = (rows[1:2], 50) if name in ANSWERS else (rows, 200)
    assert _asked(some, seeds=range(1), most=most)["natural"].mean() <= 0.1


def test_few_curved_pieces_are_natural():
    found = _asked(curved_rows(), seeds=range(2))
    assert len(found) == len(CURVED)
    assert found["natural"].mean() <= 0.1


@pytest.mark.parametrize("name", [name for name, *_ in SURVEYS])
def test_planted_classes_of_a_survey_are_found(name):
    assert _asked([row for row in survey_rows() if row.name == name], seeds=range(1))["right"].eq(1).all()


def test_the_page_on_the_method_prints_the_rates_of_a_run():
    shown = pd.read_csv(KEPT, index_col="row")
    assert as_text(shown) in (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    known = planted_rows() + curved_rows() + survey_rows() + structureless_rows()
    assert set(shown.index) <= {row.name for row in known}
