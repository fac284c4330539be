"""Everything that a report shows is told by a message, and every message has its German, French and Spanish."""

import re

import pytest

from segmentation.language import speak
from segmentation.language.pages import told_by
from tests.browser import open_page, violations
from tests.catalogue import ROOT, collected, is_told, missing, wrong_places
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


def test_every_message_of_a_script_is_collected():
    scripts = [path.read_text(encoding="utf-8") for path in (ROOT / "report" / "template").glob("*.js")]
    calls = [call for code in scripts for call in re.findall(r"\bTN?\((?!\w)", code)]
    assert len(calls) == sum(len(list(told_by(code))) for code in scripts) > 40


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


@pytest.fixture(scope="module")
def german(project) -> Project:
    """The same with a report in German, the run `de`."""
    done = project.call("report", "--dataset", "sample", "--run", "de", "--k", "5", "--lang", "de", *FAST)
    assert done.returncode == 0, done.stderr
    return project


def test_a_german_report_has_no_english_word(german):
    assert _english_in(german, german.page("de")) == []


def test_a_german_report_is_accessible_and_explore_is_german_too(german, browser):
    with open_page(browser, german.root / "report" / "de" / "report.html") as page:
        page.locator("#unfold").click()
        page.locator("[data-part=filtered]").click()
        page.locator("[data-part=ask] input").first.fill("abc")
        wrong = page.locator("[data-part=answer]").text_content()
        page.locator("[data-part=ask] input").first.fill("1")
        page.locator("[data-part=ask] input").last.fill("1")
        assert page.locator("[data-part=answer] .lead").count() == 1
        assert _english_in(german, page.content() + f"<p>{wrong}</p>") == []
        assert violations(page) == []
        assert page.complaints == []


def _english_in(german: Project, page: str) -> list[tuple[str, str]]:
    known = known_words(german, "de", ["customers.csv"])
    found = [(place, text) for place, text in texts_of(page) if SHOWN.search(text)]
    return [(place, text) for place, text in found if SHOWN.search(" ".join(english(text, known)))]
