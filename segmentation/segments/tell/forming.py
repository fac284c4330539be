"""What is said of the segments as they are formed: their borders, and what other choices would draw."""

from collections.abc import Collection, Mapping, Sequence, Sized
from functools import partial

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from segmentation.core import privacy
from segmentation.core.dataset import Dataset
from segmentation.core.privacy import WHY_NOT, tell_quantiles
from segmentation.core.text import escape
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import amounts_of
from segmentation.customers.tell import tiles
from segmentation.evidence.decision import NEARLY_SAME, counted
from segmentation.evidence.tell import NO_NEXT, misfits
from segmentation.language import mark, tr, trc, trn, writing
from segmentation.language.writing import (
    decimal,
    fixed,
    labelled,
    listing,
    parted,
    ranging,
    sentence,
    share_texts,
    whole,
)
from segmentation.methods import tell as methods_tell
from segmentation.runs.records import Verdict
from segmentation.segments.fit import (
    MARKED,
    are_profiled,
    column_label,
    distance_unit,
    item_form,
    item_profiles,
)
from segmentation.segments.names import called_by_number, quoted

MOST_MARKERS = 3  # of a segment, in a caption
ALONE = mark("All customers are one part, and there is no other one to compare it with.")
SEGMENT_CAPTIONS = {  # over each table
    "choices": mark("Agreement with the segments at hand, as adjusted Rand index."),
    "nearest": mark("The customers nearest to a border, by margin."),
    "sizes": mark("The segments, from the largest to the smallest."),
    "descriptors": mark(
        "Does each descriptor differ between the segments? The corrected p takes all tests into account."
    ),
}


def caption(table: str) -> str:
    """Return what stands over a table, a key of `SEGMENT_CAPTIONS`."""
    return tr(SEGMENT_CAPTIONS[table])


def fitted(segmented: Customers, model: Pipeline, verdict: Verdict) -> str:
    """Say how large the segments are, and how well they fit."""
    sizes = segmented.counts("segment")
    over = len(segmented.sample) if segmented.sampled else None
    told = tr(
        "{segments} of {sizes} customers.",
        segments=sentence(counted(len(sizes), verdict)),
        sizes=listing(map(whole, sizes)),
    )
    return f"{told} {methods_tell.fit(model[-1], over, private=segmented.private)}"


def in_scaled_units(
    scaled: Customers,
    centres: pd.DataFrame,
    shown: list[str],
    verdict: Verdict,
    spreads: Sequence = (),
    names: Mapping[int, str] | None = None,
) -> str:
    """Say which two centroids lie closest together, and what the figure in scaled units shows."""
    unit, hidden = distance_unit(scaled.dataset, list(centres)), centres.isna().any(axis=None)
    among = tr(
        "{segments} among {customers}.",
        segments=sentence(counted(len(centres), verdict)),
        customers=privacy.all_but(scaled.aside, scaled.number, private=scaled.private),
    )
    near = closest(centres, unit, names)
    if are_profiled(scaled.dataset, shown):
        grid = tr(
            "Two answers against each other are a few points on a grid; [the figure](#04-original) shows all of them."
        )
        return " ".join([among, *([] if hidden else [near]), grid])
    drawn = amounts_of(scaled.dataset, shown)
    told = [near, among, tr("The unit of the axes: {unit}.", unit=tr(unit))]
    if not hidden:
        one, several = tr("Red cross: the centroid."), tr("Red crosses: the centroids.")
        told += [several if len(centres) > 1 else one]
        told += [tr("Ellipses: one and two standard deviations around each.")] if len(spreads) else []
    return f"{' '.join(told)}{axes(drawn, len(centres), len(shown))}{_tiles(scaled, len(centres))}"


