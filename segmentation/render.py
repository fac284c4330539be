"""The report: the five executed notebooks as one page that needs nothing else, its PDF, and the manifest."""

import platform
import re
import subprocess
import tomllib
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import nbformat
from nbconvert.exporters import HTMLExporter

from segmentation.artifacts import replacing, sha256, write_json, write_text
from segmentation.dataset import ROOT
from segmentation.decision import VERDICTS
from segmentation.errors import SegmentationError
from segmentation.marks import colour, glyph
from segmentation.narrative import amount, count, listing, percent, sentence, show_index, spanning
from segmentation.plan import STAGES, Plan
from segmentation.profiling import SMALL

SYSTEM_LIBRARIES = (
    "report.pdf needs the Pango library, which is not installed; report.html is complete. Install it with: "
    "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 (Debian), brew install pango (macOS), "
    "conda install -c conda-forge pango (conda), or MSYS2's mingw-w64-x86_64-pango (Windows)"
)


class SegmentationHTMLExporter(HTMLExporter):
    """Renders notebooks with the template of this project: code folded, no request to any network."""

    export_from_notebook = "Segmentation report"

    def __init__(self, **settings):
        own = {
            "template_name": "template",
            "extra_template_basedirs": [str(ROOT / "report")],
            "exclude_anchor_links": True,
        }
        super().__init__(**own | settings)

    def default_filters(self):
        """Get the filters of nbconvert, and our own."""
        yield from super().default_filters()
        yield "one_level_down", one_level_down


def one_level_down(html: str) -> str:
    """Move headings one level down, below the title of the page, and leave out their ids, which repeat."""
    return re.sub(r"<(/?)h([1-5])\b[^>]*>", lambda m: f"<{m[1]}h{int(m[2]) + 1}>", html)


def write_report(plan: Plan) -> None:
    """Write report.html from the executed notebooks and the artifacts; an older report.pdf is removed."""
    executed = [nbformat.read(plan.executed(stage), as_version=4) for stage in STAGES]
    context = describe_report(plan, executed)
    resources = {"metadata": {"name": context["title"]}, "report": context}
    page, _ = SegmentationHTMLExporter().from_notebook_node(merge(executed), resources=resources)
    write_text(plan.report / "report.html", page)
    (plan.report / "report.pdf").unlink(missing_ok=True)


def write_pdf(plan: Plan) -> None:
    """Print report.html to report.pdf.

    Raises
    ------
    SegmentationError
        When the libraries of the system that this needs are missing.
    """
    try:
        from weasyprint import HTML
    except OSError:
        raise SegmentationError(SYSTEM_LIBRARIES) from None
    with replacing(plan.report / "report.pdf") as beside:
        HTML(plan.report / "report.html").write_pdf(beside)


def merge(notebooks: list):
    """Return one notebook with the cells of all, code that shows nothing joined with the code after it."""
    merged = nbformat.v4.new_notebook(metadata=notebooks[0].metadata)
    for notebook in notebooks:
        merged.cells += _joined(notebook.cells)
    return merged


def _joined(cells: list) -> list:
    joined = []
    for cell in cells:
        above = joined[-1] if joined else None
        if above and _is_code(above) and _is_code(cell) and not any(map(_is_shown, above.outputs)):
            cell = nbformat.from_dict({**cell, "source": f"{above.source}\n\n{cell.source}"})
            joined.pop()
        joined.append(cell)
    return joined


def _is_code(cell) -> bool:
    return cell.cell_type == "code" and "hide-input" not in cell.metadata.get("tags", [])


def _is_shown(output) -> bool:
    return output.get("name") != "stderr"


def describe_report(plan: Plan, executed: list) -> dict:
    """Return what the template shows around the chapters, every figure of it from the artifacts."""
    cleaning, selection, _, profiles = plan.results()
    dataset = plan.study.dataset
    segments = selection["criteria"][str(selection["k"])]["segments"]
    return {
        "title": headline(selection, profiles),
        "dataset": dataset.title,
        "answer": tell_answer(profiles["segments"]),
        "sureness": tell_sureness(selection),
        "figures": _key_figures(cleaning, selection),
        "warning": tell_cut(selection["verdict"]),
        "cards": [_card(*pair, dataset) for pair in zip(profiles["segments"], segments, strict=True)],
        "chapters": [{"anchor": notebook.cells[0]["id"], "title": _heading(notebook)} for notebook in executed],
        "parameters": plan.told_parameters(),
        "data": _data(cleaning, dataset),
        "versions": versions(),
    }


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


def tell_answer(segments: list[dict]) -> str:
    """Say who the segments are, the largest first."""
    return sentence(listing(f"{segment['name']} ({percent(segment['share'])})" for segment in segments)) + "."


