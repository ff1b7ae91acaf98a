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
from common.clock import minute_of
from common.errors import HydrologError
from common.settings import Settings

if TYPE_CHECKING:
    from common.settings_alerts import Person
    from messengers.message import Message

DAY = timedelta(days=1)


def run(args: list[str]) -> int:
    """Exit code 0 if every address accepted the message, otherwise 1."""
    parser = shell.parser("alerts", "Test the alarms.")
    commands = parser.add_subparsers(dest="command", required=True)
    words = "send a test message to every address, or show what would have been sent"
    test = shell.add_action(commands, "test", words)
    test.add_argument("--dry-run", action="store_true", help="send nothing: show what each person would be told")
    options = parser.parse_args(args)
    chosen = settings.load(options.config)
    now = shell.site_clock(chosen.paths.data).now()
    return _show(chosen, now) if options.dry_run else _send(chosen, now, options.config)


def _send(chosen: Settings, now: datetime, config: Path | None) -> int:
    from consumer.alerts.worker import open_settings
    from messengers.messenger import Messengers
    from messengers.trial import tried

    messengers = Messengers(chosen.alerts, threading.Event())
    messengers.check()
    failed = False
    for name in messengers.people:
        problem = tried(messengers, name, chosen, now)
        failed = failed or bool(problem)
        sys.stdout.write(f"{messengers.shown(name)}: {printable(problem) or 'ok'}\n")
    if not chosen.are_alarms_sent:
        sys.stdout.write('but log.groups does not name "alerts": no alarm will be sent; see docs/operators/alerts.md\n')
    if warning := open_settings(config):
        sys.stdout.write(f"{printable(warning)}\n")
    return HydrologError.exit_code if failed else 0


def _show(chosen: Settings, now: datetime) -> int:
    """What each recipient would be told of the incidents of the last day, as they are now."""
    from messengers.messenger import Messengers

    messengers = Messengers(chosen.alerts, threading.Event())
    for name, person in messengers.people.items():
        who = f"{messengers.shown(name)} {printable(person.name)}".strip()
        language = person.language or chosen.site.language
        messages = [*would_be(chosen, person, now)]
        quiet = f", not between {person.quiet_hours} but for: {', '.join(person.wakes)}" if person.quiet_hours else ""
        sys.stdout.write(f"=== {who}, {language}: {len(messages)} messages over the last day{quiet}\n")
        for when, message in messages:
            body = "\n".join(printable(line) for line in message.body.splitlines())
            sys.stdout.write(f"--- {when}: {printable(message.title)}\n{body}\n\n")
    return 0


def would_be(chosen: Settings, person: "Person", now: datetime) -> "Iterator[tuple[str, Message]]":
    """A message for each incident of the day before `now`, as to somebody who was told nothing yet; and when.

    Troubles of the box itself are not included, because they are found only by the running group.
    """
    from common.sensor_names import SensorNames
    from consumer.alerts.known import KnownIncidents
    from consumer.alerts.pending import Queue, in_digest
    from consumer.alerts.text import compose, site_of

    minute, site = minute_of(now), site_of(chosen, SensorNames(chosen.paths.data).now())
    queue = Queue(began=minute_of(now - DAY))
    for item in queue.items(KnownIncidents(chosen.paths.data).now(minute), person, minute):
        when = f"in the digest of {person.digest}" if in_digest(item, person) else "at once"
        yield when, compose([item], queue, site, person.language or site.language, minute)
