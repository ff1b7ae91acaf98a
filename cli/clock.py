"""``hydrolog clock confirm``: a person confirms that the box's clock is right."""

import argparse
import sys
from pathlib import Path

from common.errors import SettingsError
from common.options import Parser
from common.settings import load


def run(args: list[str]) -> int:
    """Write the confirmation for the producer; returns the exit code."""
    from producer import confirmation

    options = _parser().parse_args(args)
    data = load(options.config).paths.data
    try:
        confirmation.leave(data, confirmation.GO_ON if options.go_on else confirmation.RIGHT)
    except OSError as error:
        raise SettingsError("paths.data", f"cannot write to {data}: {error.strerror}") from error
    sys.stdout.write("confirmed; the producer continues with this clock within a second\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="hydrolog clock",
        description="After the clock jumped by more than two minutes, or was earlier than the last closed minute, "
        "readings of meters without their own clock wait until it is confirmed.",
    )
    parser.add_argument("action", choices=["confirm"], help="confirm that the clock is right")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file")
    parser.add_argument(
        "--go-on",
        action="store_true",
        help="also reopen minutes that a wrong clock closed too early; they may get a second row",
    )
    return parser
