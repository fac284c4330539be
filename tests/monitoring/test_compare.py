"""The next month: a run that starts from an earlier one, and the report on what changed between two."""

import re
import shutil
import tempfile
from math import ceil, floor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from segmentation.core import files
from segmentation.core.dataset import Dataset
from segmentation.core.engine import MOST_HELD
from segmentation.core.figures import colour
from segmentation.core.files import read_json
from segmentation.core.privacy import WHY_NOT
from segmentation.customers.counts import rand_index
from segmentation.language.writing import percent
from segmentation.monitoring import advice, shown
from segmentation.monitoring import tell as monitoring_tell
from segmentation.monitoring.comparison import (
    NOBODY,
    NUMBERED,
    compare_runs,
    moved_centres,
    shared_customers,
    shares_table,
)
from segmentation.monitoring.transitions import Fate, _heir, cross, lineage_of, match, renumber, trace
from segmentation.runs import tell as runs_tell
from segmentation.runs.artifacts import Lineage, Origin, Transitions
from segmentation.runs.records import Placement, Profile
from segmentation.segments.names import as_before
from tests.conftest import Project, completed, copy_project, customers_of, made_once
from tests.report.test_report import Page

SHOP = """title: Shop
source: {{path: {name}.csv}}
privacy: {privacy}
k_range: [2, 6]
columns:
  id: {{role: id}}
  income: {{role: feature, label: Income, unit: k$}}
  spending: {{role: feature, label: Spending, unit: points}}
  visits: {{role: descriptor, label: Visits}}
"""
OTHER = """title: Other
source: {path: other.csv}
k_range: [2, 3]
columns:
  height: {role: feature}
  weight: {role: feature}
"""
PLACES = {"a": (20, 20), "b": (90, 20), "c": (15, 90), "d": (90, 80), "e": (55, 115)}


def _customers(seed: int, *groups: tuple[str, range, tuple[float, float]]) -> pd.DataFrame:
    """Draw customers about a point for each group, with ids such as a7."""
    rng, parts = np.random.default_rng(seed), []
    for letter, ids, place in groups:
        rows = rng.normal(place, 4, (len(ids), 2)).round(3)
        visits = rng.integers(1, 4, len(ids)) + 10 * (letter in "ab")
        named = {"id": [f"{letter}{i}" for i in ids], "income": rows[:, 0], "spending": rows[:, 1], "visits": visits}
        parts.append(pd.DataFrame(named))
    return pd.concat(parts)


def _march() -> pd.DataFrame:
    sizes = {"a": 80, "b": 70, "c": 60, "d": 50, "e": 40}
    return _customers(1, *((letter, range(sizes[letter]), place) for letter, place in PLACES.items()))


def _april() -> pd.DataFrame:
    """a is split, b gone, c and e merged, n new; of d 12 went to a, and 30 came to it."""
    return _customers(
        2,
        ("a", range(45), (20, 5)),
        ("a", range(45, 80), (20, 36)),
        ("c", range(60), (35, 103)),
        ("e", range(40), (35, 103)),
        ("d", range(38), PLACES["d"]),
        ("d", range(38, 50), (20, 5)),
        ("d", range(50, 80), PLACES["d"]),
        ("n", range(60), (160, 50)),
    )


def _shuffled() -> pd.DataFrame:
    """The sizes the other way round: the smallest is the largest."""
    sizes = {"a": 40, "b": 50, "c": 60, "d": 70, "e": 80}
    return _customers(3, *((letter, range(sizes[letter]), place) for letter, place in PLACES.items()))


def _undrawn(project: Project, *words: str):
    return project.call(*words, drawn=False)


def _make(project: Project, run: str, table: pd.DataFrame | None, *words: str, dataset: str = "shop", command=_undrawn):
    if table is not None:
        table.to_csv(project.root / f"{run}.csv", index=False)
    data = ["--data", str(project.root / f"{run}.csv")] if table is not None else []
    done = command(project, "report", "--dataset", dataset, *data, "--run", run, "--resamples", "10", *words)
    assert done.returncode == 0, done.stderr
    return done


def _describe(project: Project, name: str, text: str, table: pd.DataFrame) -> None:
    place = project.root / "data" / name
    place.mkdir()
    (place / "dataset.yaml").write_text(text)
    table.to_csv(place / f"{name}.csv", index=False)


def _make_months(folder: Path) -> Project:
    """Make the run march, april, shuffled and again, which start from it, and anew, the table of april by itself."""
    project = copy_project(folder)
    _describe(project, "shop", SHOP.format(name="shop", privacy="rows"), _march())
    _make(project, "march", None)
    for run, table in (("april", _april()), ("shuffled", _shuffled())):
        _make(project, run, table, "--base", "march")
    _make(project, "again", None, "--base", "march", command=Project.run)
    _make(project, "anew", _april())
    return project


