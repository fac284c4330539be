"""What is claimed of the times that are kept: each beside another, as a ratio with a limit."""

from typing import NamedTuple

import pandas as pd

from tests.benchmarks import evidence_cost, finished, parts, rivals, warm_start, whole

MEMORY = "megabytes"


class Measured(NamedTuple):
    """What was measured: the part of the benchmark, its contender, and the column."""

    part: str
    contender: str
    column: str = "seconds"


class Claim(NamedTuple):
    """One row: what is measured, beside what, and the ratio that it may be at most; without another its own number."""

    told: str
    one: Measured
    other: Measured | None
    most: float | None


class Found(NamedTuple):
    """What came of a claim."""

    claim: Claim
    ratio: float

    @property
    def missed(self) -> bool:
        return self.claim.most is not None and self.ratio > self.claim.most


def _start(contender: str, against: str, most: float, told: str | None = None) -> Claim:
    return Claim(told or contender, Measured("start", contender), Measured("start", against), most)


def _whole(customers: int, most: float) -> Claim:
    report, floor = whole.report_of(customers), whole.floor_of(customers)
    return Claim(report, Measured("whole", report), Measured("whole", floor), most)


def _rival(name: str, other: str, customers: int, most: float | None, column: str = "seconds") -> Claim:
    one, against = (Measured("rivals", rivals.of(of, customers), column) for of in (name, other))
    told = {"seconds": "", MEMORY: ": memory", "inertia": ": inertia"}[column]
    return Claim(f"{rivals.of(name, customers)}{told}", one, against, most)


TEN, HUNDRED = 10_000_000, 100_000_000
LARGEST = Measured("whole", whole.report_of(HUNDRED), MEMORY)
WAITED = [
    _start(warm_start.COLD, warm_start.PAPERMILL, 0.30),
    _start(warm_start.COLD, warm_start.SCRIPT, 1.1),
    _start(warm_start.K, warm_start.COLD, 0.30),
    _start(warm_start.FEATURE, warm_start.COLD, 0.75),
    _start(warm_start.MENDED, warm_start.COLD, 0.75),
    _start(warm_start.REFUSED, warm_start.COLD, 0.75),
    _start(warm_start.CHANGED, warm_start.COLD, 0.4),
    _start(warm_start.NOTHING, warm_start.COLD, 0.02),
    *(
        Claim(told, Measured("finished", told), Measured("finished", against), most)
        for told, against, most in finished.CLAIMS
    ),
    Claim(evidence_cost.WHOLE, Measured("cost", evidence_cost.WHOLE), Measured("cost", evidence_cost.BARE), 1.5),
    _whole(TEN, 20),
    _whole(HUNDRED, 8),
    Claim(
        whole.report_of(HUNDRED),
        Measured("whole", whole.report_of(HUNDRED)),
        Measured("whole", whole.report_of(TEN)),
        10,
    ),
    Claim(f"memory of all processes, {whole.report_of(HUNDRED)}", LARGEST, None, 1500),
    Claim(finished.PAGE, Measured("finished", finished.PAGE, MEMORY), None, 1.5),
]
BESIDE_RIVALS = [
    _rival(rivals.BARE, rivals.FLOOR, TEN, 4),
    _rival(rivals.EXACT, rivals.FLOOR, TEN, 5),
    _rival(rivals.BARE, rivals.KMEANS, TEN, 0.65),
    _rival(rivals.BARE, rivals.KMEANS, TEN, 0.25, MEMORY),
    _rival(rivals.BARE, rivals.TEN, TEN, 1.001, "inertia"),
    _rival(rivals.BARE, rivals.MLLIB, rivals.MILLION, 0.2),
    _rival(rivals.BARE, rivals.FAISS_TEN, TEN, None),
    _rival(rivals.CLEANING, rivals.POLARS, TEN, None),
    Claim(f"{rivals.of(rivals.BARE, TEN)}: memory", Measured("rivals", rivals.of(rivals.BARE, TEN), MEMORY), None, 500),
    Claim(
        f"{rivals.of(rivals.EXACT, TEN)}: memory", Measured("rivals", rivals.of(rivals.EXACT, TEN), MEMORY), None, 3000
    ),
]
PARTS = [
    Claim(name, Measured("rivals", name, "cpu"), Measured("rivals", parts.FLOOR, "cpu"), most)
    for name, most in parts.LIMITS.items()
]


def values(times: pd.DataFrame, of: Measured) -> pd.Series:
    """Return what was measured in each round.

    Raises
    ------
    KeyError
        When it was not.
    """
    found = times.loc[(times["part"] == of.part) & (times["contender"] == of.contender), of.column].dropna()
    if found.empty:
        raise KeyError(f"{of.contender} ({of.part}, {of.column}) was not measured")
    return found


def judge(times: pd.DataFrame, claims: list[Claim]) -> list[Found]:
    """Return the ratio of the medians of each claim."""
    found = []
    for claim in claims:
        one, other = values(times, claim.one).median(), values(times, claim.other).median() if claim.other else 1
        found.append(Found(claim, one / other))
    return found
