"""Stability: does the same segmentation come back from other samples of the same customers?"""

import numpy as np
import pandas as pd

from segmentation.core.parallel import spread
from segmentation.evidence.decision import DISSOLVED
from segmentation.methods.kmeans import KMEANS
from segmentation.methods.method import Method, has_distinct, random_state

RECOVERED = 0.75


def resampled_jaccard(
    X: np.ndarray, partitions: dict[int, np.ndarray], *, resamples: int, method: Method = KMEANS, seed: int = 0
) -> dict:
    """Return how well each segment comes back from bootstrap resamples, as Jaccard coefficient (Hennig 2007).

    A resample keeps each drawn customer once, as the paper's software does (R package fpc, clusterboot). Each
    segment, restricted to the resample, is compared with the most similar segment found there.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features), scaled
    partitions : dict
        k -> labels (from 0) of the partition whose stability is asked.

    Returns
    -------
    dict
        k -> ndarray of shape (resamples, k).
    """
    tasks = [(k, i) for k in partitions for i in range(resamples)]
    rows = spread(_jaccard_once, tasks, X, partitions, method, seed)
    return {k: np.array([row for (task_k, _), row in zip(tasks, rows, strict=True) if task_k == k]) for k in partitions}


def _jaccard_once(task: tuple[int, int], X: np.ndarray, partitions: dict, method: Method, seed: int) -> np.ndarray:
    k, i = task
    return jaccard_of_resample(X, partitions[k], k, random_state(seed, 1, k, i), method)


def jaccard_of_resample(
    X: np.ndarray, labels: np.ndarray, k: int, rng: np.random.Generator, method: Method = KMEANS
) -> np.ndarray:
    """Draw one bootstrap resample and return how well each of the k segments comes back."""
    drawn = np.flatnonzero(np.bincount(rng.integers(len(X), size=len(X))))
    if not has_distinct(X[drawn], k):
        return np.zeros(k)
    return best_jaccard(labels[drawn], method.once(X[drawn], k, rng).labels_, k)


def best_jaccard(labels: np.ndarray, others: np.ndarray, k: int) -> np.ndarray:
    """Return for each of k clusters its largest Jaccard coefficient with a cluster of `others`; 0 when it is empty."""
    common = np.bincount(labels * k + others, minlength=k * k).reshape(k, k).astype(float)
    union = common.sum(axis=1)[:, None] + common.sum(axis=0)[None] - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0).max(axis=1)


def stability_table(jaccards: dict[int, np.ndarray]) -> pd.DataFrame:
    """Summarize the resamples for each segment of each k.

    Returns
    -------
    DataFrame
        k, segment (from 1), jaccard (mean), error (Monte Carlo standard error of that mean), dissolved (share of
        resamples at 0.5 or less), recovered (share at 0.75 or more).
    """
    rows = [
        {
            "k": k,
            "segment": segment + 1,
            "jaccard": values.mean(),
            "error": values.std(ddof=1) / np.sqrt(len(values)),
            "dissolved": (values <= DISSOLVED).mean(),
            "recovered": (values >= RECOVERED).mean(),
        }
        for k, table in jaccards.items()
        for segment, values in enumerate(table.T)
    ]
    return pd.DataFrame(rows)


def resampled_agreement(X: np.ndarray, k_values, *, pairs: int, method: Method = KMEANS, seed: int = 0) -> pd.DataFrame:
    """Return the agreement of the segmentations of pairs of bootstrap resamples (Dolnicar & Leisch 2010).

    Both resamples of a pair are segmented, all customers are assigned to the centroids of each, and the two
    assignments are compared by the adjusted Rand index, as R package flexclust does (bootFlexclust).

    Returns
    -------
    DataFrame
        Indexed by k: agreement (mean) and error (Monte Carlo standard error).
    """
    return _repeated(_agreement_once, X, k_values, pairs, method, seed).rename(columns={"mean": "agreement"})


def _agreement_once(task: tuple[int, int], X: np.ndarray, method: Method, seed: int) -> float:
    k, i = task
    rng = random_state(seed, 2, k, i)
    draws = [X[rng.integers(len(X), size=len(X))] for _ in range(2)]
    if not all(has_distinct(draw, k) for draw in draws):
        return 0.0
    one, other = (method.once(draw, k, rng).predict(X) for draw in draws)
    return adjusted_rand(one, other, k)


def adjusted_rand(labels: np.ndarray, others: np.ndarray, k: int) -> float:
    """Return the adjusted Rand index (Hubert & Arabie 1985) of two divisions into k, from whole numbers of pairs."""
    common = np.bincount(labels * k + others, minlength=k * k).reshape(k, k)
    n, both = len(labels), int((common**2).sum())
    one, other = (int((common.sum(axis=axis) ** 2).sum()) - both for axis in (0, 1))
    together, apart = both - n, n**2 - one - other - both
    if one == other == 0:
        return 1.0
    pairs = (together + one) * (one + apart) + (together + other) * (other + apart)
    return 2 * (together * apart - one * other) / pairs


def prediction_strength(
    X: np.ndarray, k_values, *, splits: int, method: Method = KMEANS, seed: int = 0
) -> pd.DataFrame:
    """Return the prediction strength of each k over repeated half splits (Tibshirani & Walther 2005).

    Both halves are segmented. For each segment of one half, the share of its pairs that the centroids of the other
    half put together too is taken; the strength is the smallest of these shares. A segment of one customer has no
    pairs and is passed over; where no segment has any, the strength is 0.

    Returns
    -------
    DataFrame
        Indexed by k: prediction_strength (mean) and error (Monte Carlo standard error).
    """
    return _repeated(_strength_once, X, k_values, splits, method, seed).rename(columns={"mean": "prediction_strength"})


def _strength_once(task: tuple[int, int], X: np.ndarray, method: Method, seed: int) -> float:
    k, i = task
    rng = random_state(seed, 3, k, i)
    order = rng.permutation(len(X))
    halves = X[order[: len(X) // 2]], X[order[len(X) // 2 :]]
    if not all(has_distinct(half, k + 1) for half in halves):
        return 0.0
    fits = [method.once(half, k, rng) for half in halves]
    strengths = [
        smallest_share_together(fit.labels_, other.predict(half), k)
        for half, fit, other in zip(halves, fits, fits[::-1], strict=True)
    ]
    return float(np.mean(strengths))


def smallest_share_together(labels: np.ndarray, predicted: np.ndarray, k: int) -> float:
    """Return over the clusters of `labels` the smallest share of pairs that `predicted` puts together too."""
    common = np.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).astype(float)
    sizes = common.sum(axis=1)
    pairs = sizes * (sizes - 1)
    together = (common * (common - 1)).sum(axis=1)
    return float((together[pairs > 0] / pairs[pairs > 0]).min(initial=1)) if pairs.any() else 0.0


def _repeated(once, X: np.ndarray, k_values, times: int, method: Method, seed: int) -> pd.DataFrame:
    """Return the mean of `times` repetitions for each k, and its Monte Carlo standard error; indexed by k."""
    tasks = [(k, i) for k in k_values for i in range(times)]
    by_k = pd.Series(spread(once, tasks, X, method, seed)).groupby([k for k, _ in tasks])
    return pd.DataFrame({"mean": by_k.mean(), "error": by_k.sem()}).rename_axis("k")
