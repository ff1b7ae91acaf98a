"""Installs the small build of torch; pip installs everything else afterwards: `python deploy/install_torch.py install`.

For x86-64 pip's default is the GPU build, ten times as large as the CPU build, which is in an index published by
PyTorch. The environment variable TORCH_INDEX names another index; set to nothing it means pip's default, for a computer
with a GPU. The arguments are those of pip: `install`, or `wheel --wheel-dir DIR`. With --small-only, which root uses,
the GPU build is refused with exit status 3, and so is a file whose hash is not in torch.lock, by pip.
"""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

INDEX_OF_SMALL_BUILDS = "https://download.pytorch.org/whl/cpu"
LARGE = "only the GPU build of torch is there: a download of about 2.6 GB, 5.3 GB on disk"
ONLY_LARGE_EXIT = 3
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")

# Seconds for all addresses of an index that does not answer.
REACH = ("--timeout", "5", "--retries", "1")
REACH_S = 30


def pinned() -> str:
    """The release in pyproject.toml, the only place that names it."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    lines: list[str] = project["dependencies"]
    return next(line.removeprefix("torch==") for line in lines if line.startswith("torch=="))


def hashes() -> list[str]:
    """Pip's options for torch's line in a list of requirements: the files that may be installed."""
    return re.findall(r"--hash=\S+", Path(__file__).with_name("torch.lock").read_text("ascii"))


def take(order: list[str], build: str, *where: str, hashed: bool) -> int:
    """Install or fetch one build, `hashed`: only if its hash is known; returns pip's exit status."""
    if not hashed:
        return subprocess.run((*PIP, *order, *where, "--quiet", "--no-deps", f"torch=={build}"), check=False).returncode
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
        wanted.write(" ".join([f"torch=={build}", *hashes()]))
        wanted.flush()
        options = ("--quiet", "--no-deps", "--require-hashes", "--requirement", wanted.name)
        return subprocess.run((*PIP, *order, *where, *options), check=False).returncode


def is_there(release: str) -> bool:
    """Whether this environment already has that release, in any build."""
    try:
        return importlib.metadata.version("torch").split("+")[0] == release
    except importlib.metadata.PackageNotFoundError:
        return False


def small_build(index: str, release: str) -> str | None:
    """The label of the build in the index that fits here, like 2.13.0+cpu. None: no index, or none fits."""
    ask = (*PIP, "index", "versions", "torch", "--index-url", index, *REACH)
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, timeout=REACH_S, check=False)
    except subprocess.TimeoutExpired:
        return None
    builds = re.findall(r"[\w.]+\+[\w.]+", answer.stdout)
    return next((build for build in builds if build.split("+")[0] == release), None)


def is_large(release: str) -> bool:
    """Whether pip's default torch includes the GPU libraries. Nothing large is downloaded."""
    ask = (*PIP, "install", "--dry-run", "--quiet", "--report", "-", f"torch=={release}")
    answer = subprocess.run(ask, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if answer.returncode != 0:
        return False  # pip reports the error when it installs
    return any(re.match("nvidia[-_]", item["metadata"]["name"]) for item in json.loads(answer.stdout)["install"])


def main(arguments: list[str]) -> int:
    """Returns pip's exit status for a small build; 0 if pip's large default is left to pip."""
    small_only = "--small-only" in arguments
    order = [argument for argument in arguments if argument != "--small-only"]
    release = pinned()
    if order[0] == "install" and is_there(release):
        return 0
    index = os.environ.get("TORCH_INDEX", INDEX_OF_SMALL_BUILDS)
    if index and (build := small_build(index, release)):
        return take(order, build, "--index-url", index, hashed=small_only)
    if not is_large(release):
        return take(order, release, hashed=small_only)
    why = f"{index} does not answer, or has no torch {release} for this Python" if index else "TORCH_INDEX is empty"
    sys.stderr.write(f"{LARGE} ({why})\n")
    return ONLY_LARGE_EXIT if small_only else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
