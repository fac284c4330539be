"""Numbers, shares, intervals and lists as the reader's language writes them: the one place that says how."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from segmentation.language.message import mark, tr
from segmentation.language.reader import spoken
from segmentation.language.signs import Signs, written
from segmentation.language.signs import fixed as fixed
from segmentation.language.signs import ungrouped as ungrouped
from segmentation.language.signs import whole as whole

NONE = "–"  # what stands where there is no figure
TOO_LITTLE = 1e-9  # what sums of floats may miss of a whole

OWN_UNITS = {"days": mark("days"), "years": mark("years"), "purchases": mark("purchases")}  # that no table says


def listing(words) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return _joined(words, Signs.of(spoken()).all)


def either(words) -> str:
    """Return "a", "a or b" or "a, b or c"."""
    return _joined(words, Signs.of(spoken()).any)


def _joined(words: Iterable[object], last: str) -> str:
    *before, end = [str(word) for word in words] or [""]
    return f"{', '.join(before)} {last} {end}" if before else end


def parted(parts: Iterable[str]) -> str:
    """Return parts that may hold commas of their own, with semicolons between them."""
    return tr("; ").join(parts)


def labelled(label: str, text: str) -> str:
    """Return a text behind what it is of."""
    return tr("{label}: {text}", label=label, text=text)


def amount(value: float | None, unit: str | None = None) -> str:
    """Return a number with its unit: two significant digits below 1, one decimal below 1,000, none above; or a dash."""
    if value is None or value != value:
        return NONE
    small = written(f"{value:.2g}") if abs(value) < 0.95 else fixed(value, 1).removesuffix(written(".0"))
    text = fixed(value) if abs(value) >= 1000 else small
    if unit == "%":
        return _percent(text)
    return Signs.of(spoken()).unit.format(text, told_unit(unit)) if unit else text


def told_unit(unit: str | None) -> str | None:
    """Return a unit that we give ourselves in the language of the reader, any other as it is."""
    return tr(OWN_UNITS[unit]) if unit in OWN_UNITS else unit


def day(value: date | str) -> str:
    """Return a day, or its ISO text, as it stands in a sentence."""
    signs = Signs.of(spoken())
    if not signs.day:
        return f"{value}"
    told = date.fromisoformat(f"{value}")
    return signs.day.format(told.day, signs.months.split()[told.month - 1], told.year)


def spanning(interval: Sequence[float] | None, form=amount) -> str:
    """Return an interval as "34% to 48%"; "" of none."""
    told = [form(end) for end in interval or ()]
    return tr("{low} to {high}", low=told[0], high=told[1]) if told else ""


def ranging(values: Mapping[str, float], told: Mapping[str, str]) -> str:
    """Return between which groups a figure ranges, as "38% (segment 2) to 41% (segment 1)"; "" where all look alike."""
    known, ends = dict(values), []
    for end in (min(known.values()), max(known.values())):
        alike = [name for name, value in known.items() if value == end]
        ends.append((told[alike[0]], listing(alike)))
    (low, where), (high, there) = ends
    if low == high:
        return ""
    return tr("{low} ({where}) to {high} ({there})", low=low, where=where, high=high, there=there)


def percent(share: float, digits: int = 0) -> str:
    """Return one share as a percentage; "under 1%" where it would be none of something, "over 99%" where not all.

    Parts of one whole are told by `shares`, so that they add up.
    """
    if 0 < share < 0.01 and not digits:
        return under_one()
    told = fixed(100 * Decimal(str(share)), digits)
    if told == fixed(100, digits) and share < 1 - TOO_LITTLE:
        return tr("over {share}", share=_percent(fixed(100 - Decimal(1).scaleb(-digits), digits)))
    return _percent(told)


def _percent(told: str) -> str:
    return Signs.of(spoken()).percent.format(told)


def under_one() -> str:
    """Return how a share is told that is not nothing, and would be shown as 0%."""
    return tr("under {share}", share=_percent("1"))


def percents(interval: Sequence[float]) -> str:
    """Return an interval of a share as whole percentages, rounded outwards: the share lies in it as `shares` tells it.

    A fifth of a million customers is known to lie between 20.1% and 20.5%; of five such, one is told as 21%.
    """
    low, high = (round(100 * end, 9) for end in interval)
    return spanning([math.floor(low) / 100 if low >= 1 else low / 100, math.ceil(high) / 100], percent)


def shares(parts: Iterable[float]) -> list[str]:
    """Return each part of a whole (all of `parts` together) as a whole percentage; these add up to 100.

    What rounding down leaves goes to the largest remainders, of equal ones to the larger part, then to the first
    (Hamilton's method). A part below 1% is told as `under_one`, and the others are what is left, 99% at most.
    """
    known = [Fraction(str(part)) for part in parts]
    exact = [round(100 * part / (sum(known) or 1), 9) for part in known]  # the same for counts and for their shares
    few = [0 < part < 1 for part in exact]
    left = sum(part for part, small in zip(exact, few, strict=True) if not small)
    told = [0 if small else int(part) for part, small in zip(exact, few, strict=True)]
    spare = min(int(left + Fraction(1, 2)), 99 if any(few) else 100) - sum(told)
    large = (i for i, small in enumerate(few) if not small)
    for i in sorted(large, key=lambda i: (int(exact[i]) - exact[i], -exact[i]))[:spare]:
        told[i] += 1
    return [under_one() if small else _percent(f"{part}") for part, small in zip(told, few, strict=True)]


def share_texts(row: Mapping[str, float], *, rounded: bool = False) -> dict[str, str]:
    """Return how a segment divides among categories as text; what is hidden is a part too, so that all are 100%.

    Shares that were `rounded` before, which need not add up, are told each by itself.
    """
    known = {name: share for name, share in row.items() if share == share}
    if rounded:
        return {name: percent(share) for name, share in known.items()}
    hidden = max(0.0, 1 - sum(known.values()))
    return dict(zip(known, shares([*known.values(), hidden]), strict=False))


def decimal(value: float, digits: int = 2) -> str:
    """Return a figure that has no unit of its own: a silhouette, a Jaccard or Rand index, a correlation."""
    return fixed(value, digits)


def signed(r: float, digits: int = 2) -> str:
    """Return a correlation or a skewness with a true minus, and without one before 0."""
    text = decimal(r, digits)
    return text.replace("-", "−" if any(digit in text for digit in "123456789") else "")


def at_least(index: float) -> str:
    """Return the lowest of several indices whose maximum is 1."""
    text = decimal(index)
    return text if text == decimal(1) else tr("{index} or more", index=text)


def show_index(value: float | None) -> str:
    """Return an index as a whole number, and a dash where there is none."""
    return NONE if value is None or value != value else whole(value)


def tell_p(p: float) -> str:
    """Return a p-value as a reader expects it."""
    shown = show_p(p)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def show_p(p: float) -> str:
    """Return a p-value for a table."""
    return f"< {written('0.001')}" if p < 0.001 else written(f"{p:.3f}" if p < 0.1 else f"{p:.2f}")


def sentence(text: str) -> str:
    """Return `text` with a capital first letter."""
    return text[:1].upper() + text[1:]
