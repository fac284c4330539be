"""The answer of a comparison in one line, and what to do about it."""

from collections.abc import Iterator

import pandas as pd

from segmentation.core.text import count, escape, is_or_are
from segmentation.language.writing import listing, sentence
from segmentation.monitoring.comparison import Comparison, apart, moved_customers, moves, public_moves, shares_table
from segmentation.monitoring.series import Line, Series, shares_over
from segmentation.monitoring.shown import FATES
from segmentation.monitoring.tell import agreement, assumed, changed_shares, moved_in_short, movement, shifted, verdicts
from segmentation.runs.records import Profile
from segmentation.runs.tell import lineage

POINT = 0.01  # a change of a share that is told: whatever is less may be none in whole percentages
PROOF = (
    "Whether an action works no comparison of runs can say: leave some of its customers out of it, by lot, and see "
    "what becomes of both."
)


def headline(found: Comparison) -> str:
    """Return the answer as the title of the page: who moved, what became of the segments, which share changed most."""
    base, run = found.base.run, found.run.run
    if found.same:
        return f"{base} is compared with itself"
    if is_unchanged(found):
        return f"Nothing has changed from {base} to {run}"
    moved = "" if found.shared is None else moved_in_short(moves(found), found)
    both, other = shares_table(found).dropna(subset=["then", "now"]), became(Series((found,)))
    return _joined(moved, other, *(changed_most(both)[:1] or [still(both)] * (not other)))


def headline_of_series(found: Series) -> str:
    """Return the same of several runs: which shares changed most from the first to the last, and what became of all."""
    both, other, ends = _first_and_last(found), became(found), (found.names[0], found.names[-1])
    told = changed_most(both, ends) or [f"{other or still(both)} from {ends[0]} to {ends[1]}"]
    return _joined(*told, other * (other not in told[0]))


def _joined(*parts: str) -> str:
    return sentence("; ".join(filter(None, parts)))


def in_short(found: Series) -> str:
    """Say what changed from each run to the next."""
    return "\n".join(
        f"- **{escape(step.base.run)} → {escape(step.run.run)}:** {escape(headline(step))}." for step in found.steps
    )


def answer_of_series(found: Series) -> str:
    """Say what changed from the first to the last run, and with which of the last two to go on."""
    return f"**{escape(headline_of_series(found))}.** {answer(found.steps[-1])}"


def title(found: Comparison | Series) -> str:
    """Return the same as the heading of a notebook, which becomes that of its page."""
    return f"# {escape(headline(found) if isinstance(found, Comparison) else headline_of_series(found))}"


def became(found: Series) -> str:
    """Count the segments that were not found again, and those that are new; empty where each was found again."""
    counts = {word: sum(line.fate == fate for line in found.lines) for fate, word in FATES.items()}
    counts["new"] = sum(line.first > 0 and not line.comes_from for line in found.lines)
    met = [(n, word) for word, n in counts.items() if n]
    told = [count(n, f"segment {word}", f"segments {word}") for n, word in met[:1]]
    return listing([*told, *(count(n, word, word) for n, word in met[1:])])


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
    return [f"{both_names(both.loc[i])} {grew(both.loc[i], when if i == first else None)}" for i in rows]


def still(both: pd.DataFrame) -> str:
    """Say that no share changed, or none by as much as a percentage point."""
    return f"no share changed{'' if (both['share_now'] == both['share_then']).all() else ' by a percentage point'}"


def grew(row: pd.Series, when: tuple[str, str] | None = None) -> str:
    """Return how a share changed: "grew from 12% to 19%", or with the two runs "from 12% in jan to 19% in apr"."""
    before, after = (f" in {run}" for run in when) if when else ("", "")
    then, now, change = row["told_then"], row["told_now"], row["share_now"] - row["share_then"]
    verb = "grew" if change > 0 else "shrank"
    if then == now:
        return f"{verb} by {abs(100 * change):.1f} points to {now}{after}"
    return f"{verb} from {then}{before} to {now}{after}"


def both_names(row: pd.Series) -> str:
    """Return the name of a segment then, and in brackets the one of now where it is another."""
    then, now = row["name_then"], row["name_now"]
    return then if then == now else f"{then} ({now} now)"


def summary(found: Comparison) -> str:
    """Say in a few paragraphs what changed, of the segments and of their customers."""
    last = " ".join(filter(None, [agreement(found), verdicts(found), shifted(found)]))
    last = "\n\n".join(filter(None, [last, assumed(found)]))
    if is_unchanged(found):
        return f"**Nothing has changed.** {last}"
    moved = "" if found.shared is None else movement(moves(found), found)
    told = [f"**{tally(found)}**", f"{changed_shares(shares_table(found))} {moved}".strip(), last]
    return "\n\n".join(told)


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
    counts = {word: sum(row.fate == fate for row in before) for fate, word in FATES.items()}
    met = {word: n for word, n in counts.items() if n}
    of = f"{count(len(before), 'segment')} of {found.base.run}"
    told = f"Of {of}, {listing(f'{is_or_are(n)} {word}' for word, n in met.items())}"
    if len(met) == 1:
        told = f"{'Each of the' if len(before) > 1 else 'The'} {of} is {listing(met)}"
    also = f"; of those of {found.run.run} {is_or_are(new)} new" if new else ""
    return escape(f"{told}{also}.")


def todo(found: Series) -> str:
    """Say of each segment that grew, shrank, ended or is new what it means for its action, and where to begin."""
    lines = [*_ends(found), *filter(None, [_largest(found)])]
    both = _first_and_last(found)
    kept = [escape(both_names(row)) for _, row in both.iterrows() if not apart(row)]
    if kept:
        every = len(kept) > 1 and len(kept) == len(found.lines)
        these = f"share{'s' if len(kept) > 1 and not every else ''} of {'each segment' if every else listing(kept)}"
        fit = found.last.read("k_selection.json").fit if found.steps[-1].kept else None
        do = "refresh the segments first, which no longer fit" if fit and fit.refresh else "go on as planned"
        lines.append(f"The {these} changed by no more than the intervals allow: {do}.")
    return "\n".join(f"- {line}" for line in lines) + f"\n\n{PROOF}"


