"""What is said of the decision: the rule, the verdict, what limits it, and the alternatives."""

import pandas as pd

from segmentation.core.privacy import public
from segmentation.core.text import escape
from segmentation.evidence.decision import (
    DISSOLVED,
    LARGE_ENOUGH,
    SIGNIFICANT,
    STABLE,
    advice,
    counted,
    meaning,
    merit,
)
from segmentation.evidence.gather import Evidence, described, dissent, votes
from segmentation.evidence.nulls import NULL_LEVEL
from segmentation.evidence.separation import DEEP
from segmentation.evidence.tell.scores import tell_k
from segmentation.language import numeral, tr
from segmentation.language.glossary import named
from segmentation.language.writing import decimal, listing, percent, sentence, tell_p, whole
from segmentation.runs.records import STRONGEST_FIRST, Conclusion, Verdict
from segmentation.runs.tell import against, whose_k

FEW_CUSTOMERS = 50
FEW_EACH = 10  # customers a feature
FEW_DIFFERENT = 4  # customers a combination of values


def rule() -> str:
    """Return the rule and the meaning of the verdicts, with their thresholds, as two paragraphs."""
    asked = tr(
        "**The verdict** is asked of every k, in the terms of Dolnicar, Gruen and Leisch (2018), by two questions that "
        "are kept apart. *Does it come back?* A k is stable where every segment has a mean Jaccard coefficient of at "
        "least {stable} (Hennig 2007) and {large} customers or more. *Is it there?* A k is distinct where valleys "
        "separate the segments: on the line that tells two of them apart customers are rarer between them than in the "
        "core of either (p at most {deep} for all pairs joined), at most one of {odds} tables without segments, "
        "divided into as many, shows valleys as deep, and a bent piece has them along its bend too. Latent classes are "
        "distinct where tables of customers who differ by degree alone, by common factors behind their answers, rarely "
        "gain as much likelihood. Segments that are both are *natural*. Stable ones that are not distinct are "
        "*reproducible* where the least stable of them reaches the {percentile}th percentile of those of tables "
        "without any structure, and *constructive* where it comes back no better than those. *Constructive* is also a "
        "k that is not stable, where it is distinct or at most one of {odds} tables without segments reaches its "
        "silhouette, at whichever k, and no segment dissolves (a mean Jaccard coefficient above {dissolved}). The rest "
        "is *none*.",
        stable=decimal(STABLE),
        large=whole(LARGE_ENOUGH),
        deep=decimal(DEEP, 2),
        odds=whole(round(1 / SIGNIFICANT)),
        percentile=whole(100 * NULL_LEVEL),
        dissolved=decimal(DISSOLVED, 1),
    )
    ruled = tr(
        "**The rule.** The strongest verdict wins, and of several k that have it the one with the best silhouette (of "
        "a method with a likelihood: the lowest BIC); of equals the smaller. A k with a segment of fewer than {large} "
        "customers is taken only where every k has one. The others are told as alternatives, each with its own "
        "verdict.",
        large=whole(LARGE_ENOUGH),
    )
    return f"{asked}\n\n{ruled}"


def decision(evidence: Evidence, conclusion: Conclusion) -> list[str]:
    """Return the reasons for the decision and the verdict, the dissent, and what else is worth a look."""
    k, scores = conclusion.k, evidence.scores["silhouette"]
    known = {"stable": tell_k(evidence.stable), "apart": tell_k(evidence.separated)}
    if evidence.by_degree:
        first = tr(
            "Every segment is stable and large enough for {stable}; a difference in kind separates the segments for "
            "{apart}.",
            **known,
        )
    else:
        first = tr(
            "Every segment is stable and large enough for {stable}; valleys separate the segments for {apart}.", **known
        )
    told = [first, _tell_best(evidence, conclusion)]
    if conclusion.method != "auto":
        own = tr("Its silhouette is {silhouette}.", silhouette=decimal(scores[k]))
        told += [f"**{escape(whose_k(conclusion))}.**", own, stability_of(evidence, k)]
    told.append(_tell_chance(evidence, conclusion))
    told += [_tell_valley(evidence, k)] if conclusion.divided else []
    told += caveats(evidence, conclusion)
    words = {"verdict": named(conclusion.verdict), "meaning": meaning(conclusion.verdict, k)}
    told.append(tr("**Verdict: {verdict}**, {meaning}.", **words))
    return [*told, _tell_dissent(evidence, k), *_tell_alternatives(evidence, conclusion)]


