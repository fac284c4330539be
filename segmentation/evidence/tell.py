"""What is said of the evidence for each number of segments, and of the choice."""

from collections.abc import Callable
from functools import partial

import pandas as pd

from segmentation.core.privacy import SMALLEST_GROUP, TENS, all_but, least, public, significant
from segmentation.core.text import count, escape
from segmentation.evidence import criteria
from segmentation.evidence.criteria import titled
from segmentation.evidence.decision import DISSOLVED, LARGE_ENOUGH, NOUNS, SIGNIFICANT, STABLE, advice, meaning, merit
from segmentation.evidence.gather import STRONG_PREDICTION, Evidence, described, dissent, votes
from segmentation.evidence.nulls import NULL_LEVEL
from segmentation.evidence.separation import DEEP
from segmentation.language.writing import amount, decimal, listing, percent, sentence, tell_p, whole
from segmentation.methods.kmeans import TIMES_REACHED
from segmentation.methods.method import LARGEST_EXACT, LARGEST_RESAMPLED
from segmentation.runs.records import STRONGEST_FIRST, Conclusion, Verdict
from segmentation.runs.tell import against, whose_k

SCORE_TITLES = {"calinski_harabasz": "Calinski-Harabasz", "davies_bouldin": "Davies-Bouldin", "bic": "BIC"}
SUMMARY_FORMATS: dict[str, Callable] = {
    "silhouette": decimal,
    "weakest segment": decimal,
    "without structure": decimal,
    "dissolves": percent,
    "prediction strength": decimal,
    "agreement": decimal,
    "gap": partial(decimal, digits=3),
    "mixture BIC": whole,
}
FEW_CUSTOMERS = 50
FEW_EACH = 10  # customers a feature
FEW_DIFFERENT = 4  # customers a combination of values
VOTE_FORMATS = {"votes": {True: "yes", False: "no"}.get}
NO_NEXT = "One part alone has no silhouettes: there is no next one to compare its customers with."
EVIDENCE_CAPTIONS = {  # over each table
    "criteria": "The criteria at the best optimum of each k, and the share of starts that reached it.",
    "votes": "What each criterion would choose by itself, and whether it takes part in the decision.",
}


def starts(scores: pd.DataFrame, customers: int) -> str:
    """Say how many starts were made, where the best optimum was hardest to find, and where it may have been missed."""
    if not scores["starts"].any():  # one k alone was asked, whose segments are kept
        return ""
    scores = scores[scores["starts"] > 0]
    hardest = scores["reached"].idxmin()
    told = (
        f"{scores['starts'].sum():,} starts were made in all{_tell_sample(customers)}. The best optimum was hardest to "
        f"find for k = {hardest}: {percent(scores['reached'][hardest])} of the starts reached it."
    )
    missed = scores.index[(scores["reached"] * scores["starts"]).round() < TIMES_REACHED]
    if len(missed):
        told += f" For k = {listing(missed)} it was reached fewer than {TIMES_REACHED} times; a better one may exist."
    return told


def _tell_sample(customers: int) -> str:
    return f", on a random sample of {LARGEST_EXACT:,} customers" if customers > LARGEST_EXACT else ""


def misfits(silhouettes: pd.DataFrame, *, private: bool, aside: int = 0) -> str:
    """Say how many customers have a silhouette below 0, and in which segments; `aside` take no part."""
    everyone = all_but(aside, len(silhouettes), private=private)
    below = silhouettes[silhouettes["silhouette"] < 0].groupby("segment").size()
    n, counted = int(below.sum()), everyone if aside else f"{len(silhouettes):,} customers"
    if not n:
        return f"None of {everyone} has a silhouette below 0."
    if private and below.min() < SMALLEST_GROUP:
        return f"{sentence(public(n))} of {counted} have a silhouette below 0."
    where = listing(f"{number:,} in segment {segment}" for segment, number in below.items())
    return f"{n:,} of {counted} {'has' if n == 1 else 'have'} a silhouette below 0 ({where})."


