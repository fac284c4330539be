"""What tables without segments give: the gap statistic, and null models for silhouette and stability."""

import numpy as np
import pandas as pd

from segmentation.core.parallel import spread
from segmentation.evidence.criteria import p_of_one_mode, silhouette_values, untie
from segmentation.evidence.decision import SIGNIFICANT
from segmentation.evidence.stability import jaccard_of_resample
from segmentation.methods.kmeans import KMEANS
from segmentation.methods.method import Method, random_state

NULL_LEVEL = 0.95
BOOTSTRAPS = 200


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


def gap_statistic(
    X: np.ndarray, inertia: pd.Series, *, references: int, method: Method = KMEANS, seed: int = 0
) -> pd.DataFrame:
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
    logs = np.array(spread(_log_inertias, list(range(references)), X, k_values, method, seed))
    gap = logs.mean(axis=0) - np.log(inertia.to_numpy())
    return pd.DataFrame({"gap": gap, "error": logs.std(axis=0) * np.sqrt(1 + 1 / references)}, index=inertia.index)


def _log_inertias(i: int, X: np.ndarray, k_values: list[int], method: Method, seed: int) -> list[float]:
    rng = random_state(seed, 4, i)
    table = uniform_box(X, rng)
    return [float(np.log(method.once(table, k, rng).inertia_)) for k in k_values]


def gap_choices(gaps: pd.DataFrame) -> dict[str, int]:
    """Return what two rules read from the gap statistic.

    original : the smallest k with gap(k) >= gap(k + 1) - error(k + 1) (Tibshirani, Walther & Hastie 2001).
    firstSEmax : the smallest k whose gap is within one error of the first local maximum (R package cluster, clusGap).
    A k of the analyst's beyond the range has no neighbour and is left out.
    """
    gaps = gaps[gaps.index - gaps.index[0] == np.arange(len(gaps))]
    gap, error, k_values = gaps["gap"].to_numpy(), gaps["error"].to_numpy(), list(gaps.index)
    holds = np.flatnonzero(gap[:-1] >= gap[1:] - error[1:])
    falls = np.flatnonzero(np.diff(gap) <= 0)
    top = falls[0] if len(falls) else len(gap) - 1
    near = np.flatnonzero(gap[: top + 1] >= gap[top] - error[top])
    return {
        "original": k_values[holds[0]] if len(holds) else k_values[-1],
        "firstSEmax": k_values[near[0]],
    }


def null_models(X: np.ndarray, method: Method = KMEANS) -> list[str]:
    """Return the null models that give tables without segments.

    Permuting the columns leaves each as it is: where one has several modes by itself (Hartigan's dip, p at most
    0.05 after Bonferroni's correction, equal values spread) the segments would stay, and only the Gaussian is used.
    """
    modes = min(p_of_one_mode(column) for column in untie(X).T) * X.shape[1] <= SIGNIFICANT
    return [name for name in method.nulls if not (modes and name == "columns permuted")]


def null_silhouettes(X: np.ndarray, k_values, *, tables: int, method: Method = KMEANS, seed: int = 0) -> pd.DataFrame:
    """Return the mean silhouette of each k on tables without segments.

    Returns
    -------
    DataFrame
        One row a table, its index the model, one column a k.
    """
    tasks = [(model, i) for model in null_models(X, method) for i in range(tables)]
    rows = spread(_null_silhouette, tasks, X, list(k_values), method, seed)
    return pd.DataFrame(rows, columns=list(k_values), index=pd.Index([model for model, _ in tasks], name="model"))


def _null_silhouette(
    task: tuple[str, int], X: np.ndarray, k_values: list[int], method: Method, seed: int
) -> list[float]:
    table, rng = _null_table(task, X, seed)
    found = silhouette_values(method.space(table), [method.once(table, k, rng).labels_ for k in k_values])
    return [float(values.mean()) for values in found]


def _null_table(task: tuple[str, int], X: np.ndarray, seed: int) -> tuple[np.ndarray, np.random.Generator]:
    model, i = task
    rng = random_state(seed, 5, list(NULL_MODELS).index(model), i)
    return NULL_MODELS[model](X, rng), rng


def null_p_value(found: float, null: pd.Series) -> dict:
    """Return how often a table without segments reaches the silhouette that was found.

    Parameters
    ----------
    null : Series
        The silhouettes of the tables, its index the model: the largest over all k for the best k, and those of one k
        for a k that an analyst has chosen.

    Returns
    -------
    dict
        p : (1 + number that reach it) / (1 + tables), under the null model that reaches it most often
        (Davison & Hinkley 1997); error : its Monte Carlo standard error; tables : how many of each model; models.
    """
    tables = null.groupby("model").size().min()
    reached = (null >= found).groupby("model").sum().max()
    p = (1 + reached) / (1 + tables)
    return {
        "p": float(p),
        "error": float(np.sqrt(p * (1 - p) / (1 + tables))),
        "tables": int(tables),
        "models": sorted(set(null.index)),
    }


def null_stability(
    X: np.ndarray, k_values, *, tables: int, resamples: int, method: Method = KMEANS, seed: int = 0
) -> pd.DataFrame:
    """Return for each k the Jaccard coefficient that a segment must reach: what structure is not needed for.

    On tables without segments each segment's mean coefficient over a few bootstrap resamples is found, as for the
    real table; the limit is the 95th percentile over the segments of all tables, under the null model where it is
    higher. A stability of 0.75 can be reached without any structure, so a fixed threshold is not enough. Few
    resamples spread the coefficients, which raises the limit: the error is on the safe side.

    Returns
    -------
    DataFrame
        Indexed by k: limit, and error, its Monte Carlo standard error (bootstrap over the tables).
    """
    models = null_models(X, method)
    tasks = [(model, i) for model in models for i in range(tables)]
    parts = spread(_null_jaccards, tasks, X, list(k_values), resamples, method, seed)
    rows = {}
    for at, k in enumerate(k_values):
        by_model = [
            np.array([part[at] for (own, _), part in zip(tasks, parts, strict=True) if own == model])
            for model in models
        ]
        highest = max(by_model, key=lambda jaccards: np.quantile(jaccards, NULL_LEVEL))
        rows[k] = {
            "limit": np.quantile(highest, NULL_LEVEL),
            "error": _quantile_error(highest, random_state(seed, 7, k)),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("k")


def _quantile_error(jaccards: np.ndarray, rng: np.random.Generator) -> float:
    """Return the standard error of the percentile over tables, of shape (tables, k)."""
    drawn = rng.integers(len(jaccards), size=(BOOTSTRAPS, len(jaccards)))
    return float(np.quantile(jaccards[drawn].reshape(BOOTSTRAPS, -1), NULL_LEVEL, axis=1).std(ddof=1))


def _null_jaccards(
    task: tuple[str, int], X: np.ndarray, k_values: list[int], resamples: int, method: Method, seed: int
) -> list[np.ndarray]:
    table, rng = _null_table(task, X, seed)
    found = []
    for k in k_values:
        labels = method.once(table, k, rng).labels_
        found.append(np.mean([jaccard_of_resample(table, labels, k, rng, method) for _ in range(resamples)], axis=0))
    return found
