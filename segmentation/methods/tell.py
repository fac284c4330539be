"""What is said of a method: on which scale it works, how well its segments fit, how surely customers belong to them."""

from collections.abc import Sequence

import pandas as pd

from segmentation.core.dataset import Dataset
from segmentation.core.privacy import most_of, significant
from segmentation.core.text import escape
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import are_items
from segmentation.language import mark, tr, trn
from segmentation.language.glossary import named
from segmentation.language.writing import amount, decimal, listing, percent, sentence, whole
from segmentation.methods.method import LARGEST_RESAMPLED
from segmentation.runs.finished import Finished
from segmentation.runs.records import Scaled, Tried

NEARLY_CERTAIN = 0.9  # a probability
METHOD_CALLED = {
    "kmeans": mark("K-Means"),
    "mixture": mark("Gaussian mixtures"),
    "latent-class": mark("latent classes"),
}
FAMILY_WORDS = {  # what the clouds of a mixture are like, by their covariances (Fraley & Raftery 2002)
    "EII": mark("round and of one width (family EII)"),
    "VII": mark("round and each of its own width (family VII)"),
    "EEI": mark("of one shape along the axes (family EEI)"),
    "VVI": mark("each of its own shape along the axes (family VVI)"),
    "EEE": mark("of one shape, size and direction (family EEE)"),
    "VVV": mark("each of its own shape, size and direction (family VVV)"),
}


def formed_by(asked: str, tried: Sequence[Tried], taken: str, base: Finished | None = None) -> str:
    """Say which method forms the segments, and why it is that one.

    Parameters
    ----------
    asked : str
        "auto", or the method that the analyst named, or the base brought.
    """
    (own,), others = ([one for one in tried if (one.method == taken) == mine] for mine in (True, False))
    told = {"method": tr(METHOD_CALLED[taken]), "k": own.k, "verdict": own.verdict and named(own.verdict)}
    if base and asked == base.method:
        return tr("The segments are formed by {method}, as those of {run} are.", run=base.run, **told)
    if asked != "auto":
        return tr("The segments are formed by {method}, because the analyst asked for that.", **told)
    if own.verdict == "natural":
        return " ".join(
            [tr("The segments are formed by {method}: with {k} they are natural.", **told), *map(_other, others)]
        )
    if others:
        return " ".join(
            [
                tr("The segments are formed by {method}, though with {k} they are not natural ({verdict}).", **told),
                *map(_other, others),
            ]
        )
    if taken == "latent-class":
        return tr(
            "The segments are formed by {method}: these are made for answers, and for categories, between which there "
            "is no distance.",
            **told,
        )
    return tr("The segments are formed by {method}: that divides most simply.", **told)


def _other(tried: Tried) -> str:
    """Say what another method finds, whose segments are not natural."""
    told = {"method": tr(METHOD_CALLED[tried.method]), "k": tried.k}
    if tried.verdict is None:
        return tr("Also tried: {method}. Whatever their number, no gap could be shown between its segments.", **told)
    return tr("Also tried: {method}, whose verdict with {k} is {verdict}.", verdict=named(tried.verdict), **told)


def fit(fitted, over: int | None, *, private: bool) -> str:
    """Say how well segments fit, by their inertia or by the BIC of their method.

    Parameters
    ----------
    fitted : a fitted estimator
    over : int or None
        How many customers they are formed on; None of all.
    """
    if hasattr(fitted, "bic_"):
        value, kind = (
            amount(significant(fitted.bic_, private=private)),
            FAMILY_WORDS.get(getattr(fitted, "family_", "")),
        )
        told = [tr("The clouds of the mixture are {kind}.", kind=tr(kind))] if kind else []
        if over:
            bic = tr(
                "Their BIC, over the {customers} customers that they are formed on, is {bic}, the lower the better.",
                customers=whole(over),
                bic=value,
            )
        else:
            bic = tr("Their BIC is {bic}, the lower the better.", bic=value)
        return " ".join([*told, bic])
    value = amount(significant(fitted.inertia_, private=private))
    if over:
        return tr(
            "Together their inertia, over the {customers} customers that they are formed on, is {inertia}: the sum of "
            "the squared distances of the customers to their centroids, in scaled units.",
            customers=whole(over),
            inertia=value,
        )
    return tr(
        "Together their inertia is {inertia}: the sum of the squared distances of the customers to their centroids, in "
        "scaled units.",
        inertia=value,
    )


