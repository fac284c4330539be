"""What is said of who the segments are: sizes, centres, indices, and what describes them."""

from collections.abc import Mapping
from functools import partial

import pandas as pd

from segmentation.core import privacy
from segmentation.core.dataset import Dataset
from segmentation.core.privacy import DASH, FEWER, HIDDEN, tell_quantiles
from segmentation.core.text import escape
from segmentation.customers.customers import Customers
from segmentation.customers.exploring import MOST_DRAWN_ROWS, MOST_PANELS
from segmentation.evidence.decision import LEVEL, SIGNIFICANT, SMALL, counted
from segmentation.language import tr, trc, trn, writing
from segmentation.language.writing import listing, percent, ranging, sentence, share_texts, whole
from segmentation.roles.known import Said, said
from segmentation.runs.records import Profile, Verdict
from segmentation.runs.tell import segment_shares, transformed, unindexed
from segmentation.segments.names import quoted
from segmentation.segments.profiles import category_shares, largest_first, levels_beside, most_telling, segment_medians
from segmentation.segments.tell.forming import ALONE, called, tell_hidden

MOST_WITH_LEVELS = 7  # segments whose levels one sentence tells


def who(profiles: list[Profile], verdict: Verdict) -> str:
    """Return the answer of the fifth chapter: the segments with their shares and levels, the largest first."""
    if len(profiles) == 1:
        return tr("**All customers are one part.**")
    share = segment_shares(profiles)
    beside = levels_beside if len(profiles) <= MOST_WITH_LEVELS else lambda profile: ""  # else it is a page of them
    told = [f"{escape(quoted(p.name))} ({share[p.segment]}{beside(p)})" for p in largest_first(profiles)]
    return tr("**{segments}**: {names}.", segments=sentence(counted(len(profiles), verdict)), names=listing(told))


def size_table(profiles: list[Profile]) -> pd.DataFrame | None:
    """Return number, name, levels where these are not the name, size and share as text, the largest first."""
    if len(profiles) == 1:
        return None
    shares, shown = segment_shares(profiles), largest_first(profiles)
    heads = {trc("head", "no."): [str(p.segment) for p in shown], trc("head", "segment"): [p.name for p in shown]}
    levels = {trc("head", "levels"): [p.level_name for p in shown]} if any(map(levels_beside, profiles)) else {}
    counted = {
        trc("head", "customers"): [whole(p.size) for p in shown],
        trc("head", "share"): [shares[p.segment] for p in shown],
    }
    return pd.DataFrame(heads | levels | counted)


def recommended(profiles: pd.DataFrame) -> str:
    """Return the caption of what is recommended: by dataset.yaml, or where it says nothing, by the levels."""
    told = tr("What dataset.yaml recommends for each segment.")
    return (
        f"{told} {tr('Where it gives no action, a suggestion by the levels.')}" if any(profiles["suggested"]) else told
    )


def sizes(profiles: list[Profile], resamples: int) -> str:
    """Say how large the largest and the smallest segment are, and what the bars mean."""
    if len(profiles) == 1:
        return tr(ALONE)
    (largest, *_, smallest), shares = largest_first(profiles), segment_shares(profiles)
    bars = tr("Bars: {level} intervals over {resamples} resamples.", level=percent(LEVEL), resamples=whole(resamples))
    if largest.size == smallest.size:
        each = trn("Each segment holds {n} customer.", "Each segment holds {n} customers.", largest.size)
        return f"{each} {bars}"
    top, low = (sum(p.size == end.size for p in profiles) > 1 for end in (largest, smallest))
    most, least = ({"segment": escape(quoted(end.name)), "share": shares[end.segment]} for end in (largest, smallest))
    told = (
        tr("One of the largest segments, {segment}, holds {share} of the customers.", **most)
        if top
        else tr("The largest segment, {segment}, holds {share} of the customers.", **most),
        tr("One of the smallest, {segment}, holds {share}.", **least)
        if low
        else tr("The smallest, {segment}, holds {share}.", **least),
    )
    return " ".join([*told, bars])


def centre_intervals(profiles: list[Profile], dataset: Dataset) -> str:
    """Say what the table of centres shows, and of what is transformed how its centre differs from its mean."""
    told = [
        tr(
            "Centre in original units with its {level} interval, and index against the centre of all = 100.",
            level=percent(LEVEL),
        )
    ]
    if bent := transformed(profiles[0], dataset):
        told.append(
            tr(
                "Mean on the transformed scale, transformed back, with the plain mean behind it: {features}.",
                features=bent,
            )
        )
    return " ".join([*told, tr(DASH)] if any(profile.hides for profile in profiles) else told)


