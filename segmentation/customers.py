"""All customers of a run: a frame where they can be held, else a sample, and exact counts by the engine."""

from dataclasses import dataclass, field
from functools import cached_property

import ibis
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from segmentation.artifacts import write_parquet
from segmentation.assignment import assign_rows, scaled_feature
from segmentation.engine import MOST_HELD, read
from segmentation.sampling import sampled
from segmentation.study import Study
from segmentation.tallies import Grouping, Tallies

ASSIGNED = ("segment", "distance", "margin")
OF_MANY = ("sample.parquet", "values.parquet", "segmented.parquet")  # artifacts of more customers than can be held
MOST_LOST = 0.001  # the limit that the benchmark of the sample keeps


@dataclass(frozen=True)
class Customers:
    """The clean customers, or, with their segments, the segmented ones.

    sample : DataFrame
        All of them, or of more than 200,000 a sample that is the same on every engine.
    everyone : ibis.Table or None
        All of them, where the sample is not.
    counted : dict of str to DataFrame
        value and n of each column whose values an earlier notebook has counted in all of them.
    """

    sample: pd.DataFrame
    everyone: ibis.Table | None = None
    counted: dict[str, pd.DataFrame] = field(default_factory=dict)

    @cached_property
    def _all(self) -> Tallies:
        """What the engine counts over all of them."""
        return Tallies(self.everyone, self.sample, self.counted)

    @property
    def number(self) -> int:
        """How many there are."""
        return self._all.number if self.sampled else len(self.sample)

    @property
    def sampled(self) -> bool:
        """Whether the sample is only a part of them."""
        return self.everyone is not None

    @property
    def table(self) -> pd.DataFrame | ibis.Table:
        """All of them, held or not."""
        return self.everyone if self.sampled else self.sample

    def tell_sample(self) -> str:
        """Say on what the segments are formed when not on all customers; empty when they are."""
        if not self.sampled:
            return ""
        return (
            f"The segments are formed on {len(self.sample):,} of the {self.number:,} customers, those whose ids have "
            "the smallest hash; counts and figures hold for all. On generated customers the inertia of such segments "
            f"over all rows was at most {MOST_LOST:.1%} above that of a fit to all of them."
        )

    @property
    def columns(self) -> list[str]:
        """The columns besides the id."""
        return [name for name in self.sample if name != "id"]

    def replacing(self, name: str, some: list, by: str) -> "Customers":
        """Bring several values of a column together under one name."""
        sample = self.sample.assign(**{name: self.sample[name].mask(self.sample[name].isin(some), by)})
        if self.everyone is None:
            return Customers(sample)
        column, rest = self.everyone[name], {other: held for other, held in self.counted.items() if other != name}
        return Customers(sample, self.everyone.mutate(**{name: column.isin(some).ifelse(by, column)}), rest)

    def filled(self, names) -> pd.Series:
        """Return how many customers have a value in each column."""
        names = list(names)
        return self._all.filled(names) if self.sampled else self.sample[names].notna().sum()

    def mean(self, names) -> pd.Series:
        """Return the mean of each column of numbers."""
        names = list(names)
        return self._all.mean(names) if self.sampled else self.sample[names].mean()

    def deviation(self, names) -> pd.Series:
        """Return the standard deviation of each column of numbers, with n - 1."""
        names = list(names)
        return self._all.deviation(names) if self.sampled else self.sample[names].std()

    def means(self, names) -> pd.DataFrame:
        """Return the mean of each column for each segment."""
        names = list(names)
        return self._all.means(names) if self.sampled else self.sample.groupby("segment")[names].mean()

    def limits(self, names) -> pd.DataFrame:
        """Return the smallest and the largest value of each column, and whether all are whole numbers.

        Returns
        -------
        DataFrame
            Indexed by column: low, high, whole.
        """
        if self.sampled:
            return self._all.limits(list(names))
        frame = self.sample[list(names)]
        whole = [(frame[name].dropna() % 1 == 0).all() for name in frame]
        return pd.DataFrame({"low": frame.min(), "high": frame.max(), "whole": whole})

    def quantiles(self, name: str, levels: list[float], by: Grouping | None = None) -> pd.DataFrame:
        """Return quantiles of a column, linear between two customers, for all or for each group.

        Returns
        -------
        DataFrame
            One row a group (a single one without `by`): customers with a value, and one column a level.
        """
        groups = by or Grouping()
        if self.sampled:
            return self._all.quantiles(name, levels, groups)
        known = self.sample[name].notna()
        values = self.sample[name][known].groupby(groups.of_frame(self.sample)[known], observed=True)
        return values.quantile(levels).unstack().reindex(columns=levels).assign(customers=values.size())

    def beyond(self, name: str, low: float, high: float) -> int:
        """Return how many customers have less than `low` or more than `high` in a column."""
        if self.sampled:
            return self._all.beyond(name, low, high)
        return int(((self.sample[name] < low) | (self.sample[name] > high)).sum())

    def counts(self, name: str, by: str | None = None) -> pd.Series | pd.DataFrame:
        """Return how many customers have each value of a column, by name; with `by` one row a value of that column."""
        if self.sampled:
            return self._all.counts(name, by)
        return pd.crosstab(self.sample[by], self.sample[name]) if by else self.sample[name].value_counts().sort_index()

    def histogram(self, name: str, edges: np.ndarray) -> np.ndarray:
        """Return how many customers lie in each bin of a column."""
        return self._all.histogram(name, edges) if self.sampled else np.histogram(self.sample[name].dropna(), edges)[0]

    def grids(self, columns: tuple[str, str], edges: tuple, by: str | None = None) -> dict[int, np.ndarray]:
        """Return how many customers lie in each cell of a grid of two columns, for each value of `by` (or 1)."""
        if self.sampled:
            return self._all.grids(columns, edges, by)
        known = self.sample[list(dict.fromkeys(columns))].dropna()
        groups = self.sample.loc[known.index, by] if by else pd.Series(1, known.index)
        return {
            int(group): np.histogram2d(own[columns[0]], own[columns[1]], edges)[0].astype(int)
            for group, own in known.groupby(groups)
        }

    def count_together(self, edges: dict[str, np.ndarray], by: str | None = None) -> None:
        """Count the grids of every two of these columns in one pass, where that makes not too many cells."""
        if self.sampled:
            self._all.count_together(edges, by)

    def values(self) -> dict[str, pd.DataFrame]:
        """Return value and n, how many customers have it, of the columns that have not too many values."""
        return self._all.values()

    def correlation(self, names: list[str]) -> pd.DataFrame:
        """Return the linear correlations of columns, each over the customers with a value in both."""
        return self._all.correlation(names) if self.sampled else self.sample[names].corr()

    def skew(self, name: str) -> float:
        """Return the skewness of a column, without the bias of a small sample (Fisher's g1, as pandas has it)."""
        return self._all.skew(name) if self.sampled else self.sample[name].skew()


