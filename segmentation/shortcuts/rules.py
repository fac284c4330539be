"""Rules that a colleague can apply without Python: a small decision tree, and the same in SQL."""

from collections.abc import Iterator
from functools import partial

import ibis
import numpy as np
import pandas as pd
from sklearn.model_selection import KFold
from sklearn.tree import DecisionTreeClassifier
from sqlglot import exp

from segmentation.core.engine import double
from segmentation.core.parallel import spread
from segmentation.core.privacy import SMALLEST_GROUP, least, rung, to_step
from segmentation.customers.customers import Customers
from segmentation.runs.records import Leaf, Rules
from segmentation.runs.run import Run
from segmentation.segments.model import sql_heading, sql_number, write_queries

MORE_LEAVES = 2
FOLDS = 10
EXACT_DIGITS = 15  # a decimal of as many becomes the nearest double in every database


def grow_rules(customers: pd.DataFrame, features: list[str], *, private: bool) -> Rules:
    """Grow a decision tree (Breiman et al. 1984) on the features in original units that tells the segments apart.

    It has as many leaves as there are segments, or up to two more: the fewest whose share of customers told right in
    ten-fold cross-validation is within one standard error of the best (the 1-SE rule of the same book). Each threshold
    is rounded as far as it still divides the customers as the tree does.

    Parameters
    ----------
    customers : DataFrame
        segment (from 1) and features.
    private : bool
        Whether every leaf must hold ten customers, and no threshold tell where fewer stand.
    """
    X, segments = customers[features].to_numpy(float), customers["segment"].to_numpy()
    # Trees see single precision: ranks divide the customers in the same way, whatever the unit.
    ranks = np.column_stack([np.unique(column, return_inverse=True)[1] for column in X.T])
    k = len(np.unique(segments))
    sizes = [max(leaves, 2) for leaves in range(k, k + MORE_LEAVES + 1)]
    folds = [*KFold(min(FOLDS, len(X)), shuffle=True, random_state=0).split(ranks)]
    scores = np.transpose(spread(_shares_right, folds, ranks, segments, sizes, least(private)))
    chosen = _fewest_within_one_error(scores)
    tree = _tree(sizes[chosen], least(private)).fit(ranks, segments).tree_
    leaves = [_leaf(dict(zip(features, bounds, strict=True)), segments[inside])
              for bounds, inside in _leaves(tree, ranks, X, private)]  # fmt: skip
    return Rules(
        leaves=tuple(sorted(leaves, key=lambda leaf: (leaf.segment, -leaf.customers))),
        customers=len(X),
        right=sum(leaf.right for leaf in leaves),
        cross_validated=scores[chosen].mean(),
        **({"private": True} if private else {}),
    )


def count_rules(rules: Rules, customers: Customers) -> Rules:
    """Return the rules with the customers whom each holds, of all customers, not of the sample that they grew on."""
    if not customers.sampled:
        return rules
    table = customers.table
    inside = [(ibis.and_(table["segment"].notnull(), *_inside(leaf.bounds, table)), i)
              for i, leaf in enumerate(rules.leaves)]  # fmt: skip
    held = table.select("segment", leaf=ibis.cases(*inside)).group_by("leaf", "segment").agg(n=ibis._.count())
    counts = held.filter(held["leaf"].notnull()).to_pandas().set_index(["leaf", "segment"])["n"]
    leaves = tuple(
        leaf.model_copy(
            update={
                "customers": int(counts[counts.index.get_level_values("leaf") == i].sum()),
                "right": int(counts.get((i, leaf.segment), 0)),
            }
        )
        for i, leaf in enumerate(rules.leaves)
    )
    right = sum(leaf.right for leaf in leaves)
    return rules.model_copy(update={"leaves": leaves, "customers": customers.number, "right": right})


def _inside(bounds: dict[str, tuple], table: ibis.Table) -> Iterator[ibis.Value]:
    """Yield what a customer within the bounds meets."""
    for feature, (above, up_to) in bounds.items():
        yield from [table[feature] > double(above)] if above is not None else []
        yield from [table[feature] <= double(up_to)] if up_to is not None else []


def _shares_right(fold: tuple, ranks: np.ndarray, segments: np.ndarray, sizes: list[int], fewest: int) -> list[float]:
    """Grow trees of each number of leaves on some customers, and return the shares of the others that they tell right.

    They are one: a tree grows by the best leaf next, so that a smaller one is the larger one's first nodes.
    """
    grown_on, asked_about = fold
    grown = _tree(max(sizes), fewest).fit(ranks[grown_on], segments[grown_on])
    told = grown.classes_[grown.tree_.value[:, 0].argmax(axis=1)]
    at, before = grown.apply(ranks[asked_about]), _parents(grown.tree_)
    return [float(np.mean(told[_first(before, 2 * leaves - 1)[at]] == segments[asked_about])) for leaves in sizes]


def _parents(tree) -> np.ndarray:
    """Return the node above each, 0 above the first."""
    above = np.zeros(tree.node_count, int)
    for children in (tree.children_left, tree.children_right):
        above[children[children > 0]] = np.flatnonzero(children > 0)
    return above


