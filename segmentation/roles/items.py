"""Items of a questionnaire: yes or no, and ratings on one scale, which form the segments where most of a table is such.

Neither the order of rows and columns nor the number of rows decides: what is alike in name, or most of a table, does.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from segmentation.core.privacy import SMALLEST_GROUP
from segmentation.core.text import NO, YES, key
from segmentation.language.kept import Reason
from segmentation.roles import words
from segmentation.roles.look import MOST_EMPTY, MOSTLY, Looked, unit_of

FEWEST_ITEMS = 3
LONGEST_SCALE = 11
LEAST, GREATEST = -5, 10
LATEST = 2  # where a scale may begin: of 1 to 7 nobody may have chosen 1
SURE = 5  # so many columns between the same ends are no coincidence
SAY_LITTLE = {
    "is",
    "has",
    "have",
    "had",
    "was",
    "did",
    "does",
    "no",
    "n",
    "num",
    "number",
    "count",
    "total",
    "avg",
    "how",
    "of",
    "the",
    "a",
}
NO_ITEMS = (words.OUTCOME, words.CODE, words.MODELLED, words.EARLIER)
Scale = tuple[int, int]
Spec = tuple[dict, str]


@dataclass(frozen=True)
class Item:
    """One column of a battery: its scale, () for yes or no, and how many columns there are of its kind."""

    scale: Scale | tuple[()]
    of: int
    alike: bool

    def spec(self, role: str) -> dict:
        """Return its keys of dataset.yaml."""
        kind = {"type": "rating", "min": self.scale[0], "max": self.scale[1]} if self.scale else {"type": "yes/no"}
        return {"role": role} | kind

    @property
    def reason(self) -> str:
        """Return why it is an item."""
        if not self.scale:
            return (Reason.ANSWERS_ALIKE if self.alike else Reason.ANSWERS).format(n=self.of)
        kind = Reason.RATINGS_ALIKE if self.alike else Reason.RATINGS
        return kind.format(n=self.of, low=self.scale[0], high=self.scale[1])


def find_items(looked: Looked, names: Sequence[str]) -> dict[str, Item]:
    """Return the items of a table by name: three or more of one kind and scale, alike in name or most of the table.

    Parameters
    ----------
    names : sequence of str
        The columns but those of ids and dates.
    """
    said = [name for name in names if _says_something(looked.spelt[name], looked.texts[name])]
    scales = {name: scale for name in sorted(said) if (scale := _scale_of(name, looked)) is not None}
    own = {name for name in scales if not words.PERSON.search(looked.spelt[name])}
    found: dict[str, Item] = {}
    for family in _families(scales, looked.headers):
        if len(own.intersection(family)) >= FEWEST_ITEMS:  # among motives, motive_children is no count of children
            found |= _batteries({name: scales[name] for name in family if name not in found}, looked, alike=True)
    others = {name: scale for name, scale in scales.items() if name in own and name not in found}
    loose = _batteries(others, looked, alike=False)
    if 2 * len(found | loose) >= len(said):
        found |= loose
    return found


def judge_items(items: dict[str, Item], judged: Mapping[str, Spec], looked: Looked) -> dict[str, Spec]:
    """Return the keys of the items and why; where they form the segments, also of the amounts, which then describe."""
    amounts = [name for name, (spec, _) in judged.items() if spec["role"] == "feature"]
    forming = _form_segments(items, amounts, looked)
    told = {
        name: (item.spec("feature" if name in forming else "descriptor"), item.reason) for name, item in items.items()
    }
    for name in amounts if forming else ():
        spec, reason = judged[name]
        kept = {key: value for key, value in spec.items() if key != "transform"}
        told[name] = kept | {"role": "descriptor"}, f"{reason} beside a questionnaire"
    return told


def _form_segments(items: dict[str, Item], amounts: list[str], looked: Looked) -> list[str]:
    """Return the items that form the segments; none where the amounts are what a table is of.

    Yes and no beside amounts is mostly what else a shop noted down: it takes more of them.
    """
    usable = [name for name in items if (looked.texts[name] == "").mean() <= MOST_EMPTY]
    ratings = sum(bool(items[name].scale) for name in usable)
    return usable if ratings + (len(usable) - ratings) / 2 > len(amounts) and len(usable) >= FEWEST_ITEMS else []


def says_yes_or_no(filled: pd.Series) -> bool:
    """Return whether the cells of a column say yes and no, in one of many languages, or 1 and 0."""
    said = filled.str.lower()
    found = set(said.unique()) if said.isin([*YES, *NO]).all() else set()
    return not found.isdisjoint(YES) and not found.isdisjoint(NO)


def levels_in_words(filled: pd.Series) -> list[str]:
    """Return the levels of a rating, ascending, of which some are explained: "I hate it!-5", "-4" to "I love it!+5".

    None where a text of fewer than ten would be told.
    """
    counts = filled.value_counts()
    if not FEWEST_ITEMS <= len(counts) <= LONGEST_SCALE or counts.min() < SMALLEST_GROUP:
        return []
    plain = counts.index.str.fullmatch(r"[+-]?\d{1,2}")
    at = [re.search(r"[+-]?\d{1,2}$", text) or re.match(r"[+-]?\d{1,2}(?=\W)", text) for text in counts.index]
    points = {text: int(number[0]) for text, number in zip(counts.index, at, strict=True) if number}
    numbers = set(points.values())
    whole = len(numbers) == len(counts) and max(numbers) - min(numbers) < LONGEST_SCALE
    return sorted(points, key=points.__getitem__) if whole and 2 * plain.sum() >= len(counts) > plain.sum() else []


def _says_something(spelt: str, texts: pd.Series) -> bool:
    filled = texts[texts != ""]
    left = words.LEFT.search(spelt) or words.INDEX.search(spelt)
    return filled.nunique() > 1 and not left


def _scale_of(name: str, looked: Looked) -> Scale | tuple[()] | None:
    """Return the ends of what could be a rating, () of yes or no, and None of any other column."""
    if any(pattern.search(looked.spelt[name]) for pattern in NO_ITEMS):
        return None
    texts = looked.texts[name]
    if says_yes_or_no(texts[texts != ""]):
        return ()
    values = looked.numbers.get(name, pd.Series(dtype=float)).dropna()
    if values.empty or (values % 1 != 0).any() or unit_of(name, looked):
        return None
    low, high = int(values.min()), int(values.max())
    inside = LEAST <= low < high <= max(GREATEST, low + LONGEST_SCALE - 1) and high - low < LONGEST_SCALE
    return (low, high) if inside and values.nunique() > 2 else None


def _families(names: Iterable[str], headers: dict[str, str]) -> list[list[str]]:
    """Return the columns that are alike in name, the largest families first."""
    families = defaultdict(list)
    for name in names:
        for stem in _stems(headers[name]):
            families[stem].append(name)
    large = {tuple(family) for family in families.values() if len(family) >= FEWEST_ITEMS}
    return [list(family) for family in sorted(large, key=lambda family: (-len(family), family))]


def _stems(header: str) -> set[tuple[str, str]]:
    """Return what a header may have in common with others: how it begins and ends, numbers apart."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    parts = [part for part in re.split(r"[\W_\d]+", parted.lower()) if part] or ["#"]
    ends = {("first", parts[0]), ("last", parts[-1])}
    together = key(header)
    if not together.isascii() and " " not in header:  # scripts that do not part words
        ends |= {("first", together[:2]), ("last", together[-3:])} if len(together) > 3 else set()
    return {(where, word) for where, word in ends if word not in SAY_LITTLE}


