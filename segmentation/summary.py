"""What the terminal shows after a run: five lines from the artifacts."""

from segmentation.findings import headline, tell_rows
from segmentation.pipeline import Outcome
from segmentation.plan import Plan
from segmentation.words import listing, percent


def summarize(plan: Plan, outcome: Outcome) -> str:
    """Return five lines: the finding, the data, the segments, the evidence, and what was run."""
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
        f"  Ran       {ran}",
    ]
    return "\n".join(lines)
