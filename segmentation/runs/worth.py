"""What a run says that its segments are worth, and whether those still fit that it keeps from an earlier one."""

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

    @property
    def hidden(self) -> bool:
        """Whether there are shares, and none of a segment is told, as where one customer has most of them."""
        shared = len(self.parts) > 1 and (self.total is None or self.total > 0)
        return shared and all(part.share is None for part in self.parts)


class RfmGroup(Record):
    """The customers of some cells of the grid of RFM scores; None where it would tell of fewer than ten.

    customers, share : how many, where rows are private in tens, and which share that is of all with a group
    value : which share they have of what those are worth
    """

    name: str
    customers: int | None
    share: float | None
    value: float | None


class Rfm(Record):
    """The RFM groups: scores from 1 to 5 of recency (5 is lately), frequency and monetary value.

    columns : which column is recency, frequency and monetary
    cuts : of each the four values up to which scores reach; `vacant` the scores that nobody has
    grid : for each score of frequency and monetary value together the groups of recency scores 1 to 5
    ungrouped : the customers of whom one of the three is not known
    step : in which shares are shown where rows are private
    within : of each segment the share in each group
    agreement : the adjusted Rand index of groups and segments; None of one
    """

    columns: dict[str, str]
    cuts: dict[str, tuple[float, ...]]
    vacant: dict[str, tuple[int, ...]]
    grid: dict[int, tuple[str, ...]]
    ungrouped: int | None
    step: float
    groups: tuple[RfmGroup, ...]
    within: dict[int, dict[str, float | None]]
    agreement: float | None


class Moved(Record):
    """Of how many customers in a segment that is kept, how many a refit would put into another one."""

    segment: int
    name: str
    customers: int
    moved: int


class Fit(Record):
    """Whether the segments of an earlier run, kept as they are, still fit the customers who are placed in them.

    customers, outside : how many are placed, and how many of them lie beyond the range of that run's
    shifted : the features in which they differ from that run's by more than chance, and "" where shares do
    refitted : how many take part where segments are formed anew, with the same k and method
    segments : of these each segment
    agreement : the adjusted Rand index of the segments at hand with those
    chance : the share of customers whom segments of two samples, as large as then and now, place differently in at most
        95 of 100 cases
    refresh : whether a refit would move more than that, and enough to matter
    told : this in words
    """

    model: str
    customers: int
    outside: int
    shifted: tuple[str, ...]
    refitted: int
    segments: tuple[Moved, ...]
    agreement: float
    chance: float
    refresh: bool
    told: str = ""

    @property
    def moved(self) -> int:
        """How many customers a refit would put into another segment."""
        return sum(row.moved for row in self.segments)


class Ages(Record):
    """How the customers of each age divide: what is expected of others who have been customers as long.

    column : what says how long they have been
    low, high, bounds : the range of the ages, and the inner bounds of their bins
    features : of each other feature, and in it of each bin of age, the customers below its range, in each of its bins
        and above, or of each category and of others
    segments : of each bin of age the customers in each segment
    """

    column: str
    low: float
    high: float
    bounds: tuple[float, ...]
    features: dict[str, tuple[tuple[int, ...], ...]]
    segments: tuple[tuple[int, ...], ...]
