"""What became of the segments of an earlier run, and a fit that starts from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import ibis
import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from segmentation.core.engine import all_of, double, held
from segmentation.customers.customers import Customers
from segmentation.methods.method import LARGEST_EXACT
from segmentation.methods.scores import reorder
from segmentation.runs.artifacts import Former, Heir, Lineage, Model, Origin, Start, Transitions
from segmentation.runs.finished import Finished
from segmentation.runs.records import Became
from segmentation.runs.run import Run
from segmentation.segments.assign import assign_rows, scaled_feature
from segmentation.segments.fit import distance_unit, segment
from segmentation.segments.model import load_model

MAJORITY = 0.5
PART = 0.25
WORSE = 0.01  # by how much the inertia of a fit from the earlier centroids may be above the best


@dataclass(frozen=True)
class Fate:
    """What became of one earlier segment: survives, split, merged or gone, and into which it went, from 0.

    left : whether so few customers are where it was that those in another segment are no merger.
    """

    kind: Became
    into: tuple[int, ...] = ()
    left: bool = False


def match(costs: np.ndarray, allowed: np.ndarray | None = None) -> dict[int, int]:
    """Match rows with columns so that the sum of these costs is least (the Hungarian method; Kuhn 1955).

    Parameters
    ----------
    costs : ndarray of shape (n_then, n_now)
    allowed : ndarray of bool of the same shape, optional
        Which pairs may be matched; as many as possible are.
    """
    allowed = np.ones(costs.shape, bool) if allowed is None else allowed
    never = 1 + costs.max() * max(costs.shape)
    pairs = zip(*linear_sum_assignment(np.where(allowed, costs, never)), strict=True)
    return {int(then): int(now) for then, now in pairs if allowed[then, now]}


def trace(counts: np.ndarray, sizes: np.ndarray, shares: list[float]) -> list[Fate]:
    """Say what became of each earlier segment (after MONIC; Spiliopoulou, Ntoutsi, Theodoridis & Schult 2006).

    Parameters
    ----------
    counts : ndarray of shape (n_then, n_now)
        How many customers of now are where each earlier segment was, by their segment now.
    sizes : ndarray of shape (n_now,)
        All customers of each segment now.
    shares : list of float
        The share of each earlier segment then.
    """
    still = counts.sum(axis=1)
    overlap = counts / np.maximum(still, 1)[:, None]
    left = still < PART * np.array(shares) * sizes.sum()
    parts = (overlap >= PART) & (counts > MAJORITY * sizes)
    split = (parts.sum(axis=1) > 1) & ((overlap * parts).sum(axis=1) > MAJORITY)
    goes = np.where(split[:, None], parts, overlap > MAJORITY)
    sources = (goes & ~left[:, None]).sum(axis=0)
    fates = []
    for i, row in enumerate(goes):
        into = tuple(np.flatnonzero(row).tolist())
        shared = any(sources[j] > (not left[i]) for j in into)
        if split[i]:
            fates.append(Fate("split", into))
        elif not into or (left[i] and shared):
            fates.append(Fate("gone", left=bool(left[i])))
        else:
            fates.append(Fate("merged" if shared else "survives", into))
    return fates


def known_customers(customers: Customers, model: Model) -> ibis.Table:
    """Return the features of a model, and as `now` the own segment, of the customers who have all of them.

    And what says for how long they have been customers, where the model knows how they divide by it.
    """
    known = customers.table.filter(all_of(customers.table[name].notnull() for name in model.names))
    age = [model.ages.column] if model.ages and model.ages.column in known.columns else []
    return known.select(*dict.fromkeys([*model.names, *age]), now="segment")


def cross(customers: Customers, model: Model) -> pd.DataFrame:
    """Count the segmented customers by the segment that an earlier model gives them, and by their own.

    Returns
    -------
    DataFrame
        then, now, near (whether they lie where the earlier segment had its customers), customers.
    """
    told = assign_rows(known_customers(customers, model), model)
    reach = ibis.cases(*((told["segment"] == number, double(far)) for number, far in enumerate(_reach(model), 1)))
    by = {"then": told["segment"], "now": told["now"], "near": told["distance"] <= reach}
    found = told.group_by(**by).agg(customers=told.count()).to_pandas()
    return found.sort_values(list(by), ignore_index=True)


def _reach(model: Model) -> list[float]:
    """Return how far from each centroid a segment's customers may be: as far as its own were, or half way to the next.

    Without the second, a tight segment that moves a little would be lost.
    """
    if len(model.centroids) == 1:
        return list(model.reach)
    between = cdist(model.centroids, model.centroids)
    np.fill_diagonal(between, np.inf)
    return np.maximum(model.reach, between.min(axis=1) / 2).tolist()


def as_matrix(crossed: pd.DataFrame, then: int, now: int) -> np.ndarray:
    """Return counts by earlier segment (rows) and segment now (columns)."""
    counts = np.zeros((then, now), int)
    np.add.at(counts, (crossed["then"] - 1, crossed["now"] - 1), crossed["customers"])
    return counts


def original_centroids(model: Model) -> pd.DataFrame:
    """Return the centroids of a model in original units, one row a segment, one column a feature or category."""
    return pd.DataFrame(model.centroids_original_units, columns=model.columns)


def scaled_as(original: pd.DataFrame, model: Model) -> np.ndarray:
    """Return points in original units as an earlier model scales them, in the columns that both have."""
    known = [(f, name) for f in model.features for name in f.columns if name in original]
    table = held(original[[name for _, name in known]].set_axis([f"z{i}" for i in range(len(known))], axis=1))
    found = {
        f"z{i}": table[f"z{i}"] if f.categories else scaled_feature(table[f"z{i}"], f) for i, (f, _) in enumerate(known)
    }
    return table.select(**found).to_pandas().to_numpy()


def lineage_of(base: Finished, crossed: pd.DataFrame, k: int, numbers: list[int] | None = None) -> Transitions:
    """Return what became of each earlier segment, and where each segment comes from.

    Parameters
    ----------
    crossed : DataFrame
        As `cross` returns it.
    k : int
        How many segments there are now.
    numbers : list of int, optional
        The number of each segment now, from 1; without them those in `crossed`.
    """
    fates, kept = _fates(base, crossed, k)
    numbers = numbers or list(range(1, k + 1))
    before = tuple(
        Former(
            segment=i + 1,
            name=base.profiles[i].name,
            fate=fate.kind,
            left=fate.left,
            into=tuple(sorted(numbers[j] for j in fate.into)),
            kept_as=numbers[kept[i]] if i in kept else None,
        )
        for i, fate in enumerate(fates)
    )
    return Transitions(base=base.run, before=before, now=tuple(_origin(number, before) for number in sorted(numbers)))


def _origin(number: int, before: tuple[Former, ...]) -> Origin:
    return Origin(
        segment=number,
        kept_from=next((row.segment for row in before if row.kept_as == number), None),
        comes_from=tuple(row.segment for row in before if number in row.into),
    )


def _fates(base: Finished, crossed: pd.DataFrame, k: int) -> tuple[list[Fate], dict[int, int]]:
    """Return the fate of each earlier segment, and which segment now keeps its number and name, both from 0.

    Of the parts of a split it is the one that has most of its customers, and of those merged into one the one that
    brings most: few would be told what was planned for others.
    """
    shape = len(base.profiles), k
    near, sizes = as_matrix(crossed[crossed["near"]], *shape), as_matrix(crossed, *shape).sum(axis=0)
    fates = trace(near, sizes, base.shares)
    allowed = np.zeros(shape, bool)
    for i, fate in enumerate(fates):
        allowed[i, list(fate.into)] = True
    return fates, match(near.max() - near, allowed)


def renumber(kept: dict[int, int], k: int) -> list[int]:
    """Return the number (from 1) of each of k segments: that of the one it is matched with, the others the free ones.

    Parameters
    ----------
    kept : dict
        Earlier segment -> segment now, both from 0.
    """
    numbers = {now: then + 1 for then, now in kept.items() if then < k}
    free = [number for number in range(1, k + 1) if number not in numbers.values()]
    moved = [kept[then] for then in sorted(kept) if then >= k]
    others = [now for now in range(k) if now not in kept.values()]
    numbers |= dict(zip([*moved, *others], free, strict=True))
    return [numbers[now] for now in range(k)]


def carried_scaling(base: Finished | None, study: Run, features: Sequence[str]) -> Pipeline | None:
    """Return the scaling of a base, with its centres, spreads and lambdas, so that a distance means the same in both.

    None where other features form the segments or dataset.yaml asks for another kind of scale by now, and where one is
    a category: one that is new would be nowhere.
    """
    if base is None or [*features] != base.features or base.features != base.numbers:
        return None
    now = [study.dataset.columns[name].transform for name in features]
    unit, then = distance_unit(study.dataset, features), [feature.transform for feature in base.model.features]
    if (now, unit) != (then, base.model.distance_unit):
        return None
    return load_model(Run(base.run, study.dataset))[:-1]


def refresh(
    model: Pipeline, customers: Customers, features: list[str], base: Finished | None
) -> tuple[Pipeline, Lineage | None]:
    """Start from an earlier run, and number the segments as they were there; without one, leave them as they are.

    Parameters
    ----------
    model : Pipeline
        As `clustering.fit_segments` returns it.

    Returns
    -------
    Pipeline
    Lineage or None
    """
    if base is None:
        return model, None
    chosen = model[-1].labels_.copy()
    started, start = _start_from(base, model, customers, features)
    crossed = cross(segment(customers, started, features), base.model)
    k = len(started[-1].cluster_centers_)
    _, kept = _fates(base, crossed, k)
    numbers = renumber(kept, k)
    found = lineage_of(base, crossed, k, numbers)
    renumbered = _reordered(started, numbers)
    selected = _same_segments(renumbered[-1].labels_, chosen)
    of_parts = (len(base.profiles) > 1) == (len(found.now) > 1)
    brought = as_matrix(crossed[crossed["near"]], len(base.profiles), k).T[np.argsort(numbers)]
    heirs = tuple(
        _heir(row, base, own, selected_as, of_parts=of_parts)
        for row, own, selected_as in zip(found.now, brought, selected, strict=True)
    )
    return renumbered, Lineage(base=found.base, before=found.before, now=heirs, start=start)


def _heir(origin: Origin, base: Finished, brought: np.ndarray, selected_as: int, *, of_parts: bool) -> Heir:
    """Return what a segment keeps: a part has not the name of all customers, nor all customers that of a part.

    An action goes where a quarter of its customers or more were brought by a segment for which another was planned.

    Parameters
    ----------
    brought : ndarray of shape (n_then,)
        How many customers come from where each earlier segment was.
    """
    old = base.profiles[origin.kept_from - 1] if origin.kept_from and of_parts else None
    many = [number for number in origin.comes_from if brought[number - 1] >= PART * brought.sum()]
    alike = len({base.profiles[number - 1].action for number in many}) <= 1
    kept = ("name", *(("action", "suggested") if alike else ())) if old else ()
    has = {"name": None, "action": None} | {part: getattr(old, part) for part in kept}
    return Heir(**dict(origin), **has, selected_as=selected_as)


def _start_from(base: Finished, model: Pipeline, customers: Customers, features: list[str]) -> tuple[Pipeline, Start]:
    """Fit from the earlier centroids too; that fit is kept unless its inertia is clearly above the best."""
    k, best = len(model[-1].cluster_centers_), float(model[-1].inertia_)
    why: Literal["features", "k", "method"] | None = "features" if set(base.features) != set(features) else None
    why = why or ("k" if len(base.profiles) != k else None)
    why = why or ("method" if base.model.scores or not isinstance(model[-1], KMeans) else None)
    if why:
        return model, Start(from_base=False, why=why, then=len(base.profiles), now=k)
    first = model[:-1].transform(original_centroids(base.model)[list(features)].to_numpy())
    X = model[:-1].transform(customers.sample[features].to_numpy())
    tolerance = 0 if len(X) <= LARGEST_EXACT else 1e-6
    with threadpool_limits(1):
        fit = KMeans(k, init=first, n_init=1, tol=tolerance, max_iter=1000, random_state=0).fit(X)
    above = max(fit.inertia_ / best - 1, 0.0) if best else 0.0
    kept = above <= WORSE
    chosen = Pipeline([*model.steps[:-1], ("kmeans", fit)]) if kept else model
    return chosen, Start(from_base=kept, above=float(f"{above:.6f}"))


def _reordered(model: Pipeline, numbers: list[int]) -> Pipeline:
    """Return the model with its segments in the order of their numbers."""
    reorder(model[-1], np.argsort(numbers))
    return model


def _same_segments(labels: np.ndarray, others: np.ndarray) -> list[int]:
    """Return for each segment (from 0) the number, from 1, of the one of another division that it overlaps most."""
    counts = np.zeros((labels.max() + 1, others.max() + 1), int)
    np.add.at(counts, (labels, others), 1)
    pairs = match(counts.max() - counts)
    return [pairs[i] + 1 for i in range(len(counts))]


def write_lineage(study: Run, lineage: Lineage | None) -> None:
    """Write lineage.json; without a base there is none."""
    if lineage:
        study.write("lineage.json", lineage)
    else:
        study.path("lineage.json").unlink(missing_ok=True)
