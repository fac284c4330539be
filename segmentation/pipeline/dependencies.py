"""What the result of a stage hangs on: the source of its notebook, and the modules of this package that it uses."""

import ast
import hashlib
import json
import os
import platform
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from doit.dependency import FileChangedChecker, JsonDB
from doit.task import Task

from segmentation.core import files
from segmentation.core.files import sha256, write_text
from segmentation.core.store.answers import Basis, names_in
from segmentation.pipeline.plan import Plan
from segmentation.runs.artifacts import Made
from segmentation.runs.stages import parsed
from segmentation.tables.sources import LOGS

# An import of this package as ruff writes it: a line, or names in brackets.
IMPORT = re.compile(r"^[ \t]*(from segmentation[\w.]* import (?:\([^)]*\)|[^(\n]*$)|import segmentation.*$)", re.M)


def notebook_source(notebook: Path) -> list[list]:
    """Return type, tags and source of each cell: what a notebook is, whatever its outputs."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [[c["cell_type"], c["metadata"].get("tags", []), "".join(c["source"])] for c in cells]


def modules_of(notebook: Path) -> list[str]:
    """Return the modules of this package that a notebook uses, and those that these import: "core.text", sorted."""
    code = "\n".join(source for kind, _, source in notebook_source(notebook) if kind == "code")
    return _with_theirs(_used(code))


def modules_behind(*names: str) -> list[str]:
    """Return modules of this package, and those that they import, sorted."""
    return _with_theirs(frozenset(names))


def behind_the_page(module: str) -> list[Path]:
    """Return what the look of page or slides hangs on: the template, and the code that renders them from a module."""
    template = [path for path in sorted((files.SHIPPED / "report" / "template").iterdir()) if path.is_file()]
    return [*template, *map(file_of, modules_behind(module)), locked()]


def locked() -> Path:
    """Return where the versions of all packages stand."""
    return files.SHIPPED / "requirements.txt"


@cache
def of_environment() -> dict[str, str]:
    """Return the versions that an installed package really runs with, of what the lock names: nobody had to use it."""
    if not files.INSTALLED:
        return {}
    found = {"python": platform.python_version()}
    for name in re.findall(r"^([\w.-]+)==", locked().read_text(encoding="utf-8"), flags=re.M):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def own_notebooks() -> list[Path]:
    """Return the notebooks of a home that say something else than those of the installed package."""
    shipped = sorted((files.SHIPPED / "notebooks").glob("*.ipynb"))
    pairs = [(files.found(files.name_of(path)), path) for path in shipped]
    return [own for own, path in pairs if own != path and notebook_source(own) != notebook_source(path)]


def file_of(module: str) -> Path:
    """Return the file of a module of this package."""
    place = files.PACKAGE.joinpath(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def package_files() -> list[Path]:
    """Return every module of this package, without what it ships."""
    return sorted({*files.PACKAGE.rglob("*.py")} - {*files.PACKAGE.rglob("shipped/**/*.py")})


def _with_theirs(names: frozenset[str]) -> list[str]:
    found, new = frozenset({"__init__"}), names
    while new:
        found |= new
        new = frozenset().union(*map(_used_by, new)) - found
    rooms = {".".join([*name.split(".")[:n], "__init__"]) for name in found for n in range(1, name.count(".") + 1)}
    return sorted(found | rooms)


@cache
def _used_by(name: str) -> frozenset[str]:
    """Return the modules that a module uses, without parsing more of it than its imports: all take half a second."""
    code = file_of(name).read_text(encoding="utf-8")
    imports = "\n".join(IMPORT.findall(code))
    whole = re.findall(r"^from segmentation import ([^(\n]*|\([^)]*\))", imports, flags=re.M)
    names = "|".join(re.findall(r"\w+", " ".join(whole)))
    behind = set(re.findall(rf"\b(?:{names})\.[^\W\d]\w*", code)) if names else set()
    return _used("\n".join([imports, *sorted(behind)]))


def _used(code: str) -> frozenset[str]:
    """Return the modules of this package that some code uses, imported at its top or inside of its functions.

    Of a package that is imported whole, those are used whose names stand behind it with a point.
    """
    nodes = list(ast.walk(parsed(code)))
    used: set[str] = set()
    packages: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            used |= {alias.name.removeprefix("segmentation.") for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "segmentation":
            packages |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("segmentation."):
            inside = node.module.removeprefix("segmentation.")
            used |= {inside} if "." in inside else {_home(inside, alias.name) for alias in node.names}
    behind = [(n.value.id, n.attr) for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)]
    used |= {_home(packages[name], part) for name, part in behind if name in packages}
    return frozenset(name for name in used if file_of(name).is_file())


def _home(package: str, name: str) -> str:
    """Return the module of a package in which a name lies that the package gives, or which has this name."""
    given = _given(package)
    return f"{package}.{given.get(name, name)}"


@cache
def _given(package: str) -> dict[str, str]:
    """Return name -> module of what a package gives: by `lazily`, or imported from a module of it."""
    place = file_of(f"{package}.__init__")
    if not place.is_file():
        return {}
    tree = parsed(place.read_text(encoding="utf-8"))
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "lazily"]
    words = [(word.arg, word.value) for call in calls for word in call.keywords if word.arg]
    imports = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module != "segmentation"]
    own = {alias.name: str(n.module).rpartition(".")[2] for n in imports for alias in n.names}
    return own | {name: module for module, names in words for name in ast.literal_eval(names)}


class Record(JsonDB):
    """What doit keeps of what was made: written whole, or left as it was."""

    def dump(self):
        write_text(Path(self.name), self.codec.encode(self._db))


def read_record(record: Path) -> dict:
    """Return doit's record of what was made; one that cannot be read goes: all is made again."""
    try:
        return json.loads(record.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        record.unlink()
        return {}


def given_to(tasks: dict[str, Task]) -> dict[str, str]:
    """Return the SHA-256 of each file that tasks need and none of them makes."""
    made = {name for task in tasks.values() for name in task.targets}
    needed = {name for task in tasks.values() for name in task.file_dep} - made
    return {name: sha256(path) for name in needed if (path := files.found(name)).is_file()}


def state_of(paths: Iterable[Path], given: Mapping[str, str]) -> dict[str, str]:
    """Return the SHA-256 of files: of those that a run was given, when it began, as its modules were loaded."""
    names = {files.name_of(path): path for path in paths}
    return {name: given.get(name) or sha256(path) for name, path in names.items() if name in given or path.is_file()}


def hashed(told) -> str:
    """Return what doit may keep of the parameters: the URL of a database holds a password."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def as_it_began(needs: list[Path], given: Mapping[str, str], began: list[str]):
    """Return doit's check that what a task needs lay there when it began, and was not written while it ran."""

    def check(task, values) -> bool:
        task.value_savers.append(lambda: {"began": began[-1]})
        return values.get("began") == hashed(state_of(needs, given))

    return check


def as_it_was_made(makes: list[Path], drawn):
    """Return doit's check that a task's results are what it wrote: a notebook run by hand may have changed them."""

    def check(task, values) -> bool:
        task.value_savers.append(lambda: {"made": hashes([*makes, *drawn()])})
        return values.get("made") == hashes([*makes, *drawn()])

    return check


def hashes(paths: list[Path]) -> dict[str, str]:
    return {path.name: sha256(path) for path in paths if path.is_file()}


def basis_of(plan: Plan, tasks: dict[str, Task], given: dict[str, str], record: dict) -> Basis | None:
    """Return what the answer of a run hangs on in which all is made; None where it may hang on more than this.

    Parameters
    ----------
    given : what the tasks were given, when the run began.
    record : doit's, of what was made.
    """
    study, source = plan.study, plan.source
    alone = source.settled and [os.path.realpath(source.place)] == [*map(str, source.files)]
    if files.INSTALLED or os.environ.get(files.ANEW) or not alone or plan.assumed or plan.earlier:
        return None
    parts = {name: record.get(name, {}) for name in tasks}
    needed = [(file, part.get(file)) for name, part in parts.items() for file in tasks[name].file_dep]
    made = {file: state for part in parts.values() for file, state in part.get("_values_:", {}).get("made", {}).items()}
    own = [path for folder in (study.folder, study.report) for path in folder.rglob("*") if path.name in made]
    known = [(files.found(name), state) for name, state in [*needed, *given.items()]]
    known += [(path, made[path.name]) for path in own]
    if {path.name for path in own} != {*made} or any(not p.is_file() or sha256(p) != state for p, state in known):
        return None  # somebody has changed it meanwhile
    kept = [study.path(name) for name in (Made.FILE, ".doit.json")]
    folders = [study.folder, study.report, files.PACKAGE, files.SHIPPED / "report" / "template"]
    return Basis(
        lock=str(study.folder / ".lock"),
        files={str(path): sha256(path) for path in [*(path for path, _ in known), *kept]},
        folders={str(folder): names_in(folder) for folder in folders},
        absent=[f"{source.files[0]}{end}" for end in LOGS],
        typed=source.place,
        table=str(source.files[0]),
        revision=plan.revision,
    )


class Content(FileChangedChecker):
    """Compares files by their SHA-256, which the manifest needs too: a table put in place of another may be as old.

    A file of the project is known by its name, as `files.name_of` gives it, so that a project that was moved is up to
    date, and so is a home when the package is elsewhere.
    """

    def exists(self, file_path):
        return (files.found(file_path)).exists()

    def info(self, file_path):
        return super().info(files.found(file_path))

    def check_modified(self, file_path, file_stat, state):
        return sha256(files.found(file_path)) != state

    def get_state(self, dep, current_state):
        return sha256(files.found(dep))
