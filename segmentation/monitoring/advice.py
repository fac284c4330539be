"""The answer of a comparison in one line, and what to do about it."""

from collections.abc import Iterator

import pandas as pd

from segmentation.core.errors import AT_HOME, as_option
from segmentation.core.text import escape
from segmentation.language import mark, tr, trn
from segmentation.language.writing import fixed, listing, parted, sentence
from segmentation.monitoring.comparison import Comparison, apart, moved_customers, moves, public_moves, shares_table
from segmentation.monitoring.series import Line, Series, shares_over, valued, worth_over
from segmentation.monitoring.tell import (
    agreement,
    assumed,
    changed_shares,
    moved_in_short,
    movement,
    shifted,
    verdicts,
    worth,
)
from segmentation.runs.records import Profile
from segmentation.runs.tell import lineage

POINT = 0.01  # a change of a share that is told: whatever is less may be none in whole percentages
PROOF = mark(
    "Whether an action works no comparison of runs can say: leave some of its customers out of it, by lot, and see "
    "what becomes of both."
)


def headline(found: Comparison) -> str:
    """Return the answer as the title of the page: what became of the segments, who moved, which share changed most."""
    base, run = found.base.run, found.run.run
    if found.same:
        return tr("{run} is compared with itself", run=base)
    if is_unchanged(found):
        return tr("Nothing has changed from {base} to {run}", base=base, run=run)
    moved = "" if found.shared is None else moved_in_short(moves(found), found)
    both, other = shares_table(found).dropna(subset=["then", "now"]), became(Series((found,)))
    return _joined(other, moved, *(changed_most(both)[:1] or [still(both)] * (not other)))


def headline_of_series(found: Series) -> str:
    """Return the same of several runs: which shares changed most from the first to the last, and what became of all."""
    both, other, ends = _first_and_last(found), became(found), (found.names[0], found.names[-1])
    if told := changed_most(both, ends):
        return _joined(*told, other)
    return _joined(tr("{change} from {base} to {run}", base=ends[0], run=ends[1], change=other or still(both)))


def _joined(*parts: str) -> str:
    return sentence(parted(filter(None, parts)))


def in_short(found: Series) -> str:
    """Say what changed from each run to the next."""
    heads = [tr("{label}:", label=escape(f"{step.base.run} → {step.run.run}")) for step in found.steps]
    told = zip(heads, found.steps, strict=True)
    return "\n".join(f"- **{head}** {escape(headline(step))}." for head, step in told)


def answer_of_series(found: Series) -> str:
    """Say what changed from the first to the last run, and with which of the last two to go on."""
    return f"**{escape(headline_of_series(found))}.** {answer(found.steps[-1])}"


def title(found: Comparison | Series) -> str:
    """Return the same as the heading of a notebook, which becomes that of its page."""
    return f"# {escape(headline(found) if isinstance(found, Comparison) else headline_of_series(found))}"


def became(found: Series) -> str:
    """Count the segments that were not found again, and those that are new; empty where each was found again."""
    counts = {fate: sum(line.fate == fate for line in found.lines) for fate in ("survives", "split", "merged", "gone")}
    counts["new"] = sum(line.first > 0 and not line.comes_from for line in found.lines)
    return _listed(counts)


def _listed(counts: dict[str, int]) -> str:
    """Return how many segments became what: "two segments split, one gone and one new"; empty of none."""
    met = [(fate, n) for fate, n in counts.items() if n]
    return listing(_segments(fate, n) if i == 0 else _others(fate, n) for i, (fate, n) in enumerate(met))


def _segments(fate: str, n: int) -> str:
    return {
        "survives": trn("{n} segment found again", "{n} segments found again", n),
        "split": trn("{n} segment split", "{n} segments split", n),
        "merged": trn("{n} segment merged", "{n} segments merged", n),
        "gone": trn("{n} segment gone", "{n} segments gone", n),
        "new": trn("{n} segment new", "{n} segments new", n),
    }[fate]


def _others(fate: str, n: int) -> str:
    """Return the same behind another number of segments."""
    return {
        "split": trn("{n} split", "{n} split", n),
        "merged": trn("{n} merged", "{n} merged", n),
        "gone": trn("{n} gone", "{n} gone", n),
        "new": trn("{n} new", "{n} new", n),
    }[fate]


