"""Where a segment stands: one centre, one index and one level, on the scale on which it was formed."""

from types import SimpleNamespace

import ibis
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from segmentation.core.dataset import Column, Dataset
from segmentation.core.privacy import DASH, WHY_NOT
from segmentation.customers import tell as customers_tell
from segmentation.customers.customers import Customers
from segmentation.report import display
from segmentation.report.tell import cards
from segmentation.runs import tell as runs_tell
from segmentation.runs.records import Placement, Profile
from segmentation.segments import plots as segments_plots
from segmentation.segments import tell as segments_tell
from segmentation.segments.assign import centre_of_all, centres, rescaled
from segmentation.segments.fit import scaled_centroids
from segmentation.segments.names import level
from segmentation.segments.profiles import STANDING_STEP, centre_table, flatten, headed, profile_segments, standings
from segmentation.segments.robustness import bootstrap_intervals, intervals

SHOP = Dataset(
    title="Shop",
    privacy="rows",
    columns={
        "plain": Column(role="feature", label="Plain"),
        "logged": Column(role="feature", label="Logged", transform="log"),
        "bent": Column(role="feature", label="Bent", transform="yeo-johnson"),
    },
)
MODEL = Placement(
    features=[
        {"name": "plain", "lambda": 1, "centre": 3, "spread": 7},
        {"name": "logged", "lambda": 0, "centre": 1, "spread": 2},
        {"name": "bent", "lambda": 0.5, "centre": 1, "spread": 2},
    ],
    centroids=[[0, 0, 0], [1, 1, 1]],
)
# Of the logarithms of 1 + x, 1, 1 and 27 have the mean of 3, and 8 and 8 that of 8; of the roots, 1, 2 and 3 have that
# of 2, whose square is 4, and 5 and 5 that of 5.
TABLE = pd.DataFrame(
    {
        "segment": [1, 1, 1, 2, 2],
        "plain": [0.1, 0.2, 0.3, 1.0, 2.0],
        "logged": [0.0, 0.0, 26.0, 7.0, 7.0],
        "bent": [0.0, 3.0, 8.0, 24.0, 24.0],
    }
)


@pytest.fixture(params=[5, 2], ids=["all", "sample"])
def customers(request) -> tuple[Customers, Customers]:
    """The customers as they are and as the model sees them, of whom scikit-learn sees all or a part."""
    segmented = Customers(SHOP, ibis.memtable(TABLE), TABLE.iloc[[0, 3, 1, 4, 2][: request.param]])
    return segmented, rescaled(segmented, MODEL)


def test_a_centre_is_a_mean_on_the_scale_of_the_model_over_all_customers(customers):
    found = centres(*customers, MODEL)
    assert found["plain"].tolist() == [0.2, 1.5]  # no last bit of a way there and back
    assert found["logged"].tolist() == [2, 7]
    assert found["bent"].tolist() == [3, 24]
    whole = centre_of_all(*customers, MODEL)
    assert whole["plain"] == 0.72
    assert whole["logged"] == pytest.approx(np.exp((np.log(27) + 2 * np.log(8)) / 5) - 1)
    assert whole["bent"] == pytest.approx((16 / 5) ** 2 - 1)


