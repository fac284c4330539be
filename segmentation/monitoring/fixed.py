"""Customers placed in the segments of an earlier run, which stay as they are, and whether these still fit them."""

from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property, partial

import ibis
import numpy as np
import pandas as pd
from scipy.special import logsumexp
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import Pipeline

from segmentation.core.engine import held
from segmentation.core.errors import DataError, as_command, as_option
from segmentation.core.files import replacing
from segmentation.core.parallel import spread
from segmentation.core.privacy import FEWER, least
from segmentation.core.store.reuse import reused
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import sample_rows
from segmentation.evidence.decision import LEVEL
from segmentation.language.writing import listing
from segmentation.methods.method import LARGEST_RESAMPLED, Method, Optimum, random_state
from segmentation.methods.mixture import bic
from segmentation.monitoring.transitions import carried_scaling, match, refresh
from segmentation.runs.artifacts import Former, Heir, Lineage, Origin, Profiles, Transitions, read_artifact
from segmentation.runs.finished import Finished, open_base
from segmentation.runs.run import Run, forming
from segmentation.runs.worth import Fit, Moved
from segmentation.scoring.drift import describe_drift
from segmentation.scoring.place import score_table
from segmentation.segments.assign import assign_rows
from segmentation.segments.fit import fit_segments, scale
from segmentation.segments.model import load_model, nearest_sql, write_model, write_queries

MATTERS = 0.05  # of the customers, whom a refit must move at least


@dataclass(frozen=True)
class Kept:
    """The earlier run whose segments are kept, and its model as scikit-learn has it."""

    earlier: Finished
    pipeline: Pipeline

    @property
    def run(self) -> str:
        """The name of the earlier run."""
        return self.earlier.run

    @cached_property
    def names(self) -> dict[int, str]:
        """The name of each of its segments."""
        return {profile.segment: profile.name for profile in self.earlier.profiles}


def keep_segments(study: Run, model: str | None) -> tuple[Run, Kept | None]:
    """Open the run whose segments are kept, and give `study` its k, features and method; without one leave it.

    Raises
    ------
    UsageError, DataError
        As `open_base` and `load_model` do.
    """
    if model is None:
        return study, None
    found = open_base(model, study.name, study.dataset, "MODEL")
    own = {"features": tuple(found.features), "k": len(found.profiles), "method": found.method}
    study = replace(study, dataset=forming(study.dataset, found.features), given={**study.given, **own})
    return study, Kept(found, load_model(Run(model, study.dataset)))


def scale_as(
    customers: Customers, study: Run, kept: Kept | None, base: Finished | None = None
) -> tuple[Pipeline, np.ndarray]:
    """Return the scaling, that of an earlier run or one for these customers, with the scaled features."""
    scaler = kept.pipeline[:-1] if kept else carried_scaling(base, study, study.features)
    return scale(customers.sample, study.dataset, study.features, scaler)


def place_in(kept: Kept | None, everyone: Customers, customers: Customers) -> Pipeline | None:
    """Return the earlier model as if these customers had formed it: labels, inertia and BIC are of them.

    Parameters
    ----------
    everyone : Customers
        Those too who take no part in the evidence.

    Raises
    ------
    DataError
        When nobody of them is in a segment, or where rows are private fewer than ten are.
    """
    if kept is None:
        return None
    _require_shown(kept, everyone)
    *steps, (name, fitted) = kept.pipeline.steps
    told, fitted = assign_rows(held(customers.sample), kept.earlier.model).to_pandas(), deepcopy(fitted)
    X, trained = kept.pipeline[:-1].transform(customers.sample[kept.earlier.features].to_numpy()), len(fitted.labels_)
    fitted.labels_ = told["segment"].to_numpy() - 1
    fitted.inertia_ = float(((X - fitted.cluster_centers_[fitted.labels_]) ** 2).sum())
    if hasattr(fitted, "bic_"):
        fitted.bic_ = _bic(fitted, X, trained)
    return Pipeline([*steps, (name, fitted)])


def _require_shown(kept: Kept, everyone: Customers) -> None:
    found = assign_rows(everyone.table, kept.earlier.model).group_by("segment").agg(n=ibis._.count()).to_pandas()
    sizes = found.set_index("segment")["n"].reindex(list(kept.names), fill_value=0)
    few = [f"{number} ({kept.names[number]})" for number in sizes.index[sizes < least(everyone.private)]]
    if few:
        holds = f"{FEWER} customers, which privacy: aggregate does not show" if everyone.private else "nobody"
        are = f"segment {few[0]} holds" if len(few) == 1 else f"segments {listing(few)} hold"
        raise DataError(
            f"{as_option('model', kept.run)}: of these customers {are} {holds}, so that the segments of {kept.run} do "
            f"not fit them; {as_option('base', kept.run)} forms segments of them anew, and {as_command('score')} "
            "places them in the former ones"
        )


def _bic(fitted, X: np.ndarray, trained: int) -> float:
    """Return the BIC of a fitted mixture, or of latent classes that were fitted on so many customers, on others."""
    if isinstance(fitted, GaussianMixture):
        return bic(float(fitted.score(X)) * len(X), fitted.family_, len(fitted.weights_), *X.shape)
    parameters = (fitted.bic_ + 2 * fitted.log_likelihood_) / np.log(trained)
    fitted.log_likelihood_ = float(logsumexp(fitted.joint(X), axis=1).sum())
    return float(parameters * np.log(len(X)) - 2 * fitted.log_likelihood_)


