"""What people wait for at the dashboard: its first picture, and the list of all customers, on a large run and Mall."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.benchmarks import timing
from tests.browser import open_browser, open_page
from tests.conftest import Project, free_port

PATIENCE = 60_000  # milliseconds
CHUNK = 2**16  # bytes


class Given(NamedTuple):
    """What a download took: the seconds to its first bytes and to its last, and the megabytes that the server held."""

    first: float
    whole: float
    megabytes: float


@contextmanager
def served(project: Project, run: str):
    """Serve the dashboard of a project; give its address and its process."""
    port = free_port()
    command = [sys.executable, "-m", "segmentation", "dashboard", "--run", run, "--port", str(port)]
    told = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=project.root, env=timing.environment(project.root), **told) as server:
        next(line for line in server.stdout if "URL:" in line)
        try:
            yield f"http://127.0.0.1:{port}", server.pid
        finally:
            os.kill(server.pid, signal.SIGKILL)


def first_pictures(project: Project, runs: list[str], warm: str) -> dict[str, float]:
    """Return the seconds until the first picture of each run, of a server and a browser that have shown another one."""
    seconds = {}
    with served(project, warm) as (address, _), open_browser() as browser:
        for run in (warm, *runs):
            start = time.perf_counter()
            with open_page(browser, f"{address}/?run={run}") as page:
                page.locator(".st-key-scatter2 path.point").first.wait_for(timeout=PATIENCE)
                seconds[run] = time.perf_counter() - start
    return {run: seconds[run] for run in runs}


def download(project: Project, run: str) -> Given:
    """Return what it takes to download all customers of a run."""
    with served(project, run) as (address, process), open_browser() as browser, open_page(browser, address) as page:
        link = page.get_by_role("link", name="Download these customers as CSV")
        link.wait_for(timeout=PATIENCE)
        place = urlsplit(link.evaluate("link => link.href"))
        connection, start = HTTPConnection(place.netloc), time.perf_counter()
        connection.request("GET", place.path)
        answer = connection.getresponse()
        answer.readline()  # its header
        answer.readline()
        first = time.perf_counter() - start
        while answer.read(CHUNK):
            pass
        whole = time.perf_counter() - start
        [held] = [line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("VmHWM")]
        connection.close()
        return Given(first, whole, int(held.split()[1]) / 1000)
