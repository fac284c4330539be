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
from segmentation.worth.selected import block_means
from segmentation.worth.tell import selected
from segmentation.worth.value import worth_of
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


@pytest.mark.parametrize(
    ("largest", "expected"),
    [
        (10, [10, 10, 10]),
        (500, [10, 50, 50]),  # alone it would be 500 of 590: with its neighbour the mean of 34.5 is told in steps of 50
        (1000, [np.nan, np.nan, np.nan]),  # of the whole segment too: 1,000 of 1,290
    ],
)
def test_a_group_that_one_customer_makes_up_most_of_shares_a_mean_with_its_neighbours(largest, expected):
    values, group = np.full(30, 10.0), np.repeat([0, 1, 2], 10)
    values[12] = largest
    np.testing.assert_array_equal(block_means(values, group, np.zeros(3, int)), expected)


@tried("filters")
@given(st.integers(0, 2**32 - 1))
def test_every_block_of_groups_has_a_mean_that_nobody_makes_up_most_of(seed):
    rng = np.random.default_rng(seed)
    of_group = np.repeat([0, 1], [rng.integers(1, 6), rng.integers(1, 6)])
    sizes = rng.integers(10, 20, len(of_group))
    values, group = rng.lognormal(3, rng.uniform(0, 3), sizes.sum()), np.repeat(np.arange(len(of_group)), sizes)
    means = pd.DataFrame({"mean": block_means(values, group, of_group), "segment": of_group})
    for (_, mean), block in means.dropna().groupby(["segment", "mean"]):
        own = np.sort(values[np.isin(group, block.index)])
        assert own[-1] <= 0.75 * own.sum()
        assert abs(mean - own.mean()) <= 10 * (own[-1] - own[0]) / sizes[block.index].min()


VALUED = {"spend": {"role": "feature", "value": True, "unit": "EUR"}} | {
    n: c for n, c in COLUMNS.items() if n != "spend"
}


def _valued(tmp_path, monkeypatch, privacy: str):
    table = _towns(1)
    customers = segmented_run(tmp_path, monkeypatch, VALUED, table, privacy)
    [customers.main_worth] = worth_of(customers._everyone, customers.dataset, features=["spend"])
    return customers, table


def test_what_the_customers_shown_are_worth_is_exact_of_rows(tmp_path, monkeypatch):
    customers, table = _valued(tmp_path, monkeypatch, "rows")
    found = customers.worth({"age": (30.0, 50.0)})
    own = table.loc[table["age"].between(30, 50), "spend"]
    assert (found.total, found.mean) == pytest.approx((own.sum(), own.mean()))
    assert found.share == pytest.approx(own.sum() / table["spend"].sum())
    told = selected(found, customers.main_worth, customers.dataset)
    assert told.startswith(f"Spend: {own.sum():,.0f} EUR, ")
    assert customers.worth({"age": (0.0, 1.0)}) is None


def test_what_private_customers_are_worth_follows_from_whole_groups_and_of_segments_from_the_report(
    tmp_path, monkeypatch
):
    customers, table = _valued(tmp_path, monkeypatch, "aggregate")
    worth = customers.main_worth
    assert (customers.worth({}).total, customers.worth({}).mean) == (worth.total, worth.each)
    everyone = selected(customers.worth({}), worth, customers.dataset)
    assert everyone.startswith("Spend: about ")  # as the report says it, and no share of all of it
    assert "%" not in everyone
    assert customers.worth({"segment": [2]}).mean == worth.parts[1].each
    assert customers.worth({"segment": [2]}).total == float(f"{100 * worth.parts[1].each:.3g}")
    found = customers.worth({"age": (30.0, 50.0)})
    assert found.about
    own = table.loc[table["age"].between(30, 50), "spend"]
    assert found.mean == pytest.approx(own.mean(), rel=0.1)
    assert 0 < found.share < 1
    groups = customers._grouped.groups.table.to_pandas()
    assert set(groups["mean of spend"] % 1) <= {0.0, 0.5}  # steps of the range by ten: nobody's digits
    ticked = customers.worth({"age": (30.0, 50.0), "town": list(customers.categories["town"])})
    assert ticked == found
