"""What the evidence costs beside the bare fits in it."""

import time
from collections import Counter
from unittest import mock

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from threadpoolctl import threadpool_limits

from segmentation import evidence, k_selection, workers

K_VALUES = range(2, 11)
REPEATS = 20
LIMIT = 1.5


def ratio() -> float:
    """Return the time of the whole evidence on 200 customers over (number of fits) x (one bare scikit-learn fit)."""
    X, _ = make_blobs(200, centers=5, random_state=0)
    with mock.patch.object(workers, "_cores", return_value=1):
        fits = _fits(X)
    bare = sum(number * _seconds_of_a_fit(X, *fit) for fit, number in fits.items())
    return _seconds(_gather, X) / bare


def _gather(X: np.ndarray) -> None:
    optima = k_selection.fit_each_k(X, K_VALUES)
    scores = k_selection.score_each_k(X, optima)
    evidence.gather_evidence(X, optima, scores, resamples=100)


def _fits(X: np.ndarray) -> Counter:
    """Return how many fits the evidence makes, by k and starts."""
    fits, fit = Counter(), KMeans.fit

    def counted(self, *given, **named):
        fits[self.n_clusters, self.n_init] += 1
        return fit(self, *given, **named)

    with mock.patch.object(KMeans, "fit", counted):
        _gather(X)
    return fits


def _seconds_of_a_fit(X: np.ndarray, k: int, starts: int) -> float:
    with threadpool_limits(1):
        return np.mean([_seconds(KMeans(k, n_init=starts, random_state=i).fit, X) for i in range(REPEATS)])


def _seconds(function, *given) -> float:
    start = time.perf_counter()
    function(*given)
    return time.perf_counter() - start
