"""Every kind of column in one table: ordinal, yes/no, skewed, imputed, and ids that a spreadsheet would run."""

import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from segmentation.core.dataset import Dataset
from segmentation.core.errors import DataError
from segmentation.core.files import read_json
from segmentation.customers import tell as customers_tell
from segmentation.customers.cleaning import clean
from segmentation.customers.customers import Customers
from segmentation.roles.write import assume
from segmentation.runs.run import parse_dataset
from segmentation.tables.header import match_columns, names_of
from segmentation.tables.read import read_table
from segmentation.tables.sources import locate
from tests.browser import find_chromium, open_browser, open_page
from tests.conftest import ROOT, Project, in_frames, make_report

CLUB = """title: Club
source: {path: club.csv}
scaling: robust
privacy: rows
columns:
  id: {role: id}
  level: {role: feature, type: ordinal, categories: {Bronze: [b], Silver: [], Gold: [g]}}
  spend: {role: feature, transform: yeo-johnson, missing: median}
  visits: {role: feature, min: 0}
  newsletter: {role: descriptor, type: yes/no}
"""
IDS = ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "'quoted"]


def _table() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    group = np.repeat([0, 1, 2], 40)
    spend = rng.lognormal(np.array([1.0, 3.0, 5.0])[group], 0.3).round(2) - 3
    table = pd.DataFrame(
        {
            "id": [*IDS, *(f"C{i:03}" for i in range(115))],
            "level": np.array(["b", "Silver", "GOLD"])[group],
            "spend": spend.astype(str),
            "visits": rng.poisson(np.array([2, 10, 30])[group]),
            "newsletter": rng.choice(["yes", "No", "Y", ""], 120),
        }
    )
    table.loc[[7, 50], "spend"] = ""
    return table


@pytest.fixture(scope="module")
def club(tmp_path_factory) -> Project:
    return make_report(tmp_path_factory.mktemp("club"), "club", CLUB, _table(), "report")


def test_ordinals_are_ranks_and_answers_are_brought_together(club):
    customers, table = (
        pd.read_parquet(club.artifact("club", "customers.parquet")).set_index("id"),
        _table().set_index("id"),
    )
    ranks = table["level"].map({"b": 1.0, "Silver": 2.0, "GOLD": 3.0})
    assert (customers["level"] == ranks[customers.index]).all()
    answers = table["newsletter"].map({"yes": "yes", "Y": "yes", "No": "no"})
    assert (customers["newsletter"].fillna("") == answers[customers.index].fillna("")).all()


def test_missing_features_get_the_median_and_are_flagged(club):
    spend = pd.to_numeric(_table()["spend"])
    flagged = pd.read_csv(club.artifact("club", "flagged.csv"))
    imputed = flagged[flagged["flag"] == "imputed: the median"]
    assert imputed["id"].tolist() == ["C002", "C045"]
    assert imputed["value"].tolist() == pytest.approx([spend.median()] * 2)
    assert read_json(club.artifact("club", "cleaning.json"))["imputed"] == {"spend": 2}
    assert re.search(r"<td>Spend</td>(<td[^>]*>0</td>)?<td[^>]*>2</td><td[^>]*>2</td>", club.page("club"))


def test_between_yes_and_no_nothing_is_imputed_and_nobody_is_invented(tmp_path):
    text = "id,member,spend,visits\n" + "".join(f"C{i},{'yes' if i % 2 else 'no'},{i},{i}\n" for i in range(20))
    (tmp_path / "t.csv").write_text(f"{text}X1,,5,\nX2,,,7\n")
    how = {"role": "feature", "missing": "median"}
    columns = {"id": {"role": "id"}, "member": how | {"type": "yes/no"}, "spend": how, "visits": how}
    dataset = Dataset.model_validate({"title": "T", "columns": columns})
    raw, headers = read_table(locate("DATA", str(tmp_path / "t.csv")), dataset, wanted=())
    cleaned = in_frames(clean(raw, dataset, features=("member", "spend"), headers=headers, file="t.csv"))
    assert cleaned.customers.set_index("id").loc["X1", "member"] == 0
    assert cleaned.rejected[["line", "rule"]].values.tolist() == [[23, "a value in one feature"]]


def test_columns_that_tell_nothing_are_named():
    columns = {
        "id": {"role": "id"},
        "note": {"role": "descriptor", "type": "category"},
        "fixed": {"role": "descriptor"},
        "spend": {"role": "feature"},
        "double": {"role": "descriptor"},
    }
    dataset = Dataset.model_validate({"title": "T", "columns": columns})
    values = range(20)
    customers = pd.DataFrame({"id": [f"c{i}" for i in values], "note": [f"text {i}" for i in values], "fixed": 1.0,
                              "spend": [float(i) for i in values], "double": [2.0 * i for i in values]})  # fmt: skip
    told = customers_tell.idle(Customers.of(dataset, customers), ("spend",))
    assert "Note is another text for every customer and describes no group." in told
    assert "Fixed is the same for every customer and divides nobody." in told
    assert "Spend and Double are nearly copies (r = 1.00): the one tells what the other does; both were kept." in told


