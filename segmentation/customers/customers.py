"""A sample of the rows of a table: the same ones on every engine, for any number of threads and order of the rows.
All customers of a run: a frame where they can be held, else a sample, and exact counts by the engine.
What the table shows before any segment is formed: summaries and their sentences.
What the Explore section of the report holds: rounded rows without ids, or binned counts where rows are private.
"""

from dataclasses import dataclass, field
from functools import cached_property

import ibis
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from segmentation.core.dataset import Dataset
from segmentation.core.engine import MOST_HELD, held, read
from segmentation.core.files import write_parquet
from segmentation.core.privacy import SMALLEST_GROUP
from segmentation.customers.counts import Grouping, Tallies, log_edges, round_edges
from segmentation.runs.run import Run

PRIME = 2**31 - 1
FACTOR, SHIFT = 1_103_515_245, 12_345
HASH_DIGITS = 8
CUT_DEVIATIONS = 6  # standard deviations by which the first cut lies above the sample that it must hold


@ibis.udf.scalar.builtin
def md5(text: str) -> str:
    """Name the function that DuckDB, PySpark and PostgreSQL all have; Ibis translates its own for two of them."""


def sampled(table: ibis.Table, id_column: str, most: int) -> ibis.Table:
    """Return the whole table, or `most` of its rows, those with the smallest hash of the id, ties by id.

    A number has another hash than its text, so that a sample follows the ids as they are typed.

    Parameters
    ----------
    table : ibis.Table
    id_column : str
        Whole numbers or text, none of them null, each once.
    most : int
    """
    rows = table.count().to_pyarrow().as_py()
    if rows <= most:
        return table
    hashed = table.mutate(_hash=hash_of(table[id_column]))
    few = held(hashed.filter(hashed["_hash"] < _cut(hashed["_hash"], (most + CUT_DEVIATIONS * most**0.5) / rows)))
    if few.count().to_pyarrow().as_py() < most:
        few = hashed
    return few.order_by("_hash", id_column).limit(most).select(*table.columns)


def hash_of(identity: ibis.Value) -> ibis.Value:
    """Return what orders ids as if by chance, by arithmetic that no engine does otherwise and that never overflows.

    A whole number n becomes (a (n + b))^5 modulo the prime 2^31 - 1: one to one among the remainders, because 5 and
    2^31 - 2 have no common divisor, and without the pattern of a product alone. A text becomes its MD5.
    """
    if not identity.type().is_integer():
        return md5(identity.cast("string"))
    # The prime is added because the remainder of a negative number is negative in SQL.
    mixed = (identity.cast("int64") % PRIME + (PRIME + SHIFT)) * FACTOR % PRIME
    squared = mixed * mixed % PRIME
    return squared * squared % PRIME * mixed % PRIME


def _cut(hashed: ibis.Value, share: float) -> int | str:
    """Return the hash below which lies a share of all."""
    if hashed.type().is_integer():
        return int(min(share, 1) * PRIME)
    return f"{int(min(share, 1) * 16**HASH_DIGITS):0{HASH_DIGITS}x}"


OF_MANY = ("sample.parquet", "values.parquet", "segmented.parquet")  # artifacts of more customers than can be held


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


def open_customers(study: Run) -> Customers:
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


def keep_customers(study: Run, customers: Customers) -> Customers:
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
    for name, own in customers.values().items():
        kind = "value" if own["value"].dtype.kind == "f" else "text"
        parts.append(own[["value", "n"]].set_axis([kind, "n"], axis=1).assign(column=name))
    return pd.concat(parts).astype({"value": "float64", "n": "int64"})


MOST_BANDS = 7
MOST_CATEGORIES = 12
FEWEST_BINS = 4
MOST_PAIRED = 4


def split_types(customers: Customers, dataset: Dataset, columns) -> tuple[list[str], list[str]]:
    """Split columns into numbers and categories, without those that hold nothing (or too little to be shown)."""
    least = SMALLEST_GROUP if dataset.privacy == "aggregate" else 1
    filled = customers.filled(columns)
    numbers = [name for name in columns if filled[name] >= least and dataset.columns[name].numeric]
    return numbers, [name for name in columns if filled[name] >= least and name not in numbers]


