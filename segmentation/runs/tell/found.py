"""What a run found, each in one line."""

from collections.abc import Iterable, Sequence

from segmentation.core.dataset import OF_MONEY, OF_RFM, Dataset
from segmentation.core.errors import as_command
from segmentation.core.text import is_money, plain_unit
from segmentation.language import tr, trn
from segmentation.language.glossary import named
from segmentation.language.writing import decimal, either, listing, sentence, share_texts, shares, whole
from segmentation.runs.artifacts import Former, Origin, Profiles, Selection, Transitions
from segmentation.runs.records import FAR_SHARE, FAR_TIMES, Conclusion, Profile
from segmentation.runs.tell.accounting import MOST_SPELT
from segmentation.runs.worth import Worth


def useful(conclusion: Conclusion, dataset: Dataset, features: Sequence[str]) -> str:
    """Say what is still useful where nothing was found that divides the customers by itself; "" where something was."""
    if conclusion.verdict_of_best not in ("constructive", "none"):
        return ""
    named = [dataset.label(name) for name in features]
    these = listing(named) if len(named) <= MOST_SPELT else trn("{n} feature", "{n} features", len(named))
    if by := _managed_by(dataset):
        return tr(
            "What is still useful: a cut by {by}, which management sets and which needs no groups to be there; and "
            "other features, if they can be collected: there may be groups in them that {these} cannot show.",
            by=by,
            these=these,
        )
    return tr(
        "What is still useful: other features, if they can be collected: there may be groups in them that {these} "
        "cannot show.",
        these=these,
    )


def _managed_by(dataset: Dataset) -> str:
    """Return the columns by which customers may be cut without any groups: recency, frequency and money; or money."""
    used = [name for name, column in dataset.columns.items() if column.role in ("feature", "descriptor")]
    if set(OF_RFM) <= {name for name in used if dataset.columns[name].is_amount}:
        return tr("{features} (RFM groups, in chapter 5)", features=listing(map(dataset.label, OF_RFM)))
    return either([dataset.label(name) for name in used if _of_money(name, dataset)][:MOST_SPELT])


def _of_money(name: str, dataset: Dataset) -> bool:
    unit = plain_unit(dataset.columns[name].unit)
    return dataset.columns[name].numeric and (name in OF_MONEY or is_money(unit) or is_money(unit[-1:]))


def headline(selection: Selection, profiles: Profiles) -> str:
    """Return the title of the report: the finding, in words that the verdict allows."""
    told = {"customers": trn("{n} customer", "{n} customers", profiles.customers)}
    verdict, k = selection.verdict if selection.divided else "undivided", selection.k
    if selection.fit:
        told["run"] = selection.fit.model
        titles = {
            "natural": trn(
                "{n} segment of {run} among {customers}", "{n} segments of {run} among {customers}", k, **told
            ),
            "reproducible": trn(
                "{n} reproducible segment of {run} among {customers}",
                "{n} reproducible segments of {run} among {customers}",
                k,
                **told,
            ),
            "constructive": trn(
                "{customers}, cut into {n} part of {run}", "{customers}, cut into {n} parts of {run}", k, **told
            ),
            "none": trn(
                "{customers} in the {n} part of {run}, for which nothing speaks now",
                "{customers} in the {n} parts of {run}, for which nothing speaks now",
                k,
                **told,
            ),
        }
        return sentence(titles[selection.verdict])
    titles = {
        "natural": trn("{n} segment among {customers}", "{n} segments among {customers}", k, **told),
        "reproducible": trn(
            "{n} reproducible segment among {customers}", "{n} reproducible segments among {customers}", k, **told
        ),
        "constructive": trn("{customers}, cut into {n} part", "{customers}, cut into {n} parts", k, **told),
        "none": tr("no segments among {customers}", **told),
        "undivided": tr("{customers}, not divided", **told),
    }
    return sentence(titles[verdict])


def far_out(customers: int, *, private: bool) -> str:
    """Say how many customers lie so far from all others that they form no segment; empty where nobody does."""
    if not customers:
        return ""
    from segmentation.core.privacy import public  # numpy, which a run in which nothing changed does without

    told = {
        "times": whole(FAR_TIMES),
        "others": tr("{n} of 100 customers", n=whole(100 * (1 - FAR_SHARE))),
        "who": sentence(public(customers, "customer", private=private)),
    }
    if customers == 1 and not private:
        return tr(
            "{who} lies so far out (more than {times} times as far from the middle of all as {others}) that it is left "
            "out where segments are formed, tested and drawn, and of their centres; it is placed afterwards, in the "
            "nearest segment, and counted in its size.",
            **told,
        )
    return tr(
        "{who} lie so far out (more than {times} times as far from the middle of all as {others}) that they are left "
        "out where segments are formed, tested and drawn, and of their centres; they are placed afterwards, in the "
        "nearest segment, and counted in its size.",
        **told,
    )


