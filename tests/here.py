"""Notebooks executed in the process of the tests: the same cells, plan, record and page, without kernels or papermill.

For tests of what a report says of a table. How notebooks are executed otherwise is tested where that is the subject.
"""

import os
from pathlib import Path
from types import ModuleType

import nbformat
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from segmentation.core import files, parallel
from segmentation.pipeline import notebooks, tasks
from segmentation.report import display
from segmentation.runs import stages


def execute_here(
    notebook: Path, parameters: dict, final: Path, reach, *, data: str = "", private: bool = False
) -> None:
    """Execute the cells of a notebook one by one, and keep what they show at `final`, as `execute_notebook` does."""
    reach(0, 1, None)  # and wait until its turn has come
    # A process has one standard output and one current figure, and what runs a cell parses it.
    with stages._parsing:
        executed = nbformat.read(notebook, as_version=4)
        shell = InteractiveShell.instance(user_module=ModuleType("notebook"))
        shell.user_ns.clear()
        shell.init_user_ns()
        at = next(i for i, cell in enumerate(executed.cells) if "parameters" in cell.metadata.get("tags", []))
        told = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
        injected = nbformat.v4.new_code_cell(told, metadata={"tags": ["injected-parameters"]})
        executed.cells.insert(at + 1, injected)
        for cell in executed.cells:
            if cell.cell_type == "code":
                cell.outputs = _run(shell, cell.source)
        final.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebooks._publishable(executed, data, private), final)


def _run(shell: InteractiveShell, source: str) -> list:
    with capture_output(stderr=False) as shown:
        done = shell.run_cell(source)
    if error := done.error_before_exec or done.error_in_exec:
        raise error
    said = [nbformat.v4.new_output("stream", name="stdout", text=shown.stdout)] if shown.stdout else []
    return said + [
        nbformat.v4.new_output("display_data", output.data, metadata=output.metadata) for output in shown.outputs
    ]


def leave_undrawn(patch) -> None:
    """Let figures be empty, where nobody looks at them: they cost half of a report."""
    empty = '<svg xmlns="http://www.w3.org/2000/svg" width="1pt" height="1pt"/>'
    patch.setattr(display, "_svg", lambda whole, salt, box=None: empty)


def patch_execution(patch, root: Path) -> None:
    """Let the pipeline of a copied project execute notebooks here, end no process of the tests, and leave no trace."""
    patch.setattr(files, "PACKAGE", root / "segmentation")
    patch.setattr(files, "SHIPPED", root)
    patch.setattr(notebooks, "execute_notebook", execute_here)
    patch.setattr(notebooks, "warm_up", lambda modules=None, alone=(): None)
    patch.setattr(notebooks, "fork_worker", lambda: None)
    patch.setattr(tasks.multiprocessing, "active_children", list)
    patch.setattr(parallel, "_cores", lambda: 1)  # the workers of the tests hold the others
    patch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