def lump(customers: Customers, categories: list[str]) -> Customers:
    """Bring the rarer categories of a column with more than twelve together, as "289 others"; ties go by name."""
    for name in categories:
        counts = by_size(customers.counts(name))
        if len(counts) > MOST_CATEGORIES:
            rest = list(counts.index[MOST_CATEGORIES - 1 :])
            customers = customers.replacing(name, rest, f"{len(rest):,} others")
    return customers


def by_size(counts: pd.Series) -> pd.Series:
    """Return counts from the largest to the smallest; ties stay as they are."""
    return counts.sort_values(ascending=False, kind="stable")


def quantiles(customers: Customers, names: list[str], dataset: Dataset) -> pd.DataFrame:
    """Return the 5th, 25th, 50th, 75th and 95th percentile of each column, one row a column.

    The smallest and the largest value are left out: each belongs to one customer. So do the outer percentiles of a
    small table that is private.
    """
    outer = dataset.privacy == "rows" or customers.number >= 20 * SMALLEST_GROUP
    shown = {"5%": 0.05, "25%": 0.25, "median": 0.5, "75%": 0.75, "95%": 0.95}
    shown = shown if outer else {name: q for name, q in shown.items() if 0.25 <= q <= 0.75}
    levels = list(shown.values())
    table = pd.concat([customers.quantiles(name, levels)[levels] for name in names])
    table.columns = list(shown)
    return table.set_axis([dataset.axis(name) for name in names]).rename_axis("column")


def strongest_pair(correlation: pd.DataFrame) -> tuple[str, str, float]:
    """Return the two columns with the strongest linear correlation, and the coefficient."""
    r = correlation.to_numpy()
    strength = np.where(np.triu(np.ones(r.shape, bool), k=1), np.nan_to_num(np.abs(r)), -1)
    i, j = np.unravel_index(strength.argmax(), r.shape)
    return correlation.index[i], correlation.columns[j], float(r[i, j])


def most_linked(correlation: pd.DataFrame) -> list[str]:
    """Return the four columns with the strongest linear correlations, in the order of the table; or all of fewer."""
    strength = correlation.abs().where(~np.eye(len(correlation), dtype=bool)).max().fillna(0)
    kept = strength.sort_values(ascending=False, kind="stable").index[:MOST_PAIRED]
    return [name for name in correlation if name in kept]


def bands(customers: Customers, name: str) -> Grouping:
    """Cut numbers into at most eight bands of one round width, labelled as "20-29"."""
    low, high, _ = customers.limits([name]).loc[name]
    edges = round_edges(low, high, MOST_BANDS)
    width = edges[1] - edges[0]
    whole = width > 1 and float(width).is_integer()
    ends = edges[1:] - 1 if whole else edges[1:]
    joined = "–" if whole else " up to "
    return Grouping(name, edges, tuple(f"{a:.12g}{joined}{b:.12g}" for a, b in zip(edges[:-1], ends, strict=True)))


def column_edges(customers: Customers, name: str, most: int, *, logged: bool = False) -> np.ndarray:
    """Return the edges of at most `most` + 1 bands of a column, on the scale on which it is shown."""
    low, high, whole = customers.limits([name]).loc[name]
    return log_edges(low, high, most, whole=whole) if logged else round_edges(low, high, most)


def grid_edges(customers: Customers, name: str, *, most: int, logged: bool = False) -> np.ndarray:
    """Return the edges of a column in a grid of two: so many bins that a cell holds ten or more, if spread evenly."""
    bins = int(np.clip((customers.number / 2 / SMALLEST_GROUP) ** 0.5, FEWEST_BINS, most))
    return column_edges(customers, name, bins, logged=logged)


def group_medians(customers: Customers, name: str, groups: Grouping) -> pd.DataFrame:
    """Return group, customers and median of a column for each group of at least ten."""
    table = customers.quantiles(name, [0.5], groups).rename(columns={0.5: "median"})
    return table[table["customers"] >= SMALLEST_GROUP].rename_axis("group").reset_index()


def sample_rows(n: int, most: int, *, seed: int = 0) -> np.ndarray:
    """Return all row numbers, or `most` of them drawn without replacement, in order."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


GRID_BINS = 12
