"""A report in a language that brackets every message: what stands outside of the brackets is not told by one.

python -m tests.pseudo                            the sample
python -m tests.pseudo --data FILE --k 4          another table, with the options of `make report`
python -m tests.pseudo compare --data FILE        the comparison of two runs of it

It prints what is left, by the place of the page; `--keep FOLDER` keeps the project with its pages there.
"""

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from unittest import mock

import yaml

from segmentation.language import message
from segmentation.runs.stages import STAGES, declared
from tests.conftest import FAST, Project, copy_project

OPEN, CLOSE = "⟦", "⟧"
INLINE = {"a", "abbr", "b", "br", "code", "em", "i", "small", "span", "strong", "sub", "sup", "text", "tspan", "wbr"}
NOT_READ = {"script", "style", "pre", "code", "title", "defs", "kbd", "samp"}
READ_OUT = ("alt", "aria-label", "placeholder", "title", "aria-valuetext", "aria-description")
VOID = {"br", "img", "input", "meta", "link", "hr", "wbr", "path", "use", "circle", "rect", "line", "col"}
OF_CODE = re.compile(
    r"\b[0-9a-f]{64}\b|\b[\w-]+ \d+(?:\.\d+)+\b|"
    r"[\w./-]*\w_\w[\w./-]*|\b[\w-]+\.(?:csv|json|parquet|sql|svg|yaml|html|pdf|ipynb|xlsx|py|skops)\b"
)
GERMAN = ("und", "oder", "SHA-256")  # what joins a list in German, in which all of this is told
WORD = re.compile(r"[^\W\d_]{2,}")


class Bracketed(Mapping):
    """A catalogue that has every message, in brackets."""

    def get(self, key, default=None):
        """Return a message in brackets; of a plural both forms."""
        if isinstance(key, tuple) and default is None:
            return [f"{OPEN}{form}{CLOSE}" for form in key]
        return f"{OPEN}{key[1] if isinstance(key, tuple) else key}{CLOSE}"

    def __getitem__(self, key):
        return self.get(key, key)

    def __iter__(self) -> Iterator:
        return iter(())

    def __len__(self) -> int:
        return 1


class Shown(HTMLParser):
    """Collects the texts that a page shows or that are read out, and the place where each stands."""

    def __init__(self):
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.text = ""
        self.path: list[tuple[str, str]] = []

    def handle_starttag(self, tag, attributes):
        """Begin a new text at a block; look at what is read out."""
        told = dict(attributes)
        if tag not in INLINE:
            self._end_text()
        for name in READ_OUT:
            if told.get(name) and not self._hidden():
                self._keep(told[name], name)
        if tag not in VOID:
            self.path.append((tag, "" if tag == "g" else told.get("id") or ""))

    def handle_endtag(self, tag):
        """End a text at the end of a block."""
        if tag not in INLINE:
            self._end_text()
        if any(tag == name for name, _ in self.path):
            while self.path.pop()[0] != tag:
                pass

    def handle_data(self, data):
        """Take the text of an element that is read."""
        if not self._hidden():
            self.text += data

    def _hidden(self) -> bool:
        return any(tag in NOT_READ or name == "explore-data" for tag, name in self.path)

    def _end_text(self):
        text, self.text = self.text, ""
        self._keep(text)

    def _keep(self, text: str, of: str = ""):
        if text.strip():
            place = next((name for _, name in reversed(self.path) if name), "")
            self.found.append(
                (f"{place} <{self.path[-1][0] if self.path else ''}> {of}".strip(), " ".join(text.split()))
            )


