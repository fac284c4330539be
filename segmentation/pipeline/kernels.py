"""Kernels that start at once: forked from a server process that has imported what the notebooks need.

Jupyter finds the provisioner that forks them by its entry point.
"""

import gc
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from segmentation.core.parallel import end_with_parent, make_temporary, ready_workers

NAME = "segmentation-fork"
TEMPORARY = "SEGMENTATION_TEMPORARY"
LONGEST_PLACE = 30  # the name of a socket may have 107 bytes
_starting, _started = threading.Lock(), threading.Event()


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
        folder = str(make_temporary(short)[0])
        os.environ[TEMPORARY] = folder
        tempfile.tempdir = os.environ["TMPDIR"] = folder
        os.environ["JUPYTER_RUNTIME_DIR"] = str(Path(folder) / "runtime")
        os.environ["JUPYTER_DEFAULT_PROVISIONER_NAME"] = NAME
        # What an ordinary kernel sets before matplotlib is imported.
        os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        multiprocessing.get_context("forkserver").set_forkserver_preload(
            ["segmentation.pipeline.tidy", "ipykernel.kernelapp", *modules]
        )
        _start_unheard()


def _start_unheard() -> None:
    """Start the server so that neither it nor any of its forks hears Ctrl-C: that is for this process, which ends them.

    They inherit what this thread blocks meanwhile.
    """
    from multiprocessing import forkserver, resource_tracker  # imported here, because not every system has them

    resource_tracker.ensure_running()  # it would unblock what is blocked
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class ForkProvisioner(LocalProvisioner):
    """Starts a Python kernel as a fork of the standard library's fork server, where a new process would import anew."""

    async def pre_launch(self, **kwargs):
        # A port that is found free may be another's by the time the kernel listens; the folder is this process's alone.
        manager: Any = self.parent
        manager.transport, manager.ip = "ipc", str(Path(os.environ[TEMPORARY], self.kernel_id))
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs):
        words = cmd[cmd.index("ipykernel_launcher") + 1 :]
        fork = multiprocessing.get_context("forkserver").Process(
            target=_run_kernel, args=(words, dict(kwargs["env"]), kwargs.get("cwd"))
        )
        fork.start()
        self.process = _Forked(fork)  # type: ignore[assignment]
        self.pid, self.pgid = fork.pid, None
        return self.connection_info


class _Forked:
    """A forked process with the part of subprocess.Popen's interface that a provisioner uses."""

    stdin = stdout = stderr = None

    def __init__(self, process):
        self.process = process
        self.pid = process.pid

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self) -> int | None:
        self.process.join()
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        if self.process.is_alive():
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.process.kill()

    def terminate(self) -> None:
        self.process.terminate()


def _run_kernel(words: list[str], environment: dict[str, str], folder: str | None) -> None:
    from ipykernel.kernelapp import IPKernelApp

    os.environ.clear()
    os.environ.update(environment)
    if folder:
        os.chdir(folder)
    end_with_parent()
    gc.freeze()  # what the server has imported is no garbage
    gc.enable()
    # Nobody debugs a report, and its debugger is most of what a kernel still imports.
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    try:
        with ready_workers():
            IPKernelApp.launch_instance(argv=words)
    except BaseException:
        os._exit(1)  # at once, whatever threads it has begun: who waits for it sees that, and says it in one message
