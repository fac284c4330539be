"""The notebooks' prose, templates and scripts are told by messages; the language of a run is kept with it."""

import json

import pytest

from segmentation.core import files
from segmentation.core.errors import UsageError
from segmentation.language import message, speak, spoken
from segmentation.language.pages import parts, script_messages, tell_prose, told_by
from segmentation.pipeline.plan import make_plan
from segmentation.runs.run import open_run
from tests.conftest import FAST
from tests.project.test_project import NOTHING, _make

MARKDOWN = "# Title\n\nText\nmore\n\n- a\n  b\n- c\n\n```sql\nselect\n\nx\n```\ntail"


@pytest.fixture(autouse=True)
def _english_again():
    yield
    speak("en")


def test_prose_is_parted_into_headings_items_and_paragraphs():
    assert "".join(text for _, text in parts(MARKDOWN)) == MARKDOWN
    assert [text for told, text in parts(MARKDOWN) if told] == ["Title", "Text\nmore", "a\n  b", "c", "tail"]


def test_prose_and_scripts_are_told_in_the_language(monkeypatch):
    told = {"Title": "Titel", "c": "C & <c>", ("{n} row", "{n} rows"): ("{n} Zeile", "{n} Zeilen")}
    monkeypatch.setattr(message, "catalogue", lambda language: told if language == "de" else {})
    script = 'T("c"); TN("{n} row", "{n} rows", n, {n: 1}); T("unknown"); other("Title")'
    assert (tell_prose(MARKDOWN), script_messages(script)) == (MARKDOWN, "")
    speak("de")
    assert tell_prose(MARKDOWN).startswith("# Titel\n\nText\nmore\n\n- a\n  b\n- C & <c>\n\n```sql\nselect")
    assert "<" not in script_messages(script)
    assert json.loads(script_messages(script)) == {"c": "C & <c>", "{n} rows": ["{n} Zeile", "{n} Zeilen"]}


def test_the_messages_of_a_script_are_found_whatever_stands_before_them():
    """A regular expression after `return`, and a template inside of one, each hold a quotation mark by itself."""
    before = 'return /[",]/.test(x) ? `${unit === "%" ? "" : `"${unit}`}` : "";'
    told = """ T("a \\" b", { n }); TN("one", "many", n); T(
      "c"); not.T(d); XT("e")"""
    assert list(told_by(before + told)) == ['a " b', ("one", "many"), "c"]


def test_lang_counts_where_it_is_typed_and_the_environment_keeps_its_own():
    assert "--lang='de'" in _make("-n", "report", "LANG=de").stdout
    assert "--lang" not in _make("-n", "report", LANG="de_DE.UTF-8").stdout


def test_the_language_is_typed_or_described(fresh, monkeypatch):
    monkeypatch.setattr(files, "ROOT", fresh.root)
    described = fresh.root / "data" / "sample" / "dataset.yaml"
    assert (make_plan(**NOTHING).parameters["language"], spoken()) == ("en", "en")
    described.write_text(described.read_text() + "\nlanguage: fr\n")
    plan = make_plan(**NOTHING)
    assert (plan.parameters["language"], plan.set_by["language"], spoken()) == ("fr", "dataset.yaml", "fr")
    plan = make_plan(**NOTHING | {"language": "de"})
    assert (plan.study.language, plan.set_by["language"], spoken()) == ("de", "command line", "de")
    assert [path.name for path in plan.catalogues] == ["de.po"]
    assert open_run("sample", "sample").language == spoken() == "fr"
    with pytest.raises(UsageError, match=r"LANG=it is not known.*Known: en, de, fr, es"):
        make_plan(**NOTHING | {"language": "it"})
    with pytest.raises(UsageError, match="LANG=it is not known"):
        open_run("sample", "sample", language="it")


def test_another_language_makes_a_run_again_and_is_kept_with_it(toy):
    def made(*words: str) -> str:
        done = toy.run("report", "--dataset", "sample", *words, *FAST)
        assert done.returncode == 0, done.stderr
        return done.stdout

    made()
    assert '<html lang="en">' in toy.page("sample")
    assert "01_cleaning" in made("--lang", "de")
    assert '<html lang="de">' in toy.page("sample")
    told = json.loads(toy.artifact("sample", "manifest.json").read_text())
    assert (told["parameters"]["language"], told["set_by"]["language"]) == ("de", "command line")
    assert "segmentation/language/de.po" in told["inputs"]
    toy.run("report", "--run", "sample", *FAST)
    assert '<html lang="de">' in toy.page("sample")
