"""Customers who are one part, because every division would leave a group that must not be shown."""

import json
import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from segmentation.core import files
from segmentation.evidence import tell as evidence_tell
from segmentation.evidence.criteria import flows_between, silhouettes
from segmentation.evidence.decision import undivided
from segmentation.evidence.plots import flows as draw_flows
from segmentation.segments.assign import assign_rows
from tests.conftest import FAST, ROOT, Project, copy_project, made_once

CASE = ROOT.parent / "shared" / "cases" / "small-18-gender.csv"
INFINITE = re.compile(r"\b(nan|inf|infinity|traceback)\b", re.I)


def eighteen() -> pd.DataFrame:
    """Return four clouds of four or five customers each."""
    i = np.arange(18)
    places = {"visits": np.array([2, 22])[i % 2] + i % 3, "spend": np.array([16, 320])[i // 2 % 2] + i % 5 + 0.5}
    return pd.DataFrame({"customer_id": [f"C{n:03d}" for n in i], **places, "gender": np.repeat(["f", "m"], 9)})


def _make(folder) -> Project:
    project = copy_project(folder)
    eighteen().to_csv(project.root / "few.csv", index=False)
    done = project.call("report", "--data", "few.csv", *FAST)
    assert done.returncode == 0, done.stderr
    (project.root / "told.txt").write_text(done.stdout)
    return project


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A copy of the project in which the report on eighteen customers has been made."""
    return made_once(tmp_path_factory, "undivided", partial(_make))


def _read(project: Project, name: str, run: str = "few") -> dict:
    return json.loads(project.artifact(run, name).read_text())


def _words(page: str) -> str:
    """Return what a reader sees of a page."""
    shown = re.sub(r"<(script|style|svg|details)\b.*?</\1>", "", page, flags=re.S)
    return re.sub(r"<[^>]+>", "", shown)


def test_a_table_that_no_division_may_show_has_a_report_of_one_part(project):
    told = (project.root / "told.txt").read_text().splitlines()
    assert told[0] == "18 customers, not divided"
    assert "  Segments  1 All customers 100%" in told
    tried = "every division that was tried leaves a group that privacy: aggregate does not show"
    assert f"  Evidence  none; {tried}" in told
    words = _words(project.page("few"))
    assert f"The verdict is none: {undivided()}." in words
    # The mean is 13, in steps of two.
    assert "The centre: Visits 14 and Spend" in words
    assert not INFINITE.search(words)
    for false in (
        "largest segment",
        "runs from",
        "in the smallest",
        "Closest together",
        "Stability:",
        "mean silhouette is",
    ):
        assert false not in words


def test_no_file_of_it_holds_an_infinite_number(project):
    for path in project.artifact("few", "segments.csv").parent.rglob("*"):
        if path.suffix in (".json", ".csv", ".sql"):
            assert not INFINITE.search(path.read_text()), path
    listed = pd.read_csv(project.artifact("few", "segments.csv"))
    assert set(listed["segment"]) == {1}
    assert listed["distance"].notna().all()
    assert listed["margin"].isna().all()
    assert len(pd.read_csv(project.artifact("few", "borderline.csv"))) == 0
    [profile] = _read(project, "profiles.json")["segments"]
    assert (profile["name"], profile["size"], profile["index"]["visits"]) == ("All customers", 18, 100)
    assert "WHEN 1 = 1 THEN 1 -- All customers" in project.artifact("few", "rules.sql").read_text()


def test_new_customers_are_scored_with_it(project):
    done = project.call("score", "--run", "few", "--new", "few.csv", "--out", "scored.csv")
    assert done.returncode == 0, done.stderr
    assert "All customers 100% to 100%" in done.stdout
    scored = pd.read_csv(project.root / "scored.csv")
    assert scored["name"].eq("All customers").all()
    assert scored["margin"].isna().all()
    assert not INFINITE.search((project.root / "scored-drift.json").read_text())


def test_it_is_the_base_of_segments_and_compared_with_them(project):
    many = pd.concat([eighteen()] * 3, ignore_index=True).assign(customer_id=[f"C{n:03d}" for n in range(54)])
    many.to_csv(project.root / "many.csv", index=False)
    later = project.call("report", "--data", "many.csv", "--base", "few", *FAST, drawn=False)
    assert later.returncode == 0, later.stderr
    profiles = _read(project, "profiles.json", "many")["segments"]
    assert len(profiles) > 1
    assert "All customers" not in {profile["name"] for profile in profiles}
    again = project.call("report", "--data", "few.csv", "--run", "again", "--base", "many", *FAST, drawn=False)
    assert again.returncode == 0, again.stderr
    assert [profile["name"] for profile in _read(project, "profiles.json", "again")["segments"]] == ["All customers"]
    for base, run in (("few", "many"), ("many", "few"), ("few", "again")):
        done = project.call("compare", "--base", base, "--run", run)
        assert done.returncode == 0, done.stderr
        words = _words((project.root / "report" / run / f"compare-{base}.html").read_text())
        assert not INFINITE.search(words)
        assert "one part" in words


def test_the_dashboard_shows_it_and_places_a_customer(project, monkeypatch):
    monkeypatch.setattr(files, "ROOT", project.root)
    monkeypatch.setenv("SEGMENTATION_RUN", "few")
    app = AppTest.from_file(project.root / "report" / "dashboard.py", default_timeout=60).run()
    for field in app.number_input:
        field.set_value(20)
    next(button for button in app.button if button.label == "Find the segment").click().run()
    assert not app.exception
    words = "\n".join(element.proto.body for element in app.get("html"))
    assert "18 customers, not divided" in words
    told = r'All customers <small>part 1</small></p><p class="note">Distance [\d.]+, in standard deviations\.</p>'
    assert re.search(told, words)  # and no margin: there is no other segment to be near to


def test_a_k_that_the_analyst_gives_is_still_refused(project):
    done = project.call("report", "--data", "few.csv", "--run", "two", "--k", "2", *FAST, drawn=False)
    assert done.returncode == 3
    assert "K=2 has a segment of fewer than 10 customers" in done.stderr


def _far_out() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"visits": rng.normal(20, 2, 40).round(1), "spend": rng.normal(100, 10, 40).round(1)})
    table.loc[39, "spend"] = 100 + 100 * 10
    return table


@pytest.mark.parametrize(
    "table",
    [pd.read_csv(CASE) if CASE.is_file() else eighteen(), _far_out(), pd.DataFrame({"v": [1.5, 2, 40] * 13})],
    ids=["small-18-gender", "one far out", "three distinct"],
)
def test_small_tables_have_a_report(tmp_path, table):
    project = copy_project(tmp_path)
    table.to_csv(tmp_path / "small.csv", index=False)
    done = project.call("report", "--data", str(tmp_path / "small.csv"), *FAST, drawn=False)
    assert done.returncode == 0, done.stderr
    assert not INFINITE.search(_words(project.page("small")))


def test_one_centroid_alone_gives_no_margin_on_any_engine():
    import ibis

    from segmentation.runs.records import Placement

    model = Placement(features=[{"name": "a", "lambda": 1, "centre": 0, "spread": 1}], centroids=[[1.0]])
    found = assign_rows(ibis.memtable({"a": [1.0, 4.0]}), model, across=True).order_by("a").to_pandas()
    assert found["segment"].tolist() == [1, 1]
    assert found["distance"].tolist() == [0, 3]
    assert found[["margin", "next_segment"]].isna().all(axis=None)


def test_one_segment_has_no_silhouettes_and_one_k_no_flows():
    found = silhouettes(np.arange(6.0).reshape(3, 2), np.zeros(3, int))
    assert found.empty
    assert evidence_tell.silhouettes(found, private=True) == evidence_tell.NO_NEXT
    flows = flows_between({2: np.array([0, 1, 1])})
    assert draw_flows(flows, private=False) is None
    assert evidence_tell.flows(flows, 2, private=False) == "One k alone was asked, so that nobody moves."


def test_no_size_in_the_flows_gives_a_hidden_one_away():
    flows = flows_between({2: np.repeat([0, 1], [12, 6]), 3: np.repeat([0, 1, 2], [10, 4, 4])})
    texts = [text.get_text() for text in draw_flows(flows, private=True).texts]
    assert "12" not in texts  # of eighteen
    assert "12" in [text.get_text() for text in draw_flows(flows, private=False).texts]
