"""The signs that a language writes numbers with: its marks, and where they stand."""

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache

from segmentation.language.reader import spoken

CLOSE_UP = "\u00a0"  # between a number and its unit, where no line should end
LATE_GROUPING = {"es": 2}  # how many digits stand before the first mark at least, where it is not one (CLDR)
EVERY_DIGIT = Context(prec=400, rounding=ROUND_HALF_UP)  # room for every float


@dataclass(frozen=True)
class Signs:
    """What a language writes numbers with."""

    decimal: str = "."
    group: str = ","
    fewest: int = 1  # digits before the first group
    percent: str = "{}%"
    unit: str = "{} {}"

    @classmethod
    @cache
    def of(cls, language: str) -> "Signs":
        if language == "en":
            return cls()
        from babel import Locale  # takes a moment that an English report does not need

        locale = Locale.parse(language)
        signs, [percent] = locale.number_symbols["latn"], locale.percent_formats.values()
        pattern = percent.pattern.replace("#,##0", "{}")
        return cls(signs["decimal"], signs["group"], LATE_GROUPING.get(language, 1), pattern, f"{{}}{CLOSE_UP}{{}}")


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
