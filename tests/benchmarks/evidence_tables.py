"""Tables whose answer is known: planted groups, clouds without any, curved pieces, and surveys with planted classes.

Each row of a benchmark is one kind of table; `Row.table` draws one from a seed. Develop with seeds from 1,000 on: the
tests use 0 to 39.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from zlib import crc32

import numpy as np

SIZES = (200, 500, 1000)
FEW_TO_MANY = (50, 200, 1000)
DIMENSIONS = (2, 5, 10, 20)
NOISE = (0, 1, 2, 3)
FAR = 30  # standard deviations
POINTS = range(1, 6)  # of a rating

Draw = Callable[[np.random.Generator, int], np.ndarray]


@dataclass(frozen=True)
class Row:
    """One kind of table.

    kind : "planted", "structureless", "curved", or "survey" (planted classes)
    k : how many groups were planted; 1 where there are none
    draw : the table from random numbers and a number of customers
    sizes : the numbers of customers to ask about
    answers : whether the columns are answers, which are not scaled
    noise : how many features are added that tell nothing
    far : whether one customer is added, 30 standard deviations out
    """

    name: str
    kind: str
    k: int
    draw: Draw
    sizes: tuple[int, ...] = SIZES
    answers: bool = False
    noise: int = 0
    far: bool = False

    def table(self, seed: int, n: int) -> np.ndarray:
        """Return the table of that seed, customers in random order, features as they were measured."""
        rng = np.random.default_rng([seed, n, crc32(self.name.encode())])
        X = self.draw(rng, n)
        X = np.column_stack([X, rng.normal(size=(len(X), self.noise))])
        if self.far:
            X = np.vstack([X, X.mean(axis=0) + FAR * X.std(axis=0) * _direction(rng, X.shape[1])])
        return rng.permutation(X)


def planted_rows() -> list[Row]:
    """Return each planted kind, with 0 to 3 features of noise, and with one customer far out."""
    rows = []
    for name, k, draw, *sizes in PLANTED:
        bare = Row(name, "planted", k, draw, *sizes)
        rows += [replace(bare, name=f"{name}, noise {noise}", noise=noise) for noise in NOISE]
        rows.append(replace(bare, name=f"{name}, one far", far=True))
    return rows


def structureless_rows() -> list[Row]:
    """Return each kind of table without groups, in 2 to 20 dimensions."""
    return [
        Row(f"{name}, d={d}", "structureless", 1, partial(draw, d=d), FEW_TO_MANY, answers=name in ANSWERS)
        for name, draw in STRUCTURELESS.items()
        for d in DIMENSIONS
    ]


def curved_rows() -> list[Row]:
    """Return single pieces that are curved."""
    return [Row(name, "curved", 1, draw) for name, draw in CURVED.items()]


def survey_rows() -> list[Row]:
    """Return surveys with planted classes of people who answer alike."""
    return [Row(name, "survey", k, draw, answers=True) for name, k, draw in SURVEYS]


def all_rows() -> list[Row]:
    """Return every row of the benchmark."""
    return planted_rows() + structureless_rows() + curved_rows() + survey_rows()


def _direction(rng: np.random.Generator, d: int) -> np.ndarray:
    found = rng.normal(size=d)
    return found / np.linalg.norm(found)


# Planted groups. A distance of so many standard deviations is one of those within a group.


def groups(rng: np.random.Generator, n: int, *, centres, shares=None, roots=None) -> np.ndarray:
    """Draw Gaussian groups of exact sizes.

    Parameters
    ----------
    centres : array of shape (k, d)
    shares : of the customers in each group; equal unless said
    roots : one a group, a number or a (d, d) matrix that a standard Gaussian is multiplied by; 1 unless said
    """
    centres = np.asarray(centres, float)
    k, d = centres.shape
    shares = np.full(k, 1 / k) if shares is None else np.asarray(shares)
    ends = np.rint(n * shares.cumsum()).astype(int)
    sizes = np.diff(ends, prepend=0)
    roots = [np.eye(d) * root if np.ndim(root) == 0 else np.asarray(root, float) for root in roots or [1] * k]
    return np.vstack([rng.normal(size=(m, d)) @ root + at for m, root, at in zip(sizes, roots, centres, strict=True)])


def two_clouds(rng: np.random.Generator, n: int, *, d: int, apart: float, shares=None) -> np.ndarray:
    """Draw two round clouds, one from the other in a random direction."""
    return groups(rng, n, centres=[np.zeros(d), apart * _direction(rng, d)], shares=shares)


def side_by_side(rng: np.random.Generator, n: int, *, apart: float, turn: float, second=None) -> np.ndarray:
    """Draw a long cloud (3 to 1) and another beside it, as long unless said, turned by an angle in degrees."""
    long = np.diag([3.0, 1.0])
    X = groups(rng, n, centres=[[0, 0], [0, apart]], roots=[long, long if second is None else second])
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    return X @ np.array([[c, s], [-s, c]])


def on_grid(rng: np.random.Generator, n: int, *, wide: int, high: int, apart: float) -> np.ndarray:
    """Draw round clouds around the points of a grid that is not quite regular."""
    centres = apart * np.array([[i, j] for i in range(wide) for j in range(high)], float)
    return groups(rng, n, centres=centres + rng.uniform(-0.5, 0.5, centres.shape))


# Means, covariances and shares of two Gaussians fitted to the Old Faithful eruptions by maximum likelihood.
FAITHFUL = {
    "centres": [[2.036, 54.48], [4.290, 79.97]],
    "shares": [0.356, 0.644],
    "roots": [
        np.linalg.cholesky([[0.0692, 0.435], [0.435, 33.70]]).T,
        np.linalg.cholesky([[0.1700, 0.941], [0.941, 36.05]]).T,
    ],
}
TRIANGLE = np.array([[0, 0], [1, 0], [0.5, np.sqrt(0.75)]])
CROSS = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
SQUARE = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])

PLANTED = [
    ("two clouds, 4 sd, d=2", 2, partial(two_clouds, d=2, apart=4)),
    ("two clouds, 5 sd, d=4", 2, partial(two_clouds, d=4, apart=5)),
    ("80/15/5, 6 sd", 3, partial(groups, centres=6 * TRIANGLE, shares=[0.80, 0.15, 0.05])),
    ("95/5, 5 sd", 2, partial(two_clouds, d=2, apart=5, shares=[0.95, 0.05]), (1000,)),
    ("one long, one round", 2, partial(side_by_side, apart=5, turn=0, second=1)),
    ("two long, along an axis", 2, partial(side_by_side, apart=4, turn=0)),
    ("two long, along the diagonal", 2, partial(side_by_side, apart=4, turn=45)),
    ("two like Old Faithful", 2, partial(groups, **FAITHFUL)),
    ("five on a cross, 4 sd", 5, partial(groups, centres=4 * CROSS)),
    ("12 blobs", 12, partial(on_grid, wide=4, high=3, apart=7)),
    ("15 blobs", 15, partial(on_grid, wide=5, high=3, apart=7)),
    ("four of unequal spread", 4, partial(groups, centres=9 * SQUARE, roots=[0.5, 1, 1.5, 2])),
]


# Clouds without groups, of n customers and d features.


def spherical(rng: np.random.Generator, n: int, *, d: int) -> np.ndarray:
    """Draw one round Gaussian."""
    return rng.normal(size=(n, d))


def correlated(rng: np.random.Generator, n: int, *, d: int) -> np.ndarray:
    """Draw one Gaussian that is longer in some directions than in others."""
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d))


def heavy(rng: np.random.Generator, n: int, *, d: int) -> np.ndarray:
    """Draw from Student's t with 3 degrees of freedom."""
    return rng.normal(size=(n, d)) / np.sqrt(rng.chisquare(3, size=(n, 1)) / 3)


