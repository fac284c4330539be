"""The parts of the bare path, as CPU time against reading and writing the same file unchanged, in one process."""

import resource
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from segmentation.segments.assign import assign_rows
from tests.benchmarks import bare, timing

LIMITS = {
    "clean and quarantine": 1.5,
    "assignment, k = 5": 1.35,
    "assignment, k = 10": 1.6,
    "assignment with margin, k = 5": None,
    "assignment with margin, k = 10": None,
    "duplicate ids": 1.0,
}
FLOOR = "reading and writing the file, in one process"


def measure(table: Path, repeats: int = timing.REPEATS) -> pd.DataFrame:
    """Return the CPU seconds of each part and of the floor, interleaved."""
    connection = bare.connect(2, "2GB")
    with TemporaryDirectory() as folder:
        parts = _parts(connection, table, Path(folder))
        rounds = [
            (name, number, None, _cpu(part), None, None) for number in range(repeats) for name, part in parts.items()
        ]
    return timing.table(rounds)


def _parts(connection, table: Path, folder: Path) -> dict[str, callable]:
    raw = connection.read_parquet(table)
    judged = bare.judge(raw)
    clean, rejected = bare.clean(judged), bare.rejected(judged)
    drawn = bare.sample(connection, clean, bare.count(connection, raw))

    def floor():
        connection.raw_sql(f"copy (from '{table}') to '{folder / 'floor.parquet'}' (format parquet)")

    def clean_and_quarantine():
        bare.write(connection, clean, folder / "clean.parquet")
        bare.write(connection, rejected, folder / "rejected.parquet")

    def assignment(k: int, *more: str):
        told = assign_rows(clean, bare.fit(drawn, k)).select("id", "segment", "distance", *more)
        return lambda: bare.write(connection, told, folder / "segments.parquet")

    def duplicate_ids():
        found = bare.judge_ids(connection, judged)
        bare.write(connection, found.filter(found["rule"] == bare.REPEATED), folder / "repeated.parquet")

    assignments = [assignment(5), assignment(10), assignment(5, "margin"), assignment(10, "margin")]
    return dict(zip([FLOOR, *LIMITS], [floor, clean_and_quarantine, *assignments, duplicate_ids], strict=True))


def _cpu(part: callable) -> float:
    before = resource.getrusage(resource.RUSAGE_SELF)
    part()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
