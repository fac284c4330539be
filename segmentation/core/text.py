"""Names, units and words of tables as people write them: what they mean, and how they stand in a sentence."""

import difflib
import html
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from unicodedata import category

SIGNS = {
    "us$": "usd",
    "$": "usd",
    "€": "eur",
    "£": "gbp",
    "¥": "jpy",
    "₹": "inr",
    "zł": "pln",
    "kč": "czk",
    "rs.": "inr",
    "rs": "inr",
    "fr.": "chf",
    "kr.": "kr",
}
CURRENCIES = (
    *("eur", "usd", "gbp", "chf", "cad", "aud", "jpy", "cny", "inr", "brl", "sek", "nok", "dkk", "pln", "czk", "huf"),
    *("try", "zar", "mxn", "kr"),
)
MULTIPLES = ("k", "tsd", "tsd.", "thousand", "m", "mio", "mio.", "mn", "million", "bn", "%", "‰")
QUANTITIES = frozenset((  # beside money and its multiples, what a bracket behind a header may hold
    "d", "day", "days", "h", "hr", "hrs", "hour", "hours", "min", "mins", "minute", "minutes", "s", "sec",
    "second", "seconds", "week", "weeks", "mo", "month", "months", "y", "yr", "yrs", "year", "years", "tag",
    "tage", "std", "stunde", "stunden", "minuten", "woche", "wochen", "monat", "monate", "jahr", "jahre",
    "jour", "jours", "heures", "mois", "ans", "día", "días", "dia", "dias", "horas", "mes", "meses", "año",
    "años", "anos", "kg", "g", "mg", "t", "lb", "lbs", "oz", "km", "m", "cm", "mm", "mi", "miles", "l", "ml",
    "m²", "m2", "m³", "m3", "sqm", "qm", "kw", "kwh", "mwh", "°c", "°f", "gb", "mb", "tb", "kb", "pcs",
    "pieces", "stk", "stück", "units", "points", "pts", "punkte", "x", "元", "万元", "円", "万円", "원", "만원", "руб"
))  # fmt: skip
LONGEST = 12
MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november"),
    "december",
)
SIDES = ("cr", "dr")  # an accountant's plus and minus
FEWEST_CODES = 3  # of countries
LEAST_PARTED = 14  # letters of a text that may lose its middle
LONGEST_NAME = 1_000  # letters of a column's name
MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-")
ANSWERS = ("none", "na")  # of these, the words that may mean something: no plan, North America, Namibia
MOST_ANSWERS = 12
SUM = (
    r"(?:grand[ -]?|sub[ -]?)?totals?|totale|totaal|totalt|gesamtsumme|gesamtergebnis|summe|gesamt|insgesamt|suma|somme"
    r"|итого|всего|合計|总计|合计"
)
SUMMARY = rf"^(?:{SUM}|sum|count|average|mean|durchschnitt|mittelwert|moyenne|media)"
BEHIND_SUM = (  # "Total", "Total general", "Total: 200 customers", "Totals (n=200)"
    r"(?:[\W\d_]+(?:general|général|generale|of all|all|[^\W\d_]{1,3})?[\W\d_]*|[\W_]*\d[\W\d_]*[^\W\d_]*)?$"
)
FEWEST_TO_ADD_UP = 10
CLEAR, WEAK = 0.5, 0.2  # how strong a correlation is called
SMALL_WORDS = frozenset(  # English alone, and no names: a label that begins with one loses its capital in a sentence
    (
        *("age", "annual", "average", "daily", "days", "detergents", "frequency", "fresh", "frozen", "grocery"),
        *("income", "milk", "monetary", "monthly", "purchases", "recency", "spend", "spending", "tenure", "visits"),
        *("margin", "profit", "revenue", "sales", "turnover", "weekly", "yearly"),
    )
)
SAYS_LEAST = re.compile(  # at the start and the end of a label
    r"^(?:(?:total|overall|annual|yearly|monthly|weekly|daily|number of|no\. of|count of|amount of|anzahl(?: der)?"
    r"|gesamt\w*|nombre d[e']|n[uú]mero de|numero di|average|mean|durchschnittlich\w*|mittlere\w?"
    r"|(?:share|percentage|proportion|part|anteil|proporci[oó]n|porcentaje) (?:of|der|des|an|de)"
    r"(?: \S+ (?:with|by|via|from|in|mit|per|aus|avec|par|con|por|en)\b)?)\s+)+(?=\S)"
    r"|(?:\s+(?:score|rating|points|amount|index|total|gesamt|insgesamt))+$",
    re.IGNORECASE,
)
OF_ITS_KIND = re.compile(  # what stands behind the subject of a label, in languages whose noun comes last, or first
    r"\s+(?:(?:with|by|from|on|in|at|to|for|per|since|of|mit|bei|von|für|pro|je|aus|auf)|(avec|par|pour|dans|chez|con|por"
    r"|para|en|de|du|des|del|di))\s.*$",
    re.IGNORECASE,
)
TIMES = frozenset(
    (
        *("days", "weeks", "months", "years", "tage", "wochen", "monate", "jahre", "jours", "semaines", "mois", "ans"),
        *("días", "semanas", "meses", "años"),
    )
)
OF_YEARS = re.compile(
    r"^(?:année|annee|anno|ano|año|rok)\b|(geburts|bau|gründungs)jahr|\b(birth|born)\b|naissance|nacimiento"
    r"|^(?!(?:per|pro|last|this|next|each|every) )(?:\w+ )?(?:year|jahr|jahrgang|yıl)(?: (?:of|der|des)\b.*)?$"
)
YES = (
    *("yes", "y", "true", "t", "1", "1.0", "ja", "j", "oui", "si", "sí", "sì", "sim", "tak", "evet", "ano", "igen"),
    *("kyllä", "da", "ya", "да", "так", "ναι", "是", "はい", "예", "네", "نعم", "כן"),
    *("wahr", "vrai", "verdadero", "vero", "verdadeiro", "prawda", "doğru", "waar", "истина"),  # TRUE as Excel has it
)
NO = (
    *("no", "n", "false", "f", "0", "0.0", "nein", "non", "não", "nao", "nie", "nee", "nej", "nei", "ne"),
    *("hayır", "hayir"),
    *("nem", "ei", "nu", "tidak", "нет", "ні", "όχι", "否", "いいえ", "아니요", "아니오", "لا", "לא"),
    *("falsch", "faux", "falso", "fałsz", "yanlış", "yanliş", "onwaar", "ложь"),
)


