"""Kernels that start at once: forked from a server process that has imported what the notebooks need."""

import multiprocessing
import multiprocessing.connection
import multiprocessing.forkserver
import os
import sys
import tempfile
import threading
from importlib.metadata import entry_points
from pathlib import Path

NAME = "segmentation-fork"
TEMPORARY = "SEGMENTATION_TEMPORARY"
LONGEST_PLACE = 50  # the name of a socket may have 107 bytes
_starting, _started = threading.Lock(), threading.Event()


def end_with_parent() -> None:
    """End this forked process when the one that asked for it is gone, however that ended."""
    sentinel = multiprocessing.parent_process().sentinel

    def watch():
        multiprocessing.connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def start_fork_server(modules: list[str]) -> None:
    """Start the server whose forks are this process's kernels, where forking is safe and the package is installed.

    Elsewhere the kernels are ordinary ones. The server imports `modules`, what the notebooks need. It ends with this
    process, however that ends, and takes with it the folder of its socket and of its kernels' connection files.
    """
    registered = {entry.name for entry in entry_points(group="jupyter_client.kernel_provisioners")}
    with _starting:
        if sys.platform != "linux" or NAME not in registered or _started.is_set():
            return
        _started.set()
        short = tempfile.gettempdir() if len(tempfile.gettempdir()) < LONGEST_PLACE else "/tmp"
        os.environ[TEMPORARY] = folder = tempfile.mkdtemp(prefix="segmentation-", dir=short)
        tempfile.tempdir = os.environ["TMPDIR"] = folder
        os.environ["JUPYTER_RUNTIME_DIR"] = str(Path(folder) / "runtime")
        os.environ["JUPYTER_DEFAULT_PROVISIONER_NAME"] = NAME
        # What an ordinary kernel sets before matplotlib is imported.
        os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        multiprocessing.get_context("forkserver").set_forkserver_preload(
            ["segmentation.tidy", "ipykernel.kernelapp", *modules]
        )
        multiprocessing.forkserver.ensure_running()
