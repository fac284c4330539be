"""The slides: what stands on them, that it fits, and that neither file asks for anything from elsewhere."""

import re
import shutil
from dataclasses import replace
from itertools import combinations

import pytest
from axe_playwright_python.sync_playwright import Axe
from pptx import Presentation

from segmentation.core import files
from segmentation.core.files import read_json, sha256
from segmentation.language.writing import percent
from segmentation.report import tell
from segmentation.report.slides import deck
from segmentation.report.slides.browser import write_page
from segmentation.report.slides.layout import SHEET_HIGH, SHEET_WIDE, Box, Drawing, Grid, Slide, fits, lines, words
from segmentation.runs.manifest import open_finished
from segmentation.runs.stages import PDF, SLIDES
from tests.browser import open_page, settle
from tests.conftest import Project, made_once

LONG = "Those who bought seldom, long ago, and for average order values including shipping that are far below"


@pytest.fixture(scope="module")
def slid(tmp_path_factory, sample) -> Project:
    """A copy of the project with the slides of the sample."""

    def make(folder):
        project = sample.copy(folder)
        done = project.call("slides")
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-2:] == ["report/sample/slides.html", "report/sample/slides.pptx"]
        return project

    return made_once(tmp_path_factory, "slides", make)


@pytest.fixture
def cards(slid, monkeypatch) -> list[dict]:
    monkeypatch.setattr(files, "ROOT", slid.root)
    study = open_finished("sample", None)
    return tell.cards(study.read("k_selection.json"), study.read("profiles.json"), study.dataset, None)


def _page(project: Project) -> str:
    return (project.root / "report" / "sample" / "slides.html").read_text(encoding="utf-8")


def _shown(presentation) -> list[str]:
    """Return every text of a presentation, of its tables too."""
    shapes = [shape for slide in presentation.slides for shape in slide.shapes]
    cells = [cell for shape in shapes if shape.has_table for row in shape.table.rows for cell in row.cells]
    return [shape.text_frame.text for shape in [*cells, *(shape for shape in shapes if shape.has_text_frame)]]


def test_every_text_of_the_cards_is_on_four_slides_more_than_segments(slid, cards):
    page, told = _page(slid), Presentation(slid.root / "report" / "sample" / "slides.pptx")
    assert page.count("<section") == len(told.slides) == len(cards) + 4
    assert [slide.shapes.title.text for slide in told.slides][3:-1] == [card["name"] for card in cards]
    plain = re.sub(r"&#39;", "'", re.sub(r"&#34;", '"', page))
    for shown in ("\n".join(_shown(told)), plain):
        for card in cards:
            texts = [card["name"], card["action"], card["what_to_do"], card["size"], card["share"]]
            facts = [*card["dots"], *card["descriptors"]][: deck.MOST_FACTS]
            texts += [row[part] for row in facts for part in ("label", "told")]
            assert [text for text in texts if text not in shown] == []


def test_the_powerpoint_has_alternative_texts_and_a_fixed_date(slid):
    told = Presentation(slid.root / "report" / "sample" / "slides.pptx")
    without = [shape for slide in told.slides for shape in slide.shapes if not shape.has_text_frame]
    assert len(without) > 10
    assert [s.name for s in without if not s._element.xpath(".//p:cNvPr")[0].get("descr")] == []
    assert told.core_properties.created.year == told.core_properties.modified.year == 2000
    assert not told.core_properties.author
    assert any(shape.shape_type == 13 for shape in told.slides[-1].shapes)  # the map is a picture


def test_both_files_are_the_same_bytes_again(slid, tmp_path):
    project = slid.copy(tmp_path)
    written = [project.root / "report" / "sample" / name for name in ("slides.html", "slides.pptx")]
    before = [sha256(path) for path in written]
    for path in written:
        path.unlink()
    done = project.call("slides")
    assert re.search(r"^  Ran +slides.html", done.stdout, flags=re.M), done.stdout
    assert [sha256(path) for path in written] == before
    outputs = read_json(project.artifact("sample", "manifest.json"))["outputs"]
    assert {f"report/sample/{path.name}" for path in written} <= set(outputs)
    assert "slides.html" not in project.call("slides").stdout.split("Ran", 1)[1].splitlines()[0]


def test_slides_are_made_again_with_the_report_and_older_ones_never_lie_beside_it(slid, tmp_path):
    project = slid.copy(tmp_path)
    folder, template = project.root / "report" / "sample", project.root / "report" / "template"
    with (template / "style.css").open("a") as style:
        style.write("/* another look */")
    done = project.call("report")
    assert re.search(r"^  Ran +report.html, slides.html and manifest.json", done.stdout, flags=re.M), done
    (template / "slides.html.j2").write_text("{{ 1 / 0 }}")
    (template / "style.css").write_text("")
    assert project.call("report").returncode == 1
    assert not [*folder.glob("*slides*")]


