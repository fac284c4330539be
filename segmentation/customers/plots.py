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
    CATEGORY,
    FIGURE_BINS,
    INK,
    MOST_IN_GRID,
    NEUTRAL,
    PAGE,
    few_ticks,
    label_axis,
    mark_style,
    one_line,
    panels,
    room,
    wrapped,
)
from segmentation.core.privacy import NOT_SHOWN, OUTER, SMALLEST_GROUP, in_tens
from segmentation.customers.counts import Grouping
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import (
    along,
    amounts_of,
    are_shown,
    column_edges,
    grid_edges,
    in_points,
    items_of,
    public_categories,
    quantiles,
    shown_means,
    with_percentiles,
)
from segmentation.language.writing import percent, whole

MOST_WRITTEN_LARGE = 7  # columns of a heat map, of which more need smaller figures
PALEST = 0.25
WHISKERS = [0.05, 0.25, 0.5, 0.75, 0.95]


def distributions(customers: Customers, names: Sequence[str]):
    """Draw a histogram and a box plot of each numeric column, of items how many give each answer; None of none."""
    amounts, items = amounts_of(customers.dataset, names), items_of(customers.dataset, names)
    if not names:
        return None
    if not amounts:
        return answers(customers, items)
    axes = panels(2 * len(amounts) + len(items))
    for ax, name in zip(axes[2 * len(amounts) :], items, strict=True):
        _answers(ax, customers, [name])
    for i, name in enumerate(amounts):
        _histogram(axes[2 * i], customers, name)
        axes[2 * i].set(ylabel="customers")
        boxes(axes[2 * i + 1], customers, name, Grouping(), vertical=False)
        axes[2 * i + 1].set(yticks=[])
        for ax in axes[2 * i : 2 * i + 2]:
            label_axis(ax, "x", customers.dataset.axis(name))
            few_ticks(ax)
    return axes


def answers(customers: Customers, items: Sequence[str]):
    """Draw for each kind of items a panel: a bar an item, its share of yes, or the parts of its ratings."""
    kinds = {name: customers.dataset.columns[name].type for name in items}
    same = [[name for name in items if kinds[name] == kind] for kind in dict.fromkeys(kinds.values())]
    height = 0.8 + 0.34 * max(map(len, same))
    axes = panels(len(same), columns=1, height=height)
    for ax, names in zip(axes, same, strict=True):
        _answers(ax, customers, names)
    return axes


def _answers(ax, customers: Customers, names: list[str]):
    """Draw the answers to items of one kind, from the item with the highest mean; what may not be shown is left out."""
    dataset, means = customers.dataset, customers.mean(names).sort_values(ascending=False, kind="stable")
    if dataset.columns[names[0]].type == "yes/no":
        shown = shown_means(customers, pd.DataFrame([means])).iloc[0]
        bars = ax.barh(range(len(shown)), shown.fillna(0), color=NEUTRAL, height=0.7)
        ax.bar_label(bars, [percent(share) if share == share else NOT_SHOWN for share in shown], padding=4, fontsize=9)
        ax.set(xlim=(0, 1), xlabel="share of yes")
    else:
        _ratings(ax, customers, list(means.index))
        ax.set(xlim=(0, 1), xlabel="share of the answers shown" if customers.private else "share of the answers")
    ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    ax.set_yticks(range(len(means)), [wrapped(dataset.label(name)) for name in means.index], fontsize=9)
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")


def _ratings(ax, customers: Customers, names: list[str]):
    """Draw a row an item, divided among its points as the customers are that may be shown."""
    counts = pd.DataFrame({name: public_categories(customers, name) for name in names}).T.fillna(0).sort_index(axis=1)
    parts, left = counts.div(counts.sum(axis=1).replace(0, 1), axis=0), np.zeros(len(counts))
    for point, shade in zip(parts, sns.color_palette("crest", max(2, parts.shape[1])), strict=False):
        ax.barh(range(len(parts)), parts[point], left=left, color=shade, height=0.7, label=f"{point:g}")
        left += parts[point].to_numpy()
    ax.legend(bbox_to_anchor=(1.01, 1), loc="upper left")


