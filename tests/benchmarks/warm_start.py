"""The pipeline against the same notebooks run otherwise, on the Mall table."""

import json
import shutil
import sys
import textwrap
from pathlib import Path

from segmentation.runs.stages import STAGES, declared
from tests.benchmarks.timing import Contender
from tests.conftest import MALL, ROOT, Project, copy_project

LIMITS = {
    ("cold report", "papermill and nbconvert"): 0.45,
    ("cold report", "one plain script"): 1.9,
    ("profiling changed", "cold report"): 0.4,
    ("nothing changed", "cold report"): 0.06,
}


def contenders(folder: Path) -> tuple[dict[str, Contender], Path]:
    """Return the ways to make the report, in a copy of the project in which everything has been made once."""
    places = [ROOT.parent / "shared" / "data" / MALL, ROOT / "data" / "mall" / MALL]
    table = next((place for place in places if place.is_file()), None)
    if table is None:
        sys.exit(f"{MALL} is not here; `make report DATASET=mall` fetches it into data/mall/")
    project = copy_project(folder)
    words = ["report", "--dataset", "mall", "--data", str(table)]
    report = [sys.executable, "-m", "segmentation", *words]
    forget, remake = (lambda: _forget(project)), (lambda: project.run(*words))
    script = project.root / "plain.py"
    script.write_text(_script(table))
    return {
        "cold report": Contender(forget, [report]),
        "papermill and nbconvert": Contender(forget, _one_after_another(project, table)),
        "one plain script": Contender(forget, [[sys.executable, str(script)]]),
        "profiling changed": Contender(lambda: (remake(), _touch(project)), [report]),
        "nothing changed": Contender(remake, [report]),
    }, project.root


def _forget(project: Project) -> None:
    for part in ("assets", "report/mall", "out"):
        shutil.rmtree(project.root / part, ignore_errors=True)
    (project.root / "out").mkdir()


def _touch(project: Project) -> None:
    """Change the last cell of the profiling notebook, in another way each time."""
    path = project.root / "notebooks" / "05_profiling.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"][-1]["source"].append("\n# changed")
    path.write_text(json.dumps(notebook))


def _one_after_another(project: Project, table: Path) -> list[list[str]]:
    made = [f"out/{stage.notebook.name}" for stage in STAGES]
    runs = [
        [sys.executable, "-m", "papermill", f"notebooks/{stage.notebook.name}", out, "--log-level=ERROR"]
        + [word for name, value in _given(stage, table).items() for word in ("-p", name, value)]
        for stage, out in zip(STAGES, made, strict=True)
    ]
    return [*runs, [sys.executable, "-m", "nbconvert", "--to", "html", "--log-level=ERROR", *made]]


def _given(stage, table: Path) -> dict[str, str]:
    given = {"run": "mall", "dataset": "mall", "data": str(table)}
    return {name: given[name] for name in declared(stage) if name in given}


def _script(table: Path) -> str:
    """Return the code cells of all notebooks as one program; its figures are saved, as in the notebooks."""
    parts = ["import matplotlib\nmatplotlib.use('Agg')\n"]
    for stage in STAGES:
        for cell in json.loads(stage.notebook.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                parts.append("".join(cell["source"]))
            if "parameters" in cell["metadata"].get("tags", []):
                parts += [f"{name} = {value!r}" for name, value in _given(stage, table).items()]
    # The workers import the program again.
    return 'if __name__ == "__main__":\n' + textwrap.indent("\n\n".join(parts), "    ")
