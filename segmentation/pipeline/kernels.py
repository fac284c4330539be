"""Kernels that start at once: forked from a server process that has imported what the notebooks need.

Jupyter finds the provisioner that forks them by its entry point.
"""

import gc
import math
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from segmentation.core.parallel import end_with_parent, make_temporary, ready_workers

NAME = "segmentation-fork"
# What takes long to import of what the first notebook needs, and those after it too.
IN_EVERY_CHAPTER = (
    "scipy.special",  # first: skops looks for each of its functions in all modules, in the order of their import
    "ipykernel.kernelapp",
    "matplotlib.pyplot",
    "pandas",
    "duckdb",
    "ibis",
    "pyarrow.parquet",
    "pydantic",
)
TEMPORARY = "SEGMENTATION_TEMPORARY"
ANSWERED_WITHIN = 0.2  # seconds after its answer: what shows results was not yet connected, and is asked again
LATER = 5  # how nice a kernel is to others that only shows what it has found
LONGEST_PLACE = 30  # the name of a socket may have 107 bytes
_starting, _started = threading.RLock(), threading.Event()
_of_thread = threading.local()
_warm: "_Warm | None" = None


def start_fork_server() -> None:
    """Start the server whose forks are this process's kernels, where forking is safe and the package is installed.

    Elsewhere the kernels are ordinary ones. The server imports what every notebook needs. It ends with this process,
    however that ends, and takes with it the folder of its socket and of its kernels' connection files.
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
            ["segmentation.pipeline.tidy", *IN_EVERY_CHAPTER]
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


def warm_up(modules: list[str], alone: Iterable[str] = ()) -> None:
    """Let kernels that this thread starts be forked from a process that has imported these modules.

    What only they need of all, `alone`, they import themselves before they are ready.
    """
    global _warm
    start_fork_server()
    with _starting:
        if _started.is_set() and _warm is None:
            _warm = _Warm(modules)
    _of_thread.warm, _of_thread.alone = _warm, [*alone]


def give_way() -> None:
    """Let the kernel that this thread has started compute when no other needs the processor."""
    if kernel := getattr(_of_thread, "kernel", None):
        with suppress(OSError):  # it has ended
            os.setpriority(os.PRIO_PROCESS, kernel, LATER)


def _fork_of_server(target, arguments: tuple):
    """Return a fork of the server that has begun to do something."""
    fork = multiprocessing.get_context("forkserver").Process(target=target, args=arguments)
    fork.start()
    return fork


class _Warm:
    """A fork of the server that imports what further notebooks need, while the first one runs, and is forked in turn.

    It answers what it is asked over a pipe, and ends with this process, whose end of it closes; its forks end with it.
    """

    def __init__(self, modules: list[str]):
        self._ours, theirs = multiprocessing.Pipe()
        self._asking = threading.Lock()
        _fork_of_server(_serve_kernels, (modules, theirs))
        theirs.close()

    def ask(self, *question):
        """Return what it answers: to what a kernel is to be run with, its process; to a process, its exit code."""
        with self._asking:
            self._ours.send(question)
            return self._ours.recv()


def _serve_kernels(modules: list[str], theirs) -> None:
    """Fork kernels until who asks for them has ended; then end at once, and they too: multiprocessing would wait."""
    forks: dict = {}
    try:
        _import_each(modules)
        while True:
            question = theirs.recv()
            if len(question) == 1:
                theirs.send(forks[question[0]].exitcode)
                continue
            # This process has no threads, so that it can be forked.
            fork = multiprocessing.get_context("fork").Process(target=_run_kernel, args=question)
            fork.start()
            forks[fork.pid] = fork
            theirs.send(fork.pid)
    finally:
        os._exit(0)


def fork_worker() -> ProcessPoolExecutor | None:
    """Return a process that is forked from the server when it is first given something to do; None without a server."""
    start_fork_server()
    if not _started.is_set():
        return None
    return ProcessPoolExecutor(1, multiprocessing.get_context("forkserver"), initializer=end_with_parent)


def _import_each(modules: Iterable[str]) -> None:
    for name in modules:
        with suppress(Exception):  # which the notebook will tell
            import_module(name)


class _FarFork:
    """A kernel that the warm process has forked, with the part of a process's interface that is used of one."""

    def __init__(self, warm: _Warm, asked: tuple):
        self._warm, self.pid = warm, warm.ask(*asked)

    @property
    def exitcode(self) -> int | None:
        try:
            return self._warm.ask(self.pid)
        except (OSError, EOFError):  # that process was ended, and its forks with it
            return 1

    def is_alive(self) -> bool:
        return self.exitcode is None

    def join(self) -> None:
        """Return at once: who polled knows that it has ended."""

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def _send(self, number: int) -> None:
        if self.is_alive():  # and its number is nobody else's
            os.kill(self.pid, number)


