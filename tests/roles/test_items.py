"""Questionnaires that nobody has described: their items form the segments, and what else there is describes them."""

import numpy as np
import pandas as pd
import pytest

from segmentation.roles.guess import Guess, guess_columns
from segmentation.tables.sources import locate
from tests.conftest import ROOT

SHARED = ROOT.parent / "shared"
YES_NO = ("survey-yes-no", "survey-0-1")
WORDS = [
    *(
        "yes/no",
        "Ja/Nein",
        "oui/non",
        "Sí/No",
        "sì/no",
        "Sim/Não",
        "tak/nie",
        "EVET/HAYIR",
        "ja/nee",
        "да/нет",
        "是/否",
    ),
    *("はい/いいえ", "TRUE/FALSE", "WAHR/FALSCH", "1/0", "1.0/0.0"),
]


def _guess(table: pd.DataFrame, tmp_path) -> dict[str, Guess]:
    table.to_csv(tmp_path / "t.csv", index=False)
    return {guess.name: guess for guess in guess_columns(locate("DATA", str(tmp_path / "t.csv")))}


def _features(guesses: dict[str, Guess]) -> list[str]:
    return [name for name, guess in guesses.items() if guess.spec["role"] == "feature"]


def _shared(name: str) -> dict[str, Guess]:
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"{name} is not here")
    return {guess.name: guess for guess in guess_columns(locate("DATA", str(path)))}


