"""The segments: scaling and K-Means in one pipeline, and who belongs to which."""

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from segmentation.artifacts import is_expression, write_csv, write_parquet
from segmentation.assignment import assign_rows, double
from segmentation.customers import ASSIGNED, Customers
from segmentation.dataset import Dataset
from segmentation.engine import stored
from segmentation.k_selection import best_kmeans
from segmentation.privacy import SMALLEST_GROUP
from segmentation.scaling import describe_scaling, scale
from segmentation.study import Study
from segmentation.words import amount, escape, listing, percent

DECIMALS = 6
NEAR = 0.25
MOST_IN_CSV = 1_000_000


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


def describe(model: Pipeline, features: tuple[str, ...]) -> dict:
    """Return what the engine needs to assign customers: how each feature is scaled, and the centroids."""
    scaled = zip(features, describe_scaling(model, features), strict=True)
    centres = model[-1].cluster_centers_.tolist()
    return {"features": [{"name": name, **how} for name, how in scaled], "centroids": centres}


def segment(customers: Customers, model: Pipeline, features: tuple[str, ...]) -> Customers:
    """Return the customers with segment, distance and margin, as `assign` gives them; too many are put aside so."""
    assigned = assign(model, customers.sample[list(features)].to_numpy())
    everyone = stored(assign_rows(customers.everyone, describe(model, features))) if customers.sampled else None
    return Customers(customers.sample.join(assigned), everyone, customers.counted)


def write_segments(study: Study, segmented: Customers) -> None:
    """Write segments.parquet, and segments.csv up to a million customers: id, segment, distance, margin.

    Of more customers than can be held, segmented.parquet too: what the next notebooks would else put together again.
    """
    table = segmented.table[["id", *ASSIGNED]]
    study.path("segmented.parquet").unlink(missing_ok=True)
    if segmented.sampled:
        write_parquet(study.path("segmented.parquet"), segmented.everyone)
    write_parquet(study.path("segments.parquet"), table)
    if segmented.number <= MOST_IN_CSV:
        write_csv(study.path("segments.csv"), table)
    else:
        study.path("segments.csv").unlink(missing_ok=True)


def near_border(segmented: Customers, model: Pipeline, features: tuple[str, ...], limit: float):
    """Return who is nearer than `limit` to a border: id, segment, next_segment (across it), margin and the features.

    A frame, indexed by row of the sample, the smallest margin first; of more customers than can be held an Ibis table.
    """
    columns = ["id", "segment", "next_segment", "margin", *features]
    if segmented.sampled:
        near = segmented.everyone.filter(segmented.everyone["margin"] < double(limit)).drop(*ASSIGNED)
        return stored(assign_rows(near, describe(model, features), across=True).select(*columns))
    near = segmented.sample[segmented.sample["margin"] < limit].sort_values(["margin", "id"])
    if near.empty:
        return near.assign(next_segment=0)[columns]
    with threadpool_limits(1):
        order = np.argsort(model.transform(near[list(features)].to_numpy()), axis=1, kind="stable")
    return near.assign(next_segment=order[:, 1] + 1)[columns]


def nearest(near, most: int = 10) -> pd.DataFrame:
    """Return segment, next segment, margin and features of the nearest to a border of those that are near one."""
    first = near.order_by("margin", "id").limit(most).to_pandas() if is_expression(near) else near.head(most)
    return first.drop(columns="id")


def write_near(study: Study, near) -> None:
    """Write borderline.csv: id, segment, next_segment and margin of who is near a border."""
    write_csv(study.path("borderline.csv"), near[["id", "segment", "next_segment", "margin"]])


def near_limit(model: Pipeline, X: np.ndarray) -> float:
    """Return a quarter of the standard deviation of the scaled features (the root of their mean variance)."""
    return NEAR * float(np.sqrt(model[:-1].transform(X).var(axis=0).mean()))


def tell_border(pairs: pd.DataFrame, customers: int, limit: str, *, private: bool) -> str:
    """Say how many customers are near a border, and near which most; nothing of fewer than ten when `private`.

    Parameters
    ----------
    pairs : DataFrame
        As `borders` returns them.
    limit : str
        The largest margin of those near a border, with its unit.
    """
    if pairs.empty:
        return f"For no customer is the next centroid less than {limit} farther than the own."
    least, near = SMALLEST_GROUP if private else 1, int(pairs["customers"].sum())
    many = f"{near:,}" if near >= least else f"Fewer than {SMALLEST_GROUP}"
    told = (
        f"{many} of {customers:,} customers are near a border: the next centroid is less than "
        f"{limit} farther than the own"
    )
    if pairs["customers"].iloc[0] < least:
        return f"{told}."
    return f"{told}. Most of them ({pairs['customers'].iloc[0]:,}) lie between segments {pairs['between'].iloc[0]}."


def borders(near) -> pd.DataFrame:
    """Return how many of the customers near a border lie between each two segments: between, customers."""
    by = ["segment", "next_segment"]
    if is_expression(near):
        counts = near.group_by(by).agg(customers=near.count()).to_pandas().set_index(by)["customers"]
    else:
        counts = near.groupby(by).size()
    ends = [f"{min(pair)} and {max(pair)}" for pair in counts.index]
    found = counts.groupby(ends).sum().sort_index().sort_values(ascending=False, kind="stable")
    return found.rename_axis("between").rename("customers").reset_index()


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


def principal_map(
    scaled: Customers, features: tuple[str, ...], centres: pd.DataFrame
) -> tuple[Customers, pd.DataFrame, pd.DataFrame]:
    """Project scaled customers and centroids on the first two principal components (Pearson 1901) of the sample.

    Returns
    -------
    points : Customers
    centres : DataFrame, one row a segment
    explained : DataFrame
        For each of the two components its share of the variance, and the weight of each feature.
    """
    X, names = scaled.sample[list(features)].to_numpy(), ["first component", "second component"]
    components = PCA(2, svd_solver="full").fit(X)
    points = pd.DataFrame(components.transform(X), columns=names).assign(segment=scaled.sample["segment"])
    crosses = pd.DataFrame(components.transform(centres.to_numpy()), columns=names, index=centres.index)
    weights = pd.DataFrame(components.components_, index=names, columns=list(centres))
    everyone = _projected(scaled.everyone, components, names, features) if scaled.sampled else None
    return Customers(points, everyone), crosses, weights.assign(share=components.explained_variance_ratio_)


def _projected(table, components: PCA, names: list[str], features: tuple[str, ...]):
    centred = [table[f] - double(mean) for f, mean in zip(features, components.mean_, strict=True)]
    found = {
        name: sum((z * double(w) for z, w in zip(centred, weights, strict=True)), start=double(0))
        for name, weights in zip(names, components.components_, strict=True)
    }
    return table.select("segment", **found)


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
