"""What a campaign to each segment costs, and from which response on it pays."""

from dataclasses import dataclass

from segmentation.core.dataset import Dataset
from segmentation.roles.words import MARGINS, spelt
from segmentation.runs.artifacts import Profiles
from segmentation.runs.worth import Part

SUPPOSED = {"contact_cost": 1.0, "response": 0.02, "margin": 0.3}  # of what dataset.yaml does not say


@dataclass(frozen=True)
class Campaign:
    """A campaign that contacts all customers of a segment.

    contact_cost : of one customer, in the unit of the main value; cost : of all
    response : the share of customers who are expected to answer
    margin : what is left of what they then buy, as a share
    assumed : which of the three nobody gave
    value : the main value; None where no column is one that anybody has
    order : whether a response is taken as an average order, where that is known; else as what a customer is worth
    brings : what a response brings before the margin; None where it is not known, or not shown
    """

    customers: int
    contact_cost: float
    response: float
    margin: float
    assumed: frozenset[str]
    value: str | None
    order: bool
    brings: float | None

    @property
    def cost(self) -> float:
        return self.customers * self.contact_cost

    @property
    def break_even(self) -> float | None:
        """The share of customers who must answer for the cost to come back; None where no number of them suffices.

        Cost = response times customers times margin times what a response brings; above 1 more than all would have to.
        """
        left = self.margin * (self.brings or 0)
        return self.contact_cost / left if left > 0 else None


def campaigns(profiles: Profiles, dataset: Dataset) -> dict[int, Campaign]:
    """Return the campaign to each segment; none where dataset.yaml says nothing of what one costs or brings."""
    told = {name: given for name in SUPPOSED if (given := getattr(dataset, name)) is not None}
    if not told:
        return {}
    main = profiles.worth[0] if profiles.worth else None
    value = main.column if main else None
    parts = {part.segment: part for part in (main.parts if main else ())}
    numbers = SUPPOSED | ({"margin": 1.0} if value and _is_margin(value, dataset) else {}) | told
    return {
        segment.segment: Campaign(
            customers=segment.size,
            **numbers,
            assumed=frozenset(SUPPOSED) - set(told),
            value=value,
            **_response(parts.get(segment.segment)),
        )
        for segment in profiles.segments
    }


def _response(part: Part | None) -> dict:
    order = part is not None and part.basket is not None
    return {"order": order, "brings": (part.basket if order else part.each) if part else None}


def _is_margin(value: str, dataset: Dataset) -> bool:
    """Return whether a value is what is left already, by its name or its label."""
    return any(MARGINS.search(spelt(text)) for text in (value, dataset.label(value)))
