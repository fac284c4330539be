"""Gaussian mixtures of six covariance families: the best of many starts, all of them climbed at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from segmentation.core.dataset import MethodName
from segmentation.core.parallel import spread
from segmentation.customers.exploring import sample_rows
from segmentation.methods.kmeans import LARGEST_AT_ONCE, best_kmeans, divisions_to_start, fit_once
from segmentation.methods.method import (
    LARGEST_EXACT,
    LARGEST_RESAMPLED,
    Fitted,
    Optimum,
    centres_of,
    largest_first,
    random_state,
    require_distinct,
)

FAMILIES = {"EII": "spherical", "VII": "spherical", "EEI": "diag", "VVI": "diag", "EEE": "tied", "VVV": "full"}
# of Fraley & Raftery (2002), volume, shape and orientation equal (E), varying (V) or none (I); as scikit-learn says
DIAGONAL, POOLED = ("EII", "VII", "EEI", "VVI"), ("EII", "EEI", "EEE")
FLOOR = 1e-4  # of a variance, where those of the columns are about 1: what is thinner is a few customers on a line
LOG_2_PI = float(np.log(2 * np.pi))
SMALLEST_COMPONENT = 2  # rows that a component must be the likeliest of, to be a segment
SHORT_CLIMB, LONG_CLIMB = 20, 1_000
SAME = 1e-4  # of log-likelihood a customer, between two climbs to one optimum


class Effort(NamedTuple):
    """How many starts of each kind, how many climb to the end, what they gain at last, and whether trees too."""

    starts: int
    kept: int
    settled: float
    trees: bool


THOROUGH, QUICK = Effort(10, 4, 1e-6, trees=True), Effort(6, 2, 1e-4, trees=False)


class Mixtures(NamedTuple):
    """Mixtures of one family and one k, one a start.

    shares : (starts, k)
    means : (starts, k, d)
    spreads : (starts, k, d) variances of a diagonal family, else (starts, k, d, d) covariances
    likelihood : (starts,) its logarithm; of a degenerate mixture minus infinity
    """

    shares: np.ndarray
    means: np.ndarray
    spreads: np.ndarray
    likelihood: np.ndarray


def free_parameters(family: str, k: int, d: int) -> int:
    """Return the number of free parameters, as mclust counts them."""
    full = d * (d + 1) // 2
    spreads = {"EII": 1, "VII": k, "EEI": d, "VVI": k * d, "EEE": full, "VVV": k * full}
    return k - 1 + k * d + spreads[family]


def bic(likelihood: float, family: str, k: int, n: int, d: int) -> float:
    """Return the BIC, lower is better (Schwarz 1978)."""
    return free_parameters(family, k, d) * float(np.log(n)) - 2 * likelihood


def mixture_bic(X: np.ndarray, k_values, *, seed: int = 0) -> pd.DataFrame:
    """Return the BIC of Gaussian mixtures with k components, lower is better (Fraley & Raftery 2002, sign reversed).

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features), scaled

    Returns
    -------
    DataFrame
        Indexed by k, one column for each of six covariance families; NaN where every start degenerates.
    """
    longest_first = list(k_values)[::-1]
    rows = spread(_bic_of_each, longest_first, X, seed)[::-1]
    return pd.DataFrame(rows, index=pd.Index(list(k_values), name="k"), columns=list(FAMILIES))


def _bic_of_each(k: int, X: np.ndarray, seed: int) -> dict[str, float]:
    return {family: found.bic for family, found in _search(_ordered(X)[0], k, random_state(seed, k)).items()}


@dataclass(frozen=True)
class Found:
    """The best mixture of one family (of one start), its BIC, and how many climbs were finished and reached it."""

    mixture: Mixtures
    family: str
    bic: float
    starts: int
    reached: int


def _ordered(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns in an order of their values, so that no other order changes a draw, and the columns'."""
    columns = np.lexsort(np.sort(X, axis=0)[::-1])
    turned = X[:, columns]
    return np.ascontiguousarray(turned[np.lexsort(turned.T)]), columns


def _search(X: np.ndarray, k: int, rng: np.random.Generator, families=tuple(FAMILIES), *, rows: int = 0):
    """Return family -> the best mixture that does not degenerate and whose components are each likeliest for some rows.

    Each family starts from the same divisions and from what the families before it have found.
    """
    parts, found = divisions_to_start(X, k, rng, THOROUGH.starts, trees=THOROUGH.trees), {}
    for family in families:
        best, ends = _best_of(X, parts, family, THOROUGH, rows=rows)
        if best is not None:
            found[family] = best
            parts = np.concatenate([parts, ends])
    return found


