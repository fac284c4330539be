"""Any customer table, however dirty: a correct table comes out, or the exact fault and its exit code."""

import gzip
import io
import json
import sqlite3
import zipfile

import duckdb
import numpy as np
import pandas as pd
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.core.dataset import Column, Dataset
from segmentation.core.errors import DataError, SegmentationError, UsageError
from segmentation.customers.cleaning import clean, fingerprint, require_enough
from segmentation.tables.read import read_table
from segmentation.tables.sources import locate
from tests.conftest import ROOT, in_frames

SHOP = Dataset.model_validate(
    {
        "title": "Shop",
        "columns": {
            "id": {"role": "id", "aliases": ["customer_id"]},
            "city": {"role": "descriptor", "type": "category"},
            "age": {"role": "descriptor", "min": 0},
            "income": {"role": "feature", "unit": "EUR", "min": 0, "aliases": ["annual_income"]},
            "spending": {"role": "feature", "min": 0},
        },
    }
)
WANTED = SHOP.named("id", "feature", "descriptor")


def base() -> pd.DataFrame:
    """Derive a table from the sample: incomes above a thousand with cents, a city with an accent."""
    sample = pd.read_csv(ROOT / "data" / "sample" / "customers.csv")
    return pd.DataFrame(
        {
            "customer_id": sample["customer_id"],
            "city": np.where(sample["gender"] == "Male", "Málaga", "Gijón"),
            "age": sample["age"],
            "annual_income": sample["annual_income_k"] * 100 + 0.25,
            "spending": sample["spending_score"] + 0.5,
        }
    )


def written(frame: pd.DataFrame | None = None, **how) -> str:
    """Return a table as CSV."""
    return (base() if frame is None else frame).to_csv(index=False, lineterminator="\n", **how)


def read(place):
    """Read and clean a table as notebook 01 does."""
    source = locate("DATA", str(place))
    raw, headers = read_table(source, SHOP, wanted=WANTED)
    cleaned = in_frames(clean(raw, SHOP, features=("income", "spending"), headers=headers, file=source.name))
    require_enough(cleaned.account, file=source.name)
    return cleaned


def save(folder, content: str | bytes, name: str = "shop.csv"):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> pd.DataFrame:
    return read(save(tmp_path_factory.mktemp("plain"), written())).customers


def amounts(form, names: tuple[str, ...] = ("annual_income", "spending")) -> str:
    """Write the table with its amounts in another form, parted by semicolons."""
    frame = base()
    for name in names:
        frame[name] = [form(value) for value in frame[name]]
    return frame.to_csv(index=False, sep=";", lineterminator="\n")


