"""Numbers as people write them: which mark is the decimal one, and what stands around the digits."""

from dataclasses import asdict, dataclass
from unicodedata import category

import ibis
import pandas as pd

from segmentation.errors import DataError

SPACES = " '’\u00a0\u202f"
BLANKS = r"[\s\p{Z}]"
DIGITS = rf"([+\-−]?[0-9.,{SPACES}]*[0-9.,](?:[eE][+\-]?[0-9]+)?)"
PARTS = rf"^{BLANKS}*([^0-9+\-−.,]*?){BLANKS}*{DIGITS}{BLANKS}*([^0-9]*?){BLANKS}*$"
MARKS = {".": ",", ",": "."}
SIGNS = {"us$": "usd", "$": "usd", "€": "eur", "£": "gbp", "¥": "jpy", "₹": "inr", "zł": "pln", "fr.": "chf"}
CURRENCIES = (
    *("eur", "usd", "gbp", "chf", "cad", "aud", "jpy", "cny", "inr", "brl", "sek", "nok", "dkk", "pln", "czk", "huf"),
    *("try", "zar", "mxn", "rs", "kr"),
)
MULTIPLES = ("k", "tsd", "thousand", "m", "mio", "mn", "million", "bn", "%", "‰")
DECISIVE = 0.05
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
    typed: frozenset[str],
    delimiter: str | None,
    file: str,
    known: dict[str, Convention],
) -> tuple[dict[str, Convention], dict[str, str]]:
    """Find how the numbers of each column are written, from all of its cells.

    A mark that stands before one, two, or more than three last digits, or with the other mark before it, is the
    decimal one. A column in which less than one number in twenty shows it follows an earlier table, or else the other
    columns.

    Parameters
    ----------
    raw : ibis.Table of file and text columns
    units : dict
        Column -> the unit that dataset.yaml declares.
    decimal : "auto", "." or ","
    typed : frozenset of str
        Columns whose numbers were numbers in the file, and are written with a point.
    delimiter : str or None
        Of the file, which parts columns where a comma may not.
    known : dict
        The conventions of an earlier table of this kind.

    Returns
    -------
    conventions : dict
    undecided : dict
        Column -> a number that may be more or less than a thousand, where all columns leave that open.

    Raises
    ------
    DataError
        When files of one table write numbers differently, or cells have another unit than the declared one.
    """
    around = {name: _around(raw, name, unit, known.get(name), file) for name, unit in units.items()}
    free = [name for name in units if name not in typed and decimal == "auto"]
    votes = {name: _votes(raw, name) for name in free}
    _refuse_mixed(votes)
    own = {name: {mark: int(vote[mark].sum()) for mark in (*MARKS, "open")} for name, vote in votes.items()}
    decided = {n: v for n, v in own.items() if v["."] + v[","] > DECISIVE * v["open"]}
    total = {mark: sum(vote[mark] for vote in decided.values()) for mark in MARKS}
    found, undecided = {}, {}
    for name in units:
        mark = "." if decimal == "auto" else decimal
        if name in decided:
            mark = _more(own[name])
        elif name in free and name in known:
            mark = known[name].decimal
        elif name in free and any(total.values()):
            mark = _more(total)
        elif name in free and own[name]["open"] and delimiter != ",":
            undecided[name] = votes[name]["example"].dropna().min()
        found[name] = Convention("." if name in typed else mark, *around[name])
    return found, undecided


def tell_undecided(undecided: dict[str, str]) -> str:
    """Say that it cannot be told whether these numbers are more than a thousand, and what helps."""
    name, example = next(iter(undecided.items()))
    small = example.replace(",", ".")
    return (
        f"the numbers of column {name!r} are written like {example!r}, which may be {small} or "
        f"{small.replace('.', '')}; say in dataset.yaml which mark is the decimal one: decimal: ',' or '.' "
        "(make dataset writes a dataset.yaml to start from)"
    )


def _more(votes: dict) -> str:
    return "," if votes[","] > votes["."] else "."


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
    return text.re_extract(PARTS, part).re_replace(f"{BLANKS}+", "").lower()


