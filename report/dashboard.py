"""The dashboard over a finished run: `make dashboard RUN=mall`. What it shows is computed by the package."""

import html
import os
import re
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Timer

import streamlit as st
from jinja2 import Environment, FileSystemLoader

from segmentation.core.errors import SegmentationError
from segmentation.core.figures import glyph
from segmentation.core.files import sha256
from segmentation.core.privacy import FEWER, SMALLEST_GROUP
from segmentation.core.text import count, escape
from segmentation.evidence.decision import LEVEL
from segmentation.language import speak
from segmentation.language.pages import IN_TEMPLATES
from segmentation.language.writing import percent, sentence
from segmentation.report import tell as report_tell
from segmentation.report.dashboard import (
    MOST_MARKS,
    SegmentedCustomers,
    draw_evidence,
    draw_scatter,
    evidence_table,
    finished_runs,
    size_table,
    tell_shown,
)
from segmentation.report.serve import RUN, get_ready_to_score, score_customer, theme_css
from segmentation.report.upload import MOST_UPLOADED, MOST_UPLOADED_ROWS, UPLOADED, score_upload
from segmentation.runs import tell as runs_tell
from segmentation.runs.artifacts import remake_command
from segmentation.runs.manifest import open_finished, read_manifest, require_unchanged

COUNT_UP = """<script>
if (!matchMedia("(prefers-reduced-motion: reduce)").matches)
  for (const figure of document.querySelectorAll(".figures b")) {
    const end = figure.textContent, value = Number(end.replaceAll(",", "")), digits = (end.split(".")[1] ?? "").length;
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    let start; // of the first frame: on a busy machine its time lies before this line
    const step = (now) => {
      start ??= now;
      const part = Math.min(1, (now - start) / 900), eased = 1 - (1 - part) ** 3;
      figure.textContent = part < 1 ? (value * eased).toLocaleString("en", options) : end;
      if (part < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }
</script>"""
TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).with_name("template")), autoescape=True)
TEMPLATES.globals |= IN_TEMPLATES
MARKDOWN = r"[\\`*_\[\]|~:<>&#]|\$.*\$"
WARM_AFTER = 3  # seconds, in which the first pictures are drawn
NO_BUTTONS = {"displayModeBar": False}


def label(text: str) -> str:
    """Return a text from the data that Streamlit shows unchanged; screen readers get the escapes too, so seldom any."""
    return escape(text).replace("$", r"\$").replace(":", r"\:") if re.search(MARKDOWN, text) else text


@contextmanager
def faults_told():
    """Show a fault that can be mended as a message."""
    try:
        yield
    except SegmentationError as fault:
        complain(str(fault))


def opened(run: str):
    """Return the study of a run and its customers; made anew when the run was, or is described otherwise."""
    study = open_finished(run, None)
    speak(study.language)
    base = ["lineage.json"] if study.path("lineage.json").is_file() else []
    require_unchanged(run, "customers.parquet", "values.parquet", "segmented.parquet", "k_selection.json", *base)
    return study, customers_of(study, run, sha256(study.path("manifest.json")), repr(study.dataset))


@st.cache_resource(max_entries=2, show_spinner="Reading the customers")
def customers_of(_study, run: str, made: str, described: str) -> SegmentedCustomers:
    """Return the customers of a run, read once."""
    return SegmentedCustomers(_study)


@st.cache_resource
def ready_to_score() -> None:
    """Let the first answer not wait for what it needs."""
    timer = Timer(WARM_AFTER, get_ready_to_score)
    timer.daemon = True
    timer.start()


def choose_run() -> str:
    """Return the run that the sidebar or the address names; say so where it has vanished and another is shown."""
    runs, first = finished_runs(), os.environ.get(RUN, "sample")
    place = runs.index(first) if first in runs else 0
    asked = st.session_state.get("shown") or st.query_params.get("run")
    run = st.sidebar.selectbox("Run", runs, index=place, key="run", bind="query-params", on_change=forget_shown)
    st.session_state["shown"] = asked if asked and asked not in runs else run
    if st.session_state["shown"] != run:
        complain(f"{tell_gone(asked)} Shown is {run}.")
    return run


def forget_shown() -> None:
    """Forget which run was shown: another one was chosen."""
    st.session_state.pop("shown", None)


def tell_gone(run: str) -> str:
    """Say that a run is not there, or not any more."""
    return f"There is no run {run} any more: assets/{run}/ was removed or renamed. To make it: {remake_command(run)}."


