"""Four months, each started from the one before: what is carried over, and what becomes of the planted segments."""

import inspect
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from segmentation import cli
from segmentation.core import files
from segmentation.core.dataset import Dataset
from segmentation.core.errors import DataError
from segmentation.core.files import read_json
from segmentation.evidence import tell as evidence_tell
from segmentation.evidence.decision import decide
from segmentation.methods import tell as methods_tell
from segmentation.monitoring import advice
from segmentation.monitoring.series import compare_series
from segmentation.monitoring.transitions import carried_scaling
from segmentation.pipeline import plan as pipeline_plan
from segmentation.pipeline.plan import make_plan
from segmentation.pipeline.progress import tell_number
from segmentation.roles.write import assume
from segmentation.runs import tell as runs_tell
from segmentation.runs.finished import Finished
from segmentation.runs.records import Carried, Conclusion, Null, Placement
from segmentation.runs.run import Run, parse_dataset
from segmentation.segments.fit import describe_scaling, scale
from segmentation.tables.sources import locate
from tests.conftest import Project, completed, copy_project, made_once
from tests.monitoring.months import DESCRIBED, MONTHS, month


def _make(project: Project, name: str, *words: str, table: pd.DataFrame | None = None):
    (month(name) if table is None else table).to_csv(project.root / f"{name}.csv", index=False)
    words = (
        "--dataset",
        "shop",
        "--data",
        str(project.root / f"{name}.csv"),
        "--run",
        name,
        "--resamples",
        "10",
        *words,
    )
    return project.call("report", *words, drawn=False)


def _make_months(folder) -> Project:
    project = copy_project(folder)
    (project.root / "data" / "shop").mkdir()
    (project.root / "data" / "shop" / "dataset.yaml").write_text(DESCRIBED)
    before = None
    for name in MONTHS:
        done = _make(project, name, *(("--base", before) if before else ()))
        assert done.returncode == 0, done.stderr
        before = name
    return project


@pytest.fixture(scope="module")
def months(tmp_path_factory) -> Project:
    """A copy of the project with the runs jan, feb, mar and apr, each with the one before as its base."""
    return made_once(tmp_path_factory, "four months", _make_months)


def _of(project: Project, name: str) -> dict[str, dict]:
    """Return the profile of the segment in which the first customer of each group is."""
    segments = pd.read_csv(project.artifact(name, "segments.csv")).set_index("id")["segment"]
    profiles = {p["segment"]: p for p in read_json(project.artifact(name, "profiles.json"))["segments"]}
    return {group: profiles[segments[f"{group}0"]] for group in MONTHS[name] if group.islower()}


def test_what_a_base_was_made_with_is_carried_over(months):
    manifest = read_json(months.artifact("apr", "manifest.json"))
    asked = {name: (manifest["parameters"][name], manifest["set_by"][name]) for name in ("k", "method", "features")}
    assert asked == {"k": (5, "base mar"), "method": ("kmeans", "base mar"), "features": ("recency,basket", "base mar")}
    assert "k = 5 is that of mar, and the evidence of these customers speaks for it too." in months.page("apr")
    assert "The segments are formed by K-Means, as those of mar are." in months.page("apr")


def test_a_segment_that_is_found_again_keeps_number_name_and_action(months):
    told = {name: _of(months, name) for name in MONTHS}
    for then, now in zip(list(MONTHS)[:-1], list(MONTHS)[1:], strict=True):
        for group in set(told[then]) & set(told[now]) - (
            {"b", "c"} if now == "apr" else set()
        ):  # then these are merged
            kept = [{name: told[m][group][name] for name in ("segment", "name", "action")} for m in (then, now)]
            assert kept[0] == kept[1], (now, group)
    assert told["apr"]["b"] == told["apr"]["c"]
    assert told["apr"]["e"]["action"] == "Send the win-back voucher"


def test_a_new_segment_has_no_name_of_one_that_is_gone(months):
    then, now = (_of(months, name) for name in ("feb", "mar"))
    lineage = read_json(months.artifact("mar", "lineage.json"))
    assert [row["segment"] for row in lineage["before"] if row["fate"] == "gone"] == [then["d"]["segment"]]
    assert [row["segment"] for row in lineage["now"] if not row["comes_from"]] == [now["f"]["segment"]]
    assert sorted(now["f"]["name"].lower().split(", ")) != sorted(then["d"]["name"].lower().split(", "))
    assert "New since feb." in months.page("mar")


def test_parts_and_what_is_merged_are_told_by_the_segment_that_most_come_from(months):
    then, now = (_of(months, name) for name in ("mar", "apr"))
    fates = {
        row["segment"]: (row["fate"], row["kept_as"])
        for row in read_json(months.artifact("apr", "lineage.json"))["before"]
    }
    assert fates[then["a"]["segment"]] == ("split", now["a"]["segment"])  # 90 of 150 customers
    assert fates[then["c"]["segment"]] == ("merged", now["c"]["segment"])
    assert fates[then["b"]["segment"]] == ("merged", None)
    assert now["a"]["size"] == 90
    assert "A part of segment 1 (Active) of mar." in months.page("apr")


