"""An incident in plain English: title, what, why, and what people did last."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from common.clock import minute_start
from incidents.incident import Incident, Sign
from incidents.life import Life, Stage
from incidents.reading import Known


@dataclass(frozen=True)
class Told:
    """An incident in sentences."""

    title: str
    what: str
    why: tuple[str, ...]  # one for each sign that stands, or for all of them after its end
    todo: tuple[str, ...]
    life: str  # empty while nobody has taken note


def told(known: Known, name: str, language: str, zone: ZoneInfo, minute: int) -> Told:
    """What to say about an incident at UTC `minute`. English is the only `language`."""
    incident, life = known
    title = f"[{incident.severity.upper()}] {name}"
    signs = incident.up or incident.signs
    what = " ".join(filter(None, (_lasting(incident, zone, minute), _size(incident))))
    return Told(title, what, tuple(map(_sign, signs)), (), _life(life, zone))


def local(moment: datetime | int, zone: ZoneInfo) -> str:
    """A time or a UTC minute as the site's clock shows it."""
    time = minute_start(moment) if isinstance(moment, int) else moment
    return f"{time.astimezone(zone):%Y-%m-%d %H:%M}"


def span(minutes: int) -> str:
    """A time span in its two largest units."""
    for unit_minutes, unit, part_minutes, part in ((1440, "d", 60, "h"), (60, "h", 1, "min")):
        if minutes >= unit_minutes:
            return f"{minutes // unit_minutes} {unit} {minutes % unit_minutes // part_minutes} {part}"
    return f"{minutes} min"


def _lasting(incident: Incident, zone: ZoneInfo, minute: int) -> str:
    lasted = span(incident.minutes(minute))
    if incident.ended is None:
        return f"Since {local(incident.began, zone)}, for {lasted}."
    return f"From {local(incident.began, zone)} to {local(incident.ended, zone)}, for {lasted}; it is over."


def _size(incident: Incident) -> str:
    parts = []
    if incident.size and incident.ended is None:
        parts.append(f"{incident.size.flow_m3h:.1f} ± {incident.size.error_m3h:.1f} m3/h now")
    if incident.largest_m3h is not None:
        parts.append(f"{incident.largest_m3h:.1f} m3/h at most")
    if incident.volume_m3 is not None:
        parts.append(
            f"{incident.volume_m3:.0f} m3 lost so far"
            if incident.ended is None
            else f"{incident.volume_m3:.0f} m3 lost"
        )
    return f"{', '.join(parts)}." if parts else ""


def _sign(sign: Sign) -> str:
    numbers = [f"{name} {value:.3g}" for name, value in sign.numbers.items()]
    end = [f"ended: {sign.end}"] if sign.end else []
    seen = ", ".join([*numbers, *sign.notes, *end])
    return f"{sign.code} by {sign.method} at the {sign.channel}" + (f": {seen}" if seen else "")


def _life(life: Life, zone: ZoneInfo) -> str:
    if life.waits or life.at is None:
        return ""
    said = f"{life.stage} by {life.by}, {local(life.at, zone)}"
    if life.stage is Stage.SHELVED and life.until is not None:
        return f"{said}, until {local(life.until, zone)}"
    return f"{said}: {life.cause}" if life.cause else said