@pytest.fixture(scope="module")
def months(tmp_path_factory) -> Project:
    """A copy of the project with the runs march, april, shuffled, again and anew."""
    return made_once(tmp_path_factory, "months", _make_months)


@pytest.fixture(scope="module")
def march(months) -> Project:
    """The same, for a test that looks at march alone, or makes other runs."""
    return months


def _lineage(project: Project, run: str) -> dict:
    return read_json(project.artifact(run, "lineage.json"))


def _names(project: Project, run: str) -> dict[int, str]:
    return {p["segment"]: p["name"] for p in read_json(project.artifact(run, "profiles.json"))["segments"]}


def _compare(project: Project, base: str, run: str, command=Project.call) -> Page:
    done = command(project, "compare", "--base", base, "--run", run)
    assert done.returncode == 0, done.stderr
    answer, place = done.stdout.splitlines()
    assert place == f"report/{run}/compare-{base}.html"
    text = (project.root / place).read_text(encoding="utf-8")
    assert f"<title>{answer} · {base} → {run}</title>" in text
    [heading] = re.findall(r"<h1[^>]*>(.*?)</h1>", text)
    assert heading == answer
    return Page(text)


def test_a_planted_month_is_told_right(months):
    lineage, march, april = _lineage(months, "april"), _names(months, "march"), _names(months, "april")
    fates = {row["segment"]: row["fate"] for row in lineage["before"]}
    assert fates == {1: "split", 2: "gone", 3: "merged", 4: "survives", 5: "merged"}
    segments = pd.read_csv(months.artifact("april", "segments.csv")).set_index("id")["segment"]
    assert set(segments[["a0", "a44", "d40"]]) | set(segments[["a45", "a79"]]) == set(lineage["before"][0]["into"])
    assert lineage["before"][2]["into"] == lineage["before"][4]["into"] == [segments["c0"]] == [segments["e0"]]
    assert segments["d0"] == 4
    assert [row["segment"] for row in lineage["now"] if not row["comes_from"]] == [segments["n0"]]
    assert sorted(set(segments)) == [1, 2, 3, 4, 5]
    for row in lineage["now"]:
        assert (april[row["segment"]] in march.values()) == (row["kept_from"] is not None)
        if row["kept_from"]:
            assert april[row["segment"]] == march[row["kept_from"]]
    assert len(set(april.values())) == 5


def test_the_report_says_what_became_of_the_segments(months):
    page, lineage = Page(months.page("april")), _lineage(months, "april")
    assert runs_tell.lineage(Lineage.model_validate(lineage)) in page.text
    assert "Of five segments of march, one is found again." in page.text
    assert "New since march." in page.text
    assert page.text.count("A part of segment 1 (") == 2
    assert "K-Means was also started from the centroids of march." in page.text
    manifest = read_json(months.artifact("april", "manifest.json"))
    assert manifest["parameters"]["base"] == "march"
    assert {"assets/march/model.json", "assets/march/profiles.json"} <= set(manifest["inputs"])
    assert "assets/april/lineage.json" in manifest["outputs"]
    assert "Since march" not in months.page("march")
    assert not months.artifact("march", "lineage.json").exists()


def test_each_card_has_the_stability_of_its_own_segment(months):
    row = read_json(months.artifact("shuffled", "k_selection.json"))["criteria"]["5"]["segments"]
    selected = [row["selected_as"] for row in _lineage(months, "shuffled")["now"]]
    assert selected == [5, 4, 3, 2, 1]
    shown = re.findall(r"Stability: (\S+) of 1", months.page("shuffled"))
    assert shown == [f"{row[number - 1]['jaccard']:.2f}" for number in selected]


def test_numbers_names_and_colours_survive_a_shuffle_of_sizes(months):
    segments = pd.read_csv(months.artifact("shuffled", "segments.csv")).set_index("id")["segment"]
    assert [segments[f"{letter}0"] for letter in "abcde"] == [1, 2, 3, 4, 5]
    assert segments.value_counts()[5] == 80
    assert _names(months, "shuffled") == _names(months, "march")
    marks = re.findall(r'<li style="--mark: (#\w+)">', months.page("shuffled"))
    of_march = re.findall(r'<li style="--mark: (#\w+)">', months.page("march"))
    colours = [colour(i) for i in range(1, 6)]
    assert marks[:10] == of_march[:10] == colours * 2  # at a glance, and on the cards
    assert of_march[10:] == colours == marks[:9:-1]  # what to do, the largest first
    assert "Each of the five segments of march is found again." in months.page("shuffled")
    text = Page(months.page("shuffled")).text
    assert re.search(rf"The largest segment, “?{re.escape(_names(months, 'march')[5])}”?, holds 27%", text)


