"""The segment of new customers of a table of any size, by the model, the names and the number formats of a run."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import ibis
import pandas as pd

from segmentation.core import files
from segmentation.core.dataset import ASSUMED, Dataset
from segmentation.core.engine import any_of, double, held, kept
from segmentation.core.errors import DataError, SegmentationError, UsageError, as_option
from segmentation.core.files import is_same, write_csv, write_json, write_parquet
from segmentation.core.text import MISSING
from segmentation.customers.checks import check_rows, part_rows, value_of
from segmentation.customers.purchases import raw_dataset, summarize_purchases
from segmentation.runs.artifacts import Model, Selection
from segmentation.runs.manifest import lists_of, made_of, read_manifest, require_unchanged
from segmentation.runs.run import Run
from segmentation.runs.stages import LISTS, STAGES
from segmentation.scoring.drift import Drift, describe_drift
from segmentation.segments.assign import LISTED, assign_rows, name_of, told_of
from segmentation.tables.dates import ISO, to_day
from segmentation.tables.number_formats import Convention, conventions_of
from segmentation.tables.read import read_table
from segmentation.tables.sources import RawSource, locate

REFUSED_SHOWN = 5
SCORED = [*LISTED, "outside"]
RESULTS = {"manifest.json", *(name for stage in STAGES for name in (*stage.writes, *stage.may_write))}


@dataclass(frozen=True)
class Scored:
    """The new customers, and what could not be scored.

    customers : id, or where there is none the row (from 1), segment, name, action where one is told, distance, margin,
        probability where there is one, outside (beyond the range of the training data in a feature), in the order of
        the table.
    refused : file, line, column, value, rule.
    comma : whether the lists have decimal commas, as those of the run.
    counted_to : the day to which the days of dates are counted, where it is another than the run's.
    """

    customers: ibis.Table
    refused: ibis.Table
    drift: Drift
    comma: bool
    counted_to: str = ""

    @property
    def rows_refused(self) -> int:
        """How many rows were refused."""
        return int(self.refused.count().execute())


def score_source(study: Run, new: RawSource) -> Scored:
    """Score the customers of a table, with the rows that are refused and the drift since the segments were formed.

    Raises
    ------
    UsageError
        When the run has not been made.
    DataError
        When the model was changed, a column is missing or unknown, or every row is refused.
    """
    require_unchanged(study.name, Selection.FILE)
    model, names = study.read("model.json"), study.read("profiles.json").names
    fine, refused, counted_to = _checked(study, new, model)
    scored = kept(score_table(fine, model, names))
    if not int(scored.count().execute()):
        raise DataError(_tell_refused(refused, new))
    key = study.dataset.key
    own = next(iter(study.dataset.named("id")), key)
    advised = scored.mutate(action=name_of(scored, _actions(study)))
    customers = advised.select(advised[own].name(key), *told_of(advised, SCORED))
    drift, comma = describe_drift(scored, model, names), study.read("cleaning.json").comma
    return Scored(customers, refused, drift, comma, counted_to)


def score_rows(study: Run, frame: pd.DataFrame) -> pd.DataFrame:
    """Score customers that are at hand.

    Parameters
    ----------
    frame : DataFrame
        A column for each feature, numbers in original units or categories, none of them missing.

    Returns
    -------
    DataFrame
        segment, name, action, distance, margin, probability where there is one, outside, in the order of `frame`.
    """
    model = study.read("model.json")
    rows = (
        frame[model.names].astype(dict.fromkeys([f.name for f in model.numbers], float)).assign(row=range(len(frame)))
    )
    scored = score_table(held(rows), model, study.read("profiles.json").names)
    scored = scored.mutate(action=name_of(scored, _actions(study)))
    return scored.order_by("row").select(*told_of(scored, SCORED)).to_pandas()


def score_table(table: ibis.Table, model: Model, names: dict[int, str]) -> ibis.Table:
    """Add segment, name, distance, margin, probability where there is one, and outside to rows with all features."""
    beyond = [
        ~table[f.name].isin(f.categories)
        if f.categories
        else (table[f.name] < double(f.low)) | (table[f.name] > double(f.high))
        for f in model.features
    ]
    assigned = assign_rows(table.mutate(outside=any_of(beyond)), model)
    return assigned.mutate(name=name_of(assigned, names))


def write_scored(scored: Scored, out: Path) -> None:
    """Write the customers to `out` (.csv or .parquet), what was refused and the drift beside it.

    Raises
    ------
    UsageError
        When `out` has another ending.
    """
    refused, drift = beside(out)
    if out.suffix == ".parquet":
        write_parquet(out, scored.customers)
    else:
        write_csv(out, scored.customers, comma=scored.comma)
    write_csv(refused, scored.refused)
    write_json(drift, scored.drift.content())


def beside(out: Path) -> tuple[Path, Path]:
    """Return where the refused rows and the drift of scored customers are written.

    Raises
    ------
    UsageError
        When `out` is no .csv and no .parquet file.
    """
    if out.suffix not in (".csv", ".parquet"):
        raise UsageError(f"{as_option('out', out)} ends in {out.suffix or 'nothing'}; expected .csv or .parquet")
    return out.with_name(f"{out.stem}-refused.csv"), out.with_name(f"{out.stem}-drift.json")


def require_free(out: Path, new: RawSource) -> None:
    """Refuse to write scored customers, or what is written beside them, over the new table or what a run is made of.

    Raises
    ------
    UsageError
        When one of the files is read as NEW, is read or written by a run, or would lie under data/.
    """
    told = as_option("out", out)
    for path in (out, *beside(out)):
        if new.reads(path):
            raise UsageError(
                f"{told} would write {path.name}, which is read as {as_option('new')}; choose another name"
            )
        if _is_of_a_run(path):
            raise UsageError(f"{told} would write {path.name}, of which a run is made; choose another name")


def _is_of_a_run(path: Path) -> bool:
    """Return whether a file, by whatever name, is one that a run wrote or reads, or one that it would."""
    data, folder = files.ROOT / "data", path.resolve().parent
    if any(is_same(part, data) for part in (folder, *folder.parents)):
        return True
    known = [other for other in data.rglob("*") if path.exists() and other.is_file()]
    for run in (files.ROOT / "assets").glob("*/"):
        known += [*(run / name for name in RESULTS), *lists_of(run.name)]
        table = _table_of(run.name)
        if (table and table.reads(path)) or (path.name in RESULTS and is_same(folder, run)):
            return True
        if is_same(folder, run / LISTS):
            return True
    return any(is_same(path, other) for other in known)


def _table_of(run: str) -> RawSource | None:
    """Return the raw table of a run; None where it is gone, or nobody can say which it was."""
    try:
        made = made_of(run)
        return (
            locate("DATA", str(files.found(str(made.parameters["data"]))))
            if made and "data" in made.parameters
            else None
        )
    except SegmentationError:
        return None


def _actions(study: Run) -> dict[int, str | None]:
    """Return the action of each segment, as the report tells it."""
    verdict = study.read(Selection.FILE).verdict
    return {profile.segment: profile.advised(verdict) for profile in study.read("profiles.json").segments}


def _checked(study: Run, new: RawSource, model: Model) -> tuple[ibis.Table, ibis.Table, str]:
    """Return the customers that can be scored, what was refused, and the day that days are counted to (`Scored`)."""
    features, age = model.names, [model.ages.column] if model.ages else []
    dataset, numbers = raw_dataset(study.dataset), study.read("cleaning.json").numbers
    known = {name: Convention(**dict(how)) for name, how in numbers.items()}
    made = study.dataset.transactions is not None
    wanted = dataset.named("id", "feature", "descriptor") if made else (*dataset.named("id"), *features)
    raw, headers = read_table(new, dataset, wanted=wanted, known=known)
    if headers["ignored"] and not made:
        raise DataError(
            f"{new.name}: columns {headers['ignored']} are not in dataset.yaml; remove them, or declare them there "
            "(role: ignore)"
        )
    day, of_day = _its_day(study, raw, [name for name in dict.fromkeys([*features, *age]) if name in raw.columns])
    if given := study.dataset.transactions:
        described = study.dataset.model_copy(update={"transactions": given.model_copy(update=of_day)})
        customers, refused, _ = summarize_purchases(raw, described, headers, file=new.name, known=known)
        return customers.order_by("id"), refused, day
    dataset = dataset.model_copy(update=of_day)
    conventions = conventions_of(raw, dataset, features, headers, file=new.name, known=known)
    needs = {"features": tuple(features), "required": tuple(features), "fields": headers["fields"]}
    checked = check_rows(raw, dataset, list(wanted), conventions, **needs)
    fine, refused = part_rows(checked, dataset, list(wanted))
    return _with_age(fine, dataset, model, conventions | known), refused, day


def _with_age(fine: ibis.Table, dataset: Dataset, model: Model, how: dict[str, Convention]) -> ibis.Table:
    """Add what says how long customers have been customers, null where a cell is empty or no such thing.

    No row is refused for it: it only says against whom they are judged.
    """
    name = model.ages.column if model.ages else ""
    if name not in fine.columns or name in model.names:
        return fine
    if dataset.columns[name].is_number and name not in how:
        return fine if fine[name].type().is_numeric() else fine.drop(name)
    return fine.mutate({name: value_of(fine[name], dataset.columns[name], how.get(name), dataset)})


def _its_day(study: Run, raw: ibis.Table, features: list[str]) -> tuple[str, dict]:
    """Return the day after the latest date of a new table, where nobody named one and that of the run is earlier.

    The customers of a later month are seen on a later day: counted to that of the run, the newest would be refused.
    """
    dataset, given = study.dataset, study.dataset.transactions
    columns = (
        {"date": given.date_format}
        if given
        else {
            name: dataset.columns[name].date_format or ISO
            for name in features
            if dataset.columns[name].type == "date" and dataset.columns[name].unit != "years"
        }
    )
    if not columns or read_manifest(study.name).dataset != ASSUMED:
        return "", {}
    latest = raw.agg(**{name: to_day(raw[name], how).max() for name, how in columns.items()}).to_pandas().iloc[0]
    ours = given.as_of if given else dataset.as_of
    day = max((pd.Timestamp(found).date() + timedelta(days=1) for found in latest.dropna()), default=ours)
    return (str(day), {"as_of": day}) if ours and day and day > ours else ("", {})


def _tell_refused(refused: ibis.Table, new: RawSource) -> str:
    """Say why no row can be scored, by the first ones."""
    faults = refused.limit(REFUSED_SHOWN + 1).to_pandas()
    shown = "\n".join(
        f"  line {fault.line}, column {fault.column}: found "
        f"{'nothing' if fault.value.strip().lower() in MISSING else repr(fault.value)}, expected {fault.rule}"
        for fault in faults.head(REFUSED_SHOWN).itertuples()
    )
    more = "\n  and more" if len(faults) > REFUSED_SHOWN else ""
    return f"{new.name}: no row can be scored; mend these:\n{shown}{more}"
