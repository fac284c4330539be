"""The engine that reads and computes tables of any size: DuckDB in this process, or Spark.

Whether a table is small or large is decided here alone: one of few rows is kept in memory, a larger one on the disk.
"""

import atexit
import os
import re
import shutil
import socket
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import cache, reduce
from itertools import count
from operator import add, and_, or_
from pathlib import Path
from threading import RLock

import ibis
import ibis.backends.duckdb
import ibis.expr.datatypes as dt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.expr.operations import DatabaseTable, InMemoryTable, InSubquery, JoinChain
from pyarrow.csv import WriteOptions

from segmentation.core.errors import UsageError, as_option, cause, require_extra
from segmentation.core.parallel import make_temporary

MOST_HELD = 200_000  # rows: a table of more is never held as a whole
CELLS_AT_ONCE = 2_000_000  # of several columns that are put below each other
ROWS_AT_ONCE, ROWS_A_GROUP = 1_000_000, 122_880  # in a file as many as DuckDB reads at once on a core
LARGEST_DICTIONARY = 2**16  # bytes of the values of a column in a group: to list more of them costs more than it saves
MEMORY = "1GB"  # beyond it, DuckDB spills to disk
COMPUTED_AHEAD = "64MB"  # of an unfinished result, which all cores compute while its first rows are written
NO_EXTENSIONS = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}  # nor any from the network
ENGINE = RLock()  # it serves one at a time; who asks from several threads takes it
_chosen, _numbers = ["duckdb"], count()
_copies: dict = {}
PRIME, FACTOR, SHIFT, HASH_DIGITS = 2**31 - 1, 1_103_515_245, 12_345, 8
CUT_DEVIATIONS = 6  # standard deviations by which the first cut lies above the sample that it must hold
SPARK_MEMORY, LOOPBACK, SECONDS_TO_ANSWER = "2g", "127.0.0.1", 5
ITS_OWN = {"hive_partitioning": False}  # no column from the name of a folder, as in spend=999/
QUIET_LOG = """appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
rootLogger.level = error
rootLogger.appenderRef.console.ref = console
logger.shell.name = org.apache.spark.api.python.PythonGatewayServer
logger.shell.level = error
"""


def plain(path: Path) -> str:
    """Return a path in which DuckDB sees no pattern."""
    return re.sub(r"([\[*?])", r"[\1]", str(path))


def plain_to_spark(path: Path) -> str:
    """Return a path in which Spark sees no pattern: to it braces are one too."""
    return re.sub(r"([\[\]*?{}\\])", r"\\\1", path.as_posix())


def choose(engine: str) -> None:
    """Let large tables be computed by "duckdb" or "spark" from now on."""
    _chosen[0] = engine


def connect() -> ibis.BaseBackend:
    """Return the chosen engine of this process."""
    return _connect(_chosen[0])


@cache
def _connect(engine: str) -> ibis.BaseBackend:
    return connect_spark(scratch()) if engine == "spark" else connect_duckdb()


@cache
def connect_duckdb() -> ibis.BaseBackend:
    """Return the DuckDB of this process, with a limit of memory and a folder to spill to."""
    engine = new_duckdb()
    ibis.set_backend(engine)  # for tables in memory
    return engine


def new_duckdb() -> ibis.BaseBackend:
    """Return another DuckDB, with the same limit and folder."""
    engine = ibis.duckdb.connect(memory_limit=MEMORY, temp_directory=str(scratch()), **NO_EXTENSIONS)
    engine.raw_sql(f"SET streaming_buffer_size = '{COMPUTED_AHEAD}'")
    engine.raw_sql("SET enable_external_file_cache = false")  # up to all of its memory, for what the system keeps too
    if engine.con.execute("SELECT current_setting('enable_progress_bar')").fetchone()[0]:
        engine.raw_sql("SET enable_progress_bar = false")  # a notebook's would stand on the caller's standard output
    engine.raw_sql("SET disabled_optimizers = 'in_clause'")  # it makes a join of a list, which loses the order of rows
    return engine


