"""What is said where groups are hidden: no extreme that one of them may break, and what is left out."""

import json
import re
from functools import partial
from types import SimpleNamespace

import ibis
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from segmentation.core import files
from segmentation.core.dataset import Dataset
from segmentation.core.figures import colour
from segmentation.core.privacy import NEARLY, halved
from segmentation.customers import tell as customers_tell
from segmentation.customers.cleaning import clean, overview
from segmentation.customers.counts import Grouping
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import groupings, percentiles
from segmentation.customers.plots import categories, cloud, groups, quantile_bars
from segmentation.evidence import tell as evidence_tell
from segmentation.evidence.plots import flows as flows_drawn
from segmentation.language.writing import sentence
from segmentation.monitoring import tell as monitoring_tell
from segmentation.monitoring.comparison import how_many
from segmentation.report.dashboard import SegmentedCustomers, size_table, tell_shown
from segmentation.report.tell import explore
from segmentation.runs.manifest import open_finished
from segmentation.segments import plots as segments_plots
from segmentation.segments import tell as segments_tell
from segmentation.segments.assign import borders
from segmentation.tables.read import read_table
from segmentation.tables.sources import locate
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
NAMES = {1: "One", 2: "Two", 3: "Three"}
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
        f"Answer: the share of yes hardly differs between the segments. Left out: segment 3, because {HIDDEN}."
    )
    told = segments_tell.by_category(planted("rows"), ["answer"])["answer"]
    assert told == "Answer: the share of no runs from 9% (segment 3) to 62% (segment 2)."


def test_no_median_is_called_the_highest_where_a_hidden_one_may_be_higher():
    assert segments_tell.by_number(planted(), ["score"])["score"].startswith(
        "Score: the median runs from 6 (segment 1) to 10 (segment 2). Left out: segment 3, because fewer than 10 "
        "customers there have a value. Bars: "
    )
    told = segments_tell.by_number(planted("rows"), ["score"])["score"]
    assert told.startswith("Score: the median runs from 6 (segment 1) to 51 (segment 3). Bars: ")


@pytest.mark.parametrize("privacy", ["aggregate", "rows"])
def test_groups_under_ten_are_left_out_of_what_is_compared_and_the_caption_says_so(privacy):
    customers = planted(privacy)
    told = customers_tell.groups(customers, groupings(customers, [], ["region"]), "spend")
    if privacy == "aggregate":  # beside the 9 of the atoll another region is hidden, in words, boxes and counts
        assert told.startswith("By Region nothing is compared: only one of its groups is shown. Bars: ")
        [axes] = groups(customers, "spend", groupings(customers, [], ["region"]))
        assert [tick.get_text() for tick in axes.get_yticklabels()] == ["south"]
        return
    least = "Groups under 10 are drawn, but not compared."
    assert told.startswith(f"By Region, the median of Spend runs from 27 k$ (south) to 27.5 k$ (north). {least} Bars: ")


def test_categories_are_all_named_or_said_to_be_hidden():
    assert customers_tell.categories(planted("rows"), ["region"]).startswith("**Region**: north 134")
    assert "atoll 9 (3%)" in customers_tell.categories(planted("rows"), ["region"])
    told = customers_tell.categories(planted(), ["region"])
    assert "atoll" not in told
    assert told == f"**Region**: south 130. {sentence(HIDDEN)}. Counts are rounded down to tens."


def test_one_without_an_answer_among_401_is_not_counted_by_400_others(tmp_path):
    table = pd.DataFrame({"customer": [f"c{i}" for i in range(401)], "visits": range(401), "answer": ["a"] * 401})
    table.loc[7, "answer"] = None
    table.to_csv(tmp_path / "t.csv", index=False)
    dataset = Dataset.model_validate({"title": "T", "columns": {name: COLUMNS[name] for name in table}})
    source = locate("DATA", str(tmp_path / "t.csv"))
    raw, headers = read_table(source, dataset, wanted=tuple(table))
    told, forms = overview(raw, headers["columns"], dataset), customers_tell.filled_formats(dataset)
    assert {forms["filled"](n) for n in told["filled"]} == {NEARLY}
    assert [forms["distinct"](n) for n in told["distinct"]] == [NEARLY, NEARLY, "1"]
    assert "400" not in customers_tell.size_of_table(raw, headers, source, dataset)
    said = customers_tell.categories(Customers.of(dataset, table.assign(segment=1)), ["answer"])
    assert said.startswith("**Answer**: a 400 of over 391 who are known.")


