"""The command line as it is typed: in the words of make, of the installed command, of `python -m segmentation`."""

import shlex

import pytest

from segmentation.core.errors import AT_HOME, CALLED, as_command, as_option

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
