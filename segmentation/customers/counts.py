"""Exact counts, sums and quantiles of a table too large to be held, by the engine, each pass over it made once.
The segment of every row of a table, as one expression that any engine can compute.
Edges of bands that a reader finds round, on a linear or a logarithmic scale.
"""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

import ibis
import numpy as np
import pandas as pd

from segmentation.core.engine import double

MOST_CELLS = 200_000
MOST_VALUES = 500_000  # of one column, that are counted one by one
EVERYWHERE = (-np.inf, np.inf)
SUMS, ENDS = ("filled", "one", "two"), ("low", "high", "whole")
QUANTILE_DEVIATIONS = (
    4  # standard deviations by which the sample may miss a quantile; beyond them, the engine sorts all
)


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

    def numbered(self, frame: pd.DataFrame) -> pd.Series:
        """Return the group of each row of a frame as the engine has it, null where there is none."""
        found = self.of_frame(frame)
        return found.cat.codes.where(found.notna()) if self.edges is not None else found

    def named(self, by_group: pd.DataFrame) -> pd.DataFrame:
        """Name the bands of what the engine found."""
        if self.edges is None:
            return by_group
        bands = [self.labels[int(i)] for i in by_group.index]
        return by_group.set_axis(pd.CategoricalIndex(bands, list(self.labels), ordered=True))


