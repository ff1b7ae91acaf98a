"""Alarms about the box itself: raised when it is so, over when it has not been so for a while."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from common.clock import minute_start
from consumer.alerts.box import AFTER_WORK_MIN, CALM_MIN, IDLE_MIN, BoxSnapshot, Watch, conditions, without_planned
from consumer.alerts.events import EventTracker
from outliers.calendar import Work

T0 = 28_000_000
MB = 1_000_000
PATIENCE = 15


class Box:
    """The condition of a box over the minutes, and what the watch makes of it."""

    def __init__(self) -> None:
        self.tracker, self.watch = EventTracker(), Watch(T0)

    def look(
        self,
        minute: int,
        sensors: Mapping[str, int] | None = None,
        log_bytes: int | None = None,
        health: Mapping[str, Any] | None = None,
    ) -> list[str]:
        """What is raised ("+code") and over ("-code")."""
        tracker, now = self.tracker, T0 + minute
        seen = {sensor: T0 + last for sensor, last in (sensors or {}).items()}
        look = BoxSnapshot(now, seen or None, log_bytes, health or {})
        found = conditions(look, up=tracker.up, warn_bytes=100 * MB, silent_minutes=PATIENCE)
        raised = [tracker.put(event) for event in self.watch.raised(found, tracker.up, now, PATIENCE)]
        over = [tracker.clear(event, now) for event in self.watch.over(found, tracker.up, now)]
        return [f"+{event.sensor}{event.code}" for event in raised] + [f"-{event.sensor}{event.code}" for event in over]


def test_a_growing_log_is_one_alarm_until_it_is_half_as_large() -> None:
    box = Box()
    assert box.look(0, log_bytes=100 * MB) == []
    assert box.look(1, log_bytes=101 * MB) == ["+BOX-LOG"]
    assert [box.look(2 + minute, log_bytes=99 * MB) for minute in range(20)] == [[]] * 20
    assert [box.look(30 + minute, log_bytes=1 * MB) for minute in range(CALM_MIN + 1)][-1] == ["-BOX-LOG"]


def test_a_condition_that_flutters_is_one_alarm() -> None:
    box = Box()
    refused = {"consumer-server": {"counters": {"last_status": 401}}}
    assert box.look(0, health=refused) == ["+BOX-REFUSED"]
    for minute in range(1, 40):
        assert box.look(minute, health=refused if minute % CALM_MIN == 0 else {}) == []


def test_a_silent_line_is_one_alarm_and_not_one_of_each_sensor() -> None:
    box = Box()
    assert box.look(PATIENCE, {"001": 0, "002": 0}) == []
    assert box.look(PATIENCE + 1, {"001": 0, "002": 0}) == ["+BOX-LINE"]
    assert box.look(PATIENCE + 2, {"001": PATIENCE + 2, "002": PATIENCE + 2}) == []


def test_one_silent_sensor_among_others_is_named() -> None:
    box = Box()
    assert box.look(PATIENCE + 1, {"001": PATIENCE + 1, "002": 0}) == ["+002BOX-SENSOR"]
    assert box.look(PATIENCE + 9, {"001": PATIENCE + 1, "002": 0}) == []
    assert "BOX-LINE" in box.look(99, {"001": PATIENCE + 1, "002": 0})[0]
    assert box.look(110, {"001": PATIENCE + 1, "002": 0}) == []  # 002 is still silent


def test_a_sensor_that_was_taken_away_is_no_alarm() -> None:
    assert Box().look(PATIENCE + 1, {"001": PATIENCE + 1, "old": -30 * 1440}) == []


def test_a_box_that_was_off_does_not_call_its_line_silent() -> None:
    box = Box()
    stale = {"nightflow": {"last_success": minute_start(T0 - 300).isoformat(), "problem": ""}}
    assert box.look(0, {"001": -300}, health=stale) == []
    assert box.look(PATIENCE - 1, {"001": -300}, health=stale) == []
    assert box.look(PATIENCE, {"001": -300}, health=stale) == ["+BOX-LINE", "+BOX-IDLE"]


def test_a_server_that_refuses_rows_is_an_alarm_and_one_that_is_away_is_not() -> None:
    box = Box()
    assert box.look(0, health={"consumer-server": {"counters": {"last_status": 503, "refused_in_a_row": 4}}}) == []
    assert box.look(1, health={"consumer-server": {"counters": {"refused_in_a_row": 5}}}) == ["+BOX-REFUSED"]


def test_a_process_without_success_for_an_hour_is_an_alarm_with_its_problem() -> None:
    box = Box()
    state = {"last_success": minute_start(T0).isoformat(), "problem": "no \x1b database"}
    assert box.look(IDLE_MIN, health={"consumer-archive": state}) == []
    assert box.look(IDLE_MIN + 1, health={"consumer-archive": state}) == ["+BOX-IDLE"]
    (event,) = box.tracker.up.values()
    assert "database" in event.reason and "\x1b" not in event.reason


def test_damaged_health_files_are_no_alarm_and_no_crash() -> None:
    for state in ({}, {"counters": 7}, {"counters": {"refused_in_a_row": "many"}, "last_success": "never"}):
        assert Box().look(99, health={"consumer-server": state}) == []


def test_a_sensor_that_is_silent_during_its_planned_work_is_no_alarm() -> None:
    found = conditions(
        BoxSnapshot(T0, {"001": T0 - 60, "002": T0}, None, {}), up={}, warn_bytes=MB, silent_minutes=PATIENCE
    )
    here, there = Work("001", T0 - 60, T0 + 60, "repair"), Work("002", T0 - 60, T0 + 60, "repair")

    def left(work: Work, minute: int) -> list[str]:
        return [key[2] for key in without_planned(found, up={}, works=[work], minute=minute)]

    assert left(here, T0) == []
    assert left(there, T0) == ["BOX-SENSOR"]
    assert left(here, T0 + 60 + AFTER_WORK_MIN) == ["BOX-SENSOR"]
    line = conditions(BoxSnapshot(T0, {"001": T0 - 60}, None, {}), up={}, warn_bytes=MB, silent_minutes=PATIENCE)
    assert without_planned(line, up={}, works=[here], minute=T0) == line
    assert without_planned(line, up={}, works=[replace(here, sensor="all")], minute=T0) == {}


def test_rows_of_the_future_are_an_alarm_and_no_sign_of_life() -> None:
    box = Box()
    assert box.look(0, {"001": 2_000_000, "002": 0}) == ["+BOX-CLOCK"]
    assert box.look(PATIENCE + 1, {"001": 2_000_000, "002": 0}) == ["+BOX-LINE"]  # as the others' silence says
    assert box.look(PATIENCE + 2, {"001": PATIENCE, "002": PATIENCE}) == []
    assert [box.look(PATIENCE + 2 + m, {"001": PATIENCE + m}) for m in range(1, CALM_MIN + 1)][-1] == [
        "-BOX-CLOCK",
        "-BOX-LINE",
    ]
    assert Box().look(0, {"001": 2, "002": 0}) == []  # a meter's clock may be a little fast
