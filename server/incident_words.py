"""An incident in words, by the catalogue of sentences; in plain English on an installation that has none."""

import importlib
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from common.clock import minute_start
from incidents.incident import Incident, Sign
from incidents.life import Life
from incidents.reading import Known


@dataclass(frozen=True)
class Told:
    """See `incidents.sentences`, whose place it takes."""

    title: str
    what: str
    why: tuple[str, ...]
    todo: tuple[str, ...]
    life: str


def told(known: Known, name: str, language: str, zone: ZoneInfo, minute: int) -> Told:
    """What to say of an incident at UTC `minute`."""
    try:
        sentences = importlib.import_module("incidents.sentences")
    except ModuleNotFoundError:
        return _plain(known, name, zone, minute)
    said: Told = sentences.told(known, name, language, zone, minute)
    return said


def _plain(known: Known, name: str, zone: ZoneInfo, minute: int) -> Told:
    incident, life = known
    over = "" if incident.ended is None else ": over"
    why = tuple(_why(sign) for sign in incident.up or incident.signs)
    return Told(f"[{incident.severity}{over}] {name}", _what(incident, zone, minute), why, (), _life(life, zone))


def _what(incident: Incident, zone: ZoneInfo, minute: int) -> str:
    began, lasted = _time(incident.began, zone), incident.minutes(minute)
    if incident.ended is not None:
        return f"From {began} to {_time(incident.ended, zone)} ({lasted:,} minutes)."
    size = incident.size
    now = f", {size.flow_m3h:.1f} ± {size.error_m3h:.1f} m³/h at {_time(size.minute, zone)}" if size else ""
    return f"Since {began} ({lasted:,} minutes){now}."


def _why(sign: Sign) -> str:
    numbers = ", ".join(f"{name} {value:g}" for name, value in sign.numbers.items())
    return f"{sign.method} {sign.code}" + (f": {numbers}" if numbers else "")


def _life(life: Life, zone: ZoneInfo) -> str:
    if life.waits or life.at is None:
        return ""
    return f"{str(life.stage).capitalize()} by {life.by}, {life.at.astimezone(zone):%Y-%m-%d %H:%M}."


def _time(minute: int, zone: ZoneInfo) -> str:
    return f"{minute_start(minute).astimezone(zone):%Y-%m-%d %H:%M}"
