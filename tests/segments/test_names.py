"""What a segment is called that nobody has named: in 30 letters, apart from the others, and true."""

from types import SimpleNamespace

import pandas as pd
import pytest

from segmentation.core.dataset import Dataset
from segmentation.core.text import shortened
from segmentation.segments.names import _plainly, called, distinct_names, level_name, phrase

MANY = {f"x{i}": "high" for i in range(40)}
WORDS = "How satisfied are you with the following aspects of our hotel: "


def _dataset(labels: dict[str, str], **how) -> Dataset:
    columns = {name: {"role": "feature", "label": label, **how} for name, label in labels.items()}
    return Dataset(title="T", columns=columns)


def _called(labels: dict[str, str], levels: dict[str, str], centres=None, **how) -> tuple[str, str]:
    dataset = _dataset(labels, **how)
    phrases = {f: phrase(f, height, (centres or {}).get(f), dataset) for f, height in levels.items()}
    return called(levels, phrases, dataset), level_name(levels, phrases, dataset)


@pytest.mark.parametrize(
    ("labels", "levels", "name"),
    [
        (["Annual income", "Spending score"], "high low", "High income, low spending"),
        (["Annual income", "Spending score"], "low average", "Low income, average spending"),
        (["Annual income", "Spending score"], "average average", "Average in every feature"),
        (["Revenue", "Number of orders", "Days since last order"], "high low high", "High Revenue, seldom, long ago"),
        (["Revenue", "Frequency", "Recency"], "low high low", "Low Revenue, often, recently"),
        (["Orders", "Visits"], "high low", "High Orders, low visits"),  # of which of them is "often" said?
        (["Umsatz", "Tage seit der letzten Bestellung"], "high low", "High Umsatz, recently"),
        ([f"{WORDS}{what}" for what in ("wifi", "food", "staff")], "high low average", "High wifi, low food"),
        (["Rate us [Wifi]", "Rate us [Food]", "Rate us [Room]"], "high high low", "High Wifi, high Food, low Room"),
        ([f"Q {i}" for i in (1, 2, 3)], "high low average", "High Q 1, low Q 2"),
        (["x" * 80, "y" * 80, "z"], "high average low", f"High {'x' * 17}…, low z"),
        (["Income of the household in euros", "income"], "high low", "High income of…, low income"),
    ],
)
def test_a_name_says_the_strongest_features_in_thirty_letters(labels, levels, name):
    named = {f"f{i}": label for i, label in enumerate(labels)}
    told, whole = _called(named, dict(zip(named, levels.split(), strict=True)))
    assert (told, len(told) <= 30) == (name, True)
    assert all(label in whole.replace("annual income", "Annual income").replace("spending score", "Spending score")
               or height == "average" or label.lower() in whole.lower()
               for label, height in zip(labels, levels.split(), strict=True))  # fmt: skip


def test_yes_and_no_are_told_by_what_most_say():
    words = {w: w.capitalize() for w in ("tasty", "cheap", "fast", "greasy", "new")}
    levels = dict.fromkeys(words, "average") | {"tasty": "high", "cheap": "low"}
    assert _called(words, levels, {"tasty": 0.9, "cheap": 0.1}, type="yes/no")[0] == "Tasty, not Cheap"
    # A third said tasty, more than of all: a name that called them tasty would not be true of most.
    assert _called(words, levels, {"tasty": 0.3, "cheap": 0.1}, type="yes/no")[0] == "More often Tasty, not Cheap"
    assert _called(words, levels, {"tasty": None, "cheap": 0.6}, type="yes/no")[1] == (
        "More often Tasty, less often Cheap"
    )


def test_many_levels_do_not_make_an_endless_line():
    told, whole = _called({name: name.upper() for name in MANY}, MANY)
    assert told == "High X0, high X1, high X2"
    assert whole.endswith("high X7, 32 other features")


