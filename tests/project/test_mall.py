"""The figures that must come out on the real Mall Customers table.

The expected values were computed apart from this project, with scikit-learn alone, on the published table
(Kaggle, vjchoudhary7/customer-segmentation-tutorial-in-python): the best of very many K-Means starts for each k.
"""

import numpy as np
import pandas as pd
import pytest

from segmentation.core.files import read_json

# k: inertia, silhouette, Calinski-Harabasz, Davies-Bouldin
BY_K = {
    2: (269.0168, 0.29512, 96.405, 1.29102),
    3: (157.7040, 0.46658, 151.335, 0.71648),
    4: (108.9213, 0.49391, 174.595, 0.70956),
    5: (65.5684, 0.55466, 248.649, 0.57224),
    6: (55.0573, 0.53988, 243.088, 0.65457),
    7: (44.8648, 0.52815, 254.621, 0.71478),
    8: (37.1481, 0.45672, 267.914, 0.75791),
    9: (32.3308, 0.45941, 271.509, 0.75751),
    10: (29.0612, 0.45050, 269.464, 0.75365),
}
# size, income, spending, age, share of women
SEGMENTS = [
    (81, 55.30, 49.52, 42.72, 0.59),
    (39, 86.54, 82.13, 32.69, 0.54),
    (35, 88.20, 17.11, 41.11, 0.46),
    (23, 26.30, 20.91, 45.22, 0.61),
    (22, 25.73, 79.36, 25.27, 0.59),
]
NAMES = ["Standard customers", "Target customers", "Careful spenders", "Sensible customers", "Careless spenders"]


def test_every_row_is_clean(mall):
    cleaning = read_json(mall.artifact("mall", "cleaning.json"))
    assert (cleaning["rows_in"], cleaning["clean"], cleaning["rejected"]) == (200, 200, 0)
    assert mall.artifact("mall", "rejected.csv").read_text() == "file,line,column,value,rule\n"
    customers = pd.read_parquet(mall.artifact("mall", "customers.parquet"))
    assert customers["gender"].value_counts().to_dict() == {"Female": 112, "Male": 88}
    assert customers[["income", "spending"]].mean().tolist() == pytest.approx([60.56, 50.2])
    assert customers[["income", "spending"]].std(ddof=0).tolist() == pytest.approx([26.199, 25.7589], abs=5e-4)


@pytest.mark.parametrize("k", BY_K)
def test_criteria_of_each_k(mall, k):
    found = read_json(mall.artifact("mall", "k_selection.json"))["criteria"][str(k)]
    inertia, silhouette, calinski_harabasz, davies_bouldin = BY_K[k]
    assert found["inertia"] == pytest.approx(inertia, abs=5e-5)
    assert found["silhouette"] == pytest.approx(silhouette, abs=5e-6)
    assert found["calinski_harabasz"] == pytest.approx(calinski_harabasz, abs=5e-4)
    assert found["davies_bouldin"] == pytest.approx(davies_bouldin, abs=5e-6)


def test_five_segments_are_chosen_and_the_best_optimum_was_reached_several_times(mall):
    selection = read_json(mall.artifact("mall", "k_selection.json"))
    assert (selection["k"], selection["method"]) == (5, "auto")
    assert selection["favourites"] == {"silhouette": 5, "davies_bouldin": 5, "calinski_harabasz": 9}
    # Of 2,000 single starts 56% reached the best optimum of k = 5, and 7% that of k = 6; here a hundred are made.
    assert selection["criteria"]["5"]["reached"] == pytest.approx(0.56, abs=0.15)
    assert selection["criteria"]["6"]["reached"] == pytest.approx(0.07, abs=0.06)


