"""The stages, what each reads and writes, and running those that are out of date."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from segmentation.dataset import ROOT, parse_features
from segmentation.errors import DataError, NotebookFailed, SegmentationError, UsageError
from segmentation.reading import find_table
from segmentation.study import Study, open_study


@dataclass(frozen=True)
class Stage:
    """One notebook: the artifacts under assets/<run>/ that it reads and writes; every stage may write figures."""

    name: str
    question: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()

    @property
    def notebook(self) -> Path:
        return ROOT / "notebooks" / f"{self.name}.ipynb"


# The one map: 02 runs beside 03 -> 04 -> 05. The README's diagram is checked against it.
STAGES = (
    Stage(
        "01_cleaning",
        "Which customers can we trust?",
        writes=("customers.parquet", "rejected.csv", "cleaning.json"),
    ),
    Stage("02_eda", "What do the customers look like?", reads=("customers.parquet",)),
    Stage("03_k_selection", "How many segments?", reads=("customers.parquet",), writes=("k_selection.json",)),
    Stage(
        "04_clustering",
        "Which segment does each customer belong to?",
        reads=("customers.parquet", "k_selection.json"),
        writes=("segments.parquet", "segments.csv", "model.skops", "model.json"),
    ),
    Stage(
        "05_profiling",
        "Who are they, and what should we do?",
        reads=("customers.parquet", "segments.parquet", "k_selection.json"),
        writes=("profiles.json", "profiles.csv"),
    ),
)


@dataclass(frozen=True)
class Plan:
    """What a run will do: its study, its raw table, and each parameter with who set it."""

    study: Study
    source: Path
    parameters: dict
    set_by: dict

    @property
    def report(self) -> Path:
        return ROOT / "report" / self.study.run

    def executed(self, stage: Stage) -> Path:
        """Return where the executed copy of a stage's notebook lies."""
        return self.report / "notebooks" / stage.notebook.name


def make_plan(**given) -> Plan:
    """Decide each parameter: notebook default < dataset.yaml < command line.

    Parameters
    ----------
    given : str or None
        run, dataset, data, features, k, seed as typed; None where nothing was typed.

    Raises
    ------
    UsageError, DataError
        Before anything runs, for every fault that can be seen by then.
    """
    defaults = _notebook_defaults()
    name = given["dataset"] or defaults["dataset"]
    study = open_study(given["run"] or given["dataset"] or defaults["run"], name)
    dataset = study.dataset
    values, set_by = {"run": study.run, "dataset": name}, {}
    typed = {"k": _number(given["k"], "K", least=2), "seed": _number(given["seed"], "SEED", least=0)}
    for parameter in ("k", "seed"):
        choices = [
            ("command line", typed[parameter]),
            ("dataset.yaml", getattr(dataset, parameter) if parameter in dataset.model_fields_set else None),
            ("notebook", defaults[parameter]),
            ("default", getattr(dataset, parameter)),
        ]
        set_by[parameter], values[parameter] = next(choice for choice in choices if choice[1] is not None)
    features = given["features"] or defaults["features"]
    values["features"] = ",".join(parse_features(features, dataset))
    set_by["features"] = "command line" if given["features"] else "notebook" if features else "dataset.yaml"
    data = given["data"] or defaults["data"]
    source = find_table(name, dataset, data)
    values["data"] = str(source)
    set_by["data"] = "command line" if given["data"] else "notebook" if data else "dataset.yaml"
    return Plan(study, source, values, set_by)


def _number(text: str | None, option: str, *, least: int):
    if text is None or (option == "K" and text == "auto"):
        return text
    if not text.isascii() or not text.isdecimal() or not least <= int(text) < 2**32:
        auto = "auto or " if option == "K" else ""
        raise UsageError(f"{option}={text} is not usable; expected {auto}a whole number of at least {least}")
    return int(text)


def _declared(stage: Stage) -> dict:
    """Return the parameters that a notebook declares, with their defaults."""
    import ast

    import nbformat

    for cell in nbformat.read(stage.notebook, as_version=4).cells:
        if "parameters" in cell.metadata.get("tags", []):
            return {node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(cell.source).body}
    raise UsageError(f"notebooks/{stage.notebook.name} has no cell tagged 'parameters'; tag the one that sets them")


def _notebook_defaults() -> dict:
    """Return each parameter's default over all notebooks: the one that is not None.

    Raises
    ------
    UsageError
        When two notebooks set different ones.
    """
    merged = {}
    for stage in STAGES:
        for name, value in _declared(stage).items():
            if merged.get(name) is not None and value not in (None, merged[name]):
                raise UsageError(
                    f"notebooks/{stage.notebook.name} sets {name} = {value!r}, a notebook before it {merged[name]!r}; "
                    "set it in one of them, in dataset.yaml, or on the command line"
                )
            merged[name] = value if value is not None else merged.get(name)
    return merged


@dataclass
class _Outcome:
    """What happened in a run: the stages that ran, those that were up to date, and the first fault."""

    ran: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)
    fault: SegmentationError | None = None


def run_pipeline(plan: Plan, *, pdf: bool = False) -> _Outcome:
    """Run every stage that is out of date, 02 beside the others, then render the report.

    Raises
    ------
    NotebookFailed, UsageError, DataError
        When a stage fails; the previous report stays as it was.
    """
    from doit.cmd_base import ModuleTaskLoader
    from doit.doit_cmd import DoitMain

    outcome = _Outcome()
    plan.study.folder.mkdir(parents=True, exist_ok=True)
    config = {
        "dep_file": str(plan.study.folder / ".doit.json"),
        "backend": "json",
        "reporter": _reporter(outcome),
        "num_process": 2,
        "par_type": "thread",
        "verbosity": 0,
    }
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    tasks = {"DOIT_CONFIG": config, "task_report": lambda: _tasks(plan, outcome, pdf)}
    code = DoitMain(ModuleTaskLoader(tasks), config_filenames=()).run(["run"])
    if outcome.fault:
        raise outcome.fault
    if code:
        raise SegmentationError("the pipeline stopped; run it again with --debug to see why")
    return outcome


