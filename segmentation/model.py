"""The stored model: written without a pickle, the same bytes every time, and used to score new customers."""

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import skops.io
from sklearn.pipeline import Pipeline

from segmentation.artifacts import read_json, replacing, sha256, write_csv, write_json
from segmentation.cleaning import MISSING
from segmentation.clustering import assign, centroids
from segmentation.dataset import match_columns
from segmentation.errors import DataError, UsageError
from segmentation.manifest import read_manifest
from segmentation.reading import read_rows
from segmentation.study import Study, check_run_name, open_study

TRUSTED = ["segmentation.clustering.log_columns", "segmentation.clustering.exp_columns"]
FAULTS_SHOWN = 5
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
EPOCH = (1980, 1, 1, 0, 0, 0)


def describe_model(model: Pipeline, study: Study, features: tuple[str, ...], choices: pd.DataFrame) -> dict:
    """Return model.json: enough to score anywhere, and how far the segments of other choices agree.

    A customer's feature x becomes z = (t - mean) / deviation, where t is log(1 + x) for a logged feature and
    x otherwise; the segment is the number (from 1) of the centroid nearest to z.
    """
    scaler = model.named_steps["scale"]
    columns = study.dataset.columns
    return {
        "method": "k-means",
        "features": [
            {
                "name": name,
                "label": study.dataset.label(name),
                "unit": columns[name].unit,
                "transform": columns[name].transform,
                "mean": mean,
                "deviation": deviation,
            }
            for name, mean, deviation in zip(features, scaler.mean_.tolist(), scaler.scale_.tolist(), strict=True)
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
        When the model, its description or the names were changed since, or a type is not trusted.
    """
    path, shown = study.path("model.skops"), f"assets/{study.run}/model.skops"
    again = f"make it again: make report RUN={study.run}"
    recorded = read_manifest(study.run)["outputs"]
    for name in ("model.skops", "model.json", "profiles.json"):
        place = f"assets/{study.run}/{name}"
        if not study.path(name).is_file() or recorded.get(place) != sha256(study.path(name)):
            raise DataError(f"{place} is not the file that the run wrote (its SHA-256 is not the manifest's); {again}")
    try:
        foreign = set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED)
        if foreign:
            raise DataError(f"{shown} holds types that are not trusted: {', '.join(sorted(foreign))}; {again}")
        return skops.io.load(path, trusted=TRUSTED)
    except DataError:
        raise
    except Exception as fault:
        raise DataError(f"{shown} cannot be read as a model ({type(fault).__name__}); {again}") from None


def score_table(study: Study, new: Path, out: Path) -> pd.DataFrame:
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
    headers, rows = read_rows(new)
    matched = _scoring_columns(headers, study, features, new)
    X = _numbers(rows, {name: headers.index(matched[name]) for name in features}, len(headers), study, new)
    scored = assign(model, X)
    names = {profile["segment"]: profile["name"] for profile in study.read("profiles.json")["segments"]}
    scored.insert(1, "name", scored["segment"].map(names))
    for id_name in study.dataset.named("id"):
        if id_name in matched:
            at = headers.index(matched[id_name])
            scored.insert(0, "id", [cells[at].strip() for _, cells in rows])
    write_csv(out, scored)
    return scored


def _scoring_columns(headers: list[str], study: Study, features: tuple[str, ...], new: Path) -> dict[str, str]:
    matched = match_columns(headers, study.dataset, file=new.name, wanted=(*study.dataset.named("id"), *features))
    extra = [header for header in headers if header not in matched.values()]
    if extra:
        raise DataError(
            f"{new.name}: columns {extra} are not in dataset.yaml; remove them, or declare them there (role: ignore)"
        )
    return matched


def _numbers(rows, at: dict[str, int], fields: int, study: Study, new: Path) -> np.ndarray:
    """Return the features as numbers, of shape (n_customers, n_features); every fault is listed."""
    faults, values = [], []
    for line, cells in rows:
        if len(cells) != fields:
            faults.append(f"line {line}: found {len(cells)} cells, expected {fields}")
            continue
        values.append([_number(cells[i], f"line {line}, column {name}", study, name, faults) for name, i in at.items()])
    if faults or not values:
        shown = "\n".join(f"  {fault}" for fault in faults[:FAULTS_SHOWN]) or "  it has no rows"
        more = f"\n  and {len(faults) - FAULTS_SHOWN} more" if len(faults) > FAULTS_SHOWN else ""
        raise DataError(f"{new.name} cannot be scored; mend or remove these rows:\n{shown}{more}")
    return np.array(values)


def _number(cell: str, where: str, study: Study, name: str, faults: list[str]) -> float:
    column = study.dataset.columns[name]
    lowest = max([0.0] * (column.transform == "log") + [-np.inf if column.min is None else column.min])
    highest = np.inf if column.max is None else column.max
    value = float(cell) if NUMBER.fullmatch(cell.strip()) else np.nan
    if not (np.isfinite(value) and lowest <= value <= highest):
        found = "nothing" if cell.strip().lower() in MISSING else repr(cell)
        limits = [f"at least {lowest:g}"] * (lowest > -np.inf) + [f"at most {highest:g}"] * (highest < np.inf)
        faults.append(f"{where}: found {found}, expected a number {' and '.join(limits)}".rstrip())
    return value
