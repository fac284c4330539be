"""What is said of the segments: their borders, who they are, and what other choices would draw."""

from collections.abc import Sequence, Sized
from functools import partial

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from segmentation.core import privacy
from segmentation.core.dataset import Dataset
from segmentation.core.privacy import DASH, FEWER, HIDDEN, WHY_NOT, tell_boxes
from segmentation.core.text import count, escape
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import amounts_of
from segmentation.customers.tell import tiles
from segmentation.evidence.decision import LEVEL, NEARLY_SAME, NOUNS, SIGNIFICANT, SMALL
from segmentation.evidence.tell import NO_NEXT, border, misfits
from segmentation.language import writing
from segmentation.language.writing import decimal, listing, percent, ranging, sentence, share_texts, whole
from segmentation.methods import tell as methods_tell
from segmentation.roles.known import SAID, Said, said
from segmentation.runs.records import Profile
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
from segmentation.segments.profiles import category_shares, largest_first, segment_medians

MOST_MARKERS = 3  # of a segment, in a caption
ITEM_WORDS = {  # what is shown of an item, and what makes a marker of it
    "yes/no": ("the share of yes", f"over {percent(MARKED)[:-1]} percentage points, or over half of the share of all"),
    "rating": ("the mean rating", "half a standard deviation of all ratings or more"),
}
ALONE = "All customers are one part, and there is no other one to compare it with."
SIZE_FORMATS = {"share": str}
SEGMENT_CAPTIONS = {  # over each table
    "centres": "The centres of the segments, in original units.",
    "choices": "Agreement with the segments at hand, as adjusted Rand index.",
    "nearest": "The customers nearest to a border, by margin.",
    "sizes": "The segments, from the largest to the smallest.",
    "descriptors": "Does each descriptor differ between the segments? The corrected p takes all tests into account.",
}


def formats_of_tests(dataset: Dataset) -> dict:
    """Return how the tests of descriptors are written: those of a private table to the digits that they have."""
    own, effect = (
        (writing.whole, partial(decimal, digits=1)) if dataset.private else (decimal, partial(decimal, digits=3))
    )
    return {"statistic": own, "p": writing.show_p, "p_corrected": writing.show_p, "effect": effect}


def fitted(segmented: Customers, model: Pipeline, verdict: str) -> str:
    """Say how large the segments are, and how well they fit."""
    sizes = segmented.counts("segment")
    over = f", over the {len(segmented.sample):,} that they are formed on" if segmented.sampled else ""
    told = f"{sentence(count(len(sizes), NOUNS[verdict]))} of {listing(map(whole, sizes))} customers"
    return f"{told}{methods_tell.fit(model[-1], over, private=segmented.private)}"


def in_scaled_units(
    scaled: Customers, centres: pd.DataFrame, names: list[str], verdict: str, spreads: Sequence = ()
) -> str:
    """Say what the figure in scaled units shows, and which two centroids lie closest together."""
    unit = distance_unit(scaled.dataset, list(centres))
    among = f"{sentence(count(len(centres), NOUNS[verdict]))} among "
    among += privacy.all_but(scaled.aside, scaled.number, private=scaled.private)
    if are_profiled(scaled.dataset, names):
        near = "" if centres.isna().any(axis=None) else f" {closest(centres, unit)}"
        grid = (
            "Two answers against each other are a few points on a grid; [the figure](#04-original) shows all of them."
        )
        return f"{among}.{near} {grid}"
    shown = [scaled_label(scaled.dataset, name) for name in amounts_of(scaled.dataset, names)]
    crosses = "crosses are the centroids" if len(centres) > 1 else "cross is the centroid"
    crosses = f", in {unit}{'' if centres.isna().any(axis=None) else f'; the red {crosses}'}"
    around = f", and the ellipses one and two standard deviations around {'them' if len(centres) > 1 else 'it'}"
    crosses += around if len(spreads) and not centres.isna().any(axis=None) else ""
    which = f"{axes(shown, len(centres), len(names))}{_tiles(scaled, len(centres))}"
    return f"{among}{crosses}. {closest(centres, unit)}{which}"


