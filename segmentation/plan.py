"""The stages, what each reads and writes, and what a run will do: each parameter and who set it."""

import ast
import json
from dataclasses import dataclass
from pathlib import Path

from segmentation.dataset import ASSUMED, ROOT, dataset_path, parse_dataset, parse_features, suggest
from segmentation.errors import UsageError
from segmentation.sources import Source, find_table, locate, run_name
from segmentation.study import Study, check_run_name, open_study

ENGINES = ("duckdb", "spark")
OF_BASE = ("model.json", "profiles.json")  # what is read of an earlier run


@dataclass(frozen=True)
class Stage:
    """One notebook: the artifacts under assets/<run>/ that it reads and writes; every stage may write figures."""

    name: str
    question: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    may_write: tuple[str, ...] = ()  # by the number of customers, or where there is a base
    may_read: tuple[str, ...] = ()  # where there is a base

    @property
    def notebook(self) -> Path:
        return ROOT / "notebooks" / f"{self.name}.ipynb"


# The one map: 02 runs beside 03 -> 04 -> 05. The README's diagram is checked against it.
STAGES = (
    Stage(
        "01_cleaning",
        "Which customers can we trust?",
        writes=("customers.parquet", "rejected.csv", "flagged.csv", "cleaning.json"),
        may_write=("sample.parquet", "values.parquet"),
    ),
    Stage("02_eda", "What do the customers look like?", reads=("customers.parquet",)),
    Stage("03_k_selection", "How many segments?", reads=("customers.parquet",), writes=("k_selection.json",)),
    Stage(
        "04_clustering",
        "Which segment does each customer belong to?",
        reads=("customers.parquet", "k_selection.json"),
        writes=("segments.parquet", "borderline.csv", "model.skops", "model.json", "segments.sql"),
        may_write=("segmented.parquet", "segments.csv", "lineage.json"),
    ),
    Stage(
        "05_profiling",
        "Who are they, and what should we do?",
        reads=("customers.parquet", "segments.parquet", "k_selection.json"),
        writes=("profiles.json", "profiles.csv", "rules.sql"),
        may_read=("lineage.json",),
    ),
)


@dataclass(frozen=True)
class Plan:
    """What a run will do: its study, its raw table, each parameter with who set it, and the dataset.yaml assumed."""

    study: Study
    source: Source
    parameters: dict
    set_by: dict
    assumed: str | None = None

    @property
    def report(self) -> Path:
        """The folder of the report and the executed notebooks."""
        return ROOT / "report" / self.study.run

    @property
    def described(self) -> Path:
        """The dataset.yaml."""
        return dataset_path(self.parameters["dataset"], self.study.run)

    def executed(self, stage: Stage) -> Path:
        """Return where the executed copy of a stage's notebook lies."""
        return self.report / "notebooks" / stage.notebook.name

    def figures(self, stage: Stage) -> list[Path]:
        """Return the figures that a stage has saved."""
        return sorted(self.study.path("figures").glob(f"{stage.name[:2]}-*.svg"))

    def artifacts(self) -> list[Path]:
        """Return every artifact that the stages always write, figures aside."""
        return [self.study.path(name) for stage in STAGES for name in stage.writes]

    def perhaps(self, stage: Stage) -> list[Path]:
        """Return the artifacts that a stage writes for some numbers of customers, or with a base, only."""
        return [self.study.path(name) for name in stage.may_write]

    @property
    def base_files(self) -> list[Path]:
        """What is read of the run that this one starts from."""
        base = self.parameters["base"]
        return [ROOT / "assets" / base / name for name in OF_BASE] if base else []

    def inputs(self, stage: Stage) -> list[Path]:
        """Return the files that a stage reads."""
        if stage == STAGES[0]:
            return list(self.source.files)
        own = [*stage.reads, *(stage.may_read if self.parameters["base"] else ())]
        return [*map(self.study.path, own), *(self.base_files if "base" in declared(stage) else [])]

    def lineage(self) -> dict | None:
        """Return lineage.json, where the run has a base."""
        return self.study.read("lineage.json") if self.parameters["base"] else None

    def results(self) -> list[dict]:
        """Return cleaning.json, k_selection.json, model.json and profiles.json."""
        return [self.study.read(f"{name}.json") for name in ("cleaning", "k_selection", "model", "profiles")]

    def told_parameters(self) -> list[dict]:
        """Return each parameter as a reader may see it, and who set it; of a path only the file's name."""
        shown = self.parameters | {"data": self.source.name}
        told = sorted(name for name, value in shown.items() if value is not None)
        return [{"name": name, "value": shown[name], "set_by": self.set_by[name]} for name in told]


