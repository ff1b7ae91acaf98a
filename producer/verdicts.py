"""Runs the outlier methods for the rows: one detector per sensor, its state stored on disk, its failures isolated.

A row matters more than its flags: if anything fails here, the row is written with clear flags, and counted.
"""

import heapq
import logging
from collections.abc import Container, Sequence
from dataclasses import replace
from pathlib import Path

from common.clock import minute_start
from common.errors import HydrologError
from common.folder import CRITERIA_FOLDER, DETECTORS_FILE, FINDINGS_FILE
from common.loggers import NO_LOGGERS, Loggers
from common.logging_setup import quoted
from common.row import CLEAR_FLOW, CLEAR_PRESSURE, MOST_SENSORS, Row
from common.settings import SiteSettings
from common.zones import NO_ZONES, Zones
from outliers import criteria as criteria_files
from outliers import school
from outliers.calendar import CalendarFile, Occasions, Work
from outliers.findings import KEEP, Finding, load, store
from outliers.watch import memory
from outliers.watch.closing import Closing
from outliers.watch.detector import Detector, default_criteria
from outliers.watch.evidence import Evidence
from outliers.watch.memory import SensorMemory
from outliers.watch.planned import LONGEST_AFTER_MIN, Planned
from outliers.watch.row_flags import RowFlags
from producer.forecasts import Forecasts
from producer.incident_keeper import IncidentKeeper
from producer.loggers import SiteLoggers
from producer.minute_mean import MinuteMean

LOOK_EVERY_MIN = 10  # check for new criteria, which are rebuilt every three months
FORGET_AFTER_MIN = 30 * 1440  # a sensor without data for a month starts new
SYNC_EVERY_MIN = 10  # what detectors may forget in a power cut, unless they found something: a sync wears the disk

_log = logging.getLogger(__name__)


