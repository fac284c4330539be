"""Starts the dashboard, one local server that asks nobody else for anything, and scores what is typed or uploaded."""

import io
import os
import re
import signal
import tempfile
import zipfile
from functools import partial
from importlib import import_module
from pathlib import Path
from socket import SOCK_STREAM, getaddrinfo, socket
from threading import Thread
from time import sleep

import pandas as pd

from segmentation.core import files
from segmentation.core.engine import ENGINE
from segmentation.core.errors import DataError, SegmentationError, UsageError, cause
from segmentation.runs.manifest import open_finished, read_manifest, require_unchanged
from segmentation.runs.run import Run
from segmentation.tables.sandbox import Unreadable, measure_parquet

HERE = "127.0.0.1"
MOST_UPLOADED = 20  # MB
POLL = 0.02  # seconds
RUN = "SEGMENTATION_RUN"  # tells the app which run to show first
SETTINGS = {
    "browser.gatherUsageStats": "false",
    "client.showErrorDetails": "none",  # no traceback
    "client.showErrorLinks": "false",  # to search engines
    "client.toolbarMode": "minimal",
    "runner.magicEnabled": "false",
    "server.fileWatcherType": "none",
    "server.headless": "true",  # it would ask for an address of mail
    "server.maxUploadSize": str(MOST_UPLOADED),
}
STYLE = files.ROOT / "report" / "template" / "style.css"
THEME = {
    "primaryColor": "link",
    "backgroundColor": "paper",
    "secondaryBackgroundColor": "sheet",
    "textColor": "ink",
    "linkColor": "link",
}
UPLOADED = ("csv", "tsv", "txt", "xlsx", "parquet")
MOST_UPLOAD_UNPACKED = 200  # MB
FIRST_BYTES = {"xlsx": b"PK\x03\x04", "parquet": b"PAR1"}
FOREIGN = (b"\x1f\x8b", b"\xd0\xcf\x11\xe0", b"SQLite format 3\0")


def serve(run: str, host: str = HERE, port: int | None = None) -> None:
    """Serve the dashboard, in this process, until it is stopped.

    Raises
    ------
    UsageError
        When the run has not been made, or `host` is no address of this machine.
    """
    open_finished(run, None)
    _require_own(host)
    os.environ[RUN] = run
    from streamlit.web import bootstrap  # takes a second, which a wrong name should not wait for
    from streamlit.web.cli import main

    bootstrap._set_up_signal_handler = partial(_keep_interrupt, bootstrap._set_up_signal_handler)
    Thread(target=_import_beforehand, daemon=True).start()
    main(["run", str(files.ROOT / "report" / "dashboard.py"), *options(host, port)], prog_name="dashboard")


def _keep_interrupt(set_up, server) -> None:
    """Let Streamlit take the signals that it ends by, but for Ctrl-C, which ends every command in one way."""
    own = signal.getsignal(signal.SIGINT)
    set_up(server)
    signal.signal(signal.SIGINT, own)


def _require_own(host: str) -> None:
    try:
        places = getaddrinfo(host, 0, type=SOCK_STREAM)
    except (OSError, UnicodeError):
        places = []
    if not any(_is_own(*place) for place in places):
        raise UsageError(
            f"HOST={host} is no address of this machine; expected {HERE} (for this machine alone), 0.0.0.0 (for all "
            "that reach it), or another of its own"
        )


def _is_own(family, kind, protocol, _, place) -> bool:
    with socket(family, kind, protocol) as trial:
        try:
            trial.bind(place)
        except OSError:
            return False
    return True


def _import_beforehand() -> None:
    """Import what the first picture needs while the browser loads the page, and not while the server starts."""
    from streamlit import runtime

    while not runtime.exists():
        sleep(POLL)
    import_module("segmentation.report.dashboard")


def options(host: str = HERE, port: int | None = None) -> list[str]:
    """Return the options of the server."""
    settings = SETTINGS | _theme() | {"server.address": host} | ({"server.port": port} if port else {})
    # Another page must not reach the server by a name of its own (DNS rebinding).
    hosts = [f"--server.allowedHosts={name}" for name in (HERE, "localhost")] if host == HERE else []
    return [*(f"--{name}={value}" for name, value in settings.items()), *hosts]


