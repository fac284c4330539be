"""The segments in plain SQL, for databases that know nothing of this program."""

OWN = "_segmentation_"


def column_name(feature: str) -> str:
    """Return how a column is written in SQL: quoted, because a name may be a word of SQL."""
    return f'"{feature}"'


def nearest_sql(model: dict) -> str:
    """Return a query that gives each row of a table `customers` the segment of its nearest centroid.

    It runs in DuckDB and PostgreSQL, on the columns named as in dataset.yaml, of which none may be null. The columns
    that it adds start with `_segmentation_`, because the table may have others of any name.

    Parameters
    ----------
    model : dict
        The content of model.json.
    """
    scores = [f"{OWN}s{number}" for number in range(1, len(model["centroids"]) + 1)]
    scaled = [f"{_scaled(feature)} AS {OWN}z{i}" for i, feature in enumerate(model["features"], 1)]
    scored = [f"{_score(centroid)} AS {score}" for centroid, score in zip(model["centroids"], scores, strict=True)]
    whens = "".join(f"\n  WHEN {score} THEN {number}" for number, score in enumerate(scores, 1))
    return (
        "-- The segment of each customer: the nearest centroid c of z is that with the least |c|^2 - 2 z.c\n"
        f"WITH {OWN}scaled AS (\n  SELECT *,\n    {_lines(scaled)}\n  FROM customers\n),\n"
        f"{OWN}scored AS (\n  SELECT *,\n    {_lines(scored)}\n  FROM {OWN}scaled\n)\n"
        f"SELECT *, CASE least({', '.join(scores)}){whens}\nEND AS segment\nFROM {OWN}scored;\n"
    )


def _lines(parts: list[str]) -> str:
    return ",\n    ".join(parts)


def _scaled(feature: dict) -> str:
    power, x = feature["lambda"], f"CAST({column_name(feature['name'])} AS DOUBLE PRECISION)"
    if power != 1:
        above = f"ln({x} + 1)" if power == 0 else f"(power({x} + 1, {_number(power)}) - 1) / {_number(power)}"
        rest = 2 - power
        below = f"-ln(1 - {x})" if rest == 0 else f"-(power(1 - {x}, {_number(rest)}) - 1) / {_number(rest)}"
        x = f"CASE WHEN {x} >= 0 THEN {above} ELSE {below} END"
    return f"({x} - {_number(feature['centre'])}) / {_number(feature['spread'])}"


def _score(centroid: list[float]) -> str:
    parts = [
        _number(sum(c * c for c in centroid)),
        *(f"{_number(-2 * c)} * {OWN}z{i}" for i, c in enumerate(centroid, 1)),
    ]
    return " + ".join(parts)


def _number(value: float) -> str:
    """Write a number with an exponent: DuckDB takes a bare 0.1 for a decimal, which is not the same."""
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"
