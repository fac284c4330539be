"""segments.sql and rules.sql for every kind of database: run where one can be started here, else read back and run.

Spark runs them in `tests.core.test_engines`.
"""

import csv
import getpass
import os
import shutil
import sqlite3
import subprocess
import tempfile
from functools import cache, partial
from types import SimpleNamespace

import duckdb
import ibis
import numpy as np
import pandas as pd
import psycopg
import pytest
import sqlglot
from psycopg import sql

from segmentation.core.dataset import Dataset
from segmentation.runs.records import Placement, Rules
from segmentation.runs.stages import DIALECTS, STAGES, sql_files
from segmentation.segments.assign import assign_rows
from segmentation.segments.model import OWN, nearest_sql, write_queries
from segmentation.shortcuts.rules import grow_rules, write_sql
from tests.conftest import ROOT

AWKWARD = 'net "income" in `k€`, [b]\\'
POWERS = {"order": 0.0, AWKWARD: 0.37, "Dívida 债": 2.0, "end": 1.0}  # logged, transformed twice, as it is
OTHERS = {"s1": -1e9, "z2": 1e9, "t0": 3.0, "scored": 4.0}  # columns that are none of ours
NAMES = {1: "Fans */ ; '", 2: 'two\nlines "` \\', 3: "/*! DROP", 4: "-- --", 5: "# $$ {{x}}"}
ROWS = 400


@cache
def case() -> tuple[Placement, Rules, pd.DataFrame]:
    """Return a model, rules, and customers: id, the features with holes, whole numbers among them, and others."""
    rng = np.random.default_rng(11)
    features = [{"name": name, "lambda": power, "centre": -0.1, "spread": 1 / 3} for name, power in POWERS.items()]
    model = Placement(features=features, centroids=rng.normal(0, 4, (5, 4)).tolist())
    rows = pd.DataFrame({"id": range(ROWS), **{name: rng.normal(0.1, 2, ROWS) for name in POWERS}})
    rows["order"], rows["end"] = rng.poisson(4, ROWS).astype(float), rng.integers(-3, 4, ROWS) + 0.1
    segmented = rows.assign(segment=_placed(rows, model))
    rules = grow_rules(segmented, list(POWERS), private=False)
    for i, name in enumerate(POWERS):
        rows.loc[7 * i : 7 * i + 6, name] = np.nan
    return model, rules, rows.assign(**OTHERS)


def _placed(rows: pd.DataFrame, model: Placement) -> list[int]:
    return assign_rows(ibis.memtable(rows), model).order_by("id").to_pandas()["segment"].tolist()


@cache
def expected(query: str) -> list[int | None]:
    """Return by id what the engine says, or the leaves; None where a value is missing that is asked for."""
    model, rules, rows = case()
    if query == "segments":
        whole = rows[["id", *POWERS]].dropna()
        found = dict(zip(whole["id"], _placed(whole, model), strict=True))
        return [found.get(i) for i in rows["id"]]
    return [_by_leaves(rules, row) for row in rows.to_dict("records")]


def _by_leaves(rules: Rules, row: dict) -> int | None:
    for leaf in rules.leaves:
        above = all(low is None or row[name] > low for name, (low, _) in leaf.bounds.items())
        if above and all(high is None or row[name] <= high for name, (_, high) in leaf.bounds.items()):
            return leaf.segment
    return None


def asked(query: str, dialect: str) -> str:
    """Return a statement that gives the id and the segment of each customer, among other columns."""
    model, rules, _ = case()
    if query == "segments":
        return nearest_sql(model, dialect)
    return f"SELECT id,\n{write_sql(rules, NAMES, 'rules', dialect)} AS segment\nFROM customers"


def by_id(names: list[str], rows) -> list[int | None]:
    """Return the segments that a database told, in the order of the ids."""
    told = [dict(zip(names, row, strict=True)) for row in rows]
    pairs = {int(row["id"]): row["segment"] for row in told}
    assert len(told) == len(pairs) == ROWS
    return [None if pairs[i] in (None, "NULL") else int(pairs[i]) for i in sorted(pairs)]


def _fetched(cursor) -> list[int | None]:
    return by_id([column[0] for column in cursor.description], cursor.fetchall())


def in_duckdb(statement: str, rows: pd.DataFrame) -> list[int | None]:
    with duckdb.connect() as connection:
        connection.register("customers", rows)
        return _fetched(connection.execute(statement))


