"""What every row and cell must be, and what stands more than once, as Ibis expressions that any engine can check."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import partial

import ibis
import pandas as pd

from segmentation.core.dataset import Column, Dataset
from segmentation.core.engine import all_of, any_of, double, held, kept, kept_like
from segmentation.core.text import ANSWERS, FEWEST_TO_ADD_UP, MISSING, NO, SUM, YES, answers
from segmentation.customers.counts import is_total
from segmentation.customers.refused import PARTS, REFUSED, Rule, judge, of_each_cell, repeated, times, without
from segmentation.language.kept import Rule as Expected
from segmentation.tables.dates import ISO, time_to
from segmentation.tables.number_formats import BLANKS, Convention, text_of, to_number

MOST_REPLACED, JOINED = 100, "_joined_"
MOST_COUNTED = 1_000  # of the texts of a column, to tell what its words for missing mean
NO_CUSTOMER = f"id: {Expected.PRESENT}"  # the rule of a purchase without a customer


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
    rules = [*_totals(raw, table, dataset, names), _whole(table, fields)]
    rules += _column_rules(table, dataset, names, required, conventions)
    rules += [_some_feature(table, features, covered=not {*features}.isdisjoint(required))]
    table = kept_like(raw, judge(table, rules))
    return judge(table, [_sum_of_others(table, dataset, features)])


def part_rows(checked: ibis.Table, dataset: Dataset, names: list[str]) -> tuple[ibis.Table, ibis.Table]:
    """Part the rows that are fine from those that break a rule by themselves, or repeat what must stand once.

    What stands more than once in any row is found first, which needs no rule, and only those rows are compared.

    Returns
    -------
    fine : ibis.Table
        In the order of `checked`, with its columns.
    rejected : ibis.Table
        file, line, column, value and rule, in the order of the file.
    """
    several = _repeated(checked, dataset, names)
    doubted = any_of([checked["_broken"], *(checked[name].isin(t[name]) for name, t in several.items())])
    suspects = kept(checked.filter(doubted), ordered=False)
    rejected = suspects.filter(suspects["rule"].notnull()).select("row", *REFUSED)
    repeats = _find_repeats(suspects, several, dataset, names)
    rejected = kept((rejected if repeats is None else ibis.union(rejected, repeats)).order_by("file", "line", "row"))
    return without(checked, rejected), rejected.select(*REFUSED)


def _find_repeats(suspects: ibis.Table, several: dict, dataset: Dataset, names: list[str]) -> ibis.Table | None:
    """Return row, file, line, column, value and rule of the rows that repeat what must stand once; None without any."""
    fine, found = suspects.filter(suspects["rule"].isnull()).drop(*PARTS, "_broken"), []
    for name, twice in several.items():
        peers, is_id = fine.semi_join(twice, name), name in dataset.named("id")
        judged = judge(peers, _repeat_rules(peers, name, names) if is_id else [_unique(peers, name)])
        refused = kept(judged.filter(judged["rule"].notnull()).select("row", *REFUSED))
        if int(refused.count().execute()):
            found.append(refused)
            fine = fine.anti_join(refused, "row")
    return ibis.union(*found) if len(found) > 1 else found[0] if found else None


def _repeated(checked: ibis.Table, dataset: Dataset, names: list[str]) -> dict[str, ibis.Table]:
    """Return what stands more than once of the id and of each column that should be unique, where anything does."""
    unique = [name for name in names if dataset.columns[name].unique]
    found = {name: repeated(checked, name) for name in (*dataset.named("id"), *unique)}
    return {name: table for name, table in found.items() if int(table.count().execute())}


def _typed(raw: ibis.Table, dataset: Dataset, names: list[str], conventions: dict) -> ibis.Table:
    """Add, beside the text of each cell, its value: a number, a mended category, or null."""
    said = answers_in(raw, dataset, names)
    free = [name for name in names if is_free(dataset, name)]
    usual = usual_spellings(raw, free, dataset, said)
    listed = {name: found for name, found in usual.items() if len(found) > MOST_REPLACED}
    table = _beside(raw.rename({cell_name(name): name for name in names}), listed)
    values, empty = {}, {}
    for name in names:
        cell, column = table[cell_name(name)], dataset.columns[name]
        if name in usual:
            values[name] = _looked_up(table, name) if name in listed else _respelt(cell, usual[name])
        else:
            values[name] = value_of(cell, column, conventions.get(name), dataset)
        empty[name] = values[name].isnull() if name in usual else is_empty(cell, column)
        if f"_odd_{name}" in table.columns:
            empty[name] &= is_empty(table[f"_odd_{name}"], column)
    own = [table[name] for name in table.columns if not name.startswith(JOINED)]
    return table.select(*own, **values, **{empty_name(name): found for name, found in empty.items()})


def text_in(table: ibis.Table, name: str) -> ibis.Value:
    """Return what the cells of a column say: written out where it is asked for, because most rows are fine."""
    text = text_of(table[cell_name(name)]).fill_null("")
    return ibis.coalesce(table[f"_odd_{name}"], text) if f"_odd_{name}" in table.columns else text


def is_free(dataset: Dataset, name: str) -> bool:
    """Return whether a column holds categories that dataset.yaml does not list."""
    return dataset.columns[name].type == "category" and not dataset.columns[name].categories


def value_of(cell: ibis.Value, column: Column, convention: Convention | None, dataset: Dataset) -> ibis.Value:
    """Return what a cell says: a number, an answer, a category; null where it is empty or no such thing."""
    if convention:
        return to_number(cell if cell.type().is_numeric() else _present(cell, column), convention)
    if column.role == "id" and cell.type().is_integer():
        return cell
    present = _present(cell.cast("string").fill_null(""), column)
    if column.type == "date":
        return time_to(dataset.as_of, present, column.date_format, years=column.unit == "years")
    if column.type == "yes/no":
        yes, no = (double(1), double(0)) if column.numeric else ("yes", "no")
        return ibis.cases((present.lower().isin(YES), yes), (present.lower().isin(NO), no))
    if column.categories:
        value = {name: double(i) if column.type == "ordinal" else name for i, name in enumerate(column.categories, 1)}
        pairs = [(key, value[name]) for name, spellings in column.categories.items() for key in (name, *spellings)]
        return ibis.cases(*[(_spelling_key(present) == _folded(key), found) for key, found in pairs])
    return present


def _present(text: ibis.Value, column: Column, said: Collection[str] | None = None) -> ibis.Value:
    """Return a text without blanks around it, null where it says that there is none."""
    return is_empty(text, column, said).ifelse(ibis.null("string"), stripped(text))


def cell_name(name: str) -> str:
    """Return the name under which the cells of a column are kept as read; no column of a dataset starts with a line."""
    return f"_cell_{name}"


def empty_name(name: str) -> str:
    """Return the name under which it is kept whether the cell of a column holds nothing."""
    return f"_empty_{name}"


def is_empty(cell: ibis.Value, column: Column, said: Collection[str] | None = None) -> ibis.Value:
    """Return whether a cell holds nothing; a spelling that dataset.yaml declares is something, and a word in `said`."""
    if cell.type().is_numeric():
        return cell.isnull() | (cell.isnan() if cell.type().is_floating() else False)
    return stripped(cell.cast("string").fill_null("")).lower().isin(_missing_words(column, said))


def _missing_words(column: Column, said: Collection[str] | None) -> list[str]:
    declared = {_folded(key) for name, spellings in (column.categories or {}).items() for key in (name, *spellings)}
    declared.update(said or ())
    return [word for word in MISSING if word not in declared]


def stripped(text: ibis.Value) -> ibis.Value:
    """Return a text without blanks around it, those that are no ASCII either."""
    return text.re_replace(f"^{BLANKS}+|{BLANKS}+$", "")


def _spelling_key(text: ibis.Value) -> ibis.Value:
    return text.lower().re_replace(f"{BLANKS}+", " ")


def _folded(text: str) -> str:
    return " ".join(text.lower().split())


def answers_in(raw: ibis.Table, dataset: Dataset, names: Collection[str]) -> dict[str, set[str]]:
    """Return of columns of free categories the words for missing that are categories (`core.text.answers`).

    A word that stands for a missing number in the same table is none.
    """
    hits = {name: words for name, words in _counted(raw, dataset, names, ANSWERS).items() if len(words)}
    free = [name for name in hits if is_free(dataset, name)]
    numbers = {w for n, words in hits.items() if dataset.columns[n].is_number for w in words["cell"].str.lower()}
    said = {name: answers(dict(most.to_numpy())) for name, most in _counted(raw, dataset, free).items()}
    return {name: {word for word in words if word not in numbers} for name, words in said.items()}


def _counted(raw: ibis.Table, dataset: Dataset, names: Collection[str], words: Collection[str] = ()) -> dict:
    """Return how often each cell of columns of text stands, or each that is one of some words, the most frequent first.

    Of a column of numbers these are the cells that are none; one that never was text is left out.
    """
    texts = {f"_odd_{name}" if f"_odd_{name}" in raw.columns else name: name for name in names}

    def count(cells: ibis.Table) -> ibis.Table:
        told = cells.mutate(cell=stripped(cells["_cell"].fill_null("")))
        told = told.filter(told["cell"].lower().isin([*words])) if words else told
        counts = told.group_by("_column", "cell").agg(n=times(told))
        place = ibis.row_number().over(group_by=counts["_column"], order_by=[counts["n"].desc(), counts["cell"]])
        return counts.mutate(place=place).filter(ibis._["place"] < MOST_COUNTED).order_by("place").drop("place")

    free = [name for name in names if is_free(dataset, name)]
    found = of_each_cell(raw, [text for text in texts if raw[text].type().is_string()], count, free)
    return {texts[text]: counts for text, counts in found.items()}


def taken_for_missing(
    raw: ibis.Table, dataset: Dataset, names: Iterable[str], said: dict[str, set[str]]
) -> dict[str, dict[str, int]]:
    """Return of each column how often each word stands that is taken for missing, the most frequent first."""
    found: dict[str, dict[str, int]] = {name: {} for name in names}
    for name, counts in _counted(raw, dataset, found, [word for word in MISSING if word]).items():
        missing = _missing_words(dataset.columns[name], said.get(name))
        some = counts[counts["cell"].str.lower().isin(missing)]
        found[name] = {str(word): int(n) for word, n in zip(some["cell"], some["n"], strict=True)}
    return found


def usual_spellings(
    raw: ibis.Table, names: list[str], dataset: Dataset, said: dict[str, set[str]]
) -> dict[str, pd.DataFrame]:
    """Return the cells of columns of free categories that are written otherwise than most of their kind.

    Spellings that differ only in case and blanks are one category, and are written as the most frequent one.

    Returns
    -------
    dict of column -> DataFrame
        cell, usual (missing where the cell holds nothing).
    """
    alike = defaultdict(list)  # columns of which the same words mean that nothing is known
    for name in names:
        alike[frozenset(said.get(name, ()))].append(name)
    found: dict[str, pd.DataFrame] = {}
    for words, some in alike.items():
        found |= of_each_cell(raw, some, partial(_usual, column=dataset.columns[some[0]], said=words), names)
    return found


def _usual(cells: ibis.Table, column: Column, said: Collection[str]) -> ibis.Table:
    told = cells.mutate(cell=cells["_cell"].cast("string").fill_null(""))
    told = told.group_by("_column", "cell").agg(n=times(told))
    told = told.mutate(text=_present(told["cell"], column, said)).mutate(key=_spelling_key(ibis._["text"]))
    known = told.filter(told["text"].notnull()).group_by("_column", "key", "text").agg(n=ibis._["n"].sum())
    own = [known["_column"], known["key"]]
    place = ibis.row_number().over(group_by=own, order_by=[known["n"].desc(), known["text"]])
    usual = known.mutate(place=place).filter(ibis._["place"] == 0).select("_column", "key", usual="text")
    found = told.left_join(usual, ["_column", "key"]).select("_column", "cell", "usual")
    changed = found["usual"].isnull() | (found["usual"] != found["cell"])
    return found.filter(changed & (found["cell"] != "")).order_by("cell")


def _beside(table: ibis.Table, listed: dict[str, pd.DataFrame]) -> ibis.Table:
    """Join the usual spellings of columns that have too many to be compared one by one."""
    for name, usual in listed.items():
        found = held({f"{JOINED}cell_{name}": usual["cell"].tolist(), f"{JOINED}usual_{name}": _nullable(usual)})
        table = table.left_join(found, _said(table[cell_name(name)]) == found[f"{JOINED}cell_{name}"])
    return table


def _looked_up(table: ibis.Table, name: str) -> ibis.Value:
    usual, text = table[f"{JOINED}usual_{name}"], _said(table[cell_name(name)])
    return table[f"{JOINED}cell_{name}"].notnull().ifelse(usual, text)


def _respelt(cell: ibis.Value, usual: pd.DataFrame) -> ibis.Value:
    """Return categories in their usual spelling; a cell that is not listed is written so already."""
    return _said(cell).substitute(dict(zip(usual["cell"], _nullable(usual), strict=True)))


def _said(cell: ibis.Value) -> ibis.Value:
    return cell.cast("string").nullif("")


def _nullable(usual: pd.DataFrame) -> list[str | None]:
    return [text if isinstance(text, str) else None for text in usual["usual"]]


def _totals(raw: ibis.Table, table: ibis.Table, dataset: Dataset, names: list[str]) -> list[Rule]:
    """Refuse a line of totals below the customers: "Total" for an id, or, where there is none, for a category."""
    ids = [name for name in dataset.named("id") if name in names]
    rules, free = [], [name for name in names if is_free(dataset, name) and raw[name].type().is_string()]
    single = {} if ids else {n: sorted(own["cell"]) for n, own in of_each_cell(raw, free, _single_totals, free).items()}
    for name in ids or free:
        if raw[name].type().is_string():
            text = text_in(table, name)
            broken = is_total(stripped(text).lower()) if ids else text.isin(single[name])
            rules.append(Rule(name, Expected.TOTAL, text, broken))
    return rules


def _single_totals(cells: ibis.Table) -> ibis.Table:
    """Return the cells that say total and stand in one row; what stands in several is one of the table's own words."""
    counts = cells.group_by("_column", cell="_cell").agg(n=times(cells))
    named = is_total(stripped(counts["cell"]).lower(), f"^(?:{SUM})")
    return counts.filter(named & (counts["n"] == 1)).drop("n")


