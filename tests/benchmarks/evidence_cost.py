"""What the evidence costs beside the bare fits in it."""

import time
from unittest import mock

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from threadpoolctl import threadpool_limits

from segmentation.evidence.criteria import score_each_k
from segmentation.evidence.gather import gather_evidence
from segmentation.methods.kmeans import random_centres
from segmentation.methods.optima import fit_each_k

K_VALUES = range(2, 11)
LIMIT = 1.5


def ratio() -> float:
    """Return the time of the whole evidence on 200 customers over that of its fits made by scikit-learn alone.

    Each is made again with as many rows, segments and starts, one after the other in one thread.
    """
    X, _ = make_blobs(200, centers=5, random_state=0)
    with mock.patch("segmentation.core.parallel._cores", return_value=1):
        fits = _fits(X)
    return _seconds(_gather, X) / _seconds(_make_bare, X, fits)


def _gather(X: np.ndarray) -> None:
    optima = fit_each_k(X, K_VALUES)
    scores = score_each_k(X, optima)
    gather_evidence(X, optima, scores, resamples=100)


def _fits(X: np.ndarray) -> list[tuple[int, int, int]]:
    """Return rows, k and starts of each fit that the evidence makes, by our own Lloyd or by KMeans."""
    fits, draw, fit = [], random_centres, KMeans.fit

    def drawn(X, k, rng, starts):
        fits.append((len(X), k, starts))
        return draw(X, k, rng, starts)

    def fitted(self, X, *given, **named):
        fits.append((len(X), self.n_clusters, self.n_init))
        return fit(self, X, *given, **named)

    with mock.patch("segmentation.methods.kmeans.random_centres", drawn), mock.patch.object(KMeans, "fit", fitted):
        _gather(X)
    return fits


def _make_bare(X: np.ndarray, fits: list[tuple[int, int, int]]) -> None:
    with threadpool_limits(1):
        for i, (rows, k, starts) in enumerate(fits):
            KMeans(k, n_init=starts, random_state=i).fit(X[:rows])


def _seconds(function, *given) -> float:
    start = time.perf_counter()
    function(*given)
    return time.perf_counter() - start
