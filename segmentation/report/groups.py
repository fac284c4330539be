"""The customers of a private run in groups of ten or more alike: what is shown of a part of them is whole groups.

Any two answers to any filters then differ by nothing or by whole groups, so that no difference places one customer
(microaggregation, Domingo-Ferrer & Mateo-Sanz 2002, by cuts as of LeFevre, DeWitt & Ramakrishnan 2006). Page and
dashboard count the same groups, because two divisions could be compared.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segmentation.core.privacy import SMALLEST_GROUP
from segmentation.customers.counts import log_edges, round_edges
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import GRID_BINS, along, by_size, rounded_limits, split_types
from segmentation.worth.selected import block_means, mean_of

MOST_ACROSS = 30  # columns across which groups are cut: the features, and the first others
STEP_DIGITS = 14  # of a step: all that a float holds but its rounding


@dataclass(frozen=True)
class Grouped:
    """What stands for the customers of a private run where they are filtered.

    groups : Customers
        One row a group, with its segment and one value of each column, and under `mean_of` the mean of each value.
    each : Series
        How many customers each group of a segment stands for, ten or more: the same for all of these groups, so that
        not even the size of one tells where a new customer is.
    """

    groups: Customers
    each: pd.Series

    def customers(self, groups, segment: int | None = None):
        """Return how many customers so many groups of a segment, or of each in the index of a Series, stand for."""
        each = self.each[segment] if segment else self.each.reindex(groups.index, fill_value=0)
        return np.rint(groups * each).astype(int)


def group(segmented: Customers) -> Grouped:
    """Divide each segment into as many groups of ten or more as there can be; of a large table its sample.

    Of the groups of a segment as many get a value as its customers have it, as near as whole groups come, so that a
    filter of one column misses about half a group at each end. Where each group had its own median or most frequent
    value, a rarer value would be nowhere. A value that fewer than ten customers of a segment have no group gets.
    """
    some, dataset = segmented.sample, segmented.dataset
    numbered, segment = np.unique(some["segment"], return_inverse=True)
    numbers, categories = split_types(segmented, [*dataset.named("feature"), *dataset.named("descriptor")])
    columns = [_Ordered(segmented, name) for name in numbers] + [_Named(segmented, name) for name in categories]
    places = {column.name: column.places(some[column.name]) for column in columns}
    group = divide([_ranks(place) for place in list(places.values())[:MOST_ACROSS]], segment)
    of_group = np.zeros(group.max(initial=-1) + 1, int)
    of_group[group] = segment
    frame = pd.DataFrame({"segment": numbered[of_group]})
    for column in columns:
        place, wanted = places[column.name], np.zeros_like(of_group)
        for one in range(len(numbered)):
            counts = np.bincount(place[segment == one], minlength=len(column.values))
            wanted[of_group == one] = column.spread(counts, (of_group == one).sum())
        frame[column.name] = column.values[column.deal(place, wanted, group, of_group)]
    for name in (name for name in dataset.values if name in numbers):
        frame[mean_of(name)] = block_means(some[name].to_numpy(float), group, of_group)
    each = segmented.counts("segment")[numbered] / np.bincount(of_group)
    return Grouped(Customers.of(dataset, frame), each)


class _Ordered:
    """A column of numbers: its places are the steps between which it is filtered, and what lies between two of them."""

    def __init__(self, customers: Customers, name: str):
        self.name, self._steps = name, np.array(steps(customers, name, GRID_BINS))
        between = along(self._steps[:-1], self._steps[1:], 0.5, logged=customers.dataset.axis(name).logged)
        values = np.full(2 * len(self._steps) + 2, np.nan)  # the first and the last but one of what is beyond: nobody
        values[1:-2:2], values[2:-2:2] = self._steps, between
        self.values = values  # the last stands for what is missing

    def places(self, values: pd.Series) -> np.ndarray:
        """Return the place of each value."""
        known = values.to_numpy(float)
        place = np.searchsorted(self._steps, known) + np.searchsorted(self._steps, known, side="right")
        return np.where(np.isnan(known), len(self.values) - 1, place)

    def spread(self, counts: np.ndarray, groups: int) -> np.ndarray:
        """Return the places of so many groups, in order, by how many customers of the segment have each place."""
        runs = _runs(counts[:-1])
        missing = len(counts) - 1
        sizes = [n for _, _, n in runs] + ([counts[-1]] if counts[-1] >= SMALLEST_GROUP else [])
        found = []
        for run, own in enumerate(_shares(sizes, groups)):
            low, high, _ = runs[run] if run < len(runs) else (missing, missing + 1, 0)
            found += [_fullest(counts, low, high)] * own
        return np.array(found or [missing] * groups)

    def deal(self, place: np.ndarray, wanted: np.ndarray, group: np.ndarray, of_group: np.ndarray) -> np.ndarray:
        """Return the place of each group: the lowest for those that lie lowest."""
        mean = np.bincount(group, place) / np.bincount(group)
        dealt = np.empty_like(wanted)
        dealt[np.lexsort((mean, of_group))] = wanted[np.argsort(of_group, kind="stable")]
        return dealt


class _Named:
    """A column of categories, the largest first; one place is for all that must not be shown, the last for missing."""

    def __init__(self, customers: Customers, name: str):
        counts = by_size(customers.counts(name))
        shown = list(counts.index[counts >= customers.least])
        nobody = max(shown, key=len, default="") + "?"  # is no category
        self.name, self.values = name, np.array([*shown, nobody, None], dtype=object)

    def places(self, values: pd.Series) -> np.ndarray:
        """Return the place of each value."""
        place = values.map({level: i for i, level in enumerate(self.values[:-2])}).astype(float)
        return place.fillna(len(self.values) - 2).where(values.notna(), len(self.values) - 1).to_numpy(int)

    def spread(self, counts: np.ndarray, groups: int) -> np.ndarray:
        """Return the places of so many groups, by how many customers of the segment have each place."""
        own = _shares(np.where(counts >= SMALLEST_GROUP, counts, 0), groups)
        return np.repeat(np.arange(len(counts)), own) if own.sum() else np.full(groups, len(counts) - 2)

    def deal(self, place: np.ndarray, wanted: np.ndarray, group: np.ndarray, of_group: np.ndarray) -> np.ndarray:
        """Return the place of each group: each for those that have most of it, as often as it is wanted."""
        left, dealt = Counter(zip(of_group.tolist(), wanted.tolist(), strict=True)), np.full(len(of_group), -1)
        pairs, counts = np.unique(group * len(self.values) + place, return_counts=True)
        for one, level in zip(*np.divmod(pairs[np.argsort(-counts, kind="stable")], len(self.values)), strict=True):
            if dealt[one] < 0 and left[of_group[one], level]:
                dealt[one] = level
                left[of_group[one], level] -= 1
        rest = np.flatnonzero(dealt < 0)
        dealt[rest[np.argsort(of_group[rest], kind="stable")]] = [level for _, level in sorted(left.elements())]
        return dealt


def edges(customers: Customers, name: str, most: int) -> np.ndarray:
    """Return edges of about `most` bands of a column on the scale on which it is shown: round, or between ranks."""
    dataset = customers.dataset
    if dataset.columns[name].type == "ordinal":
        ranks = len(dataset.columns[name].levels)
        band = -(-ranks // most)
        return np.arange(0.5, ranks + band, band)
    low, high, whole = customers.limits([name]).loc[name]
    most = int(np.clip(high - low, 1, most)) if whole else most
    return log_edges(low, high, most, whole=whole) if dataset.axis(name).logged else round_edges(low, high, most)


def steps(customers: Customers, name: str, most: int) -> list[float]:
    """Return the values, ascending, between which a column of numbers can be filtered."""
    column = customers.dataset.columns[name]
    if column.type == "ordinal":
        return [float(rank) for rank in range(1, len(column.levels) + 1)]
    if column.type == "yes/no":
        return [0.0, 1.0]
    low, high = customers.limits([name]).loc[name, ["low", "high"]].astype(float)
    if customers.private:
        low, high = rounded_limits(customers, name, logged=customers.dataset.axis(name).logged)
    found = [float(f"{edge:.{STEP_DIGITS}g}") for edge in edges(customers, name, most)]
    return [low, *(edge for edge in found if low < edge < high), high] if low < high else found[:2]


def _shares(sizes, groups: int) -> np.ndarray:
    """Return how many of the groups fall to each size: those at even steps through all that are counted."""
    ends = np.cumsum(sizes)
    middles = (2 * np.arange(groups) + 1) * (ends[-1] if len(ends) else 0) // (2 * groups)
    return np.diff(np.searchsorted(middles, ends), prepend=0)


def _runs(counts: np.ndarray) -> list[tuple[int, int, int]]:
    """Return from where to where neighbours hold ten customers together, as near as these lie, and how many are there.

    A run has those beside it too who are fewer than ten: of them alone nothing is told.
    """
    runs, held = [], 0
    for place, n in enumerate(counts):
        held += n
        if held >= SMALLEST_GROUP:
            runs.append((place + 1, held))
            held = 0
    if runs:
        runs[-1] = len(counts), runs[-1][1] + held
    starts = [0, *(end for end, _ in runs)]
    return [(*_core(counts, low, high), n) for low, (high, n) in zip(starts, runs, strict=False)]


def _fullest(counts: np.ndarray, low: int, high: int) -> int:
    """Return the place that most of a run have, of several the one nearest to its middle, not that of one at an end."""
    beside = np.abs(2 * np.arange(low, high) - low - high + 1)
    return low + int(np.lexsort((beside, -counts[low:high]))[0])


def _core(counts: np.ndarray, low: int, high: int) -> tuple[int, int]:
    while counts[low + 1 : high].sum() >= SMALLEST_GROUP:
        low += 1
    while counts[low : high - 1].sum() >= SMALLEST_GROUP:
        high -= 1
    return low, high


def _ranks(place: np.ndarray) -> np.ndarray:
    """Return the rank of each place, in the middle of those who share it: so columns can be compared."""
    counts = np.bincount(place)
    return (np.cumsum(counts) - counts / 2)[place]


def divide(ranks: list[np.ndarray], segment: np.ndarray) -> np.ndarray:
    """Return the group of each row, by cutting each segment across the column that varies most, and so each part again.

    Parameters
    ----------
    ranks : list of array
        One a column, comparable with each other.
    segment : array of int, from 0
    """
    part, every = segment, np.arange(len(segment))
    groups = np.maximum(np.bincount(part) // SMALLEST_GROUP, 1)  # of each part
    while ranks and groups.max() > 1:
        sizes = np.bincount(part)
        spread = [np.bincount(part, (own - (np.bincount(part, own) / sizes)[part]) ** 2) for own in ranks]
        order = np.lexsort((np.choose(np.argmax(spread, axis=0)[part], ranks), part))
        place = np.empty_like(every)
        place[order] = every - (np.cumsum(sizes) - sizes)[part[order]]
        left = groups // 2
        part = 2 * part + (place >= (sizes * left // groups)[part])
        groups = np.column_stack([left, groups - left]).ravel()
        part, groups = (np.cumsum(groups > 0) - 1)[part], groups[groups > 0]
    return part
