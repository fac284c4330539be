"""The customers whom the dashboard lists as CSV: given row by row as they are read, however many there are."""

import hmac
import secrets
from codecs import BOM_UTF8 as BOM
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from threading import Lock
from urllib.parse import quote

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from segmentation.core.engine import ITS_OWN, double, in_batches, new_duckdb, new_file, plain
from segmentation.core.errors import DataError, UsageError
from segmentation.core.files import as_cells
from segmentation.customers.counts import identified
from segmentation.runs.manifest import open_finished, require_unchanged
from segmentation.runs.run import Run
from segmentation.segments.assign import name_of, told_of

PLACE = "customers"  # below the address of the dashboard
ROWS_A_PART = 20_000
ROWS_AT_FIRST = 1_000  # found without all others being put in order
MOST_OFFERED = 10_000  # pages: an older one asks its server anew
_SECRET, _LOCK = secrets.token_bytes(), Lock()
_offered: OrderedDict[str, tuple[str, dict]] = OrderedDict()


def offer(run: str, filters: dict) -> str:
    """Return where those customers of a run are given who pass the filters: an address that nobody else can guess."""
    key = hmac.digest(_SECRET, repr((run, filters)).encode(), "sha256").hex()
    with _LOCK:
        _offered[key] = run, filters
        _offered.move_to_end(key)
        if len(_offered) > MOST_OFFERED:
            _offered.popitem(last=False)
    return f"{PLACE}/{key}/{quote(file_name(run))}"


def file_name(run: str) -> str:
    """Return how the list of a run is called."""
    return f"{run}-customers.csv"


def asked(key: str) -> tuple[str, Iterator[bytes]] | None:
    """Return the name of the list that was offered, and its parts; None where none was.

    Raises
    ------
    SegmentationError
        When the run is not as it was made, its rows are private, or it holds no such customers.
    """
    with _LOCK:
        found = _offered.get(key)
    if found is None:
        return None
    run, filters = found
    study = open_finished(run, None)
    require_unchanged(run, "segmented.parquet")
    parts = listed(study, filters)
    return file_name(run), chain([next(parts)], parts)  # what cannot be given fails before an answer has begun


def listed(study: Run, filters: dict) -> Iterator[bytes]:
    """Return the parts of a CSV of the customers that pass the filters, by their ids; no text in it is a formula.

    Raises
    ------
    UsageError
        When rows are private.
    DataError
        When a column is gone that is listed, or by which is filtered.
    """
    if study.dataset.private:
        raise UsageError("dataset.yaml says privacy: aggregate, so no rows are listed")
    held = pq.read_schema(study.existing("segmented.parquet")).names
    if gone := sorted({*filters, *study.dataset.named("feature", "descriptor")} - {*held}):
        raise DataError(
            f"run {study.name} has no column {', '.join(map(repr, gone))} (any more): it was made again, or its "
            "dataset.yaml was changed, since the page was shown; load the page again"
        )
    names = {profile.segment: profile.name for profile in study.read("profiles.json").segments}
    return _parts(study, names, filters)


@contextmanager
def _read_apart(path: Path) -> Iterator[ibis.Table]:
    """Read a Parquet file by a DuckDB of its own: whoever takes the rows slowly then keeps nobody waiting."""
    engine = new_duckdb()
    try:
        yield engine.read_parquet(plain(path), **ITS_OWN)
    finally:
        engine.disconnect()


def _parts(study: Run, names: dict[int, str], filters: dict) -> Iterator[bytes]:
    with _read_apart(study.existing("segmented.parquet")) as found:
        table = identified(found)
        some = table.filter(passes(table, filters)) if filters else table
        told = some.mutate(name=name_of(some, names)).rename({study.dataset.key: "id"})
        columns = [study.dataset.key, *told_of(told), *study.dataset.named("feature", "descriptor")]
        cells = as_cells(told.select(*columns))
        head = pa.Table.from_batches([], cells.schema().to_pyarrow())
        if _beyond_ascii(told.select(*columns), names):
            yield BOM
        yield _written(cells, head, header=True)
        key = told[study.dataset.key]
        ordered = told.order_by(key.cast("string").length(), key).select(*columns)
        for rows in (ordered.limit(ROWS_AT_FIRST), ordered.limit(None, offset=ROWS_AT_FIRST)):
            for batch in in_batches(as_cells(rows), ROWS_A_PART):
                yield _written(cells, pa.Table.from_batches([batch]), header=False)


def _beyond_ascii(told: ibis.Table, names: dict[int, str]) -> bool:
    """Return whether there is more than ASCII in a list: without a byte order mark Excel shows no umlaut.

    It is asked of the texts as they are held, because what makes them harmless is ASCII and takes five times as long.
    """
    if not "".join(told.columns).isascii():
        return True
    texts = [told[column] for column, kind in told.schema().items() if kind.is_string() and column != "name"]
    beyond = [strlen(text) > text.length() for text in texts]
    beyond += [told["segment"].isin([segment for segment, name in names.items() if not name.isascii()])]
    return bool(ibis.or_(*beyond).any().execute())


@ibis.udf.scalar.builtin
def strlen(text: str) -> int:  # type: ignore[empty-body]
    """Name DuckDB's function that counts bytes."""


def _written(cells: ibis.Table, rows: pa.Table, *, header: bool) -> bytes:
    """Return rows as the engine writes them, by a file that is gone afterwards."""
    path = new_file()
    try:
        with cells.get_backend().con.cursor() as own:  # beside that which still gives rows
            own.from_arrow(rows).write_csv(str(path), header=header)
        return path.read_bytes()
    finally:
        path.unlink(missing_ok=True)


def passes(table: ibis.Table, filters: dict) -> ibis.Value:
    """Return which rows pass the filters: (from, to) of numbers, or the values that are kept."""
    return ibis.and_(*(_passes(table[name], wanted) for name, wanted in filters.items()))


def _passes(value: ibis.Value, wanted) -> ibis.Value:
    if isinstance(wanted, tuple):
        return value.between(*map(double, wanted))
    known = value.cast("string").isin([str(one) for one in wanted if one is not None])
    return known | value.isnull() if None in wanted else known & value.notnull()
