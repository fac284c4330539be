"""Executing a notebook by papermill, and what is kept of it."""

import gc
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from importlib import import_module
from itertools import dropwhile, takewhile
from pathlib import Path
from threading import Event, Lock, Thread
from uuid import uuid4

from segmentation.core import files
from segmentation.core.errors import DataError, NotebookFailed, SegmentationError, UsageError, cause, in_our_words
from segmentation.core.files import write_text
from segmentation.core.parallel import fork_worker, start_fork_server
from segmentation.language import speak
from segmentation.pipeline.dependencies import modules_of, notebook_source
from segmentation.pipeline.plan import Plan
from segmentation.pipeline.progress import Progress
from segmentation.runs.stages import STAGES, Stage, declared

CELL_SECONDS = 3600
LARGEST_BESIDE = 500_000_000  # bytes of a raw table: while a larger one is cleaned, no other kernel takes memory
NOT_FOR_SHARING = (
    "**Not for sharing.** The table is private (`privacy: aggregate`), and what a cell of this notebook shows was not "
    "looked at for what it gives away; what may be sent are `report.html` and `report.pdf`."
)
OF_USER = {kind.__name__: kind for kind in (UsageError, DataError)}  # faults that keep their words and exit code
logging.getLogger("papermill").addHandler(logging.NullHandler())  # what it logs is told once, by the exception
# Without it nbformat does not check addresses, of which a notebook has none; with it, it builds a grammar for a second.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def execute_notebook(
    notebook: Path, parameters: dict, final: Path, reach, *, data: str = "", private: bool = False
) -> None:
    """Execute a notebook, and keep its executed copy at `final`; `data` is what it may say of the raw table's place.

    Of a `private` table the copy says first that it is not for sharing.

    Raises
    ------
    NotebookFailed, UsageError, DataError
        When a cell fails; the partly executed copy is kept beside `final`.
    """
    # Imported here: a run in which nothing changed does not need it.
    import papermill
    from papermill.exceptions import PapermillExecutionError

    gc.freeze()  # what is imported is no garbage
    final.parent.mkdir(parents=True, exist_ok=True)
    failed, running = final.with_name(f"{final.stem}.failed.ipynb"), _running(final)
    failed.unlink(missing_ok=True)
    running.touch()  # where nothing can be written, nobody waits for the cells
    cells = len(notebook_source(notebook)) + 1  # papermill adds one
    begun: list = []
    try:
        papermill.execute_notebook(
            str(notebook).replace("{", "{{").replace("}", "}}"),
            str(running).replace("{", "{{").replace("}", "}}"),
            parameters=parameters,
            kernel_name="python3",
            kernel_manager_class="segmentation.pipeline.kernels.Manager",
            execution_timeout=CELL_SECONDS,
            extra_arguments=["--log-level=50"],
            progress_bar=False,
            on_cell_start=partial(_begin, begun, reach, cells),
            request_save_on_cell_execute=False,  # it took longer than most cells
        )
    except PapermillExecutionError as fault:
        _publish(running, failed, data, private)
        raise _told(fault, notebook, failed) from fault
    except Exception as fault:
        if isinstance(fault, OSError) and fault.filename:
            raise  # of the folder of the report
        raise NotebookFailed(f"notebooks/{notebook.name}, {_stopped_at(begun)} stopped: {_why(fault)}") from fault
    _publish(running, final, data, private)


def _begin(begun: list, reach, cells: int, cell, cell_index: int) -> None:
    """Note a cell that begins, and tell it."""
    begun.append(cell)
    reach(cell_index, cells, cell)


