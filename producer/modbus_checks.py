"""Wrong combinations of the keys of a Modbus line, refused before anything is touched."""

from common.errors import SettingsError
from common.meters import TYPES, Modbus, Register
from common.units import MEASURES
from producer.quantities import grouped
from producer.rounds import questions

UNITS = {"rtu": range(1, 248), "tcp": range(256)}  # 0 and 255: the meter at the address itself
FRAME_BYTES = 8 + 5  # a request, and an answer without its registers
GAP_CHARACTERS = 2 * 3.5  # the silence that ends each of the two


def check_registers(settings: Modbus) -> None:
    """Refuse wrong combinations of keys.

    Raises:
        SettingsError: names the key.
    """
    registers, units = settings.registers, UNITS[settings.framing]
    if not registers:
        raise SettingsError("line.modbus.registers", "there are none; write one [[line.modbus.registers]] per value")
    for number, register in enumerate(registers, 1):
        where = _where(number)
        if not register.sensor or not register.channel:
            raise SettingsError(f"{where}.{'channel' if register.sensor else 'sensor'}", "is missing")
        if register.unit not in units:
            raise SettingsError(f"{where}.unit", f"must be between {units[0]} and {units[-1]}, is {register.unit}")
        if register.measure and register.measure not in MEASURES[register.channel]:
            known = ", ".join(MEASURES[register.channel])
            raise SettingsError(f"{where}.measure", f"must be one of {known} for a {register.channel}")
        if register.address + TYPES[register.type] > 65_536:
            raise SettingsError(f"{where}.address", f"a {register.type} at this address goes beyond 65535")
        if register.rolls_over_at and register.channel != "total":
            raise SettingsError(f"{where}.rolls_over_at", f"is only for a total, not for a {register.channel}")
        _check_against(registers, number)
    for parts in grouped(registers):
        _check_parts(parts, registers)


def _where(number: int) -> str:
    return f"line.modbus.registers[{number}]"


def _check_against(registers: tuple[Register, ...], number: int) -> None:
    """Refuse what cannot stand beside the tables before it."""
    register, where = registers[number - 1], _where(number)
    for before, other in enumerate(registers[: number - 1], 1):
        if other.sensor == register.sensor and (other.channel == "pressure") == (register.channel == "pressure"):
            if other.channel != register.channel:
                raise SettingsError(
                    f"{where}.channel", f"sensor {register.sensor} has that already (a total is a flow)"
                )
            if not register.part or not other.part:
                raise SettingsError(
                    f"{where}.channel",
                    f"sensor {register.sensor} has that already, in table {before}; if they are parts of one value, "
                    'write in both: part = "+", "-" or "exponent"',
                )
        if (other.unit, other.function) != (register.unit, register.function):
            continue
        first, end = max(other.address, register.address), min(_end(other), _end(register))
        if first < end and (other.address, other.count) != (register.address, register.count):
            raise SettingsError(
                f"{where}.address",
                f"register {first} belongs to the {other.type} at address {other.address} of table {before} already",
            )


def _end(register: Register) -> int:
    return register.address + register.count


def _check_parts(parts: list[Register], registers: tuple[Register, ...]) -> None:
    """Refuse parts that make no value."""
    where = _where(registers.index(parts[0]) + 1)
    exponents = [register for register in parts if register.part == "exponent"]
    if len(exponents) == len(parts):
        raise SettingsError(f"{where}.part", 'is an exponent alone; the number itself needs a table with part = "+"')
    if len(exponents) > 1:
        where = _where(registers.index(exponents[1]) + 1)
        raise SettingsError(f"{where}.part", f"sensor {parts[0].sensor} has an exponent already")
    if exponents and (exponents[0].measure or exponents[0].rolls_over_at):
        where = _where(registers.index(exponents[0]) + 1)
        key = "measure" if exponents[0].measure else "rolls_over_at"
        raise SettingsError(f"{where}.{key}", "is not for an exponent, which has no unit; write it to the other part")
    rolling = [register for register in parts if register.rolls_over_at]
    if len(rolling) > 1:
        where = _where(registers.index(rolling[1]) + 1)
        raise SettingsError(
            f"{where}.rolls_over_at", "another part has it already; one says where the whole starts again"
        )
    if len(parts) != len(set(parts)):
        raise SettingsError(f"{where}.sensor", "two tables are the same: delete one")


def check_round(settings: Modbus, baudrate: int, mode: str) -> None:
    """Refuse a poll that is over before the line can carry its questions and answers. `baudrate`: 0 if not known.

    Raises:
        SettingsError: says how long a round takes.
    """
    takes_s = round_s(settings, baudrate, mode)
    if takes_s > settings.poll_seconds:
        raise SettingsError(
            "line.modbus.poll_seconds",
            f"reading all registers takes at least {takes_s:.1f} s{f' at {baudrate} baud' if baudrate else ''}, pauses "
            "included, but the next poll comes after "
            f"{settings.poll_seconds:g} s; write at least {_rounded(takes_s):g}",
        )


def round_s(settings: Modbus, baudrate: int, mode: str) -> float:
    """The least time of a round: characters on the wire, and pauses. The meters take some more."""
    character_s = (1 + int(mode[0]) + (mode[1] != "N") + int(mode[2])) / baudrate if baudrate else 0.0
    asked = questions(settings.registers, set(settings.registers), settings.block_registers)
    return sum(
        (FRAME_BYTES + 2 * question.count + GAP_CHARACTERS) * character_s + settings.pause_seconds for question in asked
    )


def _rounded(seconds: float) -> float:
    """Half as much again, as a round number, since meters need time to answer."""
    return float(int(seconds * 1.5) + 1)