def in_original_units(segmented: Customers, centres: pd.DataFrame, names: list[str], verdict: str) -> str:
    """Say what the figure in original units shows, and between which centres each feature ranges."""
    if are_profiled(segmented.dataset, names):
        amounts = map(segmented.dataset.label, amounts_of(segmented.dataset, names))
        beside = "".join(f" {escape(label)} is an amount, and is not in this figure." for label in amounts)
        return f"{profiles(item_profiles(segmented, centres), segmented.dataset)}{beside}"
    which = axes([segmented.dataset.axis(n) for n in amounts_of(segmented.dataset, names)], len(centres), len(names))
    crosses = "red crosses are the centres" if len(centres) > 1 else "the red cross is the centre"
    told = f"{extremes(centres, segmented.dataset)}{which}{_tiles(segmented, len(centres))}"
    return f"{sentence(count(len(centres), NOUNS[verdict]))} in original units; {crosses}. {told}"


def profiles(items: pd.DataFrame, dataset: Dataset) -> str:
    """Say what the segment profile plot shows, and by which items each segment is known."""
    kinds = {dataset.columns[name].type for name in items["item"]}
    shown = " or ".join(told for kind, (told, _) in ITEM_WORDS.items() if kind in kinds)
    ways = " (ratings: ".join(way for kind, (_, way) in ITEM_WORDS.items() if kind in kinds) + ")" * (len(kinds) > 1)
    if items["segment"].nunique() == 1:
        return f"Bars: {shown}. {ALONE}"
    own = [f"segment {s}: {_markers(known, dataset)}" for s, known in items.groupby("segment")]
    hidden = f" A missing bar is not shown: {WHY_NOT}." if items["value"].isna().any() else ""
    return (
        f"Bars: {shown} in each segment; upright marks: in all customers. Bold, in full colour: markers, which differ "
        f"from all by {ways}. {sentence('; '.join(own))}.{hidden}"
    )


def _markers(own: pd.DataFrame, dataset: Dataset) -> str:
    """Return the markers of a segment, those that differ most first, with the answers of all behind."""
    marked = own[own["marker"]]
    apart = (marked["at"] - marked["whole_at"]).abs().sort_values(ascending=False, kind="stable").index
    rows = [(row["item"], row["value"], row["whole"]) for _, row in marked.loc[apart].iterrows()]
    forms = {item: item_form(dataset, item) for item, *_ in rows}
    told = [f"{escape(dataset.label(item))} {forms[item](at)} (all {forms[item](all_)})" for item, at, all_ in rows]
    more = [count(len(told) - MOST_MARKERS, "other")] if len(told) > MOST_MARKERS else []
    return listing([*told[:MOST_MARKERS], *more]) or "none"


def _tiles(customers: Customers, segments: int) -> str:
    return tiles(customers, by="segment" if segments > 1 else None)


def belonging(segmented: Customers, verdict: str) -> str:
    """Say that every customer has a segment, and how large the largest and the smallest are."""
    sizes = segmented.counts("segment")
    if len(sizes) == 1:
        return f"**All {count(segmented.number, 'customer')} are one {NOUNS[verdict]}.**"
    fewest, most = whole(sizes.min()), whole(sizes.max())
    ends = f"from {most} customers in the largest to {fewest} in the smallest" if fewest != most else f"{most} in each"
    among = f"one of {count(len(sizes), NOUNS[verdict])}"
    return f"**Every one of the {count(segmented.number, 'customer')} belongs to {among}**, {ends}."


def silhouette_boxes(silhouettes: pd.DataFrame, dataset: Dataset, aside: int = 0) -> str:
    """Say how many customers are nearer to another segment than to their own, and how well they fit on average."""
    if silhouettes.empty:
        return NO_NEXT
    private, mean = dataset.private, f"The mean silhouette is {decimal(silhouettes['silhouette'].mean())}."
    return f"{misfits(silhouettes, private=private, aside=aside)} {mean} {tell_boxes(private=private)}"


def near_border(pairs: pd.DataFrame, segmented: Customers, limit: float, features: list[str]) -> str:
    """Say how many customers are near a border, near which most, and where they are listed."""
    if len(segmented.counts("segment")) == 1:
        return "One part alone has no border, and nobody has a margin."
    listed = "" if pairs.empty else " `borderline.csv` lists them by margin."
    rule = (
        f"the next centroid is less than {limit:.2g} {distance_unit(segmented.dataset, features)} farther than the own"
    )
    if "probability" in segmented.table.columns:
        rule = f"the own segment is less than {100 * limit:.0f} percentage points more probable than the next"
    return f"{border(pairs, segmented.number, rule, private=segmented.private)}{listed}{methods_tell.sure(segmented)}"


