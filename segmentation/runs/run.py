"""One run of one dataset: what the notebooks read and write, all under assets/<run>/."""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ValidationError

from segmentation.core import files
from segmentation.core.dataset import (
    ASSUMED,
    Column,
    Dataset,
    Ends,
    MethodName,
    Rfm,
    SegmentName,
    Source,
    Transactions,
    dataset_path,
)
from segmentation.core.errors import UsageError, as_option, place_of, tell_fault
from segmentation.core.files import DEVICES, NOT_RUNS
from segmentation.core.text import key, key_without_unit, suggest
from segmentation.language import LANGUAGES, speak
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
    def method(self) -> Literal["auto"] | MethodName:
        """How the segments are to be formed."""
        return self.given.get("method", self.dataset.method)

    @property
    def seed(self) -> int:
        """The seed of every random start."""
        return self.given.get("seed", self.dataset.seed)

    @property
    def resamples(self) -> int:
        """How often the table is resampled."""
        return self.given.get("resamples", self.dataset.resamples)

    @property
    def language(self) -> str:
        """The language of the reader."""
        return self.given.get("language", self.dataset.language)

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
    method: Literal["auto"] | MethodName | None = None,
    seed: int | None = None,
    resamples: int | None = None,
    engine: str = "duckdb",
    language: str | None = None,
) -> Run:
    """Open run `run` of the dataset in data/<dataset>/, or of the one that was assumed for it, and speak its language.

    In a notebook that somebody runs by hand it is a run of its own beside it, so that no finished one is written over.

    Parameters
    ----------
    features : str, optional
        The columns that form the segments, as "a,b"; this and each of the next is what dataset.yaml says where it is
        None.
    engine : str
        What computes large tables from then on: "duckdb" or "spark".
    language : str, optional
        In which the run is told from then on; what dataset.yaml says where it is None.

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
    described = described if formed_by is None else forming(described, formed_by)
    chosen = {"features": formed_by, "k": k, "method": method, "seed": seed, "resamples": resamples}
    given = {**chosen, "language": require_language(language)}
    study = Run(run, described, {name: value for name, value in given.items() if value is not None})
    speak(study.language)
    return study


def require_language(language: str | None) -> str | None:
    """Return a language; refuse one that nothing is told in.

    Raises
    ------
    UsageError
    """
    if language not in (None, *LANGUAGES):
        near = suggest(str(language), LANGUAGES)
        raise UsageError(f"{as_option('lang', language)} is not known{near} Known: {', '.join(LANGUAGES)}.")
    return language


def parse_features(text: str | None, dataset: Dataset) -> tuple[str, ...]:
    """Return the features named in `text` ("a,b"), or those of the dataset when it is None.

    A column may be named as in dataset.yaml, by its label, or by a header of it, with or without its unit.

    Raises
    ------
    UsageError
        When a name is unknown, given twice, or neither a number nor yes or no.
    """
    if text is None:
        return dataset.named("feature")
    usable = {name: dataset.columns[name] for name in dataset.named("feature", "descriptor")}
    formed = {name for name, column in usable.items() if column.role == "feature" or column.type == "yes/no"}
    allowed = [name for name, column in usable.items() if column.numeric or name in formed]
    spellings = {name: [*column.headers(name), dataset.label(name)] for name, column in dataset.columns.items()}
    names, typed = find_named(text, spellings), as_option("features", text)
    called = {name: dataset.label(name) if key(dataset.label(name)) != key(name) else name for name in dataset.columns}
    known = ", ".join(called[name] for name in allowed)
    for name in names:
        told = repr(called.get(name, name))
        if name in usable and name not in allowed:
            raise UsageError(
                f"{typed} names {told}, whose categories are no number: K-Means measures distances, and none is "
                "given between categories. It describes the segments as it is; as a feature in dataset.yaml latent "
                f"classes use it. Known: {known}."
            )
        if name not in allowed:
            near = suggest(name, dict.fromkeys([*allowed, *map(called.get, allowed)])) if name not in called else "."
            raise UsageError(
                f"{typed} names {told}, which is not a number column of this dataset{near} Known: {known}."
            )
    if not names or len(set(names)) < len(names):
        raise UsageError(f"{typed}: expected different names separated by commas, such as a,b")
    return tuple(names)


def find_named(text: str, spellings: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the columns that a text names, separated by commas, and as it is what names none.

    Case, blanks and punctuation do not count, nor does a unit; a spelling may hold commas itself.
    """
    words, names = text.split(","), []
    while words:
        known = ((n, _find_one(",".join(words[:n]), spellings)) for n in range(len(words), 0, -1))
        taken, name = next(((n, name) for n, name in known if name), (1, words[0].strip()))
        names += [name] if name else []
        words = words[taken:]
    return names


def _find_one(word: str, spellings: Mapping[str, Sequence[str]]) -> str | None:
    """Return the column that a word names: the one that is spelt most like it."""
    if word.strip() in spellings:
        return word.strip()
    for spelling in (str.strip, key, key_without_unit):
        wanted = spelling(word)
        for name, texts in spellings.items():
            if wanted and wanted in map(spelling, texts):
                return name
    return None