def test_a_run_refreshed_on_its_own_table_is_the_same(months):
    for name in ("segments.csv", "profiles.csv", "rules.sql"):
        assert months.artifact("again", name).read_bytes() == months.artifact("march", name).read_bytes()
    lineage = _lineage(months, "again")
    assert lineage["start"] == {"from_base": True, "above": 0.0}
    assert [row["kept_as"] for row in lineage["before"]] == [1, 2, 3, 4, 5]
    assert [row["selected_as"] for row in lineage["now"]] == [1, 2, 3, 4, 5]


def test_a_refreshed_run_runs_nothing_again_and_can_be_verified(months):
    done = _make(months, "again", None, "--base", "march", command=Project.run)
    assert "nothing; everything was up to date" in done.stdout
    done = months.run("verify", "--run", "again")
    assert done.returncode == 0, done.stderr
    assert "is repeated byte for byte" in done.stdout


def test_a_run_whose_base_is_gone_cannot_be_verified(months):
    manifest = months.artifact("march", "manifest.json")
    hidden = manifest.rename(manifest.with_name("hidden.json"))
    done = months.call("verify", "--run", "again")
    hidden.rename(manifest)
    assert done.returncode == 2
    assert "assets/march/manifest.json does not exist" in done.stderr
    assert str(months.root) not in done.stderr


def test_the_comparison_tells_shares_moves_agreement_and_drift(months):
    page = _compare(months, "march", "april", command=Project.run)
    then, now = (
        pd.read_csv(months.artifact(run, "segments.csv")).set_index("id")["segment"] for run in ("march", "april")
    )
    both = then.index.intersection(now.index)
    index = adjusted_rand_score(then[both], now[both])
    assert f"then and now of the customers in both is {index:.3f}." in page.text
    assert (
        f"12 of the {len(both)} customers in both runs are in another segment than the one that theirs became. The "
        in page.text
    )
    told = "Income, Spending and the shares of the segments differ from what the segments of march were formed on"
    assert f"{told} by an index above 0.25" in page.text
    profiles = [read_json(months.artifact(run, "profiles.json"))["segments"][3] for run in ("march", "april")]
    ends = [(floor(100 * low), ceil(100 * high)) for low, high in (p["share_interval"] for p in profiles)]
    shares = [f"{p['share']:.0%} ({low}% to {high}%)" for p, (low, high) in zip(profiles, ends, strict=True)]
    assert " ".join(shares) in page.text
    assert "Both runs give five segments, and the verdict on both is natural." in page.text
    assert runs_tell.lineage(Lineage.model_validate(_lineage(months, "april"))) in page.text
    links = [a.get("href", "") for tag, a, _ in page.elements if tag in ("a", "link")] + page.all("img")
    assert not [link for link in links if not str(link).startswith("#")]
    assert len([a for tag, a, around in page.elements if tag == "svg" and a.get("role") == "img"]) == 3


def test_a_segment_keeps_its_name_of_then_and_only_one_found_again_is_set_against_it(months, monkeypatch):
    """Table 3 and Table 4: of march only d is found again, which is average among the customers of now."""
    monkeypatch.setattr(files, "ROOT", months.root)
    found, then, now = compare_runs("march", "anew"), _names(months, "march"), _names(months, "anew")
    segments = pd.read_csv(months.artifact("anew", "segments.csv")).set_index("id")["segment"]
    d, n, ce = (segments[name] for name in ("d0", "n0", "c0"))
    table = shown.shares_as_text(shares_table(found), found).set_index(["then", "now"])
    assert table.loc[(f"4 {then[4]}", f"{d} {now[d]}"), "fate"] == "found again"
    assert then[4] != now[d]
    assert (table["points"] == "–").sum() == len(table) - 1 == 8
    fates = {f"1 {then[1]}": "split", f"2 {then[2]}": "gone", f"3 {then[3]}": "merged", f"5 {then[5]}": "merged"}
    assert table.xs("–", level="now")["fate"].to_dict() == fates
    assert table.loc[("–", f"{n} {now[n]}"), "fate"] == "new"
    assert table.loc[("–", f"{ce} {now[ce]}"), "fate"] == "from 3 and 5"
    assert moved_centres(found)[["then", "now", "name_then", "name_now"]].values.tolist() == [[4, d, then[4], now[d]]]
    assert shown.fates_table(found)["now"].tolist()[2] == f"{ce} {now[ce]}"
    assert runs_tell.lineage(found.lineage).endswith(f"Segment 4 ({then[4]}) is segment {d} now.")
    assert advice.summary(found).startswith(
        "**Of march: one segment found again, one split, two merged and one gone. One segment of anew is new.**"
    )