def choose_filters(run: str, customers: SegmentedCustomers) -> dict:
    """Show a filter for the segments and for every column; return those that leave something out."""
    dataset, filters = customers.dataset, {}
    key = f"filter:{st.session_state.get('anew', 0)}:{run}:{{}}".format
    with st.sidebar:
        st.header("Filters", anchor=False)
        # Above them, because a list that is left closes, and moves what is below it away from the click.
        st.button("Show all", on_click=show_all)
        names = {segment: f"{glyph(segment)} {profile.name}" for segment, profile in customers.segments.items()}
        kept = st.multiselect("Segment", list(names), format_func=names.get, key=key("segment"), placeholder="all")
        if kept:
            filters["segment"] = kept
        for name, levels in customers.categories.items():
            kept = st.multiselect(
                label(dataset.label(name)), list(levels), format_func=levels.get, key=key(name), placeholder="all"
            )
            if kept:
                filters[name] = kept
        for name, steps in customers.numbers.items():
            ends = (min(steps), max(steps))
            worded = dataset.columns[name].type in ("ordinal", "yes/no")
            text = label(dataset.label(name) if worded else dataset.axis(name))
            kept = st.select_slider(text, list(steps), ends, format_func=steps.get, key=key(name))
            if kept != ends:
                filters[name] = kept
        if customers.private and customers.numbers:
            st.caption("The ranges are rounded outwards, because dataset.yaml says privacy: aggregate.")
    return filters


def show_all() -> None:
    """Begin with new filters: the browser would keep the values of those that it has."""
    st.session_state["anew"] = st.session_state.get("anew", 0) + 1


def show_summary(study, selection, profiles, cleaning: dict) -> None:
    """Show the finding, how sure it is, and the key figures."""
    told = [("p", "kicker", study.dataset.title), ("h1", "", runs_tell.headline(selection, profiles))]
    told += [("p", "lead", report_tell.answer(selection, profiles, study.dataset))]
    manifest = read_manifest(study.name)
    assumed = runs_tell.assumed(manifest.dataset, study.dataset, selection.features, manifest.set_by.get("features"))
    told[2:2] = [("p", "warning", assumed)] if assumed else []
    shown = "".join(f'<{tag} class="{kind}">{html.escape(text)}</{tag}>' for tag, kind, text in told)
    cut = report_tell.cut(selection, study.dataset)
    warning = f'<p class="warning">{html.escape(cut)}</p>' if cut else ""
    st.html(f"{shown}<p><b>How sure?</b> {html.escape(report_tell.sureness(selection))}</p>{warning}")
    figures = as_html("figures", figures=report_tell.key_figures(cleaning, selection, study.dataset))
    st.html(figures + COUNT_UP, unsafe_allow_javascript=True)


def as_html(part: str, **report) -> str:
    """Return a part of the page as the template of the report has it."""
    return TEMPLATES.get_template(f"{part}.html.j2").render(report=report)


def show_evidence(selection) -> None:
    """Show what speaks for each number of segments."""
    st.header("How sure is that?", anchor=False)
    table = evidence_table(selection)
    st.plotly_chart(draw_evidence(table), config=NO_BUTTONS, key="evidence")
    with st.expander("Every figure behind the choice"):
        yes = {True: "yes", False: ""}
        shown = table.assign(stable=table["stable"].map(yes), chosen=table["chosen"].map(yes))
        reasons = "".join(f"<li>{html.escape(reason)}</li>" for reason in selection.reasons)
        st.html(f"{as_table(shown, 'What speaks for each number of segments')}<ul>{reasons}</ul>")


def as_table(frame, caption: str) -> str:
    """Return a frame as a table that can be scrolled by keyboard; everything in it is escaped."""
    table = frame.to_html(index=False, border=0, justify="left", float_format="{:.2f}".format, na_rep="–")
    title = html.escape(caption)
    return f'<div class="table" tabindex="0" role="region" aria-label="{title}">{table}</div>'


def show_explore(customers: SegmentedCustomers, filters: dict) -> None:
    """Show how many customers pass the filters, of which segments, and where they stand."""
    st.header("Explore", anchor=False)
    counts = customers.counts(filters)
    st.html(f'<p role="status">{html.escape(tell_shown(customers, counts, filters))}</p>')
    total = f"{'≈' if customers.about(filters) else ''}{counts.sum():,}"
    st.html(as_html("sizes", sizes=size_table(customers, counts, filters), total=total))
    if customers.about(filters):
        st.caption(tell_groups(customers))
    columns = choose_axes(customers)
    if columns:
        marks = customers.marks(filters, columns)
        st.plotly_chart(draw_scatter(marks, columns, customers), config=NO_BUTTONS, key=f"scatter{len(columns)}")
        st.caption(tell_marks(customers, len(marks), counts.sum()))


