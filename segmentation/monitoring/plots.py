"""Two runs side by side, drawn: computed tables in, axes out."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from segmentation.core.figures import CATEGORY, NEUTRAL, PAGE, WHISKER, colour, label_axis, marker, wrapped


def shares(shares: pd.DataFrame):
    """Draw the share of each segment then (pale) and now as bars with their intervals, as `shares_table` returns it."""
    labels = [_label(row) for row in shares.itertuples()]
    lines = max(label.count("\n") + 1 for label in labels)
    _, ax = plt.subplots(figsize=(PAGE * 0.8, 0.9 + max(0.6, 0.2 * lines) * len(shares)))
    for i, row in enumerate(shares.to_dict("records")):
        shade = colour(int(row["then"] if np.isnan(row["now"]) else row["now"]))
        for side, height, alpha in (("then", i - 0.19, 0.4), ("now", i + 0.19, 1)):
            if not np.isnan(row[side]):
                reach = [[row[f"share_{side}"] - row[f"low_{side}"]], [row[f"high_{side}"] - row[f"share_{side}"]]]
                ax.barh(height, row[f"share_{side}"], 0.34, color=shade, alpha=alpha)
                ax.errorbar(row[f"share_{side}"], height, xerr=np.clip(reach, 0, None), **WHISKER)
                told = f"{side} {row[f'told_{side}']}"
                ax.annotate(told, (row[f"high_{side}"], height), (6, 0), textcoords="offset points", va="center")
    ax.set(xlabel="share of the customers", yticks=range(len(shares)), xlim=(0, None))
    ax.set_yticklabels(labels)
    ax.margins(x=0.12)
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
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
    _, ax = plt.subplots(figsize=(PAGE * 0.7, 4.5))
    x, y = (list(labels) * 2)[:2]
    for row in moved.to_dict("records"):
        shade, ends = colour(row["now"]), [(row[f"{side}_{x}"], row[f"{side}_{y}"]) for side in ("then", "now")]
        if np.isnan(ends).any():  # a centre that is not shown
            continue
        ax.annotate("", ends[1], ends[0], arrowprops={"arrowstyle": "-", "color": shade, "linewidth": 2})
        ax.plot(*ends[0], marker(row["now"]), color=shade, fillstyle="none", markersize=9)
        ax.plot(*ends[1], marker(row["now"]), color=shade, markersize=9)
        ax.annotate(str(row["now"]), ends[1], (8, 6), textcoords="offset points", fontweight="bold")
    for name, fill in (("then", "none"), ("now", "full")):
        ax.plot([], [], "o", color=NEUTRAL, fillstyle=fill, linewidth=0, label=name)
    ax.margins(0.15)
    label_axis(ax, "x", labels[x])
    label_axis(ax, "y", labels[y])
    ax.legend(bbox_to_anchor=(1.01, 1), loc="upper left")
    return ax


def moves(moves: pd.DataFrame, sizes: tuple[list[int], list[int]], names: tuple[str, str]):
    """Draw how customers went from the segments of one run (above) to those of another, as `public_moves` returns it.

    Parameters
    ----------
    sizes : how many of them each segment of both runs holds.
    names : what the two rows are called.
    """
    _, ax = plt.subplots(figsize=(PAGE, 3.6))
    total, places = moves["customers"].sum(), [(np.arange(len(own)) + 0.5) / len(own) for own in sizes]
    for row in moves.sort_values("customers").itertuples():
        ends = np.linspace(places[0][row.then - 1], places[1][row.now - 1], 2)
        bend = np.linspace(0, 1, 40)
        ax.plot(ends[0] + (ends[1] - ends[0]) * bend**2 * (3 - 2 * bend), bend, color=colour(row.then), alpha=0.5,
                linewidth=0.5 + 40 * row.customers / total, solid_capstyle="butt", zorder=1)  # fmt: skip
    for height, own in enumerate(sizes):
        for i, size in enumerate(own):
            ax.plot(places[height][i], height, marker(i + 1), color=colour(i + 1), zorder=2,
                    markersize=12 + 24 * (size / max(sum(own), 1)) ** 0.5)  # fmt: skip
            ax.text(places[height][i], height, f"{i + 1}", ha="center", va="center", color="white", fontsize=9)
    ax.set(yticks=[0, 1], xticks=[], xlim=(0, 1), ylim=(1.25, -0.25))
    ax.set_yticklabels(names)
    ax.spines[["bottom", "left"]].set_visible(False)
    ax.grid(False)
    return ax
