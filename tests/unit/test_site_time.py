"""The clock: steps, a clock that was never set, meters whose own time decides."""

from producer.site_time import ClockSample, SiteTime

NOW_S = 1_724_657_590.0  # 2024-08-26
MINUTE = int(NOW_S // 60)
HOUR_S, DAY_S = 3600.0, 86_400.0


def arriving(time: SiteTime) -> str:
    return time.time_of(None)[1]


def dated(time: SiteTime, time_s: float) -> str:
    return time.time_of(time_s)[1]


def test_a_frame_is_believed_from_a_day_ago_to_two_minutes_ahead() -> None:
    time = SiteTime(ClockSample(NOW_S, 0), 0)
    assert dated(time, NOW_S - DAY_S + 1) == dated(time, NOW_S + 119) == ""
    assert dated(time, NOW_S - DAY_S - 1) == "past"
    assert dated(time, NOW_S + 121) == dated(time, NOW_S + 75 * 365 * DAY_S) == "future"


def test_small_corrections_of_the_clock_are_followed() -> None:
    time = SiteTime(ClockSample(NOW_S, 0), 0)
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


def test_a_box_that_boots_in_1970_waits_and_goes_on_by_itself_when_the_clock_is_set() -> None:
    for closed_through in (0, MINUTE):
        time = SiteTime(ClockSample(60.0, 0), closed_through)
        assert arriving(time) == "clock"
        assert "never set" in time.problem()
        assert dated(time, NOW_S) == "future"
        time.look(ClockSample(NOW_S + 60, 10))
        assert arriving(time) == time.problem() == ""


def test_a_clock_before_the_last_closed_minute_waits() -> None:
    time = SiteTime(ClockSample(NOW_S - HOUR_S, 0), MINUTE)
    assert arriving(time) == "clock"
    assert dated(time, NOW_S - HOUR_S) == ""  # the meter says that the clock is right
    assert arriving(time) == ""


def test_clocks_that_were_not_read_together_are_not_compared() -> None:
    time = SiteTime(ClockSample(NOW_S, 0), 0)
    time.look(ClockSample(NOW_S + 1000, 500, apart_s=600))
    assert arriving(time) == ""
