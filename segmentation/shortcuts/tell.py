"""What is said of rules of thumb and of short questionnaires."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import pandas as pd

from segmentation.core import privacy
from segmentation.core.dataset import Dataset
from segmentation.core.privacy import about
from segmentation.core.text import escape
from segmentation.evidence.decision import NEARLY_SAME
from segmentation.language import mark, tr, trc, trn
from segmentation.language.writing import decimal, fixed, listing, parted, percent, sentence, told_unit, whole
from segmentation.runs.artifacts import SUFFICIENT, ShortForm
from segmentation.runs.records import Rules
from segmentation.shortcuts.rules import FOLDS

SHORTCUT_CAPTIONS = {
    "matter": mark("What each feature adds: the agreement lost without it, and how far the segments differ in it."),
    "questions": mark("The questions that tell most, one more in each row, and whom they place rightly."),
}
SHORTCUT_HEADS: dict[str, tuple[str, Callable]] = {  # a column, what stands over it, how it is written
    "loss": (mark("lost without it"), decimal),
    "between": (mark("between the segments"), percent),
    "right": (mark("placed rightly"), percent),
    "agree": (mark("share in that segment"), percent),
}


def caption(table: str) -> str:
    """Return what stands over a table, a key of `SHORTCUT_CAPTIONS`."""
    return tr(SHORTCUT_CAPTIONS[table])


def formats() -> dict:
    """Return how the columns are written, by the heads that a reader sees."""
    return {tr(head): form for head, form in SHORTCUT_HEADS.values()}


def _headed(name: str) -> str:
    return tr(SHORTCUT_HEADS[name][0])


def rules_table(rules: Rules, names: Mapping[int, str], dataset: Dataset) -> pd.DataFrame:
    """Return one row a rule: segment, name, rule, customers, and the share of these that are in the segment.

    When the table is private, customers are counted in tens and the share is left out: beside the sizes of the segments
    they would tell of fewer than ten.
    """
    table = {
        trc("head", "segment"): [leaf.segment for leaf in rules.leaves],
        trc("head", "name"): [names[leaf.segment] for leaf in rules.leaves],
        trc("head", "rule"): [_tell_leaf(leaf.bounds, dataset) for leaf in rules.leaves],
        trc("head", "customers"): [
            privacy.in_tens(leaf.customers) if dataset.private else leaf.customers for leaf in rules.leaves
        ],
    }
    share = {} if dataset.private else {_headed("agree"): [leaf.right / leaf.customers for leaf in rules.leaves]}
    return pd.DataFrame(table | share)


def _tell_leaf(bounds: Mapping[str, tuple], dataset: Dataset) -> str:
    told = filter(None, (_tell_bounds(dataset, feature, bound) for feature, bound in bounds.items()))
    return parted(told) or tr("every customer")


def _tell_bounds(dataset: Dataset, feature: str, bounds: tuple[float | None, float | None]) -> str:
    """Say between which bounds a feature of a rule lies; "" of none."""
    column, label, (above, up_to) = dataset.columns[feature], dataset.label(feature), bounds
    if above is None and up_to is None:
        return ""
    if column.type == "yes/no":
        return tr("{feature} no", feature=label) if above is None else tr("{feature} yes", feature=label)
    low, high = (bound is not None and _tell_bound(bound, feature, dataset) for bound in bounds)
    unit = f" {told_unit(column.unit)}" if column.unit and not column.levels else ""
    if low and high:
        return tr("{feature} above {low} and up to {high}", feature=label, low=low, high=f"{high}{unit}")
    if low:
        return tr("{feature} above {low}", feature=label, low=f"{low}{unit}")
    return tr("{feature} up to {high}", feature=label, high=f"{high}{unit}")


def _tell_bound(bound: float, feature: str, dataset: Dataset) -> str:
    """Return a bound with all of its digits, because others divide other customers; of a level its word."""
    if dataset.columns[feature].levels:
        return dataset.one(feature, bound)
    exponent = Decimal(repr(bound)).normalize().as_tuple().exponent
    return dataset.as_told(feature, bound, fixed(bound, max(0, -int(exponent))))


def rules(rules: Rules, names: Mapping[int, str]) -> str:
    """Say how well the rules repeat the segments, on these customers and on others, and which segment has none."""
    ruled = {leaf.segment for leaf in rules.leaves}
    without = [name for segment, name in names.items() if segment not in ruled]
    told = [fidelity(rules)]
    if rules.private:
        share = about(rules.cross_validated, rules.customers)
        told.append(
            tr(
                "Grown without the customers that they are asked about ({folds}-fold cross-validation), about {share}. "
                "Customers are counted in tens.",
                share=share,
                folds=whole(FOLDS),
            )
        )
    else:
        told.append(
            tr(
                "Grown without the customers that they are asked about ({folds}-fold cross-validation), {share}.",
                share=percent(rules.cross_validated, 1),
                folds=whole(FOLDS),
            )
        )
    if without:
        told.append(tr("There is no rule for: {segments}.", segments=listing(map(escape, without))))
    return " ".join(told)


def fidelity(rules: Rules) -> str:
    """Say how many customers get the same segment from the rules."""
    told = {"customers": whole(rules.customers)}
    if rules.private:
        given = trn(
            "{n} rule: {right} of {customers} customers get their segment.",
            "{n} rules: {right} of {customers} customers get their segment.",
            len(rules.leaves),
            right=privacy.most_of(rules.right, rules.customers),
            **told,
        )
    else:
        given = trn(
            "{n} rule: {right} of {customers} customers ({share}) get their segment.",
            "{n} rules: {right} of {customers} customers ({share}) get their segment.",
            len(rules.leaves),
            right=whole(rules.right),
            share=percent(rules.right / rules.customers, 1),
            **told,
        )
    return sentence(given)


def questions_table(forms: Sequence[ShortForm], dataset: Dataset) -> pd.DataFrame:
    """Return one row a question: which, after how many, and the share placed rightly by it and those above it."""
    rows = [(len(form.features), dataset.label(form.features[-1]), form.right) for form in forms]
    heads = [trc("head", "questions"), trc("head", "the next question"), _headed("right")]
    return pd.DataFrame(rows, columns=heads)


def questions(forms: Sequence[ShortForm], asked: int, dataset: Dataset) -> str:
    """Say how few questions place 90% and 95% of the customers rightly, or that no few do."""
    if not forms:
        return "" if asked > 1 else tr("There is one question alone, which no shorter form can leave out.")
    reached: dict[int, list[str]] = {}
    for level in SUFFICIENT:
        enough = (n for n, form in enumerate(forms) if form.right >= level)
        reached.setdefault(next(enough, -1), []).append(percent(level))
    return " ".join(_tell_form(forms, n, levels, asked, dataset) for n, levels in reached.items())


def _tell_form(forms: Sequence[ShortForm], at: int, levels: list[str], asked: int, dataset: Dataset) -> str:
    """Say which form places so many rightly; of none, how far they get."""
    found, most = forms[at], percent(max(form.right for form in forms))
    n = len(found.features)
    if at < 0:
        return trn(
            "One question alone does not place {share} of customers rightly; the most is {most}.",
            "No form of up to {n} questions places {share} of customers rightly; the most is {most}.",
            n,
            share=levels[0],
            most=most,
        )
    which = listing(escape(dataset.label(name)) for name in found.features)
    return sentence(
        trn(
            "{n} question of {asked} ({which}) places {shares} of customers rightly.",
            "{n} questions of {asked} ({which}) place {shares} of customers rightly.",
            n,
            asked=whole(asked),
            which=which,
            shares=listing(levels),
        )
    )


def matter_table(found: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Return what each feature adds, under the heads that a reader sees."""
    heads = {"feature": trc("head", "feature"), "loss": _headed("loss"), "between": _headed("between")}
    return found.assign(feature=found["feature"].map(dataset.label)).drop(columns="noise").rename(columns=heads)


def which_matter(found: pd.DataFrame, dataset: Dataset) -> str:
    """Say on which feature the segments hang most, and which only add noise."""
    if found.empty:
        return ""
    first, noise = found.iloc[0], found[found["noise"]]["feature"]
    loss = decimal(first["loss"])
    if first["loss"] <= 1 - NEARLY_SAME:
        told = tr("Without any one feature nearly the same segments are drawn (at most {loss} is lost).", loss=loss)
    else:
        label = escape(dataset.label(first["feature"]))
        told = tr("Most is lost without {feature} ({loss}).", feature=label, loss=loss)
    if noise.empty:
        return told
    only = trn(
        "{features} only adds noise: the segments are alike in it, and nearly the same without it.",
        "{features} only add noise: the segments are alike in them, and nearly the same without each.",
        len(noise),
        features=listing(escape(dataset.label(name)) for name in noise),
    )
    return f"{told} {only}"
