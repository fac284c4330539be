"""A toy project: five tiny notebooks over the same stages, where how a run is made is the subject, not what it finds.

Each reads what its stage reads, and writes what its stage writes, as an earlier run of the sample found it. Where
that hangs on a parameter of the notebook, or on the raw table, the file of the toy does too.
"""

import json
import shutil
from pathlib import Path

import nbformat

from segmentation.runs.stages import STAGES, Stage
from tests.conftest import Project, copy_project

KEPT = "notebooks/kept"  # what the earlier run made
READS = """from segmentation.core import files
from segmentation.core.files import read_json, replacing, sha256, write_json, write_text

kept, folder = files.ROOT / "{kept}", files.ROOT / "assets" / run
read = [sha256(folder / name) for name in {reads}]"""
WRITES = """for name in {writes}:
    with replacing(folder / name) as beside:
        beside.write_bytes((kept / name).read_bytes())
write_text(folder / "figures" / "{number}-toy.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>")"""
OWN = {  # the others import a module that 01 and 03 do without
    "01_cleaning": """import pyarrow.parquet as pq

table, raw = pq.read_table(kept / "customers.parquet"), sha256(files.Path(data)).encode()
with replacing(folder / "customers.parquet") as beside:
    pq.write_table(table.replace_schema_metadata({"raw": raw}), beside)""",
    "03_k_selection": """asked = {"seed": seed or 0, "resamples": resamples or 100}
write_json(folder / "k_selection.json", read_json(kept / "k_selection.json") | asked)""",
}


def make_toy(made: Project, folder: Path) -> Project:
    """Copy the project with toys for notebooks, beside what they need of a project with a run of the sample."""
    project = copy_project(folder)
    kept = project.root / KEPT
    shutil.copytree(made.root / "assets" / "sample", kept, ignore=shutil.ignore_patterns("figures", ".*"))
    for stage in STAGES:
        nbformat.write(_toy_of(stage), project.root / "notebooks" / stage.notebook.name)
    return project


def _toy_of(stage: Stage):
    """Return the toy of a stage, with the cell of parameters of its real notebook."""
    cells = json.loads(stage.notebook.read_text(encoding="utf-8"))["cells"]
    [parameters] = ["".join(c["source"]) for c in cells if "parameters" in c["metadata"].get("tags", [])]
    own = OWN.get(stage.name, "import segmentation.pipeline.tidy")
    code = [
        READS.format(kept=KEPT, reads=list(stage.reads)),
        WRITES.format(writes=list(stage.writes), number=stage.name[:2]),
        own,
    ]
    new, name = nbformat.v4, stage.name.replace("_", "-")
    notebook = new.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "P", "language": "python"}})
    notebook.cells = [
        new.new_markdown_cell(f"# {stage.question}", id=f"{name}-title"),
        new.new_code_cell(parameters, id=f"{name}-parameters", metadata={"tags": ["parameters"]}),
        *(new.new_code_cell(source, id=f"{name}-{i}") for i, source in enumerate(code)),
        new.new_markdown_cell("## Answer", id=f"{name}-answer"),
    ]
    return notebook


def insert_code(project: Project, stage: str, source: str, *, below: bool = False) -> None:
    """Insert a cell of code into a toy, its fifth: before its answer, or below."""
    path = project.root / "notebooks" / f"{stage}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    at = len(notebook.cells) - (not below)
    notebook.cells.insert(at, nbformat.v4.new_code_cell(source, id=f"{stage.replace('_', '-')}-inserted"))
    nbformat.write(notebook, path)
