"""Whoever reads the page: the language, and how numbers and times are written."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from starlette.requests import Request

from common.messages import Catalogue, words
from server.languages import language_of

ABSENT = "–"
FLOW_UNIT, PRESSURE_UNIT = "m³/h", "bar"


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader at one moment.

    Attributes:
        now: the site's time, UTC.
    """

    words: Catalogue
    zone: ZoneInfo
    now: datetime

    @property
    def language(self) -> str:
        return self.words.language

    @property
    def local_now(self) -> str:
        """Now at the site, as a browser's field for a local time has it."""
        return self.now.astimezone(self.zone).strftime("%Y-%m-%dT%H:%M")

    def figure(self, value: float | None) -> str:
        """A flow or a pressure without its unit."""
        if value is None:
            return ABSENT
        size = abs(value)
        return f"{value:,.{0 if size >= 1000 else 1 if size >= 100 else 2}f}"

    def count(self, number: float | None) -> str:
        return ABSENT if number is None else f"{number:,.0f}"

    def time(self, seconds: float | None) -> str:
        """Day and time in the site's zone."""
        if seconds is None:
            return ABSENT
        return self.words.time(self.local(seconds), self.now)

    def local(self, seconds: float) -> datetime:
        """By the site's clock."""
        return datetime.fromtimestamp(seconds, self.zone)

    def age(self, seconds: float | None) -> str:
        """A span of time; the page's script counts on from it."""
        if seconds is None:
            return ABSENT
        return self.words.span(seconds / 60) if seconds >= 60 else self.words.say("under a minute")


def reader_of(request: Request, of_site: str, zone: ZoneInfo, now: datetime) -> Reader:
    """The reader of a request.

    The language is what the address asks for, else what was chosen before, else the browser's, else the site's.
    """
    chosen = request.cookies
    language = language_of({**chosen, **request.query_params}, request.headers, of_site)
    return Reader(words(language), zone, now)
