"""The customers of a finished run behind the dashboard, filtered and counted, and its interactive figures."""

import html
from functools import cached_property

import ibis
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from segmentation.core import files
from segmentation.core.engine import ENGINE, held, md5
from segmentation.core.figures import NEUTRAL, colour, glyph, symbol
from segmentation.core.files import as_csv
from segmentation.core.privacy import SMALLEST_GROUP
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import GRID_BINS, along, are_items, bend
from segmentation.evidence.decision import STABLE
from segmentation.language import tr, trn
from segmentation.language.writing import amount, decimal, labelled, parted, shares, whole
from segmentation.methods.trim import forming
from segmentation.report.explore import border, opening
from segmentation.report.groups import Grouped, edges, group, steps
from segmentation.report.listing import passes
from segmentation.report.serve import require_described
from segmentation.runs.artifacts import Selection
from segmentation.runs.run import Run
from segmentation.runs.worth import Worth
from segmentation.segments.assign import open_segmented
from segmentation.segments.fit import scale_ends
from segmentation.worth.selected import Selected, of_groups, of_rows, of_segments

MOST_MARKS = 2_000  # a browser draws them at once
MOST_STEPS = 100
MARGIN = 0.18  # of a cell: how far the marks of its segments stand from its middle
PALE = "rgba(127, 140, 155, 0.25)"
SOLID = {"showbackground": False, "gridcolor": "#9aa7b5", "linecolor": "#9aa7b5", "showline": True}
TICKS = 6
LARGEST, SMALLEST, USUAL = 26, 6, 8  # pixels
EYE = {"x": 1.5, "y": -1.9, "z": 0.7}  # so near that the cube fills the frame, and no axis title is cut
NO_PAPER = dict.fromkeys(("paper_bgcolor", "plot_bgcolor", "modebar_bgcolor"), "rgba(0,0,0,0)")
FRAME = NO_PAPER | {"margin": {"l": 0, "r": 0, "t": 10, "b": 0}, "modebar_color": NEUTRAL}
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "itemsizing": "constant"}


def finished_runs() -> list[str]:
    """Return the names of the runs that have been made."""
    return sorted(path.parent.name for path in (files.ROOT / "assets").glob("*/manifest.json"))


