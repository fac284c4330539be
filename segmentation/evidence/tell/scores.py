"""What is said of the evidence for each number of segments."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pandas as pd

from segmentation.core import privacy
from segmentation.core.privacy import SMALLEST_GROUP, TENS, all_but, public, significant
from segmentation.core.text import escape
from segmentation.evidence import criteria
from segmentation.evidence.gather import STRONG_PREDICTION, Evidence, votes
from segmentation.language import mark, numeral, tr, trc, trn
from segmentation.language.writing import amount, decimal, listing, percent, sentence, whole
from segmentation.methods.kmeans import TIMES_REACHED
from segmentation.methods.method import LARGEST_EXACT, LARGEST_RESAMPLED

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
        stable=tell_k(evidence.stable),
        threshold=decimal(STRONG_PREDICTION, 1),
        strong=tell_k(strong),
        agreement=choices["Agreement of resamples"],
        gap=choices["Gap statistic"],
    )


def tell_k(values: Sequence[int]) -> str:
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
