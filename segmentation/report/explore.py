"""What the Explore section of the report holds: rounded rows without ids, or binned counts where rows are private."""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd

from segmentation.core.dataset import YEARS, Dataset
from segmentation.core.figures import colour, glyph, log_steps
from segmentation.core.files import HARMLESS, RISKY
from segmentation.core.privacy import NO_CENTRE, significant
from segmentation.customers.counts import round_edges
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import (
    GRID_BINS,
    amounts_of,
    grid_edges,
    items_of,
    public_categories,
    sample_rows,
    split_types,
)
from segmentation.language import mark, tr
from segmentation.language.writing import percent, told_unit, under_one
from segmentation.methods.tell import NEARLY_CERTAIN
from segmentation.methods.trim import forming
from segmentation.report.groups import group
from segmentation.runs.artifacts import SUFFICIENT, Model, Profiles
from segmentation.runs.records import Feature, Placement, Profile, Verdict
from segmentation.runs.run import Run
from segmentation.segments.assign import NEAR, UNSURE, open_segmented, rescaled, shown_placement, telling_order

MOST_ROWS = 5_000
ROW_DIGITS = 3
MOST_TICKS = 5
PLACES_TRIED = range(-9, 10)  # after the point, of a rounded number; below 0 before it
HOW_SURE = {
    "clear": mark("Clearly: the next segment is at least twice as far away."),
    "fair": mark("Fairly: the next segment is farther away, but not twice as far."),
    "border": mark("Hardly: this customer stands on the border, and the next segment is almost as near."),
    "certain": mark("Nearly certain: the probability is {probability}."),
    "likely": mark("Likely: the probability is {probability}."),
    "unlikely": mark("Hardly: the probability is {probability}, and another segment is nearly as likely."),
}
SCALED = {"name", "transform", "power", "centre", "spread", "low", "high"}


def explore_data(study: Run, *, seed: int = 0) -> dict:
    """Return what the script of the section reads.

    Returns
    -------
    dict
        segments; model (its features with the limits of dataset.yaml and the range of the data, and its centroids);
        numbers (the columns, with the ticks of their axes); customers; words, which the script would else know by
        itself; and, as `privacy` allows, either categories and rows, of at most 5,000 customers drawn and ordered at
        random, or grids, the binned groups of customers by every two numbers.
    """
    dataset = study.dataset
    record, model = study.read("profiles.json"), study.read("model.json")
    profiles, lineage, verdict = record.segments, study.lineage(), study.read("k_selection.json").verdict
    customers = open_segmented(study)
    near = forming(customers, model.names)
    numbers, categories = split_types(customers)
    held = _grids(customers, numbers) if dataset.private else _rows(customers, numbers, categories, seed)
    return {
        "segments": [
            p.model_dump(include={"segment", "name", "size", "suggested"})
            | {"colour": colour(p.segment), "glyph": glyph(p.segment)}
            | {"key": keyed(p.segment, verdict), "action": p.advised(verdict) and p.action}
            for p in profiles
        ],
        "model": _model(customers, near, record, lineage.then if lineage and lineage.then else record, model),
        "numbers": [
            {"name": name, **_labelled(name, dataset), **_marked(name, dataset, _shown(held, name))} for name in numbers
        ],
        "words": {
            "under": under_one(),
            "unasked": tr("No segment is told here, {because}.", because=tr(NO_CENTRE)),
            "another": tr("another"),
            "sure": {how: tr(told) for how, told in HOW_SURE.items()},
            "formula": RISKY,
            "number": HARMLESS,
        },
        "axes": opening(near, model, numbers),
        "customers": customers.number,
        **held,
        **({"rows": {name: _packed(column) for name, column in held["rows"].items()}} if "rows" in held else {}),
    }


def keyed(segment: int, verdict: Verdict) -> str:
    """Return what a segment is called beside its name: its number."""
    return tr("part {number}", number=segment) if verdict == "none" else tr("segment {number}", number=segment)


def opening(near: Customers, model: Model, numbers: Sequence[str]) -> list[str]:
    """Return the two columns that are set against each other at first: those of the map of the segments.

    Parameters
    ----------
    near : Customers
        Those who form the segments (`forming`).
    """
    formed = rescaled(near, model).sample
    names = [feature.name for feature in model.numbers if feature.name in numbers]
    order = telling_order(formed[names].to_numpy(), formed["segment"].to_numpy(), tuple(names)) if names else numbers
    amounts = amounts_of(near.dataset, order)
    return [*(amounts if len(amounts) > 1 else order), *order][:2]


