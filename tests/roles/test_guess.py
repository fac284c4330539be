"""Tables that nobody has described: the roles assumed, and whether the table is the published one."""

import random
import re
import shutil

import pandas as pd
import pytest
import yaml

from segmentation.core.dataset import Dataset
from segmentation.core.errors import DataError
from segmentation.core.files import read_json
from segmentation.roles.guess import guess_columns
from segmentation.roles.write import as_yaml, assume
from segmentation.runs.run import parse_dataset
from segmentation.tables.read import read_table
from segmentation.tables.sources import locate
from tests.conftest import MALL, ROOT


def _guess(path) -> dict[str, dict]:
    source = locate("DATA", str(path))
    text = as_yaml(guess_columns(source), source, title="T")
    return Dataset.model_validate(yaml.safe_load(text)).model_dump(exclude_defaults=True)["columns"]


def test_mall_is_understood(mall_table):
    columns = _guess(mall_table)
    assert {name: column["role"] for name, column in columns.items()} == {
        "customer_id": "id",
        "gender": "descriptor",
        "age": "descriptor",
        "annual_income": "feature",
        "spending_score": "feature",
    }


def test_wholesale_is_understood():
    path = ROOT.parent / "shared" / "data" / "wholesale_customers.csv"
    if not path.is_file():
        pytest.skip("wholesale_customers.csv is not here; `make report DATASET=wholesale` fetches it")
    columns = _guess(path)
    assert [name for name, column in columns.items() if column["role"] == "descriptor"] == ["channel", "region"]
    assert [column.get("transform") for column in columns.values()][2:] == ["log"] * 6


def test_no_reason_counts_or_quotes_what_fewer_than_ten_have(tmp_path):
    """The report repeats the reasons of a table that nobody has described, which is private."""
    rows, few = range(200), [""] * 192
    table = pd.DataFrame({"id": [f"C{i:03}" for i in rows], "spend": [i * 1.5 for i in rows]})
    table["ages"], table["notes"], table["card"] = (
        [*range(30, 38), *few],
        [*"abcdefgh", *few],
        [*["Platinum"] * 8, *few],
    )
    table.to_csv(tmp_path / "shop.csv", index=False)
    told = {name: column["reason"] for name, column in _guess(tmp_path / "shop.csv").items()}
    assert told["ages"] == "its name says what a person is, not what they do"
    assert told["notes"] == "fewer than 10 different texts describe no group"
    assert told["card"] == "it holds one text alone"


def test_each_kind_of_column_has_a_role_and_a_reason(tmp_path):
    rng = random.Random(0)
    rows = range(100)
    amounts = [rng.gauss(100, 20) for _ in rows]
    table = pd.DataFrame(
        {
            "Unnamed: 0": rows,
            "Customer No": [f"C{i:03}" for i in rows],
            "empty": "",
            "same": "x",
            "comment": [f"text {i}" for i in rows],
            "newsletter": [rng.choice(["yes", "No"]) for _ in rows],
            "spend (EUR)": amounts,
            "spendNet": [amount * 0.8 for amount in amounts],
            "product_code": [rng.randrange(10_000) for _ in rows],
            "cluster": [i % 3 for i in rows],
            "visits": [int(rng.paretovariate(1)) for _ in rows],
        }
    )
    table.to_csv(tmp_path / "shop.csv", index=False)
    columns = _guess(tmp_path / "shop.csv")
    told = {name: (column["role"], column["reason"]) for name, column in columns.items()}
    assert told["unnamed_0"] == ("ignore", "its name says that it numbers the rows")
    assert told["customer_no"][0] == "id"
    assert told["empty"] == ("ignore", "it is empty")
    assert told["same"] == ("ignore", "every cell is 'x'")
    assert told["comment"] == ("ignore", "100 or more different texts describe no group")
    assert columns["newsletter"]["type"] == "yes/no"
    assert told["spend"][0] == "feature"
    assert told["spend_net"] == ("ignore", f"nearly a copy of spend (r = 1.00), which {MEASURED}")
    assert told["product_code"] == ("ignore", "its name says that it is a code, and a code is no amount")
    assert told["cluster"] == ("ignore", "its name says that an earlier analysis left it")
    assert columns["visits"]["transform"] == "log"