@dataclass(frozen=True)
class Tallies:
    """What is counted over all rows of a table; its methods are those of `Customers`.

    table : ibis.Table
    sample : DataFrame
        Some of its rows, which say where to look.
    counted : dict of str to DataFrame
        value and n, how many rows have it, in order, of the columns whose values were counted before.
    """

    table: ibis.Table
    sample: pd.DataFrame
    counted: dict[str, pd.DataFrame] = field(default_factory=dict)

    @cached_property
    def number(self) -> int:
        return int(self.table.count().execute())

    @cached_property
    def _columns(self) -> list[str]:
        return [name for name in self.table.columns if name in self.sample and name not in ("id", *ADDED)]

    @cached_property
    def _numbers(self) -> list[str]:
        return [name for name in self._columns if self.table[name].type().is_numeric()]

    def values(self) -> dict[str, pd.DataFrame]:
        """Return value and n, in order, of each column that has not too many values."""
        texts = [name for name in self._columns if name not in self._numbers and _may_be_held(self.sample[name])]
        found = {name: self.counts(name).rename_axis("value").reset_index(name="n") for name in texts}
        found |= {name: self._values(name, Grouping()) for name in self._numbers}
        return {name: held for name, held in found.items() if held is not None}

    def _known(self, name: str) -> pd.DataFrame | None:
        """Return value and n of a column whose values have been counted, here or before."""
        return self.counted.get(name, self._valued.get((name, None, ())))

    @cached_property
    def _sums(self) -> pd.DataFrame:
        """One row a column: filled, and of numbers the sums of the first two powers about `centre`."""
        centre, parts = self.sample[self._numbers].mean().fillna(0), {}
        known = {name: held for name in self._columns if (held := self._known(name)) is not None}
        rest = [name for name in self._columns if name not in known]
        for name in rest:
            parts[f"{name} filled"] = self.table[name].count()
            if name in self._numbers:
                beside = self.table[name] - double(centre[name])
                parts |= {f"{name} one": beside.sum(), f"{name} two": (beside * beside).sum()}
        found = self._aggregated(parts)
        rows = {name: [found.get(f"{name} {kind}", np.nan) for kind in SUMS] for name in rest}
        rows |= {name: _summed(held, centre.get(name)) for name, held in known.items()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=SUMS).assign(centre=centre)

    @cached_property
    def _ends(self) -> pd.DataFrame:
        """One row a column of numbers: low, high, whole; what is not whole in the sample need not be asked."""
        parts = {}
        for name in self._numbers:
            value = self.table[name]
            if self._known(name) is None:
                parts |= {f"{name} low": value.min(), f"{name} high": value.max()}
                if (self.sample[name].dropna() % 1 == 0).all():
                    parts[f"{name} whole"] = (value == value.floor()).all().cast("float64")
        found = self._aggregated(parts)
        rows = {name: [found.get(f"{name} {kind}", 0.0) for kind in ENDS] for name in self._numbers}
        known = {name: held for name in self._numbers if (held := self._known(name)) is not None}
        rows |= {name: _ended(held["value"]) for name, held in known.items()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=ENDS)

    def _values(self, name: str, groups: Grouping) -> pd.DataFrame | None:
        """Return group, value and n, how many rows have it, in order; None where a column has too many values."""
        key = name, groups.column, groups.labels
        if groups.column is None and name in self.counted:
            return self.counted[name].assign(group=0)
        if key not in self._valued:
            self._valued[key] = None
            if _may_be_held(self.sample[name]):
                found = self._beside(name, groups).group_by("group", "value").agg(n=ibis._.count())
                held = found.limit(2 * MOST_VALUES).to_pandas()
                if len(held) < 2 * MOST_VALUES:
                    self._valued[key] = held.sort_values(["group", "value"], ignore_index=True)
        return self._valued[key]

    @cached_property
    def _valued(self) -> dict:
        return {}

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

    def filled(self, names: list[str]) -> pd.Series:
        return self._sums.loc[names, "filled"].astype(int)

    def limits(self, names: list[str]) -> pd.DataFrame:
        return self._ends.loc[names].astype({"whole": bool})

    def mean(self, names: list[str]) -> pd.Series:
        of = self._sums.loc[names]
        return (of["centre"] + of["one"] / of["filled"]).map(_rounded)

    def deviation(self, names: list[str]) -> pd.Series:
        of = self._sums.loc[names]
        return ((of["two"] - of["one"] ** 2 / of["filled"]) / (of["filled"] - 1)).pow(0.5).map(_rounded)

    def skew(self, name: str) -> float:
        n, one, two, centre = self._sums.loc[name, [*SUMS, "centre"]]
        beside, held = self.table[name] - double(centre), self._values(name, Grouping())
        if held is None:
            three = self._aggregated({"three": (beside * beside * beside).sum()})["three"]
        else:
            three = (held["n"] * (held["value"] - centre) ** 3).sum()
        second = two - one**2 / n
        third = three - 3 * one * two / n + 2 * one**3 / n**2
        if second <= 0:
            return 0.0
        return _rounded(np.sqrt(n * (n - 1)) / (n - 2) * (third / n) / (second / n) ** 1.5)

    @cached_property
    def _segments(self) -> pd.DataFrame:
        """One row a segment: customers, and the mean of each column of numbers."""
        means = {name: self.table[name].mean() for name in self._numbers}
        found = self.table.group_by("segment").agg(_n=ibis._.count(), **means).to_pandas()
        return found.set_index("segment").sort_index()

    def means(self, names: list[str]) -> pd.DataFrame:
        return self._segments[names].map(_rounded)

    def counts(self, name: str, by: str | None = None) -> pd.Series | pd.DataFrame:
        if name == "segment":
            return self._segments["_n"].rename("count")
        if by is None and name in self.counted:
            return self.counted[name].set_index("value")["n"].rename_axis(name).rename("count")
        if (name, by) not in self._counted:
            known = self.table.filter(self.table[name].notnull())
            found = known.group_by([*([by] if by else []), name]).agg(n=known.count()).to_pandas()
            self._counted[name, by] = (
                found.pivot(index=by, columns=name, values="n").fillna(0).astype(int)
                if by
                else found.set_index(name)["n"].sort_index().rename("count")
            )
        return self._counted[name, by]

    @cached_property
    def _counted(self) -> dict:
        return {}

    def beyond(self, name: str, low: float, high: float) -> int:
        held, value = self._values(name, Grouping()), self.table[name]
        if held is not None:
            return int(held["n"][(held["value"] < low) | (held["value"] > high)].sum())
        return int(((value < double(low)) | (value > double(high))).sum().execute() or 0)

    def quantiles(self, name: str, levels: list[float], groups: Grouping) -> pd.DataFrame:
        key = name, groups.column, groups.labels
        if key not in self._found or not {*levels} <= {*self._found[key]}:
            self._found[key] = self._quantiles(name, sorted(levels), groups)
        return self._found[key][[*levels, "customers"]]

    @cached_property
    def _found(self) -> dict:
        return {}

    def _quantiles(self, name: str, levels: list[float], groups: Grouping) -> pd.DataFrame:
        """Read quantiles off the counts of all values; of too many values, sort only those near the quantiles.

        Where these must be, the sample says: the selection of Floyd & Rivest (1975), with one sample for all levels.
        """
        table, held = self._beside(name, groups), self._values(name, groups)
        if held is None:
            values, own = self.sample[name].dropna(), groups.numbered(self.sample)
            nearby = {group: _nearby(np.sort(some), levels) for group, some in values.groupby(own.loc[values.index])}
            held = _sorted_nearby(table, nearby)
        found = _read_off(held, levels)
        if found is None:
            found = table.group_by("group").agg(customers=ibis._.count(), at=ibis._["value"].quantile(levels))
            found = found.to_pandas().set_index("group")
            spread = pd.DataFrame(found["at"].tolist(), index=found.index, columns=levels)
            found = spread.assign(customers=found["customers"])
        return groups.named(found.sort_index())

    def histogram(self, name: str, edges: np.ndarray) -> np.ndarray:
        held = self._values(name, Grouping())
        if held is not None:
            return np.histogram(held["value"], edges, weights=held["n"])[0].astype(int)
        inside = self.table.filter(self.table[name].between(double(edges[0]), double(edges[-1])))
        found = bin_of(inside[name], edges).name("bin").value_counts(name="n").to_pandas()
        return np.bincount(found["bin"].astype(int), found["n"], len(edges) - 1).astype(int)

    def grids(self, columns: tuple[str, str], edges: tuple, by: str | None) -> dict[int, np.ndarray]:
        key = _grid_key(columns, edges, by)
        if key not in self._grids:
            self._grids[key] = self._count_cells(list(columns), list(edges), by)
        return {group: cells[:-1, :-1] for group, cells in self._grids[key].items()}

    def count_together(self, edges: dict[str, np.ndarray], by: str | None) -> None:
        names, bounds = list(edges), list(edges.values())
        if np.prod([len(ends) for ends in bounds]) > MOST_CELLS:
            return
        found = self._count_cells(names, bounds, by)
        for i, one in enumerate(names):
            for j, other in enumerate(names):
                rest = tuple(set(range(len(names))) - {i, j})
                grids = {group: cells.sum(axis=rest) for group, cells in found.items()}
                grids = {group: np.diag(g) if i == j else g.T if i > j else g for group, g in grids.items()}
                self._grids[_grid_key((one, other), (bounds[i], bounds[j]), by)] = grids

    @cached_property
    def _grids(self) -> dict:
        return {}

    def _count_cells(self, names: list[str], edges: list[np.ndarray], by: str | None) -> dict[int, np.ndarray]:
        """Count the cells of several columns, the last bin of each for what has no value; a cell is one number."""
        shape, cell = tuple(len(ends) for ends in edges), ibis.literal(0).cast("int64")
        if by:
            cell = self.table[by].cast("int64")
        for name, ends in zip(names, edges, strict=True):
            held = self._known(name)
            found = bin_of(self.table[name], ends, None if held is None else held["value"].to_numpy())
            found = ibis.coalesce(found, len(ends) - 1)
            cell = cell * len(ends) + found
        counts = self.table.select(cell=cell).group_by("cell").agg(n=ibis._.count()).to_pandas()
        size, grids = int(np.prod(shape)), {}
        for group, own in counts.groupby(counts["cell"] // size):
            cells = np.zeros(size, int)
            cells[own["cell"] % size] = own["n"]
            grids[int(group) if by else 1] = cells.reshape(shape)
        return grids

    def correlation(self, names: list[str]) -> pd.DataFrame:
        varied = self._ends.loc[names, "high"] > self._ends.loc[names, "low"]
        pairs = list(combinations([name for name in names if varied[name]], 2))
        gaps = {name for name in names if self._sums.loc[name, "filled"] < self.number}
        parts = {}
        for one, other in pairs:
            x, y = (self.table[name] - double(self._sums.loc[name, "centre"]) for name in (one, other))
            sums = {"xy": (x * y).sum()}
            if gaps & {one, other}:
                both = x.notnull() & y.notnull()
                x, y = both.ifelse(x, None), both.ifelse(y, None)
                sums |= {"n": both.sum(), "x": x.sum(), "y": y.sum(), "xx": (x * x).sum(), "yy": (y * y).sum()}
            parts |= {(one, other, what): value for what, value in sums.items()}
        found = self._aggregated(parts)
        table = pd.DataFrame(np.where(np.diag(varied), 1, np.nan), names, names)
        for one, other in pairs:
            of = {what: found.get((one, other, what)) for what in ("n", "x", "y", "xx", "yy", "xy")}
            if not gaps & {one, other}:
                a, b = self._sums.loc[one], self._sums.loc[other]
                of |= {"n": a["filled"], "x": a["one"], "y": b["one"], "xx": a["two"], "yy": b["two"]}
            table.loc[one, other] = table.loc[other, one] = _pearson(**of)
        return table


def _summed(held: pd.DataFrame, centre: float | None) -> list[float]:
    """Return how many values there are, and of numbers the sums of their first two powers about `centre`."""
    n = held["n"]
    beside = np.nan if centre is None else held["value"] - centre
    return [n.sum(), (n * beside).sum(), (n * beside**2).sum()]


def _ended(values: pd.Series) -> list[float]:
    """Return the smallest and the largest value, and whether all are whole; NaN where there is none."""
    return [values.min(), values.max(), float((values % 1 == 0).all())]


def _pearson(n: float, x: float, y: float, xx: float, yy: float, xy: float) -> float:
    """Return a correlation from the sums of two columns, their squares and their product; NaN where one is constant."""
    spread = (xx - x * x / n) * (yy - y * y / n) if n else 0
    return _rounded((xy - x * y / n) / spread**0.5) if spread > 0 else np.nan


def _rounded(value: float) -> float:
    """Round a sum of floats to ten digits: threads add in any order, which changes the last ones."""
    return float(f"{value:.10g}")


def _nearby(values: np.ndarray, levels: list[float]) -> list[tuple[float, float]]:
    """Return between which values each quantile of all must lie, by sorted values of a sample; what overlaps is one."""
    last, spans = len(values) - 1, []
    for level in sorted(levels):
        reach = QUANTILE_DEVIATIONS * np.sqrt(len(values) * level * (1 - level)) + 2
        low, high = int(np.floor(level * last - reach)), int(np.ceil(level * last + reach))
        span = (values[low] if low >= 0 else -np.inf, values[high] if high <= last else np.inf)
        if spans and span[0] <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(span[1], spans[-1][1]))
        else:
            spans.append(span)
    return spans


