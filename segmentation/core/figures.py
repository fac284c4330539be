"""The look of figures: the colour and the shape of each segment, and axes as every chapter has them.

Letters have one size in all figures, which are as wide as the text. Where a table is private, whatever shows a single
customer is hidden: points become densities of groups of ten or more, and smaller groups are left out.
"""

import math
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from unicodedata import east_asian_width

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from segmentation.core.text import shortened
from segmentation.language import tr
from segmentation.language.writing import amount, fixed, percent

# Chosen so that they differ for readers who see red, green or blue poorly, on light and on dark paper (tested).
PALETTE = (
    "#756DEC", "#D86F09", "#538343", "#A96C8C", "#218DC1",
    "#A7580F", "#7C4BEB", "#846E6E", "#ED3050", "#6E9B1B",
)  # fmt: skip
MARKERS = "osD^vPX*<>"
GLYPHS = "●■◆▲▼✚✖★◀▶"
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "x", "star", "triangle-left",
           "triangle-right")  # fmt: skip
INK = "#010203"
NEUTRAL = "#5F7A99"
CROSS = "#D62728"
ABOVE, BELOW = "#0B7F78", "#A6611A"  # of a middle: neither is good or bad, and no reader takes one for the other
STRONGEST = 0.6  # colour of a cell, on which ink is still read, on light paper and on dark
FULL_INDEX = 400  # four times the middle, or a quarter of it, has the fullest colour
PAGE = 46 / 6  # inches: the 46rem of the text
LETTER_POINTS = 9.75  # points: 13 pixels
LETTERS_AN_INCH = 13
MOST_IN_GRID = 12  # columns of a grid whose cells have room for their figures
LINE_INCHES = 1.2 * LETTER_POINTS / 72  # inches
NARROW = 0.6  # of the height of a letter: its width
PALER = 0.35  # a bar behind another
LEADER_FROM, REACHES = 10, (10, 18, 28, 40, 54, 70, 90)  # points from a place to the label that names it
MARKS_WORTH = 10  # points farther away, to cover one customer less
DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1))
NAME_LETTERS = 18  # letters of a line of a name at a group
LEGEND_LETTERS, LEGEND_COLUMNS = 22, 3  # of a name in a legend
CATEGORY = 26  # letters of a line, where a category or a segment is named beside a figure
WHISKER = {"ecolor": INK, "elinewidth": 1, "capsize": 3}


def colour(segment: int) -> str:
    """Return the colour of a segment (from 1)."""
    return PALETTE[(segment - 1) % len(PALETTE)]


def marker(segment: int) -> str:
    """Return the matplotlib marker of a segment (from 1)."""
    return MARKERS[_shape(segment)]


def glyph(segment: int) -> str:
    """Return the marker of a segment (from 1) as a character."""
    return GLYPHS[_shape(segment)]


def symbol(segment: int) -> str:
    """Return the Plotly marker of a segment (from 1)."""
    return SYMBOLS[_shape(segment)]


def _shape(segment: int) -> int:
    """Return which shape a segment has; where colours begin again, shapes are shifted, so that a pair never repeats."""
    rounds, place = divmod(segment - 1, len(PALETTE))
    return (place + rounds) % len(MARKERS)


# A figure keeps its text as text, which whoever shows it draws in a font that has the letters.
warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font", category=UserWarning)
mpl.rcParams.update(
    {
        "text.parse_math": False,
        "svg.fonttype": "none",
        "savefig.transparent": True,
        "figure.constrained_layout.use": True,
        "font.size": LETTER_POINTS,
        **dict.fromkeys(
            ["axes.titlesize", "axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize"], LETTER_POINTS
        ),
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.alpha": 0.15,
        "legend.frameon": False,
        **dict.fromkeys(
            ["text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color"], INK
        ),
    }
)


