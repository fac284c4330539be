"""A log of purchases that nobody has described: which column is the customer, the order, the day, and the amount."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from segmentation.core.dataset import MADE, OF_ROWS, Column, Dataset
from segmentation.core.errors import DataError, as_option
from segmentation.core.privacy import SMALLEST_GROUP
from segmentation.language import tr
from segmentation.language.kept import Reason
from segmentation.roles import words
from segmentation.roles.look import MOSTLY, Looked, plain, share_distinct, unit_of
from segmentation.tables.dates import find_formats, read_day, tell_open
from segmentation.tables.formats import is_large
from segmentation.tables.header import names_of, numbered
from segmentation.tables.number_formats import tell_undecided
from segmentation.tables.read import read_table
from segmentation.tables.sources import RawSource

ONE = 0.95  # of the customers who bought again, or of the orders: of so many must hold what is said of each
MOST_GROUPS = 50
MOST_LOOKED_AT = 500  # cells, before all are read as dates
CANCELLED, DIGITS_ALONE = "^[Cc][0-9]+$", "^[0-9]+$"


@dataclass(frozen=True)
class Log:
    """What a table of purchases is.

    transactions : the section of dataset.yaml.
    made : of each column of the customers name, header, keys, reason, remark, and what must be asked.
    """

    transactions: dict
    made: list[tuple]


def find_log(looked: Looked, source: RawSource, dates: str | None = None) -> Log | None:
    """Return how the rows of a table are purchases; None where it has one row a customer, or no date of a purchase.

    A table is a log when a column of customers repeats beside a date, and none tells its rows apart as customers.
    """
    customer = _customer(looked)
    found = _day(looked, dates) if customer else None
    if customer and not found and share_distinct(looked.texts[customer]) <= 1 / 2:
        raise DataError(
            f"{source.name} has several rows a customer, because {looked.headers[customer]!r} repeats, and no date of "
            "purchases to count from; add one, give a table with one row a customer, or, if the rows are what should "
            f"be segmented, name columns: {as_option('features', '…')}"
        )
    if not customer or not found:
        return None
    day, ways = found
    amounts = _amounts(looked, {customer, day})
    order = _order(looked, customer, {customer, day, *amounts.values()})
    lines = not order and bool(amounts) and any(words.PRODUCT.search(looked.spelt[name]) for name in looked.headers)
    parts = {"customer": customer, "order": order or (day if lines else ""), "date": day, **amounts}
    told: dict = {part: [looked.headers[name]] for part, name in parts.items() if name}
    if ways[0] != "yyyy-mm-dd":
        told["date_format"] = ways[0]
    if order and _has_cancelled(looked.texts[order]):
        told["returns"] = "C"
    told["as_of"] = _latest(looked.texts[day], looked.headers[day], ways[0], source) + timedelta(days=1)
    unit = unit_of(amounts.get("amount") or amounts["price"], looked) if amounts else {}
    own = _own(looked, customer, {*parts.values()})
    asked = _undecided(looked, amounts) or tell_open(looked.headers[day], looked.texts[day], ways)
    returned = bool(amounts) and _has_returns(looked, amounts, told)
    made = _made(looked.headers[customer], told, unit, returned=returned)
    made = [(*row, asked if row[0] == "recency" else "", asked if row[0] == "recency" else "") for row in made]
    return Log(told | unit, made + [(*row, "", "") for row in own])


def _rank(looked: Looked, ranks: Iterable[Callable], names: Iterable[str]) -> list[str]:
    """Return the columns for which one of the ranks holds, the first of them first."""
    places = {n: next((i for i, holds in enumerate(ranks) if holds(looked.spelt[n])), None) for n in names}
    found = [name for name, place in places.items() if place is not None]
    return sorted(found, key=lambda name: (places[name], looked.spelt[name]))


def _customer(looked: Looked) -> str | None:
    """Return the column of customers that repeats; None where some column tells the rows apart as customers."""

    def numbered(spelt: str) -> bool:
        return bool(words.WHOSE.match(spelt) and words.ID.search(spelt))

    ranks = (numbered, words.WHOSE.match, words.BUYER_NAME.match, words.MAIL.search, "id".__eq__)
    named = _rank(looked, ranks, looked.headers)
    filled = {name: looked.texts[name][looked.texts[name] != ""] for name in named}
    differ = {name: cells.nunique() / max(len(cells), 1) for name, cells in filled.items()}
    if any(differ[name] >= MOSTLY for name in named if words.WHOSE.match(looked.spelt[name])):
        return None
    # Fewer are levels, as member: yes, or card: gold; and so few customers are no segments.
    return next((n for n in named if filled[n].nunique() >= SMALLEST_GROUP and differ[n] < MOSTLY), None)


def _day(looked: Looked, dates: str | None) -> tuple[str, list[str]] | None:
    """Return the column of the days of the purchases, and how these are written."""
    ways = {name: _ways(looked.texts[name], dates) for name in looked.headers}
    of_orders = re.compile(f"{words.BOUGHT}.*{words.DAY}|{words.DAY}.*{words.BOUGHT}").search
    named = [name for name in looked.headers if ways[name] and not words.NO_PURCHASE.search(looked.spelt[name])]
    ranked = _rank(looked, (of_orders, words.BARE_DAY.match, lambda _: True), named)
    return (ranked[0], ways[ranked[0]]) if ranked else None


def _ways(texts: pd.Series, dates: str | None = None) -> list[str]:
    """Return how the dates of a column are written, none where it holds others; some cells say that, at any size."""
    cells = pd.Series(sorted(texts.unique()))
    return find_formats(texts, dates) if find_formats(cells.iloc[:: max(1, len(cells) // MOST_LOOKED_AT)]) else []


def _amounts(looked: Looked, taken: set[str]) -> dict[str, str]:
    """Return the column of the amounts, or those of quantity and price; none where there is no money."""
    numbers = [name for name in looked.numbers if name not in taken and looked.numbers[name].nunique() > 1]
    spelt = {name: looked.spelt[name] for name in numbers}
    money = [name for name in numbers if not (words.NOT_PAID.search(spelt[name]) or words.ID.search(spelt[name]))]
    each = _rank(looked, (words.UNIT_PRICE.search,), money)
    many = [name for name in _rank(looked, (words.QUANTITY.search,), numbers) if name not in each]
    paid = [name for name in money if words.PAID.search(looked.spelt[name]) and name not in many]
    paid.sort(key=lambda n: (not words.LINE.search(looked.spelt[n]), bool(words.ORDER.match(looked.spelt[n])), n))
    if paid:
        return {"amount": paid[0]}
    if many and each:
        return {"quantity": many[0], "price": each[0]}
    rest = [name for name in money if name not in many and not words.CODE.search(looked.spelt[name])]
    broken = [name for name in rest if (looked.numbers[name].dropna() % 1 != 0).any()]
    return {"amount": each[0]} if each else {"amount": broken[0]} if len(broken) == 1 else {}


def _order(looked: Looked, customer: str, taken: set[str]) -> str | None:
    """Return the column that tells the orders apart, each of one customer; of several the one with the fewest."""
    found = []
    for name in _rank(looked, (words.ORDER.match,), set(looked.headers) - taken):
        cells, numbers = looked.texts[name], looked.numbers.get(name, pd.Series(dtype=float)).dropna()
        known = (cells != "") & (looked.texts[customer] != "")
        whose = looked.texts.loc[known, customer].groupby(cells[known]).nunique()
        if (cells != "").mean() >= ONE and not (numbers % 1 != 0).any() and len(whose) and (whose == 1).mean() >= ONE:
            found.append((cells.nunique(), looked.spelt[name], name))
    return min(found)[2] if found else None


def _has_cancelled(orders: pd.Series) -> bool:
    """Return whether some order numbers begin with a C, where the others are digits alone: they take goods back."""
    back = orders.str.match(CANCELLED)
    return 0 < back.mean() < 1 / 2 and orders[~back].str.match(DIGITS_ALONE).mean() >= ONE


def _has_returns(looked: Looked, amounts: dict[str, str], told: dict) -> bool:
    return "returns" in told or any((looked.numbers[name] < 0).any() for name in amounts.values())


def _latest(texts: pd.Series, header: str, written: str, source: RawSource):
    """Return the latest day of a table; of a large one, whose first rows were looked at, the engine finds it."""
    if is_large(source):
        name = names_of([header])[0]
        column = Column(role="descriptor", type="category", aliases=(header,))
        raw, _ = read_table(source, Dataset.model_construct(title="", columns={name: column}), wanted=(name,))
        texts = raw.select(name).distinct().to_pandas()[name].fillna("")
    return max(day for text in texts.unique() if (day := read_day(text, written)))


def _undecided(looked: Looked, amounts: dict[str, str]) -> str:
    open_ = {name: looked.undecided[name] for name in amounts.values() if name in looked.undecided}
    return tell_undecided(open_) if open_ else ""


def _own(looked: Looked, customer: str, taken: set[str]) -> list[tuple]:
    """Return the categories that hardly any customer has two of: they are the customers' own."""
    found, whose = [], looked.texts[customer]
    again = whose.ne("") & whose.duplicated(keep=False)
    for name in sorted(set(looked.headers) - taken - set(looked.numbers)):
        cells = looked.texts[name]
        kinds = cells[again & cells.ne("")].groupby(whose).nunique()
        few = 1 < cells[cells != ""].nunique() <= min(MOST_GROUPS, whose.nunique() / 2)
        if few and len(kinds) >= SMALLEST_GROUP and (kinds == 1).mean() >= ONE and not _ways(cells):
            at = list(looked.headers).index(name) + 1
            free = numbered(name, at, looked.headers) if name in (*MADE, *OF_ROWS) else name
            found.append((free, looked.headers[name], {"role": "descriptor", "type": "category"}, Reason.OWN))
    return found


