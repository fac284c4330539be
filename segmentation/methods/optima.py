"""The best optimum of a method for each number of segments that a table allows."""

import numpy as np

from segmentation.core.errors import DataError, UsageError
from segmentation.core.parallel import spread
from segmentation.customers.exploring import sample_rows
from segmentation.methods.kmeans import KMEANS
from segmentation.methods.method import LARGEST_RESAMPLED, Method, Optimum


def fit_each_k(X: np.ndarray, k_values, *, method: Method = KMEANS, seed: int = 0) -> dict[int, Optimum]:
    """Return the best optimum for every k."""
    return dict(zip(k_values, spread(_optimum, list(k_values), X, method, seed), strict=True))


def _optimum(k: int, X: np.ndarray, method: Method, seed: int) -> Optimum:
    return method.best(X, k, seed=seed)


def division(optima: dict[int, Optimum], k: int) -> np.ndarray:
    """Return the segment of each customer, from 0; for k = 1 that of all."""
    if k == 1:
        return np.zeros(len(next(iter(optima.values())).model.labels_), int)
    return optima[k].model.labels_


def feasible_k(X: np.ndarray, k_range: tuple[int, int], k, *, seed: int = 0) -> list[int]:
    """Return the values of k to score: the range and the analyst's own k, up to the distinct points less one.

    Above 1,000 customers the distinct points of the sample count that the evidence is gathered on.

    Raises
    ------
    UsageError
        When the analyst's k is no number of segments, or too many.
    DataError
        When the customers have too few distinct points for the smallest k of the range.
    """
    most = len(np.unique(X[sample_rows(len(X), LARGEST_RESAMPLED, seed=seed)], axis=0)) - 1
    if k != "auto" and (not isinstance(k, int) or k < 2):
        raise UsageError(f"k = {k!r} is not usable; expected 'auto' or a whole number of at least 2")
    if k != "auto" and k > max(most, 1):
        raise UsageError(f"K={k} is too many for {most + 1} distinct combinations of features; choose at most {most}")
    values = {i for i in range(k_range[0], k_range[1] + 1) if i <= most} | ({k} - {"auto"})
    if most < 2 or not values:
        raise DataError(f"the customers have {most + 1} distinct combinations of features; too few for segments")
    return sorted(values)
