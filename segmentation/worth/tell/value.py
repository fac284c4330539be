"""What is said of what the segments are worth."""

from collections.abc import Sequence

import pandas as pd

from segmentation.core.dataset import Dataset
from segmentation.core.privacy import DASH, SMALLEST_GROUP
from segmentation.core.text import escape
from segmentation.evidence.decision import LEVEL
from segmentation.language import tr, trc, trn
from segmentation.language.writing import (
    NONE,
    percent,
    sentence,
    spanning,
    whole,
)
from segmentation.runs.records import Profile
from segmentation.runs.tell import segment_shares, value_shares, worth_most
from segmentation.runs.worth import Part, Worth
from segmentation.segments.profiles import largest_first
from segmentation.worth.selected import Selected


def worth_table(values: Sequence[Worth], profiles: list[Profile], dataset: Dataset) -> pd.DataFrame | None:
    """Return what each segment is worth as text, the largest first, and all customers; None where no column is a value.

    Of the main value all is told, of others the share of each segment.
    """
    if not values:
        return None
    main, sizes, rows = values[0], segment_shares(profiles), []
    shares, parts = [value_shares(worth) for worth in values], {part.segment: part for part in main.parts}
    segment, part = trc("head", "segment"), trc("head", "share of customers")
    for profile in largest_first(profiles):
        of = {of: told[profile.segment] for of, told in zip(_of_values(values, dataset), shares, strict=True)}
        own = {segment: profile.name, part: sizes[profile.segment]}
        rows.append(own | of | _each(parts[profile.segment], main.column, dataset))
    if len(profiles) > 1:
        every = {of: percent(1) if any(told.values()) else None
                 for of, told in zip(_of_values(values, dataset), shares, strict=True)}  # fmt: skip
        own = {segment: tr("all customers"), part: percent(1)}
        rows.append(own | every | _each(main, main.column, dataset))
    table = pd.DataFrame(rows)
    known = [name for name in table if table[name].notna().any()]
    return table[known].fillna(NONE)


def _of_values(values: Sequence[Worth], dataset: Dataset) -> list[str]:
    return [tr("share of {value}", value=dataset.words(worth.column)) for worth in values]


def _each(of: Part | Worth, name: str, dataset: Dataset) -> dict:
    """Return the mean of the customers with its interval, that of the orders, and what the top fifth has."""
    form, interval = dataset.axis(name).form, spanning(getattr(of, "each_interval", None), dataset.axis(name).form)
    each = None if of.each is None else f"{form(of.each)}{f' ({interval})' if interval else ''}"
    return {
        tr("{value} a customer", value=dataset.axis(name)): each,
        trc("head", "an order"): None if of.basket is None else form(of.basket),
        trc("head", "its top fifth has"): None if of.top_fifth is None else percent(of.top_fifth),
    }


def table(values: Sequence[Worth], everyone: int, dataset: Dataset) -> str:
    """Say what the table of worth shows, and of how many customers nothing is known; `everyone` is how many there are.

    Raises nothing where no column is a value: then there is no table, and "" is its caption.
    """
    if not values:
        return ""
    [main, *_], private = values, dataset.private
    told = [
        _known_of(sentence(escape(dataset.words(main.column))), everyone - main.customers, private=private),
        tr("In brackets: {level} intervals of the mean, with the segments as they are.", level=percent(LEVEL)),
    ]
    told += [tr("An order: all that they came to, divided by all orders.")] if main.basket is not None else []
    if any(part.top_fifth is not None for part in main.parts) or main.top_fifth is not None:
        told.append(tr("The top fifth of a segment are its customers who are worth most."))
    if private and main.total is not None:
        told.append(tr("Shares follow from the means as these are rounded."))
    told_of = [[part.share for part in main.parts], *([getattr(of, what) for of in (*main.parts, main)]
                                                     for what in ("each", "top_fifth"))]  # fmt: skip
    hidden = any(None in cells and any(cell is not None for cell in cells) for cells in told_of)
    return " ".join([*told, tr(DASH)] if private and hidden else told)


