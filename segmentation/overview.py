"""What the report shows around its chapters, every figure of it from the artifacts."""

from segmentation.briefing import cards, key_figures, tell_answer, tell_cut, tell_sureness
from segmentation.decision import LEVEL, NOUNS
from segmentation.explore import MOST_ROWS, embedded, explore_data
from segmentation.findings import headline, tell_lineage, tell_rows
from segmentation.manifest import versions
from segmentation.plan import Plan
from segmentation.privacy import SMALLEST_GROUP
from segmentation.words import count, percent


def describe_report(plan: Plan, executed: list) -> dict:
    """Return what the template shows around the chapters, every figure of it from the artifacts."""
    cleaning, selection, _, profiles = plan.results()
    dataset, private = plan.study.dataset, plan.study.dataset.privacy == "aggregate"
    lineage = plan.lineage()
    return {
        "title": headline(selection, profiles),
        "dataset": dataset.title,
        "heading": f"The {NOUNS[selection['verdict']]}s",
        "answer": tell_answer(profiles["segments"], selection["verdict"]),
        "sureness": tell_sureness(selection),
        "base": lineage and lineage["base"],
        "changes": tell_lineage(lineage) if lineage else None,
        "figures": key_figures(cleaning, selection),
        "warning": tell_cut(selection),
        "cards": cards(selection, profiles, dataset, lineage),
        "chapters": [{"anchor": notebook.cells[0]["id"], "title": _heading(notebook)} for notebook in executed],
        "parameters": plan.told_parameters(),
        "data": _data(cleaning, dataset),
        "versions": versions(),
        "explore": embedded(explore_data(plan.study, seed=selection["seed"])),
        "explore_note": tell_explore(profiles["customers"], private=private),
        "downloads": not private,
        "level": percent(LEVEL),
    }


def tell_explore(customers: int, *, private: bool) -> str:
    """Say what the Explore section holds."""
    if private:
        least = count(SMALLEST_GROUP, "customer")
        return (
            f"Counts of groups of {least} or more, rounded down to tens; smaller ones are left out, and no row of "
            "the table is inside."
        )
    drawn = f"A random sample of {MOST_ROWS:,} of the {customers:,}" if customers > MOST_ROWS else f"All {customers:,}"
    return f"{drawn} customers, rounded and without ids. Nothing leaves this file."


def _heading(notebook) -> str:
    return notebook.cells[0].source.splitlines()[0].removeprefix("# ")


def _data(cleaning: dict, dataset) -> list[dict]:
    source = dataset.source
    rows = [
        ("File", cleaning["file"]),
        *(("SHA-256", digest) for digest in cleaning["files"].values()),
        ("Fingerprint", cleaning["fingerprint"]),
        ("Rows", tell_rows(cleaning)),
        ("Licence", source.licence if source else None),
        ("Citation", source.citation if source else None),
    ]
    return [{"label": label, "value": value} for label, value in rows if value]
