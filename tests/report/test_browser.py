"""The report as a reader meets it, in a real Chromium: offline, light, dark, on a phone, printed, without scripting."""

import csv
import ctypes
import html
import io
import json
import re
from base64 import b64decode
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import PIL.Image
import pypdfium2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import expect
from pypdfium2 import raw

from segmentation.core import files
from segmentation.core.files import read_json
from segmentation.core.privacy import tell_quantiles
from segmentation.evidence import tell as evidence_tell
from segmentation.language.writing import shares
from segmentation.report.explore import _packed
from segmentation.report.render import in_full, print_page
from tests.browser import LOOKS, open_page, violations
from tests.conftest import Project, copy_project
from tests.tables.test_fuzz import MONTHLY

A4_INNER = {"width": 673, "height": 1009}  # CSS pixels within the margins


@pytest.fixture
def reader(browser, mall):
    with open_page(browser, _path(mall, "mall"), reduced_motion="reduce") as page:
        yield page


def _path(project: Project, run: str):
    return project.root / "report" / run / "report.html"


@pytest.mark.parametrize("look", LOOKS)
def test_page_is_accessible_quiet_and_as_wide_as_the_screen(browser, mall, look):
    with open_page(browser, _path(mall, "mall"), look) as page:
        assert violations(page) == []
        page.get_by_role("button", name="Unfold chapters, code and methods").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= LOOKS[look]["viewport"]["width"]
        assert page.requested == [_path(mall, "mall").as_uri()]
        assert page.complaints == []


def test_unfolded_and_private_pages_are_accessible_too(browser, mall, shop):
    with open_page(browser, _path(mall, "mall"), "dark") as page:
        page.get_by_role("button", name="Unfold chapters, code and methods").click()
        assert violations(page) == []
    with open_page(browser, _path(shop, "shop")) as page:
        assert violations(page) == []
        assert page.complaints == []


def test_one_control_unfolds_all_and_the_contents_mark_the_place(reader):
    folds = reader.locator("details.fold")
    assert folds.count() > 30
    assert reader.locator("details.fold[open]").count() == 0
    reader.get_by_role("button", name="Unfold chapters, code and methods").click()
    assert reader.locator("details.fold[open]").count() == folds.count()
    reader.get_by_role("button", name="Unfold chapters, code and methods").click()
    assert reader.locator("details.fold[open], details.chapter[open]").count() == 0
    reader.locator("#contents a", has_text="Where they stand").click()
    expect(reader.locator("#contents [aria-current]")).to_have_text("Where they stand")


@pytest.mark.parametrize("run", ["mall", "shop"])
def test_the_first_screen_tells_who_how_sure_and_what_to_do_and_the_first_part_is_short(browser, request, run):
    project = request.getfixturevalue(run)
    with open_page(browser, _path(project, run), viewport={"width": 1280, "height": 720}) as page:
        rows = page.locator(".glance li")
        assert rows.count() == len(read_json(project.artifact(run, "profiles.json"))["segments"])
        told = [page.locator("h1"), page.locator(".lead"), rows.last, page.locator(".statistics summary")]
        assert max(box["y"] + box["height"] for box in (part.bounding_box() for part in told)) <= 720
        assert page.locator("#evidence").bounding_box()["y"] <= 6_000
        page.locator(".statistics summary").click()
        page.locator(".statistics a[href='#term-silhouette']").click()
        expect(page.locator("#term-silhouette")).to_be_in_viewport()


def test_a_link_into_a_closed_chapter_opens_it(browser, mall):
    with open_page(browser, _path(mall, "mall"), reduced_motion="reduce") as page:
        assert page.locator("details.chapter[open]").count() == 0
        assert page.locator("details.chapter > summary span").first.text_content().startswith("200 rows of 200")
        page.evaluate("location.hash = '#03-00'")
        expect(page.locator("details.chapter[open] > summary h3")).to_have_text(
            "How many segments, and how sure are we?"
        )
        page.evaluate("location.hash = '#05-sizes'")
        expect(page.locator("#\\30 5-sizes")).to_be_in_viewport()
    with open_page(browser, f"{_path(mall, 'mall').as_uri()}#05-sizes") as page:
        expect(page.locator("#\\30 5-sizes")).to_be_in_viewport()


SMALLEST = """() => {
  const tells = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const shown = (element) => element.checkVisibility() && !element.closest("svg, .unseen") && tells(element);
  const seen = [...document.querySelectorAll("body *")].filter(shown);
  return Math.min(...seen.map((element) => parseFloat(getComputedStyle(element).fontSize)));
}"""


