"""One customer has one segment, and one probability, wherever a model places him: Python, the engines, and SQL."""

import json
import sqlite3

import duckdb
import ibis
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

from segmentation.core import files
from segmentation.core.dataset import Dataset
from segmentation.core.engine import double, held
from segmentation.methods.scores import Likely, probabilities, reorder, scored, scores_of, shown_scores
from segmentation.monitoring import tell as monitoring_tell
from segmentation.runs.artifacts import Lineage, Start
from segmentation.runs.records import Placement, Score
from segmentation.scoring.drift import count_bins, describe_drift
from segmentation.scoring.place import score_table
from segmentation.segments.assign import _at_once, _in_turn, assign_rows
from segmentation.segments.fit import fit_segments, scaling_and_centroids
from segmentation.segments.model import TRUSTED, _repeatable, nearest_sql
from tests.conftest import completed

NAMES = ["a", "b", "c"]
PLAIN = {"lambda": 1, "centre": 0, "spread": 1}


def clouds(n: int = 300) -> np.ndarray:
    """Return rows of three clouds of unlike shape."""
    rng, third = np.random.default_rng(5), n // 3
    bent = rng.normal(0, 1, (third, 3)) @ np.array([[2, 1.5, 0], [0, 0.4, 0], [0, 0, 1]])
    return np.vstack([bent, rng.normal(3, 0.5, (third, 3)), rng.normal((0, 4, 0), 2, (third, 3))])


def placement(estimator, centroids) -> Placement:
    features = [{"name": name, **PLAIN} for name in NAMES]
    return Placement(features=features, centroids=centroids.tolist(), scores=scores_of(estimator))


def by_sql(model: Placement, rows: pd.DataFrame) -> tuple[list, list]:
    """Return the segments that DuckDB and SQLite give."""
    with duckdb.connect() as connection:
        connection.register("customers", rows)
        first = connection.execute(nearest_sql(model)).df()["segment"].tolist()
    with sqlite3.connect(":memory:") as connection:
        rows.to_sql("customers", connection, index=False)
        second = [row[-1] for row in connection.execute(nearest_sql(model, "mysql"))]
    return first, second


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_a_mixture_places_alike_everywhere(kind):
    X = clouds()
    mixture = GaussianMixture(3, covariance_type=kind, random_state=0).fit(X)
    scores, expected = scores_of(mixture), mixture.predict(X) + 1
    np.testing.assert_allclose(probabilities(scored(X, scores)), mixture.predict_proba(X), atol=1e-9)
    model, rows = placement(mixture, mixture.means_), pd.DataFrame(X, columns=NAMES)
    assert [one.quadratic is None for one in model.placing] == [kind == "tied"] * 3
    found = assign_rows(ibis.memtable(rows.assign(row=range(len(X)))), model, across=True).order_by("row").to_pandas()
    assert found["segment"].tolist() == expected.tolist()
    assert by_sql(model, rows) == (expected.tolist(), expected.tolist())
    each = np.sort(mixture.predict_proba(X), axis=1)
    np.testing.assert_allclose(found["probability"], each[:, -1], atol=1e-6)
    np.testing.assert_allclose(found["margin"], each[:, -1] - each[:, -2], atol=1e-6)
    assert (found["next_segment"] == np.argsort(-mixture.predict_proba(X), axis=1)[:, 1] + 1).mean() > 0.99
    np.testing.assert_allclose(found["distance"], np.linalg.norm(X - mixture.means_[expected - 1], axis=1), atol=2e-6)


def test_k_means_has_the_scores_of_its_centroids_and_no_probability():
    X = clouds()
    kmeans = KMeans(3, n_init=1, random_state=0).fit(X)
    assert (scored(X, scores_of(kmeans)).argmin(axis=1) == kmeans.labels_).all()
    model = Placement(features=[{"name": n, **PLAIN} for n in NAMES], centroids=kmeans.cluster_centers_.tolist())
    assert model.placing == scores_of(kmeans)
    found = assign_rows(ibis.memtable(pd.DataFrame(X, columns=NAMES)), model)
    assert found.columns == (*NAMES, "segment", "distance", "margin")


def test_far_out_probabilities_stay_numbers():
    mixture = GaussianMixture(3, random_state=0).fit(clouds())
    model = placement(mixture, mixture.means_)
    far = pd.DataFrame([[1e6, -1e6, 1e6], [0, 1e8, 0]], columns=NAMES)
    found = assign_rows(ibis.memtable(far), model).to_pandas()
    assert found[["probability", "margin"]].to_numpy().tolist() == [[1, 1], [1, 1]]