def _profiles(centres: list[dict], levels: list[dict], name: str) -> list:
    def one(i: int, centre: dict, own: dict):
        profile = SimpleNamespace(
            segment=i + 1, name=name, centre=centre, levels=own, strongest=tuple(centre), named=None
        )
        profile.model_copy = lambda update: update["name"]
        return profile

    return [one(i, *both) for i, both in enumerate(zip(centres, levels, strict=True))]


@pytest.mark.parametrize(
    ("centres", "levels", "names"),
    [
        ([(9, 1), (9, 5)], ["high low", "high high"], ["Low calls, high income", "High calls, high income"]),
        ([(9, 1), (12, 1)], ["high low", "high low"], ["Income 9 k$", "Income 12 k$"]),
        ([(9, 1), (9, 1)], ["high low"] * 2, ["High income, segment 1", "High income, segment 2"]),
        ([(None, 1), (9, 1)], ["high low"] * 2, ["High income, segment 1", "High income, segment 2"]),
    ],
)
def test_two_segments_of_one_name_are_told_apart(centres, levels, names):
    dataset = Dataset(title="T", columns={"income": {"role": "feature", "unit": "k$"}, "calls": {"role": "feature"}})
    centres = [dict(zip(("income", "calls"), centre, strict=True)) for centre in centres]
    levels = [dict(zip(("income", "calls"), level.split(), strict=True)) for level in levels]
    profiles = _profiles(centres, levels, "High income")
    spread = pd.Series({"income": 1.0, "calls": 1.0})
    assert distinct_names(profiles, dataset, spread, ()) == names
    kept = distinct_names(profiles, dataset, spread, (1,))
    assert (kept[0], kept[1] != kept[0]) == ("High income", True)


def test_no_new_segment_has_the_name_of_one_that_is_gone():
    columns = {"income": {"role": "feature", "unit": "k$"}, "calls": {"role": "feature"}}
    named = [{"levels": {"income": "high"}, "name": "Rich", "action": "Call"}]
    dataset, spread = Dataset(title="T", columns=columns, segments=named), pd.Series({"income": 1.0, "calls": 1.0})
    levels = [{"income": "high", "calls": "low"}]
    for name, gone, other in (
        ("Rich", "Rich", "Rich (income 9)"),
        ("High income", "High income", "High income, low calls"),
        ("High income, low calls", "Low calls, high income", "Income 9 k$"),
    ):
        profiles = _profiles([{"income": 9, "calls": 1}], levels, name)
        assert distinct_names(profiles, dataset, spread, former=["Poor"]) == [name]
        assert distinct_names(profiles, dataset, spread, former=["Poor", gone]) == [other]


def test_a_shortened_label_stands_for_no_other_column():
    assert shortened("Annual income", ["Age"], 10) == "income"
    assert shortened("Annual income", ["Household income"], 10) is None
    assert shortened("Annual income", ["Household income"], 10, cut=True) == "Annual…"
    assert shortened("a" * 40 + "1", ["a" * 40 + "2"], 14, cut=True) == "aaaaaaa…aaaaa1"
    assert shortened("ab" * 30, ["ab" * 31], 8, cut=True) is None
    letters = shortened("ตัวเลือกที่ยาวมากของลูกค้าทั้งหมดในร้าน", [], 12, cut=True)
    assert len(letters) <= 12


def test_a_card_shows_five_descriptors_and_folds_the_others_but_never_one_alone():
    from segmentation.report.tell import _folded

    shown = {n: [len(part) for part in _folded("descriptors", [{}] * n).values()] for n in (0, 5, 6, 7, 30)}
    assert shown == {0: [0, 0], 5: [5, 0], 6: [6, 0], 7: [5, 2], 30: [5, 25]}


@pytest.mark.parametrize(
    "label", ["Days since Letzte Bestellung", "Days since última compra", "Days since dernier achat"]
)
def test_a_date_of_what_was_last_done_is_told_plainly_in_other_languages(label):
    dated = {"role": "feature", "type": "date", "date_format": "yyyy-mm-dd", "label": label}
    dataset = Dataset(title="T", as_of="2024-07-01", columns={"last": dated, "spend": {"role": "feature"}})
    assert _plainly("last", "high days", [], dataset) == "long ago"
