"""Whoever reads the page: the language, the units, and how numbers and times are written."""

from dataclasses import dataclass
from datetime import datetime
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
    def choices(self) -> dict[str, str]:
        """Language and units as parameters of an address."""
        return {"language": self.language, **self.units.keys}

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

    Language and units are what the address asks for, else what this user has chosen, else what was chosen in this
    browser, else the browser's language, else the site's. A form is read in the units that it was shown in, whatever
    was chosen meanwhile.
    """
    state = request.state
    of_user = state.user.reads_in if state.user else {}
    asked = {**request.cookies, **of_user, **request.query_params, **state.form}
    return Reader(words(language_of(asked, request.headers, of_site), chosen(asked)), zone, now)
