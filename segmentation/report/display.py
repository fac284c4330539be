"""What a reader sees: sentences made from the data, figures and tables with captions."""

import html
import io
import re
from collections.abc import Iterable

import matplotlib.pyplot as plt
from IPython.display import HTML, Markdown, display
from matplotlib.ticker import PercentFormatter, ScalarFormatter
from pandas import NA
from pandas.api.types import is_float_dtype, is_integer_dtype, is_numeric_dtype

from segmentation.core.figures import INK, Numbers
from segmentation.core.files import replacing, write_text
from segmentation.language import tr
from segmentation.language.writing import NONE
from segmentation.language.writing import whole as in_full

PIXELS_PER_POINT = 4 / 3
WIDE = 10_000
DOTS_AN_INCH = 200  # of a picture


def say(*sentences: str) -> None:
    """Show Markdown sentences as one paragraph, or nothing; a dollar is a dollar, never mathematics."""
    told = " ".join(sentences).strip()
    if told:
        display(Markdown(told.replace("$", r"\$")))


def code(text: str, language: str) -> None:
    """Show code that a reader may copy."""
    display(Markdown(f"```{language}\n{text}```"))


def figure(run, name: str, drawn, caption: str, alt: str | None = None, *, png: bool = False) -> None:
    """Show a figure as inline SVG with its caption, and save it as figures/<name>.svg, as a picture in `png` too.

    Parameters
    ----------
    drawn : Axes, list of Axes or None
        A list is shown as panels, beside each other or, on a narrow page, below each other. Where there is nothing to
        draw, the caption says why, as a sentence, or nothing.
    alt : str, optional
        What the figure shows, for those who cannot see it; the caption when it is left out.
    """
    if drawn is None:
        say(caption)
        return
    panels = drawn if isinstance(drawn, list) else [drawn]
    whole = panels[0].get_figure(root=True)
    _write_out(whole)
    whole.get_layout_engine().execute(whole)
    whole.set_layout_engine("none")  # laid out once
    svg = _svg(whole, salt=name)
    write_text(run.path("figures") / f"{name}.svg", svg)
    if png:
        _take(whole, run.path("figures") / f"{name}.png")
    svgs = _apart(whole, panels, salt=name) if len(panels) > 1 else [svg]
    plt.close(whole)
    others = (tr("Panel {i} of {n}", i=in_full(i), n=in_full(len(svgs))) for i in range(2, len(svgs) + 1))
    pictures = [inline(svg, label) for svg, label in zip(svgs, [plain(alt or caption), *others], strict=True)]
    beside = "".join(f"<div>{picture}</div>" for picture in pictures)
    shown = f'<div class="beside">{beside}</div>' if len(pictures) > 1 else _scrolled(pictures[0])
    display(HTML(f'<figure id="{name}">{shown}<figcaption>{html.escape(plain(caption))}</figcaption></figure>'))


def _scrolled(picture: str) -> str:
    """Let a figure that is as wide as the text be moved on a phone, where its letters would else be too small."""
    return f'<div class="scrolled" tabindex="0" role="group" aria-label="{tr("Figure")}">{picture}</div>'


def figures(run, prefix: str, drawn: Iterable, captions: dict[str, str]) -> None:
    """Show several figures, each saved as figures/<prefix>-<name>.svg.

    Parameters
    ----------
    drawn : iterable of (name, Axes)
        One after the other, so that each is closed before the next is drawn.
    captions : dict
        By name.
    """
    for name, axes in drawn:
        figure(run, f"{prefix}-{name}", axes, captions[name])


def _write_out(whole) -> None:
    """Write the numbers of each axis as the reader's language does, large ones in full: 2,500,000, not 2.5 and 1e6."""
    for axis in (axis for panel in whole.axes for axis in (panel.xaxis, panel.yaxis)):
        shares = isinstance(axis.get_major_formatter(), PercentFormatter)
        if shares or isinstance(axis.get_major_formatter(), ScalarFormatter):
            axis.set_major_formatter(Numbers(shares=shares))
            if axis.axis_name == "x" and max(axis.get_view_interval()) >= WIDE:
                axis.get_major_locator().set_params(nbins=4)


def _take(whole, path) -> None:
    """Save a figure as a picture, for programs that show no SVG, on the paper on which it is legible."""
    with replacing(path) as beside:
        whole.savefig(
            beside, format="png", dpi=DOTS_AN_INCH, bbox_inches="tight", metadata={"Software": None}, transparent=False
        )


