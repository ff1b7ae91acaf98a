"""A test message, and what became of it."""

from datetime import datetime

from common.settings import Settings
from common.settings_alerts import Person
from messengers.message import Message
from messengers.messenger import Messengers
from messengers.phrases import say


def message_for(person: Person, settings: Settings, now: datetime) -> Message:
    """The test message in a person's language. `now`: by the site's clock."""
    language, site = person.language or settings.site.language, settings.site
    local = f"{now.astimezone(site.zone):%Y-%m-%d %H:%M}"
    title = f"{say(language, 'test title')} ({site.id})"
    return Message(title, say(language, "test", now=local, zone=site.timezone), "info")


def tried(messengers: Messengers, name: str, settings: Settings, now: datetime) -> str:
    """Send a recipient the test message; returns "" if it was accepted, else the error without secrets."""
    return messengers.send(name, message_for(messengers.people[name], settings, now))
