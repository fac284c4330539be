"""Gaussian mixtures: closed forms, scikit-learn, and the BIC that R gives."""

import numpy as np
import pandas as pd
import pytest
import skops.io
from scipy.stats import multivariate_normal
from sklearn.datasets import load_iris
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import scale

from segmentation.core.errors import UsageError
from segmentation.methods.method import random_state
from segmentation.methods.mixture import FAMILIES, FLOOR, MIXTURE, MixtureMethod, free_parameters, mixture_bic
from segmentation.methods.scores import probabilities, scored, scores_of
from tests.benchmarks.evidence_tables import planted_rows
from tests.conftest import MALL, ROOT

# BIC with its sign reversed, k = 1 to 10, of EII VII EEI VVI EEE VVV, by R 4.2.2 with mclust 6.0.0.
R = {
    "mall": """
        1151.0 1151.0 1156.3 1156.3 1161.6 1161.6
        1167.0 1107.4 1172.3 1113.4 1177.6 1121.4
        1153.4 1098.3 1128.6 1108.2 1130.8 1112.0
        1135.2 1093.6 1174.1 1042.0 1114.3 1055.5
        1064.2 1047.0 1053.8 1041.7 1058.6 1058.5
        1048.6 1045.6 1048.9 1048.2 1054.2 1069.5
        1026.8 1050.3 1032.1 1053.9 1037.4 1081.1
        1036.5 1054.9 1041.8 1068.8 1046.1 1102.3
        1040.2 1058.5 1041.1 1079.8 1044.0 1114.7
        1047.3 1075.1 1044.2 1097.1 1046.8 1117.2
    """,
    "wholesale": """
        7534.6 7534.6 7565.0 7565.0 6596.3 6596.3
        7163.1 7140.9 7027.1 6983.4 6600.0 6358.9
        7011.5 6849.2 6960.3 6734.7 6557.5 6268.0
        6942.6 6751.5 6813.5 6598.3 6514.0 6365.6
        6917.1 6679.7 6747.3 6523.1 6527.4 6394.5
        6842.1 6648.0 6699.3 6525.3 6498.7 6507.0
        6841.7 6638.6 6684.3 6549.6 6468.7 6585.1
        6843.4 6593.9 6712.9 6535.6 6473.0 6710.2
        6807.7 6637.0 6699.7 6528.9 6460.5 6817.6
        6782.4 6622.0 6712.0 6548.9 6520.3 6921.8
    """,
    "iris": """
        1727.8 1727.8 1742.8 1742.8 1050.7 1050.7
        1348.1 1329.3 1263.7 1078.2 908.8 794.7
        1218.5 1226.9 1033.7 965.3 853.7 801.5
        1181.2 1143.4 1048.1 971.7 866.7 851.3
        1139.7 1111.8 962.6 932.1 825.5 897.3
        1135.3 1106.9 914.5 928.0 830.6 975.5
        1123.9 1057.3 933.9 987.3 853.2 1027.6
        1128.3 1063.1 912.1 984.9 860.0 1051.3
        1118.9 1064.5 917.0 976.5 873.8 1104.4
        1116.1 1072.2 914.4 996.3 879.1 1147.0
    """,
    "ruspini": """
        438.6 438.6 443.0 443.0 447.0 447.0
        446.4 403.9 417.8 393.8 382.7 395.1
        422.6 366.4 447.0 352.5 394.8 331.9
        280.6 283.9 261.3 274.5 265.3 287.3
        273.8 286.1 253.6 281.7 255.3 294.6
        278.1 286.0 261.4 290.6 265.2 298.8
        276.5 294.0 263.2 305.4 266.9 317.4
        281.6 nan 279.6 nan 277.2 nan
        291.1 nan 281.5 nan 285.8 nan
        298.2 nan 292.0 nan 296.3 nan
    """,
    "faithful": """
        1560.6 1560.6 1566.2 1566.2 1118.0 1118.0
        884.3 885.9 865.0 856.5 835.6 832.6
        866.6 877.0 833.4 852.6 824.7 860.1
        867.0 855.2 834.0 853.6 841.5 861.8
        852.5 860.4 836.4 861.2 871.0 889.6
        856.1 878.4 848.5 883.6 857.7 897.4
        865.7 884.9 866.7 904.9 879.7 921.5
        874.6 899.4 874.4 924.0 885.5 952.2
        888.7 912.2 883.1 943.0 899.0 958.2
        902.4 924.5 900.1 963.4 912.6 1000.1
    """,
    "usarrests": """
        587.1 587.1 598.9 598.9 528.1 528.1
        542.9 544.9 531.1 541.3 530.6 541.9
        541.6 529.8 530.3 531.8 537.0 541.9
        525.8 530.7 521.9 547.8 538.2 589.3
        537.3 542.1 535.2 568.3 552.6 622.2
        554.3 549.6 552.3 599.9 570.2 646.3
        561.4 568.3 550.5 623.1 557.9 nan
        571.7 575.9 561.6 638.6 565.8 nan
        581.9 604.5 574.9 653.3 583.5 nan
        595.7 607.9 589.5 665.1 596.4 nan
    """,
}
# There R's own mixture has a component of fewer than 2 d rows, which ours may not have.
FEW_ROWS_IN_R = {("ruspini", 6), ("ruspini", 7), ("usarrests", 5), ("usarrests", 6)}  # k of VVV


