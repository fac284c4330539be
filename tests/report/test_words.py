"""The words of a report: what was assumed is called so, and columns are called as their table calls them."""

import html
import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

from segmentation.core import files
from segmentation.core.dataset import Dataset
from segmentation.core.text import in_sentence
from segmentation.customers.customers import Customers
from segmentation.customers.tell import broken_rules, categories
from segmentation.language.writing import ranging
from segmentation.report.dashboard import SegmentedCustomers
from segmentation.report.tell.card import _tell_descriptor
from segmentation.runs import tell as runs_tell
from segmentation.runs.manifest import open_finished
from segmentation.segments.profiles import actions_table
from segmentation.segments.tell import belonging, sizes
from tests.conftest import FAST, Project, copy_project, made_once


def german_table() -> pd.DataFrame:
    """Draw 120 customers of a German shop in two groups."""
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "Kunden-Nr": [f"K{i:03}" for i in range(120)],
            "Umsatz gesamt": np.exp(rng.normal(np.repeat([3, 5], 60), 0.4)).round(2),
            "Anzahl Bestellungen": rng.poisson(np.repeat([4, 40], 60)),
            "Lieblingsfarbe": rng.choice(["rot", "blau"], 120),
        }
    )


def _make(folder: Path, features: list[str]) -> Project:
    project = copy_project(folder)
    german_table().to_csv(folder / "laden.csv", index=False)
    done = project.call("report", "--data", str(folder / "laden.csv"), *features, *FAST, drawn=False)
    assert done.returncode == 0, done.stderr
    (project.root / "told.txt").write_text(done.stdout, encoding="utf-8")
    return project


@pytest.fixture(scope="session")
def german(tmp_path_factory) -> Project:
    """A copy of the project with a report on a German table that nobody has described."""
    return made_once(tmp_path_factory, "german", partial(_make, features=[]))


def said(page: str) -> str:
    """Return the words of a page, without its scripts and parameters."""
    words = re.sub(
        r"<(script|style)\b.*?</\1>|<table>\s*<caption>[^<]*<b>[^<]*</b>[^<]*parameters", "", page, flags=re.S
    )
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", words)).split())


def test_the_first_lines_name_the_features_and_say_assumed(german):
    told = (german.root / "told.txt").read_text(encoding="utf-8").splitlines()
    formed = "Its segments are formed by Umsatz gesamt and Anzahl Bestellungen, and that is assumed"
    assert told[0] == "Two segments among 120 customers"
    assert formed in told[1]
    page = said(german.page("laden"))
    assert page.index(formed) < page.index("How sure?")
    assert "<td>assumed</td></tr>" in re.search(r"<tr><th scope=\"row\">features</th>.*", german.page("laden"))[0]


def test_the_terminal_lists_each_column_with_role_and_reason(german):
    told = (german.root / "told.txt").read_text(encoding="utf-8").splitlines()
    at = next(i for i, line in enumerate(told) if line.split() == ["column", "role", "why"])
    words = " ".join(" ".join(told[at + 1 :]).split())  # the last column goes on below
    assert words.startswith(
        "Kunden-Nr id its name says so, and every value is another "
        "Umsatz gesamt feature and value an amount; its name says what customers bring, so it is a value "
        "Anzahl Bestellungen feature an amount "
        "Lieblingsfarbe descriptor 2 different texts"
    )


def test_german_nouns_keep_their_capitals(german):
    low, high = german_profiles(german)
    named = {*low.name.split(", "), *high.name.split(", ")}
    assert {name.casefold() for name in named} == {"seldom", "often", "spent little", "spent much"}
    assert {*low.level_name.split(", ")} in ({"Seldom", "spent little"}, {"Spent little", "seldom"})
    asked = german.artifact("laden", "profiles.csv").read_text(encoding="utf-8-sig").partition("\n")[0]
    assert {"Umsatz gesamt", "Anzahl Bestellungen"} <= {*asked.split(";"), *asked.split(",")}


def german_profiles(project: Project):
    from segmentation.core.files import read_json
    from segmentation.runs.artifacts import Profiles

    return Profiles.model_validate(read_json(project.artifact("laden", "profiles.json"))).segments


def test_a_label_is_small_in_a_sentence_only_where_it_is_english_for_certain():
    assert [in_sentence(label) for label in ("Annual income", "Spending score", "Age")] == [
        "annual income",
        "spending score",
        "age",
    ]
    kept = ["Umsatz gesamt", "Alter", "Annual Income", "Amazon visits", "ARPU", "Tage seit Kauf", "7 Days"]
    assert [in_sentence(label) for label in kept] == kept


