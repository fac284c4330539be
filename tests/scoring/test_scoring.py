"""Scoring new customers with the stored model."""

import io
import json
import math
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import duckdb
import ibis
import numpy as np
import pandas as pd
import psycopg
import pytest

from segmentation.core import files
from segmentation.core.dataset import Dataset
from segmentation.core.errors import UsageError
from segmentation.core.files import read_json, write_json
from segmentation.runs.artifacts import Model
from segmentation.runs.records import Placement, Profile
from segmentation.runs.run import Run
from segmentation.scoring import place as scoring
from segmentation.scoring import tell
from segmentation.scoring.drift import SHIFTED, Drift, Shift, describe_drift, stability_index
from segmentation.scoring.place import require_free
from segmentation.segments.assign import name_of
from segmentation.segments.model import bin_feature
from segmentation.tables.sources import locate
from tests.conftest import completed, customers_of

HEADER = "CustomerID,Gender,Age,Annual Income (k$),Spending Score (1-100)\n"


@pytest.fixture
def score(mall, tmp_path):
    """Score a table, given as text, with the model of the Mall run."""

    def run(text: str):
        new, out = tmp_path / "new.csv", tmp_path / "scored.csv"
        new.write_text(text, encoding="utf-8")
        return mall.call("score", "--dataset", "mall", "--new", str(new), "--out", str(out)), out

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
    assert list(scored) == ["id", "segment", "name", "action", "distance", "margin", "outside"]
    expected = pd.read_csv(mall.artifact("mall", "segments.csv"), dtype={"id": str})
    pd.testing.assert_frame_equal(scored.drop(columns=["action", "outside"]), expected)
    told = scored.groupby("segment")["action"].agg(lambda actions: actions.dropna().unique().tolist())
    segments = read_json(mall.artifact("mall", "profiles.json"))["segments"]
    assert told.to_dict() == {own["segment"]: [own["action"]] for own in segments}
    assert not scored["outside"].any()
    drift = read_json(out.with_name("scored-drift.json"))
    assert [part["index"] for part in (*drift["features"].values(), drift["segments"])] == [0, 0, 0]
    assert "Refresh" not in done.stdout
    assert scored.groupby("name").size().to_dict()["Target customers"] == 39


@pytest.mark.parametrize(("verdict", "told"), [("natural", [None, "Call"]), ("none", [None, None])])
def test_no_action_is_told_where_none_is_given_or_nothing_divides_the_customers(verdict, told):
    segments = [Profile.model_construct(segment=s, action=a) for s, a in ((1, None), (2, "Call"))]
    found = {"k_selection.json": SimpleNamespace(verdict=verdict), "profiles.json": SimpleNamespace(segments=segments)}
    table = ibis.memtable({"segment": [1, 2]})
    actions = table.select(action=name_of(table, scoring._actions(SimpleNamespace(read=found.get))))
    assert [row["action"] for row in actions.to_pyarrow().to_pylist()] == told


def test_a_rich_big_spender_is_a_target_customer(score):
    done, out = score("id,income,spending\n0007,90,90\n")
    assert done.returncode == 0, done.stderr
    assert ": one customer scored with the model of run mall" in done.stdout
    assert out.read_text().splitlines()[1].startswith("0007,2,Target customers,")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("id,income\n1,90\n", ["new.csv", "'spending' is missing"]),
        ("id,income,spending,shoe\n1,90,90,44\n", ["new.csv", "shoe", "role: ignore"]),
        ("id,income,spending\n2,much,90\n", ["line 2, column income", "'much'", "expected a number"]),
        ("id,income,spending\n1,,90\n", ["line 2, column income", "found nothing"]),
        ("id,income,spending\n1,inf,90\n", ["line 2, column income", "'inf'"]),
        ("id,income,spending\n1,90\n", ["line 2", "found '2', expected 3 cells"]),
        ("id,income,spending\n1,-1,90\n", ["line 2, column income", "'-1'", "at least 0"]),
        ("id,income,spending\n1,90 $,90\n", ["column 'income' say '$'", "dataset.yaml says 'k$'"]),
        ("id,Annual Income ($),spending\n1,90,90\n", ["column 'Annual Income ($)' is in $", "dataset.yaml says k$"]),
        ("id;income;spending\n1;7.100;90\n", ["which mark is the decimal one"]),
        ("id,income,spending\n1,1,101\n", ["line 2, column spending", "expected at most 100"]),
        ("id,income,spending\n1,1_0,9\n2,4_5,９\n", ["'1_0'", "'4_5'"]),
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


