"""Every word of the verdict, by code and language: what it is, more about it, and what to do.

A fragment of the detail is left out if one of its values is not known.
"""

import string
import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple

from common import waits
from common.messages import Catalogue
from common.messages import words as catalogue_of
from common.units import USUAL, Units
from common.verdict import FAULT, GOOD, LEAK, SILENT, TROUBLE, WATCH, Problem, Value
from common.verdict_center import CENTER
from common.verdict_form import ENGLISH, KOREAN, Words

__all__ = ["ENGLISH", "KOREAN", "WORDS", "Words", "of_json", "said", "span", "spoken"]

SAID: dict[str, dict[str, str]] = {
    ENGLISH: {
        GOOD: "all is well",
        WATCH: "keep watch",
        FAULT: "an instrument is faulty",
        SILENT: "no data",
        TROUBLE: "the system is in trouble",
        LEAK: "a leak is suspected",
    },
    KOREAN: {
        GOOD: "정상",
        WATCH: "주의",
        FAULT: "계측기 이상",
        SILENT: "수신 두절",
        TROUBLE: "시스템 이상",
        LEAK: "누수 의심",
    },
}
# Parts of the box; a process is called by its role.
PARTS = {
    ENGLISH: {"rows": "newest row", "disk": "disk", "log": "log", "groups": "groups", "clock": "clock"}
    | {"incidents": "incidents", "delivery": "server", "certificate": "certificate", "topic": "topic"}
    | {"weather": "weather"},
    KOREAN: {"rows": "최근 자료", "disk": "디스크", "log": "로그", "groups": "컨슈머 그룹", "clock": "시계"}
    | {
        "incidents": "경보 기록",
        "delivery": "서버",
        "database": "데이터베이스",
        "certificate": "인증서",
        "topic": "토픽",
        "weather": "기상 자료",
    },
}
SENSOR = {ENGLISH: "sensor {}", KOREAN: "센서 {}"}


class Said(NamedTuple):
    """A problem in words; `detail` and `todo` may be empty."""

    where: str
    word: str
    detail: str = ""
    todo: str = ""

    def __str__(self) -> str:
        more = "; ".join(filter(None, (self.detail, self.todo)))
        return f"{self.where}: {self.word}" + (f": {more}" if more else "")


_METER_EN = "see to the meter, the cable and the producer"
_METER_KO = "계측기, 통신선, 수집 프로그램(producer)을 확인하십시오"
_LOG_EN = "see logs/{role}.log; if it stays so, type: sudo systemctl restart hydrolog"
_LOG_KO = "logs/{role}.log 파일을 확인하고, 계속되면 다음을 입력하십시오: sudo systemctl restart hydrolog"
_CLOCK, _RENEW = "hydrolog clock confirm --go-on", "hydrolog certificate --renew"
_STAGE_EN = ("acknowledged by {acknowledged_by} {acknowledged_s} ago", "shelved by {shelved_by} for {shelved_s}")
_STAGE_KO = ("{acknowledged_by} 확인({acknowledged_s} 전)", "{shelved_by} 보류({shelved_s} 남음)")
_INCIDENT_EN = ("for {lasted_s}", "about {size}", "{reason}", *_STAGE_EN)
_INCIDENT_KO = ("{lasted_s}째 계속", "초과 유량 약 {size}", *_STAGE_KO)

