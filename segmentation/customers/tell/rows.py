"""What is said of the rows and columns of a table, and of who published it."""

from collections.abc import Iterable
from functools import partial
from itertools import combinations

import ibis
import numpy as np
import pandas as pd

from segmentation.core import files, privacy
from segmentation.core.dataset import Dataset
from segmentation.core.errors import AT_HOME, as_option
from segmentation.core.files import sha256
from segmentation.core.text import escape, plain_unit
from segmentation.customers.cleaning import FEWEST, SKETCH, Fingerprint, fingerprint, matching_rows
from segmentation.customers.customers import Customers
from segmentation.language import mark, tr, trn
from segmentation.language.kept import Rule
from segmentation.language.writing import NONE, listing, parted, percent, sentence, signed, whole
from segmentation.runs import tell as runs_tell
from segmentation.runs.records import Account
from segmentation.runs.run import Run
from segmentation.tables.number_formats import Convention, conventions_of
from segmentation.tables.read import read_table
from segmentation.tables.sources import RawSource, locate

NEARLY_COPY = 0.95
MOST_LOST = 0.001  # the limit that the benchmark of the sample keeps
FEWEST_ALIKE = 6  # of 64, where one in 256 is alike by chance
CHANGES_SHOWN = 5
CLEANING_CAPTIONS = {  # over each table
    "columns": mark(
        "How each column was found: its name in dataset.yaml, its header, its role, and how many of its cells are "
        "filled and distinct."
    ),
    "rules": mark("How many rows each rule refused; a row counts once, at the first rule it breaks."),
    "changes": mark("Cells respelt, missing and imputed among the clean rows, of each column that has any."),
}
TYPES = {  # of what a column holds
    "text": mark("text"),
    "number": mark("number"),
    "rating": mark("rating"),
    "category": mark("category"),
    "ordinal": mark("ordinal"),
    "yes/no": mark("yes/no"),
    "date": mark("date"),
}


def cleaning_caption(table: str) -> str:
    """Return what stands over a table of the first chapter."""
    return tr(CLEANING_CAPTIONS[table])


def sample(customers: Customers) -> str:
    """Say on what the segments are formed when not on all customers; empty when they are."""
    if not customers.sampled:
        return ""
    return tr(
        "The segments are formed on {sampled} of the {all} customers, those whose ids have the smallest hash: inertia, "
        "criteria, tests and what other choices draw rest on these, or on fewer where it is said; sizes, shares, "
        "centres, percentiles, correlations and rules are those of all. On generated customers the inertia of segments "
        "that K-Means formed so was over all rows at most {lost} above that of a fit to all of them.",
        sampled=whole(len(customers.sample)),
        all=whole(customers.number),
        lost=percent(MOST_LOST, 1),
    )


def reading(headers: dict, conventions: dict[str, Convention], dataset: Dataset) -> str:
    """Say what had to be understood to read the table: its encoding, titles, decimal commas, units in cells."""
    told, above, beside = [], headers["above"], headers["beside"]
    if encoding := headers["encoding"]:
        option = as_option("encoding", by=AT_HOME)
        told.append(tr("It was read as {encoding}; {option} names another.", encoding=encoding, option=option))
    if above:
        told.append(
            sentence(
                trn(
                    "One line above the column names was left out.",
                    "{n} lines above the column names were left out.",
                    above,
                )
            )
        )
    if beside:
        told.append(
            sentence(
                trn("One note beside the table was left out.", "{n} notes beside the table were left out.", beside)
            )
        )
    conventions = {name: how for name, how in conventions.items() if dataset.columns[name].role != "ignore"}
    commas = [escape(dataset.label(name)) for name, how in conventions.items() if how.comma]
    if commas:
        told.append(tr("Written with a decimal comma: {columns}.", columns=listing(commas)))
    around = {name: set(how.around) - {plain_unit(dataset.columns[name].unit)} for name, how in conventions.items()}
    units = [
        tr("{unit} in {column}", unit=escape(" ".join(sorted(marks))), column=escape(dataset.label(name)))
        for name, marks in around.items()
        if marks
    ]
    if units:
        told.append(tr("Accepted around the digits: {units}.", units=listing(units)))
    return " ".join(told)


