"""What two months and more gained and lost, who moved, and what to do about it: pages of `make compare`."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import Project, copy_project, made_once

SHOP = """title: Shop
source: {path: shop.csv}
privacy: rows
k_range: [2, 4]
columns:
  id: {role: id}
  recency: {role: feature, label: Days since last order, unit: days}
  basket: {role: feature, label: Basket, unit: EUR}
  revenue: {role: value, label: Revenue, unit: EUR}
segments:
  - {levels: {recency: high}, name: At risk, action: Send the win-back voucher}
  - {levels: {recency: low, basket: high}, name: Loyal, action: Say thank you}
  - {levels: {recency: low}, name: New}
"""
PLACES = {"loyal": (20, 120), "risk": (180, 60), "new": (15, 20)}
MONTHS = {  # where the customers 0 to 199 are, in this order; c is the month in which 24 of the loyal are at risk
    "jan": (("loyal", 100), ("risk", 40), ("new", 60)),
    "feb": (("risk", 24), ("loyal", 76), ("risk", 40), ("new", 60)),
    "mar": (("risk", 36), ("loyal", 64), ("risk", 40), ("new", 60)),
}
REVENUE = {"loyal": 200, "risk": 50, "new": 80}


def month(name: str) -> pd.DataFrame:
    """Return the table of a month, in which a customer brings what is usual where it is, and c7 a hundred more."""
    rng, groups = np.random.default_rng([*name.encode()]), [g for g, size in MONTHS[name] for _ in range(size)]
    rows = np.array([PLACES[group] for group in groups]) + rng.normal(0, 4, (200, 2))
    revenue = np.array([REVENUE[group] for group in groups]) + 100.0 * (np.arange(200) == 7)
    ids = [f"c{i}" for i in range(200)]
    return pd.DataFrame({"id": ids, "recency": rows[:, 0].clip(1), "basket": rows[:, 1].clip(1), "revenue": revenue})


def _make_months(folder: Path) -> Project:
    project = copy_project(folder)
    place = project.root / "data" / "shop"
    place.mkdir()
    (place / "dataset.yaml").write_text(SHOP)
    before: list[str] = []
    for name in MONTHS:
        table = project.root / f"{name}.csv"
        month(name).round(3).to_csv(table, index=False)
        words = ["--dataset", "shop", "--data", str(table), "--run", name, "--k", "3", "--resamples", "10"]
        done = project.call("report", *words, *before, drawn=False)
        assert done.returncode == 0, done.stderr
        before = ["--base", name]
    return project


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Project:
    """A copy of the project with the runs jan, feb and mar, each started from the one before."""
    return made_once(tmp_path_factory, "series", _make_months)
