"""Takes the pictures that the README shows, of the report on the sample: desktop, phone, dark, and PDF."""

import pypdfium2

from segmentation.core import files
from tests.browser import open_browser, open_page

REPORT = files.ROOT / "report" / "sample"
PICTURES = files.ROOT / "assets" / "readme"
PDF_SCALE = 1.2


def main() -> None:
    """Write report.png, mobile.png, dark.png and pdf.png."""
    with open_browser() as browser:
        for look, name in (("light", "report"), ("mobile", "mobile"), ("dark", "dark")):
            with open_page(browser, REPORT / "report.html", look, reduced_motion="reduce") as page:
                if look == "dark":
                    page.locator("#explore").evaluate("place => place.scrollIntoView()")
                page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")
    pages = pypdfium2.PdfDocument(REPORT / "report.pdf")
    pages[0].render(scale=PDF_SCALE).to_pil().save(PICTURES / "pdf.png")


if __name__ == "__main__":
    main()