def _first(parents: np.ndarray, nodes: int) -> np.ndarray:
    """Return for each node itself, or the node above it that is one of the first."""
    found = np.arange(len(parents))
    for node in range(nodes, len(parents)):
        found[node] = found[parents[node]]
    return found


def _fewest_within_one_error(scores: np.ndarray) -> int:
    """Return the first row whose mean is within one standard error of the best row's."""
    means, best = scores.mean(axis=1), scores.mean(axis=1).argmax()
    error = scores[best].std(ddof=1) / np.sqrt(scores.shape[1])
    return int(np.flatnonzero(means >= means[best] - error)[0])


def _tree(leaves: int, fewest: int) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=fewest, random_state=0)


def _leaves(tree, ranks: np.ndarray, X: np.ndarray, private: bool, node: int = 0, inside=None, bounds=None):
    """Yield the bounds of each leaf, one (above, up to) a feature, and which customers lie in it."""
    inside = np.ones(len(X), bool) if inside is None else inside
    bounds = [(None, None)] * X.shape[1] if bounds is None else bounds
    if tree.children_left[node] < 0:
        yield bounds, inside
        return
    i = tree.feature[node]
    left = ranks[:, i] <= tree.threshold[node]
    threshold = _threshold(X[inside & left, i], X[inside & ~left, i], private, whole=not np.any(X[:, i] % 1))
    if threshold is None:
        yield bounds, inside
        return
    left = X[:, i] <= threshold
    above, up_to = bounds[i]
    for child, side, bound in (
        (tree.children_left[node], left, (above, threshold)),
        (tree.children_right[node], ~left, (threshold, up_to)),
    ):
        yield from _leaves(tree, ranks, X, private, child, inside & side, [*bounds[:i], bound, *bounds[i + 1 :]])


def _threshold(below: np.ndarray, above: np.ndarray, private: bool, *, whole: bool) -> float | None:
    """Return a threshold between values; None where none that may be shown leaves ten customers on either side.

    Where rows are private and fewer than ten have the values beside it, it is one of the steps that span ten.
    """
    if not private:
        return shortest_between(below.max(), above.min(), whole=whole)
    if min(len(below), len(above)) < SMALLEST_GROUP:
        return None
    below, above = np.sort(below), np.sort(above)
    exact = shortest_between(below[-1], above[0], whole=whole)
    if below[-SMALLEST_GROUP] == below[-1] and above[SMALLEST_GROUP - 1] == above[0]:
        return exact
    five, values = SMALLEST_GROUP // 2, np.concatenate([below, above])
    coarse = rung(above[five - 1] - below[-five])
    for towards in ("nearest", "low", "high"):
        threshold = float(to_step(exact, coarse, towards))
        if SMALLEST_GROUP <= (values <= threshold).sum() <= len(values) - SMALLEST_GROUP:
            return threshold
    return None


def shortest_between(low: float, high: float, *, whole: bool = False) -> float:
    """Return the middle of `low` and `high`, rounded as far as it stays at or above `low` and below `high`.

    Between 1 and 2, where all values are `whole` numbers, that is 1 and not 1.5.
    """
    for decimals in range(-int(np.log10(max(abs(low), abs(high), 1))) - 1, 1 if whole else 17):
        number = round((low + high) / 2, decimals)
        if low <= number < high:
            return float(number) + 0  # never -0
    return float(low)


def _leaf(bounds: dict[str, tuple], segments: np.ndarray) -> Leaf:
    sizes = np.bincount(segments)
    return Leaf(segment=int(sizes.argmax()), bounds=bounds, customers=len(segments), right=int(sizes.max()))


def write_rules(study: Run, rules: Rules, names: dict[int, str], heading: str) -> None:
    """Write rules.sql for each kind of database."""
    write_queries(study, "rules", partial(write_sql, rules, names, heading))


def write_sql(rules: Rules, names: dict[int, str], heading: str, dialect: str = "postgres") -> str:
    """Return the rules as a SQL CASE expression on the columns named as in dataset.yaml.

    Where a value is missing that a rule asks for, it gives NULL.

    Parameters
    ----------
    names : dict
        segment -> its name, for the comments.
    heading : str
        What the first comments say, beside for which databases it is.
    dialect : str
        A key of `DIALECTS`.
    """
    whens = [
        f"  WHEN {_condition(leaf.bounds).sql(dialect)} THEN {leaf.segment} -- {' '.join(names[leaf.segment].split())}"
        for leaf in rules.leaves
    ]
    return "\n".join([sql_heading(heading, dialect), "CASE", *whens, "END\n"])


def _condition(bounds: dict[str, tuple]) -> exp.Expr:
    parts: list[exp.Expr] = []
    for feature, (above, up_to) in bounds.items():
        column = exp.column(feature, quoted=True)
        parts += [column > _sql_bound(above)] if above is not None else []
        parts += [column <= _sql_bound(up_to)] if up_to is not None else []
    return exp.and_(*parts) if parts else exp.condition("1 = 1")


def _sql_bound(number: float) -> exp.Literal:
    """Write a number as in the text where no database reads another one, else as a double."""
    is_exact = float(f"{number:.{EXACT_DIGITS}g}") == number
    return exp.Literal(this=exactly(number), is_string=False) if is_exact else sql_number(number)


def exactly(number: float) -> str:
    return repr(number).removesuffix(".0")