def in_original_units(
    segmented: Customers,
    centres: pd.DataFrame,
    shown: list[str],
    verdict: Verdict,
    names: Mapping[int, str] | None = None,
) -> str:
    """Say between which centres the features of the axes range, and what the figure in original units shows."""
    dataset = segmented.dataset
    if are_profiled(dataset, shown):
        amounts = [escape(dataset.label(name)) for name in amounts_of(dataset, shown)]
        beside = [tr("{label} is an amount, and is not in this figure.", label=label) for label in amounts]
        return " ".join([profiles(item_profiles(segmented, centres), dataset, names), *beside])
    drawn = amounts_of(dataset, shown)
    which = axes(drawn, len(centres), len(shown))
    one, several = tr("Red cross: the centre."), tr("Red crosses: the centres.")
    crosses = several if len(centres) > 1 else one
    told = f"{extremes(centres[drawn[:2]], dataset, names)} {crosses}{which}"
    return f"{told}{_tiles(segmented, len(centres))}"


def profiles(items: pd.DataFrame, dataset: Dataset, names: Mapping[int, str] | None = None) -> str:
    """Say by which items each segment is known, and what the segment profile plot shows."""
    kinds = {dataset.columns[name].type for name in items["item"]}
    shown, marked = _item_words(kinds)
    if items["segment"].nunique() == 1:
        return f"{shown} {tr(ALONE)}"
    own = [labelled(called(s, names), _markers(known, dataset)) for s, known in items.groupby("segment")]
    hidden = tr("A missing bar is not shown: {why}.", why=tr(WHY_NOT)) if items["value"].isna().any() else ""
    return " ".join(filter(None, [f"{sentence(parted(own))}.", shown, marked, hidden]))


def _item_words(kinds: Collection[str]) -> tuple[str, str]:
    """Return what is shown of items of these types, and what makes a marker of one."""
    points = fixed(100 * MARKED)
    if "rating" not in kinds:
        return (
            tr("Bars: the share of yes in each segment; upright marks: in all customers."),
            tr(
                "Bold, in full colour: markers, which differ from all by over {points} percentage points, or by over "
                "half of the share of all.",
                points=points,
            ),
        )
    if "yes/no" not in kinds:
        return (
            tr("Bars: the mean rating in each segment; upright marks: in all customers."),
            tr(
                "Bold, in full colour: markers, which differ from all by half a standard deviation of all ratings or "
                "more."
            ),
        )
    return (
        tr("Bars: the share of yes, or the mean rating, in each segment; upright marks: in all customers."),
        tr(
            "Bold, in full colour: markers, which differ from all by over {points} percentage points, or by over half "
            "of the share of all; of ratings by half a standard deviation of all ratings or more.",
            points=points,
        ),
    )


def _markers(own: pd.DataFrame, dataset: Dataset) -> str:
    """Return the markers of a segment, those that differ most first, with the answers of all behind."""
    marked = own[own["marker"]]
    apart = (marked["at"] - marked["whole_at"]).abs().sort_values(ascending=False, kind="stable").index
    rows = [(row["item"], row["value"], row["whole"]) for _, row in marked.loc[apart].iterrows()]
    forms = {item: item_form(dataset, item) for item, *_ in rows}
    told = [
        tr("{item} {value} (all {whole})", item=escape(dataset.label(item)), value=form(at), whole=form(all_))
        for item, at, all_ in rows
        if (form := forms[item])
    ]
    more = len(told) - MOST_MARKERS
    others = [trn("{n} other", "{n} others", more)] if more > 0 else []
    return listing([*told[:MOST_MARKERS], *others]) or trc("markers", "none")


def _tiles(customers: Customers, segments: int) -> str:
    return tiles(customers, by="segment" if segments > 1 else None)


def called(segment: int, names: Mapping[int, str] | None) -> str:
    """Return what a segment is called inside of a sentence."""
    return escape(quoted((names or {}).get(int(segment)) or called_by_number(int(segment))))


def belonging(segmented: Customers, verdict: Verdict) -> str:
    """Say that every customer has a segment, and how large the largest and the smallest are."""
    sizes, customers = segmented.counts("segment"), whole(segmented.number)
    fewest, most = whole(sizes.min()), whole(sizes.max())
    if len(sizes) == 1:
        if verdict in ("natural", "reproducible"):
            return tr("**All {customers} customers are one segment.**", customers=customers)
        return tr("**All {customers} customers are one part.**", customers=customers)
    told = {"customers": customers, "segments": counted(len(sizes), verdict)}
    if fewest == most:
        return tr(
            "**Every one of the {customers} customers belongs to one of {segments}**, {size} in each.",
            **told,
            size=most,
        )
    return tr(
        "**Every one of the {customers} customers belongs to one of {segments}**, from {most} customers in the largest "
        "to {fewest} in the smallest.",
        **told,
        most=most,
        fewest=fewest,
    )


