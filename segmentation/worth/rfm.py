"""RFM groups: scores of recency, frequency and monetary value, cut at quintiles, under names that people know."""

import ibis
import numpy as np
import pandas as pd

from segmentation.core.dataset import OF_RFM, Dataset
from segmentation.core.engine import double
from segmentation.core.privacy import SMALLEST_GROUP, in_tens, rung, to_step
from segmentation.customers.counts import Grouping, rand_index, rounded
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import counts_by_segment, public_categories, quantiles
from segmentation.language import mark, tr
from segmentation.language.writing import percent, share_texts
from segmentation.roles.known import kind_of
from segmentation.runs.worth import Rfm, RfmGroup
from segmentation.segments.profiles import category_shares
from segmentation.worth.value import known_or_none, shares_of

GROUP = "rfm"  # what the column of groups is called beside those of a customer
BEST = 5  # of the scores
QUINTILES = (0.2, 0.4, 0.6, 0.8)
# By score of frequency and monetary value (their mean, halves upwards), for recency scores 1 (long ago) to 5 (lately):
# the regions that open code has for ten of these names on a grid of recency and frequency, with its hibernating
# customers parted by recency, so that those of whom one hears least are lost.
USUAL_GRID = {
    5: ("Cannot lose them", "Cannot lose them", "Loyal", "Loyal", "Champions"),
    4: ("At risk", "At risk", "Loyal", "Loyal", "Champions"),
    3: ("At risk", "At risk", "Need attention", "Potential loyalists", "Potential loyalists"),
    2: ("Lost", "Hibernating", "About to sleep", "Potential loyalists", "Potential loyalists"),
    1: ("Lost", "Hibernating", "About to sleep", "Promising", "New"),
}
IN_ORDER = (  # as they are usually listed
    *(mark("Champions"), mark("Loyal"), mark("Potential loyalists"), mark("New"), mark("Promising")),
    *(mark("Need attention"), mark("About to sleep"), mark("At risk"), mark("Cannot lose them")),
    *(mark("Hibernating"), mark("Lost")),
)


def rfm_columns(dataset: Dataset) -> dict[str, str] | None:
    """Return which column is recency, which frequency and which monetary value; None where one is not, or not alone.

    A column of that very name is it; else one that is called so, and of money the main value.
    """
    amounts = [name for name in dataset.named("feature", "descriptor") if dataset.columns[name].is_amount]
    called = {what: [name for name in amounts if kind_of(name, dataset) == what] for what in OF_RFM}
    called["monetary"] = list(dataset.values[:1])
    found = {what: [what] if what in amounts else called[what] for what in OF_RFM}
    if any(len(names) != 1 for names in found.values()):
        return None
    alone = {what: name for what, [name] in found.items()}
    return alone if len({*alone.values()}) == len(OF_RFM) else None


def rfm_groups(customers: Customers) -> Rfm | None:
    """Count the RFM groups of customers who have their segments, at every size; None of a table without these columns.

    Each score is 1 more than the number of cut points below the value, of recency 5 less that number: equal values
    have one score, so that where a fifth or more of the customers have one value fewer scores occur (Hughes 1994 cuts
    at quintiles).

    Parameters
    ----------
    customers : Customers
        segment, and the columns of the dataset.
    """
    dataset = customers.dataset
    columns = rfm_columns(dataset)
    if columns is None or not all(customers.filled(columns.values())):
        return None
    cuts = {what: cut_points(customers, what, name) for what, name in columns.items()}
    grid: dict[int, tuple[str, ...]] = dict(dataset.rfm.groups) or usual_grid()
    scored = _scores(customers.table, columns, cuts)
    seen = customers.table.select(**scored).distinct().to_pandas()
    vacant = {what: tuple(sorted({*range(1, BEST + 1)} - {*seen[what].dropna().astype(int)})) for what in OF_RFM}
    grouped = _grouped(customers, columns, cuts, grid)
    within = category_shares(grouped, GROUP, private=grouped.private)
    known = int(grouped.filled([GROUP]).iloc[0])
    step = rung(SMALLEST_GROUP / 2 / max(known, 1)) if grouped.private else 0.0
    return Rfm(
        columns=columns,
        cuts=cuts,
        vacant={what: scores for what, scores in vacant.items() if scores},
        grid=grid,
        ungrouped=_counted(customers.number - known, private=customers.private),
        step=step,
        groups=_groups(grouped, columns["monetary"], grid, step),
        within={int(str(s)): _shares(row, grid) for s, row in within.iterrows()},
        agreement=agreement(counts_by_segment(grouped, GROUP).to_numpy()),
    )


def cut_points(customers: Customers, what: str, name: str) -> tuple[float, ...]:
    """Return up to which four values scores reach: those of dataset.yaml, else the quintiles as they may be shown."""
    own = [ends for named, ends in customers.dataset.rfm.cuts.items() if named == what]
    if own:
        return own[0]
    return tuple(map(float, quantiles(customers, name, list(QUINTILES)).iloc[0][list(QUINTILES)]))


