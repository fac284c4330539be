"""What the table shows before any segment is formed: percentiles, links, bands, and the groups of a column."""

import math
from collections.abc import Collection, Iterable, Mapping
from itertools import chain, combinations

import numpy as np
import pandas as pd

from segmentation.core.dataset import Dataset
from segmentation.core.privacy import (
    OUTER,
    SMALLEST_GROUP,
    dominated,
    in_tens,
    rung,
    step,
    to_shares,
    to_step,
    withheld,
    withheld_beside,
)
from segmentation.customers.counts import Grouping, log_edges, round_edges, rounded, undo, unskew
from segmentation.customers.customers import Customers
from segmentation.language import tr
from segmentation.language.signs import written
from segmentation.language.writing import fixed, spanning

MOST_BANDS = 7
MOST_CATEGORIES = 12
MOST_PANELS, MOST_DRAWN_ROWS = 12, 24  # of one figure; of a heat map, or of a profile
FEWEST_BINS, GRID_BINS, FINE_BINS = 4, 12, 32
MOST_PAIRED = 4
MOST_POINTS = 5_000
ITEMS = ("yes/no", "rating")  # answers on a short scale, not amounts
RANKS_BESIDE = (-9, -5, 5, 9)  # ranks beside a percentile: between five below and above are ten, as from it to nine


def split_types(customers: Customers, columns=None) -> tuple[list[str], list[str]]:
    """Split columns into numbers and categories, without those that hold nothing (or too little to be shown).

    Parameters
    ----------
    columns : iterable of str, optional
        Those of the features and descriptors that are asked for; without it all of them.
    """
    dataset = customers.dataset
    columns = dataset.named("feature", "descriptor") if columns is None else columns
    filled = customers.filled(columns)
    shown = [name for name in columns if filled[name] >= customers.least]
    numbers = [name for name in shown if dataset.columns[name].numeric]
    return numbers, [name for name in shown if name not in numbers]


def items_of(dataset: Dataset, names: Iterable[str]) -> list[str]:
    """Return which of these columns hold answers on a short scale, yes or no or a rating, and no amounts."""
    known = ((name, dataset.columns.get(name)) for name in names)
    return [name for name, column in known if column and column.type in ITEMS and column.numeric]


def amounts_of(dataset: Dataset, names: Collection[str]) -> list[str]:
    """Return those of these columns that can be set against each other: all but items."""
    items = items_of(dataset, names)
    return [name for name in names if name not in items]


def are_items(dataset: Dataset, names: Collection[str]) -> bool:
    """Return whether all of these columns are items, as in a questionnaire."""
    return len(names) > 0 and len(items_of(dataset, names)) == len(names)


def how_scaled(dataset: Dataset, features: Collection[str]) -> str:
    """Return how these features are scaled: as dataset.yaml asks; where it does not, items are left as they are."""
    asked = "scaling" in dataset.model_fields_set
    return "none" if not asked and are_items(dataset, features) else dataset.scaling


def describing(customers: Customers, features: Iterable[str]) -> tuple[Customers, list[str], list[str]]:
    """Return the customers, rarer categories brought together, and the numbers and categories that describe them."""
    descriptors = [name for name in customers.dataset.named("feature", "descriptor") if name not in features]
    numbers, categories = split_types(customers, descriptors)
    return lump(customers, categories), numbers, categories


def lump(customers: Customers, categories: list[str]) -> Customers:
    """Bring the rarer categories of a column with more than twelve together, as "289 others"; ties go by name."""
    for name in categories:
        counts = by_size(customers.counts(name))
        if len(counts) > MOST_CATEGORIES:
            rest = list(counts.index[MOST_CATEGORIES - 1 :])
            customers = customers.replacing(name, rest, tr("{n} others", n=fixed(len(rest))))
    return customers


def by_size(counts: pd.Series) -> pd.Series:
    """Return counts from the largest to the smallest; ties stay as they are."""
    return counts.sort_values(ascending=False, kind="stable")


def public_categories(customers: Customers, name: str) -> pd.Series:
    """Return how many customers each category has, the largest first; in tens, where some must not be shown."""
    counts = by_size(customers.counts(name))
    return in_tens(counts[~withheld(counts.to_numpy())]) if customers.private else counts


def are_shown(customers: Customers, sizes: pd.Series, groups: Grouping) -> pd.Series:
    """Return which groups of customers may be shown: where rows are private those whose counts may.

    The sizes of segments are known, so that none of them needs to hide another.
    """
    if customers.private and groups.column not in (None, "segment"):
        return pd.Series(~withheld(sizes.to_numpy()), sizes.index)
    return sizes >= customers.least