# Of sensors.
SENSORS: dict[str, dict[str, Words]] = {
    "normal": {ENGLISH: Words("normal"), KOREAN: Words("정상")},
    "planned": {
        ENGLISH: Words("planned work", ("{reason}", "no row for {silent_s}")),
        KOREAN: Words("계획 작업", ("{silent_s} 동안 결측",)),
    },
    "shelved": {ENGLISH: Words("shelved", _STAGE_EN), KOREAN: Words("보류", _STAGE_KO)},
    "late": {ENGLISH: Words("late", ("nothing for {silent_s}",)), KOREAN: Words("지연", ("{silent_s} 동안 결측",))},
    "no-data": {
        ENGLISH: Words("no data", ("nothing for {silent_s}",), _METER_EN),
        KOREAN: Words("수신 두절", ("{silent_s} 동안 결측",), _METER_KO),
    },
    "no-rows": {
        ENGLISH: Words("no rows yet", todo="see to the meter and its number in the settings"),
        KOREAN: Words("수신 이력 없음", todo="계측기와 설정의 센서 번호를 확인하십시오"),
    },
    "no-sum": {
        ENGLISH: Words("no sum", ("nothing for {silent_s}", "no row of {meters}", "it is {formula}"), "see its meters"),
        KOREAN: Words(
            "합계 없음", ("{silent_s} 동안 없음", "{meters} 결측", "구성: {formula}"), "유량계를 확인하십시오"
        ),
    },
    "future-row": {ENGLISH: Words("row of the future"), KOREAN: Words("미래 시각의 자료")},
    "leak": {
        ENGLISH: Words("leak suspected", _INCIDENT_EN, "check planned work; if there is none, listen at night"),
        KOREAN: Words("누수 의심", _INCIDENT_KO, "계획 작업을 확인하고, 없으면 야간 누수탐사를 하십시오"),
    },
    "fault": {
        ENGLISH: Words("instrument fault", _INCIDENT_EN, "look at the instrument and its wiring"),
        KOREAN: Words("계측기 이상", _INCIDENT_KO, "계측기와 배선을 점검하십시오"),
    },
    "supply": {
        ENGLISH: Words("supply changed", _INCIDENT_EN, "check valves, pumps and the reservoir"),
        KOREAN: Words("급수 조건 변화", _INCIDENT_KO, "밸브, 가압펌프, 배수지를 확인하십시오"),
    },
    "outage": {
        ENGLISH: Words("supply outage suspected", _INCIDENT_EN, "check whether water comes; then valves, pumps, power"),
        KOREAN: Words("단수 의심", _INCIDENT_KO, "급수 여부를 확인하고 밸브, 가압펌프, 계측기 전원을 점검하십시오"),
    },
    "watch": {ENGLISH: Words("watch", _INCIDENT_EN), KOREAN: Words("주의", _INCIDENT_KO)},
    "unregistered": {
        ENGLISH: Words("not registered", ("its rows are kept",), "type: hydrolog sensors add {sensor}"),
        KOREAN: Words("미등록", ("수신한 자료는 보관 중",), "다음을 입력하십시오: hydrolog sensors add {sensor}"),
    },
}
# Of processes.
PROCESSES: dict[str, dict[str, Words]] = {
    "running": {ENGLISH: Words("running"), KOREAN: Words("동작 중")},
    "starting": {ENGLISH: Words("starting"), KOREAN: Words("시작 중")},
    "busy": {
        ENGLISH: Words("busy", ("no progress for {idle_s}",)),
        KOREAN: Words("처리 중", ("{idle_s} 동안 진행 없음",)),
    },
    "waiting": {
        ENGLISH: Words("waiting", ("{reason}", "for {waiting_s}")),
        KOREAN: Words("대기", ("{waiting_s} 동안 대기", "{reason}")),
    },
    "unreadable": {
        ENGLISH: Words("unreadable", ("its health file cannot be understood",)),
        KOREAN: Words("상태 파일 이상"),
    },
    "not-started": {
        ENGLISH: Words("not started", ("it has published no state since this box was started",), _LOG_EN),
        KOREAN: Words("시작되지 않음", ("장비가 켜진 뒤 동작한 기록이 없음",), _LOG_KO),
    },
    "stopped": {
        ENGLISH: Words("stopped", ("its process has ended; another should start within seconds",), _LOG_EN),
        KOREAN: Words("중지", ("프로세스가 종료됨. 보통 몇 초 안에 다시 시작됨",), _LOG_KO),
    },
    "given-up": {
        ENGLISH: Words("stopped for good", ("it ended {ended_s} ago, and no other is started",), _LOG_EN),
        KOREAN: Words("완전히 중지", ("{ended_s} 전에 종료되어 다시 시작되지 않음",), _LOG_KO),
    },
    "stalled": {
        ENGLISH: Words("stalled", ("no progress for {idle_s}",), _LOG_EN),
        KOREAN: Words("멈춤", ("{idle_s} 동안 진행 없음",), _LOG_KO),
    },
}
# Of parts of the box.
BOX: dict[str, dict[str, Words]] = {
    "fresh": {ENGLISH: Words("fresh"), KOREAN: Words("정상")},
    "late-rows": SENSORS["late"],
    "silent-rows": {
        ENGLISH: Words("no data", ("nothing for {silent_s}",), _METER_EN),
        KOREAN: Words("수신 두절", ("{silent_s} 동안 모든 센서 결측",), _METER_KO),
    },
    "first-rows": {
        ENGLISH: Words("no rows yet", todo="see to the meter and the cable; register sensors: hydrolog sensors add"),
        KOREAN: Words("수신 이력 없음", todo="계측기와 통신선을 확인하고 센서를 등록하십시오: hydrolog sensors add"),
    },
    "future-rows": {
        ENGLISH: Words(
            "rows of the future",
            ("a clock that was wrong made rows up to {newest}, {ahead_s} ahead", "they came from the site {site}"),
            f"if the clock of this box is right, type: {_CLOCK} (or on the page: Upkeep)",
        ),
        KOREAN: Words(
            "미래 시각의 자료",
            ("시계가 틀려 {newest}까지의 자료가 생김({ahead_s} 앞섬)", "{site} 현장에서 받은 자료임"),
            f"장비 시계가 맞으면 다음을 입력하십시오: {_CLOCK} (화면에서는: 유지 관리)",
        ),
    },
    "clock-doubted": {
        ENGLISH: Words(
            "doubted",
            ("readings wait until it is confirmed",),
            f"if it is right, type: {_CLOCK} (or on the page: Upkeep)",
        ),
        KOREAN: Words(
            "확인 필요",
            ("확인될 때까지 수신한 값이 대기",),
            f"시계가 맞으면 다음을 입력하십시오: {_CLOCK} (화면에서는: 유지 관리)",
        ),
    },
    "no-database": {
        ENGLISH: Words("no answer", ("{rows} rows wait in the log, none is lost", "{reason}")),
        KOREAN: Words("응답 없음", ("{rows}개 행이 로그에서 대기 중이며 유실은 없음",)),
    },
    "disk-full": {
        ENGLISH: Words("full", ("only {free_bytes} are free",), "make room"),
        KOREAN: Words("부족", ("남은 공간 {free_bytes}",), "공간을 확보하십시오"),
    },
    "log-large": {
        ENGLISH: Words("large", ("{log_bytes} of rows wait: a group lags behind",), "type: hydrolog status"),
        KOREAN: Words("과대", ("{log_bytes} 대기: 지연된 그룹이 있음",), "다음을 입력하십시오: hydrolog status"),
    },
    "groups-unknown": {
        ENGLISH: Words("unknown", ("how far they have come cannot be read",), "see logs/server.log"),
        KOREAN: Words("알 수 없음", ("진행 위치를 읽을 수 없음",), "logs/server.log 파일을 확인하십시오"),
    },
    "backlog": {
        ENGLISH: Words("behind", ("{rows} rows wait in the log, none is lost",)),
        KOREAN: Words("처리 지연", ("{rows}개 행이 로그에서 대기 중이며 유실은 없음",)),
    },
    "token-refused": {
        ENGLISH: Words(
            "refuses the token", ("answer {status}; rows wait in the log, none is lost",), "renew the token"
        ),
        KOREAN: Words("토큰 거부", ("응답 {status}; 행은 로그에서 대기 중이며 유실은 없음",), "토큰을 갱신하십시오"),
    },
    "rows-refused": {
        ENGLISH: Words(
            "refuses rows",
            ("{refused} in a row; rows wait in the log, none is lost",),
            "ask whoever runs the server; see the folder rejected",
        ),
        KOREAN: Words(
            "행 거부",
            ("연속 {refused}회; 행은 로그에서 대기 중이며 유실은 없음",),
            "서버 담당자에게 문의하고 rejected 폴더를 확인하십시오",
        ),
    },
    "weather-missing": {
        ENGLISH: Words("not fetched", ("{reason}", "for {lasted_s}"), "to try it, type: hydrolog check"),
        KOREAN: Words("받지 못함", ("{lasted_s} 동안", "{reason}"), "다음을 입력해 확인하십시오: hydrolog check"),
    },
    "certificate-ends": {
        ENGLISH: Words("to be renewed", ("it ends in {left_s}", "it ended {ended_s} ago"), f"type: {_RENEW}"),
        KOREAN: Words("갱신 필요", ("{left_s} 후 만료", "{ended_s} 전 만료"), f"다음을 입력하십시오: {_RENEW}"),
    },
    "incidents-damaged": {
        ENGLISH: Words("file damaged", ("it cannot be read; the flags of the rows count",), "see logs/server.log"),
        KOREAN: Words(
            "파일 손상", ("경보를 읽을 수 없어 자료의 이상 표시로 판단",), "logs/server.log 파일을 확인하십시오"
        ),
    },
    "acts-damaged": {
        ENGLISH: Words("notes damaged", ("some of what people did about incidents cannot be read",)),
        KOREAN: Words("처리 기록 손상", ("확인, 보류, 종결 기록 일부를 읽을 수 없음",)),
    },
}
WORDS = SENSORS | PROCESSES | BOX | CENTER