def test_rows_that_cannot_be_scored_are_listed_and_the_others_scored(score):
    done, out = score("id,income,spending\n1,90,90\n2,much,90\n3,,40\n4,300,40\n")
    assert done.returncode == 0, done.stderr
    scored = pd.read_csv(out, dtype={"id": str}).set_index("id")
    assert scored["outside"].to_dict() == {"1": False, "4": True}
    refused = pd.read_csv(out.with_name("scored-refused.csv"), keep_default_na=False)
    assert refused.to_dict("records") == [
        {"file": "new.csv", "line": 3, "column": "income", "value": "much", "rule": "a number"},
        {"file": "new.csv", "line": 4, "column": "income", "value": "", "rule": "present"},
    ]
    assert "two customers scored" in done.stdout
    assert "two rows refused" in done.stdout
    assert "Outside the range of the training data: one customer of 2" in done.stdout


@pytest.mark.parametrize("shift", [0, 40])
def test_a_shifted_table_asks_for_a_refresh(mall, mall_table, tmp_path, shift):
    drawn = pd.read_csv(mall_table).sample(2_000, replace=True, random_state=1).assign(CustomerID=range(2_000))
    drawn["Annual Income (k$)"] += shift
    drawn.to_excel(tmp_path / "april.xlsx", index=False)
    words = ["--new", str(tmp_path / "april.xlsx"), "--out", str(tmp_path / "april.csv")]
    done = mall.call("score", "--run", "mall", *words)
    assert done.returncode == 0, done.stderr
    asked = "Refresh the segmentation: Annual income and the shares of the segments differ from the training data"
    assert (asked in done.stdout) == (shift > 0)


def test_the_index_of_a_known_answer():
    found = stability_index([0.5, 0.5], 10**9, [25 * 10**7, 75 * 10**7])
    assert found.index == pytest.approx(0.25 * math.log(0.75 / 0.25), rel=1e-6)
    assert found == Shift(index=found.index, limit=SHIFTED, shifted=True)


def _drift(then: list[float], now: list[float]) -> Shift:
    """Return the drift of one feature, whose customers are all in one segment."""
    customers = customers_of(pd.DataFrame({"x": then}, dtype=float))
    limits = customers.limits(["x"]).loc["x", ["low", "high"]].astype(float).to_dict()
    scaled = {"name": "x", "power": 1, "centre": 0, "spread": 1}
    model = completed(Placement(features=[scaled], centroids=[[0]])).content()
    model["features"][0] |= limits | bin_feature(customers, "x")
    model = Model.model_validate(model | {"customers": len(then), "sizes": [len(then)]})
    rows = pd.DataFrame({"x": now}, dtype=float).assign(segment=1, outside=False)
    return describe_drift(ibis.memtable(rows), model, {1: "All"}).features["x"]


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ([0, 1] * 1000, [1] * 1900 + [0] * 100),
        ([0] * 1900 + list(range(1, 101)), [0] * 200 + list(range(1, 101)) * 18),
        ([*range(100)] * 10 + [100] * 1000, [99] * 900 + [100] * 100 + [*range(100)] * 10),
        ([-1] * 20 + [0] * 1900 + list(range(1, 81)), [-1] * 20 + [0] * 190 + list(range(1, 81)) * 20),
        ([1, 2, 3] * 600, [3] * 1800),
        ([*range(1000)], [*range(900)] + [5000] * 100),
        ([7] * 200, [8] * 200),
    ],
    ids=["yes or no", "zeros", "at the top", "in the middle", "ranks", "beyond the range", "a constant"],
)
def test_a_drift_of_equal_values_and_beyond_the_range_is_seen(then, now):
    assert _drift(then, now).shifted
    assert _drift(then, then).index == 0


