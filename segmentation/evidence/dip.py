"""Hartigan's dip: how far a distribution is from having one mode, and how often one with a single mode gives as much.

Written from the algorithm in Hartigan and Hartigan (1985), *The dip test of unimodality*, Annals of Statistics 13.
"""

import numpy as np
from scipy.optimize import isotonic_regression

LEAST_VALUES = 4  # values that can show two modes
SHARES_BELOW = (0.01, 0.05, *np.arange(1, 10) / 10, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995)
FROM_TAIL = SHARES_BELOW.index(0.98)


# n, and the quantiles of sqrt(n) x dip at SHARES_BELOW, in hundred-thousandths: of 100,000 samples of n values each,
# spread evenly, which gives larger dips than other distributions with one mode (tests/evidence/dip_table.py).
TABLE = """
4 25000 25000 25000 25000 25000 25000 25000 25000 26564 31508 37506 41411 44654 46289 47369 48351 48928 49260
5 22361 22361 22361 22361 22361 24303 27171 29991 32914 35970 39479 41704 43296 43984 44350 44561 44639 44683
6 20412 20412 20412 22676 25475 27923 30142 32287 34422 36615 39005 40355 43979 46900 49380 52057 53821 55143
7 18898 19199 21651 24912 27345 29396 31200 32868 34511 36153 38243 42385 46515 48852 50571 52322 53495 54385
8 17678 20905 23232 26132 28178 29916 31403 32783 34096 35498 40020 43463 46772 48786 50431 52373 54753 56592
9 18394 22069 24159 26755 28535 29993 31245 32394 33739 36885 40937 43997 47120 49246 52132 55151 56690 58129
10 19274 22769 24689 26969 28561 29852 30937 32357 34799 37662 41300 44152 47767 50414 52848 55330 57099 58644
12 20400 23494 25094 26956 28187 29572 31561 33559 35609 38054 41563 45051 49046 51483 53813 56556 58689 60469
15 21195 23646 24883 26812 28862 30654 32357 34140 36058 38616 42643 45952 49831 52691 55161 57802 59712 61735
20 21209 23599 25433 27750 29539 31144 32787 34702 36859 39492 43427 47042 51192 53992 56479 59612 62543 64420
30 21608 24434 26004 28335 30253 32002 33731 35635 37823 40594 44689 48328 52765 55923 58751 62184 64452 66490
50 22188 24949 26644 28999 30920 32722 34555 36494 38765 41608 45833 49602 54100 57173 60088 63921 66113 68847
100 22856 25649 27390 29770 31784 33609 35474 37486 39810 42696 47100 51042 55651 59034 62222 66150 68895 70963
200 23307 26164 27959 30406 32422 34287 36212 38236 40587 43560 48104 52033 56914 60259 63096 66908 70133 73214
500 23824 26699 28497 30995 33003 34898 36775 38891 41295 44286 48882 52986 57853 61356 64706 68416 71700 74530
1000 24074 26966 28785 31288 33314 35227 37146 39230 41646 44679 49271 53510 58532 62011 65484 69285 72761 75529
5000 24431 27301 29101 31648 33703 35633 37598 39710 42125 45216 49842 54185 59056 62519 65600 69855 73414 76100
20000 24611 27452 29291 31837 33875 35797 37753 39847 42309 45377 50040 54354 59540 63150 66760 70860 73807 76405
72000 24622 27564 29386 31955 33989 35891 37838 39985 42416 45543 50345 54622 59709 63243 66462 70401 73233 77056
"""


def dip_test(values: np.ndarray) -> tuple[float, float]:
    """Return the dip of some values, and how likely one as large is among as many that are spread evenly."""
    found = dip(values)
    return found, p_of(found, len(values))


