"""The segments, drawn: computed tables in, axes out; a list of axes where each can be read by itself.

Where a table is private, whatever shows a single customer is hidden: points become counts on a grid, groups under ten
and box-plot outliers are left out.
"""

from collections.abc import Iterator, Sequence

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
    MOST_IN_GRID,
    NEUTRAL,
    PAGE,
    WHISKER,
    colour,
    glyph,
    label_axis,
    one_line,
    panels,
    room,
    wrapped,
)
from segmentation.core.privacy import NOT_SHOWN
from segmentation.customers.counts import Grouping
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import amounts_of, are_shown
from segmentation.customers.plots import boxes, cloud
from segmentation.language.writing import share_texts, shares, whole
from segmentation.segments.fit import are_profiled, item_form, item_profiles, scale_ends, scaled_label
from segmentation.segments.profiles import category_shares

FEWEST_LEVEL = 12  # letters of a line beneath a column of a heat map
LABEL_LETTERS = 48  # of an item, in two lines
ROOM = 0.2  # of the axis, for a number beside a bar
PALER = 0.35  # a bar that is no marker
LEAST_DRAWN, LEAST_TOLD = 0.02, 0.08  # of a bar: what is not shown, and what has room for its share


def in_scaled_units(scaled: Customers, centroids: pd.DataFrame, names: list[str], spreads: Sequence = ()):
    """Draw the first two of these features by segment, as they were formed, with the centroids as red crosses.

    Of a mixture `spreads` are the covariances of its segments, drawn as ellipses. None of items: two of them are a grid
    of few points, and unscaled they are what the profile shows.
    """
    if are_profiled(scaled.dataset, names):
        return None
    names = amounts_of(scaled.dataset, names)
    ax = _scatter(scaled, centroids, {name: scaled_label(scaled.dataset, name) for name in names})
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


def in_original_units(segmented: Customers, centres: pd.DataFrame, names: list[str]):
    """Draw the first two of these features by segment, with the centres as red crosses; of items their profile."""
    if are_profiled(segmented.dataset, names):
        return profiles(item_profiles(segmented, centres), segmented.counts("segment"), segmented.dataset)
    names = amounts_of(segmented.dataset, names)
    return _scatter(segmented, centres, {name: segmented.dataset.axis(name) for name in names}, cross="centre")


def profiles(items: pd.DataFrame, sizes: pd.Series, dataset: Dataset):
    """Draw the segment profile plot (Dolnicar, Gruen & Leisch 2018): a panel a segment, bars beside the marks of all.

    Parameters
    ----------
    items : DataFrame
        As `profiles.item_profiles` returns it.
    sizes : Series
        How many customers each segment has.
    """
    axes, told = panels(len(sizes), height=1.0 + 0.3 * items["item"].nunique()), shares(sizes)
    for ax, segment, share in zip(axes, sizes.index, told, strict=True):
        own = items[items["segment"] == segment]
        _profile(ax, own, dataset, colour(segment))
        ax.set_title(f"{glyph(segment)} segment {segment}: {share}" if len(sizes) > 1 else "all customers", loc="left")
    return axes


