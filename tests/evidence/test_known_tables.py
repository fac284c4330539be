"""The tables of the textbooks: the verdict that is known, and the figures that R gives.

R's packages bring most of the tables, which their licence keeps out of this project: they are read from there.
"""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from segmentation.evidence.criteria import score_each_k
from segmentation.evidence.stability import prediction_strength, resampled_jaccard
from segmentation.methods.optima import fit_each_k
from tests.benchmarks.evidence_rates import alone, verdict_of
from tests.conftest import ROOT
from tests.methods.test_mixture import assert_bic_is_that_of_r

WHOLESALE = ROOT.parent / "shared" / "data" / "wholesale_customers.csv"
BY_R = """
args <- commandArgs(trailingOnly = TRUE)
keep <- function(table, name) write.csv(table, file.path(args[1], paste0(name, ".csv")), row.names = FALSE)
data(banknote, package = "mclust")
keep(faithful, "faithful"); keep(USArrests, "usarrests"); keep(banknote[, names(banknote) != "Status"], "banknote")
keep(cluster::ruspini, "ruspini"); keep(cluster::xclara, "xclara")
"""

# R 4.2.2 on standardized features (of wholesale the logarithms of amount + 1), K-Means from many starts:
# inertia; silhouette by cluster 2.1.4; Calinski-Harabasz and Davies-Bouldin by fpc 2.2.10.
CRITERIA = {
    "mall": {3: (157.70401, 0.46658, 151.33512, 0.71648), 5: (65.56841, 0.55466, 248.64932, 0.57224)},
    "wholesale": {2: (1844.0641, 0.29033, 189.04980, 1.35150), 3: (1553.3395, 0.25920, 152.85474, 1.34436)},
    "iris": {2: (222.36170, 0.58175, 251.3493, 0.59331), 3: (139.82050, 0.45995, 241.9044, 0.83359)},
    "ruspini": {3: (40.04361, 0.58583, 98.85299, 0.58430), 4: (10.22413, 0.73681, 323.55125, 0.34888)},
    "faithful": {2: (79.57596, 0.74518, 1575.7836, 0.34062), 3: (56.31362, 0.48508, 1164.7950, 0.81803)},
    "usarrests": {2: (104.96163, 0.40849, 43.46199, 0.96972), 4: (57.55426, 0.33969, 37.94972, 0.99697)},
}
# fpc::prediction.strength for k = 2 and 3, and the means of fpc::clusterboot over the resamples, least first.
STRENGTH = {
    "mall": (0.5547, 0.9239),
    "wholesale": (0.8317, 0.5687),
    "iris": (1.0, 0.6831),
    "ruspini": (0.9394, 0.6843),
    "faithful": (0.9754, 0.6401),
    "usarrests": (0.9368, 0.5086),
}
JACCARD = {
    "mall": {5: (0.9736, 0.9802, 0.9841, 0.9879, 1)},
    "wholesale": {2: (0.9651, 0.9729), 3: (0.8078, 0.843, 0.9148)},
    "iris": {2: (1, 1), 3: (0.9139, 0.9192, 0.9969)},
    "ruspini": {3: (0.8513, 0.8666, 0.8816), 4: (1, 1, 1, 1)},
    "faithful": {2: (0.9927, 0.9958), 3: (0.8498, 0.8779, 0.9998)},
    "usarrests": {2: (0.9906, 0.9934), 4: (0.9002, 0.9009, 0.9069, 0.921)},
}


@pytest.fixture(scope="session")
def textbook(tmp_path_factory, request):
    """Return the features of a table by its name."""
    if not shutil.which("Rscript"):
        pytest.skip("R is not here; on Debian: apt-get install r-base-core r-cran-cluster r-cran-mclust")
    folder = tmp_path_factory.mktemp("textbooks")
    subprocess.run(["Rscript", "-e", BY_R, folder], check=True)
    return lambda name: _features(folder, name, request)


def _features(folder: Path, name: str, request) -> np.ndarray:
    if name == "iris":
        return load_iris().data
    if name == "mall":
        table = pd.read_csv(request.getfixturevalue("mall_table"))
        return table[["Annual Income (k$)", "Spending Score (1-100)"]].to_numpy(float)
    if name == "wholesale":
        if not WHOLESALE.is_file():
            pytest.skip("the wholesale table is not here")
        return np.log1p(pd.read_csv(WHOLESALE).drop(columns=["Channel", "Region"]).to_numpy(float))
    return pd.read_csv(folder / f"{name}.csv").to_numpy(float)


def _scaled(X: np.ndarray) -> np.ndarray:
    return (X - X.mean(axis=0)) / X.std(axis=0)


@pytest.mark.parametrize("name", CRITERIA)
def test_criteria_are_those_of_r(textbook, name):
    X = _scaled(textbook(name))
    scores = score_each_k(X, fit_each_k(X, CRITERIA[name]))
    found = scores[["inertia", "silhouette", "calinski_harabasz", "davies_bouldin"]]
    assert found.to_numpy() == pytest.approx(np.array([*CRITERIA[name].values()]), rel=1e-4)


@pytest.mark.parametrize("name", CRITERIA)
def test_what_comes_back_is_what_comes_back_in_r(textbook, name):
    X = _scaled(textbook(name))
    with alone():
        labels = {k: optimum.model.labels_ for k, optimum in fit_each_k(X, JACCARD[name]).items()}
        found = resampled_jaccard(X, labels, resamples=100)
        strength = prediction_strength(X, [2, 3], splits=100)["prediction_strength"]
    for k, expected in JACCARD[name].items():
        assert np.sort(found[k].mean(axis=0)) == pytest.approx(np.array(expected), abs=0.04)
    assert strength.to_numpy() == pytest.approx(np.array(STRENGTH[name]), abs=0.07)


@pytest.mark.parametrize("name", ["ruspini", "faithful", "usarrests"])
def test_mixtures_are_those_of_r(textbook, name):
    assert_bic_is_that_of_r(name, _scaled(textbook(name)))


@pytest.mark.parametrize(
    ("name", "k"), [("mall", 5), ("faithful", 2), ("banknote", 2), ("iris", 2), ("ruspini", 4), ("xclara", 3)]
)
@pytest.mark.parametrize("seed", range(3))
def test_what_every_textbook_sees_is_natural(textbook, name, k, seed):
    found = verdict_of(textbook(name), seed=seed)
    assert (found.k, found.natural) == (k, True)
