"""What is said of lists of customers, and of what contacting them costs and brings."""

import math
from collections.abc import Mapping
from decimal import Decimal

from segmentation.core import files
from segmentation.core.dataset import Dataset
from segmentation.core.privacy import WHY_NOT
from segmentation.evidence.decision import LEVEL, advice, meaning
from segmentation.language import tr, trc, trn
from segmentation.language.glossary import named
from segmentation.language.writing import (
    amount,
    fixed,
    percent,
    sentence,
    whole,
)
from segmentation.runs.artifacts import Model, Profiles, Selection
from segmentation.runs.run import Run
from segmentation.runs.stages import LISTS, WORKBOOK
from segmentation.runs.tell import headline
from segmentation.segments.names import HIGH, USUAL_INDEX
from segmentation.worth.campaign import Campaign


def definitions(study: Run) -> list[tuple[str, str]]:
    """Return each word of the workbook of a run and what it means, nothing of when it was made."""
    model, selection, profiles = (study.read(f"{name}.json") for name in ("model", "k_selection", "profiles"))
    words = [*_of_run(study, selection, profiles), *_of_customers(study.dataset, model), *_of_segments(study.dataset)]
    words += [(str(study.dataset.axis(name)), _column(name, profiles, study.dataset)) for name in _described(profiles)]
    hidden = tr("Is not known.")
    if study.private:
        hidden = tr("Is not known, or not shown: {why}; or a group of fewer than ten.", why=tr(WHY_NOT))
    return [
        *words,
        (tr("an empty cell"), hidden),
        (
            tr("' before a text"),
            tr("The text begins as a formula does. It is written so that no spreadsheet computes it."),
        ),
        (
            tr("… behind a text"),
            tr("A cell has room for {letters} letters; the CSV file has the whole text.", letters=whole(32_767)),
        ),
    ]


def _of_run(study: Run, selection: Selection, profiles: Profiles) -> list[tuple[str, str]]:
    told = f"{sentence(meaning(selection.verdict, selection.k))}. {advice(selection.verdict, selection.k)}".strip()
    verdict = tr("verdict: {verdict}", verdict=named(selection.verdict)) if selection.divided else tr("verdict")
    run = tr(
        "{run}, {title}: {finding}.", run=study.name, title=study.dataset.title, finding=headline(selection, profiles)
    )
    return [(trc("word", "run"), run), (verdict, told)]


def _of_customers(dataset: Dataset, model: Model) -> list[tuple[str, str]]:
    key = {
        "id": tr("What tells the customers apart, as the table has it."),
        "row": tr("The number of the row in the table."),
    }
    told = [
        (dataset.key, key[dataset.key]),
        (trc("head", "segment"), tr("The number of the segment, as in the report.")),
        (
            trc("head", "name"),
            tr("What dataset.yaml calls the segment; where it says nothing, its levels in a few words."),
        ),
        (
            trc("head", "action"),
            tr(
                "What to do, by dataset.yaml or, marked as a suggestion, by the levels; empty where neither says "
                "anything, and where nothing divides the customers."
            ),
        ),
    ]
    if dataset.private:
        return told
    unit = tr(model.distance_unit)
    surely = tr(
        "How clearly the customer belongs there: how much more probable the own segment is than the next one. Near 0 "
        "it might as well be the next one."
    )
    farther = tr(
        "How clearly the customer belongs there: how much farther the next centre is (unit: {unit}). Near 0 it might "
        "as well be the next one.",
        unit=unit,
    )
    far = tr("How far the customer is from the centre of the segment (unit: {unit}).", unit=unit)
    probable = [(trc("head", "probability"), tr("How probable the segment is for this customer."))]
    return [
        *told,
        (trc("head", "distance"), far),
        (trc("head", "margin"), surely if model.scores else farther),
        *(probable if model.scores else []),
    ]


def _of_segments(dataset: Dataset) -> list[tuple[str, str]]:
    low, high = USUAL_INDEX
    valued = [
        (tr("a customer, an order"), tr("What a customer of the segment, and an order, came to on average.")),
        (tr("share of all"), tr("Of what all customers together came to, the part of the segment.")),
        (tr("share of the top fifth"), tr("Of what the segment came to, the part of the fifth worth most in it.")),
    ]
    return [
        (tr("size, share"), tr("How many customers are in the segment, and of all customers which part.")),
        (
            tr("from, to"),
            tr(
                "The ends of a {level} interval: what other samples of such customers would give.", level=percent(LEVEL)
            ),
        ),
        *(valued if dataset.values else []),
        (trc("head", "index"), tr("The centre of the segment, where that of all customers is 100.")),
        (
            trc("head", "levels"),
            tr(
                "High or low, or what people say of these ends, as long ago and lately: the centre is {height} "
                "standard deviations or more above or below that of all customers, as the segments were formed, or its "
                "index is below {low} or above {high}, and its mean is on the same side. Average: all others.",
                height=amount(HIGH),
                low=whole(low),
                high=whole(high),
            ),
        ),
    ]


def _described(profiles: Profiles) -> list[str]:
    return [*profiles.segments[0].centre, *profiles.segments[0].descriptors]


def _column(name: str, profiles: Profiles, dataset: Dataset) -> str:
    """Say what the figures of a column are, and whether it formed the segments."""
    column, profile = dataset.columns[name], profiles.segments[0]
    formed = name in profile.centre or column.role == "feature"
    part = tr("Formed the segments.") if formed else tr("Describes the segments.")
    if not column.numeric:
        what = tr("Shown: the share of each category among the customers of whom it is known.")
    elif column.type == "yes/no":
        what = tr("Shown: the share of yes.")
    elif name not in profile.centre:
        what = tr("Shown: mean and median.")
    elif name not in profile.mean:
        what = tr("Its centre is the mean of the customers of the segment.")
    else:
        what = tr(
            "Its centre is the mean of the customers of the segment on the transformed scale, transformed back; beside "
            "it stands the plain mean."
        )
    return f"{part} {what}"


