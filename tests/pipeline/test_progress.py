"""What a run shows while it goes on, and what it says about its time."""

import io
import re

import pytest
from rich.console import Console

from segmentation.core.store.answers import Answer
from segmentation.pipeline.progress import Bars, duration, expected_seconds, tell_time, time_left

WORK = {"bytes": 1000, "resamples": 100}
HALF_WAY = {"cell_type": "markdown", "source": "## Where does [each] segment stand?\nBelow."}
CODE = {"cell_type": "code", "source": "# no heading\n1"}


def test_durations_are_rounded_to_what_a_reader_needs():
    assert [duration(seconds) for seconds in (0.4, 1.2, 42, 84, 7560)] == [
        "under 1 s",
        "1 s",
        "42 s",
        "1.4 min",
        "2.1 h",
    ]


@pytest.mark.parametrize(
    ("took", "seconds"),
    [
        ({"bytes": 1000, "resamples": 100}, 10),
        ({"bytes": 800, "resamples": 100}, 12.5),
        ({"bytes": 1600, "resamples": 100}, 10),
        ({"bytes": 400, "resamples": 100}, None),
        ({"bytes": 2500, "resamples": 100}, None),
        ({"bytes": 1000, "resamples": 10}, None),
        ({"bytes": 0, "resamples": 100}, None),
    ],
)
def test_a_run_before_tells_what_to_expect_of_similar_work_alone(took, seconds):
    assert expected_seconds({"seconds": 10, **took}, WORK) == seconds
    assert expected_seconds(None, WORK) is None
    database = {"bytes": 0, "resamples": 100}
    assert expected_seconds({"seconds": 10, **database}, database) == 10


def test_exploring_runs_beside_the_three_others():
    expected = {"02_eda": 10, "03_k_selection": 5, "04_clustering": 2, "05_profiling": 2, "report.html": 3}
    assert time_left({"01_cleaning": 4, **expected}, {}) == 4 + 10 + 3
    assert time_left(expected, {"02_eda": 6, "03_k_selection": 3}) == (2 + 2 + 2) + 3
    assert time_left({}, {}) == 0


def test_nothing_is_said_where_nobody_knows():
    assert time_left({"04_clustering": 2, "05_profiling": None}, {}) is None
    assert time_left({"04_clustering": 2, "05_profiling": 2}, {"04_clustering": 2.5}) is None


def test_bars_show_cells_and_heading_and_at_the_end_the_question():
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, color_system=None)
    bars = Bars({"05_profiling": 40.0, "report.html": 20.0}, WORK, console)
    bars.begin("05_profiling", "Who are they?")
    bars.reach("05_profiling", 12, 32, HALF_WAY)
    bars.reach("05_profiling", 13, 32, CODE)
    bars.live.refresh()
    shown = file.getvalue()
    assert re.search(r"05_profiling +━\S+ +13/32 +\d:\d\d:\d\d Where does \[each\] segment stand\?", shown)
    assert re.search(r"up to about (60 s|1\.0 min) left", shown)
    bars.end("05_profiling")
    bars.close("05_profiling")
    bars.begin("report.html", "rendering")
    bars.end("report.html", failed=True)
    bars.stop()
    last = file.getvalue().rpartition("05_profiling")[2]
    assert re.search(r"32/32 +\S+ Who are they\?\s+report\.html.*failed", last)
    assert "left" not in last
    assert file.getvalue().rpartition("\x1b[?25")[2].startswith("h")


def test_the_time_of_a_run_is_told_longest_first():
    seconds = {"01_cleaning": 12.2, "02_eda": 20, "03_k_selection": 62, "manifest.json": 0.2}
    told = "03_k_selection 1.0 min, 02_eda 20 s, 01_cleaning 12 s"
    assert tell_time(seconds, 84) == f"1.4 min in all, some of it at once: {told}"
    assert tell_time(seconds, 100) == f"1.7 min in all: {told}"


def test_a_summary_breaks_between_words_in_a_terminal_and_nowhere_else(monkeypatch, capsys):
    data = "  Data       gym.csv: 3,005 rows = 2,975 clean + 30 refused"
    lines = ["Two segments among 2,975 customers", data, "  顧客  a"]
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    Answer("\n".join(lines), ["report/gym/report.html"]).show()
    assert capsys.readouterr().out.splitlines() == [*lines, "report/gym/report.html"]
    monkeypatch.setenv("FORCE_COLOR", "1")
    Answer("\n".join(lines), []).show()
    broken = ["  Data       gym.csv: 3,005 rows = 2,975", " " * 13 + "clean + 30 refused"]
    assert capsys.readouterr().out.splitlines() == [lines[0], *broken, lines[2]]