def roles(run: Run, ignored: list[str], *, assumed: bool) -> str:
    """Say which roles were assumed when nobody has described the table, with the reasons, and what was set aside."""
    columns = [(escape(label), role, escape(why)) for label, role, why in runs_tell.roles(run.dataset, run.features)]
    unused = tr(runs_tell.ROLES["ignore"])
    aside = [f"{label} ({why})" if why else label for label, role, why in columns if role == unused]
    aside += [escape(header) for header in ignored]
    told = tr("Set aside: {columns}.", columns=listing(aside)) if aside else tr("No column was set aside.")
    if not assumed:
        return told
    used = [
        tr("{column} as {role} ({reason})", column=label, role=role, reason=why)
        for label, role, why in columns
        if role != unused
    ]
    found = tr("**Nobody has described this table**, so that roles were assumed: {roles}.", roles=parted(used))
    return f"{found} {told}"


def idle(customers: Customers, features: tuple[str, ...]) -> str:
    """Say which columns tell nothing, because they hold nothing or one value, and which features are nearly copies."""
    told, dataset = [], customers.dataset
    filled = customers.filled(customers.columns)
    numbers = [name for name in customers.columns if dataset.columns[name].numeric]
    limits = customers.limits(numbers)
    for name in customers.columns:
        label, texts = escape(dataset.label(name)), name not in numbers
        varies = filled[name] and limits["high"].get(name, 0) > limits["low"].get(name, 0)
        distinct = customers.sample[name].nunique() if texts else 1 + varies
        if not filled[name]:
            told.append(tr("{column} is empty and divides nobody.", column=label))
        elif distinct < 2:
            told.append(tr("{column} is the same for every customer and divides nobody.", column=label))
        elif texts and distinct == customers.sample[name].count() > FEWEST:
            told.append(tr("{column} is another text for every customer and describes no group.", column=label))
    correlation = customers.correlation(numbers)
    linked = [two for two in combinations(numbers, 2) if abs(correlation.loc[two]) > NEARLY_COPY]
    told += [_tell_copies(two, correlation.loc[two], dataset, formed={*two} <= {*features}) for two in linked]
    return " ".join(told)


def _tell_copies(two: tuple[str, str], r: float, dataset: Dataset, *, formed: bool) -> str:
    one, other = (escape(dataset.label(name)) for name in two)
    if formed:
        return tr(
            "{one} and {other} are nearly copies ({r}): what they measure counts twice; {option} leaves one out; both "
            "were kept.",
            option=as_option("features", by=AT_HOME).rstrip("="),
            one=one,
            other=other,
            r=tell_r(r, dataset, two),
        )
    return tr(
        "{one} and {other} are nearly copies ({r}): the one tells what the other does; both were kept.",
        one=one,
        other=other,
        r=tell_r(r, dataset, two),
    )


def columns_table(columns: pd.DataFrame, dataset: Dataset) -> tuple[pd.DataFrame, dict]:
    """Return what each column is as text, and which columns of this table are numbers: where rows are private in tens.

    Parameters
    ----------
    columns : what `overview` found
    """
    form = filled_formats(dataset)
    told = {
        tr("column"): columns["column"],
        tr("header"): columns["header"],
        tr("role"): [tr(runs_tell.ROLES[role]) for role in columns["role"]],
        tr("type"): [tr(TYPES.get(kind, kind)) for kind in columns["type"]],
        tr("filled"): columns["filled"].map(form["filled"]),
        tr("distinct"): columns["distinct"].map(form["distinct"], na_action="ignore").fillna(NONE),
    }
    if "taken_for_missing" in columns:
        told[tr("taken for missing")] = columns["taken_for_missing"].map(form["taken_for_missing"])
    return pd.DataFrame(told), dict.fromkeys([*told][4:], str)


