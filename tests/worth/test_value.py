"""What the segments are worth: each figure against an independent computation with pandas."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from segmentation.core.dataset import Dataset
from segmentation.core.engine import MOST_HELD, opened
from segmentation.customers.cleaning import clean
from segmentation.customers.customers import Customers
from segmentation.customers.purchases import raw_dataset
from segmentation.pipeline.progress import tell_worth
from segmentation.runs import tell as runs_tell
from segmentation.runs.records import Profile
from segmentation.runs.run import load_dataset
from segmentation.runs.worth import Worth
from segmentation.segments.profiles import headed
from segmentation.tables.read import read_table
from segmentation.tables.sources import locate
from segmentation.worth import plots, tell
from segmentation.worth.value import interval, worth_of
from tests.conftest import ROOT, in_frames

SHARED = ROOT.parent / "shared" / "data"
COLUMNS = {"id": {"role": "id"}, "visits": {"role": "feature"}, "revenue": {"role": "value", "unit": "€"}}
RETAIL = {
    "customer": ["CustomerID"],
    "order": ["InvoiceNo"],
    "date": ["InvoiceDate"],
    "quantity": ["Quantity"],
    "price": ["UnitPrice"],
    "returns": "C",
    "as_of": "2011-12-10",
}


def described(privacy: str = "rows", **columns) -> Dataset:
    return Dataset.model_validate({"title": "T", "privacy": privacy, "columns": COLUMNS | columns})


def shop(revenue, segment=1, **others) -> pd.DataFrame:
    """Return customers with this revenue."""
    revenue = np.asarray(revenue, float)
    ids = [f"c{i}" for i in range(len(revenue))]
    return pd.DataFrame({"id": ids, "visits": 1.0, "revenue": revenue, "segment": segment, **others})


def only(frame: pd.DataFrame, dataset: Dataset | None = None, features=("visits",)) -> Worth:
    dataset = dataset or described()
    [worth] = worth_of(Customers.of(dataset, frame), dataset, features=features)
    return worth


def profiles_of(frame: pd.DataFrame) -> list[Profile]:
    sizes = frame["segment"].value_counts().sort_index()
    rest = {"levels": {}, "level_name": "L", "action": None, "centre": {}, "centre_interval": {}, "index": {}}
    rest |= {"share_interval": (0, 1), "mean": {}, "descriptors": {}, "strongest": ()}
    return [Profile(segment=s, name=f"Name {s}", size=n, share=n / len(frame), **rest) for s, n in sizes.items()]


def top_fifth(values: pd.Series) -> float:
    """Return what the top fifth has, customer by customer, the last one in part."""
    left, taken = len(values) / 5, 0.0
    for value in sorted(values, reverse=True):
        part = min(1.0, left)
        taken, left = taken + part * value, left - part
    return taken / values.sum()


def check(worth: Worth, frame: pd.DataFrame, column: str) -> None:
    """Compare with sums over the rows of each segment."""
    known = frame.dropna(subset=[column])
    total = known[column].sum()
    assert worth.customers == len(known)
    assert worth.total == pytest.approx(total)
    assert worth.each == pytest.approx(total / len(known))
    assert worth.top_fifth == pytest.approx(top_fifth(known[column]))
    for part, (segment, own) in zip(worth.parts, known.groupby("segment"), strict=True):
        assert part.segment == segment
        assert part.share == pytest.approx(own[column].sum() / total)
        assert part.each == pytest.approx(own[column].mean())
        assert part.top_fifth == pytest.approx(top_fifth(own[column]))
        assert part.each_interval[0] < part.each < part.each_interval[1]
    ascending = np.sort(known[column])
    for customers, share in worth.lorenz:
        assert share == pytest.approx(ascending[: round(customers * len(known))].sum() / total, abs=1e-9)
    assert (worth.lorenz[0], worth.lorenz[-1]) == ((0, 0), (1, 1))


def bought(name: str, dataset: Dataset) -> pd.DataFrame:
    """Read purchases into customers, in three segments by how many orders they made."""
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"{name} is not here; README says where to download it")
    raw, headers = read_table(locate("DATA", str(path)), raw_dataset(dataset), wanted=())
    frame = in_frames(clean(raw, dataset, features=dataset.named("feature"), headers=headers, file=name)).customers
    return frame.assign(segment=np.select([frame["frequency"] < 2, frame["frequency"] < 5], [1, 2], 3))


def test_what_the_customers_of_cdnow_are_worth():
    dataset = load_dataset("cdnow").model_copy(update={"privacy": "rows"})
    frame = bought("CDNOW_master.txt", dataset)
    lines = [line.split() for line in (SHARED / "CDNOW_master.txt").read_text().splitlines()[1:]]
    raw = pd.DataFrame(lines, columns=["id", "day", "n", "amount"]).astype({"amount": float})
    raw["segment"] = raw["id"].map(frame.set_index("id")["segment"])
    worth = only(frame, dataset, dataset.named("feature"))
    assert (worth.column, worth.formed) == ("monetary", True)
    check(worth, raw.groupby(["id", "segment"])["amount"].sum().reset_index(), "amount")
    assert worth.basket == pytest.approx(raw["amount"].sum() / len(raw))
    orders = raw.groupby("segment")["amount"].mean()
    assert [part.basket for part in worth.parts] == pytest.approx(list(orders))


def test_what_the_customers_of_online_retail_are_worth():
    columns = {"id": {"role": "id"}, **{name: {"role": "feature"} for name in ("recency", "frequency", "monetary")}}
    described = {"title": "T", "columns": columns, "transactions": RETAIL, "privacy": "rows"}
    dataset = Dataset.model_validate(described)
    frame = bought("online_retail_20000.csv", dataset)
    raw = pd.read_csv(SHARED / "online_retail_20000.csv", dtype=str, encoding="latin-1").dropna(subset=["CustomerID"])
    raw["amount"] = raw["Quantity"].astype(float) * raw["UnitPrice"].astype(float)
    raw["id"], raw["order"] = raw["CustomerID"], raw["InvoiceNo"].where(raw["Quantity"].astype(float) > 0)
    raw["segment"] = raw["id"].map(frame.set_index("id")["segment"])
    raw = raw.dropna(subset=["segment"])
    worth = only(frame, dataset, dataset.named("feature"))
    check(worth, raw.groupby(["id", "segment"])["amount"].sum().reset_index(), "amount")
    assert worth.basket == pytest.approx(raw["amount"].sum() / raw.groupby("id")["order"].nunique().sum())


def test_a_large_table_is_worth_what_its_rows_are(tmp_path):
    rng, n = np.random.default_rng(3), MOST_HELD + 1_000
    frame = shop(rng.lognormal(3, 1.2, n).round(2), rng.integers(1, 4, n))
    frame.loc[::50, "revenue"] = np.nan
    frame.to_parquet(tmp_path / "large.parquet")
    everyone = Customers(described(), opened(tmp_path / "large.parquet"), frame.head(1_000))
    assert everyone.sampled
    [worth] = worth_of(everyone, described(), features=["visits"])
    check(worth, frame, "revenue")
    assert worth.customers < n


def test_a_fifth_that_is_no_whole_number_and_ties():
    worth = only(shop([10, 5, 5, 5, 5, 1, 1]))  # 1.4 customers: 10, and two fifths of one of four alike
    assert worth.top_fifth == pytest.approx((10 + 0.4 * 5) / 32)
    assert only(shop([4.0] * 8)).top_fifth == pytest.approx(0.2)


def test_all_alike_one_customer_and_one_segment():
    worth = only(shop([4.0] * 8))
    assert [(p.share, p.each, p.each_interval) for p in worth.parts] == [(1, 4, (4, 4))]
    assert all(share == pytest.approx(customers) for customers, share in worth.lorenz)
    [part] = only(shop([7.0])).parts
    assert (part.share, part.each, part.each_interval, part.top_fifth) == (1, 7, None, 0.2)


def test_of_one_segment_the_whole_is_told_and_no_share():
    frame = shop([4, 6, 10])
    worth, profiles = only(frame), profiles_of(frame)
    found = SimpleNamespace(segments=profiles, worth=(worth,))
    assert (runs_tell.worth_line(1, found, described()), tell_worth(found, described())) == ("", "")
    assert plots.shares([worth], profiles, described()) is None
    assert tell.shares([worth], profiles, described()) == tell.worth([worth], profiles, described()) == ""
    assert list(tell.worth_table([worth], profiles, described())["its top fifth has"]) == ["30%"]  # 0.6 of 10, of 20
    assert plots.concentration([worth], described()).get_ylabel() == "share of revenue"
    assert tell.concentration([worth], described()).startswith("The fifth of the customers who are worth most have 30%")


def test_values_below_nothing_and_a_total_of_nothing():
    below = only(shop([100, 20, 10, -30], [1, 1, 2, 2]))
    assert [part.share for part in below.parts] == pytest.approx([1.2, -0.2])
    assert runs_tell.value_shares(below) == {1: "120%", 2: "-20%"}
    assert min(share for _, share in below.lorenz) < 0
    for revenue in ([1e9, 0.1, -1e9, -0.1], [-5, -6, -7, -8]):
        frame = shop(revenue, [1, 1, 2, 2])
        worth = only(frame)
        assert {part.share for part in worth.parts} == {None}
        assert (worth.top_fifth, worth.lorenz) == (None, ())
        assert [part.each for part in worth.parts] == pytest.approx(list(frame.groupby("segment")["revenue"].mean()))
        profiles = profiles_of(frame)
        assert "of that there are no shares." in tell.worth([worth], profiles, described())
        assert runs_tell.worth_most(profiles, [worth], described()) == ""
        assert plots.shares([worth], profiles, described()) is None


def test_who_is_worth_nothing_that_is_known_is_counted_and_told():
    frame = shop([10, np.nan, 30, np.nan, np.nan], [1, 1, 2, 2, 3])
    worth = only(frame)
    assert (worth.customers, [part.share for part in worth.parts]) == (2, [0.25, 0.75, None])
    assert "of whom it is known (three customers without it count nowhere here)" in tell.table([worth], 5, described())
    assert worth_of(Customers.of(described(), shop([np.nan] * 3)), described(), features=[]) == ()


def test_the_interval_of_a_skewed_mean_holds_it_more_often_than_a_percentile_bootstrap():
    rng, held = np.random.default_rng(5), np.zeros(2)
    for _ in range(300):
        values = rng.lognormal(0, 1, 20)
        apart = values - values.mean()
        low, high = interval(20, values.mean(), (apart**2).sum(), (apart**3).sum())
        drawn = np.quantile(rng.choice(values, (300, 20)).mean(axis=1), [0.025, 0.975])
        held += [low <= np.exp(0.5) <= high, drawn[0] <= np.exp(0.5) <= drawn[1]]
    assert held[0] / 300 > 0.9 > held[1] / 300


def test_of_a_normal_sample_the_interval_is_students():
    # Of 1, 2 and 3: 2 -+ 4.303 * 1 / sqrt(3).
    assert interval(3, 2.0, 2.0, 0.0) == pytest.approx((2 - 2.484, 2 + 2.484), abs=1e-3)
    assert np.isnan(interval(1, 2.0, 0.0, 0.0)).all()


def test_the_share_is_one_text_everywhere():
    frame = shop([60.4, 20.3, 19.3], [1, 2, 3])
    worth, profiles, dataset = only(frame), profiles_of(frame), described()

    found = SimpleNamespace(segments=profiles, worth=(worth,))
    told = runs_tell.worth_shares(found)
    assert told == {1: "61%", 2: "20%", 3: "19%"}
    assert sum(int(share[:-1]) for share in told.values()) == 100
    assert runs_tell.worth_line(1, found, dataset) == "34% of customers, 61% of revenue"
    assert tell_worth(found, dataset) == "1 Name 1 61%, 2 Name 2 20%, 3 Name 3 19% of revenue"
    assert runs_tell.worth_most(profiles, [worth], dataset) == "Name 1: 34% of the customers, 61% of revenue."
    table = tell.worth_table([worth], profiles, dataset)
    assert list(table["share of revenue"]) == [*told.values(), "100%"]
    drawn = plots.shares([worth], profiles, dataset)
    assert {text.get_text() for text in drawn.texts} >= set(told.values())
    assert headed(profiles, dataset, [worth])["Revenue, share of all"].sum() == pytest.approx(1)


def test_without_a_value_nothing_is_said():
    profiles, dataset = profiles_of(shop([1, 2])), described()
    assert tell.worth_table([], profiles, dataset) is None
    said = [tell.table([], 2, dataset), tell.worth([], profiles, dataset), tell.concentration([], dataset)]
    said += [tell.shares([], profiles, dataset), tell.most(profiles, [], dataset)]
    assert said == [""] * 5
    assert plots.shares([], profiles, dataset) is plots.concentration([], dataset) is None


def test_a_value_that_formed_the_segments_is_no_discovery():
    frame, dataset = shop([1, 2, 3, 9], [1, 1, 2, 2]), described(revenue={"role": "feature", "value": True})
    worth = only(frame, dataset, ["revenue"])
    assert worth.formed
    assert "is no discovery" in tell.worth([worth], profiles_of(frame), dataset)
    assert "is no discovery" not in tell.worth([only(frame)], profiles_of(frame), described())


def test_a_second_value_is_told_beside_the_main_one():
    frame = shop([1, 2, 3, 4], [1, 1, 2, 2], profit=[4.0, 4.0, 1.0, 1.0])
    dataset = described(profit={"role": "value"})
    values = worth_of(Customers.of(dataset, frame), dataset, features=["visits"])
    assert [worth.column for worth in values] == ["revenue", "profit"]
    table = tell.worth_table(values, profiles_of(frame), dataset)
    assert list(table["share of profit"]) == ["80%", "20%", "100%"]
