"""Everything that a report shows is told by a message, and every message has its German, French and Spanish."""

import re

import pytest

from segmentation.language import speak
from tests.catalogue import collected, is_told, missing, wrong_places
from tests.conftest import FAST, Project, copy_project
from tests.pseudo import english, known_words, left_in, texts_of, told_in_brackets

ENGLISH = (
    *("the", "of", "and", "is", "are", "with", "which", "that", "this", "these", "those", "their", "they", "them"),
    *("from", "than", "more", "less", "each", "every", "other", "others", "customer", "customers", "segments", "share"),
    *("shares", "between", "without", "because", "where", "what", "who", "how", "not", "shown", "hidden", "over"),
    *("under", "fewer", "mean", "value", "values", "number", "column", "columns", "row", "rows", "natural"),
    *("reproducible", "constructive", "low", "high", "average", "often", "seldom", "yes", "here", "there", "were"),
)
BOTH = ("what", "mean", "value")  # words of German papers too, or of names
SHOWN = re.compile(rf"(?<![\w.])(?:{'|'.join(word for word in ENGLISH if word not in BOTH)})(?![\w.])", re.I)


@pytest.fixture(autouse=True)
def _english_again():
    yield
    speak("en")


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A copy of the project, for reports in other languages."""
    return copy_project(tmp_path_factory.mktemp("languages"))


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_every_message_is_translated(language):
    assert [row["id"] for row in missing(language)] == []


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_a_translation_has_the_places_of_its_message(language):
    catalogue = collected(language)
    told = [message for message in catalogue if message.id and is_told(message)]
    forms = [[m.string] if isinstance(m.string, str) else list(m.string) for m in told]
    faults = {m.id: wrong_places(m, form, catalogue.num_plurals) for m, form in zip(told, forms, strict=True)}
    assert {text: fault for text, fault in faults.items() if fault} == {}


def test_what_a_report_shows_is_told_by_messages(project):
    told_in_brackets(project, ["report", "--dataset", "sample", "--run", "pseudo", "--k", "5", *FAST])
    assert left_in(project.page("pseudo"), known_words(project, "pseudo", ["customers.csv"])) == {}


def test_a_german_report_has_no_english_word(project):
    done = project.call("report", "--dataset", "sample", "--run", "de", "--k", "5", "--lang", "de", *FAST)
    assert done.returncode == 0, done.stderr
    known = known_words(project, "de", ["customers.csv"])
    found = [(place, text) for place, text in texts_of(project.page("de")) if SHOWN.search(text)]
    assert [(place, text) for place, text in found if SHOWN.search(" ".join(english(text, known)))] == []
