"""The first part of the report as slides: the finding, who and how many, how sure, each segment, and the map."""

import html
import re
from collections.abc import Iterable

from segmentation.evidence.decision import advice, plainly
from segmentation.language import tr
from segmentation.language.writing import sentence
from segmentation.report import tell
from segmentation.report.render import OF_MAP
from segmentation.report.slides.layout import (
    EDGE,
    QUIET,
    RULED,
    SHEET_HIGH,
    SHEET_WIDE,
    Box,
    Drawing,
    Grid,
    Mark,
    Picture,
    Slide,
    beside,
    grid,
    words,
)
from segmentation.runs import tell as runs_tell
from segmentation.runs.run import Run

WITHIN = SHEET_WIDE - 2 * EDGE
BODY_TOP = 176  # where what stands under a heading begins
FOOT_TOP = SHEET_HIGH - 44
MOST_FACTS = 5
MOST_UNDER_TITLE = 6  # segments, under the finding; more have a slide of their own
OF_DESCRIPTORS = 2  # of the facts, where there are any


def deck(study: Run, shown: str | None, parameters: list[dict]) -> list[Slide]:
    """Return the slides of a run, at most four more than it has segments.

    Parameters
    ----------
    shown : str or None
        The map as the report shows it; None where there is none.
    parameters : list of dict
        name, value and set_by of each, as a reader may see them.
    """
    selection, profiles = study.read("k_selection.json"), study.read("profiles.json")
    cards = tell.cards(selection, profiles, study.dataset, study.lineage())
    value = sentence(study.dataset.words(profiles.worth[0].column)) if profiles.worth else ""
    set_to = {row["name"]: row for row in parameters}
    described = set_to["dataset"]["value"], study.dataset, selection.features, set_to["features"]["set_by"]
    worth = runs_tell.worth_most(profiles.segments, profiles.worth, study.dataset)
    answer = tell.answer(selection, profiles, study.dataset) if len(cards) <= MOST_UNDER_TITLE else worth
    told = [answer, runs_tell.assumed(*described) or ""]
    first = _finding(study, runs_tell.headline(selection, profiles), " ".join(told).strip())
    slides = [first, _who(cards, value), _sure(study, selection)]
    slides += [_segment(card) for card in cards]
    return slides + ([_map(shown)] if shown else [])


def _headed(title: str, kicker: str = "", colour: str = QUIET) -> list:
    above = [words(kicker, Box(EDGE, 36, WITHIN, 32), 20, colour=colour)] if kicker else []
    return [words(title, Box(EDGE, 68, WITHIN, 96), 42, 20, bold=True, heading=True), *above]


def _finding(study: Run, title: str, told: str) -> Slide:
    heading = words(title, Box(EDGE, 150, WITHIN, 190), 64, 28, bold=True, heading=True)
    above = words(study.dataset.title, Box(EDGE, 100, WITHIN, 40), 24, colour=QUIET)
    return Slide((heading, above, words(told, Box(EDGE, 372, WITHIN, FOOT_TOP - 372), 30)))


def _who(cards: list[dict], value: str) -> Slide:
    """Show names with their shares as bars."""
    valued = any(card["value"] for card in cards)
    customers = tr("Customers")
    head = [tr("Segment"), customers, *([value, f"■ {customers} □ {value}"] if valued else [""])]
    named = [f"{card['glyph']} {card['name']}" for card in cards]
    given = [[card["value"]] if valued else [] for card in cards]
    rows = [[name, card["share"], *more, ""] for name, card, more in zip(named, cards, given, strict=True)]
    widths = [430, 180, 220, WITHIN - 830] if valued else [500, 180, WITHIN - 680]
    table = grid(tr("Shares of the segments"), head, rows, Box(EDGE, BODY_TOP, WITHIN, FOOT_TOP - BODY_TOP), widths, 26)
    return Slide((*_headed(tr("Who they are, and how many")), table, _bars(table, cards, valued)))


def _bars(table: Grid, cards: list[dict], valued: bool) -> Drawing:
    """Draw the shares in the last column, a bar a segment, under it in a paler one that of the value."""
    column = len(table.widths) - 1
    longest = max(max(card["long"], card["value_long"]) for card in cards) or 1
    marks: list[Mark] = []
    for card, place in zip(cards, beside(table, column), strict=True):
        high = min(26, place.high * (0.36 if valued else 0.6))
        top = place.y + (place.high - high * (2.1 if valued else 1)) / 2
        for i, long in enumerate([card["long"], card["value_long"]][: 1 + valued]):
            bar = Box(place.x, top + 1.1 * i * high, max(2, place.wide * long / longest), high)
            marks.append(Mark("bar" if i == 0 else "outline", bar, card["colour"]))
    return Drawing(tr("Bars of these shares"), tuple(marks))


