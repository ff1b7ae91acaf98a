"""Which events the rows and the findings tell of: each once, under one name, also when rows come again."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from common.row import Row
from consumer.alerts.events import PROVISIONAL_MIN, QUIET_MIN, AlertEvent, EventTracker
from outliers.findings import CLEAR, RAISE, Finding

T0 = 28_000_000
FLAGS = {"watch": "0W0", "leak": "0L0"}


def finding(minute: int, severity: str = "leak", state: str = RAISE, sensor: str = "001") -> Finding:
    code = {"leak": "LEAK", "watch": "PRE-STEP", "fault": "SYS-STUCK"}[severity]
    method = "SYSTEM" if severity == "fault" else "PREDICT"
    words = f"{state} {minute}"
    return Finding(sensor, minute, minute - 5, "flow", method, code, "leak", severity, state, text=words)


def row(minute: int, flow_flags: str = "0000", pressure_flags: str = "000", sensor: str = "001") -> Row:
    return Row(minute, sensor, 8.0, 4.0, 60, flow_flags, pressure_flags)


def feed(tracker: EventTracker, rows: Sequence[Row], findings: Sequence[Finding] = ()) -> list[AlertEvent]:
    return [event for one in rows for event in tracker.row(one, findings)]


def test_a_leak_is_one_event_with_its_reason_from_its_row_to_its_clear() -> None:
    found = [finding(T0), finding(T0 + 2, state=CLEAR)]
    rows = [row(T0 - 1), row(T0, "00L0"), row(T0 + 1, "00L0"), row(T0 + 2)]
    up, over = feed(EventTracker(), rows, found)
    assert (up.id, up.reason, up.cleared, up.since) == ("001/flow/LEAK/20230328T1040Z", f"raise {T0}", None, T0 - 5)
    assert over == replace(up, cleared=T0 + 2, cleared_reason=f"clear {T0 + 2}")


def test_a_finding_waits_for_its_row() -> None:
    tracker = EventTracker()
    assert feed(tracker, [row(T0 - 2), row(T0 - 1)], [finding(T0)]) == []
    assert len(feed(tracker, [row(T0, "00L0")], [finding(T0)])) == 1


def test_the_finding_of_a_lost_row_counts_with_the_next_one() -> None:
    found = [finding(T0, "watch"), finding(T0 + 1, "watch", CLEAR)]
    events = feed(EventTracker(), [row(T0 - 1), row(T0 + 3)], found)
    assert [event.cleared for event in events] == [None, T0 + 1]


def test_who_begins_in_the_middle_of_a_leak_names_it_as_everybody_does() -> None:
    (event,) = feed(EventTracker(), [row(T0 + 500, "00L0"), row(T0 + 501, "00L0")], [finding(T0)])
    assert event.id == "001/flow/LEAK/20230328T1040Z"


def test_a_leak_without_its_finding_is_told_at_once_by_its_flag() -> None:
    tracker = EventTracker()
    (event,) = feed(tracker, [row(T0, "000L"), row(T0 + 1, "000L")])
    assert (event.code, event.severity) == ("NIGHT-L", "leak")
    (over,) = feed(tracker, [row(T0 + 2 + minute) for minute in range(QUIET_MIN + 1)])
    assert over.cleared == T0 + 2


def test_the_clear_of_a_finding_also_ends_what_only_the_flag_told_of() -> None:
    rows = [row(T0, "00L0"), row(T0 + 1, "00L0"), row(T0 + 2)]
    up, over = feed(EventTracker(), rows, [finding(T0 + 2, state=CLEAR)])
    assert over.id == up.id


def test_rows_that_come_again_tell_nothing_again() -> None:
    found = [finding(T0), finding(T0 + 1, "fault"), finding(T0 + 2, state=CLEAR), finding(T0 + 3, "fault", CLEAR)]
    rows = [row(T0, "00L0"), row(T0 + 1, "S0L0"), row(T0 + 2, "S000"), row(T0 + 3)]
    tracker = EventTracker()
    assert len(feed(tracker, rows, found)) == 4
    assert feed(EventTracker(tracker.up.values(), tracker.known), rows, found) == []


def test_provisional_letters_are_no_alarm_before_they_stand() -> None:
    held = [row(T0 + minute, "K000") for minute in range(3)] + [row(T0 + 3)]
    missing = [row(T0 + 4 + minute, "M000") for minute in range(PROVISIONAL_MIN)] + [row(T0 + 60)]
    assert feed(EventTracker(), held + missing) == []
    (event,) = feed(EventTracker(), [row(T0 + minute, "M000") for minute in range(2 * PROVISIONAL_MIN)])
    assert (event.code, event.severity, event.raised) == ("SYSTEM-M", "fault", T0)


def test_a_fault_stays_up_while_its_letter_comes_and_goes() -> None:
    rows = [row(T0 + minute, "S000" if minute % 4 == 0 else "0000") for minute in range(3 * QUIET_MIN)]
    (event,) = feed(EventTracker(), rows, [finding(T0, "fault")])
    assert event.cleared is None


def test_a_clock_that_was_set_back_does_not_end_the_alarms() -> None:
    found = [finding(T0 - 1000), finding(T0 - 500, state=CLEAR)]
    tracker = EventTracker()
    feed(tracker, [row(T0)])
    assert len(feed(tracker, [row(T0 - 1000, "00L0"), row(T0 - 500)], found)) == 2


def test_planned_work_is_followed_and_what_outlasts_it_is_an_event_of_its_own() -> None:
    quiet = structs.replace(finding(T0), severity="planned")
    found = [quiet, structs.replace(quiet, minute=T0 + 9, state=CLEAR), finding(T0 + 9)]
    rows = [row(T0 + minute, "00l0") for minute in range(9)] + [row(T0 + 9, "00L0")]
    events = feed(EventTracker(), rows, found)
    assert [(event.severity, event.cleared is None) for event in events] == [
        ("planned", True),
        ("planned", False),
        ("leak", True),
    ]
    assert events[0].id != events[2].id


def test_a_fault_letter_during_planned_work_is_no_event_of_its_own() -> None:
    quiet = structs.replace(finding(T0, "fault"), severity="planned")
    events = feed(EventTracker(), [row(T0 + minute, "S000") for minute in range(2 * PROVISIONAL_MIN)], [quiet])
    assert [event.severity for event in events] == ["planned"]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Row], list[Finding]]:
    """Rows of two sensors with their findings, as the detectors give them."""
    rows, found = [], []
    up: dict[tuple[str, str], int] = {}
    for minute in range(T0, T0 + draw(st.integers(1, 40))):
        for sensor in ("001", "002"):
            for severity in FLAGS:
                if draw(st.integers(0, 5)) == 0:
                    state = CLEAR if (sensor, severity) in up else RAISE
                    found.append(finding(minute, severity, state, sensor))
                    up.pop((sensor, severity), None) if state == CLEAR else up.update({(sensor, severity): minute})
            letters = [FLAGS[severity] for severity in FLAGS if (sensor, severity) in up]
            rows.append(row(minute, "0" + (letters[-1] if letters else "000"), sensor=sensor))
    return rows, found


@given(histories(), st.data())
def test_each_event_comes_once_however_often_the_process_dies_and_rows_come_again(
    history: tuple[list[Row], list[Finding]], data: st.DataObject
) -> None:
    rows, found = history
    straight = feed(EventTracker(), rows, found)
    assert sorted((event.id, event.cleared is not None) for event in straight) == sorted(
        (event.id, event.cleared is not None) for event in {(e.id, e.cleared): e for e in straight}.values()
    )
    assert sum(event.cleared is None for event in straight) == sum(one.state == RAISE for one in found)
    assert sum(event.cleared is not None for event in straight) == sum(one.state == CLEAR for one in found)
    broken: list[AlertEvent] = []
    tracker, place = EventTracker(), 0
    while place < len(rows):
        until = data.draw(st.integers(place, len(rows)))
        broken += feed(tracker, rows[place:until], found)
        tracker, place = EventTracker(tracker.up.values(), tracker.known), max(until, place + (until == place))
        if until < place:
            broken += feed(tracker, rows[until:place], found)
    assert broken == straight


def test_sensors_without_end_cost_no_memory_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.alerts.events.MOST_SENSORS", 3)
    tracker = EventTracker()
    feed(tracker, [row(T0, "00L0")])
    for number in range(20):
        feed(tracker, [replace(row(T0 + number, "R000" if number % 2 else "0L00"), sensor=f"X{number}")])
    assert len(tracker._last) == len({sensor for sensor, _ in tracker._since} | set(tracker._last)) == 3
    assert len(tracker.up) == 3
