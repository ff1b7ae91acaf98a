"""The incidents of the box for the page: values, and sentences of now in the reader's language. Works without the
database.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from common.messages import Catalogue
from incidents.incident import Incident, Sign
from incidents.reading import Incidents, Known
from incidents.sentences import told, unreadable
from outliers import flags

MOST_SHOWN = 60  # each is about 1 KB, and a page asks every few seconds
BEFORE_CHARTS = 5  # so many, or all that are up: on a phone the charts come after them

LOOKS = {"LEAK": "bad", "FAULT": "fault", "PLANNED": "planned"}  # of a severity; warn for any other

Json = dict[str, Any]


def shown(
    incidents: Incidents, names: Mapping[str, str], words: Catalogue, zone: ZoneInfo, minute: int, *, sensor: str = ""
) -> Json:
    """The incidents of all sensors or of one: those that are up, the worst first, then the newest of the others.

    `names`: of the sensors, by id.
    """
    all_of_them = sorted((each for each in incidents.known if sensor in ("", each.incident.sensor)), key=_urgency)
    known = all_of_them[:MOST_SHOWN]
    return {
        "language": words.language,
        "problem": unreadable(incidents.problem, words),
        "left_out": len(all_of_them) - len(known),
        "incidents": [one(each, names.get(each.incident.sensor, ""), words, zone, minute) for each in known],
    }


def before_charts(shown: Json, sensor: str = "") -> Json:
    """What a page says of all incidents, or of one sensor's, and where the others are; empty if these are all."""
    known = shown["incidents"]
    up = [each for each in known if each["ended"] is None]
    few = known[: max(BEFORE_CHARTS, len(up))]
    others = len(known) + shown["left_out"] > len(few)
    place = f"incidents?sensor={quote(sensor)}" if sensor else "incidents"
    return {"problem": shown["problem"], "incidents": few, "more": place if others else ""}


def _urgency(known: Known) -> int:
    incident = known.incident
    return len(flags.WORST_FIRST) if incident.ended is not None else flags.WORST_FIRST.index(incident.severity)


def one(known: Known, name: str, words: Catalogue, zone: ZoneInfo, minute: int) -> Json:
    """One incident. `name`: of its sensor."""
    incident, life = known
    said = told(known, name or incident.sensor, words, zone, minute)
    return {
        "id": incident.id,
        "sensor": incident.sensor,
        "name": name,
        "kind": incident.kind,
        "look": LOOKS.get(incident.severity.upper(), "warn") if incident.ended is None else "over",
        "severity": incident.severity.upper(),
        "began": incident.began * 60,
        "ended": None if incident.ended is None else incident.ended * 60,
        "minutes": incident.minutes(minute),
        "size": _size(incident),
        "largest_m3h": incident.largest_m3h,
        "volume_m3": incident.volume_m3,
        "stage": str(life.stage),
        "by": life.by,
        "at": int(life.at.timestamp()) if life.at else None,
        "until": None if life.until is None else life.until * 60,
        "cause": life.cause,
        "title": said.title,
        "what": said.what,
        "why": said.why,
        "todo": said.todo,
        "life": said.life,
        "charts": [chart(incident, sign, minute) for sign in incident.up or incident.signs],
    }


def mark(known: Known, name: str, words: Catalogue, zone: ZoneInfo, minute: int) -> Json:
    """What a chart shows of an incident."""
    whole = one(known, name, words, zone, minute)
    look = LOOKS.get(known.incident.severity.upper(), "warn")
    return {key: whole[key] for key in ("id", "title", "began", "ended")} | {"look": look}


def _size(incident: Incident) -> Json | None:
    size = incident.size
    if size is None:
        return None
    return {"flow_m3h": size.flow_m3h, "error_m3h": size.error_m3h, "at": size.minute * 60}


def chart(incident: Incident, sign: Sign, minute: int) -> Json:
    """Which chart explains a sign: the request for `/api/finding`."""
    channel = sign.channel if sign.channel in flags.CHANNELS else "flow"
    start = sign.raised * 60
    end = (minute if sign.ended is None else sign.ended) * 60
    return {
        "sensor": incident.sensor,
        "channel": channel,
        "method": sign.method,
        "code": sign.code,
        "severity": sign.severity.upper(),
        "start": start,
        "end": max(start, end),
    }
