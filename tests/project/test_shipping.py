"""What is shipped: the image, the workflows, a release, and the report that the sample is expected to give."""

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
import yaml

from segmentation.core import files
from segmentation.core.errors import SegmentationError
from tests import golden
from tests.conftest import ROOT
from tests.golden import compare_sample, content, renew_sample

DOCKERFILE = (ROOT / "Dockerfile").read_text()
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def _instructions() -> list[tuple[str, str]]:
    lines = "\n".join(line for line in DOCKERFILE.splitlines() if not line.startswith("#"))
    return [tuple(line.split(None, 1)) for line in re.sub(r"\\\n\s*", " ", lines).splitlines() if line]


def _last(name: str) -> str:
    return [rest for instruction, rest in _instructions() if instruction == name][-1]


def test_the_image_starts_from_one_digest_and_runs_as_nobody_in_particular():
    bases = [rest.split()[0] for instruction, rest in _instructions() if instruction == "FROM"]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.14\.\d+-slim-trixie@sha256:[0-9a-f]{64}", bases[0])
    assert int(_last("USER").split(":")[0]) > 0
    names = [instruction for instruction, _ in _instructions()]
    assert names.index("ENTRYPOINT") > len(names) - 1 - names[::-1].index("USER")


def test_whoever_changes_the_project_in_a_container_has_the_python_of_the_image_and_no_rights_of_root():
    folder = ROOT / ".devcontainer"
    told = json.loads((folder / "devcontainer.json").read_text())
    lines = (folder / told["build"]["dockerfile"]).read_text().splitlines()
    assert f"{[line for line in lines if line.startswith('FROM ')][-1]}" == f"FROM {_last('FROM')}"
    assert lines[-1] == "USER 1000"
    assert re.search(rf"--uid 1000 .* {told['remoteUser']}$", "\n".join(lines), flags=re.M)
    assert told["postCreateCommand"] == "make report"
    assert not re.search(r"curl|wget|pip install", "\n".join(lines))


def test_the_image_installs_nothing_without_its_hash_but_the_project():
    runs = " && ".join(rest for instruction, rest in _instructions() if instruction == "RUN")
    installs = [part for part in runs.split("&&") if re.search(r"\b(pip|uv) (pip )?install\b", part)]
    assert len(installs) == 3
    assert all(_is_safe(part) for part in installs)
    assert not re.search(r"curl|wget|git clone|pip install --upgrade|# *syntax *=", DOCKERFILE)


BUILT = {"pyspark": ["setuptools"], "segmentation": ["hatchling"]}  # what comes as source alone, and builds it


OURS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]


def _is_safe(install: str) -> bool:
    """Return whether a command takes wheels by their hash, and builds by nothing that it fetches."""
    if re.search(r"--no-deps --(no-build-isolation|build-constraint requirements\.txt) (-e|--editable) \. *$", install):
        return True
    if re.search(rf"""(^uvx|^pipx? install|--no-deps --only-binary :all:) ["']?({OURS}\b|\./\$)""", install):
        return True  # the project itself has no hash of its own: docs/threats.md
    built = re.findall(r"--no-binary (\S+)", install)
    safe = "--require-hashes" in install and "--only-binary :all:" in install
    return safe and (not built or "--no-build-isolation" in install) and set(built) <= set(BUILT)


