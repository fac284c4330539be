"""The look of figures: the colour and the shape of each segment, and axes as every chapter has them.

`private` hides whatever shows a single customer: points become counts on a grid, groups under ten and box-plot
outliers are left out.
"""

import textwrap
import warnings
from collections.abc import Sequence
from unicodedata import east_asian_width

import matplotlib as mpl
import matplotlib.pyplot as plt

from segmentation.core.text import shortened
from segmentation.language.writing import amount

# Chosen so that they differ for readers who see red, green or blue poorly, on light and on dark paper (tested).
PALETTE = (
    "#756DEC", "#D86F09", "#538343", "#A96C8C", "#218DC1",
    "#A7580F", "#7C4BEB", "#846E6E", "#ED3050", "#6E9B1B",
)  # fmt: skip
MARKERS = "osD^vPX*<>"
GLYPHS = "●■◆▲▼✚✖★◀▶"
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "x", "star", "triangle-left",
           "triangle-right")  # fmt: skip
SOLIDS = ("circle", "square", "diamond", "circle-open", "square-open", "diamond-open", "cross")  # in every font
INK = "#010203"
NEUTRAL = "#5F7A99"
CROSS = "#D62728"
FIGURE_BINS = 40
PAGE = 8.0
LETTERS_AN_INCH = 12  # of the size of labels
MOST_IN_GRID = 12  # columns of a grid whose cells have room for their figures
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


def solid(segment: int) -> str:
    """Return the Plotly marker of a segment (from 1) in three dimensions, where there are fewer."""
    return SOLIDS[_shape(segment) % len(SOLIDS)]


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
        "font.size": 11,
        "axes.titlesize": 12,
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
    rows = -(-n // columns)
    _, axes = plt.subplots(rows, columns, figsize=(PAGE, height * rows), squeeze=False)
    for ax in axes.flat[n:]:
        ax.remove()
    return list(axes.flat[:n])


def label_axis(ax, side: str, axis: str, *, label: bool = True):
    """Label an axis of the figure, and give it the scale of its column."""
    logged = getattr(axis, "logged", False)
    if label:
        ax.set(**{f"{side}label": wrapped(f"{axis}, log scale" if logged else axis, room(ax, side))})
    if logged:
        getattr(ax, f"set_{side}scale")("symlog", linthresh=1)
        ax.autoscale_view(scalex=side == "x", scaley=side == "y")  # margins as this scale sees them
        low, high = getattr(ax, f"get_{side}lim")()
        ticks = getattr(ax, f"{side}axis")
        ticks.set_major_locator(mpl.ticker.SymmetricalLogLocator(base=10, linthresh=1, subs=log_steps(low, high)))
        ticks.set_major_formatter(lambda value, _: getattr(axis, "form", amount)(value))


def log_steps(low: float, high: float) -> tuple[int, ...]:
    """Return which multiples of the powers of ten are marked on a logarithmic scale: more where it spans few powers."""
    return (1, 2, 5) if low > 0 and high < 100 * low else (1,)


def few_ticks(ax, most: int = 5):
    """Leave room between the ticks for numbers of six digits."""
    linear = ax.get_xscale() == "linear"
    ax.xaxis.get_major_locator().set_params(**({"nbins": most} if linear else {"numticks": most}))


def mark_style(group: int, by: str | None) -> dict:
    shade = colour(group) if by else NEUTRAL
    return {"s": 22, "alpha": 0.8, "color": shade, "linewidth": 0, "marker": marker(group), "label": f"segment {group}"}


def wrapped(label: str, most: int = 18) -> str:
    """Return a label on lines of so many letters or less, of wide ones, as of Chinese, half as many."""
    return textwrap.fill(label, most * len(label) // width(label) or 1) if label else label


def width(label: str) -> int:
    """Return how many letters have the width of this label: a wide one, as of Chinese, counts twice."""
    return sum(1 + (east_asian_width(letter) in "WF") for letter in label)


def room(ax, side: str) -> int:
    """Return how many letters have room along a side of the axes, as they are laid out at first."""
    place = ax.get_position()
    share = place.width if side == "x" else place.height
    wide, high = ax.figure.get_size_inches()
    return int(LETTERS_AN_INCH * (wide if side == "x" else high) * share)


def one_line(labels: Sequence[str], letters: int = CATEGORY) -> list[str]:
    """Return labels for the rows and columns of a grid, each in one line where that stands for no other of them."""
    most = [letters * len(label) // width(label) for label in labels]
    others = [[other for other in labels if other != label] for label in labels]
    return [shortened(*told, cut=True) or wrapped(told[0], letters) for told in zip(labels, others, most, strict=True)]