def as_optimum(kept: Kept | None, everyone: Customers, customers: Customers) -> Optimum | None:
    """Return the same as what evidence is asked of; no start found it."""
    placed = place_in(kept, everyone, customers)
    return Optimum(placed[-1], 0, 0) if placed else None


def judge_fit(
    kept: Kept | None, everyone: Customers, customers: Customers, study: Run, *, placed: Optimum | None, method: Method
) -> Fit | None:
    """Ask whether segments that are kept still fit; None where none are.

    They are formed anew on these customers, with the same k and method, as BASE would, and matched with those at hand
    by their customers (Kuhn 1955). How many change segment is set against what chance does: of pairs of samples drawn
    from these customers, as many as then and as now (1,000 at most), each forms segments, which place all of them.
    That customers differ from the former ones is told too, and is no reason for a refresh by itself.

    Parameters
    ----------
    customers : Customers
        Who form segments (`methods.forming`), placed as `place_in` returns it; `everyone` are all of them.
    """
    if kept is None or placed is None:
        return None
    model, k, (scaler, X) = kept.earlier.model, len(kept.names), scale_as(customers, study, kept)
    drift = describe_drift(score_table(everyone.table, model, kept.names), model, kept.names)
    names, by = study.features, method.name
    how = {"scaler": scaler, "seed": study.seed}
    anew = fit_segments(customers.sample, study.dataset, names, k, formed_by=by, **how)
    anew, _ = refresh(anew, customers, list(names), kept.earlier)
    own, others = placed.model.labels_, anew[-1].labels_
    moved, sizes = differing(own, others, k), np.bincount(own, minlength=k)
    chance = by_chance(X, k, method, then=model.customers, pairs=max(2, study.resamples // 2), seed=study.seed)
    rows = zip(kept.names.items(), sizes.tolist(), np.bincount(own[moved], minlength=k).tolist(), strict=True)
    return Fit(
        model=kept.run,
        customers=drift.customers,
        outside=drift.outside,
        shifted=(*(f for f, part in drift.features.items() if part.shifted), *([""] if drift.segments.shifted else [])),
        refitted=len(own),
        segments=tuple(Moved(segment=s, name=name, customers=n, moved=m) for (s, name), n, m in rows),
        agreement=float(adjusted_rand_score(own, others)),
        chance=chance,
        refresh=bool(moved.mean() > max(chance, MATTERS)),
    )


def differing(labels: np.ndarray, others: np.ndarray, k: int) -> np.ndarray:
    """Return who is not in the segment of another division that matches the own one, by most customers in common."""
    counts = np.zeros((k, k), int)
    np.add.at(counts, (labels, others), 1)
    matched = match(counts.max() - counts)
    return np.array([matched[i] for i in range(k)])[labels] != others


def by_chance(X: np.ndarray, k: int, method: Method, *, then: int, pairs: int, seed: int) -> float:
    """Return the share of customers whom two samples place differently, in at most 95 of 100 pairs."""
    some = X[sample_rows(len(X), LARGEST_RESAMPLED, seed=seed)]
    found = reused(_differ_each, pairs, some, k, method, min(then, len(some)), seed)
    return float(np.quantile(found, LEVEL))


def _differ_each(pairs: int, *shared) -> list[float]:
    return spread(_differ_once, list(range(pairs)), *shared)


def _differ_once(i: int, X: np.ndarray, k: int, method: Method, then: int, seed: int) -> float:
    rng = random_state(seed, 8, i)
    draws = [X[rng.integers(len(X), size=n)] for n in (then, len(X))]
    if min(len(np.unique(draw, axis=0)) for draw in draws) < k:
        return 1.0
    one, other = (method.once(draw, k, rng).predict(X) for draw in draws)
    return float(differing(one, other, k).mean())


def itself(earlier: Finished) -> Transitions:
    """Return the transitions of segments that are kept: each is itself, with its number."""
    before = tuple(
        Former(segment=p.segment, name=p.name, fate="survives", left=False, into=(p.segment,), kept_as=p.segment)
        for p in earlier.profiles
    )
    now = tuple(Origin(segment=row.segment, kept_from=row.segment, comes_from=row.into) for row in before)
    return Transitions(base=earlier.run, before=before, now=now, fixed=True)


def unchanged(kept: Kept | None) -> Lineage | None:
    """Return the same as lineage.json holds it, with names and actions, and all that the segments were then."""
    if kept is None:
        return None
    found, of = itself(kept.earlier), {"name", "action", "suggested"}
    heirs = tuple(
        Heir.model_validate(row.content() | profile.model_dump(include=of) | {"selected_as": row.segment}, strict=False)
        for row, profile in zip(found.now, kept.earlier.profiles, strict=True)
    )
    then = read_artifact(kept.run, Profiles)
    return Lineage(base=kept.run, before=found.before, now=heirs, fixed=True, then=then)


def write_fitted(
    kept: Kept | None, model: Pipeline, study: Run, segmented: Customers, choices: pd.DataFrame, features
) -> None:
    """Write the model, or where segments are kept that of the earlier run as it is, and segments.sql of it.

    So both runs score new customers alike, and drift is measured from those that the segments were formed on.
    """
    if kept is None:
        write_model(model, study, segmented, choices, features)
        return
    with replacing(study.path("model.skops")) as beside:
        beside.write_bytes(Run(kept.run, study.dataset).existing("model.skops").read_bytes())
    study.write("model.json", kept.earlier.model)
    write_queries(study, "segments", partial(nearest_sql, kept.earlier.model))