def border(near: Customers, model: Model) -> float:
    """Return below which margin a customer is near a border, by who forms the segments: as exactly as chapter 4."""
    if model.scores:
        return UNSURE
    formed = rescaled(near, model).sample.drop(columns="segment")
    return significant(NEAR * float(np.sqrt(formed.var(ddof=0).mean())), digits=2)


def how_sure(found: Mapping, limit: float) -> str:
    """Say how sure it is that one customer belongs to the segment that was found; nothing where there is but one."""
    distance, margin, probability = (found.get(what) for what in ("distance", "margin", "probability"))
    if margin is None or np.isnan(margin):
        return ""
    if probability is None:
        how = "border" if margin < limit else "clear" if margin >= distance else "fair"  # the next is twice as far
        return tr(HOW_SURE[how])
    how = "unlikely" if margin < limit else "certain" if probability >= NEARLY_CERTAIN else "likely"
    return tr(HOW_SURE[how]).format(probability=percent(probability))


def _model(customers: Customers, near: Customers, record: Profiles, formed: Profiles, model: Model) -> dict:
    """Return what places one customer; `near` form the segments, `formed` is of the run in which they did."""
    shown, dataset = _shown_model(near, formed.segments, model), customers.dataset
    features = [
        f.model_dump(by_alias=True, include=SCALED)
        | _labelled(f.name, dataset)
        | dataset.accepted(f.name)
        | _offered(f, customers)
        for f in _as_shown(model, shown)
    ]
    return {
        "features": features,
        "centroids": shown.centroids if shown else [],
        "short": _short_forms(record, model),
        "border": border(near, model),
        "certain": NEARLY_CERTAIN,
        "unit": tr(model.distance_unit),
    } | ({"scores": [score.content() for score in shown.scores]} if shown and shown.scores else {})


def _short_forms(record: Profiles, model: Model) -> list[dict]:
    """Return the short forms that place enough customers rightly, with the places of their questions."""
    return [
        form.model_dump(exclude={"features"}) | {"asked": [model.names.index(name) for name in form.features]}
        for form in record.short_forms
        if form.right >= SUFFICIENT[0]
    ]


def _shown_model(near: Customers, profiles: Iterable[Profile], model: Model) -> Placement | None:
    """Return the model of the centres that are shown; None where one is not."""
    numbers = [feature.name for feature in model.numbers]
    centres = pd.DataFrame([p.centre for p in profiles], columns=numbers, dtype=float)
    return shown_placement(near, centres, model)


def _as_shown(model: Model, shown: Placement | None) -> Iterator[Feature]:
    """Yield the features with their scales as they may be shown."""
    for feature, scale in zip(model.features, shown.features if shown else (), strict=bool(shown)):
        yield feature.model_copy(update={what: getattr(scale, what) for what in ("power", "centre", "spread")})


def _offered(feature: Feature, customers: Customers) -> dict:
    """Return the categories of a feature, "" for one that must not be shown; nothing of a number."""
    if not feature.categories:
        return {}
    shown = public_categories(customers, feature.name).index
    return {"categories": [category if category in shown else "" for category in feature.categories]}


def _labelled(name: str, dataset: Dataset) -> dict:
    """Return label, axis, unit, scale, and of an ordinal its levels; its label says what the ranks mean."""
    column, axis = dataset.columns[name], dataset.axis(name)
    label = dataset.label(name) if column.unit else axis
    years = {"years": YEARS} if dataset.holds_years(name) else {}
    told = {"label": label, "axis": axis, "unit": told_unit(column.unit)}
    return told | {"logged": axis.logged, "levels": column.levels or None} | years


def _rows(everyone: Customers, numbers: list[str], categories: list[str], seed: int) -> dict:
    """Return the categories and rounded rows, in a drawn order, because the order of a file can stand for the id."""
    dataset, customers = everyone.dataset, everyone.sample
    levels = {name: sorted(customers[name].dropna().astype(str).unique()) for name in categories}
    drawn = np.random.default_rng(seed).permutation(sample_rows(len(customers), MOST_ROWS, seed=seed))
    some = customers.iloc[drawn]
    columns = {name: _rounded(some[name], dataset.axis(name).logged) for name in numbers}
    for name in categories:
        columns[name] = pd.Categorical(some[name].astype("string"), levels[name]).codes.tolist()
    told = [{"name": name, "label": dataset.label(name), "levels": levels[name]} for name in categories]
    return {"categories": told, "rows": {"segment": some["segment"].tolist(), **columns}}


