"""Everything that a private report publishes, searched for figures that give one person away, alone and by the month.

The attacker knows how many customers there are, and reads each number with all of its digits: in the text of the page,
the JSON inside, the tables beside, and where each mark of a figure stands.
"""

import json
import re

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from segmentation.core import files
from segmentation.core.files import read_json
from segmentation.report.explore import explore_data
from segmentation.runs.manifest import open_finished
from segmentation.runs.run import Run
from tests import here
from tests.conftest import FAST, Project, copy_project, made_once

DESCRIBED = """title: Bank
source: {path: bank.csv}
k: 3
k_range: [2, 4]
columns:
  id: {role: id}
  visits: {role: feature, label: Visits}
  spend: {role: feature, label: Spend, unit: $}
  deposit: {role: descriptor, label: Deposit, unit: $}
  age: {role: descriptor, label: Age}
"""
SPEND, DEPOSIT = 731.37, 48_211.0  # of the newcomer, and of the one who is far richer than a segment
NUMBER = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")


def _table(newcomer: bool) -> pd.DataFrame:
    """Return 300 customers in three segments of 100, in the last of which one has most of all deposits."""
    rng = np.random.default_rng(11)
    visits, spend = (np.concatenate([rng.normal(c, 3, 100) for c in of]) for of in ((20, 60, 100), (200, 400, 600)))
    table = pd.DataFrame({"visits": visits, "spend": spend + rng.normal(0, 40, 300)})
    table["deposit"], table["age"] = rng.uniform(0, 200, 300), rng.integers(18, 80, 300)
    table.loc[250, "deposit"] = DEPOSIT
    if newcomer:
        table.loc[300] = [101, SPEND, 120, 40]
    return table.assign(id=[f"c{i}" for i in range(len(table))]).round({"visits": 1, "spend": 2, "deposit": 2})


def _make(folder) -> Project:
    project = copy_project(folder)
    place = project.root / "data" / "bank"
    place.mkdir()
    (place / "dataset.yaml").write_text(DESCRIBED)
    for month, newcomer in (("march", False), ("april", True)):
        _table(newcomer).to_csv(place / "bank.csv", index=False)
        done = _call(project, "report", "--dataset", "bank", "--run", month, *FAST)
        assert done.returncode == 0, done.stderr
    done = _call(project, "compare", "--base", "march", "--run", "april")
    assert done.returncode == 0, done.stderr
    return project


def _call(project: Project, *words: str):
    """Run a command, and keep beside each figure where its marks stand, on the scale of its axes."""
    empty = '<svg xmlns="http://www.w3.org/2000/svg" width="1pt" height="1pt"/>'

    def marked(whole, salt, box=None):
        return f"{empty}<!--{json.dumps(_marks(whole))}-->"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(here, "leave_undrawn", lambda within: within.setattr(here.display, "_svg", marked))
        return project.call(*words, drawn=False)


def _marks(whole) -> list:
    """Return the numbers that the marks of a figure stand at, panel by panel."""
    found = []
    for ax in whole.axes:
        marks = [line.get_xydata() for line in ax.lines]
        marks += [patch.get_path().transformed(patch.get_patch_transform()).vertices for patch in ax.patches]
        marks += [collection.get_offsets() for collection in ax.collections]
        marks += [[segment] for c in ax.collections if hasattr(c, "get_segments") for segment in c.get_segments()]
        marks += [getattr(text, "xy", text.get_position()) for text in ax.texts]
        marks += [ax.get_xlim(), ax.get_ylim()]
        found.append([float(x) for mark in marks for x in np.ravel(np.asarray(mark, float))])
    return found


@pytest.fixture(scope="module")
def bank(tmp_path_factory) -> Project:
    """A copy of the project with the reports of two months, and their comparison."""
    return made_once(tmp_path_factory, "bank", _make)


def _leaves(held, path=()):
    """Yield each number of nested lists and dicts with its path."""
    if isinstance(held, dict | list):
        for key, value in held.items() if isinstance(held, dict) else enumerate(held):
            yield from _leaves(value, (*path, key))
    elif isinstance(held, int | float) and held == held:
        yield path, float(held)


def _read(text: str, path: tuple):
    """Yield each number of a text with its path."""
    for i, number in enumerate(NUMBER.findall(text)):
        yield (*path, i), float(number.replace(",", "").replace("−", "-"))


def _of_page(page: str, name: str):
    """Yield each number of a page: of its JSON, its cards, its tables and its sentences."""
    soup = BeautifulSoup(page, "html.parser")
    if held := soup.find(id="explore-data"):
        yield from _leaves(json.loads(held.get_text()), (name, "explore"))
    for part in [*soup(["script", "style", "pre", "svg"]), *soup.select(".versions")]:  # of packages
        part.decompose()
    for i, block in enumerate(soup(["td", "th", "figcaption", "p", "li"])):
        about = [word for word in ("Deposit",) if word in block.get_text()]
        yield from _read(block.get_text(" "), (name, block.name, i, *about))


