"""Whatever is in a table, a dataset.yaml or a model: a result, or an error that says what is wrong, and nothing else.

Each property is tried on as many inputs as INPUTS says, the same ones in every run; with HYPOTHESIS_PROFILE=monthly on
four hundred times as many, drawn anew.
"""

import contextlib
import gzip
import io
import json
import os
import zipfile

import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentation.core.errors import SegmentationError
from segmentation.core.files import sha256, write_json
from segmentation.customers.cleaning import clean
from segmentation.roles.guess import guess_columns
from segmentation.roles.write import as_yaml
from segmentation.runs.run import Run, load_dataset, parse_dataset
from segmentation.segments.model import load_model
from segmentation.tables.number_formats import conventions_of
from segmentation.tables.read import read_rows, read_table
from segmentation.tables.sources import locate
from tests.conftest import ROOT, write_model_of
from tests.tables.test_any_table import SHOP, WANTED, base, parquet, written
from tests.tables.test_any_table import sheets as book_of

MONTHLY = os.environ.get("HYPOTHESIS_PROFILE") == "monthly"
INPUTS = {
    "formats": 3,
    "bytes": 100,
    "tables": 40,
    "sheets": 15,
    "cells": 8,
    "yaml": 100,
    "model": 30,
    "numbers": 8,
    "filters": 3,
}


def tried(kind: str):
    """Return how many inputs are tried."""
    slow = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    number = INPUTS[kind] * (400 if MONTHLY else 1)
    return settings(
        max_examples=number, derandomize=not MONTHLY, database=None, deadline=None, suppress_health_check=slow
    )


def _zip(content: bytes, name: str = "shop.csv") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return buffer.getvalue()


def _lines() -> bytes:
    return base()[:30].to_json(orient="records", lines=True).encode()


TABLE = written(base()[:30]).encode()
FILES = {
    "csv": TABLE,
    "semicolons.csv": written(base()[:30], sep=";", decimal=",").encode("cp1252"),
    "utf16.csv": written(base()[:30]).encode("utf-16"),
    "zip": _zip(TABLE),
    "parquet": parquet(),
    "jsonl": _lines(),
    "csv.gz": gzip.compress(TABLE, mtime=0),
    "zipped.jsonl.zip": _zip(_lines(), "shop.jsonl"),
}
BOOK = book_of(Sheet1=base()[:30])
STARTS = [b"", b"\x1f\x8b\x08", b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"SQLite format 3\0",
          b"\xff\xfe", b"\xef\xbb\xbf", b"id,city,age,income,spending\n"]  # fmt: skip


@st.composite
def changed(draw, content: bytes) -> bytes:
    """Return `content` after a few changes: bytes replaced, left out, put in or repeated."""
    result = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at, many = draw(st.integers(0, len(result))), draw(st.sampled_from([1, 2, 16, 400]))
        what = draw(st.sampled_from(["replace", "remove", "insert", "repeat", "cut"]))
        if what == "cut":
            del result[at:]
        elif what == "remove":
            del result[at : at + many]
        elif what == "repeat":
            result[at:at] = result[at : at + many] * 3
        else:
            piece = draw(st.binary(min_size=1, max_size=16))
            result[at : at + (len(piece) if what == "replace" else 0)] = piece
    return bytes(result)


