"""The wheel is whole: installed outside of the clone it does what a clone does, in a home beside its caller."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from segmentation.core.files import read_json
from tests.conftest import ROOT, Project
from tests.toy import KEPT, make_toy

MADE = ("assets", "report", "data")  # where a clone writes
NEW = "march.csv"  # the sample without some customers


class Caller:
    """Somebody who has the package in an environment of their own, and stands in a folder outside of any clone."""

    def __init__(self, folder: Path, environment: Path):
        self.folder, self.home, self.bin = folder, folder / "segmentation", environment / "bin"

    def run(self, *words: str, program: str = "segmentation-report", code: int = 0) -> subprocess.CompletedProcess:
        """Run a program of the environment."""
        foreign = ("PYTHONPATH", "SEGMENTATION_CALLED", "SEGMENTATION_HOME")
        variables = {name: value for name, value in os.environ.items() if name not in foreign}
        variables["JUPYTER_PATH"] = str(Path(sys.prefix, "share", "jupyter"))  # of the packages that are lent
        command = [str(self.bin / program), *words]
        done = subprocess.run(command, cwd=self.folder, env=variables, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        return done

    def last(self, *words: str, **how) -> str:
        """Return the last line that a command prints."""
        return self.run(*words, **how).stdout.splitlines()[-1]


def _files(*folders: Path) -> list[str]:
    return sorted(str(path) for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment with the built wheel alone; what it depends on is lent by that of the tests, without the clone."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "env")], check=True)
    python = str(folder / "env" / "bin" / "python")
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-index", "--no-deps"]
    subprocess.run([*install, "--python", python, str(wheel)], check=True)
    [site] = (folder / "env").glob("lib/python*/site-packages")
    # A folder that is listed here is searched, and its own lists, by which the clone is found, are not read.
    (site / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return folder / "env"


@pytest.fixture(scope="module")
def caller(environment, tmp_path_factory):
    """A caller who has made the report on the sample, in a folder that held one table."""
    made = Caller(tmp_path_factory.mktemp("caller"), environment)
    head, *rows = (ROOT / "data" / "sample" / "customers.csv").read_text().splitlines(keepends=True)
    (made.folder / NEW).write_text("".join([head, *rows[20:]]))
    before = _files(*(ROOT / part for part in MADE), environment)
    assert made.last("report") == "segmentation/report/sample/report.html"
    assert _files(*(ROOT / part for part in MADE), environment) == before
    assert sorted(path.name for path in made.folder.iterdir()) == [NEW, "segmentation"]
    assert sorted(path.name for path in made.home.iterdir()) == ["assets", "report"]
    return made


@pytest.fixture(scope="module")
def months(caller, sample, tmp_path_factory):
    """The same, with a second run: its notebooks are the caller's own, toys that need no time."""
    assert caller.last("lab", "--version")
    brought = sorted(path.name for path in (caller.home / "notebooks").iterdir())
    assert brought == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    toys = make_toy(sample, tmp_path_factory.mktemp("toys")).root / "notebooks"
    shutil.copytree(toys, caller.home / "notebooks", dirs_exist_ok=True)
    done = caller.run("report", "--dataset", "sample", "--data", NEW, "--run", "march")
    assert "01_cleaning.ipynb, 02_eda.ipynb" in done.stdout
    assert "in segmentation/notebooks, which differ from those of the package" in done.stdout
    assert (caller.home / KEPT).is_dir()
    return caller


def test_the_report_is_the_one_of_a_clone_byte_for_byte_but_for_how_options_are_typed(caller, sample: Project):
    mine, theirs = (read_json(home / "assets/sample/manifest.json") for home in (caller.home, sample.root))
    different = {name for part in ("inputs", "outputs") for name in mine[part].keys() | theirs[part].keys()
                 if mine[part].get(name) != theirs[part].get(name)}  # fmt: skip
    assert different == {"report/sample/report.html"}
    assert (mine["versions"], mine["parameters"]) == (theirs["versions"], theirs["parameters"])
    page, other = ((home / "report/sample/report.html").read_text() for home in (caller.home, sample.root))
    pairs = [(one, two) for one, two in zip(page.split(), other.split(), strict=True) if one != two]
    assert 0 < len(pairs) < 10
    assert all("--" in one and "=" in two for one, two in pairs)


def test_no_folder_of_the_machine_is_in_what_was_made(caller):
    for path in (path for path in caller.home.rglob("*") if path.is_file() and not path.name.startswith(".")):
        content = path.read_bytes()
        assert not [place for place in (caller.folder, caller.bin.parent, ROOT) if str(place).encode() in content], path


def test_a_folder_that_holds_a_home_does_not_hide_the_package(caller):
    told = caller.run("-m", "segmentation", "report", program="python").stdout
    assert "nothing; everything was up to date" in told
    assert told.endswith("\nsegmentation/report/sample/report.html\n")


def test_new_customers_are_scored_and_listed_and_described_beside_the_caller(caller):
    caller.run("score", "--dataset", "sample", "--new", NEW, "--out", "out/scored.csv")
    assert len((caller.folder / "out" / "scored.csv").read_text().splitlines()) == 181
    assert "segmentation/assets/sample/segments.xlsx: " in caller.run("lists", "--run", "sample").stdout
    caller.run("dataset", "--name", "shop", "--data", NEW)
    assert {path.name for path in (caller.home / "data").rglob("*")} == {"shop", "dataset.yaml", "dataset.schema.json"}
    again = caller.run("dataset", "--name", "shop", "--data", NEW, code=2)
    assert again.stderr.startswith("Error: segmentation/data/shop/dataset.yaml exists")


def test_an_executed_notebook_is_rendered_by_the_template_that_is_shipped(caller):
    words = ["--to", "segmentation-html", "segmentation/report/sample/notebooks/02_eda.ipynb", "--output-dir", "pages"]
    caller.run("-m", "nbconvert", *words, program="python")
    assert "<figure id=" in (caller.folder / "pages" / "02_eda.html").read_text()


def test_the_dashboard_is_shipped_with_its_looks(caller):
    shown = "from segmentation.report import dashboard, serve; print(serve.options()); print(dashboard.finished_runs())"
    app = caller.bin.parent.glob("lib/python*/site-packages/segmentation/shipped/report/dashboard.*")
    assert sorted(path.suffix for path in app) == [".css", ".py"]
    settings, runs = caller.run("-c", shown, program="python").stdout.splitlines()
    assert "theme.light.primaryColor" in settings
    assert "sample" in runs


def test_two_runs_are_compared_and_one_is_made_again_elsewhere(months):
    compared = months.last("compare", "--base", "sample", "--run", "march")
    assert compared == "segmentation/report/march/compare-sample.html"
    told = months.last("verify", "--run", "march", "--data", NEW)
    assert told.startswith("run march is repeated byte for byte: ")
    assert sorted(path.name for path in months.home.iterdir() if path.name not in MADE) == ["notebooks"]


def test_clean_removes_the_runs_of_the_home_and_leaves_what_is_the_callers(months, tmp_path):
    copy = Caller(tmp_path / "copy", months.bin.parent)
    shutil.copytree(months.folder, copy.folder)
    copy.run("clean")
    assert not any(path for part in ("assets", "report") for path in (copy.home / part).iterdir())
    assert (copy.home / "notebooks" / "01_cleaning.ipynb").is_file()
    assert (copy.folder / NEW).is_file()
