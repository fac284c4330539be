"""Starts the dashboard: one local server, which asks nobody else for anything."""

import os
import subprocess
import sys

from segmentation.dataset import ROOT
from segmentation.manifest import open_run

HERE = "127.0.0.1"
MOST_UPLOADED = 20  # MB
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


def serve(run: str, host: str = HERE, port: int | None = None) -> int:
    """Serve the dashboard until it is stopped, and return the exit code of the server.

    Raises
    ------
    UsageError
        When the run has not been made.
    """
    open_run(run, None)
    return subprocess.run(command(host, port), cwd=ROOT, env=environment(run)).returncode


def command(host: str = HERE, port: int | None = None) -> list[str]:
    """Return the words that start the server."""
    settings = SETTINGS | {"server.address": host} | ({"server.port": port} if port else {})
    # Another page must not reach the server by a name of its own (DNS rebinding).
    hosts = [f"--server.allowedHosts={name}" for name in (HERE, "localhost")] if host == HERE else []
    options = [f"--{name}={value}" for name, value in settings.items()]
    return [sys.executable, "-m", "streamlit", "run", str(ROOT / "report" / "dashboard.py"), *options, *hosts]


def environment(run: str) -> dict[str, str]:
    """Return the variables of the server: its run, and this very package."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, RUN: run}
