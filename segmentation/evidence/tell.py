"""What is said of the evidence for each number of segments, and of the choice."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pandas as pd

from segmentation.core import privacy
from segmentation.core.privacy import SMALLEST_GROUP, TENS, all_but, public, significant
from segmentation.core.text import escape
from segmentation.evidence import criteria
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
from segmentation.evidence.gather import STRONG_PREDICTION, Evidence, described, dissent, votes
from segmentation.evidence.nulls import NULL_LEVEL
from segmentation.evidence.separation import DEEP
from segmentation.language import mark, numeral, tr, trc, trn
from segmentation.language.glossary import named
from segmentation.language.writing import amount, decimal, listing, percent, sentence, tell_p, whole
from segmentation.methods.kmeans import TIMES_REACHED
from segmentation.methods.method import LARGEST_EXACT, LARGEST_RESAMPLED
from segmentation.runs.records import STRONGEST_FIRST, Conclusion, Verdict
from segmentation.runs.tell import against, whose_k

HEADS: dict[str, tuple[str, Callable]] = {  # a column, what stands over it, how it is written
    "inertia": (mark("inertia"), amount),
    "bic": (mark("BIC"), amount),
    "silhouette": (mark("silhouette"), decimal),
    "calinski_harabasz": (mark("Calinski-Harabasz"), decimal),
    "davies_bouldin": (mark("Davies-Bouldin"), decimal),
    "smallest": (mark("smallest segment"), public),  # of segments that were not chosen
    "starts": (mark("starts made"), whole),
    "reached": (mark("starts that reached it"), percent),
    "weakest": (mark("weakest segment"), decimal),
    "limit": (mark("limit without structure"), decimal),
    "dissolved": (mark("share dissolved"), percent),
    "strength": (mark("prediction strength"), decimal),
    "agreement": (mark("agreement"), decimal),
    "gap": (mark("gap statistic"), partial(decimal, digits=3)),
    "mixtures": (mark("mixture BIC"), whole),
}
FEW_CUSTOMERS = 50
FEW_EACH = 10  # customers a feature
FEW_DIFFERENT = 4  # customers a combination of values
NO_NEXT = mark("One part alone has no silhouettes: there is no next one to compare its customers with.")
EVIDENCE_CAPTIONS = {  # over each table
    "criteria": mark("The criteria at the best optimum of each k, and the share of starts that reached it."),
    "votes": mark("What each criterion would choose by itself, and whether it takes part in the decision."),
}


def starts(scores: pd.DataFrame, customers: int) -> str:
    """Say how many starts were made, where the best optimum was hardest to find, and where it may have been missed."""
    if not scores["starts"].any():  # one k alone was asked, whose segments are kept
        return ""
    scores = scores[scores["starts"] > 0]
    made, hardest = {"n": whole(scores["starts"].sum()), "some": whole(LARGEST_EXACT)}, scores["reached"].idxmin()
    told = [
        tr("{n} starts were made, on a random sample of {some} customers.", **made)
        if customers > LARGEST_EXACT
        else tr("{n} starts were made in all.", **made),
        tr(
            "The best optimum was hardest to find for k = {k}: {share} of the starts reached it.",
            k=hardest,
            share=percent(scores["reached"][hardest]),
        ),
    ]
    missed = scores.index[(scores["reached"] * scores["starts"]).round() < TIMES_REACHED]
    if len(missed):
        few = {"k": listing(missed), "times": numeral(TIMES_REACHED)}
        told.append(tr("For k = {k} it was reached fewer than {times} times; a better one may exist.", **few))
    return " ".join(told)


def misfits(silhouettes: pd.DataFrame, *, private: bool, aside: int = 0, names: Mapping[int, str] | None = None) -> str:
    """Say how many customers have a silhouette below 0, and in which segments; `aside` take no part."""
    n, total = len(silhouettes), privacy.nearly_all(len(silhouettes), len(silhouettes) + aside, private=private)
    customers = total if aside else whole(n)
    below = silhouettes[silhouettes["silhouette"] < 0].groupby("segment").size()
    if below.empty:
        return tr("None of {customers} has a silhouette below 0.", customers=all_but(aside, n, private=private))
    if private and below.min() < SMALLEST_GROUP:
        some = sentence(public(int(below.sum())))
        return tr("{some} of {customers} customers have a silhouette below 0.", some=some, customers=customers)
    called = {s: escape((names or {}).get(int(s)) or tr("segment {number}", number=s)) for s in below.index}
    where = listing(tr("{n} in {segment}", segment=called[s], n=whole(number)) for s, number in below.items())
    return trn(
        "{n} of {customers} customers has a silhouette below 0 ({where}).",
        "{n} of {customers} customers have a silhouette below 0 ({where}).",
        int(below.sum()),
        n=whole(below.sum()),
        customers=customers,
        where=where,
    )


def silhouettes(silhouettes: pd.DataFrame, *, private: bool, aside: int = 0) -> str:
    """Say how well the customers fit on average, in which segment worst, and how many not at all."""
    if silhouettes.empty:
        return tr(NO_NEXT)
    means, all_in_all = silhouettes.groupby("segment")["silhouette"].mean(), silhouettes["silhouette"].mean()
    told = tr(
        "The silhouette of a customer is {mean} on average, weakest in segment {segment} ({least}).",
        mean=decimal(all_in_all),
        segment=means.idxmin(),
        least=decimal(means.min()),
    )
    return f"{told} {misfits(silhouettes, private=private, aside=aside)}"


def favourites(scores: pd.DataFrame) -> str:
    """Say which k each criterion favours, and whether they agree."""
    liked = criteria.favourites(scores)
    if len({*liked.values()}) == 1:
        told = tr("Every criterion with a favourite has the same one, circled: k = {k}.", k=max(liked.values()))
    else:
        each = (tr("{criterion} favours {k}", criterion=tr(criteria.TITLES[name]), k=k) for name, k in liked.items())
        told = tr("The criteria disagree; the favourite of each is circled: {favourites}.", favourites=listing(each))
    return told if "bic" in scores else f"{told} {tr('The elbow has none.')}"


def table(found: pd.DataFrame) -> pd.DataFrame:
    """Return criteria by k under the heads that a reader sees."""
    return found.rename(columns={name: tr(head) for name, (head, _) in HEADS.items()})


def formats(*, private: bool) -> dict:
    """Return how they are written, where rows are private to four significant digits."""
    return {tr(head): partial(_coarsely, form) if private else form for head, form in HEADS.values()}


def _coarsely(form: Callable, value: float) -> str:
    return form(significant(value))


def caption(table: str) -> str:
    """Return what stands over a table, a key of `EVIDENCE_CAPTIONS`."""
    return tr(EVIDENCE_CAPTIONS[table])


def votes_table(evidence: Evidence) -> pd.DataFrame:
    """Return what each criterion would choose by itself, in words."""
    found = votes(evidence)
    return pd.DataFrame(
        {
            trc("head", "criterion"): found["criterion"].map(tr),
            trc("head", "choice"): found["choice"],
            trc("head", "takes part"): found["votes"].map({True: tr("yes"), False: tr("no")}),
            trc("head", "rule"): found["rule"].map(tr),
        }
    )


def flows(flows: pd.DataFrame, k: int, *, private: bool) -> str:
    """Say which segment is divided most by the step from k to the next k, or by the one nearest to k."""
    if flows.empty:
        return tr("One k alone was asked, so that nobody moves.")
    step = flows[flows["k"] == min(max(k, flows["k"].min()), flows["k"].max())]
    kept = step.groupby("segment")["customers"].max()
    leaving = step.groupby("segment")["customers"].sum() - kept
    segment = leaving.idxmax()
    told: dict = {"now": step["k"].iloc[0], "then": step["next_k"].iloc[0], "segment": segment}
    hidden = [f"{sentence(tr(TENS))}."] if private else []
    if not leaving[segment]:
        return " ".join([tr("From {now} to {then} segments no segment is divided.", **told), *hidden])
    if private:
        most = tr("From {now} to {then} segments, segment {segment} is divided most.", **told)
    else:
        most = tr(
            "From {now} to {then} segments, segment {segment} is divided most: of {customers} customers {kept} stay "
            "together.",
            customers=whole(kept[segment] + leaving[segment]),
            kept=whole(kept[segment]),
            **told,
        )
    rows = tr("Each row is one k, each mark a segment with its customers; the paler, the more mixed is its origin.")
    return " ".join([most, rows, *hidden])


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


def effort(evidence: Evidence, *, private: bool, aside: int = 0) -> str:
    """Say what was done and how exact it is."""
    who = all_but(aside if evidence.customers < LARGEST_RESAMPLED else 0, evidence.customers, private=private)
    frames = {"segment": evidence.weakest, "limit": evidence.null_limit, "strength": evidence.strength}
    frames["agreement"] = evidence.agreement
    return tr(
        "The evidence, from {resamples} bootstrap resamples of {customers}, and tables without structure. The Monte "
        "Carlo error is at most {segment} for the weakest segment, {limit} for the limit without structure, {strength} "
        "for the prediction strength and {agreement} for the agreement.",
        resamples=whole(evidence.resamples),
        customers=who,
        **{name: decimal(frame["error"].max()) for name, frame in frames.items()},
    )


def resampling(evidence: Evidence) -> str:
    """Say which k each resampling criterion favours."""
    choices = votes(evidence).set_index("criterion")["choice"]
    strong = evidence.strength.index[evidence.strength["prediction_strength"] >= STRONG_PREDICTION].tolist()
    return tr(
        "Every segment is stable and large enough for {stable}; prediction strength reaches {threshold} for {strong}, "
        "resamples agree best at k = {agreement}, and the gap statistic chooses k = {gap}. Bars are Monte Carlo "
        "standard errors, dotted lines the usual thresholds.",
        stable=_tell_k(evidence.stable),
        threshold=decimal(STRONG_PREDICTION, 1),
        strong=_tell_k(strong),
        agreement=choices["Agreement of resamples"],
        gap=choices["Gap statistic"],
    )


def _tell_k(values: Sequence[int]) -> str:
    return f"k = {listing(values)}" if values else tr("no k")


def weakest(evidence: Evidence) -> str:
    """Say which segment falls apart most often, or which do."""
    every, told = evidence.stability, tr("The stability of every segment of every k.")
    most = every["dissolved"].max()
    if not most:
        return f"{tr('No segment is dissolved in any resample.')} {told}"
    those = every[every["dissolved"] == most]
    each = (tr("segment {segment} of k = {k}", segment=whole(row.segment), k=row.k) for row in those.itertuples())
    dissolved = trn(
        "Most often dissolved is {which}, in {share} of the resamples.",
        "Most often dissolved are {which}, in {share} of the resamples.",
        len(those),
        which=listing(each),
        share=percent(most),
    )
    return f"{dissolved} {told}"


def decision(evidence: Evidence, conclusion: Conclusion) -> list[str]:
    """Return the reasons for the decision and the verdict, the dissent, and what else is worth a look."""
    k, scores = conclusion.k, evidence.scores["silhouette"]
    known = {"stable": _tell_k(evidence.stable), "apart": _tell_k(evidence.separated)}
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
    told |= {"verdict": named(conclusion.verdict_of_best), "those": _tell_k(allowed)}
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
