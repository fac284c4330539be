"""What the evidence costs beside the bare fits in it."""

import time
from unittest import mock

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from threadpoolctl import threadpool_limits

from segmentation.core.parallel import ready_workers
from segmentation.evidence.criteria import score_each_k
from segmentation.evidence.gather import gather_evidence
from segmentation.methods.kmeans import random_centres
from segmentation.methods.optima import fit_each_k
from tests.benchmarks import timing

K_VALUES = range(2, 11)
WHOLE, BARE = "evidence on 200 customers", "as many fits by scikit-learn alone"


def measure(repeats: int = timing.REPEATS) -> pd.DataFrame:
    """Return the seconds of the whole evidence on 200 customers, and of its fits made by scikit-learn alone.

    Each is made again with as many rows, segments and starts, one after the other in one thread.
    """
    with ready_workers():
        return _measure(repeats)


def _measure(repeats: int) -> pd.DataFrame:
    X, _ = make_blobs(200, centers=5, random_state=0)
    with mock.patch("segmentation.core.parallel._cores", return_value=1):
        fits = _fits(X)
    rows = []
    for number in range(repeats):
        for name, way in ((WHOLE, lambda: _gather(X)), (BARE, lambda: _make_bare(X, fits))):
            start = time.perf_counter()
            way()
            rows.append((name, number, time.perf_counter() - start, None, None, None))
            timing.tell(number, repeats, name, rows[-1][2], 0)
    return timing.table(rows)


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
