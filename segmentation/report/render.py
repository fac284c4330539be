"""The report: the five executed notebooks as one page that needs nothing else, and its PDF."""

import base64
import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, count
from pathlib import Path

import nbformat
from nbconvert.exporters import HTMLExporter

from segmentation.core import files
from segmentation.core.errors import AT_HOME, SegmentationError, as_option, cause
from segmentation.core.files import replacing, write_text
from segmentation.language import spoken, tr
from segmentation.language.pages import IN_TEMPLATES, tell_prose
from segmentation.report import tell
from segmentation.report.display import plain
from segmentation.runs.records import Printed
from segmentation.runs.run import Run
from segmentation.runs.stages import OF_PAGE, PDF, STAGES

SYSTEM_LIBRARIES = (
    "report.pdf needs the Pango library, which is not installed; report.html is complete. Install it with: "
    "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 (Debian), brew install pango (macOS), "
    "conda install -c conda-forge pango (conda), or MSYS2's mingw-w64-x86_64-pango (Windows)"
)
SENTENCE = re.compile(r"(?s).*?[^\W\d]{3}[)”»\"]*[.!?](?=\s|$)|.*")  # the first one: no dot behind "z. B." or k = 5
BIDI_CONTROLS = "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
OF_MAP = "04-original"  # the figure that stands under the cards
BODY = "<!-- the chapters -->"
_ahead: dict[str, dict] = {}  # what was told ahead, each for the one page in which its words are linked


class SegmentationHTMLExporter(HTMLExporter):
    """Renders notebooks with the template of this project: code folded, no request to any network."""

    export_from_notebook = "Segmentation report"

    def __init__(self, **settings):
        own = {
            "template_name": "template",
            "extra_template_basedirs": [str(files.SHIPPED / "report")],
            "exclude_anchor_links": True,
        }
        super().__init__(**own | settings)
        self.environment.globals |= IN_TEMPLATES

    def default_filters(self):
        """Get the filters of nbconvert, and our own."""
        yield from super().default_filters()
        yield "two_levels_down", two_levels_down
        yield "csp_hash", csp_hash
        yield "b64", lambda text: base64.b64encode(text.encode()).decode()

    def from_notebook_node(self, nb, resources=None, **kw):
        """Render the page, number its figures and tables, and leave out what would turn the direction of the text."""
        page, resources = super().from_notebook_node(nb, resources, **kw)
        return number_captions(_tidy(page)), resources

    def part(self, nb, resources: dict) -> str:
        """Render a part of a page, whose figures and tables have no numbers yet."""
        return _tidy(super().from_notebook_node(nb, resources)[0])


class SegmentationPDFExporter(SegmentationHTMLExporter):
    """Prints the same page to PDF, without a browser."""

    export_from_notebook = "Segmentation report as PDF"

    def _file_extension_default(self):
        return ".pdf"

    def _template_extension_default(self):
        return ".html.j2"

    def from_notebook_node(self, nb, resources=None, **kw):
        """Render the page and print it."""
        page, resources = super().from_notebook_node(nb, resources, **kw)
        return print_page(page), resources


def _tidy(page: str) -> str:
    """Leave out what turns the direction of text; of empty elements of drawings the ends that nbconvert gives each."""
    short = r'"></(?:path|use|rect|line)>'
    page = re.sub(BIDI_CONTROLS, "", page)
    return re.sub(r"<figure\b.*?</figure>", lambda m: re.sub(short, '"/>', m[0]), page, flags=re.S)


def two_levels_down(html: str) -> str:
    """Move headings two levels down, below those of page and chapter, and leave out their ids, which repeat."""
    return re.sub(r"<(/?)h([1-4])\b[^>]*>", lambda m: f"<{m[1]}h{int(m[2]) + 2}>", html)


