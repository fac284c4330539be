"""A private table with awkward columns: nothing that belongs to fewer than ten customers is shown."""

import re

import numpy as np
import pandas as pd
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from segmentation.core.dataset import Dataset
from segmentation.core.files import read_json
from segmentation.core.privacy import (
    counted,
    dominated,
    in_tens,
    least,
    most_of,
    nearly_all,
    public,
    rung,
    step,
    tens,
    to_shares,
    to_step,
    withheld,
    withheld_beside,
)
from segmentation.customers.counts import Grouping
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import public_categories, shown_means
from segmentation.customers.tell import broken_rules
from segmentation.language.kept import Rule
from segmentation.runs import tell as runs_tell
from segmentation.runs.records import Account
from segmentation.segments.profiles import category_shares
from tests.conftest import Project, customers_of, shop_table


def _shown(project: Project) -> str:
    """Return everything that could be sent: the page, the executed notebooks and the figures."""
    files = [*(project.root / "report" / "shop").rglob("*.*"), *project.artifact("shop", "figures").iterdir()]
    texts = [path.read_text(encoding="utf-8") for path in files if path.suffix in (".html", ".ipynb", ".svg")]
    printed = pypdfium2.PdfDocument(project.root / "report" / "shop" / "report.pdf")
    return "\n".join(texts + [page.get_textpage().get_text_range() for page in printed])


def test_no_id_and_no_value_of_a_single_customer_is_shown(shop):
    shown, table = _shown(shop), shop_table()
    assert "customer-" not in shown
    for text in ("12345.6", "23,45", "23457", "34,568", "45,679", "56,789"):
        assert text not in shown
    for name in ("spend", "rate", "day"):
        for value in (table[name].min(), table[name].max()):
            assert f"{value:.5f}"[:7] not in shown


def test_executed_notebooks_of_a_private_table_say_first_that_they_are_not_for_sharing(shop):
    for path in sorted((shop.root / "report" / "shop" / "notebooks").glob("*.ipynb")):
        first = read_json(path)["cells"][0]
        assert "".join(first["source"]).startswith("**Not for sharing.**")
    assert "Not for sharing" not in shop.page("shop")
    assert shop.page("shop").count("Cleaning: which customers can we trust?") > 1  # in the list of chapters, and above


def test_no_count_of_one_to_nine_can_be_worked_out_from_the_rows():
    account = Account(
        rows_in=405, clean=400, customers=400, rejected=5, collapsed=0,
        rules={"age: is missing": 3, "spend: at least 0": 2}, mended={}, missing={}, imputed={}, numbers={}, repeated=0,
    )  # fmt: skip
    dataset = Dataset(title="T", columns={"spend": {"role": "feature"}})
    told = runs_tell.account(account, dataset)
    assert told.startswith("Rows in: over 400 rows = 400 clean + fewer than 10 refused. Every row is accounted for.")
    assert runs_tell.trust(account, dataset) == (
        "**400 rows of over 400 can be trusted**, and fewer than 10 rows were refused. The most frequent reason is "
        "“age: is missing”."
    )
    rules = broken_rules(account, dataset)["rows"].tolist()
    assert rules == ["fewer than 10", "fewer than 10", "400", "over 400"]
    many = account.model_copy(update={"rows_in": 423, "rejected": 23, "rules": {"a: b": 20, "c: d": 3}})
    assert broken_rules(many, dataset)["rows"].tolist() == ["not shown", "fewer than 10", "400", "423"]
    assert runs_tell.trust(many, dataset).startswith("**400 rows of 423 can be trusted**, and 23 rows were refused.")
    some = many.model_copy(update={"rows_in": 428, "collapsed": 5})
    copied = many.model_copy(update={"rows_in": 436, "rejected": 33, "collapsed": 3})
    copied.rules.update({"a: b": 26, "c: d": 7, f"id: {Rule.COPY}": 3})  # 33 are refused, so that 26 would tell of 7
    few = "fewer than 10"
    assert broken_rules(copied, dataset)["rows"].tolist() == ["not shown", few, few, "400", "over 433"]
    assert runs_tell.rows(some, counted) == "over 423 rows = 400 clean + 23 refused + fewer than 10 collapsed"
    assert runs_tell.rows_in(many.model_copy(update={"rows_in": 426, "rejected": 3, "collapsed": 23}), counted) == (
        "over 423"
    )
    assert "405 rows = 400 clean + 5 refused" in runs_tell.rows(account)  # in the terminal, of whoever has the table