def make_plan(**given) -> Plan:
    """Decide each parameter: notebook default < dataset.yaml < command line.

    Parameters
    ----------
    given : str or None
        run, dataset, data, features, k, seed, resamples, engine, base as typed; None where nothing was typed.

    Raises
    ------
    UsageError, DataError
        Before anything runs, for every fault that can be seen by then.
    """
    defaults = _notebook_defaults()
    least = {"k": 2, "seed": 0, "resamples": 10}
    typed = given | {name: _number(given[name], name.upper(), least=number) for name, number in least.items()}
    if typed["engine"] not in (None, *ENGINES):
        raise UsageError(
            f"ENGINE={typed['engine']} is not known{suggest(typed['engine'], ENGINES)} Known: duckdb, spark."
        )
    assumed = typed["data"] is not None and typed["dataset"] is None
    run = typed["run"] or typed["dataset"] or (run_name(typed["data"]) if assumed else defaults["run"])
    name = ASSUMED if assumed else typed["dataset"] or defaults["dataset"]
    text = _assume(typed["data"]) if assumed else None
    check_run_name(run)
    study = Study(run, parse_dataset(text, "what was assumed")) if assumed else open_study(run, name)
    dataset = study.dataset
    features = parse_features(typed["features"] or defaults["features"], dataset)
    base = typed.get("base") or defaults["base"]
    if base:
        from segmentation.base import open_base  # imported here, because it imports this module

        open_base(base, run, dataset)
    source = find_table(name, dataset, typed["data"] or defaults["data"])
    chosen = {
        "run": (
            run,
            "command line" if typed["run"] or typed["dataset"] else "the table's name" if assumed else "notebook",
        ),
        "dataset": (name, "table" if assumed else _setter("dataset", typed, defaults)),
        "features": (",".join(features), _setter("features", typed, defaults)),
        "data": (source.place, _setter("data", typed, defaults)),
        "k": _ranked("k", typed, defaults, dataset),
        "seed": _ranked("seed", typed, defaults, dataset),
        "resamples": _ranked("resamples", typed, defaults, dataset),
        "engine": (typed["engine"] or defaults["engine"], "command line" if typed["engine"] else "notebook"),
        "base": (base, "command line" if typed.get("base") else "notebook"),
    }
    values = {key: value for key, (value, _) in chosen.items()}
    return Plan(study, source, values, {key: who for key, (_, who) in chosen.items()}, text)


def _assume(data: str) -> str:
    """Return the dataset.yaml of what a table that nobody has described seems to be."""
    from segmentation.guess import describe, guess_columns  # imported here, because it takes seconds

    source = locate("DATA", data)
    return describe(guess_columns(source), source, title=source.name)


def _ranked(key: str, typed: dict, defaults: dict, dataset) -> tuple:
    """Return the value of a parameter and who set it, by precedence."""
    written = getattr(dataset, key)
    ranked = (
        (typed[key], "command line"),
        (written if key in dataset.model_fields_set else None, "dataset.yaml"),
        (defaults[key], "notebook"),
        (written, "default"),
    )
    return next(choice for choice in ranked if choice[0] is not None)


def _setter(key: str, typed: dict, defaults: dict) -> str:
    return "command line" if typed[key] else "notebook" if defaults[key] else "dataset.yaml"


def _number(text: str | None, option: str, *, least: int):
    if text is None or (option == "K" and text == "auto"):
        return text
    if not text.isascii() or not text.isdecimal() or not least <= int(text) < 2**32:
        auto = "auto or " if option == "K" else ""
        raise UsageError(f"{option}={text} is not usable; expected {auto}a whole number of at least {least}")
    return int(text)


def declared(stage: Stage) -> dict:
    """Return the parameters that a notebook declares, with their defaults.

    Raises
    ------
    UsageError
        When the notebook has no cell of plain assignments tagged "parameters".
    """
    try:
        for cell in json.loads(stage.notebook.read_text(encoding="utf-8"))["cells"]:
            if "parameters" in cell["metadata"].get("tags", []):
                assignments = ast.parse("".join(cell["source"])).body
                return {node.targets[0].id: ast.literal_eval(node.value) for node in assignments}
    except (AttributeError, KeyError, SyntaxError, ValueError) as fault:
        raise UsageError(
            f"notebooks/{stage.notebook.name}: its parameters cannot be read ({fault}); "
            "expected a notebook whose tagged cell holds plain assignments such as k = None"
        ) from None
    raise UsageError(f"notebooks/{stage.notebook.name} has no cell tagged 'parameters'; tag the one that sets them")


def _notebook_defaults() -> dict:
    """Return each parameter's default over all notebooks: the one that is not None.

    Raises
    ------
    UsageError
        When two notebooks set different ones.
    """
    merged = {}
    for stage in STAGES:
        for name, value in declared(stage).items():
            if merged.get(name) is not None and value not in (None, merged[name]):
                raise UsageError(
                    f"notebooks/{stage.notebook.name} sets {name} = {value!r}, a notebook before it {merged[name]!r}; "
                    "set it in one of them, in dataset.yaml, or on the command line"
                )
            merged[name] = value if value is not None else merged.get(name)
    return merged