def csp_hash(script: str) -> str:
    """Return what lets a content security policy allow exactly this script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def number_captions(page: str) -> str:
    """Number the figures and the tables of a page, and name a figure by its number where a link leads to it."""
    figures = {name: i for i, name in enumerate(re.findall(r'<figure id="([^"]+)"', page), start=1)}
    tables = count(1)
    page = re.sub(r"<caption>", lambda m: f"{m[0]}<b>{tr('Table {number}.', number=next(tables))}</b> ", page)
    head, *rest = page.split('<figure id="')
    told = (f"<figcaption><b>{tr('Figure {number}.', number=i)}</b> " for i in count(1))
    page = '<figure id="'.join([head, *(part.replace("<figcaption>", next(told), 1) for part in rest)])
    return re.sub(
        r'<a href="#([^"]+)">[^<]*</a>',
        lambda m: f'<a href="#{m[1]}">{tr("Figure {number}", number=figures[m[1]])}</a>' if m[1] in figures else m[0],
        page,
    )


def write_report(study: Run, executed: list[Path], parameters: list[dict]) -> None:
    """Write report.html from the executed notebooks and the artifacts; older PDF and slides are put aside.

    Parameters
    ----------
    parameters : list of dict
        name, value and set_by of each, as a reader may see them.
    """
    chapters = [rendered(path) for path in executed]
    scatter = next((chapter.scatter for chapter in chapters if chapter.scatter), None)
    told = _ahead.pop(_named(study, parameters), None) or tell.around(study, parameters)
    context = {**told, "chapters": [chapter.told for chapter in chapters], "scatter": scatter}
    around = {"metadata": {"name": context["title"]}, "report": context}
    before, _, after = _exporter(_look()).part(nbformat.v4.new_notebook(), around).partition(BODY)
    page = before + "\n".join(chapter.page for chapter in chapters) + after
    write_text(study.report / "report.html", number_captions(page))
    for path in [study.report / name for name in chain(*OF_PAGE.values())]:
        if path.is_file():
            path.replace(older(path))


def older(path: Path) -> Path:
    """Return where what is older than report.html lies: beside it nobody should take it for the same report."""
    return path.with_name(f".{path.name}")


@dataclass(frozen=True)
class Chapter:
    """A chapter of the page: where it stands, its title and its answer; its part of the page; what stands elsewhere."""

    told: dict[str, str]
    page: str
    scatter: str | None


def prepare(executed: list[Path]) -> None:
    """Render chapters ahead; whatever is wrong with one, the page will tell."""
    for path in executed:
        with suppress(Exception):
            rendered(path)


def prepare_around(study: Run, parameters: list[dict]) -> None:
    """Tell ahead what stands around the chapters, once the artifacts are written."""
    with suppress(Exception):  # as above
        _ahead[_named(study, parameters)] = tell.around(study, parameters)


def _named(study: Run, parameters: list[dict]) -> str:
    """Return what tells a page from others, and from itself with artifacts that were written again."""
    states = [(path.name, path.stat().st_mtime_ns) for path in sorted(study.folder.iterdir()) if path.is_file()]
    return repr((study.name, spoken(), parameters, states))


def rendered(executed: Path) -> Chapter:
    """Return the chapter that an executed notebook is, rendered once for what it says."""
    return _rendered(executed.read_text(encoding="utf-8"), spoken(), _look())


@lru_cache(len(STAGES))
def _rendered(executed: str, language: str, look: tuple) -> Chapter:
    notebook = _told_notebook(executed)
    told = _chapter(notebook)
    merged = merge([notebook])
    scatter = lift(merged, OF_MAP)
    page = _exporter(look).part(merged, {"metadata": {"name": told["title"]}, "chapter": told})
    return Chapter(told, page, scatter)


def _look() -> tuple:
    """Return what tells the template from what it was before."""
    return tuple((path, path.stat().st_mtime_ns) for path in sorted((files.SHIPPED / "report" / "template").iterdir()))


@lru_cache(1)
def _exporter(look: tuple) -> SegmentationHTMLExporter:
    """Return what renders, which compiles the template once."""
    return SegmentationHTMLExporter()


def _chapter(notebook) -> dict[str, str]:
    """Take the heading of a notebook out of its first cell, and return where it stands, and what its answer is."""
    shown = [cell for cell in notebook.cells if not _is_hidden(cell)]
    title, _, rest = shown[0].source.partition("\n")
    shown[0].source = rest.lstrip()
    last = max(i for i, cell in enumerate(shown) if cell.cell_type == "markdown")
    texts = [output.get("data", {}).get("text/markdown") for cell in shown[last:] for output in cell.get("outputs", [])]
    answer = SENTENCE.findall(plain(next(filter(None, texts), "")))[0].strip()
    return {"anchor": shown[0]["id"], "title": title.removeprefix("# "), "answer": answer}


def write_comparison(executed: Path, page: Path, runs: str) -> str:
    """Write a page of the executed notebook that compares `runs`, under the answer that it gives, and return that."""
    merged = merge([read_told(executed)])
    heading = _lift_heading(merged)
    title = plain(heading.removeprefix("# "))
    _, newline, rest = merged.cells[0].source.partition("\n")
    merged.cells[0].source = heading + newline + rest
    resources = {"metadata": {"name": f"{title} · {runs}"}}
    write_text(page, SegmentationHTMLExporter().from_notebook_node(merged, resources=resources)[0])
    return title


def _lift_heading(notebook) -> str:
    """Take the heading that a notebook made from the data out of its cell, to stand above all."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = output.get("data", {}).get("text/markdown", "")
            if text.startswith("# "):
                cell.outputs.remove(output)
                return text
    raise ValueError("no cell shows a heading")


