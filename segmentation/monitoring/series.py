"""Several finished runs, each compared with the one before; and what their segments are worth, month by month."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import ibis
import numpy as np
import pandas as pd

from segmentation.core.engine import read
from segmentation.core.privacy import PART_DIGITS, SMALLEST_GROUP, SUM_DIGITS, dominated, rung, significant, to_step
from segmentation.core.text import contradict
from segmentation.customers.counts import identified, rounded
from segmentation.language.writing import shares
from segmentation.monitoring.comparison import Comparison, compare_runs, hidden_moves
from segmentation.runs.finished import Finished
from segmentation.runs.manifest import open_finished
from segmentation.runs.records import Became, Profile
from segmentation.runs.run import Run, require_language
from segmentation.runs.worth import Worth


@dataclass(frozen=True)
class Line:
    """A segment for as long as it is found again from one run to the next.

    first : the run, from 0, in which it is met first
    segments : its number in that run and in each after it
    comes_from : the segments of the run before that went into it; none of one that is new, or there from the start
    fate : what became of it after the last of these runs; None where no run is later
    """

    first: int
    segments: tuple[int, ...]
    comes_from: tuple[int, ...] = ()
    fate: Became | None = None

    @property
    def last(self) -> int:
        return self.first + len(self.segments) - 1


@dataclass(frozen=True)
class Series:
    """Two or more finished runs, each compared with the one before."""

    steps: tuple[Comparison, ...]

    @property
    def studies(self) -> list[Run]:
        return [self.steps[0].earlier, *(step.later for step in self.steps)]

    @property
    def runs(self) -> list[Finished]:
        return [self.steps[0].base, *(step.run for step in self.steps)]

    @property
    def names(self) -> list[str]:
        return [run.run for run in self.runs]

    @property
    def last(self) -> Run:
        return self.steps[-1].later

    @property
    def private(self) -> bool:
        return any(step.private for step in self.steps)

    @cached_property
    def lines(self) -> list[Line]:
        """The segments, in the order in which they are met."""
        own = [Line(0, (profile.segment,)) for profile in self.runs[0].profiles]
        for i, step in enumerate(self.steps, 1):
            own = list(_continued(own, step, i))
        return own

    def profile(self, line: Line, run: int) -> Profile:
        """Return the profile of a segment in a run in which it is."""
        return self.runs[run].profiles[line.segments[run - line.first] - 1]


def compare_series(runs: str, language: str | None = None) -> Series:
    """Compare each of several finished runs, "jan,feb,mar", with the one before, as `compare_runs` does."""
    names = runs.split(",")
    told = require_language(language) or open_finished(names[-1], None).language
    return Series(tuple(compare_runs(base, run, told) for base, run in pairwise(names)))


def _continued(lines: Sequence[Line], step: Comparison, run: int) -> Iterator[Line]:
    """Yield the segments as they are after one more run: those found again, those that end, those that are new."""
    kept = {then.segment: now.segment for then, now in step.pairs}
    for line in lines:
        own = line.segments[-1]
        if line.last < run - 1:
            yield line
        elif own in kept:
            yield Line(line.first, (*line.segments, kept[own]), line.comes_from)
        else:
            yield Line(line.first, line.segments, line.comes_from, step.lineage.before[own - 1].fate)
    for row in step.lineage.now:
        if row.segment not in kept.values():
            yield Line(run, (row.segment,), row.comes_from)


def shares_over(found: Series) -> pd.DataFrame:
    """Return the share of each segment in each run in which it is.

    Returns
    -------
    DataFrame
        line (from 0), at (the run, from 0), segment, name, share, low, high, and told (the share as text).
    """
    told = [shares(profile.size for profile in run.profiles) for run in found.runs]
    rows = []
    for i, line in enumerate(found.lines):
        for at in range(line.first, line.last + 1):
            profile = found.profile(line, at)
            low, high = profile.share_interval
            row = {"line": i, "at": at, "segment": profile.segment, "name": profile.name, "share": profile.share}
            rows.append(row | {"low": low, "high": high, "told": told[at][profile.segment - 1]})
    return pd.DataFrame(rows)


def valued(found: Series) -> str | None:
    """Return the main value of the last run that all runs have in one unit; None where there is none."""
    for worth in found.last.read("profiles.json").worth:
        columns = [_column(study, worth.column) for study in found.studies]
        units = [column.unit for column in columns if column and column.unit]
        if (
            all(columns)
            and all(worth_in(study, worth.column) for study in found.studies)
            and not any(contradict(units[0], unit) for unit in units[1:])
        ):
            return worth.column
    return None


def _column(study: Run, name: str):
    return study.dataset.columns.get(name)


def worth_in(study: Run, column: str) -> Worth | None:
    """Return what the customers of a run are worth by a column; None where it is not told."""
    return next((worth for worth in study.read("profiles.json").worth if worth.column == column), None)


def worth_over(found: Series) -> pd.DataFrame:
    """Return what the customers of each run are worth in all, and those of each segment.

    Of a private table a segment has its published share of the published total, no more exact than that is, and a
    change is that of two such.

    Returns
    -------
    DataFrame
        line (from 0, -1 of all customers), at, segment, name, share (of the value), value and each (a customer); NaN
        where it must not be told. Without rows where no value is known in all runs.
    """
    column, rows = valued(found), []
    for at, study in enumerate(found.studies if column else []):
        worth = worth_in(study, str(column))
        assert worth  # `valued` names only a column that each run has
        all_of_it = {"line": -1, "at": at, "segment": 0, "name": "All customers", "share": 1.0}
        rows.append(all_of_it | {"value": worth.total, "each": worth.each})
        parts = {part.segment: part for part in worth.parts}
        for i, line in enumerate(found.lines):
            if line.first <= at <= line.last:
                profile = found.profile(line, at)
                part = parts.get(profile.segment)
                share = part.share if part else None
                value = None if share is None or worth.total is None else share * worth.total
                row = {"line": i, "at": at, "segment": profile.segment, "name": profile.name, "share": share}
                rows.append(row | {"value": value, "each": part and part.each})
    names = ["line", "at", "segment", "name", "share", "value", "each"]
    table = pd.DataFrame(rows, columns=names).astype({"share": float, "value": float, "each": float})
    digits = [SUM_DIGITS if line < 0 else PART_DIGITS for line in table["line"]]
    told = zip(table["value"], digits, strict=True)
    return table.assign(value=[significant(value, private=found.private, digits=n) for value, n in told])


def moved_worth(found: Comparison, column: str | None) -> pd.DataFrame:
    """Return what the customers in both runs brought then and now, by their segments then and now.

    Of a private table nothing of a group that is hidden, or of which one or two customers make up most, then or now;
    of all others sums to a step of the largest amount of one customer.

    Returns
    -------
    DataFrame
        then, now, value_then, value_now; NaN where it must not be told. Without rows where the customers in both are
        not known, or have no such value.
    """
    if column is None or found.shared is None:
        return pd.DataFrame(columns=["then", "now", "value_then", "value_now"])
    told = _sums(found, column, "then").merge(_sums(found, column, "now"), on=["then", "now"])
    if found.private:
        hidden = hidden_moves(found.shared, found)[told["then"] - 1, told["now"] - 1] | (told["n"] < SMALLEST_GROUP)
        hidden |= _dominated(told, "then") | _dominated(told, "now")
        for side in ("then", "now"):
            steps = [rung(largest) for largest in told[f"largest_{side}"]]
            sums = [to_step(value, step) for value, step in zip(told[f"value_{side}"], steps, strict=True)]
            told[f"value_{side}"] = np.where(hidden, np.nan, sums)
    return told[["then", "now", "value_then", "value_now"]].sort_values(["then", "now"], ignore_index=True)


def _dominated(told: pd.DataFrame, side: str) -> pd.Series:
    return dominated(*(told[f"{what}_{side}"] for what in ("size", "largest", "second")))


def _sums(found: Comparison, column: str, side: str) -> pd.DataFrame:
    """Return of the customers in both runs, by segment then and now, the sums of their values at one time.

    Only those whose value is known at both times are counted.
    """
    then, now = (_valued(study, column) for study in (found.earlier, found.later))
    both = then.rename(then="segment", value_then="value").join(now.rename(now="segment", value_now="value"), "id")
    both = both.filter(both["value_then"].notnull(), both["value_now"].notnull())
    size = both[f"value_{side}"].abs()
    order = ibis.window(group_by=["then", "now"], order_by=ibis.desc(size))
    both = both.mutate(size=size, rank=ibis.row_number().over(order))
    sums = both.group_by("then", "now").agg(
        n=both.count(),
        value=both[f"value_{side}"].sum(),
        size=both["size"].sum(),
        largest=both["size"].max(),
        second=both["size"].sum(where=both["rank"] == 1),
    )
    known = sums.to_pandas().astype(dict.fromkeys(("value", "size", "largest", "second"), float)).fillna(0.0)
    known[["value", "size"]] = known[["value", "size"]].map(rounded)
    own = {name: f"{name}_{side}" for name in ("value", "size", "largest", "second")}
    return known.rename(columns=own if side == "then" else own | {"n": "n_now"})


def _valued(study: Run, column: str) -> ibis.Table:
    """Return id, segment and value of the customers of a run."""
    segments = identified(read(study.existing("segments.parquet"))).select("id", "segment")
    table = identified(read(study.existing("customers.parquet")))
    values = table.select("id", value=table[column].cast("float64"))
    return segments.join(values, "id").mutate(id=segments["id"].cast("string")).select("id", "segment", "value")
