"""The methods, against known answers and independent references."""

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score, silhouette_samples

from segmentation.core.dataset import Dataset
from segmentation.core.errors import DataError, UsageError
from segmentation.core.text import escape
from segmentation.customers.counts import Grouping
from segmentation.customers.exploring import bands, group_medians
from segmentation.evidence import tell as evidence_tell
from segmentation.evidence.criteria import favourites, score_each_k, silhouette_values, silhouettes
from segmentation.language.writing import amount, at_least, listing, percent, show_index
from segmentation.methods.kmeans import (
    FEWEST_STARTS,
    TIMES_REACHED,
    best_kmeans,
    fit_best,
    fit_starts,
)
from segmentation.methods.optima import feasible_k, fit_each_k
from segmentation.runs.records import OTHERS, Placement, Profile
from segmentation.segments.assign import assign_rows
from segmentation.segments.fit import centroids, describe_scaling, fit_segments, scale, scaling_and_centroids
from segmentation.segments.profiles import category_shares, profile_segments
from segmentation.segments.robustness import bootstrap_intervals
from tests.conftest import customers_of

DATASET = Dataset.model_validate(
    {
        "title": "Shop",
        "columns": {
            "income": {"role": "feature", "label": "Income", "unit": "k$"},
            "visits": {"role": "feature", "transform": "log"},
            "city": {"role": "descriptor", "type": "category"},
        },
        "privacy": "rows",
        "segments": [{"levels": {"income": "high"}, "name": "Rich", "action": "Call them."}],
    }
)
BOTH = ("income", "visits")


def _blobs(k: int, seed: int = 0):
    return make_blobs(60 * k, n_features=2, centers=_corners(k), cluster_std=0.6, random_state=seed)


def _corners(k: int) -> np.ndarray:
    angles = 2 * np.pi * np.arange(k) / k
    return 2 * k * np.column_stack([np.cos(angles), np.sin(angles)])


@pytest.mark.parametrize("k", range(2, 8))
def test_planted_segments_are_found(k):
    X, truth = _blobs(k)
    scores = score_each_k(X, fit_each_k(X, range(2, 10)))
    assert favourites(scores)["silhouette"] == k
    assert adjusted_rand_score(truth, best_kmeans(X, k).model.labels_) == 1


def test_best_optimum_is_at_least_as_good_as_a_hundred_starts_of_scikit_learn():
    X = np.random.default_rng(3).normal(size=(150, 2))
    for k in (3, 6):
        best = best_kmeans(X, k)
        reference = KMeans(k, n_init=100, tol=0, random_state=1).fit(X).inertia_
        assert best.model.inertia_ <= reference * (1 + 1e-9)
        assert best.reached >= TIMES_REACHED
        assert best.starts >= FEWEST_STARTS


def _tight(n: int, outlier: float = 0) -> np.ndarray:
    """Return five groups ten thousand times as far apart as they are wide, and perhaps one farther still."""
    rng = np.random.default_rng(3)
    X = rng.integers(0, 5, (5, 2))[rng.integers(5, size=n)] * 1e4 + rng.normal(size=(n, 2))
    X[0] += outlier * 1e4
    return (X - X.mean(axis=0)) / X.std(axis=0)


@pytest.mark.parametrize("outlier", [0, 1e4])
def test_optima_of_tight_segments_are_those_of_double_precision(outlier):
    X = _tight(1_000, outlier)
    for k in (5, 7):
        best, quick = best_kmeans(X, k), fit_best(X, k, np.random.default_rng(1), 100)
        reference = KMeans(k, n_init=100, tol=0, max_iter=1000, random_state=1).fit(X).inertia_
        assert max(best.model.inertia_, quick.inertia_) <= reference * (1 + 1e-3)
        assert k == 7 or best.reached == best.starts or outlier


def test_segments_are_numbered_from_the_largest_to_the_smallest():
    X, _ = make_blobs([30, 60, 10], centers=[[0, 0], [9, 9], [0, 9]], cluster_std=0.3, random_state=0)
    assert np.bincount(best_kmeans(X, 3).model.labels_).tolist() == [60, 30, 10]


def test_ties_in_size_are_numbered_by_centroid():
    X = np.repeat([[5.0, 0.0], [1.0, 7.0], [1.0, 2.0]], 4, axis=0)
    centres = best_kmeans(X, 3).model.cluster_centers_
    assert centres.tolist() == [[1, 2], [1, 7], [5, 0]]


def test_silhouette_by_hand():
    # Rousseeuw 1987: s = (b - a) / max(a, b), with a the mean distance within and b to the next segment.
    X = np.array([[0.0], [1.0], [5.0], [7.0]])
    found = silhouettes(X, np.array([0, 0, 1, 1]))
    assert found["silhouette"].tolist() == pytest.approx([(6 - 1) / 6, (5 - 1) / 5, (4.5 - 2) / 4.5, (6.5 - 2) / 6.5])
    assert found["segment"].tolist() == [1, 1, 2, 2]


