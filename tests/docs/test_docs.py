"""The site of the documents: what it is made from, and what is found on one that was built badly."""

import re
from inspect import getdoc

import pytest
import yaml

from tests.conftest import ROOT
from tests.docs.built import faults, seen
from tests.docs.gallery import REPORTS, write_tables
from tests.docs.pages import called, copy_documents, find, home_of, homes, write_api

SITE = yaml.safe_load((ROOT / "docs" / "mkdocs.yml").read_text(encoding="utf-8"))
NAMES = sorted((package, name) for package, names in called().items() for name in names)


def _listed(nav: list | dict | str) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    return [page for part in (nav.values() if isinstance(nav, dict) else nav) for page in _listed(part)]


def test_every_document_and_every_package_that_notebooks_import_has_its_page():
    pages = [*homes().values(), "gallery.md", *(f"api/{package}.md" for package in called())]
    assert sorted(_listed(SITE["nav"])) == sorted(pages)


def test_notebooks_call_what_is_found_in_them():
    assert ("customers", "clean") in NAMES
    assert ("runs", "tell.useful") in NAMES
    assert ("monitoring", "advice.todo") in NAMES
    assert len(NAMES) > 200


@pytest.mark.parametrize(("package", "name"), NAMES, ids=map(".".join, NAMES))
def test_what_notebooks_call_says_what_it_does(package, name):
    thing = find(package, name)
    told = getdoc(thing)
    assert not callable(thing) or told
    assert not re.findall(r"^\w+ : .*\.$", told, flags=re.M)  # a sentence where the page would show it as a type


def test_what_notebooks_call_stands_on_the_page_of_its_package(tmp_path):
    write_api(tmp_path)
    for package, names in called().items():
        told = (tmp_path / "api" / f"{package}.md").read_text()
        shown = dict(re.findall(r"^::: (\S+)\n    options:\n      heading: \"(\S+)\"$", told, flags=re.M))
        assert {home_of(package, name): f"{package}.{name}" for name in names}.items() <= shown.items()


def test_documents_lead_to_pages_of_the_site(tmp_path):
    copy_documents(tmp_path)
    start = (tmp_path / "index.md").read_text()
    assert "](method.md" in start
    assert "](docs/" not in start
    assert (tmp_path / "assets" / "readme" / "report.png").is_file()


def test_the_tables_of_the_gallery_are_the_same_each_time(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_tables(tmp_path / folder)
    made = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert made == sorted(shown.table for shown in REPORTS if shown.simulate)
    assert len(REPORTS) == 4
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in made)


def test_nothing_is_fetched_by_what_the_site_is_told():
    assert SITE["theme"]["font"] is False
    assert not {"repo_url", "site_url", "extra_javascript"} & set(SITE)
    for name in ("mkdocs.yml", "site.css", "iframe-worker.js"):
        assert "//" not in re.sub(r"^\s*//.*", "", (ROOT / "docs" / name).read_text(), flags=re.M)


GOOD = '<link rel="stylesheet" href="a.css"><a href="#there">x</a><a href="b.html#here">x</a><p id="there"></p>'


@pytest.mark.parametrize(
    ("markup", "style", "said"),
    [
        (GOOD, "p {background: url(data:image/png;base64,AA)}", []),
        ('<script src="https://cdn.example/a.js"></script>', "", ["fetches https://cdn.example/a.js"]),
        ('<link rel="preconnect" href="//fonts.example">', "", ["fetches //fonts.example"]),
        ('<img srcset="https://a.example/b.png 2x">', "", ["fetches https://a.example/b.png"]),
        (GOOD, "@import 'https://fonts.example/a.css';", ["fetches https://fonts.example/a.css"]),
        ('<a href="https://example.org">x</a><a href="c.html">x</a>', "", ["leads to c.html"]),
        ('<a href="b.html#nowhere">x</a>', "", ["leads to b.html#nowhere"]),
    ],
)
def test_what_a_site_fetches_and_where_it_leads_nowhere_is_found(tmp_path, markup, style, said):
    (tmp_path / "a.html").write_text(markup)
    (tmp_path / "b.html").write_text('<p id="here"></p>')
    (tmp_path / "a.css").write_text(style)
    assert [fault.split(" ", 1)[1] for fault in faults(tmp_path)] == said


def test_a_page_that_asks_while_it_is_read_is_seen(tmp_path):
    (tmp_path / "a.html").write_text("<!doctype html><p>x</p>")
    assert list(seen(tmp_path)) == []
    (tmp_path / "a.html").write_text("<!doctype html><script>new Image().src = 'http://a.example/b.png'</script>")
    assert "a.html asks http://a.example/b.png" in list(seen(tmp_path))