class Verdicts:
    """Flags for closed minutes. `failures` counts rows written without detection."""

    def __init__(
        self,
        data: Path,
        site: SiteSettings,
        quiet_minutes: int = 0,
        zones: Zones = NO_ZONES,
        loggers: Loggers = NO_LOGGERS,
    ) -> None:
        self.failures = 0
        self._data = data
        self._zone = zone = site.zone
        self._quiet_minutes = quiet_minutes
        self._zones = zones
        self._has_loggers = bool(loggers)
        self._forecasts = Forecasts(data)
        self._states: dict[str, SensorMemory] = memory.load(data / DETECTORS_FILE)
        self._detectors: dict[str, Detector] = {}
        self._loggers = SiteLoggers(loggers, self._known)
        self._planned: dict[str, Planned] = {}
        self._occasions = Occasions()
        self._followed = CalendarFile(data, zone, zones, loggers)
        self._works: dict[str, list[Work]] = {}  # sensor -> works that may still matter; filled on demand
        self._findings = load(data / FINDINGS_FILE)
        self._incidents = IncidentKeeper(data, site.id, self._findings, zones)
        self._closings: dict[str, list[Closing]] = {}  # of sensors whose next row has not come yet
        self._criteria_seen = 0
        self._looked_at_minute = 0
        self._sync_at_minute = 0

    def rows(self, means: Sequence[MinuteMean]) -> list[Row]:
        """The rows of closed minutes, oldest first, each with its flags; new findings are on disk on return."""
        if means:
            self._forecasts.refresh(means[0].minute)
            self._look_for_occasions()
            self._look_for_criteria(means[-1].minute)
            closings = self._incidents.closings()
            if closings is not None:
                self._closings = closings
        found: list[Finding] = []
        rows = [self._row(mean, found) for mean in means]
        if self._has_loggers and rows:
            found = self._with_loggers(rows, found)
        if found:
            self._store_findings(found)
            self._incidents.take(found)
            self._sync_at_minute = 0  # what is up must be known after a power cut: it is told once
        return rows

    def _row(self, mean: MinuteMean, found: list[Finding]) -> Row:
        flow_flags, pressure_flags = CLEAR_FLOW, CLEAR_PRESSURE
        try:
            forecast = self._forecasts.of(mean.sensor, mean.minute)
            detector = self._detector(mean.sensor)
            for closing in self._closings.pop(mean.sensor, ()):
                detector.on_closing(mean.minute, closing)
            supplied = self._is_supplied(mean.sensor)
            verdict = detector.step(mean.minute, mean.flow, mean.pressure, forecast, supplied=supplied)
            verdict = self._planned[mean.sensor].step(mean.minute, verdict, self._works_at(mean.sensor, mean.minute))
            flow_flags, pressure_flags = verdict.flow_flags, verdict.pressure_flags
            found.extend(school.noted(verdict.findings, self._occasions.school, self._zone))
        except Exception:  # noqa: BLE001 - a bug in a method must not cost a row
            if not self.failures:  # the first with traceback; the health file counts them
                _log.exception("judge_failed sensor=%s minute=%s", mean.sensor, minute_start(mean.minute))
            self.failures += 1
            self._detectors.pop(mean.sensor, None)
            self._states.pop(mean.sensor, None)  # its state caused this: start new
        return Row(mean.minute, mean.sensor, mean.flow, mean.pressure, mean.samples, flow_flags, pressure_flags)

    def _with_loggers(self, rows: Sequence[Row], found: Sequence[Finding]) -> list[Finding]:
        """The findings, those of LEAKs with what the loggers inside show, and the loggers' own."""
        try:
            own = [told for each in self._loggers.take(rows) for told in self._of_logger(*each)]
            return [*(self._loggers.witness(finding) for finding in found), *own]
        except Exception:  # noqa: BLE001 - a bug in a method must not cost a row
            if not self.failures:
                _log.exception("loggers_failed minute=%s", minute_start(rows[-1].minute))
            self.failures += 1
            return [*found]

    def _of_logger(self, sensor: str, evidence: Evidence) -> tuple[Finding, ...]:
        log = self._detectors[sensor].log
        log.on_evidence(evidence)
        verdict = RowFlags(CLEAR_FLOW, CLEAR_PRESSURE, log.take())
        works = self._works_at(sensor, evidence.minute)
        return self._planned[sensor].step(evidence.minute, verdict, works).findings

    def _known(self, sensor: str) -> Detector | None:
        return self._detectors.get(sensor)

    def _is_supplied(self, sensor: str) -> bool:
        """Whether water comes through the inlets of a zone, which has no pressure to tell by."""
        zone = self._zones.get(sensor)
        inlets = [known for inlet in zone.inlets if (known := self._known(inlet)) is not None] if zone else []
        return all(inlet.supplied for inlet in inlets)

    def _detector(self, sensor: str) -> Detector:
        detector = self._detectors.get(sensor)
        if detector is None:
            found = criteria_files.load(self._data / CRITERIA_FOLDER, sensor) or self._initial(sensor)
            criteria = replace(found, is_zone=sensor in self._zones, logger=self._loggers.use_at(sensor, found.logger))
            kept = self._states.pop(sensor, None) or SensorMemory()
            self._planned[sensor] = Planned(kept.planned)
            detector = Detector(sensor, criteria, self._zone, kept.detector, self._occasions.holidays)
            detector.quiet_minutes = self._quiet_minutes
            self._detectors[sensor] = detector
        return detector

    def _works_at(self, sensor: str, minute: int) -> list[Work]:
        if not self._occasions.works:
            return []
        if sensor not in self._works:
            works = self._occasions.at(sensor)
            self._works[sensor] = [work for work in works if work.end + LONGEST_AFTER_MIN > minute]
        return self._works[sensor]

    def _look_for_occasions(self) -> None:
        """Apply changes of planned work and holidays from the next minute on; wrong lines are reported, the rest is
        used."""
        before, self._occasions = self._occasions, self._followed.now()
        if self._occasions is before:
            return
        self._works = {}
        for problem in self._occasions.problems:
            _log.warning("calendar_line_wrong problem=%s", quoted(problem))
        if before.holidays != self._occasions.holidays:
            self._make_anew()

    @property
    def calendar_problems(self) -> int:
        """The number of calendar lines that cannot be read."""
        return len(self._occasions.problems)

    def _initial(self, sensor: str) -> criteria_files.Criteria:
        try:
            return criteria_files.initial(sensor, self._data / CRITERIA_FOLDER, is_zone=sensor in self._zones)
        except HydrologError as error:
            _log.warning("criteria_unusable sensor=%s problem=%s", sensor, quoted(error))
            return default_criteria(sensor)

    def _look_for_criteria(self, minute: int) -> None:
        """Apply new criteria without a restart: detectors are created again from their state."""
        if minute < self._looked_at_minute + LOOK_EVERY_MIN:
            return
        self._looked_at_minute = minute
        try:
            seen = (self._data / CRITERIA_FOLDER).stat().st_mtime_ns
        except OSError:
            seen = 0
        if seen != self._criteria_seen:
            self._criteria_seen = seen
            self._make_anew()

    def _make_anew(self) -> None:
        """Create the detectors again from their state, each with its next row."""
        self._states = self._all_states()
        self._detectors = {}

    def _all_states(self) -> dict[str, SensorMemory]:
        return self._states | {
            sensor: SensorMemory(detector.state(), self._planned[sensor].state())
            for sensor, detector in self._detectors.items()
        }

    def _store_findings(self, found: Sequence[Finding]) -> None:
        """Write findings before the rows, so a flag's reason is there when the row is read."""
        self._findings = [*self._findings, *found][-KEEP:]
        try:
            store(self._data / FINDINGS_FILE, self._findings)
        except OSError as error:
            _log.warning("findings_not_stored count=%d problem=%s", len(found), quoted(error))

    def forget_future(self, last: int) -> None:
        """A wrong clock made rows after minute `last`: what has seen them starts new."""
        states = self._all_states()
        self._states = {name: state for name, state in states.items() if (state.detector.minute or 0) <= last}
        self._detectors, self._looked_at_minute = {}, 0
        self._loggers.forget_future(last)
        self._incidents.forget_after(last)

    def save(self, minute: int) -> None:
        """Store the detectors' state after the rows are in the log; a full disk costs only the state."""
        states = self._recent_states(minute)
        self._forget_all_but(states)
        self._incidents.look(minute, self._detectors, states, self._loggers.of_leak)
        durable = not 0 < self._sync_at_minute - minute <= SYNC_EVERY_MIN
        try:
            memory.store(self._data / DETECTORS_FILE, states, minute, durable=durable)
            if durable:
                self._sync_at_minute = minute + SYNC_EVERY_MIN
        except OSError as error:
            _log.warning("detectors_not_stored problem=%s", quoted(error))

    def _recent_states(self, minute: int) -> dict[str, SensorMemory]:
        """The states of recently active sensors, at most as many as a line can have.

        Noise that passes a checksum, or a meter that sends a counter as its name, creates ever new sensors.
        """
        states = self._all_states()
        last = {sensor: state.detector.minute or 0 for sensor, state in states.items()}
        newest = heapq.nlargest(MOST_SENSORS, last, key=last.__getitem__) if len(last) > MOST_SENSORS else last
        return {sensor: states[sensor] for sensor in newest if last[sensor] > minute - FORGET_AFTER_MIN}

    def _forget_all_but(self, kept: Container[str]) -> None:
        for known in (self._detectors, self._states, self._planned, self._works):
            for sensor in [sensor for sensor in known if sensor not in kept]:
                del known[sensor]
