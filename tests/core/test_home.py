"""Where the files of the project lie: shipped with the package, or in the home of the caller."""

import os
from pathlib import Path

import pytest

from segmentation.core import files
from segmentation.core.dataset import Source
from segmentation.core.errors import UsageError
from segmentation.runs.run import load_dataset
from segmentation.tables.sources import find_table


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Let the package be one that is installed, with one dataset, and its caller stand in an empty folder."""
    package, caller = tmp_path / "site" / "segmentation", tmp_path / "caller"
    for name, title in (("data/shop/dataset.yaml", "Shipped"), ("notebooks/01_cleaning.ipynb", "")):
        files.write_text(package / "shipped" / name, f"title: {title}\ncolumns: {{a: {{role: feature}}}}\n")
    caller.mkdir()
    monkeypatch.chdir(caller)
    monkeypatch.setenv(files.HOME, "")  # so that it is as before afterwards, whatever is told meanwhile
    monkeypatch.delenv(files.HOME)
    for name, value in (
        *(("INSTALLED", True), ("PACKAGE", package), ("SHIPPED", package / "shipped")),
        ("ROOT", caller / "segmentation"),
    ):
        monkeypatch.setattr(files, name, value)
    return caller


def test_what_the_home_holds_wins_over_what_is_shipped(installed):
    shipped = files.SHIPPED / "data/shop/dataset.yaml"
    assert (files.found("data/shop/dataset.yaml"), load_dataset("shop").title) == (shipped, "Shipped")
    files.write_text(files.ROOT / "data/shop/dataset.yaml", shipped.read_text().replace("Shipped", "Own"))
    assert load_dataset("shop").title == "Own"
    files.write_text(files.ROOT / "data/mine/dataset.yaml", "")
    with pytest.raises(UsageError, match=r"^segmentation/data/other/dataset\.yaml does not .*Known: mine, shop\.$"):
        load_dataset("other")
    described = load_dataset("shop").model_copy(update={"source": Source(path="shop.csv")})
    with pytest.raises(UsageError, match=r"^segmentation/data/shop/shop\.csv does not exist"):
        find_table("shop", described)


@pytest.mark.parametrize("root", ["home", "shipped", "package"])
def test_a_file_has_one_name_wherever_home_and_package_lie(installed, root):
    name = {"home": "assets/shop/a.json", "shipped": "notebooks/01_cleaning.ipynb"}.get(root, "segmentation/cli.py")
    place = {"home": files.ROOT, "shipped": files.SHIPPED}.get(root, files.PACKAGE.parent) / name
    assert files.name_of(place) == name
    assert files.found(name) == place


def test_a_foreign_file_is_called_by_its_whole_path(installed):
    place = files.PACKAGE.parent / "sklearn" / "iris.csv"
    assert files.found(files.name_of(place)) == place


def test_a_path_is_printed_as_its_caller_can_type_it(installed, monkeypatch):
    page = files.ROOT / "report" / "shop" / "report.html"
    assert files.shown(page) == "segmentation/report/shop/report.html"
    deeper = installed / "a" / "b"
    deeper.mkdir(parents=True)
    monkeypatch.chdir(deeper)
    assert files.shown(page) == "../../segmentation/report/shop/report.html"
    monkeypatch.chdir(Path(installed.anchor))
    assert files.shown(page) == page.relative_to(installed.anchor).as_posix()
    monkeypatch.chdir(Path(__file__).parent)
    apart = os.path.commonpath([page, Path(__file__)]) == page.anchor
    assert (files.shown(page) == page.as_posix()) == apart


def test_a_home_is_where_the_caller_stands_or_beside_and_the_environment_names_another(installed, monkeypatch):
    assert files._home() == installed / "segmentation"
    files.write_text(installed / "segmentation" / "assets" / "shop" / ".made.json", "{}")
    for folder in ("", "notebooks", "report/shop"):
        (installed / "segmentation" / folder).mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(installed / "segmentation" / folder)
        assert files._home() == installed / "segmentation"
    monkeypatch.chdir(installed)
    monkeypatch.setenv(files.HOME, "other/../reports")
    assert files._home() == installed / "reports"


def test_a_package_of_somebody_is_no_home(installed):
    files.require_home()
    assert os.environ[files.HOME] == str(files.ROOT)
    files.write_text(files.ROOT / "__init__.py", "")
    with pytest.raises(UsageError, match=r"segmentation is a Python package.*SEGMENTATION_HOME="):
        files.require_home()


@pytest.mark.parametrize("below", ["", "a/b"])
def test_a_file_is_no_home(installed, monkeypatch, below):
    files.ROOT.write_text("")
    monkeypatch.setattr(files, "ROOT", files.ROOT / below)
    with pytest.raises(UsageError, match=r"^segmentation.* cannot be .*: segmentation is a file; .*SEGMENTATION_HOME="):
        files.require_home()


def test_a_home_that_cannot_be_made_is_told_and_one_that_is_there_may_be_read(installed, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UsageError, match=r"^segmentation cannot be .*: \. is not yours to write to; "):
        files.require_home()
    files.ROOT.mkdir()
    files.require_home()


def test_what_is_brought_to_the_home_is_never_written_over(installed):
    files.bring("notebooks/*.ipynb")
    own = files.ROOT / "notebooks" / "01_cleaning.ipynb"
    assert own.read_text() == (files.SHIPPED / "notebooks" / "01_cleaning.ipynb").read_text()
    own.write_text("edited")
    files.bring("notebooks/*.ipynb")
    assert (own.read_text(), files.found("notebooks/01_cleaning.ipynb")) == ("edited", own)
