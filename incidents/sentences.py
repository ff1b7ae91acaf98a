"""An incident in sentences: made where it is read, from its codes and values, the time, and the reader's language."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from common import waits
from common.clock import minute_start
from common.messages import Catalogue, message, plain
from incidents.acts import Act, Cause, Do
from incidents.advice import todo
from incidents.incident import Incident, Sign, sensor_of
from incidents.life import Life, Stage
from incidents.one_trouble import MISSING, silent_channels
from incidents.reading import Known
from incidents.reasons import ENDS, NIGHT_CODES, RISE_CODES, excess, side, values, why
from outliers.flags import FAULT, LEAK, PLANNED, SUPPLY, WATCH

FRESH_MIN = 120  # minutes for which a size is still said to be that of now; it is measured every ten minutes
GREATER = 1.1  # times the size of now, from which on the largest is worth a sentence

KINDS = {
    LEAK: message("leak suspected"),
    FAULT: message("instrument fault"),
    SUPPLY: message("supply changed"),
    WATCH: message("watch"),
    PLANNED: message("planned work"),
}
OUTAGE = message("supply outage suspected")
CAUSES = {
    Cause.REPAIRED: message("leak repaired"),
    Cause.FLUSHING: message("flushing"),
    Cause.METER: message("instrument"),
    Cause.ACCEPTED: message("known, and goes on"),
    Cause.FALSE_ALARM: message("false alarm"),
    Cause.OTHER: message("other"),
}
CAUSE_CODES = {"cause": {cause.value: words for cause, words in CAUSES.items()}}  # for entries of the audit
ACTS = {
    Do.NOTE: message("note"),
    Do.ACKNOWLEDGE: message("acknowledged"),
    Do.SHELVE: message("shelved until {until}"),
    Do.CLOSE: message("closed; cause: {cause}"),
}
INSTRUMENTS = {
    "flow": message("flow meter"),
    "pressure": message("pressure gauge"),
    "both": message("flow meter and pressure gauge"),
}
# While it lasts, and after its end; by code, and by the sign of what was measured.
LASTS = {
    "high": (
        message("Since {since} ({span}) the flow has been above its usual."),
        message("From {since} to {until} ({span}) the flow was above its usual."),
    ),
    "night": (
        message("Since {since} ({span}) the minimum night flow has been above its usual."),
        message("From {since} to {until} ({span}) the minimum night flow was above its usual."),
    ),
    "VAL-LOW": (
        message("Since {since} ({span}) the flow has been below its usual."),
        message("From {since} to {until} ({span}) the flow was below its usual."),
    ),
    "SYS-MISS": (
        message("{instrument}: no value since {since} ({span})."),
        message("{instrument}: no value from {since} to {until} ({span})."),
    ),
    "SYS-RANGE": (
        message("{instrument}: values outside the limits since {since} ({span})."),
        message("{instrument}: values outside the limits from {since} to {until} ({span})."),
    ),
    "SYS-STUCK": (
        message("{instrument}: the value has not changed since {since} ({span})."),
        message("{instrument}: the value did not change from {since} to {until} ({span})."),
    ),
    "SYS-SPIKE": (
        message("{instrument}: a spike since {since} ({span})."),
        message("{instrument}: a spike from {since} to {until} ({span})."),
    ),
    "SYS-DRIFT": (
        message("{instrument}: drifted away; outside its usual range since {since} ({span})."),
        message("{instrument}: drifted away; outside its usual range from {since} to {until} ({span})."),
    ),
    "SYS-METER": (
        message("{instrument}: reading wrong since {since} ({span})."),
        message("{instrument}: read wrong from {since} to {until} ({span})."),
    ),
    "SYS-METER+": (
        message("{instrument}: reading about {scale_share} too much since {since} ({span})."),
        message("{instrument}: read about {scale_share} too much from {since} to {until} ({span})."),
    ),
    "SYS-METER-": (
        message("{instrument}: reading about {scale_share} too little since {since} ({span})."),
        message("{instrument}: read about {scale_share} too little from {since} to {until} ({span})."),
    ),
    "LOG-LOW": (
        message("Since {since} ({span}) the pressure has been lower than the inlet and the flow of the zone explain."),
        message(
            "From {since} to {until} ({span}) the pressure was lower than the inlet and the flow of the zone explain."
        ),
    ),
    "LOG-DRIFT": (
        message("{instrument}: off what the inlet and the flow of the zone explain since {since} ({span})."),
        message("{instrument}: off what the inlet and the flow of the zone explain from {since} to {until} ({span})."),
    ),
    "outage": (
        message("Since {since} ({span}) flow and pressure have both been far below their usual."),
        message("From {since} to {until} ({span}) flow and pressure were both far below their usual."),
    ),
    "SUP-STEP": (
        message("Since {since} ({span}) the pressure has been away from its usual."),
        message("From {since} to {until} ({span}) the pressure was away from its usual."),
    ),
    "SUP-STEP+": (
        message("Since {since} ({span}) the pressure has been above its usual; by {away_bar} at the step."),
        message("From {since} to {until} ({span}) the pressure was above its usual; by {away_bar} at the step."),
    ),
    "SUP-STEP-": (
        message("Since {since} ({span}) the pressure has been below its usual; by {away_bar} at the step."),
        message("From {since} to {until} ({span}) the pressure was below its usual; by {away_bar} at the step."),
    ),
    "": (
        message("Since {since} ({span}) something is not as usual."),
        message("From {since} to {until} ({span}) something was not as usual."),
    ),
}


@dataclass(frozen=True)
class Told:
    """An incident in words.

    Attributes:
        title: "[leak suspected] NAME".
        what: since when, and how large now; or that it is over, and why.
        why: a line for each sign that stands; after the end, for the signs that it had.
        todo: what to do next.
        life: who took note of it and when; empty while it is open.
    """

    title: str
    what: str
    why: tuple[str, ...]
    todo: tuple[str, ...]
    life: str


@dataclass(frozen=True, slots=True)
class _Reader:
    """Whoever reads: the language, the site's zone, and the UTC minute at which he reads."""

    words: Catalogue
    zone: ZoneInfo
    minute: int

    def time(self, at: int | datetime) -> str:
        moment = minute_start(at) if isinstance(at, int) else at
        return self.words.time(moment.astimezone(self.zone), minute_start(self.minute))