@pytest.mark.parametrize("draw", ["normal", "zeros"])
def test_chance_alone_seldom_moves_a_feature(draw):
    rng = np.random.default_rng(4)
    draws = {"normal": lambda n: rng.normal(size=n), "zeros": lambda n: np.maximum(rng.normal(size=n), 0)}
    moved = [_drift(draws[draw](100), draws[draw](100)).shifted for _ in range(100)]
    assert sum(moved) <= 5


def test_no_bin_of_a_private_table_holds_fewer_than_ten():
    customers = customers_of(pd.DataFrame({"x": [3.0] * 3 + [4.0] * 100 + [5.0] * 97}))
    assert bin_feature(customers, "x", fewest=10) == {"bounds": [5.0], "shares": [0.515, 0.485]}


def test_chance_alone_seldom_asks_for_a_refresh():
    rng, shares = np.random.default_rng(2), [0.1] * 10
    drawn = [stability_index(shares, 10**7, rng.multinomial(60, shares).tolist()).shifted for _ in range(1_000)]
    assert sum(drawn) <= 20


def test_a_large_table_is_scored_as_a_small_one(mall, tmp_path):
    rng, rows = np.random.default_rng(3), 210_000
    table = pd.DataFrame(
        {"id": range(rows), "income": rng.normal(60, 30, rows), "spending": rng.integers(-2, 101, rows)}
    )
    table.to_parquet(tmp_path / "large.parquet")
    table[:1_000].to_csv(tmp_path / "small.csv", index=False)
    for new, out in (("large.parquet", "large.parquet"), ("small.csv", "small.csv")):
        done = mall.call("score", "--run", "mall", "--new", str(tmp_path / new), "--out", f"{tmp_path}/out-{out}")
        assert done.returncode == 0, done.stderr
    large, small = pd.read_parquet(tmp_path / "out-large.parquet"), pd.read_csv(tmp_path / "out-small.csv")
    refused = [pd.read_csv(tmp_path / f"out-{name}-refused.csv") for name in ("large", "small")]
    assert len(large) + len(refused[0]) == rows
    pd.testing.assert_frame_equal(large[: len(small)], small, check_dtype=False)
    columns = ["column", "rule"]
    pd.testing.assert_frame_equal(refused[0].loc[: len(refused[1]) - 1, columns], refused[1][columns])


def test_a_table_of_a_database_is_scored(mall, mall_table, tmp_path, postgres):
    table = pd.read_csv(mall_table)[:50]
    with duckdb.connect(tmp_path / "shop.duckdb") as connection:
        connection.register("fifty", table)
        connection.execute("create table customers as from fifty")
    with psycopg.connect(postgres) as connection:
        connection.execute('create table if not exists scored ("CustomerID" int, income float, spending float)')
        for row in table.iloc[:, [0, 3, 4]].to_numpy().tolist():
            connection.execute("insert into scored values (%s, %s, %s)", row)
    for place in (f"{tmp_path / 'shop.duckdb'}#customers", f"{postgres}#scored"):
        done = mall.call("score", "--run", "mall", "--new", place, "--out", str(tmp_path / "out.csv"))
        assert done.returncode == 0, done.stderr
        expected = pd.read_csv(mall.artifact("mall", "segments.csv"))[:50]
        assert pd.read_csv(tmp_path / "out.csv")["segment"].tolist() == expected["segment"].tolist()


def test_another_ending_is_refused_before_anything_is_read(mall, tmp_path):
    done = mall.call("score", "--run", "mall", "--new", "nowhere.csv", "--out", str(tmp_path / "out.xlsx"))
    assert done.returncode == 2
    assert "expected .csv or .parquet" in done.stderr