def _shop(**columns) -> pd.DataFrame:
    rng = random.Random(1)
    return pd.DataFrame({**columns, "spend": [round(rng.gauss(100, 20), 2) for _ in range(100)]})


@pytest.mark.parametrize("header", ["CUSTOMERID", "custid", "Kundennummer", "Customer Number", "member"])
def test_numbers_that_name_a_customer_are_ids(tmp_path, header):
    codes = random.Random(2).sample(range(1000, 9999), 100)
    _shop(phone=codes[::-1], **{header: codes}).to_csv(tmp_path / "shop.csv", index=False)
    roles = [column["role"] for column in _guess(tmp_path / "shop.csv").values()]
    assert roles == ["ignore", "id", "feature"]


def test_numbers_that_are_no_amounts_form_no_segments(tmp_path):
    rng = random.Random(3)
    table = _shop(
        position=rng.sample(range(501, 601), 100),
        seen=[1_700_000_000 + rng.randrange(10**8) for _ in range(100)],
        day=[20240000 + 100 * rng.randrange(1, 13) + rng.randrange(1, 29) for _ in range(100)],
        us_day=[f"{rng.randrange(1, 13)}/{rng.randrange(1, 29)}/2024" for _ in range(100)],
    )
    table.to_csv(tmp_path / "shop.csv", index=False)
    roles = {name: (column["role"], column["reason"]) for name, column in _guess(tmp_path / "shop.csv").items()}
    assert roles["position"] == ("ignore", "it only numbers the rows")
    assert roles["seen"] == ("ignore", "whole numbers of 8 digits or more that never repeat look like codes")
    assert (roles["day"][0], roles["us_day"][0]) == ("descriptor", "descriptor")  # days since, not amounts
    assert roles["spend"][0] == "feature"


def test_leftovers_codes_and_letters_are_not_taken_for_more(tmp_path):
    rng = random.Random(5)
    left = ["Unnamed: 0", "index", "PC1", "distance_to_centroid", "store_no", "branchid", "artikelnummer", "account"]
    table = _shop(
        **{name: [rng.randrange(60, 900) for _ in range(100)] for name in left},
        postleitzahl=[f"0{rng.randrange(1000, 9999)}" for _ in range(100)],
        letter=[rng.choice("FN") for _ in range(100)],
    )
    table.to_csv(tmp_path / "shop.csv", index=False)
    columns = _guess(tmp_path / "shop.csv")
    assert [name for name, column in columns.items() if column["role"] == "feature"] == ["spend"]
    assert columns["letter"]["type"] == "category"


def test_a_table_without_column_names_loses_no_customer(tmp_path):
    path = tmp_path / "shop.csv"
    path.write_text("".join(f"S{i:04},Anna{i},Oslo,basic,{i * 10}.25,{i}\n" for i in range(1, 61)))
    with pytest.raises(DataError, match=r"line 1: found '10\.25' among the column names, above other numbers"):
        guess_columns(locate("DATA", str(path)))
    path.write_text("id,2021,2022,3\n" + "".join(f"c{i},{i * 10}.25,{i},7{i}\n" for i in range(60)))
    assert len(_guess(path)) == 4


def test_columns_that_nobody_can_tell_apart_are_refused(tmp_path):
    _shop(**{"Annual X": range(100), "annual  x": range(100)}).to_csv(tmp_path / "shop.csv", index=False)
    with pytest.raises(DataError, match=r"the columns \['Annual X', 'annual  x'\] differ in case or blanks alone"):
        guess_columns(locate("DATA", str(tmp_path / "shop.csv")))


def test_neither_the_order_of_rows_nor_of_columns_decides(tmp_path):
    table = _shop(number=range(100))
    table["spend_net"], table["card"] = table["spend"] * 0.8, [f"c{i}" for i in range(100)]
    table["mail"] = table["card"] + "@x"
    table.to_csv(tmp_path / "one.csv", index=False)
    table.sample(frac=1, random_state=0)[list(table)[::-1]].to_csv(tmp_path / "two.csv", index=False)
    assert _guess(tmp_path / "one.csv") == _guess(tmp_path / "two.csv")


