"""Numbers as people write them: which mark is the decimal one, and what stands around the digits."""

import sys
from collections import defaultdict
from dataclasses import asdict, dataclass, replace

import ibis
import pandas as pd

from segmentation.core.dataset import Dataset
from segmentation.core.engine import double, of_each
from segmentation.core.errors import DataError, as_command, as_option
from segmentation.core.text import SIGNS, contradict, is_money, is_unit, other_amount, plain_unit
from segmentation.language.kept import Reason, Rule

SPACES = " '’\u00a0\u2009\u202f"
# Each blank by itself, because every engine means something else by \s.
BLANKS = "[\t\n\x0b\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
# Digits, marks and signs of other scripts, and those of ASCII that they are read as; an Arabic comma parts thousands.
OF_OTHER_SCRIPTS = "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹０１２３４５６７８９٫．，٬（）－−＋٪％"
ASCII = "012345678901234567890123456789..,'()--+%%"
DIGIT = r"[0-9٠-٩۰-۹０-９]"
DIGITS = rf"([+\-−]?[0-9.,](?:[0-9.,{SPACES}]*[0-9.,])?(?:[eE][+\-]?[0-9]+)?)"
SIGN = rf"^{BLANKS}*([+\-−])"
# A sign may stand before a currency (-$5), and a point behind its letters (Rs. 5): Latin, Greek or Cyrillic ones,
# because with those of all scripts the pattern takes four times as long.
BEFORE = r"((?:[A-Za-zÀ-ӿ]+\.)?[^0-9+\-−.,]*?)"
PATTERN = rf"^{BLANKS}*[+\-−]?{BLANKS}*{BEFORE}{BLANKS}*{DIGITS}{BLANKS}*([^0-9]*?){BLANKS}*$"
PLAIN_WHOLE, PLAIN = r"^[+\-]?[0-9]+$", r"^[+\-]?[0-9]+([.][0-9]+)?$"  # most numbers: a tenth of the work of the others
# An accountant's minus: brackets around a sum, or a minus behind it, beside which a currency may stand. 5,- is none.
CURRENCY = rf"{BLANKS}*(?:[^0-9A-Za-z()+\-.,]|[A-Z]{{3}})?{BLANKS}*"
NEGATIVE = (
    r"^[^0-9()+\-]*\([^0-9()+\-]*[0-9][^()+\-]*\)[^0-9()+\-]*$"
    rf"|^[^0-9()+\-]*(?:[0-9][0-9.,{SPACES}]*)?[0-9]{CURRENCY}-{CURRENCY}$"
)
OTHERWISE = r"[^ -'*-~]|.-"  # what may be written so: looked for first, because most cells are not
MARKS = {".": ",", ",": "."}
INDIAN = "[0-9]{1,2}(,[0-9]{2})+,[0-9]{3}"  # 1,23,456: lakhs and crores have two digits each
DECISIVE = 0.05
OPEN = r"^[+\-]?[1-9][0-9]{0,2}[.,][0-9]{3}$"
BELOW_THOUSAND, FROM_THOUSAND = r"^[+\-]?[0-9]{1,3}$", r"^[+\-]?[1-9][0-9]{3,}$"  # whole numbers
COUNTED = ("open", *(f"{what}{mark}" for mark in MARKS for what in ("", "proof ", "open ")))
FEWEST_WHOLE, FAR_ABOVE = 3, 10  # numbers, times


@dataclass(frozen=True)
class Convention:
    """How the numbers of a column are written.

    decimal : the decimal mark, "." or ","; the other one may part thousands.
    around : what may stand before or after the digits: a currency, a percent sign, a unit; without blanks and case.
    bare : whether a number may stand alone.
    decided : whether a cell showed which mark is the decimal one.
    shown : whether a cell has that mark: whole numbers have none, and follow the other columns.
    """

    decimal: str = "."
    around: tuple[str, ...] = ()
    bare: bool = True
    decided: bool = True
    shown: bool = True

    @property
    def comma(self) -> bool:
        """Whether cells of the column have a decimal comma."""
        return self.decimal == "," and self.shown

    def record(self) -> dict:
        """Return what cleaning.json keeps."""
        return {name: value for name, value in asdict(self).items() if name != "shown" or not value}

    def expects(self) -> str:
        """Return what a cell of the column must be, in words."""
        if self.bare:
            return Rule.WITH_COMMA if self.comma else Rule.A_NUMBER
        return (Rule.COMMA_AND_UNIT if self.comma else Rule.WITH_UNIT).format(unit=self.around[0])


