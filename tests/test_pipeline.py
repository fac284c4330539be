"""The pipeline: only what changed is made again, kernels are forked from a warm process, and nothing is left behind."""

import ast
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest

from segmentation.core.files import read_json
from segmentation.pipeline import dependencies
from segmentation.pipeline.dependencies import _parsing, modules_of
from segmentation.pipeline.tasks import used_from
from segmentation.runs.stages import STAGES
from tests.conftest import FAST, Project, copy_project


def _ran(project: Project, *words: str) -> str:
    done = project.run("report", *FAST, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[4].removeprefix("  Ran       ")


def test_a_changed_module_makes_again_what_hangs_on_it(made):
    path = made.root / "segmentation" / "segments" / "robustness.py"
    path.write_text(f"{path.read_text()}\n# changed\n")
    assert _ran(made) == "05_profiling and manifest.json"
    path = made.root / "segmentation" / "tables" / "infer.py"
    path.write_text(f"{path.read_text()}\n# changed\n")
    assert "01_cleaning" not in _ran(made)
    locked = made.root / "requirements.txt"
    locked.write_text(f"{locked.read_text()}\n# changed\n")
    assert _ran(made).startswith("01_cleaning, 02_eda, 03_k_selection, 04_clustering, 05_profiling, report.html")


@pytest.mark.parametrize("words", [[], ["--data", "data/sample/customers.csv", "--dataset", "sample"]])
def test_a_project_that_is_copied_elsewhere_is_up_to_date(made, tmp_path, words):
    _ran(made, *words)
    shutil.copytree(made.root, tmp_path / "copy", copy_function=shutil.copy)
    copied = Project(tmp_path / "copy")
    assert str(made.root) not in made.artifact("sample", ".doit.json").read_text()
    assert _ran(copied, *words) == "nothing; everything was up to date"


def test_outputs_and_runs_by_hand_change_no_notebook(made):
    path = made.root / "notebooks" / "02_eda.ipynb"
    before = path.read_bytes()
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["kernelspec"]["display_name"] = "Another"
    notebook.cells[3]["execution_count"] = 7
    nbformat.write(notebook, path)
    assert _ran(made) in ("manifest.json", "nothing; everything was up to date")
    path.write_bytes(before)
    _ran(made)


def test_a_parameter_that_a_stage_does_not_declare_leaves_it_as_it_is(made):
    assert _ran(made, "--seed", "3") == "03_k_selection, 04_clustering, 05_profiling, report.html and manifest.json"
    assert _ran(made).startswith("03_k_selection")


@pytest.mark.parametrize(
    ("modules", "needless"),
    [(used_from(STAGES[-1]), {"skops", "nbconvert"}), (["report.render"], {"sklearn", "scipy"})],
)
def test_profiling_and_the_page_import_nothing_heavy_that_they_do_not_use(modules, needless):
    modules = [f"segmentation.{name}" for name in modules if not name.endswith("__init__")]
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(modules) <= set(done.stdout.split())
    assert not needless & set(done.stdout.split())


def test_the_modules_of_a_stage_are_those_that_a_kernel_imports():
    show = "import sys; print(*(m.partition('.')[2] for m in sys.modules if m.startswith('segmentation.')))"
    for stage in STAGES:
        cells = [c for c in json.loads(stage.notebook.read_text())["cells"] if c["cell_type"] == "code"]
        nodes = list(ast.walk(ast.parse("\n".join("".join(c["source"]) for c in cells))))
        imports = [n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
        packages = {alias.asname or alias.name for n in imports for alias in n.names}
        used = [n for n in nodes if isinstance(n, ast.Attribute) and getattr(n.value, "id", None) in packages]
        code = "\n".join([*map(ast.unparse, [*imports, *used]), show])
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert "core.files" in done.stdout.split()
        assert set(done.stdout.split()) <= {name.removesuffix(".__init__") for name in modules_of(stage.notebook)}


def test_no_two_threads_parse_at_once(monkeypatch):
    parse, held = ast.parse, []
    monkeypatch.setattr(dependencies.ast, "parse", lambda code: (held.append(_parsing.locked()), parse(code))[1])
    modules_of(STAGES[0].notebook)
    assert held
    assert all(held)


def test_cold_kernels_give_the_same_bytes(made, tmp_path):
    other = copy_project(tmp_path)
    shutil.copytree(made.root / "segmentation", other.root / "segmentation", dirs_exist_ok=True)
    (other.root / "requirements.txt").write_bytes((made.root / "requirements.txt").read_bytes())
    assert _ran(other, "--cold").startswith("01_cleaning")
    _ran(made)
    outputs = [read_json(project.artifact("sample", "manifest.json"))["outputs"] for project in (made, other)]
    assert outputs[0] == outputs[1]


def test_each_stage_is_told_when_it_begins_and_when_it_ends(made):
    done = made.run("report", *FAST, "--seed", "4")
    lines = done.stderr.splitlines()
    assert re.fullmatch(r"03_k_selection: How many segments\? \(up to about \S+ (s|min) left\)", lines[0])
    assert re.fullmatch(r"03_k_selection: done in \S+ (s|min)", lines[1])
    names = ["03_k_selection", "04_clustering", "05_profiling", "report.html", "manifest.json"]
    assert [line.partition(":")[0] for line in lines] == [name for name in names for _ in range(2)]
    assert made.run("report", *FAST, "--seed", "4").stderr == ""


def test_a_terminal_shows_a_bar_for_each_stage(made):
    ours, theirs = os.openpty()
    variables = {**os.environ, "PYTHONPATH": str(made.root), "TERM": "xterm", "COLUMNS": "80"}
    command = [sys.executable, "-m", "segmentation", "report", *FAST, "--seed", "5"]
    with subprocess.Popen(
        command, cwd=made.root, env=variables, stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as run:
        os.close(theirs)
        shown = _read_terminal(ours)
        assert run.stdout.readline().startswith("Five segments")
    assert run.returncode == 0
    last = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown.rpartition("03_k_selection")[2])
    cells = len(json.loads((made.root / "notebooks" / "04_clustering.ipynb").read_text())["cells"]) + 1
    assert re.search(rf"04_clustering +━+ {cells}/{cells} \d:\d\d:\d\d Which segment does each cus", last)
    assert re.search(r"report\.html +━+ +\d:\d\d:\d\d rendering", last)


def _read_terminal(terminal: int) -> str:
    """Read what a process writes to its terminal until it ends."""
    shown = b""
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 65536):
            shown += part
    os.close(terminal)
    return shown.decode()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os\nos.kill(os.getpid(), 9)", "stopped: Kernel died"),
        ("import threading\nthreading.Event().wait()", "stopped: A cell timed out"),
    ],
)
def test_a_kernel_that_dies_or_hangs_is_told_with_its_cell(fresh, code, told):
    path = fresh.root / "notebooks" / "02_eda.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(5, nbformat.v4.new_code_cell(code))
    nbformat.write(notebook, path)
    pipeline = fresh.root / "segmentation" / "pipeline" / "notebooks.py"
    pipeline.write_text(pipeline.read_text().replace("CELL_SECONDS = 3600", "CELL_SECONDS = 20"))
    done = fresh.run("report", *FAST)
    assert done.returncode == 1
    assert re.search(rf"notebooks/02_eda\.ipynb, code cell 5 \({code.splitlines()[0]}\) {told}", done.stderr)
    assert "\n02_eda: failed in " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def place():
    """A folder for temporary files, of a name short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        yield Path(folder)


@pytest.mark.parametrize("how", ["to its end", signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_run(fresh, place, how):
    variables = {**os.environ, "PYTHONPATH": str(fresh.root), "TMPDIR": str(place)}
    command = [sys.executable, "-m", "segmentation", "report", *FAST]
    run = subprocess.Popen(
        command, cwd=fresh.root, env=variables, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while (line := run.stderr.readline()) and not line.startswith("04_clustering"):
        pass
    assert line
    if how != "to its end":
        run.send_signal(how)
    # Its kernels and their server hold the other end of this pipe, so that it closes when the last of them has ended.
    run.communicate()
    assert list(place.iterdir()) == []
    assert (run.returncode == 0) == (how == "to its end")
