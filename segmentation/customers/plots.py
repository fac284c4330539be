"""What the customers look like, drawn: computed tables in, axes out; a list of axes where each can be read by itself.

Where a table is private, whatever shows a single customer is hidden: points become counts on a grid, groups under ten
and box-plot outliers are left out.
"""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from segmentation.core.dataset import Dataset
from segmentation.core.figures import (
    FIGURE_BINS,
    INK,
    NEUTRAL,
    PAGE,
    few_ticks,
    label_axis,
    mark_style,
    panels,
    public_counts,
    wrapped,
)
from segmentation.core.privacy import in_tens
from segmentation.core.text import whole
from segmentation.customers.counts import Grouping
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import column_edges, grid_edges, public_categories

MOST_POINTS = 5_000
WHISKERS = [0.05, 0.25, 0.5, 0.75, 0.95]


def distributions(customers: Customers, names: Sequence[str]):
    """Draw a histogram and a box plot of each numeric column; None of none."""
    if not names:
        return None
    axes = panels(2 * len(names))
    for i, name in enumerate(names):
        _histogram(axes[2 * i], customers, name)
        axes[2 * i].set(ylabel="customers")
        boxes(axes[2 * i + 1], customers, name, Grouping(), vertical=False)
        axes[2 * i + 1].set(yticks=[])
        for ax in axes[2 * i : 2 * i + 2]:
            label_axis(ax, "x", customers.dataset.axis(name))
            few_ticks(ax)
    return axes


def boxes(ax, customers: Customers, name: str, groups: Grouping, *, vertical=True, shades=None):
    """Draw the middle half of each group, whiskers to the 5th and 95th percentile and the customers beyond.

    When private the boxes stand alone, those of ten customers or more; of a sample nobody beyond is drawn.
    """
    found = customers.quantiles(name, WHISKERS, groups)
    found, private = found[found["customers"] >= customers.least], customers.private
    ends = [0.25, 0.75] if private else [WHISKERS[0], WHISKERS[-1]]
    beyond = {} if private or customers.sampled else _beyond(customers.sample, name, groups, found)
    stats = [
        {"label": str(group), "whislo": row[ends[0]], "q1": row[0.25], "med": row[0.5], "q3": row[0.75],
         "whishi": row[ends[1]], "fliers": beyond.get(group, [])}
        for group, row in found.iterrows()
    ]  # fmt: skip
    drawn = ax.bxp(stats, orientation="vertical" if vertical else "horizontal", widths=0.5, patch_artist=True,
                   showcaps=not private, boxprops={"edgecolor": INK}, medianprops={"color": INK},
                   flierprops={"markersize": 3, "markeredgecolor": INK, "marker": "o", "fillstyle": "none"},
                   whiskerprops={"color": INK}, capprops={"color": INK})  # fmt: skip
    for i, box in enumerate(drawn["boxes"]):
        box.set_facecolor(shades[i] if shades else NEUTRAL)
    return found.index


def _beyond(frame: pd.DataFrame, name: str, groups: Grouping, found: pd.DataFrame) -> dict:
    """Return the values of each group beyond its whiskers."""
    values = frame[name].groupby(groups.of_frame(frame), observed=True)
    outer = {group: (found.loc[group, WHISKERS[0]], found.loc[group, WHISKERS[-1]]) for group in found.index}
    return {g: own[(own < outer[g][0]) | (own > outer[g][1])].to_numpy() for g, own in values if g in outer}


def _histogram(ax, customers: Customers, name: str):
    bins = min(30, max(5, round(customers.filled([name])[name] ** 0.5)))
    edges = column_edges(customers, name, bins, logged=customers.dataset.axis(name).logged)
    counts = public_counts(customers.histogram(name, edges), customers.private)
    drawn = counts > 0
    style = {"align": "edge", "color": NEUTRAL, "edgecolor": "white", "linewidth": 0.5}
    ax.bar(edges[:-1][drawn], counts[drawn], np.diff(edges)[drawn], **style)


def categories(customers: Customers, names: Sequence[str]):
    """Draw the number of customers in each category of each column of which any may be shown; None of none."""
    counts = {name: public_categories(customers, name) for name in names}
    shown = {name: own for name, own in counts.items() if len(own)}
    if not shown:
        return None
    axes = panels(len(shown))
    for ax, (name, counts) in zip(axes, shown.items(), strict=True):
        ax.barh(counts.index.astype(str), counts, color=NEUTRAL)
        ax.bar_label(ax.containers[0], fmt=whole, padding=3)
        ax.invert_yaxis()
        ax.set(xlabel="customers", title=customers.dataset.label(name))
    return axes


