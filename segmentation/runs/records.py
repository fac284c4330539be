"""The parts of which the artifacts of a run consist: each a record that refuses what it does not know."""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from segmentation.core.dataset import Level, MethodName
from segmentation.language import tr

Verdict = Literal["natural", "reproducible", "constructive", "none"]
STRONGEST_FIRST = get_args(Verdict)
FAR_SHARE, FAR_TIMES = 0.02, 2  # who is set aside: so few, so many times as far out as all others
Printed = Literal["short", "full"]  # how much of the report report.pdf holds: its first part, or all
Became = Literal["survives", "split", "merged", "gone"]
Interval = tuple[float, float]


class Record(BaseModel):
    """A part of an artifact: no key is unknown, and no number is infinite or none at all."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)

    def content(self) -> dict:
        """Return what stands in the file: what was never set is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class NumberFormat(Record):
    """How the numbers of a column are written, as `tables.number_formats.Convention` says it."""

    decimal: Literal[".", ","]
    around: tuple[str, ...]
    bare: bool
    decided: bool
    shown: bool = True


class Account(Record):
    """What became of the rows of a raw table.

    rules : how many rows each rule refused, the most frequent first
    mended, missing, imputed : cells of each column, where there are any
    repeated : customers that are like another, in a table without ids
    returns, alike : of purchases, how many are returns, and how many are like another
    """

    rows_in: int
    clean: int
    customers: int
    rejected: int
    collapsed: int
    rules: dict[str, int]
    mended: dict[str, int]
    missing: dict[str, int]
    imputed: dict[str, int]
    repeated: int
    numbers: dict[str, NumberFormat]
    returns: int | None = None
    alike: int | None = None

    @model_validator(mode="after")
    def _is_whole(self):
        if self.rows_in != self.clean + self.rejected + self.collapsed:
            raise ValueError(f"{self.rows_in} rows are not {self.clean} + {self.rejected} + {self.collapsed}")
        return self


class Null(Record):
    """How often tables without segments reach a silhouette."""

    p: float
    error: float
    tables: int
    models: tuple[str, ...]


class Carried(Record):
    """How many segments the run has that another one starts from."""

    run: str
    k: int


class Conclusion(Record):
    """The number of segments and the verdict on them, beside those of the rule, which an analyst may overrule.

    method : whether the rule chose k, or the analyst, or an earlier run whose segments are kept as they are
    carried : the run whose k this is; where such a k could not be shown, that of the rule stands for it
    allowed : every k of the strongest verdict, which the rule chose among
    stable : every k whose segments are all stable
    verdicts : that on every k
    """

    k: int
    method: Literal["auto", "given", "fixed"]
    best: int
    allowed: tuple[int, ...]
    stable: tuple[int, ...]
    verdict: Verdict
    verdict_of_best: Verdict
    verdicts: dict[int, Verdict]
    null: Null
    carried: Carried | None = None

    @property
    def divided(self) -> bool:
        """Whether there is more than one part: where every k has a group that must not be shown, there is one."""
        return self.k > 1


class Tried(Record):
    """A method that was judged: the k that its evidence speaks for, and the verdict on it; None where no k has valleys.

    Then its segments cannot be natural, which was all that was asked of it.
    """

    method: MethodName
    k: int | None
    verdict: Verdict | None


class Stability(Record):
    """How often a segment comes back whole from resamples of the customers."""

    segment: int
    jaccard: float
    error: float
    dissolved: float
    recovered: float


class Unjudged(Record):
    """The criteria of a k that is none to choose, such as 1, with which others are compared."""

    inertia: float | None
    gap: float
    gap_error: float
    mixture_bic: dict[str, float]


class Judged(Unjudged):
    """The criteria of a k; valley_chance is how often tables without segments show valleys as deep."""

    silhouette: float
    calinski_harabasz: float
    davies_bouldin: float
    smallest: int
    starts: int
    reached: float
    bic: float | None = None
    agreement: float
    agreement_error: float
    prediction_strength: float
    prediction_strength_error: float
    null_limit: float
    null_limit_error: float
    valley_p: float
    valley_chance: float
    curved: bool
    segments: Annotated[tuple[Stability, ...], Field(min_length=1)]

    @property
    def weakest(self) -> float:
        """The Jaccard coefficient of the least stable segment."""
        return min(segment.jaccard for segment in self.segments)


def _kind_of(row) -> str:
    """Return which of the two the criteria of a k are, as JSON or as a record."""
    held = row.model_fields_set if isinstance(row, Record) else row
    return "judged" if isinstance(held, dict | set) and "segments" in held else "unjudged"


Criteria = Annotated[Annotated[Judged, Tag("judged")] | Annotated[Unjudged, Tag("unjudged")], Discriminator(_kind_of)]


class Vote(Record):
    """What a criterion would choose by itself, and whether it takes part in the decision."""

    criterion: str
    choice: int | None
    votes: bool
    rule: str


class Alternative(Record):
    """Another k that is worth a look."""

    k: int
    verdict: Verdict
    why: str


class Dip(Record):
    """Hartigan's dip of the distances, and how often one mode gives as much; untied, with equal values spread."""

    dip: float
    p: float
    p_untied: float


class Scaled(Record):
    """How a feature x is scaled: z = (t - centre) / spread.

    power : the lambda of Yeo & Johnson (2000), by which t is x transformed; 1 is x itself, 0 is log(1 + x)
    categories : of a feature that is no number; it has one z for each, which is 1 where x is that category, else 0
    """

    name: str
    power: Annotated[float, Field(alias="lambda")]
    centre: float
    spread: float
    categories: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """What each z of the feature is called."""
        return [f"{self.name}: {category}" for category in self.categories] or [self.name]