@cache
def scratch() -> Path:
    """Return a folder for what is put aside, which ends with the process."""
    folder, _ = make_temporary()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def kept(table: ibis.Table, *, ordered: bool = True) -> ibis.Table:
    """Compute a table once, and keep it as long as the process: few rows in memory, more of them on the disk.

    One that needs not be `ordered` is written by all cores, also where it is a join.
    """
    fixed = ordered and not _is_mixed(table)
    copy = _write_groups(table, new_file()) if fixed else _write_parts(table, ordered=ordered)
    found = opened(copy)
    if isinstance(found.op(), DatabaseTable) and (fixed or copy.is_dir()):
        _copies[found.get_name()] = copy
    return found


def held(rows, schema: dict[str, str] | None = None) -> ibis.Table:
    """Return rows that are in memory as a table of our DuckDB: Ibis would take another one, without its settings."""
    connect_duckdb()
    return ibis.memtable(rows, schema=schema)


def in_memory(table: ibis.Table) -> bool:
    """Return whether a table is kept in memory."""
    return isinstance(table.op(), InMemoryTable)


def kept_like(raw: ibis.Table, table: ibis.Table) -> ibis.Table:
    """Compute once what comes from a table in memory; what comes from the disk is computed when it is asked for.

    There the rows would have to be written with all that is found out about them, which costs more than to do it again.
    """
    return kept(table) if in_memory(raw) else table


def opened(path: Path) -> ibis.Table:
    """Open a Parquet file, or the parts that an engine wrote: in memory where it has few rows, else where it lies.

    Spark writes which columns cannot be empty, and tables that differ in that alone could not be put below each other.
    """
    if sum(pq.read_metadata(part).num_rows for part in _parts_of(path)) <= MOST_HELD:
        found = pq.read_table(path, partitioning=None)
        return held(found.cast(pa.schema([field.with_nullable(True) for field in found.schema])))
    return read(path)


def in_batches(table: ibis.Table, most: int = ROWS_AT_ONCE) -> Iterator[pa.RecordBatch]:
    """Give the rows of a table, at most so many at once; nothing else is asked of the engine until the last is given.

    Ibis takes its batches from a call that DuckDB 2 has no more, and what stands for it there holds all rows. An
    unfinished result keeps a connection of DuckDB from the next query, so that who stops early closes it.
    """
    engine = table.get_backend()
    if engine.name != "duckdb":
        yield from table.to_pyarrow_batches(chunk_size=most)
        return
    with engine._to_duckdb_relation(table).to_arrow_reader(most) as found:
        yield from found


def write_cells(table: ibis.Table, path: Path, delimiter: str) -> None:
    """Write a table as text, with this delimiter between its cells."""
    duckdb = table.get_backend().name == "duckdb"
    table.to_csv(path, **({"delimiter": delimiter} if duckdb else {"write_options": WriteOptions(delimiter=delimiter)}))


def write(table: ibis.Table, path: Path) -> None:
    """Write a table as one Parquet file, its rows always in the same groups, and by DuckDB in one order."""
    copy = isinstance(table.op(), DatabaseTable) and _copies.get(table.get_name())
    if copy and copy.is_file():
        try:
            path.hardlink_to(copy)  # nobody may write to it
        except OSError:  # another disk
            shutil.copyfile(copy, path)
    else:
        _write_groups(_of_parts(copy or _write_parts(table)) if copy or _is_mixed(table) else table, path)


def _is_mixed(table: ibis.Table) -> bool:
    """Return whether rows come out of order, unless their engine writes them: joined by DuckDB, or from Spark."""
    return table.get_backend().name != "duckdb" or bool(table.op().find((JoinChain, InSubquery)))


def _write_groups(table: ibis.Table, path: Path) -> Path:
    """Write rows in their order, on one core: several would close the groups of rows as they bring them."""
    schema = table.schema().to_pyarrow()
    with pq.ParquetWriter(path, schema, store_schema=False, dictionary_pagesize_limit=LARGEST_DICTIONARY) as file:
        for batch in in_batches(table, ROWS_A_GROUP):
            file.write_batch(batch.cast(schema))
    return path


def _write_parts(table: ibis.Table, *, ordered: bool = True) -> Path:
    """Write as an engine does: Spark's workers a part each, and DuckDB's cores in groups that end by chance."""
    copy = new_file()
    table.to_parquet(copy, **({"preserve_order": ordered} if table.get_backend().name == "duckdb" else {}))
    return copy


