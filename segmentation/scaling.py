"""Bringing features to one scale: logarithm or Yeo-Johnson where the skew asks for it, then centre and spread."""

import numpy as np
import pandas as pd
from scipy.stats import yeojohnson, yeojohnson_normmax
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import RobustScaler, StandardScaler

from segmentation.dataset import Dataset
from segmentation.words import escape, listing

UNITS = {"standard": "standard deviations", "robust": "interquartile ranges", "none": "units of the features"}
LAMBDA_DECIMALS = 6


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
        fitted = {"none": lambda x: 1.0, "log": lambda x: 0.0, "yeo-johnson": _lambda}
        self.lambdas_ = np.array([fitted[kind](x) for kind, x in zip(self.kinds, np.asarray(X, float).T, strict=True)])
        return self

    def transform(self, X):
        """Return the transformed features, of the shape of X."""
        columns = zip(self.lambdas_, np.asarray(X, float).T, strict=True)
        return np.column_stack([x if power == 1 else yeojohnson(x, power) for power, x in columns])

    def inverse_transform(self, X):
        """Undo `transform`."""
        columns = zip(self.lambdas_, np.asarray(X, float).T, strict=True)
        return np.column_stack([x if power == 1 else _undo(x, power) for power, x in columns])


def _lambda(x: np.ndarray) -> float:
    return round(float(yeojohnson_normmax(x)), LAMBDA_DECIMALS) if np.ptp(x) > 0 else 1.0


def _undo(z: np.ndarray, power: float) -> np.ndarray:
    """Invert the transformation of Yeo and Johnson."""
    above, below = np.maximum(z, 0), np.maximum(-z, 0)
    high = np.expm1(above) if power == 0 else (above * power + 1) ** (1 / power) - 1
    low = np.expm1(below) if power == 2 else (below * (2 - power) + 1) ** (1 / (2 - power)) - 1
    return np.where(z >= 0, high, -low)


def scaling(dataset: Dataset, features: tuple[str, ...]) -> Pipeline:
    """Return an unfitted pipeline: the transformations and then the scale that dataset.yaml asks for."""
    kinds = [dataset.columns[name].transform for name in features]
    unskew = [("unskew", Unskew(kinds))] if set(kinds) != {"none"} else []
    return Pipeline([*unskew, ("scale", _scaler(dataset.scaling))])


def _scaler(kind: str):
    if kind == "robust":
        return RobustScaler()
    return StandardScaler(with_mean=kind == "standard", with_std=kind == "standard")


def scale(customers: pd.DataFrame, dataset: Dataset, features: tuple[str, ...]) -> tuple[Pipeline, np.ndarray]:
    """Fit the scaling and return it with the scaled features, of shape (n_customers, n_features)."""
    scaler = scaling(dataset, features)
    return scaler, scaler.fit_transform(customers[list(features)].to_numpy())


def tell_scaling(scaler: Pipeline, dataset: Dataset, features: tuple[str, ...]) -> str:
    """Say how the features were brought to one scale."""
    told = {
        "standard": "Each has mean 0 and standard deviation 1.",
        "robust": "Each has median 0 and interquartile range 1.",
        "none": "They are left in their own units, because dataset.yaml says that these can be compared.",
    }
    scaled = describe_scaling(scaler, features)
    kinds = [dataset.columns[name].transform for name in features]
    logged = [escape(dataset.label(name)) for name, kind in zip(features, kinds, strict=True) if kind == "log"]
    powers = [
        f"{escape(dataset.label(name))} (lambda {how['lambda']:.2f})"
        for name, kind, how in zip(features, kinds, scaled, strict=True)
        if kind == "yeo-johnson"
    ]
    first = [f"The logarithm is taken first of {listing(logged)}."] if logged else []
    second = [f"Transformed first as Yeo and Johnson (2000) do: {listing(powers)}."] if powers else []
    return " ".join([told[dataset.scaling], *first, *second])


def describe_scaling(model: Pipeline, features: tuple[str, ...]) -> list[dict]:
    """Return for each feature lambda, centre and spread: z = (t - centre) / spread, with t the transformed value."""
    scaler, n = model.named_steps["scale"], len(features)
    centre = scaler.center_ if isinstance(scaler, RobustScaler) else scaler.mean_ if scaler.with_mean else np.zeros(n)
    spread = np.ones(n) if scaler.scale_ is None else scaler.scale_
    powers = model.named_steps["unskew"].lambdas_ if "unskew" in model.named_steps else np.ones(n)
    return [
        {"lambda": float(power), "centre": float(middle), "spread": float(width)}
        for power, middle, width in zip(powers, centre, spread, strict=True)
    ]
