"""What is said of two or more runs, of the shares of their segments, and of their centres."""

import pandas as pd

from segmentation.core.privacy import NO_CENTRE, counted
from segmentation.core.text import escape
from segmentation.evidence.decision import LEVEL
from segmentation.language import mark, tr, trn
from segmentation.language.glossary import named
from segmentation.language.writing import decimal, labelled, listing, percent, sentence, whole
from segmentation.monitoring.comparison import (
    Comparison,
    agreeing,
    apart,
    how_many,
)
from segmentation.monitoring.series import Series
from segmentation.monitoring.shown import STILL, show_rand, with_sign
from segmentation.monitoring.transitions import MAJORITY, PART
from segmentation.runs import tell as runs_tell
from segmentation.runs.artifacts import Selection
from segmentation.runs.manifest import read_manifest
from segmentation.runs.tell import lineage
from segmentation.scoring.tell import against, shift
from segmentation.segments.model import REACH

MONTHS_CAPTIONS = {  # over each table
    "runs": mark("The two runs, and how sure each is."),
    "fates": mark("What became of each segment of the earlier run."),
    "agreement": mark("Agreement of then and now."),
    "drift": mark("Population stability index of the later customers."),
    "months": mark("The runs, and how sure each is."),
    "shares": mark("The share of each segment in each run in which it is."),
}


def caption(name: str) -> str:
    """Return what stands over a table."""
    return tr(MONTHS_CAPTIONS[name])


def agreement(found: Comparison) -> str:
    """Say how far the two divisions agree."""
    told, run = [], escape(found.run.run)
    index = None if found.placed is None else agreeing(found.placed, found)
    if index == 1:
        told.append(tr("Both models place the customers of {run} alike (adjusted Rand index 1).", run=run))
    elif index is not None:
        told.append(
            tr(
                "The adjusted Rand index of the two models on the customers of {run} is {index}, where 1 is alike and "
                "0 is chance.",
                run=run,
                index=show_rand(index),
            )
        )
    if found.shared is not None and not found.same:
        index = show_rand(agreeing(found.shared, found))
        told.append(tr("The adjusted Rand index of then and now of the customers in both is {index}.", index=index))
    return " ".join(told)


def verdicts(found: Comparison) -> str:
    """Say what each run found."""
    then, now = (study.read("k_selection.json") for study in (found.earlier, found.later))
    before, after = _parts(then), _parts(now)
    if found.same:
        return sentence(tr("{segments}; the verdict is {verdict}.", segments=before, verdict=named(then.verdict)))
    if (then.k, then.verdict) == (now.k, now.verdict):
        return tr(
            "Both runs give {segments}, and the verdict on both is {verdict}.",
            segments=before,
            verdict=named(then.verdict),
        )
    return tr(
        "{base} gives {before}, and the verdict is {then}; {run} gives {after}, and the verdict is {now}.",
        base=escape(found.base.run),
        run=escape(found.run.run),
        before=before,
        after=after,
        then=named(then.verdict),
        now=tr(now.verdict),
    )


def _parts(selection: Selection) -> str:
    """Return how many segments a run found, or parts it made."""
    if selection.verdict in ("natural", "reproducible"):
        return trn("{n} segment", "{n} segments", selection.k)
    return trn("{n} part", "{n} parts", selection.k)


def runs(found: Comparison) -> str:
    """Say which runs are compared, and on what."""
    base, run = escape(found.base.run), escape(found.run.run)
    if found.same:
        return f"{tr('{run} is compared with itself.', run=base)} {assumed(found)}".strip()
    told = [tr("{base} is compared with {run}.", base=base, run=run), assumed(found)]
    if found.shared is not None:
        n = how_many(found.shared, found)
        many, of = ({"n": n}, 2) if isinstance(n, str) else ({}, n)
        told.append(sentence(trn("{n} customer is in both.", "{n} customers are in both.", of, **many)))
        told += [] if found.private else [_came_and_went(found, n)]
    if not found.same_features:
        told.append(tr("Other features formed their segments, so that they are matched by their customers alone."))
    return " ".join(filter(None, [*told, escape(found.why_not)]))


