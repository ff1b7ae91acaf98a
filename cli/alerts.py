"""`hydrolog alerts test`: send a test message to each address, or show what would have been sent in the last day."""

import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cli import shell
from cli.shell import printable
from common import settings
from common.clock import minute_of, minute_start
from common.errors import HydrologError
from common.folder import FINDINGS_FILE
from common.settings import Settings
from outliers import findings

if TYPE_CHECKING:
    from consumer.alerts.text import Message

DAY = timedelta(days=1)


def run(args: list[str]) -> int:
    """Exit code 0 if every address accepted the message, otherwise 1."""
    parser = shell.parser("alerts", "Test the alarms.")
    commands = parser.add_subparsers(dest="command", required=True)
    words = "send a test message to every address, or show what would have been sent"
    test = commands.add_parser("test", help=words, description=words)
    shell.add_config_again(test)
    test.add_argument("--dry-run", action="store_true", help="send nothing: show the messages of the last day")
    options = parser.parse_args(args)
    chosen = settings.load(options.config)
    now = shell.site_clock(chosen.paths.data).now()
    return _show(chosen, now) if options.dry_run else _send(chosen, now, options.config)


def _send(chosen: Settings, now: datetime, config: Path | None) -> int:
    from consumer.alerts.messenger import Messengers
    from consumer.alerts.text import Message
    from consumer.alerts.worker import GROUP, open_settings

    messengers = Messengers(chosen.alerts.urls, threading.Event())
    messengers.check()
    local = now.astimezone(chosen.site.zone)
    body = f"A test of {local:%Y-%m-%d %H:%M} ({chosen.site.timezone}). Alarms of this site will arrive here."
    message = Message(f"hydrolog {chosen.site.id}: test", body, "info")
    failed = False
    for place in range(len(messengers)):
        problem = messengers.send(place, message)
        failed = failed or bool(problem)
        sys.stdout.write(f"{messengers.name(place)}: {printable(problem) or 'ok'}\n")
    if GROUP not in chosen.log.groups:
        sys.stdout.write('but log.groups does not name "alerts": no alarm will be sent; see docs/operators/alerts.md\n')
    if warning := open_settings(config):
        sys.stdout.write(f"{printable(warning)}\n")
    return HydrologError.exit_code if failed else 0


def _show(chosen: Settings, now: datetime) -> int:
    count = 0
    for minute, message in would_be(chosen, now - DAY, now):
        count += 1
        local = minute_start(minute).astimezone(chosen.site.zone)
        body = "\n".join(printable(line) for line in message.body.splitlines())
        sys.stdout.write(f"--- {local:%Y-%m-%d %H:%M} {printable(message.title)}\n{body}\n\n")
    sys.stdout.write(f"{count} messages over the last day, to {len(chosen.alerts.urls)} addresses\n")
    return 0


def would_be(chosen: Settings, start: datetime, end: datetime) -> "Iterator[tuple[int, Message]]":
    """The messages for the findings between two times, with their minutes, within the limits of the settings.

    Alarms about the box itself are not included, because they are not findings.
    """
    from consumer.alerts.events import EventTracker
    from consumer.alerts.pending import Queue, digest_day, first_digest_day
    from consumer.alerts.text import compose

    zone, per_hour, at = chosen.site.zone, chosen.alerts.messages_per_hour, chosen.alerts.digest
    known = sorted(findings.load(chosen.paths.data / FINDINGS_FILE), key=lambda finding: finding.minute)
    tracker, queue = EventTracker(), Queue()
    last = first_digest_day(start, zone, at)
    left = [finding for finding in known if minute_of(start) <= finding.minute <= minute_of(end)]
    for minute in range(minute_of(start), minute_of(end) + 1):
        while left and left[0].minute == minute:
            for event in tracker.finding(left.pop(0)):
                queue.add(event, digest=bool(at))
        now = minute_start(minute)
        if day := digest_day(now, zone, at, last):
            last = day
            queue.digest_due()
        if queue.may_send(now.timestamp(), per_hour):
            yield minute, compose(queue, chosen.site.id, zone, per_hour)
            queue.sent(now.timestamp())
