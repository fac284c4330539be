"""Dates as people write them: the formats that are known, what they mean, and which a column of texts has."""

import re
from datetime import date
from functools import cache

import ibis
import pandas as pd

from segmentation.core.errors import as_command, as_option

TIME = r"(?:$|(?:,? +|T)[0-9].*$)"  # a time, a zone, AM or PM behind; days are taken as they are written
IN_FOUR, SHORT, TWO = "([0-9]{4})", "([0-9]{2})", "([0-9]{1,2})"
NAME_OF_MONTH = "([A-Za-zÀ-ſ]{3,12})[.]?"
GAP = "[ ./-]*(?:de )?"
ORDINAL = "(?:st|nd|rd|th|er)?"


def _formats() -> dict[str, tuple[str, str]]:
    found = {f"yyyy{mark}mm{mark}dd": (f"^{IN_FOUR}[{mark}]{TWO}[{mark}]{TWO}{TIME}", "ymd") for mark in "-/."}
    found["yyyymmdd"] = (rf"^{IN_FOUR}{SHORT}{SHORT}{TIME}", "ymd")
    for years, year in (("yyyy", IN_FOUR), ("yy", SHORT)):
        for mark in "./-":
            found[f"dd{mark}mm{mark}{years}"] = (f"^{TWO}[{mark}]{TWO}[{mark}]{year}{TIME}", "dmy")
            if mark != ".":
                found[f"mm{mark}dd{mark}{years}"] = (f"^{TWO}[{mark}]{TWO}[{mark}]{year}{TIME}", "mdy")
        found[f"dd mon {years}"] = (f"^{TWO}{ORDINAL}{GAP}{NAME_OF_MONTH}{GAP}{year}{TIME}", "dmy")
        found[f"mon dd {years}"] = (f"^{NAME_OF_MONTH}{GAP}{TWO}{ORDINAL}[ ,./-]+{year}{TIME}", "mdy")
    found["yyyy年mm月dd日"] = (f"^{IN_FOUR} ?年 ?{TWO} ?月 ?{TWO} ?日(?: ?[0-9].*)?$", "ymd")
    return found


FORMATS = _formats()  # how a date is written -> its pattern, and the order of year, month and day
ISO = "yyyy-mm-dd"
ORDERS = ("dmy", "mdy")
FIRST_SHORT = 69  # 69 to 99 are of the last century, 00 to 68 of this one (POSIX)
NAMES_OF_MONTHS = (  # in English, German, French, Spanish, Italian and Polish
    "jan january januar jänner janv janvier ene enero gen gennaio sty styczeń stycznia",
    "feb february februar fév févr février fevrier febrero febbraio lut luty lutego",
    "mar march mär märz mrz maerz mars marzo marzec marca",
    "apr april avr avril abr abril aprile kwi kwiecień kwietnia",
    "may mai mayo mag maggio maj maja",
    "jun june juni juin junio giu giugno cze czerwiec czerwca",
    "jul july juli juil juillet julio lug luglio lip lipiec lipca",
    "aug august août aout ago agosto sie sierpień sierpnia",
    "sep sept september septembre septiembre set settembre wrz wrzesień września",
    "oct october okt oktober octobre octubre ott ottobre paź październik października",
    "nov november novembre noviembre lis listopad listopada",
    "dec december dez dezember déc décembre decembre dic diciembre dicembre gru grudzień grudnia",
)
MONTH = {word: str(number) for number, words in enumerate(NAMES_OF_MONTHS, 1) for word in words.split()}
ENOUGH = 0.8
LOOKED_AT_FIRST = 200
PLAUSIBLE = (1900, 2100)


