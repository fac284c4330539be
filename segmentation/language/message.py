"""Messages: whole sentences with named places, told in the language of the reader.

The key of a message is its English text. `tests/catalogue.py` collects the messages into one gettext catalogue a
language, `segmentation/language/<language>.po`, which is read as it is.
"""

import gettext
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from segmentation.language.reader import spoken
from segmentation.language.signs import whole

NUMERALS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def tr(message: str, /, **values: object) -> str:
    """Tell a message, whose {places} are filled with `values`, which are told already."""
    return _filled(catalogue(spoken()).get(message, message), values)


def trc(context: str, message: str, /, **values: object) -> str:
    """Tell a message whose words alone do not say what they mean: trc("of a level", "high")."""
    return _filled(catalogue(spoken()).get((context, message), message), values)


def trn(one: str, many: str, n: int, /, **values: object) -> str:
    """Tell a message in the form that goes with a number; {n} is the number in words, unless `values` has it.

    Of none it is told as of many: where French has the form of one, that may say "une ligne".
    """
    forms = catalogue(spoken()).get((one, many))
    text = forms[plural(spoken())(n) if n else -1] if forms else one if n == 1 else many
    return _filled(text, {"n": numeral(n)} | values)


def mark(message: str) -> str:
    """Mark a message that is kept as it is, and told by `tr` later."""
    return message


def markc(context: str, message: str) -> str:
    """Mark a message of `trc` that is kept as it is."""
    return message


def numeral(n: int) -> str:
    """Return a small number in words, "no" to "twelve", a larger one, or one without a word, in digits."""
    word = catalogue(spoken()).get(("a number", NUMERALS[n]), NUMERALS[n]) if 0 <= n < len(NUMERALS) else None
    return word or whole(n)


@cache
def catalogue(language: str) -> Mapping:
    """Return the messages of a language by message, (context, message) or (one, many); empty of English."""
    path = catalogue_path(language)
    if not path.is_file():
        return {}
    from babel.messages.pofile import read_po  # takes a moment that an English report does not need

    with path.open("rb") as file:
        told = [message for message in read_po(file, locale=language) if message.id and message.string]
    return {_key(message): message.string for message in told if not message.fuzzy and all(message.string or ())}


def catalogue_path(language: str) -> Path:
    """Return where the messages of a language lie; of English there are none."""
    return Path(__file__).with_name(f"{language}.po")


@cache
def plural(language: str):
    """Return what tells which form of a message goes with a number."""
    if language == "en":
        return lambda n: int(n != 1)
    from babel.messages.plurals import get_plural

    return gettext.c2py(get_plural(language).plural_expr)


def _key(message):
    return (
        tuple(message.id) if message.pluralizable else (message.context, message.id) if message.context else message.id
    )


def _filled(text: str, values: Mapping[str, object]) -> str:
    return text.format(**values) if values else text.replace("{{", "{").replace("}}", "}")
