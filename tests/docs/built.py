"""What a built site must hold: no source outside of it, no link that leads nowhere, and a search that answers."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

from tests.browser import open_browser, open_page

FETCHED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "embed": "src",
    "object": "data",
    "link": "href",
}
OUTSIDE = re.compile(r"(?:[a-z]+:)?//", re.I)
IN_STYLE = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s]+)""")
SEARCHED = "silhouette"


class _Page(HTMLParser):
    """What a page fetches, where it leads, and the places in it that a link may name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.leads: list[str] = []
        self.places = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        told = {name: value or "" for name, value in attrs}
        self.places |= {told["id"]} if "id" in told else set()
        self.leads += [told["href"]] if tag == "a" and "href" in told else []
        if tag in FETCHED and FETCHED[tag] in told and told.get("rel") != "canonical":
            self.fetched.append(told[FETCHED[tag]])
        self.fetched += IN_STYLE.findall(told.get("style", ""))
        self.fetched += [part.split()[0] for part in told.get("srcset", "").split(",") if part.strip()]


def faults(site: Path) -> list[str]:
    """Return what pages and styles of a site fetch from outside, and the links that lead nowhere in it."""
    pages = {path.resolve(): _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        found += [f"{path.name} fetches {place}" for place in page.fetched if OUTSIDE.match(place)]
        found += [f"{path.name} leads to {link}" for link in page.leads + page.fetched if not _there(path, link, pages)]
    for path in sorted(site.rglob("*.css")):
        found += [
            f"{path.name} fetches {place}" for place in IN_STYLE.findall(path.read_text()) if OUTSIDE.match(place)
        ]
    return found


def _there(path: Path, link: str, pages: dict[Path, _Page]) -> bool:
    """Return whether a link leads outside, or to something that is there."""
    if OUTSIDE.match(link) or re.match(r"(data|blob|mailto|javascript):", link):
        return True
    name, _, place = link.partition("#")
    target = (path.parent / unquote(name.partition("?")[0])).resolve() if name else path
    target = target / "index.html" if target.is_dir() else target
    return target.exists() and (target not in pages or unquote(place) in pages[target].places)


def seen(site: Path) -> Iterator[str]:
    """Yield what pages ask for outside of their folder, or complain of, in a browser without a network."""
    with open_browser() as browser:
        for path in sorted(site.rglob("*.html")):
            with open_page(browser, path.resolve()) as page:
                page.wait_for_load_state("networkidle")
                yield from (f"{path.name} asks {url}" for url in page.requested if url.startswith("http"))
                yield from (f"{path.name} complains: {text}" for text in page.complaints)


def search(site: Path) -> None:
    """Find a page by the search of a site that is opened as a file; it is an error when nothing is found."""
    with open_browser() as browser, open_page(browser, site.resolve() / "index.html") as page:
        page.locator("[data-md-component=search-query]").fill(SEARCHED)
        page.locator("[data-md-component=search-result] a").first.wait_for(state="attached")
