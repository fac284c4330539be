"""RFM groups: against an independent computation with pandas, with ties, own cut points and names, and privacy."""

import re

import ibis
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from segmentation.core.dataset import OF_RFM, Dataset
from segmentation.core.errors import UsageError
from segmentation.customers import exploring
from segmentation.customers.customers import Customers
from segmentation.runs.run import load_dataset, parse_dataset
from segmentation.worth import plots, tell
from segmentation.worth.rfm import IN_ORDER, USUAL_GRID, agreement, cut_points, group_texts, rfm_columns, rfm_groups
from tests.conftest import ROOT
from tests.customers.test_transactions import OF_LINES, SHARED, _customers, _lines

NAMES = {1: "One", 2: "Two", 3: "Three"}
TODAY = "title: T\nprivacy: {}\ncolumns:\n  id: {{role: id}}\n" + "".join(
    f"  {name}: {{{{role: feature}}}}\n" for name in OF_RFM
)


def _dataset(privacy: str = "rows", more: str = "") -> Dataset:
    return parse_dataset(TODAY.format(privacy) + more, "dataset.yaml")


def _table(n: int = 600, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = {
        "recency": rng.integers(1, 400, n) * 1.0,
        "frequency": rng.geometric(0.5, n) * 1.0,
        "monetary": rng.lognormal(3, 1, n).round(2),
    }
    return pd.DataFrame({"id": [f"c{i}" for i in range(n)], **values, "segment": rng.integers(1, 4, n)})


def _named(recency: int, frequency: int, monetary: int) -> str:
    """Name a customer by rules, written another way than the table."""
    both = -(-(frequency + monetary) // 2)
    if recency <= 2:
        low = ["Lost", "Hibernating"][recency - 1]
        return "Cannot lose them" if both == 5 else "At risk" if both >= 3 else low
    if both >= 4:
        return "Champions" if recency == 5 else "Loyal"
    if recency == 3:
        return "Need attention" if both == 3 else "About to sleep"
    return "Potential loyalists" if both >= 2 else "New" if recency == 5 else "Promising"


def _by_pandas(table: pd.DataFrame, cuts: dict | None = None) -> pd.Series:
    """Return the group of each customer, one by one."""
    ends = cuts or {name: table[name].quantile([0.2, 0.4, 0.6, 0.8]).tolist() for name in OF_RFM}
    above = pd.DataFrame({name: sum((table[name] > end).astype(int) for end in ends[name]) for name in OF_RFM})
    return pd.Series([_named(5 - r, f + 1, m + 1) for r, f, m in above.itertuples(index=False)], table.index)


def _same(found, table: pd.DataFrame, groups: pd.Series) -> None:
    """Compare counts, shares, value and the cross table with what pandas has."""
    counts, values = groups.value_counts(), table.groupby(groups)["monetary"].sum() / table["monetary"].sum()
    for group in found.groups:
        assert group.customers == counts.get(group.name, 0)
        assert group.share == pytest.approx(counts.get(group.name, 0) / len(table))
        assert group.value == pytest.approx(values.get(group.name, 0))
    within = pd.crosstab(table["segment"], groups, normalize="index")
    assert pd.DataFrame(found.within).T.sort_index(axis=1).to_numpy() == pytest.approx(within.to_numpy())
    assert found.agreement == pytest.approx(adjusted_rand_score(table["segment"], groups))


def test_the_usual_table_names_every_cell_once_and_all_eleven():
    assert {name for row in USUAL_GRID.values() for name in row} == {*IN_ORDER}
    assert len(IN_ORDER) == 11
    assert {score: len(row) for score, row in USUAL_GRID.items()} == dict.fromkeys((5, 4, 3, 2, 1), 5)
    for recency in range(1, 6):
        for score in range(1, 6):
            assert USUAL_GRID[score][recency - 1] == _named(recency, score, score)


def test_cdnow_against_pandas():
    path = ROOT.parent / "shared" / "data" / "CDNOW_master.txt"
    if not path.is_file():
        pytest.skip("CDNOW_master.txt is not here; README says where to download it")
    raw = pd.read_csv(path, sep=r"\s+", skiprows=1, names=["id", "day", "cds", "paid"], dtype={"id": str})
    by, end = raw.groupby("id"), pd.Timestamp("1998-07-01")
    last = pd.to_datetime(by["day"].max().astype(str), format="%Y%m%d")
    table = pd.DataFrame({"recency": (end - last).dt.days, "frequency": by.size(), "monetary": by["paid"].sum()})
    table = table.astype(float).round(2).reset_index().assign(segment=lambda t: 1 + t.index % 3)
    dataset = load_dataset("cdnow").model_copy(update={"privacy": "rows"})
    found = rfm_groups(Customers.of(dataset, table))
    _same(found, table, _by_pandas(table))
    assert found.vacant == {"frequency": (2,)}  # 51% of the customers bought once
    assert (found.columns, found.ungrouped) == ({name: name for name in OF_RFM}, 0)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the inputs beside the project")
def test_online_retail_against_pandas():
    """Values below 0 are there: customers who returned more than they bought."""
    path = SHARED / "data" / "online_retail_20000.csv"
    dataset = _lines(OF_LINES).model_copy(update={"privacy": "rows"})
    table = _customers(path, dataset).customers.assign(segment=lambda t: 1 + (t["recency"] > 100))
    assert table["monetary"].min() < 0
    _same(rfm_groups(Customers.of(dataset, table)), table, _by_pandas(table))


def test_equal_values_have_one_score_and_scores_that_nobody_has_are_told():
    table = _table().assign(frequency=1.0)
    table.loc[:59, "frequency"] = 2.0
    found = rfm_groups(Customers.of(_dataset(), table))
    assert found.cuts["frequency"] == (1.0, 1.0, 1.0, 1.0)
    assert found.vacant == {"frequency": (2, 3, 4)}
    same = rfm_groups(Customers.of(_dataset(), _table().assign(recency=7.0, frequency=1.0, monetary=3.0)))
    assert {group.name: group.customers for group in same.groups if group.customers} == {"New": 600}
    assert (same.agreement, same.groups[0].value) == (None, 0)


def test_own_cut_points_hold_at_their_ends_and_over_quintiles():
    own = "rfm: {cuts: {recency: [30, 90, 180, 365], frequency: [1, 2, 4, 8]}}"
    table = _table()
    table.loc[:3, "recency"], table.loc[:3, "frequency"], table.loc[:3, "monetary"] = [30, 31, 365, 366], 1, 1
    found = rfm_groups(Customers.of(_dataset(more=own), table))
    cuts = {"recency": [30, 90, 180, 365], "frequency": [1, 2, 4, 8]}
    _same(found, table, _by_pandas(table, cuts | {"monetary": table["monetary"].quantile([0.2, 0.4, 0.6, 0.8])}))
    assert found.cuts["recency"] == (30, 90, 180, 365)
    four = rfm_groups(Customers.of(_dataset(more=own), table[:4]))
    assert {g.name: g.customers for g in four.groups if g.customers} == {
        "New": 1,
        "Promising": 1,
        "Hibernating": 1,
        "Lost": 1,
    }


def test_own_groups_take_the_place_of_the_usual_ones():
    rows = "\n".join(f"    {score}: [Cold, Cold, Warm, Warm, Hot]" for score in range(1, 6))
    found = rfm_groups(Customers.of(_dataset(more=f"rfm:\n  groups:\n{rows}\n"), table := _table()))
    hot = (table["recency"] <= table["recency"].quantile(0.2)).sum()
    cold = (table["recency"] > table["recency"].quantile(0.6)).sum()
    assert {group.name: group.customers for group in found.groups} == {
        "Hot": hot, "Warm": len(table) - hot - cold, "Cold": cold,
    }  # fmt: skip


def test_the_example_of_the_documentation_is_one():
    [example] = re.findall(r"```yaml\n(rfm:.*?)```", (ROOT / "docs" / "method.md").read_text(), re.S)
    found = _dataset(more=example).rfm
    assert found.cuts["recency"] == (30, 90, 180, 365)
    assert found.groups[5][4] == "Best"


@pytest.mark.parametrize(
    ("rfm", "told"),
    [
        ("{cuts: {recency: [30, 90, 90, 365]}}", "cuts: those of recency must grow"),
        ("{cuts: {recency: [30, 90]}}", "rfm.cuts.recency: List should have at least 4 items, not 2"),
        ("{cuts: {recncy: [1, 2, 3, 4]}}", "Input should be 'recency', 'frequency' or 'monetary'"),
        ("{groups: {5: [A, B, C, D, E]}}", r"groups: a row of five names .* there is none for \[1, 2, 3, 4\]"),
        ("{groups: {6: [A, B, C, D, E]}}", "rfm.groups.6"),
        ("{groups: {5: [A, B, C, D, E], 5: [A, B, C, D, E]}}", "the key '5' stands twice"),
        ("{groups: {5: [A, B, C, D]}}", "rfm.groups.5: List should have at least 5 items, not 4"),
        ("{grups: {}}", "rfm.grups: unknown key; did you mean 'groups'"),
    ],
)
def test_a_wrong_table_of_groups_is_told(rfm, told):
    with pytest.raises(UsageError, match=told):
        _dataset(more=f"rfm: {rfm}")


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ("recency: {role: feature}, frequency: {role: feature}, monetary: {role: ignore}", None),
        ("recency: {role: feature}, frequency: {role: feature}, spend: {role: descriptor}", None),
        (
            "days: {role: feature, label: Days since last purchase}, orders: {role: feature}, spend: {role: value}",
            {"recency": "days", "frequency": "orders", "monetary": "spend"},
        ),
        ("days: {role: feature, label: Days since last purchase}, orders: {role: feature}, visits: {role: feature}, "
         "spend: {role: value}", None),
        ("days_since_last_order: {role: feature, label: Last order}, orders: {role: feature}, spend: {role: value}",
         {"recency": "days_since_last_order", "frequency": "orders", "monetary": "spend"}),
        ("days_since_last_complaint: {role: feature, label: Peace}, orders: {role: feature}, "
         "spend: {role: value}", None),
        ("last_order: {role: feature, type: date}, orders: {role: feature}, spend: {role: value}",
         {"recency": "last_order", "frequency": "orders", "monetary": "spend"}),
    ],
)  # fmt: skip
def test_the_three_columns_are_found_by_name_type_and_value(columns, found):
    dated = "as_of: 2024-01-01\n" if "date" in columns else ""
    assert rfm_columns(parse_dataset(f"title: T\n{dated}columns: {{{columns}}}", "dataset.yaml")) == found