def quantiles(customers: Customers, name: str, levels: list[float], by: Grouping | None = None) -> pd.DataFrame:
    """Return quantiles as `Customers.quantiles` does; of private numbers none that is the value of a few customers.

    Each is rounded to a step that spans the five ranks below and above it, unless ten customers or more have it.
    """
    found = customers.quantiles(name, levels, by)
    if not customers.private or _kind(customers, name) != "number":
        return found
    ranks = [(group, at, 1 / max(n - 1, 1)) for group, n in found["customers"].items() for at in levels]
    beside = {(group, at): [float(np.clip(at + by * one, 0, 1)) for by in RANKS_BESIDE] for group, at, one in ranks}
    every, shown = customers.quantiles(name, sorted({*levels, *chain(*beside.values())}), by), found.astype(float)
    for (group, at), places in beside.items():
        value, (far_below, below, above, far_above) = found.loc[group, at], every.loc[group, places]
        shown.loc[group, at] = to_step(value, 0 if value in (far_below, far_above) else rung(rounded(above - below)))
    shown[sorted(levels)] = shown[sorted(levels)].cummax(axis=1)
    return shown.astype({"customers": int})


def _kind(customers: Customers, name: str) -> str:
    column = customers.dataset.columns.get(name)
    return "number" if column is None or column.is_number or column.is_amount else column.type


def counts_by_segment(customers: Customers, name: str) -> pd.DataFrame:
    """Return how many customers of each segment have each value of a column, also of one where nobody is known."""
    return customers.counts(name, by="segment").reindex(customers.counts("segment").index, fill_value=0)


def shown_shares(customers: Customers, name: str) -> pd.DataFrame:
    """Return the shares of the values of a private column in each segment; NaN where they may not be shown.

    Beside them each sum of all customers is known: of categories in tens, of yes and no as a share of all, and of
    groups that no column of the table has, as RFM groups, as both.
    """
    counts = counts_by_segment(customers, name)
    if counts.empty:
        return counts.astype(float)
    table, every = counts.to_numpy(), counts.sum().to_numpy()
    parts, low, high = to_shares(table)
    told = in_tens(every), in_tens(every) + SMALLEST_GROUP - 1
    if _kind(customers, name) in ("yes/no", "number"):  # the latter is what no column is
        _, least, most = to_shares(every[None])
        told = np.maximum(told[0], least[0]), np.minimum(told[1], most[0])
    unknown = withheld(every)
    totals = np.where(unknown, 0, told[0]), np.where(unknown, every.sum(), told[1])
    hidden = withheld_beside(low, table, high, totals) | (every < SMALLEST_GROUP)
    return pd.DataFrame(parts, counts.index, counts.columns).mask(hidden)


def exactness(customers: Customers, name: str, by: Grouping | None = None, *, power: float = 1) -> pd.DataFrame:
    """Return how exactly the mean of a private column may be shown: step, and hidden (not at all), one row a group.

    It is hidden of fewer than ten, and where one or two make up most of the sum. Of yes and no it is a share, which
    tells of fewer than ten where so few say the one. Of what is averaged by another power the step is one on that
    scale, between its ends low and high. Of a value, of which the sum of all is told too, as many more segments are
    hidden that nobody makes up most of what is left of it.
    """
    groups = by or Grouping()
    known = customers.quantiles(name, [0.0, 1.0], groups)["customers"]
    seconds = {group: 1 / max(n - 1, 1) for group, n in known.items()}
    levels = sorted({0.0, 1.0, *seconds.values(), *(1 - level for level in seconds.values())})
    every = customers.quantiles(name, levels, groups)
    totals = customers.absolute(name, groups)
    rows, answers = [], _kind(customers, name) == "yes/no"
    hides = shown_shares(customers, name).isna().any(axis=1) if answers and groups.column == "segment" else {}
    for group, own in every.iterrows():
        n, second, total = int(own["customers"]), seconds[group], totals[group]
        two = sorted(abs(own[level]) for level in {0.0, second, 1 - second, 1.0})[-2:]
        low, high = unskew(own[[0.0, 1.0]].to_numpy(float), power)
        exact, alone = step(n, low, high), dominated(total, two[-1], two[0])
        if answers:
            exact, few = rung(SMALLEST_GROUP / 2 / n) if exact else 0.0, 0 < min(total, n - total) < SMALLEST_GROUP
            alone = few or hides.get(group, False)
        rows.append((exact, bool(alone) or n < SMALLEST_GROUP, low, high, n, total, two[-1], two[0]))
    found = pd.DataFrame(rows, every.index, ["step", "hidden", "low", "high", "n", "total", "largest", "second"])
    of_all = groups.column == "segment" and name in customers.dataset.values
    return found.assign(hidden=_hidden_together(found)) if of_all else found


