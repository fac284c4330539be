"""The report as a reader meets it, in a real Chromium: offline, light, dark, on a phone, printed, without scripting."""

import csv
import ctypes
import html
import io
import json
import re

import numpy as np
import pandas as pd
import pypdfium2
import pytest
from axe_playwright_python.sync_playwright import Axe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import expect
from pypdfium2 import raw

from segmentation.core import files
from segmentation.core.files import read_json
from segmentation.evidence import tell as evidence_tell
from segmentation.language.writing import shares
from tests.browser import LOOKS, open_page
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
        assert _violations(page) == []
        page.get_by_role("button", name="Unfold code and methods").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= LOOKS[look]["viewport"]["width"]
        assert page.requested == [_path(mall, "mall").as_uri()]
        assert page.complaints == []


def test_unfolded_and_private_pages_are_accessible_too(browser, mall, shop):
    with open_page(browser, _path(mall, "mall"), "dark") as page:
        page.get_by_role("button", name="Unfold code and methods").click()
        assert _violations(page) == []
    with open_page(browser, _path(shop, "shop")) as page:
        assert _violations(page) == []
        assert page.complaints == []


def _violations(page) -> list:
    found = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    return [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in found.response["violations"]]


def test_one_control_unfolds_all_and_the_contents_mark_the_place(reader):
    folds = reader.locator("details.fold")
    assert folds.count() > 30
    assert reader.locator("details.fold[open]").count() == 0
    reader.get_by_role("button", name="Unfold code and methods").click()
    assert reader.locator("details.fold[open]").count() == folds.count()
    reader.get_by_role("button", name="Unfold code and methods").click()
    assert reader.locator("details.fold[open]").count() == 0
    chapter = reader.locator("#contents a", has_text="Forming the segments")
    chapter.click()
    expect(reader.locator("#contents [aria-current]")).to_have_text("Forming the segments")


def test_motion_is_reduced_where_the_reader_asks_for_it(browser, mall):
    for asked, behaviour in (("reduce", "auto"), ("no-preference", "smooth")):
        with open_page(browser, _path(mall, "mall"), reduced_motion=asked) as page:
            assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == behaviour


def test_without_scripting_only_explore_is_missing(browser, mall):
    with open_page(browser, _path(mall, "mall"), java_script_enabled=False) as page:
        assert not page.locator("#explore").is_visible()
        assert not page.locator("#contents .live").is_visible()
        assert page.locator("article figure svg").count() > 15
        page.locator("details.fold summary").first.click()
        assert page.locator("details.fold[open]").count() == 1


def test_printed_by_the_browser_no_figure_is_cut(browser, mall):
    with open_page(browser, _path(mall, "mall"), viewport=A4_INNER) as page:
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


def _box(page, name: str):
    return page.get_by_role("checkbox", name=name, exact=True)


def test_filters_move_the_counters_and_every_picture(reader, mall):
    table = pd.read_parquet(mall.artifact("mall", "customers.parquet")).merge(
        pd.read_parquet(mall.artifact("mall", "segments.parquet")), on="id"
    )
    marks = reader.locator("[data-part=scatter] svg path")
    assert marks.count() == 200
    _box(reader, "Careful spenders").uncheck()
    _box(reader, "Male").uncheck()
    reader.get_by_role("group", name="Age (years)").get_by_label("from").fill("30")
    left = table[(table["segment"] != 3) & (table["gender"] == "Female") & (table["age"] >= 30)]
    assert _status(reader).startswith(f"{len(left)} of 200 customers shown: Standard customers ")
    assert marks.count() == len(left)
    assert reader.locator(".total").text_content() == str(len(left))
    assert reader.locator("[data-part=donut] path").count() == left["segment"].nunique()
    bars = reader.locator("[data-part=bars] p").all_text_contents()
    counts = [(left["segment"] == s).sum() for s in range(1, 6)]
    told = [f"{n} ({share})" for n, share in zip(counts, shares(counts), strict=True)]
    assert [bar.split(": ")[-1] for bar in bars] == told
    reader.get_by_role("button", name="Show all").click()
    assert _status(reader).startswith("200 of 200")
    on_cards = reader.locator(".cards .size b").all_text_contents()
    assert on_cards[0] == "41%"  # of 81 of 200: rounded here as there
    assert [bar.split("(")[1] for bar in reader.locator("[data-part=bars] p").all_text_contents()] == [
        f"{share})" for share in on_cards
    ]
    assert reader.complaints == []


