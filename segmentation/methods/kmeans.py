"""K-Means brought to its best optimum for each k, from many starts at once where a table is small."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from segmentation.core.dataset import MethodName
from segmentation.customers.exploring import sample_rows
from segmentation.methods.method import LARGEST_EXACT, Fits, Optimum, largest_first, require_distinct, sphered
from segmentation.methods.scores import reorder

TIMES_REACHED = 5
FEWEST_STARTS = 100
MOST_STARTS = 1000
SAME_INERTIA = 1e-9
LARGEST_AT_ONCE = 500
MOST_ITERATIONS = 1000
SETTLED, MOST_ITERATIONS_OF_ONE = 1e-4, 300  # as scikit-learn has it
MOMENTUM = 0.6  # of the last move of the means, what the next step is given: half of the steps, to lower optima
PATIENCE = 10  # how often the gain of a step is at most still to come, where a start is not given up
STANDS_STILL = 1e-12  # where single precision moves nothing any more
WORTH_ENDING = 1e-3  # of the lowest inertia, ten times what single precision rounds away of one that is not FAINT
FAINT = 1e-2  # of the inertia of one segment: below it single precision cannot tell one optimum from another
DISTANCES_AT_ONCE = 200_000  # as many as the caches hold
BLOCK = 32
STARTS = 10
CORES = 0.2, 0.6  # of the rows, the smallest and the largest part that the cores of a start are made of


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
    require_distinct(some, k)
    with threadpool_limits(1):
        best, starts, reached = _search(some, k, seed)
        if len(some) < len(X):
            # A last step of 0.001 standard deviations is far below what another sample would change.
            best = KMeans(k, init=best.cluster_centers_, n_init=1, tol=1e-6, max_iter=1000).fit(X)
    reorder(best, largest_first(np.bincount(best.labels_, minlength=k), best.cluster_centers_))
    return Optimum(best, starts, reached)


def _search(X: np.ndarray, k: int, seed: int) -> tuple[KMeans, int, int]:
    """Return the best of many strictly converged fits, how many starts were made, and how many reached it.

    Up to a hundred starts are made at once; scikit-learn takes the last step from the best.
    """
    small, most = len(X) <= LARGEST_AT_ONCE, int(np.clip(2_000_000 // X.size, 20, MOST_STARTS))
    inertia, reached = np.empty(0), 0
    centres: list[np.ndarray] = []
    rng = np.random.default_rng(np.random.SeedSequence([seed, k]))
    while len(inertia) < most and reached < TIMES_REACHED:
        made = FEWEST_STARTS if small else min(FEWEST_STARTS, most - len(inertia))
        own, found = _ends(X, k, rng, made, best=inertia.min(initial=np.inf))
        inertia, centres = np.append(inertia, own), [*centres, *found]
        reached = int((inertia <= inertia.min() * (1 + SAME_INERTIA)).sum())
    if not np.isfinite(inertia.min()):
        return KMeans(k, n_init=FEWEST_STARTS, tol=0, max_iter=1000, random_state=seed).fit(X), len(inertia), 1
    first = centres[int(inertia.argmin())]
    best = KMeans(k, init=first, n_init=1, tol=0, max_iter=1000, random_state=seed).fit(X)
    return best, len(inertia), reached


def _ends(
    X: np.ndarray, k: int, rng: np.random.Generator, starts: int, *, best: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return inertia and centres of local optima; of larger tables in single precision where there is a better one.

    One that is worse there by a thousandth, also than the `best` before, is not the best, whatever was rounded away.
    """
    rough = _rough(X, k, rng, starts, STANDS_STILL)
    if rough is None:
        fits = fit_starts(X, k, rng, starts)
        return fits.inertia, fits.centres
    Z, centres, inertia = rough
    for i in np.flatnonzero(inertia <= min(best, inertia.min()) * (1 + WORTH_ENDING)):
        end = descend(Z, centres[[i]])
        inertia[i], centres[i] = end.inertia[0], end.centres[0]
    return inertia, centres + X.mean(axis=0)


