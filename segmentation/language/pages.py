"""What pages are made of, in the language of the reader: the notebooks' prose, templates and scripts.

Of the prose each heading, list item and paragraph of a Markdown cell is a message of its own. A template says
`{{ _("Since {base}:", base=report.base) | e }}`; `trn` and `trc` are there too, and `spoken()` is the language. A
script of the page says `T("{n} of {all} shown", {n, all})`, or in the form that goes with a number
`TN("{n} customer", "{n} customers", n)`; `script.js` has both, and the page hands them what is not English.
"""

import json
import re
from collections.abc import Iterator

from segmentation.language import message
from segmentation.language.message import tr, trc, trn
from segmentation.language.reader import spoken

# A message of a script. Babel's reader of JavaScript would lose all that follows a regular expression after `return`,
# or a template within one.
OF_SCRIPT = re.compile(r'\bT(N?)\(\s*("(?:[^"\\]|\\.)*")(?:,\s*("(?:[^"\\]|\\.)*"))?')
NOT_TOLD = re.compile(
    r"(^```.*?^```$|^\$\$.*?\$\$$|\n\s*\n)", re.S | re.M
)  # code, formulas, what is between paragraphs
BEGINS = re.compile(r"(^ *(?:#{1,6} |[-*] |\d+\. |> ))", re.M)  # a heading, a list item, a quotation


def tell_prose(source: str) -> str:
    """Return the Markdown of a cell in the language of the reader."""
    told = message.catalogue(spoken())
    return "".join(told.get(text, text) if is_told else text for is_told, text in parts(source)) if told else source


def parts(source: str) -> Iterator[tuple[bool, str]]:
    """Part the Markdown of a cell into its messages and what stands between them; all together are the source."""
    for between, block in enumerate(NOT_TOLD.split(source)):
        for mark, text in enumerate([block] if between % 2 else BEGINS.split(block)):
            told, start = text.strip(), len(text) - len(text.lstrip())
            yield False, text[:start]
            yield not (between % 2 or mark % 2) and bool(told), told
            yield False, text[start + len(told) :]


def script_messages(code: str) -> str:
    """Return as JSON what the messages of a script are in the language of the reader; "" where it tells none anew."""
    told = message.catalogue(spoken())
    if not told:
        return ""
    known = {text if isinstance(text, str) else text[1]: told[text] for text in told_by(code) if text in told}
    return json.dumps(known, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c") if known else ""


def told_by(code: str) -> Iterator[str | tuple[str, str]]:
    """Yield the messages of a script, of one that a number decides both forms."""
    for counted, one, many in OF_SCRIPT.findall(code):
        yield (json.loads(one), json.loads(many)) if counted else json.loads(one)


IN_TEMPLATES = {"_": tr, "trn": trn, "trc": trc, "spoken": spoken, "script_messages": script_messages}
