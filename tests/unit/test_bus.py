"""The bus as a state machine: whom it asks and when, what it believes, and what that makes."""

from collections import deque
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modbus_bus import refusal, reply
from pymodbus.framer.rtu import FramerRTU

from common.errors import SettingsError
from common.meters import Modbus, Register
from common.settings import LineSettings
from producer.ascii import Reading
from producer.bus import Bus, RegisterExchange
from producer.protocols import check_meters
from producer.registers import answer, request, unlike_tcp, value

FLOW = Register(sensor="a", channel="flow", unit=1)
PRESSURE = Register(sensor="a", channel="pressure", unit=1, address=1, scale=0.01)
OTHER = Register(sensor="b", channel="flow", unit=2)
TIMEOUT_S = 0.5


class Site:
    """A bus whose living units answer a hundredth of a second after they were asked."""

    def __init__(self, *registers: Register, poll_s: float = 1.0) -> None:
        self.told: list[RegisterExchange] = []
        self.bus = Bus(Modbus(poll_s, TIMEOUT_S, registers), self.told.append)
        self.alive = {register.unit for register in registers}
        self.now_s = 0.0
        self.asked: list[tuple[float, int]] = []

    def run(self, seconds: float) -> list[Reading]:
        end_s = self.now_s + seconds
        readings = []
        while self.now_s < end_s:
            if sent := self.bus.ask(self.now_s):
                self.asked.append((self.now_s, sent[0]))
                if sent[0] in self.alive:
                    self.bus.take(reply(sent[0], *[411] * sent[5]), self.now_s + 0.01)
            readings += self.bus.readings
            self.bus.readings.clear()
            self.now_s += 0.02
        return readings


def test_a_sensors_registers_make_one_reading_a_round() -> None:
    site = Site(FLOW, OTHER, PRESSURE)
    readings = site.run(2.0)
    assert readings == [Reading("a", None, 411.0, 4.11), Reading("b", None, 411.0, None)] * 2


def test_a_dead_unit_takes_no_more_than_its_share_of_the_bus() -> None:
    dead = [Register(sensor=f"dead{unit}", channel="flow", unit=unit) for unit in range(10, 15)]
    site = Site(*dead, FLOW, poll_s=0.5)
    site.alive = {1}
    site.run(30)  # they are found out
    before = len(site.asked)
    readings = site.run(600)
    asked = site.asked[before:]
    assert sum(unit != 1 for _, unit in asked) * TIMEOUT_S <= 600 * 0.11
    assert len(readings) >= 600 / 0.5 * 0.75
    assert "unit 14 does not answer" in site.bus.problem
    site.alive |= {14}
    site.run(60)
    assert "unit 14" not in site.bus.problem


def test_after_the_whole_bus_was_dead_all_units_are_asked_at_once() -> None:
    site = Site(FLOW, OTHER)
    site.run(5)
    site.alive = set()
    site.run(300)
    assert len(site.bus.problem.split(";")) == 2
    site.alive = {1, 2}
    assert {reading.sensor for reading in site.run(3)} == {"a", "b"}
    assert site.bus.problem == ""


def test_units_that_were_long_dead_are_asked_at_once_when_the_bus_or_the_line_is_back() -> None:
    dead = [Register(sensor=f"s{unit}", channel="flow", unit=unit) for unit in range(10, 20)]
    for restarted in (False, True):
        site = Site(*dead, FLOW)
        site.alive = {1}
        site.run(100)  # each is asked once in fifty seconds now
        if restarted:
            site.bus.restart()
        else:
            site.alive = set()
            site.run(5)
        site.alive = {1, *range(10, 20)}
        assert len({reading.sensor for reading in site.run(4)}) == 11


def test_a_lost_answer_costs_one_time_out_and_not_one_a_register() -> None:
    site = Site(FLOW, PRESSURE, OTHER, poll_s=10)
    site.alive = {2}
    site.run(9)
    assert [unit for _, unit in site.asked] == [1, 2]


def test_the_head_of_an_answer_may_stand_in_the_noise_before_it() -> None:
    assert answer(FLOW, reply(1, 5)[:3] + reply(1, 7)) == ([7], "")
    assert answer(FLOW, reply(1, 5)[:-1] + b"\xff" + reply(1, 7)) == ([7], "")