def filled_formats(dataset: Dataset) -> dict:
    """Return how filled, distinct and missing cells are written: where rows are private in tens, few as that alone."""
    nearly = tr(privacy.NEARLY)
    form = lambda n: nearly if n == privacy.NEARLY else privacy.tens(n, private=dataset.private)  # noqa: E731
    distinct = {"distinct": lambda n: whole(n) if n in range(privacy.SMALLEST_GROUP) else form(n)}
    words = lambda found: listing(f"{tr('“{name}”', name=word)} {form(n)}" for word, n in found.items()) or NONE  # noqa: E731
    return {"filled": form, "taken_for_missing": words} | distinct


def broken_rules(account: Account, dataset: Dataset) -> pd.DataFrame | None:
    """Return how many rows each rule refused, the most frequent first, and are clean; None of none."""
    if not account.rules:
        return None
    names, counts = [runs_tell.tell_rule(rule, dataset) for rule in account.rules], [*account.rules.values()]
    told, rows = [*map(whole, counts)], whole(account.rows_in)
    if dataset.private:
        hides = [privacy.counted(n) if n < privacy.SMALLEST_GROUP else tr(privacy.NOT_SHOWN) for n in counts]
        told = np.where(_withheld(account), hides, told).tolist()
        rows = runs_tell.rows_in(account, privacy.counted)
    what = [*names, tr("no rule: clean"), tr("rows in")]
    return pd.DataFrame({tr("broken rule"): what, tr("rows"): [*told, whole(account.clean), rows]})


def _withheld(account: Account) -> np.ndarray:
    """Return which rules hide how many they refused: all that are refused are told, and apart from them all copies."""
    counts = np.array([*account.rules.values()])
    copies = np.array([rule.endswith(f": {Rule.COPY}") for rule in account.rules])
    hidden = np.zeros(len(counts), bool)
    for kind in filter(np.any, (copies, ~copies)):
        hidden[kind] = privacy.withheld(counts[kind])
    return hidden


def changes(account: Account, dataset: Dataset) -> str:
    """Say that no cell was mended, is missing or was imputed, where that is so; "" where `changes_table` tells more."""
    some = changes_table(account, dataset) is not None
    return "" if some else tr("No cell was respelt, none is missing and none was imputed.")


def changes_table(account: Account, dataset: Dataset) -> pd.DataFrame | None:
    """Return how many cells of each column were mended, are missing and imputed, where any were; None where none."""
    form = partial(privacy.counted, private=dataset.private)
    missing = partial(privacy.nearly_all, total=account.clean, private=dataset.private)
    kinds = (
        (tr("respelt"), account.mended, form),
        (tr("missing"), account.missing, missing),
        (tr("imputed"), account.imputed, form),
    )
    used = dataset.named("feature", "descriptor")
    names = [name for name in used if any(counts.get(name) for _, counts, _ in kinds)]
    cells = {
        head: [told(counts.get(name, 0)) for name in names]
        for head, counts, told in kinds
        if any(counts.get(name) for name in names)
    }
    return pd.DataFrame({tr("column"): [*map(dataset.label, names)], **cells}) if names else None


def far_values(customers: Customers, numbers: list[str]) -> str:
    """Say on each scale which columns hold values far from the middle half, and how many."""
    columns = customers.dataset.columns
    far = {name: _number_far(customers, name) for name in numbers if columns[name].is_amount}
    some = {name: n for name, n in far.items() if n >= max(1, customers.least)}

    def listed(transform: str) -> str:
        on = [name for name in some if columns[name].transform == transform]
        return listing(f"{escape(customers.dataset.label(name))} ({whole(some[name])})" for name in on)

    plain, logged, bent = map(listed, ("none", "log", "yeo-johnson"))
    told = [
        tr("Values far from the rest: {columns}.", columns=plain) if plain else "",
        tr("Values far from the rest on the log scale: {columns}.", columns=logged) if logged else "",
        tr("Values far from the rest on the Yeo-Johnson scale: {columns}.", columns=bent) if bent else "",
    ]
    if not far or (len(some) == len(far) or (some and not customers.private)):
        return " ".join(filter(None, told))
    if not customers.private:
        return tr("No value lies far from the rest of its column.")
    return " ".join([*filter(None, told), _few_far(bool(some))])


def _few_far(others: bool) -> str:
    if others:
        return tr("Of every other column fewer than 10 values lie so far.")
    return tr("Of no column 10 values or more lie far from the rest.")