def _of_parts(copy: Path) -> ibis.Table:
    """Read by DuckDB what any engine wrote, parts of one in their order."""
    return connect_duckdb().read_parquet([plain(part) for part in _parts_of(copy)], **ITS_OWN)


def _parts_of(copy: Path) -> list[Path]:
    return sorted(copy.glob("*.parquet")) if copy.is_dir() else [copy]


def new_file() -> Path:
    """Return the path of a file in `scratch` that nobody else writes."""
    return scratch() / f"{next(_numbers)}.parquet"


def read(path: Path) -> ibis.Table:
    """Read one Parquet file, whatever marks are in its name."""
    engine = connect()
    if engine.name == "duckdb":
        return engine.read_parquet(plain(path), **ITS_OWN)
    return engine.read_parquet(plain_to_spark(path))


def read_numbered(path: Path) -> ibis.Table:
    """Read a Parquet file with file_row_number, the place of each row from 0."""
    engine = connect()
    if engine.name == "duckdb":
        return engine.read_parquet(plain(path), file_row_number=True, **ITS_OWN)
    view = f"numbered_{next(_numbers)}"
    rows = engine._session.read.parquet(plain_to_spark(path)).selectExpr("*", "_metadata.row_index AS file_row_number")
    rows.createOrReplaceTempView(view)
    return engine.table(view)


def any_of(conditions: Iterable[ibis.Value]) -> ibis.Value:
    """Return whether one of any number of conditions holds; of none False."""
    return paired([*conditions] or [ibis.literal(False)], or_)


def all_of(conditions: Iterable[ibis.Value]) -> ibis.Value:
    """Return whether all of any number of conditions hold; of none True."""
    return paired([*conditions] or [ibis.literal(True)], and_)


def of_each(table: ibis.Table, names: list[str], ask: Callable, *beside: str) -> dict[str, pd.DataFrame]:
    """Return what `ask` finds of each column (_column, _cell): in memory of all at once, on the disk one by one."""
    found = pd.concat([ask(part).to_pandas() for part in _cells(table, names, beside)]) if names else pd.DataFrame()
    own = {name: cells.drop(columns="_column") for name, cells in found.groupby("_column")} if names else {}
    return {name: own.get(name, found.iloc[:0].drop(columns="_column")) for name in names}


