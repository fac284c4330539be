"""Numbers and lists as a reader wants them: words, signs and plurals."""

import html
import re

NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def count(n: int, noun: str, plural: str | None = None) -> str:
    """Return "no segments", "one segment", "five segments" or "200 customers"."""
    number = NUMBER_WORDS[n] if n < len(NUMBER_WORDS) else f"{n:,}"
    return f"{number} {noun if n == 1 else plural or noun + 's'}"


def listing(words) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    words = [str(word) for word in words]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def amount(value: float, unit: str | None = None) -> str:
    """Return a number with its unit: two significant digits below 1, one decimal below 1,000, none above."""
    decimal = f"{value:.2g}" if abs(value) < 0.95 else f"{value:,.1f}".removesuffix(".0")
    text = f"{value:,.0f}" if abs(value) >= 1000 else decimal
    return f"{text} {unit}" if unit else text


def spanning(interval: list[float], form=amount) -> str:
    """Return an interval as "34% to 48%"."""
    return " to ".join(form(end) for end in interval)


def percent(share: float) -> str:
    """Return a share as a whole percentage, or as "under 1%"."""
    return "under 1%" if 0 < share < 0.01 else f"{100 * share:.0f}%"


def at_least(index: float) -> str:
    """Return the lowest of several indices whose maximum is 1."""
    text = f"{index:.2f}"
    return text if text == "1.00" else f"{text} or more"


def show_index(value: float | None) -> str:
    """Return an index as a whole number, and a dash where there is none."""
    return "–" if value is None or value != value else f"{value:.0f}"


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


def escape(text: str) -> str:
    """Escape a name from the data for a Markdown sentence."""
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", html.escape(str(text)))