def in_sentence(label: str) -> str:
    """Return a label as it is written, for German capitals mean nouns; small where it is plain English for certain."""
    return label.lower() if label.partition(" ")[0].lower() in SMALL_WORDS and label[1:].islower() else label


def escape(text: str) -> str:
    """Escape a name from the data for a Markdown sentence."""
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", html.escape(str(text)))


def plain_unit(unit: str | None) -> str:
    """Return a unit without blanks and case, "" for none."""
    return "".join((unit or "").lower().split())


def is_unit(before: str, behind: str) -> bool:
    """Return whether these may stand around an amount: C001 is a code, 12 May a day."""
    if (before and not is_money(before)) or len(behind) > LONGEST or behind in SIDES:
        return False
    month = len(behind) >= 3 and any(month.startswith(behind.rstrip(".")) for month in MONTHS)
    return not month and not set(before + behind) & set("()+-−")


def names_unit(text: str) -> bool:
    """Return whether a text in brackets is a unit: k$, % or kg a day; 1-100 is a range, brutto a word."""
    parts = [_parted(plain_unit(part)) for part in re.split(r"/|\b(?:per|pro|par|por|je|an?)\b", text)]
    return all((scale or money) and scale in {"", *MULTIPLES, *QUANTITIES} for scale, money in parts)


def holds_unit(label: str, unit: str) -> bool:
    """Return whether a label says its unit already: in brackets, or at its end."""
    told = [*re.findall(r"[(\[]([^)\]]*)[)\]]", label), *label.split()[1:][-1:]]
    return plain_unit(unit) in map(plain_unit, told)


def is_money(text: str) -> bool:
    """Return whether a text is a currency: a code, a sign, or letters before a dollar sign."""
    sign = len(text) == 1 and category(text) == "Sc"
    return text in CURRENCIES or text in SIGNS or sign or bool(re.fullmatch(r"[a-z]{1,2}\$", text))


def other_amount(one: str, other: str) -> bool:
    """Return whether two units differ in their multiple or their currency: k$ and $, EUR and USD; not k and k$."""
    (scale, money), (other_scale, other_money) = _parted(plain_unit(one)), _parted(plain_unit(other))
    scaled = scale != other_scale and bool({scale, other_scale} & set(MULTIPLES))
    return scaled or bool(money and other_money and money != other_money)


def contradict(one: str, other: str) -> bool:
    """Return whether two units cannot mean one amount; h and hours can, kg and g, EUR and ct cannot."""
    scale, other_scale = (_parted(plain_unit(unit))[0] for unit in (one, other))
    alike = scale == other_scale or (
        scale and other_scale and (scale.startswith(other_scale) or other_scale.startswith(scale))
    )
    return other_amount(one, other) or not alike


def _parted(unit: str) -> tuple[str, str]:
    """Part a unit into its multiple, or what else it is, and its currency."""
    for sign, code in SIGNS.items():
        unit = unit.replace(sign, code) if len(sign) > 2 or not sign.isalpha() or unit == sign else unit
    money = next((code for code in CURRENCIES if unit.startswith(code) or unit.endswith(code)), "")
    return unit.replace(money, "", 1), money


