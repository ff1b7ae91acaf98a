"""Each kind of trouble, from its recording to what an operator reads of it, in both languages.

Each is one incident, however many signs it has: read an hour after its first sign, at its largest, and when it is over.
"""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from trouble_box import DAY, Course, Read, watched
from trouble_recordings import (
    Recording,
    burst_and_repair,
    drifting_gauge,
    flushing,
    growing_leak,
    meter_reads_too_much,
    stuck_gauge,
    supply_outage,
)

from common.clock import minute_start
from common.messages import words
from incidents.incident import Incident
from outliers.criteria import Criteria

Watch = Callable[..., Course]
HOUR = 60
ERRORS = 2.0  # standard errors between a size that is told and the truth
OVER_TODO = ("Close the incident with its cause, so that it is remembered.", "원인을 기록하고 종결하십시오.")
WORK_TODO = (
    "Check planned work, flushing and hydrants in this zone.",
    "해당 블록의 계획 작업, 관 세척(퇴수), 소화전 사용을 확인하십시오.",
)


@pytest.fixture
def watch(tmp_path: Path, learnt: Criteria, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """What is told needs no disk: the thousand sizes of a leak are not synced."""
    for sync in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, sync, lambda _: None)
    return lambda recording, **more: watched(tmp_path, learnt, recording, **more)


def only(read: Read) -> Incident:
    assert len(read.incidents) == 1, [one.id for one in read.incidents]
    return read.incidents[0]


def assert_says(read: Read, kind: str, title: tuple[str, str], what: tuple[str, str], todo: tuple[str, str]) -> None:
    """One incident, the verdict that it makes, and what is read of it in English and Korean."""
    only(read)
    assert read.kind == kind
    for place, language in enumerate(("en", "ko")):
        (told,) = read.told[language]
        assert told.title == f"[{title[place]}] 연산3 소블록"
        assert told.what.startswith(what[place]), told.what
        assert (told.todo or ("",))[0] == todo[place]
        assert told.why
        assert "{" not in repr(told) and "None" not in repr(told) and " -" not in told.what
        lines = read.lines[language]
        assert bool(lines) == (kind != "good")
        assert all("연산3 소블록" in line and title[place] in line for line in lines)


def at(minute: int) -> tuple[str, str]:
    """A minute as it is said in each language."""
    time = minute_start(minute)
    return f"{time:%-d %b %H:%M}", f"{time.month}월 {time.day}일 {time:%H:%M}"


def since(read: Read) -> tuple[str, str]:
    english, korean = at(only(read).began)
    return f"Since {english} ", f"{korean}부터 "


def until(read: Read, english: str = "From {} to {} ", korean: str = "{}~{}(") -> tuple[str, str]:
    incident = only(read)
    assert incident.ended is not None
    began, ended = at(incident.began), at(incident.ended)
    return english.format(began[0], ended[0]), korean.format(began[1], ended[1])


def assert_sized(read: Read, recording: Recording) -> None:
    """The size is within its error; and the error says something."""
    size = only(read).size
    assert size is not None
    assert abs(size.flow_m3h - recording.flow_m3h) <= ERRORS * size.error_m3h
    assert size.error_m3h < recording.flow_m3h / 3
    for language in ("en", "ko"):
        assert words(language).flow(size.flow_m3h, size.error_m3h) in read.told[language][0].what


def assert_times(read: Read, recording: Recording, begins: int = 10, ends: int = 70) -> None:
    """It began and ended when the trouble did, within minutes."""
    incident = only(read)
    assert incident.ended is not None
    assert abs(incident.began - recording.first) <= begins
    assert 0 <= incident.ended - recording.end <= ends


LEAK, LEAK_OVER = ("leak suspected", "누수 의심"), ("leak suspected: over", "누수 의심 해소")


def assert_a_leak_and_its_end(course: Course, recording: Recording) -> Incident:
    """A leak of its size while it lasts, and over in time; the incident when it is over."""
    for read in (course.hour_after, course.largest):
        assert_says(read, "leak", LEAK, since(read), WORK_TODO)
        assert_sized(read, recording)
    assert_says(course.day_after, "good", LEAK_OVER, until(course.day_after), OVER_TODO)
    assert_times(course.day_after, recording)
    return only(course.day_after)


