"""dataset.yaml: what a table is, what its columns mean, and what its segments are called."""

import datetime
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from segmentation.core import files
from segmentation.core.text import OF_YEARS, holds_unit, in_sentence, suggest
from segmentation.language import spoken, tr, trc
from segmentation.language.writing import NONE, amount, percent, spanning, told_unit, ungrouped

Level = Literal["low", "average", "high"]
MethodName = Literal["kmeans", "mixture", "latent-class"]
RESERVED = frozenset(  # what the package calls columns of its own
    {"row", "file", "line", "fields", "file_row_number"}
    | {"column", "value", "rule", "now", "customers", "told"}
    | {"segment", "next_segment", "distance", "margin", "probability", "name", "outside"}
)
# fmt: off
DateFormat = Literal[  # how each is read: tables.dates
    "yyyy-mm-dd", "yyyy/mm/dd", "yyyy.mm.dd", "yyyymmdd", "yyyy年mm月dd日",
    "dd.mm.yyyy", "dd/mm/yyyy", "dd-mm-yyyy", "dd.mm.yy", "dd/mm/yy", "dd-mm-yy", "dd mon yyyy", "dd mon yy",
    "mm/dd/yyyy", "mm-dd-yyyy", "mm/dd/yy", "mm-dd-yy", "mon dd yyyy", "mon dd yy",
]
# fmt: on
_Four = Annotated[tuple[float, ...], Field(min_length=4, max_length=4)]
_Five = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=40)], ...], Field(min_length=5, max_length=5)]
AtLeastTwo = Annotated[int, Field(ge=2, strict=True)]
OF_MONEY, OF_RFM = ("monetary", "basket", "returned"), ("recency", "frequency", "monetary")
MADE = ("id", "recency", "frequency", "tenure", "lines", *OF_MONEY)
OF_ROWS = ("date", "order", "amount", "quantity", "price")  # what the columns of purchases are called when read
ASSUMED = "assumed"
LONGEST_CALLED = 30  # letters of a name that we make, and of the words for an end of a feature
YEARS = (1900, 2100)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Source(_Strict):
    """Where the raw table comes from; `path` is the file name inside the dataset's folder."""

    path: str
    url: Annotated[str, Field(pattern="^https?://")] | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    licence: str | None = None
    citation: str | None = None
    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    sketch: Annotated[str, Field(pattern="^[0-9a-f]{128}$")] | None = None

    @model_validator(mode="after")
    def _fetched_is_checked(self):
        if Path(self.path).name != self.path or self.path in ("", ".."):
            raise ValueError(f"path is {self.path!r}; expected a file name without a folder")
        if self.url and not self.sha256:
            raise ValueError("a url needs its sha256, so that what is fetched can be checked")
        return self


class Ends(_Strict):
    """What people say of a feature's two ends."""

    low: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_CALLED)]
    high: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_CALLED)]

    @model_validator(mode="after")
    def _differ(self):
        if self.low.casefold() == self.high.casefold():
            raise ValueError(f"words: both ends are called {self.low!r}; nobody could tell them apart")
        return self


