"""What the card of each segment says."""

from collections.abc import Sequence

from segmentation.core.dataset import Dataset
from segmentation.core.figures import colour, glyph
from segmentation.core.privacy import DASH
from segmentation.evidence.decision import (
    SIGNIFICANT,
    SMALL,
)
from segmentation.language import tr, trc, trn
from segmentation.language.writing import (
    decimal,
    listing,
    percents,
    share_texts,
    show_index,
)
from segmentation.runs import tell as runs_tell
from segmentation.runs.artifacts import Lineage, Profiles, Selection
from segmentation.runs.records import OTHERS, Profile, Stability, Verdict
from segmentation.worth.campaign import campaigns
from segmentation.worth.tell import campaign

STRONG = ("natural", "reproducible")
MOST_MOVED = 2  # centres, on a card
MOST_ON_CARD = 5  # features, and descriptors: the others are folded
LEAST_REACH = 1.5  # standard deviations, of the scale of the dots
DOTS_WITHIN = 47  # hundredths to either side of the mean, so that a dot is whole


def _differing(profiles: Profiles) -> list[str]:
    """Return the descriptors that differ between the segments by more than chance gives, what differs most first."""
    return [test.descriptor for test in profiles.tests if test.p_corrected <= SIGNIFICANT]


def cards(selection: Selection, profiles: Profiles, dataset: Dataset, lineage: Lineage | None) -> list[dict]:
    """Return what the card of each segment says, as text; page, slides and dashboard show the same.

    Returns
    -------
    list of dict
        segment, name, level_name, key ("segment 2"), colour, glyph; action with what_to_do over it, or None, and advice
        (both in one); size,
        share, share_interval; long (that share in hundredths); value (its share of the main value as text, None
        where there is none to share), of_value ("of revenue"), value_long, worth (both as a line, or ""); dots and
        more_dots (of each feature label, told, and place: where its centre stands on a scale from 0 to 100 that all
        cards have, 50 is the mean of all, None where that is not shown); features (label, centre, interval, index);
        kinds, descriptors and more_descriptors (label, told); stability, small, dash, bent, unindexed, change,
        campaign: text or None.
    """
    differing, shown = _differing(profiles), _dotted(profiles, selection.features)
    shares, planned = runs_tell.segment_shares(profiles.segments), campaigns(profiles, dataset)
    return [
        _card(profile, stable, selection.verdict, selection.features, differing, dataset, lineage)
        | _dots(profile, shown, _reach(profiles), dataset)
        | ({"change": since(profile, profiles, lineage, dataset)} if lineage and lineage.then else {})
        | {"share": shares[profile.segment], "worth": runs_tell.worth_line(profile.segment, profiles, dataset)}
        | _value(profile.segment, profiles, dataset)
        | {"campaign": campaign(planned[profile.segment], dataset) if planned else None}
        for profile, stable in zip(profiles.segments, stabilities(selection, lineage), strict=True)
    ]


def stabilities(selection: Selection, lineage: Lineage | None) -> list[Stability | None]:
    """Return how often each segment comes back, in the order in which the segments are numbered; None of one part."""
    own: list[Stability | None] = [*selection.chosen.segments] if selection.divided else [None]
    return [own[row.selected_as - 1] for row in lineage.now] if lineage else own


def _card(
    profile: Profile,
    stability: Stability | None,
    verdict: Verdict,
    features: Sequence[str],
    differing: list[str],
    dataset: Dataset,
    lineage: Lineage | None,
) -> dict:
    segment, part = profile.segment, verdict not in STRONG
    kinds = [name for name in features if name not in profile.centre]
    suggested = trc("over an action", "Suggestion") if profile.suggested else trc("over an action", "What to do")
    return {
        **profile.model_dump(include={"segment", "name", "level_name"}),
        "action": None if verdict == "none" else profile.action,
        "advice": profile.action and verdict != "none" and _advice(profile),
        "what_to_do": suggested,
        "key": tr("part {number}", number=segment) if part else tr("segment {number}", number=segment),
        "colour": colour(segment),
        "glyph": glyph(segment),
        "size": _customers(profile.size),
        "long": _long(profile.share),
        "share_interval": percents(profile.share_interval),
        "small": tr("Small: fewer than {least} customers.", least=SMALL) if profile.size < SMALL else None,
        "stability": decimal(stability.jaccard) if stability else None,
        "bent": runs_tell.transformed(profile, dataset),
        "unindexed": runs_tell.unindexed(profile, dataset),
        "dash": tr(DASH) if None in profile.centre.values() else None,
        "change": runs_tell.origin(lineage.now[segment - 1], lineage) if lineage else None,
        "features": [_card_feature(profile, name, dataset) for name in [*_numbers(features, profile), *kinds]],
        "kinds": [_described(profile, name, dataset) for name in kinds],
        **_folded("descriptors", [_described(profile, name, dataset) for name in differing]),
    }


def _advice(profile: Profile) -> str | None:
    """Return what to do, and before it that it is a suggestion, where it is one."""
    return profile.marked


def _customers(n: int) -> str:
    return trn("{n} customer", "{n} customers", n)


def _long(share: float | None) -> float:
    """Return how long the bar of a share is, in hundredths: no longer than what is told of it."""
    return max(0, round(100 * (share or 0)))


def _value(segment: int, profiles: Profiles, dataset: Dataset) -> dict:
    """Return the share of the main value that a segment has, as text and as the length of a bar."""
    shares = runs_tell.worth_shares(profiles)
    if not shares:
        return {"value": None, "of_value": None, "value_long": 0}
    part = next(part for part in profiles.worth[0].parts if part.segment == segment)
    of_value = tr("of {value}", value=dataset.words(profiles.worth[0].column))
    return {"value": shares[segment] or tr("not shown"), "of_value": of_value, "value_long": _long(part.share)}


