"""What each column of a table seems to be: its role, with the reason; neither rows' nor columns' order decides."""

import re
from dataclasses import dataclass, replace

import pandas as pd

from segmentation.core.dataset import YEARS
from segmentation.core.errors import DataError
from segmentation.core.privacy import FEWER, SMALLEST_GROUP, tens
from segmentation.core.text import NO, YES, decimal
from segmentation.roles.look import MOSTLY, NUMBERS, Looked, are_dates, look, plain, share_distinct, unit_of
from segmentation.roles.words import CODE, CODED, ID, INDEX, LEFT, PERSON, WHOSE
from segmentation.tables.header import numbered
from segmentation.tables.number_formats import tell_undecided
from segmentation.tables.sources import RawSource

NEAR_COPY = 0.95
SKEWED = 2.0
FEW_CODES = 12
CODE_DIGITS = 8
MOST_LEVELS = 50


@dataclass(frozen=True)
class Guess:
    """What one column seems to be, why, what an analyst should know of it, and what must be asked."""

    name: str
    header: str
    spec: dict
    reason: str
    remark: str = ""
    asked: str = ""


def guess_columns(source: RawSource, decimal_mark: str = "auto") -> list[Guess]:
    """Look at every column of a table and guess its role; neither the order of rows nor that of columns decides.

    Parameters
    ----------
    decimal_mark : "." or "," where somebody named it, or "auto"

    Raises
    ------
    DataError
        When the table cannot be read, has no rows, or has no number column that could form segments.
    """
    looked = look(source, decimal_mark)
    _refuse_purchases(looked, source.name)
    id_name = _find_id(looked)
    found: dict[str, Guess] = {}
    kept: list[str] = []
    for name in sorted(looked.headers):
        spec, reason = ({"role": "id"}, _why_id(name, looked)) if name == id_name else _guess(name, looked, kept)
        if spec["role"] in ("feature", "descriptor") and "type" not in spec:
            kept.append(name)
        why, example = looked.broken.get(name, ("", ""))
        found[name] = Guess(name, looked.headers[name], spec, reason, example if reason == why else "")
    if "id" in found and id_name != "id":  # what the artifacts call the id, whatever its header
        at = list(looked.headers).index("id") + 1
        found["id"] = replace(found["id"], name=numbered("id", at, looked.headers))
    if not any(guess.spec["role"] == "feature" for guess in found.values()):
        whole = {name: ", ".join(filter(None, (guess.reason, guess.remark))) for name, guess in found.items()}
        told = "; ".join(f"{looked.headers[name]!r}: {whole[name]}" for name in looked.headers)
        raise DataError(f"{source.name} has no number column that could form segments. Looked at {told}")
    return [_with_unit(found[name], looked) if name in kept else found[name] for name in looked.headers]


def _refuse_purchases(looked: Looked, file: str) -> None:
    """Refuse a table in which customers repeat beside dates: it has one row a purchase."""
    texts = looked.texts
    whose = [name for name in looked.headers if ID.search(name) and share_distinct(texts[name]) < MOSTLY]
    when = [name for name in looked.headers if are_dates(texts[name])]
    if whose and when:
        raise DataError(
            f"{file} seems to have one row a purchase, because {looked.headers[whose[0]]!r} repeats beside the dates "
            f"of {looked.headers[when[0]]!r}; describe it with a transactions: section, as data/cdnow/dataset.yaml does"
        )


def _find_id(looked: Looked) -> str | None:
    """Return the column that tells the customers apart: by its name, or else a text that never repeats.

    Of several texts a code or an e-mail address, each without blanks and with a digit or an @, comes first.
    """
    share = {name: share_distinct(looked.texts[name]) for name in looked.headers}
    named = [name for name in share if ID.search(name) and share[name] >= MOSTLY]
    whole = [name for name in share if name not in looked.numbers and share[name] == 1 and not LEFT.search(name)]
    texts = [name for name in whole if not are_dates(looked.texts[name])]
    other = min(texts, key=lambda name: (not looked.texts[name].str.fullmatch(CODED).all(), name), default=None)
    return min(named, key=lambda name: (not re.match(WHOSE, name), name), default=other)


def _why_id(name: str, looked: Looked) -> str:
    share = share_distinct(looked.texts[name])
    named = "its name says so, and " if ID.search(name) else ""
    return f"{named}{'every value' if share == 1 else 'nearly every value'} is another"


