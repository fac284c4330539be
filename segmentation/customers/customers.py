"""All customers of a run, counted exactly by the engine at every size, with a sample of them for scikit-learn."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations

import ibis
import numpy as np
import pandas as pd

from segmentation.core.dataset import Dataset
from segmentation.core.engine import double, held, opened
from segmentation.core.files import write_parquet
from segmentation.core.privacy import least
from segmentation.customers.counts import (
    MOST_VALUES,
    Grouping,
    apart,
    bin_of,
    cells_of,
    ended,
    fences_on,
    grid_key,
    identified,
    keyed,
    may_be_held,
    nearby,
    pair_sums,
    pearson,
    power_of,
    read_off,
    rounded,
    skew_of_counts,
    skewness,
    sorted_nearby,
    summed,
    tallied,
    three_powers,
    values_as_rows,
    values_of_rows,
)  # fmt: skip
from segmentation.runs.run import Run

ADDED = ("segment", "distance", "margin", "probability", "next_segment")  # what assignment adds to a customer
HANDED_ON = ("values.parquet", "sample.parquet", "segmented.parquet")  # counted or put together once, for later stages
MOST_CELLS = 200_000
SUMS, ENDS = ("filled", "one", "two"), ("low", "high", "whole")


@dataclass(frozen=True)
class Customers:
    """The clean customers, or, with their segments, the segmented ones.

    table : all of them, in memory or on the disk; a query is made for what is grouped, else counts of values tell
    sample : all of them, or of more than 200,000 some that are the same on every engine; in the order of the ids
    counted : value and n, how many customers have it, in order, of each column whose values have been counted before
    aside : how many more there are, who lie so far from all others that they take no part (`methods.forming`)
    """

    dataset: Dataset
    table: ibis.Table
    sample: pd.DataFrame
    counted: dict[str, pd.DataFrame] = field(default_factory=dict)
    aside: int = 0

    @classmethod
    def of(cls, dataset: Dataset, frame: pd.DataFrame) -> "Customers":
        """Return the customers of a frame."""
        return cls(dataset, held(frame), frame)

    @cached_property
    def number(self) -> int:
        """How many there are."""
        return int(self.table.count().execute())

    @property
    def sampled(self) -> bool:
        """Whether the sample is only a part of them."""
        return len(self.sample) < self.number

    @property
    def private(self) -> bool:
        """Whether no customer may be shown, and no group of fewer than ten."""
        return self.dataset.private

    @property
    def least(self) -> int:
        """How many customers a group must have to be shown."""
        return least(self.private)

    @property
    def columns(self) -> list[str]:
        """The columns besides the id."""
        return [name for name in self.sample if name != "id"]

    @cached_property
    def _own(self) -> list[str]:
        """The columns that assignment did not add."""
        return [name for name in self.columns if name not in ADDED]

    @cached_property
    def _numbers(self) -> list[str]:
        return [name for name in self._own if self.table[name].type().is_numeric()]

    @cached_property
    def _cache(self) -> dict:
        """What has been asked of the engine."""
        return {}

    def replacing(self, name: str, some: list, by: str) -> "Customers":
        """Bring several values of a column together under one name."""
        sample = self.sample.assign(**{name: self.sample[name].mask(self.sample[name].isin(some), by)})
        column, rest = self.table[name], {other: own for other, own in self.counted.items() if other != name}
        table = self.table.mutate(**{name: column.isin(some).ifelse(by, column)})
        return replace(self, table=table, sample=sample, counted=rest)

    def filtered(self, condition: ibis.Value) -> "Customers":
        """Return the customers that meet a condition on the table; what was counted of all does not hold for them."""
        return replace(self, table=self.table.filter(condition), counted={})

    def values(self) -> dict[str, pd.DataFrame]:
        """Return value and n, how many customers have it, in order, of the columns that have not too many values."""
        found = {name: self._values(name, Grouping()) for name in self._numbers}
        texts = [name for name in self._own if name not in self._numbers and self._are_few(name)]
        found |= {name: self.counts(name).rename_axis("value").reset_index(name="n") for name in texts}
        return {name: found[name] for name in self._own if found.get(name) is not None}

    def _are_few(self, name: str) -> bool:
        """Return whether the values of a column can be counted one by one: of a part of the customers it is judged."""
        return not self.sampled or may_be_held(self.sample[name])

    def _values(self, name: str, groups: Grouping) -> pd.DataFrame | None:
        """Return group, value and n, how many rows have it, in order; None where a column has too many values."""
        if groups.column is None and (told := self._told(name)) is not None:
            return told.assign(group=0)
        key = "values", name, groups.column, groups.labels
        if key not in self._cache:
            asked = self._beside(name, groups).group_by("group", "value").agg(n=ibis._.count()).limit(2 * MOST_VALUES)
            few = self._are_few(name)
            found = asked.to_pandas() if few else pd.DataFrame()
            few = few and len(found) < 2 * MOST_VALUES
            self._cache[key] = found.sort_values(["group", "value"], ignore_index=True) if few else None
        return self._cache[key]

    def _told(self, name: str) -> pd.DataFrame | None:
        """Return value and n of a column where it was counted before, or the sample is all there is of it."""
        if name in self.counted or name not in self.sample or len(self.sample) != self.number:
            return self.counted.get(name)
        if ("told", name) not in self._cache:
            self._cache["told", name] = tallied(self.sample[name])
        return self._cache["told", name]

    def _known(self, name: str) -> pd.DataFrame | None:
        """Return value and n of a column, group left out, where its values are counted."""
        return self.counted.get(name, self._values(name, Grouping()) if name in self._numbers else None)

    def _beside(self, name: str, groups: Grouping) -> ibis.Table:
        """Return group and value of the rows that have both."""
        table = self.table.select(group=groups.of_table(self.table), value=self.table[name].cast("float64"))
        return table.filter(table["value"].notnull() & table["group"].notnull())

    def _aggregated(self, parts: dict) -> pd.Series:
        """Compute several sums in one pass."""
        if not parts:
            return pd.Series(dtype=float)
        names = {f"_{i}": name for i, name in enumerate(parts)}
        sums = {short: parts[name] for short, name in names.items()}
        return self.table.agg(**sums).to_pandas().iloc[0].rename(names).astype(float)

    @cached_property
    def _sums(self) -> pd.DataFrame:
        """One row a column: filled, and of numbers the sums of the first two powers about `centre`."""
        centre, parts = self.sample[self._numbers].mean().fillna(0), {}
        known = {name: own for name in self._own if (own := self._known(name)) is not None}
        rest = [name for name in self._own if name not in known]
        for name in rest:
            parts[f"{name} filled"] = self.table[name].count()
            if name in self._numbers:
                apart = self.table[name] - double(centre[name])
                parts |= {f"{name} one": apart.sum(), f"{name} two": (apart * apart).sum()}
        found = self._aggregated(parts)
        rows = {name: [found.get(f"{name} {kind}", np.nan) for kind in SUMS] for name in rest}
        rows |= {name: summed(own, centre.get(name)) for name, own in known.items()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=SUMS).assign(centre=centre)

    @cached_property
    def _ends(self) -> pd.DataFrame:
        """One row a column of numbers: low, high, whole; what is not whole in the sample need not be asked."""
        known = {name: own for name in self._numbers if (own := self._known(name)) is not None}
        parts: dict[str, ibis.Value] = {}
        for name in (name for name in self._numbers if name not in known):
            value = self.table[name]
            parts |= {f"{name} low": value.min(), f"{name} high": value.max()}
            if (self.sample[name].dropna() % 1 == 0).all():
                parts[f"{name} whole"] = (value == value.floor()).all().cast("float64")
        found = self._aggregated(parts)
        rows = {name: [found.get(f"{name} {kind}", 0.0) for kind in ENDS] for name in self._numbers}
        rows |= {name: ended(own["value"]) for name, own in known.items()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=ENDS)

    def filled(self, names) -> pd.Series:
        """Return how many customers have a value in each column."""
        return self._sums.loc[list(names), "filled"].astype(int)

    def mean(self, names) -> pd.Series:
        """Return the mean of each column of numbers."""
        of = self._sums.loc[list(names)]
        return (of["centre"] + of["one"] / of["filled"]).map(rounded)

    def deviation(self, names) -> pd.Series:
        """Return the standard deviation of each column of numbers, with n - 1."""
        of = self._sums.loc[list(names)]
        return ((of["two"] - of["one"] ** 2 / of["filled"]) / (of["filled"] - 1)).pow(0.5).map(rounded)

    def power(self, name: str) -> float:
        """Return the lambda by which the model transforms a column."""
        kind = getattr(self.dataset.columns.get(name), "transform", "none")
        return power_of(kind, self.sample[name].dropna().to_numpy(float))

    def skew(self, name: str) -> float:
        """Return the skewness of a column on the scale on which the model sees it."""
        power, known = self.power(name), self._known(name)
        if known is not None:
            return skew_of_counts(known, power)
        return skewness(**self._aggregated(three_powers(self.table[name], self.sample[name], power)))

    def limits(self, names) -> pd.DataFrame:
        """Return low, high and whole of each column: its smallest and largest value, and whether all are whole."""
        return self._ends.loc[list(names)].astype({"whole": bool})

    def beyond(self, name: str, low: float, high: float) -> int:
        """Return how many customers have less than `low` or more than `high` in a column."""
        known, value = self._known(name), self.table[name]
        if known is not None:
            return int(known["n"][(known["value"] < low) | (known["value"] > high)].sum())
        return int(((value < double(low)) | (value > double(high))).sum().execute() or 0)

    def quantiles(self, name: str, levels: list[float], by: Grouping | None = None) -> pd.DataFrame:
        """Return quantiles of a column, linear between two customers, for all or for each group.

        Returns
        -------
        DataFrame
            One row a group (a single one without `by`): customers with a value, and one column a level.
        """
        groups = by or Grouping()
        key = "quantiles", name, groups.column, groups.labels
        if key not in self._cache or not {*levels} <= {*self._cache[key]}:
            self._cache[key] = self._quantiles(name, sorted(levels), groups)
        return self._cache[key][[*levels, "customers"]]

    def _quantiles(self, name: str, levels: list[float], groups: Grouping) -> pd.DataFrame:
        """Read quantiles off the counts of all values; of too many values, sort only those near the quantiles.

        Where these must be, the sample says: the selection of Floyd & Rivest (1975), with one sample for all levels.
        """
        table, counts = self._beside(name, groups), self._values(name, groups)
        if counts is None:
            values, own = self.sample[name].dropna(), groups.numbered(self.sample)
            spans = {group: nearby(np.sort(some), levels) for group, some in values.groupby(own.loc[values.index])}
            counts = sorted_nearby(table, spans)
        found = read_off(counts, levels)
        if found is None:
            found = table.group_by("group").agg(customers=ibis._.count(), at=ibis._["value"].quantile(levels))
            found = found.to_pandas().set_index("group")
            spread = pd.DataFrame(found["at"].tolist(), index=found.index, columns=levels)
            found = spread.assign(customers=found["customers"])
        return groups.named(found.sort_index())

    def absolute(self, name: str, groups: Grouping) -> pd.Series:
        """Return the sum of the absolute values of a column by group."""
        counts = self._values(name, groups)
        if counts is None:
            table = self._beside(name, groups).mutate(value=ibis._["value"].abs())
            return table.group_by("group").agg(total=ibis._["value"].sum()).to_pandas().set_index("group")["total"]
        return (counts["value"].abs() * counts["n"]).groupby(counts["group"]).sum()

    def fences(self, name: str) -> tuple[float, float] | None:
        """Return between which values a column is not far from the rest, as the model sees it; None without a value."""
        found = self.quantiles(name, [0.25, 0.75])
        if found.empty:
            return None
        return fences_on(self.power(name), found.iloc[0][[0.25, 0.75]], self.limits([name]).loc[name, ["low", "high"]])

    def lower_median(self, name: str) -> float:
        """Return the median of a column, of an even number of values the lower of the two in the middle."""
        middle, known = float(self.quantiles(name, [0.5]).iloc[0][0.5]), self._known(name)
        if known is not None:
            return float(known["value"][known["value"] <= middle].max())
        value = self.table[name]
        return float(value.max(where=value <= double(middle)).execute())

    def histogram(self, name: str, edges: np.ndarray) -> np.ndarray:
        """Return how many customers lie in each bin of a column."""
        known = self._known(name)
        if known is not None:
            return np.histogram(known["value"], edges, weights=known["n"])[0].astype(int)
        inside = self.table.filter(self.table[name].between(double(edges[0]), double(edges[-1])))
        found = bin_of(inside[name], edges).name("bin").value_counts(name="n").to_pandas()
        return np.bincount(found["bin"].astype(int), found["n"], len(edges) - 1).astype(int)

    @cached_property
    def _segments(self) -> pd.DataFrame:
        """One row a segment: customers, and the mean of each column of numbers."""
        means = {name: self.table[name].mean() for name in self._numbers}
        found = self.table.group_by("segment").agg(_n=ibis._.count(), **means)
        return found.to_pandas().set_index("segment").sort_index()

    def means(self, names) -> pd.DataFrame:
        """Return the mean of each column for each segment."""
        return self._segments[list(names)].map(rounded)

    def counts(self, name: str, by: str | None = None) -> pd.Series | pd.DataFrame:
        """Return how many customers have each value of a column, by name; with `by` one row a value of that column."""
        if name == "segment" and by is None:
            return self._segments["_n"].rename("count")
        if by is None and (told := self._told(name)) is not None:
            return told.set_index("value")["n"].rename_axis(name).rename("count")
        if ("counts", name, by) not in self._cache:
            known = self.table.filter(self.table[name].notnull())
            found = known.group_by([*([by] if by else []), name]).agg(_n=known.count()).to_pandas()
            self._cache["counts", name, by] = (
                found.pivot(index=by, columns=name, values="_n").fillna(0).astype(int)
                if by
                else found.set_index(name)["_n"].sort_index().rename("count")
            )
        return self._cache["counts", name, by]

    def grids(self, columns: tuple[str, ...], edges: tuple, by: str | None = None) -> dict[int, np.ndarray]:
        """Return how many customers lie in each cell of a grid of columns, for each value of `by` (or 1)."""
        key = grid_key(columns, edges, by)
        if key not in self._cache:
            self._cache[key] = self._count_cells([*columns], [*edges], by)
        inside = (slice(-1),) * len(columns)
        return {group: cells[inside] for group, cells in self._cache[key].items()}

    def count_together(self, edges: dict[str, np.ndarray], by: str | None = None) -> None:
        """Count the grids of every two of these columns in one pass, where that makes not too many cells."""
        names, bounds = list(edges), list(edges.values())
        if np.prod([len(ends) for ends in bounds]) > MOST_CELLS:
            return
        found = self._count_cells(names, bounds, by)
        for i, one in enumerate(names):
            for j, other in enumerate(names):
                rest = tuple(set(range(len(names))) - {i, j})
                grids = {group: cells.sum(axis=rest) for group, cells in found.items()}
                grids = {group: np.diag(g) if i == j else g.T if i > j else g for group, g in grids.items()}
                self._cache[grid_key((one, other), (bounds[i], bounds[j]), by)] = grids

    def _count_cells(self, names: list[str], edges: list[np.ndarray], by: str | None) -> dict[int, np.ndarray]:
        known = [own["value"].to_numpy() if (own := self.counted.get(name)) is not None else None for name in names]
        return cells_of(self.table, names, edges, known, by)

    def correlation(self, names: list[str]) -> pd.DataFrame:
        """Return the linear correlations of columns as the model sees them, over the customers with a value in both."""
        varied = self._ends.loc[names, "high"] > self._ends.loc[names, "low"]
        powers = {name: self.power(name) for name in names if varied[name]}
        gaps = {n for n in names if self._sums.loc[n, "filled"] < self.number or powers.get(n, 1) != 1}
        pairs, parts = [*combinations(powers, 2)], dict[tuple, ibis.Value]()
        for one, other in pairs:
            x, y = (apart(self.table[n], self._sums.loc[n, "centre"], powers[n]) for n in (one, other))
            sums = pair_sums(x, y, gaps=bool(gaps & {one, other}))
            parts |= {(one, other, what): value for what, value in sums.items()}
        found = self._aggregated(parts)
        table = pd.DataFrame(np.where(np.diag(varied), 1, np.nan), names, names)
        for one, other in pairs:
            of = {what: found.get((one, other, what)) for what in ("n", "x", "y", "xx", "yy", "xy")}
            if not gaps & {one, other}:
                a, b = self._sums.loc[one], self._sums.loc[other]
                of |= {"n": a["filled"], "x": a["one"], "y": b["one"], "xx": a["two"], "yy": b["two"]}
            table.loc[one, other] = table.loc[other, one] = pearson(**of)
        return table


def open_customers(study: Run) -> Customers:
    """Open the clean customers of a run.

    Raises
    ------
    UsageError
        When the cleaning has not run yet.
    """
    table, place = identified(opened(study.existing("customers.parquet"))), study.path("sample.parquet")
    sample = study.read(place.name).rename(columns={"row": "id"}) if place.is_file() else table.to_pandas()
    counted = values_of_rows(study.read("values.parquet")) if study.path("values.parquet").is_file() else {}
    return Customers(study.dataset, table, sample, counted)


def keep_customers(study: Run, customers: Customers) -> Customers:
    """Write customers.parquet and what is handed on with it; return them as the next notebook has them."""
    write_parquet(study.path("customers.parquet"), keyed(customers.table, study.dataset.key))
    write_parquet(study.path("values.parquet"), values_as_rows(values := customers.values()))
    study.path("sample.parquet").unlink(missing_ok=True)
    if customers.sampled:
        write_parquet(study.path("sample.parquet"), customers.sample.rename(columns={"id": study.dataset.key}))
    return replace(customers, counted=values)
