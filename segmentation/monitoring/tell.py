"""What is said of two runs side by side, of drift, and of what became of earlier segments."""

from collections.abc import Iterable

import pandas as pd

from segmentation.core.privacy import DASH, HIDDEN, NO_CENTRE, SMALLEST_GROUP, WHY_NOT, counted, in_tens
from segmentation.core.text import escape
from segmentation.evidence.decision import LEVEL
from segmentation.language import mark, tr, trn
from segmentation.language.glossary import named
from segmentation.language.writing import decimal, listing, percent, sentence, whole
from segmentation.monitoring.comparison import (
    Comparison,
    agreeing,
    apart,
    hidden_moves,
    how_many,
    moved_customers,
    moves,
    net_moved,
    public_moves,
)
from segmentation.monitoring.series import Series, moved_worth
from segmentation.monitoring.shown import STILL, show_rand, unmoved, with_sign
from segmentation.monitoring.transitions import MAJORITY, PART, WORSE
from segmentation.runs import tell as runs_tell
from segmentation.runs.artifacts import Lineage, Selection
from segmentation.runs.finished import Finished
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
NOT_ABOVE = 5e-5  # a share above another that is told as none


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
    if not found.same_features:
        told.append(tr("Other features formed their segments, so that they are matched by their customers alone."))
    return " ".join(filter(None, [*told, escape(found.why_not)]))


def assumed(found: Comparison) -> str:
    """Say which runs are of a table that nobody has described, and by what their segments are formed."""
    told = {}
    for study, features in ((found.earlier, found.base.features), (found.later, found.run.features)):
        manifest = read_manifest(study.name)
        told[study.name] = runs_tell.assumed(manifest.dataset, study.dataset, features, manifest.set_by.get("features"))
    return " ".join(f"{escape(name)}: {escape(text)}" for name, text in told.items() if text)


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


def movement(table: pd.DataFrame, found: Comparison) -> str:
    """Say how many customers are in another segment than the one that theirs became, and which way most went."""
    moved, shown = (moved_customers(those, found) for those in (table, public_moves(table, found)))
    told = sentence(_moved(moved, shown, table, found))
    if moved.empty or shown.empty:
        return told
    top = shown.loc[shown["customers"].idxmax()]
    way = {side: _name(run, top[side]) for side, run in (("now", found.run), ("then", found.base))}
    way["customers"] = whole(top["customers"])
    if (shown["customers"] == top["customers"]).sum() > 1:
        most = tr("One of the largest groups that are shown ({customers}): in {now} instead of {then}.", **way)
    elif len(shown) < len(moved):
        most = tr("The largest group that is shown ({customers}): in {now} instead of {then}.", **way)
    else:
        most = tr("The largest group ({customers}): in {now} instead of {then}.", **way)
    return f"{told} {most}"


def _moved(moved: pd.DataFrame, shown: pd.DataFrame, table: pd.DataFrame, found: Comparison) -> str:
    """Say how many of the customers are in another segment than the one that theirs became."""
    n, told = _of_how_many(moved, shown, table, found)
    if found.shared is None:
        return trn(
            "{moved} of the {all} customers of {run} is placed by the earlier model in a segment that did not become "
            "theirs.",
            "{moved} of the {all} customers of {run} are placed by the earlier model in a segment that did not become "
            "theirs.",
            n,
            **told,
            run=escape(found.run.run),
        )
    if _again(found):
        return tr("{moved} of the {all} customers in both runs changed segment.", **told)
    return trn(
        "{moved} of the {all} customers in both runs is in another segment than the one that theirs became.",
        "{moved} of the {all} customers in both runs are in another segment than the one that theirs became.",
        n,
        **told,
    )


def moved_in_short(table: pd.DataFrame, found: Comparison) -> str:
    """Say how many of the customers in both runs are in another segment than the one that theirs became, in short."""
    moved, shown = (moved_customers(those, found) for those in (table, public_moves(table, found)))
    _, told = _of_how_many(moved, shown, table, found)
    if _again(found):
        return tr("{moved} of {all} customers changed segment", **told)
    return tr("{moved} of {all} customers left their segment", **told)


def _again(found: Comparison) -> bool:
    """Return whether each earlier segment is found again."""
    return all(row.fate == "survives" for row in found.lineage.before)


def _of_how_many(moved, shown, table: pd.DataFrame, found: Comparison) -> tuple[int, dict[str, str]]:
    """Return how many customers moved, several where that may not be told, and as text of how many how many did."""
    n = how_many(table, found)
    told = {"moved": _how_many(moved, shown, found) if len(moved) else tr("none")}
    return 2 if found.private else int(moved["customers"].sum()), told | {"all": n if isinstance(n, str) else whole(n)}


