"""What docs/threats.md promises: each test fails without the defence that it names."""

import csv
import gzip
import io
import json
import os
import re
import subprocess
import sys
import tracemalloc
import zipfile

import ibis
import pandas as pd
import pytest
import skops.io

from segmentation.core.errors import DataError, UsageError
from segmentation.core.files import as_csv, read_json, sha256, write_csv, write_json
from segmentation.runs.records import Rules
from segmentation.runs.run import Run, load_dataset, parse_dataset
from segmentation.runs.stages import sql_files
from segmentation.segments.model import load_model
from segmentation.shortcuts.rules import write_sql
from segmentation.tables.read import read_rows
from segmentation.tables.sources import find_table, locate
from tests.conftest import FAST, ROOT, copy_project, shop_table, write_model_of
from tests.tables.test_any_table import base
from tests.tables.test_any_table import sheets as book_of

MB = 1_000_000


def _read(tmp_path, name: str, content: bytes):
    path = tmp_path / name
    path.write_bytes(content)
    return read_rows(locate("DATA", str(path)))


def _packed(name: str, size: int, also: dict[str, str] | None = None) -> bytes:
    """Return an archive with a member of `size` zeros."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for other, text in (also or {}).items():
            file.writestr(other, text)
        with file.open(name, "w") as member:
            for _ in range(size // MB):
                member.write(bytes(MB))
    return buffer.getvalue()


def _bomb(times: int) -> bytes:
    """Pack `times` ten million zeros with gzip, one member behind the other."""
    return gzip.compress(bytes(10 * MB)) * times


BOMBS = {  # with the memory in which each must be refused: gzip tells no size, so it is unpacked up to the limit
    "gzip": ("shop.csv.gz", lambda: _bomb(100), 600 * MB),
    "gzip in gzip": ("shop.csv.gz.gz", lambda: gzip.compress(_bomb(100)), 600 * MB),
    "zip": ("shop.zip", lambda: _packed("shop.csv", 300 * MB), 20 * MB),
    "a spreadsheet": (
        "shop.xlsx",
        lambda: _packed("xl/worksheets/sheet1.xml", 300 * MB, {"xl/workbook.xml": ""}),
        20 * MB,
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(tmp_path, name):
    file, content, memory = BOMBS[name]
    packed = content()
    assert len(packed) < 2 * MB
    tracemalloc.start()
    with pytest.raises(DataError, match=r"unpacks to more than 256 MB; unpack it yourself"):
        _read(tmp_path, file, packed)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < memory


def test_a_zip_that_lies_about_its_size_is_not_unpacked_beyond_it(tmp_path):
    content = _packed("shop.csv", 300 * MB)
    size = (300 * MB).to_bytes(4, "little")
    with pytest.raises(DataError, match="is damaged"):
        _read(tmp_path, "shop.zip", content.replace(size, (1000).to_bytes(4, "little")))


def test_a_sheet_with_two_cells_in_far_corners_ends_nothing_but_its_reader(tmp_path, monkeypatch):
    frame = base()
    packed = book_of(Sheet1=frame)
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
                content = content.replace(b"</sheetData>", far)
            new.writestr(name, content)
    with pytest.raises(DataError, match="its cells do not fit into memory, or crash the reader"):
        _read(tmp_path, "shop.xlsx", buffer.getvalue())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("shop.jsonl", json.dumps({"id": 1, "city": "x" * 200_000}).encode()),
        ("shop.csv", f"id,city\n1,{'x' * 200_000}\n".encode()),
    ],
)
def test_a_huge_cell_is_refused(tmp_path, name, content):
    with pytest.raises(DataError, match=r"a cell of 200,000 letters|field larger than field limit"):
        _read(tmp_path, name, content)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("shop.csv", ",".join(f"c{i}" for i in range(3000)) + "\n" + "1," * 2999 + "1\n", "found 3,000 column names"),
        ("shop.csv", f"id,{'(' * 100_000}\n1,2\n", "the longest of 100,000 letters"),
        ("shop.jsonl", "\n".join(json.dumps({f"k{i}": i}) for i in range(3000)), "more than 2,000 different keys"),
    ],
)
def test_headers_that_would_take_hours_are_refused(tmp_path, name, content, told):
    with pytest.raises(DataError, match=told):
        _read(tmp_path, name, content.encode())


BLANKS = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
HOSTILE = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "＝1+1", "\xa0=1+1", "'=1+1"]


def test_no_table_that_is_written_holds_a_formula(tmp_path):
    project = copy_project(tmp_path)
    folder = project.root / "data" / "hostile"
    folder.mkdir()
    lines = ["id,x,y,town"]
    lines += [
        f'"{HOSTILE[i % 8]}{i}",{i // 40 * 50 + i % 7},{i // 40 * 30 + i % 5},"{HOSTILE[i % 8]}"' for i in range(120)
    ]
    lines += [f'"{text}x{i}",much,1,"{text}"' for i, text in enumerate(HOSTILE)]
    (folder / "h.csv").write_text("\n".join(lines), encoding="utf-8")
    described = {
        "title": "=T()",
        "source": {"path": "h.csv"},
        "privacy": "rows",
        "columns": {
            "id": {"role": "id"},
            "x": {"role": "feature"},
            "y": {"role": "feature"},
            "town": {"role": "descriptor", "type": "category"},
        },
        "segments": [
            {"levels": {"x": level}, "name": "=NAME()", "action": "@ACT"} for level in ("low", "average", "high")
        ],
    }
    (folder / "dataset.yaml").write_text(json.dumps(described))
    done = project.call("report", "--dataset", "hostile", *FAST, drawn=False)
    assert done.returncode == 0, done.stderr
    new = tmp_path / "new.csv"
    new.write_text('id,x,y\n"=1+1",1,2\n"=2+2",=much,2\n')
    done = project.call("score", "--dataset", "hostile", "--new", str(new), "--out", "assets/hostile/scored.csv")
    assert done.returncode == 0, done.stderr
    tables = sorted((project.root / "assets" / "hostile").glob("*.csv"))
    written = {"borderline", "flagged", "profiles", "rejected", "scored", "scored-refused", "segments"}
    assert {path.stem for path in tables} == written
    cells = [cell for path in tables for row in csv.reader(path.open(encoding="utf-8-sig", newline="")) for cell in row]
    assert sum(cell.startswith("'") for cell in cells) > 100
    assert [
        cell for cell in cells if re.match(r"\s*[=+\-@＝＋－＠]", cell) and not re.fullmatch(r"-?[\d.e-]+", cell)
    ] == []


def test_no_large_table_that_is_written_holds_a_formula(tmp_path):
    hostile, fine = [*HOSTILE, *(f"{blank}=1" for blank in BLANKS)], ["-12.5", "plain"]
    write_csv(tmp_path / "large.csv", ibis.memtable({"id": [*hostile, *fine]}))
    with (tmp_path / "large.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row[0] for row in csv.reader(file)] == ["id", *(f"'{text}" for text in hostile), *fine]
    safe = list(csv.reader(io.StringIO(as_csv(pd.DataFrame({"id": hostile})).removeprefix("\ufeff"), newline="")))
    assert [row[0] for row in safe] == ["id", *(f"'{text}".replace("\r", "\n") for text in hostile)]
    assert as_csv(pd.DataFrame({"id": ["a\r=1"]})) == 'id\n"a\n=1"\n'  # bare, it would begin a line


def test_a_name_cannot_leave_its_comment_in_sql():
    leaf = {"segment": 1, "bounds": {"x": (None, 1.0)}, "right": 1, "customers": 1}
    rules = Rules(leaves=[leaf], right=1, customers=1, cross_validated=1)
    sql = write_sql(rules, {1: "Fans\nDROP TABLE customers;\u2028DELETE\x85DELETE\rDELETE"}, "rules")
    assert [line for line in sql.splitlines() if "--" not in line] == ["CASE", "END"]


YAML = "title: T\nsource: {path: %s}\ncolumns:\n  x: {role: feature}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (YAML % "!!python/object/apply:os.system ['true']", "could not determine a constructor for the tag"),
        (YAML % "!!python/name:os.system ''", "could not determine a constructor for the tag"),
        (YAML % "a.csv" + "x: &a [1]\ny: *a\n", r"found the alias \*a; write it out"),
        (YAML % "../other/table.csv", "expected a file name without a folder"),
        (YAML % "/etc/passwd", "expected a file name without a folder"),
        (YAML % "..", "expected a file name without a folder"),
        (YAML % f"a.csv, url: 'file:///etc/passwd', sha256: {'0' * 64}", "String should match pattern '.https"),
        (YAML % "a.csv" + "k: " + "9" * 5000, "is not valid YAML"),
        (YAML % "a.csv" + "seed: 0x" + "f" * 5000, "seed: "),
        (YAML % "a.csv" + "x: 2024-13-45", "is not valid YAML"),
        ("[" * 5000, "is not valid YAML"),
    ],
)
def test_a_hostile_dataset_yaml_is_refused(text, told):
    with pytest.raises(UsageError, match=told):
        parse_dataset(text, "data/x/dataset.yaml")


def test_a_few_lines_that_stand_for_billions_are_refused_at_once():
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{n}: &{n} [{', '.join([f'*{before}'] * 10)}]" for before, n in zip("abcdefghi", "bcdefghij", strict=True)
    ]
    code = f"from segmentation.runs.run import parse_dataset; parse_dataset({chr(10).join(lines)!r}, 'x')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=30)
    assert "found the alias *a; write it out" in done.stderr


def test_many_keys_take_no_hours():
    keys = "\n".join(f"k{i}: 1" for i in range(30_000))
    code = f"from segmentation.runs.run import parse_dataset; parse_dataset({keys!r}, 'x')"
    program = "import sys; exec(sys.stdin.read())"
    done = subprocess.run(
        [sys.executable, "-c", program], input=code, capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert "unknown key" in done.stderr


def test_a_link_out_of_the_folder_of_a_dataset_is_not_followed(tmp_path, monkeypatch):
    monkeypatch.setattr("segmentation.core.files.ROOT", tmp_path)
    folder = tmp_path / "data" / "shop"
    folder.mkdir(parents=True)
    (folder / "dataset.yaml").write_text(YAML % "shop.csv")
    (tmp_path / "secret.csv").write_text("x\n1\n")
    (folder / "shop.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(UsageError, match="is a link, which may lead anywhere; give the table as DATA=path"):
        find_table("shop", load_dataset("shop"))


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A run with a model that a test may change."""
    monkeypatch.setattr("segmentation.core.files.ROOT", tmp_path)
    write_model_of(tmp_path)
    return Run("sample", load_dataset("sample"))