@pytest.mark.parametrize("out", ["new.csv", "link.csv", "assets/mall/segments.csv", "data/mall/new.csv"])
def test_nothing_that_is_read_is_written_over(mall, tmp_path, out):
    new = tmp_path / "new.csv"
    new.write_text("id,income,spending\n1,90,90\n")
    (tmp_path / "link.csv").symlink_to(new)
    place = tmp_path / out if "/" not in out else mall.root / out
    before = place.read_bytes() if place.exists() else None
    done = mall.call("score", "--run", "mall", "--new", str(new), "--out", str(place))
    assert done.returncode == 2
    assert "choose another" in done.stderr
    assert (place.read_bytes() if place.exists() else None) == before


@pytest.fixture
def shelves(tmp_path, monkeypatch):
    """A project with run april of april.csv, run may of two files by a pattern, and the new table, under many names."""
    root, kept = tmp_path / "project", tmp_path / "kept"
    monkeypatch.setattr(files, "ROOT", root)
    monkeypatch.chdir(tmp_path)
    for place in ("project/data/shop", "project/elsewhere", "project/assets/may", "kept"):
        (tmp_path / place).mkdir(parents=True)
    (root / "assets" / "april").symlink_to(root / "elsewhere")
    for run, data in (("april", str(kept / "april.csv")), ("may", str(kept / "may-*.csv"))):
        write_json(
            root / "assets" / run / ".made.json", {"parameters": {"dataset": "shop", "data": data}, "set_by": {}}
        )
    for place in ("data/shop/shop.csv", "assets/april/profiles.csv", "assets/april/mine.csv"):
        (root / place).write_text("a\n")
    for name in ("april.csv", "may-1.csv", "may-2.csv", "new.csv"):
        (kept / name).write_text("a\n")
        (tmp_path / f"link-{name}").symlink_to(kept / name)
        (tmp_path / f"hard-{name}").hardlink_to(kept / name)
    (tmp_path / "hard-shop.csv").hardlink_to(root / "data" / "shop" / "shop.csv")
    (root / "assets" / "may" / "lists").mkdir()
    (root / "assets" / "april" / "lists").mkdir()
    (root / "assets" / "may" / "lists" / "Old.csv").write_text("a\n")
    (tmp_path / "hard-list.csv").hardlink_to(root / "assets" / "may" / "lists" / "Old.csv")
    (tmp_path / "folder").symlink_to(kept)
    return locate("NEW", "kept/new.csv")


@pytest.mark.parametrize(
    "out",
    [
        *("kept/new.csv", "link-new.csv", "hard-new.csv", "folder/new.csv", "kept/../folder/./new.csv"),
        *("kept/april.csv", "link-april.csv", "hard-april.csv", "folder/april.csv", "kept/may-1.csv", "link-may-2.csv"),
        *("kept/may-3.csv", "folder/may-3.csv"),
        *(
            "project/assets/april/profiles.csv",
            "project/elsewhere/segments.csv",
            "project/assets/may/customers.parquet",
        ),
        *("project/data/shop/other.csv", "hard-shop.csv", "project/data/new.csv"),
        *("project/assets/april/lists/Old.csv", "project/elsewhere/lists/new.csv", "hard-list.csv"),
    ],
)
def test_no_input_of_a_run_is_written_over_by_whatever_name_it_is_called(shelves, out):
    with pytest.raises(UsageError, match=r"would write .*; choose another name"):
        require_free(Path(out), shelves)


def test_what_is_nobody_else_s_is_written(shelves):
    for out in ("out.csv", "kept/june.csv", "kept/june.parquet", "project/assets/april/mine.csv", "project/out.csv"):
        require_free(Path(out), shelves)
    with pytest.raises(UsageError, match="read as NEW"):
        require_free(Path("kept/n.csv"), locate("NEW", "kept/n*.csv"))


def test_what_is_written_beside_does_not_overwrite_the_new_table(mall, tmp_path):
    new = tmp_path / "out-refused.csv"
    new.write_text("id,income,spending\n1,90,90\n")
    done = mall.call("score", "--run", "mall", "--new", str(new), "--out", str(tmp_path / "out.csv"))
    assert (done.returncode, new.read_text()) == (2, "id,income,spending\n1,90,90\n")
    assert "would write out-refused.csv" in done.stderr