def choose_axes(customers: SegmentedCustomers) -> tuple[str, ...]:
    """Return the two or three columns to draw: at first the features."""
    features = [name for name in customers.dataset.named("feature") if name in customers.numbers]
    names = list(dict.fromkeys([*features, *customers.numbers]))
    if len(names) < 2:
        return ()
    places = st.columns(4, vertical_alignment="bottom")
    sides = ["Across", "Up", "Deep"] if len(names) > 2 and places[3].toggle("In 3-D") else ["Across", "Up"]
    chosen = []
    for place, side in zip(places, sides, strict=False):
        free, key = [name for name in names if name not in chosen], f"axis:{customers.run}:{side}"
        chosen.append(place.selectbox(side, free, format_func=customers.dataset.axis, key=key))
    return tuple(chosen)


def tell_groups(customers: SegmentedCustomers) -> str:
    """Say how filtered customers are counted where rows are private."""
    each = customers.each
    size = f"about {each[0]:,}" if len(each) == 1 else f"{each[0]:,} to {each[-1]:,}"
    return (
        f"Counted in groups of {size} customers alike, each of which passes or does not: so no two counts tell of one "
        "customer. A filter of one column may miss half a group of a segment at each end, and those who have what "
        f"{FEWER} of a segment have; several filters together may miss more."
    )


def tell_marks(customers: SegmentedCustomers, marks: int, shown: int) -> str:
    """Say what a mark of the scatter is."""
    if customers.private:
        least = count(SMALLEST_GROUP, "customer")
        return (
            f"Each mark counts groups of {least} or more alike, in one cell of a grid; left out are those without a "
            "value in one of the columns. dataset.yaml says privacy: aggregate, so no customer is shown and no rows "
            "can be downloaded."
        )
    if marks == shown:
        return "Each mark is a customer. Point at one to read it."
    drawn = f"{marks:,} of the {shown:,} customers are drawn"
    if marks == MOST_MARKS:
        return f"{drawn}, the same ones every time. Point at one to read it."
    return f"{drawn}; the others have no value in one of the columns. Point at one to read it."


def show_download(run: str, customers: SegmentedCustomers, filters: dict) -> None:
    """Offer the customers that pass the filters."""
    if customers.private:
        return
    st.download_button(
        "Download these customers as CSV",
        partial(customers.csv, filters),  # made when it is asked for
        f"{run}-customers.csv",
        "text/csv",
        on_click="ignore",
    )
    st.caption("With their ids, which no picture here shows: the file stays with you.")


def show_profiles(told: list[dict]) -> None:
    """Show the card of each segment."""
    st.header("Who they are, and what to do", anchor=False)
    st.html(as_html("cards", cards=told, across=report_tell.across(len(told)), level=percent(LEVEL)))


@st.fragment
def show_question(study, customers: SegmentedCustomers, told: list[dict]) -> None:
    """Ask for the features of a customer, and answer with the segment."""
    st.header("Which segment is this customer?", anchor=False)
    with faults_told():
        require_unchanged(study.name)  # again, because a fragment runs alone
        features = study.read("model.json").names
        with st.form("ask"):
            places = st.columns(min(len(features), 3))
            values = {name: ask(places[i % 3], name, customers) for i, name in enumerate(features)}
            asked = st.form_submit_button("Find the segment")
        if asked and None in values.values():
            complain("Fill in every field.")
        elif asked:
            answer(study, values, told)


def ask(place, name: str, customers: SegmentedCustomers):
    """Show the field of one feature, and return its number, or its category."""
    dataset, column, key = customers.dataset, customers.dataset.columns[name], f"ask:{customers.run}:{name}"
    text = label(dataset.axis(name) if column.type == "number" else dataset.label(name))
    if column.type == "number":
        steps = list(customers.numbers.get(name, {}).values())
        rounded = ", rounded" if customers.private else ""
        hint = f"{steps[0]} to {steps[-1]}{rounded}" if steps else None
        least, most = dataset.accepted(name).values()
        return place.number_input(text, least, most, None, format="%.12g", placeholder=hint, key=key)
    if column.type == "category":
        known = [level for level in customers.categories.get(name, {}) if level is not None]
        return place.selectbox(text, [*known, "another"], index=None, key=key)
    levels = column.levels or ["no", "yes"]
    chosen = place.selectbox(text, levels, index=None, key=key)
    return None if chosen is None else levels.index(chosen) + (column.type == "ordinal")


