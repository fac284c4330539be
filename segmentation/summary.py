"""What the terminal shows after a run: five lines from the artifacts."""

from typing import TYPE_CHECKING

from segmentation.words import count, listing, percent, sentence

if TYPE_CHECKING:  # what these import takes seconds, and a run in which nothing changed needs none of it
    from segmentation.pipeline import Outcome
    from segmentation.plan import Plan


def summarize(plan: "Plan", outcome: "Outcome") -> str:
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


def headline(selection: dict, profiles: dict) -> str:
    """Return the title of the report: the finding, in words that the verdict allows."""
    customers, k = count(profiles["customers"], "customer"), selection["k"]
    titles = {
        "natural": f"{count(k, 'segment')} among {customers}",
        "reproducible": f"{count(k, 'reproducible segment')} among {customers}",
        "constructive": f"{customers}, cut into {count(k, 'part')}",
        "none": f"no segments among {customers}",
    }
    return sentence(titles[selection["verdict"]])


def tell_rows(account: dict) -> str:
    """Return what became of the rows: "200 rows = 198 clean + 2 refused"."""
    collapsed = f" + {account['collapsed']:,} collapsed" if account["collapsed"] else ""
    made = f", of {account['customers']:,} customers" if account["customers"] != account["clean"] else ""
    return (
        f"{account['rows_in']:,} rows = {account['clean']:,} clean + {account['rejected']:,} refused{collapsed}{made}"
    )