def test_any_header_becomes_a_name_that_works(tmp_path):
    headers = ["Sales ($)", "Sales (%)", "No", "Row", "年齢", "value", "Null"]
    rng = random.Random(4)
    table = _shop(**{header: [round(rng.random() * 90, 1) for _ in range(100)] for header in headers})
    table.to_csv(tmp_path / "shop.csv", index=False)
    source = locate("DATA", str(tmp_path / "shop.csv"))
    dataset = Dataset.model_validate(yaml.safe_load(as_yaml(guess_columns(source), source, title="T")))
    _, found = read_table(source, dataset, wanted=tuple(dataset.columns))
    assert list(found["columns"].values()) == list(table)
    assert [dataset.label(name) for name in dataset.columns][:5] == ["Sales ($)", "Sales (%)", "No", "Row", "年齢"]
    assert dataset.columns["sales_1"].unit == "$"


def test_a_missing_column_is_called_as_in_the_table_that_was_looked_at(tmp_path):
    lines = [f"{i * 7 % 61};{i * 5 % 37}" for i in range(40)]
    for name, header in (("may.csv", "Größe;Umsatz"), ("june.csv", "Größen;Umsatz")):
        (tmp_path / name).write_text("\n".join([header, *lines]), encoding="utf-8")
    assumed = parse_dataset(assume(locate("DATA", str(tmp_path / "may.csv"))), "what was assumed")
    june = locate("DATA", str(tmp_path / "june.csv"))
    with pytest.raises(DataError, match=r"june\.csv: 'Größe' is missing; did you mean 'Größen'\?"):
        read_table(june, assumed, wanted=tuple(assumed.named("feature")))


def test_a_line_of_totals_does_not_decide(tmp_path):
    table = _shop(id=[f"c{i}" for i in range(100)])
    lines = [*table.to_csv(index=False).splitlines(), f"Total:,{table['spend'].sum()}"]
    (tmp_path / "shop.csv").write_text("\n".join(lines))
    assert "transform" not in _guess(tmp_path / "shop.csv")["spend"]


def test_what_numbers_leave_open_is_asked_in_the_dataset(tmp_path):
    table = _shop(id=[f"c{i}" for i in range(100)])
    table["spend"] = [f"{value / 10:.3f}" for value in table["spend"]]
    table.to_csv(tmp_path / "shop.csv", sep=";", index=False)
    source = locate("DATA", str(tmp_path / "shop.csv"))
    text = as_yaml(guess_columns(source), source, title="T")
    assert "which mark is the decimal one: decimal: ',' or '.'" in text


def test_a_table_without_amounts_is_refused(tmp_path):
    (tmp_path / "names.csv").write_text("id,name\n1,a\n2,b\n3,c\n")
    with pytest.raises(DataError, match=r"names\.csv has no number column that could form segments"):
        guess_columns(locate("DATA", str(tmp_path / "names.csv")))


def test_a_repeated_id_stays_the_id(tmp_path, mall_table):
    (tmp_path / "shop.csv").write_text(mall_table.read_text() + "1,Male,19,15,40\n,Male,20,16,40\n")
    assert _guess(tmp_path / "shop.csv")["customer_id"]["role"] == "id"


def test_a_report_without_a_dataset_says_what_it_assumed(fresh, mall_table):
    done = fresh.call("report", "--data", str(mall_table), "--resamples", "10")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Five segments among 200 customers")
    page = fresh.page("Mall_Customers")
    assert "Nobody has described this table" in page
    assert '<th scope="row">features</th><td>Annual Income (k$),Spending Score (1-100)</td>' in page
    assert "Age as descriptor (its name says what a person is, not what they do)" in page
    manifest = read_json(fresh.artifact("Mall_Customers", "manifest.json"))
    assert manifest["parameters"]["dataset"] == "assumed"


