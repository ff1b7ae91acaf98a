"""Whoever reads the page: the language and the units of choice, and how numbers and times are written."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from starlette.requests import Request

from common.messages import Catalogue, words
from server.languages import language_of

ABSENT = "–"
METRES_A_BAR = 10.197  # of water at 4 °C


class Unit(NamedTuple):
    """How a channel is shown: `factor` times what is stored."""

    name: str
    factor: float
    decimals: int


FLOW_UNITS = {"m3h": Unit("m³/h", 1.0, 2), "ls": Unit("L/s", 1 / 3.6, 3)}
PRESSURE_UNITS = {"bar": Unit("bar", 1.0, 2), "kpa": Unit("kPa", 100.0, 0), "m": Unit("m", METRES_A_BAR, 1)}
UNITS = {"flow": FLOW_UNITS, "pressure": PRESSURE_UNITS}
THEMES = ("auto", "light", "dark", "contrast")


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader at one moment.

    Attributes:
        now: the site's time, UTC.
        choices: language, flow, pressure and theme by their names.
    """

    words: Catalogue = field(compare=False)
    zone: ZoneInfo
    now: datetime = field(compare=False)
    choices: tuple[str, str, str, str]

    @property
    def language(self) -> str:
        return self.choices[0]

    @property
    def flow_unit(self) -> Unit:
        return FLOW_UNITS[self.choices[1]]

    @property
    def pressure_unit(self) -> Unit:
        return PRESSURE_UNITS[self.choices[2]]

    @property
    def theme(self) -> str:
        return self.choices[3]

    def flow(self, value_m3h: float | None) -> str:
        """A flow without its unit."""
        return _figure(value_m3h, self.flow_unit)

    def pressure(self, value_bar: float | None) -> str:
        return _figure(value_bar, self.pressure_unit)

    def count(self, number: float | None) -> str:
        return ABSENT if number is None else f"{number:,.0f}"

    def time(self, seconds: float | None) -> str:
        """Day and time in the site's zone."""
        if seconds is None:
            return ABSENT
        return self.words.time(datetime.fromtimestamp(seconds, UTC).astimezone(self.zone), self.now)

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
    choices = (
        language,
        "m3h",
        "bar",
        THEMES[0],
    )  # until the charts follow a reader's units and colours, all have these
    return Reader(words(language), zone, now, choices)


def _figure(value: float | None, unit: Unit) -> str:
    if value is None:
        return ABSENT
    shown = value * unit.factor
    size = abs(shown)
    decimals = max(0, unit.decimals - (2 if size >= 1000 else 1 if size >= 100 else 0))
    return f"{shown:,.{decimals}f}"
