"""Features that are answers, yes or no or a rating, and no amounts: how they are scaled, drawn and told."""

import numpy as np
import pandas as pd

from segmentation.core.dataset import Dataset
from segmentation.customers.exploring import how_scaled
from segmentation.segments import tell
from segmentation.segments.fit import distance_unit, scale

ANSWERS = {name: {"role": "feature", "type": "yes/no"} for name in ("tasty", "cheap", "greasy")}


def of(columns: dict, **more) -> Dataset:
    return Dataset(title="T", columns=columns, **more)


def test_items_go_in_unscaled_unless_somebody_asks_or_an_amount_is_beside():
    frame = pd.DataFrame({"tasty": [1.0, 0, 1, 1], "cheap": [0.0, 0, 1, 0], "greasy": [1.0, 1, 0, 0]})
    scaler, X = scale(frame, of(ANSWERS), tuple(ANSWERS))
    assert np.array_equal(X, frame.to_numpy())
    assert distance_unit(of(ANSWERS), list(ANSWERS)) == "points"
    told = tell.scaling(scaler, of(ANSWERS), tuple(ANSWERS))
    assert "goes in unscaled. Yes counts 1 point and no 0." in told
    asked = of(ANSWERS, scaling="standard")
    assert how_scaled(asked, list(ANSWERS)) == "standard"
    assert distance_unit(asked, list(ANSWERS)) == "standard deviations"
    mixed = of(ANSWERS | {"spend": {"role": "feature"}})
    assert how_scaled(mixed, [*ANSWERS, "spend"]) == "standard"
    assert how_scaled(mixed, list(ANSWERS)) == "none"
