"""The data folder's names stand in one file: a second copy would look for another file the day one is renamed."""

import ast
from pathlib import Path

from common import folder

PACKAGES = [path.parent for path in Path(__file__).resolve().parents[2].glob("*/py.typed")]
NAMES = {value for name, value in vars(folder).items() if name.endswith("_FILE")}


def test_no_module_writes_the_name_of_a_file_of_the_data_folder_itself() -> None:
    assert len(NAMES) > 10
    for path in {path for package in PACKAGES for path in package.rglob("*.py")} - {Path(folder.__file__)}:
        words = {node.value for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Constant)}
        assert not words & NAMES, path
