"""Would other choices draw the same segments, how exact are shares and centres, and in what else do segments differ?"""

from typing import Literal

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.stats import chi2_contingency, kruskal, rankdata
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import minmax_scale, robust_scale, scale

from segmentation.core.dataset import Dataset, MethodName
from segmentation.core.errors import UsageError
from segmentation.core.parallel import spread
from segmentation.core.privacy import SMALLEST_GROUP, least, step, to_step
from segmentation.core.store.reuse import reused
from segmentation.customers.counts import Grouping, tukey_fences
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import how_scaled, items_of, sample_rows, shown_means
from segmentation.evidence.decision import LEVEL, SIGNIFICANT
from segmentation.language import mark, tr
from segmentation.language.writing import listing
from segmentation.methods.kmeans import KMEANS
from segmentation.methods.method import Method, has_distinct, random_state
from segmentation.methods.optima import method_of
from segmentation.runs.records import Placement
from segmentation.segments.assign import averaged, bent, exact_centres, restored
from segmentation.segments.fit import describe_scaling
from segmentation.segments.fit import scale as scale_features

LARGEST_COMPARED = 5_000
LARGEST_DRAW = 2_000
LEAST_UNSURE = 0.06  # of a p-value with one digit


def intervals(
    customers: Customers,
    scaled: Customers,
    model: Placement,
    *,
    resamples: int,
    seed: int,
    method: Method = KMEANS,
    fixed: bool = False,
    everyone: Customers | None = None,
) -> pd.DataFrame:
    """Return the intervals of `bootstrap_intervals` for shares and `centres`, of a sample moved to where all stand.

    A share is one of `everyone`, those too who took no part in forming the segments. Where these are `fixed`, a
    resample is not segmented anew.
    """
    how = {"resamples": resamples, "seed": seed}
    labels, X = customers.sample["segment"].to_numpy() - 1, scaled.sample[model.columns].to_numpy()
    means = {f.name: of.sample[f.name].to_numpy() for f, of in averaged(customers, scaled, model.numbers)}
    smallest, means = least(customers.private), pd.DataFrame(means)
    found = bootstrap_intervals(X, means, labels, smallest=smallest, method=None if fixed else method, **how)
    some, seen = (Customers.of(customers.dataset, of.sample) for of in (customers, scaled))
    moved = _shares_and_means(customers, scaled, model) - _shares_and_means(some, seen, model)
    moved["share"] += _shares(everyone or customers) - _shares(customers)
    for quantity in moved:
        found[quantity] = found[quantity].add(moved[quantity], axis=0)
    own = exact_centres(customers, scaled, model)
    for side in ("low", "high"):
        ends = {f.name: restored(found[f"centre_{f.name}", side], f) for f in model.numbers}
        of = {"bent": bent(model), "beside": own, "towards": side}
        shown = shown_means(customers, pd.DataFrame(ends), Grouping("segment"), **of)
        for name in shown:
            found[f"centre_{name}", side] = shown[name]
        if customers.private:
            found["share", side] = to_step(found["share", side], step(customers.number, 0, 1), side)
    return found


def _shares_and_means(customers: Customers, scaled: Customers, model: Placement) -> pd.DataFrame:
    pairs = averaged(customers, scaled, model.numbers)
    means = pd.DataFrame({f"centre_{f.name}": of.means([f.name])[f.name] for f, of in pairs})
    return means.assign(share=_shares(customers))


def _shares(customers: Customers) -> pd.Series:
    return customers.counts("segment") / customers.number


