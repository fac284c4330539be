"""Files of databases, which may come from strangers: their views run, and reach nothing but the file."""

import shutil
import sqlite3
from pathlib import Path

import duckdb
import psycopg
import pytest

from segmentation.core.engine import connect_duckdb
from segmentation.core.errors import DataError
from segmentation.tables.formats import copied_database
from segmentation.tables.read import read_rows
from segmentation.tables.sandbox import Limits, Unreadable, copy_database
from segmentation.tables.sources import locate


def _rows(place) -> list[list[str]]:
    return [cells for *_, cells in read_rows(locate("DATA", str(place)))[1]]


def _made(path, *statements: str) -> str:
    """Make a database of DuckDB or SQLite, by its ending."""
    connection = (duckdb if path.suffix == ".duckdb" else sqlite3).connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return str(path)


OUTSIDE = {  # as a stranger would hide it behind a view
    "shop.duckdb": [
        "SELECT content FROM read_text('{secret}')",
        "SELECT * FROM read_csv('{secret}')",
        "SELECT size FROM read_blob('{secret}')",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM query('SELECT content FROM read_text(''{secret}'')')",
        "SELECT * FROM leaks('{secret}')",
    ],
    "shop.sqlite": [
        "SELECT readfile('{secret}')",
        "SELECT load_extension('{folder}/evil.so')",
        "SELECT writefile('{folder}/made', 'x')",
        "SELECT file FROM pragma_database_list",
        "SELECT * FROM ghost",
    ],
}
ASKED = {  # what no view can be made of where there is no network, extension or variable of that name
    "shop.duckdb": [
        "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
        "SELECT * FROM sqlite_scan('{other}', 't')",
        "SELECT getenv('HOME')",
        "SELECT * FROM part",
        "SELECT * FROM '{secret}'",
    ],
    "shop.sqlite": ["SELECT * FROM other.t", "SELECT * FROM pragma_table_info('t')"],
}


@pytest.fixture
def reach(tmp_path):
    """A folder with what a stranger would like to have, and what they call it in a query."""
    (tmp_path / "secret.txt").write_text("a,b\nhush,1\n")
    _made(tmp_path / "other.sqlite", "CREATE TABLE t AS SELECT 'hush' AS a")
    return {"secret": tmp_path / "secret.txt", "other": tmp_path / "other.sqlite", "folder": tmp_path}


def _refuse(path, part: str) -> None:
    with pytest.raises(
        DataError, match=rf"^{path.name} cannot be read from the database: .* only its own tables"
    ) as no:
        _rows(f"{path}#{part}")
    assert "hush" not in str(no.value)
    assert not path.with_name("made").exists()


@pytest.mark.parametrize(("name", "view"), [(name, view) for name, views in OUTSIDE.items() for view in views])
def test_a_view_reaches_nothing_outside_of_its_file(reach, name, view):
    path, view = reach["folder"] / name, f"CREATE VIEW seen AS {view.format(**reach)}"
    if name == "shop.duckdb":
        _made(path, "CREATE MACRO leaks(place) AS TABLE SELECT content FROM read_text(place)", view)
    else:
        ghost = f"CREATE VIRTUAL TABLE ghost USING csv(filename='{reach['secret']}')".replace("'", "''")
        hidden = f"INSERT INTO sqlite_master VALUES ('table', 'ghost', 'ghost', 0, '{ghost}')"
        _made(path, view, "PRAGMA writable_schema = 1", hidden)
    _refuse(path, "seen")


@pytest.mark.parametrize(("name", "query"), [(name, query) for name, queries in ASKED.items() for query in queries])
def test_a_query_reaches_nothing_outside_of_its_file(reach, name, query):
    path = reach["folder"] / name
    _made(path, "CREATE TABLE t AS SELECT 1 AS a")
    _refuse(path, query.format(**reach))


BOTH = pytest.mark.parametrize("name", ["shop.duckdb", "shop.sqlite"])


@BOTH
def test_views_over_the_tables_of_the_file_are_read(tmp_path, name):
    path = tmp_path / name
    table = "CREATE TABLE t AS SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, 'y'"
    several = "CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) "
    _made(path, table, f"{several} SELECT i, b FROM n JOIN t ON a = i ORDER BY i")
    assert _rows(f"{path}#v") == [["1", "x"], ["2", "y"]]
    assert _rows(f"{path}#SELECT 'ë;' AS c, a AS d, a AS e FROM t WHERE b <> 'y'; -- all;") == [["ë;", "1", "1"]]