def shared(name: str) -> pd.DataFrame:
    """Return a real table that lies beside the project, where it does."""
    path = ROOT.parent / "shared" / "data" / name
    if not path.is_file():
        pytest.skip(f"{name} is not here")
    return pd.read_csv(path)


TABLES = {
    "mall": lambda: shared(MALL).iloc[:, 3:5],
    "wholesale": lambda: np.log1p(shared("wholesale_customers.csv").iloc[:, 2:]),
    "iris": lambda: load_iris().data,
}


def table(name: str) -> np.ndarray:
    return scale(np.asarray(TABLES[name](), float))


def planted(name: str, *, seed: int = 0, n: int = 200) -> np.ndarray:
    [row] = [row for row in planted_rows() if row.name == name]
    return scale(row.table(seed, n))


LONG = "two long, along the diagonal, noise 0"


@pytest.mark.parametrize("name", TABLES)
def test_bic_is_that_of_r(name):
    assert_bic_is_that_of_r(name, table(name))


def assert_bic_is_that_of_r(name: str, X: np.ndarray) -> None:
    """Compare with R's: nowhere more than 1% worse; lower where R ended in a poorer optimum, but never for its best."""
    found = mixture_bic(X, range(1, 11))
    expected = pd.DataFrame(np.array(R[name].split(), float).reshape(10, 6), found.index, found.columns)
    for k in [k for table, k in FEW_ROWS_IN_R if table == name]:
        expected.loc[k, "VVV"] = np.nan
    assert (found[expected.notna()].isna() == expected.isna()).all(axis=None)
    assert not (found > expected * 1.01).any(axis=None)
    k, family = expected.stack().idxmin()
    assert (found.min(axis=1).idxmin(), found.loc[k].idxmin()) == (k, family)
    assert found.loc[k, family] == pytest.approx(expected.loc[k, family], rel=1e-3)
    assert found.loc[1].to_numpy() == pytest.approx(expected.loc[1].to_numpy(), abs=0.06)


def test_each_bic_is_that_of_a_mixture_that_does_not_degenerate():
    X = table("iris")
    for family in FAMILIES:
        model = MixtureMethod(families={5: family}).best(X, 5, seed=0).model
        assert model.family_ == family
        covariances = dense(model)
        assert np.linalg.eigvalsh(covariances).min() > FLOOR
        density = sum(
            share * multivariate_normal(mean, own).pdf(X)
            for share, mean, own in zip(model.weights_, model.means_, covariances, strict=True)
        )
        expected = free_parameters(family, 5, 4) * np.log(150) - 2 * np.log(density).sum()
        assert model.bic_ == pytest.approx(expected, rel=1e-6)
        assert model.weights_.min() * 150 > (7.5 if family == "VVV" else 1.5)


def dense(model: GaussianMixture) -> np.ndarray:
    k, d = model.means_.shape
    own = model.covariances_
    shapes = {
        "spherical": lambda: own[:, None, None] * np.eye(d),
        "diag": lambda: own[:, :, None] * np.eye(d),
        "tied": lambda: np.broadcast_to(own, (k, d, d)),
        "full": lambda: own,
    }
    return shapes[model.covariance_type]()


def test_bic_of_one_gaussian_is_the_closed_form():
    X = np.random.default_rng(3).normal(size=(300, 2)) @ np.array([[2, 1], [0, 1]])
    likelihood = -300 / 2 * (2 * np.log(2 * np.pi) + np.log(np.linalg.det(np.cov(X.T, ddof=0))) + 2)
    found = mixture_bic(X, [1, 2])
    assert found["VVV"][1] == found["EEE"][1] == pytest.approx(5 * np.log(300) - 2 * likelihood, rel=1e-9)
    assert found["VVV"][1] < found["VVV"][2]
    assert found["VVV"][1] < found["VII"][1]


def test_free_parameters_by_hand():
    assert [free_parameters(family, 3, 2) for family in FAMILIES] == [9, 11, 10, 14, 11, 17]


