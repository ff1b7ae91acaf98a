"""Minutes: one row for one (sensor, minute), ever, and the row that a person would compute from what was taken."""

import json
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.minute import MinuteMean, Minutes

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
        for mean in minutes.close(now_s, silent):
            assert (mean.sensor, mean.minute) not in closed
            closed[mean.sensor, mean.minute] = mean

    for happening in happenings:
        if happening == "restart":
            state = json.loads(json.dumps(minutes.to_state()))
            minutes = Minutes(LATENESS_S, minutes.closed_through)
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
    assert minutes.close(START_S + 64, silent=False) == []
    fill(minutes, "002", T + 1, 5)  # any sensor's reading counts
    fill(minutes, "001", T, 58)  # within the lateness: still taken
    assert minutes.close(START_S + 65, silent=False) == [MinuteMean(T, "001", 1.0, 4.0, 4)]
    assert minutes.add("001", START_S + 59, 9.0, 9.0) == "late"
    assert minutes.add("002", START_S + 59, 9.0, 9.0) == "late"  # nothing of T comes any more, as the mark says


def test_silence_closes_by_the_clock() -> None:
    minutes = Minutes(LATENESS_S)
    fill(minutes, "001", T, 10)
    assert minutes.close(START_S + 64.9, silent=True) == []
    assert [mean.minute for mean in minutes.close(START_S + 65, silent=True)] == [T]


def test_a_meter_with_a_slow_clock_loses_nothing() -> None:
    minutes = Minutes(LATENESS_S)
    for second in range(180):
        minutes.add("001", START_S + second, 1.0, None)
        for mean in minutes.close(START_S + second + 90, silent=False):  # the clock is 90 s ahead of the meter's
            assert mean.samples == 60
    assert minutes.closed_through == T + 1


def test_a_meter_with_a_fast_clock_does_not_cut_the_others_short() -> None:
    minutes = Minutes(LATENESS_S)
    closed = []
    for second in range(180):
        minutes.add("fast", START_S + second + 110, 1.0, None)
        assert minutes.add("right", START_S + second, 1.0, None) == ""
        closed += minutes.close(START_S + second, silent=False)
    assert [mean.samples for mean in closed if mean.sensor == "right"] == [60, 60]


def test_an_empty_channel_is_no_value_and_never_zero() -> None:
    minutes = Minutes(LATENESS_S)
    minutes.add("001", START_S, None, 4.0)
    minutes.add("001", START_S + 1, None, 5.0)
    assert minutes.close(START_S + 100, silent=True) == [MinuteMean(T, "001", None, 4.5, 2)]


def test_a_restored_minute_that_was_closed_meanwhile_is_left_out() -> None:
    minutes = Minutes(LATENESS_S)
    fill(minutes, "001", T, 1, 2)
    fill(minutes, "001", T + 1, 1)
    after = Minutes(LATENESS_S, closed_through=T)
    assert after.restore(minutes.to_state()) == 1
    assert [mean.minute for mean in after.close(START_S + 500, silent=True)] == [T + 1]


@pytest.mark.parametrize("state", [{}, {"open": 1}, {"open": {"x": {}}, "newest_s": 0}, {"open": {"9": {"a": [1]}}}])
def test_damaged_state_is_refused_whole(state: dict[str, object]) -> None:
    minutes = Minutes(LATENESS_S)
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        minutes.restore(state)
    assert minutes.close(1e12, silent=True) == []


def test_invented_sensors_do_not_fill_the_memory() -> None:
    minutes = Minutes(LATENESS_S)
    answers = {minutes.add(f"s{number}", START_S, 1.0, 1.0) for number in range(10_000)}
    assert answers == {"", "sensors"}
    assert len(minutes.close(START_S + 100, silent=True)) == 4096
