"""What an entry of the audit is about, as a reader of each language sees it."""

import ast
from pathlib import Path

import pytest

from common import audit_words
from common.audit import Value
from common.messages import words
from server.audit_page import CODES

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("values", "korean"),
    [
        ({"user": "admin", "before": "viewer", "after": "admin"}, "사용자 admin, 변경 전 열람자, 변경 후 관리자"),
        (
            {"sensor": "001", "value": "flow_max", "before": None, "after": 50.0},
            "센서 001, 항목 유량계 최대 유량, 변경 전 –, 변경 후 50.0",
        ),
        ({"before": "viewer", "entry": "5f3a"}, "변경 전 viewer"),
        ({"cause": "repaired", "text": "other"}, "원인 누수 복구, 메모 other"),
        ({"newer": 1}, "newer 1"),
    ],
)
def test_codes_are_told_in_words_and_what_people_wrote_stays(values: dict[str, Value], korean: str) -> None:
    told = audit_words.shown(values, words("ko"), CODES)
    assert ", ".join(f"{name} {value}" for name, value in told) == korean


def test_each_value_that_is_written_down_has_a_name() -> None:
    written: set[str] = set()
    for path in (path for folder in ("server", "common", "outliers") for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("audit.record", "store"):
                written |= {each.arg for each in node.keywords if each.arg}
    assert {"user", "recipient", "since"} <= written <= audit_words.NAMES.keys() | {"entry"}
