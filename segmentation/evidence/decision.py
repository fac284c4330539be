"""The decision: one rule for the number of segments, and a verdict on what the segments are."""

import pandas as pd

from segmentation.core.errors import DataError
from segmentation.core.privacy import FEWER
from segmentation.runs.records import Verdict

STABLE = 0.75
DISSOLVED = 0.5
LARGE_ENOUGH = 10
SIGNIFICANT = 0.05
SMALL = 30
LEVEL = 0.95
NEARLY_SAME = 0.8  # as adjusted Rand index between two divisions
VERDICTS = {
    "natural": "distinct groups that come back from other samples of the customers",
    "reproducible": "not distinct groups, but a division that comes back from other samples of the customers",
    "constructive": "not groups that exist by themselves, but a cut that may be useful",
    "none": "no support: customers without any segments give the same figures",
}
UNDIVIDED = (
    f"the customers are not divided, because every division that was tried leaves a group of {FEWER}, which privacy: "
    "aggregate does not show; privacy: rows in dataset.yaml would"
)
NOUNS = {"natural": "segment", "reproducible": "segment", "constructive": "part", "none": "part"}


def stable_k(scores: pd.DataFrame, stability: pd.DataFrame, null_limit: pd.Series) -> list[int]:
    """Return each k whose every segment is stable and large enough.

    A segment is stable when its mean Jaccard coefficient is at least 0.75 (Hennig 2007) and at least the 95th
    percentile of what tables without segments give; that may be 1, which nothing can exceed.

    Parameters
    ----------
    scores : DataFrame
        Indexed by k: smallest (size of the smallest segment).
    stability : DataFrame
        k, segment, jaccard.
    null_limit : Series
        The percentile, indexed by k.
    """
    weakest = stability.groupby("k")["jaccard"].min()
    return [
        int(k)
        for k in weakest.index
        if weakest[k] >= STABLE and weakest[k] >= null_limit[k] and scores["smallest"][k] >= LARGE_ENOUGH
    ]


def decide(scores: pd.DataFrame, stable: list[int], k="auto", *, smallest: int = 1) -> dict:
    """Choose the number of segments: of the stable k the one with the best silhouette, ties to the smaller.

    Where no k is stable, the best silhouette of all k whose segments are large enough is taken as a cut. Where every k
    has a segment that must not be shown, the customers stay one part, k = 1.

    Parameters
    ----------
    smallest : int
        How many customers every segment must have; 10 where a smaller group must not be shown.

    Returns
    -------
    dict
        k, method ("auto" or "given"), best (the k of the rule), allowed (every k that the rule chose among).

    Raises
    ------
    DataError
        When the analyst's k has a segment smaller than `smallest`.
    """
    showable = scores.index[scores["smallest"] >= smallest].tolist()
    if not showable and k == "auto":
        return {"k": 1, "method": "auto", "best": 1, "allowed": [1]}
    if k != "auto" and k not in showable:
        fewer = "choose fewer segments, or " if showable else ""
        raise DataError(
            f"K={k} has a segment of fewer than {smallest} customers, which privacy: aggregate does not show; "
            f"{fewer}set privacy: rows in dataset.yaml"
        )
    large = [i for i in showable if scores["smallest"][i] >= LARGE_ENOUGH]
    allowed = [i for i in stable if i in showable] or large or showable
    best = int(scores.loc[allowed, "silhouette"].idxmax())
    given = k != "auto"
    return {"k": k if given else best, "method": "given" if given else "auto", "best": best, "allowed": allowed}


def meaning(verdict: Verdict, k: int) -> str:
    """Return what a verdict means in plain words; of k = 1, why nothing was divided."""
    return VERDICTS[verdict] if k > 1 else UNDIVIDED


def verdict(*, stable: bool, beyond: bool, separated: bool, weakest: float) -> Verdict:
    """Return the verdict on one k, in the terms of Dolnicar, Gruen & Leisch (2018).

    natural : stable, and distinct: beyond and separated.
    reproducible : stable, but not distinct.
    constructive : not stable, but beyond, or no segment dissolves in the mean of the resamples (Jaccard above 0.5).
    none : nothing of this.

    Parameters
    ----------
    beyond : bool
        Whether tables without segments reach the silhouette in at most 5% of cases.
    separated : bool
        Whether there is a valley between every two segments (`Evidence.separated`).
    weakest : float
        The mean Jaccard coefficient of the least stable segment.
    """
    if stable:
        return "natural" if beyond and separated else "reproducible"
    return "constructive" if beyond or weakest > DISSOLVED else "none"