def test_a_burst_and_its_repair(watch: Watch) -> None:
    recording = burst_and_repair()
    over = assert_a_leak_and_its_end(watch(recording), recording)
    assert over.volume_m3 == pytest.approx(recording.volume_m3, rel=0.1)
    assert over.largest_m3h == pytest.approx(recording.flow_m3h, rel=0.15)
    assert over.leading.end == "fell"


def test_a_growing_leak(watch: Watch) -> None:
    recording = growing_leak()
    course = watch(recording)
    first = course.hour_after
    assert_says(first, "watch", ("watch", "주의"), since(first), WORK_TODO)
    assert only(first).size is None  # not yet known, so it is not told
    largest = course.largest
    assert_says(largest, "leak", LEAK, since(largest), WORK_TODO)
    size = only(largest).size
    assert size is not None
    assert size.flow_m3h == pytest.approx(recording.flow_m3h, rel=0.2)
    assert [sign.code for sign in only(largest).signs] == ["VAL-HIGH", "LEAK", "LEAK-MORE"]
    over = course.day_after
    assert_says(over, "good", LEAK_OVER, until(over, "From {} to about {} ", "{}~{}경("), OVER_TODO)
    assert_times(over, recording, begins=3 * HOUR)
    noticed = only(over).over_told
    assert noticed is not None and recording.end + HOUR < noticed <= recording.end + 5 * HOUR
    english, korean = at(noticed)  # two signs, one after the other
    assert f"The end is an estimate; it was noticed at {english}." in over.told["en"][0].what
    assert f"해소 시각은 추정입니다(해소 판정 {korean})." in over.told["ko"][0].what
    assert only(over).volume_m3 == pytest.approx(recording.volume_m3, rel=0.25)


FAULT, FAULT_OVER = ("instrument fault", "계측기 이상"), ("instrument fault: over", "계측기 이상 해소")


def test_a_stuck_gauge(watch: Watch) -> None:
    recording = stuck_gauge()
    course = watch(recording)
    todo = ("See whether the instrument's own display changes.", "계측기 현장 표시값이 변하는지 확인하십시오.")
    for read in (course.hour_after, course.largest):
        english, korean = at(recording.first - 1)
        what = (f"Pressure gauge: the value has not changed since {english} ", f"수압계: {korean}부터 ")
        assert_says(read, "fault", FAULT, what, todo)
        assert (only(read).size, only(read).volume_m3) == (None, None)
    what = until(course.day_after, "Pressure gauge: the value did not change from {} to {} ", "수압계: {}~{}(")
    assert_says(course.day_after, "good", FAULT_OVER, what, OVER_TODO)
    assert_times(course.day_after, recording)


def test_a_drifting_gauge_and_its_change(watch: Watch) -> None:
    """The step with which it is set right is a sign of the same trouble."""
    recording = drifting_gauge()
    course = watch(recording, settled=3 * DAY + 2 * HOUR)  # the mean of a day comes back slowly
    todo = ("Compare the pressure with a second gauge.", "다른 수압계와 비교 측정하십시오.")
    for read in (course.hour_after, course.largest):
        what = ("Pressure gauge: drifted away; outside its usual range since ", "수압계: 값이 서서히 벗어나 ")
        assert_says(read, "fault", FAULT, what, todo)
        assert "fallen below its usual" in read.told["en"][0].why[0]
        assert "서서히 낮아짐" in read.told["ko"][0].why[0]
    over = course.day_after
    english, korean = (
        "Pressure gauge: drifted away; outside its usual range from {} to {} ",
        "수압계: 값이 서서히 벗어나 {}~{}(",
    )
    assert_says(over, "good", FAULT_OVER, until(over, english, korean), OVER_TODO)
    assert [sign.code for sign in only(over).signs] == ["SYS-DRIFT", "SUP-STEP"]
    assert recording.first < only(over).began < recording.first + 2 * DAY


