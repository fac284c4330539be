"""The stored model: written without a pickle, the same bytes every time, and used to score new customers."""

import io
import re
import zipfile
from pathlib import Path

import pandas as pd
import skops.io
from sklearn.pipeline import Pipeline

from segmentation.artifacts import read_json, replacing, sha256, write_csv, write_json
from segmentation.checking import MISSING, check_rows, conventions_of
from segmentation.cleaning import raw_dataset
from segmentation.clustering import assign, centroids, describe
from segmentation.errors import DataError, UsageError
from segmentation.formats import MOST_UNPACKED
from segmentation.manifest import read_manifest
from segmentation.numbers import Convention
from segmentation.reading import read_table
from segmentation.scaling import UNITS, describe_scaling
from segmentation.sources import Source
from segmentation.study import Study, check_run_name, open_study
from segmentation.transactions import summarize_purchases

TRUSTED = ["segmentation.scaling.Unskew"]
FAULTS_SHOWN = 5
EPOCH = (1980, 1, 1, 0, 0, 0)


def describe_model(model: Pipeline, study: Study, features: tuple[str, ...], choices: pd.DataFrame) -> dict:
    """Return model.json: enough to score anywhere, and how far the segments of other choices agree.

    A customer's feature x becomes z = (t - centre) / spread, where t is x for lambda 1, log(1 + x) for lambda 0, and
    else x transformed as Yeo and Johnson (2000) do; the segment is the number (from 1) of the centroid nearest to z.
    """
    columns = study.dataset.columns
    return {
        "method": "k-means",
        "distance_unit": UNITS[study.dataset.scaling],
        "features": [
            {
                "name": name,
                "label": study.dataset.label(name),
                "unit": columns[name].unit,
                "transform": columns[name].transform,
                **scaled,
            }
            for name, scaled in zip(features, describe_scaling(model, features), strict=True)
        ],
        "centroids": model[-1].cluster_centers_.tolist(),
        "centroids_original_units": centroids(model, features).to_numpy().tolist(),
        "inertia": model[-1].inertia_,
        "agreement": choices.set_index("choice")["agreement"].to_dict(),
    }


def write_model(model: Pipeline, study: Study, features: tuple[str, ...], choices: pd.DataFrame) -> None:
    """Write model.skops and model.json."""
    with replacing(study.path("model.skops")) as beside:
        beside.write_bytes(_repeatable(skops.io.dumps(model)))
    write_json(study.path("model.json"), describe_model(model, study, features, choices))


def _repeatable(archive: bytes) -> bytes:
    """Number the objects of a skops archive in order, where skops uses memory addresses, and drop clock times."""
    old = zipfile.ZipFile(io.BytesIO(archive))
    schema = old.read("schema.json").decode()
    addresses = dict.fromkeys(re.findall(r'"__id__": (\d+)', schema))
    number = {address: str(i) for i, address in enumerate(addresses, start=1)}
    schema = re.sub(r'(?<="__id__": )\d+', lambda m: number[m[0]], schema)
    schema = re.sub(r'(?<=")\d+(?=\.npy")', lambda m: number[m[0]], schema)
    arrays = {f"{number[Path(name).stem]}.npy": old.read(name) for name in old.namelist() if name.endswith(".npy")}
    new = io.BytesIO()
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in sorted({"schema.json": schema.encode(), **arrays}.items()):
            file.writestr(zipfile.ZipInfo(name, EPOCH), content)
    return new.getvalue()


def open_run(run: str | None, dataset: str | None) -> Study:
    """Open a finished run, by its name or by that of its dataset.

    Raises
    ------
    UsageError
        When there is no such run, or it is one of another dataset.
    """
    run = run or dataset or "sample"
    check_run_name(run)
    made_from = read_manifest(run)["parameters"]["dataset"]
    if dataset not in (None, made_from):
        raise UsageError(f"run {run!r} was made from dataset {made_from!r}, not {dataset!r}; leave DATASET out")
    return open_study(run, made_from)


