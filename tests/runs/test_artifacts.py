"""The artifacts that stages hand on: the same bytes when read and written again, one message when they are damaged."""

import hashlib
import json
import math
import re
import shlex
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from segmentation.core.errors import DataError
from segmentation.runs import tell as runs_tell
from segmentation.runs.artifacts import KINDS, Lineage, Model, Profiles, Selection, Transitions, remake_command
from segmentation.runs.manifest import read_manifest
from segmentation.runs.run import Run

LINEAGE = {
    "base": "march",
    "before": [
        {"segment": 1, "name": "Few", "fate": "split", "left": False, "into": [1, 2], "kept_as": 2},
        {"segment": 2, "name": "Many", "fate": "gone", "left": True, "into": [], "kept_as": None},
    ],
    "now": [
        {"segment": 1, "kept_from": None, "comes_from": [1], "name": None, "action": None, "selected_as": 2},
        {"segment": 2, "kept_from": 1, "comes_from": [1], "name": "Few", "action": "Call.", "selected_as": 1},
    ],
    "start": {"from_base": False, "why": "k", "then": 2, "now": 3},
}
AGAIN = "make the run again: make report RUN=sample DATASET=sample"
TYPED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)


@pytest.fixture
def run(sample, tmp_path, monkeypatch) -> Run:
    """A copy of the JSON files of the sample's run, for a test to damage, with a lineage."""
    for place in ("ROOT", "SHIPPED"):
        monkeypatch.setattr(f"segmentation.core.files.{place}", tmp_path)
    run = Run("sample", None)
    run.folder.mkdir(parents=True)
    for path in (sample.root / "assets" / "sample").glob("*.json"):
        shutil.copy(path, run.folder)
    run.write("lineage.json", LINEAGE)
    return run


@pytest.mark.parametrize("name", sorted(KINDS))
def test_what_is_read_is_written_again_byte_for_byte(run, name):
    before = run.path(name).read_bytes()
    run.write(name, run.read(name))
    assert run.path(name).read_bytes() == before
    assert len(before) > 500


def test_a_selection_knows_its_choice_and_its_least_stable_segment(run):
    selection, raw = run.read("k_selection.json"), json.loads(run.path("k_selection.json").read_text())
    assert isinstance(selection, Selection)
    assert selection.chosen.silhouette == raw["criteria"]["5"]["silhouette"]
    assert selection.weakest == min(segment["jaccard"] for segment in raw["criteria"]["5"]["segments"]) < 1
    assert list(selection.judged) == list(range(2, 11))
    assert selection.judged[6].weakest == min(segment["jaccard"] for segment in raw["criteria"]["6"]["segments"])


def test_the_silhouette_of_a_cut_is_not_called_the_best_where_another_was_not_allowed(run):
    selection = run.read("k_selection.json")
    chosen = {"method": "auto", "k": 6, "verdict": "natural", "allowed": (2, 6)}
    assert selection.criteria[5].silhouette > selection.criteria[6].silhouette
    told = runs_tell.choice(selection.model_copy(update=chosen))
    assert told == "best mean silhouette of k = 2 and 6, which share the strongest verdict"
    told = runs_tell.choice(selection.model_copy(update=chosen | {"k": 5, "allowed": (5, 6)}))
    assert told == "best mean silhouette, and the strongest verdict"
    told = runs_tell.choice(selection.model_copy(update=chosen | {"allowed": (6,)}))
    assert told == "the strongest verdict of the k that could be taken"
    told = runs_tell.choice(selection.model_copy(update=chosen | {"verdict": "none"}))
    assert told == "best mean silhouette of k = 2 and 6, though no k that could be taken has support"


def test_lambda_is_a_word_of_python_and_the_key_stays(run):
    model, raw = run.read("model.json"), json.loads(run.path("model.json").read_text())
    assert isinstance(model, Model)
    assert model.names == ["income", "spending"]
    assert [feature.power for feature in model.features] == [feature["lambda"] for feature in raw["features"]] == [1, 1]


