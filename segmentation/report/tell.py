"""What the report and the dashboard say around the chapters: the answer, how sure it is, and cards."""

import html
import re
from collections.abc import Sequence

from segmentation.core.dataset import ASSUMED, Dataset
from segmentation.core.figures import colour, glyph
from segmentation.core.privacy import DASH, HIDDEN, SMALLEST_GROUP
from segmentation.evidence.decision import (
    DISSOLVED,
    LEVEL,
    SIGNIFICANT,
    SMALL,
    STABLE,
    advice,
    counted,
    meaning,
    plainly,
)
from segmentation.language import mark, tr, trc, trn
from segmentation.language.glossary import glossary, named
from segmentation.language.writing import (
    decimal,
    listing,
    percent,
    percents,
    sentence,
    share_texts,
    show_index,
    spanning,
    whole,
)
from segmentation.report.explore import MOST_ROWS, embedded, explore_data
from segmentation.runs import tell as runs_tell
from segmentation.runs.artifacts import Cleaning, Lineage, Profiles, Selection
from segmentation.runs.manifest import versions
from segmentation.runs.records import OTHERS, Alternative, Profile, Stability, Verdict
from segmentation.runs.run import Run
from segmentation.segments.names import quoted
from segmentation.worth.campaign import campaigns
from segmentation.worth.tell import campaign

STRONG = ("natural", "reproducible")
MOST_MOVED = 2  # centres, on a card
MOST_ON_CARD = 5  # features, and descriptors: the others are folded
LEAST_REACH = 1.5  # standard deviations, of the scale of the dots
DOTS_WITHIN = 47  # hundredths to either side of the mean, so that a dot is whole


def who(segments: tuple[Profile, ...], verdict: str) -> str:
    """Say who the segments are, the largest first, or that they are parts of a cut."""
    largest_first = sorted(segments, key=lambda segment: -segment.size)
    shares, k = runs_tell.segment_shares(segments), len(segments)
    told = sentence(listing(f"{quoted(segment.name)} ({shares[segment.segment]})" for segment in largest_first)) + "."
    if k == 1:
        return tr("The customers are not divided: they are described as one part.")
    if verdict == "none":
        return trn(
            "Nothing shows that these customers fall into groups. A cut into {n} part would be arbitrary: {parts}",
            "Nothing shows that these customers fall into groups. A cut into {n} parts would be arbitrary: {parts}",
            k,
            parts=told,
        )
    if verdict == "constructive":
        return trn("A cut into {n} part: {parts}", "A cut into {n} parts: {parts}", k, parts=told)
    return told


def most(selection: Selection, profiles: Profiles, dataset: Dataset) -> str:
    """Say which segment has most of the main value for its size, and what all have of it together."""
    if selection.verdict == "none" or not (told := runs_tell.worth_most(profiles.segments, profiles.worth, dataset)):
        return ""
    return f"{told} {_together(profiles, dataset)}".strip()


def _together(profiles: Profiles, dataset: Dataset) -> str:
    """Say what the main value of all customers comes to, where it is shared out."""
    if not runs_tell.worth_shares(profiles) or not profiles.worth[0].total:
        return ""
    main = profiles.worth[0]
    value, total = sentence(dataset.words(main.column)), dataset.measured(main.column, main.total)
    if dataset.private:
        return tr("{value} of all customers together: about {total}.", value=value, total=total)
    return tr("{value} of all customers together: {total}.", value=value, total=total)


def answer(selection: Selection, profiles: Profiles, dataset: Dataset) -> str:
    """Say who the segments are, and which of them has most of the value for its size, where a column is one."""
    worth = runs_tell.worth_most(profiles.segments, profiles.worth, dataset)
    return f"{who(profiles.segments, selection.verdict)} {worth}".strip()


def sureness(selection: Selection) -> str:
    """Say how sure the segments are: the verdict and what to do with it, the evidence behind it, what limits it."""
    return " ".join(statistics(selection))


def statistics(selection: Selection) -> list[str]:
    """Return the same as the sentences that it consists of."""
    verdict = tr(
        "The verdict is {verdict}: {meaning}.",
        verdict=named(selection.verdict),
        meaning=meaning(selection.verdict, selection.k),
    )
    told = [selection.fit.told if selection.fit else "", verdict, advice(selection.verdict, selection.k)]
    told += [runs_tell.against(selection)] if selection.carried or selection.k != selection.best else []
    if measured := runs_tell.measured(selection):
        told.append(
            tr(
                "The mean silhouette is {silhouette}; over {resamples} resamples the least stable segment comes back "
                "with a Jaccard coefficient of {jaccard}, where 1 is always whole.",
                silhouette=measured[0],
                resamples=whole(selection.resamples),
                jaccard=measured[1],
            )
        )
    told += selection.caveats
    others = listing(f"{tr(name)} ({choice})" for name, choice in selection.dissent.items())
    told.append(
        tr("Other criteria would choose another number: {criteria}.", criteria=others)
        if others
        else tr("No criterion disagrees.")
    )
    strong = [row for row in selection.alternatives if row.verdict in STRONG]
    if strong and selection.verdict in STRONG:
        also = listing(_other(row, selection.k) for row in strong)
        told.append(tr("Other numbers of segments that come back too: {numbers}.", numbers=also))
    return [*filter(None, told)]


