"""Draws the badges of the README from what the project declares; each is a file here, so that reading asks nobody.

python -m tests.badges
"""

import re
import tomllib
from html import escape

import yaml

from tests.conftest import ROOT

PLACE = ROOT / "assets" / "readme"
LETTER, ROOM = 6.6, 12  # px of a letter, and beside a text
SYSTEMS = {"ubuntu": "Linux", "macos": "macOS", "windows": "Windows"}  # as the runners of the workflow call them


def draw(name: str, value: str) -> str:
    """Return a badge of two fields as SVG."""
    left, right = (round(len(text) * LETTER + ROOM) for text in (name, value))
    fields = "".join(
        f'<rect x="{x}" width="{width}" height="20" fill="{colour}"/>'
        f'<text x="{x + width / 2:g}" y="14">{escape(text)}</text>'
        for x, width, colour, text in ((0, left, "#4d5a6a", name), (left, right, "#1d5fa8", value))
    )
    look = 'fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img">'
        f"<title>{escape(name)}: {escape(value)}</title>"
        f"<g {look}>{fields}</g></svg>\n"
    )


def badges() -> dict[str, str]:
    """Return each badge by its file: the Pythons and the licence as declared, the systems that the workflow tries."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pythons = [line.rsplit(" ", 1)[1] for line in project["classifiers"] if re.search(r":: 3\.\d+$", line)]
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "report.yml").read_text())
    runners = workflow["jobs"]["platforms"]["strategy"]["matrix"]["system"]
    systems = dict.fromkeys(SYSTEMS[runner.partition("-")[0]] for runner in runners)
    return {
        "python.svg": draw("Python", f"{pythons[0]} to {pythons[-1]}"),
        "systems.svg": draw("systems", ", ".join(systems)),
        "licence.svg": draw("licence", project["license"]),
    }


if __name__ == "__main__":
    for name, drawn in badges().items():
        (PLACE / name).write_text(drawn)
