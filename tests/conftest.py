"""What the tests share: copies of the project to run commands in, with finished runs or without, and the real table."""

import contextlib
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from hypothesis import settings
from sklearn.cluster import KMeans
from sklearn.pipeline import Pipeline

from segmentation import cli
from segmentation.core import files
from segmentation.core.dataset import Dataset
from segmentation.core.errors import CALLED_BY
from segmentation.core.store import reuse
from segmentation.customers.cleaning import Cleaned
from segmentation.customers.customers import Customers
from segmentation.language import speak
from segmentation.runs.artifacts import Model
from segmentation.runs.records import Placement
from segmentation.runs.run import load_dataset
from tests.browser import find_chromium, open_browser

ROOT = Path(__file__).resolve().parents[1]
MALL = "Mall_Customers.csv"
FAST = ["--resamples", "10"]
settings.register_profile("unhurried", deadline=None)  # a machine may be busy
settings.load_profile("unhurried")
os.environ[CALLED_BY] = "make"  # as `make test` does it: messages are tested in its words, unless a test says otherwise

SHOP = """title: Shop
source: {path: shop.csv}
columns:
  id: {role: id}
  spend: {role: feature, label: Spend}
  rate: {role: feature, label: Rate, unit: <b>}
  n: {role: descriptor, type: category, label: City}
  village: {role: descriptor, type: category, label: Village}
  salary: {role: descriptor, label: Salary}
  empty: {role: descriptor, label: Nothing}
  fixed: {role: descriptor, label: Fixed}
  day: {role: descriptor, label: Day}
"""

PEOPLE = {
    "id": {"role": "id"},
    "city": {"role": "descriptor", "type": "category"},
    "size": {"role": "descriptor", "type": "category", "categories": {"Small": ["s"], "Large": ["l"]}},
    "age": {"role": "descriptor", "min": 0, "max": 120},
    "spend": {"role": "feature", "min": 0},
}


@dataclass(frozen=True)
class Project:
    """A copy of the project in a folder of its own."""

    root: Path

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess:
        """Run a command of the project as a user would, and return its exit code and output."""
        variables = {**os.environ, "PYTHONPATH": str(self.root), **environment}
        command = [sys.executable, "-m", "segmentation", *words]
        return subprocess.run(command, cwd=self.root, env=variables, capture_output=True, text=True)

    def call(self, *words: str, drawn: bool = True) -> subprocess.CompletedProcess:
        """Run a command in this process, its notebooks too: the same cells and the same page, in less time."""
        from tests.here import leave_undrawn, patch_execution

        told, faults = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "ROOT", self.root)
            patch.setattr(sys, "argv", ["segmentation", *words])
            patch.chdir(self.root)
            patch_execution(patch, self.root)
            if not drawn:
                leave_undrawn(patch)
            with (
                contextlib.redirect_stdout(told),
                contextlib.redirect_stderr(faults),
                pytest.raises(SystemExit) as end,
            ):
                cli.main()
        speak("en")
        return subprocess.CompletedProcess(words, end.value.code or 0, told.getvalue(), faults.getvalue())

    def copy(self, folder: Path) -> "Project":
        """Copy the project with its runs, which stay up to date."""
        shutil.copytree(self.root, folder / "project")
        return Project(folder / "project")

    def artifact(self, run: str, name: str) -> Path:
        return self.root / "assets" / run / name

    def page(self, run: str) -> str:
        return (self.root / "report" / run / "report.html").read_text(encoding="utf-8")


def in_short(names) -> list[str]:
    """Return names of artifacts as a reader is told them: the files of a query for several databases as one."""
    return list(dict.fromkeys(re.sub(r"^(sql/\w+)\.\w+\.sql$", r"\1.*.sql", name) for name in names))


