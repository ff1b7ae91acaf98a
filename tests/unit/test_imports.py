"""What a process loads: the small ones stay small. What a folder imports: data flows one way."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = ("producer", "consumer", "nightflow", "forecaster", "server")
HEAVY = ("numpy", "pandas", "torch")


@pytest.mark.parametrize(
    ("module", "others"),
    [
        ("producer.step", ("psycopg", "pymodbus", *HEAVY)),
        ("consumer.archive", HEAVY),
        ("consumer.delivery", ("psycopg", *HEAVY)),
        ("consumer.alerts.worker", ("psycopg", "apprise", *HEAVY)),
        ("forecaster.build", ("torch",)),
    ],
)
def test_a_process_does_not_load_what_only_others_need(module: str, others: tuple[str, ...]) -> None:
    code = f"import {module}, sys; print([name for name in {others} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def imported(folder: str) -> Iterator[tuple[str, str]]:
    """The file and the first name of each module that a folder's files import, wherever they do."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            yield from ((str(path.relative_to(ROOT)), name.split(".")[0]) for name in names)


@pytest.mark.parametrize(
    ("folder", "allowed"),
    [("common", {"common"}), ("demo", {"demo", "common"}), *((name, {name, "common"}) for name in PROCESSES)],
)
def test_imports_go_one_way(folder: str, allowed: set[str]) -> None:
    ours = {"common", "cli", "demo", "bench", "tests", *PROCESSES}
    assert [found for found in imported(folder) if found[1] in ours - allowed] == []
