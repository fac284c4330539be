"""The artifacts that one stage writes and another reads as JSON: what each holds, and how it is read back."""

from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from segmentation.core import files
from segmentation.core.dataset import ASSUMED, Level, dataset_path
from segmentation.core.errors import DataError, place_of, tell_fault
from segmentation.core.files import write_json

Verdict = Literal["natural", "reproducible", "constructive", "none"]
Became = Literal["survives", "split", "merged", "gone"]
Interval = tuple[float, float]
FAULTS_SHOWN = 3
OF_KEYS = {"missing": "missing", "extra_forbidden": "unknown"}


class Record(BaseModel):
    """A part of an artifact: no key is unknown, and no number is infinite or none at all."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)

    def content(self) -> dict:
        """Return what stands in the file: what was never set is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class Artifact(Record):
    """A JSON file of a run."""

    file: ClassVar[str]


class Null(Record):
    """How often tables without segments reach a silhouette."""

    p: float
    error: float
    tables: int
    models: tuple[str, ...]


class Conclusion(Record):
    """The number of segments and the verdict on them, beside those of the rule, which an analyst may overrule.

    allowed : every k that the rule chose among
    stable : every k whose segments are all stable
    """

    k: int
    method: Literal["auto", "given"]
    best: int
    allowed: tuple[int, ...]
    stable: tuple[int, ...]
    verdict: Verdict
    verdict_of_best: Verdict
    null: Null


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
    """The criteria of a k."""

    silhouette: float
    calinski_harabasz: float
    davies_bouldin: float
    smallest: int
    starts: int
    reached: float
    agreement: float
    agreement_error: float
    prediction_strength: float
    prediction_strength_error: float
    null_limit: float
    null_limit_error: float
    valley_p: float
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
    why: str


class Dip(Record):
    """Hartigan's dip of the distances, and how often one mode gives as much; untied, with equal values spread."""

    dip: float
    p: float
    p_untied: float


class Selection(Conclusion, Artifact):
    """k_selection.json: the criteria of every k, what each would choose, the decision and its reasons.

    customers, sample : of how many customers the criteria are, and of how many those that resample.
    """

    file: ClassVar[str] = "k_selection.json"

    criteria: dict[int, Criteria]
    votes: tuple[Vote, ...]
    reasons: tuple[str, ...]
    dissent: dict[str, int]
    alternatives: tuple[Alternative, ...]
    favourites: dict[str, int]
    dip: Dip
    features: tuple[str, ...]
    seed: int
    resamples: int
    customers: int
    sample: int

    @model_validator(mode="after")
    def _holds_its_choice(self):
        if not isinstance(self.criteria.get(self.k), Judged):
            raise ValueError(f"the criteria of k = {self.k}, which is chosen, are missing")
        return self

    @property
    def judged(self) -> dict[int, Judged]:
        """The criteria of every k that could be chosen."""
        return {k: row for k, row in sorted(self.criteria.items()) if isinstance(row, Judged)}

    @property
    def chosen(self) -> Judged:
        """The criteria of the k that is chosen."""
        return self.judged[self.k]

    @property
    def weakest(self) -> float:
        """The Jaccard coefficient of the least stable segment of the k that is chosen."""
        return self.chosen.weakest


class Scaled(Record):
    """How a feature x is scaled: z = (t - centre) / spread.

    power : the lambda of Yeo & Johnson (2000), by which t is x transformed; 1 is x itself, 0 is log(1 + x).
    """

    name: str
    power: Annotated[float, Field(alias="lambda")]
    centre: float
    spread: float


class Feature(Scaled):
    """A feature of the model, with its range and how the customers divide into bins of it."""

    label: str
    unit: str | None
    transform: Literal["none", "log", "yeo-johnson"]
    low: float
    high: float
    bounds: tuple[float, ...]
    shares: tuple[float, ...]


class Placement(Record):
    """What gives a customer a segment: how each feature is scaled, and the centroid of each segment there."""

    features: tuple[Scaled, ...]
    centroids: tuple[tuple[float, ...], ...]

    @model_validator(mode="after")
    def _fits(self):
        if any(len(centroid) != len(self.features) for centroid in self.centroids):
            raise ValueError(f"a centroid has not one number for each of {len(self.features)} features")
        return self

    @property
    def names(self) -> list[str]:
        """The names of the features."""
        return [feature.name for feature in self.features]


class Model(Placement, Artifact):
    """model.json: enough to score anywhere, what the training data were, and how far other choices agree.

    sizes, reach : of each segment the customers, and how far from its centroid nearly all of them are
    agreement : the adjusted Rand index with the segments that each other choice would draw
    """

    file: ClassVar[str] = "model.json"

    method: str
    customers: int
    sizes: tuple[int, ...]
    distance_unit: str
    features: tuple[Feature, ...]
    reach: tuple[float, ...]
    centroids_original_units: tuple[tuple[float, ...], ...]
    inertia: float
    agreement: dict[str, float]

    @model_validator(mode="after")
    def _is_whole(self):
        if len({len(part) for part in (self.centroids, self.centroids_original_units, self.sizes, self.reach)}) > 1:
            raise ValueError("centroids, sizes and reach are not of as many segments")
        return self


class Former(Record):
    """What became of a segment of an earlier run.

    left : whether few customers are left where it was
    into : the segments that it went into
    kept_as : the segment that keeps its name
    """

    segment: int
    name: str
    fate: Became
    left: bool
    into: tuple[int, ...]
    kept_as: int | None


class Origin(Record):
    """The earlier segments that a segment comes from, and the one whose name it keeps."""

    segment: int
    kept_from: int | None
    comes_from: tuple[int, ...]