def _other(row: Alternative, k: int) -> str:
    """Return another number of segments, and how its segments differ."""
    verdict = named(row.verdict)
    if row.k < k:
        return tr("{k} (coarser, {verdict})", k=row.k, verdict=verdict)
    return tr("{k} (finer, {verdict})", k=row.k, verdict=verdict)


def cut(selection: Selection, dataset: Dataset) -> str | None:
    """Warn where the segments are not groups that exist by themselves, and say what is useful then."""
    useful = runs_tell.useful(selection, dataset, selection.features)
    if not selection.divided:
        return useful
    if selection.verdict in STRONG:
        return None
    if selection.verdict_of_best in STRONG:
        return trn(
            "The evidence speaks for {n} segment; these parts divide or join them.",
            "The evidence speaks for {n} segments; these parts divide or join them.",
            selection.best,
        )
    border = tr("These parts are a cut, not groups: customers on both sides of a border may differ little.")
    return f"{border} {useful}".strip()


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
    stability: list[Stability | None] = [*selection.chosen.segments] if selection.divided else [None]
    shares, planned = runs_tell.segment_shares(profiles.segments), campaigns(profiles, dataset)
    if lineage:
        stability = [stability[row.selected_as - 1] for row in lineage.now]
    return [
        _card(profile, stable, selection.verdict, selection.features, differing, dataset, lineage)
        | _dots(profile, shown, _reach(profiles), dataset)
        | ({"change": since(profile, profiles, lineage, dataset)} if lineage and lineage.then else {})
        | {"share": shares[profile.segment], "worth": runs_tell.worth_line(profile.segment, profiles, dataset)}
        | _value(profile.segment, profiles, dataset)
        | {"campaign": campaign(planned[profile.segment], dataset) if planned else None}
        for profile, stable in zip(profiles.segments, stability, strict=True)
    ]


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
        "interval": spanning(profile.centre_interval[name], dataset.axis(name).form),
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


SET_BY = {
    "command line": mark("command line"),
    "notebook": mark("notebook"),
    "default": mark("default"),
    "table": mark("table"),
    "the table's name": mark("the table's name"),
    ASSUMED: mark("assumed"),
}


def _as_written(row: dict, described: str, features: Sequence[str], dataset: Dataset) -> dict:
    """Return who set a parameter; and the features of a table that nobody has described as its headers are."""
    told = {"set_by": tr(SET_BY[row["set_by"]])} if row["set_by"] in SET_BY else {}
    if row["name"] != "features" or described != ASSUMED:
        return told
    return told | {"value": ",".join(dataset.columns[name].headers(name)[-1] for name in features)}


def around(study: Run, chapters: list[dict], parameters: list[dict]) -> dict:
    """Return what the template shows around the chapters, every figure of it from the artifacts.

    Parameters
    ----------
    chapters : list of dict
        anchor, title and answer of each.
    """
    cleaning, selection, profiles = (study.read(f"{name}.json") for name in ("cleaning", "k_selection", "profiles"))
    dataset, private = study.dataset, study.dataset.private
    lineage, set_to = study.lineage(), {row["name"]: row for row in parameters}
    told = cards(selection, profiles, dataset, lineage)
    described, set_by = set_to["dataset"]["value"], set_to["features"]["set_by"]
    return {
        "title": runs_tell.headline(selection, profiles),
        "dataset": dataset.title,
        "assumed": runs_tell.assumed(described, dataset, selection.features, set_by),
        "heading": heading(selection),
        "plain": plainly(selection),
        "most": most(selection, profiles, dataset),
        "statistics": statistics(selection),
        **glossed(),
        "base": lineage and lineage.base,
        "changes": changes(selection, lineage),
        "warning": cut(selection, dataset),
        **at_a_glance(told),
        "across": across(len(told)),
        "planned": any(card["campaign"] for card in told),
        "chapters": chapters,
        "method": method(cleaning, selection, dataset),
        "parameters": [row | _as_written(row, described, selection.features, dataset) for row in parameters],
        "data": _data(cleaning, dataset),
        "versions": versions(),
        "explore": embedded(explore_data(study, seed=selection.seed)),
        "explore_note": explore(profiles.customers, private=private),
        "downloads": not private,
        "level": percent(LEVEL),
        "rounding": rounding() if private else None,
    }


