"""Writing artifacts: whole or not at all, and the same bytes every time."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from codecs import BOM_UTF8 as BOM
from collections import Counter
from contextlib import contextmanager
from encodings.aliases import aliases
from functools import cache
from pathlib import Path

import yaml

from segmentation.core.errors import UsageError
from segmentation.core.text import suggest

PACKAGE = Path(__file__).resolve().parents[1]
# What a clone has beside the package; an installed one carries it inside of itself.
OF_PROJECT = ("pyproject.toml", "notebooks/01_cleaning.ipynb", "report/template/conf.json")
INSTALLED = not all((PACKAGE.parent / mark).is_file() for mark in OF_PROJECT)
HOME = "SEGMENTATION_HOME"  # names the home of an installed package, to the processes that it starts too


def _home() -> Path:
    """Return where an installed package keeps runs: the folder that HOME names, or `segmentation` beside the caller.

    Who stands in a home already, or in a folder of it such as notebooks/, means that one: it holds runs.
    """
    if told := os.environ.get(HOME):
        return Path(told).expanduser().resolve()
    here = Path.cwd()
    around = (folder for folder in (here, *here.parents[:2]) if any(folder.glob("assets/*/.made.json")))
    return next(around, here / "segmentation")


SHIPPED = PACKAGE / "shipped" if INSTALLED else PACKAGE.parent  # notebooks, template, described datasets, the lock
ROOT = _home() if INSTALLED else SHIPPED  # the home, where everything is written; in a clone the two are one
KEPT = ".kept"  # the folder under assets/ of what was computed once (`core.store`), for a further run
ANEW = "SEGMENTATION_ANEW"  # in the environment: nothing of it is used, and nothing is added
NOT_RUNS = frozenset({"readme", "template", KEPT})  # folders that hold something else
DEVICES = re.compile(r"(?i)(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?$")  # of Windows, as .csv too
CHUNK = 2**20  # bytes
HALF = ".half"  # how the name of a file ends that is being written
# What Python takes for blanks, spelt out: for other engines of patterns \s is less.
BLANK = "[\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
FORMULA = rf"{BLANK}*[=+\-@＝＋－＠]|[\t\r\n]"
NUMBER = r"[+\-]?[0-9.,]+"
# A text that a spreadsheet takes for a formula is the one and not the other; Python, engines and browsers agree on it.
RISKY, HARMLESS = f"^'*({FORMULA})", f"^({NUMBER})$"


def require_home() -> None:
    """Refuse a home that cannot be one or is somebody's package, and tell it to every process that follows.

    Raises
    ------
    UsageError
    """
    if not INSTALLED:
        return
    if (ROOT / "__init__.py").is_file():
        raise UsageError(
            f"{shown(ROOT)} is a Python package, and no folder for reports; nothing was written. Go to another folder, "
            f"or name one in the environment: {HOME}=path/to/reports"
        )
    near = next(place for place in (ROOT, *ROOT.parents) if place.exists())
    if not near.is_dir() or (near != ROOT and not os.access(near, os.W_OK)):
        raise UsageError(
            f"{shown(ROOT)} cannot be the folder for reports: {shown(near)} is "
            f"{'not yours to write to' if near.is_dir() else 'a file'}; name another in the environment: "
            f"{HOME}=path/to/reports"
        )
    os.environ[HOME] = str(ROOT)


def found(name: str) -> Path:
    """Return where a file of the project lies: what the home holds wins over what is shipped; code is the package's.

    Where it lies nowhere yet, it is to be written to the home.
    """
    if name.startswith("segmentation/"):
        return PACKAGE.parent / name
    own, shipped = ROOT / name, SHIPPED / name
    return shipped if not own.exists() and shipped.exists() else own


def revision() -> str | None:
    """Return the git revision of a clone, ending in "-dirty" when files differ from it; None elsewhere, or without git.

    A folder of the caller's may be a repository too, or lie in one.
    """
    if INSTALLED or not (ROOT / ".git").exists():
        return None
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def bring(pattern: str) -> None:
    """Copy what is shipped and the home lacks into it, for somebody to open and edit there; nothing is written over."""
    for shipped in sorted(SHIPPED.glob(pattern)):
        own = ROOT / shipped.relative_to(SHIPPED)
        if not own.exists():
            with replacing(own) as beside:
                shutil.copyfile(shipped, beside)


def name_of(path: Path) -> str:
    """Return what `found` takes wherever home and package lie: the name of a file, or a foreign one's whole path."""
    for root, part in ((SHIPPED, SHIPPED), (PACKAGE, PACKAGE.parent), (ROOT, ROOT)):
        if path.is_relative_to(root):
            return path.relative_to(part).as_posix()
    return str(path)


def shown(path: Path) -> str:
    """Return how a path is printed: as the caller can type it, from the folder where the command was called.

    One that has nothing in common with that folder is told whole.
    """
    here = Path.cwd()
    try:
        apart = os.path.commonpath([here, path]) == here.anchor
    except ValueError:  # on another drive
        apart = True
    return path.as_posix() if apart and here != Path(here.anchor) else Path(os.path.relpath(path, here)).as_posix()


