"""What files keep in English, the rules in rejected.csv and the reasons in dataset.yaml, and a report tells again."""

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from segmentation.language.message import markc, trc
from segmentation.language.writing import fixed


class Rule:
    """What a cell or a row must be; the more specific before those that they begin with."""

    PRESENT = markc("a rule that a row broke", "present")
    UNIQUE = markc("a rule that a row broke", "unique")
    TOTAL = markc("a rule that a row broke", "a customer, not a total")
    COPY = markc("a rule that a row broke", "one row an id, this is an identical copy")
    DIFFER = markc("a rule that a row broke", "one row an id, this one's rows differ")
    SOME_FEATURE = markc("a rule that a row broke", "a value in one feature")
    CELLS = markc("a rule that a row broke", "{n} cells")
    FOR_LOG = markc("a rule that a row broke", "at least 0 for its log")
    AT_LEAST = markc("a rule that a row broke", "at least {least}")
    AT_MOST = markc("a rule that a row broke", "at most {most}")
    BELOW = markc("a rule that a row broke", "below {end}")
    UNTIL = markc("a rule that a row broke", "on or before {day}, {key} in dataset.yaml")
    A_WHOLE_NUMBER = markc("a rule that a row broke", "a whole number")
    ONE_OF = markc("a rule that a row broke", "one of {categories}")
    YES_OR_NO = markc("a rule that a row broke", "yes or no")
    A_DATE = markc("a rule that a row broke", "a date as {written}")
    A_CATEGORY = markc("a rule that a row broke", "a category")
    COMMA_AND_UNIT = markc("a rule that a row broke", "a number with a decimal comma with {unit}")
    WITH_COMMA = markc("a rule that a row broke", "a number with a decimal comma")
    WITH_UNIT = markc("a rule that a row broke", "a number with {unit}")
    A_NUMBER = markc("a rule that a row broke", "a number")
    A_PURCHASE = markc("a rule that a row broke", "a customer with a purchase")
    WORTH = markc("a rule that a row broke", "a customer worth {least} or more after returns")