class Column(_Strict):
    """One column: features form the segments, descriptors only describe them, a value is what segments are worth.

    value : whether it is a value too; role: value is a descriptor that is one
    words : what people say where the column is low, and where it is high: lately, long ago
    """

    role: Literal["id", "feature", "descriptor", "value", "ignore"]
    value: bool = False
    words: Ends | None = None
    type: Literal["number", "rating", "category", "ordinal", "yes/no", "date"] = "number"
    date_format: DateFormat | None = None
    label: str | None = None
    reason: str | None = None
    unit: str | None = None
    aliases: tuple[str, ...] = ()
    min: float | None = None
    max: float | None = None
    categories: dict[str, tuple[str, ...]] | None = None
    transform: Literal["none", "log", "yeo-johnson"] = "none"
    required: bool | None = None
    unique: bool = False
    missing: Literal["reject", "median"] = "reject"

    def headers(self, name: str) -> list[str]:
        """Return the headers that the column may have in a table."""
        return [name, *self.aliases]

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers: an ordinal is its rank from 1; as a feature yes is 1 and no is 0."""
        return self.is_amount or self.type in ("rating", "ordinal") or (self.type, self.role) == ("yes/no", "feature")

    @property
    def is_number(self) -> bool:
        """Whether the cells are read as numbers: amounts, or whole numbers on a scale."""
        return self.role != "id" and self.type in ("number", "rating")

    @property
    def is_amount(self) -> bool:
        """Whether the values are amounts: numbers, or of a date the days or years from it to the as-of date."""
        return self.role != "id" and self.type in ("number", "date")

    @property
    def levels(self) -> list[str]:
        """The words of an ordinal from the lowest to the highest, which its ranks stand for."""
        return list(self.categories or ()) if self.type == "ordinal" else []

    @model_validator(mode="before")
    @classmethod
    def _value_describes(cls, given):
        """Take role: value as a descriptor, which every chapter knows, that is a value too."""
        of_value = isinstance(given, dict) and given.get("role") == "value"
        return given | {"role": "descriptor", "value": True} if of_value else given

    @model_validator(mode="after")
    def _consistent(self):
        if self.value and (self.type != "number" or self.role not in ("feature", "descriptor")):
            raise ValueError("a value is a number that describes customers, or forms segments: type: number")
        if self.role == "id" and self.model_fields_set - {"role", "label", "aliases", "reason"}:
            raise ValueError("an id has only a label and aliases; it is kept as text")
        if self.type == "ordinal" and not self.categories:
            raise ValueError("an ordinal needs its categories, from the lowest to the highest")
        if self.words and self.type == "category":
            raise ValueError("words are for what can be low and high; a category has no two ends")
        if self.categories and self.type not in ("category", "ordinal"):
            raise ValueError("categories need type: category or ordinal")
        ranged = {"transform"} if self.type == "rating" else {"min", "max", "transform"}
        if not self.is_amount and ranged & self.model_fields_set:
            raise ValueError("min, max and transform need type: number")
        if self.type != "date" and self.date_format:
            raise ValueError("date_format needs type: date")
        if self.type == "date" and self.unit not in (None, "days", "years"):
            raise ValueError(f"unit of a date is {self.unit!r}; expected days, or years for completed ones")
        if self.type == "rating" and any(end is None or end % 1 for end in (self.min, self.max)):
            raise ValueError("a rating needs min and max, the whole numbers at which its scale ends")
        if self.role == "feature" and self.required is False and self.missing == "reject":
            raise ValueError("a feature that is not required needs missing: median, because nothing has no distance")
        if self.missing == "median" and (self.role != "feature" or self.required):
            raise ValueError("missing: median is for a feature that is not required")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self


class Transactions(_Strict):
    """A raw table with one row a purchase, or a line of one, that customers are made from: the headers of its columns.

    order : what the lines of a purchase share, by the date's header their day; without it each row is a purchase,
        or without amounts each day.
    amount, or quantity and price : what a row came to; without them nothing is said of money.
    returns : with what the number of an order begins that takes goods back; negative amounts do so anyway.
    """

    customer: tuple[str, ...]
    date: tuple[str, ...]
    order: tuple[str, ...] = ()
    amount: tuple[str, ...] = ()
    quantity: tuple[str, ...] = ()
    price: tuple[str, ...] = ()
    returns: Annotated[str, Field(min_length=1)] | None = None
    as_of: datetime.date
    date_format: DateFormat = "yyyy-mm-dd"
    unit: str | None = None

    @model_validator(mode="after")
    def _consistent(self):
        if bool(self.quantity) != bool(self.price) or (self.price and self.amount):
            raise ValueError("expected amount, or quantity and price, or none of them")
        if self.returns and not self.order:
            raise ValueError("returns says with what an order begins, so order is needed")
        return self

    @property
    def made(self) -> tuple[str, ...]:
        """What is made of each customer's purchases."""
        return MADE if self.amount or self.price else MADE[: -len(OF_MONEY)]

    def require_made(self, columns: dict[str, Column]) -> None:
        """Refuse columns that are neither made nor a customer's own, which the rows of the purchases repeat."""
        for name, column in columns.items():
            own = column.role in ("descriptor", "ignore") and column.type in ("category", "yes/no")
            if name not in self.made and (not own or name in (*OF_MONEY, *OF_ROWS)):
                raise ValueError(
                    f"columns: of these transactions are made {', '.join(self.made)}; {name!r} is none of them, and "
                    "only a descriptor of categories is read from their rows"
                )


class Axis(str):
    """What an axis says of a column, whether its scale is logarithmic, and how a number on it is written."""

    logged = False
    form: Callable[[float | None], str] = staticmethod(amount)


class SegmentName(_Strict):
    """The name and the action for the segments whose features stand at these levels."""

    levels: Annotated[dict[str, Level], Field(min_length=1)]
    name: str
    action: str | None = None


