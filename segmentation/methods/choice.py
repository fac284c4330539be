"""Which methods may form the segments of a table: the one that was named, or those that suit its features."""

from collections.abc import Sequence

from segmentation.core.dataset import Dataset, MethodName
from segmentation.customers.exploring import are_items
from segmentation.methods.kmeans import KMEANS
from segmentation.methods.latent import LatentMethod, blocks_of
from segmentation.methods.method import Method
from segmentation.methods.mixture import MIXTURE
from segmentation.runs.records import Scaled
from segmentation.runs.run import Run


def candidates(run: Run, scaled: Sequence[Scaled]) -> tuple[Method, ...]:
    """Return the methods to judge, the first one first: the one that was named, or those that suit the features.

    Amounts: K-Means, then mixtures. Where each feature is an answer: K-Means, then latent classes.

    Parameters
    ----------
    scaled : sequence of Scaled
        How the features are scaled.
    """
    second: MethodName = "latent-class" if are_items(run.dataset, run.features) else "mixture"
    names: tuple[MethodName, ...] = ("kmeans", second) if run.method == "auto" else (run.method,)
    return tuple(method_named(name, run.dataset, scaled) for name in names)


def method_named(name: MethodName, dataset: Dataset, scaled: Sequence[Scaled]) -> Method:
    """Return a method of forming segments by features that are scaled like this."""
    if name == "latent-class":
        return LatentMethod(blocks_of(dataset, scaled))
    if name == "mixture":
        return MIXTURE
    return KMEANS
