"""What places a customer under any method: a score of each segment, the least of which wins."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from segmentation.core.privacy import SMALLEST_GROUP, rung, to_step
from segmentation.runs.records import Placement, Score, nearest_scores

SHOWN_SPREAD = 0.02  # of a standard deviation and of a correlation, how exactly they may be shown


def scores_of(estimator) -> tuple[Score, ...]:
    """Return the score of each segment of a fitted estimator.

    Parameters
    ----------
    estimator : KMeans, GaussianMixture, or whatever has a method `scores` that returns them
    """
    if hasattr(estimator, "scores"):
        return tuple(estimator.scores())
    if hasattr(estimator, "precisions_cholesky_"):
        return gaussian_scores(estimator.weights_, estimator.means_, precisions(estimator))
    return nearest_scores(estimator.cluster_centers_.tolist())


def gaussian_scores(weights: np.ndarray, means: np.ndarray, precisions: np.ndarray) -> tuple[Score, ...]:
    """Return the scores of normal distributions.

    Parameters
    ----------
    weights : ndarray of shape (k,)
    means : ndarray of shape (k, d)
    precisions : ndarray of shape (k, d, d)
        The inverses of the covariances.
    """
    linear = -2 * np.einsum("kij,kj->ki", precisions, means)
    constant = -0.5 * (linear * means).sum(axis=1) - np.linalg.slogdet(precisions)[1] - 2 * np.log(weights)
    parts = zip(constant.tolist(), linear.tolist(), precisions.tolist(), strict=True)
    return tuple(Score(constant=one, linear=line, quadratic=square) for one, line, square in parts)


def precisions(mixture) -> np.ndarray:
    """Return the inverse covariance of each component, symmetric to the last bit, of whatever type they are."""
    (k, d), kind, found = mixture.means_.shape, mixture.covariance_type, mixture.precisions_cholesky_
    if kind in ("full", "tied"):
        whole = found @ np.swapaxes(found, -1, -2)
        return np.broadcast_to((whole + np.swapaxes(whole, -1, -2)) / 2, (k, d, d))
    return np.eye(d) * np.broadcast_to(found.reshape(k, -1), (k, d))[:, None] ** 2


def reorder(estimator, order: np.ndarray) -> None:
    """Put the segments of a fitted estimator into another order, and number its customers by that."""
    shared = ("covariances_", "precisions_", "precisions_cholesky_")
    tied = shared if getattr(estimator, "covariance_type", "") == "tied" else ()
    for name, value in vars(estimator).items():
        if isinstance(value, np.ndarray) and name.endswith("_") and name not in ("labels_", *tied):
            setattr(estimator, name, np.ascontiguousarray(value[order]))
    estimator.labels_ = np.argsort(order)[estimator.labels_].astype(estimator.labels_.dtype)


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


@dataclass(frozen=True)
class Likely:
    """What a score is made of: a weight, and of each column a mean, with covariances of those that are numbers.

    numbers : ndarray of bool of shape (d,), the columns that are normal; of the others the mean is a probability
    """

    log_weight: float
    mean: np.ndarray
    covariance: np.ndarray
    numbers: np.ndarray

    @classmethod
    def of(cls, score: Score, answers: np.ndarray) -> "Likely":
        """Take a score apart; of `answers`, the columns of yes or no by themselves, the probability is that of yes."""
        linear, square = np.array(score.linear), np.zeros((len(answers),) * 2)
        square = square if score.quadratic is None else np.array(score.quadratic)
        numbers = square.diagonal() > 0
        mean, odds = np.exp(-linear / 2), answers & ~numbers
        mean[odds] /= 1 + mean[odds]
        inner = square[np.ix_(numbers, numbers)]
        mean[numbers] = -np.linalg.solve(inner, linear[numbers]) / 2
        found = cls(0.0, mean, np.linalg.inv(inner), numbers)
        return replace(found, log_weight=-(score.constant - found.score(answers).constant) / 2)

    def score(self, answers: np.ndarray) -> Score:
        """Put it together."""
        square, odds = np.zeros((len(answers),) * 2), answers & ~self.numbers
        square[np.ix_(self.numbers, self.numbers)] = inner = np.linalg.inv(self.covariance)
        linear = -2 * (square @ self.mean)
        linear[~self.numbers] = -2 * np.log(self.mean[~self.numbers])
        linear[odds] += 2 * np.log1p(-self.mean[odds])
        constant = -2 * self.log_weight - np.linalg.slogdet(inner)[1] + self.mean @ square @ self.mean
        constant -= 2 * np.log1p(-self.mean[odds]).sum()
        kept = tuple(map(tuple, square.tolist())) if self.numbers.any() else None
        return Score(constant=float(constant), linear=tuple(linear.tolist()), quadratic=kept)

    def rounded(self, steps: np.ndarray, share: float, groups: Iterable[slice]) -> "Likely":
        """Return it to `steps` of the means, shares of `share` or more, and deviations and correlations to 0.02."""
        mean, spread = self.mean.copy(), np.sqrt(self.covariance.diagonal())
        for i in np.flatnonzero(self.numbers):
            mean[i] = to_step(mean[i], steps[i])
        mean[~self.numbers] = np.clip(to_step(mean[~self.numbers], share), share, 1 - share)
        for group in groups:
            mean[group] /= mean[group].sum()
        near = to_step(self.covariance / np.outer(spread, spread), SHOWN_SPREAD) * (1 - SHOWN_SPREAD)
        np.fill_diagonal(near, 1)
        kept = np.array([to_step(value, rung(SHOWN_SPREAD * value)) for value in spread])
        return replace(self, mean=mean, covariance=near * np.outer(kept, kept))


def shown_scores(model: Placement, sizes: Sequence[int], steps: np.ndarray) -> tuple[Score, ...]:
    """Return the scores, if any, as they may be shown: of weights, means and spreads that give no customer away.

    Parameters
    ----------
    sizes : the customers of each segment
    steps : ndarray of shape (k, d)
        How exactly the mean of each z may be shown.
    """
    groups, answers, at = [], np.ones(len(model.columns), bool), 0
    for feature in model.features:
        if feature.categories:
            groups.append(slice(at, at + len(feature.columns)))
            answers[groups[-1]] = False
        at += len(feature.columns)
    apart = [Likely.of(score, answers) for score in model.scores]
    if not apart:
        return ()
    exact, total = rung(SMALLEST_GROUP / sum(sizes)), np.logaddexp.reduce([one.log_weight for one in apart])
    found = []
    for one, size, own in zip(apart, sizes, steps, strict=True):
        weight = max(float(to_step(np.exp(one.log_weight - total), exact)), exact)
        shown = one.rounded(own, min(rung(SMALLEST_GROUP / max(size, 1)), 0.5), groups)
        found.append(replace(shown, log_weight=float(np.log(weight))).score(answers))
    return tuple(found)
