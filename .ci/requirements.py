"""What pyproject.toml asks for, a line each, for environments that are not the usual one.

`requirements.py --lowest`: the oldest release of each library that runs, as pip's constraints.
`requirements.py --without torch`: everything that the tests need, but for that one.
"""

import re
import sys
import tomllib
from pathlib import Path

OLDEST = re.compile(r"([\w.-]+)(?:\[.*\])?>=([\w.]+)")
NAME = re.compile(r"[\w.-]+")


def requirements(extras: tuple[str, ...]) -> list[str]:
    """The product's own requirements and those of its extras; an extra's word for other extras is left out."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    lines = project["dependencies"] + [line for name in extras for line in project["optional-dependencies"][name]]
    return [line for line in lines if not line.startswith(project["name"])]


def lowest(lines: list[str]) -> list[str]:
    """`name==release` for each lower bound; what has none is left to pip."""
    return [f"{found[1]}=={found[2]}" for line in lines if (found := OLDEST.match(line))]


def without(lines: list[str], name: str) -> list[str]:
    """All but that one."""
    return [line for line in lines if (found := NAME.match(line)) and found[0] != name]


if __name__ == "__main__":
    if sys.argv[1] == "--lowest":
        chosen = lowest(requirements(("kafka", "alerts")))
    else:
        chosen = without(requirements(("kafka", "alerts", "reports", "dev")), sys.argv[2])
    print(*chosen, sep="\n")
