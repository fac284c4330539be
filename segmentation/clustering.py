"""The segments: scaling and K-Means in one pipeline, and who belongs to which."""

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from segmentation.dataset import Dataset
from segmentation.k_selection import best_kmeans
from segmentation.privacy import SMALLEST_GROUP
from segmentation.scaling import scale
from segmentation.words import amount, escape, listing, percent

DECIMALS = 6
NEAR = 0.25


def fit_segments(customers: pd.DataFrame, dataset: Dataset, features: tuple[str, ...], k: int, *, seed: int = 0):
    """Fit scaling and K-Means as one scikit-learn Pipeline; segments are numbered largest first."""
    scaler, X = scale(customers, dataset, features)
    return Pipeline([*scaler.steps, ("kmeans", best_kmeans(X, k, seed=seed).model)])


def assign(model: Pipeline, X: np.ndarray) -> pd.DataFrame:
    """Assign customers to their nearest centroid.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features), in original units

    Returns
    -------
    DataFrame
        segment (from 1); distance to its centroid and margin (how much farther the next centroid is), both in
        scaled units, rounded.
    """
    with threadpool_limits(1):
        distances = model.transform(X)
    nearest = np.sort(distances, axis=1)
    return pd.DataFrame(
        {
            "segment": distances.argmin(axis=1) + 1,
            "distance": nearest[:, 0].round(DECIMALS),
            "margin": (nearest[:, 1] - nearest[:, 0]).round(DECIMALS),
        }
    )


def centroids(model: Pipeline, features: tuple[str, ...]) -> pd.DataFrame:
    """Return the centroids in original units, one row a segment; with a log they are geometric, not plain, means."""
    original = model[:-1].inverse_transform(model[-1].cluster_centers_)
    return pd.DataFrame(original, columns=list(features), index=pd.RangeIndex(1, len(original) + 1, name="segment"))


def near_border(model: Pipeline, X: np.ndarray, ids: pd.Series) -> pd.DataFrame:
    """List the customers whose margin is less than a quarter of the features' standard deviation in scaled units.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features), in original units

    Returns
    -------
    DataFrame
        Indexed by row of X: id, segment, next_segment (the one across the border), margin; the smallest margin first.
    """
    with threadpool_limits(1):
        order = np.argsort(model.transform(X), axis=1, kind="stable")
    listed = pd.DataFrame({"id": ids.to_numpy(), "segment": order[:, 0] + 1, "next_segment": order[:, 1] + 1})
    listed["margin"] = assign(model, X)["margin"]
    return listed[listed["margin"] < near_limit(model, X)].sort_values(["margin", "id"])


def near_limit(model: Pipeline, X: np.ndarray) -> float:
    """Return a quarter of the standard deviation of the scaled features (the root of their mean variance)."""
    return NEAR * float(np.sqrt(model[:-1].transform(X).var(axis=0).mean()))


def tell_border(near: pd.DataFrame, customers: int, limit: str, *, private: bool) -> str:
    """Say how many customers are near a border, and near which most; nothing of fewer than ten when `private`.

    Parameters
    ----------
    limit : str
        The largest margin of those near a border, with its unit.
    """
    if near.empty:
        return f"For no customer is the next centroid less than {limit} farther than the own."
    least = SMALLEST_GROUP if private else 1
    many = f"{len(near):,}" if len(near) >= least else f"Fewer than {SMALLEST_GROUP}"
    told = (
        f"{many} of {customers:,} customers are near a border: the next centroid is less than "
        f"{limit} farther than the own"
    )
    pairs = borders(near)
    if pairs["customers"].iloc[0] < least:
        return f"{told}."
    return f"{told}. Most of them ({pairs['customers'].iloc[0]:,}) lie between segments {pairs['between'].iloc[0]}."


def borders(near: pd.DataFrame) -> pd.DataFrame:
    """Return how many of the customers near a border lie between each two segments: between, customers."""
    ends = np.sort(near[["segment", "next_segment"]].to_numpy(), axis=1)
    between = pd.Series([f"{one} and {other}" for one, other in ends], name="between", dtype=object)
    return (
        between.value_counts(sort=False)
        .sort_index()
        .sort_values(ascending=False, kind="stable")
        .rename("customers")
        .reset_index()
    )


def scaled_centroids(model: Pipeline, features: tuple[str, ...]) -> pd.DataFrame:
    """Return the centroids in scaled units, one row a segment."""
    centres = model[-1].cluster_centers_
    return pd.DataFrame(centres, columns=list(features), index=pd.RangeIndex(1, len(centres) + 1, name="segment"))


def tell_nearest(centres: pd.DataFrame, unit: str) -> str:
    """Say which two centroids lie closest together."""
    X = centres.to_numpy()
    distances = np.linalg.norm(X[:, None] - X[None], axis=2)
    distances[np.diag_indices(len(X))] = np.inf
    one, other = sorted(np.unravel_index(distances.argmin(), distances.shape))
    return f"The closest two, {one + 1} and {other + 1}, are {distances.min():.1f} {unit} apart."


def principal_map(X: np.ndarray, centres: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Project scaled customers and centroids on the first two principal components (Pearson 1901).

    Returns
    -------
    points : DataFrame, one row a customer
    centres : DataFrame, one row a segment
    explained : DataFrame
        For each of the two components its share of the variance, and the weight of each feature.
    """
    components = PCA(2, svd_solver="full").fit(X)
    names = ["first component", "second component"]
    points = pd.DataFrame(components.transform(X), columns=names)
    crosses = pd.DataFrame(components.transform(centres.to_numpy()), columns=names, index=centres.index)
    weights = pd.DataFrame(components.components_, index=names, columns=list(centres))
    return points, crosses, weights.assign(share=components.explained_variance_ratio_)


def tell_map(explained: pd.DataFrame, dataset: Dataset) -> str:
    """Say how much of the variance the map shows, and which feature weighs most in each direction."""
    weights = explained.drop(columns="share").abs()
    most = [escape(dataset.label(weights.loc[name].idxmax())) for name in explained.index]
    shares = [percent(share) for share in explained["share"]]
    return (
        f"The first two principal components show {percent(explained['share'].sum())} of the variance of the "
        f"{len(weights.columns)} features: the first {shares[0]}, most of all {most[0]}, the second {shares[1]}, most "
        f"of all {most[1]}."
    )


def tell_extremes(centres: pd.DataFrame, dataset: Dataset) -> str:
    """Say between which centroids each feature ranges."""
    parts = [
        f"{escape(dataset.label(f))} from {amount(centres[f].min())} (segment {centres[f].idxmin()}) "
        f"to {amount(centres[f].max(), dataset.columns[f].unit)} (segment {centres[f].idxmax()})"
        for f in centres
    ]
    return f"The centroids range in {listing(parts)}."


def telling_order(X: np.ndarray, labels: np.ndarray, features: tuple[str, ...]) -> list[str]:
    """Return the features, those first whose variance lies most between the segments; two or fewer as they are."""
    frame = pd.DataFrame(X, columns=list(features))
    between = frame.groupby(labels).transform("mean").var() / frame.var()
    order = between.fillna(0).sort_values(ascending=False, kind="stable").index if len(features) > 2 else features
    return list(order)


def tell_axes(labels: dict[str, str]) -> str:
    """Say which features the axes show, when these are not just two; starts with a blank."""
    if len(labels) == 2:
        return ""
    shown = listing([escape(label) for label in list(labels.values())[:2]])
    many = f" Of {len(labels)} features the axes show the two that differ most between the segments: {shown}."
    return many if len(labels) > 2 else " Both axes show the same."
