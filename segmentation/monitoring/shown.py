"""What a reader sees of two runs side by side: tables as text."""

import numpy as np
import pandas as pd

from segmentation.core.dataset import Dataset
from segmentation.core.privacy import in_tens
from segmentation.language import tr, trc
from segmentation.language.writing import NONE, decimal, listing, parted, percents, signed, whole
from segmentation.monitoring.comparison import Comparison, hidden_moves, moved_customers, moves, public_moves, sizes
from segmentation.monitoring.series import Line, Series, moved_worth, worth_in
from segmentation.monitoring.transitions import as_matrix
from segmentation.runs import tell as runs_tell

STILL = 5e-4  # a distance that is shown as 0.000
MOST_MOVES, MOST_OF_STEP = 10, 3


def fate(name: str) -> str:
    """Return what became of a segment, as it stands in a table or beside a line; "kept" by construction."""
    return {
        "survives": trc("of a segment", "found again"),
        "split": trc("of a segment", "split"),
        "merged": trc("of a segment", "merged"),
        "gone": trc("of a segment", "gone"),
        "kept": trc("of a segment", "kept"),
    }[name]


def with_sign(value: float, digits: int) -> str:
    """Return a change with its sign, also where it is a plus."""
    told = signed(value, digits)
    return f"+{told}" if value > 0 else told


def show_rand(index: float | str) -> str:
    """Return an adjusted Rand index, which may be text before; what is less than 1 is not shown as 1."""
    if isinstance(index, str):
        return index
    if index == 1:
        return "1"
    return tr("above {number}", number=decimal(0.999, 3)) if index > 0.9995 else decimal(index, 3)


def show_figure(value: float) -> str:
    """Return an index, or a distance, of a table; a dash where it is not shown."""
    return NONE if pd.isna(value) else decimal(value, 3)


def runs_table(found: Comparison) -> pd.DataFrame:
    """Return customers, features, k, how it was chosen, verdict, silhouette and least stability: a column a run."""
    columns = {}
    then, now = (tr("then: {run}", run=found.base.run), tr("now: {run}", run=found.run.run))
    for head, study, base in ((then, found.earlier, found.base), (now, found.later, found.run)):
        selection = study.read("k_selection.json")
        silhouette, weakest = runs_tell.measured(selection) or [NONE, NONE]
        columns[head] = {
            tr("customers"): whole(base.customers),
            tr("features"): listing(study.dataset.label(feature) for feature in base.features),
            tr("number of segments k"): whole(selection.k),
            tr("why this k"): runs_tell.choice(selection),
            tr("verdict"): tr(selection.verdict),
            tr("mean silhouette"): silhouette,
            tr("least stable segment (Jaccard)"): weakest,
        }
    return pd.DataFrame(columns).rename_axis(tr("run"))


def named(row, side: str) -> str:
    """Return the number and the name of a segment then or now; a dash where there is none."""
    return NONE if pd.isna(row[side]) else f"{row[side]:.0f} {row[f'name_{side}']}"


def shares_as_text(shares: pd.DataFrame, found: Comparison) -> pd.DataFrame:
    """Return the shares with their intervals as a reader wants them, and what each segment became or came from."""

    def told(row, side: str) -> str:
        interval = percents([row[f"low_{side}"], row[f"high_{side}"]]) if row[side] == row[side] else ""
        return f"{row[f'told_{side}']} ({interval})" if interval else NONE

    rows = []
    for _, row in shares.astype(object).where(shares.notna(), np.nan).iterrows():
        difference = 100 * (row["share_now"] - row["share_then"])
        rows.append(
            {
                tr("then"): named(row, "then"),
                tr("now"): named(row, "now"),
                tr("fate"): _became(row, found),
                tr("share then"): told(row, "then"),
                tr("share now"): told(row, "now"),
                tr("points"): _in_points(difference),
            }
        )
    return pd.DataFrame(rows)


def _in_points(difference: float) -> str:
    """Return by how many percentage points a share changed; a dash where it has no earlier one."""
    if difference != difference:
        return NONE
    return with_sign(difference, 1) if abs(difference) >= 0.05 else "0"


def _became(row, found: Comparison) -> str:
    """Return what a segment of the earlier run became, or where one of the later run comes from."""
    if not pd.isna(row["then"]):
        return fate("kept" if found.kept else found.lineage.before[int(row["then"]) - 1].fate)
    origins = found.lineage.now[int(row["now"]) - 1].comes_from
    return tr("from {segments}", segments=listing(origins)) if origins else trc("of a segment", "new")


def centres_as_text(moved: pd.DataFrame, found: Comparison) -> pd.DataFrame | None:
    """Return the centres then and now as text, with the step of each centroid in scaled units; None without any."""
    if moved.empty:
        return None
    dataset, rows = found.later.dataset, []
    for _, row in moved.iterrows():
        shown = {tr("then"): named(row, "then"), tr("now"): named(row, "now")}
        for f in found.base.numbers:
            then, now = (dataset.amount(f, row[f"{side}_{f}"]) for side in ("then", "now"))
            shown[dataset.axis(f)] = f"{then} → {now} ({_step(row[f'step_{f}'])})"
        rows.append(shown | {tr("moved"): row["moved"]})
    return pd.DataFrame(rows)


