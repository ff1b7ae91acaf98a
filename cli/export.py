"""`hydrolog export`: rows of the database as CSV or as a workbook, the way back out of `hydrolog load`."""

import argparse
import sys
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from rich.console import Console

from cli import shell, site_choice
from cli.export_file import SUFFIXES, is_workbook, opened
from cli.export_rows import KINDS, ExportSpan, NotExported, Source
from cli.export_span import NotATime, end_instant, first_instant
from common import settings
from common.errors import NoSuchSensor
from common.settings import Settings

NAMED_AT_MOST = 10  # sensors in a message


def run(args: list[str]) -> int:
    """Export what was asked for.

    Raises:
        NoSuchSensor: nothing is known of a sensor.
        NotExported: there are no rows in the span, or the file cannot be written.
        DatabaseDown: no answer.
    """
    parser = _parser()
    options = parser.parse_args(args)
    chosen = site_choice.of(settings.load(options.config), options.site)
    span = _span(parser, options, chosen)
    folder = options.output is not None and _is_folder(parser, options.output, chosen)
    with_sensor = len(options.sensors) != 1 and not folder
    guard = "" if is_workbook(options.output) else "'"
    with closing(Source(chosen, KINDS[options.of], with_sensor=with_sensor, guard=guard)) as source:
        command = _Export(source, options.of, span, chosen)
        sensors = command.known(options.sensors)
        if folder:
            for sensor in sensors:
                command.write([sensor], options.output / f"{sensor}.csv")
        else:
            command.write(sensors, options.output)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = shell.parser(
        "export",
        "Write rows of the database as CSV or as a workbook. Minutes of one sensor have the form that `hydrolog load` "
        "takes: time,flow,pressure (m3/h, bar), with the times in the site's zone and their UTC offset.",
    )
    parser.add_argument(
        "sensors",
        nargs="*",
        type=shell.sensor_id,
        metavar="SENSOR",
        help="a sensor's id (default: all that "
        "are registered); several stand in one table with the columns site and sensor in front",
    )
    parser.add_argument("--of", choices=tuple(KINDS), default="minutes", help="what (default: minutes)")
    when = 'a day, 2024-08-26, or a time of the site, "2024-08-26 16:33", also with an offset'
    parser.add_argument("--from", dest="start", metavar="TIME", help=f"the first row: {when}")
    parser.add_argument("--to", dest="end", metavar="TIME", help="the end of the span: a day is included, a time not")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="a file .csv, .csv.gz or .xlsx, or an existing "
        "folder, for one file a sensor (default: CSV to standard output)",
    )
    site_choice.add(parser)
    return parser


def _span(parser: argparse.ArgumentParser, options: argparse.Namespace, chosen: Settings) -> ExportSpan:
    zone, span = chosen.site.zone, ExportSpan()
    try:
        if options.start is not None:
            span = ExportSpan(first_instant(options.start, zone), span.end)
        if options.end is not None:
            span = ExportSpan(span.first, end_instant(options.end, zone))
    except NotATime as error:
        parser.error(str(error))
    if span.first >= span.end:
        parser.error(f"the span is empty: --from {options.start} is not before --to {options.end}")
    return span


def _is_folder(parser: argparse.ArgumentParser, output: Path, chosen: Settings) -> bool:
    """Whether each sensor gets a file; refuses what is no place for an export.

    One of the box's own files must not be replaced by a slip.
    """
    try:
        if output.resolve().is_relative_to(chosen.paths.data.resolve()):
            parser.error(f"--output {output} is in the box's own folder; name a place outside of {chosen.paths.data}")
        if output.is_dir():
            return True
        if not output.name.endswith(SUFFIXES):
            parser.error(f"--output {output} must end in {', '.join(SUFFIXES)}, or be an existing folder")
        if output.exists() and not output.is_file():
            parser.error(f"--output {output} is not a file")
    except (OSError, RuntimeError) as error:  # a name too long, links in a circle
        raise NotExported(f"cannot write {output}: {getattr(error, 'strerror', '') or error}") from error
    return False


class _Export:
    """One export: the source, its span, and what is said about both."""

    def __init__(self, source: Source, of: str, span: ExportSpan, chosen: Settings) -> None:
        self._source = source
        self._of = of
        self._span = span
        self._zone = chosen.site.zone
        self._data = chosen.paths.data

    def known(self, named: list[str]) -> list[str]:
        """The sensors to export, each once; those that have no row in the span are left out and named.

        Raises:
            NoSuchSensor, NotExported: see `run`.
        """
        registered = self._source.registered()
        sensors = list(dict.fromkeys(named)) or registered
        if not sensors:
            raise NotExported("no sensor is registered; name one, or register it with: hydrolog sensors add ID")
        for sensor in sensors:
            if sensor not in registered:
                self._unregistered(sensor, registered)
        empty = [sensor for sensor in sensors if self._source.first(sensor, self._span) is None]
        if sensors == empty and len(empty) > 1:
            raise NotExported(f"no {self._of} in this span of {_listed(empty)}")
        if sensors == empty:
            raise NotExported(self._nothing_of(empty[0]))
        _say(map(self._nothing_of, empty))
        return [sensor for sensor in sensors if sensor not in empty]

    def write(self, sensors: list[str], output: Path | None) -> None:
        """Write one table."""
        bom = KINDS[self._of].free_text  # ASCII needs none, and many programs stumble over it
        counts = dict.fromkeys(sensors, 0)
        terminal = Console(stderr=True, quiet=output is None)
        with opened(output, self._source.columns, self._data, bom=bom) as put, terminal.status("") as progress:
            for sensor in sensors:
                for piece in self._source.pieces(sensor, self._span):
                    put(piece)
                    counts[sensor] += piece.count(b"\n")
                    progress.update(shell.cell(f"{sensor}: {counts[sensor]:,} {self._of}"))
        if output is not None:
            place = shell.printable(output.absolute())
            _say(f"{sensor}: {rows:,} {self._of} in {place}" for sensor, rows in counts.items())

    def _unregistered(self, sensor: str, registered: list[str]) -> None:
        if self._source.has_minutes(sensor):
            _say([f"{sensor} is not registered: its rows are kept apart until: hydrolog sensors add {sensor}"])
            return
        raise NoSuchSensor(
            f"{sensor} is not known; registered: {_listed(registered) or 'none'} (see: hydrolog sensors)"
        )

    def _nothing_of(self, sensor: str) -> str:
        extent = self._source.extent(sensor)
        if extent is None:
            return f"{sensor} has no {self._of} yet"
        first, last = map(self._local, extent)
        return f"{sensor} has no {self._of} in this span; it has some from {first} to {last}"

    def _local(self, moment: datetime) -> str:
        return moment.astimezone(self._zone).isoformat(sep=" ", timespec="minutes")


def _listed(sensors: list[str]) -> str:
    """The first sensors, for a message."""
    more = ["…"] if len(sensors) > NAMED_AT_MOST else []
    return ", ".join([*map(shell.printable, sensors[:NAMED_AT_MOST]), *more])


def _say(sentences: Iterable[str]) -> None:
    """On standard error: standard output is for the rows."""
    sys.stderr.write("".join(f"{sentence}\n" for sentence in sentences))