def forming(dataset: Dataset, features: Sequence[str]) -> Dataset:
    """Return a dataset in which the answers of yes and no among these form segments, so that they are numbers."""
    answers = {n: c for n, c in dataset.columns.items() if n in features and c.type == "yes/no" and c.role != "feature"}
    changed = {n: c.model_copy(update={"role": "feature", "reason": "FEATURES names it"}) for n, c in answers.items()}
    return dataset.model_copy(update={"columns": dataset.columns | changed}) if changed else dataset


def _own_by_hand(run: str) -> str:
    """Return the name of the run that a notebook writes to: its own where the pipeline did not start the kernel."""
    kernel = sys.modules.get("ipykernel.kernelapp")
    if not kernel or not kernel.IPKernelApp.initialized() or PIPELINE in os.environ:
        return run
    files.require_home()
    own = run if run.endswith(BY_HAND) else f"{run}{BY_HAND}"
    print(
        f"Run by hand, this notebook reads and writes assets/{own}/, and no finished run; those before it come first."
    )
    return own


def check_run_name(run: str, option: str = "RUN") -> None:
    """Refuse what cannot name a folder of its own under assets/ and report/."""
    if not re.fullmatch(r"\w[\w .-]{0,79}", run) or run.endswith((" ", ".")) or run in NOT_RUNS:
        told = as_option(option, run)
        raise UsageError(f"{told} cannot name a folder; expected letters, digits, spaces, '.', '_' and '-'")
    if DEVICES.match(run):
        told = as_option(option, run)
        raise UsageError(f"{told} cannot name a folder on every system: Windows has a device of that name")


def compared(base: str | None, run: str | None, runs: str | None, names: Sequence[str] | None = None) -> list[str]:
    """Return the names of the runs to compare, the earliest first: BASE and RUN, or RUNS, or `names` alone.

    Raises
    ------
    UsageError
        When neither or both are given, or one cannot be the name of a run, or stands twice.
    """
    if names:
        runs, base, run = None if base or run or runs else ",".join(names), None, None
    if (runs is None) == (base is None and run is None) or (runs is None and None in (base, run)):
        two = f"{as_option('base', 'march')} {as_option('run', 'april')}"
        raise UsageError(f"name the runs to compare: {two}, or {as_option('runs', 'jan,feb,mar')} and neither of these")
    if runs is None:
        typed = [("BASE", str(base)), ("RUN", str(run))]
    else:
        typed = [("RUNS", name.strip()) for name in runs.split(",")]
        names = [name for _, name in typed]
        if len(names) < 2 or len(names) != len(set(names)):
            told, like = as_option("runs", runs), as_option("runs", "jan,feb,mar")
            raise UsageError(f"{told} must name two runs or more, each once, the earliest first: {like}")
    for option, name in typed:
        check_run_name(name, option)
    return [name for _, name in typed]


def load_dataset(name: str, run: str = "") -> Dataset:
    """Read data/<name>/dataset.yaml, or what was assumed for a run.

    Raises
    ------
    UsageError
        When there is no such dataset, or its file breaks a rule; every fault is listed.
    """
    path = dataset_path(name, run)
    own = files.INSTALLED and path.is_relative_to(files.ROOT)
    shown = files.shown(path) if own else files.name_of(path)
    places = [root.glob("data/*/dataset.yaml") for root in (files.ROOT, files.SHIPPED)]
    known = sorted({described.parent.name for place in places for described in place})
    if name not in known and not (name == ASSUMED and path.is_file()):
        raise UsageError(f"{shown} does not exist{suggest(name, known)} Known: {', '.join(known)}.")
    try:
        return parse_dataset(path.read_text(encoding="utf-8"), shown)
    except UnicodeDecodeError as fault:
        raise UsageError(f"{shown} is not UTF-8: {fault}") from fault


def parse_dataset(text: str, shown: str) -> Dataset:
    """Read the text of a dataset.yaml; `shown` is what a message calls it.

    Raises
    ------
    UsageError
        When it breaks a rule; every fault is listed.
    """
    try:
        found = yaml.load(text, files.PlainLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as fault:  # a date or number that is none, too deep a nest
        raise UsageError(f"{shown} is not valid YAML: {fault}") from fault
    try:
        return Dataset.model_validate(found)
    except ValidationError as fault:
        faults = "\n".join(f"  {_tell(error)}" for error in fault.errors())
        raise UsageError(f"{shown} cannot be used:\n{faults}") from fault


def _tell(error) -> str:
    if error["type"] == "extra_forbidden":
        keys = {
            field
            for model in (Dataset, Source, Transactions, Column, Ends, Rfm, SegmentName)
            for field in model.model_fields
        }
        return f"{place_of(error)}: unknown key{suggest(str(error['loc'][-1]), keys)}"
    return tell_fault(error)