def test_profiles_are_the_published_segments(mall):
    profiles = read_json(mall.artifact("mall", "profiles.json"))
    assert profiles["customers"] == 200
    assert [segment["name"] for segment in profiles["segments"]] == NAMES
    for segment, (size, income, spending, age, women) in zip(profiles["segments"], SEGMENTS, strict=True):
        assert segment["size"] == size
        assert segment["centre"] == pytest.approx({"income": income, "spending": spending}, abs=5e-3)
        assert segment["index"]["income"] == pytest.approx(100 * income / 60.56, abs=0.01)
        assert segment["descriptors"]["age"]["mean"] == pytest.approx(age, abs=5e-3)
        assert segment["descriptors"]["gender"]["Female"] == pytest.approx(women, abs=5e-3)
        assert segment["action"]


def test_ward_agrees(mall):
    agreement = read_json(mall.artifact("mall", "model.json"))["agreement"]
    assert agreement["Ward hierarchical clustering"] == pytest.approx(0.942, abs=5e-4)


def test_model_json_is_enough_to_score_anywhere(mall):
    model = read_json(mall.artifact("mall", "model.json"))
    customers = pd.read_parquet(mall.artifact("mall", "customers.parquet"))
    segments = pd.read_csv(mall.artifact("mall", "segments.csv"), dtype={"id": str})
    z = np.column_stack([(customers[f["name"]] - f["centre"]) / f["spread"] for f in model["features"]])
    distances = np.sort(np.linalg.norm(z[:, None] - np.array(model["centroids"]), axis=2), axis=1)
    nearest = np.linalg.norm(z[:, None] - np.array(model["centroids"]), axis=2).argmin(axis=1) + 1
    assert nearest.tolist() == segments["segment"].tolist()
    assert distances[:, 0] == pytest.approx(segments["distance"], abs=1e-6)
    assert (distances[:, 1] - distances[:, 0]) == pytest.approx(segments["margin"], abs=2e-6)
    assert (distances[:, 0] ** 2).sum() == pytest.approx(65.5684, abs=5e-5)
    assert segments["id"].tolist() == customers["id"].tolist()


def test_report_tells_the_dissent_of_a_criterion(mall):
    assert "Calinski-Harabasz (9)" in mall.page("mall")
    assert "Gap statistic (1)" in mall.page("mall")


def test_an_own_k_is_honoured_and_judged_in_a_run_of_any_name(mall, mall_table):
    name = "Märkte 2024 客户"
    words = ["--dataset", "mall", "--data", str(mall_table), "--k", "6", "--run", name, "--resamples", "20"]
    done = mall.run("report", *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("200 customers, cut into six parts")
    assert done.stdout.rstrip().endswith(f"report/{name}/report.html")
    selection, page = read_json(mall.artifact(name, "k_selection.json")), mall.page(name)
    assert (selection["k"], selection["method"], selection["best"]) == (6, "given", 5)
    asked = "The analyst asked for k = 6, with the verdict constructive; the evidence of these customers speaks for 5"
    assert f"{asked} (natural)." in page
    assert "The evidence speaks for five segments; these parts divide or join them." in page
    assert "<h2>The parts</h2>" in page
    assert sorted(read_json(mall.artifact(name, "profiles.json"))["segments"][-1]) == sorted(
        read_json(mall.artifact("mall", "profiles.json"))["segments"][-1]
    )


def test_same_bytes_in_another_folder_for_another_user_in_another_place(mall, mall_table, fresh, tmp_path):
    elsewhere = {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "7",
        "SOURCE_DATE_EPOCH": "86400",
        "USER": "somebody",
        "LOGNAME": "somebody",
        "HOME": str(tmp_path / "home"),
    }
    done = fresh.run("pdf", "--dataset", "mall", "--data", str(mall_table), **elsewhere)
    assert done.returncode == 0, done.stderr
    first, second = (_bytes(project) for project in (mall, fresh))
    assert set(first) >= {f"{place}/mall/{name}" for place, name in PROOF}
    assert {name for name in first if first[name] != second.get(name)} == set()


PROOF = (("assets", "segments.csv"), ("assets", "model.json"), ("report", "report.html"), ("report", "report.pdf"))


def _bytes(project) -> dict[str, bytes]:
    folders = [project.root / "assets" / "mall", project.root / "report" / "mall"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(project.root).as_posix(): path.read_bytes() for path in files if path.name != ".doit.json"}
