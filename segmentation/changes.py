"""What a reader sees of two runs side by side: tables as text, and sentences."""

import numpy as np
import pandas as pd

from segmentation.base import Base
from segmentation.comparison import Comparison, moves, public_moves, rand_index, shares_table
from segmentation.decision import LEVEL, NOUNS
from segmentation.drift import tell_shift
from segmentation.findings import tell_choice, tell_lineage
from segmentation.lineage import as_matrix
from segmentation.privacy import SMALLEST_GROUP, withheld
from segmentation.words import amount, count, escape, listing, percent, sentence, spanning

STILL = 5e-4  # a distance that is shown as 0.000


def show_index(index: float) -> str:
    """Return an adjusted Rand index; what is less than 1 is not shown as 1."""
    return "1" if index == 1 else "above 0.999" if index > 0.9995 else f"{index:.3f}"


def tell_agreement(found: Comparison) -> str:
    """Say how far the two divisions agree."""
    told = []
    if found.placed is not None:
        index = rand_index(as_matrix(found.placed, *found.shape))
        same = f"Both models place the customers of {escape(found.run.run)} alike (adjusted Rand index 1)."
        other = f"The adjusted Rand index of the two models on the customers of {escape(found.run.run)} is "
        told.append(same if index == 1 else f"{other}{show_index(index)}, where 1 is alike and 0 is chance.")
    if found.shared is not None and not found.same:
        index = rand_index(as_matrix(found.shared, *found.shape))
        told.append(
            f"The adjusted Rand index of the segments then and now of the customers in both is {show_index(index)}."
        )
    return " ".join(told)


def runs_table(found: Comparison) -> pd.DataFrame:
    """Return customers, features, k, how it was chosen, verdict, silhouette and least stability: a column a run."""
    columns = {}
    for when, study, base in (("then", found.earlier, found.base), ("now", found.later, found.run)):
        selection = study.read("k_selection.json")
        row = selection["criteria"][str(selection["k"])]
        columns[f"{when}: {base.run}"] = {
            "customers": f"{base.model['customers']:,}",
            "features": listing(study.dataset.label(feature) for feature in base.features),
            "number of segments k": f"{selection['k']}",
            "why this k": tell_choice(selection),
            "verdict": selection["verdict"],
            "mean silhouette": f"{row['silhouette']:.2f}",
            "least stable segment (Jaccard)": f"{min(segment['jaccard'] for segment in row['segments']):.2f}",
        }
    return pd.DataFrame(columns).rename_axis("run")


def tell_verdicts(found: Comparison) -> str:
    """Say what each run found."""
    then, now = (study.read("k_selection.json") for study in (found.earlier, found.later))
    parts = [count(s["k"], NOUNS[s["verdict"]]) for s in (then, now)]
    if found.same:
        return f"{sentence(parts[0])}; the verdict is {then['verdict']}."
    if (then["k"], then["verdict"]) == (now["k"], now["verdict"]):
        return f"Both runs give {parts[0]}, and the verdict on both is {then['verdict']}."
    return (
        f"{escape(found.base.run)} gives {parts[0]}, and the verdict is {then['verdict']}; {escape(found.run.run)} "
        f"gives {parts[1]}, and the verdict is {now['verdict']}."
    )


def tell_runs(found: Comparison) -> str:
    """Say which runs are compared, and on what."""
    base, run = escape(found.base.run), escape(found.run.run)
    if found.same:
        return f"{base} is compared with itself."
    told = [f"{base} is compared with {run}."]
    if found.shared is not None:
        told.append(f"{sentence(count(int(found.shared['customers'].sum()), 'customer is', 'customers are'))} in both.")
    if not found.same_features:
        told.append("Other features formed their segments, so that they are matched by their customers alone.")
    return " ".join([*told, escape(found.why_not)]).strip()


def shares_as_text(shares: pd.DataFrame) -> pd.DataFrame:
    """Return the shares with their intervals as a reader wants them."""

    def told(row, side: str) -> str:
        interval = spanning([row[f"low_{side}"], row[f"high_{side}"]], percent) if row[side] == row[side] else ""
        return f"{percent(row[f'share_{side}'])} ({interval})" if interval else "–"

    rows = []
    for _, row in shares.astype(object).where(shares.notna(), np.nan).iterrows():
        difference = 100 * (row["share_now"] - row["share_then"])
        shown = {side: f"{row[side]:.0f}" if row[side] == row[side] else "–" for side in ("then", "now")}
        rows.append(
            {
                "then": shown["then"],
                "now": shown["now"],
                "name": row["name"],
                "share then": told(row, "then"),
                "share now": told(row, "now"),
                "points": "–" if difference != difference else f"{difference:+.1f}" if abs(difference) >= 0.05 else "0",
            }
        )
    return pd.DataFrame(rows)