class ForkProvisioner(LocalProvisioner):
    """Starts a Python kernel as a fork of the standard library's fork server, where a new process would import anew."""

    async def pre_launch(self, **kwargs):
        # A port that is found free may be another's by the time the kernel listens; the folder is this process's alone.
        manager: Any = self.parent
        manager.transport, manager.ip = "ipc", str(Path(os.environ[TEMPORARY], self.kernel_id))
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs):
        words = cmd[cmd.index("ipykernel_launcher") + 1 :]
        asked = words, dict(kwargs["env"]), kwargs.get("cwd"), getattr(_of_thread, "alone", [])
        warm = getattr(_of_thread, "warm", None)
        fork = _FarFork(warm, asked) if warm else _fork_of_server(_run_kernel, asked)
        self.process = _Forked(fork)  # type: ignore[assignment]
        self.pid, self.pgid = fork.pid, None
        _of_thread.kernel = fork.pid
        return self.connection_info


class Client(AsyncKernelClient):
    """A client that is ready when its kernel is; that of jupyter_client waits on, a fifth of a second, for more."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Return once the kernel has answered, and what it shows has come too.

        Raises
        ------
        RuntimeError
            When it dies before, or does not answer in time.
        """
        until = monotonic() + (timeout or math.inf)
        while not await self._answers(self.kernel_info()):
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if monotonic() > until:
                raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")

    async def _answers(self, asked: str) -> bool:
        """Return whether a kernel answers within a second, and shows thereafter, as all results, that it is idle."""
        with suppress(Empty):
            while (reply := await self.shell_channel.get_msg(timeout=1))["parent_header"].get("msg_id") != asked:
                pass
            while True:
                shown = await self.iopub_channel.get_msg(timeout=ANSWERED_WITHIN)
                if shown["parent_header"].get("msg_id") == asked and shown["content"].get("execution_state") == "idle":
                    self._handle_kernel_info_reply(reply)
                    return True
        return False


class Manager(AsyncKernelManager):
    """A manager whose clients are ready when their kernels are, and which sees at once that one has ended."""

    client_factory = Client  # by a name in client_class alone it is not found

    async def _async_finish_shutdown(self, waittime=None, pollinterval=0.01, restart=False) -> None:
        await super()._async_finish_shutdown(waittime, pollinterval, restart)


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


def _run_kernel(words: list[str], environment: dict[str, str], folder: str | None, alone: list[str]) -> None:
    from ipykernel.kernelapp import IPKernelApp

    os.environ.clear()
    os.environ.update(environment)
    if folder:
        os.chdir(folder)
    end_with_parent()
    _import_each(alone)
    gc.freeze()  # what the server has imported is no garbage
    gc.enable()
    # Nobody debugs a report, and its debugger is most of what a kernel still imports.
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    try:
        with ready_workers():
            IPKernelApp.launch_instance(argv=words)
    except BaseException:
        os._exit(1)  # at once, whatever threads it has begun: who waits for it sees that, and says it in one message
