"""The signs that a language writes numbers with: its marks, and where they stand."""

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from segmentation.language.reader import spoken

CLOSE_UP = "\u00a0"  # between a number and its unit, where no line should end
EVERY_DIGIT = Context(prec=400, rounding=ROUND_HALF_UP)  # room for every float


@dataclass(frozen=True)
class Signs:
    """What a language writes numbers, lists and days with; of others than English as the CLDR has it."""

    decimal: str = "."
    group: str = ","
    fewest: int = 1  # digits before the first group
    percent: str = "{}%"
    unit: str = "{} {}"
    all: str = "and"  # before the last of a list
    any: str = "or"
    plural: str = "(n != 1)"  # which form of a message goes with a number, as gettext has it
    day: str = ""  # with the number of the day, the name of the month and the year; without one ISO 8601
    months: str = ""

    @classmethod
    def of(cls, language: str) -> "Signs":
        return OF_LANGUAGE[language]


SPACED, OF_UNIT = f"{{}}{CLOSE_UP}%", f"{{}}{CLOSE_UP}{{}}"
OF_LANGUAGE = {
    "en": Signs(),
    "de": Signs(
        percent=SPACED, unit=OF_UNIT, decimal=",", group=".", all="und", any="oder", day="{}. {} {}",
        months="Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    ),
    "fr": Signs(
        percent=SPACED, unit=OF_UNIT, decimal=",", group="\u202f", all="et", any="ou", plural="(n > 1)", day="{} {} {}",
        months="janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    ),
    "es": Signs(
        percent=SPACED, unit=OF_UNIT, decimal=",", group=".", fewest=2, all="y", any="o", day="{} de {} de {}",
        months="enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    ),
}  # fmt: skip


def written(text: str) -> str:
    """Return a number that is written as 1,234.5 as the reader's language writes it."""
    signs = Signs.of(spoken())
    if signs == Signs():
        return text
    whole, point, rest = text.partition(".")
    if len(whole.lstrip("-−")) < 3 + signs.fewest + len(","):
        whole = whole.replace(",", "")
    return whole.replace(",", signs.group) + (signs.decimal + rest if point else "")


def fixed(value: float | Decimal, digits: int = 0) -> str:
    """Return a number with so many decimals, half of the last one rounded up, as people do it: 40.5 is 41, 2.675 2.68.

    Everything that is rounded for a reader is rounded here, so that one quantity never ends in two digits.
    """
    if not math.isfinite(value):
        return f"{value}"
    rounded = Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), context=EVERY_DIGIT)
    return written(f"{rounded + 0:,f}")  # + 0, because there is no -0


def ungrouped(text: str) -> str:
    """Return a number as `fixed` writes it, without what parts its thousands, as of a year."""
    return text.replace(Signs.of(spoken()).group, "")


def whole(n: float) -> str:
    """Return a number without decimals: "200" or "12,345"."""
    return fixed(n)
