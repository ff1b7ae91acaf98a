"""``hydrolog clock confirm``: a person says that the box's clock is right."""

import argparse
import sys
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

from cli import false_time, shell
from common import health
from common.clock import FUTURE_S, minute_of, minute_start
from common.errors import DatabaseDown, SettingsError
from common.options import Parser
from common.settings import Settings, load

SET_IT = "sudo timedatectl set-time '2026-05-04 12:30'"


def run(args: list[str]) -> int:
    """Write the confirmation for the producer; returns the exit code."""
    from producer import confirmation
    from producer.site_time import NEVER_SET_BEFORE_S

    options = _parser().parse_args(args)
    chosen = load(options.config)
    now = shell.site_clock(chosen.paths.data).now()
    if now.timestamp() < NEVER_SET_BEFORE_S:
        return _refuse(
            f"the clock says {_local(now, chosen)}: it was never set; nothing is confirmed. Set it: {SET_IT}"
        )
    newest, down = _newest(chosen, now)
    is_ahead = newest > now + timedelta(seconds=FUTURE_S)
    if is_ahead and not options.go_on:
        return _refuse(
            f"the clock says {_local(now, chosen)}, but there are rows up to {_local(newest, chosen)}; nothing is "
            f"confirmed.\nIf the clock is right, a wrong one made those rows: hydrolog clock confirm --go-on\n"
            f"If it is wrong, set it: {SET_IT}"
        )
    try:
        if options.go_on:
            down = _set_aside(chosen, now, is_ahead=is_ahead)
        confirmation.leave(chosen.paths.data, confirmation.GO_ON if is_ahead else confirmation.RIGHT)
    except OSError as error:
        raise SettingsError("paths.data", f"cannot write to {chosen.paths.data}: {error.strerror}") from error
    shell.say(f"confirmed: it is {_local(now, chosen)}; the producer takes this clock within a second")
    if down:
        advice = "when it is back, type hydrolog clock confirm --go-on, in case it has rows of the future"
        sys.stderr.write(f"{down}\n{advice}\n")
    return 0


def _newest(chosen: Settings, now: datetime) -> tuple[datetime, str]:
    try:
        return false_time.newest(chosen, now), ""
    except DatabaseDown as down:
        return false_time.closed(chosen, now), str(down)


def _waiting_from(chosen: Settings, now: datetime) -> int:
    """The minute of the oldest reading that waits in the producer: from it on, minutes are to come."""
    counters = health.load_all(chosen.paths.data).get("producer", {}).get("counters")
    minute = counters.get("waiting_from") if isinstance(counters, dict) else None
    recent = isinstance(minute, int) and timedelta(0) <= now - minute_start(minute) < timedelta(days=40)
    return min(minute, minute_of(now)) if recent and isinstance(minute, int) else minute_of(now)


def _set_aside(chosen: Settings, now: datetime, *, is_ahead: bool) -> str:
    """Move rows of the future out of the way before their minutes come; returns why the database keeps them, or ""."""
    folder = false_time.new_folder(chosen.paths.data, now)
    moved = false_time.set_aside_rows(chosen, _waiting_from(chosen, now) - 1, folder) if is_ahead else iter(())
    try:
        for path, rows in chain(moved, false_time.set_aside_stored(chosen, now, folder)):
            shell.say(f"set aside: {rows} rows in {path}")
    except DatabaseDown as down:
        return str(down)
    return ""


def _refuse(text: str) -> int:
    sys.stderr.write(text + "\n")
    return 1


def _local(time: datetime, chosen: Settings) -> str:
    return f"{time.astimezone(chosen.site.zone):%Y-%m-%d %H:%M} ({chosen.site.timezone})"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="hydrolog clock",
        description="Readings wait while nothing speaks for the box's clock: on a new box, after months without power, "
        "after a jump of more than two minutes. A time service or a meter's own clock ends that; so does this command.",
    )
    parser.add_argument("action", choices=["confirm"], help="say that the clock is right")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file")
    parser.add_argument(
        "--go-on",
        action="store_true",
        help="also where there are rows of the future, which a wrong clock made: they are moved to files in the "
        "data folder (set_aside/), and their minutes are open again",
    )
    return parser
