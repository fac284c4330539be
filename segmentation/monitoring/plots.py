"""Two runs side by side, drawn: computed tables in, axes out."""

from itertools import pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from segmentation.core.figures import (
    CATEGORY,
    LINE_INCHES,
    PAGE,
    WHISKER,
    colour,
    glyph,
    keyed,
    label_axis,
    marker,
    name_groups,
    wrapped,
)
from segmentation.language import tr

HALF_BAR = 0.035  # half the width of a bar, of the way between two runs
BETWEEN_BARS = 0.02  # of the height of all
NO_MORE = "#8a94a0"  # of a segment that ended: its number, and so its colour, may be another's in the next run
LETTERS_BESIDE = 17  # letters of a line beside a bar or a line


def shares(shares: pd.DataFrame):
    """Draw the share of each segment then (pale) and now as bars with their intervals, as `shares_table` returns it."""
    labels = [_label(row) for row in shares.itertuples()]
    lines = max(label.count("\n") + 1 for label in labels)
    _, ax = plt.subplots(figsize=(PAGE, 0.9 + max(0.6, 0.2 * lines) * len(shares)))
    for i, row in enumerate(shares.to_dict("records")):
        shade = NO_MORE if np.isnan(row["now"]) else colour(int(row["now"]))
        told = {"then": tr("then {share}", share=row["told_then"]), "now": tr("now {share}", share=row["told_now"])}
        for side, height, alpha in (("then", i - 0.19, 0.4), ("now", i + 0.19, 1)):
            if not np.isnan(row[side]):
                reach = [[row[f"share_{side}"] - row[f"low_{side}"]], [row[f"high_{side}"] - row[f"share_{side}"]]]
                ax.barh(height, row[f"share_{side}"], 0.34, color=shade, alpha=alpha)
                ax.errorbar(row[f"share_{side}"], height, xerr=np.clip(reach, 0, None), **WHISKER)
                beside = (row[f"high_{side}"], height)
                ax.annotate(told[side], beside, (6, 0), textcoords="offset points", va="center", gid="name")
    ax.set(xlabel=tr("share of the customers"), yticks=range(len(shares)), xlim=(0, None))
    ax.set_yticklabels(labels)
    ax.margins(x=0.12)
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    ax.invert_yaxis()
    return ax


def _label(row) -> str:
    """Return the names of a segment then and now, each on lines of its own; one where they are the same."""
    names = dict.fromkeys(filter(None, (row.name_then, row.name_now)))
    return "\n→ ".join(wrapped(name, CATEGORY) for name in names)


def centres(moved: pd.DataFrame, labels: dict[str, str]):
    """Draw an arrow from the centre of each segment then to its centre now, in one or two features; None of none."""
    if moved.empty:
        return None
    _, ax = plt.subplots(figsize=(PAGE, 4.6))
    x, y = (list(labels) * 2)[:2]
    named = {}
    for row in moved.to_dict("records"):
        shade, ends = colour(row["now"]), [(row[f"{side}_{x}"], row[f"{side}_{y}"]) for side in ("then", "now")]
        if np.isnan(ends).any():  # a centre that is not shown
            continue
        ax.annotate("", ends[1], ends[0], arrowprops={"arrowstyle": "-", "color": shade, "linewidth": 2})
        ax.plot(*ends[0], marker(row["now"]), color=shade, fillstyle="none", markersize=9)
        ax.plot(*ends[1], marker(row["now"]), color=shade, markersize=9)
        named[row["now"]] = ends[1]
    ax.margins(0.15)
    label_axis(ax, "x", labels[x])
    label_axis(ax, "y", labels[y])
    name_groups(ax, named, moved.set_index("now")["name_now"].to_dict())
    return ax


