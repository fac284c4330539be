"""The bare path: a raw Parquet file to the segment of every clean row, and to every rejected row with its reason.

The same expressions as a run, without its evidence, notebooks and report.
"""

from pathlib import Path

import ibis
import numpy as np

from segmentation.core.engine import PRIME, hash_of
from segmentation.customers.refused import repeated
from segmentation.methods.kmeans import descend, fit_starts
from segmentation.runs.records import Placement
from segmentation.segments.assign import assign_rows

FEATURES = ("income", "spending", "visits")
SAMPLE, STARTED, STARTS = 200_000, 10_000, 10
REPEATED = "id: unique"
SURE = 1.1  # how much larger the first cut is than the sample, of which some rows are rejected


def connect(threads: int, memory: str):
    return ibis.duckdb.connect(threads=threads, memory_limit=memory)


def run(table: Path, out: Path, k: int, threads: int, duplicates: bool = False) -> list[list[float]]:
    """Write segments.parquet and rejected.parquet to the folder `out`, and return the centroids in original units."""
    connection = connect(threads, "300MB")
    raw = connection.read_parquet(table)
    judged = judge(raw)
    if duplicates:
        judged = judge_ids(connection, judged)
    model = fit(sample(connection, clean(judged), count(connection, raw)), k)
    found = assign_rows(clean(judged), model).select("id", "segment", "distance")
    write(connection, found, out / "segments.parquet")
    write(connection, rejected(judged), out / "rejected.parquet")
    scales = [(feature.centre, feature.spread) for feature in model.features]
    return [[m + s * c for (m, s), c in zip(scales, centroid, strict=True)] for centroid in model.centroids]


def judge(raw: ibis.Table) -> ibis.Table:
    """Add the first rule that a row breaks, as its column and what is expected there; null for a clean row."""
    present = [(raw[name].isnull(), f"{name}: present") for name in FEATURES]
    return raw.mutate(rule=ibis.cases(*present, (raw["spending"] < 0, "spending: at least 0")))


def judge_ids(connection, judged: ibis.Table) -> ibis.Table:
    """Reject every copy of a repeated id."""
    connection.con.register("repeated", repeated(judged, "id").to_pyarrow())
    twice = judged["id"].isin(connection.table("repeated")["id"])
    return judged.mutate(rule=judged["rule"].fill_null(twice.ifelse(REPEATED, ibis.null("string"))))


def clean(judged: ibis.Table) -> ibis.Table:
    return judged.filter(judged["rule"].isnull()).drop("rule")


def rejected(judged: ibis.Table) -> ibis.Table:
    return judged.filter(judged["rule"].notnull())


def write(connection, rows: ibis.Table, path: Path) -> None:
    connection.raw_sql(f"copy ({connection.compile(rows)}) to '{path}' (format parquet)")


def count(connection, rows: ibis.Table) -> int:
    return connection.raw_sql(connection.compile(rows.count())).fetchone()[0]


def sample(connection, rows: ibis.Table, total: int) -> np.ndarray:
    """Return the features of the clean rows with the smallest hash of the id, as many as a report looks at.

    Of `total` rows, clean or not, which Parquet tells without being read; a first cut by hash saves sorting them.
    """
    hashed = rows.mutate(hash=hash_of(rows["id"]))
    few = hashed.filter(hashed["hash"] < int(min(SURE * SAMPLE / total, 1) * PRIME))
    drawn = few.order_by("hash", "id").limit(SAMPLE).select(*FEATURES)
    return np.column_stack(list(connection.raw_sql(connection.compile(drawn)).fetchnumpy().values()))


def fit(X: np.ndarray, k: int) -> Placement:
    """Return what model.json says of K-Means: many starts on a part of the rows, the best of them then on all."""
    centre, spread = X.mean(axis=0), X.std(axis=0)
    Z = (X - centre) / spread
    fits = fit_starts(Z[:STARTED], k, np.random.default_rng(0), STARTS)
    centroids = descend(Z, fits.centres[[fits.inertia.argmin()]]).centres[0]
    scales = zip(FEATURES, centre, spread, strict=True)
    features = [{"name": name, "lambda": 1.0, "centre": float(c), "spread": float(s)} for name, c, s in scales]
    return Placement(features=features, centroids=centroids.tolist())
