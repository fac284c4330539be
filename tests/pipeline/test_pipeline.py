"""The pipeline: only what changed is made again, kernels are forked from a warm process, and nothing is left behind."""

import ast
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial

import nbformat
import pytest

from segmentation.core.files import PACKAGE, name_of, read_json, sha256, write_json
from segmentation.pipeline.dependencies import _used, _used_by, file_of, modules_of, package_files
from segmentation.pipeline.kernels import LATER
from segmentation.pipeline.notebooks import used_from
from segmentation.runs import stages
from segmentation.runs.stages import STAGES, declared
from tests.conftest import FAST, Project
from tests.toy import insert_code

AFTER_03 = "03_k_selection, 04_clustering, 05_profiling, report.html and manifest.json"
NOTHING = "nothing; everything was up to date"


def _ran(project: Project, *words: str) -> str:
    done = project.run("report", *words)
    assert done.returncode == 0, done.stderr
    [line] = [line for line in done.stdout.splitlines() if line.startswith("  Ran ")]
    return line.removeprefix("  Ran       ")


def test_a_changed_module_makes_again_what_hangs_on_it(toy):
    path = toy.root / "segmentation" / "pipeline" / "tidy.py"
    path.write_text(f"{path.read_text()}\n# changed\n")
    assert set(re.split(", | and ", _ran(toy))) == {"02_eda", "04_clustering", "05_profiling", "manifest.json"}
    locked = toy.root / "requirements.txt"
    locked.write_text(f"{locked.read_text()}\n# changed\n")
    assert set(re.split(", | and ", _ran(toy))) == {*(stage.name for stage in STAGES), "report.html", "manifest.json"}


@pytest.mark.parametrize("module", ["roles.write", "report.render", "pipeline.tasks"])
def test_a_change_of_what_no_notebook_uses_makes_no_stage_again(module):
    assert file_of(module).is_file()
    assert not [stage.name for stage in STAGES if module in modules_of(stage.notebook)]


@pytest.mark.parametrize("words", [[], ["--data", "data/sample/customers.csv", "--dataset", "sample"]])
def test_a_project_that_is_copied_elsewhere_is_up_to_date(toy, tmp_path, words):
    _ran(toy, *words)
    shutil.copytree(toy.root, tmp_path / "copy", copy_function=shutil.copy)
    assert str(toy.root) not in toy.artifact("sample", ".doit.json").read_text()
    assert _ran(Project(tmp_path / "copy"), *words) == NOTHING


def test_outputs_and_runs_by_hand_change_no_notebook(toy):
    path = toy.root / "notebooks" / "02_eda.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["kernelspec"]["display_name"] = "Another"
    notebook.cells[3]["execution_count"] = 7
    nbformat.write(notebook, path)
    assert _ran(toy) == "manifest.json"


def test_a_parameter_that_a_stage_does_not_declare_leaves_it_as_it_is(toy):
    assert _ran(toy, "--seed", "3") == AFTER_03
    assert _ran(toy) == AFTER_03


@pytest.mark.parametrize(
    ("modules", "needless"),
    [(used_from(STAGES[-1]), {"skops", "nbconvert"}), (["report.render"], {"sklearn", "scipy"})],
)
def test_profiling_and_the_page_import_nothing_heavy_that_they_do_not_use(modules, needless):
    modules = [f"segmentation.{name}" for name in modules if not name.endswith("__init__")]
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(modules) <= set(done.stdout.split())
    assert not needless & set(done.stdout.split())