def _made(header: str, told: dict, unit: dict, *, returned: bool) -> list[tuple]:
    """Return name, header, keys and reason of what is made of each customer's purchases."""
    money, orders = "amount" in told or "price" in told, "order" in told
    feature, describes, days = {"role": "feature"}, {"role": "descriptor"}, {"unit": "days"}
    each = Reason.EACH_ORDER if orders else Reason.EACH_PURCHASE if money else Reason.EACH_DAY
    rows = [
        ("id", {"role": "id", "label": plain(header)}, Reason.CUSTOMER),
        ("recency", feature | days | {"label": tr("Recency")}, Reason.SINCE_LAST),
        ("frequency", feature | {"unit": "purchases", "transform": "log", "label": tr("Frequency")}, each),
    ]
    if money:
        value = feature | {"value": True} | unit | {"transform": "log", "label": tr("Monetary value")}
        rows.append(("monetary", value, Reason.NET))
        by = Reason.BY_ORDER if orders else Reason.BY_PURCHASE
        rows.append(("basket", describes | unit | {"label": tr("Average basket")}, by))
    rows.append(("tenure", describes | days | {"label": tr("Tenure")}, Reason.SINCE_FIRST))
    if orders or not money:
        rows.append(("lines", describes | {"label": tr("Lines bought")}, Reason.LINES))
    if returned:
        rows.append(("returned", describes | {"unit": "%", "label": tr("Lines returned")}, Reason.RETURNED))
    return [(name, name, keys, why) for name, keys, why in rows]