def closest(centres: pd.DataFrame, unit: str) -> str:
    """Say which two centroids lie closest together."""
    if len(centres) == 1:
        return ALONE
    X = centres.to_numpy()
    if np.isnan(X).any():
        return f"No centroid is drawn, {privacy.NO_CENTRE}."
    distances = np.linalg.norm(X[:, None] - X[None], axis=2)
    distances[np.diag_indices(len(X))] = np.inf
    one, other = sorted(np.unravel_index(distances.argmin(), distances.shape))
    return f"The closest two, {one + 1} and {other + 1}, are {decimal(distances.min(), 1)} {unit} apart."


def principal_map(mapped: tuple | None, dataset: Dataset) -> str:
    """Say how much of the variance the map shows, and which feature weighs most in each direction; "" without one."""
    if mapped is None:
        return ""
    points, crosses, explained = mapped
    weights = explained.drop(columns="share").abs()
    most = [escape(column_label(dataset, column)) for column in weights.idxmax(axis=1)]
    (first, second), many = share_texts(explained["share"]).values(), len({c.partition(": ")[0] for c in weights})
    told = f"shows {first}, most of all {most[0]}, and the second {second}, most of all {most[1]}."
    return f"Of the variance of the {many} features the first principal component {told}{_tiles(points, len(crosses))}"


def extremes(centres: pd.DataFrame, dataset: Dataset) -> str:
    """Say between which centres each feature ranges."""
    if len(centres) == 1:
        at = listing(f"{escape(dataset.label(f))} {dataset.measured(f, value)}" for f, [value] in centres.items())
        return f"It lies at {at}."
    parts = []
    for f, found in centres.rename("segment {}".format).dropna(axis=1).items():
        told = {name: dataset.measured(str(f), value) for name, value in found.items()}
        ends = ranging(found, told)
        parts.append(f"{escape(dataset.label(f))} {f'from {ends}' if ends else f'not at all ({min(told.values())})'}")
    ranges = [f"The centres range in {listing(parts)}." if parts else "No centres are compared."]
    hidden = [_tell_hidden(dataset, str(f), centres[f].dropna()) for f in centres if centres[f].isna().any()]
    return " ".join(ranges + hidden)


def _tell_hidden(dataset: Dataset, feature: str, shown: Sized) -> str:
    of = "some segments" if len(shown) else "any segment"
    return f"{escape(dataset.label(feature))}: not shown of {of}, because {WHY_NOT}."


def axes(labels: Sequence[str], segments: int, features: int) -> str:
    """Say which of the features, of which the first two labels are drawn, the axes show; starts with a blank."""
    if features <= 2:
        return "" if len(labels) == 2 else " Both axes show the same."
    shown = listing([escape(label) for label in labels[:2]])
    two = "the two amounts" if len(labels) < features else "the two"
    two = f"{two} that differ most between the segments" if segments > 1 else "the first two"
    return f" Of {features} features the axes show {two}: {shown}."


def who(profiles: list[Profile], verdict: str) -> str:
    """Return the answer of the fifth chapter: the segments with their shares and levels, the largest first."""
    if len(profiles) == 1:
        return "**All customers are one part.**"
    share = segment_shares(profiles)
    told = listing(f"{escape(p.name)} ({share[p.segment]}{_levels_beside(p)})" for p in largest_first(profiles))
    return f"**{sentence(count(len(profiles), NOUNS[verdict]))}**: {told}."


def _levels_beside(profile: Profile) -> str:
    """Return the levels of a segment that is not called by them."""
    told = profile.level_name
    return "" if profile.name.startswith(told) else f"; {escape(told[:1].lower() + told[1:])}"


def size_table(profiles: list[Profile]) -> pd.DataFrame:
    """Return segment, name, size and, as text, share, the largest first; level_name where it is not the name."""
    levels = ["level_name"] if any(map(_levels_beside, profiles)) else []
    shares, columns = segment_shares(profiles), ["segment", "name", *levels, "size"]
    rows = [[*(getattr(p, column) for column in columns), shares[p.segment]] for p in largest_first(profiles)]
    return pd.DataFrame(rows, columns=[*columns, "share"])


def actions_table(profiles: pd.DataFrame, verdict: str) -> pd.DataFrame | None:
    """Return what is recommended for each segment; None where these are none, or nothing is recommended."""
    if verdict == "none" or profiles["action"].isna().all():
        return None
    return profiles[["segment", "name", "action"]].fillna("none given in dataset.yaml")


