"""What every row and cell must be, as Ibis expressions, so that any engine can check them in one pass."""

from dataclasses import dataclass

import ibis

from segmentation.dataset import Column, Dataset
from segmentation.errors import DataError
from segmentation.numbers import BLANKS, Convention, find_conventions, tell_undecided, to_number

MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-")
SUM = (
    r"(?:grand[ -]?|sub[ -]?)?totals?|totale|totaal|totalt|gesamtsumme|gesamtergebnis|summe|gesamt|insgesamt|suma|somme"
    r"|итого|всего|合計|总计|合计"
)
SUMMARY = rf"^(?:{SUM}|sum|count|average|mean|durchschnitt|mittelwert|moyenne|media)"
BEHIND_SUM = (  # "Total", "Total general", "Total: 200 customers", "Totals (n=200)"
    r"(?:[\W\d_]+(?:general|général|generale|of all|all|[^\W\d_]{1,3})?[\W\d_]*|[\W_]*\d[\W\d_]*[^\W\d_]*)?$"
)
FEWEST_TO_ADD_UP = 10
YES = ("yes", "y", "true", "t", "1", "ja", "j", "oui", "si", "sí")
NO = ("no", "n", "false", "f", "0", "nein", "non")
COPY = "one row an id, this is an identical copy"
TOTAL = "a customer, not a total"


@dataclass(frozen=True)
class Rule:
    """What every row must satisfy: where `broken` holds, the row is refused and `value` is shown."""

    column: str
    rule: str
    value: ibis.Value
    broken: ibis.Value


def conventions_of(
    raw: ibis.Table, dataset: Dataset, names: list[str], headers: dict, *, file: str, known: dict | None = None
) -> dict[str, Convention]:
    """Find how the numbers of each column of a raw table are written (`find_conventions`)."""
    columns = {name: dataset.columns[name] for name in names}
    units = {name: c.unit for name, c in columns.items() if c.role != "id" and c.type == "number"}
    typed = frozenset(name for name, header in headers["columns"].items() if header in headers["typed"])
    how = {"typed": typed, "delimiter": headers["delimiter"], "decimal": dataset.decimal}
    found, undecided = find_conventions(raw, units, file=file, known=known or {}, **how)
    if undecided:
        raise DataError(f"{file}: {tell_undecided(undecided)}")
    return found


def check_rows(
    raw: ibis.Table,
    dataset: Dataset,
    names: list[str],
    conventions: dict[str, Convention],
    *,
    features: tuple[str, ...],
    required: tuple[str, ...],
    fields: int,
) -> ibis.Table:
    """Add to each row its values, and column, value and rule of the first rule that it breaks, null where it is fine.

    Parameters
    ----------
    raw : ibis.Table
        row, file, line, fields, and one text column for each of `names`.
    features : tuple of str
        Columns of which at least one may not be empty.
    required : tuple of str
        Columns that may not be empty, besides the id and those that dataset.yaml requires.
    fields : int
        How many cells a whole row has.
    """
    table = _typed(raw, dataset, names, conventions)
    rules = [*_totals(table, dataset, names), _whole(table, fields)]
    rules += _column_rules(table, dataset, names, required, conventions)
    table = judge(table, [*rules, _some_feature(table, features)])
    return judge(table, [_sum_of_others(table, dataset, features)])


def check_repeats(checked: ibis.Table, dataset: Dataset, names: list[str]) -> ibis.Table:
    """Refuse, among the rows that are fine by themselves, those that repeat what must stand once."""
    table = checked
    for id_name in dataset.named("id"):
        table = judge(table, _repeat_rules(table, id_name, names))
    unique = [name for name in names if dataset.columns[name].unique]
    return judge(table, [_unique(table, name) for name in unique]) if unique else table


def _typed(raw: ibis.Table, dataset: Dataset, names: list[str], conventions: dict) -> ibis.Table:
    """Add, beside each text `x_text`, its value `x`: a number, a mended category, or null."""
    table = raw.rename({text_name(name): name for name in names})
    values = {name: _value(table[text_name(name)], dataset.columns[name], conventions.get(name)) for name in names}
    table = table.mutate(values)
    for name in names:
        column = dataset.columns[name]
        if column.type == "category" and not column.categories:
            table = _usual_spelling(table, name)
    return table


def _value(text: ibis.Value, column: Column, convention: Convention | None) -> ibis.Value:
    present = is_empty(text, column).ifelse(ibis.null("string"), stripped(text))
    if convention:
        return to_number(present, convention)
    if column.type == "yes/no":
        yes, no = (1.0, 0.0) if column.numeric else ("yes", "no")
        return ibis.cases((present.lower().isin(YES), yes), (present.lower().isin(NO), no))
    if column.categories:
        value = {name: float(i) if column.type == "ordinal" else name for i, name in enumerate(column.categories, 1)}
        pairs = [(key, value[name]) for name, spellings in column.categories.items() for key in (name, *spellings)]
        return ibis.cases(*[(_spelling_key(present) == _folded(key), found) for key, found in pairs])
    return present


def text_name(name: str) -> str:
    """Return the name under which the text of a column is kept; no column of a dataset starts with a line."""
    return f"_text_{name}"


def is_empty(text: ibis.Value, column: Column) -> ibis.Value:
    """Return whether a cell holds nothing; a spelling that dataset.yaml declares is something."""
    declared = {_folded(key) for name, spellings in (column.categories or {}).items() for key in (name, *spellings)}
    return stripped(text).lower().isin([word for word in MISSING if word not in declared])


def stripped(text: ibis.Value) -> ibis.Value:
    """Return a text without blanks around it, those that are no ASCII either."""
    return text.re_replace(f"^{BLANKS}+|{BLANKS}+$", "")


