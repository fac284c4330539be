"""Latent classes: their likelihood against others', the best optimum, and what is stored of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from scipy.special import logsumexp
from scipy.stats import norm
from stepmix.stepmix import StepMix

from segmentation.evidence.nulls import _latent_correlations, answer_factors, answers_alike, class_p_values
from segmentation.methods.latent import Block, LatentClasses, LatentMethod
from segmentation.methods.tell import formed_by
from segmentation.runs.records import Tried
from segmentation.segments.model import TRUSTED

SURVEY = Path(__file__).resolve().parents[3] / "shared" / "data" / "mcdonalds.csv"
ANSWER, NUMBER, RATING = Block("answer", step=1.0), Block("number"), Block("number", step=1.0)
MIXED = (ANSWER, ANSWER, Block("category", 3), NUMBER, RATING)


def _answers(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return eight answers of two classes, who say yes to one half of them in 90 of 100, and the classes."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % 5 // 3
    chances = np.where(np.arange(8) < 4, 0.9, 0.1)
    return (rng.random((n, 8)) < np.array([chances, 1 - chances])[truth]).astype(float), truth


def _mixed(n: int = 300, seed: int = 0) -> np.ndarray:
    """Return two answers, three indicators of a category, a number and a rating of two classes."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < 0.4).astype(int)
    answers = rng.random((n, 2)) < np.array([[0.9, 0.2], [0.2, 0.8]])[truth]
    drawn = np.where(rng.random(n) < 0.8, truth, 2)
    rating = np.clip(np.rint(2 + 2 * truth + rng.normal(size=n)), 1, 5)
    return np.column_stack([answers, np.eye(3)[drawn], rng.normal(3.0 * truth), rating])


def test_one_class_has_the_likelihood_of_independent_answers():
    X = np.array([[1.0, 0.0]] * 30 + [[0.0, 0.0]] * 10 + [[0.0, 1.0]] * 20)
    [p, q] = [30 / 60, 20 / 60]
    expected = 60 * (p * np.log(p) + (1 - p) * np.log(1 - p) + q * np.log(q) + (1 - q) * np.log(1 - q))
    fit = LatentMethod((ANSWER, ANSWER)).best(X, 1, seed=0).model
    assert fit.log_likelihood_ == pytest.approx(expected, abs=0.01)
    assert fit.bic_ == pytest.approx(2 * np.log(60) - 2 * expected, abs=0.02)


@pytest.mark.skipif(not SURVEY.is_file(), reason="the survey of the textbook is not here")
@pytest.mark.parametrize(("k", "published"), [(2, -7610.848), (3, -7311.534), (4, -7111.146)])
def test_the_survey_of_the_textbook_has_its_published_likelihood(k, published):
    """Dolnicar, Gruen & Leisch (2018), step 5: mixtures of independent answers, by R package flexmix."""
    table = pd.read_csv(SURVEY).iloc[:, :11]
    fit = LatentMethod((ANSWER,) * 11).once((table == "Yes").to_numpy(float), k, np.random.default_rng(0))
    assert fit.log_likelihood_ == pytest.approx(published, abs=1.5)


def test_stepmix_and_ours_reach_the_same_likelihood_on_a_mixed_table():
    X = _mixed()
    measured = {
        "a": {"model": "binary", "n_columns": 2},
        "c": {"model": "categorical", "n_columns": 1},
        "n": {"model": "gaussian_diag", "n_columns": 2},
    }
    told = np.column_stack([X[:, :2], X[:, 2:5].argmax(axis=1), X[:, 5:]])
    peer = StepMix(2, measurement=measured, n_init=5, progress_bar=0, random_state=1).fit(told)
    best, quick = LatentMethod(MIXED).best(X, 2, seed=0), LatentMethod(MIXED).once(X, 2, np.random.default_rng(0))
    assert best.reached >= 5
    for fit in (best.model, quick):
        assert fit.log_likelihood_ == pytest.approx(peer.score(told) * len(X), abs=1)
        assert fit.bic_ == pytest.approx(peer.bic(told), abs=2)


def test_scores_are_the_log_of_weight_times_density():
    X = _mixed()
    fit = LatentMethod(MIXED).once(X, 2, np.random.default_rng(0))
    p = fit.means_
    expected = [
        np.log(weight)
        + (X[:, :2] * np.log(p[c, :2]) + (1 - X[:, :2]) * np.log(1 - p[c, :2])).sum(axis=1)
        + np.log((X[:, 2:5] * p[c, 2:5]).sum(axis=1))
        + norm.logpdf(X[:, 5:], p[c, 5:], np.sqrt(fit.variances_[c])).sum(axis=1)
        for c, weight in enumerate(fit.weights_)
    ]
    np.testing.assert_allclose(fit.joint(X), np.transpose(expected))
    assert fit.log_likelihood_ == pytest.approx(logsumexp(expected, axis=0).sum())
    np.testing.assert_allclose(fit.predict_proba(X).sum(axis=1), 1)


