"""What places a customer under any method: a score of each segment, the least of which wins."""

from collections.abc import Sequence

import numpy as np
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

from segmentation.runs.records import Score, nearest_scores


def scores_of(estimator) -> tuple[Score, ...]:
    """Return the score of each segment of a fitted estimator.

    Parameters
    ----------
    estimator : KMeans, GaussianMixture, or whatever has a method `scores` that returns them
    """
    if hasattr(estimator, "scores"):
        return tuple(estimator.scores())
    if isinstance(estimator, KMeans):
        return nearest_scores(estimator.cluster_centers_.tolist())
    if isinstance(estimator, GaussianMixture):
        return gaussian_scores(estimator.weights_, estimator.means_, _precisions(estimator))
    raise TypeError(f"{type(estimator).__name__} says not how it places a customer")


def gaussian_scores(weights: np.ndarray, means: np.ndarray, precisions: np.ndarray) -> tuple[Score, ...]:
    """Return the scores of normal distributions: what is the same for all of them is left out.

    Parameters
    ----------
    weights : ndarray of shape (k,)
    means : ndarray of shape (k, d)
    precisions : ndarray of shape (k, d, d)
        The inverses of the covariances.
    """
    linear = -2 * np.einsum("kij,kj->ki", precisions, means)
    constant = -0.5 * (linear * means).sum(axis=1) - np.linalg.slogdet(precisions)[1] - 2 * np.log(weights)
    alike = (precisions == precisions[0]).all()
    rows = [None] * len(means) if alike else precisions.tolist()
    return tuple(
        Score(constant=one, linear=parts, quadratic=square)
        for one, parts, square in zip(constant.tolist(), linear.tolist(), rows, strict=True)
    )


def _precisions(mixture: GaussianMixture) -> np.ndarray:
    """Return the inverse covariance of each component, symmetric to the last bit, of whatever type they are."""
    (k, d), kind, found = mixture.means_.shape, mixture.covariance_type, mixture.precisions_cholesky_
    if kind in ("full", "tied"):
        whole = found @ np.swapaxes(found, -1, -2)
        return np.broadcast_to((whole + np.swapaxes(whole, -1, -2)) / 2, (k, d, d))
    return np.eye(d) * np.broadcast_to(found.reshape(k, -1), (k, d))[:, None] ** 2


def scored(X: np.ndarray, scores: Sequence[Score]) -> np.ndarray:
    """Return the score of each segment for each row of X, of shape (n, k)."""
    return np.column_stack(
        [
            one.constant
            + X @ np.array(one.linear)
            + (0 if one.quadratic is None else ((X @ np.array(one.quadratic)) * X).sum(axis=1))
            for one in scores
        ]
    )


def probabilities(found: np.ndarray) -> np.ndarray:
    """Return the probability of each segment, of scores of shape (n, k): softmax(-score / 2)."""
    weights = np.exp((found.min(axis=1, keepdims=True) - found) / 2)
    return weights / weights.sum(axis=1, keepdims=True)