class SegmentedCustomers:
    """The customers of a finished run with their segments, which several sessions may share.

    Filters are a dict of column -> (from, to) for numbers, or -> the values to be kept, None for what is not known.
    Where rows are private, no row comes out, and filtered customers are counted in whole groups (`report.groups`).

    numbers : dict
        Column -> the values, ascending, between which it can be filtered, each with its label; no two labels are alike.
    categories : dict
        Column -> its values, each with its label, None among them where some customers have none.

    Raises
    ------
    DataError
        When dataset.yaml describes other columns than those that the run wrote.
    """

    def __init__(self, study: Run):
        self.study, self.run, self.dataset = study, study.name, study.dataset
        profiles = study.read("profiles.json")
        self.segments = {profile.segment: profile for profile in profiles.segments}
        self.main_worth: Worth | None = profiles.worth[0] if profiles.worth else None
        self.total = sum(profile.size for profile in self.segments.values())
        columns = self.dataset.named("feature", "descriptor")
        with ENGINE:
            everyone = open_segmented(study)
            require_described(everyone, self.run)
            self.private = everyone.private
            self._everyone, self._grouped = everyone, group(everyone) if self.private else None
            limits = everyone.limits([name for name in columns if self.dataset.columns[name].numeric])
            numbers = limits.index[everyone.filled(limits.index) >= everyone.least]
            self.numbers = {name: self._steps(name) for name in numbers}
            levels = {name: self._levels(name) for name in columns if not self.dataset.columns[name].numeric}
        self.categories = {name: found for name, found in levels.items() if set(found) - {None}}

    @cached_property
    def opening(self) -> list[str]:
        """Which columns are drawn first."""
        with ENGINE:
            return opening(self._near, self.study.read("model.json"), list(self.numbers))

    @cached_property
    def border(self) -> float:
        """Below which margin a customer is near a border."""
        with ENGINE:
            return border(self._near, self.study.read("model.json"))

    @cached_property
    def _near(self) -> Customers:
        """Who form the segments."""
        return forming(self._everyone, self.study.read("model.json").names)

    def edges(self, name: str, most: int) -> np.ndarray:
        """Return edges of about `most` bands of a column on the scale on which it is shown."""
        return edges(self._everyone, name, most)

    def logged(self, name: str) -> bool:
        """Return whether a column is shown on a logarithmic scale."""
        return self.dataset.axis(name).logged

    def _steps(self, name: str) -> dict[float, str]:
        column = self.dataset.columns[name]
        found = steps(self._everyone, name, GRID_BINS if self.private else MOST_STEPS)
        if column.type in ("ordinal", "yes/no"):
            return dict(zip(found, column.levels or ("no", "yes"), strict=True))
        # Not as `amount` has them: rounded, two could look alike, and a slider gives back what it shows.
        return {step: self.dataset.as_told(name, step, f"{step:,}".removesuffix(".0")) for step in found}

    def _levels(self, name: str) -> dict[str | None, str]:
        counts, least = self._everyone.counts(name), self._everyone.least
        levels = [level for level, n in counts.items() if n >= least]
        levels += [None] if self._everyone.number - counts.sum() >= least else []
        none = tr("not known")
        while none in levels:
            none = f"({none})"
        return {level: none if level is None else level for level in levels}

    def _passing(self, filters: dict) -> Customers:
        """Return the customers that pass the filters; where rows are private, the groups that stand for them."""
        of = self._grouped.groups if self._grouped else self._everyone
        return of.filtered(passes(of.table, filters)) if filters else of

    def counts(self, filters: dict) -> pd.Series:
        """Return how many customers of each segment pass the filters."""
        if self.private and not self.about(filters):
            kept = filters.get("segment", self.segments)
            return pd.Series({number: profile.size * (number in kept) for number, profile in self.segments.items()})
        with ENGINE:
            counts = self._passing(filters).counts("segment").reindex(list(self.segments), fill_value=0)
        return self._grouped.customers(counts) if self._grouped else counts

    def worth(self, filters: dict) -> Selected | None:
        """Return what those who pass the filters are worth by the main value; None without one, or of nobody.

        Where rows are private it follows from the means of whole groups, of whole segments from what the report says.
        """
        worth, counts = self.main_worth, self.counts(filters)
        if worth is None or worth.column not in self.numbers or not counts.sum():
            return None
        if not set(filters) - {"segment"}:
            sizes = {segment: int(n) for segment, n in counts.items() if n}
            return of_segments(worth, sizes, len(self.segments), private=self.private)
        with ENGINE:
            if self._grouped:
                return of_groups(worth, self._passing(filters).table, self._grouped.each, self._grouped.groups.table)
            return of_rows(worth, self._passing(filters).table)

    @property
    def each(self) -> list[int]:
        """How many customers the groups of a segment stand for, the fewest first."""
        return sorted(set(self._grouped.each.astype(int))) if self._grouped else [1]

    def about(self, filters: dict) -> bool:
        """Return whether what passes the filters is counted in groups: exact are only whole segments."""
        return self.private and bool(set(filters) - {"segment"})

    def marks(self, filters: dict, columns: tuple[str, ...]) -> pd.DataFrame:
        """Return what a scatter of two or three columns shows of the customers that pass the filters.

        Returns
        -------
        DataFrame
            segment, the columns, customers and told: one row a customer, of at most 2,000; where rows are private one
            for the groups of a segment in a cell of a grid.
        """
        if self._grouped:
            return self._cells(filters, columns, self._grouped)
        return (self._answers if are_items(self.dataset, columns) else self._points)(filters, columns)

    def _answers(self, filters: dict, columns: tuple[str, ...]) -> pd.DataFrame:
        """Return one mark for the customers of a segment who give the same answers, beside those of the others."""
        with ENGINE:
            table = self._passing(filters).table
            known = table.filter(ibis.and_(*(table[name].notnull() for name in columns)))
            by = ["segment", *columns]
            found = known.group_by(by).agg(customers=known.count()).order_by(by).to_pandas()
        found["told"] = [self._describe_answers(row, columns) for row in found.to_dict("records")]
        turn = 2 * np.pi * found["segment"] / len(self.segments)
        for name, off in zip(columns, (np.cos(turn), np.sin(turn), 0 * turn), strict=False):
            found[name] = found[name] + MARGIN * off
        return found

    def _describe_answers(self, row: dict, columns: tuple[str, ...]) -> str:
        told = (f"{self.dataset.label(name)} {self.tell(name, row[name])}" for name in columns)
        name, many = self.segments[row["segment"]].name, trn("{n} customer", "{n} customers", row["customers"])
        return "<br>".join(map(html.escape, [name, many, *told]))

    def _points(self, filters: dict, columns: tuple[str, ...]) -> pd.DataFrame:
        with ENGINE:
            points = self._drawn(held(self._everyone.sample), filters, columns) if self._everyone.sampled else None
            if points is None or len(points) < MOST_MARKS:
                points = self._drawn(self._everyone.table, filters, columns)
        told = [self._describe(row) for row in points.to_dict("records")]
        return points[["segment", *columns]].assign(customers=1, told=told)

    def _drawn(self, table: ibis.Table, filters: dict, columns: tuple[str, ...]) -> pd.DataFrame:
        """Return the customers to draw of those who pass the filters: of many those with the smallest hashes of ids."""
        known = [table[name].notnull() for name in columns] + ([passes(table, filters)] if filters else [])
        some = table.filter(ibis.and_(*known))
        return some.order_by(md5(some["id"])).limit(MOST_MARKS).to_pandas()

    def _describe(self, customer: dict) -> str:
        """Return what is known of a customer besides the id."""
        known = [name for name in (*self.numbers, *self.categories) if not pd.isna(customer[name])]
        parts = (f"{self.dataset.label(name)} {self.tell(name, customer[name])}" for name in known)
        return "<br>".join(map(html.escape, [self.segments[customer["segment"]].name, *parts]))

    def tell(self, name: str, value) -> str:
        """Return a value of a column as a reader wants it."""
        return self.dataset.one(name, value)

    def _cells(self, filters: dict, columns: tuple[str, ...], grouped: Grouped) -> pd.DataFrame:
        edges = {name: self._bands(name) for name in columns}
        with ENGINE:
            grids = self._passing(filters).grids(columns, tuple(edges.values()), "segment")
        rows = [
            (segment, *place, n)
            for segment, grid in sorted(grids.items())
            for place, n in zip(np.argwhere(grid), grouped.customers(grid[grid > 0], segment), strict=True)
        ]
        cells = pd.DataFrame(rows, columns=["segment", *columns, "customers"], dtype=int)
        cells["told"] = [self._describe_cell(cell, edges) for cell in cells.to_dict("records")]
        turn = 2 * np.pi * cells["segment"] / len(self.segments)
        for name, off in zip(columns, (np.cos(turn), np.sin(turn), 0 * turn), strict=False):
            low, high = (edges[name][cells[name] + side] for side in (0, 1))
            cells[name] = along(low, high, 0.5 + MARGIN * off, logged=self.logged(name))
        return cells

    def _bands(self, name: str) -> np.ndarray:
        """Return the edges between which groups are drawn: of amounts those between which they are filtered."""
        if self.dataset.columns[name].type == "number" and len(self.numbers[name]) > 1:
            return np.array(list(self.numbers[name]))
        return self.edges(name, GRID_BINS)

    def _describe_cell(self, cell: dict, edges: dict) -> str:
        bands = {name: ends[cell[name] : cell[name] + 2] for name, ends in edges.items()}
        ranges = (f"{self.dataset.label(name)} {self._tell_band(name, *band)}" for name, band in bands.items())
        name, n = self.segments[cell["segment"]].name, cell["customers"]
        many = trn("about {n} customer", "about {n} customers", n, n=whole(n))
        return "<br>".join(map(html.escape, [name, many, *ranges]))

    def _tell_band(self, name: str, low: float, high: float) -> str:
        column = self.dataset.columns[name]
        if column.type == "ordinal":
            levels = column.levels[int(low + 0.5) - 1 : int(high)]
            return _spanned(levels[0], levels[-1])
        if column.type == "yes/no":
            return self.tell(name, min(low, 1))
        if column.type == "rating":  # the next band begins where this one ends
            least, most = scale_ends(self.dataset, name)
            points = np.arange(max(np.ceil(low), least), min(np.ceil(high), most + 1))
            return _spanned(*(amount(point) for point in points[[0, -1]]))
        return _spanned(self.dataset.amount(name, low), self.dataset.measured(name, high))

    def summary_csv(self, filters: dict) -> bytes:
        """Return as CSV how many customers of each segment pass the filters, and what they are worth on average."""
        found = {s: self.worth(filters | {"segment": [s]}) for s in filters.get("segment", self.segments)}
        listed = pd.DataFrame({"segment": list(found), "name": [self.segments[s].name for s in found]})
        listed["customers"] = self.counts(filters).reindex(list(found)).tolist()
        if worth := self.main_worth:
            listed[f"mean_{worth.column}"] = [one and one.mean for one in found.values()]
        return as_csv(listed).encode()