def _best_of(X: np.ndarray, parts: np.ndarray, family: str, effort: Effort, *, rows: int):
    """Return the best mixture that starts reach, and its parts; None where every start degenerates.

    All climb a few steps, the best of them until they settle, and the others only where those degenerate. On larger
    tables they do in single precision, and then to the end in double.

    Parameters
    ----------
    parts : ndarray of shape (starts, k, n)
        The share of each row that each component has at the start.
    rows : int
        How many rows every component must be the likeliest of.
    """
    if not len(parts):
        return None, parts
    (n, d), k = X.shape, parts.shape[1]
    moments = _moments_of(X, family)
    rough = moments.astype(np.float32) if n > LARGEST_AT_ONCE else moments
    short, sums = _climb(rough, parts @ moments, family, d, SHORT_CLIMB, effort.settled)
    order = np.argsort(-short.likelihood, kind="stable")
    for some in filter(len, (order[: effort.kept], order[effort.kept :])):
        at = _climb(rough, sums[some], family, d, LONG_CLIMB, effort.settled)[1] if rough is not moments else sums[some]
        ends, _ = _climb(moments, at, family, d, LONG_CLIMB, effort.settled)
        reached = _expect(_density_terms(ends, family)[0], moments.T)[0]
        whole = _sizes(reached).min(axis=1) >= rows
        likelihood = np.where(whole, ends.likelihood, -np.inf)
        best = int(likelihood.argmax())
        if np.isfinite(highest := float(likelihood[best])):
            mixture = Mixtures(*(values[best : best + 1] for values in ends))
            same = int((likelihood >= highest - SAME * n).sum())
            return Found(mixture, family, bic(highest, family, k, n, d), len(some), same), reached[best : best + 1]
    return None, parts[:0]


def _sizes(parts: np.ndarray) -> np.ndarray:
    """Return of how many rows each component is the likeliest, of shape (starts, k)."""
    return np.stack([np.bincount(labels, minlength=parts.shape[1]) for labels in parts.argmax(axis=1)])


def _moments_of(X: np.ndarray, family: str) -> np.ndarray:
    """Return of each row 1, its values, and their squares, or all products of two where a family needs them."""
    rows, columns = _pairs(X.shape[1], family)
    return np.ascontiguousarray(np.hstack([np.ones((len(X), 1)), X, X[:, rows] * X[:, columns]]))


@cache
def _pairs(d: int, family: str) -> tuple[np.ndarray, np.ndarray]:
    return (np.arange(d), np.arange(d)) if family in DIAGONAL else np.triu_indices(d)


def _climb(moments, sums, family: str, d: int, steps: int, settled: float) -> tuple[Mixtures, np.ndarray]:
    """Run expectation and maximization (Dempster, Laird & Rubin 1977) from sums of moments, until all starts settle.

    Parameters
    ----------
    moments : ndarray of shape (n, m)
    sums : ndarray of shape (starts, k, m)

    Returns
    -------
    Mixtures, and the sums after the last step
    """
    before, turned = np.full(len(sums), -np.inf), np.ascontiguousarray(moments.T)
    for _ in range(steps):
        mixtures, few = _maximize(sums, family, d)
        terms, mixtures, thin = _density_terms(mixtures, family)
        parts, likelihood = _expect(terms.astype(moments.dtype, copy=False), turned)
        sums = (parts @ moments).astype(float, copy=False)
        if (few | thin | (likelihood - before <= settled * len(moments))).all():
            break
        before = likelihood
    return mixtures._replace(likelihood=np.where(few | thin, -np.inf, likelihood)), sums


def _maximize(sums: np.ndarray, family: str, d: int) -> tuple[Mixtures, np.ndarray]:
    """Return the mixtures that sums of moments make likeliest, and which of them have a component of too few rows.

    One row makes no component, in any family: its density has no bound, or it is an outlier. A full covariance of its
    own needs twice as many as there are columns: of fewer it is nearly flat by chance, and likely for that.
    """
    sizes = np.maximum(sums[..., 0], 1e-10)
    shares, means = sizes / sizes.sum(axis=1, keepdims=True), sums[..., 1 : 1 + d] / sizes[..., None]
    rows, columns = _pairs(d, family)
    spreads = sums[..., 1 + d :] / sizes[..., None] - means[..., rows] * means[..., columns]
    if family in POOLED:
        spreads = np.broadcast_to((shares[..., None] * spreads).sum(axis=1, keepdims=True), spreads.shape)
    if family in ("EII", "VII"):
        spreads = np.broadcast_to(spreads.mean(axis=2, keepdims=True), spreads.shape)
    if family not in DIAGONAL:
        spreads, flat = np.empty((*means.shape, d)), spreads
        spreads[..., rows, columns] = spreads[..., columns, rows] = flat
    few = sizes.min(axis=1) < (2 * d if family == "VVV" else 2) - 0.5
    return Mixtures(shares, means, spreads, np.zeros(len(sums))), few


