"""`hydrolog demo`: the whole pipeline on recorded data, faster than real time, until Ctrl-C or a set time."""

import argparse
import json
import sys
from pathlib import Path

from common.options import Parser
from common.signals import stop_on_signals

DEFAULT_SPEED = 60.0  # a site minute per second: a night in seven minutes
FOLDER = Path("var") / "demo"
FASTEST = 3600.0  # an hour per second: beyond that one step per second is too coarse


def run(args: list[str]) -> int:
    """Exit code 0 if stopped by a person, or if nothing was lost or repeated and each process did its work."""
    from rich.console import Console

    from demo import recordings
    from demo.run import Demo, Wishes

    options = _parser().parse_args(args)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    wishes = Wishes(
        home=options.data,
        recordings=recordings.find(options.recordings or recordings.shipped()),
        speed=options.speed,
        for_s=options.for_s,
        port=options.port,
    )
    demo = Demo(wishes, stop_on_signals(), console.print)
    try:
        result = demo.run()
    finally:
        demo.close()
    if result is None:
        console.print("stopped; the same command continues from here")
        return 0
    if options.json:
        sys.stdout.write(json.dumps(result.values | {"good": result.good}, indent=2) + "\n")
    else:
        Console().print(result.table())
    for complaint in result.complaints:
        console.print(complaint, style="bold red")
    return 0 if result.good else 1


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="hydrolog demo",
        description="Run the whole pipeline, with all its real processes, on a virtual serial line that plays "
        "recorded minutes. The first start loads history and trains the model; later ones continue where it stopped.",
    )
    parser.add_argument(
        "--speed", type=_speed, default=DEFAULT_SPEED, metavar="N", help="times real speed (default: 60)"
    )
    parser.add_argument(
        "--for", dest="for_s", type=_seconds, metavar="SECONDS", help="stop after this many seconds and print a table"
    )
    parser.add_argument("--json", action="store_true", help="with --for: the table as JSON on standard output")
    parser.add_argument("--data", type=Path, default=FOLDER, metavar="FOLDER", help=f"default: {FOLDER}")
    parser.add_argument(
        "--port", type=_port, metavar="N", help="port of the page (default: 8080, or a free one if it is taken)"
    )
    parser.add_argument(
        "--recordings",
        type=Path,
        metavar="FOLDER",
        help="play other recordings, NNN.replay.csv.gz in local time of Europe/Rome (default: the bundled ones)",
    )
    return parser


def _speed(text: str) -> float:
    if not 1 <= (speed := float(text)) <= FASTEST:
        raise argparse.ArgumentTypeError(f"must be from 1 to {FASTEST:g}")
    return speed


def _seconds(text: str) -> float:
    if not 0 < (seconds := float(text)) < 1e9:
        raise argparse.ArgumentTypeError("must be more than 0")
    return seconds


def _port(text: str) -> int:
    if not 1 <= (port := int(text)) <= 65535:
        raise argparse.ArgumentTypeError("must be from 1 to 65535")
    return port
