"""What is said of new customers: how far they differ from those that the segments were formed on."""

from segmentation.core import text
from segmentation.core.text import count, decimal, listing
from segmentation.scoring.drift import SHIFTED, Drift


def drift(drift: Drift, labels: dict[str, str]) -> list[str]:
    """Say what has changed since the segments were formed, and whether they should be formed anew."""
    then, now = (text.shares(getattr(part, side) for part in drift.shares) for side in ("then", "now"))
    shares = (f"{part.name} {a} to {b}" for part, a, b in zip(drift.shares, then, now, strict=True))
    index = (f"{labels[name]} {decimal(found.index)}" for name, found in drift.features.items())
    limits = [decimal(p.limit) for p in (*drift.features.values(), drift.segments)]
    limits = limits if len(set(limits)) > 1 else limits[:1]
    over = any(p.limit > SHIFTED for p in (*drift.features.values(), drift.segments))
    chance = f" (of so few customers chance gives up to {listing(limits)})" if over else ""
    segments = f"segments {decimal(drift.segments.index)}"
    told = [
        f"Shares of the segments, then to now: {', '.join(shares)}",
        f"Drift as population stability index: {', '.join(index)}, {segments}{chance}",
        f"Outside the range of the training data: {count(drift.outside, 'customer')} of {drift.customers:,}",
    ]
    warning = shift(drift, labels, "the training data")
    return [*told, f"Refresh the segmentation: {warning}"] if warning else told


def shift(drift: Drift, labels: dict[str, str], then: str) -> str:
    """Say in what customers differ from `then` by more than chance; empty where they do not."""
    shifted = [labels[name] for name, found in drift.features.items() if found.shifted]
    shifted += ["the shares of the segments"] if drift.segments.shifted else []
    differ = "differs" if len(shifted) == 1 and shifted[0] in labels.values() else "differ"
    if not shifted:
        return ""
    return f"{listing(shifted)} {differ} from {then} by an index above {SHIFTED:g}, and by more than chance gives"
