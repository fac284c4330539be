"""From purchases to customers: recency, frequency, monetary value, tenure and average basket (Hughes 1994)."""

import ibis

from segmentation.core.dataset import MADE, Column, Dataset, Transactions
from segmentation.core.engine import kept
from segmentation.customers.checks import check_rows, text_in
from segmentation.customers.refused import REFUSED, Rule, judge
from segmentation.language.kept import Rule as Expected
from segmentation.tables.dates import to_day
from segmentation.tables.number_formats import conventions_of

MOST = 1e15
EXACT = "decimal(38, 10)"  # amounts are added up exactly, so that no order of the rows changes a sum
TEXT: dict = {"role": "descriptor", "type": "category", "required": True}


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


def raw_dataset(dataset: Dataset) -> Dataset:
    """Return what describes the raw table: the dataset itself, or the purchases that its customers are made of."""
    return purchases_dataset(dataset) if dataset.transactions else dataset


def purchases_dataset(dataset: Dataset) -> Dataset:
    """Return the description of the raw table of a dataset of transactions: customer, date, order, and its amounts.

    A descriptor that is not made of purchases is the customer's own: it stands in their rows.
    """
    given = _described(dataset)
    columns = {"id": _Named(role="id", aliases=given.customer), "date": Day(aliases=given.date, **TEXT)}
    if given.order and given.order != given.date:
        columns["order"] = _Named(aliases=given.order, **TEXT)
    for name, unit in (("amount", given.unit), ("quantity", None), ("price", given.unit)):
        if headers := getattr(given, name):
            columns[name] = _Named(role="feature", aliases=headers, unit=unit)
    return Dataset.model_construct(
        title=dataset.title,
        columns=columns | {name: dataset.columns[name] for name in _own(dataset)},
        source=dataset.source,
        decimal=dataset.decimal,
        privacy=dataset.privacy,
    )


def _own(dataset: Dataset) -> list[str]:
    """Return the descriptors that are the customers' own, and not made of what they bought."""
    return [name for name in dataset.named("descriptor") if name not in MADE]


def summarize_purchases(
    raw: ibis.Table, dataset: Dataset, headers: dict, *, file: str, known: dict | None = None
) -> tuple:
    """Turn a raw table of transactions into one of customers.

    recency is the number of days from the last purchase to the as-of date, tenure that from the first; frequency
    counts purchases: orders where dataset.yaml names what tells them apart, else rows, without amounts days; monetary
    adds up what was bought less what was returned, basket is what was bought by purchase, lines counts the rows
    bought, and returned is how many of 100 rows are returns. A return is a row of less than 0, or of an order whose
    number says so. Days are taken as they are written, whatever the zone. What is the customer's own is read from
    the last row that has it. Refused are a row without a customer, one after the as-of date, a customer with returns
    alone, and one who returned more than was bought where dataset.yaml has no place for a negative value.

    Parameters
    ----------
    raw : ibis.Table
        row, file, line, fields, and as text id, date, and what dataset.yaml names: order, amount, quantity, price.
    known : dict
        How the numbers of an earlier table of this kind were written.

    Returns
    -------
    customers : ibis.Table
        id, what is made of purchases, and what is the customer's own.
    rejected : ibis.Table
        file, line, column, value, rule.
    counts : dict
        rows_in = clean + rejected, returns, alike (rows that repeat another; they count), how numbers are written.
        Lines of one order may well be alike, so that these are not counted where orders are known.
    """
    given, bought = _described(dataset), purchases_dataset(dataset)
    names, numbers = list(bought.columns), bought.named("feature")
    conventions = conventions_of(raw, bought, names, headers, file=file, known=known)
    needs = {"features": numbers or ("date",), "required": numbers, "fields": headers["fields"]}
    checked = check_rows(raw, bought, names, conventions, **needs)
    checked = kept(_judge_customers(_judge_purchases(_with_amounts(checked, given), dataset), dataset))
    fine, refused = (checked.filter(condition) for condition in (checked["rule"].isnull(), checked["rule"].notnull()))
    rejected = kept(refused.order_by("file", "line", "row").select(*REFUSED))
    clean, returns = int(fine.count().execute()), int(fine.filter(~fine["bought"]).count().execute())
    refused_rows = int(rejected.count().execute())
    counts: dict = {"rows_in": clean + refused_rows, "clean": clean, "rejected": refused_rows, "returns": returns}
    if not given.order:
        counts["alike"] = clean - int(fine.select(*names).distinct().count().execute())
    counts["numbers"] = {name: how.record() for name, how in conventions.items()}
    return kept(_customers(fine, given, _own(dataset))), rejected, counts


