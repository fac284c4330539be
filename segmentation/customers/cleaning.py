"""Cleaning: every row is clean, collapsed with its copy, or refused with its line, column, value and rule."""

from dataclasses import dataclass

import ibis
import pandas as pd

from segmentation.core.dataset import Dataset
from segmentation.core.engine import double, is_held, stored
from segmentation.core.errors import DataError
from segmentation.core.files import is_expression
from segmentation.customers.checks import (
    COPY,
    cell_name,
    check_repeats,
    check_rows,
    find_repeats,
    find_suspects,
    is_empty,
    is_free,
    stripped,
    text_in,
)
from segmentation.customers.customers import Customers, with_sample
from segmentation.customers.purchases import purchases_dataset, summarize_purchases
from segmentation.tables.number_formats import conventions_of

FEWEST = 10
MOST_REJECTED = 0.2


@dataclass(frozen=True)
class Cleaned:
    """The parts of a raw table and their account; of a large table the first three are Ibis tables.

    everyone : the customers with their sample.
    customers : id (text), features and descriptors (numbers as float64, categories as text), in the order of the ids,
        or without an id in that of the values, so that the order of the rows changes nothing.
    rejected : file, line, column, value, rule, in file order; the rows that were collapsed are listed too.
    flagged : id, column, value, flag: cells that were imputed, and values far from the rest, which are kept.
    account : rows_in = clean + rejected + collapsed; rows refused by each rule; cells mended, missing and imputed in
        each column; how numbers are written; without an id, how many rows repeat another.
    """

    everyone: Customers
    rejected: pd.DataFrame
    flagged: pd.DataFrame
    account: dict

    @property
    def customers(self) -> pd.DataFrame:
        return self.everyone.table


