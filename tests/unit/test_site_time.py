"""The clock: what speaks for it, steps, a clock that was never set, meters whose own time decides."""

import pytest

from producer.site_time import MOST_AHEAD_S, ClockSample, SiteTime

NOW_S = 1_724_657_590.0  # 2024-08-26
MINUTE = int(NOW_S // 60)
HOUR_S, DAY_S, YEAR_S = 3600.0, 86_400.0, 365 * 86_400.0


def arriving(time: SiteTime) -> str:
    return time.time_of(None)[1]


def dated(time: SiteTime, time_s: float) -> str:
    return time.time_of(time_s)[1]


def test_a_frame_is_believed_from_a_day_ago_to_two_minutes_ahead() -> None:
    time = SiteTime(ClockSample(NOW_S, 0), MINUTE, given=True)
    assert dated(time, NOW_S - DAY_S + 1) == dated(time, NOW_S + 119) == ""
    assert dated(time, NOW_S - DAY_S - 1) == "past"
    assert dated(time, NOW_S + 121) == dated(time, NOW_S + 75 * YEAR_S) == "future"


def test_small_corrections_of_the_clock_are_followed() -> None:
    time = SiteTime(ClockSample(NOW_S, 0), MINUTE)
    for step in range(1, 100):
        time.look(ClockSample(NOW_S + step * 100, step * 10.0))  # 90 s ahead each time: a clock that is being drawn in
        assert arriving(time) == ""
    assert time.now_s == NOW_S + 9900


def test_after_a_step_arrival_times_wait_and_dated_readings_flow() -> None:
    for step_s in (-HOUR_S, DAY_S):
        time = SiteTime(ClockSample(NOW_S, 0), MINUTE)
        time.look(ClockSample(NOW_S + step_s, 1))
        assert arriving(time) == "clock"
        assert "hydrolog clock confirm" in time.problem()
        assert dated(time, NOW_S + 1) == ""  # by the time before the step, which goes on
        assert arriving(time) == "clock"
        time.look(ClockSample(NOW_S + 2, 2))  # the clock came back
        assert arriving(time) == time.problem() == ""


def test_a_meters_own_time_confirms_the_new_clock() -> None:
    time = SiteTime(ClockSample(NOW_S, 0), MINUTE)
    time.look(ClockSample(NOW_S + DAY_S, 1))
    assert dated(time, NOW_S + DAY_S - 60) == ""
    assert arriving(time) == ""
    assert time.now_s == NOW_S + DAY_S


def test_a_person_confirms_the_new_clock() -> None:
    time = SiteTime(ClockSample(NOW_S, 0), MINUTE)
    time.look(ClockSample(NOW_S + DAY_S, 1))
    time.confirm()
    assert arriving(time) == ""
    time.look(ClockSample(NOW_S + DAY_S + 10, 11))
    assert arriving(time) == ""


@pytest.mark.parametrize("off_s", [4 * YEAR_S, -4 * YEAR_S, DAY_S, 180.0, 0.0])
def test_nothing_speaks_for_the_clock_of_a_new_box(off_s: float) -> None:
    time = SiteTime(ClockSample(NOW_S + off_s, 0), 0)
    assert arriving(time) == "clock"
    assert "nobody has confirmed" in time.problem()
    assert "hydrolog clock confirm" in time.problem()
    if off_s in (0.0, 180.0, DAY_S):  # a meter may send stored readings of a day, so its clock says so much
        assert dated(time, NOW_S + 1) == ""
        assert arriving(time) == time.problem() == ""
    else:
        assert dated(time, NOW_S) == "clock"
        time.confirm()
        assert arriving(time) == time.problem() == ""


def test_the_clock_of_a_demo_needs_nobodys_word() -> None:
    assert arriving(SiteTime(ClockSample(NOW_S, 0), 0, given=True)) == ""
    assert arriving(SiteTime(ClockSample(NOW_S, 0), MINUTE + 60, given=True)) == "clock"


def test_a_clock_long_after_the_last_closed_minute_waits() -> None:
    assert arriving(SiteTime(ClockSample(NOW_S + MOST_AHEAD_S - 60, 0), MINUTE)) == ""
    time = SiteTime(ClockSample(NOW_S + 200 * DAY_S, 0), MINUTE)
    assert arriving(time) == "clock"
    assert "200 days after the last closed minute" in time.problem()


def test_what_was_trusted_since_the_start_of_the_machine_is_still_trusted() -> None:
    kept = SiteTime(ClockSample(NOW_S, 100), 0, trusted_lead_s=NOW_S - 100 + 20)
    assert arriving(kept) == kept.problem() == ""
    stepped = SiteTime(ClockSample(NOW_S + DAY_S, 100), MINUTE, trusted_lead_s=NOW_S - 100)
    assert stepped.state == "stepped"
    assert stepped.now_s == NOW_S


def test_a_box_that_boots_in_1970_waits_until_the_clock_is_set_and_believed() -> None:
    for closed_through in (0, MINUTE):
        time = SiteTime(ClockSample(60.0, 0), closed_through)
        assert arriving(time) == "clock"
        assert "never set" in time.problem()
        assert dated(time, NOW_S) == dated(time, 60.0) == "clock"
        time.look(ClockSample(NOW_S + 60, 10))
        if not closed_through:
            assert arriving(time) == "clock"
            time.confirm()
        assert arriving(time) == time.problem() == ""


def test_a_clock_before_the_last_closed_minute_waits() -> None:
    time = SiteTime(ClockSample(NOW_S - HOUR_S, 0), MINUTE)
    assert arriving(time) == "clock"
    assert dated(time, NOW_S - HOUR_S) == "clock"  # the meter says that the clock is right, so it was wrong before
    assert "confirm --go-on" in time.problem()
    time.closed(MINUTE - 61)
    assert arriving(time) == dated(time, NOW_S - HOUR_S) == ""


def test_a_meter_that_says_otherwise_waits_while_a_time_service_may_still_come() -> None:
    time = SiteTime(ClockSample(NOW_S + DAY_S, 0), MINUTE)
    assert arriving(time) == ""
    assert dated(time, NOW_S - 1) == "clock"
    time.look(ClockSample(NOW_S + DAY_S + 899, 899))
    assert dated(time, NOW_S + 898) == "clock"
    time.look(ClockSample(NOW_S + DAY_S + 900, 900))
    assert dated(time, NOW_S + 899) == "past"


def test_clocks_that_were_not_read_together_are_not_compared() -> None:
    time = SiteTime(ClockSample(NOW_S, 0), MINUTE)
    time.look(ClockSample(NOW_S + 1000, 500, apart_s=600))
    assert arriving(time) == ""
