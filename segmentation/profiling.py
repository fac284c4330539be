"""Who the segments are: size, centre, index, descriptors, name and action."""

import pandas as pd

from segmentation.customers import Customers
from segmentation.dataset import Dataset
from segmentation.decision import SMALL
from segmentation.privacy import SMALLEST_GROUP, withheld
from segmentation.study import Study
from segmentation.tallies import Grouping
from segmentation.uncertainty import bootstrap_intervals
from segmentation.words import amount, escape, listing, percent, show_index, spanning

HIGH = 0.5
MOST_NAMED = 3  # with more features, a name leaves the average ones out


def profile_segments(
    customers: Customers,
    heights: pd.DataFrame,
    dataset: Dataset,
    features: list[str],
    intervals: pd.DataFrame,
    *,
    kept: dict[int, dict] | None = None,
) -> list[dict]:
    """Describe each segment.

    Parameters
    ----------
    customers : Customers
        segment (from 1), features and descriptors.
    heights : DataFrame
        How many standard deviations each segment's mean stands above that of all, as `heights` returns them.
    intervals : DataFrame
        As `bootstrap_intervals` returns them.
    kept : dict, optional
        Segment -> name and action that it had in an earlier run; no other gets one of these names.

    Returns
    -------
    list of dict
        segment, size, share and share_interval; for each feature its mean (centre) and centre_interval, its index
        (mean of all = 100; null where values are below 0, or all 0) and level; descriptors; level_name, name, action.
    """
    means, lows = customers.mean(features), customers.limits(features)["low"]
    indexed = [f for f in features if means[f] > 0 and lows[f] >= 0]
    descriptors = [name for name in dataset.named("feature", "descriptor") if name not in features]
    described = {name: _describe(customers, name, dataset) for name in descriptors}
    centres, profiles = customers.means(features), []
    for segment, size in customers.counts("segment").items():
        centre = centres.loc[segment]
        levels = {f: level(heights.loc[segment, f]) for f in features}
        profiles.append(
            {
                "segment": int(segment),
                "size": int(size),
                "share": int(size) / customers.number,
                "share_interval": _interval(intervals, segment, "share"),
                "centre": centre.to_dict(),
                "centre_interval": {f: _interval(intervals, segment, f"centre_{f}") for f in features},
                "index": {f: 100 * centre[f] / means[f] if f in indexed else None for f in features},
                "levels": levels,
                "descriptors": {name: rows[segment] for name, rows in described.items()},
                "level_name": level_name(levels, dataset),
                **_named(levels, dataset),
                **_as_before((kept or {}).get(segment), dataset),
            }
        )
    return _distinct_names(profiles, dataset, customers.deviation(features).replace(0, 1), tuple(kept or ()))


def kept_names(study: Study) -> dict[int, dict]:
    """Return name and action of each segment that keeps those of an earlier run."""
    now = study.read("lineage.json")["now"] if study.path("lineage.json").is_file() else []
    return {row["segment"]: {"name": row["name"], "action": row["action"]} for row in now if row["name"]}


def _as_before(earlier: dict | None, dataset: Dataset) -> dict:
    """Return the name of an earlier run, with the action that dataset.yaml gives for it now, else that of then."""
    if earlier is None:
        return {}
    actions = {entry.name: entry.action for entry in dataset.segments}
    return earlier | {"action": actions.get(earlier["name"], earlier["action"])}


def heights(scaled: Customers, features: list[str]) -> pd.DataFrame:
    """Return how many standard deviations each segment's mean of each scaled feature stands above that of all."""
    n = scaled.number
    spread = scaled.deviation(features).replace(0, 1) * ((n - 1) / n) ** 0.5
    return (scaled.means(features) - scaled.mean(features)) / spread


def intervals(
    customers: Customers, scaled: Customers, features: list[str], *, resamples: int, seed: int
) -> pd.DataFrame:
    """Return the intervals of `bootstrap_intervals`, of a sample moved to where all customers stand."""
    some, labels = customers.sample, customers.sample["segment"].to_numpy() - 1
    X = scaled.sample[features].to_numpy()
    found = bootstrap_intervals(X, some[features], labels, resamples=resamples, seed=seed)
    if customers.sampled:
        moved = _shares_and_means(customers, features) - _shares_and_means(Customers(some), features)
        for quantity in moved:
            found[quantity] = found[quantity].add(moved[quantity], axis=0)
    return found