def style_variables() -> dict[str, tuple[str, str]]:
    """Return the variables of the report's style, each on light and on dark paper."""
    light, dark, *_ = re.findall(r":root \{(.*?)\}", STYLE.read_text(encoding="utf-8"), flags=re.S)
    day: dict[str, str] = dict(re.findall(r"--(\w+): (.*?);", light))
    night: dict[str, str] = dict(re.findall(r"--(\w+): (.*?);", dark))
    return {name: (value, night.get(name, value)) for name, value in day.items()}


def _theme() -> dict[str, str]:
    """Return the font and the colours of the report as settings; with both themes given, it follows the system."""
    variables = style_variables()
    colours = {
        f"theme.{look}.{part}": variables[name][side]
        for side, look in enumerate(("light", "dark"))
        for part, name in THEME.items()
    }
    return {"theme.font": variables["font"][0], **colours}


def theme_css() -> str:
    """Return the variables of the report's style for the dashboard: light-dark() follows the theme of Streamlit."""
    variables = style_variables().items()
    each = {name: day if day == night else f"light-dark({day}, {night})" for name, (day, night) in variables}
    return f".stApp {{ {' '.join(f'--{name}: {value};' for name, value in each.items())} }}"


def get_ready_to_score() -> None:
    """Import beforehand what scoring needs, which takes a second."""
    with ENGINE:
        import segmentation.monitoring.scoring  # noqa: F401


def score_customer(study: Run, values: dict[str, float]) -> dict:
    """Return segment, name, distance, margin and outside of one customer.

    Raises
    ------
    DataError
        When the model was changed since the run wrote it.
    """
    from segmentation.monitoring.scoring import score_rows  # imported here, because the first picture does without it

    require_unchanged(study.name)
    with ENGINE:
        return score_rows(study, pd.DataFrame([values])).iloc[0].to_dict()


def score_upload(study: Run, name: str, content: bytes):
    """Score an uploaded table as `make score` would; what was uploaded lies in a folder that is gone afterwards.

    Returns
    -------
    Scored

    Raises
    ------
    SegmentationError
        When the file cannot be scored, with a message to show as it is.
    """
    from segmentation.monitoring.scoring import score_source
    from segmentation.tables.formats import is_large  # imported here, for the same reason
    from segmentation.tables.sources import locate

    shown = re.sub(r"[^\w.-]+", "-", Path(name).name)[-80:].lstrip(".")
    if shown.rpartition(".")[2].lower() not in UPLOADED:
        raise DataError(f"{shown} cannot be scored here; expected one of .{', .'.join(UPLOADED)}")
    try:
        large = len(content) > MOST_UPLOADED * 1_000_000 or _unpacked(content) > MOST_UPLOAD_UNPACKED * 1_000_000
    except Unreadable as fault:
        raise DataError(f"{shown} is damaged or too large: {fault}") from fault
    if large:
        raise DataError(f"{shown} has more than {MOST_UPLOADED} MB, or {MOST_UPLOAD_UNPACKED} unpacked; use make score")
    if not _is_what_it_says(shown, content):
        raise DataError(f"{shown} is not what its ending says; expected text, or a sheet in .xlsx, or Parquet")
    with ENGINE, tempfile.TemporaryDirectory(prefix="segmentation-") as folder:
        path = Path(folder, shown)
        path.write_bytes(content)
        source = locate("NEW", str(path), read_manifest(study.name).encoding)
        if is_large(source):
            raise DataError(f"{shown} has too many rows to be scored here; use make score")
        try:
            return score_source(study, source)
        except (SegmentationError, MemoryError):
            raise
        except Exception as fault:  # whatever a reader of foreign bytes may stumble over
            raise DataError(f"{shown} cannot be read as a table ({cause(fault, path, shown)})") from fault


def _is_what_it_says(name: str, content: bytes) -> bool:
    """Return whether a file is of the kind of its ending: readers go by what it holds, be it archive or database."""
    kind = name.rpartition(".")[2].lower()
    if kind == "xlsx" and not any(member.filename.startswith("xl/workbook.") for member in _members(content)):
        return False
    if kind in FIRST_BYTES:
        return content.startswith(FIRST_BYTES[kind])
    return not content.startswith((*FIRST_BYTES.values(), *FOREIGN)) and content[8:12] != b"DUCK"


def _unpacked(content: bytes) -> int:
    """Return how many bytes a sheet, an archive or a Parquet file would become; 0 of another file."""
    if content.startswith(FIRST_BYTES["parquet"]):
        return measure_parquet(content, MOST_UPLOAD_UNPACKED * 1_000_000)
    return sum(member.file_size for member in _members(content))


def _members(content: bytes) -> list[zipfile.ZipInfo]:
    try:
        return zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return []
