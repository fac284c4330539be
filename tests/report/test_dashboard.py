"""The dashboard: by Streamlit's own test of apps, and as a reader meets it in a real Chromium."""

import asyncio
import base64
import csv
import html
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from http.client import HTTPConnection
from itertools import islice, pairwise
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from playwright.sync_api import TimeoutError, expect
from starlette.responses import StreamingResponse
from streamlit.testing.v1 import AppTest

from segmentation.core import files
from segmentation.core.dataset import Dataset
from segmentation.core.engine import ENGINE, held, scratch
from segmentation.core.errors import DataError, UsageError
from segmentation.core.files import as_csv, read_json, sha256, write_csv, write_json, write_parquet
from segmentation.customers.counts import values_as_rows
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import rounded_limits
from segmentation.report import serve
from segmentation.report.dashboard import MOST_MARKS, SegmentedCustomers, tell_shown
from segmentation.report.listing import ROWS_A_PART, asked, listed, offer
from segmentation.report.serve import RUN, options, score_customer
from segmentation.report.upload import UPLOAD_LIMITS, UPLOADS, score_upload
from segmentation.runs.manifest import open_finished
from segmentation.runs.run import Run
from tests.browser import LOOKS, RULES, open_page, settle, violations
from tests.conftest import Project, customers_of, free_port

SLOW = 30_000  # milliseconds until the first picture, on a machine that is busy
RULES_OF_STREAMLIT = RULES[:-1]  # "best-practice" is about how the page around is built, which is not ours


def _enter(project: Project, patch: pytest.MonkeyPatch, run: str) -> None:
    """Let this process work in a copy of the project."""
    patch.setattr(files, "ROOT", project.root)
    patch.setenv(RUN, run)


@pytest.fixture
def in_mall(mall, monkeypatch) -> Project:
    _enter(mall, monkeypatch, "mall")
    return mall


@pytest.fixture
def in_shop(shop, monkeypatch) -> Project:
    _enter(shop, monkeypatch, "shop")
    return shop


def _open_app(project: Project) -> AppTest:
    app = AppTest.from_file(project.root / "report" / "dashboard.py", default_timeout=60).run()
    assert not app.exception
    return app


def _shown(app: AppTest) -> str:
    """Return all of the text that is ours."""
    return "\n".join(element.proto.body for element in app.get("html"))


def _charts(app: AppTest) -> list[list[dict]]:
    """Return the traces of each figure."""
    return [json.loads(chart.proto.spec)["data"] for chart in app.get("plotly_chart")]


def _numbers(encoded) -> list[float]:
    """Return the numbers of a trace, which Plotly packs."""
    if isinstance(encoded, dict):
        return np.frombuffer(base64.b64decode(encoded["bdata"]), encoded["dtype"]).tolist()
    return list(encoded)


def _segmented(project: Project, run: str) -> pd.DataFrame:
    parts = [pd.read_parquet(project.artifact(run, f"{name}.parquet")) for name in ("customers", "segments")]
    return parts[0].merge(parts[1], on="id")


def test_filters_move_the_counts_and_every_picture(in_mall):
    app, table = _open_app(in_mall), _segmented(in_mall, "mall")
    assert "200 of 200 customers shown" in _shown(app)
    app.multiselect(key="filter:0:mall:segment").set_value([1, 2, 4])
    app.multiselect(key="filter:0:mall:gender").set_value(["Female"])
    app.select_slider(key="filter:0:mall:age").set_value((30.0, 60.0)).run()
    left = table[table["segment"].isin([1, 2, 4]) & (table["gender"] == "Female") & table["age"].between(30, 60)]
    counts = left["segment"].value_counts().sort_index()
    assert f"{len(left)} of 200 customers shown: Standard customers {counts[1]}; Target customers " in _shown(app)
    long = [float(end) for end in re.findall(r"--long: ([\d.]+)%", _shown(app))]
    assert long == pytest.approx([100 * counts.get(segment, 0) / counts.max() for segment in range(1, 6)], abs=0.06)
    bars = [int(n) for n in re.findall(r": <b>(\d+) \(", _shown(app))]
    assert bars == [counts.get(segment, 0) for segment in range(1, 6)]
    scatter, _ = _charts(app)
    drawn = [sorted(_numbers(trace["x"])) for trace in scatter]
    assert drawn == [sorted(left.loc[left["segment"] == segment, "income"]) for segment in range(1, 6)]
    next(button for button in app.button if button.label == "Show all").click().run()
    assert "200 of 200 customers shown" in _shown(app)


def test_nothing_is_shown_when_nothing_passes(in_mall):
    app = _open_app(in_mall)
    app.multiselect(key="filter:0:mall:segment").set_value([4])
    app.select_slider(key="filter:0:mall:income").set_value((100.0, 137.0)).run()
    assert not app.exception
    assert "0 of 200 customers shown." in _shown(app)


def test_every_pair_and_three_of_the_numbers_can_be_drawn(in_mall):
    app, table = _open_app(in_mall), _segmented(in_mall, "mall")
    assert app.selectbox(key="axis:mall:Up").options == ["Spending score (points)", "Age (years)"]
    app.selectbox(key="axis:mall:Across").set_value("spending").run()
    assert app.selectbox(key="axis:mall:Up").value == "income"
    app.selectbox(key="axis:mall:Up").set_value("age").run()
    first = _charts(app)[0][0]
    assert sorted(_numbers(first["y"])) == sorted(table.loc[table["segment"] == 1, "age"])
    app.toggle[0].set_value(True).run()
    assert app.selectbox(key="axis:mall:Deep").value == "income"
    solid = _charts(app)[0]
    assert {trace["type"] for trace in solid} == {"scatter3d"}
    on_cards = re.findall(r'<h3><span class="glyph" aria-hidden="true">(.)</span>', _shown(app))
    assert [set(trace["text"]) for trace in solid] == [{shape} for shape in on_cards]
    assert [trace["textfont"]["color"] for trace in solid] == re.findall(
        r'<li style="--mark: (#\w{6})">\s*<h3', _shown(app)
    )


