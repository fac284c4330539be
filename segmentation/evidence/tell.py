"""What is said of the evidence for each number of segments, and of the choice."""

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd

from segmentation.core.dataset import Dataset
from segmentation.core.privacy import SMALLEST_GROUP, TENS, all_but, least, public, significant
from segmentation.core.text import amount, count, decimal, escape, listing, percent, sentence, tell_p, whole
from segmentation.customers.exploring import are_items
from segmentation.evidence import criteria
from segmentation.evidence.criteria import titled
from segmentation.evidence.decision import LARGE_ENOUGH, NOUNS, SIGNIFICANT, STABLE, meaning
from segmentation.evidence.gather import STRONG_PREDICTION, Evidence, dissent, votes
from segmentation.evidence.nulls import NULL_LEVEL
from segmentation.evidence.separation import DEEP
from segmentation.methods.kmeans import TIMES_REACHED
from segmentation.methods.method import LARGEST_EXACT, LARGEST_RESAMPLED
from segmentation.runs.records import Conclusion, Scaled

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
VOTE_FORMATS = {"votes": {True: "yes", False: "no"}.get}
NO_NEXT = "One part alone has no silhouettes: there is no next one to compare its customers with."
EVIDENCE_CAPTIONS = {  # over each table
    "criteria": "The criteria at the best optimum of each k, and the share of starts that reached it.",
    "votes": "What each criterion would choose by itself, and whether it takes part in the decision.",
}


def scaling(scaled: Sequence[Scaled], dataset: Dataset) -> str:
    """Say how the features were brought to one scale, or why they were not."""
    names = [feature.name for feature in scaled]
    if "scaling" not in dataset.model_fields_set and are_items(dataset, names):
        return _unscaled(dataset, names)
    told = {
        "standard": "Each has mean 0 and standard deviation 1.",
        "robust": "Each has median 0 and interquartile range 1.",
        "none": "They are left in their own units, because dataset.yaml says that these can be compared.",
    }
    kinds = [dataset.columns[name].transform for name in names]
    logged = [escape(dataset.label(name)) for name, kind in zip(names, kinds, strict=True) if kind == "log"]
    powers = [
        f"{escape(dataset.label(how.name))} (lambda {decimal(how.power)})"
        for kind, how in zip(kinds, scaled, strict=True)
        if kind == "yeo-johnson"
    ]
    first = [f"The logarithm is taken first of {listing(logged)}."] if logged else []
    second = [f"Transformed first as Yeo and Johnson (2000) do: {listing(powers)}."] if powers else []
    return " ".join([told[dataset.scaling], *first, *second])


def _unscaled(dataset: Dataset, names: Sequence[str]) -> str:
    """Say why items are left as they are, and what they count."""
    scales = {(dataset.columns[name].type, dataset.columns[name].min, dataset.columns[name].max) for name in names}
    kinds = {kind for kind, *_ in scales}
    told = ["No feature is an amount here: each is an answer on a short scale, and goes in unscaled."]
    told += ["Yes counts 1 point and no 0."] if "yes/no" in kinds else []
    told += ["A rating counts as many points as it says."] if "rating" in kinds else []
    told += ["What has more points to give weighs more."] if len(scales) > 1 else []
    told += ["An item on which people disagree weighs more than one on which most agree."]
    return " ".join([*told, "Distances are in points, and `scaling:` in dataset.yaml changes that."])


