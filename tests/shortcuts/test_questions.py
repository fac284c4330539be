"""How few questions suffice: planted answers, customers at random, and what is said."""

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from segmentation.core.dataset import Dataset
from segmentation.runs.artifacts import ShortForm
from segmentation.segments.robustness import compare_choices
from segmentation.shortcuts import questions, tell


def _forms(X: pd.DataFrame, segments: np.ndarray) -> tuple[ShortForm, ...]:
    return questions.shortest(X, segments, {name: [name] for name in X})


@pytest.fixture(scope="module")
def planted() -> tuple[pd.DataFrame, np.ndarray]:
    """Four groups in two features of six; the third of them is the first once more, with some noise."""
    X, groups = make_blobs(400, centers=[[-3, -3], [-3, 3], [3, -3], [3, 3]], random_state=1)
    rng = np.random.default_rng(1)
    more = [X[:, 0] + rng.normal(0, 2, 400), *rng.normal(size=(3, 400))]
    return pd.DataFrame(np.column_stack([*more, X]), columns=list("abcdef")), groups + 1


def test_two_planted_questions_are_found_and_place_nearly_everybody(planted):
    one, two = _forms(*planted)
    assert (len(one.features), set(two.features)) == (1, {"e", "f"})
    assert one.right < 0.6
    assert two.right > 0.98
    X, segments = planted
    scores = np.array(two.constants) + X[list(two.features)].to_numpy() @ np.array(two.weights).T
    assert (np.array(two.segments)[scores.argmax(axis=1)] == segments).mean() > 0.98


def test_of_segments_at_random_no_questions_are_said_to_place_more_than_chance():
    rng = np.random.default_rng(2)
    X = pd.DataFrame(rng.normal(size=(200, 10)), columns=list("abcdefghij"))
    forms = _forms(X, rng.integers(1, 3, 200))
    assert len(forms) == 9
    assert max(form.right for form in forms) < 0.6  # chosen and fitted on those who are asked it would be more


def test_the_order_of_customers_and_columns_is_no_answer(planted):
    X, segments = planted
    turned = np.random.default_rng(3).permutation(len(X))
    forms = _forms(X.iloc[turned][list("fedcba")], segments[turned])
    assert set(forms[-1].features) == {"e", "f"}


@pytest.mark.parametrize("k", [1, 2])
def test_one_question_or_one_segment_has_no_short_form(k):
    X = pd.DataFrame({"a": np.arange(40.0), "b": np.arange(40.0) ** 2})
    segments = KMeans(k, random_state=0, n_init=1).fit(X).labels_ + 1
    assert _forms(X[["a"]], segments) == ()
    assert len(_forms(X, segments)) == k - 1


def _form(names: str, right: float) -> ShortForm:
    return ShortForm(
        features=tuple(names), right=right, segments=(1, 2), constants=(0, 0), weights=((0,) * len(names),) * 2
    )


def test_what_is_said_of_few_questions():
    columns = {name: {"role": "feature", "label": name.upper()} for name in "abc"}
    dataset = Dataset(title="T", source={"path": "t.csv"}, columns=columns)
    forms = [_form("a", 0.7), _form("ab", 0.96)]
    assert tell.questions(forms, 3, dataset) == "Two questions of 3 (A and B) place 90% and 95% of customers rightly."
    assert tell.questions(forms[:1], 2, dataset) == (
        "One question alone does not place 90% of customers rightly; the most is 70%."
    )
    assert tell.questions([forms[0], _form("ab", 0.93)], 3, dataset) == (
        "Two questions of 3 (A and B) place 90% of customers rightly. "
        "No form of up to two questions places 95% of customers rightly; the most is 93%."
    )
    assert tell.questions_table(forms, dataset)["the next question"].tolist() == ["A", "B"]


def test_a_feature_without_which_the_segments_stay_is_named_where_they_are_alike_in_it(planted):
    X, segments = planted
    dataset = Dataset(
        title="T", source={"path": "t.csv"}, columns={name: {"role": "feature", "label": name.upper()} for name in X}
    )
    names = ["c", "e", "f"]  # noise, and the two that the groups were drawn in
    choices = compare_choices(X, dataset, tuple(names), segments - 1)
    found = questions.which_matter(choices, dataset, X, segments - 1, {name: [name] for name in names})
    assert found["feature"].tolist()[-1] == "c"
    assert found.set_index("feature")["noise"].to_dict() == {"c": True, "e": False, "f": False}
    told = tell.which_matter(found, dataset)
    assert told.endswith("C only adds noise: the segments are alike in it, and nearly the same without it.")
    assert tell.matter_table(found, dataset)["feature"].tolist()[-1] == "C"
