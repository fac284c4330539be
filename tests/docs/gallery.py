"""The four reports of the gallery: simulated tables, the command that reads each, and a picture of what comes out."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from segmentation.core import files
from tests.browser import open_browser, open_page

SEED = 7
Table = tuple[list[str], list[list]]  # heads, rows


def sell(rng: np.random.Generator) -> Table:
    """Return two years of purchases of 420 customers: regulars, large and rare ones, those who left, and newcomers."""
    kinds = (
        (150, 24, 30, 15),
        (90, 5, 220, 40),
        (110, 9, 45, 420),
        (70, 2, 40, 20),
    )  # of them, orders, amount, days since
    first, last = date(2024, 1, 1), date(2025, 12, 31)
    rows, customer = [], 0
    for size, orders, amount, since in kinds:
        for _ in range(size):
            customer += 1
            end = last - timedelta(days=int(rng.gamma(4, since / 4)))
            back = 60 if orders == 2 else (end - first).days
            for _ in range(1 + rng.poisson(orders - 1)):
                day = end - timedelta(days=int(rng.integers(0, max(back, 1))))
                rows.append([f"C{customer:04d}", max(day, first), round(amount * rng.lognormal(0, 0.4), 2)])
    rows.sort(key=lambda row: (row[1], row[0]))
    return ["customer_id", "order_id", "order_date", "amount"], [
        [who, f"B{number:06d}", day.isoformat(), f"{paid:.2f}"] for number, (who, day, paid) in enumerate(rows, 1)
    ]


MOTIVES = ("rest", "sun", "quiet", "hiking", "climbing", "nature", "museums", "food", "concerts")


def ask(rng: np.random.Generator) -> Table:
    """Return the answers of 450 guests of three kinds about why they travel."""
    rows = []
    for kind, size in enumerate((180, 150, 120)):
        for _ in range(size):
            likely = [0.85 if place // 3 == kind else 0.15 for place in range(len(MOTIVES))]
            age = int(np.clip(rng.normal((58, 34, 46)[kind], 10), 18, 85))
            rows.append([*("yes" if rng.random() < share else "no" for share in likely), age])
    order = rng.permutation(len(rows))
    return ["guest", *MOTIVES, "age"], [[f"G{n:03d}", *rows[place]] for n, place in enumerate(order, 1)]


def draw_cloud(rng: np.random.Generator) -> Table:
    """Return 400 members in one round cloud: visits, minutes and spending that have nothing to do with each other."""
    drawn = rng.normal((60, 45, 200), (12, 9, 40), (400, 3)).round().astype(int)
    return ["member", "visits", "minutes_a_visit", "spending"], [
        [f"M{n:03d}", *row] for n, row in enumerate(drawn.tolist(), 1)
    ]


@dataclass(frozen=True)
class Shown:
    """A report of the gallery: its run, its title, what its table holds, and what simulates it."""

    run: str
    title: str
    about: str
    simulate: Callable[[np.random.Generator], Table] | None = None

    @property
    def table(self) -> str:
        """The name of its file."""
        return f"{self.run.removeprefix('gallery-')}.csv"


REPORTS = (
    Shown(
        "sample",
        "Customers of a mall",
        "The sample that comes with the project: 200 simulated customers. Its `dataset.yaml` names the segments and "
        "what to do, and allows single (simulated) customers to be drawn.",
    ),
    Shown(
        "gallery-shop",
        "Purchases of a shop",
        "Two years of simulated orders, one row each. Nobody has described the table: that it holds purchases and what "
        "each column is, is told from the table itself. Groups under ten are hidden.",
        sell,
    ),
    Shown(
        "gallery-survey",
        "A survey of guests",
        "Nine simulated answers of yes and no of 450 guests of three kinds, and their age.",
        ask,
    ),
    Shown(
        "gallery-cloud",
        "A table without groups",
        "400 simulated members whose columns have nothing to do with each other: what is said where there is nothing.",
        draw_cloud,
    ),
)


def write_tables(folder: Path) -> None:
    """Write the simulated tables, the same bytes each time."""
    for shown in REPORTS:
        if shown.simulate:
            heads, rows = shown.simulate(np.random.default_rng(SEED))
            with (folder / shown.table).open("w", newline="", encoding="utf-8") as place:
                csv.writer(place, lineterminator="\n").writerows([heads, *rows])


def write_gallery(folder: Path) -> None:
    """Make the four reports by the command, and write their page, with a picture of each."""
    (folder / "gallery").mkdir()
    write_tables(folder / "gallery")
    for shown in REPORTS:
        table = ["--data", str(folder / "gallery" / shown.table)] if shown.simulate else []
        subprocess.run([sys.executable, "-m", "segmentation", "report", *table, "--run", shown.run], check=True)
        page = files.ROOT / "report" / shown.run / "report.html"
        (folder / "gallery" / f"{shown.run}.html").write_bytes(page.read_bytes())
    with open_browser() as browser:
        for shown in REPORTS:
            place = folder / "gallery" / f"{shown.run}.html"
            with open_page(browser, place, reduced_motion="reduce") as page:
                page.screenshot(path=place.with_suffix(".png"), animations="disabled")
    (folder / "gallery.md").write_text("\n\n".join(_page()) + "\n", encoding="utf-8")


def _page() -> Iterator[str]:
    """Yield the paragraphs of the page."""
    yield "# Gallery"
    yield "Four reports, made by the command from simulated tables as these pages were built. A picture opens it."
    for shown in REPORTS:
        chosen = json.loads((files.ROOT / "assets" / shown.run / "k_selection.json").read_text(encoding="utf-8"))
        yield f"## {shown.title}"
        yield shown.about
        command = f"segmentation-report report {shown.table if shown.simulate else ''}".strip()
        given = f" from [{shown.table}](gallery/{shown.table})" if shown.simulate else ""
        yield f"`{command}`{given}. Segments: {chosen['k']}, verdict: *{chosen['verdict']}*."
        picture = f"![The first screen of the report: {shown.title}](gallery/{shown.run}.png)"
        yield f"[{picture}](gallery/{shown.run}.html)"