def tell_shares(shares: pd.DataFrame) -> str:
    """Say which shares changed by more than their intervals allow, or which changed most."""
    both = shares.dropna(subset=["then", "now"])
    change = both["share_now"] - both["share_then"]
    if both.empty:
        return "No segment is in both runs."
    if not change.any():
        return (
            "Every share is what it was."
            if len(both) == len(shares)
            else "Every share that can be compared is what it was."
        )
    apart = both[(both["low_now"] > both["high_then"]) | (both["low_then"] > both["high_now"])]
    if len(apart):
        told = (_tell_share(row) for _, row in apart.iterrows())
        return f"{sentence(count(len(apart), 'share'))} changed by more than the intervals allow: {listing(told)}."
    row = both.loc[change.abs().idxmax()]
    return f"No share changed by more than the intervals allow; most changed {_tell_share(row)}."


def tell_intervals() -> str:
    """Say when a share changed by more than the intervals allow."""
    return (
        f"Bars: {percent(LEVEL)} intervals; a share changed by more than they allow where the two do not overlap, "
        f"which is stricter than a test at {percent(1 - LEVEL)}."
    )


def _tell_share(row: pd.Series) -> str:
    then, now = percent(row["share_then"]), percent(row["share_now"])
    if then == now:
        then, now = (f"{100 * row[f'share_{side}']:.1f}%" for side in ("then", "now"))
    return f"{escape(row['name'])} ({then} then, {now} now)"


def centres_as_text(moved: pd.DataFrame, found: Comparison) -> pd.DataFrame:
    """Return the centres then and now as text, with the step of each centroid in scaled units."""
    dataset, rows = found.later.dataset, []
    for _, row in moved.iterrows():
        shown = {"segment": row["now"], "name": row["name"]}
        for f in found.base.features:
            shown[dataset.axis(f)] = (
                f"{amount(row[f'then_{f}'])} → {amount(row[f'now_{f}'])} ({_step(row[f'step_{f}'])})"
            )
        rows.append(shown | {"moved": row["moved"]})
    return pd.DataFrame(rows)


def _step(z: float) -> str:
    return f"{z:+.2f}" if abs(z) >= STILL * 10 else "0"


def tell_centres(moved: pd.DataFrame, found: Comparison) -> str:
    """Say which centroid moved most, and where."""
    if not found.same_features:
        return "Other features formed the segments, so that their centres cannot be compared."
    if moved.empty:
        return "No segment is in both runs, so that no centre can be compared."
    if moved["moved"].max() < STILL:
        return "No centroid has moved."
    row = moved.loc[moved["moved"].idxmax()]
    feature = max(found.base.features, key=lambda f: abs(row[f"step_{f}"]))
    dataset = found.later.dataset
    unit = dataset.columns[feature].unit
    return (
        f"The centroid of {escape(row['name'])} moved farthest, by {row['moved']:.2f} "
        f"{found.base.model['distance_unit']} of {escape(found.base.run)}; most of all in "
        f"{escape(dataset.label(feature))}, whose mean there was {amount(row[f'then_{feature}'], unit)} and is "
        f"{amount(row[f'now_{feature}'], unit)}."
    )


def moves_matrix(table: pd.DataFrame, found: Comparison) -> pd.DataFrame:
    """Return the customers as a matrix, one row an earlier segment; what must not be shown is "< 10" or a dash."""
    counts = as_matrix(table, *found.shape)
    hidden = withheld(counts) if found.private else np.zeros(counts.shape, bool)
    shown = np.where(hidden, "hidden", np.vectorize("{:,}".format)(counts))
    rows = [f"{p['segment']} {p['name']}" for p in found.base.profiles]
    columns = [f"now {p['segment']}" for p in found.run.profiles]
    return pd.DataFrame(shown, columns=columns).assign(**{"then": rows})[["then", *columns]]


def tell_moves(table: pd.DataFrame, found: Comparison) -> str:
    """Say how many customers are in another segment than the one that theirs became, and which way most went."""
    moved = _moved(table, found)
    shown = moved[moved.index.isin(public_moves(table, found).index)]
    who = f"{int(table['customers'].sum()):,} customers of {escape(found.run.run)}"
    verb = "would be in another segment by the earlier model"
    if found.shared is not None:
        who, verb = f"{count(int(table['customers'].sum()), 'customer')} in both runs", "changed segment"
    if moved.empty:
        return f"None of the {who} {verb}."
    told = f"{_how_many(moved, shown)} of the {who} {verb}"
    if shown.empty:
        return f"{told}."
    top = shown.loc[shown["customers"].idxmax()]
    way = f"in {_name(found.run, top['now'])} instead of {_name(found.base, top['then'])}"
    if len(moved) == 1:
        return f"{told}: {'it is' if top['customers'] == 1 else 'all of them are'} {way}."
    return f"{told}; the largest group ({top['customers']:,}) is {way}."