def test_the_title_says_what_changed(months, monkeypatch):
    monkeypatch.setattr(files, "ROOT", months.root)
    titles = {run: advice.headline(compare_runs("march", run)) for run in ("april", "again", "march", "shuffled")}
    assert titles["april"].startswith("One segment split, two merged, one gone")
    assert "; 12 of 230 customers left their segment; " in titles["april"]
    assert titles["april"].endswith(f"; {_names(months, 'march')[4]} grew from 17% to 21%")
    assert titles["again"] == "Nothing has changed from march to again"
    assert titles["march"] == "march is compared with itself"
    assert titles["shuffled"].startswith("None of 240 customers changed segment; ")


def test_a_title_tells_the_share_that_changed_most_and_of_two_the_one_that_grew():
    def told(*rows: dict) -> list[str]:
        return advice.changed_most(pd.DataFrame(rows))

    both = told(_share(1, 2, 0.4, 0.33), _share(2, 1, 0.2, 0.27))
    assert both == ["A2 (B1 now) grew from 20% to 27%", "A1 (B2 now) shrank from 40% to 33%"]
    assert told(_share(1, 1, 0.4, 0.43), _share(2, 2, 0.2, 0.2)) == ["A1 grew from 40% to 43%"]
    assert told(_share(1, 1, 0.4, 0.405), _share(2, 2, 0.2, 0.195)) == []
    assert advice.still(pd.DataFrame([_share(1, 1, 0.4, 0.405)])) == "no share changed by a percentage point"
    assert advice.still(pd.DataFrame([_share(1, 1, 0.4, 0.4)])) == "no share changed"


def test_the_answer_says_with_which_run_to_go_on(months, monkeypatch):
    monkeypatch.setattr(files, "ROOT", months.root)
    answers = {run: advice.answer(compare_runs("march", run)) for run in ("april", "anew", "again", "march")}
    name = _names(months, "march")[4]
    assert answers["april"] == (
        "**Go on with april**: its customers are no longer like those that the segments of march were formed on. "
        "It was started from march, and is the refresh that this asks for. What was planned for a segment of march has "
        f"its customers in april only where it is found again: {name}."
    )
    assert answers["anew"].endswith(
        "anew was not started from march. With BASE=march a segment found again keeps its number and name."
    )
    assert answers["again"] == (
        "**The model of march can still be used**: the customers of again are the ones it was formed on. What was "
        "planned for a segment of march has its customers in again too: each is found again."
    )
    assert answers["march"] == "**There is nothing to decide**: march is compared with itself."
    page = _compare(months, "march", "april").text
    assert page.count("no longer like those that the segments of march were formed on") == 1
    assert page.count("Of march: one segment found again, one split, two merged") == 1
    assert "Refresh the segmentation" not in page


def test_a_run_compared_with_itself_has_not_changed(months):
    page = _compare(months, "march", "march")
    for told in (
        "Nothing has changed.",
        "march is compared with itself.",
        "adjusted Rand index 1",
        "Each of the five segments of march is found again.",
        "Every share is what it was.",
        "No centroid has moved.",
        "None of the 300 customers in both runs changed segment.",
        "No index is above its limit.",
    ):
        assert told in page.text
    assert "march and march" not in page.text
    assert "Nothing has changed." in _compare(months, "march", "again").text


def test_two_values_of_k_are_compared_and_numbers_are_kept_up_to_the_smaller(march):
    _make(march, "four", None, "--k", "4", "--base", "march")
    lineage, page = _lineage(march, "four"), Page(march.page("four"))
    kept = {row["segment"]: row["kept_as"] for row in lineage["before"] if row["kept_as"]}
    assert len(kept) == 4
    assert all(now == then for then, now in kept.items() if then <= 4)
    told = "K-Means was not started from the centroids of march: the number of segments was 5, and is 4."
    assert told in page.text
    page = _compare(march, "march", "four")
    assert "march gives five segments" in page.text
    assert "four gives four" in page.text
    assert re.search(r"are merged into segment \d", page.text)


def test_two_sets_of_features_are_compared_by_their_customers(march):
    _make(march, "visits", None, "--features", "income,visits", "--k", "2")
    page = _compare(march, "visits", "march")
    assert "Other features formed their segments, so that they are matched by their customers alone." in page.text
    assert "their centres cannot be compared" in page.text


def test_small_groups_of_a_private_table_are_hidden(march):
    then = _customers(5, ("a", range(60), (20, 20)), ("b", range(60), (80, 80)))
    now = _customers(6, ("a", range(57), (20, 20)), ("b", range(60), (80, 80)), ("a", range(57, 60), (80, 80)))
    text = SHOP.format(name="quiet", privacy="aggregate").replace("[2, 6]", "[2, 3]")
    _describe(march, "quiet", text, then)
    _make(march, "quiet", None, "--k", "2", dataset="quiet")
    _make(march, "later", now, "--k", "2", "--base", "quiet", dataset="quiet")
    page = _compare(march, "quiet", "later")
    assert "Fewer than 20 of the 120 customers in both runs changed segment." in page.text  # of three fewer came
    assert "hidden" in page.text
    cells = re.findall(r"now 1 now 2 (.*?) Figure", page.text)[0]
    assert not re.search(r"\b3\b", cells)
    assert not re.search(r"\b57\b", cells)
    assert "the customers in both is 0.5 or more." in page.text  # 0.902 would count the three
    assert not re.search(r"0\.9\d", page.text.split("Agreement of then and now.")[1][:400])
    drawn = march.artifact("later", "figures/06-moves.svg").read_text()  # all groups are hidden, and no band is drawn
    assert not re.search(r"FillBetween|PolyCollection", drawn)


