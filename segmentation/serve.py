"""Starts the dashboard: one local server, which asks nobody else for anything."""

import os
from importlib import import_module
from socket import SOCK_STREAM, getaddrinfo, socket
from threading import Thread
from time import sleep

from segmentation.dataset import ROOT
from segmentation.errors import UsageError
from segmentation.manifest import open_run

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
    "theme.font": 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", sans-serif',
    # The colours of the report; with both given, the dashboard follows the system.
    "theme.light.primaryColor": "#1d5fa8",
    "theme.light.backgroundColor": "#ffffff",
    "theme.light.secondaryBackgroundColor": "#f5f7fa",
    "theme.light.textColor": "#1b2430",
    "theme.light.linkColor": "#1d5fa8",
    "theme.dark.primaryColor": "#86b9f2",
    "theme.dark.backgroundColor": "#12171e",
    "theme.dark.secondaryBackgroundColor": "#1b222c",
    "theme.dark.textColor": "#e4e9ef",
    "theme.dark.linkColor": "#86b9f2",
}


def serve(run: str, host: str = HERE, port: int | None = None) -> None:
    """Serve the dashboard, in this process, until it is stopped.

    Raises
    ------
    UsageError
        When the run has not been made, or `host` is no address of this machine.
    """
    open_run(run, None)
    _require_own(host)
    os.environ[RUN] = run
    from streamlit.web.cli import main  # takes a second, which a wrong name should not wait for

    Thread(target=_import_beforehand, daemon=True).start()
    main(["run", str(ROOT / "report" / "dashboard.py"), *options(host, port)], prog_name="dashboard")


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
    import_module("segmentation.charts")


def options(host: str = HERE, port: int | None = None) -> list[str]:
    """Return the options of the server."""
    settings = SETTINGS | {"server.address": host} | ({"server.port": port} if port else {})
    # Another page must not reach the server by a name of its own (DNS rebinding).
    hosts = [f"--server.allowedHosts={name}" for name in (HERE, "localhost")] if host == HERE else []
    return [*(f"--{name}={value}" for name, value in settings.items()), *hosts]
