"""A Spark cluster and a PostgreSQL server compute what DuckDB does: assignment, cleaning, aggregates, sample."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from segmentation.core import errors
from segmentation.core.dataset import OF_RFM, Dataset
from segmentation.core.engine import connect_duckdb, connect_spark, read, read_numbered, sampled
from segmentation.core.errors import UsageError
from segmentation.core.files import read_json, write_parquet, write_text
from segmentation.customers.checks import check_rows, part_rows
from segmentation.customers.cleaning import clean, fingerprint
from segmentation.customers.counts import Grouping
from segmentation.customers.customers import Customers
from segmentation.runs.records import Placement
from segmentation.segments.assign import assign_rows
from segmentation.tables.number_formats import conventions_of
from segmentation.tables.read import read_large, read_table
from segmentation.tables.sources import locate
from segmentation.worth.rfm import rfm_groups
from segmentation.worth.value import worth_of
from tests.benchmarks.customers import write_customers
from tests.conftest import PEOPLE, ROOT, free_port
from tests.customers.test_large import DATASET as LARGE
from tests.customers.test_large import dirty_customers
from tests.segments.test_sql import asked, by_id, case, expected

pytestmark = pytest.mark.filterwarnings("ignore")  # PySpark has not met pandas 3

LOOPBACK = "127.0.0.1"
PATIENCE = 120


def start_daemon(log: Path, kind: str, *words: str, until: str) -> subprocess.Popen:
    """Start a part of a Spark cluster, and wait until its log says that it is ready."""
    import pyspark

    command = [f"{Path(pyspark.__file__).parent}/bin/spark-class", f"org.apache.spark.deploy.{kind}", *words]
    environment = {**os.environ, "SPARK_LOCAL_IP": LOOPBACK, "PYSPARK_PYTHON": sys.executable}
    with log.open("w") as file:
        daemon = subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT)
    end = time.monotonic() + PATIENCE
    while until not in log.read_text():
        if daemon.poll() is not None or time.monotonic() > end:
            daemon.kill()
            pytest.fail(f"Spark's {kind} did not start:\n{log.read_text()}")
        time.sleep(0.1)
    return daemon


@pytest.fixture(scope="session")
def needs_spark():
    pytest.importorskip("pyspark", reason="PySpark is not installed; make spark")
    if not shutil.which("java"):
        pytest.skip("Java is not installed; on Debian: apt-get install default-jre-headless")


@pytest.fixture(scope="session")
def cluster(needs_spark, tmp_path_factory):
    """A standalone master and one worker of Spark on loopback, which are gone after the tests: the master's URL."""
    folder, port, daemons = tmp_path_factory.mktemp("cluster"), free_port(), []
    master, here = f"spark://{LOOPBACK}:{port}", ["--host", LOOPBACK, "--webui-port", "0"]
    try:
        words = [*here, "--port", str(port)]
        daemons.append(start_daemon(folder / "master", "master.Master", *words, until="New state: ALIVE"))
        words = [*here, "--cores", "2", "--memory", "1g", "--work-dir", str(folder), master]
        daemons.append(start_daemon(folder / "worker", "worker.Worker", *words, until="Successfully registered"))
        yield master
    finally:
        for daemon in daemons:
            daemon.kill()
            daemon.wait()


