"""The CSVs for readers: their columns, and that a spreadsheet of their language opens them."""

import random
from unittest import mock

import ibis
import pandas as pd
import pytest

from segmentation.core.dataset import Dataset
from segmentation.core.files import as_csv, read_json, write_csv
from segmentation.language import message, telling_in
from segmentation.runs.records import Profile
from segmentation.segments.profiles import headed
from segmentation.tables.read import read_rows
from segmentation.tables.sources import locate

TABLE = pd.DataFrame(
    {"id": ["1", "=2"], "name": ["Weiß; nicht", "Café"], "distance": [0.25, -1.5], "far": [True, False]}
)
IN_GERMAN = {
    ("head", "segment"): "Segment",
    ("head", "share"): "Anteil",
    "{column}, from": "{column}, von",
    "{column}, to": "{column}, bis",
}
POINTS = "id,name,distance,far\n1,Weiß; nicht,0.25,True\n'=2,Café,-1.5,False\n"
COMMAS = 'id;name;distance;far\n1;"Weiß; nicht";0,25;True\n\'=2;Café;-1,5;False\n'


@pytest.mark.parametrize(("comma", "text"), [(False, POINTS), (True, COMMAS)])
def test_a_list_of_any_size_opens_in_the_spreadsheet_that_the_table_came_from(tmp_path, comma, text):
    write_csv(tmp_path / "small.csv", TABLE, comma=comma)
    write_csv(tmp_path / "large.csv", ibis.memtable(TABLE), comma=comma)
    assert (tmp_path / "small.csv").read_text(encoding="utf-8") == f"\ufeff{text}"
    assert (tmp_path / "large.csv").read_bytes() == (tmp_path / "small.csv").read_bytes()
    headers, rows, _ = read_rows(locate("DATA", str(tmp_path / "large.csv")))
    assert (headers, rows[0][2][:2]) == (["id", "name", "distance", "far"], ["1", "Weiß; nicht"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["large.csv", "small.csv"]
    assert as_csv(TABLE.assign(name="plain")).isascii()


def test_spark_parts_cells_as_duckdb_does(tmp_path, monkeypatch):
    class Elsewhere:
        name = "pyspark"

    told = {}
    table = ibis.memtable(TABLE[["id", "distance"]])
    monkeypatch.setattr(type(table), "get_backend", lambda self: Elsewhere)
    monkeypatch.setattr(type(table), "to_csv", lambda self, path, **how: (told.update(how), path.write_text("id\n")))
    write_csv(tmp_path / "list.csv", table, comma=True)
    assert told["write_options"].delimiter == ";"


def test_headings_of_profiles_are_what_a_reader_calls_the_columns_and_differ():
    columns = {
        "share": {"role": "feature", "label": "Share"},
        "spend": {"role": "feature", "label": "Spend", "unit": "€"},
        "spend_index": {"role": "descriptor", "label": "Spend, index"},
        "name_of": {"role": "descriptor", "type": "category", "label": "Name"},
    }
    profile = Profile(
        segment=1,
        size=3,
        share=0.5,
        share_interval=(0.4, 0.6),
        centre={"share": 1.0, "spend": 2.0},
        centre_interval={"share": (0.5, 1.5), "spend": (1.5, 2.5)},
        levels={"share": "high", "spend": "low"},
        mean={"spend": 3.0},
        index={"share": 110.0, "spend": None},
        descriptors={"spend_index": {"mean": 4.0, "median": 5.0}, "name_of": {"Öl": 1.0}},
        level_name="High share",
        name="One",
        action=None,
    )
    found = headed([profile], Dataset(title="T", columns=columns))
    told = mock.patch.object(message, "catalogue", lambda language: IN_GERMAN if language == "de" else {})
    with told, telling_in("de"):
        german = headed([profile], Dataset(title="T", columns=columns))  # as the workbook shows it
    assert list(german)[:6] == ["Segment", "name", "size", "Anteil", "Anteil, von", "Anteil, bis"]
    assert list(german.attrs["of"].values()) == list(found.attrs["of"].values())
    assert list(found) == [
        *("segment", "name", "size", "share", "share, from", "share, to"),
        *("Share (share)", "Share, from (share)", "Share, to (share)"),
        *("Spend (€)", "Spend (€), from", "Spend (€), to", "Spend (€), mean", "Share, index", "Spend, index"),
        *("Spend, index, mean", "Spend, index, median", "Name: Öl", "levels", "action"),
    ]
    other = profile.model_copy(update={"segment": 2, "descriptors": {"spend_index": {}, "name_of": {"Gas": 1.0}}})
    both = list(headed([profile, other], Dataset(title="T", columns=columns)))
    assert both[-4:] == ["Name: Öl", "Name: Gas", "levels", "action"]
    assert found.loc[0, ["Share (share)", "Spend (€)", "Spend, index, median"]].tolist() == [1.0, 2.0, 5.0]


def test_the_lists_of_a_german_table_are_german_and_agree(fresh, tmp_path):
    rng = random.Random(7)
    shops = [(spend, visits) for spend in (20, 90) for visits in (10, 40) for _ in range(20)]
    rows = [f"ä{i};{x + rng.gauss(0, 4):.2f};{y + rng.gauss(0, 2):.1f}" for i, (x, y) in enumerate(shops)]
    table = tmp_path / "kunden.csv"
    table.write_bytes("\n".join(["Kunde_id;Umsatz (€);Besuche", *rows]).replace(".", ",").encode())
    done = fresh.call("report", "--data", str(table), "--resamples", "10", drawn=False)
    assert done.returncode == 0, done.stderr
    done = fresh.call("score", "--run", "kunden", "--new", str(table), "--out", str(tmp_path / "scored.csv"))
    assert done.returncode == 0, done.stderr
    places = {name: fresh.artifact("kunden", f"{name}.csv") for name in ("segments", "profiles")}
    places["scored"] = tmp_path / "scored.csv"
    found = {name: pd.read_csv(place, sep=";", decimal=",") for name, place in places.items()}
    assert all(place.read_bytes().startswith(b"\xef\xbb\xbf") for place in places.values())
    first = ["id", "segment", "name", "distance", "margin"]
    scored = ["id", "segment", "name", "action", "distance", "margin", "outside"]
    assert (list(found["segments"]), list(found["scored"])) == (first, scored)
    assert list(found["profiles"])[:4] == ["segment", "name", "size", "share"]
    assert "Umsatz (€)" in found["profiles"]
    names = {own["segment"]: own["name"] for own in read_json(fresh.artifact("kunden", "profiles.json"))["segments"]}
    assert (found["segments"]["name"] == found["segments"]["segment"].map(names)).all()
    both = found["segments"].set_index("id").loc[found["scored"]["id"]].reset_index()
    pd.testing.assert_frame_equal(both, found["scored"][first])


def test_no_heading_is_a_formula():
    assert as_csv(pd.DataFrame({"=1+1": ["a"], "@x: y": [1.5]})) == "'=1+1,'@x: y\na,1.5\n"
