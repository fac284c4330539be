"""From purchases to customers: recency, frequency, monetary value, tenure and average basket (Hughes 1994)."""

from datetime import date

import ibis

from segmentation.checking import Rule, check_rows, conventions_of, judge
from segmentation.dataset import Column, Dataset

DATES = {  # how a date is written, and where its year, month and day stand
    "yyyy-mm-dd": (r"^[0-9]{4}-[0-9]{2}-[0-9]{2}($|[ T])", (0, 4), (5, 2), (8, 2)),
    "yyyymmdd": (r"^[0-9]{8}$", (0, 4), (4, 2), (6, 2)),
    "dd.mm.yyyy": (r"^[0-9]{2}\.[0-9]{2}\.[0-9]{4}($| )", (6, 4), (3, 2), (0, 2)),
    "dd/mm/yyyy": (r"^[0-9]{2}/[0-9]{2}/[0-9]{4}($| )", (6, 4), (3, 2), (0, 2)),
    "mm/dd/yyyy": (r"^[0-9]{2}/[0-9]{2}/[0-9]{4}($| )", (6, 4), (0, 2), (3, 2)),
}
CENTS = 2
NAMES = ["id", "date", "amount"]


def purchases_dataset(dataset: Dataset) -> Dataset:
    """Return the description of the raw table of a dataset of transactions: customer, date, amount."""
    given = dataset.transactions
    return Dataset.model_construct(
        title=dataset.title,
        columns={
            "id": Column(role="id", aliases=given.customer),
            "date": Column(role="descriptor", type="category", aliases=given.date, required=True),
            "amount": Column(role="feature", aliases=given.amount, unit=given.unit),
        },
        source=dataset.source,
        decimal=dataset.decimal,
        privacy=dataset.privacy,
    )


def summarize_purchases(raw: ibis.Table, dataset: Dataset, headers: dict, *, file: str) -> tuple:
    """Turn a raw table of transactions into one of customers.

    recency is the number of days from the last purchase to the as-of date, tenure that from the first; frequency
    counts purchases (amounts of 0 or more), monetary adds up their amounts less what was returned, and basket is
    the mean amount of a purchase. A transaction after the as-of date is refused, and so is a customer with returns
    alone.

    Parameters
    ----------
    raw : ibis.Table
        row, file, line, fields, and id, date, amount as text.

    Returns
    -------
    customers : DataFrame
        id, recency, frequency, monetary, tenure, basket.
    rejected : DataFrame
        file, line, column, value, rule.
    account : dict
        rows_in = clean + rejected, returns, and how numbers are written.
    """
    given, bought = dataset.transactions, purchases_dataset(dataset)
    conventions = conventions_of(raw, bought, NAMES, headers, file=file)
    checked = check_rows(raw, bought, NAMES, conventions, required=("amount",), fields=headers["fields"])
    day = _day(checked["date"], given.date_format)
    rules = [
        Rule("date", f"a date as {given.date_format}", checked["date"], day.isnull()),
        Rule("date", f"on or before {given.as_of}", checked["date"], day > ibis.literal(given.as_of)),
    ]
    checked = judge(checked.mutate(day=day), rules)
    buyers = checked.filter(checked["rule"].isnull() & (checked["amount"] >= 0)).select("id").distinct()
    alone = ~checked["id"].isin(buyers["id"])
    checked = judge(checked, [Rule("id", "a customer with a purchase", checked["id"], alone)])
    checked = ibis.memtable(checked.to_pyarrow())
    fine, refused = (checked.filter(condition) for condition in (checked["rule"].isnull(), checked["rule"].notnull()))
    customers = _customers(fine, given.as_of).order_by("id").to_pandas()
    rejected = refused.order_by("row").select("file", "line", "column", "value", "rule").to_pandas()
    clean, returns = int(fine.count().execute()), int(fine.filter(fine["amount"] < 0).count().execute())
    account = {"rows_in": clean + len(rejected), "clean": clean, "rejected": len(rejected), "returns": returns}
    return customers, rejected, account | {"numbers": {name: how.record() for name, how in conventions.items()}}


def _customers(fine: ibis.Table, as_of: date) -> ibis.Table:
    buys = fine["amount"] >= 0
    sums = fine.group_by("id").agg(
        last=fine["day"].max(where=buys),
        first=fine["day"].min(where=buys),
        frequency=buys.sum().cast("float64"),
        monetary=fine["amount"].sum(),
        spent=fine["amount"].sum(where=buys),
    )
    end = ibis.literal(as_of)
    return sums.select(
        "id",
        recency=end.delta(sums["last"], unit="day").cast("float64"),
        frequency=sums["frequency"],
        monetary=sums["monetary"].round(CENTS),
        tenure=end.delta(sums["first"], unit="day").cast("float64"),
        basket=(sums["spent"] / sums["frequency"]).round(CENTS),
    )


def _day(text: ibis.Value, written: str) -> ibis.Value:
    """Return the date in a text, null where it is none; a time behind it is left out."""
    pattern, *places = DATES[written]
    year, month, day = (text.substr(start, length) for start, length in places)
    return text.re_search(pattern).ifelse((year + "-" + month + "-" + day).try_cast("date"), ibis.null("date"))
