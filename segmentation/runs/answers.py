"""What a program that called a command reads: with --json one object on the standard output, and its JSON schema.

It holds what the terminal and the cards of a report say, and never a customer.
"""

from typing import Literal

from pydantic import TypeAdapter

from segmentation.runs.manifest import open_finished, read_manifest
from segmentation.runs.records import Record, Verdict


class Segment(Record):
    """A segment; `suggested` says that its action follows from the levels, and nobody has given it."""

    number: int
    name: str
    size: int
    share: float
    action: str | None
    suggested: bool


class Found(Record):
    """What a finished run found, and of what: of a path among the parameters only the file's name."""

    run: str
    dataset: str
    verdict: Verdict
    k: int
    method: str
    customers: int
    segments: list[Segment]
    parameters: dict[str, str | int | float | bool | None]


class OfReport(Found):
    """The answer of report, pdf and slides. All paths are as the caller can open them."""

    command: Literal["report", "pdf", "slides"]
    pages: list[str]
    artifacts: str


class OfScore(Record):
    """The answer of score: the files, how many customers and rows, and what the terminal says of the drift."""

    command: Literal["score"]
    run: str
    scored: str
    refused: str
    drift: str
    customers: int
    rows_refused: int
    told: list[str]


class OfCompare(Record):
    """The answer of compare: the page, its answer in one sentence, and what each run found, the earliest first."""

    command: Literal["compare"]
    page: str
    told: str
    runs: list[Found]


class Fault(Record):
    """What went wrong, as on the standard error, and the exit code."""

    message: str
    exit_code: int


class OfFault(Record):
    """The answer of a command that failed."""

    error: Fault


OF_SEGMENT = {"name", "size", "share", "action", "suggested"}
ANSWER: TypeAdapter = TypeAdapter(OfReport | OfScore | OfCompare | OfFault)


def found(run: str) -> dict:
    """Return what a finished run found, as the fields of `Found`."""
    study, manifest = open_finished(run, None), read_manifest(run)
    profiles, chosen = study.read("profiles.json"), study.read("k_selection.json")
    # Where nothing divides the customers no card says what to do with a part of them.
    hushed = {"action": None, "suggested": False} if chosen.verdict == "none" else {}
    return {
        "run": run,
        "dataset": manifest.dataset,
        "verdict": chosen.verdict,
        "k": chosen.k,
        "method": chosen.formed_by,
        "customers": profiles.customers,
        "segments": [
            {"number": one.segment, **one.model_dump(include=OF_SEGMENT), **hushed} for one in profiles.segments
        ],
        "parameters": manifest.parameters,
    }


def checked(told: dict) -> dict:
    """Return an answer as JSON has it, after checking that it is one that the schema promises."""
    return ANSWER.dump_python(ANSWER.validate_python(told), mode="json")


def schema() -> dict:
    """Return the JSON schema of whatever a command answers."""
    return ANSWER.json_schema()
