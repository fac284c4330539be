"""What a run will do: its table, its dataset, each parameter and who set it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import get_args

from segmentation.core import files
from segmentation.core.dataset import ASSUMED, Dataset, MethodName, dataset_path
from segmentation.core.errors import DataError, UsageError, as_command, as_option
from segmentation.core.files import as_json, revision
from segmentation.core.text import suggest
from segmentation.language import speak
from segmentation.language.message import catalogue_path
from segmentation.language.writing import listing
from segmentation.runs.artifacts import Made
from segmentation.runs.finished import find_base, require_same_columns
from segmentation.runs.manifest import open_finished, refuse_another, remembered
from segmentation.runs.run import (
    Run,
    check_run_name,
    forming,
    open_run,
    parse_dataset,
    parse_features,
    require_language,
)
from segmentation.runs.stages import OF_BASE, STAGES, Stage, declared
from segmentation.tables.sources import RawSource, find_table, locate, run_name

ENGINES = ("duckdb", "spark")
WAYS = ("auto", *get_args(MethodName))
OF_DISTANCES = ("kmeans", "mixture")  # of no use to a later run that has a category among its features
OF_MODEL = ("k", "features", "method")  # what a run has of the one whose segments it keeps unchanged
LEAST_TYPED = {"k": 2, "seed": 0, "resamples": 10}  # of the parameters that are whole numbers


@dataclass(frozen=True)
class Plan:
    """What a run will do: its study, its raw table, each parameter with who set it, and the dataset.yaml assumed."""

    study: Run
    source: RawSource
    parameters: dict
    set_by: dict
    assumed: str | None = None

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """The SHA-256 of each file of the raw table when it was first asked for: before it is read."""
        return self.source.fingerprints()

    @cached_property
    def revision(self) -> str | None:
        """The git revision when it was first asked for."""
        return revision()

    def require_same_table(self) -> None:
        """Refuse a table that somebody wrote to while it was read: nobody could say which of the two the results tell.

        Raises
        ------
        DataError
        """
        if self.source.settled and self.source.fingerprints() != self.fingerprints:
            raise DataError(f"{self.source.name} was changed while it was read; make the run again")

    @property
    def described(self) -> Path:
        """The dataset.yaml."""
        return dataset_path(self.parameters["dataset"], self.study.name)

    def executed(self, stage: Stage) -> Path:
        """Return where the executed copy of a stage's notebook lies."""
        return self.study.report / "notebooks" / stage.notebook.name

    def figures(self, stage: Stage) -> list[Path]:
        """Return the figures that a stage has saved."""
        return sorted(self.study.path("figures").glob(f"{stage.name[:2]}-*.*"))

    def artifacts(self) -> list[Path]:
        """Return every artifact that the stages always write, figures aside."""
        return [self.study.path(name) for stage in STAGES for name in stage.writes]

    def perhaps(self, stage: Stage) -> list[Path]:
        """Return the artifacts that a stage writes for some numbers of customers, or with a base, only."""
        return [self.study.path(name) for name in stage.may_write]

    @property
    def earlier(self) -> str | None:
        """The run that this one starts from, or the one whose segments it keeps unchanged."""
        return self.parameters["base"] or self.parameters["model"]

    @property
    def base_files(self) -> list[Path]:
        """What is read of that run."""
        return [files.ROOT / "assets" / self.earlier / name for name in OF_BASE] if self.earlier else []

    def inputs(self, stage: Stage) -> list[Path]:
        """Return the files that a stage reads."""
        if stage == STAGES[0]:
            return [*self.source.files, *self.catalogues]
        own = [*stage.reads, *(stage.may_read if self.earlier else ())]
        base = self.base_files if "base" in declared(stage) else []
        return [*map(self.study.path, own), *base, *self.catalogues]

    def told_parameters(self) -> list[dict]:
        """Return each parameter as a reader may see it, and who set it; of a path only the file's name."""
        shown = self.parameters | {"data": self.source.name}
        told = sorted(name for name, value in shown.items() if value is not None)
        return [{"name": name, "value": shown[name], "set_by": self.set_by[name]} for name in told]

    def made(self) -> Made:
        """Return what the run is made from, the place of its table as `wherever` has it: none of a server."""
        told = {row["name"]: row["value"] for row in self.told_parameters() if row["name"] != "data"}
        return Made(parameters=told | ({"data": self.wherever} if self.source.files else {}), set_by=self.set_by)

    def remembered(self) -> dict[Path, str]:
        """Return the files that say what the run is made from, and the dataset.yaml that was assumed."""
        assumed = {} if self.assumed is None else {self.described: self.assumed}
        return {self.study.path(Made.FILE): as_json(self.made().content())} | assumed

    @property
    def catalogues(self) -> list[Path]:
        """The messages in the language of the reader; in English they are the code."""
        place = files.PACKAGE / "language" / catalogue_path(self.study.language).name
        return [place] if place.is_file() else []

    @property
    def wherever(self) -> str:
        """The place of the raw table: in the home, or shipped, its path from there."""
        file, mark, part = self.source.place, *(("#", self.source.part) if self.source.part else ("", ""))
        return f"{files.name_of(Path(file.removesuffix(mark + part)))}{mark}{part}" if self.source.files else file