def test_one_who_came_or_went_is_not_counted_by_how_many_are_in_both_runs():
    table = pd.DataFrame({"then": [1, 2], "now": [1, 2], "customers": [200, 200]})

    def said(before: int, after: int) -> int | str:
        base, run = (SimpleNamespace(customers=n) for n in (before, after))
        return how_many(table, SimpleNamespace(private=True, shared=table, placed=None, base=base, run=run))

    assert [said(400, 401), said(401, 400), said(405, 405), said(400, 430)] == ["over 390"] * 2 + [
        "over 395",
        "400 or more",
    ]
    assert said(400, 400) == 400


@pytest.mark.parametrize(("privacy", "filled", "distinct", "missing"), [("aggregate", "fewer than 10", "–", "over 20"),
                                                                        ("rows", "8", "7", "22")])  # fmt: skip
def test_what_few_customers_have_is_counted_as_no_more_than_few(tmp_path, privacy, filled, distinct, missing):
    cells = [*"abcdefga", *[""] * 21, "n/a"]
    table = pd.DataFrame({"customer": [f"c{i}" for i in range(30)], "visits": range(30), "answer": cells})
    table.to_csv(tmp_path / "t.csv", index=False)
    columns = {name: COLUMNS[name] for name in table}
    dataset = Dataset.model_validate({"title": "T", "columns": columns, "privacy": privacy})
    raw, headers = read_table(locate("DATA", str(tmp_path / "t.csv")), dataset, wanted=tuple(table))
    account = clean(raw, dataset, features=("visits",), headers=headers, file="t.csv").account
    found = overview(raw, headers["columns"], dataset).set_index("column").loc["answer"]
    assert customers_tell.filled_formats(dataset)["filled"](found["filled"]) == filled
    assert ("–" if pd.isna(found["distinct"]) else str(found["distinct"])) == distinct
    assert customers_tell.changes_table(account, dataset)["missing"].tolist() == [missing]
    assert customers_tell.filled_formats(dataset)["filled"](0) == "0"


@pytest.mark.parametrize("privacy", ["aggregate", "rows"])
def test_captions_of_distributions_and_pairs_say_what_is_left_out(privacy):
    customers, names, private = planted(privacy), ["visits", "spend"], privacy == "aggregate"
    told = customers_tell.distributions(customers, names)
    assert told.count("Counted in tens, groups of fewer than 10 are left out.") == private
    pairs = customers_tell.pairs(customers, customers.correlation(names), ["visits"])
    assert pairs.count("drawn from groups of ten customers or more") == private


def _where_nobody_is_known() -> pd.DataFrame:
    answers = ["yes"] * 20 + ["no"] * 20 + [None] * 20
    score = [*range(20), *range(20), *[None] * 20]
    return pd.DataFrame({"segment": np.repeat([1, 2, 3], 20), "answer": answers, "score": score}).astype(
        {"score": float}
    )


@pytest.mark.parametrize(
    ("privacy", "nobody", "few"),
    [("rows", "nobody there has a value", "no customer there has a value"),
     ("aggregate", HIDDEN, "fewer than 10 customers there have a value")],
)  # fmt: skip
def test_a_segment_of_which_nothing_is_known_has_no_share_and_no_median(privacy, nobody, few):
    dataset = Dataset.model_validate({"title": "T", "columns": COLUMNS, "privacy": privacy})
    customers = Customers.of(dataset, _where_nobody_is_known())
    told = segments_tell.by_category(customers, ["answer"])["answer"]
    shares = "the share of no runs from 0% (segment 1) to 100% (segment 2)"
    assert told == f"Answer: {shares}. Left out: segment 3, because {nobody}."
    told = segments_tell.by_number(customers, ["score"])["score"]
    same = "the median does not differ between the segments"
    assert told.startswith(f"Score: {same}. Left out: segment 3, because {few}. Bars: ")