def silhouettes(silhouettes: pd.DataFrame, k: int, *, private: bool, aside: int = 0) -> str:
    """Say how well the customers fit on average, in which segment worst, and how many not at all."""
    if silhouettes.empty:
        return NO_NEXT
    means, all_in_all = silhouettes.groupby("segment")["silhouette"].mean(), silhouettes["silhouette"].mean()
    return (
        f"The silhouettes of {all_but(aside, len(silhouettes), private=private)} in {count(k, 'segment')}: "
        f"{decimal(all_in_all)} on average, weakest in segment {means.idxmin()} ({decimal(means.min())}). "
        f"{misfits(silhouettes, private=private, aside=aside)}"
    )


def favourites(scores: pd.DataFrame) -> str:
    """Say which k each criterion favours."""
    liked = titled(criteria.favourites(scores))
    told = listing(f"{escape(name)} favours {best}" for name, best in liked.items())
    return f"The favourite of each criterion is circled: {told}.{'' if 'bic' in scores else ' The elbow has none.'}"


SCORE_FORMATS: dict[str, Callable] = {
    "inertia": amount,
    "silhouette": decimal,
    "Calinski-Harabasz": decimal,
    "Davies-Bouldin": decimal,
    "BIC": amount,
    "smallest": public,  # of segments that were not chosen
    "reached": percent,
}


def score_formats(*, private: bool) -> dict:
    """Return how the criteria are written, where rows are private to four significant digits."""
    return {name: _coarsely(form, private) for name, form in SCORE_FORMATS.items()}


def summary_formats(*, private: bool) -> dict:
    """Return how the evidence is written in the same way."""
    return {name: _coarsely(form, private) for name, form in SUMMARY_FORMATS.items()}


def _coarsely(form: Callable, private: bool) -> Callable:
    return (lambda value: form(significant(value))) if private else form


def flows(flows: pd.DataFrame, k: int, *, private: bool) -> str:
    """Say which segment is divided most by the step from k to the next k, or by the one nearest to k."""
    if flows.empty:
        return "One k alone was asked, so that nobody moves."
    step = flows[flows["k"] == min(max(k, flows["k"].min()), flows["k"].max())]
    kept = step.groupby("segment")["customers"].max()
    leaving = step.groupby("segment")["customers"].sum() - kept
    segment = leaving.idxmax()
    now, then = step["k"].iloc[0], step["next_k"].iloc[0]
    hidden = f" {sentence(TENS)}." if private else ""
    if not leaving[segment]:
        return f"From {now} to {then} segments no segment is divided.{hidden}"
    counts = "" if private else f": of {kept[segment] + leaving[segment]:,} customers {kept[segment]:,} stay together"
    rows = "Each row is one k, each mark a segment with its customers; the paler, the more mixed is its origin."
    return f"From {now} to {then} segments, segment {segment} is divided most{counts}. {rows}{hidden}"


def rule() -> str:
    """Return the rule and the meaning of the verdicts, with their thresholds, as two paragraphs."""
    odds = count(round(1 / SIGNIFICANT), "table")
    return (
        "**The verdict** is asked of every k, in the terms of Dolnicar, Gruen and Leisch (2018), by two questions that "
        "are kept apart. *Does it come back?* A k is stable where every segment has a mean Jaccard coefficient of at "
        f"least {STABLE} (Hennig 2007) and {LARGE_ENOUGH} customers or more. *Is it there?* A k is distinct where "
        "valleys separate the segments: on the line that tells two of them apart customers are rarer between them than "
        f"in the core of either (p at most {DEEP} for all pairs joined), at most one of {odds} without segments, "
        "divided into as many, shows valleys as deep, and a bent piece has them along its bend too. Latent classes are "
        "distinct where tables of customers who differ by degree alone, by common factors behind their answers, rarely "
        "gain as much likelihood. Segments that are both are *natural*. Stable ones that are not distinct are "
        f"*reproducible* where the least stable of them reaches the {100 * NULL_LEVEL:g}th percentile of those "
        "of tables without any structure, and *constructive* where it comes back no better than those. *Constructive* "
        f"is also a k that is not stable, where it is distinct or at most one of {odds} without segments reaches its "
        "silhouette, at whichever k, and no segment dissolves (a mean Jaccard coefficient above "
        f"{DISSOLVED}). The rest is *none*.\n\n"
        "**The rule.** The strongest verdict wins, and of several k that have it the one with the best silhouette (of "
        "a method with a likelihood: the lowest BIC); of equals the smaller. A k with a segment of fewer than "
        f"{LARGE_ENOUGH} customers is taken only where every k has one. The others are told as "
        "alternatives, each with its own verdict."
    )


