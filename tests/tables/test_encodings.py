"""Texts in other encodings than UTF-8: read right by their letters, or refused with how they read."""

import pandas as pd
import pytest

from segmentation.core.dataset import Dataset
from segmentation.core.errors import DataError, UsageError
from segmentation.runs.run import parse_dataset
from segmentation.tables.delimited import decode, read_text
from segmentation.tables.read import read_table
from segmentation.tables.sources import find_table, locate
from tests.conftest import ROOT

CASES = ROOT.parent / "shared" / "cases"
READ = [
    ("Łódź Wrocław Gdynia dochód zł", "cp1250", "Windows-1250"),
    ("Łódź Wrocław Świętochłowice wartość", "iso8859-2", "ISO-8859-2"),
    ("České Budějovice Plzeň Jiří Dvořák", "cp1250", "Windows-1250"),
    ("Győr Székesfehérvár Pécs jövedelem", "cp1250", "Windows-1250"),
    ("Petrović Marković Šimić", "cp1250", "Windows-1250"),
    ("Jörg Łukasz Wrocław", "cp1250", "Windows-1250"),
    ("Bucureşti Constanţa Târgu Mureş", "cp1250", "Windows-1250"),
    ("Yaş Yıllık İstanbul Müşteri", "cp1254", "Windows-1254"),
    ("Šiauliai Panevėžys Žmonės Kėdainių", "cp1257", "Windows-1257"),
    ("España", "cp1252", "Windows-1252"),
    ("Genève Orléans Besançon Nîmes", "cp1252", "Windows-1252"),
    ("été prénom très élève", "cp1252", "Windows-1252"),
    ("São Brasília Goiânia Conceição", "cp1252", "Windows-1252"),
    ("città Forlì età", "cp1252", "Windows-1252"),
    ("København Ærø Århus", "cp1252", "Windows-1252"),
    ("Sørensen Jørgensen", "cp1252", "Windows-1252"),
    ("Guðrún Þór Ísafjörður", "cp1252", "Windows-1252"),
    ("Müller Straße Größe Köln", "cp1252", "Windows-1252"),
    ("Müller Straße Größe Köln", "mac_roman", "Mac Roman"),
    ("Müller Straße Größe Köln", "cp850", "CP850"),
    ("L’Oréal Joe’s", "cp1252", "Windows-1252"),
    ("(€) £15 15\xa0100 25°C m²", "cp1252", "Windows-1252"),
]
OPEN = [  # what one of the readings is, and another that the same bytes give
    ("Gdańsk Poznań", "cp1250", "'Gdańsk' (ENCODING=cp1250)", "'Gdañsk' (ENCODING=cp1252)"),
    ("Petrović", "cp1250", "'Petrović' (ENCODING=cp1250)", "'Petroviæ' (ENCODING=cp1252)"),
    ("São", "cp1252", "'São' (ENCODING=cp1252)", "'Săo' (ENCODING=cp1250)"),
    ("Yaş", "cp1254", "'Yaş' (ENCODING=cp1254)", "'Yaţ' (ENCODING=cp1250)"),
    ("Москва Казань", "cp1251", "'Москва' (ENCODING=cp1251)", "gb18030"),
    ("客户编号 年龄 年收入(万元)", "gb18030", "'客户编号' (ENCODING=gb18030)", ""),
    ("顧客番号 年齢 カード", "shift_jis", "'顧客番号' (ENCODING=shift_jis)", ""),
    ("고객번호 나이", "euc_kr", "'고객번호' (ENCODING=euc_kr)", ""),
    ("客戶編號 年齡", "big5", "'客戶編號' (ENCODING=big5)", ""),
    ("Αθήνα Πάτρα", "cp1253", "'Αθήνα' (ENCODING=cp1253)", ""),
]


@pytest.mark.parametrize(("words", "encoding", "called"), READ)
def test_letters_tell_the_encoding(words, encoding, called):
    text = "id;x\n" + words.replace(" ", "\n") + "\n"
    assert decode(text.encode(encoding), "shop.csv") == (text, called)


@pytest.mark.parametrize(("words", "encoding", "one", "other"), OPEN)
def test_what_letters_leave_open_is_refused_with_readings_and_read_when_it_is_named(words, encoding, one, other):
    text = "id;x\n" + words.replace(" ", "\n") + "\n"
    with pytest.raises(DataError, match="line 2: the table is not UTF-8, and its letters leave open") as refused:
        decode(text.encode(encoding), "shop.csv")
    assert one in str(refused.value)
    assert other in str(refused.value)
    assert decode(text.encode(encoding), "shop.csv", encoding) == (text, encoding)