def silhouette_bars(
    silhouettes: pd.DataFrame, dataset: Dataset, aside: int = 0, names: Mapping[int, str] | None = None
) -> str:
    """Say how many customers are nearer to another segment than to their own, and how well they fit on average."""
    if silhouettes.empty:
        return tr(NO_NEXT)
    mean = tr("The mean silhouette is {silhouette}.", silhouette=decimal(silhouettes["silhouette"].mean()))
    called = {segment: quoted(name) for segment, name in (names or {}).items()}
    told = misfits(silhouettes, private=dataset.private, aside=aside, names=called)
    return f"{told} {mean} {tell_quantiles(private=dataset.private)}"


def near_border(
    near: pd.DataFrame, segmented: Customers, limit: float, features: list[str], names: Mapping[int, str] | None = None
) -> str:
    """Say how many customers are near a border, near which most, and where they are listed."""
    if len(segmented.counts("segment")) == 1:
        return tr("One part alone has no border, and nobody has a margin.")
    if "probability" in segmented.table.columns:
        rule = tr(
            "the own segment is less than {points} percentage points more probable than the next",
            points=fixed(100 * limit),
        )
    else:
        unit = distance_unit(segmented.dataset, features)
        rule = tr("the next centroid is less than {distance} farther than the own", distance=_measure(limit, unit))
    told = border(near, segmented.number, rule, private=segmented.private, names=names)
    listed = "" if near.empty else tr("`borderline.csv` lists them by margin.")
    return " ".join(filter(None, [told, listed, methods_tell.sure(segmented)]))


def border(
    pairs: pd.DataFrame, customers: int, rule: str, *, private: bool, names: Mapping[int, str] | None = None
) -> str:
    """Say how many customers of `borders` are near one, by which rule, and near which most; no fewer than ten."""
    if pairs.empty:
        return tr("No customer is near a border: {rule}.", rule=rule)
    near, largest = int(pairs["customers"].sum()), int(pairs["customers"].iloc[0])
    told = trn(
        "{many} of {customers} customers is near a border: {rule}.",
        "{many} of {customers} customers are near a border: {rule}.",
        near,
        many=sentence(privacy.public(near, private=private)),
        customers=whole(customers),
        rule=rule,
    )
    alike, least = (pairs["customers"] == largest).sum() > 1, privacy.least(private)
    if alike or largest < least or 0 < near - largest < least:  # the rest could be worked out
        return told
    between = {side: called(s, names) for side, s in zip(("first", "second"), pairs["between"].iloc[0], strict=True)}
    if largest == near:
        most = tr("All of them lie between {first} and {second}.", **between)
    elif 2 * largest > near:
        most = tr("Most of them ({n}) lie between {first} and {second}.", n=whole(largest), **between)
    else:
        most = tr("The largest group of them ({n}) lies between {first} and {second}.", n=whole(largest), **between)
    return f"{told} {most}"


def _measure(distance: float, unit: str, form=writing.amount) -> str:
    return f"{form(distance)} {tr(unit)}"


def closest(centres: pd.DataFrame, unit: str, names: Mapping[int, str] | None = None) -> str:
    """Say which two centroids lie closest together."""
    if len(centres) == 1:
        return tr(ALONE)
    X = centres.to_numpy()
    if np.isnan(X).any():
        return tr("No centroid is drawn, because a centre is not shown: {why}.", why=tr(WHY_NOT))
    distances = np.linalg.norm(X[:, None] - X[None], axis=2)
    distances[np.diag_indices(len(X))] = np.inf
    one, other = sorted(np.unravel_index(distances.argmin(), distances.shape))
    return tr(
        "Closest together lie {first} and {second}: {distance} apart.",
        first=called(int(one) + 1, names),
        second=called(int(other) + 1, names),
        distance=_measure(distances.min(), unit, partial(decimal, digits=1)),
    )


