"""Is there distinct structure at all: Gaussian mixtures, and the dip of the distances."""

from itertools import combinations

import numpy as np
import pandas as pd
from diptest import diptest
from scipy.spatial.distance import pdist
from sklearn.mixture import GaussianMixture

from segmentation.eda import sample_rows
from segmentation.workers import spread

COVARIANCES = ("full", "tied", "diag", "spherical")
MIXTURE_STARTS = 2
SMALLEST_DIP = 4
LARGEST_DIP = 350  # customers: the published table of the dip ends at 72,000 values, here pairs


def mixture_bic(X: np.ndarray, k_values, *, seed: int = 0) -> pd.DataFrame:
    """Return the BIC of Gaussian mixtures with k components, lower is better (Fraley & Raftery 2002, sign reversed).

    Returns
    -------
    DataFrame
        Indexed by k, one column for each of four covariance types.
    """
    tasks = [(k, covariance) for k in k_values for covariance in COVARIANCES]
    values = spread(_bic, tasks, X, seed)
    table = pd.DataFrame(tasks, columns=["k", "covariance"]).assign(bic=values)
    return table.pivot(index="k", columns="covariance", values="bic")[list(COVARIANCES)]


def _bic(task: tuple[int, str], X: np.ndarray, seed: int) -> float:
    k, covariance = task
    mixture = GaussianMixture(k, covariance_type=covariance, n_init=MIXTURE_STARTS, random_state=seed)
    return float(mixture.fit(X).bic(X))


def dip_of_distances(X: np.ndarray, *, seed: int = 0) -> dict[str, float]:
    """Test whether the distances between customers have more than one mode (Hartigan & Hartigan 1985).

    Within one cloud the pairwise distances have one mode; distinct segments add a second, the distances between
    them (Adolfsson, Ackerman & Brownstein 2019). Of more than 350 customers a random sample is taken; the pairs
    are not independent, so that p is a guide rather than an exact level.

    Returns
    -------
    dict
        dip and p of the distances as they are; p_untied, the larger of p and that of the distances after `untie`, which
        decides.
    """
    some = X[sample_rows(len(X), LARGEST_DIP, seed=seed)]
    dip, p = diptest(np.sort(pdist(some)))
    return {"dip": float(dip), "p": float(p), "p_untied": max(float(p), p_of_one_mode(pdist(untie(some, seed=seed))))}


def untie(X: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Spread equal values evenly, each over half the way to the nearest other value of its column.

    Values that were rounded, counted or rated come in steps, and the dip test takes each step for a mode.
    """
    rng, columns = np.random.default_rng(seed), []
    for column in X.T:
        values, place = np.unique(column, return_inverse=True)
        gaps = np.diff(values)
        nearest = np.minimum(np.append(gaps, np.inf), np.insert(gaps, 0, np.inf)) if len(gaps) else np.zeros(1)
        columns.append(column + rng.uniform(-0.5, 0.5, len(column)) * nearest[place])
    return np.column_stack(columns)


def valley_p(X: np.ndarray, labels: np.ndarray, centroids: np.ndarray) -> float:
    """Test whether there is a valley between every two segments, and return the p-value of the pair that has least.

    The members of two segments are projected onto the line through their centroids (as Hamerly & Elkan 2003 do), and
    Hartigan's dip asks whether they have more than one mode there. Every pair must reject (an intersection-union
    test), so that the largest p is that of all. A cut through one cloud leaves one mode. A segment of fewer than four
    customers has no valley.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features), scaled and without ties (`untie`)
    labels : ndarray of shape (n_customers,), from 0
    centroids : ndarray of shape (k, n_features)
    """
    return max(
        p_of_one_mode(X[(labels == one) | (labels == other)] @ (centroids[one] - centroids[other]))
        if min((labels == one).sum(), (labels == other).sum()) >= SMALLEST_DIP
        else 1.0
        for one, other in combinations(range(len(centroids)), 2)
    )


def p_of_one_mode(values: np.ndarray) -> float:
    """Return the p-value of Hartigan's dip test."""
    return float(diptest(np.sort(values))[1])
