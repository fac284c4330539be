"""The bare path beside its rivals on generated customers: time, CPU, memory and inertia, from the same run.

Each contender is a fresh process on two cores. Memory is that of its largest process (for Spark the JVM).
"""

import json
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pandas as pd

from tests.benchmarks import parts, timing
from tests.benchmarks.customers import write_customers
from tests.benchmarks.ways import FEATURES
from tests.conftest import ROOT

MILLION, TEN_MILLION = SIZES = (1_000_000, 10_000_000)
THREADS = 2
FLOOR, BARE, EXACT = (
    "reading and writing the file",
    "this project",
    "this project, with an exact search for repeated ids",
)
KMEANS, TEN = "pandas and KMeans, one start", "pandas and KMeans, ten starts"
MINIBATCH, DASK, MLLIB = "pandas and MiniBatchKMeans", "dask-ml", "Spark MLlib on the same machine"
FAISS, FAISS_TEN = "Polars and faiss, its default subsample, one start", "Polars and faiss, ten starts"
FAISS_ALL = "Polars and faiss on all rows"
CLEANING, POLARS = "this project, cleaning alone", "Polars, cleaning alone"
# As people call it: the function in `ways`, and the packages that it needs beside the project's own.
NAMES = {
    FLOOR: ("floor", []),
    BARE: ("bare", []),
    EXACT: ("bare_and_duplicates", []),
    FAISS: ("faiss_of_some", ["faiss", "polars"]),
    FAISS_TEN: ("faiss_of_ten", ["faiss", "polars"]),
    FAISS_ALL: ("faiss_of_all", ["faiss", "polars"]),
    KMEANS: ("kmeans", []),
    TEN: ("kmeans_of_ten", []),
    MINIBATCH: ("minibatch", []),
    DASK: ("dask_ml", ["dask_ml"]),
    MLLIB: ("mllib", ["pyspark"]),
    CLEANING: ("cleaning", []),
    POLARS: ("cleaning_with_polars", ["polars"]),
}
SLOW = (MINIBATCH, DASK, MLLIB)  # a minute each at ten million, which five rounds have no time for


def require_installed() -> None:
    """End where a rival is not installed: the table would lack it."""
    if lacking := sorted({package for _, needed in NAMES.values() for package in needed if not find_spec(package)}):
        sys.exit(f"{', '.join(lacking)} not installed: `make bench` installs the rivals, `make spark` what Spark needs")


def measure(repeats: int = timing.REPEATS, sizes: tuple[int, ...] = SIZES) -> pd.DataFrame:
    """Return the times of every contender at each size, with its inertia, and of the parts of the bare path."""
    found = [_measure(customers, repeats) for customers in sizes]
    return pd.concat(found, ignore_index=True)


def of(name: str, customers: int) -> str:
    """Return how a contender is called in what is kept."""
    return f"{customers:,} rows: {name}"


def _measure(customers: int, repeats: int) -> pd.DataFrame:
    with TemporaryDirectory() as made:
        table = Path(made, "customers.parquet")
        write_customers(table, customers)
        left_out = SLOW if customers >= TEN_MILLION else ()
        names = [name for name in NAMES if name not in left_out]
        ways = {of(name, customers): _contender(name, table, Path(made, NAMES[name][0])) for name in names}
        times = timing.compare(ways, ROOT, repeats)
        spreads = _spreads(table)
        inertia = {of(name, customers): _inertia(table, spreads, Path(made, NAMES[name][0])) for name in names}
        times["inertia"] = times["contender"].map(inertia)
        if customers < TEN_MILLION:
            return times
        return pd.concat([times, parts.measure(table, repeats)], ignore_index=True)


def _contender(name: str, table: Path, folder: Path) -> timing.Contender:
    words = ["tests.benchmarks.ways", NAMES[name][0], table, folder, THREADS]
    return timing.Contender(partial(_empty, folder), [[sys.executable, "-m", *map(str, words)]])


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