def _first_and_last(found: Series) -> pd.DataFrame:
    """Return name, share, low, high and told, then and now, of each segment that is in the first and the last run."""
    table, last = shares_over(found), len(found.runs) - 1
    then, now = (table[table["at"] == at].set_index("line") for at in (0, last))
    return then.join(now, lsuffix="_then", rsuffix="_now", how="inner")


def changed_most(both: pd.DataFrame, when: tuple[str, str] | None = None) -> list[str]:
    """Say which share changed most, and after it which one most in the other direction; nothing where none did.

    Parameters
    ----------
    both : DataFrame
        One row a segment found again, as `shares_table` returns it.
    when : the two runs, where they are to be named.
    """
    change = (both["share_now"] - both["share_then"]).round(9)
    if both.empty or change.abs().max() < POINT:
        return []
    first = max(both.index, key=lambda i: (abs(change[i]), change[i]))
    other = max(both.index, key=lambda i: -change[i] * (1 if change[first] > 0 else -1))
    rows = [first, other] if change[other] * change[first] < 0 and abs(change[other]) >= POINT else [first]
    return [grew(both_names(both.loc[i]), both.loc[i], when if i == first else None) for i in rows]


def still(both: pd.DataFrame) -> str:
    """Say that no share changed, or none by as much as a percentage point."""
    same = (both["share_now"] == both["share_then"]).all()
    return tr("no share changed") if same else tr("no share changed by a percentage point")


def grew(segment: str, row: pd.Series, when: tuple[str, str] | None = None) -> str:
    """Return how a share changed: "Loyal grew from 12% to 19%", or with two runs "from 12% in jan to 19% in apr"."""
    change = row["share_now"] - row["share_then"]
    told = {"segment": segment, "then": row["told_then"], "now": row["told_now"], "points": fixed(abs(100 * change), 1)}
    told |= dict(zip(("base", "run"), when or (), strict=False))
    by_points = row["told_then"] == row["told_now"]
    if change > 0 and by_points:
        return tr("{segment} grew by {points} points to {now}", **told)
    if by_points:
        return tr("{segment} shrank by {points} points to {now}", **told)
    if when and change > 0:
        return tr("{segment} grew from {then} in {base} to {now} in {run}", **told)
    if when:
        return tr("{segment} shrank from {then} in {base} to {now} in {run}", **told)
    if change > 0:
        return tr("{segment} grew from {then} to {now}", **told)
    return tr("{segment} shrank from {then} to {now}", **told)


def both_names(row: pd.Series) -> str:
    """Return the name of a segment then, and in brackets the one of now where it is another."""
    then, now = row["name_then"], row["name_now"]
    return then if then == now else tr("{then} ({now} now)", then=then, now=now)


def summary(found: Comparison) -> str:
    """Say in a few paragraphs what changed, of the segments and of their customers."""
    last = " ".join(filter(None, [agreement(found), verdicts(found), shifted(found)]))
    last = "\n\n".join(filter(None, [last, assumed(found)]))
    if is_unchanged(found):
        return f"{tr('**Nothing has changed.**')} {last}"
    moved = "" if found.shared is None else movement(moves(found), found)
    told = [f"**{tally(found)}**", f"{changed_shares(shares_table(found))} {moved}".strip(), brought(found), last]
    return "\n\n".join(filter(None, told))


def brought(found: Comparison) -> str:
    """Say what all customers came to then and now, and with which segments it went; "" where no value is known."""
    both = Series((found,))
    column = valued(both)
    return worth(worth_over(both), both, column) if column else ""


def is_unchanged(found: Comparison) -> bool:
    """Return whether segments, their names and their customers are what they were."""
    return all(
        (
            not shifted(found) and moved_customers(moves(found), found).empty,
            all(row.fate == "survives" and row.kept_as == row.segment for row in found.lineage.before),
            found.same_features and all(then.centre == now.centre for then, now in found.pairs),
            all((then.share, then.name) == (now.share, now.name) for then, now in found.pairs),
        )
    )


