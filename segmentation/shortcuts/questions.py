"""Which questions are worth asking: what each feature adds, and the shortest sets that place a customer."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from threadpoolctl import threadpool_limits

from segmentation.core.dataset import Dataset
from segmentation.core.parallel import spread
from segmentation.core.privacy import significant
from segmentation.core.store.reuse import reused
from segmentation.customers.exploring import sample_rows
from segmentation.evidence.decision import NEARLY_SAME
from segmentation.runs.artifacts import SUFFICIENT, ShortForm
from segmentation.segments.robustness import without

ALIKE = 0.05  # of the variance of a feature lies between the segments, so that they are alike in it
PARTED_IN = 5
MOST_CUSTOMERS = 2_000
MOST_QUESTIONS = 12
INVERSE_PENALTY = 10.0
REGRESSION_STEPS = 300


def shortest(
    X: pd.DataFrame, segments: np.ndarray, questions: Mapping[str, Sequence[str]], *, seed: int = 0
) -> tuple[ShortForm, ...]:
    """Return sets of questions, each one longer than the last, up to that which places 95% of the customers rightly.

    A typing tool, as market research calls it. Questions are chosen one after the other, each time the one with which
    multinomial logistic regression (McFadden 1974) loses least. Choice and regression are made anew for each of
    five folds, without the customers who are then placed, so that the share is that of new customers, and choosing is
    paid for. Above 2,000 customers a random sample is asked. All questions together are no short form: with them the
    model itself places a customer.

    Parameters
    ----------
    X : DataFrame of shape (n_customers, n_columns), scaled
    segments : ndarray of shape (n_customers,)
        From 1.
    questions : mapping
        A feature -> the columns of X that it is.
    """
    rows = sample_rows(len(X), MOST_CUSTOMERS, seed=seed)
    own, longest = segments[rows], min(len(questions) - 1, MOST_QUESTIONS)
    if longest < 1 or len(np.unique(own)) < 2:
        return ()
    columns = {name: X[list(parts)].to_numpy(float)[rows] for name, parts in questions.items()}
    path, *tried = reused(_choose_each, columns, own, longest, seed)
    right = np.sum([found for _, found in tried], axis=0) / len(rows)
    enough = np.flatnonzero(right >= SUFFICIENT[-1])
    many = int(enough[0]) + 1 if len(enough) else longest
    names = path[0][:many]
    return tuple(
        ShortForm(features=tuple(names[:n]), right=float(right[n - 1]), **_weights(columns, own, names[:n]))
        for n in range(1, many + 1)
    )


def _choose_each(columns: dict, segments: np.ndarray, longest: int, seed: int) -> list[tuple[list[str], list[int]]]:
    """Choose questions on all customers, and on those outside of each fold."""
    rows = np.arange(len(segments))
    folds = KFold(min(PARTED_IN, len(rows)), shuffle=True, random_state=seed).split(rows)
    return spread(_choose, [(rows, rows[:0]), *folds], columns, segments, longest)


def _choose(fold: tuple, columns: dict, segments: np.ndarray, longest: int) -> tuple[list[str], list[int]]:
    """Choose questions on some customers; return them, and after each how many of the others are placed rightly."""
    learnt, others = fold
    chosen: list[str] = []
    right = []
    with threadpool_limits(1):
        for _ in range(longest):
            left = {name: _fit(columns, segments, [*chosen, name], learnt) for name in columns if name not in chosen}
            best = min(left, key=lambda name: left[name][1])
            chosen.append(best)
            told = left[best][0].predict(_asked(columns, chosen, others)) if len(others) else others
            right.append(int((told == segments[others]).sum()))
    return chosen, right


def _fit(columns: dict, segments: np.ndarray, names: list[str], rows: np.ndarray) -> tuple[LogisticRegression, float]:
    """Return a regression on some customers, and its loss there."""
    X, own = _asked(columns, names, rows), segments[rows]
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=REGRESSION_STEPS).fit(X, own)
    place = np.searchsorted(model.classes_, own)
    likely = np.maximum(model.predict_proba(X)[np.arange(len(own)), place], np.finfo(float).tiny)
    return model, -float(np.log(likely).sum())


def _asked(columns: dict, names: list[str], rows: np.ndarray) -> np.ndarray:
    return np.column_stack([columns[name][rows] for name in names])


def _weights(columns: dict, segments: np.ndarray, names: list[str]) -> dict:
    """Return the regression on all customers: a constant a segment, and a weight a segment and column, rounded."""
    model, _ = _fit(columns, segments, names, np.arange(len(segments)))
    two = len(model.classes_) == 2
    slopes = np.vstack([np.zeros_like(model.coef_), model.coef_]) if two else model.coef_
    starts = np.append(0, model.intercept_) if two else model.intercept_
    shorter = np.vectorize(significant, otypes=[float])
    return {
        "segments": tuple(int(segment) for segment in model.classes_),
        "constants": tuple(shorter(starts).tolist()),
        "weights": tuple(map(tuple, shorter(slopes).tolist())),
    }


def which_matter(
    choices: pd.DataFrame, dataset: Dataset, X: pd.DataFrame, labels: np.ndarray, questions: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Return for each feature what is lost without it, and whether it only adds noise.

    Parameters
    ----------
    choices : DataFrame
        Of `compare_choices`.
    X : DataFrame of shape (n_customers, n_columns), scaled
    labels : ndarray of shape (n_customers,)
        The segments at hand, from 0.
    questions : mapping
        A feature -> the columns of X that it is.

    Returns
    -------
    DataFrame
        feature; loss (1 less the adjusted Rand index with the segments formed without it: 0 where these are the same);
        between (the share of its variance that lies between the segments); noise (whether nothing is lost and next to
        nothing lies between); the feature whose loss is greatest first. None of a feature without which too few points
        are left.
    """
    agreement = choices.set_index("choice")["agreement"]
    known = [name for name in questions if without(dataset, name) in agreement]
    explained, every = X.groupby(labels).transform("mean").var(), X.var()
    columns = {name: list(questions[name]) for name in known}
    between = pd.Series({name: explained[own].sum() / every[own].sum() for name, own in columns.items()}, dtype=float)
    loss = pd.Series({name: 1 - agreement[without(dataset, name)] for name in known}, dtype=float)
    noise = (loss <= 1 - NEARLY_SAME) & (between <= ALIKE)
    found = pd.DataFrame({"loss": loss, "between": between, "noise": noise}).rename_axis("feature").reset_index()
    return found.sort_values("loss", ascending=False, kind="stable", ignore_index=True)
