"""One figure for one quantity: every place where shares, centres, silhouettes and ranges stand, in three reports."""

import json
import re

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from segmentation.core import files
from segmentation.evidence.decision import NOUNS
from segmentation.language import numeral
from segmentation.language.writing import amount, decimal, sentence, show_index, spanning, whole
from segmentation.monitoring.comparison import compare_runs, shares_table
from segmentation.report.dashboard import SegmentedCustomers, size_table
from segmentation.report.tell import cards
from segmentation.runs.manifest import open_finished
from tests.conftest import FAST, ROOT, Project, copy_project, made_once

WHOLESALE = ROOT.parent / "shared" / "data" / "wholesale_customers.csv"


def _make_wholesale(folder) -> Project:
    project = copy_project(folder)
    done = project.call("report", "--dataset", "wholesale", "--data", str(WHOLESALE), *FAST)
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture(scope="module")
def wholesale(tmp_path_factory) -> Project:
    """A copy of the project in which the report on a real table with logarithms has been made."""
    if not WHOLESALE.is_file():
        pytest.skip("the wholesale table is not here")
    return made_once(tmp_path_factory, "wholesale", _make_wholesale)


class Places:
    """What a finished report says, place by place."""

    def __init__(self, project: Project, run: str):
        self.study = open_finished(run, None)
        self.dataset = self.study.dataset
        self.profiles = self.study.read("profiles.json").segments
        self.selection = self.study.read("k_selection.json")
        self.largest_first = sorted(self.profiles, key=lambda profile: -profile.size)
        self.page = BeautifulSoup(project.page(run), "html.parser")
        done = project.call("report", "--run", run)
        assert done.returncode == 0, done.stderr
        self.terminal = done.stdout

    def table(self, caption: str) -> list[dict[str, str]]:
        """Return the rows of the table with this caption, under the heads of its columns."""
        [table] = [t for t in self.page("table") if t.caption and caption in t.caption.get_text()]
        heads = [cell.get_text() for cell in table.thead("th")]
        return [dict(zip(heads, (c.get_text() for c in row("td")), strict=True)) for row in table.tbody("tr")]

    def caption(self, figure: str) -> str:
        return self.page.find("figure", id=figure).figcaption.get_text()

    def card(self, segment: int):
        return self.page.select(".cards li")[segment - 1]


@pytest.fixture(scope="module", params=["sample", "shop", "wholesale"])
def places(request):
    """A report with rows, one whose rows are private, and one with logarithms."""
    project = request.getfixturevalue(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "ROOT", project.root)
        patch.chdir(project.root)
        yield Places(project, request.param)


def test_the_terminal_counts_the_values_that_the_first_chapter_finds_far_from_the_rest(places):
    flags = pd.read_csv(places.study.path("flagged.csv"))["flag"]
    far = int(flags.str.startswith("far from the rest").sum())
    told = re.search(r"([\d,]+) values? far from the rest (?:is|are) kept \(flagged\.csv\)", places.terminal)
    assert (int(told[1].replace(",", "")) if told else 0) == far
    assert far if places.study.name == "wholesale" else True


def test_a_share_is_the_same_wherever_it_stands(places):
    shares = [card.select_one(".size b").get_text() for card in places.page.select(".cards li")]
    assert sum(int(share.removesuffix("%")) for share in shares) == 100
    for share, profile in zip(shares, places.profiles, strict=True):
        assert abs(int(share.removesuffix("%")) - 100 * profile.share) < 1
        assert profile.share == profile.size / sum(other.size for other in places.profiles)
    told = dict(zip((profile.name for profile in places.profiles), shares, strict=True))
    assert {row["segment"]: row["share"] for row in places.table("The segments, from the largest")} == told
    glance = {row.select_one(".name"): row.select_one(".shares b") for row in places.page.select(".glance li")}
    assert {" ".join(name.get_text().split()[1:]): share.get_text() for name, share in glance.items()} == told
    begins = f"{sentence(numeral(len(shares)))} {NOUNS[places.selection.verdict]}s: "
    answers = [block.get_text() for block in places.page("p") if block.get_text().startswith(begins)]
    assert len(answers) == 1
    sizes, summary = places.caption("05-sizes"), places.terminal.split("Segments")[1].split("\n")[0]
    for profile in places.profiles:
        share = told[profile.name]
        assert re.search(rf"{re.escape(profile.name)}”? \({share}[;)]", answers[0])  # a name with a comma is quoted
        assert f"{profile.segment} {profile.name} {share}" in summary
    ends = places.largest_first[0], places.largest_first[-1]
    for end in ends if ends[0].size > ends[1].size else ():
        assert re.search(rf"{re.escape(end.name)},? (holds )?{told[end.name]}", sizes)
    drawn = [text.get_text() for text in places.page.find("figure", id="05-sizes")("text")]
    bars = [f"{whole(profile.size)} ({share})" for profile, share in zip(places.profiles, shares, strict=True)]
    assert [text for text in drawn if re.fullmatch(r"[\d,]+ \(.*%\)", text)] == bars
    held = json.loads(places.page.find(id="explore-data").get_text())  # of which the script makes shares by itself
    assert [row["size"] for row in held["segments"]] == [profile.size for profile in places.profiles]
    customers = SegmentedCustomers(places.study)
    assert [row["told"].split("(")[1][:-1] for row in size_table(customers, customers.counts({}), {})] == shares
    compared = shares_table(compare_runs(places.study.name, places.study.name))
    assert compared["told_then"].tolist() == compared["told_now"].tolist() == shares
    table = pd.read_csv(places.study.path("profiles.csv"))
    assert table["share"].tolist() == [profile.share for profile in places.profiles]


