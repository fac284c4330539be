"""Features that people in this field know by name, and what they say of their two ends: lately, long ago."""

import re
from collections import Counter
from typing import NamedTuple

from segmentation.core.dataset import Column, Dataset
from segmentation.core.text import plain_unit
from segmentation.roles.days import AHEAD, BIRTH, FIRST, LAST
from segmentation.roles.words import spelt

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
KINDS = {  # how labels name them, as `spelt` writes these, with blanks
    "recency": r"recency",
    "frequency": r"(?:(?:purchase|order|visit|buying) )?frequency|frequenz|haufigkeit|frecuencia|frequence|frequenza"
    r"|(?:(?:number|count|no) of |total |anzahl (?:der )?|nombre d(?:e )?|numero d[ei] |liczba )?"
    r"(?:orders|purchases|visits|transactions|bookings|stays|trips|bestellungen|kaufe|einkaufe|besuche|buchungen"
    r"|commandes|achats|visites|pedidos|compras|visitas|ordini|acquisti|visite|zamowien|zakupow|wizyt)",
    "tenure": r"tenure|(?:days|weeks|months|years) as (?:an? )?(?:customer|member|client)",
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


class Said(NamedTuple):
    """What people say of a feature where it is low, average and high; {} stands for its label, where that is needed.

    bare : with what each begins that may be left out: "bought " of "bought long ago"
    """

    low: str
    average: str
    high: str
    bare: str = ""

    def ends(self, *, cut: bool = False) -> set[str]:
        """Return what is said of the two ends, without what may be left out where that is `cut`."""
        return {end.removeprefix(self.bare if cut else "").casefold() for end in (self.low, self.high)}

    def word(self, level: str) -> str:
        """Return what is said of a level, without the label."""
        return getattr(self, level).removeprefix("{}: ").format("").strip()


SAID = {
    "recency": Said("lately", "some time ago", "long ago"),
    "since": Said("{}: lately", "{}: some time ago", "{}: long ago"),
    "frequency": Said("seldom", "now and then", "often"),
    "tenure": Said("new", "average {}", "long-standing"),
    "value": Said("spent little", "average spend", "spent much"),
    "age": Said("younger", "average {}", "older"),
    "birth": Said("older", "average {}", "younger"),
    "rating": Said("rates {} low", "rates {} average", "rates {} high", "rates "),
}


def kind_of(name: str, dataset: Dataset) -> str | None:
    """Return what a column measures, a key of `SAID`, where its label says so; None where nothing is known of it."""
    column, label = dataset.columns[name], dataset.label(name)
    if dataset.transactions and name in OF_PURCHASES:
        return OF_PURCHASES[name]
    text = spelt(SINCE.sub("", label))
    if column.type == "date" or SINCE.match(label):
        return _of_days(text)
    told = text.replace("_", " ")
    kind = next((kind for kind, pattern in KINDS.items() if re.fullmatch(pattern, told)), None)
    if column.type == "rating":
        return None if kind else "rating"
    if not (column.is_amount or column.type == "ordinal") or (kind == "age" and not _in_years(column)):
        return None
    if not kind and name in dataset.values and re.fullmatch(REVENUE, told):
        return "value"
    return kind or ("birth" if BIRTH.search(text) and dataset.holds_years(name) else None)


def _in_years(column: Column) -> bool:
    return column.type == "ordinal" or plain_unit(column.unit) in IN_YEARS


def _of_days(text: str) -> str | None:
    """Return what days since something measure; None where it may lie ahead."""
    if BIRTH.search(text):
        return "age"
    if AHEAD.search(text):
        return None
    if LAST.search(text):
        return "recency" if _done(text) or text in ("recency", "last", "latest") else "since"
    return "tenure" if FIRST.search(text) else "since"


def _done(text: str) -> str:
    """Return what was done according to a label, as a verb with a blank behind; "" where it does not say."""
    return next((f"{verb} " for verb, names in DONE.items() if re.search(names, text)), "")


def subject(name: str, dataset: Dataset) -> str:
    """Return what a column is called inside of a sentence, without "days since"."""
    return SINCE.sub("", dataset.words(name))


def said(dataset: Dataset) -> dict[str, Said]:
    """Return what is said of each feature: the `words:` of dataset.yaml, else those of what it is known to measure.

    Where two features have a word in common, the label stands before it; two amounts of money are "high" and "low"
    with their labels, as every feature that is not in here.
    """
    found = {name: own for name in dataset.named("feature") if (own := _said(name, dataset))}
    whole, bare = (Counter(word for own in found.values() for word in own.ends(cut=cut)) for cut in (False, True))
    for name, own in [*found.items()]:
        if "{}" in own.low:
            continue
        if any(whole[word] > 1 for word in own.ends()):
            found[name] = Said(*(told if "{}" in told else f"{{}}: {told.removeprefix(own.bare)}" for told in own[:3]))
            if own == SAID["value"]:
                del found[name]
        elif any(bare[word] > 1 for word in own.ends(cut=True)):
            found[name] = own._replace(bare="")
    return found


def _said(name: str, dataset: Dataset) -> Said | None:
    if words := dataset.columns[name].words:
        low, high = (end.replace("{", "{{").replace("}", "}}") for end in (words.low, words.high))
        return Said(low, "average {}", high)
    kind = kind_of(name, dataset)
    if kind == "recency":
        did = "bought " if dataset.transactions else _done(spelt(dataset.label(name)))
        low, average, high = (f"{did}{told}" for told in SAID[kind][:3])
        return Said(low, average, high, did)
    return SAID.get(kind or "")
