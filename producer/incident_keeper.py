"""Keeps `incidents.json`: findings are joined as they come, leaks are sized every ten minutes. What people close is
told to the detectors.

The file is on the disk before the rows that were flagged. A disk that refuses it costs no row: it is written with the
next change. A file that is damaged or gone while the producer runs is written anew within a minute.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from common import files
from common.folder import INCIDENT_ACTS_FILE, INCIDENTS_FILE
from common.logging_setup import quoted
from common.zones import Zones
from incidents import acts, book
from incidents.acts import Cause, Do
from incidents.incident import Size
from incidents.reading import for_log
from outliers.findings import Finding
from outliers.watch.closing import Closing, Said
from outliers.watch.detector import Detector
from outliers.watch.evidence import LEAK_CODES
from outliers.watch.logger_area import LoggersSay

LOOK_EVERY_MIN = 10  # a size changes within hours, and each time costs a write and a sync

# What a detector learns from a close. After other causes the flow ends by itself, or nothing is known.
SAID = {Cause.REPAIRED: Said.REPAIRED, Cause.ACCEPTED: Said.ACCEPTED, Cause.FALSE_ALARM: Said.FALSE_ALARM}

_log = logging.getLogger(__name__)


class IncidentKeeper:
    """The producer's side of the incidents."""

    def __init__(self, data: Path, site: str, findings: Sequence[Finding], zones: Zones) -> None:
        self._data = data
        self._book, problem = book.load(data, site, findings, zones)
        if problem:
            _log.warning("incidents_unreadable set aside, made anew from the findings; problem=%s", quoted(problem))
        self._unwritten = True  # a file that was made anew, or of an older form
        self._written: files.Stamp | None = None
        self._look_at_minute = 0
        self._acts_seen: files.Stamp | None = None

    def take(self, found: Sequence[Finding]) -> None:
        """New findings of closed minutes; what they change is on disk on return."""
        self._unwritten |= self._book.on_findings(found)
        if self._unwritten:
            self._store()

    def closings(self) -> dict[str, list[Closing]] | None:
        """What people have closed so far, by sensor, oldest first; None while their file is unchanged.

        A detector takes each only once.
        """
        seen = files.stamp(self._data / INCIDENT_ACTS_FILE)
        if seen == self._acts_seen:
            return None
        self._acts_seen = seen
        incidents = {incident.id: incident for incident in self._book.incidents}
        found: dict[str, list[Closing]] = {}
        for act in sorted(acts.load(self._data).known, key=lambda act: act.at):
            incident = incidents.get(act.incident)
            if incident is not None and act.do is Do.CLOSE and act.cause in SAID:
                second = int(act.at.timestamp())
                raised = tuple(sign.raised for sign in incident.signs if sign.code in LEAK_CODES)
                up = incident.over_told is None or incident.over_told > second // 60
                found.setdefault(incident.sensor, []).append(Closing(second, SAID[act.cause], raised, up))
        return found

    def look(
        self,
        minute: int,
        detectors: Mapping[str, Detector],
        remembered: Mapping[str, object],
        loggers: Callable[[str], LoggersSay | None],
    ) -> None:
        """Every ten minutes: sizes, what `loggers` show of leaks, and signs that no detector knows.

        `remembered`: sensors whose state is kept.
        """
        if self._is_foreign():
            self._store()
        if self._look_at_minute - LOOK_EVERY_MIN <= minute < self._look_at_minute:
            return
        self._look_at_minute = minute + LOOK_EVERY_MIN

        def standing(sensor: str) -> set[tuple[str, str]] | None:
            if (detector := detectors.get(sensor)) is not None:
                return detector.standing()
            return None if sensor in remembered else set()

        changed = self._book.look(standing, minute)
        sized = False
        for sensor, incident in self._book.open_leaks().items():
            detector = detectors.get(sensor)
            found = detector.leak_now() if detector is not None else None
            if found is not None:
                self._book.on_size(incident, Size(minute, round(found[0], 3), round(found[1], 3)))
                sized = True
            if (says := loggers(sensor)) is not None:
                self._book.on_loggers(incident, says.notes, says.numbers, says.point)
                sized = True
        if changed or sized or self._unwritten:
            self._store()

    def forget_after(self, minute: int) -> None:
        """A wrong clock made what is later than this minute."""
        self._book.forget_after(minute)
        self._store()

    def _is_foreign(self) -> bool:
        """Whether the file is not the one that was written last: somebody, or the disk, has changed or removed it."""
        return self._written is not None and files.stamp(self._data / INCIDENTS_FILE) != self._written

    def _store(self) -> None:
        if self._is_foreign() and (problem := for_log(book.set_aside(self._data))):
            _log.warning("incidents_unreadable set aside, written anew; problem=%s", quoted(problem))
        try:
            book.store(self._data, self._book)
            self._unwritten = False
            self._written = files.stamp(self._data / INCIDENTS_FILE)
        except OSError as error:
            self._unwritten = True
            _log.warning("incidents_not_stored count=%d problem=%s", len(self._book.incidents), quoted(error))