def _sure(study: Run, selection) -> Slide:
    told = [tell.cut(selection, study.dataset), advice(selection.verdict, selection.k)]
    return Slide(
        (
            *_headed(tr("How sure?")),
            words(plainly(selection), Box(EDGE, BODY_TOP, WITHIN, 200), 36, 20),
            words("\n".join(filter(None, told)), Box(EDGE, BODY_TOP + 224, WITHIN, FOOT_TOP - BODY_TOP - 224), 26),
        )
    )


def _segment(card: dict) -> Slide:
    """Show one segment: what to do first, then who they are."""
    half, right = 500, EDGE + 540
    parts = _headed(card["name"], f"{card['glyph']} {card['key']}", card["colour"])
    top = BODY_TOP
    if card["action"]:
        parts.append(words(card["what_to_do"], Box(EDGE, top, half, 28), 20, bold=True, colour=QUIET))
        parts.append(words(card["action"], Box(EDGE, top + 34, half, 226), 30))
        top += 284
    shares = [tr("{share} of customers", share=card["share"])]
    shares += [f"{card['value']} {card['of_value']}"] if card["value"] else []
    parts += _shared(card, shares, Box(EDGE, top, half, 116))
    told = "\n".join(filter(None, [card["size"], card["change"], card["small"]]))
    parts.append(words(told, Box(EDGE, top + 132, half, FOOT_TOP - top - 132), 18, 13, colour=QUIET))
    return Slide((*parts, *_facts(card, Box(right, BODY_TOP, SHEET_WIDE - EDGE - right, FOOT_TOP - BODY_TOP))))


def _shared(card: dict, shares: list, box: Box) -> list:
    """Show shares of a segment, a bar on a track under each."""
    parts: list = []
    for i, (told, long) in enumerate(zip(shares, [card["long"], card["value_long"]], strict=False)):
        y = box.y + 58 * i
        parts.append(words(told, Box(box.x, y, box.wide, 28), 20))
        bars = (
            Mark("track", Box(box.x, y + 32, box.wide, 12), RULED),
            Mark("bar", Box(box.x, y + 32, max(2, box.wide * long / 100), 12), card["colour"]),
        )
        parts.append(Drawing(told, bars))
    return parts


def _facts(card: dict, box: Box) -> list:
    """Show five telling facts: features beside where they stand against the mean, and descriptors."""
    described = [{**row, "place": None} for row in [*card["kinds"], *card["descriptors"]]]
    plain = [{"label": row["label"], "told": row["centre"], "place": None} for row in card["features"]]
    features = card["dots"] or plain
    first = features[: MOST_FACTS - min(len(described), OF_DESCRIPTORS)]
    facts = [*first, *described[: MOST_FACTS - len(first)]]
    dotted = any(row["place"] is not None for row in facts)
    widths = [200, 190, box.wide - 390] if dotted else [240, box.wide - 240]
    head = [tr("Who they are"), "", *([tr("Against the mean")] if dotted else [])]
    rows = [[row["label"], row["told"], *([""] if dotted else [])] for row in facts]
    table = grid(tr("Five telling facts"), head, rows, box, widths, 24)
    return [table, *([_dots(table, facts, card["colour"])] if dotted else [])]


def _dots(table: Grid, facts: Iterable[dict], colour: str) -> Drawing:
    """Draw where each feature stands on the scale that all segments have, with the mean of all in its middle."""
    marks: list[Mark] = []
    for row, place in zip(facts, beside(table, 2), strict=True):
        if row["place"] is None:
            continue
        middle = place.y + place.high / 2
        marks.append(Mark("line", Box(place.x, middle - 1, place.wide, 2), RULED))
        marks.append(Mark("line", Box(place.x + place.wide / 2 - 1, middle - 12, 2, 24), QUIET))
        x = place.x + place.wide * row["place"] / 100
        marks.append(Mark("dot", Box(x - 9, middle - 9, 18, 18), colour))
    return Drawing(tr("The dots show where the segment stands against the mean of all customers."), tuple(marks))


def _map(shown: str) -> Slide:
    caption = re.search(r"<figcaption>(.*?)</figcaption>", shown, flags=re.S)
    label = re.search(r'aria-label="([^"]*)"', shown)
    told = html.unescape(caption[1]) if caption else ""
    picture = Picture(OF_MAP, html.unescape(label[1]) if label else told, Box(EDGE, 150, WITHIN, 426))
    under = words(told, Box(EDGE, 584, WITHIN, FOOT_TOP - 584), 18, 13, colour=QUIET)
    return Slide((*_headed(tr("Where they stand")), picture, under))