def copy_project(folder: Path) -> Project:
    """Copy what git would keep, and the compiled modules: no environment, no run."""
    root = folder / "project"
    for part in ("segmentation", "notebooks", "data", "report/template"):
        skip = shutil.ignore_patterns(".ipynb_checkpoints", MALL)
        shutil.copytree(ROOT / part, root / part, ignore=skip)
    for name in ("pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, root / name)
    for path in (ROOT / "report").glob("dashboard.*"):
        shutil.copy(path, root / "report")
    return Project(root)


def customers_of(frame: pd.DataFrame, *, privacy: str = "rows") -> Customers:
    """Return the customers of a frame, of which nothing is described."""
    return Customers.of(Dataset.model_construct(title="T", columns={}, privacy=privacy), frame)


def in_frames(cleaned: Cleaned) -> SimpleNamespace:
    """Return customers, rejected, flagged and account of what was cleaned, its tables as frames."""
    rejected, flagged = cleaned.rejected.to_pandas(), cleaned.flagged.to_pandas()
    customers = cleaned.customers.table.to_pandas()
    return SimpleNamespace(customers=customers, rejected=rejected, flagged=flagged, account=cleaned.account)


def make_report(folder: Path, name: str, described: str, table: pd.DataFrame, command: str) -> Project:
    """Copy the project, describe a table in it, and make its report."""
    project = copy_project(folder)
    place = project.root / "data" / name
    place.mkdir()
    (place / "dataset.yaml").write_text(described)
    table.to_csv(place / f"{name}.csv", index=False)
    done = (
        project.run(command, "--dataset", name, *FAST)
        if command == "pdf"
        else project.call(command, "--dataset", name, *FAST)
    )
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def fresh(tmp_path) -> Project:
    """A copy of the project in which nothing has run."""
    return copy_project(tmp_path)


def completed(placement: Placement) -> Model:
    """Return a model with these scales and centroids; its other figures say nothing."""
    k, rest = len(placement.centroids), {"label": "", "unit": None, "transform": "none", "bounds": [], "shares": [1]}
    return Model(
        method="k-means",
        customers=k,
        sizes=[1] * k,
        distance_unit="",
        features=[{**dict(scaled), **rest, "low": 0, "high": 1} for scaled in placement.features],
        centroids=placement.centroids,
        reach=[1] * k,
        centroids_original_units=placement.centroids,
        inertia=0,
        agreement={},
        **({"scores": placement.scores} if placement.scores else {}),
    )


def write_model_of(folder: Path) -> None:
    """Write assets/sample/ with a model of the sample, what describes it, and a manifest: all that loading needs."""
    shutil.copytree(ROOT / "data" / "sample", folder / "data" / "sample")
    import skops.io

    from segmentation.core.files import sha256, write_json
    from segmentation.segments.fit import scaling, scaling_and_centroids

    features = ("income", "spending")
    table = pd.read_csv(ROOT / "data" / "sample" / "customers.csv")
    X = table[["annual_income_k", "spending_score"]].to_numpy(float)
    steps = [*scaling(load_dataset("sample"), features).steps, ("kmeans", KMeans(5, n_init=1, random_state=0))]
    model, assets = Pipeline(steps).fit(X), folder / "assets" / "sample"
    assets.mkdir(parents=True)
    (assets / "model.skops").write_bytes(skops.io.dumps(model))
    for name, content in (
        ("model", completed(scaling_and_centroids(model, features)).content()),
        ("profiles", {}),
        ("cleaning", {}),
    ):
        write_json(assets / f"{name}.json", content)
    written = {path.relative_to(folder).as_posix(): sha256(path) for path in sorted(assets.iterdir())}
    parts = {"inputs": {}, "set_by": {}, "versions": {}, "parameters": {"dataset": "sample"}}
    write_json(assets / "manifest.json", parts | {"outputs": written})


@pytest.fixture(scope="session")
def mall_table() -> Path:
    """The real Mall Customers table, which the project may not ship."""
    places = [ROOT.parent / "shared" / "data" / MALL, ROOT / "data" / "mall" / MALL]
    for place in places:
        if place.is_file():
            return place
    pytest.skip(f"{MALL} is not here; `make report DATASET=mall` fetches it into data/mall/")


def made_once(factory: pytest.TempPathFactory, name: str, make) -> Project:
    """Copy a project for this worker that `make` makes in a folder once for all workers; the others wait for it."""
    base = factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"shared-{name}"
    finished = shared / "finished"
    with FileLock(f"{shared}.lock"):
        if not finished.is_dir():
            shutil.rmtree(shared, ignore_errors=True)
            shared.mkdir()
            make(shared).root.rename(finished)
    return Project(finished).copy(factory.mktemp(name))


def _report(words: list[str], folder: Path, **environment: str) -> Project:
    return _reported(copy_project(folder), *words, **environment)


def _reported(project: Project, *words: str, **environment: str) -> Project:
    done = project.run(*words, **environment)
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> Project:
    """A copy of the project in which the sample report has been made."""
    return made_once(tmp_path_factory, "sample", partial(_report, ["report"]))


@pytest.fixture(scope="session")
def mall(tmp_path_factory, mall_table) -> Project:
    """A copy of the project in which the report on the real table, and its PDF, have been made, with two threads."""
    words = ["pdf", "--dataset", "mall", "--data", str(mall_table)]
    return made_once(tmp_path_factory, "mall", partial(_report, words, OMP_NUM_THREADS="2"))


@pytest.fixture(scope="session")
def toys(tmp_path_factory, sample) -> Project:
    """The toy project of `tests.toy`, in which the report has been made."""
    from tests.toy import make_toy

    return made_once(tmp_path_factory, "toys", lambda folder: _reported(make_toy(sample, folder), "report"))


@pytest.fixture
def toy(toys, tmp_path) -> Project:
    """The same for one test to change as it likes."""
    return toys.copy(tmp_path)


@pytest.fixture
def place():
    """A folder for temporary files, of a name short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        yield Path(folder)


def shop_table() -> pd.DataFrame:
    """Draw 120 customers in three segments, with columns that hold little, nothing, one value, or whole numbers."""
    rng = np.random.default_rng(4)
    spend = np.concatenate([rng.normal(c, 3, 40) for c in (20, 60, 100)])
    rate = np.concatenate([rng.normal(c, 0.002, 40) for c in (0.02, 0.03, 0.02)])
    salary = [12345.67, 23456.78, 34567.89, 45678.91, 56789.12] + [""] * 115
    city = (["Rome"] * 33 + ["Oslo"] * 7) * 2 + ["Rome"] * 40
    village = ["Mill"] * 115 + ["Hollow"] * 5
    days = rng.integers(20230101, 20231231, 120)
    ids = [f"customer-{i}" for i in range(120)]
    told = {"n": city, "village": village, "salary": salary, "empty": "", "fixed": 7, "day": days}
    return pd.DataFrame({"id": ids, "spend": spend, "rate": rate, **told})


@pytest.fixture(scope="session")
def shop(tmp_path_factory) -> Project:
    """A copy of the project in which the report on a private table with awkward columns has been made."""
    make = partial(make_report, name="shop", described=SHOP, table=shop_table(), command="pdf")
    return made_once(tmp_path_factory, "shop", make)


@pytest.fixture(scope="module")
def browser():
    """A Chromium without a window."""
    if not find_chromium():
        pytest.skip("Chromium is not installed; on Debian: apt-get install chromium")
    with open_browser() as started:
        yield started


def free_port() -> int:
    """Return a port of this machine that nobody listens to."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server of our own, which is gone after the tests: its URL."""
    places = [str(place) for place in sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    pg_ctl = shutil.which("pg_ctl", path=os.pathsep.join([*places, os.environ["PATH"]]))
    if not pg_ctl:
        pytest.skip("PostgreSQL is not installed; on Debian: apt-get install postgresql")
    # The server refuses to run as root.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    port = free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if user:
            shutil.chown(folder, "postgres")
        data = f"{folder}/data"
        subprocess.run([*user, pg_ctl, "init", "-D", data, "-o", "-A trust -U me"], check=True, capture_output=True)
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        start = [*user, pg_ctl, "-D", data, "-l", f"{folder}/log", "-o", options, "-w", "start"]
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL)
        yield f"postgresql://me:secret@127.0.0.1:{port}/postgres"
        subprocess.run([*user, pg_ctl, "-D", data, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def keeping(tmp_path, monkeypatch):
    """A home that keeps what is computed."""
    monkeypatch.setattr(files, "ROOT", tmp_path)
    monkeypatch.delenv(files.ANEW)
    reuse._make_room.cache_clear()
    return tmp_path
