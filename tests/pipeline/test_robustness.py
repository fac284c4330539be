"""A run that is stopped, starved or disturbed: what was made before stays whole, and the next run succeeds."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import pytest

from segmentation.core.files import sha256, sweep_halves
from segmentation.core.parallel import OURS, sweep_temporary, temporary_folder
from segmentation.pipeline.kernels import Client, Manager
from segmentation.runs.stages import STAGES
from tests.conftest import Project, free_port
from tests.toy import insert_code


def _start(project: Project, *words: str, **environment: str) -> subprocess.Popen:
    """Start a command in a process group of its own, as a terminal does."""
    return subprocess.Popen(
        [sys.executable, "-m", "segmentation", *words],
        cwd=project.root,
        env={**os.environ, "PYTHONPATH": str(project.root), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # ignored behind a shell
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
def test_killed_at_any_stage_nothing_is_half_written_and_the_next_run_succeeds(toy, stage, place):
    page = toy.root / "report" / "sample" / "report.html"
    before, notebook = sha256(page), toy.root / "notebooks" / f"{stage}.ipynb"
    if stage == "report.html":
        run = _start(toy, "report", "--seed", "1", TMPDIR=str(place))
        while not (line := run.stderr.readline()).startswith(stage):
            assert line
    else:
        whole = notebook.read_bytes()
        insert_code(toy, stage, HALF.format(stage=stage))
        run = _start(toy, "report", TMPDIR=str(place))
        _wait_for(run, toy.artifact("sample", f"{stage}-half"))
        notebook.write_bytes(whole)
    os.killpg(run.pid, signal.SIGKILL)  # and what would put things in order after it
    # Its kernels hold the other ends of these pipes: they end when the last of them has ended.
    run.communicate()
    assert not toy.artifact("sample", "half.json").exists()
    _whole(toy)
    assert sha256(page) == before
    assert [path.name for path in place.iterdir() if path.name.startswith(OURS)] == [
        path.name for path in place.iterdir()
    ]
    assert any(place.iterdir())
    assert toy.run("report", TMPDIR=str(place)).returncode == 0
    assert sha256(page) == before
    left = [path.name for part in ("assets", "report") for path in (toy.root / part).rglob(".*") if path.is_file()]
    assert sorted(left) == [".doit.json", ".lock", ".made.json"]
    assert list(place.iterdir()) == []


def test_what_killed_processes_left_is_swept_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    make = "import os; from segmentation.core import parallel; print(parallel.make_temporary()[0].name, flush=True); "
    environment = os.environ | {"TMPDIR": str(tmp_path)}

    def start(end: str) -> tuple[subprocess.Popen, str]:
        command = [sys.executable, "-c", make + end]
        run = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        return run, run.stdout.readline().strip()

    lives, held = start("import signal; signal.pause()")
    dead, left = start("os._exit(1)")
    dead.communicate()
    (tmp_path / "theirs").mkdir()
    (tmp_path / f"{OURS}link").symlink_to(tmp_path / "theirs")
    (tmp_path / "run" / "figures").mkdir(parents=True)
    for name in ("figures/.02-a.svg.77.half", "figures/02-a.svg", ".notes.2024", "a.half"):
        (tmp_path / "run" / name).touch()
    with temporary_folder() as own:
        assert {held, left, own.name} < {path.name for path in tmp_path.iterdir()}
        sweep_temporary()
        sweep_halves(tmp_path / "run")
        found = {path.name for path in tmp_path.iterdir()}
        assert found == {held, own.name, "theirs", f"{OURS}link", "run"}
    assert not own.exists()
    assert sorted(path.name for path in (tmp_path / "run").rglob("*")) == [
        ".notes.2024",
        "02-a.svg",
        "a.half",
        "figures",
    ]
    lives.kill()
    lives.communicate()
    sweep_temporary()
    assert not (tmp_path / held).exists()


def test_two_runs_of_one_name_do_not_mix_and_two_of_different_names_do_not_wait(toy):
    hold = """while run == "sample" and not (folder / "go").is_file():\n    (folder / "holds").touch()"""
    insert_code(toy, "03_k_selection", hold)
    one = _start(toy, "report")
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


PRESSED = "__import__('os').killpg(0, 2)"  # Ctrl-C in a terminal is for all processes of a command
REPORT, SCORE = ["report", "--seed", "6"], ["score", "--new", "data/sample/customers.csv", "--out", "out.csv"]
COMPARE = ["compare", "--base", "sample", "--run", "sample"]


@pytest.mark.parametrize(
    ("words", "module", "before", "pressed"),
    [
        (REPORT, "cli.py", "import json", PRESSED),
        (REPORT, "cli.py", "import json", f'exec("{PRESSED}")'),
        (
            REPORT,
            "cli.py",
            "import json",
            f"__import__('__main__').GRACE = 0\ntry: {PRESSED}\nexcept BaseException: pass",
        ),
        (REPORT, "pipeline/tidy.py", "import atexit", PRESSED),
        (REPORT, "pipeline/kernels.py", "        self.process = _Forked(fork)", f"        {PRESSED}"),
        (REPORT, "report/render.py", "from segmentation.core.files", PRESSED),
        (SCORE, "scoring/place.py", "import ibis", PRESSED),
        (COMPARE, "monitoring/comparison.py", "import numpy", PRESSED),
        (["verify"], "pipeline/plan.py", "from segmentation.core import files", PRESSED),
        (["clean"], "runs/stages.py", "    for folder in sorted", f"    {PRESSED}"),
    ],
    ids=lambda value: " ".join(value[:1]) if isinstance(value, list) else None,
)
def test_ctrl_c_is_one_line_at_any_moment(toy, tmp_path, words, module, before, pressed):
    path = toy.root / "segmentation" / module
    begin, found, rest = path.read_text().partition(before)
    assert found
    path.write_text(f"{begin}{pressed}\n{found}{rest}")
    run = _start(toy, *words)
    told, faults = run.communicate()
    assert (run.returncode, told) == (130, "")
    assert faults.splitlines()[-1] == "Stopped."
    assert faults.count("Stopped.") == 1
    assert "Traceback" not in faults
    assert sorted(path.name for path in (toy.root / "assets").iterdir()) == ["sample"]


def test_ctrl_c_ends_what_lab_has_started(toy, tmp_path):
    (tmp_path / "jupyterlab.py").write_text("import signal\nprint('ready', flush=True)\nsignal.pause()")
    run = _start(toy, "lab", PYTHONPATH=f"{toy.root}{os.pathsep}{tmp_path}")
    assert run.stdout.readline() == "ready\n"
    os.killpg(run.pid, signal.SIGINT)
    assert run.communicate() == ("", "Stopped.\n")
    assert run.returncode == 130


def test_ctrl_c_ends_the_dashboard(toy):
    run = _start(toy, "dashboard", "--port", str(free_port()))
    while "http" not in run.stdout.readline():
        assert run.poll() is None
    os.killpg(run.pid, signal.SIGINT)
    faults = run.communicate()[1]
    assert (run.returncode, faults.splitlines()[-1], "Traceback" in faults) == (130, "Stopped.", False)


def test_ctrl_c_that_is_ignored_stays_so(toy):
    path = toy.root / "segmentation" / "cli.py"
    path.write_text(f"{PRESSED}\n{path.read_text()}")
    command = ["sh", "-c", f"trap '' INT; exec {sys.executable} -m segmentation schema"]
    variables = {**os.environ, "PYTHONPATH": str(toy.root)}
    done = subprocess.run(command, cwd=toy.root, env=variables, capture_output=True, text=True, start_new_session=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_kernel_that_dies_at_its_start_is_one_message(toy):
    path = toy.root / "segmentation" / "pipeline" / "kernels.py"
    text = path.read_text()
    assert "            IPKernelApp.launch" in text
    path.write_text(text.replace("            IPKernelApp.launch", "            IPKernelApp.nothing.launch"))
    done = toy.run(*COMPARE)
    told = r"Error: notebooks/06_compare\.ipynb, before its first cell, stopped: Kernel died .*\n"
    assert done.returncode == 1
    assert re.fullmatch(told, done.stderr)


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


@pytest.mark.parametrize("words", ["report --seed 8", "report --run other --dataset sample", "clean"])
def test_a_report_folder_that_is_read_only_is_one_message(toy, words):
    command = f"{sys.executable} -m segmentation {words}"
    script = f"mount --bind report report && mount -o remount,ro,bind report && exec {command}"
    variables = {**os.environ, "PYTHONPATH": str(toy.root)}
    unshared = ["unshare", "--mount", "--map-root-user", "sh", "-c", script]
    done = subprocess.run(unshared, cwd=toy.root, env=variables, capture_output=True, text=True)
    assert done.returncode == (1 if words == "clean" else 2)
    assert re.fullmatch(r"Error: .*report/(sample|other).*Read-only file system\)?", done.stderr.splitlines()[-1])
    assert "Traceback" not in done.stderr
    assert str(toy.root) not in done.stderr


def test_a_disk_too_full_for_the_record_is_one_message(toy):
    done = _report_on_a_disk_of(toy, "20k")
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("No space left on device") == 1
    assert "Traceback" not in done.stderr


def test_a_record_that_cannot_be_written_is_one_message(toy):
    module = toy.root / "segmentation" / "pipeline" / "dependencies.py"
    full = 'raise OSError(28, "No space left on device")'
    module.write_text(module.read_text().replace("write_text(Path(self.name), self.codec.encode(self._db))", full))
    record = toy.artifact("sample", ".doit.json").read_bytes()
    done = toy.run("report")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, "Error: [Errno 28] No space left on device")
    assert "Traceback" not in done.stderr
    assert toy.artifact("sample", ".doit.json").read_bytes() == record


def test_who_waits_for_a_kernel_is_a_client_that_sees_it_ready_at_once():
    assert isinstance(Manager().client(), Client)