def find_conventions(
    raw: ibis.Table,
    units: dict[str, str | None],
    *,
    decimal: str,
    typed: frozenset[str],
    file: str,
    known: dict[str, Convention],
    voters: tuple[str, ...] | None = None,
) -> tuple[dict[str, Convention], dict[str, str]]:
    """Find how the numbers of each column are written, from all of its cells and whatever the delimiter.

    Its own cells decide where they agree (`_own_mark`); else its whole numbers (`_mark_by_whole`), the other columns
    where all agree, and an earlier table, unless two of these contradict each other.

    Parameters
    ----------
    raw : ibis.Table of file and text columns
    units : dict of column -> the unit that dataset.yaml declares
    decimal : "auto", "." or ","
    typed : columns whose numbers were numbers in the file, and are written with a point
    known : of an earlier table of this kind
    voters : the columns that others follow; all of `units` where nobody says

    Returns
    -------
    conventions, undecided : dict
        Column -> how; column -> a number that may be more or less than a thousand.

    Raises
    ------
    DataError
        When files of a table write numbers differently, or cells have another unit than declared.
    """
    texts = [name for name in units if raw[name].type().is_string()]
    around = {name: (tuple(plain_unit(one) for one in [unit] if one), True) for name, unit in units.items()}
    for name, stand in of_each(raw, texts, _standing).items():
        around[name] = _around(stand, name, units[name], known.get(name), file)
    voting = [n for n in (units if voters is None else voters) if raw[n].type().is_string() and n not in typed]
    free = [name for name in texts if name not in typed and decimal == "auto"]
    marks, undecided = _marks(raw, free, voting, known) if free else ({}, {})
    marks |= {name: decimal for name in units if decimal != "auto" and name not in typed}
    shown = _with_comma(raw, [name for name in texts if marks.get(name) == ","])
    found = {n: Convention(marks.get(n) or ".", *around[n], marks.get(n) is not None, shown[n]) for n in units}
    return found, undecided


def _with_comma(raw: ibis.Table, names: list[str]) -> dict[str, bool]:
    """Return of columns whether a cell has a comma; of others, which are not looked at, that their mark is shown."""
    found = of_each(raw, names, lambda t: t.group_by("_column").agg(n=_plain(t["_cell"]).contains(",").sum()))
    return defaultdict(lambda: True, {name: bool((some["n"] > 0).any()) for name, some in found.items()})


