"""Imported by every Python that has this folder in its path: takes from it what a Python on Windows does not have.

What foreign code asks about the system is left alone: it would look for libraries of that one.
"""

import multiprocessing.context
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

MISSING = ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty", "multiprocessing.forkserver")
OF_OS = ("fork", "forkpty", "geteuid", "killpg", "sched_getaffinity", "setsid", "O_DIRECTORY", "O_NOFOLLOW")
OF_SIGNAL = ("ITIMER_REAL", "alarm", "pause", "pthread_sigmask", "setitimer")

sys.modules.update(dict.fromkeys(MISSING))  # importing them is an ImportError
for module, names in ((os, OF_OS), (signal, OF_SIGNAL)):
    for name in names:
        delattr(module, name)
contexts = multiprocessing.context._concrete_contexts
del contexts["fork"], contexts["forkserver"]
multiprocessing.context._default_context._default_context = contexts["spawn"]
multiprocessing.context.DefaultContext.get_all_start_methods = lambda self: ["spawn"]


def closed(move):
    """Refuse to move or remove what a process has open, as Windows does."""

    def asked(*places, **options):
        for place in places:
            if held := _held(place):
                raise PermissionError(13, f"The process cannot access the file because it is open: {held}", str(place))
        return move(*places, **options)

    return asked


def _held(place) -> str | None:
    whole = Path(os.fsdecode(place)).resolve() if isinstance(place, str | bytes | os.PathLike) else Path()
    if not whole.is_relative_to(os.environ["ELSEWHERE"]) or not whole.is_file():
        return None
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is another user's
            mapped = (process / "maps").read_text().splitlines()
            if any(file.readlink() == whole for file in (process / "fd").iterdir()) or any(
                line.endswith(f" {whole}") for line in mapped
            ):
                return process.name
    return None


os.replace, os.rename, os.unlink, os.remove = map(closed, (os.replace, os.rename, os.unlink, os.remove))