@dataclass(frozen=True)
class Fit:
    """One of them, with what scikit-learn calls its results."""

    labels_: np.ndarray
    cluster_centers_: np.ndarray
    inertia_: float

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the nearest centre of each row."""
        return _distances(X, self.cluster_centers_[None]).argmin(axis=1)[0]


def fit_best(X: np.ndarray, k: int, rng: np.random.Generator, starts: int) -> Fit | KMeans:
    """Return the best of several k-means++ starts; of tables of more than 500 rows it is settled as far as there.

    Where every start leaves a cluster empty, scikit-learn makes them, which moves empty clusters elsewhere.
    """
    rough = _rough(X, k, rng, starts, SETTLED)
    if rough is None:
        fits = fit_starts(X, k, rng, starts)
        best = int(fits.inertia.argmin())
        if np.isfinite(fits.inertia[best]):
            return Fit(fits.labels[best], fits.centres[best], float(fits.inertia[best]))
    else:
        Z, found, inertia = rough
        centres = found[inertia.argmin()]
        [distances] = _distances(Z, centres[None])
        labels = distances.argmin(axis=0)
        if np.bincount(labels, minlength=k).all():
            return Fit(labels, centres + X.mean(axis=0), float(distances.min(axis=0).sum() + (Z**2).sum()))
    return KMeans(k, n_init=starts, random_state=int(rng.integers(2**31))).fit(X)


def _rough(
    X: np.ndarray, k: int, rng: np.random.Generator, starts: int, tolerance: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return the rows around 0, and centres and inertia in single precision.

    None where the table is small, or its segments are so tight that what is rounded away counts.
    """
    if len(X) <= LARGEST_AT_ONCE:
        return None
    Z = X - X.mean(axis=0)
    centres, inertia = settle(Z, k, rng, starts, tolerance=tolerance)
    inertia += (whole := (Z**2).sum())
    return (Z, centres.astype(float), inertia) if inertia.min() > FAINT * whole else None


