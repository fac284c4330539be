"""Cleaning: every row is either clean or refused with its line, column, value and rule.

The rules are Ibis expressions, so that any engine can run them.
"""

from dataclasses import dataclass

import ibis
import pandas as pd

from segmentation.dataset import Column, Dataset
from segmentation.errors import DataError
from segmentation.narrative import count, escape

MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-")
FEWEST = 10


@dataclass(frozen=True)
class Rule:
    """What every row must satisfy: where `broken` holds, the row is refused and `value` is shown."""

    column: str
    rule: str
    value: ibis.Value
    broken: ibis.Value


@dataclass(frozen=True)
class Cleaned:
    """The two halves of a raw table and their account.

    customers : id (text), features and descriptors (numbers as float64, categories as text), in file order.
    rejected : line, column, value, rule, in file order.
    account : rows_in = clean + rejected; rows refused by each rule; cells mended and missing in each column; without
        an id, how many rows repeat another.
    """

    customers: pd.DataFrame
    rejected: pd.DataFrame
    account: dict


def clean(raw: ibis.Table, dataset: Dataset, *, features: tuple[str, ...], fields: int) -> Cleaned:
    """Split a raw table into clean customers and refused rows.

    A row is refused at the first rule that it breaks, in the order of the columns. Of identical rows with
    one id the first is kept; rows that give one id different values are all refused.

    Parameters
    ----------
    raw : ibis.Table
        line, fields, and one text column a declared column.
    fields : int
        How many cells a whole row has.
    """
    names = [name for name in dataset.columns if name in raw.columns and dataset.columns[name].role != "ignore"]
    table = _typed(raw, dataset, names)
    table = _verdict(table, [_whole(table, fields), *_column_rules(table, dataset, names, features)])
    for id_name in dataset.named("id"):
        table = _verdict(table, _repeat_rules(table, id_name, names))
    judged = table.order_by("line").to_pandas()
    fine, refused = judged[judged["rule"].isna()], judged[judged["rule"].notna()]
    rejected = refused[["line", "column", "value", "rule"]].reset_index(drop=True)
    account = {
        "rows_in": int(raw.count().to_pyarrow().as_py()),
        "clean": len(fine),
        "rejected": len(rejected),
        "rules": (rejected["column"] + ": " + rejected["rule"]).value_counts().to_dict(),
        "mended": _mended(fine, dataset, names),
        "repeated": 0 if dataset.named("id") else int(fine.duplicated(subset=names).sum()),
        "missing": {name: int(n) for name, n in fine[names].isna().sum().items() if n},
    }
    if account["rows_in"] != account["clean"] + account["rejected"]:
        raise AssertionError(f"a row was lost or doubled: {account}")
    return Cleaned(_customers(fine, dataset, names), rejected, account)


def require_enough(account: dict, *, file: str) -> None:
    """Refuse to go on with too few customers.

    Raises
    ------
    DataError
        When fewer than ten rows are clean.
    """
    if account["clean"] < FEWEST:
        rules = "; ".join(f"{rule} ({n})" for rule, n in account["rules"].items()) or "none was refused"
        raise DataError(
            f"{file}: {account['clean']} of {account['rows_in']} rows are clean; at least {FEWEST} are needed. "
            f"Rules that refused rows: {rules}. Mend the table, or the rules in dataset.yaml; see rejected.csv."
        )


def _customers(fine: pd.DataFrame, dataset: Dataset, names: list[str]) -> pd.DataFrame:
    ids = dataset.named("id")
    id_text = fine[ids[0]] if ids else fine["line"].astype(str)
    others = fine[[name for name in names if name not in ids]]
    return pd.concat([id_text.rename("id"), others], axis=1).reset_index(drop=True)


def _mended(fine: pd.DataFrame, dataset: Dataset, names: list[str]) -> dict[str, int]:
    categories = [name for name in names if dataset.columns[name].type == "category"]
    changed = {name: int((fine[name].notna() & (fine[name] != fine[_text(name)])).sum()) for name in categories}
    return {name: n for name, n in changed.items() if n}


def _typed(raw: ibis.Table, dataset: Dataset, names: list[str]) -> ibis.Table:
    """Add, beside each text `x_text`, its value `x`: a number, a mended category, or null."""
    table = raw.rename({_text(name): name for name in names})
    table = table.mutate({name: _value(table[_text(name)], dataset.columns[name]) for name in names})
    for name in names:
        column = dataset.columns[name]
        if column.type == "category" and not column.categories:
            table = _usual_spelling(table, name)
    return table


def _value(text: ibis.Value, column: Column) -> ibis.Value:
    present = _empty(text, column).ifelse(ibis.null("string"), text.strip())
    if column.role == "id":
        return present
    if column.type == "number":
        number = present.try_cast("float64")
        return (number.isnan() | number.isinf()).ifelse(ibis.null("float64"), number)
    if column.categories:
        pairs = [(key, name) for name, spellings in column.categories.items() for key in (name, *spellings)]
        return ibis.cases(*[(_spelling_key(present) == _folded(key), name) for key, name in pairs])
    return present


def _text(name: str) -> str:
    """Return the name under which the text of a column is kept; no column of a dataset starts with a line."""
    return f"_text_{name}"