def said(problem: Problem, language: str = ENGLISH, units: Units = USUAL) -> Said:
    """A problem in words; English for a language that is not known."""
    language = language if language in SAID else ENGLISH
    words = WORDS[problem.code][language]
    sizes = _sizes(problem, catalogue_of(language, units))
    values = sizes | {key: _shown(key, value, language, units.space) for key, value in problem.values.items()}
    if language == KOREAN and "reason_kind" in values:
        values["reason"] = waits.in_korean(str(values["reason_kind"]), str(values["reason"]))
    values |= {"role": problem.subject, "sensor": problem.subject}
    fragments = (fragment.format(**values) for fragment in words.detail if _fields(fragment) <= values.keys())
    return Said(_where(problem, language), words.word, "; ".join(fragments), words.todo.format(**values))


def spoken(problem: Problem, language: str = ENGLISH, units: Units = USUAL) -> dict[str, Any]:
    """A problem for programs and people: codes, values and words."""
    words = said(problem, language, units)
    return problem.to_json() | words._asdict() | {"line": str(words)}


def of_json(entry: Mapping[str, Any]) -> Problem:
    """The problem in an entry of `Problem.to_json` or `spoken`."""
    return Problem(entry["kind"], entry["subject"], entry["code"], entry["values"])


def span(seconds: float, language: str = ENGLISH) -> str:
    """A span of time, never negative; the English is short, for a line of the terminal."""
    seconds = max(0, int(seconds))
    minutes = seconds // 60
    if language == KOREAN:
        return catalogue_of(KOREAN).span(minutes) if minutes else f"{seconds}초"
    if minutes < 60:
        return f"{minutes} min" if minutes else f"{seconds} s"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // (24 * 60)} days"


def _where(problem: Problem, language: str) -> str:
    if problem.code not in SENSORS:
        return PARTS[language].get(problem.subject, problem.subject)
    name = _plain(str(problem.values.get("name", "")))
    return SENSOR[language].format(f"{problem.subject} {name}".strip())


def _sizes(problem: Problem, catalogue: Catalogue) -> dict[str, str]:
    """A leak's size, rounded to what its error allows."""
    size, error = problem.values.get("size_m3h"), problem.values.get("error_m3h")
    if not isinstance(size, int | float) or not isinstance(error, int | float):
        return {}
    return {"size": catalogue.flow(size, error)}


def _shown(key: str, value: Value, language: str, space: str) -> str:
    """A value in the form of its unit. `space`: between the two."""
    if isinstance(value, str):
        return _plain(value)
    if key.endswith("_s"):
        return span(value, language).replace(" ", space)
    if key.endswith("_bytes"):
        return f"{value / 1e6:,.0f}{space}MB"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _fields(fragment: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(fragment) if name}


def _plain(text: str) -> str:
    """Text of others in one line: without control, format and line characters."""
    return "".join("?" if unicodedata.category(sign)[0] in "CZ" and sign != " " else sign for sign in text)
