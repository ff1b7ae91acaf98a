"""``hydrolog simulate``: play meters on a virtual serial line, with the truth beside it."""

import argparse
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from common import clock as clocks
from common.errors import SettingsError
from common.row import SENSOR_ID
from common.settings import load


def run(args: list[str]) -> int:
    """Run until SIGTERM or Ctrl-C; the exit code."""
    from producer import recording
    from producer.district import District
    from producer.line_faults import FaultOptions, Faults
    from producer.simulator import Meter, Replayed, Simulator, Truth
    from producer.virtual_line import VirtualLine

    options = _parser().parse_args(args)
    zone = load(options.config).site.zone
    meters = [
        Meter(sensor, Replayed(recording.load(path), zone), options.seed)
        for sensor, path in (_sensor_file(text) for text in options.replay)
    ]
    if options.district is not None:
        names = [f"D{number:03}" for number in range(1, options.sensors + 1)]
        meters += [Meter(name, District(options.district, name, zone), options.seed) for name in names]
    if not meters:
        raise SettingsError(
            "--replay", "name a recording (--replay 001=producer/data/001.replay.csv.gz) or --district 1"
        )
    wishes = FaultOptions(options.noise, options.bad_checksums, options.late, options.unplug_every)
    stop = _stop_on_signals()
    try:
        line = VirtualLine(options.link)
        truth = Truth(options.truth, zone) if options.truth else None
    except OSError as error:
        raise SettingsError("--link", f"{error.filename}: {error.strerror}") from error
    sys.stdout.write(f"simulate sensors={','.join(meter.sensor for meter in meters)} link={options.link}\n")
    sys.stdout.flush()
    simulator = Simulator(meters, line, truth, Faults(wishes, options.seed), zone)
    try:
        simulator.run(clocks.from_environment(), stop)
    finally:
        line.close()
    sys.stdout.write(f"simulate sent={simulator.readings} dropped={line.dropped}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hydrolog simulate",
        description="Play meters on a virtual serial line: point line.url at the link. A recording is CSV "
        "(time,flow,pressure; local wall clock, one minute a line; .gz is fine), starts at the site's present hour of "
        "the week and is looped over whole weeks. One reading a second a sensor.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file, for the site's time zone")
    parser.add_argument("--replay", action="append", default=[], metavar="ID=FILE", help="a sensor and its recording")
    parser.add_argument("--district", type=int, metavar="SEED", help="sensors D001, D002 ... of a made-up district")
    parser.add_argument("--sensors", type=int, default=4, metavar="N", help="how many it has (default 4)")
    parser.add_argument("--link", type=Path, required=True, metavar="PATH", help="where the port appears")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="write what was sent, a line a sensor-minute (TSV)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random")
    faults = parser.add_argument_group("what goes wrong (shares are of the readings, 0 to 1)")
    faults.add_argument("--noise", type=_share, default=0.0, metavar="SHARE", help="junk between the frames")
    faults.add_argument(
        "--bad-checksums", type=_share, default=0.0, metavar="SHARE", help="frames with a wrong checksum"
    )
    faults.add_argument("--late", type=_share, default=0.0, metavar="SHARE", help="frames up to 20 s after their time")
    faults.add_argument("--unplug-every", type=int, default=0, metavar="MIN", help="pull the cable for 30 s")
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


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    return stop