def _known_of(value: str, missing: int, *, private: bool) -> str:
    """Say over how many customers a value is told."""
    if not missing:
        return tr("{value} by segment, over all customers.", value=value)
    if private and missing < SMALLEST_GROUP:
        return tr(
            "{value} by segment, over all customers of whom it is known (fewer than {least} customers without it count "
            "nowhere here).",
            value=value,
            least=whole(SMALLEST_GROUP),
        )
    return trn(
        "{value} by segment, over all customers of whom it is known ({n} customer without it counts nowhere here).",
        "{value} by segment, over all customers of whom it is known ({n} customers without it count nowhere here).",
        missing,
        value=value,
    )


def worth(values: Sequence[Worth], profiles: list[Profile], dataset: Dataset) -> str:
    """Say which segment has most of the value for its size, and what of this is no discovery; "" without a value."""
    if not values:
        return ""
    drawn, formed = shares(values, profiles, dataset), [one for one in values if one.formed]
    told = [] if drawn else [escape(worth_most(profiles, values, dataset))]  # its caption says it
    for one in values:
        if one.total is not None and one.total <= 0:
            of = {
                "value": escape(sentence(dataset.words(one.column))),
                "total": dataset.measured(one.column, one.total),
            }
            about = tr("{value} of all customers together comes to about {total}: of that there are no shares.", **of)
            exact = tr("{value} of all customers together comes to {total}: of that there are no shares.", **of)
            told.append(about if dataset.private else exact)  # to a step, which may be larger than what it comes to
    if formed and len(profiles) > 1:
        told.append(
            tr(
                "{feature} formed the segments too, so that they differ in it by construction: this describes them, "
                "and is no discovery.",
                feature=escape(dataset.label(formed[0].column)),
            )
        )
    return " ".join(filter(None, told))


def most(profiles: list[Profile], values: Sequence[Worth], dataset: Dataset) -> str:
    """Say which segment has most of the value for its size, as the summary does."""
    return escape(worth_most(profiles, values, dataset))


def shares(values: Sequence[Worth], profiles: list[Profile], dataset: Dataset) -> str:
    """Say how to read the two bars of each segment; "" where none are drawn."""
    if not values or len(profiles) == 1 or not any(value_shares(values[0]).values()):
        return ""
    told = [
        escape(worth_most(profiles, values, dataset)),
        tr(
            "Pale: the share of the customers; full: the share of {value}.",
            value=escape(dataset.words(values[0].column)),
        ),
    ]
    told += [tr("A missing bar is not shown.")] if None in value_shares(values[0]).values() else []
    return " ".join(filter(None, told))


def concentration(values: Sequence[Worth], dataset: Dataset) -> str:
    """Say how much of the value the fifth of the customers has who are worth most; "" where nothing is drawn."""
    if not values or not values[0].lorenz:
        return ""
    [main, *_], told = values, []
    if main.top_fifth is not None:
        told.append(
            tr(
                "The fifth of the customers who are worth most have {share} of {value}.",
                share=percent(main.top_fifth),
                value=escape(dataset.words(main.column)),
            )
        )
    told.append(tr("Dashed: every customer worth the same."))
    if _falls(main):
        told.append(
            tr("Where the curve is above {all}, customers below 0 take off again what others bring.", all=percent(1))
        )
    return " ".join(told)


def _falls(worth: Worth) -> bool:
    return any(share < 0 for _, share in worth.lorenz)


def selected(found: Selected | None, worth: Worth | None, dataset: Dataset) -> str:
    """Say what the customers who pass a filter are worth; nothing where that is not known."""
    if found is None or worth is None:
        return ""
    label = dataset.label(worth.column)
    if found.total is None or found.mean is None:
        return tr("{label}: not shown, because one or two customers make up most of it.", label=label)
    told = {"label": label, "sum": dataset.measured(worth.column, found.total)}
    told["mean"] = dataset.measured(worth.column, found.mean)
    if found.share is None and found.about:
        return tr("{label}: about {sum}, {mean} a customer.", **told)
    if found.share is None:
        return tr("{label}: {sum}, {mean} a customer.", **told)
    told["share"] = (found.alone and value_shares(worth)[found.alone]) or percent(found.share)
    if found.about:
        return tr("{label}: about {sum}, {mean} a customer, {share} of that of all customers.", **told)
    return tr("{label}: {sum}, {mean} a customer, {share} of that of all customers.", **told)