def test_without_the_three_or_of_nobody_known_there_are_no_groups():
    table = _table()
    dataset = parse_dataset("title: T\ncolumns: {recency: {role: feature}, monetary: {role: feature}}", "dataset.yaml")
    assert rfm_groups(Customers.of(dataset, table.drop(columns="frequency"))) is None
    assert rfm_groups(Customers.of(_dataset(), table.assign(frequency=np.nan))) is None


def test_who_lacks_one_of_the_three_has_no_group():
    table = _table()
    table.loc[:29, "monetary"] = np.nan
    found = rfm_groups(Customers.of(_dataset(), table))
    known = table.dropna()
    cuts = {name: table[name].dropna().quantile([0.2, 0.4, 0.6, 0.8]) for name in OF_RFM}
    assert found.ungrouped == 30
    _same(found, known, _by_pandas(known, cuts))
    table.loc[9:, "monetary"] = 5.0
    assert rfm_groups(Customers.of(_dataset("aggregate"), table)).ungrouped is None  # nine


def test_a_large_table_on_the_engine_is_as_one_in_memory(tmp_path):
    table = _table(5_000)
    table.loc[:50, "recency"] = np.nan
    table.to_parquet(tmp_path / "t.parquet")
    whole = rfm_groups(Customers.of(_dataset(), table))
    large = Customers(_dataset(), ibis.read_parquet(tmp_path / "t.parquet"), table.iloc[::5])
    assert large.sampled
    assert rfm_groups(large) == whole