def _apart(whole, panels: list, salt: str) -> list[str]:
    """Return one SVG for each panel."""
    svgs = []
    for i, panel in enumerate(panels):
        for other in panels:
            other.set_visible(other is panel)
        part = panel.get_figure(root=False)
        svgs.append(_svg(whole, salt=f"{salt}-{i}", box=part.bbox.transformed(whole.dpi_scale_trans.inverted())))
    return svgs


def plain(text: str) -> str:
    """Turn a Markdown sentence into plain text."""
    return html.unescape(re.sub(r"\\(.)", r"\1", text.replace("**", "")))


def _svg(whole, salt: str, box=None) -> str:
    buffer = io.StringIO()
    with plt.rc_context({"svg.hashsalt": salt}):
        whole.savefig(buffer, format="svg", bbox_inches=box, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def inline(svg: str, label: str) -> str:
    """Prepare an SVG for the page: its label, the font and ink of the page, its size as a limit, nothing needless."""
    svg = svg[svg.index("<svg ") :]
    width = float(re.findall(r' width="([\d.]+)pt"', svg)[0]) * PIXELS_PER_POINT
    svg = re.sub(r' (?:width|height)="[\d.]+pt"', "", svg, count=2)
    for needless in (
        r"<metadata>.*?</metadata>",
        r"<defs>\s*<style.*?</style>\s*</defs>",
        r' id="(?:figure|axes|patch|line2d|text|matplotlib\.axis|xtick|ytick|legend|\w+Collection|QuadMesh)_\d+"',
        r"font-family: [^;]*; ",
        r' transform="rotate\(-?0 [^"]*"',
        r' xmlns:xlink="[^"]*"',
        r"xlink:(?=href)",
        r'<path d="[^"]*" style="fill: none"\s*/>',  # is not seen
    ):
        svg = re.sub(needless, "", svg, flags=re.S)
    svg = svg.replace(' id="name"', ' class="name"')
    # A hundredth of a point is finer than any screen, and a tenth finer than any line.
    svg = re.sub(r' d="[^"]*"', lambda m: re.sub(r"(\.\d)\d+", r"\1", m[0]).replace(".0 ", " "), svg)
    svg = re.sub(r' (?:d|x|y|points|transform)="[^"]*"', lambda m: re.sub(r"(\.\d\d)\d+", r"\1", m[0]), svg)
    svg = re.sub(r' style="[^"]*"', lambda m: re.sub(r"([;:]) ", r"\1", m[0]), svg)
    svg = re.sub(r"\n\s*", "\n", svg)
    opening = f'<svg role="img" aria-label="{html.escape(label)}" style="max-width: {width:.0f}px" '
    return opening + svg.removeprefix("<svg ").replace(INK, "currentColor")


def table(frame, caption: str, formats: dict | None = None) -> None:
    """Show a frame as a table with its caption, a named index as its first column; everything in it is escaped.

    Parameters
    ----------
    frame : DataFrame or None
        Of None, or of one without rows, nothing is shown.
    formats : dict, optional
        Column -> format string, or function from value to text; under `float` that of all other columns of decimals.
    """
    if frame is None or frame.empty:
        return
    whole = frame.reset_index(allow_duplicates=True) if frame.index.name else frame
    forms = [_form(name, whole.iloc[:, i], formats or {}) for i, name in enumerate(whole)]
    columns = [_column(name, whole.iloc[:, i], forms[i]) for i, name in enumerate(whole)]
    heads = "".join(f'<th scope="col"{kind}>{label}</th>' for kind, label, _ in columns)
    rows = zip(*[[f"<td{kind}>{html.escape(cell)}</td>" for cell in cells] for kind, _, cells in columns], strict=True)
    lines = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    title = html.escape(plain(caption))
    display(
        HTML(
            f'<div class="table" tabindex="0" role="region" aria-label="{title}"><table><caption>{title}</caption>\n'
            f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{lines}\n</tbody></table></div>"
        )
    )


def _form(name, values, formats: dict):
    """Return how a column is written."""
    others = formats.get(float) if is_float_dtype(values) else None
    return formats.get(name) or others or ("{:,}" if is_integer_dtype(values) else "{}")


def _column(name, values, form) -> tuple[str, str, list[str]]:
    """Return the class of a column, its label and its cells as text."""
    cells = [NONE if value is NA else form(value) if callable(form) else form.format(value) for value in values]
    number = is_numeric_dtype(values) or callable(form)
    return ' class="number"' if number else "", html.escape(str(name).replace("_", " ")), cells