def test_a_failing_run_leaves_what_an_earlier_one_of_its_name_made(fresh, tmp_path):
    for folder, spend in (("good", range(100, 200)), ("bad", [100, 200])):
        (tmp_path / folder).mkdir()
        lines = [f"c{i},{value},{i % 7 * 11}" for i, value in enumerate(spend)]
        (tmp_path / folder / "till.csv").write_text("\n".join(["id,spend,visits", *lines]))
    good = tmp_path / "good" / "till.csv"
    assert fresh.call("report", "--data", str(good), "--resamples", "10", drawn=False).returncode == 0
    kept = {path: path.read_bytes() for path in (fresh.root / "assets" / "till").glob("[!.]*.*") if path.is_file()}
    failed = fresh.call("report", "--data", str(tmp_path / "bad" / "till.csv"), "--resamples", "10")
    assert failed.returncode == 3, failed.stderr
    assert {path.name for path, content in kept.items() if path.read_bytes() != content} <= {"rejected.csv"}
    done = fresh.call("score", "--run", "till", "--new", str(good), "--out", str(tmp_path / "scored.csv"))
    assert done.returncode == 0, done.stderr


def test_a_dataset_is_written_and_works_unedited(fresh, mall_table):
    assert fresh.call("dataset", "--name", "shop", "--data", str(mall_table)).returncode == 0
    again = fresh.call("dataset", "--name", "shop", "--data", str(mall_table))
    assert (again.returncode, "data/shop/dataset.yaml exists" in again.stderr) == (2, True)
    outside = fresh.call("dataset", "--name", "../shop", "--data", str(mall_table))
    assert (outside.returncode, "NAME=../shop cannot name a folder" in outside.stderr) == (2, True)
    text = (fresh.root / "data" / "shop" / "dataset.yaml").read_text()
    assert "privacy: aggregate" in text
    words = ["--dataset", "shop", "--data", str(mall_table), "--resamples", "10"]
    assert fresh.call("report", *words, drawn=False).returncode == 0


def test_the_published_table_an_altered_copy_and_another_are_told_apart(mall_table, tmp_path):
    assert _origin(mall_table) == "This is the published table."
    lines = mall_table.read_text().splitlines()
    mixed = [lines[0].replace("Gender", "Genre"), *random.Random(0).sample(lines[1:], 200)]
    (tmp_path / "mixed.csv").write_text("\r\n".join(mixed))
    assert _origin(tmp_path / "mixed.csv") == "This is the published table."
    changed = [line.replace(",15,", ",16,") for line in lines]
    (tmp_path / "changed.csv").write_text("\n".join(changed))
    assert _origin(tmp_path / "changed.csv").startswith("This is an altered copy of the published table: ")
    (tmp_path / "short.csv").write_text("\n".join(lines[:-1]))
    assert "altered copy" in _origin(tmp_path / "short.csv")
    other = pd.read_csv(mall_table)
    other["Age"] = other["Age"] + 1
    other.to_csv(tmp_path / "other.csv", index=False)
    assert _origin(tmp_path / "other.csv") == "This is another table than the published one."


def test_the_sketch_tells_how_much_two_tables_share(mall_table, tmp_path):
    lines = mall_table.read_text().splitlines()
    for kept in (150, 100, 60):
        others = [f"{i},Male,{20 + i % 50},{i % 130},{1 + i % 100}" for i in range(kept + 1, 201)]
        (tmp_path / "copy.csv").write_text("\n".join([*lines[: kept + 1], *others]))
        told = int(re.search(r"about (\d+)% of the rows", _origin(tmp_path / "copy.csv"))[1])
        common = kept / (400 - kept)
        assert abs(told / 100 - common) < 3 * (common * (1 - common) / 64) ** 0.5


def test_an_altered_copy_without_ids_is_compared_row_by_row(tmp_path, monkeypatch):
    from segmentation.core.files import sha256

    table = ROOT.parent / "shared" / "data" / "wholesale_customers.csv"
    if not table.is_file():
        pytest.skip("wholesale_customers.csv is not here; `make report DATASET=wholesale` fetches it")
    (tmp_path / "data" / "wholesale").mkdir(parents=True)
    (tmp_path / "data" / "wholesale" / table.name).write_bytes(table.read_bytes())
    shutil.copy(ROOT / "data" / "wholesale" / "dataset.yaml", tmp_path / "data" / "wholesale")
    monkeypatch.setattr("segmentation.core.files.ROOT", tmp_path)
    assert _origin(table, "wholesale") == "This is the published table."
    header, first, *lines = table.read_text().splitlines()
    changed = ",".join([*first.split(",")[:2], "1", *first.split(",")[3:]])
    random.Random(0).shuffle(lines)
    (tmp_path / "copy.csv").write_text("\n".join([header, *lines[1:], changed]))
    told = _origin(tmp_path / "copy.csv", "wholesale", sha256=sha256(table))
    assert told == (
        "This is an altered copy of the published table. One cell is changed: Fresh products in row 439 is 1, "
        "published as 12669. One row is missing."
    )


