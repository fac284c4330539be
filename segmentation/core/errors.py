"""The faults that a user can mend, each with its exit code."""

import re
from pathlib import Path

MOST_SHOWN = 300  # letters of a foreign message
OF_MEMORY = re.compile(r"MemoryError|out ?of ?memory|allocat|failed to map segment|bad.alloc|start new thread", re.I)
NO_MEMORY = "there is too little memory; end other programs, or use a machine with more"
FOLDERS = re.compile(r"(?<![\w:/\\.~*-])(?:[A-Za-z]:)?[/\\](?:[^\s'\"/\\]+[/\\])+")


class SegmentationError(Exception):
    """A fault told in one message: what was found, what was expected, the remedy."""

    exit_code = 1


class NotebookFailed(SegmentationError):
    """A notebook stopped with an exception."""


class UsageError(SegmentationError):
    """A wrong command, parameter or dataset.yaml."""

    exit_code = 2


class DataError(SegmentationError):
    """A table or a model that cannot be used."""

    exit_code = 3


def cause(fault: BaseException, place: object = None, shown: str = "") -> str:
    """Return in one line why foreign code failed: its first line, where a file or URL is called as the message does."""
    text = str(fault).replace(str(place), shown) if place else str(fault)
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    told = first if " " in first else f"{type(fault).__name__}{first and f': {first}'}"
    return told if len(told) <= MOST_SHOWN else f"{told[: MOST_SHOWN - 1]}…"


def in_our_words(text: str, root: Path) -> str:
    """Return a foreign message without the folders of this machine: in the project a path begins at its folder."""
    if OF_MEMORY.search(text):
        return NO_MEMORY
    return FOLDERS.sub("", text.replace(f"{root}/", "").replace(f"{root}\\", ""))


def place_of(error) -> str:
    """Return where in a file an error of a pydantic model is: "columns.age.min"."""
    return ".".join(str(part) for part in error["loc"]) or "the file"


def tell_fault(error) -> str:
    """Say where an error of a pydantic model is, what was expected, and what was found."""
    said = error["msg"].removeprefix("Value error, ").replace("Tuple", "List").replace(" after validation", "")
    said = re.sub(r"a valid dictionary or (instance|object) .*", "a group of keys, each with its value", said)
    if isinstance(error["input"], dict):  # its beginning says nothing of what is wrong in it
        return f"{place_of(error)}: {said}"
    try:
        found = f"{error['input']!r:.80}"
    except ValueError:  # Python prints no number of over 4,300 digits
        found = "a number of thousands of digits"
    return f"{place_of(error)}: {said} (found {found})"