def _spanned(low: str, high: str) -> str:
    return low if low == high else tr("{low} to {high}", low=low, high=high)


def size_table(customers: SegmentedCustomers, counts: pd.Series, filters: dict) -> list[dict]:
    """Return how the counts of the segments divide, as bars show it, each so `long`, in percent of the longest.

    Of what is counted in groups no percentage is told: that of the customers may be another.
    """
    exact = [tr("{n} ({share})", n=whole(n), share=share) for n, share in zip(counts, shares(counts), strict=True)]
    in_groups = [tr("about {n}", n=whole(n)) if n else tr("no group") for n in counts]
    told = dict(zip(counts.index, in_groups if customers.about(filters) else exact, strict=True))
    return [
        {
            "name": profile.name,
            "colour": colour(segment),
            "glyph": glyph(segment),
            "told": told[segment],
            "long": round(100 * counts[segment] / max(counts.max(), 1), 1),
        }
        for segment, profile in customers.segments.items()
    ]


def tell_shown(customers: SegmentedCustomers, counts: pd.Series, filters: dict) -> str:
    """Say how many customers pass the filters, and of which segments."""
    each = parted(f"{customers.segments[s].name} {whole(n)}" for s, n in counts.items() if n)
    told = {"shown": whole(counts.sum()), "all": whole(customers.total), "parts": each}
    if not each and customers.about(filters):
        return trn(
            "No group of {n} customer or more alike passes.", "No group of {n} or more customers alike passes.",
            SMALLEST_GROUP, n=whole(SMALLEST_GROUP),
        )  # fmt: skip
    if not each:
        return tr("{shown} of {all} customers shown.", **told)
    if customers.about(filters):
        return tr("About {shown} of {all} customers shown: {parts}.", **told)
    return tr("{shown} of {all} customers shown: {parts}.", **told)


