"""What the customers look like, drawn: computed tables in, axes out; a list of axes where each can be read by itself.

Where a table is private, whatever shows a single customer is hidden: points become densities of groups of ten or more,
smaller groups are left out, and percentiles are rounded.
"""

from collections.abc import Iterator, Mapping, Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from segmentation.core.dataset import Dataset
from segmentation.core.figures import (
    CATEGORY,
    INK,
    LETTERS_AN_INCH,
    LINE_INCHES,
    MOST_IN_GRID,
    NEUTRAL,
    PAGE,
    PALER,
    colour,
    few_ticks,
    heat_map,
    label_axis,
    legend_above,
    marker,
    one_line,
    panels,
    room,
    width,
    wrapped,
)
from segmentation.core.privacy import NOT_SHOWN, SMALLEST_GROUP, TENTH, halved, in_tens
from segmentation.customers.counts import Grouping
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import (
    MOST_PANELS,
    amounts_of,
    are_shown,
    bend,
    column_edges,
    fine_edges,
    in_points,
    items_of,
    public_categories,
    quantiles,
    shown_means,
    unbend,
    with_percentiles,
)
from segmentation.language import tr
from segmentation.language.writing import amount, percent, signed, whole

SHAPES_HOLD = (0.9, 0.5)  # of the customers, in the outer and in the inner shape of a density
STRENGTHS = (0.16, 0.3)  # of their colour
DENSITY_POINTS = 72
BELL = 0.45  # of a group's width
QUANTILES = [0.1, 0.25, 0.5, 0.75, 0.9]


def distributions(customers: Customers, names: Sequence[str]):
    """Draw a histogram of each amount among numeric columns, with its quantiles beneath; None of none."""
    shown = amounts_of(customers.dataset, names)[:MOST_PANELS]
    if not shown:
        return None
    axes = panels(len(shown))
    for ax, name in zip(axes, shown, strict=True):
        top = _histogram(ax, customers, name)
        quantile_bars(ax, customers, name, Grouping(), at=[-0.13 * top], height=0.13 * top)
        ax.set(ylabel=tr("customers"), ylim=(-0.24 * top, 1.05 * top))
        ax.yaxis.set_major_locator(NotBelow(nbins=5))
        label_axis(ax, "x", customers.dataset.axis(name))
        few_ticks(ax)
    return axes


class NotBelow(mpl.ticker.MaxNLocator):
    """Ticks of what is counted: none where a bar lies beneath it."""

    def tick_values(self, low, high):
        """Return the ticks from 0."""
        return super().tick_values(0, high)


def answers(customers: Customers, names: Sequence[str]):
    """Draw for each kind of items a panel: a bar an item, its share of yes, or its ratings; None of none."""
    items = items_of(customers.dataset, names)
    if not items:
        return None
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
        ax.bar_label(bars, [percent(share) if share == share else tr(NOT_SHOWN) for share in shown], padding=4)
        ax.set(xlim=(0, 1.1), xlabel=tr("share of yes"))
    else:
        _ratings(ax, customers, list(means.index))
        ax.set(
            xlim=(0, 1), xlabel=tr("share of the answers shown") if customers.private else tr("share of the answers")
        )
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
    ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    ax.set_yticks(range(len(means)), [wrapped(dataset.label(name), CATEGORY) for name in means.index])
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")


def _ratings(ax, customers: Customers, names: list[str]):
    """Draw a row an item, divided among its points as the customers are that may be shown."""
    counts = pd.DataFrame({name: public_categories(customers, name) for name in names}).T.fillna(0).sort_index(axis=1)
    parts, left = counts.div(counts.sum(axis=1).replace(0, 1), axis=0), np.zeros(len(counts))
    for point, shade in zip(parts, sns.color_palette("crest", max(2, parts.shape[1])), strict=False):
        ax.barh(range(len(parts)), parts[point], left=left, color=shade, height=0.7, label=amount(point))
        left += parts[point].to_numpy()
    legend_above(ax)


def quantile_bars(ax, customers: Customers, name: str, groups: Grouping, *, shades=None, at=None, height=0.5):
    """Draw for each group a bar from the 10th to the 90th percentile, in it the middle half, and a line at the median.

    When private, groups under ten are left out, and the outer percentiles of those under a hundred.
    """
    found = quantiles(customers, name, QUANTILES, groups)
    found = found[are_shown(customers, found["customers"], groups)]
    for i, (_, row) in enumerate(found.iterrows()):
        shade, place = shades[i] if shades else NEUTRAL, at[i] if at else i
        ends = [(0.25, 0.75, 1.0)]
        if not customers.private or row["customers"] >= TENTH:
            ends.insert(0, (0.1, 0.9, PALER))
        for low, high, strong in ends:
            ax.barh(place, row[high] - row[low], height, left=row[low], color=mpl.colors.to_rgba(shade, strong))
        ax.plot([row[0.5]] * 2, [place - 0.65 * height, place + 0.65 * height], color=INK, linewidth=2)
    ax.use_sticky_edges = False  # so that no bar begins at the edge of the figure
    return found.index


