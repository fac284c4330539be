"""A later month placed in the segments of an earlier one: who is where, whether the segments still fit, and errors."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from segmentation.core import files
from segmentation.core.dataset import Dataset
from segmentation.core.engine import held
from segmentation.core.errors import DataError
from segmentation.core.files import read_json
from segmentation.customers.customers import Customers
from segmentation.methods.kmeans import KMEANS
from segmentation.monitoring.fixed import Kept, by_chance, differing, place_in
from segmentation.report.explore import explore_data
from segmentation.runs.manifest import open_finished
from segmentation.runs.records import Placement, Scaled
from segmentation.runs.worth import Fit, Moved
from segmentation.scoring import tell as scoring_tell
from segmentation.segments.assign import assign_rows, open_segmented
from segmentation.segments.fit import fit_segments, scaling_and_centroids
from segmentation.segments.robustness import bootstrap_intervals
from tests.conftest import Project, completed, copy_project, customers_of, made_once
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
        for what in ("segment", "name"):
            assert [profile[what] for profile in now] == [profile[what] for profile in then]
        planned = [p["action"] if run != "changed" or not p.get("suggested") else None for p in then]
        assert [profile["action"] for profile in now] == planned  # nothing is suggested where no segments are found
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
        ("stable", "The segments of march need no refresh"),
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
    assert re.search(r"In march: 33% of customers, \d+% of visits; Income was \d+\.\d k\$", page)


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
    assert f"These are the four segments of {base}, kept as they were" in page
    assert f"of {base} is found again" not in page
    assert "An earlier segment is split where" not in page  # no rule was asked
    assert ("Go on as planned" in page) == (run == "stable")  # changed no longer fits, of newcomers each share changed
    fit = _fit(kept, run)["told"]
    assert f"The segments of both runs are the same ones, kept as they were. {fit}" in page


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


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"spending: {role: feature": "spending: {role: ignore"},
            "formed on spending, which this dataset does not have",
        ),
        ({"unit: k$": "unit: points"}, "income was in k$ then, and is in points now"),
        (
            {"label: Income, unit: k$": "type: category"},
            "formed on income, which this dataset does not have as a number",
        ),
    ],
)
def test_a_model_of_other_columns_or_units_places_nobody(kept, changed, told):
    place = kept.root / "data" / "other"
    place.mkdir(exist_ok=True)
    text = SHOP.format(privacy="rows").partition("segments:")[0]
    for old, new in changed.items():
        assert old in text
        text = text.replace(old, new)
    (place / "dataset.yaml").write_text(text)
    done = kept.call("report", "--dataset", "other", "--model", "march", "--run", "else", drawn=False)
    assert done.returncode == 2
    assert "MODEL=march cannot place the customers of run else: " in done.stderr
    assert told in done.stderr


def test_a_model_that_was_changed_since_places_nobody(kept):
    model = kept.artifact("march", "model.json")
    before = model.read_bytes()
    model.write_bytes(before + b" ")
    try:
        done = _report(kept, "new", "--model", "march")
    finally:
        model.write_bytes(before)
    assert done.returncode == 3
    assert "assets/march/model.json is not the file that the run wrote" in done.stderr


@pytest.mark.parametrize(
    ("privacy", "told"),
    [("rows", "segment 3 (C) holds nobody"), ("aggregate", "segments 2 (B) and 3 (C) hold fewer than 10 customers")],
)
def test_a_segment_in_which_nobody_is_or_too_few_to_be_shown_is_named(privacy, told):
    plain = {"power": 1.0, "centre": 0.0, "spread": 1.0}
    model = completed(Placement(features=[{"name": "x", **plain}], centroids=[[0.0], [9.0], [99.0]]))
    few = Kept(
        SimpleNamespace(
            run="march", model=model, profiles=[SimpleNamespace(segment=i, name=n) for i, n in enumerate("ABC", 1)]
        ),
        None,
    )
    everyone = customers_of(pd.DataFrame({"id": range(15), "x": [0.0] * 10 + [9.0] * 5}), privacy=privacy)
    with pytest.raises(DataError, match=re.escape(told)):
        place_in(few, everyone, everyone)


def test_who_is_elsewhere_is_counted_whatever_the_segments_are_called():
    # 0 is their 1 and 1 their 0, because most customers say so; two are elsewhere.
    assert differing(np.array([0, 0, 0, 1, 1, 2]), np.array([1, 1, 0, 0, 0, 0]), 3).tolist() == [0, 0, 1, 0, 0, 1]


def test_chance_moves_nobody_between_clear_groups_and_many_within_a_cloud():
    rng = np.random.default_rng(1)
    clear = np.concatenate([rng.normal(c, 0.1, (50, 2)) for c in (0, 5)])
    assert by_chance(clear, 2, KMEANS, then=100, pairs=5, seed=0) == 0
    assert by_chance(rng.normal(size=(100, 2)), 2, KMEANS, then=100, pairs=5, seed=0) > 0.1


def test_intervals_of_kept_segments_leave_each_customer_where_they_are():
    # Segment 1 is 0, 0, 10, 10, as no refit would have it: its mean stays near 5.
    X = np.array([0.0, 0, 10, 10] * 20 + [20.0] * 20)[:, None]
    labels, values = np.repeat([0, 1], [80, 20]), pd.DataFrame({"x": X[:, 0]})
    found = bootstrap_intervals(X, values, labels, resamples=50, method=None)
    low, high = found.loc[1, ("centre_x", "low")], found.loc[1, ("centre_x", "high")]
    assert 3 < low < 5 < high < 7
    assert found.loc[2, ("centre_x", "low")] == found.loc[2, ("centre_x", "high")] == 20


def _said(private: str, *parts: tuple[str, int, int], **has) -> str:
    """Return what is said of 100 customers, of whom one lies outside; a part is name, customers and who moves."""
    columns = {"x": {"role": "feature", "label": "Spend"}}
    dataset = Dataset.model_validate({"title": "T", "privacy": private, "columns": columns})
    moved = [Moved(segment=i, name=name, customers=n, moved=m) for i, (name, n, m) in enumerate(parts, 1)]
    told = {"model": "march", "customers": 100, "outside": 1, "shifted": ("x",), "refitted": 100, "agreement": 0.2}
    fit = Fit.model_validate(told | {"segments": tuple(moved), "chance": 0.04} | has)
    assert scoring_tell.as_record(fit, dataset)["fit"]["told"] == scoring_tell.fits(fit, dataset).replace("**", "")
    return scoring_tell.fits(fit, dataset)


def test_what_is_said_of_a_fit_is_true_for_few_and_for_many_and_tells_no_few_of_a_private_table():
    assert _said("rows", ("A", 60, 27), ("B", 40, 4), refresh=True) == (
        "**The segments of march no longer fit: refresh them, with BASE=march.** Formed anew on these customers, with "
        "the same number and method, segments would place 31 of 100 customers differently (31%). Chance alone moves up "
        "to 4%. They are now in A (27) and B (4). Spend differs from what the segments were formed on by "
        "more than chance gives. Of 100 customers 1 lies outside the range of what the segments were formed on."
    )
    told = _said("aggregate", ("A", 60, 27), ("B", 40, 4), refresh=True)
    assert "would place 30 of 100 customers differently (30%)" in told
    assert "Most of them are now in A (20)." in told
    assert "Of 100 customers fewer than 10 lie outside" in told
    assert _said("rows", ("A", 60, 0), refresh=False).startswith(
        "**The segments of march need no refresh.** Formed anew on these customers, with the same number and method, "
        "segments would place none of 100 customers differently. Chance alone moves up to 4%. Spend differs from what "
        "the segments were formed on by more than chance gives. That asks for no refresh as long as it would move so "
        "few."
    )


@pytest.mark.parametrize("method", ["kmeans", "mixture", "latent-class"])
def test_those_who_formed_the_segments_are_placed_as_they_were_by_every_method(method):
    rng = np.random.default_rng(2)
    rows = np.concatenate([rng.normal(c, 1, (40, 2)) for c in (0, 6)])
    frame = pd.DataFrame(rows, columns=["x", "y"]).assign(id=range(80))
    columns = {"id": {"role": "id"}} | {name: {"role": "feature"} for name in "xy"}
    dataset = Dataset.model_validate({"title": "T", "privacy": "rows", "columns": columns})
    pipeline = fit_segments(frame, dataset, ("x", "y"), 2, formed_by=method)
    model = completed(scaling_and_centroids(pipeline, ("x", "y")))
    profiles = [SimpleNamespace(segment=i, name=str(i)) for i in (1, 2)]
    kept = Kept(SimpleNamespace(run="march", model=model, profiles=profiles, features=["x", "y"]), pipeline)
    everyone = Customers.of(dataset, frame)
    placed = place_in(kept, everyone, everyone)[-1]
    assert placed.labels_.tolist() == pipeline[-1].labels_.tolist()
    assert placed.inertia_ == pytest.approx(pipeline[-1].inertia_)
    assert getattr(placed, "bic_", None) == pytest.approx(getattr(pipeline[-1], "bic_", None))
