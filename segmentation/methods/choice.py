"""Which methods may form the segments of a table: the one that was named, or those that suit its features."""

from segmentation.core.errors import UsageError
from segmentation.customers.exploring import are_items
from segmentation.methods.kmeans import KMEANS
from segmentation.methods.method import Method
from segmentation.runs.run import Run

FINISHED: dict[str, Method] = {"kmeans": KMEANS}


def candidates(run: Run) -> tuple[Method, ...]:
    """Return the methods to judge, the first one first: the one that was named, or those that suit the features.

    Amounts: K-Means, then mixtures. Where each feature is an answer: K-Means, then latent classes.

    Raises
    ------
    UsageError
        When the method that was named cannot be used.
    """
    if run.method != "auto":
        if run.method not in FINISHED:
            raise UsageError(f"METHOD={run.method} cannot be used yet; known: {', '.join(FINISHED)}")
        return (FINISHED[run.method],)
    second = "latent-class" if are_items(run.dataset, run.features) else "mixture"
    return tuple(FINISHED[name] for name in ("kmeans", second) if name in FINISHED)