def test_a_column_with_too_few_values_is_left_out(shop):
    described = read_json(shop.artifact("shop", "profiles.json"))["segments"][0]["descriptors"]
    assert described["salary"] == described["empty"] == {}
    assert described["fixed"] == {"mean": 7, "median": 7}
    assert not list(shop.artifact("shop", "figures").glob("05-by-salary*"))


def test_small_groups_and_what_would_reveal_them_are_hidden(shop):
    segments = read_json(shop.artifact("shop", "profiles.json"))["segments"]
    assert [segment["descriptors"]["n"].get("Oslo", 0) for segment in segments] == [0, 0, 0]
    drawn = shop.artifact("shop", "figures/05-by-n.svg").read_text()
    assert not re.search(r"Oslo \d+%", shop.page("shop"))
    assert not re.search(r">(82|83|17|18)%<", drawn)
    assert "groups of fewer than 10, and others that would give these away, are hidden" in shop.page("shop")


def test_a_small_category_cannot_be_worked_out_from_the_others(shop):
    shown = _shown(shop)
    assert "Hollow" not in shown
    assert not re.search(r"Mill 11\d", shown)
    assert "Village: groups of fewer than 10, and others that would give these away, are hidden." in shown


def test_small_numbers_and_columns_that_do_not_vary_are_told_as_they_are(shop):
    page = shop.page("shop")
    assert "nan" not in re.sub(r"<svg.*?</svg>|<pre>.*?</pre>", "", page, flags=re.S)
    assert "0.03 &lt;b&gt;" in page
    assert "Fixed is 7 for every customer." in page
    assert "Fixed: the median does not differ between the segments." in page


def _could_be(sizes: np.ndarray, low: np.ndarray, high: np.ndarray, totals: tuple, place: tuple) -> list[int]:
    """Return the least and the largest value of one count in any table with these bounds and sums."""
    rows, columns = low.shape
    within = [
        LinearConstraint(np.kron(np.eye(rows), np.ones(columns)), sizes, sizes),
        LinearConstraint(np.kron(np.ones(rows), np.eye(columns)), *totals),
    ]
    asked, ends = np.zeros(low.shape), []
    for sign in (1, -1):
        asked[place] = sign
        found = milp(asked.ravel(), integrality=1, constraints=within, bounds=Bounds(low.ravel(), high.ravel()))
        ends.append(round(sign * found.fun))
    return ends


def _hidden_values(counts: list[list[int]]) -> list[tuple]:
    """Attack a report: return each hidden count of one to nine with its least and largest value by all that is shown.

    Shown are the shares of each segment, of which the size is known, and all customers of a category in tens.
    """
    rows = [(s, f"c{c}") for s, row in enumerate(counts, start=1) for c, n in enumerate(row) for _ in range(n)]
    customers = customers_of(pd.DataFrame(rows, columns=["segment", "city"]), privacy="aggregate")
    shares, margins = category_shares(customers, "city", private=True), public_categories(customers, "city")
    table = customers.counts("city", by="segment").to_numpy()
    known, p = table.sum(axis=1, keepdims=True), shares.to_numpy()
    half = np.array([[rung(5 / n) / 2] for [n] in known])
    hidden, told = np.isnan(p), (~np.isnan(p)).any(axis=0)  # a category that no segment shows may be nobody's there
    least = np.maximum(np.ceil((p - half) * known - 1e-6), 10)
    most = np.ceil((p + half) * known - 1e-6) - 1
    low = np.where(hidden, told, np.where(p > 0, least, 0))
    high = np.where(hidden, known, np.where(p > 0, most, 0))
    tens = margins.reindex(shares.columns)
    totals = tens.fillna(0).to_numpy(), (tens + 9).fillna(known.sum()).to_numpy()
    places = np.argwhere(hidden & (table > 0) & (table < 10))
    return [(table[i, j], *_could_be(known[:, 0], low, high, totals, (i, j))) for i, j in places]


