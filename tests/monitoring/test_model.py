"""A later month placed in the segments of an earlier one: who is where, whether the segments still fit, and errors."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from segmentation.core import files
from segmentation.core.engine import held
from segmentation.core.files import read_json
from segmentation.report.explore import explore_data
from segmentation.runs.manifest import open_finished
from segmentation.runs.records import Placement, Scaled
from segmentation.segments.assign import assign_rows, open_segmented
from tests.conftest import Project, copy_project, made_once
from tests.report.test_report import Page

SHOP = """title: Shop
source: {{path: shop.csv}}
privacy: {privacy}
k_range: [4, 4]
columns:
  id: {{role: id}}
  income: {{role: feature, label: Income, unit: k$}}
  spending: {{role: feature, label: Spending, unit: points}}
  visits: {{role: value, label: Visits}}
segments:
  - {{name: Rich and eager, levels: {{income: high, spending: high}}, action: Call them}}
"""
PLACES = {"a": (20, 20), "b": (90, 20), "c": (15, 90), "d": (90, 80)}
DATASETS = {"newcomers": "quiet"}  # the same columns, of which no customer may be shown
SIZES = {"a": 90, "b": 70, "c": 60, "d": 50}


def _customers(seed: int, sizes: dict[str, int], places: dict[str, tuple[float, float]], first: int = 0):
    """Draw customers about a point for each group, with ids such as a7."""
    rng, parts = np.random.default_rng(seed), []
    for letter, n in sizes.items():
        rows = rng.normal(places[letter], 5, (n, 2)).round(3)
        ids = [f"{letter}{i}" for i in range(first, first + n)]
        parts.append(
            pd.DataFrame({"id": ids, "income": rows[:, 0], "spending": rows[:, 1], "visits": 1 + rows[:, 0] // 9})
        )
    return pd.concat(parts)


def _months() -> dict[str, pd.DataFrame]:
    """Stable: other shares. Newcomers: many more of one kind. Changed: a and b have become one group, and e is new."""
    stable = _customers(2, {"a": 60, "b": 80, "c": 50, "d": 70}, PLACES)
    moved = PLACES | {"a": (50, 15), "b": (62, 15), "e": (150, 150)}
    return {
        "stable": stable,
        "newcomers": pd.concat([stable, _customers(3, {"a": 500}, PLACES, first=1000)]),
        "changed": _customers(4, {"a": 60, "b": 70, "c": 60, "d": 50, "e": 60}, moved),
    }


def _report(project: Project, run: str, *words: str, table: pd.DataFrame | None = None):
    data = []
    if table is not None:
        place = project.root / f"{run}.csv"
        table.to_csv(place, index=False)
        data = ["--data", str(place)]
    return project.call(
        "report", "--dataset", DATASETS.get(run, "shop"), *data, "--run", run, "--resamples", "10", *words, drawn=False
    )


def _make(folder: Path) -> Project:
    project = copy_project(folder)
    for name, privacy in (("shop", "rows"), ("quiet", "aggregate")):
        place = project.root / "data" / name
        place.mkdir()
        (place / "dataset.yaml").write_text(SHOP.format(privacy=privacy))
        _customers(1, SIZES, PLACES).to_csv(place / "shop.csv", index=False)
    done = _report(project, "march", "--k", "4")
    assert done.returncode == 0, done.stderr
    for run, table in _months().items():
        done = _report(project, run, "--model", "march", table=table)
        assert done.returncode == 0, done.stderr
        (project.root / f"{run}.txt").write_text(done.stdout)
    return project


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Project:
    """A copy of the project with the run march, and stable, newcomers and changed, which keep its segments."""
    return made_once(tmp_path_factory, "kept", _make)


def _fit(project: Project, run: str) -> dict:
    return read_json(project.artifact(run, "k_selection.json"))["fit"]


def test_every_customer_is_where_scoring_places_them(kept, tmp_path):
    for run in _months():
        segments = pd.read_csv(kept.artifact(run, "segments.csv")).set_index("id")
        for model in ("march", run):
            words = ["--run", model, "--new", str(kept.root / f"{run}.csv"), "--out", str(tmp_path / "out.csv")]
            done = kept.call("score", *words)
            assert done.returncode == 0, done.stderr
            scored = pd.read_csv(tmp_path / "out.csv").set_index("id")
            columns = ["segment", "distance", "margin"]
            pd.testing.assert_frame_equal(segments[columns], scored.loc[segments.index, columns])


def test_number_name_action_and_model_are_those_of_the_earlier_run(kept):
    then = read_json(kept.artifact("march", "profiles.json"))["segments"]
    for run in _months():
        now = read_json(kept.artifact(run, "profiles.json"))["segments"]
        for what in ("segment", "name", "action"):
            assert [profile[what] for profile in now] == [profile[what] for profile in then]
        for name in ("model.json", "model.skops", "segments.sql"):
            assert kept.artifact(run, name).read_bytes() == kept.artifact("march", name).read_bytes()
        assert [profile["size"] for profile in now] != [profile["size"] for profile in then]


def test_a_refresh_is_asked_for_where_a_refit_would_move_customers_and_only_there(kept):
    stable, newcomers, changed = (_fit(kept, run) for run in ("stable", "newcomers", "changed"))
    assert [fit["refresh"] for fit in (stable, newcomers, changed)] == [False, False, True]
    assert sum(row["moved"] for row in stable["segments"]) == sum(row["moved"] for row in newcomers["segments"]) == 0
    assert newcomers["shifted"]  # so that drift alone would have asked for one
    assert changed["outside"] >= 55
    moved = sum(row["moved"] for row in changed["segments"])
    assert moved >= 60
    assert f"would place {moved} of 300 customers differently" in changed["told"]


def test_the_report_says_whose_segments_these_are_and_whether_they_fit(kept):
    for run, told in (
        ("stable", "The segments of march still fit"),
        ("changed", "The segments of march no longer fit"),
    ):
        page = Page(kept.page(run)).text
        assert "These are the four segments of march, kept as they were: none is formed anew." in page
        assert page.count(told) >= 2  # above, and in chapter 3
        assert "of march is found again" not in page
        assert told in (kept.root / f"{run}.txt").read_text()


def test_a_run_with_a_model_is_remembered_and_up_to_date(kept):
    parameters = read_json(kept.artifact("stable", "manifest.json"))
    assert {name: parameters["set_by"][name] for name in ("k", "features", "method", "model")} == {
        "k": "model march",
        "features": "model march",
        "method": "model march",
        "model": "command line",
    }
    done = kept.call("report", "--run", "stable", drawn=False)
    assert done.returncode == 0, done.stderr
    assert "everything was up to date" in done.stdout


def test_each_card_says_what_its_segment_was(kept):
    page = Page(kept.page("stable")).text
    assert len(re.findall(r"In march: \d+% of customers, \d+% of visits; no centre moved by more", page)) == 4
    page = Page(kept.page("changed")).text
    assert re.search(r"In march: 33% of customers, \d+% of visits; Income was 20\.\d k\$", page)


def test_the_form_of_a_private_page_places_as_the_earlier_run_does(kept, monkeypatch):
    monkeypatch.setattr(files, "ROOT", kept.root)
    study = open_finished("newcomers", None)
    shown = explore_data(study, seed=0)["model"]
    features = [
        Scaled(name=f["name"], **{"lambda": f["lambda"]}, centre=f["centre"], spread=f["spread"])
        for f in shown["features"]
    ]
    customers = open_segmented(study).sample
    told = assign_rows(
        held(customers[["id", "income", "spending"]]), Placement(features=features, centroids=shown["centroids"])
    )
    same = (
        told.to_pandas().set_index("id")["segment"].loc[customers["id"]].to_numpy() == customers["segment"].to_numpy()
    )
    assert same.all()


@pytest.mark.parametrize(("base", "run"), [("march", "stable"), ("stable", "changed"), ("march", "newcomers")])
def test_runs_whose_segments_are_kept_are_compared(kept, base, run):
    done = kept.call("compare", "--base", base, "--run", run, drawn=False)
    assert done.returncode == 0, done.stderr
    page = Page((kept.root / "report" / run / f"compare-{base}.html").read_text(encoding="utf-8")).text
    assert f"Both models place the customers of {run} alike" in page


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--model", "march", "--k", "3"], "MODEL=march keeps the segments of march as they are"),
        (["--model", "march", "--features", "income"], "leave FEATURES= out"),
        (["--model", "march", "--method", "mixture", "--base", "march"], "leave BASE= and METHOD= out"),
        (["--model", "new"], "MODEL=new is the run itself"),
        (["--model", "march2"], "did you mean 'march'"),
    ],
)
def test_what_contradicts_a_model_is_refused(kept, words, told):
    done = _report(kept, "new", *words)
    assert done.returncode == 2
    assert told in done.stderr
