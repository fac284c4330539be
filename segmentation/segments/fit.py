"""The segments: scaling and K-Means in one pipeline, and whom it places where."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, RobustScaler, StandardScaler

from segmentation.core.dataset import Column, Dataset, MethodName
from segmentation.core.engine import double, held, kept
from segmentation.customers.counts import power_of, undo, unskew
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import amounts_of, are_items, how_scaled, items_of, shown_means
from segmentation.language import mark, tr
from segmentation.language.writing import labelled, percent
from segmentation.methods.optima import fit_each_k, method_of
from segmentation.methods.scores import precisions, scores_of
from segmentation.runs.records import Placement, Scaled
from segmentation.segments.assign import ASSIGNED, NEAR, UNSURE, assign_rows, shown_placement, told_of
from segmentation.segments.names import HIGH

UNITS = {
    "standard": mark("standard deviations"),
    "robust": mark("interquartile ranges"),
    "none": mark("units of the features"),
}
MARKED, MARKED_OF_WHOLE = 0.25, 0.5  # what makes a share a marker
COMPONENTS = mark("first component"), mark("second component")
POINTS = mark("points")  # of a scale, of which yes or no has one


def fit_segments(
    customers: pd.DataFrame,
    dataset: Dataset,
    features: tuple[str, ...],
    k: int,
    *,
    formed_by: MethodName = "kmeans",
    scaler: Pipeline | None = None,
    seed: int = 0,
) -> Pipeline:
    """Fit scaling, or take one, and the segments of a method as one scikit-learn Pipeline, numbered largest first."""
    scaler, X = scale(customers, dataset, features, scaler)
    method = method_of(formed_by, describe_scaling(scaler, features), dataset)
    return Pipeline([*scaler.steps, (formed_by, fit_each_k(X, [k], method=method, seed=seed)[k].model)])


def centroids(model: Pipeline, features: Sequence[str]) -> pd.DataFrame:
    """Return the centroids transformed back to original units, one row a segment; what is shown is `assign.centres`."""
    told = scaling_and_centroids(model, features)
    index = pd.RangeIndex(1, len(told.centroids) + 1, name="segment")
    return unscaled(pd.DataFrame(told.centroids, index, told.columns), told)


def unscaled(points: pd.DataFrame, model: Placement) -> pd.DataFrame:
    """Return points, a column each z, in original units; of an indicator as it is."""
    back = {f.name: undo(points[f.name] * f.spread + f.centre, f.power) for f in model.features if not f.categories}
    return points.assign(**back)


def scaling_and_centroids(model: Pipeline, features: Sequence[str]) -> Placement:
    """Return what the engine needs to assign customers: how each feature is scaled, the centroids, and the scores."""
    scores = scores_of(model[-1]) if hasattr(model[-1], "predict_proba") else ()
    scaled, centroids = tuple(describe_scaling(model, features)), model[-1].cluster_centers_.tolist()
    return Placement(features=scaled, centroids=centroids, scores=scores)


def scaled_centroids(segmented: Customers, centres: pd.DataFrame, model: Placement) -> pd.DataFrame:
    """Return the centroids in scaled units as they may be shown, one row a segment; NaN where a centre is not shown."""
    shown = shown_placement(segmented, centres, model)
    return pd.DataFrame(shown.centroids if shown else np.nan, columns=model.columns, index=centres.index)


def spreads(model: Pipeline, features: Sequence[str]) -> list[pd.DataFrame]:
    """Return the covariance of the scaled features in each segment of a mixture; none of another method."""
    names = list(features)
    if not hasattr(model[-1], "precisions_cholesky_"):
        return []
    return [pd.DataFrame(covariance, names, names) for covariance in np.linalg.inv(precisions(model[-1]))]


def distance_unit(dataset: Dataset, features: Collection[str]) -> str:
    """Return in what distances, margins and centroids are measured, a message that whoever shows it tells."""
    kind = how_scaled(dataset, features)
    return POINTS if kind == "none" and are_items(dataset, features) else UNITS[kind]


def scaled_label(dataset: Dataset, name: str) -> str:
    """Return what the axis of a scaled feature says."""
    return tr("{label} (scaled)", label=dataset.label(name))


def column_label(dataset: Dataset, column: str) -> str:
    """Return what a scaled column is called: as its feature, or as that and its category."""
    name, _, category = column.partition(": ")
    return labelled(dataset.label(name), category) if category else dataset.label(name)


def principal_map(
    scaled: Customers, features: tuple[str, ...], centres: pd.DataFrame
) -> tuple[Customers, pd.DataFrame, pd.DataFrame] | None:
    """Project scaled customers and centroids on the first two principal components (Pearson 1901) of the sample.

    None of one or two features: the figure of the features themselves is their map.

    Returns
    -------
    points : Customers
    centres : DataFrame, one row a segment
    explained : DataFrame
        For each of the two components its share of the variance, and the weight of each feature.
    """
    if len(features) <= 2:
        return None
    X, names = scaled.sample[list(features)].to_numpy(), list(COMPONENTS)
    components = PCA(2, svd_solver="full").fit(X)
    crosses = (centres.to_numpy() - components.mean_) @ components.components_.T  # NaN where one is not shown
    points = pd.DataFrame(components.transform(X), columns=names).assign(segment=scaled.sample["segment"])
    crosses = pd.DataFrame(crosses, columns=names, index=centres.index).round(2 if scaled.private else 10)
    weights = pd.DataFrame(components.components_, index=names, columns=list(centres))
    points = replace(scaled, table=_projected(scaled.table, components, names, features), sample=points, counted={})
    return points, crosses, weights.assign(share=components.explained_variance_ratio_)


def _projected(table, components: PCA, names: list[str], features: tuple[str, ...]):
    centred = [table[f] - double(mean) for f, mean in zip(features, components.mean_, strict=True)]
    found = {
        name: sum((z * double(w) for z, w in zip(centred, weights, strict=True)), start=double(0))
        for name, weights in zip(names, components.components_, strict=True)
    }
    return table.select("segment", **found)


def are_profiled(dataset: Dataset, features: Collection[str]) -> bool:
    """Return whether a picture of the segments shows all items: fewer than two features are left to be scattered."""
    return len(items_of(dataset, features)) > 0 and len(amounts_of(dataset, features)) < 2


def item_profiles(segmented: Customers, centres: pd.DataFrame) -> pd.DataFrame:
    """Return how each segment answers each item, beside all customers, as it may be shown.

    A marker is an item in which a segment differs from all (Dolnicar, Gruen & Leisch 2018): of yes and no by more than
    a quarter of the customers, or by more than half of the share of all; of a rating, whose mean has no such parts, by
    half a standard deviation of the answers of all or more, where a level is called high or low too.

    Returns
    -------
    DataFrame
        segment, item, value, whole, at and whole_at (where these lie on the scale of the item, from 0 to 1), marker;
        one row a segment and item, the items by where the whole lies, the highest first.
    """
    names = items_of(segmented.dataset, list(centres))
    exact = pd.DataFrame([segmented.mean(names)])
    whole, spread = shown_means(segmented, exact).iloc[0], segmented.deviation(names)
    found = centres[names].stack(future_stack=True).rename_axis(["segment", "item"]).rename("value").reset_index()
    found["whole"] = found["item"].map(whole)
    ends = {name: scale_ends(segmented.dataset, name) for name in names}
    low, high = (found["item"].map({name: end[side] for name, end in ends.items()}) for side in (0, 1))
    found["at"], found["whole_at"] = (found["value"] - low) / (high - low), (found["whole"] - low) / (high - low)
    apart, answers = (
        (found["value"] - found["whole"]).abs(),
        found["item"].map(lambda name: _is_answer(segmented.dataset, name)),
    )
    shares = (apart > MARKED) | (apart > MARKED_OF_WHOLE * found["whole"])
    found["marker"] = shares.where(answers, apart >= HIGH * found["item"].map(spread)) & (len(centres) > 1)
    return found.sort_values("whole_at", ascending=False, kind="stable", ignore_index=True)


def _is_answer(dataset: Dataset, name: str) -> bool:
    return dataset.columns[name].type == "yes/no"


def item_form(dataset: Dataset, name: str):
    """Return how the mean answer of an item is written: of yes and no the share of yes."""
    return percent if _is_answer(dataset, name) else dataset.axis(name).form


def scale_ends(dataset: Dataset, name: str) -> tuple[float, float]:
    """Return the least and the greatest answer of an item."""
    column = dataset.columns[name]
    return (0.0, 1.0) if _is_answer(dataset, name) else (float(column.min or 0), float(column.max or 1))


class Unskew(TransformerMixin, BaseEstimator):
    """Transform each feature by itself.

    Parameters
    ----------
    kinds : list of str
        For each feature "none", "log" (log(1 + x)) or "yeo-johnson" (Yeo & Johnson 2000, its lambda by maximum
        likelihood, rounded so that no last bit of it matters).
    """

    def __init__(self, kinds):
        self.kinds = kinds

    def fit(self, X, y=None):
        """Find the lambda of each feature; 0 is the logarithm, 1 leaves a feature as it is."""
        columns = zip(self.kinds, np.asarray(X, float).T, strict=True)
        self.lambdas_ = np.array([power_of(kind, x) for kind, x in columns])
        return self

    def transform(self, X):
        """Return the transformed features, of the shape of X."""
        columns = zip(self.lambdas_, np.asarray(X, float).T, strict=True)
        return np.column_stack([unskew(x, power) for power, x in columns])

    def inverse_transform(self, X):
        """Undo `transform`."""
        columns = zip(self.lambdas_, np.asarray(X, float).T, strict=True)
        return np.column_stack([undo(x, power) for power, x in columns])


def scaling(dataset: Dataset, features: Sequence[str]) -> Pipeline:
    """Return an unfitted pipeline: the transformations, and then the scale of `how_scaled`.

    Where a feature is a category, each feature is scaled by itself: a category becomes one column of 0 and 1 each, and
    yes or no stays 1 or 0.
    """
    if not all(dataset.columns[name].numeric for name in features):
        kind = how_scaled(dataset, features)
        steps = [(str(i), _scaled_alone(dataset.columns[name], kind), [i]) for i, name in enumerate(features)]
        return Pipeline([("scale", ColumnTransformer(steps))])
    kinds = [dataset.columns[name].transform for name in features]
    unskew = [("unskew", Unskew(kinds))] if set(kinds) != {"none"} else []
    return Pipeline([*unskew, ("scale", _scaler(how_scaled(dataset, features)))])


def _scaled_alone(column: Column, kind: str):
    if not column.numeric:
        return OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    if column.type == "yes/no":
        return _scaler("none")
    return Pipeline([("unskew", Unskew([column.transform])), ("scale", _scaler(kind))])


def _scaler(kind: str):
    if kind == "robust":
        return RobustScaler()
    return StandardScaler(with_mean=kind == "standard", with_std=kind == "standard")


def scale(
    customers: pd.DataFrame, dataset: Dataset, features: tuple[str, ...], scaler: Pipeline | None = None
) -> tuple[Pipeline, np.ndarray]:
    """Fit the scaling, or take a fitted one, and return it with the scaled features, (n_customers, n_columns)."""
    values = customers[list(features)].to_numpy()
    scaler = scaling(dataset, features).fit(values) if scaler is None else scaler
    return scaler, scaler.transform(values)


def scaled_far(scaler: Pipeline, everyone: Customers, forming: Customers, features: Sequence[str]) -> np.ndarray:
    """Return the scaled features of those who were set aside, of the sample."""
    ids, known = (pa.array(customers.sample["id"]) for customers in (everyone, forming))
    far = everyone.sample[~np.asarray(pc.is_in(ids, value_set=known))]  # pandas asks each id by itself
    found = forming.sample.head(1) if far.empty else far
    return scaler.transform(found[list(features)].to_numpy())[: len(far)]


def describe_scaling(model: Pipeline, features: Sequence[str]) -> list[Scaled]:
    """Return how each feature is scaled."""
    scaler, n = model.named_steps["scale"], len(features)
    if isinstance(scaler, ColumnTransformer):
        return [_described(part, name) for (_, part, _), name in zip(scaler.transformers_, features, strict=True)]
    powers = model.named_steps["unskew"].lambdas_ if "unskew" in model.named_steps else np.ones(n)
    return [
        Scaled(name=name, power=power, centre=middle, spread=width)
        for name, power, middle, width in zip(features, powers, *_centre_and_spread(scaler, n), strict=True)
    ]


def _described(part, name: str) -> Scaled:
    if isinstance(part, OneHotEncoder):
        plain = {"power": 1, "centre": 0, "spread": 1}
        return Scaled(name=name, **plain, categories=tuple(map(str, part.categories_[0])))
    return describe_scaling(part if isinstance(part, Pipeline) else Pipeline([("scale", part)]), [name])[0]


def _centre_and_spread(scaler, n: int) -> tuple[np.ndarray, np.ndarray]:
    centre = scaler.center_ if isinstance(scaler, RobustScaler) else scaler.mean_ if scaler.with_mean else np.zeros(n)
    return centre, np.ones(n) if scaler.scale_ is None else scaler.scale_


def segment(customers: Customers, model: Pipeline, features: Sequence[str]) -> Customers:
    """Return the customers with segment, distance and margin."""
    told = scaling_and_centroids(model, features)
    sample = assign_rows(held(customers.sample), told).to_pandas()
    return replace(customers, table=kept(assign_rows(customers.table, told)), sample=sample)


def near_border(segmented: Customers, model: Pipeline, features: tuple[str, ...], limit: float) -> ibis.Table:
    """Return who is nearer than `limit` to a border, the smallest margin first.

    Returns
    -------
    ibis.Table
        id, segment, next_segment (across the border), margin and the features.
    """
    near = segmented.table.filter(segmented.table["margin"] < double(limit))
    near = near.drop(*told_of(near, ASSIGNED))
    found = assign_rows(near, scaling_and_centroids(model, features), across=True)
    return kept(found.select("id", "segment", "next_segment", "margin", *features).order_by("margin", "id"))


def near_limit(model: Pipeline, X: np.ndarray) -> float:
    """Return below which margin a customer is near a border.

    Of distances it is a quarter of the standard deviation of the scaled features (the root of their mean variance), of
    probabilities a half: of two segments the own is then less than three times as likely as the next.
    """
    if hasattr(model[-1], "predict_proba"):
        return UNSURE
    return NEAR * float(np.sqrt(model[:-1].transform(X).var(axis=0).mean()))