def load_model(study: Study) -> Pipeline:
    """Load model.skops of a finished run, after checking that it is the one that the run wrote.

    Raises
    ------
    UsageError
        When the run has not been made.
    DataError
        When the model, its description or the names were changed since, a type is not trusted, or the model is not the
        one that model.json describes.
    """
    path, shown = study.path("model.skops"), f"assets/{study.run}/model.skops"
    again = f"make it again: make report RUN={study.run}"
    recorded = read_manifest(study.run)["outputs"]
    for name in ("model.skops", "model.json", "profiles.json", "cleaning.json"):
        place = f"assets/{study.run}/{name}"
        if not study.path(name).is_file() or recorded.get(place) != sha256(study.path(name)):
            raise DataError(f"{place} is not the file that the run wrote (its SHA-256 is not the manifest's); {again}")
    try:
        _refuse_bomb(path, shown)
        foreign = set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED)
        if foreign:
            raise DataError(f"{shown} holds types that are not trusted: {', '.join(sorted(foreign))}; {again}")
        model, told = skops.io.load(path, trusted=TRUSTED), read_json(study.path("model.json"))
        features = tuple(feature["name"] for feature in told["features"])
        known = set(features) <= set(study.dataset.columns)
        if not known or describe(model, features)["centroids"] != told["centroids"]:
            raise DataError(f"{shown} is not the model that model.json describes; {again}")
        return model
    except DataError:
        raise
    except Exception as fault:
        raise DataError(f"{shown} cannot be read as a model ({type(fault).__name__}); {again}") from None


def _refuse_bomb(path: Path, shown: str) -> None:
    if sum(part.file_size for part in zipfile.ZipFile(path).infolist()) > MOST_UNPACKED:
        raise DataError(f"{shown} unpacks to more than {MOST_UNPACKED // 1_000_000:,} MB, which no model of ours does")


def score_table(study: Study, new: Source, out: Path) -> pd.DataFrame:
    """Write the segment of each customer of the table `new` to `out`.

    Returns
    -------
    DataFrame
        id (when the table has one), segment, name, distance, margin; in the order of the table.

    Raises
    ------
    DataError
        When a column is missing or unknown, or a cell is not a number; nothing is written then.
    """
    model = load_model(study)
    features = tuple(feature["name"] for feature in read_json(study.path("model.json"))["features"])
    customers = _read_customers(study, new, features)
    scored = assign(model, customers[list(features)].to_numpy(float))
    names = {profile["segment"]: profile["name"] for profile in study.read("profiles.json")["segments"]}
    scored.insert(1, "name", scored["segment"].map(names))
    for id_name in study.dataset.named("id"):
        scored.insert(0, "id", customers[id_name])
    write_csv(out, scored)
    return scored


def _read_customers(study: Study, new: Source, features: tuple[str, ...]) -> pd.DataFrame:
    """Read the customers to score, as the table of the run was read, in the order of the table."""
    dataset, numbers = raw_dataset(study.dataset), study.read("cleaning.json")["numbers"]
    known = {name: Convention(**how) for name, how in numbers.items()}
    made = study.dataset.transactions is not None
    wanted = dataset.named("id", "feature", "descriptor") if made else (*dataset.named("id"), *features)
    raw, headers = read_table(new, dataset, wanted=wanted, known=known)
    if headers["ignored"] and not made:
        raise DataError(
            f"{new.name}: columns {headers['ignored']} are not in dataset.yaml; remove them, or declare them there "
            "(role: ignore)"
        )
    if made:
        customers, rejected, _ = summarize_purchases(raw, study.dataset, headers, file=new.name, known=known)
        _refuse(rejected, new)
        return customers
    conventions = conventions_of(raw, dataset, list(features), headers, file=new.name, known=known)
    needs = {"features": features, "required": features, "fields": headers["fields"]}
    checked = check_rows(raw, dataset, list(wanted), conventions, **needs)
    customers = checked.order_by("row").to_pandas()
    _refuse(customers[customers["rule"].notna()], new)
    return customers


def _refuse(faults: pd.DataFrame, new: Source) -> None:
    """Refuse a table with faults: the first are listed."""
    if faults.empty:
        return
    shown = "\n".join(
        f"  line {fault.line}, column {fault.column}: found "
        f"{'nothing' if fault.value.strip().lower() in MISSING else repr(fault.value)}, expected {fault.rule}"
        for fault in faults.head(FAULTS_SHOWN).itertuples()
    )
    more = f"\n  and {len(faults) - FAULTS_SHOWN:,} more" if len(faults) > FAULTS_SHOWN else ""
    raise DataError(f"{new.name} cannot be scored; mend or remove these rows:\n{shown}{more}")
