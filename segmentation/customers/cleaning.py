"""Cleaning: every row is clean, collapsed with its copy, or refused with its line, column, value and rule.

Before that, what a raw table is known by: what its columns hold, and a fingerprint that tells the published table.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import ibis
import numpy as np
import pandas as pd

from segmentation.core.dataset import Column, Dataset
from segmentation.core.engine import any_of, double, in_memory, kept, sampled, sum_of
from segmentation.core.errors import DataError
from segmentation.core.privacy import NEARLY, SMALLEST_GROUP, least
from segmentation.customers.checks import (
    NO_CUSTOMER,
    answers_in,
    check_rows,
    is_empty,
    is_free,
    part_rows,
    stripped,
    taken_for_missing,
    text_in,
)
from segmentation.customers.counts import in_order_of_ids
from segmentation.customers.customers import Customers
from segmentation.customers.purchases import Day, summarize_purchases
from segmentation.customers.refused import is_ascending, tallied
from segmentation.language.kept import Rule
from segmentation.language.writing import NONE, percent
from segmentation.runs.records import FAR, Account, NumberFormat
from segmentation.tables.number_formats import Convention, conventions_of, to_number
from segmentation.tables.sources import RawSource

FEWEST = 10
SKETCH = 64
MOST_REJECTED = 0.2
ON_SCALE = {"none": "", "log": " on the log scale", "yeo-johnson": " on the Yeo-Johnson scale"}
MOST_DISTINCT = 100  # columns of which the distinct cells are counted at once: of 1,200 a gigabyte is too little


@dataclass(frozen=True)
class Cleaned:
    """The parts of a raw table and their account.

    customers : id (text), features and descriptors (numbers as float64, categories as text), in the order of the ids,
        or without an id in that of the values, so that the order of the rows changes nothing.
    rejected : file, line, column, value, rule, in file order; the rows that were collapsed are listed too.
    flagged : id or row, column, value, flag: cells that were imputed, and values far from the rest, which are kept.
    account : rows_in = clean + rejected + collapsed; rows refused by each rule; cells mended, missing and imputed in
        each column; how numbers are written; without an id, how many rows repeat another.
    """

    customers: Customers
    rejected: ibis.Table
    flagged: ibis.Table
    account: Account


def clean(raw: ibis.Table, dataset: Dataset, *, features: tuple[str, ...], headers: dict, file: str) -> Cleaned:
    """Split a raw table into clean customers and refused rows.

    A row is refused at the first rule that it breaks, in the order of the columns. Of identical rows with
    one id the first is kept and the others are collapsed; rows that give one id different values are all refused.

    Parameters
    ----------
    raw : ibis.Table
        row, file, line, fields, and a column for each declared column.
    headers : dict
        fields (how many cells a whole row has), typed, delimiter.

    Raises
    ------
    DataError
        When it cannot be told which mark of the numbers is the decimal one.
    """
    if dataset.transactions:
        return _clean_purchases(raw, dataset, features, headers, file)
    names = [name for name in dataset.columns if name in raw.columns and dataset.columns[name].role != "ignore"]
    conventions = conventions_of(raw, dataset, names, headers, file=file)
    needs = {"features": features, "required": _needed(dataset, features), "fields": headers["fields"]}
    checked = check_rows(raw, dataset, names, conventions, **needs)
    fine, rejected = part_rows(checked, dataset, names)
    key = next(iter(dataset.named("id")), None)
    found = _customers(fine, dataset, names, key, ordered=key is not None and is_ascending(checked, key))
    missing = _missing(found)
    medians, rules = _medians(found, features, missing), _rules(rejected)
    everyone = _imputed(found, medians)
    account = Account(
        **_rows(raw, found, rules),
        mended=_mended(fine, dataset, names),
        repeated=0 if key else found.number - int(found.table.drop("id").distinct().count().execute()),
        missing=missing,
        imputed={name: missing[name] for name in medians},
        numbers={name: NumberFormat(**convention.record()) for name, convention in conventions.items()},
    )
    numbers = [name for name in everyone.columns if dataset.columns[name].is_amount]
    return Cleaned(everyone, rejected, _flagged(found, medians, everyone, numbers), account)


def _rows(raw: ibis.Table, found: Customers, rules: dict[str, int]) -> dict:
    """Return what became of the rows, none of which may be lost."""
    rows, collapsed = int(raw.count().execute()), sum(n for rule, n in rules.items() if rule.endswith(f": {Rule.COPY}"))
    rejected = sum(rules.values()) - collapsed
    account = {"rows_in": rows, "clean": found.number, "customers": found.number, "rejected": rejected}
    if rows != found.number + rejected + collapsed:
        raise AssertionError(f"a row was lost or doubled: {account}, {collapsed} collapsed")
    return account | {"collapsed": collapsed, "rules": rules}


def _customers(fine: ibis.Table, dataset: Dataset, names: list[str], key: str | None, *, ordered: bool) -> Customers:
    """Return the customers of the rows that are fine, in the order of their ids, or without a `key` of their values.

    Parameters
    ----------
    key : str or None
        The column of the ids; without one the number of the row is the id.
    ordered : bool
        Whether they stand in this order already.
    """
    identity, others = fine[key or "row"], [name for name in names if name != key]
    table = fine.select(identity.cast("string").name("id"), *others)
    values = [] if key else [ibis.asc(table[name], nulls_first=False) for name in others]
    table = kept(table if ordered else table.order_by([*values, table["id"].length(), table["id"]]))
    # A number has another hash than its text, so that the sample follows the ids as they are typed.
    typed = table["id"].cast("int64") if identity.type().is_integer() else table["id"]
    return with_sample(dataset, table, typed)


def with_sample(dataset: Dataset, table: ibis.Table, identity: ibis.Value) -> Customers:
    """Return the customers of a table in the order of their ids, with a sample of them drawn by `identity`."""
    some = sampled(table, identity)
    return Customers(dataset, table, table.to_pandas() if some is table else in_order_of_ids(some.to_pandas()))


def _rules(rejected: ibis.Table) -> dict[str, int]:
    """Return how many rows each rule refused, the most frequent first."""
    found = rejected.group_by("column", "rule").agg(n=ibis._.count()).to_pandas()
    found = found.sort_values(["n", "column", "rule"], ascending=[False, True, True])
    return {f"{row.column}: {row.rule}": int(row.n) for row in found.itertuples()}


def _missing(found: Customers) -> dict[str, int]:
    return {name: found.number - int(n) for name, n in found.filled(found.columns).items() if n < found.number}


def _mended(fine: ibis.Table, dataset: Dataset, names: list[str]) -> dict[str, int]:
    """Return how many cells of each column of categories are respelt; few rows have one.

    A yes or no is read as one, whatever its word.
    """
    categories = [
        name for name in names if dataset.columns[name].type == "category" and name not in dataset.named("id")
    ]
    if not categories:
        return {}
    respelt = fine.filter(any_of(fine[name] != text_in(fine, name) for name in categories))
    differ = {name: (respelt[name] != text_in(respelt, name)).sum() for name in categories}
    found = respelt.agg(**differ).to_pandas().iloc[0].fillna(0).astype(int)
    return {name: int(n) for name, n in found.items() if n}


def _medians(everyone: Customers, features: tuple[str, ...], missing: dict[str, int]) -> dict[str, float]:
    """Return the median of each feature that dataset.yaml wants imputed and that somebody lacks.

    Between two ranks, or between yes and no, lies nothing: the lower of the middle two is taken.
    """
    columns = everyone.dataset.columns
    asked = [n for n in features if columns[n].missing == "median" and 0 < missing.get(n, 0) < everyone.number]
    number = {name: columns[name].is_amount for name in asked}
    return {n: everyone.quantiles(n, [0.5]).iloc[0][0.5] if number[n] else everyone.lower_median(n) for n in asked}


def _imputed(found: Customers, medians: dict[str, float]) -> Customers:
    """Give those who lack a feature the median of all."""
    if not medians:
        return found
    table = found.table.mutate(**{name: found.table[name].fill_null(double(m)) for name, m in medians.items()})
    rest = {name: values for name, values in found.values().items() if name not in medians}
    return replace(found, table=kept(table), sample=found.sample.fillna(medians), counted=rest)


def _flagged(found: Customers, medians: dict[str, float], everyone: Customers, numbers: list[str]) -> ibis.Table:
    """List the cells that are imputed, and those far from the rest, both in the order of the columns and the ids."""
    far = {name: fences for name in numbers if (fences := everyone.fences(name))}
    flags = {name: f"{FAR}{ON_SCALE[found.dataset.columns[name].transform]}" for name in far}
    parts = [_picked(found.table, "id", lambda _: ibis.literal(False), "", double(0))]
    parts += [_picked(found.table, n, ibis.Value.isnull, "imputed: the median", double(m)) for n, m in medians.items()]
    parts += [_picked(everyone.table, n, partial(_beyond, ends=ends), flags[n]) for n, ends in far.items()]
    placed = [part.mutate(_place=ibis.literal(place, "int64")) for place, part in enumerate(parts)]
    listed = ibis.union(*placed) if placed[1:] else placed[0]
    order = []
    if not found.dataset.named("id"):
        listed, order = listed.join(found.table, "id"), found.columns
    keys = ["_place", *(ibis.asc(listed[name], nulls_first=False) for name in order), listed["id"].length(), "id"]
    told = listed.order_by(keys)
    return kept(told.select(**{found.dataset.key: "id"}, column="_column", value="_value", flag="_flag"))


def _picked(table: ibis.Table, name: str, which: Callable, flag: str, value: ibis.Value | None = None) -> ibis.Table:
    """List the cells of one column that are to be flagged, with their own `value` or another."""
    own = table.select("id", _value=name)
    some = own.filter(which(own["_value"]))
    told = some["_value"] if value is None else value
    return some.select("id", _column=ibis.literal(name), _value=told, _flag=ibis.literal(flag))


def _beyond(value: ibis.Value, ends: tuple[float, float]) -> ibis.Value:
    return (value < double(ends[0])) | (value > double(ends[1]))


def _clean_purchases(raw: ibis.Table, dataset: Dataset, features: tuple[str, ...], headers: dict, file: str) -> Cleaned:
    """Make the customers from their purchases."""
    made, rejected, counts = summarize_purchases(raw, dataset, headers, file=file)
    names = [name for name in made.columns if name in dataset.columns and dataset.columns[name].role != "ignore"]
    everyone = _customers(made, dataset, names, "id", ordered=False)
    none: dict = {"collapsed": 0, "repeated": 0, "mended": {}, "missing": _missing(everyone), "imputed": {}}
    account = Account(**counts, **none, rules=_rules(rejected), customers=everyone.number)
    numbers = [name for name in everyone.columns if dataset.columns[name].numeric]
    return Cleaned(everyone, rejected, _flagged(everyone, {}, everyone, numbers), account)


def require_enough(account: Account, *, file: str) -> None:
    """Refuse to go on with too few customers.

    Raises
    ------
    DataError
        When fewer than ten rows are clean, or more than a fifth were refused; purchases of nobody known do not count.
    """
    rules = "; ".join(f"{rule} ({n:,})" for rule, n in account.rules.items())
    mend = f"Rules that refused rows: {rules}. Mend the table, or the rules in dataset.yaml; see rejected.csv."
    mend = mend if rules else "No rule refused a row: the table has too few."
    if account.customers < FEWEST:
        made = f", of {account.customers} customers" if account.customers != account.clean else ""
        clean = f"{account.clean} of {account.rows_in:,} rows are clean{made}"
        raise DataError(f"{file}: {clean}; at least {FEWEST} are needed. {mend}")
    nobody = account.rules.get(NO_CUSTOMER, 0) if account.returns is not None else 0
    rejected, rows = account.rejected - nobody, account.rows_in - nobody
    if rejected / rows > MOST_REJECTED:
        of = f"{rejected:,} of {rows:,} rows{' with a customer' if nobody else ''} ({percent(rejected / rows)})"
        most = f"at most {percent(MOST_REJECTED)} may be, because what is left would be another table"
        raise DataError(f"{file}: {of} were refused; {most}. {mend}")


def _needed(dataset: Dataset, features: tuple[str, ...]) -> tuple[str, ...]:
    """Return the features that are not imputed when they are missing."""
    return tuple(name for name in features if dataset.columns[name].missing == "reject")


def overview(raw: ibis.Table, headers: dict[str, str], dataset: Dataset) -> pd.DataFrame:
    """Return one row a matched column: its header, role, type, and how many cells are filled and distinct.

    Of a table on the disk nothing but categories is counted as distinct: what its other columns hold is nearly all
    distinct, and a reader is told a dash. So is one of a private column that fewer than ten have a value of.
    """
    free = [name for name in headers if is_free(dataset, name)]
    said = answers_in(raw, dataset, headers)
    others = [name for name in headers if name not in free]
    counts: dict = {}
    for some in (others[i : i + MOST_DISTINCT] for i in range(0, len(others), MOST_DISTINCT)):
        counts |= _filled(raw, some, dataset, distinct=in_memory(raw))
    for name in free:
        cells = tallied(raw.op(), name).rename({name: "_cell"})
        counts |= _filled(cells, [name], dataset, times=cells["_times"], said=said)
    rows = [
        {
            "column": name,
            "header": header,
            "role": dataset.role(name),
            "type": _told_type(dataset.columns[name]),
            "filled": int(counts[f"{name}_filled"] or 0),
            "distinct": int(counts[f"{name}_distinct"]) if f"{name}_distinct" in counts else None,
        }
        for name, header in headers.items()
    ]
    told = pd.DataFrame(rows).astype({"distinct": "Int64"})
    few = told["filled"].between(1, least(dataset.private) - 1)
    told["distinct"] = told["distinct"].mask(few)
    if dataset.private:  # beside the clean rows, which are told exactly, few others must not be counted
        most = max(int(raw.count().execute()) - SMALLEST_GROUP, SMALLEST_GROUP - 1)
        for name in ("filled", "distinct"):
            told[name] = told[name].astype(object).mask((told[name] > most).fillna(False), NEARLY)
    words = taken_for_missing(raw, dataset, headers, said)
    taken = {"taken_for_missing": [words[name] for name in headers]} if any(words.values()) else {}
    return told.assign(**taken)


def _told_type(column: Column) -> str:
    """Return as what the cells of a column are read; of one that is set aside only what somebody declared."""
    if column.role == "id" or isinstance(column, Day):
        return "text" if column.role == "id" else "date"
    return NONE if column.role == "ignore" and "type" not in column.model_fields_set else column.type


def _filled(
    table: ibis.Table, names: list[str], dataset: Dataset, *, times=1, distinct: bool = True, said: dict | None = None
) -> dict:
    """Count the cells of some columns that hold something, each `times`, and how many distinct ones there are."""
    empty = {name: is_empty(table[name], dataset.columns[name], (said or {}).get(name)) for name in names}
    parts = {f"{name}_filled": empty[name].ifelse(0, times).sum() for name in names}
    parts |= {f"{name}_distinct": _spelt(table[name]).nunique(where=~empty[name]) for name in names if distinct}
    return table.agg(parts).to_pandas().iloc[0].to_dict() if parts else {}


def _spelt(cell: ibis.Value) -> ibis.Value:
    return stripped(cell) if cell.type().is_string() else cell


@dataclass(frozen=True)
class Fingerprint:
    """What the values of a table come to, whatever its headers, the order of its rows and columns, and its format.

    cells : one row a record, one text column for each declared column, in one spelling.
    whole : SHA-256 of the sorted hashes of the rows.
    sketch : for each of 64 orders of all rows the last eight bits of the first row's hash, as hexadecimal digits. Two
        tables agree in about the share of rows that they have in common (b-bit minwise hashing, Li & König 2010),
        and no row can be worked out from eight bits: these may be published where the table may not.
    """

    cells: pd.DataFrame
    whole: str
    sketch: str


def fingerprint(
    raw: ibis.Table, dataset: Dataset, conventions: dict[str, Convention], source: RawSource | None = None
) -> Fingerprint:
    """Return the fingerprint of the declared columns of a raw table.

    Of a large table it is that of its files alone, and where a database holds it, that of its rows in any order.
    """
    names = [name for name in dataset.columns if name in raw.columns]
    if not in_memory(raw) or not all(raw[name].type().is_string() for name in names):
        # One part of a file, or a file with a log beside it, is not known by the bytes of the file.
        files = source.fingerprints().values() if source and source.settled and not source.part else ()
        known_by = [*files] or sum_of(raw.drop("row", "file", "line", "fields"))
        return Fingerprint(pd.DataFrame(), _digest(known_by), "")
    frame = raw.select(
        "row", *names, **{f"_{name}": to_number(raw[name], how) for name, how in conventions.items()}
    ).to_pandas()
    frame = frame.sort_values("row", ignore_index=True)
    cells = pd.DataFrame({n: _in_one_spelling(frame[n], frame.get(f"_{n}"), dataset.columns[n]) for n in names})
    tagged = [cells[name].radd(f"{name}=") for name in sorted(names)]
    hashes = [hashlib.sha256("\x1f".join(row).encode()).hexdigest() for row in zip(*tagged, strict=True)]
    whole = _digest(sorted(hashes))
    return Fingerprint(cells, whole, _sketch(np.array([int(value[:16], 16) for value in hashes], np.uint64)))


def _digest(parts: list) -> str:
    """Return the SHA-256 of what a table is known by: of nothing there is none, or all tables would be one."""
    assert parts
    return hashlib.sha256("".join(map(str, parts)).encode()).hexdigest()


def _sketch(rows: np.ndarray) -> str:
    """Return the sketch of the hashes of rows, each mixed anew for each order (Steele, Lea & Flood 2014)."""
    first = []
    for i in range(1, SKETCH + 1):
        mixed = rows + np.uint64(i * 0x9E3779B97F4A7C15 % 2**64)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        first.append(int(mixed.min()) & 0xFF)
    return bytes(first).hex()


def _in_one_spelling(texts: pd.Series, numbers: pd.Series | None, column: Column) -> pd.Series:
    """Write each cell in one way: 15.0 and 15 alike, 0007 and 7 alike, Male, male and a declared M alike."""
    if numbers is not None and numbers.notna().all():
        return numbers.map(lambda value: f"{value:.12g}")
    place, cells = pd.factorize(texts, use_na_sentinel=False)
    plain = pd.Series(cells).str.strip().str.casefold().str.replace(r"^0+(?=\d+$)|(?<=\d)\.0+$", "", regex=True)
    declared = {spelt.casefold(): name.casefold() for name, all_ in (column.categories or {}).items() for spelt in all_}
    told = plain.replace(declared).take(place).set_axis(texts.index)
    return told if numbers is None else told.mask(numbers.notna(), numbers.map(lambda value: f"{value:.12g}"))


def matching_rows(mine: pd.DataFrame, theirs: pd.DataFrame, key: str | None = None) -> list[tuple[int, int]]:
    """Return which row stands for which published one: by its id, or as it is, or by most of its cells."""
    if key and mine[key].is_unique and theirs[key].is_unique:
        at = {value: i for i, value in enumerate(theirs[key])}
        return [(i, at[value]) for i, value in enumerate(mine[key]) if value in at]
    free = defaultdict(list)
    for i, row in enumerate(theirs.itertuples(index=False, name=None)):
        free[row].append(i)
    same = {i: free[row].pop(0) for i, row in enumerate(mine.itertuples(index=False, name=None)) if free[row]}
    left, open_ = [i for i in range(len(mine)) if i not in same], sorted(i for rest in free.values() for i in rest)
    for i in left:
        alike = (theirs.iloc[open_].to_numpy() == mine.iloc[i].to_numpy()).sum(axis=1)
        if len(open_) and 2 * alike.max() > mine.shape[1]:
            same[i] = open_.pop(int(alike.argmax()))
    return sorted(same.items())
