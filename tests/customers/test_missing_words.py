"""Words for missing: a category where they are frequent beside others, and else told by column and number."""

import pandas as pd
import pytest

from segmentation.core.dataset import Dataset
from segmentation.core.privacy import NEARLY
from segmentation.core.text import answers
from segmentation.customers.cleaning import clean, overview
from segmentation.customers.tell import filled_formats
from segmentation.roles.guess import guess_columns
from segmentation.tables.read import read_large, read_small
from segmentation.tables.sources import locate

COUNTED = {
    "a plan of none": ({"none": 20, "Basic": 50, "Premium": 30}, {"none"}),
    "a plan of None": ({"None": 34, "Basic": 33, "Premium": 33}, {"none"}),
    "a region of North America": ({"NA": 30, "EMEA": 40, "APAC": 30}, {"na"}),
    "Namibia": ({"NA": 1, "DE": 50, "FR": 40, "US": 9}, {"na"}),
    "a few who did not answer": ({"NA": 8, "Male": 46, "Female": 46}, set()),
    "none of many towns": ({"none": 6} | {f"Town {chr(65 + i)}": 2 for i in range(20)}, set()),
    "numbers": ({"NA": 30, "1": 30, "2": 40}, set()),
    "spans of ages": ({"none": 30, "18-25": 30, "26-40": 40}, set()),
    "yes and no": ({"NA": 40, "yes": 30, "No": 30}, set()),
    "what means nothing else": ({"null": 30, "?": 30, "-": 20, "n/a": 30, "Basic": 20}, set()),
    "nothing else": ({"none": 30}, set()),
}


@pytest.mark.parametrize("name", COUNTED)
def test_a_word_for_missing_that_is_as_frequent_as_others_is_a_category(name):
    counts, said = COUNTED[name]
    assert answers(counts) == said


COLUMNS = {
    "id": {"role": "id"},
    "plan": {"role": "descriptor", "type": "category"},
    "country": {"role": "descriptor", "type": "category"},
    "channel": {"role": "descriptor", "type": "category"},
    "visits": {"role": "feature", "required": False, "missing": "median"},
    "spend": {"role": "feature"},
}
SHOP = Dataset(title="T", columns=COLUMNS)


def shop(folder, **changed):
    n = 60
    table = pd.DataFrame({
        "id": [f"c{i}" for i in range(n)],
        "plan": [("none", "Basic", " None ", "Premium")[i % 4] for i in range(n)],
        "country": ["NA" if i == 7 else ("DE", "FR", "US")[i % 3] for i in range(n)],
        "channel": [("null", "web", "shop", "?", "web")[i % 5] for i in range(n)],
        "visits": ["-" if i < 3 else str(i % 9) for i in range(n)],
        "spend": [f"{i * 7 % 61}.5" for i in range(n)],
    } | changed)  # fmt: skip
    table.to_csv(folder / "shop.csv", index=False)
    return locate("DATA", str(folder / "shop.csv"))


@pytest.mark.parametrize("read", [read_small, read_large])
def test_what_is_a_category_stays_and_what_was_taken_for_missing_is_listed(tmp_path, read):
    raw, headers = read(shop(tmp_path), SHOP, wanted=tuple(COLUMNS))
    cleaned = clean(raw, SHOP, features=("visits", "spend"), headers=headers, file="shop.csv")
    counts = cleaned.customers.table.to_pandas()[["plan", "country", "channel"]].apply(pd.Series.value_counts)
    assert counts["plan"].dropna().to_dict() == {"None": 30, "Basic": 15, "Premium": 15}
    assert counts["country"].dropna().to_dict() == {"NA": 1, "DE": 20, "FR": 19, "US": 20}
    assert cleaned.account.missing == {"channel": 24, "visits": 3}
    found = overview(raw, headers["columns"], SHOP).set_index("column")
    assert found.loc["plan", "filled"] == NEARLY  # of a private table
    form = filled_formats(SHOP)["taken_for_missing"]
    told = {name: form(words) for name, words in found["taken_for_missing"].items() if words}
    assert told == {"channel": "“?” 10 or more and “null” 10 or more", "visits": "“-” fewer than 10"}


def test_a_word_that_stands_for_missing_numbers_too_is_missing(tmp_path):
    source = shop(tmp_path, visits=["none" if i < 12 else str(i) for i in range(60)])
    raw, headers = read_small(source, SHOP, wanted=tuple(COLUMNS))
    cleaned = clean(raw, SHOP, features=("visits", "spend"), headers=headers, file="shop.csv")
    assert cleaned.account.missing["plan"] == 30
    assert overview(raw, headers["columns"], SHOP).set_index("column").loc["plan", "taken_for_missing"] == {
        "None": 15,
        "none": 15,
    }
    assert "2 different texts" in {guess.name: guess.reason for guess in guess_columns(source)}["plan"]


def test_no_list_where_nothing_was_taken_for_missing(tmp_path):
    source = shop(tmp_path, channel="web", visits="3")
    raw, headers = read_small(source, SHOP, wanted=tuple(COLUMNS))
    assert "taken_for_missing" not in overview(raw, headers["columns"], SHOP)
    assert "4 different texts" in {guess.name: guess.reason for guess in guess_columns(source)}["country"]