def test_tooltips_say_all_but_the_id(in_mall):
    told = [text for trace in _charts(_open_app(in_mall))[0] for text in trace["hovertext"]]
    assert len(told) == 200
    pattern = r"[A-Z][a-z ]+<br>Age \d+ years<br>Annual income \d+ k\$<br>Spending score \d+ points<br>Gender \w+"
    assert all(re.fullmatch(pattern, text) for text in told)


def test_the_form_gives_the_segment_of_the_run(in_mall):
    app, table = _open_app(in_mall), _segmented(in_mall, "mall")
    names = {p["segment"]: p["name"] for p in read_json(in_mall.artifact("mall", "profiles.json"))["segments"]}
    ask = next(button for button in app.button if button.label == "Find the segment")
    ask.click().run()
    assert "Fill in every field." in _shown(app)
    for customer in table.groupby("segment").head(1).itertuples():
        app.number_input(key="ask:mall:income").set_value(customer.income)
        app.number_input(key="ask:mall:spending").set_value(customer.spending)
        next(button for button in app.button if button.label == "Find the segment").click().run()
        assert f"</span> {names[customer.segment]} <small>segment {customer.segment}</small>" in _shown(app)
        assert f"Distance {customer.distance:.3f}, margin {customer.margin:.3f}, in " in _shown(app)
        assert re.search(r"<b>How sure\?</b> (Clearly|Fairly|Hardly): ", _shown(app))
        assert "Careful:" not in _shown(app)
    assert score_customer(open_finished("mall", None), {"income": 500, "spending": 90})["outside"]


@pytest.fixture
def april(mall) -> Path:
    """The artifacts of another run on the Mall table, with a dataset.yaml of its own, for a test to change."""
    folder, described = mall.root / "assets" / "april", mall.root / "data" / "april"
    shutil.copytree(mall.root / "assets" / "mall", folder)
    shutil.copytree(mall.root / "data" / "mall", described)
    _accept(folder)
    yield folder
    shutil.rmtree(folder)
    shutil.rmtree(described)


@pytest.fixture
def in_april(in_mall, april, monkeypatch) -> Project:
    monkeypatch.setenv(RUN, "april")
    return in_mall


def _accept(folder: Path) -> None:
    """Let the manifest of a run say what its artifacts are now."""
    outputs = {f"assets/{folder.name}/{path.name}": sha256(path) for path in folder.glob("*.*")}
    found = read_json(folder / "manifest.json")
    parameters = found["parameters"] | {"dataset": folder.name}
    write_json(folder / "manifest.json", found | {"outputs": outputs, "parameters": parameters})


def _rewrite(path: Path, change) -> None:
    """Change the content of a JSON artifact, and accept it."""
    content = read_json(path)
    change(content)
    write_json(path, content)
    _accept(path.parent)


def _replace_customers(folder: Path, table: pd.DataFrame) -> None:
    """Let a run have other customers in the same segments, and accept them."""
    assigned = pd.read_parquet(folder / "segmented.parquet")[["segment", "distance", "margin"]]
    table.to_parquet(folder / "customers.parquet", index=False)
    assigned = assigned.loc[np.arange(len(table)) % len(assigned)].set_index(table.index)
    table.join(assigned).to_parquet(folder / "segmented.parquet", index=False)
    values_as_rows(customers_of(table).values()).to_parquet(folder / "values.parquet", index=False)
    _accept(folder)


def _rename_first(profiles: dict) -> None:
    profiles["segments"][0]["name"] = "Spring customers"


def test_the_run_is_chosen_in_the_sidebar(in_mall, april):
    _rewrite(april / "profiles.json", _rename_first)
    app = _open_app(in_mall)
    assert app.sidebar.selectbox[0].options == ["april", "mall"]
    assert "Spring customers" not in _shown(app)
    app.sidebar.selectbox[0].set_value("april").run()
    assert not app.exception
    assert "Spring customers" in _shown(app)
    (april / "profiles.json").unlink()
    app.run()
    assert "assets/april/profiles.json is not the file that the run wrote" in _shown(app)


def test_a_filter_keeps_what_its_labels_say(in_april, april):
    table = pd.read_parquet(april / "customers.parquet")
    steps = np.arange(len(table)) % 81 / 20
    none = ["not known", "Female", "Male", None] * (len(table) // 4)
    table = table.assign(age=np.round(1 + steps, 2), income=np.round(100 + steps, 2), gender=none)
    _replace_customers(april, table)
    app = _open_app(in_april)
    for slider in app.select_slider:
        assert len(set(slider.options)) == len(slider.options) > 40, slider.label
    for i, (name, ends) in enumerate((("age", (1.05, 1.1)), ("income", (101.65, 103.4)))):
        app.select_slider(key=f"filter:{i}:april:{name}").set_value(ends).run()
        assert f"{table[name].between(*ends).sum()} of 200 customers shown" in _shown(app)
        next(button for button in app.button if button.label == "Show all").click().run()
    assert len(set(app.multiselect(key="filter:2:april:gender").options)) == 4
    for kept, left in (([None], 50), (["not known"], 50), ([None, "not known", "Male"], 150)):
        app.multiselect(key="filter:2:april:gender").set_value(kept).run()
        assert f"{left} of 200 customers shown" in _shown(app)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("columns:\n", "columns:\n  visits: {role: descriptor}\n", "column 'visits' is new there"),
        ("  gender: {", "  town: {", "column 'gender' is gone from there"),
        ("type: category", "type: ordinal", "column 'gender' is no ordinal in the run"),
        ("title:", "title: [", "is not valid YAML"),
    ],
)
def test_a_run_whose_dataset_was_described_otherwise_since_is_told(in_april, old, new, told):
    path = in_april.root / "data" / "april" / "dataset.yaml"
    app, before = _open_app(in_april), path.read_text()
    assert old in before
    path.write_text(before.replace(old, new, 1))
    app.run()
    assert not app.exception
    assert told in html.unescape(_shown(app))
    assert "customers shown" not in _shown(app)