def test_on_a_phone_contents_are_folded_at_the_top_and_no_text_is_tiny(browser, mall):
    with open_page(browser, _path(mall, "mall"), "mobile") as page:
        assert page.locator("#contents").bounding_box()["height"] < 60
        assert page.locator("h1").bounding_box()["y"] < 160
        page.locator("#contents summary").click()
        page.locator("#contents a", has_text="Forming the segments").click()
        expect(page.locator("details.chapter[open] > summary h3")).to_have_text("Forming the segments")
        assert page.locator("#contents").bounding_box()["height"] < 60
        page.get_by_role("button", name="Unfold chapters, code and methods").click()
        assert page.evaluate(SMALLEST) >= 11


def test_motion_is_reduced_where_the_reader_asks_for_it(browser, mall):
    for asked, behaviour in (("reduce", "auto"), ("no-preference", "smooth")):
        with open_page(browser, _path(mall, "mall"), reduced_motion=asked) as page:
            assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == behaviour


def test_without_scripting_only_explore_is_missing(browser, mall):
    with open_page(browser, _path(mall, "mall"), java_script_enabled=False) as page:
        assert not page.locator("#explore").is_visible()
        assert not page.locator("#contents .live").is_visible()
        assert page.locator("article figure svg").count() > 15
        page.locator("details.chapter > summary").first.click()
        page.locator("details.fold summary").first.click()
        assert page.locator("details.fold[open]").count() == 1


def test_printed_by_the_browser_no_figure_is_cut(browser, mall):
    with open_page(browser, _path(mall, "mall"), viewport=A4_INNER) as page:
        for chapter in page.locator("details.chapter > summary").all():
            chapter.click()
        page.emulate_media(media="print")
        sizes = page.eval_on_selector_all(
            "figure svg", "all => all.map(f => [f.getBoundingClientRect().right, f.getBoundingClientRect().height])"
        )
        assert len(sizes) > 15
        assert max(right for right, _ in sizes) <= A4_INNER["width"]
        assert max(height for _, height in sizes) < A4_INNER["height"] / 2
        pages = pypdfium2.PdfDocument(page.pdf(format="A4"))
        texts = [pages[i].get_textpage().get_text_range() for i in range(len(pages))]
        numbers = range(1, page.locator("figure").count() + 1)
        assert [sum(f"Figure {i}." in text for text in texts) for i in numbers] == [1] * len(numbers)
        breaks = page.eval_on_selector_all("figure", "all => all.map(f => getComputedStyle(f).breakInside)")
        assert set(breaks) == {"avoid"}
        assert not page.locator("#explore").is_visible()
        assert page.locator("details.fold").first.is_hidden()


def _status(page) -> str:
    return page.locator("[data-part=status]").text_content()


def _unfold_filters(page) -> None:
    page.locator("[data-part=filtered]").click()


def _box(page, name: str):
    return page.get_by_role("checkbox", name=name, exact=True)


def _bars(page) -> list[str]:
    return page.locator("[data-part=bars] button").all_text_contents()


def test_filters_move_the_counters_and_every_picture(reader, mall):
    table = pd.read_parquet(mall.artifact("mall", "customers.parquet")).merge(
        pd.read_parquet(mall.artifact("mall", "segments.parquet")), on="id"
    )
    marks = reader.locator("[data-part=scatter] svg path")
    assert marks.count() == 200
    folded = reader.locator("[data-part=filtered]")
    assert folded.text_content() == "Filters: none"
    assert not _box(reader, "Male").is_visible()
    _unfold_filters(reader)
    _box(reader, "Careful spenders").uncheck()
    _box(reader, "Male").uncheck()
    reader.get_by_role("group", name="Age (years)").get_by_label("from").fill("30")
    left = table[(table["segment"] != 3) & (table["gender"] == "Female") & (table["age"] >= 30)]
    assert _status(reader).startswith(f"{len(left)} of 200 customers shown: Standard customers ")
    assert folded.text_content() == "Filters: Segment: 4 of 5; Gender: Female; Age from 30 years"
    assert marks.count() == len(left)
    assert reader.locator(".total").text_content() == str(len(left))
    assert reader.locator("[data-part=donut] path").count() == left["segment"].nunique()
    bars = _bars(reader)
    counts = [(left["segment"] == s).sum() for s in range(1, 6)]
    told = [f"{n} ({share})" for n, share in zip(counts, shares(counts), strict=True)]
    assert [bar.split(": ")[-1] for bar in bars] == told
    reader.get_by_role("button", name="Show all").click()
    assert _status(reader).startswith("200 of 200")
    on_cards = reader.locator(".cards .size b").all_text_contents()
    assert on_cards[0] == "41%"  # of 81 of 200: rounded here as there
    assert [bar.split("(")[1] for bar in _bars(reader)] == [f"{share})" for share in on_cards]
    assert reader.complaints == []


