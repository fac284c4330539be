"""What is said of new customers: how far they differ from those that the segments were formed on."""

from collections.abc import Mapping

from segmentation.core.dataset import Dataset
from segmentation.core.privacy import SMALLEST_GROUP, all_but, counted, in_tens
from segmentation.core.text import count, escape
from segmentation.language import writing
from segmentation.language.writing import decimal, listing, percent
from segmentation.methods.tell import METHOD_CALLED
from segmentation.runs.worth import Fit
from segmentation.scoring.drift import SHIFTED, Drift

MOST_NAMED_OF_MOVED = 3  # segments


def drift(drift: Drift, labels: dict[str, str]) -> list[str]:
    """Say what has changed since the segments were formed, and whether they should be formed anew."""
    then, now = (writing.shares(getattr(part, side) for part in drift.shares) for side in ("then", "now"))
    expected = writing.shares(part.expected or 0 for part in drift.shares) if drift.age else [""] * len(then)
    rows = zip(drift.shares, then, now, expected, strict=True)
    shares = (f"{part.name} {a} to {b}{f' ({c} expected)' if c else ''}" for part, a, b, c in rows)
    index = (f"{labels[name]} {decimal(found.index)}" for name, found in drift.features.items())
    limits = [decimal(p.limit) for p in (*drift.features.values(), drift.segments)]
    limits = limits if len(set(limits)) > 1 else limits[:1]
    over = any(p.limit > SHIFTED for p in (*drift.features.values(), drift.segments))
    chance = f" (of so few customers chance gives up to {listing(limits)})" if over else ""
    segments = f"segments {decimal(drift.segments.index)}"
    told = [
        f"Shares of the segments, then to now: {', '.join(shares)}",
        f"Drift as population stability index: {', '.join(index)}, {segments}{chance}",
        against(drift, labels),
        f"Outside the range of the training data: {count(drift.outside, 'customer')} of {drift.customers:,}",
    ]
    warning = shift(drift, labels, "the training data")
    return [*told, f"Refresh the segmentation: {warning}"] if warning else told


def against(drift: Drift, labels: Mapping[str, str]) -> str:
    """Say with which former customers new ones are compared."""
    if drift.age:
        return f"Judged against former customers of as long standing ({labels.get(drift.age, drift.age)})"
    few, unknown = "too few of them were of as long standing", "nothing says of how long standing these are"
    return f"Judged against all former customers: {few if drift.aged else unknown}"


def shift(drift: Drift, labels: dict[str, str], then: str) -> str:
    """Say in what customers differ from `then` by more than chance; empty where they do not."""
    shifted = [labels[name] for name, found in drift.features.items() if found.shifted]
    shifted += ["the shares of the segments"] if drift.segments.shifted else []
    then = f"{then}, of customers of as long standing," if drift.age else then
    differ = "differs" if len(shifted) == 1 and shifted[0] in labels.values() else "differ"
    if not shifted:
        return ""
    return f"{listing(shifted)} {differ} from {then} by an index above {SHIFTED:g}, and by more than chance gives"


def scaled_as(run: str | None) -> str:
    """Say that features are scaled as in the run whose segments are kept; nothing where none are."""
    if run is None:
        return ""
    return (
        f"**The segments are those of {escape(run)}**, kept as they were: what follows asks how well they fit here, "
        "beside the best division of these customers into any other number. Features are scaled as there."
    )


def formed_as(run: str | None, method: str) -> str:
    """Say by which method the segments were formed that are kept; nothing where none are."""
    return f"The segments are those of {run}, which were formed by {METHOD_CALLED[method]}." if run else ""


def compared(run: str | None) -> str:
    """Say what other choices are compared with where segments are kept."""
    told = f"Each choice forms segments of these customers anew, and is compared with those of {escape(run or '')}."
    return told if run else ""


def fits(found: Fit | None, dataset: Dataset) -> str:
    """Say whether segments that are kept from an earlier run still fit, and how many customers a refit would move."""
    return f"**{escape(_verdict(found))}** {escape(_why(found, dataset))}" if found else ""


def as_record(found: Fit | None, dataset: Dataset) -> dict:
    """Return what k_selection.json holds of it."""
    return {"fit": {**found.content(), "told": f"{_verdict(found)} {_why(found, dataset)}"}} if found else {}


def _verdict(found: Fit) -> str:
    if found.refresh:
        return f"The segments of {found.model} no longer fit: refresh them, with BASE={found.model}."
    return f"The segments of {found.model} need no refresh."


def _why(found: Fit, dataset: Dataset) -> str:
    """Say how many customers a refit would move, beside what chance does, and in what they differ from the former."""
    private, moved = dataset.private, found.moved
    shown = in_tens(moved) if private else moved
    share = f" ({percent(shown / found.refitted)})" if shown else ""
    many = "none" if not moved else counted(moved, private=private) if moved < SMALLEST_GROUP else f"{shown:,}"
    of = all_but(found.customers - found.refitted, found.refitted, private=private)
    beyond = moved > found.chance * found.refitted
    chance = f"chance alone moves up to {percent(found.chance)}"
    beside = chance if found.refresh or not beyond else f"more than chance moves, {percent(found.chance)}, but too few"
    return " ".join(
        filter(
            None,
            [
                f"Formed anew on these customers, with the same number and method, segments would place {many} of "
                f"{of} differently{share}; {beside}.",
                _from_where(found, private=private),
                _differ(found, dataset),
            ],
        )
    )


def _from_where(found: Fit, *, private: bool) -> str:
    """Say which segments most of those would leave, where a refresh is asked for."""
    left = sorted((row for row in found.segments if row.moved), key=lambda row: -row.moved)
    named = [row for row in left[:MOST_NAMED_OF_MOVED] if not private or row.moved >= SMALLEST_GROUP]
    told = listing(f"{row.name} ({in_tens(row.moved) if private else row.moved:,})" for row in named)
    every = not private and len(named) == len(left)
    return f"{'They' if every else 'Most of them'} are now in {told}." if told and found.refresh else ""


def _differ(found: Fit, dataset: Dataset) -> str:
    """Say in what the customers differ from the former ones, and how many lie outside of what was known then."""
    labels = [dataset.label(name) if name else "the shares of the segments" for name in found.shifted]
    verb = "differs" if len(labels) == 1 and found.shifted[0] else "differ"
    told = f"{listing(labels)} {verb} from what the segments were formed on by more than chance gives" if labels else ""
    why = "" if found.refresh or not told else ", which asks for no refresh as long as it would move so few"
    many = counted(found.outside, private=dataset.private) if found.outside else "none"
    lies = "lies" if many == "1" else "lie"
    outside = f"Of {found.customers:,} customers {many} {lies} outside the range of what the segments were formed on."
    return f"{writing.sentence(told)}{why}. {outside}" if told else outside
