"""The report on the sample: what comes out of one command, and what a reader finds in it."""

import base64
import getpass
import hashlib
import html
import re
import shutil
import socket
from html.parser import HTMLParser
from itertools import pairwise

import nbformat
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from segmentation.core import files
from segmentation.core.files import read_json, sha256
from segmentation.language import telling_in
from segmentation.language.writing import shares
from segmentation.report.render import SENTENCE, merge, print_page, rendered
from segmentation.report.tell import across
from segmentation.runs.stages import STAGES
from tests.conftest import ROOT, Project, copy_project


class Page(HTMLParser):
    """Collects the elements of a page as (tag, attributes, tags around it), and its visible text."""

    def __init__(self, text: str):
        super().__init__()
        self.elements, self.texts, self.around = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes), tuple(self.around)))
        if tag not in ("meta", "br", "img", "link", "hr", "input"):
            self.around.append(tag)

    def handle_endtag(self, tag):
        while self.around and self.around.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"style", "script", "pre", "svg"} & set(self.around):
            self.texts.append(data)

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes, _ in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def page(sample) -> Page:
    return Page(sample.page("sample"))


def test_every_stage_writes_its_artifacts_and_its_executed_notebook(sample):
    for stage in STAGES:
        for name in stage.writes:
            assert sample.artifact("sample", name).stat().st_size > 0
        assert (sample.root / "report" / "sample" / "notebooks" / stage.notebook.name).is_file()


def test_manifest_has_the_fingerprint_of_every_artifact(sample):
    manifest = read_json(sample.artifact("sample", "manifest.json"))
    written = [name for stage in STAGES for name in stage.writes]
    expected = {f"assets/sample/{name}" for name in (*written, "segments.csv")} | {"report/sample/report.html"}
    expected |= {f"report/sample/notebooks/{stage.notebook.name}" for stage in STAGES}
    expected |= {f"assets/sample/figures/{path.name}" for path in sample.artifact("sample", "figures").iterdir()}
    assert set(manifest["outputs"]) == expected
    for name, fingerprint in (manifest["inputs"] | manifest["outputs"]).items():
        path = sample.root / ("data/sample/customers.csv" if name == "customers.csv" else name)
        assert sha256(path) == fingerprint
    assert manifest["parameters"] == {
        "data": "customers.csv",
        "dataset": "sample",
        "features": "income,spending",
        "k": "auto",
        "method": "auto",
        "resamples": 100,
        "run": "sample",
        "seed": 0,
        "engine": "duckdb",
        "language": "en",
    }
    assert {"python", "pandas", "scikit-learn"} <= set(manifest["versions"])


def test_segments_are_the_planted_ones(sample):
    truth = pd.read_csv(sample.root / "data" / "sample" / "planted_segments.csv").set_index("customer_id")
    found = pd.read_csv(sample.artifact("sample", "segments.csv")).set_index("id")
    assert set(found.index) == set(truth.index)
    assert adjusted_rand_score(truth["planted_segment"], found["segment"].reindex(truth.index)) > 0.95


def test_a_second_run_runs_nothing_and_prints_five_lines_and_the_path(sample):
    before = {path: path.stat().st_mtime_ns for path in sample.artifact("sample", "").rglob("*") if path.is_file()}
    done = sample.run("report")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert len(lines) == 6
    assert lines[0] == "Five segments among 200 customers"
    assert lines[4].endswith("nothing; everything was up to date")
    assert lines[5] == "report/sample/report.html"
    after = {path: path.stat().st_mtime_ns for path in before}
    assert after == {path: before[path] if path.name != ".doit.json" else after[path] for path in before}


def test_a_changed_or_missing_result_is_made_again(toy):
    figure, table = toy.artifact("sample", "figures/05-toy.svg"), toy.artifact("sample", "profiles.csv")
    content = figure.read_bytes(), table.read_bytes()
    figure.unlink()
    table.write_text("size\n")
    done = toy.run("report")
    assert done.returncode == 0
    assert (figure.read_bytes(), table.read_bytes()) == content
    assert done.stdout.splitlines()[4] == "  Ran       05_profiling"


def test_page_asks_no_network(sample):
    page = Page(sample.page("sample"))
    attributes = [pair for _, a, _ in page.elements for pair in a.items()]
    links = [value for key, value in attributes if key.split(":")[-1] in ("src", "href", "data")]
    assert links
    assert [link for link in links if not link.startswith(("#", "data:"))] == []
    assert not re.search(r"@import|url\((?!['\"]?#)|fetch\(|XMLHttpRequest", sample.page("sample"))


