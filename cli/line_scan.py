"""``hydrolog line scan``: which speed, mode, protocol and unit a meter has, and the settings to paste.

It listens first: a meter that sends by itself shows its text at the right speed. If nothing readable comes, it asks as
a Modbus master, which only reads.
"""

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from cli import scan_modbus, scan_text
from cli.line_others import others_at
from cli.scan_modbus import Way
from cli.shell import say
from common.errors import PortError
from common.logging_setup import quoted
from common.options import Parser
from common.settings import LineSettings, Settings, load
from producer.port import POLLED_READ_S, Port, check_url

TEXT_RATES = (9600, 19200, 4800, 2400, 38400, 115200, 57600, 1200)
TEXT_MODES = ("8N1", "8E1", "7E1")
# The usual ones of Modbus meters first; "8N2" and "8N1" read the same.
MODBUS_RATES = (9600, 19200, 38400, 115200, 4800, 57600, 2400, 1200)
MODBUS_MODES = ("8N1", "8E1", "8O1")
SWEPT = ((9600, "8N1"), (9600, "8E1"), (19200, "8E1"))  # where all units are asked if no likely one answered
SHOWN_LINES, SHOWN_PAIRS, SHOWN_REGISTERS = 3, 40, 20


def run(args: list[str]) -> int:
    """Exit code 0 if something was found, else 1."""
    parser = Parser(
        prog="hydrolog line scan",
        description="Find out what is on a serial line: listen at each speed and mode, then ask as a Modbus master, "
        "which only reads. It takes one to five minutes. Do not ask on a bus that another master polls: use --listen.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file")
    parser.add_argument("--url", metavar="URL", help="the port, instead of line.url of the settings")
    parser.add_argument("--seconds", type=float, default=3.0, metavar="N", help="to listen at each speed (default 3)")
    parser.add_argument("--listen", action="store_true", help="only listen, ask nothing")
    options = parser.parse_args(args)
    settings = load(options.config)
    url = options.url or settings.line.url
    check_url(url)
    say(f"scanning {url}")
    try:
        if _listen(url, settings, options.seconds) or (not options.listen and _ask(url)):
            return 0
    except PortError as error:
        say("; ".join(filter(None, [str(error).removesuffix("; waiting for it"), others_at(url)])))
        return 1
    say(
        "Nothing was found. Is the meter on, are the wires on the right clamps? On RS-485 try A and B swapped; on "
        "RS-232 a null modem cable. A meter that sends once a minute needs --seconds 70."
    )
    return 1


def _listen(url: str, settings: Settings, seconds: float) -> bool:
    """Whether readable text came; its settings are printed."""
    ways = [Way(url, rate, mode) for rate in TEXT_RATES for mode in TEXT_MODES]
    for way in ways[:1] if ways[0].on_network else ways:
        say(f"  listening{_at(way)} for {seconds:g} s")
        try:
            raw = _heard(way, seconds)
        except PortError as error:
            if way == ways[0]:
                raise
            say(f"  not at this port: {error}")
            continue
        if not raw:
            say("  nothing came by itself")
            return False
        if text := scan_text.read(raw, way.mode):
            for line in text.lines[-SHOWN_LINES:]:
                say(f"  text       {quoted(line)}")
            found = _head(way._replace(mode=text.bits)) + scan_text.settings(text, settings.site.zone, time.time())
            say(f"A meter sends text. Write into the settings, then: hydrolog line test\n\n{found}")
            return True
        say(f"  {len(raw)} bytes, not readable: {quoted(raw[:16])}")
    return False


def _heard(way: Way, seconds: float) -> bytes:
    """What comes within `seconds`."""
    port = Port(way.url, way.rate, threading.Event(), way.mode, read_s=POLLED_READ_S)
    end_s = time.monotonic() + seconds
    raw = b""
    try:
        port.open()
        port.read()  # what came before is of another speed
        while time.monotonic() < end_s:
            raw += port.read()
    finally:
        port.close()
    return raw


def _ask(url: str) -> bool:
    """Whether a unit answered; its registers and settings are printed."""
    if Way(url).on_network:
        numbers = (*scan_modbus.UNITS_OF_TCP, *scan_modbus.LIKELY_UNITS[1:])
        return any(_ask_at(Way(url, framing=framing), numbers) for framing in ("tcp", "rtu"))
    likely = (Way(url, rate, mode) for rate in MODBUS_RATES for mode in MODBUS_MODES)
    swept = (Way(url, rate, mode) for rate, mode in SWEPT)
    return any(_ask_at(way, scan_modbus.LIKELY_UNITS) for way in likely) or any(
        _ask_at(way, scan_modbus.ALL_UNITS) for way in swept
    )


