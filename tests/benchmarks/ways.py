"""One way to bring a raw Parquet file to segments, in a process of its own:

    python -m tests.benchmarks.ways NAME TABLE FOLDER THREADS

Each way keeps the clean rows, scales the features, finds five centroids, writes id, segment and the distance to the
own centroid as Parquet with snappy, and leaves its centroids, in the units of the table, as JSON. Each imports what it
needs inside, so that no way pays for another's.
"""

import json
import os
import sys
from pathlib import Path

FEATURES = ["income", "spending", "visits"]
COLUMNS = ["id", *FEATURES]
K = 5
MEMORY = "8g"  # the heap of the JVM


def floor(table: Path, out: Path, threads: int) -> None:
    """Read and write the file unchanged."""
    import duckdb

    with duckdb.connect(config={"threads": threads}) as connection:
        connection.execute(f"copy (from '{table}') to '{out / 'segments.parquet'}' (format parquet)")


def bare(table: Path, out: Path, threads: int) -> list:
    from tests.benchmarks import bare

    return bare.run(table, out, K, threads)


def bare_and_duplicates(table: Path, out: Path, threads: int) -> list:
    from tests.benchmarks import bare

    return bare.run(table, out, K, threads, duplicates=True)


def kmeans(table: Path, out: Path, threads: int, starts: int = 1) -> list:
    from sklearn.cluster import KMeans

    return _with_pandas(table, out, KMeans(K, n_init=starts, random_state=0))


def kmeans_of_ten(table: Path, out: Path, threads: int) -> list:
    return kmeans(table, out, threads, starts=10)


def minibatch(table: Path, out: Path, threads: int) -> list:
    from sklearn.cluster import MiniBatchKMeans

    return _with_pandas(table, out, MiniBatchKMeans(K, random_state=0))


def _with_pandas(table: Path, out: Path, model) -> list:
    import numpy as np
    import pandas as pd

    frame = pd.read_parquet(table, columns=COLUMNS).dropna(subset=FEATURES)
    frame = frame[frame["spending"] >= 0]
    X = frame[FEATURES].to_numpy()
    mean, deviation = X.mean(axis=0), X.std(axis=0)
    Z = (X - mean) / deviation
    labels = model.fit(Z).labels_
    distance = np.sqrt(((Z - model.cluster_centers_[labels]) ** 2).sum(axis=1))
    told = pd.DataFrame({"id": frame["id"].to_numpy(), "segment": labels + 1, "distance": distance})
    told.to_parquet(out / "segments.parquet", compression="snappy")
    return (model.cluster_centers_ * deviation + mean).tolist()


def faiss_of_all(table: Path, out: Path, threads: int) -> list:
    return faiss_of_some(table, out, threads, max_points_per_centroid=10**9)


def faiss_of_ten(table: Path, out: Path, threads: int) -> list:
    return faiss_of_some(table, out, threads, nredo=10)


def faiss_of_some(table: Path, out: Path, threads: int, **options) -> list:
    """Train on 256 rows a centroid from one random start, which is what faiss does unless told otherwise."""
    import faiss
    import numpy as np
    import polars as pl

    frame = _clean_with_polars(pl.scan_parquet(table).select(COLUMNS)).collect()
    X = frame.select(FEATURES).to_numpy()
    mean, deviation = X.mean(axis=0), X.std(axis=0)
    Z = np.ascontiguousarray((X - mean) / deviation, dtype=np.float32)
    model = faiss.Kmeans(Z.shape[1], K, **options)
    model.train(Z)
    squared, labels = model.index.search(Z, 1)
    told = frame.select("id", segment=labels[:, 0] + 1, distance=np.sqrt(np.maximum(squared[:, 0], 0)))
    told.write_parquet(out / "segments.parquet", compression="snappy")
    return (model.centroids * deviation + mean).tolist()


def cleaning_with_polars(table: Path, out: Path, threads: int) -> None:
    """Write the clean rows and the rejected ones, and no more."""
    import polars as pl

    rows = pl.scan_parquet(table)
    _clean_with_polars(rows).sink_parquet(out / "clean.parquet", compression="snappy")
    rules = [(pl.col(name).is_null(), f"{name}: present") for name in FEATURES]
    rules.append((pl.col("spending") < 0, "spending: at least 0"))
    rule = pl.coalesce(*[pl.when(broken).then(pl.lit(text)) for broken, text in rules])
    judged = rows.with_columns(rule=rule).filter(pl.col("rule").is_not_null())
    judged.sink_parquet(out / "rejected.parquet", compression="snappy")


