"""What a run found, each in one line, from its artifacts: all that the terminal says, so nothing heavy is imported."""

from collections.abc import Iterable, Iterator, Sequence
from shlex import quote

from segmentation.core.dataset import ASSUMED, OF_MONEY, OF_RFM, Dataset
from segmentation.core.text import count, escape, is_money, plain_unit
from segmentation.language.writing import decimal, listing, sentence, share_texts, shares, whole
from segmentation.runs.artifacts import Former, Origin, Profiles, Selection, Transitions
from segmentation.runs.records import FAR_SHARE, FAR_TIMES, Account, Conclusion, Profile
from segmentation.runs.worth import Worth

MOST_SPELT = 4  # features or values, in a sentence
MOST_LISTED = 8  # features, in a line above a report


def useful(conclusion: Conclusion, dataset: Dataset, features: Sequence[str]) -> str:
    """Say what is still useful where nothing was found that divides the customers by itself; "" where something was."""
    if conclusion.verdict_of_best not in ("constructive", "none"):
        return ""
    named = [dataset.label(name) for name in features]
    these = listing(named) if len(named) <= MOST_SPELT else count(len(named), "feature")
    other = f"other features, if they can be collected: there may be groups in them that {these} cannot show"
    by = _managed_by(dataset)
    cut = f"a cut by {by}, which management sets and which needs no groups to be there; and " if by else ""
    return f"What is still useful: {cut}{other}."


def _managed_by(dataset: Dataset) -> str:
    """Return the columns by which customers may be cut without any groups: recency, frequency and money; or money."""
    used = [name for name, column in dataset.columns.items() if column.role in ("feature", "descriptor")]
    if set(OF_RFM) <= {name for name in used if dataset.columns[name].is_amount}:
        return f"{listing(map(dataset.label, OF_RFM))} (RFM groups, in chapter 5)"
    return " or ".join([dataset.label(name) for name in used if _of_money(name, dataset)][:MOST_SPELT])


def _of_money(name: str, dataset: Dataset) -> bool:
    unit = plain_unit(dataset.columns[name].unit)
    return dataset.columns[name].numeric and (name in OF_MONEY or is_money(unit) or is_money(unit[-1:]))


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
    labels = [*labels[:MOST_LISTED], f"{len(labels) - MOST_LISTED} others"] if len(labels) > MOST_LISTED + 1 else labels
    formed = f"Nobody has described this table. Its segments are formed by {listing(labels)}"
    who, _, run = (set_by or "").partition(" ")
    other = {
        "command": "as FEATURES says; all else about its columns is assumed.",
        **dict.fromkeys(("base", "model"), f"as those of {run} are; what that run does not say is assumed."),
    }.get(who, "and that is assumed, as is the role of every other column.")
    return " ".join(filter(None, [f"{formed}, {other}", days_counted(dataset)]))


def days_counted(dataset: Dataset) -> str:
    """Say which columns the purchases are read from, and to which day days are counted; "" of a table without dates."""
    if given := dataset.transactions:
        parts = ("customer", "order", "date", "amount", "quantity", "price")
        read = [f"{part} {' or '.join(getattr(given, part))}" for part in parts if getattr(given, part)]
        return f"Purchases are read from the columns {listing(read)}; their days are counted to {given.as_of}."
    return f"Days are counted to {dataset.as_of}." if dataset.as_of else ""


