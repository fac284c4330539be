"""Numbers as people write them: which mark is the decimal one, and what stands around the digits."""

import sys
from collections import defaultdict
from dataclasses import asdict, dataclass

import ibis
import pandas as pd

from segmentation.core.dataset import Dataset
from segmentation.core.errors import DataError
from segmentation.core.text import contradict, is_money, is_unit, other_amount, plain_unit

SPACES = " '’\u00a0\u202f"
# Each blank by itself, because every engine means something else by \s.
BLANKS = "[\t\n\x0b\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
DIGITS = rf"([+\-−]?[0-9.,](?:[0-9.,{SPACES}]*[0-9.,])?(?:[eE][+\-]?[0-9]+)?)"
SIGN = rf"^{BLANKS}*([+\-−])"
# A sign may stand before a currency (-$5), and a point behind its letters (Rs. 5): Latin, Greek or Cyrillic ones,
# because with those of all scripts the pattern takes four times as long.
BEFORE = r"((?:[A-Za-zÀ-ӿ]+\.)?[^0-9+\-−.,]*?)"
PATTERN = rf"^{BLANKS}*[+\-−]?{BLANKS}*{BEFORE}{BLANKS}*{DIGITS}{BLANKS}*([^0-9]*?){BLANKS}*$"
MARKS = {".": ",", ",": "."}
DECISIVE = 0.05
LARGEST_NUMBER = repr(sys.float_info.max)


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
        mark = " with a decimal comma" if self.comma else ""
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

    A mark before one, two, or more than three last digits, or behind the other mark, is the decimal one. A column in
    which less than one number in twenty shows it follows the other columns, or else an earlier table.

    Parameters
    ----------
    raw : ibis.Table of file and text columns
    units : dict of column -> the unit that dataset.yaml declares
    decimal : "auto", "." or ","
    typed : columns whose numbers were numbers in the file, and are written with a point
    delimiter : of the file, which parts columns where a comma may not; None where there is none
    known : the conventions of an earlier table of this kind

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
    texts = [name for name in units if raw[name].type().is_string()]
    around = {name: _declared_around(unit) for name, unit in units.items()}
    around |= {name: _around(raw, name, units[name], known.get(name), file) for name in texts}
    told = {name: decimal for name in units if decimal != "auto" and name not in typed}
    marks, undecided = _marks(raw, [name for name in texts if name not in {*typed, *told}], known, delimiter)
    marks |= told
    shown = _with_comma(raw, [name for name in texts if marks.get(name) == ","])
    found = {n: Convention(marks.get(n) or ".", *around[n], marks.get(n) is not None, shown[n]) for n in units}
    return found, undecided


def _with_comma(raw: ibis.Table, names: list[str]) -> dict[str, bool]:
    """Return of columns whether a cell has a comma; of others, which are not looked at, that their mark is shown."""
    found = raw.agg({name: raw[name].contains(",").sum() for name in names}).to_pandas().iloc[0] if names else {}
    return defaultdict(lambda: True, {name: bool(found[name] > 0) for name in names})


def _declared_around(unit: str | None) -> tuple[tuple[str, ...], bool]:
    return (plain_unit(unit),) if unit else (), True


def _marks(raw: ibis.Table, names: list[str], known: dict[str, Convention], delimiter: str | None) -> tuple[dict, dict]:
    """Return the decimal mark of each column that shows one, or follows the others or an earlier table; and the rest.

    Returns
    -------
    marks : dict
        Column -> mark.
    undecided : dict
        Column -> an example of its numbers.
    """
    votes = {name: _votes(raw, name) for name in names}
    _refuse_mixed(votes)
    own = {name: {mark: int(vote[mark].sum()) for mark in (*MARKS, "open")} for name, vote in votes.items()}
    decided = {n: v for n, v in own.items() if v["."] + v[","] > DECISIVE * v["open"]}
    total = {mark: sum(vote[mark] for vote in decided.values()) for mark in MARKS}
    marks, undecided = {}, {}
    for name, vote in own.items():
        if name in decided:
            marks[name] = _more(vote)
        elif any(total.values()):
            marks[name] = _more(total)
        elif name in known and known[name].decided:
            marks[name] = known[name].decimal
        elif vote["open"] and delimiter != ",":
            undecided[name] = votes[name]["example"].dropna().min()
    return marks, undecided


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
    """Return the numbers in a column, null where a cell is not a number of this convention."""
    if text.type().is_numeric():
        value = text.cast("float64")
        return (value.isnan() | value.isinf()).ifelse(ibis.null("float64"), value)
    mark, other = convention.decimal, MARKS[convention.decimal]
    digits = _digits(text).replace("−", "-")
    whole = rf"^[+\-]?([0-9]{{1,3}}([{other}{SPACES}][0-9]{{3}})+|[0-9]*)([{mark}][0-9]*)?([eE][+\-]?[0-9]+)?$"
    plain = digits.re_replace(rf"[{other}{SPACES}]", "").replace(mark, ".")
    value = digits.re_search(whole).ifelse(plain.try_cast("float64"), ibis.null("float64"))
    value = _stands(text).isin([*convention.around, *([""] * convention.bare)]).ifelse(value, ibis.null("float64"))
    # Compared, because Spark's translation of isinf finds nothing; not-a-number is more than any number everywhere.
    return (value.abs() <= ibis.literal(LARGEST_NUMBER).cast("float64")).ifelse(value, ibis.null("float64"))