def _sum_of_others(table: ibis.Table, dataset: Dataset, features: tuple[str, ...]) -> Rule:
    """Refuse a row whose features are the sums of all other rows, whatever it is called."""
    numbers = [name for name in features if dataset.columns[name].is_number]
    fine = table.filter(~table["_broken"])
    sums = fine.agg(_rows=fine.count(), **{name: fine[name].sum() for name in numbers}).to_pandas().iloc[0]
    adds_up = [
        (table[name] + table[name] - double(sums[name])).abs() <= double(1e-9 * abs(sums[name]))
        for name in numbers
        if pd.notna(sums[name]) and sums[name]
    ]
    enough = sums["_rows"] >= FEWEST_TO_ADD_UP and len(adds_up) == len(numbers) > 0
    broken = all_of([~table["_broken"], *adds_up]) if enough else ibis.literal(False)
    return Rule("row", Expected.TOTAL, table["row"].cast("string"), broken)


def _some_feature(table: ibis.Table, features: tuple[str, ...], *, covered: bool) -> Rule:
    """Refuse a customer of whom every feature would have to be invented."""
    empty = all_of(table[name].isnull() for name in features)
    return Rule(features[0], Expected.SOME_FEATURE, text_in(table, features[0]), empty, covered)


def _whole(table: ibis.Table, fields: int) -> Rule:
    return Rule("row", Expected.CELLS.format(n=fields), table["fields"].cast("string"), table["fields"] != fields)


