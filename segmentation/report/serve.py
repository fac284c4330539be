"""Starts the dashboard, one local server that asks nobody else for anything, and scores what is typed."""

import asyncio
import os
import re
import signal
from contextlib import suppress
from functools import partial
from importlib import import_module
from socket import SOCK_STREAM, getaddrinfo, socket
from threading import Thread
from time import sleep
from urllib.parse import quote

import pandas as pd

from segmentation.core import files
from segmentation.core.engine import ENGINE
from segmentation.core.errors import DataError, SegmentationError, UsageError, as_option, require_extra
from segmentation.customers.customers import ADDED, Customers
from segmentation.report.listing import PLACE, asked
from segmentation.report.upload import MOST_UPLOADED
from segmentation.runs.artifacts import remake_command
from segmentation.runs.manifest import open_finished, require_unchanged
from segmentation.runs.run import Run

HERE = "127.0.0.1"
POLL = 0.02  # seconds
LISTS_AT_ONCE, TURN = 2, 30  # each takes an engine and puts all customers in order; seconds until it is one's turn
STALLED = 60  # seconds in which who is given a list takes none of it
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
UNKEPT = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
STYLE = "report/template/style.css"
THEME = {
    "primaryColor": "link",
    "backgroundColor": "paper",
    "secondaryBackgroundColor": "sheet",
    "textColor": "ink",
    "linkColor": "link",
}


def serve(run: str, host: str = HERE, port: int | None = None) -> None:
    """Serve the dashboard, in this process, until it is stopped.

    Raises
    ------
    UsageError
        When the run has not been made, or `host` is no address of this machine.
    """
    require_extra("dashboard", "the dashboard")
    open_finished(run, None)
    _require_own(host)
    os.environ[RUN] = run
    from streamlit.web import bootstrap  # takes a second, which a wrong name should not wait for
    from streamlit.web.cli import main
    from streamlit.web.server.starlette import starlette_server

    bootstrap._set_up_signal_handler = _end_by_signals
    create = starlette_server.create_starlette_app  # type: ignore[attr-defined]
    starlette_server.create_starlette_app = partial(_beside_lists, create)  # type: ignore[attr-defined]
    Thread(target=_import_beforehand, daemon=True).start()
    main(["run", str(files.SHIPPED / "report" / "dashboard.py"), *options(host, port)], prog_name="dashboard")


def _end_by_signals(server) -> None:
    """Let the signals end Streamlit that it ends by, but for Ctrl-C, which ends every command in one way.

    Its own handlers are not set and Ctrl-C given back: what is pressed between the two would be lost.
    """
    loop = asyncio.get_running_loop()
    for name in {"SIGTERM", "SIGQUIT", "SIGBREAK"} & set(dir(signal)):
        signal.signal(getattr(signal, name), lambda *_: loop.call_soon_threadsafe(server.stop))


def _beside_lists(create, runtime):
    """Let Streamlit's server give lists of customers too: its own downloads are held in memory as a whole first."""
    app, prefix, slots = create(runtime), f"/{PLACE}/", asyncio.Semaphore(LISTS_AT_ONCE)

    async def either(scope, receive, send):
        if scope["type"] != "http" or not scope["path"].startswith(prefix):
            await app(scope, receive, send)
        else:
            await _give(scope["path"].removeprefix(prefix).partition("/")[0], slots, (scope, receive, send))

    return either


async def _give(key: str, slots: asyncio.Semaphore, asking: tuple) -> None:
    """Answer with a list when it is its turn; who would wait too long is asked to come again.

    It waits in no thread: those who wait would keep them from those whose turn it is. Nor does it wait for somebody who
    takes nothing more.
    """
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import ClientDisconnect
    from starlette.responses import PlainTextResponse

    try:
        await asyncio.wait_for(slots.acquire(), TURN)
    except TimeoutError:
        told = f"Other lists are being given; ask again in {TURN} seconds."
        await PlainTextResponse(told, 503, headers=UNKEPT | {"Retry-After": str(TURN)})(*asking)
        return
    scope, receive, send = asking
    try:
        answer = await run_in_threadpool(_answer, key, scope)
        with suppress(TimeoutError, ClientDisconnect):  # its connection is closed
            await answer(scope, receive, lambda message: asyncio.wait_for(send(message), STALLED))
    finally:
        slots.release()


