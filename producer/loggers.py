"""Minutes of loggers inside zones: a logger's pressure meets the inlets' pressure and the zone's flow of its minute.

The rows come by their meters' own clocks, and a zone's sum comes last. So what has come of a minute waits for the rest,
as long as a zone waits for its meters. A minute that lacks something is left out: nothing is guessed.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from common.loggers import Area, Loggers, area_of
from common.row import Row
from outliers.findings import RAISE, Finding
from outliers.flags import trusted
from outliers.logger_use import LoggerUse
from outliers.watch import logger_area
from outliers.watch.detector import Detector
from outliers.watch.evidence import LEAK_CODES, SUPPLY_STEP, Evidence
from outliers.watch.logger_area import LoggersSay
from outliers.watch.logger_watch import LoggerWatch
from producer.zones import WAIT_MIN

HOUR_AFTER_MIN = WAIT_MIN + 5  # minutes after an hour in which its last rows may come
DRIFTS = "D"  # of a pressure's flags: the loggers' own drift is what must go on being watched

Known = Callable[[str], Detector | None]  # the detector of a sensor that has had a row


class InsideMinute(NamedTuple):
    """A minute of a logger in which all is known: flow (m3/h), the inlets' pressure and its own (bar)."""

    minute: int
    logger: str
    flow: float
    inlets: tuple[float, ...]
    pressure: float


class SiteLoggers:
    """The loggers of a site. It remembers only minutes that still wait."""

    def __init__(self, areas: Loggers, known: Known) -> None:
        self._areas = areas
        self._known = known
        self._near: dict[str, list[Area]] = {}  # sensor -> areas that need its rows
        for area in areas.values():
            for sensor in {area.name, *area.inlets, *area.loggers}:
                self._near.setdefault(sensor, []).append(area)
        self._flows: dict[str, dict[int, float]] = {name: {} for name in areas}
        self._pressures: dict[str, dict[int, float]] = {sensor: {} for sensor in self._near}
        self._hours: dict[str, int] = {}  # area -> the hour that was judged last

    def use_at(self, sensor: str, use: LoggerUse | None) -> LoggerUse | None:
        """What was learnt of a logger, if the settings still say what it was learnt for."""
        area = area_of(sensor, self._areas)
        fits = area is not None and use is not None and use.area == area.name and {*use.inlets} <= {*area.inlets}
        return use if fits else None

    def take(self, rows: Sequence[Row]) -> list[tuple[str, Evidence]]:
        """Rows of closed minutes, oldest first; returns what was found, each with its logger."""
        found: list[tuple[str, Evidence]] = []
        for row in rows:
            for area in self._near.get(row.sensor, ()):
                self._note(row)
                for inside in self._complete(area, row):
                    self._step(inside)
                found += self._judge(area, row)
        return found

    def _note(self, row: Row) -> None:
        if row.flow is not None and row.sensor in self._flows and trusted(row.flow_flags):
            _keep(self._flows[row.sensor], row.minute, row.flow)
        if row.pressure is None:
            return
        if trusted(row.pressure_flags) or (row.pressure_flags[:1] == DRIFTS and area_of(row.sensor, self._areas)):
            _keep(self._pressures[row.sensor], row.minute, row.pressure)

    def _complete(self, area: Area, row: Row) -> Iterator[InsideMinute]:
        """The loggers of the area whose minute this row completes."""
        minute, flow = row.minute, self._flows[area.name].get(row.minute)
        if flow is None:
            return
        for logger in (row.sensor,) if row.sensor in area.loggers else area.loggers:
            pressure, watch = self._pressures[logger].get(minute), self._watch(logger)
            if pressure is None or watch is None:
                continue
            bars = [self._pressures[inlet].get(minute) for inlet in watch.use.inlets]
            inlets = tuple(bar for bar in bars if bar is not None)
            if len(inlets) == len(bars):
                del self._pressures[logger][minute]
                yield InsideMinute(minute, logger, flow, inlets, pressure)

    def _step(self, inside: InsideMinute) -> None:
        watch = self._watch(inside.logger)
        if watch is not None:
            watch.on_minute(inside.minute, inside.flow, inside.inlets, inside.pressure)

    def _watch(self, logger: str) -> LoggerWatch | None:
        detector = self._known(logger)
        return detector.logger if detector is not None else None

    def _watches(self, area: Area) -> dict[str, LoggerWatch]:
        found = {logger: self._watch(logger) for logger in area.loggers}
        return {logger: watch for logger, watch in found.items() if watch is not None}

    def _judge(self, area: Area, row: Row) -> Iterator[tuple[str, Evidence]]:
        """Once an hour, when its rows have come."""
        if row.sensor != area.name:
            return
        hour = (row.minute - HOUR_AFTER_MIN) // 60
        if hour > self._hours.setdefault(area.name, hour):
            self._hours[area.name] = hour
            inlets = [one for inlet in area.inlets if (one := self._known(inlet)) is not None]
            supply = any((SUPPLY_STEP.code, "pressure") in inlet.standing() for inlet in inlets)
            leaks, watches = self._leaks(area), self._watches(area)
            yield from logger_area.on_hour(area.name, watches, row.minute, leaks=leaks, supply=supply)

    def _leaks(self, area: Area) -> bool:
        detectors = (self._known(point) for point in {area.name, *area.inlets})
        return any(detector is not None and detector.log.active.leak is not None for detector in detectors)

    def witness(self, finding: Finding) -> Finding:
        """A LEAK that is raised in an area, with what its loggers show; any other finding as it is."""
        if finding.code not in LEAK_CODES or finding.state != RAISE:
            return finding
        says = self.of_leak(finding.sensor)
        if says is None:
            return finding
        notes, numbers = [*finding.notes, *says.notes], finding.numbers | says.numbers
        return replace(finding, notes=notes, numbers=numbers, point=says.point)

    def of_leak(self, sensor: str) -> LoggersSay | None:
        """What the loggers show of the newest LEAK at an area or an inlet; None = no LEAK, or nothing known."""
        area = self._areas.get(sensor) or next((one for one in self._areas.values() if sensor in one.inlets), None)
        detector = self._known(sensor)
        found = detector.newest_leak() if area is not None and detector is not None else None
        if area is None or found is None:
            return None
        leak, flow_m3h = found
        return logger_area.on_leak(self._watches(area), leak.since, flow_m3h)

    def forget_future(self, last: int) -> None:
        """A wrong clock made what is later than this minute."""
        for values in (*self._flows.values(), *self._pressures.values()):
            for minute in [minute for minute in values if minute > last]:
                del values[minute]
        self._hours.clear()


def _keep(values: dict[int, float], minute: int, value: float) -> None:
    values[minute] = value
    while len(values) > WAIT_MIN:
        del values[min(values)]
