"""How customers are divided and counted: groups, edges of bands, and what is read off the counts of values."""

from collections.abc import Iterable
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from segmentation.core.engine import double
from segmentation.core.privacy import rung
from segmentation.core.text import BEHIND_SUM, SUMMARY

LAMBDA_DECIMALS = 6
MOST_VALUES = 500_000  # of one column, that are counted one by one
QUANTILE_DEVIATIONS = 4  # by which the sample may miss a quantile; beyond them, the engine sorts all
AT_EDGE = 1e-6  # of a bin: so near to an edge a value is compared with it
EVERYWHERE = (-np.inf, np.inf)
PREFERRED = ((1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8), (1, 1.6, 2.5, 4, 6.3), (1, 2, 5), (1, 3), (1,))


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


def bin_of(value: ibis.Value, edges: np.ndarray, known: np.ndarray | None = None) -> ibis.Value:
    """Return the number of the bin (from 0) of a value between the edges; the last bin holds its upper edge.

    Where all values are `known`, and a division gives the bin of each, it is not corrected: half of the work. Of edges
    that miss multiples of their width by a last bit it gives the bin of what lies at none of them.
    """
    width = float(f"{edges[1] - edges[0]:.9g}")
    first = round(edges[0] / width)
    places, even = value / double(width), width * np.arange(first, first + len(edges))
    near = places.floor()
    if known is not None and _are_divided(known, edges, width, first):
        return near.cast("int32") - first
    if not np.array_equal(even, edges):
        halved = _halved(value, edges, 0, len(edges) - 2).cast("int32")
        if not (np.abs(even - edges) < AT_EDGE / 2 * width).all():
            return halved
        beyond = places - near
        at_edge = (beyond < double(AT_EDGE)) | (beyond > double(1 - AT_EDGE))
        return at_edge.ifelse(halved, near.cast("int32") - first)
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


def cells_of(
    table: ibis.Table, names: list[str], edges: list[np.ndarray], known: list[np.ndarray | None], by: str | None
) -> dict[int, np.ndarray]:
    """Count the cells of several columns, the last bin of each for what has no value; a cell is one number.

    Parameters
    ----------
    known : list
        All values of each column, where they are counted.
    """
    shape, cell = tuple(len(ends) for ends in edges), ibis.literal(0).cast("int64")
    if by:
        cell = table[by].cast("int64")
    for name, ends, values in zip(names, edges, known, strict=True):
        cell = cell * len(ends) + ibis.coalesce(bin_of(table[name], ends, values), len(ends) - 1)
    counts = table.select(cell=cell).group_by("cell").agg(n=ibis._.count()).to_pandas()
    size, grids = int(np.prod(shape)), {}
    for group, own in counts.groupby(counts["cell"] // size):
        cells = np.zeros(size, int)
        cells[own["cell"] % size] = own["n"]
        grids[int(group) if by else 1] = cells.reshape(shape)
    return grids


def summed(held: pd.DataFrame, centre: float | None) -> list[float]:
    """Return how many values there are, and of numbers the sums of their first two powers about `centre`."""
    n = held["n"]
    beside = np.nan if centre is None else held["value"] - centre
    return [n.sum(), (n * beside).sum(), (n * beside**2).sum()]


def ended(values: pd.Series) -> list[float]:
    """Return the smallest and the largest value, and whether all are whole; NaN where there is none."""
    return [values.min(), values.max(), float((values % 1 == 0).all())]


def pair_sums(x: ibis.Value, y: ibis.Value, *, gaps: bool) -> dict[str, ibis.Value]:
    """Return the sum of the products of two columns; with `gaps` also what those with both values come to."""
    sums = {"xy": (x * y).sum()}
    if gaps:
        both = x.notnull() & y.notnull()
        x, y = both.ifelse(x, None), both.ifelse(y, None)
        sums |= {"n": both.sum(), "x": x.sum(), "y": y.sum(), "xx": (x * x).sum(), "yy": (y * y).sum()}
    return sums


def pearson(n: float, x: float, y: float, xx: float, yy: float, xy: float) -> float:
    """Return a correlation from the sums of two columns, their squares and their product; NaN where one is constant."""
    spread = (xx - x * x / n) * (yy - y * y / n) if n else 0
    return rounded((xy - x * y / n) / spread**0.5) if spread > 0 else np.nan


def rounded(value: float, digits: int = 10) -> float:
    """Round a sum of floats to ten digits: threads add in any order, which changes the last ones."""
    return float(f"{value:.{digits}g}")


def nearby(values: np.ndarray, levels: list[float]) -> list[tuple[float, float]]:
    """Return between which values each quantile of all must lie, by sorted values of a sample; what overlaps is one."""
    last = len(values) - 1
    spans: list[tuple[float, float]] = []
    for level in sorted(levels):
        reach = QUANTILE_DEVIATIONS * np.sqrt(len(values) * level * (1 - level)) + 2
        low, high = int(np.floor(level * last - reach)), int(np.ceil(level * last + reach))
        span = (values[low] if low >= 0 else -np.inf, values[high] if high <= last else np.inf)
        if spans and span[0] <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(span[1], spans[-1][1]))
        else:
            spans.append(span)
    return spans