def _packed(values: list[float | None]) -> dict:
    """Return a column of rows as the script unpacks it: codes of one or two bytes in base64, 0 for what is missing.

    A code counts steps of 10 to the minus `places` from `least`, or where these are too many it is a place in `values`.
    Either way the script has the same number again.
    """
    column = pd.Series(values, dtype=float)
    known = column.dropna().to_numpy()
    places = next(
        (places for places in PLACES_TRIED if (_of_steps(_in_steps(known, places), places) == known).all()), None
    )
    steps = _in_steps(known, places or 0)
    told: dict = {"least": int(steps.min()) if len(known) else 0, "places": places}
    found = steps - told["least"] + 1
    if places is None or found.max(initial=0) >= 2**16:
        levels, found = np.unique(known, return_inverse=True)
        told, found = {"values": levels.tolist()}, found + 1
    codes = np.zeros(len(column), int)
    codes[column.notna()] = found
    kind = "<u1" if codes.max(initial=0) < 2**8 else "<u2"
    return told | {"wide": kind == "<u2", "codes": b64encode(codes.astype(kind).tobytes()).decode()}


def _in_steps(values: np.ndarray, places: int) -> np.ndarray:
    """Return how many steps of 10 to the minus `places` are in each number."""
    return np.round(values * 10.0**places if places >= 0 else values / 10.0**-places)


def _of_steps(steps: np.ndarray, places: int) -> np.ndarray:
    """Return what so many steps are: the number as which its digits are read."""
    return steps / 10.0**places if places >= 0 else steps * 10.0**-places


def _rounded(values: pd.Series, logged: bool) -> list[float | None]:
    """Round to three digits of the range, or of each value where these span several powers of ten."""
    spread = values.max() - values.min()
    sizes = values.abs() if logged else pd.Series(spread, values.index)
    decimals = [ROW_DIGITS - 1 - int(np.floor(np.log10(size))) if size > 0 else ROW_DIGITS for size in sizes]
    known = zip(values, decimals, strict=True)
    rounded = [None if np.isnan(value) else round(float(value), places) for value, places in known]
    return [int(v) if v is not None and v == int(v) else v for v in rounded]


def _grids(customers: Customers, numbers: list[str]) -> dict:
    """Return for every two numbers [segment, bin of x, bin of y, customers] of the groups of ten or more there."""
    axes = {name: customers.dataset.axis(name) for name in numbers}
    edges = {name: grid_edges(customers, name, most=GRID_BINS, logged=axis.logged) for name, axis in axes.items()}
    grouped, grids = group(customers), []
    grouped.groups.count_together(edges, "segment")
    for x, y in combinations_with_replacement(edges, 2):
        cells = []
        for segment, own in sorted(grouped.groups.grids((x, y), (edges[x], edges[y]), "segment").items()):
            counts = grouped.customers(own, segment)
            cells += [[segment, int(i), int(j), int(counts[i, j])] for i, j in np.argwhere(own)]
        grids.append({"x": x, "y": y, "cells": cells})
    return {"edges": {name: ends.tolist() for name, ends in edges.items()}, "grids": grids}


def _shown(held: dict, name: str) -> list[float]:
    """Return the numbers of a column between which the scatter is drawn."""
    return held["edges"][name] if "edges" in held else [v for v in held["rows"][name] if v is not None]


def _marked(name: str, dataset: Dataset, values: list[float]) -> dict:
    """Return the ticks of a column; an item has whole ones, and says that it is one."""
    ticks = _ticks(values, dataset.axis(name).logged)
    if not items_of(dataset, [name]):
        return {"ticks": ticks}
    return {"ticks": [tick for tick in ticks if isinstance(tick, int)] or ticks, "item": True}


def _ticks(values: list[float], logged: bool) -> list[float]:
    """Return round numbers for an axis, from the least value or below to the greatest or above."""
    low, high = min(values), max(values)
    if logged:
        powers = 10.0 ** np.arange(np.ceil(np.log10(max(high, -low, 1))) + 1)
        above = np.outer(powers, log_steps(low, high)).ravel()
        marks = np.concatenate([-above[::-1], [0], above])
    else:
        marks = round_edges(low, high, MOST_TICKS)
    first = np.searchsorted(marks, low, "right") - 1
    marks = marks[first : max(np.searchsorted(marks, high), first + 1) + 1]
    return [int(mark) if mark == int(mark) else float(mark) for mark in marks]


def embedded(data: dict) -> str:
    """Return `data` as JSON that can stand inside a script element."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
