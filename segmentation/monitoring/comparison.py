"""What changed between two finished runs: their segments, their customers, and how sure each is."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from segmentation.core.engine import read
from segmentation.core.errors import UsageError, as_option
from segmentation.core.privacy import SMALLEST_GROUP, at_least, in_tens, nearly_all, tens, withheld_beside
from segmentation.customers.cleaning import MOST_REJECTED
from segmentation.customers.counts import identified, rand_index
from segmentation.customers.customers import HANDED_ON
from segmentation.language import mark, speak, tr
from segmentation.language.writing import listing, shares
from segmentation.monitoring.fixed import itself
from segmentation.monitoring.transitions import (
    as_matrix,
    cross,
    known_customers,
    lineage_of,
    original_centroids,
    scaled_as,
)
from segmentation.runs.artifacts import Transitions
from segmentation.runs.finished import Finished, foreign_features, read_finished
from segmentation.runs.manifest import open_finished, read_manifest, require_unchanged
from segmentation.runs.records import Profile
from segmentation.runs.run import Run, check_run_name, require_language
from segmentation.scoring.drift import Drift, describe_drift
from segmentation.scoring.place import score_table
from segmentation.segments.assign import open_segmented

MOST_COMPARED = 10_000  # customers whose rows are looked at to see whether ids are those of people
NOBODY = mark("The ids of the two runs do not say which customers are in both.")
NUMBERED = mark(
    "The ids of both runs are running numbers, and most customers of one run are no more like the one with the same "
    "number in the other than like those with the numbers beside it: the ids are taken for numbers of rows."
)


@dataclass(frozen=True)
class Comparison:
    """Two finished runs side by side.

    earlier, later : Run
    placed : DataFrame or None
        then, now, near, customers: those of the later run by both models; None where the earlier cannot place them.
    shared : DataFrame or None
        then, now, customers: those in both runs; None where the ids of the two say nothing.
    why_not : why `placed` or `shared` is None
    drift : Drift or None
    """

    earlier: Run
    later: Run
    placed: pd.DataFrame | None
    shared: pd.DataFrame | None
    why_not: str
    drift: Drift | None

    @cached_property
    def base(self) -> Finished:
        return read_finished(self.earlier)

    @cached_property
    def run(self) -> Finished:
        return read_finished(self.later)

    @property
    def same(self) -> bool:
        """Whether a run is compared with itself."""
        return self.base.run == self.run.run

    @property
    def of_those(self) -> bool:
        """Whether the later run is of the table that the earlier segments were formed on, and not only placed."""
        kept = read_manifest(self.base.run).parameters.get("model")
        return not kept and is_same_table(self.earlier, self.later)

    @property
    def refreshed(self) -> bool:
        """Whether the later run was started from the earlier one."""
        return read_manifest(self.run.run).base == self.base.run

    @property
    def kept(self) -> bool:
        """Whether both have the same segments, which one of them kept from the other, or both from a third."""
        models = [read_manifest(run.run).parameters.get("model") for run in (self.base, self.run)]
        return not self.same and any(models) and self.base.model == self.run.model

    @property
    def private(self) -> bool:
        return self.earlier.dataset.private or self.later.dataset.private

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.base.profiles), len(self.run.profiles)

    @property
    def same_features(self) -> bool:
        return set(self.base.features) == set(self.run.features)

    @cached_property
    def lineage(self) -> Transitions:
        """What became of each earlier segment; where both runs have the same ones, kept as they are, each is itself."""
        if self.kept:
            return itself(self.base)
        crossed = self.placed
        if crossed is None:
            assert self.shared is not None  # `compare_runs` refuses two of which neither can be told
            crossed = self.shared.assign(near=True)
        return lineage_of(self.base, crossed, len(self.run.profiles))

    @property
    def pairs(self) -> list[tuple[Profile, Profile]]:
        """The profiles then and now of each segment that is found again: no other one has an earlier self."""
        found = [(row.segment, *row.into) for row in self.lineage.before if row.fate == "survives"]
        return [(self.base.profiles[then - 1], self.run.profiles[now - 1]) for then, now in found]


def compare_runs(base: str, run: str, language: str | None = None) -> Comparison:
    """Compare two finished runs, and speak the language of the later one, or `language`.

    Raises
    ------
    UsageError
        When one has not been made, dataset.yaml does not have what formed it any more, or they share neither customers
        nor columns.
    DataError
        When one was changed since.
    """
    earlier, later = _open(base, "BASE"), _open(run, "RUN")
    speak(require_language(language) or later.language)
    then = read_finished(earlier)
    (shared, why_not), foreign = shared_customers(earlier, later), foreign_features(then.model, later.dataset)
    if foreign:
        if shared is None:
            told = f"The model of {base} cannot place the customers of {run}: {foreign}. {why_not}"
            raise UsageError(f"{told} Expected runs of the same columns")
        told = tr("The model of {base} cannot place the customers of {run}: {why}.", base=base, run=run, why=foreign)
        return Comparison(earlier, later, None, shared, told, None)
    customers = open_segmented(later)
    known, names = known_customers(customers, then.model), {p.segment: p.name for p in then.profiles}
    if not int(known.count().execute()):
        raise UsageError(f"no customer of {run} has a value in each of {listing(then.features)}, which formed {base}")
    drift = describe_drift(score_table(known.drop("now"), then.model, names), then.model, names)
    placed = cross(customers, then.model)
    return Comparison(earlier, later, placed, shared, tr(why_not) if why_not else "", drift)


def _open(run: str, option: str) -> Run:
    check_run_name(run, option)
    study = open_finished(run, None)
    large = [name for name in HANDED_ON if study.path(name).is_file()]
    require_unchanged(run, "customers.parquet", "segments.parquet", "k_selection.json", *large)
    if told := foreign_features(study.read("model.json"), study.dataset):
        raise UsageError(
            f"{as_option(option, run)} cannot be compared: {told}; put it back into dataset.yaml, or make {run} again"
        )
    return study


def shared_customers(earlier: Run, later: Run) -> tuple[pd.DataFrame | None, str]:
    """Count the customers of both runs by their segments; where ids do not tell who is in both, say why.

    Without ids the rows of one table are counted, which may come in another order.
    """
    with_ids = {bool(study.dataset.named("id") or study.dataset.transactions) for study in (earlier, later)}
    same = is_same_table(earlier, later)
    if with_ids != {True} and (with_ids != {False} or not same):
        return None, NOBODY
    then, now = (identified(read(study.existing("segments.parquet"))) for study in (earlier, later))
    then = then.select(id=then["id"].cast("string"), then="segment")
    both = then.join(now.select(id=now["id"].cast("string"), now="segment"), "id")
    found = both.group_by("then", "now").agg(customers=both.count()).to_pandas()
    if found.empty:
        return None, NOBODY
    if not (same and with_ids == {True}) and _are_rows(earlier, later):
        return None, NUMBERED
    return found.sort_values(["then", "now"], ignore_index=True), ""


def is_same_table(earlier: Run, later: Run) -> bool:
    """Return whether two runs were made of one table."""
    return len({study.read("cleaning.json").fingerprint for study in (earlier, later)}) == 1


def _are_rows(earlier: Run, later: Run) -> bool:
    """Return whether the ids of both are running numbers, and those of the same number are not alike."""
    then, now = (_first_number(study) for study in (earlier, later))
    return then is not None and now is not None and not _is_alike(earlier, later, max(then, now))


def _first_number(study: Run) -> int | None:
    """Return the first id where they are running numbers, with no more gaps than refused rows may leave."""
    table = identified(read(study.existing("customers.parquet")))
    number = table["id"].cast("string").try_cast("int64")
    found = table.agg(n=table.count(), numbers=number.count(), low=number.min(), high=number.max()).to_pandas().iloc[0]
    running = found["numbers"] == found["n"] and found["low"] >= 0 and found["high"] <= found["n"] / (1 - MOST_REJECTED)
    return int(found["low"]) if running else None


def _is_alike(earlier: Run, later: Run, first: int) -> bool:
    """Return whether most customers are nearer, then and now, to the one of their id than to those of the ids beside.

    By chance a third are. Neighbours are asked, and not just any others, because tables may be sorted. Where every row
    is what it was, those beside may be the same.
    """
    then, now = _numbers(earlier, first), _numbers(later, first)
    names, ids = then.columns.intersection(now.columns), then.index.intersection(now.index).sort_values()
    spread = then[names].std().replace(0, np.nan)
    then, now = ((frame.loc[ids, names] / spread).to_numpy() for frame in (then, now))
    own, above, below = (np.nansum((then - np.roll(now, by, axis=0)) ** 2, axis=1) for by in (0, 1, -1))
    beside = np.minimum(above, below)
    return (own < beside).sum() > (own > beside).sum() or (len(names) > 0 and not own.any())


def _numbers(study: Run, first: int) -> pd.DataFrame:
    """Return the columns of numbers of the customers with the lowest ids from `first` on, by id."""
    table = identified(read(study.existing("customers.parquet")))
    names = [name for name in table.columns if name != "id" and table[name].type().is_numeric()]
    rows = table.select(*names, _number=table["id"].cast("string").try_cast("int64"))
    return rows.filter(rows["_number"].between(first, first + MOST_COMPARED - 1)).to_pandas().set_index("_number")


def agreeing(table: pd.DataFrame, found: Comparison) -> float | str:
    """Return the adjusted Rand index of then and now: as text where it could count the few of a private table."""
    index = rand_index(as_matrix(table, *found.shape))
    return at_least(index, int(table["customers"].sum())) if found.private and index < 1 else index


def agreement(found: Comparison) -> pd.DataFrame:
    """Return the adjusted Rand index of both models on the later customers, and of then and now on those in both."""
    rows = []
    if found.placed is not None:
        rows.append((tr("the customers of {run}, placed by both models", run=found.run.run), found.placed))
    if found.shared is not None:
        rows.append((tr("the customers in both runs, by their segments then and now"), found.shared))
    told = [(what, how_many(t, found), agreeing(t, found)) for what, t in rows]
    return pd.DataFrame(told, columns=[tr("compared are"), tr("customers"), tr("adjusted Rand index")])


def shares_table(found: Comparison) -> pd.DataFrame:
    """Return the share of each segment then and now with its interval: those found again, then all others.

    Returns
    -------
    DataFrame
        then, now (the numbers; missing where there is none), name_then, name_now, share_then, low_then, high_then,
        share_now, low_now, high_now; told_then and told_now (the shares as text).
    """
    went, came = {then.segment for then, _ in found.pairs}, {now.segment for _, now in found.pairs}
    sides: list[tuple[Profile | None, Profile | None]] = [*found.pairs]
    sides += [(old, None) for old in found.base.profiles if old.segment not in went]
    sides += [(None, new) for new in found.run.profiles if new.segment not in came]
    table = pd.DataFrame([_share_row(then, now) for then, now in sides])
    for side in ("then", "now"):
        known = table[f"share_{side}"].dropna()
        table[f"told_{side}"] = pd.Series(shares(known), known.index, dtype=object)
    return table


def apart(shares):
    """Return whether a share changed by more than its intervals allow, of one row of `shares_table` or of all."""
    return (shares["low_now"] > shares["high_then"]) | (shares["low_then"] > shares["high_now"])


def _share_row(then: Profile | None, now: Profile | None) -> dict:
    row: dict = {}
    for side, profile in (("then", then), ("now", now)):
        row |= {side: profile and profile.segment, f"name_{side}": profile.name if profile else ""}
        low, high = profile.share_interval if profile else (np.nan, np.nan)
        row |= {f"share_{side}": profile.share if profile else np.nan, f"low_{side}": low, f"high_{side}": high}
    return row


def moved_centres(found: Comparison) -> pd.DataFrame:
    """Return of each segment found again the centre then and now, in original units, and how far its centroid moved.

    Returns
    -------
    DataFrame
        then, now, name_then, name_now; then_<feature> and now_<feature>; moved, in the scaled units of the earlier run.
    """
    if not found.same_features or not found.base.numbers:
        return pd.DataFrame()
    features, model = found.base.numbers, found.base.model
    here = pd.DataFrame(model.centroids, columns=model.columns)[features].to_numpy()
    there = scaled_as(original_centroids(found.run.model)[features], model)
    if found.private or found.kept:  # no more exact than the centres that are shown, which move in kept segments too
        here, there = (scaled_as(_centres(run.profiles, features), model) for run in (found.base, found.run))
    rows = []
    for then, now in found.pairs:
        step = there[now.segment - 1] - here[then.segment - 1]
        row = {"then": then.segment, "now": now.segment, "name_then": then.name, "name_now": now.name}
        row |= {"moved": np.linalg.norm(step)}
        row |= {f"then_{f}": then.centre[f] for f in features} | {f"now_{f}": now.centre[f] for f in features}
        rows.append(row | {f"step_{f}": z for f, z in zip(features, step, strict=True)})
    return pd.DataFrame(rows)


def _centres(profiles: Iterable[Profile], features: list[str]) -> pd.DataFrame:
    return pd.DataFrame([[profile.centre[f] for f in features] for profile in profiles], columns=features, dtype=float)


def moves(found: Comparison) -> pd.DataFrame:
    """Return the customers by segment then (or by the earlier model) and now: then, now, customers, none hidden."""
    table = found.placed if found.shared is None else found.shared
    assert table is not None  # `compare_runs` refuses two of which neither can be told
    return table.groupby(["then", "now"], as_index=False)["customers"].sum()


def how_many(table: pd.DataFrame, found: Comparison) -> int | str:
    """Return how many customers are counted: as text where a few others, then or now, of a private table are not."""
    n, totals = int(table["customers"].sum()), [found.run.customers]
    if found.shared is not None and table is not found.placed:
        totals.append(found.base.customers)
    least, rest = min(totals), {total - n for total in totals} - {0}
    if not found.private or not rest:
        return n
    return nearly_all(least - 1, least, private=True) if min(rest) < SMALLEST_GROUP else tens(n, private=True)


def public_moves(table: pd.DataFrame, found: Comparison) -> pd.DataFrame:
    """Return the same, where a table is private in tens and without the groups that must not be shown."""
    shown = table[~hidden_moves(table, found)[table["then"] - 1, table["now"] - 1]]
    return shown.assign(customers=in_tens(shown["customers"])) if found.private else shown


def hidden_moves(table: pd.DataFrame, found: Comparison) -> np.ndarray:
    """Return which cells of the matrix then x now must not be shown, with its sums known and the others in tens."""
    counts = as_matrix(table, *found.shape)
    if not found.private:
        return np.zeros(counts.shape, bool)
    return withheld_beside(in_tens(counts), counts, np.where(counts, in_tens(counts) + SMALLEST_GROUP - 1, 0))


def sizes(table: pd.DataFrame, found: Comparison) -> tuple[list[int], list[int]]:
    """Return how many of these customers each earlier segment and each segment now holds."""
    counts = as_matrix(table, *found.shape)
    return counts.sum(axis=1).tolist(), counts.sum(axis=0).tolist()


def moved_customers(table: pd.DataFrame, found: Comparison) -> pd.DataFrame:
    """Return the rows of customers in another segment than the one that theirs became."""
    into = {row.segment: row.into for row in found.lineage.before}
    moved = [now not in into[then] for then, now in zip(table["then"], table["now"], strict=True)]
    return table[np.array(moved, bool)]  # of none pandas would take the columns


def net_moved(moved: pd.DataFrame, found: Comparison) -> int:
    """Return how many must have moved for the sizes of the segments to be what they are."""
    net = 0
    for row in found.lineage.before:
        left, came = moved["then"] == row.segment, moved["now"].isin(row.into)
        net += max(moved.loc[left & ~came, "customers"].sum() - moved.loc[came & ~left, "customers"].sum(), 0)
    return int(net)
