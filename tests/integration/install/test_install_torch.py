"""deploy/install_torch.py: the small build where it can be had, and a word before the large one comes."""

import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from small_index import SmallIndex, clean_environment, locked

ROOT = Path(__file__).parents[3]
RELEASE = next(
    line.removeprefix("torch==")
    for line in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    if line.startswith("torch==")
)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("torch") / "environment"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=300)
    return folder / "bin" / "python"


@pytest.fixture
def site(tmp_path: Path, python: Path) -> Iterator[SmallIndex]:
    """An index of CPU builds, `cpu`, and pip's own, `own`, whose torch brings GPU libraries. No torch is installed."""
    for left in (python.parents[1] / "lib").glob("python*/site-packages/torch*"):
        shutil.rmtree(left)
    index = SmallIndex(tmp_path)
    index.add("cpu", "torch", f"{RELEASE}+cpu")
    index.add("cpu", "torch", "99.0+cpu")
    index.add("own", "torch", RELEASE, requires=["nvidia-cublas"])
    index.add("own", "nvidia_cublas", "13.1")
    with index.served():
        yield index


def bring(
    python: Path,
    index: SmallIndex,
    torch_index: str,
    *options: str,
    timeout_s: float = 300,
    known: Callable[[Path], bool] = lambda path: True,
) -> subprocess.CompletedProcess[str]:
    project = index.folder / "project"
    (project / "deploy").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "pyproject.toml", project)
    script = shutil.copy(ROOT / "deploy" / "install_torch.py", project / "deploy")
    (project / "deploy" / "torch.lock").write_text(
        locked(*(path for path in index.folder.rglob("torch-*.whl") if known(path)))
    )
    return subprocess.run(
        [python, script, *options, "install"],
        env=clean_environment(PIP_INDEX_URL=f"{index.url}/own/", TORCH_INDEX=torch_index),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def installed(python: Path) -> str:
    code = "from importlib.metadata import distributions as d; print([x.version for x in d() if x.name == 'torch'])"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_the_small_build_of_the_pinned_release_is_taken_where_its_index_answers(python: Path, site: SmallIndex) -> None:
    answer = bring(python, site, f"{site.url}/cpu")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert installed(python) == f"['{RELEASE}+cpu']"
    assert not [path for path in site.asked if path.startswith("/own")]


def test_a_file_whose_hash_nobody_knows_is_refused_where_root_installs(python: Path, site: SmallIndex) -> None:
    def known(path: Path) -> bool:
        return "+cpu" not in path.name

    answer = bring(python, site, f"{site.url}/cpu", "--small-only", known=known)
    assert answer.returncode != 0 and "HASHES" in answer.stderr
    assert installed(python) == "[]"
    assert bring(python, site, f"{site.url}/cpu", known=known).returncode == 0
    assert installed(python) == f"['{RELEASE}+cpu']"


def test_a_torch_that_is_there_asks_nothing(python: Path, site: SmallIndex) -> None:
    bring(python, site, f"{site.url}/cpu")
    site.asked.clear()
    assert bring(python, site, f"{site.url}/cpu").returncode == 0
    assert site.asked == []


def test_without_its_index_the_size_of_pips_own_is_said_first(python: Path, site: SmallIndex) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        answer = bring(python, site, f"http://127.0.0.1:{taken.getsockname()[1]}/cpu")
    assert answer.returncode == 0
    assert answer.stderr.count("\n") == 1
    assert "2.6 GB" in answer.stderr and "does not answer" in answer.stderr
    assert not [path for path in site.asked if path.endswith(".whl") and path.startswith("/cpu")]


def test_an_index_that_never_answers_is_given_up_on(python: Path, site: SmallIndex) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        # Pip's own patience with such a server is more than a hundred seconds; ours is about ten.
        answer = bring(python, site, f"http://127.0.0.1:{silent.getsockname()[1]}/cpu", timeout_s=80)
    assert answer.returncode == 0
    assert "2.6 GB" in answer.stderr


def test_an_index_without_a_fit_counts_as_none(python: Path, site: SmallIndex) -> None:
    shutil.rmtree(site.folder / "cpu" / "torch")
    site.add("cpu", "torch", "99.0+cpu")
    answer = bring(python, site, f"{site.url}/cpu")
    assert "2.6 GB" in answer.stderr and f"has no torch {RELEASE}" in answer.stderr


def test_an_empty_index_means_pips_own(python: Path, site: SmallIndex) -> None:
    answer = bring(python, site, "")
    assert answer.returncode == 0
    assert "2.6 GB" in answer.stderr and "TORCH_INDEX is empty" in answer.stderr
    assert not [path for path in site.asked if path.startswith("/cpu")]


def test_nothing_is_said_where_pips_own_is_small(python: Path, site: SmallIndex) -> None:
    shutil.rmtree(site.folder / "own")
    site.add("own", "torch", RELEASE)
    answer = bring(python, site, "", "--small-only")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert installed(python) == f"['{RELEASE}']"


def test_the_large_build_can_be_refused(python: Path, site: SmallIndex) -> None:
    assert bring(python, site, "", "--small-only").returncode == 3
