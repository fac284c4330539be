"""The colour and the shape of each segment: the same in every figure, table and card."""

PALETTE = (
    "#2F6DB5", "#C2660C", "#178A5B", "#A0489B", "#0E8CA6",
    "#8A6A1F", "#5B4FCF", "#6B7280", "#B0305C", "#5F8A0D",
)  # fmt: skip
MARKERS = "osD^vPX*<>"
GLYPHS = "●■◆▲▼✚✖★◀▶"


def colour(segment: int) -> str:
    """Return the colour of a segment (from 1)."""
    return PALETTE[(segment - 1) % len(PALETTE)]


def marker(segment: int) -> str:
    """Return the matplotlib marker of a segment (from 1)."""
    return MARKERS[(segment - 1) % len(MARKERS)]


def glyph(segment: int) -> str:
    """Return the marker of a segment (from 1) as a character."""
    return GLYPHS[(segment - 1) % len(GLYPHS)]
