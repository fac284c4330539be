"""Starts the command line: `python -m segmentation <command>`; Ctrl-C ends it with one line and code 130."""

import json
import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

STOPPED = 130  # what shells tell of a program that Ctrl-C ended
GRACE = 10  # seconds for what has to be put in order
_stopped = threading.Event()


def main() -> None:
    """Run a command; at any moment, also while modules are imported, Ctrl-C is one line and no traceback."""
    own = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # behind nohup it is ignored, and stays so
    if own:
        signal.signal(signal.SIGINT, _stop)
    try:
        _run()
    finally:
        if own:
            signal.signal(signal.SIGINT, _end)
        if _stopped.is_set():
            exec("")  # an interrupt that ended another exec is remembered, and the signal would end this process
            sys.exit(STOPPED)  # foreign code may have made another fault of the interrupt, or none


def _stop(*_) -> None:
    """Say that the command was stopped, and nothing that follows from it, and let it put things in order."""
    signal.signal(signal.SIGINT, _end)
    _stopped.set()
    with suppress(OSError):
        os.write(2, b"\nStopped.\n" if os.isatty(2) else b"Stopped.\n")
    if "--debug" not in sys.argv:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
    # Foreign code may swallow what is raised here.
    last = threading.Timer(GRACE, os._exit, [STOPPED])
    last.daemon = True
    last.start()
    raise KeyboardInterrupt


def _end(*_) -> None:
    """End at once: somebody asked twice, or the command has done its work."""
    os._exit(STOPPED)


def _run() -> None:
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a sign that a console of Windows does not have is no fault
    from segmentation.core.errors import AT_HOME, remember_call

    remember_call()
    try:
        Path.cwd()
    except OSError:
        _refuse("the folder where this was called is there no more; go to another one")
    try:
        if sys.argv[1:2] == ["report"]:
            from segmentation.core.store.answers import recall

            if answer := recall(sys.argv[1:]):
                return answer.show()
        from segmentation.cli import main
    except ModuleNotFoundError as fault:
        if (fault.name or "").startswith("segmentation"):
            raise
        if "--debug" in sys.argv:
            traceback.print_exc()
        remedy = (
            "and is not that of the project's environment; run make report, which sets it up, or "
            ".venv/bin/python -m segmentation (without make: see Commands in README.md)"
            if AT_HOME == "make"
            else f"which a report needs; install it again: pip install --force-reinstall {AT_HOME}"
        )
        _refuse(f"this Python has no {fault.name}, {remedy}")
    main()


def _refuse(told: str) -> NoReturn:
    """Say what keeps the command line itself from being there, with --json to programs too."""
    print(f"Error: {told}", file=sys.stderr)
    if "--json" in sys.argv:
        print(json.dumps({"error": {"message": told, "exit_code": 2}}, indent=2))
    sys.exit(2)


if __name__ == "__main__":
    main()
