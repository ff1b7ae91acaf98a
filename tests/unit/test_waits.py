"""Why a process waits, for whoever reads Korean."""

import ast
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from common import health, verdict_words, waits
from common.health import Health
from situation.processes import process
from situation.snapshot import Process

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 1, tzinfo=UTC)
PARTS = (
    "common",
    "log",
    "producer",
    "consumer",
    "nightflow",
    "forecaster",
    "incidents",
    "messengers",
    "outliers",
    "postgres",
    "server",
)
# Answered where they are raised, or they end the process: never why one waits.
ANSWERED = {
    *(
        "BatchRefused",
        "CalendarUnwritable",
        "ChartsBusy",
        "FormRefused",
        "FrameRefused",
        "HistoryTooShort",
        "LoginRefused",
        "NotPossible",
        "NotKept",
        "NotNoted",
        "Refused",
        "RoleTaken",
    ),
    *("RowRefused", "Stopped", "TableUnusable", "TokenRefused", "UserRefused"),
}


def _errors() -> set[str]:
    """The names of all errors of the processes, without importing torch and all the rest."""
    bases: defaultdict[str, set[str]] = defaultdict(set)
    for path in (path for part in PARTS for path in (ROOT / part).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases[node.name] |= {base.id for base in node.bases if isinstance(base, ast.Name)}
    found = {"HydrologError"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return found


def test_each_error_that_a_process_waits_with_has_korean_words() -> None:
    assert _errors() - waits.KOREAN.keys() == ANSWERED


@pytest.mark.parametrize(
    ("kind", "korean"),
    [
        ("DatabaseDown", "데이터베이스 응답 없음(refused by 1.2.3.4)"),
        ("", "통신선, 계측기 또는 시계 확인 필요(refused by 1.2.3.4)"),
    ],
)
def test_a_wait_is_read_in_korean_with_the_facts_behind(tmp_path: Path, kind: str, korean: str) -> None:
    Health(tmp_path, "producer", NOW).problem(NOW, 1.0, "refused by 1.2.3.4", kind)
    state = health.load_all(tmp_path)["producer"]
    found = process("producer", Process(state), NOW, 1.0)
    assert korean in verdict_words.said(found, "ko").detail
    assert verdict_words.said(found, "en").detail.startswith("refused by 1.2.3.4")
