"""The bare path of the benchmark does the work that it is timed for."""

import numpy as np
import pandas as pd

from tests.benchmarks import bare
from tests.benchmarks.customers import CENTRES, write_customers


def test_every_row_is_in_a_segment_or_rejected_with_its_reason(tmp_path):
    write_customers(tmp_path / "raw.parquet", 20_000)
    raw = pd.read_parquet(tmp_path / "raw.parquet")
    centroids = np.array(bare.run(tmp_path / "raw.parquet", tmp_path, 5, 2, duplicates=True))
    segments = pd.read_parquet(tmp_path / "segments.parquet").set_index("id")
    rejected = pd.read_parquet(tmp_path / "rejected.parquet")
    np.testing.assert_allclose(sorted(centroids.tolist()), sorted(CENTRES), atol=2)
    assert len(segments) + len(rejected) == len(raw)
    income, spending = raw["income"].isna(), raw["spending"] < 0
    repeated = raw["id"].duplicated(keep=False) & ~income & ~spending
    told = {"income: present": income.sum(), "spending: at least 0": spending.sum(), "id: unique": repeated.sum()}
    assert rejected["rule"].value_counts().to_dict() == told
    features = raw.drop_duplicates("id", keep=False).set_index("id").loc[segments.index, list(bare.FEATURES)]
    spread = features.std().to_numpy()
    distances = np.linalg.norm((features.to_numpy()[:, None] - centroids) / spread, axis=2)
    assert (distances.argmin(axis=1) + 1 == segments["segment"]).mean() > 0.999
    np.testing.assert_allclose(distances.min(axis=1), segments["distance"], rtol=1e-3, atol=1e-5)
