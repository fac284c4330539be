"""The decision: a verdict on every number of segments, and one rule that chooses by it."""

from collections.abc import Mapping

import pandas as pd

from segmentation.core.errors import DataError, as_option
from segmentation.core.privacy import SMALLEST_GROUP
from segmentation.language import mark, numeral, tr, trn
from segmentation.language.writing import whole
from segmentation.runs.artifacts import Selection
from segmentation.runs.records import STRONGEST_FIRST, Carried, Verdict

STABLE = 0.75
DISSOLVED = 0.5
LARGE_ENOUGH = 10
SIGNIFICANT = 0.05
SMALL = 30
LEVEL = 0.95
NEARLY_SAME = 0.8  # as adjusted Rand index between two divisions
VERDICTS: dict[Verdict, str] = {  # what it is, and how we know
    "natural": mark(
        "groups that are there: few customers stand between them, fewer than chance leaves there, and the same groups "
        "came back when the customers were drawn again"
    ),
    "reproducible": mark(
        "a division that came back when the customers were drawn again, more surely than where there is nothing to "
        "find; but that its segments are groups of their own could not be shown: neighbours at a border may be alike"
    ),
    "constructive": mark(
        "a cut that may be useful, not groups that were shown to exist: only part of the evidence speaks for it, and "
        "someone who draws it elsewhere is not wrong"
    ),
    "none": mark(
        "no support: some part falls apart when the customers are drawn again, or customers without any groups give as "
        "good a division"
    ),
}
ADVICE: dict[Verdict, str] = {
    "natural": mark("Address each segment as a group of its own."),
    "reproducible": mark("Plan with these segments, and treat a customer near a border as belonging a little to both."),
    "constructive": mark(
        "Use the cut where one is needed, and hang nothing on the side of a border that somebody is on."
    ),
    "none": mark("Treat nobody differently for being in another part."),
}
EVERY_TIME: dict[str, str] = {  # how sure, in plain words: where all of them came back whenever they were looked for
    "natural": mark(
        "These {k} groups are real: they came back in every one of {n} repeats, and tables without groups do not look "
        "like this."
    ),
    "natural, rarely by chance": mark(
        "These {k} groups are real: they came back in every one of {n} repeats, and tables without groups rarely look "
        "like this."
    ),
    "reproducible": mark(
        "These {k} segments came back in every one of {n} repeats, more surely than where there is nothing to find; "
        "but no gap between them could be shown, so customers near a border may be alike."
    ),
    "as by chance": mark(
        "A cut into {k} parts that may be useful: they came back in every one of {n} repeats, but where there is "
        "nothing to find parts can come back as surely."
    ),
    "constructive": mark(
        "A cut into {k} parts that may be useful: they came back in every one of {n} repeats, but only part of the "
        "evidence speaks for them."
    ),
}
NO_TIME: dict[str, str] = {
    "falls apart": mark(
        "Nothing shows that these customers fall into groups: of {k} parts into which they were cut, one came back in "
        "none of {n} repeats."
    ),
}
NOT_EVERY_TIME: dict[str, str] = {
    "natural": mark(
        "These {k} groups are real: each came back in at least {m} of {n} repeats, and tables without groups do not "
        "look like this."
    ),
    "natural, rarely by chance": mark(
        "These {k} groups are real: each came back in at least {m} of {n} repeats, and tables without groups rarely "
        "look like this."
    ),
    "reproducible": mark(
        "Each of these {k} segments came back in at least {m} of {n} repeats, more surely than where there is nothing "
        "to find; but no gap between them could be shown, so customers near a border may be alike."
    ),
    "as by chance": mark(
        "A cut into {k} parts that may be useful: each came back in at least {m} of {n} repeats, but where there is "
        "nothing to find parts can come back as surely."
    ),
    "constructive": mark(
        "A cut into {k} parts that may be useful: each came back in at least {m} of {n} repeats, but only part of the "
        "evidence speaks for them."
    ),
    "falls apart": mark(
        "Nothing shows that these customers fall into groups: of {k} parts into which they were cut, one came back in "
        "only {m} of {n} repeats."
    ),
    "none": mark(
        "Nothing shows that these customers fall into groups: tables without groups can be divided as well as this one."
    ),
}
NOUNS = {"natural": "segment", "reproducible": "segment", "constructive": "part", "none": "part"}