def _step(z: float) -> str:
    return NONE if z != z else with_sign(z, 2) if abs(z) >= STILL * 10 else "0"


def moves_matrix(table: pd.DataFrame, found: Comparison) -> pd.DataFrame:
    """Return the customers as a matrix, one row an earlier segment; what must not be shown is "hidden"."""
    counts = as_matrix(table, *found.shape)
    counts = in_tens(counts) if found.private else counts
    shown = np.where(
        hidden_moves(table, found), trc("of a figure", "hidden"), np.vectorize(whole, otypes=[object])(counts)
    )
    rows = [f"{p.segment} {p.name}" for p in found.base.profiles]
    columns = [tr("now {segment}", segment=p.segment) for p in found.run.profiles]
    return pd.DataFrame(shown, columns=columns).assign(**{tr("then"): rows})[[tr("then"), *columns]]


def drift_table(found: Comparison) -> pd.DataFrame | None:
    """Return the population stability index of each feature and of the shares of the segments, and its limit.

    None where the earlier model cannot place the customers.
    """
    if not found.drift:
        return None
    labels = {name: found.later.dataset.label(name) for name in found.drift.features}
    parts = {labels[name]: part for name, part in found.drift.features.items()}
    rows = parts | {tr("the shares of the segments"): found.drift.segments}
    answers = {True: trc("an answer", "yes"), False: trc("an answer", "no")}
    table = [(name, p.index, p.limit, answers[bool(p.shifted)]) for name, p in rows.items()]
    heads = [
        trc("of a table", "of"),
        trc("of a table", "index"),
        trc("of a table", "limit"),
        trc("of a table", "changed"),
    ]
    return pd.DataFrame(table, columns=heads)


def fates_table(found: Comparison) -> pd.DataFrame:
    """Return what became of each earlier segment."""
    return pd.DataFrame(
        {
            tr("then"): row.segment,
            tr("name"): row.name,
            tr("became"): fate("kept" if found.kept else row.fate),
            tr("now"): parted(f"{into} {found.run.profiles[into - 1].name}" for into in row.into) or NONE,
        }
        for row in found.lineage.before
    )


def largest_moves(table: pd.DataFrame, worth: pd.DataFrame, found: Comparison, column: str | None) -> pd.DataFrame:
    """Return the largest movements from one segment to another, with what these customers brought then and now.

    Parameters
    ----------
    table, worth : DataFrame
        As `public_moves` and `series.moved_worth` return them.
    column
        The value, where there is one.
    """
    moved = moved_customers(table, found).sort_values(["customers", "then", "now"], ascending=[False, True, True])
    if len(worth):
        moved = moved.merge(worth, how="left", on=["then", "now"])
    rows = []
    for row in moved.head(MOST_MOVES).to_dict("records"):
        told = {
            tr("from"): f"{row['then']} {found.base.profiles[row['then'] - 1].name}",
            tr("to"): f"{row['now']} {found.run.profiles[row['now'] - 1].name}",
            tr("customers"): whole(row["customers"]),
        }
        if column and len(worth):
            then, now = row["value_then"], row["value_now"]
            told |= {tr("value then"): _money(then, found, column), tr("value now"): _money(now, found, column)}
            told |= {tr("gained or lost"): change(then, now, found.later.dataset, column)}
        rows.append(told)
    return pd.DataFrame(rows)


def _money(value: float, found: Comparison, column: str) -> str:
    return found.later.dataset.amount(column, value)


def change(then: float, now: float, dataset: Dataset, column: str) -> str:
    """Return by how much a value rose or fell, with its sign; a dash where either is not told."""
    if pd.isna(then) or pd.isna(now):
        return NONE
    sign = "+" if now > then else "−" if now < then else ""
    return f"{sign}{dataset.amount(column, abs(now - then))}"


def months_table(found: Series) -> pd.DataFrame:
    """Return of each run its customers, segments, how k was chosen, and verdict: a row a run."""
    rows = []
    for study, run in zip(found.studies, found.runs, strict=True):
        selection = study.read("k_selection.json")
        row = {tr("run"): run.run, tr("customers"): whole(run.customers), tr("segments"): whole(len(run.profiles))}
        rows.append(row | {tr("why this k"): runs_tell.choice(selection), tr("verdict"): tr(selection.verdict)})
    return pd.DataFrame(rows)


def shares_by_run(table: pd.DataFrame, found: Series) -> pd.DataFrame:
    """Return the share of each segment in each run, where it comes from, and what became of it."""
    rows, kept = [], all(step.kept for step in found.steps)
    for i, line in enumerate(found.lines):
        own = table[table["line"] == i].set_index("at")
        shares = {name: own["told"].get(at, NONE) for at, name in enumerate(found.names)}
        rows.append({tr("segment"): called(own), **shares, tr("and"): _met(line, found, kept=kept)})
    return pd.DataFrame(rows)