def answer(study, values: dict, told: list[dict]) -> None:
    """Show the segment of one customer, as its card tells it."""
    found = score_customer(study, values)
    [card] = [card for card in told if card["segment"] == found["segment"]]
    model = study.read("model.json")
    unit = html.escape(model.distance_unit)
    careful = (
        "<p>Careful: this customer lies outside of the data that formed the segments.</p>" if found["outside"] else ""
    )
    ahead = f"{found['margin']:.3f}" if len(model.centroids) > 1 else ""
    nearer = f", {ahead} nearer than the next one" if ahead and not model.scores else ""
    likelier = f", {ahead} more than that of the next one" if ahead else ""
    sure = f"<p>Probability {found['probability']:.3f}{likelier}.</p>" if model.scores else ""
    action = card["action"]
    st.html(
        f'<div class="answer" role="status" style="--mark: {card["colour"]}"><p class="lead">'
        f'<span class="glyph" aria-hidden="true">{card["glyph"]}</span> '
        f"{sentence(card['noun'])} {card['segment']}, {html.escape(found['name'])}.</p>"
        f"{sure}<p>Distance {found['distance']:.3f} to its centroid{nearer} ({unit}).</p>{careful}"
        + (f"<p><b>{card['what_to_do']}:</b> {html.escape(action)}</p>" if action else "")
        + "</div>"
    )


def complain(text: str) -> None:
    """Show a message about what cannot be done."""
    st.html(f'<p class="warning" role="alert">{html.escape(text)}</p>')


@st.fragment
def show_upload(study) -> None:
    """Ask for a table of customers, and answer with their segments."""
    st.header("Which segments are these customers?", anchor=False)
    limits = f"at most {MOST_UPLOADED} MB and {MOST_UPLOADED_ROWS:,} rows"
    text = f"A table of customers, {limits}: it is read on this machine and not kept"
    upload = st.file_uploader(text, list(UPLOADED), max_upload_size=MOST_UPLOADED, key=f"upload:{study.name}")
    if upload is None:
        st.session_state.pop("scored", None)
        return
    with faults_told():
        # Scored once, and not again whenever a filter moves.
        if st.session_state.get("scored", [None])[0] != upload.file_id:
            with st.spinner("Scoring these customers"):
                scored = score_upload(study, upload.name, upload.getvalue())
            st.session_state["scored"] = upload.file_id, scored
        show_scored(study, st.session_state["scored"][1])


def show_scored(study, scored) -> None:
    """Show how uploaded customers divide, how they differ, and what was refused."""
    from segmentation.core.files import as_csv
    from segmentation.scoring.tell import drift as tell_drift

    labels = {name: study.dataset.label(name) for name in study.dataset.columns}
    customers, refused = scored.customers.to_pandas(), scored.refused.to_pandas()
    told = f"{count(len(customers), 'customer')} scored, {count(len(refused), 'row')} refused."
    lines = "".join(f"<li>{html.escape(line)}.</li>" for line in tell_drift(scored.drift, labels))
    st.html(f'<p role="status">{sentence(told)}</p><ul>{lines}</ul>')
    data = partial(as_csv, customers, comma=scored.comma)
    st.download_button("Download the scored customers as CSV", data, "scored.csv", "text/csv", on_click="ignore")
    if len(refused):
        refused["column"] = [labels.get(name, name) for name in refused["column"]]
        st.html(as_table(refused.head(100), "The rows that were refused"))


def main() -> None:
    """Show the page."""
    st.set_page_config("Customer segments", layout="wide")
    st.html(f"<style>{theme_css()}\n{Path(__file__).with_suffix('.css').read_text(encoding='utf-8')}</style>")
    if not finished_runs():
        gone = st.session_state.get("shown")
        complain(tell_gone(gone) if gone else "No run has been made yet; make one first: make report")
        return
    with faults_told():
        show_run(choose_run())


def show_run(run: str) -> None:
    """Show a run, from its finding to the questions that it answers."""
    study, customers = opened(run)
    cleaning, selection, profiles = (study.read(f"{name}.json") for name in ("cleaning", "k_selection", "profiles"))
    lineage = study.lineage()
    told = report_tell.cards(selection, profiles, study.dataset, lineage)
    filters = choose_filters(run, customers)
    show_summary(study, selection, profiles, cleaning)
    show_explore(customers, filters)
    show_download(run, customers, filters)
    show_profiles(told)
    show_evidence(selection)
    show_question(study, customers, told)
    show_upload(study)
    ready_to_score()


main()
