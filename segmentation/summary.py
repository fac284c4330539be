"""What the terminal shows after a run: five lines from the artifacts, and one about a long run's time."""

from segmentation.findings import headline, tell_lineage, tell_rows
from segmentation.pipeline import Outcome
from segmentation.plan import Plan
from segmentation.progress import duration
from segmentation.words import listing, percent

LONG = 20  # seconds after which somebody may ask where they went


def summarize(plan: Plan, outcome: Outcome) -> str:
    """Return five lines: the finding, the data, the segments, the evidence, and what was run.

    With a base a line says what became of its segments, and after a long run one where its time went.
    """
    cleaning, chosen, _, profiles = plan.results()
    row = chosen["criteria"][str(chosen["k"])]
    weakest = min(segment["jaccard"] for segment in row["segments"])
    segments = (f"{p['segment']} {p['name']} {percent(p['share'])}" for p in profiles["segments"])
    ran = listing(outcome.ran) if outcome.ran else "nothing; everything was up to date"
    lines = [
        headline(chosen, profiles),
        f"  Data      {cleaning['file']}: {tell_rows(cleaning)}",
        f"  Segments  {', '.join(segments)}",
        f"  Evidence  {chosen['verdict']}; mean silhouette {row['silhouette']:.3f}, least stable segment {weakest:.2f}",
        *([f"  Changes   {tell_lineage(lineage)}"] if (lineage := plan.lineage()) else []),
        f"  Ran       {ran}",
        *([f"  Time      {tell_time(outcome.seconds, outcome.total)}"] if outcome.total > LONG else []),
    ]
    return "\n".join(lines)


def tell_time(seconds: dict[str, float], total: float) -> str:
    """Return where the time of a run went, longest first; what took under a second is not named."""
    longest = sorted(seconds, key=seconds.get, reverse=True)
    parts = (f"{name} {duration(seconds[name])}" for name in longest if seconds[name] >= 1)
    return f"{duration(total)} in all: {', '.join(parts)}"