def boxes(ax, customers: Customers, name: str, groups: Grouping, *, vertical=True, shades=None):
    """Draw the middle half of each group, whiskers to the 5th and 95th percentile and the customers beyond.

    When private, groups under ten are left out, and those under 200 have no whiskers; nobody beyond is drawn then, nor
    of a sample.
    """
    found = quantiles(customers, name, WHISKERS, groups)
    found, private = found[are_shown(customers, found["customers"], groups)], customers.private
    short, ends = [0.25, 0.75], [WHISKERS[0], WHISKERS[-1]]
    beyond = {} if private or customers.sampled else _beyond(customers.sample, name, groups, found)
    stats = [
        {"label": str(group), "whislo": row[low], "q1": row[0.25], "med": row[0.5], "q3": row[0.75],
         "whishi": row[high], "fliers": beyond.get(group, [])}
        for group, row in found.iterrows()
        for low, high in [short if private and row["customers"] < OUTER else ends]
    ]  # fmt: skip
    drawn = ax.bxp(stats, orientation="vertical" if vertical else "horizontal", widths=0.5, patch_artist=True,
                   boxprops={"edgecolor": INK}, medianprops={"color": INK},
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
    filled = customers.filled([name])[name]
    bins = min(30, max(5, round(filled / (4 * SMALLEST_GROUP) if customers.private else filled**0.5)))
    edges = column_edges(customers, name, bins, logged=customers.dataset.axis(name).logged)
    counts = customers.histogram(name, edges)
    counts = in_tens(counts) if customers.private else counts
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
        ax.barh([wrapped(category, CATEGORY) for category in counts.index.astype(str)], counts, color=NEUTRAL)
        ax.bar_label(ax.containers[0], fmt=whole, padding=3)
        ax.invert_yaxis()
        ax.set(xlabel="customers", title=wrapped(customers.dataset.label(name), room(ax, "x")))
    return axes


def relation(customers: Customers, names: Sequence[str], ax=None):
    """Draw the first two of these numeric columns against each other; None of less than two that are no items."""
    names = amounts_of(customers.dataset, names)
    if len(names) < 2:
        return None
    ax = ax or plt.subplots(figsize=(PAGE * 0.7, 4.5))[1]
    labels = {name: customers.dataset.axis(name) for name in names[:2]}
    cloud(ax, customers, labels)
    for side, label in zip("xy", labels.values(), strict=True):
        label_axis(ax, side, label)
    return ax


def cloud(ax, customers: Customers, labels: Mapping[str, str], by: str | None = None):
    """Draw points, or counts on a grid (`in_points`); `by` gives colours.

    Parameters
    ----------
    labels : dict
        Column -> axis label, which knows whether its scale is logarithmic; x first.
    """
    x, y = (list(labels) * 2)[:2]
    if in_points(customers):
        frame = customers.sample
        for group, own in frame.groupby(by) if by else [(1, frame)]:
            ax.scatter(own[x], own[y], **mark_style(group, by))
        return
    edges = tuple(_edges(customers, name, labels[name]) for name in (x, y))
    grids = sorted(customers.grids((x, y), edges, by).items())
    grids = [(group, in_tens(cells) if customers.private else cells) for group, cells in grids]
    _tiles(ax, grids, edges, [getattr(labels[name], "logged", False) for name in (x, y)], by)


def _tiles(ax, grids: list[tuple], edges: tuple, logged: list[bool], by: str | None) -> None:
    """Draw each cell divided among its groups as its customers are, so that no colours mix; the darker the more."""
    counts = np.array([cells for _, cells in grids])
    whole, styles, tiles, shades = counts.sum(axis=0), [mark_style(group, by) for group, _ in grids], [], []
    for i, j in np.argwhere(whole):
        parts = np.append(0, counts[:, i, j].cumsum() / whole[i, j])
        ends, (low, high) = along(edges[0][i], edges[0][i + 1], parts, logged=logged[0]), edges[1][j : j + 2]
        for style, left, right in zip(styles, ends[:-1], ends[1:], strict=True):
            tiles.append([(left, low), (left, high), (right, high), (right, low)])
            shades.append((*mpl.colors.to_rgb(style["color"]), PALEST + (1 - PALEST) * whole[i, j] / whole.max()))
    ax.add_collection(mpl.collections.PolyCollection(tiles, facecolors=shades, linewidths=0, rasterized=True))
    corner = edges[0][0], edges[1][0]
    for style in styles:
        ax.add_patch(mpl.patches.Rectangle(corner, 0, 0, color=style["color"], label=style["label"]))
    ax.set(xlim=edges[0][[0, -1]], ylim=edges[1][[0, -1]])


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
    labels, n = one_line([dataset.label(name) for name in correlation]), len(correlation)
    correlation, few = correlation.set_axis(labels).set_axis(labels, axis=1), n <= MOST_IN_GRID
    _, ax = plt.subplots(figsize=(PAGE * (0.6 if n < 6 else 1), 0.6 + 0.7 * n if few else PAGE * 0.8))
    style = {"annot_kws": {"fontsize": 8}} if n > MOST_WRITTEN_LARGE else {}
    sns.heatmap(correlation, vmin=-1, vmax=1, cmap="RdBu_r", annot=few, fmt=".2f", square=True, ax=ax, cbar=not few,
                cbar_kws={"shrink": 0.5}, **style)  # fmt: skip
    ax.set(xlabel="", ylabel="")
    plt.setp(ax.get_xticklabels(), rotation=30 if few else 90, ha="right" if few else "center")
    ax.grid(False)
    return ax


def groups(customers: Customers, name: str, groups: dict[str, Grouping]):
    """Draw box plots of a numeric column, a panel for each way to group the customers with a group to show, or None.

    None also of yes and no, whose boxes would reach from no to yes.
    """
    if not with_percentiles(customers.dataset, [name]):
        return None
    sizes = {by: customers.quantiles(name, [0.5], way)["customers"] for by, way in groups.items()}
    drawn = [by for by, own in sizes.items() if are_shown(customers, own, groups[by]).any()]
    if not drawn:
        return None
    axes = panels(len(drawn), height=3.2)
    for ax, by in zip(axes, drawn, strict=True):
        shown = boxes(ax, customers, name, groups[by])
        ax.set(xlabel=wrapped(by, room(ax, "x")))
        label_axis(ax, "y", customers.dataset.axis(name))
        many = len(shown) > 4
        most = CATEGORY if many else room(ax, "x") // max(1, len(shown))
        ax.set_xticks(ax.get_xticks(), [wrapped(str(group), most) for group in shown])
        ax.tick_params(axis="x", rotation=30 if many else 0)
    return axes