def clean(raw: ibis.Table, dataset: Dataset, *, features: tuple[str, ...], headers: dict, file: str) -> Cleaned:
    """Split a raw table into clean customers and refused rows.

    A row is refused at the first rule that it breaks, in the order of the columns. Of identical rows with
    one id the first is kept and the others are collapsed; rows that give one id different values are all refused.

    Parameters
    ----------
    raw : ibis.Table
        row, file, line, fields, and one text column a declared column.
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
    if not is_held(raw):
        return _clean_large(raw, checked, dataset, names, features, conventions)
    judged = check_repeats(checked, dataset, names).order_by("row").to_pandas()
    fine, refused = judged[judged["rule"].isna()], judged[judged["rule"].notna()]
    collapsed = int((refused["rule"] == COPY).sum())
    rejected = refused[["file", "line", "column", "value", "rule"]].reset_index(drop=True)
    customers = _customers(fine, dataset, names)
    missing = {name: int(n) for name, n in fine[names].isna().sum().items() if n}
    customers, flagged = _imputed(customers, dataset, features)
    account = {
        "rows_in": int(raw.count().to_pyarrow().as_py()),
        "clean": len(customers),
        "customers": len(customers),
        "rejected": len(rejected) - collapsed,
        "collapsed": collapsed,
        "rules": (rejected["column"] + ": " + rejected["rule"]).value_counts().to_dict(),
        "mended": _mended(fine, dataset, names),
        "repeated": 0 if dataset.named("id") else int(fine.duplicated(subset=names).sum()),
        "missing": missing,
        "imputed": flagged["column"].value_counts().to_dict(),
        "numbers": {name: convention.record() for name, convention in conventions.items()},
    }
    _require_whole(account)
    far = _far(customers, [name for name in conventions if name in customers])
    return Cleaned(Customers(customers), rejected, pd.concat([flagged, far], ignore_index=True), account)


def _clean_large(raw: ibis.Table, checked: ibis.Table, dataset: Dataset, names: list[str], features, conventions: dict):
    """Do the same by the engine, which puts aside what is clean and what was refused."""
    parts = ["row", "file", "line", "column", "value", "rule"]
    fine = checked.filter(checked["rule"].isnull())
    suspects = stored(find_suspects(checked, dataset, names), ordered=False)
    rejected = suspects.filter(suspects["rule"].notnull()).select(parts)
    repeats = find_repeats(suspects, dataset, names)
    if repeats is not None:
        fine, rejected = fine.anti_join(repeats, "row"), ibis.union(rejected, repeats.select(parts))
    rules = rejected.group_by("column", "rule").agg(n=ibis._.count()).to_pandas()
    rules = rules.sort_values(["n", "column", "rule"], ascending=[False, True, True])
    collapsed = int(rules.loc[rules["rule"] == COPY, "n"].sum())
    customers = stored(fine.select(_id(fine, dataset), *(n for n in names if n not in dataset.named("id"))))
    held = {"clean": customers.count(), **{n: customers[n].isnull().sum() for n in customers.columns[1:]}}
    counts = customers.agg(**held).to_pandas().iloc[0].fillna(0).astype(int)
    categories = _categories(dataset, names)
    mended = _mended_large(fine, categories) if categories else {}
    asked = [n for n in features if dataset.columns[n].missing == "median" and 0 < counts[n] < counts["clean"]]
    everyone = with_sample(customers)
    medians = {name: _middle(everyone, name, dataset.columns[name]) for name in asked}
    flagged = _flagged(everyone, medians, [name for name in conventions if name in customers.columns])
    if medians:
        filled = {name: customers[name].fill_null(double(m)) for name, m in medians.items()}
        everyone = Customers(everyone.sample.fillna(medians), customers.mutate(**filled))
    account = {
        "rows_in": int(raw.count().execute()),
        "clean": int(counts["clean"]),
        "customers": int(counts["clean"]),
        "rejected": int(rules["n"].sum()) - collapsed,
        "collapsed": collapsed,
        "rules": {f"{row.column}: {row.rule}": int(row.n) for row in rules.itertuples()},
        "mended": {name: int(mended[name]) for name in categories if mended[name]},
        "repeated": 0 if dataset.named("id") else int(counts["clean"]) - _distinct(customers.drop("id")),
        "missing": {name: int(counts[name]) for name in customers.columns[1:] if counts[name]},
        "imputed": {name: int(counts[name]) for name in medians},
        "numbers": {name: convention.record() for name, convention in conventions.items()},
    }
    _require_whole(account)
    return Cleaned(everyone, rejected.order_by("file", "line").drop("row"), flagged, account)


def _distinct(table: ibis.Table) -> int:
    return int(table.distinct().count().execute())


def _id(table: ibis.Table, dataset: Dataset) -> ibis.Value:
    """Return the id of each customer: as it is, or the number of the row."""
    return table[dataset.named("id")[0] if dataset.named("id") else "row"].name("id")


def _mended_large(fine: ibis.Table, categories: list[str]) -> pd.Series:
    """Return how many cells of each column are written otherwise than they were; few rows have one."""
    respelt = fine.filter(ibis.or_(*(fine[name] != text_in(fine, name) for name in categories)))
    differ = {name: (respelt[name] != text_in(respelt, name)).sum() for name in categories}
    return respelt.agg(**differ).to_pandas().iloc[0].fillna(0).astype(int)


def _middle(customers: Customers, name: str, column) -> float:
    """Return the median; between two ranks, or between yes and no, lies nothing: there the lower middle one."""
    middle = float(customers.quantiles(name, [0.5]).iloc[0][0.5])
    value = customers.everyone[name]
    return middle if column.type == "number" else float(value.max(where=value <= double(middle)).execute())


def _flagged(everyone: Customers, medians: dict[str, float], numbers: list[str]) -> ibis.Table:
    """List the cells that are imputed, and those far from the rest."""
    customers = everyone.everyone
    nobody = [(numbers[0], ibis.literal(False), double(0), "")]
    imputed = [(n, customers[n].isnull(), double(value), "imputed: the median") for n, value in medians.items()]
    far = [
        (n, beyond, customers[n], "far from the rest") for n in numbers if (beyond := _beyond(everyone, n)) is not None
    ]
    parts = [
        customers.filter(which).select("id", column=ibis.literal(name), value=value, flag=ibis.literal(flag))
        for name, which, value, flag in (*nobody, *imputed, *far)
    ]
    return ibis.union(*parts).order_by("column", "id")


def _beyond(everyone: Customers, name: str) -> ibis.Value | None:
    """Return which values lie beyond 1.5 interquartile ranges of the middle half (Tukey 1977); None without a value."""
    found, value = everyone.quantiles(name, [0.25, 0.75]), everyone.everyone[name]
    if found.empty:
        return None
    low, high = found.iloc[0][[0.25, 0.75]]
    reach = 1.5 * (high - low)
    return (value < double(low - reach)) | (value > double(high + reach))


def _require_whole(account: dict) -> None:
    if account["rows_in"] != account["clean"] + account["rejected"] + account["collapsed"]:
        raise AssertionError(f"a row was lost or doubled: {account}")


def _clean_purchases(raw: ibis.Table, dataset: Dataset, features: tuple[str, ...], headers: dict, file: str) -> Cleaned:
    """Make the customers from their purchases."""
    made, rejected, account = summarize_purchases(raw, dataset, headers, file=file)
    names = [name for name in made.columns if name in dataset.columns and dataset.columns[name].role != "ignore"]
    rest = {"collapsed": 0, "repeated": 0, "mended": {}, "missing": {}, "imputed": {}}
    account |= rest | {"rules": (rejected["column"] + ": " + rejected["rule"]).value_counts().to_dict()}
    if is_expression(made):
        customers = stored(made.select(_id(made, dataset), *(n for n in names if n not in dataset.named("id"))))
        everyone = with_sample(customers)
        account["customers"] = everyone.number
        return Cleaned(everyone, rejected, _flagged(everyone, {}, list(customers.columns[1:])), account)
    customers = _customers(made.assign(row=0), dataset, names)
    account["customers"] = len(customers)
    return Cleaned(Customers(customers), rejected, _far(customers, list(customers.columns[1:])), account)


def raw_dataset(dataset: Dataset) -> Dataset:
    """Return what describes the raw table: the dataset itself, or the purchases that its customers are made of."""
    return purchases_dataset(dataset) if dataset.transactions else dataset


def require_enough(account: dict, *, file: str) -> None:
    """Refuse to go on with too few customers.

    Raises
    ------
    DataError
        When fewer than ten rows are clean, or more than a fifth of all were refused.
    """
    rules = "; ".join(f"{rule} ({n:,})" for rule, n in account["rules"].items()) or "none was refused"
    rules = f"Rules that refused rows: {rules}. Mend the table, or the rules in dataset.yaml; see rejected.csv."
    if account["customers"] < FEWEST:
        made = f", of {account['customers']} customers" if account["customers"] != account["clean"] else ""
        clean = f"{account['clean']} of {account['rows_in']:,} rows are clean{made}"
        raise DataError(f"{file}: {clean}; at least {FEWEST} are needed. {rules}")
    share = account["rejected"] / account["rows_in"]
    if share > MOST_REJECTED:
        raise DataError(
            f"{file}: {account['rejected']:,} of {account['rows_in']:,} rows ({share:.0%}) were refused; at most "
            f"{MOST_REJECTED:.0%} may be, because what is left would be another table. {rules}"
        )


def _needed(dataset: Dataset, features: tuple[str, ...]) -> tuple[str, ...]:
    """Return the features that are not imputed when they are missing."""
    return tuple(name for name in features if dataset.columns[name].missing == "reject")


def _customers(fine: pd.DataFrame, dataset: Dataset, names: list[str]) -> pd.DataFrame:
    ids = dataset.named("id")
    others = [name for name in names if name not in ids]
    if ids:
        text = fine[ids[0]].astype(str)
        order = pd.DataFrame({"length": text.str.len(), "text": text})
    else:
        text, order = fine["row"].astype(str), fine[others]
    order = order.sort_values(list(order.columns), kind="stable", na_position="last").index
    return pd.concat([text.rename("id"), fine[others]], axis=1).loc[order].reset_index(drop=True)


def _imputed(customers: pd.DataFrame, dataset: Dataset, features: tuple[str, ...]):
    """Give a missing feature the median of all where dataset.yaml asks for it, and flag it."""
    flags = []
    for name in features:
        empty = customers[name].isna()
        if dataset.columns[name].missing == "median" and empty.any():
            # Between two ranks, or between yes and no, lies nothing: the lower of the middle two is taken.
            between = "linear" if dataset.columns[name].type == "number" else "lower"
            median = customers[name].quantile(0.5, interpolation=between)
            customers[name] = customers[name].fillna(median)
            ids = customers.loc[empty, "id"]
            flags.append(pd.DataFrame({"id": ids, "column": name, "value": median, "flag": "imputed: the median"}))
    none = pd.DataFrame({"id": [], "column": [], "value": [], "flag": []}, dtype=object)
    return customers, pd.concat(flags, ignore_index=True) if flags else none


def _far(customers: pd.DataFrame, numbers: list[str]) -> pd.DataFrame:
    far = customers[["id"]].assign(flag="far from the rest")
    parts = [far.assign(column=name, value=customers[name])[_is_far(customers[name])] for name in numbers]
    return pd.concat([far.iloc[:0], *parts])[["id", "column", "value", "flag"]] if parts else far.iloc[:0]


def _is_far(values: pd.Series) -> pd.Series:
    """Return which values lie beyond 1.5 interquartile ranges of the middle half (Tukey 1977)."""
    low, high = values.quantile([0.25, 0.75])
    reach = 1.5 * (high - low)
    return (values < low - reach) | (values > high + reach)


def _categories(dataset: Dataset, names: list[str]) -> list[str]:
    return [name for name in names if name not in dataset.named("id") and not dataset.columns[name].numeric]


def _mended(fine: pd.DataFrame, dataset: Dataset, names: list[str]) -> dict[str, int]:
    categories = _categories(dataset, names)
    changed = {name: int((fine[name].notna() & (fine[name] != fine[cell_name(name)])).sum()) for name in categories}
    return {name: n for name, n in changed.items() if n}


def overview(raw: ibis.Table, headers: dict[str, str], dataset: Dataset) -> pd.DataFrame:
    """Return one row a matched column: its header, role, type, and how many cells are filled and distinct.

    In a large table nothing but categories is counted as distinct: what its other columns hold is nearly all distinct.
    """
    apart = [] if is_held(raw) else [name for name in headers if is_free(dataset, name)]
    rest = [name for name in headers if name not in apart]
    counts = _filled(raw, rest, dataset, distinct=is_held(raw))
    for name in apart:
        cells = raw.group_by(name).agg(_n=raw.count())
        counts |= _filled(cells, [name], dataset, times=cells["_n"])
    rows = [
        {
            "column": name,
            "header": header,
            "role": dataset.columns[name].role,
            "type": "text" if dataset.columns[name].role == "id" else dataset.columns[name].type,
            "filled": int(counts[f"{name}_filled"] or 0),
            "distinct": int(counts[f"{name}_distinct"]) if f"{name}_distinct" in counts else None,
        }
        for name, header in headers.items()
    ]
    return pd.DataFrame(rows).astype({"distinct": "Int64"})


def _filled(table: ibis.Table, names: list[str], dataset: Dataset, *, times=1, distinct: bool = True) -> dict:
    """Count the cells of some columns that hold something, each `times`, and how many distinct ones there are."""
    empty = {name: is_empty(table[name], dataset.columns[name]) for name in names}
    parts = {f"{name}_filled": empty[name].ifelse(0, times).sum() for name in names}
    parts |= {f"{name}_distinct": _spelt(table[name]).nunique() for name in names if distinct}
    return table.agg(parts).to_pandas().iloc[0].to_dict() if parts else {}


def _spelt(cell: ibis.Value) -> ibis.Value:
    return stripped(cell) if cell.type().is_string() else cell
