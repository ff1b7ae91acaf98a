"""`hydrolog weather show|add|clear`: temperature and rain, measured and forecast, for the forecasts of water use."""

import argparse
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cli import acting, shell
from cli.recorded.description import zone_named, zone_problem
from common import health, settings, weather
from common.clock import local_text
from common.errors import HydrologError, SettingsError
from common.settings import Settings
from common.weather import HOUR, WeatherHour
from forecaster.weather_table import WeatherRefused, read_weather, within
from situation.processes import time_of


class WeatherUnwritable(HydrologError):
    """The weather could not be changed."""


def run(args: list[str]) -> int:
    """Show, add or clear.

    Raises:
        WeatherRefused: the file is not as described; nothing has changed.
        WeatherUnwritable: the data folder cannot be written; nothing has changed.
    """
    options = _parser().parse_args(args)
    chosen = settings.load(options.config)
    data = chosen.paths.data
    if options.action in ("add", "clear"):
        acting.become_owner(data)
        try:
            shell.say(_added(chosen, options) if options.action == "add" else _cleared(data))
        except OSError as error:
            raise WeatherUnwritable(f"cannot write to {data}: {error.strerror}; nothing has changed") from error
        return 0
    _show(chosen, options.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = shell.parser(
        "weather",
        "Temperature and rain at the site, hour by hour, which the forecasts use. Without an action: show.",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    show = shell.add_action(actions, "show", "show what is known, and of which hours")
    show.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="for programs")
    add = shell.add_action(
        actions,
        "add",
        "add measured hours, forecasts, or both",
        "Add the hours of a CSV file: time, temperature_c (°C), rain_mm_h (mm/h) or rain_mm (mm a row), and made_at "
        "for forecasts made at several times. Hours that are over by then count as measured. The file is taken whole "
        "or not at all; a repeated file changes nothing.",
    )
    add.add_argument("file", type=Path, metavar="FILE", help="CSV with a header")
    add.add_argument(
        "--zone", default="", metavar="ZONE", help="of times without a UTC offset, like +09:00 (default: the site's)"
    )
    add.add_argument("--made-at", metavar="TIME", help="when the forecast was made, with its UTC offset (default: now)")
    shell.add_action(actions, "clear", "forget all weather, as of another place")
    return parser


def _added(chosen: Settings, options: argparse.Namespace) -> str:
    now = shell.site_clock(chosen.paths.data).now()
    if problem := zone_problem(options.zone):
        raise SettingsError("--zone", problem)
    table = read_weather(options.file, zone_named(options.zone, chosen.site.zone), _made_at(options.made_at, now), now)
    try:
        kept = within(table.hours, now)
    except WeatherRefused as error:
        raise WeatherRefused(f"{options.file}: {error}") from error
    changed = weather.add(chosen.paths.data, kept, now)
    notes = [f"{changed} new or changed"]
    notes += [f"{len(table.hours) - len(kept)} too old or too far ahead"] if len(kept) < len(table.hours) else []
    notes += [f"{table.skipped} rows at times skipped in spring left out"] if table.skipped else []
    return "; ".join([*spans(kept, chosen.site.zone), *notes])


def _made_at(text: str | None, now: datetime) -> datetime:
    if text is None:
        return now
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = datetime.min
    if not weather.is_time(time):
        raise WeatherRefused(f"--made-at: {text!r} is no time with a UTC offset, like 2024-09-17T09:00+09:00")
    return time.astimezone(UTC)


def _cleared(data: Path) -> str:
    return "the weather is forgotten" if weather.clear(data) else "there was no weather"


def spans(hours: list[WeatherHour], zone: ZoneInfo) -> Iterator[str]:
    """How many hours are measured and forecast, from when to when."""
    kinds = ("measured", [h for h in hours if not h.days_before]), ("forecast", [h for h in hours if h.days_before])
    for kind, own in kinds:
        if own:
            first, last = (local_text(pick(h.hour for h in own), zone) for pick in (min, max))
            yield f"{len(own)} hours {kind}, {first} to {last}"


def _show(chosen: Settings, as_json: bool) -> None:
    lines = weather.read(chosen.paths.data)
    told = {kind: _known(lines, measured=kind == "measured") for kind in ("measured", "forecast")}
    source = _source(chosen) if chosen.weather.url else {}
    if as_json:
        shell.say(json.dumps({**told, "source": source} if source else told))
        return
    if source:
        shell.say(_said_of(source, chosen.site.zone))
    elif not lines:
        shell.say("no weather is known; to add some: hydrolog weather add FILE")
        return
    table = shell.table("", "from", "to", "hours", "missing", "temperature", "rain", "last made", whole=("from", "to"))
    for kind, known in told.items():
        if known["hours"]:
            times = [local_text(datetime.fromisoformat(known[k]), chosen.site.zone) for k in ("from", "to", "made_at")]
            counts = [str(known[k]) for k in ("hours", "missing", "temperature", "rain")]
            table.add_row(kind, *times[:2], *counts, times[2])
    shell.console().print(table)


def _source(chosen: Settings) -> dict[str, str]:
    """How the source of the settings is, as the forecaster says."""
    counters = health.load_all(chosen.paths.data).get("forecaster", {}).get("counters")
    said: Mapping[str, Any] = counters if isinstance(counters, dict) else {}
    names = {"asked": "weather_asked", "problem": "weather_problem", "problem_since": "weather_problem_since"}
    return {"url": chosen.weather.url} | {name: str(said.get(key) or "") for name, key in names.items()}


def _said_of(source: Mapping[str, str], zone: ZoneInfo) -> str:
    asked, since = (time_of(source[name]) for name in ("asked", "problem_since"))
    came = f"last came {local_text(asked, zone)}" if asked else "nothing has come since the forecaster was started"
    problem = f"; not since {local_text(since, zone)}: {source['problem']}" if since else ""
    return shell.printable(f"{source['url']}: {came}{problem}")


def _known(lines: list[WeatherHour], *, measured: bool) -> dict[str, Any]:
    """Of measured hours, or of the newest forecast of each hour that is not measured."""
    own = {line.hour for line in lines if not line.days_before}
    best = {line.hour: line for line in lines if (line.hour in own) == measured}  # the last one was known last
    if not best:
        return {"hours": 0}
    first, last = min(best), max(best)
    return {
        "hours": len(best),
        "from": first.isoformat(),
        "to": last.isoformat(),
        "missing": round((last - first) / HOUR) + 1 - len(best),
        "temperature": sum(line.temperature_c is not None for line in best.values()),
        "rain": sum(line.rain_mm_h is not None for line in best.values()),
        "made_at": max(line.made_at for line in best.values()).isoformat(),
    }
