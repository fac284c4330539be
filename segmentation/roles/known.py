"""What columns known by their names measure: how long ago something was, how often, how much; and how people say it."""

import re
from collections import Counter
from datetime import date, timedelta
from functools import cached_property
from typing import NamedTuple, get_args

from segmentation.core.dataset import Column, Dataset, Level
from segmentation.core.errors import UsageError, as_option
from segmentation.core.text import in_sentence, plain_unit
from segmentation.language import tr, trc
from segmentation.language.kept import Reason
from segmentation.roles.look import MOST_EMPTY, Looked, plain
from segmentation.roles.words import spelt
from segmentation.tables.dates import FORMATS, ORDERS, find_formats, read_day, tell_open

BIRTH = re.compile(
    r"birth|(^|_)(dob|bday|born)(_|$)|geburt|gebdat|geboren|naissance|ne_le|nacimiento|nascita|nato|urodz|出生|生日|生年月日"
)
AHEAD = re.compile(
    r"expir|renew|valid_(to|thru|through)|(^|_)(end|ends|fin|fine|koniec|konca|(vertrags|laufzeit)?ende|next|due|until|ablauf\w*|gultig\w*|nachst\w*|verlanger\w*|bis|fallig\w*|prochain\w*"
    r"|echeance|proxim[oa]|vencimiento|caduc\w*|renovacion|renouvellement|prossim[oa]|scadenza|rinnovo|nastepn\w*"
    r"|waznosc\w*|wygas\w*|odnowien\w*|termin\w*)(_|$)|到期|下次|期满|终止|截止"
)
LAST = re.compile(
    r"(^|_)(last|latest|recent|letzt\w*|zuletzt|dernier\w*|ultim[oa]|ostatni\w*)|recency|最近|最后|上次|last_?(seen|order|login)"
)
FIRST = re.compile(
    r"sign_?up|join|regist|open|creat|enrol|since|start|first|onboard|member|anmeld|beitritt|eroffn|erst|angelegt|seit"
    r"|inscription|adhesion|ouverture|premier|creation|depuis|alta|inscripcion|apertura|primer|desde|iscrizion|prim[oa]"
    r"|creazione|adesione|rejestr|zalozen|dolaczen|otwarc|pierwsz|utworzen|注册|加入|开户|首次"
)
SINCE = re.compile(
    r"^(?:number of |anzahl )?(?:days|weeks|months|years|tage|wochen|monate|jahre|jours|mois|d[ií]as|meses|giorni|mesi"
    r"|dni|dagen) (?:since|seit|depuis|desde|dall['’]|dal?l?a?|od|sinds) ?(?:(?:the|de[rmn]?|la|le|el|het) |l['’])?",
    re.IGNORECASE,
)
DONE = {  # what customers did last, in a label as `spelt` writes it
    "bought": "order|purchas|buy|bought|invoice|transact|receipt|basket|bestell|kauf|rechnung|commande|achat|compra"
    "|pedido|acquist|ordin[ei]|zakup|zamowien|siparis|alisveris|aankoop|заказ|покупк|订单|购买|消费|注文|購入|주문|구매",
    "visited": "visit|besuch|wizyt|ziyaret|bezoek|визит|来店|방문",
    "booked": "booking|reserv|buchung|prenotaz|boeking",
    "stayed": "(?:^|_)stay|ubernacht",
    "paid": "payment|zahlung|paiement|(?:^|_)pago|pagament|platnosc",
    "gave": "donat|spende|(?:^|_)gift",
    "active": "activ|aktiv|log_?in|logged|seen|session",
}
LABELLED = {  # how labels name them, as `spelt` writes these, with blanks
    "recency": r"recency(?: (?:in )?(?:days|weeks|months))?",
    "frequency": r"(?:(?:purchase|order|visit|buying) )?frequency|frequenz|haufigkeit|frecuencia|frequence|frequenza"
    r"|(?:(?:number|count|no) of |total |anzahl (?:der )?|nombre d(?:e )?|numero d[ei] |liczba )?"
    r"(?:orders|purchases|visits|transactions|bookings|stays|trips|bestellungen|kaufe|einkaufe|besuche|buchungen"
    r"|commandes|achats|visites|pedidos|compras|visitas|ordini|acquisti|visite|zamowien|zakupow|wizyt)",
    "tenure": r"tenure(?: (?:in )?(?:days|weeks|months|years))?"
    r"|(?:days|weeks|months|years) as (?:an? )?(?:customer|member|client)",
    "value": r"(?:(?:total|overall|annual|yearly|monthly|customer) )?"
    r"(?:spend|spending|spent|amount spent|money spent|expenditure|expenses|monetary|monetary value"
    r"|ausgaben|depenses|gastos?|spesa|wydatki|harcama)",
    "age": r"(?:(?:customer|member|client)s? )?age(?: (?:group|band|range))?|age of (?:the )?(?:customer|member|client)"
    r"|alter|edad|eta|idade|leeftijd|wiek|yasi?|возраст|年龄|年齢|나이",
}
REVENUE = (  # spent where it is declared a value of the customers: it may be what they themselves turn over
    r"(?:\w+ )?(?:revenue|sales|turnover|umsatz|chiffre d affaires|ventas|fatturato|obrot|omzet|ciro)"
    r"(?: total| gesamt)?|\w+umsatz"
)
IN_YEARS = ("", "years", "year", "yrs", "yr", "y", "jahre", "jahren", "ans", "años", "anos", "anni", "lat", "jaar")
OF_PURCHASES = {"recency": "recency", "frequency": "frequency", "tenure": "tenure", "monetary": "value"}