class Feature(Scaled):
    """A feature of the model, with its range and how the customers divide into bins of it."""

    label: str
    unit: str | None
    transform: Literal["none", "log", "yeo-johnson"]
    low: float
    high: float
    bounds: tuple[float, ...]
    shares: tuple[float, ...]


class Score(Record):
    """How little a customer z is of a segment: constant + linear.z + z'Qz; the least wins.

    It is -2 log(weight times density) up to what is the same for all segments, so that softmax(-score / 2) gives their
    probabilities. Of K-Means it is |c|^2 - 2 c.z, which is the squared distance to the centroid c less |z|^2.

    quadratic : the rows of Q, which is symmetric; None where it is 0
    """

    constant: float
    linear: tuple[float, ...]
    quadratic: tuple[tuple[float, ...], ...] | None = None


def nearest_scores(centroids) -> tuple[Score, ...]:
    """Return the scores by which the nearest centroid wins."""
    return tuple(Score(constant=sum(c * c for c in each), linear=tuple(-2 * c for c in each)) for each in centroids)


class Placement(Record):
    """What gives a customer a segment: how each feature is scaled, and the score of each segment there.

    centroids : the mean of each segment, from which distances are measured
    scores : of each segment where they give probabilities; else, as of K-Means, the nearest centroid wins
    """

    features: tuple[Scaled, ...]
    centroids: tuple[tuple[float, ...], ...]
    scores: tuple[Score, ...] = ()

    @model_validator(mode="after")
    def _fits(self):
        squares = [part for score in self.scores if score.quadratic for part in (score.quadratic, *score.quadratic)]
        for what, parts in (("centroid", self.centroids), ("score", (*(s.linear for s in self.scores), *squares))):
            if any(len(part) != len(self.columns) for part in parts):
                raise ValueError(f"a {what} has not one number for each of {len(self.columns)} features")
        if self.scores and len(self.scores) != len(self.centroids):
            raise ValueError(f"there are {len(self.scores)} scores and {len(self.centroids)} centroids")
        return self

    @property
    def names(self) -> list[str]:
        """The names of the features."""
        return [feature.name for feature in self.features]

    @property
    def numbers(self) -> list[Scaled]:
        """The features that are numbers."""
        return [feature for feature in self.features if not feature.categories]

    @property
    def numeric(self) -> list[str]:
        """The names of those."""
        return [feature.name for feature in self.numbers]

    @property
    def columns(self) -> list[str]:
        """What each z is called: one a feature that is a number, one a category of others."""
        return [name for feature in self.features for name in feature.columns]

    @property
    def placing(self) -> tuple[Score, ...]:
        """The scores of which the least wins, without squares that are the same for all segments."""
        same = len({score.quadratic for score in self.scores}) == 1
        squareless = tuple(Score(constant=score.constant, linear=score.linear) for score in self.scores)
        return (squareless if same else self.scores) or nearest_scores(self.centroids)


FAR = "far from the rest"  # how a value is flagged
OTHERS = ""  # stands among the categories of a segment for those that are hidden


class Profile(Record):
    """Who a segment is.

    centre : of each feature the mean, of one that is transformed that of what the model sees, transformed back; None,
        as its interval and index, where rows are private and one or two customers make up most of it
    mean : of each feature that is transformed the plain mean, None in the same way
    index : the centre of all customers = 100; None also where values are below 0, or all 0
    standing : how many standard deviations of all customers each centre stands above that of all, on the scale on which
        the segments were formed; None where one of both is not shown
    strongest : the features, that in which the segment stands farthest from all first
    descriptors : of each its mean and median, or the share of each category; nothing that tells of fewer than ten, and
        where categories are hidden for that, None under `OTHERS`
    suggested : whether the action follows from the levels, because dataset.yaml gives none
    """

    segment: int
    size: int
    share: float
    share_interval: Interval
    centre: dict[str, float | None]
    centre_interval: dict[str, Interval | None]
    mean: dict[str, float | None]
    index: dict[str, float | None]
    levels: dict[str, Level]
    standing: dict[str, float | None] = {}
    strongest: tuple[str, ...] = ()
    descriptors: dict[str, dict[str, float | None]]
    level_name: str
    name: str
    action: str | None
    suggested: bool = False

    @property
    def hides(self) -> bool:
        """Whether a centre or a mean is not shown."""
        return None in (*self.centre.values(), *self.mean.values())

    @property
    def marked(self) -> str | None:
        """The action, one that is only suggested with that before it."""
        return tr("Suggestion: {action}", action=self.action) if self.suggested else self.action

    def advised(self, verdict: Verdict) -> str | None:
        """Return the action that is told of the segment: none where nothing divides the customers."""
        return None if verdict == "none" else self.marked


class DescriptorTest(Record):
    """Whether a descriptor differs between the segments by more than chance gives."""

    descriptor: str
    test: str
    statistic: float
    p: float
    p_corrected: float
    effect: float
    measure: str


class Leaf(Record):
    """A rule: a customer within the bounds (above, up to) of each feature is in the segment; `right` of them are."""

    segment: int
    bounds: dict[str, tuple[float | None, float | None]]
    customers: int
    right: int


class Rules(Record):
    """What a small decision tree makes of the segments.

    cross_validated : the share right when the tree is grown without the customers that it is asked about
    private : whether a reader is told no count and no share finer than five customers
    """

    leaves: tuple[Leaf, ...]
    customers: int
    right: int
    cross_validated: float
    private: bool = False


def require_numbered(rows) -> None:
    """Refuse segments that are not numbered from 1, because they are looked up by their place."""
    numbers = [row.segment for row in rows]
    if numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(f"segments are numbered {numbers}; expected 1 to {len(numbers)}")
