"""Writing the slides of a run, for a browser and for PowerPoint."""

from pathlib import Path

from segmentation.report.render import OF_MAP, lift, merge, older, read_told
from segmentation.report.slides.browser import write_page
from segmentation.report.slides.deck import deck
from segmentation.report.slides.powerpoint import write_powerpoint
from segmentation.runs.run import Run
from segmentation.runs.stages import OF_PAGE, SLIDES


def write_slides(study: Run, executed: list[Path], parameters: list[dict]) -> None:
    """Write slides.html and slides.pptx from the executed notebooks and the artifacts."""
    shown = lift(merge([read_told(path) for path in executed]), OF_MAP)
    slides = deck(study, shown, parameters)
    try:
        write_page(study, slides)
        write_powerpoint(study, slides)
    finally:
        for name in OF_PAGE[SLIDES]:
            older(study.report / name).unlink(missing_ok=True)
