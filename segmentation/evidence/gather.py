"""The evidence for each number of segments, gathered once, and what each criterion makes of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from segmentation.core.privacy import least
from segmentation.core.store.reuse import reused
from segmentation.customers.exploring import sample_rows
from segmentation.evidence.criteria import RULES, dip_of_distances, inertia_from_one, score_each_k, untie
from segmentation.evidence.decision import SIGNIFICANT, decide, merit, stable_k, verdict
from segmentation.evidence.nulls import (
    NullTables,
    class_p_values,
    gap_choices,
    gap_statistic,
    null_p_value,
    null_stability,
    null_tables,
)
from segmentation.evidence.separation import DEEP, separation
from segmentation.evidence.stability import prediction_strength, resampled_agreement, resampled_jaccard, stability_table
from segmentation.methods.kmeans import KMEANS
from segmentation.methods.latent import LatentMethod
from segmentation.methods.method import LARGEST_RESAMPLED, Method, Optimum
from segmentation.methods.mixture import mixture_bic
from segmentation.methods.optima import by_k, fit_each_k
from segmentation.runs.records import STRONGEST_FIRST, Carried, Conclusion, Null, Tried, Verdict

NULL_RESAMPLES = 5
FEWEST_TABLES = 39  # so that a p-value can be as small as 0.025
FEWEST_LIMITS = 30  # tables for the limit of the stability
STRONG_PREDICTION = 0.8
LATENT = "Latent classes"  # as a criterion
AT_A_TIME = 5  # further k


@dataclass(frozen=True)
class Evidence:
    """What speaks for each k, on `customers` customers.

    By k: inertia (from 1), scores, gaps, mixtures, agreement, strength; stability, one row a segment of each k;
    null_limit (limit and error), what a segment's stability must reach; separation, how clear the valleys between
    segments are (`separation.separation`, and chance: how often tables without segments, divided into as many, show
    valleys as deep); sizes, the customers of each segment; null, the silhouettes of tables without segments.
    by_degree : whether separation is that of latent classes from customers who differ by degree alone.
    dip : of all customers; different : their combinations of values.
    """

    customers: int
    features: int
    different: int
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
    separation: pd.DataFrame
    sizes: dict[int, list[int]]
    by_degree: bool = False

    @property
    def weakest(self) -> pd.DataFrame:
        """The least stable segment of each k: segment, jaccard, error, dissolved, recovered; indexed by k."""
        return self.stability.loc[self.stability.groupby("k")["jaccard"].idxmin()].set_index("k")

    @property
    def stable(self) -> list[int]:
        """Each k whose every segment is stable and large enough."""
        return stable_k(self.scores, self.stability)

    @property
    def separated(self) -> list[int]:
        """Each k with valleys between its segments, along bends too, that tables without segments rarely show.

        Of latent classes each with a likelihood that customers who differ by degree alone do not give.
        """
        found = self.separation
        deep = (found["p"] <= DEEP) & (found["chance"] <= SIGNIFICANT)
        return [int(k) for k in found.index[deep]]

    def null_of(self, k: int) -> Null:
        """Return the p-value of the silhouette of k among the best of all k on tables without segments.

        So it is paid for that a k is chosen, whichever it is. Of k = 1 the best silhouette of all k is asked.
        """
        found = self.scores["silhouette"]
        return Null(**null_p_value(found.get(k, found.max()), self.null.max(axis=1)))


def gather_evidence(
    X: np.ndarray,
    optima: dict[int, Optimum],
    scores: pd.DataFrame,
    *,
    resamples: int,
    method: Method = KMEANS,
    seed: int = 0,
) -> Evidence:
    """Ask every criterion; above 1,000 customers a random sample of 1,000 is asked.

    Parameters
    ----------
    resamples : int
        Bootstrap resamples of each k; half as many pairs, and tables (at least 39) of each null model for the
        silhouette; a quarter as many splits and references; a fifth as many tables (at least 30) for the stability.
    """
    rows = sample_rows(len(X), LARGEST_RESAMPLED, seed=seed)
    some, k_values = X[rows], list(optima)
    half, quarter, limits = max(2, resamples // 2), max(2, resamples // 4), max(FEWEST_LIMITS, resamples // 5)
    known, asked = optima if len(some) == len(X) else {}, {*range(1, min(k_values)), *k_values}
    fits = known | fit_each_k(some, sorted(asked - {*known}), method=method, seed=seed)
    how: dict[str, Any] = {"method": method.settled(fits), "seed": seed}
    from_one = pd.Series({k: fits[k].model.inertia_ for k in sorted(fits)})
    partitions = {k: optimum.model.labels_[rows] for k, optimum in optima.items()}
    divided, null = _separated(some, partitions, resamples=resamples, **how)
    return Evidence(
        customers=len(some),
        features=X.shape[1],
        different=len(np.unique(some, axis=0)),
        resamples=resamples,
        inertia=from_one if known else inertia_from_one(X, scores),
        scores=scores,
        gaps=reused(gap_statistic, some, from_one, references=quarter, **how),
        mixtures=_bics(some, fits, method, seed),
        stability=stability_table(by_k(resampled_jaccard, some, partitions, resamples=resamples, **how)),
        agreement=by_k(resampled_agreement, some, k_values, pairs=half, **how),
        strength=by_k(prediction_strength, some, k_values, splits=quarter, **how),
        null_limit=reused(null_stability, some, k_values, tables=limits, resamples=NULL_RESAMPLES, **how),
        null=null.silhouettes,
        dip=reused(dip_of_distances, some, seed=seed),
        separation=divided,
        sizes={k: optimum.sizes.tolist() for k, optimum in optima.items()},
        by_degree=isinstance(method, LatentMethod),
    )


def _bics(X: np.ndarray, fits: dict[int, Optimum], method: Method, seed: int) -> pd.DataFrame:
    """Return the BIC of Gaussian mixtures by k and family; where latent classes form the segments that of these."""
    if not isinstance(method, LatentMethod):
        return by_k(mixture_bic, X, sorted(fits), seed=seed)
    found = {k: vars(fits[k].model)["bic_"] for k in sorted(fits)}
    return pd.DataFrame({LATENT: found}).rename_axis("k")


def _separated(
    X: np.ndarray, partitions: dict[int, np.ndarray], *, method: Method, resamples: int, seed: int
) -> tuple[pd.DataFrame, NullTables]:
    """Return how clearly the segments of each k part, by valleys or as classes do, and what null tables give."""
    of_null: dict[str, Any] = {"method": method, "seed": seed, "tables": max(resamples // 2, FEWEST_TABLES)}
    found = by_k(separation, method.space(untie(X, seed=seed)), partitions)
    if isinstance(method, LatentMethod):
        limits = max(FEWEST_LIMITS, resamples // 5)
        p = reused(class_p_values, X, list(partitions), **of_null | {"tables": limits})
        null = reused(null_tables, X, pd.Series(1.0, found.index), kinds=(NullTables,), **of_null)
        return found.assign(p=p, least=p, chance=p, curved=False), null
    null = reused(null_tables, X, found["p"], kinds=(NullTables,), **of_null)
    return found.assign(chance=[null_p_value(True, null.as_deep[k])["p"] for k in partitions]), null


def conclude(evidence: Evidence, k="auto", *, private=False, base: Carried | None = None, fixed=False) -> Conclusion:
    """Return the decision, with the verdict on every k; where segments are `fixed`, k is that of the base."""
    verdicts = {int(i): _judged(evidence, int(i)) for i in evidence.scores.index}
    choice = decide(evidence.scores, verdicts, k, smallest=least(private), base=base)
    choice |= {"k": k, "method": "fixed"} if fixed else {}
    return Conclusion(
        **choice,
        stable=tuple(evidence.stable),
        verdict=verdicts.get(choice["k"], "none"),
        verdict_of_best=verdicts.get(choice["best"], "none"),
        verdicts=verdicts,
        null=evidence.null_of(choice["k"]),
    )


def _judged(evidence: Evidence, k: int) -> Verdict:
    return verdict(
        stable=k in evidence.stable,
        beyond=evidence.null_of(k).p <= SIGNIFICANT,
        separated=k in evidence.separated,
        weakest=evidence.weakest["jaccard"][k],
        limit=evidence.null_limit["limit"][k],
    )


@dataclass(frozen=True)
class Judgement:
    """What one method makes of the customers: the best optimum of each k, its scores, the evidence and the decision."""

    method: Method
    optima: dict[int, Optimum]
    scores: pd.DataFrame
    evidence: Evidence
    conclusion: Conclusion

    @property
    def rank(self) -> int:
        """How strong the verdict is on the k that the evidence speaks for, whatever k an analyst has asked for."""
        return STRONGEST_FIRST.index(self.conclusion.verdict_of_best)

    @property
    def tried(self) -> Tried:
        """What is kept of it where another method is taken."""
        return Tried(method=self.method.name, k=self.conclusion.best, verdict=self.conclusion.verdict_of_best)


@dataclass(frozen=True)
class Unseparated:
    """A method whose segments cannot be natural, with any k, because no valleys part them: nothing more is asked."""

    method: Method
    rank = len(STRONGEST_FIRST)

    @property
    def tried(self) -> Tried:
        return Tried(method=self.method.name, k=None, verdict=None)


def judge(
    X: np.ndarray,
    method: Method,
    k_values,
    *,
    k="auto",
    far=None,
    resamples: int,
    private: bool,
    base: Carried | None = None,
    seed: int = 0,
    further: Sequence[int] = (),
    if_natural: bool = False,
    placed: Optimum | None = None,
) -> Judgement | Unseparated:
    """Fit each k by one method, gather its evidence, and decide; those set aside as `far` count in sizes alone.

    Parameters
    ----------
    if_natural : bool
        Only natural segments are asked for: valleys, which cost least, are looked at first.
    further : sequence of int
        More k, in ascending order, to ask where the best one would be the largest of `k_values`.
    placed : Optimum, optional
        The segments of an earlier run, which are judged for `k` in place of the best ones.
    """

    def fitted(k_values) -> dict[int, Optimum]:
        own = {k: placed} if placed else {}
        fits = fit_each_k(X, [k for k in k_values if k not in own], method=method, seed=seed) | own
        return {k: replace(fits[k], far=far) for k in k_values}

    optima, scores = _inside(X, fitted, k_values, further, seed)
    if if_natural and not _has_valleys(X, optima, method, seed):
        return Unseparated(method)
    evidence = gather_evidence(X, optima, scores, resamples=resamples, method=method, seed=seed)
    told = conclude(evidence, k, private=private, base=base, fixed=placed is not None)
    return Judgement(method, optima, scores, evidence, told)


def _has_valleys(X: np.ndarray, optima: dict[int, Optimum], method: Method, seed: int) -> bool:
    """Return whether some k has valleys between its segments, on the sample that evidence is asked of."""
    rows = sample_rows(len(X), LARGEST_RESAMPLED, seed=seed)
    labels = {k: optimum.model.labels_[rows] for k, optimum in optima.items()}
    return bool((by_k(separation, method.space(untie(X[rows], seed=seed)), labels)["p"] <= DEEP).any())


def _inside(
    X: np.ndarray, fitted: Callable, k_values, further: Sequence[int], seed: int
) -> tuple[dict[int, Optimum], pd.DataFrame]:
    """Fit further k until the best one is not the largest; as far as two beyond it, because all evidence is asked then.

    Where even the last is the best, nothing is gained: the criterion rises with k, as it does where nothing is found.

    Parameters
    ----------
    fitted : function
        Returns the best optimum of each k.
    """
    first = fits = fitted(k_values)
    known = scores = by_k(score_each_k, X, first, seed=seed)
    while merit(scores).idxmax() == max(fits) and further:
        more, further = fitted(further[:AT_A_TIME]), further[AT_A_TIME:]
        fits, scores = fits | more, pd.concat([scores, by_k(score_each_k, X, more, seed=seed)])
    best = merit(scores).idxmax()
    if best == max(fits):
        return first, known
    kept = [k for k in fits if k in first or k <= best + 2]
    return {k: fits[k] for k in kept}, scores.loc[kept]


def judge_each(X: np.ndarray, methods: Sequence[Method], k_values, **asked) -> list[Judgement | Unseparated]:
    """Judge one method after the other, until the segments of one are natural: what others find is not asked then.

    Every method after the first is taken only where its segments are natural, and is asked no more than that needs.
    What is `asked` of each is k, far, resamples, private, base, seed, further and placed, as `judge` takes them.
    """
    found: list[Judgement | Unseparated] = []
    for method in methods:
        found.append(judge(X, method, k_values, if_natural=bool(found), **asked))
        if found[-1].rank == 0:
            break
    return found


def taken(judged: Sequence[Judgement | Unseparated]) -> Judgement:
    """Return the method that forms the segments: one whose segments are natural, else the first one."""
    found = judged[-1] if judged[-1].rank == 0 else judged[0]
    assert isinstance(found, Judgement)  # the first one is judged whole
    return found


def votes(evidence: Evidence) -> pd.DataFrame:
    """Return what each criterion would choose by itself, and whether it votes: a BIC does where there is one.

    Returns
    -------
    DataFrame
        criterion, choice (a k; missing where it chooses none), votes, rule.
    """
    scores, gaps = evidence.scores, gap_choices(evidence.gaps)
    strong = evidence.strength.index[evidence.strength["prediction_strength"] >= STRONG_PREDICTION]
    choices = {
        "Stability of every segment": max(evidence.stable, default=None),
        **({"BIC": scores["bic"].idxmin()} if "bic" in scores else {}),
        "Silhouette": scores["silhouette"].idxmax(),
        "Calinski-Harabasz": scores["calinski_harabasz"].idxmax(),
        "Davies-Bouldin": scores["davies_bouldin"].idxmin(),
        "Gap statistic": gaps["original"],
        "Gap statistic, first maximum": gaps["firstSEmax"],
        "Prediction strength": max(strong, default=1),
        "Agreement of resamples": evidence.agreement["agreement"].idxmax(),
        (LATENT if LATENT in evidence.mixtures else "Gaussian mixtures"): evidence.mixtures.min(axis=1).idxmin(),
        **({} if "bic" in scores else {"Elbow of the inertia": None}),
    }
    deciding = ("Stability of every segment", "BIC" if "bic" in scores else "Silhouette")
    rows = ((name, choice, name in deciding, RULES[name]) for name, choice in choices.items())
    return pd.DataFrame(rows, columns=["criterion", "choice", "votes", "rule"]).astype({"choice": "Int64"})


def summary_table(evidence: Evidence) -> pd.DataFrame:
    """Return one row a k: the figures that the decision looks at, and those that it does not."""
    return (
        pd.DataFrame(
            {
                "silhouette": evidence.scores["silhouette"],
                "weakest": evidence.weakest["jaccard"],
                "limit": evidence.null_limit["limit"],
                "dissolved": evidence.weakest["dissolved"],
                "strength": evidence.strength["prediction_strength"],
                "agreement": evidence.agreement["agreement"],
                "gap": evidence.gaps["gap"],
                "mixtures": evidence.mixtures.min(axis=1),
            }
        )
        .loc[evidence.scores.index]
        .rename_axis("k")
    )


def dissent(evidence: Evidence, k: int) -> dict[str, int]:
    """Return the criteria that would choose another k, with their choices."""
    table = votes(evidence).dropna(subset="choice")
    if k in evidence.stable:
        table = table[table["criterion"] != "Stability of every segment"]
    return {row.criterion: int(row.choice) for row in table.itertuples() if row.choice != k}


def described(evidence: Evidence, k: int) -> dict:
    """Return the criteria of a k as k_selection.json holds them."""
    row = {
        "inertia": evidence.inertia.get(k),
        "gap": evidence.gaps["gap"][k],
        "gap_error": evidence.gaps["error"][k],
        "mixture_bic": evidence.mixtures.loc[k].dropna().to_dict(),
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
        "valley_p": evidence.separation["p"][k].item(),
        "valley_chance": evidence.separation["chance"][k].item(),
        "curved": evidence.separation["curved"][k].item(),
        "segments": segments.drop(columns="k").astype({"segment": object}).to_dict("records"),
    }
