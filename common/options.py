"""The command line of every program: bad usage is one line that names the option, and exit code 2."""

import argparse
import re
import sys
from datetime import UTC, datetime
from typing import Any, NoReturn

from common.version import NAME, version


class Parser(argparse.ArgumentParser):
    """argparse, but a mistake does not print the whole usage over the line that says what is wrong."""

    def error(self, message: str) -> NoReturn:
        problem = re.sub(r"invalid _\w+ value: ", "invalid value: ", " ".join(message.split()))  # a function's name
        self.exit(2, f"{self.prog}: {problem}; see {self.prog} --help\n")


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        sys.stdout.write(f"{NAME} {version()}\n")
        parser.exit()


def add_version(parser: argparse.ArgumentParser) -> None:
    """Add --version."""
    parser.add_argument("--version", action=_Version, nargs=0, default=argparse.SUPPRESS, help="say it and leave")


def aware_time(text: str) -> datetime:
    """The type of an option that takes a time: ISO 8601 with a UTC offset."""
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a time with a UTC offset, like 2024-08-26T16:33:00+09:00")
