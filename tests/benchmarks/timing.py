"""Times that can be compared: interleaved, in rotated order, a fresh process each, with the load of the machine."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import pandas as pd

LAUNCH = Path(__file__).with_name("launch.py")
REPEATS = 5
KEPT = Path(__file__).resolve().parents[2] / "assets" / "mall" / "bench"


class Contender(NamedTuple):
    """One way to do the work: what must be true before it, and the commands that are timed."""

    prepare: callable
    commands: list[list[str]]


def compare(contenders: dict[str, Contender], folder: Path, repeats: int = REPEATS) -> pd.DataFrame:
    """Time every contender `repeats` times.

    Returns
    -------
    DataFrame
        round, place (in the round), contender, seconds, cpu (seconds, of all processes), megabytes (the most of any
        process), load (before, of one minute).
    """
    names, rows = list(contenders), []
    for number in range(repeats):
        turn = number % len(names)
        for place, name in enumerate(names[turn:] + names[:turn]):
            contenders[name].prepare()
            load = os.getloadavg()[0]
            used = [_timed(command, folder) for command in contenders[name].commands]
            seconds, cpu, most = sum(u[0] for u in used), sum(u[1] for u in used), max(u[2] for u in used)
            rows.append((number, place, name, seconds, cpu, most, load))
            print(f"{name:<40} {seconds:7.2f} s   {most:7.0f} MB   load {load:.1f}", file=sys.stderr, flush=True)
    return pd.DataFrame(rows, columns=["round", "place", "contender", "seconds", "cpu", "megabytes", "load"])


def _timed(command: list[str], folder: Path) -> tuple[float, float, float]:
    """Return seconds, CPU seconds and megabytes of the command and the processes that it waited for."""
    variables = {**os.environ, "PYTHONPATH": str(folder)}
    launched = [sys.executable, "-S", str(LAUNCH), *command]
    run = subprocess.run(launched, cwd=folder, env=variables, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{run.stderr}")
    return tuple(json.loads(run.stdout))


def ratios(times: pd.DataFrame, limits: dict[tuple[str, str], float]) -> pd.DataFrame:
    """Return measured, against, ratio of the medians, and the ratio that it may be at most."""
    medians = times.groupby("contender")["seconds"].median()
    rows = [(one, other, medians[one] / medians[other], most) for (one, other), most in limits.items()]
    return pd.DataFrame(rows, columns=["measured", "against", "ratio", "at_most"])


def keep(name: str, times: pd.DataFrame, found: pd.DataFrame, folder: Path) -> None:
    """Write the times, the ratios and a picture of the times to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    times.to_csv(folder / f"{name}-times.csv", index=False)
    found.to_csv(folder / f"{name}-ratios.csv", index=False)
    order = times.groupby("contender")["seconds"].median().sort_values().index
    _, ax = plt.subplots(figsize=(8, 0.6 + 0.5 * len(order)), layout="constrained")
    for place, contender in enumerate(order):
        own = times.loc[times["contender"] == contender, "seconds"]
        ax.barh(place, own.median(), color="#5F7A99")
        ax.plot(own, [place] * len(own), "k.", markersize=4)
    ax.set(
        yticks=range(len(order)), yticklabels=order, xlabel=f"seconds: median and each of {times['round'].nunique()}"
    )
    plt.savefig(folder / f"{name}.svg")
    plt.close()