def test_a_run_without_a_base_has_no_lineage(run):
    assert run.lineage() == Lineage.model_validate(LINEAGE)
    run.path("lineage.json").unlink()
    assert run.lineage() is None


def test_what_was_never_set_is_not_written():
    kept = LINEAGE | {"now": [{k: row[k] for k in ("segment", "kept_from", "comes_from")} for row in LINEAGE["now"]]}
    del kept["start"]
    assert Transitions.model_validate(kept).content() == kept


def _change(*keys, to=None, without=False):
    """Return what changes, or takes away, the value at some place of a JSON document."""

    def change(content) -> None:
        for key in keys[:-1]:
            content = content[key]
        if without:
            del content[keys[-1]]
        else:
            content[keys[-1]] = to

    return change


def _damage(run: Run, name: str, change) -> None:
    content = json.loads(run.path(name).read_text())
    change(content)
    run.path(name).write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("model.json", _change("reach", without=True), "or of an older version: reach is missing"),
        ("model.json", _change("weights", to=[1]), "or of an older version: weights is unknown"),
        ("model.json", _change("features", 1, "lambda", without=True), "or of an older version: features.1.lambda is"),
        (
            "model.json",
            _change("features", 0, "spread", to="wide"),
            "features.0.spread: Input should be a valid number",
        ),
        ("model.json", _change("sizes", 0, to="81"), "sizes.0: Input should be a valid integer (found '81')"),
        ("model.json", _change("inertia", to=math.nan), "inertia: Input should be a finite number (found nan)"),
        ("model.json", _change("centroids", 0, to=[1.0]), "a centroid has not one number for each of 2 features"),
        ("model.json", _change("sizes", to=[200]), "centroids, sizes and reach are not of as many segments"),
        ("k_selection.json", _change("verdict", to="great"), "verdict: Input should be 'natural', 'reproducible',"),
        ("k_selection.json", _change("k", to=99), "the criteria of k = 99, which is chosen, are missing"),
        ("k_selection.json", _change("k", to=1), "k = 1 divides nobody, and cannot be natural"),
        (
            "k_selection.json",
            _change("criteria", "5", "gap", to=None),
            "criteria.5.judged.gap: Input should be a valid",
        ),
        ("k_selection.json", _change("criteria", to={"one": {}}), "criteria.one"),
        ("k_selection.json", _change("criteria", "5", "segments", to=[]), "should have at least 1 item"),
        (
            "profiles.json",
            _change("segments", 0, "segment", to=2),
            "segments are numbered [2, 2, 3, 4, 5]; expected 1 to",
        ),
        ("profiles.json", _change("segments", 0, "share_interval", to=[0.1]), "segments.0.share_interval.1 is missing"),
        ("profiles.json", _change("segments", to=[]), "segments: "),
        ("cleaning.json", _change("rejected", to=1), "200 rows are not 200 + 1 + 0"),
        ("cleaning.json", _change("numbers", "age", "decimal", to=";"), "numbers.age.decimal: Input should be"),
        ("lineage.json", _change("before", 0, "fate", to="lost"), "before.0.fate: Input should be 'survives', 'split'"),
        ("lineage.json", _change("now", 1, "segment", to=3), "segments are numbered [1, 3]; expected 1 to 2"),
    ],
)
def test_one_message_says_what_is_wrong_and_how_to_mend_it(run, name, change, told):
    _damage(run, name, change)
    with pytest.raises(DataError) as fault:
        run.read(name)
    message = str(fault.value)
    assert message.startswith(f"assets/sample/{name} is damaged")
    assert told in message
    assert message.endswith(AGAIN)
    assert message.count("\n") == 0


