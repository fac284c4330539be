"""Long names of columns in figures: wrapped where they stand, or shortened so that none stands for another."""

from itertools import pairwise

import matplotlib.pyplot as plt
import pandas as pd

from segmentation.core.dataset import Dataset
from segmentation.core.figures import PAGE, label_axis, one_line, room, wrapped
from segmentation.customers.plots import correlation
from segmentation.segments.plots import index

LONG = "Total amount that this household spent on all of our products in the last twelve months (EUR)"
CHINESE = "顾客在过去十二个月内在本公司所有门店及网店购买商品的总次数以及平均每次购买的金额"


def _dataset(*labels: str) -> Dataset:
    columns = {f"f{i}": {"role": "feature", "label": label} for i, label in enumerate(labels)}
    return Dataset(title="T", columns=columns)


def test_a_wide_letter_counts_twice():
    assert wrapped("Annual income (k$)") == "Annual income (k$)"
    assert max(map(len, wrapped(CHINESE, 18).splitlines())) == 9
    assert wrapped("x" * 40, 18).splitlines() == ["x" * 18, "x" * 18, "x" * 4]
    assert wrapped("") == ""


def test_a_label_is_no_longer_than_its_axis():
    for label in (LONG, "x" * 90, CHINESE):
        _, ax = plt.subplots(figsize=(PAGE * 0.7, 3))
        for side in "xy":
            label_axis(ax, side, label)
        assert "".join(ax.get_ylabel().split()) == "".join(label.split())
        assert max(map(len, ax.get_ylabel().splitlines())) <= room(ax, "y")
        plt.close("all")


def test_long_names_beside_a_grid_do_not_overlap():
    labels = [LONG, LONG.replace("(EUR)", "(times)"), CHINESE, "Age"]
    assert all(len(text) <= 26 for text in one_line(labels))
    assert len(set(one_line(labels))) == 4
    assert one_line(["Annual income", "Age"]) == ["Annual income", "Age"]
    dataset = _dataset(*labels)
    names = list(dataset.columns)
    grid = pd.DataFrame(
        {"segment": [1, 2], "name": [LONG, CHINESE], **{f"index {name}": [80.0, 120.0] for name in names}}
    )
    for ax in (index(grid, names, dataset), correlation(pd.DataFrame(1.0, index=names, columns=names), dataset)):
        ax.figure.canvas.draw()
        shown = [text.get_window_extent() for text in ax.get_xticklabels() if text.get_rotation() == 0]
        assert not any(one.overlaps(other) for one, other in pairwise(shown))
        plt.close("all")


def test_many_columns_have_no_figures_in_their_cells():
    dataset = _dataset(*(f"{LONG} {i}" for i in range(40)))
    names = list(dataset.columns)
    ax = correlation(pd.DataFrame(1.0, index=names, columns=names), dataset)
    assert (len(ax.texts), ax.figure.get_figheight() <= PAGE) == (0, True)
    plt.close("all")