def may_be_held(values: pd.Series) -> bool:
    """Judge by a sample whether all values of a column are few enough (Chao 1984 tells how many there are at least).

    Where most rows of the sample have a value of their own, nothing can be told of the rest.
    """
    times = values.value_counts()
    once, twice = int((times == 1).sum()), int((times == 2).sum())
    return 2 * once <= len(values) and len(times) + once * (once - 1) / (2 * (twice + 1)) <= MOST_VALUES


def sorted_nearby(table: ibis.Table, nearby: dict) -> pd.DataFrame:
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


def read_off(held: pd.DataFrame, levels: list[float]) -> pd.DataFrame | None:
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


def power_of(kind: str, values: np.ndarray) -> float:
    """Return the lambda of Yeo & Johnson (2000) for a transformation: 1 leaves values as they are, 0 is log(1 + x).

    That of yeo-johnson is found by maximum likelihood, and rounded so that no last bit of it matters.
    """
    if kind != "yeo-johnson" or np.ptp(values) == 0:
        return 0.0 if kind == "log" else 1.0
    from scipy.stats import yeojohnson_normmax  # imported here, because the page is rendered without it

    return round(float(yeojohnson_normmax(values)), LAMBDA_DECIMALS)


def unskew(x: np.ndarray, power: float) -> np.ndarray:
    """Transform numbers as Yeo & Johnson do."""
    if power == 1:
        return x
    from scipy.stats import yeojohnson  # imported here, as above

    return yeojohnson(x, power)


def unskewed(value: ibis.Value, power: float) -> ibis.Value:
    """Return the same as an expression."""
    x = value.cast("float64")
    if power == 1:
        return x
    one, rest = double(1), double(2 - power)
    above = (x + one).ln() if power == 0 else ((x + one) ** double(power) - one) / double(power)
    below = -((one - x).ln()) if power == 2 else -((one - x) ** rest - one) / rest
    return (x >= 0).ifelse(above, below)


def apart(value: ibis.Value, centre: float, power: float) -> ibis.Value:
    """Return how far a column lies from a centre, on the scale of a transformation."""
    return unskewed(value, power) - double(float(unskew(np.array([centre]), power)[0]))


def undo(z: np.ndarray, power: float) -> np.ndarray:
    """Return the numbers that were transformed."""
    if power == 1:
        return z
    above, below = np.maximum(z, 0), np.maximum(-z, 0)
    high = np.expm1(above) if power == 0 else (above * power + 1) ** (1 / power) - 1
    low = np.expm1(below) if power == 2 else (below * (2 - power) + 1) ** (1 / (2 - power)) - 1
    return np.where(z >= 0, high, -low)


def fences_on(power: float, quartiles: Iterable[float], ends: Iterable[float]) -> tuple[float, float]:
    """Return Tukey's fences on the scale of a transformation, in original units; at the ends where these lie within.

    Beyond the ends no original needs to be there: a transformation may have a limit.
    """
    if power == 1:
        return tukey_fences(*quartiles)
    inner, outer = np.array([*ends], float), tukey_fences(*unskew(np.array([*quartiles], float), power))
    least, most = unskew(inner, power)
    low, high = (float(undo(np.clip(end, least, most), power)) for end in outer)
    return low if outer[0] > least else inner[0], high if outer[1] < most else inner[1]