def test_running_numbers_are_no_people_unless_their_rows_are_alike(march):
    groups = [("a", range(60), (20, 20)), ("b", range(50), (80, 80))]
    then, others = (_customers(seed, *groups).sample(frac=1, random_state=seed) for seed in (11, 12))
    visits = np.random.default_rng(13).integers(1, 40, 110)
    then, others = (table.assign(id=range(1, 111)) for table in (then.assign(visits=visits), others))
    month = then.assign(visits=then["visits"] + 1, income=then["income"] + 3).iloc[:-6]
    month.loc[month["id"] % 4 == 0, ["income", "spending"]] = others.iloc[3::4, 1:3].iloc[: len(month) // 4].to_numpy()
    text = SHOP.format(name="numbers", privacy="rows").replace("[2, 6]", "[2, 3]")
    _describe(march, "numbers", text, then)
    for run, table in (("numbers", None), ("month", month), ("others", others)):
        _make(march, run, table, "--k", "2", dataset="numbers")
    assert "104 customers are in both." in _compare(march, "numbers", "month").text
    page = _compare(march, "numbers", "others")
    assert "the ids are taken for numbers of rows" in page.text
    assert "customers in both runs" not in page.text


def _month(folder: Path, ids, spend, *, known_by: str, named: bool = True) -> SimpleNamespace:
    """Return a run as the guards on ids see it: its table, by what it is known, and whether its ids are a column."""
    place = Path(tempfile.mkdtemp(dir=folder))
    rows = pd.DataFrame({"id": pd.Series(ids).astype(str), "spend": spend, "segment": 1})
    rows[["id", "spend"]].to_parquet(place / "customers.parquet")
    rows[["id", "segment"]].to_parquet(place / "segments.parquet")
    columns = ({"id": {"role": "id"}} if named else {}) | {"spend": {"role": "feature"}}
    dataset = Dataset.model_validate({"title": "T", "columns": columns})
    return SimpleNamespace(
        dataset=dataset, existing=place.joinpath, read=lambda _: SimpleNamespace(fingerprint=known_by)
    )


@pytest.mark.parametrize("first", [1, 30_000])
def test_the_guards_on_ids_hold_for_large_tables(tmp_path, first):
    numbers = np.arange(first, first + MOST_HELD + 1)
    spend = np.random.default_rng(1).normal(50, 10, len(numbers))
    march = _month(tmp_path, numbers, spend, known_by="march")
    paid_more = _month(tmp_path, numbers, spend + 1, known_by="april")
    others = _month(tmp_path, numbers, spend[::-1], known_by="april")
    assert shared_customers(march, paid_more)[0]["customers"].sum() == len(numbers)
    assert shared_customers(march, others) == (None, NUMBERED)


def test_without_ids_only_the_same_rows_in_the_same_order_are_the_same_customers(tmp_path):
    spend, rows = np.repeat([5.0, 7, 9], [40, 40, 20]), np.arange(1, 101)
    march, again, sorted_, other = (
        _month(tmp_path, rows, values, known_by=known_by, named=False)
        for values, known_by in ((spend, "a"), (spend, "a"), (spend[::-1], "a"), (spend, "b"))
    )
    assert shared_customers(march, again)[0]["customers"].sum() == 100
    assert shared_customers(march, sorted_) == (None, NUMBERED)
    assert shared_customers(march, other) == (None, NOBODY)
    assert shared_customers(march, _month(tmp_path, rows, spend, known_by="a")) == (None, NOBODY)


def test_nothing_has_changed_only_when_nobody_moved(march):
    then = _customers(14, ("a", range(40), (20, 20)), ("b", range(40), (80, 80)))
    now = then.assign(
        id=[*then["id"][:10], *then["id"][40:50], *then["id"][20:40], *then["id"][10:20], *then["id"][50:]]
    )
    _describe(march, "swap", SHOP.format(name="swap", privacy="rows").replace("[2, 6]", "[2, 3]"), then)
    _make(march, "swap", None, "--k", "2", dataset="swap")
    _make(march, "swapped", now, "--k", "2", dataset="swap")
    page = _compare(march, "swap", "swapped")
    assert "Nothing has changed." not in page.text
    assert "20 of the 80 customers in both runs changed segment" in page.text.partition("What each run found")[0]


@pytest.mark.parametrize(
    ("base", "code", "told"),
    [
        ("may", 2, "make report RUN=may"),
        ("june", 2, "BASE=june is the run itself"),
        ("../x", 2, "cannot name a folder"),
        ("tall", 2, "its segments were formed on height and weight, which this dataset does not have"),
        ("changed", 3, "assets/changed/model.skops is not the file that the run wrote"),
    ],
)
def test_a_base_that_cannot_be_used(march, base, code, told):
    _spoil(march)
    words = ["--dataset", "shop", "--run", "june", "--base", base, "--resamples", "10"]
    done = march.call("report", *words)
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not march.artifact("june", "customers.parquet").exists()


@pytest.mark.parametrize(
    ("base", "run", "code", "told"),
    [
        ("may", "march", 2, "make report RUN=may"),
        ("march", "may", 2, "make report RUN=may"),
        ("tall", "march", 2, "cannot place the customers of march"),
        ("march", "changed", 3, "assets/changed/model.skops is not the file that the run wrote"),
    ],
)
def test_runs_that_cannot_be_compared(march, base, run, code, told):
    _spoil(march)
    done = march.call("compare", "--base", base, "--run", run)
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (march.root / "report" / run / f"compare-{base}.html").exists()


def test_a_run_whose_features_are_no_longer_described_is_not_compared(march):
    described = march.root / "data" / "shop" / "dataset.yaml"
    before = described.read_text()
    described.write_text(re.sub("  spending: .*\n", "", before))
    try:
        done = march.call("compare", "--base", "march", "--run", "march")
    finally:
        described.write_text(before)
    assert done.returncode == 2
    assert (
        "BASE=march cannot be compared: its segments were formed on spending, which this dataset does not"
        in done.stderr
    )


def test_what_is_kept_of_many_customers_is_checked_before_it_is_compared(march):
    planted = march.artifact("march", "segmented.parquet")
    planted.write_bytes(march.artifact("march", "segments.parquet").read_bytes())
    try:
        done = march.call("compare", "--base", "march", "--run", "march")
    finally:
        planted.unlink()
    assert done.returncode == 3
    assert "assets/march/segmented.parquet is not the file that the run wrote" in done.stderr


def _spoil(project: Project) -> None:
    """Make the run tall on other columns, and changed, whose model is not its own; once."""
    if project.artifact("changed", "model.json").exists():
        return
    rng = np.random.default_rng(7)
    table = pd.DataFrame(np.concatenate([rng.normal(c, 1, (30, 2)) for c in (0, 9)]), columns=["height", "weight"])
    _describe(project, "other", OTHER, table.round(3))
    _make(project, "tall", None, dataset="other")
    for name in ("manifest.json", "model.skops", "model.json", "profiles.json", "cleaning.json"):
        project.artifact("changed", name).parent.mkdir(exist_ok=True)
        shutil.copy(project.artifact("march", name), project.artifact("changed", name))


def test_without_ids_scored_customers_are_told_by_their_rows(march, tmp_path):
    _spoil(march)
    (tmp_path / "new.csv").write_text("height,weight\n0,0\nmuch,9\n9,9\n")
    words = ["--new", str(tmp_path / "new.csv"), "--out", str(tmp_path / "out.csv")]
    done = march.call("score", "--run", "tall", *words)
    assert done.returncode == 0, done.stderr
    scored = pd.read_csv(tmp_path / "out.csv")
    assert list(scored)[:2] == ["row", "segment"]
    assert scored["row"].tolist() == [1, 3]


points = st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=2, max_size=7, unique=True)