def compare_choices(
    customers: pd.DataFrame,
    dataset: Dataset,
    features: tuple[str, ...],
    labels: np.ndarray,
    *,
    formed_by: MethodName = "kmeans",
    seed: int = 0,
) -> pd.DataFrame:
    """Return how far the segments under other choices, with the same k, agree with those at hand.

    The measure is the adjusted Rand index (Hubert & Arabie 1985): 1 is the same partition, 0 what chance gives. Above
    5,000 customers a random sample is compared. A choice under which fewer distinct points than segments are left
    is passed over, and so is every one where there is one segment: none draws a border.

    Parameters
    ----------
    labels : ndarray of shape (n_customers,)
        The segments at hand, from 0, and the method that formed them.

    Returns
    -------
    DataFrame
        choice, customers (how many were compared: where rows are private ten or more), agreement.
    """
    k = int(labels.max()) + 1
    rows = sample_rows(len(customers), LARGEST_COMPARED, seed=seed)
    some, own = customers.iloc[rows].reset_index(drop=True), labels[rows]
    choices = [
        (name, method, X, kept)
        for name, method, X, kept in (_choices(some, dataset, list(features), formed_by) if k > 1 else [])
        if has_distinct(X, k) and kept.sum() >= least(dataset.private)
    ]
    others = reused(_segment_each, [(method, X) for _, method, X, _ in choices], k, seed)
    found = [
        (name, int(kept.sum()), adjusted_rand_score(own[kept], other))
        for (name, _, _, kept), other in zip(choices, others, strict=True)
    ]
    return pd.DataFrame(found, columns=["choice", "customers", "agreement"])


def _choices(customers: pd.DataFrame, dataset: Dataset, features: list[str], formed_by: MethodName) -> list[tuple]:
    """Return (name, method or "ward", X, which customers X holds) for each other choice."""
    X, own = _view(customers, dataset, features, formed_by)
    everyone, usual = np.ones(len(X), bool), ~_outliers(X)
    rows: list[tuple] = [
        (tr(name), other if other == "ward" else _view(customers, dataset, features, other)[1], X, everyone)
        for name, other in _rivals(dataset, features).items()
        if other != formed_by
    ]
    if formed_by != "latent-class":  # which no scale changes
        scales = SCALES if how_scaled(dataset, features) == "standard" else SCALES | STANDARD
        rows += [(tr(name), own, rescale(X), everyone) for name, rescale in scales.items()]
        if not usual.all():
            rows.append((tr("Without outliers"), own, _view(customers[usual], dataset, features, formed_by)[0], usual))
    for name in features if len(features) > 1 else []:
        view, method = _view(customers, dataset, [other for other in features if other != name], formed_by)
        rows.append((without(dataset, name), method, view, everyone))
    for name in dataset.named("feature", "descriptor"):
        known = customers[name].notna().to_numpy()
        if name not in features and dataset.columns[name].numeric and customers[name].nunique() > 1:
            view, method = _view(customers[known], dataset, [*features, name], formed_by)
            rows.append((tr("With {label}", label=dataset.label(name)), method, view, known))
    return rows


def _rivals(dataset: Dataset, features: list[str]) -> dict[str, MethodName | Literal["ward"]]:
    """Return the methods that suit these features, by their names: between categories there is no distance."""
    items = len(items_of(dataset, features))
    if not all(dataset.columns[name].numeric for name in features):
        return {"Latent classes": "latent-class"}
    unsuited = {"Gaussian mixture"} if items == len(features) else set() if items else {"Latent classes"}
    return {name: method for name, method in RIVALS.items() if name not in unsuited}


def _view(
    customers: pd.DataFrame, dataset: Dataset, features: list[str], formed_by: MethodName
) -> tuple[np.ndarray, Method]:
    """Return the features as a method sees them, and the method for what it sees."""
    scaler, X = scale_features(customers, dataset, tuple(features))
    return X, method_of(formed_by, describe_scaling(scaler, features), dataset)


def without(dataset: Dataset, name: str) -> str:
    """Return what the choice is called that leaves a feature out."""
    return tr("Without {label}", label=dataset.label(name))


def _outliers(X: np.ndarray) -> np.ndarray:
    """Return who lies more than 1.5 times the middle half beyond it in any feature (Tukey 1977)."""
    low, high = np.quantile(X, [0.25, 0.75], axis=0)
    least, most = tukey_fences(low, high)
    return ((least > X) | (most < X)).any(axis=1)


def _segment_each(choices: list[tuple], k: int, seed: int) -> list[np.ndarray]:
    return spread(_segment, choices, k, seed)


