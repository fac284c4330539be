"""What a segment is called that nobody has named: in 30 letters, apart from the others, and true."""

import itertools
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from segmentation.core.dataset import Dataset, SegmentName
from segmentation.core.text import shortened
from segmentation.language import message, telling_in
from segmentation.monitoring.transitions import _heir
from segmentation.runs.artifacts import Heir, Origin
from segmentation.runs.records import Profile
from segmentation.segments import tell as segments_tell
from segmentation.segments.names import as_before, called, distinct_names, level_name, phrases, suggest_actions
from segmentation.segments.profiles import actions_table, flatten, headed

MANY = {f"x{i}": "high" for i in range(40)}
WELL_KNOWN = re.compile("order|frequency|recency|tenure|Bestellung", re.I)
WORDS = "How satisfied are you with the following aspects of our hotel: "


def _dataset(labels: dict[str, str], **how) -> Dataset:
    columns = {name: {"role": "feature", "label": label, **how} for name, label in labels.items()}
    return Dataset(title="T", columns=columns)


def _called(labels: dict[str, str], levels: dict[str, str], centres=None, **how) -> tuple[str, str]:
    dataset = _dataset(labels, **how)
    put = phrases(levels, centres or {}, dataset)
    return called(levels, put, dataset), level_name(levels, put)


