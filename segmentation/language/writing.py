"""Numbers, shares, intervals and lists as the reader's language writes them: the one place that says how."""

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

NONE = "–"  # what stands where there is no figure
TOO_LITTLE = 1e-9  # what sums of floats may miss of a whole
UNDER_ONE = "under 1%"  # a share that is not nothing, and would be shown as 0%
EVERY_DIGIT = Context(prec=400, rounding=ROUND_HALF_UP)  # room for every float


def fixed(value: float | Decimal, digits: int = 0) -> str:
    """Return a number with so many decimals, half of the last one rounded up, as people do it: 40.5 is 41, 2.675 2.68.

    Everything that is rounded for a reader is rounded here, so that one quantity never ends in two digits.
    """
    if not math.isfinite(value):
        return f"{value}"
    rounded = Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), context=EVERY_DIGIT)
    return f"{rounded + 0:,f}"  # + 0, because there is no -0


def whole(n: float) -> str:
    """Return a number without decimals: "200" or "12,345"."""
    return fixed(n)


def listing(words) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    words = [str(word) for word in words]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def amount(value: float | None, unit: str | None = None) -> str:
    """Return a number with its unit: two significant digits below 1, one decimal below 1,000, none above; or a dash."""
    if value is None or value != value:
        return NONE
    small = f"{value:.2g}" if abs(value) < 0.95 else fixed(value, 1).removesuffix(".0")
    text = fixed(value) if abs(value) >= 1000 else small
    return f"{text} {unit}" if unit else text


def spanning(interval: Sequence[float] | None, form=amount) -> str:
    """Return an interval as "34% to 48%"; "" of none."""
    return " to ".join(form(end) for end in interval or ())


def ranging(values: Mapping[str, float], told: Mapping[str, str]) -> str:
    """Return between which groups a figure ranges, as "38% (segment 2) to 41% (segment 1)"; "" where all look alike."""
    known, ends = dict(values), []
    for end in (min(known.values()), max(known.values())):
        alike = [name for name, value in known.items() if value == end]
        ends.append((told[alike[0]], listing(alike)))
    (low, where), (high, there) = ends
    return "" if low == high else f"{low} ({where}) to {high} ({there})"


def percent(share: float, digits: int = 0) -> str:
    """Return one share as a percentage; "under 1%" where it would be none of something, "over 99%" where not all.

    Parts of one whole are told by `shares`, so that they add up.
    """
    if 0 < share < 0.01 and not digits:
        return UNDER_ONE
    told = fixed(100 * Decimal(str(share)), digits)
    if told == fixed(100, digits) and share < 1 - TOO_LITTLE:
        return f"over {fixed(100 - Decimal(1).scaleb(-digits), digits)}%"
    return f"{told}%"


def percents(interval: Sequence[float]) -> str:
    """Return an interval of a share as whole percentages, rounded outwards: the share lies in it as `shares` tells it.

    A fifth of a million customers is known to lie between 20.1% and 20.5%; of five such, one is told as 21%.
    """
    low, high = (round(100 * end, 9) for end in interval)
    return f"{percent(math.floor(low) / 100 if low >= 1 else low / 100)} to {percent(math.ceil(high) / 100)}"


def shares(parts: Iterable[float]) -> list[str]:
    """Return each part of a whole (all of `parts` together) as a whole percentage; these add up to 100.

    What rounding down leaves goes to the largest remainders, of equal ones to the larger part, then to the first
    (Hamilton's method). A part below 1% is "under 1%", and the others are what is left, 99% at most.
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
    return [UNDER_ONE if small else f"{part}%" for part, small in zip(told, few, strict=True)]


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
    return decimal(r, digits).replace("-0.00", "0.00").replace("-", "−")


def at_least(index: float) -> str:
    """Return the lowest of several indices whose maximum is 1."""
    text = decimal(index)
    return text if text == "1.00" else f"{text} or more"


def show_index(value: float | None) -> str:
    """Return an index as a whole number, and a dash where there is none."""
    return NONE if value is None or value != value else whole(value)


def tell_p(p: float) -> str:
    """Return a p-value as a reader expects it."""
    shown = show_p(p)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def show_p(p: float) -> str:
    """Return a p-value for a table."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def sentence(text: str) -> str:
    """Return `text` with a capital first letter."""
    return text[:1].upper() + text[1:]