def _histogram(ax, customers: Customers, name: str) -> float:
    """Draw how many customers lie in each band of a column, and return the height of the highest bar."""
    filled = customers.filled([name])[name]
    bins = min(30, max(5, round(filled / (4 * SMALLEST_GROUP) if customers.private else filled**0.5)))
    edges = column_edges(customers, name, bins, logged=customers.dataset.axis(name).logged)
    counts = customers.histogram(name, edges)
    counts = in_tens(counts) if customers.private else counts
    ax.stairs(counts, edges, fill=True, color=NEUTRAL)
    return max(1, int(counts.max(initial=0)))


def categories(customers: Customers, names: Sequence[str]):
    """Draw the number of customers in each category of each column of which any may be shown; None of none."""
    counts = {name: public_categories(customers, name) for name in names}
    shown = dict([(name, own) for name, own in counts.items() if len(own)][:MOST_PANELS])
    if not shown:
        return None
    labels = {name: [wrapped(category, CATEGORY) for category in own.index.astype(str)] for name, own in shown.items()}
    lines = max(sum(label.count("\n") + 1 for label in own) for own in labels.values())
    axes = panels(len(shown), height=max(2.0, 0.9 + 1.4 * LINE_INCHES * lines))
    for ax, (name, counts) in zip(axes, shown.items(), strict=True):
        bars = ax.barh(range(len(counts)), counts, color=NEUTRAL, height=0.7)
        ax.set_yticks(range(len(counts)), labels[name])
        ax.bar_label(bars, [whole(n) for n in counts], padding=3)
        ax.invert_yaxis()
        ax.margins(x=0.15)
        ax.grid(visible=False, axis="y")
        ax.set(xlabel=tr("customers"), title=wrapped(customers.dataset.label(name), room(ax, "x")))
        few_ticks(ax, 4)
    return axes


def relation(customers: Customers, names: Sequence[str], ax=None):
    """Draw the first two of these numeric columns against each other; None of less than two that are no items."""
    names = amounts_of(customers.dataset, names)
    if len(names) < 2:
        return None
    ax = ax or plt.subplots(figsize=(PAGE, 4.6))[1]
    labels = {name: customers.dataset.axis(name) for name in names[:2]}
    cloud(ax, customers, labels)
    for side, label in zip("xy", labels.values(), strict=True):
        label_axis(ax, side, label)
    return ax


def cloud(ax, customers: Customers, labels: Mapping[str, str], by: str | None = None):
    """Draw points, or densities (`in_points`); `by` gives colours.

    Parameters
    ----------
    labels : dict
        Column -> axis label, which knows whether its scale is logarithmic; x first.
    """
    x, y = (list(labels) * 2)[:2]
    if in_points(customers):
        frame = customers.sample
        for group, own in frame.groupby(by) if by else [(1, frame)]:
            shade = colour(group) if by else NEUTRAL
            ax.scatter(own[x], own[y], s=20, alpha=0.75, color=shade, linewidth=0, marker=marker(group))
        return
    edges = tuple(_edges(customers, name, labels[name]) for name in (x, y))
    logged = [getattr(labels[name], "logged", False) for name in (x, y)]
    reached = []
    for group, cells in sorted(customers.grids((x, y), edges, by).items()):
        groups = halved(cells, private=customers.private)
        reached += _density(ax, groups, edges, logged, colour(group) if by else NEUTRAL) if groups else []
    found = np.array(reached or [[own[i] for own in edges] for i in (0, -1)])
    low, high = found.min(axis=0), found.max(axis=0)
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))


