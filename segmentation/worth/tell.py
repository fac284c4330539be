"""What is said of the worth of the segments."""

from collections.abc import Sequence

import pandas as pd

from segmentation.core.dataset import Dataset
from segmentation.core.privacy import WHY_NOT, public
from segmentation.core.text import NONE, escape, percent, sentence, spanning
from segmentation.evidence.decision import LEVEL
from segmentation.runs.records import Profile
from segmentation.runs.tell import segment_shares, value_shares, worth_most
from segmentation.runs.worth import Part, Worth
from segmentation.segments.profiles import largest_first


def worth_table(values: Sequence[Worth], profiles: list[Profile], dataset: Dataset) -> pd.DataFrame | None:
    """Return what each segment is worth as text, the largest first, and all customers; None where no column is a value.

    Of the main value all is told, of others the share of each segment.
    """
    if not values:
        return None
    main, sizes, rows = values[0], segment_shares(profiles), []
    shares, parts = [value_shares(worth) for worth in values], {part.segment: part for part in main.parts}
    for profile in largest_first(profiles):
        of = {of: told[profile.segment] for of, told in zip(_of_values(values, dataset), shares, strict=True)}
        own = {"segment": str(profile.segment), "name": profile.name, "share of customers": sizes[profile.segment]}
        rows.append(own | of | _each(parts[profile.segment], main.column, dataset))
    if len(profiles) > 1:
        every = {of: "100%" if any(told.values()) else None
                 for of, told in zip(_of_values(values, dataset), shares, strict=True)}  # fmt: skip
        own = {"segment": "all", "name": "", "share of customers": "100%"}
        rows.append(own | every | _each(main, main.column, dataset))
    table = pd.DataFrame(rows)
    known = [name for name in table if table[name].notna().any()]
    return table[known].fillna(NONE)


def _of_values(values: Sequence[Worth], dataset: Dataset) -> list[str]:
    return [f"share of {dataset.words(worth.column)}" for worth in values]


def _each(of: Part | Worth, name: str, dataset: Dataset) -> dict:
    """Return the mean of the customers with its interval, that of the orders, and what the top fifth has."""
    form, interval = dataset.axis(name).form, spanning(getattr(of, "each_interval", None), dataset.axis(name).form)
    each = None if of.each is None else f"{form(of.each)}{f' ({interval})' if interval else ''}"
    return {
        f"{dataset.axis(name)} a customer": each,
        "an order": None if of.basket is None else form(of.basket),
        "share of its top fifth": None if of.top_fifth is None else percent(of.top_fifth),
    }


def table(values: Sequence[Worth], everyone: int, dataset: Dataset) -> str:
    """Say what the table of worth shows, and of how many customers nothing is known; `everyone` is how many there are.

    Raises nothing where no column is a value: then there is no table, and "" is its caption.
    """
    if not values:
        return ""
    [main, *_], private = values, dataset.private
    words, missing = escape(dataset.words(main.column)), everyone - main.customers
    known = f"{sentence(words)} by segment, over all customers"
    if missing:
        known += f" whose {words} is known ({public(missing, 'customer', private=private)} without it"
        known += " count nowhere here)"
    told = [f"{known}. In brackets: {percent(LEVEL)} intervals of the mean, with the segments as they are."]
    told += ["An order: all that they came to, divided by all orders."] if main.basket is not None else []
    if any(part.top_fifth is not None for part in main.parts) or main.top_fifth is not None:
        told += ["The top fifth of a segment are its customers who are worth most."]
    told += ["Shares follow from the means as these are rounded."] if private and main.total is not None else []
    hidden = any(part.each is None or (part.share is None) != (main.total is None) for part in main.parts)
    return " ".join([*told, f"A dash is not shown: {WHY_NOT}."] if private and hidden else told)


def worth(values: Sequence[Worth], profiles: list[Profile], dataset: Dataset) -> str:
    """Say which segment has most of the value for its size, and what of this is no discovery; "" without a value."""
    if not values:
        return ""
    told, formed = [escape(worth_most(profiles, values, dataset))], [one for one in values if one.formed]
    for one in values:
        if one.total is not None and one.total <= 0:
            told.append(f"{escape(sentence(dataset.words(one.column)))} of all customers together comes to "
                        f"{dataset.measured(one.column, one.total)}: of that there are no shares.")  # fmt: skip
    if formed and len(profiles) > 1:
        named = escape(dataset.label(formed[0].column))
        told.append(f"{named} formed the segments too, so that they differ in it by construction: this describes them, "
                    "and is no discovery.")  # fmt: skip
    return " ".join(filter(None, told))


def most(profiles: list[Profile], values: Sequence[Worth], dataset: Dataset) -> str:
    """Say which segment has most of the value for its size, as the summary does."""
    return escape(worth_most(profiles, values, dataset))


def shares(values: Sequence[Worth], profiles: list[Profile], dataset: Dataset) -> str:
    """Say how to read the two bars of each segment; "" where none are drawn."""
    if not values or len(profiles) == 1 or not any(value_shares(values[0]).values()):
        return ""
    hidden = " A missing bar is not shown." if None in value_shares(values[0]).values() else ""
    return f"Pale: the share of the customers; full: the share of {escape(dataset.words(values[0].column))}.{hidden}"


def concentration(values: Sequence[Worth], dataset: Dataset) -> str:
    """Say how much of the value the fifth of the customers has who are worth most; "" where nothing is drawn."""
    if not values or not values[0].lorenz:
        return ""
    [main, *_] = values
    words = escape(dataset.words(main.column))
    top = "" if main.top_fifth is None else (
        f"The fifth of the customers who are worth most have {percent(main.top_fifth)} of {words}. ")  # fmt: skip
    below = " Where the curve is above 100%, customers below 0 take off again what others bring." * _falls(main)
    return f"{top}Dashed: every customer worth the same.{below}"


def _falls(worth: Worth) -> bool:
    return any(share < 0 for _, share in worth.lorenz)
