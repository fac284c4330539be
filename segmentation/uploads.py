"""New customers that the dashboard scores: one typed into its form, or a table uploaded."""

import io
import re
import tempfile
import zipfile
from pathlib import Path
from threading import Lock

import pandas as pd

from segmentation.errors import DataError, SegmentationError
from segmentation.manifest import require_unchanged
from segmentation.serve import MOST_UPLOADED
from segmentation.sheets import Unreadable, measure_parquet
from segmentation.study import Study

UPLOADED = ("csv", "tsv", "txt", "xlsx", "parquet")
MOST_UNPACKED = 200  # MB
STARTS = {"xlsx": b"PK\x03\x04", "parquet": b"PAR1"}
FOREIGN = (b"\x1f\x8b", b"\xd0\xcf\x11\xe0", b"SQLite format 3\0")
_scoring = Lock()  # the engine of a process serves one at a time


def get_ready_to_score() -> None:
    """Import beforehand what scoring needs, which takes a second."""
    with _scoring:
        import segmentation.scoring  # noqa: F401


def score_customer(study: Study, values: dict[str, float]) -> dict:
    """Return segment, name, distance, margin and outside of one customer.

    Raises
    ------
    DataError
        When the model was changed since the run wrote it.
    """
    from segmentation.scoring import score_rows  # imported here, because the first picture does without it

    require_unchanged(study.run)
    with _scoring:
        return score_rows(study, pd.DataFrame([values])).iloc[0].to_dict()


def score_upload(study: Study, name: str, content: bytes):
    """Score an uploaded table as `make score` would; what was uploaded lies in a folder that is gone afterwards.

    Returns
    -------
    Scored

    Raises
    ------
    SegmentationError
        When the file cannot be scored, with a message to show as it is.
    """
    from segmentation.formats import is_large  # imported here, for the same reason
    from segmentation.scoring import score_source
    from segmentation.sources import locate

    shown = re.sub(r"[^\w.-]+", "-", Path(name).name)[-80:].lstrip(".")
    if shown.rpartition(".")[2].lower() not in UPLOADED:
        raise DataError(f"{shown} cannot be scored here; expected one of .{', .'.join(UPLOADED)}")
    try:
        large = len(content) > MOST_UPLOADED * 1_000_000 or _unpacked(content) > MOST_UNPACKED * 1_000_000
    except Unreadable as fault:
        raise DataError(f"{shown} is damaged or too large: {fault}") from None
    if large:
        raise DataError(f"{shown} has more than {MOST_UPLOADED} MB, or {MOST_UNPACKED} unpacked; use make score")
    if not _is_what_it_says(shown, content):
        raise DataError(f"{shown} is not what its ending says; expected text, or a sheet in .xlsx, or Parquet")
    with _scoring, tempfile.TemporaryDirectory(prefix="segmentation-") as folder:
        path = Path(folder, shown)
        path.write_bytes(content)
        source = locate("NEW", str(path))
        if is_large(source):
            raise DataError(f"{shown} has too many rows to be scored here; use make score")
        try:
            return score_source(study, source)
        except (SegmentationError, MemoryError):
            raise
        except Exception as fault:  # whatever a reader of foreign bytes may stumble over
            raise DataError(f"{shown} cannot be read as a table ({type(fault).__name__})") from fault


def _is_what_it_says(name: str, content: bytes) -> bool:
    """Return whether a file is of the kind of its ending: readers go by what it holds, be it archive or database."""
    kind = name.rpartition(".")[2].lower()
    if kind == "xlsx" and not any(member.filename.startswith("xl/workbook.") for member in _members(content)):
        return False
    if kind in STARTS:
        return content.startswith(STARTS[kind])
    return not content.startswith((*STARTS.values(), *FOREIGN)) and content[8:12] != b"DUCK"


def _unpacked(content: bytes) -> int:
    """Return how many bytes a sheet, an archive or a Parquet file would become; 0 of another file."""
    if content.startswith(STARTS["parquet"]):
        return measure_parquet(content, MOST_UNPACKED * 1_000_000)
    return sum(member.file_size for member in _members(content))


def _members(content: bytes) -> list[zipfile.ZipInfo]:
    try:
        return zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return []
