"""A meter's clock that is wrong is named within a minute, with what it looks like and what to do."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from common.meters import SensorLimits
from common.settings import LineSettings
from producer.meter_clocks import FORGOTTEN_S, MeterClocks
from producer.meter_zones import MeterZones

SEOUL, ROME = ZoneInfo("Asia/Seoul"), ZoneInfo("Europe/Rome")
SUMMER_S = datetime(2024, 8, 26, 12, tzinfo=SEOUL).timestamp()
H = 3600.0


def watched(offset_s: float, zone: ZoneInfo = SEOUL, every_s: float = 1.0, for_s: float = 60.0) -> MeterClocks:
    clocks = MeterClocks(MeterZones(LineSettings(), zone))
    for step in range(int(for_s / every_s) + 1):
        now_s = SUMMER_S + step * every_s
        clocks.note("001", now_s + offset_s, now_s)
        clocks.note("002", now_s, now_s)
        clocks.note("003", None, now_s)
    return clocks


@pytest.mark.parametrize(
    ("offset_s", "zone", "said"),
    [
        (180, SEOUL, "001 is 3 min fast: none of its readings is taken; set the meter's clock"),
        (-1200, SEOUL, "001 is 20 min slow: its rows carry that time"),
        (-9 * H, SEOUL, '9 h 0 min slow (looks like UTC: or write zone = "UTC" into its [[line.sensors]])'),
        (-2 * H, ROME, "2 h 0 min slow (looks like UTC"),
        (-1 * H, ROME, "1 h 0 min slow (looks like winter time all year"),
        (-1 * H, SEOUL, "1 h 0 min slow: its rows"),
        (-1024 * 7 * 24 * H, SEOUL, "7,168 d 0 h slow (1,024 weeks: its satellite receiver"),
        (-30 * H, SEOUL, "1 d 6 h slow: none of its readings is taken"),
    ],
)
def test_a_wrong_clock_is_named(offset_s: float, zone: ZoneInfo, said: str) -> None:
    problem = watched(offset_s, zone).problem(SUMMER_S + 60)
    assert said in problem
    assert "002" not in problem and "003" not in problem


def test_a_zone_is_for_the_line_if_all_its_meters_need_it() -> None:
    clocks = MeterClocks(MeterZones(LineSettings(), SEOUL))
    for step in range(60):
        for sensor in ("001", "002"):
            clocks.note(sensor, SUMMER_S + step - 9 * H, SUMMER_S + step)
    assert clocks.problem(SUMMER_S + 60).count('9 h 0 min slow (looks like UTC: or write line.zone = "UTC")') == 2


@pytest.mark.parametrize(
    ("offset_s", "said"), [(9 * H, "site's own time: or take its zone out"), (-7 * H, "slow: its rows")]
)
def test_a_zone_that_was_set_wrongly_is_named(offset_s: float, said: str) -> None:
    line = LineSettings(sensors=(SensorLimits("001", zone="UTC"),))
    clocks = MeterClocks(MeterZones(line, SEOUL))
    for step in range(60):
        clocks.note("001", SUMMER_S + step + offset_s, SUMMER_S + step)
    assert said in clocks.problem(SUMMER_S + 60)


def test_a_meter_that_has_gone_has_no_clock_to_show() -> None:
    assert watched(50).offsets(SUMMER_S + 61 + FORGOTTEN_S) == {}


@pytest.mark.parametrize("offset_s", [0, 60, -100, 119])
def test_a_clock_that_is_near_is_no_problem_but_measured(offset_s: float) -> None:
    clocks = watched(offset_s)
    assert clocks.problem(SUMMER_S + 60) == ""
    assert clocks.offsets(SUMMER_S + 60) == {"001": pytest.approx(offset_s, abs=0.1), "002": pytest.approx(0, abs=0.1)}


def test_stored_readings_of_hours_are_no_clock() -> None:
    """A meter that sends its store: a reading a second, each a minute younger than the one before."""
    clocks = MeterClocks(MeterZones(LineSettings(), SEOUL))
    for step in range(300):
        clocks.note("001", SUMMER_S - (300 - step) * 60.0, SUMMER_S + step)
        assert clocks.problem(SUMMER_S + step) == ""


def test_it_ends_when_the_clock_is_set_or_the_meter_is_silent() -> None:
    clocks = watched(180)
    assert clocks.problem(SUMMER_S + 60)
    assert clocks.problem(SUMMER_S + 61 + FORGOTTEN_S) == ""
    clocks.note("001", SUMMER_S + 61, SUMMER_S + 61)
    assert clocks.problem(SUMMER_S + 61) == ""


def test_a_slow_meter_with_rare_readings_is_named_too() -> None:
    assert "slow" in watched(-1200, every_s=20.0, for_s=80.0).problem(SUMMER_S + 80)


def test_many_wrong_clocks_are_one_short_text() -> None:
    clocks = MeterClocks(MeterZones(LineSettings(), SEOUL))
    for step in range(40):
        for number in range(20):
            clocks.note(f"{number:03}", SUMMER_S + step + 600, SUMMER_S + step)
    problem = clocks.problem(SUMMER_S + 40)
    assert problem.count("fast") == 5 and problem.endswith("; and 15 more")
