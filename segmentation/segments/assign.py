"""Who belongs to which segment: one expression that any engine can compute, and the same in plain SQL."""

from dataclasses import replace

import ibis
import numpy as np
import pandas as pd

from segmentation.core.engine import double, opened
from segmentation.core.files import write_csv, write_parquet
from segmentation.customers.counts import identified
from segmentation.customers.customers import ADDED, Customers, open_customers
from segmentation.runs.records import Placement, Scaled
from segmentation.runs.run import Run

ASSIGNED = ("segment", "distance", "margin")
LISTED = ("segment", "name", "distance", "margin")  # what a list of customers says of each
NEAR = 0.25
MOST_IN_CSV = 1_000_000
DECIMALS = 6
OWN = "_segmentation_"


def open_segmented(study: Run, *, scaled: bool = False) -> Customers:
    """Open the clean customers of a run with their segments; `scaled` gives segment and scaled features alone."""
    customers, model = open_customers(study), study.read("model.json")
    sample = assign_rows(ibis.memtable(customers.sample), model).to_pandas()
    found = replace(customers, table=identified(opened(study.existing("segmented.parquet"))), sample=sample)
    return rescaled(found, model) if scaled else found


def rescaled(segmented: Customers, model: Placement) -> Customers:
    """Return segment and scaled features of customers, under the names of the features."""

    def scaled(table: ibis.Table) -> ibis.Table:
        return table.select("segment", **{f.name: scaled_feature(table[f.name], f) for f in model.features})

    known = [feature for feature in model.features if feature.name in segmented.counted]
    counted = {f.name: _values_scaled(segmented.counted[f.name], f) for f in known}
    sample = scaled(ibis.memtable(segmented.sample)).to_pandas()
    return replace(segmented, table=scaled(segmented.table), sample=sample, counted=counted)


def _values_scaled(values: pd.DataFrame, feature: Scaled) -> pd.DataFrame:
    """Return the scaled values and how many customers have each: their order stays."""
    table = ibis.memtable(values)
    return table.mutate(value=scaled_feature(table["value"], feature)).to_pandas()


def write_segments(study: Run, segmented: Customers) -> None:
    """Write segments.parquet: id or row, segment, distance, margin.

    In segmented.parquet they stand beside the customers: what the next notebooks would else put together again.
    """
    whole = segmented.table.rename({study.dataset.key: "id"})
    table = whole[[study.dataset.key, *ASSIGNED]]
    write_parquet(study.path("segmented.parquet"), whole)
    write_parquet(study.path("segments.parquet"), table)


def write_list(study: Run, segmented: Customers, names: dict[int, str]) -> None:
    """Write segments.csv for up to a million customers: id or row, segment, its name, distance, margin."""
    path = study.path("segments.csv")
    if segmented.number > MOST_IN_CSV:
        path.unlink(missing_ok=True)
        return
    table = segmented.table.mutate(name=name_of(segmented.table, names)).rename({study.dataset.key: "id"})
    write_csv(path, table.select(study.dataset.key, *LISTED), comma=study.read("cleaning.json").comma)


def name_of(table: ibis.Table, names: dict[int, str]) -> ibis.Value:
    """Return the name of the segment of each row."""
    return ibis.cases(*((table["segment"] == number, name) for number, name in names.items()))


def nearest_to_border(near: ibis.Table, most: int = 10) -> pd.DataFrame:
    """Return segment, next segment, margin and features of the nearest to a border of those that are near one."""
    return near.limit(most).drop("id").to_pandas()


def write_near(study: Run, near: ibis.Table) -> None:
    """Write borderline.csv: id or row, segment, next_segment and margin of who is near a border."""
    told = near.select(**{study.dataset.key: "id"}, **{name: name for name in ("segment", "next_segment", "margin")})
    write_csv(study.path("borderline.csv"), told)


def borders(near: ibis.Table) -> pd.DataFrame:
    """Return how many of the customers near a border lie between each two segments: between, customers."""
    by = ["segment", "next_segment"]
    counts = near.group_by(by).agg(customers=near.count()).to_pandas().set_index(by)["customers"]
    ends = [f"{min(pair)} and {max(pair)}" for pair in counts.index]
    found = counts.groupby(ends).sum().sort_index().sort_values(ascending=False, kind="stable")
    return found.rename_axis("between").rename("customers").reset_index()


def assign_rows(table: ibis.Table, model: Placement, *, across: bool = False) -> ibis.Table:
    """Add to each row its segment (from 1), distance to its centroid, and margin: how much farther the next one is.

    The nearest centroid c of z is that with the least |c|^2 - 2 z.c, because |z|^2 is the same for all; ties go to
    the smaller number. Customers are compared with one centroid after the other.

    Parameters
    ----------
    table : ibis.Table
        With a number column for each feature of the model, none of them null.
    across : bool
        Whether next_segment, the one across the border, is added too.
    """
    scaled = table.mutate({f"_z{i}": scaled_feature(table[f.name], f) for i, f in enumerate(model.features)})
    z = [scaled[f"_z{i}"] for i in range(len(model.features))]
    scores = {f"_s{number}": _score(z, centroid) for number, centroid in enumerate(model.centroids, 1)}
    found = scaled.mutate(_norm=sum((v * v for v in z), start=double(0)), **scores)
    two = _in_turn if table.get_backend().name == "duckdb" else _at_once
    found = two(found, len(scores))
    near, following = (_root(found["_norm"] + found[score]) for score in ("_near", "_next"))
    told = found.mutate(distance=near.round(DECIMALS), margin=(following - near).round(DECIMALS))
    return told.select(*table.columns, *(ADDED if across else ADDED[:-1]))