def p_of(found: float, n: int) -> float:
    """Return how likely a dip at least as large is among n values that are spread evenly.

    Between the sizes of the table the quantiles of sqrt(n) x dip are interpolated, as in Maechler's diptest, and beyond
    the last size they are its own. 1 where fewer than four values show nothing, or the dip is as small as it can be.
    """
    if n < LEAST_VALUES or found <= (1 + 1e-9) / (2 * n):
        return 1.0
    sizes, *columns = np.array([row.split() for row in TABLE.split("\n")[1:-1]], float).T
    quantiles = np.array([np.interp(-1 / np.sqrt(n), -1 / np.sqrt(sizes), column) for column in columns]) / 1e5
    return _share_above(found * np.sqrt(n), quantiles)


def _share_above(value: float, quantiles: np.ndarray) -> float:
    """Return the share of a distribution of scaled dips that lies above a value, from its quantiles at SHARES_BELOW.

    Between them it is interpolated. Above the last the logarithm of the share above falls with the square of the value,
    below the first that of the share below with the square of its inverse, as in the table towards its ends.
    """
    levels = np.array(SHARES_BELOW)
    if value < quantiles[0]:
        slope = np.log(levels[1] / levels[0]) / (quantiles[1] ** -2 - quantiles[0] ** -2)
        return float(1 - levels[0] * np.exp(slope * (value**-2 - quantiles[0] ** -2)))
    if value <= quantiles[-1]:
        return float(np.interp(value, quantiles, 1 - levels))
    squares, shares = quantiles[FROM_TAIL:] ** 2, 1 - levels[FROM_TAIL:]
    slope, level = np.polyfit(squares, np.log(shares), 1, w=np.sqrt(shares))
    return float(min(np.exp(level + slope * value**2), shares[-1]))


def dip(values: np.ndarray) -> float:
    """Return the largest difference between the shares up to each value and the nearest distribution with one mode.

    Such a distribution is convex before its mode and concave behind it. The mode is looked for in an interval that
    becomes smaller for as long as there the least concave majorant lies farther above the greatest convex minorant
    than the values lie from these outside of it.

    Parameters
    ----------
    values : ndarray of shape (n,), in any order
        Equal ones are one step. The dip is at least 1 / (2 n), and no more where all are equal or evenly spaced.

    Raises
    ------
    ValueError
        When there is no value, or one that is no finite number.
    """
    if not len(values) or not np.isfinite(values).all():
        raise ValueError("the dip is that of one or more finite numbers")
    values = np.ldexp(values, -np.frexp(np.abs(values).max())[1])  # exact
    # What is next to nothing beside the largest counts as nothing: no slope is too large for a number.
    at, counts = np.unique(np.where(np.abs(values) < 1e-280, 0, values), return_counts=True)
    upper = counts.cumsum().astype(float)
    return _twice(at, upper - counts, upper) / (2 * len(values))


def _twice(at: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> float:
    """Return twice the dip, in values: `lower` of all lie before each place, `upper` up to it."""
    found = 1.0
    while len(at) > 1:
        convex, concave = _bends(at, lower), _bends(at, -upper)
        minorant, majorant = np.interp(at, at[convex], lower[convex]), np.interp(at, at[concave], upper[concave])
        apart = majorant - minorant
        first, last = convex[apart[convex].argmax()], concave[apart[concave].argmax()]
        if max(apart[first], apart[last]) <= found:
            break
        if apart[first] > apart[last]:
            last = concave[np.searchsorted(concave, first)]
        else:
            first = convex[np.searchsorted(convex, last, side="right") - 1]
        outside = (upper - minorant)[:first], (majorant - lower)[last + 1 :]
        found = max(found, *(distances.max(initial=0) for distances in outside))
        at, lower, upper = (places[first : last + 1] for places in (at, lower, upper))
    return float(found)


def _bends(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the positions at which the greatest convex minorant of points bends, and both ends.

    Its slopes are the isotonic regression of those from point to point (Barlow, Bartholomew, Bremner, Brunk 1972).
    """
    widths = np.diff(x)
    return isotonic_regression(np.diff(y) / widths, weights=widths).blocks
