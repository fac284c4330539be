"""`make docs`: puts the pages together, builds the site, and looks at it in a browser without a network."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from mkdocs.commands.build import build
from mkdocs.config import load_config

from tests.conftest import ROOT
from tests.docs.built import faults, search, seen
from tests.docs.gallery import write_gallery
from tests.docs.pages import copy_documents, write_api

SITE = ROOT / "site"


def main() -> int:
    """Write site/, and return 1 where something is wrong with it."""
    with TemporaryDirectory() as staged:
        pages = Path(staged)
        copy_documents(pages)
        write_api(pages)
        write_gallery(pages)
        build(load_config(str(ROOT / "docs" / "mkdocs.yml"), docs_dir=staged, site_dir=str(SITE), strict=True))
    (SITE / "404.html").unlink()  # its links hold at the root of a server alone
    found = [*faults(SITE), *seen(SITE)]
    search(SITE)
    print("\n".join(found) or "site/index.html", file=sys.stderr if found else sys.stdout)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
