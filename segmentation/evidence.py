"""The evidence for each number of segments, gathered once, and what each criterion makes of it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from segmentation.decision import (
    DISTINCT_SILHOUETTE,
    LARGE_ENOUGH,
    NOUNS,
    SIGNIFICANT,
    STABLE,
    VERDICTS,
    decide,
    judge,
    stable_k,
)
from segmentation.eda import sample_rows
from segmentation.k_selection import LARGEST_RESAMPLED, Optimum, fit_each_k, inertia_from_one
from segmentation.privacy import SMALLEST_GROUP
from segmentation.reference import (
    NULL_LEVEL,
    gap_choices,
    gap_statistic,
    null_p_value,
    null_silhouettes,
    null_stability,
)
from segmentation.stability import prediction_strength, resampled_agreement, resampled_jaccard, stability_table
from segmentation.structure import dip_of_distances, mixture_bic, untie, valley_p
from segmentation.words import count, listing, percent, sentence, tell_p

NULL_RESAMPLES = 5
FEWEST_TABLES = 39  # so that a p-value can be as small as 0.025
FEWEST_LIMITS = 20  # tables for the limit of the stability
STRONG_PREDICTION = 0.8


@dataclass(frozen=True)
class Evidence:
    """What speaks for each k, on `customers` customers.

    By k: inertia (from 1), scores, gaps, mixtures, agreement, strength; stability, one row a segment of each k;
    null_limit (limit and error), what a segment's stability must reach; valleys, the p-value of no valley between
    some two segments; sizes, the customers of each segment; null, the silhouettes of tables without segments.
    dip : of all customers.
    """

    customers: int
    resamples: int
    inertia: pd.Series
    scores: pd.DataFrame
    gaps: pd.DataFrame
    mixtures: pd.DataFrame
    stability: pd.DataFrame
    agreement: pd.DataFrame
    strength: pd.DataFrame
    null_limit: pd.DataFrame
    null: pd.DataFrame
    dip: dict
    valleys: pd.Series
    sizes: dict[int, list[int]]

    @property
    def weakest(self) -> pd.DataFrame:
        """The least stable segment of each k: segment, jaccard, error, dissolved, recovered; indexed by k."""
        return self.stability.loc[self.stability.groupby("k")["jaccard"].idxmin()].set_index("k")

    @property
    def stable(self) -> list[int]:
        """Each k whose every segment is stable and large enough."""
        return stable_k(self.scores, self.stability, self.null_limit["limit"])

    def null_of(self, k: int, best: int) -> dict:
        """Return the p-value of the silhouette: of the best of all k for the rule's k, of k itself for another."""
        found = self.scores["silhouette"]
        return null_p_value(found.max(), self.null.max(axis=1)) if k == best else null_p_value(found[k], self.null[k])