def _may_be_held(values: pd.Series) -> bool:
    """Judge by a sample whether all values of a column are few enough (Chao 1984 tells how many there are at least).

    Where most rows of the sample have a value of their own, nothing can be told of the rest.
    """
    times = values.value_counts()
    once, twice = int((times == 1).sum()), int((times == 2).sum())
    return 2 * once <= len(values) and len(times) + once * (once - 1) / (2 * (twice + 1)) <= MOST_VALUES


def _sorted_nearby(table: ibis.Table, nearby: dict) -> pd.DataFrame:
    """Return group, value and n of each group, in order, of the values in its spans nearby, and between them of none.

    A group that the sample does not know is sorted whole.
    """

    def place(spans) -> ibis.Value:
        ends = [table["value"] >= double(low) for low, _ in spans if low > -np.inf]
        ends += [table["value"] > double(high) for _, high in spans if high < np.inf]
        return sum((end.cast("int32") for end in ends), start=ibis.literal(int(spans[0][0] == -np.inf)).cast("int32"))

    known = [(table["group"] == group, place(spans)) for group, spans in nearby.items()]
    told = table.mutate(place=ibis.cases(*known, else_=place([EVERYWHERE])) if known else place([EVERYWHERE]))
    told = told.mutate(value=(told["place"] % 2 == 1).ifelse(told["value"], None))
    counts = told.group_by("group", "place", "value").agg(n=ibis._.count()).to_pandas()
    return counts.sort_values(["group", "place", "value"])


