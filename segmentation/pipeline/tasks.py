"""Running the stages that are out of date, and rendering the report."""

import hashlib
import json
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Thread

from doit.control import TaskControl
from doit.dependency import Dependency
from doit.loader import generate_tasks
from doit.reporter import ZeroReporter
from doit.runner import MThreadRunner
from doit.tools import config_changed
from filelock import FileLock, Timeout

from segmentation.core import files
from segmentation.core.errors import SegmentationError, as_option, require_extra
from segmentation.core.files import as_json, sha256, sweep_halves, write_text
from segmentation.core.parallel import sweep_temporary
from segmentation.language import speak, spoken
from segmentation.pipeline.dependencies import (
    Content,
    Record,
    behind_the_page,
    file_of,
    locked,
    modules_of,
    notebook_source,
    of_environment,
    package_files,
)
from segmentation.pipeline.notebooks import execute_notebook
from segmentation.pipeline.plan import Plan
from segmentation.pipeline.progress import Outcome, Progress, expected_seconds, follow
from segmentation.pipeline.verify import write_manifest
from segmentation.runs.artifacts import Made
from segmentation.runs.manifest import Beside, beside, lists_of, open_finished, require_unchanged, revision
from segmentation.runs.records import Printed
from segmentation.runs.run import PIPELINE
from segmentation.runs.stages import OF_PAGE, PDF, SLIDES, STAGES, Stage, compared_page, declared

COMPARE, SERIES = "notebooks/06_compare.ipynb", "notebooks/07_months.ipynb"


def run_pipeline(
    plan: Plan, *, printed: Printed | None = None, slides: bool = False, cold: bool = False, quiet: bool = False
) -> Outcome:
    """Run every stage that is out of date, 02 beside the others, then render the report, print it, and write slides.

    `cold` starts an ordinary kernel for each notebook, which uses nothing that was kept; `quiet` shows nothing.

    Raises
    ------
    NotebookFailed, UsageError, DataError
        When a stage fails; the previous report stays as it was.
    SegmentationError
        When another process makes this run.
    """
    plan.study.folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(plan.study.folder / ".lock", blocking=False):
            sweep_temporary()
            sweep_halves(plan.study.folder, plan.study.report)
            wanted = _required(beside(plan.study, printed, slides), plan.study.report)
            before, listed = _table_before(plan), lists_of(plan.study.name)
            with _remembered(plan):
                outcome = replace(_run_tasks(plan, wanted, cold, quiet), before=before)
            return replace(outcome, unlisted=bool(listed) and not lists_of(plan.study.name))
    except Timeout as fault:
        raise SegmentationError(
            f"run {plan.study.name} is being made by another process; wait for it, or make another run: "
            f"{as_option('run', 'name')}"
        ) from fault


def _required(wanted: Beside, place: Path) -> Beside:
    """Return what is made beside the page, also of a run that has it since earlier, where it can be made."""
    if wanted.printed:
        require_extra("pdf", files.shown(place / PDF))
    if wanted.slides:
        require_extra("slides", files.shown(place / SLIDES))
    return wanted


def _table_before(plan: Plan) -> str | None:
    """Return the name of the table that the finished run was made from, where it is made from another one now."""
    try:
        file = plan.study.read("cleaning.json").file if plan.study.path("manifest.json").is_file() else None
    except SegmentationError:
        return None
    return None if file == plan.source.name else file


@contextmanager
def _remembered(plan: Plan):
    """Keep what the run is made from, and the dataset.yaml that was assumed; when it fails, those of before come back.

    Where there is no finished run they stay, so that its name is enough to try again.
    """
    texts = {plan.study.path(Made.FILE): as_json(plan.made().content())}
    if plan.assumed is not None:
        texts[plan.described] = plan.assumed
    before = {path: path.read_text(encoding="utf-8") for path in texts if path.is_file()}
    for path, text in texts.items():
        if before.get(path) != text:
            write_text(path, text)
    try:
        yield
    except BaseException:
        if plan.study.path("manifest.json").is_file():
            with suppress(OSError):  # a full disk, which the fault tells
                for path in texts:
                    write_text(path, before[path]) if path in before else path.unlink()
        raise


def _prepare_kernels(cold: bool = False) -> None:
    """Let the kernels find the package of a clone, know that no hand runs their notebooks, and what they may reuse."""
    os.environ |= {PIPELINE: "1"} | ({files.ANEW: "1"} if cold else {})
    if not files.INSTALLED:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(files.ROOT), os.environ.get("PYTHONPATH")]))


