"""What the table shows before any segment is formed: summaries and their sentences."""

import numpy as np
import pandas as pd

from segmentation.customers import Customers
from segmentation.dataset import Dataset
from segmentation.edges import log_edges, round_edges
from segmentation.privacy import SMALLEST_GROUP, withheld
from segmentation.tallies import Grouping
from segmentation.words import amount, count, escape, listing

CLEAR = 0.5
WEAK = 0.2
MOST_BANDS = 7
MOST_CATEGORIES = 12
FEWEST_BINS = 4
MOST_PAIRED = 4


def split_types(customers: Customers, dataset: Dataset, columns) -> tuple[list[str], list[str]]:
    """Split columns into numbers and categories, without those that hold nothing (or too little to be shown)."""
    least = SMALLEST_GROUP if dataset.privacy == "aggregate" else 1
    filled = customers.filled(columns)
    numbers = [name for name in columns if filled[name] >= least and dataset.columns[name].numeric]
    return numbers, [name for name in columns if filled[name] >= least and name not in numbers]


def lump(customers: Customers, categories: list[str]) -> Customers:
    """Bring the rarer categories of a column with more than twelve together, as "289 others"; ties go by name."""
    for name in categories:
        counts = by_size(customers.counts(name))
        if len(counts) > MOST_CATEGORIES:
            rest = list(counts.index[MOST_CATEGORIES - 1 :])
            customers = customers.replacing(name, rest, f"{len(rest):,} others")
    return customers


def by_size(counts: pd.Series) -> pd.Series:
    """Return counts from the largest to the smallest; ties stay as they are."""
    return counts.sort_values(ascending=False, kind="stable")


def quantiles(customers: Customers, names: list[str], dataset: Dataset) -> pd.DataFrame:
    """Return the 5th, 25th, 50th, 75th and 95th percentile of each column, one row a column.

    The smallest and the largest value are left out: each belongs to one customer. So do the outer percentiles of a
    small table that is private.
    """
    outer = dataset.privacy == "rows" or customers.number >= 20 * SMALLEST_GROUP
    shown = {"5%": 0.05, "25%": 0.25, "median": 0.5, "75%": 0.75, "95%": 0.95}
    shown = shown if outer else {name: q for name, q in shown.items() if 0.25 <= q <= 0.75}
    levels = list(shown.values())
    table = pd.concat([customers.quantiles(name, levels)[levels] for name in names])
    table.columns = list(shown)
    return table.set_axis([dataset.axis(name) for name in names]).rename_axis("column")


def tell_distributions(customers: Customers, names: list[str], dataset: Dataset) -> str:
    """Say for each column where the middle half of the customers lies, and whether the distribution leans."""
    return " ".join(_tell_distribution(customers, name, dataset) for name in names)


def _tell_distribution(customers: Customers, name: str, dataset: Dataset) -> str:
    label, unit = dataset.label(name), dataset.columns[name].unit
    low, middle, high = customers.quantiles(name, [0.25, 0.5, 0.75]).iloc[0][[0.25, 0.5, 0.75]]
    limits = customers.limits([name]).loc[name]
    if limits["low"] == limits["high"]:
        return f"**{escape(label)}** is {amount(middle, unit)} for every customer."
    skew = customers.skew(name)
    side = "high" if skew > 0 else "low"
    lean = "leans neither way" if abs(skew) < CLEAR else f"has its long tail on the {side} side"
    return (
        f"**{escape(label)}**: half of the customers lie between {amount(low)} and {amount(high, unit)} "
        f"(median {amount(middle)}); the distribution {lean}."
    )


def tell_categories(counts: pd.Series, label: str) -> str:
    """Say how the customers divide among the categories, the groups under 10 left out."""
    counts = by_size(counts)
    shown = counts[~withheld(counts.to_numpy())]
    parts = listing(f"{escape(name)} {n:,} ({100 * n / counts.sum():.0f}%)" for name, n in shown.items())
    return f"**{escape(label)}**: {parts or 'no group has ten customers or more'}."


def tell_relation(r: float, one: str, other: str) -> str:
    """Say in words how strong a linear correlation is; NaN where a column does not vary."""
    if np.isnan(r):
        return f"{escape(one)} and {escape(other)} cannot be correlated, because one of them does not vary."
    strength = "hardly" if abs(r) < WEAK else "weakly" if abs(r) < CLEAR else "clearly"
    way = "" if abs(r) < WEAK else " in the same direction" if r > 0 else " in opposite directions"
    return f"{escape(one)} and {escape(other)} are {strength} correlated{way} (r = {_signed(r)})."


def _signed(r: float) -> str:
    return f"{r:.2f}".replace("-0.00", "0.00").replace("-", "−")