class Heir(Origin):
    """The same with the name and the action that it keeps, and its number in k_selection.json."""

    name: str | None
    action: str | None
    selected_as: int


class Start(Record):
    """Whether the fit that started from the earlier centroids is kept.

    why : what forbade such a start, with the numbers of segments then and now
    above : how far its inertia is above the best of all other starts
    """

    from_base: bool
    why: Literal["features", "k"] | None = None
    then: int | None = None
    now: int | None = None
    above: float | None = None


class Transitions(Record):
    """What became of each segment of an earlier run, and where each segment now comes from."""

    base: str
    before: tuple[Former, ...]
    now: tuple[Origin, ...]


class Lineage(Transitions, Artifact):
    """lineage.json: the same of a run that started from the earlier one."""

    file: ClassVar[str] = "lineage.json"

    now: tuple[Heir, ...]
    start: Start

    @model_validator(mode="after")
    def _is_numbered(self):
        _require_numbered(self.before)
        _require_numbered(self.now)
        return self


class Profile(Record):
    """Who a segment is.

    centre : the mean of each feature
    index : the mean of all customers = 100; None where values are below 0, or all 0
    descriptors : of each its mean and median, or the share of each category; nothing that tells of fewer than ten
    """

    segment: int
    size: int
    share: float
    share_interval: Interval
    centre: dict[str, float]
    centre_interval: dict[str, Interval]
    index: dict[str, float | None]
    levels: dict[str, Level]
    descriptors: dict[str, dict[str, float]]
    level_name: str
    name: str
    action: str | None


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
    """

    leaves: tuple[Leaf, ...]
    customers: int
    right: int
    cross_validated: float


class Profiles(Artifact):
    """profiles.json: who the segments are, which descriptors differ between them, and the rules that tell them."""

    file: ClassVar[str] = "profiles.json"

    customers: int
    segments: Annotated[tuple[Profile, ...], Field(min_length=1)]
    tests: tuple[DescriptorTest, ...]
    rules: Rules

    @model_validator(mode="after")
    def _is_numbered(self):
        _require_numbered(self.segments)
        return self

    @property
    def names(self) -> dict[int, str]:
        """The name of each segment."""
        return {profile.segment: profile.name for profile in self.segments}


def _require_numbered(rows) -> None:
    """Refuse segments that are not numbered from 1, because they are looked up by their place."""
    numbers = [row.segment for row in rows]
    if numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(f"segments are numbered {numbers}; expected 1 to {len(numbers)}")


class Manifest(Artifact):
    """manifest.json: the SHA-256 of what went in and came out, the parameters and who set each, the versions."""

    file: ClassVar[str] = "manifest.json"

    inputs: dict[str, str]
    outputs: dict[str, str]
    parameters: dict[str, str | int]
    set_by: dict[str, str]
    versions: dict[str, str]
    revision: str | None = None

    @model_validator(mode="after")
    def _knows_its_dataset(self):
        if not isinstance(self.parameters.get("dataset"), str):
            raise ValueError("the parameter dataset is missing")
        return self

    @property
    def dataset(self) -> str:
        """The folder under data/ that describes the table; "assumed" where nobody has described it."""
        return str(self.parameters["dataset"])

    @property
    def base(self) -> str | None:
        """The run that this one started from."""
        base = self.parameters.get("base")
        return None if base is None else str(base)


KINDS: dict[str, type[Artifact]] = {kind.file: kind for kind in (Selection, Model, Lineage, Profiles, Manifest)}
Kind = TypeVar("Kind", bound=Artifact)


def read_artifact(run: str, kind: type[Kind]) -> Kind:
    """Read a JSON artifact of a run.

    Raises
    ------
    DataError
        When it is damaged, or what another version of this program wrote.
    """
    place = f"assets/{run}/{kind.file}"
    try:
        return kind.model_validate_json((files.ROOT / place).read_bytes(), strict=True)
    except ValidationError as fault:
        dataset = None if kind is Manifest else _dataset_of(run)
        raise DataError(f"{place} {_tell(fault)}; make the run again: {remake_command(run, dataset)}") from None


def write_artifact(run: str, name: str, content: dict | Record) -> None:
    """Write a JSON artifact of a run, after checking that it can be read back."""
    whole = KINDS[name].model_validate(content.content() if isinstance(content, Record) else content)
    write_json(files.ROOT / "assets" / run / name, whole.content())


def _tell(fault: ValidationError) -> str:
    """Say what is wrong with a file: that keys are missing or unknown speaks for an older version."""
    errors = fault.errors()
    older = all(error["type"] in OF_KEYS for error in errors)
    shown = "; ".join(_tell_error(error) for error in errors[:FAULTS_SHOWN])
    more = f"; and {len(errors) - FAULTS_SHOWN} more" if len(errors) > FAULTS_SHOWN else ""
    return f"is damaged{' or of an older version' if older else ''}: {shown}{more}"


def _tell_error(error) -> str:
    return f"{place_of(error)} is {OF_KEYS[error['type']]}" if error["type"] in OF_KEYS else tell_fault(error)


def _dataset_of(run: str) -> str | None:
    """Return what a run was made from; None where it does not say so, as one that is not finished."""
    try:
        return Manifest.model_validate_json((files.ROOT / "assets" / run / Manifest.file).read_bytes()).dataset
    except (OSError, ValidationError):
        return None


def remake_command(run: str, dataset: str | None = None) -> str:
    """Return the command that makes a run; RUN alone would make the sample under that name."""
    dataset = dataset or (run if dataset_path(run, run).is_file() else "name")
    return f"make report RUN={run} {'DATA=path' if dataset == ASSUMED else f'DATASET={dataset}'}"
