"""The colour and the shape of each segment: the same in every figure, table and card."""

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
