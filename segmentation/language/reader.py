"""The reader: in which language is told."""

import threading

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