class Execution:
    """A notebook on its way in a thread of its own: its kernel starts at once, its cells when their turn has come.

    Parameters
    ----------
    execute : what executes the notebook, and is given what to call before each cell.
    reach : what is called before each cell, once their turn has come.
    first : what is called before, in the same thread.
    """

    def __init__(self, execute: Callable[[Callable], None], reach: Callable, first: Callable = bool):
        self._reach, self._turn, self._dropped = reach, Event(), False
        self._made, self._over = Event(), Future[None]()
        self._kept = sys.maxsize
        Thread(target=self._work, args=(execute, first), daemon=True).start()

    def begin(self, kept: int = sys.maxsize) -> None:
        """Let the cells run, and return once the one with this index is reached, or all have run.

        Raises
        ------
        NotebookFailed, UsageError, DataError
            When a cell has failed by then.
        """
        self._kept = kept
        self._turn.set()
        self._made.wait()
        if self._over.done():
            self._over.result()

    def finish(self) -> None:
        """Return once all cells have run and the executed copy is in its place; raises as `begin` does."""
        self._over.result()

    def drop(self) -> None:
        """Run no further cell, and return once the kernel has ended."""
        self._dropped = True
        self._turn.set()
        with suppress(Exception):  # which nobody waits for
            self.finish()

    def _work(self, execute, first) -> None:
        try:
            import_module("papermill")  # while the server imports what kernels need
            first()
            execute(self._before_cell)
            self._over.set_result(None)
        except BaseException as fault:
            self._over.set_exception(fault)
        finally:
            self._made.set()

    def _before_cell(self, index: int, *where) -> None:
        self._turn.wait()
        if self._dropped:
            raise InterruptedError
        if index >= self._kept and not self._made.is_set():
            from segmentation.pipeline import kernels  # imported here, as above

            kernels.give_way()  # to those that others wait for
            self._made.set()
        self._reach(index, *where)


class Rendering:
    """What renders chapters while others run: a process of its own, where kernels are forked, so that none waits."""

    def __init__(self, language: str, *, cold: bool):
        self._language, self._cold, self._lock = language, cold, Lock()
        self._renderer: Executor | None = None

    def ahead(self, action: str, *arguments) -> None:
        """Begin to prepare a part of the page, or only to import what renders, and do not wait for it."""
        Thread(target=self._begin, args=[action, *arguments], daemon=True).start()

    def _begin(self, action: str, *arguments) -> None:
        with self._lock:
            self._renderer = self._renderer or (None if self._cold else fork_worker())
            if self._renderer:
                self._renderer.submit(_render, self._language, "report.render", action, *arguments)
            else:
                import_module("segmentation.report.render")  # it takes a second

    def finish(self, module: str, action: str, *arguments) -> None:
        """Do what a module renders, and return once it is done; raises as that does."""
        with self._lock:
            renderer = self._renderer
        if renderer:
            renderer.submit(_render, self._language, module, action, *arguments).result()
        else:
            _render(self._language, module, action, *arguments)


def _render(language: str, module: str, action: str, *arguments) -> None:
    speak(language)
    # Imported here, because it takes a second.
    getattr(import_module(f"segmentation.{module}"), action)(*arguments)


def _with_later(stage: Stage) -> set[Stage]:
    """Return a stage, and those that hang on it."""
    found = {stage}
    for later in STAGES:
        if any(set(later.reads) & set(earlier.writes) for earlier in found):
            found.add(later)
    return found