def _is_unit(before: str, behind: str) -> bool:
    """Return whether these may stand around an amount: C001 is a code, 5- an accountant's minus five, 12 May a day."""
    if (before and not _is_money(before)) or len(behind) > LONGEST_UNIT or behind in NO_UNITS:
        return False
    return not set(before + behind) & set("()+-−")


def _is_money(text: str) -> bool:
    return text in CURRENCIES or (len(text) == 1 and category(text) == "Sc")


def _around(
    raw: ibis.Table, name: str, unit: str | None, known: Convention | None, file: str
) -> tuple[tuple[str, ...], bool]:
    """Return what may stand around the digits: the declared unit, and what stands in half of the cells or more."""
    cells = raw.filter(raw[name].re_search(PARTS)).select(before=_plain(raw[name], 1), behind=_plain(raw[name], 3))
    counts = cells.group_by("before", "behind").agg(n=ibis._.count()).to_pandas()
    counts = counts.sort_values(["n", "before", "behind"], ascending=[False, True, True]).itertuples()
    declared = plain_unit(unit)
    found = [(row.before + row.behind, row.n) for row in counts if _is_unit(row.before, row.behind)]
    whole = sum(n for _, n in found)
    usual = [stands for stands, n in found if stands and 2 * n > whole]
    for stands in usual:
        if declared and _contradict(declared, stands):
            raise DataError(
                f"{file}: the cells of column {name!r} say {stands!r}, dataset.yaml says {unit!r}; "
                "mend the unit in dataset.yaml, or the table"
            )
    usual += known.around if known else ()
    # A sum with a currency may stand beside bare ones; "k", "%" or a unit would make a bare number another amount.
    bare = known.bare if known else all(_is_money(stands) or stands == declared for stands in usual)
    return tuple(sorted({*usual, *([declared] if declared else [])})), bare


def plain_unit(unit: str | None) -> str:
    """Return a unit without blanks and case, "" for none."""
    return "".join((unit or "").lower().split())


def _contradict(one: str, other: str) -> bool:
    """Return whether two units cannot mean one amount: k$ and $, EUR and USD; $ and USD, or k and k$, can."""
    (scale, money), (other_scale, other_money) = _scale_and_money(one), _scale_and_money(other)
    scaled = scale != other_scale and {scale, other_scale} & set(MULTIPLES)
    return bool(scaled or (money and other_money and money != other_money))


def _scale_and_money(unit: str) -> tuple[str, str]:
    """Part a unit into its multiple and its currency."""
    for sign, code in SIGNS.items():
        unit = unit.replace(sign, code)
    money = next((code for code in CURRENCIES if unit.startswith(code) or unit.endswith(code)), "")
    return unit.replace(money, "", 1), money


def _votes(raw: ibis.Table, name: str) -> pd.DataFrame:
    """Count, for each file, the cells that show which mark is the decimal one, and those that leave it open."""
    digits = raw[name].re_extract(PARTS, 2).re_replace(f"[{SPACES}]", "")
    shows = {
        mark: digits.re_search(
            rf"[{other}].*[{mark}]|^[+\-−]?[0-9]*[{mark}]([0-9]{{1,2}}|[0-9]{{4,}})$|^[+\-−]?(0|[0-9]{{4,}})[{mark}][0-9]+$"
            rf"|^[+\-−]?[0-9]{{1,3}}([{other}][0-9]{{3}}){{2,}}$|[{mark}][0-9]*[eE]"
        )
        for mark, other in MARKS.items()
    }
    left = digits.re_search(r"^[+\-−]?[1-9][0-9]{0,2}[.,][0-9]{3}$")
    counts = {"point": shows["."].sum(), "comma": shows[","].sum(), "open": left.sum()}
    found = raw.group_by("file").agg(**counts, example=digits.min(where=left)).to_pandas().set_index("file")
    return found.rename(columns={"point": ".", "comma": ","}).fillna({".": 0, ",": 0, "open": 0})