def test_silhouettes_of_several_partitions_at_once_are_those_of_scikit_learn():
    X = make_blobs(1_150, centers=4, random_state=0)[0]  # more than are computed at once
    partitions = [np.arange(len(X)) % k for k in (2, 5)] + [fit_best(X, 4, np.random.default_rng(0), 1).labels_]
    for values, labels in zip(silhouette_values(X, partitions), partitions, strict=True):
        assert values == pytest.approx(silhouette_samples(X, labels), abs=1e-12)


def test_more_segments_than_distinct_customers_is_an_error():
    X = np.repeat([[0.0], [1.0]], 20, axis=0)
    with pytest.raises(UsageError, match="more than the 2 distinct"):
        best_kmeans(X, 3)
    with pytest.raises(DataError, match="2 distinct"):
        feasible_k(X, (2, 10), "auto")
    for k in (3, 1, "atuo"):
        with pytest.raises(UsageError):
            feasible_k(np.arange(3.0)[:, None], (2, 10), k)


def test_misfits_are_counted_by_segment():
    table = pd.DataFrame({"segment": [1, 1, 2, 3], "silhouette": [-0.1, 0.4, -0.2, 0.0]})
    told = evidence_tell.misfits(table, private=False)
    assert told == "2 of 4 customers have a silhouette below 0 (1 in segment 1 and 1 in segment 2)."
    assert evidence_tell.misfits(table, private=True) == "Fewer than 10 of 4 customers have a silhouette below 0."
    assert evidence_tell.misfits(table[1::2].abs(), private=True) == "None of two customers has a silhouette below 0."


def _profile(table: pd.DataFrame, dataset: Dataset, features: list[str]) -> list[Profile]:
    X, labels = table[features].to_numpy(float), table["segment"].to_numpy() - 1
    intervals = bootstrap_intervals(X, table[features], labels, resamples=10)
    scaler, z = scale(table, dataset, features)
    scaled = pd.DataFrame(z, columns=features).assign(segment=table["segment"])
    model = Placement(features=describe_scaling(scaler, features), centroids=[])
    return profile_segments(customers_of(table), customers_of(scaled), dataset, model, intervals)


def test_index_needs_values_that_are_not_below_0(customers):
    centred = customers.assign(segment=[1] * 40 + [2] * 20, income=customers["income"] - 40)
    assert [p.index["income"] for p in _profile(centred, DATASET, ["income"])] == [None, None]


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    income = np.concatenate([rng.normal(20, 2, 40), rng.normal(80, 2, 20)])
    visits = np.concatenate([rng.lognormal(1, 0.2, 40), rng.lognormal(4, 0.2, 20)])
    city = ["Rome"] * 30 + ["Oslo"] * 10 + ["Rome"] * 20
    return pd.DataFrame({"id": [str(i) for i in range(60)], "income": income, "visits": visits, "city": city})


def test_pipeline_scales_takes_logarithms_and_goes_back(customers):
    model = fit_segments(customers, DATASET, BOTH, 2)
    X = customers[list(BOTH)].to_numpy()
    scaled = model[:-1].transform(X)
    assert scaled.mean(axis=0) == pytest.approx([0, 0], abs=1e-12)
    assert scaled.std(axis=0) == pytest.approx([1, 1])
    assert model[:-1].inverse_transform(scaled) == pytest.approx(X)
    logs = np.log1p(customers["visits"])
    centres = centroids(model, BOTH)
    assert centres.loc[2, "visits"] == pytest.approx(np.expm1(logs[40:].mean()))
    assert centres.loc[1, "income"] == pytest.approx(customers["income"][:40].mean())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_every_customer_is_assigned_to_the_nearest_centroid(seed):
    X = np.random.default_rng(seed).normal(size=(40, 2))
    frame = pd.DataFrame({"income": X[:, 0], "visits": np.exp(X[:, 1])})
    model = fit_segments(frame, DATASET, BOTH, 3)
    assigned = assign_rows(ibis.memtable(frame), scaling_and_centroids(model, tuple(frame))).to_pandas()
    distances = np.linalg.norm(model[:-1].transform(frame.to_numpy())[:, None] - model[-1].cluster_centers_, axis=2)
    assert assigned["segment"].tolist() == (distances.argmin(axis=1) + 1).tolist() == (model[-1].labels_ + 1).tolist()
    assert assigned["distance"].to_numpy() == pytest.approx(distances.min(axis=1), abs=1e-6)
    assert (assigned["margin"] >= 0).all()


def test_profiles_by_hand(customers):
    table = customers.assign(segment=[1] * 40 + [2] * 20)
    low, high = _profile(table, DATASET, ["income"])
    mean = customers["income"].mean()
    assert (low.size, high.size) == (40, 20)
    assert high.share == pytest.approx(1 / 3)
    assert high.index["income"] == pytest.approx(100 * customers["income"][40:].mean() / mean)
    assert (low.levels, high.levels) == ({"income": "low"}, {"income": "high"})
    assert (high.name, high.action) == ("Rich", "Call them.")
    assert (low.name, low.action) == ("Low income", None)
    assert low.descriptors["city"] == {"Oslo": 0.25, "Rome": 0.75}


