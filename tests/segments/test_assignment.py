"""The segment of every row by the engine: that of scikit-learn, for every scale and transformation."""

import ibis
import numpy as np
import pandas as pd
import pytest

from segmentation.core.dataset import Dataset
from segmentation.core.files import read_json
from segmentation.runs.artifacts import Model
from segmentation.segments.assign import assign_rows
from segmentation.segments.fit import fit_segments, scaling_and_centroids


def test_the_engine_gives_every_customer_of_mall_the_segment_of_the_run(mall):
    customers = pd.read_parquet(mall.artifact("mall", "customers.parquet"))
    found = assign_rows(
        ibis.memtable(customers), Model.model_validate(read_json(mall.artifact("mall", "model.json")))
    ).to_pandas()
    segments = pd.read_parquet(mall.artifact("mall", "segments.parquet"))
    pd.testing.assert_frame_equal(found[list(segments)], segments, atol=2e-6)
    assert (found["segment"] == segments["segment"]).all()


@pytest.mark.parametrize("transform", ["none", "log", "yeo-johnson"])
@pytest.mark.parametrize("scaling", ["standard", "robust", "none"])
@pytest.mark.parametrize("k", [2, 7])
def test_the_engine_assigns_as_scikit_learn_does(scaling, transform, k):
    rng = np.random.default_rng(k)
    columns = {"a": {"role": "feature", "transform": transform}, "b": {"role": "feature"}, "c": {"role": "feature"}}
    dataset = Dataset.model_validate({"title": "T", "columns": columns, "scaling": scaling})
    low = 0 if transform == "log" else -3
    customers = pd.DataFrame({"a": rng.lognormal(size=400) + low, "b": rng.normal(size=400), "c": rng.poisson(4, 400)})
    model = fit_segments(customers, dataset, ("a", "b", "c"), k)
    told = scaling_and_centroids(model, ("a", "b", "c"))
    new = pd.DataFrame({n: rng.normal(3, 5, 10_000).clip(low + 0.01) for n in "abc"})
    found = assign_rows(ibis.memtable(new.assign(row=range(10_000))), told).order_by("row").to_pandas()
    distances = model.transform(new.to_numpy())
    near, following, *_ = np.sort(distances, axis=1).T
    assert (found["segment"] == distances.argmin(axis=1) + 1).all()
    np.testing.assert_allclose(found["distance"], near, rtol=1e-9, atol=2e-6)
    np.testing.assert_allclose(found["margin"], following - near, rtol=1e-9, atol=2e-6)