def _met(line: Line, found: Series, *, kept: bool) -> str:
    """Return in which run a segment began and in which it ended, or that it is found again in each."""
    begun = found.names[line.first]
    met = [] if not line.first else [tr("new in {run}", run=begun)]
    if line.first and line.comes_from:
        met = [tr("from {segments} in {run}", segments=listing(line.comes_from), run=begun)]
    if line.fate:
        met.append(tr("{fate} in {run}", fate=fate(line.fate), run=found.names[line.last + 1]))
    return parted(met) or (fate("kept") if kept else tr("found again in each"))


def called(own: pd.DataFrame) -> str:
    """Return the last number and name of a segment, and what it was called before where that is something else."""
    names = list(dict.fromkeys(own["name"]))
    last = f"{own['segment'].iloc[-1]} {names[-1]}"
    return tr("{segment} (before: {names})", segment=last, names=parted(names[:-1])) if len(names) > 1 else last


def lines_of(table: pd.DataFrame, found: Series, column: str | None = None) -> pd.DataFrame:
    """Return shares, or values of a column, of the segments as their lines are drawn: with texts, and what ended.

    Returns
    -------
    DataFrame
        The same with told (the figure as text), and ended ("gone" in the last row of one that is no more).
    """
    own = table[table["line"] >= 0]
    fates = {(i, line.last): fate(line.fate) for i, line in enumerate(found.lines) if line.fate}
    own = own.assign(ended=[fates.get(place, "") for place in zip(own["line"], own["at"], strict=True)])
    if column is None:
        return own
    return own.assign(told=[found.last.dataset.measured(column, value) for value in own["value"]])


def worth_by_run(worth: pd.DataFrame, found: Series, column: str | None) -> pd.DataFrame | None:
    """Return what each segment is worth in each run and its share of the value, and the change from first to last."""
    if column is None:
        return None
    dataset, runs = found.last.dataset, range(len(found.names))
    told = [worth_in(study, column) for study in found.studies]
    texts = [runs_tell.value_shares(own) if own else {} for own in told]
    rows = []
    for i in [-1, *range(len(found.lines))]:
        own = worth[worth["line"] == i].set_index("at")
        row = {tr("segment"): called(own) if i >= 0 else tr("All customers")}
        for at in runs:
            share = texts[at].get(own["segment"].get(at)) if i >= 0 else None
            share = f" ({share})" if share else ""
            row[found.names[at]] = f"{dataset.amount(column, own['value'].get(at))}{share}"
        then, now = (own["value"].get(at, np.nan) for at in (0, runs[-1]))
        rows.append(row | {tr("gained or lost"): change(then, now, dataset, column)})
    return pd.DataFrame(rows)


def largest_by_run(found: Series, column: str | None) -> pd.DataFrame:
    """Return the largest movements from each run to the next, as `largest_moves` has them."""
    parts = []
    for step in found.steps:
        if step.shared is not None:
            own = largest_moves(public_moves(moves(step), step), moved_worth(step, column), step, column)
            parts.append(own.head(MOST_OF_STEP).assign(**{tr("runs"): f"{step.base.run} → {step.run.run}"}))
    told = pd.concat(parts) if parts else pd.DataFrame()
    return told[[tr("runs"), *told.columns.drop(tr("runs"))]].fillna(NONE) if len(told) else told


def unmoved(found: Series) -> bool:
    """Return whether nobody in two runs is in another segment than the one that theirs became."""
    return all(moved_customers(moves(step), step).empty for step in found.steps if step.shared is not None)


def flows_of(found: Series) -> tuple[list[pd.DataFrame], list[list[int]], list[str], tuple[list[str], list[str]], list]:
    """Return what the bands between runs are drawn from, as `plots.moves` takes it.

    Of several runs a flow is empty where the ids do not say who is in both; of two runs it is that of the later
    customers, by both models.
    """
    first, last = ([profile.name for profile in found.runs[at].profiles] for at in (0, -1))
    sides, own = found.names, [[profile.size for profile in run.profiles] for run in found.runs]
    flows = [public_moves(moves(step), step) for step in found.steps]
    if len(flows) > 1:
        flows = [flow if step.shared is not None else flow[:0] for flow, step in zip(flows, found.steps, strict=True)]
    elif found.steps[0].shared is None:
        sides, own = [tr("by the model of {run}", run=side) for side in sides], [*sizes(flows[0], found.steps[0])]
    lines = [line for line in found.lines if line.fate]
    ended = [{line.segments[-1] for line in lines if line.last == at} for at in range(len(sides))]
    return flows, own, sides, (first, last), ended


def telling_axes(moved: pd.DataFrame, found: Comparison) -> dict[str, str]:
    """Return the axis labels of the features, those first in which centroids moved most; two or fewer as they are."""
    features = found.base.numbers
    if len(features) > 2 and len(moved):
        features = sorted(features, key=lambda f: -moved[f"step_{f}"].abs().max())
    return {f: found.later.dataset.axis(f) for f in features}