def outside(text: str) -> str:
    """Return what of a text stands outside of brackets; one that is cut off is open to the end, or from the start."""
    left = re.sub(f"^[^{OPEN}]*?{CLOSE}", " ", text)
    while left != (left := re.sub(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}", " … ", left)):
        pass
    return re.sub(f"{OPEN}.*$|^.*{CLOSE}", " ", left, flags=re.S)


def english(text: str, known: list[str]) -> list[str]:
    """Return the words of a text that are neither code nor words of the data."""
    whole = [word for word in known if " " in word]  # before code, as a licence may name a file
    for words in (whole, None, known):
        text = OF_CODE.sub(" ", text) if words is None else without(text, words)
    return WORD.findall(text)


def without(text: str, known: list[str]) -> str:
    """Return a text without these words, the longest first."""
    for word in sorted(known, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", " ", text, flags=re.I)
    return text


def words_of(described) -> Iterator[str]:
    """Yield each text of a dataset.yaml."""
    match described:
        case dict():
            for key, value in described.items():
                yield from (str(key), str(key).replace("_", " "), *words_of(value))
        case list():
            for value in described:
                yield from words_of(value)
        case str():
            yield described


def left_in(page: str, known: list[str]) -> dict[str, list[str]]:
    """Return by its place what of a page no message tells."""
    left: dict[str, list[str]] = {}
    for place, shown in texts_of(page):
        text = outside(shown)
        if english(text, known) and text not in left.setdefault(place, []):
            left[place].append(text)
    return {place: texts for place, texts in left.items() if texts}


def texts_of(page: str) -> list[tuple[str, str]]:
    """Return where on a page each text stands, and the text."""
    reader = Shown()
    reader.feed(page)
    reader.close()
    return reader.found


def known_words(project: Project, run: str, more: list[str]) -> list[str]:
    """Return the words of the data, the longest first: what dataset.yaml holds, names of runs and of parameters."""
    places = [project.root / "assets" / run / "dataset.yaml", *sorted((project.root / "data").glob("*/dataset.yaml"))]
    made = json.loads((project.root / "assets" / run / "manifest.json").read_text(encoding="utf-8"))["parameters"]
    more = [*more, *made, *map(str, made.values()), *(name for stage in STAGES for name in declared(stage))]
    texts = {word for path in places if path.is_file() for word in words_of(yaml.safe_load(path.read_text()))}
    return sorted({text for text in texts | {run, *more, *GERMAN} if len(text) > 1}, key=len, reverse=True)


def told_in_brackets(project: Project, *commands: list[str]) -> None:
    """Run commands in the language that brackets every message, and writes its numbers and lists as German does."""
    with mock.patch.object(message, "catalogue", return_value=Bracketed()):
        for words in commands:
            done = project.call(*words, "--lang", "de")
            if done.returncode:
                sys.exit(f"{' '.join(words)}\n{done.stdout}\n{done.stderr}")


def main(words: list[str]) -> None:
    keep = words.index("--keep") if "--keep" in words else None
    folder = Path(words[keep + 1]) if keep is not None else Path(tempfile.mkdtemp())
    words = words[:keep] + words[keep + 2 :] if keep is not None else words
    compared = words[:1] == ["compare"]
    options = words[compared:] or ["--dataset", "sample", "--k", "5"]
    folder.mkdir(parents=True, exist_ok=True)
    project = copy_project(folder)
    commands = [["report", *options, "--run", "one", *FAST]]
    if compared:
        commands += [
            ["report", *options, "--run", "two", "--seed", "1", *FAST],
            ["compare", "--base", "one", "--run", "two"],
        ]
    told_in_brackets(project, *commands)
    pages = (
        sorted((project.root / "report").glob("*/*.html")) if compared else [project.root / "report/one/report.html"]
    )
    for page in [page for page in pages if not compared or page.name != "report.html"]:
        files = [word.rpartition("/")[2] for word in options if "." in word]
        left = left_in(page.read_text(encoding="utf-8"), known_words(project, "one", ["one", "two", *files]))
        print(f"{page.name}: {sum(map(len, left.values()))} texts outside of brackets")
        for place, texts in left.items():
            print(f"\n{place}", *[f"  {text[:300]}" for text in texts], sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
