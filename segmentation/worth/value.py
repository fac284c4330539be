"""What the customers are worth, segment by segment: shares of value, value a customer, concentration."""

from collections.abc import Collection

import ibis
import numpy as np
import pandas as pd

from segmentation.core.dataset import Dataset
from segmentation.core.privacy import SMALLEST_GROUP, dominated, rung, to_step
from segmentation.customers.counts import Grouping, rounded
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import shown_means
from segmentation.evidence.decision import LEVEL
from segmentation.runs.worth import Part, Worth

FIFTH = 5
ON_CURVE = 100  # of a Lorenz curve
OF_PRIVATE = (10, 5)  # so many that each stands for ten customers or more
PERCENT = 0.01
COARSEST = 0.1  # a share that may only be told in larger steps says nothing
NOTHING = 1e-9  # of the sum of the absolute values: what a sum of floats may miss of 0
ALL = Grouping()


def worth_of(everyone: Customers, dataset: Dataset, *, features: Collection[str]) -> tuple[Worth, ...]:
    """Return what the customers are worth by each value of the dataset, exact over all whose value is known.

    Where rows are private, means are published as `exploring.shown_means` has them, and whatever else is told follows
    from these alone: sums, shares and baskets. So nobody can be computed from them who could not be from the means.

    Parameters
    ----------
    everyone : Customers
        With their segments.
    features : collection of str
        What formed the segments.

    Returns
    -------
    tuple of Worth
        The main value first; none of a column where nobody has a value.
    """
    found = (_worth(everyone, name, dataset, formed=name in features) for name in dataset.values)
    return tuple(worth for worth in found if worth)


def _worth(everyone: Customers, name: str, dataset: Dataset, *, formed: bool) -> Worth | None:
    whole, by = _figures(everyone, name, ALL), Grouping("segment")
    if whole.empty:
        return None
    orders = bool(dataset.transactions) and name == "monetary" and "frequency" in everyone.table.columns
    own = _told(everyone, name, by, _figures(everyone, name, by), orders=orders)
    every = _told(everyone, name, ALL, whole, orders=orders).iloc[0]
    own = own.reindex(everyone.counts("segment").index)
    share, total = _shares(own["sum"], every["sum"]), every["sum"]
    if everyone.private:  # to the last digit shares, and a total beside a mean, would tell of how many nothing is known
        unknown = everyone.number > every["n"]
        least = max(PERCENT, rung(SMALLEST_GROUP / 2 / everyone.number)) if unknown else PERCENT
        share = share.where(share.abs() < least, to_step(share, least))
        share = share.where(share.abs() >= least, np.sign(share) * least / 2)
        few = SMALLEST_GROUP * abs(every["each"]) if unknown else 0.0
        total = to_step(total, rung(max(every["high"] - every["low"], few)))
    return Worth(
        column=name,
        formed=formed,
        customers=int(every["n"]),
        total=known_or_none(total),
        **{what: known_or_none(every[what]) for what in ("each", "basket", "top_fifth")},
        lorenz=_lorenz(everyone, name, every) if every["sum"] > 0 else (),
        parts=tuple(_part(int(str(s)), row, share[s]) for s, row in own.iterrows()),
    )


def _part(segment: int, own: pd.Series, share: float) -> Part:
    interval = None if np.isnan(own["from"]) else (float(own["from"]), float(own["to"]))
    told = {what: known_or_none(own[what]) for what in ("each", "basket", "top_fifth")}
    return Part(segment=segment, share=known_or_none(share), each_interval=interval, **told)


def known_or_none(value: float) -> float | None:
    """Return a figure for an artifact, None where it may not be shown or there is none."""
    return None if np.isnan(value) else float(value)


