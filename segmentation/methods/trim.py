"""Who lies so far from all others that they take no part in forming and testing segments."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from segmentation.core.engine import add_up, double
from segmentation.customers.counts import power_of, unskew, unskewed
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import amounts_of
from segmentation.runs.records import FAR_SHARE, FAR_TIMES

TOGETHER = 10  # far customers side by side are a segment, as small as one may be
SLACK = 1e-9  # of the limit: no engine sets aside whom another does not


@dataclass(frozen=True)
class Reach:
    """How far from the middle of all a customer may be to take part: in each feature in widths of the middle 96%."""

    middle: np.ndarray
    widths: np.ndarray
    limit: float

    def far(self, X: np.ndarray) -> np.ndarray:
        """Return who is farther out."""
        return _distances(X, self.middle, self.widths) > self.limit


def reach_of(X: np.ndarray) -> Reach:
    """Return how far from the middle the customers may be, without letting a few of them decide it.

    Of K-Means trimmed of a share of the customers (Garcia-Escudero et al. 2008) this keeps that at most 2% are set
    aside, and asks besides that they be far: at more than twice the distance from the medians within which all but 2%
    of the customers lie. So a cloud or groups without stragglers lose nobody, and of a heavy tail only its end is left
    out. Ten or more who are far side by side, no farther than twice that distance from each other, are no stragglers
    but a group, and all up to them take part. A feature that is the same for nearly all is measured by the median of
    what the others differ from them, so that to be one of these is not far.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
        Amounts, transformed as for the model, but not scaled: far customers would have decided the scale.
    """
    n, few = len(X), _few(len(X))
    ordered = np.sort(X, axis=0)
    middle = np.median(ordered, axis=0)
    if n <= 2 * few or not X.shape[1]:
        return Reach(middle, np.ones_like(middle), np.inf)
    widths = ordered[n - 1 - few] - ordered[few]
    for j in np.flatnonzero(widths == 0):
        widths[j] = _width_of_rare(X[:, j] - middle[j])
    out = _distances(X, middle, widths)
    limit = FAR_TIMES * np.partition(out, n - 1 - few)[n - 1 - few]
    if not limit:  # nearly all are the same
        return Reach(middle, widths, np.inf)
    return Reach(middle, widths, (1 + SLACK) * _past_groups((X - middle) / widths, out, limit))


def far_out(X: np.ndarray) -> np.ndarray:
    """Return which customers lie so far from all others that they take no part in forming and testing segments."""
    return reach_of(X).far(X)


def forming(customers: Customers, features: Collection[str]) -> Customers:
    """Return the customers without those who lie so far from all others: who form the segments, and are tested.

    They are judged by their amounts; where a sample stands for all, the engine measures all by the reach of the sample.
    """
    columns = customers.dataset.columns
    names = [name for name in amounts_of(customers.dataset, features) if columns[name].numeric]
    values = customers.sample[names].to_numpy(float)
    powers = [_power(columns[name].transform, x) for name, x in zip(names, values.T, strict=True)]
    X = np.column_stack([values[:, :0], *(unskew(x, power) for x, power in zip(values.T, powers, strict=True))])
    reach = reach_of(X)
    far = reach.far(X)
    if not far.any() and (np.isinf(reach.limit) or not customers.sampled or _all_near(customers, names, powers, reach)):
        return customers
    z = [
        (unskewed(customers.table[name], power) - double(middle)) / double(width)
        for name, power, middle, width in zip(names, powers, reach.middle, reach.widths, strict=True)
    ]
    near = customers.table.filter(add_up([v * v for v in z]).sqrt() <= double(reach.limit))
    aside = customers.number - int(near.count().execute())
    if not aside:
        return customers
    sample = customers.sample[~far].reset_index(drop=True)
    return replace(customers, table=near, sample=sample, counted={}, aside=aside)


def _all_near(customers: Customers, names: list[str], powers: list[float], reach: Reach) -> bool:
    """Return whether not even who had the farthest value in each feature would be far: then nobody need be measured."""
    if (customers.filled(names) < customers.number).any():
        return False
    ends = customers.limits(names)[["low", "high"]].to_numpy(float)
    corners = np.column_stack([unskew(own, power) for own, power in zip(ends, powers, strict=True)])
    farthest = np.abs(corners - reach.middle).max(axis=0) / reach.widths
    return bool(np.sqrt((farthest**2).sum()) <= (1 - SLACK) * reach.limit)


def _power(kind: str, values: np.ndarray) -> float:
    """Return the lambda of a transformation, that of a power without the values that could be far."""
    few = min(_few(len(values)), (len(values) - 1) // 2)
    return power_of(kind, np.sort(values)[few : len(values) - few])


def _few(customers: int) -> int:
    return int(np.ceil(FAR_SHARE * customers))


def _distances(X: np.ndarray, middle: np.ndarray, widths: np.ndarray) -> np.ndarray:
    return np.sqrt((((X - middle) / widths) ** 2).sum(axis=1))


def _width_of_rare(apart: np.ndarray) -> float:
    """Return by how much those differ from the rest, in a feature in which few do: the lower median."""
    others = np.sort(np.abs(apart[apart != 0]))
    return float(others[(len(others) - 1) // 2]) if len(others) else 1.0


def _past_groups(Z: np.ndarray, out: np.ndarray, limit: float) -> float:
    """Return the limit, or how far out a group of ten or more beyond it reaches."""
    left, reach = np.flatnonzero(out > limit), limit
    while len(left) >= TOGETHER:
        group, left = _side_by_side(Z, left, reach)
        if len(group) >= TOGETHER:
            limit = max(limit, out[group].max())
    return float(limit)


def _side_by_side(Z: np.ndarray, rows: np.ndarray, reach: float) -> tuple[list[int], np.ndarray]:
    """Part those of some rows who are linked to the first, each to another by no more than `reach`, from the rest."""
    group, left = [int(rows[0])], rows[1:]
    for row in group:  # which grows meanwhile
        near = ((Z[left] - Z[row]) ** 2).sum(axis=1) <= reach**2
        group += left[near].tolist()
        left = left[~near]
    return group, left
