"""Separation: is there a thinner place between segments, or is one piece cut into parts?"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree
from scipy.spatial.distance import pdist, squareform
from scipy.special import bdtrc, chdtrc, ndtri

from segmentation.core.parallel import spread
from segmentation.evidence.decision import SIGNIFICANT

FEWEST_BESIDE = 4  # customers of a segment that can show a valley
CORE = 0.75  # the share of a segment's customers that its densest interval holds
EDGES = 8  # between two cores, the ends of the windows that are tried for a valley
NARROWEST = 3  # of these steps
SHALLOW = 0.2  # a valley that is none even before the choice of the window is paid for
WINDOWS, HALF_OF_THEM = 17, 130  # as how many tests that choice counts at most, and of how many customers as half
DEEP = 0.01
BENT = 0.1  # of the variance beside the line, the share that a bend explains
NEIGHBOURS = 3, 10
COLUMNS = ["p", "least", "curved", "first", "second"]


class Line(NamedTuple):
    """Customers of two segments along what tells these apart.

    along : ndarray of shape (n,), those of the first segment before those of the second
    directions : ndarray of shape (d, d), which turns a difference of means into the direction
    """

    along: np.ndarray
    directions: np.ndarray


def separation(X: np.ndarray, partitions: dict[int, np.ndarray]) -> pd.DataFrame:
    """Return for each k whether there are valleys between the segments.

    Every two segments are asked for a `valley`: on the line that tells them apart, and where they are a bent piece,
    along that piece too. Of k segments those k - 1 pairs count that join all of them and have least of a valley (a
    spanning tree); Fisher's method joins what they say.

    Parameters
    ----------
    X : ndarray of shape (n, d), without ties (`criteria.untie`)
    partitions : dict
        k -> labels from 0.

    Returns
    -------
    DataFrame
        Indexed by k. p : how likely such valleys are where customers have one mode; 1 where some two segments have
        none at all. least : the same of the two that have least. curved : whether p is small on straight lines, and
        not along a bent piece. first, second : the two segments that have least, from 1.
    """
    rows = spread(_row, list(partitions.values()), X)
    return pd.DataFrame(rows, pd.Index(partitions, name="k"), columns=COLUMNS)


def _row(labels: np.ndarray, X: np.ndarray) -> tuple[float, float, bool, int, int]:
    parts = _parts(X, labels)
    straight = np.zeros((2, len(parts), len(parts)))
    for i, j in combinations(range(len(parts)), 2):
        straight[:, i, j] = straight[:, j, i] = _between(parts[i], parts[j])
    on_lines, p = (joined(valleys) for valleys in straight)
    first, second = np.unravel_index(straight[1].argmax(), straight[1].shape)
    return p, float(straight[1].max()), on_lines <= DEEP < p, int(first) + 1, int(second) + 1


def _parts(X: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    return [X[labels == segment] for segment in range(int(labels.max()) + 1)]


def _between(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Return the p-value of a valley between two segments, on a line and along the piece where it is bent."""
    if min(len(one), len(other)) < FEWEST_BESIDE:
        return 1.0, 1.0
    line = discriminant(one, other)
    straight = along = valley(line.along, len(one))
    if straight <= SHALLOW and (plane := bent(one, other, line)) is not None:
        along = max(straight, valley(unrolled(plane, len(one)), len(one)))
    return paid(straight, line.along, len(one)), paid(along, line.along, len(one))


def paid(p: float, along: np.ndarray, first: int) -> float:
    """Return the p-value of a valley with the choice of its window paid for; 1 where one cloud may be cut in two.

    It may be where the valley could not be shown and the segments lie no farther apart than the parts of a cloud do.

    The choice counts as one test for 10 customers and as 17 for very many, fewer where one segment is much larger than
    the other: what simulation gives for customers spread evenly, of all of one mode those who show most empty places.
    """
    if p > SHALLOW:
        return 1.0
    n, even = len(along), 4 * first * (1 - first / len(along))
    tests = WINDOWS * even / (even + HALF_OF_THEM) * even / n
    found = float(-np.expm1(np.maximum(tests, 1) * np.log1p(-p)))
    return found if found <= SIGNIFICANT or apart(along, first) else 1.0


