"""What segments are called: levels in words, names of thirty letters, apart from each other, kept from earlier runs."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import pandas as pd

from segmentation.core.dataset import Dataset, Level
from segmentation.core.text import count, sentence, shortened
from segmentation.roles.days import LAST
from segmentation.roles.words import spelt
from segmentation.runs.artifacts import Heir
from segmentation.runs.records import Profile

HIGH = 0.5
MOST_SAY = 0.5  # of a share of yes: what most say
USUAL_INDEX = (67, 150)  # two thirds to half as much again
AVERAGE, UNNAMED = "Average in every feature", "See its levels"
EVERYONE = "All customers"  # the name of a segment of all, whose every level would be average
MOST_NAMED = 3  # with more features, levels leave the average ones out
LEVELS_TOLD = 8  # of which levels tell
LONGEST_CALLED = 30  # letters of a name that we make
FEWEST_LETTERS = 8  # of a label that is cut
PLAIN_WORDS = (  # what people say where a feature is low or high
    (
        r"recency|(?:days|weeks|months) since (?:\w+ )?(?:last|latest|most recent) "
        r"(?:orders?|purchases?|visits?|log-?in|activity|transactions?|bookings?|stay|payment|donation|buy|invoices?)"
        r"|tage seit (?:\w+ )?letzte[mnrs] (?:bestellung|kauf|einkauf|besuch|buchung)",
        {"low": "recently", "high": "long ago"},
    ),
    (
        r"(?:purchase |order |visit )?frequency|(?:number of |no\.? of |anzahl (?:der )?)?"
        r"(?:orders|purchases|visits|transactions|bookings|stays|trips|bestellungen|käufe|einkäufe|besuche|buchungen)",
        {"low": "seldom", "high": "often"},
    ),
    (
        r"tenure|(?:days|months|years) since (?:sign-?up|joining|joined|registration|first \w+)"
        r"|(?:days|months|years) as (?:a )?(?:customer|member)",
        {"low": "new", "high": "long-standing"},
    ),
)


def levelled(heights: pd.Series, told: dict, dataset: Dataset, *, alone: bool) -> dict:
    """Return the levels of a segment, the features by how far it stands from all, and what follows for its names."""
    levels = {f: level(z, told["index"][f]) for f, z in heights.items()}
    strongest = tuple(heights.abs().round(1).sort_values(ascending=False, kind="stable").index)
    phrases = {f: phrase(f, levels[f], told["centre"][f], dataset) for f in strongest}
    called = {"name": EVERYONE, "action": None} if alone else _named(levels, phrases, dataset)
    whole = EVERYONE if alone else level_name(levels, phrases, dataset)
    return {"levels": levels, "strongest": strongest, "level_name": whole, **called}


def as_before(heir: Heir, dataset: Dataset) -> dict:
    """Return the name of an earlier run, with the action that dataset.yaml gives for it now, else that of then."""
    now = [entry.action for entry in dataset.segments if entry.name == heir.name]
    return {"name": heir.name, "action": now[-1] if now else heir.action}


def level(z: float, index: float | None) -> Level:
    """Call a feature average less than half a standard deviation from the mean of all, as the model sees it.

    What has an index is average only where that says so too: within 67 to 150.
    """
    low, high = USUAL_INDEX
    if abs(z) < HIGH and (index is None or low <= index <= high):
        return "average"
    return "high" if z > 0 else "low"


def phrase(name: str, height: str, centre: float | None, dataset: Dataset) -> str:
    """Return how a level of a feature is put, with {} for what the feature is called: "high {}", "not {}"."""
    if dataset.columns[name].type != "yes/no" or height == "average":
        return f"{height} {{}}"
    if centre is None or (centre >= MOST_SAY) != (height == "high"):  # most of them say otherwise than most of all do
        return "more often {}" if height == "high" else "less often {}"
    return "{}" if height == "high" else "not {}"


def level_name(levels: Mapping[str, str], phrases: Mapping[str, str], dataset: Dataset) -> str:
    """Return the levels as words, in the order of `phrases`, such as "High annual income, low spending score"."""
    told = [f for f in phrases if levels[f] != "average" or len(levels) <= MOST_NAMED]
    if all(levels[f] == "average" for f in told):
        return AVERAGE
    words = [phrases[f].format(dataset.words(f)) for f in told]
    more = len(words) - LEVELS_TOLD
    words = [*words[:LEVELS_TOLD], count(more, "other feature")] if more > 1 else words
    return sentence(", ".join(words))


def short_name(names: Iterable[str], phrases: Mapping[str, str], dataset: Dataset) -> str | None:
    """Return the levels of the first two or three of these features in at most 30 letters; None where none has room.

    A label that is too long loses the words that say least, then its end; what is left stands for no other column.
    """
    names = list(names)[:MOST_NAMED]
    for told, cut in [(names, False), (names[:2], False), (names[:2], True), (names[:1], True), (names[1:2], True)]:
        found = _fitted(told, phrases, dataset, cut=cut) if told else None
        if found:
            return sentence(found)
    return None


def _fitted(names: list[str], phrases: Mapping[str, str], dataset: Dataset, *, cut: bool) -> str | None:
    """Return these levels, each label as long as there is room for it; None where there is too little."""
    plain = {f: _plainly(f, phrases[f], names, dataset) for f in names}
    room = LONGEST_CALLED - len(", ".join(plain[f] or phrases[f].format("") for f in names))
    words, left = {f: text for f, text in plain.items() if text}, [f for f in names if not plain[f]]
    for f in sorted(left, key=lambda f: len(dataset.words(f))):  # a short one leaves its room to the others
        most = room // (len(left) - len(words.keys() & set(left))) if cut else room
        label = shortened(dataset.words(f), _beside(f, dataset), most, cut=cut and most >= FEWEST_LETTERS)
        if label is None:
            return None
        words[f], room = phrases[f].format(label), room - len(label)
    return ", ".join(words[f] for f in names)


def _beside(feature: str, dataset: Dataset) -> list[str]:
    """Return what the other columns are called, from which a shortened label must differ."""
    return [dataset.words(name) for name in dataset.named("feature", "descriptor") if name != feature]


def _plainly(name: str, told: str, beside: Iterable[str], dataset: Dataset) -> str:
    """Return what people say of a level of recency, frequency or tenure; "" of others, and where two are alike."""
    kinds = {f: next((i for i, (kind, _) in enumerate(PLAIN_WORDS) if is_called(f, kind, dataset)), -1)
             for f in dataset.named("feature")}  # fmt: skip
    kind = kinds.get(name, -1)
    return "" if kind < 0 or [*kinds.values()].count(kind) > 1 else PLAIN_WORDS[kind][1].get(told.partition(" ")[0], "")


def is_called(name: str, kind: str, dataset: Dataset) -> bool:
    """Return whether a column is of a kind of `PLAIN_WORDS`, by its label or, of the last purchase, its date."""
    label = re.sub(r"\s*[(\[].*", "", dataset.label(name)).casefold()
    if dataset.columns[name].type == "date" and kind == PLAIN_WORDS[0][0]:  # in any language that names dates
        return bool(LAST.search(spelt(label)))
    return dataset.columns[name].type != "yes/no" and bool(re.fullmatch(kind, label))


def _named(levels: Mapping[str, str], phrases: Mapping[str, str], dataset: Dataset) -> dict:
    """Return name and action of the first entry of dataset.yaml whose levels all hold, else a name of ours."""
    for entry in dataset.segments:
        if all(levels.get(name) == height for name, height in entry.levels.items()):
            return {"name": entry.name, "action": entry.action}
    return {"name": called(levels, phrases, dataset), "action": None}


def called(levels: Mapping[str, str], phrases: Mapping[str, str], dataset: Dataset) -> str:
    """Return the name of a segment that nobody has named: what says most of it first."""
    far, near = ([f for f in phrases if (levels[f] == "average") == average] for average in (False, True))
    if not far:
        return AVERAGE
    beside = near if len(far) == 1 and len(phrases) <= MOST_NAMED else []
    return short_name([*far, *beside[:1]], phrases, dataset) or UNNAMED


def distinct_names(
    profiles: list[Profile],
    dataset: Dataset,
    deviations: pd.Series,
    kept: Collection[int] = (),
    former: Collection[str] = (),
) -> list[Profile]:
    """Tell segments of one name apart by the feature in which they differ most, relative to its spread over all.

    Those in `kept` have their names already, and no other gets a `former` one: who knows it would mistake the segment.
    """
    names, gone = {profile.segment: profile.name for profile in profiles}, {*map(_parts, former)}
    for name, times in Counter(names.values()).items():
        twins = [profile for profile in profiles if profile.name == name]
        named = [profile for profile in twins if profile.segment not in kept]
        if not named or (times == 1 and (_parts(name) not in gone or name == EVERYONE)):
            continue
        spread = {f: _spread([t.centre[f] for t in twins]) / deviations[f] for f in twins[0].centre}
        apart = sorted((f for f in spread if spread[f] > 0), key=lambda f: -spread[f])
        apart = apart if times > 1 else [f for f in twins[0].strongest if twins[0].centre[f] is not None]
        owned, others = name in {entry.name for entry in dataset.segments}, {*names.values()}
        tried = [[_apart(profile, f, way, dataset) for profile in named]
                 for way in (["owned"] if owned else ["levels", "amount"]) for f in apart]  # fmt: skip
        tried.append([_numbered(profile, owned=owned) for profile in named])
        free = ({name for name in told if name and _parts(name) not in gone} - others for told in tried)
        found = next(told for told, left in zip(tried, free, strict=True) if len(left) == len(named))
        names |= {profile.segment: told or name for profile, told in zip(named, found, strict=True)}
    return [profile.model_copy(update={"name": names[profile.segment]}) for profile in profiles]


def _parts(name: str) -> tuple[str, ...]:
    """Return what a name says, in whatever order."""
    return tuple(sorted(name.casefold().split(", ")))


def _apart(profile: Profile, feature: str, way: str, dataset: Dataset) -> str | None:
    """Return a name that says more of a feature: its level first, or its centre."""
    measured = dataset.measured(feature, profile.centre[feature])
    if way == "owned":
        return f"{profile.name} ({dataset.words(feature)} {dataset.amount(feature, profile.centre[feature])})"
    if way == "levels":
        phrases = {f: phrase(f, profile.levels[f], profile.centre[f], dataset) for f in profile.strongest}
        far = [f for f in phrases if f != feature and profile.levels[f] != "average"]
        return short_name([feature, *far], phrases, dataset)
    label = shortened(dataset.words(feature), _beside(feature, dataset), LONGEST_CALLED - len(measured) - 1, cut=True)
    return label and sentence(f"{label} {measured}")


def _numbered(profile: Profile, *, owned: bool) -> str:
    """Return a name with the number of its segment."""
    number = f", segment {profile.segment}"
    return f"{profile.name if owned else profile.name[: LONGEST_CALLED - len(number)].rstrip(' ,…')}{number}"


def _spread(values: list[float | None]) -> float:
    """Return how far apart values are; less than nothing where one may not be shown."""
    known = [value for value in values if value is not None]
    return max(known) - min(known) if len(known) == len(values) else -1.0