@pytest.mark.parametrize("family", ["VII", "VVI", "EEE", "VVV"])
def test_scikit_learn_stays_where_we_ended(family):
    X = table("iris")
    model = MixtureMethod(families={3: family}).best(X, 3, seed=0).model
    start = {"weights_init": model.weights_, "means_init": model.means_, "precisions_init": model.precisions_}
    theirs = GaussianMixture(3, covariance_type=FAMILIES[family], tol=1e-9, max_iter=500, **start).fit(X)
    assert theirs.bic(X) == pytest.approx(model.bic_, abs=0.01)
    assert theirs.means_ == pytest.approx(model.means_, abs=0.01)
    assert (theirs.predict(X) == model.labels_).mean() > 0.99


def test_the_model_is_one_that_scikit_learn_and_skops_know():
    X = planted(LONG)
    model = MIXTURE.best(X, 2, seed=0).model
    stored = skops.io.dumps(model)
    assert skops.io.get_untrusted_types(data=stored) == []
    again = skops.io.loads(stored)
    assert (again.predict(X) == model.labels_).all()
    assert again.cluster_centers_ == pytest.approx(np.array([X[model.labels_ == i].mean(axis=0) for i in (0, 1)]))
    assert again.inertia_ == pytest.approx(((X - again.cluster_centers_[model.labels_]) ** 2).sum())
    assert np.bincount(model.labels_).tolist() == sorted(np.bincount(model.labels_), reverse=True)


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_place_as_the_model_does(family):
    X = table("iris")
    model = MixtureMethod(families={3: family}).best(X, 3, seed=0).model
    found = scored(X, scores_of(model))
    assert (found.argmin(axis=1) == model.labels_).all()
    assert probabilities(found) == pytest.approx(model.predict_proba(X), abs=1e-9)


def test_two_long_groups_side_by_side_are_found_and_come_back():
    X = planted(LONG)
    optima = {k: MIXTURE.best(X, k, seed=0) for k in (2, 3)}
    assert optima[2].model.bic_ < optima[3].model.bic_
    quick = MIXTURE.settled(optima)
    labels = optima[2].model.labels_
    for i in range(5):
        again = quick.once(X, 2, random_state(i))
        assert adjusted_rand_score(labels, again.labels_) > 0.95
        assert (again.predict(X) == again.labels_).all()


@pytest.mark.parametrize("name", ["mall", "iris"])
def test_no_order_of_columns_or_rows_changes_anything(name):
    X = table(name)
    rng = np.random.default_rng(0)
    rows, columns = rng.permutation(len(X)), rng.permutation(X.shape[1])[::-1]
    mixed = X[rows][:, columns]
    assert mixture_bic(mixed, [3, 6]).to_numpy() == pytest.approx(mixture_bic(X, [3, 6]).to_numpy(), abs=1e-6)
    one, other = MIXTURE.best(X, 4, seed=0).model, MIXTURE.best(mixed, 4, seed=0).model
    assert (other.labels_ == one.labels_[rows]).all()
    assert other.cluster_centers_ == pytest.approx(one.cluster_centers_[:, columns])


def test_one_row_far_out_is_no_component():
    rng = np.random.default_rng(5)
    X = scale(np.vstack([rng.normal(size=(60, 2)), rng.normal(size=(60, 2)) + 8, [[30, -30]]]))
    assert np.bincount(MIXTURE.best(X, 2, seed=0).model.labels_).tolist() == [61, 60]
    found = mixture_bic(X, [2, 3, 4])
    assert found.loc[4].isna().all()  # every climb ends with the row alone
    assert found.min(axis=1).idxmin() == 2


DEGENERATE = {
    "a column without spread": np.column_stack([np.arange(20.0) % 4, np.zeros(20)]),
    "the same column twice": np.repeat(np.random.default_rng(0).normal(size=(40, 1)), 2, axis=1),
    "three points, many times": np.repeat([[0.0, 0], [1, 0], [0, 1]], 10, axis=0),
    "as many rows as segments": np.array([[0.0, 0], [1, 0], [0, 5]]),
    "fewer rows than columns": np.random.default_rng(0).normal(size=(6, 9)),
    "one column": np.random.default_rng(0).normal(size=(30, 1)),
    "answers": (np.random.default_rng(0).random((60, 5)) < 0.3).astype(float),
    "half zeros": np.random.default_rng(0).exponential(size=(60, 2)) * np.tile([0, 1], 30)[:, None],
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_tables_still_give_whole_segments(name):
    X = DEGENERATE[name]
    for k in (2, 3):
        model = MIXTURE.best(X, k, seed=0).model
        assert np.bincount(model.labels_, minlength=k).min() > 0
        assert np.isfinite([*model.cluster_centers_.ravel(), model.bic_]).all()
        assert len(np.unique(MIXTURE.once(X, k, random_state(0)).labels_)) == k
    assert mixture_bic(X, [1, 2]).shape == (2, 6)


def test_more_segments_than_points_are_refused():
    with pytest.raises(UsageError, match="K=4 is more than the 3 distinct"):
        MIXTURE.best(DEGENERATE["three points, many times"], 4, seed=0)
