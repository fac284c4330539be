"""The project itself: its locks, its map, its commands."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distribution

import pytest
import yaml
from filelock import FileLock
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from segmentation import cli
from segmentation.core import files, parallel
from segmentation.pipeline.plan import make_plan
from segmentation.runs.stages import STAGES
from tests import pythons
from tests.conftest import ROOT, Project, in_short

PYTHONS = ["3.11", "3.12", "3.13", "3.14", "3.15"]
TOLD = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT, RIVALS = TOLD["project"], [Requirement(text) for text in TOLD["dependency-groups"]["bench"]]
LOCK = (ROOT / "requirements.txt").read_text() + (ROOT / "requirements-spark.txt").read_text()
BENCH_LOCK = (ROOT / "requirements-bench.txt").read_text()
DOCS_LOCK = (ROOT / "requirements-docs.txt").read_text()
AUDIT_LOCK = (ROOT / "requirements-audit.txt").read_text()


def _direct() -> list[Requirement]:
    listed = [*PROJECT["dependencies"], *TOLD["dependency-groups"]["spark"], *TOLD["dependency-groups"]["build"]]
    listed += [text for part in PROJECT["optional-dependencies"].values() for text in part]
    return [needed for needed in map(Requirement, listed) if needed.name != PROJECT["name"]]


def _locked(lock: str = LOCK) -> dict[str, list[tuple[str, str]]]:
    """Return the pinned (version, marker) of each package; a package may be pinned once for each Python."""
    pins: dict[str, list[tuple[str, str]]] = {}
    for name, version, marker in re.findall(r"^([\w.-]+)==(\S+)(?: ; ([^\\\n]+))?", lock, flags=re.M):
        pins.setdefault(name, []).append((version, marker))
    return pins


@pytest.mark.parametrize("needed", _direct(), ids=lambda needed: needed.name)
def test_every_direct_dependency_is_locked_at_an_allowed_version(needed):
    pins = _locked()[needed.name.lower().replace("_", "-")]
    for python in PYTHONS:
        here = {"python_version": python, "python_full_version": f"{python}.0"}
        if not needed.marker or needed.marker.evaluate(here):
            [version] = [version for version, marker in pins if not marker or Marker(marker).evaluate(here)]
            assert version in needed.specifier


@pytest.mark.parametrize(("lock", "least"), [(LOCK, 100), (BENCH_LOCK, 20), (AUDIT_LOCK, 20), (DOCS_LOCK, 20)])
def test_every_locked_package_has_hashes_and_no_place(lock, least):
    blocks = re.split(r"\n(?=[\w.-]+==)", lock[lock.index("\n", lock.index("make lock")) :].strip())
    assert len(blocks) > least
    assert all("--hash=sha256:" in block for block in blocks)
    assert not re.search(r"https?://|file://|--index|--find-links", lock)


def test_the_rivals_are_locked_beside_the_very_versions_of_a_run():
    ours, theirs = _locked(), _locked(BENCH_LOCK)
    assert all(version in need.specifier for need in RIVALS for version, _ in theirs[need.name])
    for other in (theirs, _locked(AUDIT_LOCK), _locked(DOCS_LOCK)):
        for name in ours.keys() & other.keys():
            assert {version for version, _ in other[name]} <= {version for version, _ in ours[name]}


def test_conda_environment_agrees():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, rest = environment["dependencies"]
    assert SpecifierSet(python.removeprefix("python")) == SpecifierSet(PROJECT["requires-python"])
    assert pip == "pip"
    assert rest == {"pip": ["--require-hashes", "--only-binary :all:", "--requirement requirements-report.txt"]}
    assert environment["channels"][0] == "conda-forge"


def test_declared_pythons_are_the_allowed_ones():
    declared = [c.rsplit(" ", 1)[1] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert declared == PYTHONS
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert [v for v in ("3.10", *PYTHONS, "3.16") if v in allowed] == PYTHONS
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "report.yml").read_text())
    assert workflow["jobs"]["report"]["strategy"]["matrix"]["python"] == PYTHONS


def test_a_python_that_is_not_here_is_told_and_one_that_fails_fails_the_matrix(tmp_path, monkeypatch, capsys):
    there, not_there = pythons.Python("3.12", "python3.12"), "Debian cannot be made"
    monkeypatch.setattr("sys.argv", ["matrix"])
    monkeypatch.setattr(pythons, "found", lambda version, _: there if version == "3.12" else pythons.Python(version))
    monkeypatch.setattr(pythons, "make_tree", lambda *_: not_there)
    monkeypatch.setattr(pythons, "prove", lambda python: (python.told.update(tests="**failed**"), _fail(python)))
    monkeypatch.setattr(pythons, "PAGE", tmp_path / "pythons.md")
    with pytest.raises(SystemExit) as ended:
        pythons.main()
    assert ended.value.code
    rows = re.findall(r"^\| (3\.\d+) \|.*\|$", (tmp_path / "pythons.md").read_text(), flags=re.M)
    assert rows == PYTHONS
    shown = capsys.readouterr().out
    assert shown.count(f"not found, nothing ran: {not_there}") == len(PYTHONS) - 1
    assert shown.count("**failed**") == 1


def _fail(python: pythons.Python) -> None:
    python.failed = True


def test_every_direct_dependency_has_a_reason():
    lines = re.findall(r'^  "[\w.,\[\]-]+[<>=].*$', (ROOT / "pyproject.toml").read_text(), flags=re.M)
    assert len(lines) == len(_direct()) + len(RIVALS) + sum(
        len(TOLD["dependency-groups"][name]) for name in ("audit", "docs")
    )
    assert all(re.search(r'",\s+# \w+', line) for line in lines)


def test_what_the_package_imports_is_declared():
    names = {"sklearn": "scikit-learn", "ibis": "ibis-framework", "yaml": "pyyaml", "IPython": "ipython",
             "jupyter_client": "jupyter-client", "python_calamine": "python-calamine",
             "pptx": "python-pptx"}  # fmt: skip
    nodes = [node for path in (ROOT / "segmentation").rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    foreign = {module.partition(".")[0] for module in modules} - set(sys.stdlib_module_names) - {"segmentation"}
    assert {names.get(name, name) for name in foreign} <= {needed.name for needed in _direct()}


def test_schema_of_dataset_yaml_is_current():
    command = [sys.executable, "-m", "segmentation", "schema"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert (ROOT / "data" / "dataset.schema.json").read_text() == shown
    assert json.loads(shown)["additionalProperties"] is False


def test_readme_draws_the_stages_as_the_code_has_them():
    readme = (ROOT / "README.md").read_text()
    table = dict(re.findall(r"^\| `(\d\d_\w+)` \| (.*) \|$", readme, flags=re.M))
    written = {stage.name: (*stage.writes, *stage.may_write) for stage in STAGES}
    assert table == {stage.name: f"{_names(stage.reads)} | {_names(written[stage.name])}" for stage in STAGES}


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in in_short(names)) or "–"


def test_each_stage_reads_what_an_earlier_one_writes():
    written = set()
    for stage in STAGES:
        assert set(stage.reads) <= written
        assert not written & set(stage.writes)
        written |= set(stage.writes)


def _make(*words: str, **variables: str) -> subprocess.CompletedProcess:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(["make", *words], cwd=ROOT, env=environment | variables, capture_output=True, text=True)


def test_make_alone_lists_every_target():
    listed, rest = (re.findall(r"^make (\w+) ", _make(*words).stdout, flags=re.M) for words in ([], ["maintain"]))
    targets = re.findall(r"^(\w+):.*##", (ROOT / "Makefile").read_text(), flags=re.M)
    assert sorted(listed + rest) == sorted(targets)
    assert {"report", "pdf", "test", "lab", "score", "clean", "maintain"} <= set(listed)
    assert {
        "check",
        "renew",
        "lint",
        "lock",
        "release",
        "bench",
        "pictures",
        "messages",
        "audit",
        "docs",
        "matrix",
    } == set(rest)
    readme = (ROOT / "README.md").read_text()
    assert [one for one in targets if one not in ("help", "maintain") and f"`make {one}" not in readme] == []


@pytest.mark.parametrize("python", ["nosuchpython", "false"])
def test_make_tells_in_one_line_that_python_is_missing_or_unsupported(python):
    done = _make("report", f"PYTHON={python}", "VENV=.venv-that-is-not-there")
    assert done.returncode == 2
    assert "install Python 3.11 to 3.15" in done.stdout + done.stderr
    assert len([line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("make")]) == 1


UNUSED = set(re.findall(r"^unused := (.*)$", (ROOT / "Makefile").read_text(), flags=re.M)[0].split())


def _brought(*parts: str) -> set[str]:
    """Return the installed packages that make brings for a report, with those of the extras."""
    found, needed = set(), [(text, "") for text in PROJECT["dependencies"]]
    needed += [(text, "") for part in parts for text in PROJECT["optional-dependencies"][part]]
    unused = set() if {"lab", "dev"} & {*parts} else UNUSED
    for text, extra in needed:
        need = Requirement(text)
        name = canonicalize_name(need.name)
        if name == PROJECT["name"]:
            needed += [(text, "") for part in need.extras for text in PROJECT["optional-dependencies"][part]]
        elif name not in unused and (not need.marker or need.marker.evaluate({"extra": extra})):
            new = [*([] if name in found else [""]), *need.extras]
            found.add(name)
            needed += [(text, one) for text in distribution(name).requires or () for one in new]
    return found


def _taken(names: set[str]) -> float:
    """Return the MB that packages take on a disk of blocks of 4 KB, without bytecode."""
    files = [file.locate() for name in names for file in distribution(name).files or ()]
    sizes = [path.stat().st_size for path in files if path.suffix != ".pyc" and path.is_file()]
    return sum(-(-size // 4096) for size in sizes) * 4096 / 2**20


@pytest.mark.parametrize("part", ["report", *(part for part in PROJECT["optional-dependencies"] if part != "spark")])
def test_make_says_what_it_sets_up_and_how_large_that_is(part):
    target = {"dev": "test"}.get(part, part)
    shown = _make("--dry-run", target, "VENV=.venv-that-is-not-there").stdout
    told = re.findall(r"once: (?:for a report about )?(\d+) packages, (\d+) MB", shown)
    assert len(told) == (1 if part == "report" else 2)
    packages, size = map(int, told[-1])
    lean = _brought()
    brought = lean if part == "report" else _brought(part) - lean
    assert abs(packages - len(brought)) <= (8 if part == "report" else 2)
    assert abs(size - _taken(brought)) <= 0.12 * size + 5


def test_a_report_needs_few_packages_and_nothing_of_what_other_commands_need():
    lean = _brought()
    assert len(lean) <= 110
    assert not lean & {"jupyterlab", "weasyprint", "streamlit", "plotly", "python-pptx", "psycopg", "pytest", "uv"}
    locked = {name for name, pins in _locked((ROOT / "requirements-report.txt").read_text()).items() if pins}
    assert lean <= locked


def test_the_lock_of_a_report_is_a_part_of_the_lock():
    whole, part = _locked(), _locked((ROOT / "requirements-report.txt").read_text())
    assert {name: {version for version, _ in pins} for name, pins in part.items()} == {
        name: {version for version, _ in whole[name]} for name in part
    }


def test_lab_passes_options_on_and_runs_as_root(monkeypatch):
    shown = _make("--dry-run", "lab", "PORT=9999", "ARGS=--no-browser").stdout
    assert re.search(r"segmentation lab --port='9999' +--no-browser\n", shown)
    ran = []
    monkeypatch.setattr(parallel, "run_unheard", lambda words: ran.append(words) or 0)
    for user in (0, 1000):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        monkeypatch.setattr(sys, "argv", ["segmentation", "lab", "--port=9999", "--no-browser"])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == 0
    for words, root in zip(ran, (["--allow-root"], []), strict=True):
        quiet = "--ServerApp.answer_yes=True"
        assert words[2:] == ["jupyterlab", str(ROOT / "notebooks"), quiet, *root, "--port=9999", "--no-browser"]


def test_without_the_environment_one_line_says_what_to_do():
    command = [sys.executable, "-S", "-m", "segmentation", "report"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert re.fullmatch(r"Error: this Python has no filelock, .*; run make report, .*\n", done.stderr)


def test_make_passes_what_was_typed():
    shown = _make("--dry-run", "report", "K=6", "DATA=it's here.csv", "DATSET=mall").stdout
    assert "--k='6'" in shown
    assert "--data='it'\\''s here.csv'" in shown
    assert "--datset='mall'" in shown


STUB = """#!{python}
import json, os, sys
print(json.dumps([sys.argv[1:], {{name: os.environ.get(name) for name in ("DATA", "OUT")}}]))
"""
ODD = {
    "DATA": "sales$2024.csv",
    "NEW": "$(shell touch pwned)`touch pwned`$(touch pwned)$$ ${HOME} $@.csv",
    "OUT": 'it\'s "here" a\\b\\\nand\n\n there, (x) #1;*?&|<>~!.csv \\',
    "BASE": "$(error no)",
    "RUN": "two  blanks and one behind ",
    "ENCODING": "",
    "K": "--é=$(K)",
}


@pytest.mark.parametrize("target", ["score", "report"])
def test_make_passes_every_value_letter_for_letter_and_runs_none(tmp_path, target):
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(STUB.format(python=sys.executable))
    python.chmod(0o755)
    for name in ("pyvenv.cfg", ".ready"):
        (tmp_path / name).touch()
    done = _make("-f", str(ROOT / "Makefile"), target, f"VENV={tmp_path}", *map("=".join, ODD.items()))
    assert (done.returncode, done.stderr) == (0, "")
    words, environment = json.loads(done.stdout)
    assert words[:3] == ["-m", "segmentation", target]
    assert dict(word.removeprefix("--").split("=", 1) for word in words[3:]) == {
        name.lower(): value for name, value in ODD.items()
    }
    assert environment["DATA"] in (None, ODD["DATA"])
    assert not (ROOT / "pwned").exists()


# What make calls python: it makes the folder of the tool once, and answers of reports; who needs more gets nothing.
INSTALLER = """#!{python}
import pathlib, shutil, sys
words = sys.argv[1:]
if words[:2] == ["-m", "venv"]:
    tool = pathlib.Path(words[-1], "bin")
    tool.mkdir(parents=True)
    shutil.copy(sys.argv[0], tool / "python")