def _recipes(*targets: str) -> str:
    """Return what make would run for targets, from nothing."""
    command = ["make", "--dry-run", "--no-print-directory", *targets, "VENV=.venv-that-is-not-there"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def _installs() -> list[str]:
    """Return every command outside of the image by which packages come."""
    texts = [(ROOT / name).read_text() for name in ("environment.yml", "README.md", ".ci/run", "action.yml")]
    texts += [path.read_text() for path in WORKFLOWS] + [
        _recipes("report", "pdf", "test", "spark", "bench", "docs", "audit")
    ]
    found = [re.findall(r"(?:pip (?:install|sync)|uv tool|uvx|pipx) [^`\n&]*", text) for text in texts]
    conda = yaml.safe_load(texts[0])["dependencies"][-1]["pip"]
    return [command for commands in found for command in commands] + [" ".join(conda)]


def test_every_way_in_takes_wheels_by_their_hash_and_fetches_nothing_to_build_the_rest():
    installs = _installs()
    assert len(installs) == 28
    assert [command for command in installs if not _is_safe(command)] == []
    locked = "\n".join(path.read_text() for path in ROOT.glob("requirements*.txt"))
    for built, needs in BUILT.items():
        assert built == "segmentation" or re.search(rf"^{built}==", locked, flags=re.M)
        assert all(re.search(rf"^{need}==\S+( ;[^\\]+)? \\\n    --hash=sha256:", locked, flags=re.M) for need in needs)
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert [re.split(r"[<>=]", need)[0].replace("_", "-") for need in build] == BUILT["segmentation"]


def test_what_builds_pyspark_is_there_before_it():
    *_, told, first, second, _, _ = _recipes("spark").splitlines()
    need = shlex.split(told)[:4]
    cut = subprocess.run([*need[:3], str(ROOT / need[3])], capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^(\S+)==", cut, flags=re.M) == BUILT["pyspark"]
    assert "--hash=sha256:" in cut
    assert first.endswith("build.txt")
    assert "--no-binary pyspark --no-build-isolation --requirement requirements-spark.txt" in second


def test_whatever_builds_the_project_is_locked_with_all_that_it_needs():
    lock, needed = (ROOT / "requirements.txt").read_text(), list(BUILT["segmentation"])
    told = dict(re.findall(r"^([\w.-]+)==(.*?)(?=^\w|\Z)", lock, flags=re.M | re.S))
    for name in needed:  # what is not in the lock would be fetched by no hash
        assert "--hash=sha256:" in told[name]
        because = re.compile(rf"^    #(?: via|  ) {name}$", flags=re.M)
        needed += [other for other, lines in told.items() if because.search(lines)]


def _source(folder: Path, name: str) -> str:
    """Put an archive of source, that writes a file when it is built, into a folder, and return its line of a lock."""
    path = folder / f"{name}-1.0.tar.gz"
    code = f"open({str(folder / 'ran')!r}, 'w')\nfrom setuptools import setup\nsetup(name={name!r}, version='1.0')\n"
    with tarfile.open(path, "w:gz") as archive:
        for member, text in (("setup.py", code), ("PKG-INFO", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")):
            about = tarfile.TarInfo(f"{name}-1.0/{member}")
            about.size = len(text)
            archive.addfile(about, io.BytesIO(text.encode()))
    return f"{name}==1.0 --hash=sha256:{files.sha256(path)}\n"


def test_source_that_nobody_meant_to_be_built_is_refused(tmp_path):
    (tmp_path / "lock.txt").write_text(_source(tmp_path, "other"))
    offline = ["--offline", "--no-index", "--find-links", str(tmp_path), "--target", str(tmp_path / "to")]
    for command in (command for command in _installs() if "--only-binary" in command):
        kept = re.search(r"(--require-hashes )?--only-binary :all:( --no-binary \w+ --no-build-isolation)?", command)
        words = kept[0].split()
        tried = [sys.executable, "-m", "uv", "pip", "install", *words, *offline, "-r", str(tmp_path / "lock.txt")]
        done = subprocess.run(tried, capture_output=True, text=True, env={**os.environ, "UV_NO_CACHE": "1"})
        assert done.returncode, command
        assert "no usable wheels" in done.stderr or "no wheels" in done.stderr, done.stderr
    assert not (tmp_path / "ran").exists()


def test_the_image_serves_the_dashboard_and_tells_that_it_lives():
    words = [*json.loads(_last("ENTRYPOINT")), *json.loads(_last("CMD"))]
    assert words[:4] == ["python", "-m", "segmentation", "dashboard"]
    assert words[words.index("--host") + 1] == "0.0.0.0"
    port = words[words.index("--port") + 1]
    assert _last("EXPOSE") == port
    check = shlex.split(_last("HEALTHCHECK").partition("CMD ")[2].strip("[]"))[-1]
    assert f"127.0.0.1:{port}/_stcore/health" in check


def test_only_what_the_project_is_enters_the_image():
    told = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert told[0] == "*"
    kept = [line.removeprefix("!") for line in told if line.startswith("!")]
    assert not {"assets", "tests", ".git", ".venv", "data", "report", "."} & set(kept)
    assert [path for path in kept if "*" not in path and not (ROOT / path).exists()] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_may_read_alone_and_take_each_action_by_its_commit(path):
    text = path.read_text()
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    used = re.findall(r"uses: (\S+)( # v[\d.]+)?$", text, flags=re.M)
    assert used
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) and version for action, version in used)


def test_the_report_is_made_on_every_system_by_lines_that_every_shell_understands():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "report.yml").read_text())["jobs"]
    systems = jobs["platforms"]["strategy"]["matrix"]["system"]
    assert systems == ["ubuntu-24.04", "ubuntu-24.04-arm", "macos-15", "macos-15-intel", "windows-2025"]
    lines = [step["run"] for step in jobs["platforms"]["steps"] if "run" in step]
    assert all(re.fullmatch(r"python -[^\n$|&<>*]+", re.sub(r"\$\{\{.*?\}\}", "", line)) for line in lines), lines
    given = {path for step in jobs["wheel"]["steps"] for path in re.findall(r"[\w.-]+\.txt", step.get("run", ""))}
    assert {word for line in lines for word in line.split() if word.endswith(".txt")} <= given
    assert not any(step.get("uses", "").startswith("actions/checkout") for step in jobs["platforms"]["steps"])