def _tell_chance(evidence: Evidence, conclusion: Conclusion) -> str:
    """Say how often tables without segments reach the silhouette, and distances of one mode look like these."""
    scores, null = evidence.scores["silhouette"], conclusion.null
    k = conclusion.k if conclusion.divided else scores.idxmax()
    return tr(
        "The silhouette of k = {k}, {silhouette}, is reached at whichever k by tables without segments ({tables}) with "
        "{p} (Monte Carlo error {error}); distances with one mode alone would look like these with {p_dip} (dip test, "
        "equal values spread).",
        k=k,
        silhouette=decimal(scores[k]),
        tables=listing(map(tr, null.models)),
        p=tell_p(null.p),
        error=decimal(null.error),
        p_dip=tell_p(evidence.dip["p_untied"]),
    )


def _tell_best(evidence: Evidence, conclusion: Conclusion) -> str:
    """Say which k the rule takes, and among which."""
    if conclusion.best == 1:
        return tr("**There is one part**, of all customers.")
    small = [min(sizes) < LARGE_ENOUGH for sizes in evidence.sizes.values()]
    if all(small):
        among = tr("No k has {n} customers or more in every segment.", n=whole(LARGE_ENOUGH))
    elif any(small):
        among = tr("Taken is only a k with {n} customers or more in every segment.", n=whole(LARGE_ENOUGH))
    else:
        among = ""
    return f"{among} {_tell_strongest(evidence, conclusion)}".strip()


def _tell_strongest(evidence: Evidence, conclusion: Conclusion) -> str:
    """Say which k has the strongest verdict, and the best silhouette, or BIC, of those that have it."""
    best, allowed, likely = conclusion.best, conclusion.allowed, "bic" in evidence.scores
    told: dict = {"k": best, "value": decimal(evidence.scores["silhouette"][best])}
    if conclusion.verdict_of_best == "none":
        if likely:
            return tr("No k has support; k = {k} has the best BIC.", **told)
        return tr("No k has support; k = {k} has the best silhouette ({value}).", **told)
    told |= {"verdict": named(conclusion.verdict_of_best), "those": tell_k(allowed)}
    if len(allowed) == 1:
        if likely:
            return tr("The strongest verdict, {verdict}, is that of k = {k} alone.", **told)
        return tr("The strongest verdict, {verdict}, is that of k = {k} alone, with a silhouette of {value}.", **told)
    if likely:
        return tr("The strongest verdict, {verdict}, is that of {those}; of these, k = {k} has the best BIC.", **told)
    return tr(
        "The strongest verdict, {verdict}, is that of {those}; of these, k = {k} has the best silhouette ({value}).",
        **told,
    )


def caveats(evidence: Evidence, conclusion: Conclusion) -> list[str]:
    """Say what limits all that can be known of this table."""
    n, d, told = evidence.customers, evidence.features, []
    if n < FEW_CUSTOMERS:
        few = whole(FEW_CUSTOMERS)
        told.append(tr("With fewer than {n} customers only groups far apart can be told from chance.", n=few))
    if n < d * FEW_EACH:
        told.append(
            tr(
                "With fewer than {n} customers for each feature a division may fit these customers alone.",
                n=whole(FEW_EACH),
            )
        )
    if evidence.different * FEW_DIFFERENT < n:
        told.append(
            tr(
                "Many customers are alike in every feature: for {n} customers there is less than one combination of "
                "values, and who is alike cannot be divided.",
                n=numeral(FEW_DIFFERENT),
            )
        )
    if conclusion.divided and evidence.separation["curved"][conclusion.k]:
        told.append(tr("Some two of the parts are one curved piece: a path of customers leads from one to the other."))
    first, last = evidence.scores.index.min(), evidence.scores.index.max()
    if (
        conclusion.method == "auto"
        and conclusion.verdict != "none"
        and first < conclusion.k == last < evidence.different - 1
    ):
        told.append(tr("k = {k} is the largest that was asked, so there may be more.", k=conclusion.k))
    return told


def _tell_valley(evidence: Evidence, k: int) -> str:
    row = evidence.separation.loc[k]
    pair: dict = {"first": row["first"], "second": row["second"]}
    if evidence.by_degree:
        return tr(
            "So many classes gain as much likelihood where answers only go together by common factors, so that "
            "customers differ by degree, with {p}, whichever k is asked.",
            p=tell_p(row["p"]),
        )
    if row["curved"]:
        return tr(
            "On straight lines there are valleys between the segments, but segments {first} and {second} are parts of "
            "one bent piece.",
            **pair,
        )
    if row["p"] > DEEP:
        return tr(
            "Valleys between the segments could not be shown, least of all between segments {first} and {second}.",
            **pair,
        )
    return tr(
        "Valleys separate the segments ({p}), least segments {first} and {second}; as deep ones between as many parts "
        "of tables without segments have {chance}.",
        p=tell_p(row["p"]),
        chance=tell_p(row["chance"]),
        **pair,
    )