def _clean_with_polars(rows):
    import polars as pl

    return rows.drop_nulls(FEATURES).filter(pl.col("spending") >= 0)


def cleaning(table: Path, out: Path, threads: int) -> None:
    """Write the clean rows and the rejected ones, and no more, as the bare path would."""
    from tests.benchmarks import bare

    connection = bare.connect(threads, "300MB")
    judged = bare.judge(connection.read_parquet(table))
    bare.write(connection, bare.clean(judged), out / "clean.parquet")
    bare.write(connection, bare.rejected(judged), out / "rejected.parquet")


def dask_ml(table: Path, out: Path, threads: int) -> list:
    import dask
    import dask.array as da
    import dask.dataframe as dd
    from dask_ml.cluster import KMeans

    dask.config.set(scheduler="threads", num_workers=threads)
    frame = dd.read_parquet(table, columns=COLUMNS).dropna(subset=FEATURES)
    frame = frame[frame["spending"] >= 0].persist()
    X = frame[FEATURES].to_dask_array(lengths=True)
    mean, deviation = da.compute(X.mean(axis=0), X.std(axis=0))
    Z = ((X - mean) / deviation).persist()
    model = KMeans(K, random_state=0).fit(Z)
    centres = model.cluster_centers_
    distance = da.sqrt(((Z[:, None] - centres) ** 2).sum(axis=2).min(axis=1))
    told = frame[["id"]].assign(segment=dd.from_dask_array(model.labels_ + 1, index=frame.index, columns="segment"))
    told = told.assign(distance=dd.from_dask_array(distance, index=frame.index, columns="distance"))
    told.to_parquet(out / "segments.parquet", compression="snappy")
    return (centres * deviation + mean).tolist()


def mllib(table: Path, out: Path, threads: int) -> list:
    """Fit with Spark, whose JVM is waited for, so that its time and memory are counted."""
    from pyspark.ml import Pipeline
    from pyspark.ml.clustering import KMeans
    from pyspark.ml.feature import StandardScaler, VectorAssembler
    from pyspark.sql import SparkSession

    settings = {"spark.driver.memory": MEMORY, "spark.ui.enabled": "false", "spark.log.level": "ERROR"}
    session = SparkSession.builder.master(f"local[{threads}]").config(map=settings).getOrCreate()
    rows = session.read.parquet(str(table)).select(*COLUMNS).dropna(subset=FEATURES).where("spending >= 0").cache()
    scaler = StandardScaler(withMean=True, inputCol="x", outputCol="z")
    steps = [VectorAssembler(inputCols=FEATURES, outputCol="x"), scaler, KMeans(k=K, seed=0, featuresCol="z")]
    model = Pipeline(stages=steps).fit(rows)
    mean, deviation = model.stages[1].mean.toArray(), model.stages[1].std.toArray()
    centroids = [(centre * deviation + mean).tolist() for centre in model.stages[2].clusterCenters()]
    parts = zip(FEATURES, zip(*centroids, strict=True), deviation.tolist(), strict=True)
    squares = [f"pow(({name} - array{own}[prediction]) / {spread}, 2)" for name, own, spread in parts]
    distance = f"sqrt({' + '.join(squares)}) as distance"
    told = model.transform(rows).selectExpr("id", "prediction + 1 as segment", distance)
    told.write.option("compression", "snappy").parquet(str(out / "segments.parquet"))
    gateway = session.sparkContext._gateway
    session.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()
    return centroids


WAYS = {way.__name__: way for way in (
    floor, bare, bare_and_duplicates, kmeans, kmeans_of_ten, minibatch, faiss_of_some, faiss_of_ten, faiss_of_all,
    cleaning, cleaning_with_polars, dask_ml, mllib,
)}  # fmt: skip


def main(name: str, table: str, folder: str, threads: str) -> None:
    """Run one way on as many cores as it may have threads."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(threads)])
    found = WAYS[name](Path(table), Path(folder), int(threads))
    Path(folder, "centroids.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
