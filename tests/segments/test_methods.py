"""Runs whose segments are formed by a mixture or by latent classes: what they say is true of their method."""

import re
from functools import partial

import numpy as np
import pandas as pd
import pytest

from segmentation.core.files import read_json
from segmentation.methods.tell import formed_by
from segmentation.runs.records import Tried
from tests.conftest import made_once, make_report

QUESTIONS = ["tasty", "cheap", "greasy", "healthy", "fast"]
SURVEY = (
    "title: Survey\nsource: {path: survey.csv}\nprivacy: rows\nmethod: latent-class\n"
    "k: 2\nk_range: [2, 2]\ncolumns:\n  id: {role: id}\n"
    + "".join(f"  {name}: {{role: feature, type: yes/no}}\n" for name in QUESTIONS)
)
LONG = """title: Long clouds
source: {path: clouds.csv}
privacy: rows
method: mixture
k: 2
k_range: [2, 2]
columns:
  id: {role: id}
  spend: {role: feature}
  visits: {role: feature}
  age: {role: descriptor}
"""


KINDS = """title: Kinds
source: {path: kinds.csv}
privacy: rows
k: 2
k_range: [2, 2]
columns:
  id: {role: id}
  city: {role: feature, type: category}
  payment: {role: feature, type: category}
  kids: {role: feature, type: yes/no}
"""


def kinds_of_customers() -> pd.DataFrame:
    """Draw 100 customers of two classes who live, pay and have children differently."""
    rng, first = np.random.default_rng(3), np.arange(100) % 2 == 0
    drawn = {
        "city": (["Rome", "Oslo"], 0.9, 0.1),
        "payment": (["card", "cash"], 0.9, 0.2),
        "kids": (["yes", "no"], 0.8, 0.1),
    }
    told = {name: np.where(rng.random(100) < np.where(first, a, b), *two) for name, (two, a, b) in drawn.items()}
    return pd.DataFrame(told).assign(id=[f"c{i}" for i in range(100)])


def answers() -> pd.DataFrame:
    """Draw 100 customers of two classes who answer five questions the other way round."""
    rng = np.random.default_rng(1)
    likely = np.where(np.arange(100)[:, None] % 2, [0.9, 0.9, 0.1, 0.1, 0.5], [0.1, 0.2, 0.9, 0.8, 0.5])
    told = np.where(rng.random(likely.shape) < likely, "yes", "no")
    return pd.DataFrame(told, columns=QUESTIONS).assign(id=[f"c{i}" for i in range(100)])


def long_clouds() -> pd.DataFrame:
    """Draw two long clouds side by side, which K-Means cuts across."""
    rng = np.random.default_rng(2)
    x, beside = rng.normal(50, 15, 100), np.repeat([0.0, 40.0], 50)
    told = {"spend": x, "visits": x + beside + rng.normal(0, 3, 100), "age": rng.integers(20, 70, 100)}
    return pd.DataFrame(told).round(2).assign(id=[f"c{i}" for i in range(100)])


@pytest.fixture(scope="session")
def survey(tmp_path_factory):
    make = partial(make_report, name="survey", described=SURVEY, table=answers(), command="report")
    return made_once(tmp_path_factory, "survey", make)


@pytest.fixture(scope="session")
def clouds(tmp_path_factory):
    make = partial(make_report, name="clouds", described=LONG, table=long_clouds(), command="report")
    return made_once(tmp_path_factory, "clouds", make)


@pytest.fixture(scope="session")
def kinds(tmp_path_factory):
    make = partial(make_report, name="kinds", described=KINDS, table=kinds_of_customers(), command="report")
    return made_once(tmp_path_factory, "kinds", make)


def _found(project, run: str) -> tuple[dict, pd.DataFrame, str]:
    selection, placed = read_json(project.artifact(run, "k_selection.json")), project.artifact(run, "segments.csv")
    return selection, pd.read_csv(placed), project.page(run)


