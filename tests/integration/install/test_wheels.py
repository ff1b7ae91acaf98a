"""Each library comes ready built for the boxes that are promised: nobody needs a compiler. Asks the package index."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from runtime_libraries import runtime_libraries

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
ANSWER_S = 60
CONSTRAINTS = Path(__file__).parents[3] / "deploy" / "constraints.txt"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# Debian 12 and Ubuntu 22.04, and all that is later, take wheels for these.
GLIBC = ("manylinux2014", "manylinux_2_17", "manylinux_2_24", "manylinux_2_27", "manylinux_2_28")


@pytest.fixture(scope="module")
def _index() -> None:
    ask = (*PIP, "index", "versions", "schedule", "--timeout", "10", "--retries", "1")
    if subprocess.run(ask, capture_output=True, timeout=ANSWER_S, check=False).returncode != 0:
        pytest.skip("no package index answers")


def _is_built(name: str) -> bool:
    """Whether its wheels differ from machine to machine."""
    return "Root-Is-Purelib: true" not in (metadata.distribution(name).read_text("WHEEL") or "")


def _ask(*arguments: str) -> str:
    try:
        answer = subprocess.run((*PIP, *arguments), capture_output=True, text=True, timeout=ANSWER_S, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"the package index has not answered in {ANSWER_S} s")
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def _ask_for_all(folder: Path, built: bool, python: str, processor: str) -> None:
    libraries = dict(runtime_libraries())
    torch = str(libraries.pop("torch").specifier).removeprefix("==")
    names = [str(line) for name, line in sorted(libraries.items()) if _is_built(name) == built]
    assert names
    box = ("--only-binary=:all:", f"--python-version={python}", *(f"--platform={glibc}_{processor}" for glibc in GLIBC))
    known = ("--constraint", str(CONSTRAINTS))
    _ask("install", "--dry-run", "--quiet", "--no-deps", *box, *known, "--target", str(folder), *names)
    if built:  # pip would fetch half a gigabyte to see what is in it
        assert f" {torch}," in _ask("index", "versions", *box, "torch").replace("\n", ",")


@pytest.mark.usefixtures("_index")
@pytest.mark.parametrize(("python", "processor"), list(zip(PYTHONS, ["x86_64", "aarch64"] * 2, strict=True)))
def test_what_is_compiled_has_a_wheel_for_every_box(tmp_path: Path, python: str, processor: str) -> None:
    _ask_for_all(tmp_path, True, python, processor)


@pytest.mark.usefixtures("_index")
def test_what_is_not_compiled_has_a_wheel(tmp_path: Path) -> None:
    _ask_for_all(tmp_path, False, PYTHONS[-1], "aarch64")
