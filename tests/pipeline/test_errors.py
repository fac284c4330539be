"""What goes wrong, and how it is told: one message, the exit code of the design, nothing lost."""

import functools
import http.server
import json
import re
import threading

import duckdb
import nbformat
import pytest

from segmentation.cli import _told
from segmentation.core import files
from segmentation.core.errors import NO_MEMORY, DataError, cause
from segmentation.core.files import sha256
from segmentation.runs.run import load_dataset
from segmentation.runs.stages import STAGES, Stage
from segmentation.tables.sandbox import Unreadable, read_sheet
from segmentation.tables.sources import find_table
from tests.conftest import MALL, Project
from tests.toy import insert_code


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--datset", "mall"], "did you mean 'DATASET'?"),
        (["--dataset", "mal"], "did you mean 'mall'?"),
        (["--features", "incme"], "did you mean 'income'?"),
        (["--features", "gender"], "whose categories are no number: K-Means measures distances"),
        (["--features", "income,income"], "expected different names"),
        (["--k", "1"], "expected auto or a whole number of at least 2"),
        (["--k", "five"], "expected auto or a whole number of at least 2"),
        (["--method", "mixtures"], "METHOD=mixtures is not known; did you mean 'mixture'? Known: auto, kmeans"),
        (["--resamples", "5"], "expected a whole number of at least 10"),
        (["--seed", "-1"], "expected a whole number of at least 0"),
        (["--data", "nowhere.csv"], "DATA=nowhere.csv is not a file"),
        (["--run", "../elsewhere"], "cannot name a folder"),
        (["--run", "readme"], "cannot name a folder"),
    ],
)
def test_a_wrong_word_is_an_error_with_a_remedy(fresh, words, told):
    done = fresh.call("report", *words)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (fresh.root / "assets").exists()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("title:", "titel:", "titel: unknown key; did you mean 'title'?"),
        ("role: feature", "role: featur", "columns.income.role: Input should be 'id', 'feature'"),
        ("min: 0, max: 120", "min: 130, max: 120", "min 130 is above max 120"),
        ("privacy: rows", "k: 1\nprivacy: rows", "greater than or equal to 2"),
        ("columns:", "columns: [", "is not valid YAML"),
        ("  age:", "  income: {role: ignore}\n  age:", "the key 'income' stands twice"),
        ("role: id,", "role: id, min: 1,", "an id has only a label and aliases"),
        ("privacy: rows", "seed: true\nprivacy: rows", "seed: Input should be a valid integer"),
        ("max: 120", "max: .nan", "columns.age.max: Input should be a finite number"),
        ("  age:", "  now:", "['now'] are names that the artifacts use themselves"),
        ("  age:", "  outside:", "['outside'] are names that the artifacts use themselves"),
        (
            "max: 120",
            "max: 120, words: old",
            "columns.age.words: Input should be a group of keys, each with its value (fo",
        ),
        ("levels: {income:", "levels: {incme:", "segments: 'incme' is not a number column; did you mean 'income'?\n"),
        ("label: Annual income", "label: Age", "the labels ['Age'] belong to more than one column"),
    ],
)
def test_a_faulty_dataset_yaml_is_refused(fresh, old, new, told):
    described = fresh.root / "data" / "sample" / "dataset.yaml"
    text = described.read_text(encoding="utf-8")
    assert old in text
    described.write_text(text.replace(old, new), encoding="utf-8")
    done = fresh.call("report")
    assert done.returncode == 2
    assert "data/sample/dataset.yaml" in done.stderr
    assert told in done.stderr


def test_a_failing_notebook_stops_the_run_and_leaves_the_report(toy):
    page = toy.root / "report" / "sample" / "report.html"
    before = sha256(page)
    notebook = toy.root / "notebooks" / "03_k_selection.ipynb"
    original = notebook.read_bytes()
    insert_code(toy, "03_k_selection", "nothing = 1 / 0")
    done = toy.run("report", "--k", "4")
    notebook.write_bytes(original)
    assert done.returncode == 1
    assert "notebooks/03_k_selection.ipynb, code cell 5 (nothing = 1 / 0): ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr
    partial = nbformat.read(toy.root / "report/sample/notebooks/03_k_selection.failed.ipynb", as_version=4)
    outputs = [output for cell in partial.cells for output in cell.get("outputs", [])]
    assert any(output.get("ename") == "ZeroDivisionError" for output in outputs)
    assert sha256(page) == before
    mended = toy.run("report")
    assert mended.returncode == 0
    assert mended.stdout.startswith("Five segments")
    assert not (toy.root / "report/sample/notebooks/03_k_selection.failed.ipynb").exists()


