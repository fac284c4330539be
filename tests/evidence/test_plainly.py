"""How sure the segments are, in one plain sentence for every verdict, no more than was measured."""

import re
from types import SimpleNamespace

import pytest

from segmentation.evidence.decision import DISSOLVED, STABLE, plainly
from segmentation.language.glossary import GLOSSARY, glossary
from segmentation.runs.artifacts import Selection
from segmentation.runs.records import Carried, Judged, Null, Stability


def _selection(
    back=(1.0,) * 5, jaccard=0.9, chance=1 / 51, *, k=5, verdict="natural", best=None, carried=None, **changed
) -> Selection:
    """Return a choice of which only that is known by which a reader is told how sure it is."""
    segments = tuple(
        Stability(segment=i, jaccard=jaccard, error=0.01, dissolved=1 - part, recovered=part)
        for i, part in enumerate(back, 1)
    )
    chosen = Judged.model_construct(segments=segments, valley_chance=chance)
    null = Null(p=chance, error=0.01, tables=50, models=("one Gaussian",))
    known = {"stable": (5,), "method": "auto", "formed_by": "kmeans", "fit": None, "resamples": 100, "null": null}
    known |= {"k": k, "verdict": verdict, "best": best or k, "verdict_of_best": verdict, "carried": carried}
    return Selection.model_construct(**known | changed, criteria={k: chosen})


SOME = (1.0, 1.0, 0.97, 1.0, 0.99)


@pytest.mark.parametrize(
    ("case", "told"),
    [
        (
            {},  # none of 50 tables
            "These five groups are real: they came back in every one of 100 repeats, and tables without groups do not "
            "look like this.",
        ),
        ({"chance": 2 / 51}, "tables without groups rarely look like this."),
        ({"back": SOME}, "These five groups are real: each came back in at least 97 of 100 repeats, and tables"),
        ({"verdict": "reproducible"}, "These five segments came back in every one of 100 repeats, more surely than"),
        ({"verdict": "reproducible", "back": SOME}, "Each of these five segments came back in at least 97 of 100"),
        ({"verdict": "constructive"}, "A cut into five parts that may be useful: they came back in every one of"),
        ({"verdict": "constructive"}, "but where there is nothing to find parts can come back as surely."),
        ({"verdict": "constructive", "stable": ()}, "but only part of the evidence speaks for them."),
        ({"verdict": "none", "back": (0.0,) * 5, "jaccard": 0.3}, "one came back in none of 100 repeats."),
        (
            {"verdict": "none", "back": (1.0, 0.4, 1.0, 1.0, 1.0), "jaccard": 0.4},
            "Nothing shows that these customers fall into groups: of five parts into which they were cut, one came "
            "back in only 40 of 100 repeats.",
        ),
        ({"verdict": "none", "jaccard": 0.6}, "tables without groups can be divided as well as this one."),
        ({"method": "given"}, "The analyst asked for so many, and the evidence speaks for it too."),
        ({"method": "given", "best": 3}, "The analyst asked for so many; the evidence speaks for three."),
        (
            {"method": "given", "carried": Carried(run="march", k=5), "best": 3},
            "Their number is that of march; the evidence speaks for three.",
        ),
        ({"k": 1, "verdict": "none"}, "The customers are not divided: every division that was tried leaves a group of"),
        ({"fit": SimpleNamespace(model="march"), "method": "fixed"}, "They are those of march, kept as they were."),
    ],
)  # fmt: skip
def test_how_sure_is_told_in_one_sentence_that_claims_no_more_than_the_verdict(case, told):
    found = plainly(_selection(**case))
    assert told in found
    assert ("real" in found) == (case.get("verdict", "natural") == "natural")


def test_every_word_is_explained_in_two_sentences_or_more():
    told = list(glossary(level="95%", stable=f"{STABLE}", dissolved=f"{DISSOLVED}"))
    assert [entry.key for entry in told] == [*GLOSSARY]
    for entry in told:
        assert re.search(r"[.;?] ", entry.told), entry.term
        assert "{" not in entry.told, entry.term