def test_one_segment_has_no_agreement_and_still_its_groups():
    table = _table().assign(segment=1)
    found = rfm_groups(Customers.of(_dataset(), table))
    assert found.agreement is None
    assert sum(group.customers for group in found.groups) == 600
    assert [*found.within] == [1]


def test_the_adjusted_rand_index_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    one, other = rng.integers(0, 4, 500), rng.integers(0, 3, 500)
    other[one == 2] = 1
    counts = pd.crosstab(one, other).to_numpy()
    assert agreement(counts) == pytest.approx(adjusted_rand_score(one, other))
    assert agreement(np.diag([3, 4])) == 1


def test_of_private_rows_no_group_under_ten_and_no_value_of_one_customer_is_told():
    table = _table(400, seed=3)
    whole = rfm_groups(Customers.of(_dataset(), table))
    shown = rfm_groups(Customers.of(_dataset("aggregate"), table))
    exact = {group.name: group for group in whole.groups}
    assert min(group.customers for group in whole.groups) < 10
    hidden = [group.name for group in shown.groups if group.customers is None]
    assert sum(exact[name].customers for name in hidden) >= 10
    assert len(hidden) >= 2
    for group in shown.groups:
        assert group.customers is None or (group.customers % 10 == 0 and group.customers >= 10) or not group.customers
        if group.name in hidden:
            assert (group.share, group.value) == (None, None)
            assert all(row.get(group.name) in (None, 0) for row in shown.within.values())
    assert all(cut == float(f"{cut:.3g}") for cuts in shown.cuts.values() for cut in cuts)


