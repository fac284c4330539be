"""A run remembers what it was made from: its name makes it again, and another table does not take its place."""

import shutil

import pandas as pd
import pytest
from ipykernel.kernelapp import IPKernelApp

from segmentation.core import files
from segmentation.core.errors import DataError, UsageError
from segmentation.core.files import write_json
from segmentation.pipeline.plan import Plan, make_plan
from segmentation.runs.manifest import open_finished
from segmentation.runs.run import PIPELINE, open_run
from tests.conftest import Project

GIVEN = dict.fromkeys(("run", "dataset", "data", "features", "k", "seed", "resamples", "engine", "base"))


@pytest.fixture
def shop(fresh, tmp_path, monkeypatch) -> Project:
    """A project with a second dataset, in which plans are made and no notebook runs."""
    monkeypatch.setattr(files, "ROOT", fresh.root)
    monkeypatch.chdir(fresh.root)
    shutil.copytree(fresh.root / "data" / "sample", fresh.root / "data" / "shop")
    shutil.copy(fresh.root / "data" / "sample" / "customers.csv", tmp_path / "april.csv")
    return fresh


def _finish(plan: Plan, *, record: bool = True) -> None:
    """Leave what a finished run leaves."""
    told = {row["name"]: row["value"] for row in plan.told_parameters()}
    rest = {"inputs": {}, "outputs": {}, "versions": {}}
    write_json(plan.study.path("manifest.json"), {"parameters": told, "set_by": plan.set_by} | rest)
    if record:
        write_json(plan.study.path(".made.json"), plan.made().content())
    if plan.assumed:
        plan.described.write_text(plan.assumed)


def _made(*, record: bool = True, **given) -> Plan:
    plan = make_plan(**GIVEN | given)
    _finish(plan, record=record)
    return plan


def _again(**given) -> Plan:
    return make_plan(**GIVEN | given)


def test_the_name_of_a_run_is_enough_to_make_it_again(shop, tmp_path):
    before = _made(
        run="april", dataset="shop", data=str(tmp_path / "april.csv"), k="4", features="income,age", seed="7"
    )
    again = _again(run="april")
    assert again.parameters == before.parameters
    assert again.set_by == before.set_by
    assert str(tmp_path) not in shop.artifact("april", "manifest.json").read_text()


def test_what_is_typed_beside_the_name_of_a_run_is_remembered_from_then_on(shop, tmp_path):
    _made(run="april", dataset="shop", data=str(tmp_path / "april.csv"), k="4", seed="7")
    _finish(_again(run="april", k="5"))
    again = _again(run="april", dataset="shop")
    assert [again.parameters[name] for name in ("dataset", "k", "seed")] == ["shop", 5, 7]
    corrected = tmp_path / "corrected.csv"
    shutil.copy(tmp_path / "april.csv", corrected)
    _finish(_again(run="april", data=str(corrected)))
    again = _again(run="april")
    assert (again.parameters["dataset"], again.source.files) == ("shop", (corrected,))


def test_a_run_of_another_dataset_is_refused(shop):
    _made(run="april", dataset="shop")
    told = r"run 'april' was made from dataset 'shop', not 'sample', .* name of its own: RUN=april-2"
    with pytest.raises(UsageError, match=told):
        _again(run="april", dataset="sample")
    _made(run="sample", dataset="shop")
    with pytest.raises(UsageError, match="run 'sample' was made from dataset 'shop', not 'sample'"):
        _again()
    assert _again(run="sample").parameters["dataset"] == "shop"


def test_the_table_stays_where_the_dataset_alone_is_named(shop, tmp_path):
    _made(dataset="shop", data=str(tmp_path / "april.csv"), k="4")
    again = _again(dataset="shop")
    assert (again.source.name, again.set_by["k"]) == ("april.csv", "default")
    assert _again(dataset="shop", data="data/shop/customers.csv").source.name == "customers.csv"


def test_a_table_in_the_project_is_found_where_the_project_was_moved(shop, tmp_path, monkeypatch):
    _made(run="april", dataset="shop", data="data/shop/customers.csv")
    moved = shop.copy(tmp_path / "moved")
    monkeypatch.setattr(files, "ROOT", moved.root)
    shutil.rmtree(shop.root)
    monkeypatch.chdir(tmp_path)
    assert _again(run="april").source.files == (moved.root / "data" / "shop" / "customers.csv",)


