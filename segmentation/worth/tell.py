"""What is said of the worth of the segments."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pandas as pd

from segmentation.core.dataset import OF_RFM, Dataset
from segmentation.core.privacy import DASH, FEWER, HIDDEN, SMALLEST_GROUP, WHY_NOT, at_least, public
from segmentation.core.text import count, escape
from segmentation.evidence.decision import LEVEL, NEARLY_SAME, NOUNS, advice, meaning
from segmentation.language import tr, trn
from segmentation.language.writing import NONE, decimal, fixed, listing, percent, sentence, share_texts, spanning, whole
from segmentation.runs.artifacts import Model, Profiles, Selection
from segmentation.runs.records import Profile
from segmentation.runs.run import Run
from segmentation.runs.stages import LISTS, WORKBOOK
from segmentation.runs.tell import headline, segment_shares, value_shares, worth_most
from segmentation.runs.worth import Part, Rfm, Worth
from segmentation.segments.names import HIGH, USUAL_INDEX
from segmentation.segments.profiles import largest_first
from segmentation.worth.campaign import Campaign
from segmentation.worth.rfm import group_texts

IN_GOOD_PART, IN_PART = 0.5, 0.2  # adjusted Rand indices from which two divisions are said to agree so
RFM_NOUNS = {"recency": "recency", "frequency": "frequency", "monetary": "monetary value"}
BETTER_EVIDENCE = {
    "natural": "The segments carry the better evidence: they are groups that are there, and few customers stand "
    "between them.",
    "reproducible": "The segments carry the better evidence: more surely than where there is nothing to find, the same "
    "ones came back when the customers were drawn again.",
    "constructive": "Neither carries evidence of groups that exist: these parts are a cut too, though one that follows "
    "the data; RFM groups are at least the cut that people know.",
    "none": "Neither carries evidence of groups that exist: nothing speaks for these parts either, and RFM groups are "
    "at least the cut that people know.",
}


def worth_table(values: Sequence[Worth], profiles: list[Profile], dataset: Dataset) -> pd.DataFrame | None:
    """Return what each segment is worth as text, the largest first, and all customers; None where no column is a value.

    Of the main value all is told, of others the share of each segment.
    """
    if not values:
        return None
    main, sizes, rows = values[0], segment_shares(profiles), []
    shares, parts = [value_shares(worth) for worth in values], {part.segment: part for part in main.parts}
    for profile in largest_first(profiles):
        of = {of: told[profile.segment] for of, told in zip(_of_values(values, dataset), shares, strict=True)}
        own = {"segment": str(profile.segment), "name": profile.name, "share of customers": sizes[profile.segment]}
        rows.append(own | of | _each(parts[profile.segment], main.column, dataset))
    if len(profiles) > 1:
        every = {of: "100%" if any(told.values()) else None
                 for of, told in zip(_of_values(values, dataset), shares, strict=True)}  # fmt: skip
        own = {"segment": "all", "name": "", "share of customers": "100%"}
        rows.append(own | every | _each(main, main.column, dataset))
    table = pd.DataFrame(rows)
    known = [name for name in table if table[name].notna().any()]
    return table[known].fillna(NONE)


def _of_values(values: Sequence[Worth], dataset: Dataset) -> list[str]:
    return [f"share of {dataset.words(worth.column)}" for worth in values]


def _each(of: Part | Worth, name: str, dataset: Dataset) -> dict:
    """Return the mean of the customers with its interval, that of the orders, and what the top fifth has."""
    form, interval = dataset.axis(name).form, spanning(getattr(of, "each_interval", None), dataset.axis(name).form)
    each = None if of.each is None else f"{form(of.each)}{f' ({interval})' if interval else ''}"
    return {
        f"{dataset.axis(name)} a customer": each,
        "an order": None if of.basket is None else form(of.basket),
        "its top fifth has": None if of.top_fifth is None else percent(of.top_fifth),
    }


def table(values: Sequence[Worth], everyone: int, dataset: Dataset) -> str:
    """Say what the table of worth shows, and of how many customers nothing is known; `everyone` is how many there are.

    Raises nothing where no column is a value: then there is no table, and "" is its caption.
    """
    if not values:
        return ""
    [main, *_], private = values, dataset.private
    words, missing = escape(dataset.words(main.column)), everyone - main.customers
    known = f"{sentence(words)} by segment, over all customers"
    if missing:
        known += f" whose {words} is known ({public(missing, 'customer', private=private)} without it"
        known += " count nowhere here)"
    told = [f"{known}. In brackets: {percent(LEVEL)} intervals of the mean, with the segments as they are."]
    told += ["An order: all that they came to, divided by all orders."] if main.basket is not None else []
    if any(part.top_fifth is not None for part in main.parts) or main.top_fifth is not None:
        told += ["The top fifth of a segment are its customers who are worth most."]
    told += ["Shares follow from the means as these are rounded."] if private and main.total is not None else []
    told_of = [[part.share for part in main.parts], *([getattr(of, what) for of in (*main.parts, main)]
                                                     for what in ("each", "top_fifth"))]  # fmt: skip
    hidden = any(None in cells and any(cell is not None for cell in cells) for cells in told_of)
    return " ".join([*told, f"A dash is not shown: {WHY_NOT}."] if private and hidden else told)


def worth(values: Sequence[Worth], profiles: list[Profile], dataset: Dataset) -> str:
    """Say which segment has most of the value for its size, and what of this is no discovery; "" without a value."""
    if not values:
        return ""
    told, formed = [escape(worth_most(profiles, values, dataset))], [one for one in values if one.formed]
    for one in values:
        if one.total is not None and one.total <= 0:
            about = "about " if dataset.private else ""  # to a step, which may be larger than what it comes to
            told.append(f"{escape(sentence(dataset.words(one.column)))} of all customers together comes to {about}"
                        f"{dataset.measured(one.column, one.total)}: of that there are no shares.")  # fmt: skip
    if formed and len(profiles) > 1:
        named = escape(dataset.label(formed[0].column))
        told.append(f"{named} formed the segments too, so that they differ in it by construction: this describes them, "
                    "and is no discovery.")  # fmt: skip
    return " ".join(filter(None, told))


def most(profiles: list[Profile], values: Sequence[Worth], dataset: Dataset) -> str:
    """Say which segment has most of the value for its size, as the summary does."""
    return escape(worth_most(profiles, values, dataset))


def shares(values: Sequence[Worth], profiles: list[Profile], dataset: Dataset) -> str:
    """Say how to read the two bars of each segment; "" where none are drawn."""
    if not values or len(profiles) == 1 or not any(value_shares(values[0]).values()):
        return ""
    hidden = " A missing bar is not shown." if None in value_shares(values[0]).values() else ""
    return f"Pale: the share of the customers; full: the share of {escape(dataset.words(values[0].column))}.{hidden}"


def concentration(values: Sequence[Worth], dataset: Dataset) -> str:
    """Say how much of the value the fifth of the customers has who are worth most; "" where nothing is drawn."""
    if not values or not values[0].lorenz:
        return ""
    [main, *_] = values
    words = escape(dataset.words(main.column))
    top = "" if main.top_fifth is None else (
        f"The fifth of the customers who are worth most have {percent(main.top_fifth)} of {words}. ")  # fmt: skip
    below = " Where the curve is above 100%, customers below 0 take off again what others bring." * _falls(main)
    return f"{top}Dashed: every customer worth the same.{below}"


def _falls(worth: Worth) -> bool:
    return any(share < 0 for _, share in worth.lorenz)


def definitions(study: Run) -> list[tuple[str, str]]:
    """Return each word of the workbook of a run and what it means, nothing of when it was made."""
    model, selection, profiles = (study.read(f"{name}.json") for name in ("model", "k_selection", "profiles"))
    words = [*_of_run(study, selection, profiles), *_of_customers(study.dataset, model), *_of_segments(study.dataset)]
    words += [(str(study.dataset.axis(name)), _column(name, profiles, study.dataset)) for name in _described(profiles)]
    hidden = (
        f"Is not known, or not shown: {WHY_NOT}; or a group of fewer than ten." if study.private else "Is not known."
    )
    return [
        *words,
        ("an empty cell", hidden),
        ("' before a text", "The text begins as a formula does. It is written so that no spreadsheet computes it."),
        ("… behind a text", "A cell has room for 32,767 letters; the CSV file has the whole text."),
    ]


def _of_run(study: Run, selection: Selection, profiles: Profiles) -> list[tuple[str, str]]:
    verdict = f"{sentence(meaning(selection.verdict, selection.k))}. {advice(selection.verdict, selection.k)}".strip()
    return [
        ("run", f"{study.name}, {study.dataset.title}: {headline(selection, profiles)}."),
        (f"verdict: {selection.verdict}" if selection.divided else "verdict", verdict),
    ]


def _of_customers(dataset: Dataset, model: Model) -> list[tuple[str, str]]:
    key = {"id": "What tells the customers apart, as the table has it.", "row": "The number of the row in the table."}
    told = [
        (dataset.key, key[dataset.key]),
        ("segment", "The number of the segment, as in the report."),
        ("name", "What dataset.yaml calls the segment; where it says nothing, its levels in a few words."),
        (
            "action",
            "What to do, by dataset.yaml or, marked as a suggestion, by the levels; empty where neither says anything, "
            "and where nothing divides the customers.",
        ),
    ]
    if dataset.private:
        return told
    surely = "how much more probable the own segment is than the next one"
    margin = surely if model.scores else f"how much farther the next centre is, in {model.distance_unit}"
    return [
        *told,
        ("distance", f"How far the customer is from the centre of the segment, in {model.distance_unit}."),
        ("margin", f"How clearly the customer belongs there: {margin}. Near 0 it might as well be the next one."),
        *([("probability", "How probable the segment is for this customer.")] if model.scores else []),
    ]


def _of_segments(dataset: Dataset) -> list[tuple[str, str]]:
    low, high = USUAL_INDEX
    valued = [
        ("a customer, an order", "What a customer of the segment, and an order, came to on average."),
        ("share of all", "Of what all customers together came to, the part of the segment."),
        ("share of the top fifth", "Of what the segment came to, the part of the fifth worth most in it."),
    ]
    valued = valued if dataset.values else []
    return [
        ("size, share", "How many customers are in the segment, and of all customers which part."),
        ("from, to", f"The ends of a {percent(LEVEL)} interval: what other samples of such customers would give."),
        *valued,
        ("index", "The centre of the segment, where that of all customers is 100."),
        (
            "levels",
            f"High or low, or what people say of these ends, as long ago and lately: the centre is {HIGH:g} standard "
            "deviations or more above or below that of all customers, as the segments were formed, or its index is "
            f"below {low} or above {high}. Average: between these.",
        ),
    ]


def _described(profiles: Profiles) -> list[str]:
    return [*profiles.segments[0].centre, *profiles.segments[0].descriptors]


def _column(name: str, profiles: Profiles, dataset: Dataset) -> str:
    """Say what the figures of a column are, and whether it formed the segments."""
    column, profile = dataset.columns[name], profiles.segments[0]
    part = "Formed the segments" if name in profile.centre or column.role == "feature" else "Describes the segments"
    if not column.numeric:
        return f"{part}: the share of each category among the customers of whom it is known."
    if column.type == "yes/no":
        return f"{part}: the share of yes."
    if name not in profile.centre:
        return f"{part}: mean and median."
    bent = f", averaged{column.on_scale} and transformed back; beside it the plain mean" if name in profile.mean else ""
    return f"{part}: its centre is the mean of the customers of the segment{bent}."


def too_many(customers: int, file: str) -> str:
    """Say why a sheet holds no customers, and where they are."""
    return f"{whole(customers)} customers are more than a sheet has rows; {LISTS}/{file} holds all of them."


def written(study: Run, lists: Mapping[str, int]) -> str:
    """Say what was written for a run, how many customers each file holds, and that they are for few to see."""
    place = Path("assets", study.name)
    sheets = f"{count(len(lists), 'sheet')} of customers, one of profiles, and one that says what each word means"
    wide = max(map(len, lists))
    rows = [f"  {file:{wide}}  {count(customers, 'customer')}" for file, customers in lists.items()]
    beside = "" if study.private else ", and how surely each is placed"
    who = f"  These hold customers by their {study.dataset.key}{beside}: for those alone who may see the rows."
    told = [f"{(place / WORKBOOK).as_posix()}: {sheets}", f"{(place / LISTS).as_posix()}/: one file a segment", *rows]
    return "\n".join([*told, who])


def rfm(found: Rfm | None, dataset: Dataset) -> str:
    """Say what RFM groups are made of, which has most customers, and which most of the value; "" without them."""
    if found is None:
        return ""
    shares, values = group_texts(found, private=dataset.private)
    words = escape(dataset.words(found.columns["monetary"]))
    hides = ", of those shown" if any(group.value is None for group in found.groups) else ""
    most = {"most customers": _most(found, "share", shares), f"most of {words}{hides}": _most(found, "value", values)}
    told = "; ".join(f"{what}: {which}" for what, which in most.items() if which)
    what = listing(_scored(dataset.label(name), RFM_NOUNS[what]) for what, name in found.columns.items())
    return f"Scored: {what}. The stronger the colour, the larger the share.{f' {sentence(told)}.' if told else ''}"


def _most(found: Rfm, of: str, told: dict[str, str]) -> str:
    """Return the groups of the largest part with that part; "" where none is shown, or there is nothing to share."""
    parts = {group.name: part for group in found.groups if (part := getattr(group, of))}
    most = max(parts.values(), default=0)
    names = [name for name in parts if parts[name] == most]
    return f"{escape(listing(names))} ({told[names[0]]}{' each' * (len(names) > 1)})" if most > 0 else ""


def _scored(label: str, noun: str) -> str:
    return escape(label) if label.casefold() == noun else f"{escape(label)} (as {noun})"


def rfm_scores(found: Rfm | None, dataset: Dataset) -> pd.DataFrame | None:
    """Return from where to where each score reaches, the best first."""
    if found is None:
        return None
    table = pd.DataFrame({"score": [str(score) for score in range(5, 0, -1)]})
    for what, name in found.columns.items():
        form, ends = dataset.axis(name).form, found.cuts[what]
        told = [f"up to {form(ends[0])}"]
        told += [f"over {form(low)} to {form(high)}" for low, high in pairwise(ends)]
        told += [f"over {form(ends[-1])}"]
        scores = told if what == "recency" else told[::-1]
        vacant = found.vacant.get(what, ())
        table[str(dataset.axis(name))] = ["nobody" if 5 - i in vacant else text for i, text in enumerate(scores)]
    return table


def rfm_cuts(found: Rfm | None, dataset: Dataset) -> str:
    """Say where scores are cut, which of them nobody has, and who has no group."""
    if found is None:
        return ""
    given = [RFM_NOUNS[what] for what in OF_RFM if what in dataset.rfm.cuts]
    rest = [RFM_NOUNS[what] for what in OF_RFM if what not in dataset.rfm.cuts]
    at = [f"at the points that dataset.yaml gives for {listing(given)}"] if given else []
    rounded = ", rounded as percentiles of private rows are" if dataset.private else ""
    at += [f"at the quintiles{f' of {listing(rest)}' if given else ''}{rounded}"] if rest else []
    told = [f"What the scores mean: they are cut {listing(at)}, and equal values have one score."]
    for what, scores in found.vacant.items():
        of = "few customers, or many of one value" if dataset.private else "many customers of one value"
        why = "" if what in dataset.rfm.cuts else f", as happens with {of}"
        told.append(f"Nobody has score {listing(scores)} of {RFM_NOUNS[what]}{why}.")
    if found.ungrouped != 0:
        who = f"{FEWER} customers" if found.ungrouped is None else public(found.ungrouped, "customer", private=False)
        about = "about " if dataset.private and found.ungrouped else ""
        told.append(f"{sentence(f'{about}{who}')} of whom one of the three is not known: in no group.")
    return " ".join(told)


def rfm_table(found: Rfm | None, dataset: Dataset) -> pd.DataFrame | None:
    """Return customers, share and share of value of each RFM group as text."""
    if found is None:
        return None
    shares, values = group_texts(found, private=dataset.private)
    rows = {
        "group": [group.name for group in found.groups],
        "customers": [NONE if group.customers is None else whole(group.customers) for group in found.groups],
        "share of customers": [shares.get(group.name, NONE) for group in found.groups],
        f"share of {dataset.words(found.columns['monetary'])}": [values.get(g.name, NONE) for g in found.groups],
    }
    return pd.DataFrame(rows if values else dict(list(rows.items())[:-1]))


def rfm_groups(found: Rfm | None, dataset: Dataset) -> str:
    """Say what the table of RFM groups shows, how its customers are counted, and what a dash is; "" without them."""
    if found is None:
        return ""
    hides = any(None in (group.customers, group.value) for group in found.groups)
    told = ["The RFM groups.", "Customers are counted in tens." if dataset.private else ""]
    return " ".join(filter(None, [*told, DASH if dataset.private and hides else ""]))


def rfm_within(found: Rfm | None, dataset: Dataset) -> pd.DataFrame | None:
    """Return how each segment divides among the RFM groups as text; None of one segment."""
    if found is None or len(found.within) == 1:
        return None
    table = pd.DataFrame({"group": [group.name for group in found.groups]})
    for segment, shares in found.within.items():
        told = share_texts({name: part for name, part in shares.items() if part is not None}, rounded=dataset.private)
        absent = {group.name: "0%" for group in found.groups if group.customers == 0}
        table[f"segment {segment}"] = [(absent | told).get(name, NONE) for name in table["group"]]
    return table


def rfm_evidence(found: Rfm | None, verdict: str, dataset: Dataset) -> str:
    """Say how far RFM groups and segments agree, and which of both carry the better evidence."""
    if found is None:
        told = (
            "dataset.yaml describes RFM groups; there are none without one column each of recency, frequency and value."
        )
        return told if dataset.rfm.model_fields_set else ""
    convention = (
        "RFM groups are a convention: quintiles, as any fixed points, cut every table, whether or not something parts "
        "the customers there, so that no cell is ever natural."
    )
    if found.agreement is None:
        return f"There is one part alone, with which groups cannot be compared. {convention}"
    noun, index = f"{NOUNS[verdict]}s", found.agreement
    how = "are nearly one division" if index >= NEARLY_SAME else "agree in good part" if index >= IN_GOOD_PART else None
    told = at_least(index, int(SMALLEST_GROUP / 2 / found.step)) if dataset.private and index < 1 else decimal(index)
    how = how or ("agree in part" if index >= IN_PART else "hardly agree")
    return (
        f"{sentence(noun)} and RFM groups {how} (adjusted Rand index {told}). {BETTER_EVIDENCE[verdict]} {convention}"
    )


def rfm_shares(dataset: Dataset) -> str:
    """Say how to read the table of RFM groups within segments."""
    told = "How each segment divides among the RFM groups: what stands in a column is all of a segment"
    return f"{told}; {HIDDEN}." if dataset.private else f"{told}."


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
            why=WHY_NOT,
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