def in_sqlite(statement: str, rows: pd.DataFrame) -> list[int | None]:
    with sqlite3.connect(":memory:") as connection:
        rows.to_sql("customers", connection, index=False)
        return _fetched(connection.execute(statement))


def in_postgresql(statement: str, rows: pd.DataFrame, postgres: str) -> list[int | None]:
    columns = sql.SQL(", ").join(sql.SQL("{} float").format(sql.Identifier(name)) for name in rows.columns)
    with psycopg.connect(postgres) as connection:
        connection.execute(sql.SQL("create temp table customers ({})").format(columns))
        with connection.cursor().copy("copy customers from stdin") as copy:
            for row in rows.astype(object).where(rows.notna(), None).to_numpy():
                copy.write_row(row)
        return _fetched(connection.execute(statement))


@pytest.fixture(scope="module")
def mariadb():
    """A MariaDB server of our own, which is gone after the tests: how statements are given to it."""
    places = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
    daemon = shutil.which("mariadbd", path=places)
    if not daemon:
        pytest.skip("MariaDB is not installed; on Debian: apt-get install mariadb-server")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        here, socket = [f"--datadir={folder}/data", f"--user={getpass.getuser()}"], f"--socket={folder}/socket"
        install = ["mariadb-install-db", "--no-defaults", *here, "--auth-root-authentication-method=normal"]
        subprocess.run(install, check=True, capture_output=True)
        quiet = ["--skip-networking", "--skip-grant-tables", f"--log-error={folder}/log"]
        server = subprocess.Popen([daemon, "--no-defaults", *here, socket, f"--pid-file={folder}/pid", *quiet])
        try:
            ping = ["mariadb-admin", "--no-defaults", socket, "--wait=60", "ping"]
            subprocess.run(ping, check=True, capture_output=True)
            client = ["mariadb", "--no-defaults", socket, "--batch", "--raw", "--default-character-set=utf8mb4"]
            yield [*client, "test"]
        finally:
            server.kill()
            server.wait()