def test_a_mixture_parts_long_clouds_and_says_what_is_true_of_it(clouds):
    selection, placed, page = _found(clouds, "clouds")
    assert selection["formed_by"] == "mixture"
    assert selection["formed_why"] == (
        "The segments are formed by Gaussian mixtures, because the analyst asked for that."
    )
    assert selection["formed_why"] in page
    rows = placed.set_index("id").loc[[f"c{i}" for i in range(100)], "segment"].to_numpy()
    assert min(len(set(rows[:50])), len(set(rows[50:]))) == 1
    assert rows[0] != rows[99]
    assert set(placed) >= {"probability", "margin", "distance"}
    voters = {row["criterion"] for row in selection["votes"] if row["votes"]}
    assert voters == {"Stability of every segment", "BIC"}
    assert "Elbow of the inertia" not in page
    assert "Ellipses: one and two standard deviations around each." in page
    assert "percentage points more probable than the next" in page
    assert "the next centroid is less than" not in page
    assert "Together their inertia" not in page
    assert read_json(clouds.artifact("clouds", "model.json"))["scores"]


def test_latent_classes_find_who_answers_alike_and_say_what_is_true_of_them(survey):
    selection, placed, page = _found(survey, "survey")
    assert selection["formed_by"] == "latent-class"
    assert selection["formed_why"].startswith(
        "The segments are formed by latent classes, because the analyst asked for"
    )
    rows = placed.set_index("id").loc[[f"c{i}" for i in range(100)], "segment"].to_numpy()
    assert max((rows[::2] == 1).sum() + (rows[1::2] == 2).sum(), (rows[::2] == 2).sum() + (rows[1::2] == 1).sum()) >= 90
    assert "Bars: the share of yes in each segment" in page
    assert "Their BIC" in page
    assert "percentage points more probable than the next" in page
    assert "customers belong to their segment with a probability of 90% or more" in page
    assert "as K-Means" not in page


def test_categories_form_segments_by_latent_classes_and_are_told_as_shares(kinds):
    selection, placed, page = _found(kinds, "kinds")
    assert (selection["formed_by"], len(selection["tried"])) == ("latent-class", 1)
    rows = placed.set_index("id").loc[[f"c{i}" for i in range(100)], "segment"].to_numpy()
    assert max((rows[::2] == 1).sum() + (rows[1::2] == 2).sum(), (rows[::2] == 2).sum() + (rows[1::2] == 1).sum()) >= 85
    assert re.search(r"City</th><td[^>]*>(Rome|Oslo) \d\d%, (Rome|Oslo) \d+%<small>", page)
    assert re.search(r"City: the share of (Rome|Oslo) runs from", page)


def _tried(*rows) -> list[Tried]:
    return [Tried(method=method, k=k, verdict=verdict) for method, k, verdict in rows]


def test_the_choice_of_a_method_has_a_reason():
    latent = formed_by("auto", _tried(("latent-class", 3, "none")), "latent-class")
    assert latent.endswith("these are made for answers, and for categories, between which there is no distance.")
    kmeans, mixture = ("kmeans", 3, "reproducible"), ("mixture", 2, "natural")
    assert formed_by("auto", _tried(("kmeans", 5, "natural")), "kmeans").endswith("K-Means: with 5 they are natural.")
    told = formed_by("auto", _tried(kmeans, mixture), "mixture")
    assert told.endswith("with 2 they are natural. Also tried: K-Means, whose verdict with 3 is reproducible.")
    told = formed_by("auto", _tried(kmeans, ("mixture", None, None)), "kmeans")
    assert "K-Means, though with 3 they are not natural (reproducible). Also tried: Gaussian mixtures." in told
    assert told.endswith("Whatever their number, no gap could be shown between its segments.")
    told = formed_by("auto", _tried(kmeans, ("mixture", 2, "none")), "kmeans")
    assert told.endswith("Also tried: Gaussian mixtures, whose verdict with 2 is none.")
