"""What a run was made from: its manifest, with fingerprints, parameters and versions, and what is kept of where it was.

`.made.json` lets a run's name alone make it again. It says what the manifest says, and where the raw table lies: that
names folders of a machine, and stands in no file that is handed on. Of a database on a server no place is kept, because
it may hold a password.
"""

import platform
import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from segmentation.core import files
from segmentation.core.dataset import ASSUMED, Dataset, dataset_path
from segmentation.core.errors import DataError, SegmentationError, UsageError, as_command, as_option
from segmentation.core.files import sha256
from segmentation.core.text import key, suggest
from segmentation.runs.artifacts import Made, Manifest, read_artifact, remake_command
from segmentation.runs.records import Printed
from segmentation.runs.run import Run, check_run_name, forming, load_dataset
from segmentation.runs.stages import LISTS, OF_PAGE, WORKBOOK

COLUMNS_SHOWN = 5
LISTED_FROM = ("segmented.parquet", "k_selection.json", "model.json", "profiles.json", "cleaning.json")
CHECKED = ("model.skops", "model.json", "profiles.json", "cleaning.json")


def versions() -> dict[str, str]:
    """Return the version of Python and of every direct dependency."""
    project = tomllib.loads((files.SHIPPED / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    direct = [re.split(r"[^\w.-]", requirement)[0] for requirement in project["dependencies"]]
    return {"python": platform.python_version()} | {name: version(name) for name in sorted(direct)}


def open_finished(run: str | None, dataset: str | None) -> Run:
    """Open a finished run, by its name or by that of its dataset.

    Raises
    ------
    UsageError
        When there is no such run, or it is one of another dataset.
    """
    run = run or dataset or "sample"
    manifest = read_manifest(run)
    made_from = manifest.dataset
    if dataset not in (None, made_from):
        raise UsageError(
            f"run {run!r} was made from dataset {made_from!r}, not {dataset!r}; leave {as_option('dataset')} out"
        )
    described = forming(load_dataset(made_from, run), str(manifest.parameters.get("features", "")).split(","))
    told = manifest.parameters.get("language")
    return Run(run, described, {"language": told} if told else {})


class Beside(NamedTuple):
    """What is made of a report: how much of it is printed, and whether there are slides."""

    printed: Printed | None
    slides: bool

    @property
    def made(self) -> list[str]:
        return [name for name, wanted in zip(OF_PAGE, self, strict=True) if wanted]


def beside(study: Run, printed: Printed | None, slides: bool) -> Beside:
    """Return what is to be beside the report: what is asked for, and what was made before, which is made again.

    Until the new one is done the older one lies under another name.
    """
    had = [any((study.report / name).is_file() for name in (made, f".{made}")) for made in OF_PAGE]
    return Beside(printed or (_printed_before(study) if had[0] else None), slides or had[1])


def _printed_before(study: Run) -> Printed:
    """Return how much the report.pdf of a run holds."""
    try:
        return read_manifest(study.name).printed or "short"
    except SegmentationError:
        return "short"


def read_manifest(run: str) -> Manifest:
    """Return the manifest of a finished run.

    Raises
    ------
    UsageError
        When `run` cannot be the name of one, or has not been made.
    DataError
        When the manifest cannot be read.
    """
    check_run_name(run)
    path = files.ROOT / "assets" / run / "manifest.json"
    if not path.is_file():
        known = sorted(path.parent.name for path in (files.ROOT / "assets").glob("*/manifest.json"))
        made = f"{suggest(run, known)} Known: {', '.join(known)}." if known else "; no run has been made yet."
        raise UsageError(f"assets/{run}/manifest.json does not exist{made} To make it: {remake_command(run)}")
    return read_artifact(run, Manifest)


def require_unchanged(run: str, *more: str) -> None:
    """Refuse a run whose model, or what its scores are told by, or one of `more` artifacts was changed since.

    Raises
    ------
    UsageError
        When the run has not been made.
    DataError
        When a file is not the one that the run wrote.
    """
    manifest = read_manifest(run)
    for name in (*CHECKED, *more):
        place = f"assets/{run}/{name}"
        if not (files.ROOT / place).is_file() or manifest.outputs.get(place) != sha256(files.ROOT / place):
            raise DataError(
                f"{place} is not the file that the run wrote (its SHA-256 is not the manifest's); make it again: "
                f"{remake_command(run, manifest.dataset)}"
            )


def lists_of(run: str) -> list[Path]:
    """Return the workbook and the CSV files of a run's customers that were asked for and are there."""
    folder = files.ROOT / "assets" / run
    return [*folder.glob(WORKBOOK), *sorted((folder / LISTS).glob("*.csv"))]


def forget_lists(run: str) -> None:
    """Remove the lists of a run's customers, which would say what they were before."""
    for path in lists_of(run):
        path.unlink()


def fingerprints(paths) -> dict[str, str]:
    return {files.name_of(path): sha256(path) for path in paths}


def made_of(run: str) -> Made | None:
    """Return what a run was made from, also one that was not finished; None where there is none.

    Raises
    ------
    DataError
        When the files that tell it cannot be read.
    """
    folder = files.ROOT / "assets" / run
    if (folder / Made.FILE).is_file():
        return read_artifact(run, Made)
    if not (folder / Manifest.FILE).is_file():
        return None
    told = read_artifact(run, Manifest)
    known = {name: value for name, value in told.parameters.items() if name != "data"}  # there a name, and no place
    return Made(parameters=known, set_by=told.set_by)


def remembered(given: dict) -> tuple[dict, Made | None]:
    """Return what was typed, with what was typed before for the run that is named, and what that was made from.

    With RUN all of it comes back that is not typed anew; with DATASET alone the table and its encoding.

    Raises
    ------
    UsageError
        When it is not known where the table of the run lies.
    DataError
        When RUN stands alone, and what the run was made from cannot be read.
    """
    run, dataset = given["run"] or given["dataset"], given["dataset"]
    try:
        made = made_of(run) if run else None
    except DataError:
        if dataset is None:
            raise
        return given, None
    if made is None or dataset not in (None, made.dataset):
        return given, None
    before = {name: str(value) for name, value in made.typed.items() if given["run"] or name in ("data", "encoding")}
    if given["data"] is not None and made.dataset != ASSUMED:
        before["dataset"] = made.dataset
    if "data" in before:
        before["data"] = str(files.found(before["data"]))
    elif given["data"] is None and made.set_by.get("data") == "command line":
        raise UsageError(
            f"where the table of run {run!r} lies is not kept; say it again: {as_command('report', run=run, data='…')}"
        )
    typed = {name: value for name, value in given.items() if value is not None}
    return given | before | typed | {"run": given["run"]}, made


def refuse_another(run: str, name: str, dataset: Dataset) -> None:
    """Refuse to make a finished run anew from another dataset, or from a table that has other columns.

    Raises
    ------
    UsageError
    """
    _refuse_other_case(run)
    try:
        made = made_of(run) if (files.ROOT / "assets" / run / Manifest.FILE).is_file() else None
    except DataError:
        return  # nobody can say what it was, and it is made again
    if made is None or made.dataset == name != ASSUMED:
        return
    told = f"dataset {made.dataset!r}, not {name!r}"
    if made.dataset == ASSUMED:
        if not dataset_path(ASSUMED, run).is_file():
            return
        before = load_dataset(ASSUMED, run)
        if _same_columns(before, dataset):
            return
        heads = list(before.columns)
        told = f"a table of other columns ({', '.join(heads[:COLUMNS_SHOWN])}{', …' * (len(heads) > COLUMNS_SHOWN)})"
    raise UsageError(
        f"run {run!r} was made from {told}, and is not replaced by another table's; give this one a name of its own: "
        f"{as_option('run', f'{run}-2')}"
    )


def _refuse_other_case(run: str) -> None:
    """Refuse a name that leads to the folder of another run, where the system takes `April` and `april` for one."""
    runs = files.ROOT / "assets"
    if not (runs / run).is_dir():
        return
    names = {folder.name for folder in runs.iterdir()}
    if run not in names and (other := next((name for name in names if name.casefold() == run.casefold()), None)):
        raise UsageError(f"run {run!r} and run {other!r} are one folder on this system; type {as_option('run', other)}")


def _same_columns(one: Dataset, other: Dataset) -> bool:
    """Return whether all columns of one of the two are columns of the other, by any name that they have."""
    few, many = sorted((_headers(one), _headers(other)), key=len)
    return all(any(heads & others for others in many) for heads in few)


def _headers(dataset: Dataset) -> list[set[str]]:
    """Return the headers that each column of the raw table may have."""
    of = dataset.transactions
    columns: list = [c.headers(name) for name, c in dataset.columns.items()]
    if of:
        columns = list(filter(None, (of.customer, of.date, of.order, of.amount, of.quantity, of.price)))
    return [set(map(key, heads)) for heads in columns]
