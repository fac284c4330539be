"""Transformations of features: as their papers say, and undone exactly."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import iqr
from sklearn.preprocessing import PowerTransformer

from segmentation.core.dataset import Dataset
from segmentation.customers.counts import log_edges
from segmentation.methods import tell as methods_tell
from segmentation.segments.assign import telling_order
from segmentation.segments.fit import Unskew, describe_scaling, scale


def _dataset(scaling: str, transform: str) -> Dataset:
    columns = {"a": {"role": "feature", "transform": transform}, "b": {"role": "feature"}}
    return Dataset.model_validate({"title": "T", "columns": columns, "scaling": scaling})


def test_yeo_johnson_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.lognormal(size=300), rng.normal(size=300), -rng.lognormal(size=300)])
    reference = PowerTransformer("yeo-johnson", standardize=False).fit(X)
    unskew = Unskew(["yeo-johnson"] * 3).fit(X)
    assert unskew.lambdas_ == pytest.approx(reference.lambdas_, abs=1e-3)
    reference.lambdas_ = unskew.lambdas_
    np.testing.assert_allclose(unskew.transform(X), reference.transform(X), rtol=1e-12)
    np.testing.assert_allclose(unskew.inverse_transform(unskew.transform(X)), X, rtol=1e-9)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=1, max_size=20), st.sampled_from([-2, -0.5, 0, 0.3, 1, 1.7, 2, 3]))
def test_every_lambda_is_undone(values, power):
    unskew = Unskew(["yeo-johnson"])
    unskew.lambdas_ = np.array([power])
    X = np.array(values)[:, None] / 10
    np.testing.assert_allclose(unskew.inverse_transform(unskew.transform(X)), X, atol=1e-8)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-1e6, 1e9) | st.integers(0, 10**6).map(float), min_size=1, max_size=50), st.integers(4, 40))
def test_logarithmic_bands_hold_every_value_and_tell_none(values, most):
    whole = all(value % 1 == 0 for value in values)
    edges = log_edges(min(values), max(values), most, whole=whole)
    assert np.histogram(values, edges)[0].sum() == len(values)
    assert (np.diff(edges) > 0).all()
    if max(values) < 10**4 and min(values) >= 0 and most >= 5:
        assert len(edges) - 1 <= most
    if whole:
        assert (edges % 1 == 0).all()
    # Another table of the same reach has the same edges: none of them is somebody's value.
    mantissas = {round(10 ** (np.log10(abs(edge)) % 1), 6) for edge in edges if edge}
    assert whole or mantissas <= {1, 1.25, 1.6, 2, 2.5, 3, 3.15, 4, 5, 6.3, 8, 10}


def test_the_axes_show_the_features_that_differ_most():
    X = np.array([[0.0, 0, 1], [0, 1, 0], [1, 10, 0], [1, 11, 1]])
    assert telling_order(X, np.array([0, 0, 1, 1]), ("a", "b", "c")) == ["a", "b", "c"]
    assert telling_order(X[:, ::-1], np.array([0, 0, 1, 1]), ("c", "b", "a")) == ["a", "b", "c"]
    assert telling_order(X[:, :2], np.array([0, 0, 1, 1]), ("b", "a")) == ["b", "a"]


@pytest.mark.parametrize("transform", ["none", "log", "yeo-johnson"])
@pytest.mark.parametrize("kind", ["standard", "robust", "none"])
def test_what_is_described_gives_the_scaled_features(kind, transform):
    rng = np.random.default_rng(1)
    customers = pd.DataFrame({"a": rng.lognormal(3, 1, 200), "b": rng.normal(5, 2, 200)})
    dataset = _dataset(kind, transform)
    model, X = scale(customers, dataset, ("a", "b"))
    for i, how in enumerate(describe_scaling(model, ("a", "b"))):
        x, power = customers.iloc[:, i].to_numpy(), how.power
        t = x if power == 1 else np.log1p(x) if power == 0 else ((1 + x) ** power - 1) / power
        np.testing.assert_allclose((t - how.centre) / how.spread, X[:, i], rtol=1e-9, atol=1e-9)
    centre, spread = (np.median, iqr) if kind == "robust" else (np.mean, np.std)
    if kind != "none":
        assert [centre(z) for z in X.T] == pytest.approx([0, 0], abs=1e-9)
        assert [spread(z) for z in X.T] == pytest.approx([1, 1])
    told = methods_tell.scaling(describe_scaling(model, ("a", "b")), dataset)
    assert ("logarithm" in told, "Yeo and Johnson" in told) == (transform == "log", transform == "yeo-johnson")
