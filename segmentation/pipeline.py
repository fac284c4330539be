"""Running the stages that are out of date, and rendering the report."""

import hashlib
import json
import multiprocessing
import os
import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path

from doit.cmd_base import ModuleTaskLoader
from doit.dependency import MD5Checker
from doit.doit_cmd import DoitMain
from doit.reporter import ZeroReporter
from doit.tools import config_changed
from filelock import FileLock, Timeout

from segmentation import manifest
from segmentation.artifacts import sha256, write_text
from segmentation.dataset import ROOT
from segmentation.dependencies import PACKAGE, modules_behind, modules_of, notebook_source
from segmentation.errors import DataError, NotebookFailed, SegmentationError, UsageError
from segmentation.kernels import start_fork_server
from segmentation.plan import STAGES, Plan, Stage, declared
from segmentation.progress import Progress, expected_seconds, follow
from segmentation.study import check_run_name

CELL_SECONDS = 3600
COMPARE = ROOT / "notebooks" / "06_compare.ipynb"
# Without it nbformat does not check addresses, of which a notebook has none; with it, it builds a grammar for a second.
sys.modules.setdefault("rfc3987_syntax", None)


@dataclass
class Outcome:
    """What happened in a run: what was made, in how many seconds each, what was up to date, and the first fault."""

    ran: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    total: float = 0
    fault: SegmentationError | None = None


def run_pipeline(plan: Plan, *, pdf: bool = False, cold: bool = False) -> Outcome:
    """Run every stage that is out of date, 02 beside the others, then render the report.

    `cold` starts an ordinary kernel for each notebook instead of forking it from a warm process.

    Raises
    ------
    NotebookFailed, UsageError, DataError
        When a stage fails; the previous report stays as it was.
    SegmentationError
        When another process makes this run.
    """
    plan.study.folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(plan.study.folder / ".lock", blocking=False), _described(plan):
            return _run_tasks(plan, pdf, cold)
    except Timeout:
        raise SegmentationError(
            f"run {plan.study.run} is being made by another process; wait for it, or make another run: RUN=name"
        ) from None


@contextmanager
def _described(plan: Plan):
    """Keep what was assumed as the dataset.yaml of the run; when the run fails, the one before comes back."""
    if plan.assumed is None:
        yield
        return
    before = plan.described.read_text(encoding="utf-8") if plan.described.is_file() else None
    if before != plan.assumed:
        write_text(plan.described, plan.assumed)
    try:
        yield
    except BaseException:
        if before is not None:
            write_text(plan.described, before)
        raise


class _Content(MD5Checker):
    """Compares files as doit does, by the digest that the manifest needs too, so that large ones are read once."""

    def check_modified(self, file_path, file_stat, state):
        written, size, digest = state
        return file_stat.st_mtime != written and (file_stat.st_size != size or sha256(Path(file_path)) != digest)

    def get_state(self, dep, current_state):
        now = Path(dep).stat()
        if current_state and current_state[0] == now.st_mtime:
            return None
        return now.st_mtime, now.st_size, sha256(Path(dep))


def _run_tasks(plan: Plan, pdf: bool, cold: bool) -> Outcome:
    outcome, record = Outcome(), plan.study.folder / ".doit.json"
    progress = _follow(plan, pdf, _read_record(record))
    config = {
        "dep_file": str(record),
        "backend": "json",
        "check_file_uptodate": _Content,
        "reporter": _reporter(outcome, progress),
        "num_process": 2,
        "par_type": "thread",
        "verbosity": 0,
    }
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    tasks = {"DOIT_CONFIG": config, "task_report": lambda: _tasks(plan, outcome, progress, pdf, cold)}
    try:
        code = DoitMain(ModuleTaskLoader(tasks), config_filenames=()).run(["run"])
    finally:
        progress.stop()
        for kernel in multiprocessing.active_children():
            kernel.kill()
    if outcome.fault:
        raise outcome.fault
    if code:
        raise SegmentationError("the pipeline stopped; run it again with --debug to see why")
    outcome.seconds, outcome.total = progress.seconds, progress.total()
    return outcome


