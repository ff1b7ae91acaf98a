"""What a process loads: the small ones stay small. What a folder imports, and starts: imports go down only."""

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("numpy", "pandas", "torch")
# Each folder, and those below it that it may use. Who is not named in a line is not known there.
BELOW = {
    "common": (),
    "log": ("common",),
    "outliers": ("common",),
    "outliers.watch": ("common", "outliers"),
    "outliers.learn": ("common", "outliers"),
    "incidents": ("common", "outliers"),
    "situation": ("common", "incidents", "log", "outliers"),
    "messengers": ("common",),
    "postgres": ("common",),
    "producer": ("common", "incidents", "log", "outliers", "outliers.watch"),
    "consumer": ("common", "incidents", "log", "messengers", "outliers", "reports", "situation"),
    "nightflow": ("common", "incidents", "log", "outliers"),
    "forecaster": ("common", "log", "outliers"),
    "server": ("common", "incidents", "log", "messengers", "outliers", "reports", "situation"),
    "reports": ("common", "forecaster", "incidents", "outliers"),
    "demo": ("common", "log", "postgres", "situation"),
}
ABOVE_ITS_FOLDER = {"outliers.backtest", "outliers.planting"}  # they judge the past with both halves; for commands
# What a folder may start as a process of its own, beside itself: `python -m NAME`.
STARTS = {
    "nightflow": ("outliers.learn",),
    "reports": ("cli",),
    "server": ("cli",),
    "demo": ("cli", "forecaster", "supervisor.supervisord"),
}


@pytest.mark.parametrize(
    ("module", "others"),
    [
        ("producer.step", ("psycopg", "pymodbus", *HEAVY)),
        ("consumer.archive", HEAVY),
        ("consumer.delivery", ("psycopg", *HEAVY)),
        ("consumer.alerts.worker", ("psycopg", "apprise", "reportlab", *HEAVY)),
        ("server.receiver", ("reportlab", "xlsxwriter", *HEAVY)),
        ("nightflow.step", ("pandas", "torch")),
        ("forecaster.step", ("pandas", "torch")),
        ("server.front", ("jinja2", "psycopg", *HEAVY)),
        ("postgres.step", HEAVY),
        ("common.settings", ("outliers", "log", *HEAVY)),
    ],
)
def test_a_process_does_not_load_what_only_others_need(module: str, others: tuple[str, ...]) -> None:
    code = f"import {module}, sys; print([name for name in {others} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def modules() -> dict[str, Path]:
    """Every module of the product that stands in a folder of `BELOW`."""
    found = {}
    for folder in {name.split(".")[0] for name in BELOW}:
        for path in sorted((ROOT / folder).rglob("*.py")):
            found[".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")] = path
    return found


MODULES = modules()
OURS = {*(name.split(".")[0] for name in BELOW), "cli", "bench", "tests"}


def folder_of(module: str) -> str:
    """The line of `BELOW` that a module belongs to."""
    parts = module.split(".")
    return next((name for n in (2, 1) if (name := ".".join(parts[:n])) in BELOW), parts[0])


@functools.cache
def parsed(path: Path) -> tuple[list[ast.Import | ast.ImportFrom], list[ast.List | ast.Tuple]]:
    """The imports of a file, and what may be the words of a command."""
    nodes = list(ast.walk(ast.parse(path.read_bytes())))
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    return imports, [node for node in nodes if isinstance(node, ast.List | ast.Tuple)]


def imported(path: Path) -> Iterator[str]:
    """Each module of ours that a file imports, wherever it does."""
    for node in parsed(path)[0]:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else node.module for name in whole]
        yield from (name for name in names if name.split(".")[0] in OURS)


def started(path: Path) -> Iterator[str]:
    """Each module that a file starts with `python -m`, and each program of ours that it names as a command."""
    for node in parsed(path)[1]:
        words = [item.value for item in node.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)]
        yield from (word for before, word in pairwise(words) if before == "-m")
        yield from (word for word in words[:1] if re.fullmatch(r"hydrolog(-[a-z]+)?", word))


@pytest.mark.parametrize("module", sorted(set(MODULES) - ABOVE_ITS_FOLDER))
def test_imports_go_down_only(module: str) -> None:
    folder = folder_of(module)
    allowed = {folder, *BELOW[folder]}
    assert [name for name in imported(MODULES[module]) if folder_of(name) not in allowed] == []


def test_no_module_imports_itself_through_others() -> None:
    """`import`s under `TYPE_CHECKING` count: two files that need each other's types are one file."""
    order = TopologicalSorter({name: {*imported(path)} - {name} for name, path in MODULES.items()})
    try:
        order.prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("folder", sorted({name.split(".")[0] for name in BELOW}))
def test_a_folder_starts_only_what_it_may(folder: str) -> None:
    allowed = (folder, *STARTS.get(folder, ()))
    for module, path in MODULES.items():
        if module.split(".")[0] == folder:
            assert [name for name in started(path) if not _is_below(name, allowed)] == [], module


def _is_below(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith((f"{one}.", f"hydrolog-{one}")) for one in allowed)


def test_no_file_of_the_working_directory_takes_the_place_of_a_module_of_ours(tmp_path: Path) -> None:
    """A child is started from wherever the parent was: an operator's own common.py there must not run."""
    for name in ("common", "outliers", "cli", "demo", "forecaster", "log"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a stranger')")
    for module in ("outliers.learn", "cli", "forecaster"):
        command = [sys.executable, "-P", "-m", module, "--help"]
        said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (said.returncode, said.stderr) == (0, "")
    for path in MODULES.values():
        for node in parsed(path)[1]:
            if any(isinstance(item, ast.Constant) and item.value == "-m" for item in node.elts):
                assert [ast.unparse(item) for item in node.elts[:3]] == ["sys.executable", "'-P'", "'-m'"], path