class Reason:
    """Why a column has its role; several are joined by a semicolon."""

    NAMED = markc("why a column has its role", "FEATURES names it")
    NOT_NAMED = markc("why a column has its role", "not in FEATURES")
    AS_BEFORE = markc("why a column has its role", "as in the run before")
    NOT_BEFORE = markc("why a column has its role", "not in the run before")
    CALLED_ID = markc("why a column has its role", "its name says so, and every value is another")
    IS_ID = markc("why a column has its role", "every value is another")
    CALLED_NEARLY_ID = markc("why a column has its role", "its name says so, and nearly every value is another")
    IS_NEARLY_ID = markc("why a column has its role", "nearly every value is another")
    REPEATS = markc("why a column has its role", "what repeats or is missing is refused unless its rows are the same")
    COPY_OF_NAMED = markc(
        "why a column has its role",
        "nearly a copy of {column} (r = {r}), which is kept: FEATURES names that one",
    )
    COPY_MEASURED = markc(
        "why a column has its role",
        "nearly a copy of {column} (r = {r}), which is measured itself, not an average, share or net of it",
    )
    COPY_MONEY = markc("why a column has its role", "nearly a copy of {column} (r = {r}), which is an amount of money")
    COPY_COUNT = markc("why a column has its role", "nearly a copy of {column} (r = {r}), which is a count")
    COPY_FULLER = markc("why a column has its role", "nearly a copy of {column} (r = {r}), which has fewer empty cells")
    COPY_SHORTER = markc("why a column has its role", "nearly a copy of {column} (r = {r}), which has the shorter name")
    COPY_FIRST = markc(
        "why a column has its role",
        "nearly a copy of {column} (r = {r}), which comes first in the alphabet",
    )
    FILLED = markc(
        "why a column has its role",
        "its empty cells are filled with the median, because many customers lack one feature or another",
    )
    TOO_MANY_BROKEN = markc("why a column has its role", "too many of its cells are no numbers")
    BROKEN = markc("why a column has its role", "more than one cell in twenty is no number")
    CURRENCIES = markc(
        "why a column has its role",
        "its amounts are in several currencies ({currencies}), which do not add up",
    )
    MARKS = markc("why a column has its role", "some of its numbers have a decimal comma, others a decimal point")
    EMPTY = markc("why a column has its role", "it is empty")
    ONE_TEXT = markc("why a column has its role", "it holds one text alone")
    ONE_DATE = markc("why a column has its role", "it holds one date alone")
    LEFT = markc("why a column has its role", "its name says that an earlier analysis left it")
    EARLIER = markc(
        "why a column has its role",
        "its name says that it is an earlier segment, which describes the new ones",
    )
    NUMBERS_ROWS = markc("why a column has its role", "its name says that it numbers the rows")
    ONLY_NUMBERS_ROWS = markc("why a column has its role", "it only numbers the rows")
    LEADING_ZEROS = markc(
        "why a column has its role",
        "its leading zeros say that it is a code, and a code is no amount",
    )
    CODE = markc("why a column has its role", "its name says that it is a code, and a code is no amount")
    REPEATED_ID = markc(
        "why a column has its role",
        "its name says that it is an id, but it repeats: each row is taken for a customer",
    )
    OUTCOME = markc("why a column has its role", "its name says what became of the customer, which forms no segments")
    MODELLED = markc("why a column has its role", "its name says that a model computed it, which forms no segments")
    PERSON = markc("why a column has its role", "its name says what a person is, not what they do")
    SAYS_YES = markc("why a column has its role", "its cells say yes or no")
    SAYS_ONE = markc("why a column has its role", "0 and 1 say no and yes")
    LEVELS = markc("why a column has its role", "a rating in {n} levels")
    FEW_TEXTS_NO_GROUP = markc("why a column has its role", "fewer than {n} different texts describe no group")
    MORE_TEXTS_NO_GROUP = markc("why a column has its role", "{n} or more different texts describe no group")
    FEW_TEXTS = markc("why a column has its role", "fewer than {n} different texts")
    TEXTS = markc("why a column has its role", "{n} different texts")
    LONG_CODES = markc(
        "why a column has its role",
        "whole numbers of {n} digits or more that never repeat look like codes",
    )
    FEW_CODES = markc("why a column has its role", "fewer than {n} whole numbers, which look like codes")
    CODES = markc("why a column has its role", "only {n} whole numbers, which look like codes")
    GAPS = markc("why a column has its role", "an amount, but more than a fifth of its cells are empty")
    TAIL_BESIDE = markc(
        "why a column has its role",
        "an amount with a long tail (skewness {skewness}) beside a questionnaire",
    )
    AMOUNT_BESIDE = markc("why a column has its role", "an amount beside a questionnaire")
    TAIL = markc("why a column has its role", "an amount with a long tail (skewness {skewness})")
    AMOUNT = markc("why a column has its role", "an amount")
    RATINGS_ALIKE = markc(
        "why a column has its role",
        "one of {n} ratings from {low} to {high}, which are alike in name",
    )
    RATINGS = markc("why a column has its role", "one of {n} ratings from {low} to {high}")
    ANSWERS_ALIKE = markc("why a column has its role", "one of {n} answers of yes or no, which are alike in name")
    ANSWERS = markc("why a column has its role", "one of {n} answers of yes or no")
    BRINGS = markc("why a column has its role", "its name says what customers bring, so it is a value")
    MARGIN = markc("why a column has its role", "its name says what is left of what customers bring, so it is a value")
    ONLY_PARTS = markc(
        "why a column has its role",
        "no value, because several columns hold parts of what customers bring, and none says that it is the total",
    )
    AHEAD = markc("why a column has its role", "its name says that these dates lie ahead")
    LIE_AHEAD = markc("why a column has its role", "most of its dates come after the last thing that any customer did")
    BIRTH = markc("why a column has its role", "its name says that it is a date of birth")
    LAST_DONE = markc("why a column has its role", "its name says when the customer last did something (recency)")
    CAME = markc("why a column has its role", "its name says when the customer came (tenure)")
    DATE = markc("why a column has its role", "a date")
    YEARS_COUNTED = markc("why a column has its role", "years are counted to {day}, the day after the latest date")
    DAYS_COUNTED = markc("why a column has its role", "days are counted to {day}, the day after the latest date")
    OWN = markc("why a column has its role", "a customer's own: hardly anyone has two")
    CUSTOMER = markc("why a column has its role", "the customer, who repeats beside the dates")
    SINCE_LAST = markc("why a column has its role", "the days since the last purchase")
    SINCE_FIRST = markc("why a column has its role", "the days since the first purchase")
    EACH_ORDER = markc("why a column has its role", "each order counts")
    EACH_PURCHASE = markc("why a column has its role", "each purchase counts")
    EACH_DAY = markc("why a column has its role", "each day with a purchase counts")
    NET = markc("why a column has its role", "what was bought less what was returned, so it is a value")
    BY_ORDER = markc("why a column has its role", "what was bought by order")
    BY_PURCHASE = markc("why a column has its role", "what was bought by purchase")
    LINES = markc("why a column has its role", "the rows that are no returns")
    RETURNED = markc("why a column has its role", "of 100 rows those returned")
    EVERY_CELL = markc("why a column has its role", "every cell is {text}")


CONTEXTS: dict[type, str] = {Rule: "a rule that a row broke", Reason: "why a column has its role"}


def retold(kind: type, text: str) -> str:
    """Tell a text that a file keeps in English, or several that a semicolon joins, in the language of the reader."""
    parts = [_retold(kind, part) for part in text.split("; ")]
    return "; ".join(map(str, parts)) if None not in parts else _retold(kind, text) or text


def _retold(kind: type, text: str) -> str | None:
    found = ((message, pattern.fullmatch(text)) for message, pattern in _patterns(kind))
    for message, match in found:
        if match:
            values = {place: _number(told) for place, told in match.groupdict().items()}
            return trc(CONTEXTS[kind], message, **values)
    return None


@cache
def _patterns(kind: type) -> list[tuple[str, re.Pattern]]:
    """Return the messages of a kind, and what a text that one of them makes looks like."""
    messages = [message for name, message in vars(kind).items() if name.isupper()]
    return [(text, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(text)), re.S)) for text in messages]


def plain_number(value: float, digits: int) -> str:
    """Return a number with so many decimals as a file keeps it, in no reader's language."""
    return str(Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def _number(told: str) -> str:
    """Write a number with decimals as the reader's language does; whole ones may be years."""
    plain = re.fullmatch(r"[-−]?\d+\.(\d+)", told)
    return fixed(float(told.replace("−", "-")), len(plain[1])).replace("-", "−") if plain else told
