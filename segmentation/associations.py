"""Do the segments differ in what did not form them? Tests for descriptors, and their refusal for features."""

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency, kruskal

from segmentation.dataset import Dataset
from segmentation.decision import SIGNIFICANT
from segmentation.errors import UsageError
from segmentation.words import escape, listing, show_p

FORMATS = {"statistic": "{:.2f}", "p": show_p, "p_corrected": show_p, "effect": "{:.3f}"}


def compare_descriptors(
    customers: pd.DataFrame, dataset: Dataset, names: list[str], features: list[str]
) -> pd.DataFrame:
    """Test whether each descriptor differs between the segments.

    Categories: Pearson's chi-squared, with Cramer's V (1946). Numbers: Kruskal & Wallis (1952), with epsilon squared
    (Kelley 1935), H / (n - 1). The p-values are corrected for the number of descriptors (Holm 1979).

    Parameters
    ----------
    customers : DataFrame
        segment (from 1) and descriptors; missing values are left out.

    Returns
    -------
    DataFrame
        descriptor, test, statistic, p, p_corrected, effect (0 to 1), measure; one row a descriptor that varies.

    Raises
    ------
    UsageError
        When a name formed the segments: the test would find what the method made (double dipping).
    """
    dipped = [name for name in names if name in features]
    if dipped:
        raise UsageError(
            f"{listing(dipped)} formed the segments, so that a p-value would only say that K-Means did its work "
            "(double dipping); test descriptors"
        )
    rows = [_compare(customers[["segment", name]].dropna(), name, dataset) for name in names]
    table = pd.DataFrame(
        [row for row in rows if row], columns=["descriptor", "test", "statistic", "p", "effect", "measure"]
    )
    table.insert(4, "p_corrected", holm(table["p"].to_numpy(dtype=float)))
    return table


def _compare(known: pd.DataFrame, name: str, dataset: Dataset) -> tuple | None:
    if known["segment"].nunique() < 2 or known[name].nunique() < 2:
        return None
    if not dataset.columns[name].numeric:
        counts = pd.crosstab(known["segment"], known[name])
        statistic, p = chi2_contingency(counts, correction=False)[:2]
        effect = np.sqrt(statistic / len(known) / (min(counts.shape) - 1))
        return name, "chi-squared", statistic, p, effect, "Cramer's V"
    statistic, p = kruskal(*(own[name] for _, own in known.groupby("segment")))
    return name, "Kruskal-Wallis", statistic, p, statistic / (len(known) - 1), "epsilon squared"


def holm(p: np.ndarray) -> np.ndarray:
    """Return p-values corrected for their number, step down (Holm 1979)."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)) if len(p) else p
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(stepped, 1)
    return corrected


def tell_descriptors(table: pd.DataFrame, dataset: Dataset) -> str:
    """Say which descriptors differ between the segments by more than chance gives, and which do not."""
    if table.empty:
        return "There is no descriptor that could differ."
    differ = table["p_corrected"] <= SIGNIFICANT
    labels = table["descriptor"].map(lambda name: escape(dataset.label(name)))
    told = []
    if differ.any():
        verb = "differs" if differ.sum() == 1 else "differ"
        told.append(f"{listing(labels[differ])} {verb} between the segments by more than chance gives.")
    if not differ.all():
        told.append(f"{listing(labels[~differ])}: no more difference than chance gives, so no segment is known by it.")
    return " ".join(told)
