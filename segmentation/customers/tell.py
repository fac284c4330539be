"""What is said of the rows, of the columns before any segment is formed, and of who published the table."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import combinations

import ibis
import numpy as np
import pandas as pd

from segmentation.core import files, privacy, text
from segmentation.core.dataset import Dataset
from segmentation.core.files import sha256
from segmentation.core.text import count, escape, plain_unit
from segmentation.customers import exploring
from segmentation.customers.cleaning import FEWEST, SKETCH, Fingerprint, fingerprint, matching_rows
from segmentation.customers.counts import Grouping
from segmentation.customers.customers import Customers
from segmentation.language import writing
from segmentation.language.writing import decimal, listing, percent, ranging, sentence, shares
from segmentation.runs import tell as runs_tell
from segmentation.runs.records import Account
from segmentation.runs.run import Run
from segmentation.tables.number_formats import Convention, conventions_of
from segmentation.tables.read import read_table
from segmentation.tables.sources import RawSource, locate

account, trust = runs_tell.account, runs_tell.trust  # what chapter 01 says
NEARLY_COPY = 0.95
MOST_LOST = 0.001  # the limit that the benchmark of the sample keeps
FEWEST_ALIKE = 6  # of 64, where one in 256 is alike by chance
CHANGES_SHOWN = 5
CLEANING_CAPTIONS = {  # over each table
    "columns": "How each column was found: its name in dataset.yaml, its header, its role, and how many of its cells "
    "are filled and distinct.",
    "rules": "How many rows each rule refused; a row counts once, at the first rule it breaks.",
    "changes": "Cells respelt, missing and imputed among the clean rows.",
}


def sample(customers: Customers) -> str:
    """Say on what the segments are formed when not on all customers; empty when they are."""
    if not customers.sampled:
        return ""
    return (
        f"The segments are formed on {len(customers.sample):,} of the {customers.number:,} customers, those whose ids "
        "have the smallest hash: inertia, criteria, tests and what other choices draw rest on these, or on fewer where "
        "it is said; sizes, shares, centres, percentiles, correlations and rules are those of all. On generated "
        f"customers the inertia of segments that K-Means formed so was over all rows at most {percent(MOST_LOST, 1)} "
        "above that of a fit to all of them."
    )


def reading(headers: dict, conventions: dict[str, Convention], dataset: Dataset) -> str:
    """Say what had to be understood to read the table: its encoding, titles, decimal commas, units in cells."""
    told = []
    if headers["encoding"]:
        told.append(f"It was read as {headers['encoding']}; ENCODING= names another.")
    left = ("above", "line", "above the column names"), ("beside", "note", "beside the table")
    for key, what, where in left:
        if n := headers[key]:
            told.append(f"{sentence(count(n, what))} {where} {text.was(n)} left out.")
    conventions = {name: how for name, how in conventions.items() if dataset.columns[name].role != "ignore"}
    commas = [escape(dataset.label(name)) for name, how in conventions.items() if how.comma]
    if commas:
        told.append(f"Written with a decimal comma: {listing(commas)}.")
    around = {name: set(how.around) - {plain_unit(dataset.columns[name].unit)} for name, how in conventions.items()}
    units = [
        f"{escape(' '.join(sorted(marks)))} in {escape(dataset.label(name))}" for name, marks in around.items() if marks
    ]
    if units:
        told.append(f"Accepted around the digits: {listing(units)}.")
    return " ".join(told)


def roles(run: Run, ignored: list[str], *, assumed: bool) -> str:
    """Say which roles were assumed when nobody has described the table, with the reasons, and what was set aside."""
    columns = [(escape(label), role, escape(why)) for label, role, why in runs_tell.roles(run.dataset, run.features)]
    aside = [f"{label} ({why})" if why else label for label, role, why in columns if role == "ignore"]
    aside += [escape(header) for header in ignored]
    told = f"Set aside: {listing(aside)}." if aside else "No column was set aside."
    if not assumed:
        return told
    roles = [f"{label} is {_article(role)} ({why})" for label, role, why in columns if role != "ignore"]
    return f"**Nobody has described this table**, so that roles were assumed: {'; '.join(roles)}. {told}"


def _article(role: str) -> str:
    return f"{'an' if role == 'id' else 'a'} {role}"


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
        if not filled[name] or distinct < 2:
            what = "the same for every customer" if filled[name] else "empty"
            told.append(f"{label} is {what} and divides nobody.")
        elif texts and distinct == customers.sample[name].count() > FEWEST:
            told.append(f"{label} is another text for every customer and describes no group.")
    correlation = customers.correlation(numbers)
    for one, other in combinations(numbers, 2):
        r = correlation.loc[one, other]
        if abs(r) > NEARLY_COPY:
            why = "the one tells what the other does"
            if {one, other} <= set(features):
                why = "what they measure counts twice; FEATURES leaves one out"
            pair = f"{escape(dataset.label(one))} and {escape(dataset.label(other))}"
            told.append(f"{pair} are nearly copies (r = {decimal(r)}): {why}; both were kept.")
    return " ".join(told)


def filled_formats(dataset: Dataset) -> dict:
    """Return how filled, distinct and missing cells are written: where rows are private in tens, few as that alone."""
    form = lambda n: n if n == privacy.NEARLY else privacy.tens(n, private=dataset.private)  # noqa: E731
    distinct = {"distinct": lambda n: writing.whole(n) if n in range(privacy.SMALLEST_GROUP) else form(n)}
    words = lambda found: ", ".join(f"“{word}” {form(n)}" for word, n in found.items()) or writing.NONE  # noqa: E731
    return {"filled": form, "taken_for_missing": words} | distinct


def missing_formats(account: Account, dataset: Dataset) -> dict:
    """Return how cells are written: where rows are private, fewer than ten, and all but these, as that alone."""
    form = partial(privacy.counted, private=dataset.private)
    missing = partial(privacy.nearly_all, total=account.clean, private=dataset.private)
    return {"respelt": form, "missing": missing, "imputed": form}


def broken_rules(account: Account, dataset: Dataset) -> pd.DataFrame:
    """Return how many rows each rule refused, the most frequent first, with the clean rows and the sum."""
    names, counts = [runs_tell.tell_rule(rule, dataset) for rule in account.rules], [*account.rules.values()]
    told: list = [*counts, account.clean, account.rows_in]
    if dataset.private and counts:
        hides = [privacy.counted(n) if n < privacy.SMALLEST_GROUP else privacy.NOT_SHOWN for n in counts]
        shown = np.where(privacy.withheld(np.array(counts)), hides, [*map(writing.whole, counts)]).tolist()
        told = [*shown, writing.whole(account.clean), runs_tell.rows_in(account, privacy.counted)]
    return pd.DataFrame({"broken rule": [*names, "no rule: clean", "rows in"], "rows": told})


def changes_table(account: Account, dataset: Dataset) -> pd.DataFrame:
    """Return how many cells of each descriptor and feature were mended and are missing."""
    names = dataset.named("feature", "descriptor")
    cells = {"respelt": account.mended, "missing": account.missing, "imputed": account.imputed}
    columns = {what: [counts.get(name, 0) for name in names] for what, counts in cells.items()}
    return pd.DataFrame({"column": [dataset.label(name) for name in names], **columns})


def far_values(customers: Customers, numbers: list[str]) -> str:
    """Say for each column how many customers lie far from the middle half."""
    columns, what = customers.dataset.columns, count(len(numbers), "numeric column")
    far = {name: _number_far(customers, name) for name in numbers if columns[name].is_amount}
    many = {name: privacy.public(n, "value", private=customers.private) for name, n in far.items()}
    told = listing(
        f"{escape(customers.dataset.label(name))} has {how} far from the rest{columns[name].on_scale}"
        for name, how in many.items()
    )
    drawn = _left_out(customers) if numbers else ""
    return f"The {what} of {count(customers.number, 'customer')}{f': {told}' if told else ''}.{drawn}"


def _number_far(customers: Customers, name: str) -> int:
    fences = customers.fences(name)
    return customers.beyond(name, *fences) if fences else 0


def forming(customers: Customers, features: tuple[str, ...]) -> str:
    """Say which columns form the segments, and which describe them."""
    rest = [name for name in customers.columns if name not in features]
    few = [name for name, n in customers.filled(rest).items() if n < customers.least]
    formed, told, left = (
        listing(escape(customers.dataset.label(name)) for name in names)
        for names in (features, [name for name in rest if name not in few], few)
    )
    who = f"{privacy.FEWER} customers have" if customers.private else "nobody has"
    gone = f" Left out, because {who} a value: {left}." if few else ""
    return f"The segments will be formed by {formed}; {told or 'nothing else'} will describe them.{gone}"


def percentile_table(percentiles: pd.DataFrame, dataset: Dataset, names: list[str]) -> pd.DataFrame:
    """Return percentiles, one row a column of these names that has any, as text."""
    forms = [dataset.axis(name).form for name in exploring.with_percentiles(dataset, names)]
    rows = [[*map(form, own)] for form, own in zip(forms, percentiles.to_numpy(), strict=True)]
    return pd.DataFrame(rows, percentiles.index, percentiles.columns)


def percentiles(customers: Customers) -> str:
    """Say what the table of percentiles shows."""
    return f"Percentiles of {count(customers.number, 'customer')}, by column."


def distributions(customers: Customers, names: Sequence[str]) -> str:
    """Say for each column where the middle half of the customers lies, and how skewed the distribution is."""
    if not names:
        return ""
    dataset, boxes = customers.dataset, privacy.tell_quantiles(private=customers.private)
    told = " ".join(_tell_distribution(customers, name, dataset) for name in names)
    counted = _left_out(customers) if exploring.with_percentiles(dataset, names) else ""
    return f"{told}{counted}{f' {boxes}' if exploring.amounts_of(dataset, names) else ''}"


def _left_out(customers: Customers) -> str:
    """Say that histograms leave out groups, where they do; starts with a blank."""
    return f" {sentence(privacy.TENS)}." if customers.private else ""


def tiles(customers: Customers, by: str | None = None) -> str:
    """Say what stands for the customers where these are not drawn one by one; starts with a blank."""
    if exploring.in_points(customers):
        return ""
    return f" {privacy.tell_densities(private=customers.private, grouped=by is not None)}"


def _tell_distribution(customers: Customers, name: str, dataset: Dataset) -> str:
    label, levels = dataset.label(name), dataset.columns[name].levels  # between two levels lies nothing
    if dataset.columns[name].type == "yes/no":
        return f"**{escape(label)}**: {_tell_yes(customers, name)}."
    ends = exploring.quantiles(customers, name, [0.25, 0.5, 0.75]).iloc[0][[0.25, 0.5, 0.75]]
    form, (low, middle, high) = partial(dataset.one if levels else dataset.amount, name), ends // 1 if levels else ends
    if customers.limits([name]).loc[name, ["low", "high"]].nunique() == 1:
        return f"**{escape(label)}** is {dataset.one(name, middle)} for every customer."
    skew, on, digits = customers.skew(name), dataset.columns[name].on_scale, 2 - customers.private
    lean = "hardly skewed" if abs(skew) < text.CLEAR else f"skewed to the {'high' if skew > 0 else 'low'} side"
    return (
        f"**{escape(label)}**: half of the customers lie between {form(low)} and {dataset.one(name, high)} "
        f"(median {form(middle)}); the distribution is {lean}{on} (skewness {writing.signed(skew, digits)})."
    )


def _tell_yes(customers: Customers, name: str) -> str:
    """Return the share of yes; where fewer than ten say the one or the other, and rows are private, that alone."""
    share, filled = customers.mean([name])[name], int(customers.filled([name])[name])
    yes = round(share * filled)
    few = [word for word, n in (("yes", yes), ("no", filled - yes)) if 0 < n < customers.least]
    if few:
        return f"{privacy.FEWER} customers have {few[0]}"
    return f"{privacy.about(share, filled)} yes" if customers.private else customers.dataset.amount(name, share)


def categories(customers: Customers, names: list[str]) -> str:
    """Say for each column how the customers divide among its categories, and which of these are hidden."""
    counted = customers.private and any(len(exploring.public_categories(customers, name)) for name in names)
    how = ["Counts are rounded down to tens."] if counted else []
    return " ".join([*(_tell_categories(customers, name) for name in names), *how])


def _tell_categories(customers: Customers, name: str) -> str:
    counts, shown = exploring.by_size(customers.counts(name)), exploring.public_categories(customers, name)
    told = dict(zip(counts.index, shares(counts), strict=True))
    share = "" if customers.private else " ({})"  # of a count in tens it would be another one than the cards have
    parts = listing(f"{escape(category)} {n:,}{share.format(told[category])}" for category, n in shown.items())
    hidden = "" if len(shown) == len(counts) else f"; {privacy.HIDDEN}" if parts else privacy.HIDDEN
    known = int(counts.sum())
    who = privacy.some(known, customers.number, private=customers.private)
    of = f" of {who} who are known" if known < customers.number and parts else ""
    return f"**{escape(customers.dataset.label(name))}**: {parts}{of}{hidden}."


def relation(customers: Customers, correlation: pd.DataFrame, names: Sequence[str], *, drawn: bool = True) -> str:
    """Say how strong the linear correlation of the first two of these columns is; nothing of less than two."""
    if len(names) < 2:
        return ""
    dataset, own = customers.dataset, correlation.loc[[*names], [*names]]
    two = exploring.amounts_of(dataset, names)[:2]
    one, other, r = exploring.strongest_pair(own) if len(two) < 2 else (*two, own.loc[two[0], two[1]])
    told = text.strength(r, dataset.label(one), dataset.label(other), _in_units(dataset, (one, other)))
    beside = tiles(customers) if len(two) == 2 else " Answers are not drawn in pairs, which are few points on a grid."
    return f"{told}{beside}" if drawn else told


def _in_units(dataset: Dataset, names: Iterable[str]) -> str:
    """Return, where figures show one of these columns on another scale, that a correlation is not of that scale."""
    return " in original units" if any(dataset.columns[name].transform != "none" for name in names) else ""


def pairs(customers: Customers, correlation: pd.DataFrame) -> str:
    """Say which columns are drawn in pairs, which two are linked most, and what is left out; "" of one column."""
    dataset, every = customers.dataset, len(correlation)
    correlation = exploring.among_amounts(correlation, dataset)
    if len(correlation) < 2:
        return ""
    one, other, r = exploring.strongest_pair(correlation)
    told = text.strength(r, dataset.label(one), dataset.label(other), _in_units(dataset, (one, other)))
    drawn = len(exploring.most_linked(correlation, dataset))
    what = f"numeric columns{' that are no answers' * (len(correlation) < every)}"
    some = f"The {count(drawn, what, what)} of {len(correlation)} with the strongest links, in pairs."
    shown = f"Every pair of {what}." if drawn == len(correlation) else some
    return f"{shown} The strongest link: {told}{tiles(customers)}"


def correlation(correlation: pd.DataFrame, dataset: Dataset) -> str:
    """Say how many pairs of columns are clearly correlated."""
    label = {name: escape(dataset.label(name)) for name in correlation}
    linked = [pair for pair in combinations(correlation, 2) if abs(correlation.loc[pair]) >= text.CLEAR]
    clear = [f"{label[a]} with {label[b]}" for a, b in linked]
    some = f"{count(len(clear), 'pair is', 'pairs are')} clearly correlated{f' ({listing(clear)})' if clear else ''}"
    return f"Linear (Pearson) correlations{_in_units(dataset, correlation)}: {some}."


def groups(customers: Customers, groups: dict[str, Grouping], name: str) -> str:
    """Say for each way to group the customers in which group the median of column `name` is highest and lowest."""
    if not exploring.with_percentiles(customers.dataset, [name]):
        return f"**{escape(customers.dataset.label(name))}** is yes or no and has no median by which to compare groups."
    told = [_tell_groups(customers, by, way, name) for by, way in groups.items()]
    drawn = any(not customers.private or exploring.group_medians(customers, name, w).count() for w in groups.values())
    beside = [privacy.tell_quantiles(private=customers.private)] if drawn else []
    return " ".join([*told, *beside])


def _tell_groups(customers: Customers, by: str, way: Grouping, name: str) -> str:
    """Say between which groups the median ranges; of those that are not shown only that they are left out."""
    every, least = exploring.group_medians(customers, name, way), count(privacy.SMALLEST_GROUP, "customer")
    medians, by, label = every.dropna(), escape(by), customers.dataset.label(name)
    if medians.empty:
        why = f"drawn: {privacy.HIDDEN}" if customers.private else f"compared: each of its groups is {privacy.UNDER}"
        return f"By {by} nothing is {why}."
    shown, gone = f"of {least} or more", "drawn, but not compared"
    shown, gone = ("that are shown", privacy.HIDDEN) if customers.private else (shown, f"the others are {gone}")
    left = f" among its groups {shown}; {gone}" if len(medians) < len(every) else ""
    if len(medians) < 2:
        return f"By {by} nothing is compared: only one of its groups is {shown.replace('that are ', '')}."
    medians = medians.rename(index=escape)
    ends = ranging(medians, medians.map(partial(customers.dataset.measured, name)))
    return f"By {by}, the median {escape(label)} {f'runs from {ends}' if ends else 'does not differ'}{left}."


def differences(
    customers: Customers, features: tuple[str, ...], correlation: pd.DataFrame, groups: dict[str, Grouping]
) -> str:
    """Return the answer of the second chapter: how the customers differ, and what that is worth."""
    last = list(groups.items())[-1:] if exploring.with_percentiles(customers.dataset, features[-1:]) else []
    told = [
        f"**{sentence(count(customers.number, 'customer'))} differ in {count(len(features), 'feature')}.**",
        relation(customers, correlation, features, drawn=False),
        *(_tell_groups(customers, by, way, features[-1]) for by, way in last),
        "What looks like groups in the figures is only an impression; the next chapter measures it.",
    ]
    return " ".join(told)


def size_of_table(raw: ibis.Table, headers: dict, source: RawSource, dataset: Dataset) -> str:
    """Say how many rows, but where these are private, as the clean ones are told, and columns the raw table has."""
    rows = "" if dataset.private else f"{count(int(raw.count().execute()), 'row')} and "
    return f"The table {escape(source.name)} has {rows}{count(headers['fields'], 'column')}."


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
        return "This is the published table."
    if not found.sketch:
        return ""  # a large table is compared by its files
    if not source.sketch:
        return "This is not the published table; whether it is an altered copy of it is not known."
    alike = sum(a == b for a, b in zip(bytes.fromhex(found.sketch), bytes.fromhex(source.sketch), strict=True))
    if alike < FEWEST_ALIKE:
        return "This is another table than the published one."
    reference = files.ROOT / "data" / name / source.path
    if not reference.is_file() or sha256(reference) != source.sha256:
        return (
            f"This is an altered copy of the published table: about {percent(alike / SKETCH)} of the rows of the two "
            "are the same. Which cells differ could be told with the published file at hand."
        )
    return f"This is an altered copy of the published table: {_tell_changes(found.cells, reference, dataset)}"


def _tell_changes(cells: pd.DataFrame, reference, dataset: Dataset) -> str:
    names = [column for column in dataset.columns if column in cells]
    raw, headers = read_table(locate("DATA", str(reference), dataset.encoding), dataset, wanted=tuple(names))
    published = fingerprint(raw, dataset, conventions_of(raw, dataset, names, headers, file=reference.name)).cells
    pairs = matching_rows(cells[names], published[names], *dataset.named("id"))
    changed = [(row, other, name) for row, other in pairs for name in names
               if cells.at[row, name] != published.at[other, name]]  # fmt: skip
    shown = "; ".join(
        f"{escape(dataset.label(name))} of row {row + 1:,}{_tell_cell(cells, published, row, other, name, dataset)}"
        for row, other, name in changed[:CHANGES_SHOWN]
    )
    more = f"; and {len(changed) - CHANGES_SHOWN:,} more" if len(changed) > CHANGES_SHOWN else ""
    lost, new = len(published) - len(pairs), len(cells) - len(pairs)
    rows = [f"{count(n, 'row')} {what}" for n, what in ((lost, "missing"), (new, "added")) if n]
    told = [f"{count(len(changed), 'changed cell')}{f' ({shown}{more})' if shown else ''}", *rows]
    return ", ".join(told) + "."


def _tell_cell(mine: pd.DataFrame, theirs: pd.DataFrame, row: int, other: int, name: str, dataset: Dataset) -> str:
    if dataset.private:
        return ""
    return f" is {escape(mine.at[row, name] or 'empty')}, published as {escape(theirs.at[other, name])}"
