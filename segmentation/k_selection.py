"""How many segments: K-Means brought to its best optimum for each k, and the criteria there."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score
from threadpoolctl import threadpool_limits

from segmentation.eda import sample_rows
from segmentation.errors import DataError, UsageError
from segmentation.lloyd import LARGEST, fit_starts
from segmentation.privacy import SMALLEST_GROUP
from segmentation.silhouette import silhouette_values
from segmentation.words import escape, listing, percent
from segmentation.workers import spread

TIMES_REACHED = 5
FEWEST_STARTS = 100
MOST_STARTS = 1000
LARGEST_EXACT = 10_000
LARGEST_RESAMPLED = 1_000
SAME_INERTIA = 1e-9


@dataclass(frozen=True)
class Optimum:
    """The best K-Means fit of many single starts, and how often a start reached it."""

    model: KMeans
    starts: int
    reached: int


def best_kmeans(X: np.ndarray, k: int, *, seed: int = 0) -> Optimum:
    """Fit K-Means from single k-means++ starts until the best inertia was reached several times.

    One start often ends in a poor local optimum (Arthur & Vassilvitskii 2007 bound only the expected inertia), so
    starts go on until there were `FEWEST_STARTS` and the lowest inertia seen was reached `TIMES_REACHED` times, or
    `MOST_STARTS` were spent (fewer for large tables). Above 10,000 customers the starts are made on a random sample
    of 10,000, and all customers are fitted once, from the best centroids found there.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features), scaled

    Raises
    ------
    UsageError
        When there are fewer distinct points than segments.
    """
    some = X[sample_rows(len(X), LARGEST_EXACT, seed=seed)]
    distinct = len(np.unique(some, axis=0))
    if k > distinct:
        raise UsageError(f"K={k} is more than the {distinct} distinct combinations of features; choose less")
    with threadpool_limits(1):
        best, starts, reached = _search(some, k, seed)
        if len(some) < len(X):
            # A last step of 0.001 standard deviations is far below what another sample would change.
            best = KMeans(k, init=best.cluster_centers_, n_init=1, tol=1e-6, max_iter=1000).fit(X)
    return Optimum(_canonical(best), starts, reached)


def _search(X: np.ndarray, k: int, seed: int) -> tuple[KMeans, int, int]:
    """Return the best of many strictly converged fits, how many starts were made, and how many reached it."""
    most = int(np.clip(2_000_000 // X.size, 20, MOST_STARTS))
    if len(X) <= LARGEST:
        return _search_at_once(X, k, seed, most)
    seeds = np.random.SeedSequence([seed, k]).generate_state(most)
    best, reached, starts = None, 0, 0
    while starts < most and (reached < TIMES_REACHED or starts < FEWEST_STARTS):
        fit = KMeans(k, n_init=1, tol=0, max_iter=1000, random_state=int(seeds[starts])).fit(X)
        starts += 1
        if best is None or fit.inertia_ < best.inertia_ * (1 - SAME_INERTIA):
            best, reached = fit, 1
        elif fit.inertia_ <= best.inertia_ * (1 + SAME_INERTIA):
            reached += 1
    return best, starts, reached


def _search_at_once(X: np.ndarray, k: int, seed: int, most: int) -> tuple[KMeans, int, int]:
    """Do the same on a small table, a hundred starts at once; scikit-learn takes the last step from the best."""
    inertia, centres = np.empty(0), []
    rng = np.random.default_rng(np.random.SeedSequence([seed, k]))
    reached = 0
    while len(inertia) < most and reached < TIMES_REACHED:
        fits = fit_starts(X, k, rng, FEWEST_STARTS)
        inertia, centres = np.append(inertia, fits.inertia), [*centres, *fits.centres]
        reached = int((inertia <= inertia.min() * (1 + SAME_INERTIA)).sum())
    if not np.isfinite(inertia.min()):
        return KMeans(k, n_init=FEWEST_STARTS, tol=0, max_iter=1000, random_state=seed).fit(X), len(inertia), 1
    first = centres[int(inertia.argmin())]
    best = KMeans(k, init=first, n_init=1, tol=0, max_iter=1000, random_state=seed).fit(X)
    return best, len(inertia), reached


def _canonical(fit: KMeans) -> KMeans:
    """Number the clusters largest first, ties by centroid, so that a rerun never shuffles labels."""
    sizes = np.bincount(fit.labels_, minlength=fit.n_clusters)
    order = np.lexsort((*fit.cluster_centers_.T[::-1], -sizes))
    fit.cluster_centers_ = np.ascontiguousarray(fit.cluster_centers_[order])
    fit.labels_ = np.argsort(order)[fit.labels_].astype(fit.labels_.dtype)
    return fit


def fit_each_k(X: np.ndarray, k_values, *, seed: int = 0) -> dict[int, Optimum]:
    """Return the best optimum for every k."""
    return dict(zip(k_values, spread(_optimum, list(k_values), X, seed), strict=True))


def _optimum(k: int, X: np.ndarray, seed: int) -> Optimum:
    return best_kmeans(X, k, seed=seed)


def score_each_k(X: np.ndarray, optima: dict[int, Optimum], *, seed: int = 0) -> pd.DataFrame:
    """Score the best optimum of every k.

    Inertia; mean silhouette (Rousseeuw 1987); Calinski-Harabasz (1974); Davies-Bouldin (1979).

    Returns
    -------
    DataFrame
        Indexed by k: inertia, silhouette, calinski_harabasz, davies_bouldin, smallest (segment), starts, reached
        (share of the starts that reached the best inertia).
    """
    sample = sample_rows(len(X), LARGEST_EXACT, seed=seed)
    with threadpool_limits(1):
        found = silhouette_values(X[sample], [optimum.model.labels_[sample] for optimum in optima.values()])
    means = [values.mean() for values in found]
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
        "smallest": np.bincount(labels).min(),
        "starts": optimum.starts,
        "reached": optimum.reached / optimum.starts,
    }


def inertia_from_one(X: np.ndarray, scores: pd.DataFrame) -> pd.Series:
    """Return the inertia by k, with that of a single segment before the others."""
    return pd.concat([pd.Series({1: ((X - X.mean(axis=0)) ** 2).sum()}), scores["inertia"]])


def silhouettes(X: np.ndarray, labels: np.ndarray, *, seed: int = 0) -> pd.DataFrame:
    """Return the silhouette of each customer, of a stated random sample above 10,000 customers.

    Returns
    -------
    DataFrame
        row (position in X), segment (from 1), silhouette (-1 to 1).
    """
    rows = sample_rows(len(X), LARGEST_EXACT, seed=seed)
    with threadpool_limits(1):
        [values] = silhouette_values(X[rows], [labels[rows]])
    return pd.DataFrame({"row": rows, "segment": labels[rows] + 1, "silhouette": values})


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


def favourites(scores: pd.DataFrame) -> dict[str, int]:
    """Return the k that each criterion favours by itself."""
    return {
        "silhouette": int(scores["silhouette"].idxmax()),
        "calinski_harabasz": int(scores["calinski_harabasz"].idxmax()),
        "davies_bouldin": int(scores["davies_bouldin"].idxmin()),
    }


TITLES = {
    "silhouette": "the silhouette",
    "calinski_harabasz": "Calinski-Harabasz",
    "davies_bouldin": "Davies-Bouldin",
}


def titled(by_criterion: dict[str, int]) -> dict[str, int]:
    """Replace the names of criteria by what a reader calls them."""
    return {TITLES[name]: value for name, value in by_criterion.items()}


def tell_starts(scores: pd.DataFrame, customers: int) -> str:
    """Say how many starts were made, where the best optimum was hardest to find, and where it may have been missed."""
    hardest = scores["reached"].idxmin()
    told = (
        f"{scores['starts'].sum():,} starts were made in all{_tell_sample(customers)}. The best optimum was hardest to "
        f"find for k = {hardest}: {percent(scores['reached'][hardest])} of the starts reached it."
    )
    missed = scores.index[(scores["reached"] * scores["starts"]).round() < TIMES_REACHED]
    if len(missed):
        told += f" For k = {listing(missed)} it was reached fewer than {TIMES_REACHED} times; a better one may exist."
    return told


def _tell_sample(customers: int) -> str:
    return f", on a random sample of {LARGEST_EXACT:,} customers" if customers > LARGEST_EXACT else ""


def tell_misfits(silhouettes: pd.DataFrame, *, private: bool) -> str:
    """Say how many customers have a silhouette below 0, and in which segments."""
    below = silhouettes[silhouettes["silhouette"] < 0].groupby("segment").size()
    n = int(below.sum())
    if not n:
        return "No customer has a silhouette below 0."
    if private and below.min() < SMALLEST_GROUP:
        few = f"Fewer than {SMALLEST_GROUP}" if n < SMALLEST_GROUP else f"{n:,}"
        return f"{few} of {len(silhouettes):,} customers have a silhouette below 0."
    where = listing(f"{number:,} in segment {segment}" for segment, number in below.items())
    have = "has" if n == 1 else "have"
    return f"{n:,} of {len(silhouettes):,} customers {have} a silhouette below 0 ({where})."


def tell_favourites(favourites: dict[str, int]) -> str:
    """Say which k each criterion favours."""
    told = listing(f"{escape(name)} favours {best}" for name, best in titled(favourites).items())
    return f"The favourite of each criterion is circled: {told}. The elbow has none."


def flows(labels: dict[int, np.ndarray]) -> pd.DataFrame:
    """Return how many customers go from each segment of one k to each segment of the next k.

    Returns
    -------
    DataFrame
        k, segment, size, next_k, next_segment, next_size, customers; none with 0 customers.
    """
    parts = []
    for k, next_k in pairwise(sorted(labels)):
        table = pd.crosstab(labels[k] + 1, labels[next_k] + 1)
        part = table.stack().rename_axis(["segment", "next_segment"]).rename("customers").reset_index()
        part["size"] = part["segment"].map(table.sum(axis=1))
        part["next_size"] = part["next_segment"].map(table.sum(axis=0))
        parts.append(part.assign(k=k, next_k=next_k)[part["customers"] > 0])
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


def show_size(size: int) -> str:
    """Return the size of a segment that is not chosen; a group of fewer than ten is not told exactly."""
    return f"{size:,}" if size >= SMALLEST_GROUP else f"< {SMALLEST_GROUP}"


def tell_flows(flows: pd.DataFrame, k: int, *, private: bool) -> str:
    """Say which segment is divided most by the step from k to the next k (or from the last but one to the last)."""
    step = flows[flows["k"] == min(k, flows["k"].max())]
    kept = step.groupby("segment")["customers"].max()
    leaving = step.groupby("segment")["customers"].sum() - kept
    segment = leaving.idxmax()
    now, then = step["k"].iloc[0], step["next_k"].iloc[0]
    if not leaving[segment]:
        return f"From {now} to {then} segments no segment is divided."
    counts = f": of {kept[segment] + leaving[segment]:,} customers {kept[segment]:,} stay together"
    rows = "Each row is one k, each mark a segment with its customers; the paler, the more mixed is its origin."
    return f"From {now} to {then} segments, segment {segment} is divided most{'' if private else counts}. {rows}"