def roles(dataset: Dataset, features: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield label, role and reason of each column as it is used: FEATURES beats what was guessed."""
    for name, column in dataset.columns.items():
        named = name in features
        if named == (column.role == "feature"):
            yield dataset.label(name), dataset.role(name), column.reason or ""
        else:
            why = "FEATURES names it" if named else "not in FEATURES"
            yield dataset.label(name), dataset.role(name, formed=named), why


def headline(selection: Selection, profiles: Profiles) -> str:
    """Return the title of the report: the finding, in words that the verdict allows."""
    customers, k = count(profiles.customers, "customer"), selection.k
    of = f" of {selection.fit.model}" if selection.fit else ""
    none = f"no segments among {customers}" if selection.divided else f"{customers}, not divided"
    titles = {
        "natural": f"{count(k, 'segment')}{of} among {customers}",
        "reproducible": f"{count(k, 'reproducible segment')}{of} among {customers}",
        "constructive": f"{customers}, cut into {count(k, 'part')}{of}",
        "none": f"{customers} in the {count(k, 'part')}{of}, for which nothing speaks now" if of else none,
    }
    return sentence(titles[selection.verdict])


def far_out(customers: int, *, private: bool) -> str:
    """Say how many customers lie so far from all others that they form no segment; empty where nobody does."""
    if not customers:
        return ""
    from segmentation.core.privacy import public  # numpy, which a run in which nothing changed does without

    who = sentence(public(customers, "customer", private=private))
    lies, they = ("lies", "it is") if customers == 1 and not private else ("lie", "they are")
    others = f"{100 * (1 - FAR_SHARE):g} of 100 customers"
    return (
        f"{who} {lies} so far out (more than {FAR_TIMES} times as far from the middle of all as {others}) that {they} "
        f"left out where segments are formed, tested and drawn, and of their centres; {they} placed afterwards, "
        "in the nearest segment, and counted in its size."
    )


def segment_shares(segments: Iterable[Profile]) -> dict[int, str]:
    """Return the share of each segment as it is told everywhere, by its number: together they are 100%."""
    sizes = {profile.segment: profile.size for profile in segments}
    return dict(zip(sizes, shares(sizes.values()), strict=True))


def value_shares(worth: Worth) -> dict[int, str | None]:
    """Return the share of a value that each segment has as it is told everywhere; None where it is not shown.

    Together they are 100%, with what is not shown.
    """
    told = share_texts({str(part.segment): part.share for part in worth.parts if part.share is not None})
    return {part.segment: told.get(str(part.segment)) for part in worth.parts}


def worth_shares(profiles: Profiles) -> dict[int, str | None]:
    """Return the share that each segment has of the main value; nothing where there is none to share, or one alone."""
    shares = value_shares(profiles.worth[0]) if profiles.worth else {}
    return shares if len(shares) > 1 and any(shares.values()) else {}


def worth_line(segment: int, profiles: Profiles, dataset: Dataset) -> str:
    """Return "14% of customers, 60% of revenue" of a segment; "" where there is no value to share."""
    shares = worth_shares(profiles)
    if not shares:
        return ""
    words, own = dataset.words(profiles.worth[0].column), segment_shares(profiles.segments)[segment]
    share = shares[segment]
    return f"{own} of customers, {share} of {words}" if share else f"{own} of customers; of {words} not shown"


def worth_most(segments: Sequence[Profile], worth: Sequence[Worth], dataset: Dataset) -> str:
    """Say which segment has most of the main value for its size, or why none is shown; "" where none has more."""
    if dataset.private and worth and worth[0].hidden:
        from segmentation.core.privacy import WHY_NOT  # imported here, as it brings numpy

        return f"Which share of {dataset.words(worth[0].column)} each has is not shown: {WHY_NOT}."
    shares = {part.segment: part.share for part in worth[0].parts if part.share} if worth else {}
    ratios = {own.segment: shares[own.segment] / own.share for own in segments if own.segment in shares}
    if len(segments) < 2 or max(ratios.values(), default=0) <= 1:
        return ""
    words, customers, value = dataset.words(worth[0].column), segment_shares(segments), value_shares(worth[0])
    best = max(segments, key=lambda own: ratios.get(own.segment, 0))
    told = f"{best.name}: {customers[best.segment]} of the customers, {value[best.segment]} of {words}."
    return told if customers[best.segment] != value[best.segment] else ""


def unlisted(run: str) -> str:
    """Say that the lists of a run's customers are gone, and how they come back."""
    return f"removed, because they were of the segments of before; anew: make lists RUN={quote(run)}"


def transformed(profile: Profile, dataset: Dataset) -> str:
    """Return of which features the centre is not the plain mean, "" of none."""
    every = len(profile.mean) == len(profile.centre) > 1
    return "each feature" if every else listing(dataset.label(name) for name in profile.mean)


def unindexed(profile: Profile, dataset: Dataset) -> str:
    """Return the features that have a centre and no index, "" of none."""
    shown = [name for name, centre in profile.centre.items() if centre is not None]
    return listing(dataset.label(name) for name in shown if profile.index[name] is None)


def rows(account: Account, form=whole) -> str:
    """Return what became of the rows: "200 rows = 198 clean + 2 refused".

    Parameters
    ----------
    form : function
        How a number of rows that are not clean is written; where it hides one, what they came to is hidden too.
    """
    collapsed = f" + {form(account.collapsed)} collapsed" if account.collapsed else ""
    made = f", of {account.customers:,} customers" if account.customers != account.clean else ""
    return (
        f"{rows_in(account, form)} rows = {account.clean:,} clean + {form(account.rejected)} refused{collapsed}{made}"
    )


def rows_in(account: Account, form=whole) -> str:
    """Return how many rows there were, "over 198" where a number of rows that are not clean is hidden."""
    parts = (*account.rules.values(), account.rejected, account.collapsed)
    return f"{account.rows_in:,}" if all(form(n) == whole(n) for n in parts) else f"over {account.clean:,}"


def lineage(lineage: Transitions) -> str:
    """Say which segments of an earlier run were found again, split, merged or are gone, and which are new."""
    before, base = lineage.before, lineage.base
    if lineage.fixed:
        return f"These are the {count(len(before), 'segment')} of {base}, kept as they were: none is formed anew."
    found = sum(row.fate == "survives" for row in before)
    if found == len(before):
        told = [f"{'Each of the' if found > 1 else 'The'} {count(found, 'segment')} of {base} is found again."]
    else:
        told = [f"Of {count(len(before), 'segment')} of {base}, {is_or_are(found)} found again."]
    told += [_tell_split(row) for row in before if row.fate == "split"]
    joined: dict[tuple[int, ...], list[Former]] = {row.into: [] for row in before if row.fate == "merged"}
    for row in before:
        if row.fate == "merged":
            joined[row.into].append(row)
    told += [f"{_named(rows)} {'is' if len(rows) == 1 else 'are'} merged into {_numbers(into)}."
             for into, rows in joined.items()]  # fmt: skip
    told += [_tell_gone(row) for row in before if row.fate == "gone"]
    new = [row.segment for row in lineage.now if not row.comes_from]
    told += [f"{sentence(_numbers(new))} {'is' if len(new) == 1 else 'are'} new."] if new else []
    told += [
        f"{_named([row])} is segment {row.kept_as} now."
        for row in before
        if row.fate == "survives" and row.kept_as != row.segment
    ]
    return " ".join(told)


def origin(row: Origin, lineage: Transitions) -> str | None:
    """Say in a few words where a segment comes from; None when it is an earlier one that kept its number."""
    base, before = lineage.base, lineage.before
    origins = [before[number - 1] for number in row.comes_from]
    if not origins:
        return f"New since {base}."
    if len(origins) > 1:
        return f"Merged from {_named(origins, 's')} of {base}."
    if origins[0].fate == "split":
        return f"A part of {_named(origins, 's')} of {base}."
    return f"Was segment {origins[0].segment} of {base}." if origins[0].segment != row.segment else None


def is_or_are(n: int) -> str:
    """Return how many there are as the end of a sentence begins: "one is", "two are" or "none is"."""
    return count(n, "is", "are") if n else "none is"


def _tell_split(row: Former) -> str:
    return f"{_named([row])} is split into {_numbers(row.into)}."


def _tell_gone(row: Former) -> str:
    why = "few customers are left where it was" if row.left else "no segment holds most of the customers counted for it"
    return f"{_named([row])} is gone: {why}."


def _short(row: Former) -> str:
    return f"{row.segment} ({row.name})"


def _named(rows: list[Former], initial: str = "S") -> str:
    return f"{initial}egment{'' if len(rows) == 1 else 's'} {listing(map(_short, rows))}"


def _numbers(segments) -> str:
    return f"segment{'' if len(segments) == 1 else 's'} {listing(segments)}"


def whose_k(conclusion: Conclusion) -> str:
    """Say whose k it is; of the one that the rule chose "", unless that of a base could not be kept."""
    base, k = conclusion.carried, conclusion.k
    if conclusion.method != "auto":
        return f"k = {k} is that of {base.run}" if base else f"The analyst asked for k = {k}"
    if base is None:
        return ""
    return (
        f"{base.run} has {count(base.k, 'segment')}; here one of so many would be too small for privacy: aggregate to "
        "show, so that k is chosen anew"
    )


def against(conclusion: Conclusion) -> str:
    """Say whose k it is, and whether the evidence speaks for it; "" where the rule alone chose it."""
    told, best, support = whose_k(conclusion), conclusion.best, conclusion.verdict_of_best
    if not told or conclusion.method == "auto":
        return told and f"{told}."
    if support == "none":
        return f"{told}; no k has support among these customers."
    if best == conclusion.k:
        return f"{told}, and the evidence of these customers speaks for it too."
    here = f"the evidence of these customers speaks for {best} ({support})"
    return f"{told}, with the verdict {conclusion.verdict}; {here}."


def choice(selection: Selection) -> str:
    """Return why there are so many segments."""
    if not selection.divided:
        return "every division that was tried leaves a group that privacy: aggregate does not show"
    if selection.fit:
        return f"kept from {selection.fit.model}"
    if selection.method != "auto":
        return f"as many as {selection.carried.run} has" if selection.carried else "given by the analyst"
    if len(selection.allowed) == 1:
        return f"the {'strongest verdict of the' if len(selection.judged) > 1 else 'only'} k that could be taken"
    what = "mean silhouette" if selection.chosen.bic is None else "BIC"
    best = max(selection.judged.values(), key=lambda row: row.silhouette if row.bic is None else -row.bic)
    of = "" if selection.chosen == best else f" of k = {listing(selection.allowed)}"
    if selection.verdict == "none":
        return f"best {what}{of}, though no k that could be taken has support"
    return f"best {what}{of}{', which share the strongest verdict' if of else ', and the strongest verdict'}"


def measured(selection: Selection) -> list[str]:
    """Return the mean silhouette and the stability of the least stable segment as text; nothing where there is one."""
    return [decimal(selection.chosen.silhouette), decimal(selection.weakest)] if selection.divided else []


def was(n: int) -> str:
    """Return the verb of so many."""
    return "was" if n == 1 else "were"


def repeated(repeated: int, form=whole) -> str:
    """Say, of a table without ids, how many rows repeat another."""
    if not repeated:
        return "No column is an id, and no row repeats another."
    rows = _counted(repeated, "row that repeats", "rows that repeat", form)
    return f"No column is an id; {rows} another {_was(repeated, form)} kept."


def _counted(n: int, noun: str, plural: str, form) -> str:
    """Return so many as text, as `count` does where `form` does not hide it."""
    return count(n, noun, plural) if form(n) == whole(n) else f"{form(n)} {plural}"


def _was(n: int, form) -> str:
    return was(n) if form(n) == whole(n) else "were"


def purchases(account: Account, form=whole) -> str:
    """Say how many transactions are returns, and how many repeat another; empty for a table of customers."""
    if account.returns is None:
        return ""
    returns, alike = account.returns, account.alike or 0
    off, twice = (
        sentence(_counted(n, one, several, form))
        for n, one, several in ((returns, "row is a return", "rows are returns"), (alike, "row repeats", "rows repeat"))
    )
    off = f"{off}, taken off the value of their customers."
    twice = f"{twice} another and {_was(alike, form)} kept: one may buy twice."
    return f"{off if returns else 'No row is a return.'} {twice if alike else ''}".strip()


def account(account: Account, dataset: Dataset) -> str:
    """Say what became of the rows, which of them repeat another, and what the transactions are."""
    form = few(dataset)
    told = [
        f"Rows in: {rows(account, form)}.",
        "Every row is accounted for." if account.rejected else "No row broke a rule.",
        "" if dataset.named("id") else repeated(account.repeated, form),
        purchases(account, form),
        escape(days_counted(dataset)),
    ]
    return " ".join(filter(None, told))


def few(dataset: Dataset | None):
    """Return how a reader is told a number of rows: where rows are private, no number under ten."""
    if dataset is None or not dataset.private:
        return whole
    from segmentation.core.privacy import counted  # imported here, because it needs numpy, and the terminal does not

    return counted


def tell_rule(rule: str, dataset: Dataset | None) -> str:
    """Return a rule under the label of its column."""
    column, _, expected = rule.partition(": ")
    return f"{dataset.label(column)}: {expected}" if dataset and column in dataset.columns else rule


def trust(account: Account, dataset: Dataset | None = None) -> str:
    """Return the answer of the first chapter: how many rows can be trusted, and why others cannot."""
    form, worst = few(dataset), max(account.rules, key=lambda rule: account.rules[rule], default=None)
    hides = any(form(n) != whole(n) for n in account.rules.values())  # what the others are would tell of one hidden
    times = "" if hides or not worst else f" ({whole(account.rules[worst])})"
    reason = f"the most frequent reason is “{escape(tell_rule(worst, dataset))}”{times}." if worst else ""
    return (
        f"**{sentence(count(account.clean, 'row'))} of {rows_in(account, form)} can be trusted**, "
        f"and {_counted(account.rejected, 'row was', 'rows were', form)} refused; "
        f"{reason or 'no rule was broken.'}"
    )
