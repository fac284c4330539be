"""How the numbers of a column are written: told by its own cells, followed where others agree, or asked for."""

import csv
import random
import shlex
from pathlib import Path

import ibis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.core.dataset import Dataset
from segmentation.core.errors import DataError
from segmentation.pipeline.plan import make_plan
from segmentation.roles.guess import Guess, guess_columns
from segmentation.roles.write import assume
from segmentation.runs.run import parse_dataset
from segmentation.tables.number_formats import Convention, conventions_of, to_number
from segmentation.tables.read import read_large, read_small
from segmentation.tables.sources import locate
from tests.conftest import ROOT
from tests.tables.test_fuzz import tried

SHARED = ROOT.parent / "shared" / "cases"
NAMES = ["id", "spend", "visits"]
SHOP = Dataset(title="T", columns={"id": {"role": "id"}, **{n: {"role": "feature"} for n in NAMES[1:]}})
SPEND = [120 + 37 * i for i in range(60)]  # 120 to 2303, every whole number among these once


PARAMETERS = ("run", "dataset", "data", "k", "features", "seed", "resamples", "engine", "encoding", "decimal", "base")


def european(value: float) -> str:
    return f"{value:,}".translate(str.maketrans(",.", ".,"))


def saved(folder: Path, cells: list[str], others: list[str] | None = None, delimiter: str = ",") -> Path:
    path = folder / "shop.csv"
    others = others or [str(i % 7) for i in range(len(cells))]
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = ([f"c{i}", *row] for i, row in enumerate(zip(cells, others, strict=True)))
        csv.writer(file, delimiter=delimiter).writerows([NAMES, *rows])
    return path


def spend(path: Path, dataset: Dataset = SHOP, *, large: bool = False, known: dict | None = None) -> list[float]:
    """Return what the cells of spend are read as, by one of the two ways."""
    source, more = locate("DATA", str(path)), {"known": known} if large else {}
    raw, headers = (read_large if large else read_small)(source, dataset, wanted=tuple(NAMES), **more)
    how = conventions_of(raw, dataset, NAMES, headers, file=path.name, known=known)["spend"]
    read = raw.select("row", value=to_number(raw["spend"], how)).to_pandas()
    return read.sort_values("row")["value"].tolist()


WAYS = ((",", False), (",", True), (";", False))
MILLION = 1_234_567
ABOVE = [value for value in SPEND if value >= 1000]
WHOLE, CENTS = ["12", "7", "8"] * 20, ["4.5", "3.25", "7"] * 20
DECIDED = {
    "thousands points beside whole numbers": ([european(value) for value in SPEND], WHOLE, SPEND),
    "thousands commas beside whole numbers": ([f"{value:,}" for value in SPEND], WHOLE, SPEND),
    "three marks that stand twice": ([european(v) for v in [*ABOVE, *[MILLION] * 3]], None, [*ABOVE, *[MILLION] * 3]),
    "commas that stand twice": ([f"{v:,}" for v in [*ABOVE, MILLION]], None, [*ABOVE, MILLION]),
    "thousands commas beside decimal points": ([f"{value:,}" for value in SPEND], CENTS, SPEND),
    "blanks and apostrophes": ([f"{v:,}".replace(",", " '’\u2009"[v % 4]) for v in SPEND], WHOLE, SPEND),
    "three decimals beside a zero": ([f"{v / 1000:.3f}" for v in SPEND], WHOLE, [v / 1000 for v in SPEND]),
    "three decimals beside fewer": ([f"{v / 1000:.3f}" for v in ABOVE], CENTS[: len(ABOVE)], [v / 1000 for v in ABOVE]),
    "three decimals, shortened": ([f"{v / 1000:g}" for v in ABOVE], None, [v / 1000 for v in ABOVE]),
}  # fmt: skip


@pytest.mark.parametrize("name", DECIDED)
def test_a_column_is_read_by_what_its_cells_show(tmp_path, name):
    cells, others, truth = DECIDED[name]
    for delimiter, large in WAYS:
        path = saved(tmp_path, cells, others, delimiter)
        assert spend(path, large=large) == pytest.approx(truth)


OPEN = {
    "thousands or three decimals, nothing beside": ([european(value) for value in ABOVE], None, "2.303", "2303"),
    "commas, nothing beside": ([f"{value:,}" for value in ABOVE], None, "2.303", "2303"),
    "means of three, rounded": ([f"{round(v / 3, 3):g}" for v in range(3, 60)], None, "9.667", "9667"),
    "whole numbers against other columns": ([european(value) for value in SPEND], CENTS, "2.303", "2303"),
    "both marks in one column": ([european(ABOVE[0]), f"{ABOVE[1]:,}"] * 20, None, "1.008", "1008"),
    "columns against each other": (["1.234"] * 40, ["1.5", "2,5"] * 20, "1.234", "1234"),
}


