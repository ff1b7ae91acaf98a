"""Whoever reads the page: the language, the units, and how numbers and times are written."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request

from common.messages import Catalogue, words
from common.units import Units, chosen
from server.languages import language_of

ABSENT = "–"


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

    @property
    def units(self) -> Units:
        return self.words.units

    @property
    def choices(self) -> str:
        """What the reader has chosen, for the address of what an open page asks for: it stays as it was opened."""
        return urlencode({"language": self.language, **self.units.keys})

    def figure(self, channel: str, value: float | None) -> str:
        """A flow of m3/h or a pressure of bar in the reader's unit, which stands elsewhere."""
        return ABSENT if value is None else self.words.figure(channel, value)

    def measured(self, channel: str, value: float | None) -> str:
        """The same with its unit."""
        return ABSENT if value is None else self.words.measured(channel, value)

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

    Language and units are what the address asks for, else what was chosen before, else the browser's language, else the
    site's. A form is read in the units that it was shown in, whatever was chosen meanwhile.
    """
    asked = {**request.cookies, **request.query_params, **request.state.form}
    return Reader(words(language_of(asked, request.headers, of_site), chosen(asked)), zone, now)
