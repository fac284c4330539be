"""What is said of two runs side by side, of drift, and of what became of earlier segments."""

import pandas as pd

from segmentation.core.privacy import DASH, HIDDEN, NO_CENTRE, SMALLEST_GROUP, WHY_NOT, in_tens, public
from segmentation.core.text import count, escape
from segmentation.evidence.decision import LEVEL, NOUNS
from segmentation.language import tr
from segmentation.language.writing import decimal, listing, percent, sentence
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
from segmentation.monitoring.shown import STILL, show_rand, unmoved
from segmentation.monitoring.transitions import MAJORITY, PART, WORSE
from segmentation.runs import tell as runs_tell
from segmentation.runs.artifacts import Lineage
from segmentation.runs.finished import Finished
from segmentation.runs.manifest import read_manifest
from segmentation.runs.tell import lineage
from segmentation.scoring.tell import against, shift
from segmentation.segments.model import REACH

MONTHS_CAPTIONS = {  # over each table
    "runs": "The two runs, and how sure each is.",
    "fates": "What became of each segment of the earlier run.",
    "agreement": "Agreement of then and now.",
    "drift": "Population stability index of the later customers.",
    "months": "The runs, and how sure each is.",
    "shares": "The share of each segment in each run in which it is.",
}


def agreement(found: Comparison) -> str:
    """Say how far the two divisions agree."""
    told = []
    if found.placed is not None:
        index = agreeing(found.placed, found)
        same = f"Both models place the customers of {escape(found.run.run)} alike (adjusted Rand index 1)."
        other = f"The adjusted Rand index of the two models on the customers of {escape(found.run.run)} is "
        told.append(same if index == 1 else f"{other}{show_rand(index)}, where 1 is alike and 0 is chance.")
    if found.shared is not None and not found.same:
        index = show_rand(agreeing(found.shared, found))
        told.append(f"The adjusted Rand index of the segments then and now of the customers in both is {index}.")
    return " ".join(told)


def verdicts(found: Comparison) -> str:
    """Say what each run found."""
    then, now = (study.read("k_selection.json") for study in (found.earlier, found.later))
    parts = [count(s.k, NOUNS[s.verdict]) for s in (then, now)]
    if found.same:
        return f"{sentence(parts[0])}; the verdict is {then.verdict}."
    if (then.k, then.verdict) == (now.k, now.verdict):
        return f"Both runs give {parts[0]}, and the verdict on both is {then.verdict}."
    return (
        f"{escape(found.base.run)} gives {parts[0]}, and the verdict is {then.verdict}; {escape(found.run.run)} "
        f"gives {parts[1]}, and the verdict is {now.verdict}."
    )


def runs(found: Comparison) -> str:
    """Say which runs are compared, and on what."""
    base, run = escape(found.base.run), escape(found.run.run)
    if found.same:
        return f"{base} is compared with itself. {assumed(found)}".strip()
    told = [f"{base} is compared with {run}.", assumed(found)]
    if found.shared is not None:
        told.append(f"{sentence(_counted(found.shared, found, 'customer is', 'customers are'))} in both.")
    if not found.same_features:
        told.append("Other features formed their segments, so that they are matched by their customers alone.")
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
        return "No segment is found again, so that no share has an earlier one to be set against."
    of = "" if len(both) == len(shares) else f" of {_found_again(len(both))}"
    if not change.any():
        return f"Every share{of} is what it was." if len(both) > 1 else f"The share{of} is what it was."
    beyond = both[apart(both)]
    if len(beyond):
        told = (_tell_share(row) for _, row in beyond.iterrows())
        changed = f"{sentence(count(len(beyond), 'share'))}{of} changed by more than the intervals allow"
        return f"{changed}: {listing(told)}."
    row = both.loc[change.abs().idxmax()]
    return f"No share{of} changed by more than the intervals allow; the largest change is that of {_tell_share(row)}."


def _found_again(n: int) -> str:
    return f"the {count(n, 'segment')} found again" if n > 1 else "the one segment found again"


def share_intervals() -> str:
    """Say what the table of shares shows."""
    return f"The share of each segment with its {percent(LEVEL)} interval, and the change where it is found again."


def bars() -> str:
    """Say when a share changed by more than the intervals allow."""
    return (
        f"Bars: {percent(LEVEL)} intervals; a share changed by more than they allow where the two do not overlap, "
        f"which is stricter than a test at {percent(1 - LEVEL)}."
    )


