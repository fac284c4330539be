"""A finished run is made again elsewhere, and every byte is compared."""

from types import SimpleNamespace

import pytest

from segmentation.core import files
from segmentation.core.files import read_json, write_json
from segmentation.pipeline import verify
from segmentation.runs.artifacts import Manifest


def test_a_run_is_repeated_byte_for_byte_and_a_change_is_found(toy):
    done = toy.run("verify", "--run", "sample")
    assert done.returncode == 0, done.stderr
    written = len(read_json(toy.artifact("sample", "manifest.json"))["outputs"])
    assert done.stdout == f"run sample is repeated byte for byte: {written} files\n"
    path = toy.artifact("sample", "manifest.json")
    before = path.read_bytes()
    manifest = read_json(path)
    manifest["outputs"]["assets/sample/segments.csv"] = "0" * 64
    manifest["versions"]["pandas"] = "0"
    write_json(path, manifest)
    done = toy.run("verify", "--run", "sample")
    path.write_bytes(before)
    assert done.returncode == 1
    assert done.stderr.endswith(
        "Error: run sample is not repeated; different are:\n  version pandas\n  output assets/sample/segments.csv\n"
    )


def test_verify_asks_for_what_it_needs(mall, fresh):
    done = mall.call("verify", "--run", "mall")
    assert done.returncode == 2
    assert "make verify RUN=mall DATA=path/to/Mall_Customers.csv" in done.stderr
    done = fresh.call("verify", "--run", "nothing")
    assert done.returncode == 2
    assert "make report RUN=nothing" in done.stderr


def test_no_name_leads_verify_out_of_its_folders(fresh):
    manifest = {"inputs": {}, "outputs": {}, "versions": {}, "set_by": {}, "parameters": {"dataset": "sample"}}
    for place in ("x", "assets/evil"):
        write_json(fresh.root / place / "manifest.json", manifest)
    done = fresh.call("verify", "--run", "../x")
    assert (done.returncode, done.stderr.split(";")[0]) == (2, "Error: RUN=../x cannot name a folder")
    path = fresh.artifact("evil", "manifest.json")
    for parameters in ({"dataset": "../../x"}, {"dataset": "sample", "base": "../../x"}):
        write_json(path, read_json(path) | {"parameters": parameters})
        done = fresh.call("verify", "--run", "evil")
        assert done.returncode == 2
        assert "../../x" in done.stderr


def test_what_was_assumed_of_a_base_is_there_when_a_run_is_made_again(tmp_path, monkeypatch):
    """The columns of a table that nobody has described are what they were in its base."""
    monkeypatch.setattr(files, "ROOT", tmp_path / "project")
    monkeypatch.setattr(verify, "read_manifest", lambda run: SimpleNamespace(dataset="assumed"))
    for name in ("dataset.yaml", "manifest.json", *verify.CHECKED):
        files.write_text(files.ROOT / "assets" / "jan" / name, "")
    verify._copy_base(tmp_path / "copy", "jan")
    assert (tmp_path / "copy" / "assets" / "jan" / "dataset.yaml").is_file()


@pytest.mark.parametrize(("table", "words"), [("shop.csv", []), ("other.csv", ["--run=shop"])])
def test_a_run_that_its_table_named_is_named_by_it_again(tmp_path, table, words):
    place = tmp_path / table
    place.write_text("a\n1\n")
    parameters, set_by = {"run": "shop", "data": "shop.csv"}, {"run": "the table's name", "data": "command line"}
    manifest = Manifest.model_construct(parameters=parameters, set_by=set_by, outputs={}, printed=None)
    assert verify._commands("shop", manifest, str(place)) == [["report", f"--data={place}", *words]]