def test_index_level_and_mean_are_of_that_centre():
    segmented = Customers.of(SHOP, pd.concat([TABLE] * 30, ignore_index=True))
    customers = segmented, rescaled(segmented, MODEL)
    found = intervals(*customers, MODEL, resamples=5, seed=0)
    first, second = profile_segments(*customers, SHOP, MODEL, found)
    assert first.centre == {"plain": 0.2, "logged": 2, "bent": 3}
    assert runs_tell.unindexed(first, SHOP) == ""
    few = first.model_copy(update={"index": first.index | {"plain": None}})
    assert runs_tell.unindexed(few, SHOP) == "Plain"  # so that the note of the cards says why there is a dash
    assert segments_tell.sizes([first, second], 5).startswith("The largest segment, ")
    alike = [first, first, second, second]
    assert segments_tell.sizes(alike, 5).startswith("One of the largest segments, ")
    assert " One of the smallest, " in segments_tell.sizes(alike, 5)
    assert first.mean == {"logged": pytest.approx(26 / 3), "bent": pytest.approx(11 / 3)}  # beside it, by name
    assert first.index["logged"] == pytest.approx(100 * 2 / 3.4413, abs=0.01)
    assert first.index["bent"] == pytest.approx(100 * 3 / 9.24)
    # By the logarithm the first stands below, by its mean of 8.7 beside 7 above: it is called neither.
    assert first.levels == {"plain": "low", "logged": "average", "bent": "low"}
    assert second.levels == {"plain": "high", "logged": "average", "bent": "high"}
    table = centre_table([first, second], SHOP)
    assert [cell.split(")")[-1] for cell in table["Logged"]] == [", mean 8.7", ", mean 7"]
    assert table["Plain"][0].endswith(")")
    assert segments_tell.centre_intervals([first], SHOP).endswith(
        "Mean on the transformed scale, transformed back, with the plain mean behind it: Logged and Bent."
    )


def test_columns_may_be_called_as_the_figures_of_a_segment_are():
    """Of the features spend and spend_low each has its own centre, and no share hides behind a category."""
    features = {"spend": (1.0, [0.5, 1.5]), "spend_low": (7.0, [6.5, 7.5])}
    whole = {f: value for f, (value, _) in features.items()}
    profile = Profile(
        segment=1, size=30, share=0.5, share_interval=[0.4, 0.6], centre=whole, mean={}, index=whole, levels={},
        centre_interval={f: ends for f, (_, ends) in features.items()}, name="A", level_name="A", action=None,
        descriptors={"share": {"low": 0.1, "high": 0.9}, "centre": {"spend": 0.2}, "index": {"spend": 0.3}},
    )  # fmt: skip
    row = flatten([profile]).iloc[0]
    assert (row["share low"], row["share high"]) == (0.4, 0.6)
    assert (row["centre spend"], row["centre spend low"], row["centre spend_low"]) == (1, 0.5, 7)
    named = {"spend": "feature", "spend_low": "feature"} | dict.fromkeys(("share", "centre", "index"), "descriptor")
    columns = {
        name: {"role": role} | ({"type": "category"} if role == "descriptor" else {}) for name, role in named.items()
    }
    told = headed([profile], Dataset.model_validate({"title": "T", "columns": columns})).iloc[0]
    assert (told["share, from"], told["share, to"], told["Share: low"], told["Share: high"]) == (0.4, 0.6, 0.1, 0.9)
    assert (told["Spend"], told["Centre: spend"], told["Index: spend"], told["Spend, index"]) == (1, 0.2, 0.3, 1)


def test_intervals_are_those_of_the_centre():
    rng = np.random.default_rng(0)
    logs = np.concatenate([rng.normal(1, 0.5, 60), rng.normal(5, 0.5, 40)])
    table = pd.DataFrame({"segment": [1] * 60 + [2] * 40, "logged": np.exp(logs), "plain": logs, "bent": logs**2})
    segmented = Customers.of(SHOP, table)
    scaled = rescaled(segmented, MODEL)
    found = intervals(segmented, scaled, MODEL, resamples=60, seed=0)
    own = centres(segmented, scaled, MODEL)
    for name in own:
        low, high = found[f"centre_{name}", "low"], found[f"centre_{name}", "high"]
        assert ((low < own[name]) & (own[name] < high)).all(), name
        assert (high - low < own[name].max() / 2).all(), name
    X, labels = scaled.sample[MODEL.names].to_numpy(), table["segment"].to_numpy() - 1
    z = bootstrap_intervals(X, scaled.sample[["logged"]], labels, resamples=60)
    np.testing.assert_allclose(found["centre_logged"], np.expm1(2 * z["centre_logged"] + 1), rtol=1e-7)


@pytest.mark.parametrize(
    ("z", "index", "expected"),
    [
        (-0.1, 30, "low"),  # of a feature with a long tail, where a standard deviation is wide
        (0.2, 151, "high"),
        (0.4, 149, "average"),
        (-0.4, 67, "average"),
        (0.5, 103, "high"),
        (-0.5, 98, "low"),
        (0.4, None, "average"),
        (0, 100, "average"),
    ],
)
def test_a_level_never_contradicts_its_index(z, index, expected):
    assert level(z, index) == expected


