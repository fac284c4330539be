"""Scoring new customers with the stored model."""

import io
import json
import zipfile

import pandas as pd
import pytest

HEADER = "CustomerID,Gender,Age,Annual Income (k$),Spending Score (1-100)\n"


@pytest.fixture
def score(mall, tmp_path):
    """Score a table, given as text, with the model of the Mall run."""

    def run(text: str):
        new, out = tmp_path / "new.csv", tmp_path / "scored.csv"
        new.write_text(text, encoding="utf-8")
        return mall.run("score", "--dataset", "mall", "--new", str(new), "--out", str(out)), out

    return run


@pytest.fixture
def model(mall):
    """The stored model, put back after a test that changes it."""
    path = mall.artifact("mall", "model.skops")
    content = path.read_bytes()
    yield path
    path.write_bytes(content)


def test_scoring_the_training_table_gives_back_its_segments(mall, mall_table, score):
    done, out = score(mall_table.read_text(encoding="utf-8"))
    assert done.returncode == 0, done.stderr
    scored = pd.read_csv(out, dtype={"id": str})
    assert list(scored) == ["id", "segment", "name", "distance", "margin"]
    expected = pd.read_csv(mall.artifact("mall", "segments.csv"), dtype={"id": str})
    pd.testing.assert_frame_equal(scored.drop(columns="name"), expected)
    assert scored.groupby("name").size().to_dict()["Target customers"] == 39


def test_a_rich_big_spender_is_a_target_customer(score):
    done, out = score("id,income,spending\n0007,90,90\n")
    assert done.returncode == 0, done.stderr
    assert out.read_text().splitlines()[1].startswith("0007,2,Target customers,")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("id,income\n1,90\n", ["new.csv", "'spending' is missing"]),
        ("id,income,spending,shoe\n1,90,90,44\n", ["new.csv", "shoe", "role: ignore"]),
        ("id,income,spending\n1,90,90\n2,much,90\n", ["line 3, column income", "'much'", "expected a number"]),
        ("id,income,spending\n1,,90\n", ["line 2, column income", "found nothing"]),
        ("id,income,spending\n1,inf,90\n", ["line 2, column income", "'inf'"]),
        ("id,income,spending\n1,90\n", ["line 2", "found '2', expected 3 cells"]),
        ("id,income,spending\n1,-1,90\n", ["line 2, column income", "'-1'", "at least 0"]),
        ("id,income,spending\n1,90 $,90\n", ["column 'income' say '$'", "dataset.yaml says 'k$'"]),
        ("id,Annual Income ($),spending\n1,90,90\n", ["column 'Annual Income ($)' is in $", "dataset.yaml says k$"]),
        ("id;income;spending\n1;7.100;90\n", ["which mark is the decimal one"]),
        ("id,income,spending\n1,1,101\n", ["line 2, column spending", "expected at most 100"]),
        ("id,income,spending\n1,1_0,9\n2,1,９\n", ["'1_0'", "'９'"]),
        ("id,income,spending\n", ["has column names but no rows"]),
        ("", ["new.csv is empty"]),
    ],
)
def test_a_table_that_cannot_be_scored(score, table, told):
    done, out = score(table)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert [word for word in told if word not in done.stderr] == []
    assert not out.exists()


def test_a_changed_model_is_refused(score, model):
    archive = zipfile.ZipFile(io.BytesIO(model.read_bytes()))
    changed = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(changed["schema.json"])
    schema["__module__"], schema["__class__"] = "os", "system"
    with zipfile.ZipFile(model, "w") as file:
        for name, content in (changed | {"schema.json": json.dumps(schema).encode()}).items():
            file.writestr(name, content)
    done, out = score("id,income,spending\n1,90,90\n")
    assert (done.returncode, out.exists()) == (3, False)
    assert "is not the file that the run wrote" in done.stderr


@pytest.mark.parametrize("name", ["model.json", "profiles.json", "manifest.json"])
def test_changed_companions_of_the_model_are_refused(mall, score, name):
    path = mall.artifact("mall", name)
    original = path.read_bytes()
    path.write_bytes(original.replace(b"{", b"{ ", 1) if name != "manifest.json" else b"{}")
    done, out = score("id,income,spending\n1,90,90\n")
    path.write_bytes(original)
    assert (done.returncode, out.exists()) == (3, False)
    assert f"assets/mall/{name}" in done.stderr


def test_a_run_knows_its_dataset(mall, mall_table, tmp_path):
    words = ["--new", str(mall_table), "--out", str(tmp_path / "out.csv")]
    assert mall.run("score", "--run", "mall", *words).returncode == 0
    done = mall.run("score", "--run", "mall", "--dataset", "sample", *words)
    assert done.returncode == 2
    assert "was made from dataset 'mall'" in done.stderr


def test_a_foreign_type_is_refused_even_when_the_manifest_was_changed_too(mall, score, model):
    import skops.io

    from segmentation.artifacts import read_json, sha256, write_json

    model.write_bytes(skops.io.dumps({"trap": print, "counter": __import__("collections").Counter}))
    manifest_path = mall.artifact("mall", "manifest.json")
    original = manifest_path.read_bytes()
    manifest = read_json(manifest_path)
    manifest["outputs"]["assets/mall/model.skops"] = sha256(model)
    write_json(manifest_path, manifest)
    done, out = score("id,income,spending\n1,90,90\n")
    manifest_path.write_bytes(original)
    assert (done.returncode, out.exists()) == (3, False)
    assert "types that are not trusted" in done.stderr


def test_a_run_that_was_never_made(mall, mall_table, tmp_path):
    done = mall.run("score", "--run", "april", "--new", str(mall_table), "--out", str(tmp_path / "o.csv"))
    assert done.returncode == 2
    assert "make report RUN=april" in done.stderr


def test_a_new_table_that_is_not_there(mall, tmp_path):
    done = mall.run("score", "--dataset", "mall", "--new", "nowhere.csv", "--out", str(tmp_path / "o.csv"))
    assert done.returncode == 2
    assert "nowhere.csv" in done.stderr
    assert "Traceback" not in done.stderr