def moves(flows: list[pd.DataFrame], sizes: list[list[int]], sides: list[str], names: tuple, ended: list[set[int]]):
    """Draw how customers went from the segments of one run to those of the next, as bands between bars.

    Parameters
    ----------
    flows : list of DataFrame
        Of each two runs then, now, customers, as `public_moves` returns it; in a bar there may be customers of no band.
    sizes
        How many customers each segment of each run holds.
    sides
        What the runs are called.
    names
        Of the segments in the first and in the last run.
    ended
        The segments of each run that are not found again in the next.
    """
    tallest = max(map(len, sizes))
    _, ax = plt.subplots(figsize=(PAGE, 1 + max(3.2, 0.62 * tallest)))
    tops, half = [_tops(own) for own in sizes], _half(len(sizes))
    for at, flow in enumerate(flows):
        _bands(ax, flow, (at, len(sizes)), (sizes[at], sizes[at + 1]), (tops[at], tops[at + 1]), ended[at])
    for at, (own, top) in enumerate(zip(sizes, tops, strict=True)):
        for i, size in enumerate(own):
            height, shade = size / max(sum(own), 1), NO_MORE if i + 1 in ended[at] else colour(i + 1)
            ax.add_patch(mpl.patches.Rectangle((at - half, top[i]), 2 * half, height, color=shade, linewidth=0))
            if 0 < at < len(sizes) - 1:
                ax.text(at, top[i] + height / 2, glyph(i + 1), ha="center", va="center", color="white")
    for at, called, end in ((0, names[0], "right"), (len(sizes) - 1, names[1], "left")):
        middles = [t + size / max(sum(sizes[at]), 1) / 2 for t, size in zip(tops[at], sizes[at], strict=True)]
        beside = at - 2 * half if at == 0 else at + 2 * half
        labels = [keyed(i, name, LETTERS_BESIDE) for i, name in enumerate(called, 1)]
        for y, label in zip(spread(middles, [_room(ax, text) for text in labels]), labels, strict=True):
            ax.text(beside, y, label, ha=end, va="center", linespacing=0.95)
    ax.set(
        xticks=range(len(sides)),
        yticks=[],
        xlim=(-0.1, len(sides) - 0.9),
        ylim=(1 + BETWEEN_BARS * tallest, -BETWEEN_BARS),
    )
    ax.set_xticklabels([wrapped(side, LETTERS_BESIDE) for side in sides])
    ax.tick_params(axis="x", length=0)
    ax.spines[["bottom", "left"]].set_visible(False)
    ax.grid(False)
    return ax


def _half(runs: int) -> float:
    """Return half of the width of a bar, on the way from one run to the next of so many."""
    return HALF_BAR * (runs - 1)


def _tops(sizes: list[int]) -> list[float]:
    """Return where the bar of each segment begins, from the top; together they are 1 without the gaps."""
    parts = np.array(sizes) / max(sum(sizes), 1)
    return (np.cumsum(parts) - parts + BETWEEN_BARS * np.arange(len(parts))).tolist()


def _bands(
    ax,
    flow: pd.DataFrame,
    place: tuple[int, int],
    sizes: tuple[list[int], list[int]],
    tops: tuple[list[float], list[float]],
    ended: set[int],
):
    """Draw the bands between a run, by its place among so many, and the next."""
    at, runs = place
    used, half = [[0.0] * len(own) for own in sizes], _half(runs)
    bend = np.linspace(0, 1, 40)
    way = bend**2 * (3 - 2 * bend)
    for row in flow.sort_values(["then", "now"]).itertuples():
        ends = []
        for side, segment in enumerate((row.then - 1, row.now - 1)):
            top = tops[side][segment] + used[side][segment]
            used[side][segment] += row.customers / max(sum(sizes[side]), 1)
            ends.append((top, tops[side][segment] + used[side][segment]))
        upper, lower = (start + (end - start) * way for start, end in zip(*ends, strict=True))
        x = at + half + bend * (1 - 2 * half)
        shade = NO_MORE if row.then in ended else colour(row.then)
        ax.fill_between(x, upper, lower, color=shade, alpha=0.45, linewidth=0)


