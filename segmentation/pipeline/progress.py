"""What the terminal shows: how far a run is and how long the rest will take, and after it what was found."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from segmentation.core import files
from segmentation.core.dataset import Dataset
from segmentation.core.errors import as_option
from segmentation.core.store.answers import Answer, Basis
from segmentation.language import tr
from segmentation.language.glossary import named
from segmentation.language.signs import written
from segmentation.language.writing import labelled, listing
from segmentation.pipeline.dependencies import own_notebooks
from segmentation.pipeline.plan import Plan
from segmentation.runs import tell as runs_tell
from segmentation.runs.artifacts import Profiles, Selection
from segmentation.runs.stages import STAGES

TOO_DIFFERENT = 2  # a table this many times as large tells nothing about another
LONG = 20  # seconds after which somebody may ask where they went


@dataclass
class Outcome:
    """What happened in a run: what was made, in how many seconds each, what was up to date, and the first fault.

    before : the name of the table that the run was made from before, where that was another one.
    unlisted : whether lists of its customers were removed, because they were of the segments of before.
    given : the SHA-256 of each file that the tasks need and none of them makes, when the run began.
    basis : what the answer hangs on of a run in which nothing more is to be made, where that is known.
    """

    ran: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    total: float = 0
    fault: Exception | None = None
    before: str | None = None
    unlisted: bool = False
    given: dict[str, str] = field(default_factory=dict)
    basis: Basis | None = None


def duration(seconds: float) -> str:
    """Return "under 1 s", "42 s", "1.4 min" or "2.1 h"."""
    if seconds < 1:
        return "under 1 s"
    return (
        f"{seconds:.0f} s"
        if seconds < 60
        else f"{seconds / 60:.1f} min"
        if seconds < 3600
        else f"{seconds / 3600:.1f} h"
    )


def expected_seconds(took: dict | None, work: dict) -> float | None:
    """Return what a task will probably take, by what it took in the run before; None when that was other work.

    A larger table takes longer in proportion at most, a smaller one no longer; beyond a factor of two nothing is said.

    Parameters
    ----------
    took : the seconds of the run before, beside the work that it did then.
    work : the bytes of the raw table (0 for a database) and the resamples asked for.
    """
    if took is None or took["resamples"] != work["resamples"] or bool(took["bytes"]) != bool(work["bytes"]):
        return None
    ratio = work["bytes"] / took["bytes"] if work["bytes"] else 1
    return took["seconds"] * max(ratio, 1) if 1 / TOO_DIFFERENT <= ratio <= TOO_DIFFERENT else None


def time_left(expected: dict[str, float | None], running: dict[str, float]) -> float | None:
    """Return how many seconds the rest of a run will probably take; None when that cannot be told.

    Parameters
    ----------
    expected : what each task that is not done will take; None where nothing is known.
    running : how long those that have begun run already; one that runs longer than expected makes the end unknown.
    """
    known = {name: seconds for name, seconds in expected.items() if seconds is not None}
    left = {name: seconds - running.get(name, 0) for name, seconds in known.items()}
    if len(known) < len(expected) or any(seconds < 0 for seconds in left.values()):
        return None
    ends: dict[str, float] = {}
    for stage in STAGES:
        before = [ends[other.name] for other in STAGES if set(other.writes) & set(stage.reads)]
        ends[stage.name] = max(before, default=0) + left.pop(stage.name, 0)
    return max(ends.values()) + sum(left.values())


def heading(cell) -> str | None:
    """Return the heading that a cell of a notebook begins with."""
    heads = cell["cell_type"] == "markdown" and cell["source"].startswith("#")
    return cell["source"].splitlines()[0].lstrip("# ") if heads else None


def follow(expected: dict[str, float | None], work: dict, *, quiet: bool = False) -> "Progress":
    """Return what shows a run: bars in a terminal that can move its cursor, lines elsewhere; nothing to the quiet."""
    console = Console(stderr=True, quiet=quiet)
    kind = Bars if console.file.isatty() and console.is_interactive and not quiet else Progress
    return kind(expected, work, console)


class Progress:
    """Follows a run, and tells in one line that a task begins, and in one that it ended, and after how long.

    expected : the seconds that each task of the run will probably take; None where nothing is known.
    work : what the seconds depend on, kept beside them.
    seconds : what each task took.
    """

    def __init__(self, expected: dict[str, float | None], work: dict, console: Console):
        self.expected, self.work = dict(expected), work
        self.began: dict[str, float] = {}
        self.seconds: dict[str, float] = {}
        self.console, self.start, self.open = console, time.monotonic(), True

    def begin(self, name: str, asks: str) -> None:
        """Show that a task begins, and what it asks."""
        self.began[name] = time.monotonic()
        self._show_begin(name, asks)

    def skip(self, name: str) -> None:
        """Leave out a task that is up to date."""
        self.expected.pop(name, None)

    def took(self, name: str) -> dict:
        """Return the seconds of a task that has done its work, to keep them for the next run."""
        self.seconds[name] = time.monotonic() - self.began[name]
        return {"seconds": round(self.seconds[name], 1), **self.work}

    def end(self, name: str, *, failed: bool = False) -> None:
        """Show that a task has ended; after a failure nothing new begins."""
        self.expected.pop(name, None)
        if failed:
            self.expected = {}
        if name in self.began and self.open:
            self._show_end(name, failed)

    def close(self, name: str) -> None:
        """Show that a task, whose results others use since it ended, has shown them all itself."""

    def stop(self) -> None:
        """Show nothing more: the run has ended, or somebody stopped it."""
        self.expected, self.open = {}, False

    def total(self) -> float:
        """Return the seconds since the run began."""
        return time.monotonic() - self.start

    def left(self) -> str:
        """Return how long the rest will probably take, in words; nothing where nobody knows."""
        now = time.monotonic()
        running = {name: now - began for name, began in dict(self.began).items()}
        seconds = time_left(dict(self.expected), running)
        return f"up to about {duration(seconds)} left" if seconds and seconds >= 1 else ""

    def reach(self, name: str, done: int, cells: int, cell) -> None:
        """Show that a notebook has come to a cell."""

    def _show_begin(self, name: str, asks: str) -> None:
        left = self.left()
        self._say(f"{name}: {asks} ({left})" if left else f"{name}: {asks}")

    def _show_end(self, name: str, failed: bool) -> None:
        took = time.monotonic() - self.began[name] if failed else self.seconds[name]
        self._say(f"{name}: {'failed' if failed else 'done'} in {duration(took)}")

    def _say(self, line: str) -> None:
        """Write one line at once, so that two stages that begin together do not write into each other's."""
        if not self.console.quiet:
            self.console.file.write(f"{line}\n")
            self.console.file.flush()


