"""Files of databases, which may come from strangers: their views run, and reach nothing but the file."""

import sqlite3

import duckdb
import pytest

from segmentation.core.errors import DataError
from segmentation.tables.read import read_rows
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