def _digits(text: ibis.Value) -> ibis.Value:
    """Return the number in a cell, with the sign that stands before it."""
    return text.re_extract(SIGN, 1) + text.re_extract(PATTERN, 2)


def _stands(text: ibis.Value) -> ibis.Value:
    return _before(text) + _behind(text)


def _before(text: ibis.Value) -> ibis.Value:
    return text.re_extract(PATTERN, 1).re_replace(f"{BLANKS}+|[.]", "").lower()


def _behind(text: ibis.Value) -> ibis.Value:
    return text.re_extract(PATTERN, 3).re_replace(f"{BLANKS}+", "").lower()


def _around(
    raw: ibis.Table, name: str, unit: str | None, known: Convention | None, file: str
) -> tuple[tuple[str, ...], bool]:
    """Return what may stand around the digits: the declared unit, and what stands in half of the cells or more."""
    text = raw[name]
    cells = raw.filter(text.re_search(PATTERN)).select(before=_before(text), behind=_behind(text))
    counts = cells.group_by("before", "behind").agg(n=ibis._.count()).to_pandas()
    counts = counts.sort_values(["n", "before", "behind"], ascending=[False, True, True]).itertuples()
    declared = plain_unit(unit)
    found = [(row.before + row.behind, row.n) for row in counts if is_unit(row.before, row.behind)]
    whole = sum(n for _, n in found)
    usual = [stands for stands, n in found if stands and 2 * n > whole]
    _refuse_other_units(usual, name, unit, known, file)
    usual += known.around if known else ()
    # A sum with a currency may stand beside bare ones; "k", "%" or a unit would make a bare number another amount.
    same = [stands for stands in usual if stands == declared and not other_amount(stands, "")]
    bare = known.bare if known else all(is_money(stands) or stands in same for stands in usual)
    return tuple(sorted({*usual, *([declared] if declared else [])})), bare


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


def _votes(raw: ibis.Table, name: str) -> pd.DataFrame:
    """Count, for each file, the cells that show which mark is the decimal one, and those that leave it open."""
    digits = _digits(raw[name]).re_replace(f"[{SPACES}]", "")
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


def conventions_of(
    raw: ibis.Table, dataset: Dataset, names: list[str], headers: dict, *, file: str, known: dict | None = None
) -> dict[str, Convention]:
    """Find how the numbers of each column of a raw table are written (`find_conventions`)."""
    columns = {name: dataset.columns[name] for name in names}
    units = {name: c.unit for name, c in columns.items() if c.role != "id" and c.type == "number"}
    typed = frozenset(name for name, header in headers["columns"].items() if header in headers["typed"])
    how = {"typed": typed, "delimiter": headers["delimiter"], "decimal": dataset.decimal}
    found, undecided = find_conventions(raw, units, file=file, known=known or {}, **how)
    if undecided:
        raise DataError(f"{file}: {tell_undecided(undecided)}")
    return found | {name: Convention(**how) for name, how in headers.get("numbers", {}).items() if name in found}


def text_of(cell: ibis.Value) -> ibis.Value:
    """Return a cell as text, a whole number without a point."""
    text = cell.cast("string")
    return text.re_replace(r"\.0$", "") if cell.type().is_floating() else text
