"""docs/scale.md says what the kept times say, and no figure of its own."""

import re

import pandas as pd
import pytest

from segmentation.core.engine import MEMORY
from segmentation.tables.formats import LARGE_TEXT
from tests.benchmarks import rivals, tell, timing, warm_start, whole
from tests.benchmarks.limits import Measured, judge
from tests.conftest import ROOT

OF_UNIT = re.compile(r"(?<![\w`])\d[\d.,]* ?(?:(?:s|ms|seconds?|minutes?|hours?|times|MB|GB|TB|percent)\b|%)")
FIXED = {f"{LARGE_TEXT // 10**6} MB", MEMORY.replace("GB", " GB")}  # what the program keeps to, and nobody measured


def times(seconds: dict[str, float] | None = None) -> pd.DataFrame:
    """Return times of two rounds in which everything takes one second and one megabyte, but for what is given."""
    claimed = [of for claim in tell.CLAIMS for of in (claim.one, claim.other) if of]
    names = {(of.part, of.contender) for of in claimed}
    names |= {("rivals", rivals.of(name, n)) for n in rivals.SIZES for name in rivals.NAMES}
    reports = [whole.report_of(n) for n in whole.SIZES]
    names |= {("whole", f"{name}, on the disk: {what}") for name in reports for what in ("table", *whole.FILES)}
    names |= {("whole", f"{name}: 03_k_selection") for name in reports}
    rows = [
        (part, name, number, (seconds or {}).get(name, 1.0), 1.0, 1.0, 1.0) for part, name in names for number in (0, 1)
    ]
    return pd.DataFrame(sorted(rows), columns=["part", *timing.COLUMNS])


def test_the_tables_are_what_the_kept_times_give():
    _, between, _ = tell.marked()
    assert between.strip("\n") == (tell.text(tell.measured()) if tell.TIMES.is_file() else "")


def test_no_figure_is_typed_beside_the_tables():
    before, _, after = tell.marked()
    typed = {found.group() for found in OF_UNIT.finditer(before + after)}
    assert typed == FIXED


def test_a_ratio_is_one_of_medians_and_above_its_limit_is_missed():
    cold, nothing = warm_start.COLD, warm_start.NOTHING
    found = times({cold: 50.0, nothing: 1.0})
    found.loc[(found["contender"] == nothing) & (found["round"] == 1), "seconds"] = 2.0
    [claim] = [claim for claim in tell.CLAIMS if claim.one == Measured("start", nothing)]
    assert judge(found, [claim])[0].ratio == pytest.approx(1.5 / 50)
    assert judge(found, [claim])[0].missed
    assert not judge(times({cold: 50.0, nothing: 1.0}), [claim])[0].missed


def test_what_was_missed_is_told_with_where_its_seconds_go():
    report = whole.report_of(100_000_000)
    told = tell.text(times({report: 9.0, f"{report}: 03_k_selection": 4.2}))
    [row] = [line for line in told.splitlines() if line.startswith(f"| {report} | 9.0 s | reading")]
    assert row.endswith("| 1.0 s | 9 | 8 | **missed** |")
    assert f"**Missed: {report}** is 9 times" in told
    assert "Its seconds: 03_k_selection 4.2 s." in told


def test_a_rival_that_is_left_out_at_a_size_is_told():
    told = tell.text(times())
    assert told.count("not measured at this size") == len(rivals.SLOW)
    assert "| 10,000,000 | dask-ml | not measured at this size |" in told


def test_what_a_part_lacks_is_told():
    found = times()
    with pytest.raises(KeyError, match="nothing changed"):
        tell.text(found[found["contender"] != warm_start.NOTHING])


def test_the_median_is_told_with_the_least_and_the_most():
    assert tell.spread(pd.Series([1.0, 2.0, 0.25])) == "1.0 s (0.25 to 2.0)"
    assert tell.spread(pd.Series([1.0, 1.0])) == "1.0 s"
    assert tell.spread(pd.Series([1119.0, 0.6817, 1124.0]), "megabytes") == "1120 MB (0.682 to 1120)"
    assert tell.gigabytes(124_000) == "120 GB"


def test_what_cleaning_is_changed_by_stands_in_the_description_of_mall():
    text = (ROOT / "data" / "mall" / "dataset.yaml").read_text(encoding="utf-8")
    assert [text.count(before) for before, _ in warm_start.DESCRIBED.values()] == [1, 1]
