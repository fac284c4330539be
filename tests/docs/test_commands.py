"""Commands in README and documents: each names a command, options and targets that there are."""

import re
import shlex
import tomllib

import pytest
import typer

from segmentation import cli
from tests.badges import PLACE, badges
from tests.conftest import ROOT
from tests.docs.pages import homes

KNOWN = typer.main.get_command(cli.app).commands
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = {target for line in re.findall(r"^([\w ]+):(?!=)", MAKEFILE, flags=re.M) for target in line.split()}
OF_MAKE = {"python", "venv", "args", "evidence", "part", "version", "debug"}  # variables of a target, not of a command
WHOLE = {"help", "version", "debug", "install-completion", "show-completion"}  # of every command
CODE = re.compile(r"^```\w*\n(.*?)^```|`([^`\n]+)`", re.M | re.S)


def _typed(source: str) -> list[str]:
    """Return every line of code in a document."""
    text = (ROOT / source).read_text(encoding="utf-8")
    return [line.strip() for block, inline in CODE.findall(text) for line in (block or inline).splitlines()]


def faults(line: str) -> list[str]:
    """Return what a command names and nothing knows; nothing of a line that is no command of ours."""
    called = re.match(
        r"(?:uvx (?:--from \S+ )?)?(?:segmentation(?:-report)?|(?:\S*/)?python -m segmentation) (?=[\w-])", line
    )
    if called:
        words = shlex.split(line[called.end() :], comments=True)
        name = words.pop(0)
        options = {word.partition("=")[0].removeprefix("--") for word in words if word.startswith("--")}
        return _unknown(name, options) if not name.startswith("-") else sorted({name.lstrip("-")} - WHOLE)
    if re.match(r"make \w+", line):
        _, target, *words = shlex.split(line, comments=True)
        options = {word.partition("=")[0].lower() for word in words if "=" in word}
        others = [word for word in words if "=" not in word and word not in TARGETS]
        if target not in TARGETS:
            return [target]
        return others + (_unknown(target, options - OF_MAKE) if target in KNOWN else sorted(options - OF_MAKE))
    return []


def _unknown(name: str, options: set[str]) -> list[str]:
    if name not in KNOWN:
        return [name]
    if name == "lab":  # hands its options on to JupyterLab
        return []
    known = {option.lstrip("-") for given in KNOWN[name].params for option in given.opts}
    return sorted(options - known - WHOLE)


@pytest.mark.parametrize("source", sorted(homes()))
def test_every_command_in_a_document_is_one(source):
    assert {line: faults(line) for line in _typed(source) if faults(line)} == {}


@pytest.mark.parametrize(
    ("line", "unknown"),
    [
        ("uvx segmentation-report report shop.csv", []),
        ("segmentation report --kk 5", ["kk"]),
        ("segmentation reprot", ["reprot"]),
        ("make report DATSET=mall", ["datset"]),
        ("make repot", ["repot"]),
        ("make release VERSION=0.2.0", []),
        ("python -m segmentation report --k=5", []),
        ("pip install x", []),
    ],
)
def test_a_command_that_is_none_is_found(line, unknown):
    assert faults(line) == unknown


def test_every_option_of_a_report_is_told():
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`--([\w-]+)", page))
    named = {given.opts[0].lstrip("-") for given in KNOWN["report"].params if given.opts[0].startswith("--")}
    assert named <= told


def test_the_first_commands_of_the_readme_are_found_in_it():
    assert {"uvx segmentation-report report shop.csv", "make report"} <= set(_typed("README.md")[:8])


def test_the_readme_names_each_extra_and_how_large_a_report_is():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [told] = re.findall(r"is an extra: (.*?), as in", readme, flags=re.S)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert re.findall(r"`(\w+)`", told) == list(extras)
    [size] = re.findall(r"^of_report := .*, (\d+ MB)$", MAKEFILE, flags=re.M)
    assert f"sets up `.venv`, about {size}," in readme


def test_the_badges_say_what_the_project_declares():
    drawn = badges()
    assert {name: (PLACE / name).read_text(encoding="utf-8") for name in drawn} == drawn
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"!\[([^]]+)\]\(assets/readme/(\w+\.svg)\)", readme))
    assert set(shown.values()) == set(drawn)
    assert all(set(re.findall(r"[\d.]{4}|\w+OS|Linux|MIT", text)) <= set(re.findall(r"[\w.]+", drawn[name]))
               for text, name in shown.items())  # fmt: skip
