"""Systems that are not this one: what Windows and macOS do not have, and how names and paths are there."""

import os
import re
import resource
import signal
from pathlib import Path, PureWindowsPath

import pytest

from segmentation.core import files, parallel
from segmentation.core.errors import UsageError, as_option
from segmentation.runs.manifest import refuse_another
from segmentation.runs.run import check_run_name
from segmentation.tables import sandbox, sources
from tests.conftest import FAST

ELSEWHERE = Path(__file__).parent / "elsewhere"


@pytest.fixture
def elsewhere(fresh, tmp_path):
    """What runs a command of a copied project as if this were Windows: its modules think so, and POSIX is missing."""
    for path in (fresh.root / "segmentation").rglob("*.py"):
        text = path.read_text()
        if "sys.platform" in text:
            path.write_text(re.sub(r"\bsys\.platform\b", '"win32"', text))
    path, root = f"{fresh.root}{os.pathsep}{ELSEWHERE}", str(fresh.root.resolve())

    def run(*words):
        # In a folder of its own: nobody holds one of it, and others would sweep it.
        done = fresh.run(*words, PYTHONPATH=path, ELSEWHERE=root, TMPDIR=str(tmp_path), PYTHONIOENCODING="ascii")
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_a_report_is_made_and_used_without_what_is_posix(elsewhere, fresh):
    described = fresh.root / "data" / "sample" / "dataset.yaml"
    described.write_text(described.read_text().replace("name: ", "name: Été, ", 1), encoding="utf-8")
    told = elsewhere("report", "--lang", "fr", *FAST)
    assert "Cinq segments" in told
    assert "?" in told  # an accent that the console does not have
    assert fresh.page("sample").count("<h1") == 1
    assert "segments.xlsx" in elsewhere("lists", "--run", "sample")
    lists = sorted((fresh.root / "assets" / "sample" / "lists").iterdir())
    assert len(lists) == 5
    assert any(path.read_bytes().startswith(b"\xef\xbb\xbf") for path in lists)  # marked once it is closed
    elsewhere("score", "--new", "data/sample/customers.csv", "--out", "scored.csv")
    assert len((fresh.root / "scored.csv").read_text().splitlines()) == 201
    assert b"\r" not in (fresh.root / "report/sample/notebooks/01_cleaning.ipynb").read_bytes()
    elsewhere("clean")
    assert not (fresh.root / "assets" / "sample").exists()


@pytest.mark.parametrize("name", ["con", "NUL", "aux.2024", "com1", "Lpt9"])
def test_a_run_is_not_called_as_a_device_of_windows(name):
    with pytest.raises(UsageError, match=f"RUN={name} cannot name a folder on every system"):
        check_run_name(name)


@pytest.mark.parametrize("name", ["console", "null", "com", "auxiliary", "com10"])
def test_a_run_may_be_called_almost_as_one(name):
    check_run_name(name)


def test_a_table_called_as_a_device_gives_its_run_another_name(tmp_path):
    (tmp_path / "con.csv").write_text("a\n1\n")
    assert sources.run_name(str(tmp_path / "con.csv")) == "con-table"


def test_a_name_in_another_case_is_no_further_run_where_the_system_tells_no_case(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROOT", tmp_path)
    (tmp_path / "assets" / "april").mkdir(parents=True)
    refuse_another("april", "shop", None)
    refuse_another("April", "shop", None)  # here it is another folder
    is_dir = Path.is_dir
    monkeypatch.setattr(Path, "is_dir", lambda path: is_dir(path.with_name(path.name.lower())))
    with pytest.raises(UsageError, match="run 'April' and run 'april' are one folder on this system"):
        refuse_another("April", "shop", None)


def test_the_colon_of_a_drive_begins_no_url(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / r"C:\shop.xlsx").write_bytes(b"PK")
    found = sources.locate("DATA", r"C:\shop.xlsx#March")
    assert (found.part, found.url) == ("March", None)
    for typed, told in (
        (r"D:\no.csv#a", r"D:\no.csv#a"),
        ("D:/no.csv", "D:/no.csv"),
        ("file:///D:/no.csv", "D:/no.csv"),
    ):
        with pytest.raises(UsageError, match=re.escape(f"{as_option('DATA', told)} is not a file")):
            sources.locate("DATA", typed)


def test_several_files_are_read_in_one_order_on_every_system():
    given = [PureWindowsPath(name) for name in ("b.csv", "C.csv", "a.csv")]
    assert [path.name for path in sources._in_order(given)] == ["C.csv", "a.csv", "b.csv"]


def test_a_limit_that_macos_refuses_does_not_end_the_reader(monkeypatch):
    asked = []

    def refuse(what, limits):
        asked.append(what)
        if what == resource.RLIMIT_AS:
            raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    monkeypatch.setattr(signal, "setitimer", lambda *words: asked.append(words))
    sandbox.limit(sandbox.Limits(seconds=5))
    assert asked == [resource.RLIMIT_AS, resource.RLIMIT_FSIZE, (signal.ITIMER_REAL, 6)]


def test_no_more_processes_than_windows_waits_for(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 128)
    assert parallel._cores() == 61
