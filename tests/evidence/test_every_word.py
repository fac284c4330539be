"""Every word that the evidence, the methods and the shortcuts say is told by a message, on tables of all kinds."""

from types import SimpleNamespace
from unittest import mock

import numpy as np
import pandas as pd
import pytest

from segmentation.core.dataset import Dataset
from segmentation.evidence import tell as evidence_tell
from segmentation.evidence.criteria import RULES, flows_between
from segmentation.evidence.decision import EVERY_TIME, NOT_EVERY_TIME, plainly
from segmentation.language import message
from segmentation.methods import tell as methods_tell
from segmentation.runs.artifacts import ShortForm
from segmentation.runs.records import Carried, Leaf, Null, Rules, Scaled, Tried
from segmentation.shortcuts import tell as shortcuts_tell
from tests.catalogue import messages
from tests.evidence.test_evidence import _conclusion, _evidence
from tests.evidence.test_plainly import _selection
from tests.pseudo import Bracketed, english, outside

VERDICTS = ("natural", "reproducible", "constructive", "none")
NULL = Null(p=0.02, error=0.01, tables=50, models=("columns permuted", "one Gaussian"))
AMOUNTS = Dataset(title="T", columns={name: {"role": "feature", "unit": "€"} for name in ("a1", "b2")})
ITEMS = {"a1": {"role": "feature", "type": "yes/no"}, "b2": {"role": "feature", "type": "rating", "min": 1, "max": 5}}


def _of_k(**more):
    """Return the evidence on three k, which is told whole."""
    separation = {"curved": [False, False, True], "first": 1, "second": 2, "p": [0.001, 0.5, 0.001], "chance": 0.02}
    known = {"stable": [6], "separated": [], "by_degree": False, "dip": {"p_untied": 0.2}, "inertia": 1}
    return _evidence(separation=pd.DataFrame(separation, index=[6, 7, 8]), **known | more)


def _decisions():
    likely = pd.DataFrame({"silhouette": [0.45, 0.467, 0.461], "bic": [3.0, 1, 2]}, index=[6, 7, 8])
    for evidence in (_of_k(), _of_k(by_degree=True, scores=likely), _of_k(customers=30, features=9, different=5)):
        for k, verdict in zip((6, 7, 8, 6), VERDICTS, strict=True):
            yield evidence_tell.decision(evidence, _conclusion(k, verdict, null=NULL, allowed=(6, 7)))
            yield evidence_tell.decision(evidence, _conclusion(k, verdict, null=NULL))
    yield evidence_tell.decision(_of_k(sizes={6: [9], 7: [9], 8: [9]}), _conclusion(1, "none", null=NULL))


def _captions():
    """Yield what stands under figures and over tables, of tables that are private too."""
    moved = [flows_between({2: np.array([0, 0, 0, 1]), 3: np.array(then)}) for then in ([0, 0, 2, 1], [0, 0, 0, 1])]
    fits = pd.DataFrame({"segment": [1, 1, 2, 3], "silhouette": [-0.1, 0.4, -0.2, 0.0]})
    for private in (True, False):
        yield [evidence_tell.flows(flows, 2, private=private) for flows in (*moved, moved[0][:0])]
        yield [evidence_tell.silhouettes(shown, private=private) for shown in (fits, fits[1::2].abs(), fits[:0])]
    scores = pd.DataFrame({"silhouette": [0.2, 0.4], "calinski_harabasz": [1, 2.0], "davies_bouldin": [2.0, 1]}, [2, 3])
    more = scores.assign(starts=100, reached=[0.5, 0.01], bic=[1.0, 2])
    yield [evidence_tell.favourites(scores), evidence_tell.favourites(more), evidence_tell.caption("votes")]
    yield [evidence_tell.starts(more, 200), evidence_tell.starts(more, 20_000), *evidence_tell.rule().split("\n\n")]
    yield [*evidence_tell.table(more).columns, *evidence_tell.formats(private=True)]
    rows = pd.DataFrame([(2, 1, 0.1), (2, 2, 0.3), (3, 1, 0.3)], columns=["k", "segment", "dissolved"])
    yield [evidence_tell.weakest(SimpleNamespace(stability=found)) for found in (rows, rows[:2], rows * [1, 1, 0])]


