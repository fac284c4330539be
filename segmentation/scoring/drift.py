"""Are new customers still like those that the segments were formed on?"""

import ibis
import numpy as np
from scipy.stats import chi2

from segmentation.core.engine import double
from segmentation.runs.artifacts import Model
from segmentation.runs.records import Feature, Record

SHIFTED = 0.25  # by convention: below 0.1 the same, above 0.25 another population (Siddiqi 2006)
CHANCE = 0.01  # how often chance alone may give as much
SPARE = 0.5  # added to each count, so that an empty bin has a logarithm


class Shift(Record):
    """The population stability index of one feature, or of the segments, and whether it is above its limit."""

    index: float
    limit: float
    shifted: bool


class Share(Record):
    """The share of a segment then and now."""

    segment: int
    name: str
    then: float
    now: float


class Drift(Record):
    """How new customers differ from those that the segments were formed on.

    outside : how many lie beyond the range of the training data in a feature
    """

    customers: int
    outside: int
    features: dict[str, Shift]
    segments: Shift
    shares: tuple[Share, ...]


def count_bins(table: ibis.Table, feature: Feature) -> list[int]:
    """Return how many rows of a table lie below the range of a feature, in each bin, and above its range.

    A value on a bound is in the bin above. Of categories it is how many have each, and how many another.
    """
    if feature.categories:
        found = table.group_by(value=table[feature.name]).agg(n=ibis._.count()).to_pandas().set_index("value")["n"]
        known = found.reindex(list(feature.categories), fill_value=0).tolist()
        return [*known, int(found.sum()) - sum(known)]
    value, bounds = table[feature.name], [feature.low, *feature.bounds]
    passed = [value >= double(bound) for bound in bounds] + [value > double(feature.high)]
    bin_ = sum((over.cast("int64") for over in passed), start=ibis.literal(0).cast("int64"))
    found = table.select(bin=bin_).group_by("bin").agg(n=ibis._.count()).to_pandas()
    return np.bincount(found["bin"], found["n"], len(passed) + 1).astype(int).tolist()


def stability_index(shares: list[float], customers: int, counts: list[int]) -> Shift:
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

    Parameters
    ----------
    scored : ibis.Table
        The features, segment and outside, one row a customer; at least one.
    names : dict
        segment -> its name.
    """
    customers, parts = model.customers, {}
    for feature in model.features:
        shares = [*feature.shares, 0] if feature.categories else [0, *feature.shares, 0]
        parts[feature.name] = stability_index(shares, customers, count_bins(scored, feature))
    found = scored.group_by("segment").agg(n=ibis._.count(), outside=ibis._["outside"].cast("int64").sum()).to_pandas()
    sizes = found.set_index("segment")["n"].reindex(list(names), fill_value=0)
    then = [size / customers for size in model.sizes]
    new = int(sizes.sum())
    return Drift(
        customers=new,
        outside=int(found["outside"].sum()),
        features=parts,
        segments=stability_index(then, customers, sizes.tolist()),
        shares=tuple(
            Share(segment=s, name=name, then=share, now=sizes[s] / new)
            for (s, name), share in zip(names.items(), then, strict=True)
        ),
    )