def test_the_types_of_a_database_are_those_of_its_values(tmp_path):
    kinds = "900000000000000001::HUGEINT a, 1.50::DECIMAL(9, 2) b, encode('Zoë') c, '\\xFF'::BLOB d, [1, 2] e"
    times = "DATE '2024-02-29' f, TIMESTAMPTZ '2024-02-29 23:00:00+00' g, 'q'::ENUM('q') h, true i, INTERVAL 1 DAY j"
    _made(tmp_path / "a.duckdb", f"CREATE TABLE t AS SELECT {kinds}, {times}")
    [row] = _rows(tmp_path / "a.duckdb")
    assert row[:5] == ["900000000000000001", "1.50", "Zoë", "\\xFF", "[1, 2]"]
    assert row[5:] == ["2024-02-29", "2024-02-29T23:00:00", "q", "True", "1 day"]
    _made(
        tmp_path / "a.sqlite",
        "CREATE TABLE t (id INTEGER, part REAL, mixed, large, empty)",
        "INSERT INTO t VALUES (900000000000000001, 1, '20,5', 9007199254740993, NULL)",
        "INSERT INTO t VALUES (2, 2.5, 20.125, 1.5, NULL), (3, 4, 1e300, 4.0, NULL), (NULL, 1, x'42FF', 1, NULL)",
    )
    assert _rows(tmp_path / "a.sqlite") == [
        ["900000000000000001", "1", "20,5", "9007199254740993", ""],
        ["2", "2.5", "20125e-3", "15e-1", ""],
        ["3", "4", "1e+300", "4", ""],
        ["", "1", "B\\xff", "1", ""],
    ]


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n"
GREEDY = [
    ("shop.sqlite", ENDLESS, Limits(seconds=1), "takes more than 1 seconds"),
    ("shop.duckdb", "SELECT * FROM range(1000000000000)", Limits(seconds=1), "takes more than 1 seconds"),
    ("shop.sqlite", "SELECT zeroblob(900000000)", Limits(memory=900_000_000), "do not fit into memory"),
    (
        "shop.duckdb",
        "SELECT repeat('x', 1900000000)",
        Limits(memory=1_500_000_000),
        "Out of Memory|do not fit into memory",
    ),
    ("shop.sqlite", "SELECT hex(randomblob(999999))", Limits(written=10_000), "File too large"),
    ("shop.duckdb", "SELECT hash(range) FROM range(99999)", Limits(written=10_000), "File too large"),
]


@pytest.mark.parametrize(("name", "query", "limits", "told"), GREEDY)
def test_a_database_has_limits_of_time_memory_and_disk(tmp_path, name, query, limits, told):
    path = Path(_made(tmp_path / name, f"CREATE VIEW v AS {query}"))
    with pytest.raises(Unreadable, match=told):
        copy_database(path, path.suffix[1:], tmp_path / "copy", table="v", limits=limits)


def test_a_database_is_copied_once_until_it_changes(tmp_path):
    path = Path(_made(tmp_path / "shop.sqlite", "CREATE TABLE t AS SELECT 1 AS a"))
    first = copied_database(path, "sqlite", None)
    assert copied_database(path, "sqlite", None) == first
    assert copied_database(path, "sqlite", "t") != first
    _made(path, "INSERT INTO t VALUES (2)")
    assert copied_database(path, "sqlite", None) != first
    assert _rows(path) == [["1"], ["2"]]


def _left(folder, name: str) -> tuple[list[str], Path]:
    """Leave a database as its program did that was killed, and return the rows that were safe by then."""
    path, copied = folder / "work" / name, folder / name
    path.parent.mkdir()
    if name == "shop.duckdb":
        stay = "PRAGMA disable_checkpoint_on_shutdown"
        _made(path, "CREATE TABLE t AS SELECT 1 AS a", "CHECKPOINT", stay, "INSERT INTO t VALUES (2)")
        rows = ["1", "2"]
    else:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute(f"PRAGMA journal_mode = {'wal' if name == 'wal.sqlite' else 'delete'}")
        connection.executescript("CREATE TABLE t (a); INSERT INTO t VALUES (1); PRAGMA cache_size = 1")
        if name == "wal.sqlite":
            connection.execute("INSERT INTO t VALUES (2)")
            rows = ["1", "2"]
        else:  # in the middle of a change that reached the disk
            connection.executescript("BEGIN; UPDATE t SET a = 7; CREATE TABLE more AS SELECT zeroblob(99999) AS b")
            rows = ["1"]
    for part in path.parent.iterdir():
        if not part.name.endswith("-shm"):
            shutil.copy(part, folder)
    if name != "shop.duckdb":
        connection.close()
    shutil.rmtree(path.parent)
    return rows, copied


@pytest.mark.parametrize("name", ["shop.duckdb", "wal.sqlite", "journal.sqlite"])
def test_what_a_killed_program_left_is_read_and_nothing_is_written(tmp_path, name):
    rows, path = _left(tmp_path, name)
    before = {part.name: (part.read_bytes(), part.stat().st_mtime_ns) for part in tmp_path.iterdir()}
    assert len(before) == 2
    assert _rows(f"{path}#t") == [[row] for row in rows]
    assert {part.name: (part.read_bytes(), part.stat().st_mtime_ns) for part in tmp_path.iterdir()} == before


def test_a_database_that_keeps_a_log_has_none_after_it_was_read(tmp_path):
    path = tmp_path / "shop.sqlite"
    _made(path, "PRAGMA journal_mode = wal", "CREATE TABLE t AS SELECT 1 AS a")
    assert _rows(path) == [["1"]]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("part", ["SELECT 1; DELETE FROM t", "WITH x AS (SELECT 1) SELECT 2; ROLLBACK; DELETE FROM t"])
@BOTH
def test_a_query_is_one_statement(tmp_path, name, part):
    path = _made(tmp_path / name, "CREATE TABLE t AS SELECT 1 AS a")
    with pytest.raises(DataError, match="expected one query"):
        _rows(f"{path}#{part}")


def test_no_statement_behind_a_query_writes_to_a_server(postgres):
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (a int)")
        connection.execute("INSERT INTO kept VALUES (1)")
        for part in ("TRANSACTION READ WRITE", "SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"):
            with pytest.raises(DataError, match="expected one query"):
                _rows(f"{postgres}#SELECT 1; COMMIT; SET {part}; DELETE FROM kept; COMMIT")
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1,)


def test_our_own_engine_loads_no_extension():
    settings = dict(connect_duckdb().con.execute("SELECT name, value FROM duckdb_settings()").fetchall())
    assert settings["autoinstall_known_extensions"] == settings["autoload_known_extensions"] == "false"