def _empty(text: ibis.Value, column: Column) -> ibis.Value:
    """Return whether a cell holds nothing; a spelling that dataset.yaml declares is something."""
    declared = {_folded(key) for name, spellings in (column.categories or {}).items() for key in (name, *spellings)}
    return text.strip().lower().isin([word for word in MISSING if word not in declared])


def _spelling_key(text: ibis.Value) -> ibis.Value:
    return text.lower().re_replace(r"\s+", " ")


def _folded(text: str) -> str:
    return " ".join(text.lower().split())


def _usual_spelling(table: ibis.Table, name: str) -> ibis.Table:
    """Write every spelling that differs only in case and blanks as the most frequent one."""
    table = table.mutate(_key=_spelling_key(table[name]))
    counts = table.filter(table[name].notnull()).group_by("_key", name).agg(_n=ibis._.count())
    usual = counts.group_by("_key").agg(_usual=counts[name].first(order_by=[counts["_n"].desc(), counts[name]]))
    return table.left_join(usual, "_key").mutate({name: ibis._["_usual"]}).drop("_usual", "_key", "_key_right")


def _whole(table: ibis.Table, fields: int) -> Rule:
    return Rule("row", f"{fields} cells", table["fields"].cast("string"), table["fields"] != fields)


def _column_rules(table: ibis.Table, dataset: Dataset, names: list[str], features: tuple[str, ...]) -> list[Rule]:
    rules = []
    for name in names:
        column, text, value = dataset.columns[name], table[_text(name)], table[name]
        empty = _empty(text, column)
        if column.role == "id" or name in features:
            rules.append(Rule(name, "present", text, empty))
        rules.append(Rule(name, _expected(column), text, value.isnull() & ~empty))
        if column.min is not None:
            rules.append(Rule(name, f"at least {column.min:g}", text, value < column.min))
        if column.max is not None:
            rules.append(Rule(name, f"at most {column.max:g}", text, value > column.max))
        if column.transform == "log":
            rules.append(Rule(name, "at least 0 for its log", text, value < 0))
    return rules


def _expected(column: Column) -> str:
    return f"one of {', '.join(column.categories)}" if column.categories else f"a {column.type}"


def _repeat_rules(table: ibis.Table, id_name: str, names: list[str]) -> list[Rule]:
    """Among the rows that broke no rule: refuse differing rows of one id, and later identical copies."""
    fine = table["rule"].isnull()
    peers = ibis.window(group_by=[table[id_name], fine])
    contents = [table[name].cast("string").fill_null("") for name in names]
    differ = ibis.or_(*[content.min().over(peers) != content.max().over(peers) for content in contents])
    copy = table["line"] > table["line"].min().over(peers)
    text = table[_text(id_name)]
    return [
        Rule(id_name, "one row an id, this one's rows differ", text, fine & differ),
        Rule(id_name, "one row an id, this is an identical copy", text, fine & copy),
    ]


def _verdict(table: ibis.Table, rules: list[Rule]) -> ibis.Table:
    """Add column, value and rule of the first broken rule, null where none is; an earlier verdict stands."""
    first = {
        part: ibis.cases(*[(rule.broken, getattr(rule, part)) for rule in rules])
        for part in ("column", "value", "rule")
    }
    if "rule" in table.columns:
        first = {part: ibis.coalesce(table[part], now) for part, now in first.items()}
    return table.mutate(first)


def overview(raw: ibis.Table, headers: dict[str, str], dataset: Dataset) -> pd.DataFrame:
    """Return one row a matched column: its header, role, type, and how many cells are filled and distinct."""
    counts = raw.agg(
        {f"{name}_filled": (~_empty(raw[name], dataset.columns[name])).sum() for name in headers}
        | {f"{name}_distinct": raw[name].strip().nunique() for name in headers}
    ).to_pandas()
    rows = [
        {
            "column": name,
            "header": header,
            "role": dataset.columns[name].role,
            "type": "text" if dataset.columns[name].role == "id" else dataset.columns[name].type,
            "filled": int(counts[f"{name}_filled"].iloc[0]),
            "distinct": int(counts[f"{name}_distinct"].iloc[0]),
        }
        for name, header in headers.items()
    ]
    return pd.DataFrame(rows)


def rules_table(account: dict) -> pd.DataFrame:
    """Return how many rows each rule refused, the most frequent first, with the clean rows and the sum."""
    rows = [*account["rules"].items(), ("no rule: clean", account["clean"]), ("rows in", account["rows_in"])]
    return pd.DataFrame(rows, columns=["broken rule", "rows"])


def changes_table(account: dict, dataset: Dataset) -> pd.DataFrame:
    """Return how many cells of each descriptor and feature were mended and are missing."""
    names = dataset.named("feature", "descriptor")
    cells = {"mended": account["mended"], "missing": account["missing"]}
    columns = {what: [counts.get(name, 0) for name in names] for what, counts in cells.items()}
    return pd.DataFrame({"column": [dataset.label(name) for name in names], **columns})


def far_values(customers: pd.DataFrame, dataset: Dataset, numbers: list[str]) -> list[str]:
    """Say for each column how many customers lie beyond 1.5 interquartile ranges of the middle half (Tukey 1977)."""
    tells = []
    for name in numbers:
        low, high = customers[name].quantile([0.25, 0.75])
        reach = 1.5 * (high - low)
        far = int(((customers[name] < low - reach) | (customers[name] > high + reach)).sum())
        tells.append(f"{escape(dataset.label(name))} has {count(far, 'value')} far from the rest")
    return tells
