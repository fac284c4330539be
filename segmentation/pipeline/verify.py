"""The manifest of a run: fingerprints of what went in and came out, the parameters, the versions, the revision."""

import os
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path

from segmentation.core import files
from segmentation.core.dataset import ASSUMED, dataset_path
from segmentation.core.errors import SegmentationError, UsageError, as_command
from segmentation.core.parallel import run_unheard, temporary_folder
from segmentation.pipeline.plan import Plan
from segmentation.runs.artifacts import Manifest
from segmentation.runs.manifest import (
    CHECKED,
    LISTED_FROM,
    fingerprints,
    forget_lists,
    open_finished,
    read_manifest,
    require_unchanged,
    versions,
)
from segmentation.runs.records import Printed
from segmentation.runs.stages import OF_PAGE, PDF, SLIDES, STAGES
from segmentation.tables.sources import locate, run_name


def write_manifest(plan: Plan, sources: list[Path], printed: Printed | None) -> None:
    """Write manifest.json: the SHA-256 of every input and output, the parameters, the versions, the revision."""
    made = [[plan.executed(stage), *plan.figures(stage), *plan.perhaps(stage)] for stage in STAGES]
    pages = [plan.study.report / name for name in ("report.html", *chain(*OF_PAGE.values()))]
    outputs = [*plan.artifacts(), *chain(*made), *pages]
    told = fingerprints(path for path in outputs if path.is_file())
    manifest = {
        "inputs": _inputs(plan) | fingerprints(sources),
        "outputs": told,
        "parameters": {row["name"]: row["value"] for row in plan.told_parameters()},
        "set_by": plan.set_by,
        "versions": versions(),
        "revision": plan.revision,
        **({"printed": printed} if printed == "full" else {}),
    }
    if _tells_otherwise(plan.study.name, told):
        forget_lists(plan.study.name)
    plan.study.write("manifest.json", manifest)


def _tells_otherwise(run: str, outputs: dict[str, str]) -> bool:
    """Return whether the lists of a run's customers, which no manifest knows, are of other segments than it has now.

    As long as the manifest of before stands, they are those of the finished run.
    """
    try:
        before = read_manifest(run).outputs
    except SegmentationError:
        return True
    places = [f"assets/{run}/{name}" for name in LISTED_FROM]
    return any(before.get(place) != outputs.get(place) for place in places)


def _inputs(plan: Plan) -> dict[str, str]:
    """Return the SHA-256 of each file of the raw table; of a database the fingerprint of what was read."""
    return plan.fingerprints or {plan.source.name: plan.study.read("cleaning.json").fingerprint}


def verify_run(run: str, data: str | None) -> int:
    """Make a finished run again in another folder, compare every file with the manifest, and return their number.

    Raises
    ------
    UsageError
        When `run` is no name of a run, or it or its base has not been made, or the table that it read is not in its
        dataset's folder and not given.
    SegmentationError
        When a file differs.
    """
    open_finished(run, None)  # of a dataset that is described: its folder is copied
    manifest = read_manifest(run)
    if manifest.earlier:
        require_unchanged(manifest.earlier)
    with temporary_folder() as folder:
        root = Path(folder) / "project"
        _copy_project(root, manifest.dataset)
        _copy_base(root, manifest.earlier)
        commands = _commands(run, manifest, data)
        environment = {**os.environ, "PYTHONPATH": str(_copy_package(root)), files.HOME: str(root), files.ANEW: "1"}
        for words in commands:
            command = [sys.executable, "-m", "segmentation", *words]
            if run_unheard(command, cwd=root, env=environment, stdout=subprocess.DEVNULL):
                raise SegmentationError(f"run {run} could not be made again; the message above says why")
        again = Manifest.model_validate_json((root / "assets" / run / Manifest.FILE).read_bytes())
    different = [
        f"{part[:-1]} {name}"
        for part in ("inputs", "versions", "outputs")
        for before, now in [(getattr(manifest, part), getattr(again, part))]
        for name in sorted(set(before) | set(now))
        if before.get(name) != now.get(name)
    ]
    if different:
        raise SegmentationError(f"run {run} is not repeated; different are:\n" + "\n".join(f"  {d}" for d in different))
    return len(again.outputs)


def _copy_package(root: Path) -> Path:
    """Copy the package: of a clone into the copy of the project, an installed one, with what it ships, beside it."""
    place = root.with_name("package") if files.INSTALLED else root
    _copy_folder(files.PACKAGE, place / "segmentation")
    return place


def _copy_project(root: Path, dataset: str) -> None:
    """Copy what a run reads of the home, in which of a clone lies what is shipped too."""
    own = [] if dataset == ASSUMED else [f"data/{dataset}"]
    shipped = [] if files.INSTALLED else ["report/template", "pyproject.toml", "requirements.txt"]
    root.mkdir()
    for part in ("notebooks", *own, *shipped):
        if (files.ROOT / part).is_dir():
            _copy_folder(files.ROOT / part, root / part)
        elif (files.ROOT / part).is_file():
            shutil.copy(files.ROOT / part, root / part)


def _copy_folder(folder: Path, to: Path) -> None:
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))


def _copy_base(root: Path, base: str | None) -> None:
    if not base:
        return
    for path in [
        dataset_path(read_manifest(base).dataset, base),
        *(files.ROOT / "assets" / base / name for name in ("manifest.json", *CHECKED)),
    ]:
        copy = root / files.name_of(path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)


def _commands(run: str, manifest: Manifest, data: str | None) -> list[list[str]]:
    """Return the words that were typed for the run, once for each of PDF and slides that it has."""
    typed = manifest.typed
    if "data" in typed:
        if data is None:
            again = as_command("verify", run=run, data=f"path/to/{typed['data']}")
            raise UsageError(f"run {run} read {typed['data']} from outside of the project; say where it is: {again}")
        # The page tells who named the run: where its table did, and does so again, the name is not typed.
        by_table = manifest.set_by.get("run") == "the table's name" and run_name(data) == run
        typed = typed | {"data": locate("DATA", data).place} | ({} if by_table else {"run": run})
    options = [f"--{name}={value}" for name, value in sorted(typed.items())]
    commands = {PDF: ["pdf", *(["--full"] if manifest.printed == "full" else [])], SLIDES: ["slides"]}
    made = [command for name, command in commands.items() if f"report/{run}/{name}" in manifest.outputs]
    return [[*command, *options] for command in made or [["report"]]]
