"""Write deploy/constraints.txt: the exact version of every library, for installations and for tests.

    .venv/bin/python .ci/lock.py python3.11 python3.12 python3.13

Each Python resolves the project's own requirements anew, with nothing installed. Where they come to different versions
the line has a marker. torch brings a gigabyte of libraries for graphics cards that a box does not need, and names the
exact versions of these itself: only its other requirements are resolved, those of the torch installed beside this.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "deploy" / "constraints.txt"
APART = "torch"
HEADING = """\
# The version of every library that hydrolog is tested with: for runtime, the extras and the tests.
# Made by `make lock`; do not edit. Use it with:  pip install --constraint deploy/constraints.txt .
"""

Versions = Mapping[str, str]  # name -> version


def main(pythons: list[str]) -> int:
    """Resolve with each Python and write the file."""
    wanted = requirements()
    found = dict(resolved(python, wanted) for python in pythons)
    pin = next(text for text in wanted if name_of(text) == APART)
    TARGET.write_text(f"{HEADING}{''.join(sorted([*lines(found), pin + chr(10)]))}", "ascii")
    return 0


def requirements() -> list[str]:
    """What the project needs to run with all extras, and to be tested."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras: dict[str, list[str]] = project["optional-dependencies"]
    named = [*project["dependencies"], *(text for name in extras if name != "bench" for text in extras[name])]
    return [text for text in named if name_of(text) != project["name"]]


def name_of(requirement: str) -> str:
    """The name in a requirement, as indexes spell it."""
    return re.split(r"[\s<>=!~;\[(]", requirement.strip(), maxsplit=1)[0].lower().replace("_", "-").replace(".", "-")


def resolved(python: str, wanted: Iterable[str]) -> tuple[str, Versions]:
    """One Python's version, and what it would install."""
    of_torch = [text for text in metadata.requires(APART) or () if ";" not in text]
    named = [text for text in wanted if name_of(text) != APART] + of_torch
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([python, "-m", "venv", folder], check=True)
        report = Path(folder) / "report.json"
        pip = [f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        options = ["--dry-run", "--ignore-installed", "--report", str(report)]
        subprocess.run([*pip, *options, *named], check=True)
        found = json.loads(report.read_bytes())
    return ".".join(found["environment"]["python_version"].split(".")[:2]), versions(found)


def versions(report: Mapping[str, Any]) -> Versions:
    """The versions in pip's report; without what only names a build."""
    packages = [entry["metadata"] for entry in report["install"]]
    return {name_of(package["name"]): package["version"].partition("+")[0] for package in packages}


def lines(found: Mapping[str, Versions]) -> list[str]:
    """One line for each library and version; a marker only where the Pythons differ."""
    made = []
    for name in sorted({name for versions in found.values() for name in versions}):
        by_version: dict[str, list[str]] = {}
        for python, versions in found.items():
            if name in versions:
                by_version.setdefault(versions[name], []).append(f'python_version == "{python}"')
        for version, pythons in by_version.items():
            made.append(f"{name}=={version}" + ("; " + " or ".join(pythons)) * (len(by_version) > 1) + "\n")
    return made


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
