"""Filtered customers of a private table: no two answers of the dashboard, and no cell of Explore, tell of a few."""

from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.report.dashboard import SegmentedCustomers
from segmentation.report.groups import divide
from tests.report.test_dashboard import segmented_run
from tests.tables.test_fuzz import tried

COLUMNS = {
    "spend": {"role": "feature"},
    "age": {"role": "descriptor"},
    "member": {"role": "feature", "type": "yes/no"},
    "town": {"role": "descriptor", "type": "category"},
    "plan": {"role": "descriptor", "type": "category"},
}


@st.composite
def tables(draw) -> pd.DataFrame:
    """Return customers in one to three segments, some with a town, a plan or an age of their own, or without any."""
    rng, rows = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), []
    for segment in range(1, draw(st.integers(1, 3)) + 1):
        n = draw(st.integers(10, 60))
        spend = rng.normal(50 * segment, 20, n).round(draw(st.integers(-1, 2)))
        own = pd.DataFrame({"segment": segment, "spend": spend})
        own["age"] = np.where(rng.random(n) < 0.1, np.nan, rng.integers(18, draw(st.integers(19, 90)), n))
        own["member"] = (rng.random(n) < draw(st.floats(0, 1))).astype(float)
        for name, most in (("town", 4), ("plan", 2)):
            own[name] = rng.choice([f"{name} {i}" for i in range(most)], n, p=rng.dirichlet([0.5] * most))
            own.loc[own.index[: draw(st.integers(0, 12))], name] = draw(st.sampled_from(["lone", f"{name} 0", None]))
        rows.append(own)
    table = pd.concat(rows, ignore_index=True)
    table.loc[rng.integers(len(table)), "age"] = 120.0
    return table.assign(id=range(len(table)))


@st.composite
def filters(draw, customers: SegmentedCustomers) -> dict:
    """Return a filter as the dashboard offers it."""
    found = {}
    for name, levels in customers.categories.items():
        if draw(st.booleans()):
            found[name] = draw(st.lists(st.sampled_from(list(levels)), min_size=1, unique=True))
    for name, steps in customers.numbers.items():
        if draw(st.booleans()):
            found[name] = tuple(sorted(draw(st.lists(st.sampled_from(list(steps)), min_size=2, max_size=2))))
    return found


def _are_alike(one: pd.Series, other: pd.Series) -> bool:
    """Return whether two answers differ by nothing or by ten customers or more, in every segment."""
    apart = (one - other).abs()
    return bool(((apart == 0) | (apart >= 10)).all())


@tried("filters")
@given(st.data())
def test_no_two_answers_to_filters_differ_by_fewer_than_ten(data):
    table = data.draw(tables())
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        customers = segmented_run(Path(folder), patch, COLUMNS, table, "aggregate")
        drawn = data.draw(st.lists(filters(customers), min_size=4, max_size=4))
        ticked = [asked | {name: list(levels)} for asked in drawn for name, levels in customers.categories.items()]
        answers = [customers.counts(asked) for asked in ({}, *drawn, *ticked)]
        assert all(_are_alike(one, other) for one, other in combinations(answers, 2))
        assert answers[0].tolist() == table["segment"].value_counts().sort_index().tolist()
        marks = customers.marks(drawn[0], tuple(customers.numbers)[:2])
        assert (marks["customers"] >= 10).all()
        parts = [[customers.counts({name: [level]}) for level in of] for name, of in customers.categories.items()]
        parts.append([own.set_index("segment")["customers"] for _, own in marks.groupby(list(marks.columns[1:3]))])
        for shown in parts:  # each is rounded to whole customers
            rest = answers[0] - sum(own.reindex(answers[0].index, fill_value=0) for own in shown)
            assert ((rest.abs() <= len(shown) / 2) | (rest >= 10 - len(shown) / 2)).all()
        # Whoever fewer than ten of a segment are, no answer lacks them: not for a value that cannot be ticked.
        for name, levels in customers.categories.items():
            hidden = table[name].map(lambda value, kept=levels: (None if pd.isna(value) else value) not in kept)
            few = hidden.groupby(table["segment"]).sum() < 10
            some = table[~hidden].fillna({name: ""}).groupby("segment")[name].agg(lambda own: own.value_counts().max())
            for asked in drawn:
                without, all_ticked = {k: v for k, v in asked.items() if k != name}, asked | {name: list(levels)}
                same = customers.counts(without) == customers.counts(all_ticked)
                assert same[few & (some.reindex(few.index) >= 10)].all()


