"""Executing a notebook by papermill, and what is kept of it."""

import gc
import json
import logging
import os
import re
import sys
from functools import partial
from itertools import dropwhile, takewhile
from pathlib import Path

from segmentation.core import files
from segmentation.core.errors import DataError, NotebookFailed, SegmentationError, UsageError, cause, in_our_words
from segmentation.core.files import write_text
from segmentation.pipeline.dependencies import notebook_source

CELL_SECONDS = 3600
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
    # Imported here, beside the server that imports the rest; a run in which nothing changed needs none of them.
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from segmentation.report import render  # noqa: F401

    gc.freeze()  # what is imported is no garbage
    final.parent.mkdir(parents=True, exist_ok=True)
    failed, running = final.with_name(f"{final.stem}.failed.ipynb"), final.with_name(f".{final.name}")
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
