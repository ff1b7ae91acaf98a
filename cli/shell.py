"""Shared by all commands: the --config option, and making text from outside harmless for a terminal."""

import argparse
import importlib.util
import sys
from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from common import clock, health
from common.clock import Clock
from common.errors import SettingsError
from common.logging_setup import harmless
from common.options import Parser
from common.row import SENSOR_ID
from reports.month import first_day

WIDE = 140  # columns if there is no terminal
MOST_SELDOM, MOST_OFTEN = 0.001, 10.0  # alarms per month: the range of outliers.alarms_per_month
ALARMS_HELP = "allowed false LEAK alarms per point and rule (default: outliers.alarms_per_month in the settings)"
STYLES = {"leak": "bold red", "fault": "magenta", "supply": "cyan", "watch": "yellow", "planned": "dim"}  # severities
LONGEST = 200  # characters of a text from outside: enough to recognise it
MOST_DAYS = 10_000  # that somebody looks back


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """A parser with --config."""
    made = Parser(prog=f"hydrolog {name}", description=description)
    add_config(made)
    return made


def say(text: str) -> None:
    """A line on standard output, at once: somebody watches."""
    sys.stdout.write(harmless(text) + "\n")
    sys.stdout.flush()


def add_config(made: argparse.ArgumentParser) -> None:
    """Add --config FILE."""
    made.add_argument("--config", type=Path, metavar="FILE", help="settings file (TOML)")


def add_action(actions: Any, name: str, text: str, description: str = "") -> argparse.ArgumentParser:
    """One action of a command. `text`: its help, and its description unless that is longer.

    --config FILE may stand after it too; without a default, which would overwrite one given before.
    """
    action: argparse.ArgumentParser = actions.add_parser(name, help=text, description=description or text)
    action.add_argument("--config", type=Path, metavar="FILE", default=argparse.SUPPRESS, help="settings file (TOML)")
    return action


def sensor_id(text: str) -> str:
    """The type of a sensor's id, as of --sensor."""
    if not SENSOR_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a sensor id (letters, digits, '_', '.', ':', '-')")
    return text


def days(text: str) -> int:
    """The type of a number of days or nights."""
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"must be a number of days from 1 to {MOST_DAYS}, is {text!r}")
    return int(text)


def alarms_per_month(text: str) -> float:
    """The type of --alarms-per-month."""
    value = float(text)
    if not MOST_SELDOM <= value <= MOST_OFTEN:
        raise argparse.ArgumentTypeError(f"must be between {MOST_SELDOM:g} and {MOST_OFTEN:g}, is {text}")
    return value


def month(text: str) -> date:
    """The type of a month: its first day."""
    first = first_day(text)
    if first is None:
        raise argparse.ArgumentTypeError(f"must be a month like 2024-08, is {text!r}")
    return first


def need_plots() -> None:
    """Refuse a page with plots if the library is missing; called before the long work.

    Raises:
        SettingsError: it is missing; names what to install.
    """
    if importlib.util.find_spec("plotly") is None:
        box = "sudo /opt/hydrolog/current/.venv/bin/python -m pip install 'plotly>=6,<7'"
        install = f"pip install 'hydrolog[reports]' (on an installed box: {box})"
        raise SettingsError("--out", f"a page with plots needs the library plotly: {install}")


def printable(text: object, longest: int = LONGEST) -> str:
    """The text without terminal control: escapes show as \\x1b, long text is truncated."""
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in str(text))
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."


def cell(text: object, style: str = "", longest: int = LONGEST) -> Text:
    """Text from outside for a rich table, without interpreting markup."""
    return Text(printable(text, longest), style=style)


def number(value: float | None, decimals: int = 2) -> str:
    """A number for a table; empty for none."""
    return "" if value is None else f"{value:.{decimals}f}"


def console() -> Console:
    """Standard output; colours only on a terminal and without NO_COLOR. Wide for a file or a pipe."""
    width = None if sys.stdout.isatty() else WIDE
    return Console(highlight=False, markup=False, soft_wrap=False, width=width)


def table(*headings: str, whole: Collection[str] = ()) -> Table:
    """A table for eighty columns: columns named in `whole` are never truncated, the others fold."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        made.add_column(heading, no_wrap=heading in whole, overflow="fold")
    return made


def site_clock(data: Path) -> Clock:
    """The clock of the processes on a data folder: the system clock, or a demo's faster clock.

    A demo's clock is in the environment of its processes, where other commands find it.
    """
    for state in health.load_all(data).values():
        if told := _clock_of_process(state.get("pid")):
            return clock.from_environment({clock.VARIABLE: told})
    return clock.from_environment()


def _clock_of_process(pid: Any) -> str:
    """HYDROLOG_CLOCK of a running process; empty if it is not set or not readable."""
    try:
        variables = Path(f"/proc/{int(pid)}/environ").read_bytes().split(b"\0")
    except (OSError, TypeError, ValueError):
        return ""
    found = next((text for text in variables if text.startswith(f"{clock.VARIABLE}=".encode())), b"")
    return found.partition(b"=")[2].decode("ascii", errors="replace")
