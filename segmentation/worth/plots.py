"""What the segments are worth, drawn: computed tables in, axes out; None where there is nothing to draw."""

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from segmentation.core.dataset import Dataset
from segmentation.core.figures import CATEGORY, INK, NEUTRAL, PAGE, colour, glyph, wrapped
from segmentation.core.privacy import NOT_SHOWN
from segmentation.core.text import percent, share_texts
from segmentation.runs.records import Profile
from segmentation.runs.worth import Worth
from segmentation.segments.plots import PALER
from segmentation.segments.profiles import largest_first

BAR = 0.38  # of a row, one of two


def shares(values: Sequence[Worth], profiles: list[Profile], dataset: Dataset):
    """Draw for each segment its share of the customers and, beneath, that of the main value; None of one segment."""
    parts = {str(part.segment): part.share for part in values[0].parts if part.share is not None} if values else {}
    if len(profiles) == 1 or not parts:
        return None
    rows, told = largest_first(profiles), share_texts(parts)
    sizes = share_texts({str(profile.segment): profile.share for profile in profiles})
    _, ax = plt.subplots(figsize=(PAGE * 0.8, 0.8 + 0.62 * len(rows)))
    places, shades = np.arange(len(rows)), [colour(profile.segment) for profile in rows]
    pale = [mpl.colors.to_rgba(shade, PALER) for shade in shades]
    above = ax.barh(places - BAR / 2, [profile.share for profile in rows], BAR, color=pale)
    below = ax.barh(places + BAR / 2, [parts.get(str(profile.segment), 0.0) for profile in rows], BAR, color=shades)
    ax.bar_label(above, [sizes[str(p.segment)] for p in rows], padding=3, fontsize=9)
    ax.bar_label(below, [told.get(str(p.segment), NOT_SHOWN) for p in rows], padding=3, fontsize=9, fontweight="bold")
    ax.set_yticks(places, [f"{glyph(p.segment)} {wrapped(p.name, CATEGORY)}" for p in rows])
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    ax.margins(x=0.1)
    ax.set(xlabel=wrapped(f"share of customers (pale) and of {dataset.words(values[0].column)} (full)", 60))
    ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    return ax


def concentration(values: Sequence[Worth], dataset: Dataset):
    """Draw which share of the main value the customers have who are worth most (Lorenz 1905, from the other end)."""
    if not values or not values[0].lorenz:
        return None
    main, points = values[0], 1 - np.array(values[0].lorenz)[::-1]
    _, ax = plt.subplots(figsize=(PAGE * 0.6, 4))
    ax.plot(*points.T, color=NEUTRAL, linewidth=2)
    ax.plot([0, 1], [0, 1], color=INK, linestyle="--", linewidth=1)
    if main.top_fifth is not None:
        ax.plot([0.2, 0.2, 0], [0, main.top_fifth, main.top_fifth], color=INK, linewidth=1, linestyle=":")
        ax.annotate(percent(main.top_fifth), (0.2, main.top_fifth), (8, -12), textcoords="offset points",
                    fontweight="bold")  # fmt: skip
    ax.set(xlim=(0, 1), xlabel="share of the customers, those worth most first")
    ax.set(ylabel=wrapped(f"share of {dataset.words(main.column)}", 40))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    return ax