def _accept(study: Run, name: str) -> None:
    """Write the changed file into the manifest too, as an attacker would."""
    path = study.path("manifest.json")
    manifest = read_json(path)
    manifest["outputs"][f"assets/sample/{name}"] = sha256(study.path(name))
    write_json(path, manifest)


def test_the_model_of_the_run_is_loaded(study):
    assert load_model(study)[-1].n_clusters == 5


def test_a_model_that_unpacks_to_a_huge_one_is_refused(study):
    study.path("model.skops").write_bytes(_packed("schema.json", 300 * MB))
    _accept(study, "model.skops")
    with pytest.raises(DataError, match="unpacks to more than 256 MB"):
        load_model(study)


def test_another_model_than_the_one_described_is_refused(study):
    model = load_model(study)
    model[-1].cluster_centers_[0] += 1
    study.path("model.skops").write_bytes(skops.io.dumps(model))
    _accept(study, "model.skops")
    with pytest.raises(DataError, match=r"is not the model that model\.json describes"):
        load_model(study)


def test_a_trusted_type_that_is_no_model_is_refused(study):
    study.path("model.skops").write_bytes(skops.io.dumps({"centroids": [1, 2]}))
    _accept(study, "model.skops")
    with pytest.raises(DataError, match="cannot be read as a model"):
        load_model(study)


