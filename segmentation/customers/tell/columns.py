"""What is said of the clean columns before any segment is formed: how each is spread, and which go together."""

from collections.abc import Sequence
from functools import partial
from itertools import combinations
from math import isnan

import numpy as np
import pandas as pd

from segmentation.core import privacy
from segmentation.core.dataset import Dataset
from segmentation.core.text import CLEAR, WEAK, escape
from segmentation.customers import exploring
from segmentation.customers.counts import Grouping
from segmentation.customers.customers import Customers
from segmentation.customers.tell.rows import tell_r
from segmentation.language import tr, trn
from segmentation.language.writing import listing, percent, ranging, sentence, shares, signed, whole
from segmentation.runs import tell as runs_tell

account, trust = runs_tell.account, runs_tell.trust  # what chapter 01 says


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
    how = tell_r(r, dataset, names)
    if abs(r) < WEAK:
        return tr("{one} and {other} are hardly correlated ({r}).", one=one, other=other, r=how)
    if abs(r) < CLEAR and r > 0:
        return tr("{one} and {other} are weakly correlated in the same direction ({r}).", one=one, other=other, r=how)
    if abs(r) < CLEAR:
        return tr("{one} and {other} are weakly correlated in opposite directions ({r}).", one=one, other=other, r=how)
    if r > 0:
        return tr("{one} and {other} are clearly correlated in the same direction ({r}).", one=one, other=other, r=how)
    return tr("{one} and {other} are clearly correlated in opposite directions ({r}).", one=one, other=other, r=how)


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