def _moved(table: pd.DataFrame, found: Comparison) -> pd.DataFrame:
    """Return the rows of customers in another segment than the one that theirs became."""
    into = {row["segment"]: row["into"] for row in found.lineage["before"]}
    return table[[now not in into[then] for then, now in zip(table["then"], table["now"], strict=True)]]


def _how_many(moved: pd.DataFrame, shown: pd.DataFrame) -> str:
    """Return how many customers moved, in words that give away no group that is hidden."""
    every, told = int(moved["customers"].sum()), int(shown["customers"].sum())
    if every == told:
        return f"{told:,}"
    return f"Fewer than {SMALLEST_GROUP}" if every < SMALLEST_GROUP else f"At least {max(told, SMALLEST_GROUP):,}"


def _name(run: Base, segment: int) -> str:
    return f"{segment} ({escape(run.profiles[segment - 1]['name'])})"


def drift_table(found: Comparison) -> pd.DataFrame:
    """Return the population stability index of each feature and of the shares of the segments, and its limit."""
    labels = {name: found.later.dataset.label(name) for name in found.drift["features"]}
    parts = {labels[name]: part for name, part in found.drift["features"].items()}
    rows = parts | {"the shares of the segments": found.drift["segments"]}
    table = [{"of": name, "index": p["index"], "limit": p["limit"], "changed": "yes" if p["shifted"] else "no"}
             for name, p in rows.items()]  # fmt: skip
    return pd.DataFrame(table)


def fates_table(found: Comparison) -> pd.DataFrame:
    """Return what became of each earlier segment."""
    words = {"survives": "found again", "split": "split", "merged": "merged", "gone": "gone"}
    return pd.DataFrame(
        {
            "then": row["segment"],
            "name": row["name"],
            "became": words[row["fate"]],
            "now": listing(row["into"]) or "–",
        }
        for row in found.lineage["before"]
    )


def telling_axes(moved: pd.DataFrame, found: Comparison) -> dict[str, str]:
    """Return the axis labels of the features, those first in which centroids moved most; two or fewer as they are."""
    features = found.base.features
    if len(features) > 2:
        features = sorted(features, key=lambda f: -moved[f"step_{f}"].abs().max())
    return {f: found.later.dataset.axis(f) for f in features}


def tell_steps(found: Comparison) -> str:
    """Say what the table of centres shows."""
    unit = f"{found.base.model['distance_unit']} of {found.base.run}"
    return f"The mean of each feature then and now, and in brackets the step of the centroid, in {unit}."


def rows_of_moves(found: Comparison) -> tuple[str, str]:
    """Return what the two rows of the flow diagram are called."""
    return ("then", "now") if found.shared is not None else ("model then", "model now")


def tell_matrix(found: Comparison) -> str:
    """Say what the matrix shows."""
    hidden = f" Groups of fewer than {SMALLEST_GROUP} are hidden." if found.private else ""
    if found.shared is None:
        return f"The customers of {found.run.run} by the segment of the earlier model (rows) and of their own.{hidden}"
    return f"The customers in both runs by their segment then (rows) and now.{hidden}"


def tell_drift(found: Comparison) -> str:
    """Say whether the customers differ from those that the earlier segments were formed on."""
    if not found.drift:
        return escape(found.why_not)
    labels = {name: found.later.dataset.label(name) for name in found.drift["features"]}
    outside, everyone = found.drift["outside"], found.drift["customers"]
    few = found.private and 0 < outside < SMALLEST_GROUP
    many = f"fewer than {SMALLEST_GROUP}" if few else f"{outside:,}" if outside else "none"
    beyond = (
        f"Of {everyone:,} customers {many} {'is' if outside == 1 and not few else 'are'} outside of the former range."
    )
    told = tell_shift(found.drift, labels)
    return f"**{escape(told)}.** {beyond}" if told else f"No index is above its limit. {beyond}"


def tell_answer(found: Comparison) -> list[str]:
    """Say in a few sentences what changed: of the segments and their customers, and how far one can go on."""
    labels = {feature["name"]: feature["label"] for feature in found.base.model["features"]}
    warning = tell_shift(found.drift, labels) if found.drift else ""
    nothing = all(
        (
            not warning and _moved(moves(found), found).empty,
            all(row["fate"] == "survives" and row["kept_as"] == row["segment"] for row in found.lineage["before"]),
            found.same_features and all(then["centre"] == now["centre"] for then, now in found.pairs),
            all(then["share"] == now["share"] for then, now in found.pairs),
        )
    )
    last = " ".join([tell_agreement(found), tell_verdicts(found), f"{escape(warning)}." if warning else ""]).strip()
    if nothing:
        return [f"**Nothing has changed.** {last}"]
    moved = "" if found.shared is None else tell_moves(moves(found), found)
    return [f"**{escape(tell_lineage(found.lineage))}**", f"{tell_shares(shares_table(found))} {moved}".strip(), last]
