"""Tests of the descriptors, against the published figures of the Mall table and by hand."""

import numpy as np
import pandas as pd
import pytest

from segmentation.core.dataset import Dataset
from segmentation.core.errors import UsageError
from segmentation.core.files import read_json
from segmentation.segments import tell as segments_tell
from segmentation.segments.profiles import compare_descriptors, holm

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
    gender, age = read_json(mall.artifact("mall", "profiles.json"))["tests"]
    assert (gender["descriptor"], age["descriptor"]) == ("gender", "age")
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


def test_missing_values_and_columns_that_do_not_vary_are_left_out():
    customers = pd.DataFrame({"segment": [1, 1, 2, 2], "age": [1, 2, np.nan, 3], "city": ["Rome"] * 4})
    table = compare_descriptors(customers, SHOP, ["city", "age"], ["spend"])
    assert table["descriptor"].tolist() == ["age"]
    assert compare_descriptors(customers, SHOP, ["city"], []).empty
    assert segments_tell.descriptors(table[:0], SHOP) == "There is no descriptor that could differ."


def test_holm_by_hand():
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.9, 0.8])).tolist() == [1, 1]
