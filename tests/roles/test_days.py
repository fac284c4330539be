"""What dates say of customers: recency, tenure, age; and days are counted to a day that the run names."""

from datetime import date

import pytest
import yaml

from segmentation.core import files
from segmentation.core.errors import DataError, UsageError
from segmentation.roles.guess import guess_columns
from segmentation.roles.write import assume
from segmentation.runs.run import parse_dataset
from segmentation.tables.sources import locate

CASES = files.ROOT.parent / "shared" / "cases"


def _shop(folder, *, last="2023-12-{:02d}", header="customer_id,spend,last_order,signup_date,birth_date,renewal_date"):
    rows = [
        f"c{i},{10 + i * i % 97},{last.format(i % 12 + 1)},2020-{i % 12 + 1:02d}-15,19{i + 50}-06-15,2031-01-{i + 1}"
        for i in range(9, 28)
    ]
    path = folder / "shop.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return locate("DATA", str(path))


def test_last_is_recency_came_is_tenure_birth_is_age_and_ahead_is_set_aside(tmp_path):
    found = yaml.safe_load(assume(_shop(tmp_path)))
    assert found["as_of"] == date(2023, 12, 13)
    columns = found["columns"]
    kinds = {name: (spec["role"], spec.get("type"), spec.get("label")) for name, spec in columns.items()}
    assert kinds["last_order"] == ("feature", "date", "Days since last order")
    assert kinds["signup_date"] == ("descriptor", "date", "Days since signup")
    assert kinds["birth_date"] == ("descriptor", "date", "Age")
    assert columns["birth_date"]["unit"] == "years"
    assert columns["renewal_date"]["role"] == "ignore"


@pytest.mark.parametrize(
    "header",
    [
        "Kundennummer,Umsatz,Letzte Bestellung,Anmeldedatum,Geburtsdatum,Ablaufdatum",
        "client_id,ca,Dernière commande,Date d'inscription,Date de naissance,Prochain rendez-vous",
        "id_cliente,ventas,Última compra,Fecha de alta,Fecha de nacimiento,Vencimiento",
        "id_cliente,fatturato,Ultimo ordine,Data iscrizione,Data di nascita,Scadenza",
        "id_klienta,obrot,Ostatnie zamówienie,Data rejestracji,Data urodzenia,Następna wizyta",
    ],
)
def test_the_names_of_dates_are_known_in_six_languages(tmp_path, header):
    found = list(yaml.safe_load(assume(_shop(tmp_path, header=header)))["columns"].values())
    assert [column["role"] for column in found[2:]] == ["feature", "descriptor", "descriptor", "ignore"]
    assert found[4]["label"] == "Age"


@pytest.mark.parametrize("end", ["Contract end", "Vertragsende", "Fin de contrat", "Koniec umowy", "Fecha fin", "Plan"])
def test_ends_of_contracts_lie_ahead_and_days_are_not_counted_to_them(tmp_path, end):
    """Days since the last order were counted to the day after the last contract ends, years from now."""
    header = f"customer_id,spend,last_order,signup_date,birth_date,{end}"
    found = yaml.safe_load(assume(_shop(tmp_path, header=header)))
    assert found["as_of"] == date(2023, 12, 13)
    assert list(found["columns"].values())[-1]["role"] == "ignore"


def test_day_and_month_that_cannot_be_told_apart_are_asked_and_answered(tmp_path):
    shop = _shop(tmp_path, last="03/{:02d}/2023")
    with pytest.raises(DataError, match=r"2023-01-03 where the day comes first, and 2023-03-01.*DATES=dmy"):
        assume(shop)
    assert yaml.safe_load(assume(shop, dates="dmy"))["columns"]["last_order"]["date_format"] == "dd/mm/yyyy"
    assert yaml.safe_load(assume(shop, dates="mdy"))["columns"]["last_order"]["date_format"] == "mm/dd/yyyy"
    with pytest.raises(UsageError, match="DATES=ymd"):
        assume(shop, dates="ymd")


def test_what_the_analyst_names_is_a_feature(tmp_path):
    found = {guess.name: guess.spec for guess in guess_columns(_shop(tmp_path), named="signup_date")}
    assert found["signup_date"]["role"] == "feature"


def test_a_count_or_a_week_beside_a_date_makes_no_purchases():
    for name, when in (("count-of-orders-and-date", "first_order_date"), ("week-number-and-date", "first_visit")):
        columns = yaml.safe_load(assume(locate("DATA", str(CASES / f"{name}.csv"))))["columns"]
        assert columns["customer_id"]["role"] == "id"
        assert (columns[when]["role"], columns[when]["type"]) == ("descriptor", "date"), name


def test_dates_need_a_day_to_count_to():
    text = "title: t\ncolumns: {spend: {role: feature}, joined: {role: descriptor, type: date}}\n"
    with pytest.raises(UsageError, match="need as_of"):
        parse_dataset(text, "it")
    assert parse_dataset(text + "as_of: 2024-01-01\n", "it").axis("joined") == "Days since joined"