def test_an_id_that_stands_twice_is_scored_once_or_refused(score):
    done, out = score("id,income,spending\n1,90,90\n2,20,20\n1,90,90\n3,15,80\n3,80,15\n")
    assert done.returncode == 0, done.stderr
    assert pd.read_csv(out)["id"].tolist() == [1, 2]
    refused = pd.read_csv(out.with_name("scored-refused.csv"))
    assert refused[["line", "rule"]].to_numpy().tolist() == [
        [4, "one row an id, this is an identical copy"],
        [5, "one row an id, this one's rows differ"],
        [6, "one row an id, this one's rows differ"],
    ]


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
    done = mall.call("score", "--run", "mall", "--dataset", "sample", *words)
    assert done.returncode == 2
    assert "was made from dataset 'mall'" in done.stderr


def test_a_foreign_type_is_refused_even_when_the_manifest_was_changed_too(mall, model):
    import skops.io

    from segmentation.core.files import read_json, sha256, write_json

    model.write_bytes(skops.io.dumps({"trap": print, "counter": __import__("collections").Counter}))
    manifest_path = mall.artifact("mall", "manifest.json")
    original = manifest_path.read_bytes()
    manifest = read_json(manifest_path)
    manifest["outputs"]["assets/mall/model.skops"] = sha256(model)
    write_json(manifest_path, manifest)
    code = "from segmentation.segments.model import load_model; from segmentation.runs.run import open_run; "
    code += "load_model(open_run('mall', 'mall'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=mall.root, capture_output=True, text=True)
    manifest_path.write_bytes(original)
    assert "DataError: assets/mall/model.skops holds types that are not trusted" in done.stderr


def test_a_run_that_was_never_made(mall, mall_table, tmp_path):
    done = mall.call("score", "--run", "april", "--new", str(mall_table), "--out", str(tmp_path / "o.csv"))
    assert done.returncode == 2
    assert "Known: mall. To make it: make report RUN=april DATASET=name" in done.stderr
    done = mall.call("score", "--run", "mal", "--new", str(mall_table), "--out", str(tmp_path / "o.csv"))
    assert "did you mean 'mall'?" in done.stderr


def test_a_new_table_that_is_not_there(mall, tmp_path):
    done = mall.call("score", "--dataset", "mall", "--new", "nowhere.csv", "--out", str(tmp_path / "o.csv"))
    assert done.returncode == 2
    assert "nowhere.csv" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_limit_that_chance_gives_is_told_of_the_features_and_of_the_segments():
    shifts = [Shift(index=0.5, limit=limit, shifted=False) for limit in (3.66, 3.66, 1.96)]
    drift = Drift(
        customers=7, outside=0, features=dict(zip("ab", shifts[:2], strict=True)), segments=shifts[2], shares=()
    )
    told = tell.drift(drift, {"a": "A", "b": "B"})[1]
    assert told.endswith("A 0.50, B 0.50, segments 0.50 (of so few customers chance gives up to 3.66, 3.66 and 1.96)")
    alike = drift.model_copy(update={"segments": shifts[0]})
    assert tell.drift(alike, {"a": "A", "b": "B"})[1].endswith(" chance gives up to 3.66)")


@pytest.mark.parametrize(("described", "day"), [("assumed", "2024-08-01"), ("shop", "")])
def test_a_later_month_is_counted_to_its_own_day_where_nobody_named_one(monkeypatch, described, day):
    """Counted to the day of the run, its newest customers would be refused, and the others stand for all."""
    column = {"role": "feature", "type": "date", "date_format": "yyyy-mm-dd"}
    dataset = Dataset(title="T", as_of="2024-07-01", columns={"last_order": column})
    monkeypatch.setattr(scoring, "read_manifest", lambda run: SimpleNamespace(dataset=described))
    raw = ibis.memtable({"last_order": ["2024-05-09", "2024-07-31", ""]})
    assert scoring._its_day(Run("month", dataset), raw, ["last_order"])[0] == day
