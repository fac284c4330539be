"""The segments, drawn under their names: computed tables in, axes out; a list of axes where each can be read by itself.

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
    CROSS,
    INK,
    LEGEND_COLUMNS,
    LETTERS_AN_INCH,
    LINE_INCHES,
    NAME_LETTERS,
    NEUTRAL,
    PAGE,
    PALER,
    WHISKER,
    colour,
    few_ticks,
    heat_map,
    keyed,
    label_axis,
    legend_above,
    name_groups,
    one_line,
    panels,
    room,
    strength,
    width,
    wrapped,
)
from segmentation.core.privacy import NOT_SHOWN
from segmentation.customers.counts import Grouping
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import MOST_DRAWN_ROWS, MOST_PANELS, amounts_of, are_shown
from segmentation.customers.plots import cloud, quantile_bars
from segmentation.language import tr
from segmentation.language.writing import share_texts, shares, show_index, whole
from segmentation.segments.fit import are_profiled, item_form, item_profiles, scale_ends, scaled_label
from segmentation.segments.profiles import category_shares, most_telling

LABEL_LETTERS = 48  # of an item, in two lines
ROOM = 0.25  # of the axis, for a number beside a bar
LEAST_DRAWN, LEAST_TOLD = 0.02, 0.09  # of a bar: what is not shown, and what has room for its share
MOST_LEVEL = 6  # columns of a heat map whose heads are written across

Names = Mapping[int, str]


def in_scaled_units(
    scaled: Customers, centroids: pd.DataFrame, names: list[str], called: Names, spreads: Sequence = ()
):
    """Draw the first two of these features by segment, as they were formed, with the centroids as red crosses.

    Of a mixture `spreads` are the covariances of its segments, drawn as ellipses. None of items: two of them are a grid
    of few points, and unscaled they are what the profile shows.
    """
    if are_profiled(scaled.dataset, names):
        return None
    names = amounts_of(scaled.dataset, names)
    ax = _scatter(scaled, centroids, {name: scaled_label(scaled.dataset, name) for name in names}, called)
    drawn = (list(names) * 2)[:2]
    for (segment, centre), spread in zip(centroids[drawn].iterrows(), spreads, strict=bool(spreads)):
        _ellipses(ax, centre.to_numpy(), spread.loc[drawn, drawn].round(2).to_numpy(), colour(segment))
    return ax


def _ellipses(ax, centre: np.ndarray, spread: np.ndarray, shade: str) -> None:
    """Draw one and two standard deviations around a centre, where it is shown."""
    widths, ways = np.linalg.eigh(spread)
    angle = np.degrees(np.arctan2(*ways[::-1, 1]))
    for times in (1, 2) if np.isfinite(centre).all() else ():
        high, wide = 2 * times * np.sqrt(widths.clip(0))
        ax.add_patch(mpl.patches.Ellipse(centre, wide, high, angle=angle, fill=False, edgecolor=shade, linewidth=1.5))


def in_original_units(segmented: Customers, centres: pd.DataFrame, names: list[str], called: Names):
    """Draw the first two of these features by segment, with the centres as red crosses; of items their profile."""
    if are_profiled(segmented.dataset, names):
        return profiles(item_profiles(segmented, centres), segmented.counts("segment"), segmented.dataset, called)
    names = amounts_of(segmented.dataset, names)
    return _scatter(segmented, centres, {name: segmented.dataset.axis(name) for name in names}, called)


def profiles(items: pd.DataFrame, sizes: pd.Series, dataset: Dataset, called: Names):
    """Draw the segment profile plot (Dolnicar, Gruen & Leisch 2018): a panel a segment, bars beside the marks of all.

    Parameters
    ----------
    items : DataFrame
        As `profiles.item_profiles` returns it; of many items those are drawn in which the segments differ most.
    sizes : Series
        How many customers each segment has.
    """
    kept = most_telling(items.pivot(index="segment", columns="item", values="at"), MOST_DRAWN_ROWS)
    items, told = items[items["item"].isin(kept)], shares(sizes)
    axes = panels(len(sizes), height=1.1 + 0.34 * items["item"].nunique())
    for ax, segment, share in zip(axes, sizes.index, told, strict=True):
        own = items[items["segment"] == segment]
        _profile(ax, own, dataset, colour(segment))
        ax.set_title(keyed(segment, tr("{segment}: {share}", segment=called[segment], share=share), 36))
    return axes


def _profile(ax, own: pd.DataFrame, dataset: Dataset, shade: str) -> None:
    """Draw the answers of one segment as bars on the scale of each item, markers in full colour, all as marks."""
    rows = range(len(own))
    shades = [mpl.colors.to_rgba(shade, 1 if marker else PALER) for marker in own["marker"]]
    ax.barh(rows, own["at"].fillna(0), color=shades, height=0.7)
    ax.plot(own["whole_at"], rows, linestyle="none", marker="|", markersize=13, markeredgewidth=2, color=INK)
    for row, (item, value, at, whole_at) in zip(rows, own[["item", "value", "at", "whole_at"]].values, strict=True):
        told = item_form(dataset, item)(value) if value == value else tr(NOT_SHOWN)
        at = np.nan_to_num(at)
        beside = whole_at if at - 0.03 < whole_at < at + ROOM else at  # not across the mark
        ax.annotate(told, (max(at, beside), row), (6, 0), textcoords="offset points", va="center", gid="name")
    labels = one_line([dataset.label(item) for item in own["item"]], LABEL_LETTERS)
    ax.set_yticks(rows, [wrapped(label, LABEL_LETTERS // 2) for label in labels])
    for label, marker in zip(ax.get_yticklabels(), own["marker"], strict=True):
        label.set_fontweight("bold" if marker else "normal")
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    ax.set(xlim=(0, 1), xticks=[0, 0.25, 0.5, 0.75, 1])
    _label_scale(ax, [scale_ends(dataset, item) for item in own["item"]], dataset.columns[own["item"].iloc[0]].type)


def _label_scale(ax, ends: list[tuple[float, float]], kind: str) -> None:
    """Label the axis of items in per cent or in points; of several scales only where it begins and ends."""
    if len(set(ends)) > 1:
        ax.set_xticks([0, 1], [tr("least"), tr("most")])
    elif kind == "yes/no":
        ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    else:
        low, high = ends[0]
        marks = np.arange(low, high + 1, max(1, np.ceil((high - low) / 5)))
        ax.set_xticks((marks - low) / (high - low), [whole(mark) for mark in marks])


def principal_map(mapped: tuple | None, called: Names):
    """Draw the customers by segment on a map of the first two principal components; None where there is no map."""
    if mapped is None:
        return None
    points, centroids, _ = mapped
    first, second = centroids
    return _scatter(points, centroids, {first: tr("first component"), second: tr("second component")}, called)


def _scatter(customers: Customers, centres: pd.DataFrame, labels: dict[str, str], called: Names):
    """Draw the first two columns of `labels` (column to axis label), a single one against itself."""
    _, ax = plt.subplots(figsize=(PAGE, 5.4))
    x, y = (list(labels) * 2)[:2]
    cloud(ax, customers, {name: labels[name] for name in (x, y)}, by="segment")
    label_axis(ax, "x", labels[x])
    label_axis(ax, "y", labels[y])
    known = centres[[x, y]].dropna()  # of one feature both are the same column
    ax.scatter(*known.to_numpy().T, marker="x", s=36, linewidth=1.3, color=CROSS, zorder=3)
    if len(centres) > 1:
        name_groups(ax, dict(zip(known.index, map(tuple, known.to_numpy()), strict=True)), called)
    return ax


def silhouette_bars(silhouettes: pd.DataFrame, dataset: Dataset, called: Names):
    """Draw quantiles of the silhouettes of each segment; None where there are none."""
    if silhouettes.empty:
        return None
    customers = Customers.of(dataset, silhouettes)
    return _bars_by_segment(customers, "silhouette", tr("silhouette of each customer"), called)


def by_number(customers: Customers, names: list[str], called: Names) -> Iterator[tuple]:
    """Draw for each numeric column a bar a segment, one figure after the other: its name, and axes or None."""
    for name in names:
        yield name, _bars_by_segment(customers, name, customers.dataset.axis(name), called)


def _bars_by_segment(customers: Customers, name: str, label: str, called: Names):
    by = Grouping("segment")
    segments = customers.quantiles(name, [0.5], by)["customers"]
    shown = segments[are_shown(customers, segments, by)].index
    if shown.empty:
        return None
    _, ax = plt.subplots(figsize=(PAGE, _high([called[segment] for segment in shown])))
    quantile_bars(ax, customers, name, by, shades=[colour(segment) for segment in shown])
    _name_rows(ax, shown, called)
    label_axis(ax, "x", label)
    return ax


def _high(names: Sequence[str], letters: int = CATEGORY) -> float:
    """Return how high a figure is with a row a segment, in inches."""
    return 0.8 + sum(max(0.36, LINE_INCHES * 1.2 * (1 + wrapped(name, letters).count("\n"))) for name in names)


def _name_rows(ax, segments: Sequence[int], called: Names, letters: int = CATEGORY) -> None:
    """Write the names of segments beside their rows, the first above."""
    ax.set_yticks(range(len(segments)), [keyed(segment, called[segment], letters) for segment in segments])
    ax.set_ylim(len(segments) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", length=0)


def centres(profiles: pd.DataFrame, whole: pd.Series, dataset: Dataset):
    """Draw the centre of each feature by segment as bars with its interval, that of all as a line; None of one."""
    if len(profiles) == 1:
        return None
    called = profiles.set_index("segment")["name"]
    drawn = most_telling(
        profiles[[f"centre {name}" for name in whole.index]].set_axis(whole.index, axis=1), MOST_PANELS
    )
    axes = panels(len(drawn), height=_high(called, NAME_LETTERS) + 0.3)
    for ax, name in zip(axes, drawn, strict=True):
        values, form = profiles[f"centre {name}"], item_form(dataset, name)
        ax.barh(range(len(values)), values, xerr=_reach(profiles, f"centre {name}"), error_kw=WHISKER, height=0.6,
                color=[colour(segment) for segment in called.index])  # fmt: skip
        ends = np.fmax(profiles[f"centre {name} high"], values)
        for row, (value, end) in enumerate(zip(values, ends, strict=True)):
            told = form(value) if value == value else tr(NOT_SHOWN)
            ax.annotate(
                told, (max(np.nan_to_num(end), 0), row), (5, 0), textcoords="offset points", va="center", gid="name"
            )
        ax.axvline(whole[name], color=INK, linestyle="--", linewidth=1)
        ax.margins(x=ROOM)
        few_ticks(ax, 4)
        _name_rows(ax, list(called.index), called, NAME_LETTERS)
        ax.set_xlabel(wrapped(dataset.axis(name), CATEGORY))
        if dataset.columns[name].type == "yes/no":
            ax.set_xlabel(wrapped(tr("{column}, share of yes", column=dataset.label(name)), CATEGORY))
            ax.set(xlim=(0, 1.2), xticks=[0, 0.25, 0.5, 0.75, 1])
            ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    return axes


def _reach(profiles: pd.DataFrame, quantity: str) -> np.ndarray:
    """Return how far the interval of `quantity` reaches below and above it, of shape (2, n_segments)."""
    value = profiles[quantity]
    return np.array([value - profiles[f"{quantity} low"], profiles[f"{quantity} high"] - value]).clip(0)


def index(profiles: pd.DataFrame, features: list[str], dataset: Dataset):
    """Draw the index of each feature (centre of all customers = 100) as a heat map, a column a segment; None of one.

    Half as much and twice as much are equally strong in colour, and in every report the same.
    """
    if len(profiles) == 1:
        return None
    grid = profiles[[f"index {name}" for name in features]].astype(float).set_axis(features, axis=1)
    grid = grid[most_telling(grid, MOST_DRAWN_ROWS)].T
    rows, names = one_line([dataset.label(name) for name in grid.index], CATEGORY), list(profiles["name"])
    level = len(names) <= MOST_LEVEL
    letters = int((PAGE * LETTERS_AN_INCH - max(map(width, rows))) / len(names)) - 2 if level else CATEGORY
    heads = [keyed(s, name, letters) for s, name in zip(profiles["segment"], names, strict=True)]
    lines = max(head.count("\n") + 1 for head in heads)
    above = (
        LINE_INCHES * lines if level else max(max(map(width, head.splitlines())) for head in heads) / LETTERS_AN_INCH
    )
    _, ax = plt.subplots(figsize=(PAGE, 0.3 + above + 0.36 * len(rows)))
    heat_map(ax, grid.map(strength).values, grid.map(show_index).values, rows, heads)
    ax.xaxis.tick_top()
    ax.tick_params(axis="x", length=0, rotation=0 if level else 90)
    return ax


def sizes(profiles: pd.DataFrame):
    """Draw the segment sizes as bars with their intervals; None of one segment."""
    if len(profiles) == 1:
        return None
    called = profiles.set_index("segment")["name"]
    _, ax = plt.subplots(figsize=(PAGE, _high(called)))
    high = profiles["share high"] * profiles["size"].sum()
    ax.barh(range(len(profiles)), profiles["size"], color=[colour(segment) for segment in called.index], height=0.6,
            xerr=_reach(profiles, "share") * profiles["size"].sum(), error_kw=WHISKER)  # fmt: skip
    for row, (size, share, end) in enumerate(zip(profiles["size"], shares(profiles["size"]), high, strict=True)):
        told = tr("{customers} ({share})", customers=whole(size), share=share)
        ax.annotate(told, (max(size, end), row), (6, 0), textcoords="offset points", va="center", gid="name")
    _name_rows(ax, list(called.index), called)
    ax.margins(x=0.15)
    ax.set(xlabel=tr("customers"))
    return ax


def by_category(customers: Customers, names: list[str], called: Names) -> Iterator[tuple]:
    """Draw how each segment divides among the categories of each column, one after the other: name, axes or None."""
    for name in names:
        shares = category_shares(customers, name, private=customers.private)
        yield name, _shares(shares, customers.dataset.axis(name), called, rounded=customers.private)


def _shares(shares: pd.DataFrame, label: str, called: Names, *, rounded: bool):
    """Draw one row a segment, summing to 1 with what is not shown; rounded shares are drawn as parts of their sum."""
    known = shares.dropna(axis=1, how="all")
    if known.empty:
        return None
    keys = -(-(known.shape[1] + 1) // LEGEND_COLUMNS)
    _, ax = plt.subplots(figsize=(PAGE, _high([called[s] for s in shares.index]) + 1.6 * LINE_INCHES * keys))
    told = [share_texts(row, rounded=rounded) for _, row in shares.iterrows()]
    hidden, shares = shares.isna().any(axis=1), known.fillna(0.0)
    rest = (1 - shares.sum(axis=1)).clip(lower=LEAST_DRAWN).where(hidden, 0)
    if rounded:
        everything = shares.sum(axis=1) + rest
        shares, rest = shares.div(everything, axis=0), rest / everything
    rows, left = range(len(shares)), np.zeros(len(shares))
    for i, name in enumerate(shares):
        bars = ax.barh(rows, shares[name], left=left, label=wrapped(str(name), CATEGORY), height=0.7,
                       color=sns.color_palette("crest", max(2, shares.shape[1]))[i])  # fmt: skip
        labels = [own.get(name, "") if v >= LEAST_TOLD else "" for own, v in zip(told, shares[name], strict=True)]
        ax.bar_label(bars, labels, label_type="center", color="white")
        left += shares[name].to_numpy()
    if hidden.any():
        ax.barh(rows, rest, left=left, label=tr(NOT_SHOWN), color=NEUTRAL, alpha=0.25, height=0.7)
    _name_rows(ax, list(shares.index), called)
    ax.set(xlabel=wrapped(tr("share of the segment, by {column}", column=label), room(ax, "x")), xlim=(0, 1))
    ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    if rounded:  # parts of what need not be 100%
        ax.set(xticks=[])
    legend_above(ax, columns=LEGEND_COLUMNS)
    return ax
