"""The artifacts that one stage writes and another reads as JSON: what each holds, and how it is read back."""

import hashlib
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError, model_validator

from segmentation.core import files
from segmentation.core.dataset import ASSUMED, MethodName, dataset_path
from segmentation.core.errors import DataError, as_command, place_of, tell_fault
from segmentation.core.files import write_json
from segmentation.runs.records import (
    Account,
    Alternative,
    Became,
    Conclusion,
    Criteria,
    DescriptorTest,
    Dip,
    Feature,
    Judged,
    Placement,
    Printed,
    Profile,
    Record,
    Rules,
    Tried,
    Vote,
    require_numbered,
)
from segmentation.runs.worth import Ages, Fit, Rfm, Worth

FAULTS_SHOWN = 3
SUFFICIENT = (0.90, 0.95)  # of the customers are placed rightly by a short form
OF_KEYS = {"missing": "missing", "extra_forbidden": "unknown"}


class Artifact(Record):
    """A JSON file of a run."""

    FILE: ClassVar[str]


def _of_something(fingerprint: str) -> str:
    """Refuse the fingerprint of nothing, by which two tables would be one."""
    if fingerprint == hashlib.sha256().hexdigest():
        raise ValueError("the fingerprint is that of no table")
    return fingerprint


class Cleaning(Account, Artifact):
    """cleaning.json: the account, and what was read and how.

    files : the SHA-256 of each file of the table
    columns : the header of each column that is declared
    ignored : the headers of the others
    typed : the headers of those that were numbers already
    above, beside : lines left out above the column names, and notes beside the table
    """

    FILE: ClassVar[str] = "cleaning.json"

    file: str
    files: dict[str, str]
    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{64}$"), AfterValidator(_of_something)]
    features: tuple[str, ...]
    columns: dict[str, str]
    ignored: tuple[str, ...]
    fields: int
    typed: tuple[str, ...]
    encoding: str | None
    delimiter: str | None
    above: int
    beside: int

    @property
    def comma(self) -> bool:
        """Whether the table was made for spreadsheets with decimal commas: semicolons, and a comma or no point."""
        marks = {how.decimal for how in self.numbers.values() if how.decided}
        return self.delimiter == ";" and marks != {"."}


class Selection(Conclusion, Artifact):
    """k_selection.json: the criteria of every k, what each would choose, the decision and its reasons.

    customers, sample : of how many customers the criteria are, and of how many those that resample
    fit : of segments that are kept from an earlier run, whether they still fit
    formed_by, formed_why, tried : the method that forms the segments, why, and each that was judged for it
    """

    FILE: ClassVar[str] = "k_selection.json"

    formed_by: MethodName
    formed_why: str
    tried: tuple[Tried, ...]
    criteria: dict[int, Criteria]
    votes: tuple[Vote, ...]
    reasons: tuple[str, ...]
    dissent: dict[str, int]
    alternatives: tuple[Alternative, ...]
    caveats: tuple[str, ...]
    favourites: dict[str, int]
    dip: Dip
    features: tuple[str, ...]
    seed: int
    resamples: int
    customers: int
    sample: int
    fit: Fit | None = None

    @model_validator(mode="after")
    def _holds_its_choice(self):
        if self.divided and not isinstance(self.criteria.get(self.k), Judged):
            raise ValueError(f"the criteria of k = {self.k}, which is chosen, are missing")
        if not self.divided and self.verdict != "none":
            raise ValueError(f"k = 1 divides nobody, and cannot be {self.verdict}")
        return self

    @property
    def judged(self) -> dict[int, Judged]:
        """The criteria of every k that could be chosen."""
        return {k: row for k, row in sorted(self.criteria.items()) if isinstance(row, Judged)}

    @property
    def families(self) -> dict[int, str]:
        """The covariance family of mixtures of each k whose BIC is best."""
        return {k: min(row.mixture_bic, key=row.mixture_bic.__getitem__) for k, row in self.judged.items()
                if row.mixture_bic}  # fmt: skip

    @property
    def refits(self) -> int:
        """How many resamples give an interval: of a method that takes longer fewer."""
        return self.resamples * (10 if self.formed_by == "kmeans" else 2)

    @property
    def chosen(self) -> Judged:
        """The criteria of the k that is chosen."""
        return self.judged[self.k]

    @property
    def weakest(self) -> float:
        """The Jaccard coefficient of the least stable segment of the k that is chosen."""
        return self.chosen.weakest


class Model(Placement, Artifact):
    """model.json: enough to score anywhere, what the training data were, and how far other choices agree.

    sizes, reach : of each segment the customers, and how far from its centroid nearly all of them are
    agreement : the adjusted Rand index with the segments that each other choice would draw
    ages : how the customers of each age divide, where something says how long they have been customers
    """

    FILE: ClassVar[str] = "model.json"

    method: str
    customers: int
    sizes: tuple[int, ...]
    distance_unit: str
    features: tuple[Feature, ...]
    reach: tuple[float, ...]
    centroids_original_units: tuple[tuple[float, ...], ...]
    inertia: float
    agreement: dict[str, float]
    ages: Ages | None = None

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
    """The same with the name and the action that it keeps, and its number in k_selection.json.

    suggested : whether that action was a suggestion
    """

    name: str | None
    action: str | None
    suggested: bool = False
    selected_as: int


