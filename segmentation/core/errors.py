"""The faults that a user can mend, each with its exit code, and the commands that mend them."""

import os
import re
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from subprocess import list2cmdline

MOST_SHOWN = 300  # letters of a foreign message
OF_MEMORY = re.compile(r"MemoryError|out ?of ?memory|allocat|failed to map segment|bad.alloc|start new thread", re.I)
NO_MEMORY = "there is too little memory; end other programs, or use a machine with more"
CALLED_BY = "SEGMENTATION_CALLED"  # what stands before the name of a command: the Makefile says make
SCRIPTS = ("segmentation-report", "segmentation")  # of an installed package
# Told where the way of calling may not matter, as in the files of a run: in the project make, else what is installed.
AT_HOME = SCRIPTS[0] if (Path(__file__).parents[1] / "shipped").is_dir() else "make"
# What a command needs beyond a report: the modules of each extra in pyproject.toml.
EXTRAS = {
    "dashboard": ("streamlit", "plotly", "starlette"),
    "lab": ("jupyterlab",),
    "pdf": ("weasyprint",),
    "slides": ("pptx", "pyreveal"),
    "postgres": ("psycopg",),
    "spark": ("pyspark",),
}
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


def remember_call() -> None:
    """Keep for this process and its children how the program was called, where make or a parent did not."""
    name = Path(sys.argv[0]).stem
    os.environ.setdefault(CALLED_BY, name if name in SCRIPTS else "python -m segmentation")


def program() -> str:
    """Return what is typed before a command where make is not meant: the name of the program."""
    called = _called()
    return "python -m segmentation" if called == "make" else called


def as_command(name: str, /, *, by: str | None = None, **options: str | int | None) -> str:
    """Return a command as it is typed, in the words of the way this one was called.

    Parameters
    ----------
    by : str, optional
        What stands before the name, however this one was called: AT_HOME where the same bytes must come out.
    options : str or int
        Each with its value; True of a flag.

    Returns
    -------
    str
        `make report RUN=april`, or `segmentation report --run april`.
    """
    by = by or _called()
    return " ".join([by, name, *(as_option(one, value, by=by) for one, value in options.items())])


def as_option(name: str, value: object = None, /, *, by: str | None = None) -> str:
    """Return an option as it is typed: `RUN=` or `--run`, and with a value `RUN=april` or `--run april`."""
    by = by or _called()
    flag = value is True
    if by == "make":
        return f"{name.upper()}={'1' if flag else _word(value, quote)}"
    word = "" if flag else _word(value, (lambda text: list2cmdline([text])) if os.name == "nt" else quote)
    return f"--{name.lower()}" + (f"{'=' if word.startswith('-') else ' '}{word}" if word else "")


def _called() -> str:
    return os.environ.get(CALLED_BY) or AT_HOME


def _word(value: object, quoted: Callable[[str], str]) -> str:
    """Return a value as one word of a shell; an ellipsis stands for what only the reader knows."""
    return "" if value is None else "…" if value == "…" else quoted(str(value))


def require_extra(name: str, what: str) -> None:
    """Refuse `what`, which needs one of the EXTRAS, where that is not installed.

    Raises
    ------
    UsageError
        With the command that installs it.
    """
    missing = [module for module in EXTRAS[name] if not find_spec(module)]
    if not missing:
        return
    if AT_HOME == "make":
        by_hand = "pip install --require-hashes --only-binary :all: -r requirements.txt"
        remedy = f"make {name}" if _called() == "make" or name == "spark" else f"make {name}, or {by_hand}"
    else:
        package = f"'{AT_HOME}[{name}]'"
        remedy = f"pip install {package}, or with uvx: uvx --from {package} {AT_HOME} …"
    raise UsageError(f"{what} needs {' and '.join(missing)}, which a report alone does not; install it: {remedy}")


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