class Chapters:
    """The notebooks of a run: each runs when its turn has come, and finds its kernel waiting.

    begun : the stages whose turn has come, each with the figures that lay there before.
    mark : what tells this run from all others.
    """

    def __init__(self, plan: Plan, progress: Progress, *, cold: bool):
        self.plan, self.progress, self.cold = plan, progress, cold
        self.begun: dict[Stage, dict[Path, tuple]] = {}
        self.mark = {"run": uuid4().hex}
        self._handed: dict[Stage, dict[Path, tuple]] = {}
        self._executions: dict[Stage, Execution] = {}
        self._starting = Lock()
        self._rendering = Rendering(plan.study.language, cold=cold)

    def begin(self, stage: Stage) -> None:
        """Let a stage run, and return once its artifacts are written; it goes on to show what it has found."""
        if not self.begun:
            before = [self.plan.executed(other) for other in STAGES if other not in _with_later(stage)]
            self._rendering.ahead("prepare", before)
        self.begun[stage] = _states(self.plan.figures(stage))
        execution = self._start(stage)
        later = [other for other in STAGES if set(other.reads) & set(stage.writes)]
        if stage == STAGES[0] and sum(path.stat().st_size for path in self.plan.source.files) > LARGEST_BESIDE:
            Thread(target=self._warm, args=later[:1], daemon=True).start()
        else:
            for other in later:
                self._start(other)
        execution.begin(_all_kept(stage.notebook) + 1)  # papermill adds a cell
        if stage == STAGES[0]:
            self.plan.require_same_table()
        self._handed[stage] = _states(self._artifacts(stage))
        if stage == STAGES[-1] and not self.plan.study.path("sample.parquet").is_file():  # else memory is short
            self._rendering.ahead("prepare_around", self.plan.study, self.plan.told_parameters())

    def finish(self, stage: Stage) -> None:
        """Return once a stage has ended, and remove the figures that it no longer draws.

        Raises
        ------
        NotebookFailed
            When it has written an artifact again that others read already.
        """
        self._executions[stage].finish()
        for path, state in _states(self.plan.figures(stage)).items():
            if self.begun[stage].get(path) == state:
                path.unlink()
        for path, state in _states(self._artifacts(stage)).items():
            if self._handed[stage].get(path) != state:
                raise NotebookFailed(
                    f"notebooks/{stage.notebook.name} writes {path.name} when others have read it; write it in the "
                    'cell that is tagged "kept", or where none is, above the last heading'
                )
        if stage != STAGES[-1]:  # which the page waits for
            self._rendering.ahead("prepare", [self.plan.executed(stage)])

    def render(self, module: str, action: str, *arguments) -> None:
        """Render the page where chapters were rendered, in this process where none was."""
        self._rendering.finish(module, action, *arguments)

    def drop(self) -> None:
        """End the kernels that still wait."""
        for stage, execution in self._executions.items():
            execution.drop()
            if stage not in self.begun:
                _running(self.plan.executed(stage)).unlink(missing_ok=True)

    def _artifacts(self, stage: Stage) -> list[Path]:
        return [*map(self.plan.study.path, stage.writes), *self.plan.perhaps(stage)]

    def _start(self, stage: Stage) -> Execution:
        """Start the kernel of a stage, once."""
        with self._starting:
            if not self.cold:
                warm_up()
            if stage not in self._executions:
                reach, warm = partial(self.progress.reach, stage.name), partial(self._warm, stage)
                self._executions[stage] = Execution(partial(self._execute, stage), reach, warm)
            return self._executions[stage]

    def _warm(self, stage: Stage) -> None:
        if not self.cold:
            alone = ["skops.io"] if "model.skops" in stage.writes else []
            warm_up(used_from(stage) if stage != STAGES[0] else None, alone)

    def _execute(self, stage: Stage, before_cell) -> None:
        parameters = {name: self.plan.parameters[name] for name in declared(stage)}
        of, private, final = self.plan.source.name, self.plan.study.private, self.plan.executed(stage)
        execute_notebook(stage.notebook, parameters, final, before_cell, data=of, private=private)


def warm_up(modules: list[str] | None = None, alone: Iterable[str] = ()) -> None:
    """Let kernels that this thread starts be forked from a process that has imported these modules.

    Without modules, from one that has imported what every notebook needs, which is ready sooner. What they need
    `alone` of all is imported while they start.
    """
    start_fork_server()
    if modules:
        from segmentation.pipeline import kernels  # imported here: an idle run starts none

        kernels.warm_up([f"segmentation.{name}" for name in modules if not name.endswith("__init__")], alone)


def used_from(stage: Stage) -> list[str]:
    """Return the modules of this package that the notebook of a stage uses, and those after it, which may follow."""
    return sorted(set().union(*(modules_of(later.notebook) for later in STAGES[STAGES.index(stage) :])))


def _all_kept(notebook: Path) -> int:
    """Return which cell runs when all artifacts are written: the one behind that tagged "kept", or the last heading."""
    cells = notebook_source(notebook)
    kept = [i + 1 for i, (_, tags, _) in enumerate(cells) if "kept" in tags]
    return max(kept or [i for i, (kind, *_) in enumerate(cells) if kind == "markdown"], default=len(cells))


