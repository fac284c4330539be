"""What the segments are worth, drawn: computed tables in, axes out; None where there is nothing to draw."""

import re
from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from segmentation.core.dataset import Dataset
from segmentation.core.figures import INK, NEUTRAL, PAGE, PALER, STRONGEST, colour, keyed, panels, room, width, wrapped
from segmentation.core.privacy import NOT_SHOWN
from segmentation.language import tr
from segmentation.language.writing import percent, share_texts
from segmentation.runs.records import Profile
from segmentation.runs.worth import Rfm, Worth
from segmentation.segments.profiles import largest_first
from segmentation.worth.rfm import group_texts

RFM_LETTERS = 8  # in a line of a cell of the RFM grid
SYLLABLE = re.compile(  # where one begins in English, German, French and Spanish: a consonant or two, then a vowel
    r"(?<=\w\w)(?=(?:[cpst]h|qu|gn|[bcdfgkptv][lr]|[bcdfgjkmnpqstvwxzßçñ]|(?<![bcdfgkptv])[lr]|(?<![cpst])h)"
    r"[aeiouyäöüàâéèêëîïôûùáíóú]\w)",
    re.IGNORECASE,
)
BAR = 0.38  # of a row, one of two


def shares(values: Sequence[Worth], profiles: list[Profile], dataset: Dataset):
    """Draw for each segment its share of the customers and, beneath, that of the main value; None of one segment."""
    parts = {str(part.segment): part.share for part in values[0].parts if part.share is not None} if values else {}
    if len(profiles) == 1 or not parts:
        return None
    rows, told = largest_first(profiles), share_texts(parts)
    sizes = share_texts({str(profile.segment): profile.share for profile in profiles})
    names = [keyed(profile.segment, profile.name) for profile in rows]
    _, ax = plt.subplots(figsize=(PAGE, 0.8 + 0.62 * len(rows)))
    places, shades = np.arange(len(rows)), [colour(profile.segment) for profile in rows]
    pale = [mpl.colors.to_rgba(shade, PALER) for shade in shades]
    above = ax.barh(places - BAR / 2, [profile.share for profile in rows], BAR, color=pale)
    below = ax.barh(places + BAR / 2, [parts.get(str(profile.segment), 0.0) for profile in rows], BAR, color=shades)
    ax.bar_label(above, [sizes[str(p.segment)] for p in rows], padding=3)
    ax.bar_label(below, [told.get(str(p.segment), tr(NOT_SHOWN)) for p in rows], padding=3, fontweight="bold")
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    ax.margins(x=0.1)
    of = tr("share of customers (pale) and of {value} (full)", value=dataset.words(values[0].column))
    ax.set(xlabel=wrapped(of, room(ax, "x")))
    ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    return ax


def concentration(values: Sequence[Worth], dataset: Dataset):
    """Draw which share of the main value the customers have who are worth most (Lorenz 1905, from the other end)."""
    if not values or not values[0].lorenz:
        return None
    main, points = values[0], 1 - np.array(values[0].lorenz)[::-1]
    _, ax = plt.subplots(figsize=(PAGE, 4))
    ax.plot(*points.T, color=NEUTRAL, linewidth=2)
    ax.plot([0, 1], [0, 1], color=INK, linestyle="--", linewidth=1)
    if main.top_fifth is not None:
        ax.plot([0.2, 0.2, 0], [0, main.top_fifth, main.top_fifth], color=INK, linewidth=1, linestyle=":")
        ax.annotate(percent(main.top_fifth), (0.2, main.top_fifth), (8, -12), textcoords="offset points",
                    fontweight="bold", gid="name")  # fmt: skip
    ax.set(xlim=(0, 1), xlabel=tr("share of the customers, those worth most first"))
    ax.set(ylabel=wrapped(tr("share of {value}", value=dataset.words(main.column)), room(ax, "y")))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    return ax