def effort(evidence: Evidence, *, private: bool, aside: int = 0) -> str:
    """Say what was done and how exact it is."""
    who = all_but(aside if evidence.customers < LARGEST_RESAMPLED else 0, evidence.customers, private=private)
    frames = evidence.weakest, evidence.null_limit, evidence.strength, evidence.agreement
    errors = listing(decimal(frame["error"].max()) for frame in frames)
    return (
        f"The evidence, from {evidence.resamples:,} bootstrap resamples of {who}, and tables without structure. "
        f"The Monte Carlo error is at most {errors} for the weakest segment, the limit without structure, the "
        "prediction strength and the agreement."
    )


def resampling(evidence: Evidence) -> str:
    """Say which k each resampling criterion favours."""
    choices = votes(evidence).set_index("criterion")["choice"]
    strong = evidence.strength.index[evidence.strength["prediction_strength"] >= STRONG_PREDICTION].tolist()
    return (
        f"Every segment is stable and large enough for {_tell_k(evidence.stable)}; prediction strength reaches "
        f"{STRONG_PREDICTION} for {_tell_k(strong)}, resamples agree best at "
        f"k = {choices['Agreement of resamples']}, and the gap statistic chooses k = {choices['Gap statistic']}. "
        "Bars are Monte Carlo standard errors, dotted lines the usual thresholds."
    )


def _tell_k(values: list[int]) -> str:
    return f"k = {listing(values)}" if values else "no k"


def weakest(evidence: Evidence) -> str:
    """Say which segment falls apart most often, or which do."""
    every, told = evidence.stability, "The stability of every segment of every k."
    most = every["dissolved"].max()
    if not most:
        return f"{told} None is dissolved in any resample."
    those = every[every["dissolved"] == most]
    which = listing(f"segment {whole(row.segment)} of k = {row.k}" for row in those.itertuples())
    return (
        f"{told} Most often dissolved {'is' if len(those) == 1 else 'are'} {which}, "
        f"in {percent(most)} of the resamples."
    )


def decision(evidence: Evidence, conclusion: Conclusion) -> list[str]:
    """Return the reasons for the decision and the verdict, the dissent, and what else is worth a look."""
    k, scores, null = conclusion.k, evidence.scores["silhouette"], conclusion.null
    asked = k if conclusion.divided else scores.idxmax()
    between = "a difference in kind separates" if evidence.by_degree else "valleys separate"
    told = [
        f"Every segment is stable and large enough for {_tell_k(evidence.stable)}; {between} the segments for "
        f"{_tell_k(evidence.separated)}.",
        _tell_best(evidence, conclusion),
    ]
    if conclusion.method != "auto":
        whose = f"**{escape(whose_k(conclusion))}**, with a silhouette of {decimal(scores[k])}."
        told += [whose, stability_of(evidence, k)]
    told.append(
        f"The silhouette of k = {asked}, {decimal(scores[asked])}, is reached at whichever k by tables without "
        f"segments ({listing(null.models)}) with {tell_p(null.p)} (Monte Carlo error {decimal(null.error)}); distances "
        f"with one mode alone would look like these with {tell_p(evidence.dip['p_untied'])} (dip test, equal values "
        "spread)."
    )
    told += [_tell_valley(evidence, k)] if conclusion.divided else []
    told += caveats(evidence, conclusion)
    told.append(f"**Verdict: {conclusion.verdict}**, {meaning(conclusion.verdict, k)}.")
    return [*told, _tell_dissent(evidence, k), *_tell_alternatives(evidence, conclusion)]