def test_axes_can_be_chosen(reader):
    before = reader.locator("[data-part=scatter] svg path").nth(0).get_attribute("transform")
    reader.get_by_label("Across").select_option("Age (years)")
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
        assert f"Segment {found.segment}, {found.name}." in told
        distance, margin = map(float, re.search(r"Distance ([\d.]+), margin ([\d.]+),", told).groups())
        assert distance == pytest.approx(found.distance, abs=6e-4)
        assert margin == pytest.approx(found.margin, abs=6e-4)
        assert ("Careful: Annual income is outside of the data (15 to 137 k$)." in told) == (
            not 15 <= customer.income <= 137
        )
    form.get_by_label("Spending score").fill("200")
    assert answer.text_content() == "Spending score must be at least 1 and at most 100."
    form.get_by_label("Spending score").fill("")
    form.get_by_label("Spending score").press_sequentially("3,5")
    wrong = "found “3,5”, expected a number with a point and no unit, such as 3.5."
    assert answer.text_content() == f"Spending score: {wrong}"
    assert form.get_by_label("Spending score").get_attribute("aria-invalid") == "true"
    reader.get_by_role("group", name="Age (years)").get_by_label("from").fill("3,5")
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
            told = f"Probably segment {segment}, {profiles[segment]}. By these answers (Spending score) 93 of 100"
            assert told in answer.text_content()
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
        assert _box(page, HOSTILE[0]).count() == 1
        assert _violations(page) == []
        with page.expect_download() as caught:
            page.get_by_role("button", name="Download the rows shown as CSV").click()
        rows = list(csv.DictReader(caught.value.path().read_text(encoding="utf-8-sig").splitlines()))
        assert {row["c"] for row in rows} == {HOSTILE[0], HOSTILE[1], "turned", "'＝1+1", HOSTILE[4]}
        page.get_by_label("Across").select_option("Fixed")
        assert page.locator("[data-part=scatter] svg path").count() == 90
        assert "49 others" in page.locator("article").text_content()
        towns = page.get_by_role("group", name="Town" * 15)
        assert towns.get_by_role("checkbox").count() == 60
        assert towns.bounding_box()["height"] < 300
        assert {row["town"] for row in rows} == {f"Town {i}" for i in range(60)}
        assert page.complaints == []
    with open_page(browser, _path(project, "hostile"), "mobile") as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.fixture(scope="module")
def cells_of_the_script(browser):
    """What the script of Explore writes into a CSV for each of many texts."""
    page = browser.new_page()
    page.add_script_tag(path=files.ROOT / "report" / "template" / "explore.js")
    words = {"formula": files.RISKY, "number": files.HARMLESS}
    yield lambda texts: page.evaluate("([words, texts]) => texts.map(csvCell(words))", [words, texts])
    page.close()


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


def test_rows_inside_are_rounded_in_another_order_and_without_ids(mall):
    page = mall.page("mall")
    held = json.loads(re.search(r'id="explore-data"[^>]*>(.*?)</script>', page, re.S)[1])
    customers = pd.read_parquet(mall.artifact("mall", "customers.parquet"))
    assert sorted(held["rows"]["income"]) == sorted(customers["income"].round().astype(int))
    assert held["rows"]["income"] != customers["income"].tolist()
    assert set(held["rows"]) == {"segment", "age", "income", "spending", "gender"}


def test_every_sentence_changes_with_the_data(sample, shop):
    """A sentence with a figure that stands in the reports on two tables is one of the method, or holds a threshold."""
    one, other = _sentences(sample, "sample"), _sentences(shop, "shop")
    cells = [cell for path in (files.ROOT / "notebooks").iterdir() for cell in json.loads(path.read_text())["cells"]]
    written = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    written += [(files.ROOT / "report" / "template" / "index.html.j2").read_text(), evidence_tell.rule()]
    method = " ".join(re.sub(r"[*`]|\[|\]\([^)]*\)", "", " ".join(source.split())) for source in written)
    assert len(one) > 80
    same = {told for told in one & other if re.sub(r"Figure \d+", "The figure", told) not in method}
    assert {figure for told in same for figure in re.findall(r"\d[\d.,]*\d|\d", told)} <= BOUNDS


# What a sentence may say of any table: the ends of scales, the thresholds, and the bounds of what is shown.
BOUNDS = {"0", "1", "1.00", "0.001", "0.25", "0.5", "0.8", "10", "30", "95", "100"}


def _sentences(project: Project, run: str) -> set[str]:
    """Return the sentences of a report that hold a figure, those that screen readers read out among them."""
    page = re.sub(r"<script.*?</script>|<style.*?</style>|<details.*?</details>", "", project.page(run), flags=re.S)
    told = [label for label in re.findall(r'aria-label="([^"]*)"', page) if not re.match(r"Panel \d+ of", label)]
    page = re.sub(r"<svg.*?</svg>", "", page, flags=re.S)
    told += re.findall(
        r"<(?:p|h1|small|figcaption|caption)\b[^>]*>(.*?)</(?:p|h1|small|figcaption|caption)>", page, re.S
    )
    texts = [
        re.sub(r"^(Figure|Table) \d+\. ", "", " ".join(html.unescape(re.sub("<[^>]+>", "", text)).split()))
        for text in told
    ]
    return {part for text in texts for part in re.split(r"(?<=[.;:]) ", text) if re.search(r"\d", part)}


@pytest.fixture
def printed(mall):
    return pypdfium2.PdfDocument(mall.root / "report" / "mall" / "report.pdf")


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


def test_pdf_is_short_tagged_and_has_bookmarks_numbers_and_titles(printed, mall):
    path = mall.root / "report" / "mall" / "report.pdf"
    assert len(printed) <= 16
    assert path.stat().st_size < 1_000_000
    assert raw.FPDFCatalog_IsTagged(printed)
    told = [alt for i in range(len(printed)) for alt in _alternative_texts(printed[i])]
    assert sum(len(alt) > 30 for alt in told) >= 15
    marks = [mark.get_title() for mark in printed.get_toc()]
    assert "Who are the segments, and what should we do?" in marks
    pages = [printed[i].get_textpage().get_text_range() for i in range(len(printed))]
    assert f"2 of {len(printed)}" in pages[1]
    assert "Five segments among 200 customers" in pages[1]
    contents = next(page for page in pages if "Contents" in page)
    number = int(re.search(r"Forming the segments[ .]*(\d+)", contents)[1])
    assert "Forming the segments" in pages[number - 1]
    assert "import pandas" not in "".join(pages)
    assert read_json(mall.artifact("mall", "manifest.json"))["outputs"]["report/mall/report.pdf"]