def test_segments_of_one_name_are_told_apart(customers):
    table = customers.assign(segment=[1] * 40 + [2] * 10 + [3] * 10, income=[10] * 40 + [80] * 10 + [90] * 10)
    names = [profile.name for profile in _profile(table, DATASET, ["income"])]
    assert names == ["Low income", "Rich (income 80)", "Rich (income 90)"]


def test_small_groups_are_not_shown_when_private(customers):
    table = customers.assign(segment=1, city=["Rome"] * 48 + ["Oslo"] * 9 + ["Bonn"] * 3)
    assert list(category_shares(customers_of(table), "city", private=False)) == ["Bonn", "Oslo", "Rome"]
    shares = category_shares(customers_of(table), "city", private=True)
    assert shares["Rome"].tolist() == [0.8]
    assert shares[["Bonn", "Oslo"]].isna().all(axis=None)
    private = DATASET.model_copy(update={"privacy": "aggregate"})
    [profile] = _profile(table, private, ["income"])
    assert profile.descriptors["city"] == {"Rome": 0.8, OTHERS: None}
    assert group_medians(customers_of(table), "income", Grouping("city")).dropna().index.tolist() == ["Rome"]


def _bands(values: list[float]) -> list[str]:
    customers = customers_of(pd.DataFrame({"age": values}))
    groups = bands(customers, "age")
    assert groups.of_frame(customers.sample).notna().all()
    return list(groups.labels)


def test_bands_have_one_round_width():
    assert _bands([18, 33, 70]) == ["10–19", "20–29", "30–39", "40–49", "50–59", "60–69", "70–79"]
    assert _bands([0.5, 2.5])[0] == "0.5 up to 1"
    assert _bands([5, 5, 5])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (listing(["a", "b", "c"]), "a, b and c"),
        (amount(1234.56, "€"), "1,235 €"),
        (amount(12.0), "12"),
        (amount(0.0253), "0.025"),
        (amount(-0.5), "-0.5"),
        (amount(0), "0"),
        (at_least(0.999), "1.00"),
        (show_index(None), "–"),
        (percent(0.004), "under 1%"),
        (escape("<b>*x*|$"), "&lt;b&gt;\\*x\\*\\|$"),
    ],
)
def test_words(found, expected):
    assert found == expected


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(1, 4))
def test_many_starts_at_once_end_in_local_optima_of_k_means(seed, k, d):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, d))
    fits = fit_starts(X, k, rng, 7)
    for labels, centres, inertia in zip(fits.labels, fits.centres, fits.inertia, strict=True):
        distances = ((X[:, None] - centres) ** 2).sum(axis=2)
        np.testing.assert_allclose(distances[range(40), labels], distances.min(axis=1), atol=1e-9)
        if np.isfinite(inertia):
            assert inertia == pytest.approx(distances.min(axis=1).sum())
            means = [X[labels == j].mean(axis=0) for j in range(k)]
            np.testing.assert_allclose(centres, means, atol=1e-9)
            again = KMeans(k, init=centres, n_init=1, tol=0).fit(X)
            assert again.inertia_ == pytest.approx(inertia)


@pytest.mark.parametrize("k", [3, 5, 8])
def test_the_best_of_many_starts_is_that_of_scikit_learn(k):
    X, _ = make_blobs(300, centers=6, cluster_std=2, random_state=k)
    ours = fit_best(X, k, np.random.default_rng(0), 100)
    theirs = KMeans(k, n_init=100, tol=0, random_state=0).fit(X)
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-9)
    assert adjusted_rand_score(ours.predict(X), theirs.labels_) == 1


@pytest.mark.parametrize("table", ["groups", "one cloud", "few values", "far from zero"])
def test_more_rows_are_settled_as_well_as_by_scikit_learn(table):
    rng = np.random.default_rng(0)
    X = {
        "groups": make_blobs(600, centers=[[0, 0], [20, 0], [0, 20], [30, 30]], random_state=0)[0],
        "one cloud": rng.normal(size=(900, 3)),
        "few values": rng.integers(0, 4, (700, 2)).astype(float),
        "far from zero": 1e5 + rng.normal(size=(700, 2)),
    }[table]
    for k in (2, 4, 7):
        ours = [fit_best(X, k, np.random.default_rng(seed), 10) for seed in range(10)]
        theirs = [KMeans(k, n_init=10, random_state=seed).fit(X).inertia_ for seed in range(10)]
        assert np.mean([fit.inertia_ for fit in ours]) <= np.mean(theirs) * 1.005
        for fit in ours:
            distances = ((X[:, None] - fit.cluster_centers_) ** 2).sum(axis=2)
            np.testing.assert_allclose(distances[range(len(X)), fit.labels_], distances.min(axis=1), atol=1e-6)
            assert fit.inertia_ == pytest.approx(distances.min(axis=1).sum())
            means = [X[fit.labels_ == j].mean(axis=0) for j in range(k)]
            assert ((fit.cluster_centers_ - means) ** 2).sum() <= 2 * 1e-4 * X.var(axis=0).mean()