@pytest.fixture(scope="session")
def spark(cluster, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_MASTER", cluster)
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        backend = connect_spark(tmp_path_factory.mktemp("spark"))
    yield backend
    backend.disconnect()


@pytest.fixture(scope="session")
def server(postgres):
    return ibis.connect(postgres)


@pytest.fixture(params=["spark", "server"])
def other(request):
    """A backend that is not DuckDB."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def load(tmp_path):
    """How a frame becomes a table of a backend: `load(frame, backend)`."""

    def loaded(frame: pd.DataFrame, backend: ibis.BaseBackend) -> ibis.Table:
        if backend.name == "postgres":
            return backend.create_table(ibis.util.gen_name("t"), ibis.memtable(frame), temp=True)
        frame.to_parquet(tmp_path / "t.parquet", index=False)
        return backend.read_parquet(tmp_path / "t.parquet")

    return loaded


@pytest.fixture
def both(load, other, tmp_path):
    """Return what an expression on a frame comes to in DuckDB and in the other engine, in the order of the rows."""

    def computed(frame: pd.DataFrame, expression) -> list[pd.DataFrame]:
        backends = [connect_duckdb(), other]
        tables = [expression(load(frame, backend)) for backend in backends]
        return [table.order_by(table.columns[0]).to_pandas() for table in tables]

    return computed


@pytest.mark.parametrize("k", [2, 10])
def test_every_row_gets_the_segment_that_duckdb_gives_it(both, k):
    rng = np.random.default_rng(k)
    powers = {"none": 1.0, "log": 0.0, "yeo-johnson": 0.37, "its other end": 2.0}
    frame = pd.DataFrame({"row": np.arange(3_000), **{n: rng.normal(0.5, 2, 3_000) for n in powers}})
    frame["log"] = rng.poisson(4, 3_000)
    features = [{"name": n, "lambda": power, "centre": 0.1, "spread": 1.7} for n, power in powers.items()]
    model = Placement(features=features, centroids=rng.normal(0, 1, (k, 4)).tolist())
    duckdb, found = both(frame, lambda table: assign_rows(table, model))
    assert duckdb["segment"].nunique() > k / 2
    pd.testing.assert_frame_equal(found, duckdb, rtol=0, atol=1e-9)


@pytest.mark.parametrize("query", ["segments", "rules"])
def test_spark_runs_the_sql_that_is_written_for_it(query, spark, tmp_path):
    case()[-1].to_parquet(tmp_path / "customers.parquet", index=False)
    spark._session.read.parquet(f"{tmp_path}/customers.parquet").createOrReplaceTempView("customers")
    found = spark._session.sql(asked(query, "spark"))
    assert by_id(found.columns, found.collect()) == expected(query)


SHOP = Dataset.model_validate(
    {
        "title": "Shop",
        "columns": {
            **PEOPLE,
            "level": {"role": "descriptor", "type": "ordinal", "categories": {"Bronze": ["b"], "Gold": []}},
            "news": {"role": "descriptor", "type": "yes/no"},
            "mail": {"role": "descriptor", "type": "category", "unique": True},
            "visits": {"role": "feature", "transform": "log", "missing": "median"},
        },
    }
)
FEATURES = ("spend", "visits")
DIRTY = """id;city;size;level;news;mail;age;spend;visits
1;Rome;s;b;yes;;30;10,5;1
2; rome ;LARGE;gold;N;n/a;;1.234,50 EUR;2
3; Rome ;medium;b;yes;;30;10,5;1
4;ROME;s;silver;yes;;30;10,5;1
5;Málaga;s;b;perhaps;;30;10,5;1
6;MÁLAGA;s;b;Oui;;130;10,5;1
7;málaga;s;b;no;;-1;10,5;1
8;Rome;s;b;yes;;30;;
9;Rome;s;b;yes;;30;ten;1
;Rome;s;b;yes;;30;10,5;1
10;Rome;s;b;yes
1;Rome;Small;Bronze;Y;;30;10,50;1,0
11;Rome;s;b;yes;;30;10,5;1
11;Rome;s;b;yes;;31;10,5;1
12;"Ro
me";s;b;yes;;30;inf;1
13;Rome;s;b;yes;a@b.c;30;€ 7,00;1
14;Rome;s;b;yes;a@b.c;30;€7,25;1
15;Rome;s;b;yes;A@b.c;30;−5;1
16;Rome;s;b;yes;;30;-€5,00;1
17;Rome;s;b;yes;;30;5;-1
18;Rome;s;b;yes;;30;12 USD;1
19;Rome;s;b;yes;;1e2;1 234,5;1
20;Rome;s;b;yes;;30;5;1e999
21;Rome;s;b;yes;;NaN;5;1
22;Rome;s;b;yes;;30;1'234,5;1
23;İzmir;s;b;yes;;30;5,75;1
24;straße;s;b;JA;;30;5.000.000,25;1
25;STRASSE;s;b;ja;;30;5,25;٠
26;a\1$2|.*;s;b;ja;;30;5,25;1
27;😀;s;b;ja;;30;5,25;1
Total general;;;;;;;99;1
28;?;-;none;NULL;?;?;5,25;?
"""


def checked_rows(raw: ibis.Table, dataset: Dataset, headers: dict, features: tuple[str, ...]):
    names = [name for name in dataset.columns if name in raw.columns]
    conventions = conventions_of(raw, dataset, names, headers, file="shop.csv")
    needs = {"features": features, "required": (), "fields": headers["fields"]}
    fine, rejected = part_rows(check_rows(raw, dataset, names, conventions, **needs), dataset, names)
    return conventions, fine.select("row", *names), rejected


def test_the_same_rows_are_refused_for_the_same_reasons(load, spark, tmp_path):
    (tmp_path / "shop.csv").write_text(DIRTY, encoding="utf-8")
    raw, headers = read_table(locate("DATA", str(tmp_path / "shop.csv")), SHOP, wanted=())
    backends = connect_duckdb(), spark
    (known, *duckdb), (conventions, *found) = (
        checked_rows(load(raw.to_pandas(), backend), SHOP, headers, FEATURES) for backend in backends
    )
    assert conventions == known
    for own, other, by in zip(duckdb, found, ("row", "line"), strict=True):
        pd.testing.assert_frame_equal(*(table.order_by(by).to_pandas() for table in (other, own)))
    assert duckdb[1].to_pandas()["rule"].nunique() == 13


def test_exact_aggregates_are_those_of_duckdb(both):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"city": rng.choice(["Rome", "Gijón", "Oslo"], 5_000), "a": rng.lognormal(3, 2, 5_000)})
    frame["n"] = (frame["a"] + rng.normal(size=5_000) * 5).round().astype("int64")
    shares = {f"q{q}": q / 100 for q in (5, 25, 50, 75, 95)}

    def aggregates(table: ibis.Table) -> ibis.Table:
        a, n = table["a"], table["n"].cast("float64")
        moments = {"rows": table.count(), "mean": a.mean(), "sum": a.sum(), "squares": (a * a).sum(), "low": a.min()}
        moments |= {"high": n.max(), "products": (a * n).sum(), "spread": a.std(), "r": a.corr(n, how="pop")}
        return table.group_by("city").agg(**moments, **{name: a.quantile(q) for name, q in shares.items()})

    duckdb, found = both(frame, aggregates)
    pd.testing.assert_frame_equal(found, duckdb, rtol=1e-9)
    exact = frame.groupby("city")["a"].quantile(0.95)
    np.testing.assert_allclose(found.set_index("city")["q95"], exact, rtol=1e-9)


@pytest.mark.parametrize("form", [lambda i: i * 997 - 40_000, lambda i: f"Kundé {i}"], ids=["numbers", "texts"])
def test_the_sample_holds_the_rows_that_it_holds_in_duckdb(both, form):
    frame = pd.DataFrame({"id": [form(i) for i in range(5_000)], "spend": np.arange(5_000) / 3})
    duckdb, found = both(frame.sample(frac=1, random_state=3), lambda table: sampled(table, table["id"], 500))
    assert len(duckdb) == 500
    pd.testing.assert_frame_equal(found.sort_values("spend", ignore_index=True),
                                  duckdb.sort_values("spend", ignore_index=True))  # fmt: skip


def test_a_long_query_draws_nothing_on_the_standard_output():
    asked = 'from segmentation.core.engine import new_duckdb as n; print(n().con.sql("{query}").fetchall())'
    code = asked.format(query="SELECT current_setting('enable_progress_bar')")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[(False,)]"  # where no file is run, as in a notebook, DuckDB would draw


def test_a_master_that_is_not_there_is_named_with_the_remedy(monkeypatch, tmp_path):
    pytest.importorskip("pyspark", reason="PySpark is not installed; make spark")
    monkeypatch.setenv("SPARK_MASTER", f"spark://{LOOPBACK}:{free_port()}")
    with pytest.raises(UsageError, match="does not answer; start it, or leave SPARK_MASTER out"):
        connect_spark(tmp_path)


def test_without_pyspark_the_message_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setattr(errors, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"ENGINE=spark needs pyspark, .*; install it: make spark$"):
        connect_spark(tmp_path)


def test_spark_takes_no_name_of_a_file_for_a_pattern(spark, tmp_path, monkeypatch):
    monkeypatch.setattr("segmentation.core.engine.connect", lambda: spark)
    names = ["a*", "[x]?{b,c}", "x=7\\"]
    for rows, name in enumerate([*names, "ax", "x1b", "x1c"], start=1):
        pd.DataFrame({"a": range(rows)}).to_parquet(tmp_path / f"{name}.parquet")
    found = [
        [t.count().execute() for t in (read(p), read_numbered(p))] for p in (tmp_path / f"{n}.parquet" for n in names)
    ]
    assert found == [[1, 1], [2, 2], [3, 3]]


INCOME = LARGE.columns["income"].model_copy(update={"value": True})
VALUED = LARGE.model_copy(update={"columns": {**LARGE.columns, "income": INCOME}})


def test_a_large_table_is_cleaned_counted_and_assigned_as_duckdb_does(spark, tmp_path, monkeypatch):
    dirty_customers().to_parquet(tmp_path / "shop.parquet")
    features = [{"name": n, "power": 1.0, "centre": 20.0, "spread": 9.0} for n in ("income", "visits")]
    model = Placement(features=features, centroids=[[0.0, -2.0], [3.0, -1.0], [4.0, -2.0]])
    found = []
    for name, backend in (("duckdb", connect_duckdb()), ("spark", spark)):
        monkeypatch.setattr("segmentation.core.engine.connect", lambda backend=backend: backend)
        raw, headers = read_large(locate("DATA", str(tmp_path / "shop.parquet")), LARGE, wanted=())
        cleaned = clean(raw, LARGE, features=("income", "visits"), headers=headers, file="shop.parquet")
        write_parquet(tmp_path / f"{name}.parquet", cleaned.customers.table)
        everyone = assign_rows(read(tmp_path / f"{name}.parquet"), model)
        assert everyone.get_backend().name == {"spark": "pyspark"}.get(name, name)
        customers = Customers(LARGE, everyone, cleaned.customers.sample)
        frames = [everyone.to_pandas().sort_values("id"), cleaned.rejected.to_pandas(), cleaned.flagged.to_pandas()]
        frames += [customers.means(["age", "income"]), customers.limits(["age", "income"])]
        frames += [customers.quantiles("age", [0.05, 0.5], Grouping("city")), customers.counts("city", by="segment")]
        frames += [customers.correlation(["age", "income"])]
        [worth] = worth_of(replace(customers, dataset=VALUED), VALUED, features=("income",))
        frames += [pd.DataFrame(worth.lorenz), pd.DataFrame(worth.content()["parts"])[["share", "each", "top_fifth"]]]
        grids = customers.grids(("age", "income"), (np.arange(0, 100, 10.0), np.arange(0, 1000, 50.0)), "segment")
        known = fingerprint(raw, LARGE, {}).whole  # as where no file is it: a database's rows in any order
        found.append((frames, {group: cells.tolist() for group, cells in grids.items()}, cleaned.account, known))
    (duckdb, *rest), (on_spark, *others) = found
    assert rest == others
    for own, other in zip(duckdb, on_spark, strict=True):
        pd.testing.assert_frame_equal(
            other.reset_index(drop=True), own.reset_index(drop=True), rtol=1e-9, check_dtype=False
        )


MANY = """title: Many
k_range: [5, 6]  # k is chosen by the sample in Python, on every engine
columns:
  id: {role: id}
  city: {role: descriptor, type: category}
  income: {role: feature}
  spending: {role: feature, min: 0}
  visits: {role: feature}
"""


def test_the_report_of_a_large_table_is_the_same_on_spark(needs_spark, fresh, tmp_path):
    write_customers(tmp_path / "many.parquet", 220_000)
    write_text(fresh.root / "data" / "many" / "dataset.yaml", MANY)
    profiles = []
    for name in ("duckdb", "spark"):
        words = ["--dataset", "many", "--data", str(tmp_path / "many.parquet"), "--resamples", "10"]
        words += ["--run", name, "--engine", name]
        done = fresh.run("report", *words, SPARK_MASTER="local[2]")
        assert done.returncode == 0, done.stderr
        profiles.append(read_json(fresh.artifact(name, "profiles.json")))
    assert profiles[0]["customers"] == profiles[1]["customers"] > 200_000
    duckdb, found = (json.dumps(profile, sort_keys=True) for profile in profiles)
    assert found == duckdb
    page = fresh.page("spark")
    assert "The segments are formed on 200,000 of the" in page


def test_rfm_groups_are_the_same_on_every_engine(load, other):
    rng, n = np.random.default_rng(0), 400
    scored = {"recency": rng.integers(1, 99, n) * 1.0, "frequency": rng.geometric(0.5, n) * 1.0}
    paid = rng.lognormal(3, 1, n).round(2)
    frame = pd.DataFrame(
        {"id": [f"c{i}" for i in range(n)], **scored, "monetary": paid, "segment": 1 + np.arange(n) % 2}
    )
    frame.loc[:4, "recency"] = np.nan
    columns = {"id": {"role": "id"}} | {name: {"role": "feature"} for name in OF_RFM}
    for privacy in ("rows", "aggregate"):
        dataset = Dataset.model_validate({"title": "T", "privacy": privacy, "columns": columns})
        assert rfm_groups(Customers(dataset, load(frame, other), frame)) == rfm_groups(Customers.of(dataset, frame))
