"""What two months and more gained and lost, who moved, and what to do about it: pages of `make compare`."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from segmentation.core import files
from segmentation.core.dataset import Dataset
from segmentation.monitoring import advice, plots, series, shown, tell
from segmentation.monitoring.comparison import moves, public_moves
from segmentation.runs.artifacts import Former, Origin
from segmentation.runs.stages import compared_page, is_generated
from tests.conftest import Project, copy_project, made_once
from tests.report.test_report import Page

SHOP = """title: Shop
source: {path: shop.csv}
privacy: rows
k_range: [2, 3]
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


@pytest.fixture
def months(shop, monkeypatch) -> series.Series:
    monkeypatch.setattr(files, "ROOT", shop.root)
    return series.compare_series("jan,feb,mar")


@pytest.fixture
def private(shop, monkeypatch) -> series.Series:
    """The same of a table whose rows are private."""
    monkeypatch.setattr(files, "ROOT", shop.root)
    described = shop.root / "data" / "shop" / "dataset.yaml"
    described.write_text(SHOP.replace("privacy: rows", "privacy: aggregate"))
    yield series.compare_series("jan,feb,mar")
    described.write_text(SHOP)


def test_a_page_of_several_runs(shop):
    done = shop.call("compare", "--runs", "jan, feb,mar")
    assert done.returncode == 0, done.stderr
    answer, place = done.stdout.splitlines()
    assert answer == "At risk grew from 20% in jan to 38% in mar; Loyal shrank from 50% to 32%"
    assert place == "report/mar/compare-jan+feb.html"
    text = (shop.root / place).read_text(encoding="utf-8")
    assert f"<title>{answer} · jan → feb → mar</title>" in text
    assert re.findall(r"<h1[^>]*>(.*?)</h1>", text) == [answer]
    page = Page(text)
    for told in (
        "jan → feb: 24 of 200 customers changed segment; At risk grew from 20% to 32%.",
        "feb → mar: 12 of 200 customers changed segment; At risk grew from 32% to 38%.",
        "Revenue of all customers: 26,900 EUR in jan, 21,500 EUR in mar (−20%).",
        "gained most: At risk (1,900 EUR). Of the segments found again lost most: Loyal (7,300 EUR).",
        "1 Loyal 20,100 (75%) 15,200 (65%) 12,800 (60%) −7,300",
        "jan → feb 1 Loyal 3 At risk 24 4,900 1,300 −3,600",
        "At risk grew from 20% to 38%. “Send the win-back voucher” is for 76 customers there.",
        "Loyal shrank from 50% to 32%. “Say thank you” is for 64 customers there.",
        "The share changed by no more than the intervals allow: New. Go on as planned.",
        "Twelve customers went from Loyal to At risk in mar. Begin “Send the win-back voucher” with them.",
    ):
        assert told in page.text
    drawn = [a for tag, a, _ in page.elements if tag == "svg" and a.get("role") == "img"]
    assert len(drawn) == 3
    links = [a.get("href", "") for tag, a, _ in page.elements if tag in ("a", "link")] + page.all("img")
    assert not [link for link in links if not str(link).startswith("#")]
    assert is_generated(shop.root / "report" / "mar")


def test_two_runs_may_be_named_as_several(shop):
    done = shop.call("compare", "--runs", "jan,feb", drawn=False)
    assert done.stdout.splitlines()[-1] == "report/feb/compare-jan.html"
    page = Page((shop.root / "report" / "feb" / "compare-jan.html").read_text(encoding="utf-8")).text
    assert "1 Loyal 3 At risk 24 4,900 1,300 −3,600" in page
    assert "24 customers went from Loyal to At risk in feb. Begin “Send the win-back voucher” with them." in page


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "name the runs to compare"),
        ("--base jan", "name the runs to compare"),
        ("--runs jan,feb --run mar", "name the runs to compare"),
        ("--runs jan", "RUNS=jan must name two runs or more"),
        ("--runs jan,feb,jan", "each once"),
        ("--runs jan,../x", "RUNS=../x cannot name a folder"),
        ("--runs jan,feb,june", "make report RUN=june"),
    ],
)
def test_runs_that_cannot_be_compared_are_told(shop, words, told):
    done = shop.call("compare", *words.split())
    assert done.returncode == 2
    assert told in done.stderr


