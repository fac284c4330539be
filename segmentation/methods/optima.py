"""Which methods may form the segments of a table, and the best optimum of one for each k that the table allows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

from segmentation.core.dataset import Dataset, MethodName
from segmentation.core.errors import DataError, UsageError, as_option
from segmentation.core.parallel import spread
from segmentation.core.store.reuse import reused_each
from segmentation.customers.exploring import are_items, how_scaled, sample_rows
from segmentation.language.writing import listing
from segmentation.methods.kmeans import KMEANS
from segmentation.methods.latent import Block, LatentClasses, LatentMethod, blocks_of
from segmentation.methods.method import LARGEST_RESAMPLED, Method, Optimum
from segmentation.methods.mixture import MixtureMethod
from segmentation.runs.records import Scaled
from segmentation.runs.run import Run

LARGEST_K = 20
OF_OPTIMUM = (Optimum, KMeans, GaussianMixture, LatentClasses, Block)  # of what an optimum is made


def fit_each_k(X: np.ndarray, k_values, *, method: Method = KMEANS, seed: int = 0) -> dict[int, Optimum]:
    """Return the best optimum for every k."""
    found = by_k(_optima, X, k_values, method=method, seed=seed)
    if isinstance(method, LatentMethod):
        for optimum in found.values():
            optimum.model.blocks = method.blocks  # and no copy: the model's file tells the two apart
    return found


def by_k(function: Callable, X: np.ndarray, asked, **how):
    """Return function(X, asked, **how), which tells something of each k by itself: of some k what is kept of before.

    Parameters
    ----------
    function : function
        Returns a dict, k -> value, or a frame of numbers that is indexed by k.
    asked : sequence of int, or mapping
        Each k; or each with what is asked about, such as the labels.
    """
    of = {k: asked[k] if isinstance(asked, Mapping) else None for k in asked}

    def compute(missing: list[int]) -> dict:
        found = function(X, {k: of[k] for k in missing} if isinstance(asked, Mapping) else missing, **how)
        return found.to_dict("index") if isinstance(found, pd.DataFrame) else found

    hangs_on = {k: (part, _settled_alone(how.get("method"), k)) for k, part in of.items()}
    rest = {name: value for name, value in how.items() if name != "method"}
    found = reused_each(hangs_on, compute, function, X, rest, kinds=OF_OPTIMUM)
    is_frame = found and all(isinstance(value, dict) for value in found.values())
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("k") if is_frame else found


def _settled_alone(method: Method | None, k: int) -> Method | None:
    """Return a method with what it has settled of one k alone: quick fits with this k hang on no more."""
    if not isinstance(method, MixtureMethod):
        return method
    return replace(method, families={i: family for i, family in method.families.items() if i == k})


def _optima(X: np.ndarray, k_values: Sequence[int], *, method: Method, seed: int) -> dict[int, Optimum]:
    longest_first = list(k_values)[::-1]
    return dict(zip(k_values, spread(_optimum, longest_first, X, method, seed)[::-1], strict=True))


def _optimum(k: int, X: np.ndarray, method: Method, seed: int) -> Optimum:
    return method.best(X, k, seed=seed)


def division(optima: dict[int, Optimum], k: int) -> np.ndarray:
    """Return the segment of each customer, from 0; for k = 1 that of all."""
    if k == 1:
        return np.zeros(len(next(iter(optima.values())).model.labels_), int)
    return optima[k].model.labels_


def feasible_k(X: np.ndarray, k_range: tuple[int, int], k, *, seed: int = 0) -> list[int]:
    """Return the values of k to score: the range and the analyst's own k, up to the distinct points less one.

    Above 1,000 customers the distinct points of the sample count that the evidence is gathered on.

    Raises
    ------
    UsageError
        When the analyst's k is no number of segments, or too many.
    DataError
        When the customers have too few distinct points for the smallest k of the range.
    """
    most = len(np.unique(X[sample_rows(len(X), LARGEST_RESAMPLED, seed=seed)], axis=0)) - 1
    if k != "auto" and (not isinstance(k, int) or k < 2):
        raise UsageError(f"k = {k!r} is not usable; expected 'auto' or a whole number of at least 2")
    if k != "auto" and k > max(most, 1):
        told = f"{as_option('k', k)} is too many for {most + 1} distinct combinations of features"
        raise UsageError(f"{told}; choose at most {most}")
    values = {i for i in range(k_range[0], k_range[1] + 1) if i <= most} | ({k} - {"auto"})
    if most < 2 or not values:
        raise DataError(f"the customers have {most + 1} distinct combinations of features; too few for segments")
    return sorted(values)


def further_k(X: np.ndarray, k_values: list[int], run: Run) -> list[int]:
    """Return the k to ask where the best is the largest of the range, up to 20; none where the analyst named either."""
    last = max(k_values)
    if run.k != "auto" or "k_range" in run.dataset.model_fields_set or last < run.dataset.k_range[1]:
        return []
    most = feasible_k(X, (2, LARGEST_K), "auto", seed=run.seed)
    return [k for k in most if k > last]


def suiting(run: Run) -> tuple[MethodName, ...]:
    """Return the methods to judge, the first one first: the one that was named, or those that suit the features.

    Amounts: K-Means, then mixtures. Where each feature is an answer, and dataset.yaml asks for no scale: latent
    classes, because only these are set against customers who differ by degree. Where one is a category, between which
    there is no distance: latent classes too.

    Raises
    ------
    UsageError
        When the method that was named cannot be used with these features.
    """
    columns = {name: run.dataset.columns[name] for name in run.features}
    categories = [run.dataset.label(name) for name, column in columns.items() if not column.numeric]
    if len(categories) == len(columns):
        raise UsageError(
            f"{listing(categories)}: categories alone form no segments; add a feature that is a number, or yes or no"
        )
    if categories and run.method in ("kmeans", "mixture"):
        raise UsageError(
            f"{as_option('method', run.method)} measures distances, and between the categories of {categories[0]} "
            f"there is none; {as_option('method', 'latent-class')} uses them"
        )
    if run.method == "mixture" and all(column.type == "yes/no" for column in columns.values()):
        raise UsageError(
            f"{as_option('method', 'mixture')} is for amounts, and every feature is yes or no; "
            f"{as_option('method', 'latent-class')} is for them"
        )
    if run.method != "auto":
        return (run.method,)
    if categories:
        return ("latent-class",)
    if not are_items(run.dataset, run.features):
        return ("kmeans", "mixture")
    return ("latent-class",) if how_scaled(run.dataset, run.features) == "none" else ("kmeans",)


def method_of(
    name: MethodName, scaled: Sequence[Scaled], dataset: Dataset, *, families: Mapping[int, str] | None = None
) -> Method:
    """Return a method by its name.

    Parameters
    ----------
    scaled : sequence of Scaled
        The features as it sees them.
    families : mapping, optional
        The covariance family of a mixture of each k, where it is known.
    """
    if name == "latent-class":
        return LatentMethod(blocks_of(dataset, scaled))
    return MixtureMethod(families=families or {}) if name == "mixture" else KMEANS
