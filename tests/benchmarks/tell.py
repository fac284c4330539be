"""The tables of docs/scale.md, written from the times that are kept:

python -m tests.benchmarks.tell
"""

import json
import os
import platform
from functools import partial
from pathlib import Path

import pandas as pd

from tests.benchmarks import rivals, warm_start, whole
from tests.benchmarks.limits import (
    BESIDE_RIVALS,
    HUNDRED,
    MEMORY,
    PARTS,
    TEN,
    WAITED,
    Found,
    Measured,
    judge,
    values,
)
from tests.conftest import ROOT

TIMES, MACHINE = (Path(__file__).with_name(name) for name in ("measured.csv", "machine.json"))
PAGE = ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- measured: what follows is written by make bench -->", "<!-- measured: the end -->"
CLAIMS = [*WAITED, *BESIDE_RIVALS, *PARTS]
BILLION, GIGABYTE = 10**9, 1000
OF_TASKS = ("start", "whole")  # the parts whose seconds are told by task


def keep(times: pd.DataFrame) -> None:
    """Keep what was measured, and in general terms on what."""
    order = ["part", *(name for name in times if name != "part")]
    times[order].to_csv(TIMES, index=False, float_format="%.9g")
    MACHINE.write_text(json.dumps(_machine(), indent=2) + "\n", encoding="utf-8")


def _machine() -> dict:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return {
        "cores": cores,
        "memory_gb": round(memory),
        "python": platform.python_version(),
        "system": platform.system(),
    }


def measured() -> pd.DataFrame:
    """Return what is kept: part, contender, round, seconds, cpu, megabytes, inertia."""
    return pd.read_csv(TIMES)


def marked() -> tuple[str, str, str]:
    """Return docs/scale.md in three: before the tables, what stands between their marks, and after them."""
    before, rest = PAGE.read_text(encoding="utf-8").split(f"{BEGIN}\n")
    between, after = rest.split(END)
    return before, between, after


def write() -> None:
    """Write the tables between their two marks."""
    before, _, after = marked()
    PAGE.write_text(f"{before}{BEGIN}\n{text(measured())}\n{END}{after}", encoding="utf-8", newline="\n")


def text(times: pd.DataFrame) -> str:
    """Return all that is told of the times that are kept."""
    told = [_how(times), *_claimed(times), *_tasks(times), *_large(times), *_ways(times), *_parts(times)]
    return "\n\n".join(told)


def _how(times: pd.DataFrame) -> str:
    of = json.loads(MACHINE.read_text(encoding="utf-8"))
    return (
        f"What is compared was measured in one run, on {of['cores']} cores and {of['memory_gb']} GB of memory "
        f"({of['system']}, Python {of['python']}): {times['round'].max() + 1} rounds, interleaved, each command a "
        "fresh process, the disk warm. A number is the median of the rounds, with the least and the most behind it; a "
        "ratio is one of medians. A report is `python -m segmentation report`, which `make report` calls."
    )


def _claimed(times: pd.DataFrame) -> list[str]:
    found = judge(times, WAITED)
    missed = [_missed(times, one) for one in found if one.missed]
    changed = (
        "A number of customers stands where the table is not Mall's. Cold is a report of which nothing was made "
        f"before; `{warm_start.PAPERMILL}` executes the same five notebooks by papermill's command, one after the "
        f"other, and renders them, and `{warm_start.SCRIPT}` runs their cells without notebooks. The others are made "
        f"again where one was finished: `{warm_start.K}` is K={warm_start.OTHER_K} where five were found, "
        f"`{warm_start.FEATURE}` the age beside income and spending, `{warm_start.CHANGED}` another last cell of the "
        "fifth notebook. Of cleaning two things were changed, each alone: how the categories of a column are "
        f"called (`{warm_start.MENDED}`), which mends the cells of 112 of 200 customers and leaves the features as "
        f"they are, and the largest age that is believed (`{warm_start.REFUSED}`), which refuses 12 of them, so that "
        "every figure is another one."
    )
    return ["### What people wait for", _claims(times, found), changed, *missed]


