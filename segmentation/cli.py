"""The command line: `python -m segmentation <command>`; every make target is a thin line over it."""

import json
import os
import sys
import tomllib
import traceback
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from typer.exceptions import TyperException

from segmentation.core import files
from segmentation.core.dataset import Dataset
from segmentation.core.errors import (
    NO_MEMORY,
    SegmentationError,
    UsageError,
    as_command,
    as_option,
    in_our_words,
    program,
    require_extra,
)
from segmentation.core.store.answers import Answer, keep, say_first
from segmentation.core.text import suggest
from segmentation.language import speak
from segmentation.runs.records import Printed
from segmentation.runs.stages import OF_PAGE, PDF, SLIDES, remove_runs

MAKE, USE, CHANGE = "Make a report", "Use a report", "Change it"
OF_TABLE, OF_SEGMENTS, OF_RUN, OF_OUTPUT = "The table", "The segments", "The run", "What is printed and how it runs"
PROGRAM = program()
OF_TERMINAL = ("table", "full", "as_json", "quiet", "cold")  # parameters that the run does not depend on
EXAMPLES = f"""Examples:

{PROGRAM} report shop.csv

{PROGRAM} report april.csv --run april --base march

{PROGRAM} score new.csv --out scored.csv --run april

{PROGRAM} compare march april

Exit codes: 0 done, 1 a notebook failed, 2 wrong usage or dataset.yaml, 3 the data cannot be used, 130 stopped. \
With --debug, behind any command, the traceback behind a message is shown."""
app = typer.Typer(
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    epilog=EXAMPLES,
)
Text = str | None


def _option(told: str, panel: str, *names: str, **given):
    return typer.Option(*names, help=told, rich_help_panel=panel, show_default=False, **given)


def _flag(told: str, name: str):
    return _option(told, OF_OUTPUT, name, metavar="")


Table = Annotated[
    list[str] | None,
    typer.Argument(metavar="TABLE", help="The raw table; 'shop-*.csv' in quotes names several.", show_default=False),
]
Data = Annotated[Text, _option("The same as TABLE (the dataset's own).", OF_TABLE)]
OfDataset = Annotated[Text, _option("The folder under data/ that describes it (without TABLE: sample).", OF_TABLE)]
Encoding = Annotated[Text, _option("Of a table of text: cp1250, gb18030 (told by its letters).", OF_TABLE)]
Decimal = Annotated[Text, _option("Its decimal mark, without dataset.yaml: . or , (told by its numbers).", OF_TABLE)]
Dates = Annotated[Text, _option("In the same way: dmy (day first) or mdy (told by its dates).", OF_TABLE)]
K = Annotated[Text, _option("How many segments: a number or auto (auto).", OF_SEGMENTS)]
Method = Annotated[Text, _option("How they are formed: auto, kmeans, mixture or latent-class (auto).", OF_SEGMENTS)]
Features = Annotated[Text, _option("The columns that form them: a,b (dataset.yaml's).", OF_SEGMENTS)]
Seed = Annotated[Text, _option("Of every random start (0).", OF_SEGMENTS)]
Resamples = Annotated[Text, _option("How often the table is resampled (100).", OF_SEGMENTS)]
Base = Annotated[Text, _option("The earlier run to go on from: its k, features, scale and names.", OF_SEGMENTS)]
Kept = Annotated[Text, _option("The earlier run in whose segments, unchanged, customers are placed.", OF_SEGMENTS)]
Named = Annotated[Text, _option("Its folder (the table's name); alone it makes a run again as it was.", OF_RUN)]
Finished = Annotated[Text, _option("The finished run (sample).", OF_RUN)]
Language = Annotated[
    Text, _option("Of the reader: en, de, fr or es (dataset.yaml's; en).", OF_RUN, "--lang", "--language")
]
Full = Annotated[bool, _flag("Of pdf: print the chapters too.", "--full")]
Json = Annotated[bool, _flag('Print one JSON object and nothing else; of a failure {"error": …}.', "--json")]
Quiet = Annotated[bool, _flag("Print the paths of what was made and nothing else.", "--quiet")]
Engine = Annotated[Text, _option("What computes over 200,000 rows: duckdb or spark (duckdb).", OF_OUTPUT)]
Cold = Annotated[bool, _flag("Start an ordinary kernel for each notebook, and use nothing that was kept.", "--cold")]