def rfm(found: Rfm | None, dataset: Dataset) -> list | None:
    """Draw the grid of RFM groups, their share of customers and, beside it, of value the stronger in colour."""
    if found is None:
        return None
    shares = {tr("share of customers"): {group.name: group.share for group in found.groups}}
    if any(group.value for group in found.groups):
        words = dataset.words(found.columns["monetary"])
        shares[tr("share of {value}", value=words)] = {group.name: group.value for group in found.groups}
    axes = panels(len(shares), height=5.2)
    most = max((part for parts in shares.values() for part in parts.values() if part), default=1.0)
    for ax, (of, parts), told in zip(axes, shares.items(), group_texts(found, private=dataset.private), strict=False):
        _grid(ax, found.grid, parts, told, most)
        ax.set_title(wrapped(of, room(ax, "x")))
    return axes


def _grid(
    ax, grid: dict[int, tuple[str, ...]], parts: dict[str, float | None], told: dict[str, str], most: float
) -> None:
    """Draw the cells of a grid, a line around those of one group, and in its widest part its name and share."""
    cells = {(x, y): name for y, row in grid.items() for x, name in enumerate(row, start=1)}
    for (x, y), name in cells.items():
        shade = mpl.colors.to_rgba(NEUTRAL, STRONGEST * max(parts[name] or 0.0, 0.0) / most)
        ax.add_patch(plt.Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=shade, linewidth=0))
        for edge in (([x + 0.5] * 2, [y - 0.5, y + 0.5], (x + 1, y)), ([x - 0.5, x + 0.5], [y + 0.5] * 2, (x, y + 1))):
            if cells.get(edge[2]) != name:
                ax.plot(*edge[:2], color=INK, linewidth=1, clip_on=False)
    for name in parts:
        across, up, wide = _widest([cell for cell in cells if cells[cell] == name])
        letters = RFM_LETTERS * wide - 1  # room on either side
        told_there = wrapped(told.get(name) or tr(NOT_SHOWN), letters)
        text = f"{wrapped(_broken(name, letters), letters)}\n{told_there}"
        ax.text(across, up, text, ha="center", va="center")
    ax.set(xlim=(0.5, 5.5), ylim=(0.5, 5.5), xlabel=tr("recency score"))
    ax.set_ylabel(tr("score of frequency and monetary value"))
    ends = {1: tr("long ago"), 5: tr("lately")}
    ax.set_xticks(range(1, 6), [f"{score}\n{ends.get(score, '')}" for score in range(1, 6)])
    ends = {1: tr("little"), 5: tr("much")}
    ax.set_yticks(range(1, 6), [f"{score}\n{ends[score]}" if score in ends else f"{score}" for score in range(1, 6)])
    ax.grid(visible=False)
    ax.tick_params(length=0)


def _broken(name: str, letters: int) -> str:
    """Return a name whose words that are longer than a line are parted into pieces that fit, each with a hyphen."""
    return " ".join(_parted(word, letters - 1) if width(word) > letters else word for word in name.split())


def _parted(word: str, letters: int) -> str:
    """Return a word in pieces of at most so many letters, wide ones counted twice: between syllables, else alike."""
    ends = [mark.start() for mark in SYLLABLE.finditer(word) if width(word[: mark.start()]) <= letters]
    if ends:
        rest = word[ends[-1] :]
        return f"{word[: ends[-1]]}- {_parted(rest, letters) if width(rest) > letters + 1 else rest}"
    long = -(-len(word) // -(-width(word) // letters))
    return "- ".join(word[at : at + long] for at in range(0, len(word), long))


def _widest(cells: list[tuple[int, int]]) -> tuple[float, float, int]:
    """Return the middle of the widest row of these cells, over as many rows as have it, and how wide that is."""
    runs: dict[tuple[int, int], list[int]] = {}
    for x, y in cells:
        wide = next(n for n in range(1, 7) if (x + n, y) not in cells)
        runs.setdefault((wide, x), []).append(y)
    (wide, x), rows = max(runs.items(), key=lambda run: (run[0][0], len(run[1])))
    rows = [y for y in sorted(rows) if y - min(rows) == sorted(rows).index(y)]
    return x + (wide - 1) / 2, sum(rows) / len(rows), wide
