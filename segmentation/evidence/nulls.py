"""What tables without segments give: the gap statistic, and null models for silhouette and stability."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression
from scipy.stats import norm, t

from segmentation.core.parallel import spread
from segmentation.evidence.criteria import silhouette_values, untie
from segmentation.evidence.separation import DEEP, as_deep
from segmentation.evidence.stability import jaccard_of_resample
from segmentation.language import mark
from segmentation.methods.kmeans import KMEANS
from segmentation.methods.latent import LatentMethod
from segmentation.methods.method import Method, random_state

NULL_LEVEL = 0.95
BOOTSTRAPS = 200
POLYNOMIALS = 60
CORRELATIONS = np.linspace(-0.98, 0.98, 197)
MOST_COMMON = 0.98  # of the variance of an item, what common factors may explain
MODES = 25  # places that are tried for the mode of a column
FEW_STEPS = 10  # values of a column, all of which an answer may take


def permuted(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a table with each column permuted by itself: the same distributions, no relation between them."""
    return rng.permuted(X, axis=0)


def one_mode(X: np.ndarray) -> np.ndarray:
    """Return each column with the values that it would have with one mode, in ascending order.

    Of all distributions that rise to a mode and fall behind it the one is taken that is nearest to the values, its
    mode where the largest difference of the cumulated shares is least. A column with one mode hardly changes; one
    with several groups becomes flat between them, so that permuting it does not keep the groups. Values that occur
    more than once stay what they are, others move between their neighbours.
    """
    return np.column_stack([_one_mode(column) for column in X.T])


def _one_mode(column: np.ndarray) -> np.ndarray:
    values, counts = np.unique(column, return_counts=True)
    if len(values) < 3:
        return np.sort(column)
    middles = (values[1:] + values[:-1]) / 2
    ends = np.concatenate([[values[0] - (middles[0] - values[0])], middles, [values[-1] * 2 - middles[-1]]])
    widths, n = np.diff(ends), len(column)
    modes = np.unique(np.linspace(0, len(values), MODES + 2).astype(int)[1:-1])
    shapes = [_rises_and_falls(counts / widths, widths, mode) * widths for mode in modes]
    best = min(shapes, key=lambda shape: np.abs((shape - counts).cumsum()).max()) / n
    places = (np.arange(n) + 0.5) / n
    cells = np.minimum(np.searchsorted(best.cumsum(), places), len(values) - 1)
    between = np.interp(places, np.insert(best.cumsum(), 0, 0), ends)
    return np.where(counts[cells] > 1, values[cells], between)


def _rises_and_falls(density: np.ndarray, widths: np.ndarray, mode: int) -> np.ndarray:
    rising = isotonic_regression(density[:mode], weights=widths[:mode]).x if mode else density[:0]
    falling = isotonic_regression(density[mode:], weights=widths[mode:], increasing=False).x
    return np.concatenate([rising, falling])


