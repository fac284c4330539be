"""Running the stages that are out of date, and rendering the report."""

import multiprocessing
import os
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

from doit.control import TaskControl
from doit.dependency import Dependency
from doit.loader import generate_tasks
from doit.reporter import ZeroReporter
from doit.runner import MThreadRunner
from doit.tools import config_changed
from filelock import FileLock, Timeout

from segmentation.core import files
from segmentation.core.errors import SegmentationError, as_option, require_extra
from segmentation.core.files import sweep_halves, write_text
from segmentation.core.parallel import sweep_temporary
from segmentation.language import speak, spoken
from segmentation.pipeline import notebooks
from segmentation.pipeline.dependencies import (
    Content,
    Record,
    as_it_began,
    as_it_was_made,
    basis_of,
    behind_the_page,
    file_of,
    given_to,
    hashed,
    hashes,
    locked,
    modules_of,
    notebook_source,
    of_environment,
    package_files,
    read_record,
    state_of,
)
from segmentation.pipeline.notebooks import Chapters, Execution
from segmentation.pipeline.plan import Plan
from segmentation.pipeline.progress import Outcome, Progress, expected_seconds, follow
from segmentation.pipeline.verify import write_manifest
from segmentation.runs.manifest import Beside, beside, lists_of, open_finished, require_unchanged
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
            if not cold:
                notebooks.warm_up()  # while it is found what is out of date
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
    texts = plan.remembered()
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
    outcome, place = Outcome(), plan.study.folder / ".doit.json"
    record = read_record(place)
    progress = _follow(plan, wanted, record, quiet)
    chapters = Chapters(plan, progress, cold=cold)
    _prepare_kernels(cold)
    try:
        control = TaskControl(generate_tasks("report", _tasks(plan, outcome, chapters, wanted, record)))
        outcome.given |= given_to(control.tasks)
        control.process(None)
        kept = Dependency(Record, str(place), checker_cls=Content)
        # By doit's parts, and not by its command, which looks for plugins and reads its tasks' source.
        reporter = _reporter(outcome, progress)
        # Two stages at once, and the ends of two before.
        code = MThreadRunner(kept, reporter, num_process=4).run_all(control.task_dispatcher())
    except Exception as fault:
        outcome.fault = outcome.fault or fault
    finally:
        progress.stop()
        _end_kernels()
        chapters.drop()
        _end_kernels()  # what was starting meanwhile
    if outcome.fault:
        raise outcome.fault
    if code:
        raise SegmentationError("the pipeline stopped; run it again with --debug to see why")
    outcome.seconds, outcome.total = progress.seconds, progress.total()
    outcome.basis = None if wanted.made else basis_of(plan, control.tasks, outcome.given, read_record(place))
    return outcome


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
            if not _part(task):
                outcome.fresh.append(_name(task))
                progress.skip(_name(task))

        def execute_task(self, task):
            if task.actions and not _part(task):
                task.value_savers.append(lambda: {"took": progress.took(_name(task))})
                progress.begin(_name(task), task.doc)

        def add_success(self, task):
            if task.actions and not _part(task):
                outcome.ran.append(_name(task))
                progress.end(_name(task))
            if _part(task) and _name(task) in progress.began:
                progress.close(_name(task))

        def add_failure(self, task, fail):
            progress.end(_name(task), failed=True)
            if outcome.fault is None:
                outcome.fault = SegmentationError(f"{_name(task)}: {fail.message}")
                outcome.fault.__cause__ = RuntimeError("".join(fail.traceback))

    return Reporter(None, {"failure_verbosity": 0})


def _name(task) -> str:
    """Return what a task makes: of a stage that has two, "03_k_selection" for both."""
    return task.name.split(":")[1]


def _part(task) -> bool:
    """Return whether a task only ends a stage."""
    return task.name.count(":") > 1


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
    try:
        with FileLock(files.ROOT / "assets" / run / ".lock", blocking=False):
            sweep_halves(page.parent)
            private = any(open_finished(name, None).private for name in runs)
            warm_up = partial(notebooks.warm_up, modules_of(files.found(notebook)))
            execute = partial(notebooks.execute_notebook, files.found(notebook), told, executed, private=private)
            Execution(execute, lambda *_: None, first=warm_up).begin()
            render = import_module("segmentation.report.render")  # imported here, because it takes a second
            return render.write_comparison(executed, page, " → ".join(runs)), page
    except Timeout as fault:
        raise SegmentationError(f"run {run} is being made by another process; wait for it") from fault
    finally:
        _end_kernels()


def _end_kernels() -> None:
    for kernel in multiprocessing.active_children():
        kernel.kill()


def _tasks(plan: Plan, outcome: Outcome, chapters: Chapters, wanted: Beside, record: dict):
    for stage in STAGES:
        yield _stage_task(plan, outcome, chapters, stage, record)
        yield _executed_task(plan, outcome, chapters, stage)
    yield _page_task(plan, outcome, chapters)
    if wanted.printed:
        yield _pdf_task(plan, outcome, chapters, wanted.printed)
    if wanted.slides:
        yield _slides_task(plan, outcome, chapters)
    yield _manifest_task(plan, outcome, wanted)


