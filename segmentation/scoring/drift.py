"""Are new customers still like those that the segments were formed on, or those of them who were customers as long?"""

from dataclasses import dataclass

import ibis
import numpy as np
from scipy.stats import chi2

from segmentation.runs.artifacts import Model
from segmentation.runs.records import Record
from segmentation.runs.worth import Ages
from segmentation.segments.model import bin_in, bin_of, bins_of

SHIFTED = 0.25  # by convention: below 0.1 the same, above 0.25 another population (Siddiqi 2006)
CHANCE = 0.01  # how often chance alone may give as much
SPARE = 0.5  # added to each count, so that an empty bin has a logarithm
MOST_UNLIKE = 0.1  # of the new customers, who may be of an age that no former one had
FEWEST_AS_LONG = 20  # former customers, to say what is expected


class Shift(Record):
    """The population stability index of one feature, or of the segments, and whether it is above its limit."""

    index: float
    limit: float
    shifted: bool


class Share(Record):
    """The share of a segment then and now, and the one expected of customers of such ages."""

    segment: int
    name: str
    then: float
    now: float
    expected: float | None = None


class Drift(Record):
    """How new customers differ from those that the segments were formed on.

    outside : how many lie beyond the range of the training data in a feature
    age : what says how long they have been customers, where they are judged against former ones who were as long
    aged : whether that is known of both; without `age` too few former ones were as long
    """

    customers: int
    outside: int
    features: dict[str, Shift]
    segments: Shift
    shares: tuple[Share, ...]
    age: str | None = None
    aged: bool = False


@dataclass(frozen=True)
class Alike:
    """What is expected of new customers: how former ones divide, weighted to the ages of the new.

    weights : the share of the new customers in each bin of age, by how many former ones were in it
    customers : how many former ones, all of one weight, would say it as surely (Kish 1965)
    """

    weights: np.ndarray
    customers: float

    def shares(self, counts) -> list[float]:
        """Return the share expected in each bin, of the former customers in it by age."""
        return (self.weights @ np.array(counts)).tolist()


def alike(scored: ibis.Table, ages: Ages | None) -> Alike | None:
    """Return what is expected of customers of the ages of these; None where the model does not know, or too little.

    Who is older or younger than all former customers is taken for one of the oldest or youngest.
    """
    if ages is None or ages.column not in scored.columns:
        return None
    found = _counts(scored, bin_of(scored[ages.column], [ages.low, *ages.bounds], ages.high), len(ages.bounds) + 3)
    of_age, former = found[1:-2].astype(float), np.array(ages.segments).sum(axis=1)
    of_age[former == 0] = 0
    if of_age.sum() < (1 - MOST_UNLIKE) * found.sum():
        return None
    of_age[0], of_age[-1] = of_age[0] + found[0], of_age[-1] + found[-2]
    weights = of_age / of_age.sum() / np.maximum(former, 1)
    surely = 1 / float((weights**2 * former).sum())
    return Alike(weights, surely) if surely >= FEWEST_AS_LONG else None


def count_bins(table: ibis.Table, feature) -> list[int]:
    """Return how many rows of a table lie below the range of a feature, in each bin, and above its range.

    A value on a bound is in the bin above. Of categories it is how many have each, and how many another.
    """
    return _counts(table, bin_in(table, feature), bins_of(feature))[:-1].tolist()


def _counts(table: ibis.Table, bin_: ibis.Value, bins: int) -> np.ndarray:
    """Return how many rows are in each bin, and last of how many nothing is known."""
    found = table.select(bin=bin_.fill_null(bins)).group_by("bin").agg(n=ibis._.count()).to_pandas()
    return np.bincount(found["bin"], found["n"], bins + 1).astype(int)


def stability_index(shares: list[float], customers: float, counts: list[int]) -> Shift:
    """Return the population stability index of counts against shares, and the limit that chance seldom passes.

    The index is the sum of (now - then) ln(now / then) over the bins. Without a change it is (1/n + 1/m) times a
    chi-squared number with one degree of freedom fewer than bins (Yurdakul & Naranjo 2020), so that few new customers
    make it large by chance.

    Parameters
    ----------
    shares : list of float
        Of the training customers, one a bin.
    customers : int
        How many these were.
    counts : list of int
        Of the new customers, one a bin.
    """
    new, bins = sum(counts), len(counts)
    then, now = (
        (np.array(n) + SPARE) / (total + bins * SPARE)
        for n, total in ((np.array(shares) * customers, customers), (counts, new))
    )
    index = float(((now - then) * np.log(now / then)).sum())
    chance = float(chi2.ppf(1 - CHANCE, bins - 1) * (1 / customers + 1 / new)) if bins > 1 else 0.0
    return Shift(index=index, limit=max(SHIFTED, chance), shifted=index > max(SHIFTED, chance))


def describe_drift(scored: ibis.Table, model: Model, names: dict[int, str]) -> Drift:
    """Return the drift of each feature and of the segments of scored customers, and who lies outside.

    Where the model knows how its customers of each age divide, and the table says how long these have been customers,
    they are judged against those who were as long: of who has signed up this month one order is expected. Their age
    itself is then not judged.

    Parameters
    ----------
    scored : ibis.Table
        The features, segment and outside, one row a customer; at least one. And `model.ages.column`, where it is known.
    names : dict
        segment -> its name.
    """
    like, customers, parts = alike(scored, model.ages), model.customers, {}
    known = model.ages if like else None
    of = like.customers if like else customers
    for feature in model.features:
        if like and known and feature.name in known.features:
            shares = like.shares(known.features[feature.name])
        else:
            shares = [*feature.shares, 0] if feature.categories else [0, *feature.shares, 0]
        if not known or feature.name != known.column:
            parts[feature.name] = stability_index(shares, of, count_bins(scored, feature))
    found = scored.group_by("segment").agg(n=ibis._.count(), outside=ibis._["outside"].cast("int64").sum()).to_pandas()
    sizes = found.set_index("segment")["n"].reindex(list(names), fill_value=0)
    then, new = [size / customers for size in model.sizes], int(sizes.sum())
    expected = like.shares(known.segments) if like and known else then
    rows = zip(names.items(), then, expected, strict=True)
    return Drift(
        customers=new,
        outside=int(found["outside"].sum()),
        features=parts,
        segments=stability_index(expected, of, sizes.tolist()),
        shares=tuple(
            Share(segment=s, name=name, then=share, now=sizes[s] / new, expected=mean if like else None)
            for (s, name), share, mean in rows
        ),
        age=known.column if known else None,
        aged=model.ages is not None and model.ages.column in scored.columns,
    )
