"""What the report and the dashboard say around the chapters: the answer, how sure it is, key figures, and cards."""

from collections.abc import Sequence

from segmentation.core.dataset import ASSUMED, Dataset
from segmentation.core.figures import colour, glyph
from segmentation.core.privacy import DASH, HIDDEN, SMALLEST_GROUP, WHY_NOT
from segmentation.core.text import count
from segmentation.evidence.decision import LEVEL, NOUNS, SIGNIFICANT, SMALL, advice, meaning
from segmentation.language.writing import (
    amount,
    decimal,
    listing,
    percent,
    percents,
    sentence,
    share_texts,
    show_index,
    spanning,
)
from segmentation.report.explore import MOST_ROWS, embedded, explore_data
from segmentation.runs import tell as runs_tell
from segmentation.runs.artifacts import Cleaning, Lineage, Profiles, Selection
from segmentation.runs.manifest import versions
from segmentation.runs.records import OTHERS, Profile, Stability, Verdict
from segmentation.runs.run import Run
from segmentation.worth.campaign import Campaign, campaigns

A_SUGGESTION = "What to do (a suggestion)"  # over an action that nobody has given
STRONG = ("natural", "reproducible")
MOST_MOVED = 2  # centres, on a card
MOST_ON_CARD = 5  # features, and descriptors: the others are folded


def who(segments: tuple[Profile, ...], verdict: str) -> str:
    """Say who the segments are, the largest first, or that they are parts of a cut."""
    largest_first = sorted(segments, key=lambda segment: -segment.size)
    shares = runs_tell.segment_shares(segments)
    told = sentence(listing(f"{segment.name} ({shares[segment.segment]})" for segment in largest_first)) + "."
    parts = count(len(segments), "part")
    if len(segments) == 1:
        return "The customers are not divided: they are described as one part."
    if verdict == "none":
        return f"Nothing shows that these customers fall into groups. A cut into {parts} would be arbitrary: {told}"
    return f"A cut into {parts}: {told}" if verdict == "constructive" else told


def answer(selection: Selection, profiles: Profiles, dataset: Dataset) -> str:
    """Say who the segments are, and which of them has most of the value for its size, where a column is one."""
    worth = runs_tell.worth_most(profiles.segments, profiles.worth, dataset)
    return f"{who(profiles.segments, selection.verdict)} {worth}".strip()


def sureness(selection: Selection) -> str:
    """Say how sure the segments are: the verdict and what to do with it, the evidence behind it, what limits it."""
    told = [
        selection.fit.told if selection.fit else "",
        f"The verdict is {selection.verdict}: {meaning(selection.verdict, selection.k)}.",
        advice(selection.verdict, selection.k),
    ]
    told += [runs_tell.against(selection)] if selection.carried or selection.k != selection.best else []
    if measured := runs_tell.measured(selection):
        told.append(
            f"The mean silhouette is {measured[0]}; over {selection.resamples:,} resamples the least stable segment "
            f"comes back with a Jaccard coefficient of {measured[1]}, where 1 is always whole."
        )
    told += selection.caveats
    others = listing(f"{name} ({choice})" for name, choice in selection.dissent.items())
    told.append(f"Other criteria would choose another number: {others}." if others else "No criterion disagrees.")
    strong = [row for row in selection.alternatives if row.verdict in STRONG]
    if strong and selection.verdict in STRONG:
        also = listing(f"{row.k} ({'coarser' if row.k < selection.k else 'finer'}, {row.verdict})" for row in strong)
        told.append(f"Other numbers of segments that come back too: {also}.")
    return " ".join(filter(None, told))


def cut(selection: Selection, dataset: Dataset) -> str | None:
    """Warn where the segments are not groups that exist by themselves, and say what is useful then."""
    useful = runs_tell.useful(selection, dataset, selection.features)
    if not selection.divided:
        return useful
    if selection.verdict in STRONG:
        return None
    if selection.verdict_of_best in STRONG:
        return f"The evidence speaks for {count(selection.best, 'segment')}; these parts divide or join them."
    return f"These parts are a cut, not groups: customers on both sides of a border may differ little. {useful}"


