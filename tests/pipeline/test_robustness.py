"""A run that is stopped, starved or disturbed: what was made before stays whole, and the next run succeeds."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from segmentation.core.files import sha256
from segmentation.runs.stages import STAGES
from tests.conftest import Project
from tests.toy import insert_code


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


HALF = """with replacing(folder / "half.json") as beside:
    beside.write_text("{{")
    (folder / "{stage}-half").touch()
    while True:
        pass"""


@pytest.mark.parametrize("stage", [*(stage.name for stage in STAGES), "report.html"])
def test_killed_at_any_stage_nothing_is_half_written_and_the_next_run_succeeds(toy, stage):
    page = toy.root / "report" / "sample" / "report.html"
    before, notebook = sha256(page), toy.root / "notebooks" / f"{stage}.ipynb"
    if stage == "report.html":
        run = _start(toy, "--seed", "1")
        while not (line := run.stderr.readline()).startswith(stage):
            assert line
    else:
        whole = notebook.read_bytes()
        insert_code(toy, stage, HALF.format(stage=stage))
        run = _start(toy)
        _wait_for(run, toy.artifact("sample", f"{stage}-half"))
        notebook.write_bytes(whole)
    run.kill()
    # Its kernels hold the other ends of these pipes: they end when the last of them has ended.
    run.communicate()
    assert not toy.artifact("sample", "half.json").exists()
    _whole(toy)
    assert sha256(page) == before
    assert toy.run("report").returncode == 0
    assert sha256(page) == before


def test_two_runs_of_one_name_do_not_mix_and_two_of_different_names_do_not_wait(toy):
    hold = """while run == "sample" and not (folder / "go").is_file():\n    (folder / "holds").touch()"""
    insert_code(toy, "03_k_selection", hold)
    one = _start(toy)
    _wait_for(one, toy.artifact("sample", "holds"))
    same = toy.run("report")
    assert (same.returncode, "run sample is being made by another process" in same.stderr) == (1, True)
    other = toy.run("report", "--run", "beside")
    assert other.returncode == 0, other.stderr
    toy.artifact("sample", "go").touch()
    told, faults = one.communicate()
    assert one.returncode == 0, faults
    assert told.startswith("Five segments")
    assert toy.run("report").stdout.splitlines()[4].endswith("nothing; everything was up to date")
    _whole(toy)


def _wait_for(run: subprocess.Popen, path: Path) -> None:
    while not path.is_file():
        assert run.poll() is None, run.communicate()
        time.sleep(0.02)


def _report_on_a_disk_of(project: Project, size: str) -> subprocess.CompletedProcess:
    """Make a report whose artifacts lie on a file system of this size, in a mount namespace of its own."""
    words = f"{sys.executable} -m segmentation report --run small"
    script = f"mkdir -p assets/small && mount -t tmpfs -o size={size} tmpfs assets/small && exec {words}"
    command = ["unshare", "--mount", "--map-root-user", "sh", "-c", script]
    variables = {**os.environ, "PYTHONPATH": str(project.root)}
    return subprocess.run(command, cwd=project.root, env=variables, capture_output=True, text=True)


def test_a_full_disk_is_told_and_leaves_the_outputs_whole(toy):
    insert_code(toy, "02_eda", 'write_text(folder / "figures" / "02-large.svg", "x" * 200_000)')
    before = sha256(toy.root / "report/sample/report.html")
    done = _report_on_a_disk_of(toy, "150k")
    assert done.returncode == 1, done.stderr
    assert re.search(r"notebooks/02_eda.ipynb, code cell 5 .*: OSError: .* No space left on device", done.stderr)
    assert "Traceback" not in done.stderr
    assert sha256(toy.root / "report/sample/report.html") == before
    assert toy.run("report", "--run", "small").returncode == 0


def test_a_folder_that_cannot_be_written_is_told(toy):
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed; on Debian: apt-get install util-linux")
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    for part in [toy.root, *toy.root.parents]:
        if part != Path("/") and part.stat().st_uid == os.geteuid():
            part.chmod(part.stat().st_mode | 0o055)
    locked = toy.root / "assets"
    locked.chmod(0o555)
    variables = {**os.environ, "PYTHONPATH": str(toy.root), "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [*nobody, sys.executable, "-m", "segmentation", "report", "--run", "locked"]
    done = subprocess.run(command, cwd=toy.root, env=variables, capture_output=True, text=True)
    locked.chmod(0o755)
    assert done.returncode == 2, done.stderr
    assert "Permission denied" in done.stderr
    assert "assets/locked" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_disk_too_full_for_the_record_is_one_message(toy):
    done = _report_on_a_disk_of(toy, "20k")
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("No space left on device") == 1
    assert "Traceback" not in done.stderr


def test_a_record_that_cannot_be_written_is_one_message(toy):
    module = toy.root / "segmentation" / "pipeline" / "tasks.py"
    full = 'raise OSError(28, "No space left on device")'
    module.write_text(module.read_text().replace("write_text(Path(self.name), self.codec.encode(self._db))", full))
    record = toy.artifact("sample", ".doit.json").read_bytes()
    done = toy.run("report")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, "Error: [Errno 28] No space left on device")
    assert "Traceback" not in done.stderr
    assert toy.artifact("sample", ".doit.json").read_bytes() == record