def _shares_and_means(customers: Customers, features: list[str]) -> pd.DataFrame:
    shares = customers.counts("segment") / customers.number
    return customers.means(features).add_prefix("centre_").assign(share=shares)


def _interval(intervals: pd.DataFrame, segment: int, quantity: str) -> list[float]:
    return [float(intervals.loc[segment, (quantity, side)]) for side in ("low", "high")]


def level(z: float) -> str:
    """Call a centroid high or low when it stands half a standard deviation or more from the mean of all."""
    return "high" if z >= HIGH else "low" if z <= -HIGH else "average"


def level_name(levels: dict[str, str], dataset: Dataset) -> str:
    """Return the levels as words, such as "High annual income, low spending score"."""
    told = {n: height for n, height in levels.items() if height != "average"} if len(levels) > MOST_NAMED else levels
    words = ", ".join(f"{height} {_lower_first(dataset.label(name))}" for name, height in told.items())
    words = words or "average in every feature"
    return words[:1].upper() + words[1:]


def _lower_first(label: str) -> str:
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def _named(levels: dict[str, str], dataset: Dataset) -> dict:
    """Return name and action of the first entry of dataset.yaml whose levels all hold."""
    for entry in dataset.segments:
        if all(levels.get(name) == height for name, height in entry.levels.items()):
            return {"name": entry.name, "action": entry.action}
    return {"name": level_name(levels, dataset), "action": None}


def _distinct_names(profiles: list[dict], dataset: Dataset, deviations: pd.Series, kept: tuple) -> list[dict]:
    """Tell segments of one name apart by the feature in which they differ most, relative to its spread over all.

    Those in `kept` have their names already.
    """
    for profile in [profile for profile in profiles if profile["segment"] not in kept]:
        twins = [other for other in profiles if other["name"] == profile["name"]]
        if len(twins) > 1:
            spread = {f: _spread([t["centre"][f] for t in twins]) / deviations[f] for f in profile["centre"]}
            feature = max(spread, key=spread.get)
            profile["apart"] = f"{_lower_first(dataset.label(feature))} {amount(profile['centre'][feature])}"
    for profile in profiles:
        if "apart" in profile:
            profile["name"] += f" ({profile.pop('apart')})"
            if sum(other["name"] == profile["name"] for other in profiles) > 1:
                profile["name"] += f", segment {profile['segment']}"
    return profiles


def _spread(values: list[float]) -> float:
    return max(values) - min(values)


def _describe(customers: Customers, name: str, dataset: Dataset) -> dict[int, dict]:
    """Return for each segment the mean and median, or the share of each category, of a descriptor."""
    private = dataset.privacy == "aggregate"
    if not dataset.columns[name].numeric:
        shares = category_shares(customers, name, private=private)
        return {segment: row.dropna().to_dict() for segment, row in shares.iterrows()}
    table = customers.means([name]).rename(columns={name: "mean"})
    table["median"] = segment_medians(customers, name, private=private)
    known = table.dropna().to_dict("index")
    return {segment: known.get(segment, {}) for segment in table.index}


def flatten(profiles: list[dict]) -> pd.DataFrame:
    """Return one row a segment: the columns of profiles.csv."""
    rows = []
    for profile in profiles:
        row = {key: profile[key] for key in ("segment", "name", "size", "share")}
        row["share_low"], row["share_high"] = profile["share_interval"]
        for feature, value in profile["centre"].items():
            row[f"centre_{feature}"] = value
            row[f"centre_{feature}_low"], row[f"centre_{feature}_high"] = profile["centre_interval"][feature]
        row |= {f"index_{feature}": value for feature, value in profile["index"].items()}
        for name, values in profile["descriptors"].items():
            row |= {f"{name}_{key}": value for key, value in values.items()}
        rows.append(row | {"level_name": profile["level_name"], "action": profile["action"]})
    return pd.DataFrame(rows)


def centre_table(profiles: list[dict], dataset: Dataset) -> pd.DataFrame:
    """Return the centre of each segment with its interval, and its index, as text; one row a segment."""
    rows = []
    for profile in profiles:
        row = {"segment": profile["segment"], "name": profile["name"]}
        for f, value in profile["centre"].items():
            row[dataset.axis(f)] = f"{amount(value)} ({spanning(profile['centre_interval'][f])})"
        rows.append(row | {f"index_{f}": show_index(value) for f, value in profile["index"].items()})
    return pd.DataFrame(rows)


