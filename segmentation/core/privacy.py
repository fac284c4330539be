"""What may be shown of a table whose rows are private."""

import numpy as np

from segmentation.language import mark, numeral, tr, trn
from segmentation.language.signs import written
from segmentation.language.writing import percent, whole

SMALLEST_GROUP = 10  # as the messages say
FEWER = mark("fewer than 10")
UNDER = mark("under ten")
OUTER = 20 * SMALLEST_GROUP  # of so many ten lie beyond the 5th percentile
TENTH = 10 * SMALLEST_GROUP  # and of so many beyond the 10th
NOT_SHOWN = mark("not shown")
NEARLY = mark("all, or all but fewer than 10")
TENS = mark("counted in tens, groups of fewer than 10 are left out")
HIDDEN = mark("groups of fewer than 10, and others that would give these away, are hidden")
MOST_OF_ONE, MOST_OF_TWO = 0.75, 0.85  # of a sum: the (n, k) rule for the largest, and for the two largest
LEAST_OF_OTHERS = 0.15  # of the largest: the p% rule
FEWEST_VALUES = 5  # that a hidden count may have for all that is shown
SUM_DIGITS = 4  # of a sum over private customers
PART_DIGITS = 2  # of a part of it that follows from a share in whole percentages
HARDLY = 0.1  # of those on the other side: so few may be left out of a picture
SLIP = 1e-9  # of a step: what floats may miss of it
WHY_NOT = mark(
    "one or two customers make up most of it, fewer than ten differ from the rest, or it would give such away"
)
NO_CENTRE = mark(
    "because a centre is not shown: one or two customers make up most of it, fewer than ten differ from the rest, or "
    "it would give such away"
)
DASH = mark(
    "A dash is not shown: one or two customers make up most of it, fewer than ten differ from the rest, or it would "
    "give such away."
)


def least(private: bool) -> int:
    """Return how many customers a group must have to be shown."""
    return SMALLEST_GROUP if private else 1


def public(n: int, noun: str | None = None, *, private: bool = True) -> str:
    """Return a number as text, "1,234"; "fewer than 10" where more says too much.

    Parameters
    ----------
    noun : str, optional
        What is counted: "customer" or "value", as "nine values".
    """
    hidden = private and n < SMALLEST_GROUP
    if noun == "customer":
        return tr("fewer than 10 customers") if hidden else trn("{n} customer", "{n} customers", n)
    if noun == "value":
        return tr("fewer than 10 values") if hidden else trn("{n} value", "{n} values", n)
    return tr(FEWER) if hidden else whole(n)


def counted(n: int, *, private: bool = True) -> str:
    """Return how many rows or cells there are as text: "fewer than 10" where they are some, and rows private."""
    return public(n, private=private and n > 0)


def tens(n: int, *, private: bool) -> str:
    """Return how many rows or cells there are as text: "1,230 or more" where the rest could tell of a few."""
    least = private and n >= SMALLEST_GROUP
    return tr("{n} or more", n=whole(in_tens(n))) if least else counted(n, private=private)


def nearly_all(n: int, total: int, *, private: bool) -> str:
    """Return how many of `total` as text, "1,234"; "over 1,230" where the rest are fewer than ten and rows private."""
    few = total - SMALLEST_GROUP
    return tr("over {n}", n=whole(few)) if private and few < n < total else counted(n, private=private)


def all_but(aside: int, n: int, *, private: bool) -> str:
    """Return how many customers are left without those set aside: "over 201 customers" where these few are private."""
    many = {"n": nearly_all(n, n + aside, private=private)} if aside else {}
    return trn("{n} customer", "{n} customers", max(n, 2 if aside else 0), **many)


def some(n: int, total: int, *, private: bool) -> str:
    """Return how many of `total` as text, in tens; "over 1,230" where the rest are fewer than ten and rows private."""
    few = total - SMALLEST_GROUP < n < total
    return nearly_all(n, total, private=private) if few or not private else tens(n, private=private)


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


def withheld_beside(low: np.ndarray, counts: np.ndarray, high: np.ndarray, totals: tuple | None = None) -> np.ndarray:
    """Return which counts of a table to hide so that none under ten can be worked out from what is shown of it.

    `withheld` asks each line by itself. Here all that is published is taken together: the sum of each row exactly, each
    count that is shown to lie between `low` and `high`, each that is hidden to be one or more, and the sum of each
    column. As long as a hidden count of fewer than ten could not have five values or more, the least of those shown
    beside it is hidden too. Such tables are flows in a network, so that what each count could be is found exactly, by
    the paths on which what one count gains can come from others (Ford & Fulkerson 1956).

    Parameters
    ----------
    counts : array of int of shape (n_rows, n_columns)
    low, high : arrays of the same shape
        Between which numbers each count is known to be where it is shown.
    totals : (low, high), optional
        The same of the sums of the columns, two arrays; without them they are known exactly.
    """
    counts, sums = counts.astype(int), counts.sum(axis=0)
    totals = (sums, sums) if totals is None else totals
    bounds = np.minimum(low, counts), np.maximum(high, counts)
    hidden = withheld(counts) | (counts > 0) & (sums < SMALLEST_GROUP)
    small = np.argwhere((counts > 0) & (counts < SMALLEST_GROUP))
    while not hidden.all():
        room = _room(counts, bounds, hidden, totals)
        tight = next((place for place in small if _values(room, place, counts.shape) < FEWEST_VALUES), None)
        if tight is None:
            break
        hidden[_best_hidden_too(counts, bounds, hidden, totals, tight)] = True
    return hidden


