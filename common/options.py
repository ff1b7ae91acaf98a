"""The command line of every program: wrong usage prints one line that names the option, and exits with code 2."""

import argparse
import re
import sys
from datetime import UTC, datetime
from typing import Any, NoReturn

from common.logging_setup import harmless
from common.version import NAME, version


class Parser(argparse.ArgumentParser):
    """argparse, but an error does not print the whole usage above the message."""

    def error(self, message: str) -> NoReturn:
        problem = re.sub(r"invalid _\w+ value: ", "invalid value: ", " ".join(message.split()))  # no names of ours
        self.exit(2, harmless(f"{self.prog}: {problem}; see {self.prog} --help\n"))


class _Version(argparse.Action):
    """Looks up the version only on request."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        sys.stdout.write(f"{NAME} {version()}\n")
        parser.exit()


def add_version(parser: argparse.ArgumentParser) -> None:
    """Add --version."""
    parser.add_argument("--version", action=_Version, nargs=0, default=argparse.SUPPRESS, help="show the version")


def aware_time(text: str) -> datetime:
    """The type of an option that takes a time: ISO 8601 with a UTC offset."""
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a time with a UTC offset, like 2024-08-26T16:33:00+09:00")
