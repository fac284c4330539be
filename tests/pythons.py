"""Proves on this machine with which Pythons a report is made, and writes the table docs/pythons.md: `make matrix`.

For each Python that pyproject.toml declares, in a clone of the last commit in a temporary folder and with what README
demands: the environment from the lock, the report on the sample, its comparison with what is expected, and the tests
that hang most on Python and its packages. Those that are not on this machine are taken from a tree of Debian's next
release, which only root can make. One that is found nowhere is a row of the table too.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "pythons.md"
RELEASE = "forky"  # of Debian: it has the Pythons that its stable release and others have not yet
LIKE = "sid"  # the release whose script makes the tree: an older debootstrap has none of a release's own
NEEDED = ("ca-certificates", "git", "make")
MACHINE = ("etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt")  # how it reaches others
INSIDE = (
    'for name in proc dev sys; do mount --rbind "/$name" "$0/$name" || exit; done; exec chroot "$0" env --chdir "$@"'
)
TESTS = (
    "tests/tables/test_databases.py",  # foreign files, in a process of their own with limits
    "tests/customers/test_sampling.py",
    "tests/segments/test_placing.py",
    "tests/worth/test_lists.py",
)
HEAD = ("Python", "from", "environment", "DuckDB", "report on the sample", "compared with what is expected", "tests")
TOLD = """# Python by Python

This page is written by `make matrix`: with each Python it sets up a clone from the lock, and runs there what the
columns say. The tests are those that hang most on Python and its packages: {tests}.
The workflow runs all of them on each Python. Packages are counted without this one; what is
skipped needs a tool that the tree lacks.

{table}
"""


@dataclass
class Python:
    """A version, the command that starts it, and the tree of Debian in which it lies, or None; then what is told."""

    version: str
    command: str = ""
    tree: Path | None = None
    told: dict[str, str] = field(default_factory=dict)
    failed: bool = False

    def run(self, folder: Path, *words: str) -> subprocess.CompletedProcess:
        """Run a command in a folder, in its tree with this machine's processes and devices, which nobody else sees."""
        foreign = ("MAKE", "MFLAGS", "PYTHON", "VIRTUAL_ENV", "TMPDIR", "SEGMENTATION_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        if self.tree:
            place = f"/{folder.relative_to(self.tree)}"
            words = ("unshare", "--mount", "sh", "-c", INSIDE, str(self.tree), place, *words)
        environment = inherited | {"OMP_NUM_THREADS": "1"}
        return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)


