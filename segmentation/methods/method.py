"""What every method of forming segments can do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from segmentation.core.dataset import MethodName
from segmentation.core.errors import UsageError, as_option

LARGEST_EXACT = 10_000
LARGEST_RESAMPLED = 1_000


class Fitted(Protocol):
    """A division of customers.

    labels_ : ndarray of shape (n,), from 0; numbered largest first where it is a best optimum
    cluster_centers_ : ndarray of shape (k, d), the mean of each segment in the columns of X
    inertia_ : the sum of the squared distances to them
    """

    @property
    def labels_(self) -> np.ndarray: ...

    @property
    def cluster_centers_(self) -> np.ndarray: ...

    @property
    def inertia_(self) -> float: ...

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the segment of each row, from 0."""
        ...


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
class Optimum:
    """The best fit of many single starts, how often a start reached it, and the `far` ones placed afterwards.

    Segments that are kept from an earlier run have no starts.
    """

    model: Fitted
    starts: int
    reached: int
    far: np.ndarray | None = None

    @property
    def sizes(self) -> np.ndarray:
        """How many customers each segment holds, the far ones too."""
        labels = self.model.labels_
        if self.far is not None and len(self.far):
            labels = np.append(labels, self.model.predict(self.far))
        return np.bincount(labels, minlength=len(self.model.cluster_centers_))


class Method(Protocol):
    """A way of forming segments.

    nulls : the names of the tables without structure that its evidence is set against (`evidence.nulls`)
    """

    @property
    def name(self) -> MethodName: ...

    @property
    def nulls(self) -> tuple[str, ...]: ...

    def best(self, X: np.ndarray, k: int, *, seed: int) -> Optimum:
        """Return the best optimum, truly looked for."""
        ...

    def once(self, X: np.ndarray, k: int, rng: np.random.Generator) -> Fitted:
        """Return a good fit quickly, for resamples and tables without structure."""
        ...

    def space(self, X: np.ndarray) -> np.ndarray:
        """Return the customers where silhouettes, valleys and paths between them are measured."""
        ...

    def settled(self, optima: Mapping[int, Optimum]) -> "Method":
        """Return the method that keeps what its best optima chose beside the segments, so that quick fits need not."""
        ...


def random_state(*key: int) -> np.random.Generator:
    """Return the random numbers of one task, the same in every process."""
    return np.random.default_rng(np.random.SeedSequence(key))


def largest_first(sizes: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return in which order segments are numbered: the largest first, ties by centre, so that a rerun shuffles none."""
    return np.lexsort((*centres.T[::-1], -sizes))


def has_distinct(X: np.ndarray, k: int) -> bool:
    """Return whether at least k rows differ; one column, of some rows, tells it mostly, and sooner than all do."""
    columns = (column for rows in (X[: 4 * k], X) for column in rows.T)
    return any(len(np.unique(column)) >= k for column in columns) or len(np.unique(X, axis=0)) >= k


def require_distinct(X: np.ndarray, k: int) -> None:
    """Raise a UsageError when there are fewer distinct points than segments."""
    distinct = len(np.unique(X, axis=0))
    if k > distinct:
        raise UsageError(
            f"{as_option('k', k)} is more than the {distinct} distinct combinations of features; choose less"
        )


def centres_of(X: np.ndarray, labels: np.ndarray, k: int) -> tuple[np.ndarray, float]:
    """Return the mean of the rows of each label, all of them with rows, and the inertia."""
    member = np.eye(k)[labels]
    centres = (member.T @ X) / member.sum(axis=0)[:, None]
    return centres, float(((X - centres[labels]) ** 2).sum())


def sphered(X: np.ndarray) -> np.ndarray:
    """Return the rows along their principal components, each of the same variance."""
    left, widths, _ = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
    return left[:, widths > 1e-8 * widths[0]] * np.sqrt(len(X))
