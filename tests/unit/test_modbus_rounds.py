"""Rounds of questions: who is asked when, what is named, and what a block, a pause or a closed connection changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from modbus_bus import Line, own_addresses, refusal, reply

from common.meters import Modbus, Register
from common.settings import LineSettings, Settings
from outliers.watch.detector import Detector, default_criteria
from producer.ascii import Reading
from producer.bus import Bus, RegisterExchange
from producer.rounds import questions
from situation.rows import SITE, newest_row
from situation.snapshot import Snapshot

FLOW = Register(sensor="a", channel="flow", address=0)
PRESSURE = Register(sensor="a", channel="pressure", address=2)
FAR = Register(sensor="b", channel="flow", address=300)
TIMEOUT_S = 0.5


def line_of(*registers: Register, poll_s: float = 5.0, **keys: float) -> Line:
    settings = Modbus(poll_s, TIMEOUT_S, registers, **keys)  # type: ignore[arg-type]
    return Line(Bus(settings, lambda _told: None))


def without(*addresses: int) -> Line:
    """A meter that ignores each question for one of these."""
    line = line_of(FLOW, PRESSURE, FAR)
    line.answer = lambda sent: b"" if int.from_bytes(sent[2:4], "big") in addresses else own_addresses(sent)
    return line


@pytest.mark.parametrize(("silent", "name"), [(0, "a flow"), (2, "a pressure"), (300, "b flow")])
def test_a_silent_register_is_named_and_costs_the_others_nothing(silent: int, name: str) -> None:
    line = without(silent)
    line.run(30.0)
    problem = line.bus.problem
    assert problem.startswith(f"sensor {name}, unit 1, holding register {silent}: does not answer, while unit 1 does")
    assert ";" not in problem
    before = len(line.asked)
    readings = line.run(100.0)
    for sensor, channel in (("a", "flow"), ("a", "pressure"), ("b", "flow")):
        values = [getattr(reading, channel) for reading in readings if reading.sensor == sensor]
        count = sum(value is not None for value in values)
        assert count == (0 if f"{sensor} {channel}" == name else 20)
    asked = [sent for _, sent in line.asked[before:] if int.from_bytes(sent[2:4], "big") == silent]
    assert 0 < len(asked) * TIMEOUT_S <= 100 * 0.11


def test_a_silent_register_takes_a_tenth_of_the_time_where_polls_are_fast() -> None:
    line = line_of(FLOW, PRESSURE, poll_s=1.0)
    line.answer = lambda sent: b"" if sent[3] == 2 else own_addresses(sent)
    line.run(30.0)
    before = len(line.asked)
    readings = line.run(100.0)
    assert sum(sent[3] == 2 for _, sent in line.asked[before:]) * TIMEOUT_S <= 100 * 0.11
    assert len(readings) == 100


def test_a_silent_register_that_answers_again_is_no_problem_any_more() -> None:
    line = without(2)
    line.run(30.0)
    line.answer = own_addresses
    readings = line.run(30.0)
    assert line.bus.problem == ""
    assert readings[-2:] == [Reading("a", None, 0.0, 2.0), Reading("b", None, 300.0, None)]


def test_registers_near_each_other_are_read_together_once_each_has_answered() -> None:
    line = line_of(FLOW, PRESSURE, FAR)
    readings = line.run(7.0)
    assert [(sent[3], sent[5]) for _, sent in line.asked] == [(0, 1), (2, 1), (44, 1), (0, 3), (44, 1)]
    assert readings == [Reading("a", None, 0.0, 2.0), Reading("b", None, 300.0, None)] * 2


def test_a_unit_that_refuses_a_block_is_asked_one_by_one() -> None:
    told: list[RegisterExchange] = []
    bus = Bus(Modbus(5.0, TIMEOUT_S, (FLOW, PRESSURE)), told.append)
    line = Line(bus, lambda sent: own_addresses(sent) if sent[5] == 1 else refusal(sent[0], 2))
    assert len(line.run(60.0)) == 12  # each round has both values
    assert all(reading == Reading("a", None, 0.0, 2.0) for reading in line.run(60.0))
    assert sum(each.reason == "exception" for each in told) == 2 * 3  # then it is not tried any more
    assert bus.problem == ""


def test_a_unit_that_ignores_a_block_is_asked_one_by_one() -> None:
    line = line_of(FLOW, PRESSURE)
    line.answer = lambda sent: own_addresses(sent) if sent[5] == 1 else b""
    line.run(60.0)
    before = len(line.asked)
    assert line.run(50.0) == [Reading("a", None, 0.0, 2.0)] * 10
    assert len(line.asked) - before == 20
    assert line.bus.problem == ""


@pytest.mark.parametrize(
    ("most", "addresses", "blocks"),
    [
        (1, (0, 1, 2), [(0, 1), (1, 1), (2, 1)]),
        (32, (0, 1, 2), [(0, 3)]),
        (2, (0, 1, 2), [(0, 2), (2, 1)]),
        (125, (0, 9, 19), [(0, 10), (19, 1)]),  # too much that nobody wants between the last two
        (32, (65_534, 65_535), [(65_534, 2)]),
        (32, (9, 0), [(0, 10)]),
    ],
)
def test_which_registers_one_question_reads(most: int, addresses: list[int], blocks: list[tuple[int, int]]) -> None:
    registers = [Register(sensor=f"s{address}", channel="flow", address=address) for address in addresses]
    found = questions(registers, set(registers), most)
    assert [(question.address, question.count) for question in found] == blocks


def test_units_and_functions_are_not_read_together() -> None:
    registers = [
        FLOW,
        Register(sensor="b", channel="flow", unit=2),
        Register(sensor="c", channel="flow", function="input"),
    ]
    assert len(questions(registers, set(registers), 125)) == 3


def test_a_pause_lies_between_an_answer_and_the_next_question() -> None:
    line = line_of(FLOW, PRESSURE, pause_seconds=0.3, block_registers=1)
    line.run(20.0)
    times = [at_s for at_s, _ in line.asked][2:]  # before that it is seen that the unit answers once
    assert len(times) == 6
    for first_s, second_s in zip(times[::2], times[1::2], strict=True):
        assert second_s - first_s == pytest.approx(0.3 + line.after_s, abs=0.05)


def test_a_meter_that_needs_a_pause_is_named_and_its_values_are_read() -> None:
    """It ignores what comes within a while after its last answer."""
    line = line_of(FLOW, FAR)
    said_s = [-1.0]

    def slow(sent: bytes) -> bytes:
        if line.now_s - said_s[0] < 0.4:
            return b""
        said_s[0] = line.now_s
        return own_addresses(sent)

    line.answer = slow
    readings = line.run(60.0)
    assert len(readings) == 2 * 12
    assert "answers only when it is asked twice: make line.modbus.pause_seconds longer" in line.bus.problem


def test_an_hourly_poll_gives_a_reading_an_hour() -> None:
    total = Register(sensor="t", channel="total", address=8, type="uint32", most_m3h=1e6)
    line = line_of(FLOW, total, poll_s=3600.0)
    readings = []
    for _ in range(5):
        readings += line.run(20.0)
        line.now_s = (line.now_s // 3600 + 1) * 3600
    assert [reading.sensor for reading in readings] == ["a", "a", "t", "a", "t", "a", "t", "a", "t"]
    assert [reading.flow for reading in readings if reading.sensor == "t"] == [0.0] * 4
    assert line.bus.problem == ""


def test_a_round_goes_on_over_closed_connections_and_keeps_its_time() -> None:
    """A server that closes after each answer."""
    line = line_of(FLOW, PRESSURE, FAR)
    readings: list[Reading] = []
    for _ in range(100 * 50):
        readings += line.run(0.02)
        if not line.coming:
            line.bus.restart()
    assert len(readings) == 2 * 20
    assert all(reading in (Reading("a", None, 0.0, 2.0), Reading("b", None, 300.0, None)) for reading in readings)
    assert len(line.asked) == 3 + 19 * 2


def test_a_request_that_could_not_be_sent_is_sent_again() -> None:
    told: list[RegisterExchange] = []
    bus = Bus(Modbus(5.0, TIMEOUT_S, (FLOW,)), told.append)
    first = bus.ask(0.0)
    bus.restart(sent=False)
    assert bus.ask(0.1) == first
    assert told == []


def test_a_server_that_closes_at_a_question_is_not_asked_for_ever() -> None:
    line = line_of(FLOW, FAR)
    line.run(20.0)
    line.answer = lambda sent: b"" if sent[3] == 44 else own_addresses(sent)
    before = len(line.asked)
    for _ in range(50 * 50):
        line.run(0.02)
        if line.asked[-1][1][3] == 44:
            line.bus.restart()
    asked = [sent for _, sent in line.asked[before:] if sent[3] == 44]
    assert len(asked) <= 2 * 11
    assert "sensor b flow, unit 1, holding register 300: does not answer" in line.bus.problem


def test_a_unit_that_a_gateway_cannot_reach_is_left_alone_like_a_silent_one() -> None:
    other = Register(sensor="g", channel="flow", unit=9)
    line = line_of(FLOW, other, Register(sensor="g", channel="pressure", unit=9, address=1))
    line.answer = lambda sent: refusal(9, 11) if sent[0] == 9 else own_addresses(sent)
    line.run(30.0)
    assert line.bus.problem == "unit 9 does not answer behind the gateway (sensor g)"
    before = len(line.asked)
    line.run(50.0)
    assert sum(sent[0] == 9 for _, sent in line.asked[before:]) <= 11


def polled(poll_s: float) -> LineSettings:
    return LineSettings(protocol="modbus", modbus=Modbus(poll_seconds=poll_s))


@pytest.mark.parametrize(("poll_s", "minutes"), [(5.0, 0), (60.0, 0), (300.0, 12), (3600.0, 150)])
def test_the_minutes_without_a_row_that_a_slow_poll_explains(poll_s: float, minutes: int) -> None:
    assert polled(poll_s).quiet_minutes == minutes


def test_an_hourly_reading_is_not_missing_in_between() -> None:
    detector = Detector("a", default_criteria("a"), ZoneInfo("UTC"))
    detector.quiet_minutes = polled(3600.0).quiet_minutes
    flags = [detector.step(hour * 60, 8.0 + hour, 4.0 + hour / 10) for hour in range(24)]
    assert [each.findings for each in flags] == [()] * 24
    assert detector.step(23 * 60 + 152, 8.0, 4.0).findings  # two polls were lost


def test_a_page_waits_for_a_row_as_long_as_the_poll_is_slow(settings_for: Callable[..., Settings]) -> None:
    now = datetime(2024, 8, 26, 12, tzinfo=UTC)
    newest, usual = now - timedelta(minutes=70), settings_for()
    slow = replace(usual, line=polled(3600.0))
    assert newest_row(SITE, newest, Snapshot(now), usual).code == "silent-rows"
    assert newest_row(SITE, newest, Snapshot(now), slow).code == "fresh"


def test_a_round_that_was_cut_long_ago_is_not_continued() -> None:
    """Its values would be from two times."""
    line = line_of(FLOW, PRESSURE, block_registers=1)
    line.run(0.6)
    assert [sent[3] for _, sent in line.asked] == [0, 2]
    line.coming.clear()
    line.now_s = 60.0
    line.bus.restart()
    line.answer = lambda sent: reply(1, 7)
    assert line.run(1.0) == [Reading("a", None, 7.0, 7.0)]


def test_a_line_that_closes_all_the_time_does_not_ask_silent_registers_at_each_opening() -> None:
    line = line_of(FLOW, PRESSURE, poll_s=1.0)
    line.answer = lambda sent: b"" if sent[3] == 2 else own_addresses(sent)
    line.run(10.0)
    before = len(line.asked)
    for _ in range(100):
        line.run(0.98)
        line.bus.restart()
    assert sum(sent[3] == 2 for _, sent in line.asked[before:]) <= 25
