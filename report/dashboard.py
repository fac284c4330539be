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

from segmentation.core.errors import SegmentationError, as_command
from segmentation.core.figures import glyph
from segmentation.core.files import sha256
from segmentation.core.privacy import FEWER, SMALLEST_GROUP
from segmentation.core.text import escape
from segmentation.evidence.decision import LEVEL, plainly
from segmentation.language import mark, speak, tr, trn
from segmentation.language.pages import IN_TEMPLATES
from segmentation.language.writing import NONE, decimal, percent, sentence, whole
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
from segmentation.report.explore import how_sure
from segmentation.report.listing import offer
from segmentation.report.serve import RUN, get_ready_to_score, score_customer, style_variables, theme_css
from segmentation.report.upload import MOST_UPLOADED, MOST_UPLOADED_ROWS, UPLOADED, score_upload
from segmentation.runs import tell as runs_tell
from segmentation.runs.artifacts import remake_command
from segmentation.runs.manifest import open_finished, read_manifest, require_unchanged
from segmentation.worth import tell as worth_tell

TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).with_name("template")), autoescape=True)
TEMPLATES.globals |= IN_TEMPLATES
MARKDOWN = r"[\\`*_\[\]|~:<>&#]|\$.*\$"
EVIDENCE_HEADS = ("k", mark("silhouette"), mark("least stable"), mark("needed"), mark("stable"), mark("chosen"))
WARM_AFTER = 3  # seconds, in which the first pictures are drawn
PICTURE = {"format": "png", "scale": 2, "filename": "customers"}  # made by the browser, of what it shows
SAVED = {"displayModeBar": True, "displaylogo": False, "modeBarButtons": [["toImage"]], "toImageButtonOptions": PICTURE}


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


@st.cache_resource(max_entries=2, show_spinner=False)
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
    run = st.sidebar.selectbox(tr("Run"), runs, index=place, key="run", bind="query-params", on_change=forget_shown)
    st.session_state["shown"] = asked if asked and asked not in runs else run
    if st.session_state["shown"] != run:
        complain(f"{tell_gone(asked)} {tr('Shown is {run}.', run=run)}")
    return run


def forget_shown() -> None:
    """Forget which run was shown: another one was chosen."""
    st.session_state.pop("shown", None)


def tell_gone(run: str) -> str:
    """Say that a run is not there, or not any more."""
    return tr(
        "There is no run {run} any more: assets/{run}/ was removed or renamed. To make it: {command}.",
        run=run,
        command=remake_command(run),
    )


def choose_filters(run: str, customers: SegmentedCustomers) -> dict:
    """Show a filter for the segments and for every column; return those that leave something out."""
    filters: dict = {}
    key, all_of_them = f"filter:{st.session_state.get('anew', 0)}:{run}:{{}}".format, tr("all")
    with st.expander(tr("Filters"), icon=":material/filter_alt:"):
        # Above them, because a list that is left closes, and moves what is below it away from the click.
        st.button(tr("Show all"), on_click=show_all)
        places = (place for _ in iter(int, 1) for place in st.columns(3))  # row by row, as they are reached by keyboard
        names = {segment: f"{glyph(segment)} {profile.name}" for segment, profile in customers.segments.items()}
        choices = {"segment": (tr("Segment"), names)}
        choices |= {name: (label(customers.dataset.label(name)), of) for name, of in customers.categories.items()}
        for name, (text, levels) in choices.items():
            kept = next(places).multiselect(
                text, list(levels), format_func=levels.get, key=key(name), placeholder=all_of_them
            )
            if kept:
                filters[name] = kept
        for name, steps in customers.numbers.items():
            ends = (min(steps), max(steps))
            kept = next(places).select_slider(
                label(axis_of(name, customers)), list(steps), ends, format_func=steps.get, key=key(name)
            )
            if kept != ends:
                filters[name] = kept
        if customers.private and customers.numbers:
            st.caption(tr("The ranges are rounded outwards, because dataset.yaml says privacy: aggregate."))
    return filters


def axis_of(name: str, customers: SegmentedCustomers) -> str:
    """Return what a filter is called: with its unit, where its values are no words."""
    worded = customers.dataset.columns[name].type in ("ordinal", "yes/no")
    return customers.dataset.label(name) if worded else customers.dataset.axis(name)


def show_all() -> None:
    """Begin with new filters: the browser would keep the values of those that it has."""
    st.session_state["anew"] = st.session_state.get("anew", 0) + 1