def told(known: Known, name: str, words: Catalogue, zone: ZoneInfo, minute: int) -> Told:
    """What to say of an incident at UTC `minute` in somebody's words. `name`: the sensor's."""
    incident, life = known
    reader = _Reader(words, zone, minute)
    leading = incident.leading
    return Told(
        title=_title(incident, plain(name), reader.words),
        what=" ".join(_what(incident, leading, reader)),
        why=tuple(dict.fromkeys(why(sign, reader.words) for sign in incident.up or incident.signs)),
        todo=tuple(reader.words.say(each) for each in todo(incident, leading, life.stage)),
        life=_life(life, reader),
    )


def unreadable(problem: str, words: Catalogue) -> str:
    """What is wrong with the files of the incidents, as `reading` says it, in somebody's words."""
    return waits.in_korean("", problem) if words.language == "ko" else problem


def did(act: Act, until: str, catalogue: Catalogue) -> str:
    """What somebody did. `until`: the end of a shelf, as the reader's clock shows it."""
    return catalogue.say(ACTS[act.do], until=until, cause=catalogue.say(CAUSES[act.cause or Cause.OTHER]))


def kind_of(incident: Incident, catalogue: Catalogue) -> str:
    """What an incident is taken for, in two words."""
    return catalogue.say(OUTAGE) if incident.outage else catalogue.say(KINDS[incident.severity])


def _title(incident: Incident, name: str, catalogue: Catalogue) -> str:
    kind = kind_of(incident, catalogue)
    if incident.ended is not None:
        planned = incident.severity == PLANNED
        kind = catalogue.say("planned work: over") if planned else catalogue.say("{kind}: over", kind=kind)
    return f"[{kind}] {name}"