@st.composite
def spoilt(draw, archive: bytes) -> bytes:
    """Return an archive one of whose members was changed, sound otherwise."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(buffer, "w") as new:
        target = draw(st.sampled_from(old.namelist()))
        for name in old.namelist():
            new.writestr(name, draw(changed(old.read(name))) if name == target else old.read(name))
    return buffer.getvalue()


def _use(place) -> None:
    """Read a table as a report does: where it is described, and where its columns are guessed."""
    source = locate("DATA", str(place))
    try:
        raw, headers = read_table(source, SHOP, wanted=WANTED)
        conventions_of(raw, SHOP, list(headers["columns"]), headers, file=source.name)
        clean(raw, SHOP, features=("income", "spending"), headers=headers, file=source.name)
    except SegmentationError:
        pass
    with contextlib.suppress(SegmentationError):
        parse_dataset(as_yaml(guess_columns(source), source, title="T"), "what was assumed")


@tried("bytes")
@given(
    st.sampled_from(STARTS),
    st.binary(max_size=300),
    st.sampled_from(["shop.csv", "shop.jsonl", "shop.xlsx", "shop.zip", "shop.csv.gz", "shop"]),
)
def test_any_bytes(tmp_path, start, rest, name):
    path = tmp_path / name
    path.write_bytes(start + rest)
    with contextlib.suppress(SegmentationError):
        read_rows(locate("DATA", str(path)))


def _changed(content: bytes):
    return st.one_of(spoilt(content), changed(content)) if content.startswith(b"PK") else changed(content)


@pytest.mark.parametrize("ends", FILES)
@tried("tables")
@given(data=st.data())
def test_a_real_table_that_was_changed(tmp_path, ends, data):
    path = tmp_path / f"shop.{ends}"
    path.write_bytes(data.draw(_changed(FILES[ends])))
    with contextlib.suppress(SegmentationError):
        read_rows(locate("DATA", str(path)))


@tried("sheets")
@given(_changed(BOOK))
def test_a_real_spreadsheet_that_was_changed(tmp_path, content):
    path = tmp_path / "shop.xlsx"
    path.write_bytes(content)
    with contextlib.suppress(SegmentationError):
        read_rows(locate("DATA", str(path)))


CELL = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "1,5", "1.234,5", "€ 5", "1e999", "nan", "-", "12 k€", "2024-01-02", "yes", '"', "\0", "9" * 400]
    ),
    st.floats(width=32).map(str),
)


@tried("cells")
@given(st.lists(st.lists(CELL, min_size=1, max_size=6), min_size=1, max_size=14), st.booleans())
def test_any_cells(tmp_path, rows, named):
    width = max(map(len, rows))
    frame = pd.DataFrame([[*row, *[""] * (width - len(row))] for row in rows])
    if named:
        frame.columns = ["customer_id", "city", "age", "income", "spending", "more"][: frame.shape[1]]
    path = tmp_path / "cells.csv"
    path.write_text(frame.to_csv(index=False, header=named), encoding="utf-8", errors="replace")
    _use(path)


WORDS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates(),
    st.sampled_from(["id", "feature", "descriptor", "ordinal", "log", "auto", "aggregate", "high", "..", "a.csv"]),
)  # fmt: skip
KEYS = st.sampled_from(
    ["title", "source", "path", "url", "sha256", "columns", "x", "id", "role", "type", "min", "max", "categories", "k",
     "k_range", "segments", "levels", "name", "transactions", "as_of", "aliases", "unit", "missing", "required"]
)  # fmt: skip
TREE = st.recursive(
    WORDS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)
DESCRIBED = (ROOT / "data" / "sample" / "dataset.yaml").read_bytes()


@tried("yaml")
@given(
    st.one_of(
        st.text(max_size=200),
        st.dictionaries(KEYS, TREE, max_size=8).map(yaml.safe_dump),
        changed(DESCRIBED).map(lambda content: content.decode(errors="replace")),
        st.text("[]{}:-&*!|>#?\"' \n\tab1.", max_size=80),
    )
)
def test_any_dataset_yaml(text):
    with contextlib.suppress(SegmentationError):
        parse_dataset(text, "data/x/dataset.yaml")


@pytest.fixture
def model(monkeypatch, tmp_path):
    """The folder of a run to spoil, and the files in it."""
    monkeypatch.setattr("segmentation.core.files.ROOT", tmp_path)
    write_model_of(tmp_path)
    folder = tmp_path / "assets" / "sample"
    return folder, {path.name: path.read_bytes() for path in folder.iterdir()}


@tried("model")
@given(data=st.data())
def test_any_model(model, data):
    folder, files = model
    name = data.draw(st.sampled_from(["model.skops", "model.skops", "model.json", "manifest.json"]))
    for other, content in files.items():
        (folder / other).write_bytes(content)
    (folder / name).write_bytes(data.draw(_changed(files[name])))
    if name != "manifest.json":  # as an attacker would, who changes the manifest too
        manifest = json.loads(files["manifest.json"])
        manifest["outputs"][f"assets/sample/{name}"] = sha256(folder / name)
        write_json(folder / "manifest.json", manifest)
    with contextlib.suppress(SegmentationError):
        load_model(Run("sample", load_dataset("sample")))