def _tell_share(row: pd.Series) -> str:
    then, now = row["told_then"], row["told_now"]
    points = f"{100 * (row['share_now'] - row['share_then']):+.1f} points"
    told = f"{then} then, {now} now" if then != now else f"{then} then and now, {points}"
    return f"{_both_names(row)} ({told})"


def _both_names(row: pd.Series) -> str:
    """Return the name of a segment then, and the one of now where it is another."""
    then, now = escape(row["name_then"]), escape(row["name_now"])
    return then if then == now else f"{then}, which is called {now} now"


def centres(moved: pd.DataFrame, found: Comparison) -> str:
    """Say which centroid moved most, and where."""
    if not found.same_features:
        return "Other features formed the segments, so that their centres cannot be compared."
    if not found.base.numbers:
        return "Every feature is a category, so that there is no centre to compare."
    if moved.empty:
        return "No segment is found again, so that no centre can be compared."
    every, moved = len(moved), moved.dropna(subset="moved")
    if moved.empty:
        return f"How far the centroids moved is not shown, {NO_CENTRE}."
    of_shown = " of those that are shown" if len(moved) < every else ""
    if moved["moved"].max() < STILL:
        return f"None{of_shown} has moved." if of_shown else "No centroid has moved."
    row = moved.loc[moved["moved"].idxmax()]
    feature = max(found.base.numbers, key=lambda f: abs(row[f"step_{f}"]))
    dataset = found.later.dataset
    then, now = (dataset.measured(feature, row[f"{side}_{feature}"]) for side in ("then", "now"))
    farthest = f" farthest{of_shown}," if every > 1 else ""
    return (
        f"The centroid of {_both_names(row)} moved{farthest} by {decimal(row['moved'])} "
        f"{found.base.model.distance_unit} of {escape(found.base.run)}; most of all in "
        f"{escape(dataset.label(feature))}, whose centre there was {then} and is {now}. "
        + tr("Hollow marks: then; full marks: now.")
    )


def movement(table: pd.DataFrame, found: Comparison) -> str:
    """Say how many customers are in another segment than the one that theirs became, and which way most went."""
    moved, shown = (moved_customers(those, found) for those in (table, public_moves(table, found)))
    who = f"{int(table['customers'].sum()):,} customers of {escape(found.run.run)}"
    is_ = "is" if moved["customers"].sum() <= 1 and len(shown) == len(moved) else "are"
    verb = f"{is_} placed by the earlier model in a segment that did not become theirs"
    if found.shared is not None:
        who = f"{_counted(table, found, 'customer', 'customers')} in both runs"
        again = all(row.fate == "survives" for row in found.lineage.before)
        verb = "changed segment" if again else f"{is_} in another segment than the one that theirs became"
    if moved.empty:
        return f"None of the {who} {verb}."
    told = f"{_how_many(moved, shown, found)} of the {who} {verb}"
    if shown.empty:
        return f"{told}."
    top = shown.loc[shown["customers"].idxmax()]
    way = f"in {_name(found.run, top['now'])} instead of {_name(found.base, top['then'])}"
    if len(moved) == 1:
        return f"{told}: {'it is' if top['customers'] == 1 else 'all of them are'} {way}."
    tied = (shown["customers"] == top["customers"]).sum() > 1
    which = "one of the largest groups" if tied else "the largest group"
    if len(shown) < len(moved):
        which = f"of the groups that are not hidden {'one of ' if tied else ''}the largest"
    return f"{told}; {which} ({top['customers']:,}) is {way}."


def moved_in_short(table: pd.DataFrame, found: Comparison) -> str:
    """Say how many of the customers in both runs are in another segment than the one that theirs became, in short."""
    moved, shown = (moved_customers(those, found) for those in (table, public_moves(table, found)))
    many = _how_many(moved, shown, found) if len(moved) else "None"
    again = all(row.fate == "survives" for row in found.lineage.before)
    return f"{many} of {_counted(table, found, 'customer', 'customers')} {'changed' if again else 'left their'} segment"


def _counted(table: pd.DataFrame, found: Comparison, noun: str, nouns: str) -> str:
    """Return how many customers are counted as text."""
    n = how_many(table, found)
    return f"{n} {nouns}" if isinstance(n, str) else count(n, noun, nouns)


def _how_many(moved: pd.DataFrame, shown: pd.DataFrame, found: Comparison) -> str:
    """Return how many customers moved, in words that give away no group that is hidden."""
    every, told = int(moved["customers"].sum()), int(shown["customers"].sum())
    if not found.private:
        return f"{told:,}"
    least, few = max(told, in_tens(net_moved(moved, found))), 2 * SMALLEST_GROUP
    if least >= SMALLEST_GROUP:
        return f"At least {least:,}"
    return f"Fewer than {few}" if every < few else f"At least {few}"  # below ten the sizes could tell how many


