"""Write the exact versions of every library: deploy/constraints.txt, and with hashes what a box installs as root.

    .venv/bin/python .ci/lock.py python3.11 python3.12 python3.13

Each Python resolves the project's own requirements anew, with nothing installed. Where they come to different versions
the line has a marker. torch brings a gigabyte of libraries for graphics cards that a box does not need, and names the
exact versions of these itself: only its other requirements are resolved, those of the torch installed beside this.

deploy/requirements.lock, reports.lock and torch.lock name the hash of every file of each release, so they fit every
processor and Python. The hashes of torch's CPU builds, which are in an index of their own, are kept by hand in
deploy/torch.sha256.
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
DEPLOY = ROOT / "deploy"
TARGET = DEPLOY / "constraints.txt"
CPU_BUILDS = DEPLOY / "torch.sha256"
APART = "torch"
HEADING = """\
# The version of every library that hydrolog is tested with: for runtime, the extras and the tests.
# Made by `make lock`; do not edit. Use it with:  pip install --constraint deploy/constraints.txt .
"""

HASHED = "# Made by `make lock`; do not edit. Every file of each release that hydrolog is tested with.\n"

Versions = Mapping[str, str]  # name -> version


def main(pythons: list[str]) -> int:
    """Resolve with each Python and write the file."""
    wanted = requirements()
    found = dict(resolved(python, wanted) for python in pythons)
    pin = next(text for text in wanted if name_of(text) == APART)
    TARGET.write_text(f"{HEADING}{''.join(sorted([*lines(found), pin + chr(10)]))}", "ascii")
    box = [text for text in requirements("kafka", "alerts") if name_of(text) != APART]
    torch = [hashed([pin], "--no-deps").rstrip(), *(f"--hash=sha256:{digest}" for digest in cpu_builds(pin))]
    locks = {
        "requirements": hashed([*box, *of_torch(), "setuptools"]),
        "reports": hashed(requirements("reports", own=False)),
        "torch": " \\\n    ".join(torch) + "\n",
    }
    for name, text in locks.items():
        (DEPLOY / f"{name}.lock").write_text(HASHED + text, "ascii")
    return 0


def requirements(*extras: str, own: bool = True) -> list[str]:
    """What the project needs to run (`own`), with these extras; with all that are for its tests if none is named."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    of: dict[str, list[str]] = project["optional-dependencies"]
    chosen = extras or tuple(name for name in of if name != "bench")
    named = [*(project["dependencies"] if own else ()), *(text for name in chosen for text in of[name])]
    return [text for text in named if name_of(text) != project["name"]]


def of_torch() -> list[str]:
    """What torch needs, but for its parts for graphics cards."""
    return [text for text in metadata.requires(APART) or () if ";" not in text]


def cpu_builds(pin: str) -> list[str]:
    """The hashes of torch's CPU builds.

    Raises:
        SystemExit: they are those of another release.
    """
    known = [line.split() for line in CPU_BUILDS.read_text("ascii").splitlines() if not line.startswith("#")]
    if not all(file.startswith(f"{pin.replace('==', '-')}+cpu-") for _, file in known):
        raise SystemExit(f"{CPU_BUILDS} is for another release than {pin}: write down the hashes that its index names")
    return [digest for digest, _ in known]


def hashed(wanted: Iterable[str], *options: str) -> str:
    """The libraries, and what they need, in the constraints' versions, with the hashes of all their files."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "uv"], check=True)
        compile_ = [f"{folder}/bin/uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
        fixed = ["--generate-hashes", "--no-header", "--no-annotate", "--constraint", str(TARGET), *options, "-"]
        asked = "\n".join(wanted)
        return subprocess.run([*compile_, *fixed], input=asked, check=True, stdout=subprocess.PIPE, text=True).stdout


def name_of(requirement: str) -> str:
    """The name in a requirement, as indexes spell it."""
    return re.split(r"[\s<>=!~;\[(]", requirement.strip(), maxsplit=1)[0].lower().replace("_", "-").replace(".", "-")


def resolved(python: str, wanted: Iterable[str]) -> tuple[str, Versions]:
    """One Python's version, and what it would install."""
    named = [text for text in wanted if name_of(text) != APART] + of_torch()
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