def make_plan(**given) -> Plan:
    """Decide each parameter: notebook default < dataset.yaml < base < command line.

    Parameters
    ----------
    given : str or None
        Each option of the command line as typed, None where nothing was.

    Raises
    ------
    UsageError, DataError
        Before anything runs, for every fault that can be seen by then.
    """
    kept, made = remembered(given)
    defaults = _notebook_defaults()
    typed, option, base = _with_earlier(given, _usable(kept), defaults)
    if typed["data"] != given["data"]:
        _require_there(typed["data"], typed["run"] or typed["dataset"])
    assumed = _assume(typed, option, base) if typed["data"] is not None and typed["dataset"] is None else None
    study, name = _open(typed, defaults, assumed)
    _require_unknown(typed, name, assumed)
    earlier = find_base(base, study.name, study.dataset, option) if base else None
    carried = {name: (own, f"{option.lower()} {base}") for name, own in (earlier.carried if earlier else {}).items()}
    features, by = _features(typed, carried, defaults, study.dataset, ASSUMED if assumed else "dataset.yaml")
    study = replace(study, dataset=forming(study.dataset, features))
    require_same_columns(earlier, study.name, study.dataset, option)
    carried = _suiting(carried, study.dataset, features)
    encoding = _ranked("encoding", typed, defaults, study.dataset)
    source = find_table(name, study.dataset, typed["data"] or defaults["data"], encoding[0])
    chosen = {
        "run": (study.name, _named_by(typed, assumed, made)),
        "dataset": (name, "table" if assumed else _setter("dataset", typed, defaults)),
        "features": (",".join(features), by),
        "data": (source.place, _setter("data", typed, defaults)),
        **{key: _ranked(key, typed, defaults, study.dataset, carried) for key in (*LEAST_TYPED, "method", "language")},
        "engine": (typed["engine"] or defaults["engine"], "command line" if typed["engine"] else "notebook"),
        "encoding": encoding,
        **{key: (typed[key], "command line") for key in ("decimal", "dates")},
        **dict.fromkeys(("base", "model"), (None, "notebook")),
        **({option.lower(): (base, "command line" if typed[option.lower()] else "notebook")} if base else {}),
    }
    values = {key: value for key, (value, _) in chosen.items()}
    study = replace(study, given={"language": values["language"]})
    speak(study.language)
    return Plan(study, source, values, {key: who for key, (_, who) in chosen.items()}, assumed)


def _named_by(typed: dict, assumed: str | None, made: Made | None) -> str:
    """Return who named the run."""
    by = "command line" if typed["run"] or typed["dataset"] else "the table's name" if assumed else "notebook"
    return made.set_by.get("run", by) if made else by


def _with_earlier(given: dict, typed: dict, defaults: dict) -> tuple[dict, str, str | None]:
    """Return what was typed, and as BASE or MODEL the run that this one starts from, or whose segments it keeps.

    Beside MODEL what was typed for the run before is forgotten that it says itself.

    Raises
    ------
    UsageError
        When that is typed now.
    """
    model = typed["model"] or defaults["model"]
    if not model:
        return typed, "BASE", typed["base"] or defaults["base"]
    own = ("base", *OF_MODEL)
    if said := [as_option(name) for name in own if given.get(name) is not None]:
        raise UsageError(
            f"{as_option('model', model)} keeps the segments of {model} as they are, with their number, features and "
            f"method, and forms none anew; leave {listing(said)} out, or leave {as_option('model')} out and give the "
            "new run another name"
        )
    return typed | dict.fromkeys(own), "MODEL", model


def _suiting(carried: dict, dataset: Dataset, features: tuple[str, ...]) -> dict:
    """Return what is carried over that suits these features: where one is a category, no method of distances."""
    numbers = all(dataset.columns[name].numeric for name in features)
    return {name: own for name, own in carried.items() if numbers or own[0] not in OF_DISTANCES}


def _require_unknown(typed: dict, name: str, assumed: str | None) -> None:
    """Refuse to be told how a table is written that somebody has described."""
    for option, key in (("decimal", "decimal"), ("dates", "date_format")):
        if typed[option] and not assumed:
            told = f"say {key}: in data/{name}/dataset.yaml"
            raise UsageError(f"{as_option(option)} is for a table that nobody has described; {told}")


def _require_there(data: str, run: str) -> None:
    """Refuse to make a run again whose table is gone: another one would replace it."""
    try:
        locate("DATA", data)
    except UsageError as fault:
        raise UsageError(
            f"run {run!r} was made from {data}, which is not there now; say where it is: "
            f"{as_command('report', run=run, data='…')}"
        ) from fault