@pytest.mark.parametrize("name", OPEN)
def test_what_is_open_is_asked_for_with_both_readings(tmp_path, name):
    cells, others, small, whole = OPEN[name]
    for delimiter, large in WAYS:
        path = saved(tmp_path, cells, others, delimiter)
        with pytest.raises(DataError, match="which mark is the decimal one") as fault:
            spend(path, large=large)
        assert f"which is {small} where" in str(fault.value)
        assert f"and {whole} where" in str(fault.value)


def test_a_newcomer_can_type_the_answer(fresh, tmp_path):
    path = saved(tmp_path, [european(value) for value in ABOVE]).rename(tmp_path / "a $hop's.csv")
    asked = fresh.call("report", "--data", str(path))
    assert (asked.returncode, "DECIMAL=, or DECIMAL=. behind make report" in asked.stderr) == (3, True)
    wrong = fresh.call("report", "--data", str(path), "--decimal", "x")
    assert (wrong.returncode, "DECIMAL=x is not usable" in wrong.stderr) == (2, True)
    elsewhere = fresh.call("report", "--decimal", ",")
    assert (elsewhere.returncode, "say decimal: in data/sample/dataset.yaml" in elsewhere.stderr) == (2, True)
    done = fresh.call("dataset", "--name", "shop", "--data", str(path), "--decimal", ",")
    assert (done.returncode, shlex.split(done.stdout)[-1]) == (0, f"DATA={path}")
    assert "decimal: ','" in (fresh.root / "data/shop/dataset.yaml").read_text()
    plan = make_plan(**dict.fromkeys(PARAMETERS) | {"data": str(path), "decimal": ","})
    assert plan.made().typed["decimal"] == ","  # so that RUN= alone makes the run again with it
    for mark, scale in ((",", 1), (".", 1000)):
        assumed = parse_dataset(assume(locate("DATA", str(path)), mark), "what was assumed")
        assert spend(path, assumed) == pytest.approx([value / scale for value in ABOVE])


def test_an_earlier_table_answers_where_the_new_one_is_open(tmp_path):
    for large in (False, True):
        path = saved(tmp_path, [european(value) for value in ABOVE])
        for mark, scale in ((",", 1), (".", 1000)):
            read = spend(path, large=large, known={"spend": Convention(mark)})
            assert read == pytest.approx([value / scale for value in ABOVE])
        with pytest.raises(DataError, match="which mark is the decimal one"):
            spend(path, large=large, known={"spend": Convention(decided=False)})
        against = saved(tmp_path, [european(value) for value in SPEND])
        with pytest.raises(DataError, match="which mark is the decimal one"):
            spend(against, large=large, known={"spend": Convention(".")})


def test_a_column_that_is_set_aside_is_neither_asked_for_nor_followed(tmp_path):
    aside = Dataset(
        title="T", columns={"id": {"role": "id"}, "spend": {"role": "feature"}, "visits": {"role": "ignore"}}
    )
    path = saved(tmp_path, ["4", "12", "7"] * 10, ["1.234", "2.345", "3.456"] * 10)
    assert spend(path, aside)[:3] == [4, 12, 7]
    with pytest.raises(DataError, match="'spend' are written like"):
        spend(saved(tmp_path, ["1.234", "2.345", "3.456"] * 10, CENTS[:30]), aside)


WRITTEN = {
    "brackets": ("(6,758.40)", -6758.4),
    "brackets around a currency": ("($7.50)", -7.5),
    "a currency before brackets": ("$ (7.50)", -7.5),
    "a minus behind": ("5.25-", -5.25),
    "a minus behind a blank": ("5.25 −", -5.25),
    "a minus before a currency": ("5.25-EUR", -5.25),
    "Arabic digits": ("١٢٫٥", 12.5),
    "Arabic digits with a thousands mark": ("-١٬٢٣٤٫٥", -1234.5),
    "Persian digits": ("۱۲٫۵", 12.5),
    "full-width digits": ("－１２．５", -12.5),
    "full-width brackets": ("（１２．５）", -12.5),
    "a minus behind a currency": ("5.25 $-", -5.25),
    "no cents": ("5,-", None),
    "two minuses": ("(-5.25)", None),
    "a minus before brackets": ("-(5.25)", None),
    "a note in brackets": ("5.25 (old)", None),
    "a code in brackets": ("C (5)", None),
    "lakhs": ("1,23,456", 123456),
    "crores in brackets": ("(₹12,34,56,789.5)", -123456789.5),
    "no lakhs": ("123,45,678", None),
    "a blank, a decimal point and letters": ("15 100.50 zł", 15100.5),
    "a range": ("5-7", None),
    "a compound": ("3-star", None),
}


def test_signs_and_digits_of_others():
    cells = ibis.memtable({"cell": [cell for cell, _ in WRITTEN.values()]})
    read = cells.select("cell", value=to_number(cells["cell"], Convention(around=("$", "eur", "₹", "zł")))).to_pandas()
    found = read.astype(object).where(read.notna(), None).set_index("cell")["value"]
    assert {name: found[cell] for name, (cell, _) in WRITTEN.items()} == {n: value for n, (_, value) in WRITTEN.items()}


