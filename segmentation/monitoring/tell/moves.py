"""What is said of the customers who moved, of what was gained and lost, and of how a fit started."""

from collections.abc import Iterable

import pandas as pd

from segmentation.core.privacy import DASH, HIDDEN, SMALLEST_GROUP, WHY_NOT, in_tens
from segmentation.core.text import escape
from segmentation.language import tr, trn
from segmentation.language.writing import listing, percent, sentence, whole
from segmentation.monitoring.comparison import (
    Comparison,
    hidden_moves,
    how_many,
    moved_customers,
    moves,
    net_moved,
    public_moves,
)
from segmentation.monitoring.series import Series, moved_worth
from segmentation.monitoring.shown import unmoved
from segmentation.monitoring.tell.sizes import joined, matching
from segmentation.monitoring.transitions import PART, WORSE
from segmentation.runs.artifacts import Lineage
from segmentation.runs.finished import Finished
from segmentation.runs.tell import lineage

NOT_ABOVE = 5e-5  # a share above another that is told as none


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
    return joined(told, tr(DASH) if hides else "")


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
    return joined(told, tens, _hidden([found]))


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
    return joined(told, brought, _hidden([found]), tr(DASH) if worth.isna().any(axis=None) else "")


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
    lines = [*enumerate(found.lines)]
    if gone := _with_value(worth, found, [(i, line.last) for i, line in lines if line.fate == "gone"], column):
        told.append(tr("Gone, with what they last came to: {segments}.", segments=gone))
    new = [(i, line.last) for i, line in lines if line.first and not line.comes_from and line.fate is None]
    if come := _with_value(worth, found, new, column):
        told.append(tr("New, with what they come to: {segments}.", segments=come))
    return " ".join(told)


def _with_value(worth: pd.DataFrame, found: Series, places: list[tuple[int, int]], column: str) -> str:
    """Return segments, each by its line and a run, with what they are worth there; "" where none is told."""
    own = worth.set_index(["line", "at"])
    rows = [own.loc[place] for place in places if place in own.index and not pd.isna(own.loc[place, "value"])]
    dataset = found.last.dataset
    return listing(f"{escape(row['name'])} ({dataset.measured(column, row['value'])})" for row in rows)


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
    return joined(told, tr(DASH) if worth["value"].isna().any() else "")


def worth_lines(found: Series, column: str | None) -> str:
    """Say what the lines of value show; nothing where there is none."""
    if column is None:
        return ""
    return tr("{value} of each segment from run to run.", value=escape(found.last.dataset.axis(column)))


def flows(found: Series) -> str:
    """Say what the bands between several runs show."""
    told = tr("Each bar is a run, each band the customers who went from a segment of one to a segment of the next.")
    unknown = [f"{step.base.run} → {step.run.run}" for step in found.steps if step.shared is None]
    none = tr("No band is drawn where the ids do not say who is in both: {runs}.", runs=escape(listing(unknown)))
    return joined(told, none if unknown else "", _hidden(found.steps))


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
