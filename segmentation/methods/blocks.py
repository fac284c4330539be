"""What the columns of a table belong to: each feature is a block of them, an answer, a category or a number."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["answer", "category", "number"]


@dataclass(frozen=True)
class Block:
    """The columns of one feature: 0 or 1 of yes or no, an indicator of each category, or a number.

    width : how many columns there are
    step : of a rating how far an answer is from the next, of an amount 0
    """

    kind: Kind
    width: int = 1
    step: float = 0.0


Blocks = tuple[Block, ...]


def spans(blocks: Blocks) -> Iterator[tuple[Block, slice]]:
    """Yield each block with its columns."""
    start = 0
    for block in blocks:
        yield block, slice(start, start + block.width)
        start += block.width


def of_kind(blocks: Blocks, kind: Kind) -> np.ndarray:
    """Return for each column whether it belongs to a block of this kind."""
    return np.repeat([block.kind == kind for block in blocks], [block.width for block in blocks])


def together(blocks: Blocks, X: np.ndarray) -> np.ndarray:
    """Return the customers where two categories are as far apart as yes and no."""
    return np.where(of_kind(blocks, "category"), np.sqrt(0.5), 1.0) * X
