"""Times that can be compared: interleaved, in rotated order, a fresh process each."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from segmentation.core.files import ANEW

LAUNCH = Path(__file__).with_name("launch.py")
REPEATS = 5
COLUMNS = ["contender", "round", "seconds", "cpu", "megabytes", "inertia"]
# A shell of the house may set what a user's does not, and the tests compute all anew.
OF_HOUSE = (ANEW, "PYTHONDONTWRITEBYTECODE", "OMP_NUM_THREADS")


class Used(NamedTuple):
    """Seconds, CPU seconds and megabytes (of the largest process) of a command, and what it told."""

    seconds: float
    cpu: float
    most: float
    told: str


@dataclass(frozen=True)
class Contender:
    """One way to do the work.

    prepare : what must be true before it.
    commands : what is timed, one after the other.
    anew : whether nothing may be used that was kept, and nothing kept.
    parts : gives afterwards which seconds went where, by name, from what the last command told.
    """

    prepare: Callable[[], object]
    commands: list[list[str]]
    anew: bool = False
    parts: Callable[[str], dict[str, float]] = lambda _: {}


def compare(contenders: dict[str, Contender], folder: Path, repeats: int = REPEATS) -> pd.DataFrame:
    """Time every contender `repeats` times.

    Returns
    -------
    DataFrame
        contender, round, seconds, cpu (seconds, of all processes), megabytes (the most of any process), inertia
        (nothing yet); where the seconds of one are told by part, a row for each: "contender: part".
    """
    names, rows = list(contenders), []
    for number in range(repeats):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            one = contenders[name]
            one.prepare()
            used = [timed(command, folder, anew=one.anew) for command in one.commands]
            row = (name, number, sum(u.seconds for u in used), sum(u.cpu for u in used), max(u.most for u in used))
            rows.append((*row, None))
            parts = one.parts(used[-1].told)
            rows += [(f"{name}: {part}", number, took, None, None, None) for part, took in parts.items()]
            tell(number, repeats, name, row[2], row[4])
    return table(rows)


def table(rows: list[tuple]) -> pd.DataFrame:
    """Return rows of what was measured as a frame."""
    numbers = dict.fromkeys(COLUMNS[2:], float)
    return pd.DataFrame(rows, columns=COLUMNS).astype(numbers)


def tell(number: int, repeats: int, name: str, seconds: float, megabytes: float) -> None:
    """Say what was just measured."""
    told = f"{number + 1}/{repeats}  {name:<58} {seconds:8.2f} s {megabytes:8.0f} MB   load {os.getloadavg()[0]:.1f}"
    print(told, file=sys.stderr, flush=True)


def environment(folder: Path, *, anew: bool = False) -> dict[str, str]:
    """Return the environment of what is timed: a user's, whose modules are those of `folder`."""
    own = {name: value for name, value in os.environ.items() if name not in OF_HOUSE}
    return own | {"PYTHONPATH": str(folder)} | ({ANEW: "1"} if anew else {})


def timed(command: list[str], folder: Path, *, anew: bool = False) -> Used:
    """Return what the command and the processes that it waited for used."""
    launched = [sys.executable, "-S", str(LAUNCH), *command]
    run = subprocess.run(launched, cwd=folder, env=environment(folder, anew=anew), capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{run.stderr}")
    return Used(*json.loads(run.stdout), run.stderr)