def test_with_the_reference_at_hand_each_changed_cell_is_told(mall_table, tmp_path, monkeypatch):
    from segmentation.core.files import sha256

    place = tmp_path / "data" / "mall"
    place.mkdir(parents=True)
    (place / MALL).write_bytes(mall_table.read_bytes())
    shutil.copy(ROOT / "data" / "mall" / "dataset.yaml", place)
    monkeypatch.setattr("segmentation.core.files.ROOT", tmp_path)
    lines = mall_table.read_text().splitlines()
    lines[2] = lines[2].replace(",Male,", ",M,")
    lines[1] = lines[1].replace("Male,19,15,39", "Female,19,17,39")
    (tmp_path / "copy.csv").write_text("\n".join(lines[:-1]))
    told = _origin(tmp_path / "copy.csv", sha256=sha256(mall_table))
    assert told == (
        "This is an altered copy of the published table. Two cells are changed: Gender in row 1 is female, published "
        "as male; Annual income in row 1 is 17, published as 15. One row is missing."
    )


def _origin(path, name: str = "mall", **source) -> str:
    from segmentation.customers.cleaning import fingerprint
    from segmentation.customers.tell import published as tell_origin
    from segmentation.runs.run import load_dataset
    from segmentation.tables.number_formats import conventions_of

    mall = load_dataset(name)
    mall = mall.model_copy(update={"source": mall.source.model_copy(update=source)})
    raw, headers = read_table(locate("DATA", str(path)), mall, wanted=mall.named("id", "feature", "descriptor"))
    conventions = conventions_of(raw, mall, list(headers["columns"]), headers, file=path.name)
    return tell_origin(fingerprint(raw, mall, conventions), mall, name)


MEASURED = "is measured itself, not an average, share or net of it"
CASES = ROOT.parent / "shared" / "cases"


def _case(name: str):
    if not (CASES / name).is_file():
        pytest.skip(f"{name} is not here")
    return CASES / name


@pytest.mark.parametrize("header", ["ID", "Id", "id", " ID "])
def test_a_column_called_id_is_the_id_whatever_its_case(tmp_path, header):
    codes = random.Random(2).sample(range(1, 101), 100)
    _shop(visits=[c % 7 for c in codes], **{header: codes}).to_csv(tmp_path / "shop.csv", index=False)
    assert _guess(tmp_path / "shop.csv")["id"]["role"] == "id"


def test_another_id_leaves_the_name_to_itself(tmp_path):
    _shop(ID=range(100), customer_id=range(100, 200)).to_csv(tmp_path / "shop.csv", index=False)
    roles = {name: column["role"] for name, column in _guess(tmp_path / "shop.csv").items()}
    assert roles == {"spend": "feature", "id_2": "ignore", "customer_id": "id"} or roles == {
        "id_1": "ignore",
        "customer_id": "id",
        "spend": "feature",
    }


def test_dates_that_never_repeat_are_no_ids(tmp_path):
    days = [f"{1 + i % 28:02}.{1 + i // 28:02}.2024" for i in range(100)]
    _shop(joined=days).to_csv(tmp_path / "shop.csv", index=False)
    assert _guess(tmp_path / "shop.csv")["joined"]["type"] == "date"


def test_of_texts_that_never_repeat_the_address_of_mails_is_the_id():
    roles = {name: column["role"] for name, column in _guess(_case("email-and-address.csv")).items()}
    assert (roles["email"], roles["address"]) == ("id", "ignore")


