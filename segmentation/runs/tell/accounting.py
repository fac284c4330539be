"""What is said of the rows of a run: how many came, were refused, and may be trusted."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from segmentation.core.dataset import ASSUMED, Dataset
from segmentation.core.errors import AT_HOME, as_option
from segmentation.core.text import escape
from segmentation.language import mark, tr, trn
from segmentation.language.kept import Reason, Rule, retold
from segmentation.language.writing import day, either, labelled, listing, sentence, whole
from segmentation.runs.records import FAR, Account

MOST_SPELT = 4  # features or values, in a sentence
MOST_LISTED = 8  # features, in a line above a report
ROLES = {
    "id": mark("id"),
    "feature": mark("feature"),
    "descriptor": mark("descriptor"),
    "value": mark("value"),
    "feature and value": mark("feature and value"),
    "ignore": mark("ignore"),
}
FORMED_BY = as_option("features", by=AT_HOME).rstrip("=")


def assumed(described: str, dataset: Dataset, features: Sequence[str], set_by: str | None) -> str | None:
    """Say what forms the segments of a table that nobody has described, and that it is assumed; None of another.

    Parameters
    ----------
    described : str
        The folder under data/ that describes the table, or "assumed".
    set_by : str or None
        Who named the features.
    """
    if described != ASSUMED:
        return None
    labels = [dataset.label(name) for name in features]
    if len(labels) > MOST_LISTED + 1:
        more = len(labels) - MOST_LISTED
        labels = [*labels[:MOST_LISTED], trn("{n} other", "{n} others", more, n=whole(more))]
    who, _, run = (set_by or "").partition(" ")
    formed = {"features": listing(labels)}
    if who == "command":
        told = tr(
            "Nobody has described this table. Its segments are formed by {features}, as {option} says; all else about "
            "its columns is assumed.",
            option=FORMED_BY,
            **formed,
        )
    elif who in ("base", "model"):
        told = tr(
            "Nobody has described this table. Its segments are formed by {features}, as those of {run} are; what that "
            "run does not say is assumed.",
            **formed,
            run=run,
        )
    else:
        told = tr(
            "Nobody has described this table. Its segments are formed by {features}, and that is assumed, as is the "
            "role of every other column.",
            **formed,
        )
    return " ".join(filter(None, [told, days_counted(dataset)]))


def days_counted(dataset: Dataset) -> str:
    """Say which columns the purchases are read from, and to which day days are counted; "" of a table without dates."""
    if given := dataset.transactions:
        parts = {
            "customer": tr("customer"),
            "order": tr("order"),
            "date": tr("date"),
            "amount": tr("amount"),
            "quantity": tr("quantity"),
            "price": tr("price"),
        }
        read = [f"{told} {either(getattr(given, part))}" for part, told in parts.items() if getattr(given, part)]
        return tr(
            "Purchases are read from the columns {columns}; their days are counted to {day}.",
            columns=listing(read),
            day=day(given.as_of),
        )
    return tr("Days are counted to {day}.", day=day(dataset.as_of)) if dataset.as_of else ""


def roles(dataset: Dataset, features: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield label, role and reason of each column as it is used: FEATURES beats what was guessed."""
    for name, column in dataset.columns.items():
        named = name in features
        if named == (column.role == "feature"):
            yield dataset.label(name), tr(ROLES[dataset.role(name)]), _reason(column.reason or "")
        else:
            why = Reason.NAMED if named else Reason.NOT_NAMED
            yield dataset.label(name), tr(ROLES[dataset.role(name, formed=named)]), _reason(why)


def _reason(why: str) -> str:
    """Tell the reason of a role; files keep an option in make's words, and here it is called as it is typed."""
    return re.sub(r"\bFEATURES\b", FORMED_BY, retold(Reason, why))


def rows(account: Account, form=whole) -> str:
    """Return what became of the rows: "200 rows = 198 clean + 2 refused".

    Parameters
    ----------
    form : function
        How a number of rows that are not clean is written; where it hides one, how many there were is hidden too.
    """
    parts = [
        tr("{n} clean", n=whole(account.clean)),
        tr("{n} refused", n=form(account.rejected)),
        *([tr("{n} collapsed", n=form(account.collapsed))] if account.collapsed else []),
    ]
    told = {"rows": rows_in(account, form), "parts": " + ".join(parts)}
    if account.customers == account.clean:
        return tr("{rows} rows = {parts}", **told)
    return tr("{rows} rows = {parts}, of {customers} customers", **told, customers=whole(account.customers))