def test_the_policy_of_the_page_allows_its_own_scripts_alone(sample, page):
    [policy] = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    scripts = re.findall(r"<script>(.*?)</script>", sample.page("sample"), re.S)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert len(digests) == 2
    assert rules == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "script-src": f"'sha256-{digests[0]}' 'sha256-{digests[1]}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_page_names_no_customer_path_user_or_host(sample):
    text = sample.page("sample")
    ids = pd.read_csv(sample.artifact("sample", "segments.csv"))["id"]
    assert [i for i in ids if i in text] == []
    for secret in (str(sample.root), str(ROOT), socket.gethostname(), f"/{getpass.getuser()}/"):
        assert secret not in text


def test_executed_notebooks_name_no_path(sample):
    for path in (sample.root / "report" / "sample" / "notebooks").iterdir():
        assert str(sample.root) not in path.read_text(encoding="utf-8")


def test_every_figure_has_an_alternative_text_and_a_caption(page):
    pictures = [a for tag, a, around in page.elements if tag == "svg" and "figure" in around]
    assert all(a["role"] == "img" for a in pictures)
    told = [a["aria-label"] for a in pictures if not re.fullmatch(r"Panel \d of \d+", a["aria-label"])]
    assert len(told) == len(page.all("figure")) == len(page.all("figcaption")) > 10
    assert min(map(len, told)) > 30


def test_code_unfolds_to_the_line_that_drew_the_figure(sample):
    chapters = sample.page("sample").partition("<article>")[2]
    drawn = []
    for cell in chapters.split('<div class="cell')[1:]:
        folds = re.findall(r'<details class="fold code">(.*?)</details>', cell, flags=re.DOTALL)
        code = html.unescape(re.sub("<[^>]+>", "", " ".join(folds)))
        for name in re.findall('<figure id="([^"]+)"', cell):
            drawn.append(name)
            several = name.rsplit("-", 1)[0]
            assert f'figure(run, "{name}", drawn' in code or f'figures(run, "{several}", drawn' in code, name
    assert len(drawn) > 15


def test_code_is_folded(page):
    code = [around for tag, a, around in page.elements if tag == "pre"]
    assert len(code) > 10
    assert sum(around.count("details") == 1 for around in code) == 1  # the SQL of the rules, in a chapter
    assert all("open" not in a for a in page.all("details"))


def test_headings_have_one_hierarchy_and_contents_lead_to_chapters(page):
    levels = [int(tag[1]) for tag, _, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))
    ids = [a["id"] for _, a, around in page.elements if "id" in a and "svg" not in around]
    assert len(ids) == len(set(ids))
    contents = [a["href"].removeprefix("#") for tag, a, around in page.elements if tag == "a" and "nav" in around]
    assert len(contents) == 12
    assert set(contents) <= set(ids)


def test_summary_and_cards_say_what_the_artifacts_say(sample, page):
    profiles = read_json(sample.artifact("sample", "profiles.json"))
    selection = read_json(sample.artifact("sample", "k_selection.json"))
    assert "Five segments among 200 customers" in page.text
    assert f"The mean silhouette is {selection['criteria']['5']['silhouette']:.2f}" in page.text
    assert "The verdict is natural" in page.text
    told = shares(segment["size"] for segment in profiles["segments"])
    for own, share in zip(profiles["segments"], told, strict=True):
        card = f"{own['name']} segment {own['segment']} What to do: {own['action']} {share} {own['size']} customers"
        assert card in page.text
        # At a glance, on the card, as what to do with why, and in the table of chapter 5.
        assert page.text.count(own["action"]) == 4
        assert f"{own['action']} {own['size']} customers. It came back in every one of 100 repeats." in page.text
    first = page.text.partition("Ordered by customers, the most first.")[2]
    largest = [own["name"] for own in sorted(profiles["segments"], key=lambda own: -own["size"])]
    assert sorted(largest, key=first.index) == largest
    for told in ("customers.csv", sha256(ROOT / "data/sample/customers.csv"), "income,spending", "dataset.yaml"):
        assert told in page.text


def test_exporter_works_through_nbconvert_on_one_executed_notebook(sample):
    from nbconvert.exporters import get_exporter

    executed = sample.root / "report" / "sample" / "notebooks" / "05_profiling.ipynb"
    html, _ = get_exporter("segmentation-html")().from_notebook_node(nbformat.read(executed, as_version=4))
    assert re.search(r"<h1>\s*Who are the segments, and what should we do\?", html)
    assert "<figure" in html