@pytest.mark.parametrize(("kind", "code"), [("UsageError", 2), ("DataError", 3)])
def test_a_fault_of_the_user_keeps_its_words_and_its_code(toy, kind, code):
    raised = f"from segmentation.core.errors import {kind}\nraise {kind}('few.csv has no rows\\nTake another.')"
    insert_code(toy, "01_cleaning", raised)
    done = toy.run("report")
    assert done.returncode == code
    assert re.search(r"\n01_cleaning: failed in .*\nError: few.csv has no rows\nTake another.\n$", done.stderr)


def test_what_is_behind_a_fault_of_the_user_is_told_to_who_asks_and_kept_nowhere(toy):
    raised = """from segmentation.core.errors import DataError
try:
    1 / 0
except ZeroDivisionError as fault:
    raise DataError('few.csv has no rows') from RuntimeError('of postgresql://me:' + 'secret')"""
    insert_code(toy, "01_cleaning", raised)
    done = toy.run("report", "--debug")
    assert "of postgresql://me:secret" in done.stderr
    assert done.stderr.endswith("\nError: few.csv has no rows\n")
    partial = nbformat.read(toy.root / "report/sample/notebooks/01_cleaning.failed.ipynb", as_version=4)
    [output] = partial.cells[-2].outputs
    assert output.traceback == ["DataError: few.csv has no rows"]


def test_a_damaged_database_says_why_and_debug_shows_all(fresh, tmp_path):
    with duckdb.connect(tmp_path / "shop.duckdb") as connection:
        connection.execute("create table t as select range a from range(30)")
    content = bytearray((tmp_path / "shop.duckdb").read_bytes())
    content[12] += 100  # the version of the format
    (tmp_path / "shop.duckdb").write_bytes(content)
    told = "Error: shop.duckdb cannot be read from the database: IO Error: Corrupt database file"
    done = fresh.call("report", "--data", str(tmp_path / "shop.duckdb"))
    assert done.returncode == 3
    assert done.stderr.startswith(told)
    assert done.stderr.count("\n") == 1
    done = fresh.call("report", "--data", str(tmp_path / "shop.duckdb"), "--debug")
    assert "IOException: IO Error: Corrupt database file" in done.stderr
    assert f"\n{told}" in done.stderr


def test_what_stopped_the_reader_of_a_sheet_is_told_and_kept_for_debug():
    with pytest.raises(Unreadable, match="Cannot detect file format") as fault:
        read_sheet(b"PK\x03\x04 and no more", None)
    assert "load_workbook" in str(fault.value.__cause__)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (OSError("cannot open /home/me/shop.db\nin line 2"), "cannot open shop.db"),
        (KeyError("x"), "KeyError: 'x'"),
        (ValueError(), "ValueError"),
        (ValueError("\n much " + "more " * 100), "much " + "more " * 58 + "more…"),
    ],
)
def test_a_cause_is_one_short_line(fault, told):
    assert cause(fault, "/home/me/shop.db", "shop.db") == told


@pytest.mark.parametrize(
    ("fault", "told", "code"),
    [
        (MemoryError("Unable to allocate 3 GiB"), f"{NO_MEMORY} (--debug shows where)", 1),
        (duckdb.OutOfMemoryException("Out of Memory Error: x\n\nPossible"), f"{NO_MEMORY} (--debug shows where)", 1),
        (OSError(12, "Cannot allocate memory"), f"{NO_MEMORY} (--debug shows where)", 1),
        (ImportError("/usr/lib/a.so: failed to map segment"), f"{NO_MEMORY} (--debug shows where)", 1),
        (PermissionError(13, "Permission denied", f"{files.ROOT}/report/a b/x"), "report/a b/x: Permission denied", 2),
        (OSError(30, "Read-only file system", "/home/me/my tables/x.csv"), "my tables/x.csv: Read-only file system", 2),
        (OSError("Cannot open '/home/me/x.csv'"), "Cannot open 'x.csv'", 2),
        (KeyError("x"), "KeyError: 'x' (--debug shows where)", 1),
        (ValueError("at http://127.0.0.1:1/a/b or a/b/c or ~/a"), None, 1),
    ],
)
def test_a_fault_of_the_machine_is_told_without_its_folders(fault, told, code):
    assert _told(fault) == (told or f"ValueError: {fault} (--debug shows where)", code)


def test_too_little_memory_in_a_notebook_is_told(toy):
    insert_code(toy, "01_cleaning", "raise MemoryError(f'Unable to allocate 3 GiB for {folder}')")
    done = toy.run("report")
    assert done.returncode == 1
    assert "notebooks/01_cleaning.ipynb, code cell 5 (raise Mem" in done.stderr
    assert f"): {NO_MEMORY}\nThe partly" in done.stderr
    assert str(toy.root) not in done.stderr.partition("): ")[2]


