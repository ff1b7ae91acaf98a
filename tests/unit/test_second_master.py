"""A second master on the line: whatever it asks and whenever, no value of it becomes ours, and it is named."""

from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from modbus_bus import Line, framed, own_addresses, query, refusal, reply

from common.meters import Modbus, Register
from producer.bus import Bus, RegisterExchange
from producer.overheard import frames

TIMEOUT_S = 0.5
REGISTERS = tuple(
    Register(sensor=sensor, channel=channel, address=address, type="uint32")
    for sensor, channel, address in (("a", "flow", 0), ("a", "pressure", 2), ("b", "flow", 12))
)
WRITES = (
    framed(bytes.fromhex("01 05 00 03 ff 00")),
    framed(bytes.fromhex("01 06 00 03 00 07")),
    framed(bytes.fromhex("01 0f 00 03 00 09 02 01 01")),
    framed(bytes.fromhex("01 10 00 03 00 01 02 00 07")),
    framed(bytes.fromhex("01 16 00 04 00 f2 00 25")),
    framed(bytes.fromhex("01 17 00 03 00 01 00 0e 00 01 02 00 ff")),
)


def wanted(address: int) -> float:
    """The value of a 32-bit register on a line where each register holds its own address."""
    return float((address << 16) + address + 1)


# When the other master asks, how long it waits for its answer, what for, and where its bytes are cut.
exchanges = st.lists(
    st.tuples(
        st.floats(0, 6),
        st.floats(0.01, TIMEOUT_S - 0.04),
        st.sampled_from([0, 1, 2, 3, 10, 12, 13]),
        st.sampled_from([1, 2, 4]),
        st.integers(0, 8),
    ),
    max_size=8,
)


def traffic(others: list[tuple[float, float, int, int, int]]) -> Mapping[float, bytes]:
    """The bytes of the other master and of its answers, by time. An exchange ends before the next one begins."""
    found: dict[float, bytes] = {}
    free_s = 0.0
    for at_s, wait_s, address, count, cut in sorted(others):
        begin_s = max(at_s, free_s)
        asked = query(1, address, count)
        found[begin_s] = asked[:cut]
        found[begin_s + 0.02] = asked[cut:]
        said = own_addresses(asked)
        found[begin_s + 0.02 + wait_s] = said[:cut]
        found[begin_s + 0.04 + wait_s] = said[cut:]
        free_s = begin_s + 0.06 + wait_s
    return found


@given(exchanges, st.booleans())
@example(
    others=[(0.0, 0.25, 0, 1, 0), (0.0, 0.125, 0, 2, 1)], echo=False
)  # our own question, begun before it was asked
def test_no_foreign_question_or_answer_anywhere_makes_a_wrong_value(
    others: list[tuple[float, float, int, int, int]], echo: bool
) -> None:
    line = Line(Bus(Modbus(1.0, TIMEOUT_S, REGISTERS), lambda _told: None))
    if echo:
        line.answer = lambda sent: sent + own_addresses(sent)
    also = traffic(others)
    times = sorted(also)
    line.taken = list(zip(times[::2], times[1::2], strict=True))
    for reading in line.run(8.0, also):
        first = 0 if reading.sensor == "a" else 12
        assert reading.flow in (None, wanted(first))
        assert reading.pressure in (None, wanted(2))
    assert line.run(12.0)  # and it goes on


@pytest.mark.parametrize("write", WRITES, ids=lambda write: f"function-{write[1]}")
def test_any_request_that_is_not_ours_spoils_the_answer(write: bytes) -> None:
    told: list[RegisterExchange] = []
    line = Line(Bus(Modbus(5.0, TIMEOUT_S, REGISTERS[:1]), told.append))
    line.answer = lambda sent: write + own_addresses(sent)
    assert line.run(5.0) == []
    assert {each.reason for each in told} == {"second-master"}


def test_the_second_master_is_named_and_forgotten_when_it_has_gone() -> None:
    bus = Bus(Modbus(1.0, TIMEOUT_S, REGISTERS[:1]), lambda _told: None)
    line = Line(bus)
    asked = query(1, 10, 2)
    line.run(10.0, {at_s + 0.3: asked for at_s in range(10)} | {at_s + 0.34: reply(1, 0, 99) for at_s in range(10)})
    assert "a second master is on this line and asks unit 1, holding register 10 to 11" in bus.problem
    line.run(700.0)
    assert bus.problem == ""


def test_a_question_in_noise_is_not_yet_a_master() -> None:
    bus = Bus(Modbus(1.0, TIMEOUT_S, REGISTERS[:1]), lambda _told: None)
    Line(bus).run(5.0, {0.3: query(9, 1, 1)})
    assert bus.problem == ""


def test_our_own_question_from_another_master_is_no_echo() -> None:
    """Its answer comes beside ours, and would be taken for that of the next question."""
    bus = Bus(Modbus(1.0, TIMEOUT_S, REGISTERS, block_registers=1), lambda _told: None)
    line = Line(bus)
    line.run(5.0)  # the line has no echo, as is known now
    line.answer = lambda sent: own_addresses(sent) + (sent + own_addresses(sent) if sent[3] == 0 else b"")
    for reading in line.run(20.0):
        assert reading.pressure in (None, wanted(2))
    assert "a second master is on this line and asks unit 1, holding register 0 to 1" in bus.problem


