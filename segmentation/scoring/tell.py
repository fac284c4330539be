"""What is said of new customers: how far they differ from those that the segments were formed on."""

from collections.abc import Iterator, Mapping

from segmentation.core.dataset import Dataset
from segmentation.core.errors import AT_HOME, as_option
from segmentation.core.privacy import SMALLEST_GROUP, all_but, counted, in_tens
from segmentation.core.text import escape
from segmentation.language import tr, trn, writing
from segmentation.language.writing import decimal, listing, percent, whole
from segmentation.methods.tell import METHOD_CALLED
from segmentation.runs.run import Run
from segmentation.runs.worth import Fit
from segmentation.scoring.drift import SHIFTED, Drift
from segmentation.scoring.place import Scored

MOST_NAMED_OF_MOVED = 3  # segments


def scored(found: Scored, study: Run) -> list[str]:
    """Say how many customers were scored, how many rows refused, to which day is counted, and what has changed."""
    told = [
        trn(
            "{n} customer scored with the model of run {run}",
            "{n} customers scored with the model of run {run}",
            found.drift.customers,
            run=study.name,
        ),
        trn("{n} row refused, with the reasons", "{n} rows refused, with the reasons", found.rows_refused)
        if found.rows_refused
        else tr("no rows refused"),
    ]
    if found.counted_to:
        day = writing.day(found.counted_to)
        told.append(tr("days are counted to {day}, the day after its latest date", day=day))
    return [*told, *drift(found.drift, {name: study.dataset.label(name) for name in study.dataset.columns})]


def drift(drift: Drift, labels: dict[str, str]) -> list[str]:
    """Say what has changed since the segments were formed, and whether they should be formed anew."""
    told = [
        tr("Shares of the segments, then to now: {shares}", shares=", ".join(_shares(drift))),
        _indices(drift, labels),
        against(drift, labels),
        trn(
            "Outside the range of the training data: {n} customer of {customers}",
            "Outside the range of the training data: {n} customers of {customers}",
            drift.outside,
            customers=whole(drift.customers),
        ),
    ]
    warning = shift(drift, labels, tr("the training data"))
    return [*told, tr("Refresh the segmentation: {why}", why=warning)] if warning else told


def _shares(drift: Drift) -> Iterator[str]:
    """Yield the share of each segment then and now, and the one to be expected by how long customers are known."""
    then, now = (writing.shares(getattr(part, side) for part in drift.shares) for side in ("then", "now"))
    expected = writing.shares(part.expected or 0 for part in drift.shares) if drift.age else [""] * len(then)
    for part, before, after, awaited in zip(drift.shares, then, now, expected, strict=True):
        told = {"segment": part.name, "then": before, "now": after}
        if awaited:
            yield tr("{segment} {then} to {now} ({expected} expected)", expected=awaited, **told)
        else:
            yield tr("{segment} {then} to {now}", **told)


def _indices(drift: Drift, labels: dict[str, str]) -> str:
    """Return how far each feature and the shares of the segments have drifted, and how far chance alone goes."""
    indices = [f"{labels[name]} {decimal(found.index)}" for name, found in drift.features.items()]
    indices += [tr("segments {index}", index=decimal(drift.segments.index))]
    told = tr("Drift as population stability index: {indices}", indices=", ".join(indices))
    asked = (*drift.features.values(), drift.segments)
    limits = [decimal(p.limit) for p in asked]
    limits = limits if len(set(limits)) > 1 else limits[:1]
    chance = tr("(of so few customers chance gives up to {limits})", limits=listing(limits))
    return f"{told} {chance}" if any(p.limit > SHIFTED for p in asked) else told


def against(drift: Drift, labels: Mapping[str, str]) -> str:
    """Say with which former customers new ones are compared."""
    if drift.age:
        label = labels.get(drift.age, drift.age)
        return tr("Judged against former customers of as long standing ({label})", label=label)
    if drift.aged:
        return tr("Judged against all former customers: too few of them were of as long standing")
    return tr("Judged against all former customers: nothing says of how long standing these are")


def shift(drift: Drift, labels: dict[str, str], then: str) -> str:
    """Say in what customers differ from `then` by more than chance; empty where they do not."""
    shifted = [labels[name] for name, found in drift.features.items() if found.shifted]
    shifted += [tr("the shares of the segments")] if drift.segments.shifted else []
    if not shifted:
        return ""
    many = len(shifted) + drift.segments.shifted  # the shares are several
    told = {"what": listing(shifted), "then": then, "limit": decimal(SHIFTED)}
    if drift.age:
        return trn(
            "{what} differs from {then}, of customers of as long standing, by an index above {limit}, and by more than "
            "chance gives",
            "{what} differ from {then}, of customers of as long standing, by an index above {limit}, and by more than "
            "chance gives",
            many,
            **told,
        )
    return trn(
        "{what} differs from {then} by an index above {limit}, and by more than chance gives",
        "{what} differ from {then} by an index above {limit}, and by more than chance gives",
        many,
        **told,
    )


