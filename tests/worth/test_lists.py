"""The customers of each segment as a workbook and as CSV files, read back by a reader of sheets."""

import re
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from segmentation.core import files
from segmentation.core.dataset import Dataset
from segmentation.core.engine import held, opened, write
from segmentation.core.files import read_json
from segmentation.runs.manifest import lists_of
from segmentation.runs.records import Profile
from segmentation.segments.profiles import headed
from segmentation.worth.lists import Listed, _write_workbook, cell_text, file_names, sheet_names
from segmentation.worth.tell import too_many
from tests.conftest import Project, copy_project, made_once

FORMULA, DEVICE = "=HYPERLINK(1) [a]: *?/\\ the very best", "con"
RUN = "traps"
DESCRIBED = f"""title: "=1+1"
source: {{path: traps.csv}}
privacy: rows
columns:
  id: {{role: id}}
  spend: {{role: feature, label: Spend, unit: €}}
  town: {{role: descriptor, type: category, label: Town}}
segments:
  - {{levels: {{spend: low}}, name: '{FORMULA}', action: '@SUM(A1)'}}
  - {{levels: {{spend: average}}, name: History, action: Call}}
  - {{levels: {{spend: high}}, name: {DEVICE}}}
"""
IDS = ["00123", "1e5", "=1+1", "@x", "+49 170 5", "-5", "1234567890123456789", "<r><t>x</t></r>", "_x0041_", "ä\u202eb"]


def _make(folder: Path) -> Project:
    """Make a run whose ids and names are traps for spreadsheets and for file systems."""
    project, rng = copy_project(folder), np.random.default_rng(5)
    place = project.root / "data" / RUN
    place.mkdir()
    (place / "dataset.yaml").write_text(DESCRIBED)
    ids = [*IDS, *(f"c{i}" for i in range(110))]
    spend = np.concatenate([rng.normal(centre, 2, 40) for centre in (20, 60, 100)]).round(2)
    pd.DataFrame({"id": ids, "spend": spend, "town": ["=Rome", "Oslo"] * 60}).to_csv(place / "traps.csv", index=False)
    done = project.call("report", "--dataset", RUN, "--k", "3", "--resamples", "10", drawn=False)
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture(scope="module")
def traps(tmp_path_factory) -> Project:
    return made_once(tmp_path_factory, "traps", _make)


@pytest.fixture(scope="module")
def said(traps) -> str:
    """What is said where the lists are written."""
    return _list(traps)


def _list(project: Project, run: str = RUN) -> str:
    done = project.call("lists", "--run", run)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _sheets(path: Path) -> dict[str, list[list]]:
    book = CalamineWorkbook.from_path(path)
    return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}


def _customers(sheets: dict[str, list[list]]) -> pd.DataFrame:
    """Return the rows of the sheets of customers below each other."""
    parts = [pd.DataFrame(rows[1:], columns=rows[0]) for rows in [*sheets.values()][1:-1]]
    return pd.concat(parts, ignore_index=True)


def test_a_reader_of_sheets_gets_back_what_was_written(traps, said):
    sheets = _sheets(traps.artifact(RUN, "segments.xlsx"))
    profiles = read_json(traps.artifact(RUN, "profiles.json"))["segments"]
    given = {p["name"]: p["action"] for p in profiles if not p.get("suggested")}
    assert given == {FORMULA: "@SUM(A1)", "History": "Call"}
    own = {FORMULA: "=HYPERLINK(1) -a-- ---- the ver", DEVICE: DEVICE}
    called = [own.get(p["name"], f"History ({p['segment']})") for p in profiles]
    assert list(sheets) == ["Profiles", *called, "Definitions"]
    found, known = _customers(sheets), pd.read_csv(traps.artifact(RUN, "segments.csv"), dtype={"id": str})
    assert list(found) == ["id", "segment", "name", "action", "distance", "margin"]
    assert found["id"].map(type).eq(str).all()
    both = known.merge(found.assign(id=found["id"].str.replace(r"^'(<r>)", r"\1", regex=True)), on="id", how="left")
    pd.testing.assert_series_equal(both["distance_x"], both["distance_y"], check_names=False)
    pd.testing.assert_series_equal(both["margin_x"], both["margin_y"], check_names=False)
    assert (both["segment_x"] == both["segment_y"]).all()
    told = {row[1]: row[-1] for row in sheets["Profiles"][1:]}
    suggested = f"Suggestion: {next(p['action'] for p in profiles if p.get('suggested'))}"
    assert told == {f"'{FORMULA}": "'@SUM(A1)", "History": "Call", DEVICE: suggested}
    assert {"id", "segment", "name", "action", "distance", "margin", "Spend (€)", "Town"} <= {
        word for word, _ in sheets["Definitions"][1:]
    }