def test_a_page_of_many_runs_has_a_name_that_fits():
    assert compared_page(["jan"]) == "compare-jan.html"
    many = [f"customers of the month {i:02}" for i in range(24)]
    assert len(compared_page(many).encode()) < 120
    assert compared_page(many) != compared_page(many[:-1])


def test_values_are_those_that_pandas_finds(months):
    tables = [month(name).round(3).set_index("id") for name in MONTHS]
    segments = [
        pd.read_csv(files.ROOT / "assets" / name / "segments.csv").set_index("id")["segment"] for name in MONTHS
    ]
    worth = series.worth_over(months)
    for at, (table, own) in enumerate(zip(tables, segments, strict=True)):
        sums = table["revenue"].groupby(own).sum()
        found = worth[(worth["at"] == at) & (worth["line"] >= 0)].set_index("segment")
        assert found["value"].to_dict() == pytest.approx(sums.to_dict())
        assert worth.loc[(worth["at"] == at) & (worth["line"] == -1), "value"].item() == pytest.approx(sums.sum())
    moved = series.moved_worth(months.steps[0], "revenue").set_index(["then", "now"])
    both = pd.DataFrame({"then": segments[0], "now": segments[1], "v": tables[0]["revenue"], "w": tables[1]["revenue"]})
    sums = both.groupby(["then", "now"])[["v", "w"]].sum()
    assert moved["value_then"].to_dict() == pytest.approx(sums["v"].to_dict())
    assert moved["value_now"].to_dict() == pytest.approx(sums["w"].to_dict())


def test_what_a_private_segment_is_worth_is_told_no_more_exactly_than_its_share(private):
    worth = series.worth_over(private)
    parts = worth.loc[worth["line"] >= 0, "value"].dropna()
    assert len(parts) > 3
    assert all(value == float(f"{value:.2g}") for value in parts)


def test_of_private_customers_what_those_who_moved_brought_is_told_in_steps(private):
    moved = series.moved_worth(private.steps[0], "revenue").set_index(["then", "now"])
    # c7, who brings 300 then and 150 now, is one of the 24 who went from 1 to 3: 4,900 and 1,300.
    assert moved.loc[(1, 3)].tolist() == [5000, 1400]
    assert (moved["value_then"] % 50 == 0).all()
    shown_ = public_moves(moves(private.steps[0]), private.steps[0])
    table = shown.largest_moves(shown_, moved.reset_index(), private.steps[0], "revenue")
    assert table.to_dict("records") == [
        {"from": "1 Loyal", "to": "3 At risk", "customers": "20", "value then": "5,000", "value now": "1,400"}
        | {"gained or lost": "−3,600"}
    ]
    assert advice.headline(private.steps[0]).startswith("At least 20 of 200 customers changed segment; ")
    assert "20 customers or more went" in advice.todo(series.Series(private.steps[:1]))


@pytest.mark.parametrize(("alone", "told"), [(1e6, False), (300.0, True)])
def test_what_one_customer_brings_among_those_who_moved_is_not_told(private, monkeypatch, alone, told):
    of_run = series._valued

    def valued(study, column):
        table = of_run(study, column)
        return table.mutate(value=(table["id"] == "c7").ifelse(alone, table["value"]))

    monkeypatch.setattr(series, "_valued", valued)
    moved = series.moved_worth(private.steps[0], "revenue").set_index(["then", "now"])
    assert moved.loc[(1, 3)].notna().tolist() == [told, told]
    if not told:
        own = shown.largest_moves(moves(private.steps[0]), moved.reset_index(), private.steps[0], "revenue")
        assert own["gained or lost"].tolist() == ["–"]
        assert "A dash is not shown" in tell.largest(moved.reset_index(), private.steps[0], "revenue")


