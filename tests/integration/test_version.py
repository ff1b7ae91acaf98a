"""One number, in pyproject.toml: every program says it, and so does whatever a program publishes."""

import json
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from common import version as versions
from common.health import Health

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NUMBER = str(PROJECT["version"])
PROGRAMS = [*(target.removesuffix(".__main__:main") for target in PROJECT["scripts"].values()), "outliers.learn"]


@pytest.mark.parametrize("module", PROGRAMS)
def test_every_program_says_its_version(module: str, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", module, "--version"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
    assert (said.returncode, said.stdout, said.stderr) == (0, f"hydrolog {NUMBER}\n", "")


def test_a_source_folder_that_is_not_installed_says_the_same(tmp_path: Path) -> None:
    assert versions._of_the_source(ROOT / "pyproject.toml") == NUMBER
    assert versions._of_the_source(tmp_path / "pyproject.toml") == "unknown"
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "another"\nversion = "9"\n')
    assert versions._of_the_source(tmp_path / "pyproject.toml") == "unknown"
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "hydrolog"\ndynamic = ["version"]\n')
    assert versions._of_the_source(tmp_path / "pyproject.toml") == "unknown"


def test_the_number_stands_in_one_file() -> None:
    for folder in {target.split(".")[0] for target in PROJECT["scripts"].values()} | {"common", "log", "outliers"}:
        for path in (ROOT / folder).rglob("*.py"):
            assert f'"{NUMBER}"' not in path.read_text("utf-8"), path


def test_health_files_carry_it(tmp_path: Path) -> None:
    Health(tmp_path, "producer", datetime.now(UTC)).write(0.0)
    assert json.loads((tmp_path / "health" / "producer.json").read_bytes())["version"] == NUMBER
