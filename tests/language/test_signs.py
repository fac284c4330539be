"""The signs of each language are those of the CLDR, and its catalogue is read as gettext reads it."""

from datetime import date

import pytest
from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po

from segmentation.language import speak
from segmentation.language.message import _told, catalogue, catalogue_path
from segmentation.language.reader import LANGUAGES
from segmentation.language.signs import OF_LANGUAGE, Signs
from segmentation.language.writing import day, either, listing

OTHERS = sorted({*LANGUAGES} - {"en"})


@pytest.fixture(autouse=True)
def _english_again():
    yield
    speak("en")


def test_each_language_has_signs():
    assert set(OF_LANGUAGE) == {*LANGUAGES}


@pytest.mark.parametrize("language", OTHERS)
def test_signs_lists_days_and_plurals_are_those_of_the_cldr(language):
    speak(language)
    locale, signs = Locale.parse(language), Signs.of(language)
    marks, [percent] = locale.number_symbols["latn"], locale.percent_formats.values()
    assert (signs.decimal, signs.group) == (marks["decimal"], marks["group"])
    assert signs.percent == percent.pattern.replace("#,##0", "{}")
    assert signs.plural == get_plural(language).plural_expr
    for words in ([], ["a"], ["a", "b"], ["a", "b", "c"], ["a", "b", "c", "d"]):
        assert listing(words) == format_list(words, locale=language)
        assert either(words) == (format_list(words, style="or", locale=language))
    for month in range(1, 13):
        assert day(date(2026, month, 9)) == format_date(date(2026, month, 9), "long", locale=language)


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_is_read_as_gettext_reads_it(language):
    with catalogue_path(language).open("rb") as file:
        told = [one for one in read_po(file, locale=language) if one.id and one.string and not one.fuzzy]
    keys = {
        tuple(one.id) if one.pluralizable else (one.context, one.id) if one.context else one.id: one for one in told
    }
    assert len(told) > 500
    assert dict(catalogue(language)) == {key: one.string for key, one in keys.items() if all(one.string)}


def test_what_is_fuzzy_or_not_translated_is_not_told():
    text = (
        'msgid ""\nmsgstr "Language: de\\n"\n\n#, fuzzy\nmsgid "a"\nmsgstr "A"\n\nmsgid "b"\nmsgstr ""\n\n'
        'msgid "{n} c"\nmsgid_plural "{n} cs"\nmsgstr[0] "{n} C"\nmsgstr[1] ""\n\n'
        '#: x.py\nmsgctxt "of d"\nmsgid ""\n"two "\n"\\"lines\\""\nmsgstr "zwei \\\\ Zeilen"\n\n'
        '#~ msgid "e"\n#~ msgstr "E"\n'
    )
    assert dict(_told(text)) == {("of d", 'two "lines"'): "zwei \\ Zeilen"}
