"""What can be read from a figure: names at the groups that cover nothing, one scale of a heat map, bounded heights."""

from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from segmentation.core.dataset import Dataset
from segmentation.core.figures import (
    LETTER_POINTS,
    PAGE,
    Numbers,
    extent,
    name_groups,
    panels,
    strength,
    tint,
)
from segmentation.customers import tell as customers_tell
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import MOST_PANELS, fine_edges, grid_edges
from segmentation.customers.plots import distributions
from segmentation.report import display
from segmentation.segments import plots

LONG = "Junge Vielkäuferinnen mit sehr hohem Warenkorb"


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def _named(places: dict, names: dict):
    _, ax = plt.subplots(figsize=(PAGE, 5))
    ax.set(xlim=(0, 10), ylim=(0, 10))
    name_groups(ax, places, names)
    return ax


def _boxes(ax) -> list[tuple[float, float, float, float]]:
    """Return where each name stands, in points."""
    found = []
    for text in ax.texts:
        x, y = ax.transData.transform(text.xy) * 72 / ax.figure.dpi + np.array(text.xyann)
        wide, high = extent(text.get_text())
        found.append((x - wide / 2, y - high / 2, x + wide / 2, y + high / 2))
    return found


def test_names_stand_at_their_groups_and_none_covers_another_or_a_centre():
    places = {1: (5.0, 5.0), 2: (5.1, 5.1), 3: (5.2, 4.8), 4: (0.1, 9.9), 5: (9.9, 0.1)}
    ax = _named(places, {1: LONG, 2: "Often", 3: "Seldom", 4: LONG, 5: "顾客在过去十二个月内购买商品"})
    assert ax.get_legend() is None
    assert [text.get_text()[0] for text in ax.texts] == ["●", "■", "◆", "▲", "▼"]
    boxes = _boxes(ax)
    for one, other in combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    for x, y in (ax.transData.transform(place) * 72 / ax.figure.dpi for place in places.values()):
        assert not any(box[0] < x < box[2] and box[1] < y < box[3] for box in boxes)


def test_a_name_covers_no_customers_where_there_is_room_beside_them():
    _, ax = plt.subplots(figsize=(PAGE, 5))
    rng = np.random.default_rng(0)
    x, y = rng.normal(5, 0.6, 200), rng.normal(5, 0.6, 200)
    ax.set(xlim=(0, 10), ylim=(0, 10))
    ax.scatter(x, y)
    name_groups(ax, {1: (5.0, 5.0)}, {1: "Often, spent much"})
    [(left, low, right, high)] = _boxes(ax)
    marks = ax.transData.transform(np.column_stack([x, y])) * 72 / ax.figure.dpi
    inside = (marks[:, 0] > left) & (marks[:, 0] < right) & (marks[:, 1] > low) & (marks[:, 1] < high)
    assert inside.sum() < 10


def test_names_without_room_stand_in_a_legend_with_their_marks():
    names = {segment: f"{LONG} {segment}" for segment in range(1, 31)}
    ax = _named(dict.fromkeys(names, (5.0, 5.0)), names)
    assert len(ax.texts) == 0
    told = [text.get_text().replace("\n", " ") for text in ax.get_legend().get_texts()]
    assert told == list(names.values())


def test_where_a_centre_is_not_shown_the_legend_names_all():
    ax = _named({1: (5.0, 5.0)}, {1: "Often", 2: "Seldom"})
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Often", "Seldom"]


def test_two_thirds_and_half_as_much_again_are_equally_far_from_the_middle():
    assert strength(100) == 0
    assert strength(100 * 2 / 3) == pytest.approx(-strength(150))
    assert (strength(10_000), strength(0), strength(float("nan"))) == (1, -1, 0)
    assert tint(-0.5)[:3] != tint(0.5)[:3]
    assert tint(-0.5)[3] == tint(0.5)[3]


def test_a_heat_map_has_the_same_colour_for_the_same_index_whatever_stands_beside_it():
    dataset = Dataset(title="T", columns={name: {"role": "feature"} for name in "ab"})
    shades = []
    for other in (50.0, 900.0):
        table = pd.DataFrame({"segment": [1, 2], "name": ["One", "Two"], "index a": [67.0, 150.0], "index b": other})
        ax = plots.index(table, ["a", "b"], dataset)
        shades.append([patch.get_facecolor() for patch in ax.patches[:2]])
        assert {text.get_text() for text in ax.texts} >= {"67", "150"}
        assert [label.get_text() for label in ax.get_xticklabels()] == ["● One", "■ Two"]
    assert shades[0] == shades[1]


def test_every_letter_of_a_figure_has_one_size_and_every_figure_the_width_of_the_text():
    first, second = panels(2)
    first.set(title="A title", xlabel="x")
    second.text(0.5, 0.5, "told")
    sizes = {text.get_fontsize() for ax in (first, second) for text in ax.findobj(mpl.text.Text) if text.get_text()}
    assert sizes == {LETTER_POINTS}
    whole = first.get_figure(root=True)
    whole.draw_without_rendering()
    halves = display._apart(whole, [first, second], "x")
    assert [f'width="{PAGE * 36:.6g}' in svg for svg in halves] == [True, True]


def test_many_columns_are_drawn_in_a_bounded_figure_and_the_caption_says_so():
    names = [f"c{i}" for i in range(30)]
    dataset = Dataset(title="T", columns={name: {"role": "feature"} for name in names}, privacy="rows")
    values = np.random.default_rng(0).normal(size=(60, 30))
    customers = Customers.of(dataset, pd.DataFrame(values, columns=names))
    assert len(distributions(customers, names)) == MOST_PANELS
    assert "The first 12 of 30 columns are drawn." in customers_tell.distributions(customers, names)
    assert "are drawn" not in customers_tell.distributions(customers, names[:12])


def test_the_fine_grid_behind_a_density_ends_where_the_coarse_one_does():
    dataset = Dataset(title="T", columns={"spend": {"role": "feature"}, "visits": {"role": "feature"}})
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"spend": rng.gamma(2, 50, 400), "visits": rng.integers(0, 9, 400).astype(float)})
    customers = Customers.of(dataset, frame)
    for name in frame:
        fine, coarse = fine_edges(customers, name), grid_edges(customers, name, most=32)
        assert (fine[0], fine[-1]) == (coarse[0], coarse[-1])
        assert len(fine) > len(coarse)
    assert np.diff(fine_edges(customers, "visits")).min() == 1  # nothing lies between two whole numbers


def test_numbers_of_an_axis_have_as_many_decimals_as_one_of_them_needs():
    assert Numbers().format_ticks([-0.5, 0, 0.25]) == ["−0.50", "0.00", "0.25"]
    assert Numbers().format_ticks([0, 2_500_000]) == ["0", "2,500,000"]
    assert Numbers(shares=True).format_ticks([0, 0.5, 1]) == ["0%", "50%", "100%"]
