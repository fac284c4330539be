"""All customers of a run: a frame where they can be held, else a sample, and exact counts by the engine."""

from dataclasses import dataclass
from functools import cached_property

import ibis
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from segmentation.artifacts import write_parquet
from segmentation.assignment import assign_rows, double, scaled_feature
from segmentation.engine import MOST_HELD, read
from segmentation.sampling import sampled
from segmentation.study import Study

MOST_CELLS = 200_000
MOST_LOST = 0.001  # the limit that the benchmark of the sample keeps


@dataclass(frozen=True)
class Customers:
    """The clean customers, or, with their segments, the segmented ones.

    sample : DataFrame
        All of them, or of more than 200,000 a sample that is the same on every engine.
    everyone : ibis.Table or None
        All of them, where the sample is not.
    """

    sample: pd.DataFrame
    everyone: ibis.Table | None = None

    @cached_property
    def number(self) -> int:
        """How many there are."""
        return len(self.sample) if self.everyone is None else int(self.everyone.count().execute())

    @property
    def sampled(self) -> bool:
        """Whether the sample is only a part of them."""
        return self.everyone is not None

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
        column = self.everyone[name]
        return Customers(sample, self.everyone.mutate(**{name: column.isin(some).ifelse(by, column)}))

    def filled(self, names) -> pd.Series:
        """Return how many customers have a value in each column."""
        names = list(names)
        if self.everyone is None or not names:
            return self.sample[names].notna().sum()
        return self._aggregated({name: self.everyone[name].count() for name in names}).astype(int)

    def mean(self, names) -> pd.Series:
        """Return the mean of each column of numbers."""
        names = list(names)
        if self.everyone is None:
            return self.sample[names].mean()
        return self._aggregated({name: self.everyone[name].mean() for name in names}).map(_rounded)

    def deviation(self, names) -> pd.Series:
        """Return the standard deviation of each column of numbers, with n - 1."""
        names = list(names)
        if self.everyone is None:
            return self.sample[names].std()
        return self._aggregated({name: self.everyone[name].std() for name in names}).map(_rounded)

    def means(self, names, by: str) -> pd.DataFrame:
        """Return the mean of each column for each value of the column `by`."""
        names = list(names)
        if self.everyone is None:
            return self.sample.groupby(by)[names].mean()
        found = self.everyone.group_by(by).agg(**{name: self.everyone[name].mean() for name in names})
        return found.to_pandas().set_index(by).sort_index().map(_rounded)

    def limits(self, names) -> pd.DataFrame:
        """Return the smallest and the largest value of each column, and whether all are whole numbers.

        Returns
        -------
        DataFrame
            Indexed by column: low, high, whole.
        """
        if self.everyone is None:
            frame = self.sample[list(names)]
            whole = [(frame[name].dropna() % 1 == 0).all() for name in frame]
            return pd.DataFrame({"low": frame.min(), "high": frame.max(), "whole": whole})
        t, parts = self.everyone, {}
        for name in names:
            parts |= {f"low {name}": t[name].min(), f"high {name}": t[name].max()}
            parts[f"whole {name}"] = (t[name] == t[name].floor()).all().cast("float64")
        found = self._aggregated(parts)
        rows = {name: {what: found[f"{what} {name}"] for what in ("low", "high", "whole")} for name in names}
        return pd.DataFrame.from_dict(rows, orient="index").astype({"whole": bool})

    def quantiles(self, name: str, levels: list[float], by: "Grouping | None" = None) -> pd.DataFrame:
        """Return quantiles of a column, linear between two customers, for all or for each group.

        Returns
        -------
        DataFrame
            One row a group (a single one without `by`): customers with a value, and one column a level.
        """
        groups = by or Grouping()
        if self.everyone is None:
            known = self.sample[name].notna()
            values = self.sample[name][known].groupby(groups.of_frame(self.sample)[known], observed=True)
            return values.quantile(levels).unstack().reindex(columns=levels).assign(customers=values.size())
        table = self.everyone.select(group=groups.of_table(self.everyone), value=self.everyone[name])
        table = table.filter(table["value"].notnull() & table["group"].notnull()).group_by("group")
        found = table.agg(customers=ibis._.count(), at=ibis._["value"].quantile(levels)).to_pandas()
        found = found.set_index("group").sort_index()
        spread = pd.DataFrame(found["at"].tolist(), index=found.index, columns=levels)
        return groups.named(spread.assign(customers=found["customers"]))

    def beyond(self, name: str, low: float, high: float) -> int:
        """Return how many customers have less than `low` or more than `high` in a column."""
        if self.everyone is None:
            return int(((self.sample[name] < low) | (self.sample[name] > high)).sum())
        value = self.everyone[name]
        return int(((value < double(low)) | (value > double(high))).sum().execute())

    def counts(self, name: str, by: str | None = None) -> pd.Series | pd.DataFrame:
        """Return how many customers have each value of a column, by name; with `by` one row a value of that column."""
        if self.everyone is None:
            if by is None:
                return self.sample[name].value_counts().sort_index()
            return pd.crosstab(self.sample[by], self.sample[name])
        known = self.everyone.filter(self.everyone[name].notnull())
        found = known.group_by([*([by] if by else []), name]).agg(n=known.count()).to_pandas()
        if by is None:
            return found.set_index(name)["n"].sort_index().rename("count")
        return found.pivot(index=by, columns=name, values="n").fillna(0).astype(int)

    def histogram(self, name: str, edges: np.ndarray) -> np.ndarray:
        """Return how many customers lie in each bin of a column."""
        if self.everyone is None:
            return np.histogram(self.sample[name].dropna(), edges)[0]
        inside = self.everyone.filter(self.everyone[name].between(double(edges[0]), double(edges[-1])))
        found = bin_of(inside[name], edges).name("bin").value_counts(name="n").to_pandas()
        return np.bincount(found["bin"].astype(int), found["n"], len(edges) - 1).astype(int)

    def grids(self, columns: tuple[str, str], edges: tuple, by: str | None = None) -> dict[int, np.ndarray]:
        """Return how many customers lie in each cell of a grid of two columns, for each value of `by` (or 1)."""
        if self.everyone is None:
            known = self.sample[list(dict.fromkeys(columns))].dropna()
            groups = self.sample.loc[known.index, by] if by else pd.Series(1, known.index)
            return {
                int(group): np.histogram2d(own[columns[0]], own[columns[1]], edges)[0].astype(int)
                for group, own in known.groupby(groups)
            }
        key = _grid_key(columns, edges, by)
        if key not in self._grids_found:
            self._grids_found[key] = self._count_cells(list(columns), list(edges), by)
        return {group: cells[:-1, :-1] for group, cells in self._grids_found[key].items()}

    def count_together(self, edges: dict[str, np.ndarray], by: str | None = None) -> None:
        """Count the grids of every two of these columns in one pass, where that makes not too many cells."""
        names, bounds = list(edges), list(edges.values())
        if self.everyone is None or np.prod([len(ends) for ends in bounds]) > MOST_CELLS:
            return
        found = self._count_cells(names, bounds, by)
        for i, one in enumerate(names):
            for j, other in enumerate(names):
                rest = tuple(set(range(len(names))) - {i, j})
                grids = {group: cells.sum(axis=rest) for group, cells in found.items()}
                grids = {group: np.diag(g) if i == j else g.T if i > j else g for group, g in grids.items()}
                self._grids_found[_grid_key((one, other), (bounds[i], bounds[j]), by)] = grids

    @cached_property
    def _grids_found(self) -> dict:
        return {}

    def _count_cells(self, names: list[str], edges: list[np.ndarray], by: str | None) -> dict[int, np.ndarray]:
        """Count the cells of several columns, the last bin of each for what has no value; a cell is one number."""
        shape, cell = tuple(len(ends) for ends in edges), ibis.literal(0).cast("int64")
        if by:
            cell = self.everyone[by].cast("int64")
        for name, ends in zip(names, edges, strict=True):
            found = ibis.coalesce(bin_of(self.everyone[name], ends), len(ends) - 1)
            cell = cell * len(ends) + found
        counts = self.everyone.select(cell=cell).group_by("cell").agg(n=ibis._.count()).to_pandas()
        size, grids = int(np.prod(shape)), {}
        for group, own in counts.groupby(counts["cell"] // size):
            cells = np.zeros(size, int)
            cells[own["cell"] % size] = own["n"]
            grids[int(group) if by else 1] = cells.reshape(shape)
        return grids

    def correlation(self, names: list[str]) -> pd.DataFrame:
        """Return the linear correlations of columns, each over the customers with a value in both."""
        if self.everyone is None:
            return self.sample[names].corr()
        t, means = self.everyone, self.mean(names)
        parts = {}
        for i, one in enumerate(names):
            for other in names[i:]:
                both = t[one].notnull() & t[other].notnull()
                x, y = (both.ifelse(t[name] - double(means[name]), None) for name in (one, other))
                sums = {"n": both.sum(), "x": x.sum(), "y": y.sum(), "xx": (x * x).sum(), "yy": (y * y).sum()}
                sums["xy"] = (x * y).sum()
                parts |= {f"{what} {i} {other}": value for what, value in sums.items()}
        found = self._aggregated(parts)
        table = pd.DataFrame(np.nan, names, names)
        for i, one in enumerate(names):
            for other in names[i:]:
                n, x, y, xx, yy, xy = (found[f"{what} {i} {other}"] for what in ("n", "x", "y", "xx", "yy", "xy"))
                spread = (xx - x * x / n) * (yy - y * y / n)
                r = _rounded((xy - x * y / n) / spread**0.5) if spread > 0 else np.nan
                table.loc[one, other] = table.loc[other, one] = r
        return table

    def skew(self, name: str) -> float:
        """Return the skewness of a column, without the bias of a small sample (Fisher's g1, as pandas has it)."""
        if self.everyone is None:
            return self.sample[name].skew()
        value = self.everyone[name] - double(self.mean([name])[name])
        n, two, three = self._aggregated(
            {"n": value.count(), "two": (value * value).sum(), "three": (value * value * value).sum()}
        )[["n", "two", "three"]]
        return _rounded(np.sqrt(n * (n - 1)) / (n - 2) * (three / n) / (two / n) ** 1.5) if two > 0 else 0.0

    def _aggregated(self, parts: dict) -> pd.Series:
        """Compute several sums in one pass."""
        names = {f"_{i}": name for i, name in enumerate(parts)}
        sums = {short: parts[name] for short, name in names.items()}
        return self.everyone.agg(**sums).to_pandas().iloc[0].rename(names).astype(float)


def _rounded(value: float) -> float:
    """Round a sum of floats to ten digits: threads add in any order, which changes the last ones."""
    return float(f"{value:.10g}")


@dataclass(frozen=True)
class Grouping:
    """How customers are divided: by the values of a column, by bands of its numbers, or without a column not at all."""

    column: str | None = None
    edges: np.ndarray | None = None
    labels: tuple[str, ...] = ()

    def of_frame(self, frame: pd.DataFrame) -> pd.Series:
        """Return the group of each row."""
        if self.column is None:
            return pd.Series(0, frame.index)
        if self.edges is None:
            return frame[self.column]
        return pd.cut(frame[self.column], self.edges, right=False, labels=list(self.labels))

    def of_table(self, table: ibis.Table) -> ibis.Value:
        """Return the group of each row as an expression: a value of the column, or the number of its band."""
        if self.column is None:
            return ibis.literal(0)
        if self.edges is None:
            return table[self.column]
        value = table[self.column]
        return value.between(double(self.edges[0]), double(self.edges[-1])).ifelse(bin_of(value, self.edges), None)

    def named(self, by_group: pd.DataFrame) -> pd.DataFrame:
        """Name the bands of what the engine found."""
        if self.edges is None:
            return by_group
        bands = [self.labels[int(i)] for i in by_group.index]
        return by_group.set_axis(pd.CategoricalIndex(bands, list(self.labels), ordered=True))


def _grid_key(columns: tuple[str, str], edges, by: str | None) -> tuple:
    return columns, tuple(ends.tobytes() for ends in edges), by


def bin_of(value: ibis.Value, edges: np.ndarray) -> ibis.Value:
    """Return the number of the bin (from 0) of a value between the edges; the last bin holds its upper edge."""
    width = float(f"{edges[1] - edges[0]:.9g}")
    first = round(edges[0] / width)
    if not np.array_equal(width * np.arange(first, first + len(edges)), edges):
        return _halved(value, edges, 0, len(edges) - 2).cast("int32")
    # The division may be one bin off; the products are the edges themselves.
    near = (value / double(width)).floor().cast("float64")
    above, below = value >= (near + double(1)) * double(width), value < near * double(width)
    place = near.cast("int32") + above.cast("int32") - below.cast("int32") - first
    return place - (value >= double(edges[-1])).cast("int32")


def _halved(value: ibis.Value, edges: np.ndarray, first: int, last: int) -> ibis.Value:
    """Find a bin by halves: six comparisons for forty bins."""
    if first == last:
        return value.notnull().cast("int32").nullif(0) - 1 + first
    middle = (first + last + 1) // 2
    return (value < double(edges[middle])).ifelse(
        _halved(value, edges, first, middle - 1), _halved(value, edges, middle, last)
    )


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
    return Customers(study.read("sample.parquet"), read(path))


def keep_sample(study: Study) -> None:
    """Write sample.parquet, in the order of the ids, where the customers are too many to be held."""
    path = study.existing("customers.parquet")
    if pq.read_metadata(path).num_rows > MOST_HELD:
        sample = sampled(read(path), "id", MOST_HELD).to_pandas()
        write_parquet(study.path("sample.parquet"), sample.sort_values("id", ignore_index=True))
    else:
        study.path("sample.parquet").unlink(missing_ok=True)


def open_segmented(study: Study, *, scaled: bool = False) -> Customers:
    """Open the clean customers of a run with their segments; `scaled` gives segment and scaled features alone."""
    customers, model = open_customers(study), study.read("model.json")
    if customers.sampled:
        sample = assign_rows(ibis.memtable(customers.sample), model).to_pandas()
        found = Customers(sample, assign_rows(customers.everyone, model))
    else:
        found = Customers(customers.sample.merge(study.read("segments.parquet"), on="id", validate="one_to_one"))
    return rescaled(found, model) if scaled else found


def rescaled(segmented: Customers, model: dict) -> Customers:
    """Return segment and scaled features of customers, under the names of the features."""

    def scaled(table: ibis.Table) -> ibis.Table:
        return table.select("segment", **{f["name"]: scaled_feature(table[f["name"]], f) for f in model["features"]})

    sample = scaled(ibis.memtable(segmented.sample)).to_pandas()
    return Customers(sample, scaled(segmented.everyone) if segmented.sampled else None)
