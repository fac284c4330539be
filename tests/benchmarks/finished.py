"""What finished runs cost: the evidence on a large table beside that on the Mall one, and the pages of large tables."""

import json
import sys
import textwrap
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from segmentation.pipeline.dependencies import modules_of
from segmentation.runs.stages import STAGES, declared
from tests.benchmarks import pages, timing
from tests.benchmarks.customers import write_customers
from tests.benchmarks.warm_start import fresh_project, mall
from tests.benchmarks.whole import DESCRIBED, describe
from tests.conftest import Project

MALL, MANY, ROWS = "mall", "many", "rows"
OF_MANY, OF_ROWS = 1_000_000, 100_000
EVIDENCE = {MALL: "evidence on Mall", MANY: f"evidence on {OF_MANY:,} customers"}
PAGE = f"report page of {OF_ROWS:,} customers, privacy: rows"
PICTURE = {MALL: "first picture of the dashboard, Mall", MANY: f"first picture of the dashboard, {OF_MANY:,} customers"}
FIRST, WHOLE = f"first bytes of the download of {OF_MANY:,} customers", f"the whole download of {OF_MANY:,} customers"
CLAIMS = [  # what, beside what, and the ratio that it may be at most
    (EVIDENCE[MANY], EVIDENCE[MALL], 2.0),
    (PICTURE[MANY], PICTURE[MALL], 1.5),
    (FIRST, WHOLE, 0.1),
]
CHAPTER = STAGES[2]
TOLD = "evidence_seconds"
# The program of chapter 3: the seconds of the cell that judges each k, when all is imported and the workers are there.
PROGRAM = """import importlib, json, time
import matplotlib
matplotlib.use("Agg")
for name in {modules}:
    importlib.import_module(name)
from segmentation.core.parallel import ready_workers

if __name__ == "__main__":
    with ready_workers():
{cells}
"""


def measure(repeats: int = timing.REPEATS, many: int = OF_MANY, rows: int = OF_ROWS) -> pd.DataFrame:
    """Return the seconds of evidence, dashboard and download on large runs and on Mall's, and the size of a page."""
    with TemporaryDirectory() as folder:
        project = fresh_project(Path(folder))
        _make(project, MALL, mall())
        for name, customers in ((MANY, many), (ROWS, rows)):
            describe(project, name, f"{DESCRIBED}privacy: rows\n")
            table = project.root / f"{name}.parquet"
            write_customers(table, customers)
            _make(project, name, table)
        megabytes = (project.root / "report" / ROWS / "report.html").stat().st_size / 10**6
        found = [
            timing.table([(PAGE, 0, None, None, megabytes, None)]),
            _evidence(project, repeats),
            _dashboard(project, repeats),
        ]
        return pd.concat(found, ignore_index=True)


def _make(project: Project, name: str, table: Path) -> None:
    words = ["report", "--dataset", name, "--data", str(table)]
    used = timing.timed([sys.executable, "-m", "segmentation", *words], project.root, anew=True)
    timing.tell(0, 1, f"made once: the report of {name}", used.seconds, used.most)


def _evidence(project: Project, repeats: int) -> pd.DataFrame:
    """Return the seconds of the evidence alone, each in a process of its own."""
    rows = []
    for run in (MALL, MANY):
        (project.root / f"evidence_{run}.py").write_text(_program(run), encoding="utf-8")
    for number in range(repeats):
        for run in (MALL, MANY) if number % 2 else (MANY, MALL):
            command = [sys.executable, str(project.root / f"evidence_{run}.py")]
            used = timing.timed(command, project.root, anew=True)
            [told] = [line for line in used.told.splitlines() if TOLD in line]
            seconds = json.loads(told)[TOLD]
            rows.append((EVIDENCE[run], number, seconds, None, used.most, None))
            timing.tell(number, repeats, EVIDENCE[run], seconds, used.most)
    return timing.table(rows)


def _dashboard(project: Project, repeats: int) -> pd.DataFrame:
    """Return the seconds to the first picture of a dashboard that has shown another run, and those of a download."""
    rows = []
    for number in range(repeats):
        order = [MALL, MANY] if number % 2 else [MANY, MALL]
        for run, seconds in pages.first_pictures(project, order, warm=ROWS).items():
            rows.append((PICTURE[run], number, seconds, None, None, None))
            timing.tell(number, repeats, PICTURE[run], seconds, 0)
        given = pages.download(project, MANY)
        rows.append((FIRST, number, given.first, None, None, None))
        rows.append((WHOLE, number, given.whole, None, given.megabytes, None))
        timing.tell(number, repeats, WHOLE, given.whole, given.megabytes)
    return timing.table(rows)


def _program(run: str) -> str:
    """Return the cells of chapter 3 up to the one that judges each k, as a program that tells the seconds of that."""
    given = {name: value for name, value in {"run": run, "dataset": run}.items() if name in declared(CHAPTER)}
    cells = []
    for cell in json.loads(CHAPTER.notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        code = "".join(cell["source"])
        judges = "judge_each(" in code
        cells += ["_start = time.perf_counter()", code] if judges else [code]
        if "parameters" in cell["metadata"].get("tags", []):
            cells += [f"{name} = {value!r}" for name, value in given.items()]
        if judges:
            break
    cells.append(f'print(json.dumps({{"{TOLD}": time.perf_counter() - _start}}))')
    modules = [f"segmentation.{name}".removesuffix(".__init__") for name in modules_of(CHAPTER.notebook)]
    return PROGRAM.format(modules=modules, cells=textwrap.indent("\n".join(cells), " " * 8))