def show_summary(study, selection, profiles, cards: list[dict]) -> None:
    """Show the first screen of the report: the finding, how sure it is, who the segments are and what to do."""
    manifest, dataset = read_manifest(study.name), study.dataset
    assumed = runs_tell.assumed(manifest.dataset, dataset, selection.features, manifest.set_by.get("features"))
    above = [("p", "kicker", dataset.title), ("h1", "", runs_tell.headline(selection, profiles))]
    above += [("p", "lead", plainly(selection))]
    below = [("p", "most", report_tell.most(selection, profiles, dataset))]
    below += [("p", "warning", report_tell.cut(selection, dataset)), ("p", "warning", assumed)]
    shown = as_html("glance", **report_tell.at_a_glance(cards))
    st.html(f"{in_tags(above)}{shown}{in_tags(below)}")


def in_tags(told) -> str:
    """Return texts, each in its tag with its class; of those without a text nothing."""
    return "".join(f'<{tag} class="{kind}">{html.escape(text)}</{tag}>' for tag, kind, text in told if text)


def as_html(part: str, **report) -> str:
    """Return a part of the page as the template of the report has it."""
    return TEMPLATES.get_template(f"{part}.html.j2").render(report=report)


def show_evidence(selection) -> None:
    """Show what speaks for each number of segments."""
    st.header(tr("Statistics: how sure?"), anchor=False)
    reasons = "".join(f"<li>{html.escape(told)}</li>" for told in report_tell.statistics(selection))
    st.html(f"<ul>{reasons}</ul>")
    table = evidence_table(selection)
    show_picture(draw_evidence(table), "evidence")
    with st.expander(tr("Every figure behind the choice")):
        yes = {True: tr("yes"), False: ""}
        shown = table.assign(stable=table["stable"].map(yes), chosen=table["chosen"].map(yes))
        heads = [tr(head) for head in EVIDENCE_HEADS]
        told = as_table(shown.set_axis(heads, axis=1), tr("What speaks for each number of segments"))
        st.html(told + "".join(f"<p>{html.escape(reason)}</p>" for reason in selection.reasons))


def show_picture(figure, key: str) -> None:
    """Show a figure on the paper of the theme: one that is saved must be read wherever it is put."""
    day, night = style_variables()["paper"]
    figure.update_layout(paper_bgcolor=night if st.context.theme.type == "dark" else day)
    st.plotly_chart(figure, config=SAVED, key=key)


def as_table(frame, caption: str) -> str:
    """Return a frame as a table that can be scrolled by keyboard; everything in it is escaped."""
    table = frame.to_html(index=False, border=0, justify="left", float_format=decimal, na_rep=NONE)
    title = html.escape(caption)
    return f'<div class="table" tabindex="0" role="region" aria-label="{title}">{table}</div>'


def show_explore(customers: SegmentedCustomers, filters: dict) -> None:
    """Show how many customers pass the filters, of which segments, and where they stand."""
    counts = customers.counts(filters)
    told = [tell_shown(customers, counts, filters)]
    told += [worth_tell.selected(customers.worth(filters), customers.main_worth, customers.dataset)]
    st.html(f'<p role="status">{"<br>".join(map(html.escape, filter(None, told)))}</p>')
    st.html(as_html("sizes", sizes=size_table(customers, counts, filters)))
    if customers.about(filters):
        st.caption(tell_groups(customers))
    columns = choose_axes(customers)
    if columns:
        marks = customers.marks(filters, columns)
        show_picture(draw_scatter(marks, columns, customers), f"scatter{len(columns)}")
        st.caption(tell_marks(customers, len(marks), counts.sum()))


def choose_axes(customers: SegmentedCustomers) -> tuple[str, ...]:
    """Return the two or three columns to draw: at first those of the map."""
    names = list(dict.fromkeys([*customers.opening, *customers.numbers]))
    if len(names) < 2:
        return ()
    places = st.columns(4, vertical_alignment="bottom")
    sides = {"Across": tr("Across"), "Up": tr("Up")}
    sides |= {"Deep": tr("Deep")} if len(names) > 2 and places[3].toggle(tr("In 3-D")) else {}
    chosen: list[str] = []
    for place, (side, told) in zip(places, sides.items(), strict=False):
        free, key = [name for name in names if name not in chosen], f"axis:{customers.run}:{side}"
        chosen.append(place.selectbox(told, free, format_func=customers.dataset.axis, key=key))
    return tuple(chosen)