LEVELS = get_args(Level)  # from low to high


class Said(NamedTuple):
    """What people say of a feature where it is low, average and high; {label} stands for its label, if it is needed.

    short : the same where there is little room: "long ago" of "bought long ago"
    alone : the words without any label, for a sentence that has it; () where there are none
    named : whether the label stands before the words, as what they are said of
    """

    low: str
    average: str
    high: str
    short: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    named: bool = False

    def ends(self, *, short: bool = False) -> set[str]:
        """Return what is said of the two ends."""
        return {(self.bare(end) if short else getattr(self, end)).casefold() for end in ("low", "high")}

    def bare(self, level: str) -> str:
        """Return what is said of a level where there is little room."""
        return self.short[LEVELS.index(level)] if self.short else getattr(self, level)

    @property
    def are_words(self) -> bool:
        """Whether people have words for the two ends that stand without the label."""
        return bool(self.alone) or "{label}" not in self.low

    def word(self, level: str) -> str:
        """Return what is said of a level without the label, where these `are_words`."""
        told = self.alone[LEVELS.index(level)] if self.alone else self.bare(level)
        return told.format(label="").strip()


def high_or_low() -> Said:
    """Return what is said of a feature of which nothing else is known."""
    told = trc("level", "low {label}"), trc("level", "average {label}"), trc("level", "high {label}")
    short = trc("short", "low {label}"), trc("short", "average {label}"), trc("short", "high {label}")
    return Said(*told, short=short)


def usual() -> dict[str, Said]:
    """Return by what features measure (`kind_of`) what people say of them."""
    lately = (trc("level", "lately"), trc("level", "some time ago"), trc("level", "long ago"))
    average = trc("level", "average {label}")
    rated = trc("level", "rates {label} low"), trc("level", "rates {label} average"), trc("level", "rates {label} high")
    return {
        "recency": Said(*lately),
        "since": _named(Said(*lately)),
        "frequency": Said(trc("level", "seldom"), trc("level", "now and then"), trc("level", "often")),
        "tenure": Said(trc("level", "new"), average, trc("level", "long-standing")),
        "value": Said(trc("level", "spent little"), trc("level", "average spend"), trc("level", "spent much")),
        "age": Said(trc("level", "younger"), average, trc("level", "older")),
        "birth": Said(trc("level", "older"), average, trc("level", "younger")),
        "rating": Said(*rated, short=high_or_low()[:3]),
    }


def _named(own: Said) -> Said:
    """Return the same with the label before it."""
    words = own.alone or own[:3]
    low, average, high = (
        word if "{label}" in word else trc("level", "{label}: {level}", label="{label}", level=word) for word in words
    )
    return Said(low, average, high, alone=words, named=True)