def test_a_failing_channel_is_no_value_and_never_a_zero() -> None:
    bus = Bus(Modbus(1.0, TIMEOUT_S, (FLOW, PRESSURE)), lambda _told: None)
    bus.ask(0.0)
    bus.take(reply(1, 8), 0.1)
    bus.ask(0.7)
    bus.take(refusal(1, 2), 0.8)
    bus.ask(0.9)
    assert bus.readings == [Reading("a", None, 8.0, None)]
    assert bus.problem == "sensor a pressure, unit 1, holding register 1: it has no such address"


@given(st.binary(max_size=60), st.binary(max_size=60), st.integers(0, 65_535), st.data())
def test_an_answer_is_found_among_anything_and_however_it_is_cut(
    before: bytes, behind: bytes, number: int, data: st.DataObject
) -> None:
    bus = Bus(Modbus(1.0, TIMEOUT_S, (FLOW,)), lambda _told: None)
    stream = before + bus.ask(0.0) + reply(1, number) + behind  # the request as adapters echo it
    cut = data.draw(st.integers(0, len(stream)))
    for chunk in (stream[:cut], stream[cut:]):
        bus.take(chunk, 0.1)
    assert [reading.flow for reading in bus.readings] == [float(number)]


@given(st.binary(max_size=2_000))
def test_noise_is_no_answer(noise: bytes) -> None:
    bus = Bus(Modbus(1.0, TIMEOUT_S, (FLOW,)), lambda _told: None)
    bus.take(noise, 0.0)
    bus.ask(0.0)
    bus.take(noise, 0.1)
    assert all(reading.flow is not None for reading in bus.readings)
    if reply(1, 0)[:3] not in noise:
        assert bus.readings == []


@given(st.integers(0, 65_535), st.integers(1, 255), st.integers(0, 6))
def test_one_damaged_byte_is_never_a_value(number: int, damage: int, place: int) -> None:
    damaged = bytearray(reply(1, number))
    damaged[place] ^= damage
    assert answer(FLOW, bytes(damaged)) is None


def test_an_answer_to_an_older_question_is_not_taken_for_the_next() -> None:
    bus = Bus(Modbus(1.0, TIMEOUT_S, (FLOW, OTHER)), lambda _told: None)
    bus.ask(0.0)
    assert bus.ask(0.6)[0] == 2  # unit 1 had its time
    bus.take(reply(1, 99), 0.7)
    bus.take(reply(2, 5), 0.8)
    bus.ask(0.9)
    assert bus.readings == [Reading("b", None, 5.0, None)]


@pytest.mark.parametrize("framing", ["rtu", "tcp"])
@pytest.mark.parametrize("latency_s", [0.1, 0.45, 0.55, 0.7, 0.9, 0.98])
def test_a_late_answer_is_never_another_registers_value(latency_s: float, framing: str) -> None:
    """Each register says its own number; every third question is answered late, and none is lost."""
    registers = tuple(
        Register(sensor=sensor, channel=channel, address=address)
        for address, (sensor, channel) in enumerate((s, c) for s in "abc" for c in ("flow", "pressure"))
    )
    bus = Bus(Modbus(0.2, TIMEOUT_S, registers, framing), lambda _told: None)
    under_way: deque[tuple[float, bytes]] = deque()
    readings = questions = 0
    for step in range(10_000):
        now_s = step * 0.02
        if sent := bus.ask(now_s):
            questions += 1
            after_s = latency_s if questions % 3 == 0 else 0.1
            busy_s = max([now_s, *(at_s for at_s, _ in under_way)])  # a unit answers one after the other
            under_way.append((max(now_s + after_s, busy_s), answered(sent)))
        while under_way and under_way[0][0] <= now_s:
            bus.take(under_way.popleft()[1], now_s)
        for reading in bus.readings:
            readings += 1
            first = 2.0 * "abc".index(reading.sensor)
            assert reading.flow in (None, first)
            assert reading.pressure in (None, first + 1)
        bus.readings.clear()
    assert readings > 100


def answered(sent: bytes) -> bytes:
    """What a unit says whose registers hold their own addresses."""
    head, asked = (b"", sent) if len(sent) == 8 else (sent[:4], sent[6:])
    first, count = int.from_bytes(asked[2:4], "big"), asked[5]
    said = reply(asked[0], *range(first, first + count))
    return head + len(said[:-2]).to_bytes(2, "big") + said[:-2] if head else said