def test_a_flow_meter_that_reads_too_much(watch: Watch) -> None:
    """First it looks like a leak with which the pressure does not agree; then it is a fault for good."""
    recording = meter_reads_too_much()
    course = watch(recording)
    first = course.hour_after
    assert_says(first, "leak", LEAK, since(first), WORK_TODO)
    assert "the pressure does not agree so far; it rose by" in first.told["en"][0].why[-1]
    assert "수압 변화와는 아직 불일치; 수압 상승" in first.told["ko"][0].why[-1]
    todo = (
        "Compare the flow meter with a second one, such as a clamp-on meter.",
        "휴대용 초음파 유량계 등 다른 유량계와 비교 측정하십시오.",
    )
    largest = course.largest
    assert_says(largest, "fault", FAULT, ("Flow meter: reading about ", "유량계: "), todo)
    (english,), (korean,) = largest.told["en"], largest.told["ko"]
    assert " too much since " in english.what and "it was taken for: leak suspected." in english.what
    assert "많게 지시합니다(추정)" in korean.what and "이전 판정: 누수 의심." in korean.what
    scale = only(largest).leading.numbers
    assert scale["scale_share"] == pytest.approx(0.2, abs=ERRORS * scale["error_share"])
    assert (only(largest).size, only(largest).volume_m3) == (None, None)  # nothing leaked
    over = course.day_after
    assert_says(over, "good", FAULT_OVER, ("Flow meter: read about ", "유량계: "), OVER_TODO)
    assert_times(over, recording, ends=8 * HOUR)
    assert all("Lost" not in told.what for told in over.told["en"])


def test_flushing_that_nobody_planned(watch: Watch) -> None:
    recording = flushing()
    over = assert_a_leak_and_its_end(watch(recording), recording)
    assert over.volume_m3 == pytest.approx(recording.volume_m3, rel=0.2)


def test_flushing_that_is_in_the_calendar(watch: Watch) -> None:
    recording = flushing()
    first, end = (datetime.strftime(minute_start(at), "%Y-%m-%d %H:%M") for at in (recording.first, recording.end))
    course = watch(recording, planned=f"001 {first} {end} 관 세척\n")
    todo = ("Nothing while the planned work lasts.", "계획 작업 중에는 조치가 필요하지 않습니다.")
    for read in (course.hour_after, course.largest):
        assert_says(read, "good", ("planned work", "계획 작업"), since(read), todo)
        assert all(told.why[0].endswith(": 관 세척") for told in (*read.told["en"], *read.told["ko"]))
    over = course.day_after
    assert_says(over, "good", ("planned work: over", "계획 작업 종료"), until(over), ("", ""))
    assert_times(over, recording)


OUTAGE, OUTAGE_OVER = ("supply outage suspected", "단수 의심"), ("supply outage suspected: over", "단수 의심 해소")


@pytest.mark.parametrize("sudden", [False, True])
def test_a_supply_outage(watch: Watch, sudden: bool) -> None:
    """Both instruments leave their limits, and the pressure steps: one trouble, and not two broken instruments."""
    recording = supply_outage(sudden=sudden)
    course = watch(recording)
    todo = (
        "Check at once whether water comes: ask whether supply is shut off, and look at valves, pump and reservoir.",
        "급수 여부를 즉시 확인하십시오: 단수 계획, 밸브, 가압펌프, 배수지 수위를 확인하십시오.",
    )
    for read in (course.hour_after, course.largest):
        assert_says(read, "fault", OUTAGE, since(read), todo)
        assert only(read).size is None
    over = only(course.day_after)  # that the water is back is no leak
    assert (over.kind, over.outage, over.ended is not None) == ("supply", True, True)
    assert abs(over.began - recording.first) <= 5
    titles = {language: [each.title for each in course.day_after.told[language]] for language in ("en", "ko")}
    assert titles == {"en": [f"[{OUTAGE_OVER[0]}] 연산3 소블록"], "ko": [f"[{OUTAGE_OVER[1]}] 연산3 소블록"]}
    assert course.day_after.kind == "good"