def stability_of(evidence: Evidence, k: int) -> str:
    """Say how stable the least stable segment of one k is."""
    row = evidence.weakest.loc[k]
    size = evidence.sizes[k][int(row["segment"]) - 1]
    return tr(
        "Its least stable segment ({customers}) comes back with a mean Jaccard coefficient of {jaccard} and dissolves "
        "in {share} of the resamples.",
        customers=public(size, "customer"),
        jaccard=decimal(row["jaccard"]),
        share=percent(row["dissolved"]),
    )


def _tell_dissent(evidence: Evidence, k: int) -> str:
    others = listing(f"{tr(name)} ({choice})" for name, choice in dissent(evidence, k).items())
    return tr("**Dissent:** {others}.", others=others) if others else tr("No criterion disagrees.")


def alternatives(evidence: Evidence, conclusion: Conclusion) -> list[dict]:
    """Return other k worth a look: each that comes back as more than a cut, and the best other silhouette."""
    k, scores, verdicts = conclusion.k, evidence.scores["silhouette"], conclusion.verdicts
    if not conclusion.divided:
        return []
    ordered = merit(evidence.scores).sort_values(ascending=False, kind="stable").index
    strong = [i for i in ordered if i != k and i in evidence.stable]
    found = [
        _alternative(i, verdicts, _tell_strong(i < k, scores[i]))
        for i in sorted(strong, key=lambda i: STRONGEST_FIRST.index(verdicts[i]))
        if verdicts[i] in ("natural", "reproducible")
    ]
    rest = scores.drop(index=[k, *(row["k"] for row in found)], errors="ignore")
    i = int(rest.idxmax()) if len(rest) else k
    if i != k and (rest[i] > scores[k] or verdicts[i] != "none"):
        better, small = rest[i] > scores[k], min(evidence.sizes[i]) < LARGE_ENOUGH
        told = [_tell_next(rest[i], better)]
        told += [tr("Not every segment has {n} customers.", n=whole(LARGE_ENOUGH))] if small else []
        found.append(_alternative(i, verdicts, " ".join([*told, stability_of(evidence, i)])))
    return found


def _tell_strong(coarser: bool, silhouette: float) -> str:
    value = decimal(silhouette)
    if coarser:
        return tr("coarser, with a silhouette of {value}", value=value)
    return tr("finer, with a silhouette of {value}", value=value)


def _tell_next(silhouette: float, better: bool) -> str:
    """Say why a k is worth a look whose segments do not come back as surely."""
    value = decimal(silhouette)
    if better:
        return tr("a better silhouette, {value}.", value=value)
    return tr("the next best silhouette, {value}.", value=value)


def _alternative(k: int, verdicts: dict[int, Verdict], why: str) -> dict:
    return {"k": k, "verdict": verdicts[k], "why": why}


def _tell_alternatives(evidence: Evidence, conclusion: Conclusion) -> list[str]:
    return [
        tr(
            "Worth a look: k = {k} ({verdict}), {why}.",
            k=row["k"],
            verdict=named(row["verdict"]),
            why=row["why"].rstrip("."),
        )
        for row in alternatives(evidence, conclusion)
    ]


def found(conclusion: Conclusion) -> str:
    """Return "five segments", or "six parts" where they are a cut, or "no segments"; "one part" of all customers."""
    none = conclusion.verdict == "none" and conclusion.divided
    return tr("no segments") if none else counted(conclusion.k, conclusion.verdict)


def answer(evidence: Evidence, conclusion: Conclusion, useful: str = "") -> list[str]:
    """Return the answer: the verdict in plain words, what to do with it, and how strong the evidence is.

    `useful` says what still is where nothing was found (`runs.tell.useful`).
    """
    return [
        tr(
            "**{found}; verdict: {verdict}.**",
            found=sentence(found(conclusion)),
            verdict=named(conclusion.verdict),
        ),
        tr("That is: {meaning}.", meaning=meaning(conclusion.verdict, conclusion.k)),
        advice(conclusion.verdict, conclusion.k),
        *map(escape, (against(conclusion), useful)),
        *caveats(evidence, conclusion),
        _tell_strength(evidence, conclusion.k) if conclusion.divided else "",
        _tell_dissent(evidence, conclusion.k),
    ]


def _tell_strength(evidence: Evidence, k: int) -> str:
    return tr(
        "The mean silhouette is {silhouette}, and the least stable segment comes back with a Jaccard coefficient of "
        "{jaccard} (1 is always whole).",
        silhouette=decimal(evidence.scores["silhouette"][k]),
        jaccard=decimal(evidence.weakest["jaccard"][k]),
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
