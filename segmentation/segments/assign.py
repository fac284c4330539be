"""Who belongs to which segment: one expression that any engine can compute."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import ibis
import numpy as np
import pandas as pd

from segmentation.core.dataset import Dataset
from segmentation.core.engine import add_up, double, held, opened
from segmentation.core.files import write_csv, write_parquet
from segmentation.core.privacy import SMALLEST_GROUP, rung, significant, step, to_step
from segmentation.customers.counts import Grouping, identified, keyed, rounded, undo, unskew, unskewed
from segmentation.customers.customers import ADDED, Customers, open_customers
from segmentation.customers.exploring import how_scaled, shown_means
from segmentation.methods.scores import shown_scores
from segmentation.runs.records import Placement, Scaled, Score, nearest_scores
from segmentation.runs.run import Run

ASSIGNED = ("segment", "distance", "margin", "probability")  # the last where the method gives one
LISTED = ("segment", "name", "action", "distance", "margin", "probability")  # what a list says of each customer
NEAR = 0.25  # of a standard deviation, how much farther the next centroid is
UNSURE = 0.5  # how much less probable the next segment is: of two, three to one
MOST_IN_CSV = 1_000_000
DECIMALS = 6


def open_segmented(study: Run) -> Customers:
    """Open the clean customers of a run with their segments."""
    customers, table = open_customers(study), identified(opened(study.existing("segmented.parquet")))
    some = assign_rows(held(customers.sample), study.read("model.json")) if customers.sampled else table
    return replace(customers, table=table, sample=some.to_pandas())


def rescaled(segmented: Customers, model: Placement) -> Customers:
    """Return segment and scaled features of customers, under the names of the features."""

    def scaled(table: ibis.Table) -> ibis.Table:
        return table.select("segment", **scaled_columns(table, model))

    known = [feature for feature in model.features if feature.name in segmented.counted and not feature.categories]
    counted = {f.name: _values_scaled(segmented.counted[f.name], f) for f in known}
    sample = scaled(held(segmented.sample)).to_pandas()
    return replace(segmented, table=scaled(segmented.table), sample=sample, counted=counted)


def _values_scaled(values: pd.DataFrame, feature: Scaled) -> pd.DataFrame:
    """Return the scaled values and how many customers have each: their order stays."""
    table = held(values)
    return table.mutate(value=scaled_feature(table["value"], feature)).to_pandas()


def telling_order(X: np.ndarray, labels: np.ndarray, features: tuple[str, ...]) -> list[str]:
    """Return the features, those first whose variance lies most between the segments; two or fewer as they are."""
    frame = pd.DataFrame(X, columns=list(features))
    between = frame.groupby(labels).transform("mean").var() / frame.var()
    order = between.fillna(0).sort_values(ascending=False, kind="stable").index if len(features) > 2 else features
    return list(order)


def write_segments(study: Run, segmented: Customers) -> None:
    """Write segments.parquet: id or row, segment, distance, margin, and probability where there is one.

    In segmented.parquet they stand beside the customers: what the next notebooks would else put together again.
    """
    whole = keyed(segmented.table, study.dataset.key)
    table = whole[[study.dataset.key, *told_of(whole, ASSIGNED)]]
    write_parquet(study.path("segmented.parquet"), whole)
    write_parquet(study.path("segments.parquet"), table)


def write_list(study: Run, segmented: Customers, names: dict[int, str]) -> None:
    """Write segments.csv for up to a million customers: id or row, and what a list says of each."""
    path = study.path("segments.csv")
    if segmented.number > MOST_IN_CSV:
        path.unlink(missing_ok=True)
        return
    table = segmented.table.mutate(name=name_of(segmented.table, names)).rename({study.dataset.key: "id"})
    write_csv(path, table.select(study.dataset.key, *told_of(table, LISTED)), comma=study.read("cleaning.json").comma)


def told_of(table, names: Iterable[str] = LISTED) -> list[str]:
    """Return which of these columns a table of placed customers has."""
    return [name for name in names if name in table.columns]


def name_of(table: ibis.Table, names: Mapping[int, str | None]) -> ibis.Value:
    """Return the name of the segment of each row, or what else is said of it; null where nothing is."""
    told = [(table["segment"] == number, name) for number, name in names.items() if name]
    return ibis.cases(*told) if told else ibis.null("string")


def nearest_to_border(near: ibis.Table, dataset: Dataset, most: int = 10) -> pd.DataFrame | None:
    """Return segment, next segment, margin and features of those nearest to a border; None where private."""
    if dataset.private:
        return None
    first = near.limit(most).drop("id").to_pandas()
    return None if first.empty else first


def write_near(study: Run, near: ibis.Table) -> None:
    """Write borderline.csv: id or row, segment, next_segment and margin of who is near a border."""
    told = near.select(**{study.dataset.key: "id"}, **{name: name for name in ("segment", "next_segment", "margin")})
    write_csv(study.path("borderline.csv"), told)


def borders(near: ibis.Table) -> pd.DataFrame:
    """Return how many of the customers near a border lie between each two of them: between (two numbers), customers."""
    by = ["segment", "next_segment"]
    counts = near.group_by(by).agg(customers=near.count()).to_pandas().set_index(by)["customers"]
    ends = pd.Series([(min(pair), max(pair)) for pair in counts.index], counts.index, dtype=object)
    found = counts.groupby(ends.to_numpy()).sum().sort_index().sort_values(ascending=False, kind="stable")
    return found.rename_axis("between").rename("customers").reset_index()


def assign_rows(table: ibis.Table, model: Placement, *, across: bool = False) -> ibis.Table:
    """Add to each row its segment (from 1), the distance to the centroid of that, and its margin.

    The segment is that of the least score, by `Score` one sum for every method; ties go to the smaller number.
    Customers are compared with one segment after the other. The margin says how much farther the next centroid is;
    where scores give probabilities, that of the own segment is added, and the margin is that less the next one's.
    Where there is one segment alone, nobody has a margin.

    Parameters
    ----------
    table : ibis.Table
        With a column for each feature of the model, none of them null: numbers, or texts where it has categories.
    across : bool
        Whether next_segment, the one across the border, is added too.
    """
    columns = scaled_columns(table, model)
    scaled = table.mutate({f"_z{i}": value for i, value in enumerate(columns.values())})
    z = [scaled[f"_z{i}"] for i in range(len(columns))]
    scores = {f"_s{number}": score_sum(z, score) for number, score in enumerate(model.placing, 1)}
    found = scaled.mutate(_norm=add_up([double(0), *(v * v for v in z)]), **scores)
    two = _alone if len(scores) == 1 else _in_turn if table.get_backend().name == "duckdb" else _at_once
    found = two(found, len(scores))
    told = _with_probability(found, z, model) if model.scores else _with_distances(found)
    return told.select(*table.columns, *told_of(told, ADDED if across else ADDED[:-1]))


def _with_distances(found: ibis.Table) -> ibis.Table:
    near, following = (_root(found["_norm"] + found[score]) for score in ("_near", "_next"))
    return found.mutate(distance=near.round(DECIMALS), margin=(following - near).round(DECIMALS))


def _with_probability(found: ibis.Table, z: list[ibis.Value], model: Placement) -> ibis.Table:
    """Add what scores give as probabilities: the least is taken off first, so that no number grows too large."""
    z, near = [found[value.get_name()] for value in z], nearest_scores(model.centroids)
    squared = ibis.cases(*((found["segment"] == number, score_sum(z, own)) for number, own in enumerate(near, 1)))
    behind = [((found["_near"] - found[f"_s{j}"]) / double(2)).exp() for j in range(1, len(model.scores) + 1)]
    found = found.mutate(distance=_root(found["_norm"] + squared).round(DECIMALS), _whole=add_up(behind))
    ahead = double(1) - ((found["_near"] - found["_next"]) / double(2)).exp()
    own = double(1) / found["_whole"]
    return found.mutate(probability=own.round(DECIMALS), margin=(ahead / found["_whole"]).round(DECIMALS))


def _alone(found: ibis.Table, _: int) -> ibis.Table:
    """Place everybody in the only segment, which has no next one."""
    none = {"_next": ibis.null("float64"), "next_segment": ibis.null("int64")}
    return found.mutate(_near=found["_s1"], segment=_literal(1), **none)


def _in_turn(found: ibis.Table, k: int) -> ibis.Table:
    """Find the two least scores and their segments by one comparison after the other: for DuckDB half of the work."""
    found = found.mutate(_near=found["_s1"], _next=double(np.inf), segment=_literal(1), next_segment=_literal(1))
    for number in range(2, k + 1):
        score, near, following = found[f"_s{number}"], found["_near"], found["_next"]
        closer, own, other = score < near, found["segment"], found["next_segment"]
        found = found.mutate(
            _near=closer.ifelse(score, near),
            _next=ibis.cases((closer, near), (score < following, score), else_=following),
            segment=closer.ifelse(_literal(number), own),
            next_segment=ibis.cases((closer, own), (score < following, _literal(number)), else_=other),
        )
    return found


def _at_once(found: ibis.Table, k: int) -> ibis.Table:
    """Find the same without a chain: an engine that writes each step into the next would make it longer every time."""
    scores = {j: found[f"_s{j}"] for j in range(1, k + 1)}
    found = found.mutate(_near=ibis.least(*scores.values()))
    number = ibis.cases(*((found[f"_s{j}"] <= found["_near"], j) for j in scores))
    found = found.mutate(segment=number.cast("int64"))
    others = [(found["segment"] == j).ifelse(double(np.inf), found[f"_s{j}"]) for j in scores]
    found = found.mutate(_next=ibis.least(*others))
    across = ((found["segment"] != j) & (found[f"_s{j}"] <= found["_next"]) for j in scores)
    return found.mutate(next_segment=ibis.cases(*zip(across, scores, strict=True)).cast("int64"))


def _literal(segment: int) -> ibis.Value:
    return ibis.literal(segment).cast("int64")


def scaled_feature(value: ibis.Value, feature: Scaled) -> ibis.Value:
    """Return a feature as the model sees it: transformed, then centre and spread."""
    return (unskewed(value, feature.power) - double(feature.centre)) / double(feature.spread)


def scaled_columns(table: ibis.Table, model: Placement) -> dict[str, ibis.Value]:
    """Return each z of the customers by what it is called: of a missing value it is null."""
    found: dict[str, ibis.Value] = {}
    for feature in model.features:
        value = table[feature.name]
        known = value.notnull()
        for name, category in zip(feature.columns, feature.categories, strict=False):
            found[name] = ibis.cases((value == category, double(1)), (known, double(0)))
        if not feature.categories:
            found[feature.name] = scaled_feature(value, feature)
    return found


def score_sum(z: list[ibis.Value], score: Score) -> ibis.Value:
    """Return constant + linear.z + z'Qz of each row; each two of Q that are one are taken together."""
    terms = [double(score.constant), *(value * double(a) for value, a in zip(z, score.linear, strict=True))]
    for i, row in enumerate(score.quadratic or ()):
        terms += [z[i] * z[j] * double(row[j] if i == j else 2 * row[j]) for j in range(i, len(row)) if row[j]]
    return add_up(terms)


