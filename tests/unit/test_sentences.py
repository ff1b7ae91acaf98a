"""An incident in sentences: of now, in both languages, for every code; what is not known is left out."""

from datetime import UTC, datetime
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from common.clock import minute_of, minute_start
from common.messages import LANGUAGES, words
from incidents.acts import Cause
from incidents.incident import Before, Incident, Sign, Size
from incidents.life import Life, Stage
from incidents.reading import Known
from incidents.reasons import ENDS, FOUND, NOTES, why
from incidents.sentences import Told, told
from outliers.findings import LOGGERS_OF_LEAK, Note
from outliers.flags import FAULT, LEAK, PLANNED, SUPPLY, WATCH, WORST_FIRST

SEOUL = ZoneInfo("Asia/Seoul")
BEGAN = minute_of(datetime(2024, 8, 26, 17, 10, tzinfo=UTC))
SIZED = {"rise_m3h": 9.31, "error_m3h": 1.1, "share": 0.31, "steady_m3h": 8.8, "steady_error_m3h": 2.1}
NIGHT = {"night_m3h": 12.0, "usual_m3h": 8.0, "spread_m3h": 0.6, "nights": 4.0}
WITNESS = {"due_bar": 0.12, "fell_bar": 0.1, "noise_bar": 0.02}
INSIDE = {"loggers_share": 0.9, "beyond_bar": 0.08}
NOTES_OF_LEAK = (*(f"pressure-{each}" for each in ("unknown", "agrees", "disagrees")), *sorted(LOGGERS_OF_LEAK))
STEPPED = {
    "rise_m3h": 9.31,
    "share": 0.31,
    "minutes": 52.0,
    "limit_m3h": 2.2,
    "steady_m3h": 8.8,
    "steady_error_m3h": 2.1,
}
# Every code: kind, severity, method, channel, numbers, notes.
CODES = {
    "SYS-MISS": (FAULT, FAULT, "SYSTEM", "flow", {"minutes": 15.0}, ()),
    "SYS-RANGE": (FAULT, FAULT, "SYSTEM", "pressure", {"value": 99.0, "limit": 16.0}, ()),
    "SYS-STUCK": (FAULT, FAULT, "SYSTEM", "flow", {"value": 8.02, "minutes": 90.0, "limit_minutes": 45.0}, ()),
    "SYS-SPIKE": (
        FAULT,
        FAULT,
        "SYSTEM",
        "flow",
        dict.fromkeys(("value", "before", "after", "limit"), 8.0),
        (),
    ),
    "SYS-DRIFT": (FAULT, FAULT, "SYSTEM", "pressure", {"away_bar": -0.5, "limit_bar": 0.3}, ()),
    "SYS-METER": (FAULT, FAULT, "SYSTEM", "flow", {"scale_share": 0.08, "error_share": 0.013} | WITNESS, ()),
    "SUP-STEP": (SUPPLY, SUPPLY, "PREDICT", "pressure", {"away_bar": 0.5, "limit_bar": 0.3}, ()),
    "PRE-STEP": (LEAK, WATCH, "PREDICT", "flow", {"rise_m3h": 9.31, "limit_m3h": 2.2}, ()),
    "VAL-HIGH": (LEAK, WATCH, "VALUE", "flow", SIZED, ()),
    "VAL-LOW": (
        SUPPLY,
        WATCH,
        "VALUE",
        "flow",
        {"fall_m3h": 4.0, "error_m3h": 0.5, "share": 0.2, "meter_share": -0.19},
        ("pressure-unknown", "pressure-agrees", "pressure-blames-meter"),
    ),
    "LOG-LOW": (
        SUPPLY,
        WATCH,
        "VALUE",
        "pressure",
        {"below_bar": 0.12, "minutes": 120.0, "limit_bar": 0.04},
        ("logger-alone", "logger-others", "zone-leak", "zone-no-leak"),
    ),
    "LOG-DRIFT": (FAULT, FAULT, "SYSTEM", "pressure", {"away_bar": -0.1, "limit_bar": 0.06}, ("loggers-usual",)),
    "NGT-JUMP": (LEAK, WATCH, "NIGHT", "flow", NIGHT, ()),
    "NGT-CREEP": (LEAK, WATCH, "NIGHT", "flow", NIGHT, ()),
} | {
    f"{code} {method}": (LEAK, LEAK, method, "flow", numbers | WITNESS | INSIDE, NOTES_OF_LEAK)
    for code, (method, numbers) in product(
        ("LEAK", "LEAK-MORE"), (("PREDICT", STEPPED), ("VALUE", SIZED), ("NIGHT", NIGHT))
    )
}
# Errors stand beside what they belong to; how long a spike lasts is said by its span.
NOT_ALONE = {"noise_bar", "error_m3h", "steady_error_m3h", "spread_m3h", "error_share"}


