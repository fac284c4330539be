"""What the dates of a column say of customers: how long ago they bought, joined or were born, told by its name."""

import re
from datetime import date, timedelta
from functools import cached_property

from segmentation.core.errors import UsageError
from segmentation.core.text import in_sentence
from segmentation.roles.look import MOST_EMPTY, Looked, plain
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


class Days:
    """The columns of a table that are dates, how each is written, and the day to which their days are counted."""

    def __init__(self, looked: Looked, order: str | None = None) -> None:
        """Find them; what one column says of day and month holds for the others, unless two contradict each other."""
        if order not in (None, *ORDERS):
            raise UsageError(f"DATES={order} is not usable; expected dmy (day before month) or mdy")
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
            return "its name says that these dates lie ahead"
        own = sorted(self._days(name, self.formats[name][0]))
        ahead = bool(own) and own[len(own) // 2] > self._latest_done
        return "most of its dates lie behind the last that customers did" if ahead else ""

    @cached_property
    def _latest_done(self) -> date:
        last = [name for name in self.formats if LAST.search(self._spelt(name))]
        days = [max(self._days(name, self.formats[name][0]), default=date.min) for name in last]
        return max(days, default=date.max)

    def guess(self, name: str) -> tuple[dict, str]:
        """Return the keys of a column of dates in dataset.yaml, and the reason."""
        spelt, texts = self._spelt(name), self._looked.texts[name]
        if texts[texts != ""].nunique() == 1:
            return {"role": "ignore"}, "it holds one date alone"
        if why := self._why_ahead(name):
            return {"role": "ignore"}, why
        how = {"type": "date", "date_format": self.formats[name][0], "label": self._label(name)}
        counted = f"counted to {self.as_of}, the day after the latest date"
        if BIRTH.search(spelt):
            born = f"its name says that it is a date of birth; years are {counted}"
            return {"role": "descriptor"} | how | {"unit": "years"}, born
        if LAST.search(spelt) and (texts == "").mean() <= MOST_EMPTY:
            told = f"its name says when the customer last did something (recency); days are {counted}"
            return {"role": "feature"} | how, told
        tenure = "its name says when the customer came (tenure)" if FIRST.search(spelt) else "a date"
        return {"role": "descriptor"} | how, f"{tenure}; days are {counted}"

    def _label(self, name: str) -> str:
        """Return "Days since last order" for last_order_date, of births "Age" where no column is called so."""
        header = plain(self._looked.headers[name])
        camel = re.search("[a-z][A-Z]", header)
        words = re.sub(r"(?i)[ _]+(date|datum|fecha|dt)$", "", self._spelt(name).replace("_", " ") if camel else header)
        if not BIRTH.search(self._spelt(name)):
            return f"Days since {in_sentence(words or header)}"
        births = [other for other in self.formats if BIRTH.search(self._spelt(other))]
        return (
            "Age" if births == [name] and "age" not in self._looked.spelt.values() else f"Years since {words or header}"
        )

    def asked(self, name: str) -> str:
        """Return the question where day and month cannot be told apart, with both readings; else nothing."""
        return tell_open(self._looked.headers[name], self._looked.texts[name], self.formats.get(name, []))
