"""The earlier run that another one starts from: its model, and what its segments are called."""

from dataclasses import dataclass

from segmentation.core.dataset import Dataset
from segmentation.core.errors import DataError, UsageError
from segmentation.core.text import contradict, listing
from segmentation.runs.manifest import read_manifest, remake_command, require_unchanged
from segmentation.runs.run import Run, check_run_name


@dataclass(frozen=True)
class Finished:
    """A finished run.

    model : the content of model.json
    profiles : the segments of profiles.json
    """

    run: str
    model: dict
    profiles: list[dict]

    @property
    def features(self) -> list[str]:
        """The features that formed its segments."""
        return [feature["name"] for feature in self.model["features"]]

    @property
    def shares(self) -> list[float]:
        """The share of each segment."""
        return [size / self.model["customers"] for size in self.model["sizes"]]


def open_base(base: str, run: str, dataset: Dataset) -> Finished:
    """Open the run that `run`, of this dataset, starts from.

    Raises
    ------
    UsageError
        When it is `run` itself, has not been made, or was formed on columns that this dataset does not have.
    DataError
        When it was changed since.
    """
    check_run_name(base, "BASE")
    if base == run:
        raise UsageError(f"BASE={base} is the run itself; give the new one another name: RUN={base}-2")
    found = read_finished(Run(base, dataset))
    told = foreign_features(found.model, dataset)
    if told:
        raise UsageError(f"BASE={base} cannot be compared with run {run}: {told}; expected a run of the same columns")
    return found


def read_finished(study: Run) -> Finished:
    """Read a finished run.

    Raises
    ------
    UsageError, DataError
        When it has not been made, or was changed since.
    """
    require_unchanged(study.name)
    model = study.read("model.json")
    if "reach" not in model:
        again = remake_command(study.name, read_manifest(study.name)["parameters"]["dataset"])
        raise DataError(f"assets/{study.name}/model.json is of an older version; make the run again: {again}")
    return Finished(study.name, model, study.read("profiles.json")["segments"])


def foreign_features(model: dict, dataset: Dataset) -> str:
    """Say which features of a model a dataset does not have as numbers of the same unit; empty when it has all."""
    columns = {name: dataset.columns[name] for name in dataset.named("feature", "descriptor")}
    missing = [f["name"] for f in model["features"] if f["name"] not in columns or not columns[f["name"]].numeric]
    if missing:
        return f"its segments were formed on {listing(missing)}, which this dataset does not have as a number"
    for f in model["features"]:
        unit = columns[f["name"]].unit
        if f["unit"] and unit and contradict(f["unit"], unit):
            return f"{f['name']} was in {f['unit']} then, and is in {unit} now"
    return ""