def _figures(customers: Customers, name: str, by: Grouping) -> pd.DataFrame:
    """Return for each group what is asked of a column, of the customers who have a value in it.

    Returns
    -------
    DataFrame
        One row a group: n, sum, size (sum of the absolute values), low, high, second (the second largest value), two
        and three (sums of powers about the mean), top (what the fifth has who are worth most: of twelve customers the
        first two and two fifths of the third) and top_size (its absolute values).
    """
    table = customers.table.select(group=by.of_table(customers.table), value=customers.table[name].cast("float64"))
    table = table.filter(table["value"].notnull())
    own = ibis.window(group_by="group")
    ranked = table.mutate(
        apart=table["value"] - table["value"].mean().over(own),
        fifth=table.count().over(own) / FIFTH,
        rank=ibis.row_number().over(ibis.window(group_by="group", order_by=ibis.desc("value"))),
    )
    value, apart = ranked["value"], ranked["apart"]
    part = (ranked["fifth"] - ranked["rank"]).clip(0, 1)
    found = ranked.group_by("group").agg(
        n=ranked.count(),
        sum=value.sum(),
        size=value.abs().sum(),
        low=value.min(),
        high=value.max(),
        second=value.sum(where=ranked["rank"] == 1),
        two=(apart * apart).sum(),
        three=(apart * apart * apart).sum(),
        top=(value * part).sum(),
        top_size=(value.abs() * part).sum(),
    )
    found = found.to_pandas().set_index("group").sort_index().astype(float).map(rounded)
    return found.assign(sum=found["sum"].where(found["sum"].abs() > NOTHING * found["size"], 0.0))


def _told(customers: Customers, name: str, by: Grouping, found: pd.DataFrame, *, orders: bool) -> pd.DataFrame:
    """Add to the figures of groups what is told of each: each, from, to, basket, top_fifth; NaN where it is hidden.

    The sum too is then what follows from the mean that is told.
    """
    means = (found["sum"] / found["n"]).map(rounded)
    each = shown_means(customers, means.to_frame(name), by)[name]
    ends = [interval(*row) for row in zip(found["n"], means, found["two"], found["three"], strict=True)]
    ends = pd.DataFrame(ends, found.index, ["from", "to"])
    for side, towards in (("from", "low"), ("to", "high")):
        ends[side] = shown_means(customers, ends[[side]].set_axis([name], axis=1), by, towards=towards)[name]
    told = found.assign(each=each, **ends, top_fifth=_top_fifth(found, each, private=customers.private))
    told["basket"] = _basket(customers, told, by) if orders else np.nan
    return told.assign(sum=each * found["n"]) if customers.private else told


def _basket(customers: Customers, told: pd.DataFrame, by: Grouping) -> pd.Series:
    """Return what an order came to on average in each group: the mean of a customer by that of the orders of one."""
    asked = ["frequency"]
    means = customers.means(asked) if by.column else customers.mean(asked).to_frame(0).T
    orders = shown_means(customers, means, by)["frequency"].where(lambda mean: mean > 0)
    basket = (told["each"] / orders).map(rounded)
    if not customers.private:
        return basket
    steps = ((told["high"] - told["low"]) / told["n"]).map(rung) / orders  # no finer than the mean that it comes from
    return pd.Series([to_step(*row) for row in zip(basket, steps.map(rung), strict=True)], told.index)


def interval(n: float, mean: float, two: float, three: float) -> tuple[float, float]:
    """Return the 95% interval of a mean, from how many values there are and the sums of their powers about it.

    That of Student's t after Hall's (1992) transformation, which takes the skewness out of it: few customers who are
    worth many times what others are make the upper end reach farther than the lower. Unlike a bootstrap it is computed
    from sums, so that it is exact over all rows at every size.

    Returns
    -------
    low, high : float
        NaN of a single value.
    """
    from scipy.stats import t  # imported here, because the page is rendered without it

    if n < 2:
        return np.nan, np.nan
    spread = np.sqrt(two / (n - 1))
    if not spread > 0:
        return mean, mean
    skew = three / n / (two / n) ** 1.5 / np.sqrt(n)
    quantile = float(t.ppf((1 + LEVEL) / 2, n - 1))
    high, low = (mean - spread / np.sqrt(n) * _skewed(at, skew) for at in (-quantile, quantile))
    return rounded(low), rounded(high)