@pytest.mark.parametrize("name", sorted(KINDS))
@pytest.mark.parametrize(
    "spoilt",
    [b"", b"null", b"[]", b"{}", b'"text"', b"[" * 100_000, b"\xff\xfe{\x00", b"PAR1", b'{"k": 1' + b"0" * 5000],
)
def test_what_is_no_artifact_at_all_is_told(run, name, spoilt):
    run.path(name).write_bytes(spoilt)
    with pytest.raises(
        DataError, match=rf"^assets/sample/{name} is damaged.*; make the run again: make report RUN=samp"
    ):
        read_manifest("sample") if name == "manifest.json" else run.read(name)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_half_a_file_is_told(run, name):
    whole = run.path(name).read_bytes()
    for half in (whole[: len(whole) // 2], whole[:-2], whole[:1]):
        run.path(name).write_bytes(half)
        with pytest.raises(DataError, match=rf"^assets/sample/{name} is damaged: the file: Invalid JSON: EOF"):
            run.read(name)


def test_of_a_run_that_is_not_finished_the_dataset_is_told_where_it_has_the_same_name(run, tmp_path):
    run.path("manifest.json").unlink()
    run.path("model.json").write_text("{")
    with pytest.raises(DataError, match=r"make report RUN=sample DATASET=name$"):
        run.read("model.json")
    (tmp_path / "data" / "sample").mkdir(parents=True)
    (tmp_path / "data" / "sample" / "dataset.yaml").touch()
    with pytest.raises(DataError, match=r"make report RUN=sample DATASET=sample$"):
        run.read("model.json")


def test_of_a_table_that_nobody_has_described_the_remedy_asks_for_the_data(run):
    _damage(run, "manifest.json", _change("parameters", "dataset", to="assumed"))
    run.path("model.json").write_text("{")
    with pytest.raises(DataError, match=r"make report RUN=sample DATA=path$"):
        run.read("model.json")


def test_a_command_that_is_told_works_when_it_is_typed_whatever_the_names():
    words = ["make", "report", "RUN=ours, May's", "DATASET=my shop"]
    assert shlex.split(remake_command("ours, May's", "my shop")) == words


def test_the_fingerprint_of_nothing_is_neither_written_nor_read(run):
    """By it two months of one database would be one table, whose ids need no guard."""
    cleaning = json.loads(run.path("cleaning.json").read_text())
    cleaning["fingerprint"] = hashlib.sha256(b"").hexdigest()
    with pytest.raises(ValidationError, match="the fingerprint is that of no table"):
        run.write("cleaning.json", cleaning)
    run.path("cleaning.json").write_text(json.dumps(cleaning))
    with pytest.raises(DataError, match="the fingerprint is that of no table"):
        run.read("cleaning.json")


def test_what_could_not_be_read_back_is_not_written(run):
    before = run.path("profiles.json").read_bytes()
    content = json.loads(before)
    content["segments"][0]["share"] = math.inf
    with pytest.raises(ValueError, match=r"segments\.0\.share"):
        run.write("profiles.json", content)
    assert run.path("profiles.json").read_bytes() == before


def _places(content, place=()):
    """Yield where each value of a JSON document stands."""
    inside = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in inside:
        yield (*place, key)
        yield from _places(value, (*place, key))


def _complaint(run: Run, name: str) -> str:
    """Return what reading an artifact complains of; nothing when it is read as it stands."""
    try:
        found = run.read(name).content()
    except DataError as fault:
        return str(fault)
    assert found == json.loads(run.path(name).read_text())
    return ""


@TYPED
@given(data=st.data())
def test_whatever_is_changed_is_read_as_it_stands_or_told(run, data):
    name = data.draw(st.sampled_from(sorted(KINDS)))
    whole = run.path(name).read_text()
    place = data.draw(st.sampled_from(sorted(_places(json.loads(whole)), key=str)))
    value = data.draw(st.sampled_from([None, True, -1, 0.5, 10**400, "", "7", [], {}, [[1]], {"a": None}, math.nan]))
    _damage(run, name, _change(*place, to=value, without=data.draw(st.booleans())))
    try:
        told = _complaint(run, name)
    finally:
        run.path(name).write_text(whole)
    assert re.fullmatch(rf"(assets/sample/{name} is damaged.*; make the run again: make report RUN=sample .*)?", told)


def test_names_are_told_by_number(run):
    profiles = run.read("profiles.json")
    assert isinstance(profiles, Profiles)
    assert profiles.names[1] == "Standard customers"
    assert list(profiles.names) == [1, 2, 3, 4, 5]