def _density(ax, groups: list[tuple], edges: tuple, logged: list[bool], shade: str) -> list:
    """Draw where parts of the customers lie closest together, from nothing but groups of ten or more of them.

    Returns
    -------
    list of (x, y)
        Two corners of what is drawn.
    """
    ends = [bend(own, scale) for own, scale in zip(edges, logged, strict=True)]
    *places, n = np.array(groups).T
    across = [np.linspace(own[0], own[-1], DENSITY_POINTS) for own in ends]
    bells = [_bells(*own, n, at) for own, at in zip(_sides(places, ends), across, strict=True)]
    height = np.einsum("g,gi,gj->ji", n / n.sum(), *bells)
    ranked = np.sort(height.ravel())[::-1]
    inside = ranked[np.searchsorted(ranked.cumsum() / ranked.sum(), SHAPES_HOLD)]
    grid = [unbend(at, scale) for at, scale in zip(across, logged, strict=True)]
    for level, strong in zip(inside, STRENGTHS, strict=True):
        drawn = ax.contourf(*grid, height, [level, ranked[0] * 2], colors=[mpl.colors.to_rgba(shade, strong)])
        drawn.set(edgecolor=shade, linewidth=1, antialiased=True)
    y, x = (np.flatnonzero((height >= inside[0]).any(axis=axis)) for axis in (1, 0))
    last = DENSITY_POINTS - 1
    return [
        (grid[0][max(x[0] - 2, 0)], grid[1][max(y[0] - 2, 0)]),
        (grid[0][min(x[-1] + 2, last)], grid[1][min(y[-1] + 2, last)]),
    ]


def _sides(places: list[np.ndarray], ends: list[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield where the groups begin and end along each axis."""
    x, right, y, top = places
    yield ends[0][x], ends[0][right]
    yield ends[1][y], ends[1][top]


def _bells(low: np.ndarray, high: np.ndarray, n: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return a bell a group, as wide as it, and no narrower than so many customers can tell (Scott 1992)."""
    middle, wide = (low + high) / 2, high - low
    mean = np.average(middle, weights=n)
    spread = np.sqrt(np.average((middle - mean) ** 2 + wide**2 / 12, weights=n))
    wide = np.maximum(BELL * wide, spread * n.sum() ** (-1 / 6) / 2)[:, None]
    return np.exp(-(((at - middle[:, None]) / wide) ** 2) / 2) / wide


def _edges(customers: Customers, name: str, label: str) -> np.ndarray:
    return fine_edges(customers, name, logged=getattr(label, "logged", False))


def count_pairs(customers: Customers, names: list[str]) -> None:
    """Count at once the customers in the cells of every two columns that will be drawn."""
    customers.count_together({name: _edges(customers, name, customers.dataset.axis(name)) for name in names})


def pairwise(customers: Customers, pairs: Sequence[tuple[str, str]]):
    """Draw each pair of numeric columns as a panel; None of none."""
    if not pairs:
        return None
    axes = panels(len(pairs), height=3.2)
    for ax, two in zip(axes, pairs, strict=True):
        relation(customers, two, ax=ax)
        few_ticks(ax)
    return axes


def correlation(correlation: pd.DataFrame, dataset: Dataset):
    """Draw a correlation matrix as a labelled heat map; None of two columns, whose one correlation is told."""
    if len(correlation) < 3:
        return None
    labels, n = one_line([dataset.label(name) for name in correlation]), len(correlation)
    few, r = n <= MOST_IN_GRID, correlation.to_numpy()
    _, ax = plt.subplots(figsize=(PAGE, 0.6 + 0.34 * n + max(map(width, labels)) / LETTERS_AN_INCH if few else PAGE))
    told = [[signed(value) if few else "" for value in row] for row in r]
    heat_map(ax, np.nan_to_num(r), told, labels, labels)
    ax.tick_params(axis="x", rotation=90)
    return ax


def groups(customers: Customers, name: str, groups: dict[str, Grouping]):
    """Draw quantiles of a numeric column, a panel for each way to group the customers with a group to show, or None.

    None also of yes and no, whose bars would reach from no to yes.
    """
    if not with_percentiles(customers.dataset, [name]):
        return None
    sizes = {by: customers.quantiles(name, [0.5], way)["customers"] for by, way in groups.items()}
    drawn = {by: own for by, own in sizes.items() if are_shown(customers, own, groups[by]).any()}
    drawn = dict([*drawn.items()][:MOST_PANELS])
    if not drawn:
        return None
    most = max(map(len, drawn.values()))
    axes = panels(len(drawn), height=1.1 + 0.3 * most)
    for ax, by in zip(axes, drawn, strict=True):
        shown = quantile_bars(ax, customers, name, groups[by])
        ax.set_title(wrapped(by, room(ax, "x")))
        ax.set_yticks(range(len(shown)), [wrapped(str(group), CATEGORY) for group in shown])
        ax.set_ylim(most - 0.5, -0.5)
        ax.grid(visible=False, axis="y")
        label_axis(ax, "x", customers.dataset.axis(name))
        few_ticks(ax)
    return axes
