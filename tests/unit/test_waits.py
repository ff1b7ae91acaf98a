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
    *("RowRefused", "Stopped", "TableUnusable", "TokenRefused", "UserRefused", "WeatherRefused"),
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


@pytest.mark.parametrize(
    ("kind", "text", "korean"),
    [
        (
            "PortError",
            "/dev/ttyUSB0: the line is gone; waiting for it",
            "통신 포트를 열거나 읽을 수 없음(/dev/ttyUSB0: 통신선이 끊김; 복구 대기)",
        ),
        (
            "PortError",
            "socket://10.0.0.7:4001: no bytes for 120 s; reopening it",
            "통신 포트를 열거나 읽을 수 없음(socket://10.0.0.7:4001: 120초 동안 수신 없음; 다시 여는 중)",
        ),
        ("DatabaseDown", "the database does not answer", "데이터베이스 응답 없음"),
        (
            "DatabaseDown",
            "the database does not answer: connection refused",
            "데이터베이스 응답 없음: 연결이 거부됨",
        ),
        (
            "OtherTables",
            "the tables are missing or old; run: hydrolog init-db",
            "데이터베이스 테이블의 버전이 프로그램과 맞지 않음"
            "(테이블이 없거나 이전 버전임; 다음을 실행하십시오: hydrolog init-db)",
        ),
        ("NotDelivered", "the server answered 503", "서버로 보내지 못함, 자료는 보관 중(서버 응답 코드 503)"),
        (
            "consumer-archive",
            "incidents.json: 3 incidents cannot be read",
            "경보 기록을 저장하지 못함(incidents.json: 경보 3건을 읽을 수 없음)",
        ),
        ("database", "Postgres is starting", "데이터베이스 준비 중(Postgres 시작 중)"),
        (
            "database",
            "the database is being brought to Postgres 18: 40 %",
            "데이터베이스 준비 중(데이터베이스를 Postgres 18 버전으로 옮기는 중: 40 %)",
        ),
        (
            "weather",
            "no answer from the weather service: [Errno 111] Connection refused",
            "기상 자료 서버 응답 없음: [Errno 111] Connection refused",
        ),
        (
            "weather",
            'the weather service answered 400: \'{"reason": "no such place"}\'',
            '기상 자료 서버 응답 코드 400: \'{"reason": "no such place"}\'',
        ),
        (
            "weather",
            "it sent 10 of 742 values; write numOfRows=2000 into weather.url",
            "전체 742개 값 중 10개만 수신됨; 주소(weather.url)에 추가할 항목: numOfRows=2000",
        ),
        (
            "LogError",
            "cannot read /data/x: Input/output error",
            "로그를 읽거나 쓸 수 없음(cannot read /data/x: Input/output error)",
        ),
    ],
)
def test_what_operators_meet_is_all_korean_and_what_is_not_known_stays_whole(kind: str, text: str, korean: str) -> None:
    assert waits.in_korean(kind, text) == korean


def test_the_parts_are_those_of_the_code() -> None:
    """Else they are old, and nobody notices that a reason is English again."""
    code = "\n".join(
        path.read_text("utf-8") for part in (*PARTS, "cli") for path in sorted((ROOT / part).glob("**/*.py"))
    )
    code = code.replace((ROOT / "common/waits.py").read_text("utf-8"), "")
    pieces = [piece for english in waits.PARTS for piece in english.split("{}") if piece.strip()]
    assert [piece for piece in pieces if piece not in code] == []
