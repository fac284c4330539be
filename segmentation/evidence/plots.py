"""The evidence, drawn: computed tables in, axes out; a list of axes where each can be read by itself.

`private` hides whatever shows a single customer: groups under ten are left out, silhouettes are means of ten.
"""

from functools import partial

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from segmentation.core.figures import CROSS, INK, NEUTRAL, PAGE, colour, glyph, legend_above, marker, panels, wrapped
from segmentation.core.privacy import SMALLEST_GROUP, in_tens, significant
from segmentation.evidence.criteria import favourites, origins
from segmentation.evidence.decision import STABLE
from segmentation.evidence.gather import STRONG_PREDICTION
from segmentation.evidence.nulls import NULL_LEVEL
from segmentation.language import tr
from segmentation.language.writing import percent, whole

OUTLINE_STEPS = 200  # of the outline of a segment


def criteria(scores: pd.DataFrame, inertia: pd.Series, *, private: bool):
    """Draw inertia (the elbow), silhouette, Calinski-Harabasz and Davies-Bouldin by k, the favourite of each marked.

    Of a method with a likelihood the BIC in place of the inertia, which it does not lower. When private, to four
    significant digits, as `resampling` does.
    """
    liked = favourites(scores)
    elbow = {"bic": tr("BIC (lower is better)")} if "bic" in scores else {"inertia": tr("Inertia (the elbow)")}
    titles = elbow | {
        "silhouette": tr("Silhouette (higher is better)"),
        "calinski_harabasz": tr("Calinski-Harabasz (higher is better)"),
        "davies_bouldin": tr("Davies-Bouldin (lower is better)"),
    }
    axes = panels(len(titles))
    for ax, (name, title) in zip(axes, titles.items(), strict=True):
        values = (inertia if name == "inertia" else scores[name]).map(partial(significant, private=private))
        ax.plot(values.index, values, "o-", color=NEUTRAL, markersize=4)
        if name in liked:
            k = liked[name]
            ax.plot(k, values[k], "o", color=CROSS, markersize=9, fillstyle="none", markeredgewidth=1.5)
        ax.set(title=title, xlabel=tr("number of segments k"), xticks=values.index)
    return axes


def mixtures(mixtures: pd.DataFrame, *, private: bool):
    """Draw the BIC of Gaussian mixtures by k, one line a family of covariances, the lowest of all marked."""
    _, ax = plt.subplots(figsize=(PAGE, 3.6))
    shown = mixtures.map(partial(significant, private=private))
    shades = sns.color_palette("crest", shown.shape[1])
    for (name, values), shade, mark in zip(shown.items(), shades, "osD^vP", strict=False):
        ax.plot(values.index, values, f"{mark}-", color=shade, markersize=4, label=tr(str(name)))
    k = mixtures.min(axis=1).idxmin()
    ax.plot(k, shown.loc[k].min(), "o", color=CROSS, markersize=9, fillstyle="none", markeredgewidth=1.5)
    ax.set(xlabel=tr("number of segments k"), ylabel=tr("BIC (lower is better)"), xticks=shown.index)
    legend_above(ax)
    return ax


def resampling(evidence, *, private: bool):
    """Draw stability, prediction strength, agreement of resamples and gap statistic for each k, with their errors."""
    weakest, limit = evidence.weakest, evidence.null_limit
    curves = {
        tr("Least stable segment (Jaccard)"): (weakest["jaccard"], weakest["error"]),
        tr("Prediction strength"): (evidence.strength["prediction_strength"], evidence.strength["error"]),
        tr("Agreement of resamples"): (evidence.agreement["agreement"], evidence.agreement["error"]),
        tr("Gap statistic"): (evidence.gaps["gap"], evidence.gaps["error"]),
    }
    axes = panels(len(curves))
    for ax, (title, pair) in zip(axes, curves.items(), strict=True):
        values, errors = (part.map(partial(significant, private=private)) for part in pair)
        ax.errorbar(values.index, values, errors, fmt="o-", color=NEUTRAL, markersize=4, capsize=2)
        ax.set(title=title, xlabel=tr("number of segments k"), xticks=values.index)
    axes[0].errorbar(
        limit.index,
        limit["limit"],
        limit["error"],
        fmt="--",
        color=CROSS,
        capsize=2,
        label=wrapped(tr("{share} of segments without structure", share=percent(NULL_LEVEL)), 24),
    )
    axes[0].axhline(STABLE, color=INK, linestyle=":", linewidth=1)
    axes[0].legend(loc="best")
    axes[1].axhline(STRONG_PREDICTION, color=INK, linestyle=":", linewidth=1)
    return axes


def stability(stability: pd.DataFrame):
    """Draw the stability of every segment within each k (segment level stability; Dolnicar & Leisch 2017)."""
    _, ax = plt.subplots(figsize=(PAGE, 3.6))
    for segment, own in stability.groupby("segment"):
        ax.plot(own["k"], own["jaccard"], marker(segment), color=colour(segment), markersize=6)
    ax.axhline(STABLE, color=INK, linestyle=":", linewidth=1)
    ax.set(
        xlabel=tr("number of segments k"),
        ylabel=tr("mean Jaccard coefficient"),
        xticks=stability["k"].unique(),
        ylim=(0, 1.04),
    )
    return ax