LETTERS = {"ascii": "0123456789", "arabic": "٠١٢٣٤٥٦٧٨٩", "full-width": "０１２３４５６７８９"}


def shown(value: int, places: int, *, shortest: bool, thousands: str, mark: str, minus: str, around: str) -> str:
    """Write a number that is so many units of the last place."""
    text = f"{abs(value) / 10**places:,.{places}f}"
    text = text.rstrip("0").rstrip(".") if shortest and "." in text else text
    text = around.format(text.translate(str.maketrans({",": thousands, ".": mark})))
    return minus.format(text) if value < 0 else text


@tried("numbers")
@given(
    seed=st.integers(0, 2**32),
    places=st.sampled_from([0, 0, 1, 2, 3]),
    size=st.integers(1, 7),
    marks=st.sampled_from([",.", ".,", "'.", " ,", "\u202f,", "\u00a0.", "’,", "0.", "0,"]),
    shortest=st.booleans(),
    minus=st.sampled_from(["-{}", "−{}", "({})", "{}-"]),
    around=st.sampled_from(["{}", "{}", "${}", "{} €", "EUR {}"]),
    letters=st.sampled_from(list(LETTERS)),
    delimiter=st.sampled_from(",;\t|"),
)
def test_a_random_column_in_a_random_convention_reads_as_it_was_meant_or_is_asked_for(
    tmp_path, seed, places, size, marks, shortest, minus, around, letters, delimiter
):
    drawn = random.Random(seed)
    truth = [drawn.choice([1, 1, 1, -1]) * drawn.randrange(10 ** drawn.randint(1, size)) for _ in range(30)]
    thousands, mark = marks[0].replace("0", ""), marks[1]
    how = {"shortest": shortest, "thousands": thousands, "mark": mark, "minus": minus, "around": around}
    cells = [
        shown(value, places, **how).translate(str.maketrans(LETTERS["ascii"], LETTERS[letters])) for value in truth
    ]
    path, read = saved(tmp_path, cells, delimiter=delimiter), []
    for large in (False, True):
        try:
            read.append(spend(path, large=large))
        except DataError as fault:
            read.append(None if "which mark is the decimal one" in str(fault) else str(fault))
    assert str(read[0]) == str(read[1])
    assert read[0] is None or read[0] == [value / 10**places for value in truth]


def guessed(folder: Path, cells: list[str]) -> Guess:
    return {guess.name: guess for guess in guess_columns(locate("DATA", str(saved(folder, cells, MIXED))))}["spend"]


MIXED = [str(i * 7 % 61) for i in range(60)]
KINDS = {
    "brackets": lambda v: f"({v:,.2f})" if v % 3 else f"{v:,.2f}",
    "a minus behind": lambda v: f"{v}.5-" if v % 3 else f"{v}.5",
    "lakhs": lambda v: f"{v % 90 + 1},{v % 89 + 10},{v % 900 + 100}",
    "a Polish currency": lambda v: f"{v % 90} {v % 900 + 100},50 zł",
    "Arabic digits": lambda v: f"{v}.5".translate(str.maketrans(LETTERS["ascii"], LETTERS["arabic"])),
    "full-width digits": lambda v: f"{v}.5".translate(str.maketrans(LETTERS["ascii"], LETTERS["full-width"])),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_column_of_such_numbers_is_a_feature(tmp_path, name):
    assert guessed(tmp_path, [KINDS[name](value) for value in SPEND]).spec["role"] == "feature"


def test_a_column_that_is_set_aside_has_the_true_reason_and_an_example(tmp_path):
    mixed = guessed(tmp_path, [f"€{v}.5" if v % 10 == 7 else f"${v}.5" for v in SPEND])
    assert mixed.spec == {"role": "ignore"}
    assert mixed.reason == "its amounts are in several currencies (eur, usd), which do not add up"
    assert mixed.remark == "such as '€157.5' in line 3 of shop.csv"
    marks = guessed(tmp_path, [f"{v},25" if v % 2 else f"{v}.25" for v in SPEND])
    assert marks.spec == {"role": "ignore"}
    assert marks.reason == "some of its numbers have a decimal comma, others a decimal point"
    broken = guessed(tmp_path, [f"{v}/5" if v % 10 == 7 else f"{v}.5" for v in SPEND])
    assert (broken.spec, broken.reason) == ({"role": "ignore"}, "more than one cell in twenty is no number")
    assert broken.remark == "such as '157/5' in line 3 of shop.csv"
    codes = guessed(tmp_path, [f"A{v}" if v % 2 else f"{v}" for v in SPEND])
    assert codes.reason == "60 or more different texts describe no group"


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the inputs beside the project")
def test_a_balance_in_an_accountants_brackets_is_a_number():
    found = {guess.name: guess for guess in guess_columns(locate("DATA", str(SHARED / "accounting-negative.csv")))}
    assert found["balance"].spec == {"role": "feature"}