def test_axes_can_be_chosen(reader):
    before = reader.locator("[data-part=scatter] svg path").nth(0).get_attribute("transform")
    reader.get_by_role("combobox", name="Across").select_option("Age (years)")
    assert "Age (years)" in reader.locator("[data-part=scatter] svg text").all_text_contents()
    assert reader.locator("[data-part=scatter] svg path").nth(0).get_attribute("transform") != before


def test_tooltips_come_by_keyboard_mouse_and_touch(browser, reader, mall):
    plot, tip = reader.locator("[data-part=scatter]"), reader.locator("[data-part=tip]")
    plot.focus()
    reader.keyboard.press("ArrowRight")
    first = tip.text_content()
    assert re.match(r"[A-Z][a-z ]+: Age \d+ years, Annual income \d+ k\$, Spending score \d+ points, Gender ", first)
    reader.keyboard.press("ArrowRight")
    assert tip.text_content() != first
    reader.keyboard.press("Home")
    assert tip.text_content() == first
    reader.keyboard.press("Escape")
    assert tip.is_hidden()
    reader.locator("[data-part=scatter] svg path").nth(20).hover()
    assert "Annual income" in tip.text_content()
    with open_page(browser, _path(mall, "mall"), "mobile") as page:
        page.locator("[data-part=scatter] svg path").nth(20).tap(force=True)
        assert "Annual income" in page.locator("[data-part=tip]").text_content()


