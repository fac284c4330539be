"""What segments are called, and what may follow: levels as people say them, names in thirty letters, suggestions."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from segmentation.core.dataset import LONGEST_CALLED, Dataset, Level
from segmentation.core.text import shortened
from segmentation.language import mark, tr, trc, trn
from segmentation.language.writing import sentence
from segmentation.roles.known import Said, high_or_low, kind_of, said, subject, usual
from segmentation.runs.artifacts import Heir
from segmentation.runs.records import Profile, Verdict

HIGH = 0.5
MOST_SAY = 0.5  # of a share of yes: what most say
USUAL_INDEX = (67, 150)  # two thirds to half as much again
AVERAGE, UNNAMED = mark("Average in every feature"), mark("See its levels")
EVERYONE = mark("All customers")  # the name of a segment of all, whose every level would be average
MOST_NAMED = 3  # with more features, levels leave the average ones out
LEVELS_TOLD = 8  # of which levels tell
FEWEST_LETTERS = 8  # of a label that is cut
SUGGESTED: tuple[tuple[dict[str, Level], str], ...] = (  # by what stands out; the first that holds
    ({"recency": "high", "value": "high"}, mark("Win them back first, with a personal offer: they brought much.")),
    (
        {"recency": "high", "frequency": "high"},
        mark("Win them back soon, with a personal offer: they used to come often."),
    ),
    ({"recency": "high", "frequency": "low"}, mark("Write to them once more at little cost, and leave it at that.")),
    ({"recency": "high", "value": "low"}, mark("Write to them once more at little cost, and leave it at that.")),
    ({"recency": "high"}, mark("Give them one good reason to come back, before they are gone for good.")),
    (
        {"recency": "low", "frequency": "high", "value": "high"},
        mark("Thank them, and look after them in person; they need no discount."),
    ),
    ({"recency": "low", "value": "high"}, mark("Thank them in person, and suggest what goes with what they have.")),
    (
        {"recency": "low", "frequency": "high"},
        mark("Thank them, and suggest what goes with what they have; no discount."),
    ),
    ({"recency": "low", "tenure": "low"}, mark("Welcome them, and make the next time easy.")),
    (
        {"recency": "low", "frequency": "low"},
        mark("Stay in touch while they remember you, and make the next time easy."),
    ),
    ({"recency": "low"}, mark("Stay in touch while they remember you: suggest what goes with their latest choice.")),
    (
        {"frequency": "high", "value": "high"},
        mark("Thank them, and look after them in person; notice early when they come less often."),
    ),
    (
        {"frequency": "high", "value": "low"},
        mark("Suggest bundles, or something a little better, rather than discounts."),
    ),
    ({"frequency": "low", "value": "high"}, mark("Prepare each contact with them well: few of them bring much.")),
    (
        {"frequency": "low", "value": "low"},
        mark("Include them in what goes to everybody, and keep what they cost low."),
    ),
    ({"value": "high"}, mark("Look after them in person: losing one of them costs most.")),
    ({"frequency": "high"}, mark("Thank them for coming often, and suggest what goes with what they have.")),
    ({"value": "low"}, mark("Suggest what goes with what they have, and keep what they cost low.")),
    ({"frequency": "low"}, mark("Give them a reason to come again, at a time that suits them.")),
    ({"tenure": "low"}, mark("Welcome them, and show them what else there is.")),
    ({"tenure": "high"}, mark("Thank them for staying, and ask what they would miss.")),
)


class Phrase(NamedTuple):
    """How a level of a feature is put, {label} for its label: "bought long ago", with little room "long ago"."""

    whole: str
    bare: str
    label: str

    def told(self) -> str:
        """Return it as the levels of a segment tell it."""
        return self.whole.format(label=self.label)


def phrases(levels: Mapping[str, str], centres: Mapping[str, float | None], dataset: Dataset) -> dict[str, Phrase]:
    """Return how the level of each feature is put: "long ago", "spent little", "high {label}", "not {label}"."""
    known = said(dataset)
    return {f: _phrase(f, height, centres.get(f), known.get(f), dataset) for f, height in levels.items()}


def _phrase(name: str, height: str, centre: float | None, own: Said | None, dataset: Dataset) -> Phrase:
    label = subject(name, dataset) if own and own.named else dataset.words(name)
    if dataset.columns[name].type == "yes/no" and height != "average":
        text = _of_most(height, centre, own)
        return Phrase(text, text, label)
    put = own or high_or_low()
    return Phrase(getattr(put, height), put.bare(height), label)


def _of_most(height: str, centre: float | None, own: Said | None) -> str:
    """Return what is said of yes and no: what most of them say, or what they say more often than all do."""
    yes, no = (own.high, own.low) if own else ("{label}", trc("level", "not {label}"))
    if centre is not None and (centre >= MOST_SAY) == (height == "high"):
        return yes if height == "high" else no
    if own:  # most of them say otherwise than this end
        return trc("level", "more often {level}", level=yes if height == "high" else no)
    return trc("level", "more often {label}") if height == "high" else trc("level", "less often {label}")


def levelled(heights: pd.Series, beyond: pd.Series, told: dict, dataset: Dataset, *, alone: bool) -> dict:
    """Return the levels of a segment, the features by how far it stands from all, and what follows for its names.

    Parameters
    ----------
    heights, beyond : Series
        Of each feature how far the segment stands above all: as the model sees it, and by the plain means.
    """
    levels = {f: level(z, told["index"][f], beyond[f]) for f, z in heights.items()}
    strongest = tuple(heights.abs().round(1).sort_values(ascending=False, kind="stable").index)
    put = phrases({f: levels[f] for f in strongest}, told["centre"], dataset)
    called = {"name": tr(EVERYONE), "action": None} if alone else _named(levels, put, dataset)
    whole = tr(EVERYONE) if alone else level_name(levels, put)
    return {"levels": levels, "strongest": strongest, "level_name": whole, **called}


def as_before(heir: Heir, dataset: Dataset) -> dict:
    """Return the name of an earlier run, with the action that dataset.yaml gives for it now, else that of then.

    Where several are merged it has none that it did not keep: it was not planned for all of them.
    """
    merged = len(heir.comes_from) > 1 and heir.action is None
    now = [entry.action for entry in dataset.segments if entry.name == heir.name and not merged]
    then = {"action": heir.action, "suggested": heir.suggested}
    return {"name": heir.name, **({"action": now[-1], "suggested": False} if now else then)}


def suggest_actions(profiles: list[Profile], dataset: Dataset, verdict: Verdict) -> list[Profile]:
    """Give each segment without an action one that follows from the levels of features that people know, if any does.

    Where no groups were found, and of all customers as one, nothing is suggested.
    """
    if verdict == "none" or len(profiles) == 1:
        return [p.model_copy(update={"action": None, "suggested": False}) if p.suggested else p for p in profiles]
    kinds = {f: kind for f in profiles[0].levels if (kind := _certain(f, dataset))}
    return [
        profile if profile.action else profile.model_copy(update=_suggested(profile, kinds)) for profile in profiles
    ]


def _certain(name: str, dataset: Dataset) -> str | None:
    """Return what a feature measures where its own words do not turn it round: recency may be a score."""
    words, kind = dataset.columns[name].words, kind_of(name, dataset)
    known = usual().get(kind or "")
    if words and known and not dataset.transactions and not {words.low, words.high} & {known.low, known.high}:
        return None
    turned = words and known and (words.low == known.high or words.high == known.low)
    return None if turned else kind or ("value" if name in dataset.values else None)


def _suggested(profile: Profile, kinds: Mapping[str, str]) -> dict:
    """Return the first suggestion whose levels all hold; of two features of a kind that differ neither counts."""
    found = {kind: {profile.levels[f] for f in kinds if kinds[f] == kind} for kind in kinds.values()}
    stands = {kind: levels.pop() for kind, levels in found.items() if len(levels) == 1}
    action = next((told for levels, told in SUGGESTED if levels.items() <= stands.items()), None)
    return {"action": action and tr(action), "suggested": action is not None}


def level(z: float, index: float | None, beyond: float = 0.0) -> Level:
    """Call a feature average less than half a standard deviation from the mean of all, as the model sees it.

    What has an index is average only where that says so too: within 67 to 150. Where the plain mean lies on the other
    side of that of all, as on the scale of a logarithm it may, nobody would understand a "high" beside it.
    """
    low, high = USUAL_INDEX
    if (abs(z) < HIGH and (index is None or low <= index <= high)) or z * beyond < 0:
        return "average"
    return "high" if z > 0 else "low"


def level_name(levels: Mapping[str, str], put: Mapping[str, Phrase]) -> str:
    """Return the levels as words, in the order of `put`, such as "Bought long ago, often, high annual income"."""
    told = [f for f in put if levels[f] != "average" or len(levels) <= MOST_NAMED]
    if all(levels[f] == "average" for f in told):
        return tr(AVERAGE)
    words = [put[f].told() for f in told]
    more = len(words) - LEVELS_TOLD
    words = [*words[:LEVELS_TOLD], trn("{n} other feature", "{n} other features", more)] if more > 1 else words
    return sentence(_joined(words))


def _joined(words: Iterable[str]) -> str:
    """Return levels as one text, in which "rates" is said once of ratings that follow each other."""
    told: list[str] = []
    rated, rates = False, usual()["rating"].low.partition("{label}")[0]
    for word in words:
        told.append(word.removeprefix(rates) if rated else word)
        rated = word.startswith(rates)
    return ", ".join(told)


def short_name(names: Iterable[str], put: Mapping[str, Phrase], dataset: Dataset) -> str | None:
    """Return the levels of the first two or three of these features in at most 30 letters; None where none has room.

    What may be left out is; a label that is too long loses the words that say least, then its end. What is left stands
    for no other column.
    """
    names = list(names)[:MOST_NAMED]
    tried = [(told, way) for told in (names, names[:2]) for way in ("whole", "bare")]
    for told, way in [*tried, *((told, "cut") for told in (names[:2], names[:1], names[1:2]))]:
        found = _fitted(told, put, dataset, way) if told else None
        if found:
            return sentence(found)
    return None


def _fitted(names: list[str], put: Mapping[str, Phrase], dataset: Dataset, way: str) -> str | None:
    """Return these levels, each label as long as there is room for it; None where there is too little."""
    forms = {f: put[f].whole if way == "whole" else put[f].bare for f in names}
    room = LONGEST_CALLED - len(_joined(form.format(label="") for form in forms.values()))
    words = {f: form.format(label="") for f, form in forms.items() if form.format(label="") == form.format(label="x")}
    left = [f for f in names if f not in words]
    if room < 0:
        return None
    for f in sorted(left, key=lambda f: len(put[f].label)):  # a short one leaves its room to the others
        most = room // (len(left) - len(words.keys() & set(left))) if way == "cut" else room
        label = shortened(put[f].label, _beside(f, dataset), most, cut=way == "cut" and most >= FEWEST_LETTERS)
        if label is None:
            return None
        words[f], room = forms[f].format(label=label), room - len(label)
    return _joined(words[f] for f in names)


def _beside(feature: str, dataset: Dataset) -> list[str]:
    """Return what the other columns are called, from which a shortened label must differ."""
    return [dataset.words(name) for name in dataset.named("feature", "descriptor") if name != feature]


def _named(levels: Mapping[str, str], put: Mapping[str, Phrase], dataset: Dataset) -> dict:
    """Return name and action of the first entry of dataset.yaml whose levels all hold, else a name of ours."""
    for entry in dataset.segments:
        if all(levels.get(name) == height for name, height in entry.levels.items()):
            return {"name": entry.name, "action": entry.action}
    return {"name": called(levels, put, dataset), "action": None}


def called(levels: Mapping[str, str], put: Mapping[str, Phrase], dataset: Dataset) -> str:
    """Return the name of a segment that nobody has named: what says most of it first."""
    far, near = ([f for f in put if (levels[f] == "average") == average] for average in (False, True))
    if not far:
        return tr(AVERAGE)
    beside = near if len(far) == 1 and len(put) <= MOST_NAMED else []
    return short_name([*far, *beside[:1]], put, dataset) or tr(UNNAMED)


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
        if not named or (times == 1 and (_parts(name) not in gone or name == tr(EVERYONE))):
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
        put = phrases({f: profile.levels[f] for f in profile.strongest}, profile.centre, dataset)
        far = [f for f in put if f != feature and profile.levels[f] != "average"]
        return short_name([feature, *far], put, dataset)
    label = shortened(dataset.words(feature), _beside(feature, dataset), LONGEST_CALLED - len(measured) - 1, cut=True)
    return label and sentence(f"{label} {measured}")


def _numbered(profile: Profile, *, owned: bool) -> str:
    """Return a name with the number of its segment."""
    room = LONGEST_CALLED - len(tr("{name}, segment {number}", name="", number=profile.segment))
    name = profile.name if owned else profile.name[:room].rstrip(" ,…")
    return tr("{name}, segment {number}", name=name, number=profile.segment)


def called_by_number(segment: int) -> str:
    """Return what a segment is called that has no name."""
    return tr("segment {number}", number=segment)


def quoted(name: str) -> str:
    """Return a name as it stands inside of a sentence: in quotation marks where commas or colons part its words."""
    return tr("“{name}”", name=name) if set(name) & {",", ":"} else name


def _spread(values: list[float | None]) -> float:
    """Return how far apart values are; less than nothing where one may not be shown."""
    known = [value for value in values if value is not None]
    return max(known) - min(known) if len(known) == len(values) else -1.0