def _best_hidden_too(counts: np.ndarray, bounds: tuple, hidden: np.ndarray, totals: tuple, tight: np.ndarray) -> tuple:
    """Return which count that is shown leaves a hidden one most open when it is hidden too; of equals the least."""
    found = {}
    for place in map(tuple, np.argwhere(~hidden)):
        more = hidden.copy()
        more[place] = True
        open_by = _values(_room(counts, bounds, more, totals), tight, counts.shape)
        beside = place[0] == tight[0] or place[1] == tight[1]
        found[place] = open_by, beside and counts[place] > 0, -counts[place]
    return max(found, key=lambda place: found[place])


def _room(counts: np.ndarray, bounds: tuple, hidden: np.ndarray, totals: tuple) -> np.ndarray:
    """Return how much may flow between rows, columns and, last, what the sums of the columns leave open."""
    rows, columns = counts.shape
    low = np.where(hidden, np.minimum(counts, 1), bounds[0])
    high = np.where(hidden, counts.sum(axis=1, keepdims=True), bounds[1])
    room = np.zeros((rows + columns + 1,) * 2, int)
    room[:rows, rows:-1], room[rows:-1, :rows] = high - counts, (counts - low).T
    sums = counts.sum(axis=0)
    room[rows:-1, -1], room[-1, rows:-1] = np.maximum(totals[1] - sums, 0), np.maximum(sums - totals[0], 0)
    return room


def _values(room: np.ndarray, place: np.ndarray, shape: tuple) -> int:
    """Return how many values a count could have, or five where it is as many or more."""
    row, column, rest = place[0], shape[0] + place[1], room.copy()
    rest[row, column] = rest[column, row] = 0
    up = _flow(rest, column, row, min(room[row, column], FEWEST_VALUES - 1))
    return 1 + up + _flow(rest, row, column, min(room[column, row], FEWEST_VALUES - 1 - up))


def _flow(room: np.ndarray, start: int, end: int, most: int) -> int:
    """Return how much can flow from one node to another, at most so much."""
    room, sent = room.copy(), 0
    while sent < most and (path := _path(room, start, end)):
        through = min(most - sent, *(room[edge] for edge in path))
        for a, b in path:
            room[a, b] -= through
            room[b, a] += through
        sent += through
    return sent


def _path(room: np.ndarray, start: int, end: int) -> list[tuple[int, int]]:
    """Return the edges of a shortest path with room on each of them, the last one first; none where there is none."""
    came, reached, path = {start: start}, [start], []
    for node in reached:
        for other in np.flatnonzero(room[node] > 0).tolist():
            if other not in came:
                came[other] = node
                reached.append(other)
    while end in came and end != start:
        path.append((came[end], end))
        end = came[end]
    return path