def test_rows_shown_can_be_downloaded(reader, tmp_path):
    _unfold_filters(reader)
    _box(reader, "Standard customers").uncheck()
    with reader.expect_download() as caught:
        reader.get_by_role("button", name="Download the rows shown as CSV").click()
    caught.value.save_as(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 119
    assert list(rows[0]) == ["segment", "name", "age", "income", "spending", "gender"]
    assert {row["name"] for row in rows} == {
        "Target customers",
        "Careful spenders",
        "Sensible customers",
        "Careless spenders",
    }


def test_which_segment_gives_the_answer_of_make_score(reader, mall, tmp_path):
    rng = np.random.default_rng(0)
    new = pd.DataFrame(
        {"id": range(12), "income": rng.uniform(0, 150, 12).round(1), "spending": rng.integers(1, 100, 12)}
    )
    new.to_csv(tmp_path / "new.csv", index=False)
    done = mall.call(
        "score", "--dataset", "mall", "--new", str(tmp_path / "new.csv"), "--out", str(tmp_path / "out.csv")
    )
    assert done.returncode == 0, done.stderr
    form, answer = reader.locator("[data-part=ask]"), reader.locator("[data-part=answer]")
    scored = pd.read_csv(tmp_path / "out.csv")
    for customer, found in zip(new.itertuples(), scored.itertuples(), strict=True):
        form.get_by_label("Annual income").fill(str(customer.income))
        form.get_by_label("Spending score").fill(str(customer.spending))
        told = answer.text_content()
        assert f"{found.name} segment {found.segment}" in told
        distance, margin = map(float, re.search(r"Distance ([\d.]+), margin ([\d.]+),", told).groups())
        assert distance == pytest.approx(found.distance, abs=6e-4)
        assert margin == pytest.approx(found.margin, abs=6e-4)
        how = "Hardly" if found.margin < 0.25 else "Clearly" if found.margin >= found.distance else "Fairly"
        assert f"How sure? {how}: " in told
        assert f"What to do: {found.action}" in told
        assert ("Careful: Annual income is outside of the data (15 to 137 k$)." in told) == (
            not 15 <= customer.income <= 137
        )
    form.get_by_label("Spending score").fill("200")
    assert answer.text_content() == "Spending score must be at least 1 and at most 100."
    form.get_by_label("Spending score").fill("")
    form.get_by_label("Spending score").press_sequentially("3,5 p")
    wrong = "found “3,5 p”, expected a number without a unit, such as 3.5."
    assert answer.text_content() == f"Spending score: {wrong}"
    assert form.get_by_label("Spending score").get_attribute("aria-invalid") == "true"
    form.get_by_label("Spending score").fill("3,5")
    comma = answer.text_content()
    form.get_by_label("Spending score").fill("3.5")
    assert answer.text_content() == comma != ""
    _unfold_filters(reader)
    reader.get_by_role("group", name="Age (years)").get_by_label("from").fill("3,5 p")
    assert _status(reader).startswith("200 of 200 customers shown")
    assert _status(reader).endswith(f"Age: {wrong}")


def test_a_few_answers_are_enough_where_a_short_form_is(browser, mall, tmp_path):
    short = {"asked": [1], "right": 0.937, "segments": [2, 5], "constants": [0, 1], "weights": [[2], [-3]]}
    page = mall.page("mall").replace('"short":[]', f'"short":{json.dumps([short])}')
    (tmp_path / "short.html").write_text(page, encoding="utf-8")
    profiles = {p["segment"]: p["name"] for p in read_json(mall.artifact("mall", "profiles.json"))["segments"]}
    with open_page(browser, tmp_path / "short.html", reduced_motion="reduce") as reader:
        form, answer = reader.locator("[data-part=ask]"), reader.locator("[data-part=answer]")
        enough = "By these alone 93 of 100 customers are placed rightly."
        assert answer.text_content() == f"Enough to answer: Spending score. {enough}"
        for spending, segment in (
            (99, 2),
            (1, 5),
        ):
            form.get_by_label("Spending score").fill(str(spending))
            assert f"Probably {profiles[segment]} segment {segment}" in answer.text_content()
            assert "By these answers (Spending score) 93 of 100" in answer.text_content()
        form.get_by_label("Annual income").fill("60")
        assert "Distance" in answer.text_content()


def test_a_private_report_holds_counts_of_ten_or_more_and_no_row(browser, shop):
    held = json.loads(re.search(r'id="explore-data"[^>]*>(.*?)</script>', shop.page("shop"), re.S)[1])
    assert {"rows", "categories"}.isdisjoint(held)
    assert "Oslo" not in json.dumps(held)
    cells = [cell for grid in held["grids"] for cell in grid["cells"]]
    assert cells
    assert min(cell[3] for cell in cells) >= 10
    sums = {grid["x"] + grid["y"]: sum(cell[3] for cell in grid["cells"]) for grid in held["grids"]}
    assert sums["spendrate"] == 120  # whole groups, nobody left out
    with open_page(browser, _path(shop, "shop")) as page:
        assert page.get_by_role("button", name="Download").count() == 0
        assert _status(page).startswith("120 of 120 customers shown")
        _unfold_filters(page)
        page.get_by_role("group", name="Segment").get_by_role("checkbox").first.uncheck()
        assert _status(page).startswith("80 of 120 customers shown")
        page.locator("[data-part=scatter]").focus()
        page.keyboard.press("ArrowRight")
        assert re.search(r": about \d0 customers with Spend from ", page.locator("[data-part=tip]").text_content())
        assert page.complaints == []


HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "‮turned", "＝1+1", "a,b\"c'd"]


def test_a_table_with_hostile_values_renders_harmlessly(browser, tmp_path):
    project = copy_project(tmp_path)
    folder = project.root / "data" / "hostile"
    folder.mkdir()
    described = {
        "title": "Title </title><script>alert(2)</script>",
        "source": {"path": "h.csv"},
        "privacy": "rows",
        "columns": {
            "id": {"role": "id"},
            "x": {"role": "feature", "label": "<b>x</b> & 'y'", "unit": "<i>"},
            "y": {"role": "feature"},
            "c": {"role": "descriptor", "type": "category", "label": "</script><script>alert(3)</script>"},
            "town": {"role": "descriptor", "type": "category", "label": "Town" * 15},
            "fixed": {"role": "descriptor", "label": "Fixed"},
        },
    }
    (folder / "dataset.yaml").write_text(json.dumps(described))
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"id": range(90), "x": np.repeat([0, 9, 18], 30) + rng.normal(size=90), "y": rng.normal(size=90)}
    )
    table = table.assign(c=[HOSTILE[i % 5] for i in range(90)], town=[f"Town {i % 60}" for i in range(90)], fixed=7)
    table.to_csv(folder / "h.csv", index=False)
    done = project.call("report", "--dataset", "hostile", "--resamples", "10")
    assert done.returncode == 0, done.stderr
    assert "‮" not in project.page("hostile")
    with open_page(browser, _path(project, "hostile")) as page:
        page.on("dialog", lambda dialog: pytest.fail(dialog.message))
        assert page.locator("script").count() == 3
        assert page.locator("img").count() == 0
        _unfold_filters(page)
        assert _box(page, HOSTILE[0]).count() == 1
        assert violations(page) == []
        with page.expect_download() as caught:
            page.get_by_role("button", name="Download the rows shown as CSV").click()
        rows = list(csv.DictReader(caught.value.path().read_text(encoding="utf-8-sig").splitlines()))
        assert {row["c"] for row in rows} == {HOSTILE[0], HOSTILE[1], "turned", "'＝1+1", HOSTILE[4]}
        page.get_by_label("Across").select_option("Fixed")
        assert page.locator("[data-part=scatter] svg path").count() == 90
        assert "49 others" in " ".join(page.locator("article").all_text_contents())
        towns = page.get_by_role("group", name="Town" * 15)
        assert towns.get_by_role("checkbox").count() == 60
        assert towns.bounding_box()["height"] < 300
        assert {row["town"] for row in rows} == {f"Town {i}" for i in range(60)}
        assert page.complaints == []
    with open_page(browser, _path(project, "hostile"), "mobile") as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def _drag(page, start: tuple, end: tuple) -> None:
    """Drag over the scatter between two places, each a share of its width and height."""
    box = page.locator("[data-part=scatter] svg").bounding_box()
    (ax, ay), (bx, by) = ((box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end))
    page.mouse.move(ax, ay)
    page.mouse.down()
    page.mouse.move((ax + bx) / 2, (ay + by) / 2)
    page.mouse.move(bx, by)
    page.mouse.up()