def _hidden_together(groups: pd.DataFrame) -> pd.Series:
    """Return which groups to hide, with as many more that the sum of those hidden is no one's: the least that will do.

    Without them it would follow from the sum of all and those of the others (secondary suppression).
    """
    hidden = groups["hidden"].copy()
    while hidden.any() and not hidden.all() and _is_told(groups[hidden]):
        shown = groups.index[~hidden][groups["total"][~hidden].argsort(kind="stable")]
        enough = (group for group in shown if not _is_told(groups[hidden | (groups.index == group)]))
        hidden[next(enough, shown[-1])] = True
    return hidden


def _is_told(groups: pd.DataFrame) -> bool:
    """Return whether the sum of groups together tells what one or two customers have."""
    *_, second, largest = sorted([*groups["largest"], *groups["second"]])
    return groups["n"].sum() < SMALLEST_GROUP or bool(dominated(groups["total"].sum(), largest, second))


def shown_means(
    customers: Customers,
    means: pd.DataFrame,
    by: Grouping | None = None,
    *,
    bent: Mapping[str, float] | None = None,
    beside: pd.DataFrame | None = None,
    towards: str = "nearest",
) -> pd.DataFrame:
    """Return means, one row a group and one column a column, as exactly as they may be shown; NaN where not at all.

    Parameters
    ----------
    bent : columns that are averaged on another scale, on which no customer makes up most of a sum, with its power
    beside : the means of which these are the ends of intervals, `towards` "low" or "high"
    """
    if not customers.private:
        return means
    shown, powers, beside = means.astype(float), bent or {}, means if beside is None else beside
    for name in means:
        for group, exact in exactness(customers, name, by, power=powers.get(name, 1)).iterrows():
            hidden = exact["hidden"] and name not in powers
            at = _step_there(beside.loc[group, name], exact, powers[name]) if name in powers else exact["step"]
            shown.loc[group, name] = np.nan if hidden else to_step(means.loc[group, name], at, towards)
    return shown


def _step_there(mean: float, exact: pd.Series, power: float) -> float:
    """Return what a step on the scale of a power is around a mean in the units of the table.

    A step of these, by one who is a hundred times above the others, would be far above the mean: it would round to 0.
    """
    ends = exact[["low", "high"]].to_numpy(float)
    around = unskew(np.array([mean]), power) + exact["step"] * np.array([-0.5, 0.5])
    below, above = undo(np.clip(around, *ends), power)
    return rung(rounded(above - below, digits=8))


def with_percentiles(dataset: Dataset, names: Iterable[str]) -> list[str]:
    """Return which of these columns have percentiles: a yes or no has none."""
    return [name for name in names if dataset.columns[name].type != "yes/no"]


def percentiles(customers: Customers, names: list[str]) -> pd.DataFrame:
    """Return the 5th, 25th, 50th, 75th and 95th percentile of each column but yes and no, one row a column.

    The smallest and the largest value are left out: each belongs to one customer. So do the outer percentiles of a
    small table that is private.
    """
    names = with_percentiles(customers.dataset, names)
    if not names:
        return pd.DataFrame()
    outer = not customers.private or customers.filled(names).min() >= OUTER
    shown = {"5%": 0.05, "25%": 0.25, "median": 0.5, "75%": 0.75, "95%": 0.95}
    shown = shown if outer else {name: q for name, q in shown.items() if 0.25 <= q <= 0.75}
    levels = list(shown.values())
    table = pd.concat([quantiles(customers, name, levels)[levels] for name in names])
    table.columns = list(shown)
    return table.set_axis([customers.dataset.axis(name) for name in names]).rename_axis("column")


def strongest_pair(correlation: pd.DataFrame) -> tuple[str, str, float]:
    """Return the two columns with the strongest linear correlation, and the coefficient."""
    r = correlation.to_numpy()
    strength = np.where(np.triu(np.ones(r.shape, bool), k=1), np.nan_to_num(np.abs(r)), -1)
    i, j = np.unravel_index(strength.argmax(), r.shape)
    return correlation.index[i], correlation.columns[j], float(r[i, j])