def _came_and_went(found: Comparison, both: int | str) -> str:
    """Say how many customers are in one of the two runs alone; "" where all are in both, or rows are private."""
    went, came = (run.customers - int(both) for run in (found.base, found.run))
    if not went and not came:
        return ""
    told = {"base": escape(found.base.run), "run": escape(found.run.run), "went": whole(went), "came": whole(came)}
    return tr("In {base} alone: {went}; in {run} alone: {came}.", **told)


def assumed(found: Comparison) -> str:
    """Say which runs are of a table that nobody has described, and by what their segments are formed."""
    told = {}
    for study, features in ((found.earlier, found.base.features), (found.later, found.run.features)):
        manifest = read_manifest(study.name)
        told[study.name] = runs_tell.assumed(manifest.dataset, study.dataset, features, manifest.set_by.get("features"))
    return " ".join(labelled(escape(name), escape(text)) for name, text in told.items() if text)


def shares(shares: pd.DataFrame) -> str:
    """Say which shares changed, and how the bars show it."""
    return f"{changed_shares(shares)} {bars()}"


def changed_shares(shares: pd.DataFrame) -> str:
    """Say which shares of segments found again changed by more than their intervals allow, or which changed most."""
    both = shares.dropna(subset=["then", "now"])
    change = both["share_now"] - both["share_then"]
    if both.empty:
        return tr("No segment is found again, so that no share has an earlier one to be set against.")
    few = len(both) < len(shares)
    if not change.any():
        again = tr("Every share of a segment found again is what it was.")
        return again if few else tr("Every share is what it was.")
    beyond = both[apart(both)]
    if len(beyond):
        return _changed(listing(_tell_share(row) for _, row in beyond.iterrows()), len(beyond), few=few)
    told = _tell_share(both.loc[change.abs().idxmax()])
    if few:
        return tr(
            "No share of a segment found again changed by more than the intervals allow; the largest change: {change}.",
            change=told,
        )
    return tr("No share changed by more than the intervals allow; the largest change: {change}.", change=told)


def _changed(told: str, n: int, *, few: bool) -> str:
    """Say how many shares changed, and which."""
    if few:
        return sentence(
            trn(
                "{n} share of a segment found again changed by more than the intervals allow: {shares}.",
                "{n} shares of segments found again changed by more than the intervals allow: {shares}.",
                n,
                shares=told,
            )
        )
    return sentence(
        trn(
            "{n} share changed by more than the intervals allow: {shares}.",
            "{n} shares changed by more than the intervals allow: {shares}.",
            n,
            shares=told,
        )
    )


def share_intervals() -> str:
    """Say what the table of shares shows."""
    return tr(
        "The share of each segment with its {level} interval, and the change where it is found again.",
        level=percent(LEVEL),
    )


def bars() -> str:
    """Say when a share changed by more than the intervals allow."""
    return tr(
        "Bars: {level} intervals; a share changed by more than they allow where the two do not overlap, which is "
        "stricter than a test at {significance}.",
        level=percent(LEVEL),
        significance=percent(1 - LEVEL),
    )


def _tell_share(row: pd.Series) -> str:
    told = {"segment": _both_names(row), "then": row["told_then"], "now": row["told_now"]}
    if row["told_then"] != row["told_now"]:
        return tr("{segment} ({then} then, {now} now)", **told)
    points = with_sign(100 * (row["share_now"] - row["share_then"]), 1)
    return tr("{segment} ({then} then and now, {points} points)", **told, points=points)


def _both_names(row: pd.Series) -> str:
    """Return the name of a segment then, and the one of now where it is another."""
    then, now = escape(row["name_then"]), escape(row["name_now"])
    return then if then == now else tr("{then}, which is called {now} now", then=then, now=now)