def key_figures(cleaning: Cleaning, selection: Selection, dataset: Dataset) -> list[dict]:
    """Return the four figures that a reader needs first, each its value, label and note; without a division two."""
    how, few = runs_tell.choice(selection), runs_tell.few(dataset)
    cut = selection.verdict == "none" and selection.divided
    figures: list[dict] = [
        {
            "value": f"{cleaning.customers:,}",
            "label": "customers",
            "note": f"{runs_tell.rows_in(cleaning, few)} rows in, {few(cleaning.rejected)} refused",
        },
        {
            "value": 0 if cut else selection.k,
            "label": "segments" if cut else f"{NOUNS[selection.verdict]}s" if selection.divided else "part",
            "note": f"only a cut into {selection.k} parts, {how}" if cut else how,
        },
    ]
    explained = [
        ("mean silhouette", "1 is far apart, 0 is no border at all"),
        (f"least stable {NOUNS[selection.verdict]}", "Jaccard coefficient over resamples; 1 is always whole"),
    ]
    measured = zip(runs_tell.measured(selection), explained, strict=False)
    return figures + [{"value": value, "label": label, "note": note} for value, (label, note) in measured]


def _differing(profiles: Profiles) -> list[str]:
    """Return the descriptors that differ between the segments by more than chance gives, what differs most first."""
    return [test.descriptor for test in profiles.tests if test.p_corrected <= SIGNIFICANT]


