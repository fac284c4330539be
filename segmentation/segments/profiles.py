"""Who the segments are: size, centre, index, descriptors and tests of these, name and action."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency, kruskal

from segmentation.core.dataset import Dataset, Level
from segmentation.core.errors import UsageError
from segmentation.core.files import write_csv
from segmentation.core.privacy import SMALLEST_GROUP, least
from segmentation.core.text import listing, show_index, spanning
from segmentation.customers.counts import Grouping
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import counts_by_segment, quantiles, shown_means, shown_shares
from segmentation.evidence.decision import SIGNIFICANT
from segmentation.runs.records import OTHERS, Heir, Placement, Profile
from segmentation.runs.run import Run
from segmentation.segments.assign import bent, centre_of_all, centres

HIGH = 0.5
USUAL_INDEX = (67, 150)  # two thirds to half as much again
BETWEEN = ("from", "to")
EVERYONE = "All customers"  # the name of a segment of all, whose every level would be average
LEAST_UNSURE = 0.06  # of a p-value with one digit
MOST_NAMED = 3  # with more features, a name leaves the average ones out


def profile_segments(
    customers: Customers,
    scaled: Customers,
    dataset: Dataset,
    model: Placement,
    intervals: pd.DataFrame,
    *,
    kept: dict[int, Heir] | None = None,
) -> list[Profile]:
    """Describe each segment.

    Parameters
    ----------
    customers : Customers
        segment (from 1), features and descriptors.
    scaled : Customers
        The same as the model sees them; and `intervals` as `robustness.intervals` returns them.
    kept : dict, optional
        Segment -> what it has of an earlier run; no other gets one of these names.
    """
    kept, features = kept or {}, model.names
    whole, high = centre_of_all(customers, scaled, model), heights(scaled, features)
    lows, means = customers.limits(features)["low"], _means(customers, list(bent(model)))
    indexed = whole[[f for f in features if whole[f] > 0 and lows[f] >= 0]]
    descriptors = [name for name in dataset.named("feature", "descriptor") if name not in features]
    described = {name: _describe(customers, name, dataset) for name in descriptors}
    found, profiles = centres(customers, scaled, model), []
    for segment, size in customers.counts("segment").items():
        told = _centre(found.loc[segment], intervals.loc[segment], indexed)
        levels = {f: level(high.loc[segment, f], told["index"][f]) for f in features}
        profiles.append(
            Profile(
                segment=segment,
                size=size,
                share=int(size) / customers.number,
                **told,
                mean=_known(means.loc[segment]),
                levels=levels,
                descriptors={name: rows[segment] for name, rows in described.items()},
                level_name=level_name(levels, dataset) if len(high) > 1 else EVERYONE,
                **(_as_before(kept[segment], dataset) if segment in kept else _named(levels, dataset, len(high))),
            )
        )
    return _distinct_names(profiles, dataset, customers.deviation(features).replace(0, 1), tuple(kept))


def _centre(centre: pd.Series, intervals: pd.Series, whole: pd.Series) -> dict:
    """Return the centre of a segment with its index against that of the `whole`, where there is one, and intervals."""
    return {
        "share_interval": _interval(intervals, "share"),
        "centre": _known(centre),
        "centre_interval": {f: _interval(intervals, f"centre_{f}") if v == v else None for f, v in centre.items()},
        "index": {f: 100 * value / whole[f] if f in whole and value == value else None for f, value in centre.items()},
    }


def _known(values: pd.Series) -> dict[str, float | None]:
    """Return values by name, None for those that may not be shown."""
    return {name: value if value == value else None for name, value in values.items()}


def _means(customers: Customers, names: list[str]) -> pd.DataFrame:
    """Return the mean of columns by segment as it may be shown."""
    return shown_means(customers, customers.means(names), Grouping("segment"))


def kept_names(study: Run) -> dict[int, Heir]:
    """Return each segment that keeps name and action of an earlier run."""
    lineage = study.lineage()
    return {heir.segment: heir for heir in lineage.now if heir.name} if lineage else {}


def _as_before(heir: Heir, dataset: Dataset) -> dict:
    """Return the name of an earlier run, with the action that dataset.yaml gives for it now, else that of then."""
    now = [entry.action for entry in dataset.segments if entry.name == heir.name]
    return {"name": heir.name, "action": now[-1] if now else heir.action}


def heights(scaled: Customers, features: list[str]) -> pd.DataFrame:
    """Return how many standard deviations each segment's mean of each scaled feature stands above that of all."""
    n = scaled.number
    spread = scaled.deviation(features).replace(0, 1) * ((n - 1) / n) ** 0.5
    return (scaled.means(features) - scaled.mean(features)) / spread


