"""What is said of rules of thumb and of short questionnaires."""

from segmentation.core import privacy
from segmentation.core.privacy import about
from segmentation.core.text import count, listing, percent, sentence
from segmentation.runs.records import Rules
from segmentation.shortcuts.rules import FOLDS

RULE_FORMATS = {"agree": percent}


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
        return f"{rules_give} {privacy.most_of(right, customers)} of {customers:,} customers the segment of K-Means"
    return f"{rules_give} {right:,} of {customers:,} customers ({percent(right / customers, 1)}) the segment of K-Means"