def flows(flows: pd.DataFrame, *, private: bool):
    """Draw how customers move when k grows, one row of segments a k (clustree, Zappia & Oshlack 2018).

    The paler a mark, the more mixed is its origin (`origins`); segments stand near the ones that they come from. None
    of a single k. When private, widths, sizes and shades are those of counts in tens.
    """
    if flows.empty:
        return None
    _, ax = plt.subplots(figsize=(PAGE, 1 + 0.55 * len({*flows["k"], *flows["next_k"]})))
    total, places = flows.groupby("k")["customers"].sum().max(), _places(flows)
    if private:
        counts = ["customers", "size", "next_size"]
        flows = flows.assign(**in_tens(flows[counts]))
    drawn = flows[flows["customers"] > 0]
    for row in drawn.itertuples():
        ends = [places[row.k, row.segment], places[row.next_k, row.next_segment]]
        ax.plot(ends, [row.k, row.next_k], color=NEUTRAL, linewidth=0.5 + 16 * row.customers / total, alpha=0.45,
                solid_capstyle="butt", zorder=1)  # fmt: skip
    origin = origins(drawn).set_index(["k", "segment"])["origin"]
    nodes = {(row.k, row.segment): row.size for row in flows.itertuples()}
    nodes |= {(row.next_k, row.next_segment): row.next_size for row in flows.itertuples()}
    sizes = pd.Series(nodes).sort_index()
    told = sizes.map(whole).where(sizes > 0, "")
    for (k, segment), size in sizes.items():
        shade = mpl.colors.to_rgb(colour(segment))
        pure = min(1.0, max(0.0, float(origin.get((k, segment), 1.0))))
        ax.plot(places[k, segment], k, marker(segment), color=[1 - (1 - c) * (0.25 + 0.75 * pure) for c in shade],
                markeredgecolor=shade, markersize=5 + 18 * (size / total) ** 0.5, zorder=2)  # fmt: skip
        ax.annotate(told[k, segment], (places[k, segment], k), (0, 7 + 9 * (size / total) ** 0.5), ha="center",
                    va="bottom", textcoords="offset points", gid="name", zorder=3)  # fmt: skip
    ax.set(ylabel=tr("number of segments k"), yticks=sorted({k for k, _ in nodes}), xticks=[])
    ax.invert_yaxis()
    ax.spines["bottom"].set_visible(False)
    ax.grid(False)
    return ax


def _places(flows: pd.DataFrame) -> dict[tuple[int, int], float]:
    """Place the segments of each k from 0 to 1, in the order of where their customers come from."""
    first = flows[flows["k"] == flows["k"].min()]
    places = {(k, s): (s - 0.5) / k for k, s in zip(first["k"], first["segment"], strict=True)}
    for next_k, step in flows.groupby("next_k"):
        come = step["customers"] * [places[k, s] for k, s in zip(step["k"], step["segment"], strict=True)]
        mean = (
            come.groupby(step["next_segment"]).sum() / step.groupby("next_segment")["customers"].sum()
        ).sort_values()
        places |= {(next_k, s): (i + 0.5) / next_k for i, s in enumerate(mean.index)}
    return places


def silhouettes(silhouettes: pd.DataFrame, *, private: bool):
    """Draw the silhouette of each customer, sorted within each segment (Rousseeuw 1987); means of ten when private."""
    if silhouettes.empty:
        return None
    _, ax = plt.subplots(figsize=(PAGE, 4.2))
    start = 0
    for segment, own in silhouettes.groupby("segment"):
        values = np.sort(own["silhouette"])
        values = np.array([*map(significant, _means_of_ten(values))]) if private else values
        rows = np.unique(np.linspace(0, len(values) - 1, OUTLINE_STEPS).round().astype(int))
        ax.fill_betweenx(start + rows, 0, values[rows], color=colour(segment), linewidth=0)
        ax.text(
            -0.02, start + len(values) / 2, f"{glyph(segment)} {segment}", ha="right", va="center", fontweight="bold"
        )
        start += len(values) + max(2, len(silhouettes) // 60)
    ax.axvline(
        significant(silhouettes["silhouette"].mean(), private=private),
        color=CROSS,
        linestyle="--",
        linewidth=1.5,
        label=tr("mean of all"),
    )
    ax.set(xlabel=tr("silhouette"), ylabel=tr("customers, by segment"), yticks=[])
    ax.legend(loc="lower right")
    return ax


def _means_of_ten(values: np.ndarray) -> np.ndarray:
    """Replace sorted values by the means of groups of ten, the last of them larger."""
    group = np.minimum(np.arange(len(values)) // SMALLEST_GROUP, max(len(values) // SMALLEST_GROUP - 1, 0))
    return (np.bincount(group, values) / np.bincount(group))[group]