@pytest.mark.parametrize(
    "name",
    ["customers.parquet", "segmented.parquet", "k_selection.json", "profiles.json", "model.json", "manifest.json"],
)
def test_a_damaged_run_is_told(in_april, april, name):
    (april / name).write_bytes((april / name).read_bytes()[:100])
    app = _open_app(in_april)
    assert re.search(rf"assets/april/{name} is (not the file that the run wrote|damaged)", _shown(app))
    assert "make report RUN=april" in _shown(app)


def _swap_centroids(model: dict) -> None:
    model["centroids"].reverse()


def test_the_form_does_not_answer_from_a_changed_model(in_april, april):
    app, asked = _open_app(in_april), {"income": 90, "spending": 90}
    model = read_json(april / "model.json")
    _swap_centroids(model)
    write_json(april / "model.json", model)
    for name, value in asked.items():
        app.number_input(key=f"ask:april:{name}").set_value(value)
    next(button for button in app.button if button.label == "Find the segment").click().run()
    assert "assets/april/model.json is not the file that the run wrote" in _shown(app)
    assert 'class="answer"' not in _shown(app)
    with pytest.raises(DataError, match="is not the file that the run wrote"):
        score_customer(open_finished("april", None), asked)


def _deny(selection: dict) -> None:
    selection["verdict"] = "none"


def test_parts_of_no_structure_are_no_segments_and_get_no_action(in_april, april):
    _rewrite(april / "k_selection.json", _deny)
    app = _open_app(in_april)
    app.number_input(key="ask:april:income").set_value(90)
    app.number_input(key="ask:april:spending").set_value(90)
    next(button for button in app.button if button.label == "Find the segment").click().run()
    assert "</span> Target customers <small>part 2</small>" in _shown(app)
    assert "What to do:" not in _shown(app)


EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)><i>"


def _evil(profiles: dict) -> None:
    for profile in profiles["segments"]:
        profile |= dict.fromkeys(("name", "level_name", "action"), f"{EVIL} {profile['segment']}")
        profile["descriptors"]["gender"] = {EVIL: 0.6, "Male": 0.4}


def test_no_text_of_the_data_becomes_html(in_april, april):
    table = pd.read_parquet(april / "customers.parquet")
    _replace_customers(april, table.assign(gender=table["gender"].replace("Female", EVIL)))
    _rewrite(april / "profiles.json", _evil)
    path = in_april.root / "data" / "april" / "dataset.yaml"
    described = yaml.safe_load(path.read_text()) | {"title": EVIL}
    for name, column in described["columns"].items():
        described["columns"][name] = column | {"label": f"{EVIL} {name}"} | ({"unit": EVIL} if "unit" in column else {})
    path.write_text(yaml.safe_dump(described, sort_keys=False))
    app = _open_app(in_april)
    for name in ("income", "spending"):
        app.number_input(key=f"ask:april:{name}").set_value(90)
    next(button for button in app.button if button.label == "Find the segment").click().run()
    assert 'class="answer"' in _shown(app)
    parts = [element.proto.body for element in app.get("html")]
    parts += [widget.label for kind in ("multiselect", "select_slider", "number_input") for widget in app.get(kind)]
    parts += [json.dumps(json.loads(chart.proto.spec)) for chart in app.get("plotly_chart")]
    assert sum("alert(1)" in part.replace("\\", "") for part in parts) > 10
    assert [part for part in parts if re.search(r"<script>a|<img|\)><i>", part)] == []


def test_the_picture_says_how_many_it_draws(in_april, april):
    def told() -> str:
        return "".join(caption.value for caption in _open_app(in_april).caption)

    assert "Each mark is a customer." in told()
    table = pd.read_parquet(april / "customers.parquet")
    table.loc[:29, "income"] = None
    _replace_customers(april, table)
    assert "170 of the 200 customers are drawn; the others have no value in one of the columns." in told()
    many = pd.concat([table.assign(income=1.0)] * 11, ignore_index=True)
    many["id"] = many.index.astype(str)
    _replace_customers(april, many)
    assert "2,000 of the 2,200 customers are drawn, the same ones every time" in told()
    _replace_customers(april, many[:MOST_MARKS])
    assert "Each mark is a customer." in told()


def test_private_rows_stay_private(in_shop):
    app, table = _open_app(in_shop), _segmented(in_shop, "shop")
    assert [button.proto.label for button in app.get("download_button")] == ["Download these counts as CSV"]
    _check_counts_alone(app)
    spend = app.select_slider(key="filter:0:shop:spend")
    lowest = float(spend.options[0])
    spend.set_value((lowest, 60.0)).run()
    assert "About " in _shown(app)
    _check_counts_alone(app)
    sent = "".join(chart.proto.spec for chart in app.get("plotly_chart")) + _shown(app)
    assert not re.search(r"customer-\d", sent)
    assert "Hollow" not in sent
    assert app.multiselect(key="filter:0:shop:village").options == ["Mill"]
    customers = SegmentedCustomers(open_finished("shop", None))
    with pytest.raises(UsageError, match="privacy: aggregate"):
        listed(open_finished("shop", None), {})
    counted = pd.read_csv(io.BytesIO(customers.summary_csv({"spend": (lowest, 60.0)})))
    assert list(counted) == ["segment", "name", "customers"]
    assert counted["customers"].tolist() == customers.counts({"spend": (lowest, 60.0)}).tolist()
    passing = table[table["spend"].between(lowest, 60)]
    exact = passing.groupby("segment").size().reindex(list(customers.segments), fill_value=0)
    found = customers.counts({"spend": (lowest, 60.0)})
    assert (found - exact).abs().max() <= 10
    assert set(found) <= {0, 10, 20, 30, 40}


