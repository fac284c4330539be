"""What each column of a table seems to be: its role, with the reason; neither rows' nor columns' order decides."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from segmentation.core.dataset import YEARS
from segmentation.core.errors import DataError, as_option
from segmentation.core.privacy import SMALLEST_GROUP, in_tens
from segmentation.language.kept import Reason, plain_number
from segmentation.roles import words
from segmentation.roles.items import find_items, judge_items, levels_in_words, says_yes_or_no
from segmentation.roles.known import Days
from segmentation.roles.logs import find_log
from segmentation.roles.look import MOST_EMPTY, MOSTLY, NUMBERS, Looked, are_dates, look, plain, share_distinct, unit_of
from segmentation.roles.values import with_values
from segmentation.runs.run import find_named
from segmentation.tables.header import numbered
from segmentation.tables.number_formats import tell_undecided
from segmentation.tables.sources import RawSource

NEAR_COPY = 0.95
SKEWED = 2.0
FEW_CODES = 12
CODE_DIGITS = 8
MOST_LEVELS = 50
LONGEST_ID = 60  # letters; what is longer is a remark, though no two are the same
FEWEST_NUMBERED, DENSE = 100, 3  # so many amounts within thrice as many whole numbers would repeat
TAIL, FEWEST_IN_TAIL = 0.25, 5  # how few customers a count leaves to the upper half of its scale, of so many steps
USED = ("feature", "descriptor", "value")
Spec = tuple[dict, str]


@dataclass(frozen=True)
class Guess:
    """What one column seems to be, why, what an analyst should know of it, and what must be asked."""

    name: str
    header: str
    spec: dict
    reason: str
    remark: str = ""
    asked: str = ""
    as_of: date | None = None


def guess_columns(
    source: RawSource, decimal_mark: str = "auto", named: str | None = None, dates: str | None = None
) -> list[Guess]:
    """Look at every column of a table and guess its role; neither the order of rows nor that of columns decides.

    Parameters
    ----------
    decimal_mark : "." or "," where somebody named it, or "auto"
    named : str, optional
        The features that somebody named, as FEATURES has them: where they can be features, they are.
    dates : "dmy" or "mdy" where somebody said whether the day comes first

    Raises
    ------
    DataError
        When the table cannot be read, has no rows, or has no number column that could form segments.
    """
    return guess_table(source, decimal_mark, named, dates)[0]


def guess_table(
    source: RawSource, decimal_mark: str = "auto", named: str | None = None, dates: str | None = None
) -> tuple[list[Guess], dict | None]:
    """Guess as `guess_columns`, of a log of purchases what its customers are made of, and say how its rows are read.

    A log is one unless somebody named columns of its rows as features.
    """
    looked = look(source, decimal_mark)
    asked = find_named(named or "", {name: [name, header] for name, header in looked.headers.items()})
    formed = [name for name in asked if name in looked.headers]
    if not formed and (log := find_log(looked, source, dates)):
        return [Guess(*made) for made in log.made], log.transactions
    return _guess_customers(looked, source, formed, Days(looked, dates)), None


def _guess_customers(looked: Looked, source: RawSource, formed: list[str], days: Days) -> list[Guess]:
    id_name = _find_id(looked, formed)
    judged = _judge(looked, [name for name in looked.headers if name != id_name and name not in days.formats], formed)
    found = {name: _as_guess(name, looked, judged[name]) for name in judged}
    for name in days.formats:
        spec, reason = days.guess(name)
        spec, reason = (
            (spec | {"role": "feature"}, Reason.NAMED) if name in formed and "type" in spec else (spec, reason)
        )
        asked_day = days.asked(name) if "type" in spec else ""
        found[name] = Guess(name, looked.headers[name], spec, reason, asked_day, asked_day, days.as_of)
    if id_name:
        found[id_name] = Guess(id_name, looked.headers[id_name], {"role": "id"}, _why_id(id_name, looked))
    if "id" in found and id_name != "id":  # what the artifacts call the id, whatever its header
        at = list(looked.headers).index("id") + 1
        found["id"] = replace(found["id"], name=numbered("id", at, looked.headers))
    if not any(guess.spec["role"] == "feature" for guess in found.values()):
        whole = {name: ", ".join(filter(None, (guess.reason, guess.remark))) for name, guess in found.items()}
        told = "; ".join(f"{looked.headers[name]!r}: {whole[name]}" for name in looked.headers)
        raise DataError(
            f"{source.name} has no number column that could form segments; name columns that should: "
            f"{as_option('features', '…')} Looked at {told}"
        )
    return [found[name] for name in looked.headers]


def _find_id(looked: Looked, formed: Sequence[str]) -> str | None:
    """Return the column that tells the customers apart: by its name, or else a text that never repeats.

    What is called the number of a customer comes first, then an id, then an e-mail address, then other numbers. Of
    several texts a code, without blanks and with a digit or an @, comes first.
    """
    share = {name: share_distinct(looked.texts[name]) for name in looked.headers if name not in formed}
    spelt = looked.spelt
    named = [
        name
        for name in share
        if (words.ID.search(spelt[name]) or words.MAIL.search(spelt[name]))
        and share[name] >= MOSTLY
        and not words.NO_ID.search(spelt[name])
    ]
    whole = [name for name in share if name not in looked.numbers and share[name] == 1 and not _left(spelt[name])]
    texts = [name for name in whole if _tells_apart(looked.texts[name])]
    other = min(texts, key=lambda n: (not looked.texts[n].str.fullmatch(words.CODED).all(), spelt[n]), default=None)
    return min(named, key=lambda name: (_rank_of_id(spelt[name]), -share[name], spelt[name]), default=other)


def _rank_of_id(spelt: str) -> int:
    first = (words.WHOSE.search(spelt), spelt in ("id", "uid", "uuid", "guid"), words.MAIL.search(spelt), True)
    return next(rank for rank, holds in enumerate(first) if holds)


def _tells_apart(texts: pd.Series) -> bool:
    return not are_dates(texts) and texts.str.len().max() <= LONGEST_ID


def _why_id(name: str, looked: Looked) -> str:
    share = share_distinct(looked.texts[name])
    named = bool(words.ID.search(looked.spelt[name]))
    if share == 1:
        return Reason.CALLED_ID if named else Reason.IS_ID
    return f"{Reason.CALLED_NEARLY_ID if named else Reason.IS_NEARLY_ID}; {Reason.REPEATS}"


def _judge(looked: Looked, names: Sequence[str], formed: Sequence[str]) -> dict[str, Spec]:
    """Return of each column its keys in dataset.yaml and the reason; what somebody named beats what seems right."""
    items = find_items(looked, names)
    judged = {name: _guess(name, looked) for name in names if name not in items}
    judged |= judge_items(items, judged, looked)
    judged |= {name: spec for name in formed if name not in items and (spec := _named(name, looked))}
    judged |= {name: (items[name].spec("feature"), Reason.NAMED) for name in formed if name in items}
    kept: list[str] = []
    copies: dict[str, tuple[str, dict]] = {}
    for name in sorted(names, key=lambda name: (name not in formed, *_plainness(name, looked))):
        if judged[name][0]["role"] != "feature" or "type" in judged[name][0]:
            continue
        like = next((other for other in kept if abs(looked.correlation.loc[name, other]) > NEAR_COPY), None)
        if like and name not in formed:
            copies[name] = like, judged[name][0]
            judged[name] = {"role": "ignore"}, _why_copy(name, like, looked, like in formed)
        else:
            kept.append(name)
    judged = with_values(judged, copies, looked)
    return judged | _without_gaps(judged, looked)


def _plainness(name: str, looked: Looked) -> tuple:
    """Return what decides between two columns that say the same, least first: the plainer meaning is kept."""
    spelt = looked.spelt[name]
    kind = 0 if words.MONEY.search(spelt) else 1 if words.COUNTS.search(spelt) else 2
    gaps = round(float(looked.numbers[name].isna().mean()), 2) if name in looked.numbers else 1.0
    return bool(words.DERIVED.search(spelt)), kind, gaps, len(spelt), spelt


def _why_copy(name: str, kept: str, looked: Looked, named: bool) -> str:
    whys = (
        Reason.COPY_MEASURED,
        Reason.COPY_MONEY if words.MONEY.search(looked.spelt[kept]) else Reason.COPY_COUNT,
        Reason.COPY_FULLER,
        Reason.COPY_SHORTER,
        Reason.COPY_FIRST,
    )
    differs = zip(_plainness(kept, looked), _plainness(name, looked), whys, strict=True)
    why = Reason.COPY_OF_NAMED if named else next((why for a, b, why in differs if a != b), whys[-1])
    return why.format(column=plain(looked.headers[kept]), r=plain_number(looked.correlation.loc[name, kept], 2))


def _without_gaps(judged: dict[str, Spec], looked: Looked) -> dict[str, Spec]:
    """Mend what would make cleaning refuse more rows than it may, the emptiest column first.

    A feature is filled with its median; a column that is no number too often is ignored.
    """
    broken, lost = {}, {}
    for name, (spec, _) in judged.items():
        if spec["role"] in USED:
            empty, read = looked.texts[name].eq(""), name in looked.numbers and spec.get("type") in (None, "rating")
            broken[name] = looked.numbers[name].isna() & ~empty if read else empty & False
            lost[name] = empty | broken[name] if spec["role"] == "feature" else broken[name]
    mended: dict[str, Spec] = {}
    while pd.DataFrame(lost).any(axis=1).mean() > MOST_EMPTY:
        name = min(lost, key=lambda name: (-lost[name].mean(), looked.spelt[name]))
        spec, reason = judged[name]
        if spec["role"] == "feature" and name not in mended:
            mended[name] = spec | {"required": False, "missing": "median"}, f"{reason}; {Reason.FILLED}"
            lost[name] = broken[name]
        else:
            mended[name] = {"role": "ignore"}, Reason.TOO_MANY_BROKEN
            del lost[name]
    return mended


def _named(name: str, looked: Looked) -> Spec | None:
    """Return a feature that somebody named; None where its cells are neither numbers nor yes and no."""
    filled = looked.texts[name][looked.texts[name] != ""]
    if says_yes_or_no(filled):
        return {"role": "feature", "type": "yes/no"}, Reason.NAMED
    return (_amount(name, looked)[0], Reason.NAMED) if name in looked.numbers else None


def _left(spelt: str) -> bool:
    return bool(words.LEFT.search(spelt))


def _guess(name: str, looked: Looked) -> Spec:
    """Return the keys of a column in dataset.yaml, and the reason."""
    texts, spelt = looked.texts[name], looked.spelt[name]
    filled = texts[texts != ""]
    if filled.empty:
        return {"role": "ignore"}, Reason.EMPTY
    if filled.nunique() == 1:
        few = _are_few(filled)
        return {"role": "ignore"}, Reason.ONE_TEXT if few else Reason.EVERY_CELL.format(text=f"{filled.iloc[0]!r:.40}")
    if _left(spelt) and name in looked.numbers:
        return {"role": "ignore"}, Reason.LEFT
    if name not in looked.numbers:
        spec, reason = _guess_text(filled)
        broken = looked.broken.get(name, ("", ""))[0]
        earlier = spec["role"] == "descriptor" and (_left(spelt) or words.EARLIER.search(spelt))
        reason = Reason.EARLIER if earlier else reason
        return spec, broken if broken and spec["role"] == "ignore" else reason
    if words.INDEX.search(spelt):
        return {"role": "ignore"}, Reason.NUMBERS_ROWS
    if filled.str.match("0[0-9]").mean() > 1 - NUMBERS:
        return {"role": "ignore"}, Reason.LEADING_ZEROS
    return _guess_number(name, looked)


def _are_few(filled: pd.Series) -> bool:
    """Return whether a column holds so little that a reason, which the report repeats, must not count or quote it."""
    return len(filled) < SMALLEST_GROUP


def _guess_text(filled: pd.Series) -> Spec:
    distinct = filled.nunique()
    if says_yes_or_no(filled):
        return {"role": "descriptor", "type": "yes/no"}, Reason.SAYS_YES
    if levels := levels_in_words(filled):
        ordinal = {"role": "descriptor", "type": "ordinal", "categories": {level: [] for level in levels}}
        return ordinal, Reason.LEVELS.format(n=len(levels))
    if distinct > MOST_LEVELS or 2 * distinct > len(filled):
        told = Reason.FEW_TEXTS_NO_GROUP if distinct < SMALLEST_GROUP else Reason.MORE_TEXTS_NO_GROUP
        return {"role": "ignore"}, told.format(n=max(in_tens(distinct), SMALLEST_GROUP))
    many = Reason.FEW_TEXTS.format(n=SMALLEST_GROUP) if _are_few(filled) else Reason.TEXTS.format(n=distinct)
    return {"role": "descriptor", "type": "category"}, many


def _guess_number(name: str, looked: Looked) -> Spec:
    """Return what a column of numbers is: nothing to use, a code, what describes a person, or an amount."""
    values, spelt = looked.numbers[name], looked.spelt[name]
    filled = values.dropna()
    distinct, whole = filled.nunique(), bool((filled % 1 == 0).all())
    if distinct == len(values) and whole and _numbers_rows(filled) and not unit_of(name, looked):
        return {"role": "ignore"}, Reason.ONLY_NUMBERS_ROWS
    if distinct == len(values) and whole and filled.min() >= 10 ** (CODE_DIGITS - 1):
        return {"role": "ignore"}, Reason.LONG_CODES.format(n=CODE_DIGITS)
    if says_yes_or_no(looked.texts[name][looked.texts[name] != ""]):
        return {"role": "descriptor", "type": "yes/no"}, Reason.SAYS_ONE
    told = _told_by_name(spelt, filled, whole)
    if told and told[0].get("type") != "category" and told[0]["role"] == "descriptor":
        return told[0] | _limits(name, looked), told[1]
    if told:
        return told
    if whole and _are_codes(spelt, filled):
        few = _are_few(filled)
        many = Reason.FEW_CODES.format(n=SMALLEST_GROUP) if few else Reason.CODES.format(n=distinct)
        return {"role": "descriptor", "type": "category"}, many
    if (looked.texts[name] == "").mean() > MOST_EMPTY:
        return {"role": "descriptor"} | _limits(name, looked), Reason.GAPS
    return _amount(name, looked)


def _numbers_rows(filled: pd.Series) -> bool:
    """Return whether whole numbers that never repeat stand as close as those of rows, some of which may be gone."""
    span, rows = filled.max() - filled.min() + 1, len(filled)
    return span == rows or (rows >= FEWEST_NUMBERED and span < DENSE * rows)


def _told_by_name(spelt: str, filled: pd.Series, whole: bool) -> Spec | None:
    """Return what the name of a column of numbers says that it is; None where it says nothing."""
    few = whole and filled.nunique() <= FEW_CODES
    kind = {"type": "category"} if few else {}
    if words.ID.search(spelt) and words.WHOSE.search(spelt):
        return {"role": "ignore"}, Reason.REPEATED_ID
    if words.CODE.search(spelt):
        return {"role": "ignore"}, Reason.CODE
    if words.OUTCOME.search(spelt):
        return {"role": "descriptor"} | kind, Reason.OUTCOME
    if words.EARLIER.search(spelt):
        return {"role": "descriptor"} | kind, Reason.EARLIER
    if words.MODELLED.search(spelt):
        return {"role": "descriptor"} | kind, Reason.MODELLED
    if words.PERSON.search(spelt) or is_year(spelt, filled):
        return {"role": "descriptor"}, Reason.PERSON
    if whole and words.NOMINAL.search(spelt) and not words.COUNTS.match(spelt):
        return ({"role": "descriptor"} | kind if few else {"role": "ignore"}), Reason.CODE
    return None


def is_year(spelt: str, filled: pd.Series) -> bool:
    """Return whether numbers are years: they could be, and their name says so; prices could be, too."""
    could = bool((filled % 1 == 0).all() and filled.between(*YEARS).all())
    return could and bool(words.A_YEAR.search(spelt)) and not words.PER.search(spelt)


def _are_codes(spelt: str, filled: pd.Series) -> bool:
    """Return whether whole numbers stand for groups: few on a short scale, and neither named nor spread as a count.

    A count begins at nothing or one, and few customers have many; how many rows there are does not matter.
    """
    low, steps = filled.min(), filled.max() - filled.min()
    if low < 0 or steps >= FEW_CODES or words.COUNTS.search(spelt) or words.MONEY.search(spelt):
        return False
    above = (filled > low + steps / 2).mean()
    counted = low <= 1 and steps >= FEWEST_IN_TAIL and above < TAIL and filled.mode()[0] <= low + 1
    return not counted


def _limits(name: str, looked: Looked) -> dict:
    filled = looked.numbers[name].dropna()
    if is_year(looked.spelt[name], filled) and not unit_of(name, looked):
        return {"min": YEARS[0], "max": YEARS[1]}
    return {"min": 0} if filled.min() >= 0 else {}


def _amount(name: str, looked: Looked) -> Spec:
    values, limits = looked.numbers[name], _limits(name, looked)
    skew = values.skew()
    if values.min() >= 0 and skew > SKEWED:
        return {"role": "feature", "transform": "log"} | limits, Reason.TAIL.format(skewness=plain_number(skew, 1))
    return {"role": "feature"} | limits, Reason.AMOUNT


def _as_guess(name: str, looked: Looked, judged: Spec) -> Guess:
    """Return a judged column, with the unit of a number, from its header or its cells, and its range as a remark."""
    spec, reason = judged
    why, example = looked.broken.get(name, ("", ""))
    guess = Guess(name, looked.headers[name], spec, reason, example if reason == why else "")
    if spec["role"] not in USED or "type" in spec:
        return guess
    values = looked.numbers[name]
    open_ = {looked.headers[name]: looked.undecided[name]} if name in looked.undecided else None
    asked = tell_undecided(open_) if open_ else ""
    remark = asked or f"{values.min():g} to {values.max():g}"
    return replace(guess, spec=spec | unit_of(name, looked), remark=remark, asked=asked)