def _root(squared: ibis.Value) -> ibis.Value:
    """Return the root of what is not less than 0, but for a last bit."""
    return squared.abs().sqrt()


def averaged(customers: Customers, scaled: Customers, features: Iterable[Scaled]) -> Iterator[tuple[Scaled, Customers]]:
    """Yield each feature with the customers whose mean there is its centre: as they are, or as the model sees them."""
    for feature in features:
        yield feature, customers if feature.power == 1 else scaled


def restored(means: pd.Series, feature: Scaled) -> pd.Series:
    """Return means of what `averaged` yields in the units of the table."""
    if feature.power == 1:
        return means
    back = undo(means.to_numpy() * feature.spread + feature.centre, feature.power)
    return pd.Series(back, means.index).map(partial(rounded, digits=8))  # the way back widens the last of ten


def centres(segmented: Customers, scaled: Customers, model: Placement) -> pd.DataFrame:
    """Return the centre of each segment in the units of the table: one row a segment, one column a number.

    It is the mean over the customers of the segment, those set aside left out (`methods.forming`); of a feature that is
    transformed, the mean of what the model sees, transformed back, so that centres stand where segments were formed:
    with a logarithm near the geometric mean. Of private customers it is rounded, and NaN where one or two of them make
    up most of the sum, or of that of all.
    """
    found, whole = exact_centres(segmented, scaled, model), centre_of_all(segmented, scaled, model)
    return shown_means(segmented, found, Grouping("segment"), bent=bent(model)).where(whole.notna(), axis=1)