def european(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def sheets(**frames: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer, engine="openpyxl") as book:
        for name, frame in frames.items():
            frame.to_excel(book, sheet_name=name, index=False, header=not isinstance(frame.columns, pd.RangeIndex))
    return buffer.getvalue()


def titled() -> pd.DataFrame:
    return pd.DataFrame([["Our customers"], [None], list(base()), *base().to_numpy().tolist()])


def archive(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, text in members.items():
            file.writestr(f"{name}.csv", text)
    return buffer.getvalue()


def archive_of(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(name, content)
    return buffer.getvalue()


def parquet() -> bytes:
    buffer = io.BytesIO()
    base().to_parquet(buffer, index=False)
    return buffer.getvalue()


LINES = written().splitlines()
BESIDE = "\n".join(line + (",,Note: as of May" if i == 3 else ",,") for i, line in enumerate(LINES))

SAME = {
    "semicolons": lambda: written(sep=";"),
    "tabs": lambda: written(sep="\t"),
    "pipes": lambda: written(sep="|"),
    "every cell quoted": lambda: written(quoting=1),
    "Windows line ends": lambda: written().replace("\n", "\r\n"),
    "old Mac line ends": lambda: written().replace("\n", "\r"),
    "no last line end": lambda: written().rstrip("\n"),
    "UTF-8 with a byte order mark": lambda: "\ufeff" + written(),
    "UTF-16 little endian": lambda: b"\xff\xfe" + written().encode("utf-16-le"),
    "UTF-16 big endian": lambda: b"\xfe\xff" + written().encode("utf-16-be"),
    "UTF-16 without a mark": lambda: written().encode("utf-16-le"),
    "Windows-1252": lambda: written().encode("cp1252"),
    "decimal comma": lambda: written(sep=";", decimal=","),
    "decimal comma and thousands points": lambda: amounts(european),
    "euros behind": lambda: amounts(lambda value: f"{european(value)} EUR"),
    "euro sign before": lambda: amounts(lambda value: f"€ {european(value)}"),
    "a sign before and thousands commas": lambda: amounts(lambda value: f"€{value:,.2f}"),
    "dollars where no unit is declared": lambda: amounts(lambda value: f"${value:,.2f}", ("spending",)),
    "rupees with a point behind": lambda: amounts(lambda value: f"Rs. {value}", ("spending",)),
    "reals": lambda: amounts(lambda value: f"R$ {value:,.2f}", ("spending",)),
    "thousands by narrow blanks": lambda: amounts(lambda value: f"{value:,.2f}".replace(",", "\u202f")),
    "thousands by apostrophes": lambda: amounts(lambda value: f"{value:,.2f}".replace(",", "'")),
    "percent signs": lambda: amounts(lambda value: f"{value:.2f} %", ("spending",)),
    "scientific notation": lambda: amounts(lambda value: f"{value:.8e}"),
    "blank lines first": lambda: "\n\n\n" + written(),
    "blank lines between": lambda: "\n\n".join(LINES),
    "a title above": lambda: "Customers of the shop,,,,\nas of May,,,,\n" + written(),
    "a title of one cell above": lambda: "Customers of the shop\n\n" + written(sep=";"),
    "empty columns to the right": lambda: "\n".join(line + ",,," for line in LINES),
    "a note beside the table": lambda: BESIDE,
    "an index column": lambda: base().to_csv(),
    "an index column named by pandas": lambda: written(base().reset_index(names="Unnamed: 0")),
    "clusters left by an earlier analysis": lambda: written(base().assign(cluster=1, KMeans_Label=2)),
    "headers in capitals with blanks": lambda: written(
        base().rename(columns=lambda n: f" {n.upper().replace('_', ' ')} ")
    ),
    "headers with units": lambda: written(
        base().rename(columns={"annual_income": "Annual Income (EUR)", "age": "Age [y]"})
    ),
    "headers with a unit behind": lambda: written(
        base().rename(columns={"annual_income": "Annual income in EUR", "spending": "Spending %"})
    ),
    "headers in other letters of one alphabet": lambda: written(
        base().rename(columns={"city": "\uff23\uff49\uff54\uff59"})
    ),
    "blanks that do not break": lambda: "\n".join(
        [LINES[0], *("\u00a0" + line.replace(",", "\u00a0,\u00a0") for line in LINES[1:])]
    ),
    "rows in another order": lambda: written(base().sample(frac=1, random_state=1)),
    "columns in another order": lambda: written(base()[["spending", "age", "customer_id", "city", "annual_income"]]),
    "blanks around cells": lambda: "\n".join(line.replace(",", " , ") for line in LINES),
    "decimal commas and thousands by blanks": lambda: amounts(
        lambda value: f"{value:,.2f}".replace(",", " ").replace(".", ",")
    ),
    "numbers with a plus": lambda: amounts(lambda value: f"+{value}"),
}

FILES = {
    "an Excel sheet": ("shop.xlsx", lambda: sheets(Sheet1=base())),
    "an Excel sheet with a title": ("shop.xlsx", lambda: sheets(A=titled())),
    "an Excel sheet that ends in csv": ("shop.csv", lambda: sheets(Sheet1=base())),
    "Parquet": ("shop.parquet", parquet),
    "Parquet in a zip archive": ("shop.zip", lambda: archive_of("shop.parquet", parquet())),
    "JSON lines in capitals": ("SHOP.JSONL", lambda: base().to_json(orient="records", lines=True)),
    "JSON lines": ("shop.jsonl", lambda: base().to_json(orient="records", lines=True)),
    "gzip": ("shop.csv.gz", lambda: gzip.compress(written().encode())),
    "a zip archive": ("shop.zip", lambda: archive(shop=written())),
}


@pytest.mark.parametrize("name", SAME)
def test_a_table_written_otherwise_is_the_same_table(tmp_path, expected, name):
    pd.testing.assert_frame_equal(read(save(tmp_path, SAME[name]())).customers, expected)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_format_is_the_same_table(tmp_path, expected, name):
    file, content = FILES[name]
    pd.testing.assert_frame_equal(read(save(tmp_path, content(), file)).customers, expected)


def test_what_no_encoding_has_as_a_letter_is_refused(tmp_path):
    text = written().replace("Gijón", "Gij\x81n").encode("latin-1")
    with pytest.raises(DataError, match=r"line 2: the table is not UTF-8, and its letters leave open what it is"):
        read(save(tmp_path, text))


def test_a_sheet_and_a_member_are_chosen_by_name(tmp_path, expected):
    book = save(tmp_path, sheets(Notes=pd.DataFrame({"a": [1]}), Customers=base()), "shop.xlsx")
    pd.testing.assert_frame_equal(read(f"{book}#Customers").customers, expected)
    packed = save(tmp_path, archive(notes="a\n1\n", shop=written()), "shop.zip")
    pd.testing.assert_frame_equal(read(f"{packed}#shop.csv").customers, expected)


def test_several_files_are_one_table(tmp_path, expected):
    save(tmp_path, written(base()[:90]), "shop-1.csv")
    save(tmp_path, written(base()[90:][list(base())[::-1]]), "shop-2.csv")
    pd.testing.assert_frame_equal(read(tmp_path / "shop-*.csv").customers, expected)
    save(tmp_path, written(base().assign(spending="much")[:3]), "shop-3.csv")
    rejected = read(tmp_path / "shop-*.csv").rejected
    assert rejected[["file", "line"]].values.tolist() == [["shop-3.csv", 2], ["shop-3.csv", 3], ["shop-3.csv", 4]]


def test_files_of_databases_are_read(tmp_path, expected):
    with sqlite3.connect(tmp_path / "shop.sqlite") as connection:
        base().to_sql("customers", connection, index=False)
        connection.execute("create table notes (a)")
    with duckdb.connect(tmp_path / "shop.duckdb") as connection:
        connection.register("frame", base())
        connection.execute("create table customers as select * from frame")
    pd.testing.assert_frame_equal(read(f"{tmp_path}/shop.sqlite#customers").customers, expected)
    pd.testing.assert_frame_equal(read(f"{tmp_path}/shop.duckdb").customers, expected)
    assert read(f"sqlite://{tmp_path}/shop.sqlite#select * from customers where age < 40").account.rows_in > 50
    half = read(f"{tmp_path}/shop.duckdb#select * from customers where age < 40").customers
    assert len(half) == (base()["age"] < 40).sum()


def test_a_table_and_a_query_of_postgresql_are_read(postgres, expected):
    with psycopg.connect(postgres) as connection:
        connection.execute(
            "create table customers (customer_id text, city text, age int, annual_income float8, spending float8)"
        )
        with connection.cursor().copy("copy customers from stdin (format csv, header)") as copy:
            copy.write(written())
    pd.testing.assert_frame_equal(read(f"{postgres}#customers").customers, expected)
    half = read(f"{postgres}#select * from customers where age < 40")
    assert half.account.rows_in == (base()["age"] < 40).sum()
    with pytest.raises(DataError, match=r"customer \(postgresql\) has no table 'customer'; .*'customers'") as fault:
        read(f"{postgres}#customer")
    assert "secret" not in str(fault.value)
    with pytest.raises(DataError, match="cannot be read from the database"):
        read(f"{postgres}#with gone as (delete from customers returning *) select * from gone")
    assert len(read(f"{postgres}#customers").customers) == 200


def with_rows(*rows: str):
    return "\n".join([*LINES, *rows]) + "\n"


REFUSED = {
    "a total below": (with_rows("Total,,,81225,10100"), [("id", "Total", "a customer, not a total")]),
    "a sum below, in German": (
        with_rows("Gesamtsumme:,,,81225,10100"),
        [("id", "Gesamtsumme:", "a customer, not a total")],
    ),
    "a sum of customers": (
        with_rows("Total: 200 customers,,,,", "Gesamtergebnis,,,81225,10100"),
        [
            ("id", "Total: 200 customers", "a customer, not a total"),
            ("id", "Gesamtergebnis", "a customer, not a total"),
        ],
    ),
    "a sum that says nothing": (
        with_rows(f"X1,,,{base()['annual_income'].sum()},{base()['spending'].sum()}"),
        [("row", "201", "a customer, not a total")],
    ),
    "a sum of a year": (with_rows("TOTAL 2024,,,81225,10100"), [("id", "TOTAL 2024", "a customer, not a total")]),
    "a customer of whom nothing is told": (with_rows("X1,Gijón,30,,"), [("income", "", "present")]),
    "a note below": (with_rows("Source: our till"), [("row", "1", "5 cells")]),
    "a row too long below empty names": (
        "\n".join([LINES[0] + ",,", *LINES[1:], "X1,Gijón,30,12,5,5"]) + "\n",
        [("row", "6", "5 cells")],
    ),
    "a row too long": (with_rows("X1,Gijón,3,4,5,6"), [("row", "6", "5 cells")]),
    "identical copies": (
        with_rows(LINES[1], LINES[1]),
        [("id", "S0001", "one row an id, this is an identical copy")] * 2,
    ),
    "conflicting copies": (
        with_rows("S0001,Gijón,1,2,3"),
        [("id", "S0001", "one row an id, this one's rows differ")] * 2,
    ),
    "not a number and infinity": (
        with_rows("X1,Gijón,30,nan,5", "X2,Gijón,30,inf,5", "X3,Gijón,30,1e999,5"),
        [("income", "nan", "present"), ("income", "inf", "a number"), ("income", "1e999", "a number")],
    ),
    "dates for numbers": (with_rows("X1,Gijón,30,2024-05-01,5"), [("income", "2024-05-01", "a number")]),
    "another decimal mark": (with_rows('X1,Gijón,30,"12,5",5'), [("income", "12,5", "a number")]),
    "another unit": (with_rows("X1,Gijón,30,12 USD,5"), [("income", "12 USD", "a number")]),
    "a day of a month": (with_rows("X1,Gijón,30,12 June,5"), [("income", "12 June", "a number")]),
    "an accountant's minus": (
        with_rows("X1,Gijón,30,(12),5", "X2,Gijón,30,12-,5"),
        [("income", "(12)", "at least 0"), ("income", "12-", "at least 0")],
    ),
    "below the least": (with_rows("X1,Gijón,30,-12,5"), [("income", "-12", "at least 0")]),
    "no id": (with_rows(",Gijón,30,12,5"), [("id", "", "present")]),
    "the header again": (
        with_rows(LINES[0]),
        [("age", "age", "a number")],
    ),
    "marks of a conflict": (with_rows("<<<<<<< HEAD", "=======", ">>>>>>> theirs"), [("row", "1", "5 cells")] * 3),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_row_that_is_no_customer_is_refused_and_listed(tmp_path, name):
    content, refused = REFUSED[name]
    cleaned = read(save(tmp_path, content))
    assert [tuple(row) for row in cleaned.rejected[["column", "value", "rule"]].values.tolist()] == refused
    assert cleaned.account.rows_in == content.count("\n") - 1 == len(cleaned.customers) + len(refused)


def unnamed_first() -> str:
    """Write a table as R does: the first column, the names of the rows, has no name of its own."""
    return "\n".join([LINES[0], *(f"{i},{line}" for i, line in enumerate(LINES[1:]))])


FAULTS = {
    "a quotation mark left open": (
        written().replace("S0030,Gij", 'S0030,"Gij').replace("S0030,Mál", 'S0030,"Mál'),
        "line 31: ",
    ),
    "a quotation mark closed far below": (
        "\n".join([*LINES[:30], 'X1,"Gij,30,1,2', *LINES[30:60], 'X2,Gij",30,1,2', *LINES[60:]]),
        "line 31: a quotation mark opens a cell that holds the rows below it",
    ),
    "two customers behind one quotation mark": (
        with_rows('X1,"Gij,30,1000.5,11', 'X2,Gij",31,9000.5,99'),
        "line 202: a quotation mark opens a cell that holds the rows below it",
    ),
    "Cyrillic in one byte a letter": (
        written().replace("Málaga", "Москва").replace("Gijón", "Казань").encode("cp1251"),
        "line 2: the table is not UTF-8, and its letters leave open what it is: 'Москва' (ENCODING=cp1251)",
    ),
    "a first column without a name": (
        unnamed_first(),
        "line 2: found 6 cells, expected the 5 of the column names in line 1",
    ),
    "decimal commas without quotation marks": (
        "\n".join([LINES[0], *(line.replace(".5", ",5") for line in LINES[1:])]),
        "is a name missing, or a decimal comma not in quotation marks?",
    ),
    "names in the middle": (
        "\n".join([*LINES[1:20], *LINES]),
        "line 1: found a row as full as the table above the column names",
    ),
    "an empty file": ("", "shop.csv is empty; expected a line of column names and one line a customer"),
    "only blank lines": ("\n\n \n", "shop.csv is empty"),
    "a header alone": (LINES[0], "shop.csv has column names but no rows"),
    "one row": ("\n".join(LINES[:2]), "1 of 1 rows are clean; at least 10 are needed"),
    "repeated headers": (written().replace("age", "city", 1), "line 1: the column names ['city'] stand more than once"),
    "two columns that mean one": (written(base().assign(ID=1)), "columns ['customer_id', 'ID'] both mean 'id'"),
    "a column missing": (
        written().replace("spending", "spendings", 1),
        "'spending' is missing; did you mean 'spendings'?",
    ),
    "a NUL byte": (written().replace("S0005", "S\0"), "line 6: found a NUL byte, expected text"),
    "a cell of ten million letters": (
        f'{LINES[0]}\nS1,"{"x" * 10_000_000}",1,2,3\n',
        "line 2: field larger than field limit",
    ),
    "a third refused": (
        with_rows(*[f"X{i},Gijón,30,much,5" for i in range(100)]),
        "100 of 300 rows (33%) were refused; at most 20%",
    ),
    "dollars in a column of euros": (
        amounts(lambda value: f"${value}", ("annual_income",)),
        "the cells of column 'income' say '$', dataset.yaml says 'EUR'; mend the unit",
    ),
    "thousands in a column of euros": (
        amounts(lambda value: f"{value} k€", ("annual_income",)),
        "say 'k€', dataset.yaml says 'EUR'",
    ),
    "cents in a column of euros": (
        amounts(lambda value: f"{value} ct", ("annual_income",)),
        "say 'ct', dataset.yaml says",
    ),
    "a header in another multiple": (
        written(base().rename(columns={"annual_income": "Annual income (k€)"})),
        "column 'Annual income (k€)' is in k€, dataset.yaml says EUR for 'income'",
    ),
    "a header in another currency": (
        written(base().rename(columns={"annual_income": "annual_income [USD]"})),
        "is in USD, dataset.yaml says EUR",
    ),
    "a letter of another encoding": (
        written().encode().replace("Málaga".encode(), "Málaga".encode("cp1252"), 1),
        "line 2: found a letter that is not UTF-8, in a file whose other letters are",
    ),
    "an open decimal mark but for one cell": (
        amounts(lambda value: "12.5" if value == 79.5 else f"{int(value) % 90 + 10}.{int(value) % 800 + 111}"),
        "which mark is the decimal one",
    ),
    "an open decimal mark": (
        amounts(lambda value: f"{int(value) % 90 + 10},{int(value) % 800 + 111}"),
        "which mark is the decimal one",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_table_that_cannot_be_used_says_why(tmp_path, name):
    content, told = FAULTS[name]
    with pytest.raises(DataError) as fault:
        read(save(tmp_path, content))
    assert fault.value.exit_code == 3
    assert str(fault.value).startswith("shop.csv")
    assert told in str(fault.value)


BROKEN = {
    "a spreadsheet cut short": ("shop.xlsx", lambda: sheets(A=base())[:3000], "shop.xlsx"),
    "gzip cut short": ("shop.csv.gz", lambda: gzip.compress(written().encode())[:500], "shop.csv.gz"),
    "two sheets": (
        "shop.xlsx",
        lambda: sheets(A=base(), B=base()),
        "shop.xlsx holds 2 sheets; name one behind a #, as in DATA='shop.xlsx#…': 'A', 'B'",
    ),
    "two files": ("shop.zip", lambda: archive(a="a", b="b"), "shop.zip holds 2 files; name one"),
    "no JSON": ("shop.jsonl", lambda: '{"id": 1}\n{"id": 2', "shop.jsonl, line 2: not JSON"),
    "JSON with a key twice": ("shop.jsonl", lambda: '{"id": 1, "id": 2}', "line 1: not JSON (a key stands twice)"),
    "JSON without objects": ("shop.jsonl", lambda: "[1, 2]\n", "line 1: found '[1, 2]', expected an object"),
    "JSON as one list": ("shop.json", lambda: base().to_json(orient="records", indent=1), "expected JSON lines"),
    "Parquet cut short": ("shop.parquet", lambda: parquet()[:400], "shop.parquet"),
    "a picture": ("shop.csv", lambda: (ROOT / "assets/readme/dark.png").read_bytes(), "found a NUL byte"),
    "a database cut short": (
        "shop.sqlite",
        lambda: b"SQLite format 3\0" + b"x" * 100,
        "shop.sqlite cannot be read from the database",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_says_what_it_is(tmp_path, name):
    file, content, told = BROKEN[name]
    with pytest.raises(DataError) as fault:
        read(save(tmp_path, content(), file))
    assert told in str(fault.value)
    assert str(tmp_path) not in str(fault.value)


@pytest.mark.parametrize(
    ("place", "kind", "told"),
    [
        ("nowhere.csv", UsageError, "is not a file; expected the path of a table"),
        (".", UsageError, "is a folder; expected a table, or several"),
        ("nothing-*.csv", UsageError, "is not a file"),
        ("/proc/self/mem", DataError, "mem cannot be read"),
        ("sqlite://nowhere.sqlite#x", UsageError, "'nowhere.sqlite#x' is not a file"),
        ("postgresql://me:secret@localhost:1/shop#customers", DataError, "cannot be read from the database"),
        ("postgresql://me:sec#secret@localhost:1/db#t", UsageError, "written as %23 or %2F"),
        ("postgresql://me:sec/secret@localhost:1/db#t", UsageError, "written as %23 or %2F"),
        ("postgresql://me:secret@[::1/db#t", UsageError, "cannot be read as the URL of a database"),
        ("https://example.org/secret.csv", UsageError, "download the table, then give its path"),
        ("mysql://me:secret@localhost/db#t", DataError, "Failed to import the mysql backend"),
        ("~nosuchuser/x.csv", UsageError, "is not a file"),
        ("nonsense://me:secret@place#t", DataError, "cannot be read from the database"),
    ],
)
def test_a_place_without_a_table_says_so_and_no_password(place, kind, told):
    with pytest.raises(SegmentationError) as fault:
        read(place)
    assert type(fault.value) is kind
    assert told in str(fault.value)
    assert "secret" not in str(fault.value)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.permutations(range(30)),
    columns=st.permutations(["customer_id", "city", "age", "annual_income", "spending"]),
    delimiter=st.sampled_from(",;\t|"),
    decimal=st.sampled_from(".,"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    ends=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_one_table_written_in_any_way_has_one_fingerprint(
    tmp_path_factory, rows, columns, delimiter, decimal, encoding, ends
):
    plain, other = base()[:30], base().iloc[list(rows)][list(columns)]
    folder = tmp_path_factory.mktemp("any")
    text = other.to_csv(index=False, sep=delimiter, decimal=decimal, lineterminator=ends)
    one, two = read(save(folder, written(plain))), read(save(folder, text.encode(encoding), "other.csv"))
    pd.testing.assert_frame_equal(one.customers, two.customers)
    assert _whole(folder / "shop.csv", one) == _whole(folder / "other.csv", two)


def _whole(path, cleaned) -> str:
    from segmentation.tables.number_formats import Convention

    raw, _ = read_table(locate("DATA", str(path)), SHOP, wanted=WANTED)
    return fingerprint(raw, SHOP, {n: Convention(**dict(how)) for n, how in cleaned.account.numbers.items()}).whole


def test_nothing_is_written_to_a_database(tmp_path):
    path = tmp_path / "a b#1?.sqlite"
    with sqlite3.connect(path) as connection:
        base().to_sql("customers", connection, index=False)
    connection.close()
    with pytest.raises(DataError, match="cannot be read from the database"):
        read(f"{path}#with x as (select 1) delete from customers where age > 0")
    assert len(read(path).customers) == 200
    assert [file.name for file in tmp_path.iterdir()] == ["a b#1?.sqlite"]
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(path) as connection:
        connection.register("frame", base())
        connection.execute("create table customers as select * from frame")
    with pytest.raises(DataError, match=r"cannot be read from the database.*read-only"):
        read(f"{path}#with old as (select 1) delete from customers where age > 0")
    assert len(read(path).customers) == 200


def test_large_ids_beside_an_empty_one_stay_apart(tmp_path):
    frame = base().assign(customer_id=[900_000_000_000_000_000 + i for i in range(200)])
    frame["customer_id"] = frame["customer_id"].astype("Int64")
    frame.loc[7, "customer_id"] = pd.NA
    frame.to_parquet(tmp_path / "shop.parquet")
    cleaned = read(tmp_path / "shop.parquet")
    assert (len(cleaned.customers), cleaned.account.rejected) == (199, 1)


def test_files_that_write_numbers_differently_are_no_table(tmp_path):
    save(tmp_path, written(base()[:90], sep=";"), "shop-1.csv")
    save(tmp_path, written(base()[90:], sep=";", decimal=","), "shop-2.csv")
    with pytest.raises(DataError, match=r"shop-2\.csv writes numbers with a decimal comma, shop-1\.csv with a decimal"):
        read(tmp_path / "shop-*.csv")


def test_a_file_that_two_names_lead_to_is_read_once(tmp_path):
    path = save(tmp_path, written())
    (tmp_path / "shop-again.csv").symlink_to(path)
    assert read(tmp_path / "*.csv").account.rows_in == 200


def test_texts_in_a_spreadsheet_are_read_as_they_are_written(tmp_path, expected):
    frame = base()
    frame["annual_income"] = [f"{european(value)} EUR" for value in frame["annual_income"]]
    book = save(tmp_path, sheets(Sheet1=frame), "shop.xlsx")
    pd.testing.assert_frame_equal(read(book).customers, expected)


def test_numbers_among_texts_keep_their_point(tmp_path, expected):
    frame = base()
    frame["annual_income"] = (base()["annual_income"] / 1000).astype(object)
    frame["spending"] = [str(value).replace(".", ",") for value in base()["spending"]]
    frame.loc[199, "annual_income"] = "unknown"
    cleaned = read(save(tmp_path, sheets(Sheet1=frame), "shop.xlsx"))
    np.testing.assert_array_equal(cleaned.customers["income"], expected["income"][:199] / 1000)
    assert cleaned.rejected[["column", "value"]].values.tolist() == [["income", "unknown"]]


def test_what_a_spreadsheet_calls_missing_may_be_a_category(tmp_path):
    frame = base().assign(city=["NA", "None"] * 100)
    region = Column(role="descriptor", type="category", categories={"NA": (), "None": ()})
    dataset = SHOP.model_copy(update={"columns": SHOP.columns | {"city": region}})
    raw, headers = read_table(locate("DATA", str(save(tmp_path, sheets(A=frame), "shop.xlsx"))), dataset, wanted=())
    cleaned = in_frames(clean(raw, dataset, features=("income", "spending"), headers=headers, file="shop.xlsx"))
    assert cleaned.customers["city"].value_counts().to_dict() == {"NA": 100, "None": 100}


def test_a_database_gives_its_values_as_they_are(tmp_path):
    with sqlite3.connect(tmp_path / "shop.sqlite") as connection:
        connection.execute(
            "create table t (customer_id integer, city text, age integer, annual_income integer, spending)"
        )
        rows = [(i + 0.5, "Rome", 30, i + 0.75, 5.5) for i in range(20)]
        connection.executemany("insert into t values (?, ?, ?, ?, ?)", [*rows, (99, "Rome", 30, "unknown", 1)])
    cleaned = read(tmp_path / "shop.sqlite")
    assert cleaned.customers["income"].tolist() == [i + 0.75 for i in range(20)]
    assert cleaned.rejected[["column", "value", "rule"]].values.tolist() == [["income", "unknown", "a number"]]


def test_a_declared_category_is_no_total(tmp_path):
    cover = Column(role="descriptor", type="category", categories={"Total": (), "Partial": ()})
    columns = {name: column for name, column in SHOP.columns.items() if name != "id"} | {"city": cover}
    dataset = SHOP.model_copy(update={"columns": columns})
    path = save(tmp_path, written(base().assign(city=["Total", *["Partial"] * 199])))
    raw, headers = read_table(locate("DATA", str(path)), dataset, wanted=())
    assert clean(raw, dataset, features=("income", "spending"), headers=headers, file="x").account.rejected == 0


def test_identical_copies_are_no_breach_of_what_must_be_unique(tmp_path):
    mail = Column(role="descriptor", type="category", unique=True)
    dataset = SHOP.model_copy(update={"columns": SHOP.columns | {"mail": mail}})
    frame = base().assign(mail=[f"m{i}" for i in range(200)])
    path = save(tmp_path, written(pd.concat([frame, frame[:1], frame[1:2].assign(customer_id="X1")])))
    raw, headers = read_table(locate("DATA", str(path)), dataset, wanted=())
    cleaned = in_frames(clean(raw, dataset, features=("income", "spending"), headers=headers, file="shop.csv"))
    assert cleaned.rejected[["line", "rule"]].values.tolist() == [
        [3, "unique"],
        [202, "one row an id, this is an identical copy"],
        [203, "unique"],
    ]


def test_a_total_has_no_id_to_stand_in(tmp_path):
    columns = {name: column for name, column in SHOP.columns.items() if name != "id"}
    dataset = SHOP.model_copy(update={"columns": columns})
    path = save(tmp_path, with_rows(",Total general,,812,101"))
    raw, headers = read_table(locate("DATA", str(path)), dataset, wanted=())
    cleaned = in_frames(clean(raw, dataset, features=("income", "spending"), headers=headers, file="shop.csv"))
    assert cleaned.rejected[["line", "column", "rule"]].values.tolist() == [[202, "city", "a customer, not a total"]]


def test_cleaning_is_idempotent(tmp_path, expected):
    again = read(save(tmp_path, written(expected.rename(columns={"id": "customer_id"}))))
    pd.testing.assert_frame_equal(again.customers, expected)
    assert again.account.rejected == again.account.collapsed == 0
    assert json.dumps(again.account.mended) == "{}"


@pytest.mark.parametrize("log", ["shop.db-wal", "shop.db-journal", "shop.db.wal"])
def test_a_file_is_not_the_whole_table_while_a_database_has_a_log_beside_it(tmp_path, log):
    (tmp_path / "shop.db").touch()
    source = locate("DATA", str(tmp_path / "shop.db"))
    assert source.settled
    (tmp_path / log).touch()
    assert not source.settled