def answers(counts: Mapping[str, int]) -> set[str]:
    """Return which words for missing are categories of a column, by how often each of its texts stands there.

    Beside a few categories of words a word is one of them where it is half as frequent as they are on average, or more;
    beside country codes NA is Namibia. Beside numbers, and beside yes and no, it is none.
    """
    others = {text: n for text, n in counts.items() if text.lower() not in MISSING}
    every = sum(others.values())
    like_numbers = sum(n for text, n in others.items() if re.match(r"[\W_]*\d", text))
    if 2 * like_numbers >= every or {text.lower() for text in others} <= {*YES, *NO}:
        return set()
    said = Counter[str]()
    for text, n in counts.items():
        said[text.lower()] += n
    kinds = len({text.lower() for text in others})
    found = {word for word in ANSWERS if 0 < every <= 2 * kinds * said[word] and kinds <= MOST_ANSWERS}
    codes = [text for text in others if re.fullmatch("[A-Z]{2}", text)]
    return found | ({"na"} if "NA" in counts and len(codes) >= FEWEST_CODES and len(codes) == len(others) else set())


def suggest(word: str, choices) -> str:
    """Return the end of a sentence: a question that offers the choice nearest to `word`, or a full stop."""
    near = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else "."


def key(header: str) -> str:
    """Return a header without case, blanks and punctuation; a percent sign or a currency is none of these."""
    plain = unicodedata.normalize("NFKC", header).strip().casefold()
    return "".join(letter for letter in plain if letter.isalnum() or letter in "%‰$€£¥₹") or plain


def key_without_unit(header: str) -> str:
    """Return the key of a header without what it has in brackets, and without a percent sign or currency."""
    # Of a text that is no name only the start: many open brackets take time that grows with the square of its length.
    return re.sub(r"[\W_]", "", key(re.sub(r"[(\[（].*?[)\]）]", "", header[:LONGEST_NAME])))


def shortened(label: str, others: Sequence[str], most: int, *, cut: bool = False) -> str | None:
    """Return a label in at most so many letters that nobody takes for one of the `others`; None where there is none.

    What is left out is, as far as it must be, what stands in brackets and words that say least ("total", "score"), what
    it has in common with others at its start and end, what stands behind its subject and beside its noun, and, where it
    may be `cut`, its end or its middle, with "…".
    """
    plain = re.sub(r"\s*[(\[][^)\]]*[)\]]", "", label)
    least = SAYS_LEAST.sub("", plain)
    tried = [text.strip(" .,:;–_/|()[]-") for text in (plain, least, _own_part(label, others), *_subjects(least))]
    for text in (label, *(tried[:4] if cut and most >= LEAST_PARTED else tried)):  # its start says more than a noun
        if 0 < len(text) <= most and (text == label or not any(_holds(other, text) for other in others)):
            return text
    for text in (*sorted(tried, key=len), label) if cut else ():
        for start in (most - 1, most // 2) if most >= LEAST_PARTED else (most - 1,):
            head, tail = _head(text, start), _tail(text, most - 1 - start)
            between = re.compile(f"{re.escape(head)}.*{re.escape(tail)}", re.I | re.S)
            alike = any(map(between.search, others))
            if head and len(text) > most and not alike:
                return f"{head}…{tail}"
    return None


def _subjects(label: str) -> list[str]:
    """Return what a label is about without what stands behind that, and of this the noun alone; [] of a plain one.

    Days since something are about that.
    """
    behind = OF_ITS_KIND.search(label)
    if not behind or label.partition(" ")[0].lower() in TIMES:
        return []
    subject = label[: behind.start()]
    return [subject, subject.split()[0 if behind[1] else -1]]


def _own_part(label: str, others: Sequence[str]) -> str:
    """Return the words of a label without those at its start and end that two others or more share."""
    words = label.split()
    for side in (1, -1):
        shared = 0
        for n in range(1, len(words)):
            part = words[::side][:n]
            shared = n if sum(other.split()[::side][:n] == part for other in others) > 1 else shared
        words = words[::side][shared:][::side]
    letters = sum(3 if letter > "\u2e7f" else letter.isalpha() for letter in "".join(words))
    return " ".join(words) if letters > 2 else label  # of "Question 1" 1 would say nothing


def _holds(label: str, text: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(text)}(?!\w)", label, re.I))


def _head(text: str, most: int) -> str:
    """Return the start of a text, to the end of a word where one ends near there, and no half letter."""
    while 0 < most < len(text) and category(text[most]).startswith("M"):
        most -= 1
    head = text[:most]
    word = head.rpartition(" ")[0]
    return (word if len(word) >= most * 0.6 and text[most : most + 1] != " " else head).rstrip(" .,:;–_/|([-")


def _tail(text: str, most: int) -> str:
    """Return the end of a text, and no half letter."""
    tail = text[-most:] if most > 0 else ""
    while tail and category(tail[0]).startswith("M"):
        tail = tail[1:]
    return tail.lstrip(" .,:;–_/|)]-")