def tell_groups(customers: SegmentedCustomers) -> str:
    """Say how filtered customers are counted where rows are private."""
    each = [whole(n) for n in customers.each]
    size = tr("about {n}", n=each[0]) if len(each) == 1 else tr("{low} to {high}", low=each[0], high=each[-1])
    return tr(
        "Counted in groups of {size} customers alike, each of which passes or does not: so no two counts tell of one "
        "customer. A filter of one column may miss half a group of a segment at each end, and those who have what "
        "{few} of a segment have; several filters together may miss more.",
        size=size,
        few=FEWER,
    )


def tell_marks(customers: SegmentedCustomers, marks: int, shown: int) -> str:
    """Say what a mark of the scatter is."""
    drawn = {"drawn": whole(marks), "shown": whole(shown)}
    if customers.private:
        return trn(
            "Each mark counts groups of {n} customer or more alike, in one cell of a grid; left out are those without "
            "a value in one of the columns. dataset.yaml says privacy: aggregate, so no customer is shown.",
            "Each mark counts groups of {n} customers or more alike, in one cell of a grid; left out are those without "
            "a value in one of the columns. dataset.yaml says privacy: aggregate, so no customer is shown.",
            SMALLEST_GROUP,
        )
    if marks == shown:
        return tr("Each mark is a customer. Point at one to read it.")
    if marks == MOST_MARKS:
        return tr(
            "{drawn} of the {shown} customers are drawn, the same ones every time. Point at one to read it.", **drawn
        )
    return tr(
        "{drawn} of the {shown} customers are drawn; the others have no value in one of the columns. Point at one to "
        "read it.",
        **drawn,
    )


def show_download(run: str, customers: SegmentedCustomers, filters: dict) -> None:
    """Offer the customers that pass the filters, or of private ones how many of each segment do."""
    if customers.private:
        make = partial(customers.summary_csv, filters)  # when it is asked for
        st.download_button(tr("Download these counts as CSV"), make, f"{run}-counts.csv", "text/csv", on_click="ignore")
        return
    text, place = tr("Download these customers as CSV"), offer(run, filters)
    st.html(f'<a class="download" href="{html.escape(place)}">{html.escape(text)}</a>')
    st.caption(tr("With their ids, which no picture here shows: the file stays with you."))


def show_profiles(told: list[dict]) -> None:
    """Show the card of each segment."""
    st.header(tr("Who they are, and what to do"), anchor=False)
    st.html(as_html("cards", cards=told, across=report_tell.across(len(told)), level=percent(LEVEL)))


@st.fragment
def show_question(study, customers: SegmentedCustomers, told: list[dict]) -> None:
    """Ask for the features of a customer, and answer with the segment."""
    st.header(tr("Which segment is this customer?"), anchor=False)
    with faults_told():
        require_unchanged(study.name)  # again, because a fragment runs alone
        features = study.read("model.json").names
        with st.form("ask"):
            places = st.columns(min(len(features), 3))
            values = {name: ask(places[i % 3], name, customers) for i, name in enumerate(features)}
            asked = st.form_submit_button(tr("Find the segment"))
        if asked and None in values.values():
            complain(tr("Fill in every field."))
        elif asked:
            answer(study, values, told, customers)


def ask(place, name: str, customers: SegmentedCustomers):
    """Show the field of one feature, and return its number, or its category."""
    dataset, column, key = customers.dataset, customers.dataset.columns[name], f"ask:{customers.run}:{name}"
    text = label(dataset.axis(name) if column.type == "number" else dataset.label(name))
    if column.type == "number":
        steps = list(customers.numbers.get(name, {}).values())
        ends = {"low": steps[0], "high": steps[-1]} if steps else {}
        hint = tr("{low} to {high}", **ends) if ends else None
        least, most = dataset.accepted(name).values()
        return place.number_input(text, least, most, None, format="%.12g", placeholder=hint, key=key)
    if column.type == "category":
        known = [level for level in customers.categories.get(name, {}) if level is not None]
        return place.selectbox(text, [*known, tr("another")], index=None, key=key)
    levels = column.levels or [tr("no"), tr("yes")]
    chosen = place.selectbox(text, levels, index=None, key=key)
    return None if chosen is None else levels.index(chosen) + (column.type == "ordinal")


