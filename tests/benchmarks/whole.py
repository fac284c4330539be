"""The whole report on millions of generated customers, beside reading and writing their file unchanged.

Memory is that of all processes of the run together, looked at four times a second.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from tests.benchmarks import timing
from tests.benchmarks.customers import write_customers
from tests.benchmarks.warm_start import fresh_project, stages
from tests.conftest import ROOT, Project

SIZES = (10_000_000, 100_000_000)
DESCRIBED = """title: Generated customers
columns:
  id: {role: id}
  city: {role: descriptor, type: category}
  income: {role: feature, unit: k$}
  spending: {role: feature, min: 0}
  visits: {role: feature, min: 0}
"""
FILES = ("customers.parquet", "segments.parquet", "segmented.parquet")  # what a run of many customers leaves


def measure(repeats: int = timing.REPEATS, sizes: tuple[int, ...] = SIZES) -> pd.DataFrame:
    """Return seconds and megabytes of floor and report for each size, and what lies on the disk."""
    with TemporaryDirectory() as made:
        project = fresh_project(Path(made))
        describe(project, "many", DESCRIBED)
        tables = {customers: Path(made, f"{customers}.parquet") for customers in sizes}
        for customers, table in tables.items():
            write_customers(table, customers)
        rows = []
        for number in range(repeats):
            for customers, table in tables.items():
                ways = (_floor, _report) if number % 2 else (_report, _floor)
                for way in ways:
                    rows += way(project, table, customers, number)
                    timing.tell(number, repeats, rows[-1][0], rows[-1][2], rows[-1][4])
        return timing.table(rows)


def describe(project: Project, name: str, described: str) -> None:
    """Write the dataset.yaml of generated customers."""
    place = project.root / "data" / name
    place.mkdir()
    (place / "dataset.yaml").write_text(described)


def floor_of(customers: int) -> str:
    """Return how reading and writing the file of so many customers is called."""
    return f"reading and writing the file of {customers:,} customers"


def report_of(customers: int) -> str:
    """Return how their report is called."""
    return f"report of {customers:,} customers"


def _floor(project: Project, table: Path, customers: int, number: int) -> list[tuple]:
    out = project.root / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    words = ["tests.benchmarks.ways", "floor", str(table), str(out), "2"]
    seconds, most, _ = _watched(words, project.root, ROOT)
    shutil.rmtree(out)
    return [(floor_of(customers), number, seconds, None, most, None)]


def _report(project: Project, table: Path, customers: int, number: int) -> list[tuple]:
    """Make the report cold; the run goes afterwards, when it has been told how large it is."""
    name, run = report_of(customers), f"of {customers}"
    words = ["segmentation", "report", "--dataset", "many", "--data", str(table), "--run", run]
    seconds, most, told = _watched(words, project.root, project.root)
    rows = [(f"{name}: {part}", number, took, None, None, None) for part, took in stages(project, run, told).items()]
    places = {"table": table, **{file: project.artifact(run, file) for file in FILES}}
    rows += [(f"{name}, on the disk: {what}", number, None, None, _size(path), None) for what, path in places.items()]
    for part in ("assets", f"report/{run}"):
        shutil.rmtree(project.root / part)
    return [*rows, (name, number, seconds, None, most, None)]


def _size(path: Path) -> float:
    return path.stat().st_size / 10**6


def _watched(words: list[str], folder: Path, home: Path) -> tuple[float, float, str]:
    """Return the seconds of a module, the most megabytes of it and its descendants together, and what it told."""
    start, most = time.perf_counter(), 0.0
    with TemporaryDirectory() as beside, Path(beside, "told").open("w+") as told:
        command, own = [sys.executable, "-m", *words], timing.environment(home)
        process = subprocess.Popen(command, cwd=folder, env=own, stdout=told, stderr=told)
        while process.poll() is None:
            most = max(most, sum(map(_megabytes, _family(process.pid))))
            time.sleep(0.25)
        seconds = time.perf_counter() - start
        told.seek(0)
        text = told.read()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{text}")
    return seconds, most, text


def _family(pid: int) -> Iterator[int]:
    """Yield a process and its descendants."""
    yield pid
    try:
        told = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return  # it has just ended
    for child in " ".join(told).split():
        yield from _family(int(child))


def _megabytes(pid: int) -> float:
    """Return what a process holds, of what it shares with others its part."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0  # it has just ended
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
