"""What is said of the worth of the segments."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pandas as pd

from segmentation.core.dataset import OF_RFM, Dataset
from segmentation.core.privacy import DASH, HIDDEN, SMALLEST_GROUP, WHY_NOT, at_least
from segmentation.core.text import escape
from segmentation.evidence.decision import LEVEL, NEARLY_SAME, NOUNS, advice, meaning
from segmentation.language import mark, tr, trc, trn
from segmentation.language.glossary import named
from segmentation.language.writing import (
    NONE,
    amount,
    decimal,
    fixed,
    listing,
    percent,
    sentence,
    share_texts,
    spanning,
    whole,
)
from segmentation.runs.artifacts import Model, Profiles, Selection
from segmentation.runs.records import Profile, Verdict
from segmentation.runs.run import Run
from segmentation.runs.stages import LISTS, WORKBOOK
from segmentation.runs.tell import headline, segment_shares, value_shares, worth_most
from segmentation.runs.worth import Part, Rfm, Worth
from segmentation.segments.names import HIGH, USUAL_INDEX
from segmentation.segments.profiles import largest_first
from segmentation.worth.campaign import Campaign
from segmentation.worth.rfm import group_texts
from segmentation.worth.selected import Selected

IN_GOOD_PART, IN_PART = 0.5, 0.2  # adjusted Rand indices from which two divisions are said to agree so
RFM_NOUNS = {"recency": mark("recency"), "frequency": mark("frequency"), "monetary": mark("monetary value")}
BETTER_EVIDENCE = {
    "natural": mark(
        "The segments carry the better evidence: they are groups that are there, and few customers stand between them."
    ),
    "reproducible": mark(
        "The segments carry the better evidence: more surely than where there is nothing to find, the same ones came "
        "back when the customers were drawn again."
    ),
    "constructive": mark(
        "Neither carries evidence of groups that exist: these parts are a cut too, though one that follows the data; "
        "RFM groups are at least the cut that people know."
    ),
    "none": mark(
        "Neither carries evidence of groups that exist: nothing speaks for these parts either, and RFM groups are at "
        "least the cut that people know."
    ),
}


def worth_table(values: Sequence[Worth], profiles: list[Profile], dataset: Dataset) -> pd.DataFrame | None:
    """Return what each segment is worth as text, the largest first, and all customers; None where no column is a value.

    Of the main value all is told, of others the share of each segment.
    """
    if not values:
        return None
    main, sizes, rows = values[0], segment_shares(profiles), []
    shares, parts = [value_shares(worth) for worth in values], {part.segment: part for part in main.parts}
    segment, part = trc("head", "segment"), trc("head", "share of customers")
    for profile in largest_first(profiles):
        of = {of: told[profile.segment] for of, told in zip(_of_values(values, dataset), shares, strict=True)}
        own = {segment: profile.name, part: sizes[profile.segment]}
        rows.append(own | of | _each(parts[profile.segment], main.column, dataset))
    if len(profiles) > 1:
        every = {of: percent(1) if any(told.values()) else None
                 for of, told in zip(_of_values(values, dataset), shares, strict=True)}  # fmt: skip
        own = {segment: tr("all customers"), part: percent(1)}
        rows.append(own | every | _each(main, main.column, dataset))
    table = pd.DataFrame(rows)
    known = [name for name in table if table[name].notna().any()]
    return table[known].fillna(NONE)


def _of_values(values: Sequence[Worth], dataset: Dataset) -> list[str]:
    return [tr("share of {value}", value=dataset.words(worth.column)) for worth in values]


def _each(of: Part | Worth, name: str, dataset: Dataset) -> dict:
    """Return the mean of the customers with its interval, that of the orders, and what the top fifth has."""
    form, interval = dataset.axis(name).form, spanning(getattr(of, "each_interval", None), dataset.axis(name).form)
    each = None if of.each is None else f"{form(of.each)}{f' ({interval})' if interval else ''}"
    return {
        tr("{value} a customer", value=dataset.axis(name)): each,
        trc("head", "an order"): None if of.basket is None else form(of.basket),
        trc("head", "its top fifth has"): None if of.top_fifth is None else percent(of.top_fifth),
    }


def table(values: Sequence[Worth], everyone: int, dataset: Dataset) -> str:
    """Say what the table of worth shows, and of how many customers nothing is known; `everyone` is how many there are.

    Raises nothing where no column is a value: then there is no table, and "" is its caption.
    """
    if not values:
        return ""
    [main, *_], private = values, dataset.private
    told = [
        _known_of(sentence(escape(dataset.words(main.column))), everyone - main.customers, private=private),
        tr("In brackets: {level} intervals of the mean, with the segments as they are.", level=percent(LEVEL)),
    ]
    told += [tr("An order: all that they came to, divided by all orders.")] if main.basket is not None else []
    if any(part.top_fifth is not None for part in main.parts) or main.top_fifth is not None:
        told.append(tr("The top fifth of a segment are its customers who are worth most."))
    if private and main.total is not None:
        told.append(tr("Shares follow from the means as these are rounded."))
    told_of = [[part.share for part in main.parts], *([getattr(of, what) for of in (*main.parts, main)]
                                                     for what in ("each", "top_fifth"))]  # fmt: skip
    hidden = any(None in cells and any(cell is not None for cell in cells) for cells in told_of)
    return " ".join([*told, tr(DASH)] if private and hidden else told)


def _known_of(value: str, missing: int, *, private: bool) -> str:
    """Say over how many customers a value is told."""
    if not missing:
        return tr("{value} by segment, over all customers.", value=value)
    if private and missing < SMALLEST_GROUP:
        return tr(
            "{value} by segment, over all customers of whom it is known (fewer than {least} customers without it count "
            "nowhere here).",
            value=value,
            least=whole(SMALLEST_GROUP),
        )
    return trn(
        "{value} by segment, over all customers of whom it is known ({n} customer without it counts nowhere here).",
        "{value} by segment, over all customers of whom it is known ({n} customers without it count nowhere here).",
        missing,
        value=value,
    )


def worth(values: Sequence[Worth], profiles: list[Profile], dataset: Dataset) -> str:
    """Say which segment has most of the value for its size, and what of this is no discovery; "" without a value."""
    if not values:
        return ""
    told, formed = [escape(worth_most(profiles, values, dataset))], [one for one in values if one.formed]
    for one in values:
        if one.total is not None and one.total <= 0:
            of = {
                "value": escape(sentence(dataset.words(one.column))),
                "total": dataset.measured(one.column, one.total),
            }
            about = tr("{value} of all customers together comes to about {total}: of that there are no shares.", **of)
            exact = tr("{value} of all customers together comes to {total}: of that there are no shares.", **of)
            told.append(about if dataset.private else exact)  # to a step, which may be larger than what it comes to
    if formed and len(profiles) > 1:
        told.append(
            tr(
                "{feature} formed the segments too, so that they differ in it by construction: this describes them, "
                "and is no discovery.",
                feature=escape(dataset.label(formed[0].column)),
            )
        )
    return " ".join(filter(None, told))


def most(profiles: list[Profile], values: Sequence[Worth], dataset: Dataset) -> str:
    """Say which segment has most of the value for its size, as the summary does."""
    return escape(worth_most(profiles, values, dataset))


def shares(values: Sequence[Worth], profiles: list[Profile], dataset: Dataset) -> str:
    """Say how to read the two bars of each segment; "" where none are drawn."""
    if not values or len(profiles) == 1 or not any(value_shares(values[0]).values()):
        return ""
    told = [
        escape(worth_most(profiles, values, dataset)),
        tr(
            "Pale: the share of the customers; full: the share of {value}.",
            value=escape(dataset.words(values[0].column)),
        ),
    ]
    told += [tr("A missing bar is not shown.")] if None in value_shares(values[0]).values() else []
    return " ".join(filter(None, told))


def concentration(values: Sequence[Worth], dataset: Dataset) -> str:
    """Say how much of the value the fifth of the customers has who are worth most; "" where nothing is drawn."""
    if not values or not values[0].lorenz:
        return ""
    [main, *_], told = values, []
    if main.top_fifth is not None:
        told.append(
            tr(
                "The fifth of the customers who are worth most have {share} of {value}.",
                share=percent(main.top_fifth),
                value=escape(dataset.words(main.column)),
            )
        )
    told.append(tr("Dashed: every customer worth the same."))
    if _falls(main):
        told.append(
            tr("Where the curve is above {all}, customers below 0 take off again what others bring.", all=percent(1))
        )
    return " ".join(told)


def _falls(worth: Worth) -> bool:
    return any(share < 0 for _, share in worth.lorenz)


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
    place = Path("assets", study.name)
    sheets = trn(
        "{n} sheet of customers, one of profiles, and one that says what each word means",
        "{n} sheets of customers, one of profiles, and one that says what each word means",
        len(lists),
    )
    wide = max(map(len, lists))
    rows = [f"  {file:{wide}}  {trn('{n} customer', '{n} customers', customers)}" for file, customers in lists.items()]
    told = [
        f"{(place / WORKBOOK).as_posix()}: {sheets}",
        tr("{folder}: one file a segment", folder=f"{(place / LISTS).as_posix()}/"),
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


def rfm(found: Rfm | None, dataset: Dataset) -> str:
    """Say which RFM group has most customers, which most of the value, and what they are made of; "" without them."""
    if found is None:
        return ""
    shares, values = group_texts(found, private=dataset.private)
    words, told = escape(dataset.words(found.columns["monetary"])), []
    if most := _most(found, "share", shares):
        told.append(tr("Most customers: {groups}.", groups=most))
    if most := _most(found, "value", values):
        some = tr("Most of {value}, of those shown: {groups}.", value=words, groups=most)
        every = tr("Most of {value}: {groups}.", value=words, groups=most)
        told.append(some if any(group.value is None for group in found.groups) else every)
    scored = listing(_scored(dataset.label(name), tr(RFM_NOUNS[what])) for what, name in found.columns.items())
    return " ".join(
        [*told, tr("Scored: {columns}.", columns=scored), tr("The stronger the colour, the larger the share.")]
    )


def _most(found: Rfm, of: str, told: dict[str, str]) -> str:
    """Return the groups of the largest part with that part; "" where none is shown, or there is nothing to share."""
    parts = {group.name: part for group in found.groups if (part := getattr(group, of))}
    most = max(parts.values(), default=0)
    names = [name for name in parts if parts[name] == most]
    if most <= 0:
        return ""
    of_each = {"groups": escape(listing(names)), "share": told[names[0]]}
    return tr("{groups} ({share} each)", **of_each) if len(names) > 1 else tr("{groups} ({share})", **of_each)


def _scored(label: str, noun: str) -> str:
    return (
        escape(label)
        if label.casefold() == noun.casefold()
        else tr("{label} (as {noun})", label=escape(label), noun=noun)
    )


def rfm_scores(found: Rfm | None, dataset: Dataset) -> pd.DataFrame | None:
    """Return from where to where each score reaches, the best first."""
    if found is None:
        return None
    table = pd.DataFrame({trc("head", "score"): [str(score) for score in range(5, 0, -1)]})
    for what, name in found.columns.items():
        form, ends = dataset.axis(name).form, found.cuts[what]
        told = [tr("up to {end}", end=form(ends[0]))]
        told += [tr("over {low} to {high}", low=form(low), high=form(high)) for low, high in pairwise(ends)]
        told += [tr("over {end}", end=form(ends[-1]))]
        scores = told if what == "recency" else told[::-1]
        vacant = found.vacant.get(what, ())
        cells = [tr("nobody") if 5 - i in vacant else text for i, text in enumerate(scores)]
        table[str(dataset.axis(name))] = cells
    return table


def rfm_cuts(found: Rfm | None, dataset: Dataset) -> str:
    """Say where scores are cut, which of them nobody has, and who has no group."""
    if found is None:
        return ""
    given, rest = (
        listing(tr(RFM_NOUNS[what]) for what in OF_RFM if (what in dataset.rfm.cuts) == is_given)
        for is_given in (True, False)
    )
    if given and rest:
        told = [
            tr(
                "What the scores mean: they are cut at the points that dataset.yaml gives ({given}), and at the "
                "quintiles ({rest}); equal values have one score.",
                given=given,
                rest=rest,
            )
        ]
    elif given:
        told = [
            tr("What the scores mean: they are cut at the points that dataset.yaml gives; equal values have one score.")
        ]
    else:
        told = [tr("What the scores mean: they are cut at the quintiles; equal values have one score.")]
    told += [tr("The quintiles are rounded, as percentiles of private rows are.")] if rest and dataset.private else []
    told += [_vacant(what, scores, dataset) for what, scores in found.vacant.items()]
    return " ".join([*told, *_ungrouped(found, dataset)])


def _vacant(what: str, scores: Sequence[int], dataset: Dataset) -> str:
    """Say which scores of recency, frequency or monetary value nobody has, and why that may be."""
    told = {"scores": listing(scores), "what": tr(RFM_NOUNS[what])}
    if what in dataset.rfm.cuts:
        return tr("Scores that nobody has ({what}): {scores}.", **told)
    if dataset.private:
        return tr(
            "Scores that nobody has ({what}): {scores}, as happens with few customers, or many of one value.", **told
        )
    return tr("Scores that nobody has ({what}): {scores}, as happens with many customers of one value.", **told)


def _ungrouped(found: Rfm, dataset: Dataset) -> list[str]:
    """Say how many customers have no group."""
    if found.ungrouped is None:
        return [
            tr(
                "Fewer than {least} customers of whom one of the three is not known: in no group.",
                least=whole(SMALLEST_GROUP),
            )
        ]
    if not found.ungrouped:
        return []
    if dataset.private:
        return [tr("About {n} customers of whom one of the three is not known: in no group.", n=whole(found.ungrouped))]
    told = trn(
        "{n} customer of whom one of the three is not known: in no group.",
        "{n} customers of whom one of the three is not known: in no group.",
        found.ungrouped,
    )
    return [sentence(told)]


def rfm_table(found: Rfm | None, dataset: Dataset) -> pd.DataFrame | None:
    """Return customers, share and share of value of each RFM group as text."""
    if found is None:
        return None
    shares, values = group_texts(found, private=dataset.private)
    of_value = tr("share of {value}", value=dataset.words(found.columns["monetary"]))
    rows = {
        trc("head", "group"): [group.name for group in found.groups],
        trc("head", "customers"): [
            NONE if group.customers is None else whole(group.customers) for group in found.groups
        ],
        trc("head", "share of customers"): [shares.get(group.name, NONE) for group in found.groups],
        of_value: [values.get(g.name, NONE) for g in found.groups],
    }
    return pd.DataFrame(rows if values else dict(list(rows.items())[:-1]))


def rfm_groups(found: Rfm | None, dataset: Dataset) -> str:
    """Say what the table of RFM groups shows, how its customers are counted, and what a dash is; "" without them."""
    if found is None:
        return ""
    hides = any(None in (group.customers, group.value) for group in found.groups)
    told = [tr("The RFM groups."), tr("Customers are counted in tens.") if dataset.private else ""]
    return " ".join(filter(None, [*told, tr(DASH) if dataset.private and hides else ""]))


def rfm_within(found: Rfm | None, dataset: Dataset, names: Mapping[int, str]) -> pd.DataFrame | None:
    """Return how each segment divides among the RFM groups as text; None of one segment."""
    if found is None or len(found.within) == 1:
        return None
    table = pd.DataFrame({trc("head", "group"): [group.name for group in found.groups]})
    for segment, shares in found.within.items():
        told = share_texts({name: part for name, part in shares.items() if part is not None}, rounded=dataset.private)
        absent = {group.name: percent(0) for group in found.groups if group.customers == 0}
        table[names[segment]] = [(absent | told).get(group.name, NONE) for group in found.groups]
    return table


def rfm_evidence(found: Rfm | None, verdict: Verdict, dataset: Dataset) -> str:
    """Say how far RFM groups and segments agree, and which of both carry the better evidence."""
    if found is None:
        told = tr(
            "dataset.yaml describes RFM groups; there are none without one column each of recency, frequency and value."
        )
        return told if dataset.rfm.model_fields_set else ""
    convention = tr(
        "RFM groups are a convention: quintiles, as any fixed points, cut every table, whether or not something parts "
        "the customers there, so that no cell is ever natural."
    )
    if found.agreement is None:
        alone = tr("There is one part alone, with which groups cannot be compared.")
        return f"{alone} {convention}"
    index, private = found.agreement, dataset.private
    told = at_least(index, int(SMALLEST_GROUP / 2 / found.step)) if private and index < 1 else decimal(index)
    return " ".join([_agree(index, told, verdict), tr(BETTER_EVIDENCE[verdict]), convention])


def _agree(index: float, told: str, verdict: Verdict) -> str:
    """Say in words how far two divisions agree."""
    parts = trc("of a cut", "Parts") if NOUNS[verdict] == "part" else trc("of a division", "Segments")
    how = {"parts": parts, "index": told}
    if index >= NEARLY_SAME:
        return tr("{parts} and RFM groups are nearly one division (adjusted Rand index {index}).", **how)
    if index >= IN_GOOD_PART:
        return tr("{parts} and RFM groups agree in good part (adjusted Rand index {index}).", **how)
    if index >= IN_PART:
        return tr("{parts} and RFM groups agree in part (adjusted Rand index {index}).", **how)
    return tr("{parts} and RFM groups hardly agree (adjusted Rand index {index}).", **how)


def rfm_shares(dataset: Dataset) -> str:
    """Say how to read the table of RFM groups within segments."""
    told = tr("How each segment divides among the RFM groups: what stands in a column is all of a segment.")
    hidden = sentence(tr(HIDDEN))
    return f"{told} {hidden}." if dataset.private else told


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


def selected(found: Selected | None, worth: Worth | None, dataset: Dataset) -> str:
    """Say what the customers who pass a filter are worth; nothing where that is not known."""
    if found is None or worth is None:
        return ""
    label = dataset.label(worth.column)
    if found.total is None or found.mean is None:
        return tr("{label}: not shown, because one or two customers make up most of it.", label=label)
    told = {"label": label, "sum": dataset.measured(worth.column, found.total)}
    told["mean"] = dataset.measured(worth.column, found.mean)
    if found.share is None and found.about:
        return tr("{label}: about {sum}, {mean} a customer.", **told)
    if found.share is None:
        return tr("{label}: {sum}, {mean} a customer.", **told)
    told["share"] = (found.alone and value_shares(worth)[found.alone]) or percent(found.share)
    if found.about:
        return tr("{label}: about {sum}, {mean} a customer, {share} of that of all customers.", **told)
    return tr("{label}: {sum}, {mean} a customer, {share} of that of all customers.", **told)
