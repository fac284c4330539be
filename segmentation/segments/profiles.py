"""Who the segments are: size, centre, index, descriptors and tests of these."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from segmentation.core.dataset import Dataset
from segmentation.core.files import write_csv
from segmentation.core.privacy import least, nearly_all, step, to_step
from segmentation.core.text import escape
from segmentation.customers.counts import Grouping, unskew
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import counts_by_segment, quantiles, shown_means, shown_shares
from segmentation.language import mark, spoken, telling_in, tr, trc
from segmentation.language.writing import decimal, labelled, show_index, show_p, whole
from segmentation.runs.artifacts import Lineage
from segmentation.runs.records import OTHERS, Interval, Placement, Profile
from segmentation.runs.run import Run
from segmentation.runs.worth import Part, Worth
from segmentation.segments.assign import bent, centre_of_all, centres
from segmentation.segments.names import as_before, distinct_names, levelled

STANDING_DIGITS = 2
STANDING_STEP = 0.05  # of private customers: about what the eye sees of a dot on a card


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
    means, described = _means(customers, list(bent(model))), _descriptors(everyone, features, dataset)
    sizes, profiles = everyone.counts("segment"), []
    for named in _named(customers, scaled, dataset, model, everyone, lineage):
        segment, own = named.segment, intervals.loc[named.segment]
        ends = {f: _interval(own, f"centre_{f}") if at is not None else None for f, at in named.centre.items()}
        profiles.append(
            Profile(
                **dict(named),
                size=sizes[segment],
                share=int(sizes[segment]) / everyone.number,
                share_interval=_interval(own, "share"),
                centre_interval=ends,
                mean=_known(means.loc[segment]),
                descriptors={name: rows[segment] for name, rows in described.items()},
            )
        )
    return profiles


def segment_names(
    customers: Customers,
    scaled: Customers,
    dataset: Dataset,
    model: Placement,
    *,
    everyone: Customers,
    lineage: Lineage | None = None,
) -> dict[int, str]:
    """Return what `profile_segments` calls each segment, by its number, before any interval is known."""
    return {own.segment: own.name for own in _named(customers, scaled, dataset, model, everyone, lineage)}


def _named(
    customers: Customers,
    scaled: Customers,
    dataset: Dataset,
    model: Placement,
    everyone: Customers,
    lineage: Lineage | None,
) -> list[Profile]:
    """Return of each segment its centre, index and levels, and the name that follows from them or was carried over."""
    features = model.numeric
    kept = {heir.segment: heir for heir in lineage.now if heir.name} if lineage else {}
    former = {row.name for row in lineage.before} if lineage else ()
    whole, high = centre_of_all(customers, scaled, model), heights(scaled, features)
    lows, found = customers.limits(features)["low"], centres(customers, scaled, model)
    indexed = whole[[f for f in features if whole[f] > 0 and lows[f] >= 0]]
    stands = standings(found, whole, customers, scaled, model)
    beyond, profiles = everyone.means(features) - everyone.mean(features), []
    for segment in high.index:
        told: dict = {"centre": _known(found.loc[segment]), "index": _indices(found.loc[segment], indexed)}
        own = levelled(high.loc[segment], beyond.loc[segment], told, dataset, alone=len(high) == 1)
        own |= as_before(kept[segment], dataset) if segment in kept else {}
        told["standing"] = _known(stands.loc[segment])
        profiles.append(Profile.model_construct(segment=int(segment), **told, **own))
    return distinct_names(profiles, dataset, customers.deviation(features).replace(0, 1), tuple(kept), former)


def _indices(centre: pd.Series, whole: pd.Series) -> dict[str, float | None]:
    """Return the index of each centre against that of the `whole`, None where there is none."""
    return {f: 100 * value / whole[f] if f in whole and value == value else None for f, value in centre.items()}


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

    Of private customers the deviation is rounded as a mean of all is, and what comes of it to a step, so that no place
    says more than the figures do.
    """
    deviation, limits = scaled.deviation(model.numeric), customers.limits(model.numeric)
    stands = pd.DataFrame(index=found.index)
    for f in model.numbers:
        at, middle = unskew(found[f.name].to_numpy(float), f.power), unskew(np.array([whole[f.name]], float), f.power)
        spread = deviation[f.name] * f.spread
        if customers.private:
            ends = unskew(limits.loc[f.name, ["low", "high"]].to_numpy(float), f.power)
            spread = to_step(spread, step(customers.number, *ends))
        places = (at - middle) / (spread or 1)
        stands[f.name] = to_step(places, STANDING_STEP) if customers.private else np.round(places, STANDING_DIGITS)
    return stands