def _segment(choice: tuple, k: int, seed: int) -> np.ndarray:
    method, X = choice
    if method == "ward":
        return AgglomerativeClustering(k, linkage="ward").fit_predict(X)
    return method.best(X, k, seed=seed).model.labels_


RIVALS: dict[str, MethodName | Literal["ward"]] = {
    mark("K-Means"): "kmeans",
    mark("Gaussian mixture"): "mixture",
    mark("Latent classes"): "latent-class",
    mark("Ward hierarchical clustering"): "ward",
}
SCALES = {
    mark("Scaled to the range from 0 to 1"): minmax_scale,
    mark("Scaled by median and quartiles"): robust_scale,
    mark("Scaled as ranks"): lambda X: scale(rankdata(X, axis=0)),
}
STANDARD = {mark("Scaled to standard deviations"): scale}


def bootstrap_intervals(
    X: np.ndarray,
    averaged: pd.DataFrame,
    labels: np.ndarray,
    *,
    resamples: int,
    smallest: int = 1,
    method: Method | None = KMEANS,
    seed: int = 0,
) -> pd.DataFrame:
    """Return 95% percentile intervals for the share and the centre of each segment (Efron & Tibshirani 1993).

    Each resample of the customers is segmented anew by the same method (None leaves them where they are), and its
    segments are matched with those at hand by the largest overlap (Kuhn 1955), so that the intervals hold the
    uncertainty of the borders too. Above 2,000 customers m = 2,000 of them are drawn, and the deviations are reduced by
    the square root of m / n (Bickel, Götze & van Zwet 1997).

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features), scaled
    averaged : DataFrame of shape (n_customers, n_features)
        The same features in the units in which a centre is a mean (`assign.averaged`).
    labels : ndarray of shape (n_customers,)
        The segments at hand, from 0.
    smallest : int
        A segment of a resample that holds fewer customers has no centre: its mean could be the value of one.

    Returns
    -------
    DataFrame
        Indexed by segment (from 1); columns (quantity, "low" or "high"), where a quantity is "share" or
        "centre_<feature>".
    """
    values, k = averaged.to_numpy(float), int(labels.max()) + 1
    m = min(len(X), LARGEST_DRAW)
    drawn = reused(_draw_each, resamples, X, values, labels, m, smallest, method, seed)
    estimate = _shares_and_centres(values, labels, k)
    limits = {
        name: estimate + (np.nanquantile(drawn, level, axis=0) - estimate) * np.sqrt(m / len(X))
        for name, level in (("low", (1 - LEVEL) / 2), ("high", (1 + LEVEL) / 2))
    }
    quantities = ["share", *(f"centre_{name}" for name in averaged)]
    index = pd.RangeIndex(1, k + 1, name="segment")
    sides = {name: pd.DataFrame(limit, index=index, columns=quantities) for name, limit in limits.items()}
    return pd.concat(sides, axis=1).swaplevel(axis=1)[quantities]


def _draw_each(resamples: int, *shared) -> np.ndarray:
    return np.array(spread(_draw, list(range(resamples)), *shared))


def _draw(
    i: int,
    X: np.ndarray,
    values: np.ndarray,
    labels: np.ndarray,
    m: int,
    smallest: int,
    method: Method | None,
    seed: int,
) -> np.ndarray:
    """Return share and centre of each segment in one resample; no centre (NaN) of one that holds too few."""
    k, rng = int(labels.max()) + 1, random_state(seed, 6, i)
    rows = rng.integers(len(X), size=m)
    if method is None:
        return _shares_and_centres(values[rows], labels[rows], k, smallest)
    if not has_distinct(X[rows], k):
        return np.full((k, 1 + values.shape[1]), np.nan)
    found = method.once(X[rows], k, rng).labels_
    common = np.zeros((k, k))
    np.add.at(common, (labels[rows], found), 1)
    segment_of = np.argsort(linear_sum_assignment(common, maximize=True)[1])
    return _shares_and_centres(values[rows], segment_of[found], k, smallest)


