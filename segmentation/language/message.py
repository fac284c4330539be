"""Messages: whole sentences with named places, told in the language of the reader.

The key of a message is its English text. `tests/catalogue.py` collects the messages into one gettext catalogue a
language, `segmentation/language/<language>.po`, which is read as it is.
"""

import gettext
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from segmentation.language.reader import spoken
from segmentation.language.signs import Signs, whole

NUMERALS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
IN_CATALOGUE = re.compile(rf"^(msg\w+)(?:\[\d\])? ((?:{QUOTED.pattern}\s*)+)", re.M)


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
    return dict(_told(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _told(text: str) -> Iterator[tuple[Any, Any]]:
    """Yield each message of a catalogue that is translated, by its key."""
    for entry in text.split("\n\n"):
        told: dict[str, list[str]] = {}
        for kind, quoted in IN_CATALOGUE.findall(entry):
            told.setdefault(kind, []).append("".join(map(json.loads, QUOTED.findall(quoted))))
        if "#, fuzzy" in entry or not told.get("msgid", [""])[0] or not all(told["msgstr"]):
            continue
        [one], many, context, forms = told["msgid"], told.get("msgid_plural"), told.get("msgctxt"), told["msgstr"]
        yield (one, *many) if many else (*context, one) if context else one, tuple(forms) if many else forms[0]


def catalogue_path(language: str) -> Path:
    """Return where the messages of a language lie; of English there are none."""
    return Path(__file__).with_name(f"{language}.po")


@cache
def plural(language: str):
    """Return what tells which form of a message goes with a number."""
    return gettext.c2py(Signs.of(language).plural)


def _filled(text: str, values: Mapping[str, object]) -> str:
    return text.format(**values) if values else text.replace("{{", "{").replace("}}", "}")