def test_exported_tables_hold_no_formula_and_are_read_back_unchanged(club, tmp_path):
    text = club.artifact("club", "segments.csv").read_text()
    assert not re.search(r'^"?[=@]|^"?[+\-](?![\d.,]+,)', text, flags=re.M)
    segments = pd.read_csv(club.artifact("club", "segments.csv"), dtype={"id": str})
    customers = pd.read_parquet(club.artifact("club", "customers.parquet"))
    assert customers["id"].isin(IDS).sum() == len(IDS)
    features = customers[["level", "spend", "visits"]].copy()
    features["level"] = features["level"].map({1.0: "Bronze", 2.0: "Silver", 3.0: "Gold"})
    features.insert(0, "id", segments["id"])
    features.to_csv(tmp_path / "new.csv", index=False)
    words = ["--dataset", "club", "--new", str(tmp_path / "new.csv"), "--out", str(tmp_path / "out.csv")]
    done = club.call("score", *words)
    assert done.returncode == 0, done.stderr
    scored = pd.read_csv(tmp_path / "out.csv", dtype={"id": str})
    pd.testing.assert_frame_equal(scored.drop(columns=["outside", "action"]), segments)


def test_the_page_scores_skewed_features_as_the_command_does(club):
    if not find_chromium():
        pytest.skip("Chromium is not installed; on Debian: apt-get install chromium")
    customers = pd.read_parquet(club.artifact("club", "customers.parquet"))
    segments = pd.read_parquet(club.artifact("club", "segments.parquet"))
    profiles = json.loads(club.artifact("club", "profiles.json").read_text(encoding="utf-8"))["segments"]
    names = {profile["segment"]: profile["name"] for profile in profiles}
    path = club.root / "report" / "club" / "report.html"
    with open_browser() as browser, open_page(browser, path) as page:
        form, answer = page.locator("[data-part=ask]"), page.locator("[data-part=answer]")
        for i in (0, 3, 45, 119):
            form.get_by_label("Level").select_option(str(int(customers["level"][i])))
            for name in ("spend", "visits"):
                form.get_by_label(name.capitalize()).fill(repr(float(customers[name][i])))
            told = answer.text_content()
            assert names[segments["segment"][i]] in told
            assert float(re.search(r"Distance ([\d.]+)", told)[1]) == pytest.approx(segments["distance"][i], abs=5e-4)
            assert "in interquartile ranges." in told
        page.locator("[data-part=x]").select_option(label="Spend")
        shown = page.locator("[data-part=scatter] svg > text[text-anchor=middle]").all_text_contents()
        assert shown[:-2] == ["-10", "-1", "0", "1", "10", "100", "1,000"][-len(shown[:-2]) :]
        assert "10" in shown


NAMES = {  # key -> header
    "yas": "Yaş", "yillik_gelir": "Yıllık gelir (k$)", "ogrenci_sayisi": "ÖğrenciSayısı", "idare": "İdare",
    "dochod": "dochód", "zlote": "Złote", "grosse": "Größe", "ano": "año", "cafe": "cafe\u0301",
    "aerlig_ostrig": "Ærlig Østrig",
    "vozrast": "возраст", "godovoi_dokhod": "Годовой доход", "obem": "объём", "ilikia": "Ηλικία", "misthos": "Μισθός",
    "annual_income": "AnnualIncome", "spending_score": "Spending Score (1-100)", "column_18": "年龄",
    "column_19": "2019",
}  # fmt: skip


def test_keys_are_the_headers_in_latin_letters():
    assert dict(zip(names_of([*NAMES.values()]), NAMES.values(), strict=True)) == NAMES


def test_headers_that_share_a_key_are_told_apart_as_they_are_written(tmp_path):
    headers = ["column", "_column", "収入（円）", "Sales ($)", "Sales (€)", "sales"]
    lines = [",".join(headers), *(",".join(str(i * n % 61 + n / 4) for n in (7, 5, 3, 11, 13, 17)) for i in range(61))]
    (tmp_path / "shop.csv").write_text("\n".join(lines))
    source = locate("DATA", str(tmp_path / "shop.csv"))
    dataset = parse_dataset(assume(source), "what was assumed")
    assert [dataset.label(name) for name in dataset.columns] == ["column", "_column", "収入", *headers[3:]]
    assert dataset.columns["column_3"].unit == "円"
    assert [*read_table(source, dataset, wanted=())[1]["columns"].values()] == headers
    turned = match_columns(headers[::-1], dataset, file="shop.csv", wanted=())
    assert [*turned.values()] == headers  # by what is written, whatever its place
    with pytest.raises(DataError, match="'収入' is missing"):
        match_columns(["Column", "円"], dataset, file="june.csv", wanted=("column_3",))
    with pytest.raises(DataError, match="'_column' is missing"):  # which of the two it is, nobody can say
        match_columns(["Column"], dataset, file="june.csv", wanted=("column_2",))


def test_a_header_that_means_a_column_beside_its_exact_one_is_still_refused():
    dataset = Dataset.model_validate({"title": "T", "columns": {"spend": {"role": "feature"}}})
    with pytest.raises(DataError, match=r"columns \['spend', 'Spend.'\] both mean 'spend'"):
        match_columns(["Spend.", "spend"], dataset, file="shop.csv", wanted=())


def test_a_figure_keeps_labels_in_every_script_as_text_and_does_not_warn_of_its_own_font():
    drawn = (
        "import sys; from segmentation.core.figures import panels; ax = panels(1)[0];"
        "ax.set(xlabel='年收入 (万元) रुपये');"
        "ax.get_figure(root=True).savefig(sys.stdout, format='svg')"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", drawn], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert (done.returncode, ">年收入 (万元) रुपये</text>" in done.stdout) == (0, True), done.stderr
