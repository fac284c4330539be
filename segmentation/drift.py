"""Are new customers still like those that the segments were formed on?"""

import ibis
import numpy as np
from scipy.stats import chi2

from segmentation.assignment import double
from segmentation.customers import Customers
from segmentation.words import count, listing, percent

MOST_BINS = 10
FEWEST_IN_BIN = 10
SHIFTED = 0.25  # by convention: below 0.1 the same, above 0.25 another population (Siddiqi 2006)
CHANCE = 0.01  # how often chance alone may give as much
REACH = 0.95  # of the customers of a segment lie no farther from its centroid
HAIR = 1e-9  # of the range: a bin that begins as much above a value leaves it to the bin below
SPARE = 0.5  # added to each count, so that an empty bin has a logarithm


def bin_feature(customers: Customers, name: str, *, fewest: int = 1) -> dict:
    """Return the inner bounds of up to ten bins of a feature, of about as many customers each, and their shares.

    A value that is several quantiles, such as the 0 of most customers, has a bin of its own; a bin of fewer than
    `fewest` customers is brought together with its neighbour.
    """
    bins = max(1, min(MOST_BINS, customers.number // FEWEST_IN_BIN))
    levels = [i / bins for i in range(1, bins)]
    low, high = customers.limits([name]).loc[name, ["low", "high"]].astype(float)
    inner = customers.quantiles(name, levels).iloc[0][levels] if levels else []
    values, times = np.unique(np.array([low, *inner, high]), return_counts=True)
    many = values[times > 1]
    above = many + np.maximum(HAIR * (high - low), np.spacing(np.abs(many)))
    bounds = np.unique([*values[1:-1], *many, *above])
    bounds = bounds[(bounds > low) & (bounds <= high)]
    counts = customers.histogram(name, np.array([low, *bounds, high])) if len(bounds) else np.array([customers.number])
    while len(bounds) and counts.min() < fewest:
        thin = int(counts.argmin())
        joined = max(thin - 1, 0)
        counts[joined : joined + 2] = counts[joined : joined + 2].sum()
        bounds, counts = np.delete(bounds, joined), np.delete(counts, joined)
    return {"bounds": bounds.tolist(), "shares": (counts / customers.number).tolist()}


def count_bins(table: ibis.Table, feature: dict) -> list[int]:
    """Return how many rows of a table lie below the range of a feature, in each bin, and above its range.

    A value on a bound is in the bin above.
    """
    value, bounds = table[feature["name"]], [feature["low"], *feature["bounds"]]
    passed = [value >= double(bound) for bound in bounds] + [value > double(feature["high"])]
    bin_ = sum((over.cast("int64") for over in passed), start=ibis.literal(0).cast("int64"))
    found = table.select(bin=bin_).group_by("bin").agg(n=ibis._.count()).to_pandas()
    return np.bincount(found["bin"], found["n"], len(passed) + 1).astype(int).tolist()


def stability_index(shares: list[float], customers: int, counts: list[int]) -> dict:
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
    return {"index": index, "limit": max(SHIFTED, chance), "shifted": index > max(SHIFTED, chance)}


def describe_drift(scored: ibis.Table, model: dict, names: dict[int, str]) -> dict:
    """Return the drift of each feature and of the segments of scored customers, and who lies outside.

    Parameters
    ----------
    scored : ibis.Table
        The features, segment and outside, one row a customer; at least one.
    model : dict
        The content of model.json.
    names : dict
        segment -> its name.
    """
    customers, parts = model["customers"], {}
    for feature in model["features"]:
        parts[feature["name"]] = stability_index([0, *feature["shares"], 0], customers, count_bins(scored, feature))
    found = scored.group_by("segment").agg(n=ibis._.count(), outside=ibis._["outside"].cast("int64").sum()).to_pandas()
    sizes = found.set_index("segment")["n"].reindex(list(names), fill_value=0)
    then = [size / customers for size in model["sizes"]]
    new = int(sizes.sum())
    return {
        "customers": new,
        "outside": int(found["outside"].sum()),
        "features": parts,
        "segments": stability_index(then, customers, sizes.tolist()),
        "shares": [
            {"segment": s, "name": name, "then": share, "now": float(sizes[s] / new)}
            for (s, name), share in zip(names.items(), then, strict=True)
        ],
    }


def tell_drift(drift: dict, labels: dict[str, str]) -> list[str]:
    """Say what has changed since the segments were formed, and whether they should be formed anew."""
    shares = (f"{part['name']} {percent(part['then'])} to {percent(part['now'])}" for part in drift["shares"])
    index = (f"{labels[name]} {found['index']:.2f}" for name, found in drift["features"].items())
    limit = max(found["limit"] for found in (*drift["features"].values(), drift["segments"]))
    chance = f" (of so few customers chance gives up to {limit:.2f})" if limit > SHIFTED else ""
    told = [
        f"Shares of the segments, then to now: {', '.join(shares)}",
        f"Drift as population stability index: {', '.join(index)}, segments {drift['segments']['index']:.2f}{chance}",
        f"Outside the range of the training data: {count(drift['outside'], 'customer')} of {drift['customers']:,}",
    ]
    warning = tell_shift(drift, labels)
    return [*told, warning] if warning else told


def tell_shift(drift: dict, labels: dict[str, str]) -> str:
    """Ask for a refresh where customers differ from the training data by more than chance; empty where they do not."""
    shifted = [labels[name] for name, found in drift["features"].items() if found["shifted"]]
    shifted += ["the shares of the segments"] if drift["segments"]["shifted"] else []
    differ = "differs" if len(shifted) == 1 and shifted[0] in labels.values() else "differ"
    if not shifted:
        return ""
    return (
        f"Refresh the segmentation: {listing(shifted)} {differ} from the training data by an index above "
        f"{SHIFTED:g}, and by more than chance gives"
    )
