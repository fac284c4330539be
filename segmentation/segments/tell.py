"""What is said of the segments: their borders, who they are, and what other choices would draw."""

from collections.abc import Collection, Mapping, Sequence, Sized
from functools import partial

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from segmentation.core import privacy
from segmentation.core.dataset import Dataset
from segmentation.core.privacy import DASH, FEWER, HIDDEN, WHY_NOT, tell_quantiles
from segmentation.core.text import escape
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import MOST_DRAWN_ROWS, MOST_PANELS, amounts_of
from segmentation.customers.tell import tiles
from segmentation.evidence.decision import LEVEL, NEARLY_SAME, SIGNIFICANT, SMALL, counted
from segmentation.evidence.tell import NO_NEXT, misfits
from segmentation.language import mark, tr, trc, trn, writing
from segmentation.language.writing import decimal, fixed, listing, percent, ranging, sentence, share_texts, whole
from segmentation.methods import tell as methods_tell
from segmentation.roles.known import Said, said
from segmentation.runs.records import Profile, Verdict
from segmentation.runs.tell import segment_shares, transformed, unindexed
from segmentation.segments.fit import (
    MARKED,
    are_profiled,
    column_label,
    distance_unit,
    item_form,
    item_profiles,
    scaled_label,
)
from segmentation.segments.names import called_by_number, quoted
from segmentation.segments.profiles import category_shares, largest_first, levels_beside, most_telling, segment_medians