def tell_sureness(selection: dict) -> str:
    """Say how sure the segments are: the verdict, the evidence behind it, and the dissent."""
    k, row = selection["k"], selection["criteria"][str(selection["k"])]
    weakest = min(segment["jaccard"] for segment in row["segments"])
    told = [f"The verdict is {selection['verdict']}: {VERDICTS[selection['verdict']]}."]
    if selection["method"] == "given" and k != selection["best"]:
        told.append(f"The analyst asked for {k}; the evidence speaks for {selection['best']}.")
    told.append(
        f"The mean silhouette is {row['silhouette']:.2f}; over {selection['resamples']:,} resamples the least stable "
        f"segment comes back with a Jaccard coefficient of {weakest:.2f}, where 1 is always whole."
    )
    others = listing(f"{name} ({choice})" for name, choice in selection["dissent"].items())
    told.append(f"Other criteria would choose another number: {others}." if others else "No criterion disagrees.")
    return " ".join(told)


def tell_cut(verdict: str) -> str | None:
    """Warn where the segments are not groups that exist by themselves."""
    if verdict in ("natural", "reproducible"):
        return None
    return "These parts are a cut, not groups: customers on both sides of a border differ little."


def _key_figures(cleaning: dict, selection: dict) -> list[dict]:
    row = selection["criteria"][str(selection["k"])]
    stable = f"of the stable k = {listing(selection['stable'])}" if selection["stable"] else "though no k is stable"
    how = f"best mean silhouette {stable}" if selection["method"] == "auto" else "given by the analyst"
    return [
        {
            "value": f"{cleaning['clean']:,}",
            "label": "customers",
            "note": f"{cleaning['rows_in']:,} rows in, {cleaning['rejected']:,} refused",
        },
        {"value": selection["k"], "label": "segments", "note": how},
        {
            "value": f"{row['silhouette']:.2f}",
            "label": "mean silhouette",
            "note": "1 is far apart, 0 is no border at all",
        },
        {
            "value": f"{min(segment['jaccard'] for segment in row['segments']):.2f}",
            "label": "least stable segment",
            "note": "Jaccard coefficient over resamples; 1 is always whole",
        },
    ]


def _card(profile: dict, stability: dict, dataset) -> dict:
    segment = profile["segment"]
    return {
        **{key: profile[key] for key in ("segment", "name", "level_name", "action")},
        "colour": colour(segment),
        "glyph": glyph(segment),
        "size": count(profile["size"], "customer"),
        "share": percent(profile["share"]),
        "share_interval": spanning(profile["share_interval"], percent),
        "small": f"Small: fewer than {SMALL} customers." if profile["size"] < SMALL else None,
        "stability": f"{stability['jaccard']:.2f}",
        "features": [
            {
                "label": dataset.label(name),
                "centre": amount(value, dataset.columns[name].unit),
                "interval": spanning(profile["centre_interval"][name]),
                "index": show_index(profile["index"][name]),
            }
            for name, value in profile["centre"].items()
        ],
        "descriptors": [
            {"label": dataset.label(name), "told": _tell_descriptor(values, dataset.columns[name].unit)}
            for name, values in profile["descriptors"].items()
            if values
        ],
    }


def _tell_descriptor(values: dict, unit: str | None) -> str:
    if "median" in values:
        return f"{amount(values['median'], unit)} (median)"
    top = sorted(values.items(), key=lambda item: (-item[1], item[0]))[:3]
    return ", ".join(f"{name} {percent(share)}" for name, share in top if share)


def _heading(notebook) -> str:
    return notebook.cells[0].source.splitlines()[0].removeprefix("# ")


def _data(cleaning: dict, dataset) -> list[dict]:
    source = dataset.source
    rows = [
        ("File", cleaning["file"]),
        ("SHA-256", cleaning["sha256"]),
        ("Rows", f"{cleaning['rows_in']:,} in = {cleaning['clean']:,} clean + {cleaning['rejected']:,} refused"),
        ("Licence", source.licence if source else None),
        ("Citation", source.citation if source else None),
    ]
    return [{"label": label, "value": value} for label, value in rows if value]


def versions() -> dict[str, str]:
    """Return the version of Python and of every direct dependency."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    direct = [re.match(r"[\w.-]+", requirement)[0] for requirement in project["dependencies"]]
    return {"python": platform.python_version()} | {name: version(name) for name in sorted(direct)}


def write_manifest(plan: Plan, sources: list[Path]) -> None:
    """Write manifest.json: the SHA-256 of every input and output, the parameters, the versions, the revision."""
    made = [[plan.executed(stage), *plan.figures(stage)] for stage in STAGES]
    outputs = [*plan.artifacts(), *chain(*made), plan.report / "report.html", plan.report / "report.pdf"]
    manifest = {
        "inputs": {plan.source.name: sha256(plan.source)} | _fingerprints(sources),
        "outputs": _fingerprints(path for path in outputs if path.is_file()),
        "parameters": {row["name"]: row["value"] for row in plan.told_parameters()},
        "versions": versions(),
        "revision": revision(),
    }
    write_json(plan.study.path("manifest.json"), manifest)


def _fingerprints(paths) -> dict[str, str]:
    return {path.relative_to(ROOT).as_posix(): sha256(path) for path in paths}


def revision() -> str | None:
    """Return the git revision of the project, ending in "-dirty" when files differ from it; None without git."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
