"""A run that is stopped, starved or disturbed: what was made before stays whole, and the next run succeeds."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from segmentation.core.files import sha256
from segmentation.runs.stages import STAGES
from tests.conftest import FAST, Project


def _start(project: Project, *words: str) -> subprocess.Popen:
    variables = {**os.environ, "PYTHONPATH": str(project.root)}
    command = [sys.executable, "-m", "segmentation", "report", *words]
    return subprocess.Popen(
        command, cwd=project.root, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _whole(project: Project) -> None:
    """Every file that lies in its place can be read: no half of one."""
    for path in [*(project.root / "assets").rglob("*.json"), *(project.root / "report").rglob("*.ipynb")]:
        if not path.name.startswith("."):
            json.loads(path.read_text(encoding="utf-8"))
    for path in (project.root / "assets").rglob("*.parquet"):
        content = path.read_bytes()
        assert content[:4] == content[-4:] == b"PAR1"


def test_killed_at_any_stage_nothing_is_half_written_and_the_next_run_succeeds(made, tmp_path):
    page = made.root / "report" / "sample" / "report.html"
    before = sha256(page)
    rows = (made.root / "data/sample/customers.csv").read_text().splitlines()
    for i, place in enumerate([*(stage.name for stage in STAGES), "report.html"], start=1):
        table = tmp_path / f"{i}.csv"
        table.write_text("\n".join(rows[: len(rows) - i]))
        run, told = _start(made, "--dataset", "sample", "--data", str(table), *FAST), []
        while not (line := run.stderr.readline()).startswith(place):
            assert line, f"the run ended before {place}: {told}"
            told.append(line)
        run.kill()
        # Its kernels hold the other ends of these pipes: they end when the last of them has ended.
        run.communicate()
        _whole(made)
        assert sha256(page) == before
    assert made.run("report", *FAST).returncode == 0
    assert sha256(page) == before


def test_two_runs_of_one_name_do_not_mix_and_two_of_different_names_do_not_wait(made):
    one = _start(made, "--seed", "9", *FAST)
    assert one.stderr.readline().startswith("03_k_selection")
    same = made.run("report", *FAST)
    assert (same.returncode, "run sample is being made by another process" in same.stderr) == (1, True)
    other = made.run("report", "--run", "beside", *FAST)
    assert other.returncode == 0, other.stderr
    told, faults = one.communicate()
    assert one.returncode == 0, faults
    assert told.startswith("Five segments")
    assert made.run("report", *FAST).returncode == 0
    _whole(made)


def test_a_full_disk_is_told_and_leaves_the_outputs_whole(made):
    """A file system of 300 KB under assets/, in a mount namespace of its own."""
    before = sha256(made.root / "report/sample/report.html")
    words = f"{sys.executable} -m segmentation report --run small --resamples 10"
    script = f"mkdir -p assets/small && mount -t tmpfs -o size=300k tmpfs assets/small && exec {words}"
    variables = {**os.environ, "PYTHONPATH": str(made.root)}
    command = ["unshare", "--mount", "--map-root-user", "sh", "-c", script]
    done = subprocess.run(command, cwd=made.root, env=variables, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert sha256(made.root / "report/sample/report.html") == before
    assert made.run("report", "--run", "small", *FAST).returncode == 0


def test_a_folder_that_cannot_be_written_is_told(made):
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed; on Debian: apt-get install util-linux")
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    for part in [made.root, *made.root.parents]:
        if part != Path("/") and part.stat().st_uid == os.geteuid():
            part.chmod(part.stat().st_mode | 0o055)
    locked = made.root / "assets"
    locked.chmod(0o555)
    variables = {**os.environ, "PYTHONPATH": str(made.root), "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [*nobody, sys.executable, "-m", "segmentation", "report", "--run", "locked"]
    done = subprocess.run(command, cwd=made.root, env=variables, capture_output=True, text=True)
    locked.chmod(0o755)
    assert done.returncode == 2, done.stderr
    assert "Permission denied" in done.stderr
    assert "assets/locked" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_may_have_blanks_and_any_letters(made):
    name = "Märkte 2024 客户"
    done = made.run("report", "--run", name, *FAST)
    assert done.returncode == 0, done.stderr
    assert (made.root / "report" / name / "report.html").is_file()
    assert done.stdout.rstrip().endswith(f"report/{name}/report.html")