def test_a_package_with_another_content_is_not_installed(tmp_path):
    wheel = tmp_path / "safe-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("safe.py", "")
        file.writestr("safe-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: safe\nVersion: 1.0\n")
        file.writestr("safe-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("safe-1.0.dist-info/RECORD", "")
    makefile = (ROOT / "Makefile").read_text()
    [how] = re.findall(r"^INSTALL = .*(--require-hashes .*)$", makefile, flags=re.M)
    assert "FROM_LOCK = $(INSTALL) --constraint requirements.txt --requirement pyproject.toml " in makefile
    needed = tmp_path / "pyproject.toml"
    needed.write_text('[project]\nname = "needs"\nversion = "0"\ndependencies = ["safe>=1"]\n')
    for digest, code in ((sha256(wheel), 0), ("0" * 64, 1)):  # into a folder each
        (tmp_path / "lock.txt").write_text(f"safe==1.0 --hash=sha256:{digest}\n")
        offline = ["--offline", "--no-index", "--find-links", str(tmp_path), "--target", str(tmp_path / digest)]
        parts = ["--constraint", str(tmp_path / "lock.txt"), "--requirement", str(needed)]
        command = [sys.executable, "-m", "uv", "pip", "install", *how.split(), *offline, *parts]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "UV_NO_CACHE": "1"})
        assert done.returncode == code, done.stderr
    assert "ash mismatch" in done.stderr


def test_nothing_that_may_be_sent_holds_a_row_of_a_private_table(shop):
    names = (
        "manifest.json",
        "profiles.json",
        "profiles.csv",
        "k_selection.json",
        "model.json",
        *sql_files("rules"),
        "cleaning.json",
    )
    shared = [shop.artifact("shop", name).read_text(encoding="utf-8") for name in names]
    shared += [path.read_text(encoding="utf-8") for path in shop.artifact("shop", "figures").glob("*.svg")]
    shared += [path.read_text(encoding="utf-8") for path in (shop.root / "report" / "shop").rglob("*.ipynb")]
    shared.append(shop.page("shop"))
    table = shop_table()
    exact = [repr(value) for name in ("spend", "rate") for value in table[name]]
    found = [value for value in [*table["id"], *exact] if any(value in text for text in shared)]
    assert found == []
    for path in shop.artifact("shop", "figures").glob("0[124]-*.svg"):  # no mark a customer
        drawn = len(re.findall(r"<use\b", path.read_text(encoding="utf-8")))
        assert drawn < len(table), path.name


def test_every_test_that_the_page_of_threats_names_exists():
    text = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")
    named = re.findall(r"`(?:(test_\w+)(?:::|(?=`))|…)(test_\w+)?`", text)
    assert sum(bool(test) for _, test in named) == text.count("::test_") + text.count("…test_") > 40
    files = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    file, missing = "", []
    for own, test in named:  # behind "…" stands a test of the file that was named last
        file = own or file
        if file not in files or (test and f"def {test}(" not in files[file]):
            missing.append(f"{file}::{test}")
    assert missing == []
