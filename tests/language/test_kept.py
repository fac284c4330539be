"""Rules and reasons, which files keep in English, are told again in the language of the reader."""

import pytest

from segmentation.language import kept, message
from segmentation.language.kept import Reason, Rule, retold
from tests.pseudo import Bracketed


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        (Rule, "present", "⟦present⟧"),
        (Rule, "at least 0 for its log", "⟦at least 0 for its log⟧"),
        (Rule, "at least 1910", "⟦at least 1910⟧"),
        (Rule, "a number with a decimal comma with eur", "⟦a number with a decimal comma with eur⟧"),
        (
            Reason,
            "an amount; its name says what customers bring, so it is a value",
            "⟦an amount⟧; ⟦its name says what customers bring, so it is a value⟧",
        ),
        (
            Reason,
            "nearly a copy of Net; sum (r = 0.97), which is a count",
            "⟦nearly a copy of Net; sum (r = 0.97), which is a count⟧",
        ),
        (Reason, "as the boss says; so be it", "as the boss says; so be it"),
    ],
)
def test_what_a_file_keeps_is_told_by_its_message(kind, text, told, monkeypatch):
    monkeypatch.setattr(message, "catalogue", lambda language: Bracketed())
    assert retold(kind, text) == told


def test_each_message_is_found_again_by_itself(monkeypatch):
    monkeypatch.setattr(kept, "trc", lambda context, found, /, **values: found)
    for kind in (Rule, Reason):
        for name, text in vars(kind).items():
            if name.isupper():
                assert kept._retold(kind, text.replace("{", "").replace("}", "")) == text, name