def strongest_pair(correlation: pd.DataFrame) -> tuple[str, str, float]:
    """Return the two columns with the strongest linear correlation, and the coefficient."""
    r = correlation.to_numpy()
    strength = np.where(np.triu(np.ones(r.shape, bool), k=1), np.nan_to_num(np.abs(r)), -1)
    i, j = np.unravel_index(strength.argmax(), r.shape)
    return correlation.index[i], correlation.columns[j], float(r[i, j])


def most_linked(correlation: pd.DataFrame) -> list[str]:
    """Return the four columns with the strongest linear correlations, in the order of the table; or all of fewer."""
    strength = correlation.abs().where(~np.eye(len(correlation), dtype=bool)).max().fillna(0)
    kept = strength.sort_values(ascending=False, kind="stable").index[:MOST_PAIRED]
    return [name for name in correlation if name in kept]


def tell_pairs(correlation: pd.DataFrame, labels: dict[str, str]) -> str:
    """Say which columns are drawn in pairs, and which two of them are linked most."""
    one, other, r = strongest_pair(correlation)
    drawn = len(most_linked(correlation))
    every = (
        "Every pair of numeric columns."
        if drawn == len(correlation)
        else (f"The {count(drawn, 'numeric column')} of {len(correlation)} with the strongest links, in pairs.")
    )
    return f"{every} The strongest link: {tell_relation(r, labels[one], labels[other])}"


def tell_clear_pairs(correlation: pd.DataFrame, labels: dict[str, str]) -> str:
    """Say how many pairs of columns are clearly correlated."""
    names = list(correlation)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    clear = [f"{escape(labels[a])} with {escape(labels[b])}" for a, b in pairs if abs(correlation.loc[a, b]) >= CLEAR]
    some = f"{count(len(clear), 'pair is', 'pairs are')} clearly correlated"
    return f"{some} ({listing(clear)})" if clear else some


def bands(customers: Customers, name: str) -> Grouping:
    """Cut numbers into at most eight bands of one round width, labelled as "20-29"."""
    low, high, _ = customers.limits([name]).loc[name]
    edges = round_edges(low, high, MOST_BANDS)
    width = edges[1] - edges[0]
    whole = width > 1 and float(width).is_integer()
    ends = edges[1:] - 1 if whole else edges[1:]
    joined = "–" if whole else " up to "
    return Grouping(name, edges, tuple(f"{a:.12g}{joined}{b:.12g}" for a, b in zip(edges[:-1], ends, strict=True)))


def column_edges(customers: Customers, name: str, most: int, *, logged: bool = False) -> np.ndarray:
    """Return the edges of at most `most` + 1 bands of a column, on the scale on which it is shown."""
    low, high, whole = customers.limits([name]).loc[name]
    return log_edges(low, high, most, whole=whole) if logged else round_edges(low, high, most)


def grid_edges(customers: Customers, name: str, *, most: int, logged: bool = False) -> np.ndarray:
    """Return the edges of a column in a grid of two: so many bins that a cell holds ten or more, if spread evenly."""
    bins = int(np.clip((customers.number / 2 / SMALLEST_GROUP) ** 0.5, FEWEST_BINS, most))
    return column_edges(customers, name, bins, logged=logged)


def group_medians(customers: Customers, name: str, groups: Grouping) -> pd.DataFrame:
    """Return group, customers and median of a column for each group of at least ten."""
    table = customers.quantiles(name, [0.5], groups).rename(columns={0.5: "median"})
    return table[table["customers"] >= SMALLEST_GROUP].rename_axis("group").reset_index()


def tell_groups(customers: Customers, groups: Grouping, by: str, name: str, dataset: Dataset) -> str:
    """Say in which group the median of column `name` is highest and lowest."""
    medians, label, unit = group_medians(customers, name, groups), dataset.label(name), dataset.columns[name].unit
    if len(medians) < 2:
        return f"{escape(by)} has no two groups of {SMALLEST_GROUP} customers or more to compare."
    if medians["median"].map(amount).nunique() < 2:
        return f"The median {escape(label)} does not differ between the groups of {escape(by)}."
    top, bottom = medians.loc[medians["median"].idxmax()], medians.loc[medians["median"].idxmin()]
    return (
        f"By {escape(by)}, the median {escape(label)} runs from {amount(bottom['median'])} ({escape(bottom['group'])}) "
        f"to {amount(top['median'], unit)} ({escape(top['group'])})."
    )


def sample_rows(n: int, most: int, *, seed: int = 0) -> np.ndarray:
    """Return all row numbers, or `most` of them drawn without replacement, in order."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))