def test_a_message_of_modbus_tcp_is_the_one_of_the_specification() -> None:
    register = Register(sensor="a", channel="flow", unit=255, function="input", address=8)
    assert request(register, 0x1501) == bytes.fromhex("15 01 00 00 00 06 ff 04 00 08 00 01")
    came = bytes.fromhex("15 01 00 00 00 05 ff 04 02 00 05")
    assert answer(register, came, 0x1501) == ([5], "")
    assert answer(register, b"\0" * 4 + came, 0x1501) == ([5], "")
    assert answer(register, came, 0x1502) is None  # an older question's
    assert answer(register, came[:-1], 0x1501) is None
    assert unlike_tcp(register, came, 0x1502)[0] == "late"
    assert unlike_tcp(register, b"\0\0" + came[2:], 0x1502)[0] == "transaction"
    assert unlike_tcp(register, came[:6] + b"\1" + came[7:], 0x1501) == ("unit", "unit 1 answers instead of unit 255")
    refused = bytes.fromhex("15 01 00 00 00 03 ff 84 0b")
    assert answer(register, refused, 0x1501) == ([], "it does not answer behind the gateway")


def test_transactions_are_numbered_anew_after_the_last_number() -> None:
    bus = Bus(Modbus(0.2, TIMEOUT_S, (FLOW,), "tcp"), lambda _told: None)
    bus._transaction, numbers = 0xFFFD, []
    for question in range(4):
        sent = bus.ask(question * 0.5)
        numbers.append(int.from_bytes(sent[:2], "big"))
        assert bus.take(answered(sent), question * 0.5)
    assert numbers == [0xFFFE, 0xFFFF, 1, 2]


@pytest.mark.parametrize(
    ("kind", "registers", "number"),
    [
        ("int16", [0xFFFE], -2.0),
        ("uint16", [0xFFFE], 65_534.0),
        ("int32", [0xFFFF, 0xFFFE], -2.0),
        ("uint32", [0x0001, 0x0002], 65_538.0),
        ("float32", [0x4020, 0x0000], 2.5),
        ("float64", [0x4004, 0, 0, 0], 2.5),
        ("int64", [0xFFFF] * 4, -1.0),
        ("uint64", [0, 0, 1, 0], 65_536.0),
    ],
)
def test_each_type_in_each_order(kind: str, registers: list[int], number: float) -> None:
    swapped = [(word & 255) << 8 | word >> 8 for word in registers]
    for byte_order, word_order in (("big", "big"), ("big", "little"), ("little", "big"), ("little", "little")):
        words = registers if byte_order == "big" else swapped
        words = words if word_order == "big" else words[::-1]
        register = Register(sensor="a", channel="flow", type=kind, byte_order=byte_order, word_order=word_order)
        assert value(register, words) == number


def test_the_request_is_the_one_of_the_specification() -> None:
    register = Register(sensor="a", channel="flow", unit=17, function="holding", address=107, type="uint32")
    assert request(register)[:6] == bytes.fromhex("11 03 00 6b 00 02")
    assert request(register)[-2:] == FramerRTU.compute_CRC(request(register)[:-2]).to_bytes(2, "big")


@pytest.mark.parametrize(
    ("registers", "key"),
    [
        ((), "line.modbus.registers"),
        ((Register(channel="flow"),), "line.modbus.registers[1].sensor"),
        ((Register(sensor="a"),), "line.modbus.registers[1].channel"),
        ((FLOW, Register(sensor="a", channel="total")), "line.modbus.registers[2].channel"),
        ((Register(sensor="a", channel="flow", measure="bar"),), "line.modbus.registers[1].measure"),
        ((Register(sensor="a", channel="flow", type="int32", address=65_535),), "line.modbus.registers[1].address"),
        ((Register(sensor="a", channel="flow", unit=248),), "line.modbus.registers[1].unit"),
    ],
)
def test_a_map_that_cannot_be_one_is_named(registers: tuple[Register, ...], key: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        Bus(Modbus(registers=registers), lambda _told: None)
    assert str(wrong.value).startswith(f"{key}: ")


def test_modbus_tcp_on_a_serial_port_is_named() -> None:
    line = LineSettings(url="/dev/ttyUSB0", protocol="modbus", modbus=Modbus(registers=(FLOW,), framing="tcp"))
    with pytest.raises(SettingsError, match=r"line\.modbus\.framing"):
        check_meters(line)
    check_meters(replace(line, url="socket://10.0.0.7:502"))