def apart(along: np.ndarray, first: int) -> bool:
    """Return whether two segments explain more of the variance on their line than one cloud cut into such shares.

    A Gaussian or an even spread, whichever gives more.
    """
    share, total = first / len(along), along.var()
    explained = share * (1 - share) * (along[:first].mean() - along[first:].mean()) ** 2
    gaussian = np.exp(-(ndtri(share) ** 2)) / (2 * np.pi * share * (1 - share))
    return explained > total * max(gaussian, 3 * share * (1 - share))


def joined(p_values: np.ndarray) -> float:
    """Return the p-value of the valleys that join all segments with least of one.

    Parameters
    ----------
    p_values : ndarray of shape (k, k)
    """
    if p_values.max() >= 1:
        return 1.0
    tree = 2 - minimum_spanning_tree(csr_matrix(np.triu(2 - p_values, 1))).data
    return float(chdtrc(2 * len(tree), -2 * np.log(np.maximum(tree, 1e-300)).sum()))  # Fisher (1932)


def as_deep(X: np.ndarray, labels: np.ndarray, limit: float) -> bool:
    """Return whether the valleys on lines between segments have a p-value of at most `limit`.

    Neighbours are asked first, and the first two without a valley end the search.
    """
    parts = _parts(X, labels)
    if min(len(part) for part in parts) < FEWEST_BESIDE:
        return False
    centres = np.array([part.mean(axis=0) for part in parts])
    pairs = list(combinations(range(len(parts)), 2))
    p_values = np.zeros((len(parts), len(parts)))
    for at in np.argsort([((centres[i] - centres[j]) ** 2).sum() for i, j in pairs], kind="stable"):
        i, j = pairs[at]
        along = discriminant(parts[i], parts[j]).along
        p_values[i, j] = p_values[j, i] = paid(valley(along, len(parts[i])), along, len(parts[i]))
        if p_values[i, j] >= 1:
            return False
    return joined(p_values) <= limit


def discriminant(one: np.ndarray, other: np.ndarray) -> Line:
    """Place the customers of two segments on the line that tells these apart, each by what the others say.

    Fisher's linear discriminant, its covariance shrunk towards a round one by d / n, leaving out each customer in turn:
    in many dimensions a line that was fitted to somebody puts a gap beside them that is not there.
    """
    first, second, d = len(one), len(other), one.shape[1]
    n, means = first + second, (one.mean(axis=0), other.mean(axis=0))
    away = np.vstack([one - means[0], other - means[1]])
    shrunk = min(1.0, d / n)
    scatter = (1 - shrunk) * away.T @ away
    scatter += (shrunk + 1e-9) * np.maximum((away**2).sum() / d, 1e-300) * np.eye(d)
    inverse = np.linalg.inv(scatter)
    sizes, side = np.repeat([first, second], [first, second]), np.repeat([-1.0, 1.0], [first, second])
    moved = -away / (sizes - 1)[:, None]  # how the own mean moves without the customer
    apart = means[1] - means[0] + side[:, None] * moved
    from_middle = np.vstack([one, other]) - (means[0] + means[1]) / 2 - moved / 2
    turned, weight = away @ inverse, (1 - shrunk) * sizes / (sizes - 1)
    weight = weight / np.maximum(1 - weight * (turned * away).sum(axis=1), 1e-9)  # Sherman and Morrison (1950)
    across = (apart * turned).sum(axis=1)
    along = (apart @ inverse * from_middle).sum(axis=1) + weight * across * (turned * from_middle).sum(axis=1)
    length = (apart @ inverse * apart).sum(axis=1) + weight * across**2
    return Line(along / np.sqrt(np.maximum(length, 1e-300)), inverse)


