"""Evidence that was kept is that which is computed, whatever k is asked, and a further k is asked about alone."""

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentation.core import files
from segmentation.core.store.values import digest
from segmentation.evidence import gather
from segmentation.evidence.gather import judge
from segmentation.methods import optima
from segmentation.methods.kmeans import KMEANS
from segmentation.methods.latent import Block, LatentMethod
from segmentation.methods.mixture import MIXTURE

BY_K = ("separation", "mixture_bic", "resampled_jaccard", "resampled_agreement", "prediction_strength", "score_each_k")
ANSWERS = LatentMethod((Block("answer", 1, 0.0, 1.0),) * 3)


def _table(seed: int, method) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if method is ANSWERS:
        return rng.integers(2, size=(60, 3)).astype(float)
    return rng.normal(size=(60, 2)) + 4 * rng.integers(2, size=(60, 2))


def _judged(X, method, k_values, k="auto", seed=0) -> str:
    return digest(judge(X, method, k_values, k=k, resamples=10, private=False, seed=seed))


@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 99), more=st.sampled_from([[2, 3, 4], [2, 3, 5], [3]]))
def test_kept_evidence_is_what_is_computed(keeping, seed, more):
    _compare(_table(seed, KMEANS), KMEANS, more)


@pytest.mark.parametrize("method", [MIXTURE, ANSWERS], ids=lambda method: method.name)
def test_so_is_that_of_other_methods(keeping, method):
    _compare(_table(0, method), method, [2, 4])


def _compare(X, method, more):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(files.ANEW, "1")
        anew = [_judged(X, method, [2, 3]), _judged(X, method, more)]
    for _ in range(2):
        assert [_judged(X, method, [2, 3]), _judged(X, method, more)] == anew


def test_no_criterion_is_asked_again_for_another_k_and_of_a_further_one_it_alone(keeping, monkeypatch):
    asked = []

    def counted(function):
        def count(X, k_values, **how):
            asked.append((function.__name__, list(k_values)))
            return function(X, k_values, **how)

        count.__module__, count.__qualname__ = function.__module__, function.__qualname__
        return count

    for name in BY_K:
        monkeypatch.setattr(gather, name, counted(getattr(gather, name)))
    monkeypatch.setattr(optima, "_optima", counted(optima._optima))
    X = _table(0, KMEANS)
    _judged(X, KMEANS, [2, 3])
    first = {name for name, _ in asked}
    asked.clear()
    _judged(X, KMEANS, [2, 3], k=3)
    assert asked == []
    _judged(X, KMEANS, [2, 3, 7], k=7)
    assert sorted(asked) == sorted((name, [7]) for name in first) != []


@pytest.mark.parametrize("changed", ["rows", "seed", "resamples", "a last bit"])
def test_other_evidence_is_not_taken_for_it(keeping, monkeypatch, changed):
    X, asked = _table(0, KMEANS), {"seed": 0, "resamples": 10}
    judge(X, KMEANS, [2], private=False, **asked)
    other = {"rows": X[::-1], "a last bit": np.nextafter(X, 9)}.get(changed, X)
    asked |= {"seed": {"seed": 1}, "resamples": {"resamples": 20}}.get(changed, {})
    found = digest(judge(other, KMEANS, [2], private=False, **asked))
    monkeypatch.setenv(files.ANEW, "1")
    assert found == digest(judge(other, KMEANS, [2], private=False, **asked))


def test_an_optimum_that_was_kept_is_written_as_the_one_that_was_fitted(keeping):
    import skops.io

    from segmentation.segments.model import _repeatable

    for method in (KMEANS, MIXTURE, ANSWERS):
        X = _table(1, method)
        fitted, kept = (optima.fit_each_k(X, [3], method=method)[3] for _ in range(2))
        assert _repeatable(skops.io.dumps(kept.model)) == _repeatable(skops.io.dumps(fitted.model))
        assert dataclasses.astuple(kept)[1:] == dataclasses.astuple(fitted)[1:]
        np.testing.assert_array_equal(kept.model.predict(X), fitted.model.predict(X))
