"""The roles of the twenty exports, and of tables with the columns of famous ones; what must not decide over them."""

import tempfile
from functools import cache
from pathlib import Path
from random import Random

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from segmentation.core.errors import DataError
from segmentation.core.text import key
from segmentation.roles.write import assume
from segmentation.tables.sources import locate
from tests.roles.draws import Drawn, Export, code, day, money, people, words
from tests.roles.exports import EXPORTS
from tests.roles.famous import FAMOUS

NOT_FEATURES = {"ignore", "descriptor"}
FINE = {"describes": {"descriptor"}, "aside": NOT_FEATURES, "either": NOT_FEATURES | {"feature"}}
YES_AND_NO = [("yes", "no"), ("Ja", "Nein"), ("OUI", "NON"), ("sí", "no"), ("sì", "no"), ("tak", "nie")]
YES_AND_NO += [("evet", "hayır"), ("是", "否"), ("TRUE", "FALSE"), ("1", "0")]


def assumed(text: str, folder) -> dict:
    """Return the dataset.yaml of what a table seems to be."""
    path = folder / "export.csv"
    path.write_text(text, encoding="utf-8")
    return yaml.safe_load(assume(locate("DATA", str(path))))


def roles_of(columns: dict, headers) -> dict[str, str]:
    """Return the role of each column by its header; a value is a descriptor."""
    found = {}
    for name, spec in columns.items():
        known = {key(word) for word in (name, *spec.get("aliases", ()))}
        role = "descriptor" if spec["role"] == "value" else spec["role"]
        found |= {header: role for header in headers if key(header) in known}
    return found


def wrong(export: Export, folder) -> list[str]:
    """Return what the guess says of an export that its expert would not."""
    try:
        told = assumed(export.text(), folder)
    except DataError as refused:
        return [str(refused)]
    if export.log:
        return _wrong_log(export, told)
    found = roles_of(told["columns"], [header for header in export.roles if header])
    return [
        f"{header} is {found.get(header)}, not {role}"
        for header, role in export.roles.items()
        if header and found.get(header) not in FINE.get(role, {role})
    ]


def _wrong_log(export: Export, told: dict) -> list[str]:
    """Compare what a log must name, and the features made of it; product and the like are free to be named or not."""
    named = {part: _only(headers) for part, headers in (told.get("transactions") or {}).items()}
    parts = [
        part for part in ("customer", "order", "date", "amount", "quantity", "price") if part in named | export.log
    ]
    made = {name: spec["role"] for name, spec in told["columns"].items()}
    wanted = ["recency", "frequency", *(["monetary"] if {"amount", "price"} & {*export.log} else [])]
    faults = [(part, named.get(part), export.log.get(part)) for part in parts]
    faults += [(name, made.get(name), "feature") for name in wanted]
    return [f"{part} is {got}, not {right}" for part, got, right in faults if got != right]


def _only(headers):
    return headers[0] if isinstance(headers, list) and len(headers) == 1 else headers


def test_of_twenty_exports_nineteen_have_the_roles_that_an_expert_would_choose(tmp_path):
    found = {name: wrong(export, tmp_path) for name, export in EXPORTS.items()}
    faults = {name: told for name, told in found.items() if told}
    assert len(faults) <= 1, "\n".join(f"{name}: {'; '.join(told)}" for name, told in faults.items())


@pytest.mark.parametrize("name", FAMOUS)
def test_tables_as_famous_ones_have_the_roles_that_an_expert_would_choose(tmp_path, name):
    assert wrong(FAMOUS[name], tmp_path) == []


def test_there_are_twenty_exports_in_six_languages():
    assert len(EXPORTS) == 20
    assert len({name.split(", ")[-1] for name in EXPORTS}) >= 6


def _roles(drawn: Drawn, sep: str = ",") -> dict:
    """Return the roles and types that a table is given, or what is made of a log."""
    with tempfile.TemporaryDirectory() as folder:
        told = assumed(Export({}, sep=sep).text(drawn), Path(folder))
    if "transactions" in told:
        return {part: _only(named) for part, named in told["transactions"].items() if part != "as_of"}
    return roles_of(told["columns"], drawn)


@cache
def _whole(name: str) -> dict:
    return _roles(EXPORTS[name].table(), EXPORTS[name].sep)


few = settings(max_examples=6, deadline=None, derandomize=True, phases=[Phase.generate])
tables = st.sampled_from(sorted(EXPORTS))


@few
@given(tables, st.integers(0, 99))
def test_neither_the_order_of_rows_nor_of_columns_decides(name, seed):
    drawn, rng = EXPORTS[name].table(), Random(seed)
    rows, headers = rng.sample(range(EXPORTS[name].rows), EXPORTS[name].rows), rng.sample(list(drawn), len(drawn))
    other = {header: [drawn[header][i] for i in rows] for header in headers}
    assert _roles(other, EXPORTS[name].sep) == _whole(name)


@few
@given(tables)
def test_the_number_of_rows_does_not_decide(name):
    half = {header: cells[: len(cells) // 2] for header, cells in EXPORTS[name].table().items()}
    assert _roles(half, EXPORTS[name].sep) == _whole(name)


@few
@given(st.sampled_from(YES_AND_NO), st.sampled_from(("brand survey, Italian", "telco, French", "bank, English")))
def test_the_language_of_yes_and_no_does_not_decide(said, name):
    answer = {"sì": 0, "no": 1, "Oui": 0, "Non": 1, "1": 0, "0": 1}
    put = {
        header: [said[answer[cell]] for cell in cells] if {*cells} <= {*answer} else cells
        for header, cells in EXPORTS[name].table().items()
    }
    assert _roles(put, EXPORTS[name].sep) == _whole(name)


def test_levels_are_no_customers_though_they_repeat_beside_a_date(tmp_path):
    columns = {"ID": ("id", code()), "Date": ("", day("2022-01-01", "2023-12-31")), "Spend": ("feature", money(90))}
    for level in (words("yes", "no"), words("Gold", "Silver", "Blue")):
        told = assumed(Export({"Member": ("describes", level), **columns}).text(), tmp_path)
        assert ("transactions" in told, told["columns"]["member"]["role"]) == (False, "descriptor")


def test_rows_of_the_same_customers_without_a_date_are_refused_with_what_to_do(tmp_path):
    export = Export({"User_ID": ("customer", people("10", 40)), "Purchase": ("amount", money(8000))}, rows=300)
    with pytest.raises(DataError, match="several rows a customer, because 'User_ID' repeats, and no date"):
        assumed(export.text(), tmp_path)
