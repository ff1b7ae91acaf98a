"""``hydrolog simulate``: simulate meters on a virtual serial line, and record what was sent."""

import argparse
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from common import clock as clocks
from common.clock import Clock
from common.errors import SettingsError
from common.options import Parser
from common.row import SENSOR_ID
from common.settings import load
from common.signals import stop_on_signals

if TYPE_CHECKING:  # the producer's modules are imported only where used
    from producer.district import District
    from producer.simulator import Events, Meter, Truth
    from producer.virtual_line import VirtualLine


def run(args: list[str]) -> int:
    """Run until SIGTERM or Ctrl-C; returns the exit code."""
    from producer.line_faults import FaultOptions, Faults
    from producer.simulator import Simulator

    options = _parser().parse_args(args)
    zone = load(options.config).site.zone
    if options.modbus and options.late:
        raise SettingsError("--late", "a polled meter answers at once or not at all")
    meters, districts = _meters(options, zone)
    faults = Faults(
        FaultOptions(options.noise, options.bad_checksums, options.late, options.unplug_every), options.seed
    )
    stop = stop_on_signals()
    line, place = _line(options)
    truth, events = _truth(options.truth, zone, districts)
    sys.stdout.write(f"simulate sensors={','.join(meter.sensor for meter in meters)} url={place}\n")
    sys.stdout.flush()
    player: _Player = Simulator(meters, line, truth, faults, zone, events=events)
    if options.modbus:
        from producer.modbus_meters import ModbusMeters

        player = ModbusMeters(meters, line, truth, faults, events=events)
    try:
        player.run(clocks.from_environment(), stop)
    finally:
        line.close()
        if events:
            events.close()
    sys.stdout.write(f"simulate sent={player.readings} dropped={line.dropped}\n")
    return 0


class _Player(Protocol):
    readings: int

    def run(self, clock: Clock, stop: threading.Event) -> None:
        """Play until `stop`."""


def _meters(options: argparse.Namespace, zone: ZoneInfo) -> "tuple[list[Meter], dict[str, District]]":
    from producer import recording
    from producer.district import District
    from producer.simulator import Meter, Replayed

    meters = [
        Meter(sensor, Replayed(recording.load(path), zone), options.seed)
        for sensor, path in (_sensor_file(text) for text in options.replay)
    ]
    districts: dict[str, District] = {}
    if options.district is not None:
        names = [f"D{number:03}" for number in range(1, options.sensors + 1)]
        districts = {name: District(options.district, name, zone) for name in names}
        meters += [Meter(name, source, options.seed) for name, source in districts.items()]
    if not meters:
        raise SettingsError(
            "--replay", "name a recording (--replay 001=producer/data/001.replay.csv.gz) or --district 1"
        )
    return meters, districts


def _line(options: argparse.Namespace) -> "tuple[VirtualLine, str]":
    """The line, and the line.url to read it."""
    from producer.virtual_line import VirtualLine
    from producer.virtual_port import PtyEnd, TcpEnd

    try:
        if options.link:
            return VirtualLine(PtyEnd(options.link)), str(options.link)
        end = TcpEnd(options.tcp)
        return VirtualLine(end), f"socket://127.0.0.1:{end.port}"
    except OSError as error:
        key, place = ("--link", options.link) if options.link else ("--tcp", f"port {options.tcp}")
        raise SettingsError(key, f"{place}: {error.strerror}") from error


def _truth(path: Path | None, zone: ZoneInfo, districts: "dict[str, District]") -> "tuple[Truth | None, Events | None]":
    from producer.simulator import Events, Truth

    if path is None:
        return None, None
    try:
        events = Events(path.with_suffix(".events" + path.suffix), zone, districts) if districts else None
        return Truth(path, zone), events
    except OSError as error:
        raise SettingsError("--truth", f"{error.filename}: {error.strerror}") from error


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="hydrolog simulate",
        description="Simulate meters on a virtual serial line: set line.url to the link. A recording is CSV "
        "(time,flow,pressure; local time, one minute per line; may be .gz), starts at the site's current hour of "
        "the week and is looped over whole weeks. Each sensor sends one reading per second.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file, for the site's time zone")
    parser.add_argument("--replay", action="append", default=[], metavar="ID=FILE", help="a sensor and its recording")
    parser.add_argument("--district", type=int, metavar="SEED", help="sensors D001, D002 ... of a synthetic district")
    parser.add_argument("--sensors", type=int, default=4, metavar="N", help="number of its sensors (default 4)")
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--link", type=Path, metavar="PATH", help="path of the port")
    place.add_argument("--tcp", type=int, metavar="PORT", help="a TCP port on 127.0.0.1 instead; 0: any free one")
    parser.add_argument(
        "--modbus", action="store_true", help="simulate Modbus RTU meters instead of frames; unit 1 is the first sensor"
    )
    parser.add_argument(
        "--truth",
        type=Path,
        metavar="FILE",
        help="write what was sent, one line per sensor and minute (TSV); for a district, "
        "also its leaks, bursts, faults and operations, in FILE.events.tsv",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="random seed (default 1)")
    faults = parser.add_argument_group("faults (as shares of the readings, 0 to 1)")
    faults.add_argument("--noise", type=_share, default=0.0, metavar="SHARE", help="noise between the frames")
    faults.add_argument(
        "--bad-checksums", type=_share, default=0.0, metavar="SHARE", help="frames with a wrong checksum"
    )
    faults.add_argument("--late", type=_share, default=0.0, metavar="SHARE", help="frames up to 20 s late")
    faults.add_argument("--unplug-every", type=int, default=0, metavar="MIN", help="unplug for 30 s every MIN minutes")
    return parser


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError("must be between 0 and 1")
    return share


def _sensor_file(text: str) -> tuple[str, Path]:
    sensor, separator, name = text.partition("=")
    if not separator or not SENSOR_ID.fullmatch(sensor):
        raise SettingsError("--replay", f"must be ID=FILE with an id like 001, is {text!r}")
    return sensor, Path(name)