def test_where_nothing_is_found_the_whole_report_says_so(fresh):
    folder = fresh.root / "data" / "noise"
    folder.mkdir()
    rows = np.random.default_rng(1).normal(size=(120, 5)).round(6)
    names = [f"f{i}" for i in range(5)]
    pd.DataFrame(rows, columns=names).rename_axis("id").to_csv(folder / "noise.csv")
    columns = "\n".join(f"  {name}: {{role: feature}}" for name in names)
    segments = "\n".join(
        f"  - {{levels: {{f0: {h}}}, name: Fans, action: Invite.}}" for h in ("low", "average", "high")
    )
    (folder / "dataset.yaml").write_text(
        f"title: Noise\nsource: {{path: noise.csv}}\ncolumns:\n  id: {{role: id}}\n{columns}\nsegments:\n{segments}\n"
    )
    done = fresh.call("report", "--dataset", "noise", "--resamples", "20", drawn=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("No segments among 120 customers")
    assert read_json(fresh.artifact("noise", "k_selection.json"))["verdict"] == "none"
    page = Page(fresh.page("noise"))
    for told in (
        "No segments among 120 customers",
        "Nothing shows that these customers fall into groups",
        "The parts",
        "These parts are a cut",
    ):
        assert told in page.text
    assert "No segments; verdict: none." in page.text
    assert "Invite." not in page.text
    assert "What to do" not in page.text


def test_without_pango_the_page_is_made_and_one_line_says_what_to_install(toy, tmp_path):
    (tmp_path / "weasyprint.py").write_text("raise OSError('cannot load library')")
    (toy.root / "report" / "sample" / "report.pdf").touch()
    done = toy.run("report", "--seed", "1", PYTHONPATH=f"{tmp_path}:{toy.root}")
    assert done.returncode == 1
    [told] = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert all(f"{word} install" in told for word in ("apt-get", "brew", "conda"))
    assert "(Windows)" in told
    assert "cannot load library. The report.pdf of before is removed" in told
    assert (toy.root / "report" / "sample" / "report.html").is_file()
    assert not [*(toy.root / "report" / "sample").glob("*.pdf")]


def test_exporter_prints_one_executed_notebook(sample):
    from nbconvert.exporters import get_exporter

    executed = sample.root / "report" / "sample" / "notebooks" / "01_cleaning.ipynb"
    printed, resources = get_exporter("segmentation-pdf")().from_notebook_node(nbformat.read(executed, as_version=4))
    assert printed.startswith(b"%PDF")
    assert resources["output_extension"] == ".pdf"


def test_tags_and_captions_of_cells_are_honoured():
    from nbconvert.exporters import get_exporter

    image = {"image/png": "iVBORw0KGgo="}
    drawing = {"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'></svg>"}
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_markdown_cell("# Shown", id="one"),
        nbformat.v4.new_markdown_cell("left out", id="two", metadata={"tags": ["hide"]}),
        nbformat.v4.new_markdown_cell("folded", id="three", metadata={"tags": ["method"]}),
        nbformat.v4.new_code_cell(
            "plot()",
            id="four",
            metadata={"caption": "What <it> says.", "alt": "A line that rises"},
            outputs=[nbformat.v4.new_output("display_data", image)],
        ),
        nbformat.v4.new_code_cell("secret = 1", id="five", metadata={"tags": ["hide"]}),
        nbformat.v4.new_code_cell(
            "draw()", id="six", metadata={"caption": "Six."}, outputs=[nbformat.v4.new_output("display_data", drawing)]
        ),
        nbformat.v4.new_code_cell("kept = 1", id="seven"),
        nbformat.v4.new_code_cell("other_secret = 1", id="eight", metadata={"tags": ["hide"]}),
    ]
    notebook = merge([notebook])
    html, _ = get_exporter("segmentation-html")().from_notebook_node(notebook)
    page = Page(html)
    assert "left out" not in page.text
    assert "Method folded" in page.text
    assert "Shown" in page.text
    assert [a["id"] for tag, a, _ in page.elements if a.get("class", "").startswith("cell")] == [
        "one", "three", "four", "six", "seven",
    ]  # fmt: skip
    assert [picture["alt"] for picture in page.all("img")] == ["A line that rises", "Six."]
    assert "Figure 1. What <it> says." in page.text
    assert "Figure 2. Six." in page.text
    assert "kept" in html
    assert "secret" not in html


