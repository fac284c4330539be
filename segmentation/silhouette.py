"""Silhouettes: does a customer lie nearer to the own segment than to the next (Rousseeuw 1987)?"""

import numpy as np
from scipy.spatial.distance import cdist

AT_ONCE = 1_000


def silhouette_values(X: np.ndarray, partitions: list[np.ndarray]) -> list[np.ndarray]:
    """Return the silhouette of each customer in each of several partitions, whose distances are computed once.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    partitions : list of ndarray of shape (n,)
        Labels from 0. A customer who is alone in a segment has a silhouette of 0.
    """
    members = [np.eye(labels.max() + 1)[labels] for labels in partitions]
    values = [np.empty(len(X)) for _ in partitions]
    for start in range(0, len(X), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        distances = cdist(X[part], X)
        for labels, member, found in zip(partitions, members, values, strict=True):
            found[part] = _silhouette(distances @ member, labels[part], member.sum(axis=0))
    return values


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