def answer(study, values: dict, told: list[dict], customers: SegmentedCustomers) -> None:
    """Show the segment of one customer, as its card tells it."""
    found = score_customer(study, values)
    [card] = [card for card in told if card["segment"] == found["segment"]]
    limit = customers.border
    sure, unit = how_sure(found, limit), study.read("model.json").distance_unit
    figures = {"distance": decimal(found["distance"], 3), "margin": decimal(found["margin"], 3), "unit": unit}
    alone = tr("Distance {distance}, in {unit}.", **figures)
    stated = tr("Distance {distance}, margin {margin}, in {unit}.", **figures) if sure else alone
    what = f"<b>{html.escape(card['what_to_do'])}:</b> {html.escape(card['action'] or '')}"
    lines = [("action", what)] if card["action"] else []
    lines += [("", f"<b>{html.escape(tr('How sure?'))}</b> {html.escape(sure)}")] if sure else []
    outside = tr("Careful: this customer lies outside of the data that formed the segments.")
    lines += [("warning", html.escape(outside))] if found["outside"] else []
    st.html(
        f'<div class="answer" role="status" style="--mark: {card["colour"]}"><p class="lead">'
        f'<span class="glyph" aria-hidden="true">{card["glyph"]}</span> {html.escape(found["name"])} '
        f"<small>{html.escape(card['key'])}</small></p>"
        + "".join(f'<p class="{kind}">{line}</p>' for kind, line in [*lines, ("note", html.escape(stated))])
        + "</div>"
    )


def complain(text: str) -> None:
    """Show a message about what cannot be done."""
    st.html(f'<p class="warning" role="alert">{html.escape(text)}</p>')


@st.fragment
def show_upload(study) -> None:
    """Ask for a table of customers, and answer with their segments."""
    st.header(tr("Which segments are these customers?"), anchor=False)
    text = tr(
        "A table of customers, at most {size} MB and {rows} rows: it is read on this machine and not kept",
        size=whole(MOST_UPLOADED),
        rows=whole(MOST_UPLOADED_ROWS),
    )
    upload = st.file_uploader(text, list(UPLOADED), max_upload_size=MOST_UPLOADED, key=f"upload:{study.name}")
    if upload is None:
        st.session_state.pop("scored", None)
        return
    with faults_told():
        # Scored once, and not again whenever a filter moves.
        if st.session_state.get("scored", [None])[0] != upload.file_id:
            with st.spinner(tr("Scoring these customers")):
                scored = score_upload(study, upload.name, upload.getvalue())
            st.session_state["scored"] = upload.file_id, scored
        show_scored(study, st.session_state["scored"][1])


def show_scored(study, scored) -> None:
    """Show how uploaded customers divide, how they differ, and what was refused."""
    from segmentation.core.files import as_csv
    from segmentation.scoring.tell import drift as tell_drift

    labels = {name: study.dataset.label(name) for name in study.dataset.columns}
    customers, refused = scored.customers.to_pandas(), scored.refused.to_pandas()
    told = [trn("{n} customer scored.", "{n} customers scored.", len(customers))]
    told += [trn("{n} row refused.", "{n} rows refused.", len(refused))]
    lines = "".join(f"<li>{html.escape(line)}.</li>" for line in tell_drift(scored.drift, labels))
    st.html(f'<p role="status">{html.escape(" ".join(map(sentence, told)))}</p><ul>{lines}</ul>')
    data = partial(as_csv, customers, comma=scored.comma)
    st.download_button(tr("Download the scored customers as CSV"), data, "scored.csv", "text/csv", on_click="ignore")
    if len(refused):
        refused["column"] = [labels.get(name, name) for name in refused["column"]]
        st.html(as_table(refused.head(100), tr("The rows that were refused")))


def main() -> None:
    """Show the page."""
    st.set_page_config(tr("Customer segments"), layout="wide")
    st.html(f"<style>{theme_css()}\n{Path(__file__).with_suffix('.css').read_text(encoding='utf-8')}</style>")
    if not finished_runs():
        gone = st.session_state.get("shown")
        first = tr("No run has been made yet; make one first: {command}", command=as_command("report"))
        complain(tell_gone(gone) if gone else first)
        return
    with faults_told():
        show_run(choose_run())


def show_run(run: str) -> None:
    """Show a run, from its finding to the questions that it answers."""
    study, customers = opened(run)
    selection, profiles = (study.read(f"{name}.json") for name in ("k_selection", "profiles"))
    lineage = study.lineage()
    told = report_tell.cards(selection, profiles, study.dataset, lineage)
    show_summary(study, selection, profiles, told)
    show_profiles(told)
    st.header(tr("Explore"), anchor=False)
    filters = choose_filters(run, customers)
    show_explore(customers, filters)
    show_download(run, customers, filters)
    show_evidence(selection)
    show_question(study, customers, told)
    show_upload(study)
    ready_to_score()


main()
