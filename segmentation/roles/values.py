"""Which amounts of a table say what its customers are worth: what they bring, or what is left of it, by their names."""

import re
from collections.abc import Mapping

from segmentation.core.text import is_money, plain_unit
from segmentation.language.kept import Reason
from segmentation.roles import words
from segmentation.roles.look import IN_BRACKETS, Looked, unit_of

LARGEST_PERCENTAGE = 100
NOT_WORTH = (words.NO_SUM, words.MODELLED, words.OUTCOME, words.EARLIER, words.CODE)
WHY = {
    "brings": Reason.BRINGS,
    "margin": Reason.MARGIN,
}
Spec = tuple[dict, str]


def with_values(judged: Mapping[str, Spec], copies: Mapping[str, tuple[str, dict]], looked: Looked) -> dict[str, Spec]:
    """Return the judged columns, those that say what customers are worth as values, with the reason.

    A feature stays one and is a value beside; what only describes, or was set aside as a copy, becomes `role: value`.
    Where several columns say what customers bring, those that hold the total are the values, and no part is one.

    Parameters
    ----------
    copies : of each column that was set aside as a copy the column that is kept, and what it was judged to be before.
    """
    kinds = {name: kind for name in judged if name in looked.numbers and (kind := _kind(name, looked))}
    used = [n for n in kinds if judged[n][0]["role"] in ("feature", "descriptor") and "type" not in judged[n][0]]
    again = [name for name in kinds if name in copies and copies[name][0] not in used]
    found = [*used, *again]
    wholes = {name for kind in WHY for name in _wholes([n for n in found if kinds[n] == kind], looked)}
    told = dict(judged)
    for name in found:
        spec, reason = judged[name]
        if name in wholes:
            told[name] = (
                _as_value(copies[name][1] if name in again else spec, spec["role"]),
                f"{reason}; {WHY[kinds[name]]}",
            )
        elif name in used:
            told[name] = spec, f"{reason}; {Reason.ONLY_PARTS}"
    return told


def _as_value(spec: dict, role: str) -> dict:
    if role == "feature":
        return {"role": "feature", "value": True} | {key: told for key, told in spec.items() if key != "role"}
    return {"role": "value"} | {key: told for key, told in spec.items() if key not in ("role", "transform")}


def _kind(name: str, looked: Looked) -> str | None:
    """Return whether a number is what customers bring or what is left of it; None of rates, scores and prices."""
    spelt, unit = looked.spelt[name], plain_unit(unit_of(name, looked).get("unit"))
    if (
        any(pattern.search(spelt) for pattern in NOT_WORTH)
        or _is_on_scale(looked.headers[name])
        or words.NO_MONEY.match(unit)
    ):
        return None
    largest, money = looked.numbers[name].abs().max(), is_money(unit) or is_money(unit[-1:])
    if words.MARGINS.search(spelt):
        return "margin" if money or largest > LARGEST_PERCENTAGE else None
    said = words.BRINGS.search(spelt) or words.SUM_ALONE.search(spelt)
    return "brings" if said and (money or largest > 1) else None


def _is_on_scale(header: str) -> bool:
    """Return whether a header says that it holds a percentage, or points between two ends: (1-100)."""
    return "%" in header or any(
        re.search(r"\d\s*(?:-|–|to|bis|/)\s*\d", told) for told in re.findall(IN_BRACKETS, header)
    )


def _wholes(names: list[str], looked: Looked) -> list[str]:
    """Return which of several columns of one kind are no parts: they say so, or no more than what each of them says."""
    parts = {name: {*looked.spelt[name].split("_")} for name in names}
    others = {name: [parts[other] for other in names if other != name] for name in names}
    return [
        name for name in names if _says_whole(looked.spelt[name]) or all(parts[name] < other for other in others[name])
    ]


def _says_whole(spelt: str) -> bool:
    return (
        bool(words.SAYS_TOTAL.search(spelt))
        or len(re.sub("_+", "_", words.OF_TIME.sub("", spelt)).strip("_").split("_")) == 1
    )