def _cells(table: ibis.Table, names: list[str], beside: tuple[str, ...]) -> Iterable[ibis.Table]:
    """Return the cells of columns below each other: of text in memory of so many at once that few queries do."""
    texts = [name for name in names if in_memory(table) and table[name].type().is_string()]
    for name in sorted({*names} - {*texts}):
        yield table.select(*beside, _column=ibis.literal(name), _cell=table[name])
    rows = table.select(*{**dict.fromkeys(beside), **dict.fromkeys(texts)}).to_pyarrow() if texts else pa.table({})
    at_once = max(1, CELLS_AT_ONCE // max(rows.num_rows, 1))
    for some in (texts[i : i + at_once] for i in range(0, len(texts), at_once)):
        parts = [rows.select([*beside]).append_column("_column", pa.repeat(name, rows.num_rows)) for name in some]
        cells = [part.append_column("_cell", rows[name]) for part, name in zip(parts, some, strict=True)]
        yield held(pa.concat_tables(cells).combine_chunks())


def add_up(terms: list[ibis.Value]) -> ibis.Value:
    """Add up any number of terms, fifty at a time from left to right, so that few are added as they stand."""
    return paired([reduce(add, terms[i : i + 50]) for i in range(0, len(terms), 50)], add)


def paired(parts: list, join: Callable) -> ibis.Value:
    """Join expressions two by two: a chain of a thousand is deeper than Python or DuckDB can follow."""
    while len(parts) > 1:
        left, right = parts[::2], parts[1::2]
        parts = [join(*two) for two in zip(left, right, strict=False)] + left[len(right) :]
    return parts[0]


def double(value: float) -> ibis.Value:
    """Return a number as a double: DuckDB takes a bare 0.1 for a decimal, which is slower and not the same."""
    return ibis.literal(repr(float(value))).cast("float64")


@ibis.udf.scalar.builtin
def md5(text: str) -> str:  # type: ignore[empty-body]
    """Name the function that DuckDB, PySpark and PostgreSQL all have; Ibis translates its own for two of them."""


@ibis.udf.scalar.builtin
def md5_number_lower(text: str) -> dt.uint64:
    """Name DuckDB's function that returns half of an MD5 as a number."""


def sum_of(table: ibis.Table) -> list[str]:
    """Return how many rows a table has, and what the halves of their hashes add up to, in whatever order they come.

    DuckDB computes it for every engine: Spark writes other texts of the same numbers.
    """
    if table.get_backend().name != "duckdb":
        table = _of_parts(_write_parts(table))
    cells = ((ibis.literal(f"{name}=") + table[name].cast("string")).fill_null("") for name in sorted(table.columns))
    hashed = table.select(_hash=md5_number_lower(paired([*cells], lambda row, cell: row + "\x1f" + cell)))["_hash"]
    halves = {"low": (hashed % 2**32).cast("int64").sum(), "high": (hashed >> 32).cast("int64").sum()}
    return [f"{n}," for n in hashed.as_table().agg(rows=hashed.count(), **halves).to_pyarrow().to_pylist()[0].values()]


def sampled(table: ibis.Table, identity: ibis.Value, most: int = MOST_HELD) -> ibis.Table:
    """Return the whole table, or `most` of its rows: the same ones on every engine, for any threads and order of rows.

    Those with the smallest hash of `identity` are taken, ties by it: whole numbers or text, none of them null, each
    once. A number has another hash than its text.
    """
    rows = int(table.count().execute())
    if rows <= most:
        return table
    hashed = table.mutate(_hash=hash_of(identity), _identity=identity)
    cut = _cut(hashed["_hash"], (most + CUT_DEVIATIONS * most**0.5) / rows)
    below = hashed.filter(hashed["_hash"] < cut)
    if hashed.get_backend().name == "duckdb":  # whose filter would read the id anew for each step of its hash
        below = hashed.join(ends := held({"_cut": [cut]}), hashed["_hash"] < ends["_cut"]).drop("_cut")
    few = kept(below, ordered=False)
    few = few if int(few.count().execute()) >= most else hashed
    return few.order_by("_hash", "_identity").limit(most).select(*table.columns)


def hash_of(identity: ibis.Value) -> ibis.Value:
    """Return what orders ids as if by chance, by arithmetic that no engine does otherwise and that never overflows.

    A whole number n becomes (a (n + b))^5 modulo the prime 2^31 - 1: one to one among the remainders, because 5 and
    2^31 - 2 have no common divisor, and without the pattern of a product alone. A text becomes its MD5.
    """
    if not identity.type().is_integer():
        return md5(identity.cast("string"))
    # The prime is added because the remainder of a negative number is negative in SQL.
    mixed = (identity.cast("int64") % PRIME + (PRIME + SHIFT)) * FACTOR % PRIME
    squared = mixed * mixed % PRIME
    return squared * squared % PRIME * mixed % PRIME


def _cut(hashed: ibis.Value, share: float) -> int | str:
    """Return the hash below which lies a share of all."""
    if hashed.type().is_integer():
        return int(min(share, 1) * PRIME)
    return f"{int(min(share, 1) * 16**HASH_DIGITS):0{HASH_DIGITS}x}"


def connect_spark(folder: Path) -> ibis.BaseBackend:
    """Start a session, in which a number out of range or a division by zero is an error, as it is in PostgreSQL.

    Raises
    ------
    UsageError
        When Spark, or the Java that it needs, is not installed, or the master does not answer.
    """
    master = os.environ.get("SPARK_MASTER") or "local[*]"
    require_extra("spark", as_option("engine", "spark"))
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    _require_answer(master)
    logging = folder / "log4j2.properties"
    logging.write_text(QUIET_LOG)
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
    except PySparkRuntimeError as fault:
        raise UsageError(
            f"{as_option('engine', 'spark')} needs Java 17 or later, and none would start; install it, on Debian: "
            f"apt-get install default-jre-headless ({cause(fault)})"
        ) from fault


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
