"""The GitHub action: what it takes, what it runs, and that nothing typed is ever part of a script."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

TEXT = (ROOT / "action.yml").read_text(encoding="utf-8")
ACTION = yaml.safe_load(TEXT)
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"] if "name" in step}
EXAMPLE = (ROOT / "docs" / "action.md").read_text(encoding="utf-8")
RECORDER = """#!{python}
import json, os, sys
print(json.dumps([sys.argv[1:], os.environ["SEGMENTATION_HOME"]]))
"""
PROGRAM = """#!{python}
import sys
from segmentation.__main__ import main
main()
"""
ODD = "$(touch pwned)`touch pwned`; touch pwned\n ${{ x }} \"a\" 'b'.csv"


def _runs(name: str, folder: Path, program: str, **typed: str) -> subprocess.CompletedProcess:
    """Run a step of the action as GitHub does, with a program in place of the one that it installs."""
    step = STEPS[name]
    place = folder / "bin" / "segmentation-report"
    place.parent.mkdir(exist_ok=True)
    place.write_text(program.format(python=sys.executable))
    place.chmod(0o755)
    told = dict.fromkeys(re.findall(r"inputs\.([\w-]+)", json.dumps(step.get("env", {}))), "") | typed
    given = {name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda at: told[at[1]], text) for name, text in
             step.get("env", {}).items()}  # fmt: skip
    files = {name: str(folder / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    environment = {**os.environ, **given, **files, "RUNNER_TEMP": str(folder), "PYTHONPATH": str(ROOT)}
    environment["PATH"] = f"{place.parent}{os.pathsep}{environment['PATH']}"
    shell = {"bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
    command = [*shell[step["shell"]], step["run"]]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_what_is_typed_reaches_scripts_through_their_environment_alone():
    assert set(STEPS) == {"Install", "Report", "Tell"}
    assert not [name for name, step in STEPS.items() if "${{" in step["run"]]
    used = set(re.findall(r"inputs\.([\w-]+)", TEXT))
    assert used == set(ACTION["inputs"])


def test_each_action_is_taken_by_its_commit_and_the_package_by_the_version_of_the_project():
    used = re.findall(r"uses: (\S+)( # v[\d.]+)?$", TEXT, flags=re.M)
    assert len(used) == 2
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) and version for action, version in used)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert ACTION["inputs"]["version"]["default"] == project["version"]
    assert f'"{project["name"]}==$VERSION"' in STEPS["Install"]["run"]
    pythons = [line.rsplit(" ", 1)[1] for line in project["classifiers"] if re.search(r":: 3\.\d+$", line)]
    assert ACTION["inputs"]["python-version"]["default"] in pythons


def test_the_example_names_inputs_and_outputs_that_there_are():
    [workflow] = re.findall(r"```yaml\n(.*?)```", EXAMPLE, flags=re.S)
    steps = yaml.safe_load(workflow)["jobs"]["report"]["steps"]
    [given] = [step["with"] for step in steps if step.get("id") == "segments"]
    assert set(given) <= set(ACTION["inputs"])
    assert set(re.findall(r"outputs\.(\w+)", workflow)) <= set(ACTION["outputs"])
    listed = {
        name for row in re.findall(r"^\| (`[^|]*`) \|", EXAMPLE, flags=re.M) for name in re.findall(r"`(.+?)`", row)
    }
    assert listed == set(ACTION["inputs"])


def test_a_table_is_one_word_whatever_its_name(tmp_path):
    done = _runs("Report", tmp_path, RECORDER, table=ODD, k="--x", home=ODD)
    assert (done.returncode, done.stderr) == (0, "")
    words, home = json.loads((tmp_path / "segmentation.json").read_text())
    assert (words, home) == (["report", f"--data={ODD}", "--k=--x", "--json"], ODD)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(("name", "value"), [("dataset", "shop"), ("lang", "de"), ("run", "april")])
def test_what_is_not_typed_is_not_said(tmp_path, name, value):
    _runs("Report", tmp_path, RECORDER, table="a.csv", **{name: value})
    [words, _] = json.loads((tmp_path / "segmentation.json").read_text())
    assert words == ["report", "--data=a.csv", f"--{name}={value}", "--json"]


def test_a_report_that_fails_fails_the_step_and_says_why(tmp_path):
    done = _runs("Report", tmp_path, PROGRAM, table="nowhere.csv")
    assert done.returncode == 2
    assert "nowhere.csv is not a file" in done.stderr


ANSWER = {
    "pages": ["segmentation/report/shop/report.html\nverdict=natural"],
    "verdict": "reproducible",
    "k": 2,
    "customers": 1200,
    "segments": [
        {"name": "<img src=x onerror=a()>\n\n# big", "size": 800, "action": None},
        {"name": "Loyal", "size": 400, "action": "Thank them & stay"},
    ],
}


def test_the_summary_tells_the_segments_and_no_name_becomes_markup(tmp_path):
    (tmp_path / "segmentation.json").write_text(json.dumps(ANSWER))
    done = _runs("Tell", tmp_path, RECORDER)
    assert (done.returncode, done.stderr) == (0, "")
    title, _, table = (tmp_path / "GITHUB_STEP_SUMMARY").read_text().splitlines()
    assert title == "### 1,200 customers, 2 segments: reproducible"
    assert "<td>&lt;img src=x onerror=a()&gt; # big</td><td>800</td><td></td>" in table
    assert "<td>Loyal</td><td>400</td><td>Thank them &amp; stay</td>" in table
    told = (tmp_path / "GITHUB_OUTPUT").read_text()
    values = {name: text for name, end, text in re.findall(r"^(\w+)<<(\w+)\n(.*?)\n\2$", told, flags=re.M | re.S)}
    assert values == {"report": ANSWER["pages"][0], "verdict": "reproducible", "k": "2"}