def valley(along: np.ndarray, first: int) -> float:
    """Return how unlikely so thin a place is between two segments if customers have one mode along the line.

    The core of a segment is the shortest interval that holds three quarters of its customers. In a window between two
    cores customers are counted, and compared with those of the cores by their widths: with one mode a window between
    has at least the density of one of them (binomial; the larger of the two p-values). The window with the smallest
    is taken, which is not yet paid for (`paid`). 1 where the cores overlap.

    Parameters
    ----------
    along : ndarray of shape (n,)
    first : how many of them are of the first segment, and come first
    """
    (low, start, held), (end, high, held_beyond) = _core(along[:first]), _core(along[first:])
    if end <= start:
        return 1.0
    ordered, edges = np.sort(along), np.linspace(start, end, EDGES + 1)
    i, j = np.triu_indices(EDGES + 1, NARROWEST)
    inside = np.searchsorted(ordered, edges, side="left")[j] - np.searchsorted(ordered, edges, side="right")[i]
    inside, width = np.maximum(inside, 0), edges[j] - edges[i]
    rare = (_rare(held, start - low, inside, width), _rare(held_beyond, high - end, inside, width))
    return float(np.maximum(*rare).min())


def _core(along: np.ndarray) -> tuple[float, float, int]:
    ordered, held = np.sort(along), max(int(np.ceil(CORE * len(along))), 2)
    at = int((ordered[held - 1 :] - ordered[: len(ordered) - held + 1]).argmin())
    return ordered[at], ordered[at + held - 1], held


def _rare(held: int, core: float, inside: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Return how likely a core holds so many of all; one of them is spent on where it begins."""
    return bdtrc(held - 2, held - 1 + inside, core / (core + width))


def bent(one: np.ndarray, other: np.ndarray, line: Line) -> np.ndarray | None:
    """Return the customers of two segments in the plane of their bend, or nothing where they are straight.

    Beside the line lies the direction that goes most with the square of the place on it. It is a bend where the square
    explains more than a tenth of the variance there, and more than chance.
    """
    X, along = np.vstack([one, other]), line.along - line.along.mean()
    square = along**2 - (along**2).mean()
    square -= along * (square @ along) / (along @ along)
    root = np.linalg.cholesky(line.directions)  # makes the segments round
    across = root.T @ (other.mean(axis=0) - one.mean(axis=0))
    across /= np.maximum(np.linalg.norm(across), 1e-300)
    round_ = (X - X.mean(axis=0)) @ root
    beside = square @ round_
    beside -= across * (across @ beside)
    values = round_ @ beside
    values -= along * (values @ along) / (along @ along)
    explained = (values @ square) ** 2 / np.maximum((values @ values) * (square @ square), 1e-300)
    if explained <= BENT + 4 / len(X) or X.shape[1] == 1:
        return None
    return X @ np.linalg.qr(root @ np.column_stack([across, beside]))[0]


def unrolled(plane: np.ndarray, first: int) -> np.ndarray:
    """Return where each customer is between the two ends of a bent piece, along the piece.

    Distances go from neighbour to neighbour (as in Isomap; Tenenbaum, de Silva and Langford 2000), with the minimum
    spanning tree where neighbours alone do not join all.
    """
    n = len(plane)
    distances = squareform(pdist(plane)) + 1e-12
    number = int(np.clip(min(first, n - first) // 8, *NEIGHBOURS))
    near = np.argpartition(distances, number, axis=1)[:, : number + 1]
    steps = np.zeros_like(distances)
    np.put_along_axis(steps, near, np.take_along_axis(distances, near, axis=1), axis=1)
    one, other = _spanning_tree(distances)
    steps[one, other] = distances[one, other]
    graph = csr_matrix(np.maximum(steps, steps.T))
    middles = [_middle(plane[:first]), first + _middle(plane[first:])]
    from_middles = dijkstra(graph, indices=middles)
    ends = [int(from_middles[1, :first].argmax()), first + int(from_middles[0, first:].argmax())]
    start, end = dijkstra(graph, indices=ends)
    return start - end


def _spanning_tree(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both ends of each edge of the minimum spanning tree (Prim 1957): where all are joined, no sort of all."""
    nearest, beside, outside = distances[0].copy(), np.zeros(len(distances), int), np.ones(len(distances), bool)
    nearest[0], outside[0] = np.inf, False
    for _ in range(len(distances) - 1):
        at = nearest.argmin()
        nearest[at], outside[at] = np.inf, False
        closer = outside & (distances[at] < nearest)
        nearest[closer], beside[closer] = distances[at, closer], at
    return np.arange(1, len(distances)), beside[1:]


def _middle(part: np.ndarray) -> int:
    return int(((part - part.mean(axis=0)) ** 2).sum(axis=1).argmin())