@app.callback(invoke_without_command=True)
def in_project(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", metavar="", help="Print the version and exit.")] = False,
) -> None:
    """A table of customers in, a report out: how many segments there are, how sure that is, who they are."""
    if version:
        project = tomllib.loads((files.SHIPPED / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        print(project["name"], project["version"])
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
    elif context.invoked_subcommand != "schema" and not {"-h", "--help"} & set(sys.argv):
        files.require_home()


@app.command("dataset", rich_help_panel=MAKE)
def describe(
    table: Table = None,
    name: Annotated[Text, _option("The folder under data/ to write to (the table's name).", OF_RUN)] = None,
    data: Data = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
    dates: Dates = None,
) -> None:
    """Look at a new table, and write a dataset.yaml to start from."""
    say_first("Looking at the table")
    from segmentation.pipeline.plan import require_mark
    from segmentation.pipeline.progress import column_list
    from segmentation.roles.write import write_dataset
    from segmentation.runs.run import load_dataset
    from segmentation.tables.sources import locate, run_name

    require_mark(decimal)
    data = _required("data", _typed(table, data), "dataset", data="shop.csv")
    name = name or run_name(data)
    path = files.shown(write_dataset(name, locate("DATA", data, encoding), decimal or "auto", dates))
    guessed = load_dataset(name)
    Console(highlight=False).print(column_list(guessed, guessed.named("feature")))
    then = as_command("report", dataset=name, data=data)
    print(f"{path} is written; check the roles in it, then: {then}")


@app.command("slides", rich_help_panel=MAKE, help="Do the same, and write slides.html and slides.pptx.")
@app.command(
    "pdf", rich_help_panel=MAKE, help="Do the same, and print report.pdf: a few pages, or with --full all of it."
)
@app.command("report", rich_help_panel=MAKE, help="Run the notebooks that are out of date and render report.html.")
def make(
    context: typer.Context,
    table: Table = None,
    data: Data = None,
    dataset: OfDataset = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
    dates: Dates = None,
    k: K = None,
    method: Method = None,
    features: Features = None,
    seed: Seed = None,
    resamples: Resamples = None,
    base: Base = None,
    model: Kept = None,
    run: Named = None,
    language: Language = None,
    engine: Engine = None,
    full: Full = False,
    as_json: Json = False,
    quiet: Quiet = False,
    cold: Cold = False,
) -> None:
    """Make a run: its report, and with `pdf` the printed one too, with `slides` those."""
    say_first("Looking at the table, and at what is made already", quiet or as_json)
    # Imported here, because a usage message should not wait for it.
    from segmentation.pipeline.plan import make_plan, propose_dataset
    from segmentation.pipeline.tasks import run_pipeline

    command = context.info_name
    if full and command != "pdf":
        raise UsageError(f"{as_option('full', True)} is an option of pdf: {as_command('pdf', full=True)}")
    printed: Printed | None = "full" if full else "short" if command == "pdf" else None
    data = _typed(table, data)
    given = {name: typed for name, typed in context.params.items() if name not in OF_TERMINAL} | {"data": data}
    try:
        plan = make_plan(**given)
        outcome = run_pipeline(plan, printed=printed, slides=command == "slides", cold=cold, quiet=quiet)
    except SegmentationError as fault:
        if data and not dataset and "dataset.yaml" in str(fault):
            fault.args = (f"{str(fault).rstrip('.')}. {propose_dataset(data)}",)
        raise
    unchanged = _tell_made(command, plan, outcome, as_json, quiet)
    if unchanged and outcome.basis and make_plan(**given) == plan:
        keep(sys.argv[1:], outcome.basis, unchanged)


def _tell_made(command: str | None, plan, outcome, as_json: bool, quiet: bool) -> Answer | None:
    """Tell a program, a script or a reader what was found and where it lies, and return what is shown next time."""
    from segmentation.pipeline.progress import tell_made

    study, made = plan.study, OF_PAGE[SLIDES] if command == "slides" else [PDF if command == "pdf" else "report.html"]
    pages = [files.shown(study.report / name) for name in made]
    if not as_json:
        return tell_made(plan, outcome, pages, quiet)
    from segmentation.runs.answers import found

    _answer(command=command, pages=pages, artifacts=files.shown(study.folder), **found(study.name))
    return None


def _typed(table: list[str] | None, option: Text, name: str = "data") -> Text:
    """Return the table that was typed, by itself or as an option; what a shell made of a pattern is one again."""
    from segmentation.tables.sources import together

    if table and option is not None:
        raise UsageError(f"a table is given twice: {table[0]} and {as_option(name, option)}; leave one out")
    return together(table, name) if table else option


def _required(name: str, typed: Text, command: str, **example: str) -> str:
    if typed is None:
        given = as_command(command, **example)
        raise UsageError(f"one more thing must be said: {as_option(name, 'path')}, as in {given}")
    return typed


def _answer(**told) -> None:
    """Print one JSON object, in ASCII, which every console can show."""
    from segmentation.runs.answers import checked

    print(json.dumps(checked(told), indent=2))


@app.command(rich_help_panel=USE)
def score(
    table: Annotated[list[str] | None, typer.Argument(metavar="TABLE", help="The table of new customers.")] = None,
    new: Annotated[Text, _option("The same as TABLE.", OF_TABLE)] = None,
    out: Annotated[Text, _option("Where to write the scored customers: .csv or .parquet.", OF_RUN)] = None,
    dataset: Annotated[Text, _option("The dataset of the run, instead of its name.", OF_RUN)] = None,
    encoding: Encoding = None,
    run: Finished = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the segment of each new customer, and say how far they differ from those of the run."""
    say_first("Placing the customers", quiet or as_json)
    from segmentation.runs.manifest import open_finished, read_manifest
    from segmentation.scoring.place import beside, require_free, score_source, write_scored
    from segmentation.scoring.tell import scored as tell_scored
    from segmentation.tables.sources import locate

    whole = {"new": "new.csv", "out": "scored.csv"}
    typed = _required("new", _typed(table, new, "new"), "score", **whole)
    place = Path(_required("out", out, "score", **whole)).expanduser()
    study = open_finished(run, dataset)
    speak(study.language)
    refused, drift = beside(place)
    source = locate("NEW", typed, encoding or read_manifest(study.name).encoding)
    require_free(place, source)
    scored = score_source(study, source)
    write_scored(scored, place)
    made, gone, *told = tell_scored(scored, study)
    if as_json:
        paths = {"scored": place.as_posix(), "refused": refused.as_posix(), "drift": drift.as_posix()}
        counts = {"customers": scored.drift.customers, "rows_refused": scored.rows_refused}
        _answer(command="score", run=study.name, **paths, **counts, told=[made, *told])
    elif quiet:
        print(place, refused, drift, sep="\n")
    else:
        print(f"{out}: {made}", f"{refused}: {gone}", *(f"  {line}" for line in told), sep="\n")


@app.command(rich_help_panel=USE)
def lists(run: Finished = None) -> None:
    """Write the customers of each segment of a finished run: a workbook, and a CSV file a segment."""
    from segmentation.runs.manifest import open_finished
    from segmentation.worth.lists import write_lists
    from segmentation.worth.tell import definitions, too_many, written

    study = open_finished(run, None)
    speak(study.language)
    lists = write_lists(study, definitions, too_many)
    print(written(study, {one.file: one.profile.size for one in lists}))


@app.command(rich_help_panel=USE)
def compare(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="RUN", help="Two runs or more, the earliest first.")
    ] = None,
    base: Annotated[Text, _option("The earlier run.", OF_RUN)] = None,
    run: Annotated[Text, _option("The later run.", OF_RUN)] = None,
    runs: Annotated[Text, _option("Two runs or more, the earliest first: jan,feb,mar.", OF_RUN)] = None,
    language: Language = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a report of what changed between two finished runs, or over several."""
    say_first("Comparing the runs", quiet or as_json)
    from segmentation.pipeline.tasks import make_comparison
    from segmentation.runs.run import compared, require_language

    chosen = compared(base, run, runs, names)
    told, page = make_comparison(chosen, require_language(language))
    path = files.shown(page)
    if as_json:
        from segmentation.runs.answers import found

        _answer(command="compare", page=path, told=told, runs=[found(name) for name in chosen])
    else:
        print(path if quiet else f"{told}\n{path}")


@app.command(rich_help_panel=USE)
def verify(run: Finished = None, data: Data = None) -> None:
    """Make a finished run again in another folder, and compare every file with its manifest."""
    from segmentation.pipeline.verify import verify_run

    name = run or "sample"
    print(f"run {name} is repeated byte for byte: {verify_run(name, data)} files")


@app.command(rich_help_panel=USE)
def dashboard(
    run: Finished = None,
    host: Annotated[Text, _option("The address to listen at (127.0.0.1: this machine alone).", OF_RUN)] = None,
    port: Annotated[int | None, _option("The port (8501, or the next free one).", OF_RUN, min=1, max=65535)] = None,
) -> None:
    """Explore a finished run in the browser."""
    from segmentation.report.serve import HERE, serve

    serve(run or "sample", host or HERE, port)


@app.command(rich_help_panel=CHANGE, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(context: typer.Context) -> None:
    """Open JupyterLab on notebooks/; its own options may follow."""
    from segmentation.core.parallel import run_unheard

    require_extra("lab", "JupyterLab")
    files.bring("notebooks/*.ipynb")
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    words = ["--ServerApp.answer_yes=True", *root, *context.args]  # Ctrl-C asks nothing
    command = [sys.executable, "-m", "jupyterlab", str(files.ROOT / "notebooks"), *words]
    sys.exit(run_unheard(command))


@app.command(rich_help_panel=CHANGE)
def clean() -> None:
    """Remove the runs under assets/ and report/; the environment stays, and so does what is no run."""
    if not files.INSTALLED and not Path.cwd().is_relative_to(files.ROOT):  # an editable one answers in every folder
        raise UsageError(f"clean removes the runs of {files.ROOT}, and this is another folder; go there first")
    for line in remove_runs():
        print(line)


@app.command(hidden=True)
def schema(of: Annotated[str, typer.Argument(help="dataset (dataset.yaml) or answers (--json).")] = "dataset") -> None:
    """Print a JSON schema; editors have that of dataset.yaml as data/dataset.schema.json."""
    if of == "answers":
        from segmentation.runs.answers import schema as whole
    elif of == "dataset":
        whole = Dataset.model_json_schema
    else:
        raise UsageError(f"{of} has no schema{suggest(of, ['dataset', 'answers'])} Known: dataset, answers.")
    print(json.dumps(whole(), indent=2, sort_keys=True))


def main() -> None:
    """Run a command; a fault is one message and an exit code, with a traceback only after --debug."""
    debug = "--debug" in sys.argv
    words = [word for word in sys.argv[1:] if word != "--debug"]
    try:
        sys.exit(app(words, prog_name=PROGRAM, standalone_mode=False))
    except Exception as fault:
        if debug:
            traceback.print_exc()
        told, code = _told(fault)
        print(f"Error: {told}", file=sys.stderr)
        if "--json" in words:
            _answer(error={"message": told, "exit_code": code})
        sys.exit(code)


def _told(fault: Exception) -> tuple[str, int]:
    """Return what is said of a fault, and the exit code."""
    if isinstance(fault, SegmentationError):
        return str(fault), fault.exit_code
    if isinstance(fault, TyperException):
        return _usage(fault), UsageError.exit_code
    said = f"{type(fault).__name__}: {fault}"
    if isinstance(fault, OSError):
        said = f"{fault.filename}: {fault.strerror}" if fault.filename else str(fault)
    told = in_our_words(said, files.ROOT)
    if isinstance(fault, OSError) and told != NO_MEMORY:
        return told, UsageError.exit_code
    return f"{told} (--debug shows where)", SegmentationError.exit_code


def _usage(fault: TyperException) -> str:
    """Tell what is wrong with the words typed, and offer the nearest option."""
    wrong = getattr(fault, "option_name", None)
    command = getattr(getattr(fault, "ctx", None), "command", None)
    if not wrong or command is None:
        return fault.format_message()
    known = [name for parameter in command.params for name in parameter.opts if name.startswith("--")]
    if as_option("k", 5).startswith("K"):
        wrong, known = wrong.lstrip("-").upper(), [name.lstrip("-").upper() for name in known]
    return f"unknown parameter {wrong}{suggest(wrong, known)} Known: {', '.join(known) or 'none'}."
