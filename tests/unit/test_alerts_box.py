"""Alarms about the box itself: raised when it is so, over when it has not been so for a while."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from common.clock import minute_start
from common.settings import Settings
from common.verdict_words import said
from consumer.alerts.box import CALM_MIN, ENDED_MIN, IDLE_MIN, Watch, conditions
from consumer.alerts.events import EventTracker
from log.mark import Mark
from outliers.calendar import ALL, Work
from situation.snapshot import Process, Snapshot

T0 = 28_000_000
MB = 1_000_000
PATIENCE = 15


class Box:
    """The condition of a box over the minutes, and what the watch makes of it."""

    def __init__(self, settings: Settings) -> None:
        self.tracker, self.watch = EventTracker(), Watch(T0)
        self.settings = replace(settings, log=replace(settings.log, warn_bytes=100 * MB))

    def look(
        self,
        minute: int,
        sensors: Mapping[str, int] | None = None,
        log_bytes: int | None = None,
        health: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> list[str]:
        """What is raised ("+code") and over ("-code"). Rows close at the end of their minute."""
        tracker, now = self.tracker, T0 + minute
        closed = {sensor: T0 + last for sensor, last in (sensors or {}).items()}
        processes = {role: Process(state, more.get("ended_s")) for role, state in (health or {}).items()}
        known = Mark(now, 0, "log", closed) if closed else None
        look = Snapshot(minute_start(now + 1), mark=known, log_bytes=log_bytes, processes=processes)
        found = conditions(replace(look, works=more.get("works", ())), self.settings, tracker.up)
        for event in self.watch.seen(found, tracker.up):
            tracker.put(event)
        raised = [tracker.put(event) for event in self.watch.raised(found, tracker.up, now, PATIENCE)]
        over = [tracker.clear(event, now) for event in self.watch.over(found, tracker.up, now)]
        return [f"+{event.sensor}{event.code}" for event in raised] + [f"-{event.sensor}{event.code}" for event in over]


@pytest.fixture
def box(settings_for: Callable[..., Settings]) -> Box:
    return Box(settings_for())


@pytest.fixture
def other(settings_for: Callable[..., Settings]) -> Box:
    return Box(settings_for())


def test_a_growing_log_is_one_alarm_until_it_is_half_as_large(box: Box) -> None:
    assert box.look(0, log_bytes=100 * MB) == []
    assert box.look(1, log_bytes=101 * MB) == ["+BOX-LOG"]
    assert [box.look(2 + minute, log_bytes=99 * MB) for minute in range(20)] == [[]] * 20
    assert [box.look(30 + minute, log_bytes=1 * MB) for minute in range(CALM_MIN + 1)][-1] == ["-BOX-LOG"]


def test_what_is_up_has_the_values_that_were_seen_last(box: Box) -> None:
    for minute, size in ((0, 101), (1, 150)):
        box.look(minute, log_bytes=size * MB)
        (event,) = box.tracker.up.values()
        assert event.problem is not None
        assert said(event.problem).detail.startswith(f"{size} MB of rows wait")
        assert said(event.problem, "ko").detail.startswith(f"{size} MB 대기")
    box.look(2, log_bytes=60 * MB)  # smaller, and not over yet
    assert [event.problem and event.problem.values for event in box.tracker.up.values()] == [{"log_bytes": 150 * MB}]


def test_a_condition_that_flutters_is_one_alarm(box: Box) -> None:
    refused = {"consumer-server": {"counters": {"last_status": 401}}}
    assert box.look(0, health=refused) == ["+BOX-REFUSED"]
    for minute in range(1, 40):
        assert box.look(minute, health=refused if minute % CALM_MIN == 0 else {}) == []


def test_a_silent_line_is_one_alarm_and_not_one_of_each_sensor(box: Box) -> None:
    assert box.look(PATIENCE, {"001": 0, "002": 0}) == []
    assert box.look(PATIENCE + 1, {"001": 0, "002": 0}) == ["+BOX-LINE"]
    assert box.look(PATIENCE + 2, {"001": PATIENCE + 2, "002": PATIENCE + 2}) == []


def test_one_silent_sensor_among_others_is_named(box: Box) -> None:
    assert box.look(PATIENCE + 1, {"001": PATIENCE + 1, "002": 0}) == ["+002BOX-SENSOR"]
    assert box.look(PATIENCE + 9, {"001": PATIENCE + 1, "002": 0}) == []
    assert "BOX-LINE" in box.look(99, {"001": PATIENCE + 1, "002": 0})[0]
    assert box.look(110, {"001": PATIENCE + 1, "002": 0}) == []  # 002 is still silent


def test_a_sensor_that_was_taken_away_is_no_alarm(box: Box) -> None:
    assert box.look(PATIENCE + 1, {"001": PATIENCE + 1, "old": -30 * 1440}) == []


def test_a_box_that_was_off_does_not_call_its_line_silent(box: Box) -> None:
    stale = {"nightflow": {"last_success": minute_start(T0 - 300).isoformat(), "problem": ""}}
    assert box.look(0, {"001": -300}, health=stale) == []
    assert box.look(PATIENCE - 1, {"001": -300}, health=stale) == []
    assert box.look(PATIENCE, {"001": -300}, health=stale) == ["+BOX-IDLE", "+BOX-LINE"]


def test_a_server_that_refuses_rows_is_an_alarm_and_one_that_is_away_is_not(box: Box) -> None:
    assert box.look(0, health={"consumer-server": {"counters": {"last_status": 503, "refused_in_a_row": 4}}}) == []
    assert box.look(1, health={"consumer-server": {"counters": {"refused_in_a_row": 5}}}) == ["+BOX-REFUSED"]


def test_a_process_without_success_for_an_hour_is_an_alarm_with_its_problem(box: Box) -> None:
    began = minute_start(T0 + 1).isoformat()
    state = {"last_success": began, "problem": "no \x1b database", "problem_since": began}
    assert box.look(IDLE_MIN, health={"consumer-archive": state}) == []
    assert box.look(IDLE_MIN + 1, health={"consumer-archive": state}) == ["+BOX-IDLE"]
    (event,) = box.tracker.up.values()
    assert event.problem is not None and "no ? database" in said(event.problem).detail


def test_damaged_health_files_are_no_alarm_and_no_crash(box: Box) -> None:
    for state in ({}, {"counters": 7}, {"counters": {"refused_in_a_row": "many"}, "last_success": "never"}):
        assert box.look(99, health={"consumer-server": state}) == []


def test_a_process_that_is_gone_is_an_alarm_before_one_that_waits(box: Box) -> None:
    state = {"nightflow": {"last_success": minute_start(T0 + PATIENCE).isoformat()}}
    assert box.look(PATIENCE, health=state, ended_s=60.0 * ENDED_MIN) == []  # an update
    assert box.look(PATIENCE + 1, health=state, ended_s=60.0 * ENDED_MIN + 60) == ["+BOX-IDLE"]
    (event,) = box.tracker.up.values()
    assert event.problem is not None and "sudo systemctl restart hydrolog" in said(event.problem, "ko").todo


def test_who_tells_is_not_told_of_itself(box: Box) -> None:
    stalled = {"last_success": minute_start(T0 - 300).isoformat()}
    assert box.look(PATIENCE, health={"consumer-alerts": stalled}) == []


def test_planned_work_explains_a_silence_but_ends_no_alarm(box: Box, other: Box) -> None:
    here = Work("001", T0, T0 + 99, "repair")
    silent = {"001": 0, "002": PATIENCE + 1}
    assert box.look(PATIENCE + 1, silent, works=(here,)) == []
    assert box.look(PATIENCE + 1, silent) == ["+001BOX-SENSOR"]
    assert [box.look(PATIENCE + 2, silent, works=(here,)) for _ in range(2 * CALM_MIN)] == [[]] * 2 * CALM_MIN
    assert other.look(PATIENCE + 1, {"001": 0}, works=(replace(here, sensor=ALL),)) == []
    assert other.look(PATIENCE + 1, {"001": 0}) == ["+BOX-LINE"]
    assert other.look(99, {"001": 0}, works=(replace(here, sensor=ALL),)) == []


def test_rows_of_the_future_are_an_alarm_and_no_sign_of_life(box: Box, other: Box) -> None:
    assert box.look(0, {"001": 2_000_000, "002": 0}) == ["+BOX-CLOCK"]
    assert box.look(PATIENCE + 1, {"001": 2_000_000, "002": 0}) == ["+BOX-LINE"]  # as the others' silence says
    assert box.look(PATIENCE + 2, {"001": PATIENCE, "002": PATIENCE}) == []
    assert [box.look(PATIENCE + 2 + m, {"001": PATIENCE + m}) for m in range(1, CALM_MIN + 1)][-1] == [
        "-BOX-CLOCK",
        "-BOX-LINE",
    ]
    assert other.look(0, {"001": 2, "002": 0}) == []  # a meter's clock may be a little fast
