"""How numbers and shares are rounded: once, and half up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.language.writing import amount, decimal, percent, percents, shares, show_index, under_one, whole


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([81, 39, 35, 23, 22], "41% 20% 17% 11% 11%"),  # 40.5, 19.5, 17.5, 11.5 and 11: the larger parts get the rest
        ([0.405, 0.195, 0.175, 0.115, 0.11], "41% 20% 17% 11% 11%"),
        ([1, 1, 1], "34% 33% 33%"),
        ([1 / 3, 1 / 3, 1 / 3], "34% 33% 33%"),
        ([1, 5], "17% 83%"),
        ([0, 7], "0% 100%"),
        ([0, 0], "0% 0%"),
        ([], ""),
    ],
)
def test_parts_of_a_whole_add_up(parts, expected):
    assert " ".join(shares(parts)) == expected


def test_a_part_below_one_per_cent_is_not_nothing_and_leaves_less_than_all():
    assert shares([1, 199]) == [under_one(), "99%"]
    assert shares([4, 4, 992]) == [under_one(), under_one(), "99%"]
    assert shares([1] * 101) == [under_one()] * 101


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=12).filter(any))
def test_counts_and_their_shares_are_told_alike_within_one_of_the_exact_share(sizes):
    told, total = shares(sizes), sum(sizes)
    assert told == shares([size / total for size in sizes])
    for size, share in zip(sizes, told, strict=True):
        assert (share == under_one()) == (0 < 100 * size < total)
        assert share == under_one() or abs(int(share[:-1]) - 100 * size / total) <= 1
    if under_one() not in told:
        assert sum(int(share[:-1]) for share in told) == 100


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (percent(81 / 200), "41%"),
        (percent(0.145), "15%"),  # a float holds a little less
        (percent(0.1225, 1), "12.3%"),
        (percent(199_994 / 200_000, 1), "over 99.9%"),  # not all of them
        (percent(0.996), "over 99%"),
        (percent(0.1 * 3 + 0.7, 1), "100.0%"),  # all of them, but for the float
        (percents((0.20118, 0.20468)), "20% to 21%"),  # one of five fifths is told as 21%
        (percents((0.004, 0.57)), f"{under_one()} to 57%"),
        (decimal(0.655), "0.66"),
        (decimal(2.675), "2.68"),
        (decimal(-0.001), "0.00"),
        (decimal(65568.425), "65,568.43"),
        (whole(2.5), "3"),
        (show_index(62.5), "63"),
        (amount(12.25), "12.3"),
        (amount(1e300)[:5], "1,000"),
        (amount(float("nan")), "–"),
    ],
)
def test_half_is_rounded_up_as_it_is_written(found, expected):
    assert found == expected