def centres(profiles: list[Profile], dataset: Dataset, features: list[str]) -> str:
    """Say for each feature which segment has the highest and which the lowest centre, and what line and bars mean."""
    if len(profiles) == 1:
        return tr(ALONE)
    known, drawn = said(dataset), _most_telling([{f: p.centre[f] for f in features} for p in profiles], MOST_PANELS)
    tells = [_tell_ends(profiles, f, dataset, known.get(f)) for f in drawn] + _some_drawn(len(drawn), len(features))
    return " ".join([*tells, tr("Dashed: the centre of all customers; bars: {level} intervals.", level=percent(LEVEL))])


def _most_telling(values: list[dict], most: int) -> list[str]:
    return most_telling(pd.DataFrame(values).astype(float), most)


def _some_drawn(drawn: int, n: int) -> list[str]:
    """Say which of so many features are drawn, where not all are."""
    told = tr(
        "Of {n} features those {drawn} are drawn in which the segments differ most.", n=whole(n), drawn=whole(drawn)
    )
    return [told] if drawn < n else []


def _tell_ends(profiles: list[Profile], f: str, dataset: Dataset, own: Said | None) -> str:
    """Say where a feature is highest and lowest; where people have words for its ends, from which to which it runs."""
    label, told = escape(dataset.label(f)), []
    values = [value for p in profiles if (value := p.centre[f]) is not None]
    if len(values) < len(profiles):
        return tell_hidden(dataset, f, values)
    if len({*values}) == 1:
        return tr("{label} does not differ.", label=label)
    for level, end in (("low", min), ("high", max)):
        there = [p for p in profiles if p.centre[f] == end(values)]
        word = own.word(level) if own and {p.levels[f] for p in there} == {level} else ""
        word = "" if all(word in p.name.lower() for p in there) else f" ({escape(word)})"
        told.append((dataset.measured(f, there[0].centre[f]), listing(escape(quoted(p.name)) for p in there), word))
    (low, bottom, few), (high, top, many) = told
    if own is None or not own.are_words:
        at = {"high": high, "highest": top, "low": low, "lowest": bottom}
        return tr("{label} is highest in {highest} ({high}) and lowest in {lowest} ({low}).", label=label, **at)
    at = {"high": high, "highest": f"{top}{many}", "low": low, "lowest": f"{bottom}{few}"}
    return tr("{label} runs from {low} in {lowest} to {high} in {highest}.", label=label, **at)


def small(profiles: list[Profile]) -> str:
    """Warn of the segments whose figures rest on few customers."""
    small = [escape(quoted(profile.name)) for profile in profiles if profile.size < SMALL]
    if not small:
        return tr("Every segment has {least} customers or more.", least=whole(SMALL))
    if len(profiles) == 1:
        return tr(
            "**Small:** there are fewer than {least} customers; their intervals are wide, and details are guesses.",
            least=whole(SMALL),
        )
    return trn(
        "**Small:** {segments} has fewer than {least} customers; intervals there are wide, and details are guesses.",
        "**Small:** {segments} have fewer than {least} customers; intervals there are wide, and details are guesses.",
        len(small),
        segments=listing(small),
        least=whole(SMALL),
    )


def index(profiles: list[Profile], dataset: Dataset) -> str:
    """Say which segment stands farthest from the centre of all customers, and in which feature."""
    if len(profiles) == 1:
        return tr(ALONE)
    cells = [(abs(v - 100), p, f, v) for p in profiles for f, v in p.index.items() if v is not None]
    if not cells:
        dash = [tr(DASH)] if any(p.hides for p in profiles) else []
        return " ".join([tr("A feature with values below 0 has no index."), *dash])
    _, profile, feature, index = max(cells, key=lambda cell: cell[0])
    told = tr(
        "Against the centre of all customers = 100, {segment} stands out most: {feature} at {index}.",
        segment=escape(quoted(profile.name)),
        feature=escape(dataset.label(feature)),
        index=writing.show_index(index),
    )
    without = escape(unindexed(profile, dataset))
    left = [tr("Left out, because values below 0 have no index: {features}.", features=without)] if without else []
    n = len(profiles[0].index)
    return " ".join([told, *left, *_some_drawn(min(n, MOST_DRAWN_ROWS), n)])


def by_category(customers: Customers, columns: list[str], names: Mapping[int, str] | None = None) -> dict[str, str]:
    """Say of each column of categories how the segments differ in it."""
    return {name: _tell_shares(customers, name, names) for name in columns}


