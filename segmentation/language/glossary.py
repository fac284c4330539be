"""The words of the report that need explaining: each in two plain sentences, with its source where it has one."""

from collections.abc import Iterator
from typing import NamedTuple

from segmentation.language.message import mark, tr, trc


class Entry(NamedTuple):
    """A word that is explained.

    key : what it is called in an address, the same in every language
    forms : how it stands in a text, the longest first; none of a word that also means other things
    """

    key: str
    term: str
    forms: tuple[str, ...]
    told: str


# key -> the word, how it stands in a text (forms parted by |), and what it means
GLOSSARY: dict[str, tuple[str, str, str]] = {
    "segment": (
        mark("Segment"),
        "",
        mark(
            "A group of customers who are more like each other than like the others, by the features. Every customer "
            "is in exactly one."
        ),
    ),
    "feature": (
        mark("Feature"),
        mark("features|feature"),
        mark(
            "A column of the table by which the segments are formed. What is no feature had no say in who belongs "
            "together."
        ),
    ),
    "descriptor": (
        mark("Descriptor"),
        mark("descriptors|descriptor"),
        mark(
            "A column that only describes the segments after they were formed, such as age or region (Dolnicar, Gruen "
            "and Leisch 2018). Where it differs between segments, that was found and not put in."
        ),
    ),
    "centroid": (
        mark("Centroid, centre"),
        mark("centroids|centroid|centres|centre"),
        mark(
            "The middle of a segment: the mean of its customers in every feature. Nobody needs to stand there; a "
            "customer is placed in the segment that is nearest, or likeliest."
        ),
    ),
    "index": (
        mark("Index"),
        mark("index"),
        mark(
            "A segment's mean as a share of the mean of all customers, where 100 is like all. 150 is half as much "
            "again, 50 is half."
        ),
    ),
    "interval": (
        mark("Interval"),
        mark("intervals|interval"),
        mark(
            "From where to where a figure may reasonably lie, as these customers are only a sample of all that might "
            "have been. Of many such intervals {level} hold the true figure."
        ),
    ),
    "margin": (
        mark("Margin"),
        mark("margins|margin"),
        mark(
            "How far the own segment of a customer is ahead of the next one. Near 0 the customer stands at a border "
            "and could as well be in either."
        ),
    ),
    "resample": (
        mark("Resample, repeat"),
        mark("resamples|resample|repeats|repeat"),
        mark(
            "The same customers drawn again, some twice and some not at all, as another sample might have been (Efron "
            "1979, bootstrap). The segments are formed anew each time, and compared."
        ),
    ),
    "stability": (
        mark("Stability"),
        mark("stability"),
        mark(
            "How surely a segment comes back when the customers are drawn again: the mean of its Jaccard coefficients "
            "(Hennig 2007). From {stable} on a segment counts as stable; at {dissolved} or less it fell apart in that "
            "repeat."
        ),
    ),
    "jaccard": (
        mark("Jaccard coefficient"),
        mark("Jaccard coefficients|Jaccard coefficient|Jaccard"),
        mark(
            "How much two groups have in common: the customers in both, divided by the customers in either (Jaccard "
            "1901). 1 is the same group, 0 no common customer."
        ),
    ),
    "silhouette": (
        mark("Silhouette"),
        mark("silhouettes|silhouette"),
        mark(
            "How much nearer a customer is to the own segment than to the next one, from -1 to 1 (Rousseeuw 1987). "
            "Near 1 the segments are far apart, at 0 there is no border at all, below 0 the next one would fit better."
        ),
    ),
    "inertia": (
        mark("Inertia"),
        mark("inertia"),
        mark(
            "The sum of the squared distances of all customers to the middle of their segment. It falls with every "
            "further segment, so it cannot say how many there are."
        ),
    ),
    "bic": (
        mark("BIC"),
        mark("BIC"),
        mark(
            "How badly a model fits, with a charge for each number that it needs; the lower, the better (Schwarz 1978, "
            "Bayesian information criterion). Only values for the same table can be compared."
        ),
    ),
    "p": (
        mark("p-value"),
        mark("p-values|p-value"),
        mark(
            "How often chance alone would give a difference as large as the one that was seen. A small one, such as p "
            "< 0.05, says that there is a difference; it does not say that it is large."
        ),
    ),
    "rand": (
        mark("Rand index"),
        mark("adjusted Rand index|Rand index"),
        mark(
            "How far two divisions of the same customers agree, by all pairs of customers, after what chance would "
            "give is taken off (Hubert and Arabie 1985). 1 is the same division, 0 no more than chance."
        ),
    ),
    "map": (
        mark("Map (principal components)"),
        mark("principal components|principal component"),
        mark(
            "The customers on two axes that keep as much of all features as two axes can (Pearson 1901). Who is near "
            "on it is mostly alike; who overlaps may still be apart in a third direction."
        ),
    ),
    "rfm": (
        mark("RFM"),
        mark("RFM"),
        mark(
            "Recency, frequency, monetary value: how long ago, how often and for how much a customer bought, each "
            "scored in equal groups. A rule that management sets; no groups need to be there for it."
        ),
    ),
    "verdict": (
        mark("Verdict"),
        mark("verdict"),
        mark(
            "What the segments may be called after two questions: do they come back, and is there a gap between them? "
            "The words are those of Dolnicar, Gruen and Leisch (2018)."
        ),
    ),
    "natural": (
        mark("natural (a verdict)"),
        mark("natural"),
        mark(
            "The groups are there by themselves: they come back, and few customers stand between them. Tables without "
            "groups rarely look like that."
        ),
    ),
    "reproducible": (
        mark("reproducible (a verdict)"),
        mark("reproducible"),
        mark(
            "The division comes back, more surely than where there is nothing to find, but no gap between the segments "
            "could be shown. Good to plan with; customers near a border may be alike."
        ),
    ),
    "constructive": (
        mark("constructive (a verdict)"),
        mark("constructive"),
        mark(
            "A cut that may be useful, for which only part of the evidence speaks. Who draws the borders elsewhere is "
            "not wrong."
        ),
    ),
    "none": (
        mark("none (a verdict)"),
        "",
        mark(
            "Nothing speaks for groups: the parts fall apart when customers are drawn again, or customers without any "
            "groups give as good a division. Nobody should be treated differently for it."
        ),
    ),
}


def named(verdict: str) -> str:
    """Return the word for a verdict as it stands in a sentence."""
    return {
        "natural": trc("verdict", "natural"),
        "reproducible": trc("verdict", "reproducible"),
        "constructive": trc("verdict", "constructive"),
        "none": trc("verdict", "none"),
    }[verdict]


def glossary(**told: str) -> Iterator[Entry]:
    """Yield each word that is explained, in the reader's language.

    Parameters
    ----------
    told : str
        The figures that explanations mention: level (of intervals), stable and dissolved (Jaccard coefficients).
    """
    for key, (term, forms, text) in GLOSSARY.items():
        yield Entry(key, tr(term), tuple(tr(forms).split("|")) if forms else (), tr(text, **told))
