"""What a campaign to a segment costs, and from which response on it pays: by hand."""

import pytest

from segmentation.customers.customers import Customers
from segmentation.runs.artifacts import Profiles
from segmentation.worth.campaign import campaigns
from segmentation.worth.tell import campaign
from segmentation.worth.value import worth_of
from tests.worth.test_value import COLUMNS, described, profiles_of, shop

TWENTY = shop([310.0] * 20)


def told(frame, *, privacy: str = "rows", columns: dict | None = None, basket: float | None = None, **given) -> str:
    """Return what the card of the first segment says; given contact_cost, response or margin."""
    dataset = described(privacy, **columns or {}).model_copy(update=given)
    worth = worth_of(Customers.of(dataset, frame), dataset, features=("visits",))
    if basket is not None:
        parts = tuple(part.model_copy(update={"basket": basket}) for part in worth[0].parts)
        worth = (worth[0].model_copy(update={"parts": parts}),)
    profiles = Profiles.model_construct(segments=tuple(profiles_of(frame)), worth=worth)
    found = campaigns(profiles, dataset)
    return campaign(found[1], dataset) if found else ""


def test_a_campaign_is_sized_by_what_it_costs_and_what_a_response_brings():
    """20 customers at 1.5 € are 30 €; 1.5 / (0.3 x 310) is 1.6%."""
    assert told(TWENTY, contact_cost=1.5, response=0.02, margin=0.3) == (
        "Contacting all 20 customers costs 30 €, each 1.5 €. It breaks even if 1.6% respond; a response of 2% pays. "
        "Each counts as an average customer here, revenue: 310 €, at a margin of 30%."
    )
    assert "; a response of 1% does not pay." in told(TWENTY, contact_cost=1.5, response=0.01, margin=0.3)
    assert "; a response of 5% about breaks even." in told(TWENTY, contact_cost=1.55, response=0.05, margin=0.1)


def test_an_order_is_what_a_response_brings_where_orders_are_known():
    """1 / (0.5 x 40) is 5%, where a customer's 310 would have been 0.65%."""
    said = told(TWENTY, margin=0.5, contact_cost=1, basket=40)
    assert "if 5% respond; " in said
    assert said.endswith("Each counts as an average order: 40 €, at a margin of 50%.")


def test_what_nobody_gave_is_said_to_be_assumed():
    assert told(TWENTY) == ""
    assert told(TWENTY, margin=0.5).startswith("Contacting all 20 customers costs 20 €, each 1 € (assumed).")
    said = told(TWENTY, contact_cost=2.25)
    assert "costs 45 €, each 2.25 €. It" in said
    assert "; a response of 2% (assumed) does not pay." in said
    assert said.endswith("at a margin of 30% (assumed).")
    assert "assumed" not in told(TWENTY, contact_cost=2, response=0.5, margin=0.5)


def test_a_margin_is_left_as_it_is():
    """Of a value that is a margin nothing else is taken off, unless somebody says so: 3.1 / 310 is 1%."""
    profit = {"revenue": {"role": "value", "unit": "€", "label": "Gross profit"}}
    said = told(TWENTY, columns=profit, contact_cost=3.1)
    assert "if 1% respond; " in said
    assert said.endswith("Each counts as an average customer here, Gross profit: 310 €.")
    assert told(TWENTY, columns=profit, contact_cost=3.1, margin=0.5).endswith("at a margin of 50%.")


@pytest.mark.parametrize(
    ("revenue", "given", "said"),
    [
        (310.0, {"contact_cost": 0.0, "margin": 1.0}, "costs 0 €. Any response pays. Each counts as"),
        (2.0, {"contact_cost": 1.0, "margin": 0.3}, "each 1 €. No response pays for it: not even all together"),
        (1.0, {"contact_cost": 1.0, "margin": 1.0, "response": 1.0}, "a response of 100% about breaks even."),
        (0.0, {"contact_cost": 0.0}, "No response pays for it. Each counts as"),
        (-5.0, {"contact_cost": 1.0}, "No response pays for it. Each counts as an average customer here, revenue: "),
    ],
)
def test_what_cannot_pay_or_must_is_said(revenue, given, said):
    assert said in told(shop([revenue] * 20), **given)


def test_no_response_is_told_where_there_is_no_value_or_it_is_not_known():
    plain = {"columns": {"revenue": {"role": "descriptor"}}, "contact_cost": 1.5}
    assert told(TWENTY, **plain) == (
        "Contacting all 20 customers costs 30, each 1.5. From which response on it pays is not known, "
        "because no column is a value."
    )
    unknown = shop([None] * 20 + [5.0] * 20, segment=[1] * 20 + [2] * 20)
    assert told(unknown, contact_cost=1.0).endswith("pays is not known: nobody’s revenue is known here.")
    assert told(shop([9.0]), contact_cost=1.0).startswith("Contacting the one customer costs 1 €, each 1 €.")


def test_of_private_tables_nothing_is_told_where_one_customer_makes_up_the_value():
    frame = shop([9000.0, *[1.0] * 19, *range(100, 120)], segment=[1] * 20 + [2] * 20)
    assert "9000" not in told(frame, privacy="aggregate", contact_cost=1.0)
    assert "not shown: nobody’s revenue is known here, one or two" in told(frame, privacy="aggregate", contact_cost=1.0)
    near = shop([*[-40.0, 40.0] * 10, 3.0])
    assert told(near, privacy="aggregate", contact_cost=1.0).endswith("what a response brings is rounded to nothing.")


def test_the_value_that_is_declared_first_sizes_the_campaign():
    assert COLUMNS["revenue"]["role"] == "value"
    both = {"points": {"role": "value"}}
    assert "of revenue" not in told(TWENTY.assign(points=1.0), columns=both, contact_cost=1.5)
    assert ": 310 €" in told(TWENTY.assign(points=1.0), columns=both, contact_cost=1.5)