def _interval(intervals: pd.Series, quantity: str) -> Interval:
    return intervals[quantity, "low"], intervals[quantity, "high"]


def _descriptors(customers: Customers, features: list[str], dataset: Dataset) -> dict[str, dict]:
    """Return what is said of each column that is no number among the features, by segment."""
    names = [name for name in dataset.named("feature", "descriptor") if name not in features]
    return {name: _describe(customers, name, dataset) for name in names}


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
    """Write profiles.csv: one row a segment, every column headed by what a reader calls it, in English for programs."""
    told = headed(profiles, study.dataset, worth)
    with telling_in("en"):
        told.columns = headed(profiles, study.dataset, worth).columns
    write_csv(study.path("profiles.csv"), told, comma=study.read("cleaning.json").comma)


def headed(profiles: list[Profile], dataset: Dataset, worth: Iterable[Worth] = ()) -> pd.DataFrame:
    """Return one row a segment: size, centres, indices and descriptors under their labels, and what it is worth.

    Of which column each is ("" for none), and what its numbers are ("amount", "share", "index", "count" or "text"), is
    kept in `attrs["of"]`.
    """
    parts = {name: [key for p in profiles for key in p.descriptors[name] if key != OTHERS]
             for name in profiles[0].descriptors}  # fmt: skip
    rows = [_under_labels(profile, dataset, parts) for profile in profiles]
    for one in worth:
        rows = [row | _valued(part, one.column, dataset) for row, part in zip(rows, one.parts, strict=True)]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    taken, columns, of = {heading for name, heading, _ in keys if not name}, {}, {}
    for name, heading, kind in keys:
        told = heading
        while name and told.casefold() in taken:  # a column may be labelled "Share", or as another with "index" behind
            told += f" ({name})"
        taken.add(told.casefold())
        columns[told], of[told] = [row.get((name, heading, kind)) for row in rows], (name, kind)
    found = pd.DataFrame(columns)
    found.attrs["of"] = of
    return found


def _under_labels(profile: Profile, dataset: Dataset, described: dict) -> dict[tuple[str, str, str], Any]:
    """Return what profiles.csv says of a segment, by column ("" for none), heading and kind; None where hidden."""
    share = trc("head", "share")
    row: dict[tuple[str, str, str], Any] = {
        ("", trc("head", "segment"), "count"): profile.segment,
        ("", trc("head", "name"), "text"): profile.name,
        ("", trc("head", "size"), "count"): profile.size,
        ("", share, "share"): profile.share,
    }
    row |= {("", told, "share"): at for told, at in zip(_ends(share), profile.share_interval, strict=True)}
    for name, value in profile.centre.items():
        axis = str(dataset.axis(name))
        row[name, axis, "amount"] = value
        ends = zip(_ends(axis), profile.centre_interval[name] or (None, None), strict=True)
        row |= {(name, told, "amount"): at for told, at in ends}
        if name in profile.mean:
            row[name, tr("{column}, mean", column=axis), "amount"] = profile.mean[name]
    row |= {
        (name, tr("{column}, index", column=dataset.label(name)), "index"): at for name, at in profile.index.items()
    }
    told_of = {"mean": mark("{column}, mean"), "median": mark("{column}, median")}
    for name, parts in described.items():
        axis, numeric = str(dataset.axis(name)), dataset.columns[name].numeric
        heads = {part: tr(told_of[part], column=axis) if numeric else labelled(axis, part) for part in parts}
        kind = "amount" if numeric else "share"
        row |= {(name, head, kind): profile.descriptors[name].get(part) for part, head in heads.items()}
    last = {
        ("", trc("head", "levels"), "text"): profile.level_name,
        ("", trc("head", "action"), "text"): profile.marked,
    }
    return row | last


def _ends(column: str) -> tuple[str, str]:
    """Return the heads of the two ends of an interval."""
    return tr("{column}, from", column=column), tr("{column}, to", column=column)


def _valued(part: Part, name: str, dataset: Dataset) -> dict[tuple[str, str, str], Any]:
    """Return what profiles.csv says of the worth of a segment by a column; None where it is hidden."""
    axis, label = str(dataset.axis(name)), dataset.label(name)
    each = tr("{column}, a customer", column=axis)
    low, high = _ends(each)
    told = {each: part.each} | dict(zip((low, high), part.each_interval or (None, None), strict=True))
    told[tr("{column}, an order", column=axis)] = part.basket
    shares = {
        tr("{column}, share of all", column=label): part.share,
        tr("{column}, share of the top fifth", column=label): part.top_fifth,
    }
    amounts: dict[tuple[str, str, str], Any] = {(name, head, "amount"): at for head, at in told.items()}
    return amounts | {(name, head, "share"): at for head, at in shares.items()}