def scaled_as(run: str | None) -> str:
    """Say that features are scaled as in the run whose segments are kept; nothing where none are."""
    if run is None:
        return ""
    return tr(
        "**The segments are those of {run}**, kept as they were: what follows asks how well they fit here, beside the "
        "best division of these customers into any other number. Features are scaled as there.",
        run=escape(run),
    )


def formed_as(run: str | None, method: str) -> str:
    """Say by which method the segments were formed that are kept; nothing where none are."""
    told = {"run": run, "method": tr(METHOD_CALLED[method])}
    return tr("The segments are those of {run}, which were formed by {method}.", **told) if run else ""


def compared(run: str | None) -> str:
    """Say what other choices are compared with where segments are kept."""
    if run is None:
        return ""
    return tr(
        "Each choice forms segments of these customers anew, and is compared with those of {run}.", run=escape(run)
    )


def fits(found: Fit | None, dataset: Dataset) -> str:
    """Say whether segments that are kept from an earlier run still fit, and how many customers a refit would move."""
    return f"**{escape(_verdict(found))}** {escape(_why(found, dataset))}" if found else ""


def as_record(found: Fit | None, dataset: Dataset) -> dict:
    """Return what k_selection.json holds of it."""
    return {"fit": {**found.content(), "told": f"{_verdict(found)} {_why(found, dataset)}"}} if found else {}


def _verdict(found: Fit) -> str:
    if found.refresh:
        option = as_option("base", found.model, by=AT_HOME)
        return tr("The segments of {run} no longer fit: refresh them, with {option}.", run=found.model, option=option)
    return tr("The segments of {run} need no refresh.", run=found.model)


def _why(found: Fit, dataset: Dataset) -> str:
    """Say how many customers a refit would move, beside what chance does, and in what they differ from the former."""
    told = [_refit(found, private=dataset.private), _chance(found), _from_where(found, private=dataset.private)]
    return " ".join(filter(None, [*told, *_differ(found, dataset)]))


def _refit(found: Fit, *, private: bool) -> str:
    """Say how many customers segments formed anew would place differently."""
    moved, shown = found.moved, in_tens(found.moved) if private else found.moved
    of = all_but(found.customers - found.refitted, found.refitted, private=private)
    if not moved:
        return tr(
            "Formed anew on these customers, with the same number and method, segments would place none of {customers} "
            "differently.",
            customers=of,
        )
    many = counted(moved, private=private) if moved < SMALLEST_GROUP else whole(shown)
    if not shown:
        return tr(
            "Formed anew on these customers, with the same number and method, segments would place {n} of {customers} "
            "differently.",
            n=many,
            customers=of,
        )
    return tr(
        "Formed anew on these customers, with the same number and method, segments would place {n} of {customers} "
        "differently ({share}).",
        n=many,
        customers=of,
        share=percent(shown / found.refitted),
    )


def _chance(found: Fit) -> str:
    """Say how many chance alone moves, and where more are moved and no refresh is asked for, that they are few."""
    share = percent(found.chance)
    if found.refresh or found.moved <= found.chance * found.refitted:
        return tr("Chance alone moves up to {share}.", share=share)
    return tr("That is more than chance moves ({share}), but too few.", share=share)


def _from_where(found: Fit, *, private: bool) -> str:
    """Say which segments most of those would leave, where a refresh is asked for."""
    left = sorted((row for row in found.segments if row.moved), key=lambda row: -row.moved)
    named = [row for row in left[:MOST_NAMED_OF_MOVED] if not private or row.moved >= SMALLEST_GROUP]
    told = listing(f"{row.name} ({whole(in_tens(row.moved) if private else row.moved)})" for row in named)
    if not told or not found.refresh:
        return ""
    if not private and len(named) == len(left):
        return tr("They are now in {segments}.", segments=told)
    return tr("Most of them are now in {segments}.", segments=told)


def _differ(found: Fit, dataset: Dataset) -> Iterator[str]:
    """Say in what the customers differ from the former ones, and how many lie outside of what was known then."""
    labels = [dataset.label(name) if name else tr("the shares of the segments") for name in found.shifted]
    if labels:
        yield trn(
            "{what} differs from what the segments were formed on by more than chance gives.",
            "{what} differ from what the segments were formed on by more than chance gives.",
            1 if len(labels) == 1 and found.shifted[0] else 2,
            what=writing.sentence(listing(labels)),
        )
        if not found.refresh:
            yield tr("That asks for no refresh as long as it would move so few.")
    customers = whole(found.customers)
    if not found.outside:
        yield tr(
            "Of {customers} customers none lies outside the range of what the segments were formed on.",
            customers=customers,
        )
    else:
        yield trn(
            "Of {customers} customers {n} lies outside the range of what the segments were formed on.",
            "Of {customers} customers {n} lie outside the range of what the segments were formed on.",
            1 if found.outside == 1 and not dataset.private else 2,
            n=counted(found.outside, private=dataset.private),
            customers=customers,
        )