def sure(segmented: Customers) -> str:
    """Say how many customers surely belong to their segment; nothing where a method gives no probability."""
    if "probability" not in segmented.table.columns:
        return ""
    sure = int((segmented.table["probability"] >= NEARLY_CERTAIN).sum().execute())
    many = most_of(sure, segmented.number) if segmented.private else whole(sure)
    return tr(
        "{many} of {customers} customers belong to their segment with a probability of {least} or more.",
        many=sentence(many),
        customers=whole(segmented.number),
        least=percent(NEARLY_CERTAIN),
    )


def scaling(scaled: Sequence[Scaled], dataset: Dataset, base: Finished | None = None) -> str:
    """Say how the features were brought to one scale, or why they were not, and whether it is the scale of a base."""
    told, then = _scaled(scaled, dataset), base.model.features if base else ()
    numbers, plain = [[(f.power, f.centre, f.spread) for f in side] for side in (scaled, then)], (1, 0, 1)
    if base is None or numbers[0] != numbers[1] or {*numbers[0]} == {plain}:
        return told
    kept = tr("The scale is that of {run}, so that distances mean the same in both. There:", run=escape(base.run))
    return f"{kept} {told}"


def _scaled(scaled: Sequence[Scaled], dataset: Dataset) -> str:
    names = [feature.name for feature in scaled]
    if "scaling" not in dataset.model_fields_set and are_items(dataset, names):
        return _unscaled(dataset, names)
    told = {
        "standard": tr("Each has mean 0 and standard deviation 1."),
        "robust": tr("Each has median 0 and interquartile range 1."),
        "none": tr("They are left in their own units, because dataset.yaml says that these can be compared."),
    }
    kinds = [dataset.columns[name].transform for name in names]
    logged = [escape(dataset.label(name)) for name, kind in zip(names, kinds, strict=True) if kind == "log"]
    powers = [
        tr("{feature} (lambda {power})", feature=escape(dataset.label(how.name)), power=decimal(how.power))
        for kind, how in zip(kinds, scaled, strict=True)
        if kind == "yeo-johnson"
    ]
    first = [tr("The logarithm is taken first of {features}.", features=listing(logged))] if logged else []
    second = [tr("Transformed first as Yeo and Johnson (2000) do: {features}.", features=listing(powers))]
    return " ".join([told[dataset.scaling], *first, *(second if powers else [])])


def _unscaled(dataset: Dataset, names: Sequence[str]) -> str:
    """Say why items are left as they are, and what they count."""
    scales = {(dataset.columns[name].type, dataset.columns[name].min, dataset.columns[name].max) for name in names}
    kinds = {kind for kind, *_ in scales}
    told = [tr("No feature is an amount here: each is an answer on a short scale, and goes in unscaled.")]
    told += [tr("Yes counts 1 point and no 0.")] if "yes/no" in kinds else []
    told += [tr("A rating counts as many points as it says.")] if "rating" in kinds else []
    told += [tr("What has more points to give weighs more.")] if len(scales) > 1 else []
    told += [tr("An item on which people disagree weighs more than one on which most agree.")]
    return " ".join([*told, tr("Distances are in points, and `scaling:` in dataset.yaml changes that.")])


def mixtures(bics: pd.DataFrame) -> str:
    """Say with how many components the BIC is lowest, and of what kind of model these are."""
    k = int(bics.min(axis=1).idxmin())
    kind, most = str(bics.loc[k].idxmin()), whole(LARGEST_RESAMPLED)
    if kind not in FAMILY_WORDS:
        return trn(
            "The BIC of latent classes, asked of {customers} customers at most, is lowest with {n} class (circled).",
            "The BIC of latent classes, asked of {customers} customers at most, is lowest with {n} classes (circled).",
            k,
            customers=most,
        )
    told = trn(
        "The BIC of Gaussian mixtures, asked of {customers} customers at most, is lowest with {n} cloud (circled), "
        "{kind}.",
        "The BIC of Gaussian mixtures, asked of {customers} customers at most, is lowest with {n} clouds (circled), "
        "{kind}.",
        k,
        customers=most,
        kind=tr(FAMILY_WORDS[kind]),
    )
    return told if k > 1 else f"{told} {tr('By it there is one cloud.')}"