def segment_shares(segments: Iterable[Profile]) -> dict[int, str]:
    """Return the share of each segment as it is told everywhere, by its number: together they are 100%."""
    sizes = {profile.segment: profile.size for profile in segments}
    return dict(zip(sizes, shares(sizes.values()), strict=True))


def value_shares(worth: Worth) -> dict[int, str | None]:
    """Return the share of a value that each segment has as it is told everywhere; None where it is not shown.

    Together they are 100%, with what is not shown.
    """
    told = share_texts({str(part.segment): part.share for part in worth.parts if part.share is not None})
    return {part.segment: told.get(str(part.segment)) for part in worth.parts}


def worth_shares(profiles: Profiles) -> dict[int, str | None]:
    """Return the share that each segment has of the main value; nothing where there is none to share, or one alone."""
    shares = value_shares(profiles.worth[0]) if profiles.worth else {}
    return shares if len(shares) > 1 and any(shares.values()) else {}


def worth_line(segment: int, profiles: Profiles, dataset: Dataset) -> str:
    """Return "14% of customers, 60% of revenue" of a segment; "" where there is no value to share."""
    shares = worth_shares(profiles)
    if not shares:
        return ""
    words, own = dataset.words(profiles.worth[0].column), segment_shares(profiles.segments)[segment]
    share = shares[segment]
    if share:
        return tr("{own} of customers, {share} of {value}", own=own, share=share, value=words)
    return tr("{own} of customers; of {value} not shown", own=own, value=words)


def worth_most(segments: Sequence[Profile], worth: Sequence[Worth], dataset: Dataset) -> str:
    """Say which segment has most of the main value for its size, or why none is shown; "" where none has more."""
    if dataset.private and worth and worth[0].hidden:
        from segmentation.core.privacy import WHY_NOT  # imported here, as it brings numpy

        column = dataset.words(worth[0].column)
        return tr("Which share of {value} each has is not shown: {why}.", value=column, why=tr(WHY_NOT))
    shares = {part.segment: part.share for part in worth[0].parts if part.share} if worth else {}
    ratios = {own.segment: shares[own.segment] / own.share for own in segments if own.segment in shares}
    if len(segments) < 2 or max(ratios.values(), default=0) <= 1:
        return ""
    words, customers, value = dataset.words(worth[0].column), segment_shares(segments), value_shares(worth[0])
    best = max(segments, key=lambda own: ratios.get(own.segment, 0))
    told = tr(
        "{segment}: {own} of the customers, {share} of {value}.",
        segment=best.name,
        own=customers[best.segment],
        share=value[best.segment],
        value=words,
    )
    return told if customers[best.segment] != value[best.segment] else ""


def unlisted(run: str) -> str:
    """Say that the lists of a run's customers are gone, and how they come back."""
    return tr(
        "removed, because they were of the segments of before; anew: {command}", command=as_command("lists", run=run)
    )


def transformed(profile: Profile, dataset: Dataset) -> str:
    """Return of which features the centre is not the plain mean, "" of none."""
    every = len(profile.mean) == len(profile.centre) > 1
    return tr("each feature") if every else listing(dataset.label(name) for name in profile.mean)


def unindexed(profile: Profile, dataset: Dataset) -> str:
    """Return the features that have a centre and no index, "" of none."""
    shown = [name for name, centre in profile.centre.items() if centre is not None]
    return listing(dataset.label(name) for name in shown if profile.index[name] is None)


def lineage(lineage: Transitions) -> str:
    """Say which segments of an earlier run were found again, split, merged or are gone, and which are new."""
    before, base = lineage.before, lineage.base
    if lineage.fixed:
        return trn(
            "This is the {n} segment of {base}, kept as it was: none is formed anew.",
            "These are the {n} segments of {base}, kept as they were: none is formed anew.",
            len(before),
            base=base,
        )
    found = sum(row.fate == "survives" for row in before)
    told = [_tell_found(found, len(before), base), *(_tell_split(row) for row in before if row.fate == "split")]
    joined: dict[tuple[int, ...], list[Former]] = {row.into: [] for row in before if row.fate == "merged"}
    for row in before:
        if row.fate == "merged":
            joined[row.into].append(row)
    told += [
        trn(
            "Segment {before} is merged into {now}.",
            "Segments {before} are merged into {now}.",
            len(rows),
            before=listing(map(_short, rows)),
            now=_numbers(into),
        )
        for into, rows in joined.items()
    ]
    told += [_tell_gone(row) for row in before if row.fate == "gone"]
    new = [row.segment for row in lineage.now if not row.comes_from]
    told += [trn("Segment {now} is new.", "Segments {now} are new.", len(new), now=listing(new))] if new else []
    told += [
        tr("Segment {before} is segment {now} now.", before=_short(row), now=row.kept_as)
        for row in before
        if row.fate == "survives" and row.kept_as != row.segment
    ]
    return " ".join(told)


