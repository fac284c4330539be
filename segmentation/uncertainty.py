"""How exact are the shares and centres of the segments: bootstrap intervals."""

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from segmentation.decision import LEVEL
from segmentation.stability import fit_once, random_state
from segmentation.workers import spread

LARGEST_DRAW = 2_000


def bootstrap_intervals(
    X: np.ndarray, original: pd.DataFrame, labels: np.ndarray, *, resamples: int, seed: int = 0
) -> pd.DataFrame:
    """Return 95% percentile intervals for the share and the centre of each segment (Efron & Tibshirani 1993).

    Each resample of the customers is segmented anew, and its segments are matched with those at hand by the
    largest overlap (Kuhn 1955), so that the intervals hold the uncertainty of the borders too. Above 2,000 customers
    m = 2,000 of them are drawn, and the deviations are reduced by the square root of m / n (Bickel, Götze & van Zwet
    1997).

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features), scaled
    original : DataFrame of shape (n_customers, n_features)
        The same features in original units.
    labels : ndarray of shape (n_customers,)
        The segments at hand, from 0.

    Returns
    -------
    DataFrame
        Indexed by segment (from 1); columns (quantity, "low" or "high"), where a quantity is "share" or
        "centre_<feature>".
    """
    values, k = original.to_numpy(float), int(labels.max()) + 1
    m = min(len(X), LARGEST_DRAW)
    drawn = np.array(spread(_draw, list(range(resamples)), X, values, labels, m, seed))
    estimate = _shares_and_centres(values, labels, k)
    limits = {
        name: estimate + (np.nanquantile(drawn, level, axis=0) - estimate) * np.sqrt(m / len(X))
        for name, level in (("low", (1 - LEVEL) / 2), ("high", (1 + LEVEL) / 2))
    }
    quantities = ["share", *(f"centre_{name}" for name in original)]
    index = pd.RangeIndex(1, k + 1, name="segment")
    sides = {name: pd.DataFrame(limit, index=index, columns=quantities) for name, limit in limits.items()}
    return pd.concat(sides, axis=1).swaplevel(axis=1)[quantities]


def _draw(i: int, X: np.ndarray, values: np.ndarray, labels: np.ndarray, m: int, seed: int) -> np.ndarray:
    """Return share and centre of each segment in one resample; NaN for a segment that it does not hold."""
    k, rng = int(labels.max()) + 1, random_state(seed, 6, i)
    rows = rng.integers(len(X), size=m)
    if len(np.unique(X[rows], axis=0)) < k:
        return np.full((k, 1 + values.shape[1]), np.nan)
    found = fit_once(X[rows], k, rng).labels_
    common = np.zeros((k, k))
    np.add.at(common, (labels[rows], found), 1)
    segment_of = np.argsort(linear_sum_assignment(common, maximize=True)[1])
    return _shares_and_centres(values[rows], segment_of[found], k)


def _shares_and_centres(values: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    sizes = np.bincount(labels, minlength=k)
    sums = np.column_stack([np.bincount(labels, column, minlength=k) for column in values.T])
    return np.column_stack([sizes / len(labels), sums / np.where(sizes, sizes, np.nan)[:, None]])
