"""`hydrolog load SENSOR=FILE ...`: load recorded values into the database, with a progress bar."""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from cli.load_files import NotLoaded, load_files
from cli.recorded import table
from cli.recorded.description import PLAIN, Description, read_description, to_toml, zone_of
from cli.recorded.guess import Guess, guess
from cli.recorded.plain import is_plain
from cli.recorded.reader import Reader
from common import database, settings
from common.clock import SystemClock
from common.errors import SettingsError
from common.logging_setup import harmless
from common.options import Parser

SHOWN_ROWS = 3


def run(args: list[str]) -> int:
    """Load each file; a sensor must be registered first, so that a typo does not create a new one."""
    options = _parser().parse_args(args)
    if options.save_description and (options.describe or len(options.files) > 1):
        raise SettingsError("--save-description", "takes one SENSOR=FILE, and no --describe")
    chosen = settings.load(options.config)
    if options.describe:
        described = [read_description(options.describe)] * len(options.files)
    else:
        described = [_describe(path, options, chosen.site.zone) for _, path in options.files]
        if options.save_description and not options.yes:
            sys.stdout.write(
                f"not loaded; to load it so, repeat the command with --describe {options.save_description}\n"
            )
            return 0
    files = [(sensor, path, one) for (sensor, path), one in zip(options.files, described, strict=True)]
    load_files(database.address(chosen), chosen.site.id, files, chosen.site.zone)
    return 0


def _parser() -> Parser:
    parser = Parser(
        prog="hydrolog load",
        description="Load recorded values: CSV with the columns time,flow,pressure (local time, m3/h, bar), plain or "
        ".gz, without a question; any other table, also .xlsx, by a description, which is guessed and shown first. "
        "Existing rows are not changed; an interrupted load can simply be repeated.",
    )
    parser.add_argument("files", nargs="+", type=_pair, metavar="SENSOR=FILE", help="a sensor's id and its recording")
    parser.add_argument("--describe", type=Path, metavar="FILE", help="what the files look like (TOML)")
    parser.add_argument("--save-description", type=Path, metavar="FILE", help="write the guess there")
    parser.add_argument("--yes", action="store_true", help="load with the guessed description without asking")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (TOML)")
    return parser


def _pair(text: str) -> tuple[str, Path]:
    sensor, separator, name = text.partition("=")
    if not separator or not Path(name).is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is not SENSOR=FILE with an existing file")
    return sensor, Path(name)


def _describe(path: Path, options: argparse.Namespace, zone: ZoneInfo) -> Description:
    """The description of a file that came without one.

    Raises:
        NotLoaded: it is not certain, or the person did not agree.
        HistoryRefused: the file is no table of values.
    """
    try:
        if is_plain(path) and not options.save_description:
            return PLAIN
        found = guess(path)
        _show(path, found, zone)
    except (OSError, EOFError) as error:
        raise NotLoaded(f"{path}: {error}") from error
    if options.save_description:
        _save(options.save_description, path, found)
    if found.lacks:
        reasons = "".join(f"\n  - {text}" for text in found.lacks)
        raise NotLoaded(f"{path}: not loaded. The file does not say enough; complete the description:{reasons}")
    if not options.yes and not options.save_description and not _agreed():
        raise NotLoaded(f"{path}: not loaded. If the guess is right, repeat the command with --yes")
    return found.description


def _save(target: Path, path: Path, found: Guess) -> None:
    lacks = "".join(f"# {line}\n" for text in found.lacks for line in text.splitlines())
    try:
        target.write_text(f"# {path.name}\n{lacks}{to_toml(found.description)}", "utf-8")
    except OSError as error:
        raise NotLoaded(f"cannot write {target}: {error.strerror}") from error


def _agreed() -> bool:
    if not sys.stdin.isatty():
        return False
    sys.stdout.write("Load it so? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().casefold() in ("y", "yes", "예", "네")


def _show(path: Path, found: Guess, zone: ZoneInfo) -> None:
    """Write the guess, and the first rows as they would be stored."""
    out = sys.stdout
    out.write(harmless(f"{path.name}: guessed from the file\n"))
    out.writelines(f"  {harmless(line)}\n" for line in to_toml(found.description).splitlines())
    out.writelines(f"  ({harmless(note)})\n" for note in found.notes)
    if found.lacks:
        return
    described = found.description
    site_or_own = zone_of(described, zone)
    counted = "counter m3" if described.total_column else "flow m3/h"
    out.write(f"first rows as they would be stored\n  {'time':<25}  {counted:>12}  {'pressure bar':>12}\n")
    reader = Reader(path, described, zone, SystemClock().now())
    with table.rows(path, described) as (rows, _):
        piece = next(reader.pieces(rows))
    for at, flow, pressure in zip(piece.at[:SHOWN_ROWS], piece.flow, piece.pressure, strict=False):
        time = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(at))).astimezone(site_or_own)
        values = ("-" if value != value else f"{value:.6g}" for value in (float(flow), float(pressure)))  # noqa: PLR0124
        out.write(f"  {time.isoformat():<25}  {next(values):>12}  {next(values):>12}\n")
