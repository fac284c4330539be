"""What is said where groups are hidden: no extreme that one of them may break, and what is left out."""

import json
import re
from functools import partial

import ibis
import numpy as np
import pandas as pd
import pytest

from segmentation.core.dataset import Dataset
from segmentation.customers import tell as customers_tell
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import groupings
from segmentation.customers.plots import categories, groups
from segmentation.report.tell import explore
from segmentation.segments import plots as segments_plots
from segmentation.segments import tell as segments_tell
from segmentation.segments.assign import borders
from tests.conftest import copy_project, made_once, make_report

COLUMNS = {
    "customer": {"role": "id"},
    "visits": {"role": "feature", "label": "Visits"},
    "spend": {"role": "feature", "label": "Spend", "unit": "k$"},
    "answer": {"role": "descriptor", "type": "category", "label": "Answer"},
    "region": {"role": "descriptor", "type": "category", "label": "Region"},
    "score": {"role": "descriptor", "label": "Score"},
}
HIDDEN = "groups of fewer than 10, and others that would give these away, are hidden"
SEGMENTS = ((100, 20, 20, 41, 5), (100, 60, 25, 38, 9), (77, 40, 70, 70, 50))  # customers, means, yes, score


def planted(privacy: str = "aggregate") -> Customers:
    """Return three segments; the third has the most yes (91%) and the highest score, and too few noes and scores."""
    rows = []
    for segment, (n, visits, spend, yes, score) in enumerate(SEGMENTS, start=1):
        for i in range(n):
            told = {"answer": "yes" if i < yes else "no", "region": ["north", "south"][i % 2]}
            known = score + i % 3 if segment < 3 or i < 9 else None
            rows.append({"segment": segment, "visits": visits + i % 5, "spend": spend + i % 7, **told, "score": known})
    frame = pd.DataFrame(rows)
    frame.loc[:8, "region"] = "atoll"
    frame.loc[:8, "spend"] = 99
    return Customers.of(Dataset.model_validate({"title": "T", "columns": COLUMNS, "privacy": privacy}), frame)


def test_no_share_is_called_the_highest_where_a_hidden_one_may_be_higher():
    assert segments_tell.by_category(planted(), ["answer"])["answer"] == (
        "Answer: among segments 1 and 2, the share of yes runs from 38% (segment 2) to 41% (segment 1); segment 3 is "
        f"left out, because {HIDDEN}."
    )
    told = segments_tell.by_category(planted("rows"), ["answer"])["answer"]
    assert told == "Answer: the share of no runs from 9% (segment 3) to 62% (segment 2)."


def test_no_median_is_called_the_highest_where_a_hidden_one_may_be_higher():
    assert segments_tell.by_number(planted(), ["score"])["score"] == (
        "Score: among segments 1 and 2, the median runs from 6 (segment 1) to 10 (segment 2); segment 3 is left out, "
        "because fewer than 10 customers there have a value."
    )
    told = segments_tell.by_number(planted("rows"), ["score"])["score"]
    assert told == "Score: the median runs from 6 (segment 1) to 51 (segment 3)."


@pytest.mark.parametrize("privacy", ["aggregate", "rows"])
def test_groups_under_ten_are_left_out_of_what_is_compared_and_the_caption_says_so(privacy):
    customers = planted(privacy)
    told = customers_tell.groups(customers, groupings(customers, [], ["region"]), "spend")
    least = "among its groups of ten customers or more; the others are left out."
    assert told == f"By Region, the median Spend runs from 27 k$ (south) to 27.5 k$ (north) {least}"


def test_categories_are_all_named_or_said_to_be_hidden():
    assert customers_tell.categories(planted("rows"), ["region"]).startswith("**Region**: north 134")
    assert "atoll 9 (3%)" in customers_tell.categories(planted("rows"), ["region"])
    told = customers_tell.categories(planted(), ["region"])
    assert "atoll" not in told
    assert told.endswith(f"; {HIDDEN}.")


def _where_nobody_is_known() -> pd.DataFrame:
    answers = ["yes"] * 20 + ["no"] * 20 + [None] * 20
    score = [*range(20), *range(20), *[None] * 20]
    return pd.DataFrame({"segment": np.repeat([1, 2, 3], 20), "answer": answers, "score": score}).astype(
        {"score": float}
    )


@pytest.mark.parametrize(
    ("privacy", "nobody", "few"),
    [("rows", "nobody there has a value", "no customers there have a value"),
     ("aggregate", HIDDEN, "fewer than 10 customers there have a value")],
)  # fmt: skip
def test_a_segment_of_which_nothing_is_known_has_no_share_and_no_median(privacy, nobody, few):
    dataset = Dataset.model_validate({"title": "T", "columns": COLUMNS, "privacy": privacy})
    customers = Customers.of(dataset, _where_nobody_is_known())
    told = segments_tell.by_category(customers, ["answer"])["answer"]
    shares = "the share of no runs from 0% (segment 1) to 100% (segment 2)"
    assert told == f"Answer: among segments 1 and 2, {shares}; segment 3 is left out, because {nobody}."
    told = segments_tell.by_number(customers, ["score"])["score"]
    same = "the median does not differ"
    assert told == f"Score: among segments 1 and 2, {same}; segment 3 is left out, because {few}."