def spread(places: list[float], room: list[float]) -> list[float]:
    """Return places for labels near where they belong, none nearer to the next than both need.

    Parameters
    ----------
    room : how much each label takes, half of it on either side.
    """
    order, found = np.argsort(places, kind="stable"), np.array(places, float)
    for _ in range(200):
        moved = False
        for above, below in pairwise(order):
            lack = (room[above] + room[below]) / 2 - (found[below] - found[above])
            if lack > 1e-6:
                found[above], found[below], moved = found[above] - lack / 2, found[below] + lack / 2, True
        if not moved:
            break
    return found.tolist()


def _room(ax, label: str) -> float:
    """Return which part of the height of a figure a label takes, a line more than its letters need."""
    return 1.2 * LINE_INCHES * (label.count("\n") + 1) / ax.figure.get_size_inches()[1]


def months(table: pd.DataFrame, of: str, names: list[str]):
    """Draw a figure of each segment from run to run as a line that bears its name, as `lines_of` returns it.

    Parameters
    ----------
    of
        The column that is drawn; low and high are its interval where the table has them.
    names
        Of the runs.
    """
    table = table.dropna(subset=of)
    if table.empty:
        return None
    tallest = table.groupby("at").size().max()
    _, ax = plt.subplots(figsize=(PAGE, 1 + max(3.2, 0.5 * tallest)))
    low, high = min(0.0, table[of].min()), table[[of, *({"high"} & set(table))]].max().max()
    high = high + 0.05 * (high - low) or 1
    ax.set(ylim=(low - 0.06 * (high - low), high), xlim=(-0.1, len(names) - 0.9), yticks=[], xticks=range(len(names)))
    ax.set_xticklabels([wrapped(name, LETTERS_BESIDE) for name in names])
    for _, own in table.groupby("line"):
        last = own.iloc[-1]
        shade = _shade(last)
        if "low" in own:
            reach = np.clip([own[of] - own["low"], own["high"] - own[of]], 0, None)
            ax.errorbar(own["at"], own[of], yerr=reach, fmt="none", ecolor=shade, elinewidth=1, capsize=3, alpha=0.6)
        ax.plot(own["at"], own[of], marker=marker(int(last["segment"])), color=shade, linewidth=2, markersize=7)
        if last["ended"]:
            ax.annotate(last["ended"], (last["at"], last[of]), (7, 4), textcoords="offset points", gid="name")
    table = table.assign(shade=table["line"].map({line: _shade(own.iloc[-1]) for line, own in table.groupby("line")}))
    lines = table.groupby("line")
    for side, ends in ((0, lines.head(1)), (len(names) - 1, lines.tail(1))):
        _name_ends(ax, ends[ends["at"] == side], of, after=side > 0)
    ax.spines["left"].set_visible(False)
    ax.grid(axis="y", visible=False)
    return ax


def _shade(last: pd.Series) -> str:
    """Return the colour of a line by its last row."""
    return NO_MORE if last["ended"] else colour(int(last["segment"]))


def _name_ends(ax, ends: pd.DataFrame, of: str, *, after: bool):
    """Write the name of each segment, and its figure, beside the first or the last point of its line."""
    bottom, top = ax.get_ylim()
    labels = [wrapped(f"{row['name']} {row['told']}", LETTERS_BESIDE) for row in ends.to_dict("records")]
    places = spread(ends[of].tolist(), [_room(ax, label) * (top - bottom) for label in labels])
    reach = 0.04 * np.diff(ax.get_xlim())[0]
    for (_, row), y, label in zip(ends.iterrows(), places, labels, strict=True):
        x = row["at"] + (reach if after else -reach)
        ax.plot([row["at"], x], [row[of], y], color=row["shade"], linewidth=0.8, clip_on=False)
        ax.text(x, y, label, ha="left" if after else "right", va="center", linespacing=0.95)
