"""docs/model.md: its examples, and segments.sql, give the segments that `make score` gives."""

import json
import re

import duckdb
import numpy as np
import pandas as pd
import psycopg
import pytest

from segmentation.runs.artifacts import Model
from segmentation.runs.records import Placement, Score
from segmentation.segments.model import nearest_sql
from tests.conftest import ROOT

CUSTOMERS = 10_000
SKEWED = {"order": 0.0, "income": 0.37, "debt": 2.0, "visits": 1.0}


def _example(language: str) -> str:
    page = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    return re.search(rf"```{language}\n(.*?)```", page, re.S)[1]


@pytest.fixture(scope="module", params=["mall", "skewed", "scores"])
def known(request, tmp_path_factory) -> tuple[Placement, pd.DataFrame, list[int]]:
    """A model, random customers, and their segments: by `make score`, or by the engine where features are skewed."""
    rng = np.random.default_rng(11)
    if request.param == "mall":
        mall, folder = request.getfixturevalue("mall"), tmp_path_factory.mktemp("scored")
        rows = pd.DataFrame({"id": range(CUSTOMERS), "income": rng.integers(0, 160, CUSTOMERS)})
        rows["spending"] = rng.integers(1, 101, CUSTOMERS)
        rows.to_parquet(folder / "new.parquet")
        done = mall.call("score", "--run", "mall", "--new", f"{folder}/new.parquet", "--out", f"{folder}/out.csv")
        assert done.returncode == 0, done.stderr
        model = Model.model_validate_json(mall.artifact("mall", "model.json").read_bytes())
        assert mall.artifact("mall", "segments.sql").read_text() == nearest_sql(model)
        return model, rows, pd.read_csv(folder / "out.csv")["segment"].tolist()
    import ibis

    from segmentation.segments.assign import assign_rows

    features = [{"name": name, "lambda": power, "centre": 0.3, "spread": 1.7} for name, power in SKEWED.items()]
    rows = pd.DataFrame({name: rng.normal(0, 4, CUSTOMERS) for name in SKEWED}).assign(id=range(CUSTOMERS))
    if request.param == "scores":
        features.append({"name": "city", "lambda": 1, "centre": 0, "spread": 1, "categories": ["Kyiv", "Oslo"]})
        rows["city"] = rng.choice(["Kyiv", "Oslo", "Rome"], CUSTOMERS)
    d = len(features) + (request.param == "scores")
    model = Placement(
        features=features, centroids=rng.normal(0, 2, (6, d)).tolist(), scores=_scores(rng, request.param, d)
    )
    found = assign_rows(ibis.memtable(rows), model).order_by("id").to_pandas()
    assert found["segment"].nunique() > 3
    return model, rows, found["segment"].tolist()


def _scores(rng, case: str, d: int) -> list[Score]:
    """Return scores of bent borders, one of which has no squares."""
    squares = [(root @ root.T).tolist() for root in rng.normal(0, 0.5, (5, d, d))] if case == "scores" else []
    bends = [*squares, None] if squares else []
    return [Score(constant=rng.normal(0, 3), linear=rng.normal(0, 2, d).tolist(), quadratic=bend) for bend in bends]


def test_two_dozen_lines_of_python(known, tmp_path, monkeypatch, capsys):
    model, rows, segments = known
    example, names = _example("python"), {}
    assert len([line for line in example.splitlines() if line.strip()]) <= 24
    (tmp_path / "model.json").write_text(json.dumps(model.content()))
    monkeypatch.chdir(tmp_path)
    exec(example.partition("print(")[0], names)
    assert [names["segment_of"](row, model.content()) for row in rows.to_dict("records")] == segments


def test_sql_in_duckdb(known):
    model, rows, segments = known
    with duckdb.connect() as connection:
        connection.register("customers", rows)
        found = connection.execute(nearest_sql(model)).df()
    assert found.sort_values("id")["segment"].tolist() == segments


def _in_postgresql(postgres: str, model: Placement, rows: pd.DataFrame) -> list[int]:
    """Return the segments by id, which is the first column."""
    rows = rows[["id", *rows.columns.drop("id")]]
    with psycopg.connect(postgres) as connection:
        columns = ", ".join(f'"{name}" {"text" if name == "city" else "float"}' for name in rows.columns[1:])
        connection.execute(f"create temp table customers (id int, {columns})")
        with connection.cursor().copy("copy customers from stdin") as copy:
            for row in rows.to_numpy().tolist():
                copy.write_row([int(row[0]), *row[1:]])
        found = connection.execute(nearest_sql(model).strip().rstrip(";")).fetchall()
    return [row[-1] for row in sorted(found)]


def test_sql_in_postgresql(known, postgres):
    model, rows, segments = known
    assert _in_postgresql(postgres, model, rows) == segments


def test_javascript(known, browser):
    model, rows, segments = known
    page = browser.new_page()
    call = f"([rows, model]) => {{ {_example('js')} return rows.map((row) => segmentOf(row, model)); }}"
    assert page.evaluate(call, [rows.to_dict("records"), model.content()]) == segments