def centres(moved: pd.DataFrame, found: Comparison) -> str:
    """Say which centroid moved most, and where."""
    if not found.same_features:
        return tr("Other features formed the segments, so that their centres cannot be compared.")
    if not found.base.numbers:
        return tr("Every feature is a category, so that there is no centre to compare.")
    if moved.empty:
        return tr("No segment is found again, so that no centre can be compared.")
    every, moved = len(moved), moved.dropna(subset="moved")
    if moved.empty:
        return tr("How far the centroids moved is not shown, {why}.", why=tr(NO_CENTRE))
    if moved["moved"].max() < STILL:
        return tr("None of those that are shown has moved.") if len(moved) < every else tr("No centroid has moved.")
    row = moved.loc[moved["moved"].idxmax()]
    feature = max(found.base.numbers, key=lambda f: abs(row[f"step_{f}"]))
    dataset = found.later.dataset
    most = tr(
        "Most of all in {feature}: the centre there was {then} and is {now}.",
        feature=escape(dataset.label(feature)),
        then=dataset.measured(feature, row[f"then_{feature}"]),
        now=dataset.measured(feature, row[f"now_{feature}"]),
    )
    return f"{_moved_most(row, found, every, len(moved))} {most} {tr('Hollow marks: then; full marks: now.')}"


def _moved_most(row: pd.Series, found: Comparison, every: int, shown: int) -> str:
    """Say which of the centroids that are shown, of so many, moved farthest, and how far."""
    told = {"segment": _both_names(row), "distance": decimal(row["moved"]), "run": escape(found.base.run)}
    told |= {"unit": tr(found.base.model.distance_unit)}
    if every == 1:
        return tr("The centroid of {segment} moved by {distance} {unit} of {run}.", **told)
    if shown < every:
        return tr(
            "The centroid of {segment} moved farthest of those that are shown, by {distance} {unit} of {run}.", **told
        )
    return tr("The centroid of {segment} moved farthest, by {distance} {unit} of {run}.", **told)


def joined(*told: str) -> str:
    return " ".join(filter(None, told))


def months(found: Series) -> str:
    """Say what the lines show."""
    told = tr("The share of each segment from run to run; a line goes on where its segment is found again in the next.")
    ended = any(line.fate is not None for line in found.lines)
    ends = tr("Where one ends stands what became of it.") if ended else ""
    return joined(told, ends, tr("Bars: {level} intervals.", level=percent(LEVEL)))


def population(found: Comparison) -> str:
    """Say whether the customers differ from those that the earlier segments were formed on."""
    if not found.drift:
        return escape(found.why_not)
    beyond = tr(
        "Outside of the former range: {outside} of {customers} customers.",
        outside=counted(found.drift.outside, private=found.private),
        customers=whole(found.drift.customers),
    )
    labels = {name: found.later.dataset.label(name) for name in found.later.dataset.columns}
    told = shifted(found)
    judged = escape(f"{against(found.drift, labels)}.")
    return joined(f"**{told}**" if told else tr("No index is above its limit."), beyond, judged)


def shifted(found: Comparison) -> str:
    """Say in what the customers differ from those of the earlier run by more than chance; empty where in nothing."""
    if not found.drift:
        return ""
    labels = {name: found.later.dataset.label(name) for name in found.drift.features}
    told = shift(found.drift, labels, tr("what the segments of {run} were formed on", run=found.base.run))
    return f"{escape(sentence(told))}." if told else ""


def fates(found: Comparison) -> str:
    """Say what became of the segments of the earlier run, for a page."""
    return escape(lineage(found.lineage))


def matching(*, placed: bool = True) -> str:
    """Say by which rule an earlier segment is found again, split, merged or gone."""
    if placed:
        how = tr(
            "The customers are also placed by the earlier model. Those who lie farther from its centroid than {reach} "
            "of its own customers did, and than half the way to the next centroid, belong to no earlier segment.",
            reach=percent(REACH),
        )
    else:
        how = tr("The customers in both runs are counted by their segments then and now.")
    rule = tr(
        "An earlier segment is *split* where several segments, each with {part} of its customers or more, come from it "
        "for more than {majority}; *found again* where one segment holds more than {majority} of them, and *merged* "
        "where that one holds others too. Otherwise it is *gone*; so is one that others take over when it has less "
        "than {part} of its former share (after MONIC; Spiliopoulou et al. 2006).",
        part=percent(PART),
        majority=percent(MAJORITY),
    )
    return f"{how} {rule}"
