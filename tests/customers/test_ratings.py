"""Ratings: whole numbers on a scale that dataset.yaml names."""

import pandas as pd
import pytest

from segmentation.core.dataset import Dataset
from segmentation.core.errors import UsageError
from segmentation.customers.cleaning import clean
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import bands
from segmentation.customers.tell import distributions
from segmentation.runs.run import parse_dataset
from segmentation.tables.read import read_table
from segmentation.tables.sources import locate
from tests.conftest import in_frames


def test_a_rating_is_a_whole_number_on_its_scale(tmp_path):
    cells = ["1", "5", "3.5", "6", "0", "often", "4.0", ""]
    pd.DataFrame({"id": [f"R{i}" for i in range(8)], "food": cells}).to_csv(tmp_path / "t.csv", index=False)
    described = "title: T\ncolumns:\n  id: {role: id}\n  food: {role: feature, type: rating, min: 1, max: 5}\n"
    dataset = parse_dataset(described, "dataset.yaml")
    raw, headers = read_table(locate("DATA", str(tmp_path / "t.csv")), dataset, wanted=("id", "food"))
    cleaned = in_frames(clean(raw, dataset, features=("food",), headers=headers, file="t.csv"))
    assert cleaned.customers["food"].tolist() == [1.0, 5.0, 4.0]
    refused = dict(zip(cleaned.rejected["value"], cleaned.rejected["rule"], strict=True))
    assert refused.pop("often").startswith("a number")
    assert refused == {"3.5": "a whole number", "6": "at most 5", "0": "at least 1", "": "present"}
    assert len(cleaned.flagged) == 0


@pytest.mark.parametrize("keys", ["min: 1", "min: 1, max: 4.5", "min: 1, max: 5, transform: log"])
def test_a_rating_needs_a_scale(keys):
    described = f"title: T\ncolumns:\n  food: {{role: feature, type: rating, {keys}}}\n"
    with pytest.raises(UsageError, match=r"a rating needs min and max|transform need type: number"):
        parse_dataset(described, "dataset.yaml")


def test_a_rating_is_a_number_that_is_read_as_one():
    column = Dataset.model_validate(
        {"title": "T", "columns": {"food": {"role": "feature", "type": "rating", "min": 1, "max": 5}}}
    ).columns["food"]
    assert (column.numeric, column.is_number) == (True, True)


def test_ranks_are_told_by_their_words():
    """The ranks of "I hate it!-5" to "I love it!+5" are 1 to 11: that half lie between 5 and 9 says nothing."""
    column = {"role": "descriptor", "type": "ordinal", "categories": {"-1": [], "0": [], "1": []}}
    described = {"title": "T", "privacy": "rows", "columns": {"liked": column, "spend": {"role": "feature"}}}
    ranks = pd.DataFrame({"id": [*"abcdefgh"], "liked": [1.0, 1, 1, 2, 3, 3, 3, 3], "spend": [*range(8)]})
    told = distributions(Customers.of(Dataset.model_validate(described), ranks), ["liked"])
    assert "half of the customers lie between -1 and 1 (median 0)" in told


def test_bands_of_ranks_are_called_by_their_words():
    words = ["hate", "dislike", "rather not", "neither", "rather", "like", "love", "adore", "worship"]
    column = {"role": "descriptor", "type": "ordinal", "categories": {word: [] for word in words}}
    dataset = Dataset(title="T", columns={"liked": column, "visits": {"role": "feature"}})
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(18)], "liked": [1.0 * (1 + i % 9) for i in range(18)]})
    told = bands(Customers.of(dataset, frame.assign(visits=1.0)), "liked").labels
    assert told == ("hate", "dislike to rather not", "neither to rather", "like to love", "adore to worship")
