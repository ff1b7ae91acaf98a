"""An incident as JSON for programs: times as ISO 8601 of the site's zone, numbers that are not known as null."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from common.clock import minute_start
from incidents.acts import Act
from incidents.incident import Sign
from incidents.life import Life
from incidents.reading import Known
from incidents.sentences import Told


def plain(known: Known, said: Told, zone: ZoneInfo, minute: int) -> dict[str, Any]:
    """Everything about an incident at UTC `minute`."""
    incident, size = known.incident, known.incident.size
    return {
        "id": incident.id,
        "site": incident.site,
        "sensor": incident.sensor,
        "kind": incident.kind,
        "severity": incident.severity,
        "channel": incident.channel,
        "began": _time(incident.began, zone),
        "raised": _time(incident.raised, zone),
        "ended": _time(incident.ended, zone),
        "over_told": _time(incident.over_told, zone),
        "minutes": incident.minutes(minute),
        "size_m3h": size.flow_m3h if size else None,
        "size_error_m3h": size.error_m3h if size else None,
        "size_at": _time(size.minute, zone) if size else None,
        "largest_m3h": incident.largest_m3h,
        "volume_m3": incident.volume_m3,
        "returned": incident.returned,
        "joined": incident.joined or None,
        "signs": [_sign(sign, zone) for sign in incident.signs],
        "before": [{"kind": one.kind, "until": _time(one.minute, zone)} for one in incident.before],
        "life": _life(known.life, zone),
        "said": {"title": said.title, "what": said.what, "why": said.why, "todo": said.todo, "life": said.life},
    }


def _sign(sign: Sign, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "code": sign.code,
        "method": sign.method,
        "channel": sign.channel,
        "severity": sign.severity,
        "since": _time(sign.since, zone),
        "raised": _time(sign.raised, zone),
        "ended": _time(sign.ended, zone),
        "until": _time(sign.until, zone),
        "numbers": sign.numbers,
        "notes": sign.notes,
        "end": sign.end or None,
        "work": sign.work or None,
        "point": sign.point or None,
    }


def _life(state: Life, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "stage": state.stage,
        "by": state.by or None,
        "at": _time(state.at, zone),
        "until": _time(state.until, zone),
        "cause": state.cause,
        "acts": [_act(act, zone) for act in state.acts],
    }


def _act(act: Act, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": act.id,
        "at": _time(act.at, zone),
        "by": act.by,
        "do": act.do,
        "until": _time(act.until, zone),
        "cause": act.cause,
        "text": act.text,
    }


def _time(moment: datetime | int | None, zone: ZoneInfo) -> str | None:
    if moment is None:
        return None
    time = minute_start(moment) if isinstance(moment, int) else moment
    return time.astimezone(zone).isoformat()