def _usable(given: dict) -> dict:
    """Return what was typed, numbers as such."""
    numbers = {name: _whole_number(given[name], name.upper(), least=least) for name, least in LEAST_TYPED.items()}
    late = ("encoding", "decimal", "dates", "method", "base", "model", "language")
    typed = dict.fromkeys(late) | given | numbers
    require_mark(typed["decimal"])
    require_language(typed["language"])
    for name, known in (("engine", ENGINES), ("method", WAYS)):
        told = typed[name]
        if told not in (None, *known):
            raise UsageError(f"{as_option(name, told)} is not known{suggest(told, known)} Known: {', '.join(known)}.")
    return typed


def _open(typed: dict, defaults: dict, assumed: str | None) -> tuple[Run, str]:
    """Return the run and the name of its dataset: the one in data/, or what was assumed of the table."""
    if assumed is None:
        name = typed["dataset"] or defaults["dataset"]
        study = open_run(typed["run"] or typed["dataset"] or defaults["run"], name)
        refuse_another(study.name, name, study.dataset)
        return study, name
    run = typed["run"] or run_name(typed["data"])
    check_run_name(run)
    described = parse_dataset(assumed, "what was assumed")
    refuse_another(run, ASSUMED, described)
    return Run(run, described), ASSUMED


def require_mark(decimal: str | None) -> None:
    """Refuse a DECIMAL that is no mark.

    Raises
    ------
    UsageError
    """
    if decimal not in (None, ".", ","):
        told = as_option("decimal", decimal)
        raise UsageError(f"{told} is not usable; expected the decimal mark of the table's numbers: . or ,")


def _assume(typed: dict, option: str, base: str | None) -> str:
    """Return the dataset.yaml of what a table that nobody has described seems to be, or was in a base."""
    from segmentation.roles.write import assume  # imported here, because it takes seconds

    if base:
        check_run_name(base, option)
    earlier = open_finished(base, None) if base else None
    speak(typed["language"] or (earlier.language if earlier else "en"))
    like = earlier.dataset if earlier else None
    source = locate("DATA", typed["data"], typed["encoding"])
    decimal = typed["decimal"] or (like.decimal if like else "auto")
    return assume(source, decimal, typed["features"], typed["dates"], like)


def propose_dataset(data: str) -> str:
    """Say how a table that nobody has described gets the dataset.yaml that a message speaks of."""
    command = as_command("dataset", name=run_name(data), data=data)
    return f"Where nobody has described the table, this writes one to edit: {command}"


def _features(
    typed: dict, carried: dict, defaults: dict, dataset: Dataset, else_by: str
) -> tuple[tuple[str, ...], str]:
    """Return the features and who set them: those of a base too, unless others were typed."""
    if "features" in carried and not typed["features"]:
        names, by = carried["features"]
        return tuple(names.split(",")), by
    text = typed["features"] or defaults["features"]
    return parse_features(text, dataset), _setter("features", typed, defaults, else_by)


def _ranked(
    key: str, typed: dict, defaults: dict, dataset, carried: Mapping[str, tuple] = MappingProxyType({})
) -> tuple:
    """Return the value of a parameter and who set it, by precedence."""
    written = getattr(dataset, key)
    ranked = (
        (typed[key], "command line"),
        carried.get(key, (None, "")),
        (written if key in dataset.model_fields_set else None, "dataset.yaml"),
        (defaults[key], "notebook"),
        (written, "default"),
    )
    return next((choice for choice in ranked if choice[0] is not None), (None, "default"))


def _setter(key: str, typed: dict, defaults: dict, else_by: str = "dataset.yaml") -> str:
    return "command line" if typed[key] else "notebook" if defaults[key] else else_by


def _whole_number(text: str | None, option: str, *, least: int):
    if text is None or (option == "K" and text == "auto"):
        return text
    if not text.isascii() or not text.isdecimal() or not least <= int(text) < 2**32:
        auto = "auto or " if option == "K" else ""
        raise UsageError(f"{as_option(option, text)} is not usable; expected {auto}a whole number of at least {least}")
    return int(text)


def _notebook_defaults() -> dict:
    """Return each parameter's default over all notebooks: the one that is not None.

    Raises
    ------
    UsageError
        When two notebooks set different ones.
    """
    merged: dict = {}
    for stage in STAGES:
        for name, value in declared(stage).items():
            if merged.get(name) is not None and value not in (None, merged[name]):
                raise UsageError(
                    f"notebooks/{stage.notebook.name} sets {name} = {value!r}, a notebook before it {merged[name]!r}; "
                    "set it in one of them, in dataset.yaml, or on the command line"
                )
            merged[name] = value if value is not None else merged.get(name)
    return merged