def _name(run: Finished, segment: int) -> str:
    return f"{segment} ({escape(run.profiles[segment - 1].name)})"


def steps(found: Comparison) -> str:
    """Say what the table of centres shows."""
    unit = f"{found.base.model.distance_unit} of {found.base.run}"
    what = "The centre of each segment found again, then and now"
    dash = f" {DASH}" if any(None in profile.centre.values() for pair in found.pairs for profile in pair) else ""
    return f"{what}, and in brackets the step of the centroid, in {unit}.{dash}"


def matrix(found: Comparison) -> str:
    """Say what the matrix shows."""
    tens = " Counts are rounded down to tens." if found.private else ""
    hidden = f"{tens} {sentence(HIDDEN)}." if hidden_moves(moves(found), found).any() else tens
    if found.shared is None:
        return f"The customers of {found.run.run} by the segment of the earlier model (rows) and of their own.{hidden}"
    return f"The customers in both runs by their segment then (rows) and now.{hidden}"


def largest(worth: pd.DataFrame, found: Comparison, column: str | None) -> str:
    """Say what the table of movements shows."""
    what = "The largest movements from one segment to another"
    if found.shared is None:
        what = f"The customers of {escape(found.run.run)} whom the models place otherwise, the largest groups first"
    if column and len(worth):
        what += f", and what these customers brought then and now: {escape(found.later.dataset.axis(column))}"
    hidden = hidden_moves(moves(found), found).any()
    return f"{what}.{f' {sentence(HIDDEN)}.' if hidden else ''}{f' {DASH}' if worth.isna().any(axis=None) else ''}"


def no_movement(found: Series, shown: pd.DataFrame) -> str:
    """Say why no movement is told; empty where one is."""
    if len(shown):
        return ""
    if all(step.shared is None for step in found.steps):
        return "Which customers moved cannot be told: the ids do not say who is in both."
    return "Nobody moved." if unmoved(found) else f"Who moved is not shown: {HIDDEN}."


def largest_by_run(found: Series, column: str | None) -> str:
    """Say what the table of movements between several runs shows."""
    return largest(pd.concat([moved_worth(step, column) for step in found.steps]), found.steps[-1], column)


def worth(worth: pd.DataFrame, found: Series, column: str | None) -> str:
    """Say what the customers came to in the first and in the last run, and which segments gained and lost most."""
    if column is None:
        return "What was gained and lost cannot be told: dataset.yaml names no value that all runs have in one unit."
    dataset, ends = found.last.dataset, (0, len(found.runs) - 1)
    then, now = (worth[worth["at"] == at].set_index("line")["value"] for at in ends)
    label = escape(dataset.label(column))
    if now[[-1]].isna().any() or then[[-1]].isna().any():
        told = f"What {label} came to in all is not shown: {WHY_NOT}."
    else:
        by = f" ({100 * (now[-1] / then[-1] - 1):+.0f}%)".replace("-", "−") if then[-1] > 0 else ""
        first, last = (dataset.measured(column, side[-1]) for side in (then, now))
        base, run = escape(found.names[0]), escape(found.names[-1])
        told = f"{label} of all customers: {first} in {base}, {last} in {run}{by}."
    changed = (now - then).drop(-1).dropna()
    ways = {"gained": changed.idxmax(), "lost": changed.idxmin()} if len(changed) else {}
    most = [
        f"{escape(found.profile(found.lines[row], ends[1]).name)} {word} most "
        f"({dataset.measured(column, abs(changed[row]))})"
        for word, row in ways.items()
        if changed[row] and (changed[row] > 0) == (word == "gained")
    ]
    return f"{told} Of the segments found again {listing(most)}." if most else told


def worth_by_run(worth: pd.DataFrame, found: Series, column: str | None) -> str:
    """Say what the table of value shows; nothing where there is none."""
    if column is None:
        return ""
    dash = f" {DASH}" if worth["value"].isna().any() else ""
    return f"{escape(found.last.dataset.axis(column))} in each run, in brackets the share of it.{dash}"


def worth_lines(found: Series, column: str | None) -> str:
    """Say what the lines of value show; nothing where there is none."""
    return f"{escape(found.last.dataset.axis(column))} of each segment from run to run." if column else ""


