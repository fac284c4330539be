"""One run of one dataset: what the notebooks read and write, all under assets/<run>/."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from segmentation.core import files
from segmentation.core.dataset import Dataset, load_dataset, parse_features
from segmentation.core.errors import UsageError
from segmentation.core.files import NOT_RUNS
from segmentation.runs.artifacts import KINDS, Lineage, read_artifact, write_artifact
from segmentation.runs.records import Record

PIPELINE = "SEGMENTATION_PIPELINE"  # what a kernel that the pipeline has started finds in its environment
BY_HAND = "-lab"


@dataclass(frozen=True)
class Run:
    """A run's name, its dataset, its folder of artifacts, and the parameters that are not what dataset.yaml says."""

    name: str
    dataset: Dataset
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that form the segments."""
        return self.given.get("features", self.dataset.named("feature"))

    @property
    def k(self) -> int | Literal["auto"]:
        """How many segments are asked for."""
        return self.given.get("k", self.dataset.k)

    @property
    def seed(self) -> int:
        """The seed of every random start."""
        return self.given.get("seed", self.dataset.seed)

    @property
    def resamples(self) -> int:
        """How often the table is resampled."""
        return self.given.get("resamples", self.dataset.resamples)

    @property
    def private(self) -> bool:
        """Whether no single customer may be shown, and no group of fewer than ten."""
        return self.dataset.private

    @property
    def folder(self) -> Path:
        return files.ROOT / "assets" / self.name

    @property
    def report(self) -> Path:
        """The folder of the report and the executed notebooks."""
        return files.ROOT / "report" / self.name

    def path(self, name: str) -> Path:
        """Return where the artifact `name` lies."""
        return self.folder / name

    def existing(self, name: str) -> Path:
        """Return where the artifact `name` lies.

        Raises
        ------
        UsageError
            When the stage that writes it has not run yet.
        """
        path = self.path(name)
        if not path.is_file():
            raise UsageError(f"assets/{self.name}/{name} does not exist yet; run the notebooks before this one first")
        return path

    def read(self, name: str):
        """Read an artifact: a frame for .parquet, a record of `runs.artifacts` for .json.

        Raises
        ------
        UsageError
            When the stage that writes it has not run yet.
        DataError
            When it is damaged.
        """
        path = self.existing(name)
        if name in KINDS:
            return read_artifact(self.name, KINDS[name])
        import pandas as pd  # takes a second that a run in which nothing changed does not need

        return pd.read_parquet(path)

    def lineage(self) -> Lineage | None:
        """Return what became of the segments of the run that this one started from; None where there is none."""
        return self.read(Lineage.FILE) if self.path(Lineage.FILE).is_file() else None

    def write(self, name: str, content: dict | Record) -> None:
        """Write a JSON artifact, after checking that it can be read back."""
        write_artifact(self.name, name, content)


def open_run(
    run: str,
    dataset: str,
    *,
    features: str | None = None,
    k: int | Literal["auto"] | None = None,
    seed: int | None = None,
    resamples: int | None = None,
    engine: str = "duckdb",
) -> Run:
    """Open run `run` of the dataset in data/<dataset>/, or of the one that was assumed for it.

    In a notebook that somebody runs by hand it is a run of its own beside it, so that no finished one is written over.

    Parameters
    ----------
    features : str, optional
        The columns that form the segments, as "a,b"; this and each of the next is what dataset.yaml says where it is
        None.
    engine : str
        What computes large tables from then on: "duckdb" or "spark".

    Raises
    ------
    UsageError
        When the run's name is not a plain folder name, dataset.yaml cannot be used, or no such features are there.
    """
    check_run_name(run)
    described, run = load_dataset(dataset, run), _own_by_hand(run)
    if engine != "duckdb":
        from segmentation.core.engine import choose  # imported here, because it takes a second

        choose(engine)
    formed_by = None if features is None else parse_features(features, described)
    given = {"features": formed_by, "k": k, "seed": seed, "resamples": resamples}
    return Run(run, described, {name: value for name, value in given.items() if value is not None})


def _own_by_hand(run: str) -> str:
    """Return the name of the run that a notebook writes to: its own where the pipeline did not start the kernel."""
    kernel = sys.modules.get("ipykernel.kernelapp")
    if not kernel or not kernel.IPKernelApp.initialized() or PIPELINE in os.environ:
        return run
    files.require_project()
    own = run if run.endswith(BY_HAND) else f"{run}{BY_HAND}"
    print(
        f"Run by hand, this notebook reads and writes assets/{own}/, and no finished run; those before it come first."
    )
    return own


def check_run_name(run: str, option: str = "RUN") -> None:
    """Refuse what cannot name a folder of its own under assets/ and report/."""
    if not re.fullmatch(r"\w[\w .-]{0,79}", run) or run.endswith((" ", ".")) or run in NOT_RUNS:
        raise UsageError(f"{option}={run} cannot name a folder; expected letters, digits, spaces, '.', '_' and '-'")
