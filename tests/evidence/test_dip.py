"""Hartigan's dip and its p-value, against values worked out by hand and the package diptest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.evidence.dip import LEAST_VALUES, SHARES_BELOW, TABLE, dip, dip_test, p_of
from tests.evidence.dip_table import REPETITIONS, SIZES, row

SAMPLES = {
    "even": lambda rng, n: rng.uniform(size=n),
    "one group": lambda rng, n: rng.normal(size=n),
    "two groups": lambda rng, n: rng.normal(size=n) + 6 * (rng.uniform(size=n) < 0.4),
    "long tails": lambda rng, n: np.exp(rng.normal(0, 9, n)),
    "rounded": lambda rng, n: rng.normal(size=n).round(1),
    "steps": lambda rng, n: rng.integers(0, 5, n).astype(float),
    "exactly even": lambda rng, n: np.arange(n, dtype=float),
    "distances": lambda rng, n: np.abs(np.subtract.outer(*[rng.normal(size=int(n**0.5) + 1)] * 2)).ravel(),
}
NUMBERS = st.one_of(
    st.integers(0, 4).map(float), st.floats(-1e100, 1e100).map(lambda number: number if abs(number) > 1e-100 else 0.0)
)


@pytest.fixture(scope="module")
def reference():
    diptest = pytest.importorskip("diptest", reason="diptest has no wheel for this machine")
    return lambda values: diptest.dipstat(np.sort(values), allow_zero=False)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7], 1 / 2),  # the least that n values can have, 1 / (2 n): a step of one value is halved
        ([3, 3, 3, 3], 1 / 8),
        ([0, 1, 2, 3], 1 / 8),
        # Half of them at either end: with one mode no more than one end has a step, so that the other's is halved.
        ([0, 0, 0, 1, 1, 1], 1 / 4),
        ([0, 0, 0, 0, 1, 1], 1 / 6),
        # Thirds: one of the three steps is the mode, and the others are halved.
        ([0, 0, 1, 1, 2, 2], 1 / 6),
    ],
)
def test_a_dip_that_is_worked_out_by_hand(values, expected):
    assert dip(np.array(values)) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_dip_is_that_of_another_program(kind, reference):
    for n in [*range(1, 30), 200, 3000, 20_000]:
        values = SAMPLES[kind](np.random.default_rng(n), n)
        assert dip(values) == pytest.approx(reference(values), abs=1e-12, rel=0), n


@given(values=st.lists(NUMBERS, min_size=1, max_size=40).map(np.array))
def test_the_dip_of_any_values_is_that_of_another_program(values, reference):
    assert dip(values) == pytest.approx(reference(values), abs=1e-12, rel=0)


@given(values=st.lists(NUMBERS, min_size=1, max_size=20).map(np.array))
def test_a_dip_has_bounds_and_no_direction(values):
    found = dip(values)
    assert 1 / (2 * len(values)) <= found <= 1 / 4 or len(values) == 1
    assert dip(-values[::-1]) == pytest.approx(found, abs=1e-12)


def test_numbers_of_any_size_have_a_dip():
    largest = np.finfo(float).max
    assert dip(np.array([-largest, -largest, largest, largest])) == 1 / 4
    assert dip(np.array([0, 0, 5e-324, 5e-324])) == 1 / 4
    assert dip(np.array([0, 5e-324, 1, largest])) == 1 / 8  # beside the largest all others are nothing


@pytest.mark.parametrize("values", [[], [1, np.nan], [1, np.inf]])
def test_what_is_no_number_has_no_dip(values):
    with pytest.raises(ValueError, match="finite"):
        dip(np.array(values))


def test_few_values_and_those_without_a_dip_show_nothing():
    assert [dip_test(np.arange(n))[1] for n in (1, 2, 3, 4, 50)] == [1.0] * 5
    assert dip_test(np.array([0, 0, 1]))[1] == 1.0


def test_p_falls_as_the_dip_grows_to_the_end_of_the_table():
    for n in (4, 11, 700, 61_075, 1_000_000):
        p_values = [p_of(found, n) for found in np.linspace(1 / (2 * n), 0.25, 400)]
        assert p_values == sorted(p_values, reverse=True)
        assert p_values[0] == 1
        assert p_values[-1] < 1e-5 or n < 12  # half of a few values at either end is no rare sight


@pytest.mark.parametrize("n", [8, 10, 30, 100, 500, 1000, 5000, 20_000, 72_000])
def test_p_is_that_of_another_program_within_what_simulation_leaves_open(n):
    diptest = pytest.importorskip("diptest", reason="diptest has no wheel for this machine")
    for scaled in np.linspace(0.22, 0.72, 60):
        theirs = diptest.consts.Consts.compute_pval_interpolation(n, scaled / n**0.5)
        error = (theirs * (1 - theirs) / REPETITIONS) ** 0.5
        if theirs < 0.95:  # beyond, the tables have other levels
            assert p_of(scaled / n**0.5, n) == pytest.approx(theirs, abs=4 * error + 0.001)


@pytest.mark.parametrize("n", [100, 200, 500, 1000, 5000, 20_000, 72_000])
def test_a_rare_dip_is_as_rare_as_another_program_has_seen_in_a_million_samples(n):
    diptest = pytest.importorskip("diptest", reason="diptest has no wheel for this machine")
    for scaled in np.linspace(0.74, 0.9, 30):
        theirs = diptest.consts.Consts.compute_pval_interpolation(n, scaled / n**0.5)
        if theirs > 2e-5:  # beyond, they have seen fewer than twenty
            assert 0.6 < p_of(scaled / n**0.5, n) / theirs < 1.67


@pytest.mark.parametrize(("scaled", "share"), [(0.1919, 1e-4), (0.2061, 5e-4), (0.2132, 1e-3), (0.2314, 5e-3)])
def test_a_dip_is_as_small_as_in_few_of_many_samples(scaled, share):
    """Of 200,000 even samples of 1,000 values, simulated with another seed, this share has a smaller dip."""
    assert 1 - p_of(scaled / 1000**0.5, 1000) == pytest.approx(share, rel=0.2)


@pytest.mark.parametrize("n", [11, 17, 300])
def test_p_is_the_share_of_even_samples_between_the_sizes_of_the_table_too(n):
    rng = np.random.default_rng(n)
    found = np.array([dip(rng.uniform(size=n)) for _ in range(1000)])
    for level in (0.2, 0.5, 0.8, 0.95):
        limit = np.quantile(found, level)
        assert p_of(limit, n) == pytest.approx(1 - level, abs=4 * (level * (1 - level) / 1000) ** 0.5)


def test_the_table_is_what_its_script_simulates():
    """Of a hundredth of the samples: each quantile lies where that many leave it, within four standard errors."""
    rows = [[float(cell) for cell in line.split()] for line in TABLE.strip().splitlines()]
    assert [int(n) for n, *_ in rows] == list(SIZES)
    assert SIZES[0] == LEAST_VALUES
    for n, *quantiles in rows[:-4:5]:
        few = np.array(row(int(n), 1000).split()[1:], float)
        for level, quantile, width in zip(SHARES_BELOW[:12], few, np.gradient(quantiles, SHARES_BELOW), strict=False):
            expected = quantiles[SHARES_BELOW.index(level)]
            assert quantile == pytest.approx(expected, abs=4 * width * (level * (1 - level) / 1000) ** 0.5 + 200), n