def test_the_modules_of_a_stage_are_those_that_a_kernel_imports():
    show = "import sys; print(*(m.partition('.')[2] for m in sys.modules if m.startswith('segmentation.')))"
    for stage in STAGES:
        cells = [c for c in json.loads(stage.notebook.read_text())["cells"] if c["cell_type"] == "code"]
        nodes = list(ast.walk(ast.parse("\n".join("".join(c["source"]) for c in cells))))
        imports = [n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
        packages = {alias.asname or alias.name for n in imports for alias in n.names}
        used = [n for n in nodes if isinstance(n, ast.Attribute) and getattr(n.value, "id", None) in packages]
        code = "\n".join([*map(ast.unparse, [*imports, *used]), show])
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert "core.files" in done.stdout.split()
        assert set(done.stdout.split()) <= {name.removesuffix(".__init__") for name in modules_of(stage.notebook)}


@pytest.mark.parametrize("path", package_files(), ids=lambda path: name_of(path))
def test_what_a_module_uses_is_what_its_whole_code_says(path):
    name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    assert _used_by(name) == _used(path.read_text(encoding="utf-8"))


def test_no_two_threads_parse_at_once(monkeypatch):
    parse, held = ast.parse, []
    monkeypatch.setattr(ast, "parse", lambda code: (held.append(stages._parsing.locked()), parse(code))[1])
    modules_of(STAGES[0].notebook)
    declared(STAGES[0])
    assert held
    assert all(held)


def test_cold_kernels_in_another_folder_give_the_same_bytes(shop, fresh):
    shutil.copytree(shop.root / "data" / "shop", fresh.root / "data" / "shop")
    done = fresh.run("pdf", "--dataset", "shop", "--cold", *FAST)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr  # of workers that hear how an ordinary kernel is asked to end
    warm, cold = (read_json(project.artifact("shop", "manifest.json")) for project in (shop, fresh))
    assert warm["inputs"] == cold["inputs"]
    assert warm["outputs"] == cold["outputs"]


def test_each_stage_is_told_when_it_begins_and_when_it_ends(toy):
    record = read_json(toy.artifact("sample", ".doit.json"))
    record["report:03_k_selection"]["_values_:"]["took"]["seconds"] = 20
    write_json(toy.artifact("sample", ".doit.json"), record)
    done = toy.run("report", "--seed", "4")
    lines = done.stderr.splitlines()
    assert re.fullmatch(r"03_k_selection: How many segments\? \(up to about 2\d s left\)", lines[0])
    ends = [line for line in lines if re.fullmatch(r"\S+: done in \S+( \d)? (s|min)", line)]
    begins = [line for line in lines if line not in ends]
    names = ["03_k_selection", "04_clustering", "05_profiling", "report.html", "manifest.json"]
    assert [line.partition(":")[0] for line in begins] == names
    ended = [line.partition(":")[0] for line in ends]
    assert ended == names  # each when others can use what it found, while it goes on to show that
    assert all(lines.index(begins[i]) < lines.index(ends[i]) for i in range(len(names)))
    assert toy.run("report", "--seed", "4").stderr == ""


def test_a_terminal_shows_a_bar_for_each_stage(toy):
    ours, theirs = os.openpty()
    variables = {**os.environ, "PYTHONPATH": str(toy.root), "TERM": "xterm", "COLUMNS": "80"}
    command = [sys.executable, "-m", "segmentation", "report", "--seed", "5"]
    with subprocess.Popen(
        command, cwd=toy.root, env=variables, stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as run:
        os.close(theirs)
        shown = _read_terminal(ours)
        assert run.stdout.readline().startswith("Five segments")
    assert run.returncode == 0
    assert shown.startswith("Looking at the table, and at what is made already\r\n")
    last = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown.rpartition("03_k_selection")[2])
    cells = len(json.loads((toy.root / "notebooks" / "04_clustering.ipynb").read_text())["cells"]) + 1
    assert re.search(rf"04_clustering +━+ {cells}/{cells} +\d:\d\d:\d\d Which segment does each cus", last)
    assert re.search(r"report\.html +━+ +\d:\d\d:\d\d rendering", last)


def _read_terminal(terminal: int) -> str:
    """Read what a process writes to its terminal until it ends."""
    shown = b""
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 65536):
            shown += part
    os.close(terminal)
    return shown.decode()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os\nos.kill(os.getpid(), 9)", "stopped: Kernel died"),
        ("import threading\nthreading.Event().wait()", "stopped: A cell timed out"),
    ],
)
def test_a_kernel_that_dies_or_hangs_is_told_with_its_cell(toy, code, told):
    insert_code(toy, "02_eda", code)
    module = toy.root / "segmentation" / "pipeline" / "notebooks.py"
    module.write_text(module.read_text().replace("CELL_SECONDS = 3600", "CELL_SECONDS = 2"))
    done = toy.run("report")
    assert done.returncode == 1
    assert re.search(rf"notebooks/02_eda\.ipynb, code cell 5 \({code.splitlines()[0]}\) {told}", done.stderr)
    assert "\n02_eda: failed in " in done.stderr
    assert "Traceback" not in done.stderr


