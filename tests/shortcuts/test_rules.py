"""Rules without Python: the tree of the report, and its SQL, run by a real database."""

import html
import re
import sqlite3
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from segmentation.core.dataset import Dataset
from segmentation.core.files import read_json
from segmentation.runs.records import Leaf, Rules
from segmentation.segments import tell as segments_tell
from segmentation.shortcuts import tell as shortcuts_tell
from segmentation.shortcuts.rules import _shares_right, count_rules, grow_rules, shortest_between, write_sql
from tests.conftest import customers_of


def _ask(sql: str, customers: pd.DataFrame) -> list:
    with sqlite3.connect(":memory:") as database:
        customers.to_sql("customers", database, index=False)
        return [row[0] for row in database.execute(f"SELECT\n{sql} FROM customers ORDER BY rowid")]


def test_rules_repeat_the_segments_of_mall_for_195_of_200_customers(mall):
    found = read_json(mall.artifact("mall", "profiles.json"))["rules"]
    assert (found["right"], found["customers"], len(found["leaves"])) == (195, 200, 5)
    assert 0.9 < found["cross_validated"] < 0.975
    customers = pd.read_parquet(mall.artifact("mall", "customers.parquet"))
    segments = pd.read_csv(mall.artifact("mall", "segments.csv"))["segment"]
    told = _ask(mall.artifact("mall", "rules.sql").read_text(), customers)
    assert (np.array(told) == segments).sum() == 195
    assert "Five rules: 195 of 200 customers (97.5%) get their segment." in mall.page("mall")


def test_the_report_shows_the_rules_and_their_sql(mall):
    page = mall.page("mall")
    assert "<td>Annual income above 39 and up to 69 k$</td>" in page
    assert 'WHEN "income" > 39 AND "income" <= 69 THEN 1' in html.unescape(re.sub("<[^>]+>", "", page))


@given(st.integers(2, 5), st.integers(1, 3), st.integers(0, 1000), st.sampled_from([1e-6, 1.0, 1e7]))
def test_sql_says_what_the_rules_say(k, d, seed, size):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(60, d)).round(2) * size, columns=list("abc")[:d])
    table["segment"] = np.r_[np.arange(k), rng.integers(k, size=60 - k)] + 1
    found = grow_rules(table, list("abc")[:d], private=False)
    told = _ask(write_sql(found, dict.fromkeys(range(1, k + 1), "two\nlines"), "rules"), table)
    assert k <= len(found.leaves) <= k + 2
    assert None not in told
    assert sum(a == b for a, b in zip(told, table["segment"], strict=True)) == found.right
    assert sum(leaf.customers for leaf in found.leaves) == 60


@given(st.integers(1, 5), st.sampled_from([1, 10]), st.integers(0, 1000))
def test_cross_validation_is_that_of_trees_each_grown_by_itself(k, fewest, seed):
    rng = np.random.default_rng(seed)
    ranks, segments = rng.integers(rng.choice([3, 90]), size=(90, 2)), rng.integers(1, k + 1, size=90)
    grown_on, asked_about = np.arange(70), np.arange(70, 90)
    sizes = [max(leaves, 2) for leaves in (k, k + 1, k + 2)]
    grown = [DecisionTreeClassifier(max_leaf_nodes=n, min_samples_leaf=fewest, random_state=0) for n in sizes]
    each = [t.fit(ranks[grown_on], segments[grown_on]).score(ranks[asked_about], segments[asked_about]) for t in grown]
    assert _shares_right((grown_on, asked_about), ranks, segments, sizes, fewest) == each


def test_of_a_large_table_the_rules_tell_all_customers_and_what_rests_on_the_sample_says_so():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=900), "b": rng.normal(size=900)})
    table["segment"] = 1 + (table["a"] + 0.3 * table["b"] > 0)
    everyone = replace(customers_of(table), sample=table[:300])
    rules = grow_rules(everyone.sample, ["a", "b"], private=False)
    found, told = count_rules(rules, everyone), _ask(write_sql(rules, {1: "low", 2: "high"}, "rules"), table)
    assert (found.customers, found.right) == (900, (np.array(told) == table["segment"]).sum())
    assert sum(leaf.customers for leaf in found.leaves) == 900
    assert count_rules(rules, customers_of(table[:300])) == rules
    model = make_pipeline(StandardScaler(), KMeans(2, random_state=0, n_init=1)).fit(everyone.sample[["a", "b"]])
    assert "inertia, over the 300 customers that they are formed on, is" in segments_tell.fitted(
        everyone, model, "natural"
    )
    assert "their inertia is" in segments_tell.fitted(customers_of(table), model, "natural")
    near = pd.DataFrame({"between": [], "customers": []})
    assert "borderline.csv" not in segments_tell.near_border(near, everyone, 0.25, ["a", "b"])