def test_what_is_hidden_in_a_bar_is_drawn_in_a_colour_that_the_legend_has():
    [(_, ax)] = segments_plots.by_category(planted(), ["answer"])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["no", "yes", "not shown"]
    ends = np.zeros(3)
    for bars in ax.containers:
        ends = np.maximum(ends, [bar.get_x() + bar.get_width() for bar in bars])
    assert ends.tolist() == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("groups_of", [{"gender": 9}, {"gender": 9, "region": 5}, {"gender": 1}])
def test_columns_whose_groups_are_all_under_ten_are_left_out_with_the_reason(groups_of):
    frame = pd.DataFrame({name: [f"{name}{i // n}" for i in range(18)] for name, n in groups_of.items()})
    frame = frame.assign(segment=np.repeat([1, 2], 9), spend=np.arange(18.0), known=[1.0] * 5 + [2.0] * 5 + [None] * 8)
    told = {name: {"role": "descriptor", "type": "category", "label": name.title()} for name in groups_of}
    columns = {"spend": {"role": "feature"}, "known": {"role": "descriptor"}, **told}
    customers = Customers.of(Dataset.model_validate({"title": "T", "columns": columns}), frame)
    ways = groupings(customers, ["known"], list(groups_of))
    assert groups(customers, "spend", ways) is None
    told = (f"By {by} nothing is drawn: each of its groups is under ten." for by in ways)
    assert customers_tell.groups(customers, ways, "spend") == " ".join(told)
    assert categories(customers, list(groups_of)) is None
    assert customers_tell.categories(customers, ["gender"]) == f"**Gender**: {HIDDEN}."
    for drawn in (
        segments_plots.by_category(customers, list(groups_of)),
        segments_plots.by_number(customers, ["known"]),
    ):
        assert {axes for _, axes in drawn} == {None}
    assert segments_tell.by_category(customers, ["gender"])["gender"] == (
        f"Gender: no two segments can be compared here, because {HIDDEN}."
    )
    assert "does not differ" not in segments_tell.by_number(customers, ["known"])["known"]


@pytest.mark.parametrize(
    ("customers", "private", "told"),
    [
        ([33], True, "All of them lie between segments 1 and 2."),
        ([33, 20], True, "Most of them (33) lie between segments 1 and 2."),
        ([33, 4], True, ""),  # four could be worked out
        ([33, 4], False, "Most of them (33) lie between segments 1 and 2."),
        ([12, 11, 11], False, "The largest group of them (12) lie between segments 1 and 2."),
        ([12, 12], False, ""),
    ],
)
def test_most_are_more_than_half_and_not_all(customers, private, told):
    ends = [(1, 2), (2, 3), (1, 3)]
    near = [pair for pair, n in zip(ends, customers, strict=False) for _ in range(n)]
    pairs = borders(ibis.memtable(pd.DataFrame(near, columns=["segment", "next_segment"])))
    assert segments_tell.border(pairs, 500, "1", private=private).partition("the own.")[2].strip() == told


def test_explore_says_which_of_its_counts_are_rounded():
    assert "the sizes of the segments are exact" in explore(100, private=True)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project in which the report on the planted table has been made."""
    described = json.dumps({"title": "Planted", "source": {"path": "planted.csv"}, "columns": COLUMNS})
    table = planted().sample.drop(columns="segment").reset_index(names="customer")
    make = partial(make_report, name="planted", described=described, table=table, command="report")
    return made_once(tmp_path_factory, "planted", make)


def test_no_card_has_a_label_without_an_end(project):
    page = project.page("planted")
    cards = page[page.index('<ul class="cards">') : page.index("The small ranges are")]
    assert "Answer: not shown" in cards
    assert "the rest not shown" in cards
    assert not re.search(r":\s*[;.]", cards)


def test_a_table_whose_every_group_is_under_ten_has_a_report(tmp_path):
    table = pd.DataFrame({"id": range(36), "visits": np.repeat([2.0, 50, 100], 12), "spend": np.tile([1.0, 5], 18)})
    table["region"] = [("north", "south", "east", "west", "off")[i % 5] for i in range(36)]
    project = copy_project(tmp_path)
    table.to_csv(tmp_path / "small.csv", index=False)
    done = project.call("report", "--data", str(tmp_path / "small.csv"), "--resamples", "10", drawn=False)
    assert done.returncode == 0, done.stderr
    assert "By Region nothing is drawn: each of its groups is under ten." in project.page("small")