WORKERS = """from time import sleep
from segmentation.core.parallel import spread
write_text(folder / "working", "")
nothing = spread(sleep, [0.1] * 40)"""


@pytest.mark.parametrize("how", ["to its end", signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_run_and_its_workers(toy, place, how):
    insert_code(toy, "04_clustering", WORKERS)
    variables = {**os.environ, "PYTHONPATH": str(toy.root), "TMPDIR": str(place)}
    command = [sys.executable, "-m", "segmentation", "report"]
    run = subprocess.Popen(
        command,
        cwd=toy.root,
        env=variables,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # ignored behind a shell
    )
    while not toy.artifact("sample", "working").is_file():
        assert run.poll() is None, run.stderr.read()
        time.sleep(0.02)
    if how != "to its end":
        run.send_signal(how)
    # Its kernels, their server and workers hold the other end of this pipe: it closes when the last of them has ended.
    run.communicate()
    assert list(place.iterdir()) == []
    codes = {"to its end": 0, signal.SIGINT: 130, signal.SIGTERM: -signal.SIGTERM, signal.SIGKILL: -signal.SIGKILL}
    assert run.returncode == codes[how]


ORPHANS = """import os
from segmentation.pipeline import kernels
kernels.warm_up(["segmentation.core.files"])
kernels._warm.ask(["-f", "connection.json"], dict(os.environ), None, [])
kernels._warm._ours.send((0,))
os.kill(os.getpid(), 9)"""


def test_kernels_end_with_who_does_not_wait_for_an_answer(toy, place):
    variables = {**os.environ, "PYTHONPATH": str(toy.root), "TMPDIR": str(place)}
    with subprocess.Popen([sys.executable, "-c", ORPHANS], cwd=place, env=variables, stdout=subprocess.PIPE) as run:
        assert run.stdout.read() == b""  # at the end of the last of them


WAITS = "while not (folder / 'goes on').is_file(): (folder / 'waits').touch()"


def test_a_stage_begins_when_the_one_before_has_come_to_its_answer(toy):
    insert_code(toy, "03_k_selection", WAITS, below=True)
    insert_code(toy, "04_clustering", "(folder / 'goes on').touch()")
    assert _ran(toy) == "03_k_selection, 04_clustering, report.html and manifest.json"


def test_a_stage_begins_when_the_cell_that_keeps_what_it_reads_has_run(toy):
    path = toy.root / "notebooks" / "03_k_selection.ipynb"
    notebook = nbformat.read(path, as_version=4)
    *_, keeps, _ = notebook.cells
    keeps.metadata["tags"] = ["kept"]
    nbformat.write(notebook, path)
    insert_code(toy, "03_k_selection", WAITS)
    insert_code(toy, "04_clustering", "(folder / 'goes on').touch()")
    assert _ran(toy) == "03_k_selection, 04_clustering, report.html and manifest.json"


def test_a_page_whose_chapters_were_rendered_ahead_is_the_one_rendered_at_once(toy):
    insert_code(toy, "04_clustering", "print('drawn again')")
    insert_code(toy, "05_profiling", "print('told again')")
    assert toy.run("report").returncode == 0
    page = toy.root / "report" / "sample" / "report.html"
    ahead = page.read_bytes()
    assert b"drawn again" in ahead
    page.unlink()
    assert _ran(toy) == "report.html"
    assert page.read_bytes() == ahead


def test_a_kernel_gives_way_once_it_only_shows_and_the_one_that_writes_the_model_is_ready_to(toy):
    code = "import os, sys; print('nice', os.getpriority(os.PRIO_PROCESS, 0), 'skops.io' in sys.modules)"
    insert_code(toy, "03_k_selection", code, below=True)
    insert_code(toy, "04_clustering", code)
    assert toy.run("report").returncode == 0
    executed = toy.root / "report" / "sample" / "notebooks"
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    assert f"nice {usual + LATER} False" in (executed / "03_k_selection.ipynb").read_text()
    assert f"nice {usual} True" in (executed / "04_clustering.ipynb").read_text()


def test_no_kernel_waits_while_a_large_table_is_cleaned(toy):
    chapters = toy.root / "segmentation" / "pipeline" / "notebooks.py"
    small = chapters.read_text().replace("\nLARGEST_BESIDE = 500_000_000", "\nLARGEST_BESIDE = 0")
    insert_code(
        toy,
        "01_cleaning",
        """import os
from pathlib import Path
def below(pid): return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
others = [kernel for server in below(os.getppid()) if server != str(os.getpid()) for kernel in below(server)]
print("others wait:", len(others))""",
    )
    chapters.write_text(small)
    assert toy.run("report", "--seed", "7").returncode == 0
    assert "others wait: 0" in (toy.root / "report" / "sample" / "notebooks" / "01_cleaning.ipynb").read_text()


def test_a_failure_beneath_the_answer_fails_the_run_and_is_made_again(toy):
    page, whole = toy.root / "report" / "sample" / "report.html", toy.root / "notebooks" / "03_k_selection.ipynb"
    before, notebook = page.read_bytes(), whole.read_bytes()
    insert_code(toy, "03_k_selection", "1 / 0", below=True)
    done = toy.run("report", "--seed", "7")
    assert done.returncode == 1
    assert "notebooks/03_k_selection.ipynb, code cell 5 (1 / 0): ZeroDivisionError" in done.stderr
    assert "\n03_k_selection: failed in " in done.stderr
    assert page.read_bytes() == before
    whole.write_bytes(notebook)
    assert "03_k_selection" in _ran(toy, "--seed", "7")


def test_an_artifact_written_beneath_the_answer_is_refused(toy):
    again = 'write_json(folder / "k_selection.json", read_json(folder / "k_selection.json"))'
    insert_code(toy, "03_k_selection", again, below=True)
    done = toy.run("report")
    assert done.returncode == 1
    assert "notebooks/03_k_selection.ipynb writes k_selection.json when others have read it" in done.stderr


def test_a_stage_stopped_after_its_artifacts_is_made_again(toy):
    insert_code(toy, "03_k_selection", WAITS, below=True)
    command = [sys.executable, "-m", "segmentation", "report", "--seed", "7"]
    stopped = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # ignored behind a shell
    variables = {**os.environ, "PYTHONPATH": str(toy.root)}
    run = subprocess.Popen(command, cwd=toy.root, env=variables, stderr=subprocess.PIPE, preexec_fn=stopped)
    while b"04_clustering" not in run.stderr.readline():
        assert run.poll() is None
    run.send_signal(signal.SIGINT)
    run.communicate()
    assert run.returncode == 130
    toy.artifact("sample", "goes on").touch()
    assert "03_k_selection" in _ran(toy, "--seed", "7")
    assert "while not" in (toy.root / "report" / "sample" / "notebooks" / "03_k_selection.ipynb").read_text()


def test_a_run_is_made_again_by_its_name_alone(toy, tmp_path):
    shutil.copytree(toy.root / "data" / "sample", toy.root / "data" / "shop")
    shutil.copy(toy.root / "data" / "sample" / "customers.csv", tmp_path / "april.csv")
    _ran(toy, "--dataset", "shop", "--data", str(tmp_path / "april.csv"), "--run", "april", "--seed", "3")
    before = toy.artifact("april", "manifest.json").read_bytes()
    assert _ran(toy, "--run", "april") == NOTHING
    assert toy.artifact("april", "manifest.json").read_bytes() == before
    insert_code(toy, "05_profiling", "1 / 0")
    assert toy.run("report", "--run", "april", "--seed", "4").returncode == 1
    assert read_json(toy.artifact("april", ".made.json"))["parameters"]["seed"] == 3
    assert toy.run("report", "--run", "april", "--dataset", "sample").returncode == 2
    assert toy.artifact("april", "manifest.json").read_bytes() == before


def test_a_run_made_from_another_table_says_whose_results_it_replaces(toy):
    assert "Replaced" not in toy.run("report").stdout
    other = toy.root / "april.csv"
    shutil.copy(toy.root / "data" / "sample" / "customers.csv", other)
    assert (
        "Replaced  what run sample found in customers.csv"
        in toy.run("report", "--dataset", "sample", "--data", str(other)).stdout
    )


def test_a_table_replaced_by_another_of_the_same_time_and_size_is_read(toy):
    table = toy.root / "data" / "sample" / "customers.csv"
    before, stamp = table.read_text(), table.stat()
    clean = toy.artifact("sample", "customers.parquet").read_bytes()
    table.write_text(before.replace("Male", "male"))
    os.utime(table, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert (table.stat().st_mtime_ns, table.stat().st_size) == (stamp.st_mtime_ns, stamp.st_size)
    assert "01_cleaning" in _ran(toy)
    assert toy.artifact("sample", "customers.parquet").read_bytes() != clean
    told = read_json(toy.artifact("sample", "manifest.json"))["inputs"]["customers.csv"]
    assert told == hashlib.sha256(table.read_bytes()).hexdigest()


def test_a_table_written_to_while_it_is_read_is_refused_and_read_again(toy):
    table = toy.root / "data" / "sample" / "customers.csv"
    insert_code(toy, "01_cleaning", f"write_text(files.Path({str(table)!r}), 'another')")
    before = table.read_bytes()
    done = toy.run("report")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        3,
        "Error: customers.csv was changed while it was read; make the run again",
    )
    table.write_bytes(before)
    insert_code(toy, "01_cleaning", f"files.Path({str(table)!r}).write_bytes({before!r})")
    assert "01_cleaning" in _ran(toy)
    assert read_json(toy.artifact("sample", "manifest.json"))["inputs"]["customers.csv"] == sha256(table)


MEANWHILE = """if (folder / "late").is_file():
    while not (folder / "again").is_file(): (folder / "begun").touch()"""
LATE = """(folder / "late").touch()
while not (folder / "begun").is_file(): pass
write_json(folder / "k_selection.json", read_json(folder / "k_selection.json") | {"seed": 9})
(folder / "again").touch()"""


def test_who_read_an_artifact_before_it_was_written_again_runs_again(toy):
    whole = toy.root / "notebooks" / "03_k_selection.ipynb"
    notebook = whole.read_bytes()
    insert_code(toy, "04_clustering", MEANWHILE)
    insert_code(toy, "03_k_selection", "(folder / 'late').touch()")
    insert_code(toy, "03_k_selection", LATE, below=True)
    assert toy.run("report").returncode == 1
    (toy.artifact("sample", "late")).unlink()
    whole.write_bytes(notebook)
    insert_code(toy, "03_k_selection", LATE.splitlines()[2])
    assert "03_k_selection, 04_clustering" in _ran(toy)


EDITED = """place = files.PACKAGE / "pipeline" / "tidy.py"
place.write_bytes(place.read_bytes() + b"# edited" * (b"# edited" not in place.read_bytes()))"""


def test_a_module_that_was_edited_while_it_was_used_is_used_again(toy):
    insert_code(toy, "05_profiling", EDITED)
    assert toy.run("report").returncode == 0
    assert "05_profiling" in _ran(toy)
    assert _ran(toy).startswith("nothing")


def test_a_module_that_cannot_be_read_is_told_by_the_cell_that_uses_it(toy):
    (toy.root / "segmentation" / "broken.py").write_text("def (:", encoding="utf-8")
    insert_code(toy, "04_clustering", "import segmentation.broken")
    done = toy.run("report")
    assert done.returncode == 1
    assert "notebooks/04_clustering.ipynb, code cell 5 (import segmentation.broken): SyntaxError" in done.stderr
    assert "Traceback" not in done.stderr
