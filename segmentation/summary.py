"""What the terminal shows after a run: five lines from the artifacts."""

from segmentation.narrative import listing, percent
from segmentation.pipeline import Outcome
from segmentation.plan import Plan
from segmentation.render import headline


def summarize(plan: Plan, outcome: Outcome) -> str:
    """Return five lines: the finding, the data, the segments, the evidence, and what was run."""
    cleaning, selection, model, profiles = plan.results()
    k, criteria = selection["k"], selection["criteria"]
    segments = (f"{p['segment']} {p['name']} {percent(p['share'])}" for p in profiles["segments"])
    ward = model["agreement"]["Ward hierarchical clustering"]
    ran = listing(outcome.ran) if outcome.ran else "nothing; everything was up to date"
    lines = [
        headline(selection, profiles),
        f"  Data      {cleaning['file']}: {cleaning['rows_in']:,} rows = "
        f"{cleaning['clean']:,} clean + {cleaning['rejected']:,} refused",
        f"  Segments  {', '.join(segments)}",
        f"  Evidence  mean silhouette {criteria[str(k)]['silhouette']:.3f}; agreement with Ward {ward:.3f}",
        f"  Ran       {ran}",
    ]
    return "\n".join(lines)