def test_a_named_encoding_that_does_not_fit_is_told_with_the_line():
    with pytest.raises(DataError, match="line 2: found a letter that is not ascii, the encoding that was named"):
        decode("id\nGyőr\n".encode(), "shop.csv", "ascii")
    assert decode("\ufeffid\nGyőr\n".encode(), "shop.csv", "utf8") == ("id\nGyőr\n", None)


@pytest.mark.parametrize("name", ["cp1520", "base64", "\0"])
def test_an_encoding_that_is_none_is_refused_with_the_nearest(name, tmp_path):
    (tmp_path / "shop.csv").write_text("id,x\n1,2\n")
    with pytest.raises(UsageError, match=r"ENCODING=.* is no encoding that is known"):
        locate("DATA", str(tmp_path / "shop.csv"), name)
    described = {"title": "T", "encoding": name, "columns": {"x": {"role": "feature"}}}
    with pytest.raises(UsageError, match=r"encoding: '.*' is no encoding that is known"):
        parse_dataset(str(described), "dataset.yaml")


def test_the_typed_encoding_beats_that_of_the_dataset_which_beats_the_letters(tmp_path):
    (tmp_path / "shop.csv").write_bytes("id;city;x\n1;Gdańsk;2\n".encode("cp1250"))
    columns = {"id": {"role": "id"}, "city": {"role": "descriptor", "type": "category"}, "x": {"role": "feature"}}
    dataset = Dataset(title="T", encoding="cp1252", columns=columns)

    def city(*typed):
        source = find_table("shop", dataset, str(tmp_path / "shop.csv"), *typed)
        return read_table(source, dataset, wanted=())[0].to_pandas()["city"].tolist()

    assert (city(), city("cp1250")) == (["Gdañsk"], ["Gdańsk"])


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not here")
def test_a_polish_table_is_read_right_and_a_chinese_one_when_its_encoding_is_named(fresh, tmp_path):
    source = locate("DATA", str(CASES / "polish-cp1250.csv"))
    columns = {"klient_id": {"role": "id"}, "miasto": {"role": "descriptor", "type": "category"},
               "dochod": {"role": "feature", "aliases": ["dochód"]}}  # fmt: skip
    cities = read_table(source, Dataset(title="T", columns=columns), wanted=("dochod",))[0].to_pandas()["miasto"]
    assert {"Łódź", "Wrocław"} <= set(cities)
    table = tmp_path / "names.csv"
    table.write_bytes((CASES / "names-chinese.csv").read_text(encoding="utf-8-sig").encode("gb18030"))
    refused = fresh.call("dataset", "--name", "shop", "--data", str(table))
    assert refused.returncode == 3
    assert "'客户编号' (ENCODING=gb18030)" in refused.stderr
    done = fresh.call("dataset", "--name", "shop", "--data", str(table), "--encoding", "gb18030")
    assert done.returncode == 0, done.stderr
    assert "\nencoding: gb18030\n" in (fresh.root / "data" / "shop" / "dataset.yaml").read_text(encoding="utf-8")
    words = ("--dataset", "shop", "--data", str(table), "--resamples", "10")
    done = fresh.call("report", *words, drawn=False)
    assert done.returncode == 0, done.stderr
    assert "It was read as gb18030" in fresh.page("shop")
    assert "60 clean + 0 refused, read as gb18030\n" in done.stdout
    done = fresh.call("score", "--run", "shop", "--new", str(table), "--out", str(tmp_path / "out.csv"))
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(tmp_path / "out.csv")) == len(table.read_bytes().splitlines()) - 1


def test_an_encoding_misspelt_is_offered_as_people_write_it(tmp_path):
    (tmp_path / "shop.csv").write_text("a,b\n")
    with pytest.raises(UsageError, match=r"^ENCODING=cp125I is no encoding that is known; did you mean 'cp125\d'"):
        locate("DATA", str(tmp_path / "shop.csv"), "cp125I")
    with pytest.raises(UsageError, match=r"^ENCODING=base64 is no encoding that is known(?!.*'base64'\?)"):
        locate("DATA", str(tmp_path / "shop.csv"), "base64")


@pytest.mark.parametrize("first", ["sep=,", '"sep=,"', "SEP=,"])
def test_the_delimiter_that_the_first_line_names_is_it(first, tmp_path):
    text = "id,a;b\n1,2;3\n4,5;6\n"
    assert read_text(text.encode(), "shop.csv").delimiter == ";"
    assert read_text(f"{first}\r\n{text}".encode(), "shop.csv").delimiter == ","
    (tmp_path / "shop.csv").write_text(f"{first}\n{text}")
    dataset = Dataset(title="T", columns={"id": {"role": "id"}, "b": {"role": "feature", "aliases": ["a;b"]}})
    raw, told = read_table(locate("DATA", str(tmp_path / "shop.csv")), dataset, wanted=("b",))
    assert (told["above"], raw.to_pandas()["b"].tolist()) == (1, ["2;3", "5;6"])
