"""Minutes: one row for one (sensor, minute), ever, and the row that a person would compute from what was taken."""

import json
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.row import MOST_SENSORS
from producer.minute import Minutes
from producer.minute_mean import MinuteMean

LATENESS_S = 5.0
T = 28_000_000  # a UTC minute
START_S = T * 60.0

# What may happen on a line: a reading (sensor, seconds against the clock, value), a silence, a restart by a stop.
readings = st.tuples(
    st.sampled_from(["001", "002", "003"]),
    st.floats(-400, 119, allow_nan=False),
    st.none() | st.floats(0, 500),
    st.none() | st.floats(0, 16),
)
events = st.lists(readings | st.sampled_from(["silence", "restart", "minute"]), max_size=80)


def fill(minutes: Minutes, sensor: str, minute: int, *seconds: int, flow: float = 1.0) -> None:
    for second in seconds:
        assert minutes.add(sensor, minute * 60 + second, flow, 4.0) == ""


@given(events)
def test_any_interleaving_gives_each_minute_once_and_with_the_mean_of_what_was_taken(
    happenings: list[tuple[str, float, float | None, float | None] | str],
) -> None:
    minutes, now_s = Minutes(LATENESS_S), START_S
    taken: dict[tuple[str, int], list[tuple[float | None, float | None]]] = defaultdict(list)
    closed: dict[tuple[str, int], MinuteMean] = {}

    def close(silent: bool) -> None:
        for mean in minutes.close(now_s, 1000.0 if silent else 1.0, quiet=silent):
            assert (mean.sensor, mean.minute) not in closed
            closed[mean.sensor, mean.minute] = mean

    for happening in happenings:
        if happening == "restart":
            state = json.loads(json.dumps(minutes.to_state()))
            known = {sensor: max(minute for name, minute in closed if name == sensor) for sensor, _ in closed}
            minutes = Minutes(LATENESS_S, minutes.closed_through, known)  # as the mark has it
            minutes.restore(state)
        elif isinstance(happening, str):
            now_s += 60
            close(silent=happening == "silence")
        else:
            sensor, ahead_s, flow, pressure = happening
            if minutes.add(sensor, now_s + ahead_s, flow, pressure) == "":
                taken[sensor, int((now_s + ahead_s) // 60)].append((flow, pressure))
            now_s += 1
            close(silent=False)
    now_s += 1000
    close(silent=True)
    assert closed.keys() == taken.keys()
    for key, mean in closed.items():
        assert mean.samples == len(taken[key])
        for value, column in ((mean.flow, 0), (mean.pressure, 1)):
            numbers = [number for pair in taken[key] if (number := pair[column]) is not None]
            assert value == (pytest.approx(sum(numbers) / len(numbers), abs=0.001) if numbers else None)


def test_a_later_reading_closes_after_the_lateness_and_not_before() -> None:
    minutes = Minutes(LATENESS_S)
    fill(minutes, "001", T, 0, 30, 59)
    fill(minutes, "001", T + 1, 4)
    assert minutes.close(START_S + 70) == []
    fill(minutes, "002", T + 1, 9)  # another sensor's clock is its own
    fill(minutes, "001", T, 58)  # within the lateness: still taken
    assert minutes.close(START_S + 70) == []
    fill(minutes, "001", T + 1, 5)
    assert minutes.close(START_S + 70) == [MinuteMean(T, "001", 1.0, 4.0, 4)]
    assert minutes.add("001", START_S + 59, 9.0, 9.0) == "late"
    assert minutes.add("002", START_S + 59, 9.0, 9.0) == ""


def test_silence_closes_by_the_sensors_own_clock() -> None:
    minutes = Minutes(LATENESS_S)
    fill(minutes, "001", T, 10)
    assert minutes.close(START_S + 900, 54.9, quiet=True) == []
    assert [mean.minute for mean in minutes.close(START_S + 900, 0.2, quiet=True)] == [T]


def test_a_standstill_closes_nothing_while_readings_wait_in_the_line() -> None:
    minutes = Minutes(LATENESS_S)
    fill(minutes, "001", T, 10)
    assert minutes.close(START_S + 300, 290.0) == []  # the first bytes after it came, and more wait
    fill(minutes, "001", T, *range(11, 60))
    fill(minutes, "001", T + 1, 10)
    assert [mean.samples for mean in minutes.close(START_S + 300, 0.1)] == [50]


def test_a_standstill_does_not_count_for_a_sensor_whose_readings_are_still_to_be_read() -> None:
    minutes = Minutes(LATENESS_S)
    fill(minutes, "001", T, 10)
    minutes.close(START_S + 300, 290.0)
    for _ in range(60):  # a long queue, read piece by piece, and none of it of this sensor yet
        assert minutes.close(START_S + 300, 0.02) == []


def test_a_dead_sensor_is_closed_though_others_talk() -> None:
    minutes = Minutes(LATENESS_S)
    fill(minutes, "dead", T, 0, 10)
    closed = []
    for second in range(1, 200):
        assert minutes.add("001", START_S + second, 1.0, None) == ""
        closed += [mean for mean in minutes.close(START_S + second, 1.0) if mean.sensor == "dead"]
    assert [(mean.minute, mean.samples) for mean in closed] == [(T, 2)]
    assert minutes.closed_through == T + 2


@given(
    st.tuples(st.integers(-7_200, 115), st.integers(-7_200, 115)),
    st.tuples(st.sampled_from([1, 2, 5, 10, 20, 30]), st.sampled_from([1, 2, 5, 10, 20, 30])),
    st.integers(0, 59),
)
def test_two_meters_with_clocks_of_their_own_lose_nothing(
    offsets: tuple[int, int], every: tuple[int, int], begin: int
) -> None:
    minutes, closed = Minutes(LATENESS_S), []
    sent = 0
    for step in range(600):  # half a second each
        now_s = START_S + begin + step / 2
        for sensor, offset_s, every_s in zip("ab", offsets, every, strict=True):
            if step % (2 * every_s) == 0:
                assert minutes.add(sensor, now_s + offset_s, 1.0, None) == ""
                sent += 1
        closed += minutes.close(now_s, 0.5, quiet=step % 2 == 1)
    closed += minutes.close(now_s + 1000, 1000, quiet=True)
    assert sum(mean.samples for mean in closed) == sent
    assert len({(mean.sensor, mean.minute) for mean in closed}) == len(closed)


@pytest.mark.parametrize(("slow_s", "through"), [(0, 2), (50, 1), (70, 2), (4_000, 2)])
def test_a_slow_meter_holds_the_others_back_for_a_minute_at_most(slow_s: int, through: int) -> None:
    minutes = Minutes(LATENESS_S)
    for second in range(190):
        minutes.add("slow", START_S + second - slow_s, 1.0, None)
        minutes.add("right", START_S + second, 1.0, None)
        minutes.close(START_S + second, 1.0)
    assert minutes.closed_through == T + through


def test_a_meter_with_a_fast_clock_does_not_cut_the_others_short() -> None:
    minutes = Minutes(LATENESS_S)
    closed = []
    for second in range(180):
        minutes.add("fast", START_S + second + 110, 1.0, None)
        assert minutes.add("right", START_S + second, 1.0, None) == ""
        closed += minutes.close(START_S + second, 1.0)
    assert [mean.samples for mean in closed if mean.sensor == "right"] == [60, 60]


def test_one_reading_with_a_wrong_time_does_not_end_the_minute_of_its_sensor() -> None:
    minutes = Minutes(LATENESS_S)
    fill(minutes, "001", T, 10, 110)
    assert minutes.close(START_S + 10, 1.0) == []
    fill(minutes, "001", T, 20, 59)
    assert [mean.samples for mean in minutes.close(START_S + 65, 6.0)][:1] == [3]


def test_an_empty_channel_is_no_value_and_never_zero() -> None:
    minutes = Minutes(LATENESS_S)
    minutes.add("001", START_S, None, 4.0)
    minutes.add("001", START_S + 1, None, 5.0)
    assert minutes.close(START_S + 100, 100.0, quiet=True) == [MinuteMean(T, "001", None, 4.5, 2)]


def test_a_restored_minute_that_was_closed_meanwhile_is_left_out() -> None:
    minutes = Minutes(LATENESS_S)
    fill(minutes, "001", T, 1, 2)
    fill(minutes, "001", T + 1, 1)
    after = Minutes(LATENESS_S, T, {"001": T})
    assert after.restore(minutes.to_state()) == 1
    assert [mean.minute for mean in after.close(START_S + 500, 500.0, quiet=True)] == [T + 1]


def test_a_minute_whose_row_still_waits_for_the_log_after_a_restart_is_closed() -> None:
    minutes = Minutes(LATENESS_S, T - 1, {"001": T - 1, "002": T - 1})
    minutes.have_rows({"001": T})
    assert minutes.closed_through == T
    assert minutes.add("001", START_S, 1.0, 2.0) == "late"
    assert minutes.add("002", START_S, 1.0, 2.0) == ""  # no row of it waits
    assert minutes.add("001", START_S + 60, 1.0, 2.0) == ""


@pytest.mark.parametrize("state", [{}, {"open": 1}, {"open": {"x": {}}, "newest_s": 0}, {"open": {"9": {"a": [1]}}}])
def test_damaged_state_is_refused_whole(state: dict[str, object]) -> None:
    minutes = Minutes(LATENESS_S)
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        minutes.restore(state)
    assert minutes.close(1e12, 1e12, quiet=True) == []


def test_invented_sensors_do_not_fill_the_memory() -> None:
    minutes = Minutes(LATENESS_S)
    answers = {minutes.add(f"s{number}", START_S, 1.0, 1.0) for number in range(10_000)}
    assert answers == {"", "sensors"}
    assert len(minutes.close(START_S + 100, 100.0, quiet=True)) == 4096


def test_sensors_that_are_not_in_a_lost_mark_are_closed_as_the_others() -> None:
    minutes = Minutes(LATENESS_S, T, {"001": T}, others=T - 1)
    assert minutes.add("002", START_S - 1, 1.0, None) == "late"
    assert minutes.add("002", START_S + 1, 1.0, None) == ""
    assert minutes.add("001", START_S + 1, 1.0, None) == "late"


def test_ids_that_are_invented_for_years_do_not_fill_the_memory_or_repeat_a_minute() -> None:
    minutes = Minutes(LATENESS_S)
    for number in range(3 * MOST_SENSORS):
        minutes.add(f"s{number}", START_S + number % 60, 1.0, None)
        if number % 1_000 == 999:
            minutes.close(START_S + 200, 200.0, quiet=True)
    assert minutes.add("s0", START_S, 1.0, None) == "late"


def test_a_confirmed_clock_reopens_what_a_wrong_one_closed() -> None:
    minutes = Minutes(LATENESS_S)
    fill(minutes, "001", T + 1_000_000, 1)
    minutes.close(START_S + 60_000_100, 100.0, quiet=True)
    assert minutes.add("001", START_S, 1.0, None) == "late"
    minutes.forget_future(T - 1)
    assert minutes.add("001", START_S, 1.0, None) == ""
    assert minutes.closed_through == T - 1


def test_the_rows_of_one_minute_come_together_unless_a_sensor_keeps_the_others_waiting() -> None:
    minutes = Minutes(LATENESS_S)
    fill(minutes, "001", T, 10)
    fill(minutes, "002", T, 10)
    fill(minutes, "001", T + 1, 5)
    assert minutes.close(START_S + 66, 1.0) == []
    fill(minutes, "002", T + 1, 6)
    assert [mean.sensor for mean in minutes.close(START_S + 67, 1.0)] == ["001", "002"]
    fill(minutes, "001", T + 2, 5)
    assert minutes.close(START_S + 126, 1.0) == []
    assert minutes.closed_through == T
    rows = [mean for second in range(8) for mean in minutes.close(START_S + 127 + second, 1.0)]
    assert [(mean.minute, mean.sensor) for mean in rows] == [(T + 1, "001")]


def test_a_sensor_that_waits_for_another_keeps_its_minutes_in_order() -> None:
    minutes = Minutes(LATENESS_S)
    fill(minutes, "002", T, 10)
    for minute in range(T, T + 4):
        fill(minutes, "001", minute, 10)
    rows = [mean for second in range(8) for mean in minutes.close(START_S + 300 + second, 1.0)]
    assert [mean.minute for mean in rows if mean.sensor == "001"] == [T, T + 1, T + 2]