def _what(incident: Incident, leading: Sign, reader: _Reader) -> Iterator[str]:
    """Sentences, the first thing first."""
    known = values(leading, reader.words) | {
        "since": reader.time(incident.began),
        "until": _until(incident, reader),
        "span": reader.words.span(incident.minutes(reader.minute)),
        "instrument": _capital(reader.words.say(INSTRUMENTS[_instruments(incident, leading)])),
    }
    if incident.ended is None:
        yield from _now(incident, leading, reader, known)
    else:
        yield reader.words.say(_lasts(incident, leading)[1], **known)
        last = max(incident.signs, key=lambda sign: sign.ended or 0)
        if last.end in ENDS:
            yield reader.words.say(ENDS[last.end])
        if incident.over_told is not None and incident.end_is_estimate:
            noticed = reader.time(incident.over_told)
            yield reader.words.say("The end is an estimate; it was noticed at {time}.", time=noticed)
    yield from _so_far(incident, reader.words)
    if incident.joined:
        yield reader.words.say("It is one leak with the one at {sensor}.", sensor=sensor_of(incident.joined))
    for earlier in incident.before[-1:]:
        kind = reader.words.say(KINDS.get(earlier.kind, KINDS[WATCH]))
        yield reader.words.say("Until {time} it was taken for: {kind}.", time=reader.time(earlier.minute), kind=kind)
    if incident.returned:
        yield reader.words.many("It has come back once.", "It has come back {count} times.", incident.returned)


def _until(incident: Incident, reader: _Reader) -> str:
    if incident.ended is None:
        return reader.time(incident.began)
    time = reader.time(incident.ended)
    return reader.words.say("about {time}", time=time) if incident.end_is_estimate else time


def _instruments(incident: Incident, leading: Sign) -> str:
    silent = silent_channels(incident.up or incident.signs)
    both = leading.channel not in INSTRUMENTS or (leading.code == MISSING and len(silent) > 1)
    return "both" if both else leading.channel


def _lasts(incident: Incident, leading: Sign) -> tuple[str, str]:
    if incident.outage:
        return LASTS["outage"]
    if leading.code in NIGHT_CODES or (leading.code in RISE_CODES and leading.method == "NIGHT"):
        return LASTS["night"]
    if leading.code in RISE_CODES:
        return LASTS["high"]
    return LASTS.get(leading.code + side(leading)) or LASTS.get(leading.code) or LASTS[""]


def _now(incident: Incident, leading: Sign, reader: _Reader, known: dict[str, str]) -> Iterator[str]:
    """How it is now, as far as that is known; else how it was when it was told."""
    size, catalogue = incident.size, reader.words
    if size is None or leading.code not in RISE_CODES | NIGHT_CODES:
        yield catalogue.say(_lasts(incident, leading)[0], **known)
        if found := excess(leading, catalogue):
            raised = reader.time(leading.raised)
            yield catalogue.say("When it was told, at {raised}, it was {excess}.", raised=raised, excess=found)
        return
    amount = catalogue.flow(size.flow_m3h, size.error_m3h)
    if reader.minute - size.minute > FRESH_MIN:
        yield catalogue.say(_lasts(incident, leading)[0], **known)
        yield catalogue.say("Last measured at {time}: {size}.", time=reader.time(size.minute), size=amount)
    elif size.flow_m3h <= size.error_m3h:
        yield catalogue.say(_lasts(incident, leading)[0], **known)
        yield catalogue.say("Now the difference is too small to be sure of: {size}.", size=amount)
    else:
        yield catalogue.say(
            "Since {since} ({span}) the flow has been above its usual, now by {size}.", **known, size=amount
        )


def _so_far(incident: Incident, catalogue: Catalogue) -> Iterator[str]:
    """The largest size and the volume of a leak."""
    if all(sign.severity != LEAK for sign in incident.signs):
        return
    size = incident.size.flow_m3h if incident.size and incident.ended is None else 0.0
    if incident.largest_m3h is not None and incident.largest_m3h > GREATER * size:
        yield catalogue.say("Largest: {largest}.", largest=catalogue.about_flow(incident.largest_m3h))
    if incident.volume_m3 is not None:
        volume = catalogue.about(incident.volume_m3, "m³")
        yield catalogue.say("Lost in all, by estimate: about {volume}.", volume=volume)


def _life(life: Life, reader: _Reader) -> str:
    if life.waits or life.at is None:
        return ""
    known = {"by": plain(life.by), "at": reader.time(life.at)}
    if life.stage is Stage.SHELVED and life.until is not None:
        return reader.words.say("Shelved by {by}, {at}, until {until}.", **known, until=reader.time(life.until))
    if life.stage is Stage.CLOSED:
        cause = reader.words.say(CAUSES[life.cause or Cause.OTHER])
        return reader.words.say("Closed by {by}, {at}; cause: {cause}.", **known, cause=cause)
    return reader.words.say("Acknowledged by {by}, {at}.", **known)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