def evidence_table(selection: Selection) -> pd.DataFrame:
    """Return what speaks for each number of segments: one row a k, from 2."""
    rows = [
        {
            "k": k,
            "silhouette": row.silhouette,
            "least stable": row.weakest,
            "needed": row.null_limit,
            "stable": k in selection.stable,
            "chosen": k == selection.k,
        }
        for k, row in selection.judged.items()
    ]
    return pd.DataFrame(rows)


def draw_scatter(marks: pd.DataFrame, columns: tuple[str, ...], customers: SegmentedCustomers) -> go.Figure:
    """Draw what `marks` returns for two or three columns, in the colour and shape of each segment."""
    flat = len(columns) == 2
    most, figure = max(marks["customers"].max(), 1) if len(marks) else 1, go.Figure()
    for segment, profile in customers.segments.items():
        own = marks[marks["segment"] == segment]
        sizes = SMALLEST + (LARGEST - SMALLEST) * np.sqrt(own["customers"] / most) if most > 1 else USUAL
        look = _flat_marks(segment, sizes) if flat else _solid_marks(segment, sizes, len(own))
        places = dict(zip("xyz", (bend(own[name], customers.logged(name)) for name in columns), strict=False))
        draw, name = (go.Scatter if flat else go.Scatter3d), html.escape(profile.name)
        figure.add_trace(draw(**places, **look, name=name, hovertext=own["told"], hoverinfo="text"))
    axes = {
        f"{side}axis": _axis(name, customers) | ({} if flat else SOLID)
        for side, name in zip("xyz", columns, strict=False)
    }
    if flat:
        return _framed(figure, **axes, legend=LEGEND, showlegend=True, dragmode=False, height=520)
    scene = axes | {"aspectmode": "cube", "camera": {"eye": EYE, "center": {"z": -0.1}}}
    return _framed(figure, scene=scene, showlegend=False, height=600)  # the bars above have name, colour and shape


