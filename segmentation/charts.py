"""Interactive figures for the dashboard: tables in, Plotly figures out. Nothing here reads, counts or filters."""

import html
import textwrap

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from segmentation.dashboard import SegmentedCustomers, bend
from segmentation.decision import STABLE
from segmentation.marks import colour, glyph, solid, symbol
from segmentation.words import amount

NEUTRAL = "#5F7A99"  # on light and on dark paper
PALE = "rgba(127, 140, 155, 0.25)"
SOLID = {"showbackground": False, "gridcolor": "#9aa7b5", "linecolor": "#9aa7b5", "showline": True}
TICKS = 6
WIDEST = 24  # characters
ROOM = 64  # pixels beside the longest bar, for its number
LARGEST, SMALLEST, USUAL = 26, 6, 8  # pixels
EYE = {"x": 1.5, "y": -1.9, "z": 0.7}  # so near that the cube fills the frame, and no axis title is cut
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "itemsizing": "constant"}


def draw_shares(counts: pd.Series, names: dict[int, str]) -> go.Figure:
    """Draw the share of each segment as a ring around their number."""
    counts = counts[counts > 0]
    ring = go.Pie(
        values=counts.tolist(),
        labels=[_marked(segment, names) for segment in counts.index],
        marker={"colors": [colour(segment) for segment in counts.index]},
        hole=0.6,
        sort=False,
        direction="clockwise",
        textinfo="none",
        hovertemplate="%{label}: %{value:,} (%{percent})<extra></extra>",
    )
    total = {"text": f"<b>{counts.sum():,}</b><br>customers", "showarrow": False, "font": {"size": 16}}
    return _framed(go.Figure(ring), showlegend=False, annotations=[total], height=300)


def draw_sizes(counts: pd.Series, names: dict[int, str]) -> go.Figure:
    """Draw how many customers each segment has as bars, the first on top."""
    shares = counts / max(counts.sum(), 1)
    bars = go.Bar(
        x=counts.tolist(),
        y=[_marked(segment, names) for segment in counts.index],
        orientation="h",
        marker={"color": [colour(segment) for segment in counts.index]},
        text=[f"{n:,}<br>{share:.0%}" for n, share in zip(counts, shares, strict=True)],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:,}<extra></extra>",
    )
    figure = _framed(go.Figure(bars), height=300).update_layout(margin={"r": ROOM})
    return figure.update_xaxes(visible=False, range=[0, max(counts.max(), 1)]).update_yaxes(
        autorange="reversed", automargin=True, ticksuffix=" "
    )


def draw_scatter(marks: pd.DataFrame, columns: tuple[str, ...], customers: SegmentedCustomers) -> go.Figure:
    """Draw what `marks` returns for two or three columns, in the colour and shape of each segment."""
    flat = len(columns) == 2
    most, figure = max(marks["customers"].max(), 1) if len(marks) else 1, go.Figure()
    for segment, profile in customers.segments.items():
        own = marks[marks["segment"] == segment]
        sizes = SMALLEST + (LARGEST - SMALLEST) * np.sqrt(own["customers"] / most) if most > 1 else USUAL
        marker = {"color": colour(segment), "symbol": (symbol if flat else solid)(segment), "opacity": 0.8}
        marker |= {"size": sizes if flat else sizes * 0.6, "line": {"width": 0}}
        places = [bend(own[name], customers.logged(name)) for name in columns]
        draw = go.Scatter if flat else go.Scatter3d
        figure.add_trace(
            draw(
                **dict(zip("xyz", places, strict=False)),
                mode="markers",
                name=html.escape(profile["name"]),
                marker=marker,
                hovertext=own["told"],
                hoverinfo="text",
            )
        )
    axes = {
        f"{side}axis": _axis(name, customers) | ({} if flat else SOLID)
        for side, name in zip("xyz", columns, strict=False)
    }
    if flat:
        return _framed(figure, **axes, legend=LEGEND, showlegend=True, dragmode=False, height=520)
    scene = axes | {"aspectmode": "cube", "camera": {"eye": EYE, "center": {"z": -0.1}}}
    return _framed(figure, scene=scene, legend=LEGEND, showlegend=True, height=600)


def draw_evidence(table: pd.DataFrame) -> go.Figure:
    """Draw silhouette and stability for each number of segments, with the one that was chosen."""
    figure = go.Figure()
    for name, dash, shape in (("silhouette", "solid", "circle"), ("least stable", "dot", "square")):
        label = "mean silhouette" if name == "silhouette" else "stability of the least stable segment (Jaccard)"
        style = {"line": {"color": NEUTRAL, "dash": dash}, "marker": {"color": NEUTRAL, "symbol": shape, "size": 9}}
        hover = "k = %{x}: %{y:.2f}<extra></extra>"
        figure.add_scatter(x=table["k"], y=table[name], name=label, mode="lines+markers", hovertemplate=hover, **style)
    chosen = table.loc[table["chosen"], "k"].iloc[0]
    line = {"color": NEUTRAL, "width": 1, "dash": "dash"}
    figure.add_vrect(x0=chosen - 0.3, x1=chosen + 0.3, fillcolor=PALE, line_width=0, layer="below")
    figure.add_hline(y=STABLE, line=line, name=f"stable from {STABLE:g}", showlegend=True)
    ticks = [f"<b>{k}</b><br>chosen" if k == chosen else str(k) for k in table["k"]]
    figure.update_xaxes(title="number of segments k", tickvals=table["k"], ticktext=ticks, gridcolor=PALE)
    figure.update_yaxes(range=[0, 1.05], gridcolor=PALE)
    return _framed(figure, legend=LEGEND, dragmode=False, height=360)


def _marked(segment: int, names: dict[int, str]) -> str:
    """Return the mark and the name of a segment, in lines that leave room for the bars."""
    lines = textwrap.wrap(names[segment], WIDEST) or [""]
    return f"{glyph(segment)} {'<br>'.join(map(html.escape, lines))}"


def _axis(name: str, customers: SegmentedCustomers) -> dict:
    """Return title and ticks of a column; a logarithmic scale is drawn by bent numbers with ticks of our own."""
    axis = {"title": html.escape(customers.dataset.axis(name)), "gridcolor": PALE, "zeroline": False}
    if not customers.logged(name):
        return axis
    ticks = customers.edges(name, TICKS)
    return axis | {"tickvals": bend(ticks, True), "ticktext": [amount(tick) for tick in ticks]}


def _framed(figure: go.Figure, **layout) -> go.Figure:
    margin = {"l": 0, "r": 0, "t": 10, "b": 0}
    return figure.update_layout(margin=margin, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", **layout)