def gather_evidence(
    X: np.ndarray, optima: dict[int, Optimum], scores: pd.DataFrame, *, resamples: int, seed: int = 0
) -> Evidence:
    """Ask every criterion; above 1,000 customers a random sample of 1,000 is asked.

    Parameters
    ----------
    resamples : int
        Bootstrap resamples of each k; half as many pairs, and tables (at least 39) of each null model for the
        silhouette; a quarter as many splits and references; a fifth as many tables (at least 20) for the stability.
    """
    rows = sample_rows(len(X), LARGEST_RESAMPLED, seed=seed)
    some, k_values = X[rows], list(optima)
    half, quarter = (max(2, resamples // share) for share in (2, 4))
    limits = max(FEWEST_LIMITS, resamples // 5)
    whole = len(some) == len(X)
    known = optima if whole else {}
    fits = known | fit_each_k(some, [k for k in _from_one(k_values) if k not in known], seed=seed)
    from_one = pd.Series({k: fits[k].model.inertia_ for k in sorted(fits)})
    partitions = {k: optimum.model.labels_[rows] for k, optimum in optima.items()}
    smooth = untie(some, seed=seed)
    return Evidence(
        customers=len(some),
        resamples=resamples,
        inertia=from_one if whole else inertia_from_one(X, scores),
        scores=scores,
        gaps=gap_statistic(some, from_one, references=quarter, seed=seed),
        mixtures=mixture_bic(some, from_one.index, seed=seed),
        stability=stability_table(resampled_jaccard(some, partitions, resamples=resamples, seed=seed)),
        agreement=resampled_agreement(some, k_values, pairs=half, seed=seed),
        strength=prediction_strength(some, k_values, splits=quarter, seed=seed),
        null_limit=null_stability(some, k_values, tables=limits, resamples=NULL_RESAMPLES, seed=seed),
        null=null_silhouettes(some, k_values, tables=max(half, FEWEST_TABLES), seed=seed),
        dip=dip_of_distances(some, seed=seed),
        valleys=pd.Series({k: valley_p(smooth, partitions[k], optima[k].model.cluster_centers_) for k in optima}),
        sizes={k: np.bincount(optimum.model.labels_).tolist() for k, optimum in optima.items()},
    )


def _from_one(k_values: list[int]) -> list[int]:
    return [*range(1, min(k_values)), *k_values]


def conclude(evidence: Evidence, k="auto", *, smallest: int = 1) -> dict:
    """Return the decision with its verdict: those of `decide`, stable (every stable k) and verdict."""
    choice = decide(evidence.scores, evidence.stable, k, smallest=smallest)
    verdicts = {k: _judged(evidence, k, choice["best"]) for k in {choice["k"], choice["best"]}}
    return {
        **choice,
        "stable": evidence.stable,
        "verdict": verdicts[choice["k"]],
        "verdict_of_best": verdicts[choice["best"]],
        "null": evidence.null_of(choice["k"], choice["best"]),
    }


def _judged(evidence: Evidence, k: int, best: int) -> str:
    p = evidence.null_of(k, best)["p"]
    compact = k == best and evidence.scores["silhouette"][k] > DISTINCT_SILHOUETTE
    return judge(
        stable=k in evidence.stable,
        beyond=p <= SIGNIFICANT,
        compact=compact and evidence.dip["p_untied"] <= SIGNIFICANT,
        valleys=evidence.valleys[k] <= SIGNIFICANT,
        weakest=evidence.weakest["jaccard"][k],
    )


def votes(evidence: Evidence) -> pd.DataFrame:
    """Return what each criterion would choose by itself, and whether it takes part in the decision.

    Returns
    -------
    DataFrame
        criterion, choice (a k; missing where it chooses none), votes, rule.
    """
    scores, gaps = evidence.scores, gap_choices(evidence.gaps)
    strong = evidence.strength.index[evidence.strength["prediction_strength"] >= STRONG_PREDICTION]
    rows = [
        ("Stability of every segment", max(evidence.stable, default=None), True, "the largest k that is stable"),
        ("Silhouette", scores["silhouette"].idxmax(), True, "highest"),
        ("Calinski-Harabasz", scores["calinski_harabasz"].idxmax(), False, "highest"),
        ("Davies-Bouldin", scores["davies_bouldin"].idxmin(), False, "lowest"),
        ("Gap statistic", gaps["original"], False, "original rule"),
        ("Gap statistic, first maximum", gaps["firstSEmax"], False, "within one error of the first maximum"),
        ("Prediction strength", max(strong, default=1), False, "the largest k with 0.8 or more"),
        ("Agreement of resamples", evidence.agreement["agreement"].idxmax(), False, "highest"),
        ("Gaussian mixtures", evidence.mixtures.min(axis=1).idxmin(), False, "lowest BIC"),
        ("Elbow of the inertia", None, False, "drawn, but never decides (Schubert 2023)"),
    ]
    return pd.DataFrame(rows, columns=["criterion", "choice", "votes", "rule"]).astype({"choice": "Int64"})


FORMATS = {
    "silhouette": "{:.3f}",
    "weakest segment": "{:.2f}",
    "without structure": "{:.2f}",
    "dissolves": "{:.0%}",
    "prediction strength": "{:.2f}",
    "agreement": "{:.2f}",
    "gap": "{:.3f}",
    "mixture BIC": "{:,.0f}",
}
VOTE_FORMATS = {"votes": {True: "yes", False: "no"}.get}


def summary_table(evidence: Evidence) -> pd.DataFrame:
    """Return one row a k: the figures that the decision looks at, and those that it does not."""
    return (
        pd.DataFrame(
            {
                "silhouette": evidence.scores["silhouette"],
                "weakest segment": evidence.weakest["jaccard"],
                "without structure": evidence.null_limit["limit"],
                "dissolves": evidence.weakest["dissolved"],
                "prediction strength": evidence.strength["prediction_strength"],
                "agreement": evidence.agreement["agreement"],
                "gap": evidence.gaps["gap"],
                "mixture BIC": evidence.mixtures.min(axis=1),
            }
        )
        .loc[evidence.scores.index]
        .rename_axis("k")
    )


def tell_rule() -> str:
    """Return the rule and the meaning of the verdicts, with their thresholds, as two paragraphs."""
    odds = count(round(1 / SIGNIFICANT), "table")
    return (
        f"**The rule.** Among the k whose every segment is stable (a mean Jaccard coefficient of at least {STABLE}, "
        f"and at least the {100 * NULL_LEVEL:g}th percentile of the segments of tables without structure) and has "
        f"{LARGE_ENOUGH} customers or more, the one with the best silhouette is taken; of equals the smaller. Where no "
        f"k is stable, the best silhouette of those with {LARGE_ENOUGH} customers or more in every segment gives a "
        "cut, and the report says that it is no more.\n\n"
        "**The verdict** uses the terms of Dolnicar, Gruen and Leisch (2018). Segments are *natural* when they are "
        f"stable and distinct. Distinct means that at most one of {odds} without segments reaches the best silhouette, "
        f"and that one of two signs of separation holds: a mean silhouette above {DISTINCT_SILHOUETTE} (Kaufman and "
        "Rousseeuw 1990) with distances of more than one mode (Hartigan's dip test, equal values spread, so that steps "
        "are no modes; asked of the k of the rule alone), or a valley between every two segments (the dip test again, "
        "for their customers along the line between the two centroids, as Hamerly and Elkan 2003 project them). They "
        "are *reproducible* when stable but not distinct, *constructive* when neither but usable as a managerial cut, "
        "and there are *none* when nothing supports them."
    )


def tell_effort(evidence: Evidence) -> str:
    """Say what was done and how exact it is."""
    frames = evidence.weakest, evidence.null_limit, evidence.strength, evidence.agreement
    errors = listing(f"{frame['error'].max():.2f}" for frame in frames)
    return (
        f"The evidence, from {evidence.resamples:,} bootstrap resamples of "
        f"{count(evidence.customers, 'customer')}, and tables without structure. The Monte Carlo error is at most "
        f"{errors} for the weakest segment, the limit without structure, the prediction strength and the agreement."
    )


def tell_evidence(evidence: Evidence) -> str:
    """Say which k each resampling criterion favours."""
    choices = votes(evidence).set_index("criterion")["choice"]
    return (
        f"Every segment is stable for {_tell_k(evidence.stable)}; prediction strength reaches {STRONG_PREDICTION} "
        f"up to k = {choices['Prediction strength']}, resamples agree best at "
        f"k = {choices['Agreement of resamples']}, and the gap statistic chooses k = {choices['Gap statistic']}. "
        "Bars are Monte Carlo standard errors, dotted lines the usual thresholds."
    )


def _tell_k(values: list[int]) -> str:
    return f"k = {listing(values)}" if values else "no k"


def tell_weakest(evidence: Evidence) -> str:
    """Say where a segment falls apart most often."""
    weakest = evidence.weakest
    k = weakest["dissolved"].idxmax()
    row = weakest.loc[k]
    return (
        f"The stability of every segment of every k. Most often dissolved is segment {row['segment']:.0f} of "
        f"k = {k}, in {percent(row['dissolved'])} of the resamples."
    )


def tell_decision(evidence: Evidence, conclusion: dict) -> list[str]:
    """Return the reasons for the decision and the verdict, the dissent, and what else is worth a look."""
    k, best, scores, null = conclusion["k"], conclusion["best"], evidence.scores["silhouette"], conclusion["null"]
    told = [f"Every segment is stable for {_tell_k(evidence.stable)}."]
    if evidence.stable:
        told.append(f"Of these, k = {best} has the best silhouette ({scores[best]:.3f}).")
    else:
        told.append(
            f"Of the k whose segments all have {LARGE_ENOUGH} customers or more, k = {best} has the best silhouette "
            f"({scores[best]:.3f})."
        )
    if conclusion["method"] == "given":
        told.append(f"**The analyst asked for k = {k}**, with a silhouette of {scores[k]:.3f}.")
        told.append(tell_stability_of(evidence, k))
    told.append(
        f"{_tell_compared(scores, k, best)} is reached by tables without segments "
        f"({listing(null['models'])}) with {tell_p(null['p'])} (Monte Carlo error {null['error']:.2f}); distances with "
        f"one mode alone would look like these with {tell_p(evidence.dip['p_untied'])} (dip test, equal values spread)."
    )
    told.append(_tell_valley(evidence.valleys[k]))
    told.append(f"**Verdict: {conclusion['verdict']}**, {VERDICTS[conclusion['verdict']]}.")
    return [*told, _tell_dissent(evidence, k), *_tell_alternatives(evidence, conclusion)]


def _tell_compared(scores: pd.Series, k: int, best: int) -> str:
    return f"The best silhouette of all k, {scores.max():.3f}," if k == best else f"The silhouette of k = {k}"


def _tell_valley(p: float) -> str:
    told = "There is a valley" if p <= SIGNIFICANT else "A valley could not be shown"
    return f"{told} between every two segments (dip test along the line between centroids, largest {tell_p(p)})."


def tell_stability_of(evidence: Evidence, k: int) -> str:
    """Say how stable the least stable segment of one k is."""
    row = evidence.weakest.loc[k]
    size = evidence.sizes[k][int(row["segment"]) - 1]
    shown = count(size, "customer") if size >= SMALLEST_GROUP else f"fewer than {SMALLEST_GROUP} customers"
    return (
        f"Its least stable segment, of {shown}, comes back with a mean Jaccard coefficient of "
        f"{row['jaccard']:.2f} and dissolves in {percent(row['dissolved'])} of the resamples."
    )


def dissent(evidence: Evidence, k: int) -> dict[str, int]:
    """Return the criteria that would choose another k, with their choices."""
    table = votes(evidence).dropna(subset="choice")
    if k in evidence.stable:
        table = table[table["criterion"] != "Stability of every segment"]
    return {row.criterion: int(row.choice) for row in table.itertuples() if row.choice != k}


def _tell_dissent(evidence: Evidence, k: int) -> str:
    others = listing(f"{name} ({choice})" for name, choice in dissent(evidence, k).items())
    return f"**Dissent:** {others}." if others else "No criterion disagrees."


def alternatives(evidence: Evidence, conclusion: dict) -> list[dict]:
    """Return other k worth a look: every other stable one, and the next best silhouette with what is wrong with it."""
    k, scores = conclusion["k"], evidence.scores["silhouette"]
    found = [
        {"k": i, "why": f"stable and {'coarser' if i < k else 'finer'}, with a silhouette of {scores[i]:.3f}"}
        for i in evidence.stable
        if i != k
    ]
    rest = scores.drop(index=[k, *(row["k"] for row in found)], errors="ignore")
    if len(rest):
        i = int(rest.idxmax())
        found.append({"k": i, "why": f"the next best silhouette, {rest[i]:.3f}. {tell_stability_of(evidence, i)}"})
    return found


def _tell_alternatives(evidence: Evidence, conclusion: dict) -> list[str]:
    return [f"Worth a look: k = {row['k']}, {row['why'].rstrip('.')}." for row in alternatives(evidence, conclusion)]


def tell_found(conclusion: dict) -> str:
    """Return "five segments", or "six parts" where they are a cut, or "no segments"."""
    k, verdict = conclusion["k"], conclusion["verdict"]
    return "no segments" if verdict == "none" else count(k, NOUNS[verdict])


def tell_answer(evidence: Evidence, conclusion: dict) -> list[str]:
    """Return the answer: the verdict in plain words, and how strong the evidence is."""
    row = evidence.weakest.loc[conclusion["k"]]
    return [
        f"**{sentence(tell_found(conclusion))}; verdict: {conclusion['verdict']}.**",
        f"That is: {VERDICTS[conclusion['verdict']]}.",
        f"The mean silhouette is {evidence.scores['silhouette'][conclusion['k']]:.3f}, and the least stable segment "
        f"comes back with a Jaccard coefficient of {row['jaccard']:.2f} (1 is always whole).",
        _tell_dissent(evidence, conclusion["k"]),
    ]


def describe(evidence: Evidence, conclusion: dict) -> dict:
    """Return what k_selection.json holds: every criterion's values and choice, the decision and its reasons."""
    return {
        **conclusion,
        "criteria": {str(k): _describe_k(evidence, k) for k in evidence.gaps.index},
        "votes": [
            {**row, "choice": None if pd.isna(row["choice"]) else int(row["choice"])}
            for row in votes(evidence).to_dict("records")
        ],
        "reasons": [told.replace("**", "") for told in tell_decision(evidence, conclusion)],
        "dissent": dissent(evidence, conclusion["k"]),
        "alternatives": alternatives(evidence, conclusion),
        "dip": evidence.dip,
        "resamples": evidence.resamples,
        "sample": evidence.customers,
    }


def _describe_k(evidence: Evidence, k: int) -> dict:
    row = {
        "inertia": evidence.inertia.get(k),
        "gap": evidence.gaps["gap"][k],
        "gap_error": evidence.gaps["error"][k],
        "mixture_bic": evidence.mixtures.loc[k].to_dict(),
    }
    if k not in evidence.scores.index:
        return row
    segments = evidence.stability[evidence.stability["k"] == k]
    return {
        **row,
        **{name: values[k].item() for name, values in evidence.scores.items()},
        "prediction_strength": evidence.strength["prediction_strength"][k],
        "prediction_strength_error": evidence.strength["error"][k],
        "agreement": evidence.agreement["agreement"][k],
        "agreement_error": evidence.agreement["error"][k],
        "null_limit": evidence.null_limit["limit"][k],
        "null_limit_error": evidence.null_limit["error"][k],
        "valley_p": evidence.valleys[k],
        "segments": segments.drop(columns="k").astype({"segment": object}).to_dict("records"),
    }