def test_segments_of_one_feature_are_drawn_against_themselves():
    dataset = Dataset.model_validate({"title": "T", "columns": {"x": {"role": "feature"}}, "privacy": "rows"})
    frame = pd.DataFrame({"x": [1.0, 2, 3, 11, 12, 13], "segment": [1, 1, 1, 2, 2, 2]})
    at = pd.DataFrame({"x": [2.0, 12.0]}, index=[1, 2])
    drawn = segments_plots.in_original_units(Customers.of(dataset, frame), at, ["x"], {1: "Few", 2: "Many"})
    assert drawn.get_xlabel() == drawn.get_ylabel() == "X"


def test_a_level_never_contradicts_the_means_that_are_shown():
    assert [level(0.9, 180, beyond) for beyond in (-20, 0, 20)] == ["average", "high", "high"]
    assert [level(-0.9, 40, beyond) for beyond in (-20, 20)] == ["low", "average"]


def test_a_correlation_is_of_the_scales_on_which_segments_are_formed_and_says_so():
    everyone = Customers.of(SHOP, TABLE)
    r = everyone.correlation(["plain", "logged"])
    assert r.loc["plain", "logged"] == pytest.approx(TABLE["plain"].corr(np.log1p(TABLE["logged"])))
    for told in (
        customers_tell.relation(everyone, r, ["plain", "logged"]),
        customers_tell.pairs(everyone, r, ["plain"]),
    ):
        assert "on the scales on which segments are formed" in told


def test_what_does_not_vary_is_not_correlated():
    assert "does not vary" in customers_tell.strength(float("nan"), ["plain", "logged"], SHOP)


def _dominated() -> tuple[Customers, Customers]:
    """Return private customers in two segments, in the second of which one makes up most of what is plain."""
    plain = [*np.linspace(1, 3, 40), *np.linspace(5, 9, 39), 4_000.0]
    table = pd.DataFrame(
        {"segment": [1] * 40 + [2] * 40, "plain": plain, "logged": [3.0, 8] * 40, "bent": [2.0, 9] * 40}
    )
    segmented = Customers.of(SHOP.model_copy(update={"privacy": "aggregate"}), table)
    return segmented, rescaled(segmented, MODEL)


def test_a_centre_that_one_customer_makes_up_is_a_dash_wherever_it_stands():
    customers = _dominated()
    dataset, found = customers[0].dataset, intervals(*_dominated(), MODEL, resamples=5, seed=0)
    first, second = profile_segments(*customers, dataset, MODEL, found)
    assert (first.centre["plain"], second.centre["plain"], second.centre_interval["plain"]) == (None, None, None)
    assert second.index["plain"] is None  # of both, because of the centre of all 4,000 are most
    assert second.centre["logged"] is not None
    assert centre_table([first, second], dataset)["Plain"].tolist() == ["–", "–"]
    assert segments_tell.centre_intervals([first, second], dataset).endswith(DASH)
    assert f"Plain: not shown of any segment, because {WHY_NOT}." in segments_tell.centres(
        [first, second], dataset, MODEL.names
    )
    assert "Plain at" not in segments_tell.index([first, second], dataset)
    assert headed([first, second], dataset)["Plain"].isna().all()
    own = centres(*customers, MODEL)
    assert f"Plain: not shown of any segment, because {WHY_NOT}." in segments_tell.extremes(own, dataset)
    some = own.assign(plain=[2.0, np.nan])
    assert f" Plain: not shown of some segments, because {WHY_NOT}." in segments_tell.extremes(some, dataset)
    shown = scaled_centroids(customers[0], own, MODEL)
    assert shown.isna().all(axis=None)
    assert "Red cross" not in segments_tell.in_scaled_units(customers[1], shown, MODEL.names, "natural")
    for draw in (
        lambda: segments_plots.centres(flatten([first, second]), centre_of_all(*customers, MODEL), dataset),
        lambda: segments_plots.index(flatten([first, second]), MODEL.names, dataset),
        lambda: segments_plots.in_original_units(customers[0], own, MODEL.names, {1: "One", 2: "Other"}),
        lambda: segments_plots.in_scaled_units(customers[1], shown, MODEL.names, {1: "One", 2: "Other"}),
    ):
        drawn = draw()
        display._svg((drawn[0] if isinstance(drawn, list) else drawn).get_figure(root=True), "x")
        plt.close("all")


