"""Numbers, shares, intervals, lists and days are written as each language writes them."""

import pytest

from segmentation.core.dataset import Dataset
from segmentation.language import message as messages
from segmentation.language import numeral, speak, tr, trc, trn
from segmentation.language.message import plural
from segmentation.language.writing import (
    amount,
    day,
    either,
    fixed,
    listing,
    percent,
    shares,
    show_p,
    signed,
    ungrouped,
    whole,
)

THIN, CLOSE_UP = "\u202f", "\xa0"


@pytest.fixture(autouse=True)
def _english_again():
    yield
    speak("en")


@pytest.mark.parametrize(
    ("language", "one", "two", "three"),
    [
        ("en", "1,191.5", "12,191", "-1,000"),
        ("de", "1.191,5", "12.191", "-1.000"),
        ("fr", f"1{THIN}191,5", f"12{THIN}191", f"-1{THIN}000"),
        ("es", "1191,5", "12.191", "-1000"),  # CLDR: no group of one digit
    ],
)
def test_marks_of_numbers_are_those_of_cldr(language, one, two, three):
    speak(language)
    assert (fixed(1191.5, 1), whole(12191), fixed(-1000)) == (one, two, three)


def test_a_percentage_is_written_alike_whether_it_is_a_share_or_the_unit_of_a_column():
    assert (amount(0, "%"), percent(0)) == ("0%", "0%")
    speak("de")
    assert amount(12.5, "%") == percent(0.125, 1) == f"12,5{CLOSE_UP}%"


def test_a_share_an_amount_and_a_figure_in_german():
    speak("de")
    assert percent(0.145, 1) == f"14,5{CLOSE_UP}%"
    assert shares([1, 3]) == [f"25{CLOSE_UP}%", f"75{CLOSE_UP}%"]
    assert amount(1191, "€") == f"1.191{CLOSE_UP}€"
    assert (amount(0.034), amount(12.0), signed(-0.3), signed(-0.001)) == ("0,034", "12", "−0,30", "0,00")
    assert (show_p(0.0001), show_p(0.04)) == ("< 0,001", "0,040")


@pytest.mark.parametrize(
    ("language", "all_of", "one_of", "date"),
    [
        ("en", "a, b and c", "a, b or c", "2026-11-29"),
        ("de", "a, b und c", "a, b oder c", "29. November 2026"),
        ("fr", "a, b et c", "a, b ou c", "29 novembre 2026"),
        ("es", "a, b y c", "a, b o c", "29 de noviembre de 2026"),
    ],
)
def test_lists_and_days(language, all_of, one_of, date):
    speak(language)
    assert (listing("abc"), either("abc"), day("2026-11-29")) == (all_of, one_of, date)


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_a_year_has_no_groups(language):
    speak(language)
    assert ungrouped(fixed(1985)) == "1985"
    born = {"born": {"role": "feature", "label": "Year of birth"}}
    assert Dataset(title="T", columns=born).amount("born", 1985.0) == "1985"


def test_a_message_is_told_by_its_plural_its_context_and_its_places(monkeypatch):
    told = {
        "Cut by {who}.": "Geteilt von {who}.",
        ("of a level", "high"): "hoch",
        ("{n} customer", "{n} customers"): ("{n} Kunde", "{n} Kunden"),
        ("a number", "two"): "zwei",
    }
    monkeypatch.setattr(messages, "catalogue", lambda language: told if language == "de" else {})
    speak("de")
    assert tr("Cut by {who}.", who="{x}") == "Geteilt von {x}."
    assert (trc("of a level", "high"), trc("of a price", "high")) == ("hoch", "high")
    assert [trn("{n} customer", "{n} customers", n) for n in (1, 2, 13)] == ["one Kunde", "zwei Kunden", "13 Kunden"]
    assert trn("{n} customer", "{n} customers", 1, n="1") == "1 Kunde"
    monkeypatch.setattr(messages, "catalogue", lambda _: {("{n} row", "{n} rows"): ("une ligne", "{n} lignes")})
    speak("fr")
    assert trn("{n} row", "{n} rows", 0, n="0") == "0 lignes"
    speak("en")
    assert (trn("{n} customer", "{n} customers", 0), numeral(12)) == ("no customers", "twelve")


@pytest.mark.parametrize(("language", "of_none"), [("de", 1), ("fr", 0), ("es", 1)])
def test_plural_forms_are_those_of_the_header(language, of_none):
    header = messages.catalogue_path(language).read_text(encoding="utf-8")
    rule = {0: "plural=(n > 1)", 1: "plural=(n != 1)"}[of_none]
    assert f"nplurals=2; {rule};" in header
    assert [plural(language)(n) for n in (0, 1, 2, 1_000_000)] == [of_none, 0, 1, 1]