def test_ties_go_to_the_smaller_number_and_one_segment_alone_has_no_margin():
    rows = ibis.memtable(pd.DataFrame({"a": [0.0, 2.0], "b": 0.0, "c": 0.0}))
    features, one = [{"name": name, **PLAIN} for name in NAMES], {"constant": 0, "linear": [0, 0, 0]}
    square = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    model = Placement(features=features, centroids=[[0] * 3] * 3, scores=[{**one, "quadratic": square}] * 3)
    turn, once = (two(rows.mutate(_s1=double(0), _s2=double(0), _s3=double(1)), 3) for two in (_in_turn, _at_once))
    for told in (turn, once, assign_rows(rows, model, across=True)):
        found = told.to_pandas()
        assert found["segment"].tolist() == [1, 1]
        assert found["next_segment"].tolist() == [2, 2]
    assert assign_rows(rows, model).to_pandas()["probability"].tolist() == [0.333333] * 2
    alone = Placement(features=features, centroids=[[0] * 3], scores=[one])
    found = assign_rows(rows, alone, across=True).to_pandas()
    assert found["probability"].tolist() == [1, 1]
    assert found[["margin", "next_segment"]].isna().all(axis=None)
    assert by_sql(alone, rows.to_pandas()) == ([1, 1], [1, 1])


def test_a_category_is_one_column_each_an_unknown_one_none_and_a_missing_one_gives_no_segment():
    features = [{"name": "city", **PLAIN, "categories": ["Rome", 'O\'Ly \\ "x"']}, {"name": "age", **PLAIN}]
    scores = [Score(constant=0, linear=(1, 3, 1)), Score(constant=0.5, linear=(2, 1, 0.5))]
    model = Placement(features=features, centroids=[[1, 0, 0], [0, 1, 0]], scores=scores)
    assert model.columns == ["city: Rome", 'city: O\'Ly \\ "x"', "age"]
    rows = pd.DataFrame({"city": ["Rome", 'O\'Ly \\ "x"', "Oslo", "Oslo", None], "age": [0.0, 0, 0, 2, 0]})
    found = assign_rows(ibis.memtable(rows.dropna()), model).to_pandas()
    assert found["segment"].tolist() == [1, 2, 1, 2]
    np.testing.assert_allclose(found["distance"], [0, 0, 1, np.sqrt(5)], atol=1e-6)
    placed = [1.0, 2.0, 1.0, 2.0, None]
    for told in by_sql(model, rows):
        assert [None if pd.isna(s) else s for s in told] == placed


def survey(n: int = 250) -> pd.DataFrame:
    """Return a category, yes or no, an amount and a rating of customers of two kinds."""
    rng = np.random.default_rng(8)
    kind = rng.integers(0, 2, n)
    city = np.where(rng.random(n) < 0.75, kind, 2)
    likes, age = rng.random(n) < np.array([0.2, 0.8])[kind], rng.normal(30 + 15 * kind, 6, n).round(1)
    stars = np.clip(np.rint(rng.normal(2.5 + kind, 1, n)), 1, 5)
    return pd.DataFrame(
        {"city": np.array(["Rome", "Oslo", "Kyiv"])[city], "likes": likes * 1.0, "age": age, "stars": stars}
    )


SURVEY = Dataset(
    title="Survey",
    columns={
        "city": {"role": "descriptor", "type": "category"},
        "likes": {"role": "feature", "type": "yes/no"},
        "age": {"role": "feature", "transform": "yeo-johnson"},
        "stars": {"role": "feature", "type": "rating", "min": 1, "max": 5},
    },
)
AMOUNTS = Dataset(title="Amounts", columns={name: {"role": "feature"} for name in NAMES})


@pytest.fixture(scope="module", params=["kmeans", "mixture", "latent-class"])
def formed(request):
    """A model by each method, customers, and whom its pipeline places where, with what probability."""
    rows, dataset = (
        (survey(), SURVEY) if request.param == "latent-class" else (pd.DataFrame(clouds(), columns=NAMES), AMOUNTS)
    )
    features = tuple(rows)
    k, formed_by = 2 if dataset is SURVEY else 3, request.param
    model = fit_segments(rows, dataset, features, k, formed_by=formed_by, seed=0)
    X = rows.to_numpy()
    sure = model.predict_proba(X).max(axis=1) if request.param != "kmeans" else None
    return model, dataset, rows, (model.predict(X) + 1).tolist(), sure


