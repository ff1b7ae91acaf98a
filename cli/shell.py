"""What the commands for people share: the --config option, and text of others made harmless for a terminal."""

import argparse
import importlib.util
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from common import clock, health
from common.clock import Clock
from common.errors import SettingsError
from common.options import Parser

WIDE = 140  # columns where no terminal says how many there are
MOST_SELDOM, MOST_OFTEN = 0.001, 10.0  # alarms a month, as outliers.alarms_per_month of the settings may have
ALARMS_HELP = "false LEAK alarms to allow at a point and rule (default: outliers.alarms_per_month of the settings)"
LONGEST = 200  # characters of a foreign text: enough to recognise it, too few to flood


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """A parser that has `add_config` on it already."""
    made = Parser(prog=f"hydrolog {name}", description=description)
    add_config(made)
    return made


def add_config(made: argparse.ArgumentParser) -> None:
    """Add --config FILE."""
    made.add_argument("--config", type=Path, metavar="FILE", help="settings file (TOML)")


def add_config_again(action: argparse.ArgumentParser) -> None:
    """Let --config FILE also stand behind the action; no default, which would overwrite one that stands before."""
    action.add_argument("--config", type=Path, metavar="FILE", default=argparse.SUPPRESS, help="settings file (TOML)")


def alarms_per_month(text: str) -> float:
    """The operator's knob on a command line."""
    value = float(text)
    if not MOST_SELDOM <= value <= MOST_OFTEN:
        raise argparse.ArgumentTypeError(f"must be between {MOST_SELDOM:g} and {MOST_OFTEN:g}, is {text}")
    return value


def need_plots() -> None:
    """Refuse a page with plots where the library for them is missing: to be asked before the long work.

    Raises:
        SettingsError: it is missing; says what to install.
    """
    if importlib.util.find_spec("plotly") is None:
        box = "sudo /opt/hydrolog/.venv/bin/python -m pip install 'plotly>=6,<7'"
        install = f"pip install 'hydrolog[reports]' (on an installed box: {box})"
        raise SettingsError("--out", f"a page with plots needs the library plotly: {install}")


def printable(text: object) -> str:
    """The text without anything that could steer a terminal: escapes show as \\x1b, long ones are cut."""
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in str(text))
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 3] + "..."


def cell(text: object, style: str = "") -> Text:
    """A foreign text for a rich table: no markup in it is obeyed."""
    return Text(printable(text), style=style)


def number(value: float | None, decimals: int = 2) -> str:
    """A number for a table; empty for none."""
    return "" if value is None else f"{value:.{decimals}f}"


def console() -> Console:
    """Standard output; colours only on a terminal, and not where NO_COLOR is set. Into a file or a pipe: wide."""
    width = None if sys.stdout.isatty() else WIDE
    return Console(highlight=False, markup=False, soft_wrap=False, width=width)


def table(*headings: str, whole: Collection[str] = ()) -> Table:
    """A table that fits eighty columns: the columns named in `whole` are never cut, the others fold."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        made.add_column(heading, no_wrap=heading in whole, overflow="fold")
    return made


def site_clock(data: Path) -> Clock:
    """The clock of the processes that run on a data folder: the box's own, but a demo's runs faster than life.

    A demo tells its processes in their environment, so whoever comes from outside finds it there.
    """
    for state in health.load_all(data).values():
        if told := _clock_of_process(state.get("pid")):
            return clock.from_environment({clock.VARIABLE: told})
    return clock.from_environment()


def _clock_of_process(pid: Any) -> str:
    """What HYDROLOG_CLOCK says in a running process; empty if it is not set, or not for us to see."""
    try:
        variables = Path(f"/proc/{int(pid)}/environ").read_bytes().split(b"\0")
    except (OSError, TypeError, ValueError):
        return ""
    found = next((text for text in variables if text.startswith(f"{clock.VARIABLE}=".encode())), b"")
    return found.partition(b"=")[2].decode("ascii", errors="replace")