def _spelling_key(text: ibis.Value) -> ibis.Value:
    return text.lower().re_replace(f"{BLANKS}+", " ")


def _folded(text: str) -> str:
    return " ".join(text.lower().split())


def _usual_spelling(table: ibis.Table, name: str) -> ibis.Table:
    """Write every spelling that differs only in case and blanks as the most frequent one."""
    table = table.mutate(_key=_spelling_key(table[name]))
    counts = table.filter(table[name].notnull()).group_by("_key", name).agg(_n=ibis._.count())
    usual = counts.group_by("_key").agg(_usual=counts[name].first(order_by=[counts["_n"].desc(), counts[name]]))
    return table.left_join(usual, "_key").mutate({name: ibis._["_usual"]}).drop("_usual", "_key", "_key_right")


def _totals(table: ibis.Table, dataset: Dataset, names: list[str]) -> list[Rule]:
    """Refuse a line of totals below the customers: "Total" for an id, or, where there is none, for a category."""
    ids = [name for name in dataset.named("id") if name in names]
    columns = {name: dataset.columns[name] for name in names}
    texts = ids or [name for name, column in columns.items() if column.type == "category" and not column.categories]
    words = SUMMARY if ids else f"^(?:{SUM})"
    rules = []
    for name in texts:
        text = table[text_name(name)]
        # A category that stands in several rows is one of the table's own words.
        alone = ibis.literal(True) if ids else text.count().over(ibis.window(group_by=text)) == 1
        rules.append(Rule(name, TOTAL, text, is_total(stripped(text).lower(), words) & alone))
    return rules


def _sum_of_others(table: ibis.Table, dataset: Dataset, features: tuple[str, ...]) -> Rule:
    """Refuse a row whose features are the sums of all other rows, whatever it is called."""
    numbers = [name for name in features if dataset.columns[name].type == "number"]
    fine = ibis.window(group_by=table["rule"].isnull())
    sums = {name: table[name].sum().over(fine) for name in numbers}
    adds_up = [((2 * table[n] - total).abs() <= 1e-9 * total.abs()) & (total != 0) for n, total in sums.items()]
    many = table["row"].count().over(fine) >= FEWEST_TO_ADD_UP
    broken = ibis.and_(many, table["rule"].isnull(), *adds_up) if adds_up else ibis.literal(False)
    return Rule("row", TOTAL, table["row"].cast("string"), broken)


def is_total(text: ibis.Value, words: str = SUMMARY) -> ibis.Value:
    """Return whether a text says that its row adds up others."""
    return text.re_search(words + BEHIND_SUM)


def _some_feature(table: ibis.Table, features: tuple[str, ...]) -> Rule:
    """Refuse a customer of whom every feature would have to be invented."""
    empty = ibis.and_(*[table[name].isnull() for name in features])
    return Rule(features[0], "a value in one feature", table[text_name(features[0])], empty)


def _whole(table: ibis.Table, fields: int) -> Rule:
    return Rule("row", f"{fields} cells", table["fields"].cast("string"), table["fields"] != fields)


def _column_rules(
    table: ibis.Table, dataset: Dataset, names: list[str], required: tuple[str, ...], conventions: dict
) -> list[Rule]:
    rules = []
    for name in names:
        column, text, value = dataset.columns[name], table[text_name(name)], table[name]
        empty = is_empty(text, column)
        if name in required or column.required or column.role == "id":
            rules.append(Rule(name, "present", text, empty))
        rules.append(Rule(name, _expected(column, conventions.get(name)), text, value.isnull() & ~empty))
        if column.min is not None:
            rules.append(Rule(name, f"at least {column.min:g}", text, value < column.min))
        if column.max is not None:
            rules.append(Rule(name, f"at most {column.max:g}", text, value > column.max))
        if column.transform == "log":
            rules.append(Rule(name, "at least 0 for its log", text, value < 0))
    return rules


def _expected(column: Column, convention: Convention | None) -> str:
    if column.categories:
        return f"one of {', '.join(column.categories)}"
    return convention.expects() if convention else f"a {column.type}" if column.type != "yes/no" else "yes or no"


def _unique(table: ibis.Table, name: str) -> Rule:
    """Among the rows that broke no rule: refuse all that share a value which should be unique."""
    peers = table[name].count().over(ibis.window(group_by=[table[name], table["rule"].isnull()]))
    return Rule(name, "unique", table[text_name(name)], table["rule"].isnull() & table[name].notnull() & (peers > 1))


def _repeat_rules(table: ibis.Table, id_name: str, names: list[str]) -> list[Rule]:
    """Among the rows that broke no rule: refuse differing rows of one id, and later identical copies."""
    fine = table["rule"].isnull()
    peers = ibis.window(group_by=[table[id_name], fine])
    contents = [table[name].cast("string").fill_null("") for name in names]
    differ = ibis.or_(*[content.min().over(peers) != content.max().over(peers) for content in contents])
    copy = table["row"] > table["row"].min().over(peers)
    text = table[text_name(id_name)]
    return [
        Rule(id_name, "one row an id, this one's rows differ", text, fine & differ),
        Rule(id_name, COPY, text, fine & copy),
    ]


def judge(table: ibis.Table, rules: list[Rule]) -> ibis.Table:
    """Add column, value and rule of the first broken rule, null where none is; an earlier verdict stands."""
    first = {
        part: ibis.cases(*[(rule.broken, getattr(rule, part)) for rule in rules])
        for part in ("column", "value", "rule")
    }
    if "rule" in table.columns:
        first = {part: ibis.coalesce(table[part], now) for part, now in first.items()}
    return table.mutate(first)