def settle(
    X: np.ndarray, k: int, rng: np.random.Generator, starts: int, *, tolerance: float = SETTLED
) -> tuple[np.ndarray, np.ndarray]:
    """Run Lloyd's algorithm from many starts in single precision, until all centres of one together hardly move.

    Parameters
    ----------
    X : ndarray of shape (n, d), with a mean of 0
    tolerance : float
        The squared length of all moves, as a share of the mean variance; scikit-learn's by default.

    Returns
    -------
    centres : ndarray of shape (starts, k, d)
    inertia : ndarray of shape (starts,)
        Before the last step, less the sum of the squared norms of X.
    """
    Z, each = X.astype(np.float32), max(DISTANCES_AT_ONCE // (k * len(X)), 1)
    rows = np.column_stack([Z, np.ones(len(Z), Z.dtype), (Z**2).sum(axis=1)])
    own, tolerance, best = rows[:, :-1].copy(), tolerance * float(rows[:, -1].mean()) / X.shape[1], np.inf
    found, inertia = np.empty((starts, k, X.shape[1]), Z.dtype), np.empty(starts)
    for at in range(0, starts, each):
        some = slice(at, min(at + each, starts))
        found[some], inertia[some] = _settle(own, Z[_drawn(rows, k, rng, some.stop - at)], tolerance, best)
        best = inertia[: some.stop].min()
    return found, inertia


def _settle(rows: np.ndarray, centres: np.ndarray, tolerance: float, best: float) -> tuple[np.ndarray, np.ndarray]:
    """Do it from centres of shape (starts, k, d); `rows` end with a 1, so that one product gives all distances.

    Another gives all sums and sizes, of the rows as near to a centre as to the nearest one. From the second on, a step
    goes on where the means have moved to (Nesterov 1983). A start far above the `best` that gains little is given up.
    """
    (starts, k, d), n = centres.shape, len(rows)
    turned, ones, left = np.ascontiguousarray(rows.T), rows[:, d].copy(), np.arange(starts)
    far, member = np.empty((2, k * starts * n), rows.dtype)
    found, inertia, at = centres.copy(), np.empty(starts), centres.swapaxes(0, 1)
    before = at
    for moves in range(MOST_ITERATIONS_OF_ONE):
        distances, near = far[: k * len(left) * n].reshape(k, -1), member[: k * len(left) * n].reshape(k, -1)
        lines = np.concatenate([-2 * at, np.einsum("jad,jad->ja", at, at)[..., None]], axis=2)
        np.matmul(lines.reshape(-1, d + 1), turned, out=distances.reshape(-1, n))
        nearest = np.minimum.reduce(distances)
        np.equal(distances, nearest, out=near)
        sums = (near.reshape(-1, n) @ rows).reshape(k, -1, d + 1)
        sizes = sums[..., d:]
        means = sums[..., :d] / sizes if sizes.all() else np.where(sizes, sums[..., :d] / np.maximum(sizes, 1), at)
        steps, now = means - at, nearest.reshape(-1, n) @ ones
        squares = np.einsum("jad,jad->ja", steps, steps)
        best = min(best, now.min())
        going = np.add.reduce(squares) > tolerance
        going &= now - PATIENCE * np.add.reduce(squares * sizes[..., 0]) <= best
        if not going.all():
            ended = left[~going]
            found[ended], inertia[ended] = means[:, ~going].swapaxes(0, 1), now[~going]
            left, means, before = left[going], means[:, going], before[:, going]
            if not len(left):
                break
        at, before = means + MOMENTUM * (means - before) if moves else means, means
    else:
        found[left], inertia[left] = means.swapaxes(0, 1), now[going]
    return found, inertia


def _drawn(rows: np.ndarray, k: int, rng: np.random.Generator, starts: int) -> np.ndarray:
    """Draw rows as `random_centres` does, of shape (starts, k), in single precision.

    A row is drawn by its block, and then within it, so that not all distances need be added up one by one.

    Parameters
    ----------
    rows : ndarray of shape (n, d + 2): the values, 1 and the squared norm
    """
    (n, width), d, candidates = rows.shape, rows.shape[1] - 2, 2 + int(np.log(k))
    turned, ones = np.zeros((width, n + -n % BLOCK), rows.dtype), np.ones(n + -n % BLOCK, rows.dtype)
    turned[:, :n] = rows.T
    lines = np.column_stack([-2 * rows[:, :d], rows[:, d + 1], rows[:, d]])
    chosen, each = np.empty((starts, k), int), np.arange(starts)
    chosen[:, 0] = rng.integers(n, size=starts)
    nearest = np.maximum(lines[chosen[:, 0]] @ turned, 0)
    space = np.empty((starts, candidates, len(ones)), rows.dtype)
    for j, shares in enumerate(rng.random((k - 1, starts, candidates)), 1):
        blocks = nearest.reshape(starts, -1, BLOCK)
        up_to = (nearest.reshape(-1, BLOCK) @ ones[:BLOCK]).reshape(starts, -1).cumsum(axis=1, dtype=float)
        points = shares * up_to[:, -1:]
        block = (up_to[:, None] >= points[:, :, None]).argmax(axis=2)
        inside = blocks[each[:, None], block].cumsum(axis=2, dtype=float)
        left = points - up_to[each[:, None], block] + inside[:, :, -1]
        drawn = np.minimum(block * BLOCK + (inside >= left[:, :, None]).argmax(axis=2), n - 1)
        np.matmul(lines[drawn.ravel()], turned, out=space.reshape(-1, len(ones)))
        reach = np.minimum(space, nearest[:, None], out=space)
        best = (reach.reshape(-1, len(ones)) @ ones).reshape(starts, candidates).argmin(axis=1)
        nearest, chosen[:, j] = np.maximum(reach[each, best], 0), drawn[each, best]
    return chosen


def fit_starts(X: np.ndarray, k: int, rng: np.random.Generator, starts: int) -> Fits:
    """Run Lloyd's algorithm (1982) from `starts` greedy k-means++ starts until no customer changes.

    Parameters
    ----------
    X : ndarray of shape (n, d), with at least k distinct rows
    """
    return descend(X, random_centres(X, k, rng, starts))


def descend(X: np.ndarray, centres: np.ndarray) -> Fits:
    """Run Lloyd's algorithm from centres of shape (starts, k, d) until no customer changes.

    A start that has come to its end leaves the others, so that the slowest one does not cost for all.
    """
    starts, k, _ = centres.shape
    kind = np.min_scalar_type(k)
    codes, marks = np.zeros((starts, len(X)), kind), np.arange(k, 0, -1, dtype=kind)[:, None]
    found, inertia, ends = centres.copy(), np.empty(starts), (np.arange(1, starts + 1) * k)[:, None]
    left, before = np.arange(starts), codes
    space, weights = np.empty((starts, k, len(X))), [np.tile(column, starts) for column in X.T]
    for _ in range(MOST_ITERATIONS):
        distances = _distances(X, centres, out=space[: len(left)])
        nearest = distances.min(axis=1)
        now = ((distances == nearest[:, None]) * marks).max(axis=1)  # finds the first sooner than argmin
        moved = (now != before).any(axis=1)
        if not moved.all():
            ended = left[~moved]
            codes[ended], found[ended], inertia[ended] = now[~moved], centres[~moved], nearest[~moved].sum(axis=1)
            left, now, centres = left[moved], now[moved], centres[moved]
            if not len(left):
                break
        before, centres = now, _means(ends[: len(left)] - now, weights, centres)
    else:
        codes[left], found[left], inertia[left] = now, centres, nearest[moved].sum(axis=1)
    labels = k - codes.astype(int)
    sizes = np.bincount((ends - codes).ravel(), minlength=starts * k)
    whole = (sizes.reshape(starts, k) > 0).all(axis=1)
    return Fits(labels, found, np.where(whole, inertia + (X**2).sum(), np.inf))


def _means(cells: np.ndarray, weights: list[np.ndarray], centres: np.ndarray) -> np.ndarray:
    """Return the mean of the rows of each segment of each start, counted through; of no rows, the centre as it was."""
    starts, k, d = centres.shape
    cells, means = cells.ravel(), np.empty((starts * k, d))
    sizes = np.bincount(cells, minlength=starts * k)
    for i, column in enumerate(weights):
        means[:, i] = np.bincount(cells, column[: len(cells)], minlength=starts * k)
    if sizes.all():
        return (means / sizes[:, None]).reshape(centres.shape)
    sizes = sizes[:, None]
    return np.where(sizes > 0, means / np.maximum(sizes, 1), centres.reshape(means.shape)).reshape(centres.shape)


def _distances(X: np.ndarray, centres: np.ndarray, *, out: np.ndarray | None = None) -> np.ndarray:
    """Return squared distances, less the squared norm of each row of X, of shape (starts, k, n)."""
    products = np.matmul(2 * centres, X.T, out=out)
    return np.subtract((centres**2).sum(axis=2)[:, :, None], products, out=products)


def random_centres(X: np.ndarray, k: int, rng: np.random.Generator, starts: int) -> np.ndarray:
    """Draw centres apart from each other, each the best of a few candidates (Arthur & Vassilvitskii 2007)."""
    norms, each, candidates = (X**2).sum(axis=1), np.arange(starts), 2 + int(np.log(k))
    centres = np.empty((starts, k, X.shape[1]))
    centres[:, 0] = X[rng.integers(len(X), size=starts)]
    nearest = np.maximum(_distances(X, centres[:, :1])[:, 0] + norms, 0)
    for j in range(1, k):
        up_to = nearest.cumsum(axis=1)
        points = rng.random((starts, candidates)) * up_to[:, -1:]
        drawn = (up_to[:, None] >= points[:, :, None]).argmax(axis=2)
        reach = _distances(X, X[drawn])
        reach += norms
        np.minimum(np.maximum(reach, 0, out=reach), nearest[:, None], out=reach)
        best = reach.sum(axis=2).argmin(axis=1)
        nearest, centres[:, j] = reach[each, best], X[drawn[each, best]]
    return centres


def divisions_to_start(
    X: np.ndarray, k: int, rng: np.random.Generator, starts: int, *, trees: bool = True
) -> np.ndarray:
    """Return divisions to start from, of shape (starts, k, n), each of the rows as they are and of the sphered ones.

    Ward's tree; the best of K-Means; random centres; and cores, k - 1 random centres with the nearest half of the
    rows, all others being one component behind them.
    """
    if k == 1:
        return np.ones((1, 1, len(X)))
    divisions: list[np.ndarray] = []
    for Z in (X, sphered(X)):
        centres = random_centres(Z, k, rng, starts)
        fits = descend(Z, centres)
        divisions += [*fits.labels[np.argsort(fits.inertia, kind="stable")[: (starts + 1) // 2]]]
        divisions += [*_nearest(Z, centres)[0]]
        labels, distances = _nearest(Z, centres[:, :-1])
        ends = (np.linspace(*CORES, starts) * len(X)).astype(int)
        limits = np.sort(distances, axis=1)[np.arange(starts), ends]
        divisions += [*np.where(distances > limits[:, None], k - 1, labels)]
        if trees:
            divisions.append(fcluster(_tree_of(Z.tobytes(), len(Z)), k, "maxclust") - 1)
    whole = [labels for labels in divisions if len(np.unique(labels)) == k]
    return np.stack([np.eye(k)[labels].T for labels in whole]) if whole else np.empty((0, k, len(X)))


@lru_cache(maxsize=2)  # of the rows as they are, and sphered
def _tree_of(table: bytes, n: int) -> np.ndarray:
    """Return Ward's tree of n rows of numbers, which is cut for each k, and grown once."""
    return linkage(np.frombuffer(table).reshape(n, -1), "ward")


def _nearest(X: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which of the centres, of shape (starts, k, d), is nearest to each row, and how far; both (starts, n)."""
    starts, k, d = centres.shape
    distances = cdist(X, centres.reshape(-1, d)).reshape(len(X), starts, k)
    return distances.argmin(axis=2).T, distances.min(axis=2).T


def fit_once(X: np.ndarray, k: int, rng: np.random.Generator) -> Fit | KMeans:
    """Fit K-Means from ten k-means++ starts."""
    return fit_best(X, k, rng, STARTS)


@dataclass(frozen=True)
class KMeansMethod:
    """K-Means (Lloyd 1982): round segments of similar spread, each customer in that of the nearest centroid."""

    name: MethodName = "kmeans"
    nulls: tuple[str, ...] = ("columns permuted", "one Gaussian")

    def best(self, X: np.ndarray, k: int, *, seed: int) -> Optimum:
        """Return the best optimum of many starts."""
        return best_kmeans(X, k, seed=seed)

    def once(self, X: np.ndarray, k: int, rng: np.random.Generator) -> Fit | KMeans:
        """Return the best of ten starts."""
        return fit_once(X, k, rng)

    def space(self, X: np.ndarray) -> np.ndarray:
        """Return the customers where distances between them are measured: where they are."""
        return X

    def settled(self, optima: Mapping[int, Optimum]) -> "KMeansMethod":
        """Return the method itself: K-Means chooses nothing but the segments."""
        return self


KMEANS = KMeansMethod()