def by_number(customers: Customers, columns: list[str], names: Mapping[int, str] | None = None) -> dict[str, str]:
    """Say of each numeric column how the segments differ in it."""
    return {name: _tell_medians(customers, name, names) for name in columns}


def _tell_medians(customers: Customers, name: str, names: Mapping[int, str] | None) -> str:
    """Say between which segments the median ranges, and how to read the bars."""
    dataset, private = customers.dataset, customers.private
    medians = segment_medians(customers, name, private=private).reindex(customers.counts("segment").index)
    few, none = (
        tr("fewer than {least} customers there have a value", least=whole(privacy.SMALLEST_GROUP)),
        tr("no customer there has a value"),
    )
    why, label = few if private else none, escape(dataset.label(name))
    texts = medians.map(partial(dataset.one, name))
    known, ends = medians.dropna(), _ranging(medians, texts, names)
    if len(medians) == 1 or len(known) < 2:
        told = _uncompared(label, len(medians), why)
    elif ends:
        told = tr("{label}: the median runs from {ends}.", label=label, ends=ends)
    else:
        told = tr("{label}: the median does not differ between the segments.", label=label)
    boxes = tell_quantiles(private=private) if len(known) else ""
    return " ".join(filter(None, [told, _left_out(medians, why, names), boxes]))


def _tell_shares(customers: Customers, name: str, names: Mapping[int, str] | None) -> str:
    """Say of a category that is shown for as many segments as any, and differs most, between which its share ranges."""
    private, label = customers.private, escape(customers.dataset.label(name))
    shares = category_shares(customers, name, private=private)
    shown = shares.notna().sum()
    category = (shares.max() - shares.min())[shown == shown.max()].fillna(0).idxmax()
    rows = {segment: share_texts(row, rounded=private).get(category) for segment, row in shares.iterrows()}
    why, own = tr(HIDDEN) if private else tr("nobody there has a value"), shares[category]
    known, ends = own.dropna(), _ranging(own, pd.Series(rows), names)
    of = {"label": label, "category": escape(category)}
    if len(own) == 1 or len(known) < 2:
        told = _uncompared(label, len(own), why)
    elif ends:
        told = tr("{label}: the share of {category} runs from {ends}.", ends=ends, **of)
    elif private:
        told = tr("{label}: the share of {category} hardly differs between the segments.", **of)
    else:
        told = tr("{label}: the share of {category} does not differ between the segments.", **of)
    others = own.notna().all() and shares.isna().any(axis=None)
    rest = tr("Of other categories something is not shown: {why}.", why=why) if others else ""
    return " ".join(filter(None, [told, _left_out(own, why, names), rest]))


def _ranging(values: pd.Series, texts: pd.Series, names: Mapping[int, str] | None) -> str:
    """Return between which segments a figure ranges; "" where all look alike, or none is known."""
    known = values.dropna()
    ends = (own[known.index].rename(index=partial(called, names=names)) for own in (known, texts))
    return ranging(*ends) if len(known) else ""


def _uncompared(label: str, segments: int, why: str) -> str:
    if segments == 1:
        return tr("{label}: there is one part alone, with which no other can be compared.", label=label)
    return tr("{label}: no two segments can be compared here, because {why}.", label=label, why=why)


def _left_out(values: pd.Series, why: str, names: Mapping[int, str] | None) -> str:
    """Say which segments have no figure that could be compared, and why; "" where each has, or where none are."""
    left = [called(segment, names) for segment in values.index[values.isna()]]
    if not left or values.notna().sum() < 2:
        return ""
    return tr("Left out: {segments}, because {why}.", segments=listing(left), why=why)


def descriptors(table: pd.DataFrame, dataset: Dataset) -> str:
    """Say which descriptors differ between the segments by more than chance gives, and which do not."""
    if table.empty:
        return tr("There is no descriptor that could differ.")
    differ = table["p_corrected"] <= SIGNIFICANT
    labels, told = table["descriptor"].map(lambda name: escape(dataset.label(name))), []
    if differ.any():
        told.append(
            trn(
                "{labels} differs between the segments by more than chance gives.",
                "{labels} differ between the segments by more than chance gives.",
                int(differ.sum()),
                labels=listing(labels[differ]),
            )
        )
    if not differ.all():
        told.append(
            tr(
                "{labels}: no more difference than chance gives, so no segment is known by it.",
                labels=listing(labels[~differ]),
            )
        )
    if dataset.private:
        told.append(tr("The tests are rounded, and categories of {few} customers take no part in them.", few=tr(FEWER)))
    return " ".join(told)
