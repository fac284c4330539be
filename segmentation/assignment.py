"""The segment of every row of a table, as one expression that any engine can compute."""

import ibis

DECIMALS = 6
ADDED = ("segment", "distance", "margin", "next_segment")


def assign_rows(table: ibis.Table, model: dict, *, across: bool = False) -> ibis.Table:
    """Add to each row its segment (from 1), distance to its centroid, and margin: how much farther the next one is.

    The nearest centroid c of z is that with the least |c|^2 - 2 z.c, because |z|^2 is the same for all; ties go to
    the smaller number. Customers are compared with one centroid after the other.

    Parameters
    ----------
    table : ibis.Table
        With a number column for each feature of the model, none of them null.
    model : dict
        The content of model.json.
    across : bool
        Whether next_segment, the one across the border, is added too.
    """
    features = model["features"]
    scaled = table.mutate({f"_z{i}": scaled_feature(table[f["name"]], f) for i, f in enumerate(features)})
    z = [scaled[f"_z{i}"] for i in range(len(features))]
    scores = {f"_s{number}": _score(z, centroid) for number, centroid in enumerate(model["centroids"], 1)}
    found = scaled.mutate(_norm=sum((v * v for v in z), start=double(0)), **scores)
    two = _in_turn if table.get_backend().name == "duckdb" else _at_once
    found = two(found, len(scores))
    near, following = (_root(found["_norm"] + found[score]) for score in ("_near", "_next"))
    told = found.mutate(distance=near.round(DECIMALS), margin=(following - near).round(DECIMALS))
    return told.select(*table.columns, *(ADDED if across else ADDED[:-1]))


def _in_turn(found: ibis.Table, k: int) -> ibis.Table:
    """Find the two least scores and their segments by one comparison after the other: for DuckDB half of the work."""
    found = found.mutate(_near=found["_s1"], _next=double("inf"), segment=_number(1), next_segment=_number(1))
    for number in range(2, k + 1):
        score, near, following = found[f"_s{number}"], found["_near"], found["_next"]
        closer, own, other = score < near, found["segment"], found["next_segment"]
        found = found.mutate(
            _near=closer.ifelse(score, near),
            _next=ibis.cases((closer, near), (score < following, score), else_=following),
            segment=closer.ifelse(_number(number), own),
            next_segment=ibis.cases((closer, own), (score < following, _number(number)), else_=other),
        )
    return found


def _at_once(found: ibis.Table, k: int) -> ibis.Table:
    """Find the same without a chain: an engine that writes each step into the next would make it longer every time."""
    scores = {j: found[f"_s{j}"] for j in range(1, k + 1)}
    found = found.mutate(_near=ibis.least(*scores.values()))
    number = ibis.cases(*((found[f"_s{j}"] <= found["_near"], j) for j in scores))
    found = found.mutate(segment=number.cast("int64"))
    others = [(found["segment"] == j).ifelse(double("inf"), found[f"_s{j}"]) for j in scores]
    found = found.mutate(_next=ibis.least(*others))
    across = ((found["segment"] != j) & (found[f"_s{j}"] <= found["_next"]) for j in scores)
    return found.mutate(next_segment=ibis.cases(*zip(across, scores, strict=True)).cast("int64"))


def _number(segment: int) -> ibis.Value:
    return ibis.literal(segment).cast("int64")


def scaled_feature(value: ibis.Value, feature: dict) -> ibis.Value:
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
    """Return the root of what is not less than 0, but for a last bit."""
    return squared.abs().sqrt()