def _tell_best(evidence: Evidence, conclusion: Conclusion) -> str:
    """Say which k the rule takes, and among which."""
    best, allowed, verdict = conclusion.best, conclusion.allowed, conclusion.verdict_of_best
    if best == 1:
        return "**There is one part**, of all customers."
    small = [min(sizes) < LARGE_ENOUGH for sizes in evidence.sizes.values()]
    none = f"No k has {LARGE_ENOUGH} customers or more in every segment. " if all(small) else ""
    among = "all k" if none or not any(small) else f"the k with {LARGE_ENOUGH} customers or more in every segment"
    scores, likely = evidence.scores, "bic" in evidence.scores
    value = decimal(scores["silhouette"][best])
    what, alone = ("BIC", "alone") if likely else (f"silhouette ({value})", f"alone, with a silhouette of {value}")
    if verdict == "none":
        return f"{none}No k has support; of {among}, k = {best} has the best {what}."
    told = f"{none}The strongest verdict of {among}, {verdict}, is that of"
    if len(allowed) == 1:
        return f"{told} k = {best} {alone}."
    return f"{told} {_tell_k([*allowed])}; of these, k = {best} has the best {what}."


def caveats(evidence: Evidence, conclusion: Conclusion) -> list[str]:
    """Say what limits all that can be known of this table."""
    n, d, told = evidence.customers, evidence.features, []
    if n < FEW_CUSTOMERS:
        told.append(f"With fewer than {FEW_CUSTOMERS} customers only groups far apart can be told from chance.")
    if n < d * FEW_EACH:
        told.append(f"With fewer than {FEW_EACH} customers for each feature a division may fit these customers alone.")
    if evidence.different * FEW_DIFFERENT < n:
        told.append(
            f"Many customers are alike in every feature: for {FEW_DIFFERENT} customers there is less than one "
            "combination of values, and who is alike cannot be divided."
        )
    if conclusion.divided and evidence.separation["curved"][conclusion.k]:
        told.append("Some two of the parts are one curved piece: a path of customers leads from one to the other.")
    first, last = evidence.scores.index.min(), evidence.scores.index.max()
    if (
        conclusion.method == "auto"
        and conclusion.verdict != "none"
        and first < conclusion.k == last < evidence.different - 1
    ):
        told.append(f"k = {conclusion.k} is the largest that was asked, so there may be more.")
    return told


def _tell_valley(evidence: Evidence, k: int) -> str:
    row = evidence.separation.loc[k]
    pair = f"segments {row['first']} and {row['second']}"
    if evidence.by_degree:
        told = "as much likelihood where answers only go together by common factors, so that customers differ by degree"
        return f"So many classes gain {told}, with {tell_p(row['p'])}, whichever k is asked."
    if row["curved"]:
        return f"On straight lines there are valleys between the segments, but {pair} are parts of one bent piece."
    if row["p"] > DEEP:
        return f"Valleys between the segments could not be shown, least of all between {pair}."
    return (
        f"Valleys separate the segments ({tell_p(row['p'])}), least {pair}; as deep ones between as many parts of "
        f"tables without segments have {tell_p(row['chance'])}."
    )


def stability_of(evidence: Evidence, k: int) -> str:
    """Say how stable the least stable segment of one k is."""
    row = evidence.weakest.loc[k]
    size = evidence.sizes[k][int(row["segment"]) - 1]
    return (
        f"Its least stable segment, of {public(size, 'customer')}, comes back with a mean Jaccard coefficient of "
        f"{decimal(row['jaccard'])} and dissolves in {percent(row['dissolved'])} of the resamples."
    )


def _tell_dissent(evidence: Evidence, k: int) -> str:
    others = listing(f"{name} ({choice})" for name, choice in dissent(evidence, k).items())
    return f"**Dissent:** {others}." if others else "No criterion disagrees."


def alternatives(evidence: Evidence, conclusion: Conclusion) -> list[dict]:
    """Return other k worth a look: each that comes back as more than a cut, and the best other silhouette."""
    k, scores, verdicts = conclusion.k, evidence.scores["silhouette"], conclusion.verdicts
    if not conclusion.divided:
        return []
    ordered = merit(evidence.scores).sort_values(ascending=False, kind="stable").index
    strong = [i for i in ordered if i != k and i in evidence.stable]
    found = [
        _alternative(i, verdicts, f"{'coarser' if i < k else 'finer'}, with a silhouette of {decimal(scores[i])}")
        for i in sorted(strong, key=lambda i: STRONGEST_FIRST.index(verdicts[i]))
        if verdicts[i] in ("natural", "reproducible")
    ]
    rest = scores.drop(index=[k, *(row["k"] for row in found)], errors="ignore")
    i = int(rest.idxmax()) if len(rest) else k
    if i != k and (rest[i] > scores[k] or verdicts[i] != "none"):
        told = f"{'a better' if rest[i] > scores[k] else 'the next best'} silhouette, {decimal(rest[i])}"
        small = f", but not {LARGE_ENOUGH} customers in every segment" if min(evidence.sizes[i]) < LARGE_ENOUGH else ""
        found.append(_alternative(i, verdicts, f"{told}{small}. {stability_of(evidence, i)}"))
    return found


