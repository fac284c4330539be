"""Colours and shapes of the segments: told apart by every reader, on light and on dark paper."""

import re
from itertools import combinations

import numpy as np
import pytest

from segmentation.core import files
from segmentation.core.figures import GLYPHS, MARKERS, PALETTE, colour, glyph, marker

# How colours look to those who see red, green or blue poorly, in linear RGB (Machado, Oliveira & Fernandes 2009).
VISIONS = {
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1, 1.089])


def _linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def _lab(linear: np.ndarray) -> np.ndarray:
    x, y, z = np.cbrt(TO_XYZ @ np.clip(linear, 0, 1) / WHITE)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def _contrast(one: str, other: str) -> float:
    dark, light = sorted(float(_linear(colour) @ TO_XYZ[1]) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("vision", VISIONS)
def test_colours_differ_for_every_reader(vision):
    seen = [_lab(np.array(VISIONS[vision]) @ _linear(colour)) for colour in PALETTE]
    # A difference of 2.3 is just noticeable (Mahy, Van Eycken & Oosterlinck 1994).
    for number, least in ((6, 6 * 2.3), (10, 4 * 2.3)):
        assert min(np.linalg.norm(a - b) for a, b in combinations(seen[:number], 2)) >= least


def test_colours_stand_out_from_every_paper():
    papers = re.findall(r"--(?:paper|sheet): (#\w{6})", (files.ROOT / "report" / "template" / "style.css").read_text())
    assert len(set(papers)) == 4
    assert min(_contrast(colour, paper) for colour in PALETTE for paper in papers) >= 3


def test_shapes_differ_and_the_page_draws_each():
    script = (files.ROOT / "report" / "template" / "explore.js").read_text(encoding="utf-8")
    assert len(set(MARKERS)) == len(set(GLYPHS)) == len(PALETTE) == 10
    for shape in (marker, glyph):
        assert len({(colour(segment), shape(segment)) for segment in range(1, 101)}) == 100
    assert all(f'"{drawn}": "M' in script for drawn in GLYPHS)