def single_gaussian(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a table drawn from one Gaussian with the covariance of `X`."""
    return rng.multivariate_normal(X.mean(axis=0), np.atleast_2d(np.cov(X.T)), len(X), method="eigh")


def round_cloud(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a table from the same Gaussian in every direction: nothing says where it should be cut."""
    return rng.standard_normal(X.shape)


NULL_MODELS = {
    mark("columns permuted"): permuted,
    mark("one Gaussian"): single_gaussian,
    mark("one round cloud"): round_cloud,
}


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


@dataclass(frozen=True)
class NullTables:
    """What tables without segments give: one row a table, its index the model, one column a k.

    silhouettes : the mean silhouette
    as_deep : whether the valleys between every two segments are as deep as those of the customers; true, and not
        asked, where these are not deep
    """

    silhouettes: pd.DataFrame
    as_deep: pd.DataFrame


def null_tables(
    X: np.ndarray, valleys: pd.Series, *, tables: int, method: Method = KMEANS, seed: int = 0
) -> NullTables:
    """Divide tables without segments as the customers are.

    Parameters
    ----------
    valleys : Series
        By k: the p-value of the valleys between the customers' segments (`separation.separation`).
    """
    tasks = [(model, i) for model in method.nulls for i in range(tables)]
    rows = spread(_divided, tasks, X, one_mode(X), valleys, method, seed)
    index = pd.Index([model for model, _ in tasks], name="model")
    found = (pd.DataFrame(part, columns=valleys.index, index=index) for part in zip(*rows, strict=True))
    return NullTables(*found)


def _divided(
    task: tuple[str, int], X: np.ndarray, even: np.ndarray, valleys: pd.Series, method: Method, seed: int
) -> tuple[list[float], list[bool]]:
    table, rng = _null_table(task, X, even, seed)
    labels = [method.once(table, k, rng).labels_ for k in valleys.index]
    smooth = method.space(untie(table))
    deep = [limit > DEEP or as_deep(smooth, part, limit) for part, limit in zip(labels, valleys, strict=True)]
    return [float(values.mean()) for values in silhouette_values(method.space(table), labels)], deep


def _null_table(
    task: tuple[str, int], X: np.ndarray, even: np.ndarray, seed: int
) -> tuple[np.ndarray, np.random.Generator]:
    model, i = task
    rng = random_state(seed, 5, list(NULL_MODELS).index(model), i)
    return NULL_MODELS[model](even if model == "columns permuted" else X, rng), rng


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


def shapeless(X: np.ndarray, method: Method = KMEANS) -> list[str]:
    """Return the null models that give tables without anything that a division could come back by.

    A long cloud is cut across its length again and again, an even square into its quarters: such segments are there
    for a market to be planned by, although nothing parts them (Dolnicar & Leisch 2010), and a round cloud has none.
    Where each column has few values, as answers have, they come back by these alone, and permuted columns count too.
    """
    if "one Gaussian" not in method.nulls:
        return [name for name in method.nulls if name in NULL_MODELS][:1]
    few = all(len(np.unique(column)) <= FEW_STEPS for column in X.T)
    return ["one round cloud", *(["columns permuted"] if few else [])]


def null_stability(
    X: np.ndarray, k_values, *, tables: int, resamples: int, method: Method = KMEANS, seed: int = 0
) -> pd.DataFrame:
    """Return for each k the Jaccard coefficient that its least stable segment must reach: no structure is needed below.

    On tables without any structure (`shapeless`) each segment's mean coefficient over a few bootstrap resamples is
    found, as for the real table; the limit is the 95th percentile of the least stable segment of each table, under the
    null model where it is higher. A stability of 0.75 can be reached without any structure, so a fixed threshold is
    not enough. Few resamples spread the coefficients, which raises the limit: the error is on the safe side.

    Returns
    -------
    DataFrame
        Indexed by k: limit, and error, its Monte Carlo standard error (bootstrap over the tables).
    """
    models = shapeless(X, method)
    tasks = [(model, i) for model in models for i in range(tables)]
    parts = spread(_null_jaccards, tasks, X, one_mode(X), list(k_values), resamples, method, seed)
    rows = {}
    for at, k in enumerate(k_values):
        by_model = [
            np.array([part[at].min() for (own, _), part in zip(tasks, parts, strict=True) if own == model])
            for model in models
        ]
        highest = max(by_model, key=lambda weakest: np.quantile(weakest, NULL_LEVEL))
        rows[k] = {
            "limit": np.quantile(highest, NULL_LEVEL),
            "error": _quantile_error(highest, random_state(seed, 7, k)),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("k")


def _quantile_error(weakest: np.ndarray, rng: np.random.Generator) -> float:
    """Return the standard error of the percentile over tables, of shape (tables,)."""
    drawn = rng.integers(len(weakest), size=(BOOTSTRAPS, len(weakest)))
    return float(np.quantile(weakest[drawn], NULL_LEVEL, axis=1).std(ddof=1))


def _null_jaccards(
    task: tuple[str, int],
    X: np.ndarray,
    even: np.ndarray,
    k_values: list[int],
    resamples: int,
    method: Method,
    seed: int,
) -> list[np.ndarray]:
    table, rng = _null_table(task, X, even, seed)
    found = []
    for k in k_values:
        labels = method.once(table, k, rng).labels_
        found.append(np.mean([jaccard_of_resample(table, labels, k, rng, method) for _ in range(resamples)], axis=0))
    return found


def answer_factors(X: np.ndarray, rng: np.random.Generator, *, tables: int = 19) -> np.ndarray:
    """Return the correlations of normal variables that answers alike would give if common factors were all there is.

    As many factors as have a larger eigenvalue than in any of `tables` tables of permuted columns (Horn 1965). The
    correlation of two normal variables is that with which, cut into the answers of two columns, they correlate as these
    do (Cario & Nelson 1997); factors are fitted to it by iterated principal axes.

    Parameters
    ----------
    X : ndarray of shape (n, d), a column a feature

    Returns
    -------
    ndarray of shape (d, d)
    """
    own, *others = (_eigenvalues(table) for table in (X, *(rng.permuted(X, axis=0) for _ in range(tables))))
    factors = int(np.argmin(np.append(own > np.max(others, axis=0), False)))
    latent = _latent_correlations(X)
    common = np.full(len(latent), 0.5)
    loadings = np.zeros((len(latent), 1))
    for _ in range(50 if factors else 0):
        values, vectors = np.linalg.eigh(np.where(np.eye(len(latent), dtype=bool), common, latent))
        loadings = vectors[:, -factors:] * np.sqrt(np.maximum(values[-factors:], 0))
        common = np.minimum((loadings**2).sum(axis=1), MOST_COMMON)
    loadings /= np.sqrt(np.maximum((loadings**2).sum(axis=1, keepdims=True) / MOST_COMMON, 1))
    return loadings @ loadings.T + np.diag(1 - (loadings**2).sum(axis=1))


def _eigenvalues(X: np.ndarray) -> np.ndarray:
    return np.linalg.eigvalsh(_correlations(X))[::-1]


def _correlations(X: np.ndarray) -> np.ndarray:
    """Return the correlations of the columns; a column of one value correlates with none."""
    Z = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-12)
    found = Z.T @ Z / len(Z)
    np.fill_diagonal(found, 1)
    return found


def _latent_correlations(X: np.ndarray) -> np.ndarray:
    """Return for each two columns the correlation of the normal variables behind them, by Hermite polynomials."""
    found, parts = _correlations(X), np.array([_polynomials(column) for column in X.T])
    powers = CORRELATIONS[:, None] ** np.arange(1, POLYNOMIALS + 1)
    for i, j in zip(*np.tril_indices(len(found), -1), strict=True):
        seen = np.maximum.accumulate(powers @ (parts[i] * parts[j]))
        found[i, j] = found[j, i] = np.interp(found[i, j], seen, CORRELATIONS)
    return found


def _polynomials(column: np.ndarray) -> np.ndarray:
    """Return a column, as a function of a normal variable that rises with it, in Hermite polynomials from the first."""
    values, counts = np.unique(column, return_counts=True)
    cuts = norm.ppf(counts.cumsum()[:-1] / len(column))
    heights = np.diff(values) / max(column.std(), 1e-12) * norm.pdf(cuts)
    terms = [np.ones_like(cuts), cuts]
    for m in range(1, POLYNOMIALS - 1):
        terms.append((cuts * terms[m] - np.sqrt(m) * terms[m - 1]) / np.sqrt(m + 1))
    return np.array([(heights * term).sum() / np.sqrt(m) for m, term in enumerate(terms, 1)])


def answers_alike(X: np.ndarray, correlations: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a table with the same values in each column, correlated as normal variables are."""
    drawn = rng.multivariate_normal(np.zeros(len(correlations)), correlations, len(X), method="eigh")
    return np.take_along_axis(np.sort(X, axis=0), drawn.argsort(axis=0).argsort(axis=0), axis=0)


def class_p_values(X: np.ndarray, k_values, *, tables: int, method: LatentMethod, seed: int = 0) -> pd.Series:
    """Return for each k how often classes gain as much likelihood where there are only common factors.

    A bootstrap likelihood ratio test (McLachlan 1987) against tables of `answers_alike`, in which customers differ by
    degree and not in kind. How strongly answers go together decides most of the gain; so of each table the logarithm of
    the determinant of its correlations is taken for a control, and what the gain is beyond it is compared by Student's
    t. By Bonferroni's correction it is paid for that a k is chosen.
    """
    k_values = [1, *k_values]
    correlations = answer_factors(X, random_state(seed, 8))
    tasks = list(range(-1, tables))
    rows = spread(_class_gains, tasks, X, correlations, k_values, method, seed)
    [own, *others] = np.array([gains for gains, _ in rows])
    [strength, *strengths] = (strength for _, strength in rows)
    shape = np.column_stack([np.ones(tables), np.array(strengths) - strength])
    fitted = np.linalg.lstsq(shape, np.array(others), rcond=None)[0]
    spreads = np.sqrt(
        ((others - shape @ fitted) ** 2).sum(axis=0) / (tables - 2) * (1 + np.linalg.pinv(shape.T @ shape)[0, 0])
    )
    p = t.sf((own - fitted[0]) / np.maximum(spreads, 1e-9), tables - 2) * (len(k_values) - 1)
    return pd.Series(np.minimum(p[1:], 1.0), index=pd.Index(k_values[1:], name="k"))


def _class_gains(
    i: int, X: np.ndarray, correlations: np.ndarray, k_values: list[int], method: LatentMethod, seed: int
) -> tuple[list[float], float]:
    """Return how much likelihood each k gains over one class in a table, and how strongly its answers go together."""
    rng = random_state(seed, 9, i + 1)
    table = X if i < 0 else answers_alike(X, correlations, rng)
    found = [method.once(table, k, rng).log_likelihood_ for k in k_values]
    strength = -len(X) / 2 * np.linalg.slogdet(_correlations(table) + 1e-3 * np.eye(X.shape[1]))[1]
    return [height - found[0] for height in found], strength