def _flat_marks(segment: int, sizes) -> dict:
    marker = {"color": colour(segment), "symbol": symbol(segment), "opacity": 0.8, "size": sizes, "line": {"width": 0}}
    return {"mode": "markers", "marker": marker}


def _solid_marks(segment: int, sizes, n: int) -> dict:
    # In three dimensions Plotly has few shapes: a mark is the character that stands on the card.
    return {"mode": "text", "text": [glyph(segment)] * n, "textfont": {"color": colour(segment), "size": sizes}}


def draw_evidence(table: pd.DataFrame) -> go.Figure:
    """Draw silhouette and stability for each number of segments, with the one that was chosen."""
    figure = go.Figure()
    labels = tr("mean silhouette"), tr("stability of the least stable segment (Jaccard)")
    looks = zip(("silhouette", "least stable"), labels, ("solid", "dot"), ("circle", "square"), strict=True)
    for name, label, dash, shape in looks:
        style = {"line": {"color": NEUTRAL, "dash": dash}, "marker": {"color": NEUTRAL, "symbol": shape, "size": 9}}
        told = [labelled(f"k = {k}", decimal(value)) for k, value in zip(table["k"], table[name], strict=True)]
        drawn = {"name": label, "mode": "lines+markers", "hovertext": told, "hoverinfo": "text"}
        figure.add_scatter(x=table["k"], y=table[name], **drawn, **style)
    line = {"color": NEUTRAL, "width": 1, "dash": "dash"}
    for chosen in table.loc[table["chosen"], "k"]:
        figure.add_vrect(x0=chosen - 0.3, x1=chosen + 0.3, fillcolor=PALE, line_width=0, layer="below")
    figure.add_hline(y=STABLE, line=line, name=tr("stable from {limit}", limit=amount(STABLE)), showlegend=True)
    ticks = [f"<b>{row.k}</b><br>{tr('chosen')}" if row.chosen else str(row.k) for row in table.itertuples()]
    figure.update_xaxes(title=tr("number of segments k"), tickvals=table["k"], ticktext=ticks, gridcolor=PALE)
    figure.update_yaxes(range=[0, 1.05], gridcolor=PALE)
    return _framed(figure, legend=LEGEND, dragmode=False, height=360)


def _axis(name: str, customers: SegmentedCustomers) -> dict:
    """Return title and ticks of a column; a logarithmic scale is drawn by bent numbers with ticks of our own."""
    axis = {"title": html.escape(customers.dataset.axis(name)), "gridcolor": PALE, "zeroline": False}
    if not customers.logged(name):
        return axis
    ticks = customers.edges(name, TICKS)
    return axis | {"tickvals": bend(ticks, True), "ticktext": [amount(tick) for tick in ticks]}


def _framed(figure: go.Figure, **layout) -> go.Figure:
    return figure.update_layout(**FRAME, **layout)
