"""The settings of the alerts: who is told what, in which language, and when not."""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from common.messages import LANGUAGES
from common.settings_checks import alert_urls, between, clock_time, key
from common.verdict import FAULT, LEAK, SILENT, TROUBLE, WATCH

GROUP = "alerts"  # the consumer group that tells people
SUPPLY = "supply"
TOLD_KINDS = (LEAK, FAULT, SILENT, TROUBLE, SUPPLY, WATCH)  # of incidents; and of the box: silent, trouble
_SPAN = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)", re.ASCII)


# None of these shows the value: an address with its password may stand in the wrong place.
def _kinds(value: tuple[str, ...]) -> str | None:
    return None if value and set(value) <= {*TOLD_KINDS} else f"must be some of {', '.join(TOLD_KINDS)}"


def _waking(value: tuple[str, ...]) -> str | None:
    return _kinds(value) if value else None


def _span(value: str) -> str | None:
    found = _SPAN.fullmatch(value)
    good = not value or (found and not any(clock_time(time) for time in found.groups()) and found[1] != found[2])
    return None if good else 'must be a span like "22:00-06:00"'


def _digest(value: str) -> str | None:
    return None if value == "" or clock_time(value) is None else 'must be a time like "08:00"'


def _language(value: str) -> str | None:
    return None if value in ("", *LANGUAGES) else f"must be one of {', '.join(LANGUAGES)}"


def _name(value: str) -> str | None:
    good = len(value) <= 40 and value.isprintable() and "://" not in value
    return None if good else "must be a name of at most 40 printable characters"


def _page_url(value: str) -> str | None:
    problem = "must be the page's address as people reach it, like https://water.example/ (without name or password)"
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and parts.hostname and "@" not in value and not parts.fragment
    except ValueError:
        return problem
    return None if not value or (good and not re.search(r"\s", value)) else problem


@dataclass(frozen=True)
class Person:
    """Who is told.

    Attributes:
        addresses: secrets: they hold passwords and tokens.
        language: empty: the site's.
        kinds: what this person is told.
        quiet_hours: site time in which only `wakes` are told; the others wait for its end.
        digest: WATCH and SUPPLY wait for this time of the day; empty: they come at once.
        report: day of the month on which the report of the month before comes; 0: never.
    """

    name: str = key("", _name)
    addresses: tuple[str, ...] = key([], alert_urls)
    language: str = key("", _language)
    kinds: tuple[str, ...] = key([LEAK, FAULT, SILENT, TROUBLE], _kinds)
    quiet_hours: str = key("", _span)
    wakes: tuple[str, ...] = key([LEAK], _waking)
    digest: str = key("", _digest)
    report: int = key(0, between(0, 28))

    def sleeps(self, local: datetime) -> bool:
        """Whether a local time is in the quiet hours, which may go over midnight."""
        if not self.quiet_hours:
            return False
        first, _, end = self.quiet_hours.partition("-")
        time = f"{local:%H:%M}"
        return first <= time < end if first < end else time >= first or time < end


def _people(value: tuple[Person, ...]) -> str | None:
    for number, person in enumerate(value, 1):
        if not person.addresses:
            return f"number {number} has no addresses"
    return None


@dataclass(frozen=True)
class AlertsSettings:
    urls: tuple[str, ...] = key([], alert_urls)  # secrets; who stands here is told everything, in the site's language
    people: tuple[Person, ...] = key([], _people)
    messages_per_hour: int = key(6, between(1, 3600))  # for faults, and as many again for leaks: more is not read
    digest: str = key("", _digest)  # WATCH and SUPPLY to `urls`, once a day; empty: never
    silent_minutes: int = key(15, between(2, 7 * 1440))
    silent_box_minutes: int = key(60, between(15, 7 * 1440))  # without a delivery from a box: hydrolog-server tells it
    page_url: str = key("", _page_url)  # for the link in a message

    @property
    def addresses(self) -> tuple[str, ...]:
        """All of them; secrets."""
        return (*self.urls, *(url for person in self.people for url in person.addresses))
