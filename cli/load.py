"""`hydrolog load SENSOR=FILE ...`: load recorded minutes into the database, with a progress bar."""

import argparse
from pathlib import Path

from cli.load_files import load_files
from common import database, settings
from common.options import Parser


def run(args: list[str]) -> int:
    """Load each file; a sensor must be registered first, so that a typo does not create a new one."""
    parser = Parser(
        prog="hydrolog load",
        description="Load recorded minutes: CSV with the columns time,flow,pressure (local time, m3/h, bar), "
        "plain or .gz. Existing rows are not changed; an interrupted load can simply be repeated.",
    )
    parser.add_argument("files", nargs="+", type=_pair, metavar="SENSOR=FILE", help="a sensor's id and its recording")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (TOML)")
    options = parser.parse_args(args)
    chosen = settings.load(options.config)
    load_files(database.address(chosen), options.files, chosen.site.zone)
    return 0


def _pair(text: str) -> tuple[str, Path]:
    sensor, separator, name = text.partition("=")
    if not separator or not Path(name).is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is not SENSOR=FILE with an existing file")
    return sensor, Path(name)
