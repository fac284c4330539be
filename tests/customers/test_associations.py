"""Tests of the descriptors, against the published figures of the Mall table and by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

from segmentation.core.dataset import Dataset
from segmentation.core.errors import UsageError
from segmentation.core.files import read_json
from segmentation.segments import tell as segments_tell
from segmentation.segments.profiles import table_of_tests
from segmentation.segments.robustness import _rounded_tests, by_effect, compare_descriptors, holm

SHOP = Dataset.model_validate(
    {
        "title": "Shop",
        "columns": {
            "spend": {"role": "feature"},
            "city": {"role": "descriptor", "type": "category"},
            "age": {"role": "descriptor"},
        },
    }
)


def test_mall_segments_differ_in_age_and_not_in_gender(mall):
    # With the five published segments: chi-squared 2.23, p .69, V .106; Kruskal-Wallis H 41.5, p about 2e-8.
    age, gender = read_json(mall.artifact("mall", "profiles.json"))["tests"]
    assert (age["descriptor"], gender["descriptor"]) == ("age", "gender")  # what differs most first
    assert [gender["statistic"], gender["p"], gender["effect"]] == pytest.approx([2.23, 0.69, 0.106], abs=5e-3)
    assert age["statistic"] == pytest.approx(41.5, abs=0.05)
    assert age["p"] == pytest.approx(2e-8, abs=5e-9)
    assert "Age differs between the segments by more than chance gives." in mall.page("mall")
    assert "Gender: no more difference than chance gives" in mall.page("mall")


def test_a_feature_is_not_tested():
    with pytest.raises(UsageError, match="double dipping"):
        compare_descriptors(pd.DataFrame({"segment": [1, 2], "spend": [1, 2]}), SHOP, ["spend"], ["spend"])


def test_chi_squared_and_v_by_hand():
    customers = pd.DataFrame({"segment": [1] * 10 + [2] * 10, "city": ["Rome"] * 10 + ["Oslo"] * 10})
    [row] = compare_descriptors(customers, SHOP, ["city"], ["spend"]).to_dict("records")
    assert (row["statistic"], row["effect"]) == (pytest.approx(20), pytest.approx(1))


def _tested(yes: tuple[int, ...], privacy: str = "aggregate") -> list[float]:
    """Return the test of a category that so many customers of three segments have."""
    sizes = (160, 120, 80)
    rows = [
        (s, "yes" if i < n else "no") for s, (n, size) in enumerate(zip(yes, sizes, strict=True)) for i in range(size)
    ]
    dataset = SHOP.model_copy(update={"privacy": privacy})
    table = compare_descriptors(pd.DataFrame(rows, columns=["segment", "city"]), dataset, ["city"], ["spend"])
    return table.drop(columns=["descriptor", "test", "measure"]).to_numpy(float).ravel().tolist()


def test_no_test_of_a_private_table_is_solved_for_a_hidden_count():
    """A chi-squared of 7.6 said that it is six of 160, where nothing else was shown of them."""
    assert _tested((6, 0, 0), "rows")[0] == pytest.approx(7.627, abs=1e-3)
    assert _tested((6, 0, 0)) == []
    told = _tested((7, 5, 3))
    fit = {a for a in range(1, 10) for b in range(1, 10) for c in range(1, 10) if _statistic(a, b, c) == told[0]}
    assert len(fit) >= 5


def _statistic(*yes: int) -> float:
    counts = np.array([yes, np.subtract((160, 120, 80), yes)])
    return float(f"{round(chi2_contingency(counts, correction=False)[0]):.2g}")


def test_a_rounded_p_value_stays_on_its_side_of_the_level_of_significance():
    table = pd.DataFrame({"statistic": [55.89], "effect": [0.374], "p": [0.052], "p_corrected": [0.0496]})
    rounded = _rounded_tests(table)
    assert rounded.iloc[0].tolist() == [56, 0.4, 0.06, 0.05]
    told = table_of_tests(rounded.assign(descriptor="age", test="Kruskal-Wallis", measure="epsilon squared"), SHOP)
    assert told.loc[0, ["statistic", "effect"]].tolist() == ["56", "0.4"]


def test_missing_values_and_columns_that_do_not_vary_are_left_out():
    customers = pd.DataFrame({"segment": [1, 1, 2, 2], "age": [1, 2, np.nan, 3], "city": ["Rome"] * 4})
    table = compare_descriptors(customers, SHOP, ["city", "age"], ["spend"])
    assert table["descriptor"].tolist() == ["age"]
    assert compare_descriptors(customers, SHOP, ["city"], []).empty
    assert segments_tell.descriptors(table[:0], SHOP) == "There is no descriptor that could differ."


def test_what_differs_most_comes_first_whatever_its_measure():
    rng = np.random.default_rng(1)
    segment = np.repeat([1, 2], 100)
    customers = pd.DataFrame(
        {"segment": segment, "city": np.where(rng.random(200) < 0.6, segment, 3 - segment).astype(str)}
    )
    customers["age"] = segment + rng.normal(0, 1, 200)
    customers["years"] = np.nan  # cannot be tested
    columns = {"age": {"role": "descriptor"}, "years": {"role": "descriptor"}, "spend": {"role": "feature"}}
    columns["city"] = {"role": "descriptor", "type": "category"}
    names = ["city", "years", "age"]
    tests = compare_descriptors(customers, Dataset(title="T", columns=columns, privacy="rows"), names, ["spend"])
    # V is about 0.2 and epsilon squared 0.2 too, which is the square of 0.45.
    assert tests["descriptor"].tolist() == ["age", "city"]
    assert by_effect(tests, names) == ["age", "city", "years"]


def test_holm_by_hand():
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.9, 0.8])).tolist() == [1, 1]
