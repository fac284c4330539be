"""The slides for PowerPoint: real text, native tables and shapes, the figure as a picture with its alternative text."""

import zipfile
from datetime import datetime
from io import BytesIO

from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.shapes import MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.util import Emu, Pt

from segmentation.core.files import replacing
from segmentation.language import spoken
from segmentation.report.slides.layout import (
    INSET,
    QUIET,
    RULED,
    SHEET_HIGH,
    SHEET_WIDE,
    Box,
    Drawing,
    Grid,
    Picture,
    Slide,
    Words,
)
from segmentation.runs.run import Run

UNITS_A_PIXEL = 9525  # of a sheet, in the units of PowerPoint
POINTS_A_PIXEL = 0.75  # of a pixel
TYPEFACE = "Arial"  # as wide as what stands for it where it is missing
INKS = {"": "#1B2430", QUIET: "#4D5A6A", RULED: "#D9E0E8"}  # those of the page, on white paper
DATED = datetime(2000, 1, 1)  # the same for the same run
ZIPPED = (1980, 1, 1, 0, 0, 0)
TITLE_ONLY = 5  # of the layouts of python-pptx
PLAIN_TABLE = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"  # PowerPoint's table without style and lines


def write_powerpoint(study: Run, slides: list[Slide]) -> None:
    """Write slides.pptx, the same bytes for the same slides."""
    told = Presentation()
    told.slide_width, told.slide_height = Emu(SHEET_WIDE * UNITS_A_PIXEL), Emu(SHEET_HIGH * UNITS_A_PIXEL)
    for slide in slides:
        _add(told, slide, study)
    core = told.core_properties
    core.title, core.subject, core.language = slides[0].title, study.dataset.title, spoken()
    core.author = core.last_modified_by = core.keywords = core.comments = ""
    core.created = core.modified = DATED
    core.revision = 1
    package = told.part.package
    for name in [name for name, rel in package._rels.items() if rel.reltype == RELATIONSHIP_TYPE.THUMBNAIL]:
        package.drop_rel(name)  # a picture of an empty sheet
    with replacing(study.report / "slides.pptx") as beside:
        beside.write_bytes(_settled(told))


def _settled(told) -> bytes:
    """Return a presentation as a file that knows no clock, what says what it holds first, as PowerPoint wants it."""
    written, settled = BytesIO(), BytesIO()
    told.save(written)
    with zipfile.ZipFile(written) as before, zipfile.ZipFile(settled, "w") as after:
        for name in sorted(before.namelist(), key=lambda name: (not name.startswith("["), name)):
            after.writestr(zipfile.ZipInfo(name, ZIPPED), before.read(name), zipfile.ZIP_DEFLATED)
    return settled.getvalue()


def _add(told, slide: Slide, study: Run) -> None:
    sheet = told.slides.add_slide(told.slide_layouts[TITLE_ONLY])
    for part in slide.parts:
        if isinstance(part, Words):
            _write(sheet, part)
        elif isinstance(part, Grid):
            _tabulate(sheet, part)
        elif isinstance(part, Drawing):
            _draw(sheet, part)
        else:
            _show(sheet, part, study)


def _placed(box: Box) -> tuple[Emu, ...]:
    return tuple(Emu(round(side * UNITS_A_PIXEL)) for side in box)


def _colour(name: str) -> RGBColor:
    return RGBColor.from_string(INKS.get(name, name).removeprefix("#").upper())


def _write(sheet, part: Words) -> None:
    if not part.text:
        return
    shape = sheet.shapes.title if part.heading else sheet.shapes.add_textbox(*_placed(part.box))
    shape.left, shape.top, shape.width, shape.height = _placed(part.box)
    frame = shape.text_frame
    frame.word_wrap, frame.auto_size, frame.vertical_anchor = True, MSO_AUTO_SIZE.NONE, MSO_ANCHOR.TOP
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    for i, text in enumerate(part.text.splitlines()):
        paragraph = frame.paragraphs[0] if i == 0 else frame.add_paragraph()
        _say(paragraph, text, part.size, part.bold, part.colour)


def _say(paragraph, text: str, size: float, bold: bool, colour: str) -> None:
    from pptx.enum.text import PP_ALIGN

    paragraph.alignment = PP_ALIGN.LEFT
    run = paragraph.add_run()
    run.text = text
    run.font.size, run.font.bold, run.font.name = Pt(size * POINTS_A_PIXEL), bold, TYPEFACE
    run.font.color.rgb = _colour(colour)
    run._r.get_or_add_rPr().set("lang", spoken())


def _tabulate(sheet, part: Grid) -> None:
    rows = [part.head, *part.rows]
    frame = sheet.shapes.add_table(len(rows), len(part.widths), *_placed(part.box))
    _label(frame, part.label)
    table = frame.table
    table.first_row, table.first_col, table.horz_banding = True, True, False
    table._tbl.tblPr.find("{*}tableStyleId").text = PLAIN_TABLE
    for column, wide in zip(table.columns, part.widths, strict=True):
        column.width = Emu(round(wide * UNITS_A_PIXEL))
    for row, high in zip(table.rows, part.heights, strict=True):
        row.height = Emu(round(high * UNITS_A_PIXEL))
    for i, cells in enumerate(rows):
        for j, text in enumerate(cells):
            cell = table.cell(i, j)
            cell.vertical_anchor = MSO_ANCHOR.MIDDLE
            cell.margin_left = cell.margin_right = Emu(INSET * UNITS_A_PIXEL)
            cell.margin_top = cell.margin_bottom = 0
            _say(cell.text_frame.paragraphs[0], text, part.size, i == 0 or j == 0, QUIET if i == 0 else "")


def _draw(sheet, part: Drawing) -> None:
    """Draw shapes as one group, that is read as one."""
    group = sheet.shapes.add_group_shape()
    for mark in part.marks:
        kind = MSO_SHAPE.OVAL if mark.kind == "dot" else MSO_SHAPE.RECTANGLE
        shape = group.shapes.add_shape(kind, *_placed(mark.box))
        shape.shadow.inherit = False
        if mark.kind == "outline":
            shape.fill.background()
            shape.line.color.rgb, shape.line.width = _colour(mark.colour), Pt(1.5)
        else:
            shape.fill.solid()
            shape.fill.fore_color.rgb = _colour(mark.colour)
            shape.line.fill.background()
    _label(group, part.label)


def _show(sheet, part: Picture, study: Run) -> None:
    """Show a figure as large as its box allows, in the middle of it."""
    shape = sheet.shapes.add_picture(str(study.path("figures") / f"{part.name}.png"), 0, 0)
    left, top, wide, high = _placed(part.box)
    scale = min(wide / shape.width, high / shape.height)
    shape.width, shape.height = Emu(int(shape.width * scale)), Emu(int(shape.height * scale))
    shape.left, shape.top = Emu(left + (wide - shape.width) // 2), Emu(top + (high - shape.height) // 2)
    _label(shape, part.label)


def _label(shape, text: str) -> None:
    """Say what a shape shows to those who cannot see it."""
    shape._element.xpath(".//p:cNvPr")[0].set("descr", text)