def _density_terms(mixtures: Mixtures, family: str) -> tuple[np.ndarray, Mixtures, np.ndarray]:
    """Return what a row's moments are multiplied with to give the log of share and density of each component.

    And the mixtures with no component thinner than the floor, and which of them had one.
    """
    shares, means, spreads, likelihood = mixtures
    d = means.shape[-1]
    if family in DIAGONAL:
        thin, spreads = np.any(spreads < FLOOR, axis=(1, 2)), np.maximum(spreads, FLOOR)
        quadratic, volume = -0.5 / spreads, np.log(spreads).sum(axis=-1)
        linear = means / spreads
    else:
        own = spreads[:, :1] if family == "EEE" else spreads
        own, inverse, volume, thin = _floored(own)
        rows, columns = _pairs(d, family)
        quadratic = inverse[..., rows, columns] * np.where(rows == columns, -0.5, -1.0)
        quadratic = np.broadcast_to(quadratic, (*means.shape[:2], len(rows)))
        spreads, linear = np.broadcast_to(own, (*means.shape, d)), (inverse @ means[..., None])[..., 0]
    constant = np.log(shares) - 0.5 * (d * LOG_2_PI + volume + (linear * means).sum(axis=-1))
    terms = np.concatenate([constant[..., None], linear, quadratic], axis=-1)
    return terms, Mixtures(shares, means, spreads, likelihood), thin


