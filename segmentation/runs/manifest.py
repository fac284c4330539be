"""The manifest of a run: fingerprints of what went in and came out, the parameters, the versions, the revision."""

import platform
import re
import subprocess
import tomllib
from importlib.metadata import version

from segmentation.core import files
from segmentation.core.errors import DataError, UsageError
from segmentation.core.files import sha256
from segmentation.core.text import suggest
from segmentation.runs.artifacts import Manifest, read_artifact, remake_command
from segmentation.runs.run import Run, check_run_name, forming, load_dataset

CHECKED = ("model.skops", "model.json", "profiles.json", "cleaning.json")


def versions() -> dict[str, str]:
    """Return the version of Python and of every direct dependency."""
    project = tomllib.loads((files.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
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
        raise UsageError(f"run {run!r} was made from dataset {made_from!r}, not {dataset!r}; leave DATASET out")
    return Run(run, forming(load_dataset(made_from, run), str(manifest.parameters.get("features", "")).split(",")))


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


def fingerprints(paths) -> dict[str, str]:
    return {path.relative_to(files.ROOT).as_posix(): sha256(path) for path in paths}


def revision() -> str | None:
    """Return the git revision of the project, ending in "-dirty" when files differ from it; None without git."""
    command = ["git", "-C", str(files.ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