def _interval(intervals: pd.Series, quantity: str) -> list[float]:
    return [intervals[quantity, side] for side in ("low", "high")]


def level(z: float, index: float | None) -> Level:
    """Call a feature average less than half a standard deviation from the mean of all, as the model sees it.

    What has an index is average only where that says so too: within 67 to 150.
    """
    low, high = USUAL_INDEX
    if abs(z) < HIGH and (index is None or low <= index <= high):
        return "average"
    return "high" if z > 0 else "low"


def level_name(levels: Mapping[str, str], dataset: Dataset) -> str:
    """Return the levels as words, such as "High annual income, low spending score"."""
    told = {n: height for n, height in levels.items() if height != "average"} if len(levels) > MOST_NAMED else levels
    words = ", ".join(f"{height} {dataset.words(name)}" for name, height in told.items())
    words = words or "average in every feature"
    return words[:1].upper() + words[1:]


def _named(levels: Mapping[str, str], dataset: Dataset, segments: int) -> dict:
    """Return name and action of the first entry of dataset.yaml whose levels all hold; of a segment of all its name."""
    if segments == 1:
        return {"name": EVERYONE, "action": None}
    for entry in dataset.segments:
        if all(levels.get(name) == height for name, height in entry.levels.items()):
            return {"name": entry.name, "action": entry.action}
    return {"name": level_name(levels, dataset), "action": None}


def _distinct_names(profiles: list[Profile], dataset: Dataset, deviations: pd.Series, kept: tuple) -> list[Profile]:
    """Tell segments of one name apart by the feature in which they differ most, relative to its spread over all.

    Those in `kept` have their names already.
    """
    names = {profile.segment: profile.name for profile in profiles}
    for profile in [profile for profile in profiles if profile.segment not in kept]:
        twins = [other for other in profiles if other.name == profile.name]
        if len(twins) > 1:
            spread = {f: _spread([t.centre[f] for t in twins]) / deviations[f] for f in profile.centre}
            feature = max(spread, key=lambda f: spread[f])
            name = f"{profile.name} ({dataset.words(feature)} {dataset.amount(feature, profile.centre[feature])})"
            name = profile.name if spread[feature] < 0 else name
            names[profile.segment] = f"{name}, segment {profile.segment}" if name in names.values() else name
    return [profile.model_copy(update={"name": names[profile.segment]}) for profile in profiles]


def _spread(values: list[float | None]) -> float:
    """Return how far apart values are; less than nothing where one may not be shown."""
    known = [value for value in values if value is not None]
    return max(known) - min(known) if len(known) == len(values) else -1.0


def _describe(customers: Customers, name: str, dataset: Dataset) -> dict[int, dict]:
    """Return for each segment the mean and median, or the share of each category, of a descriptor."""
    if not dataset.columns[name].numeric:
        shares = category_shares(customers, name, private=dataset.private)
        hidden = dataset.private & shares.isna().any(axis=1)
        return {s: row.dropna().to_dict() | ({OTHERS: None} if hidden[s] else {}) for s, row in shares.iterrows()}
    table = _means(customers, [name]).rename(columns={name: "mean"})
    table["median"] = segment_medians(customers, name, private=dataset.private)
    return {segment: own.dropna().to_dict() for segment, own in table.iterrows()}