elif words[:2] == ["-m", "segmentation"]:
    print({{"said": words[2]}})
"""


def test_make_tells_on_the_standard_error_what_it_installs_one_after_another_and_leaves_the_output_to_the_command(
    tmp_path,
):
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(INSTALLER.format(python=sys.executable))
    python.chmod(0o755)
    (tmp_path / "pyvenv.cfg").touch()
    done = _make("-j4", "report", "pdf", "slides", "spark", "JSON=1", f"VENV={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{{'said': '{name}'}}" for name in ("report", "pdf", "slides")]
    assert re.findall(r"for a report|what \S+ needs", done.stderr) == [
        *("for a report", "what pdf needs", "what slides needs", "what ENGINE=spark needs")
    ]


def test_make_release_takes_what_was_typed_for_one_word():
    shown = _make("--dry-run", "release", "DEV=", "PART=x'; $(touch pwned) ").stdout
    assert "--bump 'x'\\''; $(touch pwned) '\n" in shown


NOTHING = dict.fromkeys(("run", "dataset", "data", "features", "k", "seed", "resamples", "engine"))


def test_command_line_wins_over_dataset_yaml_and_notebook():
    plan = make_plan(**NOTHING | {"k": "4"})
    assert (plan.parameters["k"], plan.set_by["k"]) == (4, "command line")
    assert (plan.parameters["seed"], plan.set_by["seed"]) == (0, "default")
    assert (plan.parameters["features"], plan.set_by["features"]) == ("income,spending", "dataset.yaml")


def test_dataset_yaml_wins_over_the_notebook(fresh: Project):
    notebook = fresh.root / "notebooks" / "03_k_selection.ipynb"
    notebook.write_text(notebook.read_text().replace("k = None", "k = 3"))
    assert _planned(fresh) == [3, "notebook"]
    described = fresh.root / "data" / "sample" / "dataset.yaml"
    described.write_text(described.read_text() + "k: 4\n")
    assert _planned(fresh) == [4, "dataset.yaml"]


def _planned(project: Project) -> list:
    code = (
        "import json; from segmentation.pipeline.plan import make_plan; "
        f"plan = make_plan(**{NOTHING}); print(json.dumps([plan.parameters['k'], plan.set_by['k']]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(project.root)}
    command = [sys.executable, "-c", code]
    shown = subprocess.run(command, cwd=project.root, env=environment, capture_output=True, text=True, check=True)
    return json.loads(shown.stdout)


def test_clean_removes_what_was_generated_and_nothing_else(fresh: Project):
    theirs = ["assets/readme/a.png", "assets/notes/mine.txt", "report/mine/report.txt"]
    made = ["assets/mall/manifest.json", "assets/failed/.lock", "report/mall/report.html"]
    for place in [*theirs, *made, "report/failed/notebooks/01_cleaning.ipynb", "assets/empty/"]:
        folder = fresh.root / place.rpartition("/")[0]
        folder.mkdir(parents=True, exist_ok=True)
        if not place.endswith("/"):
            (fresh.root / place).touch()
    for name in ("linked", files.KEPT):
        (fresh.root / "assets" / name).symlink_to(fresh.root / "assets" / "notes")
    command, environment = (
        [sys.executable, "-m", "segmentation", "clean"],
        {**os.environ, "PYTHONPATH": str(fresh.root)},
    )
    elsewhere = subprocess.run(command, cwd=fresh.root.parent, env=environment, capture_output=True, text=True)
    assert (elsewhere.returncode, "this is another folder" in elsewhere.stderr) == (2, True)
    assert all((fresh.root / place).is_file() for place in made)
    done = fresh.call("clean")
    assert done.returncode == 0
    left = [
        (f"assets/{files.KEPT}", "a link"),
        ("assets/linked", "a link"),
        ("assets/notes", "not a run"),
        ("report/mine", "not a run"),
    ]
    *lines, last = done.stdout.splitlines()
    assert lines == [f"{place} is left as it is: it is {what}" for place, what in left]
    gone = "assets/empty, assets/failed, assets/mall, report/failed, report/mall"
    assert last == f"removed: {gone}; tables, their descriptions under data/ and the environment stay"
    assert fresh.call("clean").stdout.splitlines()[-1].startswith("nothing is removed; ")
    assert sorted(path.name for path in (fresh.root / "assets").iterdir()) == [files.KEPT, "linked", "notes", "readme"]
    kept = sorted(path.name for path in (fresh.root / "report").iterdir())
    assert kept == ["dashboard.css", "dashboard.py", "mine", "template"]
    assert all((fresh.root / place).is_file() for place in theirs)


def test_clean_leaves_a_run_that_is_being_made_and_goes_on_past_one_that_cannot_be_removed(fresh, monkeypatch):
    for place in ("assets/busy/manifest.json", "report/busy/report.html", "assets/held/.lock", "assets/old/.lock"):
        (fresh.root / place).parent.mkdir(parents=True)
        (fresh.root / place).touch()
    remove = shutil.rmtree

    def refusing(folder):
        if folder.name == "held":
            raise PermissionError(13, "Permission denied", str(folder))
        remove(folder)

    monkeypatch.setattr(shutil, "rmtree", refusing)
    with FileLock(fresh.root / "assets" / "busy" / ".lock"):
        done = fresh.call("clean")
    why = "the run is being made"
    told = f"Error: not removed: assets/busy ({why}), assets/held (Permission denied), report/busy ({why})\n"
    assert (done.returncode, done.stderr) == (1, told)
    assert done.stdout.startswith("removed: assets/old; ")
    assert not (fresh.root / "assets" / "old").exists()
    assert (fresh.root / "report" / "busy" / "report.html").is_file()


def test_no_table_is_kept_but_the_sample():
    listed = subprocess.run(["git", "ls-files", "data"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no git checkout, so that what is kept cannot be listed")
    kept = {name for name in listed.stdout.split() if not name.startswith("data/sample/")}
    assert {name.rsplit("/", 1)[1] for name in kept} == {"dataset.yaml", "dataset.schema.json"}
    for place in ("data/cdnow/CDNOW_master.txt", "data/mall/Mall_Customers.csv", "data/shop/shop.xlsx"):
        assert subprocess.run(["git", "check-ignore", "-q", place], cwd=ROOT).returncode == 0


HEAVY = (
    "sklearn",
    "matplotlib",
    "scipy",
    "pandas",
    "numpy",
    "ibis",
    "pyarrow",
    "nbformat",
    "papermill",
    "jupyter_client",
)


def test_a_run_in_which_nothing_changed_imports_nothing_heavy(tmp_path):
    needed = "import segmentation.cli, segmentation.pipeline.tasks, segmentation.runs.finished"
    code = f"{needed}, sys; print(sorted(set({HEAVY}) & set(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    shown = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"


PACKAGE = ROOT / "segmentation"


def test_the_house_stays_small_enough_to_find_ones_way():
    packages = [place.parent for place in PACKAGE.glob("*/__init__.py")]
    rooms = [place.parent for place in PACKAGE.rglob("__init__.py") if place.parent != PACKAGE]
    modules = {place: sorted(place.glob("*.py")) for place in rooms}
    assert len(packages) <= 15
    assert len([place for place in PACKAGE.iterdir() if place.is_file()]) <= 4
    assert {name for name, found in modules.items() if len(found) > 8 + len(["__init__"])} == set()
    names = {path.stem for path in PACKAGE.rglob("*.py")} - {"__init__", "__main__"}
    assert names & set(sys.stdlib_module_names) == set()


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_modules_and_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
    lines = {node.name: node.end_lineno - node.lineno + 1 for node in functions}
    assert {name: count for name, count in lines.items() if count > 45} == {}


def test_a_constant_has_one_home():
    homes: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        tops = ast.parse(path.read_text(encoding="utf-8")).body
        targets = [target for node in tops if isinstance(node, ast.Assign) for target in node.targets]
        targets += [node.target for node in tops if isinstance(node, ast.AnnAssign)]
        names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
        for name in filter(str.isupper, names):
            homes.setdefault(name, []).append(path.relative_to(PACKAGE).as_posix())
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_code_is_parsed_in_one_place_alone():
    """Threads parse, and of two that do so at once Python 3.11 now and then stops one: there each waits its turn."""
    own = [path for path in PACKAGE.rglob("*.py") if "ast.parse(" in path.read_text(encoding="utf-8")]
    assert own == [PACKAGE / "runs" / "stages.py"]