@pytest.mark.parametrize(
    ("labels", "levels", "name"),
    [
        (["Annual income", "Spending score"], "high low", "High income, low spending"),
        (["Annual income", "Spending score"], "low average", "Low income, average spending"),
        (["Annual income", "Spending score"], "average average", "Average in every feature"),
        (["Revenue", "Number of orders", "Days since last order"], "high low high", "High revenue, seldom, long ago"),
        (["Revenue", "Frequency", "Recency"], "low high low", "Low revenue, often, lately"),
        (["Recency days", "Tenure (months)"], "high low", "Long ago, new"),
        (["Orders", "Visits"], "high low", "Orders: often, visits: seldom"),  # of which of them is "often" said?
        (["Umsatz", "Tage seit der letzten Bestellung"], "high low", "High Umsatz, bought lately"),
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
    far = [label for label, height in zip(labels, levels.split(), strict=True) if height != "average"]
    assert all(label.lower() in whole.lower() for label in far if not WELL_KNOWN.search(label))


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


GERMAN = {
    ("level", "high {label}"): "{label} hoch",
    ("short", "high {label}"): "{label} hoch",
    ("level", "low {label}"): "{label} niedrig",
    ("short", "low {label}"): "{label} niedrig",
    ("level", "bought long ago"): "kauften lange nicht",
    ("level", "long ago"): "lange her",
    ("level", "rates {label} low"): "{label} schlecht bewertet",
    "All customers": "Alle Kunden",
}


def test_names_are_told_as_the_language_of_the_reader_orders_them(monkeypatch):
    monkeypatch.setattr(message, "catalogue", lambda language: GERMAN if language == "de" else {})
    with telling_in("de"):
        told = _called({"a": "Einkommen", "b": "Kosten"}, {"a": "high", "b": "low"})
        assert told == ("Einkommen hoch, Kosten niedrig",) * 2  # 30 letters
        ordered = {"label": "Days since last order"}
        assert _put({"f": ordered, "g": {"label": "Wert"}}, "high low") == (
            "Lange her, Wert niedrig", "Kauften lange nicht, Wert niedrig",
        )  # fmt: skip
        assert _put({"f": {"label": "Wifi"} | RATING, "g": {"label": "Bar"} | RATING}, "low low")[1] == (
            "Wifi schlecht bewertet, Bar schlecht bewertet"
        )
    assert _called({"a": "Income", "b": "Calls"}, {"a": "high", "b": "low"})[0] == "High income, low Calls"


def test_a_unit_that_the_label_says_is_not_said_again():
    columns = {"revenue_eur": {"role": "feature", "unit": "EUR"}, "spend": {"role": "feature", "unit": "EUR"}}
    dataset = Dataset(title="T", columns=columns)
    assert (dataset.measured("revenue_eur", 12), dataset.measured("spend", 12)) == ("12", "12 EUR")


def test_a_shortened_label_stands_for_no_other_column():
    assert shortened("Annual income", ["Age"], 10) == "income"
    assert shortened("Annual income", ["Household income"], 10) is None
    assert shortened("Annual income", ["Household income"], 10, cut=True) == "Annual…"
    assert shortened("a" * 40 + "1", ["a" * 40 + "2"], 14, cut=True) == "aaaaaaa…aaaaa1"
    assert shortened("ab" * 30, ["ab" * 31], 8, cut=True) is None
    letters = shortened("ตัวเลือกที่ยาวมากของลูกค้าทั้งหมดในร้าน", [], 12, cut=True)
    assert len(letters) <= 12


LONG = [
    "average monthly household spending on fruit",
    "share of orders with express delivery",
    "number of contacts with customer service",
    "days since the last visit",
]


def test_a_long_label_keeps_the_word_that_tells():
    def short(label: str, most: int, *, cut: bool = False) -> str | None:
        return shortened(label, [other for other in LONG if other != label], most, cut=cut)

    assert [short(label, 18) for label in LONG] == ["household spending", "express delivery", "contacts", None]
    assert [short(label, 9, cut=True) for label in LONG] == ["spending", "express…", "contacts", "days sin…"]
    assert shortened("Anteil der Bestellungen mit Expresslieferung", LONG, 16) == "Expresslieferung"
    assert shortened("Dépenses mensuelles moyennes du foyer", LONG, 10) == "Dépenses"
    assert shortened("spending on fruit", ["spending on bread"], 10) is None


def test_a_card_shows_five_descriptors_and_folds_the_others_but_never_one_alone():
    from segmentation.report.tell.card import _folded

    shown = {n: [len(part) for part in _folded("descriptors", [{}] * n).values()] for n in (0, 5, 6, 7, 30)}
    assert shown == {0: [0, 0], 5: [5, 0], 6: [6, 0], 7: [5, 2], 30: [5, 25]}


DAY = {"type": "date", "date_format": "yyyy-mm-dd"}
RATING = {"type": "rating", "min": 1, "max": 5}


def _put(columns: dict[str, dict], levels: str, centres=None, **how) -> tuple[str, str]:
    described = {name: {"role": "feature"} | column for name, column in columns.items()}
    dataset = Dataset.model_validate({"title": "T", "columns": described, "as_of": "2024-07-01"} | how)
    told = dict(zip(columns, levels.split(), strict=True))
    put = phrases(told, centres or {}, dataset)
    return called(told, put, dataset), level_name(told, put)


@pytest.mark.parametrize(
    ("column", "low", "high"),
    [
        ({"label": "Recency"}, "Lately", "Long ago"),
        ({"label": "Days since Letzte Bestellung"} | DAY, "Bought lately", "Bought long ago"),
        ({"label": "Days since última compra"} | DAY, "Bought lately", "Bought long ago"),
        ({"label": "Days since dernier achat"} | DAY, "Bought lately", "Bought long ago"),
        ({"label": "Days since last visit"}, "Visited lately", "Visited long ago"),
        ({"label": "Days since last login"}, "Active lately", "Active long ago"),
        ({"label": "Days since last complaint"}, "Last complaint: lately", "Last complaint: long ago"),
        ({"label": "Days since complaint"} | DAY, "Complaint: lately", "Complaint: long ago"),
        ({"label": "Contract ends"} | DAY, "Low Contract ends", "High Contract ends"),  # it may lie ahead
        ({"label": "Frequency (per year)"}, "Seldom", "Often"),
        ({"label": "Anzahl der Käufe"}, "Seldom", "Often"),
        ({"label": "Tenure (months)"}, "New", "Long-standing"),
        ({"label": "Days since sign-up"} | DAY, "New", "Long-standing"),
        ({"label": "Revenue", "value": True}, "Spent little", "Spent much"),
        ({"label": "Revenue"}, "Low revenue", "High revenue"),  # of a firm it may be what it turns over
        ({"label": "Spending score"}, "Low spending score", "High spending score"),
        ({"label": "Age", "unit": "years"}, "Younger", "Older"),
        ({"label": "Age", "unit": "months"}, "Low age", "High age"),  # of an account
        ({"label": "Age of car"}, "Low age of car", "High age of car"),
        ({"label": "Year of birth"}, "Older", "Younger"),
        ({"label": "Years since birth", "unit": "years"} | DAY, "Younger", "Older"),
        ({"label": "Age", "unit": "years"} | DAY, "Younger", "Older"),  # as a date of birth is labelled
        ({"label": "Wifi"} | RATING, "Rates Wifi low", "Rates Wifi high"),
        ({"label": "Frequency"} | RATING, "Low frequency", "High frequency"),  # a score that somebody gave
        ({"label": "Recency", "words": {"low": "kürzlich", "high": "lange her"}}, "Kürzlich", "Lange her"),
    ],
)
def test_the_two_ends_of_a_feature_are_told_as_people_say_them(column, low, high):
    assert [_put({"f": column}, level)[1] for level in ("low", "high")] == [low, high]


def test_purchases_are_bought_lately_often_and_come_to_much():
    made = {"customer": ["c"], "date": ["d"], "amount": ["a"], "as_of": "2024-07-01"}
    columns = {"recency": {}, "frequency": {}, "monetary": {}}
    how = {"transactions": made, "as_of": None}
    assert _put(columns, "high high low", **how) == (
        "Long ago, often, spent little",
        "Bought long ago, often, spent little",
    )
    assert _put(columns, "high low low", **how)[0] == "Long ago, seldom, spent little"
    assert _put(columns, "average high average", **how)[1] == "Bought some time ago, often, average spend"


@pytest.mark.parametrize(
    ("labels", "levels", "name", "whole"),
    [
        # "Long ago, lately" would say of neither which it is.
        (
            ["Days since last order", "Days since last visit"],
            "high low",
            "Bought long ago",
            "Bought long ago, visited lately",
        ),
        (["Orders", "Purchases"], "low high", "Orders: seldom", "Orders: seldom, purchases: often"),
        (["Recency", "Last"], "high low", "Long ago, low Last", "Long ago, low Last"),
        (["Spend", "Expenses"], "high low", "High spend, low Expenses", "High spend, low Expenses"),
    ],
)
def test_two_features_of_one_kind_are_told_apart(labels, levels, name, whole):
    told = _called(
        {f"f{i}": label for i, label in enumerate(labels)}, {f"f{i}": v for i, v in enumerate(levels.split())}
    )
    assert told == (name, whole)


def test_own_words_stand_in_any_language_and_on_two_features_beside_their_labels():
    seldom = {"low": "selten", "high": "oft {oder} mehr"}
    assert _put({"a": {"words": seldom}, "b": {}}, "high low") == ("Oft {oder} mehr, low b",) * 2
    both = {"a": {"label": "Besuche", "words": seldom}, "b": {"label": "Käufe", "words": seldom}}
    assert _put(both, "low low")[1] == "Besuche: selten, Käufe: selten"
    car = {"car": {"type": "yes/no", "words": {"low": "no car", "high": "car owners"}}}
    told = {at: _put(car, level, {"car": at})[1] for at, level in ((0.9, "high"), (0.1, "low"), (0.3, "high"))}
    assert told == {0.9: "Car owners", 0.1: "No car", 0.3: "More often car owners"}


@pytest.mark.parametrize(
    ("words", "type_", "message"),
    [
        ({"low": "Often", "high": " often "}, "number", "both ends are called 'Often'"),
        ({"low": "seldom"}, "number", "high"),
        ({"low": " ", "high": "often"}, "number", "at least 1 character"),
        ({"low": "x" * 31, "high": "often"}, "number", "at most 30 characters"),
        ({"low": "red", "high": "blue"}, "category", "a category has no two ends"),
    ],
)
def test_words_are_two_and_differ(words, type_, message):
    with pytest.raises(ValueError, match=message):
        _put({"a": {"words": words, "type": type_}, "b": {}}, "low low")


def _suggested(columns: dict[str, dict], levels: dict[str, str], verdict="natural", **how) -> list[tuple]:
    dataset = Dataset.model_validate(
        {"title": "T", "columns": {name: {"role": "feature"} | column for name, column in columns.items()}}
    )
    nothing = {"centre": {}, "centre_interval": {}, "mean": {}, "index": {}, "descriptors": {}}
    one = {"size": 20, "share": 0.5, "share_interval": (0, 1), "level_name": "", "name": "A", "action": None} | nothing
    profiles = [Profile(segment=i, levels=levels, **(one | how)) for i in (1, 2)]
    return [(p.action, p.suggested, p.advised(verdict)) for p in suggest_actions(profiles, dataset, verdict)]


RFM = {name: {"label": name.title()} for name in ("recency", "frequency", "monetary", "tenure")}


@pytest.mark.parametrize("levels", itertools.product(("low", "average", "high"), repeat=4))
def test_who_left_is_won_back_who_is_here_is_thanked_and_nobody_is_told_both(levels):
    [(action, suggested, told), _] = _suggested(RFM, dict(zip(RFM, levels, strict=True)))
    assert suggested == (action is not None) == (set(levels) != {"average"})
    assert told == (action and f"Suggestion: {action}")
    recency, frequency, monetary, _ = levels
    if recency == "high":
        assert re.match("Win them back|Write to them once|Give them one good reason to come back", action)
        assert action.startswith("Win them back") == ("high" in (frequency, monetary))
    elif "high" in (frequency, monetary) and "low" not in (frequency, monetary):
        assert re.match("Thank|Look after", action)


def test_what_is_given_is_never_replaced_and_nothing_is_suggested_without_groups():
    levels = dict.fromkeys(RFM, "high")
    assert _suggested(RFM, levels, action="Call.")[0] == ("Call.", False, "Call.")
    assert _suggested(RFM, levels, verdict="none")[0] == (None, False, None)
    assert _suggested(RFM, levels, verdict="none", action="Win.", suggested=True)[0] == (None, False, None)
    assert _suggested({"income": {"label": "Income"}}, {"income": "high"})[0] == (None, False, None)


def test_nobody_is_asked_to_come_more_often_of_whom_nobody_knows_how_often_they_come():
    often = RFM | {"frequency": {"label": "Anzahl", "words": {"low": "selten", "high": "häufig"}}}
    levels = {"recency": "low", "frequency": "high", "monetary": "high"}
    assert "often" not in _suggested(often, levels)[0][0]


def test_a_recency_that_own_words_turn_round_gets_no_suggestion():
    score = {"recency": {"label": "Recency", "words": {"low": "long ago", "high": "lately"}}}
    assert _suggested(score, {"recency": "high"})[0][0] is None
    days = {"recency": {"label": "Recency", "words": {"low": "recently", "high": "long ago"}}}
    assert _suggested(days, {"recency": "high"})[0][0].startswith("Give them one good reason")


def test_a_segment_that_is_found_again_keeps_its_action_and_whether_it_was_suggested():
    dataset = _dataset({"recency": "Recency"})
    heir = {"segment": 1, "kept_from": 1, "comes_from": (1,), "name": "Few", "selected_as": 1}
    then = Heir(**heir, action="Win.", suggested=True)
    assert as_before(then, dataset) == {"name": "Few", "action": "Win.", "suggested": True}
    named = SegmentName(levels={"recency": "low"}, name="Few", action="Call.")
    now = as_before(then, dataset.model_copy(update={"segments": (named,)}))
    assert now == {"name": "Few", "action": "Call.", "suggested": False}


def _profile(segment: int, recency: tuple[float, str], **how) -> Profile:
    at, level = recency
    ends = {"centre": {"recency": at}, "centre_interval": {"recency": (at, at)}, "levels": {"recency": level}}
    one = {"size": 20, "share": 0.5, "share_interval": (0, 1), "level_name": "", "name": f"S{segment}", "action": None}
    return Profile(segment=segment, **(one | ends | {"mean": {}, "index": {"recency": None}, "descriptors": {}} | how))


def test_recency_is_never_highest():
    dataset = _dataset({"recency": "Recency"}, unit="days")
    profiles = [_profile(1, (4.0, "low")), _profile(2, (90.0, "average")), _profile(3, (200.0, "high"))]
    told = segments_tell.centres(profiles, dataset, ["recency"])
    assert told.startswith("Recency runs from 4 days in S1 (lately) to 200 days in S3 (long ago).")
    told = segments_tell.centres(profiles[:2], dataset, ["recency"])  # "some time ago" is no end
    assert told.startswith("Recency runs from 4 days in S1 (lately) to 90 days in S2.")
    named = [_profile(1, (4.0, "low"), name="Lately, often"), profiles[2]]  # its name says so already
    told = segments_tell.centres(named, dataset, ["recency"])
    assert told.startswith("Recency runs from 4 days in “Lately, often” to 200 days in S3 (long ago).")
    income = _dataset({"recency": "Income"}, unit="k$")
    assert segments_tell.centres(profiles, income, ["recency"]).startswith("Income is highest in S3 (200 k$)")


@pytest.mark.parametrize("suggested", [True, False])
def test_a_suggestion_is_marked_wherever_an_action_stands(suggested):
    dataset = _dataset({"recency": "Recency"})
    own = {"action": "Call.", "suggested": suggested}
    profile, other = _profile(1, (4.0, "low"), **own), _profile(2, (9.0, "high"))
    marked = "Suggestion: Call." if suggested else "Call."
    from segmentation.report.tell.card import _card  # its part of a card alone

    card = _card(profile, None, "natural", ["recency"], [], dataset, None)
    assert (card["action"], card["advice"]) == ("Call.", marked)
    assert card["what_to_do"] == ("Suggestion" if suggested else "What to do")
    assert headed([profile, other], dataset)["action"].fillna("").tolist() == [marked, ""]
    flat = flatten([profile, other])
    told = actions_table(flat, "natural")["what to do"].tolist()
    assert told == [marked, "none given in dataset.yaml"]
    assert ("a suggestion by the levels" in segments_tell.recommended(flat)) == suggested
    base = SimpleNamespace(profiles=[profile])
    heir = _heir(Origin(segment=1, kept_from=1, comes_from=(1,)), base, np.array([9]), 1, of_parts=True)
    assert (heir.action, heir.suggested) == ("Call.", suggested)
    assert (profile.advised("natural"), profile.advised("none")) == (marked, None)
