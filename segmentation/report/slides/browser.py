"""The slides for a browser: one page with reveal.js inside, which asks no network for anything."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from nbconvert.exporters import SlidesExporter
from nbformat.v4 import new_markdown_cell, new_notebook

from segmentation.core.files import write_text
from segmentation.report.display import inline
from segmentation.report.render import SegmentationHTMLExporter
from segmentation.report.slides import layout
from segmentation.report.slides.layout import Picture, Slide
from segmentation.runs.run import Run


class SegmentationSlidesExporter(SegmentationHTMLExporter, SlidesExporter):
    """Renders slides with the template of this project, a cell a slide."""

    export_from_notebook = "Segmentation slides"

    def __init__(self, **settings):
        own = {"template_file": "slides.html.j2", "reveal_transition": "none", "reveal_number": "c/t"}
        super().__init__(**own | settings)


@cache
def reveal(name: str) -> str:
    """Return a file of reveal.js, as pyreveal brings it."""
    found = find_spec("pyreveal")  # looked for and not imported: of the package only these files are used
    assert found
    assert found.submodule_search_locations
    place = Path(found.submodule_search_locations[0]) / "revealjs" / "dist" / name
    return place.read_text(encoding="utf-8").strip()


def write_page(study: Run, slides: list[Slide]) -> None:
    """Write slides.html."""
    pictures = [part for slide in slides for part in slide.parts if isinstance(part, Picture)]
    cells = [new_markdown_cell(slide.title, id=f"slide-{i}") for i, slide in enumerate(slides)]
    context = {
        "slides": slides,
        "sheet": (layout.SHEET_WIDE, layout.SHEET_HIGH),
        "reveal_js": reveal("reveal.js"),
        "reveal_css": reveal("reveal.css"),
        "pictures": {part.name: _drawn(study, part) for part in pictures},
        "metadata": {"name": slides[0].title},
        "dataset": study.dataset.title,
    }
    page, _ = SegmentationSlidesExporter().from_notebook_node(new_notebook(cells=cells), resources=context)
    write_text(study.report / "slides.html", page)


def _drawn(study: Run, part: Picture) -> str:
    """Return a figure as SVG, in the type and the ink of the page."""
    svg = (study.path("figures") / f"{part.name}.svg").read_text(encoding="utf-8")
    return inline(svg, part.label)
