"""The bare path beside its rivals on generated customers: time, CPU, memory and inertia, from the same run.

    python -m tests.benchmarks.rivals 1000000 10000000

Each contender is a fresh process on one core and on two. Memory is that of its largest process (for Spark the JVM).
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pandas as pd

from tests.benchmarks import parts, timing
from tests.benchmarks.customers import write_customers
from tests.benchmarks.ways import FEATURES
from tests.conftest import ROOT

SIZES = (1_000_000, 10_000_000)
JUDGED = 10_000_000  # rows from which on the limits hold
REPEATS, THREADS = 3, (1, 2)
FLOOR, BARE, EXACT, WHOLE = "floor", "bare path", "bare path, duplicate ids", "pandas, KMeans"
TEN, FAISS, MLLIB = "pandas, KMeans, 10 starts", "Polars, faiss", "Spark MLlib"
CLEANING, POLARS = "bare path, cleaning alone", "Polars, cleaning alone"
# As people call it: the function in `ways`, and the packages that it needs beside the project's own.
NAMES = {
    FLOOR: ("floor", []),
    BARE: ("bare", []),
    EXACT: ("bare_and_duplicates", []),
    WHOLE: ("kmeans", []),
    TEN: ("kmeans_of_ten", []),
    "pandas, MiniBatchKMeans": ("minibatch", []),
    FAISS: ("faiss_of_some", ["faiss", "polars"]),
    "Polars, faiss, 10 starts": ("faiss_of_ten", ["faiss", "polars"]),
    "Polars, faiss on all rows": ("faiss_of_all", ["faiss", "polars"]),
    "dask-ml": ("dask_ml", ["dask_ml"]),
    MLLIB: ("mllib", ["pyspark"]),
    CLEANING: ("cleaning", []),
    POLARS: ("cleaning_with_polars", ["polars"]),
}
LIMITS = [
    ("seconds", BARE, FLOOR, 4),
    ("seconds", EXACT, FLOOR, 5),
    ("seconds", BARE, WHOLE, 0.65),
    ("megabytes", BARE, WHOLE, 0.25),
    ("seconds", BARE, MLLIB, 0.2),
    ("seconds", BARE, FAISS, None),
    ("inertia", BARE, TEN, 1.001),
    ("inertia", FAISS, TEN, None),
    ("seconds", CLEANING, POLARS, None),
]
MEGABYTES = {BARE: 500, EXACT: 3000}


def measure(customers: int, repeats: int = REPEATS) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the times of every contender, with its inertia, and the ratios; both are kept, with a picture."""
    with TemporaryDirectory() as made:
        table = Path(made, "customers.parquet")
        write_customers(table, customers)
        times = timing.compare(_contenders(table, Path(made)), ROOT, repeats)
        spreads = _spreads(table)
        inertia = {name: _inertia(table, spreads, Path(made, name)) for name in times["contender"].unique()}
        times["inertia"] = times["contender"].map(inertia)
        found = ratios(times)
        if customers >= JUDGED:
            found = pd.concat([found, parts.ratios(table)])
        else:
            found["at_most"] = float("nan")
    found.insert(0, "rows", customers)
    timing.keep(f"rivals-{customers}", times, found, timing.KEPT)
    return times, found


def _contenders(table: Path, made: Path) -> dict[str, timing.Contender]:
    contenders = {}
    for name, (way, needed) in NAMES.items():
        lacking = [package for package in needed if not find_spec(package)]
        if lacking:
            print(f"{name} is left out: {' and '.join(lacking)} not installed", file=sys.stderr)
            continue
        for threads in THREADS:
            label = _label(name, threads)
            command = [sys.executable, "-m", "tests.benchmarks.ways", way, table, made / label, threads]
            contenders[label] = timing.Contender(lambda at=made / label: _empty(at), [list(map(str, command))])
    return contenders


def _label(name: str, threads: int) -> str:
    return f"{name} ({threads} {'core' if threads == 1 else 'cores'})"


def _empty(folder: Path) -> None:
    """Make the folder of a contender; one that writes folders, as Spark does, refuses to write over them."""
    if folder.exists():
        folder.rename(folder.with_name(f"{folder.name} {len(list(folder.parent.iterdir()))}"))
    folder.mkdir()


def _spreads(table: Path) -> list[tuple[float]]:
    columns = ", ".join(f"stddev_pop({name})" for name in FEATURES)
    return duckdb.sql(f"select {columns} from {_clean(table)}").fetchone()


def _inertia(table: Path, spreads: tuple[float], folder: Path) -> float | None:
    """Return the inertia of all clean rows about a contender's centroids, in units of their standard deviations."""
    centroids = json.loads((folder / "centroids.json").read_text())
    if centroids is None:
        return None
    squared = [
        " + ".join(f"(({n} - {c!r}) / {s!r}) ** 2" for n, c, s in zip(FEATURES, centroid, spreads, strict=True))
        for centroid in centroids
    ]
    return duckdb.sql(f"select sum(least({', '.join(squared)})) from {_clean(table)}").fetchone()[0]


def _clean(table: Path) -> str:
    return f"'{table}' where {' and '.join(f'{name} is not null' for name in FEATURES)} and spending >= 0"


def ratios(times: pd.DataFrame) -> pd.DataFrame:
    """Return measured, against, ratio of the medians, and the ratio that it may be at most."""
    medians = times.groupby("contender")[["seconds", "megabytes", "inertia"]].median()
    rows = []
    for threads in THREADS:
        for what, one, other, most in LIMITS:
            pair = _label(one, threads), _label(other, threads)
            if set(pair) <= set(medians.index):
                rows.append((f"{pair[0]}: {what}", other, medians[what][pair[0]] / medians[what][pair[1]], most))
        for name, most in MEGABYTES.items():
            label = _label(name, threads)
            rows.append((f"{label}: megabytes", "1 MB", medians["megabytes"][label], most))
    return pd.DataFrame(rows, columns=["measured", "against", "ratio", "at_most"])


def table(times: pd.DataFrame) -> str:
    """Return the medians of each contender, fastest first."""
    numbers = times.groupby("contender")[["seconds", "cpu", "megabytes", "inertia", "load"]].median()
    return numbers.sort_values("seconds").to_string(float_format="{:.2f}".format)


def main(*sizes: str) -> None:
    for customers in map(int, sizes or SIZES):
        times, found = measure(customers)
        print(f"{customers} rows\n{table(times)}\n")
        print(found.to_string(index=False, float_format="{:.3f}".format), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
