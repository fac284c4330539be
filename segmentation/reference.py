"""What tables without segments give: the gap statistic, and null models for silhouette and stability."""

import numpy as np
import pandas as pd
from diptest import diptest
from sklearn.metrics import silhouette_score

from segmentation.decision import SIGNIFICANT
from segmentation.stability import fit_once, jaccard_of_resample, random_state
from segmentation.workers import spread


def permuted(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a table with each column permuted by itself: the same distributions, no relation between them."""
    return rng.permuted(X, axis=0)


def single_gaussian(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a table drawn from one Gaussian with the covariance of `X`."""
    return rng.multivariate_normal(X.mean(axis=0), np.atleast_2d(np.cov(X.T)), len(X), method="eigh")


NULL_MODELS = {"columns permuted": permuted, "one Gaussian": single_gaussian}


def uniform_box(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a table drawn evenly from the box around `X` along its principal components."""
    centre = X.mean(axis=0)
    axes = np.linalg.svd(X - centre, full_matrices=False)[2]
    along = (X - centre) @ axes.T
    return rng.uniform(along.min(axis=0), along.max(axis=0), along.shape) @ axes + centre


def gap_statistic(X: np.ndarray, inertia: pd.Series, *, references: int, seed: int = 0) -> pd.DataFrame:
    """Return the gap statistic of each k (Tibshirani, Walther & Hastie 2001), with their principal-component box.

    gap(k) = mean of log W over the references - log W, with W the inertia; its error is the standard deviation over
    the references times sqrt(1 + 1 / references).

    Parameters
    ----------
    inertia : Series
        The inertia of `X` at each k from 1, indexed by k.

    Returns
    -------
    DataFrame
        Indexed by k: gap, error.
    """
    k_values = list(inertia.index)
    logs = np.array(spread(_log_inertias, list(range(references)), X, k_values, seed))
    gap = logs.mean(axis=0) - np.log(inertia.to_numpy())
    return pd.DataFrame({"gap": gap, "error": logs.std(axis=0) * np.sqrt(1 + 1 / references)}, index=inertia.index)


def _log_inertias(i: int, X: np.ndarray, k_values: list[int], seed: int) -> list[float]:
    rng = random_state(seed, 4, i)
    table = uniform_box(X, rng)
    return [float(np.log(fit_once(table, k, rng).inertia_)) for k in k_values]


def gap_choices(gaps: pd.DataFrame) -> dict[str, int]:
    """Return what two rules read from the gap statistic.

    original : the smallest k with gap(k) >= gap(k + 1) - error(k + 1) (Tibshirani, Walther & Hastie 2001).
    firstSEmax : the smallest k whose gap is within one error of the first local maximum (R package cluster, clusGap).
    """
    gap, error, k_values = gaps["gap"].to_numpy(), gaps["error"].to_numpy(), list(gaps.index)
    holds = np.flatnonzero(gap[:-1] >= gap[1:] - error[1:])
    falls = np.flatnonzero(np.diff(gap) <= 0)
    top = falls[0] if len(falls) else len(gap) - 1
    near = np.flatnonzero(gap[: top + 1] >= gap[top] - error[top])
    return {
        "original": k_values[holds[0]] if len(holds) else k_values[-1],
        "firstSEmax": k_values[near[0]],
    }


def null_models(X: np.ndarray) -> list[str]:
    """Return the null models that give tables without segments.

    Permuting the columns leaves each as it is: where one has several modes by itself (Hartigan's dip, p at most
    0.05 after Bonferroni's correction) the segments would stay, and only the Gaussian is used.
    """
    modes = min(diptest(np.sort(column))[1] for column in X.T) * X.shape[1] <= SIGNIFICANT
    return ["one Gaussian"] if modes else list(NULL_MODELS)


def null_silhouettes(X: np.ndarray, k_values, *, tables: int, seed: int = 0) -> pd.DataFrame:
    """Return the largest mean silhouette over `k_values` on tables without segments.

    Returns
    -------
    DataFrame
        model, table, silhouette.
    """
    tasks = [(model, i) for model in null_models(X) for i in range(tables)]
    values = spread(_null_silhouette, tasks, X, list(k_values), seed)
    return pd.DataFrame(tasks, columns=["model", "table"]).assign(silhouette=values)


def _null_silhouette(task: tuple[str, int], X: np.ndarray, k_values: list[int], seed: int) -> float:
    table, rng = _null_table(task, X, seed)
    return max(silhouette_score(table, fit_once(table, k, rng).labels_) for k in k_values)


def _null_table(task: tuple[str, int], X: np.ndarray, seed: int) -> tuple[np.ndarray, np.random.Generator]:
    model, i = task
    rng = random_state(seed, 5, list(NULL_MODELS).index(model), i)
    return NULL_MODELS[model](X, rng), rng


def null_p_value(found: float, null: pd.DataFrame) -> dict[str, float]:
    """Return how often a table without segments reaches the silhouette that was found.

    Returns
    -------
    dict
        p : (1 + number that reach it) / (1 + tables), under the null model that reaches it most often
        (Davison & Hinkley 1997); error : its Monte Carlo standard error; tables : how many of each model; models.
    """
    tables = null.groupby("model").size().min()
    reached = (null["silhouette"] >= found).groupby(null["model"]).sum().max()
    p = (1 + reached) / (1 + tables)
    return {
        "p": float(p),
        "error": float(np.sqrt(p * (1 - p) / (1 + tables))),
        "tables": int(tables),
        "models": sorted(set(null["model"])),
    }


def null_stability(X: np.ndarray, k_values, *, tables: int, resamples: int, seed: int = 0) -> pd.Series:
    """Return for each k the Jaccard coefficient that a segment must exceed: what structure is not needed for.

    On tables without segments each segment's mean coefficient over a few bootstrap resamples is found, as for the
    real table; the limit is the 95th percentile over the segments of all tables, under the null model where it is
    higher. A stability of 0.75 can be reached without any structure, so a fixed threshold is not enough.
    """
    tasks = [(model, i) for model in null_models(X) for i in range(tables)]
    parts = spread(_null_jaccards, tasks, X, list(k_values), resamples, seed)
    rows = [
        (model, k, value) for (model, _), part in zip(tasks, parts, strict=True) for k, row in part for value in row
    ]
    found = pd.DataFrame(rows, columns=["model", "k", "jaccard"]).groupby(["k", "model"])["jaccard"].quantile(0.95)
    return found.groupby("k").max()


def _null_jaccards(
    task: tuple[str, int], X: np.ndarray, k_values: list[int], resamples: int, seed: int
) -> list[tuple[int, np.ndarray]]:
    table, rng = _null_table(task, X, seed)
    found = []
    for k in k_values:
        labels = fit_once(table, k, rng).labels_
        found.append((k, np.mean([jaccard_of_resample(table, labels, k, rng) for _ in range(resamples)], axis=0)))
    return found