TWICE = "two answers come to one request to unit 1: have two units the same address"


@pytest.mark.parametrize("echo", [False, True])
@pytest.mark.parametrize("refuses", [False, True])
def test_a_unit_that_answers_twice_is_no_second_master(refuses: bool, echo: bool) -> None:
    """Its values are dropped as before: which of the two is right cannot be known."""
    told: list[RegisterExchange] = []
    bus = Bus(Modbus(2.0, TIMEOUT_S, REGISTERS[:1]), told.append)
    line = Line(bus)

    def twice(sent: bytes) -> bytes:
        first = refusal(1, 6) if refuses else reply(1, 7, 7)
        return (sent if echo else b"") + first + own_addresses(sent)

    line.answer = twice
    assert line.run(10.0) == []
    problem = "a refusal and an answer came to one request" if refuses else "two answers came to one request"
    assert {(each.reason, each.problem) for each in told} == {("twice", problem)}
    assert bus.problem.startswith(TWICE)
    assert "master" not in bus.problem
    line.answer = own_addresses
    assert line.run(10.0)
    line.run(700.0)
    assert bus.problem == ""


def lagging(line: Line, lag_s: float) -> None:
    """Each unit of the line says its answer once more, so much later."""

    def twice(sent: bytes) -> bytes:
        line.coming[line.now_s + line.after_s + lag_s] = own_addresses(sent)
        return own_addresses(sent)

    line.answer = twice


@pytest.mark.parametrize("lag_s", [0.01, 0.02, 0.04, 0.08, 0.1, 0.2, 0.3, 0.4])
def test_a_second_answer_that_comes_later_is_never_that_to_the_next_question(lag_s: float) -> None:
    bus = Bus(Modbus(1.0, TIMEOUT_S, REGISTERS, block_registers=1), lambda _told: None)
    line = Line(bus)
    lagging(line, lag_s)
    readings = line.run(20.0)
    assert len(readings) > 10
    for reading in readings:
        assert reading.flow == wanted(0 if reading.sensor == "a" else 12)
        assert reading.pressure in (None, wanted(2))
    assert bus.problem.startswith(TWICE)


def test_a_second_answer_in_another_unit_s_time_is_no_second_master() -> None:
    told: list[RegisterExchange] = []
    units = [Register(sensor=f"s{unit}", channel="flow", unit=unit) for unit in (1, 2)]
    bus = Bus(Modbus(2.0, TIMEOUT_S, tuple(units)), told.append)
    line = Line(bus)
    lagging(line, 0.06)
    readings = line.run(10.0)
    assert {reading.sensor for reading in readings} == {"s1", "s2"}
    assert {each.reason for each in told} == {"", "twice"}
    assert {each.reason for each in told[-4:]} == {""}  # it is known, and waited for
    assert bus.problem.startswith("two answers come to one request to unit 1, unit 2: ")
    assert "master" not in bus.problem


def test_a_unit_that_answers_once_is_waited_for_only_once() -> None:
    line = Line(Bus(Modbus(2.0, TIMEOUT_S, REGISTERS, block_registers=1), lambda _told: None))
    line.run(9.0)
    gaps = [second_s - first_s for (first_s, _), (second_s, _) in pairwise(line.asked)]
    assert gaps[0] == pytest.approx(TIMEOUT_S + line.after_s, abs=0.03)
    assert [gap_s < 0.1 for gap_s in gaps[1:6]] == [True, False, True, True, False]


def test_two_answers_once_are_not_yet_said_of_a_unit() -> None:
    bus = Bus(Modbus(2.0, TIMEOUT_S, REGISTERS[:1]), lambda _told: None)
    line = Line(bus)
    said = iter([reply(1, 7, 7)])
    line.answer = lambda sent: next(said, b"") + own_addresses(sent)
    assert line.run(10.0)
    assert bus.problem == ""


def test_a_late_answer_with_the_next_one_is_called_late() -> None:
    told: list[RegisterExchange] = []
    bus = Bus(Modbus(5.0, TIMEOUT_S, REGISTERS[:1]), told.append)
    line = Line(bus)
    line.run(4.0)
    told.clear()
    said = iter([b"", reply(1, 0, 1) * 2])  # the unit sleeps for once, then answers both
    line.answer = lambda sent: next(said, own_addresses(sent))
    line.run(5.0)
    assert [each.reason for each in told] == ["timeout", "late"]
    assert "twice" not in bus.problem


@given(st.binary(max_size=40), st.lists(st.sampled_from([query(3, 7, 2), reply(3, 1, 2), *WRITES]), max_size=4))
def test_frames_are_found_behind_anything(before: bytes, sent: list[bytes]) -> None:
    found = [frame.bytes for frame in frames(before + b"".join(sent))]
    assert found[len(found) - len(sent) :] == sent
