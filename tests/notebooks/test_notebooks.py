"""The notebooks as a reader and an analyst meet them."""

import ast
import json
import re
import statistics
import subprocess
import sys
from collections import Counter, defaultdict
from importlib import import_module

import nbformat
import pandas as pd
import pytest

from segmentation.core import files
from segmentation.core.files import read_json
from segmentation.runs.stages import STAGES, declared
from tests.conftest import Project, in_short

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


NOTEBOOKS = sorted((files.ROOT / "notebooks").glob("*.ipynb"))
OF_COMPARISON = ("model.json", "profiles.json", "k_selection.json", "cleaning.json", "segments.parquet")
ENDS_A_SENTENCE = r"[.?!:](?:\s|$)"
FIGURES = ("figure", "figures")
MOST_LINES, MEDIAN, MOST_SET_UP, OF_A_FIGURE = 8, 3, 6, 2


def _cells(path, kind: str) -> list:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def _tags(cell) -> set[str]:
    return set(cell.metadata.get("tags", []))


def _lines(cell) -> int:
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def _sentences(cell) -> list[str]:
    """Return the sentences of a cell of prose; a heading is none."""
    told = [part for part in cell.source.split("\n\n") if not part.startswith("#")]
    return [sentence for part in told for sentence in re.split(ENDS_A_SENTENCE, part) if sentence.strip()]


def _calls(cell, *names: str) -> list[ast.Call]:
    """Return the calls of functions in a cell by their names."""
    nodes = ast.walk(ast.parse(cell.source)) if cell.cell_type == "code" else ()
    return [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names]


def _by_notebook(test):
    return pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)(test)


@_by_notebook
def test_a_notebook_opens_with_its_question_and_closes_with_the_answer(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    title, contract, *_, before, last = notebook.cells
    assert title.source.startswith("# ")
    assert re.search(r"\*\*Question\.\*\* .*\?$", title.source)
    assert _tags(contract) == {"hide"}
    reads, writes = contract.source.split("**Writes**")
    assert reads.startswith("**Reads** ")
    stage = next((stage for stage in STAGES if stage.notebook == path), None)
    assert {name for name in (stage.reads if stage else OF_COMPARISON) if f"`{name}`" not in reads} == set()
    assert {name for name in in_short(stage.writes if stage else ()) if f"`{name}`" not in writes} == set()
    assert before.source.startswith("## Answer\n\n")
    assert last.source.startswith("say(")


@_by_notebook
def test_a_notebook_imports_in_one_cell_and_sets_up_in_the_next(path):
    code = _cells(path, "code")
    kinds = [{type(node) for node in ast.parse(cell.source).body} for cell in code]
    imports = [bool(kind & {ast.Import, ast.ImportFrom}) for kind in kinds]
    assert imports == [False, True, *[False] * (len(code) - 2)]
    assert kinds[1] == {ast.ImportFrom}
    assert kinds[2] == {ast.Assign}
    assert ["parameters" in _tags(cell) for cell in code] == [True, *[False] * (len(code) - 1)]
    assert max(_lines(cell) for cell in code[1:3]) <= MOST_SET_UP


@_by_notebook
def test_a_notebook_tells_more_than_it_computes(path):
    code, prose = _cells(path, "code"), [cell for cell in _cells(path, "markdown") if _sentences(cell)]
    lines = [_lines(cell) for cell in code if "parameters" not in _tags(cell)]
    assert 12 <= len(code) <= 24
    assert len(prose) >= len(code)
    assert statistics.median(lines) <= MEDIAN
    assert max(lines) <= MOST_LINES
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    defined = (ast.FunctionDef, ast.ClassDef, ast.Lambda)
    assert not [node for cell in code for node in ast.walk(ast.parse(cell.source)) if isinstance(node, defined)]


@_by_notebook
def test_a_figure_is_two_lines_that_a_reader_sees(path):
    drawing = [cell for cell in _cells(path, "code") if _calls(cell, *FIGURES)]
    assert drawing or path.stem == "01_cleaning"  # its columns are drawn once, in the second
    for cell in drawing:
        assert not _tags(cell), cell.source
        assert _lines(cell) == OF_A_FIGURE, cell.source
        [call] = _calls(cell, *FIGURES)
        run, name, _, caption = call.args
        assert run.id == "run"
        assert {keyword.arg for keyword in call.keywords} <= {"png"}  # of the one that slides show
        assert name.value.startswith(path.stem[:2])
        assert re.match(r"\w+\.tell\.\w+\(", ast.unparse(caption)), cell.source


@_by_notebook
def test_the_caption_of_a_table_is_said_by_the_package(path):
    shown = [call for cell in _cells(path, "code") for call in _calls(cell, "table")]
    assert shown
    for call in shown:
        assert re.match(r"\w+\.tell\.(\w+\(|[A-Z]+_CAPTIONS\[)", ast.unparse(call.args[1])), ast.unparse(call)


@_by_notebook
def test_each_figure_is_asked_for_and_its_reading_told(path):
    since = []  # the prose since the figure before
    for cell in nbformat.read(path, as_version=4).cells:
        if _calls(cell, *FIGURES):
            own = [prose.source for prose in since if "?" in prose.source and len(_sentences(prose)) > 1]
            assert own, f"no question and reading before: {cell.source}"
            since = []
        elif cell.cell_type == "markdown" and _tags(cell) <= {"if-shown"}:
            since.append(cell)


@_by_notebook
def test_no_sentence_is_put_together_in_a_cell(path):
    for cell in _cells(path, "code"):
        assert not [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.JoinedStr)], cell.source


@_by_notebook
def test_a_name_means_one_thing_in_a_notebook(path):
    code = "\n".join(cell.source for cell in _cells(path, "code"))
    homes = defaultdict(set)
    packages = "customers|evidence|monitoring|segments|tables"
    for package, name in re.findall(rf"\b({packages})\.(?:plots\.|tell\.)?(\w+)", code):
        homes[name].add(package)
    homes = {name: found for name, found in homes.items() if name not in ("plots", "tell")}
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_a_package_gives_what_it_says_and_no_name_twice():
    given = Counter()
    for place in sorted((files.ROOT / "segmentation").glob("*/__init__.py")):
        package, modules = place.parent.name, {module.stem for module in place.parent.iterdir()}
        for call in (n for n in ast.walk(ast.parse(place.read_text())) if isinstance(n, ast.Call)):
            assert {word.arg for word in call.keywords} <= modules
            names = [name for word in call.keywords for name in ast.literal_eval(word.value)]
            assert not set(names) & modules
            given.update(names)
            assert all(hasattr(import_module(f"segmentation.{package}"), name) for name in names)
    assert [name for name, times in given.items() if times > 1] == []
    assert given["open_customers"] == 1


def test_cell_ids_are_unique_over_all_notebooks():
    ids = [cell["id"] for path in NOTEBOOKS for cell in nbformat.read(path, as_version=4).cells]
    assert len(ids) == len(set(ids))


def test_parameters_are_plain_assignments_with_a_comment():
    for path in NOTEBOOKS:
        cell = _cells(path, "code")[0]
        assert all("  # " in line for line in cell.source.splitlines())
        assert {type(node) for node in ast.parse(cell.source).body} == {ast.Assign}
    assert all(list(declared(stage))[:2] == ["run", "dataset"] for stage in STAGES)


def test_every_chapter_is_told_the_features_by_which_an_answer_becomes_a_number():
    assert all("features" in declared(stage) for stage in STAGES)


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
        assert _bytes(varied, run, "segments.parquet") == _bytes(varied, "base", "segments.parquet")


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
