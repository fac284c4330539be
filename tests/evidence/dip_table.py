"""Simulates the table of `evidence.dip` again: `python -m tests.evidence.dip_table` prints it, in about 15 minutes."""

import sys

import numpy as np

from segmentation.evidence.dip import SHARES_BELOW, dip

REPETITIONS = 100_000
SIZES = (4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 50, 100, 200, 500, 1000, 5000, 20_000, 72_000)


def row(n: int, repetitions: int = REPETITIONS) -> str:
    """Return n, and the quantiles of sqrt(n) x dip of n values that are spread evenly, in hundred-thousandths."""
    rng = np.random.default_rng([1985, n])
    # Sums of exponential steps lie as ordered values of an even spread do, and the dip has no unit.
    found = [dip(rng.standard_exponential(n).cumsum()) for _ in range(repetitions)]
    return " ".join(f"{value:.0f}" for value in [n, *(np.quantile(found, SHARES_BELOW) * np.sqrt(n) * 1e5)])


if __name__ == "__main__":
    for n in map(int, sys.argv[1:] or SIZES):
        print(row(n), flush=True)