def _profile(ax, own: pd.DataFrame, dataset: Dataset, shade: str) -> None:
    """Draw the answers of one segment as bars on the scale of each item, markers in full colour, all as marks."""
    rows = range(len(own))
    shades = [mpl.colors.to_rgba(shade, 1 if marker else PALER) for marker in own["marker"]]
    ax.barh(rows, own["at"].fillna(0), color=shades, height=0.7)
    ax.plot(own["whole_at"], rows, linestyle="none", marker="|", markersize=13, markeredgewidth=2, color=INK)
    for row, (item, value, at, whole_at) in zip(rows, own[["item", "value", "at", "whole_at"]].values, strict=True):
        told = item_form(dataset, item)(value) if value == value else NOT_SHOWN
        at = np.nan_to_num(at)
        beside = whole_at if at - 0.03 < whole_at < at + ROOM else at  # not across the mark
        ax.annotate(told, (max(at, beside), row), (6, 0), textcoords="offset points", va="center", fontsize=9)
    labels = one_line([dataset.label(item) for item in own["item"]], LABEL_LETTERS)
    ax.set_yticks(rows, [wrapped(label, LABEL_LETTERS // 2) for label in labels], fontsize=9)
    for label, marker in zip(ax.get_yticklabels(), own["marker"], strict=True):
        label.set_fontweight("bold" if marker else "normal")
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    ax.set(xlim=(0, 1), xticks=[0, 0.25, 0.5, 0.75, 1])
    _label_scale(ax, [scale_ends(dataset, item) for item in own["item"]], dataset.columns[own["item"].iloc[0]].type)


def _label_scale(ax, ends: list[tuple[float, float]], kind: str) -> None:
    """Label the axis of items in per cent or in points; of several scales only where it begins and ends."""
    if len(set(ends)) > 1:
        ax.set_xticks([0, 1], ["least", "most"])
    elif kind == "yes/no":
        ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    else:
        low, high = ends[0]
        marks = np.arange(low, high + 1, max(1, np.ceil((high - low) / 5)))
        ax.set_xticks((marks - low) / (high - low), [f"{mark:g}" for mark in marks])


def principal_map(mapped: tuple | None):
    """Draw the customers by segment on a map of the first two principal components; None where there is no map."""
    if mapped is None:
        return None
    points, centroids, _ = mapped
    return _scatter(points, centroids, {name: name for name in centroids})


def _scatter(customers: Customers, centres: pd.DataFrame, labels: dict[str, str], *, cross: str = "centroid"):
    """Draw the first two columns of `labels` (column to axis label), a single one against itself."""
    _, ax = plt.subplots(figsize=(PAGE * 0.8, 5))
    x, y = (list(labels) * 2)[:2]
    cloud(ax, customers, {name: labels[name] for name in (x, y)}, by="segment")
    ax.scatter(centres[x], centres[y], marker="x", s=110, linewidth=3, color=CROSS, label=cross, zorder=3)
    for segment, centre in centres[[*labels]].dropna().iterrows():
        ax.annotate(str(segment), (centre[x], centre[y]), (7, 7), textcoords="offset points", fontweight="bold")
    label_axis(ax, "x", labels[x])
    label_axis(ax, "y", labels[y])
    ax.legend(bbox_to_anchor=(1.01, 1), loc="upper left")
    return ax


def silhouette_boxes(silhouettes: pd.DataFrame, dataset: Dataset):
    """Draw a box plot of the silhouettes of each segment; None where there are none."""
    if silhouettes.empty:
        return None
    return _boxes_by_segment(Customers.of(dataset, silhouettes), "silhouette", "silhouette of each customer")


def by_number(customers: Customers, names: list[str]) -> Iterator[tuple]:
    """Draw for each numeric column a box plot a segment, one figure after the other: its name, and axes or None."""
    for name in names:
        yield name, _boxes_by_segment(customers, name, customers.dataset.axis(name))


def _boxes_by_segment(customers: Customers, name: str, label: str):
    by = Grouping("segment")
    segments = customers.quantiles(name, [0.5], by)["customers"]
    shown = segments[are_shown(customers, segments, by)].index
    if shown.empty:
        return None
    _, ax = plt.subplots(figsize=(PAGE * 0.7, 3.4))
    boxes(ax, customers, name, by, shades=[colour(segment) for segment in shown])
    ax.set(xlabel="segment")
    label_axis(ax, "y", label)
    return ax


def centres(profiles: pd.DataFrame, whole: pd.Series, dataset: Dataset):
    """Draw the centre of each feature by segment as bars with its interval, that of all as a line; None of one."""
    if len(profiles) == 1:
        return None
    axes = panels(len(whole), height=3.0)
    for ax, name in zip(axes, whole.index, strict=True):
        bars = ax.bar(profiles["segment"].astype(str), profiles[f"centre {name}"],
                      yerr=_reach(profiles, f"centre {name}"), error_kw=WHISKER,
                      color=[colour(segment) for segment in profiles["segment"]])  # fmt: skip
        ax.bar_label(bars, fmt=item_form(dataset, name), padding=2)
        ax.axhline(whole[name], color=INK, linestyle="--", linewidth=1)
        ax.set(xlabel="segment", ylabel=wrapped(dataset.axis(name), room(ax, "y")))
        if dataset.columns[name].type == "yes/no":
            share = wrapped(f"{dataset.label(name)}, share of yes", room(ax, "y"))
            ax.set(ylabel=share, ylim=(0, 1.1), yticks=[0, 0.25, 0.5, 0.75, 1])
            ax.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    return axes


def _reach(profiles: pd.DataFrame, quantity: str) -> np.ndarray:
    """Return how far the interval of `quantity` reaches below and above it, of shape (2, n_segments)."""
    value = profiles[quantity]
    return np.array([value - profiles[f"{quantity} low"], profiles[f"{quantity} high"] - value]).clip(0)


def index(profiles: pd.DataFrame, features: list[str], dataset: Dataset):
    """Draw the index of each feature (centre of all customers = 100) as a heat map; None of one segment."""
    if len(profiles) == 1:
        return None
    grid = profiles.set_index("segment")[[f"index {name}" for name in features]].astype(float)
    _, ax = plt.subplots(figsize=(PAGE * 0.7, 0.8 + 0.45 * len(grid)))
    labels, letters = [dataset.label(name) for name in features], room(ax, "x") // len(features)
    level = letters >= min(max(map(len, labels)), FEWEST_LEVEL)  # written across, else upwards
    grid.columns = [wrapped(label, letters) for label in labels] if level else one_line(labels)
    lines = 1 + max(label.count("\n") for label in grid)
    ax.figure.set_figheight(ax.figure.get_figheight() + ((lines - 1) / 5 if level else max(map(len, grid)) / 12))
    few = len(features) <= MOST_IN_GRID
    sns.heatmap(grid, center=100, cmap="RdBu_r", annot=few, fmt=".0f", ax=ax, cbar=not few)
    plt.setp(ax.get_xticklabels(), rotation=0 if level else 90)
    ax.set(xlabel="", ylabel="segment")
    ax.grid(False)
    return ax


def sizes(profiles: pd.DataFrame):
    """Draw the segment sizes as bars with their intervals, and as a donut; None of one segment."""
    if len(profiles) == 1:
        return None
    bar, donut = panels(2, height=3.4)
    shades = [colour(segment) for segment in profiles["segment"]]
    bars = bar.barh("segment " + profiles["segment"].astype(str), profiles["size"], color=shades,
                    xerr=_reach(profiles, "share") * profiles["size"].sum(), error_kw=WHISKER)  # fmt: skip
    bar.bar_label(bars, fmt=whole, padding=3)
    bar.invert_yaxis()
    bar.set(xlabel="customers")
    told = iter(shares(profiles["size"]))
    _, _, inside = donut.pie(profiles["size"], labels=profiles["segment"], colors=shades, pctdistance=0.8,
                             autopct=lambda _: next(told), startangle=90, counterclock=False,
                             textprops={"color": INK}, wedgeprops={"width": 0.42, "edgecolor": "white"})  # fmt: skip
    plt.setp(inside, color="white", fontweight="bold")
    return [bar, donut]


def by_category(customers: Customers, names: list[str]) -> Iterator[tuple]:
    """Draw how each segment divides among the categories of each column, one after the other: name, axes or None."""
    for name in names:
        shares = category_shares(customers, name, private=customers.private)
        yield name, _shares(shares, customers.dataset.axis(name), rounded=customers.private)


def _shares(shares: pd.DataFrame, label: str, *, rounded: bool):
    """Draw one row a segment, summing to 1 with what is not shown; rounded shares are drawn as parts of their sum."""
    known = shares.dropna(axis=1, how="all")
    if known.empty:
        return None
    _, ax = plt.subplots(figsize=(PAGE * 0.7, 0.9 + 0.4 * len(shares)))
    told = [share_texts(row, rounded=rounded) for _, row in shares.iterrows()]
    hidden, shares = shares.isna().any(axis=1), known.fillna(0.0)
    rest = (1 - shares.sum(axis=1)).clip(lower=LEAST_DRAWN).where(hidden, 0)
    if rounded:
        whole = shares.sum(axis=1) + rest
        shares, rest = shares.div(whole, axis=0), rest / whole
    left = np.zeros(len(shares))
    for i, name in enumerate(shares):
        bars = ax.barh([str(segment) for segment in shares.index], shares[name], left=left,
                       label=wrapped(str(name), CATEGORY),
                       color=sns.color_palette("crest", max(2, shares.shape[1]))[i])  # fmt: skip
        labels = [own.get(name, "") if v >= LEAST_TOLD else "" for own, v in zip(told, shares[name], strict=True)]
        ax.bar_label(bars, labels, label_type="center", color="white")
        left += shares[name].to_numpy()
    if hidden.any():
        ax.barh([str(segment) for segment in shares.index], rest, left=left, label="not shown", color=NEUTRAL,
                alpha=0.25)  # fmt: skip
    ax.invert_yaxis()
    ax.set(xlabel=wrapped(f"share of the segment, by {label}", room(ax, "x")), ylabel="segment", xlim=(0, 1))
    ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    if rounded:  # parts of what need not be 100%
        ax.set(xticks=[])
    ax.legend(bbox_to_anchor=(1.01, 1), loc="upper left")
    return ax