def _dotted(profiles: Profiles, features: Sequence[str]) -> list[str]:
    """Return the features in the order of all cards: as dataset.yaml has them, of many the most telling ones first."""
    names = _numbers(features, profiles.segments[0])
    if len(names) <= MOST_ON_CARD + 1 or len(profiles.segments) == 1:
        return names
    apart = {name: max(abs(own.standing.get(name) or 0) for own in profiles.segments) for name in names}
    return sorted(names, key=lambda name: -apart[name])


def _numbers(features: Sequence[str], profile: Profile) -> list[str]:
    """Return the features that have a centre, in the order that a reader knows."""
    return [name for name in features if name in profile.centre]


def _reach(profiles: Profiles) -> float:
    """Return how many standard deviations the scale of the dots reaches to both sides, the same on every card."""
    known = (abs(place) for own in profiles.segments for place in own.standing.values() if place is not None)
    return max(LEAST_REACH, *known, 0)


def _dots(profile: Profile, names: list[str], reach: float, dataset: Dataset) -> dict[str, list[dict]]:
    """Return where the centre of each feature stands against the mean; nothing where all are one part."""
    if not profile.standing or not any(profile.standing.values()):
        return {"dots": [], "more_dots": []}
    stands = {name: profile.standing.get(name) for name in names}
    places = {name: None if z is None else round(50 + DOTS_WITHIN * z / reach, 1) for name, z in stands.items()}
    return _folded(
        "dots",
        [
            {"label": dataset.label(name), "told": dataset.measured(name, profile.centre[name]), "place": places[name]}
            for name in names
        ],
    )


def since(profile: Profile, profiles: Profiles, lineage: Lineage, dataset: Dataset) -> str:
    """Say what a segment that is kept was then: its share, and what it was worth, and which centres have moved."""
    assert lineage.then is not None  # of segments that are kept
    before, segment = lineage.then, profile.segment
    was = runs_tell.worth_line(segment, before, dataset) if profiles.worth else ""
    was = was or tr("{share} of customers", share=runs_tell.segment_shares(before.segments)[segment])
    old = before.segments[segment - 1]
    both = {name: (old.centre_interval[name], profile.centre_interval[name]) for name in old.centre}
    shown = {name: (then, now) for name, (then, now) in both.items() if then and now}
    apart = [name for name, (then, now) in shown.items() if then[1] < now[0] or now[1] < then[0]]
    moved = [
        tr("{feature} was {centre}", feature=dataset.label(name), centre=dataset.measured(name, old.centre[name]))
        for name in apart
    ]
    if len(moved) > MOST_MOVED + 1:
        more = len(moved) - MOST_MOVED
        moved = [*moved[:MOST_MOVED], trn("{n} other centre moved", "{n} other centres moved", more)]
    if moved:
        return tr("In {run}: {shares}; {moved}.", run=lineage.base, shares=was, moved=listing(moved))
    if len(shown) == len(both) > 0:
        return tr("In {run}: {shares}; no centre moved by more than the intervals allow.", run=lineage.base, shares=was)
    return tr("In {run}: {shares}.", run=lineage.base, shares=was)


def _folded(part: str, rows: list[dict]) -> dict[str, list[dict]]:
    """Return the first rows of a part of a card, and those that are folded beneath, never a single one."""
    most = MOST_ON_CARD if len(rows) > MOST_ON_CARD + 1 else len(rows)
    return {part: rows[:most], f"more_{part}": rows[most:]}


def _described(profile: Profile, name: str, dataset: Dataset) -> dict:
    """Return what a card says of a descriptor, or of a feature that is a category."""
    return {"label": dataset.label(name), "told": _tell_descriptor(profile.descriptors[name], dataset, name)}


def _card_feature(profile: Profile, name: str, dataset: Dataset) -> dict:
    """Return what a card says of a feature: of one that is a category the shares of the largest."""
    if name not in profile.centre:
        told = _tell_descriptor(profile.descriptors[name], dataset, name)
        return {"label": dataset.label(name), "centre": told, "interval": "", "index": ""}
    return {
        "label": dataset.label(name),
        "centre": dataset.measured(name, profile.centre[name]),
        "interval": dataset.ranged(name, profile.centre_interval[name]),
        "index": show_index(profile.index[name]),
    }


def _tell_descriptor(values: dict, dataset: Dataset, name: str) -> str:
    """Return the median, or the three largest shares; says where groups are hidden, or nobody has a value."""
    column, private = dataset.columns[name], dataset.private
    if values and column.type == "yes/no" and column.numeric:
        return dataset.amount(name, values["mean"]) if "mean" in values else tr("not shown")
    if values and column.numeric:
        median = values["median"]  # between two levels lies nothing
        median = median // 1 if column.levels and median is not None else median
        return tr("{value} (median)", value=dataset.one(name, median))
    shown = {name: share for name, share in values.items() if share is not None}
    told, top = share_texts(shown, rounded=private), sorted(shown.items(), key=lambda item: (-item[1], item[0]))[:3]
    parts = [f"{name} {told[name]}" for name, share in top if share]
    if OTHERS in values and parts:
        parts.append(tr("the rest not shown here") if len(top) == len(shown) else tr("others not shown here"))
    elif OTHERS in values:
        parts.append(tr("not shown"))
    return ", ".join(parts) or tr("not known")


def across(cards: int) -> int:
    """Return how many cards stand beside each other on a wide page, so that none stands alone in the last row."""
    return next((n for n in (3, 4, 2) if cards >= n and cards % n != 1), min(cards, 3))