def write_pdf(study: Run, printed: Printed) -> None:
    """Print report.html to report.pdf, with the chapters if it is to be full; an older one is gone then in any case."""
    page = (study.report / "report.html").read_text(encoding="utf-8")
    printed_to = study.report / PDF
    try:
        with replacing(printed_to) as beside:
            beside.write_bytes(print_page(in_full(page) if printed == "full" else first_part(page)))
    except SegmentationError as fault:
        before = ". The report.pdf of before is removed" if older(printed_to).is_file() else ""
        raise SegmentationError(f"{fault}{before}") from fault
    finally:
        older(printed_to).unlink(missing_ok=True)


def first_part(page: str) -> str:
    """Return a page without its chapters, which are not printed and would take most of the time."""
    without = re.sub(r'<details class="chapter".*?</(?:article|dl)>\s*</details>', "", page, flags=re.S)
    return re.sub(r'<a href="#term-[^"]*">([^<]*)</a>', r"\1", without)


def in_full(page: str) -> str:
    """Return a page with its chapters open under the contents, and marked so that the style of print shows both."""
    opened = page.replace('<details class="chapter"', '<details open class="chapter"')
    for contents in re.findall(r'<nav [^>]*id="contents".*?</nav>', page, flags=re.S):
        opened = opened.replace(contents, "").replace('<section id="evidence">', f'{contents}<section id="evidence">')
    return opened.replace("<body>", '<body class="full">', 1)


def print_page(page: str) -> bytes:
    """Return a page as tagged PDF.

    Raises
    ------
    SegmentationError
        When the libraries of the system that this needs are missing.
    """
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except OSError as fault:
        raise SegmentationError(f"{SYSTEM_LIBRARIES}. What was found: {cause(fault)}") from fault
    # WeasyPrint takes the alternative text of a figure from its title.
    titled = re.sub(r'<svg [^>]*aria-label="([^"]*)"[^>]*>', r"\g<0><title>\1</title>", page)
    # The policy of the page, which forbids every outside source, holds for browsers alone.
    inside = URLFetcher(allowed_protocols=["data"])
    return HTML(string=titled, url_fetcher=inside).write_pdf(pdf_variant="pdf/ua-1")


def lift(notebook, name: str) -> str | None:
    """Take the figure `name` out of its cell, to be shown elsewhere."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            shown = output.get("data", {}).get("text/html", "")
            if f'<figure id="{name}">' in shown:
                cell.outputs.remove(output)
                return shown
    return None


def read_told(executed: Path):
    """Read an executed notebook, its prose in the language of the reader."""
    return _told_notebook(executed.read_text(encoding="utf-8"))


def _told_notebook(executed: str):
    notebook = nbformat.reads(executed, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            told = tell_prose(cell.source)
            cell.source = re.sub("`([A-Z]+)=`", lambda option: f"`{as_option(option[1], by=AT_HOME)}`", told)
    return notebook


def merge(notebooks: list):
    """Return one notebook with the cells of all but hidden ones, code that shows nothing joined with the code after."""
    merged = nbformat.v4.new_notebook(metadata=notebooks[0].metadata)
    for notebook in notebooks:
        merged.cells += _joined([cell for cell in notebook.cells if not _is_hidden(cell)])
    return merged


def _joined(cells: list) -> list:
    joined: list = []
    for cell in cells:
        above = joined[-1] if joined else None
        if above and _is_code(above) and _is_code(cell) and not any(map(_is_shown, above.outputs)):
            cell = nbformat.from_dict({**cell, "source": f"{above.source}\n\n{cell.source}"})
            joined.pop()
        joined.append(cell)
    return joined


def _is_hidden(cell) -> bool:
    return "hide" in cell.metadata.get("tags", [])


def _is_code(cell) -> bool:
    return cell.cell_type == "code" and "hide-input" not in cell.metadata.get("tags", [])


def _is_shown(output) -> bool:
    return output.get("name") != "stderr"