def test_every_file_knows_the_customers_of_a_column_called_id(fresh, tmp_path):
    table = _case("id-column.csv")
    told = pd.read_csv(table, dtype={"ID": str})
    twice = tmp_path / "till.csv"
    twice.write_text(table.read_text() + f"{told['ID'][0]},9,9.5\n")
    assert fresh.call("report", "--data", str(table), "--resamples", "10", drawn=False).returncode == 0
    done = fresh.call("report", "--data", str(twice), "--resamples", "10", drawn=False)
    assert done.returncode == 0, done.stderr
    for run, lost in (("id-column", []), ("till", [told["ID"][0]])):
        kept = fresh.root / "assets" / run
        customers = pd.read_parquet(kept / "customers.parquet").merge(told, left_on="id", right_on="ID")
        assert (customers["spend"] == customers["Spend"]).all()
        assert sorted(customers["id"]) == sorted(set(told["ID"]) - {*lost})
        assert sorted(pd.read_csv(kept / "segments.csv", dtype={"id": str})["id"]) == sorted(customers["id"])
    assert set(pd.read_csv(kept / "rejected.csv")["rule"]) == {"one row an id, this one's rows differ"}


def test_without_an_id_every_file_says_row(fresh, tmp_path):
    rng = random.Random(6)
    table = pd.DataFrame({name: [round(rng.gauss(100, 20), 2) for _ in range(60)] for name in ("spend", "visits")})
    table.loc[0, "spend"] = 190
    table.to_csv(tmp_path / "shop.csv", index=False)
    assert fresh.call("report", "--data", str(tmp_path / "shop.csv"), "--resamples", "10", drawn=False).returncode == 0
    kept = fresh.root / "assets" / "shop"
    for name in ("segments.csv", "borderline.csv", "flagged.csv"):
        found = pd.read_csv(kept / name)
        assert (next(iter(found)), "id" in found) == ("row", False), name
    for name in ("customers.parquet", "segments.parquet", "segmented.parquet"):
        found = pd.read_parquet(kept / name)
        assert ("row" in found, "id" in found) == (True, False), name
    found = pd.read_parquet(kept / "customers.parquet")
    assert (table["visits"][found["row"].astype(int) - 1].to_numpy() == found["visits"]).all()


def _roles(folder, table: pd.DataFrame, named: str | None = None) -> dict[str, tuple[str, str]]:
    """Return of each header its role and the reason."""
    table.to_csv(folder / "table.csv", index=False)
    guesses = guess_columns(locate("DATA", str(folder / "table.csv")), named=named)
    return {guess.header: (guess.spec["role"], guess.reason) for guess in guesses}


@pytest.mark.parametrize(
    "header",
    [
        *(
            "MüşteriID",
            "klient_id",
            "客户编号",
            "respondent",
            "Numéro client",
            "código cliente",
            "Kundennr",
            "Nr klienta",
        ),
        *("Номер клиента", "顧客番号", "고객번호", "id_cliente", "Membership number", "nº cliente", "Klantnummer"),
    ],
)
def test_ids_are_known_in_many_languages(tmp_path, header):
    codes = random.Random(2).sample(range(1000, 90_000), 100)
    table = _shop(**{"Order No": codes[::-1], header: codes})
    assert _roles(tmp_path, table)[header][0] == "id"


def test_an_id_that_repeats_is_told(tmp_path):
    roles = _roles(tmp_path, _shop(member_id=[i % 60 for i in range(100)]))
    assert roles["member_id"] == (
        "ignore",
        "its name says that it is an id, but it repeats: each row is taken for a customer",
    )
    told = _roles(tmp_path, _shop(member_id=[*range(400, 495), *range(400, 405)]))["member_id"]
    assert told[0] == "id"
    assert "nearly every value is another; what repeats" in told[1]