def _read_record(record: Path) -> dict:
    """Return doit's record of what was made; one that a stopped run left half-written goes: all is made again."""
    try:
        return json.loads(record.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        record.unlink()
        return {}


def _follow(plan: Plan, pdf: bool, record: dict) -> Progress:
    """Return what shows the run, with the seconds that each task took when it was last made."""
    names = [*(stage.name for stage in STAGES), "report.html", *(["report.pdf"] if pdf else []), "manifest.json"]
    size = sum(path.stat().st_size for path in plan.source.files)
    work = {"bytes": size, "resamples": plan.parameters["resamples"]}
    took = {name: record.get(f"report:{name}", {}).get("_values_:", {}).get("took") for name in names}
    return follow({name: expected_seconds(took[name], work) for name in names}, work)


def _reporter(outcome: Outcome, progress: Progress):
    class Reporter(ZeroReporter):
        def skip_uptodate(self, task):
            outcome.fresh.append(_name(task))
            progress.skip(_name(task))

        def execute_task(self, task):
            if task.actions:
                task.value_savers.append(lambda: {"took": progress.took(_name(task))})
                progress.begin(_name(task), task.doc)

        def add_success(self, task):
            if task.actions:
                outcome.ran.append(_name(task))
                progress.end(_name(task))

        def add_failure(self, task, fail):
            progress.end(_name(task), failed=True)
            if outcome.fault is None:
                outcome.fault = SegmentationError(f"{_name(task)}: {fail.get_msg().strip()}")

    return Reporter


def _name(task) -> str:
    return task.name.partition(":")[2]


def make_comparison(base: str, run: str) -> Path:
    """Execute the notebook that compares two finished runs, render it, and return where the page lies.

    Raises
    ------
    NotebookFailed, UsageError, DataError
        When they cannot be compared; a page made before stays as it was.
    SegmentationError
        When another process makes the later run.
    """
    for name, option in ((base, "BASE"), (run, "RUN")):
        check_run_name(name, option)
        manifest.require_unchanged(name)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    page = ROOT / "report" / run / f"compare-{base}.html"
    executed = ROOT / "report" / run / "notebooks" / f"compare-{base}.ipynb"
    start_fork_server([f"segmentation.{path.stem}" for path in modules_of(COMPARE) if path.stem != "__init__"])
    try:
        with FileLock(ROOT / "assets" / run / ".lock", blocking=False):
            execute_notebook(COMPARE, {"base": base, "run": run}, executed, lambda *_: None)
            _render("write_comparison", executed, page, f"{base} compared with {'itself' if base == run else run}")
    except Timeout:
        raise SegmentationError(f"run {run} is being made by another process; wait for it") from None
    finally:
        for kernel in multiprocessing.active_children():
            kernel.kill()
    return page


def _tasks(plan: Plan, outcome: Outcome, progress: Progress, pdf: bool, cold: bool):
    lock = ROOT / "requirements.txt"
    template = [path for path in sorted((ROOT / "report" / "template").iterdir()) if path.is_file()]
    executed = [plan.executed(stage) for stage in STAGES]
    page, printed = plan.report / "report.html", plan.report / "report.pdf"
    for stage in STAGES:
        parameters = {name: plan.parameters[name] for name in declared(stage)}
        first = stage.name == "01_cleaning"
        targets = [*map(plan.study.path, stage.writes), plan.executed(stage)]
        needs = [plan.described, *plan.inputs(stage), *modules_of(stage.notebook), lock]
        drawn, told = partial(_drawn, plan, stage), [parameters, notebook_source(stage.notebook)]
        work = [_execute, stage, parameters, plan, cold, partial(progress.reach, stage.name)]
        task = _task(outcome, stage.name, stage.question, needs, targets, told, *work, drawn=drawn)
        # Nobody can see from outside whether a database has changed.
        yield task | ({"uptodate": [False]} if first and plan.source.url else {})
    told, code = plan.told_parameters(), [*modules_behind("render"), lock]
    lineage = [plan.study.path("lineage.json")] if plan.parameters["base"] else []
    needs = [*executed, *plan.artifacts(), *lineage, *template, *code]
    yield _task(outcome, page.name, "rendering", needs, [page], told, _render, "write_report", plan)
    if pdf:
        needs = [page, *template, *code]
        yield _task(outcome, printed.name, "rendering", needs, [printed], None, _render, "write_pdf", plan)
    made = [*plan.artifacts(), page, *([printed] if pdf else [])]
    sources = [
        plan.described,
        *plan.base_files,
        *(stage.notebook for stage in STAGES),
        *sorted(PACKAGE.glob("*.py")),
        lock,
    ]
    told = [told, manifest.revision(), printed.is_file()]
    targets, work = [plan.study.path("manifest.json")], [manifest.write_manifest, plan, sources]
    yield _task(outcome, targets[0].name, "checksums", [*made, *sources], targets, told, *work)


def _drawn(plan: Plan, stage: Stage) -> list[Path]:
    """Return what a stage has made besides its targets: figures, and artifacts that it does not always write."""
    return [*plan.figures(stage), *plan.perhaps(stage)]


def _task(outcome: Outcome, name: str, asks: str, needs: list, makes: list, told, action, *arguments, drawn=list):
    """Return a doit task: out of date when a file that it needs or makes, a figure drawn, or what is told changed."""
    return {
        "name": name,
        "doc": asks,
        "io": {"capture": False},
        "actions": [(_guarded, [outcome, action, *arguments])],
        "file_dep": [str(path) for path in dict.fromkeys(needs)],
        "targets": [str(path) for path in makes],
        "uptodate": [config_changed(_hashed(told)), _as_it_was_made(makes, drawn)],
    }


def _hashed(told) -> str:
    """Return what doit may keep of the parameters: the URL of a database holds a password."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _as_it_was_made(makes: list[Path], drawn):
    """Return doit's check that a task's results are what it wrote: a notebook run by hand may have changed them."""

    def made() -> dict[str, str]:
        return {path.name: sha256(path) for path in [*makes, *drawn()] if path.is_file()}

    def check(task, values) -> bool:
        task.value_savers.append(lambda: {"made": made()})
        return values.get("made") == made()

    return check


def _guarded(outcome: Outcome, action, *arguments) -> bool:
    """Keep the first fault of a run, so that it can be told in one message."""
    try:
        action(*arguments)
    except SegmentationError as fault:
        outcome.fault = outcome.fault or fault
        return False
    return True


def _render(action: str, *arguments) -> None:
    from segmentation import render  # imported here, because it takes seconds

    getattr(render, action)(*arguments)


def _imported_from(stage: Stage) -> list[str]:
    """Return the modules of this package that the notebook of a stage imports, and those after it, which may follow."""
    own = set().union(*(modules_of(later.notebook) for later in STAGES[STAGES.index(stage) :]))
    return sorted(f"segmentation.{path.stem}" for path in own if path.stem != "__init__")


def _execute(stage: Stage, parameters: dict, plan: Plan, cold: bool, reach) -> None:
    """Execute one notebook, and keep its executed copy, partly executed when it failed."""
    if not cold:
        start_fork_server(_imported_from(stage))
    before = {path: path.stat().st_mtime_ns for path in plan.figures(stage)}
    execute_notebook(stage.notebook, parameters, plan.executed(stage), reach, data=plan.source.name)
    for path, written in before.items():
        if path.stat().st_mtime_ns == written:
            path.unlink()  # a figure that this run no longer draws


def execute_notebook(notebook: Path, parameters: dict, final: Path, reach, *, data: str = "") -> None:
    """Execute a notebook, and keep its executed copy at `final`; `data` is what it may say of the raw table's place.

    Raises
    ------
    NotebookFailed, UsageError, DataError
        When a cell fails; the partly executed copy is kept beside `final`.
    """
    # Imported here, beside the server that imports the rest; a run in which nothing changed needs none of them.
    import nbformat
    import papermill
    from papermill.exceptions import PapermillExecutionError

    import_module("segmentation.render")
    final.parent.mkdir(parents=True, exist_ok=True)
    failed, running = final.with_name(f"{final.stem}.failed.ipynb"), final.with_name(f".{final.name}")
    failed.unlink(missing_ok=True)
    cells = len(notebook_source(notebook)) + 1  # papermill adds one
    try:
        papermill.execute_notebook(
            str(notebook).replace("{", "{{").replace("}", "}}"),
            str(running).replace("{", "{{").replace("}", "}}"),
            parameters=parameters,
            kernel_name="python3",
            execution_timeout=CELL_SECONDS,
            extra_arguments=["--log-level=50"],
            progress_bar=False,
            on_cell_start=lambda cell, cell_index: reach(cell_index, cells, cell),
        )
    except PapermillExecutionError as fault:
        nbformat.write(_publishable(nbformat.read(running, as_version=4), data), running)
        running.replace(failed)
        raise _told(fault, notebook, failed) from fault
    except Exception as fault:
        told = (str(fault) or type(fault).__name__).splitlines()[0]
        raise NotebookFailed(f"notebooks/{notebook.name}, {_stopped_at(running)} stopped: {told}") from None
    nbformat.write(_publishable(nbformat.read(running, as_version=4), data), running)
    running.replace(final)


def _stopped_at(running: Path) -> str:
    """Return which cell ran when its kernel died or hung: papermill writes that down before each cell."""
    try:
        cells = [c for c in json.loads(running.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
    except (OSError, ValueError):
        return "before its first cell,"
    begun = [c for c in cells if c["metadata"].get("papermill", {}).get("start_time")]
    own = [c for c in begun if "injected-parameters" not in c["metadata"].get("tags", [])]
    first = "".join(own[-1]["source"]).strip().splitlines() if own else ["none"]
    return f"code cell {len(own)} ({first[0]})"


def _told(fault, notebook: Path, failed: Path) -> SegmentationError:
    """Turn an exception inside a kernel into our own error: the user's faults keep their words and exit code."""
    for kind in (UsageError, DataError):
        if fault.ename == kind.__name__:
            return kind(fault.evalue)
    cell = fault.source.strip().splitlines()
    # papermill counts the cell of parameters that it added.
    return NotebookFailed(
        f"notebooks/{notebook.name}, code cell {fault.exec_count - 1} ({cell[0] if cell else 'empty'}): "
        f"{fault.ename}: {fault.evalue}\nThe partly executed copy is {failed.relative_to(ROOT).as_posix()}; "
        "a report made before is unchanged."
    )


def _publishable(notebook, data: str):
    """Remove what differs from run to run or tells about the machine: clock times, random ids, folders."""
    notebook.metadata.pop("papermill", None)
    shown = f"data = {json.dumps(data, ensure_ascii=False)}"
    for i, cell in enumerate(notebook.cells):
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = f"{notebook.cells[i - 1]['id']}-injected"
            cell.source = re.sub(r"^data = .*$", lambda _: shown, cell.source, flags=re.M)
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                output.text = output.text.replace(f"{ROOT}{os.sep}", "").replace(f"{sys.prefix}{os.sep}", "")
    return notebook
