"""The pipeline against the same notebooks run otherwise, and where little has changed, on the Mall table."""

import compileall
import json
import re
import shutil
import sys
import textwrap
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from segmentation.core.files import read_json
from segmentation.runs.stages import STAGES, declared
from tests.benchmarks import timing
from tests.benchmarks.timing import Contender
from tests.conftest import MALL, ROOT, Project, copy_project

COLD, PAPERMILL, SCRIPT = "cold report", "papermill and nbconvert", "one plain script"
K, FEATURE, MENDED, REFUSED = "another K", "one feature more", "categories called otherwise", "a bound that refuses"
CHANGED, NOTHING = "profiling changed", "nothing changed"
FEATURES, OTHER_K = "income,spending,age", "6"
# Each changes what cleaning does: the one mends the cells of 112 customers, the other refuses the 12 older than 65.
DESCRIBED = {
    MENDED: ("{Female: [f, woman]", "{Women: [female, f, woman]"),
    REFUSED: ("unit: years, min: 0, max: 120", "unit: years, min: 0, max: 65"),
}


def measure(repeats: int = timing.REPEATS) -> pd.DataFrame:
    """Return the times of every contender."""
    with TemporaryDirectory() as folder:
        ways, root = contenders(Path(folder))
        return timing.compare(ways, root, repeats)


def mall() -> Path:
    """Return where the Mall table lies."""
    places = [ROOT.parent / "shared" / "data" / MALL, ROOT / "data" / "mall" / MALL]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        sys.exit(f"{MALL} is not here; `make report DATASET=mall` fetches it into data/mall/")
    return found


def fresh_project(folder: Path) -> Project:
    """Copy the project, with its modules compiled as by an installation."""
    project = copy_project(folder)
    compileall.compile_dir(project.root / "segmentation", quiet=1, force=True)
    return project


def contenders(folder: Path) -> tuple[dict[str, Contender], Path]:
    """Return the ways to make the report, in a copy of the project in which everything has been made once."""
    project, table = fresh_project(folder), mall()
    report = [sys.executable, "-m", "segmentation", "report", "--dataset", "mall", "--data", str(table)]
    script = project.root / "plain.py"
    script.write_text(_script(table))
    timing.timed(report, project.root)
    kept = folder / "finished"
    for part in _OF_RUN:
        shutil.copytree(project.root / part, kept / part)
    finish, seconds = partial(_finish, project, kept), partial(stages, project, "mall")

    def forget() -> None:
        finish()
        _forget(project)

    def again(*words: str, change=lambda: None) -> Contender:
        return Contender(lambda: (finish(), change()), [[*report, *words]], parts=seconds)

    return {
        COLD: Contender(forget, [report], parts=seconds),
        PAPERMILL: Contender(forget, _one_after_another(project, table), anew=True),
        SCRIPT: Contender(forget, [[sys.executable, str(script)]], anew=True),
        K: again("--k", OTHER_K),
        FEATURE: again("--features", FEATURES),
        **{name: again(change=partial(_describe, project, *pair)) for name, pair in DESCRIBED.items()},
        CHANGED: again(change=partial(_touch, project)),
        NOTHING: Contender(finish, [report]),
    }, project.root


DONE = re.compile(r"^(\S+): done in ", re.M)
_OF_RUN = ("assets", "report/mall", "notebooks", "data/mall")


def _forget(project: Project) -> None:
    """Remove all that was made, what is kept of the evidence too."""
    for part in ("assets", "report/mall", "out"):
        shutil.rmtree(project.root / part, ignore_errors=True)
    (project.root / "out").mkdir()


def _finish(project: Project, kept: Path) -> None:
    """Bring back the run as it was when it was finished first, with what was kept then."""
    for part in _OF_RUN:
        shutil.rmtree(project.root / part, ignore_errors=True)
        shutil.copytree(kept / part, project.root / part)


def _touch(project: Project) -> None:
    """Change the last cell of the profiling notebook."""
    path = project.root / "notebooks" / "05_profiling.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"][-1]["source"].append("\n# changed")
    path.write_text(json.dumps(notebook))


def _describe(project: Project, before: str, after: str) -> None:
    path = project.root / "data" / "mall" / "dataset.yaml"
    text = path.read_text(encoding="utf-8")
    if text.count(before) != 1:
        raise RuntimeError(f"{path.name} of mall does not say {before!r} once")
    path.write_text(text.replace(before, after), encoding="utf-8")


def stages(project: Project, run: str, told: str) -> dict[str, float]:
    """Return how long each task took that a run has just made, by what it told."""
    record = read_json(project.artifact(run, ".doit.json"))
    return {name: record[f"report:{name}"]["_values_:"]["took"]["seconds"] for name in DONE.findall(told)}


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