def _guess(name: str, looked: Looked, kept: list[str]) -> tuple[dict, str]:
    """Return the keys of a column in dataset.yaml, and the reason."""
    texts = looked.texts[name]
    filled = texts[texts != ""]
    if filled.empty:
        return {"role": "ignore"}, "it is empty"
    if filled.nunique() == 1:
        return {"role": "ignore"}, "it holds one text alone" if _are_few(
            filled
        ) else f"every cell is {filled.iloc[0]!r:.40}"
    if LEFT.search(name):
        return {"role": "ignore"}, "its name says that an earlier analysis left it"
    if are_dates(filled):
        return {"role": "ignore"}, "its cells are dates, and a date is no amount"
    if name not in looked.numbers:
        spec, reason = _guess_text(filled, len(texts))
        broken = looked.broken.get(name, ("", ""))[0]
        return spec, broken if broken and spec["role"] == "ignore" else reason
    if INDEX.search(name):
        return {"role": "ignore"}, "its name says that it numbers the rows"
    if filled.str.match("0[0-9]").mean() > 1 - NUMBERS:
        return {"role": "ignore"}, "its leading zeros say that it is a code, and a code is no amount"
    return _guess_number(name, looked, kept)


def _are_few(filled: pd.Series) -> bool:
    """Return whether a column holds so little that a reason, which the report repeats, must not count or quote it."""
    return len(filled) < SMALLEST_GROUP


def _guess_text(filled: pd.Series, rows: int) -> tuple[dict, str]:
    distinct = filled.nunique()
    said = set(filled.str.lower())
    if said <= {*YES, *NO} and said & set(YES) and said & set(NO):
        return {"role": "descriptor", "type": "yes/no"}, "its cells say yes or no"
    if distinct > max(MOST_LEVELS, rows / 20):
        return {"role": "ignore"}, f"{tens(distinct, private=True)} different texts describe no group"
    many = FEWER if _are_few(filled) else str(distinct)
    return {"role": "descriptor", "type": "category"}, f"{many} different texts"


def _guess_number(name: str, looked: Looked, kept: list[str]) -> tuple[dict, str]:
    values = looked.numbers[name]
    filled = values.dropna()
    distinct, whole = filled.nunique(), bool((filled % 1 == 0).all())
    if distinct == len(values) and whole and filled.max() - filled.min() == len(values) - 1:
        return {"role": "ignore"}, "it only numbers the rows"
    if distinct == len(values) and whole and filled.min() >= 10 ** (CODE_DIGITS - 1):
        return {"role": "ignore"}, f"whole numbers of {CODE_DIGITS} digits or more that never repeat look like codes"
    if whole and distinct <= FEW_CODES and distinct < len(values) / 20:
        many = FEWER if _are_few(filled) else f"only {distinct}"
        return {"role": "descriptor", "type": "category"}, f"{many} whole numbers, which look like codes"
    if CODE.search(name) or (ID.search(name) and share_distinct(looked.texts[name]) >= MOSTLY):
        return {"role": "ignore"}, "its name says that it is a code, and a code is no amount"
    for other in kept:
        r = looked.correlation.loc[name, other]
        if abs(r) > NEAR_COPY:
            return {"role": "ignore"}, f"nearly a copy of {plain(looked.headers[other])} (r = {decimal(r)})"
    limits = {"min": 0} if filled.min() >= 0 else {}
    if whole and filled.between(*YEARS).all() and not unit_of(name, looked):
        limits = {"min": YEARS[0], "max": YEARS[1]}
    if PERSON.search(name):
        return {"role": "descriptor"} | limits, "its name says what a person is, not what they do"
    skew = values.skew()
    if filled.min() >= 0 and skew > SKEWED:
        return {
            "role": "feature",
            "transform": "log",
        } | limits, f"an amount with a long tail (skewness {decimal(skew, 1)})"
    return {"role": "feature"} | limits, "an amount"


def _with_unit(guess: Guess, looked: Looked) -> Guess:
    """Add the unit of a number, from its header or its cells, and its range as a remark."""
    values = looked.numbers[guess.name]
    remark = f"{values.min():g} to {values.max():g}"
    open_ = {guess.name: looked.undecided[guess.name]} if guess.name in looked.undecided else None
    asked = tell_undecided(open_) if open_ else ""
    return replace(guess, spec=guess.spec | unit_of(guess.name, looked), remark=asked or remark, asked=asked)
