"""The stored model: what it holds, and how it is written without a pickle, the same bytes every time."""

import io
import re
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import skops.io
from sklearn.pipeline import Pipeline

from segmentation.core.dataset import Dataset
from segmentation.core.errors import DataError, cause
from segmentation.core.files import replacing
from segmentation.core.privacy import least
from segmentation.customers.counts import Grouping
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import rounded_limits
from segmentation.runs.artifacts import Model, remake_command
from segmentation.runs.manifest import read_manifest, require_unchanged
from segmentation.runs.records import Feature, Scaled
from segmentation.runs.run import Run
from segmentation.segments.fit import centroids, distance_unit, scaling_and_centroids
from segmentation.segments.queries import nearest_sql, write_queries
from segmentation.tables.formats import MOST_UNPACKED

INDEX_BINS = 10
FEWEST_IN_BIN = 10
REACH = 0.95  # of the customers of a segment lie no farther from its centroid
HAIR = 1e-9  # of the range: a bin that begins as much above a value leaves it to the bin below
TRUSTED = [
    "segmentation.segments.fit.Unskew",
    "segmentation.methods.latent.Block",
    "segmentation.methods.latent.LatentClasses",
]
EPOCH = (1980, 1, 1, 0, 0, 0)


def bin_feature(customers: Customers, name: str, *, fewest: int = 1) -> dict:
    """Return the inner bounds of up to ten bins of a feature, of about as many customers each, and their shares.

    A value that is several quantiles, such as the 0 of most customers, has a bin of its own; a bin of fewer than
    `fewest` customers is brought together with its neighbour.
    """
    bins = max(1, min(INDEX_BINS, customers.number // FEWEST_IN_BIN))
    levels = [i / bins for i in range(1, bins)]
    low, high = customers.limits([name]).loc[name, ["low", "high"]].astype(float)
    inner = customers.quantiles(name, levels).iloc[0][levels] if levels else []
    values, times = np.unique(np.array([low, *inner, high]), return_counts=True)
    many = values[times > 1]
    above = many + np.maximum(HAIR * (high - low), np.spacing(np.abs(many)))
    bounds = np.unique([*values[1:-1], *many, *above])
    bounds = bounds[(bounds > low) & (bounds <= high)]
    counts = customers.histogram(name, np.array([low, *bounds, high])) if len(bounds) else np.array([customers.number])
    while len(bounds) and counts.min() < fewest:
        thin = int(counts.argmin())
        joined = max(thin - 1, 0)
        counts[joined : joined + 2] = counts[joined : joined + 2].sum()
        bounds, counts = np.delete(bounds, joined), np.delete(counts, joined)
    return {"bounds": bounds.tolist(), "shares": (counts / customers.number).tolist()}


def describe_model(model: Pipeline, study: Run, segmented: Customers, choices: pd.DataFrame, features) -> Model:
    """Return model.json: enough to score anywhere, what the training data were, and how far other choices agree.

    A customer's feature x becomes z = (t - centre) / spread, where t is x for lambda 1, log(1 + x) for lambda 0, and
    else x transformed as Yeo and Johnson (2000) do; of a category it becomes one z for each, which is 1 or 0. The
    segment is the number (from 1) of the centroid nearest to z, or where there are scores, of the least.
    """
    placement, name = scaling_and_centroids(model, features), model.steps[-1][0]
    return Model(
        method={"kmeans": "k-means"}.get(name, name),
        customers=segmented.number,
        sizes=segmented.counts("segment").tolist(),
        distance_unit=distance_unit(study.dataset, features),
        features=tuple(_feature(scaled, study.dataset, segmented) for scaled in placement.features),
        centroids=placement.centroids,
        reach=segmented.quantiles("distance", [REACH], Grouping("segment"))[REACH].tolist(),
        centroids_original_units=centroids(model, features).to_numpy().tolist(),
        inertia=model[-1].inertia_,
        agreement=choices.set_index("choice")["agreement"].to_dict(),
        **({"scores": placement.scores} if placement.scores else {}),
    )


def _feature(scaled: Scaled, dataset: Dataset, segmented: Customers) -> Feature:
    column, private = dataset.columns[scaled.name], dataset.private
    if scaled.categories:
        counts = segmented.counts(scaled.name).reindex(list(scaled.categories), fill_value=0)
        told = {"low": 0, "high": 1, "bounds": (), "shares": tuple(counts / segmented.number)}
    else:
        told = bin_feature(segmented, scaled.name, fewest=least(private))
        told |= _range(segmented, scaled.name, rounded=private and dataset.axis(scaled.name))
    told |= {"label": dataset.label(scaled.name), "unit": column.unit, "transform": column.transform}
    return Feature.model_validate(scaled.model_dump(exclude_unset=True) | told)


def _range(customers: Customers, name: str, *, rounded) -> dict:
    """Return the smallest and the largest value of a feature, where these tell of customers rounded outwards."""
    if rounded:
        low, high = rounded_limits(customers, name, logged=rounded.logged)
    else:
        low, high = customers.limits([name]).loc[name, ["low", "high"]]
    return {"low": float(low), "high": float(high)}


def write_model(model: Pipeline, study: Run, segmented: Customers, choices: pd.DataFrame, features) -> None:
    """Write model.skops, model.json, and segments.sql for each kind of database."""
    with replacing(study.path("model.skops")) as beside:
        beside.write_bytes(_repeatable(skops.io.dumps(model)))
    described = describe_model(model, study, segmented, choices, features)
    study.write("model.json", described)
    write_queries(study, "segments", partial(nearest_sql, described))


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


def load_model(study: Run) -> Pipeline:
    """Load model.skops of a finished run, after checking that it is the one that the run wrote.

    Raises
    ------
    UsageError
        When the run has not been made.
    DataError
        When an artifact was changed since, a type is not trusted, or the model is not the one of model.json.
    """
    require_unchanged(study.name)
    path, shown = study.path("model.skops"), f"assets/{study.name}/model.skops"
    again = f"make it again: {remake_command(study.name, read_manifest(study.name).dataset)}"
    try:
        _refuse_bomb(path, shown)
        foreign = set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED)
        if foreign:
            raise DataError(f"{shown} holds types that are not trusted: {', '.join(sorted(foreign))}; {again}")
        model, told = skops.io.load(path, trusted=TRUSTED), study.read("model.json")
        known = set(told.names) <= set(study.dataset.columns)
        if not known or not _is_as_told(model, told):
            raise DataError(f"{shown} is not the model that model.json describes; {again}")
        return model
    except DataError:
        raise
    except Exception as fault:
        raise DataError(f"{shown} cannot be read as a model ({cause(fault, path, shown)}); {again}") from fault


def _is_as_told(model: Pipeline, told: Model) -> bool:
    found = scaling_and_centroids(model, tuple(told.names))
    return (found.centroids, found.scores) == (told.centroids, told.scores)


def _refuse_bomb(path: Path, shown: str) -> None:
    if sum(part.file_size for part in zipfile.ZipFile(path).infolist()) > MOST_UNPACKED:
        raise DataError(f"{shown} unpacks to more than {MOST_UNPACKED // 1_000_000:,} MB, which no model of ours does")
