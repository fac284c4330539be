"""Whether there is a thinner place between segments, against planted truth."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from segmentation.evidence.nulls import one_mode
from segmentation.evidence.separation import (
    DEEP,
    as_deep,
    bent,
    discriminant,
    joined,
    paid,
    separation,
    unrolled,
    valley,
)
from tests.benchmarks.evidence_tables import arc, groups


def _found(X: np.ndarray, k: int):
    return separation(X, {k: KMeans(k, n_init=10, random_state=0).fit(X).labels_}).loc[k]


@pytest.mark.parametrize(
    ("centres", "shares"),
    [
        ([[0, 0], [4, 0]], None),
        ([[0, 0, 0, 0], [5, 0, 0, 0]], None),
        ([[0, 0], [6, 0], [3, 5.2]], [0.7, 0.2, 0.1]),
        ([[0, 0], [4, 0], [-4, 0], [0, 4], [0, -4]], None),
    ],
)
def test_valleys_separate_planted_groups(centres, shares):
    found = _found(groups(np.random.default_rng(0), 400, centres=centres, shares=shares), len(centres))
    assert found["p"] <= DEEP
    assert not found["curved"]


@pytest.mark.parametrize("k", [2, 3, 6])
@pytest.mark.parametrize("d", [2, 5, 20])
def test_there_are_none_in_one_cloud_cut_into_parts(k, d):
    rng = np.random.default_rng([k, d])
    clouds = (rng.normal(size=(200, d)), rng.uniform(size=(200, d)), rng.exponential(size=(200, d)))
    assert min(_found(cloud, k)["p"] for cloud in clouds) > DEEP


def test_a_group_that_is_cut_in_two_is_no_two_groups():
    # A long group and a round one: the best three segments cut the long one.
    rng = np.random.default_rng(1)
    X = groups(rng, 300, centres=[[0, 0], [0, 6]], roots=[np.diag([4, 1]), 1])
    assert _found(X, 2)["p"] <= DEEP < _found(X, 3)["p"]


@pytest.mark.parametrize("degrees", [225, 270])
def test_a_bent_piece_is_one_piece(degrees):
    X = arc(np.random.default_rng(1), 400, degrees=degrees)
    found = _found(X, 2)
    assert found["p"] > DEEP
    assert found["curved"]


def test_two_arcs_apart_are_no_bent_piece():
    rng = np.random.default_rng(0)
    X = arc(rng, 400, degrees=270)
    X = X[np.abs(X[:, 0] + X[:, 1]) > 0.6]  # taken apart where it is bent most
    assert _found(X, 2)["p"] <= DEEP


def test_order_of_rows_and_columns_units_and_numbers_do_not_matter():
    rng = np.random.default_rng(3)
    X = groups(rng, 200, centres=[[0, 0, 0], [5, 0, 0], [0, 4.5, 0]])
    labels = KMeans(3, n_init=10, random_state=0).fit(X).labels_
    turned, order = np.linalg.qr(rng.normal(size=(3, 3)))[0], rng.permutation(len(X))
    first = separation(X, {3: labels})["p"][3]
    others = [
        separation(X[order], {3: labels[order]}),
        separation(X[:, ::-1], {3: labels}),
        separation(7 * X + 100, {3: labels}),
        separation(X @ turned, {3: labels}),
        separation(X, {3: np.array([2, 0, 1])[labels]}),
    ]
    assert [found["p"][3] for found in others] == pytest.approx([first] * 5, rel=1e-6)


def test_each_customer_is_placed_by_the_others():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(30, 3)), rng.normal(size=(40, 3)) + 2
    X, y = np.vstack([one, other]), np.repeat([0, 1], [30, 40])
    found = discriminant(one, other).along
    for i in (0, 29, 50):
        rest = np.arange(70) != i
        means = [X[rest & (y == label)].mean(axis=0) for label in (0, 1)]
        away = X[rest] - np.array(means)[y[rest]]
        scatter = (1 - 3 / 70) * away.T @ away
        away = X - np.array([one.mean(axis=0), other.mean(axis=0)])[y]
        scatter += 3 / 70 * (away**2).sum() / 3 * np.eye(3)
        direction = np.linalg.solve(scatter, means[1] - means[0])
        expected = direction @ (X[i] - np.mean(means, axis=0)) / np.sqrt(direction @ (means[1] - means[0]))
        assert found[i] == pytest.approx(expected, rel=1e-4)
    lda = LinearDiscriminantAnalysis().fit(X, y).decision_function(X)
    assert np.corrcoef(found, lda)[0, 1] > 0.99


def test_a_valley_by_hand():
    # Both cores hold three of four on an interval of 1; between them, on 8, there is nobody. The first of a core is
    # spent on where it begins, so that two are compared: (1/9)^2, that they fall into a core of 1 and not into 8.
    along = np.array([0, 0.5, 1, -1.5, 9, 9.5, 10, 11.5])
    assert valley(along, 4) == pytest.approx((1 / 9) ** 2)
    assert valley(np.r_[along[:4], along[:4] + 0.5], 4) == 1


def test_choosing_the_window_is_paid_for():
    # Customers spread evenly and cut in the middle: p is small as often as it says.
    rng = np.random.default_rng(0)
    found = []
    for _ in range(600):
        along = np.sort(rng.uniform(size=100))
        found.append(paid(valley(along, 50), along, 50))
    assert np.mean(np.array(found) <= 0.05) <= 0.09
    assert np.mean(np.array(found) <= 0.01) <= 0.03


def test_p_values_are_joined_over_the_pairs_that_have_least():
    p_values = np.array([[0, 0.04, 0.5], [0.04, 0, 1e-9], [0.5, 1e-9, 0]])
    # The pairs 1-3 and 1-2 join all three; chi-squared with 4 degrees of freedom has (1 + x / 2) exp(-x / 2) above x.
    product = 0.5 * 0.04
    assert joined(p_values) == pytest.approx(product * (1 - np.log(product)))
    p_values[0, 2] = p_values[2, 0] = 1
    assert joined(p_values) == 1


def test_tables_without_segments_are_asked_for_valleys_as_deep():
    X = groups(np.random.default_rng(0), 200, centres=[[0, 0], [5, 0], [0, 5]])
    labels = KMeans(3, n_init=10, random_state=0).fit(X).labels_
    p = separation(X, {3: labels})["p"][3]
    assert as_deep(X, labels, p * 1.001)
    assert not as_deep(X, labels, p * 0.999)


def test_a_bent_piece_is_unrolled():
    rng = np.random.default_rng(0)
    angle = np.sort(rng.uniform(0, 1.4 * np.pi, 300))
    X = np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(scale=0.05, size=(300, 2))
    one, other = X[:150], X[150:]
    plane = bent(one, other, discriminant(one, other))
    assert plane is not None
    assert abs(np.corrcoef(unrolled(plane, 150), angle)[0, 1]) > 0.99
    straight = np.column_stack([angle, rng.normal(size=300)])
    assert bent(straight[:150], straight[150:], discriminant(straight[:150], straight[150:])) is None


def test_a_column_with_one_mode_stays_and_one_with_two_is_filled():
    rng = np.random.default_rng(0)
    normal, rating = rng.normal(size=400), rng.choice(5, 400, p=[0.1, 0.2, 0.4, 0.2, 0.1])
    two = np.r_[rng.normal(size=380), rng.normal(size=20) + 8]
    found = one_mode(np.column_stack([normal, rating, two, rng.integers(2, size=400)]))
    assert np.abs(found[:, 0] - np.sort(normal)).max() < 0.5
    assert np.abs(np.bincount(found[:, 1].astype(int)) - np.bincount(rating)).max() <= 1
    assert ((two > 3) & (two < 6)).sum() == 0
    assert ((found[:, 2] > 3) & (found[:, 2] < 6)).sum() >= 5
    assert set(found[:, 3]) == {0, 1}