def tally(found: Comparison) -> str:
    """Count what became of the earlier segments, and the later ones that are new."""
    if found.kept:
        return escape(lineage(found.lineage))
    before, new = found.lineage.before, sum(not row.comes_from for row in found.lineage.now)
    if all(row.fate == "survives" for row in before):
        told = trn(
            "The one segment of {run} is found again.",
            "Each of the {n} segments of {run} is found again.",
            len(before),
            run=found.base.run,
        )
    else:
        counts = {fate: sum(row.fate == fate for row in before) for fate in ("survives", "split", "merged", "gone")}
        told = tr("Of {run}: {fates}.", run=found.base.run, fates=_listed(counts))
    also = trn("{n} segment of {run} is new.", "{n} segments of {run} are new.", new, run=found.run.run)
    return escape(f"{told} {sentence(also)}" if new else told)


def todo(found: Series) -> str:
    """Say of each segment that grew, shrank, ended or is new what it means for its action, and where to begin."""
    lines = [*_ends(found), *filter(None, [_largest(found)])]
    both = _first_and_last(found)
    kept = [escape(both_names(row)) for _, row in both.iterrows() if not apart(row)]
    if kept:
        lines.append(f"{_stayed(kept, every=len(kept) == len(found.lines))} {_go_on(found)}")
    return "\n".join(f"- {line}" for line in lines) + f"\n\n{tr(PROOF)}"


def _stayed(kept: list[str], *, every: bool) -> str:
    """Say of which segments the share changed by no more than the intervals allow."""
    if every and len(kept) > 1:
        return tr("The share of each segment changed by no more than the intervals allow.")
    return trn(
        "The share changed by no more than the intervals allow: {segments}.",
        "The shares changed by no more than the intervals allow: {segments}.",
        len(kept),
        segments=listing(kept),
    )


def _go_on(found: Series) -> str:
    """Say what to do with those whose shares are what they were."""
    fit = found.last.read("k_selection.json").fit if found.steps[-1].kept else None
    if fit and fit.refresh:
        return tr("Refresh the segments first, which no longer fit.")
    return tr("Go on as planned.")


def _ends(found: Series) -> Iterator[str]:
    """Yield what is said of each segment whose share changed more than the intervals allow, that ended, or is new."""
    both = _first_and_last(found)
    for i, line in enumerate(found.lines):
        profile = found.profile(line, line.last)
        if i in both.index and apart(both.loc[i]):
            row = both.loc[i]
            yield f"{grew(f'**{escape(both_names(row))}**', row)}. {_is_for(found, line.last, profile)}"
        elif line.fate:
            yield _ended(found, line)
        if line.first and not line.comes_from:
            new = tr(
                "**{segment}** is new in {run}.", segment=escape(profile.name), run=escape(found.names[line.first])
            )
            yield f"{new} {_is_for(found, line.last, profile)}"


def _ended(found: Series, line: Line) -> str:
    """Say what became of a segment that is not found again, and what that means for its action."""
    profile, after = found.profile(line, line.last), found.runs[line.last + 1]
    row = found.steps[line.last].lineage.before[line.segments[-1] - 1]
    heirs = [after.profiles[number - 1] for number in row.into]
    planned = _action(found, line.last, profile)
    told = {"segment": escape(profile.name), "run": escape(after.run)}
    told |= {"into": listing(f"{heir.segment} ({escape(heir.name)})" for heir in heirs)}
    if row.fate == "split":
        do = tr("Decide which of these {action} is for.", action=planned) if planned else tr("Look at each.")
        return f"{tr('**{segment}** is split in {run}, into {into}.', **told)} {do}"
    if row.fate == "merged":
        merged = tr("**{segment}** is merged in {run}, into {into}.", **told)
        return f"{merged} {_is_for(found, line.last + 1, heirs[0])}"
    gone = tr("**{segment}** is gone in {run}.", **told)
    nothing = tr("Nothing was planned for it.")
    return f"{gone} {tr('{action} has no segment there.', action=planned) if planned else nothing}"


def _action(found: Series, at: int, profile: Profile) -> str:
    """Return the action of a segment that its run tells, in quotes; empty where it tells none."""
    told = profile.advised(found.studies[at].read("k_selection.json").verdict)
    return tr("“{name}”", name=escape(told)) if told else ""


def _is_for(found: Series, at: int, profile: Profile) -> str:
    """Say for how many customers the action of a segment is; of none, that it has none."""
    if told := _action(found, at, profile):
        return trn(
            "{action} is for {n} customer there.", "{action} is for {n} customers there.", profile.size, action=told
        )
    return trn("No action is given for its {n} customer.", "No action is given for its {n} customers.", profile.size)