def test_features_that_a_person_named_are_not_called_assumed():
    columns = {name: {"role": "feature", "label": name.upper()} for name in "abcdefghijkl"}
    dataset = Dataset(title="T", columns=columns)
    typed = runs_tell.assumed("assumed", dataset, ["a", "b"], "command line")
    assert typed.startswith("Nobody has described this table. Its segments are formed by A and B, as FEATURES says")
    assert "A, B, C, D, E, F, G, H and 4 others, and that is assumed" in runs_tell.assumed(
        "assumed", dataset, list(columns), "assumed"
    )
    assert runs_tell.assumed("shop", dataset, ["a"], "dataset.yaml") is None
    used = {label: (role, why) for label, role, why in runs_tell.roles(dataset, ["a"])}
    assert (used["A"], used["B"]) == (("feature", ""), ("descriptor", "not in FEATURES"))


def test_a_long_list_of_columns_can_be_read_at_eighty_columns(fresh, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    rng = np.random.default_rng(1)
    table = {f"Frage {i} zu einem Thema mit einem sehr langen Titel": rng.choice(["ja", "nein"], 60) for i in range(84)}
    table = {"Umsatz": rng.normal(50, 9, 60).round(2), "Branche 年齢": rng.integers(100, 180, 60), **table}
    pd.DataFrame(table).to_csv(tmp_path / "wide.csv", index=False)
    done = fresh.call("dataset", "--name", "wide", "--data", str(tmp_path / "wide.csv"))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split("data/wide/dataset.yaml is written")[0].splitlines()
    assert max(map(len, lines)) <= 80
    told = {"column": "role", "Umsatz": "value", "Branche 年齢": "descriptor", "Frage 0": "feature"}
    starts = {line.index(role) for line in lines for name, role in told.items() if line.startswith(f"{name} ")}
    assert starts == {32, 30}  # two letters of four columns
    starts = [line for line in lines if line.startswith("Frage ")]
    assert len(starts) == 84
    assert any(line.startswith("Branche 年齢") for line in lines)


def test_no_name_of_dataset_yaml_stands_where_a_label_could(german):
    page = german.page("laden")
    page = re.sub(r'<div class="jp-InputArea.*?</pre>|<pre.*?</pre>', "", page, flags=re.S)
    assert "umsatz" not in re.sub(r"umsatz_gesamt(?= Umsatz gesamt feature|,anzahl)", "", said(page))


def test_a_broken_rule_names_the_column_by_its_label():
    account = SimpleNamespace(
        rules={"umsatz: at least 0": 3, "row: 5 cells": 1}, clean=9, rows_in=13, rejected=4, collapsed=0
    )
    dataset = Dataset(title="T", columns={"umsatz": {"role": "feature", "label": "Umsatz gesamt"}})
    rules = broken_rules(account, dataset)["broken rule"].tolist()
    assert rules == ["Umsatz gesamt: at least 0", "row: 5 cells", "no rule: clean", "rows in"]


ANSWERS = """title: Umfrage
source: {path: answers.csv}
columns:
  news: {role: feature, type: yes/no, label: Newsletter}
  spend: {role: feature, label: Umsatz, unit: EUR}
  app: {role: feature, type: yes/no, label: App}
privacy: rows
"""


def answers_table() -> pd.DataFrame:
    """Return 40 customers of low spending, of whom 30 get the newsletter, and 40 of high spending, of whom none do."""
    news = ["ja"] * 30 + ["nein"] * 50
    spend = [10 + i % 3 for i in range(40)] + [990 + i % 3 for i in range(40)]
    return pd.DataFrame({"news": news, "spend": spend, "app": ["ja", "nein"] * 40})


@pytest.fixture(scope="session")
def answers(tmp_path_factory) -> Project:
    """A copy of the project with a report on features that are yes or no."""

    def make(folder: Path) -> Project:
        project = copy_project(folder)
        place = project.root / "data" / "answers"
        place.mkdir()
        (place / "dataset.yaml").write_text(ANSWERS)
        answers_table().to_csv(place / "answers.csv", index=False)
        words = ["--dataset", "answers", "--features", "news,spend", "--k", "2", *FAST]
        done = project.call("report", *words, drawn=False)
        assert done.returncode == 0, done.stderr
        return project

    return made_once(tmp_path_factory, "answers", make)


def test_the_mean_of_yes_and_no_is_a_share_of_yes(answers):
    page = said(answers.page("answers"))
    table = page[page.index("Centre in original units") :]
    assert re.search(r"75% yes \(\d+% to \d+%\)", table)
    assert "Newsletter is highest in" in page
    assert re.search(r"Newsletter is highest in [^.]*?\(75% yes\) and lowest in [^.]*?\(0% yes\)\.", page)
    assert "Newsletter: 38% yes." in page  # 30 of 80
    assert "Newsletter 75% (all 38%)" in page
    assert re.search(
        r"High Umsatz, not Newsletter 0% yes \([^)]*\) 991 \(.*? Newsletter 75% yes \([^)]*\) 11 \(", table
    )


def test_one_answer_is_a_word(answers, monkeypatch):
    dataset = Dataset.model_validate(yaml.safe_load(ANSWERS))
    words = ["no", "yes", "as many yes as no"]
    assert [dataset.one("news", value) for value in (0.0, 1.0, 0.5)] == words
    assert dataset.one("spend", 12.0) == "12 EUR"
    assert dataset.axis("news") == "Newsletter (0 no, 1 yes)"
    monkeypatch.setattr(files, "ROOT", answers.root)
    customers = SegmentedCustomers(open_finished("answers", None))
    assert customers.numbers["news"] == {0.0: "no", 1.0: "yes"}
    assert "Newsletter yes" in customers.marks({}, ("spend", "news"))["told"][0]


def test_of_equal_segments_none_is_the_largest():
    equal = [SimpleNamespace(segment=i, name=f"S{i}", size=20) for i in range(1, 8)]
    assert sizes(equal, 100) == "Each segment holds 20 customers. Bars: 95% intervals over 100 resamples."
    segmented = SimpleNamespace(number=140, counts=lambda name: pd.Series([20] * 7))
    told = "**Every one of the 140 customers belongs to one of seven segments**, 20 in each."
    assert belonging(segmented, "natural") == told
    equal[6].size = 19
    assert " The smallest, S7, holds 14%." in sizes(equal, 100)


def test_a_range_names_every_group_at_its_ends():
    told = {"1": "46", "2": "32", "4": "46", "5": "23.5"}
    assert ranging({"1": 46.0, "2": 32.0, "4": 46.0, "5": 23.5}, told) == "23.5 (5) to 46 (1 and 4)"
    assert ranging({"1": 46.0, "4": 46.0}, told) == ""


def test_a_share_of_those_who_are_known_says_so():
    ort = ["Oslo"] * 60 + ["Rome"] * 30 + [None] * 10
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(100)], "ort": ort, "spend": np.arange(100.0)})
    columns = {"ort": {"role": "descriptor", "type": "category"}, "spend": {"role": "feature"}}
    dataset = Dataset.model_validate({"title": "Known", "columns": columns, "privacy": "rows"})
    told = categories(Customers.of(dataset, frame), ["ort"])
    assert told == "**Ort**: Oslo 60 (67%) and Rome 30 (33%) of 90 who are known."


