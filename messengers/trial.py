"""A test message, and what became of it."""

from datetime import datetime

from common.clock import local_text
from common.messages import words
from common.settings import Settings
from common.settings_alerts import Person
from messengers.message import Message
from messengers.messenger import Messengers


def message_for(person: Person, settings: Settings, now: datetime) -> Message:
    """The test message in a person's language. `now`: by the site's clock."""
    site, speech = settings.site, words(person.language or settings.site.language)
    body = speech.say(
        "A test of {now} ({zone}). Alarms of this site will arrive here.",
        now=local_text(now, site.zone),
        zone=site.timezone,
    )
    return Message(speech.say("test") + f" ({site.id})", body, "info")


def tried(messengers: Messengers, name: str, settings: Settings, now: datetime) -> str:
    """Send a recipient the test message; returns "" if it was accepted, else the error without secrets."""
    return messengers.send(name, message_for(messengers.people[name], settings, now))