def starts(scores: pd.DataFrame, customers: int) -> str:
    """Say how many starts were made, where the best optimum was hardest to find, and where it may have been missed."""
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
    n = int(below.sum())
    if not n:
        return f"None of {everyone} has a silhouette below 0."
    if private and below.min() < SMALLEST_GROUP:
        return f"{sentence(public(n))} of {everyone} have a silhouette below 0."
    where = listing(f"{number:,} in segment {segment}" for segment, number in below.items())
    return f"{n:,} of {everyone} {'has' if n == 1 else 'have'} a silhouette below 0 ({where})."


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
        f"**The rule.** Among the k whose every segment is stable (a mean Jaccard coefficient of at least {STABLE}, "
        f"and at least the {100 * NULL_LEVEL:g}th percentile of the segments of tables without structure) and has "
        f"{LARGE_ENOUGH} customers or more, the one with the best silhouette is taken; of equals the smaller. Where no "
        f"k is stable, the best silhouette of those with {LARGE_ENOUGH} customers or more in every segment gives a "
        "cut, and the report says that it is no more.\n\n"
        "**The verdict** uses the terms of Dolnicar, Gruen and Leisch (2018). Segments are *natural* when they are "
        f"stable and distinct. Distinct means that at most one of {odds} without segments reaches the silhouette at "
        "any k, and that valleys separate them: on the line that tells two segments apart customers are rarer between "
        f"them than in the core of either (p at most {DEEP} for all pairs joined), tables without segments divided "
        f"into as many show valleys as deep in at most one of {odds}, and a bent piece has them along its bend too. "
        "They are *reproducible* when stable but not distinct, *constructive* when neither but usable as a managerial "
        "cut, and there are *none* when nothing supports them, or when none may be shown."
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
    k, best, scores, null = conclusion.k, conclusion.best, evidence.scores["silhouette"], conclusion.null
    told = [f"Every segment is stable and large enough for {_tell_k(evidence.stable)}."]
    if not conclusion.divided:
        told.append("**There is one part**, of all customers.")
    elif evidence.stable:
        told.append(f"Of these, k = {best} has the best silhouette ({decimal(scores[best])}).")
    else:
        told.append(
            f"Of the k whose segments all have {LARGE_ENOUGH} customers or more, k = {best} has the best silhouette "
            f"({decimal(scores[best])})."
        )
    if conclusion.method == "given":
        told.append(f"**The analyst asked for k = {k}**, with a silhouette of {decimal(scores[k])}.")
        told.append(stability_of(evidence, k))
    told.append(
        f"The silhouette of k = {k if conclusion.divided else scores.idxmax()}, "
        f"{decimal(scores[k] if conclusion.divided else scores.max())}, is reached at any k by tables without segments "
        f"({listing(null.models)}) with {tell_p(null.p)} (Monte Carlo error {decimal(null.error)}); distances with "
        f"one mode alone would look like these with {tell_p(evidence.dip['p_untied'])} (dip test, equal values spread)."
    )
    told += [_tell_valley(evidence, k)] if conclusion.divided else []
    told.append(f"**Verdict: {conclusion.verdict}**, {meaning(conclusion.verdict, k)}.")
    return [*told, _tell_dissent(evidence, k), *_tell_alternatives(evidence, conclusion)]


def _tell_valley(evidence: Evidence, k: int) -> str:
    row = evidence.separation.loc[k]
    pair = f"segments {row['first']} and {row['second']}"
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
    """Return other k worth a look: every other stable one, and the best other silhouette with what is wrong with it.

    None where no k can be shown.
    """
    k, scores = conclusion.k, evidence.scores["silhouette"]
    if not conclusion.divided:
        return []
    found = [
        {"k": i, "why": f"stable and {'coarser' if i < k else 'finer'}, with a silhouette of {decimal(scores[i])}"}
        for i in evidence.stable
        if i != k
    ]
    rest = scores.drop(index=[k, *(row["k"] for row in found)], errors="ignore")
    if len(rest):
        i = int(rest.idxmax())
        told = f"{'a better' if rest[i] > scores[k] else 'the next best'} silhouette, {decimal(rest[i])}"
        small = f", but not {LARGE_ENOUGH} customers in every segment" if min(evidence.sizes[i]) < LARGE_ENOUGH else ""
        found.append({"k": i, "why": f"{told}{small}. {stability_of(evidence, i)}"})
    return found


def _tell_alternatives(evidence: Evidence, conclusion: Conclusion) -> list[str]:
    return [f"Worth a look: k = {row['k']}, {row['why'].rstrip('.')}." for row in alternatives(evidence, conclusion)]


def found(conclusion: Conclusion) -> str:
    """Return "five segments", or "six parts" where they are a cut, or "no segments"; "one part" of all customers."""
    none = conclusion.verdict == "none" and conclusion.divided
    return "no segments" if none else count(conclusion.k, NOUNS[conclusion.verdict])


def answer(evidence: Evidence, conclusion: Conclusion) -> list[str]:
    """Return the answer: the verdict in plain words, and how strong the evidence is."""
    return [
        f"**{sentence(found(conclusion))}; verdict: {conclusion.verdict}.**",
        f"That is: {meaning(conclusion.verdict, conclusion.k)}.",
        _tell_strength(evidence, conclusion.k) if conclusion.divided else "",
        _tell_dissent(evidence, conclusion.k),
    ]


def _tell_strength(evidence: Evidence, k: int) -> str:
    return (
        f"The mean silhouette is {decimal(evidence.scores['silhouette'][k])}, and the least stable segment "
        f"comes back with a Jaccard coefficient of {decimal(evidence.weakest['jaccard'][k])} (1 is always whole)."
    )


def as_selection(evidence: Evidence, conclusion: Conclusion) -> dict:
    """Return what k_selection.json holds: every criterion's values and choice, the decision and its reasons."""
    return {
        **conclusion.content(),
        "criteria": {str(k): _describe_k(evidence, k) for k in evidence.gaps.index},
        "votes": [
            {**row, "choice": None if pd.isna(row["choice"]) else int(row["choice"])}
            for row in votes(evidence).to_dict("records")
        ],
        "reasons": [told.replace("**", "") for told in decision(evidence, conclusion)],
        "dissent": dissent(evidence, conclusion.k),
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
