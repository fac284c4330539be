"""The command line: `python -m segmentation <command>`; every make target is a thin line over it."""

import json
import os
import shutil
import sys
import traceback
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer
from rich.console import Console
from typer.exceptions import TyperException

from segmentation.core import files
from segmentation.core.dataset import Dataset
from segmentation.core.errors import NO_MEMORY, SegmentationError, UsageError, in_our_words, require_extra
from segmentation.core.text import suggest
from segmentation.language import speak
from segmentation.runs.records import Printed
from segmentation.runs.stages import OF_PAGE, PDF, SLIDES, is_generated

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, pretty_exceptions_enable=False)
Text = str | None
DatasetOption = Annotated[Text, typer.Option(help="The folder under data/ that describes the table (sample).")]
DataOption = Annotated[Text, typer.Option(help="The raw table; without it the dataset's own.")]
KOption = Annotated[Text, typer.Option(help="How many segments: auto or a number.")]
MethodOption = Annotated[Text, typer.Option(help="How segments are formed: auto, kmeans, mixture or latent-class.")]
FeaturesOption = Annotated[Text, typer.Option(help="The columns that form the segments: a,b.")]
SeedOption = Annotated[Text, typer.Option(help="Of every random start.")]
ResamplesOption = Annotated[Text, typer.Option(help="How often the table is resampled (100).")]
EngineOption = Annotated[Text, typer.Option(help="What computes tables of over 200,000 rows: duckdb or spark.")]
ColdOption = Annotated[bool, typer.Option("--cold", help="Start an ordinary kernel for each notebook.")]
BaseOption = Annotated[Text, typer.Option(help="The earlier run to go on from: its k, features, scale and names.")]
ModelOption = Annotated[Text, typer.Option(help="The earlier run in whose segments, unchanged, customers are placed.")]
LanguageOption = Annotated[
    Text, typer.Option("--lang", "--language", help="Of the reader: en, de, fr or es (dataset.yaml's; en).")
]
FullOption = Annotated[bool, typer.Option("--full", help="Of pdf: print the chapters too.")]
EncodingOption = Annotated[Text, typer.Option(help="Of a table of text: cp1250, gb18030 (told by its letters).")]
DecimalOption = Annotated[Text, typer.Option(help="The decimal mark of a table that has no dataset.yaml: . or ,")]
DatesOption = Annotated[Text, typer.Option(help="Of a table that has no dataset.yaml: dmy (day first) or mdy.")]
RunOption = Annotated[
    Text,
    typer.Option(
        help="The folder under assets/ and report/ (the dataset's name); alone it makes a run again as it was."
    ),
]


@app.callback(help=__doc__)
def in_project(context: typer.Context) -> None:
    """Let every command that reads or writes files, and what it starts, know the home, and refuse one that is none."""
    if context.invoked_subcommand != "schema" and "--help" not in sys.argv:
        files.require_home()


@app.command("slides", help="Do the same, and write slides.html and slides.pptx.")
@app.command("pdf", help="Do the same, and print report.pdf: the first part in a few pages, or all of it.")
@app.command("report", help="Run the notebooks that are out of date and render report.html.")
def make(
    context: typer.Context,
    dataset: DatasetOption = None,
    data: DataOption = None,
    k: KOption = None,
    method: MethodOption = None,
    features: FeaturesOption = None,
    seed: SeedOption = None,
    resamples: ResamplesOption = None,
    engine: EngineOption = None,
    encoding: EncodingOption = None,
    decimal: DecimalOption = None,
    dates: DatesOption = None,
    base: BaseOption = None,
    model: ModelOption = None,
    language: LanguageOption = None,
    run: RunOption = None,
    cold: ColdOption = False,
    full: FullOption = False,
) -> None:
    """Make a run: its report, and with `pdf` the printed one too, with `slides` those."""
    # Imported here, because a usage message should not wait for it.
    from segmentation.pipeline.plan import make_plan, propose_dataset
    from segmentation.pipeline.progress import column_list, summarize
    from segmentation.pipeline.tasks import run_pipeline

    pdf, slides = context.info_name == "pdf", context.info_name == "slides"
    if full and not pdf:
        raise UsageError("--full is an option of pdf: make pdf FULL=1")
    printed: Printed | None = "full" if full else "short" if pdf else None
    try:
        plan = make_plan(**{name: typed for name, typed in context.params.items() if name not in ("cold", "full")})
        outcome = run_pipeline(plan, printed=printed, slides=slides, cold=cold)
    except SegmentationError as fault:
        if data and not dataset and "dataset.yaml" in str(fault):
            fault.args = (f"{str(fault).rstrip('.')}. {propose_dataset(data)}",)
        raise
    console = Console(highlight=False, soft_wrap=True)
    console.print(summarize(plan, outcome), markup=False)
    if plan.assumed:
        console.print(column_list(plan.study.dataset, plan.parameters["features"].split(",")), soft_wrap=False)
    for name in OF_PAGE[SLIDES] if slides else [PDF if pdf else "report.html"]:
        console.print(files.shown(plan.study.report / name), style="bold", markup=False)