def stable_k(scores: pd.DataFrame, stability: pd.DataFrame) -> list[int]:
    """Return each k whose every segment comes back: a mean Jaccard coefficient of 0.75 (Hennig 2007), 10 customers.

    Parameters
    ----------
    scores : DataFrame
        Indexed by k: smallest (size of the smallest segment).
    stability : DataFrame
        k, segment, jaccard.
    """
    weakest = stability.groupby("k")["jaccard"].min()
    return [int(k) for k in weakest.index if weakest[k] >= STABLE and scores["smallest"][k] >= LARGE_ENOUGH]


def verdict(*, stable: bool, beyond: bool, separated: bool, weakest: float, limit: float) -> Verdict:
    """Return the verdict on one k, in the terms of Dolnicar, Gruen & Leisch (2018).

    Two questions are kept apart. Is it there? (distinct: separated.) Does it come back? (stable.)

    natural : both.
    reproducible : stable, and more so than the segments of a cloud without any structure.
    constructive : stable as those are, or beyond chance without a segment that dissolves.
    none : nothing of this.

    Parameters
    ----------
    stable : bool
        Whether `stable_k` has it.
    beyond : bool
        Whether tables without segments reach the silhouette in at most 5% of cases, at whichever k. Groups that are
        long, or that few of the features tell apart, lie apart without that.
    separated : bool
        Whether valleys separate the segments, deeper than those of tables without segments (`Evidence.separated`).
    weakest : float
        The mean Jaccard coefficient of the least stable segment.
    limit : float
        What that must reach to be more than a cloud without any structure gives (`nulls.null_stability`).
    """
    if stable:
        return "natural" if separated else "reproducible" if weakest >= limit else "constructive"
    return "constructive" if (beyond or separated) and weakest > DISSOLVED else "none"


def merit(scores: pd.DataFrame) -> pd.Series:
    """Return by k what is best where it is highest: the silhouette, or where there is a likelihood the negated BIC."""
    return -scores["bic"] if "bic" in scores else scores["silhouette"]


def decide(
    scores: pd.DataFrame, verdicts: Mapping[int, Verdict], k="auto", *, smallest: int = 1, base: Carried | None = None
) -> dict:
    """Choose the number of segments: of the k with the strongest verdict the best `merit`, of equals the smaller.

    Those whose segments all have 10 customers come before others. Where every k has a segment that must not be shown,
    the customers stay one part, k = 1.

    Parameters
    ----------
    verdicts : mapping
        k -> its verdict.
    smallest : int
        How many customers every segment must have; 10 where a smaller group must not be shown.
    base : Carried, optional
        The run that this one starts from: where k is its k, and has a smaller segment, it is chosen anew.

    Returns
    -------
    dict
        k, method ("auto" or "given"), best (the k of the rule), allowed (every k of the strongest verdict); and
        carried, where k is, or was to be, that of the base.

    Raises
    ------
    DataError
        When the analyst's k has a segment smaller than `smallest`.
    """
    showable = scores.index[scores["smallest"] >= smallest].tolist()
    told = {"carried": base} if base and base.k == k else {}
    k = "auto" if told and k not in showable else k
    if not showable and k == "auto":
        return {"k": 1, "method": "auto", "best": 1, "allowed": [1], **told}
    if k != "auto" and k not in showable:
        fewer = "choose fewer segments, or " if showable else ""
        raise DataError(
            f"{as_option('k', k)} has a segment of fewer than {smallest} customers, which privacy: aggregate does not "
            f"show; {fewer}set privacy: rows in dataset.yaml"
        )
    large = [i for i in showable if scores["smallest"][i] >= LARGE_ENOUGH] or showable
    strongest = min((verdicts[i] for i in large), key=STRONGEST_FIRST.index)
    allowed = [i for i in large if verdicts[i] == strongest]
    best = int(merit(scores)[allowed].idxmax())
    chosen = {"k": best, "method": "auto"} if k == "auto" else {"k": k, "method": "given"}
    return {**chosen, "best": best, "allowed": allowed, **told}


