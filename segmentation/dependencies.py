"""What the result of a stage hangs on: the source of its notebook, and the modules of this package that it imports."""

import ast
import json
from functools import cache
from pathlib import Path
from threading import Lock

PACKAGE = Path(__file__).parent
_parsing = Lock()  # stages run in threads, and of two that parse at once Python 3.11 now and then stops one


def notebook_source(notebook: Path) -> list[list]:
    """Return type, tags and source of each cell: what a notebook is, whatever its outputs."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [[c["cell_type"], c["metadata"].get("tags", []), "".join(c["source"])] for c in cells]


def modules_of(notebook: Path) -> list[Path]:
    """Return the modules of this package that a notebook imports, and those that these import, sorted."""
    code = "\n".join(source for kind, _, source in notebook_source(notebook) if kind == "code")
    return _with_theirs(_imported(code))


def modules_behind(*names: str) -> list[Path]:
    """Return modules of this package by name, and those that they import, sorted."""
    return _with_theirs(frozenset(names))


def _with_theirs(names: frozenset[str]) -> list[Path]:
    found, new = frozenset({"__init__"}), names
    while new:
        found |= new
        new = frozenset().union(*map(_imported_by, new)) - found
    return sorted(PACKAGE / f"{name}.py" for name in found)


@cache
def _imported_by(name: str) -> frozenset[str]:
    return _imported((PACKAGE / f"{name}.py").read_text(encoding="utf-8"))


def _imported(code: str) -> frozenset[str]:
    """Return the modules of this package that some code imports, at its top or inside of its functions."""
    words = set()
    with _parsing:
        tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            words |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            words |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    own = {word.removeprefix("segmentation.").split(".")[0] for word in words if word.startswith("segmentation.")}
    return frozenset(name for name in own if (PACKAGE / f"{name}.py").is_file())
