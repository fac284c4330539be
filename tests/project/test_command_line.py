"""The command line as it is typed: in the words of make, of the installed command, of `python -m segmentation`."""

import re
import shlex
import subprocess
import sys
import tomllib

import pytest

from segmentation.core import errors
from segmentation.core.errors import AT_HOME, CALLED, EXTRAS, UsageError, as_command, as_option, require_extra
from tests.conftest import ROOT

ODD = ["a b.csv", "it's here.csv", "x$(pwd).csv", "=1", "-x", "a,b", "März", "shop.xlsx#March", "'", '"', "a\\b", "*"]


@pytest.mark.parametrize("value", ODD)
def test_a_command_that_is_told_can_be_typed_in_the_words_it_was_called_with(monkeypatch, value):
    monkeypatch.setenv(CALLED, "make")
    words = shlex.split(as_command("report", run="april", data=value))
    assert words == ["make", "report", "RUN=april", f"DATA={value}"]
    monkeypatch.setenv(CALLED, "python -m segmentation")
    words = shlex.split(as_command("report", run="april", data=value))
    assert words[:6] == ["python", "-m", "segmentation", "report", "--run", "april"]
    assert words[6:] in (["--data", value], [f"--data={value}"])


def test_an_option_is_named_as_it_is_typed(monkeypatch):
    monkeypatch.setenv(CALLED, "make")
    told = [as_option("run"), as_option("dates", "dmy"), as_option("full", True), as_option("data", "…")]
    assert told == ["RUN=", "DATES=dmy", "FULL=1", "DATA=…"]
    monkeypatch.setenv(CALLED, "segmentation-report")
    told = [as_option("run"), as_option("dates", "dmy"), as_option("full", True), as_option("data", "…")]
    assert told == ["--run", "--dates dmy", "--full", "--data …"]
    assert as_command("lists", run="april", by=AT_HOME) == "make lists RUN=april"


def test_a_command_for_the_console_of_windows_is_quoted_for_it(monkeypatch):
    monkeypatch.setenv(CALLED, "segmentation")
    monkeypatch.setattr("segmentation.core.errors.os.name", "nt")
    assert as_option("data", "C:\\my data\\a.csv") == '--data "C:\\my data\\a.csv"'


@pytest.mark.parametrize("name", EXTRAS)
def test_what_is_not_installed_is_named_with_the_command_that_installs_it(monkeypatch, name):
    monkeypatch.setattr(errors, "find_spec", lambda module: None if module in EXTRAS[name] else "there")
    for called, home, remedy in (
        ("make", "make", f"make {name}"),
        ("python -m segmentation", "make", f"make {name}"),
        ("segmentation-report", "segmentation-report", f"pip install 'segmentation-report[{name}]'"),
    ):
        monkeypatch.setenv(CALLED, called)
        monkeypatch.setattr(errors, "AT_HOME", home)
        with pytest.raises(UsageError, match=f"^This needs .*; install it: {re.escape(remedy)}"):
            require_extra(name, "This")
    monkeypatch.setattr(errors, "find_spec", lambda _: "there")
    require_extra(name, "This")


def test_every_extra_but_that_of_development_is_one_of_which_a_command_tells():
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(told) == {*EXTRAS, "dev"}
    names = {"python-pptx": "pptx"}
    for name, modules in EXTRAS.items():
        needs = [re.split(r"[\[<>=]", need)[0] for need in told[name]]
        assert tuple(names.get(need, need) for need in needs) == modules


def test_a_report_imports_nothing_of_what_other_commands_need():
    modules = [module for modules in EXTRAS.values() for module in modules]
    code = "import importlib, pkgutil, sys, segmentation\n" + (
        f"for module in {modules}: sys.modules[module] = None\n"
        "for found in pkgutil.walk_packages(segmentation.__path__, 'segmentation.'):\n"
        "    if found.name not in ('segmentation.report.dashboard', 'segmentation.report.slides.powerpoint',"
        " 'segmentation.report.slides.write', 'segmentation.__main__'):\n"
        "        importlib.import_module(found.name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