def _number_far(customers: Customers, name: str) -> int:
    fences = customers.fences(name)
    return customers.beyond(name, *fences) if fences else 0


def tell_r(r: float, dataset: Dataset, names: Iterable[str]) -> str:
    """Return a correlation, and that it is of the scales on which segments see these columns, where one has another."""
    if all(dataset.columns[name].transform == "none" for name in names):
        return tr("r = {number}", number=signed(r))
    return tr("r = {number} on the scales on which segments are formed", number=signed(r))


def size_of_table(raw: ibis.Table, headers: dict, source: RawSource, dataset: Dataset) -> str:
    """Say how many rows, but where these are private, as the clean ones are told, and columns the raw table has."""
    file, columns = escape(source.name), trn("{n} column", "{n} columns", headers["fields"])
    if dataset.private:
        return tr("The table {file} has {columns}.", file=file, columns=columns)
    rows = trn("{n} row", "{n} rows", int(raw.count().execute()))
    return tr("The table {file} has {rows} and {columns}.", file=file, rows=rows, columns=columns)


def published(found: Fingerprint, dataset: Dataset, name: str) -> str:
    """Say whether a table is the published one, an altered copy (and where it differs), or another one.

    Returns
    -------
    str
        Empty when dataset.yaml knows no published table.
    """
    source = dataset.source
    if source is None or source.fingerprint is None:
        return ""
    if found.whole == source.fingerprint:
        return tr("This is the published table.")
    if not found.sketch:
        return ""  # a large table is compared by its files
    if not source.sketch:
        return tr("This is not the published table; whether it is an altered copy of it is not known.")
    alike = sum(a == b for a, b in zip(bytes.fromhex(found.sketch), bytes.fromhex(source.sketch), strict=True))
    if alike < FEWEST_ALIKE:
        return tr("This is another table than the published one.")
    reference = files.found(f"data/{name}/{source.path}")
    if not reference.is_file() or sha256(reference) != source.sha256:
        return tr(
            "This is an altered copy of the published table: about {share} of the rows of the two are the same. Which "
            "cells differ could be told with the published file at hand.",
            share=percent(alike / SKETCH),
        )
    return " ".join([tr("This is an altered copy of the published table."), *_tell_changes(found, reference, dataset)])


def _tell_changes(found: Fingerprint, reference, dataset: Dataset) -> list[str]:
    cells, names = found.cells, [column for column in dataset.columns if column in found.cells]
    raw, headers = read_table(locate("DATA", str(reference), dataset.encoding), dataset, wanted=tuple(names))
    published = fingerprint(raw, dataset, conventions_of(raw, dataset, names, headers, file=reference.name)).cells
    pairs = matching_rows(cells[names], published[names], *dataset.named("id"))
    changed = [(row, other, name) for row, other in pairs for name in names
               if cells.at[row, name] != published.at[other, name]]  # fmt: skip
    listed = [_tell_cell(cells, published, *place, dataset) for place in changed[:CHANGES_SHOWN]]
    if more := len(changed) - len(listed):
        listed.append(trn("one more", "{n} more", more))
    told, lost, new = [tr("No cell is changed.")], len(published) - len(pairs), len(cells) - len(pairs)
    if changed:
        shown = parted(listed)
        told = [trn("{n} cell is changed: {cells}.", "{n} cells are changed: {cells}.", len(changed), cells=shown)]
    told += [trn("{n} row is missing.", "{n} rows are missing.", lost)] if lost else []
    told += [trn("{n} row is added.", "{n} rows are added.", new)] if new else []
    return [*map(sentence, told)]


def _tell_cell(mine: pd.DataFrame, theirs: pd.DataFrame, row: int, other: int, name: str, dataset: Dataset) -> str:
    place = {"column": escape(dataset.label(name)), "row": whole(row + 1)}
    if dataset.private:
        return tr("{column} in row {row}", **place)
    now, then = (escape(cells.at[at, name] or tr("empty")) for cells, at in ((mine, row), (theirs, other)))
    return tr("{column} in row {row} is {value}, published as {published}", **place, value=now, published=then)