def test_neither_an_advisory_nor_other_bytes_decide_the_monthly_run():
    fresh = yaml.safe_load((ROOT / ".github" / "workflows" / "monthly.yml").read_text())["jobs"]["fresh"]
    [*before, last] = fresh["steps"]
    assert last == {"if": "always()", "run": "make audit"}
    assert before[-1]["run"] == ".ci/run"
    ending = (ROOT / ".ci" / "run").read_text().rpartition("make report\n")[2]
    for environment, code in ((fresh["env"], 0), ({}, 1)):
        program = f"set -euo pipefail; make() {{ return 1; }}\n{ending}"
        assert subprocess.run(["bash", "-c", program], env=environment).returncode == code


def test_the_audit_asks_about_every_lock():
    done = subprocess.run(["make", "--dry-run", "audit"], cwd=ROOT, capture_output=True, text=True, check=True)
    [asked] = [line for line in done.stdout.splitlines() if "pip_audit" in line]
    assert sorted(re.findall(r"--requirement (\S+)", asked)) == sorted(
        path.name for path in ROOT.glob("requirements*.txt")
    )


def test_pre_commit_uses_the_locked_tools():
    [repository] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    python = "python -m"  # of the environment that is active: its folder is called otherwise on Windows
    tools = [f"{python} ruff", f"{python} ruff", f"{python} nbstripout", "lint-imports", f"{python} mypy"]
    assert [" ".join(hook["entry"].split()[:3]) for hook in repository["hooks"]] == tools


@pytest.fixture
def project(tmp_path):
    for name in ("pyproject.toml", "CHANGELOG.md", "CITATION.cff", "action.yml"):
        shutil.copy(ROOT / name, tmp_path / name)
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]):
        subprocess.run(
            ["git", "-C", str(tmp_path), *words], check=True, env={"GIT_COMMITTER_DATE": "2024-02-29T12:00Z"}
        )
    log = tmp_path / "CHANGELOG.md"
    log.write_text("# Changelog\n\n## Unreleased\n\n- A thing.\n\n## 0.0.1 (2020-01-01)\n\n- Before.\n")
    return tmp_path


@pytest.mark.parametrize(
    ("version", "part", "new"),
    [("3.4.5", None, "3.4.5"), (None, "major", "1.0.0"), (None, "minor", "0.2.0"), (None, "patch", "0.1.1")],
)
def test_a_release_bumps_the_version_and_dates_the_changelog(project, version, part, new):
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(re.sub(r'(?m)^version = ".*"', 'version = "0.1.0"', text))
    words = [f"{name}={value}" for name, value in (("VERSION", version), ("PART", part)) if value]
    assert release(project, *words).returncode == 0
    assert tomllib.loads((project / "pyproject.toml").read_text())["project"]["version"] == new
    assert (project / "CHANGELOG.md").read_text() == (
        f"# Changelog\n\n## Unreleased\n\n## {new} (2024-02-29)\n\n- A thing.\n\n## 0.0.1 (2020-01-01)\n\n- Before.\n"
    )
    cited = yaml.safe_load((project / "CITATION.cff").read_text())
    assert (cited["version"], cited["date-released"]) == (new, "2024-02-29")
    taken = yaml.safe_load((project / "action.yml").read_text())
    assert taken["inputs"].pop("version")["default"] == new
    as_before = yaml.safe_load((ROOT / "action.yml").read_text())
    assert as_before["inputs"].pop("version")
    assert taken == as_before
    log = subprocess.run(["git", "-C", str(project), "log", "--oneline"], capture_output=True, text=True).stdout
    assert log.count("\n") == 1


