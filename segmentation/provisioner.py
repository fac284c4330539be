"""The kernel provisioner that forks: Jupyter finds it by its entry point."""

import multiprocessing
import os
import signal
import sys

from jupyter_client.provisioning import LocalProvisioner

from segmentation.kernels import end_with_parent
from segmentation.workers import ready_workers


class ForkProvisioner(LocalProvisioner):
    """Starts a Python kernel as a fork of the standard library's fork server, where a new process would import anew."""

    async def launch_kernel(self, cmd: list[str], **kwargs):
        words = cmd[cmd.index("ipykernel_launcher") + 1 :]
        fork = multiprocessing.get_context("forkserver").Process(
            target=_run_kernel, args=(words, dict(kwargs["env"]), kwargs.get("cwd"))
        )
        fork.start()
        self.process, self.pid, self.pgid = _Forked(fork), fork.pid, None
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
    signal.signal(signal.SIGINT, signal.default_int_handler)
    end_with_parent()
    sys.modules["debugpy"] = None  # nobody debugs a report, and its debugger is most of what a kernel still imports
    with ready_workers():
        IPKernelApp.launch_instance(argv=words)
