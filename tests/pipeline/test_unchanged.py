"""What a report tells in which nothing changed: kept, and told again while all that it hangs on is as it was."""

import os
import shutil
import subprocess
import sys

import pytest
from filelock import FileLock

from segmentation.core import files
from segmentation.core.errors import CALLED_BY
from segmentation.core.store.answers import recall
from segmentation.pipeline.dependencies import behind_the_page, package_files
from segmentation.runs.stages import STAGES
from tests.toy import insert_code

WORDS = ["report", "--seed", "3"]
OF_USER = {files.ANEW: "", CALLED_BY: "python -m segmentation"}
AGAIN = f"""import sys
sys.argv = ["segmentation", *{WORDS}]
from segmentation.__main__ import main
main()
print(sorted({{"doit", "pydantic", "typer"}} & {{*sys.modules}}), file=sys.stderr)"""


@pytest.fixture(scope="module")
def made(toys, tmp_path_factory):
    """A copy of the toy in which a report was made whose answer is kept, as nearly all reports are."""
    project = toys.copy(tmp_path_factory.mktemp("unchanged"))
    assert project.run(*WORDS, **OF_USER).returncode == 0
    return project


@pytest.fixture
def asked(made, monkeypatch):
    """The same, where this process is asked."""
    for name, place in (("ROOT", ""), ("SHIPPED", ""), ("PACKAGE", "segmentation")):
        monkeypatch.setattr(files, name, made.root / place)
    monkeypatch.delenv(files.ANEW)
    monkeypatch.setenv(CALLED_BY, OF_USER[CALLED_BY])
    monkeypatch.chdir(made.root)
    return made


def test_it_is_told_in_the_same_words_without_what_reads_descriptions(made):
    variables = {**os.environ, "PYTHONPATH": str(made.root), **OF_USER}
    command = [sys.executable, "-c", AGAIN]
    again = subprocess.run(command, cwd=made.root, env=variables, capture_output=True, text=True)
    assert again.stderr == "[]\n"
    assert again.stdout == made.run(*WORDS).stdout
    assert "nothing; everything was up to date" in again.stdout


NEW = b"\n"
CHANGED = [
    ("data/sample/customers.csv", None),
    ("data/sample/customers.csv-wal", NEW),
    ("data/sample/dataset.yaml", NEW),
    ("requirements.txt", NEW),
    ("segmentation/worth/plots.py", NEW),
    ("segmentation/worth/further.py", NEW),
    ("report/template/style.css", NEW),
    ("report/template/further.css", NEW),
    *((f"notebooks/{stage.notebook.name}", NEW) for stage in STAGES),
    ("assets/sample/.made.json", NEW),
    ("assets/sample/.doit.json", NEW),
    ("assets/sample/manifest.json", None),
    ("assets/sample/model.skops", NEW),
    ("assets/sample/figures/03-toy.svg", None),
    ("assets/sample/figures/03-further.svg", NEW),
    ("report/sample/report.html", NEW),
    ("report/sample/report.pdf", NEW),
    ("report/sample/notebooks/02_eda.ipynb", None),
    ("assets/sample/.lock", None),
]


@pytest.mark.parametrize(("name", "more"), CHANGED, ids=[f"{name} {more}" for name, more in CHANGED])
def test_it_is_not_when_a_file_is_changed_new_or_gone(asked, name, more):
    place = asked.root / name
    before = place.read_bytes() if place.exists() else None
    assert recall(WORDS)
    if more is None:
        place.unlink()
    else:
        place.write_bytes((before or b"") + more)
    assert recall(WORDS) is None
    place.unlink(missing_ok=True)
    if before is not None:
        place.write_bytes(before)
    assert recall(WORDS)


def test_it_hangs_on_every_file_that_the_pipeline_names(asked):
    [kept] = (asked.root / "assets" / files.KEPT).glob("*.json")
    known = files.read_json(kept)["basis"]["files"]
    named = [*package_files(), *behind_the_page("report.render"), *(stage.notebook for stage in STAGES)]
    artifacts = [asked.artifact("sample", name) for stage in STAGES for name in stage.writes]
    assert {*map(str, [*named, *artifacts])} <= {*known}


def test_it_is_not_of_another_table_that_is_the_same(asked):
    table = asked.root / "data" / "sample" / "customers.csv"
    away = shutil.move(table, table.with_name("away.csv"))
    table.symlink_to(away)
    assert recall(WORDS) is None
    shutil.move(away, table)
    assert recall(WORDS)


def test_it_is_not_for_other_words_elsewhere_or_where_all_is_computed_anew(asked, monkeypatch):
    assert recall([*WORDS, "--quiet"]) is None
    with monkeypatch.context() as patch:
        patch.chdir(asked.root / "data")
        assert recall(WORDS) is None
        patch.chdir(asked.root)
        patch.setenv(CALLED_BY, "make")
        assert recall(WORDS) is None
    monkeypatch.setenv(files.ANEW, "1")
    assert recall(WORDS) is None


def test_it_is_not_while_another_process_makes_the_run(asked):
    with FileLock(asked.root / "assets" / "sample" / ".lock"):
        assert recall(WORDS) is None
    assert recall(WORDS)


def test_a_damaged_answer_is_none(asked):
    [kept] = (asked.root / "assets" / files.KEPT).glob("*.json")
    text = kept.read_text(encoding="utf-8")
    for damaged in ("{", "[]", "{}", text.replace('"revision"', '"version"')):
        kept.write_text(damaged, encoding="utf-8")
        assert recall(WORDS) is None
    kept.write_text(text, encoding="utf-8")
    assert recall(WORDS)


@pytest.mark.parametrize("name", ["notebooks/02_eda.ipynb", "data/sample/dataset.yaml", "assets/sample/profiles.csv"])
def test_none_is_kept_of_a_run_in_which_a_file_was_changed_behind_its_back(toy, name):
    change = f"place = files.ROOT / {name!r}\nplace.write_bytes(place.read_bytes() + b' ')"
    insert_code(toy, "05_profiling", change, below=name.startswith("assets"))
    toy.run(*WORDS, **OF_USER)
    assert not [*(toy.root / "assets").glob(f"{files.KEPT}/*.json")]


def test_none_is_kept_of_what_is_told_to_a_program(toy):
    assert toy.run("report", "--json", **OF_USER).returncode == 0
    assert not [*(toy.root / "assets").glob(f"{files.KEPT}/*.json")]
