"""Values far from the rest, and skewness, are judged on the scale on which the model sees them, at every size."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from segmentation.core.dataset import Dataset
from segmentation.customers import tell
from segmentation.customers.cleaning import clean
from segmentation.customers.customers import Customers
from segmentation.tables.read import read_table
from segmentation.tables.sources import locate
from tests.conftest import in_frames

EVEN = [0, 1, 2, 3, 4, 5, 6, 7, 20]  # quartiles 2 and 6: the fences are -4 and 12, and 20 alone is beyond them


def described(transform: str) -> Dataset:
    return Dataset(title="T", columns={"spend": {"role": "feature", "label": "Umsatz", "transform": transform}})


def customers(values, transform: str) -> Customers:
    return Customers.of(described(transform), pd.DataFrame({"id": map(str, range(len(values))), "spend": values}))


def test_fences_of_a_logged_feature_are_those_of_its_logarithm():
    logged = customers(np.expm1(EVEN), "log")
    low, high = logged.fences("spend")
    assert high == pytest.approx(np.expm1(12))
    assert low == 0  # none is below
    assert logged.beyond("spend", low, high) == 1
    plain = customers(np.expm1(EVEN), "none")
    assert plain.beyond("spend", *plain.fences("spend")) == 2  # on its own scale e to the 7 is far too


def test_a_power_has_fences_where_it_has_no_original():
    values = np.append(np.exp(np.random.default_rng(0).normal(0, 2, 300)), 1e7)
    low, high = customers(values, "yeo-johnson").fences("spend")
    assert low >= 0
    assert np.isfinite([low, high]).all()


def test_the_cells_that_are_flagged_are_those_that_are_told(tmp_path):
    path, dataset = tmp_path / "shop.csv", described("log")
    pd.DataFrame({"spend": np.expm1([*EVEN * 3, 1, 2, 3]).round(6)}).to_csv(path, index=False)
    raw, headers = read_table(locate("DATA", str(path)), dataset, wanted=("spend",))
    cleaned = clean(raw, dataset, features=("spend",), headers=headers, file="shop.csv")
    flagged = in_frames(cleaned).flagged
    assert flagged["flag"].tolist() == ["far from the rest on the log scale"] * 3
    assert flagged["value"].tolist() == pytest.approx([np.expm1(20)] * 3)
    everyone = replace(cleaned.customers, dataset=dataset.model_copy(update={"privacy": "rows"}))
    told = "Values far from the rest on the log scale: Umsatz (3)."
    assert tell.far_values(everyone, ["spend"]) == told


@pytest.mark.parametrize("transform", ["log", "yeo-johnson"])
@pytest.mark.parametrize("part", [150, 500])
@pytest.mark.parametrize("handed_on", [False, True])
def test_the_scale_is_the_same_at_every_size(transform, part, handed_on):
    rng = np.random.default_rng(1)
    values = rng.lognormal(3, 1, 500).round(1)
    everyone = customers(values, transform)
    sample = everyone.sample if transform == "yeo-johnson" else everyone.sample[:part]
    everyone = replace(everyone, sample=sample, counted=everyone.values() if handed_on else {})
    power = everyone.power("spend")
    scaled = np.log1p(values) if power == 0 else ((values + 1) ** power - 1) / power
    assert everyone.skew("spend") == pytest.approx(pd.Series(scaled).skew(), abs=1e-6)
    assert abs(everyone.skew("spend")) < 0.3 < pd.Series(values).skew()
    low, high = pd.Series(values).quantile([0.25, 0.75])
    if transform == "log":
        reach = 1.5 * (np.log1p(high) - np.log1p(low))
        assert everyone.fences("spend")[1] == pytest.approx(np.expm1(np.log1p(high) + reach))


def test_the_sentence_says_only_what_was_measured():
    peaks = np.repeat([10.0, 50, 90], 40) + np.tile([-1, 0, 0, 1], 30)
    told = tell.distributions(customers(peaks, "none"), ["spend"])
    assert "The distribution is hardly skewed (skewness 0.0)." in told
    told = tell.distributions(customers(np.expm1([0, 1, 2, 3, 4] * 20), "log"), ["spend"])
    assert "The distribution is hardly skewed (skewness 0.0 on the log scale)." in told
    told = tell.distributions(customers([1.0] * 90 + [5.0] * 10, "none"), ["spend"])
    assert "The distribution is skewed to the high side (skewness 2.7)." in told


@pytest.mark.parametrize(
    ("privacy", "far", "told"),
    [
        ("rows", 0, "No value lies far from the rest of its column."),
        ("rows", 3, "Values far from the rest: Spend (3)."),
        ("aggregate", 3, "Of no column 10 values or more lie far from the rest."),
        (
            "aggregate",
            12,
            "Values far from the rest: Spend (12). Of every other column fewer than 10 values lie so far.",
        ),
    ],
)
def test_only_columns_with_values_far_from_the_rest_are_named(privacy, far, told):
    frame = pd.DataFrame({"spend": [*range(100), *[900.0] * far], "visits": np.arange(100.0 + far)})
    columns = {name: {"role": "feature"} for name in frame}
    dataset = Dataset.model_validate({"title": "T", "columns": columns, "privacy": privacy})
    assert tell.far_values(Customers.of(dataset, frame), list(frame)) == told