def test_answers_may_be_scaled():
    X, spread = _mixed(), np.array([0.5, 2.0, 1, 1, 1, 1, 1])
    scaled = tuple(Block("answer", no=-0.3 / s, step=1 / s) for s in spread[:2])
    Z = np.where(spread == 1, X, (X - 0.3) / spread)
    fit = LatentMethod(MIXED).once(X, 2, np.random.default_rng(0))
    other = LatentMethod((*scaled, *MIXED[2:])).once(Z, 2, np.random.default_rng(0))
    np.testing.assert_allclose(fit.joint(X), other.joint(Z))


def test_planted_classes_are_found_and_numbered_by_size():
    X, truth = _answers(500)
    optimum = LatentMethod((ANSWER,) * 8).best(X, 2, seed=0)
    assert (optimum.model.labels_ == truth).mean() > 0.97
    assert optimum.model.entropy_ > 0.9
    sizes = np.bincount(optimum.model.labels_)
    assert sizes[0] > sizes[1]
    assert optimum.model.bic_ < LatentMethod((ANSWER,) * 8).best(X, 3, seed=0).model.bic_


def test_an_answer_that_nobody_of_a_class_gives_stays_possible():
    X = np.repeat(np.eye(2)[[0, 0, 1]], 20, axis=0)
    fit = LatentMethod((ANSWER, ANSWER)).once(X, 2, np.random.default_rng(0))
    assert 0 < fit.means_.min() < 0.02 < 0.98 < fit.means_.max() < 1
    assert np.isfinite(fit.joint(np.array([[1.0, 1.0], [0.0, 0.0]]))).all()


def test_a_rating_on_which_a_class_agrees_is_not_more_than_certain():
    X = np.repeat([[1.0], [5.0]], 50, axis=0)
    fit = LatentMethod((RATING,)).once(X, 2, np.random.default_rng(0))
    assert norm.pdf(0, scale=np.sqrt(fit.variances_)).max() <= 1 + 1e-9


def test_stored_classes_come_back_without_a_pickle():
    X = _mixed()
    fit = LatentClasses(2, MIXED).fit(X)
    kept = skops.io.dumps(fit)
    assert set(skops.io.get_untrusted_types(data=kept)) <= set(TRUSTED)
    np.testing.assert_array_equal(skops.io.loads(kept, trusted=TRUSTED).predict_proba(X), fit.predict_proba(X))


def _one_factor(n: int, d: int, seed: int, *, strength: float = 0.7) -> np.ndarray:
    """Return what n people lean to who differ in one thing alone, which every item asks for."""
    rng = np.random.default_rng(seed)
    return strength * rng.normal(size=(n, 1)) + np.sqrt(1 - strength**2) * rng.normal(size=(n, d))


def test_the_correlation_behind_two_answers_is_found():
    leaning = _one_factor(20_000, 2, seed=0, strength=0.8)
    answers = np.column_stack([leaning[:, 0] > 0.5, np.clip(np.rint(3 + leaning[:, 1]), 1, 5)]).astype(float)
    assert _latent_correlations(answers)[0, 1] == pytest.approx(0.64, abs=0.02)


def test_answers_alike_keep_each_column_and_how_strongly_two_go_together():
    X = (_one_factor(2_000, 6, seed=1) > 0.3).astype(float)
    rng = np.random.default_rng(0)
    table = answers_alike(X, answer_factors(X, rng), rng)
    np.testing.assert_array_equal(np.sort(table, axis=0), np.sort(X, axis=0))
    away = np.corrcoef(table.T) - np.corrcoef(X.T)
    assert np.abs(away).max() < 0.1
    assert np.abs(away.mean()) < 0.02


def test_answers_that_go_with_nothing_have_no_common_factor():
    X = (np.random.default_rng(0).random((500, 5)) < 0.4).astype(float)
    np.testing.assert_array_equal(answer_factors(X, np.random.default_rng(0)), np.eye(5))


def test_classes_differ_in_kind_where_they_were_planted_and_by_degree_where_there_is_one_factor():
    method = LatentMethod((ANSWER,) * 8)
    planted = class_p_values(_answers(200)[0], [2, 3], tables=19, method=method)
    factor = class_p_values((_one_factor(200, 8, seed=0) > 0).astype(float), [2, 3], tables=19, method=method)
    assert planted[2] < 0.001
    assert factor.min() > 0.05


def test_why_latent_classes_were_taken_names_no_category_where_answers_are_natural():
    natural = Tried(method="latent-class", k=3, verdict="natural")
    assert (
        formed_by("auto", [natural], "latent-class")
        == "The segments are formed by latent classes: with 3 they are natural."
    )