def flatten(profiles: list[Profile]) -> pd.DataFrame:
    """Return one row a segment, as the figures take it; a blank parts names of ours from those of columns."""
    rows = []
    for profile in profiles:
        row = {"segment": profile.segment, "name": profile.name, "size": profile.size, "share": profile.share}
        row["share low"], row["share high"] = profile.share_interval
        for feature, value in profile.centre.items():
            row[f"centre {feature}"] = np.nan if value is None else value
            ends = profile.centre_interval[feature] or (np.nan, np.nan)
            row[f"centre {feature} low"], row[f"centre {feature} high"] = ends
        row |= {f"index {feature}": value for feature, value in profile.index.items()}
        rows.append(row | {"level_name": profile.level_name, "action": profile.action})
    return pd.DataFrame(rows)


def write_profiles(study: Run, profiles: list[Profile]) -> None:
    """Write profiles.csv: one row a segment, every column headed by what a reader calls it."""
    write_csv(study.path("profiles.csv"), headed(profiles, study.dataset), comma=study.read("cleaning.json").comma)


def headed(profiles: list[Profile], dataset: Dataset) -> pd.DataFrame:
    """Return one row a segment: its name and size, then centres, indices and descriptors under their labels."""
    parts = {name: [key for p in profiles for key in p.descriptors[name] if key != OTHERS]
             for name in profiles[0].descriptors}  # fmt: skip
    rows = [_under_labels(profile, dataset, parts) for profile in profiles]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    taken, columns = {heading for name, heading in keys if not name}, {}
    for name, heading in keys:
        told = heading
        while name and told.casefold() in taken:  # a column may be labelled "Share", or as another with "index" behind
            told += f" ({name})"
        taken.add(told.casefold())
        columns[told] = [row.get((name, heading)) for row in rows]
    return pd.DataFrame(columns)


def _under_labels(profile: Profile, dataset: Dataset, described: dict) -> dict[tuple[str, str], Any]:
    """Return what profiles.csv says of a segment, by column ("" for none) and heading; None where it is hidden."""
    whole = {"segment": profile.segment, "name": profile.name, "size": profile.size, "share": profile.share}
    row = {("", heading): value for heading, value in whole.items()}
    row |= {("", f"share, {end}"): value for end, value in zip(BETWEEN, profile.share_interval, strict=True)}
    for name, value in profile.centre.items():
        axis = str(dataset.axis(name))
        row[name, axis] = value
        row |= {
            (name, f"{axis}, {end}"): at
            for end, at in zip(BETWEEN, profile.centre_interval[name] or (None, None), strict=True)
        }
        row |= {(name, f"{axis}, mean"): profile.mean[name]} if name in profile.mean else {}
    row |= {(name, f"{dataset.label(name)}, index"): value for name, value in profile.index.items()}
    for name, parts in described.items():
        axis, part = str(dataset.axis(name)), ", " if dataset.columns[name].numeric else ": "
        row |= {(name, f"{axis}{part}{what}"): profile.descriptors[name].get(what) for what in parts}
    return row | {("", "levels"): profile.level_name, ("", "action"): profile.action}


def centre_table(profiles: list[Profile], dataset: Dataset) -> pd.DataFrame:
    """Return the centre of each segment with its interval, and its index, as text; one row a segment."""
    rows = []
    for profile in profiles:
        row = {"segment": profile.segment, "name": profile.name}
        for f, value in profile.centre.items():
            form = dataset.axis(f).form
            beside = f", mean {form(profile.mean[f])}" if f in profile.mean else ""
            interval = f" ({spanning(profile.centre_interval[f], form)})" if value is not None else ""
            row[dataset.axis(f)] = f"{form(value)}{interval}{beside}"
        rows.append(row | {f"index: {dataset.label(f)}": show_index(value) for f, value in profile.index.items()})
    return pd.DataFrame(rows)


def category_shares(customers: Customers, name: str, *, private: bool) -> pd.DataFrame:
    """Return how each segment divides among the categories of a descriptor, one row a segment.

    Where nobody in a segment has a known category, its row is NaN. When `private`, shares are in steps of five
    customers or more, a group of fewer than ten is hidden (NaN), in a category of fewer than ten every group, and so
    are as many more that none can be worked out from the others and from what chapter 2 shows of all customers.
    """
    if private:
        return shown_shares(customers, name)
    counts = counts_by_segment(customers, name)
    known = counts.sum(axis=1)
    return counts.div(known.where(known > 0), axis=0)


