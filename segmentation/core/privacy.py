"""What may be shown of a table whose rows are private."""

import numpy as np

from segmentation.core.text import NUMBER_WORDS, count, whole

SMALLEST_GROUP = 10
FEWER = f"fewer than {SMALLEST_GROUP}"
UNDER = f"under {NUMBER_WORDS[SMALLEST_GROUP]}"
OUTER = 20 * SMALLEST_GROUP  # of so many ten lie beyond the 5th percentile
HIDDEN = f"groups of {FEWER}, and others that would give these away, are hidden"
MOST_OF_ONE, MOST_OF_TWO = 0.75, 0.85  # of a sum: the (n, k) rule for the largest, and for the two largest
LEAST_OF_OTHERS = 0.15  # of the largest: the p% rule
SLIP = 1e-9  # of a step: what floats may miss of it
DOMINATED = "one or two customers make up most of it"


def least(private: bool) -> int:
    """Return how many customers a group must have to be shown."""
    return SMALLEST_GROUP if private else 1


def public(n: int, noun: str | None = None, *, private: bool = True) -> str:
    """Return a number as text, "1,234" or "nine values"; "fewer than 10" where more says too much."""
    hidden = private and n < SMALLEST_GROUP
    if noun:
        return f"{FEWER} {noun}s" if hidden else count(n, noun)
    return FEWER if hidden else whole(n)


def nearly_all(n: int, total: int, *, private: bool) -> str:
    """Return how many of `total` as text, "1,234"; "over 1,230" where the rest are fewer than ten and rows private."""
    few = total - SMALLEST_GROUP
    return f"over {few:,}" if private and few < n < total else whole(n)


def withheld(counts: np.ndarray) -> np.ndarray:
    """Return which counts to hide: those of small groups, and as many more that none can be worked out from a sum.

    In every line along every axis, and in the whole table, what is hidden comes to nothing, to ten or more, or to all
    of it (secondary suppression).

    Parameters
    ----------
    counts : array of int, of any shape

    Returns
    -------
    array of bool of the same shape
    """
    hidden = (counts > 0) & (counts < SMALLEST_GROUP)
    while True:
        before = hidden.sum()
        for axis in range(counts.ndim):
            hidden = hidden | _least_shown(counts, hidden, axis)
        hidden = hidden | _least_shown(counts.ravel(), hidden.ravel(), 0).reshape(counts.shape)
        if hidden.sum() == before:
            return hidden


def _least_shown(counts: np.ndarray, hidden: np.ndarray, axis: int) -> np.ndarray:
    """Return which counts to hide too: in each line along an axis that hides too few the least one of those shown."""
    small = np.where(hidden, counts, 0).sum(axis, keepdims=True)
    shown = np.where(hidden | (counts == 0), np.inf, counts)
    least = np.zeros_like(hidden)
    np.put_along_axis(least, shown.argmin(axis, keepdims=True), True, axis)
    return least & np.isfinite(shown) & (small > 0) & (small < SMALLEST_GROUP)


def in_tens(counts: np.ndarray) -> np.ndarray:
    """Round counts down to tens.

    Where counts of one table by several columns are shown, a small group could be worked out from their sums; of
    counts in tens every sum leaves open where the rest belongs.
    """
    return counts // SMALLEST_GROUP * SMALLEST_GROUP


def rung(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is not below `least`; 0 where that is nothing."""
    if not 0 < least < np.inf:
        return 0.0
    scale = 10.0 ** np.floor(np.log10(least))
    return float(next(rung * scale for rung in (1, 2, 5, 10) if rung * scale >= least))


def step(n: int, low: float, high: float, *, apart: float = 0.0) -> float:
    """Return how exactly a mean of a private column may be shown; 0 where all have one value.

    In steps of its range / n or more the sum is known to half the range at best, and so is whoever the mean of another
    month, or those of the parts of a total, lack. A percentile may be no more exact than ten customers about it.

    Parameters
    ----------
    n, low, high : how many customers the group has, and its smallest and largest value
    apart : float
        Of a percentile, how far apart those five ranks below and above it are.
    """
    return rung(max((high - low) / n if n else 0.0, apart))


def to_step(value, step: float, towards: str = "nearest"):
    """Round a number, or several, to a multiple of a step: halves upwards; the ends of what spans to "low" or "high".

    A step of 0 rounds nothing.
    """
    if not step:
        return value
    steps = value / step
    whole = {"nearest": np.floor(steps + 0.5 + SLIP), "low": np.floor(steps + SLIP), "high": np.ceil(steps - SLIP)}
    # Not 0.30000000000000004: a step has one digit.
    return np.round(whole[towards] * step, -int(np.floor(np.log10(step) + SLIP))) + 0.0


def dominated(total, largest, second):
    """Return whether one or two customers make up so much of a sum that it, or a mean, would give them away.

    The dominance rule (n, k) and the p% rule of statistical offices (Hundepool et al. 2012, Statistical Disclosure
    Control).

    Parameters
    ----------
    total, largest, second : float, or arrays of it
        The sum of the absolute values of a group, its largest and its second largest absolute value.
    """
    two = largest + second
    return (largest > MOST_OF_ONE * total) | (two > MOST_OF_TWO * total) | (total - two < LEAST_OF_OTHERS * largest)


def tell_boxes(*, private: bool, beyond: bool = True) -> str:
    """Say how to read a box plot, and which whiskers and customers beyond are not drawn."""
    told = "Box: the middle half, its line the median; whiskers: the 5th to the 95th percentile"
    if private:
        return f"{told}, of {OUTER} customers or more; smaller groups have none."
    return f"{told}; circles: customers beyond." if beyond else f"{told}."


def tell_tiles(*, private: bool, grouped: bool) -> str:
    """Say what the tiles of a figure are, and what is left out."""
    divided = ", divided among the segments as its customers are" if grouped else ""
    limits = f"; counted in tens, groups of {FEWER} are left out" if private else ""
    return f"Each tile is a cell of a grid{divided}, the darker the more customers{limits}."
