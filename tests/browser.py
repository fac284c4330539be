"""A real Chromium, to look at a report as a reader does: offline, in light, dark and on a phone."""

import shutil
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

LOOKS = {
    "light": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "mobile": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")  # of axe
SETTLED = """() => {
  const app = document.querySelector("[data-test-script-state]");  // of the dashboard: what is out of date, it fades
  const busy = app && app.dataset.testScriptState !== "notRunning" || document.querySelector("[data-stale='true']");
  const once = (one) => one.effect.getComputedTiming().iterations === 1;  // what repeats leads nowhere
  return !busy && !document.getAnimations().some((one) => one.playState === "running" && once(one));
}"""
LONGEST = 30_000  # milliseconds until a page has settled, on a machine that is busy
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """Return the path of an installed Chromium or Chrome."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def open_browser():
    """Start Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def open_page(browser: Browser, place: Path | str, look: str = "light", **options):
    """Open a file with the network off, or an address; the page notes what it asked for and what it complained of."""
    context = browser.new_context(offline=isinstance(place, Path), **LOOKS[look] | options)
    page: Page = context.new_page()
    page.set_default_timeout(5_000)
    page.set_default_navigation_timeout(30_000)  # a server may just have started
    page.requested, page.complaints = [], []
    page.on("request", lambda request: page.requested.append(request.url))
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(place.as_uri() if isinstance(place, Path) else place)
    yield page
    context.close()


def settle(page: Page) -> None:
    """Wait until a page is as it stays: before, colours and sizes are on their way."""
    page.wait_for_function(SETTLED, timeout=LONGEST)


def violations(page: Page, *, rules: tuple[str, ...] = RULES) -> list[tuple[str, str]]:
    """Return what axe finds on a page that has settled: the rule, and the first element that breaks it."""
    settle(page)
    found = Axe().run(page, options={"runOnly": [*rules]})
    return [(fault["id"], fault["nodes"][0]["html"][:300]) for fault in found.response["violations"]]
