"""Puts the pages of the site together, from the documents and from the docstrings of what notebooks call."""

import ast
import json
import re
import shutil
from collections.abc import Iterator
from importlib import import_module
from inspect import getdoc, ismodule
from pathlib import Path, PurePosixPath

from tests.conftest import ROOT

OF_ROOT = ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
PICTURES = "assets/readme"
HANDED = {"customers": ["customers.Customers"], "runs": ["run.Run"]}  # what notebooks get from these, and ask
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)(?=[)#])")


def homes() -> dict[str, str]:
    """Return the page of the site for each document of the project."""
    pages = {f"docs/{path.name}": path.name for path in (ROOT / "docs").glob("*.md")}
    return pages | {"README.md": "index.md"} | {name: name.lower() for name in OF_ROOT}


def copy_documents(folder: Path) -> None:
    """Write every document into a folder, with the links between them as the site has them."""
    pages = homes()
    for source, page in pages.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        (folder / page).write_text(_linked(text, source, pages), encoding="utf-8")
    shutil.copytree(ROOT / PICTURES, folder / PICTURES)
    for name in ("site.css", "iframe-worker.js"):
        shutil.copy(ROOT / "docs" / name, folder / name)


def _linked(text: str, source: str, pages: dict[str, str]) -> str:
    """Return the text of a document with each link led to the page of the site."""
    return LINK.sub(lambda link: _led(link[1], source, pages), text)


def _led(link: str, source: str, pages: dict[str, str]) -> str:
    """Return where a link of a document leads on the site; one to no page of it is an error."""
    place = (ROOT / source).parent.joinpath(link).resolve().relative_to(ROOT.resolve()).as_posix()
    if place.startswith(PICTURES):
        return place
    if place not in pages:
        raise ValueError(f"{source}: {link} is no page of the site")
    return pages[place]


def called() -> dict[str, set[str]]:
    """Return the names that the notebooks use of each package: customers -> {"clean", "plots.answers"}."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        for package, name in _used(ast.parse(code)):
            found.setdefault(package, set()).add(name)
    return found


def _used(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield package and name of whatever a notebook takes from ours."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    told = {alias.asname or alias.name: f"{node.module}.{alias.name}" for node in imports for alias in node.names}
    ours = {name: place for name, place in told.items() if place.startswith("segmentation.")}
    for node in ast.walk(tree):
        words = ast.unparse(node).split(".") if isinstance(node, ast.Attribute | ast.Name) else []
        if words and words[0] in ours:
            _, package, *rest = [*ours[words[0]].split("."), *words[1:]]
            name = _public(package, rest)
            if name:
                yield package, name


def _public(package: str, words: list[str]) -> str:
    """Return the name without what is asked of the thing it stands for; nothing of a module by itself."""
    thing, taken = import_module(f"segmentation.{package}"), []
    while ismodule(thing) and words:
        taken, words = [*taken, words[0]], words[1:]
        thing = getattr(thing, taken[-1])
    return "" if ismodule(thing) else ".".join(taken)


def find(package: str, name: str) -> object:
    """Return what a name of a package stands for."""
    thing: object = import_module(f"segmentation.{package}")
    for word in name.split("."):
        thing = getattr(thing, word)
    return thing


def write_api(folder: Path) -> None:
    """Write a page for each package that notebooks import, with every name that they use of it."""
    (folder / "api").mkdir()
    for package, names in called().items():
        about = getdoc(import_module(f"segmentation.{package}"))
        groups = {"": [], "plots": [], "tell": [], "advice": []}
        for name in sorted(names):
            groups[str(PurePosixPath(name.replace(".", "/")).parent).replace(".", "")].append(name)
        text = [f"# {package}", about]
        rooms = {"Computes": groups[""], "Draws": groups["plots"], "Says": groups["tell"], "Advises": groups["advice"]}
        for titled, told in (rooms | {"Hands over": HANDED.get(package, [])}).items():
            text += [f"## {titled}"] * bool(told)
            text += [_told(package, name) for name in told]
        (folder / "api" / f"{package}.md").write_text("\n\n".join(text) + "\n", encoding="utf-8")


def _told(package: str, name: str) -> str:
    """Return the directive by which mkdocstrings shows a name as notebooks write it."""
    place = home_of(package, name)
    name = name.rpartition(".")[2] if name in HANDED.get(package, ()) else name
    return f'::: {place}\n    options:\n      heading: "{package}.{name}"\n      toc_label: "{name}"'


def home_of(package: str, name: str) -> str:
    """Return where a name of a package is defined."""
    thing = find(package, name)
    if callable(thing):
        return f"{thing.__module__}.{thing.__qualname__}"
    module = import_module(f"segmentation.{package}")
    [home] = [room for room in _rooms(module) if name in vars(room)]
    return f"{home.__name__}.{name}"


def _rooms(package) -> Iterator:
    """Yield the modules of a package."""
    for path in sorted(Path(package.__file__).parent.glob("*.py")):
        if path.stem != "__init__":
            yield import_module(f"{package.__name__}.{path.stem}")