def test_four_months_are_told_as_one_series(months, monkeypatch):
    monkeypatch.setattr(files, "ROOT", months.root)
    found = compare_series("jan,feb,mar,apr")
    lines = {(line.first, line.segments[0]): (len(line.segments), line.fate) for line in found.lines}
    places = {group: _of(months, name)[group]["segment"] for name in ("mar", "jan") for group in _of(months, name)}
    told = {group: lines[2 if group == "f" else 0, place] for group, place in places.items()}
    assert told == {
        "a": (3, "split"),
        "b": (3, "merged"),
        "c": (3, "merged"),
        "d": (2, "gone"),
        "e": (4, None),
        "f": (2, None),
    }
    assert advice.headline_of_series(found) == "One segment split, two merged, one gone and one new from jan to apr"
    assert "Active is split in apr, into" in advice.todo(found).replace("**", "")


def test_features_are_scaled_as_they_were(months):
    scales = {name: _scales(months, name) for name in MONTHS}
    assert scales["jan"] == scales["feb"] == scales["mar"] == scales["apr"]
    assert "The scale is that of mar, so that distances mean the same in both." in months.page("apr")
    assert "The scale is that of" not in months.page("jan")


def _scales(project: Project, name: str) -> list[tuple]:
    features = read_json(project.artifact(name, "model.json"))["features"]
    return [(f["name"], f["lambda"], f["centre"], f["spread"]) for f in features]


def test_a_lambda_is_carried_unless_features_or_the_kind_of_scale_are_others():
    spend = np.random.default_rng(1).lognormal(3, 1, 300)
    table, features = pd.DataFrame({"spend": spend, "visits": spend % 7}), ("spend", "visits")
    bent = {"spend": {"role": "feature", "transform": "yeo-johnson"}, "visits": {"role": "feature"}}
    dataset = Dataset.model_validate({"title": "T", "columns": bent})
    scaler, X = scale(table, dataset, features)
    again, Y = scale(table * 3, dataset, features, scaler)
    assert describe_scaling(again, features) == describe_scaling(scaler, features)
    assert Y.mean() > X.mean() + 0.5
    told = methods_tell.scaling(describe_scaling(again, features), dataset, _finished(scaler, features))
    assert told.startswith("The scale is that of jan, so that distances mean the same in both. There: Each has mean 0")
    fitted = describe_scaling(scale(table * 3, dataset, features)[0], features)
    assert methods_tell.scaling(fitted, dataset, _finished(scaler, features)).startswith("Each has mean 0")
    for other in (("spend",), ("visits", "spend")):
        assert carried_scaling(_finished(scaler, features), Run("feb", dataset), other) is None
    plain = Dataset.model_validate({"title": "T", "columns": bent | {"spend": {"role": "feature"}}})
    assert carried_scaling(_finished(scaler, features), Run("feb", plain), features) is None


def _finished(scaler, features) -> Finished:
    placement = Placement(features=describe_scaling(scaler, features), centroids=[[0.0, 0.0]])
    return Finished("jan", completed(placement), ())


def test_a_column_that_nobody_has_described_is_what_it_was_in_the_base(tmp_path):
    """In February spend is nearly a copy of visits, codes look like numbers, and there is a new column."""
    rng = np.random.default_rng(4)
    jan = pd.DataFrame({"Customer ID": [f"c{i}" for i in range(200)], "Spend": rng.gamma(2, 40, 200).round(2)})
    jan["Visits"], jan["Colour"] = rng.integers(1, 60, 200), rng.choice(["red", "blue", "green"], 200)
    feb = jan.assign(Spend=(jan["Visits"] * 3 + rng.normal(0, 0.4, 200)).round(2), Basket=rng.gamma(3, 9, 200).round(2))
    places = [tmp_path / f"{name}.csv" for name in ("jan", "feb")]
    for place, table in zip(places, (jan, feb), strict=True):
        table.to_csv(place, index=False)
    then, now = (locate("DATA", str(place)) for place in places)
    before = parse_dataset(assume(then), "jan")
    anew, found = (parse_dataset(assume(now, like=like), "feb") for like in (None, before))
    assert set(before.named("feature")) == {"spend", "visits"} != set(anew.named("feature"))
    assert dict(found.columns.items() & before.columns.items()) == before.columns
    assert [*found.columns.keys() - before.columns.keys()] == ["basket"]
    assert (found.columns["basket"].role, found.columns["basket"].reason[:19]) == ("descriptor", "not in the run befo")
    typed = parse_dataset(assume(now, features="Basket,Spend", like=before), "feb")
    assert {"basket", "spend"} <= set(typed.named("feature"))
    told = runs_tell.assumed("assumed", found, found.named("feature"), "base jan")
    assert told.endswith("formed by Spend and Visits, as those of jan are; what that run does not say is assumed.")


