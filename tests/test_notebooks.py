"""The notebooks as a reader and an analyst meet them."""

import ast
import json
import subprocess
import sys

import nbformat
import pandas as pd
import pytest

from segmentation.core.files import read_json
from segmentation.runs.stages import STAGES, declared
from tests.conftest import Project

# Runs notebooks as plain scripts, in one process and from the root folder: each line of standard input is
# [notebook, {parameter: value}].
FEW = {"resamples": 10}
RUNNER = """
import json, os, sys
os.chdir("/")
for line in sys.stdin:
    notebook, parameters = json.loads(line)
    namespace = {"__name__": "__main__"}
    for cell in json.load(open(notebook, encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), namespace)
            if "parameters" in cell["metadata"].get("tags", []):
                namespace.update((name, value) for name, value in parameters.items() if name in namespace)
"""


def _execute(project: Project, *runs: tuple[str, dict]) -> None:
    lines = [json.dumps([str(project.root / "notebooks" / f"{name}.ipynb"), values]) for name, values in runs]
    environment = {"PYTHONPATH": str(project.root), "PATH": "", "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, "-c", RUNNER], input="\n".join(lines), env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_notebook_is_kept_as_the_house_rules_say(stage):
    notebook = nbformat.read(stage.notebook, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    first, last = notebook.cells[0].source, notebook.cells[-1].source
    assert first.startswith("# ")
    assert "**Question.**" in first
    contract = "".join(cell.source for cell in notebook.cells[:2])
    assert "**Reads**" in contract
    assert "**Writes**" in contract
    for name in (*stage.reads, *stage.writes):
        assert f"`{name}`" in contract
    assert any(cell.source.startswith("## Answer") for cell in notebook.cells)
    assert "say(" in last or "table(" in last
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in code) == 1
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert all(len([line for line in cell.source.splitlines() if line.strip()]) <= 10 for cell in code)
    assert all(not isinstance(node, ast.FunctionDef) for cell in code for node in ast.parse(cell.source).body)
    assert 12 <= len(code) <= 20


def test_cell_ids_are_unique_over_all_notebooks():
    ids = [cell["id"] for stage in STAGES for cell in nbformat.read(stage.notebook, as_version=4).cells]
    assert len(ids) == len(set(ids))


def test_parameters_are_plain_assignments_with_a_comment():
    for stage in STAGES:
        cells = nbformat.read(stage.notebook, as_version=4).cells
        [cell] = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
        assert all("  # " in line for line in cell.source.splitlines())
        assert {type(node) for node in ast.parse(cell.source).body} == {ast.Assign}
        assert list(declared(stage))[:2] == ["run", "dataset"]


@pytest.fixture(scope="module")
def varied(tmp_path_factory) -> Project:
    """Each parameter of each notebook, changed once from a base run; every notebook runs from another folder."""
    from tests.conftest import copy_project

    project = copy_project(tmp_path_factory.mktemp("varied"))
    other = project.root / "other.csv"
    table = (project.root / "data" / "sample" / "customers.csv").read_text().splitlines()
    other.write_text("\n".join(table[:151]))
    second = project.root / "data" / "second"
    second.mkdir()
    described = (project.root / "data" / "sample" / "dataset.yaml").read_text()
    renamed = described.replace("name: Target customers", "name: Best customers").replace("min: 1, max", "min: 2, max")
    (second / "dataset.yaml").write_text(renamed.replace("label: Age,", "label: Years,"))
    (second / "customers.csv").write_text("\n".join(table))
    names = [stage.name for stage in STAGES]
    base = [(name, {"run": "base", **FEW}) for name in names]
    _execute(
        project,
        *base,
        ("01_cleaning", {"run": "data", "data": str(other)}),
        *((name, {"run": "features", "features": "age,income", **FEW}) for name in names[:3]),
        *((name, {"run": "k", "k": 3, **FEW} if name == names[2] else {"run": "k"}) for name in names),
        *((name, {"run": "seed", "seed": 8, **FEW} if name in names[2:4] else {"run": "seed"}) for name in names),
        *(
            (name, {"run": "fit_seed", "seed": 8} if name == names[3] else {"run": "fit_seed", **FEW})
            for name in names[:4]
        ),
        *((name, {"run": "more", "resamples": 12}) for name in (names[0], names[2])),
        *((name, {"run": "second", "dataset": "second", **FEW}) for name in names),
    )
    return project


def _bytes(project: Project, run: str, name: str) -> bytes:
    return project.artifact(run, name).read_bytes()


def test_run_names_the_folder(varied):
    for stage in STAGES:
        for name in stage.writes:
            assert varied.artifact("base", name).is_file()
    assert len(list(varied.artifact("base", "figures").glob("02-*.svg"))) >= 5


def test_data_is_the_table_that_is_read(varied):
    assert read_json(varied.artifact("data", "cleaning.json"))["rows_in"] == 150
    assert read_json(varied.artifact("base", "cleaning.json"))["rows_in"] == 200


def test_features_form_the_segments_and_the_figures(varied):
    assert read_json(varied.artifact("features", "cleaning.json"))["features"] == ["age", "income"]
    assert read_json(varied.artifact("features", "k_selection.json"))["features"] == ["age", "income"]
    assert _bytes(varied, "features", "figures/02-features.svg") != _bytes(varied, "base", "figures/02-features.svg")


def test_k_is_the_number_of_segments(varied):
    assert read_json(varied.artifact("k", "k_selection.json"))["k"] == 3
    assert set(pd.read_csv(varied.artifact("k", "segments.csv"))["segment"]) == {1, 2, 3}
    assert len(read_json(varied.artifact("k", "profiles.json"))["segments"]) == 3


def test_resamples_are_the_effort(varied):
    more, base = (read_json(varied.artifact(run, "k_selection.json")) for run in ("more", "base"))
    assert (more["resamples"], base["resamples"]) == (12, 10)
    assert more["k"] == base["k"]
    assert more["criteria"]["6"]["segments"] != base["criteria"]["6"]["segments"]


def test_seed_changes_the_starts_but_not_the_segments(varied):
    selection = read_json(varied.artifact("seed", "k_selection.json"))
    assert selection["seed"] == 8
    for run in ("seed", "fit_seed"):
        assert _bytes(varied, run, "model.skops") != _bytes(varied, "base", "model.skops")
        assert _bytes(varied, run, "segments.csv") == _bytes(varied, "base", "segments.csv")


def test_dataset_names_the_description(varied):
    rules = read_json(varied.artifact("second", "cleaning.json"))["rules"]
    assert rules == {"spending: at least 2": 1}
    names = [segment["name"] for segment in read_json(varied.artifact("second", "profiles.json"))["segments"]]
    assert "Best customers" in names
    assert _bytes(varied, "second", "figures/02-descriptors.svg") != _bytes(
        varied, "base", "figures/02-descriptors.svg"
    )
    selection = read_json(varied.artifact("second", "k_selection.json"))
    assert selection["customers"] == 199
    assert len(pd.read_csv(varied.artifact("second", "segments.csv"))) == 199