def to_day(cell: ibis.Value, written: str, latest: date | None = None) -> ibis.Value:
    """Return the dates in a column, null where a cell holds none; a time behind it is left out.

    Parameters
    ----------
    written : a name of `FORMATS`; a column that is of dates or times already needs none.
    latest : where no date of the column lies behind it (a birth), years of two digits do not either.
    """
    if cell.type().is_date():
        return cell
    if cell.type().is_timestamp():
        return cell.date()
    pattern, order = FORMATS[written]
    text = cell.cast("string").strip()
    part = {what: text.re_extract(pattern, place) for place, what in enumerate(order, 1)}
    if "mon" in written:
        part["m"] = part["m"].lower().substitute(MONTH)
    if re.search("(?<!y)yy(?!y)", written):
        part["y"] = (part["y"] >= f"{_first_short(latest):02d}").ifelse("19", "20") + part["y"]
    whole = part["y"] + "-" + part["m"].lpad(2, "0") + "-" + part["d"].lpad(2, "0")
    good = text.re_search(pattern) & whole.re_search("^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    return good.ifelse(whole, ibis.null("string")).try_cast("date")


def _first_short(latest: date | None) -> int:
    """Return the first of the years of two digits that is of the last century."""
    return min(FIRST_SHORT, latest.year % 100 + 1) if latest and latest.year >= 2000 else FIRST_SHORT


def time_to(as_of: date | None, cell: ibis.Value, written: str | None, *, years: bool) -> ibis.Value:
    """Return the days from the dates in a column to the as-of date, or the completed years, below 0 for later ones.

    A date as yyyy-mm-dd, which a workbook or a database has, is read beside what dataset.yaml says.
    """
    assert as_of  # a dataset with dates has one
    day = to_day(cell, written or ISO, as_of if years else None)
    if written not in (None, ISO):
        day = ibis.coalesce(day, to_day(cell, ISO))
    end = ibis.literal(as_of)
    if not years:
        return end.delta(day, unit="day").cast("float64")
    early = day.month() * 100 + day.day() > as_of.month * 100 + as_of.day
    return (ibis.literal(as_of.year) - day.year() - early.ifelse(1, 0)).cast("float64")


@cache
def _pattern(written: str) -> re.Pattern:
    return re.compile(FORMATS[written][0])


def read_day(text: str, written: str, latest: date | None = None) -> date | None:
    """Return the date in a text, as `to_day` does; None where it holds none."""
    found = _pattern(written).match(text.strip())
    if not found:
        return None
    part = dict(zip(FORMATS[written][1], found.groups(), strict=True))
    month = MONTH.get(part["m"].lower(), "0") if "mon" in written else part["m"]
    year = int(part["y"])
    if len(part["y"]) == 2:
        year += 1900 if year >= _first_short(latest) else 2000
    try:
        return date(year, int(month), int(part["d"]))
    except ValueError:
        return None


def find_formats(texts: pd.Series, order: str | None = None) -> list[str]:
    """Return how the dates of a column are written: one format, two where day and month cannot be told apart, or none.

    Four of five filled cells must be dates of years in which customers live. The order of the rows does not matter.

    Parameters
    ----------
    order : "dmy" or "mdy" where somebody said which comes first.
    """
    counts = texts[texts.str.contains("[0-9]")].value_counts()
    some = sorted(counts.index)[:: max(1, len(counts) // LOOKED_AT_FIRST)]
    could = [w for w in FORMATS if 2 * sum(_is_plausible(text, w) for text in some) >= len(some)]
    read = {w: sum(n for text, n in counts.items() if _is_plausible(text, w)) for w in could}
    most = max(read.values(), default=0)
    best = [written for written, n in read.items() if n == most]
    if not most or most < ENOUGH * (texts != "").sum():
        return []
    told = [written for written in best if FORMATS[written][1] == order]
    return told or best


def _is_plausible(text: str, written: str) -> bool:
    day = read_day(text, written)
    return day is not None and PLAUSIBLE[0] <= day.year <= PLAUSIBLE[1]


def tell_open(header: str, texts: pd.Series, formats: list[str]) -> str:
    """Return the question where day and month of a column cannot be told apart, with both readings; else nothing."""
    if len(formats) < 2:
        return ""
    pairs = [(text, [read_day(text, one) for one in formats]) for text in sorted(texts[texts != ""].unique())]
    text, (first, second) = next((pair for pair in pairs if len(set(pair[1])) > 1), pairs[0])
    return (
        f"the dates of column {header!r} are written like {text!r}, which is {first} where the day comes first, and "
        f"{second} where the month does; say which: {as_option('dates', 'dmy')} or {as_option('dates', 'mdy')} behind "
        f"{as_command('report')}, or in dataset.yaml "
        f"date_format: {formats[0]} or {formats[1]}"
    )