def meaning(verdict: Verdict, k: int) -> str:
    """Return what a verdict means in plain words; of k = 1, why nothing was divided."""
    return tr(VERDICTS[verdict]) if k > 1 else undivided()


def advice(verdict: Verdict, k: int) -> str:
    """Return what to do with it; "" of k = 1."""
    return tr(ADVICE[verdict]) if k > 1 else ""


def undivided() -> str:
    """Say why the customers are one part."""
    return tr(
        "the customers are not divided, because every division that was tried leaves a group of fewer than {least}, "
        "which privacy: aggregate does not show; privacy: rows in dataset.yaml would",
        least=numeral(SMALLEST_GROUP),
    )


def counted(k: int, verdict: Verdict) -> str:
    """Return "five segments", or of a cut "five parts"."""
    cut = NOUNS[verdict] == "part"
    return trn("{n} part", "{n} parts", k) if cut else trn("{n} segment", "{n} segments", k)


def plainly(selection: Selection) -> str:
    """Say in one sentence how sure the segments are, in words that need no statistics; whose k it is in another one.

    A segment came back in a resample where it has more than half in common with a segment found there, that is, where
    it did not dissolve (Hennig 2007).
    """
    if not selection.divided:
        return tr(
            "The customers are not divided: every division that was tried leaves a group of fewer than {least}, "
            "which a private table does not show.",
            least=numeral(SMALLEST_GROUP),
        )
    repeats, part = selection.resamples, selection.chosen
    back = min(round((1 - segment.dissolved) * repeats) for segment in part.segments)
    kind = _kind_of(selection)
    told = EVERY_TIME if back == repeats and kind in EVERY_TIME else NOT_EVERY_TIME
    told = NO_TIME if back == 0 and kind in NO_TIME else told
    how = tr(told[kind], k=numeral(selection.k), m=whole(back), n=whole(repeats))
    return f"{how} {_whose(selection)}".strip()


def _kind_of(selection: Selection) -> str:
    """Return which of the sentences is true: a verdict, or the reason for it."""
    verdict, found = selection.verdict, selection.chosen
    if verdict == "natural":
        by_chance = selection.formed_by == "latent-class" or found.valley_chance * (1 + selection.null.tables) > 1.5
        return "natural, rarely by chance" if by_chance else "natural"
    if verdict == "none":
        return "falls apart" if found.weakest <= DISSOLVED else "none"
    return "as by chance" if verdict == "constructive" and selection.k in selection.stable else verdict


def _whose(selection: Selection) -> str:
    """Say of segments that are kept, or whose number somebody gave, that this is so, and what the evidence says."""
    if selection.fit:
        return tr("They are those of {run}, kept as they were.", run=selection.fit.model)
    if selection.method == "auto" or selection.verdict_of_best == "none":
        return ""
    base, best = selection.carried, numeral(selection.best)
    if selection.best == selection.k:
        if base:
            return tr("Their number is that of {run}, and the evidence speaks for it too.", run=base.run)
        return tr("The analyst asked for so many, and the evidence speaks for it too.")
    if base:
        return tr("Their number is that of {run}; the evidence speaks for {best}.", run=base.run, best=best)
    return tr("The analyst asked for so many; the evidence speaks for {best}.", best=best)