class Bars(Progress):
    """Follows a run in a terminal: a line a task with its bar, cells, time, and the heading that it has come to."""

    def __init__(self, expected: dict[str, float | None], work: dict, console: Console):
        super().__init__(expected, work, console)
        self.live: Any = None
        self.starting = threading.Lock()
        self.lines: dict = {}
        self.asks: dict[str, str] = {}

    def _start(self) -> None:
        # Imported here, because a run in which nothing changed needs no bars.
        from rich.live import Live
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.table import Column

        name = TextColumn("{task.fields[name]}", table_column=Column(min_width=max(map(len, self.expected))))
        cells = TextColumn("{task.fields[cells]}", table_column=Column(min_width=5))
        doing = TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True))
        columns = [name, BarColumn(12), cells, TimeElapsedColumn(), doing]
        self.bars = Progress(*columns, console=self.console, expand=True)
        self.live = Live(console=self.console, get_renderable=self._drawn, refresh_per_second=5)
        self.live.start()
        self.console.show_cursor(True)  # nobody could bring it back after SIGKILL

    def _drawn(self):
        from rich.console import Group

        left = self.left()
        return Group(self.bars, left) if left else self.bars

    def _show_begin(self, name: str, asks: str) -> None:
        with self.starting:  # two stages may begin together
            if self.live is None:
                self._start()
        self.asks[name] = asks
        self.lines[name] = self.bars.add_task(asks, total=None, name=name, cells="")

    def reach(self, name: str, done: int, cells: int, cell) -> None:
        self.bars.update(
            self.lines[name], completed=done, total=cells, cells=f"{done}/{cells}", description=heading(cell)
        )

    def _show_end(self, name: str, failed: bool) -> None:
        line = self.lines[name]
        self.bars.stop_task(line)
        if failed:
            self.bars.update(line, description="failed")
            return
        if self.bars.tasks[line].total is None:  # of no notebook
            self.bars.update(line, completed=1, total=1)

    def close(self, name: str) -> None:
        cells = self.bars.tasks[self.lines[name]].total
        self.bars.update(self.lines[name], completed=cells, cells=f"{cells}/{cells}", description=self.asks[name])

    def stop(self) -> None:
        super().stop()
        if self.live:
            self.live.stop()


def tell_made(plan: Plan, outcome: Outcome, pages: list[str], quiet: bool) -> Answer:
    """Show what was found and where its pages lie, to the quiet these alone; return what is shown next time."""
    told, then = (Answer("" if quiet else summarize(plan, what), pages) for what in (outcome, Outcome()))
    features = plan.parameters["features"].split(",")
    told.show(column_list(plan.study.dataset, features) if plan.assumed and not quiet else None)
    return then