def test_a_missing_value_has_no_segment():
    table = pd.DataFrame({"a": [1.0, 2.0, 8.0, 9.0], "segment": [1, 1, 2, 2]})
    sql = write_sql(grow_rules(table, ["a"], private=False), {1: "low", 2: "high"}, "rules")
    assert sql.splitlines() == [
        "-- For DuckDB and PostgreSQL; other databases have files of their own, in the folder sql",
        "-- rules",
        "CASE",
        '  WHEN "a" <= 5 THEN 1 -- low',
        '  WHEN "a" > 5 THEN 2 -- high',
        "END",
    ]
    assert _ask(sql, pd.DataFrame({"a": [0, 5, 5.001, None]})) == [1, 1, 2, None]


def test_columns_named_like_words_of_sql_and_units_of_any_size():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"order": np.repeat([1.0, 2, 3], 30) * 1e-9, "group": 1.7e12 + rng.normal(size=90) * 1e4})
    table["segment"] = np.repeat([1, 2, 3], 30)
    found = grow_rules(table, ["order", "group"], private=False)
    assert found.right == 90
    assert _ask(write_sql(found, dict.fromkeys((1, 2, 3), "x"), "rules"), table) == table["segment"].tolist()


def test_no_rule_is_made_for_fewer_than_ten_customers_of_a_private_table():
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"a": np.r_[rng.normal(0, 1, 60), rng.normal(9, 1, 5)], "segment": [1] * 60 + [2] * 5})
    found = grow_rules(table, ["a"], private=True)
    assert min(leaf.customers for leaf in found.leaves) >= 10
    assert "There is no rule for: Quiet." in shortcuts_tell.rules(found, {1: "Loud", 2: "Quiet"})


def test_no_threshold_of_a_private_table_tells_where_one_customer_stands():
    """Ten lie within every step, and the rules count whom they hold as they are told."""
    a = np.r_[np.linspace(0, 1, 40) ** 2, 1.2341, 1.2343, 1.25 + np.linspace(0, 3, 40)]
    table = pd.DataFrame({"a": a, "segment": [1] * 41 + [2] * 41})
    [low, high] = grow_rules(table, ["a"], private=True).leaves
    assert low.bounds["a"] == (None, 1)
    assert (low.customers, low.right, high.customers, high.right) == (40, 40, 42, 41)
    assert grow_rules(table, ["a"], private=False).leaves[0].bounds["a"] == (None, 1.2342)
    steps = pd.DataFrame({"a": np.repeat([1.0, 2, 5, 6], 15), "segment": np.repeat([1, 2], 30)})
    assert grow_rules(steps, ["a"], private=True).leaves[0].bounds["a"] == (None, 4)  # many have the values beside it


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(39, 40, 39.5), (1.234, 1.238, 1.236), (120, 260, 200), (-3, 5, 0), (0.1, 0.1000001, 0.1)],
)
def test_thresholds_are_round(low, high, expected):
    assert shortest_between(low, high) == expected


def test_a_threshold_is_no_negative_zero():
    assert str(shortest_between(-4, 1)) == "0.0"


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(1, 2, 1), (39, 40, 39), (120, 260, 200), (-3, -2, -3), (1, 9, 5)]
)
def test_thresholds_of_whole_numbers_are_whole(low, high, expected):
    assert shortest_between(low, high, whole=True) == expected


def test_rules_on_whole_numbers_say_no_half():
    table = pd.DataFrame({"orders": [1, 1, 2, 2], "rate": [0.5, 1, 2, 9], "segment": [1, 1, 2, 2]})
    [few, many] = grow_rules(table, ["orders"], private=False).leaves
    assert (few.bounds["orders"], many.bounds["orders"]) == ((None, 1), (1, None))
    [low, _] = grow_rules(table, ["rate"], private=False).leaves
    assert low.bounds["rate"] == (None, 1.5)


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_thresholds_divide(a, b):
    low, high = min(a, b), max(a, b)
    if low < high:
        assert low <= shortest_between(low, high) < high


def test_a_rule_of_yes_and_no_or_of_levels_is_told_in_words():
    columns = {
        "app": {"role": "feature", "type": "yes/no"},
        "likes": {"role": "feature", "type": "ordinal", "categories": {"little": [], "some": [], "much": []}},
        "spend": {"role": "feature", "unit": "€"},
    }
    bounds = {"app": (None, 0.0), "likes": (1.0, 2.0), "spend": (5.5, None)}
    leaves = [
        Leaf(segment=1, bounds=bounds, customers=9, right=9),
        Leaf(segment=2, bounds={**dict.fromkeys(bounds, (None, None)), "app": (0.0, None)}, customers=9, right=9),
    ]
    rules = Rules(leaves=tuple(leaves), customers=18, right=18, cross_validated=1.0)
    told = shortcuts_tell.rules_table(rules, {1: "A", 2: "B"}, Dataset(title="T", columns=columns))["rule"]
    assert list(told) == ["App no; Likes above little and up to some; Spend above 5.5 €", "App yes"]