def _how_many(moved: pd.DataFrame, shown: pd.DataFrame, found: Comparison) -> str:
    """Return how many customers moved, in words that give away no group that is hidden."""
    every, told = int(moved["customers"].sum()), int(shown["customers"].sum())
    if not found.private:
        return whole(told)
    least, few = max(told, in_tens(net_moved(moved, found))), 2 * SMALLEST_GROUP
    if least >= SMALLEST_GROUP:
        return tr("at least {number}", number=whole(least))
    if every < few:
        return tr("fewer than {number}", number=whole(few))
    return tr("at least {number}", number=whole(few))  # below ten the sizes could tell how many


def _name(run: Finished, segment: int) -> str:
    return f"{segment} ({escape(run.profiles[segment - 1].name)})"


def steps(found: Comparison) -> str:
    """Say what the table of centres shows."""
    told = tr(
        "The centre of each segment found again, then and now, and in brackets the step of the centroid, in {unit} of "
        "{run}.",
        unit=tr(found.base.model.distance_unit),
        run=found.base.run,
    )
    hides = any(None in profile.centre.values() for pair in found.pairs for profile in pair)
    return _with(told, tr(DASH) if hides else "")


def _with(*told: str) -> str:
    return " ".join(filter(None, told))


def _hidden(steps: Iterable[Comparison]) -> str:
    """Say that groups are hidden, where any are."""
    hides = any(hidden_moves(moves(step), step).any() for step in steps)
    return sentence(f"{tr(HIDDEN)}.") if hides else ""


def matrix(found: Comparison) -> str:
    """Say what the matrix shows."""
    tens = tr("Counts are rounded down to tens.") if found.private else ""
    told = tr("The customers in both runs by their segment then (rows) and now.")
    if found.shared is None:
        told = tr(
            "The customers of {run} by the segment of the earlier model (rows) and of their own.", run=found.run.run
        )
    return _with(told, tens, _hidden([found]))


def largest(worth: pd.DataFrame, found: Comparison, column: str | None) -> str:
    """Say what the table of movements shows."""
    told = tr("The largest movements from one segment to another.")
    if found.shared is None:
        told = tr(
            "The customers of {run} whom the models place otherwise, the largest groups first.",
            run=escape(found.run.run),
        )
    value = escape(found.later.dataset.axis(column)) if column and len(worth) else ""
    brought = tr("What these customers brought then and now: {value}.", value=value) if value else ""
    return _with(told, brought, _hidden([found]), tr(DASH) if worth.isna().any(axis=None) else "")


def no_movement(found: Series, shown: pd.DataFrame) -> str:
    """Say why no movement is told; empty where one is."""
    if len(shown):
        return ""
    if all(step.shared is None for step in found.steps):
        return tr("Which customers moved cannot be told: the ids do not say who is in both.")
    return tr("Nobody moved.") if unmoved(found) else tr("Who moved is not shown: {why}.", why=tr(HIDDEN))


def largest_by_run(found: Series, column: str | None) -> str:
    """Say what the table of movements between several runs shows."""
    return largest(pd.concat([moved_worth(step, column) for step in found.steps]), found.steps[-1], column)


def worth(worth: pd.DataFrame, found: Series, column: str | None) -> str:
    """Say what the customers came to in the first and in the last run, and which segments gained and lost most."""
    if column is None:
        return tr(
            "What was gained and lost cannot be told: dataset.yaml names no value that all runs have in one unit."
        )
    then, now = (worth[worth["at"] == at].set_index("line")["value"] for at in (0, len(found.runs) - 1))
    changed = (now - then).drop(-1).dropna()
    told = [_came_to(then[-1], now[-1], found, column)]
    if len(changed) and changed.max() > 0:
        most = _gained(found, changed, changed.idxmax(), column)
        told.append(tr("Of the segments found again gained most: {segment} ({amount}).", **most))
    if len(changed) and changed.min() < 0:
        most = _gained(found, changed, changed.idxmin(), column)
        told.append(tr("Of the segments found again lost most: {segment} ({amount}).", **most))
    return " ".join(told)


def _gained(found: Series, changed: pd.Series, row: int, column: str) -> dict[str, str]:
    name = found.profile(found.lines[row], len(found.runs) - 1).name
    return {"segment": escape(name), "amount": found.last.dataset.measured(column, abs(changed[row]))}


