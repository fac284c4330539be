"""The same in plain SQL, for every kind of database: who belongs to which segment."""

from collections.abc import Callable, Iterable
from functools import reduce
from operator import and_

import ibis
from sqlglot import exp, parse_one

from segmentation.core.files import write_text
from segmentation.runs.records import Placement
from segmentation.runs.run import Run
from segmentation.runs.stages import DIALECTS, sql_files
from segmentation.segments.assign import scaled_columns, score_sum

OWN = "_segmentation_"
NEAREST = "the nearest centroid c of z is that with the least |c|^2 - 2 z.c"
LIKELIEST = "the likeliest for z is that with the least -2 log(share x density)"
OF_WORDS = "Yes and no are read as 1 and 0, ordered words as ranks from 1: some databases take text for 0 unasked"
ANY_CASE = "ALTER SESSION SET QUOTED_IDENTIFIERS_IGNORE_CASE = TRUE"


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
