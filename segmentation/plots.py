"""Figures: computed tables in, axes out; a list of axes where each can be read by itself. Nothing here fits or saves.

`private` hides whatever shows a single customer: points become counts on a grid, groups under ten and box-plot
outliers are left out.
"""

import textwrap

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from segmentation.customers import Customers
from segmentation.decision import STABLE
from segmentation.eda import by_size, column_edges, grid_edges
from segmentation.evidence import STRONG_PREDICTION
from segmentation.k_selection import origins
from segmentation.marks import colour, marker
from segmentation.narrative import INK
from segmentation.privacy import SMALLEST_GROUP, in_tens, withheld
from segmentation.reference import NULL_LEVEL
from segmentation.tallies import Grouping
from segmentation.words import amount, percent

NEUTRAL = "#5F7A99"
CROSS = "#D62728"
MOST_POINTS = 5_000
WHISKERS = [0.05, 0.25, 0.5, 0.75, 0.95]
MOST_BINS = 40
PAGE = 8.0
WHISKER = {"ecolor": INK, "elinewidth": 1, "capsize": 3}

mpl.rcParams.update(
    {
        "text.parse_math": False,
        "svg.fonttype": "none",
        "savefig.transparent": True,
        "figure.constrained_layout.use": True,
        "font.size": 11,
        "axes.titlesize": 12,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.alpha": 0.15,
        "legend.frameon": False,
        **dict.fromkeys(
            ["text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color"], INK
        ),
    }
)