def _floored(spreads: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return covariances with no direction thinner than the floor, inverses, log determinants, and which had one."""
    values, vectors = np.linalg.eigh(spreads)
    thin = np.any(values[..., 0] < FLOOR, axis=1)
    values = np.maximum(values, FLOOR)
    if thin.any():
        spreads = (vectors * values[..., None, :]) @ vectors.swapaxes(-1, -2)
    inverse = (vectors / values[..., None, :]) @ vectors.swapaxes(-1, -2)
    return spreads, inverse, np.log(values).sum(axis=-1), thin


def _expect(terms: np.ndarray, turned: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of each component for each row, of shape (starts, k, n), and the log-likelihoods."""
    parts = terms @ turned
    highest = parts.max(axis=1, keepdims=True)
    np.exp(np.subtract(parts, highest, out=parts), out=parts)
    total = parts.sum(axis=1, keepdims=True)
    parts /= total
    return parts, (highest + np.log(total)).sum(axis=(1, 2), dtype=float)


@dataclass(frozen=True)
class MixtureFit:
    """One mixture, with what scikit-learn calls its results."""

    family: str
    terms: np.ndarray
    labels_: np.ndarray
    cluster_centers_: np.ndarray
    inertia_: float

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the likeliest component of each row."""
        return _likeliest(self.terms, self.family, X)


def _likeliest(terms: np.ndarray, family: str, X: np.ndarray) -> np.ndarray:
    return (terms @ _moments_of(X, family).T).argmax(axis=0)


def _estimator(found: Found, X: np.ndarray, columns: np.ndarray) -> GaussianMixture:
    """Return scikit-learn's mixture with the parameters that were found, and what a division says of itself.

    Its components are numbered by the customers that are likeliest of each, the most first, ties by their mean.
    """
    back = np.argsort(columns)
    shares, means, spreads = (values[0] for values in found.mixture[:3])
    means, spreads = means[:, back], spreads[:, back]
    spreads = spreads if found.family in DIAGONAL else spreads[:, :, back]
    sizes = np.bincount(_set(found.family, shares, means, spreads).predict(X), minlength=len(shares))
    order = largest_first(sizes, means)
    model = _set(found.family, shares[order], means[order], spreads[order])
    model.labels_, model.bic_, model.family_ = model.predict(X), found.bic, found.family
    model.cluster_centers_, model.inertia_ = means[order], np.nan
    if sizes.min():
        model.cluster_centers_, model.inertia_ = centres_of(X, model.labels_, len(shares))
    return model


def _set(family: str, shares: np.ndarray, means: np.ndarray, spreads: np.ndarray) -> GaussianMixture:
    """Return scikit-learn's mixture with these parameters, as if it had fitted them."""
    kind = FAMILIES[family]
    model = GaussianMixture(len(shares), covariance_type=kind)
    own = {"spherical": spreads[..., 0], "tied": spreads[0]}.get(kind, spreads)
    if kind in ("full", "tied"):
        root = np.linalg.inv(np.linalg.cholesky(own)).swapaxes(-1, -2)
        precisions = root @ root.swapaxes(-1, -2)
    else:
        root, precisions = 1 / np.sqrt(own), 1 / own
    model.weights_, model.means_, model.covariances_ = shares / shares.sum(), means, np.array(own)
    model.precisions_, model.precisions_cholesky_ = precisions, root
    model.converged_, model.n_features_in_ = True, means.shape[1]
    return model


@dataclass(frozen=True)
class MixtureMethod:
    """Gaussian mixtures (Fraley & Raftery 2002): segments that may be long, unequal or overlapping.

    families : the covariance family of each k; where a k is not among them, the one with the best BIC is taken
    """

    name: MethodName = "mixture"
    nulls: tuple[str, ...] = ("columns permuted", "one Gaussian")
    families: Mapping[int, str] = field(default_factory=dict)

    def best(self, X: np.ndarray, k: int, *, seed: int) -> Optimum:
        """Return the mixture with the best BIC of the families, each from many starts.

        Above 1,000 customers the starts are made on a random sample of 1,000, and what they reach climbs on; above
        10,000 it does so on a random sample of 10,000. Where every family degenerates or leaves a component nobody's,
        the segments are those of K-Means.
        """
        some = X[sample_rows(len(X), LARGEST_EXACT, seed=seed)]
        require_distinct(some, k)
        families = (self.families[k],) if k in self.families else tuple(FAMILIES)
        few, columns = _ordered(some[sample_rows(len(some), LARGEST_RESAMPLED, seed=seed)])
        with threadpool_limits(1):
            found = _search(few, k, random_state(seed, k), families, rows=SMALLEST_COMPONENT)
            if len(few) < len(some):
                found = {family: one for family in found if (one := _climbed(some[:, columns], found[family]))}
            for one in sorted(found.values(), key=lambda one: one.bic):
                model = _estimator(one, X, columns)
                if len(np.unique(model.labels_)) == k:
                    return Optimum(model, one.starts, one.reached)
            return _round(X, k, seed)

    def once(self, X: np.ndarray, k: int, rng: np.random.Generator) -> Fitted:
        """Return the best of a few starts; without a family of its k, that of all families."""
        parts, best = divisions_to_start(X, k, rng, QUICK.starts, trees=QUICK.trees), None
        for family in (self.families[k],) if k in self.families else FAMILIES:
            found, _ = _best_of(X, parts, family, QUICK, rows=SMALLEST_COMPONENT)
            if found and (best is None or found.bic < best.bic):
                best = found
        return _quick(best, X) if best else fit_once(X, k, rng)

    def space(self, X: np.ndarray) -> np.ndarray:
        """Return the customers where distances between them are measured: where they are."""
        return X

    def settled(self, optima: Mapping[int, Optimum]) -> "MixtureMethod":
        """Return the method that keeps the family of each best optimum, for quick fits."""
        return replace(self, families={k: vars(optimum.model)["family_"] for k, optimum in optima.items()})


def _climbed(X: np.ndarray, found: Found) -> Found | None:
    """Return what a mixture climbs to on other rows."""
    moments = _moments_of(X, found.family)
    parts, _ = _expect(_density_terms(found.mixture, found.family)[0], moments.T)
    best, _ = _best_of(X, parts, found.family, QUICK, rows=SMALLEST_COMPONENT)
    return best and replace(best, starts=found.starts, reached=found.reached)


def _quick(found: Found, X: np.ndarray) -> MixtureFit:
    """Return a mixture as a division of the rows."""
    k = found.mixture.shares.shape[1]
    terms = _density_terms(found.mixture, found.family)[0][0]
    labels = _likeliest(terms, found.family, X)
    return MixtureFit(found.family, terms, labels, *centres_of(X, labels, k))


def _round(X: np.ndarray, k: int, seed: int) -> Optimum:
    """Return a mixture whose segments are those of K-Means: its components are of one size and width, and round."""
    optimum = best_kmeans(X, k, seed=seed)
    width = max(optimum.model.inertia_ / X.size, FLOOR)
    spreads = np.full((1, k, X.shape[1]), width)
    mixture = Mixtures(np.full((1, k), 1 / k), optimum.model.cluster_centers_[None], spreads, np.zeros(1))
    _, [likelihood] = _expect(_density_terms(mixture, "EII")[0], _moments_of(X, "EII").T)
    found = Found(mixture, "EII", bic(likelihood, "EII", k, *X.shape), 1, 1)
    return replace(optimum, model=_estimator(found, X, np.arange(X.shape[1])))


MIXTURE = MixtureMethod()