def to_shares(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the share of each count in its row in steps of five customers or more, and between which counts that is.

    Returns
    -------
    shares, low, high : arrays of the same shape
        Of a row without customers the shares are NaN.
    """
    known = counts.sum(axis=1, keepdims=True)
    steps = np.array([[rung(SMALLEST_GROUP / 2 / n) if n else 1.0] for n in known[:, 0]])
    exact = counts / np.where(known, known, np.nan)
    shares = np.array([to_step(row, at) for row, [at] in zip(exact, steps, strict=True)]).reshape(counts.shape)
    low, high = (np.nan_to_num((shares + side * steps / 2) * known) for side in (-1, 1))
    low = np.where(counts > 0, np.maximum(np.ceil(low - SLIP), SMALLEST_GROUP), 0)
    return shares, low.astype(int), np.where(counts > 0, np.ceil(high - SLIP) - 1, 0).astype(int)


def about(share: float, n: int) -> str:
    """Return a share of n customers as a percentage in steps of five of them or more."""
    return percent(float(to_step(share, rung(SMALLEST_GROUP / 2 / n))))


def most_of(n: int, total: int) -> str:
    """Return how many of `total` customers as text: "all", "all but fewer than 10" or about which share."""
    few = total - n < SMALLEST_GROUP
    if n == total:
        return tr("all")
    return tr("all but fewer than 10") if few else tr("about {share}", share=about(n / total, total))


def in_tens(counts):
    """Round a count, or several, down to tens.

    Where counts of one table by several columns are shown, a small group could be worked out from their sums; of
    counts in tens every sum leaves open where the rest belongs.
    """
    return counts // SMALLEST_GROUP * SMALLEST_GROUP


def halved(counts: np.ndarray, *, private: bool) -> list[tuple[int, int, int, int, int]]:
    """Divide a grid into rectangles of ten customers or more, the smaller the more are there.

    Each is halved across its longer side as long as either half holds ten or more, or one of them hardly any, which are
    left out; a margin that holds hardly any is cut off. So the fewer there are, the coarser is what is told of where.

    Returns
    -------
    list of (from, to, from, to, customers)
        Bins of x and of y; customers in tens when `private`.
    """
    found, left = [], [(0, counts.shape[0], 0, counts.shape[1])]
    while left:
        place = left.pop()
        n, halves = _held(counts, place), _halves(place)
        few, many = sorted((_held(counts, half), half) for half in halves) if halves else ((0, place), (0, place))
        if few[0] >= SMALLEST_GROUP:
            left += [few[1], many[1]]
        elif many[0] >= SMALLEST_GROUP and few[0] <= HARDLY * many[0]:
            left.append(many[1])
        elif n >= SMALLEST_GROUP:
            place = _trimmed(counts, place)
            found.append((*place, int(in_tens(_held(counts, place))) if private else _held(counts, place)))
    return sorted(found)


def _held(counts: np.ndarray, place: tuple) -> int:
    x, right, y, top = place
    return int(counts[x:right, y:top].sum())


def _halves(place: tuple) -> list[tuple]:
    """Return the halves of a rectangle across its longer side; none of a single cell."""
    x, right, y, top = place
    if (right - x, top - y) == (1, 1):
        return []
    if right - x >= top - y:
        return [(x, (x + right) // 2, y, top), ((x + right) // 2, right, y, top)]
    return [(x, right, y, (y + top) // 2), (x, right, (y + top) // 2, top)]


def _trimmed(counts: np.ndarray, place: tuple) -> tuple:
    """Return a rectangle without the quarters at its sides that hold hardly any, together a tenth of it at most."""
    least = max(SMALLEST_GROUP, (1 - HARDLY) * _held(counts, place))
    while True:
        x, right, y, top = place
        wide, high = -(-(right - x) // 4), -(-(top - y) // 4)
        cuts = [
            (x + wide, right, y, top),
            (x, right - wide, y, top),
            (x, right, y + high, top),
            (x, right, y, top - high),
        ]
        kept = next((cut for cut in cuts if _held(counts, cut) >= least), None)
        if kept is None:
            return place
        place = kept


def rung(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is not below `least`; 0 where that is nothing."""
    if not 0 < least < np.inf:
        return 0.0
    scale = 10.0 ** np.floor(np.log10(least))
    return float(next(rung * scale for rung in (1, 2, 5, 10) if rung * scale >= least))


def step(n: int, low: float, high: float) -> float:
    """Return how exactly a mean of n values from `low` to `high` may be shown; 0 where all are one value.

    In steps of the range / n or more the sum is known to half the range at best, and so is whoever the mean of another
    month, or those of the parts of a total, lack.
    """
    return rung((high - low) / n) if n else 0.0


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


def significant(value: float, *, private: bool = True, digits: int = SUM_DIGITS) -> float:
    """Return a sum over customers, where rows are private to four significant digits, or to others."""
    return float(f"{value:.{digits}g}") if private else value


def at_least(index: float, n: int) -> str:
    """Return as text how far two divisions of n private customers agree, by an index below 1: "0.8 or more".

    One customer who is elsewhere takes about 4 / n off it: told exactly it would count those few who are hidden.
    """
    told = written(f"{to_step(index, rung(4 * SMALLEST_GROUP / n), 'low'):g}").replace("-", "−")
    return tr("{index} or more", index=told)


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


def tell_quantiles(*, private: bool) -> str:
    """Say how to read bars of quantiles, and which are not drawn."""
    told = tr("Bars: pale from the 10th to the 90th percentile, full the middle half; the line is the median.")
    few = tr("Of fewer than {n} customers the pale part is not shown.", n=whole(TENTH)) if private else ""
    return f"{told} {few}".rstrip()


def tell_densities(*, private: bool, grouped: bool) -> str:
    """Say what the shapes of a figure are, and what is left out."""
    told = tr("The inner shape holds about half of the customers, the outer one nine in ten.")
    if grouped:
        told = tr("The inner shape of a segment holds about half of its customers, the outer one nine in ten.")
    limits = tr("They are drawn from groups of {n} customers or more.", n=numeral(SMALLEST_GROUP)) if private else ""
    return f"{told} {limits}".rstrip()
