"""The manifest of a run: fingerprints of what went in and came out, the parameters, the versions, the revision."""

import platform
import re
import subprocess
import tomllib
from importlib.metadata import version
from itertools import chain
from pathlib import Path

from segmentation.artifacts import sha256, write_json
from segmentation.dataset import ROOT
from segmentation.plan import STAGES, Plan


def versions() -> dict[str, str]:
    """Return the version of Python and of every direct dependency."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    direct = [re.match(r"[\w.-]+", requirement)[0] for requirement in project["dependencies"]]
    return {"python": platform.python_version()} | {name: version(name) for name in sorted(direct)}


def write_manifest(plan: Plan, sources: list[Path]) -> None:
    """Write manifest.json: the SHA-256 of every input and output, the parameters, the versions, the revision."""
    made = [[plan.executed(stage), *plan.figures(stage)] for stage in STAGES]
    outputs = [*plan.artifacts(), *chain(*made), plan.report / "report.html", plan.report / "report.pdf"]
    manifest = {
        "inputs": {plan.source.name: sha256(plan.source)} | _fingerprints(sources),
        "outputs": _fingerprints(path for path in outputs if path.is_file()),
        "parameters": {row["name"]: row["value"] for row in plan.told_parameters()},
        "versions": versions(),
        "revision": revision(),
    }
    write_json(plan.study.path("manifest.json"), manifest)


def _fingerprints(paths) -> dict[str, str]:
    return {path.relative_to(ROOT).as_posix(): sha256(path) for path in paths}


def revision() -> str | None:
    """Return the git revision of the project, ending in "-dirty" when files differ from it; None without git."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