def shares_of_one(rng: np.random.Generator, n: int, *, d: int) -> np.ndarray:
    """Draw shares of one whole, the last of them left out."""
    return rng.dirichlet(np.full(d + 1, 2.0), size=n)[:, :d]


def half_zeros(rng: np.random.Generator, n: int, *, d: int) -> np.ndarray:
    """Draw amounts of which half are nothing."""
    return rng.exponential(size=(n, d)) * (rng.random((n, d)) < 0.5)


def one_factor(rng: np.random.Generator, n: int, *, d: int) -> np.ndarray:
    """Draw what people would answer who differ in one thing that every item asks for."""
    return 0.7 * rng.normal(size=(n, 1)) + np.sqrt(1 - 0.7**2) * rng.normal(size=(n, d))


def ratings(rng: np.random.Generator, n: int, *, d: int) -> np.ndarray:
    """Draw ratings from 1 to 5 with one common factor."""
    return rate(one_factor(rng, n, d=d))


def rate(leaning: np.ndarray) -> np.ndarray:
    """Turn leanings, 0 in the middle, into ratings."""
    return np.clip(np.rint(3 + 1.1 * leaning), POINTS[0], POINTS[-1])


def yes_or_no(rng: np.random.Generator, n: int, *, d: int) -> np.ndarray:
    """Draw answers of 0 and 1 with one common factor, some items said yes to more often than others."""
    return (one_factor(rng, n, d=d) > rng.uniform(-0.7, 0.7, d)).astype(float)


