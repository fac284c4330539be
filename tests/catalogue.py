"""The messages of the report, collected into one gettext catalogue a language: `make messages`.

python -m tests.catalogue                      bring segmentation/language/*.po up to date; what is no message goes
python -m tests.catalogue missing de           print what has no translation, as JSON: context, id, plural, where
python -m tests.catalogue fill de FILE.json    put translations in: the same, with `string`, a text or the plural forms
"""

import ast
import json
import sys
from collections.abc import Iterator
from io import BytesIO
from itertools import product
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from segmentation.language.message import NUMERALS
from segmentation.language.pages import parts, told_by
from segmentation.language.reader import LANGUAGES

ROOT = Path(__file__).resolve().parents[1]
CATALOGUES = ROOT / "segmentation" / "language"
KEYWORDS: dict = {"tr": None, "mark": None, "_": None, "trn": (1, 2)}
KEYWORDS |= dict.fromkeys(("trc", "markc"), ((1, "c"), 2))


def from_python(file, keywords, _, options) -> Iterator[tuple]:
    """Yield the messages of Python code as Babel does, also those inside of an f-string."""
    for node in ast.walk(ast.parse(file.read())):
        name = getattr(node.func, "id", getattr(node.func, "attr", None)) if isinstance(node, ast.Call) else None
        if name in keywords:
            for texts in product(*map(_texts, node.args)):
                yield node.lineno, name, texts if len(texts) != 1 else texts[0], []


def _texts(argument: ast.expr) -> list[str | None]:
    """Return the texts that an argument may be: one, or those of a choice between two."""
    if isinstance(argument, ast.IfExp):
        return [*_texts(argument.body), *_texts(argument.orelse)]
    return [argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else None]


CODE: dict = {"segmentation/**/*.py": from_python, "report/*.py": from_python}
CODE |= {"report/template/*.j2": "jinja2.ext:babel_extract"}
PER_RUN = (
    "Report-Msgid-Bugs-To",
    "POT-Creation-Date",
    "PO-Revision-Date",
    "Last-Translator",
    "Language-Team",
    "Generated-By",
)


def messages() -> Iterator[tuple[str, str | tuple[str, ...], str | None]]:
    """Yield where each message stands, its id (one and many of a plural), and its context."""
    for pattern, kind in CODE.items():
        for path in sorted(ROOT.glob(pattern)):
            with path.open("rb") as file:
                for _, text, _, context in extract(kind, file, KEYWORDS, options={"encoding": "utf-8"}):
                    yield path.relative_to(ROOT).as_posix(), text, context
    for path in sorted((ROOT / "report" / "template").glob("*.js")):
        for text in told_by(path.read_text(encoding="utf-8")):
            yield path.relative_to(ROOT).as_posix(), text, None
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for text in prose(path):
            yield path.relative_to(ROOT).as_posix(), text, None
    for numeral in NUMERALS:
        yield "segmentation/language/message.py", numeral, "a number"


def prose(notebook: Path) -> Iterator[str]:
    """Yield the messages of a notebook's prose, as far as a page shows it."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown" and "hide" not in cell["metadata"].get("tags", []):
            yield from (text for is_told, text in parts("".join(cell["source"])) if is_told)


def collected(language: str) -> Catalog:
    """Return all messages, each with its translation where there is one."""
    known = read(language)
    catalogue = Catalog(
        locale=language,
        project="segmentation",
        version="1",
        fuzzy=False,
        header_comment=f"# What the report says, in {language}.",
    )
    for where, text, context in messages():
        before = known.get(text, context)
        string = before.string if before is not None and before.pluralizable == (not isinstance(text, str)) else None
        catalogue.add(text, string, [(where, 1)], context=context)
    return catalogue


def read(language: str) -> Catalog:
    path = CATALOGUES / f"{language}.po"
    return read_po(BytesIO(path.read_bytes() if path.is_file() else b""), locale=language)


def write(catalogue: Catalog) -> None:
    """Write a catalogue, sorted, and without what changes from run to run."""
    told = BytesIO()
    write_po(told, catalogue, width=118, sort_output=True, include_lineno=False)
    lines = [
        line for line in told.getvalue().decode().splitlines() if not line.startswith(tuple(f'"{p}' for p in PER_RUN))
    ]
    (CATALOGUES / f"{catalogue.locale}.po").write_text("\n".join(lines).strip() + "\n", encoding="utf-8")


def missing(language: str) -> list[dict]:
    """Return the messages without a translation."""
    return [
        {"context": message.context, "id": forms[0], "plural": forms[1] if len(forms) > 1 else None}
        | {"where": sorted({place for place, _ in message.locations})}
        for message in collected(language)
        if message.id and not is_told(message)
        for forms in [message.id if isinstance(message.id, tuple | list) else (message.id,)]
    ]


def is_told(message) -> bool:
    return all(message.string) if isinstance(message.string, tuple | list) else bool(message.string)


def fill(language: str, translations: list[dict]) -> list[str]:
    """Put translations into a catalogue; return what is wrong with those that are left out."""
    catalogue, wrong = collected(language), []
    for row in translations:
        text = (row["id"], row["plural"]) if row.get("plural") else row["id"]
        message, string = catalogue.get(text, row.get("context")), row["string"]
        forms = [string] if isinstance(string, str) else list(string)
        faults = "is no message" if message is None else wrong_places(message, forms, catalogue.num_plurals)
        if faults:
            wrong.append(f"{row['id']!r} {faults}: {string!r}")
        else:
            message.string = forms[0] if isinstance(text, str) else tuple(forms)
    write(catalogue)
    return wrong


def wrong_places(message, forms: list[str], plurals: int) -> str:
    """Return what is wrong with the forms of a translation: each has the places of the message; a number may go."""
    own = [message.id] if isinstance(message.id, str) else list(message.id)
    if len(forms) != (plurals if len(own) > 1 else 1) or not all(forms):
        return f"needs {plurals if len(own) > 1 else 1} forms"
    filled = any(".ipynb" not in place for place, _ in message.locations)
    wanted = {place for text in own for place in places(text)} if filled else set()
    optional = {"n"} if len(own) > 1 else set()
    differ = [form for form in forms if filled and wanted - optional != set(places(form)) - optional]
    return f"has the places {sorted(wanted)}" if differ else ""


def places(text: str) -> list[str]:
    try:
        return [name for _, name, _, _ in Formatter().parse(text) if name is not None]
    except ValueError:
        return [text]  # a brace alone


def main(words: list[str]) -> None:
    match words:
        case []:
            for language in LANGUAGES[1:]:
                catalogue = collected(language)
                write(catalogue)
                told = [is_told(message) for message in catalogue if message.id]
                print(f"{language}: {told.count(False)} of {len(told)} messages are missing")
        case ["missing", language]:
            print(json.dumps(missing(language), ensure_ascii=False, indent=1))
        case ["fill", language, file]:
            wrong = fill(language, json.loads(Path(file).read_text(encoding="utf-8")))
            sys.exit("\n".join(wrong) or None)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
