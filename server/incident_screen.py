"""The page of one incident: what is known, what people did, and what can be done now. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from markupsafe import Markup

from common.clock import minute_of
from common.messages import message
from incidents.acting import possible
from incidents.acts import Act, Do
from incidents.reading import Known
from incidents.reasons import why
from incidents.sentences import did
from server import incident_list
from server.reader import Reader
from server.render import part

MORNING_H = 8  # when a shift begins
BUTTONS = {
    Do.NOTE: message("Store the note"),
    Do.ACKNOWLEDGE: message("Acknowledge"),
    Do.SHELVE: message("Shelve"),
    Do.CLOSE: message("Close the incident"),
}
DONE = {
    Do.NOTE: message("The note is stored."),
    Do.ACKNOWLEDGE: message("You have acknowledged it."),
    Do.SHELVE: message("It is shelved."),
    Do.CLOSE: message("It is closed."),
}

Json = dict[str, Any]


class Line(NamedTuple):
    """Of the history: when, who, what, and what he wrote."""

    at: float
    by: str
    what: str
    text: str


def shown(known: Known, names: Mapping[str, str], reader: Reader) -> Json:
    """The incident as the list has it, with its signs and its history."""
    incident, life = known
    minute = minute_of(reader.now)
    signs = [
        {
            "why": why(sign, reader.words),
            "raised": sign.raised * 60,
            "ended": None if sign.ended is None else sign.lasted_until * 60,
            "work": sign.work,
            "chart": incident_list.chart(incident, sign, minute),
        }
        for sign in incident.signs
    ]
    name = names.get(incident.sensor, "")
    return incident_list.one(known, name, reader.words, reader.zone, minute) | {
        "signs": signs,
        "history": _history(known, reader),
        "seen": life.acts[-1].id if life.acts else "",
        "possible": [{"do": str(do), "word": reader.words.say(BUTTONS[do])} for do in BUTTONS if do in possible(known)],
    }


def parts(incident: Json, reader: Reader, *, acts: bool) -> dict[str, Markup]:
    """The live parts of the page by name. `acts`: whether the reader may act."""
    found = {
        "incident": part("parts/incident-head.html", reader, incident=incident),
        "signs": part("parts/incident-signs.html", reader, incident=incident),
        "history": part("parts/incident-history.html", reader, incident=incident),
    }
    return found | ({"buttons": part("parts/incident-buttons.html", reader, incident=incident)} if acts else {})


def _history(known: Known, reader: Reader) -> list[Line]:
    """What happened and what people did, oldest first."""
    incident, say = known.incident, reader.words.say
    lines = [
        Line(incident.began * 60, "", say("It began, probably."), ""),
        Line(incident.raised * 60, "", say("It was told."), ""),
        *(Line(act.at.timestamp(), act.by, _did(act, reader), act.text) for act in known.life.acts),
    ]
    if incident.ended is not None:
        over = say("It was over, probably.") if incident.end_is_estimate else say("It was over.")
        lines.append(Line(incident.ended * 60, "", over, ""))
    if incident.over_told is not None and incident.end_is_estimate:
        lines.append(Line(incident.over_told * 60, "", say("Its end was noticed."), ""))
    return sorted(lines, key=lambda line: line.at)


def _did(act: Act, reader: Reader) -> str:
    return did(act, reader.time(act.until * 60) if act.until is not None else "", reader.words)


def shelf(choice: str, date: str, reader: Reader) -> int | None:
    """Until which UTC minute: an hour, tomorrow morning, or a local time that was typed; None for what is none."""
    local = reader.now.astimezone(reader.zone)
    if choice == "hour":
        return minute_of(reader.now + timedelta(hours=1))
    if choice == "tomorrow":
        day = local.date() + timedelta(days=1)
        return minute_of(datetime(day.year, day.month, day.day, MORNING_H, tzinfo=reader.zone))
    try:
        typed = datetime.fromisoformat(date.strip())
    except ValueError:
        return None
    if typed.tzinfo is not None or not 1971 <= typed.year <= 8999:
        return None
    return minute_of(typed.replace(tzinfo=reader.zone))
