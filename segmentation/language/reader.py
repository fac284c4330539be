"""The reader: in which language is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

LANGUAGES = ("en", "de", "fr", "es")

_told = threading.local()  # the dashboard tells runs of several languages, each in a thread of its own
_first = {"language": "en"}


def speak(language: str) -> None:
    """Tell all that is told from here on in this language: in this thread, from the main one in every other too."""
    if language not in LANGUAGES:
        raise ValueError(f"language is {language!r}; expected one of {', '.join(LANGUAGES)}")
    _told.language = language
    if threading.current_thread() is threading.main_thread():
        _first["language"] = language


def spoken() -> str:
    """Return the language in which is told now."""
    return getattr(_told, "language", _first["language"])


@contextmanager
def telling_in(language: str) -> Iterator[None]:
    """Tell in another language for a while, in this thread alone."""
    before = spoken()
    _told.language = language
    try:
        yield
    finally:
        _told.language = before