def with_outliers(rng: np.random.Generator, n: int, *, d: int) -> np.ndarray:
    """Draw one round Gaussian and five customers of it 8 to 15 standard deviations out."""
    X = rng.normal(size=(n, d))
    X[:5] = [rng.uniform(8, 15) * _direction(rng, d) for _ in range(5)]
    return X


STRUCTURELESS = {
    "spherical Gaussian": spherical,
    "correlated Gaussian": correlated,
    "uniform": lambda rng, n, *, d: rng.uniform(size=(n, d)),
    "t, 3 degrees": heavy,
    "lognormal": lambda rng, n, *, d: rng.lognormal(size=(n, d)),
    "exponential": lambda rng, n, *, d: rng.exponential(size=(n, d)),
    "counts": lambda rng, n, *, d: rng.poisson(np.linspace(1, 8, d), size=(n, d)).astype(float),
    "shares": shares_of_one,
    "half zeros": half_zeros,
    "ratings, one factor": ratings,
    "yes/no, one factor": yes_or_no,
    "five outliers": with_outliers,
}
ANSWERS = ("ratings, one factor", "yes/no, one factor")


# Single pieces that are curved, about a tenth as thick as they are wide.


def arc(rng: np.random.Generator, n: int, *, degrees: float) -> np.ndarray:
    """Draw a part of a ring of radius 1."""
    angle = np.radians(rng.uniform(0, degrees, n))
    return np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(scale=0.1, size=(n, 2))


def vee(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw two arms of length 1 that meet at 60 degrees."""
    along, side = rng.uniform(0, 1, n), rng.choice([-1, 1], n)
    angle = np.radians(30)
    return np.column_stack([side * along * np.sin(angle), along * np.cos(angle)]) + rng.normal(scale=0.06, size=(n, 2))


def banana(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a Gaussian that is bent."""
    x = rng.normal(size=n)
    return np.column_stack([x, 0.5 * x**2 + rng.normal(scale=0.3, size=n)])


CURVED = {f"arc of {degrees} degrees": partial(arc, degrees=degrees) for degrees in (90, 135, 180, 225, 270)} | {
    "V": vee,
    "banana": banana,
}


# Surveys: each class says yes to some of the items, or leans to one end of them.


def classes_yes_no(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw twelve answers of 0 and 1: each of three classes says yes to a third of the items, in 85 of 100."""
    chances = np.where(np.kron(np.eye(3), np.ones(4)), 0.85, 0.15)
    return (rng.random((n, 12)) < chances[_classes(n, [0.5, 0.3, 0.2])]).astype(float)


def classes_ratings(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw ten ratings from 1 to 5: four classes that lean to one end or the other of two halves of the items."""
    leaning = 1.1 * np.kron([[1, 1], [1, -1], [-1, 1], [-1, -1]], np.ones(5))
    return rate(leaning[_classes(n, [0.4, 0.25, 0.2, 0.15])] + rng.normal(size=(n, 10)))


def _classes(n: int, shares: list[float]) -> np.ndarray:
    return np.searchsorted(np.rint(n * np.cumsum(shares)), np.arange(n), side="right")


SURVEYS = [
    ("survey of 12 yes/no items, three classes", 3, classes_yes_no),
    ("survey of 10 ratings, four classes", 4, classes_ratings),
]