def open_customers(study: Study) -> Customers:
    """Open the clean customers of a run.

    Raises
    ------
    UsageError
        When the cleaning has not run yet.
    """
    path = study.existing("customers.parquet")
    if pq.read_metadata(path).num_rows <= MOST_HELD:
        return Customers(study.read("customers.parquet"))
    sample, counted = study.read("sample.parquet"), {}
    if study.path("values.parquet").is_file():
        held = study.read("values.parquet").groupby("column", sort=False)
        counted = {name: _of_column(own) for name, own in held}
    return Customers(sample, read(path), counted)


def _of_column(values: pd.DataFrame) -> pd.DataFrame:
    """Return value and n of one column: numbers, or text."""
    texts = values["text"].notna().any()
    value = values["text"] if texts else values["value"]
    return pd.DataFrame({"value": value, "n": values["n"]}).reset_index(drop=True)


def with_sample(table: ibis.Table) -> Customers:
    """Return the customers of a table with a sample of them, in the order of the ids."""
    return Customers(sampled(table, "id", MOST_HELD).to_pandas().sort_values("id", ignore_index=True), table)


def keep_customers(study: Study, customers: Customers) -> Customers:
    """Write customers.parquet, and of too many what is handed on with it; return them as the next notebook has them."""
    write_parquet(study.path("customers.parquet"), customers.table)
    for name in ("sample.parquet", "values.parquet"):
        study.path(name).unlink(missing_ok=True)
    if customers.number <= MOST_HELD:
        return open_customers(study)
    write_parquet(study.path("sample.parquet"), customers.sample)
    write_parquet(study.path("values.parquet"), _values(customers))
    return customers


def _values(customers: Customers) -> pd.DataFrame:
    """Return column, value or text, and n: how many customers have it, of columns that have not too many values."""
    parts = [pd.DataFrame(columns=["column", "value", "text", "n"])]
    for name, held in customers.values().items():
        kind = "value" if held["value"].dtype.kind == "f" else "text"
        parts.append(held[["value", "n"]].set_axis([kind, "n"], axis=1).assign(column=name))
    return pd.concat(parts).astype({"value": "float64", "n": "int64"})


def open_segmented(study: Study, *, scaled: bool = False) -> Customers:
    """Open the clean customers of a run with their segments; `scaled` gives segment and scaled features alone."""
    customers, model = open_customers(study), study.read("model.json")
    if customers.sampled:
        sample = assign_rows(ibis.memtable(customers.sample), model).to_pandas()
        path = study.path("segmented.parquet")
        everyone = read(path) if path.is_file() else assign_rows(customers.everyone, model)
        found = Customers(sample, everyone, customers.counted)
    else:
        found = Customers(customers.sample.merge(study.read("segments.parquet"), on="id", validate="one_to_one"))
    return rescaled(found, model) if scaled else found


def rescaled(segmented: Customers, model: dict) -> Customers:
    """Return segment and scaled features of customers, under the names of the features."""

    def scaled(table: ibis.Table) -> ibis.Table:
        return table.select("segment", **{f["name"]: scaled_feature(table[f["name"]], f) for f in model["features"]})

    sample = scaled(ibis.memtable(segmented.sample)).to_pandas()
    if not segmented.sampled:
        return Customers(sample)
    known = [feature for feature in model["features"] if feature["name"] in segmented.counted]
    counted = {f["name"]: _values_scaled(segmented.counted[f["name"]], f) for f in known}
    return Customers(sample, scaled(segmented.everyone), counted)


def _values_scaled(held: pd.DataFrame, feature: dict) -> pd.DataFrame:
    """Return the scaled values and how many customers have each: their order stays."""
    table = ibis.memtable(held)
    return table.mutate(value=scaled_feature(table["value"], feature)).to_pandas()