def _scores(table: ibis.Table, columns: dict[str, str], cuts: dict[str, tuple]) -> dict[str, ibis.Value]:
    """Return the three scores of a customer as expressions."""
    found = {}
    for what, name in columns.items():
        above = sum(((table[name] > double(cut)).cast("int32") for cut in cuts[what]), ibis.literal(0).cast("int32"))
        found[what] = BEST - above if what == "recency" else above + 1
    return found


def _scores_of_frame(frame: pd.DataFrame, columns: dict[str, str], cuts: dict[str, tuple]) -> pd.DataFrame:
    """Return the same of a frame; NaN where a value is missing."""
    found = {}
    for what, name in columns.items():
        above = pd.Series(np.searchsorted(cuts[what], frame[name].to_numpy(float)), frame.index)
        found[what] = (BEST - above if what == "recency" else above + 1).where(frame[name].notna())
    return pd.DataFrame(found)


def _grouped(customers: Customers, columns: dict, cuts: dict, grid: dict) -> Customers:
    """Return the customers with the RFM group of each, null where a value is missing."""
    cells: dict[str, list[int]] = {}
    for recency in range(1, BEST + 1):
        for both in range(2, 2 * BEST + 1):  # the sum of two scores: their mean, halves upwards, is the row of the grid
            cells.setdefault(grid[(both + 1) // 2][recency - 1], []).append(100 * recency + both)
    own = _scores(customers.table, columns, cuts)
    cell = own["recency"] * 100 + own["frequency"] + own["monetary"]
    table = customers.table.mutate(
        **{GROUP: ibis.cases(*((cell.isin(some), name) for name, some in cells.items()), else_=ibis.null("string"))}
    )
    some = _scores_of_frame(customers.sample, columns, cuts)
    names = {number: name for name, numbers in cells.items() for number in numbers}
    told = (some["recency"] * 100 + some["frequency"] + some["monetary"]).map(names)
    return Customers(customers.dataset, table, customers.sample.assign(**{GROUP: told}), customers.counted)


def usual_grid() -> dict[int, tuple[str, ...]]:
    """Return the usual names as the reader knows them."""
    return {row: tuple(map(tr, names)) for row, names in USUAL_GRID.items()}


def in_order(grid: dict[int, tuple[str, ...]]) -> list[str]:
    """Return the names of a grid: the usual ones as they are usually listed, then others, those of the best first."""
    names = dict.fromkeys(name for row in sorted(grid, reverse=True) for name in reversed(grid[row]))
    usual = [*map(tr, IN_ORDER)]
    return sorted(names, key=lambda name: usual.index(name) if name in usual else len(usual))


def _groups(grouped: Customers, value: str, grid: dict, step: float) -> tuple[RfmGroup, ...]:
    """Return customers and value of each group of a grid, as they may be shown."""
    counts, shown = grouped.counts(GROUP), public_categories(grouped, GROUP)
    values = shares_of(grouped.filtered(grouped.table[GROUP].notnull()), value, Grouping(GROUP))
    nothing = RfmGroup(name="", customers=0, share=0.0, value=0.0 if values.notna().any() else None)
    hidden = RfmGroup(name="", customers=None, share=None, value=None)
    groups = {name: hidden if name in counts.index else nothing for name in in_order(grid)}
    for name, customers in shown.items():
        # In steps too, because from an exact share of value one could tell how many customers have it.
        share, worth = (float(to_step(rounded(part), step)) for part in (counts[name] / counts.sum(), values[name]))
        groups[name] = RfmGroup(name="", customers=int(customers), share=share, value=known_or_none(worth))
    return tuple(group.model_copy(update={"name": name}) for name, group in groups.items())


def _shares(row: pd.Series, grid: dict) -> dict[str, float | None]:
    return {name: known_or_none(row[name]) for name in in_order(grid) if name in row.index}


def _counted(n: int, *, private: bool) -> int | None:
    """Return how many customers as they may be shown: in tens, and nothing of fewer than ten."""
    return n if not private or n == 0 else int(in_tens(n)) or None


def group_texts(found: Rfm, *, private: bool) -> tuple[dict[str, str], dict[str, str]]:
    """Return the share of customers and that of value of each RFM group as text; hidden ones are left out."""
    texts = []
    for of in ("share", "value"):
        parts = {group.name: part for group in found.groups if (part := getattr(group, of)) is not None}
        told, little = share_texts(parts, rounded=private), tr("under {share}", share=percent(max(found.step, 0.01)))
        some = [group.name for group in found.groups if group.customers and parts.get(group.name) == 0 and private]
        texts.append(told | dict.fromkeys(some, little))
    return texts[0], texts[1]


def agreement(counts: np.ndarray) -> float | None:
    """Return the adjusted Rand index of groups and segments by how many are in each of both.

    None where one of them does not divide.
    """
    divided = [(counts.sum(axis=axis) > 0).sum() > 1 for axis in (0, 1)]
    return rounded(rand_index(counts)) if all(divided) else None