PLANTED = (  # each had a count that could be worked out from exact shares, sizes and sums
    [[8, 92, 0], [0, 40, 60], [15, 20, 65]],
    [[395, 5], [40, 60]],
    [[1, 58, 2], [50, 0, 25], [18, 58, 39], [58, 24, 30]],
)


@pytest.mark.parametrize("counts", PLANTED)
def test_no_hidden_category_of_a_planted_table_can_be_worked_out(counts):
    found = _hidden_values(counts)
    assert found
    for count, low, high in found:
        assert low <= count <= high
        assert high - low >= 4


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    st.integers(2, 5).flatmap(
        lambda n: st.lists(st.lists(st.integers(0, 45), min_size=n, max_size=n), min_size=1, max_size=4)
    )
)
def test_no_hidden_category_can_be_worked_out_from_shares_sizes_margins_and_zeros(counts):
    """The attacker solves an integer program with everything that the report shows: five values are left or more."""
    counts = [row for row in counts if sum(row) >= 10]
    for count, low, high in _hidden_values(counts) if counts else []:
        assert low <= count <= high
        assert high - low >= 4


def test_a_hidden_share_of_yes_is_not_the_only_one_that_is_hidden():
    """Beside the share of all, and those of all other segments, one alone could be worked out."""
    rows = [(s, float(i < yes)) for s, (yes, n) in enumerate([(3, 40), (50, 100), (27, 60)], 1) for i in range(n)]
    dataset = Dataset(title="T", columns={"app": {"role": "feature", "type": "yes/no"}})
    customers = Customers.of(dataset, pd.DataFrame(rows, columns=["segment", "app"]))
    means = shown_means(customers, customers.means(["app"]), Grouping("segment"))["app"].tolist()
    assert np.isnan(means[0])
    assert np.isnan(means[1:]).sum() == 1


@pytest.mark.parametrize(
    "counts",
    [[[100, 12, 0], [0, 100, 9], [0, 0, 50]], [[40, 3, 0], [0, 60, 0], [7, 0, 90]], [[19, 9], [11, 40]]],
)
def test_no_hidden_move_between_two_runs_can_be_worked_out_where_all_sizes_are_known(counts):
    """Here the sizes of the earlier segments and of those now are exact, zeros are shown, and the others in tens."""
    table = np.array(counts)
    tens = in_tens(table)
    most = np.where(table, tens + 9, 0)
    hidden = withheld_beside(tens, table, most)
    low, high = np.where(hidden, table > 0, tens), np.where(hidden, table.sum(axis=1, keepdims=True), most)
    sums = table.sum(axis=0)
    for place in map(tuple, np.argwhere((table > 0) & (table < 10))):
        least, largest = _could_be(table.sum(axis=1), low, high, (sums, sums), place)
        assert least <= table[place] <= largest
        assert largest - least >= 4


def test_how_many_of_all_is_told_without_the_few_that_are_missing():
    assert [most_of(n, 400) for n in (400, 395, 371)] == ["all", "all but fewer than 10", "about 92%"]


def test_a_share_is_never_told_finer_than_five_customers_nor_ten_as_none():
    shares, low, high = to_shares(np.array([[10, 90, 0], [10, 1_190, 0], [10, 10, 10]]))
    assert shares.tolist() == [[0.1, 0.9, 0], [0.01, 0.99, 0], [0.4, 0.4, 0.4]]
    assert (low[0].tolist(), high[0].tolist()) == ([10, 88, 0], [12, 92, 0])
    assert (high - low)[shares > 0].min() >= 2


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 25), min_size=3, max_size=3), min_size=2, max_size=5))
def test_no_hidden_group_can_be_worked_out_from_the_sums(counts):
    rows = [(s, c) for s, row in enumerate(counts, start=1) for c, n in enumerate(row) for _ in range(n)]
    if not rows:
        return
    customers = pd.DataFrame(rows, columns=["segment", "city"])
    table = pd.crosstab(customers["segment"], customers["city"])
    shares = category_shares(customers_of(customers), "city", private=True)
    hidden = shares.isna()
    assert not ((table > 0) & (table < 10) & ~hidden).any(axis=None)
    for axis in (0, 1):
        sums = table.where(hidden, 0).sum(axis=axis)
        whole = (table.where(~hidden, 0).sum(axis=axis)) == 0
        assert ((sums == 0) | (sums >= 10) | whole).all()
    everyone = table.where(hidden, 0).to_numpy().sum()
    assert everyone == 0 or everyone >= 10 or not table.where(~hidden, 0).to_numpy().any()