def recommended(profiles: pd.DataFrame) -> str:
    """Return the caption of what is recommended: by dataset.yaml, or where it says nothing, by the levels."""
    ours = " Where it gives no action, a suggestion by the levels." if profiles["suggested"].any() else ""
    return f"What dataset.yaml recommends for each segment.{ours}"


def sizes(profiles: list[Profile], resamples: int) -> str:
    """Say how large the largest and the smallest segment are, and what the bars mean."""
    if len(profiles) == 1:
        return ALONE
    (largest, *_, smallest), shares = largest_first(profiles), segment_shares(profiles)
    bars = f"Bars: {percent(LEVEL)} intervals over {whole(resamples)} resamples."
    if largest.size == smallest.size:
        return f"Each segment holds {count(largest.size, 'customer')}. {bars}"
    top, low = (sum(p.size == end.size for p in profiles) > 1 for end in (largest, smallest))
    return (
        f"{'One of the largest segments' if top else 'The largest segment'}, {escape(largest.name)}, holds "
        f"{shares[largest.segment]} of the customers; {'one of ' if low else ''}the smallest, {escape(smallest.name)}, "
        f"{shares[smallest.segment]}. {bars}"
    )


def centre_intervals(profiles: list[Profile], dataset: Dataset) -> str:
    """Say what the table of centres shows, and of what is transformed how its centre differs from its mean."""
    told = f"Centre in original units with its {percent(LEVEL)} interval, and index against the centre of all = 100."
    bent = transformed(profiles[0], dataset)
    why = f" The centre of {bent} is the mean on the transformed scale, transformed back; the plain mean stands behind."
    dash = f" {DASH}" if any(profile.hides for profile in profiles) else ""
    return f"{told}{why if bent else ''}{dash}"


def centres(profiles: list[Profile], dataset: Dataset, features: list[str]) -> str:
    """Say for each feature which segment has the highest and which the lowest centre, and what line and bars mean."""
    if len(profiles) == 1:
        return ALONE
    known = said(dataset)
    tells = [_tell_ends(profiles, f, dataset, known.get(f)) for f in features]
    return f"{' '.join(tells)} Dashed: the centre of all customers; bars: {percent(LEVEL)} intervals."


def _tell_ends(profiles: list[Profile], f: str, dataset: Dataset, own: Said | None) -> str:
    """Say where a feature is highest and lowest; where people have words for its ends, from which to which it runs."""
    label, told = escape(dataset.label(f)), []
    values = [value for p in profiles if (value := p.centre[f]) is not None]
    if len(values) < len(profiles):
        return _tell_hidden(dataset, f, values)
    if len({*values}) == 1:
        return f"{label} does not differ."
    for level, end in (("low", min), ("high", max)):
        there = [p for p in profiles if p.centre[f] == end(values)]
        word = own.word(level) if own and {p.levels[f] for p in there} == {level} else ""
        word = "" if all(word in p.name.lower() for p in there) else f" ({escape(word)})"
        told.append((dataset.measured(f, there[0].centre[f]), f"in {listing(escape(p.name) for p in there)}", word))
    (low, bottom, few), (high, top, many) = told
    if own is None or own == SAID["rating"]:
        return f"{label} is highest {top} ({high}) and lowest {bottom} ({low})."
    return f"{label} runs from {low} {bottom}{few} to {high} {top}{many}."


def small(profiles: list[Profile]) -> str:
    """Warn of the segments whose figures rest on few customers."""
    small = [escape(profile.name) for profile in profiles if profile.size < SMALL]
    if not small:
        return f"Every segment has {SMALL} customers or more."
    have = f"{listing(small)} {'has' if len(small) == 1 else 'have'}" if len(profiles) > 1 else "there are"
    return f"**Small:** {have} fewer than {SMALL} customers; their intervals are wide, and details are guesses."


def index(profiles: list[Profile], dataset: Dataset) -> str:
    """Say which segment stands farthest from the centre of all customers, and in which feature."""
    if len(profiles) == 1:
        return ALONE
    cells = [(abs(v - 100), p, f, v) for p in profiles for f, v in p.index.items() if v is not None]
    if not cells:
        return f"A feature with values below 0 has no index.{f' {DASH}' if any(p.hides for p in profiles) else ''}"
    _, profile, feature, index = max(cells, key=lambda cell: cell[0])
    without = escape(unindexed(profile, dataset))
    left = f" Left out, because values below 0 have no index: {without}." if without else ""
    most = f"{escape(profile.name)} stands out most: {escape(dataset.label(feature))} at {writing.show_index(index)}."
    return f"Against the centre of all customers = 100, {most}{left}"