def panels(n: int, *, columns: int = 2, height: float = 2.6):
    """Return axes of panels, each laid out by itself, so that it can be shown by itself in the same size."""
    rows = -(-n // columns)
    whole = plt.figure(figsize=(PAGE, height * rows))
    parts = whole.subfigures(rows, columns, squeeze=False, wspace=0, hspace=0).flat
    return [part.add_subplot() for part in list(parts)[:n]]


def strength(index: float) -> float:
    """Return how strongly an index is coloured, from -1 to 1: half as much and twice as much stand equally far."""
    return 0.0 if index != index else max(-1.0, min(1.0, math.log(max(index, 1e-9) / 100) / math.log(FULL_INDEX / 100)))


def tint(strong: float) -> tuple[float, ...]:
    """Return the colour of a cell so far above (to 1) or below (to -1) its middle."""
    return mpl.colors.to_rgba(ABOVE if strong > 0 else BELOW, STRONGEST * abs(strong))


def heat_map(ax, strong, told, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Draw a grid of cells by how far each stands from its middle (-1 to 1), with what is told of it."""
    for i, (shades, texts) in enumerate(zip(strong, told, strict=True)):
        for j, (shade, text) in enumerate(zip(shades, texts, strict=True)):
            ax.add_patch(mpl.patches.Rectangle((j, i), 1, 1, facecolor=tint(shade), edgecolor="none"))
            if text:
                ax.text(j + 0.5, i + 0.5, text, ha="center", va="center")
    ax.set(xlim=(0, len(columns)), ylim=(len(rows), 0))
    ax.set_xticks([j + 0.5 for j in range(len(columns))], columns)
    ax.set_yticks([i + 0.5 for i in range(len(rows))], rows)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.grid(visible=False)


def label_axis(ax, side: str, axis: str, *, label: bool = True):
    """Label an axis of the figure, and give it the scale of its column."""
    logged = getattr(axis, "logged", False)
    if label:
        told = tr("{axis}, log scale", axis=axis) if logged else axis
        ax.set(**{f"{side}label": wrapped(told, room(ax, side))})
    if logged:
        getattr(ax, f"set_{side}scale")("symlog", linthresh=1)
        ax.autoscale_view(scalex=side == "x", scaley=side == "y")  # margins as this scale sees them
        low, high = getattr(ax, f"get_{side}lim")()
        ticks = getattr(ax, f"{side}axis")
        ticks.set_major_locator(mpl.ticker.SymmetricalLogLocator(base=10, linthresh=1, subs=log_steps(low, high)))
        ticks.set_major_formatter(lambda value, _: getattr(axis, "form", amount)(value))


class Numbers(mpl.ticker.Formatter):
    """Writes the numbers of an axis as the reader's language does, all with as many decimals as one of them needs."""

    def __init__(self, *, shares: bool = False):
        self._write = percent if shares else fixed
        self._times = 100 if shares else 1

    def format_ticks(self, values) -> list[str]:
        """Return the text of each tick."""
        parts = [self._times * value for value in values]
        digits = next((d for d in range(9) if all(_is_whole(part * 10**d) for part in parts)), 9)
        return [self(value, digits=digits) for value in values]

    def __call__(self, value, _=None, digits: int = 0) -> str:
        """Return the text of one tick."""
        return self._write(value, digits).replace("-", "−")


def _is_whole(value: float) -> bool:
    return abs(value - round(value)) < 1e-6


def log_steps(low: float, high: float) -> tuple[int, ...]:
    """Return which multiples of the powers of ten are marked on a logarithmic scale: more where it spans few powers."""
    return (1, 2, 5) if low > 0 and high < 100 * low else (1,)


def few_ticks(ax, most: int = 5):
    """Leave room between the ticks for numbers of six digits."""
    linear = ax.get_xscale() == "linear"
    ax.xaxis.get_major_locator().set_params(**({"nbins": most} if linear else {"numticks": most}))


def keyed(segment: int, name: str, letters: int = CATEGORY) -> str:
    """Return the name of a segment on lines of so many letters, its mark before it."""
    return f"{glyph(segment)} {wrapped(name, letters)}"


def legend_above(ax, handles=None, columns: int = 6) -> None:
    """Draw a legend above the axes, which so stay as wide as the text."""
    more = {"handles": handles} if handles else {}
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, columnspacing=1.2, handletextpad=0.5, **more)


def name_groups(ax, places: dict[int, tuple[float, float]], names: Mapping[int, str]) -> None:
    """Write the name of each segment near its place; where these have no room, in a legend above.

    Call it when all else is drawn: where a label has room depends on the axes.
    """
    labels = {segment: keyed(segment, names[segment], NAME_LETTERS) for segment in places}
    ax.get_figure(root=True).draw_without_rendering()
    found = _placed(ax, places, labels) if set(places) == set(names) else None  # a centre may not be shown
    if found is None:
        told = {segment: wrapped(name, LEGEND_LETTERS) for segment, name in names.items()}
        handles = [mpl.lines.Line2D([], [], linestyle="", marker=marker(segment), color=colour(segment), label=name)
                   for segment, name in told.items()]  # fmt: skip
        lines = max(name.count("\n") + 1 for name in told.values()) * -(-len(told) // LEGEND_COLUMNS)
        whole = ax.get_figure(root=True)
        whole.set_figheight(whole.get_figheight() + 1.3 * LINE_INCHES * lines)
        legend_above(ax, handles, LEGEND_COLUMNS)
        return
    for segment, at in found.items():
        line = {"arrowstyle": "-", "color": INK, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 4}
        far = max(map(abs, at["off"])) > 3 * LEADER_FROM
        ax.annotate(labels[segment], places[segment], at["off"], textcoords="offset points", ha="center", va="center",
                    fontweight="bold", gid="name", arrowprops=line if far else None, linespacing=1.1)  # fmt: skip


def _placed(ax, places: dict, labels: dict) -> dict | None:
    """Return how many points from its place the middle of each label is, so that none covers another or a place."""
    scale = 72 / ax.get_figure(root=True).dpi
    points = {segment: ax.transData.transform(place) * scale for segment, place in places.items()}
    frame = ax.bbox.extents * scale
    drawn = [
        ax.transData.transform(marks.get_offsets()) * scale for marks in ax.collections if len(marks.get_offsets())
    ]
    marks = np.concatenate([*drawn, np.empty((0, 2))])
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in points.values()]
    found = {}
    for segment, (x, y) in points.items():
        wide, high = extent(labels[segment])
        tries = [
            (reach, x + dx * (reach + wide / 2), y + dy * (reach + high / 2))
            for reach in REACHES
            for dx, dy in DIRECTIONS
        ]
        boxes = [(reach, (a - wide / 2, b - high / 2, a + wide / 2, b + high / 2)) for reach, a, b in tries]
        free = [(_covered(box, marks) + reach / MARKS_WORTH, i, box) for i, (reach, box) in enumerate(boxes)
                if _is_inside(box, frame) and not any(_overlap(box, other) for other in taken)]  # fmt: skip
        if not free:
            return None
        *_, box = min(free)
        taken.append(box)
        found[segment] = {"off": ((box[0] + box[2]) / 2 - x, (box[1] + box[3]) / 2 - y)}
    return found


def _covered(box: tuple, marks: np.ndarray) -> int:
    """Return how many customers a label would cover."""
    x, y = marks.T
    return int(((x > box[0] - 2) & (x < box[2] + 2) & (y > box[1] - 2) & (y < box[3] + 2)).sum())


def _is_inside(box: tuple, frame: tuple) -> bool:
    return box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]


