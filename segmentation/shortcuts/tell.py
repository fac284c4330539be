"""What is said of rules of thumb and of short questionnaires."""

from collections.abc import Sequence

import pandas as pd

from segmentation.core import privacy
from segmentation.core.dataset import Dataset
from segmentation.core.privacy import about
from segmentation.core.text import count, escape
from segmentation.evidence.decision import NEARLY_SAME
from segmentation.language.writing import decimal, listing, percent, sentence
from segmentation.runs.artifacts import SUFFICIENT, ShortForm
from segmentation.runs.records import Rules
from segmentation.shortcuts.rules import FOLDS

RULE_FORMATS = {"agree": percent}
SHORTCUT_CAPTIONS = {
    "matter": "What each feature adds: the agreement lost without it, and how far the segments differ in it.",
    "questions": "The questions that tell most, one more in each row, and whom they place rightly.",
}
MATTER_FORMATS = {"lost without it": decimal, "between the segments": percent}
QUESTION_FORMATS = {"placed rightly": percent}


def rules(rules: Rules, segments: int) -> str:
    """Say how well the rules repeat the segments, on these customers and on others, and which segment has none."""
    without = sorted(set(range(1, segments + 1)) - {leaf.segment for leaf in rules.leaves})
    share, tens = percent(rules.cross_validated, 1), " Customers are counted in tens." if rules.private else ""
    share = f"about {about(rules.cross_validated, rules.customers)}" if rules.private else share
    told = f"{fidelity(rules)}; grown without the customers that they are asked about, {share}"
    told = f"{told} ({FOLDS}-fold cross-validation).{tens}"
    verb = "Segment {} has" if len(without) == 1 else "Segments {} have"
    return f"{told} {verb.format(listing(without))} no rule." if without else told


def fidelity(rules: Rules) -> str:
    """Say how many customers get the same segment from the rules."""
    rules_give = sentence(count(len(rules.leaves), "rule gives", "rules give"))
    right, customers = rules.right, rules.customers
    if rules.private:
        return f"{rules_give} {privacy.most_of(right, customers)} of {customers:,} customers their segment"
    return f"{rules_give} {right:,} of {customers:,} customers ({percent(right / customers, 1)}) their segment"


def questions_table(forms: Sequence[ShortForm], dataset: Dataset) -> pd.DataFrame:
    """Return one row a question: which, after how many, and the share placed rightly by it and those above it."""
    rows = [(len(form.features), dataset.label(form.features[-1]), form.right) for form in forms]
    return pd.DataFrame(rows, columns=["questions", "the next question", "placed rightly"])


def questions(forms: Sequence[ShortForm], asked: int, dataset: Dataset) -> str:
    """Say how few questions place 90% and 95% of the customers rightly, or that no few do."""
    if not forms:
        return "" if asked > 1 else "There is one question alone, which no shorter form can leave out."
    reached: dict[int, list[str]] = {}
    for level in SUFFICIENT:
        enough = (n for n, form in enumerate(forms) if form.right >= level)
        reached.setdefault(next(enough, -1), []).append(percent(level))
    return " ".join(_tell_form(forms, n, levels, asked, dataset) for n, levels in reached.items())


def _tell_form(forms: Sequence[ShortForm], at: int, levels: list[str], asked: int, dataset: Dataset) -> str:
    """Say which form places so many rightly; of none, how far they get."""
    found, most = forms[at], percent(max(form.right for form in forms))
    n = len(found.features)
    if at < 0:
        those = "One question alone does not place" if n == 1 else f"No form of up to {count(n, 'question')} places"
        return f"{those} {' or '.join(levels)} of customers rightly; the most is {most}."
    which = listing(escape(dataset.label(name)) for name in found.features)
    verb = "places" if n == 1 else "place"
    return f"{sentence(count(n, 'question'))} of {asked:,} ({which}) {verb} {listing(levels)} of customers rightly."


def matter_table(found: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Return what each feature adds, under the heads that a reader sees."""
    names = {"loss": "lost without it", "between": "between the segments"}
    return found.assign(feature=found["feature"].map(dataset.label)).drop(columns="noise").rename(columns=names)


def which_matter(found: pd.DataFrame, dataset: Dataset) -> str:
    """Say on which feature the segments hang most, and which only add noise."""
    if found.empty:
        return ""
    first, noise = found.iloc[0], found[found["noise"]]["feature"]
    told = f"Most is lost without {escape(dataset.label(first['feature']))} ({decimal(first['loss'])})."
    if first["loss"] <= 1 - NEARLY_SAME:
        told = f"Without any one feature nearly the same segments are drawn (at most {decimal(first['loss'])} is lost)."
    if noise.empty:
        return told
    which, verb = listing(escape(dataset.label(name)) for name in noise), "adds" if len(noise) == 1 else "add"
    return f"{told} {which} only {verb} noise: the segments are alike in it, and nearly the same without it."
