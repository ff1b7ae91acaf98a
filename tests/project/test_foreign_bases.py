"""A class of ours that derives from a library's keeps off its names: the next release of the library may use more.

`threading.Thread` got a `_handle` in Python 3.13; a class of ours kept its socket under that name. So such a class has
no private name at all, and meets a name of its base only where it overrides a method on purpose.
"""

import ast
import functools
import importlib.util
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "cli",
    "common",
    "consumer",
    "demo",
    "forecaster",
    "incidents",
    "log",
    "messengers",
    "nightflow",
    "outliers",
    "postgres",
    "producer",
    "reports",
    "server",
)
LOOSE = ("bench", "docs", "tests")  # their files import each other by the bare name
OVERRIDES = {
    "Connection": {"connection_made", "connection_lost", "on_response_complete"},
    "SecureConnection": {"connection_made", "data_received", "shutdown", "transport"},
    "Parser": {"error"},
    "Heard": {"emit"},
    "Network": {"forward"},
    "_KeepingSerial": {"_reset_input_buffer"},  # pyserial has no other way to open a port and keep what waits
    "_KeepingSocket": {"read", "reset_input_buffer", "write"},
    "_Uvicorn": {"main_loop"},
    "Handler": {"log_message"},
    "Files": {"do_GET", "log_message"},
    "_Tags": {"handle_starttag"},
    "LogMachine": {"teardown"},
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Those that have a class."""
    for folder in (*PACKAGES, *LOOSE):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.stem if folder in LOOSE else ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if re.search(rb"^\s*class ", text := path.read_bytes(), re.MULTILINE):
                yield name, ast.parse(text)


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """All within a node, of whatever depth; walking through their expressions too takes ten times as long."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield child
            yield from statements(child)


def classes(tree: ast.Module) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in statements(tree) if isinstance(node, ast.ClassDef)}


@functools.cache
def imported(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for, in full."""
    found: dict[str, str] = {}
    for node in statements(tree):
        if isinstance(node, ast.Import):
            found |= {
                a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in node.names
            }
        elif isinstance(node, ast.ImportFrom):
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return found


@functools.cache
def ours() -> dict[str, tuple[str, ast.Module, ast.ClassDef]]:
    return {
        f"{module}.{name}": (module, tree, node) for module, tree in modules() for name, node in classes(tree).items()
    }


def foreign_bases(full_name: str) -> set[str]:
    """The classes from outside that one of ours derives from, by way of ours or at once."""
    module, tree, node = ours()[full_name]
    found: set[str] = set()
    for base in node.bases:
        first, *rest = ast.unparse(base).partition("[")[0].split(".")
        local = f"{module}.{first}"
        first = local if local in ours() else imported(tree).get(first, f"builtins.{first}")
        full = ".".join((first, *rest))
        found |= foreign_bases(full) if full in ours() else {full}
    return found - {"typing.Generic"}  # it keeps nothing on an instance


def defined(node: ast.ClassDef) -> set[str]:
    """What a class puts on itself or on its instances, dunders apart."""
    names = {n.name for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    plain = [n for body in assigned(node) for n in ast.walk(body) if isinstance(n, ast.Name)]
    names |= {n.id for n in plain if is_stored(n, ast.Name)}
    kept = [n for n in ast.walk(node) if isinstance(n, ast.Attribute) and is_stored(n, ast.Attribute)]
    names |= {n.attr for n in kept if ast.unparse(n.value) == "self"}
    return {name for name in names if not (name.startswith("__") and name.endswith("__"))}


def assigned(node: ast.ClassDef) -> list[ast.stmt]:
    return [statement for statement in node.body if isinstance(statement, ast.Assign | ast.AnnAssign)]


def is_stored(node: ast.AST, kind: type[ast.Name] | type[ast.Attribute]) -> bool:
    return isinstance(node, kind) and isinstance(node.ctx, ast.Store)


@functools.cache
def taken(base_name: str) -> frozenset[str]:
    """What a class from outside and those above it have, also what they only put on an instance."""
    base = pkgutil.resolve_name(base_name)
    base = base if isinstance(base, type) else tuple  # typing.NamedTuple is a function
    names = set(dir(base))
    for above in base.__mro__:
        try:
            source = textwrap.dedent(inspect.getsource(above))
        except (OSError, TypeError):  # written in C
            continue
        names |= {name for node in classes(ast.parse(source)).values() for name in defined(node)}
    return frozenset(names)


def derived() -> Iterator[tuple[str, set[str], set[str]]]:
    """Each class of ours with bases from outside: its name, what it defines, the bases."""
    for full_name, (_, _, node) in ours().items():
        if bases := foreign_bases(full_name):
            yield node.name, defined(node), bases


def test_a_class_with_a_base_from_outside_has_no_private_name() -> None:
    private = {
        name: {n for n in names if n.startswith("_")} - OVERRIDES.get(name, set()) for name, names, _ in derived()
    }
    assert {name: found for name, found in private.items() if found} == {}


def test_a_class_meets_the_names_of_a_base_from_outside_only_where_it_overrides() -> None:
    met: dict[str, set[str]] = {}
    for name, names, bases in derived():
        if all(importlib.util.find_spec(base.split(".")[0]) for base in bases):  # PyTorch may not be installed
            met[name] = names & frozenset().union(*map(taken, bases))
    wanted = {name: names for name, names in OVERRIDES.items() if name in met}
    assert {name: found for name, found in met.items() if found} == wanted
