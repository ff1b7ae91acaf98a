"""Brings torch in its small build; pip brings everything else afterwards: `python deploy/install_torch.py install`.

For x86-64 the torch that pip finds by itself is the GPU build, ten times as large as the build without. The small one
lies in an index that PyTorch publishes. The environment variable TORCH_INDEX names another index; set to nothing it
says "take what pip has", for a computer with a GPU. The arguments are pip's own: `install`, or `wheel --wheel-dir DIR`.
With --small-only the GPU build is refused with exit status 3.
"""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

INDEX_OF_SMALL_BUILDS = "https://download.pytorch.org/whl/cpu"
LARGE = "torch comes in its GPU build: about 2.6 GB from the net, 5.3 GB on disk"
ONLY_LARGE_EXIT = 3
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")

# An index that does not answer is noticed in seconds; all of its addresses together get no more than this.
REACH = ("--timeout", "5", "--retries", "1")
REACH_S = 30


def pinned() -> str:
    """The release that pyproject.toml names: it stands there and nowhere else."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    lines: list[str] = project["dependencies"]
    return next(line.removeprefix("torch==") for line in lines if line.startswith("torch=="))


def is_there(release: str) -> bool:
    """Whether this environment has that release already, in whatever build."""
    try:
        return importlib.metadata.version("torch").split("+")[0] == release
    except importlib.metadata.PackageNotFoundError:
        return False


def small_build(index: str, release: str) -> str | None:
    """The build of that release in the index that fits here, by its label: 2.13.0+cpu. None: no index, or no fit."""
    ask = (*PIP, "index", "versions", "torch", "--index-url", index, *REACH)
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, timeout=REACH_S, check=False)
    except subprocess.TimeoutExpired:
        return None
    builds = re.findall(r"[\w.]+\+[\w.]+", answer.stdout)
    return next((build for build in builds if build.split("+")[0] == release), None)


def is_large(release: str) -> bool:
    """Whether the torch that pip would take by itself brings the GPU libraries along. Nothing large is fetched."""
    ask = (*PIP, "install", "--dry-run", "--quiet", "--report", "-", f"torch=={release}")
    answer = subprocess.run(ask, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if answer.returncode != 0:
        return False  # pip says what is wrong when it installs
    return any(re.match("nvidia[-_]", item["metadata"]["name"]) for item in json.loads(answer.stdout)["install"])


def main(arguments: list[str]) -> int:
    """pip's exit status for the small build; 0 where the rest is left to pip."""
    small_only = "--small-only" in arguments
    order = [argument for argument in arguments if argument != "--small-only"]
    release = pinned()
    if order[0] == "install" and is_there(release):
        return 0
    index = os.environ.get("TORCH_INDEX", INDEX_OF_SMALL_BUILDS)
    if index and (build := small_build(index, release)):
        take = (*PIP, *order, "--quiet", "--no-deps", "--index-url", index, f"torch=={build}")
        return subprocess.run(take, check=False).returncode
    if not is_large(release):
        return 0
    why = f"{index} does not answer, or has no torch {release} for this Python" if index else "TORCH_INDEX is empty"
    sys.stderr.write(f"{LARGE} ({why})\n")
    return ONLY_LARGE_EXIT if small_only else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
