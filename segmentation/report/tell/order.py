"""What to do first: the segments in the order of what is at stake, and how sure each of them is."""

from segmentation.core.dataset import Dataset
from segmentation.core.privacy import significant
from segmentation.language import tr, trn
from segmentation.language.writing import sentence, whole
from segmentation.report.tell.card import stabilities
from segmentation.runs import tell as runs_tell
from segmentation.runs.artifacts import Lineage, Profiles, Selection
from segmentation.runs.records import Profile, Stability


def in_order(
    told: list[dict], selection: Selection, profiles: Profiles, dataset: Dataset, lineage: Lineage | None
) -> dict:
    """Return the cards with most at stake first, each with its `stake` and its `sure`, and in `first` what orders them.

    What is at stake is the main value where it is shared out, else the customers; what is not shown comes last.
    """
    parts = {part.segment: part.share for part in profiles.worth[0].parts} if runs_tell.worth_shares(profiles) else {}
    rows = [
        card | {"stake": _stake(own, parts.get(own.segment), profiles, dataset), "sure": _sure(stable, selection)}
        for card, own, stable in zip(told, profiles.segments, stabilities(selection, lineage), strict=True)
    ]
    sizes = {own.segment: (parts.get(own.segment) or 0, own.size) for own in profiles.segments}
    rows.sort(key=lambda row: sizes[row["segment"]], reverse=True)
    return {"ordered": rows, "first": _first(rows, bool(parts), profiles, dataset)}


def _first(rows: list[dict], valued: bool, profiles: Profiles, dataset: Dataset) -> str:
    """Say what the segments are ordered by; "" of a single one."""
    if len(rows) < 2:
        return ""
    if valued:
        return tr("Ordered by {value}, the most first.", value=dataset.words(profiles.worth[0].column))
    return tr("Ordered by customers, the most first.")


def _stake(own: Profile, share: float | None, profiles: Profiles, dataset: Dataset) -> str:
    """Say how many customers a segment has, and where it is shown what they have of the main value, and one of them."""
    customers = sentence(trn("{n} customer", "{n} customers", own.size))
    main = profiles.worth[0] if share else None
    if main is None or main.total is None or not share:
        return f"{customers}."
    each = next(part.each for part in main.parts if part.segment == own.segment)
    about = significant(main.total * share, digits=3)
    told = {"customers": customers, "value": dataset.words(main.column), "total": dataset.measured(main.column, about)}
    if each is None:
        return tr("{customers}, together about {total} of {value}.", **told)
    return tr(
        "{customers}, together about {total} of {value}: {each} a customer.",
        **told,
        each=dataset.measured(main.column, each),
    )


def _sure(stable: Stability | None, selection: Selection) -> str:
    """Say in how many repeats a segment came back: had more than half in common with one that was found there."""
    if stable is None or selection.verdict == "none":
        return ""
    back, repeats = round((1 - stable.dissolved) * selection.resamples), selection.resamples
    if back == repeats:
        return tr("It came back in every one of {n} repeats.", n=whole(repeats))
    return tr("It came back in {m} of {n} repeats.", m=whole(back), n=whole(repeats))