def at_a_glance(told: list[dict]) -> dict:
    """Return what the first screen shows of the cards, how long its longest bar is, and whether anything is done."""
    longest = max([1, *(max(card["long"], card["value_long"]) for card in told)])
    return {"cards": told, "longest": longest, "acted": any(card["action"] for card in told)}


def glossed() -> dict:
    """Return the words that are explained, and what links each of them where it first stands in a text of the page."""
    words = [*glossary(level=percent(LEVEL), stable=decimal(STABLE), dissolved=decimal(DISSOLVED))]
    keys = {form.casefold(): word.key for word in words for form in word.forms}
    forms = "|".join(map(re.escape, sorted(keys, key=len, reverse=True)))
    linked: set[str] = set()

    def link(found: re.Match) -> str:
        key = keys[found[0].casefold()]
        if key in linked:
            return found[0]
        linked.add(key)
        return f'<a href="#term-{key}">{found[0]}</a>'

    def explained(text: str) -> str:
        return re.sub(rf"\b(?:{forms})\b", link, html.escape(text), flags=re.I)

    return {"glossary": words, "explained": explained}


def changes(selection: Selection, lineage: Lineage | None) -> str | None:
    """Say what became of earlier segments, and of those that are kept whether they should be formed anew."""
    anew = selection.fit.told if selection.fit and selection.fit.refresh else ""
    return f"{runs_tell.lineage(lineage)} {anew}".strip() if lineage else None


def heading(selection: Selection) -> str:
    """Return what stands over the cards."""
    if not selection.divided:
        return tr("All customers")
    return tr("The segments") if selection.verdict in STRONG else tr("The parts")


def across(cards: int) -> int:
    """Return how many cards stand beside each other on a wide page, so that none stands alone in the last row."""
    return next((n for n in (3, 4, 2) if cards >= n and cards % n != 1), min(cards, 3))


def method(cleaning: Cleaning, selection: Selection, dataset: Dataset) -> list[dict]:
    """Return in half a page how the report came to its answer: heading and text of each step."""
    formed = listing(dataset.label(name) for name in selection.features)
    number = sentence(f"{counted(selection.k, selection.verdict)}: {runs_tell.choice(selection)}.")
    resampled = tr(
        "Ranges are {level} intervals over {resamples} resamples: what other samples of such customers would give.",
        level=percent(LEVEL),
        resamples=whole(selection.refits),
    )
    steps = [
        (tr("Customers"), f"{runs_tell.rows(cleaning, runs_tell.few(dataset))}."),
        (tr("Features"), tr("These formed the segments: {features}. All else only describes them.", features=formed)),
        (tr("Forming"), selection.formed_why),
        (tr("Number"), number),
        (tr("Ranges"), resampled),
        (tr("Privacy"), rounding() if dataset.private else ""),
    ]
    return [{"label": label, "told": told} for label, told in steps if told]


def rounding() -> str:
    """Say once how exactly the figures of a private table are told, and what is not."""
    return tr(
        "The table is private: but for the sizes of the segments, figures are rounded, in text, tables and drawings "
        "alike, so that no single customer can be worked out from them: means by the range and size of their group, "
        "percentiles to what ten customers span. Shares of categories are in steps of five "
        "customers or more, need not be 100% together, and are drawn as parts of their sum; {hidden}.",
        hidden=tr(HIDDEN),
    )


def explore(customers: int, *, private: bool) -> str:
    """Say what the Explore section holds."""
    if private:
        return trn(
            "The picture counts each segment in groups of {n} customer or more alike, so no mark stands for fewer; the "
            "sizes of the segments are exact. No row of the table is inside.",
            "The picture counts each segment in groups of {n} customers or more alike, so no mark stands for fewer; "
            "the sizes of the segments are exact. No row of the table is inside.",
            SMALLEST_GROUP,
        )
    if customers > MOST_ROWS:
        return tr(
            "A random sample of {drawn} of the {all} customers, rounded and without ids. Nothing leaves this file.",
            drawn=whole(MOST_ROWS),
            all=whole(customers),
        )
    return trn(
        "All {n} customer, rounded and without ids. Nothing leaves this file.",
        "All {n} customers, rounded and without ids. Nothing leaves this file.",
        customers,
        n=whole(customers),
    )


def _data(cleaning: Cleaning, dataset) -> list[dict]:
    source = dataset.source
    rows = [
        (tr("File"), cleaning.file),
        *(("SHA-256", digest) for digest in cleaning.files.values()),
        (tr("Fingerprint"), cleaning.fingerprint),
        (tr("Rows"), runs_tell.rows(cleaning, runs_tell.few(dataset))),
        (tr("Licence"), source.licence if source else None),
        (tr("Citation"), source.citation if source else None),
    ]
    return [{"label": label, "value": value} for label, value in rows if value]
