"""What an entry of the audit is about, as a reader of each language sees it."""

import ast
import json
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cli import users_audit
from common import audit, audit_words
from common.audit import Value
from common.messages import words
from incidents.sentences import CAUSE_CODES

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("values", "korean"),
    [
        ({"user": "admin", "before": "viewer", "after": "admin"}, "사용자 admin, 변경 전 열람자, 변경 후 관리자"),
        (
            {"sensor": "001", "value": "flow_max", "before": None, "after": 50.0},
            "센서 001, 항목 유량계 최대 유량, 변경 전 –, 변경 후 50 m³/h",
        ),
        ({"before": "viewer", "entry": "5f3a"}, "변경 전 viewer"),
        ({"cause": "repaired", "text": "other"}, "원인 누수 복구, 메모 other"),
        ({"newer": 1}, "newer 1"),
    ],
)
def test_codes_are_told_in_words_and_what_people_wrote_stays(values: dict[str, Value], korean: str) -> None:
    told = audit_words.shown(values, words("ko"), CAUSE_CODES)
    assert ", ".join(f"{name} {value}" for name, value in told) == korean


def test_each_value_that_is_written_down_has_a_name() -> None:
    written: set[str] = set()
    for path in (path for folder in ("server", "common", "outliers") for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("audit.record", "store"):
                written |= {each.arg for each in node.keywords if each.arg}
    assert {"user", "recipient", "since"} <= written <= audit_words.NAMES.keys() | {"entry"}


def test_the_command_speaks_the_sites_language_and_programs_get_the_codes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    audit.record(tmp_path, "Kim", "", "incident-close", incident="001-leak", cause="repaired", text="\x1b[2J seal")
    audit.record(tmp_path, "Kim", "10.0.0.9", "of-a-later-version")
    site = SimpleNamespace(language="ko", zone=ZoneInfo("Asia/Seoul"))
    chosen: Any = SimpleNamespace(paths=SimpleNamespace(data=tmp_path), site=site)
    users_audit.show(chosen, Namespace(json=False, all=False))
    shown = capsys.readouterr().out
    assert "누수 복구" in shown and "incident-close" not in shown and "repaired" not in shown
    assert "of-a-later-version" in shown and "\x1b[2J" not in shown
    users_audit.show(chosen, Namespace(json=True, all=True))
    told = json.loads(capsys.readouterr().out)
    assert [each["what"] for each in told] == ["incident-close", "of-a-later-version"]
    assert told[0]["values"]["cause"] == "repaired"
