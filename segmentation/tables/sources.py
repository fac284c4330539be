"""Where a raw table lies: in files, or in a database."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from glob import escape
from itertools import takewhile
from pathlib import Path
from urllib.parse import urlsplit

from segmentation.core import files
from segmentation.core.dataset import Dataset, Source, dataset_path
from segmentation.core.errors import DataError, UsageError, as_option, cause
from segmentation.core.files import DEVICES, NOT_RUNS, is_same, sha256

FILES = ("file", "sqlite", "duckdb")
LOGS = ("-wal", "-journal", ".wal")  # of SQLite and DuckDB
REMOTE = ("http", "https", "ftp", "s3", "gs", "hdfs")
QUERY = re.compile(r"\s*(select|with)\s", re.I)
URL = re.compile(r"[a-z][a-z0-9+]*://", re.I)
DRIVE = re.compile(r"^/(?=[a-z]:/)", re.I)  # file:///C:/shop.csv names C:/shop.csv


@dataclass(frozen=True)
class RawSource:
    """One raw table.

    place : what a notebook gets as `data`: an absolute path or pattern, or the URL of a database, with `#part`.
    name : what a reader may see of it: no folder, no host, no password.
    files : what is read, in the order of their names; none for a database.
    part : the sheet, table, query or member of an archive that was named after `#`.
    encoding : of its text, where somebody named it.
    """

    place: str
    name: str
    files: tuple[Path, ...] = ()
    part: str | None = None
    encoding: str | None = None

    @property
    def url(self) -> str | None:
        """The URL of the database, without `#part`."""
        return None if self.files else self.place.partition("#")[0]

    @property
    def settled(self) -> bool:
        """Whether the files hold the whole table: none is on a server, or in a log that a database has still to add."""
        return bool(self.files) and not any(map(logs_of, self.files))

    def fingerprints(self) -> dict[str, str]:
        """Return the SHA-256 of each file, by name."""
        return {path.name: sha256(path) for path in self.files}

    def reads(self, path: Path) -> bool:
        """Return whether a file is one of these, by whatever name, or would be: the pattern that was given finds it."""
        if any(is_same(path, file) for file in self.files):
            return True
        given = Path(self.place.removesuffix(f"#{self.part}"))
        pattern = bool(self.files) and not given.exists()
        return pattern and is_same(path.parent, given.parent) and fnmatch(path.name, given.name)


def logs_of(path: Path) -> list[Path]:
    """Return the logs that lie beside a file: what a database has still to add to it, or to take back."""
    return [log for end in LOGS if (log := path.with_name(path.name + end)).exists()]


def find_table(name: str, dataset: Dataset, data: str | None = None, encoding: str | None = None) -> RawSource:
    """Return the raw table: `data` when given, else the dataset's own file, fetched when it is not there.

    Its `encoding` is that of dataset.yaml where none is given.

    Raises
    ------
    UsageError
        When `data` is no table, or none was given and dataset.yaml names none.
    DataError
        When the public source cannot be fetched, or is not what was published.
    """
    encoding = encoding or dataset.encoding
    if data is not None:
        return locate("DATA", data, encoding)
    if dataset.source is None:
        raise UsageError(f"data/{name}/dataset.yaml names no source; give the table as {as_option('data', 'path')}")
    path = files.found(f"data/{name}/{dataset.source.path}")
    shown, given = files.shown(path), as_option("data", "path")
    if path.is_symlink():
        raise UsageError(f"{shown} is a link, which may lead anywhere; give the table as {given}")
    if not path.is_file():
        if dataset.source.url is None:
            raise UsageError(f"{shown} does not exist; give the table as {given}")
        _fetch(path, dataset.source)
    if dataset.source.sha256 not in (None, sha256(path)):
        raise DataError(
            f"{shown} is not the published file (its SHA-256 is not the one in dataset.yaml); remove it to fetch it "
            f"again, or use it knowingly: {as_option('data', shown)}"
        )
    return locate("DATA", str(path), encoding)


def together(texts: Sequence[str], option: str = "data") -> str:
    """Return the one text that names these tables: itself, or the pattern that a shell has made several files of.

    Raises
    ------
    UsageError
        When no pattern names just these.
    """
    if len(texts) == 1:
        return texts[0]
    folder, names = Path(texts[0]).parent, [Path(text).name for text in texts]
    head = _start(names)
    tail = _start([name[len(head) :][::-1] for name in names])[::-1]
    pattern = folder / f"{escape(head)}*{escape(tail)}"
    if {*_matches(pattern)} == {Path(text).absolute() for text in texts}:
        return str(pattern)
    raise UsageError(
        f"{len(texts)} tables are given, and no pattern names just these; put them into a folder of their own, and say "
        f"{as_option(option, 'folder/*.csv')}"
    )


def _start(names: Sequence[str]) -> str:
    """Return the letters with which all names begin."""
    alike = takewhile(lambda letters: len({*letters}) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in alike)


def locate(option: str, text: str, encoding: str | None = None) -> RawSource:
    """Return the table that was typed for an option: path, pattern or URL, with `#` before a sheet, table or query.

    Raises
    ------
    UsageError
        When there is no such table.
    """
    if encoding:
        try:
            files.require_encoding(encoding)
        except ValueError as fault:
            raise UsageError(as_option("encoding", encoding) + str(fault).removeprefix(repr(encoding))) from None
    if URL.match(text):
        url, _, behind = text.partition("#")
        scheme = url.partition(":")[0].lower()
        if scheme in FILES:
            place = DRIVE.sub("", url.partition("://")[2])
            return locate(option, place + (f"#{behind}" if behind else ""), encoding)
        if scheme in REMOTE:
            told = as_option(option, "…").replace("…", f"{scheme}://…")
            raise UsageError(f"{told} is on another machine; download the table, then give its path")
        if "@" in behind or url.count("/") > 3 or not _is_url(url):
            raise UsageError(
                f"{as_option(option)} cannot be read as the URL of a database; expected postgresql://user:password@host:port/"
                "database#table, with a # or / in a password or name written as %23 or %2F"
            )
        shown = "a query" if QUERY.match(behind) else behind or "a table"
        return RawSource(text, f"{shown} ({scheme})", part=behind or None)
    path, part = _part_of(text)
    if path.is_dir() and text:
        several = as_option(option, f"{text}/*.csv")
        raise UsageError(f"{as_option(option, text)} is a folder; expected a table, or several as {several}")
    found = [path] if path.is_file() else _in_order(match for match in _matches(path) if match.is_file())
    if not found:
        told = as_option(option, text)
        raise UsageError(f"{told} is not a file; expected the path of a table, a pattern, or a database's URL")
    place = f"{path.absolute()}#{part}" if part else str(path.absolute())
    return RawSource(place, path.name, tuple(dict.fromkeys(file.resolve() for file in found)), part, encoding)


def _is_url(text: str) -> bool:
    try:
        return bool(urlsplit(text).port or True)
    except ValueError:
        return False


def _part_of(text: str) -> tuple[Path, str | None]:
    """Part a path from the sheet, table or query behind its last `#` that leaves something that exists."""
    ends = [len(text), *(i for i in range(len(text) - 1, -1, -1) if text[i] == "#")]
    for end in ends:
        path = Path(text[:end])
        try:
            path = path.expanduser()
            if path.exists() or any(_matches(path)):
                return path, text[end + 1 :] or None
        except (OSError, RuntimeError, ValueError):
            continue  # too long for a name, or the home of nobody
    return Path(text), None


def _in_order(paths: Iterable[Path]) -> list[Path]:
    """Return files in the order of their names, letter for letter: on Windows paths themselves know no case."""
    return sorted(paths, key=lambda path: path.name)


def _matches(path: Path):
    """Return what a pattern matches; only its last part is one, because folders may have brackets in their names."""
    return path.absolute().parent.glob(path.name) if path.name else []


def run_name(data: str) -> str:
    """Return a name for the run of a table that belongs to no dataset: that of its file, or of its part."""
    source = locate("DATA", data)
    plain = source.name.split(".")[0] if source.files else source.part or urlsplit(source.url or "").path
    name = re.sub(r"[^\w.-]+", "-", plain).strip("-.")[:60] or "table"
    taken = name in NOT_RUNS or DEVICES.match(name) or dataset_path(name, name).is_file()
    return f"{name}-table" if taken else name


def _fetch(path: Path, source: Source) -> None:
    # Imported here, because it is seldom needed and its progress bar warns in a notebook.
    import pooch

    shown = files.shown(path)
    pooch.get_logger().setLevel("WARNING")
    try:
        pooch.retrieve(source.url, known_hash=f"sha256:{source.sha256}", path=path.parent, fname=path.name)
    except (OSError, ValueError) as fault:
        refused = getattr(fault, "response", None) is not None
        why = "its server refuses it" if refused else "there is no connection to it"
        what = "it is not the published file" if isinstance(fault, ValueError) else f"{why} ({cause(fault)})"
        raise DataError(
            f"{shown} could not be fetched: {what}.\nDownload {source.url} yourself, "
            f"save it as {shown}, or give its path as {as_option('data', 'path')}."
        ) from fault