def _towns(lone: int) -> pd.DataFrame:
    """Return 200 customers in two segments; of a town of nine one is in the segment `lone`, the others are not."""
    rng, segment = np.random.default_rng(3), np.repeat([1, 2], 100)
    town = np.where(rng.random(200) < 0.6, "Aa", "Bb").astype(object)
    town[[0 if lone == 1 else 100, *(range(150, 158) if lone == 1 else range(50, 58))]] = "Lone"
    spend = rng.normal(50 * segment, 5).round()
    table = {"id": range(200), "segment": segment, "spend": spend, "age": rng.integers(18, 80, 200) + 0.0, "town": town}
    return pd.DataFrame(table).assign(member=1.0, plan="a")


@pytest.mark.parametrize("lone", [1, 2])
def test_towns_under_ten_are_not_found_by_what_is_missing_when_all_others_are_ticked(tmp_path, monkeypatch, lone):
    customers = segmented_run(tmp_path, monkeypatch, COLUMNS, _towns(lone), "aggregate")
    assert list(customers.categories["town"]) == ["Aa", "Bb"]
    ages = list(customers.numbers["age"])
    for low, high in zip(ages[:-2], ages[2:], strict=True):
        asked = {"age": (low, high)}
        assert customers.counts(asked).equals(customers.counts(asked | {"town": ["Aa", "Bb"]}))
    both = customers.counts({"town": ["Aa"]}) + customers.counts({"town": ["Bb"]})
    assert both.tolist() == [100, 100]


def test_the_one_at_the_end_of_a_column_is_in_no_answer(tmp_path, monkeypatch):
    table = _towns(1).assign(age=np.tile([22.0, 27.0, 33.0, 38.0, 42.0], 40))
    table.loc[[0, 5, 10, 15, 20, 25, 30, 35, 40], "age"] = 57.0  # with the next one ten in a run
    table.loc[45, "age"] = 60.0
    customers = segmented_run(tmp_path, monkeypatch, COLUMNS, table, "aggregate")
    steps = list(customers.numbers["age"])
    assert customers.counts({"age": (60.0, steps[-1])}).tolist() == [0, 0]
    assert customers.counts({"age": (55.0, steps[-1])}).tolist() == [10, 0]


def test_a_filter_of_one_column_misses_a_group_at_most(tmp_path, monkeypatch):
    table = _towns(1)
    customers = segmented_run(tmp_path, monkeypatch, COLUMNS, table, "aggregate")
    for name, steps in customers.numbers.items():
        for low, high in list(combinations(steps, 2))[::3]:
            exact = table[table[name].between(low, high)].groupby("segment").size().reindex([1, 2], fill_value=0)
            assert (customers.counts({name: (low, high)}) - exact).abs().max() < 20, (name, low, high)
    for level in ("Aa", "Bb"):
        exact = table[table["town"] == level].groupby("segment").size()
        assert (customers.counts({"town": [level]}) - exact).abs().max() <= 10


@pytest.mark.parametrize("seed", range(3))
def test_groups_hold_ten_or_more_of_one_segment_and_as_many_as_can_be(seed):
    rng = np.random.default_rng(seed)
    segment = np.sort(rng.integers(0, 4, 400))
    found = divide([rng.integers(0, 9, 400) + 0.0, rng.random(400)], segment)
    sizes = pd.Series(segment).groupby(found).agg(["size", "nunique"])
    assert (sizes["nunique"] == 1).all()
    assert sizes["size"].min() >= 10
    assert len(sizes) == (np.bincount(segment) // 10).sum()