def relation(customers: Customers, names: Sequence[str], ax=None):
    """Draw the first two of these numeric columns against each other; None of less than two."""
    if len(names) < 2:
        return None
    ax = ax or plt.subplots(figsize=(PAGE * 0.7, 4.5))[1]
    labels = {name: customers.dataset.axis(name) for name in names[:2]}
    cloud(ax, customers, labels)
    for side, label in zip("xy", labels.values(), strict=True):
        label_axis(ax, side, label)
    return ax


def cloud(ax, customers: Customers, labels: Mapping[str, str], by: str | None = None):
    """Draw points, or where these would show customers or be too many, counts on a grid; `by` gives them colours.

    Parameters
    ----------
    labels : dict
        Column -> axis label, which knows whether its scale is logarithmic; x first.
    """
    private = customers.private
    x, y = (list(labels) * 2)[:2]
    if not private and customers.number <= MOST_POINTS:
        frame = customers.sample
        for group, own in frame.groupby(by) if by else [(1, frame)]:
            ax.scatter(own[x], own[y], **mark_style(group, by))
        return
    edges = tuple(_edges(customers, name, labels[name]) for name in (x, y))
    for group, cells in sorted(customers.grids((x, y), edges, by).items()):
        cells = in_tens(cells) if private else cells
        style = mark_style(group, by)
        shades = [(*mpl.colors.to_rgb(style["color"]), 0.15), style["color"]]
        shades = mpl.colors.LinearSegmentedColormap.from_list("shade", shades)
        ax.pcolormesh(*edges, np.ma.masked_equal(cells.T, 0), cmap=shades, rasterized=True)
        ax.scatter([], [], **style)


def _edges(customers: Customers, name: str, label: str) -> np.ndarray:
    return grid_edges(customers, name, most=FIGURE_BINS, logged=getattr(label, "logged", False))


def count_pairs(customers: Customers, names: list[str]) -> None:
    """Count at once the customers in the cells of every two columns that will be drawn."""
    customers.count_together({name: _edges(customers, name, customers.dataset.axis(name)) for name in names})


def pairwise(customers: Customers, names: list[str]):
    """Draw every pair of numeric columns, with histograms on the diagonal; None of a single column."""
    if len(names) < 2:
        return None
    n, axis = len(names), customers.dataset.axis
    axes = np.reshape(panels(n * n, columns=n, height=PAGE / n * 0.8), (n, n))
    for i, row in enumerate(names):
        for j, column in enumerate(names):
            if i == j:
                _histogram(axes[i, j], customers, row)
                label_axis(axes[i, j], "x", axis(row))
            else:
                relation(customers, (column, row), ax=axes[i, j])
            few_ticks(axes[i, j], most=3)
            axes[i, j].set(xlabel=wrapped(axis(column)) if i == n - 1 else "")
            axes[i, j].set(ylabel=wrapped(axis(row)) if j == 0 else "")
    return axes[0, 0]


def correlation(correlation: pd.DataFrame, dataset: Dataset):
    """Draw a correlation matrix as a labelled heat map."""
    correlation = correlation.rename(index=dataset.label, columns=dataset.label)
    _, ax = plt.subplots(figsize=(PAGE * 0.6, 0.6 + 0.7 * len(correlation)))
    sns.heatmap(correlation, vmin=-1, vmax=1, cmap="RdBu_r", annot=True, fmt=".2f", square=True, ax=ax, cbar=False)
    ax.set(xlabel="", ylabel="")
    plt.setp(ax.get_xticklabels(), rotation=30, ha="right")
    ax.grid(False)
    return ax


def groups(customers: Customers, name: str, groups: dict[str, Grouping]):
    """Draw box plots of a numeric column, a panel for each way to group the customers with a group to show, or None."""
    sizes = {by: customers.quantiles(name, [0.5], way)["customers"] for by, way in groups.items()}
    drawn = [by for by, own in sizes.items() if (own >= customers.least).any()]
    if not drawn:
        return None
    axes = panels(len(drawn), height=3.2)
    for ax, by in zip(axes, drawn, strict=True):
        shown = boxes(ax, customers, name, groups[by])
        ax.set(xlabel=by)
        label_axis(ax, "y", customers.dataset.axis(name))
        ax.tick_params(axis="x", rotation=30 if len(shown) > 4 else 0)
    return axes