def months(found: Series) -> str:
    """Say what the lines show."""
    ended = sum(line.fate is not None for line in found.lines)
    told = "The share of each segment from run to run; a line goes on where its segment is found again in the next."
    return f"{told}{' Where one ends stands what became of it.' if ended else ''} Bars: {percent(LEVEL)} intervals."


def flows(found: Series) -> str:
    """Say what the bands between several runs show."""
    unknown = [f"{step.base.run} to {step.run.run}" for step in found.steps if step.shared is None]
    told = "Each bar is a run, each band the customers who went from a segment of one to a segment of the next."
    if unknown:
        told += f" From {escape(listing(unknown))} no band is drawn: the ids do not say who is in both."
    hides = any(hidden_moves(moves(step), step).any() for step in found.steps)
    return f"{told}{f' {sentence(HIDDEN)}.' if hides else ''}"


def population(found: Comparison) -> str:
    """Say whether the customers differ from those that the earlier segments were formed on."""
    if not found.drift:
        return escape(found.why_not)
    outside, everyone = found.drift.outside, found.drift.customers
    many = public(outside, private=found.private) if outside else "none"
    beyond = f"Of {everyone:,} customers {many} {'is' if many == '1' else 'are'} outside of the former range."
    labels = {name: found.later.dataset.label(name) for name in found.later.dataset.columns}
    beyond += f" {escape(against(found.drift, labels))}."
    told = shifted(found)
    return f"**{told}** {beyond}" if told else f"No index is above its limit. {beyond}"


def shifted(found: Comparison) -> str:
    """Say in what the customers differ from those of the earlier run by more than chance; empty where in nothing."""
    if not found.drift:
        return ""
    labels = {name: found.later.dataset.label(name) for name in found.drift.features}
    told = shift(found.drift, labels, f"what the segments of {found.base.run} were formed on")
    return f"{escape(sentence(told))}." if told else ""


def fates(found: Comparison) -> str:
    """Say what became of the segments of the earlier run, for a page."""
    return escape(lineage(found.lineage))


def matching(*, placed: bool = True) -> str:
    """Say by which rule an earlier segment is found again, split, merged or gone."""
    where = (
        "The customers are also placed by the earlier model. Those who lie farther from its centroid than "
        f"{percent(REACH)} of its own customers did, and than half the way to the next centroid, belong to no earlier "
        "segment."
    )
    return (
        f"{where if placed else 'The customers in both runs are counted by their segments then and now.'} An earlier "
        f"segment is *split* where several segments, each with {percent(PART)} of its customers or "
        f"more, come from it for more than {percent(MAJORITY)}; *found again* where one segment holds more than "
        f"{percent(MAJORITY)} of them, and *merged* where that one holds others too. Otherwise it is *gone*; so is one "
        f"that others take over when it has less than {percent(PART)} of its former share (after MONIC; Spiliopoulou "
        "et al. 2006)."
    )


def changes(found: Lineage | None) -> str:
    """Say what became of the earlier segments, how this fit was started, and by which rule; nothing without a base."""
    if found is None:
        return ""
    if found.start is None:
        return f"**Since {escape(found.base)}.** {escape(lineage(found))}"
    kept = (
        "Number, name, colour and action of a segment stay where most of its customers are; where several are merged, "
        "those of the one that brings most (by the Hungarian method, Kuhn 1955), without its action where "
        f"{percent(PART)} of the customers or more come from one for which another was planned."
    )
    return f"**Since {escape(found.base)}.** {escape(lineage(found))}\n\n{escape(start(found))} {matching()} {kept}"


def start(lineage: Lineage) -> str:
    """Say whether the segments grew out of the earlier centroids."""
    start = lineage.start
    assert start is not None  # of segments that are kept nothing is fitted
    also = f"K-Means was also started from the centroids of {lineage.base}."
    if start.why == "method":
        return f"The fit did not start from {lineage.base}: only K-Means starts from centroids, and of K-Means."
    if start.above is None:
        differ = f"there are {start.now} segments now, and there were {start.then}"
        why = differ if start.why == "k" else "other features formed them"
        return f"{also.replace('was also', 'was not')[:-1]}: {why}."
    above = "not above" if start.above < 5e-5 else f"{percent(start.above, 2)} above"
    if start.from_base:
        return f"{also} That fit is kept: its inertia is {above} the best of all other starts."
    allowed = f"({percent(WORSE)} is allowed)"
    return f"{also} That fit is not kept: its inertia is {above} the best of all other starts {allowed}."
