"""Units as people write them: what may stand around an amount, and which two cannot mean one amount."""

import re
from unicodedata import category

SIGNS = {
    "us$": "usd",
    "$": "usd",
    "€": "eur",
    "£": "gbp",
    "¥": "jpy",
    "₹": "inr",
    "zł": "pln",
    "kč": "czk",
    "rs.": "inr",
    "rs": "inr",
    "fr.": "chf",
    "kr.": "kr",
}
CURRENCIES = (
    *("eur", "usd", "gbp", "chf", "cad", "aud", "jpy", "cny", "inr", "brl", "sek", "nok", "dkk", "pln", "czk", "huf"),
    *("try", "zar", "mxn", "kr"),
)
MULTIPLES = ("k", "tsd", "tsd.", "thousand", "m", "mio", "mio.", "mn", "million", "bn", "%", "‰")
LONGEST = 12
MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november"),
    "december",
)
SIDES = ("cr", "dr")  # an accountant's plus and minus


def plain_unit(unit: str | None) -> str:
    """Return a unit without blanks and case, "" for none."""
    return "".join((unit or "").lower().split())


def is_unit(before: str, behind: str) -> bool:
    """Return whether these may stand around an amount: C001 is a code, 5- an accountant's minus five, 12 May a day."""
    if (before and not is_money(before)) or len(behind) > LONGEST or behind in SIDES:
        return False
    month = len(behind) >= 3 and any(month.startswith(behind.rstrip(".")) for month in MONTHS)
    return not month and not set(before + behind) & set("()+-−")


def is_money(text: str) -> bool:
    """Return whether a text is a currency: a code, a sign, or letters before a dollar sign."""
    sign = len(text) == 1 and category(text) == "Sc"
    return text in CURRENCIES or text in SIGNS or sign or bool(re.fullmatch(r"[a-z]{1,2}\$", text))


def other_amount(one: str, other: str) -> bool:
    """Return whether two units differ in their multiple or their currency: k$ and $, EUR and USD; not k and k$."""
    (scale, money), (other_scale, other_money) = _parted(plain_unit(one)), _parted(plain_unit(other))
    scaled = scale != other_scale and bool({scale, other_scale} & set(MULTIPLES))
    return scaled or bool(money and other_money and money != other_money)


def contradict(one: str, other: str) -> bool:
    """Return whether two units cannot mean one amount; h and hours can, kg and g, EUR and ct cannot."""
    scale, other_scale = (_parted(plain_unit(unit))[0] for unit in (one, other))
    alike = scale == other_scale or (
        scale and other_scale and (scale.startswith(other_scale) or other_scale.startswith(scale))
    )
    return other_amount(one, other) or not alike


def _parted(unit: str) -> tuple[str, str]:
    """Part a unit into its multiple, or what else it is, and its currency."""
    for sign, code in SIGNS.items():
        unit = unit.replace(sign, code) if len(sign) > 2 or not sign.isalpha() or unit == sign else unit
    money = next((code for code in CURRENCIES if unit.startswith(code) or unit.endswith(code)), "")
    return unit.replace(money, "", 1), money
