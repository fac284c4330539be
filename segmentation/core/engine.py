"""Writing artifacts: whole or not at all, and the same bytes every time.
The engine that reads and computes tables of any size: DuckDB in this process, or Spark.
Spark as the engine: on the cores of this machine, or on the master that SPARK_MASTER names.
The segment of every row of a table, as one expression that any engine can compute.
"""

import os
import re
import shutil
import socket
import tempfile
import warnings
from functools import cache
from itertools import count
from pathlib import Path

import ibis
import pyarrow.parquet as pq
from ibis.expr.operations import DatabaseTable, InMemoryTable

from segmentation.core.errors import UsageError


def plain(path: Path) -> str:
    """Return a path in which DuckDB sees no pattern."""
    return re.sub(r"([\[*?])", r"[\1]", str(path))


MOST_HELD = 200_000  # rows: a table of more is never held as a whole
MEMORY = "1GB"  # beyond it, DuckDB spills to disk
_chosen, _kept, _copies, _numbers = ["duckdb"], [], {}, count()


def choose(engine: str) -> None:
    """Let large tables be computed by "duckdb" or "spark" from now on."""
    _chosen[0] = engine


def connect() -> ibis.BaseBackend:
    """Return the chosen engine of this process."""
    return _connect(_chosen[0])


@cache
def _connect(engine: str) -> ibis.BaseBackend:
    if engine == "spark":
        return connect_spark(scratch())
    return connect_duckdb()


@cache
def connect_duckdb() -> ibis.BaseBackend:
    """Return the DuckDB of this process, with a limit of memory and a folder to spill to."""
    engine = ibis.duckdb.connect(memory_limit=MEMORY, temp_directory=str(scratch()))
    if engine.con.sql("SELECT current_setting('threads')").fetchone()[0] == 1:
        engine.raw_sql("SET threads = 2")  # one alone divides a file into other groups of rows than two and more
    engine.raw_sql("SET disabled_optimizers = 'in_clause'")  # it makes a join of a list, which loses the order of rows
    return engine


@cache
def scratch() -> Path:
    """Return a folder for what is put aside, which ends with the process."""
    _kept.append(tempfile.TemporaryDirectory(prefix="segmentation-"))
    return Path(_kept[-1].name)


def is_held(table: ibis.Table) -> bool:
    """Return whether a table is in memory: one of so few rows that its whole cleaning can be."""
    return isinstance(table.op(), InMemoryTable)


def held(table: ibis.Table) -> ibis.Table:
    """Compute a table of few rows once, and keep it in memory."""
    return ibis.memtable(table.to_pyarrow())


def write(table: ibis.Table, path: Path) -> None:
    """Write a table as one Parquet file, by DuckDB its rows always in one order."""
    kept = isinstance(table.op(), DatabaseTable) and _copies.get(table.get_name())
    if kept or table.get_backend().name != "duckdb":
        _gather(kept or _write_parts(table), path)
    else:
        table.to_parquet(path, preserve_order=True)  # of a join too, whose rows several threads would mix


def _write_parts(table: ibis.Table) -> Path:
    """Write by an engine whose workers write a part each, into one folder."""
    folder = new_file()
    table.to_parquet(folder)
    return folder


def _gather(kept: Path, path: Path) -> None:
    """Give a Parquet file another name, which nobody may write to, or copy it, or the parts of one in their order."""
    if kept.is_file():
        try:
            path.hardlink_to(kept)
        except OSError:  # another disk
            shutil.copyfile(kept, path)
        return
    parts = sorted(kept.glob("*.parquet"))
    with pq.ParquetWriter(path, pq.read_schema(parts[0]).remove_metadata()) as file:
        for part in parts:
            for batch in pq.ParquetFile(part).iter_batches():
                file.write_batch(batch)


def stored(table: ibis.Table, *, ordered: bool = True) -> ibis.Table:
    """Compute a table of any size once, and keep it on the disk until the process ends.

    One that needs not be `ordered` is written by all cores, also where it is a join.
    """
    if table.get_backend().name == "duckdb":
        copy = new_file()
        table.to_parquet(copy, preserve_order=ordered)
    else:
        copy = _write_parts(table)
    kept = read(copy)
    _copies[kept.get_name()] = copy
    return kept


def new_file() -> Path:
    """Return the path of a file in `scratch` that nobody else writes."""
    return scratch() / f"{next(_numbers)}.parquet"


def read(path: Path) -> ibis.Table:
    """Read one Parquet file, whatever marks are in its name."""
    engine = connect()
    return engine.read_parquet(plain(path) if engine.name == "duckdb" else path)


def read_numbered(path: Path) -> ibis.Table:
    """Read a Parquet file with file_row_number, the place of each row from 0."""
    engine = connect()
    if engine.name == "duckdb":
        return engine.read_parquet(plain(path), file_row_number=True)
    view = f"numbered_{next(_numbers)}"
    rows = engine._session.read.parquet(str(path)).selectExpr("*", "_metadata.row_index AS file_row_number")
    rows.createOrReplaceTempView(view)
    return engine.table(view)


SPARK_MEMORY = "2g"
LOOPBACK = "127.0.0.1"
SECONDS_TO_ANSWER = 5
QUIET = """appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
rootLogger.level = error
rootLogger.appenderRef.console.ref = console
logger.shell.name = org.apache.spark.api.python.PythonGatewayServer
logger.shell.level = error
"""


def connect_spark(folder: Path) -> ibis.BaseBackend:
    """Start a session, in which a number out of range or a division by zero is an error, as it is in PostgreSQL.

    Raises
    ------
    UsageError
        When Spark, or the Java that it needs, is not installed, or the master does not answer.
    """
    master = os.environ.get("SPARK_MASTER") or "local[*]"
    try:
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError("ENGINE=spark needs PySpark; install it: make spark") from None
    _require_answer(master)
    logging = folder / "log4j2.properties"
    logging.write_text(QUIET)
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.driver.memory": SPARK_MEMORY,
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={logging.as_uri()}",
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder),
    }
    if LOOPBACK in master or master.startswith("local"):
        settings |= {"spark.driver.host": LOOPBACK, "spark.driver.bindAddress": LOOPBACK}
        os.environ.setdefault("SPARK_LOCAL_IP", LOOPBACK)
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
    try:
        return ibis.pyspark.connect(SparkSession.builder.master(master).config(map=settings).getOrCreate())
    except PySparkRuntimeError:
        raise UsageError(
            "ENGINE=spark needs Java 17 or later, and none would start; install it, on Debian: apt-get install "
            "default-jre-headless"
        ) from None


def _require_answer(master: str) -> None:
    """Refuse a standalone master that is not there: Spark itself would ask it for a minute."""
    if not master.startswith("spark://"):
        return
    for place in master.removeprefix("spark://").split(","):
        host, _, port = place.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=SECONDS_TO_ANSWER).close()
            return
        except (OSError, ValueError):
            continue
    raise UsageError(
        f"SPARK_MASTER={master} does not answer; start it, or leave SPARK_MASTER out to use the cores of this machine"
    )


def double(value: float) -> ibis.Value:
    """Return a number as a double: DuckDB takes a bare 0.1 for a decimal, which is slower and not the same."""
    return ibis.literal(repr(float(value))).cast("float64")