def skewness(n: float, one: float, two: float, three: float) -> float:
    """Return the skewness without the bias of a small sample (Fisher's g1, as pandas has it), from sums of powers."""
    if n < 3 or two <= one**2 / n:
        return 0.0
    second, third = two - one**2 / n, three - 3 * one * two / n + 2 * one**3 / n**2
    return rounded(np.sqrt(n * (n - 1)) / (n - 2) * (third / n) / (second / n) ** 1.5)


def skew_of_counts(known: pd.DataFrame, power: float) -> float:
    """Return the skewness of counted values, on the scale of a transformation."""
    values, n = unskew(known["value"].to_numpy(float), power), known["n"].to_numpy()
    apart = values - np.average(values, weights=n) if n.sum() else values
    return skewness(n.sum(), *((n * apart**i).sum() for i in (1, 2, 3)))


def three_powers(column: ibis.Value, some: pd.Series, power: float) -> dict[str, ibis.Value]:
    """Return what `skewness` needs of a column, about the mean of some of its values."""
    apart = unskewed(column, power) - double(unskew(some.dropna().to_numpy(float), power).mean())
    squares = apart * apart
    return {"n": apart.count(), "one": apart.sum(), "two": squares.sum(), "three": (squares * apart).sum()}


def tukey_fences(low, high) -> tuple:
    """Return the fences 1.5 interquartile ranges beyond the quartiles `low` and `high` (Tukey 1977)."""
    reach = 1.5 * (high - low)
    return low - reach, high + reach


def round_edges(low: float, high: float, most: int) -> np.ndarray:
    """Return edges of at most `most` + 1 bands of one round width, from below `low` to above `high`."""
    width = rung((high - low) / most) or 1.0
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


def in_order_of_ids(frame: pd.DataFrame) -> pd.DataFrame:
    """Return customers in the order of their ids: shorter ones first, so that numbers stand in their order."""
    order = pd.DataFrame({"length": frame["id"].str.len(), "id": frame["id"]}).sort_values(["length", "id"]).index
    return frame.loc[order].reset_index(drop=True)


def identified(table: ibis.Table) -> ibis.Table:
    """Return the customers of a file: what tells them apart is called id here, also where it numbers the rows."""
    return table.rename(id="row") if "row" in table.columns else table


def keyed(table: ibis.Table, key: str) -> ibis.Table:
    """Return the customers as a file has them, the other way round; as they are, and so not written again, by an id."""
    return table if key == "id" else table.rename({key: "id"})


def values_as_rows(values: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return column, value or text, and n: how many customers have it, of columns that have not too many values."""
    parts = [pd.DataFrame(columns=["column", "value", "text", "n"])]
    for name, own in values.items():
        kind = "value" if own["value"].dtype.kind == "f" else "text"
        parts.append(own[["value", "n"]].set_axis([kind, "n"], axis=1).assign(column=name))
    return pd.concat(parts).astype({"value": "float64", "n": "int64"})


def values_of_rows(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return value and n of each column: numbers, or text."""
    found = {}
    for name, own in rows.groupby("column", sort=False):
        value = own["text"] if own["text"].notna().any() else own["value"]
        found[name] = pd.DataFrame({"value": value, "n": own["n"]}).reset_index(drop=True)
    return found


def tallied(values: pd.Series) -> pd.DataFrame:
    """Return value and n, how many customers have it, in order, of a column in memory."""
    own = values.astype(float) if pd.api.types.is_numeric_dtype(values) else values
    return own.value_counts().sort_index().rename_axis("value").reset_index(name="n")


def grid_key(columns: tuple[str, ...], edges, by: str | None) -> tuple:
    return "grid", columns, tuple(ends.tobytes() for ends in edges), by


def is_total(text: ibis.Value, words: str = SUMMARY) -> ibis.Value:
    """Return whether a text says that its row adds up others."""
    return text.re_search(words + BEHIND_SUM)


def rand_index(counts: np.ndarray) -> float:
    """Return the adjusted Rand index (Hubert & Arabie 1985) of two divisions from their contingency table."""

    def pairs(n) -> int:
        return sum(int(x) * (int(x) - 1) // 2 for x in np.ravel(n))

    alike, then, now, every = pairs(counts), pairs(counts.sum(axis=1)), pairs(counts.sum(axis=0)), pairs(counts.sum())
    chance = then * now / every if every else 0.0
    most = (then + now) / 2
    return 1.0 if most == chance else (alike - chance) / (most - chance)