MOST_MARKERS = 3  # of a segment, in a caption
MOST_WITH_LEVELS = 7  # segments whose levels one sentence tells
ALONE = mark("All customers are one part, and there is no other one to compare it with.")
SEGMENT_CAPTIONS = {  # over each table
    "centres": mark("The centres of the segments, in original units."),
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
    labels = [scaled_label(scaled.dataset, name) for name in amounts_of(scaled.dataset, shown)]
    told = [near, among, tr("The unit of the axes: {unit}.", unit=tr(unit))]
    if not hidden:
        one, several = tr("Red cross: the centroid."), tr("Red crosses: the centroids.")
        told += [several if len(centres) > 1 else one]
        told += [tr("Ellipses: one and two standard deviations around each.")] if len(spreads) else []
    return f"{' '.join(told)}{axes(labels, len(centres), len(shown))}{_tiles(scaled, len(centres))}"


def in_original_units(
    segmented: Customers,
    centres: pd.DataFrame,
    shown: list[str],
    verdict: Verdict,
    names: Mapping[int, str] | None = None,
) -> str:
    """Say between which centres each feature ranges, and what the figure in original units shows."""
    dataset = segmented.dataset
    if are_profiled(dataset, shown):
        amounts = [escape(dataset.label(name)) for name in amounts_of(dataset, shown)]
        beside = [tr("{label} is an amount, and is not in this figure.", label=label) for label in amounts]
        return " ".join([profiles(item_profiles(segmented, centres), dataset, names), *beside])
    which = axes([dataset.axis(n) for n in amounts_of(dataset, shown)], len(centres), len(shown))
    one, several = tr("Red cross: the centre."), tr("Red crosses: the centres.")
    crosses = several if len(centres) > 1 else one
    told = f"{extremes(centres, dataset, names)} {crosses}{which}"
    return f"{told}{_tiles(segmented, len(centres))}"


def profiles(items: pd.DataFrame, dataset: Dataset, names: Mapping[int, str] | None = None) -> str:
    """Say by which items each segment is known, and what the segment profile plot shows."""
    kinds = {dataset.columns[name].type for name in items["item"]}
    shown, marked = _item_words(kinds)
    if items["segment"].nunique() == 1:
        return f"{shown} {tr(ALONE)}"
    own = [f"{_called(s, names)}: {_markers(known, dataset)}" for s, known in items.groupby("segment")]
    hidden = tr("A missing bar is not shown: {why}.", why=tr(WHY_NOT)) if items["value"].isna().any() else ""
    return " ".join(filter(None, [f"{sentence('; '.join(own))}.", shown, marked, hidden]))


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


def _called(segment: int, names: Mapping[int, str] | None) -> str:
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
    between = {side: _called(s, names) for side, s in zip(("first", "second"), pairs["between"].iloc[0], strict=True)}
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
        first=_called(int(one) + 1, names),
        second=_called(int(other) + 1, names),
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
    for f, found in centres.rename(partial(_called, names=names)).dropna(axis=1).items():
        texts, label = {name: dataset.measured(str(f), value) for name, value in found.items()}, dataset.label(str(f))
        ends = ranging(found, texts)
        same = tr("{label}: {value} in each", label=escape(label), value=min(texts.values()))
        told.append(tr("{label}: {ends}", label=escape(label), ends=ends) if ends else same)
    ranges = tr("From the lowest to the highest centre: {ranges}.", ranges="; ".join(told))
    hidden = [_tell_hidden(dataset, str(f), centres[f].dropna()) for f in centres if centres[f].isna().any()]
    return " ".join([ranges if told else tr("No centres are compared."), *hidden])


def _tell_hidden(dataset: Dataset, feature: str, shown: Sized) -> str:
    label = escape(dataset.label(feature))
    if len(shown):
        return tr("{label}: not shown of some segments, because {why}.", label=label, why=tr(WHY_NOT))
    return tr("{label}: not shown of any segment, because {why}.", label=label, why=tr(WHY_NOT))


def axes(labels: Sequence[str], segments: int, features: int) -> str:
    """Say which of the features, of which the first two labels are drawn, the axes show; starts with a blank."""
    if features <= 2:
        return "" if len(labels) == 2 else f" {tr('Both axes show the same.')}"
    told = {"features": whole(features), "labels": listing([escape(label) for label in labels[:2]])}
    if segments < 2:
        text = tr("Of {features} features the axes show the first two: {labels}.", **told)
    elif len(labels) < features:
        text = tr(
            "Of {features} features the axes show the two amounts that differ most between the segments: {labels}.",
            **told,
        )
    else:
        text = tr(
            "Of {features} features the axes show the two that differ most between the segments: {labels}.", **told
        )
    return f" {text}"


def who(profiles: list[Profile], verdict: Verdict) -> str:
    """Return the answer of the fifth chapter: the segments with their shares and levels, the largest first."""
    if len(profiles) == 1:
        return tr("**All customers are one part.**")
    share = segment_shares(profiles)
    beside = levels_beside if len(profiles) <= MOST_WITH_LEVELS else lambda profile: ""  # else it is a page of them
    told = [f"{escape(quoted(p.name))} ({share[p.segment]}{beside(p)})" for p in largest_first(profiles)]
    return tr("**{segments}**: {names}.", segments=sentence(counted(len(profiles), verdict)), names=listing(told))


def size_table(profiles: list[Profile]) -> pd.DataFrame:
    """Return number, name, levels where these are not the name, size and share as text, the largest first."""
    shares, shown = segment_shares(profiles), largest_first(profiles)
    heads = {trc("head", "no."): [str(p.segment) for p in shown], trc("head", "segment"): [p.name for p in shown]}
    levels = {trc("head", "levels"): [p.level_name for p in shown]} if any(map(levels_beside, profiles)) else {}
    counted = {
        trc("head", "customers"): [whole(p.size) for p in shown],
        trc("head", "share"): [shares[p.segment] for p in shown],
    }
    return pd.DataFrame(heads | levels | counted)


def recommended(profiles: pd.DataFrame) -> str:
    """Return the caption of what is recommended: by dataset.yaml, or where it says nothing, by the levels."""
    told = tr("What dataset.yaml recommends for each segment.")
    return (
        f"{told} {tr('Where it gives no action, a suggestion by the levels.')}" if any(profiles["suggested"]) else told
    )


def sizes(profiles: list[Profile], resamples: int) -> str:
    """Say how large the largest and the smallest segment are, and what the bars mean."""
    if len(profiles) == 1:
        return tr(ALONE)
    (largest, *_, smallest), shares = largest_first(profiles), segment_shares(profiles)
    bars = tr("Bars: {level} intervals over {resamples} resamples.", level=percent(LEVEL), resamples=whole(resamples))
    if largest.size == smallest.size:
        each = trn("Each segment holds {n} customer.", "Each segment holds {n} customers.", largest.size)
        return f"{each} {bars}"
    top, low = (sum(p.size == end.size for p in profiles) > 1 for end in (largest, smallest))
    most, least = ({"segment": escape(quoted(end.name)), "share": shares[end.segment]} for end in (largest, smallest))
    told = (
        tr("One of the largest segments, {segment}, holds {share} of the customers.", **most)
        if top
        else tr("The largest segment, {segment}, holds {share} of the customers.", **most),
        tr("One of the smallest, {segment}, holds {share}.", **least)
        if low
        else tr("The smallest, {segment}, holds {share}.", **least),
    )
    return " ".join([*told, bars])


def centre_intervals(profiles: list[Profile], dataset: Dataset) -> str:
    """Say what the table of centres shows, and of what is transformed how its centre differs from its mean."""
    told = [
        tr(
            "Centre in original units with its {level} interval, and index against the centre of all = 100.",
            level=percent(LEVEL),
        )
    ]
    if bent := transformed(profiles[0], dataset):
        told.append(
            tr(
                "Mean on the transformed scale, transformed back, with the plain mean behind it: {features}.",
                features=bent,
            )
        )
    return " ".join([*told, tr(DASH)] if any(profile.hides for profile in profiles) else told)


def centres(profiles: list[Profile], dataset: Dataset, features: list[str]) -> str:
    """Say for each feature which segment has the highest and which the lowest centre, and what line and bars mean."""
    if len(profiles) == 1:
        return tr(ALONE)
    known, drawn = said(dataset), _most_telling([{f: p.centre[f] for f in features} for p in profiles], MOST_PANELS)
    tells = [_tell_ends(profiles, f, dataset, known.get(f)) for f in drawn] + _some_drawn(len(drawn), len(features))
    return " ".join([*tells, tr("Dashed: the centre of all customers; bars: {level} intervals.", level=percent(LEVEL))])


def _most_telling(values: list[dict], most: int) -> list[str]:
    return most_telling(pd.DataFrame(values).astype(float), most)


def _some_drawn(drawn: int, n: int) -> list[str]:
    """Say which of so many features are drawn, where not all are."""
    told = tr(
        "Of {n} features those {drawn} are drawn in which the segments differ most.", n=whole(n), drawn=whole(drawn)
    )
    return [told] if drawn < n else []


def _tell_ends(profiles: list[Profile], f: str, dataset: Dataset, own: Said | None) -> str:
    """Say where a feature is highest and lowest; where people have words for its ends, from which to which it runs."""
    label, told = escape(dataset.label(f)), []
    values = [value for p in profiles if (value := p.centre[f]) is not None]
    if len(values) < len(profiles):
        return _tell_hidden(dataset, f, values)
    if len({*values}) == 1:
        return tr("{label} does not differ.", label=label)
    for level, end in (("low", min), ("high", max)):
        there = [p for p in profiles if p.centre[f] == end(values)]
        word = own.word(level) if own and {p.levels[f] for p in there} == {level} else ""
        word = "" if all(word in p.name.lower() for p in there) else f" ({escape(word)})"
        told.append((dataset.measured(f, there[0].centre[f]), listing(escape(quoted(p.name)) for p in there), word))
    (low, bottom, few), (high, top, many) = told
    if own is None or not own.are_words:
        at = {"high": high, "highest": top, "low": low, "lowest": bottom}
        return tr("{label} is highest in {highest} ({high}) and lowest in {lowest} ({low}).", label=label, **at)
    at = {"high": high, "highest": f"{top}{many}", "low": low, "lowest": f"{bottom}{few}"}
    return tr("{label} runs from {low} in {lowest} to {high} in {highest}.", label=label, **at)


def small(profiles: list[Profile]) -> str:
    """Warn of the segments whose figures rest on few customers."""
    small = [escape(quoted(profile.name)) for profile in profiles if profile.size < SMALL]
    if not small:
        return tr("Every segment has {least} customers or more.", least=whole(SMALL))
    if len(profiles) == 1:
        return tr(
            "**Small:** there are fewer than {least} customers; their intervals are wide, and details are guesses.",
            least=whole(SMALL),
        )
    return trn(
        "**Small:** {segments} has fewer than {least} customers; intervals there are wide, and details are guesses.",
        "**Small:** {segments} have fewer than {least} customers; intervals there are wide, and details are guesses.",
        len(small),
        segments=listing(small),
        least=whole(SMALL),
    )


def index(profiles: list[Profile], dataset: Dataset) -> str:
    """Say which segment stands farthest from the centre of all customers, and in which feature."""
    if len(profiles) == 1:
        return tr(ALONE)
    cells = [(abs(v - 100), p, f, v) for p in profiles for f, v in p.index.items() if v is not None]
    if not cells:
        dash = [tr(DASH)] if any(p.hides for p in profiles) else []
        return " ".join([tr("A feature with values below 0 has no index."), *dash])
    _, profile, feature, index = max(cells, key=lambda cell: cell[0])
    told = tr(
        "Against the centre of all customers = 100, {segment} stands out most: {feature} at {index}.",
        segment=escape(quoted(profile.name)),
        feature=escape(dataset.label(feature)),
        index=writing.show_index(index),
    )
    without = escape(unindexed(profile, dataset))
    left = [tr("Left out, because values below 0 have no index: {features}.", features=without)] if without else []
    n = len(profiles[0].index)
    return " ".join([told, *left, *_some_drawn(min(n, MOST_DRAWN_ROWS), n)])


def by_category(customers: Customers, columns: list[str], names: Mapping[int, str] | None = None) -> dict[str, str]:
    """Say of each column of categories how the segments differ in it."""
    return {name: _tell_shares(customers, name, names) for name in columns}


def by_number(customers: Customers, columns: list[str], names: Mapping[int, str] | None = None) -> dict[str, str]:
    """Say of each numeric column how the segments differ in it."""
    return {name: _tell_medians(customers, name, names) for name in columns}


def _tell_medians(customers: Customers, name: str, names: Mapping[int, str] | None) -> str:
    """Say between which segments the median ranges, and how to read the bars."""
    dataset, private = customers.dataset, customers.private
    medians = segment_medians(customers, name, private=private).reindex(customers.counts("segment").index)
    few, none = (
        tr("fewer than {least} customers there have a value", least=whole(privacy.SMALLEST_GROUP)),
        tr("no customer there has a value"),
    )
    why, label = few if private else none, escape(dataset.label(name))
    texts = medians.map(partial(dataset.one, name))
    known, ends = medians.dropna(), _ranging(medians, texts, names)
    if len(medians) == 1 or len(known) < 2:
        told = _uncompared(label, len(medians), why)
    elif ends:
        told = tr("{label}: the median runs from {ends}.", label=label, ends=ends)
    else:
        told = tr("{label}: the median does not differ between the segments.", label=label)
    boxes = tell_quantiles(private=private) if len(known) else ""
    return " ".join(filter(None, [told, _left_out(medians, why, names), boxes]))


def _tell_shares(customers: Customers, name: str, names: Mapping[int, str] | None) -> str:
    """Say of a category that is shown for as many segments as any, and differs most, between which its share ranges."""
    private, label = customers.private, escape(customers.dataset.label(name))
    shares = category_shares(customers, name, private=private)
    shown = shares.notna().sum()
    category = (shares.max() - shares.min())[shown == shown.max()].fillna(0).idxmax()
    rows = {segment: share_texts(row, rounded=private).get(category) for segment, row in shares.iterrows()}
    why, own = tr(HIDDEN) if private else tr("nobody there has a value"), shares[category]
    known, ends = own.dropna(), _ranging(own, pd.Series(rows), names)
    of = {"label": label, "category": escape(category)}
    if len(own) == 1 or len(known) < 2:
        told = _uncompared(label, len(own), why)
    elif ends:
        told = tr("{label}: the share of {category} runs from {ends}.", ends=ends, **of)
    elif private:
        told = tr("{label}: the share of {category} hardly differs between the segments.", **of)
    else:
        told = tr("{label}: the share of {category} does not differ between the segments.", **of)
    others = own.notna().all() and shares.isna().any(axis=None)
    rest = tr("Of other categories something is not shown: {why}.", why=why) if others else ""
    return " ".join(filter(None, [told, _left_out(own, why, names), rest]))


def _ranging(values: pd.Series, texts: pd.Series, names: Mapping[int, str] | None) -> str:
    """Return between which segments a figure ranges; "" where all look alike, or none is known."""
    known = values.dropna()
    ends = (own[known.index].rename(index=partial(_called, names=names)) for own in (known, texts))
    return ranging(*ends) if len(known) else ""


def _uncompared(label: str, segments: int, why: str) -> str:
    if segments == 1:
        return tr("{label}: there is one part alone, with which no other can be compared.", label=label)
    return tr("{label}: no two segments can be compared here, because {why}.", label=label, why=why)


def _left_out(values: pd.Series, why: str, names: Mapping[int, str] | None) -> str:
    """Say which segments have no figure that could be compared, and why; "" where each has, or where none are."""
    left = [_called(segment, names) for segment in values.index[values.isna()]]
    if not left or values.notna().sum() < 2:
        return ""
    return tr("Left out: {segments}, because {why}.", segments=listing(left), why=why)


def descriptors(table: pd.DataFrame, dataset: Dataset) -> str:
    """Say which descriptors differ between the segments by more than chance gives, and which do not."""
    if table.empty:
        return tr("There is no descriptor that could differ.")
    differ = table["p_corrected"] <= SIGNIFICANT
    labels, told = table["descriptor"].map(lambda name: escape(dataset.label(name))), []
    if differ.any():
        told.append(
            trn(
                "{labels} differs between the segments by more than chance gives.",
                "{labels} differ between the segments by more than chance gives.",
                int(differ.sum()),
                labels=listing(labels[differ]),
            )
        )
    if not differ.all():
        told.append(
            tr(
                "{labels}: no more difference than chance gives, so no segment is known by it.",
                labels=listing(labels[~differ]),
            )
        )
    if dataset.private:
        told.append(tr("The tests are rounded, and categories of {few} customers take no part in them.", few=tr(FEWER)))
    return " ".join(told)


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
