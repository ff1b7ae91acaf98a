"""The closing rules once more, as slowly and plainly as the design states them, against the module that does the work.

Everything is worked out anew from the whole history at each look: which readings were taken, which minutes are over,
which rows that makes.
"""

import json
from fractions import Fraction
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from producer.minute import GATHER_S, MOST_OBSERVED_S, UNHEARD_S, Minutes
from producer.minute_mean import MinuteMean

LATENESS_S = 5.0
START_S = 28_000_000 * 60.0


class Said(NamedTuple):
    """A reading came."""

    sensor: str
    time_s: float
    flow: float | None
    pressure: float | None


class Looked(NamedTuple):
    """The clock was looked at, `elapsed_s` after the look before; `quiet`: the line has been silent."""

    now_s: float
    elapsed_s: float
    quiet: bool


class Restarted(NamedTuple):
    """A stop and a start: nothing changes."""


Row = tuple[int, str, Fraction | None, Fraction | None, int]


class Answer(NamedTuple):
    """What the text demands of one history."""

    late: list[bool]  # for each reading
    rows: list[Row]


def by_the_text(history: list[Said | Looked | Restarted]) -> Answer:
    late: list[bool] = []
    rows: list[Row] = []
    taken: list[Said] = []
    closed: dict[str, int] = {}
    observed_s = 0.0
    first_s: dict[int, float] = {}  # of each minute: when its first sensor was over
    passed_s: dict[str, float] = {}  # since the sensor's newest reading came, as far as somebody listened
    for event in history:
        if isinstance(event, Said):
            late.append(minute_of(event) <= closed.get(event.sensor, 0))
            if not late[-1]:
                taken.append(event)
                passed_s[event.sensor] = 0.0
        elif isinstance(event, Looked):
            over: list[tuple[int, str]] = []
            more_s = event.elapsed_s if event.quiet else min(event.elapsed_s, MOST_OBSERVED_S)
            passed_s = {sensor: since_s + more_s for sensor, since_s in passed_s.items()}
            for sensor, since_s in passed_s.items():
                mine = [said for said in taken if said.sensor == sensor and minute_of(said) > closed.get(sensor, 0)]
                # A reading ahead of the clock counts as of now.
                own_s = min(max((said.time_s for said in mine), default=0.0), event.now_s)
                own_s += since_s if event.quiet or since_s >= UNHEARD_S else 0.0
                own_s = min(own_s, event.now_s)
                minutes = {minute_of(said) for said in mine if own_s >= end_s(minute_of(said)) + LATENESS_S}
                over += [(minute, sensor) for minute in minutes]
            observed_s += more_s
            for minute in sorted({minute for minute, _ in over}):
                ready = {sensor for at, sensor in over if at == minute}
                first_s.setdefault(minute, observed_s)
                there = {x.sensor for x in taken if minute_of(x) == minute > closed.get(x.sensor, 0)}
                if ready != there and observed_s - first_s[minute] < GATHER_S:
                    break
                for sensor in sorted(ready):
                    rows.append(row(minute, sensor, taken))
                    closed[sensor] = minute
                if ready == there:
                    del first_s[minute]
        else:
            passed_s = dict.fromkeys(passed_s, 0.0)
            first_s.clear()
    return Answer(late, rows)


def minute_of(said: Said) -> int:
    return int(said.time_s // 60)


def end_s(minute: int) -> float:
    return (minute + 1) * 60.0


def row(minute: int, sensor: str, taken: list[Said]) -> Row:
    mine = [said for said in taken if said.sensor == sensor and minute_of(said) == minute]
    return minute, sensor, mean([said.flow for said in mine]), mean([said.pressure for said in mine]), len(mine)


def mean(values: list[float | None]) -> Fraction | None:
    numbers = [Fraction(value) for value in values if value is not None]
    return sum(numbers, Fraction()) / len(numbers) if numbers else None


# Times in halves of a second around the ends of minutes, where the rules change their mind.
near_an_end = st.builds(
    lambda minute, half: minute * 60.0 + half / 2, st.integers(-3, 4), st.sampled_from([*range(-4, 14), 60, 100])
)
values = st.none() | st.integers(-99_999, 99_999).map(lambda thousandths: thousandths / 1000)
said = st.builds(
    lambda sensor, at_s, flow, pressure: Said(sensor, START_S + at_s, flow, pressure),
    st.sampled_from(["a", "b"]),
    near_an_end,
    values,
    values,
)
looked = st.builds(
    lambda at_s, elapsed_s, quiet: Looked(START_S + at_s, elapsed_s, quiet),
    near_an_end,
    st.sampled_from([0.0, 0.5, 1.0, 5.0, 30.0, 65.0]),
    st.booleans(),
)
histories = st.lists(said | said | looked | looked | st.just(Restarted()), max_size=40)


@given(histories)
def test_rows_and_refusals_are_those_of_the_text(history: list[Said | Looked | Restarted]) -> None:
    """The clock may even jump about between two looks: the rules hold for whatever it says."""
    minutes = Minutes(LATENESS_S)
    late: list[bool] = []
    rows: list[MinuteMean] = []
    for event in history:
        if isinstance(event, Said):
            late.append(minutes.add(*event) == "late")
        elif isinstance(event, Looked):
            rows += minutes.close(event.now_s, event.elapsed_s, quiet=event.quiet)
        else:
            state = json.loads(json.dumps(minutes.to_state()))
            closed = {row.sensor: max(r.minute for r in rows if r.sensor == row.sensor) for row in rows}
            minutes = Minutes(LATENESS_S, minutes.closed_through, closed)
            minutes.restore(state)
    wanted = by_the_text(history)
    assert late == wanted.late
    assert [(row.minute, row.sensor, row.samples) for row in rows] == [(row[0], row[1], row[4]) for row in wanted.rows]
    for row, (_, _, flow, pressure, _) in zip(rows, wanted.rows, strict=True):
        for value, exact in ((row.flow, flow), (row.pressure, pressure)):
            assert (value is None) == (exact is None)
            assert value is None or exact is None or abs(Fraction(value) - exact) <= Fraction(501, 1_000_000)