def _sentences():
    """Yield what is said of evidence, methods and shortcuts, by all of its ways."""
    yield from _decisions()
    yield from _captions()
    yield [plainly(_selection(verdict=verdict, **more)) for verdict in VERDICTS for more in (
        {}, {"method": "given"}, {"method": "given", "carried": Carried(run="X1", k=5), "best": 3},
        {"method": "fixed", "fit": SimpleNamespace(model="X1")}
    )]  # fmt: skip
    tried = [Tried(method="kmeans", k=3, verdict="reproducible"), Tried(method="mixture", k=None, verdict=None)]
    for first in ("natural", "none"):
        own = Tried(method="latent-class", k=2, verdict=first)
        yield [methods_tell.formed_by("auto", [own, *others], "latent-class") for others in ([], tried[:1], tried[1:])]
    yield [methods_tell.formed_by(asked, tried[:1], "kmeans") for asked in ("auto", "kmeans")]
    scaled = [Scaled(name=name, power=1, centre=0, spread=1) for name in ("a1", "b2")]
    items = Dataset(title="T", columns=ITEMS)
    bent = Dataset(title="T", columns={"a1": {"role": "feature", "transform": "yeo-johnson"},
                                       "b2": {"role": "feature", "transform": "log", "min": 0}})  # fmt: skip
    yield [methods_tell.scaling(scaled, dataset) for dataset in (AMOUNTS, items, bent)]
    bics = pd.DataFrame({"EII": [1.0, 2], "VVV": [3.0, 4]}, index=[1, 2])
    yield [
        methods_tell.mixtures(found)
        for found in (bics, bics[::-1].set_axis([1, 2]), bics[["EII"]].set_axis(["X"], axis=1))
    ]
    bounds = ({"a1": (1.5, 2.5), "b2": (None, 3)}, {"a1": (1.5, None)}, {})
    leaves = tuple(Leaf(segment=1, bounds=own, customers=9, right=9) for own in bounds)
    rules = Rules(leaves=leaves, customers=30, right=25, cross_validated=0.8)
    table = shortcuts_tell.rules_table(rules, {1: "X1"}, AMOUNTS)
    yield [
        *table.columns,
        *table.iloc[:, 2],
        shortcuts_tell.rules(rules, {1: "X1", 2: "X1"}),
        shortcuts_tell.caption("matter"),
    ]
    forms = [ShortForm(features=("a1", "b2")[:n], right=right, segments=(1,), constants=(0,), weights=((0,) * n,))
             for n, right in ((1, 0.8), (2, 0.92))]  # fmt: skip
    yield [shortcuts_tell.questions(shown, 3, AMOUNTS) for shown in (forms, forms[:1], ())]
    lost = pd.DataFrame({"feature": ["a1", "b2"], "loss": [0.4, 0.0], "between": [0.5, 0.0], "noise": [False, True]})
    shown = shortcuts_tell.matter_table(lost, AMOUNTS)
    yield [*shown.columns, *(shortcuts_tell.which_matter(part, AMOUNTS) for part in (lost, lost[1:]))]


@pytest.fixture
def bracketed(monkeypatch):
    monkeypatch.setattr(
        evidence_tell.verdict, "dissent", lambda evidence, k: {"Silhouette": 3, "BIC": 4} if k == 6 else {}
    )
    with mock.patch.object(message, "catalogue", return_value=Bracketed()):
        yield


def test_no_word_stands_outside_of_a_message(bracketed):
    told = [text for sentences in _sentences() for text in sentences]
    assert len(told) > 150
    assert [text for text in told if english(outside(text), ["X1"])] == []


def test_what_is_kept_to_be_told_later_is_in_the_catalogue():
    known = {text for _, text, _ in messages() if isinstance(text, str)}
    kept = [*EVERY_TIME.values(), *NOT_EVERY_TIME.values(), *RULES, *RULES.values(), *NULL.models]
    kept += [*methods_tell.METHOD_CALLED.values(), *methods_tell.FAMILY_WORDS.values()]
    kept += [head for head, _ in [*evidence_tell.HEADS.values(), *shortcuts_tell.SHORTCUT_HEADS.values()]]
    assert {*kept} - known == set()
