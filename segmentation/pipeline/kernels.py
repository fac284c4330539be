"""Kernels that start at once: forked from a server process that has imported what the notebooks need.

Jupyter finds the provisioner that forks them by its entry point.
"""

import gc
import math
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from segmentation.core.parallel import TEMPORARY, end_with_parent, ready_workers, start_fork_server

ANSWERED_WITHIN = 0.2  # seconds after its answer: what shows results was not yet connected, and is asked again
LATER = 5  # how nice a kernel is to others that only shows what it has found
_starting = threading.Lock()
_of_thread = threading.local()
_warm: "_Warm | None" = None


def warm_up(modules: list[str], alone: Iterable[str] = ()) -> None:
    """Let kernels that this thread starts be forked from a process that has imported these modules.

    What only they need of all, `alone`, they import themselves before they are ready.
    """
    global _warm
    with _starting:
        if start_fork_server() and _warm is None:
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