def centre_table(profiles: list[Profile], dataset: Dataset) -> pd.DataFrame:
    """Return the centre of each segment with its interval, and its index, as text; one row a segment."""
    rows = []
    for profile in profiles:
        row = {trc("head", "segment"): profile.name}
        for f, value in profile.centre.items():
            form = dataset.axis(f).form
            around = dataset.ranged(f, profile.centre_interval[f])
            told = f"{form(value)} ({around})" if value is not None else form(value)
            beside = f in profile.mean
            row[str(dataset.axis(f))] = (
                tr("{centre}, mean {mean}", centre=told, mean=form(profile.mean[f])) if beside else told
            )
        indices = {tr("index: {label}", label=dataset.label(f)): show_index(at) for f, at in profile.index.items()}
        rows.append(row | indices)
    return pd.DataFrame(rows)


def levels_beside(profile: Profile) -> str:
    """Return the levels of a segment that is not called by them; small in English, where no noun begins them."""
    told = profile.level_name
    small = f"{told[:1].lower()}{told[1:]}" if spoken() == "en" else told
    return "" if profile.name.startswith(told) else tr("; ") + escape(small)


def actions_table(profiles: pd.DataFrame, verdict: str) -> pd.DataFrame | None:
    """Return what is recommended for each segment; None where these are none, or nothing is recommended."""
    if verdict == "none" or profiles["action"].isna().all():
        return None
    actions = profiles["action"].fillna(tr("none given in dataset.yaml"))
    return pd.DataFrame({trc("head", "segment"): profiles["name"], trc("head", "what to do"): actions})


def table_of_tests(tests: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Return the tests of descriptors as text, those of a private table to the digits that they have."""
    effect = partial(decimal, digits=1 if dataset.private else 3)
    form = whole if dataset.private else decimal
    heads = {
        trc("head", "descriptor"): tests["descriptor"].map(dataset.label),
        trc("head", "test"): tests["test"].map(tr),
        trc("head", "statistic"): tests["statistic"].map(form),
        trc("head", "p"): tests["p"].map(show_p),
        trc("head", "p corrected"): tests["p_corrected"].map(show_p),
        trc("head", "effect"): tests["effect"].map(effect),
        trc("head", "measure"): tests["measure"].map(tr),
    }
    return pd.DataFrame(heads)


def choices_table(choices: pd.DataFrame, everyone: Customers) -> pd.DataFrame:
    """Return other choices as text; fewer than ten customers left out are not counted when private."""
    counted = partial(nearly_all, total=len(everyone.sample), private=everyone.private)
    return pd.DataFrame(
        {
            trc("head", "choice"): choices["choice"],
            trc("head", "customers"): choices["customers"].map(counted),
            trc("head", "agreement"): choices["agreement"].map(decimal),
        }
    )


def nearest_table(nearest: pd.DataFrame | None, dataset: Dataset, names: Mapping[int, str]) -> pd.DataFrame | None:
    """Return who is nearest to a border as text, both segments by their names; None of none."""
    if nearest is None:
        return None
    features = [name for name in nearest if name in dataset.columns]
    return pd.DataFrame(
        {
            trc("head", "segment"): nearest["segment"].map(names),
            trc("head", "next segment"): nearest["next_segment"].map(names),
            trc("head", "margin"): nearest["margin"].map(partial(decimal, digits=3)),
        }
        | {str(dataset.axis(name)): nearest[name].map(partial(_as_told, dataset, name)) for name in features}
    )


def _as_told(dataset: Dataset, name: str, value) -> str:
    return dataset.amount(name, value) if dataset.columns[name].numeric else str(value)


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


def most_telling(centres: pd.DataFrame, most: int) -> list[str]:
    """Return the features in which the segments differ most for their size, at most so many, in their order."""
    ends = centres.abs().max().replace(0, 1)
    apart = ((centres.max() - centres.min()) / ends).fillna(0)
    kept = apart.sort_values(ascending=False, kind="stable").index[:most]
    return [name for name in centres if name in kept]


def largest_first(profiles: Iterable[Profile]) -> list[Profile]:
    """Return the segments from the largest to the smallest: they are numbered otherwise where a run has a base."""
    return sorted(profiles, key=lambda profile: -profile.size)