def _in_turn(found: ibis.Table, k: int) -> ibis.Table:
    """Find the two least scores and their segments by one comparison after the other: for DuckDB half of the work."""
    found = found.mutate(_near=found["_s1"], _next=double(np.inf), segment=_literal(1), next_segment=_literal(1))
    for number in range(2, k + 1):
        score, near, following = found[f"_s{number}"], found["_near"], found["_next"]
        closer, own, other = score < near, found["segment"], found["next_segment"]
        found = found.mutate(
            _near=closer.ifelse(score, near),
            _next=ibis.cases((closer, near), (score < following, score), else_=following),
            segment=closer.ifelse(_literal(number), own),
            next_segment=ibis.cases((closer, own), (score < following, _literal(number)), else_=other),
        )
    return found


def _at_once(found: ibis.Table, k: int) -> ibis.Table:
    """Find the same without a chain: an engine that writes each step into the next would make it longer every time."""
    scores = {j: found[f"_s{j}"] for j in range(1, k + 1)}
    found = found.mutate(_near=ibis.least(*scores.values()))
    number = ibis.cases(*((found[f"_s{j}"] <= found["_near"], j) for j in scores))
    found = found.mutate(segment=number.cast("int64"))
    others = [(found["segment"] == j).ifelse(double(np.inf), found[f"_s{j}"]) for j in scores]
    found = found.mutate(_next=ibis.least(*others))
    across = ((found["segment"] != j) & (found[f"_s{j}"] <= found["_next"]) for j in scores)
    return found.mutate(next_segment=ibis.cases(*zip(across, scores, strict=True)).cast("int64"))


def _literal(segment: int) -> ibis.Value:
    return ibis.literal(segment).cast("int64")


def scaled_feature(value: ibis.Value, feature: Scaled) -> ibis.Value:
    """Return a feature as the model sees it (Yeo & Johnson 2000 where it is transformed, then centre and spread)."""
    power, x = feature.power, value.cast("float64")
    if power != 1:
        one, rest = double(1), double(2 - power)
        above = (x + one).ln() if power == 0 else ((x + one) ** double(power) - one) / double(power)
        below = -((one - x).ln()) if power == 2 else -((one - x) ** rest - one) / rest
        x = (x >= 0).ifelse(above, below)
    return (x - double(feature.centre)) / double(feature.spread)


def _score(z: list[ibis.Value], centroid: tuple[float, ...]) -> ibis.Value:
    squared = double(sum(c * c for c in centroid))
    return sum((value * double(-2 * c) for value, c in zip(z, centroid, strict=True)), start=squared)


def _root(squared: ibis.Value) -> ibis.Value:
    """Return the root of what is not less than 0, but for a last bit."""
    return squared.abs().sqrt()


def column_name(feature: str) -> str:
    """Return how a column is written in SQL: quoted, because a name may be a word of SQL."""
    return f'"{feature}"'


def nearest_sql(model: Placement) -> str:
    """Return a query that gives each row of a table `customers` the segment of its nearest centroid.

    It runs in DuckDB and PostgreSQL, on the columns named as in dataset.yaml, of which none may be null. The columns
    that it adds start with `_segmentation_`, because the table may have others of any name.
    """
    scores = [f"{OWN}s{number}" for number in range(1, len(model.centroids) + 1)]
    scaled = [f"{_sql_scaled(feature)} AS {OWN}z{i}" for i, feature in enumerate(model.features, 1)]
    scored = [f"{_sql_score(centroid)} AS {score}" for centroid, score in zip(model.centroids, scores, strict=True)]
    whens = "".join(f"\n  WHEN {score} THEN {number}" for number, score in enumerate(scores, 1))
    return (
        "-- The segment of each customer: the nearest centroid c of z is that with the least |c|^2 - 2 z.c\n"
        f"WITH {OWN}scaled AS (\n  SELECT *,\n    {_sql_lines(scaled)}\n  FROM customers\n),\n"
        f"{OWN}scored AS (\n  SELECT *,\n    {_sql_lines(scored)}\n  FROM {OWN}scaled\n)\n"
        f"SELECT *, CASE least({', '.join(scores)}){whens}\nEND AS segment\nFROM {OWN}scored;\n"
    )


def _sql_lines(parts: list[str]) -> str:
    return ",\n    ".join(parts)


def _sql_scaled(feature: Scaled) -> str:
    power, x = feature.power, f"CAST({column_name(feature.name)} AS DOUBLE PRECISION)"
    if power != 1:
        above = f"ln({x} + 1)" if power == 0 else f"(power({x} + 1, {_sql_number(power)}) - 1) / {_sql_number(power)}"
        rest = 2 - power
        below = f"-ln(1 - {x})" if rest == 0 else f"-(power(1 - {x}, {_sql_number(rest)}) - 1) / {_sql_number(rest)}"
        x = f"CASE WHEN {x} >= 0 THEN {above} ELSE {below} END"
    return f"({x} - {_sql_number(feature.centre)}) / {_sql_number(feature.spread)}"


def _sql_score(centroid: tuple[float, ...]) -> str:
    parts = [
        _sql_number(sum(c * c for c in centroid)),
        *(f"{_sql_number(-2 * c)} * {OWN}z{i}" for i, c in enumerate(centroid, 1)),
    ]
    return " + ".join(parts)


def _sql_number(value: float) -> str:
    """Write a number with an exponent: DuckDB takes a bare 0.1 for a decimal, which is not the same."""
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"
