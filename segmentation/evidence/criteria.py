"""The criteria for each k: silhouettes and other scores at its best optimum, and whether there is structure at all."""

from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist, pdist
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score
from threadpoolctl import threadpool_limits

from segmentation.core.parallel import spread
from segmentation.core.store.reuse import reused
from segmentation.customers.exploring import sample_rows
from segmentation.evidence.dip import dip_test
from segmentation.language import mark
from segmentation.methods.method import LARGEST_EXACT, Optimum

TITLES = {
    "silhouette": mark("the silhouette"),
    "calinski_harabasz": mark("Calinski-Harabasz"),
    "davies_bouldin": mark("Davies-Bouldin"),
    "bic": mark("the BIC"),
}
RULES = {  # criterion -> which k it chooses by itself
    mark("Stability of every segment"): mark("the largest k that is stable"),
    mark("BIC"): mark("lowest"),
    mark("Silhouette"): mark("highest"),
    mark("Calinski-Harabasz"): mark("highest"),
    mark("Davies-Bouldin"): mark("lowest"),
    mark("Gap statistic"): mark("original rule"),
    mark("Gap statistic, first maximum"): mark("within one error of the first maximum"),
    mark("Prediction strength"): mark("the largest k with 0.8 or more"),
    mark("Agreement of resamples"): mark("highest"),
    mark("Gaussian mixtures"): mark("lowest BIC"),
    mark("Latent classes"): mark("lowest BIC"),
    mark("Elbow of the inertia"): mark("drawn, but never decides (Schubert 2023)"),
}
FLOWS = ["k", "segment", "size", "next_k", "next_segment", "next_size", "customers"]
AT_ONCE, IN_CACHES = 1_000, 100
LARGEST_DIP = 350  # customers: the table of the dip ends at 72,000 values, here pairs


def score_each_k(X: np.ndarray, optima: dict[int, Optimum], *, seed: int = 0) -> pd.DataFrame:
    """Score the best optimum of every k.

    Inertia; mean silhouette (Rousseeuw 1987); Calinski-Harabasz (1974); Davies-Bouldin (1979); of a method with a
    likelihood also its BIC (Schwarz 1978).

    Returns
    -------
    DataFrame
        Indexed by k: inertia, silhouette, calinski_harabasz, davies_bouldin, smallest (segment), starts, reached
        (share of the starts that reached the best optimum); of a method with a likelihood also bic.
    """
    sample = sample_rows(len(X), LARGEST_EXACT, seed=seed)
    labels = [optimum.model.labels_[sample] for optimum in optima.values()]
    parts = spread(_silhouettes_from, list(range(0, len(sample), AT_ONCE)), X[sample], labels)
    means = [np.concatenate(values).mean() for values in zip(*parts, strict=True)]
    rows = spread(_criteria, list(zip(optima.values(), means, strict=True)), X)
    return pd.DataFrame(rows, index=pd.Index(optima, name="k")).astype({"smallest": int, "starts": int})


def _criteria(task: tuple[Optimum, float], X: np.ndarray) -> dict:
    optimum, silhouette = task
    labels = optimum.model.labels_
    return {
        "inertia": optimum.model.inertia_,
        "silhouette": silhouette,
        "calinski_harabasz": calinski_harabasz_score(X, labels),
        "davies_bouldin": davies_bouldin_score(X, labels),
        "smallest": optimum.sizes.min(),
        "starts": optimum.starts,
        "reached": optimum.reached / optimum.starts if optimum.starts else 1.0,
        **({"bic": optimum.model.bic_} if hasattr(optimum.model, "bic_") else {}),
    }


def inertia_from_one(X: np.ndarray, scores: pd.DataFrame) -> pd.Series:
    """Return the inertia by k, with that of a single segment before the others."""
    return pd.concat([pd.Series({1: ((X - X.mean(axis=0)) ** 2).sum()}), scores["inertia"]])


def silhouettes(X: np.ndarray, labels: np.ndarray, *, seed: int = 0) -> pd.DataFrame:
    """Return the silhouette of each customer, of a stated random sample above 10,000; none where there is one segment.

    Returns
    -------
    DataFrame
        row (position in X), segment (from 1), silhouette (-1 to 1).
    """
    rows = sample_rows(len(X), LARGEST_EXACT, seed=seed)
    if labels.max() == 0:
        rows = rows[:0]
    with threadpool_limits(1):
        [values] = reused(silhouette_values, X[rows], [labels[rows]])
    return pd.DataFrame({"row": rows, "segment": labels[rows] + 1, "silhouette": values})


def favourites(scores: pd.DataFrame) -> dict[str, int]:
    """Return the k that each criterion favours by itself."""
    of_likelihood = {"bic": int(scores["bic"].idxmin())} if "bic" in scores else {}
    return of_likelihood | {
        "silhouette": int(scores["silhouette"].idxmax()),
        "calinski_harabasz": int(scores["calinski_harabasz"].idxmax()),
        "davies_bouldin": int(scores["davies_bouldin"].idxmin()),
    }


