"""Numbers as people write them: which mark is the decimal one, and what stands around the digits."""

from dataclasses import asdict, dataclass
from unicodedata import category

import ibis

from segmentation.errors import DataError

SPACES = " '’\u00a0\u202f"
PARTS = rf"^\s*([^0-9+\-−.,]*?)\s*([+\-−]?[0-9.,{SPACES}]*[0-9.,](?:[eE][+\-]?[0-9]+)?)\s*([^0-9]*?)\s*$"
MARKS = {".": ",", ",": "."}
CURRENCIES = (
    *("eur", "usd", "gbp", "chf", "cad", "aud", "jpy", "cny", "inr", "brl", "sek", "nok", "dkk", "pln", "czk", "huf"),
    *("try", "zar", "mxn", "rs", "kr"),
)
LONGEST_UNIT = 8
NO_UNITS = ("cr", "dr", *("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"))


@dataclass(frozen=True)
class Convention:
    """How the numbers of a column are written.

    decimal : the decimal mark, "." or ","; the other one may part thousands.
    around : what may stand before or after the digits: a currency, a percent sign, a unit; without blanks and case.
    bare : whether a number may stand alone.
    """

    decimal: str = "."
    around: tuple[str, ...] = ()
    bare: bool = True

    def record(self) -> dict:
        """Return what cleaning.json keeps."""
        return asdict(self)

    def expects(self) -> str:
        """Return what a cell of the column must be, in words."""
        mark = "" if self.decimal == "." else " with a decimal comma"
        unit = "" if self.bare else f" with {self.around[0]}"
        return f"a number{mark}{unit}"


def find_conventions(
    raw: ibis.Table,
    units: dict[str, str | None],
    *,
    decimal: str,
    typed: bool,
    delimiter: str | None,
    file: str,
    known: dict[str, Convention],
) -> dict[str, Convention]:
    """Find how the numbers of each column are written, from all of its cells.

    A mark that stands before one, two, or more than three last digits, or with the other mark before it, is the
    decimal one; a column whose cells leave it open follows the other columns.

    Parameters
    ----------
    raw : ibis.Table of text columns
    units : dict
        Column -> the unit that dataset.yaml declares.
    decimal : "auto", "." or ","
    typed : bool
        Numbers were numbers in the file, and are written with a point.
    delimiter : str or None
        Of the file, which parts columns where a comma may not.
    known : dict
        The conventions of an earlier table of this kind, which decide what this one leaves open.

    Raises
    ------
    DataError
        When all cells of a table leave open whether 1.234 is more than a thousand.
    """
    around = {name: _around(raw, name, unit, known.get(name)) for name, unit in units.items()}
    if typed or decimal != "auto":
        mark = "." if typed else decimal
        return {name: Convention(mark, *around[name]) for name in units}
    votes = {name: _votes(raw, name) for name in units}
    total = {mark: sum(vote[mark] for vote in votes.values()) for mark in MARKS}
    found = {}
    for name, vote in votes.items():
        own = vote if vote["."] or vote[","] else total
        if name in known and not (own["."] or own[","]):
            found[name] = Convention(known[name].decimal, *around[name])
            continue
        if not (own["."] or own[","]) and vote["open"] and delimiter != ",":
            digits = vote["example"].replace(",", ".")
            raise DataError(
                f"{file}: every number of column {name!r} is written like {vote['example']!r}, which may be {digits} "
                f"or {digits.replace('.', '')}; say in dataset.yaml which mark is the decimal one: decimal: ',' or '.'"
            )
        found[name] = Convention("," if own[","] > own["."] else ".", *around[name])
    return found


def to_number(text: ibis.Value, convention: Convention) -> ibis.Value:
    """Return the numbers in a text column, null where a cell is not a number of this convention."""
    mark, other = convention.decimal, MARKS[convention.decimal]
    digits = text.re_extract(PARTS, 2).replace("−", "-")
    whole = rf"^[+\-]?([0-9]{{1,3}}([{other}{SPACES}][0-9]{{3}})+|[0-9]*)([{mark}][0-9]*)?([eE][+\-]?[0-9]+)?$"
    plain = digits.re_replace(rf"[{other}{SPACES}]", "").replace(mark, ".")
    value = digits.re_search(whole).ifelse(plain.try_cast("float64"), ibis.null("float64"))
    value = _stands(text).isin([*convention.around, *([""] * convention.bare)]).ifelse(value, ibis.null("float64"))
    return (value.isnan() | value.isinf()).ifelse(ibis.null("float64"), value)


def _stands(text: ibis.Value) -> ibis.Value:
    return _plain(text, 1) + _plain(text, 3)


def _plain(text: ibis.Value, part: int) -> ibis.Value:
    """Return what stands before (1) or behind (3) the digits, without blanks and case."""
    return text.re_extract(PARTS, part).re_replace(r"\s+", "").lower()


def _is_unit(before: str, behind: str) -> bool:
    """Return whether these may stand around an amount: C001 is a code, 5- an accountant's minus five, 12 May a day."""
    if (before and not _is_money(before)) or len(behind) > LONGEST_UNIT or behind in NO_UNITS:
        return False
    return not set(before + behind) & set("()+-−")


def _is_money(text: str) -> bool:
    return text in CURRENCIES or (len(text) == 1 and category(text) == "Sc")


def _around(raw: ibis.Table, name: str, unit: str | None, known: Convention | None) -> tuple[tuple[str, ...], bool]:
    """Return what may stand around the digits: the declared unit, and what stands in half of the cells or more."""
    cells = raw.filter(raw[name].re_search(PARTS)).select(before=_plain(raw[name], 1), behind=_plain(raw[name], 3))
    counts = cells.group_by("before", "behind").agg(n=ibis._.count()).to_pandas()
    counts = counts.sort_values(["n", "before", "behind"], ascending=[False, True, True]).itertuples()
    declared = {"".join(unit.lower().split())} if unit else set()
    found = [(row.before + row.behind, row.n) for row in counts if _is_unit(row.before, row.behind)]
    whole = sum(n for _, n in found)
    usual = [stands for stands, n in found if stands and 2 * n > whole]
    usual += known.around if known else ()
    # A sum with a currency may stand beside bare ones; "k", "%" or a unit would make a bare number another amount.
    bare = known.bare if known else all(_is_money(stands) or stands in declared for stands in usual)
    return tuple(sorted({*declared, *usual})), bare


def _votes(raw: ibis.Table, name: str) -> dict:
    """Count the cells that show which mark is the decimal one, and those that leave it open."""
    digits = raw[name].re_extract(PARTS, 2).re_replace(f"[{SPACES}]", "")
    shows = {
        mark: digits.re_search(
            rf"[{other}].*[{mark}]|^[+\-−]?[0-9]*[{mark}]([0-9]{{1,2}}|[0-9]{{4,}})$|^[+\-−]?(0|[0-9]{{4,}})[{mark}][0-9]+$"
            rf"|^[+\-−]?[0-9]{{1,3}}([{other}][0-9]{{3}}){{2,}}$|[{mark}][0-9]*[eE]"
        )
        for mark, other in MARKS.items()
    }
    left = digits.re_search(r"^[+\-−]?[1-9][0-9]{0,2}[.,][0-9]{3}$")
    counts = raw.agg(
        point=shows["."].sum(), comma=shows[","].sum(), open=left.sum(), example=digits.min(where=left)
    ).to_pandas()
    point, comma, still = (int(counts[what].fillna(0).iloc[0]) for what in ("point", "comma", "open"))
    return {".": point, ",": comma, "open": still, "example": counts["example"].iloc[0]}