def test_no_cell_is_a_formula_and_ids_stay_texts(traps, said):
    book = openpyxl.load_workbook(traps.artifact(RUN, "segments.xlsx"))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr", "n"}
    texts = [cell.value for cell in cells if isinstance(cell.value, str)]
    assert [text for text in texts if re.match(files.FORMULA, text) and not re.fullmatch(files.NUMBER, text)] == []
    first = book.worksheets[1]
    assert {"00123", "1e5", "'=1+1", "'@x", "'+49 170 5", "-5", "1234567890123456789"} <= {
        row[0].value for sheet in book.worksheets[1:-1] for row in sheet.iter_rows()
    }
    assert (first["A2"].number_format, first["E2"].number_format) == ("@", "0.000")


def test_sheets_have_a_heading_in_sight_filters_widths_and_formats(traps, said):
    book = openpyxl.load_workbook(traps.artifact(RUN, "segments.xlsx"))
    assert [sheet.freeze_panes for sheet in book] == ["C2", "B2", "B2", "B2", "B2"]
    for sheet in book:
        assert sheet.auto_filter.ref == sheet.dimensions
        wide = {letter: column.width for letter, column in sheet.column_dimensions.items()}
        assert all(8 < width < 62 for width in wide.values())
    profiles = book["Profiles"]
    forms = {head.value: cell.number_format for head, cell in zip(profiles[1], profiles[2], strict=True)}
    assert {name: forms[name] for name in ("name", "size", "share", "Spend (€)", "Spend, index", "Town: Oslo")} == {
        "name": "@",
        "size": "#,##0",
        "share": "0.0%",
        "Spend (€)": '#,##0.0" €"',
        "Spend, index": "0",
        "Town: Oslo": "0.0%",
    }


def test_the_files_for_a_crm_are_segments_csv_in_parts_with_the_action(traps, said):
    names = {p["segment"]: p for p in read_json(traps.artifact(RUN, "profiles.json"))["segments"]}
    paths = sorted(traps.artifact(RUN, "lists").iterdir())
    assert {path.name for path in paths} == {
        "=HYPERLINK(1) [a]- ---- the very best.csv",
        "History.csv",
        "segment con.csv",
    }
    parts = pd.concat([pd.read_csv(path, dtype={"id": str}) for path in paths])
    known = pd.read_csv(traps.artifact(RUN, "segments.csv"), dtype={"id": str}).set_index("id")
    pd.testing.assert_frame_equal(parts.set_index("id").loc[known.index].drop(columns="action"), known)
    told = parts.groupby("segment")["action"].first()
    marked = {s: f"{'Suggestion: ' * p.get('suggested', False)}{p['action']}" for s, p in names.items() if p["action"]}
    assert {s: files.harmless(action) for s, action in marked.items()} == told.dropna().to_dict()


def test_what_is_said_names_the_files_and_that_they_hold_customers(said):
    assert "assets/traps/segments.xlsx: three sheets of customers, one of profiles, and one that says" in said
    assert "  segment con.csv                            40 customers\n" in said
    assert "These hold customers by their id, and how surely each is placed: for those alone who may see" in said


def test_lists_written_again_are_the_same_bytes_and_leave_nothing_of_before(traps, said):
    before = {path: path.read_bytes() for path in _files(traps)}
    stale = traps.artifact(RUN, "lists") / "Renamed since.csv"
    stale.write_text("id\n1\n")
    assert _list(traps) == said
    assert {path: path.read_bytes() for path in _files(traps)} == before


def _files(project: Project) -> list[Path]:
    return [project.artifact(RUN, "segments.xlsx"), *sorted(project.artifact(RUN, "lists").iterdir())]


def test_nothing_says_how_surely_a_private_customer_is_placed(traps, tmp_path):
    project = traps.copy(tmp_path)
    described = project.root / "data" / RUN / "dataset.yaml"
    described.write_text(described.read_text().replace("privacy: rows", "privacy: aggregate"))
    said = _list(project)
    assert list(_customers(_sheets(project.artifact(RUN, "segments.xlsx")))) == ["id", "segment", "name", "action"]
    heads = {path.read_text(encoding="utf-8-sig").split("\n")[0] for path in _files(project)[1:]}
    assert heads == {"id,segment,name,action"}
    assert "hold customers by their id: for those alone" in said
    words = [row[0] for row in _sheets(project.artifact(RUN, "segments.xlsx"))["Definitions"]]
    assert not {"distance", "margin", "probability"} & {*words}


def test_a_run_that_was_changed_or_is_not_there_has_no_lists(traps, tmp_path):
    project = traps.copy(tmp_path)
    done = project.call("lists", "--run", "trap")
    assert (done.returncode, "did you mean 'traps'?" in done.stderr) == (2, True)
    described = project.root / "data" / RUN / "dataset.yaml"
    text = described.read_text()
    described.write_text(text.replace("  town:", "  city:"))
    done = project.call("lists", "--run", RUN)
    assert (done.returncode, "column 'town' is gone from there" in done.stderr) == (3, True)
    described.write_text(text)
    with project.artifact(RUN, "k_selection.json").open("a") as file:
        file.write(" ")
    done = project.call("lists", "--run", RUN)
    assert (done.returncode, "k_selection.json is not the file that the run wrote" in done.stderr) == (3, True)


