"""Features that are answers, yes or no or a rating, and no amounts: how they are scaled, drawn and told."""

import numpy as np
import pandas as pd

from segmentation.core.dataset import Dataset
from segmentation.customers import tell as customers_tell
from segmentation.customers.counts import Grouping
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import how_scaled, shown_means
from segmentation.customers.plots import groups
from segmentation.methods import tell as methods_tell
from segmentation.segments import plots, tell
from segmentation.segments.fit import are_profiled, describe_scaling, distance_unit, item_profiles, scale

ANSWERS = {name: {"role": "feature", "type": "yes/no"} for name in ("tasty", "cheap", "greasy")}


def of(columns: dict, **more) -> Dataset:
    return Dataset(title="T", columns=columns, **more)


def test_items_go_in_unscaled_unless_somebody_asks_or_an_amount_is_beside():
    frame = pd.DataFrame({"tasty": [1.0, 0, 1, 1], "cheap": [0.0, 0, 1, 0], "greasy": [1.0, 1, 0, 0]})
    scaler, X = scale(frame, of(ANSWERS), tuple(ANSWERS))
    assert np.array_equal(X, frame.to_numpy())
    assert distance_unit(of(ANSWERS), list(ANSWERS)) == "points"
    told = methods_tell.scaling(describe_scaling(scaler, tuple(ANSWERS)), of(ANSWERS))
    assert "goes in unscaled. Yes counts 1 point and no 0." in told
    asked = of(ANSWERS, scaling="standard")
    assert how_scaled(asked, list(ANSWERS)) == "standard"
    assert distance_unit(asked, list(ANSWERS)) == "standard deviations"
    mixed = of(ANSWERS | {"spend": {"role": "feature"}})
    assert how_scaled(mixed, [*ANSWERS, "spend"]) == "standard"
    assert how_scaled(mixed, list(ANSWERS)) == "none"


def segmented(columns: dict, frame: pd.DataFrame, **more) -> Customers:
    return Customers.of(of(columns, **more), frame.assign(id=[str(i) for i in range(len(frame))]))


def test_a_marker_of_yes_and_no_is_a_quarter_of_the_customers_or_half_of_the_share_of_all():
    # Of ten in each segment 10 and 3 find it tasty, 5 and 5 cheap, 4 and none greasy.
    def yes(n: int, m: int) -> list[float]:
        return [1.0] * n + [0.0] * (10 - n) + [1.0] * m + [0.0] * (10 - m)

    frame = pd.DataFrame({"tasty": yes(10, 3), "cheap": yes(5, 5), "greasy": yes(4, 0), "segment": [1] * 10 + [2] * 10})
    customers = segmented(ANSWERS, frame, privacy="rows")
    items = item_profiles(customers, customers.means(list(ANSWERS)))
    assert list(items["item"].unique()) == ["tasty", "cheap", "greasy"]
    assert dict(zip(items["item"], items["whole"], strict=True)) == {"tasty": 0.65, "cheap": 0.5, "greasy": 0.2}
    marked = items.set_index(["item", "segment"])["marker"].unstack()
    assert marked.loc["tasty"].tolist() == [True, True]  # 35 points
    assert marked.loc["cheap"].tolist() == [False, False]
    assert marked.loc["greasy"].tolist() == [True, True]  # 20 points, but all of 20%
    told = tell.profiles(items, customers.dataset)
    assert "Segment 1: Tasty 100% (all 65%) and Greasy 40% (all 20%); segment 2: Tasty 30% (all 65%)" in told
    assert "over 25 percentage points, or by over half of the share of all" in told