def extent(label: str) -> tuple[float, float]:
    """Return about how wide and high a label is, in points."""
    lines = label.splitlines()
    return NARROW * LETTER_POINTS * max(map(width, lines)) * 1.08, 1.2 * LETTER_POINTS * len(lines)


def _overlap(one: tuple, other: tuple) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def wrapped(label: str, most: int = 18) -> str:
    """Return a label on lines of so many letters or less, of wide ones, as of Chinese, half as many."""
    return textwrap.fill(label, most * len(label) // width(label) or 1) if label else label


def width(label: str) -> int:
    """Return how many letters have the width of this label: a wide one, as of Chinese, counts twice."""
    return sum(1 + (east_asian_width(letter) in "WF") for letter in label)


def room(ax, side: str) -> int:
    """Return how many letters have room along a side of the axes, as they are laid out at first."""
    return int(LETTERS_AN_INCH * (ax.bbox.width if side == "x" else ax.bbox.height) / ax.get_figure(root=True).dpi)


def one_line(labels: Sequence[str], letters: int = CATEGORY) -> list[str]:
    """Return labels for the rows and columns of a grid, each in one line where that stands for no other of them."""
    most = [letters * len(label) // width(label) for label in labels]
    others = [[other for other in labels if other != label] for label in labels]
    return [shortened(*told, cut=True) or wrapped(told[0], letters) for told in zip(labels, others, most, strict=True)]
