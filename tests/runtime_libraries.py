"""Everything that the product needs to run, its two extras included, with what those bring in turn."""

import functools
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@functools.cache
def runtime_libraries() -> dict[str, Requirement]:
    """By name, as this environment has them; the first to ask for a library says how it is written."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    waiting = [Requirement(line) for line in (*project["dependencies"], *extras["kafka"], *extras["alerts"])]
    found: dict[str, Requirement] = {}
    seen: set[str] = set()
    while waiting:
        wanted = waiting.pop(0)
        if str(wanted) in seen:
            continue
        seen.add(str(wanted))
        found.setdefault(canonicalize_name(wanted.name), wanted)
        for line in _requires(wanted.name):
            next_one = Requirement(line)
            contexts = [{"extra": extra} for extra in ("", *wanted.extras)]
            if next_one.marker is None or any(next_one.marker.evaluate(context) for context in contexts):
                next_one.marker = None
                waiting.append(next_one)
    return found


def _requires(name: str) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:  # torch may be absent: its own needs are then not known
        return []