def summarize(plan: Plan, outcome: Outcome) -> str:
    """Return five lines: the finding, the data, the segments, the evidence, and what was run.

    Of a table that nobody has described the second line says that its features are assumed; where a column is a value a
    line says how the segments share it; where nothing divides the customers one says what is still useful; with a base
    one says what became of its segments, and after a long run one where its time went.
    """
    cleaning, chosen, profiles = (plan.study.read(f"{name}.json") for name in ("cleaning", "k_selection", "profiles"))
    shares = runs_tell.segment_shares(profiles.segments)
    segments = (f"{p.segment} {p.name} {shares[p.segment]}" for p in profiles.segments)
    ran = listing(outcome.ran) if outcome.ran else tr("nothing; everything was up to date")
    asked = plan.parameters["dataset"], plan.study.dataset, chosen.features, plan.set_by["features"]
    data = labelled(cleaning.file, runs_tell.rows(cleaning))
    if cleaning.encoding:
        data = tr("{data}, read as {encoding}", data=data, encoding=cleaning.encoding)
    if far := runs_tell.far_values(plan.study.path("flagged.csv")):
        data = f"{data}; {far}"
    lines = [
        (tr("Assumed"), runs_tell.assumed(*asked)),
        (tr("Data"), data),
        (tr("Replaced"), _replaced(plan, outcome)),
        (tr("Segments"), ", ".join(segments)),
        (tr("Worth"), tell_worth(profiles, plan.study.dataset)),
        (tr("Evidence"), _evidence(chosen)),
        (tr("Number"), tell_number(chosen)),
        (tr("Method"), chosen.formed_why if chosen.formed_by != "kmeans" or len(chosen.tried) > 1 else ""),
        (tr("Instead"), runs_tell.useful(chosen, plan.study.dataset, chosen.features)),
        (tr("Changes"), runs_tell.lineage(lineage) if (lineage := plan.study.lineage()) else ""),
        (tr("Fit"), chosen.fit.told if chosen.fit else ""),
        (tr("Lists"), runs_tell.unlisted(plan.study.name) if outcome.unlisted else ""),
        (tr("Notebooks"), _own_notebooks()),
        (tr("Ran"), ran),
        (tr("Time"), tell_time(outcome.seconds, outcome.total) if outcome.total > LONG else ""),
    ]
    wide = max(len(head) for head, text in lines if text)
    told = [f"  {head:<{wide}}  {text}" for head, text in lines if text]
    return "\n".join([runs_tell.headline(chosen, profiles), *told])


def _own_notebooks() -> str:
    """Say which notebooks are not those of the installed package, whether edited or of an older one."""
    if not (own := own_notebooks()):
        return ""
    return tr(
        "{names} in {folder}, which differ from those of the package; remove one to use the package's again",
        names=listing([path.name for path in own]),
        folder=files.shown(own[0].parent),
    )


def _replaced(plan: Plan, outcome: Outcome) -> str:
    """Say which table's results a run replaced; "" where it is the same one."""
    if not outcome.before:
        return ""
    return tr("what run {run} found in {table}", run=plan.study.name, table=outcome.before)


def _evidence(chosen: Selection) -> str:
    """Return the verdict, and the two figures behind it, or why there are no segments."""
    measured = runs_tell.measured(chosen)
    verdict = named(chosen.verdict)
    if not measured:
        return f"{verdict}; {runs_tell.choice(chosen)}"
    return tr(
        "{verdict}; mean silhouette {silhouette}, least stable segment {stability}",
        verdict=verdict,
        silhouette=measured[0],
        stability=measured[1],
    )


def tell_worth(profiles: Profiles, dataset: Dataset) -> str:
    """Return which share of the main value each segment has, or why that is not shown; "" where none is to share."""
    told = runs_tell.worth_shares(profiles)
    if not told:
        return runs_tell.worth_most(profiles.segments, profiles.worth, dataset)
    parts = (f"{p.segment} {p.name} {told[p.segment] or tr('not shown')}" for p in profiles.segments)
    return tr("{segments} of {value}", segments=", ".join(parts), value=dataset.words(profiles.worth[0].column))


def tell_number(chosen: Selection) -> str:
    """Say what is to be known of a k that a base brought: the evidence speaks for another, or it could not be kept."""
    if chosen.carried is None or (chosen.k == chosen.best and chosen.method != "auto"):
        return ""
    anew = tr("{option} chooses k anew.", option=as_option("k", "auto")) if chosen.method == "given" else ""
    return f"{runs_tell.against(chosen)} {anew}".rstrip()


def column_list(dataset: Dataset, features: Sequence[str]):
    """Return what a terminal shows of each column: label, role, and why, in lines that fit its width."""
    from rich.table import Table  # imported here, as the bars are
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    table.add_column(tr("column"), max_width=30, overflow="fold")
    table.add_column(tr("role"), no_wrap=True)
    table.add_column(tr("why"), overflow="fold")
    for row in runs_tell.roles(dataset, features):
        table.add_row(*map(Text, row))
    return table


def tell_time(seconds: dict[str, float], total: float) -> str:
    """Return where the time of a run went, longest first; what took under a second is not named."""
    longest = sorted(seconds, key=lambda name: seconds[name], reverse=True)
    stages = ", ".join(f"{name} {written(duration(seconds[name]))}" for name in longest if seconds[name] >= 1)
    time = written(duration(total))
    if sum(seconds.values()) > total:
        return tr("{time} in all, some of it at once: {stages}", time=time, stages=stages)
    return tr("{time} in all: {stages}", time=time, stages=stages)
