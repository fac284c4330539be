"""Kernels that start at once: forked from a server process that has imported what the notebooks need."""

import multiprocessing
import multiprocessing.connection
import multiprocessing.forkserver
import os
import sys
import threading
from importlib.metadata import entry_points

NAME = "segmentation-fork"
PRELOADED = [
    "ipykernel.kernelapp",
    *(
        f"segmentation.{name}"
        for name in ("cleaning", "clustering", "evidence", "model", "plots", "profiling", "reading")
    ),
]


def end_with_parent() -> None:
    """End this forked process when the one that asked for it is gone, however that ended."""
    sentinel = multiprocessing.parent_process().sentinel

    def watch():
        multiprocessing.connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def start_fork_server() -> None:
    """Start the server whose forks are this process's kernels, where forking is safe and the package is installed.

    Elsewhere the kernels are ordinary ones. The server ends with this process.
    """
    registered = {entry.name for entry in entry_points(group="jupyter_client.kernel_provisioners")}
    if sys.platform != "linux" or NAME not in registered:
        return
    os.environ["JUPYTER_DEFAULT_PROVISIONER_NAME"] = NAME
    # What an ordinary kernel sets before matplotlib is imported.
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOADED)
    multiprocessing.forkserver.ensure_running()