def _counts(bars: list[str]) -> list[int]:
    return [int(re.search(r": (\d+) ", bar)[1]) for bar in bars]


def test_what_is_marked_in_the_scatter_is_marked_in_the_bars_and_in_what_is_downloaded(reader, mall):
    table = pd.read_parquet(mall.artifact("mall", "segmented.parquet"))
    reader.locator("[data-part=scatter]").scroll_into_view_if_needed()
    _drag(reader, (0.62, 0.0), (0.99, 0.4))  # rich, and spending much
    marked = reader.locator('[data-part=scatter] path[fill-opacity="0.8"]')
    found = _counts(_bars(reader))
    assert marked.count() == sum(found) > 10
    assert found[1] == sum(found)
    assert _bars(reader)[1] == f"■ Target customers: {found[1]} of 39"
    assert _status(reader).startswith(f"{found[1]} of 200 customers marked: Target customers {found[1]}.")
    reader.get_by_role("combobox", name="Across").select_option("Age (years)")
    assert marked.count() == found[1]
    with reader.expect_download() as caught:
        reader.get_by_role("button", name="Download the rows marked as CSV").click()
    rows = list(csv.DictReader(caught.value.path().read_text(encoding="utf-8-sig").splitlines()))
    assert {row["segment"] for row in rows} == {"2"}
    assert len(rows) == found[1]
    reader.get_by_role("button", name="Show all").click()
    assert marked.count() == 200
    bar = reader.get_by_role("button", name="Careful spenders")
    bar.focus()
    reader.keyboard.press("Enter")
    expect(bar).to_be_focused()
    expect(bar).to_have_attribute("aria-pressed", "true")
    assert marked.count() == (table["segment"] == 3).sum()
    assert violations(reader) == []
    assert reader.complaints == []


def test_an_area_is_marked_by_keyboard(reader):
    marked = reader.locator('[data-part=scatter] path[fill-opacity="0.8"]')
    reader.locator("[data-part=scatter]").focus()
    reader.keyboard.press("ArrowRight")
    reader.keyboard.press("Enter")
    for _ in range(5):
        reader.keyboard.press("ArrowRight")
    reader.keyboard.press("Enter")
    some = marked.count()
    assert 2 <= some < 100
    assert f"{some} of 200 customers marked" in _status(reader)
    reader.keyboard.press("End")
    assert marked.count() == some
    reader.keyboard.press("Escape")
    assert _status(reader).startswith("200 of 200 customers shown")


def test_of_private_rows_whole_cells_of_ten_or_more_are_marked(browser, shop):
    with open_page(browser, _path(shop, "shop"), reduced_motion="reduce") as page:
        page.locator("[data-part=scatter]").scroll_into_view_if_needed()
        _drag(page, (0.15, 0.0), (0.99, 0.5))
        marked = _counts(_bars(page))
        assert all(n == 0 or n >= 10 for n in marked)
        assert 0 < sum(marked) < 120
        assert _status(page).startswith(f"About {sum(marked)} of 120 customers marked: ")
        page.get_by_role("combobox", name="Across").select_option("Day")
        assert _status(page).startswith("120 of 120 customers shown")


