"""What a private table's worth gives away: whoever knows all others, and all that is published, computes nobody."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from segmentation.core.privacy import WHY_NOT, rung
from segmentation.customers.counts import Grouping
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import shown_means
from segmentation.language.writing import NONE
from segmentation.pipeline.progress import tell_worth
from segmentation.report.tell import answer
from segmentation.runs.tell import value_shares
from segmentation.runs.worth import Worth
from segmentation.segments.profiles import headed
from segmentation.worth import plots, tell
from tests.worth.test_value import described, only, profiles_of, shop

PRIVATE = described("aggregate")
RICH = 48_211.0


def ordinary(seed: int = 7) -> pd.DataFrame:
    """Return 300 customers in three segments of 100."""
    rng = np.random.default_rng(seed)
    return shop(rng.uniform(50, 150, 300).round(2), np.repeat([1, 2, 3], 100))


def figures(worth: Worth) -> dict:
    """Return every number that is published of a value, by its name."""
    found = {f"{name} of all": getattr(worth, name) for name in ("total", "each", "basket", "top_fifth")}
    found |= {f"{i} of the curve": point[1] for i, point in enumerate(worth.lorenz)}
    for part in worth.parts:
        own = {name: getattr(part, name) for name in ("share", "each", "basket", "top_fifth")}
        own |= dict(zip(("from", "to"), part.each_interval or (None, None), strict=True))
        found |= {f"{name} of {part.segment}": value for name, value in own.items()}
    return found


def with_newcomer(frame: pd.DataFrame, revenue: float) -> pd.DataFrame:
    return pd.concat([frame, shop([revenue], 2)], ignore_index=True)


@pytest.fixture(scope="module")
def tried() -> pd.DataFrame:
    """What is published with a newcomer of each of 21 revenues, whom nobody else explains: all others are known."""
    frame = ordinary()
    found = [figures(only(with_newcomer(frame, revenue), PRIVATE)) for revenue in np.linspace(50, 150, 21)]
    return pd.DataFrame(found).astype(object)


def test_a_newcomer_is_left_open_by_half_the_range_by_each_figure(tried):
    assert tried["each of 2"].notna().all()
    assert tried["8 of the curve"].notna().all()
    for name, told in tried.items():
        assert told.nunique(dropna=False) <= 2, name  # a step, and the next
        assert told.value_counts(dropna=False).iloc[0] >= len(tried) / 2, name


def test_the_sums_of_segments_and_of_all_leave_a_newcomer_open_together(tried):
    sums = tried.filter(regex="each|total|share|basket").astype(str).sum(axis=1)
    assert sums.value_counts().iloc[0] >= len(tried) / 2


def test_a_segment_that_one_customer_makes_up_is_hidden_with_another_beside_it():
    frame = ordinary()
    frame.loc[250, "revenue"] = RICH  # of some 10,000 in the segment, 40% of all
    frame.loc[:99, "revenue"] *= 4
    worth = only(frame, PRIVATE)
    one, two, three = worth.parts
    told = [(part.share, part.each, part.each_interval, part.top_fifth) for part in (two, three)]
    assert told == [(None,) * 4] * 2  # the least of the others too: its sum would follow from the rest
    assert one.share is not None
    assert one.each is not None
    profiles = profiles_of(frame)
    csv = headed(profiles, PRIVATE, [worth]).filter(like="Revenue")
    assert csv.iloc[[1, 2]].isna().all(axis=None)
    table = tell.worth_table([worth], profiles, PRIVATE)
    assert set(table.loc[[1, 2], ["share of revenue", "Revenue (€) a customer"]].to_numpy().ravel()) == {NONE}
    assert "A dash is not shown" in tell.table([worth], 300, PRIVATE)
    bars = [text.get_text() for text in plots.shares([worth], profiles, PRIVATE).texts]
    assert bars.count("not shown") == 2
    assert value_shares(worth) == {1: bars[3], 2: None, 3: None}


def test_the_means_that_chapter_5_shows_hide_the_same_segments():
    frame = ordinary()
    frame.loc[250, "revenue"] = RICH
    everyone = Customers.of(PRIVATE, frame)
    shown = shown_means(everyone, everyone.means(["revenue"]), Grouping("segment"))["revenue"]
    assert list(shown.isna()) == [part.each is None for part in only(frame, PRIVATE).parts]
    assert shown.isna().sum() == 2


@pytest.mark.parametrize("rich", [2_000.0, RICH, 900_000.0])
def test_the_rich_one_is_in_no_difference_of_the_whole_and_the_others(rich):
    """All that is known of the hidden segments is their sum, which leaves the one in them open by half or more."""
    frame = ordinary()
    frame.loc[250, "revenue"] = rich
    worth = only(frame, PRIVATE)
    hidden = [part.segment for part in worth.parts if part.each is None]
    if worth.total is None:
        assert {part.share for part in worth.parts} == {None}
        assert (worth.lorenz, worth.top_fifth, worth.each) == ((), None, None)
        return
    exact = frame.groupby("segment")["revenue"].agg(["sum", "max"])
    others = sum(100 * part.each for part in worth.parts if part.each is not None)
    for total in (worth.total, 300 * worth.each):
        left = total - others - exact["sum"][hidden].sum() + rich  # knowing everybody else who is hidden exactly
        open_by = rung(frame["revenue"].max() - frame["revenue"].min())
        assert not hidden or (3 in hidden and len(hidden) > 1)
        assert open_by >= 0.5 * rich
        assert abs(left - rich) <= open_by * 2  # the others' steps beside: it is somewhere in there, no nearer


def test_a_fifth_of_fewer_than_ten_or_with_one_above_all_is_not_told():
    frame = ordinary().groupby("segment").head(49)
    assert {part.top_fifth for part in only(frame, PRIVATE).parts} == {None}
    assert {part.top_fifth for part in only(ordinary(), PRIVATE).parts} != {None}
    frame = ordinary()
    frame["revenue"] = 1.0
    frame.loc[[5, 150, 270], "revenue"] = 90.0  # half of the sum of their segment, nearly all of its top fifth
    assert {part.top_fifth for part in only(frame, PRIVATE).parts} == {None}


def test_points_of_the_curve_are_of_ten_customers_or_more():
    worth = only(ordinary(), PRIVATE)
    customers = np.diff([point[0] for point in worth.lorenz]) * worth.customers
    assert len(worth.lorenz) == 11
    assert customers.min() >= 10
    assert only(ordinary().head(49), PRIVATE).lorenz == ()


def test_how_few_have_no_known_value_is_not_told():
    frame = ordinary()
    frame.loc[[3, 4, 120], "revenue"] = np.nan
    worth = only(frame, PRIVATE)
    assert "(fewer than 10 customers without it" in tell.table([worth], 300, PRIVATE)
    assert all(part.share == round(part.share, 2) for part in worth.parts)  # else it tells of how many in a segment
    frame.loc[frame["segment"] == 3, "revenue"] = [100.0] * 9 + [np.nan] * 91
    assert [part.each is None for part in only(frame, PRIVATE).parts].count(True) == 2


def test_no_point_and_no_total_counts_the_few_of_whom_nothing_is_known():
    """Of values near each other a total by a mean, and how far along a curve a point lies, are numbers of customers."""
    frame = ordinary().assign(revenue=lambda t: 950 + t["revenue"] / 2)
    told = []
    for few in ([], [3, 4, 120], [3, 4, 5, 6, 7, 120, 121]):
        frame.loc[few, "revenue"] = np.nan
        worth = only(frame, PRIVATE)
        assert [point[0] for point in worth.lorenz] == pytest.approx(np.linspace(0, 1, 11))
        told.append((worth.total, {part.share for part in worth.parts}))
    assert told[1] == told[2]
    assert abs(told[1][0] / worth.each - 300) <= 10


def test_what_a_step_makes_nothing_of_is_said_to_be_about_nothing():
    frame = ordinary()
    frame.loc[0, "revenue"] = -20_000.0
    assert frame["revenue"].sum() > 9_000
    told = tell.worth([only(frame, PRIVATE)], profiles_of(frame), PRIVATE)
    assert told == "Revenue of all customers together comes to about 0 €: of that there are no shares."


def test_where_one_customer_has_most_it_is_said_why_no_share_is_shown():
    frame = shop([40_000.0, *[10.0] * 29], [1] * 15 + [2] * 15)
    worth, profiles = only(frame, PRIVATE), profiles_of(frame)
    found = SimpleNamespace(segments=profiles, worth=(worth,))
    told = f"Which share of revenue each has is not shown: {WHY_NOT}."
    assert {part.share for part in worth.parts} == {None}
    assert tell.worth([worth], profiles, PRIVATE) == tell_worth(found, PRIVATE) == told
    assert answer(SimpleNamespace(verdict="natural"), found, PRIVATE).endswith(f" {told}")
    hidden = NONE in tell.worth_table([worth], profiles, PRIVATE).to_numpy()
    assert ("A dash" in tell.table([worth], len(frame), PRIVATE)) == hidden
    assert not only(ordinary(), PRIVATE).hidden