def among_amounts(correlation: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Return the correlations of columns that are no items with each other."""
    names = amounts_of(dataset, list(correlation))
    return correlation.loc[names, names]


def most_linked(correlation: pd.DataFrame, dataset: Dataset) -> list[str]:
    """Return the four columns with the strongest linear correlations, in the order of the table; or all of fewer.

    Items are left out: two of them are a grid of few points.
    """
    correlation = among_amounts(correlation, dataset)
    strength = correlation.abs().where(~np.eye(len(correlation), dtype=bool)).max().fillna(0)
    kept = strength.sort_values(ascending=False, kind="stable").index[:MOST_PAIRED]
    return [name for name in correlation if name in kept]


def further_pairs(correlation: pd.DataFrame, dataset: Dataset, features: Collection[str]) -> list[tuple[str, str]]:
    """Return every two of the columns that are linked most, but for the first two features, drawn by themselves."""
    drawn = {*amounts_of(dataset, features)[:2]}
    return [two for two in combinations(most_linked(correlation, dataset), 2) if {*two} != drawn]


def bands(customers: Customers, name: str) -> Grouping:
    """Cut numbers into at most eight bands of one round width, labelled as "20-29", or by the words of ranks."""
    low, high, _ = customers.limits([name]).loc[name]
    edges = round_edges(low, high, MOST_BANDS)
    width = edges[1] - edges[0]
    whole = width > 1 and float(width).is_integer()
    ends = edges[1:] - 1 if whole else edges[1:]
    if levels := getattr(customers.dataset.columns.get(name), "levels", []):
        first = [levels[max(math.ceil(edge), 1) - 1] for edge in edges[:-1]]
        last = [levels[min(math.ceil(edge) - 1, len(levels)) - 1] for edge in edges[1:]]
        return Grouping(
            name, edges, tuple(a if a == b else spanning((a, b), str) for a, b in zip(first, last, strict=True))
        )
    told = ([written(f"{end:.12g}") for end in two] for two in zip(edges[:-1], ends, strict=True))
    return Grouping(name, edges, tuple(f"{a}–{b}" if whole else tr("{a} up to {b}", a=a, b=b) for a, b in told))


def groupings(customers: Customers, numbers: list[str], categories: list[str]) -> dict[str, Grouping]:
    """Return each way to group the customers, by what a reader calls the column: categories first, then bands."""
    label = customers.dataset.label
    return {label(name): Grouping(name) for name in categories} | {label(n): bands(customers, n) for n in numbers}


def column_edges(customers: Customers, name: str, most: int, *, logged: bool = False) -> np.ndarray:
    """Return the edges of at most `most` + 1 bands of a column, on the scale on which it is shown."""
    low, high, whole = customers.limits([name]).loc[name]
    return log_edges(low, high, most, whole=whole) if logged else round_edges(low, high, most)


def grid_edges(customers: Customers, name: str, *, most: int, logged: bool = False) -> np.ndarray:
    """Return the edges of a column in a grid of two: so many bins that a cell holds ten or more, if spread evenly."""
    bins = int(np.clip((customers.number / 2 / SMALLEST_GROUP) ** 0.5, FEWEST_BINS, most))
    return column_edges(customers, name, bins, logged=logged)


def fine_edges(customers: Customers, name: str, *, logged: bool = False) -> np.ndarray:
    """Return the edges of a grid that reaches as far as that of `grid_edges`, each of its bins halved until it is fine.

    Its ends would tell of a customer if they were found anew.
    """
    edges = grid_edges(customers, name, most=FINE_BINS, logged=logged)
    while len(edges) <= FINE_BINS:
        finer = np.sort(np.append(edges, along(edges[:-1], edges[1:], 0.5, logged=logged)))
        finer = np.unique(np.ceil(finer)) if customers.limits([name]).loc[name, "whole"] else finer
        if len(finer) == len(edges):
            break
        edges = finer
    return edges


def rounded_limits(customers: Customers, name: str, *, logged: bool = False) -> tuple[float, float]:
    """Return between which round numbers a column lies, where its limits would tell of a customer."""
    edges, high = grid_edges(customers, name, most=GRID_BINS, logged=logged), customers.limits([name]).loc[name, "high"]
    return float(edges[0]), float(edges[max(1, np.searchsorted(edges, high))])


def in_points(customers: Customers) -> bool:
    """Return whether customers are drawn one by one: not where that shows them, or they are too many."""
    return not customers.private and customers.number <= MOST_POINTS


def along(low, high, share, *, logged: bool):
    """Return the place that is this share of the way from `low` to `high`, on the scale on which these are shown."""
    low, high = bend(low, logged), bend(high, logged)
    return unbend(low + share * (high - low), logged)


def bend(values, logged: bool):
    """Return numbers as a logarithmic scale places them, with room for 0 and what is below."""
    return np.sign(values) * np.log1p(np.abs(values)) if logged else values


def unbend(places, logged: bool):
    """Return the numbers at these places of a scale."""
    return np.sign(places) * np.expm1(np.abs(places)) if logged else places


def group_medians(customers: Customers, name: str, groups: Grouping) -> pd.Series:
    """Return the median of a column by group; NaN for one of fewer than ten, and for one that is not shown."""
    found = quantiles(customers, name, [0.5], groups)
    return found[0.5].where((found["customers"] >= SMALLEST_GROUP) & are_shown(customers, found["customers"], groups))


def sample_rows(n: int, most: int, *, seed: int = 0) -> np.ndarray:
    """Return all row numbers, or `most` of them drawn without replacement, in order."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))
