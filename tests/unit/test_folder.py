"""The data folder's names stand in one file: a second copy would look for another file the day one is renamed."""

import ast
from pathlib import Path

from test_imports import MODULES, ROOT

from common import folder

NAMES = {value for name, value in vars(folder).items() if name.endswith("_FILE")}


def test_no_module_writes_the_name_of_a_file_of_the_data_folder_itself() -> None:
    assert len(NAMES) > 10
    for path in {*MODULES.values(), *(ROOT / "cli").glob("*.py")} - {Path(folder.__file__)}:
        words = {node.value for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Constant)}
        assert not words & NAMES, path
