"""The stored model: what it holds, written without a pickle, the same bytes every time, and in SQL of every kind."""

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial, reduce
from operator import and_
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sqlglot import exp, parse_one

from segmentation.core.dataset import Dataset
from segmentation.core.engine import double
from segmentation.core.errors import DataError, cause
from segmentation.core.files import replacing, write_text
from segmentation.core.privacy import least
from segmentation.customers.counts import Grouping
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import rounded_limits
from segmentation.roles.known import standing
from segmentation.runs.artifacts import Model, remake_command
from segmentation.runs.manifest import read_manifest, require_unchanged
from segmentation.runs.records import Feature, Placement, Scaled
from segmentation.runs.run import Run
from segmentation.runs.stages import DIALECTS, sql_files
from segmentation.runs.worth import Ages
from segmentation.segments.assign import scaled_columns, score_sum
from segmentation.segments.fit import centroids, distance_unit, scaling_and_centroids
from segmentation.tables.formats import MOST_UNPACKED

INDEX_BINS, AGE_BINS = 10, 50
FEWEST_IN_BIN = 10
REACH = 0.95  # of the customers of a segment lie no farther from its centroid
HAIR = 1e-9  # of the range: a bin that begins as much above a value leaves it to the bin below
TRUSTED = [
    "segmentation.segments.fit.Unskew",
    "segmentation.methods.latent.Block",
    "segmentation.methods.latent.LatentClasses",
]
EPOCH = (1980, 1, 1, 0, 0, 0)
OWN = "_segmentation_"
NEAREST = "the nearest centroid c of z is that with the least |c|^2 - 2 z.c"
LIKELIEST = "the likeliest for z is that with the least -2 log(share x density)"
OF_WORDS = "Yes and no are read as 1 and 0, ordered words as ranks from 1: some databases take text for 0 unasked"
ANY_CASE = "ALTER SESSION SET QUOTED_IDENTIFIERS_IGNORE_CASE = TRUE"