def test_what_is_told_of_a_group_twice_opens_no_share_of_a_segment(monkeypatch):
    """A group of 70 of 260 is told as "70" and as 26%, which is under 70.2: it is exactly 70."""
    asked = []
    exact = exploring.withheld_beside
    monkeypatch.setattr(exploring, "withheld_beside", lambda *of: asked.append(of[-1]) or exact(*of))
    table = pd.DataFrame({"segment": [1] * 130 + [2] * 130, "rfm": ["Lost"] * 70 + ["New"] * 190})
    dataset = _dataset("aggregate")
    exploring.shown_shares(Customers(dataset, ibis.memtable(table), table), "rfm")
    assert [bound.tolist() for bound in asked[0]] == [[70, 190], [70, 194]]


def test_agreement_of_private_groups_counts_nobody():
    found, dataset = _found("aggregate")
    for index, words in ((0.987, "0.9 or more"), (0.913, "0.9 or more"), (-0.004, "−0.1 or more"), (1, "1.00")):
        told = tell.rfm_evidence(found.model_copy(update={"agreement": index}), "natural", dataset)
        assert f"(adjusted Rand index {words})" in told


def test_a_group_whose_value_hangs_on_one_customer_has_no_share_of_value():
    table = _table(2_000)
    cuts = {name: cut_points(Customers.of(_dataset("aggregate"), table), name, name) for name in OF_RFM}
    loyal = table.index[_by_pandas(table, cuts) == "Loyal"][0]
    table.loc[loyal, "monetary"] = 20 * table["monetary"].sum()
    found = {group.name: group for group in rfm_groups(Customers.of(_dataset("aggregate"), table)).groups}
    assert found["Loyal"].customers
    assert found["Loyal"].value is None
    exact = {group.name: group for group in rfm_groups(Customers.of(_dataset(), table)).groups}
    assert exact["Loyal"].value > 0.95


def test_where_customers_are_worth_nothing_together_no_share_is_told():
    table = _table().assign(monetary=lambda t: -t["monetary"])
    assert {group.value for group in rfm_groups(Customers.of(_dataset(), table)).groups} == {None}


def _found(privacy: str = "rows", more: str = "", **columns):
    dataset = _dataset(privacy, more)
    return rfm_groups(Customers.of(dataset, _table().assign(**columns))), dataset


def test_two_groups_of_one_size_both_have_most_customers():
    found, dataset = _found()
    same = [group.model_copy(update={"share": 0.1 if i > 1 else 0.2}) for i, group in enumerate(found.groups)]
    told = tell.rfm(found.model_copy(update={"groups": tuple(same)}), dataset)
    assert re.search(r"Most customers: \w+ and \w+ \(\d+% each\)\. Most of monetary: ", told)


def test_the_grid_names_each_group_once_and_encloses_its_cells():
    found, dataset = _found()
    axes = plots.rfm(found, dataset)
    assert [ax.get_title(loc="left") for ax in axes] == ["share of customers", "share of monetary"]
    shares, values = group_texts(found, private=False)
    for ax, told in zip(axes, (shares, values), strict=True):
        texts = [text.get_text().replace("-\n", "").replace("\n", " ") for text in ax.texts]
        assert sorted(texts) == sorted(f"{name} {told[name]}" for name in IN_ORDER)
        places = {text.get_text().partition("\n")[0]: text.get_position() for text in ax.texts}
        assert (places["Loyal"], places["At risk"], places["New"]) == ((3.5, 4.5), (1.5, 3.5), (5, 1))
        names = np.array([USUAL_GRID[score] for score in range(1, 6)])
        parted = (names[1:] != names[:-1]).sum() + (names[:, 1:] != names[:, :-1]).sum()
        assert len(ax.lines) == 2 * 5 + parted  # the right and the upper side, and what parts two groups inside
    plt.close("all")
    assert plots.rfm(None, dataset) is None


def test_a_group_in_two_places_is_named_in_the_larger_one():
    rows = {5: "A B B A A", 4: "A B B A A", 3: "C C C C C", 2: "C C C C C", 1: "C C C C A"}
    more = "rfm:\n  groups:\n" + "".join(f"    {score}: [{', '.join(row.split())}]\n" for score, row in rows.items())
    [first, *_] = plots.rfm(*_found(more=more))
    assert {text.get_text()[0]: text.get_position() for text in first.texts} == {
        "A": (4.5, 4.5), "B": (2.5, 4.5), "C": (3, 2.5),
    }  # fmt: skip
    plt.close("all")


