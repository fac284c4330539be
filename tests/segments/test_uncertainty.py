"""How exact the segments are, and what other choices would make of them."""

import re

import ibis
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs

from segmentation.core.dataset import Column, Dataset
from segmentation.core.files import read_json
from segmentation.segments import tell as segments_tell
from segmentation.segments.assign import NEAR, borders
from segmentation.segments.robustness import bootstrap_intervals, compare_choices

CENTRES = np.array([[0, 0], [8, 0], [0, 8]])


def _drawn(seed: int, n: int = 150) -> tuple[np.ndarray, np.ndarray]:
    """Draw customers of three segments with shares 1/2, 1/3 and 1/6, numbered by size."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, n, p=[1 / 2, 1 / 3, 1 / 6])
    return CENTRES[labels] + rng.normal(size=(n, 2)), labels


def _intervals(X: np.ndarray, labels: np.ndarray, resamples: int) -> pd.DataFrame:
    return bootstrap_intervals(X, pd.DataFrame(X, columns=["a", "b"]), labels, resamples=resamples)


def test_intervals_hold_the_planted_shares_and_centres_as_often_as_they_say():
    truth = np.column_stack([[1 / 2, 1 / 3, 1 / 6], CENTRES])
    held = []
    for seed in range(40):
        found = _intervals(*_drawn(seed), resamples=60)
        low, high = (found.xs(side, axis=1, level=1).to_numpy() for side in ("low", "high"))
        held.append((low <= truth) & (truth <= high))
    assert 0.88 <= np.mean(held) <= 0.98


def test_no_interval_of_private_centres_ends_at_the_value_of_one_customer():
    X = np.vstack([_drawn(0, n=60)[0], [(777.7, 40)]])
    labels = np.r_[np.repeat([0, 1, 2], 20), 2]
    told = pd.DataFrame(X, columns=["a", "b"])
    alone = bootstrap_intervals(X, told, labels, resamples=40)["centre_a"].to_numpy()
    assert alone.max() > 700  # the far one is a segment of a resample
    private = bootstrap_intervals(X, told, labels, resamples=40, smallest=10)["centre_a"].to_numpy()
    assert private.max() < 200


def test_intervals_of_large_tables_are_those_of_the_normal_theory():
    X, labels = _drawn(0, n=8_000)
    found = _intervals(X, labels, resamples=200)
    for segment in range(3):
        own = X[labels == segment, 0]
        low, high = found.loc[segment + 1, "centre_a"]
        assert (high - low) / 2 == pytest.approx(1.96 * own.std() / np.sqrt(len(own)), rel=0.2)
        share = len(own) / len(X)
        low, high = found.loc[segment + 1, "share"]
        assert (high - low) / 2 == pytest.approx(1.96 * np.sqrt(share * (1 - share) / len(X)), rel=0.2)


def test_each_figure_lies_in_its_interval_and_the_report_shows_both(mall):
    segments = read_json(mall.artifact("mall", "profiles.json"))["segments"]
    for segment in segments:
        for value, (low, high) in [
            (segment["share"], segment["share_interval"]),
            *((segment["centre"][f], segment["centre_interval"][f]) for f in segment["centre"]),
        ]:
            assert low < value < high
    table = pd.read_csv(mall.artifact("mall", "profiles.csv"))
    assert table["share, from"].tolist() == [segment["share_interval"][0] for segment in segments]
    page = mall.page("mall")
    assert re.search(r"55\.3 k\$<small>52\.\d to 57\.\d</small>", page)
    assert re.search(r"<td>55\.3 \(52\.\d to 57\.\d\)</td>", page)
    assert page.count("Small: fewer than 30 customers.") == 2
    assert "Sensible customers and Careless spenders have fewer than 30 customers" in page


SHOP = Dataset(
    title="Shop",
    columns={
        "id": Column(role="id"),
        "a": Column(role="feature"),
        "b": Column(role="feature"),
        "noise": Column(role="descriptor"),
        "city": Column(role="descriptor", type="category"),
    },
)


@pytest.fixture(scope="module")
def shop() -> tuple[pd.DataFrame, np.ndarray]:
    X, labels = make_blobs([80, 70], centers=[[0, 0], [9, 0]], random_state=0)
    table = pd.DataFrame(X.clip(-2, 11), columns=["a", "b"]).assign(
        noise=np.random.default_rng(0).normal(size=150), city="Oslo"
    )
    table.loc[0, "noise"] = None
    table.loc[149, "b"] = 40.0
    return table, labels


def test_other_choices_agree_as_far_as_they_should(shop):
    found = compare_choices(shop[0], SHOP, ("a", "b"), shop[1]).set_index("choice")
    assert list(found.index) == [
        "Gaussian mixture", "Ward hierarchical clustering", "Scaled to the range from 0 to 1",
        "Scaled by median and quartiles", "Scaled as ranks", "Without outliers", "Without A", "Without B", "With Noise",
    ]  # fmt: skip
    assert found["customers"].to_dict() == {
        **dict.fromkeys(found.index, 150),
        "Without outliers": 149,
        "With Noise": 149,
    }
    assert found["agreement"]["Without outliers"] == found["agreement"]["Without B"] == 1
    assert found["agreement"]["Without A"] < 0.1


@pytest.mark.parametrize(("privacy", "compared"), [("rows", True), ("aggregate", False)])
def test_a_column_that_fewer_than_ten_customers_have_is_no_other_choice_where_rows_are_private(shop, privacy, compared):
    table = shop[0].assign(noise=shop[0]["noise"].where(shop[0].index % 20 == 1))
    assert table["noise"].notna().sum() == 8
    found = compare_choices(table, SHOP.model_copy(update={"privacy": privacy}), ("a", "b"), shop[1])
    assert ("With Noise" in set(found["choice"])) == compared


def test_what_is_compared_is_told():
    table = pd.DataFrame({"choice": ["one", "other"], "customers": 9, "agreement": [0.9, 0.3]})
    assert segments_tell.sensitivity(table) == (
        "Of two other choices, one draws nearly the same segments (adjusted Rand index 0.80 or more). Least "
        "similar are those from “other” (0.30)."
    )
    assert "The one other choice does not draw nearly" in segments_tell.sensitivity(table[1:])
    told = segments_tell.sensitivity(table[:1])
    assert told == "Another choice draws nearly the same segments (adjusted Rand index 0.90 or more)."


def test_the_table_of_choices_is_in_the_report(mall):
    agreement = read_json(mall.artifact("mall", "model.json"))["agreement"]
    assert agreement["Without outliers"] > 0.95
    assert agreement["Gaussian mixture"] > 0.9
    assert agreement["With Age"] < 0.8
    assert "Of nine other choices, six draw nearly the same segments" in mall.page("mall")


def test_borderline_customers_are_those_with_the_smallest_margins(mall):
    near = pd.read_csv(mall.artifact("mall", "borderline.csv"), dtype={"id": str})
    segments = pd.read_csv(mall.artifact("mall", "segments.csv"), dtype={"id": str}).set_index("id")
    assert near["margin"].is_monotonic_increasing
    assert set(near["id"]) == set(segments.index[segments["margin"] < NEAR])
    assert near["segment"].tolist() == segments.loc[near["id"], "segment"].tolist()
    assert (near["segment"] != near["next_segment"]).all()
    centroids = np.array(read_json(mall.artifact("mall", "model.json"))["centroids_original_units"])
    customers = pd.read_parquet(mall.artifact("mall", "customers.parquet")).set_index("id")
    scale = customers[["income", "spending"]].std(ddof=0).to_numpy()
    z = (customers.loc[near["id"], ["income", "spending"]].to_numpy()[:, None] - centroids) / scale
    assert (np.linalg.norm(z, axis=2).argsort(axis=1)[:, 1] + 1).tolist() == near["next_segment"].tolist()


def test_borderline_customers_are_shown_without_their_ids_and_only_where_rows_may_be(sample):
    first = pd.read_csv(sample.artifact("sample", "borderline.csv"))["id"][0]
    assert "The customers nearest to a border, by margin." in sample.page("sample")
    assert first not in sample.page("sample")


def test_few_borderline_customers_are_not_counted_when_private():
    near = pd.DataFrame({"segment": [2] * 6 + [1] * 4, "next_segment": [1] * 6 + [3] * 4, "margin": 0.1})
    rule = "the next centroid is less than 0.25 standard deviations farther than the own"
    told = f"10 of 50 customers are near a border: {rule}"
    pairs = borders(ibis.memtable(near))
    assert segments_tell.border(pairs, 50, rule, private=True) == f"{told}."
    most = "Most of them (6) lie between segment 1 and segment 2."
    assert segments_tell.border(pairs, 50, rule, private=False) == f"{told}. {most}"
    few = borders(ibis.memtable(near[:9]))
    assert segments_tell.border(few, 50, rule, private=True).startswith("Fewer than 10 of 50 customers")
