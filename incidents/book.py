"""The book of a site's incidents: joins findings into incidents, one for one trouble at one point.

A finding comes again after a kill between this file and the detectors' states; then it changes nothing. So there is one
incident, however the box is killed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

import msgspec

from common import files
from common.folder import INCIDENTS_FILE
from common.zones import NO_ZONES, Zones
from incidents import volume
from incidents.incident import Before, Incident, Sign, Size, id_of
from incidents.one_leak import OneLeak
from incidents.one_trouble import MISSING, OUTLASTS_MIN, one_outage, one_silence, one_step, silent_channels
from incidents.reading import IncidentsFile, Stored, for_log, stored
from outliers.findings import LOGGERS_NUMBERS, LOGGERS_OF_LEAK, RAISE, End, Finding
from outliers.flags import FAULT, LEAK, SUPPLY

KEEP_ENDED = 500  # in the file; the database has all
MOST_SIGNS = 60  # of one incident: a stuck gauge that chatters for weeks
# An incident that ended so short ago is the same one when its trouble returns: a burst that is pumped, a gauge that
# sticks and moves. Whatever people draw every evening is one each evening.
RETURN_MIN = {LEAK: 6 * 60, FAULT: 60, SUPPLY: 60}
GONE = "gone"  # why a sign ended: the detector no longer knows it

Key = tuple[str, str, str]  # sensor, kind, channel
Standing = Callable[[str], set[tuple[str, str]] | None]  # sensor -> code and channel of what is up; None = not known


class Book:
    """The incidents of a site. `incidents` are in the order of their beginnings."""

    def __init__(self, site: str, incidents: Iterable[Incident] = (), zones: Zones = NO_ZONES) -> None:
        self.site = site
        self.incidents = [*incidents]
        self._one_leak = OneLeak(zones)

    def on_findings(self, found: Iterable[Finding]) -> bool:
        """Take new findings, in order; True if something has changed."""
        changed = [self._on_raise(one) if one.state == RAISE else self._on_clear(one) for one in found]
        return any(changed)

    def open_leaks(self) -> dict[str, Incident]:
        """The leak that is up at each sensor."""
        return {one.sensor: one for one in self.incidents if one.kind == LEAK and one.ended is None}

    def on_size(self, incident: Incident, size: Size) -> None:
        """What leaks now."""
        volume.add(incident, size)

    def on_loggers(self, incident: Incident, notes: Sequence[str], numbers: Mapping[str, float], point: str) -> None:
        """What the loggers in the zone show of its newest LEAK: it is known better from hour to hour."""
        leaks = [sign for sign in incident.up if sign.severity == LEAK]
        if not leaks:
            return
        sign = leaks[-1]
        sign.notes = [*(note for note in sign.notes if note not in LOGGERS_OF_LEAK), *notes]
        sign.numbers = {name: value for name, value in sign.numbers.items() if name not in LOGGERS_NUMBERS} | {
            **numbers
        }
        sign.point = point

    def look(self, standing: Standing, minute: int) -> bool:
        """End the signs that their detectors do not know: a kill came between the two files, or a power cut.
        What outlasts the trouble that it was a sign of becomes one of its own.
        """
        changed = self._part(minute) | self._one_leak.part(self.incidents, minute)
        for incident in self.incidents:
            if incident.ended is not None or (known := standing(incident.sensor)) is None:
                continue
            for sign in incident.up:
                if (sign.code, sign.channel) not in known:
                    self._end(incident, sign, max(minute, sign.raised), GONE)
                    changed = True
        return changed

    def forget_after(self, minute: int) -> None:
        """A wrong clock made what is later than this minute."""
        for incident in self.incidents:
            incident.signs = [sign for sign in incident.signs if sign.raised <= minute]
            for sign in incident.signs:
                if sign.ended is not None and sign.ended > minute:
                    sign.ended, sign.until, sign.end = None, None, ""
            incident.ended = None if incident.up else _last_end(incident)
            volume.forget_after(incident, minute)
        self.incidents = [incident for incident in self.incidents if incident.signs]

    # --- findings

    def _on_raise(self, finding: Finding) -> bool:
        if self._known(finding):
            return False
        incident = (
            self._outage(finding)
            or one_step(finding, self._of(finding.sensor))
            or one_silence(finding, self._of(finding.sensor))
            or self._open(_key(finding))
            or self._turned(finding)
            or self._returned(finding)
            or self._new(finding.sensor, finding.kind, min(finding.since, finding.minute), finding.minute)
        )
        incident.ended = None
        incident.began = min(incident.began, finding.since)
        incident.signs.append(
            Sign(
                finding.code,
                finding.method,
                finding.channel,
                finding.severity,
                min(finding.since, finding.minute),
                finding.minute,
                numbers=dict(finding.numbers),
                notes=[*finding.notes],
                work=finding.work,
                point=finding.point,
            )
        )
        if len(incident.signs) > MOST_SIGNS:
            incident.signs.remove(
                next((sign for sign in incident.signs[1:] if sign.ended is not None), incident.signs[1])
            )
        self._one_leak.join(incident, self.incidents)
        return True

    def _on_clear(self, finding: Finding) -> bool:
        changed = False
        for incident in self._of(finding.sensor):
            for sign in incident.up:
                if (sign.code, sign.channel) == (finding.code, finding.channel) and sign.raised <= finding.minute:
                    self._end(incident, sign, finding.minute, finding.end, finding.until)
                    changed = True
        return changed

    def _end(self, incident: Incident, sign: Sign, minute: int, why: str, until: int | None = None) -> None:
        sign.ended, sign.end = max(minute, sign.raised), why
        sign.until = None if until is None else max(until, sign.raised)
        if not incident.up:
            self._over(incident)

    def _over(self, incident: Incident) -> None:
        incident.ended = max(incident.began, _last_end(incident))
        volume.end(incident, incident.ended)

    def _part(self, minute: int) -> bool:
        outlived = [one for one in self.incidents if one.up and one.outlived and not one.outage]
        parted = [one for one in outlived if minute - max(sign.ended or 0 for sign in one.signs) >= OUTLASTS_MIN]
        for incident in parted:
            for sign in incident.up:
                incident.signs.remove(sign)
                began = min(sign.since, sign.raised)
                own = self._open((incident.sensor, sign.severity, sign.channel))
                own = own or self._new(incident.sensor, sign.severity, began, sign.raised)
                own.signs.append(sign)
            self._over(incident)
        return bool(parted)

    def _known(self, finding: Finding) -> bool:
        """Whether this raise was taken already, or its sign is up from before a kill."""
        same = (finding.code, finding.channel, finding.severity)
        return any(
            (sign.code, sign.channel, sign.severity) == same and (sign.raised == finding.minute or sign.ended is None)
            for incident in self._of(finding.sensor)
            for sign in incident.signs
        )

    def _turned(self, finding: Finding) -> Incident | None:
        """The leak that this fault of the meter explains: it was cleared for it in the same minute."""
        if finding.code != "SYS-METER":
            return None
        for incident in self._of(finding.sensor):
            ended = [sign for sign in incident.signs if sign.ended == finding.minute]
            if incident.kind == LEAK and any(sign.end in (End.METER, End.LEAK) for sign in ended) and incident.outlived:
                incident.before.append(Before(LEAK, finding.minute))
                incident.kind, incident.size = FAULT, None
                incident.largest_m3h = incident.volume_m3 = None  # nothing leaked
                incident.course = []
                return incident
        return None

    def _outage(self, finding: Finding) -> Incident | None:
        """The open incident with which this is one outage of supply, whatever it was taken for."""
        incident = one_outage(finding, self._of(finding.sensor))
        if incident is not None and incident.kind != SUPPLY:
            incident.before.append(Before(incident.kind, finding.minute))
            incident.kind = SUPPLY
        return incident

    def _open(self, key: Key) -> Incident | None:
        return next((one for one in self._of(key[0]) if one.ended is None and _has_key(one, key)), None)

    def _returned(self, finding: Finding) -> Incident | None:
        """The same trouble of a moment ago: found, or begun, soon after its end."""
        key, patience = _key(finding), RETURN_MIN[finding.kind]
        for incident in reversed(list(self._of(finding.sensor))):
            if (told := incident.over_told) is None or not _has_key(incident, key):
                continue
            later = finding.minute > told
            moment = finding.since if later else finding.minute
            if patience >= min(abs(finding.minute - told), abs(moment - told)):
                if later:
                    incident.returned += 1
                return incident
        return None

    def _new(self, sensor: str, kind: str, began: int, raised: int) -> Incident:
        taken = {incident.id for incident in self.incidents}
        name = next(name for number in count(1) if (name := id_of(sensor, began, kind, number)) not in taken)
        self.incidents.append(Incident(name, self.site, sensor, kind, began, raised))
        return self.incidents[-1]

    def _of(self, sensor: str) -> Iterable[Incident]:
        return (incident for incident in self.incidents if incident.sensor == sensor)


def _key(finding: Finding) -> Key:
    return finding.sensor, finding.kind, "" if finding.kind == LEAK else finding.channel


def _has_key(incident: Incident, key: Key) -> bool:
    channels = {"" if incident.kind == LEAK else incident.channel}
    if incident.leading.code == MISSING:
        channels |= silent_channels(incident.signs)
    return (incident.sensor, incident.kind) == key[:2] and key[2] in channels


def _last_end(incident: Incident) -> int:
    return max((sign.lasted_until for sign in incident.signs), default=0)


def load(data: Path, site: str, findings: Sequence[Finding], zones: Zones = NO_ZONES) -> tuple[Book, str]:
    """The book in a data folder, and what is wrong with its file; empty if nothing is.

    A damaged file is set aside, and of its incidents those that can be told are kept. Without any, as after an update,
    the findings that stand make it anew.
    """
    found = set_aside(data)
    if found.complete or found.incidents:
        return Book(site, found.incidents, zones), for_log(found)
    book = Book(site, zones=zones)
    book.on_findings(findings)
    book.incidents = [incident for incident in book.incidents if incident.ended is None]
    return book, for_log(found)


def set_aside(data: Path) -> Stored:
    """What is in the file; a damaged one is set aside as `.bad`."""
    found, path = stored(data), data / INCIDENTS_FILE
    if found.problem:
        with suppress(OSError):
            path.replace(path.with_name(path.name + ".bad"))
    return found


def store(data: Path, book: Book) -> None:
    """Replace the file, durably: what is up, and the newest of what has ended.

    Raises:
        OSError: the disk refuses; the old file is untouched.
    """
    ended = sorted((one for one in book.incidents if one.ended is not None), key=lambda one: one.ended or 0)
    for incident in ended[:-KEEP_ENDED]:
        book.incidents.remove(incident)
    content = msgspec.json.encode(IncidentsFile(incidents=book.incidents))
    files.replace(data / INCIDENTS_FILE, content + b"\n")
