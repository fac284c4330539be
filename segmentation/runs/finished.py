"""The earlier run that another one starts from: its model, and what its segments are called."""

from dataclasses import dataclass

from segmentation.core.dataset import Dataset
from segmentation.core.errors import UsageError, as_option
from segmentation.core.text import contradict
from segmentation.language.writing import listing
from segmentation.runs.artifacts import Model
from segmentation.runs.manifest import read_manifest, require_unchanged
from segmentation.runs.records import Carried, Profile
from segmentation.runs.run import Run, check_run_name


@dataclass(frozen=True)
class Finished:
    """A finished run: its name, its model, the profiles of its segments, and the language that was asked for."""

    run: str
    model: Model
    profiles: tuple[Profile, ...]
    language: str | None = None

    @property
    def features(self) -> list[str]:
        """The features that formed its segments."""
        return self.model.names

    @property
    def numbers(self) -> list[str]:
        """Those of them that are numbers, which alone have a centre."""
        return [feature.name for feature in self.model.numbers]

    @property
    def method(self) -> str:
        """The method that formed its segments, as METHOD= names it."""
        return {"k-means": "kmeans"}.get(self.model.method, self.model.method)

    @property
    def carried(self) -> dict[str, str | int]:
        """The parameters that a run has which starts from it, unless others are typed; of one part there is no k."""
        told: dict[str, str | int] = {"features": ",".join(self.features)}
        told |= {"language": self.language} if self.language else {}
        return told | ({"method": self.method, "k": len(self.profiles)} if len(self.profiles) > 1 else {})

    @property
    def number(self) -> Carried:
        """How many segments it has, for a run that starts from it."""
        return Carried(run=self.run, k=len(self.profiles))

    @property
    def shares(self) -> list[float]:
        """The share of each segment, of its own customers: a model that it keeps was formed on others."""
        return [profile.share for profile in self.profiles]

    @property
    def customers(self) -> int:
        """How many customers it has."""
        return sum(profile.size for profile in self.profiles)


def open_base(base: str, run: str, dataset: Dataset, option: str = "BASE") -> Finished:
    """Open the run that `run`, of this dataset, starts from, or as `option` MODEL the one whose segments it keeps.

    Raises
    ------
    UsageError, DataError
        As `find_base` and `require_same_columns`.
    """
    found = find_base(base, run, dataset, option)
    require_same_columns(found, run, dataset, option)
    return found


def find_base(base: str, run: str, dataset: Dataset, option: str = "BASE") -> Finished:
    """Find the run that `run` is to start from.

    Raises
    ------
    UsageError
        When it is `run` itself, or has not been made.
    DataError
        When it was changed since.
    """
    check_run_name(base, option)
    if base == run:
        another = as_option("run", f"{base}-2")
        raise UsageError(f"{as_option(option, base)} is the run itself; give the new one another name: {another}")
    found = read_finished(Run(base, dataset))
    if option == "MODEL" and len(found.profiles) == 1:
        told = as_option("model", base)
        raise UsageError(f"{told} has one part alone, of all customers: there are no segments to keep")
    return found


def require_same_columns(base: Finished | None, run: str, dataset: Dataset, option: str = "BASE") -> None:
    """Refuse a base that was formed on columns that a dataset does not have; where there is none nothing.

    Raises
    ------
    UsageError
    """
    if base and (told := foreign_features(base.model, dataset)):
        cannot = "be compared with" if option == "BASE" else "place the customers of"
        typed = as_option(option, base.run)
        raise UsageError(f"{typed} cannot {cannot} run {run}: {told}; expected a run of the same columns")


def read_finished(study: Run) -> Finished:
    """Read a finished run.

    Raises
    ------
    UsageError, DataError
        When it has not been made, or was changed since.
    """
    require_unchanged(study.name)
    made = read_manifest(study.name)
    asked = made.set_by.get("language") not in (None, "default", "notebook", "dataset.yaml")
    language = str(made.parameters["language"]) if asked else None
    return Finished(study.name, study.read("model.json"), study.read("profiles.json").segments, language)


def foreign_features(model: Model, dataset: Dataset) -> str:
    """Say which features of a model a dataset does not have as numbers of the same unit; empty when it has all."""
    columns = {name: dataset.columns[name] for name in dataset.named("feature", "descriptor")}
    for what, kind in (("a number", model.numbers), ("categories", [f for f in model.features if f.categories])):
        numeric = what == "a number"
        missing = [f.name for f in kind if f.name not in columns or columns[f.name].numeric != numeric]
        if missing:
            return f"its segments were formed on {listing(missing)}, which this dataset does not have as {what}"
    for feature in model.features:
        unit = columns[feature.name].unit
        if feature.unit and unit and contradict(feature.unit, unit):
            return f"{feature.name} was in {feature.unit} then, and is in {unit} now"
    return ""