def _answer(key: str, scope):
    """Return the response with a list that was offered, or with what is wrong."""
    from starlette.datastructures import Headers
    from starlette.responses import PlainTextResponse, StreamingResponse
    from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

    if scope["method"] != "GET" or not is_host_allowed(Headers(scope=scope).get("host")):
        return PlainTextResponse("not allowed", 403, headers=UNKEPT)
    try:
        found = asked(key)
    except SegmentationError as fault:
        return PlainTextResponse(str(fault), 409, headers=UNKEPT)
    if found is None:
        return PlainTextResponse("This page is older than its server: load it again.", 404, headers=UNKEPT)
    name, parts = found
    told = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "Content-Encoding": "identity"}
    return StreamingResponse(parts, headers=UNKEPT | told, media_type="text/csv; charset=utf-8")


def _require_own(host: str) -> None:
    try:
        places = getaddrinfo(host, 0, type=SOCK_STREAM)
    except (OSError, UnicodeError):
        places = []
    if not any(_is_own(*place) for place in places):
        raise UsageError(
            f"{as_option('host', host)} is no address of this machine; expected {HERE} (for this machine alone), "
            "0.0.0.0 (for all that reach it), or another of its own"
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
    light, dark, *_ = re.findall(r":root \{(.*?)\}", (files.SHIPPED / STYLE).read_text(encoding="utf-8"), flags=re.S)
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
    """Return what the dashboard has of the report's style: its variables, and how the first screen and cards look.

    light-dark() follows the theme of Streamlit.
    """
    variables, style = style_variables().items(), (files.SHIPPED / STYLE).read_text(encoding="utf-8")
    each = {name: day if day == night else f"light-dark({day}, {night})" for name, (day, night) in variables}
    [shared] = re.findall(r"/\* The segments at a glance.*?(?=/\* Contents)", style, flags=re.S)
    return f".stApp {{ {' '.join(f'--{name}: {value};' for name, value in each.items())} }}\n.stHtml {{ {shared} }}"


def require_described(everyone: Customers, run: str) -> None:
    """Refuse a dataset.yaml that was changed since, so that it describes other columns."""
    dataset, found = everyone.dataset, everyone.table.schema()
    columns, held = set(dataset.named("feature", "descriptor")), set(found) - {"id", *ADDED}
    faults = [f"column {name!r} is new there" for name in sorted(columns - held)]
    faults += [f"column {name!r} is gone from there" for name in sorted(held - columns)]
    for name in sorted(held & columns):
        column = dataset.columns[name]
        if found[name].is_numeric() != column.numeric:
            faults.append(f"column {name!r} is no {column.type} in the run")
        elif column.type == "ordinal" and everyone.limits([name]).loc[name, "high"] > len(column.levels):
            faults.append(f"column {name!r} had more categories")
    if faults:
        raise DataError(
            f"dataset.yaml was changed since run {run} was made: {'; '.join(faults)}; undo that, or make the "
            f"run again: {remake_command(run)}"
        )


def get_ready_to_score() -> None:
    """Import beforehand what scoring needs, which takes a second."""
    with ENGINE:
        import segmentation.scoring.place  # noqa: F401


def score_customer(study: Run, values: dict[str, float]) -> dict:
    """Return segment, name, distance, margin and outside of one customer.

    Raises
    ------
    DataError
        When the model was changed since the run wrote it.
    """
    from segmentation.scoring.place import score_rows  # imported here, because the first picture does without it

    require_unchanged(study.name)
    with ENGINE:
        return score_rows(study, pd.DataFrame([values])).iloc[0].to_dict()
