"""Who the segments are: size, centre, index, descriptors, name and action."""

import pandas as pd

from segmentation.clustering import scale
from segmentation.dataset import Dataset
from segmentation.eda import SMALLEST_GROUP
from segmentation.narrative import amount, escape, listing, percent

HIGH = 0.5


def profile_segments(customers: pd.DataFrame, dataset: Dataset, features: list[str]) -> list[dict]:
    """Describe each segment.

    Parameters
    ----------
    customers : DataFrame
        segment (from 1), features and descriptors.

    Returns
    -------
    list of dict
        segment, size, share; for each feature its mean (centre), its index (mean of all = 100; null when that
        mean is 0) and level; descriptors; level_name, name and action.
    """
    means = customers[features].mean()
    descriptors = [name for name in dataset.named("feature", "descriptor") if name not in features]
    described = {name: _describe(customers, name, dataset) for name in descriptors}
    scaled = pd.DataFrame(scale(customers, dataset, features)[1], columns=features)
    heights = scaled.groupby(customers["segment"].to_numpy()).mean()
    profiles = []
    for segment, members in customers.groupby("segment"):
        centre = members[features].mean()
        levels = {f: level(heights.loc[segment, f]) for f in features}
        profiles.append(
            {
                "segment": int(segment),
                "size": len(members),
                "share": len(members) / len(customers),
                "centre": centre.to_dict(),
                "index": {f: 100 * centre[f] / means[f] if means[f] else None for f in features},
                "levels": levels,
                "descriptors": {name: rows[segment] for name, rows in described.items()},
                "level_name": level_name(levels, dataset),
                **_named(levels, dataset),
            }
        )
    return _distinct_names(profiles, dataset)


def level(z: float) -> str:
    """Call a centroid high or low when it stands half a standard deviation or more from the mean of all."""
    return "high" if z >= HIGH else "low" if z <= -HIGH else "average"


def level_name(levels: dict[str, str], dataset: Dataset) -> str:
    """Return the levels as words, such as "High annual income, low spending score"."""
    words = ", ".join(f"{height} {_lower_first(dataset.label(name))}" for name, height in levels.items())
    return words[:1].upper() + words[1:]


def _lower_first(label: str) -> str:
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def _named(levels: dict[str, str], dataset: Dataset) -> dict:
    """Return name and action of the first entry of dataset.yaml whose levels all hold."""
    for entry in dataset.segments:
        if all(levels.get(name) == height for name, height in entry.levels.items()):
            return {"name": entry.name, "action": entry.action}
    return {"name": level_name(levels, dataset), "action": None}


def _distinct_names(profiles: list[dict], dataset: Dataset) -> list[dict]:
    """Tell segments of one name apart by the feature in which they differ most, relative to the mean of all."""
    for profile in profiles:
        twins = [other for other in profiles if other["name"] == profile["name"]]
        if len(twins) > 1:
            spread = {f: _spread([twin["index"][f] or 0 for twin in twins]) for f in profile["centre"]}
            feature = max(spread, key=spread.get)
            profile["apart"] = f"{_lower_first(dataset.label(feature))} {profile['centre'][feature]:.3g}"
    for profile in profiles:
        if "apart" in profile:
            profile["name"] += f" ({profile.pop('apart')})"
    return profiles


def _spread(values: list[float]) -> float:
    return max(values) - min(values)


def _describe(customers: pd.DataFrame, name: str, dataset: Dataset) -> dict[int, dict]:
    """Return for each segment the mean and median, or the share of each category, of a descriptor."""
    private = dataset.privacy == "aggregate"
    if dataset.columns[name].type == "category":
        return category_shares(customers, name, private=private).to_dict("index")
    table = customers.groupby("segment")[name].agg(["mean", "median", "count"])
    known = table[table["count"] >= (SMALLEST_GROUP if private else 1)]
    known = known[["mean", "median"]].to_dict("index")
    return {segment: known.get(segment, {}) for segment in table.index}


def flatten(profiles: list[dict]) -> pd.DataFrame:
    """Return one row a segment: the columns of profiles.csv."""
    rows = []
    for profile in profiles:
        row = {key: profile[key] for key in ("segment", "name", "size", "share")}
        for part in ("centre", "index"):
            row |= {f"{part}_{feature}": value for feature, value in profile[part].items()}
        for name, values in profile["descriptors"].items():
            row |= {f"{name}_{key}": value for key, value in values.items()}
        rows.append(row | {"level_name": profile["level_name"], "action": profile["action"]})
    return pd.DataFrame(rows)


def category_shares(customers: pd.DataFrame, name: str, *, private: bool) -> pd.DataFrame:
    """Return how each segment divides among the categories of a descriptor, one row a segment.

    When `private`, categories with fewer than ten customers in any segment where they occur are put together
    as "other", and left out when even together they are fewer.
    """
    counts = pd.crosstab(customers["segment"], customers[name])
    counts = counts.reindex(sorted(customers["segment"].unique()), fill_value=0)
    if private:
        small = counts.columns[((counts > 0) & (counts < SMALLEST_GROUP)).any()]
        counts = counts.drop(columns=small).assign(other=counts[small].sum(axis=1))
        counts = counts.loc[:, (counts.sum() > 0) & ~((counts > 0) & (counts < SMALLEST_GROUP)).any()]
    return counts.div(counts.sum(axis=1).replace(0, 1), axis=0)


def tell_segments(profiles: list[dict]) -> str:
    """Name the segments with their shares and levels, the largest first."""
    return listing(
        f"{escape(p['name'])} ({percent(p['share'])}; {escape(_lower_first(p['level_name']))})" for p in profiles
    )


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


def tell_index(profiles: list[dict], dataset: Dataset) -> str:
    """Say which segment stands farthest from the mean of all customers, and in which feature."""
    cells = [(abs(v - 100), p, f, v) for p in profiles for f, v in p["index"].items() if v is not None]
    if not cells:
        return "The means of all customers are 0, so there is no index."
    _, profile, feature, index = max(cells, key=lambda cell: cell[0])
    return (
        f"Against the mean of all customers = 100, {escape(profile['name'])} stands out most: "
        f"{escape(dataset.label(feature))} at {index:.0f}."
    )


def tell_shares(shares: pd.DataFrame, label: str) -> str:
    """Say for the category that differs most between which segments its share ranges."""
    if shares.empty or not shares.shape[1]:
        return f"{escape(label)}: every group is under ten customers and is not shown."
    name = (shares.max() - shares.min()).idxmax()
    top, bottom = shares[name].idxmax(), shares[name].idxmin()
    return (
        f"{escape(label)}: the share of {escape(name)} runs from {100 * shares[name][bottom]:.0f}% in segment {bottom} "
        f"to {100 * shares[name][top]:.0f}% in segment {top}."
    )


def tell_medians(medians: pd.Series, dataset: Dataset, name: str) -> str:
    """Say in which segments the median of a descriptor is highest and lowest."""
    unit = dataset.columns[name].unit
    return (
        f"{escape(dataset.label(name))}: the median runs from {amount(medians.min(), unit)} in segment "
        f"{medians.idxmin()} to {amount(medians.max(), unit)} in segment {medians.idxmax()}."
    )