def _ask_at(way: Way, numbers: Sequence[int]) -> bool:
    say(f"  asking {len(numbers)} units as Modbus {way.framing.upper()}{_at(way)}")
    try:
        with scan_modbus.opened(way) as client:
            found = scan_modbus.units(client, numbers)
            if found and not way.on_network:
                say(f"  unit {found[0]} answers; asking the others")
                found += scan_modbus.units(client, sorted({*scan_modbus.ALL_UNITS} - {*numbers}))
            for unit in found:
                _show(client, way, unit)
    except ConnectionError as error:
        say(f"  {error}{_at(way)}")
        return False
    return bool(found)


def ask_unit(line: LineSettings, unit: int, seconds: float) -> bool:
    """Whether a unit answers within a time; its registers and settings are printed."""
    ways = [Way(line.url, line.baudrate, line.mode)]
    if ways[0].on_network:
        ways = [Way(line.url, framing=framing) for framing in ("tcp", "rtu")]
    framings = " and ".join(way.framing.upper() for way in ways)
    say(f"asking unit {unit} at {line.url}{_at(ways[0])} as Modbus {framings}, for {seconds:g} s")
    end_s = time.monotonic() + seconds
    try:
        port = Port(line.url, line.baudrate, threading.Event(), line.mode)  # its errors say what to do
        port.open()
        port.close()
        while time.monotonic() < end_s:
            if any(_answers(way, unit) for way in ways):
                return True
    except (PortError, ConnectionError) as error:
        say(str(error).removesuffix("; waiting for it"))
        return False
    except KeyboardInterrupt:
        pass
    what = "address" if ways[0].on_network else "address, baud rate, parity"
    say(f"unit {unit} does not answer{_at(ways[0])}: {what} right? Try: hydrolog line scan --url {line.url}")
    return False


def _answers(way: Way, unit: int) -> bool:
    with scan_modbus.opened(way) as client:
        found = bool(scan_modbus.units(client, [unit]))
        if found:
            _show(client, way, unit)
        return found


def _show(client: scan_modbus.Client, way: Way, unit: int) -> None:
    """Print a unit's registers and the settings that read the first likely one."""
    shown = ""
    for function in ("holding", "input"):
        registers = scan_modbus.window(client, unit, function, 0, scan_modbus.WINDOW)
        pairs = scan_modbus.floats(registers)
        say(f"  unit {unit}: {len(registers)} {function} registers of the first {scan_modbus.WINDOW}")
        used = {address: number for address, number in registers.items() if number}
        for address, number in list(used.items())[:SHOWN_REGISTERS]:
            say(f"    {function} {address:3}  {number:5} = 0x{number:04x}")
        for pair in pairs[:SHOWN_PAIRS]:
            say(f"    {function} {pair.address:3}  as float32: {_orders(pair)}")
        if registers and not shown:
            shown = _register(unit, function, pairs, next(iter(used), min(registers)))
    more = '\n[line.modbus]\nframing = "tcp"\n' if way.framing == "tcp" else ""
    say(
        f"Unit {unit} answers. Compare the numbers with the meter's display and its manual; `hydrolog line meters` "
        f"lists known meters. Write into the settings, then: hydrolog line test\n\n"
        f'{_head(way)}protocol = "modbus"\n{more}{shown}'
    )


def _orders(pair: scan_modbus.Floats) -> str:
    both = ((pair.high_first, ""), (pair.low_first, ' with word_order = "little"'))
    return " or ".join(f"{number:.6g}{order}" for number, order in both if number is not None)


def _register(unit: int, function: str, pairs: list[scan_modbus.Floats], address: int) -> str:
    text = (
        f'\n[[line.modbus.registers]]\nsensor = "inlet"\nchannel = "flow"  # or pressure, or total\nunit = {unit}\n'
        f'function = "{function}"\naddress = '
    )
    if not pairs:
        return text + f'{address}\ntype = "uint16"\n'
    order = "" if pairs[0].high_first is not None else 'word_order = "little"\n'
    return text + f'{pairs[0].address}\ntype = "float32"\n{order}'


def _at(way: Way) -> str:
    return "" if way.on_network else f" at {way.rate} {way.mode}"


def _head(way: Way) -> str:
    rate = "" if way.on_network else f'baudrate = {way.rate}\nmode = "{way.mode}"\n'
    return f"[line]\nurl = {json.dumps(way.url)}\n{rate}"