def _marks(
    raw: ibis.Table, names: list[str], voters: list[str], known: dict[str, Convention]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the decimal mark of each column that shows one, or follows what decides; and an example of the others."""
    found = of_each(raw, list(dict.fromkeys([*names, *voters])), _votes, "file")
    votes = {name: vote.set_index("file") for name, vote in found.items()}
    _refuse_mixed({name: votes[name] for name in voters})
    total = {name: {what: int(vote[what].sum()) for what in COUNTED} for name, vote in votes.items()}
    own = {name: _own_mark(vote) for name, vote in total.items()}
    others = {mark for name in voters for mark in (MARKS if own[name] == "" else [own[name]]) if mark}
    marks: dict[str, str] = {}
    undecided: dict[str, str] = {}
    for name in names:
        says = others | ({known[name].decimal} if name in known and known[name].decided else set())
        if shown := own[name]:
            marks[name] = shown
        elif total[name]["open"]:
            says |= _mark_by_whole(raw, name, votes[name])
            if own[name] is None and len(says) == 1:
                [marks[name]] = says
            else:
                undecided[name] = votes[name]["example"].dropna().max()
        elif own[name] == "":  # each of its cells can be read in one way alone
            marks[name] = _more(total[name])
        elif len(says := others if len(others) == 1 else says - others) == 1:
            [marks[name]] = says
    return marks, undecided


def _own_mark(vote: dict[str, int]) -> str | None:
    """Return the decimal mark that the cells of a column show, "" where they contradict each other, None where none do.

    A mark before one, two, or more than three last digits, or behind a 0, is the decimal one, where it stands in one of
    twenty numbers that leave it open, or more. One that stands twice, or before another, parts thousands: one such
    number proves it. Less than one in twenty that show the other mark are odd cells, which are refused.
    """
    if vote["open ."] and vote["open ,"] and not vote["."] + vote[","]:
        return ""
    more = _more(vote)
    if vote[MARKS[more]] > DECISIVE * vote[more]:
        return ""
    return more if vote[f"proof {more}"] or vote[more] > DECISIVE * vote["open"] else None


def _more(vote: dict[str, int]) -> str:
    return "," if vote[","] > vote["."] else "."


def _mark_by_whole(raw: ibis.Table, name: str, vote: pd.DataFrame) -> set[str]:
    """Return the decimal mark that the whole numbers of a column tell, as a set of one; of none where they do not.

    Whoever parts thousands by a point writes 900 beside 2.600, and 1200 nowhere; whoever rounds to three decimals
    writes 3 beside 2.667. So the mark parts thousands where all whole numbers are below 1,000 and the middle one is
    ten times what stands before the mark in the middle one of the others.
    """
    part = {mark: int(vote[f"open {mark}"].sum()) for mark in MARKS}
    few = int(vote["whole"].sum()) < max(FEWEST_WHOLE, DECISIVE * sum(part.values()))
    if few or all(part.values()) or int(vote["large"].sum()):
        return set()
    digits = _bare_digits(raw[name])
    whole, before = (digits.re_search(what).ifelse(digits, ibis.null("string")) for what in (BELOW_THOUSAND, OPEN))
    sizes = {"whole": whole, "before": before.re_extract("([0-9]+)", 1)}
    middle = raw.agg(**{what: size.try_cast("float64").median() for what, size in sizes.items()}).to_pandas().iloc[0]
    return {"," if part["."] else "."} if middle["whole"] >= FAR_ABOVE * middle["before"] else set()


def tell_undecided(undecided: dict[str, str]) -> str:
    """Say that it cannot be told whether these numbers are more than a thousand, how they may read, and what helps."""
    name, example = next(iter(undecided.items()))
    mark = "," if "," in example else "."
    small, large = f"{float(example.replace(',', '.')):g}", example.replace(mark, "")
    either = " or ".join(as_option("decimal", one) for one in ",.")
    return (
        f"the numbers of column {name!r} are written like {example!r}, which is {small} where {mark!r} is the decimal "
        f"mark, and {large} where it is {MARKS[mark]!r}; say which mark is the decimal one: decimal: ',' or '.' in "
        f"dataset.yaml, or for a table that has none {either} behind {as_command('report')}"
    )


def _refuse_mixed(votes: dict[str, pd.DataFrame]) -> None:
    """Refuse files of one table of which one writes decimal commas and another decimal points."""
    if not votes:
        return
    files = pd.concat(votes.values()).groupby(level=0)[[".", ","]].sum()
    commas, points = files.index[files[","] > files["."]], files.index[files["."] > files[","]]
    if len(commas) and len(points):
        raise DataError(
            f"{commas[0]} writes numbers with a decimal comma, {points[0]} with a decimal point; expected one way in "
            "all files of a table; make them alike"
        )


def to_number(text: ibis.Value, convention: Convention) -> ibis.Value:
    """Return the numbers in a column, null where a cell is not a number of this convention."""
    if text.type().is_numeric():
        value = text.cast("float64")
    else:
        plain = text.re_search(PLAIN if convention.decimal == "." else PLAIN_WHOLE)
        value = _written(text, convention)
        value = plain.ifelse(text.try_cast("float64"), value) if convention.bare else value
    largest = double(sys.float_info.max)
    # Compared, because Spark's translation of isinf finds nothing; not-a-number is more than any number everywhere.
    return value.between(-largest, largest).ifelse(value, ibis.null("float64"))


def _written(text: ibis.Value, convention: Convention) -> ibis.Value:
    """Return the numbers of a convention in texts, whatever stands around them."""
    mark, other = convention.decimal, MARKS[convention.decimal]
    cell = _plain(text)
    digits = _digits(cell)
    grouped = f"[0-9]{{1,3}}([{other}{SPACES}][0-9]{{3}})+" + (f"|{INDIAN}" if other == "," else "")
    whole = rf"^[+\-]?({grouped}|[0-9]*)([{mark}][0-9]*)?([eE][+\-]?[0-9]+)?$"
    plain = digits.re_replace(rf"[{other}{SPACES}]", "").replace(mark, ".")
    value = digits.re_search(whole).ifelse(plain.try_cast("float64"), ibis.null("float64"))
    return _stands(cell).isin([*convention.around, *([""] * convention.bare)]).ifelse(value, ibis.null("float64"))


def _plain(text: ibis.Value) -> ibis.Value:
    """Return a cell with the digits and marks of ASCII, and an accountant's minus before the number."""
    cell = text.translate(OF_OTHER_SCRIPTS, ASCII)
    plain = cell.re_search(NEGATIVE).ifelse(ibis.literal("-") + cell.re_replace(r"[()\-]", ""), cell)
    return text.re_search(OTHERWISE).ifelse(plain, text)


def _bare_digits(text: ibis.Value) -> ibis.Value:
    """Return the number in a cell without the blanks that part its thousands."""
    return text.re_search(PLAIN).ifelse(text, _digits(_plain(text)).re_replace(f"[{SPACES}]", ""))


def _digits(text: ibis.Value) -> ibis.Value:
    """Return the number in a cell, with the sign that stands before it."""
    return text.re_extract(SIGN, 1) + text.re_extract(PATTERN, 2)


def _stands(text: ibis.Value) -> ibis.Value:
    return _before(text) + _behind(text)


def _before(text: ibis.Value) -> ibis.Value:
    return text.re_extract(PATTERN, 1).re_replace(f"{BLANKS}+|[.]", "").lower()


def _behind(text: ibis.Value) -> ibis.Value:
    return text.re_extract(PATTERN, 3).re_replace(f"{BLANKS}+", "").lower()


def _standing(table: ibis.Table) -> ibis.Table:
    """Count what stands before and behind the numbers of each column."""
    cells = table.select("_column", cell=_plain(table["_cell"])).filter(ibis._["cell"].re_search(PATTERN))
    around = {"before": _before(cells["cell"]), "behind": _behind(cells["cell"])}
    plain = cells["cell"].re_search(PLAIN)
    cells = cells.select("_column", **{where: plain.ifelse("", text) for where, text in around.items()})
    return cells.group_by("_column", "before", "behind").agg(n=ibis._.count())


def _around(
    stand: pd.DataFrame, name: str, unit: str | None, known: Convention | None, file: str
) -> tuple[tuple[str, ...], bool]:
    """Return what may stand around the digits: the declared unit, and what stands in half of the cells or more."""
    declared = plain_unit(unit)
    counts = stand.sort_values(["n", "before", "behind"], ascending=[False, True, True]).itertuples()
    found = [(row.before + row.behind, row.n) for row in counts if is_unit(row.before, row.behind)]
    whole = sum(n for _, n in found)
    usual = [stands for stands, n in found if stands and 2 * n > whole]
    _refuse_other_units(usual, name, unit, known, file)
    usual += known.around if known else ()
    # A sum with a currency may stand beside bare ones; "k", "%" or a unit would make a bare number another amount.
    same = [stands for stands in usual if stands == declared and not other_amount(stands, "")]
    bare = known.bare if known else all(is_money(stands) or stands in same for stands in usual)
    return tuple(sorted({*usual, *([declared] if declared else [])})), bare


def why_no_number(raw: ibis.Table, name: str, convention: Convention) -> tuple[str, str]:
    """Return why a column of which most cells are numbers is none, and a cell that shows it; nothing of others."""
    otherwise = replace(convention, decimal=MARKS[convention.decimal])
    read = {what: to_number(raw[name], how) for what, how in (("value", convention), ("other", otherwise))}
    cells = raw.select("row", "file", "line", text=raw[name], cell=_plain(raw[name]), **read)
    cells = cells.mutate(before=_before(cells["cell"]), behind=_behind(cells["cell"])).filter(cells["text"] != "")
    found = cells.to_pandas().sort_values("row")
    around = found["before"].where(found["before"].map(is_money), found["behind"])
    money = around[around.map(is_money)].replace(SIGNS)
    odd, reason = found[found["value"].isna()], Reason.BROKEN
    if money.nunique() > 1:
        counts = money.value_counts()
        odd = found.loc[money.index[money == min(counts.index, key=lambda one: (counts[one], one))]]
        reason = Reason.CURRENCIES.format(currencies=", ".join(sorted(counts.index)))
    elif 2 * odd["other"].count() > len(odd):
        reason = Reason.MARKS
    elif 2 * len(odd) >= len(found):
        return "", ""
    first = odd.iloc[0]
    return reason, f"such as {first['text']!r:.40} in line {first['line']} of {first['file']}"


def _refuse_other_units(usual: list[str], name: str, unit: str | None, known: Convention | None, file: str) -> None:
    """Refuse cells in another unit than dataset.yaml declares, or than the table had that the model was made from."""
    for stands in usual:
        before = [unit] if unit else list(known.around) if known else []
        bare = known is not None and not before and not is_money(stands)
        if bare or any(contradict(one, stands) for one in before):
            says = f"dataset.yaml says {unit!r}" if unit else f"the table of the run {before or 'none'}"
            raise DataError(
                f"{file}: the cells of column {name!r} say {stands!r}, {says}; mend the unit in dataset.yaml, or the "
                "table"
            )


def _votes(table: ibis.Table) -> ibis.Table:
    """Count of each column, for each file, the cells that show or prove which mark is the decimal one, and others.

    Those leave it open, or are whole. A proof is a number with both marks, or with one that stands twice.
    """
    cell = table["_cell"]
    cells = table.select("_column", "file", digits=_bare_digits(cell), arabic=cell.contains("٫"))
    digits = cells["digits"]
    counts = {
        "open": digits.re_search(OPEN),
        "whole": digits.re_search(BELOW_THOUSAND),
        "large": digits.re_search(FROM_THOUSAND),
    }
    for mark, other in MARKS.items():
        proof = digits.re_search(rf"[{other}].*[{mark}]|^[+\-]?[0-9]{{1,3}}([{other}][0-9]{{3}}){{2,}}$")
        shows = digits.re_search(
            rf"^[+\-]?[0-9]*[{mark}]([0-9]{{1,2}}|[0-9]{{4,}})$|^[+\-]?(|0[0-9]*|[0-9]{{4,}})[{mark}][0-9]+$"
            rf"|[{mark}][0-9]*[eE]"
        )
        proof = proof | cells["arabic"] | digits.re_search(rf"^[+\-]?{INDIAN}$") if mark == "." else proof
        open_ = counts["open"] & digits.contains(mark) & ~cells["arabic"]
        counts |= {mark: shows | proof, f"proof {mark}": proof, f"open {mark}": open_}
    counts["open"] &= ~cells["arabic"]
    found = cells.group_by("_column", "file").agg(
        **{what: cell.sum() for what, cell in counts.items()}, example=digits.max(where=counts["open"])
    )
    return found.fill_null(dict.fromkeys(counts, 0))


def conventions_of(
    raw: ibis.Table, dataset: Dataset, names: list[str], headers: dict, *, file: str, known: dict | None = None
) -> dict[str, Convention]:
    """Find how the numbers of each column of a raw table are written (`find_conventions`).

    Whatever is asked for, the same columns decide: the features and descriptors. One that is set aside follows them.

    Raises
    ------
    DataError
        When that cannot be told of a column that is used.
    """
    units = {name: dataset.columns[name].unit for name in names if is_number(dataset, name)}
    typed = frozenset(name for name, header in headers["columns"].items() if header in headers["typed"])
    used = tuple(name for name in dataset.named("feature", "descriptor") if is_number(dataset, name))
    voters = tuple(name for name in used if name in raw.columns)
    found, undecided = find_conventions(
        raw, units, decimal=dataset.decimal, typed=typed, file=file, known=known or {}, voters=voters
    )
    if asked := {headers["columns"][name]: example for name, example in undecided.items() if name in used}:
        raise DataError(f"{file}: {tell_undecided(asked)}")
    return found | {name: Convention(**how) for name, how in headers.get("numbers", {}).items() if name in found}


def is_number(dataset: Dataset, name: str) -> bool:
    """Return whether a column holds numbers that are read as such."""
    return dataset.columns[name].is_number


def text_of(cell: ibis.Value) -> ibis.Value:
    """Return a cell as text, a whole number without a point."""
    text = cell.cast("string")
    return text.re_replace(r"\.0$", "") if cell.type().is_floating() else text
