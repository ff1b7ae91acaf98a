"""The Makefile's environments, with this project's Makefile and scripts around a product of a few lines."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_index import SmallIndex, clean_environment, locked

ROOT = Path(__file__).parents[3]
PROJECT = """
[build-system]
requires = ["setuptools>=1"]
build-backend = "builder"
backend-path = ["."]

[project]
name = "hydrolog"
version = "0.1.0"
dependencies = ["torch==9.9"]
[project.optional-dependencies]
kafka = ["apart>=1.0"]
alerts = ["apart>=1.0"]
dev = ["hydrolog[kafka,alerts]", "pytest>=1.0"]
"""
# A builder that asks nobody for anything: the wheel is there, and holds nothing but the executable.
BUILDER = """
import shutil

def build_wheel(folder, config_settings=None, metadata_directory=None):
    return shutil.copy("hydrolog-0.1.0-py3-none-any.whl", folder).rpartition("/")[2]

build_editable = build_wheel
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SmallIndex]:
    index = SmallIndex(tmp_path / "index")
    index.add("own", "torch", "9.9")
    index.add("cpu", "torch", "9.9+cpu")
    index.add("own", "setuptools", "99.0")
    index.add("own", "pytest", "1.0", command="pytest")
    index.add("own", "pytest", "2.0", command="pytest")
    index.add("own", "apart", "1.0")
    index.add("own", "apart", "2.0")
    with index.served():
        yield index


@pytest.fixture
def project(tmp_path: Path, site: SmallIndex) -> Path:
    """In a folder as a person names one."""
    folder = tmp_path / '새 폴더 "$HOME" `it\'s` 100%'
    (folder / "deploy").mkdir(parents=True)
    for path in ("Makefile", "deploy/install_torch.py", ".ci"):
        copy = shutil.copytree if (ROOT / path).is_dir() else shutil.copy
        copy(ROOT / path, folder / path)
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "builder.py").write_text(BUILDER)
    (folder / "deploy" / "constraints.txt").write_text("apart==2.0\npytest==2.0\n")
    there = site.folder / "own"
    (folder / "deploy" / "torch.lock").write_text(locked(*there.parent.rglob("torch-*.whl")))
    (folder / "deploy" / "requirements.lock").write_text(
        locked(*there.rglob("apart-2.0-*.whl"), *there.rglob("setuptools-*.whl"))
    )
    (folder / "deploy" / "reports.lock").write_text("")
    extras = [f"apart>=1.0; extra == '{extra}'" for extra in ("kafka", "alerts", "dev")]
    extras += ["pytest>=1.0; extra == 'dev'"]
    built = SmallIndex(tmp_path / "built")
    built.add("", "hydrolog", "0.1.0", requires=["torch==9.9", *extras], command="cli")
    shutil.copy(next((tmp_path / "built").rglob("*.whl")), folder)
    return folder


def make(project: Path, site: SmallIndex, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {"PIP_INDEX_URL": f"{site.url}/own/", "TORCH_INDEX": f"{site.url}/cpu"}
    return subprocess.run(
        ["make", *arguments],
        cwd=project,
        env=clean_environment(**(own | environment)),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def libraries(project: Path, environment: str = ".venv") -> dict[str, str]:
    folder = next((project / environment / "lib").glob("python*/site-packages"))
    names = (path.name.removesuffix(".dist-info").split("-") for path in folder.glob("*.dist-info"))
    return {name: version for name, version in names if name not in ("pip", "setuptools")}


def test_running_brings_what_running_needs_and_the_tests_bring_the_rest(project: Path, site: SmallIndex) -> None:
    ran = make(project, site, "run", "ARGS=--for 60")
    assert ran.stdout.splitlines()[-1] == "cli demo --for 60", ran.stderr
    assert libraries(project) == {"torch": "9.9+cpu", "hydrolog": "0.1.0"}
    site.asked.clear()
    assert make(project, site, "run").stdout == "cli demo\n"
    assert site.asked == []
    tested = make(project, site, "test", "ARGS=tests/unit")
    assert tested.stdout.splitlines()[-1] == "pytest tests/unit", tested.stderr
    assert libraries(project) == {"torch": "9.9+cpu", "hydrolog": "0.1.0", "pytest": "2.0", "apart": "2.0"}


def test_a_folder_that_was_moved_gets_its_environment_anew(project: Path, site: SmallIndex) -> None:
    make(project, site, "run")
    moved = project.rename(project.with_name("moved"))
    assert make(moved, site, "run").stdout.splitlines()[-1] == "cli demo"
    assert str(moved) in (moved / ".venv" / "bin" / "pip").read_text()


def test_a_python_of_ones_choice_has_an_environment_of_its_own(project: Path, site: SmallIndex) -> None:
    python = shutil.which("python3") or ""
    version = subprocess.run(
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert make(project, site, "run", f"PYTHON={python}").returncode == 0
    assert {path.name for path in project.glob(".venv*")} == {f".venv-{version}"}


def test_the_oldest_libraries_have_an_environment_of_their_own(project: Path, site: SmallIndex) -> None:
    make(project, site, "test-lowest")
    assert {path.name for path in project.glob(".venv*")} == {".venv-lowest"}
    assert libraries(project, ".venv-lowest")["apart"] == "1.0"
    assert libraries(project, ".venv-lowest")["pytest"] == "2.0", "only what the product itself uses"


def test_an_empty_torch_index_on_the_command_line_means_pips_own(project: Path, site: SmallIndex) -> None:
    make(project, site, "run", "TORCH_INDEX=")
    assert libraries(project)["torch"] == "9.9"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('case "$*" in *print*) echo 3.9;; *) exit 1;; esac', "is too old: 3.11 or later is needed"),
        (None, "is not installed"),
    ],
)
def test_a_python_that_will_not_do_is_refused_in_words(
    project: Path, site: SmallIndex, tmp_path: Path, body: str | None, said: str
) -> None:
    old = tmp_path / "python3.9"
    if body:
        old.write_text(f"#!/bin/sh\n{body}\n")
        old.chmod(0o755)
    answer = make(project, site, "run", f"PYTHON={old}")
    assert answer.returncode != 0
    assert f"{old} {said}" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_what_was_carried_along_is_enough_without_a_network(project: Path, site: SmallIndex) -> None:
    assert make(project, site, "wheels").returncode == 0
    carried = shutil.copytree(project, project.with_name("a stick"), ignore=shutil.ignore_patterns(".venv*"))
    site.asked.clear()
    ran = make(carried, site, "run", PIP_NO_INDEX="1")
    assert ran.stdout.splitlines()[-1] == "cli demo", ran.stderr
    assert libraries(carried)["torch"] == "9.9+cpu"
    assert site.asked == []
    assert {path.name.split("-")[0] for path in (carried / "wheels").iterdir()} == {"torch", "apart", "setuptools"}