def rows_in(account: Account, form=whole) -> str:
    """Return how many rows there were; where a number is hidden of which they are the sum "over" the sum of the others.

    How many each rule refused is no part of it: where one of these is hidden, the refused are hidden or told together.
    """
    shown = [n for n in (account.clean, account.rejected, account.collapsed) if form(n) == whole(n)]
    return whole(account.rows_in) if len(shown) == 3 else tr("over {n}", n=whole(sum(shown)))


def _so_many(n: int, form) -> tuple[int, dict[str, str]]:
    """Return a number for the plural, and how it is told where `form` hides it."""
    return (n, {}) if form(n) == whole(n) else (2, {"n": form(n)})


def repeated(repeated: int, form=whole) -> str:
    """Say, of a table without ids, how many rows repeat another."""
    if not repeated:
        return tr("No column is an id, and no row repeats another.")
    n, told = _so_many(repeated, form)
    return trn(
        "No column is an id; {n} row that repeats another was kept.",
        "No column is an id; {n} rows that repeat another were kept.",
        n,
        **told,
    )


def purchases(account: Account, form=whole) -> str:
    """Say how many transactions are returns, and how many repeat another; empty for a table of customers."""
    if account.returns is None:
        return ""
    told = [tr("No row is a return.")]
    if account.returns:
        n, hidden = _so_many(account.returns, form)
        off = trn(
            "{n} row is a return, taken off the value of their customers.",
            "{n} rows are returns, taken off the value of their customers.",
            n,
            **hidden,
        )
        told = [sentence(off)]
    if account.alike:
        n, hidden = _so_many(account.alike, form)
        twice = trn(
            "{n} row repeats another and was kept: one may buy twice.",
            "{n} rows repeat another and were kept: one may buy twice.",
            n,
            **hidden,
        )
        told.append(sentence(twice))
    return " ".join(told)


def account(account: Account, dataset: Dataset) -> str:
    """Say what became of the rows, which of them repeat another, and what the transactions are."""
    form = few(dataset)
    told = [
        tr("Rows in: {rows}.", rows=rows(account, form)),
        tr("Every row is accounted for.") if account.rejected else tr("No row broke a rule."),
        "" if dataset.named("id") else repeated(account.repeated, form),
        purchases(account, form),
        escape(days_counted(dataset)),
    ]
    return " ".join(filter(None, told))


def far_values(flagged: Path) -> str:
    """Say how many values are far from the rest, of those that are flagged; "" of none."""
    with flagged.open("rb") as lines:  # of a large table there may be millions
        n = sum(f",{FAR}".encode() in line for line in lines)
    if not n:
        return ""
    return trn(
        "{n} value far from the rest is kept ({file})",
        "{n} values far from the rest are kept ({file})",
        n,
        n=whole(n),
        file=flagged.name,
    )


def few(dataset: Dataset | None):
    """Return how a reader is told a number of rows: where rows are private, no number under ten."""
    if dataset is None or not dataset.private:
        return whole
    from segmentation.core.privacy import counted  # imported here, because it needs numpy, and the terminal does not

    return counted


def tell_rule(rule: str, dataset: Dataset | None) -> str:
    """Return a rule under the label of its column."""
    column, _, expected = rule.partition(": ")
    label = dataset.label(column) if dataset and column in dataset.columns else column
    return labelled(label, retold(Rule, expected))


def trust(account: Account, dataset: Dataset | None = None) -> str:
    """Return the answer of the first chapter: how many rows can be trusted, and why others cannot."""
    form, worst = few(dataset), max(account.rules, key=lambda rule: account.rules[rule], default=None)
    hides = any(form(n) != whole(n) for n in account.rules.values())  # what the others are would tell of one hidden
    n, hidden = _so_many(account.rejected, form)
    clean = sentence(trn("{n} row", "{n} rows", account.clean))
    given = rows_in(account, form)
    refused = trn(
        "**{clean} of {rows} can be trusted**, and {n} row was refused.",
        "**{clean} of {rows} can be trusted**, and {n} rows were refused.",
        n,
        clean=clean,
        rows=given,
        **hidden,
    )
    none = tr("**{clean} of {rows} can be trusted**, and no rows were refused.", clean=clean, rows=given)
    told = [refused if n else none]
    if not worst:
        told.append(tr("No rule was broken."))
    elif hides:
        told.append(tr("The most frequent reason is “{rule}”.", rule=escape(tell_rule(worst, dataset))))
    else:
        rule, times = escape(tell_rule(worst, dataset)), whole(account.rules[worst])
        told.append(tr("The most frequent reason is “{rule}” ({n}).", rule=rule, n=times))
    return " ".join(told)
