"""What is said of the RFM groups."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import pandas as pd

from segmentation.core.dataset import OF_RFM, Dataset
from segmentation.core.privacy import DASH, HIDDEN, SMALLEST_GROUP, at_least
from segmentation.core.text import escape
from segmentation.evidence.decision import NEARLY_SAME, NOUNS
from segmentation.language import mark, tr, trc, trn
from segmentation.language.writing import (
    NONE,
    decimal,
    listing,
    percent,
    sentence,
    share_texts,
    whole,
)
from segmentation.runs.records import Verdict
from segmentation.runs.worth import Rfm
from segmentation.worth.rfm import group_texts

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
