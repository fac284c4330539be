"""The whole report on millions of generated customers, beside reading and writing their file unchanged.

    python -m tests.benchmarks.whole 1000000 10000000 100000000

Memory is that of all processes of the run together, looked at four times a second.
"""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from tests.benchmarks import timing
from tests.benchmarks.customers import write_customers
from tests.conftest import copy_project

SIZES = (1_000_000, 10_000_000, 100_000_000)
JUDGED = 100_000_000
SLOWEST, MOST_GROWTH, MOST_MEGABYTES = 6, 10, 3000
DESCRIBED = """title: Generated customers
columns:
  id: {role: id}
  city: {role: descriptor, type: category}
  income: {role: feature, unit: k$}
  spending: {role: feature, min: 0}
  visits: {role: feature, min: 0}
"""


def measure(sizes: tuple[int, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the seconds and megabytes of floor and report for each size, and the ratios; both are kept."""
    rows = []
    with TemporaryDirectory() as made:
        project, table = copy_project(Path(made)), Path(made, "customers.parquet")
        (project.root / "data" / "many").mkdir()
        (project.root / "data" / "many" / "dataset.yaml").write_text(DESCRIBED)
        floor = ["tests.benchmarks.ways", "floor", str(table), str(Path(made, "out")), "2"]
        report = ["segmentation", "report", "--dataset", "many", "--data", str(table)]
        for customers in sizes:
            write_customers(table, customers)
            Path(made, "out").mkdir(exist_ok=True)
            for name, words in (("floor", floor), ("report", [*report, "--run", f"of {customers}"])):
                rows.append((customers, name, *_watched([sys.executable, "-m", *words], project.root)))
                print(*rows[-1], file=sys.stderr, flush=True)
    times = pd.DataFrame(rows, columns=["rows", "contender", "seconds", "megabytes"])
    return times, ratios(times)


def _watched(command: list[str], folder: Path) -> tuple[float, float]:
    """Return the seconds of a command, and the most megabytes that it and its descendants held together."""
    start, most = time.perf_counter(), 0.0
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        most = max(most, _megabytes(process.pid))
        time.sleep(0.25)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{process.stderr.read()}")
    return time.perf_counter() - start, most


def _megabytes(root: int) -> float:
    """Return what a process and its descendants hold, what they share counted once among them."""
    told = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout.split()
    parents = dict(zip(map(int, told[::2]), map(int, told[1::2]), strict=True))
    family, kilobytes = {root}, 0
    while new := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= new
    for pid in family:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # it has just ended
        kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024


def ratios(times: pd.DataFrame) -> pd.DataFrame:
    """Return measured, against, ratio and the ratio that it may be at most, judged at 100 million rows."""
    seconds = times.pivot(index="rows", columns="contender", values="seconds")
    rows = []
    for customers, row in seconds.iterrows():
        most = SLOWEST if customers == JUDGED else None
        rows.append((f"report on {customers:,} rows: seconds", "floor", row["report"] / row["floor"], most))
    for customers in seconds.index[1:]:
        before, most = customers // 10, MOST_GROWTH if customers == JUDGED else None
        if before in seconds.index:
            growth = seconds["report"][customers] / seconds["report"][before]
            rows.append((f"report on {customers:,} rows: seconds", f"{before:,} rows", growth, most))
    megabytes = times.set_index("contender").loc[["report"], "megabytes"].max()
    rows.append(("report: megabytes", "1 MB", megabytes, MOST_MEGABYTES))
    return pd.DataFrame(rows, columns=["measured", "against", "ratio", "at_most"])


def main(*sizes: str) -> pd.DataFrame:
    """Measure, keep and print."""
    times, found = measure(tuple(map(int, sizes)) or SIZES)
    shown = times.assign(contender=times["contender"] + times["rows"].map(" {:,}".format), round=0)
    timing.keep("whole", shown, found, timing.KEPT)
    print(times.to_string(index=False, float_format="{:.1f}".format))
    return found


if __name__ == "__main__":
    print(main(*sys.argv[1:]).to_string(index=False, float_format="{:.2f}".format))