def _step(before: list[tuple[str, list[int]]], now: list[list[int]]) -> SimpleNamespace:
    """Return what a series reads of a comparison: what became of each segment, and where each comes from."""
    olds = [
        Former(segment=i, name="", fate=fate, left=False, into=tuple(into), kept_as=None)
        for i, (fate, into) in enumerate(before, 1)
    ]
    news = [Origin(segment=i, kept_from=None, comes_from=tuple(own)) for i, own in enumerate(now, 1)]
    found = [(row.segment, row.into[0]) for row in olds if row.fate == "survives"]
    pairs = [(SimpleNamespace(segment=then), SimpleNamespace(segment=new)) for then, new in found]
    base = SimpleNamespace(profiles=[SimpleNamespace(segment=row.segment) for row in olds])
    return SimpleNamespace(base=base, run=None, pairs=pairs, lineage=SimpleNamespace(before=olds, now=news))


def test_a_segment_keeps_its_line_for_as_long_as_it_is_found_again():
    first = _step([("survives", [2]), ("split", [1, 3]), ("gone", [])], [[2], [1], [2], []])
    second = _step([("merged", [1]), ("survives", [2]), ("merged", [1]), ("survives", [3])], [[1, 3], [2], [4]])
    assert series.Series((first, second)).lines == [
        series.Line(0, (1, 2, 2)),
        series.Line(0, (2,), (), "split"),
        series.Line(0, (3,), (), "gone"),
        series.Line(1, (1,), (2,), "merged"),
        series.Line(1, (3,), (2,), "merged"),
        series.Line(1, (4, 3)),
        series.Line(2, (1,), (1, 3)),
    ]
    assert advice.became(series.Series((first, second))) == "one segment split, two merged, one gone and one new"


@pytest.mark.parametrize(("unit", "told"), [("EUR", "revenue"), (None, "revenue"), ("USD", None)])
def test_values_of_other_units_are_not_compared(unit, told):
    def study(unit: str | None) -> SimpleNamespace:
        column = {"role": "value"} | ({"unit": unit} if unit else {})
        worth = SimpleNamespace(worth=[SimpleNamespace(column="revenue")])
        dataset = Dataset.model_validate({"title": "T", "columns": {"revenue": column, "x": {"role": "feature"}}})
        return SimpleNamespace(dataset=dataset, read=lambda _: worth)

    steps = (SimpleNamespace(earlier=study("EUR"), later=study(unit)),)
    assert series.valued(series.Series(steps)) == told


def test_names_beside_lines_are_spread_no_farther_than_they_must_be():
    assert plots.spread([0.2, 0.5], [0.1, 0.1]) == [0.2, 0.5]
    low, high = plots.spread([0.5, 0.5], [0.1, 0.1])
    assert high - low == pytest.approx(0.1)
    assert (low + high) / 2 == pytest.approx(0.5)


def test_without_ids_no_movement_is_told(months):
    unknown = tuple(replace(step, shared=None) for step in months.steps)
    found = series.Series(unknown)
    assert shown.largest_by_run(found, "revenue").empty
    assert tell.no_movement(found, pd.DataFrame()).startswith("Which customers moved cannot be told")
    assert [len(flow) for flow in shown.flows_of(found)[0]] == [0, 0]
    assert tell.flows(found).endswith(
        "No band is drawn where the ids do not say who is in both: jan → feb and feb → mar."
    )
    assert advice.headline(unknown[0]) == "At risk grew from 20% to 32%"
    assert "customers went" not in advice.todo(found)
    assert shown.flows_of(series.Series(unknown[:1]))[1][0] == [76, 60, 64]