def _stage_task(plan: Plan, outcome: Outcome, chapters: Chapters, stage: Stage, record: dict) -> dict:
    """Return the task of a stage's artifacts: it is done when they are written, and those who read them may begin."""
    parameters = {name: plan.parameters[name] for name in declared(stage)}
    wherever = parameters | ({"data": plan.wherever} if "data" in parameters else {})
    artifacts = [plan.study.path(name) for name in stage.writes]
    needs = [plan.described, *plan.inputs(stage), *map(file_of, modules_of(stage.notebook)), locked()]
    told = [wherever, notebook_source(stage.notebook)]
    work, perhaps = [chapters.begin, stage], partial(plan.perhaps, stage)
    task = _task(outcome, stage.name, stage.question, needs, artifacts, told, *work, drawn=perhaps)
    task["uptodate"].append(_as_executed(plan, stage, chapters, record))
    # Nobody can see from outside whether a database has changed.
    return task | ({"uptodate": [False]} if stage == STAGES[0] and not plan.source.settled else {})


def _as_executed(plan: Plan, stage: Stage, chapters: Chapters, record: dict):
    """Return doit's check that a stage's executed copy and figures are those that were made with its artifacts."""
    of_copy = record.get(f"report:{_executed(stage)}", {}).get("_values_:", {})

    def check(task, values) -> bool:
        task.value_savers.append(lambda: chapters.mark)
        together = values.get("run") == of_copy.get("run") is not None  # no run was stopped between the two
        return together and of_copy["made"] == _shown(plan, stage)

    return check


def _executed_task(plan: Plan, outcome: Outcome, chapters: Chapters, stage: Stage) -> dict:
    """Return the task of a stage's executed copy and figures, with which those who read its artifacts do not wait."""
    task = _task(outcome, _executed(stage), "", [], [plan.executed(stage)], [], chapters.finish, stage)

    def check(task) -> bool:
        task.value_savers.append(lambda: chapters.mark | {"made": _shown(plan, stage)})
        return stage not in chapters.begun

    return task | {"task_dep": [f"report:{stage.name}"], "uptodate": [check]}


def _shown(plan: Plan, stage: Stage) -> dict[str, str]:
    return hashes([plan.executed(stage), *plan.figures(stage)])


def _executed(stage: Stage) -> str:
    """Return the name of the task that ends a stage."""
    return f"{stage.name}:executed"


def _page_task(plan: Plan, outcome: Outcome, chapters: Chapters) -> dict:
    executed, told = [plan.executed(stage) for stage in STAGES], plan.told_parameters()
    needs, page = [*executed, *_found(plan), *behind_the_page("report.render")], _page(plan)
    work = [chapters.render, "report.render", "write_report", plan.study, executed, told]
    return _task(outcome, page.name, "rendering", needs, [page], told, *work)


def _pdf_task(plan: Plan, outcome: Outcome, chapters: Chapters, printed: Printed) -> dict:
    needs, pdf = [_page(plan), *behind_the_page("report.render")], plan.study.report / PDF
    work = [chapters.render, "report.render", "write_pdf", plan.study, printed]
    return _task(outcome, pdf.name, "rendering", needs, [pdf], printed, *work)


def _slides_task(plan: Plan, outcome: Outcome, chapters: Chapters) -> dict:
    executed, told = [plan.executed(stage) for stage in STAGES], plan.told_parameters()
    # After the page, which puts older ones aside.
    needs = [_page(plan), *executed, *_found(plan), *behind_the_page("report.slides.write")]
    targets = [plan.study.report / name for name in OF_PAGE[SLIDES]]
    work = [chapters.render, "report.slides.write", "write_slides", plan.study, executed, told]
    return _task(outcome, SLIDES, "rendering", needs, targets, told, *work)


def _manifest_task(plan: Plan, outcome: Outcome, wanted: Beside) -> dict:
    beside = [plan.study.report / file for name in wanted.made for file in OF_PAGE[name]]
    made = [*plan.artifacts(), _page(plan), *beside]
    notebooks, code = [stage.notebook for stage in STAGES], package_files()
    sources = [plan.described, *plan.base_files, *notebooks, *code, *plan.catalogues, locked()]
    told = [plan.told_parameters(), plan.fingerprints, plan.revision, *wanted]
    targets, work = [plan.study.path("manifest.json")], [write_manifest, plan, sources, wanted.printed]
    return _task(outcome, targets[0].name, "checksums", [*made, *sources], targets, told, *work)


def _page(plan: Plan) -> Path:
    return plan.study.report / "report.html"


def _found(plan: Plan) -> list[Path]:
    """Return what page and slides tell, and in which language."""
    lineage = [plan.study.path("lineage.json")] if plan.earlier else []
    return [*plan.artifacts(), *lineage, *plan.catalogues]


def _task(outcome: Outcome, name: str, asks: str, needs: list, makes: list, told, action, *arguments, drawn=list):
    """Return a doit task: out of date when a file that it needs or makes, or has drawn, or what is told changed."""
    began: list[str] = []
    return {
        "name": name,
        "doc": asks,
        "io": {"capture": False},
        "actions": [
            (_guarded, [outcome, lambda: began.append(hashed(state_of(needs, outcome.given)))]),
            (_guarded, [outcome, action, *arguments]),
        ],
        "file_dep": list(dict.fromkeys(map(files.name_of, needs))),
        "targets": list(map(files.name_of, makes)),
        "uptodate": [
            config_changed(hashed([told, of_environment()])),
            as_it_began(needs, outcome.given, began),
            as_it_was_made(makes, drawn),
        ],
    }


def _guarded(outcome: Outcome, action, *arguments) -> bool:
    """Keep the first fault of a run, so that it can be told in one message, and whole where somebody asks."""
    try:
        action(*arguments)
    except Exception as fault:
        outcome.fault = outcome.fault or fault
        return False
    return True
