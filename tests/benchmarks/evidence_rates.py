"""How often the verdict is right on tables whose answer is known, beside how often it must be.

    python -m tests.benchmarks.evidence_rates [first seed] [seeds] [part of the rows' names]

asks every row of `evidence_tables`; `make bench EVIDENCE=1` asks the 40 seeds (planted groups: 10) of the issue.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import NamedTuple
from unittest import mock

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from segmentation.core import parallel
from segmentation.evidence.criteria import score_each_k, untie
from segmentation.evidence.decision import LARGE_ENOUGH, SIGNIFICANT, STABLE
from segmentation.evidence.nulls import null_p_value, null_stability, null_tables
from segmentation.evidence.separation import DEEP, separation
from segmentation.evidence.stability import resampled_jaccard
from segmentation.methods import kmeans
from segmentation.methods.optima import feasible_k, fit_each_k
from tests.benchmarks.evidence_tables import Row, all_rows
from tests.benchmarks.timing import KEPT

K_RANGE = (2, 10)
RESAMPLES = 40
STARTS = 30  # a hundred and more are made for a report
SEEDS = {"planted": 10, "structureless": 40, "curved": 40, "survey": 10}
AT_LEAST = {"planted": 0.9, "survey": 0.9}
AT_MOST = {"structureless": 0.1, "curved": 0.1}
STRUCTURELESS_AT_MOST = 0.05  # of all of them


class Answer(NamedTuple):
    """The number of segments, and whether they are called natural."""

    k: int
    natural: bool


def verdict_of(X: np.ndarray, *, answers: bool = False, seed: int = 0) -> Answer:
    """Ask the rule of the package, and stop where the verdict cannot be natural any more.

    Separation is asked first, then stability, then chance, each only of the k that are left.

    Parameters
    ----------
    X : ndarray of shape (n, d), as it was measured
    answers : whether the columns are answers, which are not scaled
    """
    with alone():
        return _verdict_of(X if answers else (X - X.mean(axis=0)) / X.std(axis=0), seed)


@contextmanager
def alone():
    """Compute in this process and thread, from fewer starts: the tables are what is spread over processes."""
    with ExitStack() as changed:
        changed.enter_context(threadpool_limits(1))
        changed.enter_context(mock.patch.object(parallel, "_cores", return_value=1))
        for name in ("FEWEST_STARTS", "MOST_STARTS"):
            changed.enter_context(mock.patch.object(kmeans, name, STARTS))
        yield


def _verdict_of(X: np.ndarray, seed: int) -> Answer:
    optima = fit_each_k(X, feasible_k(X, K_RANGE, "auto"), seed=seed)
    scores = score_each_k(X, optima, seed=seed)
    labels = {k: optimum.model.labels_ for k, optimum in optima.items()}
    large = scores.index[scores["smallest"] >= LARGE_ENOUGH]
    ordered = scores["silhouette"][large].sort_values(ascending=False, kind="stable").index
    if not len(ordered):
        return Answer(int(scores["silhouette"].idxmax()), False)
    valleys = separation(untie(X, seed=seed), labels)["p"]
    if not (valleys[ordered] <= DEEP).any():
        return Answer(int(ordered[0]), False)
    best = next((int(k) for k in ordered if _is_stable(X, labels[k], int(k), seed)), None)
    if best is None:
        return Answer(int(ordered[0]), False)
    if valleys[best] > DEEP:
        return Answer(best, False)
    null = null_tables(X, valleys, tables=39, seed=seed)
    silhouette = null_p_value(scores["silhouette"][best], null.silhouettes.max(axis=1))["p"]
    return Answer(best, max(silhouette, null_p_value(True, null.as_deep[best])["p"]) <= SIGNIFICANT)


def _is_stable(X: np.ndarray, labels: np.ndarray, k: int, seed: int) -> bool:
    weakest = resampled_jaccard(X, {k: labels}, resamples=RESAMPLES, seed=seed)[k].mean(axis=0).min()
    return weakest >= STABLE and weakest >= null_stability(X, [k], tables=20, resamples=5, seed=seed)["limit"][k]


def ask(rows: Iterable[Row], seeds: Iterable[int] | None = None, processes: int = 2) -> pd.DataFrame:
    """Return the answer to each table.

    Parameters
    ----------
    seeds : those of each row; as many from 0 on as the row must hold for, unless said

    Returns
    -------
    DataFrame
        row, kind, planted, n, seed, k, natural, seconds.
    """
    tasks = [(row, n, seed) for row in rows for n in row.sizes for seed in seeds or range(SEEDS[row.kind])]
    if processes == 1:
        found = list(map(_answer, tasks))
    else:
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(processes, mp_context=context) as pool:
            found = list(pool.map(_answer, tasks, chunksize=4))
    columns = ["row", "kind", "planted", "n", "seed", "k", "natural", "seconds"]
    return pd.DataFrame(
        [(r.name, r.kind, r.k, n, seed, *one) for (r, n, seed), one in zip(tasks, found, strict=True)], columns=columns
    )


def _answer(task: tuple[Row, int, int]) -> tuple[int, bool, float]:
    row, n, seed = task
    start = time.process_time()
    return *verdict_of(row.table(seed, n), answers=row.answers, seed=seed), time.process_time() - start


def rates(found: pd.DataFrame) -> pd.DataFrame:
    """Return for each row, and for all structureless tables, how often the verdict was right, and whether that holds.

    Returns
    -------
    DataFrame
        Indexed by row: kind, planted, tables, right (natural, or for surveys found, with the planted k), natural,
        must (what must hold, in words), holds.
    """
    table = found.assign(right=(found["k"] == found["planted"]) & (found["natural"] | (found["kind"] == "survey")))
    by_row = table.groupby("row", sort=False)
    shown = by_row[["kind", "planted"]].first().assign(tables=by_row.size())
    shown = shown.join(by_row[["right", "natural"]].mean())
    loose = table[table["kind"] == "structureless"]
    if len(loose):
        shown.loc["all without structure"] = ["structureless", 1, len(loose), np.nan, loose["natural"].mean()]
    limits = [STRUCTURELESS_AT_MOST if row == "all without structure" else None for row in shown.index]
    parts = [
        _held(kind, right, natural, most)
        for kind, right, natural, most in zip(shown["kind"], shown["right"], shown["natural"], limits, strict=True)
    ]
    shown["must"], shown["holds"] = zip(*parts, strict=True)
    return shown


def _held(kind: str, right: float, natural: float, most: float | None) -> tuple[str, bool]:
    if kind in AT_LEAST:
        return f"right in {AT_LEAST[kind]:.0%} or more", bool(right >= AT_LEAST[kind])
    most = most or AT_MOST[kind]
    return f"natural in {most:.0%} or fewer", bool(natural <= most)


def as_text(shown: pd.DataFrame) -> str:
    """Return the rates as a table in Markdown."""
    lines = ["| table | planted | tables | right | natural | must hold |", "|---|---|---|---|---|---|"]
    for row in shown.itertuples():
        planted = row.kind in AT_LEAST
        right = f"{row.right:.0%}" if planted else ""
        must = row.must if row.holds else f"**{row.must}: fails**"
        lines.append(
            f"| {row.Index} | {row.planted if planted else ''} | {row.tables} | {right} | {row.natural:.0%} | {must} |"
        )
    return "\n".join(lines)


def main(seeds: Iterable[int] | None = None, part: str = "") -> bool:
    """Print and keep the rates, and return whether each is as it must be."""
    start = time.perf_counter()
    found = ask([row for row in all_rows() if part in row.name], seeds, processes=min(2, os.cpu_count() or 1))
    shown = rates(found)
    KEPT.mkdir(parents=True, exist_ok=True)
    found.to_csv(KEPT / "evidence-tables.csv", index=False)
    shown.to_csv(KEPT / "evidence-rates.csv")
    text = as_text(shown)
    (KEPT / "evidence-rates.md").write_text(text + "\n")
    print(f"{text}\n\n{len(found)} tables in {(time.perf_counter() - start) / 60:.0f} minutes")
    return bool(shown["holds"].all())


if __name__ == "__main__":
    first, many, *names = sys.argv[1:] or ("0", "0")
    asked = range(int(first), int(first) + int(many)) if int(many) else None
    sys.exit(not main(asked, *names))
