"""Whether the weather's source gives what the forecasts can use. It is asked once; nothing is kept."""

from collections.abc import Iterator
from datetime import datetime

from cli.check_result import CheckResult
from cli.shell import printable
from cli.weather import spans
from common.errors import HydrologError
from common.http_answer import HttpAnswer
from common.settings import Settings
from common.weather import WeatherHour


def weather(chosen: Settings, now: datetime) -> Iterator[CheckResult]:
    """One line; nothing without a source."""
    if not chosen.weather.url:
        return
    if chosen.is_center:
        yield CheckResult(False, "weather", "a center forecasts without weather; remove weather.url")
        return
    try:
        yield CheckResult(True, "weather", printable(f"{_asked(chosen, now)}; from {chosen.weather.url}"))
    except HydrologError as error:
        yield CheckResult(False, "weather", printable(f"{error} (see docs/operators/weather.md)"))


def _asked(chosen: Settings, now: datetime) -> str:
    """What comes, in words.

    Raises:
        HydrologError: nothing that can be used; says why.
    """
    from forecaster.weather_source import TIMEOUT_S, WeatherService

    service = WeatherService(chosen)
    exchange = service.exchange(now)
    exchange.start()
    if not exchange.ended.wait(TIMEOUT_S):
        exchange.cut()
        return _said(service.hours(HttpAnswer(None, f"not complete within {TIMEOUT_S:g} s"), now), chosen)
    return _said(service.hours(exchange.answer, now), chosen)


def _said(hours: list[WeatherHour], chosen: Settings) -> str:
    return "; ".join(spans(hours, chosen.site.zone))