@app.command()
def score(
    new: Annotated[str, typer.Option(help="The table of new customers.")],
    out: Annotated[str, typer.Option(help="Where to write the scored customers: .csv or .parquet.")],
    dataset: DatasetOption = None,
    encoding: EncodingOption = None,
    run: RunOption = None,
) -> None:
    """Write the segment of each new customer, and say how far they differ from those of the run."""
    from segmentation.language import tr, trn
    from segmentation.language.writing import day
    from segmentation.runs.manifest import open_finished, read_manifest
    from segmentation.scoring.place import beside, require_free, score_source, write_scored
    from segmentation.scoring.tell import drift as tell_drift
    from segmentation.tables.sources import locate

    study, place = open_finished(run, dataset), Path(out).expanduser()
    speak(study.language)
    refused, _ = beside(place)
    source = locate("NEW", new, encoding or read_manifest(study.name).encoding)
    require_free(place, source)
    scored = score_source(study, source)
    write_scored(scored, place)
    n, rows = scored.drift.customers, scored.rows_refused
    made = trn(
        "{n} customer scored with the model of run {run}",
        "{n} customers scored with the model of run {run}",
        n,
        run=study.name,
    )
    gone = trn("{n} row refused, with the reasons", "{n} rows refused, with the reasons", rows) if rows else ""
    print(f"{out}: {made}")
    print(f"{refused}: {gone or tr('no rows refused')}")
    if scored.counted_to:
        print(f"  {tr('days are counted to {day}, the day after its latest date', day=day(scored.counted_to))}")
    for line in tell_drift(scored.drift, {name: study.dataset.label(name) for name in study.dataset.columns}):
        print(f"  {line}")


@app.command()
def lists(run: RunOption = None) -> None:
    """Write the customers of each segment of a finished run: a workbook, and a CSV file a segment."""
    from segmentation.runs.manifest import open_finished
    from segmentation.worth.lists import write_lists
    from segmentation.worth.tell import definitions, too_many, written

    study = open_finished(run, None)
    speak(study.language)
    lists = write_lists(study, definitions, too_many)
    print(written(study, {one.file: one.profile.size for one in lists}))


@app.command()
def compare(
    base: Annotated[Text, typer.Option(help="The earlier run.")] = None,
    run: Annotated[Text, typer.Option(help="The later run.")] = None,
    runs: Annotated[Text, typer.Option(help="Two runs or more, the earliest first: jan,feb,mar.")] = None,
    language: LanguageOption = None,
) -> None:
    """Write a report of what changed between two finished runs, or over several."""
    from segmentation.pipeline.tasks import make_comparison
    from segmentation.runs.run import compared, require_language

    answer, page = make_comparison(compared(base, run, runs), require_language(language))
    print(answer)
    print(files.shown(page))