def test_lists_go_when_their_run_has_other_segments_and_stay_while_it_has_the_same(toy):
    _list(toy, "sample")
    assert "Lists" not in toy.run("report").stdout
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "ROOT", toy.root)
        assert len(lists_of("sample")) == 6
        done = toy.run("report", "--seed", "7")
        assert "  Lists     removed, because they were of the segments of before; anew: make lists" in done.stdout
        assert lists_of("sample") == []
        assert (toy.root / "assets" / "sample" / "segments.parquet").is_file()


def test_clean_removes_lists_with_their_run(traps, tmp_path):
    project = traps.copy(tmp_path)
    _list(project)
    assert project.call("clean").returncode == 0
    assert not project.artifact(RUN, "").exists()


@pytest.mark.parametrize(
    ("names", "sheets", "paths"),
    [
        (["A", "a", "A (2)"], ["A", "a (2)", "A (2) (3)"], ["A.csv", "a (2).csv", "A (2) (3).csv"]),
        (["history", "profiles"], ["history (1)", "profiles (2)"], ["history.csv", "profiles.csv"]),
        (["[a]:*?/\\b"], ["-a------b"], ["[a]-----b.csv"]),
        (["'quoted'", "''"], ["quoted", "segment (2)"], ["quoted.csv", "segment (2).csv"]),
        (["CON", "nul.old", "COM1 "], ["CON", "nul.old", "COM1"], None),
        (["..", "-rf", "~$x", " . "], None, ["segment (1).csv", "rf.csv", "$x.csv", "segment (4).csv"]),
        (["a\u202ecod.exe\x07\n\tb"], ["acod.exe b"], ["acod.exe b.csv"]),
        (["é" * 40, "e\u0301" * 40], ["é" * 31, f"{'é' * 27} (2)"], None),
        (["常連のお客様" * 6], [("常連のお客様" * 6)[:31]], None),
        (["😀" * 20], ["😀" * 15], None),
        (["", ""], ["segment (1)", "segment (2)"], ["segment (1).csv", "segment (2).csv"]),
    ],
)
def test_names_that_sheets_and_files_can_have(names, sheets, paths, tmp_path):
    assert sheets is None or sheet_names(names) == sheets
    assert paths is None or file_names(names) == paths
    for name in file_names(names):
        assert len(name.encode()) <= 160
        assert not name.lower().startswith(("con.", "nul.", "com1"))
    with xlsxwriter.Workbook(tmp_path / "names.xlsx") as book:
        for name in sheet_names(names):
            book.add_worksheet(name)  # refuses what Excel does


def test_as_many_names_as_there_may_be_differ():
    names = sheet_names(["The same long name of many segments"] * 60)
    assert len({name.casefold() for name in names}) == 60
    assert max(map(len, names)) == 31


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("plain", "plain"),
        ("\t=1", "'\t=1"),
        ("<r><t>=1</t></r>", "'<r><t>=1</t></r>"),
        ("a" * 40_000, "a" * 32_766 + "…"),
        ("😀" * 20_000, "😀" * 16_383 + "…"),
    ],
)
def test_a_cell_holds_a_text_and_nothing_else(text, told):
    assert cell_text(text) == told


def _profile(size: int) -> Profile:
    names = ("centre", "centre_interval", "mean", "index", "levels", "descriptors")
    told = {"level_name": "Low", "name": "Many", "action": None, "share": 1.0, "share_interval": (1.0, 1.0)}
    return Profile(segment=1, size=size, **told, **{name: {} for name in names})


def _book(tmp_path: Path, one: Listed) -> dict[str, list[list]]:
    dataset = Dataset(title="T", columns={"x": {"role": "feature"}})
    table = headed([one.profile], dataset)
    _write_workbook(tmp_path / "book.xlsx", dataset, table, [one], [("word", "meaning")], too_many)
    return _sheets(tmp_path / "book.xlsx")


def test_customers_of_whom_a_sheet_has_no_room_are_said_to_be_in_the_file(tmp_path):
    table = held(pd.DataFrame({"row": ["1"]}))
    found = _book(tmp_path, Listed(_profile(1_048_576), "Many", "Many.csv", table))
    told = "1,048,576 customers are more than a sheet has rows; lists/Many.csv holds all of them."
    assert found["Many"] == [["row"], [told]]


def test_a_large_table_is_written_row_by_row_in_its_order(tmp_path):
    rows = 210_000
    write(held(pd.DataFrame({"row": [f"0{i}" for i in range(rows)], "distance": np.arange(rows) / 8})), tmp_path / "l")
    found = _book(tmp_path, Listed(_profile(rows), "Many", "Many.csv", opened(tmp_path / "l")))["Many"]
    assert found == [["row", "distance"], *([f"0{i}", i / 8] for i in range(rows))]