def test_a_centre_is_the_same_wherever_it_stands(places):
    dataset, names = places.dataset, list(places.selection.features)
    profiled = {row["segment"]: row for row in places.table("Centre in original units")}
    first, last = places.caption("04-original"), places.caption("05-centres")
    table = pd.read_csv(places.study.path("profiles.csv"))
    for profile in places.profiles:
        card = {row.th.get_text(): row("td") for row in places.card(profile.segment)("tr")[1:]}
        for name in names:
            axis, label, unit = str(dataset.axis(name)), dataset.label(name), dataset.columns[name].unit
            centre, interval = amount(profile.centre[name]), spanning(profile.centre_interval[name])
            assert card[label][0].get_text() == amount(profile.centre[name], unit) + interval
            assert card[label][1].get_text() == show_index(profile.index[name])
            cell = profiled[profile.name][axis]
            mean = f", mean {amount(profile.mean[name])}" if dataset.columns[name].transform != "none" else ""
            assert cell == f"{centre} ({interval}){mean}"
            assert table[axis][profile.segment - 1] == profile.centre[name]
    drawn = [name for name in names if f"{dataset.label(name)}: " in first]
    assert len(drawn) == min(2, len(names))  # of others the axes show nothing
    for name in names:
        ends = [pick(places.profiles, key=lambda p: p.centre[name]) for pick in (max, min)]
        for end in ends:
            told = amount(end.centre[name])
            if name in drawn:
                assert re.search(rf" {re.escape(told)}[^()]* \([^)]*{re.escape(end.name)}", first)
            called = f"“?{re.escape(end.name)}”?"
            assert re.search(rf"{called} \({re.escape(told)}\b| {re.escape(told)} in {called}", last)
    assert "centroid" not in first + last


def test_a_level_and_an_index_never_contradict_each_other(places):
    for profile in places.profiles:
        for name, level in profile.levels.items():
            index = profile.index[name]
            assert level != "average" or index is None or 67 <= index <= 150
            assert level != "high" or index is None or index > 100
            assert level != "low" or index is None or index < 100


def test_silhouette_and_stability_have_two_digits_wherever_a_person_reads_them(places):
    chosen, k = places.selection.chosen, places.selection.k
    silhouette, weakest = decimal(chosen.silhouette), decimal(places.selection.weakest)
    assert f"mean silhouette {silhouette}, least stable segment {weakest}" in places.terminal
    statistics = places.page.select_one(".statistics").get_text()
    assert f"The mean silhouette is {silhouette};" in statistics
    assert f"comes back with a Jaccard coefficient of {weakest}," in statistics
    read = (part for part in places.page.find_all(string=True) if not part.find_parent(["script", "style", "pre"]))
    text = re.sub(r"\s+", " ", " ".join(read))
    assert len(re.findall(rf"mean silhouette is {silhouette}\b", text, re.I)) >= 3
    assert not re.findall(r"silhouette(?: of| is|,? \()? ?\d\.(?:\d|\d{3,})\b", text)
    [row] = [row for row in places.table("The criteria at the best optimum") if row["k"] == str(k)]
    assert row["silhouette"] == silhouette
    [row] = [row for row in places.table("and tables without structure") if row["k"] == str(k)]
    assert (row["silhouette"], row["weakest segment"]) == (silhouette, weakest)
    shown = cards(places.selection, places.study.read("profiles.json"), places.dataset, None)
    assert min(card["stability"] for card in shown) == weakest
    assert places.card(shown[0]["segment"]).find(string=re.compile(f"Stability: {shown[0]['stability']} of 1"))


def test_a_range_is_that_of_the_data_or_said_to_be_rounded(places):
    customers, model = SegmentedCustomers(places.study), places.study.read("model.json")
    table = pd.read_parquet(places.study.path("customers.parquet"))
    for feature in model.features:
        steps = list(customers.numbers[feature.name])
        assert (steps[0], steps[-1]) == pytest.approx((feature.low, feature.high))
        exact = (table[feature.name].min(), table[feature.name].max())
        assert (steps[0], steps[-1]) == exact or places.dataset.private
        assert steps[0] <= exact[0] <= exact[1] <= steps[-1]
    held = json.loads(places.page.find(id="explore-data").get_text())
    assert ("rows" not in held) == places.dataset.private  # without rows the script says that a range is rounded
    for feature, asked in zip(model.features, held["model"]["features"], strict=True):
        assert (asked["low"], asked["high"]) == pytest.approx((feature.low, feature.high))
