"""What a terminal is told: a first word at once, and what a run found.

Where nothing changed that is kept with all that it hangs on, and told again while that is as it was. To find
the same out from notebooks and descriptions takes several times as long, nearly all of it to import what reads them.
"""

import hashlib
import json
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from segmentation.core import files
from segmentation.core.errors import CALLED_BY
from segmentation.core.files import read_json, revision, sha256, write_json
from segmentation.core.parallel import sweep_temporary

OF_CALL = (CALLED_BY, files.HOME, "HOME", "USERPROFILE")  # of the environment, what the words that were typed hang on
COMPILED, LOCK = "__pycache__", ".lock"  # which come and go without a change
LEAST_BEHIND = 20  # letters, of what stands behind a head


class Basis(NamedTuple):
    """All that the answer of a run hangs on.

    lock : the file by which another process says that it makes the run
    files : the SHA-256 of each file
    folders : the SHA-256 of the names in each folder, in those inside of it too
    absent : what may not be there: logs of a database, with what is still to be added to it
    typed, table : the path of the table as it was found, and where that leads
    revision : that of the clone
    """

    lock: str
    files: dict[str, str]
    folders: dict[str, str]
    absent: list[str]
    typed: str
    table: str
    revision: str | None

    def as_it_was(self) -> bool:
        """Return whether all of it is as it was."""
        try:
            return (
                os.path.realpath(self.typed) == self.table
                and not any(map(os.path.lexists, self.absent))
                and all(names_in(Path(folder)) == known for folder, known in self.folders.items())
                and all(sha256(Path(place)) == known for place, known in self.files.items())
                and revision() == self.revision
            )
        except OSError:  # one of them is gone
            return False


class Answer(NamedTuple):
    """What a run tells: lines, none to the quiet, and where its pages lie."""

    summary: str
    pages: list[str]

    def show(self, columns: object = None) -> None:
        """Print it, between the two a table of columns where one is given."""
        console = Console(highlight=False, soft_wrap=True)
        if self.summary:
            for line in self.summary.splitlines():
                console.print(_hanging(line, console) if console.is_terminal else line, markup=False)
        if columns:
            console.print(columns, soft_wrap=False)
        for page in self.pages:
            console.print(page, style="bold", markup=False)


def _hanging(line: str, console: Console) -> str:
    """Return a line broken between words where a terminal ends, further lines beneath what stands behind its head."""
    head = "".join(re.findall(r"^ +\S+(?: \S+)*  +", line))
    wide = cell_len(head)
    told = Text(line[len(head) :]).wrap(console, max(console.width - wide, LEAST_BEHIND))
    return head + f"\n{' ' * wide}".join(part.plain.rstrip() for part in told)


def say_first(told: str, silent: bool = False) -> None:
    """Say in a terminal what is being done, before what does it is imported and a table read, which takes seconds."""
    if sys.stderr.isatty() and not silent:
        print(told, file=sys.stderr, flush=True)


def names_in(folder: Path) -> str:
    """Return the SHA-256 of the names of all that lies in a folder, and in those inside of it."""
    names = []
    for place, inside, own in os.walk(folder):
        inside[:] = [name for name in inside if name != COMPILED]
        names += [f"{place}/{name}" for name in (*inside, *own) if name != LOCK]
    return hashlib.sha256(json.dumps(sorted(names)).encode()).hexdigest()


def keep(words: Sequence[str], basis: Basis, answer: Answer) -> None:
    """Keep what the command of these words tells while its basis is as it was, if the disk lets us."""
    with suppress(OSError):
        write_json(_place(words), {"basis": basis._asdict(), "answer": answer._asdict()})


def recall(words: Sequence[str]) -> Answer | None:
    """Return what was kept for these words; None where there is nothing, or its basis is not as it was.

    It is not while another process makes the run.
    """
    place = _place(words)
    if os.environ.get(files.ANEW) or not place.is_file():
        return None
    try:
        kept = read_json(place)
        basis, answer = Basis(**kept["basis"]), Answer(**kept["answer"])
    except (KeyError, TypeError, ValueError):  # it is damaged, or an older version's
        return None
    if not Path(basis.lock).is_file():
        return None
    with suppress(OSError), FileLock(basis.lock, blocking=False):
        sweep_temporary()
        os.utime(place)
        return answer if basis.as_it_was() else None
    return None


def _place(words: Sequence[str]) -> Path:
    """Return where the answer to a command lies that is typed in this folder."""
    of_call = [os.environ.get(name) for name in OF_CALL]
    asked = json.dumps([*words, str(Path.cwd()), str(files.PACKAGE), str(files.ROOT), of_call])
    return files.ROOT / "assets" / files.KEPT / f"{hashlib.sha256(asked.encode()).hexdigest()}.json"