def _run_tasks(plan: Plan, wanted: Beside, cold: bool, quiet: bool) -> Outcome:
    outcome, record = Outcome(), plan.study.folder / ".doit.json"
    progress = _follow(plan, wanted, _read_record(record), quiet)
    _prepare_kernels(cold)
    try:
        control = TaskControl(generate_tasks("report", _tasks(plan, outcome, progress, wanted, cold)))
        control.process(None)
        kept = Dependency(Record, str(record), checker_cls=Content)
        # By doit's parts, and not by its command, which looks for plugins and reads its tasks' source.
        code = MThreadRunner(kept, _reporter(outcome, progress), num_process=2).run_all(control.task_dispatcher())
    except Exception as fault:
        outcome.fault = outcome.fault or fault
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
    """Return doit's record of what was made; one that cannot be read goes: all is made again."""
    try:
        return json.loads(record.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        record.unlink()
        return {}


def _follow(plan: Plan, wanted: Beside, record: dict, quiet: bool) -> Progress:
    """Return what shows the run, with the seconds that each task took when it was last made."""
    names = [*(stage.name for stage in STAGES), "report.html", *wanted.made, "manifest.json"]
    size = sum(path.stat().st_size for path in plan.source.files)
    work = {"bytes": size, "resamples": plan.parameters["resamples"]}
    took = {name: record.get(f"report:{name}", {}).get("_values_:", {}).get("took") for name in names}
    return follow({name: expected_seconds(took[name], work) for name in names}, work, quiet=quiet)


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
                outcome.fault = SegmentationError(f"{_name(task)}: {fail.message}")
                outcome.fault.__cause__ = RuntimeError("".join(fail.traceback))

    return Reporter(None, {"failure_verbosity": 0})


def _name(task) -> str:
    return task.name.partition(":")[2]


def make_comparison(runs: Sequence[str], language: str | None = None) -> tuple[str, Path]:
    """Execute the notebook that compares finished runs, render it, and return its answer and where the page lies.

    It is told in `language`, or in that of the last run.

    Raises
    ------
    NotebookFailed, UsageError, DataError
        When they cannot be compared; a page made before stays as it was.
    SegmentationError
        When another process makes the last run.
    """
    *earlier, run = runs
    for name in runs:
        require_unchanged(name)
    speak(language or open_finished(run, None).language)
    _prepare_kernels()
    page = files.ROOT / "report" / run / compared_page(earlier)
    executed = page.parent / "notebooks" / f"{page.stem}.ipynb"
    notebook, told = (COMPARE, {"base": runs[0], "run": run}) if len(runs) == 2 else (SERIES, {"runs": ",".join(runs)})
    told["language"] = spoken()
    _warm(modules_of(files.found(notebook)))
    try:
        with FileLock(files.ROOT / "assets" / run / ".lock", blocking=False):
            sweep_halves(page.parent)
            private = any(open_finished(name, None).private for name in runs)
            execute = partial(execute_notebook, private=private)
            _apart(execute, files.found(notebook), told, executed, lambda *_: None)
            return _render("report.render", "write_comparison", executed, page, " → ".join(runs)), page
    except Timeout as fault:
        raise SegmentationError(f"run {run} is being made by another process; wait for it") from fault
    finally:
        for kernel in multiprocessing.active_children():
            kernel.kill()


def _apart(action, *arguments) -> None:
    """Run something in a thread, as the stages of a run are: in the main one nbclient would take Ctrl-C for itself."""
    done: Future = Future()

    def work():
        try:
            done.set_result(action(*arguments))
        except BaseException as fault:
            done.set_exception(fault)

    Thread(target=work, daemon=True).start()
    done.result()


def _tasks(plan: Plan, outcome: Outcome, progress: Progress, wanted: Beside, cold: bool):
    for stage in STAGES:
        yield _stage_task(plan, outcome, progress, stage, cold)
    yield _page_task(plan, outcome)
    if wanted.printed:
        yield _pdf_task(plan, outcome, wanted.printed)
    if wanted.slides:
        yield _slides_task(plan, outcome)
    yield _manifest_task(plan, outcome, wanted)


def _stage_task(plan: Plan, outcome: Outcome, progress: Progress, stage: Stage, cold: bool) -> dict:
    parameters = {name: plan.parameters[name] for name in declared(stage)}
    wherever = parameters | ({"data": plan.wherever} if "data" in parameters else {})
    targets = [*map(plan.study.path, stage.writes), plan.executed(stage)]
    needs = [plan.described, *plan.inputs(stage), *map(file_of, modules_of(stage.notebook)), locked()]
    told = [wherever, notebook_source(stage.notebook)]
    work = [_execute, stage, parameters, plan, cold, partial(progress.reach, stage.name)]
    task = _task(outcome, stage.name, stage.question, needs, targets, told, *work, drawn=partial(_drawn, plan, stage))
    # Nobody can see from outside whether a database has changed.
    return task | ({"uptodate": [False]} if stage == STAGES[0] and not plan.source.settled else {})


def _page_task(plan: Plan, outcome: Outcome) -> dict:
    executed, told = [plan.executed(stage) for stage in STAGES], plan.told_parameters()
    needs, page = [*executed, *_found(plan), *behind_the_page("report.render")], _page(plan)
    work = [_render, "report.render", "write_report", plan.study, executed, told]
    return _task(outcome, page.name, "rendering", needs, [page], told, *work)


def _pdf_task(plan: Plan, outcome: Outcome, printed: Printed) -> dict:
    needs, pdf = [_page(plan), *behind_the_page("report.render")], plan.study.report / PDF
    work = [_render, "report.render", "write_pdf", plan.study, printed]
    return _task(outcome, pdf.name, "rendering", needs, [pdf], printed, *work)


def _slides_task(plan: Plan, outcome: Outcome) -> dict:
    executed, told = [plan.executed(stage) for stage in STAGES], plan.told_parameters()
    # After the page, which puts older ones aside.
    needs = [_page(plan), *executed, *_found(plan), *behind_the_page("report.slides.write")]
    targets = [plan.study.report / name for name in OF_PAGE[SLIDES]]
    work = [_render, "report.slides.write", "write_slides", plan.study, executed, told]
    return _task(outcome, SLIDES, "rendering", needs, targets, told, *work)


def _manifest_task(plan: Plan, outcome: Outcome, wanted: Beside) -> dict:
    beside = [plan.study.report / file for name in wanted.made for file in OF_PAGE[name]]
    made = [*plan.artifacts(), _page(plan), *beside]
    notebooks, code = [stage.notebook for stage in STAGES], package_files()
    sources = [plan.described, *plan.base_files, *notebooks, *code, *plan.catalogues, locked()]
    told = [plan.told_parameters(), plan.fingerprints, revision(), *wanted]
    targets, work = [plan.study.path("manifest.json")], [write_manifest, plan, sources, wanted.printed]
    return _task(outcome, targets[0].name, "checksums", [*made, *sources], targets, told, *work)


def _page(plan: Plan) -> Path:
    return plan.study.report / "report.html"


def _found(plan: Plan) -> list[Path]:
    """Return what page and slides tell, and in which language."""
    lineage = [plan.study.path("lineage.json")] if plan.earlier else []
    return [*plan.artifacts(), *lineage, *plan.catalogues]


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
        "file_dep": list(dict.fromkeys(map(files.name_of, needs))),
        "targets": list(map(files.name_of, makes)),
        "uptodate": [config_changed(_hashed([told, of_environment()])), _as_it_was_made(makes, drawn)],
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
    """Keep the first fault of a run, so that it can be told in one message, and whole where somebody asks."""
    try:
        action(*arguments)
    except Exception as fault:
        outcome.fault = outcome.fault or fault
        return False
    return True


def _render(module: str, action: str, *arguments):
    # Imported here, because it takes seconds.
    return getattr(import_module(f"segmentation.{module}"), action)(*arguments)


def _warm(modules: list[str]) -> None:
    """Let kernels be forked from a process that has imported these modules."""
    from segmentation.pipeline.kernels import start_fork_server  # imported here: an idle run starts none

    start_fork_server([f"segmentation.{name}" for name in modules if not name.endswith("__init__")])


def used_from(stage: Stage) -> list[str]:
    """Return the modules of this package that the notebook of a stage uses, and those after it, which may follow."""
    return sorted(set().union(*(modules_of(later.notebook) for later in STAGES[STAGES.index(stage) :])))


def _execute(stage: Stage, parameters: dict, plan: Plan, cold: bool, reach) -> None:
    """Execute one notebook, and keep its executed copy, partly executed when it failed."""
    if not cold:
        _warm(used_from(stage))
    before = {path: path.stat().st_mtime_ns for path in plan.figures(stage)}
    of, private = plan.source.name, plan.study.private
    execute_notebook(stage.notebook, parameters, plan.executed(stage), reach, data=of, private=private)
    if stage == STAGES[0]:
        plan.require_same_table()
    for path, written in before.items():
        if path.stat().st_mtime_ns == written:
            path.unlink()  # a figure that this run no longer draws