def too_many(customers: int, file: str) -> str:
    """Say why a sheet holds no customers, and where they are."""
    return tr(
        "{n} customers are more than a sheet has rows; {file} holds all of them.",
        n=whole(customers),
        file=f"{LISTS}/{file}",
    )


def written(study: Run, lists: Mapping[str, int]) -> str:
    """Say what was written for a run, how many customers each file holds, and that they are for few to see."""
    sheets = trn(
        "{n} sheet of customers, one of profiles, and one that says what each word means",
        "{n} sheets of customers, one of profiles, and one that says what each word means",
        len(lists),
    )
    wide = max(map(len, lists))
    rows = [f"  {file:{wide}}  {trn('{n} customer', '{n} customers', customers)}" for file, customers in lists.items()]
    told = [
        f"{files.shown(study.folder / WORKBOOK)}: {sheets}",
        tr("{folder}: one file a segment", folder=f"{files.shown(study.folder / LISTS)}/"),
        *rows,
    ]
    if study.private:
        who = tr("These hold customers by their {key}: for those alone who may see the rows.", key=study.dataset.key)
    else:
        who = tr(
            "These hold customers by their {key}, and how surely each is placed: for those alone who may see the rows.",
            key=study.dataset.key,
        )
    return "\n".join([*told, f"  {who}"])


def campaign(plan: Campaign, dataset: Dataset) -> str:
    """Say what contacting all customers of a segment costs, and from which response on that pays.

    What nobody gave is said to be assumed.
    """
    each, cost = _money(plan.contact_cost, plan, dataset), _money(plan.cost, plan, dataset)
    if plan.contact_cost:
        each = _assumed(each, plan, "contact_cost")
        told = trn(
            "Contacting the one customer costs {cost}, each {each}.",
            "Contacting all {n} customers costs {cost}, each {each}.",
            plan.customers,
            cost=cost,
            each=each,
        )
    else:
        told = trn(
            "Contacting the one customer costs {cost}.",
            "Contacting all {n} customers costs {cost}.",
            plan.customers,
            cost=cost,
        )
    return f"{told} {_pays(plan, dataset)}"


def _pays(plan: Campaign, dataset: Dataset) -> str:
    """Say at which response a campaign comes back, and whether the response that is given, or assumed, is enough."""
    if plan.value is None:
        return tr("From which response on it pays is not known, because no column is a value.")
    words, private = dataset.words(plan.value), dataset.private
    if plan.brings is None and private:
        return tr(
            "From which response on it pays is not shown: nobody’s {value} is known here, {why}.",
            value=words,
            why=tr(WHY_NOT),
        )
    if plan.brings is None:
        return tr("From which response on it pays is not known: nobody’s {value} is known here.", value=words)
    if private and not plan.brings:
        return tr("From which response on it pays is not shown: what a response brings is rounded to nothing.")
    return f"{_outcome(plan)} {_counted(plan, dataset)}"


def _outcome(plan: Campaign) -> str:
    """Say which response brings back what a campaign costs."""
    if plan.brings is None or plan.brings <= 0:
        return tr("No response pays for it.")
    if not plan.break_even:
        return tr("Any response pays.")
    if plan.break_even > 1:
        return tr("No response pays for it: not even all together would bring back what it costs.")
    needed, given = _rate(plan.break_even), _rate(plan.response)
    rates = {"needed": needed, "given": _assumed(given, plan, "response")}
    if needed == given:
        return tr("It breaks even if {needed} respond; a response of {given} about breaks even.", **rates)
    if plan.response > plan.break_even:
        return tr("It breaks even if {needed} respond; a response of {given} pays.", **rates)
    return tr("It breaks even if {needed} respond; a response of {given} does not pay.", **rates)


def _counted(plan: Campaign, dataset: Dataset) -> str:
    """Say what each response is counted as."""
    assert plan.value is not None
    assert plan.brings is not None
    brings, margin = dataset.measured(plan.value, plan.brings), _assumed(_rate(plan.margin), plan, "margin")
    if plan.order and plan.margin != 1:
        return tr("Each counts as an average order: {order}, at a margin of {margin}.", order=brings, margin=margin)
    if plan.order:
        return tr("Each counts as an average order: {order}.", order=brings)
    value = {"value": dataset.words(plan.value), "amount": brings}
    if plan.margin != 1:
        return tr(
            "Each counts as an average customer here, {value}: {amount}, at a margin of {margin}.",
            **value,
            margin=margin,
        )
    return tr("Each counts as an average customer here, {value}: {amount}.", **value)


def _assumed(told: str, plan: Campaign, name: str) -> str:
    return tr("{figure} (assumed)", figure=told) if name in plan.assumed else told


def _money(cost: float, plan: Campaign, dataset: Dataset) -> str:
    """Return what somebody pays as exactly as it was given, in the unit of the value."""
    unit, exact = dataset.columns[plan.value].unit if plan.value else None, Decimal(f"{cost:.10g}")
    return f"{fixed(exact, max(0, -int(exact.normalize().as_tuple().exponent)))} {unit or ''}".rstrip()


def _rate(share: float) -> str:
    """Return a share that may be far below 1% and still decides."""
    whole_part = 100 * share
    digits = 1 if whole_part >= 0.95 or not share else 1 - math.floor(math.log10(whole_part))
    return percent(share, digits - (round(whole_part, digits) == round(whole_part, digits - 1)))
