"""A few customers far out decide nothing: not the number of segments, the verdict, the segments or their centres."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from segmentation.core.files import read_json
from tests.conftest import FAST, Project, copy_project, made_once

CENTRES = np.array([[30, 40], [60, 40], [45, 75]])
GROUPED = 210
RUNS = {  # privacy, and who is far out
    "plain": ("aggregate", []),
    "high": ("aggregate", [(900, 900)]),
    "low": ("rows", [(-999, 40), (300, -100)]),
}
DESCRIBED = """title: Three groups
source: {{path: {name}.csv}}
privacy: {privacy}
columns:
  id: {{role: id}}
  x: {{role: feature, label: X, unit: points}}
  y: {{role: feature, label: Y, unit: points}}
"""


def reports(folder) -> Project:
    project, rng = copy_project(folder), np.random.default_rng(0)
    grouped = CENTRES[np.arange(GROUPED) % 3] + 5 * rng.normal(size=(GROUPED, 2))
    for name, (privacy, far) in RUNS.items():
        table = pd.DataFrame(np.vstack([grouped, *far]).round(1), columns=["x", "y"])
        (place := project.root / "data" / name).mkdir()
        (place / "dataset.yaml").write_text(DESCRIBED.format(name=name, privacy=privacy))
        table.rename_axis("id").to_csv(place / f"{name}.csv")
        done = project.call("report", "--dataset", name, *FAST, drawn=False)
        assert done.returncode == 0, done.stderr
    return project


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Project:
    return made_once(tmp_path_factory, "far", partial(reports))


def _segments(project: Project, run: str) -> pd.DataFrame:
    table = pd.read_parquet(project.artifact(run, "segments.parquet")).astype({"id": int})
    return table.sort_values("id", ignore_index=True)


def _smallest(project: Project, run: str) -> int:
    return read_json(project.artifact(run, "k_selection.json"))["criteria"]["3"]["smallest"]


@pytest.mark.parametrize("run", ["high", "low"])
def test_a_few_far_out_change_no_segment(made, run):
    plain, found = (read_json(made.artifact(name, "k_selection.json")) for name in ("plain", run))
    assert (plain["k"], plain["verdict"]) == (3, "natural")
    for k, row in found["criteria"].items():  # every criterion, resample and table without structure
        smallest = row.pop("smallest", None)
        assert smallest is None or smallest >= plain["criteria"][k].pop("smallest")
        assert row == plain["criteria"][k]
    assert found["criteria"].keys() == plain["criteria"].keys()
    told = ("k", "verdict", "favourites", "stable", "null", "dissent", "customers")
    assert {key: found[key] for key in told} == {key: plain[key] for key in told}
    assert _smallest(made, run) == min(read_json(made.artifact(run, "model.json"))["sizes"])
    own, others = (_segments(made, name) for name in ("plain", run))
    pd.testing.assert_frame_equal(others[:GROUPED], own)
    assert others["segment"][GROUPED:].isin([1, 2, 3]).all()  # they have one too
    whole = read_json(made.artifact(run, "model.json"))
    assert sum(whole["sizes"]) == whole["customers"] == GROUPED + len(RUNS[run][1])
    assert whole["inertia"] == read_json(made.artifact("plain", "model.json"))["inertia"]


def test_centres_and_their_intervals_are_those_without_them_sizes_are_of_all(made):
    plain, high = (read_json(made.artifact(name, "profiles.json"))["segments"] for name in ("plain", "high"))
    for own, other in zip(plain, high, strict=True):
        kept = ("name", "centre", "centre_interval", "levels", "index")
        assert {key: other[key] for key in kept} == {key: own[key] for key in kept}
    assert [profile["size"] for profile in high] == [70, 71, 70]
    assert high[1]["share"] == 71 / 211


def test_they_are_named_as_far_out_and_few_are_not_counted(made):
    assert made.page("low").count("Two customers lie so far out") == 4  # summary (screen, print), chapters 3, 4
    assert made.page("high").count("Fewer than 10 customers lie so far out") == 4
    assert "so far out" not in made.page("plain")
    assert "210 customers" in made.page("low")
    assert "210 customers" not in made.page("high")  # of 211 one would be left