def test_a_hidden_group_cannot_be_worked_out_from_the_whole_table():
    hidden = withheld(np.array([[3, 0, 0], [0, 500, 0], [0, 0, 40]]))
    assert hidden.tolist() == [[True, False, False], [False, False, False], [False, False, True]]


def test_numbers_of_fewer_than_ten_are_told_in_words_where_a_table_is_private():
    assert [public(n, private=True) for n in (0, 9, 10, 1234)] == ["fewer than 10", "fewer than 10", "10", "1,234"]
    assert [public(n, "value", private=True) for n in (9, 10)] == ["fewer than 10 values", "ten values"]
    assert [counted(n) for n in (0, 1, 10)] == ["0", "fewer than 10", "10"]
    assert [tens(n, private=True) for n in (0, 9, 402)] == ["0", "fewer than 10", "400 or more"]
    assert [nearly_all(n, 402, private=True) for n in (3, 40, 395, 402)] == ["fewer than 10", "40", "over 392", "402"]
    assert [public(n, "value", private=False) for n in (0, 1)] == ["no values", "one value"]
    assert [least(private) for private in (True, False)] == [10, 1]


def test_a_step_is_one_two_or_five_and_not_below_the_range_of_one_customer():
    assert [rung(least) for least in (0.03, 1, 1.1, 4, 6, 480.1)] == [0.05, 1, 2, 5, 10, 500]
    assert step(300, 0, 3_000) == 10
    assert step(10, 7, 7) == step(0, 0, 1) == 0


def test_values_are_rounded_to_a_step_halves_upwards_and_intervals_outwards():
    assert [to_step(value, 0.1) for value in (0.25, 0.34, -0.25, -0.01)] == [0.3, 0.3, -0.2, 0]
    assert [to_step(41.234, 5, towards) for towards in ("low", "nearest", "high")] == [40, 40, 45]
    assert [to_step(0.3, 0.1, towards) for towards in ("low", "nearest", "high")] == [0.3] * 3  # 0.3 / 0.1 is below 3
    assert to_step(np.array([12_449.0, 12_450.0]), 100).tolist() == [12_400, 12_500]
    assert to_step(1 / 3, 0) == 1 / 3


def test_a_sum_is_dominated_by_one_or_two_customers():
    assert dominated(100, 76, 1)  # more than three quarters are of one
    assert dominated(100, 50, 36)  # more than 85% of two
    assert dominated(100, 60, 35)  # the others are less than 15% of the largest: the second knows the first to that
    assert not dominated(100, 40, 30)
    assert not dominated(0, 0, 0)
    assert dominated(np.array([100, 100]), np.array([76, 40]), np.array([1, 30])).tolist() == [True, False]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=10, max_size=60),
    st.floats(-1e7, 1e7, width=32),
    st.sampled_from([1, 0.01, 1e3]),
)
def test_two_published_means_leave_a_newcomer_open_by_half_the_range(values, newcomer, unit):
    """Whoever came may be anything within the range whose means with and without round to the same two figures."""
    then, now = np.array(values) * unit, np.array([*values, newcomer]) * unit
    steps = [step(len(group), group.min(), group.max()) for group in (then, now)]
    shown = [to_step(group.mean(), at) for group, at in zip((then, now), steps, strict=True)]
    ends = [
        len(now) * (shown[1] + side * steps[1] / 2) - len(then) * (shown[0] - side * steps[0] / 2) for side in (-1, 1)
    ]
    spread = np.ptp(now)
    assert ends[0] - 1e-6 * spread <= now[-1] <= ends[1] + 1e-6 * spread
    assert ends[1] - ends[0] >= spread / 2
