"""The segment of every row of a table, as one expression that any engine can compute."""

import ibis

DECIMALS = 6


def assign_rows(table: ibis.Table, model: dict) -> ibis.Table:
    """Add to each row its segment (from 1), the distance to its centroid, and how much farther the next one is.

    The nearest centroid c of z is that with the least |c|^2 - 2 z.c, because |z|^2 is the same for all; ties go to
    the smaller number. Customers are compared with one centroid after the other.

    Parameters
    ----------
    table : ibis.Table
        With a number column for each feature of the model, none of them null.
    model : dict
        The content of model.json.
    """
    features = model["features"]
    scaled = table.mutate({f"_z{i}": _scaled(table[f["name"]], f) for i, f in enumerate(features)})
    z = [scaled[f"_z{i}"] for i in range(len(features))]
    scored = scaled.mutate(
        {f"_s{j}": _score(z, centroid) for j, centroid in enumerate(model["centroids"])}
        | {"_norm": sum((v * v for v in z), start=double(0))}
    )
    scores = [scored[f"_s{j}"] for j in range(len(model["centroids"]))]
    found = scored.mutate(_near=ibis.least(*scores))
    numbers = range(1, len(scores) + 1)
    found = found.mutate(
        segment=ibis.cases(*[(found[f"_s{j - 1}"] <= found["_near"], ibis.literal(j, "int64")) for j in numbers])
    )
    others = [(found["segment"] == j).ifelse(double("inf"), found[f"_s{j - 1}"]) for j in numbers]
    near, following = (_root(found["_norm"] + squared) for squared in (found["_near"], ibis.least(*others)))
    told = found.mutate(distance=near.round(DECIMALS), margin=(following - near).round(DECIMALS))
    return told.select(*table.columns, "segment", "distance", "margin")


def _scaled(value: ibis.Value, feature: dict) -> ibis.Value:
    """Return a feature as the model sees it (Yeo & Johnson 2000 where it is transformed, then centre and spread)."""
    power, x = feature["lambda"], value.cast("float64")
    if power != 1:
        one, rest = double(1), double(2 - power)
        above = (x + one).ln() if power == 0 else ((x + one) ** double(power) - one) / double(power)
        below = -((one - x).ln()) if power == 2 else -((one - x) ** rest - one) / rest
        x = (x >= 0).ifelse(above, below)
    return (x - double(feature["centre"])) / double(feature["spread"])


def _score(z: list[ibis.Value], centroid: list[float]) -> ibis.Value:
    squared = double(sum(c * c for c in centroid))
    return sum((value * double(-2 * c) for value, c in zip(z, centroid, strict=True)), start=squared)


def double(value: float) -> ibis.Value:
    """Return a number as a double: DuckDB takes a bare 0.1 for a decimal, which is slower and not the same."""
    return ibis.literal(repr(float(value))).cast("float64")


def _root(squared: ibis.Value) -> ibis.Value:
    return ibis.greatest(squared, double(0)).sqrt()