def _claims(times: pd.DataFrame, found: list[Found]) -> str:
    rows = []
    for one in found:
        claim = one.claim
        own = spread(values(times, claim.one), claim.one.column)
        other = spread(values(times, claim.other), claim.other.column) if claim.other else ""
        against = claim.other.contender if claim.other else ""
        ratio = _ratio(one)
        most = "" if claim.most is None else f"{claim.most:g}{'' if claim.other else ' MB'}"
        came = "" if claim.most is None else "**missed**" if one.missed else "held"
        rows.append((claim.told, own, against, other, ratio, most, came))
    return rows_of(("measured", "takes", "against", "takes", "ratio", "at most", ""), rows)


def _ratio(one: Found) -> str:
    return f"{one.ratio:.3g}" if one.claim.other else ""


def _missed(times: pd.DataFrame, one: Found) -> str:
    """Say where the seconds of what was missed go."""
    claim = one.claim
    tasks = _by_task(times, claim.one)
    where = ", ".join(f"{name} {tenths(seconds)} s" for name, seconds in tasks.items())
    limit = f"{one.ratio:.3g} times {claim.other.contender}" if claim.other else f"{one.ratio:.0f} MB"
    told = f"**Missed: {claim.told}** is {limit}, and may be {claim.most:g}."
    return f"{told} Its seconds: {where}." if where else told


def _by_task(times: pd.DataFrame, of: Measured) -> pd.Series:
    """Return the median seconds of each task of a contender, longest first; of none where that is not told."""
    part = times[(times["part"] == of.part) & times["contender"].str.startswith(f"{of.contender}: ")].copy()
    part["task"] = part["contender"].str.slice(len(f"{of.contender}: "))
    return part.groupby("task")["seconds"].median().sort_values(ascending=False)


def _tasks(times: pd.DataFrame) -> list[str]:
    """Return where the seconds go, by task."""
    names = times.loc[times["part"].isin(OF_TASKS) & ~times["contender"].str.contains(": "), ["part", "contender"]]
    found = {row.contender: _by_task(times, Measured(*row)) for row in names.drop_duplicates().itertuples(index=False)}
    frame = pd.DataFrame({name: tasks for name, tasks in found.items() if len(tasks)}).sort_index()
    order = sorted(frame.index, key=lambda name: (name == "manifest.json", not name[0].isdigit(), name))
    rows = [(name, *(tenths(frame.at[task, name]) for task in order)) for name in frame]
    about = (
        "In seconds; a task that is not told did not run. 02_eda runs beside 03_k_selection, so that a row does not "
        "add up to the whole."
    )
    return ["### Where the seconds go", about, rows_of(("", *order), rows)]


def _large(times: pd.DataFrame) -> list[str]:
    """Return what the whole report takes by number of customers, and what that says of a billion."""
    rows, sizes = [], (TEN, HUNDRED)
    for customers in sizes:
        report, floor = Measured("whole", whole.report_of(customers)), Measured("whole", whole.floor_of(customers))
        seconds, other = values(times, report), values(times, floor)
        memory = values(times, report._replace(column=MEMORY))
        disk = [_on_disk(times, customers, what) for what in ("table", *whole.FILES)]
        ratio = f"{seconds.median() / other.median():.3g}"
        rows.append(
            (f"{customers:,}", spread(seconds), spread(other), ratio, spread(memory, MEMORY), *map(gigabytes, disk))
        )
    heads = ("customers", "report", "reading and writing the file", "ratio", "memory of all processes")
    return ["### The whole report", rows_of((*heads, "the file", *whole.FILES), rows), _billion(times)]


def _on_disk(times: pd.DataFrame, customers: int, what: str) -> float:
    name = f"{whole.report_of(customers)}, on the disk: {what}"
    return values(times, Measured("whole", name, MEMORY)).median()