def sign(code: str, *, ended: int | None = None, end: str = "", **changed: object) -> Sign:
    _, severity, method, channel, numbers, notes = CODES[code]
    values = {"severity": severity, "numbers": dict(numbers), "notes": [*notes], "ended": ended, "end": end} | changed
    values.setdefault("point", "103")
    return Sign(code.split(maxsplit=1)[0], method, channel, since=BEGAN, raised=BEGAN + 52, **values)  # type: ignore[arg-type]


def incident(*signs: Sign, **more: object) -> Incident:
    ended = None if any(each.ended is None for each in signs) else max(each.ended or 0 for each in signs)
    kind = CODES.get(signs[0].code, CODES["LEAK PREDICT"])[0]
    return Incident("x", "demo", "001", kind, BEGAN, BEGAN + 20, ended, signs=[*signs], **more)  # type: ignore[arg-type]


def say(one: Incident, language: str = "ko", hours: float = 1, life: Life = Life()) -> Told:  # noqa: B008
    return told(Known(one, life), "연산3 소블록", words(language), SEOUL, BEGAN + int(60 * hours))


@pytest.mark.parametrize(("code", "language"), [*product(CODES, LANGUAGES)])
def test_every_code_has_its_sentences_and_says_every_number(code: str, language: str) -> None:
    found = say(incident(sign(code)), language)
    assert found.title.endswith("] 연산3 소블록")
    assert found.what and found.why and found.todo
    assert all("{" not in text for text in (found.title, found.what, *found.why, *found.todo))
    assert "something is not as usual" not in found.what and "평소와 다른 점" not in found.what
    for name in CODES[code][4].keys() - NOT_ALONE:
        without = {key: value for key, value in CODES[code][4].items() if key != name}
        assert found != say(incident(sign(code, numbers=without)), language), name


@pytest.mark.parametrize(("code", "language"), [*product(CODES, LANGUAGES)])
def test_without_numbers_the_rest_is_said(code: str, language: str) -> None:
    found = say(incident(sign(code, numbers={"share": float("nan"), "made_up": 1e300}, notes=["made-up"])), language)
    first = FOUND.get(code) or FOUND[code.split(maxsplit=1)[0]]
    assert found.what and [line.partition(": ")[2] for line in found.why] == [words(language).say(first[0])]
    assert "nan" not in repr(found) and "None" not in repr(found)


def test_every_end_and_note_of_the_detectors_is_known() -> None:
    ends = "forecast usual sunday leak meter fell accepted repaired part good never back pressure-usual plan-over gone"
    assert {*ends.split()} == ENDS.keys()
    assert {note.value for note in Note} == NOTES.keys()


@pytest.mark.parametrize(("end", "language"), [*product(ENDS, LANGUAGES)])
def test_every_end_says_why_and_the_action_is_to_close_it(end: str, language: str) -> None:
    found = say(incident(sign("LEAK VALUE", ended=BEGAN + 600, end=end)), language, hours=30)
    assert words(language).say(ENDS[end]) in found.what
    assert len(found.todo) == 1


@pytest.mark.parametrize(
    ("hours", "korean", "english"),
    [
        (
            1,
            "1시간째 유량이 평소보다 많으며, 현재 초과 유량은 9.3 m³/h(±1.1)입니다",
            "(1 hour) the flow has been above its usual, now by 9.3 ±",
        ),
        (
            10,
            "10시간째 유량이 평소보다 많으며, 현재 초과 유량은 9.0 m³/h(±1.1)입니다",
            "(10 hours) the flow has been above its usual, now by 9.0 ±",
        ),
        (
            30,
            "30시간째 유량이 평소보다 많으며, 현재 초과 유량은 8.3 m³/h(±1.1)입니다",
            "(30 hours) the flow has been above its usual, now by 8.3 ±",
        ),
    ],
)
def test_a_leak_is_told_as_it_is_now(hours: int, korean: str, english: str) -> None:
    size = Size(BEGAN + 60 * hours - 5, 9.3333 - hours / 30, 1.1)
    one = incident(sign("LEAK PREDICT"), size=size, largest_m3h=9.3, volume_m3=9.3 * hours)
    assert say(one, hours=hours).what.startswith(f"8월 27일 02:10부터 {korean}")
    assert say(one, "en", hours).what.startswith(f"Since 27 Aug 02:10 {english}")
    assert say(one).title == "[누수 의심] 연산3 소블록"


