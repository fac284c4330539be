"""What stands on a slide, and where: boxes on a sheet of 1280 by 720, alike in the browser and in PowerPoint."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from segmentation.core.figures import wrapped

SHEET_WIDE, SHEET_HIGH = 1280, 720
EDGE = 64
LETTER_WIDE = 0.6  # of the size of the type: what a letter is wide on average, in the wider of common fonts
BOLDER = 1.12  # times as wide
LEADING = 1.3  # of the size of the type
INSET = 6  # of a cell, on every side
QUIET, RULED = "soft", "line"  # beside the colours of segments, what the look of a slide names


class Box(NamedTuple):
    """A place on the sheet."""

    x: float
    y: float
    wide: float
    high: float

    @property
    def right(self) -> float:
        return self.x + self.wide

    @property
    def bottom(self) -> float:
        return self.y + self.high


@dataclass(frozen=True)
class Words:
    """A paragraph, or the heading of a slide, in type that fits its box."""

    text: str
    box: Box
    size: int
    bold: bool = False
    colour: str = ""
    heading: bool = False


@dataclass(frozen=True)
class Grid:
    """A table: rows of cells, the first of each its head; `widths` and `heights` of columns and rows."""

    label: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    box: Box
    widths: tuple[float, ...]
    heights: tuple[float, ...]
    size: int


@dataclass(frozen=True)
class Mark:
    """One shape of a drawing: a bar, a line or a dot."""

    kind: str
    box: Box
    colour: str


@dataclass(frozen=True)
class Drawing:
    """Shapes that show what a table beside them says, and what they say to those who cannot see them."""

    label: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Picture:
    """A figure of the report, as large as its box allows; `name` is that of its file."""

    name: str
    label: str
    box: Box


@dataclass(frozen=True)
class Slide:
    """What stands on a slide, in the order in which it is read; the first is its heading."""

    parts: tuple[Words | Grid | Drawing | Picture, ...]

    @property
    def title(self) -> str:
        return next(part.text for part in self.parts if isinstance(part, Words) and part.heading)


def lines(text: str, size: float, wide: float, *, bold: bool = False) -> int:
    """Return how many lines a text takes at most in type of a size."""
    letters = max(1, int(wide / (size * LETTER_WIDE * (BOLDER if bold else 1))))
    return sum(len(wrapped(part, letters).splitlines()) or 1 for part in text.splitlines() or [""])


def fits(text: str, size: float, box: Box, *, bold: bool = False) -> bool:
    """Return whether a text has room in a box."""
    return lines(text, size, box.wide, bold=bold) * size * LEADING <= box.high


def words(text: str, box: Box, most: int, least: int = 15, *, bold=False, colour="", heading=False) -> Words:
    """Return a text in the largest type that has room in its box; what has none in the smallest ends with "…"."""
    size = next((size for size in range(most, least - 1, -1) if fits(text, size, box, bold=bold)), least)
    return Words(_cut(text, size, box, bold=bold), box, size, bold, colour, heading)


def _cut(text: str, size: float, box: Box, *, bold: bool) -> str:
    """Return a text that has room, what has none cut at its end."""
    while len(text) > 1 and not fits(text, size, box, bold=bold):
        text = text[: -2 - len(text) // 20].rstrip() + "…"
    return text


def grid(label: str, head, rows, box: Box, widths, most: int, least: int = 13) -> Grid:
    """Return a table in the largest type that has room, its rows as high as their longest cell, and evenly spread.

    Where the smallest has none, the longest cells end with "…".
    """
    whole, widths = [tuple(head), *map(tuple, rows)], tuple(widths)
    size = next((s for s in range(most, least - 1, -1) if sum(_heights(whole, widths, s)) <= box.high), least)
    if sum(_heights(whole, widths, size)) > box.high:
        cells = [Box(0, 0, wide - 2 * INSET, box.high / len(whole) - 2 * INSET) for wide in widths]
        whole = [
            tuple(_cut(text, size, cell, bold=True) for text, cell in zip(row, cells, strict=True)) for row in whole
        ]
    heights = _heights(whole, widths, size)
    spare = max(0, min(box.high - sum(heights), sum(heights))) / len(heights)
    heights = [high + spare for high in heights]
    high = min(sum(heights), box.high)
    return Grid(label, whole[0], tuple(whole[1:]), box._replace(high=high), widths, tuple(heights), size)


def _heights(rows, widths, size: int) -> list[float]:
    """Return how high each row of a table is."""
    inner = [wide - 2 * INSET for wide in widths]
    most = [max(lines(cell, size, wide, bold=True) for cell, wide in zip(row, inner, strict=True)) for row in rows]
    return [n * size * LEADING + 2 * INSET for n in most]


def beside(table: Grid, column: int) -> Iterator[Box]:
    """Yield the place of each cell of a column under its head, in which shapes are drawn."""
    x, y = table.box.x + sum(table.widths[:column]), table.box.y + table.heights[0]
    for high in table.heights[1:]:
        yield Box(x + INSET, y, table.widths[column] - 2 * INSET, high)
        y += high