@settings(max_examples=100, deadline=None)
@given(then=points, now=points, data=st.data())
def test_the_matching_does_not_hang_on_the_order_of_the_new_centroids(then, now, data):
    order = data.draw(st.permutations(range(len(now))))
    apart = np.linalg.norm(np.array(then)[:, None] - np.array(now), axis=2)
    found, permuted = match(apart), match(apart[:, order])
    assert len(found) == min(apart.shape)
    total = sum(apart[i, j] for i, j in found.items())
    assert sum(apart[i, order[j]] for i, j in permuted.items()) == pytest.approx(total)


@settings(max_examples=50, deadline=None)
@given(then=points)
def test_a_model_is_matched_with_itself(then):
    apart = np.linalg.norm(np.array(then)[:, None] - np.array(then), axis=2)
    assert sum(apart[i, j] for i, j in match(apart).items()) == 0
    assert len(match(apart)) == len(then)


def test_the_hungarian_method_beats_the_greedy_one():
    # Greedy takes the 1 first, and has to take the 9: 10 in all. The least sum is 2 + 3.
    assert match(np.array([[1.0, 2.0], [3.0, 9.0]])) == {0: 1, 1: 0}


def test_only_pairs_that_are_allowed_are_matched():
    apart = np.array([[0.0, 5.0], [5.0, 0.0]])
    assert match(apart, np.array([[False, True], [False, False]])) == {0: 1}


