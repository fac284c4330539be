"""What is said of the rows, of the columns before any segment is formed, and of who published the table."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import combinations
from math import isnan

import ibis
import numpy as np
import pandas as pd

from segmentation.core import files, privacy
from segmentation.core.dataset import Dataset
from segmentation.core.files import sha256
from segmentation.core.text import CLEAR, WEAK, escape, plain_unit
from segmentation.customers import exploring
from segmentation.customers.cleaning import FEWEST, SKETCH, Fingerprint, fingerprint, matching_rows
from segmentation.customers.counts import Grouping
from segmentation.customers.customers import Customers
from segmentation.language import mark, tr, trn
from segmentation.language.writing import NONE, listing, percent, ranging, sentence, shares, signed, whole
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
        told.append(tr("It was read as {encoding}; ENCODING= names another.", encoding=encoding))
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
    found = tr("**Nobody has described this table**, so that roles were assumed: {roles}.", roles="; ".join(used))
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
            "{one} and {other} are nearly copies ({r}): what they measure counts twice; FEATURES leaves one out; both "
            "were kept.",
            one=one,
            other=other,
            r=_tell_r(r, dataset, two),
        )
    return tr(
        "{one} and {other} are nearly copies ({r}): the one tells what the other does; both were kept.",
        one=one,
        other=other,
        r=_tell_r(r, dataset, two),
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
        told = np.where(privacy.withheld(np.array(counts)), hides, told).tolist()
        rows = runs_tell.rows_in(account, privacy.counted)
    what = [*names, tr("no rule: clean"), tr("rows in")]
    return pd.DataFrame({tr("broken rule"): what, tr("rows"): [*told, whole(account.clean), rows]})


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


def forming(customers: Customers, features: tuple[str, ...]) -> str:
    """Say which columns form the segments, and which describe them."""
    rest = [name for name in customers.columns if name not in features]
    few = [name for name, n in customers.filled(rest).items() if n < customers.least]
    formed, described, left = (
        listing(escape(customers.dataset.label(name)) for name in names)
        for names in (features, [name for name in rest if name not in few], few)
    )
    told = tr("The segments will be formed by {features}; nothing else will describe them.", features=formed)
    if described:
        told = tr(
            "The segments will be formed by {features}; {descriptors} will describe them.",
            features=formed,
            descriptors=described,
        )
    if not few:
        return told
    if customers.private:
        gone = tr("Left out, because fewer than 10 customers have a value: {columns}.", columns=left)
    else:
        gone = tr("Left out, because nobody has a value: {columns}.", columns=left)
    return f"{told} {gone}"


def percentile_table(percentiles: pd.DataFrame, dataset: Dataset, names: list[str]) -> pd.DataFrame:
    """Return percentiles, one row a column of these names that has any, as text."""
    forms = [dataset.axis(name).form for name in exploring.with_percentiles(dataset, names)]
    rows = [[*map(form, own)] for form, own in zip(forms, percentiles.to_numpy(), strict=True)]
    heads = [tr("median") if head == "median" else percent(float(head[:-1]) / 100) for head in percentiles]
    return pd.DataFrame(rows, percentiles.index.rename(tr("column")), heads)


def percentiles(customers: Customers) -> str:
    """Say what the table of percentiles shows."""
    return trn("Percentiles of {n} customer, by column.", "Percentiles of {n} customers, by column.", customers.number)


def distributions(customers: Customers, names: Sequence[str]) -> str:
    """Say of each amount where the middle half of the customers lies, and how skewed it is; "" of none."""
    names = exploring.amounts_of(customers.dataset, names)
    if not names:
        return ""
    told = [_tell_distribution(customers, name) for name in names[: exploring.MOST_PANELS]]
    told += [_left_out()] if customers.private else []
    return " ".join([*told, *first_drawn(len(names)), privacy.tell_quantiles(private=customers.private)])


def first_drawn(n: int) -> list[str]:
    """Say that the first of so many columns are drawn, where not all are."""
    told = tr("The first {drawn} of {n} columns are drawn.", drawn=whole(exploring.MOST_PANELS), n=whole(n))
    return [told] if n > exploring.MOST_PANELS else []


def answers(customers: Customers, names: Sequence[str]) -> str:
    """Say of each item how many say yes, or where the middle half of the ratings lies; "" of none."""
    names = exploring.items_of(customers.dataset, names)
    told = [_tell_distribution(customers, name) for name in names]
    rated = exploring.with_percentiles(customers.dataset, names)
    return " ".join([*told, *([_left_out()] if customers.private and rated else [])])


def _left_out() -> str:
    """Say that counts leave out groups."""
    return f"{sentence(tr(privacy.TENS))}."


def tiles(customers: Customers, by: str | None = None) -> str:
    """Say what stands for the customers where these are not drawn one by one; starts with a blank."""
    if exploring.in_points(customers):
        return ""
    return f" {privacy.tell_densities(private=customers.private, grouped=by is not None)}"


def _tell_distribution(customers: Customers, name: str) -> str:
    dataset = customers.dataset
    label, levels = escape(dataset.label(name)), dataset.columns[name].levels  # between two levels lies nothing
    if dataset.columns[name].type == "yes/no":
        return tr("**{column}**: {share}.", column=label, share=_tell_yes(customers, name))
    ends = exploring.quantiles(customers, name, [0.25, 0.5, 0.75]).iloc[0][[0.25, 0.5, 0.75]]
    form, (low, middle, high) = partial(dataset.one if levels else dataset.amount, name), ends // 1 if levels else ends
    if customers.limits([name]).loc[name, ["low", "high"]].nunique() == 1:
        return tr("**{column}** is {value} for every customer.", column=label, value=dataset.one(name, middle))
    half = tr(
        "**{column}**: half of the customers lie between {low} and {high} (median {median}).",
        column=label,
        low=form(low),
        high=dataset.one(name, high),
        median=form(middle),
    )
    return f"{half} {_tell_skew(customers, name)}"


def _tell_skew(customers: Customers, name: str) -> str:
    skew, transform = customers.skew(name), customers.dataset.columns[name].transform
    number = signed(skew, 2 - customers.private)
    told = {
        "none": tr("skewness {number}", number=number),
        "log": tr("skewness {number} on the log scale", number=number),
        "yeo-johnson": tr("skewness {number} on the Yeo-Johnson scale", number=number),
    }[transform]
    if abs(skew) < CLEAR:
        return tr("The distribution is hardly skewed ({skewness}).", skewness=told)
    if skew > 0:
        return tr("The distribution is skewed to the high side ({skewness}).", skewness=told)
    return tr("The distribution is skewed to the low side ({skewness}).", skewness=told)


def _tell_yes(customers: Customers, name: str) -> str:
    """Return the share of yes; where fewer than ten say the one or the other, and rows are private, that alone."""
    share, filled = customers.mean([name])[name], int(customers.filled([name])[name])
    yes = round(share * filled)
    if 0 < yes < customers.least:
        return tr("fewer than 10 customers have yes")
    if 0 < filled - yes < customers.least:
        return tr("fewer than 10 customers have no")
    if customers.private:
        return tr("{share} yes", share=privacy.about(share, filled))
    return customers.dataset.amount(name, share)


def categories(customers: Customers, names: list[str]) -> str:
    """Say for each column how the customers divide among its categories, and which of these are hidden."""
    counted = customers.private and any(len(exploring.public_categories(customers, name)) for name in names)
    how = [tr("Counts are rounded down to tens.")] if counted else []
    told = [_tell_categories(customers, name) for name in names[: exploring.MOST_PANELS]]
    return " ".join([*told, *how, *first_drawn(len(names))])


def _tell_categories(customers: Customers, name: str) -> str:
    counts, shown = exploring.by_size(customers.counts(name)), exploring.public_categories(customers, name)
    told = dict(zip(counts.index, shares(counts), strict=True))
    share = "" if customers.private else " ({})"  # of a count in tens it would be another one than the cards have
    parts = listing(f"{escape(category)} {whole(n)}{share.format(told[category])}" for category, n in shown.items())
    label, known = escape(customers.dataset.label(name)), int(counts.sum())
    if not parts:
        return tr(
            "**{column}**: groups of fewer than 10, and others that would give these away, are hidden.",
            column=label,
        )
    some = tr("**{column}**: {parts}.", column=label, parts=parts)
    if known < customers.number:
        who = privacy.some(known, customers.number, private=customers.private)
        some = tr("**{column}**: {parts} of {n} who are known.", column=label, parts=parts, n=who)
    return some if len(shown) == len(counts) else f"{some} {_hidden()}"


def _hidden() -> str:
    return f"{sentence(tr(privacy.HIDDEN))}."


def strength(r: float, names: Sequence[str], dataset: Dataset) -> str:
    """Say in words how strong the linear correlation of two columns is; NaN where one does not vary."""
    one, other = (escape(dataset.label(name)) for name in names)
    if isnan(r):
        return tr("{one} and {other} cannot be correlated, because one of them does not vary.", one=one, other=other)
    how = _tell_r(r, dataset, names)
    if abs(r) < WEAK:
        return tr("{one} and {other} are hardly correlated ({r}).", one=one, other=other, r=how)
    if abs(r) < CLEAR and r > 0:
        return tr("{one} and {other} are weakly correlated in the same direction ({r}).", one=one, other=other, r=how)
    if abs(r) < CLEAR:
        return tr("{one} and {other} are weakly correlated in opposite directions ({r}).", one=one, other=other, r=how)
    if r > 0:
        return tr("{one} and {other} are clearly correlated in the same direction ({r}).", one=one, other=other, r=how)
    return tr("{one} and {other} are clearly correlated in opposite directions ({r}).", one=one, other=other, r=how)


def _tell_r(r: float, dataset: Dataset, names: Iterable[str]) -> str:
    """Return a correlation, and that it is of the scales on which segments see these columns, where one has another."""
    if all(dataset.columns[name].transform == "none" for name in names):
        return tr("r = {number}", number=signed(r))
    return tr("r = {number} on the scales on which segments are formed", number=signed(r))


def relation(customers: Customers, correlation: pd.DataFrame, names: Sequence[str]) -> str:
    """Say how strong the linear correlation of the first two of these columns is; nothing of less than two."""
    if len(names) < 2:
        return ""
    dataset, own = customers.dataset, correlation.loc[[*names], [*names]]
    two = exploring.amounts_of(dataset, names)[:2]
    if len(two) == 2:
        return f"{strength(own.loc[two[0], two[1]], two, dataset)}{tiles(customers)}"
    *strongest, r = exploring.strongest_pair(own)
    undrawn = tr("Answers are not drawn in pairs, which are few points on a grid.")
    return f"{strength(r, strongest, dataset)} {undrawn}"


def pairs(customers: Customers, correlation: pd.DataFrame, features: Sequence[str]) -> str:
    """Say which columns are drawn in pairs, which two are linked most, and what is left out; "" of no further pair."""
    dataset = customers.dataset
    drawn = exploring.further_pairs(correlation, dataset, features)
    if not drawn:
        return ""
    own = exploring.among_amounts(correlation, dataset)
    *two, r = exploring.strongest_pair(own)
    told = [strength(r, two, dataset)]
    if len(own) > 2:
        told.append(tr("No two other columns are linked more closely."))
    shown = len(exploring.most_linked(correlation, dataset))
    if shown < len(own):
        told.append(
            tr(
                "Drawn are the {shown} numeric columns of {all} with the strongest links.",
                shown=whole(shown),
                all=whole(len(own)),
            )
        )
    if len(own) < len(correlation):
        told.append(tr("Answers are not drawn in pairs, which are few points on a grid."))
    return f"{' '.join(told)}{tiles(customers)}"


def correlation(correlation: pd.DataFrame, dataset: Dataset) -> str:
    """Say how many pairs of columns are clearly correlated; "" of a single pair, which is told by itself."""
    if len(correlation) < 3:
        return ""
    label = {name: escape(dataset.label(name)) for name in correlation}
    linked = [pair for pair in combinations(correlation, 2) if abs(correlation.loc[pair]) >= CLEAR]
    plain = all(dataset.columns[name].transform == "none" for name in correlation)
    scale = tr("Linear (Pearson) correlations.")
    if not plain:
        scale = tr("Linear (Pearson) correlations on the scales on which segments are formed.")
    if not linked:
        return f"{scale} {tr('No pair is clearly correlated.')}"
    listed = listing(tr("{one} with {other}", one=label[a], other=label[b]) for a, b in linked)
    clear = trn(
        "{n} pair is clearly correlated: {pairs}.",
        "{n} pairs are clearly correlated: {pairs}.",
        len(linked),
        pairs=listed,
    )
    return f"{scale} {sentence(clear)}"


def groups(customers: Customers, groups: dict[str, Grouping], name: str) -> str:
    """Say for each way to group the customers in which group the median of column `name` is highest and lowest."""
    if not exploring.with_percentiles(customers.dataset, [name]):
        return tr(
            "**{column}** is yes or no and has no median by which to compare groups.",
            column=escape(customers.dataset.label(name)),
        )
    told = [_tell_groups(customers, by, way, name) for by, way in groups.items()]
    drawn = any(not customers.private or exploring.group_medians(customers, name, w).count() for w in groups.values())
    beside = [privacy.tell_quantiles(private=customers.private)] if drawn else []
    return " ".join([*told, *beside])


def _tell_groups(customers: Customers, by: str, way: Grouping, name: str) -> str:
    """Say between which groups the median ranges; of those that are not shown only that they are left out."""
    every, private = exploring.group_medians(customers, name, way), customers.private
    medians, by = every.dropna().rename(index=escape), escape(by)
    if medians.empty and private:
        return f"{tr('By {grouping} nothing is drawn.', grouping=by)} {_hidden()}"
    if medians.empty:
        return tr("By {grouping} nothing is compared: each of its groups is under 10.", grouping=by)
    if len(medians) < 2 and private:
        return tr("By {grouping} nothing is compared: only one of its groups is shown.", grouping=by)
    if len(medians) < 2:
        return tr(
            "By {grouping} nothing is compared: only one of its groups has 10 customers or more.",
            grouping=by,
        )
    told = tell_medians(customers, by, medians, name)
    if len(medians) == len(every):
        return told
    if private:
        return f"{told} {_hidden()}"
    return f"{told} {tr('Groups under 10 are drawn, but not compared.')}"


def tell_medians(customers: Customers, by: str, medians: pd.Series, name: str) -> str:
    """Say from which group to which the median of a column runs."""
    label = escape(customers.dataset.label(name))
    ends = ranging(medians, medians.map(partial(customers.dataset.measured, name)))
    if not ends:
        return tr("By {grouping}, the median of {column} does not differ.", grouping=by, column=label)
    return tr("By {grouping}, the median of {column} runs from {ends}.", grouping=by, column=label, ends=ends)


def differences(
    customers: Customers, features: tuple[str, ...], correlation: pd.DataFrame, groups: dict[str, Grouping]
) -> str:
    """Return the answer of the second chapter: how the customers differ, by the strongest link and grouping."""
    who = trn("{n} customer", "{n} customers", customers.number)
    what = trn("{n} feature", "{n} features", len(features))
    told = [tr("**{customers} differ in {features}.**", customers=sentence(who), features=what)]
    told += [_strongest_link(correlation, customers.dataset)] if len(correlation) > 1 else []
    told += [_strongest_grouping(customers, groups, features[-1])] if groups else []
    told.append(tr("What looks like groups in the figures is only an impression; the next chapter measures it."))
    return " ".join(filter(None, told))


def _strongest_link(correlation: pd.DataFrame, dataset: Dataset) -> str:
    *two, r = exploring.strongest_pair(correlation)
    if abs(r) >= WEAK or len(correlation) == 2:
        return strength(r, two, dataset)
    return tr("No two of their numbers are more than hardly correlated.")


def _strongest_grouping(customers: Customers, groups: dict[str, Grouping], name: str) -> str:
    """Say by which column the medians of a feature differ most, or that they hardly do; "" where none are compared."""
    if not exploring.with_percentiles(customers.dataset, [name]):
        return ""
    low, high = exploring.quantiles(customers, name, [0.25, 0.75]).iloc[0][[0.25, 0.75]]
    compared = {by: exploring.group_medians(customers, name, way).dropna() for by, way in groups.items()}
    apart = {by: np.ptp(own) / (high - low) for by, own in compared.items() if len(own) > 1 and high > low}
    if not apart:
        return ""
    by = max(apart, key=lambda grouping: apart[grouping])
    if apart[by] < CLEAR:
        label = escape(customers.dataset.label(name))
        return tr("By no descriptor does the median of {column} differ much.", column=label)
    return tell_medians(customers, escape(by), compared[by].rename(index=escape), name)


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
    reference = files.ROOT / "data" / name / source.path
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
        shown = "; ".join(listed)
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