def _came_to(then: float, now: float, found: Series, column: str) -> str:
    """Say what all customers came to in the first and in the last run, and by how much that changed."""
    dataset = found.last.dataset
    value = escape(dataset.label(column))
    if pd.isna(then) or pd.isna(now):
        return tr("What {value} came to in all is not shown: {why}.", value=value, why=tr(WHY_NOT))
    told = {"value": value, "before": dataset.measured(column, then), "after": dataset.measured(column, now)}
    told |= {"base": escape(found.names[0]), "run": escape(found.names[-1])}
    if then <= 0:
        return tr("{value} of all customers: {before} in {base}, {after} in {run}.", **told)
    sign, by = "+" if now >= then else "−", percent(round(abs(now / then - 1), 2))
    return tr("{value} of all customers: {before} in {base}, {after} in {run} ({change}).", **told, change=sign + by)


def worth_by_run(worth: pd.DataFrame, found: Series, column: str | None) -> str:
    """Say what the table of value shows; nothing where there is none."""
    if column is None:
        return ""
    told = tr("{value} in each run, in brackets the share of it.", value=escape(found.last.dataset.axis(column)))
    return _with(told, tr(DASH) if worth["value"].isna().any() else "")


def worth_lines(found: Series, column: str | None) -> str:
    """Say what the lines of value show; nothing where there is none."""
    if column is None:
        return ""
    return tr("{value} of each segment from run to run.", value=escape(found.last.dataset.axis(column)))


def months(found: Series) -> str:
    """Say what the lines show."""
    told = tr("The share of each segment from run to run; a line goes on where its segment is found again in the next.")
    ended = any(line.fate is not None for line in found.lines)
    ends = tr("Where one ends stands what became of it.") if ended else ""
    return _with(told, ends, tr("Bars: {level} intervals.", level=percent(LEVEL)))


def flows(found: Series) -> str:
    """Say what the bands between several runs show."""
    told = tr("Each bar is a run, each band the customers who went from a segment of one to a segment of the next.")
    unknown = [f"{step.base.run} → {step.run.run}" for step in found.steps if step.shared is None]
    none = tr("No band is drawn where the ids do not say who is in both: {runs}.", runs=escape(listing(unknown)))
    return _with(told, none if unknown else "", _hidden(found.steps))


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
    return _with(f"**{told}**" if told else tr("No index is above its limit."), beyond, judged)


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


def changes(found: Lineage | None) -> str:
    """Say what became of the earlier segments, how this fit was started, and by which rule; nothing without a base."""
    if found is None:
        return ""
    since = tr("**Since {run}.**", run=escape(found.base))
    if found.start is None:
        return f"{since} {escape(lineage(found))}"
    kept = tr(
        "Number, name, colour and action of a segment stay where most of its customers are; where several are merged, "
        "those of the one that brings most (by the Hungarian method, Kuhn 1955), without its action where {part} of "
        "the customers or more come from one for which another was planned.",
        part=percent(PART),
    )
    return f"{since} {escape(lineage(found))}\n\n{escape(start(found))} {matching()} {kept}"


def start(lineage: Lineage) -> str:
    """Say whether the segments grew out of the earlier centroids."""
    start, run = lineage.start, lineage.base
    assert start is not None  # of segments that are kept nothing is fitted
    if start.why == "method":
        return tr("The fit did not start from {run}: only K-Means starts from centroids, and of K-Means.", run=run)
    if start.above is None and start.why == "k":
        return tr(
            "K-Means was not started from the centroids of {run}: the number of segments was {before}, and is {now}.",
            run=run,
            before=start.then,
            now=start.now,
        )
    if start.above is None:
        return tr("K-Means was not started from the centroids of {run}: other features formed them.", run=run)
    also = tr("K-Means was also started from the centroids of {run}.", run=run)
    return f"{also} {_kept_or_not(start.above, kept=start.from_base)}"


def _kept_or_not(above: float, *, kept: bool) -> str:
    """Say how far the inertia of the fit that started from earlier centroids is above the best of all others."""
    told = {"share": percent(above, 2), "allowed": percent(WORSE)}
    if kept and above < NOT_ABOVE:
        return tr("That fit is kept: its inertia is not above the best of all other starts.")
    if kept:
        return tr("That fit is kept: its inertia is {share} above the best of all other starts.", **told)
    return tr(
        "That fit is not kept: its inertia is {share} above the best of all other starts ({allowed} is allowed).",
        **told,
    )
