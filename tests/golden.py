"""What the sample report is expected to hold: data/sample/manifest.json, and a comparison with it.

The last digits of a number differ between processors, and Python and the packages between machines. So a file is
compared by its content: every number rounded to six digits, without what tells of versions. A resample may even end in
another optimum, which moves the evidence for a k that is not stable. So of the evidence the conclusion is compared,
with the figures of the k that was chosen, and of the pages that show all of it the words without numbers and pictures.
Where every byte is the same, that is told.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

from segmentation.core import files
from segmentation.core.errors import SegmentationError
from segmentation.core.files import read_json, sha256, write_json
from segmentation.runs.manifest import read_manifest

SAMPLE = "sample"
PLACE = files.ROOT / "data" / SAMPLE / "manifest.json"
DIGITS = 6
NUMBER = re.compile(r"(?<![\d.])-?\d+(?:\.\d+(?:e[+-]?\d+)?|e[+-]\d+)(?!\.?\d)")
VERSIONS = (
    r'<ul class="versions">.*?</ul>',  # of report.html
    r'"version": "[\d.]+"',  # of the Python of a notebook
)
PICTURE = r"<svg\b.*?</svg>"
WORDS_ALONE = ("03_k_selection.ipynb", "report.html")
BY_BYTES = (
    r"model\.skops|figures/03-|\.png$"  # model.json holds the same as the one; the other show all of the evidence
)


def compare_sample() -> dict[str, list[str]]:
    """Compare the sample report that was made with what is expected.

    Returns
    -------
    dict
        same : the files whose content is compared, and is what is expected; all : every file that was made; bytes :
        those of which every byte is what is expected.

    Raises
    ------
    SegmentationError
        When a file has another content, is missing, or was not expected.
    """
    expected, found = read_json(PLACE), describe_sample()
    pairs = {part: (expected[part], found[part]) for part in ("inputs", "content", "parameters")}
    different = [
        f"{part}: {name}"
        for part, (before, now) in pairs.items()
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    if different:
        raise SegmentationError(
            f"the sample report is not the one of {PLACE.relative_to(files.ROOT).as_posix()}; different are:\n  "
            + "\n  ".join(different)
            + "\nIf that is meant: make renew, and commit the file with what changed it"
        )
    same = [name for name in found["bytes"] if expected["bytes"].get(name) == found["bytes"][name]]
    return {"same": list(found["content"]), "bytes": same, "all": list(found["bytes"])}


def renew_sample() -> None:
    """Expect from now on what the sample report holds that was made last."""
    write_json(PLACE, describe_sample())


def describe_sample() -> dict:
    """Return the fingerprints of the sample report: inputs, parameters, content and bytes of each output, versions.

    The git revision and the code are left out: they tell who made the report, and not what it holds.
    """
    manifest = read_manifest(SAMPLE)
    names = sorted(name for name in manifest.outputs if not name.endswith(".pdf"))
    return {
        "inputs": {name: manifest.inputs[name] for name in ("customers.csv", "data/sample/dataset.yaml")},
        "parameters": manifest.parameters,
        "content": {name: content(files.ROOT / name) for name in names if not re.search(BY_BYTES, name)},
        "bytes": {name: sha256(files.ROOT / name) for name in names},
        "versions": manifest.versions,
    }


def content(path: Path) -> str:
    """Return the SHA-256 of what a file says, of Parquet its rows."""
    text = _rows(path) if path.suffix == ".parquet" else path.read_text(encoding="utf-8")
    for told in VERSIONS:
        text = re.sub(told, "", text, flags=re.S)
    if path.name == "k_selection.json":
        text = _conclusion(json.loads(text))
    if path.name in WORDS_ALONE:
        text = re.sub(r"[\d.,]+", "", re.sub(PICTURE, "", text, flags=re.S))
    return hashlib.sha256(NUMBER.sub(lambda found: rounded(found[0]), text).encode()).hexdigest()


def _conclusion(selection: dict) -> str:
    """Return what was decided, and the figures of the k that was chosen; the rest quotes other k."""
    told = {key: value for key, value in selection.items() if key not in ("criteria", "reasons", "alternatives")}
    return json.dumps(told | selection["criteria"][str(selection["k"])], sort_keys=True)


def _rows(path: Path) -> str:
    import pandas as pd  # imported here, because it takes a second that nothing else of the command line needs

    table = pd.read_parquet(path)
    return json.dumps([list(table), table.to_numpy().tolist()], default=str)


def rounded(number: str) -> str:
    """Round a number to six digits, and to nine behind the point: what is smaller is the rest of a sum."""
    return f"{round(float(number), 9) + 0.0:.{DIGITS}g}"


def main() -> None:
    """Compare the sample report with what is expected, or (renew) expect from now on the one that was made."""
    try:
        if sys.argv[1:] == ["renew"]:
            renew_sample()
            print(f"{PLACE.relative_to(files.ROOT).as_posix()} is written; commit it with what changed the report")
            return
        found = compare_sample()
    except SegmentationError as fault:
        sys.exit(f"Error: {fault}")
    print(tell(**{part: len(names) for part, names in found.items()}))


def tell(same: int, all: int, bytes: int) -> str:
    """Say how many files hold what is expected, and how many of all are the same bytes: two counts of two kinds."""
    return (
        f"the sample report holds what is expected: {same} files by content; of all {all} files {bytes} are the same "
        "byte for byte"
    )


if __name__ == "__main__":
    main()