def test_explore_opens_on_the_axes_of_the_map(browser, mall, shop):
    for project, run in ((mall, "mall"), (shop, "shop")):
        with open_page(browser, _path(project, run)) as page:
            drawn = page.locator("figure[id='04-original'] svg text").all_text_contents()
            shown = [
                page.get_by_role("combobox", name=side, exact=True).evaluate("e => e.selectedOptions[0].textContent")
                for side in ("Across", "Up")
            ]
            assert set(shown) <= set(drawn)


def _saved(page, take, kind: str) -> bytes:
    with page.expect_download() as caught:
        take.get_by_role("button", name=kind).click()
    assert caught.value.suggested_filename == f"04-original.{kind.lower()}"
    return caught.value.path().read_bytes()


@pytest.mark.parametrize("look", ["light", "dark"])
def test_a_picture_of_each_figure_can_be_saved_and_copied(browser, mall, look):
    with open_page(browser, _path(mall, "mall"), look, reduced_motion="reduce") as page:
        shown = page.evaluate("[...document.querySelectorAll('figure')].filter((f) => f.querySelector('svg')).length")
        assert page.locator("figure > .take").count() == shown > 10
        take = page.locator("figure[id='04-original'] > .take")
        take.locator("summary").click()
        assert violations(page) == []
        drawn = ElementTree.fromstring(_saved(page, take, "SVG"))
        texts = ["".join(text.itertext()).strip() for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
        assert "Annual income (k$)" in texts
        assert {part.get("color") for part in drawn} == {None, "#1b2430"}  # the ink of light paper
        png = PIL.Image.open(io.BytesIO(_saved(page, take, "PNG"))).convert("L")
        assert png.getpixel((0, 0)) == 255
        assert len(png.getcolors()) > 20
        page.evaluate(
            "void (navigator.clipboard.write = async ([item]) => { copied = (await item.getType('image/png')).size; })"
        )
        take.get_by_role("button", name="Copy").click()
        expect(take.get_by_role("status")).to_have_text("Copied.")
        assert page.evaluate("copied") > 1000
        page.evaluate(
            "void (navigator.clipboard.write = async () => { throw new DOMException('no', 'NotAllowedError'); })"
        )
        with page.expect_download() as caught:
            take.get_by_role("button", name="Copy").click()
        assert caught.value.suggested_filename == "04-original.png"
        expect(take.get_by_role("status")).to_have_text("Saved: copying is not allowed here.")
        assert page.complaints == []
        assert [url for url in page.requested if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.parametrize(
    ("text", "english", "german", "french"),
    [
        ("1.191,50", 1191.5, 1191.5, 1191.5),
        ("1,191.50", 1191.5, 1191.5, 1191.5),
        ("1,191", 1191, 1.191, 1.191),
        ("1.191", 1.191, 1191, 1.191),
        ("0,191", 0.191, 0.191, 0.191),
        ("3,5", 3.5, 3.5, 3.5),
        ("-.5", -0.5, -0.5, -0.5),
        ("1 191,5", 1191.5, 1191.5, 1191.5),
        ("1’191.5", 1191.5, 1191.5, 1191.5),
        ("1,234,567", 1234567, 1234567, 1234567),
        ("1.234.567,8", 1234567.8, 1234567.8, 1234567.8),
        ("2e3", 2000, 2000, 2000),
        ("", None, None, None),
        *(
            (wrong, "none", "none", "none")
            for wrong in ("3,5 p", "1,23,4", "1.2,3.4", "12,34.5", "1..2", ",", "€5", "--1")
        ),
    ],
)
def test_a_number_is_read_with_either_decimal_mark(script, text, english, german, french):
    for language, expected in (("en", english), ("de", german), ("fr", french)):
        found = script(
            "([text, language]) => { const n = numberOf(text, language); return n !== n ? 'none' : n; }",
            [text, language],
        )
        assert found == expected, language


@pytest.fixture(scope="module")
def script(browser):
    """Return what evaluates an expression beside the script of Explore."""
    page = browser.new_page()
    page.add_script_tag(path=files.ROOT / "report" / "template" / "explore.js")
    yield page.evaluate
    page.close()


@pytest.fixture(scope="module")
def cells_of_the_script(script):
    """What the script of Explore writes into a CSV for each of many texts."""
    words = {"formula": files.RISKY, "number": files.HARMLESS}
    return lambda texts: script("([words, texts]) => texts.map(csvCell(words))", [words, texts])


def _agree(texts: list[str], cells: list[str]) -> None:
    """Compare what the script wrote with what every other CSV holds for the same texts."""
    read = lambda text: [row[0] for row in csv.reader(io.StringIO(text, newline=""))]  # noqa: E731
    other = read(files.as_csv(pd.DataFrame({"c": texts})).removeprefix("\ufeff"))[1:]
    own = read("\n".join(cell or '""' for cell in cells))
    assert [text.replace("\r", "\n") for text in own] == [text.replace("\r", "\n") for text in other]


def test_the_script_marks_every_letter_before_a_sign_as_every_other_csv(cells_of_the_script):
    letters = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    texts = [f"{letter}{rest}" for rest in ("=1", "1+1") for letter in letters]
    cells = cells_of_the_script(texts)
    assert sum(cell.lstrip('"').startswith("'") for cell in cells) == 50
    _agree(texts, cells)


@settings(max_examples=2000 if MONTHLY else 100, derandomize=not MONTHLY, database=None, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(st.lists(st.text() | st.text("'\"=+-@＝＋－＠\t\r\n \xa0\u2003\ufeff0.,;a"), min_size=20))
def test_the_script_marks_every_text_that_every_other_csv_marks(cells_of_the_script, texts):
    _agree(texts, cells_of_the_script(texts))


def test_the_script_is_small_and_the_page_not_large(mall):
    assert (files.ROOT / "report" / "template" / "explore.js").stat().st_size < 40_000
    assert _path(mall, "mall").stat().st_size <= 900_000


def unpacked(column: dict) -> list[float | None]:
    """Return a column of the rows of Explore as the script of the page reads it."""
    codes = np.frombuffer(b64decode(column["codes"]), "<u2" if column["wide"] else "<u1")
    if "values" in column:
        return [column["values"][code - 1] if code else None for code in codes]
    return [float(f"{column['least'] + int(code) - 1}e{-column['places']}") if code else None for code in codes]


@pytest.mark.parametrize(
    ("values", "size"),
    [
        ([1, 2, None, 5], 4),
        ([0.1, -0.7, 0.3, None], 4),
        ([12_300, 98_700, 45_600], 6),
        ([1_230_000_000, 4_560_000_000], 4),
        ([*range(0, 900_000, 1_000)], 1_800),
        ([0.00123, 45.6, 7_890, None], 4),
        ([1 / 3, 2 / 3], 2),
        ([-1, 3, -1], 3),
        ([None, None], 2),
        ([], 0),
    ],
)
def test_rows_are_packed_in_few_bytes_and_are_the_same_numbers_again(values, size):
    packed = _packed(values)
    assert unpacked(packed) == values
    assert len(b64decode(packed["codes"])) == size


def test_the_script_unpacks_the_rows_of_the_page(reader, mall, tmp_path):
    held = json.loads(re.search(r'id="explore-data"[^>]*>(.*?)</script>', mall.page("mall"), re.S)[1])
    with reader.expect_download() as caught:
        reader.get_by_role("button", name="Download the rows shown as CSV").click()
    given = pd.read_csv(caught.value.path())
    for name in ("segment", "age", "income", "spending"):
        assert given[name].tolist() == unpacked(held["rows"][name]), name


def test_rows_inside_are_rounded_in_another_order_and_without_ids(mall):
    page = mall.page("mall")
    held = json.loads(re.search(r'id="explore-data"[^>]*>(.*?)</script>', page, re.S)[1])
    customers = pd.read_parquet(mall.artifact("mall", "customers.parquet"))
    income = unpacked(held["rows"]["income"])
    assert sorted(income) == sorted(customers["income"].round())
    assert income != customers["income"].tolist()
    assert set(held["rows"]) == {"segment", "age", "income", "spending", "gender"}


def test_every_sentence_changes_with_the_data(sample, shop):
    """A sentence with a figure that stands in the reports on two tables is one of the method, or holds a threshold."""
    one, other = _sentences(sample, "sample"), _sentences(shop, "shop")
    cells = [cell for path in (files.ROOT / "notebooks").iterdir() for cell in json.loads(path.read_text())["cells"]]
    written = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    template = (files.ROOT / "report" / "template" / "index.html.j2").read_text()
    written += [template, evidence_tell.rule(), tell_quantiles(private=True)]
    method = " ".join(re.sub(r"[*`]|\[|\]\([^)]*\)", "", " ".join(source.split())) for source in written)
    assert len(one) > 80
    same = {told for told in one & other if re.sub(r"Figure \d+", "The figure", told) not in method}
    assert {figure for told in same for figure in re.findall(r"\d[\d.,]*\d|\d", told)} <= BOUNDS


# What a sentence may say of any table: the ends of scales, the thresholds, and the bounds of what is shown.
BOUNDS = {"0", "1", "1.00", "0.001", "0.25", "0.5", "0.8", "10", "30", "95", "100"}


def _sentences(project: Project, run: str) -> set[str]:
    """Return the sentences of a report that hold a figure, those that screen readers read out among them."""
    page = re.sub(
        r"<script.*?</script>|<style.*?</style>|<details(?! class=.chapter)[^>]*>.*?</details>",
        "",
        project.page(run),
        flags=re.S,
    )
    told = [label for label in re.findall(r'aria-label="([^"]*)"', page) if not re.match(r"Panel \d+ of", label)]
    page = re.sub(r"<svg.*?</svg>", "", page, flags=re.S)
    told += re.findall(
        r"<(?:p|h1|small|figcaption|caption)\b[^>]*>(.*?)</(?:p|h1|small|figcaption|caption)>", page, re.S
    )
    texts = [
        re.sub(r"^(Figure|Table) \d+\. ", "", " ".join(html.unescape(re.sub("<[^>]+>", "", text)).split()))
        for text in told
    ]
    parts = {part for text in texts for part in re.split(r"(?<=[.;:]) ", text) if re.search(r"\d", part)}
    # The key beside a name, and a size alone, which two tables may share.
    return {part for part in parts if not re.fullmatch(r"segment \d+|\d+ customers\.", part)}


@pytest.fixture
def printed(mall):
    return pypdfium2.PdfDocument(mall.root / "report" / "mall" / "report.pdf")


@pytest.fixture(scope="module")
def whole(mall):
    """The same with the chapters."""
    return pypdfium2.PdfDocument(print_page(in_full(mall.page("mall"))))


def _pages(document) -> list[str]:
    return [document[i].get_textpage().get_text_range() for i in range(len(document))]


def _alternative_texts(page) -> list[str]:
    """Return the alternative texts of the structure of one page."""
    tree = raw.FPDF_StructTree_GetForPage(page)
    found, waiting = (
        [],
        [raw.FPDF_StructTree_GetChildAtIndex(tree, i) for i in range(raw.FPDF_StructTree_CountChildren(tree))],
    )
    while waiting:
        element = waiting.pop()
        size = raw.FPDF_StructElement_GetAltText(element, None, 0)
        if size > 2:
            buffer = ctypes.create_string_buffer(size)
            raw.FPDF_StructElement_GetAltText(element, buffer, size)
            found.append(buffer.raw.decode("utf-16-le").rstrip("\0"))
        children = (
            raw.FPDF_StructElement_GetChildAtIndex(element, i)
            for i in range(raw.FPDF_StructElement_CountChildren(element))
        )
        waiting += [child for child in children if child]
    return found


def test_the_printed_report_has_every_card_on_its_first_page_and_method_and_data_on_its_last(printed, mall):
    pages = _pages(printed)
    assert len(pages) <= 4
    assert raw.FPDFCatalog_IsTagged(printed)
    for profile in read_json(mall.artifact("mall", "profiles.json"))["segments"]:
        assert f"{profile['size']} customers" in pages[0]
        assert pages[0].count(profile["name"]) >= 2  # at a glance, and the card
    assert "Where they stand" in pages[1]
    text = " ".join(pages)
    for told in ("Method", "Mall_Customers.csv", "resamples", "scikit-learn", "The verdict is natural"):
        assert told in text
    assert "Cleaning: which customers" not in text
    assert read_json(mall.artifact("mall", "manifest.json"))["outputs"]["report/mall/report.pdf"]


def test_the_whole_pdf_is_tagged_and_has_contents_bookmarks_numbers_and_titles(whole):
    printed, pages = whole, _pages(whole)
    assert 4 < len(printed) <= 18
    assert raw.FPDFCatalog_IsTagged(printed)
    told = [alt for i in range(len(printed)) for alt in _alternative_texts(printed[i])]
    assert sum(len(alt) > 30 for alt in told) >= 15
    marks = [mark.get_title() for mark in printed.get_toc()]
    assert "Who are the segments, and what should we do?" in marks
    assert f"2 / {len(printed)}" in pages[1]
    assert "Five segments among 200 customers" in pages[1]
    contents = next(page for page in pages if "Contents" in page)
    number = int(re.search(r"Forming the segments[ .]*(\d+)", contents)[1])
    assert "Forming the segments" in pages[number - 1]
    assert "import pandas" not in "".join(pages)