def _concluded(k="auto", smallest=(40, 30, 12), **more) -> Conclusion:
    """Return what is decided of k = 3, 4 and 5, of which 3 is natural and 5 is nothing."""
    scores = pd.DataFrame({"silhouette": [0.7, 0.5, 0.4], "smallest": smallest}, index=[3, 4, 5])
    verdicts: dict = {3: "natural", 4: "constructive", 5: "none"}
    choice = decide(scores, verdicts, k, smallest=10, **more)
    null = Null(p=0.01, error=0.01, tables=99, models=("one",))
    rest = {"verdict": verdicts[choice["k"]], "verdict_of_best": verdicts[choice["best"]], "verdicts": verdicts}
    return Conclusion(**choice, **rest, stable=(3,), null=null)


def test_a_number_that_is_carried_over_against_the_evidence_is_told_as_that():
    mar = Carried(run="mar", k=5)
    kept = _concluded(5, base=mar)
    assert (kept.k, kept.best, kept.verdict, kept.carried) == (5, 3, "none", mar)
    assert runs_tell.against(kept) == (
        "k = 5 is that of mar, with the verdict none; the evidence of these customers speaks for 3 (natural)."
    )
    assert evidence_tell.found(kept) == "no segments"
    assert tell_number(kept) == f"{runs_tell.against(kept)} K=auto chooses k anew."
    asked = _concluded(4, base=mar)
    assert asked.carried is None
    assert runs_tell.against(asked).startswith("The analyst asked for k = 4, with the verdict constructive;")
    assert runs_tell.against(_concluded(base=mar)) == ""
    alike = _concluded(3, base=Carried(run="mar", k=3))
    assert tell_number(alike) == tell_number(asked) == ""
    assert runs_tell.against(alike) == "k = 3 is that of mar, and the evidence of these customers speaks for it too."


def test_a_number_that_cannot_be_shown_is_not_kept_unless_an_analyst_asks_for_it():
    mar = Carried(run="mar", k=5)
    anew = _concluded(5, smallest=(40, 30, 6), base=mar)
    assert (anew.k, anew.method, anew.carried) == (3, "auto", mar)
    assert tell_number(anew) == runs_tell.against(anew)
    assert runs_tell.against(anew) == (
        "mar has five segments; here one of so many would be too small for privacy: aggregate to show, so that k is "
        "chosen anew."
    )
    with pytest.raises(DataError, match="K=5 has a segment of fewer than 10 customers"):
        _concluded(5, smallest=(40, 30, 6))


def test_the_name_of_a_run_remembers_its_base_and_what_is_typed_beats_it(months, monkeypatch):
    monkeypatch.setattr(files, "ROOT", months.root)
    nothing = dict.fromkeys(inspect.signature(cli.make).parameters.keys() - {"context", *cli.OF_TERMINAL})
    plan = make_plan(**nothing | {"run": "feb"})
    asked = {name: (plan.parameters[name], plan.set_by[name]) for name in ("base", "k", "method", "resamples")}
    assert asked == {
        "base": ("jan", "command line"),
        "k": (5, "base jan"),
        "method": ("kmeans", "base jan"),
        "resamples": (10, "command line"),
    }
    typed = make_plan(**nothing | {"run": "feb", "k": "auto", "method": "mixture", "features": "basket"})
    asked = [(typed.parameters[name], typed.set_by[name]) for name in ("k", "method", "features")]
    assert asked == [("auto", "command line"), ("mixture", "command line"), ("basket", "command line")]


def test_a_method_of_distances_is_not_carried_over_to_categories(tmp_path, monkeypatch):
    place = tmp_path / "data" / "shop"
    place.mkdir(parents=True)
    columns = "columns:\n  id: {role: id}\n  x: {role: feature}\n  plan: {role: feature, type: category}\n"
    (place / "dataset.yaml").write_text(f"title: T\nsource: {{path: shop.csv}}\n{columns}")
    (place / "shop.csv").write_text("id,x,plan\n1,2,a\n")
    defaults = pipeline_plan._notebook_defaults()
    monkeypatch.setattr(pipeline_plan, "_notebook_defaults", lambda: defaults)
    monkeypatch.setattr(files, "ROOT", tmp_path)
    base = SimpleNamespace(carried={"features": "x", "k": 3, "method": "kmeans", "language": "de"})
    monkeypatch.setattr(pipeline_plan, "find_base", lambda *_: base)
    monkeypatch.setattr(pipeline_plan, "require_same_columns", lambda *_: None)
    given = dict.fromkeys(inspect.signature(cli.make).parameters.keys() - {"context", *cli.OF_TERMINAL}) | {
        "dataset": "shop"
    }
    given |= {"run": "april", "base": "march"}
    own, other = (make_plan(**given | {"features": features}) for features in (None, "x,plan"))
    assert (own.parameters["method"], own.set_by["method"]) == ("kmeans", "base march")
    assert (other.parameters["k"], other.parameters["method"]) == (3, "auto")
    assert (own.parameters["language"], own.set_by["language"]) == ("de", "base march")
