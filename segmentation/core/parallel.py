"""Many small fits side by side: spread over processes, one OpenMP thread each, the same results for any number.

And the server from which kernels, and what renders, are forked; whoever starts it imports nothing of Jupyter for that.
"""

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
from functools import partial
from importlib.metadata import entry_points
from itertools import repeat
from pathlib import Path

from threadpoolctl import threadpool_limits

OURS = "segmentation-run-"  # how the names of folders for a while begin
MOST_WORKERS = 61  # on Windows, which waits for no more at once
LONGEST_PLACE = 30  # the name of a socket may have 107 bytes
TEMPORARY = "SEGMENTATION_TEMPORARY"
PROVISIONER = "segmentation-fork"
# What takes long to import of what the first notebook needs, and those after it too; at the end what each kernel would
# import by itself.
IN_EVERY_CHAPTER = (
    "scipy.special",  # first: skops looks for each of its functions in all modules, in the order of their import
    "ipykernel.kernelapp",
    "matplotlib.pyplot",
    "pandas",
    "duckdb",
    "ibis",
    "pyarrow.parquet",
    "pydantic",
    "segmentation.pipeline.kernels",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "ibis.backends.duckdb.converter",
    "matplotlib.backends.backend_svg",
    "pyarrow.dataset",
    "sqlite3",
    "tornado.platform.asyncio",
)
_ready = None
_starting, _started = threading.Lock(), threading.Event()


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


def start_fork_server() -> bool:
    """Start the server whose forks are this process's kernels, where forking is safe and the package is installed.

    Elsewhere the kernels are ordinary ones. The server imports what every notebook needs. It ends with this process,
    however that ends, and takes with it the folder of its socket and of its kernels' connection files.

    Returns
    -------
    bool
        Whether there is one.
    """
    with _starting:
        registered = partial(entry_points, group="jupyter_client.kernel_provisioners", name=PROVISIONER)
        if not _started.is_set() and sys.platform == "linux" and registered():
            short = tempfile.gettempdir() if len(tempfile.gettempdir()) < LONGEST_PLACE else "/tmp"
            folder = str(make_temporary(short)[0])
            os.environ[TEMPORARY] = folder
            tempfile.tempdir = os.environ["TMPDIR"] = folder
            os.environ["JUPYTER_RUNTIME_DIR"] = str(Path(folder) / "runtime")
            os.environ["JUPYTER_DEFAULT_PROVISIONER_NAME"] = PROVISIONER
            # What an ordinary kernel sets before matplotlib is imported.
            os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(["segmentation.pipeline.tidy", *IN_EVERY_CHAPTER])
            _start_unheard()
            _started.set()
        return _started.is_set()


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


def fork_worker() -> ProcessPoolExecutor | None:
    """Return a process that is forked from the server when it is first given something to do; None without a server."""
    if not start_fork_server():
        return None
    return ProcessPoolExecutor(1, multiprocessing.get_context("forkserver"), initializer=end_with_parent)


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