def test_what_is_hidden_in_a_bar_is_drawn_in_a_colour_that_the_legend_has():
    [(_, ax)] = segments_plots.by_category(planted(), ["answer"], NAMES)
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
    told = (f"By {by} nothing is drawn. {sentence(HIDDEN)}." for by in ways)
    assert customers_tell.groups(customers, ways, "spend") == " ".join(told)
    assert categories(customers, list(groups_of)) is None
    assert customers_tell.categories(customers, ["gender"]) == f"**Gender**: {HIDDEN}."
    for drawn in (
        segments_plots.by_category(customers, list(groups_of), NAMES),
        segments_plots.by_number(customers, ["known"], NAMES),
    ):
        assert {axes for _, axes in drawn} == {None}
    assert segments_tell.by_category(customers, ["gender"])["gender"] == (
        f"Gender: no two segments can be compared here, because {HIDDEN}."
    )
    assert segments_tell.by_number(customers, ["known"])["known"] == (
        "Known: no two segments can be compared here, because fewer than 10 customers there have a value."
    )


@pytest.mark.parametrize(
    ("customers", "private", "told"),
    [
        ([33], True, "All of them lie between segment 1 and segment 2."),
        ([33, 20], True, "Most of them (33) lie between segment 1 and segment 2."),
        ([33, 4], True, ""),  # four could be worked out
        ([33, 4], False, "Most of them (33) lie between segment 1 and segment 2."),
        ([12, 11, 11], False, "The largest group of them (12) lies between segment 1 and segment 2."),
        ([12, 12], False, ""),
    ],
)
def test_most_are_more_than_half_and_not_all(customers, private, told):
    ends = [(1, 2), (2, 3), (1, 3)]
    near = [pair for pair, n in zip(ends, customers, strict=False) for _ in range(n)]
    pairs = borders(ibis.memtable(pd.DataFrame(near, columns=["segment", "next_segment"])))
    assert (
        segments_tell.border(pairs, 500, "it is near the own", private=private).partition("the own.")[2].strip() == told
    )


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
    cards = BeautifulSoup(project.page("planted"), "html.parser").select_one(".cards")
    told = [row.dd.get_text() for row in cards.select(".who div") if row.dt.get_text() == "Answer"]
    assert sorted(told) == ["no 60%, yes 40%", "not shown", "yes 40%, the rest not shown here"]
    assert [row.get_text() for row in cards.select("dd:not(.track)") if not row.get_text(strip=True)] == []
    assert not re.search(r":\s*[;.]", cards.get_text())


def test_a_table_whose_every_group_is_under_ten_has_a_report(tmp_path):
    table = pd.DataFrame({"id": range(36), "visits": np.repeat([2.0, 50, 100], 12), "spend": np.tile([1.0, 5], 18)})
    table["region"] = [("north", "south", "east", "west", "off")[i % 5] for i in range(36)]
    project = copy_project(tmp_path)
    table.to_csv(tmp_path / "small.csv", index=False)
    done = project.call("report", "--data", str(tmp_path / "small.csv"), "--resamples", "10", drawn=False)
    assert done.returncode == 0, done.stderr
    assert f"By Region nothing is drawn. {sentence(HIDDEN)}." in project.page("small")