def test_an_old_or_uncertain_size_is_not_told_as_that_of_now() -> None:
    old = incident(sign("LEAK PREDICT"), size=Size(BEGAN + 60, 9.3, 1.1))
    assert "Last measured at 27 Aug 03:10: 9.3 ± 1.1 m³/h." in say(old, "en", hours=30).what
    gone = incident(sign("LEAK PREDICT"), size=Size(BEGAN + 60, -0.4, 1.1))
    assert "too small to be sure of: -0.4 ± 1.1 m³/h." in say(gone, "en").what
    unknown = say(incident(sign("LEAK PREDICT")), "en").what
    assert "When it was told, at 27 Aug 03:02, it was 9.3 m³/h." in unknown and "Lost" not in unknown


def test_the_end_of_a_leak_with_its_history() -> None:
    meter = sign("SYS-METER", ended=BEGAN + 1860, end="good")
    leak = sign("LEAK PREDICT", ended=BEGAN + 600, end="meter")
    one = incident(leak, meter, largest_m3h=9.4, volume_m3=279.0, before=[Before(LEAK, BEGAN + 600)], returned=2)
    found = say(one, "en", hours=100)
    assert found.title == "[leak suspected: over] 연산3 소블록"
    assert found.what == (
        "From 27 Aug 02:10 to 28 Aug 09:10 (31 hours) the flow was above its usual. The instrument is good again. "
        "Largest: 9.4 m³/h. Lost in all, by estimate: about 280 m³. "
        "Until 27 Aug 12:10 it was taken for: leak suspected. "
        "It has come back 2 times."
    )
    assert say(one).title == "[누수 의심 해소] 연산3 소블록"
    assert "8월 27일 02:10~8월 28일 09:10(31시간) 유량이 평소보다 많았습니다." in say(one).what


def test_which_way_an_instrument_is_wrong() -> None:
    assert "reading about 8.0 ± 1.3 % too much" in say(incident(sign("SYS-METER")), "en").what
    less = {"scale_share": -0.08, "error_share": 0.013}
    assert "실제보다 약 8.0 %(±1.3) 적게 지시합니다" in say(incident(sign("SYS-METER", numbers=less))).what
    assert "fallen below its usual; by 0.50 bar" in why(sign("SYS-DRIFT"), words("en"))


def test_the_life_among_people() -> None:
    at = minute_start(BEGAN + 90)
    one = incident(sign("LEAK PREDICT"))
    lives = [
        Life(Stage.ACKNOWLEDGED, "김\n영희", at),
        Life(Stage.SHELVED, "Kim", at, until=BEGAN + 600),
        Life(Stage.CLOSED, "Kim", at, cause=Cause.FALSE_ALARM),
    ]
    assert [say(one, life=life).life for life in (Life(), *lives)] == [
        "",
        "확인: 김?영희, 8월 27일 03:40.",
        "보류: Kim, 8월 27일 03:40. 8월 27일 12:10까지.",
        "종결: Kim, 8월 27일 03:40. 원인: 오경보.",
    ]
    assert say(one, "en", life=lives[2]).life == "Closed by Kim, 27 Aug 03:40; cause: false alarm."
    assert not say(one, life=lives[2]).todo


def test_hostile_words_stay_text() -> None:
    work = "{kind}\x1b[2J\nBcc: all\u202e"
    one = incident(sign("LEAK PREDICT", work=work, severity=PLANNED))
    found = told(Known(one, Life()), "{0}\r\nSubject: x", words("en"), SEOUL, BEGAN + 60)
    assert found.title == "[planned work] {0}??Subject: x"
    assert found.why[0].endswith("during planned work: {kind}?[2J?Bcc: all?")


def test_a_code_of_a_later_version_is_still_told() -> None:
    for severity in WORST_FIRST:
        strange = Sign("NEW-RULE", "OTHER", "level", severity, BEGAN, BEGAN + 9)
        assert say(incident(strange), "en", hours=-3).what == "Since 27 Aug 02:10 (1 minute) something is not as usual."
        assert say(incident(strange), "en").why == ("OTHER: NEW-RULE",)