def _shares_and_centres(values: np.ndarray, labels: np.ndarray, k: int, smallest: int = 1) -> np.ndarray:
    sizes = np.bincount(labels, minlength=k)
    sums = np.column_stack([np.bincount(labels, column, minlength=k) for column in values.T])
    return np.column_stack([sizes / len(labels), sums / np.where(sizes >= smallest, sizes, np.nan)[:, None]])


def compare_descriptors(
    customers: pd.DataFrame, dataset: Dataset, names: list[str], features: list[str]
) -> pd.DataFrame:
    """Test whether each descriptor differs between the segments.

    Categories: Pearson's chi-squared, with Cramer's V (1946). Numbers: Kruskal & Wallis (1952), with epsilon squared
    (Kelley 1935), H / (n - 1). The p-values are corrected for the number of descriptors (Holm 1979). Where rows are
    private, categories of fewer than ten take no part, and figures are rounded: a chi-squared is solved for a count.

    Parameters
    ----------
    customers : DataFrame
        segment (from 1) and descriptors; missing values are left out.

    Returns
    -------
    DataFrame
        descriptor, test, statistic, p, p_corrected, effect (0 to 1), measure; one row a descriptor that varies,
        that which differs most first.

    Raises
    ------
    UsageError
        When a name formed the segments: the test would find what the method made (double dipping).
    """
    dipped = [name for name in names if name in features]
    if dipped:
        raise UsageError(
            f"{listing(dipped)} formed the segments, so that a p-value would only say that the method did its work "
            "(double dipping); test descriptors"
        )
    rows = [_compare(customers[["segment", name]].dropna(), name, dataset) for name in names]
    table = pd.DataFrame(
        [row for row in rows if row], columns=["descriptor", "test", "statistic", "p", "effect", "measure"]
    )
    table.insert(4, "p_corrected", holm(table["p"].to_numpy(dtype=float)))
    table = _rounded_tests(table) if dataset.private else table
    # Epsilon squared is a share of the variance, as the square of a correlation is; Cramer's V is like one itself.
    strength = np.where(table["measure"] == "epsilon squared", table["effect"].clip(lower=0) ** 0.5, table["effect"])
    return table.iloc[np.argsort(-strength.astype(float), kind="stable")].reset_index(drop=True)


def by_effect(tests: pd.DataFrame, names: list[str]) -> list[str]:
    """Return these descriptors in the order of their tests, those that could not be tested last."""
    tested = [name for name in tests["descriptor"] if name in names]
    return tested + [name for name in names if name not in tested]


def _rounded_tests(table: pd.DataFrame) -> pd.DataFrame:
    """Return tests to whole numbers, their effects to tenths and p-values to one digit, on their side of 0.05."""
    shown = {"statistic": [float(f"{round(value):.2g}") for value in table["statistic"]]}
    shown["effect"] = table["effect"].round(1).tolist()
    for name in ("p", "p_corrected"):
        told = [(p, float(f"{p:.1g}") if p >= 0.001 else 0.0) for p in table[name]]
        shown[name] = [LEAST_UNSURE if near <= SIGNIFICANT < p else near for p, near in told]
    return table.assign(**shown)


def _compare(known: pd.DataFrame, name: str, dataset: Dataset) -> tuple | None:
    if dataset.private and dataset.columns[name].type in ("category", "yes/no"):
        known = known[known.groupby(name)[name].transform("size") >= SMALLEST_GROUP]
    if known["segment"].nunique() < 2 or known[name].nunique() < 2:
        return None
    if not dataset.columns[name].numeric:
        counts = pd.crosstab(known["segment"], known[name])
        statistic, p = chi2_contingency(counts, correction=False)[:2]
        effect = np.sqrt(statistic / len(known) / (min(counts.shape) - 1))
        return name, mark("chi-squared"), statistic, p, effect, mark("Cramer's V")
    statistic, p = kruskal(*(own[name] for _, own in known.groupby("segment")))
    return name, mark("Kruskal-Wallis"), statistic, p, statistic / (len(known) - 1), mark("epsilon squared")


def holm(p: np.ndarray) -> np.ndarray:
    """Return p-values corrected for their number, step down (Holm 1979)."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)) if len(p) else p
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(stepped, 1)
    return corrected
