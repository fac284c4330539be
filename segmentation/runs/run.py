"""One run of one dataset: what the notebooks read and write, all under assets/<run>/."""

import re
from dataclasses import dataclass
from pathlib import Path

from segmentation.core import files
from segmentation.core.dataset import Dataset, load_dataset
from segmentation.core.errors import UsageError
from segmentation.core.files import NOT_RUNS, read_json


@dataclass(frozen=True)
class Run:
    """A run's name, its dataset, and its folder of artifacts."""

    name: str
    dataset: Dataset

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
        """Read an artifact: a frame for .parquet, the content for .json.

        Raises
        ------
        UsageError
            When the stage that writes it has not run yet.
        """
        path = self.existing(name)
        if path.suffix == ".json":
            return read_json(path)
        import pandas as pd  # takes a second that a run in which nothing changed does not need

        return pd.read_parquet(path)


def open_run(run: str, dataset: str, engine: str = "duckdb") -> Run:
    """Open run `run` of the dataset in data/<dataset>/, or of the one that was assumed for it.

    Large tables are computed by `engine` from then on: "duckdb" or "spark".

    Raises
    ------
    UsageError
        When the run's name is not a plain folder name, or dataset.yaml cannot be used.
    """
    check_run_name(run)
    if engine != "duckdb":
        from segmentation.core.engine import choose  # imported here, because it takes a second

        choose(engine)
    return Run(run, load_dataset(dataset, run))


def check_run_name(run: str, option: str = "RUN") -> None:
    """Refuse what cannot name a folder of its own under assets/ and report/."""
    if not re.fullmatch(r"\w[\w .-]{0,79}", run) or run.endswith((" ", ".")) or run in NOT_RUNS:
        raise UsageError(f"{option}={run} cannot name a folder; expected letters, digits, spaces, '.', '_' and '-'")