def test_private_marks_stand_between_neighbours_of_the_steps_by_which_they_are_filtered(in_shop):
    customers = SegmentedCustomers(open_finished("shop", None))
    told = "".join(f"{text}<br>" for text in customers.marks({}, ("spend", "rate"))["told"])
    bands = {(float(low), float(high)) for low, high in re.findall(r"Spend (\S+) to (\S+?)<br>", told)}
    assert bands
    assert bands <= set(pairwise(customers.numbers["spend"]))


def _check_counts_alone(app: AppTest) -> None:
    """Check that every mark counts groups of ten customers or more."""
    told = [text for trace in _charts(app)[0] for text in trace["hovertext"]]
    counts = [int(re.search(r"<br>about (\d+|ten) customers<br>", text)[1].replace("ten", "10")) for text in told]
    assert counts
    assert min(counts) >= 10


HOSTILE = [
    "<script>alert(1)</script>",
    "=1+1",
    "\u3000=1",
    "-3",
    "-x",
    "'=1",
    "a,b\"c'd",
    "\tx",
    "＝1",
    "",
    None,
    "\x0b+4.5",
]


def segmented_run(folder, patch, columns: dict, table: pd.DataFrame, privacy: str) -> SegmentedCustomers:
    """Write as much of a run as filters and pictures need: the segments of the table, or two by turns."""
    patch.setattr(files, "ROOT", folder)
    run = Run("h", Dataset(title="<b>", columns={"id": {"role": "id"}, **columns}, privacy=privacy))
    segment = table.get("segment", [1, 2] * (len(table) // 2))
    table = table.drop(columns="segment", errors="ignore").astype({"id": str})
    write_parquet(run.path("customers.parquet"), table)
    write_parquet(run.path("segmented.parquet"), table.assign(segment=segment, distance=0.5, margin=0.25))
    nothing: dict = {key: {} for key in ("centre", "centre_interval", "mean", "index", "levels", "descriptors")}
    rest = {"share": 0.5, "share_interval": (0, 1), "level_name": "", "action": None, **nothing}
    names, sizes = {1: "@it's", 2: "<i>"}, pd.Series(segment).value_counts().sort_index()
    profiles = [{"segment": s, "name": names.get(s, f"{s}"), "size": int(n), **rest} for s, n in sizes.items()]
    rules = {"leaves": [], "customers": len(table), "right": 0, "cross_validated": 0}
    run.write("profiles.json", {"customers": len(table), "segments": profiles, "tests": [], "rules": rules})
    return SegmentedCustomers(run)


@pytest.fixture
def hostile(tmp_path, monkeypatch) -> SegmentedCustomers:
    """Customers whose texts are no good."""
    columns = {"x": {"role": "feature"}, "y": {"role": "feature"}, "c": {"role": "descriptor", "type": "category"}}
    n = len(HOSTILE)
    table = pd.DataFrame({"id": [f"={i}" for i in range(n)], "x": np.arange(n) / 4, "y": 1.0, "c": HOSTILE})
    return segmented_run(tmp_path, monkeypatch, columns, table, "rows")


@pytest.mark.parametrize("privacy", ["rows", "aggregate"])
@pytest.mark.parametrize("ranks", [2, 15, 120])
def test_the_steps_of_an_ordinal_are_its_ranks(tmp_path, monkeypatch, privacy, ranks):
    levels = {f"L{rank}": [] for rank in range(1, ranks + 1)}
    columns = {"x": {"role": "feature"}, "band": {"role": "descriptor", "type": "ordinal", "categories": levels}}
    band = np.arange(20 * ranks) // 20 + 1.0
    table = pd.DataFrame({"id": range(len(band)), "x": 1.0, "band": band})
    customers = segmented_run(tmp_path, monkeypatch, columns, table, privacy)
    assert customers.numbers["band"] == dict(zip(range(1, ranks + 1), levels, strict=True))
    assert customers.counts({"band": (2.0, 2.0)}).tolist() == [10, 10]
    marks = customers.marks({}, ("x", "band"))
    ends = {end for told in marks["told"] for end in re.search(r"Band (L\d+)(?: to (L\d+))?", told).groups() if end}
    assert {"L1", f"L{ranks}"} <= ends <= set(levels)
    assert marks["band"].between(0.5, ranks + 0.5).all()


@pytest.mark.parametrize(
    ("low", "high", "scale"),
    [(1, 5, "none"), (100, 104, "none"), (2e4, 20_900, "none"), (1e-4, 3e-4, "none"), (0, 3e6, "log"), (-2, 9, "none")],
)
def test_no_two_steps_of_a_filter_look_alike(tmp_path, monkeypatch, low, high, scale):
    columns = {"x": {"role": "feature", "transform": scale}}
    table = pd.DataFrame({"id": range(300), "x": np.linspace(low, high, 300)})
    steps = list(segmented_run(tmp_path, monkeypatch, columns, table, "rows").numbers["x"].items())
    assert len({label for _, label in steps}) == len(steps) > 10
    assert [float(label.replace(",", "")) for _, label in steps] == [step for step, _ in steps]
    assert (steps[0][0], steps[-1][0]) == (low, high)
    assert steps == sorted(steps)


@pytest.mark.parametrize("scale", ["none", "log"])
def test_a_range_is_that_of_the_data_and_where_rows_are_private_the_rounded_one_of_the_model(
    tmp_path, monkeypatch, scale
):
    columns = {"x": {"role": "feature", "transform": scale}}
    table = pd.DataFrame({"id": range(300), "x": np.linspace(8.25, 4204.54, 300)})
    told = {
        privacy: list(segmented_run(tmp_path, monkeypatch, columns, table, privacy).numbers["x"].values())
        for privacy in ("rows", "aggregate")
    }
    assert (told["rows"][0], told["rows"][-1]) == ("8.25", "4,204.54")
    dataset = Dataset(title="T", columns=columns, privacy="aggregate")
    rounded = rounded_limits(Customers.of(dataset, table), "x", logged=scale == "log")
    assert [float(told["aggregate"][i].replace(",", "")) for i in (0, -1)] == list(rounded)
    assert rounded[0] < 8.25
    assert rounded[1] > 4204.54


def test_the_download_holds_what_passes_and_no_formula(hostile):
    table = pd.DataFrame({"id": [f"={i}" for i in range(12)], "segment": [1, 2] * 6, "name": ["@it's", "<i>"] * 6})
    table = table.assign(distance=0.5, margin=0.25, x=np.arange(12) / 4, y=1.0, c=HOSTILE)
    for filters, kept in (({}, table), ({"x": (0.5, 2.0)}, table[2:9]), ({"c": ["=1+1", None]}, table.iloc[[1, 10]])):
        ours = list(csv.DictReader(io.StringIO(b"".join(listed(hostile.study, filters)).decode())))
        assert ours == list(csv.DictReader(io.StringIO(as_csv(kept))))
        assert hostile.counts(filters).sum() == len(kept)
    assert "'=1+1" in b"".join(listed(hostile.study, {})).decode()
    assert b"".join(listed(hostile.study, {"c": []})).decode().count("\n") == 1


@pytest.mark.parametrize("town", ["Oslo", "Köln", None])
def test_a_list_is_given_in_parts_and_is_what_is_written_as_a_whole(tmp_path, monkeypatch, town):
    columns = {"x": {"role": "feature"}, "town": {"role": "descriptor", "type": "category"}}
    n = 2 * ROWS_A_PART + 2
    table = pd.DataFrame({"id": np.arange(n, 0, -1), "x": np.arange(n) / 7, "town": "#1"})
    table.loc[n - 1, "town"] = town
    study = segmented_run(tmp_path, monkeypatch, columns, table, "rows").study
    parts, [*first] = listed(study, {}), islice(listed(study, {}), 1 + (town == "Köln"))
    whole = pd.read_parquet(study.path("segmented.parquet")).assign(name=["@it's", "<i>"] * (n // 2))[::-1]
    with ENGINE:
        write_csv(tmp_path / "whole.csv", held(whole[["id", "segment", "name", "distance", "margin", "x", "town"]]))
    assert b"".join(parts) == (tmp_path / "whole.csv").read_bytes()
    assert b"".join(first).decode("utf-8-sig") == "id,segment,name,distance,margin,x,town\n"


def test_a_list_of_a_column_that_is_gone_is_refused_before_it_begins(hostile):
    for filters in ({"gone": ["x"]}, {"c": ["=1+1"], "gone": (0.0, 1.0)}):
        with pytest.raises(DataError, match=r"run h has no column 'gone' .*load the page again"):
            listed(hostile.study, filters)
    hostile.study.path("segmented.parquet").rename(hostile.study.path("whole.parquet"))
    found = pd.read_parquet(hostile.study.path("whole.parquet"))
    found.drop(columns="c").to_parquet(hostile.study.path("segmented.parquet"), index=False)
    with pytest.raises(DataError, match="run h has no column 'c'"):
        listed(hostile.study, {})


def test_a_list_that_cannot_be_made_fails_before_it_begins(in_mall):
    key = offer("mall", {"gender": (0.0, 1.0)}).split("/")[1]  # a range of words
    with pytest.raises(Exception, match="not comparable"):
        asked(key)


def test_two_lists_are_given_at_once_and_who_would_wait_too_long_is_asked_to_come_again(monkeypatch):
    given, sent = [], []

    async def answer(scope, receive, send):
        given.append(scope["path"])
        await receive()

    async def ask(slots, path, until):
        async def send(message):
            sent.append(message)

        await serve._give("key", slots, ({"type": "http", "method": "GET", "path": path}, until, send))

    async def all_ask():
        slots, ended = asyncio.Semaphore(serve.LISTS_AT_ONCE), asyncio.Event()
        first = [asyncio.ensure_future(ask(slots, path, ended.wait)) for path in "abc"]
        while len(given) < 2:
            await asyncio.sleep(0)
        monkeypatch.setattr(serve, "TURN", 0)
        await ask(slots, "d", ended.wait)
        assert sorted(given) == ["a", "b"]
        ended.set()
        await asyncio.gather(*first)

    monkeypatch.setattr(serve, "_answer", lambda key, scope: answer)
    asyncio.run(all_ask())
    assert sorted(given) == ["a", "b", "c"]
    [start, body] = sent
    assert start["status"] == 503
    assert (b"retry-after", b"0") in start["headers"]
    assert b"ask again" in body["body"]


def test_who_takes_nothing_of_a_list_gives_the_turn_to_the_next(monkeypatch):
    async def hang(message=None):
        await asyncio.Event().wait()

    async def ask():
        slots = asyncio.Semaphore(1)
        await serve._give("key", slots, ({"type": "http", "method": "GET", "path": "a"}, hang, hang))
        assert not slots.locked()

    monkeypatch.setattr(serve, "STALLED", 0)
    monkeypatch.setattr(serve, "_answer", lambda key, scope: StreamingResponse(iter([b"id"])))
    asyncio.run(asyncio.wait_for(ask(), SLOW / 1_000))


def test_tooltips_are_escaped(hostile):
    told = hostile.marks({}, ("x", "y"))["told"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in "".join(told)
    assert not re.search("<(?!br>)", "".join(told))
    assert tell_shown(hostile, hostile.counts({}), {}) == "12 of 12 customers shown: @it's 6; <i> 6."


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """Where temporary files go: what is left there afterwards was kept."""
    scratch()  # the engine's own, made once a process: it ends with the process, and is no upload's
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place
    assert [path.name for path in place.iterdir() if path.name != "scratch"] == []


GOOD = "id,income,spending\n=7,90,90\n8,20,20\n9,much,20\n"


def test_an_upload_is_scored_as_make_score_does_and_not_kept(in_mall, tmp_path, nowhere):
    new, out = tmp_path / "new.csv", tmp_path / "out.csv"
    new.write_text(GOOD)
    scored = score_upload(open_finished("mall", None), "new.csv", GOOD.encode())
    done = in_mall.call("score", "--dataset", "mall", "--new", str(new), "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert as_csv(scored.customers.to_pandas()) == out.read_text()
    assert scored.refused.to_pandas()["line"].tolist() == [4]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("new.csv", b"id,income\n1,90\n", "new.csv: 'spending' is missing"),
        ("new.csv", b"", "new.csv is empty"),
        ("new.pkl", b"\x80\x04K\x01.", "new.pkl cannot be scored here"),
        ("new.parquet", b"PAR1 and no more", "new.parquet is damaged"),
        ("new.xlsx", b"\x00" * 99, "not what its ending says"),
        ("../../new<b>.csv", b"x\n1\n", "new-b-.csv: 'id' is missing"),
        ("new.csv", b"1\n" * 10_000_001, "at most 20 MB"),
        (
            "new.csv",
            b"id,income,spending\n" + b"1,2,3\n" * 200_002,
            "200,000 rows, 60 seconds and 4 GB of memory; score it",
        ),
    ],
)
def test_a_bad_upload_is_refused_in_words(in_mall, nowhere, name, content, told):
    with pytest.raises(DataError, match=re.escape(told)):
        score_upload(open_finished("mall", None), name, content)


def test_an_archive_is_not_unpacked(in_mall, nowhere):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("new.csv", GOOD)
    with pytest.raises(DataError, match="not what its ending says"):
        score_upload(open_finished("mall", None), "new.csv", packed.getvalue())
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb.xml", bytes(201_000_000))
    with pytest.raises(DataError, match=r"200 unpacked.*: make score RUN=mall NEW=new.xlsx OUT=scored.csv"):
        score_upload(open_finished("mall", None), "new.xlsx", packed.getvalue())


def _as_parquet(columns: dict) -> bytes:
    packed = io.BytesIO()
    pq.write_table(pa.table(columns), packed, compression="zstd")
    return packed.getvalue()


def test_a_small_upload_of_parquet_with_many_rows_is_refused(in_mall, nowhere):
    same = pa.array([90.0]).take(pa.array([0] * 300_000))
    packed = _as_parquet({"id": same, "income": same, "spending": same})
    assert len(packed) < 25_000
    with pytest.raises(DataError, match=r"new\.parquet is too large to be scored here: .* 200,000 rows"):
        score_upload(open_finished("mall", None), "new.parquet", packed)


@pytest.mark.parametrize("limits", [{"memory": 400_000_000}, {"seconds": 0.2}])
def test_an_upload_ends_at_its_limits_and_nobody_waits_for_it(in_mall, nowhere, limits):
    study = open_finished("mall", None)
    with ENGINE, ThreadPoolExecutor(1) as others:  # the engine is another's meanwhile
        scored = others.submit(score_upload, study, "new.csv", GOOD.encode(), replace(UPLOAD_LIMITS, **limits))
        assert isinstance(scored.exception(timeout=60), DataError)
    assert "is too large to be scored here" in str(scored.exception())
    assert UPLOADS._value == 2


def test_a_third_upload_is_asked_to_come_again(in_mall, nowhere):
    with UPLOADS, UPLOADS, pytest.raises(DataError, match=r"new\.csv waits, because others are being scored"):
        score_upload(open_finished("mall", None), "new.csv", GOOD.encode(), replace(UPLOAD_LIMITS, seconds=0.1))


def test_a_run_that_vanishes_while_it_is_shown_is_told(in_april, april):
    app = _open_app(in_april)
    assert app.sidebar.selectbox[0].value == "april"
    elsewhere = april.rename(april.with_name("elsewhere"))
    (elsewhere / "manifest.json").rename(elsewhere / "kept.json")
    for _ in range(2):
        app.run()
        assert not app.exception
        assert "There is no run april any more: assets/april/ was removed or renamed." in _shown(app)
        assert "Shown is mall." in _shown(app)
    app.query_params["run"] = "april"
    (elsewhere / "kept.json").rename(elsewhere / "manifest.json")
    elsewhere.rename(april)
    app.run()
    assert "There is no run" not in _shown(app)


def test_an_upload_of_parquet_is_scored(in_mall, nowhere):
    packed = _as_parquet({"id": [7, 8], "income": [90, 20], "spending": [90, 20]})
    assert score_upload(open_finished("mall", None), "new.parquet", packed).customers.to_pandas()["id"].tolist() == [
        "7",
        "8",
    ]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("new.parquet", packed)
    with pytest.raises(DataError, match="not what its ending says"):
        score_upload(open_finished("mall", None), "new.xlsx", archive.getvalue())


def test_a_run_that_was_never_made(fresh):
    done = fresh.run("dashboard", "--run", "april")
    assert done.returncode == 2
    assert "make report RUN=april" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_listens_here_alone_unless_told_otherwise():
    assert "--server.address=127.0.0.1" in options()
    assert {"--browser.gatherUsageStats=false", "--server.maxUploadSize=20"} <= set(options())
    named = [option for option in options() if "allowedHosts" in option]
    assert named == ["--server.allowedHosts=127.0.0.1", "--server.allowedHosts=localhost"]
    assert "--server.address=0.0.0.0" in options("0.0.0.0", 9000)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--run", "never", "--port", "99999"], "'--port': Input should be less than or equal to 65535"),
        (["--run", "never", "--port", "-1"], "'--port': Input should be greater than or equal to 1"),
        (["--run", "never", "--port", "0"], "'--port': Input should be greater than or equal to 1"),
        (["--run", "mall", "--host", "nowhere.invalid"], "HOST=nowhere.invalid is no address of this machine"),
        (["--run", "mall", "--host", "192.0.2.1"], "HOST=192.0.2.1 is no address of this machine"),
    ],
)
def test_an_address_where_nothing_can_be_served_is_told(in_mall, words, told):
    done = in_mall.run("dashboard", *words)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.fixture(scope="module")
def address(mall) -> str:
    """The dashboard over the Mall run, as `make dashboard RUN=mall` starts it."""
    port = free_port()
    words = [sys.executable, "-m", "segmentation", "dashboard", "--run", "mall", "--port", str(port)]
    server = subprocess.Popen(words, cwd=mall.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    told = []
    for line in server.stdout:
        told.append(line)
        if "URL:" in line:
            break
    assert f"URL: http://127.0.0.1:{port}" in "".join(told), told
    yield f"http://127.0.0.1:{port}"
    server.kill()
    server.wait()


def test_no_other_name_leads_to_the_dashboard(address):
    port = int(address.rpartition(":")[2])
    key = {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version": "13"}
    for host, status in ((f"localhost:{port}", 101), (f"other.example:{port}", 403)):
        asked = {"Host": host, "Origin": f"http://{host}", "Upgrade": "websocket", "Connection": "Upgrade"}
        connection = HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/_stcore/stream", headers=asked | key)
        assert connection.getresponse().status == status
        connection.close()


@pytest.fixture
def reader(browser, address):
    with open_page(browser, address, reduced_motion="reduce") as page:
        _wait(page)
        yield page


def _wait(page) -> None:
    """Wait for the first picture, and for all that follows it."""
    page.locator(".st-key-scatter2 path.point").first.wait_for(timeout=SLOW)
    page.get_by_text("Which segments are these customers?").wait_for(timeout=SLOW)
    settle(page)


def _choose(page, field: str, option: str) -> None:
    """Choose as a reader does who sees a list close because the page was scrolled: once more, until it is chosen."""
    page.locator("summary").filter(has_text="Filters").click()
    chosen = page.locator(".stMultiSelect [data-tag]").filter(has_text=option)
    for _ in range(10):
        if chosen.count():
            break
        page.get_by_role("combobox", name=field).click()
        with suppress(TimeoutError):
            page.get_by_role("option", name=option).click(timeout=1_000)
            chosen.wait_for(timeout=1_000)
    page.keyboard.press("Escape")
    page.mouse.move(0, 0)  # a slider that comes to lie below it shows its ends, a moment later


def _show_all_of_it(page) -> None:
    """Let the screen be as tall as the page: axe leaves out what is scrolled out of a part that scrolls by itself."""
    height = page.evaluate("document.querySelector('.stMain').scrollHeight")
    page.set_viewport_size({**page.viewport_size, "height": height})


@pytest.mark.parametrize("look", LOOKS)
def test_page_is_accessible_quiet_and_as_wide_as_the_screen(browser, address, look):
    with open_page(browser, address, look) as page:
        _wait(page)
        assert page.locator(".glance .name").all_text_contents()[0].endswith("Standard customers")
        _choose(page, "Gender", "Female")  # on a phone too
        expect(page.get_by_role("status").filter(has_text="customers shown")).to_contain_text("112 of", timeout=SLOW)
        settle(page)
        # What unfolds has this style meanwhile.
        cut = "e => { e.style.overflow = 'hidden'; return getComputedStyle(e).overflow; }"
        assert page.locator(".stExpander details").first.evaluate(cut) == "clip"
        wide = "Math.max(document.documentElement.scrollWidth, document.querySelector('.stMain').scrollWidth)"
        assert page.evaluate(wide) <= LOOKS[look]["viewport"]["width"]
        assert {url.split("/")[2] for url in page.requested if not url.startswith(("data:", "blob:"))} == {
            address.removeprefix("http://")
        }
        assert page.complaints == []
        paper = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
        assert paper == ("rgb(18, 23, 30)" if look == "dark" else "rgb(255, 255, 255)")
        sheet = page.evaluate("getComputedStyle(document.querySelector('.cards li')).backgroundColor")
        assert sheet == ("rgb(27, 34, 44)" if look == "dark" else "rgb(245, 247, 250)")
        _show_all_of_it(page)
        assert violations(page, rules=RULES_OF_STREAMLIT) == []


def test_filter_and_download(reader, mall):
    _choose(reader, "Gender", "Female")
    status = reader.get_by_role("status").filter(has_text="customers shown")
    table = _segmented(mall, "mall")
    left = table[table["gender"] == "Female"]
    expect(status).to_contain_text(f"{len(left)} of 200 customers shown")
    expect(reader.locator(".st-key-scatter2 path.point")).to_have_count(len(left))
    with reader.expect_download() as caught:
        reader.get_by_role("link", name="Download these customers as CSV").click()
    rows = list(csv.DictReader(caught.value.path().read_text(encoding="utf-8").splitlines()))
    _check_who_gets_a_list(reader, caught.value)
    assert [row["id"] for row in rows] == left["id"].tolist()
    assert {row["gender"] for row in rows} == {"Female"}
    assert caught.value.suggested_filename == "mall-customers.csv"
    reader.get_by_role("button", name="Show all").click()
    expect(status).to_contain_text("200 of 200 customers shown")
    reader.get_by_text("In 3-D").click()  # the next answer must not bring the filters back
    expect(reader.get_by_role("combobox", name="Deep")).to_be_visible(timeout=SLOW)
    expect(status).to_contain_text("200 of 200 customers shown")


def _check_who_gets_a_list(page, download) -> None:
    """Check that a list is given to those alone who were offered it, by a name of this machine."""
    place, own = urlsplit(download.url).path, urlsplit(download.url).netloc
    other = re.sub(r"/[0-9a-f]{64}/", f"/{'0' * 64}/", place)
    assert other != place
    for method, host, path, status in (
        ("GET", own, place, 200),
        ("GET", own, other, 404),
        ("GET", "other.example", place, 403),
        ("POST", own, place, 403),
    ):
        connection = HTTPConnection(own)
        connection.request(method, path, headers={"Host": host, "Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Cache-Control"]) == (status, "no-store")
        assert (answer.read() == download.path().read_bytes()) == (status == 200)
        connection.close()


def test_a_slider_is_reached_and_moved_by_keyboard(reader, mall):
    reader.locator("summary").filter(has_text="Filters").click()
    reader.get_by_role("combobox", name="Segment").focus()
    passed, slider = [], "document.activeElement.matches('[role=slider], input[type=range]')"
    while not reader.evaluate(slider):
        reader.keyboard.press("Tab")
        passed.append(reader.evaluate("document.activeElement.getAttribute('aria-label')"))
        assert len(passed) < 20, passed
    reader.keyboard.press("ArrowRight")
    age = _segmented(mall, "mall")["age"]
    left = (age > age.min()).sum()
    status = reader.get_by_role("status").filter(has_text="customers shown")
    expect(status).to_contain_text(f"{left} of 200 customers shown")


def test_three_dimensions(reader):
    reader.get_by_text("In 3-D").click()
    expect(reader.locator(".js-plotly-plot .gl-container canvas").first).to_be_visible()
    expect(reader.get_by_role("combobox", name="Deep")).to_be_visible()


def test_predict_by_form_and_by_upload(reader, tmp_path):
    reader.get_by_label("Annual income (k$)").last.fill("90")
    reader.get_by_label("Spending score (points)").last.fill("90")
    reader.get_by_role("button", name="Find the segment").click()
    expect(reader.locator(".answer")).to_contain_text("Target customers segment 2", timeout=SLOW)
    good, bad = tmp_path / "new.csv", tmp_path / "bad.csv"
    good.write_text(GOOD)
    bad.write_text("id,income\n1,90\n")
    reader.locator("input[type=file]").set_input_files(bad)
    expect(reader.get_by_role("alert")).to_contain_text("bad.csv: 'spending' is missing", timeout=SLOW)
    reader.locator("input[type=file]").set_input_files(good)
    status = reader.get_by_role("status").filter(has_text="scored")
    expect(status).to_contain_text("Two customers scored. One row refused.", timeout=SLOW)
    with reader.expect_download() as caught:
        reader.get_by_role("button", name="Download the scored customers as CSV").click()
    rows = list(csv.DictReader(caught.value.path().read_text(encoding="utf-8").splitlines()))
    assert [(row["id"], row["name"]) for row in rows] == [("'=7", "Target customers"), ("8", "Sensible customers")]
    assert reader.complaints == []
    assert "Traceback" not in reader.content()


def test_answers_are_one_mark_for_those_who_give_the_same():
    columns = {name: {"role": "feature", "type": "yes/no"} for name in ("tasty", "cheap")}
    dataset = Dataset(title="T", privacy="rows", columns=columns)
    frame = pd.DataFrame(
        {"tasty": [1.0, 1, 1, 0], "cheap": [0.0, 0, 1, 0], "segment": [1, 1, 1, 2], "id": list("abcd")}
    )
    customers = SegmentedCustomers.__new__(SegmentedCustomers)
    customers.dataset, customers.private, customers._grouped = dataset, False, None
    customers._everyone = Customers.of(dataset, frame)
    customers.segments = {1: SimpleNamespace(name="Fans"), 2: SimpleNamespace(name="Others")}
    marks = customers.marks({}, ("tasty", "cheap"))
    assert marks["customers"].tolist() == [2, 1, 1]
    assert marks["told"].tolist()[0] == "Fans<br>two customers<br>Tasty yes<br>Cheap no"
    assert marks["tasty"].round().tolist() == [1, 1, 0]


def test_a_band_of_ratings_is_told_by_the_points_in_it():
    column = {"role": "feature", "type": "rating", "min": 1, "max": 5}
    customers = SegmentedCustomers.__new__(SegmentedCustomers)
    customers.dataset = Dataset(title="T", columns={"staff": column})
    bands = [(1.0, 2.0), (5.0, 6.0), (0.0, 2.0), (2.0, 4.0), (4.0, 6.0)]
    assert [customers._tell_band("staff", *band) for band in bands] == ["1", "5", "1", "2 to 3", "4 to 5"]