def _reporter(outcome: _Outcome):
    from doit.reporter import ZeroReporter

    class Reporter(ZeroReporter):
        def skip_uptodate(self, task):
            outcome.fresh.append(task.name.partition(":")[2])

        def add_success(self, task):
            if task.actions:
                outcome.ran.append(task.name.partition(":")[2])

        def add_failure(self, task, fail):
            if outcome.fault is None:
                outcome.fault = SegmentationError(f"{task.name.partition(':')[2]}: {fail.get_msg().strip()}")

    return Reporter


def _tasks(plan: Plan, outcome: _Outcome, pdf: bool):
    from doit.tools import config_changed

    from segmentation import render

    code = [*sorted((ROOT / "segmentation").glob("*.py")), ROOT / "requirements.txt"]
    for stage in STAGES:
        declared = {name: plan.parameters[name] for name in _declared(stage)}
        inputs = [plan.source] if stage.name == "01_cleaning" else [plan.study.path(name) for name in stage.reads]
        described = ROOT / "data" / plan.parameters["dataset"] / "dataset.yaml"
        yield {
            "name": stage.name,
            "actions": [(_guarded, [outcome, _execute, stage, declared, plan])],
            "file_dep": [str(path) for path in [stage.notebook, described, *inputs, *code]],
            "targets": [str(path) for path in [*map(plan.study.path, stage.writes), plan.executed(stage)]],
            "uptodate": [config_changed(declared)],
        }
    template = [path for path in sorted((ROOT / "report" / "template").iterdir()) if path.is_file()]
    executed = [plan.executed(stage) for stage in STAGES]
    results = [plan.study.path(name) for stage in STAGES for name in stage.writes]
    for name, action, needs, makes in [
        ("html", render.write_report, [*executed, *results], ["report.html"]),
        ("pdf", render.write_pdf, [plan.report / "report.html"], ["report.pdf"]),
    ]:
        if name == "html" or pdf:
            yield {
                "name": name,
                "actions": [(_guarded, [outcome, action, plan])],
                "file_dep": [str(path) for path in [*needs, *template, *code]],
                "targets": [str(plan.report / target) for target in makes],
                "uptodate": [config_changed({**plan.parameters, **plan.set_by})],
            }


def _guarded(outcome: _Outcome, action, *arguments) -> bool:
    """Keep the first fault of a run, so that it can be told in one message."""
    try:
        action(*arguments)
    except SegmentationError as fault:
        outcome.fault = outcome.fault or fault
        return False
    return True


def _execute(stage: Stage, parameters: dict, plan: Plan) -> None:
    """Execute one notebook, and keep its executed copy, partly executed when it failed."""
    import nbformat
    import papermill
    from papermill.exceptions import PapermillExecutionError

    final = plan.executed(stage)
    final.parent.mkdir(parents=True, exist_ok=True)
    failed = final.with_name(f"{stage.name}.failed.ipynb")
    failed.unlink(missing_ok=True)
    for old in plan.study.path("figures").glob(f"{stage.name[:2]}-*.svg"):
        old.unlink()
    shows = sys.stderr.isatty()
    if not shows:
        print(f"{stage.name}: {stage.question}", file=sys.stderr, flush=True)
    try:
        papermill.execute_notebook(
            str(stage.notebook).replace("{", "{{").replace("}", "}}"),
            str(failed).replace("{", "{{").replace("}", "}}"),
            parameters=parameters,
            kernel_name="python3",
            progress_bar={"desc": f"{stage.name:<15}"} if shows else False,
        )
    except PapermillExecutionError as fault:
        raise _told(fault, stage, failed) from None
    except Exception as fault:
        raise NotebookFailed(f"notebooks/{stage.notebook.name} stopped: {fault}") from None
    notebook = _publishable(nbformat.read(failed, as_version=4), plan)
    nbformat.write(notebook, failed)
    os.replace(failed, final)


def _told(fault, stage: Stage, failed: Path) -> SegmentationError:
    """Turn an exception inside a kernel into our own error: the user's faults keep their words and exit code."""
    for kind in (UsageError, DataError):
        if fault.ename == kind.__name__:
            return kind(fault.evalue)
    cell = fault.source.strip().splitlines()
    return NotebookFailed(
        f"notebooks/{stage.notebook.name}, code cell {fault.exec_count} ({cell[0] if cell else 'empty'}): "
        f"{fault.ename}: {fault.evalue}\nThe partly executed copy is {failed.relative_to(ROOT).as_posix()}; "
        "the previous report is unchanged."
    )


def _publishable(notebook, plan: Plan):
    """Remove what differs from run to run or tells about the machine: clock times, random ids, folders."""
    import json

    import nbformat

    notebook.metadata.pop("papermill", None)
    for i, cell in enumerate(notebook.cells):
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = f"{notebook.cells[i - 1]['id']}-injected"
    text = nbformat.writes(notebook)
    for folder in (plan.source.parent, ROOT):
        text = text.replace(json.dumps(f"{folder}{os.sep}")[1:-1].replace("\\", "\\\\"), "")
        text = text.replace(json.dumps(f"{folder}{os.sep}")[1:-1], "")
    return nbformat.reads(text, as_version=4)