def published(project: Project, run: str) -> dict[tuple, float]:
    """Return every number that may be sent of a run, by where it stands."""
    found = dict(_leaves(read_json(project.artifact(run, "profiles.json")), ("profiles.json",)))
    table = pd.read_csv(project.artifact(run, "profiles.csv"))
    found |= dict(_leaves(table.to_dict("list"), ("profiles.csv",)))
    for place in sorted(project.artifact(run, "figures").glob("*.svg")):
        marks = re.search("<!--(.*?)-->", place.read_text(), re.S)
        found |= dict(_leaves(json.loads(marks[1]), (place.stem,)))
    found |= dict(_of_page(project.page(run), "page"))
    scales = {f["name"]: (f["spread"], f["centre"]) for f in _explored(project, run)["model"]["features"]}
    return {path: _in_dollars(path, x, scales) for path, x in found.items()}


def _in_dollars(path: tuple, x: float, scales: dict[str, tuple]) -> float:
    """Return what an attacker makes of a centroid or a standing in scaled units by the scales in the page."""
    spread, centre = scales["spend"] if path[0] == "04-scaled" else (1, 0)
    if path[1:4] == ("explore", "model", "centroids"):
        spread, centre = list(scales.values())[path[-1]]
    elif path[3:4] == ("standing",):
        spread, centre = scales[path[-1]]
    return x * spread + centre


def _explored(project: Project, run: str) -> dict:
    return json.loads(BeautifulSoup(project.page(run), "html.parser").find(id="explore-data").get_text())


def _sizes(project: Project, run: str) -> list[int]:
    profiles = read_json(project.artifact(run, "profiles.json"))
    return [profiles["customers"], *(segment["size"] for segment in profiles["segments"])]


def test_nobody_can_be_computed_from_the_figures_of_two_months(bank):
    """Of every two like figures n2 m2 - n1 m1 is asked, with all digits, for all customers and for each segment."""
    march, april = published(bank, "march"), published(bank, "april")
    like = [path for path in sorted(set(march) & set(april), key=str) if march[path] != april[path]]
    assert len(like) > 200
    then, now = (np.array([month[path] for path in like]) for month in (march, april))
    sizes = {*zip(_sizes(bank, "march"), _sizes(bank, "april"), strict=True)}
    assert (300, 301) in sizes
    for before, after in sizes:
        difference = after * now - before * then
        hits = zip(like, difference, np.abs(difference - SPEND) < 0.01 * SPEND, strict=True)
        assert [(path, value) for path, value, hit in hits if hit] == []


def test_nobody_can_be_computed_from_a_comparison(bank):
    """The same of every two numbers of a cell, and of the marks of a figure, which stand for the two months."""
    parts: dict[tuple, list[float]] = {}
    page = (bank.root / "report" / "april" / "compare-march.html").read_text(encoding="utf-8")
    drawn = (item for item in published(bank, "april").items() if item[0][0] == "06-centres")
    for path, x in [*_of_page(page, "page"), *drawn]:
        if path[1] != "p":
            parts.setdefault(path[:-1], []).append(x)
    sizes = {*zip(_sizes(bank, "march"), _sizes(bank, "april"), strict=True)}
    beside = [pair for own in parts.values() for by in (1, 2) for pair in zip(own, own[by:], strict=False)]
    pairs = [(a, b) for a, b in beside if a != b]
    then, now = np.array(pairs).T
    for before, after in sizes:
        assert not (np.abs(after * now - before * then - SPEND) < 0.01 * SPEND).any()


def test_nobody_can_be_computed_from_the_figures_of_one_month(bank):
    """A sum less what all others have about: one deposit is far above theirs."""
    found = {path: x for path, x in published(bank, "march").items() if "deposit" in str(path).lower()}
    assert len(found) > 50
    others = 100.0  # the median of the deposits of the others
    for n in _sizes(bank, "march"):
        assert [path for path, x in found.items() if abs(n * x - (n - 1) * others - DEPOSIT) < 0.1 * DEPOSIT] == []
    assert [path for path, x in found.items() if abs(x - DEPOSIT) < 0.001 * DEPOSIT] == []
    segments = read_json(bank.artifact("march", "profiles.json"))["segments"]
    assert ["mean" in segment["descriptors"]["deposit"] for segment in segments].count(False) == 1


def test_explore_asks_for_no_customer_where_a_centre_is_not_shown(bank, monkeypatch):
    monkeypatch.setattr(files, "ROOT", bank.root)
    study = open_finished("march", None)
    profiles = study.read("profiles.json")
    first = profiles.segments[0].model_copy(update={"centre": {"visits": 20.0, "spend": None}})
    hidden = profiles.model_copy(update={"segments": (first, *profiles.segments[1:])})
    read = Run.read
    monkeypatch.setattr(Run, "read", lambda self, name: hidden if name == "profiles.json" else read(self, name))
    held = explore_data(study)
    assert held["model"]["features"] == held["model"]["centroids"] == []
    assert held["words"]["unasked"].startswith("No segment is told here, because a centre is not shown: ")