@app.command()
def dataset(
    name: Annotated[str, typer.Option(help="The folder under data/ to write to.")],
    data: Annotated[str, typer.Option(help="The table to look at.")],
    encoding: EncodingOption = None,
    decimal: DecimalOption = None,
    dates: DatesOption = None,
) -> None:
    """Look at a new table, and write a dataset.yaml to start from."""
    from segmentation.pipeline.plan import require_mark
    from segmentation.pipeline.progress import column_list
    from segmentation.roles.write import write_dataset
    from segmentation.runs.run import load_dataset
    from segmentation.tables.sources import locate

    require_mark(decimal)
    path = files.shown(write_dataset(name, locate("DATA", data, encoding), decimal or "auto", dates))
    guessed = load_dataset(name)
    Console(highlight=False).print(column_list(guessed, guessed.named("feature")))
    print(f"{path} is written; check the roles in it, then: make report DATASET={quote(name)} DATA={quote(data)}")


@app.command()
def verify(run: RunOption = None, data: DataOption = None) -> None:
    """Make a finished run again in another folder, and compare every file with its manifest."""
    from segmentation.pipeline.verify import verify_run

    name = run or "sample"
    files = verify_run(name, data)
    print(f"run {name} is repeated byte for byte: {files} files")


@app.command()
def dashboard(
    run: RunOption = None,
    host: Annotated[Text, typer.Option(help="The address to listen at (127.0.0.1: this machine alone).")] = None,
    port: Annotated[
        int | None, typer.Option(help="The port (8501, or the next one that is free).", min=1, max=65535)
    ] = None,
) -> None:
    """Explore a finished run in the browser."""
    from segmentation.report.serve import HERE, serve

    serve(run or "sample", host or HERE, port)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(context: typer.Context) -> None:
    """Open JupyterLab on notebooks/; its own options may follow."""
    from segmentation.core.parallel import run_unheard

    require_extra("lab", "JupyterLab")
    files.bring("notebooks/*.ipynb")
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    words = ["--ServerApp.answer_yes=True", *root, *context.args]  # Ctrl-C asks nothing
    command = [sys.executable, "-m", "jupyterlab", str(files.ROOT / "notebooks"), *words]
    sys.exit(run_unheard(command))


@app.command()
def clean() -> None:
    """Remove the runs under assets/ and report/; the environment stays, and so does what is no run."""
    if not files.INSTALLED and not Path.cwd().is_relative_to(files.ROOT):  # an editable one answers in every folder
        raise UsageError(f"clean removes the runs of {files.ROOT}, and this is another folder; go there first")
    kept = []
    for folder in sorted(set((files.ROOT / "assets").glob("*/")) | set((files.ROOT / "report").glob("*/"))):
        shown = files.shown(folder)
        if is_generated(folder):
            kept += [f"{shown} ({why})" for why in filter(None, [_remove(folder)])]
        elif folder.name not in files.NOT_RUNS:
            print(f"{shown} is left as it is: it is {'a link' if folder.is_symlink() else 'not a run'}")
    if kept:
        raise SegmentationError(f"not removed: {', '.join(kept)}")


def _remove(folder: Path) -> str:
    """Remove a folder of a run; return why it is still there, or nothing."""
    from filelock import FileLock, Timeout

    lock = files.ROOT / "assets" / folder.name / ".lock"
    try:
        if lock.is_file():
            with FileLock(lock, blocking=False):
                pass
        shutil.rmtree(folder)
    except Timeout:
        return "the run is being made"
    except OSError as fault:
        return str(fault.strerror)
    return ""


@app.command(hidden=True)
def schema() -> None:
    """Print the JSON schema of dataset.yaml, which is kept as data/dataset.schema.json for editors."""
    print(json.dumps(Dataset.model_json_schema(), indent=2, sort_keys=True))


def main() -> None:
    """Run a command; a fault is one message and an exit code, with a traceback only after --debug."""
    debug = "--debug" in sys.argv
    words = [word for word in sys.argv[1:] if word != "--debug"]
    try:
        sys.exit(app(words, prog_name="python -m segmentation", standalone_mode=False))
    except Exception as fault:
        if debug:
            traceback.print_exc()
        told, code = _told(fault)
        print(f"Error: {told}", file=sys.stderr)
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
    return f"unknown parameter {wrong}{suggest(wrong, known)} Known: {', '.join(known)}; with make in capitals: K=5."
