"""What the segments are worth, in every place where a report says it: one text; nothing where no column is a value."""

import html
import re
from itertools import chain

import nbformat
import numpy as np
import pandas as pd
import pytest

from segmentation.core.files import read_json
from segmentation.pipeline.notebooks import _publishable
from tests.conftest import FAST, Project, copy_project, made_once

DESCRIBED = """title: Deli
source: {path: deli.csv}
columns:
  id: {role: id}
  visits: {role: feature, label: Visits}
  hour: {role: feature, label: Hour}
  revenue: {role: value, label: Revenue, unit: $}
contact_cost: 2
margin: 0.5
segments:
  - {levels: {visits: high}, name: "Regulars <b>"}
"""


def _deli() -> pd.DataFrame:
    """Return 120 customers in three segments of 40, of whom those who come often spend far more."""
    rng = np.random.default_rng(6)
    visits, hour = (np.concatenate([rng.normal(c, 2, 40) for c in of]) for of in ((10, 10, 40), (9, 18, 12)))
    revenue = np.concatenate([rng.uniform(low, low + 50, 40) for low in (20, 60, 200)])
    ids = [f"c{i}" for i in range(120)]
    return pd.DataFrame({"id": ids, "visits": visits, "hour": hour, "revenue": revenue}).round(2)


def _make(folder) -> Project:
    project = copy_project(folder)
    place = project.root / "data" / "deli"
    place.mkdir()
    (place / "dataset.yaml").write_text(DESCRIBED)
    _deli().to_csv(place / "deli.csv", index=False)
    done = project.call("report", "--dataset", "deli", "--k", "3", *FAST, drawn=False)
    assert done.returncode == 0, done.stderr
    (project.root / "told.txt").write_text(done.stdout, encoding="utf-8")
    return project


@pytest.fixture(scope="module")
def deli(tmp_path_factory) -> Project:
    return made_once(tmp_path_factory, "deli", _make)


def test_the_share_of_value_is_told_alike_on_cards_in_summary_answer_terminal_and_table(deli):
    page, told = deli.page("deli"), (deli.root / "told.txt").read_text(encoding="utf-8")
    profiles = read_json(deli.artifact("deli", "profiles.json"))
    names = {own["segment"]: own["name"] for own in profiles["segments"]}
    cards = page.split('<ul class="cards"')[1].split("</ul>")[0]
    customers, shares = re.findall(r"<b>(\d+%)</b>", cards), re.findall(r"<strong>(\d+%)</strong> of revenue", cards)
    glance = page.split('<div class="glance')[1].split("</div>")[0]
    assert re.findall(r"<b>(\d+%)</b>", glance) == [*chain(*zip(customers, shares, strict=True))]
    assert sum(int(share[:-1]) for share in shares) == 100
    each = ", ".join(f"{s} {name} {share}" for (s, name), share in zip(names.items(), shares, strict=True))
    assert f"  Worth     {each} of revenue" in told
    best = max(range(3), key=lambda i: int(shares[i][:-1]))
    most = html.escape(f"{names[best + 1]}: {customers[best]} of the customers, {shares[best]} of revenue.")
    assert names[best + 1] == "Regulars <b>"
    together = f"Revenue of all customers together: about {profiles['worth'][0]['total']:,.0f} $."
    assert re.search(r'<p class="most">(.*?)</p>', page)[1] == f"{most} {together}"
    assert page.count(most) == 5  # the summary; of chapter 5 its head, caption, what is read out of it, and answer
    table = re.search(r"Revenue by segment.*?</table>|revenue by segment.*?</table>", page, re.S | re.I)[0]
    assert [share for share in shares if f"<td>{share}</td>" not in table] == []
    exact = _deli()["revenue"].to_numpy().reshape(3, 40).sum(axis=1)
    assert sorted(int(share[:-1]) / 100 for share in shares) == pytest.approx(sorted(exact / exact.sum()), abs=0.03)


def test_chapter_5_asks_what_they_are_worth_and_profiles_csv_has_it(deli):
    page = deli.page("deli")
    assert "What are they worth?" in page
    assert re.search(r'<figure id="05-worth">.*?<figcaption>', page, re.S)
    assert re.search(r'<figure id="05-concentration">.*?<figcaption>', page, re.S)
    assert "is no discovery" not in page  # revenue did not form the segments
    csv = pd.read_csv(deli.artifact("deli", "profiles.csv"))
    parts = read_json(deli.artifact("deli", "profiles.json"))["worth"][0]["parts"]
    assert list(csv["Revenue, share of all"]) == [part["share"] for part in parts]
    assert list(csv["Revenue ($), a customer"]) == [part["each"] for part in parts]


def test_each_card_sizes_a_campaign_by_what_its_customers_are_worth(deli):
    profiles = read_json(deli.artifact("deli", "profiles.json"))
    found = re.findall(r"Contacting .*?breaks even if ([\d.]+)% respond.*?(pays|not pay)\.", deli.page("deli"))
    parts = sorted(profiles["worth"][0]["parts"], key=lambda part: -part["share"])
    needed = [100 * 2 / (0.5 * part["each"]) for part in parts]
    assert [float(told) for told, _ in found] == pytest.approx(needed, abs=0.05)
    assert [how for _, how in found] == ["pays" if share < 2 else "not pay" for share in needed]
    for own in profiles["segments"]:
        assert f"Contacting all {own['size']} customers costs {2 * own['size']} $, each 2 $." in deli.page("deli")


def test_what_to_do_first_is_in_the_order_of_what_is_at_stake_and_says_how_sure_it_is(deli):
    profiles, chosen = (read_json(deli.artifact("deli", f"{name}.json")) for name in ("profiles", "k_selection"))
    section = deli.page("deli").split('<section id="todo">')[1].split("</section>")[0]
    told = html.unescape(re.sub(r"\s+", " ", re.sub("<[^>]+>", "", section)))
    parts = {part["segment"]: part for part in profiles["worth"][0]["parts"]}
    names = [own["name"] for own in sorted(profiles["segments"], key=lambda own: -parts[own["segment"]]["share"])]
    assert "Ordered by revenue, the most first." in told
    assert sorted(names, key=told.index) == names
    total = profiles["worth"][0]["total"]
    for own in profiles["segments"]:
        about = float(f"{total * parts[own['segment']]['share']:.3g}")
        assert f"{own['size']} customers, together about {about:,.0f} $ of revenue: " in told
    repeats = chosen["resamples"]
    for row in chosen["criteria"]["3"]["segments"]:
        back = round((1 - row["dissolved"]) * repeats)
        how = f"in every one of {repeats} repeats" if back == repeats else f"in {back} of {repeats} repeats"
        assert f"It came back {how}." in told


def test_prose_about_what_is_shown_goes_where_nothing_is():
    new = nbformat.v4
    shown = new.new_output("display_data", {"text/html": "<p>"})

    def told(*outputs) -> list[str]:
        notebook = new.new_notebook()
        notebook.cells = [
            new.new_markdown_cell("## Worth", metadata={"tags": ["if-shown"]}),
            new.new_markdown_cell("How.", metadata={"tags": ["if-shown", "method"]}),
            new.new_code_cell("a", outputs=list(outputs)),
            new.new_markdown_cell("Next."),
            new.new_code_cell("b", outputs=[shown]),
        ]
        return [cell.source for cell in _publishable(notebook, "").cells]

    assert told(shown) == ["## Worth", "How.", "a", "Next.", "b"]
    assert told() == ["a", "Next.", "b"]