def _read_off(held: pd.DataFrame, levels: list[float]) -> pd.DataFrame | None:
    """Return each group's quantiles and size by the counts of its values; None where one is among values unknown."""
    rows = {}
    for group, own in held.groupby("group"):
        up_to = own["n"].cumsum().to_numpy()
        ranks = np.array(levels) * (up_to[-1] - 1)
        low, high = (own["value"].to_numpy()[np.searchsorted(up_to, whole(ranks), side="right")]
                     for whole in (np.floor, np.ceil))  # fmt: skip
        rows[group] = [*(low + (high - low) * (ranks % 1)), up_to[-1]]
    found = pd.DataFrame.from_dict(rows, orient="index", columns=[*levels, "customers"])
    return None if found.isna().any(axis=None) else found.astype({"customers": int})


def _grid_key(columns: tuple[str, str], edges, by: str | None) -> tuple:
    return columns, tuple(ends.tobytes() for ends in edges), by


def bin_of(value: ibis.Value, edges: np.ndarray, known: np.ndarray | None = None) -> ibis.Value:
    """Return the number of the bin (from 0) of a value between the edges; the last bin holds its upper edge.

    Where all values are `known`, and a division gives the bin of each, it is not corrected: half of the work.
    """
    width = float(f"{edges[1] - edges[0]:.9g}")
    first = round(edges[0] / width)
    if not np.array_equal(width * np.arange(first, first + len(edges)), edges):
        return _halved(value, edges, 0, len(edges) - 2).cast("int32")
    near = (value / double(width)).floor()
    if known is not None and _are_divided(known, edges, width, first):
        return near.cast("int32") - first
    # The division may be one bin off; the products are the edges themselves.
    near = near.cast("float64")
    above, below = value >= (near + double(1)) * double(width), value < near * double(width)
    place = near.cast("int32") + above.cast("int32") - below.cast("int32") - first
    return place - (value >= double(edges[-1])).cast("int32")