def test_a_notebook_with_typed_parameters_is_refused(fresh):
    notebook = fresh.root / "notebooks" / "03_k_selection.ipynb"
    notebook.write_text(notebook.read_text().replace('"k = None', '"k: int = None'))
    done = fresh.call("report")
    assert done.returncode == 2
    assert "expected a notebook whose tagged cell holds plain assignments" in done.stderr


def test_a_half_written_record_does_not_block_the_next_run(toy):
    toy.artifact("sample", ".doit.json").write_text('{"half')
    done = toy.run("report")
    assert done.returncode == 0, done.stderr
    assert "Ran       01_cleaning" in done.stdout


def run_cells(project: Project, *stages: Stage, **parameters) -> None:
    """Run the cells of notebooks in this process, with these parameters."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "ROOT", project.root)
        for stage in stages:
            namespace = {}
            for cell in json.loads((project.root / "notebooks" / stage.notebook.name).read_text())["cells"]:
                if cell["cell_type"] == "code":
                    exec("".join(cell["source"]), namespace)
                    if "parameters" in cell["metadata"].get("tags", []):
                        namespace |= parameters


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("", "has column names but no rows"),
        ("S1,Male,30,50,50\n", "1 of 1 rows are clean; at least 10 are needed. No rule refused a row"),
        ("".join(f"S{i},Male,30,50,50\n" for i in range(20)), "1 distinct combination"),
        ("".join(f"S{i},Male,30,{i},much\n" for i in range(20)), "spending: a number (20)"),
    ],
)
def test_a_table_without_segments_to_find(fresh, tmp_path, rows, told):
    table = tmp_path / "few.csv"
    table.write_text("customer_id,gender,age,annual_income_k,spending_score\n" + rows, encoding="utf-8")
    with pytest.raises(DataError, match=re.escape(told)):
        run_cells(fresh, STAGES[0], STAGES[2], data=str(table))


def test_a_table_without_a_feature_tells_what_it_has(fresh, tmp_path):
    table = tmp_path / "other.csv"
    table.write_text("customer_id,gender,age,annual_income_k,spendings\nS1,Male,30,50,50\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"other\.csv: 'spending' is missing; did you mean 'spendings'\?"):
        run_cells(fresh, STAGES[0], data=str(table))


@pytest.fixture
def shop(tmp_path):
    """A server on this machine that offers the files of a folder."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}/{MALL}"
    server.shutdown()


def _point_to(project, url: str, fingerprint: str | None = None) -> None:
    described = project.root / "data" / "mall" / "dataset.yaml"
    text = re.sub(r"url: \S+", f"url: {url}", described.read_text(encoding="utf-8"))
    if fingerprint:
        text = re.sub(r"sha256: \w+", f"sha256: {fingerprint}", text)
    described.write_text(text, encoding="utf-8")


def test_without_a_network_one_message_says_what_to_download_and_where_to_put_it(fresh):
    _point_to(fresh, "http://127.0.0.1:1/table.csv")
    done = fresh.call("report", "--dataset", "mall")
    assert done.returncode == 3
    assert "Download http://127.0.0.1:1/table.csv" in done.stderr
    assert f"data/mall/{MALL}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_has_no_such_table_is_told(fresh, shop):
    _point_to(fresh, shop[1])
    done = fresh.call("report", "--dataset", "mall")
    assert done.returncode == 3
    assert "could not be fetched: its server refuses it (404 Client Error: File not found" in done.stderr


def test_a_fetched_table_is_checked(fresh, shop):
    folder, url = shop
    (folder / MALL).write_text("CustomerID\n1\n")
    _point_to(fresh, url)
    done = fresh.call("report", "--dataset", "mall")
    assert done.returncode == 3
    assert "it is not the published file" in done.stderr
    assert not (fresh.root / "data" / "mall" / MALL).exists()


def test_a_fetched_table_is_used(fresh, shop, monkeypatch):
    folder, url = shop
    sample = (fresh.root / "data" / "sample" / "customers.csv").read_text()
    (folder / MALL).write_text(sample)
    _point_to(fresh, url, sha256(folder / MALL))
    monkeypatch.setattr(files, "ROOT", fresh.root)
    place = fresh.root / "data" / "mall" / MALL
    assert find_table("mall", load_dataset("mall")).files == (place,)
    assert place.read_text() == sample
    folder.rename(folder.with_name("gone"))
    assert find_table("mall", load_dataset("mall")).files == (place,)