def test_centres_and_intervals_of_private_customers_are_steps_of_the_range_of_one():
    rng = np.random.default_rng(0)
    plain = np.r_[rng.normal(100, 20, 60), rng.normal(300, 20, 40)]
    table = pd.DataFrame({"segment": [1] * 60 + [2] * 40, "plain": plain, "logged": plain, "bent": plain})
    exact, segmented = (
        Customers.of(SHOP.model_copy(update={"privacy": privacy}), table) for privacy in ("rows", "aggregate")
    )
    [whole, shown] = (centres(own, rescaled(own, MODEL), MODEL) for own in (exact, segmented))
    for segment, own in table.groupby("segment")["plain"]:
        least = np.ptp(own) / len(own)
        for name in MODEL.names:
            at = min(rung for rung in (1, 2, 5) if rung >= least)  # of about 90 and 60 among 60 and 40
            assert shown.loc[segment, name] % at == pytest.approx(0)
            assert abs(shown.loc[segment, name] - whole.loc[segment, name]) <= at / 2 + 1e-9
    ends = intervals(segmented, rescaled(segmented, MODEL), MODEL, resamples=20, seed=0)["centre_plain"]
    inner = intervals(exact, rescaled(exact, MODEL), MODEL, resamples=20, seed=0)["centre_plain"]
    assert (ends["low"] <= inner["low"]).all()
    assert (ends["high"] >= inner["high"]).all()
    assert (ends.to_numpy() % 1 == 0).all()
    places = standings(shown, centre_of_all(segmented, rescaled(segmented, MODEL), MODEL), segmented,
                       rescaled(segmented, MODEL), MODEL)  # fmt: skip
    told = (places / STANDING_STEP).to_numpy()
    assert np.abs(told - told.round()).max() < 1e-6


def test_one_far_above_leaves_the_centre_on_a_logarithm_where_the_others_are():
    """A step of the range of the amounts, a million / 40, would call the centre of those about 2,500 nothing."""
    rich = [*np.linspace(1_500, 4_000, 39), 1_000_000.0]
    table = pd.DataFrame({"segment": [1] * 40 + [2] * 40, "logged": [*np.linspace(200, 400, 40), *rich]})
    model = Placement(features=MODEL.features[1:2], centroids=[[2], [3]])
    segmented = Customers.of(SHOP.model_copy(update={"privacy": "aggregate"}), table.assign(plain=0.0, bent=0.0))
    customers = segmented, rescaled(segmented, model)
    shown, ends = centres(*customers, model)["logged"], intervals(*customers, model, resamples=20, seed=0)
    exact = np.expm1(np.log1p(table["logged"]).groupby(table["segment"]).mean())
    span = np.log1p(table["logged"]).groupby(table["segment"]).agg(np.ptp)
    assert (np.abs(np.log(shown / exact)) < 2.5 * span / 40).all()
    assert [float(f"{value:.2g}") for value in shown] == shown.tolist()
    assert (ends["centre_logged", "low"] <= shown).all()
    assert (shown <= ends["centre_logged", "high"]).all()
    assert centre_of_all(*customers, model)["logged"] > 0
    dataset = segmented.dataset
    first, second = profile_segments(*customers, dataset, model, ends)
    assert (second.mean["logged"], second.hides) == (None, True)
    told = SimpleNamespace(segments=[first, second], tests=[], worth=())
    shown = cards(
        SimpleNamespace(divided=True, features=(), chosen=SimpleNamespace(segments=[None, None]), verdict="none"),
        told,
        dataset,
        None,
    )
    assert [card["dash"] for card in shown] == [None, None]  # a card has no mean beside the centre, and so no dash
    assert segments_tell.centre_intervals([first, second], dataset).endswith(DASH)