def _tell_found(found: int, every: int, base: str) -> str:
    if found == every:
        return trn(
            "The {n} segment of {base} is found again.",
            "Each of the {n} segments of {base} is found again.",
            found,
            base=base,
        )
    of = trn("{n} segment of {base}", "{n} segments of {base}", every, base=base)
    if not found:
        return tr("Of {segments}, none is found again.", segments=of)
    return trn("Of {segments}, {n} is found again.", "Of {segments}, {n} are found again.", found, segments=of)


def origin(row: Origin, lineage: Transitions) -> str | None:
    """Say in a few words where a segment comes from; None when it is an earlier one that kept its number."""
    base, before = lineage.base, lineage.before
    origins = [before[number - 1] for number in row.comes_from]
    if not origins:
        return tr("New since {base}.", base=base)
    if len(origins) > 1:
        return tr("Merged from segments {before} of {base}.", before=listing(map(_short, origins)), base=base)
    if origins[0].fate == "split":
        return tr("A part of segment {before} of {base}.", before=_short(origins[0]), base=base)
    if origins[0].segment == row.segment:
        return None
    return tr("Was segment {before} of {base}.", before=origins[0].segment, base=base)


def _tell_split(row: Former) -> str:
    return tr("Segment {before} is split into {now}.", before=_short(row), now=_numbers(row.into))


def _tell_gone(row: Former) -> str:
    if row.left:
        return tr("Segment {before} is gone: few customers are left where it was.", before=_short(row))
    return tr("Segment {before} is gone: no segment holds most of the customers counted for it.", before=_short(row))


def _short(row: Former) -> str:
    return f"{row.segment} ({row.name})"


def _numbers(segments) -> str:
    return trn("segment {numbers}", "segments {numbers}", len(segments), numbers=listing(segments))


def whose_k(conclusion: Conclusion) -> str:
    """Say whose k it is; of the one that the rule chose "", unless that of a base could not be kept."""
    base, k = conclusion.carried, conclusion.k
    if conclusion.method != "auto":
        return tr("k = {k} is that of {base}", k=k, base=base.run) if base else tr("The analyst asked for k = {k}", k=k)
    if base is None:
        return ""
    return trn(
        "{base} has {n} segment; here one of so many would be too small for privacy: aggregate to show, so that k is "
        "chosen anew",
        "{base} has {n} segments; here one of so many would be too small for privacy: aggregate to show, so that k is "
        "chosen anew",
        base.k,
        base=base.run,
    )


def against(conclusion: Conclusion) -> str:
    """Say whose k it is, and whether the evidence speaks for it; "" where the rule alone chose it."""
    told, best, support = whose_k(conclusion), conclusion.best, conclusion.verdict_of_best
    if not told or conclusion.method == "auto":
        return told and f"{told}."
    if support == "none":
        return tr("{told}; no k has support among these customers.", told=told)
    if best == conclusion.k:
        return tr("{told}, and the evidence of these customers speaks for it too.", told=told)
    return tr(
        "{told}, with the verdict {verdict}; the evidence of these customers speaks for {best} ({support}).",
        told=told,
        verdict=named(conclusion.verdict),
        best=best,
        support=named(support),
    )


def choice(selection: Selection) -> str:
    """Return why there are so many segments."""
    if not selection.divided:
        return tr("every division that was tried leaves a group that privacy: aggregate does not show")
    if selection.fit:
        return tr("kept from {run}", run=selection.fit.model)
    if selection.method != "auto":
        carried = selection.carried
        return tr("as many as {run} has", run=carried.run) if carried else tr("given by the analyst")
    if len(selection.allowed) == 1 and len(selection.judged) > 1:
        return tr("the strongest verdict of the k that could be taken")
    if len(selection.allowed) == 1:
        return tr("the only k that could be taken")
    what = tr("mean silhouette") if selection.chosen.bic is None else "BIC"
    best = max(selection.judged.values(), key=lambda row: row.silhouette if row.bic is None else -row.bic)
    told = {"criterion": what, "numbers": listing(selection.allowed)}
    if selection.verdict == "none" and selection.chosen == best:
        return tr("best {criterion}, though no k that could be taken has support", **told)
    if selection.verdict == "none":
        return tr("best {criterion} of k = {numbers}, though no k that could be taken has support", **told)
    if selection.chosen == best:
        return tr("best {criterion}, and the strongest verdict", **told)
    return tr("best {criterion} of k = {numbers}, which share the strongest verdict", **told)


def measured(selection: Selection) -> list[str]:
    """Return the mean silhouette and the stability of the least stable segment as text; nothing where there is one."""
    return [decimal(selection.chosen.silhouette), decimal(selection.weakest)] if selection.divided else []