def _states(paths: Iterable[Path]) -> dict[Path, tuple]:
    """Return of each file that is there what differs once it was written again."""
    states = {path: path.stat() for path in paths if path.is_file()}
    return {path: (state.st_mtime_ns, state.st_ino) for path, state in states.items()}


def _running(final: Path) -> Path:
    """Return where papermill keeps a notebook while it runs."""
    return final.with_name(f".{final.name}")


def _why(fault: Exception) -> str:
    why = in_our_words(cause(fault), files.ROOT)
    return f"{why}, as when there is too little memory" if "died" in why else why


def _stopped_at(begun: list) -> str:
    """Return which of the cells that had begun ran when the kernel died or hung."""
    code = [cell for cell in begun if cell.cell_type == "code"]
    own = [cell for cell in code if "injected-parameters" not in cell.metadata.get("tags", [])]
    if not own:
        return "before its first cell,"
    first = "".join(own[-1].source).strip().splitlines() or ["empty"]
    return f"code cell {len(own)} ({first[0]})"


def _told(fault, notebook: Path, failed: Path) -> SegmentationError:
    """Turn an exception inside a kernel into our own error: the user's faults keep their words and exit code."""
    if fault.ename in OF_USER:
        return OF_USER[fault.ename](fault.evalue)
    cell = fault.source.strip().splitlines()
    why = in_our_words(f"{fault.ename}: {fault.evalue}", files.ROOT)
    # papermill counts the cell of parameters that it added.
    return NotebookFailed(
        f"notebooks/{notebook.name}, code cell {fault.exec_count - 1} ({cell[0] if cell else 'empty'}): "
        f"{why}\nThe partly executed copy is {files.shown(failed)}; "
        "a report made before is unchanged."
    )


def _publish(running: Path, place: Path, data: str, private: bool) -> None:
    """Move an executed notebook to its place, as it is kept, with the same line ends on every system."""
    import nbformat  # imported here, as above

    write_text(running, f"{nbformat.writes(_publishable(nbformat.read(running, as_version=4), data, private))}\n")
    running.replace(place)


def _publishable(notebook, data: str, private: bool = False):
    """Remove what differs from run to run or tells about the machine: clock times, random ids, folders.

    Prose that is tagged "if-shown" goes too where the code beneath it shows nothing. The first line of a private
    table's notebook, which the page leaves out, says that it is not for sharing.
    """
    from nbformat.v4 import new_markdown_cell  # imported here, as above

    notebook.metadata.pop("papermill", None)
    shown = f"data = {json.dumps(data, ensure_ascii=False)}"
    for i, cell in enumerate(notebook.cells):
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = f"{notebook.cells[i - 1]['id']}-injected"
            cell.source = re.sub(r"^data = .*$", lambda _: shown, cell.source, flags=re.M)
        for output in cell.get("outputs", []):
            if output.get("ename") in OF_USER:
                output.traceback = [f"{output.ename}: {output.evalue}"]  # what is behind it may hold a password
            if output.output_type == "stream":
                for root in (files.ROOT, files.SHIPPED, files.PACKAGE.parent, sys.prefix):
                    output.text = output.text.replace(f"{root}{os.sep}", "")
    notebook.cells = [cell for i, cell in enumerate(notebook.cells) if not _is_idle(notebook.cells[i:])]
    if private:
        banner = new_markdown_cell(NOT_FOR_SHARING, id="not-for-sharing", metadata={"tags": ["hide"]})
        notebook.cells.insert(0, banner)
    return notebook


def _is_idle(cells: list) -> bool:
    """Return whether the first of these cells is prose about what is shown beneath it, and nothing is."""
    beneath = takewhile(lambda cell: cell.cell_type == "code", dropwhile(lambda cell: cell.cell_type != "code", cells))
    return "if-shown" in cells[0].metadata.get("tags", []) and not any(cell.outputs for cell in beneath)
