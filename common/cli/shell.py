"""What the commands for people share: the --config option, and text of others made harmless for a terminal."""

import argparse
from pathlib import Path

from rich.console import Console
from rich.text import Text

LONGEST = 200  # characters of a foreign text: enough to recognise it, too few to flood


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """A parser that has `add_config` on it already."""
    made = argparse.ArgumentParser(prog=f"hydrolog {name}", description=description)
    add_config(made)
    return made


def add_config(made: argparse.ArgumentParser) -> None:
    """Add --config FILE."""
    made.add_argument("--config", type=Path, metavar="FILE", help="settings file (TOML)")


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
    """Standard output; colours only on a terminal, and not where NO_COLOR is set."""
    return Console(highlight=False, markup=False, soft_wrap=False)
