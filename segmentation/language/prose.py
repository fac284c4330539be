"""The prose of the notebooks: each heading, list item and paragraph of a Markdown cell is a message of its own."""

import re
from collections.abc import Iterator

from segmentation.language.message import catalogue, spoken

NOT_TOLD = re.compile(
    r"(^```.*?^```$|^\$\$.*?\$\$$|\n\s*\n)", re.S | re.M
)  # code, formulas, what is between paragraphs
BEGINS = re.compile(r"(^ *(?:#{1,6} |[-*] |\d+\. |> ))", re.M)  # a heading, a list item, a quotation


def tell_prose(source: str) -> str:
    """Return the Markdown of a cell in the language of the reader."""
    told = catalogue(spoken())
    return "".join(told.get(text, text) if is_told else text for is_told, text in parts(source)) if told else source


def parts(source: str) -> Iterator[tuple[bool, str]]:
    """Part the Markdown of a cell into its messages and what stands between them; all together are the source."""
    for between, block in enumerate(NOT_TOLD.split(source)):
        for mark, text in enumerate([block] if between % 2 else BEGINS.split(block)):
            told, start = text.strip(), len(text) - len(text.lstrip())
            yield False, text[:start]
            yield not (between % 2 or mark % 2) and bool(told), told
            yield False, text[start + len(told) :]