class Rfm(_Strict):
    """How RFM groups are cut and called, where not as usual.

    cuts : of recency, frequency or monetary the four numbers up to which scores reach, in place of quintiles
    groups : for each score of frequency and monetary value the group of recency scores 1 (long ago) to 5 (lately)
    """

    cuts: dict[Literal["recency", "frequency", "monetary"], _Four] = {}
    groups: dict[Annotated[int, Field(ge=1, le=5)], _Five] = {}

    @model_validator(mode="after")
    def _is_whole(self):
        if falling := [name for name, ends in self.cuts.items() if any(a >= b for a, b in pairwise(ends))]:
            raise ValueError(f"cuts: those of {falling[0]} must grow from one to the next")
        if missing := [score for score in range(1, 6) if self.groups and score not in self.groups]:
            raise ValueError(f"groups: a row of five names for each score 1 to 5; there is none for {missing}")
        return self


class Dataset(_Strict):
    """A whole dataset.yaml."""

    title: str
    source: Source | None = None
    transactions: Transactions | None = None
    columns: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")], Column]
    k: Literal["auto"] | AtLeastTwo = "auto"
    k_range: tuple[AtLeastTwo, AtLeastTwo] = (2, 10)
    method: Literal["auto"] | MethodName = "auto"
    scaling: Literal["standard", "robust", "none"] = "standard"
    decimal: Literal["auto", ".", ","] = "auto"
    as_of: datetime.date | None = None
    encoding: Annotated[str, AfterValidator(files.require_encoding)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32, strict=True)] = 0
    resamples: Annotated[int, Field(ge=10, strict=True)] = 100
    privacy: Literal["rows", "aggregate"] = "aggregate"
    language: Literal["en", "de", "fr", "es"] = "en"
    segments: tuple[SegmentName, ...] = ()
    contact_cost: Annotated[float, Field(ge=0)] | None = None
    response: Annotated[float, Field(gt=0, le=1)] | None = None
    margin: Annotated[float, Field(gt=0, le=1)] | None = None
    rfm: Rfm = Rfm()

    @model_validator(mode="after")
    def _consistent(self):
        taken = RESERVED & set(self.columns) | {n for n, c in self.columns.items() if n == "id" and c.role != "id"}
        if taken:
            raise ValueError(f"columns: {sorted(taken)} are names that the artifacts use themselves; choose others")
        if self.transactions:
            self.transactions.require_made(self.columns)
        dates = [n for n, column in self.columns.items() if column.type == "date" and column.role != "ignore"]
        if dates and not self.as_of:
            raise ValueError(f"the dates of {dates} need as_of: the day to which their days are counted")
        if not self.named("feature"):
            raise ValueError("no column has role: feature; at least one is needed to form segments")
        if len(self.named("id")) > 1:
            raise ValueError(f"more than one column has role: id ({', '.join(self.named('id'))})")
        if self.k_range[0] > self.k_range[1]:
            raise ValueError(f"k_range starts at {self.k_range[0]} and ends before it, at {self.k_range[1]}")
        numbers = [name for name, column in self.columns.items() if column.numeric]
        for name in (name for segment in self.segments for name in segment.levels if name not in numbers):
            raise ValueError(f"segments: {name!r} is not a number column{suggest(name, numbers)}")
        self._require_different()
        return self

    def _require_different(self) -> None:
        """Refuse two columns that a reader, or a table's header, could not tell apart."""
        shown = [self.label(name) for name in self.columns]
        spelt = [text for name, column in self.columns.items() for text in {*map(str.casefold, column.headers(name))}]
        for words, what in ((shown, "labels"), (spelt, "names or aliases")):
            repeated = sorted({word for word in words if words.count(word) > 1})
            if repeated:
                raise ValueError(f"columns: the {what} {repeated} belong to more than one column")

    @property
    def private(self) -> bool:
        """Whether no row of the table may be shown, and no group of fewer than ten."""
        return self.privacy == "aggregate"

    @property
    def key(self) -> str:
        """What tells the customers apart in every file: their id, or without one the number of their row."""
        return "id" if self.named("id") or self.transactions else "row"

    def named(self, *roles: str) -> tuple[str, ...]:
        """Return the canonical names of the columns that have one of `roles`, in file order."""
        return tuple(name for name, column in self.columns.items() if column.role in roles)

    @property
    def values(self) -> tuple[str, ...]:
        """The columns of what customers are worth, the main one first; what purchases came to always is one."""
        used = self.named("feature", "descriptor")
        made = {"monetary"} if self.transactions else set()
        return tuple(name for name in used if self.columns[name].value or name in made)

    def role(self, name: str, *, formed: bool | None = None) -> str:
        """Return what a reader is told that a column is, a value too; `formed` where FEATURES changes its role."""
        role = self.columns[name].role if formed is None else "feature" if formed else "descriptor"
        if name not in self.values:
            return role
        return "feature and value" if role == "feature" else "value"

    def label(self, name: str) -> str:
        """Return what a reader calls a column: its label, or its name as words."""
        column, words = self.columns[name], name.replace("_", " ")
        if column.label or column.type != "date" or column.role == "ignore":
            return column.label or words.capitalize()
        return tr("Years since {day}", day=words) if column.unit == "years" else tr("Days since {day}", day=words)

    def words(self, name: str) -> str:
        """Return what a column is called inside of a sentence: its label, or its name as words."""
        if spoken() != "en":
            return self.label(name)
        label = self.label(name) if self.columns[name].type == "date" else self.columns[name].label
        return in_sentence(label) if label else name.replace("_", " ")

    def axis(self, name: str) -> Axis:
        """Return the label with its unit, as an axis shows it; of words what their numbers mean."""
        column, label = self.columns[name], self.label(name)
        levels = column.levels
        ends = {"low": levels[0], "n": len(levels), "high": levels[-1]} if levels else {}
        unit = tr("1 {low} to {n} {high}", **ends) if levels else told_unit(column.unit)
        unit = tr("0 no, 1 yes") if column.type == "yes/no" and column.numeric else unit
        said = unit is None or holds_unit(label, unit) or holds_unit(label, column.unit or unit)
        axis = Axis(label if said else f"{label} ({unit})")
        axis.logged, axis.form = column.transform != "none", partial(self.amount, name)
        return axis

    def amount(self, name: str, value: float | None) -> str:
        """Return a number of a column for a reader."""
        return self.as_told(name, value, amount(value))

    def ranged(self, name: str, interval: Sequence[float] | None) -> str:
        """Return an interval of a column without its unit, for it stands beside a number that has one."""
        return spanning(interval, percent if self.columns[name].type == "yes/no" else self.axis(name).form)

    def measured(self, name: str, value: float | None) -> str:
        """Return a number of a column with its unit, which is not repeated where the label says it."""
        unit = self.columns[name].unit or ""
        return self.as_told(name, value, amount(value, None if holds_unit(self.label(name), unit) else unit))

    def one(self, name: str, value) -> str:
        """Return one value of a column, or a median, for a reader: a word, or a number with its unit."""
        column = self.columns[name]
        answers = {0.0: trc("an answer", "no"), 0.5: tr("as many yes as no"), 1.0: trc("an answer", "yes")}
        words = answers if column.type == "yes/no" else {1.0 * i: word for i, word in enumerate(column.levels, 1)}
        return words[value] if value in words else self.measured(name, value) if column.numeric else str(value)

    def forms(self, names: Iterable[str], **others) -> dict:
        """Return how the numbers of columns are written in a table that has them by their axes, beside others."""
        return {str(self.axis(name)): self.axis(name).form for name in names} | others

    def as_told(self, name: str, value: float | None, text: str) -> str:
        """Return the text of a number, one of a year without a comma; of yes and no it is the share of yes."""
        if value is None or text == NONE:
            return text
        if self.columns[name].type == "yes/no":
            return tr("{share} yes", share=percent(value))
        return ungrouped(text) if YEARS[0] <= value <= YEARS[1] and self.holds_years(name) else text

    def holds_years(self, name: str) -> bool:
        """Return whether the numbers of a column are years: its name says so, or its limits."""
        column = self.columns[name]
        within = (column.min or 0) >= YEARS[0] and (column.max or inf) <= YEARS[1]
        named = any(OF_YEARS.search(told.replace("_", " ").lower()) for told in (name, self.label(name)))
        return column.type == "number" and not column.unit and (within or named)

    def accepted(self, name: str) -> dict[str, float | None]:
        """Return the least (min) and the greatest value (max) of a feature that `make score` accepts, None for any."""
        column = self.columns[name]
        least = [limit for limit in (column.min, 0.0 if column.transform == "log" else None) if limit is not None]
        return {"min": max(least, default=None), "max": column.max}


def dataset_path(name: str, run: str) -> Path:
    """Return where a dataset is described; one that was assumed for a run lies among its artifacts."""
    return files.found(f"assets/{run}/dataset.yaml" if name == ASSUMED else f"data/{name}/dataset.yaml")