def cards(selection: Selection, profiles: Profiles, dataset: Dataset, lineage: Lineage | None) -> list[dict]:
    """Return what the card of each segment says, as text; of a run with a base also where it comes from."""
    differing = _differing(profiles)
    stability: list[Stability | None] = [*selection.chosen.segments] if selection.divided else [None]
    shares, planned = runs_tell.segment_shares(profiles.segments), campaigns(profiles, dataset)
    if lineage:
        stability = [stability[row.selected_as - 1] for row in lineage.now]
    return [
        _card(profile, stable, selection.verdict, selection.features, differing, dataset, lineage)
        | ({"change": since(profile, profiles, lineage, dataset)} if lineage and lineage.then else {})
        | {"share": shares[profile.segment], "worth": runs_tell.worth_line(profile.segment, profiles, dataset)}
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
    segment = profile.segment
    kinds = [name for name in features if name not in profile.centre]
    return {
        **profile.model_dump(include={"segment", "name", "level_name"}),
        "action": profile.advised(verdict) and profile.action,
        "what_to_do": A_SUGGESTION if profile.suggested else "What to do",
        "noun": NOUNS[verdict],
        "colour": colour(segment),
        "glyph": glyph(segment),
        "size": count(profile.size, "customer"),
        "share_interval": percents(profile.share_interval),
        "small": f"Small: fewer than {SMALL} customers." if profile.size < SMALL else None,
        "stability": decimal(stability.jaccard) if stability else None,
        "bent": runs_tell.transformed(profile, dataset),
        "unindexed": runs_tell.unindexed(profile, dataset),
        "dash": DASH if None in profile.centre.values() else None,
        "change": runs_tell.origin(lineage.now[segment - 1], lineage) if lineage else None,
        **_folded("features", [_card_feature(profile, name, dataset) for name in [*_shown_first(profile), *kinds]]),
        **_folded(
            "descriptors",
            [
                {"label": dataset.label(name), "told": _tell_descriptor(profile.descriptors[name], dataset, name)}
                for name in differing
            ],
        ),
    }


def since(profile: Profile, profiles: Profiles, lineage: Lineage, dataset: Dataset) -> str:
    """Say what a segment that is kept was then: its share, and what it was worth, and which centres have moved."""
    assert lineage.then is not None  # of segments that are kept
    before, segment = lineage.then, profile.segment
    was = runs_tell.worth_line(segment, before, dataset) if profiles.worth else ""
    was = was or f"{runs_tell.segment_shares(before.segments)[segment]} of customers"
    old = before.segments[segment - 1]
    both = {name: (old.centre_interval[name], profile.centre_interval[name]) for name in old.centre}
    shown = {name: (then, now) for name, (then, now) in both.items() if then and now}
    apart = [name for name, (then, now) in shown.items() if then[1] < now[0] or now[1] < then[0]]
    moved = [f"{dataset.label(name)} was {dataset.measured(name, old.centre[name])}" for name in apart]
    more = [count(len(moved) - MOST_MOVED, "other centre") + " moved"] if len(moved) > MOST_MOVED + 1 else []
    moved = [*moved[:MOST_MOVED], *more] if more else moved
    same = "; no centre moved by more than the intervals allow" if len(shown) == len(both) > 0 else ""
    return f"In {lineage.base}: {was}{f'; {listing(moved)}' if moved else same}."


def campaign(plan: Campaign, dataset: Dataset) -> str:
    """Say what contacting all customers of a segment costs, and from which response on that pays.

    What nobody gave is said to be assumed.
    """
    everyone = "the one customer" if plan.customers == 1 else f"all {count(plan.customers, 'customer')}"
    told = f"Campaign: contacting {everyone} costs {_money(plan.cost, plan, dataset)}"
    if plan.contact_cost:
        told += f" ({_money(plan.contact_cost, plan, dataset)} each{', assumed' * ('contact_cost' in plan.assumed)})"
    return f"{told}. {_pays(plan, dataset)}"


def _pays(plan: Campaign, dataset: Dataset) -> str:
    """Say at which response a campaign comes back, and whether the response that is given, or assumed, is enough."""
    if plan.value is None:
        return "From which response on it pays is not known, because no column is a value."
    words, private = dataset.words(plan.value), dataset.private
    if plan.brings is None:
        why = f"{words} is known of nobody here{f', {WHY_NOT}' if private else ''}"
        return f"From which response on it pays is not {'shown' if private else 'known'}: {why}."
    told = dataset.measured(plan.value, plan.brings)
    each = f"an average order ({told})" if plan.order else f"as much {words} as a customer here has on average ({told})"
    if private and not plan.brings:
        return f"From which response on it pays is not shown: {each} is a rounded figure."
    if plan.brings <= 0:
        return f"No response pays for it: each would bring {each}."
    margin = "" if plan.margin == 1 else f" at a margin of {_rate(plan.margin)}{_assumed(plan, 'margin')}"
    brings = f"each brings {each}{margin}"
    if not plan.break_even:
        return f"Any response pays if {brings}."
    if plan.break_even > 1:
        return f"No response pays for it if {brings}: not even all together would bring back what it costs."
    needed, given = _rate(plan.break_even), _rate(plan.response)
    how = "pays" if plan.response > plan.break_even else "does not pay"
    how = "about breaks even" if needed == given else how
    return f"It breaks even if {needed} respond and {brings}; a response of {given}{_assumed(plan, 'response')} {how}."


def _assumed(plan: Campaign, name: str) -> str:
    return " (assumed)" if name in plan.assumed else ""


def _money(cost: float, plan: Campaign, dataset: Dataset) -> str:
    """Return what somebody pays as exactly as it was given, in the unit of the value."""
    unit = dataset.columns[plan.value].unit if plan.value else None
    return f"{cost:,.10g} {unit or ''}".rstrip()


def _rate(share: float) -> str:
    """Return a share that may be far below 1% and still decides."""
    return f"{amount(100 * share)}%"


def _shown_first(profile: Profile) -> list[str]:
    """Return the features as dataset.yaml has them; of many those in which the segment stands farthest first."""
    many = len(profile.centre) > MOST_ON_CARD + 1
    return [*(profile.strongest if many and profile.strongest else profile.centre)]


def _folded(part: str, rows: list[dict]) -> dict[str, list[dict]]:
    """Return the first rows of a part of a card, and those that are folded beneath, never a single one."""
    most = MOST_ON_CARD if len(rows) > MOST_ON_CARD + 1 else len(rows)
    return {part: rows[:most], f"more_{part}": rows[most:]}


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
        return dataset.amount(name, values["mean"]) if "mean" in values else "not shown"
    if values and column.numeric:
        median = values["median"]  # between two levels lies nothing
        return f"{dataset.one(name, median // 1 if column.levels and median is not None else median)} (median)"
    shown = {name: share for name, share in values.items() if share is not None}
    told, top = share_texts(shown, rounded=private), sorted(shown.items(), key=lambda item: (-item[1], item[0]))[:3]
    parts = [f"{name} {told[name]}" for name, share in top if share]
    if OTHERS in values:
        rest = "the rest" if len(top) == len(shown) else "others"
        parts.append(f"{rest} not shown here" if parts else "not shown")
    return ", ".join(parts) or "not known"


def _as_written(row: dict, described: str, features: Sequence[str], dataset: Dataset) -> dict:
    """Return the features of a table that nobody has described as its headers are: nobody chose their names."""
    if row["name"] != "features" or described != ASSUMED:
        return {}
    return {"value": ",".join(dataset.columns[name].headers(name)[-1] for name in features)}


def around(study: Run, chapters: list[tuple[str, str]], parameters: list[dict]) -> dict:
    """Return what the template shows around the chapters, every figure of it from the artifacts.

    Parameters
    ----------
    chapters : list of (id, source)
        The first cell of each executed notebook.
    """
    cleaning, selection, profiles = (study.read(f"{name}.json") for name in ("cleaning", "k_selection", "profiles"))
    dataset, private = study.dataset, study.dataset.private
    lineage, set_to = study.lineage(), {row["name"]: row for row in parameters}
    return {
        "title": runs_tell.headline(selection, profiles),
        "dataset": dataset.title,
        "assumed": runs_tell.assumed(
            set_to["dataset"]["value"], dataset, selection.features, set_to["features"]["set_by"]
        ),
        "heading": f"The {NOUNS[selection.verdict]}s" if selection.divided else "All customers",
        "answer": answer(selection, profiles, dataset),
        "sureness": sureness(selection),
        "base": lineage and lineage.base,
        "changes": runs_tell.lineage(lineage) if lineage else None,
        "figures": key_figures(cleaning, selection, dataset),
        "warning": cut(selection, dataset),
        "cards": cards(selection, profiles, dataset, lineage),
        "chapters": [{"anchor": anchor, "title": _heading(source)} for anchor, source in chapters],
        "parameters": [
            row | _as_written(row, set_to["dataset"]["value"], selection.features, dataset) for row in parameters
        ],
        "data": _data(cleaning, dataset),
        "versions": versions(),
        "explore": embedded(explore_data(study, seed=selection.seed)),
        "explore_note": explore(profiles.customers, private=private),
        "downloads": not private,
        "level": percent(LEVEL),
        "rounding": rounding() if private else None,
    }


def rounding() -> str:
    """Say once how exactly the figures of a private table are told, and what is not."""
    return (
        "The table is private: but for the sizes of the segments, figures are rounded, in text, tables and drawings "
        "alike, so that no single customer can be worked out from them: means by the range and size of their group, "
        "percentiles to what ten customers span. Shares of categories are in steps of five "
        f"customers or more, need not be 100% together, and are drawn as parts of their sum; {HIDDEN}."
    )


def explore(customers: int, *, private: bool) -> str:
    """Say what the Explore section holds."""
    if private:
        least = count(SMALLEST_GROUP, "customer")
        return (
            f"The picture counts each segment in groups of {least} or more alike, so no mark stands for fewer; the "
            "sizes of the segments are exact. No row of the table is inside."
        )
    drawn = f"A random sample of {MOST_ROWS:,} of the {customers:,}" if customers > MOST_ROWS else f"All {customers:,}"
    return f"{drawn} customers, rounded and without ids. Nothing leaves this file."


def _heading(source: str) -> str:
    return source.splitlines()[0].removeprefix("# ")


def _data(cleaning: Cleaning, dataset) -> list[dict]:
    source = dataset.source
    rows = [
        ("File", cleaning.file),
        *(("SHA-256", digest) for digest in cleaning.files.values()),
        ("Fingerprint", cleaning.fingerprint),
        ("Rows", runs_tell.rows(cleaning, runs_tell.few(dataset))),
        ("Licence", source.licence if source else None),
        ("Citation", source.citation if source else None),
    ]
    return [{"label": label, "value": value} for label, value in rows if value]
