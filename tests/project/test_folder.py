"""The data folder's names stand in one file: a second copy would look for another file the day one is renamed."""

import ast
from pathlib import Path

from common import folder

ROOT = Path(__file__).resolve().parents[2]

NAMES = {value for name, value in vars(folder).items() if name.endswith("_FILE")}


def test_no_module_writes_the_name_of_a_file_of_the_data_folder_itself() -> None:
    assert len(NAMES) > 10
    product = {path for package in ROOT.glob("*/py.typed") for path in package.parent.rglob("*.py")}
    assert len(product) > 100
    for path in product - {Path(folder.__file__)}:
        if not any(name in path.read_text() for name in NAMES):
            continue
        words = {node.value for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Constant)}
        assert not words & NAMES, path