def test_nothing_is_recommended_where_no_action_is_given():
    profiles = pd.DataFrame({"segment": [1, 2], "name": ["one", "two"], "action": [None, None]})
    assert actions_table(profiles, "natural") is None
    assert actions_table(profiles.assign(action=["Call", None]), "natural")["what to do"].tolist() == [
        "Call",
        "none given in dataset.yaml",
    ]


def test_the_median_of_an_ordinal_is_a_word_on_a_card():
    column = {"role": "descriptor", "type": "ordinal", "categories": {"-1": [], "0": [], "+1": []}}
    dataset = Dataset(title="T", columns={"liked": column, "age": {"role": "feature", "unit": "years"}})
    told = [_tell_descriptor({"median": median}, dataset, "liked") for median in (3.0, 1.5)]
    assert told == ["+1 (median)", "-1 (median)"]
    assert _tell_descriptor({"median": 41.5}, dataset, "age") == "41.5 years (median)"


def test_where_nothing_is_found_real_columns_say_what_is_still_useful():
    found, age = SimpleNamespace(verdict_of_best="none"), {"age": {"role": "feature", "label": "Age"}}
    spend = {"spend": {"role": "descriptor", "label": "Spend", "unit": "€"}}
    money = Dataset(title="T", columns=age | spend)
    told = runs_tell.useful(found, money, ("age",))
    assert "a cut by Spend, which management sets and which needs no groups to be there" in told
    assert told.endswith("there may be groups in them that Age cannot show.")
    shop = {name: {"role": "feature", "label": name.title()} for name in ("recency", "frequency", "monetary")}
    told = runs_tell.useful(found, Dataset(title="T", columns=shop), tuple(shop))
    assert "a cut by Recency, Frequency and Monetary (RFM groups, in chapter 5)" in told
    plain = Dataset(title="T", columns={f"q{i}": {"role": "feature"} for i in range(5)})
    told = runs_tell.useful(found, plain, tuple(plain.columns))
    assert told.startswith("What is still useful: other features, if they can be collected: ")
    assert told.endswith(" that five features cannot show.")
    assert runs_tell.useful(SimpleNamespace(verdict_of_best="reproducible"), money, ("age",)) == ""
