"""K-Means from many starts at once: on small tables a fit by itself costs scikit-learn more in calls than in sums."""

from dataclasses import dataclass

import numpy as np

LARGEST = 500
MOST_STEPS = 1000


@dataclass(frozen=True)
class Fits:
    """Local optima of K-Means, one a start.

    labels : ndarray of shape (starts, n), from 0
    centres : ndarray of shape (starts, k, d)
    inertia : ndarray of shape (starts,), infinite where a cluster is empty
    """

    labels: np.ndarray
    centres: np.ndarray
    inertia: np.ndarray


@dataclass(frozen=True)
class Fit:
    """One of them, with what scikit-learn calls its results."""

    labels_: np.ndarray
    cluster_centers_: np.ndarray
    inertia_: float

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the nearest centre of each row."""
        return _distances(X, self.cluster_centers_[None]).argmin(axis=1)[0]


def fit_best(X: np.ndarray, k: int, rng: np.random.Generator, starts: int):
    """Return the best of several k-means++ starts; on tables of more than 500 rows a KMeans of scikit-learn."""
    if len(X) <= LARGEST:
        fits = fit_starts(X, k, rng, starts)
        best = int(fits.inertia.argmin())
        if np.isfinite(fits.inertia[best]):
            return Fit(fits.labels[best], fits.centres[best], float(fits.inertia[best]))
    from sklearn.cluster import KMeans  # a second, which the other fits do without

    return KMeans(k, n_init=starts, random_state=int(rng.integers(2**31))).fit(X)


def fit_starts(X: np.ndarray, k: int, rng: np.random.Generator, starts: int) -> Fits:
    """Run Lloyd's algorithm (1982) from `starts` greedy k-means++ starts until no customer changes.

    Parameters
    ----------
    X : ndarray of shape (n, d), with at least k distinct rows
    """
    return descend(X, _plus_plus(X, k, rng, starts))


def descend(X: np.ndarray, centres: np.ndarray) -> Fits:
    """Run Lloyd's algorithm from centres of shape (starts, k, d) until no customer changes."""
    starts, k, _ = centres.shape
    offset, weights = (np.arange(starts) * k)[:, None], [np.tile(column, starts) for column in X.T]
    labels = None
    for _ in range(MOST_STEPS):
        distances = _distances(X, centres)
        found = distances.argmin(axis=1)
        if labels is not None and np.array_equal(found, labels):
            break
        labels = found
        cells = (labels + offset).ravel()
        sizes = np.bincount(cells, minlength=starts * k)[:, None]
        sums = np.stack([np.bincount(cells, column, minlength=starts * k) for column in weights], axis=1)
        centres = np.where(sizes > 0, sums / np.maximum(sizes, 1), centres.reshape(sums.shape)).reshape(centres.shape)
    inertia = distances.min(axis=1).sum(axis=1) + (X**2).sum()
    whole = (sizes.reshape(starts, k) > 0).all(axis=1)
    return Fits(labels, centres, np.where(whole, inertia, np.inf))


def _distances(X: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return squared distances, less the squared norm of each row of X, of shape (starts, k, n)."""
    return (centres**2).sum(axis=2)[:, :, None] - 2 * (centres @ X.T)


def _plus_plus(X: np.ndarray, k: int, rng: np.random.Generator, starts: int) -> np.ndarray:
    """Draw centres apart from each other, each the best of a few candidates (Arthur & Vassilvitskii 2007)."""
    norms, each, candidates = (X**2).sum(axis=1), np.arange(starts), 2 + int(np.log(k))
    centres = np.empty((starts, k, X.shape[1]))
    centres[:, 0] = X[rng.integers(len(X), size=starts)]
    nearest = np.maximum(_distances(X, centres[:, :1])[:, 0] + norms, 0)
    for j in range(1, k):
        up_to = nearest.cumsum(axis=1)
        points = rng.random((starts, candidates)) * up_to[:, -1:]
        drawn = np.minimum((up_to[:, None] < points[:, :, None]).sum(axis=2), len(X) - 1)
        reach = np.minimum(np.maximum(_distances(X, X[drawn]) + norms, 0), nearest[:, None])
        best = reach.sum(axis=2).argmin(axis=1)
        nearest, centres[:, j] = reach[each, best], X[drawn[each, best]]
    return centres