class Start(Record):
    """Whether the fit that started from the earlier centroids is kept.

    why : what forbade such a start, with the numbers of segments then and now
    above : how far its inertia is above the best of all other starts
    """

    from_base: bool
    why: Literal["features", "k", "method"] | None = None
    then: int | None = None
    now: int | None = None
    above: float | None = None


class Transitions(Record):
    """What became of each segment of an earlier run, and where each now comes from; fixed where all are kept."""

    base: str
    before: tuple[Former, ...]
    now: tuple[Origin, ...]
    fixed: bool = False


class ShortForm(Record):
    """A few questions, and the regression that places a customer by them: the segment of the highest score.

    right : the share of customers placed rightly who took no part in choosing them
    segments, constants : one for each segment that the regression knows
    weights : of each of these one number for each scaled column of the questions, in their order
    """

    features: tuple[str, ...]
    right: float
    segments: tuple[int, ...]
    constants: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]


class Profiles(Artifact):
    """profiles.json: who the segments are, which descriptors differ, the rules that tell them, what they are worth."""

    FILE: ClassVar[str] = "profiles.json"

    customers: int
    segments: Annotated[tuple[Profile, ...], Field(min_length=1)]
    tests: tuple[DescriptorTest, ...]
    rules: Rules
    short_forms: tuple[ShortForm, ...] = ()
    worth: tuple[Worth, ...] = ()
    rfm: Rfm | None = None

    @model_validator(mode="after")
    def _is_numbered(self):
        require_numbered(self.segments)
        return self

    @property
    def names(self) -> dict[int, str]:
        """The name of each segment."""
        return {profile.segment: profile.name for profile in self.segments}


class Lineage(Transitions, Artifact):
    """lineage.json: the transitions of a run that started from the earlier one, or who its segments were then."""

    FILE: ClassVar[str] = "lineage.json"

    now: tuple[Heir, ...]
    start: Start | None = None
    then: Profiles | None = None

    @model_validator(mode="after")
    def _is_numbered(self):
        require_numbered(self.before)
        require_numbered(self.now)
        return self


class Made(Artifact):
    """.made.json: the parameters of a run that may not be finished, and who set each; its data is where they lie."""

    FILE: ClassVar[str] = ".made.json"

    parameters: dict[str, str | int]
    set_by: dict[str, str]

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
        return self._text("base")

    @property
    def earlier(self) -> str | None:
        """The run that this one started from, or the one whose segments it keeps unchanged."""
        return self.base or self._text("model")

    @property
    def encoding(self) -> str | None:
        """The encoding of the table, where somebody named it."""
        return self._text("encoding")

    def _text(self, name: str) -> str | None:
        value = self.parameters.get(name)
        return None if value is None else str(value)

    @property
    def typed(self) -> dict[str, str | int]:
        """What was typed for the run."""
        return {name: value for name, value in self.parameters.items() if self.set_by.get(name) == "command line"}


class Manifest(Made):
    """manifest.json: the SHA-256 of what went in and came out, the parameters and who set each, the versions."""

    FILE: ClassVar[str] = "manifest.json"

    inputs: dict[str, str]
    outputs: dict[str, str]
    versions: dict[str, str]
    revision: str | None = None
    printed: Printed | None = None  # how much report.pdf holds, where that is all


KINDS: dict[str, type[Artifact]] = {
    kind.FILE: kind for kind in (Cleaning, Selection, Model, Lineage, Profiles, Manifest)
}
Kind = TypeVar("Kind", bound=Artifact)


def read_artifact(run: str, kind: type[Kind]) -> Kind:
    """Read a JSON artifact of a run.

    Raises
    ------
    DataError
        When it is damaged, or what another version of this program wrote.
    """
    place = f"assets/{run}/{kind.FILE}"
    try:
        return kind.model_validate_json((files.ROOT / place).read_bytes(), strict=True)
    except ValidationError as fault:
        dataset = None if kind is Manifest else _dataset_of(run)
        raise DataError(f"{place} {_tell(fault)}; make the run again: {remake_command(run, dataset)}") from fault


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
        return Manifest.model_validate_json((files.ROOT / "assets" / run / Manifest.FILE).read_bytes()).dataset
    except (OSError, ValidationError):
        return None


def remake_command(run: str, dataset: str | None = None) -> str:
    """Return the command that makes a run whatever its files say; of one that is not there RUN alone says nothing."""
    dataset = dataset or (run if dataset_path(run, run).is_file() else "name")
    return as_command("report", run=run, **({"data": "path"} if dataset == ASSUMED else {"dataset": dataset}))
