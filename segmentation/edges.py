"""Edges of bands that a reader finds round, on a linear or a logarithmic scale."""

import numpy as np

PREFERRED = ((1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8), (1, 1.6, 2.5, 4, 6.3), (1, 2, 5), (1, 3), (1,))


def round_edges(low: float, high: float, most: int) -> np.ndarray:
    """Return edges of at most `most` + 1 bands of one round width, from below `low` to above `high`."""
    width = _round_width((high - low) / most)
    return width * np.arange(np.floor(low / width), np.floor(high / width) + 2)


def log_edges(low: float, high: float, most: int, *, whole: bool) -> np.ndarray:
    """Return edges of at most `most` bands that look alike on a logarithmic scale (preferred numbers, Renard 1877).

    Between -1 and 1 there are two bands, parted by 0; `whole` numbers have no band between two of them.
    """
    decades = 10.0 ** np.arange(np.ceil(np.log10(max(abs(low), abs(high), 1))) + 1)
    for mantissas in PREFERRED:
        above = np.outer(decades, mantissas).ravel()
        edges = np.concatenate([-above[::-1], [0], above])
        edges = np.unique(np.ceil(edges)) if whole else edges
        edges = edges[np.searchsorted(edges, low, "right") - 1 : np.searchsorted(edges, high, "right") + 1]
        if len(edges) - 1 <= most:
            break
    return edges


def _round_width(least: float) -> float:
    scale = 10.0 ** np.floor(np.log10(least)) if least > 0 else 1.0
    return float(next(step * scale for step in (1, 2, 5, 10) if step * scale >= least))