@contextmanager
def replacing(path: Path):
    """Give a path beside `path` to write to, and move it there when the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}{HALF}")
    try:
        yield beside
        beside.replace(path)
    except OSError as fault:
        if fault.filename is None or Path(fault.filename).name == beside.name:  # a full disk names no file
            fault.filename = name_of(path)
        raise
    finally:
        beside.unlink(missing_ok=True)


def sweep_halves(*folders: Path) -> None:
    """Remove what killed processes left half written in the folders of a run, which this process has locked."""
    for folder in folders:
        for left in [*folder.rglob(f".*{HALF}"), *folder.glob("notebooks/.*.ipynb")]:
            left.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with Unix line ends."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def as_json(content) -> str:
    """Return `content` as `write_json` writes it: sorted and indented; NaN is refused."""
    return json.dumps(content, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, content) -> None:
    """Write `content` as JSON."""
    write_text(path, as_json(content))


def read_json(path: Path):
    """Read a JSON artifact."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_csv(path: Path, table, *, comma: bool = False) -> None:
    """Write a frame or an Ibis table; no text in it is a formula to a spreadsheet (OWASP: CSV injection).

    Parameters
    ----------
    comma : bool
        Whether numbers have a decimal comma and cells are parted by semicolons, as half of the world's spreadsheets
        expect it.
    """
    if not is_expression(table):
        write_text(path, as_csv(table, comma=comma))
        return
    from segmentation.core.engine import write_cells  # imported here, because frames do without it

    with replacing(path) as beside:
        write_cells(as_cells(table, comma=comma), beside, ";" if comma else ",")
        _mark(beside)


def as_cells(table, *, comma: bool = False):
    """Return an Ibis table with its cells as `write_csv` writes them."""
    kinds = table.schema().items()
    told = {name: _harmless_column(table[name]) for name, kind in kinds if kind.is_string()}
    told |= {name: table[name].ifelse("True", "False") for name, kind in kinds if kind.is_boolean()}
    if comma:
        told |= {name: table[name].cast("string").replace(".", ",") for name, kind in kinds if kind.is_floating()}
    return table.mutate(**told)


def _mark(path: Path) -> None:
    """Begin a file that holds more than ASCII with a byte order mark: without one Excel shows no umlaut."""
    with path.open("rb") as file:
        if all(part.isascii() for part in iter(lambda: file.read(CHUNK), b"")):
            return
    with replacing(path) as beside, path.open("rb") as file, beside.open("wb") as marked:  # closed before it is moved
        marked.write(BOM)
        shutil.copyfileobj(file, marked, CHUNK)


def as_csv(frame, *, comma: bool = False) -> str:
    """Return a frame as `write_csv` writes it."""
    texts = frame.select_dtypes(["object", "string"]).columns
    safe = frame.assign(**{name: frame[name].map(harmless) for name in texts}).rename(columns=harmless)
    sep, decimal = (";", ",") if comma else (",", ".")
    text = safe.to_csv(index=False, lineterminator="\n", sep=sep, decimal=decimal)
    return text if text.isascii() else BOM.decode() + text


def _harmless_column(text):
    """Return the same as an expression."""
    formula = text.re_search(RISKY) & ~text.re_search(HARMLESS)
    return formula.ifelse("'" + text, text)


def harmless(value):
    """Return a text that no spreadsheet takes for a formula, and anything else as it is."""
    if not isinstance(value, str):
        return value
    text = value if "\n" in value else value.replace("\r", "\n")  # a cell is quoted for the latter alone
    return f"'{text}" if re.match(RISKY, text) and not re.fullmatch(NUMBER, text) else text


def as_it_was(text: str) -> str:
    """Undo what `write_csv` did to a text; nobody can see whether it was this program that wrote the apostrophe."""
    return text[1:] if text.startswith("'") and re.match(f"'+({FORMULA})", text) else text


def as_it_was_column(text):
    """Return the same as an expression."""
    marked = text.startswith("'") & text.re_search(f"^'+({FORMULA})")
    return marked.ifelse(text.substr(1), text)


def write_parquet(path: Path, table) -> None:
    """Write a frame without its index, or an Ibis table, the columns in their order."""
    with replacing(path) as beside:
        if is_expression(table):
            from segmentation.core.engine import write  # imported here, because frames do without it

            write(table, beside)
        else:
            table.to_parquet(beside, index=False)


def is_expression(table) -> bool:
    """Return whether a table is one of Ibis, to be computed by the engine, and no frame."""
    return hasattr(table, "to_pyarrow")


def is_same(one: Path, other: Path) -> bool:
    """Return whether two paths lead to one file or folder that is there: by links, or spelt otherwise."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits; in this process it is read once, until somebody writes it."""
    now = path.stat()
    # Who copies a file with its time can choose that, and not the time at which its entry changed.
    return _digest(path, now.st_ino, now.st_ctime_ns, now.st_mtime_ns, now.st_size)


@cache
def _digest(path: Path, *_) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class PlainLoader(yaml.SafeLoader):
    """Reads plain YAML: no tag makes an object, no alias repeats a part (a few lines of them can stand for billions).

    A key that stands twice is refused too, where YAML keeps the last one silently.
    """

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.composer.ComposerError(
                None, None, f"found the alias *{event.anchor}; write it out", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node, deep=False):
        keys = [(key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for twice, times in Counter(keys).most_common(1):
            if times > 1:
                mark = [key.start_mark for key, _ in node.value if (key.tag, key.value) == twice][1]
                raise yaml.constructor.ConstructorError(None, None, f"the key {twice[1]!r} stands twice", mark)
        return super().construct_mapping(node, deep)


def require_encoding(name: str) -> str:
    """Return the name of an encoding of texts.

    Raises
    ------
    ValueError
        When there is no such encoding.
    """
    if not _is_encoding(name):
        known = sorted(filter(_is_encoding, {*aliases, *aliases.values()}))
        raise ValueError(f"{name!r} is no encoding that is known{suggest(name.lower(), known)}")
    return name


def _is_encoding(name: str) -> bool:
    try:
        "".encode(name)
    except (LookupError, ValueError):  # none, one of bytes such as base64, or no name at all
        return False
    return True