def _skewed(at: float, skew: float) -> float:
    """Return the quantile of a skewed mean that a symmetric one has; `skew` is that of the values by the root of n."""
    if abs(skew) < NOTHING:
        return at
    return 3 / skew * (np.cbrt(1 + skew * (at - skew / 6)) - 1)


def _shares(sums: pd.Series, total: float) -> pd.Series:
    """Return the share of each group in the whole; NaN of what is hidden, and of all where there is nothing to share.

    Together they are 1 with what is hidden.
    """
    if not total > 0:
        return sums * np.nan
    return sums / (max(total, sums.sum()) if sums.isna().any() else sums.sum())


def shares_of(customers: Customers, name: str, by: Grouping) -> pd.Series:
    """Return which share of the value of all customers each group has; NaN of what is hidden."""
    own, every = (
        _told(customers, name, groups, _figures(customers, name, groups), orders=False) for groups in (by, ALL)
    )
    return _shares(own["sum"], every["sum"].iloc[0])


def _top_fifth(found: pd.DataFrame, each: pd.Series, *, private: bool) -> pd.Series:
    """Return which share of the value of each group its fifth has that is worth most; NaN where there is none to tell.

    A private one needs ten customers of whom nobody has most of it, and is in steps of the range of their values.
    """
    share = (found["top"] / found["sum"].where(found["sum"] > 0)).map(rounded)
    if not private:
        return share
    alone = dominated(found["top_size"], found["high"].abs(), found["second"].abs())
    steps = ((found["high"] - found["low"]) / found["sum"]).map(rung)
    shown = each.notna() & ~alone & (found["n"] >= FIFTH * SMALLEST_GROUP) & (steps <= COARSEST)
    told = pd.Series([_under_one(*row) for row in zip(share, steps, strict=True)], found.index)
    return told.where(shown)


def _under_one(share: float, step: float) -> float:
    """Return a share to a step, not all where it is not."""
    told = float(to_step(share, step))
    return float(to_step(share, step, "low")) if told >= 1 > share else told


def _lorenz(customers: Customers, name: str, every: pd.Series) -> tuple[tuple[float, float], ...]:
    """Return points of the Lorenz curve (Lorenz 1905): of the customers worth least which share has which of the value.

    Private ones each stand for ten customers or more, in steps of the range of all; none where the last tells of one.
    """
    n, total = every["n"], every["sum"]
    fitting = [points for points in OF_PRIVATE if n >= points * SMALLEST_GROUP]
    points = max(fitting, default=0) if customers.private else min(int(n), ON_CURVE)
    if not points:
        return ()
    value = customers.table[name].cast("float64").name("value")
    ranked = value.as_table().filter(value.notnull()).mutate(rank=ibis.row_number().over(order_by="value"))
    band = (ranked["rank"] * points // int(n)).name("band")
    bands = ranked.group_by(band).agg(n=ranked.count(), sum=ranked["value"].sum(), size=ranked["value"].abs().sum())
    found = bands.to_pandas().sort_values("band")
    step = rung((every["high"] - every["low"]) / total) if customers.private else 0.0
    last = found["size"].iloc[-1], abs(every["high"]), abs(every["second"])
    if customers.private and (step > COARSEST or dominated(*last)):
        return ()
    reached = (found["sum"].cumsum() / found["sum"].sum()).map(rounded)
    shares = [*(_under_one(share, step) for share in reached[:-1]), 1.0]
    # Not to the last customer, where rows are private: with all digits it would be told how many these are.
    along = (found["band"] + 1) / points if customers.private else found["n"].cumsum() / n
    return ((0.0, 0.0), *zip(along.map(rounded), shares, strict=True))
