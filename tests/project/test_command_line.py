"""The command line as it is typed: in the words of make, of the installed command, of `python -m segmentation`."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import numpy as np
import pandas as pd
import pytest

from segmentation import cli
from segmentation.core import errors
from segmentation.core.errors import AT_HOME, CALLED_BY, EXTRAS, UsageError, as_command, as_option, require_extra
from segmentation.runs import answers
from segmentation.runs.answers import schema
from segmentation.runs.records import Profile
from segmentation.tables.sources import together
from tests.conftest import FAST, ROOT, Project, copy_project

ODD = ["a b.csv", "it's here.csv", "x$(pwd).csv", "=1", "-x", "a,b", "März", "shop.xlsx#March", "'", '"', "a\\b", "*"]


@pytest.mark.parametrize("value", ODD)
def test_a_command_that_is_told_can_be_typed_in_the_words_it_was_called_with(monkeypatch, value):
    monkeypatch.setenv(CALLED_BY, "make")
    words = shlex.split(as_command("report", run="april", data=value))
    assert words == ["make", "report", "RUN=april", f"DATA={value}"]
    monkeypatch.setenv(CALLED_BY, "python -m segmentation")
    words = shlex.split(as_command("report", run="april", data=value))
    assert words[:6] == ["python", "-m", "segmentation", "report", "--run", "april"]
    assert words[6:] in (["--data", value], [f"--data={value}"])


def test_an_option_is_named_as_it_is_typed(monkeypatch):
    monkeypatch.setenv(CALLED_BY, "make")
    told = [as_option("run"), as_option("dates", "dmy"), as_option("full", True), as_option("data", "…")]
    assert told == ["RUN=", "DATES=dmy", "FULL=1", "DATA=…"]
    monkeypatch.setenv(CALLED_BY, "segmentation-report")
    told = [as_option("run"), as_option("dates", "dmy"), as_option("full", True), as_option("data", "…")]
    assert told == ["--run", "--dates dmy", "--full", "--data …"]
    assert as_command("lists", run="april", by=AT_HOME) == "make lists RUN=april"


def test_a_command_for_the_console_of_windows_is_quoted_for_it(monkeypatch):
    monkeypatch.setenv(CALLED_BY, "segmentation")
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
        monkeypatch.setenv(CALLED_BY, called)
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
        # One that is named for some systems alone is there for its version, and needed by another one.
        needs = [re.split(r"[\[<>=]", need)[0] for need in told[name] if ";" not in need]
        assert tuple(names.get(need, need) for need in needs) == modules


def test_a_report_imports_nothing_of_what_other_commands_need():
    modules = [module for modules in EXTRAS.values() for module in modules]
    code = "import importlib, pkgutil, sys, segmentation\n" + (
        f"for module in {modules}: sys.modules[module] = None\n"
        "for found in pkgutil.walk_packages(segmentation.__path__, 'segmentation.'):\n"
        "    if found.name not in ('segmentation.report.dashboard', 'segmentation.report.slides.powerpoint',"
        " 'segmentation.report.slides.write', 'segmentation.pipeline.tidy', 'segmentation.__main__'):\n"
        "        importlib.import_module(found.name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def _typed(*words: str, called: str = "", **environment: str) -> subprocess.CompletedProcess:
    """Run a command in a process of its own, called as it is where nobody says otherwise."""
    variables = {name: told for name, told in os.environ.items() if name != CALLED_BY}
    variables |= {"PYTHONPATH": str(ROOT), "COLUMNS": "100", "PYTHONIOENCODING": "utf-8", **environment}
    variables |= {CALLED_BY: called} if called else {}
    command = [sys.executable, "-m", "segmentation", *words]
    return subprocess.run(command, env=variables, capture_output=True, text=True, encoding="utf-8", errors="replace")


def test_without_arguments_help_is_shown_that_is_no_fault():
    bare, asked = _typed(), _typed("--help")
    assert (bare.returncode, asked.returncode) == (0, 0)
    assert bare.stdout == asked.stdout
    assert not bare.stderr + asked.stderr
    assert "Usage: python -m segmentation" in bare.stdout
    assert bare.stdout.index(" report ") < bare.stdout.index(" score ") < bare.stdout.index(" clean ")
    assert not re.search(r"schema|check|renew|release", bare.stdout)
    assert "python -m segmentation report shop.csv" in bare.stdout
    assert "Usage: segmentation-report" in _typed(called="segmentation-report").stdout


@pytest.mark.parametrize("command", ["report", "pdf", "slides", "dataset", "score", "lists", "compare", "dashboard"])
def test_each_command_tells_its_options(command, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["segmentation", command, "-h"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    said = capsys.readouterr()
    assert (end.value.code or 0, said.err) == (0, "")
    assert f"segmentation {command} " in said.out


def test_the_version_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    done = _typed("--version")
    assert (done.returncode, done.stdout) == (0, f"{project['name']} {project['version']}\n")


@pytest.mark.parametrize(
    ("words", "called", "told"),
    [
        (["reprot"], "", "Did you mean 'report'?"),
        (["report", "--datset", "x"], "segmentation", "--datset; did you mean '--dataset'?"),
        (["report", "--datset", "x"], "make", "DATSET; did you mean 'DATASET'?"),
        (["report", "--k", "five"], "segmentation-report", "--k five is not usable"),
        (["report", "nowhere.csv"], "segmentation-report", "--data nowhere.csv is not a file"),
        (["report", ""], "segmentation", "--data '' is not a file; expected the path of a table"),
        (["report", "a.csv", "--data", "b.csv"], "segmentation", "given twice: a.csv and --data b.csv"),
        (["score", "--out", "x.csv"], "segmentation", "--new path"),
        (["score", "--out", "x.csv"], "make", "NEW=path, as in make score NEW=new.csv OUT=scored.csv"),
        (["score", "new.csv"], "segmentation", "--out path, as in segmentation score --new new.csv --out scored.csv"),
        (["dataset", "--name", "x"], "segmentation", "--data path"),
        (["compare", "march"], "segmentation", "--runs march must name two runs or more"),
        (["compare", "march", "april", "--base", "may"], "segmentation", "--base march --run april"),
        (["verify", "--run", "not made"], "segmentation-report", "segmentation-report report --run 'not made'"),
        (["verify", "--run", "not made"], "make", "make report RUN='not made'"),
        (["pdf", "--full", "--k"], "segmentation", "'--k' requires an argument"),
        (["clean", "--now"], "", "unknown parameter --now. Known: none."),
        (["report", "--full"], "segmentation", "--full is an option of pdf: segmentation pdf --full"),
    ],
)
def test_a_wrong_word_is_told_in_the_words_of_the_call(words, called, told, monkeypatch, capsys):
    monkeypatch.setenv(CALLED_BY, called or "python -m segmentation")
    monkeypatch.setattr(sys, "argv", ["segmentation", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    said = capsys.readouterr()
    assert (end.value.code, said.out) == (2, "")
    assert said.err.startswith("Error: ")
    assert told in said.err


def test_of_a_failure_json_is_one_object_too():
    done = _typed("report", "nowhere.csv", "--json")
    answer = json.loads(done.stdout)
    jsonschema.validate(answer, schema())
    assert (done.returncode, answer["error"]["exit_code"]) == (2, 2)
    assert done.stderr == f"Error: {answer['error']['message']}\n"


def test_a_folder_that_is_gone_is_told_in_one_line_and_one_object(tmp_path):
    call = f"mkdir gone; cd gone; rmdir ../gone; exec {shlex.quote(sys.executable)} -m segmentation report --json"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", call], cwd=tmp_path, env=environment, capture_output=True, text=True)
    answer = json.loads(done.stdout)
    jsonschema.validate(answer, schema())
    assert (done.returncode, answer["error"]["exit_code"]) == (2, 2)
    assert done.stderr.splitlines()[-1] == f"Error: {answer['error']['message']}"
    assert "go to another one" in done.stderr


def test_a_console_that_lacks_letters_gets_other_ones_and_no_traceback():
    done = _typed("report", "Łódź→.csv", PYTHONIOENCODING="cp1252")
    assert done.returncode == 2
    assert re.fullmatch(r"Error: --data '.*d.*[.]csv' is not a file; .*\n", done.stderr)
    helped = _typed(PYTHONIOENCODING="cp1252")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "score" in helped.stdout


def test_what_is_piped_has_no_colours():
    shown = _typed("report", "--help", FORCE_COLOR="", TERM="xterm-256color")
    assert "\x1b" not in shown.stdout + shown.stderr


@pytest.mark.parametrize("name", ["segmentation", "segmentation-report"])
def test_a_shell_completes_commands_under_both_names(name, tmp_path):
    script = tmp_path / name
    script.write_text(f"#!{sys.executable}\nfrom segmentation.__main__ import main\nmain()\n")
    script.chmod(0o755)
    variables = {key: told for key, told in os.environ.items() if key != CALLED_BY} | {"PYTHONPATH": str(ROOT)}
    variable = f"_{name.replace('-', '_').upper()}_COMPLETE"
    asked = {variable: "complete_bash", "COMP_WORDS": f"{name} re", "COMP_CWORD": "1"}
    done = subprocess.run([script], env=variables | asked, capture_output=True, text=True)
    assert done.stdout.split() == ["report"]
    # Which shell it is, is told by the process that starts it; one that has more to do stays.
    asking = ["bash", "-c", '"$0" --show-completion; exit $?', script]
    shown = subprocess.run(asking, env=variables, capture_output=True, text=True)
    assert f"complete -o default -F _{name.replace('-', '_')}_completion {name}" in shown.stdout


def test_files_that_a_shell_made_of_a_pattern_are_one_table(tmp_path, monkeypatch):
    monkeypatch.setenv(CALLED_BY, "make")
    monkeypatch.chdir(tmp_path)
    for name in ("shop-1.csv", "shop-10.csv", "shop-2.csv", "other.csv"):
        Path(name).write_text("a\n1\n")
    assert together(["shop.csv"]) == "shop.csv"
    assert together(["shop-1.csv", "shop-10.csv", "shop-2.csv"]) == "shop-*.csv"
    with pytest.raises(UsageError, match="2 tables are given, and no pattern names just these"):
        together(["shop-1.csv", "shop-2.csv"])
    with pytest.raises(UsageError, match=r"NEW='folder/[*].csv'$"):
        together(["shop-1.csv", "shop-2.csv"], "new")


def _table(shift: float) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    spend = np.concatenate([rng.normal(centre + shift, 3, 40) for centre in (20, 60, 100)])
    visits = np.concatenate([rng.normal(centre, 1, 40) for centre in (10, 30, 10)])
    return pd.DataFrame(
        {"customer": [f"c{i:03}" for i in range(120)], "spend": spend.round(2), "visits": visits.round(1)}
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Project, dict]:
    """Two runs of a shop, the first of a table in two files as a shell names them, and its answer."""
    project = copy_project(tmp_path_factory.mktemp("shop"))
    march = _table(0)
    march[:60].to_csv(project.root / "march-1.csv", index=False)
    march[60:].to_csv(project.root / "march-2.csv", index=False)
    _table(2).to_csv(project.root / "april.csv", index=False)
    done = project.call("report", "march-1.csv", "march-2.csv", "--run", "march", "--json", *FAST, drawn=False)
    assert done.returncode == 0, done.stderr
    return project, json.loads(done.stdout)


def test_the_answer_of_a_report_is_one_object_of_the_schema(made):
    project, answer = made
    jsonschema.validate(answer, schema())
    profiles = json.loads(project.artifact("march", "profiles.json").read_text())
    assert (answer["run"], answer["dataset"], answer["customers"]) == ("march", "assumed", 120)
    assert answer["k"] == len(answer["segments"]) == len(profiles["segments"])
    assert [part["size"] for part in answer["segments"]] == [part["size"] for part in profiles["segments"]]
    assert all((project.root / page).is_file() for page in answer["pages"])
    assert (project.root / answer["artifacts"] / "manifest.json").is_file()
    assert answer["parameters"]["data"] == "march-*.csv"
    assert "c001" not in json.dumps(answer)
    assert str(project.root) not in json.dumps(answer)


@pytest.mark.parametrize(("verdict", "told"), [("natural", ("Call them.", True)), ("none", (None, False))])
def test_an_answer_says_what_to_do_where_the_cards_do(verdict, told, monkeypatch):
    part = Profile.model_construct(segment=1, name="All", size=9, share=1.0, action="Call them.", suggested=True)
    read = {
        "profiles.json": SimpleNamespace(customers=9, segments=[part]),
        "k_selection.json": SimpleNamespace(verdict=verdict, k=1, formed_by="kmeans"),
    }
    monkeypatch.setattr(answers, "open_finished", lambda *_: SimpleNamespace(read=read.get))
    monkeypatch.setattr(answers, "read_manifest", lambda _: SimpleNamespace(dataset="shop", parameters={}))
    [segment] = answers.found("shop")["segments"]
    assert (segment["action"], segment["suggested"]) == told


def test_the_quiet_hear_of_paths_alone(made):
    project, _ = made
    done = project.call("report", "april.csv", "--base", "march", "--quiet", *FAST, drawn=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "report/april/report.html\n", "")


def test_new_customers_and_runs_are_named_by_themselves(made):
    project, _ = made
    out = project.root / "scored.csv"
    done = project.call("score", "april.csv", "--out", str(out), "--run", "march", "--json")
    answer = json.loads(done.stdout)
    jsonschema.validate(answer, schema())
    assert (answer["customers"], answer["rows_refused"], done.stderr) == (120, 0, "")
    assert all(Path(answer[name]).is_file() for name in ("scored", "refused", "drift"))
    quiet = project.call("score", "april.csv", "--out", str(out), "--run", "march", "--quiet")
    assert quiet.stdout.splitlines() == [answer[name] for name in ("scored", "refused", "drift")]
    spelt = project.call("score", "--new", "april.csv", "--out", str(out), "--run", "march")
    assert spelt.stdout.splitlines()[0] == f"{out}: {answer['told'][0]}"


def test_two_runs_are_compared_by_their_names(made):
    project, answer = made
    project.call("report", "april.csv", "--base", "march", *FAST, drawn=False)
    done = project.call("compare", "march", "april", "--json")
    compared = json.loads(done.stdout)
    jsonschema.validate(compared, schema())
    assert [run["run"] for run in compared["runs"]] == ["march", "april"]
    assert compared["runs"][0]["segments"] == answer["segments"]
    assert (project.root / compared["page"]).is_file()
    spelt = project.call("compare", "--base", "march", "--run", "april")
    assert spelt.stdout == f"{compared['told']}\n{compared['page']}\n"


def test_a_table_is_described_under_its_own_name(made):
    project, _ = made
    done = project.call("dataset", "april.csv")
    assert done.returncode == 0, done.stderr
    assert (project.root / "data" / "april" / "dataset.yaml").is_file()
    assert done.stdout.rstrip().endswith("make report DATASET=april DATA=april.csv")