def test_a_marker_of_a_rating_is_half_a_standard_deviation_and_lies_on_its_scale():
    columns = {"staff": {"role": "feature", "type": "rating", "min": 1, "max": 5}}
    frame = pd.DataFrame({"staff": [1.0, 1, 2, 2, 4, 4, 5, 5], "segment": [1] * 4 + [2] * 4})
    customers = segmented(columns, frame, privacy="rows")
    items = item_profiles(customers, customers.means(["staff"]))
    assert items["at"].tolist() == [0.125, 0.875]  # 1.5 and 4.5 of 1 to 5
    assert items["whole_at"].tolist() == [0.5, 0.5]
    assert items["marker"].tolist() == [True, True]  # 1.5 away, where the standard deviation is 1.6
    assert "the mean rating" in tell.profiles(items, customers.dataset)
    same = item_profiles(customers, customers.means(["staff"]).assign(staff=[2.5, 3.5]))
    assert same["marker"].tolist() == [False, False]


def test_a_share_of_a_private_segment_that_fewer_than_ten_differ_from_is_neither_drawn_nor_told():
    rng = np.random.default_rng(0)
    answers = pd.DataFrame({name: (rng.random(80) < 0.5).astype(float) for name in ANSWERS})
    answers["segment"] = [1] * 40 + [2] * 40
    answers.loc[:39, "tasty"] = [0.0] * 3 + [1.0] * 37
    customers = segmented(ANSWERS, answers)
    items = item_profiles(customers, shown_means(customers, customers.means(list(ANSWERS)), Grouping("segment")))
    hidden = items[(items["item"] == "tasty") & (items["segment"] == 1)]
    assert hidden["value"].isna().all()
    assert not hidden["marker"].any()
    told = tell.profiles(items, customers.dataset)
    assert "A missing bar is not shown" in told
    assert "92%" not in told
    drawn = plots.profiles(items, customers.counts("segment"), customers.dataset, {1: "Tasters", 2: "Others"})
    assert [ax.get_title(loc="left") for ax in drawn] == ["● Tasters: 50%", "■ Others: 50%"]
    assert "not shown" in [text.get_text() for text in drawn[0].texts]


def test_answers_are_not_scattered_and_amounts_beside_them_are():
    spends = ANSWERS | {"spend": {"role": "feature"}, "visits": {"role": "feature"}}
    one = ANSWERS | {"spend": {"role": "feature"}}
    assert are_profiled(of(ANSWERS), list(ANSWERS))
    assert are_profiled(of(one), list(one))
    assert not are_profiled(of(spends), list(spends))
    frame = pd.DataFrame({name: np.tile([0.0, 1], 20) for name in spends}).assign(segment=[1, 2] * 20)
    customers = segmented(spends, frame, privacy="rows")
    drawn = plots.in_original_units(customers, customers.means(list(spends)), list(spends), {1: "One", 2: "Other"})
    assert (drawn.get_xlabel(), drawn.get_ylabel()) == ("Spend", "Visits")
    told = tell.in_original_units(customers, customers.means(list(spends)), list(spends), "natural")
    assert "Of 5 features the axes show the two amounts that differ most between the segments." in told
    assert plots.in_scaled_units(customers, customers.means(list(ANSWERS)), list(ANSWERS), {}) is None
    told = tell.in_original_units(customers, customers.means(list(one)), list(one), "natural")
    assert told.endswith(" Spend is an amount, and is not in this figure.")
    assert "amount" not in tell.in_original_units(customers, customers.means(list(ANSWERS)), list(ANSWERS), "natural")


def test_groups_of_yes_and_no_have_no_boxes_and_no_median():
    columns = ANSWERS | {"city": {"role": "descriptor", "type": "category"}}
    frame = pd.DataFrame({name: np.tile([0.0, 1], 20) for name in ANSWERS}).assign(city=["Ulm", "Bonn"] * 20)
    customers, by = segmented(columns, frame, privacy="rows"), {"City": Grouping("city")}
    assert groups(customers, "greasy", by) is None
    told = customers_tell.groups(customers, by, "greasy")
    assert told == "**Greasy** is yes or no and has no median by which to compare groups."
    correlation = customers.correlation(list(ANSWERS))
    assert "median" not in customers_tell.differences(customers, tuple(ANSWERS), correlation, by)