def category_shares(customers: Customers, name: str, *, private: bool) -> pd.DataFrame:
    """Return how each segment divides among the categories of a descriptor, one row a segment.

    When `private`, a group of fewer than ten is hidden (NaN), in a category of fewer than ten every group, and so are
    as many more that none can be worked out from the sums of its row or column.
    """
    counts = customers.counts(name, by="segment").reindex(customers.counts("segment").index, fill_value=0)
    shares = counts.div(counts.sum(axis=1).replace(0, 1), axis=0)
    if not private:
        return shares
    return shares.mask(withheld(counts.to_numpy()) | (counts.sum() < SMALLEST_GROUP).to_numpy())


def segment_medians(customers: Customers, name: str, *, private: bool) -> pd.Series:
    """Return the median of a descriptor by segment, where it is known for any customer (ten when `private`)."""
    found = customers.quantiles(name, [0.5], Grouping("segment"))
    return found[0.5][found["customers"] >= (SMALLEST_GROUP if private else 1)]


def tell_segments(profiles: list[dict]) -> str:
    """Name the segments with their shares and levels, the largest first."""
    return listing(
        f"{escape(p['name'])} ({percent(p['share'])}; {escape(_lower_first(p['level_name']))})"
        for p in by_size(profiles)
    )


def by_size(profiles: list[dict]) -> list[dict]:
    """Return the segments from the largest to the smallest: they are numbered otherwise where a run has a base."""
    return sorted(profiles, key=lambda profile: -profile["size"])


def tell_centres(profiles: list[dict], dataset: Dataset, features: list[str]) -> str:
    """Say for each feature which segment has the highest and which the lowest mean."""
    tells = []
    for f in features:
        top, bottom = (pick(profiles, key=lambda p: p["centre"][f]) for pick in (max, min))
        unit = dataset.columns[f].unit
        tells.append(
            f"{escape(dataset.label(f))} is highest in {escape(top['name'])} ({amount(top['centre'][f], unit)}) "
            f"and lowest in {escape(bottom['name'])} ({amount(bottom['centre'][f], unit)})."
        )
    return " ".join(tells)


def tell_small(profiles: list[dict]) -> str:
    """Warn of the segments whose figures rest on few customers."""
    small = [profile for profile in profiles if profile["size"] < SMALL]
    if not small:
        return f"Every segment has {SMALL} customers or more."
    names = listing(escape(profile["name"]) for profile in small)
    have = "has" if len(small) == 1 else "have"
    return f"**Small:** {names} {have} fewer than {SMALL} customers; their intervals are wide, and details are guesses."


def tell_index(profiles: list[dict], dataset: Dataset) -> str:
    """Say which segment stands farthest from the mean of all customers, and in which feature."""
    cells = [(abs(v - 100), p, f, v) for p in profiles for f, v in p["index"].items() if v is not None]
    if not cells:
        return "A feature with values below 0 has no index."
    _, profile, feature, index = max(cells, key=lambda cell: cell[0])
    return (
        f"Against the mean of all customers = 100, {escape(profile['name'])} stands out most: "
        f"{escape(dataset.label(feature))} at {index:.0f}."
    )


def tell_shares(shares: pd.DataFrame, label: str) -> str:
    """Say for the category that differs most between which segments its share ranges, and what is not shown."""
    spread = (shares.max() - shares.min())[shares.notna().sum() > 1]
    hidden = f" Groups of fewer than {SMALLEST_GROUP} are not shown." if shares.isna().any(axis=None) else ""
    if spread.empty:
        return f"{escape(label)}: too few customers to compare segments.{hidden}"
    name = spread.idxmax()
    top, bottom = shares[name].idxmax(), shares[name].idxmin()
    if percent(shares[name][top]) == percent(shares[name][bottom]):
        return f"{escape(label)}: the shares are the same in every segment.{hidden}"
    return (
        f"{escape(label)}: the share of {escape(name)} runs from {percent(shares[name][bottom])} in segment {bottom} "
        f"to {percent(shares[name][top])} in segment {top}.{hidden}"
    )


def tell_medians(medians: pd.Series, dataset: Dataset, name: str) -> str:
    """Say in which segments the median of a descriptor is highest and lowest."""
    label, unit = escape(dataset.label(name)), dataset.columns[name].unit
    if medians.map(amount).nunique() < 2:
        return f"{label}: the median does not differ between the segments."
    return (
        f"{label}: the median runs from {amount(medians.min(), unit)} in segment "
        f"{medians.idxmin()} to {amount(medians.max(), unit)} in segment {medians.idxmax()}."
    )