def bin_feature(customers: Customers, name: str, *, fewest: int = 1) -> dict:
    """Return the inner bounds of up to ten bins of a feature, of about as many customers each, and their shares.

    A value that is several quantiles, such as the 0 of most customers, has a bin of its own; a bin of fewer than
    `fewest` customers is brought together with its neighbour.
    """
    bins = max(1, min(INDEX_BINS, customers.number // FEWEST_IN_BIN))
    levels = [i / bins for i in range(1, bins)]
    low, high = customers.limits([name]).loc[name, ["low", "high"]].astype(float)
    inner = customers.quantiles(name, levels).iloc[0][levels] if levels else []
    values, times = np.unique(np.array([low, *inner, high]), return_counts=True)
    many = values[times > 1]
    above = many + np.maximum(HAIR * (high - low), np.spacing(np.abs(many)))
    bounds = np.unique([*values[1:-1], *many, *above])
    bounds = bounds[(bounds > low) & (bounds <= high)]
    counts = customers.histogram(name, np.array([low, *bounds, high])) if len(bounds) else np.array([customers.number])
    while len(bounds) and counts.min() < fewest:
        thin = int(counts.argmin())
        joined = max(thin - 1, 0)
        counts[joined : joined + 2] = counts[joined : joined + 2].sum()
        bounds, counts = np.delete(bounds, joined), np.delete(counts, joined)
    return {"bounds": bounds.tolist(), "shares": (counts / customers.number).tolist()}


def describe_model(model: Pipeline, study: Run, segmented: Customers, choices: pd.DataFrame, features) -> Model:
    """Return model.json: enough to score anywhere, what the training data were, and how far other choices agree.

    A customer's feature x becomes z = (t - centre) / spread, where t is x for lambda 1, log(1 + x) for lambda 0, and
    else x transformed as Yeo and Johnson (2000) do; of a category it becomes one z for each, which is 1 or 0. The
    segment is the number (from 1) of the centroid nearest to z, or where there are scores, of the least.
    """
    placement, name = scaling_and_centroids(model, features), model.steps[-1][0]
    described = Model(
        method={"kmeans": "k-means"}.get(name, name),
        customers=segmented.number,
        sizes=segmented.counts("segment").tolist(),
        distance_unit=distance_unit(study.dataset, features),
        features=tuple(_feature(scaled, study.dataset, segmented) for scaled in placement.features),
        centroids=placement.centroids,
        reach=segmented.quantiles("distance", [REACH], Grouping("segment"))[REACH].tolist(),
        centroids_original_units=centroids(model, features).to_numpy().tolist(),
        inertia=model[-1].inertia_,
        agreement=choices.set_index("choice")["agreement"].to_dict(),
    )
    return described.model_copy(update={"scores": placement.scores}) if placement.scores else described


def _with_ages(model: Model, dataset: Dataset, segmented: Customers) -> Model:
    """Add how the customers of each age divide, where one column says how long they have been customers."""
    column = standing(dataset)
    if column is None or column not in segmented.table.columns:
        return model
    known = segmented.table.filter(segmented.table[column].notnull())
    bins = min(AGE_BINS, int(known.count().execute()) // FEWEST_IN_BIN)
    if bins < 2:
        return model
    levels = [i / bins for i in range(1, bins)]
    low, high = segmented.limits([column]).loc[column, ["low", "high"]].astype(float)
    inner = np.unique(segmented.quantiles(column, levels).iloc[0][levels].to_numpy(float))
    bounds = inner[(inner > low) & (inner <= high)].tolist()
    age, rows = bin_of(known[column], [low, *bounds], high), len(bounds) + 1
    others = [feature for feature in model.features if feature.name != column]
    cells = {f.name: _cross(known, age, bin_in(known, f), rows, bins_of(f)) for f in others}
    segments = _cross(known, age, known["segment"] - 1, rows, len(model.sizes))
    ages = Ages(column=column, low=low, high=high, bounds=bounds, features=cells, segments=segments)
    return model.model_copy(update={"ages": ages})


def _cross(table: ibis.Table, age: ibis.Value, bin_: ibis.Value, ages: int, bins: int) -> tuple[tuple[int, ...], ...]:
    """Count the customers of each bin of age, which is from 1, in each bin from 0."""
    found = table.select(age=age, bin=bin_).group_by("age", "bin").agg(n=ibis._.count()).to_pandas()
    counts = np.zeros((ages, bins), int)
    counts[found["age"] - 1, found["bin"]] = found["n"]
    return tuple(map(tuple, counts.tolist()))


def bin_of(value: ibis.Value, bounds: Sequence[float], high: float) -> ibis.Value:
    """Return the bin of each value: 0 below the first bound, the last one above `high`; on a bound the one above."""
    passed = [value >= double(bound) for bound in bounds] + [value > double(high)]
    return sum((over.cast("int64") for over in passed), start=ibis.literal(0).cast("int64"))


def bin_in(table: ibis.Table, feature: Feature) -> ibis.Value:
    """Return the bin of each customer in a feature: below its range, in it, and above; or its category, or another."""
    value = table[feature.name]
    if not feature.categories:
        return bin_of(value, [feature.low, *feature.bounds], feature.high)
    cases = ((value == category, i) for i, category in enumerate(feature.categories))
    return ibis.cases(*cases, else_=len(feature.categories)).cast("int64")


def bins_of(feature: Feature) -> int:
    """Return how many bins that are."""
    return len(feature.categories) + 1 if feature.categories else len(feature.bounds) + 3


def _feature(scaled: Scaled, dataset: Dataset, segmented: Customers) -> Feature:
    column, private = dataset.columns[scaled.name], dataset.private
    if scaled.categories:
        counts = segmented.counts(scaled.name).reindex(list(scaled.categories), fill_value=0)
        told = {"low": 0, "high": 1, "bounds": (), "shares": tuple(counts / segmented.number)}
    else:
        told = bin_feature(segmented, scaled.name, fewest=least(private))
        told |= _range(segmented, scaled.name, rounded=private and dataset.axis(scaled.name))
    told |= {"label": dataset.label(scaled.name), "unit": column.unit, "transform": column.transform}
    return Feature.model_validate(scaled.model_dump(exclude_unset=True) | told)


def _range(customers: Customers, name: str, *, rounded) -> dict:
    """Return the smallest and the largest value of a feature, where these tell of customers rounded outwards."""
    if rounded:
        low, high = rounded_limits(customers, name, logged=rounded.logged)
    else:
        low, high = customers.limits([name]).loc[name, ["low", "high"]]
    return {"low": float(low), "high": float(high)}


def write_model(model: Pipeline, study: Run, segmented: Customers, choices: pd.DataFrame, features) -> None:
    """Write model.skops, model.json, and segments.sql for each kind of database."""
    import skops.io  # imported here: who writes a query alone needs no model

    with replacing(study.path("model.skops")) as beside:
        beside.write_bytes(_repeatable(skops.io.dumps(model)))
    described = _with_ages(describe_model(model, study, segmented, choices, features), study.dataset, segmented)
    study.write("model.json", described)
    write_queries(study, "segments", partial(nearest_sql, described))


def _repeatable(archive: bytes) -> bytes:
    """Number the objects of a skops archive in order, where skops uses memory addresses, and drop clock times."""
    old = zipfile.ZipFile(io.BytesIO(archive))
    schema = old.read("schema.json").decode()
    addresses = dict.fromkeys(re.findall(r'"__id__": (\d+)', schema))
    number = {address: str(i) for i, address in enumerate(addresses, start=1)}
    schema = re.sub(r'(?<="__id__": )\d+', lambda m: number[m[0]], schema)
    schema = re.sub(r'(?<=")\d+(?=\.npy")', lambda m: number[m[0]], schema)
    arrays = {f"{number[Path(name).stem]}.npy": old.read(name) for name in old.namelist() if name.endswith(".npy")}
    new = io.BytesIO()
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in sorted({"schema.json": schema.encode(), **arrays}.items()):
            file.writestr(zipfile.ZipInfo(name, EPOCH), content)
    return new.getvalue()


def load_model(study: Run) -> Pipeline:
    """Load model.skops of a finished run, after checking that it is the one that the run wrote.

    Raises
    ------
    UsageError
        When the run has not been made.
    DataError
        When an artifact was changed since, a type is not trusted, or the model is not the one of model.json.
    """
    require_unchanged(study.name)
    import skops.io

    path, shown = study.path("model.skops"), f"assets/{study.name}/model.skops"
    again = f"make it again: {remake_command(study.name, read_manifest(study.name).dataset)}"
    try:
        _refuse_bomb(path, shown)
        foreign = set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED)
        if foreign:
            raise DataError(f"{shown} holds types that are not trusted: {', '.join(sorted(foreign))}; {again}")
        model, told = skops.io.load(path, trusted=TRUSTED), study.read("model.json")
        known = set(told.names) <= set(study.dataset.columns)
        if not known or not _is_as_told(model, told):
            raise DataError(f"{shown} is not the model that model.json describes; {again}")
        return model
    except DataError:
        raise
    except Exception as fault:
        raise DataError(f"{shown} cannot be read as a model ({cause(fault, path, shown)}); {again}") from fault


def _is_as_told(model: Pipeline, told: Model) -> bool:
    found = scaling_and_centroids(model, tuple(told.names))
    return (found.centroids, found.scores) == (told.centroids, told.scores)


def _refuse_bomb(path: Path, shown: str) -> None:
    if sum(part.file_size for part in zipfile.ZipFile(path).infolist()) > MOST_UNPACKED:
        raise DataError(f"{shown} unpacks to more than {MOST_UNPACKED // 1_000_000:,} MB, which no model of ours does")


def nearest_sql(model: Placement, dialect: str = "postgres") -> str:
    """Return a query that gives each row of a table `customers` its segment, that of the least score.

    It is `scaled_columns` and `Score` in SQL, on the columns named as in dataset.yaml; a missing value gives NULL. The
    columns that it adds start with `_segmentation_`, because the table may have others of any name.

    Parameters
    ----------
    dialect : str
        A key of `DIALECTS`.
    """
    kinds = {f.name: "string" if f.categories else "int64" for f in model.features}  # a number of a kind that is cast
    customers = ibis.table(kinds, name="customers")
    z = {f"{OWN}z{i}": value for i, value in enumerate(scaled_columns(customers, model).values(), 1)}
    scaled = _columns(f"{OWN}scaled", z, "float64")
    s = {f"{OWN}s{i}": score_sum([scaled[name] for name in z], score) for i, score in enumerate(model.placing, 1)}
    scored = _columns(f"{OWN}scored", s, "float64")
    query = _adding(scored, {"segment": _least([scored[name] for name in s])})
    for table, added, own in ((customers, z, scaled), (scaled, s, scored)):
        query = query.with_(exp.to_identifier(own.get_name(), quoted=True), as_=_adding(table, added))
    told = f"The segment of each customer: {LIKELIEST if model.scores else NEAREST}"
    written = query.transform(_plain).transform(_spelt if dialect == "mysql" else lambda part: part)
    return f"{sql_heading(told, dialect)}\n{written.sql(dialect, pretty=True)};\n"


def _columns(name: str, columns: Iterable[str], kind: str) -> ibis.Table:
    return ibis.table(dict.fromkeys(columns, kind), name=name)


def _least(scores: list[ibis.Value]) -> ibis.Value:
    """Return the number of the least score; without `least`, which not every database has, and NULL where one is."""
    last = len(scores)
    lower = [reduce(and_, (score <= other for other in scores[i:])) for i, score in enumerate(scores[:-1], 1)]
    return ibis.cases(*zip([*lower, scores[-1].notnull()], range(1, last + 1), strict=True))


def _adding(table: ibis.Table, columns: dict[str, ibis.Value]) -> exp.Select:
    """Return a query of all columns of a table, and of those that are added."""
    query = parse_one(ibis.to_sql(table.select(**columns), dialect="duckdb"), read="postgres", into=exp.Select)
    return query.select("*", *query.expressions, append=False)


def _plain(part: exp.Expr) -> exp.Expr:
    """Write a double as a number with an exponent, and let a user name `customers` as the database does."""
    if isinstance(part, exp.Cast) and part.this.is_string:
        return sql_number(float(part.this.name))
    if isinstance(part, exp.Table) and not part.name.startswith(OWN):
        part.this.set("quoted", False)
    return part


def _spelt(part: exp.Expr) -> exp.Expr:
    """Write a text with a backslash by its bytes: to MySQL it escapes what follows, to SQLite it does not."""
    if isinstance(part, exp.Literal) and part.is_string and "\\" in part.this:
        return exp.cast(exp.HexString(this=part.this.encode().hex()), "char")
    return part


def sql_number(value: float) -> exp.Literal:
    """Write a number with an exponent: many databases take a bare 0.1 for a decimal, which is not the same."""
    text = repr(float(value))
    return exp.Literal(this=text if "e" in text else f"{text}e0", is_string=False)


def sql_heading(told: str, dialect: str) -> str:
    """Return the first comments of a query: for which databases it is, and what it tells."""
    lines = [f"For {DIALECTS[dialect]}; other databases have files of their own, in the folder sql"]
    if dialect == "snowflake":
        lines.append(f"Where the table was made without quotes: {ANY_CASE}")
    return "\n".join(f"-- {line}" for line in [*lines, told])


def write_queries(study: Run, query: str, told: Callable[[str], str]) -> None:
    """Write the files of a query, "segments" or "rules": what is `told` in each way to write SQL."""
    words = {study.dataset.columns[name].type for name in study.features} & {"yes/no", "ordinal"}
    dates = [name for name in study.features if study.dataset.columns[name].type == "date"]
    said = [f"-- {OF_WORDS}"] if words else []
    for name in dates:
        unit = "completed years" if study.dataset.columns[name].unit == "years" else "days"
        said.append(f"-- {name} is read as the {unit} from its date to {study.dataset.as_of}: put that number there")
    for name, dialect in sql_files(query).items():
        first, rest = told(dialect).split("\n", 1)
        write_text(study.path(name), "\n".join([first, *said, rest]))
