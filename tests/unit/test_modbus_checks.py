"""Settings of a bus that cannot be: each is refused at the start, with its key and what to write."""

from dataclasses import replace

import pytest

from common.errors import SettingsError
from common.meters import Modbus, Register
from common.settings import LineSettings
from producer.modbus_checks import round_s
from producer.protocols import check_meters

FLOW = Register(sensor="a", channel="flow", type="float32")
PLUS = replace(FLOW, part="+")


def refused(*registers: Register, **keys: object) -> str:
    line = LineSettings(
        url="/dev/ttyUSB0",
        protocol="modbus",
        modbus=Modbus(registers=registers, **keys),  # type: ignore[arg-type]
    )
    with pytest.raises(SettingsError) as wrong:
        check_meters(line)
    return str(wrong.value)


@pytest.mark.parametrize(
    ("registers", "said"),
    [
        ((FLOW, replace(FLOW, address=4)), "registers[2].channel: sensor a has that already, in table 1"),
        ((PLUS, replace(FLOW, address=4)), 'write in both: part = "+", "-" or "exponent"'),
        ((FLOW, replace(FLOW, sensor="b", address=1)), "registers[2].address: register 1 belongs to the float32 at"),
        ((FLOW, replace(FLOW, sensor="b", type="uint16")), "registers[2].address: register 0 belongs to the float32"),
        ((replace(FLOW, part="exponent"),), "registers[1].part: is an exponent alone"),
        (
            (PLUS, replace(PLUS, part="exponent", address=2), replace(PLUS, part="exponent", address=4)),
            "registers[3].part: sensor a has an exponent already",
        ),
        (
            (PLUS, replace(PLUS, part="exponent", address=2, measure="L/s")),
            "registers[2].measure: is not for an exponent",
        ),
        ((replace(FLOW, rolls_over_at=5.0),), "registers[1].rolls_over_at: is only for a total"),
        (
            tuple(replace(PLUS, channel="total", rolls_over_at=1e6, address=at) for at in (0, 2)),
            "registers[2].rolls_over_at: another part has it already",
        ),
        ((PLUS, PLUS), "registers[1].sensor: two tables are the same"),
        ((PLUS, replace(PLUS, channel="total", address=4)), "registers[2].channel: sensor a has that already (a total"),
    ],
)
def test_tables_that_cannot_stand_together(registers: tuple[Register, ...], said: str) -> None:
    assert said in refused(*registers)


def test_the_same_register_may_serve_two_sensors() -> None:
    registers = (FLOW, replace(FLOW, sensor="b", scale=0.5))
    check_meters(LineSettings(url="/dev/ttyUSB0", protocol="modbus", modbus=Modbus(registers=registers)))


def test_a_poll_that_the_line_cannot_carry_says_how_long_a_round_takes() -> None:
    registers = tuple(Register(sensor=f"s{unit}", channel="flow", unit=unit) for unit in range(1, 31))
    said = refused(*registers, poll_seconds=2.0, pause_seconds=0.1)
    assert said.startswith("line.modbus.poll_seconds: reading all registers takes at least 3.7 s at 9600 baud,")
    assert "write at least 6" in said
    fast = LineSettings(
        url="/dev/ttyUSB0", baudrate=115_200, protocol="modbus", modbus=Modbus(2.0, registers=registers)
    )
    check_meters(fast)
    check_meters(replace(fast, url="socket://10.0.0.7:4001", baudrate=50))  # the gateway's speed is not known here
    with pytest.raises(
        SettingsError, match=r"poll_seconds: reading all registers takes at least 3\.0 s, pauses included"
    ):
        check_meters(replace(fast, url="socket://10.0.0.7:4001", modbus=replace(fast.modbus, pause_seconds=0.1)))


def test_a_round_takes_its_characters_and_its_pauses() -> None:
    settings = Modbus(registers=(FLOW,), pause_seconds=0.5)
    assert round_s(settings, 9600, "8E1") == pytest.approx((8 + 5 + 4 + 7) * 11 / 9600 + 0.5)