@pytest.mark.parametrize(
    ("counts", "sizes", "shares", "expected"),
    [
        ([[50, 0], [0, 50]], [50, 50], [0.5, 0.5], [Fate("survives", (0,)), Fate("survives", (1,))]),
        ([[30, 20]], [30, 20], [1.0], [Fate("split", (0, 1))]),
        ([[40, 10]], [40, 10], [1.0], [Fate("survives", (0,))]),  # a fifth is too little for a part
        ([[50], [50]], [100], [0.5, 0.5], [Fate("merged", (0,)), Fate("merged", (0,))]),
        ([[90], [3]], [93], [0.5, 0.5], [Fate("survives", (0,)), Fate("gone", left=True)]),
        ([[50], [0]], [50], [0.5, 0.5], [Fate("survives", (0,)), Fate("gone", left=True)]),
        (
            [[40, 30, 30], [60, 0, 0], [0, 70, 0], [0, 0, 70]],
            [100, 100, 100],
            [0.25] * 4,
            [Fate("gone"), Fate("survives", (0,)), Fate("survives", (1,)), Fate("survives", (2,))],
        ),
    ],
)
def test_fates_of_known_tables(counts, sizes, shares, expected):
    assert trace(np.array(counts), np.array(sizes), shares) == expected


def test_numbers_that_are_too_high_move_and_new_segments_take_what_is_free():
    assert renumber({0: 2, 4: 1}, 3) == [3, 2, 1]
    assert renumber({}, 2) == [1, 2]
    assert renumber({1: 0, 2: 1, 0: 2}, 3) == [2, 3, 1]


def test_the_rand_index_is_that_of_scikit_learn():
    rng = np.random.default_rng(8)
    for _ in range(20):
        one, other = rng.integers(0, 4, 60), rng.integers(0, 3, 60)
        table = pd.crosstab(one, other).to_numpy()
        assert rand_index(table) == pytest.approx(adjusted_rand_score(one, other))
    assert rand_index(np.diag([5, 9, 1])) == 1
    assert rand_index(np.array([[7]])) == 1


def test_customers_with_every_feature_are_placed_by_an_earlier_model():
    rng = np.random.default_rng(9)
    frame = pd.DataFrame(rng.normal(size=(500, 2)), columns=["x", "y"]).assign(segment=rng.integers(1, 3, 500))
    frame.loc[:4, "x"] = np.nan
    plain = {"power": 1.0, "centre": 0.0, "spread": 1.0}
    placement = Placement(features=[{"name": n, **plain} for n in "xy"], centroids=[[1.0, 0], [-1.0, 0]])
    model = completed(placement).model_copy(update={"reach": (0.8, 1.5)})
    small = cross(customers_of(frame), model)
    assert small["customers"].sum() == 495
    assert set(small["near"]) == {True, False}


def _row(segment: int, fate: str, into: list[int], kept_as: int | None, **more) -> dict:
    return {
        "segment": segment,
        "name": f"N{segment}",
        "fate": fate,
        "into": into,
        "kept_as": kept_as,
        "left": True,
    } | more


def test_sentences_read_well_for_one_and_for_many():
    before = [_row(1, "gone", [], None), _row(2, "survives", [2], 2), _row(3, "survives", [1], 1)]
    now = [{"segment": n, "kept_from": k, "comes_from": c} for n, k, c in ((1, 3, [3]), (2, 2, [2]), (3, None, []))]
    lineage = Transitions(base="march", before=before, now=now)
    assert runs_tell.lineage(lineage) == (
        "Of three segments of march, two are found again. Segment 1 (N1) is gone: few customers are left where it was. "
        "Segment 3 is new. Segment 3 (N3) is segment 1 now."
    )
    assert [runs_tell.origin(row, lineage) for row in lineage.now] == [
        "Was segment 3 of march.",
        None,
        "New since march.",
    ]
    spread = lineage.model_copy(update={"before": (lineage.before[0].model_copy(update={"left": False}),)})
    assert " is gone: no segment holds most of the customers counted for it." in runs_tell.lineage(spread)
    merged = [_row(1, "merged", [1], 1), _row(2, "merged", [1], None)]
    now = [{"segment": 1, "kept_from": 1, "comes_from": [1, 2]}]
    lineage = Transitions(base="march", before=merged, now=now)
    assert runs_tell.lineage(lineage) == (
        "Of two segments of march, none is found again. Segments 1 (N1) and 2 (N2) are merged into segment 1."
    )
    assert runs_tell.origin(lineage.now[0], lineage) == "Merged from segments 1 (N1) and 2 (N2) of march."