def _done_lately(verb: str) -> Said:
    """Return what is said of how long ago it was that customers did something last."""
    lately = usual()["recency"][:3]
    own = {
        "bought": (
            trc("level", "bought lately"),
            trc("level", "bought some time ago"),
            trc("level", "bought long ago"),
        ),
        "visited": (
            trc("level", "visited lately"),
            trc("level", "visited some time ago"),
            trc("level", "visited long ago"),
        ),
        "booked": (
            trc("level", "booked lately"),
            trc("level", "booked some time ago"),
            trc("level", "booked long ago"),
        ),
        "stayed": (
            trc("level", "stayed lately"),
            trc("level", "stayed some time ago"),
            trc("level", "stayed long ago"),
        ),
        "paid": (trc("level", "paid lately"), trc("level", "paid some time ago"), trc("level", "paid long ago")),
        "gave": (trc("level", "gave lately"), trc("level", "gave some time ago"), trc("level", "gave long ago")),
        "active": (
            trc("level", "active lately"),
            trc("level", "active some time ago"),
            trc("level", "active long ago"),
        ),
    }
    return Said(*own[verb], short=lately, alone=lately) if verb else Said(*lately)


def kind_of(name: str, dataset: Dataset) -> str | None:
    """Return what a column measures, a key of `usual`, where its label says so; None where nothing is known of it."""
    column, label = dataset.columns[name], _called(name, dataset)
    if dataset.transactions and name in OF_PURCHASES:
        return OF_PURCHASES[name]
    text = spelt(SINCE.sub("", label))
    if column.type == "date" or SINCE.match(label):
        return _of_days(text)
    told = text.replace("_", " ")
    kind = next((kind for kind, pattern in LABELLED.items() if re.fullmatch(pattern, told)), None)
    if column.type == "rating":
        return None if kind else "rating"
    if not (column.is_amount or column.type == "ordinal") or (kind == "age" and not _in_years(column)):
        return None
    if not kind and name in dataset.values and re.fullmatch(REVENUE, told):
        return "value"
    return kind or ("birth" if BIRTH.search(text) and dataset.holds_years(name) else None)


def standing(dataset: Dataset) -> str | None:
    """Return the one column that says how long somebody has been a customer; None where none does, or several do."""
    found = [name for name in dataset.named("feature", "descriptor") if kind_of(name, dataset) == "tenure"]
    return found[0] if len(found) == 1 else None


def _called(name: str, dataset: Dataset) -> str:
    """Return the label; where it alone leaves out the days since the last, which the name says, the name as words."""
    label, words = dataset.label(name), name.replace("_", " ")
    if SINCE.match(label) or not SINCE.match(words):
        return label
    return words if _of_days(spelt(SINCE.sub("", words))) == "recency" else label


def _in_years(column: Column) -> bool:
    return column.type == "ordinal" or plain_unit(column.unit) in IN_YEARS


def _of_days(text: str) -> str | None:
    """Return what days since something measure; None where it may lie ahead."""
    if BIRTH.search(text) or re.fullmatch(LABELLED["age"], text):
        return "age"
    if AHEAD.search(text):
        return None
    if LAST.search(text):
        return "recency" if _done(text) or text == "recency" else "since"
    return "tenure" if FIRST.search(text) else "since"


def _done(text: str) -> str:
    """Return what was done according to a label, as a verb; "" where it does not say."""
    return next((verb for verb, names in DONE.items() if re.search(names, text)), "")


def subject(name: str, dataset: Dataset) -> str:
    """Return what a column is called inside of a sentence, without "days since"."""
    return SINCE.sub("", dataset.words(name))


def said(dataset: Dataset) -> dict[str, Said]:
    """Return what is said of each feature: the `words:` of dataset.yaml, else those of what it is known to measure.

    Where two features have a word in common, the label stands before it; two amounts of money are "high" and "low"
    with their labels, as every feature that is not in here.
    """
    found = {name: own for name in dataset.named("feature") if (own := _said(name, dataset))}
    whole, short = (Counter(word for own in found.values() for word in own.ends(short=cut)) for cut in (False, True))
    for name, own in [*found.items()]:
        if "{label}" in own.low:
            continue
        if any(whole[word] > 1 for word in own.ends()):
            found[name] = _named(own)
            if own == usual()["value"]:
                del found[name]
        elif any(short[word] > 1 for word in own.ends(short=True)):
            found[name] = own._replace(short=())
    return found


def _said(name: str, dataset: Dataset) -> Said | None:
    if words := dataset.columns[name].words:
        low, high = (end.replace("{", "{{").replace("}", "}}") for end in (words.low, words.high))
        return Said(low, trc("level", "average {label}"), high)
    kind = kind_of(name, dataset)
    if kind == "recency":
        return _done_lately("bought" if dataset.transactions else _done(spelt(_called(name, dataset))))
    return usual().get(kind or "")


