"""Many small fits side by side: spread over processes, one OpenMP thread each, the same results for any number."""

import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from itertools import repeat
from pathlib import Path

from threadpoolctl import threadpool_limits

OURS = "segmentation-run-"  # how the names of folders for a while begin
MOST_WORKERS = 61  # on Windows, which waits for no more at once
_ready = None


def end_with_parent() -> None:
    """End this forked process when the one that asked for it is gone, however that ended."""
    parent = multiprocessing.parent_process()
    assert parent  # only a forked process calls this

    def watch():
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _start_worker() -> None:
    """Let a worker end with its parent, and at once where a kernel or a terminal interrupts all of its processes."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with_parent()


def run_unheard(command: list[str], **options) -> int:
    """Run a program, and return its exit code; Ctrl-C is for this process, which asks the other one to end."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # it stays so in the other, but for a handler of its own
    try:
        program = subprocess.Popen(command, **options)
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        return program.wait()
    except BaseException:
        program.terminate()
        program.wait()
        raise


@contextmanager
def ready_workers():
    """Fork the workers of this process now, while it is warm and has no other threads, and end them with the block."""
    global _ready
    with _pool("fork") as _ready:
        list(_ready.map(abs, range(_cores())))
        yield
    _ready = None


def _pool(method: str) -> ProcessPoolExecutor:
    context = multiprocessing.get_context(method)
    return ProcessPoolExecutor(_cores(), mp_context=context, initializer=_start_worker)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return min(os.cpu_count() or 1, MOST_WORKERS)


def spread(function, tasks: list, *shared) -> list:
    """Return [function(task, *shared) for task in tasks], computed over the processes of this machine, in order.

    What is random must come from the task, never from the process that happens to compute it.
    """
    global _ready
    if _cores() < 2 or len(tasks) < 2:
        return _compute(function, tasks, shared)
    # A plain fork is not safe beside a kernel's threads, so that workers not forked in time start anew.
    _ready = _ready or _pool("forkserver" if sys.platform == "linux" else "spawn")
    shares = 4 * _cores()
    try:
        parts = list(_ready.map(_compute, repeat(function), [tasks[i::shares] for i in range(shares)], repeat(shared)))
    except BaseException:
        _ready.shutdown(wait=False, cancel_futures=True)
        _ready = None
        raise
    results = [None] * len(tasks)
    for i, part in enumerate(parts):
        results[i::shares] = part
    return results


def _compute(function, tasks: list, shared: tuple) -> list:
    with threadpool_limits(1):
        return [function(task, *shared) for task in tasks]


def make_temporary(place: str | None = None) -> tuple[Path, int | None]:
    """Make a folder in the temporary directory, and hold it as this process's; what nobody holds is swept.

    Returns
    -------
    folder, held
        `held` is what to close once the folder is removed; the end of the process closes it too.
    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=OURS, dir=place))
        held = _hold(folder)
        if folder.is_dir():  # and not swept before it was held
            return folder, held


@contextmanager
def temporary_folder():
    """Give a folder that is removed after the block, or by a later run where this process is killed meanwhile."""
    folder, held = make_temporary()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if held is not None:
            os.close(held)


def _hold(folder: str | Path, how: str = "LOCK_EX") -> int | None:
    """Mark a folder as one of this process, until that ends however it ends; None where that cannot be."""
    try:
        import fcntl  # not on Windows
    except ImportError:
        return None
    try:
        held = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | getattr(fcntl, how))
    except OSError:
        os.close(held)
        return None
    return held


def sweep_temporary() -> None:
    """Remove the folders of ours in the temporary directory that no process holds: those that did were killed.

    On Windows nobody can tell, and they stay until the system clears its temporary directory.
    """
    if not hasattr(os, "geteuid"):
        return
    for place in map(Path, {tempfile.gettempdir(), "/tmp"}):
        for left in place.glob(f"{OURS}*"):
            with suppress(OSError):
                own = left.lstat().st_uid == os.geteuid()
                if own and (held := _hold(left, "LOCK_NB")) is not None:
                    shutil.rmtree(left, ignore_errors=True)
                    os.close(held)