def test_codes_outcomes_models_and_years_form_no_segments(tmp_path):
    rng = random.Random(7)
    never = {
        "region": [rng.choice([1, 2, 3, 9]) for _ in range(100)],
        "Código postal": [rng.randrange(10_000, 52_000) for _ in range(100)],
        "week number": [rng.randrange(1, 53) for _ in range(100)],
        "zone_code": [rng.choice([10, 20, 30, 99]) for _ in range(100)],
        "plain": [rng.choice([1, 2, 3]) for _ in range(100)],
        "Churn": [rng.choice([0, 1]) for _ in range(100)],
        "response_value": [rng.gauss(5, 2) for _ in range(100)],
        "score predicted": [rng.random() for _ in range(100)],
        "Naive_Bayes_Classifier_1": [rng.random() for _ in range(100)],
        "churn_probability": [rng.random() for _ in range(100)],
        "R_Score": [rng.randrange(1, 6) for _ in range(100)],
        "Year_of_birth": [rng.randrange(1940, 2005) for _ in range(100)],
        "Geburtsjahr": [rng.randrange(1940, 2005) for _ in range(100)],
        "Alter": [rng.randrange(20, 31) for _ in range(100)],
        "Children": [rng.choice([0, 1, 2, 3]) for _ in range(100)],
        "Segment": [rng.choice(["Gold", "Silver"]) for _ in range(100)],
    }
    roles = _roles(tmp_path, _shop(**never))
    assert [header for header, (role, _) in roles.items() if role == "feature"] == ["spend"]
    assert roles["Segment"] == (
        "descriptor",
        "its name says that it is an earlier segment, which describes the new ones",
    )


def test_children_are_told_at_the_head_of_a_name():
    from segmentation.roles.words import PERSON, spelt

    heads = ("Kidhome", "Number of children", "num_children", "Age", "dzieci", "Family size")
    assert all(PERSON.search(spelt(header)) for header in heads)
    assert not PERSON.search(spelt("powód_dzieci"))


def test_counts_and_amounts_are_no_codes_and_no_years(tmp_path):
    rng = random.Random(8)
    amounts = {
        "visits": [min(int(rng.expovariate(0.4)), 11) for _ in range(100)],
        "Anzahl Besuche": [rng.randrange(0, 5) for _ in range(100)],
        "消费次数": [rng.randrange(1, 6) for _ in range(100)],
        "lounge": [min(int(rng.expovariate(0.5)), 9) for _ in range(100)],
        "price": [rng.randrange(1901, 2099) for _ in range(100)],
        "Spend (k$) per year": [rng.randrange(1901, 2099) for _ in range(100)],
    }
    table = _shop(**amounts)
    roles = _roles(tmp_path, table)
    assert {role for role, _ in roles.values()} == {"feature"}
    source = locate("DATA", str(tmp_path / "table.csv"))
    assert all(guess.spec.get("max") is None for guess in guess_columns(source))


def test_columns_with_gaps_become_no_features_that_cleaning_refuses(tmp_path):
    rng = random.Random(9)
    half = _guess(_case("half-empty-number.csv"))["days_to_activation"]
    assert (half["role"], half["reason"]) == ("descriptor", "an amount, but more than a fifth of its cells are empty")
    gaps = {
        f"part {i}": ["" if rng.random() < 0.03 + i / 50 else rng.gauss(50, 9) for _ in range(100)] for i in range(6)
    }
    table = _shop(**gaps)
    table.to_csv(tmp_path / "shop.csv", index=False)
    columns = _guess(tmp_path / "shop.csv")
    filled = [name for name, column in columns.items() if column.get("missing") == "median"]
    needed = [f"part {i}" for i in range(6) if f"part_{i}" not in filled]
    assert {columns[f"part_{i}"]["role"] for i in range(6)} == {"feature"}
    gaps_of = {f"part_{i}": (table[f"part {i}"] == "").sum() for i in range(6)}
    assert 0 < len(filled) < 6
    assert min(gaps_of[name] for name in filled) >= max(n for name, n in gaps_of.items() if name not in filled)
    assert (table[needed] == "").any(axis=1).mean() <= 0.2