class Days:
    """The columns of a table that are dates, how each is written, and the day to which their days are counted."""

    def __init__(self, looked: Looked, order: str | None = None) -> None:
        """Find them; what one column says of day and month holds for the others, unless two contradict each other."""
        if order not in (None, *ORDERS):
            raise UsageError(f"{as_option('dates', order)} is not usable; expected dmy (day before month) or mdy")
        self._looked = looked
        found = {name: find_formats(looked.texts[name], order) for name in looked.headers}
        self.formats = {name: formats for name, formats in found.items() if formats}
        told = {FORMATS[one[0]][1] for one in self.formats.values() if len(one) == 1} & set(ORDERS)
        for name, formats in self.formats.items():
            if len(formats) > 1 and len(told) == 1:
                self.formats[name] = [one for one in formats if FORMATS[one][1] in told] or formats

    def _spelt(self, name: str) -> str:
        return self._looked.spelt[name]

    def _days(self, name: str, written: str) -> list[date]:
        texts = self._looked.texts[name]
        return [day for text in texts[texts != ""].unique() if (day := read_day(text, written))]

    @cached_property
    def as_of(self) -> date | None:
        """The day after the latest date that is no birth and does not lie ahead; of births alone, after the latest."""
        past = [name for name in self.formats if not self._why_ahead(name)]
        lived = [name for name in past if not BIRTH.search(self._spelt(name))]
        latest = [max(self._days(name, self.formats[name][0]), default=None) for name in lived or past]
        known = [day for day in latest if day]
        return max(known) + timedelta(days=1) if known else None

    def _why_ahead(self, name: str) -> str:
        """Return why the dates of a column lie ahead: by its name, or most behind all that customers did last."""
        if LAST.search(self._spelt(name)):
            return ""
        if AHEAD.search(self._spelt(name)):
            return Reason.AHEAD
        own = sorted(self._days(name, self.formats[name][0]))
        ahead = bool(own) and own[len(own) // 2] > self._latest_done
        return Reason.LIE_AHEAD if ahead else ""

    @cached_property
    def _latest_done(self) -> date:
        last = [name for name in self.formats if LAST.search(self._spelt(name))]
        days = [max(self._days(name, self.formats[name][0]), default=date.min) for name in last]
        return max(days, default=date.max)

    def guess(self, name: str) -> tuple[dict, str]:
        """Return the keys of a column of dates in dataset.yaml, and the reason."""
        spelt, texts = self._spelt(name), self._looked.texts[name]
        if texts[texts != ""].nunique() == 1:
            return {"role": "ignore"}, Reason.ONE_DATE
        if why := self._why_ahead(name):
            return {"role": "ignore"}, why
        how = {"type": "date", "date_format": self.formats[name][0], "label": self._label(name)}
        if BIRTH.search(spelt):
            born = f"{Reason.BIRTH}; {Reason.YEARS_COUNTED.format(day=self.as_of)}"
            return {"role": "descriptor"} | how | {"unit": "years"}, born
        counted = Reason.DAYS_COUNTED.format(day=self.as_of)
        if LAST.search(spelt) and (texts == "").mean() <= MOST_EMPTY:
            return {"role": "feature"} | how, f"{Reason.LAST_DONE}; {counted}"
        return {"role": "descriptor"} | how, f"{Reason.CAME if FIRST.search(spelt) else Reason.DATE}; {counted}"

    def _label(self, name: str) -> str:
        """Return "Days since last order" for last_order_date, of births "Age" where no column is called so."""
        header = plain(self._looked.headers[name])
        camel = re.search("[a-z][A-Z]", header)
        words = re.sub(r"(?i)[ _]+(date|datum|fecha|dt)$", "", self._spelt(name).replace("_", " ") if camel else header)
        if not BIRTH.search(self._spelt(name)):
            return tr("Days since {day}", day=in_sentence(words or header))
        births = [other for other in self.formats if BIRTH.search(self._spelt(other))]
        alone = births == [name] and "age" not in self._looked.spelt.values()
        return tr("Age") if alone else tr("Years since {day}", day=words or header)

    def asked(self, name: str) -> str:
        """Return the question where day and month cannot be told apart, with both readings; else nothing."""
        return tell_open(self._looked.headers[name], self._looked.texts[name], self.formats.get(name, []))