def exact_centres(segmented: Customers, scaled: Customers, model: Placement) -> pd.DataFrame:
    """Return the same with all digits."""
    pairs = averaged(segmented, scaled, model.numbers)
    return pd.DataFrame({f.name: restored(of.means([f.name])[f.name], f) for f, of in pairs})


def centre_of_all(segmented: Customers, scaled: Customers, model: Placement) -> pd.Series:
    """Return the centre of all customers in the same way, one value a feature."""
    pairs = averaged(segmented, scaled, model.numbers)
    found = pd.DataFrame({f.name: [restored(of.mean([f.name]), f)[f.name]] for f, of in pairs})
    return shown_means(segmented, found, bent=bent(model)).iloc[0]


def shown_placement(segmented: Customers, centres: pd.DataFrame, model: Placement) -> Placement | None:
    """Return the model as it may be shown: of private customers of rounded `centres`, scales, shares and spreads.

    None where a centre is not shown.
    """
    if not segmented.private:
        return model
    if centres.isna().any(axis=None):
        return None
    kind, sizes = how_scaled(segmented.dataset, model.names), segmented.counts("segment").to_numpy()
    features = tuple(_shown_scale(segmented, feature, kind) for feature in model.features)
    own = pd.DataFrame(model.centroids, columns=model.columns)
    steps = pd.DataFrame(0.0, index=own.index, columns=model.columns)
    for f in features:
        if f.categories:
            own[f.columns] = [
                to_step(row, rung(SMALLEST_GROUP / n)) for row, n in zip(own[f.columns].to_numpy(), sizes, strict=True)
            ]
        else:
            own[f.name] = (unskew(centres[f.name].to_numpy(float), f.power) - f.centre) / f.spread
            ends = (unskew(_ends(segmented, f.name), f.power) - f.centre) / f.spread
            steps[f.name] = [step(n, *ends) for n in sizes]
    scores = shown_scores(model, sizes, steps.to_numpy())
    return Placement(features=features, centroids=tuple(map(tuple, own.to_numpy().tolist())), scores=scores)


def _ends(segmented: Customers, name: str) -> np.ndarray:
    return segmented.limits([name]).loc[name, ["low", "high"]].to_numpy(float)


def _shown_scale(segmented: Customers, feature: Scaled, kind: str) -> Scaled:
    """Return how a feature is scaled, as exactly as a mean of all may be shown, or a tenth of that of quantiles."""
    if feature.categories:
        return feature
    power = significant(feature.power)
    ends = unskew(_ends(segmented, feature.name), power)
    exact = step(segmented.number // (SMALLEST_GROUP if kind == "robust" else 1), *ends) if kind != "none" else 0.0
    centre, spread = (float(to_step(value, exact)) for value in (feature.centre, feature.spread))
    return feature.model_copy(update={"power": power, "centre": centre, "spread": spread or exact or 1.0})


def bent(model: Placement) -> dict[str, float]:
    """Return the features whose centre is not the plain mean, each with the power by which it is averaged."""
    return {f.name: f.power for f in model.numbers if f.power != 1}
