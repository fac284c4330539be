"""What is said of a method: how well its segments fit, and how surely customers belong to them."""

from segmentation.core.privacy import most_of, significant
from segmentation.core.text import amount, percent, sentence
from segmentation.customers.customers import Customers

NEARLY_CERTAIN = 0.9  # a probability
FAMILY_WORDS = {  # what the covariances of a mixture are like (Fraley & Raftery 2002)
    "EII": ", round and of one width (family EII)",
    "VII": ", round and each of its own width (family VII)",
    "EEI": ", of one shape along the axes (family EEI)",
    "VVI": ", each of its own shape along the axes (family VVI)",
    "EEE": ", of one shape, size and direction (family EEE)",
    "VVV": ", each of its own shape, size and direction (family VVV)",
}


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
