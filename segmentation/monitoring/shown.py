"""What a reader sees of two runs side by side: tables as text."""

import numpy as np
import pandas as pd

from segmentation.core.privacy import in_tens
from segmentation.core.text import NONE, decimal, listing, percents
from segmentation.monitoring.comparison import Comparison, hidden_moves
from segmentation.monitoring.transitions import as_matrix
from segmentation.runs import tell as runs_tell

STILL = 5e-4  # a distance that is shown as 0.000
FATES = {"survives": "found again", "split": "split", "merged": "merged", "gone": "gone"}


def show_rand(index: float) -> str:
    """Return an adjusted Rand index; what is less than 1 is not shown as 1."""
    return "1" if index == 1 else "above 0.999" if index > 0.9995 else decimal(index, 3)


def runs_table(found: Comparison) -> pd.DataFrame:
    """Return customers, features, k, how it was chosen, verdict, silhouette and least stability: a column a run."""
    columns = {}
    for when, study, base in (("then", found.earlier, found.base), ("now", found.later, found.run)):
        selection = study.read("k_selection.json")
        silhouette, weakest = runs_tell.measured(selection) or [NONE, NONE]
        columns[f"{when}: {base.run}"] = {
            "customers": f"{base.model.customers:,}",
            "features": listing(study.dataset.label(feature) for feature in base.features),
            "number of segments k": f"{selection.k}",
            "why this k": runs_tell.choice(selection),
            "verdict": selection.verdict,
            "mean silhouette": silhouette,
            "least stable segment (Jaccard)": weakest,
        }
    return pd.DataFrame(columns).rename_axis("run")


def named(row, side: str) -> str:
    """Return the number and the name of a segment then or now; a dash where there is none."""
    return NONE if pd.isna(row[side]) else f"{row[side]:.0f} {row[f'name_{side}']}"


def shares_as_text(shares: pd.DataFrame, found: Comparison) -> pd.DataFrame:
    """Return the shares with their intervals as a reader wants them, and what each segment became or came from."""

    def told(row, side: str) -> str:
        interval = percents([row[f"low_{side}"], row[f"high_{side}"]]) if row[side] == row[side] else ""
        return f"{row[f'told_{side}']} ({interval})" if interval else NONE

    rows = []
    for _, row in shares.astype(object).where(shares.notna(), np.nan).iterrows():
        difference = 100 * (row["share_now"] - row["share_then"])
        rows.append(
            {
                "then": named(row, "then"),
                "now": named(row, "now"),
                "fate": _became(row, found),
                "share then": told(row, "then"),
                "share now": told(row, "now"),
                "points": NONE
                if difference != difference
                else f"{difference:+.1f}"
                if abs(difference) >= 0.05
                else "0",
            }
        )
    return pd.DataFrame(rows)


def _became(row, found: Comparison) -> str:
    """Return what a segment of the earlier run became, or where one of the later run comes from."""
    if not pd.isna(row["then"]):
        return FATES[found.lineage.before[int(row["then"]) - 1].fate]
    origins = found.lineage.now[int(row["now"]) - 1].comes_from
    return f"from {listing(origins)}" if origins else "new"


def centres_as_text(moved: pd.DataFrame, found: Comparison) -> pd.DataFrame | None:
    """Return the centres then and now as text, with the step of each centroid in scaled units; None without any."""
    if moved.empty:
        return None
    dataset, rows = found.later.dataset, []
    for _, row in moved.iterrows():
        shown = {side: named(row, side) for side in ("then", "now")}
        for f in found.base.numbers:
            then, now = (dataset.amount(f, row[f"{side}_{f}"]) for side in ("then", "now"))
            shown[dataset.axis(f)] = f"{then} → {now} ({_step(row[f'step_{f}'])})"
        rows.append(shown | {"moved": row["moved"] if row["moved"] == row["moved"] else pd.NA})
    return pd.DataFrame(rows)


def _step(z: float) -> str:
    return NONE if z != z else f"{z:+.2f}" if abs(z) >= STILL * 10 else "0"


def moves_matrix(table: pd.DataFrame, found: Comparison) -> pd.DataFrame:
    """Return the customers as a matrix, one row an earlier segment; what must not be shown is "hidden"."""
    counts = as_matrix(table, *found.shape)
    counts = in_tens(counts) if found.private else counts
    shown = np.where(hidden_moves(table, found), "hidden", np.vectorize("{:,}".format)(counts))
    rows = [f"{p.segment} {p.name}" for p in found.base.profiles]
    columns = [f"now {p.segment}" for p in found.run.profiles]
    return pd.DataFrame(shown, columns=columns).assign(**{"then": rows})[["then", *columns]]


def drift_table(found: Comparison) -> pd.DataFrame | None:
    """Return the population stability index of each feature and of the shares of the segments, and its limit.

    None where the earlier model cannot place the customers.
    """
    if not found.drift:
        return None
    labels = {name: found.later.dataset.label(name) for name in found.drift.features}
    parts = {labels[name]: part for name, part in found.drift.features.items()}
    rows = parts | {"the shares of the segments": found.drift.segments}
    table = [{"of": name, "index": p.index, "limit": p.limit, "changed": "yes" if p.shifted else "no"}
             for name, p in rows.items()]  # fmt: skip
    return pd.DataFrame(table)


def fates_table(found: Comparison) -> pd.DataFrame:
    """Return what became of each earlier segment."""
    return pd.DataFrame(
        {
            "then": row.segment,
            "name": row.name,
            "became": FATES[row.fate],
            "now": "; ".join(f"{into} {found.run.profiles[into - 1].name}" for into in row.into) or NONE,
        }
        for row in found.lineage.before
    )


def telling_axes(moved: pd.DataFrame, found: Comparison) -> dict[str, str]:
    """Return the axis labels of the features, those first in which centroids moved most; two or fewer as they are."""
    features = found.base.numbers
    if len(features) > 2 and len(moved):
        features = sorted(features, key=lambda f: -moved[f"step_{f}"].abs().max())
    return {f: found.later.dataset.axis(f) for f in features}


def rows_of_moves(found: Comparison) -> tuple[str, str]:
    """Return what the two rows of the flow diagram are called."""
    return ("then", "now") if found.shared is not None else ("model then", "model now")
