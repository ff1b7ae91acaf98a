"""The options of ``hydrolog line test``: keys of the settings, for this run alone."""

import argparse
import dataclasses
import math
import os
from pathlib import Path

from common.errors import SettingsError
from common.options import Parser
from common.settings import PREFIX, LineSettings, Settings, load

# option -> key of the section line
KEYS = {"url": "url", "baud": "baudrate", "mode": "mode", "protocol": "protocol"}
EXIT_CODES = (
    "Exit code 0: a reading came of which a value would be stored (or is, by a running producer); 1: none came; "
    "2: wrong options or settings, nothing was tried."
)


def parser(others: tuple[str, ...]) -> argparse.ArgumentParser:
    made = Parser(
        prog="hydrolog line",
        description="Listen to a serial line, or poll its meters, and show what comes and what the producer would make "
        "of it. What is not given is as in the settings; nothing is written there. While a producer has the port, show "
        f"what that one reads. {EXIT_CODES}",
    )
    made.add_argument(
        "action",
        choices=["test", *others],
        help="test: listen for a while, then say what was seen; scan: find speed, mode and units; meters: known meters",
    )
    made.add_argument("--config", type=Path, metavar="FILE", help="settings file")
    made.add_argument("--seconds", type=_seconds, default=10.0, metavar="N", help="how long (default 10)")
    made.add_argument("--url", metavar="URL", help="the port")
    made.add_argument("--baud", type=int, metavar="N", help="its speed")
    made.add_argument("--mode", type=str.upper, metavar="8E1", help="data bits, parity (N, E, O), stop bits")
    made.add_argument("--protocol", metavar="NAME", help="ascii, described or modbus")
    made.add_argument(
        "--unit", type=int, metavar="N", help="Modbus: only this unit; without registers in the settings, show its own"
    )
    return made


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, is {text}")
    return value


def given(options: argparse.Namespace) -> list[str]:
    """The options that change how the line is read."""
    return [f"--{name}" for name in (*KEYS, "unit") if getattr(options, name) is not None]


def tried(options: argparse.Namespace) -> Settings:
    """The settings with the options in place of their keys.

    Raises:
        SettingsError: names the option or the key that is wrong, or that does not fit the others.
    """
    values = {name: str(getattr(options, name)) for name in KEYS if getattr(options, name) is not None}
    environ = {f"{PREFIX}LINE__{KEYS[name].upper()}": value for name, value in values.items()}
    try:
        settings = load(options.config, {**os.environ, **environ})
    except SettingsError as error:
        name = next((name for name in values if error.key == f"line.{KEYS[name]}"), "")
        if name:
            raise SettingsError(f"--{name}", str(error).partition(": ")[2]) from error
        raise
    line = settings.line
    if line.url.startswith("socket://") and (name := next((name for name in ("baud", "mode") if name in values), "")):
        raise SettingsError(f"--{name}", f"{line.url} is on the network: speed and mode are set in the serial server")
    if line.protocol == "modbus":
        return dataclasses.replace(settings, line=_at_unit(line, options.unit))
    if options.unit is not None:
        raise SettingsError("--unit", f'is for Modbus, and the protocol is "{line.protocol}": add --protocol modbus')
    return settings


def _at_unit(line: LineSettings, unit: int | None) -> LineSettings:
    """Only the registers of a unit; where all are of one other unit, the same registers at this one."""
    registers = line.modbus.registers
    if unit is None:
        if not registers:
            raise SettingsError("--unit", "is missing: the settings name no registers; with --unit N its own are shown")
        return line
    possible = range(256) if line.url.startswith("socket://") else range(1, 248)
    if unit not in possible:
        raise SettingsError("--unit", f"must be between {possible[0]} and {possible[-1]}, is {unit}")
    own = tuple(register for register in registers if register.unit == unit)
    units = sorted({register.unit for register in registers})
    if not own and len(units) > 1:
        known = ", ".join(map(str, units))
        raise SettingsError("--unit", f"the settings have no registers of unit {unit}, only of {known}")
    if not own:
        own = tuple(dataclasses.replace(register, unit=unit) for register in registers)
    return dataclasses.replace(line, modbus=dataclasses.replace(line.modbus, registers=own))
