"""What a run would compute again, kept beside the runs: `assets/.kept/`, by all that it is computed from.

A file is named by the SHA-256 of the arguments, of the code behind them and of the versions that it runs with. So
another k, another language or another run of the same table finds what is the same, and nothing else. Who wants to
know whether results can be computed again sets `ANEW`: then nothing is read from here, and nothing written; nor where
code was edited since the process began, because nobody can tell whether it is what runs.
"""

import os
import platform
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from threadpoolctl import threadpool_info

import segmentation
from segmentation.core import files
from segmentation.core.files import KEPT, replacing, sha256
from segmentation.core.store.values import digest, pack, unpack

MOST_BYTES = 100 * 2**20  # of all files; those go that nobody has asked for the longest time
NEVER_BEHIND = (
    "cli",
    "__main__",
    "pipeline",
    "report",
    "tell",
    "plots",
    "shipped",
)  # no module that computes uses them
COMPUTING = ("numpy", "scipy", "scikit-learn", "pandas", "stepmix", "threadpoolctl")
Key = TypeVar("Key")
Value = TypeVar("Value")


def reused(function: Callable[..., Value], *asked, kinds: tuple[type, ...] = (), **how) -> Value:
    """Return function(*asked, **how): what was kept of it, or else computed now, and kept.

    Parameters
    ----------
    kinds : tuple of type
        The classes of this project's, or of scikit-learn's, whose objects it returns.
    """
    [found] = reused_each({"": ()}, lambda _: {"": function(*asked, **how)}, function, asked, how, kinds=kinds).values()
    return found


def reused_each(
    asked: Mapping[Key, Any], compute: Callable[[list[Key]], Mapping[Key, Value]], *basis, kinds: tuple[type, ...] = ()
) -> dict[Key, Value]:
    """Return a value for each key, in this order: what was kept, and what `compute` gives of the others.

    Parameters
    ----------
    asked : mapping
        Key -> what the value of this key alone hangs on.
    basis
        What every value hangs on.
    """
    if os.environ.get(files.ANEW) or not _code():
        return dict(compute(list(asked)))
    common = digest(_code(), _versions(), basis)
    places = {key: _store() / f"{digest(common, key, own)}.npz" for key, own in asked.items()}
    found = {key: value for key, place in places.items() for value in _read(place, kinds)}
    missing = [key for key in asked if key not in found]
    for key, value in compute(missing).items() if missing else ():
        found[key] = value
        _write(places[key], value)
    return {key: found[key] for key in asked}


def _store() -> Path:
    return files.ROOT / "assets" / KEPT


def _read(place: Path, kinds: tuple[type, ...]) -> list:
    """Return a list of the one value that a file holds; of none where it is not there, damaged, or another's."""
    try:
        key, value = unpack(place.read_bytes(), kinds)
        os.utime(place)
        return [value] if key == place.stem else []
    except Exception:  # whatever is wrong with it, it is computed again and written over
        return []


def _write(place: Path, value) -> None:
    """Keep a value, if the disk lets us: who asks has it already."""
    with suppress(OSError):
        _make_room(place.parent)
        with replacing(place) as beside:
            beside.write_bytes(pack([place.stem, value]))


@cache
def _make_room(store: Path) -> None:
    """Remove, once a process, what was not asked for the longest time, so that there is room for what comes."""
    store.mkdir(parents=True, exist_ok=True)
    known = []
    for path in store.iterdir():
        with suppress(OSError):
            known.append((path.stat(), path))
    left = sum(stat.st_size for stat, _ in known)
    for stat, path in sorted(known, key=lambda pair: pair[0].st_mtime):
        if left <= MOST_BYTES:
            break
        with suppress(OSError):  # another process reads it, or has removed it
            path.unlink()
        left -= stat.st_size


@cache
def _code() -> str:
    """Return a digest of all modules that compute: those that draw, tell and render change no value.

    It is "" where one of them was written after this process began to import them.
    """
    modules = list(modules_that_compute())
    found = digest(*((files.name_of(path), sha256(path)) for path in modules))
    written = max(max(state.st_ctime_ns, state.st_mtime_ns) for state in map(Path.stat, modules))
    return found if written < segmentation.LOADED else ""


def modules_that_compute() -> Iterable[Path]:
    """Return the modules that a kept value may hang on."""
    for path in sorted(files.PACKAGE.rglob("*.py")):
        parts = path.relative_to(files.PACKAGE).with_suffix("").parts
        if not set(parts) & {*NEVER_BEHIND}:
            yield path


@cache
def _versions() -> str:
    """Return a digest of what computes: Python, the packages, the machine, and what multiplies its matrices."""
    found = []
    for name in COMPUTING:
        with suppress(PackageNotFoundError):
            found.append((name, version(name)))
    blas = sorted({str(pool.get("architecture")) for pool in threadpool_info() if pool["user_api"] == "blas"})
    return digest(platform.python_version(), platform.platform(), found, blas)