def principal_map(mapped: tuple | None, dataset: Dataset) -> str:
    """Say how much of the variance the map shows, and which feature weighs most in each direction; "" without one."""
    if mapped is None:
        return ""
    points, crosses, explained = mapped
    weights = explained.drop(columns="share").abs()
    most = [escape(column_label(dataset, column)) for column in weights.idxmax(axis=1)]
    (first, second), many = share_texts(explained["share"]).values(), len({c.partition(": ")[0] for c in weights})
    told = tr(
        "Of the variance of the {features} features the first principal component shows {first} (most of all: "
        "{first_feature}), the second {second} (most of all: {second_feature}).",
        features=whole(many),
        first=first,
        first_feature=most[0],
        second=second,
        second_feature=most[1],
    )
    return f"{told}{_tiles(points, len(crosses))}"


def extremes(centres: pd.DataFrame, dataset: Dataset, names: Mapping[int, str] | None = None) -> str:
    """Say between which centres each feature ranges."""
    if len(centres) == 1:
        at = listing(f"{escape(dataset.label(f))} {dataset.measured(f, value)}" for f, [value] in centres.items())
        return tr("The centre: {values}.", values=at)
    told = []
    for f, found in centres.rename(partial(called, names=names)).dropna(axis=1).items():
        texts, label = {name: dataset.measured(str(f), value) for name, value in found.items()}, dataset.label(str(f))
        ends = ranging(found, texts)
        same = tr("{label}: {value} in each", label=escape(label), value=min(texts.values()))
        told.append(tr("{label}: {ends}", label=escape(label), ends=ends) if ends else same)
    ranges = tr("From the lowest to the highest centre: {ranges}.", ranges=parted(told))
    hidden = [tell_hidden(dataset, str(f), centres[f].dropna()) for f in centres if centres[f].isna().any()]
    return " ".join([ranges if told else tr("No centres are compared."), *hidden])


def tell_hidden(dataset: Dataset, feature: str, shown: Sized) -> str:
    label = escape(dataset.label(feature))
    if len(shown):
        return tr("{label}: not shown of some segments, because {why}.", label=label, why=tr(WHY_NOT))
    return tr("{label}: not shown of any segment, because {why}.", label=label, why=tr(WHY_NOT))


def axes(drawn: Sequence[str], segments: int, features: int) -> str:
    """Say which of the features, of which the first two are drawn, the axes show; starts with a blank."""
    if features <= 2:
        return "" if len(drawn) == 2 else f" {tr('Both axes show the same.')}"
    if segments < 2:
        text = tr("Of {features} features the axes show the first two.", features=whole(features))
    elif len(drawn) < features:
        text = tr(
            "Of {features} features the axes show the two amounts that differ most between the segments.",
            features=whole(features),
        )
    else:
        text = tr(
            "Of {features} features the axes show the two that differ most between the segments.",
            features=whole(features),
        )
    return f" {text}"


def sensitivity(table: pd.DataFrame) -> str:
    """Say how many of the choices draw nearly the same segments, and which differs most."""
    if table.empty:
        return tr("Other choices draw no border either, where there is one part.")
    same, n = int((table["agreement"] >= NEARLY_SAME).sum()), len(table)
    lowest = table.loc[table["agreement"].idxmin()]
    if same == n:
        return trn(
            "Another choice draws nearly the same segments (adjusted Rand index {index}).",
            "Each of {n} other choices draws nearly the same segments (adjusted Rand index {index}).",
            n,
            index=writing.at_least(lowest["agreement"]),
        )
    told = trn(
        "Of {choices}, {n} draws nearly the same segments (adjusted Rand index {limit} or more).",
        "Of {choices}, {n} draw nearly the same segments (adjusted Rand index {limit} or more).",
        same,
        choices=trn("{n} other choice", "{n} other choices", n),
        limit=decimal(NEARLY_SAME),
    )
    if not same:
        told = trn(
            "The one other choice does not draw nearly the same segments (adjusted Rand index {limit} or more).",
            "Of {n} other choices none draws nearly the same segments (adjusted Rand index {limit} or more).",
            n,
            limit=decimal(NEARLY_SAME),
        )
    least = tr(
        "Least similar are those from “{choice}” ({index}).",
        choice=escape(lowest["choice"]),
        index=decimal(lowest["agreement"]),
    )
    return f"{told} {least}"
