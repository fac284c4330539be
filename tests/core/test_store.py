"""What is kept for a further run is given back exactly, only where it is the same, and never hides a fault."""

import json
import pickle
import zipfile
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, scalar_dtypes

import segmentation
from segmentation.core import files
from segmentation.core.store import reuse
from segmentation.core.store.reuse import reused, reused_each
from segmentation.core.store.values import digest, pack, unpack
from segmentation.pipeline.dependencies import modules_behind, package_files

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ARRAYS = arrays(scalar_dtypes(), array_shapes(min_dims=0, max_dims=3, min_side=0))
VALUES = st.recursive(
    PLAIN | ARRAYS,
    lambda parts: st.lists(parts) | st.lists(parts).map(tuple) | st.dictionaries(st.integers() | st.text(), parts),
)


@dataclass(frozen=True)
class Pair:
    one: object
    other: object


@given(VALUES)
def test_a_value_comes_back_with_its_types_and_its_last_bits(value):
    assert digest(unpack(pack(value))) == digest(value)


def test_frames_and_objects_come_back(tmp_path):
    shared = np.arange(3.0)
    frame = pd.DataFrame({4: [0.1, np.nan], 5: [True, False]}, pd.Index(["a", "a"], name="model"))
    frame.columns.name = "k"
    found = unpack(pack(Pair(frame, [Pair(shared, shared), frame[4]])), (Pair,))
    pd.testing.assert_frame_equal(found.one, frame)
    pd.testing.assert_series_equal(found.other[1], frame[4])
    assert found.other[0].one is found.other[0].other  # skops tells whether two attributes are one array


@given(VALUES, VALUES)
def test_different_values_have_different_digests(one, other):
    same = pickle.dumps(one) == pickle.dumps(other)
    assert same <= (digest(one) == digest(other))
    assert digest(one) != digest([one])


@pytest.mark.parametrize(
    "pair", [(1, 1.0), (1, True), ("1", 1), ([], ""), (0.0, -0.0), (["a", "b"], ["ab"]), ([[1], 2], [1, [2]])]
)
def test_values_that_look_alike_are_told_apart(pair):
    one, other = pair
    assert digest(one) != digest(other)
    assert digest(np.array([1, 2])) != digest(np.array([1.0, 2.0])) != digest(np.array([[1.0, 2.0]]))


def test_what_is_kept_is_computed_once_and_by_key(keeping):
    asked: list = []

    def squares(keys):
        asked.append(keys)
        return {key: np.array(key) ** 2 for key in keys}

    assert reused_each({2: "a", 3: "b"}, squares, "basis") == {2: 4, 3: 9}
    assert reused_each({3: "b", 4: "c", 2: "a"}, squares, "basis") == {3: 9, 4: 16, 2: 4}
    assert reused_each({2: "other"}, squares, "basis") == {2: 4}
    assert reused_each({2: "a"}, squares, "another basis") == {2: 4}
    assert asked == [[2, 3], [4], [2], [2]]


def _counting(calls: list):
    def compute(x, *, more=0):
        calls.append(x)
        return {"found": x + more}

    return compute


@pytest.mark.parametrize("damage", [b"", b"PK", None, "another's", "foreign", "pickle"])
def test_what_is_damaged_or_foreign_is_computed_again_and_written_over(keeping, damage):
    calls: list = []
    compute = _counting(calls)
    assert reused(compute, 1.5, more=1) == {"found": 2.5}
    [place] = (keeping / "assets" / files.KEPT).iterdir()
    whole = place.read_bytes()
    if damage == "another's":
        reused(compute, 2.5)
        [other] = {*place.parent.iterdir()} - {place}
        other.replace(place)
        calls.remove(2.5)
    elif damage == "foreign":
        place.write_bytes(pack(Pair(1, 2)))  # an object of a class that nobody has named
    elif damage == "pickle":
        np.savez(place, told=np.array([print], dtype=object), allow_pickle=True)
    else:
        place.write_bytes(whole[:-30] if damage is None else damage)
    assert reused(compute, 1.5, more=1) == {"found": 2.5}
    assert place.read_bytes() == whole
    assert reused(compute, 1.5, more=1) == {"found": 2.5}
    assert calls == [1.5, 1.5]


def test_nothing_is_read_or_written_where_all_is_computed_anew(keeping, monkeypatch):
    calls: list = []
    compute = _counting(calls)
    reused(compute, 1)
    monkeypatch.setenv(files.ANEW, "1")
    reused(compute, 1)
    reused(compute, 2)
    assert calls == [1, 1, 2]
    assert len([*(keeping / "assets" / files.KEPT).iterdir()]) == 1


def test_other_code_and_other_versions_compute_anew(keeping, monkeypatch):
    calls: list = []
    compute = _counting(calls)
    for name in ("_code", "_versions"):
        reused(compute, 1)
        monkeypatch.setattr(reuse, name, lambda: "other")
        reused(compute, 1)
    assert calls == [1, 1, 1]


def test_nothing_is_read_or_written_where_code_was_edited_since_it_was_loaded(keeping, monkeypatch):
    calls: list = []
    compute = _counting(calls)
    reused(compute, 1)
    youngest = max(path.stat().st_ctime_ns for path in reuse.modules_that_compute())
    for loaded, computed in ((youngest + 1, 0), (youngest, 2)):
        monkeypatch.setattr(segmentation, "LOADED", loaded)
        reuse._code.cache_clear()
        calls.clear()
        reused(compute, 1)
        reused(compute, 1)
        assert len(calls) == computed
    assert len([*(keeping / "assets" / files.KEPT).iterdir()]) == 1
    reuse._code.cache_clear()


def test_a_folder_that_cannot_be_written_costs_no_result(keeping):
    (keeping / "assets").write_text("no folder")
    assert reused(_counting([]), 1) == {"found": 1}


def test_what_was_not_asked_for_the_longest_time_makes_room(keeping, monkeypatch):
    calls: list = []
    compute = _counting(calls)
    for x in range(3):
        reused(compute, x)
    sizes = {place: place.stat().st_size for place in (keeping / "assets" / files.KEPT).iterdir()}
    for at, place in enumerate(sorted(sizes, key=lambda place: place.stat().st_mtime_ns)):
        files.os.utime(place, (at, at))
    reused(compute, 0)  # is now the last one that was asked for
    monkeypatch.setattr(reuse, "MOST_BYTES", sum(sizes.values()) - 1)
    reuse._make_room.cache_clear()
    reused(compute, 3)
    calls.clear()
    for x in (0, 2, 3, 1):
        reused(compute, x)
    assert calls == [1]


def test_every_module_that_a_kept_value_comes_from_is_behind_it():
    behind = {_name(path) for path in reuse.modules_that_compute()}
    keeping = [_name(path) for path in package_files() if "core.store.reuse import" in path.read_text(encoding="utf-8")]
    assert {"evidence.gather", "methods.optima"} <= {*keeping}
    assert {*modules_behind(*keeping)} <= behind
    assert {"evidence.plots", "evidence.tell.scores", "report.render", "pipeline.tasks"}.isdisjoint(behind)


def _name(path) -> str:
    return ".".join(path.relative_to(files.PACKAGE).with_suffix("").parts)


def test_a_file_says_in_json_what_its_arrays_make(keeping):
    reused(_counting([]), 1)
    [place] = (keeping / "assets" / files.KEPT).iterdir()
    with zipfile.ZipFile(place) as held:
        assert held.namelist() == ["told.npy"]
    with np.load(place, allow_pickle=False) as held:
        assert json.loads(held["told"].tobytes()) == {"list": [place.stem, {"dict": [["found", 1]]}]}