def test_most_of_the_customers_decide_which_segment_keeps_number_and_name():
    """Of parts the one with most of them, and of those that are merged the one that brings most, be it farther away."""
    base = SimpleNamespace(run="march", shares=[0.4, 0.4, 0.2], profiles=[SimpleNamespace(name=n) for n in "abc"])
    counts = {(1, 1): 30, (1, 2): 50, (2, 3): 70, (3, 3): 40}
    rows = [{"then": then, "now": now, "near": True, "customers": n} for (then, now), n in counts.items()]
    found = lineage_of(base, pd.DataFrame(rows), 3)
    assert [(row.fate, row.kept_as) for row in found.before] == [("split", 2), ("merged", 3), ("merged", None)]
    assert [row.kept_from for row in found.now] == [None, 1, 2]


@pytest.mark.parametrize(
    ("brought", "actions", "kept"),
    [
        ([60, 40], ["Voucher", "Thanks"], None),
        ([60, 40], ["Voucher", "Voucher"], "Voucher"),
        ([80, 20], ["Voucher", "Thanks"], "Voucher"),
        ([60, 40], ["Voucher", None], None),
    ],
)
def test_nobody_gets_a_voucher_that_was_planned_for_others(brought, actions, kept):
    profiles = [Profile.model_construct(name=n, action=a, suggested=False) for n, a in zip("ab", actions, strict=True)]
    origin = Origin(segment=1, kept_from=1, comes_from=(1, 2))
    heir = _heir(origin, SimpleNamespace(profiles=profiles), np.array(brought), 1, of_parts=True)
    assert (heir.name, heir.action) == ("a", kept)
    columns, segments = {"x": {"role": "feature"}}, [{"levels": {"x": "high"}, "name": "a", "action": "Voucher"}]
    dataset = Dataset.model_validate({"title": "T", "columns": columns, "segments": segments})
    assert as_before(heir, dataset)["action"] == kept


def test_a_change_of_a_share_is_told_as_fine_as_it_is():
    shares = pd.DataFrame([_share(1, 1, 0.404, 0.396)])
    assert monitoring_tell.changed_shares(shares).endswith("the largest change: A1 (40% then and now, −0.8 points).")


def _share(then: int | None, now: int | None, *shares: float | None) -> dict:
    """Return a row of the shares of a segment, A1 then and B1 now where the numbers differ, with narrow intervals."""
    row: dict = {}
    for side, number, share in zip(("then", "now"), (then, now), shares, strict=True):
        level = np.nan if share is None else share
        name = "" if number is None else f"{'A' if side == 'then' or then == now else 'B'}{number}"
        row |= {side: number, f"name_{side}": name, f"share_{side}": level, f"told_{side}": percent(level)}
        row |= {f"low_{side}": level - 0.02, f"high_{side}": level + 0.02}
    return row


def test_only_shares_of_segments_found_again_are_counted_and_each_is_named_as_it_was_then():
    rows = [_share(1, 2, 0.4, 0.3), _share(2, 1, 0.2, 0.21), _share(3, None, 0.4, None), _share(None, 3, None, 0.49)]
    assert monitoring_tell.changed_shares(pd.DataFrame(rows)) == (
        "One share of a segment found again changed by more than the intervals allow: A1, which is called B2 now "
        "(40% then, 30% now)."
    )
    assert monitoring_tell.changed_shares(pd.DataFrame(rows[2:])).startswith("No segment is found again")
    assert monitoring_tell.changed_shares(pd.DataFrame([_share(1, 1, 0.4, 0.4), *rows[2:]])) == (
        "Every share of a segment found again is what it was."
    )


def test_what_moved_is_said_of_the_centres_that_are_shown_alone():
    steps = {"name_then": "a", "name_now": "a", "then_visits": 1.0, "now_visits": 2.0, "step_visits": 0.5}
    dataset = Dataset.model_validate({"title": "T", "columns": {"visits": {"role": "feature", "label": "Visits"}}})
    base = SimpleNamespace(
        run="march", features=["visits"], numbers=["visits"], model=SimpleNamespace(distance_unit="units")
    )
    found = SimpleNamespace(same_features=True, base=base, later=SimpleNamespace(dataset=dataset))

    def said(*moved: float) -> str:
        return monitoring_tell.centres(pd.DataFrame([steps | {"moved": by} for by in moved]), found)

    assert said(0.5, np.nan).startswith(
        "The centroid of a moved farthest of those that are shown, by 0.50 units of march"
    )
    assert said(0.0, np.nan) == "None of those that are shown has moved."
    assert said(0.0, 0.0) == "No centroid has moved."
    assert said(np.nan) == f"How far the centroids moved is not shown, because a centre is not shown: {WHY_NOT}."