@pytest.mark.parametrize("words", [["VERSION=one"], ["PART=x"]])
def test_a_version_that_is_none_is_refused(project, words):
    before = {path.name: path.read_text() for path in project.iterdir() if path.is_file()}
    assert release(project, *words).returncode
    assert before == {path.name: path.read_text() for path in project.iterdir() if path.is_file()}


def test_the_version_is_one_wherever_it_stands():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    released = re.findall(r"^## (\S+) \((\d{4}-\d\d-\d\d)\)$", (ROOT / "CHANGELOG.md").read_text(), flags=re.M)
    assert (version, cited["date-released"]) == released[0]
    assert cited["version"] == version


def release(project, *words: str) -> subprocess.CompletedProcess:
    """Run `make release` in a folder, with the environment that runs the tests."""
    ours = [f"BIN={Path(sys.executable).parent}", "READY=", "DEV="]
    command = ["make", "-f", str(ROOT / "Makefile"), "release", *ours, *words]
    return subprocess.run(command, cwd=project, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"share": 0.12345678901234}', '{"share": 0.12345678901299}', True),
        ('{"share": 0.123456}', '{"share": 0.123457}', False),
        ('{"rest": 1.2e-17}', '{"rest": -3.4e-17}', True),
        ('{"size": 1234567}', '{"size": 1234568}', False),
        ("M12.3456789,3L4-5.6", "M12.3456781,3L4-5.6", True),
        ('"version": "3.11.7"', '"version": "3.13.1"', True),
        ("polars 3.11.7", "polars 3.11.8", False),
        ("five segments", "six segments", False),
    ],
)
def test_what_a_file_says_is_told_from_how_it_is_written(tmp_path, one, other, same):
    (tmp_path / "a.txt").write_text(one)
    (tmp_path / "b.txt").write_text(other)
    assert (content(tmp_path / "a.txt") == content(tmp_path / "b.txt")) == same


def test_files_of_the_same_bytes_are_not_a_part_of_those_of_the_same_content():
    told = golden.tell(same=35, all=45, bytes=41)
    assert told.endswith("35 files by content; of all 45 files 41 are the same byte for byte")


def test_the_sample_report_is_compared_with_what_is_expected(sample, tmp_path, monkeypatch):
    made = sample.copy(tmp_path)
    place = made.root / "data" / "sample" / "manifest.json"
    monkeypatch.setattr(files, "ROOT", made.root)
    monkeypatch.setattr(golden, "PLACE", place)
    place.write_text(place.read_text().replace('"resamples": 100', '"resamples": 10'))
    with pytest.raises(SegmentationError, match="parameters: resamples"):
        compare_sample()
    renew_sample()
    found = compare_sample()
    assert {"assets/sample/model.json", "report/sample/report.html"} <= set(found["same"])
    assert "assets/sample/model.skops" in found["bytes"]
    assert not {*found["bytes"], *found["same"]} - {*found["all"]}
    for name, old, new in (
        ("assets/sample/profiles.json", '"size": ', '"size": 1'),
        ("assets/sample/k_selection.json", '\n  "verdict": "natural"', '\n  "verdict": "none"'),
        ("report/sample/report.html", "How this report was made", "How this was made"),
    ):
        path = made.root / name
        before = path.read_text(encoding="utf-8")
        path.write_text(before.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(SegmentationError, match=f"content: {name}\nIf that is meant: make renew"):
            compare_sample()
        path.write_text(before, encoding="utf-8")
