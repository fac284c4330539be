"""A new version: its number in pyproject.toml, and its heading in the changelog."""

import re
import subprocess
import tomllib
from datetime import date
from pathlib import Path

from segmentation.artifacts import write_text
from segmentation.dataset import ROOT
from segmentation.errors import UsageError

PARTS = ("major", "minor", "patch")
UNRELEASED = "## Unreleased\n"


def release(version: str | None, part: str | None, *, root: Path = ROOT) -> str:
    """Bump the version, move what is unreleased under it with the date of the last commit, and return the version.

    Nothing is committed or tagged.

    Raises
    ------
    UsageError
        When the version is none, not above the one before, or has nothing to tell.
    """
    project, log = root / "pyproject.toml", root / "CHANGELOG.md"
    text, changes = project.read_text(encoding="utf-8"), log.read_text(encoding="utf-8")
    now = tomllib.loads(text)["project"]["version"]
    new = _next(now, version, part)
    told = changes.partition(UNRELEASED)[2].partition("\n## ")[0].strip()
    if not told:
        raise UsageError("CHANGELOG.md tells nothing under Unreleased; write there what is new")
    heading = f"{UNRELEASED}\n## {new} ({_day_of_last_commit(root)})\n"
    write_text(project, re.sub(r'^version = ".*"$', f'version = "{new}"', text, count=1, flags=re.M))
    write_text(log, changes.replace(UNRELEASED, heading, 1))
    return new


def _next(now: str, version: str | None, part: str | None) -> str:
    numbers = [int(number) for number in now.split(".")]
    if part in PARTS and version is None:
        at = PARTS.index(part)
        return ".".join(map(str, [*numbers[:at], numbers[at] + 1, *[0] * (2 - at)]))
    if part is None and version and re.fullmatch(r"\d{1,4}\.\d{1,4}\.\d{1,4}", version):
        if [int(number) for number in version.split(".")] > numbers:
            return version
        raise UsageError(f"VERSION={version} is not above {now}")
    raise UsageError(f"expected VERSION=0.2.0 or PART={', PART='.join(PARTS)}; the version is {now}")


def _day_of_last_commit(root: Path) -> str:
    """Return the day of the last commit; of a folder without git, today."""
    command = ["git", "-C", str(root), "log", "-1", "--format=%cs"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return date.today().isoformat()
