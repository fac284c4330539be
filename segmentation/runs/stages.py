"""The stages, what each reads and writes, and the parameters that each notebook declares."""

import ast
import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from threading import Lock

from filelock import FileLock, Timeout

from segmentation.core import files
from segmentation.core.errors import SegmentationError, UsageError

MOST_IN_NAME = 200  # bytes: file systems take 255
_parsing = Lock()
OF_BASE = ("model.skops", "model.json", "profiles.json")  # what is read of an earlier run
WORKBOOK, LISTS = "segments.xlsx", "lists"  # of `make lists`, by no stage: they hold customers
PDF, SLIDES = "report.pdf", "slides.html"
OF_PAGE = {PDF: (PDF,), SLIDES: (SLIDES, "slides.pptx")}  # what is made of the report when asked for: its files
DIALECTS = {  # what sqlglot calls each, and the databases that read it; the first has the files of plain names
    "postgres": "DuckDB and PostgreSQL",
    "mysql": "MySQL, MariaDB and SQLite",
    "bigquery": "BigQuery",
    "snowflake": "Snowflake",
    "spark": "Spark",
    "tsql": "SQL Server",
}


def sql_files(query: str) -> dict[str, str]:
    """Return the files that hold a query, each with its dialect."""
    first, *others = DIALECTS
    return {f"{query}.sql": first} | {f"sql/{query}.{other}.sql": other for other in others}


@dataclass(frozen=True)
class Stage:
    """One notebook: the artifacts under assets/<run>/ that it reads and writes; every stage may write figures."""

    name: str
    question: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    may_write: tuple[str, ...] = ()  # by the number of customers, or where there is an earlier run
    may_read: tuple[str, ...] = ()  # where there is an earlier run

    @property
    def notebook(self) -> Path:
        return files.found(f"notebooks/{self.name}.ipynb")


# The one map: 02 runs beside 03 -> 04 -> 05. The README's diagram is checked against it.
STAGES = (
    Stage(
        "01_cleaning",
        "Which customers can we trust?",
        writes=("customers.parquet", "values.parquet", "rejected.csv", "flagged.csv", "cleaning.json"),
        may_write=("sample.parquet",),
    ),
    Stage("02_eda", "What do the customers look like?", reads=("customers.parquet", "values.parquet")),
    Stage(
        "03_k_selection",
        "How many segments?",
        reads=("customers.parquet", "values.parquet"),
        writes=("k_selection.json",),
    ),
    Stage(
        "04_clustering",
        "Which segment does each customer belong to?",
        reads=("customers.parquet", "values.parquet", "k_selection.json"),
        writes=(
            *("segments.parquet", "segmented.parquet", "borderline.csv", "model.skops", "model.json"),
            *sql_files("segments"),
        ),
        may_write=("lineage.json",),
    ),
    Stage(
        "05_profiling",
        "Who are they, and what should we do?",
        reads=(
            "customers.parquet",
            "values.parquet",
            "cleaning.json",
            "segmented.parquet",
            "model.json",
            "k_selection.json",
        ),
        writes=("profiles.json", "profiles.csv", *sql_files("rules")),
        may_write=("segments.csv",),
        may_read=("lineage.json",),
    ),
)


def parsed(code: str) -> ast.Module:
    """Return the syntax tree of some code; the one place that parses, because threads do and each waits for the other.

    Of two that parse at once Python 3.11 now and then stops one with a SystemError.
    """
    with _parsing:
        return ast.parse(code)


def declared(stage: Stage) -> dict:
    """Return the parameters that a notebook declares, with their defaults.

    Raises
    ------
    UsageError
        When the notebook has no cell of plain assignments tagged "parameters".
    """
    try:
        for cell in json.loads(stage.notebook.read_text(encoding="utf-8"))["cells"]:
            if "parameters" in cell["metadata"].get("tags", []):
                assignments: list = parsed("".join(cell["source"])).body
                return {node.targets[0].id: ast.literal_eval(node.value) for node in assignments}
    except (AttributeError, KeyError, SyntaxError, ValueError) as fault:
        raise UsageError(
            f"notebooks/{stage.notebook.name}: its parameters cannot be read ({fault}); "
            "expected a notebook whose tagged cell holds plain assignments such as k = None"
        ) from fault
    raise UsageError(f"notebooks/{stage.notebook.name} has no cell tagged 'parameters'; tag the one that sets them")


def compared_page(earlier: Sequence[str]) -> str:
    """Return the name of the page that compares a run with earlier ones, of which there may be too many for a name."""
    told = "+".join(earlier)
    if len(told.encode()) > MOST_IN_NAME:
        told = f"{earlier[0]}+{len(earlier) - 1} more+{hashlib.sha256(told.encode()).hexdigest()[:8]}"
    return f"compare-{told}.html"


def is_generated(folder: Path) -> bool:
    """Return whether a folder under assets/ or report/ is a run's: it holds what a run writes there, or nothing."""
    if folder.is_symlink() or not folder.is_dir() or folder.name in files.NOT_RUNS:
        return False
    made = [".doit.json", ".lock", ".made.json", "manifest.json", *(name for stage in STAGES for name in stage.writes)]
    executed = [f"notebooks/*{stage.notebook.name}" for stage in STAGES]
    pages = ["report.html", *chain(*OF_PAGE.values()), "compare-*.html", *executed]
    return not any(folder.iterdir()) or any(any(folder.glob(name)) for name in [*made, *pages])


def remove_runs() -> Iterator[str]:
    """Remove the runs under assets/ and report/, and what was kept of them; yield a line for each folder that is none.

    The last line says what was removed, and what is left.

    Raises
    ------
    SegmentationError
        At the end, when one could not be removed.
    """
    kept, removed = [], []
    for folder in sorted(set((files.ROOT / "assets").glob("*/")) | set((files.ROOT / "report").glob("*/"))):
        shown = files.shown(folder)
        if is_generated(folder) or (folder == files.ROOT / "assets" / files.KEPT and not folder.is_symlink()):
            if why := _remove(folder):
                kept.append(f"{shown} ({why})")
            else:
                removed.append(shown)
        elif folder.name not in files.NOT_RUNS or folder.is_symlink():
            yield f"{shown} is left as it is: it is {'a link' if folder.is_symlink() else 'not a run'}"
    told = f"removed: {', '.join(removed)}" if removed else "nothing is removed"
    yield f"{told}; tables, their descriptions under data/ and the environment stay"
    if kept:
        raise SegmentationError(f"not removed: {', '.join(kept)}")


def _remove(folder: Path) -> str:
    """Remove a folder of a run; return why it is still there, or nothing."""
    lock = files.ROOT / "assets" / folder.name / ".lock"
    try:
        if lock.is_file():
            with FileLock(lock, blocking=False):
                pass
        shutil.rmtree(folder)
    except Timeout:
        return "the run is being made"
    except OSError as fault:
        return str(fault.strerror)
    return ""