def _largest(found: Series) -> str:
    """Say which way most customers went in the last run, and what is planned there; empty where it must not be told."""
    step = found.steps[-1]
    moved = moved_customers(public_moves(moves(step), step), step)
    moved = moved[moved["customers"] > 0]
    if step.shared is None or moved.empty:
        return ""
    top = moved.loc[moved["customers"].idxmax()]
    then, now = step.base.profiles[top["then"] - 1], step.run.profiles[top["now"] - 1]
    way = {"then": escape(then.name), "now": escape(now.name), "run": escape(step.run.run)}
    action = _action(found, len(found.steps), now)
    do = tr("Begin {action} with them.", action=action) if action else tr("Ask first what changed for them.")
    return f"{sentence(_went(int(top['customers']), way, or_more=step.private))} {do}"


def _went(n: int, way: dict[str, str], *, or_more: bool) -> str:
    """Say how many customers went from one segment to another in the last run."""
    if or_more:
        return trn(
            "{n} customer or more went from {then} to {now} in {run}.",
            "{n} customers or more went from {then} to {now} in {run}.",
            n,
            **way,
        )
    return trn(
        "{n} customer went from {then} to {now} in {run}.",
        "{n} customers went from {then} to {now} in {run}.",
        n,
        **way,
    )


def answer(found: Comparison) -> str:
    """Say with which run to go on, and what of the earlier one holds for the later one too."""
    runs = {"base": escape(found.base.run), "run": escape(found.run.run)}
    if found.same:
        return tr("**There is nothing to decide**: {base} is compared with itself.", **runs)
    if found.kept and (fit := found.later.read("k_selection.json").fit):
        same = tr("**The segments of both runs are the same ones, kept as they were.**")
        return f"{same} {escape(fit.told)}"
    return " ".join(filter(None, [_which(found, runs), _planned(found, runs), _numbering(found, runs)]))


def _which(found: Comparison, runs: dict[str, str]) -> str:
    """Say with which run to go on."""
    if not found.drift:
        return tr("**Go on with {run}**: the model of {base} cannot place its customers.", **runs)
    if shifted(found):
        told = tr(
            "**Go on with {run}**: its customers are no longer like those that the segments of {base} were formed on.",
            **runs,
        )
        refresh = tr("It was started from {base}, and is the refresh that this asks for.", **runs)
        return f"{told} {refresh}" if found.refreshed else told
    if found.of_those:
        return tr(
            "**The model of {base} can still be used**: the customers of {run} are the ones it was formed on.", **runs
        )
    return tr(
        "**The model of {base} can still be used**: the customers of {run} are like the ones it was formed on.", **runs
    )


def _planned(found: Comparison, runs: dict[str, str]) -> str:
    """Say for which segments what was planned still holds."""
    if not found.pairs:
        return tr(
            "No segment of {base} is found again in {run}: what was planned for the ones is not for the others.", **runs
        )
    if len(found.pairs) < len(found.base.profiles):
        kept = [escape(both_names(pd.Series({"name_then": t.name, "name_now": n.name}))) for t, n in found.pairs]
        return tr(
            "What was planned for a segment of {base} has its customers in {run} only where it is found again: "
            "{segments}.",
            **runs,
            segments=parted(kept),
        )
    if found.kept:
        return tr("What was planned for a segment of {base} has its customers in {run} too: each is kept.", **runs)
    return tr("What was planned for a segment of {base} has its customers in {run} too: each is found again.", **runs)


def _numbering(found: Comparison, runs: dict[str, str]) -> str:
    """Say how numbers and names could have been kept, where they were not."""
    k = len(found.run.profiles)
    number = any(then.segment != now.segment and then.segment <= k for then, now in found.pairs)
    name = any(then.name != now.name for then, now in found.pairs)
    if found.refreshed or not found.drift or not (number or name):
        return ""
    told = tr("{run} was not started from {base}.", **runs)
    option = escape(as_option("base", found.base.run, by=AT_HOME))
    if number and name:
        return f"{told} {tr('With {option} a segment found again keeps its number and name.', option=option)}"
    if number:
        return f"{told} {tr('With {option} a segment found again keeps its number.', option=option)}"
    return f"{told} {tr('With {option} a segment found again keeps its name.', option=option)}"