def flows(optima: dict[int, Optimum]) -> pd.DataFrame:
    """Return how many customers go from each segment of one k to each segment of the next k."""
    return flows_between({k: optimum.model.labels_ for k, optimum in optima.items()})


def flows_between(labels: dict[int, np.ndarray]) -> pd.DataFrame:
    """Return the same of one division of the customers for each k.

    Returns
    -------
    DataFrame
        k, segment, size, next_k, next_segment, next_size, customers; none with 0 customers, none of a single k.
    """
    parts = [pd.DataFrame(columns=FLOWS, dtype=int)]
    for k, next_k in pairwise(sorted(labels)):
        table = pd.crosstab(labels[k] + 1, labels[next_k] + 1)
        part = table.stack().rename_axis(["segment", "next_segment"]).rename("customers").reset_index()
        part["size"] = part["segment"].map(table.sum(axis=1))
        part["next_size"] = part["next_segment"].map(table.sum(axis=0))
        parts.append(part.assign(k=k, next_k=next_k)[part["customers"] > 0][FLOWS])
    return pd.concat(parts, ignore_index=True)


def origins(flows: pd.DataFrame) -> pd.DataFrame:
    """Return how far each segment comes from a single segment of the k before.

    1 minus the entropy of its customers' origins over its largest possible value: 1 where all come from one segment,
    0 where they come evenly from all (segment level stability across solutions, SLSA; Dolnicar & Leisch 2017).

    Returns
    -------
    DataFrame
        k, segment, origin; from the third k on, because two segments always come from one, or from two, before.
    """
    shares = flows["customers"] / flows["next_size"]
    entropy = (-shares * np.log(shares)).groupby([flows["k"], flows["next_k"], flows["next_segment"]]).sum()
    table = entropy.rename("entropy").reset_index()
    table = table[table["k"] > 1]
    origin = 1 - table["entropy"] / np.log(table["k"])
    return pd.DataFrame({"k": table["next_k"], "segment": table["next_segment"], "origin": origin})


def silhouette_values(X: np.ndarray, partitions: list[np.ndarray]) -> list[np.ndarray]:
    """Return the silhouette of each customer in each of several partitions, whose distances are computed once.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    partitions : list of ndarray of shape (n,)
        Labels from 0. A customer who is alone in a segment has a silhouette of 0.
    """
    # Of no customers, as where there is one segment, each partition has none.
    parts = [_silhouettes_from(start, X, partitions) for start in range(0, max(len(X), 1), AT_ONCE)]
    return [np.concatenate(values) for values in zip(*parts, strict=True)]


def _silhouettes_from(start: int, X: np.ndarray, partitions: list[np.ndarray]) -> list[np.ndarray]:
    """Return those of a thousand customers, by one product for all partitions of so many that caches hold them."""
    members, stop = [np.eye(labels.max(initial=0) + 1)[labels] for labels in partitions], min(start + AT_ONCE, len(X))
    together, sums = np.hstack(members), [np.empty((0, sum(member.shape[1] for member in members)))]
    for at in range(start, stop, IN_CACHES):
        sums.append(cdist(X[at : min(at + IN_CACHES, stop)], X) @ together)
    ends = np.cumsum([member.shape[1] for member in members])[:-1]
    each = zip(np.split(np.concatenate(sums), ends, axis=1), partitions, members, strict=True)
    return [_silhouette(own, labels[start:stop], member.sum(axis=0)) for own, labels, member in each]


def _silhouette(sums: np.ndarray, own: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return silhouettes from the sums of distances to each segment, of shape (n, k)."""
    each = np.arange(len(own))
    inside = sums[each, own] / np.maximum(sizes[own] - 1, 1)
    means = np.divide(sums, sizes, out=np.full_like(sums, np.inf), where=sizes > 0)
    means[each, own] = np.inf
    outside = means.min(axis=1)
    larger = np.maximum(inside, outside)
    usable = (sizes[own] > 1) & (larger > 0) & np.isfinite(outside)
    return np.divide(outside - inside, larger, out=np.zeros(len(own)), where=usable)


def dip_of_distances(X: np.ndarray, *, seed: int = 0) -> dict[str, float]:
    """Test whether the distances between customers have more than one mode (Hartigan & Hartigan 1985).

    Within one cloud the pairwise distances have one mode; distinct segments add a second, the distances between
    them (Adolfsson, Ackerman & Brownstein 2019). Of more than 350 customers a random sample is taken; the pairs
    are not independent, so that p is a guide rather than an exact level.

    Returns
    -------
    dict
        dip and p of the distances as they are; p_untied, the larger of p and that of the distances after `untie`.
    """
    some = X[sample_rows(len(X), LARGEST_DIP, seed=seed)]
    dip, p = dip_test(pdist(some))
    return {"dip": dip, "p": p, "p_untied": max(p, dip_test(pdist(untie(some, seed=seed)))[1])}


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
