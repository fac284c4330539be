"""How often the verdict is right on tables whose answer is known, beside how often it must be.

    python -m tests.benchmarks.evidence_rates [first seed] [seeds] [most customers] [part of the rows' names]

asks every row of `evidence_tables`; `make bench EVIDENCE=1` asks the 40 seeds (planted groups: 10) of the issue.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import NamedTuple
from unittest import mock

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from segmentation.core import parallel
from segmentation.customers.exploring import sample_rows
from segmentation.evidence.criteria import untie
from segmentation.evidence.decision import LARGE_ENOUGH, STABLE
from segmentation.evidence.gather import FEWEST_LIMITS, Evidence, _inside, conclude
from segmentation.evidence.nulls import class_p_values, null_p_value, null_tables
from segmentation.evidence.separation import DEEP, separation
from segmentation.evidence.stability import resampled_jaccard, stability_table
from segmentation.methods import kmeans, mixture
from segmentation.methods.kmeans import KMEANS
from segmentation.methods.latent import Block, LatentMethod
from segmentation.methods.method import LARGEST_RESAMPLED, Method
from segmentation.methods.mixture import MIXTURE
from segmentation.methods.optima import LARGEST_K, feasible_k, fit_each_k
from segmentation.methods.trim import far_out
from tests.benchmarks.evidence_tables import Row, all_rows
from tests.conftest import ROOT

KEPT = ROOT / "assets" / "mall" / "bench"
K_RANGE = (2, 10)
RESAMPLES = 40
STARTS = 30  # a hundred and more are made for a report
TABLES = 19  # without segments, of each kind; 39 and more are asked for a report, of which one may reach what was found
SEEDS = {"planted": 10, "structureless": 40, "curved": 40, "survey": 10}
AT_LEAST = {"planted": 0.9, "survey": 0.9}
AT_MOST = {"structureless": 0.1, "curved": 0.1}
STRUCTURELESS_AT_MOST = 0.05  # of all of them
TITLES = {
    "planted": "Planted groups ({tables} tables): natural with the planted k, in brackets natural with any k.",
    "structureless": "No groups ({tables} tables): natural.",
    "curved": "Single pieces that are curved ({tables} tables): natural.",
    "survey": "Surveys with planted classes ({tables} tables): the planted k found, in brackets natural with any k.",
}


class Answer(NamedTuple):
    """The number of segments, whether they are called natural, and the method that formed them."""

    k: int
    natural: bool
    method: str = "kmeans"


def verdict_of(X: np.ndarray, *, answers: bool = False, seed: int = 0) -> Answer:
    """Ask the rule of the package, and stop where the verdict cannot be natural any more.

    The method is auto. Of each, separation is asked first, then stability, then chance, only of the k that are left.

    Parameters
    ----------
    X : ndarray of shape (n, d), as it was measured
    answers : whether the columns are answers, which are not scaled
    """
    kind = "answer" if np.isin(X, (0, 1)).all() else "number"
    with alone():
        if answers:
            return natural_by(LatentMethod((Block(kind, step=1.0),) * X.shape[1]), X, seed)
        X = scaled(X[~far_out(X)])
        first = natural_by(KMEANS, X, seed)
        return first if first.natural else max(natural_by(MIXTURE, X, seed), first, key=lambda found: found.natural)


def scaled(X: np.ndarray) -> np.ndarray:
    """Return the features with mean 0 and standard deviation 1."""
    return (X - X.mean(axis=0)) / X.std(axis=0)


@contextmanager
def alone():
    """Compute in this process and thread, from fewer starts: the tables are what is spread over processes."""
    fewer = {"FEWEST_STARTS": STARTS, "MOST_STARTS": STARTS}
    with ExitStack() as changed:
        changed.enter_context(threadpool_limits(1))
        changed.enter_context(mock.patch.object(parallel, "_cores", return_value=1))
        changed.enter_context(mock.patch.multiple(kmeans, **fewer))
        changed.enter_context(mock.patch.object(mixture, "THOROUGH", mixture.QUICK))
        yield


def natural_by(method: Method, X: np.ndarray, seed: int) -> Answer:
    """Return what the rule makes of the segments that one method forms."""
    most = feasible_k(X, (K_RANGE[0], LARGEST_K), "auto", seed=seed)
    k_values, further = ([k for k in most if (k > K_RANGE[1]) == more] for more in (False, True))
    optima, scores = _inside(X, partial(fit_each_k, X, method=method, seed=seed), k_values, further, seed)
    method, rows = method.settled(optima), sample_rows(len(X), LARGEST_RESAMPLED, seed=seed)
    X, labels = X[rows], {k: optimum.model.labels_[rows] for k, optimum in optima.items()}
    divided = separation(method.space(untie(X, seed=seed)), labels)
    if isinstance(method, LatentMethod):
        p = class_p_values(X, list(labels), tables=FEWEST_LIMITS, method=method, seed=seed)
        divided = divided.assign(p=p, chance=p)
    apart = divided.index[(divided["p"] <= DEEP) & (scores["smallest"] >= LARGE_ENOUGH)]
    jaccards = resampled_jaccard(X, {k: labels[k] for k in apart}, resamples=RESAMPLES, method=method, seed=seed)
    left = [k for k, found in jaccards.items() if found.mean(axis=0).min() >= STABLE]
    if not left:
        return Answer(int(scores["silhouette"].idxmax()), False, method.name)
    null = null_tables(X, divided["p"][left], tables=TABLES, method=method, seed=seed)
    if "chance" not in divided:
        divided["chance"] = pd.Series({k: null_p_value(True, null.as_deep[k])["p"] for k in left})
    known = {
        "scores": scores.loc[left],
        "stability": stability_table({k: jaccards[k] for k in left}),
        "null_limit": pd.DataFrame({"limit": 0.0}, index=left),  # only where nothing is natural it is asked
        "null": null.silhouettes,
        "separation": divided.loc[left],
    }
    found = conclude(Evidence(**(dict.fromkeys(Evidence.__dataclass_fields__) | known)))
    return Answer(found.k, found.verdict == "natural", method.name)


def ask(
    rows: Iterable[Row], seeds: Iterable[int] | None = None, *, most: int = 1000, processes: int = 2
) -> pd.DataFrame:
    """Return the answer to each table.

    Parameters
    ----------
    seeds : those of each row; as many from 0 on as the row must hold for, unless said
    most : customers, of a table; where a row has no table as small as that, its smallest is asked

    Returns
    -------
    DataFrame
        row, kind, planted, n, seed, k, natural, method, seconds.
    """
    tasks = [(row, n, seed) for row in rows for n in _up_to(row, most) for seed in seeds or range(SEEDS[row.kind])]
    if processes == 1:
        found = list(map(_answer, tasks))
    else:
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(processes, mp_context=context) as pool:
            found = list(pool.map(_answer, tasks, chunksize=4))
    columns = ["row", "kind", "planted", "n", "seed", "k", "natural", "method", "seconds"]
    return pd.DataFrame(
        [(r.name, r.kind, r.k, n, seed, *one) for (r, n, seed), one in zip(tasks, found, strict=True)], columns=columns
    )


def _up_to(row: Row, most: int) -> list[int]:
    return [n for n in row.sizes if n <= most] or [min(row.sizes)]


def _answer(task: tuple[Row, int, int]) -> tuple[int, bool, str, float]:
    row, n, seed = task
    start = time.process_time()
    return *verdict_of(row.table(seed, n), answers=row.answers, seed=seed), time.process_time() - start


def rates(found: pd.DataFrame) -> pd.DataFrame:
    """Return for each row how often the verdict was right.

    Returns
    -------
    DataFrame
        Indexed by row: kind, planted, tables, right (natural, or of surveys found, with the planted k), natural.
    """
    table = found.assign(right=(found["k"] == found["planted"]) & (found["natural"] | (found["kind"] == "survey")))
    by_row = table.groupby("row", sort=False)
    shown = by_row[["kind", "planted"]].first().assign(tables=by_row.size())
    return shown.join(by_row[["right", "natural"]].mean())


def without_structure(shown: pd.DataFrame) -> float:
    """Return how often tables without structure were called natural, of all of them."""
    loose = shown[shown["kind"] == "structureless"]
    return float((loose["natural"] * loose["tables"]).sum() / max(loose["tables"].sum(), 1))


def holds(row: pd.Series) -> bool:
    """Return whether a row is as it must be."""
    kind = row["kind"]
    return bool(row["right"] >= AT_LEAST[kind] if kind in AT_LEAST else row["natural"] <= AT_MOST[kind])


def as_text(shown: pd.DataFrame) -> str:
    """Return the rates as tables in Markdown: one for each kind, a line for what rows have in common."""
    parts = []
    for kind, rows in shown.groupby("kind", sort=False):
        named = rows.assign(cell=[_cell(row) for _, row in rows.iterrows()]).reset_index()
        named[["what", "variant"]] = [_parted(str(kind), name) for name in named["row"]]
        cells = named.pivot(index="what", columns="variant", values="cell").reindex(named["what"].unique())
        cells = cells[named["variant"].unique()].fillna("").reset_index()
        lines = [cells.columns, ["---"] * cells.shape[1], *cells.to_numpy()]
        heading = TITLES[str(kind)].format(tables=rows["tables"].sum())
        parts.append("\n".join([heading, "", *(f"| {' | '.join(line)} |" for line in lines)]))
    return "\n\n".join(parts).replace("| what |", "| tables |")


def _cell(row: pd.Series) -> str:
    told = f"{row['natural']:.0%}"
    if row["kind"] in AT_LEAST:
        told = f"{row['right']:.0%}" + (f" ({told})" if row["natural"] != row["right"] else "")
    return told if holds(row) else f"**{told}**"


def _parted(kind: str, name: str) -> tuple[str, str]:
    """Return what a row is, and its variant: noise or dimensions."""
    what, _, variant = name.rpartition(", ")
    return (what, variant) if kind in ("planted", "structureless") else (name, "all")


def main(seeds: Iterable[int] | None = None, most: int = 1000, part: str = "") -> bool:
    """Print and keep the rates, and return whether each is as it must be."""
    start = time.perf_counter()
    found = ask(
        [row for row in all_rows() if part in row.name], seeds, most=most, processes=min(2, os.cpu_count() or 1)
    )
    shown = rates(found)
    KEPT.mkdir(parents=True, exist_ok=True)
    found.to_csv(KEPT / "evidence-tables.csv", index=False)
    shown.to_csv(KEPT / "evidence-rates.csv")
    text = as_text(shown)
    print(f"{text}\n\n{len(found)} tables in {(time.perf_counter() - start) / 60:.0f} minutes")
    return bool(shown.apply(holds, axis=1).all() and without_structure(shown) <= STRUCTURELESS_AT_MOST)


if __name__ == "__main__":
    first, many, most, *names = (*sys.argv[1:], *("0", "0", "1000")[len(sys.argv) - 1 :])
    asked = range(int(first), int(first) + int(many)) if int(many) else None
    sys.exit(not main(asked, int(most), *names))
