"""Would other choices draw the same segments: another method, another scale, other customers, other features."""

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.cluster import AgglomerativeClustering, MiniBatchKMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import minmax_scale, robust_scale, scale

from segmentation.dataset import Dataset
from segmentation.eda import sample_rows
from segmentation.k_selection import best_kmeans
from segmentation.privacy import SMALLEST_GROUP
from segmentation.scaling import scaling
from segmentation.words import at_least, count, escape
from segmentation.workers import spread

LARGEST_COMPARED = 5_000
STARTS = 20
NEARLY_SAME = 0.8


def compare_choices(
    customers: pd.DataFrame, dataset: Dataset, features: tuple[str, ...], labels: np.ndarray, *, seed: int = 0
) -> pd.DataFrame:
    """Return how far the segments under other choices, with the same k, agree with those at hand.

    The measure is the adjusted Rand index (Hubert & Arabie 1985): 1 is the same partition, 0 what chance gives. Above
    5,000 customers a random sample is compared. A choice under which fewer distinct points than segments are left
    is passed over.

    Parameters
    ----------
    labels : ndarray of shape (n_customers,)
        The segments at hand, from 0.

    Returns
    -------
    DataFrame
        choice, customers (how many were compared), agreement.
    """
    k = int(labels.max()) + 1
    rows = sample_rows(len(customers), LARGEST_COMPARED, seed=seed)
    some, own = customers.iloc[rows].reset_index(drop=True), labels[rows]
    choices = [choice for choice in _choices(some, dataset, list(features)) if len(np.unique(choice[2], axis=0)) >= k]
    others = spread(_segment, choices, k, seed)
    found = [
        (name, int(kept.sum()), adjusted_rand_score(own[kept], other))
        for (name, _, _, kept), other in zip(choices, others, strict=True)
    ]
    return pd.DataFrame(found, columns=["choice", "customers", "agreement"])


def _choices(customers: pd.DataFrame, dataset: Dataset, features: list[str]) -> list[tuple]:
    """Return (name, method, X, which customers X holds) for each other choice."""
    X = _scaled(customers, dataset, features)
    everyone, usual = np.ones(len(X), bool), ~_outliers(X)
    rows = [(name, name, X, everyone) for name in METHODS]
    rows += [(f"Scaled {name}", None, rescale(X), everyone) for name, rescale in SCALES.items()]
    if not usual.all():
        rows.append(("Without outliers", None, _scaled(customers[usual], dataset, features), usual))
    for name in features if len(features) > 1 else []:
        rest = [other for other in features if other != name]
        rows.append((f"Without {dataset.label(name)}", None, _scaled(customers, dataset, rest), everyone))
    for name in dataset.named("feature", "descriptor"):
        known = customers[name].notna().to_numpy()
        if name not in features and dataset.columns[name].numeric and customers[name].nunique() > 1:
            more = [*features, name]
            rows.append((f"With {dataset.label(name)}", None, _scaled(customers[known], dataset, more), known))
    return rows


def _scaled(customers: pd.DataFrame, dataset: Dataset, features: list[str]) -> np.ndarray:
    return scaling(dataset, features).fit_transform(customers[features].to_numpy())


def _outliers(X: np.ndarray) -> np.ndarray:
    """Return who lies more than 1.5 times the middle half beyond it in any feature (Tukey 1977)."""
    low, high = np.quantile(X, [0.25, 0.75], axis=0)
    reach = 1.5 * (high - low)
    beyond = np.maximum(low - X, X - high)
    return (beyond > reach).any(axis=1)


def _segment(choice: tuple, k: int, seed: int) -> np.ndarray:
    _, method, X, _ = choice
    return METHODS[method](X, k, seed) if method else best_kmeans(X, k, seed=seed).model.labels_


def _ward(X: np.ndarray, k: int, seed: int) -> np.ndarray:
    return AgglomerativeClustering(k, linkage="ward").fit_predict(X)


def _mixture(X: np.ndarray, k: int, seed: int) -> np.ndarray:
    return GaussianMixture(k, n_init=STARTS, random_state=seed).fit_predict(X)


def _batches(X: np.ndarray, k: int, seed: int) -> np.ndarray:
    return MiniBatchKMeans(k, n_init=STARTS, random_state=seed).fit_predict(X)


METHODS = {"Ward hierarchical clustering": _ward, "Gaussian mixture": _mixture, "MiniBatch K-Means": _batches}
SCALES = {
    "to the range from 0 to 1": minmax_scale,
    "by median and quartiles": robust_scale,
    "as ranks": lambda X: scale(rankdata(X, axis=0)),
}


def formats(customers: int, *, private: bool) -> dict:
    """Return how the table shows its figures; fewer than ten customers left out are not counted when `private`."""
    few = customers - SMALLEST_GROUP

    def show(compared: int) -> str:
        return f"over {few:,}" if private and few < compared < customers else f"{compared:,}"

    return {"customers": show, "agreement": "{:.3f}"}


def tell_sensitivity(table: pd.DataFrame) -> str:
    """Say how many of the choices draw nearly the same segments, and which differs most."""
    same = int((table["agreement"] >= NEARLY_SAME).sum())
    lowest = table.loc[table["agreement"].idxmin()]
    if same == len(table):
        return (
            f"Each of {count(len(table), 'other choice')} draws nearly the same segments "
            f"(adjusted Rand index {at_least(lowest['agreement'])})."
        )
    return (
        f"Of {count(len(table), 'other choice')}, {count(same, 'draws', 'draw')} nearly the same segments (adjusted "
        f"Rand index {NEARLY_SAME} or more); the least similar ones come from “{escape(lowest['choice'])}” "
        f"({lowest['agreement']:.2f})."
    )
