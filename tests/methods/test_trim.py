"""Who is set aside: a few stragglers, wherever they lie; never a group, and of a heavy tail only its end."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from segmentation.core.dataset import Dataset
from segmentation.customers.customers import Customers
from segmentation.methods.trim import far_out, forming

CENTRES = 6 * np.array([[0, 0], [1, 0], [0.5, 0.75**0.5]])


def three_groups(n: int = 210, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return CENTRES[np.arange(n) % 3] + rng.normal(size=(n, 2))


@pytest.mark.parametrize(
    "rows",
    [
        [(30, 30)],
        [(-999, 3)],
        [(900, 900)],
        [(900, 900), (-999, 3), (3, 800), (30, 30)],  # each where the others hide it from a standard deviation
        [(900, 900)] * 4,
    ],
)
def test_a_few_far_ones_are_set_aside_and_no_others(rows):
    X = np.vstack([three_groups(), rows])
    assert np.flatnonzero(far_out(X)).tolist() == list(range(210, len(X)))


@pytest.mark.parametrize("d", [1, 2, 5, 20])
@pytest.mark.parametrize("n", [50, 200, 1000])
def test_one_far_customer_is_found_in_any_number_of_features(n, d):
    rng = np.random.default_rng(d)
    X = rng.normal(size=(n, d))
    assert not far_out(X).any()
    assert not far_out(np.exp(X)[: min(n, 200)]).sum() > 3  # the end of a heavy tail
    X[7] = 30 * np.ones(d) / d**0.5
    assert np.flatnonzero(far_out(X)).tolist() == [7]


@pytest.mark.parametrize("spread", [0, 0.3, 3])
def test_a_small_group_is_a_group_wherever_it_lies(spread):
    rng = np.random.default_rng(1)
    group = [60, 60] + spread * rng.normal(size=(10, 2))
    X = np.vstack([rng.normal(size=(990, 2)), group])
    assert not far_out(X).any()
    nine = far_out(X[:-1])
    assert np.flatnonzero(nine).tolist() == list(range(990, 999))


def test_beyond_a_group_a_straggler_is_still_found():
    rng = np.random.default_rng(2)
    X = np.vstack([rng.normal(size=(985, 2)), 20 + rng.normal(size=(14, 2)), [(500, 0)]])
    assert np.flatnonzero(far_out(X)).tolist() == [999]


@pytest.mark.parametrize("n", [210, 1000])
def test_never_more_than_two_in_a_hundred(n):
    rng = np.random.default_rng(3)
    for draw in (rng.standard_cauchy, lambda size: rng.lognormal(0, 3, size), lambda size: rng.standard_t(3, size)):
        assert far_out(draw(size=(n, 2))).sum() <= np.ceil(0.02 * n)
    ways = rng.normal(size=(n // 20, 2))
    many = np.vstack([three_groups(n), 100 * ways / np.linalg.norm(ways, axis=1)[:, None]])
    assert not far_out(many).any()  # one in twenty is no exception


@pytest.mark.parametrize("zeros", [0.5, 0.9, 0.99])
def test_equal_rows_and_zeros_hide_no_far_value_and_make_none(zeros):
    rng = np.random.default_rng(4)
    X = np.column_stack([rng.integers(1, 6, 400), rng.poisson(2, 400), np.arange(400) >= zeros * 400]).astype(float)
    assert not far_out(X).any()
    X[3, 2] = -999
    assert np.flatnonzero(far_out(X)).tolist() == [3]
    assert not far_out(np.repeat([[1.0, 2], [3, 4]], 100, axis=0)).any()
    assert not far_out(np.append(np.zeros(300), [5.0])[:, None]).any()  # nothing would be left to part


def test_whatever_the_units_and_the_order():
    X = np.vstack([three_groups(), [(900, 900)]])
    order = np.random.default_rng(5).permutation(len(X))
    assert (far_out(X[order] * [1e-6, 1e6] + [5, -1e7]) == far_out(X)[order]).all()


def test_of_few_customers_too_and_of_none():
    assert np.flatnonzero(far_out(np.append(np.arange(20.0), 500)[:, None])).tolist() == [20]
    assert not far_out(np.array([[1.0], [2.0], [900.0]]))[:2].any()
    assert far_out(np.empty((5, 0))).sum() == 0


def test_the_engine_leaves_out_of_a_large_table_whom_the_sample_does():
    """Of all customers those farther out than the reach of the sample, on the scale that the model sees."""
    rng = np.random.default_rng(6)
    spend = np.append(np.expm1(rng.normal(4, 1, 3_000)), [1e9, 5, 3])
    table = pd.DataFrame({"id": range(3_003), "spend": spend, "visits": np.append(rng.poisson(9, 3_001), [-999, 8])})
    columns = {"spend": {"role": "feature", "transform": "log"}, "visits": {"role": "feature"}}
    everyone = Customers.of(Dataset.model_validate({"title": "T", "columns": columns}), table)
    whole = forming(everyone, ["spend", "visits"])
    assert (whole.aside, whole.number, len(whole.sample)) == (2, 3_001, 3_001)
    assert whole.sample["id"].tolist() == whole.table.to_pandas()["id"].tolist()
    part = forming(replace(everyone, sample=table.head(1_000)), ["spend", "visits"])
    assert (part.aside, len(part.sample)) == (2, 1_000)
    everyone = Customers.of(everyone.dataset, table.head(3_000))
    assert forming(everyone, ["spend", "visits"]) is everyone


def test_nobody_is_measured_where_no_values_together_would_be_far(monkeypatch):
    """The farthest values of two features tell that nobody is far, unless they could be one customer's."""
    rng = np.random.default_rng(7)
    table = pd.DataFrame({"id": range(3_000), **{name: rng.uniform(0, 1, 3_000) for name in "ab"}})
    dataset = Dataset.model_validate({"title": "T", "columns": {name: {"role": "feature"} for name in "ab"}})
    near = replace(Customers.of(dataset, table), sample=table.head(1_000))
    far = table.assign(a=table["a"].where(table.index != 2_000, 9), b=table["b"].where(table.index != 2_001, 9))
    both = replace(Customers.of(dataset, far), sample=table.head(1_000))
    assert forming(both, ["a", "b"]).aside == 2
    unknown = replace(Customers.of(dataset, table.assign(a=table["a"].where(table.index != 2_000))), sample=near.sample)
    assert forming(unknown, ["a", "b"]).aside == 1
    monkeypatch.setattr("segmentation.methods.trim.unskewed", lambda *_: pytest.fail("everybody is measured"))
    assert forming(near, ["a", "b"]) is near
