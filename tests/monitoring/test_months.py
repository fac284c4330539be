"""Four months, each started from the one before: what is carried over, and what becomes of the planted segments."""

import pandas as pd
import pytest

from segmentation.core.files import read_json
from tests.conftest import Project, copy_project, made_once
from tests.monitoring.months import DESCRIBED, MONTHS, month


def _make(project: Project, name: str, *words: str, table: pd.DataFrame | None = None):
    (month(name) if table is None else table).to_csv(project.root / f"{name}.csv", index=False)
    words = (
        "--dataset",
        "shop",
        "--data",
        str(project.root / f"{name}.csv"),
        "--run",
        name,
        "--resamples",
        "10",
        *words,
    )
    return project.call("report", *words, drawn=False)


def _make_months(folder) -> Project:
    project = copy_project(folder)
    (project.root / "data" / "shop").mkdir()
    (project.root / "data" / "shop" / "dataset.yaml").write_text(DESCRIBED)
    before = None
    for name in MONTHS:
        done = _make(project, name, *(("--base", before) if before else ()))
        assert done.returncode == 0, done.stderr
        before = name
    return project


@pytest.fixture(scope="module")
def months(tmp_path_factory) -> Project:
    """A copy of the project with the runs jan, feb, mar and apr, each with the one before as its base."""
    return made_once(tmp_path_factory, "four months", _make_months)


def _of(project: Project, name: str) -> dict[str, dict]:
    """Return the profile of the segment in which the first customer of each group is."""
    segments = pd.read_csv(project.artifact(name, "segments.csv")).set_index("id")["segment"]
    profiles = {p["segment"]: p for p in read_json(project.artifact(name, "profiles.json"))["segments"]}
    return {group: profiles[segments[f"{group}0"]] for group in MONTHS[name] if group.islower()}


def test_what_a_base_was_made_with_is_carried_over(months):
    manifest = read_json(months.artifact("apr", "manifest.json"))
    asked = {name: (manifest["parameters"][name], manifest["set_by"][name]) for name in ("k", "method", "features")}
    assert asked == {"k": (5, "base mar"), "method": ("kmeans", "base mar"), "features": ("recency,basket", "base mar")}
    assert "k = 5 is that of mar, and the evidence of these customers speaks for it too." in months.page("apr")
    assert "The segments are formed by K-Means, as those of mar are." in months.page("apr")


def test_a_segment_that_is_found_again_keeps_number_name_and_action(months):
    told = {name: _of(months, name) for name in MONTHS}
    for then, now in zip(list(MONTHS)[:-1], list(MONTHS)[1:], strict=True):
        for group in set(told[then]) & set(told[now]) - {"b" if now == "apr" else ""}:  # then b is merged into c
            kept = [{name: told[m][group][name] for name in ("segment", "name", "action")} for m in (then, now)]
            assert kept[0] == kept[1], (now, group)
    assert told["apr"]["b"] == told["apr"]["c"]
    assert told["apr"]["e"]["action"] == "Send the win-back voucher"


def test_a_new_segment_has_no_name_of_one_that_is_gone(months):
    then, now = (_of(months, name) for name in ("feb", "mar"))
    lineage = read_json(months.artifact("mar", "lineage.json"))
    assert [row["segment"] for row in lineage["before"] if row["fate"] == "gone"] == [then["d"]["segment"]]
    assert [row["segment"] for row in lineage["now"] if not row["comes_from"]] == [now["f"]["segment"]]
    assert sorted(now["f"]["name"].lower().split(", ")) != sorted(then["d"]["name"].lower().split(", "))
    assert "New since feb." in months.page("mar")


def test_parts_and_what_is_merged_are_told_by_the_segment_that_most_come_from(months):
    then, now = (_of(months, name) for name in ("mar", "apr"))
    fates = {
        row["segment"]: (row["fate"], row["kept_as"])
        for row in read_json(months.artifact("apr", "lineage.json"))["before"]
    }
    assert fates[then["a"]["segment"]] == ("split", now["a"]["segment"])  # 90 of 150 customers
    assert fates[then["c"]["segment"]] == ("merged", now["c"]["segment"])
    assert fates[then["b"]["segment"]] == ("merged", None)
    assert now["a"]["size"] == 90
    assert "A part of segment 1 (Active) of mar." in months.page("apr")
