"""From purchases to customers: recency, frequency, monetary value, tenure and average basket (Hughes 1994)."""

from datetime import date

import ibis

from segmentation.core.dataset import Column, Dataset, Transactions
from segmentation.core.engine import kept
from segmentation.customers.checks import REFUSED, Rule, check_rows, judge, text_in
from segmentation.tables.number_formats import conventions_of

DATES = {  # how a date is written, and which of its numbers are year, month and day
    "yyyy-mm-dd": (r"^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})($|[ T][0-9])", (1, 2, 3)),
    "yyyymmdd": (r"^([0-9]{4})([0-9]{2})([0-9]{2})$", (1, 2, 3)),
    "dd.mm.yyyy": (r"^([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})($| [0-9])", (3, 2, 1)),
    "dd/mm/yyyy": (r"^([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})($| [0-9])", (3, 2, 1)),
    "mm/dd/yyyy": (r"^([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})($| [0-9])", (3, 1, 2)),
}
MOST = 1e15
EXACT = "decimal(38, 10)"  # amounts are added up exactly, so that no order of the rows changes a sum
NAMES = ["id", "date", "amount"]


class _Named(Column):
    """A column of the raw table, found by the headers that dataset.yaml gives and by no other name."""

    def headers(self, name: str) -> list[str]:
        return list(self.aliases)


class Day(_Named):
    """The day of a purchase: text until it is read by its `date_format`."""


def _described(dataset: Dataset) -> Transactions:
    """Return how the raw table of purchases is described."""
    assert dataset.transactions  # only a dataset of purchases comes here
    return dataset.transactions


def purchases_dataset(dataset: Dataset) -> Dataset:
    """Return the description of the raw table of a dataset of transactions: customer, date, amount."""
    given = _described(dataset)
    return Dataset.model_construct(
        title=dataset.title,
        columns={
            "id": _Named(role="id", aliases=given.customer),
            "date": Day(role="descriptor", type="category", aliases=given.date, required=True),
            "amount": _Named(role="feature", aliases=given.amount, unit=given.unit),
        },
        source=dataset.source,
        decimal=dataset.decimal,
        privacy=dataset.privacy,
    )


def summarize_purchases(
    raw: ibis.Table, dataset: Dataset, headers: dict, *, file: str, known: dict | None = None
) -> tuple:
    """Turn a raw table of transactions into one of customers.

    recency is the number of days from the last purchase to the as-of date, tenure that from the first; frequency
    counts purchases (amounts of 0 or more), monetary adds up their amounts less what was returned, and basket is
    the mean amount of a purchase. Days are taken as they are written, whatever the zone. Refused are a transaction
    after the as-of date, a customer with returns alone, and one who returned more than was bought where dataset.yaml
    has no place for a negative value.

    Parameters
    ----------
    raw : ibis.Table
        row, file, line, fields, and id, date, amount as text.
    known : dict
        How the numbers of an earlier table of this kind were written.

    Returns
    -------
    customers : ibis.Table
        id, recency, frequency, monetary, tenure, basket.
    rejected : ibis.Table
        file, line, column, value, rule.
    counts : dict
        rows_in = clean + rejected, returns, alike (rows that repeat another; they count), how numbers are written.
    """
    given, bought = _described(dataset), purchases_dataset(dataset)
    conventions = conventions_of(raw, bought, NAMES, headers, file=file, known=known)
    needs = {"features": ("amount",), "required": ("amount",), "fields": headers["fields"]}
    checked = check_rows(raw, bought, NAMES, conventions, **needs)
    checked = kept(_judge_customers(_judge_purchases(checked, dataset), dataset))
    fine, refused = (checked.filter(condition) for condition in (checked["rule"].isnull(), checked["rule"].notnull()))
    rejected = kept(refused.order_by("file", "line", "row").select(*REFUSED))
    clean, returns = int(fine.count().execute()), int(fine.filter(fine["amount"] < 0).count().execute())
    refused_rows = int(rejected.count().execute())
    counts: dict = {"rows_in": clean + refused_rows, "clean": clean, "rejected": refused_rows, "returns": returns}
    counts["alike"] = clean - int(fine.select(*NAMES).distinct().count().execute())
    counts["numbers"] = {name: how.record() for name, how in conventions.items()}
    return kept(_customers(fine, given.as_of)), rejected, counts


def _judge_purchases(checked: ibis.Table, dataset: Dataset) -> ibis.Table:
    """Add the day of each purchase; refuse those without one, after the as-of date, or of more than can be added."""
    given = _described(dataset)
    day, date = _day(checked["date"], given.date_format), checked["date"]
    until = f"on or before {given.as_of}, transactions.as_of in dataset.yaml"
    rules = [
        Rule("date", f"a date as {given.date_format}", date, day.isnull()),
        Rule("date", until, date, day > ibis.literal(given.as_of)),
        Rule("amount", f"below {MOST:,.0f}", text_in(checked, "amount"), checked["amount"].abs() >= MOST),
    ]
    return judge(checked.mutate(day=day), rules)


def _judge_customers(checked: ibis.Table, dataset: Dataset) -> ibis.Table:
    """Refuse the rows of customers of whom nothing can be said: they bought nothing, or returned more than that."""
    peers = ibis.window(group_by=[checked["id"], checked["rule"].isnull()])
    buys = (checked["amount"] >= 0).fill_null(False)
    rules = [Rule("id", "a customer with a purchase", checked["id"].cast("string"), ~buys.any().over(peers))]
    monetary = dataset.columns.get("monetary")
    if monetary and (monetary.transform == "log" or monetary.min is not None):
        owed = _exact(checked["amount"]).sum().over(peers) < (monetary.min or 0)
        rules.append(
            Rule(
                "id",
                f"a customer worth {monetary.min or 0:g} or more after returns",
                checked["id"].cast("string"),
                owed,
            )
        )
    return judge(checked, rules)


def _exact(amount: ibis.Value) -> ibis.Value:
    return (amount.abs() < MOST).ifelse(amount, ibis.null("float64")).cast(EXACT)


def _customers(fine: ibis.Table, as_of: date) -> ibis.Table:
    buys, exact = fine["amount"] >= 0, _exact(fine["amount"])
    sums = fine.group_by("id").agg(
        last=fine["day"].max(where=buys),
        first=fine["day"].min(where=buys),
        frequency=buys.sum().cast("float64"),
        monetary=exact.sum().cast("float64"),
        spent=exact.sum(where=buys).cast("float64"),
    )
    end = ibis.literal(as_of)
    return sums.select(
        "id",
        recency=end.delta(sums["last"], unit="day").cast("float64"),
        frequency=sums["frequency"],
        monetary=sums["monetary"],
        tenure=end.delta(sums["first"], unit="day").cast("float64"),
        basket=sums["spent"] / sums["frequency"],
    )


def _day(text: ibis.Value, written: str) -> ibis.Value:
    """Return the date in a text, null where it is none; a time behind it is left out."""
    pattern, places = DATES[written]
    year, month, day = (text.re_extract(pattern, place) for place in places)
    whole = year + "-" + month.lpad(2, "0") + "-" + day.lpad(2, "0")
    return text.re_search(pattern).ifelse(whole.try_cast("date"), ibis.null("date"))
