"""The manifest of a run: fingerprints of what went in and came out, the parameters, the versions, the revision."""

import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from segmentation.artifacts import read_json, sha256, write_json
from segmentation.dataset import ASSUMED, ROOT, dataset_path, suggest
from segmentation.errors import DataError, SegmentationError, UsageError
from segmentation.plan import STAGES, Plan
from segmentation.sources import locate
from segmentation.study import Study, check_run_name, open_study

CHECKED = ("model.skops", "model.json", "profiles.json", "cleaning.json")


def versions() -> dict[str, str]:
    """Return the version of Python and of every direct dependency."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    direct = [re.match(r"[\w.-]+", requirement)[0] for requirement in project["dependencies"]]
    return {"python": platform.python_version()} | {name: version(name) for name in sorted(direct)}


def write_manifest(plan: Plan, sources: list[Path]) -> None:
    """Write manifest.json: the SHA-256 of every input and output, the parameters, the versions, the revision."""
    made = [[plan.executed(stage), *plan.figures(stage), *plan.perhaps(stage)] for stage in STAGES]
    outputs = [*plan.artifacts(), *chain(*made), plan.report / "report.html", plan.report / "report.pdf"]
    manifest = {
        "inputs": _inputs(plan) | _fingerprints(sources),
        "outputs": _fingerprints(path for path in outputs if path.is_file()),
        "parameters": {row["name"]: row["value"] for row in plan.told_parameters()},
        "set_by": plan.set_by,
        "versions": versions(),
        "revision": revision(),
    }
    write_json(plan.study.path("manifest.json"), manifest)


def _inputs(plan: Plan) -> dict[str, str]:
    """Return the SHA-256 of each file of the raw table; of a database the fingerprint of what was read."""
    return plan.source.fingerprints() or {plan.source.name: plan.study.read("cleaning.json")["fingerprint"]}


def open_run(run: str | None, dataset: str | None) -> Study:
    """Open a finished run, by its name or by that of its dataset.

    Raises
    ------
    UsageError
        When there is no such run, or it is one of another dataset.
    """
    run = run or dataset or "sample"
    check_run_name(run)
    made_from = read_manifest(run)["parameters"]["dataset"]
    if dataset not in (None, made_from):
        raise UsageError(f"run {run!r} was made from dataset {made_from!r}, not {dataset!r}; leave DATASET out")
    return open_study(run, made_from)


def read_manifest(run: str) -> dict:
    """Return the manifest of a finished run.

    Raises
    ------
    UsageError
        When the run has not been made.
    DataError
        When the manifest cannot be read.
    """
    path = ROOT / "assets" / run / "manifest.json"
    if not path.is_file():
        known = sorted(path.parent.name for path in (ROOT / "assets").glob("*/manifest.json"))
        made = f"{suggest(run, known)} Known: {', '.join(known)}." if known else "; no run has been made yet."
        raise UsageError(f"assets/{run}/manifest.json does not exist{made} To make it: {tell_remake(run)}")
    try:
        manifest = read_json(path)
        parts = [manifest[part] for part in ("inputs", "outputs", "parameters", "set_by", "versions")]
        if all(isinstance(part, dict) for part in parts) and isinstance(manifest["parameters"]["dataset"], str):
            return manifest
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise DataError(f"assets/{run}/manifest.json is damaged; make the run again: {tell_remake(run)}")


def tell_remake(run: str, dataset: str | None = None) -> str:
    """Return the command that makes a run; RUN alone would make the sample under that name."""
    dataset = dataset or (run if dataset_path(run, run).is_file() else "name")
    return f"make report RUN={run} {'DATA=path' if dataset == ASSUMED else f'DATASET={dataset}'}"


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
    recorded, dataset = manifest["outputs"], manifest["parameters"]["dataset"]
    for name in (*CHECKED, *more):
        place = f"assets/{run}/{name}"
        if not (ROOT / place).is_file() or recorded.get(place) != sha256(ROOT / place):
            raise DataError(
                f"{place} is not the file that the run wrote (its SHA-256 is not the manifest's); make it again: "
                f"{tell_remake(run, dataset)}"
            )


def verify_run(run: str, data: str | None) -> int:
    """Make a finished run again in another folder, compare every file with the manifest, and return their number.

    Raises
    ------
    UsageError
        When the run or its base has not been made, or the table that it read is not in its dataset's folder and not
        given.
    SegmentationError
        When a file differs.
    """
    manifest = read_manifest(run)
    if manifest["parameters"].get("base"):
        require_unchanged(manifest["parameters"]["base"])
    with TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        _copy_project(root, manifest["parameters"]["dataset"])
        _copy_base(root, manifest["parameters"].get("base"))
        command = [sys.executable, "-m", "segmentation", *_command(run, manifest, data)]
        environment = {**os.environ, "PYTHONPATH": str(root)}
        if subprocess.run(command, cwd=root, env=environment, stdout=subprocess.DEVNULL).returncode:
            raise SegmentationError(f"run {run} could not be made again; the message above says why")
        again = read_json(root / "assets" / run / "manifest.json")
    different = [
        f"{part[:-1]} {name}"
        for part in ("inputs", "versions", "outputs")
        for name in sorted(set(manifest[part]) | set(again[part]))
        if manifest[part].get(name) != again[part].get(name)
    ]
    if different:
        raise SegmentationError(f"run {run} is not repeated; different are:\n" + "\n".join(f"  {d}" for d in different))
    return len(again["outputs"])


def _copy_project(root: Path, dataset: str) -> None:
    own = [] if dataset == ASSUMED else [f"data/{dataset}"]
    for part in ("segmentation", "notebooks", *own, "report/template"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    for name in ("pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, root / name)


def _copy_base(root: Path, base: str | None) -> None:
    for name in ("manifest.json", *CHECKED) if base else ():
        (root / "assets" / base).mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "assets" / base / name, root / "assets" / base / name)


def _command(run: str, manifest: dict, data: str | None) -> list[str]:
    """Return the words that were typed for the run."""
    typed = {name: manifest["parameters"][name] for name, who in manifest["set_by"].items() if who == "command line"}
    if "data" in typed:
        if data is None:
            raise UsageError(
                f"run {run} read {typed['data']} from outside of the project; say where it is: "
                f"make verify RUN={run} DATA=path/to/{typed['data']}"
            )
        typed = typed | {"run": run}
        typed["data"] = locate("DATA", data).place
    printed = f"report/{run}/report.pdf" in manifest["outputs"]
    return ["pdf" if printed else "report", *(f"--{name}={value}" for name, value in sorted(typed.items()))]


def _fingerprints(paths) -> dict[str, str]:
    return {path.relative_to(ROOT).as_posix(): sha256(path) for path in paths}


def revision() -> str | None:
    """Return the git revision of the project, ending in "-dirty" when files differ from it; None without git."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
