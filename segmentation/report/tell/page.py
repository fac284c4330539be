"""What the page says around the chapters: the answer, how sure it is, what to do, how it was made."""

import html
import re
from collections.abc import Sequence

from segmentation.core.dataset import ASSUMED, Dataset
from segmentation.core.privacy import HIDDEN, SMALLEST_GROUP
from segmentation.evidence.decision import (
    DISSOLVED,
    LEVEL,
    STABLE,
    advice,
    counted,
    meaning,
    plainly,
)
from segmentation.language import mark, tr, trn
from segmentation.language.glossary import glossary, named
from segmentation.language.writing import (
    decimal,
    labelled,
    listing,
    percent,
    sentence,
    whole,
)
from segmentation.report.explore import MOST_ROWS, embedded, explore_data
from segmentation.report.tell.card import STRONG, across, cards
from segmentation.report.tell.order import in_order
from segmentation.runs import tell as runs_tell
from segmentation.runs.artifacts import Cleaning, Lineage, Profiles, Selection
from segmentation.runs.manifest import versions
from segmentation.runs.records import Alternative, Profile
from segmentation.runs.run import Run
from segmentation.segments.names import quoted


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


def around(study: Run, parameters: list[dict]) -> dict:
    """Return what the template shows around the chapters, every figure of it from the artifacts."""
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
        **in_order(told, selection, profiles, dataset, lineage),
        "across": across(len(told)),
        "planned": any(card["campaign"] for card in told),
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


def method(cleaning: Cleaning, selection: Selection, dataset: Dataset) -> list[dict]:
    """Return in half a page how the report came to its answer: heading and text of each step."""
    formed = listing(dataset.label(name) for name in selection.features)
    number = sentence(labelled(counted(selection.k, selection.verdict), f"{runs_tell.choice(selection)}."))
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