def _ends(found: Series) -> Iterator[str]:
    """Yield a sentence on each segment whose share changed by more than the intervals allow, that ended, or is new."""
    both = _first_and_last(found)
    for i, line in enumerate(found.lines):
        if i in both.index and apart(both.loc[i]):
            profile = found.profile(line, line.last)
            row = both.loc[i]
            yield f"**{escape(both_names(row))}** {grew(row)}: {_is_for(found, line.last, profile)}."
        elif line.fate:
            yield _ended(found, line)
        if line.first and not line.comes_from:
            profile = found.profile(line, line.last)
            do = _is_for(found, line.last, profile)
            yield f"**{escape(profile.name)}** is new in {escape(found.names[line.first])}: {do}."


def _ended(found: Series, line: Line) -> str:
    """Say what became of a segment that is not found again, and what that means for its action."""
    profile, after = found.profile(line, line.last), found.runs[line.last + 1]
    row = found.steps[line.last].lineage.before[line.segments[-1] - 1]
    heirs = [after.profiles[number - 1] for number in row.into]
    told, planned = f"**{escape(profile.name)}** is {FATES[row.fate]}", _action(found, line.last, profile)
    run = escape(after.run)
    names = listing(f"{heir.segment} ({escape(heir.name)})" for heir in heirs)
    if row.fate == "split":
        do = f"decide which of these {planned} is for" if planned else "look at each"
        return f"{told} into {names} in {run}: {do}."
    if row.fate == "merged":
        return f"{told} into {names} in {run}: {_is_for(found, line.last + 1, heirs[0])}."
    return f"{told} in {run}: {f'{planned} has no segment there' if planned else 'nothing was planned for it'}."


def _action(found: Series, at: int, profile: Profile) -> str:
    """Return the action of a segment that its run tells, in quotes; empty where it tells none."""
    told = profile.advised(found.studies[at].read("k_selection.json").verdict)
    return f"“{escape(told)}”" if told else ""


def _is_for(found: Series, at: int, profile: Profile) -> str:
    """Say for how many customers the action of a segment is; of none, that it has none."""
    many, told = count(profile.size, "customer"), _action(found, at, profile)
    return f"{told} is for {many} there" if told else f"no action is given for its {many}"


def _largest(found: Series) -> str:
    """Say which way most customers went in the last run, and what is planned there; empty where it must not be told."""
    step = found.steps[-1]
    moved = moved_customers(public_moves(moves(step), step), step)
    moved = moved[moved["customers"] > 0]
    if step.shared is None or moved.empty:
        return ""
    top = moved.loc[moved["customers"].idxmax()]
    then, now = step.base.profiles[top["then"] - 1], step.run.profiles[top["now"] - 1]
    many = f"{count(int(top['customers']), 'customer')}{' or more' if step.private else ''}"
    action = _action(found, len(found.steps), now)
    do = f"begin {action} with them" if action else "ask first what changed for them"
    when = f" in {escape(step.run.run)}" if len(found.steps) > 1 else ""
    return sentence(f"{many} went from {escape(then.name)} to {escape(now.name)}{when}: {do}.")


def answer(found: Comparison) -> str:
    """Say with which run to go on, and what of the earlier one holds for the later one too."""
    base, run = escape(found.base.run), escape(found.run.run)
    if found.same:
        return f"**There is nothing to decide**: {base} is compared with itself."
    if found.kept and (fit := found.later.read("k_selection.json").fit):
        return f"**The segments of both runs are the same ones, kept as they were.** {escape(fit.told)}"
    if found.drift and not shifted(found):
        like = "the" if found.of_those else "like the"
        told = f"**The model of {base} can still be used**: the customers of {run} are {like} ones it was formed on."
    elif found.drift:
        told = (
            f"**Go on with {run}**: its customers are no longer like those that the segments of {base} were formed on."
        )
        told += f" It was started from {base}, and is the refresh that this asks for." if found.refreshed else ""
    else:
        told = f"**Go on with {run}**: the model of {base} cannot place its customers."
    return f"{told} {_planned(found)} {_numbering(found)}".strip()


def _planned(found: Comparison) -> str:
    """Say for which segments what was planned still holds."""
    base, run = escape(found.base.run), escape(found.run.run)
    if not found.pairs:
        return f"No segment of {base} is found again in {run}: what was planned for the ones is not for the others."
    if len(found.pairs) == len(found.base.profiles):
        each = "kept" if found.kept else "found again"
        return f"What was planned for a segment of {base} has its customers in {run} too: each is {each}."
    kept = (escape(t.name if t.name == n.name else f"{t.name}, which is called {n.name} now") for t, n in found.pairs)
    told = f"What was planned for a segment of {base} has its customers in {run} only where it is found again"
    return f"{told}: {'; '.join(kept)}."


def _numbering(found: Comparison) -> str:
    """Say how numbers and names could have been kept, where they were not."""
    k, base, run = len(found.run.profiles), escape(found.base.run), escape(found.run.run)
    lost = {
        "number": any(then.segment != now.segment and then.segment <= k for then, now in found.pairs),
        "name": any(then.name != now.name for then, now in found.pairs),
    }
    what = listing(word for word, gone in lost.items() if gone)
    if found.refreshed or not what or not found.drift:
        return ""
    return f"{run} was not started from {base}; with BASE={base} a segment found again keeps its {what}."