def _billion(times: pd.DataFrame) -> str:
    """Say what a billion customers would take, on the line through the two sizes that were measured."""
    small, large = (values(times, Measured("whole", whole.report_of(n))).median() for n in (TEN, HUNDRED))
    each = (large - small) / (HUNDRED - TEN)
    fixed, disk = small - each * TEN, [_on_disk(times, HUNDRED, what) for what in ("table", *whole.FILES)]
    every = BILLION / HUNDRED
    lying = ", ".join(
        f"{name} {gigabytes(size * every)}" for name, size in zip(("the file", *whole.FILES), disk, strict=True)
    )
    return (
        f"On the line through the two, {number(fixed)} s do not depend on the number of customers and a million more "
        f"take {number(each * 10**6)} s. By that a billion would take about {(fixed + each * BILLION) / 60:.0f} "
        f"minutes, and lie on the disk as {lying}: {gigabytes(sum(disk) * every)} in all, beside what DuckDB spills."
    )


def _ways(times: pd.DataFrame) -> list[str]:
    """Return each way from the raw file to the segment of every row, and its ratios."""
    rows = []
    for customers in reversed(rivals.SIZES):
        best = values(times, Measured("rivals", rivals.of(rivals.TEN, customers), "inertia")).median()
        for name in rivals.NAMES:
            one = Measured("rivals", rivals.of(name, customers))
            if customers >= TEN and name in rivals.SLOW:
                rows.append((f"{customers:,}", name, "not measured at this size", "", ""))
                continue
            inertia = times.loc[times["contender"] == one.contender, "inertia"].median()
            told = "" if pd.isna(inertia) else f"{inertia / best:.7g}"
            memory = spread(values(times, one._replace(column=MEMORY)), MEMORY)
            rows.append((f"{customers:,}", name, spread(values(times, one)), memory, told))
    about = (
        "The same expressions without evidence, figures and report (`tests/benchmarks/bare.py`) beside other ways, "
        "each on two cores. Memory is that of the largest process, inertia that of all clean rows against ten full "
        "fits."
    )
    heads = ("customers", "way", "seconds", "memory", "inertia")
    claims = _claims(times, judge(times, BESIDE_RIVALS))
    return ["### From the raw file to the segment of every row", about, rows_of(heads, rows), claims]


def _parts(times: pd.DataFrame) -> list[str]:
    about = f"As CPU time, at {TEN:,} rows, in one process:"
    return ["### The parts of that way", about, _claims(times, judge(times, PARTS))]


def rows_of(heads: tuple[str, ...], rows: list[tuple]) -> str:
    """Return a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def spread(found: pd.Series, column: str = "seconds") -> str:
    """Return the median, with the least and the most where they differ from it."""
    form = {MEMORY: partial(rounded, digits=3), "inertia": lambda n: f"{n:.7g}"}.get(column, number)
    unit = {MEMORY: " MB", "inertia": ""}.get(column, " s")
    middle, least, most = map(form, (found.median(), found.min(), found.max()))
    return f"{middle}{unit}" if least == most else f"{middle}{unit} ({least} to {most})"


def number(seconds: float) -> str:
    """Return seconds with as many digits as mean something."""
    if pd.isna(seconds):
        return ""
    return f"{seconds:.2f}" if seconds < 1 else f"{seconds:.1f}" if seconds < 100 else f"{seconds:.0f}"


def rounded(amount: float, digits: int) -> str:
    """Return a number of as many digits as are told, and zeros behind them: 1120, and not 1.12e+03."""
    return f"{float(f'{amount:.{digits}g}'):.15g}"


def tenths(seconds: float) -> str:
    """Return the seconds of a task, of which tenths are kept; nothing where it did not run."""
    return "" if pd.isna(seconds) else f"{seconds:.1f}"


def gigabytes(megabytes: float) -> str:
    """Return megabytes as gigabytes, of two digits."""
    return f"{rounded(megabytes / GIGABYTE, digits=2)} GB"


def line(one: Found) -> str:
    """Return a claim and what came of it, for a terminal."""
    claim = one.claim
    against = claim.other.contender if claim.other else "1"
    most = "" if claim.most is None else f"at most {claim.most:g}"
    return f"{claim.told:<64} {against:<52} {one.ratio:9.4g} {most} {'MISSED' if one.missed else ''}".rstrip()


if __name__ == "__main__":
    write()