def segment_medians(customers: Customers, name: str, *, private: bool) -> pd.Series:
    """Return the median of a descriptor by segment, where it is known for any customer (ten when `private`)."""
    found = quantiles(customers, name, [0.5], Grouping("segment"))
    return found[0.5][found["customers"] >= least(private)]


def largest_first(profiles: Iterable[Profile]) -> list[Profile]:
    """Return the segments from the largest to the smallest: they are numbered otherwise where a run has a base."""
    return sorted(profiles, key=lambda profile: -profile.size)


def compare_descriptors(
    customers: pd.DataFrame, dataset: Dataset, names: list[str], features: list[str]
) -> pd.DataFrame:
    """Test whether each descriptor differs between the segments.

    Categories: Pearson's chi-squared, with Cramer's V (1946). Numbers: Kruskal & Wallis (1952), with epsilon squared
    (Kelley 1935), H / (n - 1). The p-values are corrected for the number of descriptors (Holm 1979). Where rows are
    private, categories of fewer than ten take no part, and figures are rounded: a chi-squared is solved for a count.

    Parameters
    ----------
    customers : DataFrame
        segment (from 1) and descriptors; missing values are left out.

    Returns
    -------
    DataFrame
        descriptor, test, statistic, p, p_corrected, effect (0 to 1), measure; one row a descriptor that varies.

    Raises
    ------
    UsageError
        When a name formed the segments: the test would find what the method made (double dipping).
    """
    dipped = [name for name in names if name in features]
    if dipped:
        raise UsageError(
            f"{listing(dipped)} formed the segments, so that a p-value would only say that K-Means did its work "
            "(double dipping); test descriptors"
        )
    rows = [_compare(customers[["segment", name]].dropna(), name, dataset) for name in names]
    table = pd.DataFrame(
        [row for row in rows if row], columns=["descriptor", "test", "statistic", "p", "effect", "measure"]
    )
    table.insert(4, "p_corrected", holm(table["p"].to_numpy(dtype=float)))
    return _rounded_tests(table) if dataset.private else table


def _rounded_tests(table: pd.DataFrame) -> pd.DataFrame:
    """Return tests to whole numbers, their effects to tenths and p-values to one digit, on their side of 0.05."""
    shown = {"statistic": [float(f"{round(value):.2g}") for value in table["statistic"]]}
    shown["effect"] = table["effect"].round(1).tolist()
    for name in ("p", "p_corrected"):
        told = [(p, float(f"{p:.1g}") if p >= 0.001 else 0.0) for p in table[name]]
        shown[name] = [LEAST_UNSURE if near <= SIGNIFICANT < p else near for p, near in told]
    return table.assign(**shown)


def _compare(known: pd.DataFrame, name: str, dataset: Dataset) -> tuple | None:
    if dataset.private and dataset.columns[name].type in ("category", "yes/no"):
        known = known[known.groupby(name)[name].transform("size") >= SMALLEST_GROUP]
    if known["segment"].nunique() < 2 or known[name].nunique() < 2:
        return None
    if not dataset.columns[name].numeric:
        counts = pd.crosstab(known["segment"], known[name])
        statistic, p = chi2_contingency(counts, correction=False)[:2]
        effect = np.sqrt(statistic / len(known) / (min(counts.shape) - 1))
        return name, "chi-squared", statistic, p, effect, "Cramer's V"
    statistic, p = kruskal(*(own[name] for _, own in known.groupby("segment")))
    return name, "Kruskal-Wallis", statistic, p, statistic / (len(known) - 1), "epsilon squared"


def holm(p: np.ndarray) -> np.ndarray:
    """Return p-values corrected for their number, step down (Holm 1979)."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)) if len(p) else p
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(stepped, 1)
    return corrected