def by_category(customers: Customers, names: list[str]) -> dict[str, str]:
    """Say of each column of categories how the segments differ in it."""
    of, private = customers.dataset, customers.private
    told = {name: _tell_shares(category_shares(customers, name, private=private), private=private) for name in names}
    return {name: f"{escape(of.label(name))}: {those}." for name, those in told.items()}


def by_number(customers: Customers, names: list[str]) -> dict[str, str]:
    """Say of each numeric column how the segments differ in it."""
    dataset, segments = customers.dataset, customers.counts("segment").index
    why = f"{FEWER if customers.private else 'no'} customers there have a value"
    medians = {name: segment_medians(customers, name, private=customers.private).reindex(segments) for name in names}
    texts = {name: own.map(partial(dataset.one, name)) for name, own in medians.items()}
    boxes = f" {tell_boxes(private=customers.private, beyond=not customers.sampled)}"
    told = {name: _among(medians[name], "the median", texts[name], why) for name in names}
    drawn = {name: boxes if medians[name].notna().any() else "" for name in names}
    return {name: f"{escape(dataset.label(name))}: {told[name]}.{drawn[name]}" for name in names}


def _tell_shares(shares: pd.DataFrame, *, private: bool) -> str:
    """Say of a category that is shown for as many segments as any, and differs most, between which its share ranges."""
    why, same = (HIDDEN, "hardly differs") if private else ("nobody there has a value", "does not differ")
    shown = shares.notna().sum()
    spread = (shares.max() - shares.min())[shown == shown.max()].fillna(0)
    name = spread.idxmax()
    texts = pd.Series({segment: share_texts(row, rounded=private).get(name) for segment, row in shares.iterrows()})
    told = _among(shares[name], f"the share of {escape(name)}", texts, why, same=same)
    others = shares[name].notna().all() and shares.isna().any(axis=None)
    return f"{told}; of other categories {why}" if others else told


def _among(values: pd.Series, what: str, texts: pd.Series, why: str, *, same: str = "does not differ") -> str:
    """Say between which segments a figure ranges; of those without one (NaN) that they are left out, and why."""
    if len(values) == 1:
        return "there is one part alone, with which no other can be compared"
    known, left = values.dropna(), values.index[values.isna()]
    if len(known) < 2:
        return f"no two segments can be compared here, because {why}"
    ends = ranging(*(own[known.index].rename(index="segment {}".format) for own in (known, texts)))
    told = f"{what} runs from {ends}" if ends else f"{what} {same}"
    if left.empty:
        return told if ends else f"{told} between the segments"
    are = "segment {} is" if len(left) == 1 else "segments {} are"
    return f"among segments {listing(known.index)}, {told}; {are.format(listing(left))} left out, because {why}"


def descriptors(table: pd.DataFrame, dataset: Dataset) -> str:
    """Say which descriptors differ between the segments by more than chance gives, and which do not."""
    if table.empty:
        return "There is no descriptor that could differ."
    differ = table["p_corrected"] <= SIGNIFICANT
    labels = table["descriptor"].map(lambda name: escape(dataset.label(name)))
    verb = "differs" if differ.sum() == 1 else "differ"
    told = [f"{listing(labels[differ])} {verb} between the segments by more than chance gives."] if differ.any() else []
    if not differ.all():
        told.append(f"{listing(labels[~differ])}: no more difference than chance gives, so no segment is known by it.")
    few = f"The tests are rounded, and categories of {FEWER} customers take no part in them."
    return " ".join([*told, few] if dataset.private else told)


def sensitivity(table: pd.DataFrame) -> str:
    """Say how many of the choices draw nearly the same segments, and which differs most."""
    if table.empty:
        return "Other choices draw no border either, where there is one part."
    same = int((table["agreement"] >= NEARLY_SAME).sum())
    lowest = table.loc[table["agreement"].idxmin()]
    if same == len(table):
        least = f"adjusted Rand index {writing.at_least(lowest['agreement'])}"
        return f"Each of {count(len(table), 'other choice')} draws nearly the same segments ({least})."
    return (
        f"Of {count(len(table), 'other choice')}, {count(same, 'draws', 'draw') if same else 'none draws'} nearly the "
        f"same segments (adjusted Rand index {NEARLY_SAME} or more); the least similar ones come from "
        f"“{escape(lowest['choice'])}” ({decimal(lowest['agreement'])})."
    )