def test_a_table_that_is_gone_is_asked_for(shop, tmp_path):
    _made(run="april", dataset="shop", data=str(tmp_path / "april.csv"))
    (tmp_path / "april.csv").unlink()
    with pytest.raises(UsageError, match=r"april\.csv, which is not there now; .*: make report RUN=april DATA=…"):
        _again(run="april")


def test_the_place_of_a_database_is_kept_nowhere_and_asked_for(shop):
    plan = _made(run="april", dataset="shop", data="postgresql://me:secret@nowhere/db#customers")
    assert "secret" not in plan.study.path(".made.json").read_text()
    with pytest.raises(UsageError, match=r"make report RUN=april DATA=…"):
        _again(run="april")


def test_of_a_run_without_its_record_the_manifest_is_asked(shop, tmp_path):
    _made(run="april", dataset="shop", data=str(tmp_path / "april.csv"), k="4", record=False)
    again = _again(run="april", data=str(tmp_path / "april.csv"))
    assert [again.parameters[name] for name in ("dataset", "k")] == ["shop", 4]
    with pytest.raises(UsageError, match=r"make report RUN=april DATA=…"):
        _again(run="april")


def test_a_record_that_cannot_be_read_makes_no_sample_of_a_run(shop):
    _made(run="april", dataset="shop")
    shop.artifact("april", ".made.json").write_text("{")
    with pytest.raises(DataError, match=r"\.made\.json is damaged.*make report RUN=april DATASET=shop"):
        _again(run="april")
    assert _again(run="april", dataset="shop").study.name == "april"


def test_a_run_that_was_not_finished_is_remembered_and_hinders_no_other(shop):
    _made(run="april", dataset="shop", k="4")
    shop.artifact("april", "manifest.json").unlink()
    assert _again(run="april").parameters["k"] == 4
    assert _again(run="april", dataset="sample").set_by["k"] == "default"


def test_a_notebook_that_is_run_by_hand_writes_into_a_run_of_its_own(shop, monkeypatch, capsys):
    _made(run="april", dataset="shop")
    monkeypatch.setattr(IPKernelApp, "initialized", lambda: True)
    monkeypatch.delenv(PIPELINE, raising=False)
    assert open_run("april", "shop").name == "april-lab"
    assert "assets/april-lab/" in capsys.readouterr().out
    assert open_run("april-lab", "shop").name == "april-lab"
    assert open_finished("april", None).name == "april"
    monkeypatch.setenv(PIPELINE, "1")
    assert open_run("april", "shop").name == "april"
    assert capsys.readouterr().out.count("\n") == 1


def test_a_table_that_nobody_described_is_remembered_and_takes_no_other_table(shop, tmp_path):
    rows = {"income": [(i * 37) % 101 for i in range(60)], "spend": [(i * 53) % 97 for i in range(60)]}
    place, other = tmp_path / "kiosk.csv", tmp_path / "other" / "kiosk.csv"
    other.parent.mkdir()
    pd.DataFrame(rows).to_csv(place, index=False)
    before = _made(data=str(place), k="3")
    again = _again(run="kiosk")
    assert (again.parameters, again.set_by) == (before.parameters, before.set_by)
    pd.DataFrame(rows).to_csv(other, index=False)
    assert _again(data=str(other)).source.files == (other,)
    pd.DataFrame({"height": rows["income"], "weight": rows["spend"]}).to_csv(other, index=False)
    for words in ({}, {"run": "kiosk"}):
        with pytest.raises(UsageError, match=r"made from a table of other columns \(income, spend\).*RUN=kiosk-2"):
            _again(data=str(other), **words)
    described = shop.root / "data" / "kiosk" / "dataset.yaml"
    described.parent.mkdir()
    described.write_text("title: Kiosk\ncolumns: {earned: {role: feature, aliases: [income]}}\n")
    assert _again(dataset="kiosk", data=str(place)).parameters["dataset"] == "kiosk"
    with pytest.raises(UsageError, match="other columns"):
        _again(run="kiosk", dataset="sample")