def test_a_chapter_is_rendered_once_for_what_it_says(sample, tmp_path, monkeypatch):
    executed = tmp_path / "02_eda.ipynb"
    text = (sample.root / "report" / "sample" / "notebooks" / executed.name).read_text(encoding="utf-8")
    executed.write_text(text, encoding="utf-8")
    first = rendered(executed)
    assert rendered(executed) is first
    executed.write_text(text.replace("Exploring: what", "Who"), encoding="utf-8")
    again = rendered(executed)
    assert "Who do the customers" in again.page
    assert "Who do the customers" not in first.page
    with telling_in("de"):
        assert rendered(executed).page != again.page
    template = tmp_path / "report" / "template"
    shutil.copytree(files.SHIPPED / "report" / "template", template)
    (template / "index.html.j2").write_text((template / "index.html.j2").read_text().replace("<article>", "<article >"))
    monkeypatch.setattr(files, "SHIPPED", tmp_path)
    assert rendered(executed) is not again


def test_a_page_is_printed_without_asking_any_source():
    outside = ROOT / "assets" / "readme" / "dark.png"
    page = "<title>t</title><p>text</p>"
    assert len(print_page(f'{page}<img src="{outside.as_uri()}">')) < len(print_page(page)) + 2_000


def test_links_to_figures_name_their_number(sample, page):
    text = sample.page("sample")
    number = int(re.search(r'<figure id="04-original">.*?<b>Figure (\d+)\.</b>', text, re.S)[1])
    assert f'<a href="#04-original">Figure {number}</a>' in text
    numbers = [int(n) for n in re.findall(r"<figcaption><b>Figure (\d+)\.</b>", text)]
    assert numbers == list(range(1, len(page.all("figure")) + 1))
    tables = [int(n) for n in re.findall(r"<caption><b>Table (\d+)\.</b>", text)]
    assert tables == list(range(1, len(page.all("caption")) + 1))


def test_no_card_stands_alone_in_the_last_row():
    assert [n % across(n) for n in range(2, 13) if n % across(n) == 1] == []
    assert [across(n) for n in (1, 2, 3, 4, 5, 6, 7)] == [1, 2, 3, 4, 3, 3, 4]


def test_the_answer_of_a_chapter_is_its_first_sentence():
    told = ["198 rows of 200 can be trusted, z. B. these. No more.", "k = 5. is one. Two", "Wer, 3.5 Punkte? Alle!", ""]
    assert [SENTENCE.findall(text)[0] for text in told] == [
        "198 rows of 200 can be trusted, z. B. these.",
        "k = 5. is one.",
        "Wer, 3.5 Punkte?",
        "",
    ]


def test_names_from_data_are_escaped(tmp_path):
    project = copy_project(tmp_path)
    described = project.root / "data" / "sample" / "dataset.yaml"
    text = described.read_text(encoding="utf-8")
    hostile = '<script>alert(1)</script> "quoted" *Income* $x$'
    described.write_text(text.replace("label: Annual income", f"label: '{hostile}'"), encoding="utf-8")
    done = project.call("report", "--resamples", "10")
    assert done.returncode == 0, done.stderr
    page = Page(project.page("sample"))
    assert len(page.all("script")) == 3
    assert hostile in page.text


def test_pdf_is_printed_and_listed_and_printed_again_with_the_page(toy: Project):
    pytest.importorskip("weasyprint", exc_type=OSError, reason="the Pango library is not installed")
    printed = toy.root / "report" / "sample" / "report.pdf"
    sizes = []
    for words in (["pdf"], ["report", "--seed", "1"], ["pdf", "--full"], ["report", "--seed", "0"], ["pdf"]):
        done = toy.run(*words)
        assert done.returncode == 0, done.stderr
        assert re.search(r"^  Ran .*report\.pdf", done.stdout, flags=re.M)
        assert printed.read_bytes().startswith(b"%PDF")
        manifest = read_json(toy.artifact("sample", "manifest.json"))
        assert manifest["outputs"]["report/sample/report.pdf"] == sha256(printed)
        sizes.append(printed.stat().st_size)
    assert [size > 1.2 * sizes[0] for size in sizes] == [False, False, True, True, False]  # kept as it was asked for
    assert sorted(path.name for path in printed.parent.iterdir()) == ["notebooks", "report.html", "report.pdf"]