def _told(client: list[str], text: str) -> list[list[str]]:
    done = subprocess.run(client, input=text, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return list(csv.reader(done.stdout.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


def in_mariadb(statement: str, rows: pd.DataFrame, client: list[str]) -> list[int | None]:
    columns = ", ".join(f"`{name.replace('`', '``')}` double" for name in rows.columns)
    values = (", ".join("NULL" if v != v else repr(float(v)) for v in row) for row in rows.to_numpy())
    loaded = f"CREATE TABLE customers ({columns});\nINSERT INTO customers VALUES ({'), ('.join(values)});\n"
    names, *found = _told(client, f"DROP TABLE IF EXISTS customers;\n{loaded}{statement.rstrip().rstrip(';')};\n")
    return by_id(names, found)


_queries = pytest.mark.parametrize("query", ["segments", "rules"])


@_queries
def test_the_case_asks_for_everything(query):
    told = expected(query)
    assert len(set(told)) > 4
    assert (told.count(None) == 28) if query == "segments" else (0 < told.count(None) < 28)


@_queries
def test_duckdb(query):
    assert in_duckdb(asked(query, "postgres"), case()[-1]) == expected(query)


@_queries
def test_postgresql(query, postgres):
    assert in_postgresql(asked(query, "postgres"), case()[-1], postgres) == expected(query)


@_queries
def test_sqlite(query):
    assert in_sqlite(asked(query, "mysql"), case()[-1]) == expected(query)
    with pytest.raises(sqlite3.OperationalError, match="no such column"):  # a name in double quotes becomes a text
        in_sqlite(asked(query, "mysql").replace("`end`", "`ende`"), case()[-1])


@_queries
def test_mariadb(query, mariadb):
    assert in_mariadb(asked(query, "mysql"), case()[-1], mariadb) == expected(query)


@_queries
@pytest.mark.parametrize("dialect", ["bigquery", "snowflake", "tsql"])
def test_databases_that_cannot_be_started_here(query, dialect):
    """Read what is written for them by their own grammar, and run that in DuckDB."""
    found = sqlglot.parse_one(asked(query, dialect), read=dialect, error_level=sqlglot.ErrorLevel.RAISE)
    for kind in found.find_all(sqlglot.exp.DataType):
        kind.replace(sqlglot.exp.DataType.build("double"))  # SQL Server calls it FLOAT, which DuckDB takes for a half
    assert in_duckdb(found.sql("duckdb"), case()[-1]) == expected(query)


@pytest.mark.parametrize(
    "names", [("s2", "z1"), ("z2", "scored"), ("asc", "do"), ("and", "else"), ("having", "analyse"), ("end", "user")]
)
def test_columns_of_any_name(names, postgres, mariadb):
    rng = np.random.default_rng(12)
    features = [{"name": name, "lambda": 1, "centre": 0.3 * i, "spread": 1.0 + i} for i, name in enumerate(names)]
    model = Placement(features=features, centroids=rng.normal(0, 2, (3, 2)).tolist())
    values = rng.normal(0, 4, (ROWS, 2))
    scaled = (values - [0, 0.3]) / [1, 2]
    apart = ((scaled[:, None] - np.array(model.centroids)) ** 2).sum(axis=2)
    segments = (apart.argmin(axis=1) + 1).tolist()
    rows = pd.DataFrame(values, columns=list(names)).assign(id=range(ROWS), s1=-1e9, scaled=1e9)
    standard, mysql = nearest_sql(model), nearest_sql(model, "mysql")
    with duckdb.connect() as connection:
        connection.register("customers", rows)
        found = connection.execute(standard).df()
    assert [name for name in found if not name.startswith(OWN)] == [*rows, "segment"]
    assert in_duckdb(standard, rows) == in_sqlite(mysql, rows) == segments
    assert in_postgresql(standard, rows, postgres) == in_mariadb(mysql, rows, mariadb) == segments


@_queries
def test_a_file_says_for_which_databases_it_is(query):
    for dialect, databases in DIALECTS.items():
        first = next(line for line in asked(query, dialect).splitlines() if line.startswith("--"))
        assert first.startswith(f"-- For {databases}; ")


def test_mariadb_refuses_the_segments_of_postgresql(mariadb):
    """There names in double quotes are texts: without an error everybody would get one segment."""
    features = [{"name": "income", "lambda": 1, "centre": 0, "spread": 1}]
    foreign = nearest_sql(Placement(features=features, centroids=[[0], [1]]))
    table = "CREATE OR REPLACE TABLE customers (income double);\n"
    done = subprocess.run(mariadb, input=table + foreign, capture_output=True, text=True)
    assert "error in your SQL syntax" in done.stderr


def test_a_run_has_both_for_every_database(mall):
    for stage in STAGES:
        for query in ("segments", "rules"):
            assert set(sql_files(query)) & set(stage.writes) in (set(), set(sql_files(query)))
    rows = pd.read_parquet(mall.artifact("mall", "customers.parquet"))
    known = pd.read_csv(mall.artifact("mall", "segments.csv"))["segment"].tolist()
    for name, dialect in sql_files("segments").items():
        text = sqlglot.transpile(mall.artifact("mall", name).read_text(), read=dialect, write="sqlite")
        with sqlite3.connect(":memory:") as connection:
            rows.to_sql("customers", connection, index=False)
            assert [row[-1] for row in connection.execute(text[0])] == known
    page = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    for databases, *names in zip(DIALECTS.values(), sql_files("segments"), sql_files("rules"), strict=True):
        assert f"| {databases.replace(' and ', ', ')} | `{'` | `'.join(names)}` |" in page


def test_snowflake_is_told_how_names_are_read():
    assert "QUOTED_IDENTIFIERS_IGNORE_CASE" in asked("rules", "snowflake")


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("yes/no", "-- Yes and no are read as 1 and 0"),
        ("date", "-- tasty is read as the days from its date to 2024-07-01"),
        ("number", "-- The segment of each customer"),
    ],
)
def test_a_file_says_what_stands_for_yes_and_no_and_for_dates(kind, told, tmp_path):
    """SQLite takes 'Yes' for 0, and gives everybody the segment of those who say no; a date is no number of days."""
    columns = {"tasty": {"role": "feature", "type": kind}}
    dataset = Dataset(title="T", columns=columns, as_of="2024-07-01")
    study = SimpleNamespace(dataset=dataset, features=("tasty",), path=tmp_path.joinpath)
    (tmp_path / "sql").mkdir()
    features = [{"name": "tasty", "lambda": 1, "centre": 0, "spread": 1}]
    model = Placement(features=features, centroids=[[0], [1]])
    write_queries(study, "segments", partial(nearest_sql, model))
    written = (tmp_path / "segments.sql").read_text()
    assert written.startswith("-- For DuckDB")
    assert written.splitlines()[1].startswith(told)