def _answers(rows: int, **words: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {name: rng.choice(both.split("/"), rows) for name, both in words.items()}


def _ratings(names: list[str], rows: int = 90, low: int = 1, high: int = 5) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    return {name: rng.integers(low, high + 1, rows) for name in names}


def _ids(rows: int) -> dict[str, list[str]]:
    return {"respondent": [f"R{i:03}" for i in range(rows)]}


@pytest.mark.parametrize(
    ("name", "features"),
    [
        ("survey-yes-no", ["tasty", "cheap", "fast", "healthy", "spicy"]),
        ("survey-0-1", [f"motive_{what}" for what in ("rest", "sport", "culture", "nature", "fun", "budget")]),
        ("survey-likert", [f"rate_{what}" for what in ("wifi", "seat", "food", "crew", "clean", "price")]),
        ("likert-60-rows", ["q1", "q2", "q3", "q4", "q5", "q6"]),
        ("likert-400-rows", ["q1", "q2", "q3", "q4", "q5", "q6"]),
    ],
)
def test_the_answers_of_a_questionnaire_form_the_segments(name, features):
    guesses = _shared(f"cases/{name}.csv")
    assert _features(guesses) == features
    assert guesses["respondent"].spec == {"role": "id"}
    kind = {"type": "yes/no"} if name in YES_NO else {"type": "rating", "min": 1, "max": 5}
    assert all(guesses[feature].spec == {"role": "feature"} | kind for feature in features)


def test_eleven_words_about_a_brand_form_the_segments_and_the_rest_describes():
    guesses = _shared("data/mcdonalds.csv")
    words = [
        *("yummy", "convenient", "spicy", "fattening", "greasy", "fast"),
        *("cheap", "tasty", "expensive", "healthy", "disgusting"),
    ]
    assert _features(guesses) == words
    rest = {name: guess.spec for name, guess in guesses.items() if name not in words}
    assert {name: (spec["role"], spec.get("type")) for name, spec in rest.items()} == {
        "like": ("descriptor", "ordinal"),
        "age": ("descriptor", None),
        "visit_frequency": ("descriptor", "category"),
        "gender": ("descriptor", "category"),
    }
    assert [*rest["like"]["categories"]] == ["I hate it!-5", *map(str, range(-4, 5)), "I love it!+5"]


@pytest.mark.parametrize("words", WORDS)
def test_yes_and_no_are_known_in_many_languages(tmp_path, words):
    table = _ids(40) | _answers(40, tasty=words, cheap=words, fast=words)
    assert _features(_guess(pd.DataFrame(table), tmp_path)) == ["tasty", "cheap", "fast"]


def test_one_and_two_are_not_yes_and_no(tmp_path):
    table = (
        _ids(90) | _answers(90, m_a="1/2", m_b="1/2", m_c="1/2") | {"spend": np.random.default_rng(3).normal(9, 2, 90)}
    )
    guesses = _guess(pd.DataFrame(table), tmp_path)
    assert {guess.spec.get("type") for name, guess in guesses.items() if name[:2] == "m_"} == {"category"}
    assert _features(guesses) == ["spend"]


@pytest.mark.parametrize("rows", [40, 80, 800])
def test_roles_depend_neither_on_the_order_nor_on_the_number_of_rows(tmp_path, rows):
    names = ["Sitzkomfort", "Essen an Bord", "WLAN", "Preis", "Personal"]
    table = pd.DataFrame(_ids(800) | _ratings(names, 800) | {"km": np.random.default_rng(4).integers(100, 4000, 800)})
    turned = table.sample(rows, random_state=5)[table.columns[::-1]]
    guesses = _guess(turned, tmp_path)
    assert sorted(_features(guesses)) == ["essen_an_bord", "personal", "preis", "sitzkomfort", "wlan"]
    assert guesses["km"].reason == "an amount beside a questionnaire"


def test_a_few_items_beside_amounts_describe(tmp_path):
    rng = np.random.default_rng(6)
    amounts = {name: rng.normal(100, 20, 90).round(2) for name in ("tenure", "monthly_charges", "total_charges")}
    table = (
        _ids(90) | amounts | _answers(90, Partner="Yes/No", PhoneService="Yes/No", Paperless="Yes/No", Churn="Yes/No")
    )
    guesses = _guess(pd.DataFrame(table | _answers(90, SeniorCitizen="0/1")), tmp_path)
    assert _features(guesses) == [*amounts]
    assert [guess.spec["type"] for guess in guesses.values() if "type" in guess.spec] == ["yes/no"] * 5


def test_amounts_win_over_the_permissions_of_a_shop(tmp_path):
    rng = np.random.default_rng(7)
    amounts = {"revenue": rng.normal(100, 20, 90).round(2), "orders": rng.poisson(30, 90)}
    asked = _answers(90, permission_mail="0/1", permission_sms="0/1", permission_post="0/1")
    assert _features(_guess(pd.DataFrame(_ids(90) | amounts | asked), tmp_path)) == ["revenue", "orders"]


def test_what_a_name_says_of_a_person_or_an_outcome_is_no_item(tmp_path):
    asked = _answers(90, tasty="yes/no", cheap="yes/no", fast="yes/no", churned="yes/no", senior="yes/no")
    assert _features(_guess(pd.DataFrame(_ids(90) | asked), tmp_path)) == ["tasty", "cheap", "fast"]


def test_a_category_in_columns_is_no_questionnaire(tmp_path):
    town = np.random.default_rng(8).choice(["north", "south", "west"], 90)
    table = _ids(90) | {f"town_{name}": (town == name).astype(int) for name in ("north", "south", "west")}
    guesses = _guess(pd.DataFrame(table | {"spend": np.random.default_rng(3).normal(9, 2, 90)}), tmp_path)
    assert _features(guesses) == ["spend"]


def test_counts_are_no_ratings(tmp_path):
    rng = np.random.default_rng(9)
    counts = {f"visits_{month}": rng.poisson(mean, 200) for month, mean in (("jan", 1), ("feb", 2), ("mar", 3))}
    guesses = _guess(pd.DataFrame(_ids(200) | counts | {"spend": rng.normal(100, 20, 200)}), tmp_path)
    assert "rating" not in {guess.spec.get("type") for guess in guesses.values()}


def test_an_item_need_not_use_every_point_and_one_on_another_scale_is_none(tmp_path):
    table = _ids(60) | _ratings(["q1", "q2", "q3", "q4"], 60) | _ratings(["q5"], 60, 2, 4) | _ratings(["q6"], 60, 0, 10)
    guesses = _guess(pd.DataFrame(table), tmp_path)
    assert _features(guesses) == ["q1", "q2", "q3", "q4", "q5"]
    assert (guesses["q5"].spec["min"], guesses["q5"].spec["max"]) == (1, 5)


def test_gaps_are_filled_where_too_many_rows_have_one_and_an_item_that_few_answered_describes(tmp_path):
    table = pd.DataFrame(_ids(100) | _ratings([f"q{i}" for i in range(1, 8)], 100)).astype(object)
    for i in range(1, 7):
        table.loc[range(i * 10, i * 10 + 8), f"q{i}"] = ""
    table.loc[range(60), "q7"] = ""
    guesses = _guess(table, tmp_path)
    assert _features(guesses) == [f"q{i}" for i in range(1, 7)]
    assert [guesses[f"q{i}"].spec.get("missing") for i in range(1, 7)] == ["median"] * 4 + [None] * 2
    assert guesses["q7"].spec == {"role": "descriptor", "type": "rating", "min": 1, "max": 5}


@pytest.mark.parametrize(
    "headers", [["对价格的满意度", "对服务的满意度", "对位置的满意度"], ["Frage 1", "Frage 2", "Frage 3"]]
)
def test_items_are_alike_in_name_in_any_script(tmp_path, headers):
    rest = {f"note {i}": [f"{i} {row % 7}" for row in range(90)] for i in "abcdefgh"}
    guesses = _guess(pd.DataFrame(_ids(90) | _ratings(headers) | rest), tmp_path)
    assert [guess.header for guess in guesses.values() if guess.spec["role"] == "feature"] == headers


def test_levels_with_words_are_no_category_unless_few_have_one(tmp_path):
    liked = ["bad 1", "2", "3", "4", "good 5"] * 20
    table = pd.DataFrame(_ids(100) | {"liked": liked, "spend": np.random.default_rng(3).normal(9, 2, 100)})
    assert [*_guess(table, tmp_path)["liked"].spec["categories"]] == ["bad 1", "2", "3", "4", "good 5"]
    table["liked"] = ["2", "3", "4", "good 5"] * 23 + ["bad 1"] * 8
    assert _guess(table, tmp_path)["liked"].spec == {"role": "descriptor", "type": "category"}