def test_of_two_columns_that_say_the_same_the_plainer_stays(tmp_path):
    rng = random.Random(10)
    orders = [rng.randrange(1, 90) for _ in range(100)]
    table = _shop(
        **{"basket": [n * 7.5 for n in orders], "orders": orders, "revenue": [n * 20 + n % 3 for n in orders]}
    )
    roles = _roles(tmp_path, table)
    assert roles["revenue"][0] == "feature"
    assert roles["orders"] == ("ignore", "nearly a copy of revenue (r = 1.00), which is an amount of money")
    assert _roles(tmp_path, table[list(table)[::-1]]) == roles
    assert _roles(tmp_path, table, named="orders,basket")["orders"] == ("feature", "FEATURES names it")
    assert "FEATURES names that one" in _roles(tmp_path, table, named="orders")["revenue"][1]


def test_a_table_and_a_half_of_it_have_the_same_roles(tmp_path):
    rng = random.Random(11)
    rows = range(600)
    table = pd.DataFrame(
        {
            "ID": rng.sample(range(1, 601), 600),
            "position": rng.sample(range(1000, 1600), 600),
            "town": [f"T{int(rng.paretovariate(1)) % 40}" for _ in rows],
            "region": [rng.choice([1, 2, 3]) for _ in rows],
            "grade": [rng.choice([1, 2, 3, 4, 5]) for _ in rows],
            "visits": [rng.randrange(0, 12) for _ in rows],
            "age": [rng.randrange(18, 80) for _ in rows],
            "spend": [rng.gauss(100, 20) for _ in rows],
        }
    )
    whole = _roles(tmp_path, table)
    half = _roles(tmp_path, table.sample(300, random_state=0))
    assert {header: role for header, (role, _) in half.items()} == {h: role for h, (role, _) in whole.items()}


def test_features_are_named_by_header_label_or_name(tmp_path):
    from segmentation.core.errors import UsageError
    from segmentation.pipeline.plan import make_plan

    rng = random.Random(12)
    years = [rng.randrange(18, 80) for _ in range(100)]
    table = _shop(年龄=years, 订阅=[rng.choice(["yes", "no"]) for _ in years], town=[rng.choice("ab") for _ in years])
    table["年收入(万元)"], table["Income, net (k$)"] = [rng.gauss(9, 2) for _ in years], [year * 2 for year in years]
    table.to_csv(tmp_path / "shop.csv", index=False)
    nothing = dict.fromkeys(("run", "dataset", "k", "seed", "resamples", "engine", "encoding", "decimal", "base"))

    def formed(features: str) -> list[str]:
        plan = make_plan(**nothing | {"data": str(tmp_path / "shop.csv"), "features": features})
        dataset, names = plan.study.dataset, plan.parameters["features"].split(",")
        assert all(dataset.columns[name].numeric for name in names)
        return [dataset.label(name) for name in names]

    assert formed("年龄") == ["年龄"]
    assert formed("年收入, 订阅") == ["年收入(万元)", "订阅"] or formed("年收入, 订阅") == ["年收入", "订阅"]
    assert formed("Income, net,Spend") == ["Income, net", "Spend"]
    with pytest.raises(UsageError, match=r"FEATURES=.* names 'Incom'.*did you mean 'income_net'"):
        formed("Incom")
    with pytest.raises(UsageError, match="'town', whose categories are no number"):
        formed("TOWN")


def test_answers_and_labels_of_a_described_dataset_can_form_segments():
    from segmentation.runs.run import forming, parse_features

    columns = {"spend": {"role": "feature", "label": "Umsatz"}, "news": {"role": "descriptor", "type": "yes/no"}}
    shop = Dataset(title="T", columns=columns)
    assert parse_features("umsatz, News", shop) == ("spend", "news")
    assert not shop.columns["news"].numeric
    assert forming(shop, ("spend", "news")).columns["news"].numeric


def test_what_a_newcomer_is_told_can_be_pasted(fresh, tmp_path):
    table = tmp_path / "my customers.csv"
    lines = [f"c{i},{i % 9},{'x' if i % 3 == 0 else i * 7 % 50}" for i in range(60)]
    table.write_text("\n".join(["id,visits,spend", *lines]).replace(",x", ""))
    failed = fresh.call("report", "--data", str(table), "--resamples", "10")
    if failed.returncode:
        assert f"make dataset NAME=my-customers DATA='{table}'" in failed.stderr
    done = fresh.call("dataset", "--name", "shop", "--data", str(table))
    assert f"make report DATASET=shop DATA='{table}'" in done.stdout
