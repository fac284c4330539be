"""What a run was made from: kept beside its artifacts, so that its name alone makes it again, and no other table does.

The manifest says the same, but where the raw table lies: that names folders of a machine, and stands in no file that
is handed on. Of a database on a server no place is kept, because it may hold a password.
"""

from shlex import quote

from segmentation.core import files
from segmentation.core.dataset import ASSUMED, Dataset, dataset_path
from segmentation.core.errors import DataError, UsageError
from segmentation.core.text import key
from segmentation.runs.artifacts import Made, Manifest, read_artifact
from segmentation.runs.run import load_dataset

COLUMNS_SHOWN = 5


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
        before["data"] = str(files.ROOT / before["data"])
    elif given["data"] is None and made.set_by.get("data") == "command line":
        raise UsageError(
            f"where the table of run {run!r} lies is not kept; say it again: make report RUN={quote(run)} DATA=…"
        )
    typed = {name: value for name, value in given.items() if value is not None}
    return given | before | typed | {"run": given["run"]}, made


def refuse_another(run: str, name: str, dataset: Dataset) -> None:
    """Refuse to make a finished run anew from another dataset, or from a table that has other columns.

    Raises
    ------
    UsageError
    """
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
        f"RUN={quote(f'{run}-2')}"
    )


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