def _are_divided(values: np.ndarray, edges: np.ndarray, width: float, first: int) -> bool:
    """Return whether all values lie below the last edge, and each in the bin that a division gives."""
    return np.array_equal(np.floor(values / width) - first, np.searchsorted(edges[:-1], values, side="right") - 1)


def _halved(value: ibis.Value, edges: np.ndarray, first: int, last: int) -> ibis.Value:
    """Find a bin by halves: six comparisons for forty bins."""
    if first == last:
        return value.notnull().cast("int32").nullif(0) - 1 + first
    middle = (first + last + 1) // 2
    return (value < double(edges[middle])).ifelse(
        _halved(value, edges, first, middle - 1), _halved(value, edges, middle, last)
    )


ADDED = ("segment", "distance", "margin", "next_segment")
PREFERRED = ((1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8), (1, 1.6, 2.5, 4, 6.3), (1, 2, 5), (1, 3), (1,))


def round_edges(low: float, high: float, most: int) -> np.ndarray:
    """Return edges of at most `most` + 1 bands of one round width, from below `low` to above `high`."""
    width = _round_width((high - low) / most)
    return width * np.arange(np.floor(low / width), np.floor(high / width) + 2)


def log_edges(low: float, high: float, most: int, *, whole: bool) -> np.ndarray:
    """Return edges of at most `most` bands that look alike on a logarithmic scale (preferred numbers, Renard 1877).

    Between -1 and 1 there are two bands, parted by 0; `whole` numbers have no band between two of them.
    """
    decades = 10.0 ** np.arange(np.ceil(np.log10(max(abs(low), abs(high), 1))) + 1)
    for mantissas in PREFERRED:
        above = np.outer(decades, mantissas).ravel()
        edges = np.concatenate([-above[::-1], [0], above])
        edges = np.unique(np.ceil(edges)) if whole else edges
        edges = edges[np.searchsorted(edges, low, "right") - 1 : np.searchsorted(edges, high, "right") + 1]
        if len(edges) - 1 <= most:
            break
    return edges


def _round_width(least: float) -> float:
    scale = 10.0 ** np.floor(np.log10(least)) if least > 0 else 1.0
    return float(next(step * scale for step in (1, 2, 5, 10) if step * scale >= least))
