"""Each library comes ready built for the boxes that are promised: nobody needs a compiler. Asks the package index."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from runtime_libraries import runtime_libraries

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
ANSWER_S = 300
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# Debian 12 and Ubuntu 22.04, and all that is later, take wheels for these.
GLIBC = ("manylinux2014", "manylinux_2_17", "manylinux_2_24", "manylinux_2_27", "manylinux_2_28")


@pytest.fixture(scope="module")
def _index() -> None:
    ask = (*PIP, "index", "versions", "schedule", "--timeout", "10", "--retries", "1")
    if subprocess.run(ask, capture_output=True, timeout=ANSWER_S, check=False).returncode != 0:
        pytest.skip("no package index answers")


def _is_built(name: str) -> bool:
    """Whether its wheels differ from machine to machine; torch, where it is absent, is known to."""
    try:
        return "Root-Is-Purelib: true" not in (metadata.distribution(name).read_text("WHEEL") or "")
    except metadata.PackageNotFoundError:
        return True


def _ask(folder: Path, built: bool, python: str, processor: str) -> None:
    names = [str(line) for name, line in sorted(runtime_libraries().items()) if _is_built(name) == built]
    platforms = [f"--platform={glibc}_{processor}" for glibc in GLIBC]
    only = ("--dry-run", "--quiet", "--no-deps", "--only-binary=:all:", f"--python-version={python}", *platforms)
    try:
        answer = subprocess.run(
            (*PIP, "install", *only, "--target", folder, *names),
            capture_output=True,
            text=True,
            timeout=ANSWER_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"the package index has not answered in {ANSWER_S} s")
    assert names
    assert answer.returncode == 0, answer.stderr


@pytest.mark.usefixtures("_index")
@pytest.mark.parametrize("processor", ["x86_64", "aarch64"])
@pytest.mark.parametrize("python", PYTHONS)
def test_what_is_compiled_has_a_wheel_for_every_box(tmp_path: Path, python: str, processor: str) -> None:
    _ask(tmp_path, True, python, processor)


@pytest.mark.usefixtures("_index")
def test_what_is_not_compiled_has_a_wheel(tmp_path: Path) -> None:
    _ask(tmp_path, False, PYTHONS[-1], "aarch64")