def declared() -> list[str]:
    """Return the versions that pyproject.toml declares."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [line.rsplit(" ", 1)[1] for line in project["classifiers"] if re.search(r":: 3\.\d+$", line)]


def found(version: str, tree: Path | None) -> Python:
    """Return the Python of a version: of the path, of pyenv, or of the tree, in this order; without a command, none."""
    command = shutil.which(f"python{version}")
    if command and not subprocess.run([command, "-c", "import ensurepip"], capture_output=True).returncode:
        return Python(version, command, told={"from": "the path"})
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for place in sorted(versions.glob(f"{version}.*/bin/python"), reverse=True):
        return Python(version, str(place), told={"from": "pyenv"})
    if tree and (tree / f"usr/bin/python{version}").exists():
        return Python(version, f"python{version}", tree, told={"from": f"Debian {RELEASE}"})
    return Python(version)


def make_tree(tree: Path, versions: list[str], mirror: str | None) -> str:
    """Make a tree of Debian with these Pythons, and return why not where that cannot be."""
    if os.geteuid() or not shutil.which("debootstrap"):
        return "making a tree of Debian needs root and debootstrap"
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Label: Debian", "Created-By: Packages"]
    places = [mirror] if mirror else subprocess.run(asked, capture_output=True, text=True).stdout.split()
    if not places:
        return "no mirror of Debian is among apt's sources; name one: MIRROR=http://..."
    packages = ",".join([*NEEDED, *(f"python{version}-venv" for version in versions)])
    command = ["debootstrap", "--variant=minbase", f"--include={packages}", RELEASE, str(tree), places[0], LIKE]
    done = subprocess.run(command, capture_output=True, text=True)
    return "debootstrap failed: " + done.stdout.strip().rpartition("\n")[2] if done.returncode else ""


def let_reach(tree: Path) -> None:
    """Give a tree what this machine knows of names and certificates."""
    for name in MACHINE:
        if Path("/", name).exists():
            (tree / name).unlink(missing_ok=True)
            shutil.copyfile(Path("/", name), tree / name)


def prove(python: Python) -> None:
    """Set up a clone with one Python, and tell of each step what came out."""
    with tempfile.TemporaryDirectory(prefix="matrix-", dir=python.tree / "tmp" if python.tree else None) as place:
        folder = Path(place, "segmentation")
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder)], check=True)
        for name, tell, *words in steps(python.command, folder):
            began = time.monotonic()
            done = python.run(folder, *words)
            seconds = time.monotonic() - began
            print(f"{python.version}: {name}: {'failed' if done.returncode else 'done'} in {seconds:.0f} s", flush=True)
            if done.returncode:
                print(done.stdout[-3000:] + done.stderr[-3000:], flush=True)
                python.told[name], python.failed = "**failed**", True
                if name == "environment":
                    return
            else:
                python.told[name] = tell(done.stdout.strip().rpartition("\n")[2], seconds)


def steps(command: str, folder: Path) -> list[tuple]:
    """Return of each step its name, what is told of the last line that it prints and its seconds, and its command."""
    here, own = ".venv/bin/python", f"PYTHON={command}"
    return [
        ("environment", lambda _, seconds: f"{installed(folder)}, {seconds:.0f} s", "make", ".venv/.ready", own),
        ("Python", lambda line, _: line, here, "-c", "import platform; print(platform.python_version())"),
        ("DuckDB", lambda line, _: line, here, "-c", "import duckdb; print(duckdb.__version__)"),
        ("report on the sample", lambda _, seconds: f"made in {seconds:.0f} s", "make", "report", own),
        ("compared with what is expected", lambda line, _: compared(line), "make", "check", own),
        ("tools of the tests", lambda line, _: line, "make", ".venv/.with-dev", own),
        ("tests", tested, here, "-m", "pytest", "--override-ini=addopts=-rfE", *TESTS),
    ]


def installed(folder: Path) -> str:
    """Say how many packages are in an environment, and how large it is on the disk, as `du` counts it."""
    packages = len([*folder.glob(".venv/lib/python*/site-packages/*.dist-info")]) - 1  # without the project's own
    size = sum(512 * file.lstat().st_blocks for file in (folder / ".venv").rglob("*"))
    return f"{packages} packages, {size / 2**20:.0f} MB"


def compared(said: str) -> str:
    """Say in short what `make check` says."""
    content, every, same = re.findall(r"\d+", said)
    return f"{content} files as expected by content, {same} of {every} byte for byte"


def tested(said: str, seconds: float) -> str:
    """Say how many tests passed, and how many were skipped."""
    return f"{', '.join(re.findall(r'[0-9]+ (?:passed|skipped)', said))} in {seconds:.0f} s"


def table(pythons: Iterable[Python]) -> str:
    """Return the table as Markdown."""
    empty = dict.fromkeys(HEAD, "–")
    told = [{**empty, "Python": python.version, **python.told} for python in pythons]
    rows = [HEAD, ["---"] * len(HEAD), *([one[name] for name in HEAD] for one in told)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Prove each Python that is declared, print the table, and write the page; fail where one does."""
    asked = argparse.ArgumentParser(prog="make matrix", description=__doc__.partition("\n")[0])
    asked.add_argument("--tree", type=Path, help="a folder in which the tree of Debian is, or is made and kept")
    asked.add_argument("--mirror", help="where the packages of Debian come from, else from where apt has them")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="debian-") as place:
        tree = options.tree or Path(place)
        pythons = [found(version, tree) for version in declared()]
        missing = [python.version for python in pythons if not python.command]
        why = missing and make_tree(tree, missing, options.mirror)
        if missing and not why:
            pythons = [found(python.version, tree) for python in pythons]
        if any(python.tree for python in pythons):
            let_reach(tree)
        for python in pythons:
            if python.command:
                prove(python)
            else:
                python.told["from"] = f"not found, nothing ran: {why or f'Debian {RELEASE} has none'}"
    print(table(pythons))
    tests = ", ".join(f"`{test}`" for test in TESTS)
    PAGE.write_text(TOLD.format(tests=tests, table=table(pythons)), encoding="utf-8")
    sys.exit(any(python.failed for python in pythons))


if __name__ == "__main__":
    main()
