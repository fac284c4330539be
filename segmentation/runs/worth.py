"""What a run says that its segments are worth."""

from segmentation.runs.records import Interval, Record


class Part(Record):
    """What a segment has of a value; None where it would tell what one or two customers are worth.

    share : of the value of all customers
    each : the mean of its customers whose value is known, with its interval
    basket : the mean of an order, where orders are known
    top_fifth : of its value the share that the fifth of its customers has who are worth most
    """

    segment: int
    share: float | None
    each: float | None
    each_interval: Interval | None
    basket: float | None = None
    top_fifth: float | None


class Worth(Record):
    """What the customers are worth by one column, exact over all of them.

    formed : whether the column formed the segments too, so that they differ in it by construction
    customers : whose value is known
    lorenz : of the customers, those worth least first, points (share of the customers, share of the value)
    """

    column: str
    formed: bool
    customers: int
    total: float | None
    each: float | None
    basket: float | None = None
    top_fifth: float | None
    lorenz: tuple[Interval, ...] = ()
    parts: tuple[Part, ...]