def _with_amounts(checked: ibis.Table, given: Transactions) -> ibis.Table:
    """Add what each row came to, below 0 for a return, and whether it was bought; without amounts all was."""
    back = ibis.literal(False)
    if given.price:
        checked, back = checked.mutate(amount=checked["quantity"] * checked["price"]), checked["quantity"] < 0
    elif not given.amount:
        checked = checked.mutate(amount=ibis.literal(0.0, "float64"))
    if given.returns:
        back |= checked["order"].upper().startswith(given.returns.upper())
    amount = back.ifelse(-checked["amount"].abs(), checked["amount"])
    return checked.mutate(amount=amount, bought=((amount >= 0) & ~back).fill_null(False))


def _judge_purchases(checked: ibis.Table, dataset: Dataset) -> ibis.Table:
    """Add the day of each purchase; refuse those without one, after the as-of date, or of more than can be added."""
    given = _described(dataset)
    day, date = to_day(checked["date"], given.date_format), checked["date"]
    until = Expected.UNTIL.format(day=given.as_of, key="transactions.as_of")
    told = text_in(checked, "amount") if given.amount else checked["amount"].cast("string")
    rules = [
        Rule("date", Expected.A_DATE.format(written=given.date_format), date, day.isnull()),
        Rule("date", until, date, day > ibis.literal(given.as_of)),
        Rule("amount", Expected.BELOW.format(end=f"{MOST:,.0f}"), told, checked["amount"].abs() >= MOST),
    ]
    return judge(checked.mutate(day=day), rules)


def _judge_customers(checked: ibis.Table, dataset: Dataset) -> ibis.Table:
    """Refuse the rows of customers of whom nothing can be said: they bought nothing, or returned more than that."""
    peers = ibis.window(group_by=[checked["id"], checked["rule"].isnull()])
    rules = [Rule("id", Expected.A_PURCHASE, checked["id"].cast("string"), ~checked["bought"].any().over(peers))]
    monetary = dataset.columns.get("monetary")
    if monetary and (monetary.transform == "log" or monetary.min is not None):
        owed = _exact(checked["amount"]).sum().over(peers) < (monetary.min or 0)
        worth = Expected.WORTH.format(least=f"{monetary.min or 0:g}")
        rules.append(Rule("id", worth, checked["id"].cast("string"), owed))
    return judge(checked, rules)


def _exact(amount: ibis.Value) -> ibis.Value:
    return (amount.abs() < MOST).ifelse(amount, ibis.null("float64")).cast(EXACT)


def _customers(fine: ibis.Table, given: Transactions, own: list[str]) -> ibis.Table:
    """Return the figures of each customer; what is their own is that of the last day that has it."""
    by_id = ibis.window(group_by="id")
    last_told = {f"_told_{name}": fine["day"].max(where=fine[name].notnull()).over(by_id) for name in own}
    fine = fine.mutate(**last_told)
    bought, exact = fine["bought"], _exact(fine["amount"])
    by_day = given.order == given.date or not (given.order or given.amount or given.price)
    order = fine["day"] if by_day else fine["order"] if given.order else None
    sums = fine.group_by("id").agg(
        last=fine["day"].max(where=bought),
        first=fine["day"].min(where=bought),
        frequency=(bought.sum() if order is None else order.nunique(where=bought)).cast("float64"),
        monetary=exact.sum().cast("float64"),
        spent=exact.sum(where=bought).cast("float64"),
        lines=bought.sum().cast("float64"),
        rows=fine.count().cast("float64"),
        **{name: fine[name].max(where=fine["day"] == fine[f"_told_{name}"]) for name in own},
    )
    end = ibis.literal(given.as_of)
    made = {
        "recency": end.delta(sums["last"], unit="day").cast("float64"),
        "frequency": sums["frequency"],
        "monetary": sums["monetary"],
        "tenure": end.delta(sums["first"], unit="day").cast("float64"),
        "basket": sums["spent"] / sums["frequency"],
        "lines": sums["lines"],
        "returned": 100 * (sums["rows"] - sums["lines"]) / sums["rows"],
    }
    return sums.select("id", *own, **{name: value for name, value in made.items() if name in given.made})