def _batteries(scales: dict[str, Scale | tuple[()]], looked: Looked, *, alike: bool) -> dict[str, Item]:
    """Part columns by kind and scale, and return those of which there are three or more."""
    answers = [name for name, scale in scales.items() if not scale]
    found = {name: Item((), len(answers), alike) for name in answers}
    found = {} if len(answers) < FEWEST_ITEMS or _is_one_of_several(looked, answers) else found
    rest = {name: scale for name, scale in scales.items() if scale}
    while len(rest) >= FEWEST_ITEMS:
        scale = _common_scale(rest.values())
        names = [name for name, (low, high) in rest.items() if scale[0] <= low and high <= scale[1]]
        exact = sum(rest[name] == scale for name in names)
        if len(names) >= FEWEST_ITEMS and scale[0] <= LATEST and _agree(scale, exact, len(names), alike=alike):
            found |= {name: Item(scale, len(names), alike) for name in names}
        rest = {name: ends for name, ends in rest.items() if name not in names}
    return found


def _agree(scale: Scale, exact: int, of: int, *, alike: bool) -> bool:
    """Return whether so many columns end where a scale does that it is one: counts begin at 0 and end anywhere."""
    if scale[0] == 0 and not (exact >= MOSTLY * of and (alike or scale[1] == GREATEST or exact >= SURE)):
        return False
    return alike or 3 * exact >= 2 * of


def _common_scale(scales: Iterable[Scale]) -> Scale:
    """Return the ends that most have, or where they differ those around all."""
    counts = Counter(scales)
    common, n = max(counts.items(), key=lambda found: (found[1], found[0][1] - found[0][0], found[0]))
    around = min(low for low, _ in counts), max(high for _, high in counts)
    return around if 2 * n < counts.total() and around[1] - around[0] < LONGEST_SCALE else common


def _is_one_of_several(looked: Looked, names: list[str]) -> bool:
    """Return whether no row says yes twice: one category, written as a column for each of its values."""
    yes = pd.DataFrame({name: looked.texts[name].str.lower().isin(YES) for name in names})
    return bool((yes.sum(axis=1) <= 1).all())