def _panels(n: int, *, columns: int = 2, height: float = 2.6):
    rows = -(-n // columns)
    _, axes = plt.subplots(rows, columns, figsize=(PAGE, height * rows), squeeze=False)
    for ax in axes.flat[n:]:
        ax.remove()
    return list(axes.flat[:n])


def _show(ax, side: str, axis: str, *, label: bool = True):
    """Label an axis of the figure, and give it the scale of its column."""
    logged = getattr(axis, "logged", False)
    if label:
        ax.set(**{f"{side}label": f"{axis}, log scale" if logged else axis})
    if logged:
        getattr(ax, f"set_{side}scale")("symlog", linthresh=1)
        ax.autoscale_view(scalex=side == "x", scaley=side == "y")  # margins as this scale sees them
        low, high = getattr(ax, f"get_{side}lim")()
        steps = (1, 2, 5) if low > 0 and high < 100 * low else (1,)
        ticks = getattr(ax, f"{side}axis")
        ticks.set_major_locator(mpl.ticker.SymmetricalLogLocator(base=10, linthresh=1, subs=steps))
        ticks.set_major_formatter(lambda value, _: amount(value))


def plot_distributions(customers: Customers, labels: dict[str, str], *, private: bool):
    """Draw a histogram and a box plot of each numeric column; `labels` maps column to axis label."""
    axes = _panels(2 * len(labels))
    for i, (name, label) in enumerate(labels.items()):
        _histogram(axes[2 * i], customers, name, label, private)
        axes[2 * i].set(ylabel="customers")
        _boxes(axes[2 * i + 1], customers, name, Grouping(), private, vertical=False)
        axes[2 * i + 1].set(yticks=[])
        for ax in axes[2 * i : 2 * i + 2]:
            _show(ax, "x", label)
            _few_ticks(ax)
    return axes


def _boxes(ax, customers: Customers, name: str, groups: Grouping, private: bool, *, vertical=True, shades=None):
    """Draw the middle half of each group, whiskers to the 5th and 95th percentile and the customers beyond.

    When private the boxes stand alone, those of ten customers or more; of a sample nobody beyond is drawn.
    """
    found = customers.quantiles(name, WHISKERS, groups)
    found = found[found["customers"] >= (SMALLEST_GROUP if private else 1)]
    ends = [0.25, 0.75] if private else [WHISKERS[0], WHISKERS[-1]]
    beyond = {} if private or customers.sampled else _beyond(customers.sample, name, groups, found)
    stats = [
        {"label": str(group), "whislo": row[ends[0]], "q1": row[0.25], "med": row[0.5], "q3": row[0.75],
         "whishi": row[ends[1]], "fliers": beyond.get(group, [])}
        for group, row in found.iterrows()
    ]  # fmt: skip
    drawn = ax.bxp(stats, orientation="vertical" if vertical else "horizontal", widths=0.5, patch_artist=True,
                   showcaps=not private, boxprops={"edgecolor": INK}, medianprops={"color": INK},
                   flierprops={"markersize": 3, "markeredgecolor": INK, "marker": "o", "fillstyle": "none"},
                   whiskerprops={"color": INK}, capprops={"color": INK})  # fmt: skip
    for i, box in enumerate(drawn["boxes"]):
        box.set_facecolor(shades[i] if shades else NEUTRAL)
    return found.index


def _beyond(frame: pd.DataFrame, name: str, groups: Grouping, found: pd.DataFrame) -> dict:
    """Return the values of each group beyond its whiskers."""
    values = frame[name].groupby(groups.of_frame(frame), observed=True)
    outer = {group: (found.loc[group, WHISKERS[0]], found.loc[group, WHISKERS[-1]]) for group in found.index}
    return {g: own[(own < outer[g][0]) | (own > outer[g][1])].to_numpy() for g, own in values if g in outer}


def _few_ticks(ax, most: int = 5):
    """Leave room between the ticks for numbers of six digits."""
    linear = ax.get_xscale() == "linear"
    ax.xaxis.get_major_locator().set_params(**({"nbins": most} if linear else {"numticks": most}))


def _histogram(ax, customers: Customers, name: str, label: str, private: bool):
    bins = min(30, max(5, round(customers.filled([name])[name] ** 0.5)))
    edges = column_edges(customers, name, bins, logged=getattr(label, "logged", False))
    counts = _public(customers.histogram(name, edges), private)
    drawn = counts > 0
    style = {"align": "edge", "color": NEUTRAL, "edgecolor": "white", "linewidth": 0.5}
    ax.bar(edges[:-1][drawn], counts[drawn], np.diff(edges)[drawn], **style)


def _public(counts: np.ndarray, private: bool) -> np.ndarray:
    return np.where(withheld(counts), 0, counts) if private else counts


def plot_categories(customers: Customers, labels: dict[str, str], *, private: bool):
    """Draw the number of customers in each category of each column."""
    axes = _panels(len(labels))
    for ax, (name, label) in zip(axes, labels.items(), strict=True):
        counts = by_size(customers.counts(name))
        counts = counts[~withheld(counts.to_numpy())] if private else counts
        ax.barh(counts.index.astype(str), counts, color=NEUTRAL)
        ax.bar_label(ax.containers[0], fmt="{:,.0f}", padding=3)
        ax.invert_yaxis()
        ax.set(xlabel="customers", title=label)
    return axes


def plot_relation(customers: Customers, labels: dict[str, str], *, private: bool, ax=None):
    """Draw two numeric columns against each other; `labels` maps the two, x first, to axis labels."""
    ax = ax or plt.subplots(figsize=(PAGE * 0.7, 4.5))[1]
    _cloud(ax, customers, labels, private)
    for side, label in zip("xy", labels.values(), strict=True):
        _show(ax, side, label)
    return ax


def _cloud(ax, customers: Customers, labels: dict[str, str], private: bool, by: str | None = None):
    """Draw points, or where these would show customers or be too many, counts on a grid; `by` gives them colours."""
    x, y = (list(labels) * 2)[:2]
    if not private and customers.number <= MOST_POINTS:
        frame = customers.sample
        for group, own in frame.groupby(by) if by else [(1, frame)]:
            ax.scatter(own[x], own[y], **_mark(group, by))
        return
    edges = tuple(_edges(customers, name, labels[name]) for name in (x, y))
    for group, cells in sorted(customers.grids((x, y), edges, by).items()):
        cells = in_tens(cells) if private else cells
        style = _mark(group, by)
        shades = [(*mpl.colors.to_rgb(style["color"]), 0.15), style["color"]]
        shades = mpl.colors.LinearSegmentedColormap.from_list("shade", shades)
        ax.pcolormesh(*edges, np.ma.masked_equal(cells.T, 0), cmap=shades, rasterized=True)
        ax.scatter([], [], **style)


def _edges(customers: Customers, name: str, label: str) -> np.ndarray:
    return grid_edges(customers, name, most=MOST_BINS, logged=getattr(label, "logged", False))


def _mark(group: int, by: str | None) -> dict:
    shade = colour(group) if by else NEUTRAL
    return {"s": 22, "alpha": 0.8, "color": shade, "linewidth": 0, "marker": marker(group), "label": f"segment {group}"}


def count_pairs(customers: Customers, labels: dict[str, str]) -> None:
    """Count at once the customers in the cells of every two columns that will be drawn."""
    customers.count_together({name: _edges(customers, name, label) for name, label in labels.items()})


def plot_pairwise(customers: Customers, labels: dict[str, str], *, private: bool):
    """Draw every pair of numeric columns, with histograms on the diagonal."""
    n = len(labels)
    axes = np.reshape(_panels(n * n, columns=n, height=PAGE / n * 0.8), (n, n))
    for i, row in enumerate(labels):
        for j, column in enumerate(labels):
            if i == j:
                _histogram(axes[i, j], customers, row, labels[row], private)
                _show(axes[i, j], "x", labels[row])
            else:
                both = {name: labels[name] for name in (column, row)}
                plot_relation(customers, both, private=private, ax=axes[i, j])
            _few_ticks(axes[i, j], most=3)
            axes[i, j].set(xlabel=_wrapped(labels[column]) if i == n - 1 else "")
            axes[i, j].set(ylabel=_wrapped(labels[row]) if j == 0 else "")
    return axes[0, 0]


def _wrapped(label: str) -> str:
    return textwrap.fill(label, 18)


def plot_correlation(correlation: pd.DataFrame):
    """Draw a correlation matrix as a labelled heat map."""
    _, ax = plt.subplots(figsize=(PAGE * 0.6, 0.6 + 0.7 * len(correlation)))
    sns.heatmap(correlation, vmin=-1, vmax=1, cmap="RdBu_r", annot=True, fmt=".2f", square=True, ax=ax, cbar=False)
    ax.set(xlabel="", ylabel="")
    plt.setp(ax.get_xticklabels(), rotation=30, ha="right")
    ax.grid(False)
    return ax


def plot_groups(customers: Customers, name: str, groups: dict[str, Grouping], label: str, *, private: bool):
    """Draw box plots of a numeric column, one panel for each way to group the customers."""
    axes = _panels(len(groups), height=3.2)
    for ax, (by, grouping) in zip(axes, groups.items(), strict=True):
        shown = _boxes(ax, customers, name, grouping, private)
        ax.set(xlabel=by)
        _show(ax, "y", label)
        ax.tick_params(axis="x", rotation=30 if len(shown) > 4 else 0)
    return axes


def plot_criteria(scores: pd.DataFrame, inertia: pd.Series, favourites: dict[str, int]):
    """Draw inertia (the elbow), silhouette, Calinski-Harabasz and Davies-Bouldin by k, the favourite of each marked."""
    titles = {
        "inertia": "Inertia (the elbow)",
        "silhouette": "Silhouette (higher is better)",
        "calinski_harabasz": "Calinski-Harabasz (higher is better)",
        "davies_bouldin": "Davies-Bouldin (lower is better)",
    }
    axes = _panels(len(titles))
    for ax, (name, title) in zip(axes, titles.items(), strict=True):
        values = inertia if name == "inertia" else scores[name]
        ax.plot(values.index, values, "o-", color=NEUTRAL, markersize=4)
        if name in favourites:
            k = favourites[name]
            ax.plot(k, scores.loc[k, name], "o", color=CROSS, markersize=9, fillstyle="none", markeredgewidth=2)
        ax.set(title=title, xlabel="number of segments k", xticks=values.index)
    return axes


def plot_evidence(evidence):
    """Draw stability, prediction strength, agreement of resamples and gap statistic for each k, with their errors."""
    weakest, limit = evidence.weakest, evidence.null_limit
    panels = {
        "Least stable segment (Jaccard)": (weakest["jaccard"], weakest["error"]),
        "Prediction strength": (evidence.strength["prediction_strength"], evidence.strength["error"]),
        "Agreement of resamples": (evidence.agreement["agreement"], evidence.agreement["error"]),
        "Gap statistic": (evidence.gaps["gap"], evidence.gaps["error"]),
    }
    axes = _panels(len(panels))
    for ax, (title, (values, errors)) in zip(axes, panels.items(), strict=True):
        ax.errorbar(values.index, values, errors, fmt="o-", color=NEUTRAL, markersize=4, capsize=2)
        ax.set(title=title, xlabel="number of segments k", xticks=values.index)
    axes[0].errorbar(
        limit.index,
        limit["limit"],
        limit["error"],
        fmt="--",
        color=CROSS,
        capsize=2,
        label=f"{percent(NULL_LEVEL)} of segments without structure",
    )
    axes[0].axhline(STABLE, color=INK, linestyle=":", linewidth=1)
    axes[0].legend(loc="lower left", fontsize=8)
    axes[1].axhline(STRONG_PREDICTION, color=INK, linestyle=":", linewidth=1)
    return axes


def plot_stability(stability: pd.DataFrame):
    """Draw the stability of every segment within each k (segment level stability; Dolnicar & Leisch 2017)."""
    _, ax = plt.subplots(figsize=(PAGE * 0.8, 3.6))
    for segment, own in stability.groupby("segment"):
        ax.plot(own["k"], own["jaccard"], marker(segment), color=colour(segment), markersize=6)
    ax.axhline(STABLE, color=INK, linestyle=":", linewidth=1)
    ax.set(
        xlabel="number of segments k", ylabel="mean Jaccard coefficient", xticks=stability["k"].unique(), ylim=(0, 1.04)
    )
    return ax


def plot_flows(flows: pd.DataFrame, *, private: bool):
    """Draw how customers move when k grows, one row of segments a k (clustree, Zappia & Oshlack 2018).

    The paler a mark, the more mixed is its origin (`origins`); segments stand near the ones that they come from.
    """
    least = SMALLEST_GROUP if private else 1
    _, ax = plt.subplots(figsize=(PAGE, 5.2))
    total, places = flows.groupby("k")["customers"].sum().max(), _places(flows)
    for row in flows[flows["customers"] >= least].itertuples():
        ends = [places[row.k, row.segment], places[row.next_k, row.next_segment]]
        ax.plot(ends, [row.k, row.next_k], color=NEUTRAL, linewidth=0.5 + 16 * row.customers / total, alpha=0.45,
                solid_capstyle="butt", zorder=1)  # fmt: skip
    origin = origins(flows).set_index(["k", "segment"])["origin"]
    nodes = {(row.k, row.segment): row.size for row in flows.itertuples()}
    nodes |= {(row.next_k, row.next_segment): row.next_size for row in flows.itertuples()}
    for (k, segment), size in sorted(nodes.items()):
        shade = mpl.colors.to_rgb(colour(segment))
        pure = max(0.0, float(origin.get((k, segment), 1.0)))
        ax.plot(places[k, segment], k, marker(segment), color=[1 - (1 - c) * (0.25 + 0.75 * pure) for c in shade],
                markeredgecolor=shade, markersize=5 + 18 * (max(size, least) / total) ** 0.5, zorder=2)  # fmt: skip
        ax.text(places[k, segment], k, f"{size:,}" if size >= least else "", ha="center", va="center", fontsize=7,
                color="white" if pure > 0.5 else "black", zorder=3)  # fmt: skip
    ax.set(ylabel="number of segments k", yticks=sorted({k for k, _ in nodes}), xticks=[])
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


def plot_silhouettes(silhouettes: pd.DataFrame, *, private: bool):
    """Draw the silhouette of each customer, sorted within each segment (Rousseeuw 1987); means of ten when private."""
    _, ax = plt.subplots(figsize=(PAGE * 0.7, 4.2))
    start = 0
    for segment, own in silhouettes.groupby("segment"):
        values = np.sort(own["silhouette"])
        values = _means_of_ten(values) if private else values
        ax.fill_betweenx(start + np.arange(len(values)), 0, values, color=colour(segment), step="mid")
        ax.text(-0.02, start + len(values) / 2, f"{segment}", ha="right", va="center", fontweight="bold")
        start += len(values) + max(2, len(silhouettes) // 60)
    ax.axvline(silhouettes["silhouette"].mean(), color=CROSS, linestyle="--", linewidth=1.5, label="mean of all")
    ax.set(xlabel="silhouette", ylabel="customers, by segment", yticks=[])
    ax.legend(loc="lower right")
    return ax


def _means_of_ten(values: np.ndarray) -> np.ndarray:
    """Replace sorted values by the means of groups of ten, the last of them larger."""
    group = np.minimum(np.arange(len(values)) // SMALLEST_GROUP, max(len(values) // SMALLEST_GROUP - 1, 0))
    return (np.bincount(group, values) / np.bincount(group))[group]


def plot_segments(customers: Customers, centroids: pd.DataFrame, labels: dict[str, str], *, private: bool):
    """Draw two columns of the customers by segment, with the centroids as red crosses.

    The first two columns of `labels` (column to axis label) are drawn, a single one against itself.
    """
    _, ax = plt.subplots(figsize=(PAGE * 0.8, 5))
    x, y = (list(labels) * 2)[:2]
    _cloud(ax, customers, {name: labels[name] for name in (x, y)}, private, by="segment")
    ax.scatter(centroids[x], centroids[y], marker="x", s=110, linewidth=3, color=CROSS, label="centroid", zorder=3)
    for segment, centre in centroids.iterrows():
        ax.annotate(str(segment), (centre[x], centre[y]), (7, 7), textcoords="offset points", fontweight="bold")
    _show(ax, "x", labels[x])
    _show(ax, "y", labels[y])
    ax.legend(bbox_to_anchor=(1.01, 1), loc="upper left")
    return ax


def plot_by_segment(customers: Customers, name: str, label: str, *, private: bool):
    """Draw a box plot of a numeric column for each segment."""
    _, ax = plt.subplots(figsize=(PAGE * 0.7, 3.4))
    by = Grouping("segment")
    segments = customers.quantiles(name, [0.5], by)["customers"]
    shown = segments[segments >= (SMALLEST_GROUP if private else 1)].index
    _boxes(ax, customers, name, by, private, shades=[colour(segment) for segment in shown])
    ax.set(xlabel="segment")
    _show(ax, "y", label)
    return ax


def plot_centres(profiles: pd.DataFrame, labels: dict[str, str], means: pd.Series):
    """Draw the mean of each feature by segment as bars with its interval, the mean of all as a line."""
    axes = _panels(len(labels), height=3.0)
    for ax, (name, label) in zip(axes, labels.items(), strict=True):
        bars = ax.bar(profiles["segment"].astype(str), profiles[f"centre_{name}"],
                      yerr=_reach(profiles, f"centre_{name}"), error_kw=WHISKER,
                      color=[colour(segment) for segment in profiles["segment"]])  # fmt: skip
        ax.bar_label(bars, fmt=amount, padding=2)
        ax.axhline(means[name], color=INK, linestyle="--", linewidth=1)
        ax.set(xlabel="segment", ylabel=label)
    return axes


def _reach(profiles: pd.DataFrame, quantity: str) -> np.ndarray:
    """Return how far the interval of `quantity` reaches below and above it, of shape (2, n_segments)."""
    value = profiles[quantity]
    return np.array([value - profiles[f"{quantity}_low"], profiles[f"{quantity}_high"] - value]).clip(0)


def plot_index(profiles: pd.DataFrame, labels: dict[str, str]):
    """Draw the index of each feature (mean of all customers = 100) as a heat map."""
    grid = profiles.set_index("segment")[[f"index_{name}" for name in labels]].astype(float)
    grid.columns = list(labels.values())
    _, ax = plt.subplots(figsize=(PAGE * 0.7, 0.8 + 0.45 * len(grid)))
    sns.heatmap(grid, center=100, cmap="RdBu_r", annot=True, fmt=".0f", ax=ax, cbar=False)
    ax.set(xlabel="", ylabel="segment")
    ax.grid(False)
    return ax


def plot_sizes(profiles: pd.DataFrame):
    """Draw the segment sizes as bars with their intervals, and as a donut."""
    bar, donut = _panels(2, height=3.4)
    shades = [colour(segment) for segment in profiles["segment"]]
    bars = bar.barh("segment " + profiles["segment"].astype(str), profiles["size"], color=shades,
                    xerr=_reach(profiles, "share") * profiles["size"].sum(), error_kw=WHISKER)  # fmt: skip
    bar.bar_label(bars, fmt="{:,.0f}", padding=3)
    bar.invert_yaxis()
    bar.set(xlabel="customers")
    _, _, inside = donut.pie(profiles["share"], labels=profiles["segment"], colors=shades, pctdistance=0.8,
                             autopct=lambda share: percent(round(share / 100, 6)), startangle=90, counterclock=False,
                             textprops={"color": INK}, wedgeprops={"width": 0.42, "edgecolor": "white"})  # fmt: skip
    plt.setp(inside, color="white", fontweight="bold")
    return [bar, donut]


def plot_shares(shares: pd.DataFrame, label: str):
    """Draw how each segment divides among the categories of a descriptor, one row a segment, summing to 1."""
    _, ax = plt.subplots(figsize=(PAGE * 0.7, 0.9 + 0.4 * len(shares)))
    shares = shares.dropna(axis=1, how="all").fillna(0.0)
    left = np.zeros(len(shares))
    for i, name in enumerate(shares):
        bars = ax.barh([str(segment) for segment in shares.index], shares[name], left=left, label=str(name),
                       color=sns.color_palette("crest", max(2, shares.shape[1]))[i])  # fmt: skip
        ax.bar_label(bars, [f"{100 * v:.0f}%" if v >= 0.08 else "" for v in shares[name]], label_type="center",
                     color="white")  # fmt: skip
        left += shares[name].to_numpy()
    ax.invert_yaxis()
    ax.set(xlabel=f"share of the segment, by {label}", ylabel="segment", xlim=(0, 1))
    ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    ax.legend(bbox_to_anchor=(1.01, 1), loc="upper left")
    return ax


def plot_changed_shares(shares: pd.DataFrame):
    """Draw the share of each segment then (pale) and now as bars with their intervals, as `shares_table` returns it."""
    _, ax = plt.subplots(figsize=(PAGE * 0.8, 0.9 + 0.6 * len(shares)))
    for i, row in enumerate(shares.to_dict("records")):
        shade = colour(int(row["then"] if np.isnan(row["now"]) else row["now"]))
        for side, height, alpha in (("then", i - 0.19, 0.4), ("now", i + 0.19, 1)):
            if not np.isnan(row[side]):
                reach = [[row[f"share_{side}"] - row[f"low_{side}"]], [row[f"high_{side}"] - row[f"share_{side}"]]]
                ax.barh(height, row[f"share_{side}"], 0.34, color=shade, alpha=alpha)
                ax.errorbar(row[f"share_{side}"], height, xerr=np.clip(reach, 0, None), **WHISKER)
                told = f"{side} {percent(row[f'share_{side}'])}"
                ax.annotate(told, (row[f"high_{side}"], height), (6, 0), textcoords="offset points", va="center")
    ax.set(xlabel="share of the customers", yticks=range(len(shares)), xlim=(0, None))
    ax.set_yticklabels([textwrap.fill(name, 26) for name in shares["name"]])
    ax.margins(x=0.12)
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
    ax.invert_yaxis()
    return ax


def plot_moved_centres(moved: pd.DataFrame, labels: dict[str, str]):
    """Draw an arrow from the centre of each segment then to its centre now, in one or two features."""
    _, ax = plt.subplots(figsize=(PAGE * 0.7, 4.5))
    x, y = (list(labels) * 2)[:2]
    for row in moved.to_dict("records"):
        shade, ends = colour(row["now"]), [(row[f"{side}_{x}"], row[f"{side}_{y}"]) for side in ("then", "now")]
        ax.annotate("", ends[1], ends[0], arrowprops={"arrowstyle": "-", "color": shade, "linewidth": 2})
        ax.plot(*ends[0], marker(row["now"]), color=shade, fillstyle="none", markersize=9)
        ax.plot(*ends[1], marker(row["now"]), color=shade, markersize=9)
        ax.annotate(str(row["now"]), ends[1], (8, 6), textcoords="offset points", fontweight="bold")
    for name, fill in (("then", "none"), ("now", "full")):
        ax.plot([], [], "o", color=NEUTRAL, fillstyle=fill, linewidth=0, label=name)
    ax.margins(0.15)
    _show(ax, "x", labels[x])
    _show(ax, "y", labels[y])
    ax.legend(bbox_to_anchor=(1.01, 1), loc="upper left")
    return ax


def plot_moves(moves: pd.DataFrame, sizes: tuple[list[int], list[int]], names: tuple[str, str]):
    """Draw how customers went from the segments of one run (above) to those of another, as `public_moves` returns it.

    Parameters
    ----------
    sizes : how many of them each segment of both runs holds.
    names : what the two rows are called.
    """
    _, ax = plt.subplots(figsize=(PAGE, 3.6))
    total, places = moves["customers"].sum(), [(np.arange(len(own)) + 0.5) / len(own) for own in sizes]
    for row in moves.sort_values("customers").itertuples():
        ends = np.linspace(places[0][row.then - 1], places[1][row.now - 1], 2)
        bend = np.linspace(0, 1, 40)
        ax.plot(ends[0] + (ends[1] - ends[0]) * bend**2 * (3 - 2 * bend), bend, color=colour(row.then), alpha=0.5,
                linewidth=0.5 + 40 * row.customers / total, solid_capstyle="butt", zorder=1)  # fmt: skip
    for height, own in enumerate(sizes):
        for i, size in enumerate(own):
            ax.plot(places[height][i], height, marker(i + 1), color=colour(i + 1), zorder=2,
                    markersize=12 + 24 * (size / max(sum(own), 1)) ** 0.5)  # fmt: skip
            ax.text(places[height][i], height, f"{i + 1}", ha="center", va="center", color="white", fontsize=9)
    ax.set(yticks=[0, 1], xticks=[], xlim=(0, 1), ylim=(1.25, -0.25))
    ax.set_yticklabels(names)
    ax.spines[["bottom", "left"]].set_visible(False)
    ax.grid(False)
    return ax
