"""What is said of a method: on which scale it works, how well its segments fit, how surely customers belong to them."""

from collections.abc import Sequence

import pandas as pd

from segmentation.core.dataset import Dataset
from segmentation.core.privacy import most_of, significant
from segmentation.core.text import count, escape
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import are_items
from segmentation.language.writing import amount, decimal, listing, percent, sentence
from segmentation.methods.method import LARGEST_RESAMPLED
from segmentation.runs.finished import Finished
from segmentation.runs.records import Scaled, Tried

NEARLY_CERTAIN = 0.9  # a probability
METHOD_CALLED = {"kmeans": "K-Means", "mixture": "a Gaussian mixture", "latent-class": "latent classes"}
_OF_ITSELF = {
    "kmeans": "it divides most simply",
    "latent-class": "they are made for answers, and for categories, between which there is no distance",
}
FAMILY_WORDS = {  # what the covariances of a mixture are like (Fraley & Raftery 2002)
    "EII": ", round and of one width (family EII)",
    "VII": ", round and each of its own width (family VII)",
    "EEI": ", of one shape along the axes (family EEI)",
    "VVI": ", each of its own shape along the axes (family VVI)",
    "EEE": ", of one shape, size and direction (family EEE)",
    "VVV": ", each of its own shape, size and direction (family VVV)",
}


def formed_by(asked: str, tried: Sequence[Tried], taken: str, base: Finished | None = None) -> str:
    """Say which method forms the segments, and why it is that one.

    Parameters
    ----------
    asked : str
        "auto", or the method that the analyst named, or the base brought.
    """
    by = f"The segments are formed by {METHOD_CALLED[taken]}"
    if base and asked == base.method:
        return f"{by}, as those of {base.run} are."
    if asked != "auto":
        return f"{by}, because the analyst asked for {'them' if taken == 'latent-class' else 'it'}."
    (own,), others = ([one for one in tried if (one.method == taken) == mine] for mine in (True, False))
    if not others and own.verdict == "natural":
        return f"{by}: with {own.k} they are natural."
    if not others:
        return f"{by}: {_OF_ITSELF[taken]}."
    [other] = others
    found = f"{other.verdict}, with {other.k}" if other.verdict else "no valleys part them, however many there are"
    theirs = f"{METHOD_CALLED[other.method]} ({found})"
    if own.verdict == "natural":
        return f"{by}: with {own.k} they are natural, and those of {theirs} are not."
    return f"{by}; neither these ({own.verdict}, with {own.k}) nor those of {theirs} are natural."


def fit(fitted, over: str, *, private: bool) -> str:
    """Say how well segments fit, by their inertia or by the BIC of their method, to go on after their sizes.

    Parameters
    ----------
    fitted : a fitted estimator
    over : str
        What to say of the customers that they are formed on; "" of all.
    """
    likely = hasattr(fitted, "bic_")
    value = amount(significant(fitted.bic_ if likely else fitted.inertia_, private=private))
    verb = f"{over}{',' if over else ''} is {value}"
    if likely:
        return f"{FAMILY_WORDS.get(getattr(fitted, 'family_', ''), '')}; their BIC{verb}, the lower the better."
    squares = "the sum of the squared distances of the customers to their centroids, in scaled units"
    return f"; together their inertia{verb}: {squares}."


def sure(segmented: Customers) -> str:
    """Say how many customers surely belong to their segment; nothing where a method gives no probability."""
    if "probability" not in segmented.table.columns:
        return ""
    sure = int((segmented.table["probability"] >= NEARLY_CERTAIN).sum().execute())
    many = most_of(sure, segmented.number) if segmented.private else f"{sure:,}"
    among = f"{sentence(many)} of {segmented.number:,} customers"
    return f" {among} belong to their segment with a probability of {percent(NEARLY_CERTAIN)} or more."


def scaling(scaled: Sequence[Scaled], dataset: Dataset, base: Finished | None = None) -> str:
    """Say how the features were brought to one scale, or why they were not, and whether it is the scale of a base."""
    told, then = _scaled(scaled, dataset), base.model.features if base else ()
    numbers, plain = [[(f.power, f.centre, f.spread) for f in side] for side in (scaled, then)], (1, 0, 1)
    if base is None or numbers[0] != numbers[1] or {*numbers[0]} == {plain}:
        return told
    return f"The scale is that of {escape(base.run)}, so that distances mean the same in both. There: {told}"


def _scaled(scaled: Sequence[Scaled], dataset: Dataset) -> str:
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


def mixtures(bics: pd.DataFrame) -> str:
    """Say with how many components the BIC is lowest, and of what kind of model these are."""
    k = int(bics.min(axis=1).idxmin())
    kind = str(bics.loc[k].idxmin())
    most, circled = f"asked of {LARGEST_RESAMPLED:,} customers at most, is lowest with", "which is circled."
    if kind not in FAMILY_WORDS:
        return f"The BIC of latent classes, {most} {count(k, 'class', 'classes')}, {circled}"
    told = f"The BIC of Gaussian mixtures, {most} {count(k, 'component')}{FAMILY_WORDS[kind]}, {circled}"
    return told if k > 1 else f"{told} By it there is one cloud."