def _many(n: int, privacy: str = "aggregate") -> Customers:
    dataset = Dataset.model_validate({"title": "T", "columns": COLUMNS, "privacy": privacy})
    return Customers.of(dataset, pd.DataFrame({"visits": np.arange(1.0, n + 1), "spend": np.tile([1.0, 2.0], n // 2)}))


@pytest.mark.parametrize(
    ("customers", "ends"),
    [(_many(100), (10, 90)), (_many(98), (30, 70)), (_many(20, "rows"), (2.9, 18.1))],
)
def test_the_outer_tenths_are_drawn_where_ten_customers_lie_beyond_or_rows_may_be_seen(customers, ends):
    """Where rows are private they stand at tens here: of 100 numbers from 1 on five ranks up and down are ten."""
    _, ax = plt.subplots()
    quantile_bars(ax, customers, "visits", Grouping())
    outer = ax.patches[0]
    assert (outer.get_x(), outer.get_x() + outer.get_width()) == pytest.approx(ends)
    plt.close("all")


def test_captions_say_how_to_read_bars_and_densities_and_what_is_left_out():
    bars = "Bars: pale from the 10th to the 90th percentile, full the middle half; the line is the median."
    told = customers_tell.distributions(_many(200), ["visits"])
    assert told.endswith(
        f"Counted in tens, groups of fewer than 10 are left out. {bars} Of fewer than 100 customers the pale part is "
        "not shown."
    )
    assert customers_tell.distributions(_many(20, "rows"), ["visits"]).endswith(bars)
    assert customers_tell.distributions(_many(200), []) == ""
    assert customers_tell.tiles(_many(20, "rows"), by="segment") == ""
    assert customers_tell.tiles(_many(200), by="segment") == (
        " The inner shape of a segment holds about half of its customers, the outer one nine in ten. They are drawn "
        "from groups of ten customers or more."
    )


def test_every_density_has_the_colour_of_its_segment():
    customers = planted()
    customers = Customers.of(customers.dataset, customers.sample.assign(spend=50.0))  # so that they share cells
    _, ax = plt.subplots()
    cloud(ax, customers, {"visits": "Visits", "spend": "Spend"}, by="segment")
    shades = {mpl.colors.to_hex(shape.get_edgecolor()[0]).upper() for shape in ax.collections}
    assert shades == {colour(segment) for segment in (1, 2, 3)}
    plt.close("all")


def test_a_grid_is_halved_into_groups_of_ten_and_never_into_fewer():
    rng = np.random.default_rng(0)
    counts = np.histogram2d(rng.normal(0, 1, 400), rng.normal(0, 1, 400), 32, [[-4, 4]] * 2)[0].astype(int)
    groups = halved(counts, private=False)
    assert len(groups) > 12
    assert min(n for *_, n in groups) >= 10
    covered = np.zeros_like(counts)
    for x, right, y, top, n in groups:
        assert counts[x:right, y:top].sum() == n
        covered[x:right, y:top] += 1
    assert covered.max() == 1
    assert sum(n for *_, n in groups) > 350
    assert {n % 10 for *_, n in halved(counts, private=True)} == {0}
    assert halved(np.eye(3, dtype=int), private=True) == []


def test_percentiles_of_few_values_are_not_the_outer_ones():
    customers = _many(400)
    few = customers.sample.assign(score=[*range(150), *[np.nan] * 250])
    assert list(percentiles(customers, ["visits"])) == ["5%", "25%", "median", "75%", "95%"]
    assert list(percentiles(Customers.of(customers.dataset, few), ["visits", "score"])) == ["25%", "median", "75%"]


def test_a_percentile_of_a_private_table_is_no_customers_value_but_one_that_ten_have():
    """Among 101 values 37.1 apart, ten ranks are 371 apart: percentiles are told in steps of 500."""
    values = 1_000 + 37.1 * np.arange(101)
    private, rows = (
        Customers.of(_many(2, privacy).dataset, pd.DataFrame({"visits": values, "spend": [3.25] * 60 + [9.5] * 41}))
        for privacy in ("aggregate", "rows")
    )
    assert percentiles(private, ["visits", "spend"]).to_numpy().tolist() == [[2000, 3000, 4000], [3.25, 3.25, 9.5]]
    assert percentiles(rows, ["visits"])["median"].tolist() == [values[50]]


def test_the_dashboard_gives_no_percentage_of_what_is_counted_in_groups(project, monkeypatch):
    monkeypatch.setattr(files, "ROOT", project.root)
    customers = SegmentedCustomers(open_finished("planted", None))
    whole, some = ([row["told"] for row in size_table(customers, customers.counts(filters), filters)]
                   for filters in ({}, {"answer": ["yes"]}))  # fmt: skip
    assert all(re.fullmatch(r"\d+ \(\d+%\)", told) for told in whole)
    assert all(re.fullmatch(r"about \d\d|no group", told) for told in some)
    few = {"region": ["north"], "spend": (60.0, 80.0)}
    assert re.fullmatch(
        r"About (\d\d) of 277 customers shown: .+ \1\.", tell_shown(customers, customers.counts(few), few)
    )
    nobody = {"region": ["north"], "spend": (90.0, 100.0)}
    assert tell_shown(customers, customers.counts(nobody), nobody) == "No group of 10 or more customers alike passes."


def test_a_column_that_too_few_customers_have_is_said_to_be_left_out():
    def forming(privacy: str, known: int) -> str:
        dataset = Dataset.model_validate({"title": "T", "columns": COLUMNS, "privacy": privacy})
        frame = planted().sample.drop(columns="segment").assign(score=[1.0] * known + [np.nan] * (277 - known))
        return customers_tell.forming(Customers.of(dataset, frame), ("visits", "spend"))

    described = "The segments will be formed by Visits and Spend; Answer and Region will describe them."
    assert forming("aggregate", 9) == f"{described} Left out, because fewer than 10 customers have a value: Score."
    assert forming("rows", 0) == f"{described} Left out, because nobody has a value: Score."
    assert forming("rows", 9).endswith("Answer, Region and Score will describe them.")


def test_the_largest_move_is_not_called_so_where_a_hidden_one_may_be_larger():
    table = pd.DataFrame({"then": [1, 1, 2, 2, 3], "now": [1, 2, 2, 3, 3], "customers": [100, 12, 100, 9, 50]})
    before = [SimpleNamespace(segment=i, into=(i,), fate="survives") for i in (1, 2, 3)]
    run = SimpleNamespace(run="later", profiles=[SimpleNamespace(name=name) for name in "abc"], customers=271)
    found = SimpleNamespace(private=True, shape=(3, 3), lineage=SimpleNamespace(before=before), shared=table, run=run,
                            placed=None, base=run)  # fmt: skip
    assert monitoring_tell.movement(table, found) == (
        "At least 10 of the 271 customers in both runs changed segment. The largest group that is shown (10): in 2 (b) "
        "instead of 1 (a)."
    )
    assert monitoring_tell.matrix(found) == (
        "The customers in both runs by their segment then (rows) and now. Counts are rounded down to tens. "
        "Groups of fewer than 10, and others that would give these away, are hidden."
    )
    tied = pd.concat([table, pd.DataFrame({"then": [3], "now": [2], "customers": [12]})], ignore_index=True)
    assert " One of the largest groups that are shown (10): in " in monitoring_tell.movement(tied, found)
    one = SimpleNamespace(**vars(found) | {"shared": table.iloc[[0, 4]]})
    one.lineage = SimpleNamespace(before=[*before[:2], SimpleNamespace(segment=3, into=(3,), fate="gone")])
    few = pd.DataFrame({"then": [1, 1, 2, 3], "now": [1, 2, 2, 3], "customers": [100, 1, 100, 50]})
    for moved in (1, 8, 9):  # of 8 that the sizes differ by, as many or two more would be fewer than ten
        said = monitoring_tell.movement(few.assign(customers=[100, moved, 100, 50]), one)
        assert said.startswith("Fewer than 20 of the 250 or more customers in both runs are in ")
    assert monitoring_tell.movement(few.assign(customers=[100, 23, 100, 50]), one).startswith("At least 20 of ")
    every = pd.DataFrame({"then": [1, 2], "now": [1, 2], "customers": [9, 8]})  # of which nothing is shown
    assert monitoring_tell.movement(every, one).startswith("None of the 10 or more customers in both runs are in ")
    found.private = False
    one_of = " One of the largest groups that are shown (12): in 2 (b) instead of 1 (a)."
    assert monitoring_tell.movement(tied, found).endswith(one_of)
    assert monitoring_tell.movement(table, found).endswith(" The largest group (12): in 2 (b) instead of 1 (a).")
    assert monitoring_tell.matrix(found) == "The customers in both runs by their segment then (rows) and now."


def test_the_flow_diagram_says_that_small_groups_are_left_out():
    columns = ["k", "segment", "next_k", "next_segment", "customers", "size", "next_size"]
    rows = [(2, 1, 3, 1, 30, 39, 30), (2, 1, 3, 3, 9, 39, 29), (2, 2, 3, 2, 40, 60, 40), (2, 2, 3, 3, 20, 60, 29)]
    flows = pd.DataFrame(rows, columns=columns)
    left = " Counted in tens, groups of fewer than 10 are left out."
    assert evidence_tell.flows(flows, 2, private=True).endswith(left)
    assert "left out" not in evidence_tell.flows(flows, 2, private=False)
    texts = [text.get_text() for text in flows_drawn(flows, private=True).texts]
    assert sorted(texts) == ["20", "30", "30", "40", "60"]  # not 29 and 39, of which nine could be worked out
