"""Who the segments are: size, centre, index, descriptors and tests of these."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from segmentation.core.dataset import Dataset
from segmentation.core.files import write_csv
from segmentation.core.privacy import least, step, to_step
from segmentation.customers.counts import Grouping, unskew
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import counts_by_segment, quantiles, shown_means, shown_shares
from segmentation.language.writing import show_index, spanning
from segmentation.runs.artifacts import Lineage
from segmentation.runs.records import OTHERS, Placement, Profile
from segmentation.runs.run import Run
from segmentation.runs.worth import Part, Worth
from segmentation.segments.assign import bent, centre_of_all, centres
from segmentation.segments.names import as_before, distinct_names, levelled

BETWEEN = ("from", "to")
STANDING_DIGITS = 2


def profile_segments(
    customers: Customers,
    scaled: Customers,
    dataset: Dataset,
    model: Placement,
    intervals: pd.DataFrame,
    *,
    everyone: Customers | None = None,
    lineage: Lineage | None = None,
) -> list[Profile]:
    """Describe each segment.

    Parameters
    ----------
    customers, scaled : Customers
        segment (from 1), features and descriptors, also as the model sees them; `intervals` are those of `robustness`.
    everyone : Customers, optional
        With those who took no part in forming the segments: sizes, shares and descriptors are of all.
    lineage : Lineage, optional
        What became of the segments of an earlier run: those that are found again keep name and action.
    """
    features, everyone = model.numeric, everyone or customers
    kept = {heir.segment: heir for heir in lineage.now if heir.name} if lineage else {}
    former = {row.name for row in lineage.before} if lineage else ()
    whole, high = centre_of_all(customers, scaled, model), heights(scaled, features)
    lows, means = customers.limits(features)["low"], _means(customers, list(bent(model)))
    indexed = whole[[f for f in features if whole[f] > 0 and lows[f] >= 0]]
    described = _descriptors(everyone, features)
    found, profiles = centres(customers, scaled, model), []
    stands = standings(found, whole, customers, scaled, model)
    for segment, size in everyone.counts("segment").items():
        told = _centre(found.loc[segment], intervals.loc[segment], indexed) | {"standing": _known(stands.loc[segment])}
        profiles.append(
            Profile(
                segment=segment,
                size=size,
                share=int(size) / everyone.number,
                **told,
                mean=_known(means.loc[segment]),
                descriptors={name: rows[segment] for name, rows in described.items()},
                **levelled(high.loc[segment], told, dataset, alone=len(high) == 1),
            )
        )
        profiles[-1] = profiles[-1].model_copy(update=as_before(kept[segment], dataset) if segment in kept else {})
    return distinct_names(profiles, dataset, customers.deviation(features).replace(0, 1), tuple(kept), former)


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


def heights(scaled: Customers, features: list[str]) -> pd.DataFrame:
    """Return how many standard deviations each segment's mean of each scaled feature stands above that of all."""
    n = scaled.number
    spread = scaled.deviation(features).replace(0, 1) * ((n - 1) / n) ** 0.5
    return (scaled.means(features) - scaled.mean(features)) / spread


def standings(
    found: pd.DataFrame, whole: pd.Series, customers: Customers, scaled: Customers, model: Placement
) -> pd.DataFrame:
    """Return how many standard deviations each centre, as it is shown, stands above that of all, as that is shown.

    Of private customers the deviation is rounded as a mean of all is, so that no place says more than the figures do.
    """
    deviation, limits = scaled.deviation(model.numeric), customers.limits(model.numeric)
    stands = pd.DataFrame(index=found.index)
    for f in model.numbers:
        at, middle = unskew(found[f.name].to_numpy(float), f.power), unskew(np.array([whole[f.name]], float), f.power)
        spread = deviation[f.name] * f.spread
        if customers.private:
            ends = unskew(limits.loc[f.name, ["low", "high"]].to_numpy(float), f.power)
            spread = to_step(spread, step(customers.number, *ends))
        stands[f.name] = np.round((at - middle) / (spread or 1), STANDING_DIGITS)
    return stands


def _interval(intervals: pd.Series, quantity: str) -> list[float]:
    return [intervals[quantity, side] for side in ("low", "high")]


def _descriptors(customers: Customers, features: list[str]) -> dict[str, dict]:
    """Return what is said of each column that is no number among the features, by segment."""
    names = [name for name in customers.dataset.named("feature", "descriptor") if name not in features]
    return {name: _describe(customers, name, customers.dataset) for name in names}


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
        rows.append(row | {"level_name": profile.level_name, "action": profile.marked, "suggested": profile.suggested})
    return pd.DataFrame(rows)


def write_profiles(study: Run, profiles: list[Profile], worth: Iterable[Worth] = ()) -> None:
    """Write profiles.csv: one row a segment, every column headed by what a reader calls it."""
    told = headed(profiles, study.dataset, worth)
    write_csv(study.path("profiles.csv"), told, comma=study.read("cleaning.json").comma)


def headed(profiles: list[Profile], dataset: Dataset, worth: Iterable[Worth] = ()) -> pd.DataFrame:
    """Return one row a segment: size, centres, indices and descriptors under their labels, and what it is worth.

    Of which column each is ("" for none), and what it is called without others beside it, is kept in `attrs["of"]`.
    """
    parts = {name: [key for p in profiles for key in p.descriptors[name] if key != OTHERS]
             for name in profiles[0].descriptors}  # fmt: skip
    rows = [_under_labels(profile, dataset, parts) for profile in profiles]
    for one in worth:
        rows = [row | _valued(part, one.column, dataset) for row, part in zip(rows, one.parts, strict=True)]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    taken, columns, of = {heading for name, heading in keys if not name}, {}, {}
    for name, heading in keys:
        told = heading
        while name and told.casefold() in taken:  # a column may be labelled "Share", or as another with "index" behind
            told += f" ({name})"
        taken.add(told.casefold())
        columns[told], of[told] = [row.get((name, heading)) for row in rows], (name, heading)
    found = pd.DataFrame(columns)
    found.attrs["of"] = of
    return found


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
    return row | {("", "levels"): profile.level_name, ("", "action"): profile.marked}


def _valued(part: Part, name: str, dataset: Dataset) -> dict[tuple[str, str], Any]:
    """Return what profiles.csv says of the worth of a segment by a column; None where it is hidden."""
    axis, label = str(dataset.axis(name)), dataset.label(name)
    low, high = part.each_interval or (None, None)
    each = {"a customer": part.each, "a customer, from": low, "a customer, to": high, "an order": part.basket}
    told = {f"{axis}, {what}": value for what, value in each.items()}
    told |= {f"{label}, share of all": part.share, f"{label}, share of the top fifth": part.top_fifth}
    return {(name, heading): value for heading, value in told.items()}


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