def test_each_method_places_alike_in_python_the_engine_sql_and_the_script_of_the_page(formed, browser):
    model, _, rows, expected, sure = formed
    told = scaling_and_centroids(model, tuple(rows))
    found = assign_rows(ibis.memtable(rows.assign(row=range(len(rows)))), told).order_by("row").to_pandas()
    assert found["segment"].tolist() == expected
    assert by_sql(told, rows) == (expected, expected)
    again = Placement.model_validate_json(json.dumps(told.content()))
    assert again == told
    values = rows.copy()
    for feature in again.features:
        if feature.categories:
            values[feature.name] = [feature.categories.index(value) + 1 for value in values[feature.name]]
    page = browser.new_page()
    page.add_script_tag(path=files.ROOT / "report" / "template" / "explore.js")
    content = {name: value for name, value in again.content().items() if value}
    placed = page.evaluate(
        "([model, rows]) => rows.map((row) => placed(model, row))", [content, values.to_numpy().tolist()]
    )
    page.close()
    columns = ["segment", "distance", "margin"] if sure is None else ["segment", "distance", "margin", "probability"]
    np.testing.assert_allclose(pd.DataFrame(placed)[columns], found[columns], atol=2e-6)
    if sure is not None:
        np.testing.assert_allclose(found["probability"], sure, atol=2e-6)
        np.testing.assert_allclose(
            probabilities(scored(model[:-1].transform(rows.to_numpy()), told.scores)).max(axis=1), sure
        )


def test_the_stored_pipeline_of_each_method_is_the_same_again(formed):
    model, _, rows, expected, _ = formed
    stored = _repeatable(skops.io.dumps(model))
    assert set(skops.io.get_untrusted_types(data=stored)) <= set(TRUSTED)
    again = skops.io.loads(stored, trusted=TRUSTED)
    assert (again.predict(rows.to_numpy()) + 1).tolist() == expected
    assert scaling_and_centroids(again, tuple(rows)) == scaling_and_centroids(model, tuple(rows))


def test_segments_in_another_order_place_the_same_customers(formed):
    model, _, rows, expected, _ = formed
    other = skops.io.loads(skops.io.dumps(model), trusted=TRUSTED)
    k = max(expected)
    reorder(other[-1], np.arange(k)[::-1])
    assert (k - other.predict(rows.to_numpy())).tolist() == expected
    assert (k - other[-1].labels_).tolist() == expected
    told = scaling_and_centroids(other, tuple(rows))
    assert told.centroids == scaling_and_centroids(model, tuple(rows)).centroids[::-1]


def test_what_a_score_is_made_of_makes_it_again_and_rounded_places_nearly_all_alike(formed):
    model, _, rows, expected, sure = formed
    if sure is None:
        return
    told, X = scaling_and_centroids(model, tuple(rows)), model[:-1].transform(rows.to_numpy())
    answers = np.array([name in ("likes", "stars", "age", *NAMES) for name in told.columns])
    again = [Likely.of(score, answers).score(answers) for score in told.scores]
    np.testing.assert_allclose(probabilities(scored(X, again)), probabilities(scored(X, told.scores)), atol=1e-9)
    sizes, steps = np.bincount(expected)[1:], np.full((len(told.scores), len(told.columns)), 0.1)
    shown = shown_scores(told, sizes, steps)
    assert all(one != exact for one, exact in zip(shown, told.scores, strict=True))
    assert (scored(X, shown).argmin(axis=1) + 1 == expected).mean() > 0.95
    for score in shown:
        likely = Likely.of(score, answers)
        middle = likely.mean[likely.numbers] / 0.1
        np.testing.assert_allclose(middle, middle.round(), atol=1e-6)


def test_new_customers_of_another_category_are_outside_and_drift_is_told_by_categories():
    features = [{"name": "city", **PLAIN, "categories": ["Oslo", "Rome"]}, {"name": "age", **PLAIN}]
    scores = [Score(constant=0, linear=(1, 3, 1)), Score(constant=0.5, linear=(2, 1, 0.5))]
    model = completed(Placement(features=features, centroids=[[1, 0, 0], [0, 1, 0]], scores=scores))
    parts = [f.model_copy(update={"shares": (0.5, 0.5) if f.categories else (1,)}) for f in model.features]
    model = model.model_copy(update={"features": tuple(parts), "customers": 100})
    rows = pd.DataFrame({"city": ["Rome"] * 30 + ["Kyiv"] * 10, "age": 0.5})
    found = score_table(held(rows), model, {1: "one", 2: "two"})
    assert found.to_pandas()["outside"].tolist() == [False] * 30 + [True] * 10
    assert count_bins(found, model.features[0]) == [0, 30, 10]
    drift = describe_drift(found, model, {1: "one", 2: "two"})
    assert drift.features["city"].shifted
    assert drift.outside == 10


def test_a_fit_by_another_method_than_k_means_does_not_start_from_centroids():
    start = Start(from_base=False, why="method", then=3, now=3)
    told = monitoring_tell.start(Lineage(base="march", before=(), now=(), start=start))
    assert told == "The fit did not start from march: only K-Means starts from centroids, and of K-Means."
