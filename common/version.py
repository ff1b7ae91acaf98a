"""The version of hydrolog. It is defined in pyproject.toml only; an installation has it in its metadata."""

import functools
import tomllib
from pathlib import Path

NAME = "hydrolog"
UNKNOWN = "unknown"
_PROJECT = Path(__file__).parent.parent / "pyproject.toml"


@functools.cache
def version() -> str:
    """The version of the installed program, or of the source folder if nothing is installed."""
    from importlib import metadata  # noqa: PLC0415 - loads the mail parser, slow at start

    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return _of_the_source(_PROJECT)


def _of_the_source(project: Path) -> str:
    try:
        found = tomllib.loads(project.read_text("utf-8"))["project"]
    except (OSError, ValueError, KeyError):
        return UNKNOWN
    return str(found.get("version", UNKNOWN)) if found.get("name") == NAME else UNKNOWN