def _alternative(k: int, verdicts: dict[int, Verdict], why: str) -> dict:
    return {"k": k, "verdict": verdicts[k], "why": why}


def _tell_alternatives(evidence: Evidence, conclusion: Conclusion) -> list[str]:
    return [
        f"Worth a look: k = {row['k']} ({row['verdict']}), {row['why'].rstrip('.')}."
        for row in alternatives(evidence, conclusion)
    ]


def found(conclusion: Conclusion) -> str:
    """Return "five segments", or "six parts" where they are a cut, or "no segments"; "one part" of all customers."""
    none = conclusion.verdict == "none" and conclusion.divided
    return "no segments" if none else count(conclusion.k, NOUNS[conclusion.verdict])


def answer(evidence: Evidence, conclusion: Conclusion, useful: str = "") -> list[str]:
    """Return the answer: the verdict in plain words, what to do with it, and how strong the evidence is.

    `useful` says what still is where nothing was found (`runs.tell.useful`).
    """
    return [
        f"**{sentence(found(conclusion))}; verdict: {conclusion.verdict}.**",
        f"That is: {meaning(conclusion.verdict, conclusion.k)}.",
        advice(conclusion.verdict, conclusion.k),
        *map(escape, (against(conclusion), useful)),
        *caveats(evidence, conclusion),
        _tell_strength(evidence, conclusion.k) if conclusion.divided else "",
        _tell_dissent(evidence, conclusion.k),
    ]


def _tell_strength(evidence: Evidence, k: int) -> str:
    return (
        f"The mean silhouette is {decimal(evidence.scores['silhouette'][k])}, and the least stable segment "
        f"comes back with a Jaccard coefficient of {decimal(evidence.weakest['jaccard'][k])} (1 is always whole)."
    )


def as_selection(evidence: Evidence, conclusion: Conclusion, far: str = "") -> dict:
    """Return what k_selection.json holds: every criterion's values and choice, the decision and its reasons.

    `far` says who took no part (`runs.tell.far_out`).
    """
    return {
        **conclusion.content(),
        "criteria": {str(k): described(evidence, k) for k in evidence.gaps.index},
        "votes": [
            {**row, "choice": None if pd.isna(row["choice"]) else int(row["choice"])}
            for row in votes(evidence).to_dict("records")
        ],
        "reasons": [told.replace("**", "") for told in decision(evidence, conclusion)],
        "dissent": dissent(evidence, conclusion.k),
        "alternatives": alternatives(evidence, conclusion),
        "caveats": [*caveats(evidence, conclusion), *filter(None, [far])],
        "dip": evidence.dip,
        "resamples": evidence.resamples,
        "sample": evidence.customers,
    }


def border(pairs: pd.DataFrame, customers: int, rule: str, *, private: bool) -> str:
    """Say how many customers of `borders` are near one, by which rule, and near which most; no fewer than ten."""
    if pairs.empty:
        return f"No customer is near a border: {rule}."
    near, largest = int(pairs["customers"].sum()), pairs["customers"].iloc[0]
    told = (
        f"{sentence(public(near, private=private))} of {customers:,} customers {'is' if near == 1 else 'are'} near a "
        f"border: {rule}."
    )
    alike = (pairs["customers"] == largest).sum() > 1
    if alike or largest < least(private) or 0 < near - largest < least(private):  # the rest could be worked out
        return told
    who = "All" if largest == near else "Most" if 2 * largest > near else "The largest group"
    many = "" if largest == near else f" ({largest:,})"
    return f"{told} {who} of them{many} lie between segments {pairs['between'].iloc[0]}."
