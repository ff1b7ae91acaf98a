"""Values that stand in several registers, decimal digits in registers, and numbers that are no values."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modbus_bus import Line, reply

from common.errors import FrameRefused
from common.meters import Modbus, Register
from producer.ascii import Reading
from producer.bus import Bus, RegisterExchange
from producer.orders import other_readings
from producer.quantities import Quantity, combined, grouped
from producer.registers import value


def part(sign: str, address: int = 0, **keys: object) -> Register:
    return Register(sensor="a", channel="flow", part=sign, address=address, **keys)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("type_", "words", "number"),
    [
        ("bcd16", [0x0802], 802.0),
        ("bcd16", [0x9999], 9999.0),
        ("bcd32", [0x1234, 0x5678], 12_345_678.0),
        ("bcd64", [0, 0, 0, 0x0010], 10.0),
    ],
)
def test_decimal_digits_in_registers(type_: str, words: list[int], number: float) -> None:
    register = Register(sensor="a", channel="flow", type=type_)
    assert value(register, words) == number
    little = Register(sensor="a", channel="flow", type=type_, word_order="little")
    assert value(little, words[::-1]) == number


@given(st.integers(0, 0xFFFF))
def test_a_digit_above_nine_is_no_value(word: int) -> None:
    register = Register(sensor="a", channel="flow", type="bcd16")
    if f"{word:x}".isdecimal():
        assert value(register, [word]) == int(f"{word:x}")
    else:
        with pytest.raises(FrameRefused) as refused:
            value(register, [word])
        assert refused.value.reason == "number"


def test_sums_differences_factors_and_exponents() -> None:
    high, low = part("+", 0, scale=10_000), part("+", 1)
    assert combined([high, low], {high: [12], low: [3456]}) == 123_456
    forward, back = part("+", 0, measure="L/s"), part("-", 1, measure="L/min")
    assert combined([forward, back], {forward: [10], back: [60]}) == pytest.approx(36 - 3.6)
    mantissa, exponent = part("+", 0, type="int32"), part("exponent", 2, type="int16")
    assert combined([mantissa, exponent], {mantissa: [0, 802], exponent: [0xFFFE]}) == pytest.approx(8.02)


@pytest.mark.parametrize("power", [0.5, 19.0, -19.0])
def test_an_exponent_that_is_none_is_no_value(power: float) -> None:
    mantissa, exponent = part("+"), part("exponent", 2, type="float32")
    words = list(struct.unpack(">HH", struct.pack(">f", power)))
    with pytest.raises(FrameRefused):
        combined([mantissa, exponent], {mantissa: [1], exponent: words})


def test_a_net_total_rolls_over_with_either_of_its_counters() -> None:
    keys = {"sensor": "a", "channel": "total", "type": "uint32", "measure": "L"}
    forward = Register(part="+", rolls_over_at=1e6, **keys)  # type: ignore[arg-type]
    back = Register(part="-", address=2, **keys)  # type: ignore[arg-type]
    net = Quantity([forward, back], 5.0)

    def flow(forward_l: int, back_l: int, at_s: float) -> float | None:
        return net.value({forward: divmod(forward_l, 65_536), back: divmod(back_l, 65_536)}, at_s)[1]

    assert flow(999_990, 0, 0.0) is None
    assert flow(10, 0, 5.0) == pytest.approx(0.02 * 720)
    assert flow(20, 10, 10.0) == pytest.approx(0.0)
    assert flow(500_000, 10, 15.0) is None  # set by hand


def test_parts_of_one_value_are_one_channel_of_one_reading() -> None:
    pressure = Register(sensor="a", channel="pressure", address=9, scale=0.01)
    registers = (part("+", 0, scale=10_000), pressure, part("+", 1))
    assert [len(parts) for parts in grouped(registers)] == [2, 1]
    line = Line(Bus(Modbus(5.0, 0.5, registers), lambda _told: None))
    assert line.run(11.0) == [Reading("a", None, 1.0, 0.09)] * 3


def test_a_value_with_a_part_missing_is_none_and_never_the_rest() -> None:
    registers = (part("+", 0, scale=10_000), part("+", 300))
    line = Line(Bus(Modbus(5.0, 0.5, registers), lambda _told: None))
    line.answer = lambda sent: b"" if sent[3] == 44 else reply(1, 7)
    assert line.run(60.0) == []
    assert "register 300: does not answer" in line.bus.problem


@pytest.mark.parametrize(
    ("number", "orders"), [(8.0, ("big", "little")), (8.02, ("big", "little")), (8.0, ("little", "little"))]
)
def test_a_denormal_float_is_no_value_and_its_right_order_is_shown(number: float, orders: tuple[str, str]) -> None:
    told: list[RegisterExchange] = []
    words = struct.unpack(">HH", struct.pack(">f", number))
    if orders == ("little", "little"):
        words = struct.unpack("<HH", struct.pack(">f", number))[::-1]
        register = Register(sensor="a", channel="flow", type="float32")
    else:
        register = Register(sensor="a", channel="flow", type="float32", byte_order=orders[0], word_order=orders[1])
    line = Line(Bus(Modbus(5.0, 0.5, (register,)), told.append), lambda _sent: reply(1, *words))
    assert line.run(4.0) == []
    assert told[0].reason in ("denormal", "number")
    others = other_readings(register, told[0].words)
    assert any(other.value == pytest.approx(number, rel=1e-6) for other in others)


@pytest.mark.parametrize(
    ("keys", "words", "value_", "said"),
    [
        ({"type": "uint16"}, [65_535], -1.0, 'type = "int16"'),
        ({"type": "uint16", "scale": 0.01}, [0x2203], 8.02, 'byte_order = "little"'),
        ({"type": "float32"}, [0x51EC, 0x4100], 8.02, 'word_order = "little"'),
        ({"type": "float32", "measure": "L/s"}, [0x0000, 0x4100], 28.8, 'word_order = "little"'),
        ({"type": "uint32"}, [802, 0], 802.0, 'word_order = "little"'),
        ({"type": "uint32"}, [0, 0x0802], 802.0, 'type = "bcd32"'),
        ({"type": "float32"}, [0, 802], 802.0, 'type = "uint32"'),
    ],
)
def test_the_other_readings_of_the_same_registers(
    keys: dict[str, object], words: list[int], value_: float, said: str
) -> None:
    register = Register(sensor="a", channel="flow", **keys)  # type: ignore[arg-type]
    found = {other.keys: other.value for other in other_readings(register, words)}
    assert found[said] == pytest.approx(value_, rel=1e-5)