def test_what_nothing_is_shared_of_has_one_grid():
    axes = plots.rfm(*_found(monetary=-1.0))
    assert len(axes) == 1
    plt.close("all")


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (
            "natural",
            "Segments and RFM groups .* The segments carry the better evidence: they are groups",
        ),
        ("reproducible", "The segments carry the better evidence: .* came back"),
        ("constructive", "Parts and RFM groups .* Neither carries evidence of groups that exist"),
        ("none", "Neither carries evidence .* at least the cut that people know"),
    ],
)
def test_the_verdict_on_the_segments_says_which_carry_the_better_evidence(verdict, told):
    evidence = tell.rfm_evidence(*_found()[:1], verdict, _dataset())
    assert re.search(told, evidence)
    assert "RFM groups are a convention" in evidence
    assert evidence.endswith("no cell is ever natural.")


def test_agreement_is_told_in_words():
    found, dataset = _found()
    words = {0.81: "are nearly one division", 0.5: "agree in good part", 0.2: "agree in part", 0.19: "hardly agree"}
    for index, word in words.items():
        told = tell.rfm_evidence(found.model_copy(update={"agreement": index}), "natural", dataset)
        assert told.startswith(f"Segments and RFM groups {word} (adjusted Rand index {index:.2f}).")
    alone = tell.rfm_evidence(found.model_copy(update={"agreement": None}), "none", dataset)
    assert alone.startswith("There is one part alone, with which groups cannot be compared.")
    assert tell.rfm_within(found.model_copy(update={"within": {1: found.within[1]}}), dataset, NAMES) is None


def test_each_score_is_told_with_its_values_and_who_has_none():
    found, dataset = _found(more="rfm: {cuts: {recency: [30, 90, 180, 365]}}", frequency=1.0)
    table = tell.rfm_scores(found, dataset).set_index("score")
    assert table["Recency"].to_dict() == {
        "5": "up to 30", "4": "over 30 to 90", "3": "over 90 to 180", "2": "over 180 to 365", "1": "over 365",
    }  # fmt: skip
    assert table["Frequency"].tolist() == ["nobody"] * 4 + ["up to 1"]
    told = tell.rfm_cuts(found, dataset)
    assert (
        "cut at the points that dataset.yaml gives (recency), and at the quintiles (frequency and monetary value)"
        in told
    )
    assert "Scores that nobody has (frequency): 2, 3, 4 and 5, as happens with many customers of one value." in told
    private = tell.rfm_cuts(*_found("aggregate"))
    assert "The quintiles are rounded, as percentiles of private rows are." in private
    found = found.model_copy(update={"ungrouped": None})
    assert tell.rfm_cuts(found, dataset).endswith(
        "Fewer than 10 customers of whom one of the three is not known: in no group."
    )


def test_what_is_hidden_is_a_dash_in_each_table_and_said_in_the_figure():
    dataset = _dataset("aggregate")
    found = rfm_groups(Customers.of(dataset, _table(400, seed=3)))
    table = tell.rfm_table(found, dataset).set_index("group")
    hidden = [group.name for group in found.groups if group.customers is None]
    assert hidden
    assert {*table.loc[hidden].to_numpy().ravel()} == {"–"}
    assert "A dash is not shown" in tell.rfm_groups(found, dataset)
    assert {*tell.rfm_within(found, dataset, NAMES).set_index("group").loc[hidden].to_numpy().ravel()} <= {"–", "0%"}
    axes = plots.rfm(found, dataset)
    assert sum("not shown" in text.get_text().replace("\n", " ") for text in axes[0].texts) == len(hidden)
    plt.close("all")


def test_without_rfm_groups_nothing_is_said_but_where_they_are_asked_for():
    dataset = _dataset()
    told = [tell.rfm(None, dataset), tell.rfm_cuts(None, dataset), tell.rfm_groups(None, dataset)]
    assert [*told, tell.rfm_evidence(None, "natural", dataset)] == [""] * 4
    assert [tell.rfm_scores(None, dataset), tell.rfm_table(None, dataset), tell.rfm_within(None, dataset, NAMES)] == [
        None
    ] * 3
    asked = _dataset(more="rfm: {cuts: {recency: [1, 2, 3, 4]}}")
    assert tell.rfm_evidence(None, "natural", asked).startswith("dataset.yaml describes RFM groups; there are none")


def test_a_share_of_value_that_a_step_takes_for_nothing_is_told_as_little():
    found, _ = _found("aggregate")
    groups = (found.groups[0].model_copy(update={"value": 0.0, "customers": 20}), *found.groups[1:])
    assert group_texts(found.model_copy(update={"groups": groups}), private=True)[1]["Champions"] == "under 1%"
