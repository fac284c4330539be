"""What an earlier run has kept makes another one faster, and no byte of it different; who verifies does without it."""

import os

from segmentation.core import files
from segmentation.pipeline import verify
from segmentation.pipeline.tasks import _prepare_kernels
from segmentation.runs.manifest import fingerprints
from tests.conftest import FAST

KEEPING = {files.ANEW: ""}


def test_another_run_takes_what_was_kept_and_gives_the_bytes_that_are_computed_anew(fresh):
    assert fresh.run("report", *FAST, "--run", "first", **KEEPING).returncode == 0
    store = fresh.artifact(files.KEPT, "")
    first = _times(store)
    words = ["report", *FAST, "--lang", "de", "--k", "3"]
    assert fresh.run(*words, "--run", "second", **KEEPING).returncode == 0
    assert fresh.run(*words, "--run", "anew").returncode == 0
    names = ("k_selection.json", "model.skops", "model.json", "profiles.json", "segments.csv")
    kept, anew = (fingerprints(fresh.artifact(run, name) for name in names) for run in ("second", "anew"))
    assert [*kept.values()] == [*anew.values()]
    second = _times(store)
    asked = {name for name in first if second[name] != first[name]}
    assert len(asked) > 50  # of each k its optimum, scores and resamples
    assert len(second.keys() - first.keys()) <= 4  # of the new k other choices, intervals, silhouettes, questions
    text = "".join(path.read_bytes().decode("latin-1") for path in store.iterdir())
    ids = fresh.artifact("first", "segments.csv").read_text(encoding="utf-8-sig").splitlines()[1:6]
    assert not any(line.split(",")[0] in text for line in ids)
    assert not any(".kept" in name for name in fresh.artifact("second", "manifest.json").read_text().split('"'))
    assert fresh.run("clean").returncode == 0
    assert not store.exists()


def _times(store) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in store.glob("*.npz")}


def test_a_run_is_verified_without_what_was_kept(toy, monkeypatch):
    told = []
    monkeypatch.delenv(files.ANEW)
    monkeypatch.setattr(verify, "run_unheard", lambda command, *, env, **_: told.append(env) or 1)
    assert toy.call("verify", "--run", "sample").returncode == 1
    assert [env[files.ANEW] for env in told] == ["1"]


def test_a_cold_run_uses_nothing_that_was_kept(monkeypatch):
    monkeypatch.delenv(files.ANEW)
    _prepare_kernels()
    assert files.ANEW not in os.environ
    _prepare_kernels(cold=True)
    assert os.environ[files.ANEW] == "1"
