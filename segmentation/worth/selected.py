"""What some of the customers are worth: those who pass the filters of the dashboard."""

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from segmentation.core.privacy import SMALLEST_GROUP, dominated, significant, step, to_step
from segmentation.runs.worth import Worth

ABOUT_DIGITS = 3  # of what is counted in groups


@dataclass(frozen=True)
class Selected:
    """What some customers are worth together and on average, and their share; None of what may not be shown.

    about : whether it is counted in groups, or follows from means that are rounded
    alone : the segment that they are, where they are one
    """

    total: float | None
    mean: float | None
    share: float | None
    about: bool = False
    alone: int | None = None


def of_segments(worth: Worth, sizes: Mapping[int, int], k: int, *, private: bool) -> Selected:
    """Return what whole segments of these sizes are worth, of k in all, as the report says it; of all no share."""
    parts = [part for part in worth.parts if part.segment in sizes]
    shares = [part.share for part in parts if part.share is not None]
    sums = [sizes[part.segment] * part.each for part in parts if part.each is not None]
    if len(sizes) == k:
        return Selected(worth.total, worth.each, None, about=private)
    share = sum(shares) if len(shares) == len(parts) else None
    alone = parts[0].segment if len(parts) == 1 else None
    if len(sums) < len(parts):
        return Selected(None, None, share, alone=alone)
    total, mean = (
        significant(value, private=private, digits=ABOUT_DIGITS)
        for value in (sum(sums), sum(sums) / sum(sizes.values()))
    )
    return Selected(total, parts[0].each if alone else mean, share, about=private, alone=alone)


def of_rows(worth: Worth, table: ibis.Table) -> Selected:
    """Return what the customers of a table are worth, exactly."""
    value = table[worth.column].cast("float64")
    n, total = table.agg(n=value.count(), total=value.sum()).to_pandas().iloc[0]
    if not n:
        return Selected(None, None, None)
    return Selected(float(total), float(total / n), _share(total, worth.total))


def of_groups(worth: Worth, table: ibis.Table, each: pd.Series, everyone: ibis.Table) -> Selected:
    """Return what groups of private customers are worth, by their means; `each` is how many a group stands for."""
    (n, total), (_, every) = (_summed(of, worth.column, each) for of in (table, everyone))
    if np.isnan(total):
        return Selected(None, None, None, about=True)
    in_all, mean = (significant(value, digits=ABOUT_DIGITS) for value in (total, total / n))
    return Selected(in_all, mean, _share(total, every), about=True)


def _summed(table: ibis.Table, name: str, each: pd.Series) -> tuple[float, float]:
    groups = table.select("segment", mean_of(name)).to_pandas()
    of_each = each.reindex(groups["segment"]).to_numpy(float)
    return float(of_each.sum()), float((groups[mean_of(name)].to_numpy(float) * of_each).sum())


def _share(total: float, every: float | None) -> float | None:
    return float(total / every) if every is not None and 0 <= total <= every and every > 0 else None


def mean_of(name: str) -> str:
    """Return what the means of a value are called among the columns of the groups."""
    return f"mean of {name}"


def block_means(values: np.ndarray, group: np.ndarray, of_group: np.ndarray) -> np.ndarray:
    """Return the mean of each group as exactly as it may be shown; NaN in a segment that one or two make up most of.

    Where they do so in a group, it shares one mean with its neighbours, who are alike, so that the mean of whatever
    passes a filter is that of whole such blocks: two answers never differ by what one customer is worth.
    """
    order = np.argsort(group, kind="stable")
    values, starts = values[order], np.searchsorted(group[order], np.arange(len(of_group) + 1))
    found = np.full(len(of_group), np.nan)
    for segment in np.unique(of_group):
        own, blocks = np.flatnonzero(of_group == segment), []
        first, end = own[0], own[-1] + 1
        for one in own:
            mean = _shown_mean(values[starts[first] : starts[one + 1]])
            if mean is not None:
                blocks.append(first)
                found[first : one + 1], first = mean, one + 1
        while first < end and blocks:  # what is left over belongs to the block before it
            mean = _shown_mean(values[starts[blocks[-1]] : starts[end]])
            found[blocks[-1] : end] = np.nan if mean is None else mean
            first = end if mean is not None else blocks[-1]
            blocks.pop()
    return found


def _shown_mean(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    sizes = np.sort(np.abs(known))
    if len(known) < SMALLEST_GROUP or dominated(sizes.sum(), sizes[-1], sizes[-2]):
        return None
    return float(to_step(known.mean(), step(len(known), known.min(), known.max())))
