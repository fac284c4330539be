"""Scores what is uploaded to the dashboard, in a process of its own that may use so much and no more.

So a file made to take minutes or gigabytes ends nothing but itself, and nobody waits for it. Started as a module, with
a run, the uploaded file and a folder as arguments, it writes the scored customers into the folder.
"""

import io
import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from segmentation.core import files
from segmentation.core.engine import ENGINE, MOST_HELD, held
from segmentation.core.errors import OF_MEMORY, DataError, SegmentationError, as_command, cause
from segmentation.core.files import read_json, write_json, write_parquet
from segmentation.core.parallel import temporary_folder
from segmentation.language import speak
from segmentation.runs.manifest import open_finished, read_manifest
from segmentation.runs.run import Run
from segmentation.tables.sandbox import FAULT, Limits, limit

if TYPE_CHECKING:
    from segmentation.scoring.place import Scored

MOST_UPLOADED = 20  # MB
MOST_UPLOAD_UNPACKED = 200  # MB
MOST_UPLOADED_ROWS = MOST_HELD
UPLOAD_LIMITS = Limits(memory=4_000_000_000, seconds=60, written=1_000_000_000)
UPLOADED = ("csv", "tsv", "txt", "xlsx", "parquet")
FIRST_BYTES = {"xlsx": b"PK\x03\x04", "parquet": b"PAR1"}
FOREIGN = (b"\x1f\x8b", b"\xd0\xcf\x11\xe0", b"SQLite format 3\0")
UPLOADS = BoundedSemaphore(2)  # more would not fit into the memory of a small machine


def score_upload(study: Run, name: str, content: bytes, limits: Limits = UPLOAD_LIMITS) -> "Scored":
    """Score an uploaded table as `make score` would; what was uploaded lies in a folder that is gone afterwards.

    Raises
    ------
    SegmentationError
        When the file cannot be scored, with a message to show as it is.
    """
    from segmentation.scoring.drift import Drift  # imported here, because the first picture does without them
    from segmentation.scoring.place import Scored

    shown = re.sub(r"[^\w.-]+", "-", Path(name).name)[-80:].lstrip(".")
    if shown.rpartition(".")[2].lower() not in UPLOADED:
        raise DataError(f"{shown} cannot be scored here; expected one of .{', .'.join(UPLOADED)}")
    unpacked = sum(member.file_size for member in _members(content))
    rows = 0 if content.startswith(tuple(FIRST_BYTES.values())) else max(content.count(b"\n"), content.count(b"\r"))
    if (
        len(content) > MOST_UPLOADED * 1_000_000
        or unpacked > MOST_UPLOAD_UNPACKED * 1_000_000
        or rows > MOST_UPLOADED_ROWS + 1
    ):
        raise _too_large(shown, study.name, limits)
    if not _is_what_it_says(shown, content):
        raise DataError(f"{shown} is not what its ending says; expected text, or a sheet in .xlsx, or Parquet")
    read_manifest(study.name)
    with temporary_folder() as folder:
        path = Path(folder, shown)
        path.write_bytes(content)
        if not UPLOADS.acquire(timeout=limits.seconds):
            raise DataError(f"{shown} waits, because others are being scored; upload it again in a minute")
        try:
            _score_apart(study.name, path, limits)
        finally:
            UPLOADS.release()
        told = read_json(Path(folder, "scored.json"))
        with ENGINE:
            tables = {part: held(_read(Path(folder, f"{part}.parquet"))) for part in ("customers", "refused")}
        return Scored(
            **tables, drift=Drift.model_validate(told["drift"]), comma=told["comma"], counted_to=told["counted_to"]
        )


def _read(path: Path):
    import pyarrow.parquet as pq

    return pq.read_table(path)


def _too_large(name: str, run: str, limits: Limits) -> DataError:
    return DataError(
        f"{name} is too large to be scored here: at most {MOST_UPLOADED} MB, {MOST_UPLOAD_UNPACKED} unpacked, "
        f"{MOST_UPLOADED_ROWS:,} rows, {limits.seconds:g} seconds and {limits.memory / 1e9:g} GB of memory; score it "
        f"on the command line: {as_command('score', run=run, new=name, out='scored.csv')}"
    )


def _score_apart(run: str, path: Path, limits: Limits) -> None:
    """Score a file in a process of its own, into the folder where it lies."""
    command = [sys.executable, "-m", "segmentation.report.upload", json.dumps(asdict(limits)), run, str(path)]
    # The room of many threads counts as memory; what it puts aside goes with the file.
    own = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONUTF8": "1", "TMPDIR": str(path.parent)}
    # In a session of its own, so that the reader of a sheet which it starts ends with it.
    with subprocess.Popen(
        command, cwd=files.ROOT, env=own, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as scorer:
        try:
            told = scorer.communicate(timeout=limits.seconds)[1].decode(errors="replace").strip()
        except subprocess.TimeoutExpired as late:
            raise _too_large(path.name, run, limits) from late
        finally:
            _end(scorer)
    if scorer.returncode == FAULT:
        raise DataError(told)
    if scorer.returncode:
        raise _too_large(path.name, run, limits) from RuntimeError(f"it ended with {scorer.returncode}: {told}")


def _end(scorer: subprocess.Popen) -> None:
    """End a process and those that it started."""
    if os.name != "posix":
        scorer.kill()
        return
    with suppress(ProcessLookupError):  # all have ended
        os.killpg(scorer.pid, signal.SIGKILL)


def _score_here(run: str, path: Path) -> None:
    """Score a file, and write what was found beside it."""
    from segmentation.scoring.place import score_source
    from segmentation.tables.formats import is_large
    from segmentation.tables.sources import locate

    study = open_finished(run, None)
    speak(study.language)
    source = locate("NEW", str(path), read_manifest(run).encoding)
    if is_large(source):
        raise MemoryError
    scored = score_source(study, source)
    write_parquet(path.with_name("customers.parquet"), scored.customers)
    write_parquet(path.with_name("refused.parquet"), scored.refused)
    write_json(
        path.with_name("scored.json"),
        {"drift": scored.drift.content(), "comma": scored.comma, "counted_to": scored.counted_to},
    )


def _is_what_it_says(name: str, content: bytes) -> bool:
    """Return whether a file is of the kind of its ending: readers go by what it holds, be it archive or database."""
    kind = name.rpartition(".")[2].lower()
    if kind == "xlsx" and not any(member.filename.startswith("xl/workbook.") for member in _members(content)):
        return False
    if kind in FIRST_BYTES:
        return content.startswith(FIRST_BYTES[kind])
    return not content.startswith((*FIRST_BYTES.values(), *FOREIGN)) and content[8:12] != b"DUCK"


def _members(content: bytes) -> list[zipfile.ZipInfo]:
    try:
        return zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return []


def main(limits: str, run: str, place: str) -> None:
    """Score a file within limits; what can be told of a fault goes to the standard error."""
    limit(Limits(**json.loads(limits)))
    path = Path(place)
    try:
        _score_here(run, path)
    except (MemoryError, ImportError):  # a library that does not fit is no library
        sys.exit(1)
    except Exception as fault:  # whatever a reader of foreign bytes may stumble over
        if OF_MEMORY.search(f"{type(fault).__name__} {fault}"):
            sys.exit(1)
        known = isinstance(fault, SegmentationError)
        sys.stderr.write(
            str(fault) if known else f"{path.name} cannot be read as a table ({cause(fault, path, path.name)})"
        )
        sys.exit(FAULT)


if __name__ == "__main__":
    main(*sys.argv[1:])