def _column_rules(
    table: ibis.Table, dataset: Dataset, names: list[str], required: tuple[str, ...], conventions: dict
) -> list[Rule]:
    rules = []
    for name in names:
        column, text, value = dataset.columns[name], text_in(table, name), table[name]
        empty, needed = table[empty_name(name)], name in required or column.required or column.role == "id"
        if needed:  # what is empty has no value
            rules.append(Rule(name, Expected.PRESENT, text, empty, covered=True))
        if needed or not is_free(dataset, name):  # any other text is a category
            unread = value.isnull() if needed else value.isnull() & ~empty
            rules.append(Rule(name, _expected(column, conventions.get(name)), text, unread))
        if column.min is not None:
            rules.append(Rule(name, Expected.AT_LEAST.format(least=f"{column.min:g}"), text, value < column.min))
        if column.max is not None:
            rules.append(Rule(name, Expected.AT_MOST.format(most=f"{column.max:g}"), text, value > column.max))
        if column.type == "date":
            rules.append(Rule(name, Expected.UNTIL.format(day=dataset.as_of, key="as_of"), text, value < 0))
        if column.type == "rating":
            rules.append(Rule(name, Expected.A_WHOLE_NUMBER, text, value != value.floor()))
        if column.transform == "log":
            rules.append(Rule(name, Expected.FOR_LOG, text, value < 0))
    return rules


def _expected(column: Column, convention: Convention | None) -> str:
    if column.categories:
        return Expected.ONE_OF.format(categories=", ".join(column.categories))
    date = Expected.A_DATE.format(written=column.date_format or ISO)
    what = {"yes/no": Expected.YES_OR_NO, "date": date}.get(column.type, Expected.A_CATEGORY)
    return convention.expects() if convention else what


def _unique(peers: ibis.Table, name: str) -> Rule:
    """Refuse all rows that share a value which should be unique."""
    several = peers["row"].count().over(ibis.window(group_by=peers[name])) > 1
    return Rule(name, Expected.UNIQUE, text_in(peers, name), several)


def _repeat_rules(peers: ibis.Table, id_name: str, names: list[str]) -> list[Rule]:
    """Refuse differing rows of one id, and later identical copies."""
    own = ibis.window(group_by=peers[id_name])
    contents = [peers[name].cast("string").fill_null("") for name in names]
    differ = any_of(content.min().over(own) != content.max().over(own) for content in contents)
    copy = peers["row"] > peers["row"].min().over(own)
    text = text_in(peers, id_name)
    return [Rule(id_name, Expected.DIFFER, text, differ), Rule(id_name, Expected.COPY, text, copy)]