def test_a_run_is_verified_with_pdf_and_slides():
    from segmentation.pipeline.verify import _commands
    from segmentation.runs.artifacts import Manifest

    parts = {"inputs": {}, "set_by": {"k": "command line"}, "versions": {}, "parameters": {"dataset": "d", "k": 4}}
    for made, commands in (([], ["report"]), ([PDF], ["pdf"]), ([PDF, SLIDES], ["pdf", "slides"])):
        manifest = Manifest.model_validate(parts | {"outputs": {f"report/r/{name}": "" for name in made}})
        assert [typed[0] for typed in _commands("r", manifest, None)] == commands


def _of_twelve(cards: list[dict]) -> list[dict]:
    """Return cards of twelve segments whose names, actions and facts are long."""
    row = {"label": LONG[:60], "told": "123,456.7 thousand Swiss francs a year", "place": 97.5}
    return [
        cards[0]
        | {"segment": i, "name": f"{LONG} {i}", "action": f"{LONG}. " * 3, "share": percent(i / 78), "long": i}
        | {"value": percent(i / 78), "of_value": "of what they spent on average", "value_long": 13 - i}
        | {"dots": [row] * 5, "descriptors": [row | {"told": LONG}] * 5, "change": LONG, "small": LONG}
        for i in range(1, 13)
    ]


@pytest.fixture
def twelve(cards) -> list[Slide]:
    long = _of_twelve(cards)
    return [deck._who(long, "What they spent on average in a year"), *map(deck._segment, long)]


def _boxes(slide: Slide) -> list[Box]:
    return [part.box for part in slide.parts if not isinstance(part, Drawing)]


def test_twelve_long_names_fit(twelve):
    for slide in twelve:
        marks = [mark.box for part in slide.parts if isinstance(part, Drawing) for mark in part.marks]
        for box in [*_boxes(slide), *marks]:
            assert box.x >= 0
            assert box.y >= 0
            assert box.right <= SHEET_WIDE
            assert box.bottom <= SHEET_HIGH
        for one, other in combinations(_boxes(slide), 2):
            apart = one.right <= other.x or other.right <= one.x or one.bottom <= other.y or other.bottom <= one.y
            assert apart, (one, other)
        for part in slide.parts:
            if isinstance(part, Grid):
                assert sum(part.heights) <= part.box.high + 1
            elif not isinstance(part, Drawing):
                assert fits(part.text, part.size, part.box, bold=part.bold)


def test_a_text_takes_the_largest_type_that_has_room_and_ends_with_dots_where_none_has():
    box = Box(0, 0, 120, 60)
    assert lines("a" * 10, 20, 120) == 1
    assert words("short", box, 30).size == 30
    assert words("two words of a line", box, 30, 10).size < 30
    assert words(LONG, box, 30, 20).text.endswith("…")


def test_the_slides_are_accessible_and_quiet_and_nothing_leaves_its_box(slid, twelve, browser, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROOT", slid.root)
    study = open_finished("sample", None)
    shutil.copytree(slid.root / "report" / "sample", tmp_path / "kept")
    write_page(study, [replace(twelve[0]), *twelve[1:]])
    shutil.move(study.report / SLIDES, tmp_path / "twelve.html")
    shutil.copy(tmp_path / "kept" / SLIDES, study.report / SLIDES)
    for look, path in [
        (look, path) for look in ("light", "dark") for path in (study.report / SLIDES, tmp_path / "twelve.html")
    ]:
        with open_page(browser, path, look) as page:
            page.locator(".reveal.ready").wait_for()
            number = page.locator("section").count()
            for at in range(number):
                assert page.evaluate("Reveal.getIndices().h") == at
                if at in (0, 1, 2, 3, number - 1):
                    settle(page)  # arrows fade
                    violations = Axe().run(page).response["violations"]
                    assert [(v["id"], v["nodes"][0]["html"]) for v in violations] == []
                spilt = (
                    "all => all.filter(b => b.scrollHeight > b.clientHeight + 2 || b.scrollWidth > b.clientWidth + 2)"
                )
                assert page.eval_on_selector_all("section.present .box", f"{spilt}.map(b => b.textContent)") == []
                page.keyboard.press("ArrowRight")
            assert page.requested == [path.as_uri()]
            assert page.complaints == []
