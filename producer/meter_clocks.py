"""Each meter's own clock against the site's: measured from its readings, and named when it is wrong.

A meter may send stored readings of the last hours, whose age changes as they are sent. So an offset counts only once it
has stayed the same for a while.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from common.clock import FUTURE_S
from common.clock_words import fast_or_slow
from common.row import MOST_SENSORS
from producer.meter_zones import MeterZones
from producer.site_time import PAST_S

LOOK_EVERY_S = 5.0  # reading the time of a frame costs more than taking it
STEADY_S = 30.0  # an offset must stay this long
SAME_S = 45.0  # within this: a reading may wait for its line
NEAR_S = 300.0  # of a known mistake: the clock drifts, too
WRONG_S = 120.0  # a reading this much behind lies in another minute
FORGOTTEN_S = 600.0  # a meter that is silent has no clock to talk of
GPS_ROLLOVER_S = 1024 * 7 * 86_400.0
MOST_NAMED = 5


@dataclass(slots=True)
class _Clock:
    offset_s: float  # the meter's time less the site's, smoothed
    since_s: float  # the site's time since which it has been the same
    last_s: float


class MeterClocks:
    """One clock a sensor whose readings have a time."""

    def __init__(self, zones: MeterZones) -> None:
        self._zones = zones
        self._clocks: dict[str, _Clock] = {}
        self._looked_s: dict[str, float] = {}

    def due(self, sensors: Iterable[str], now_s: float) -> list[str]:
        """Those of the sensors whose clock has not been looked at for a while; they count as looked at now."""
        looked_s, before_s = self._looked_s, now_s - LOOK_EVERY_S
        due = [sensor for sensor in sensors if not before_s < looked_s.get(sensor, 0.0) <= now_s]
        if len(looked_s) + len(due) > MOST_SENSORS:
            looked_s.clear()
        looked_s.update(dict.fromkeys(due, now_s))
        return due

    def note(self, sensor: str, time_s: float | None, now_s: float) -> None:
        """A reading came at `now_s`, whether it is taken or not; `time_s`: the meter's own time, or None."""
        if time_s is None:
            return
        offset_s = time_s - now_s
        clock = self._clocks.get(sensor)
        if clock is None or abs(offset_s - clock.offset_s) > SAME_S or now_s < clock.last_s:
            if clock is None and len(self._clocks) >= MOST_SENSORS:
                self._clocks = {name: one for name, one in self._clocks.items() if now_s - one.last_s < FORGOTTEN_S}
            if clock is not None or len(self._clocks) < MOST_SENSORS:
                self._clocks[sensor] = _Clock(offset_s, now_s, now_s)
            return
        clock.offset_s += (offset_s - clock.offset_s) / 8
        clock.last_s = now_s

    def offsets(self, now_s: float, steady_s: float = STEADY_S) -> dict[str, float]:
        """Seconds by which each meter's clock is ahead, once that is sure: the same for `steady_s`."""
        return {sensor: round(clock.offset_s, 1) for sensor, clock in self._sure(now_s, steady_s)}

    def problem(self, now_s: float, steady_s: float = STEADY_S) -> str:
        """The clocks that are wrong for `steady_s`, and what to do; empty if none is."""
        wrong = [(sensor, clock) for sensor, clock in self._sure(now_s, steady_s) if abs(clock.offset_s) > WRONG_S]
        named = [
            f"the clock of meter {sensor} is {self._words(sensor, clock.offset_s, now_s)}"
            for sensor, clock in wrong[:MOST_NAMED]
        ]
        return "; ".join(named) + (f"; and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else "")

    def _sure(self, now_s: float, steady_s: float) -> list[tuple[str, _Clock]]:
        """The clocks whose offset has been the same for a while, and that still go."""
        return [
            (sensor, clock)
            for sensor, clock in sorted(self._clocks.items())
            if clock.last_s - clock.since_s >= steady_s and now_s - clock.last_s < FORGOTTEN_S
        ]

    def _words(self, sensor: str, offset_s: float, now_s: float) -> str:
        taken = -PAST_S <= offset_s <= FUTURE_S
        what = "its rows carry that time" if taken else "none of its readings is taken"
        return f"{fast_or_slow(offset_s)}{self._cause(sensor, offset_s, now_s)}: {what}; set the meter's clock"

    def _cause(self, sensor: str, offset_s: float, now_s: float) -> str:
        """A known mistake that this offset looks like."""
        now = datetime.fromtimestamp(now_s, UTC)
        local, at_site = now.astimezone(self._zones.of(sensor)), now.astimezone(self._zones.site)
        ahead_s, site_s = ((time.utcoffset() or timedelta()).total_seconds() for time in (local, at_site))
        if ahead_s and abs(offset_s + ahead_s) < NEAR_S:
            where = 'zone = "UTC" into its [[line.sensors]]' if self._alone(offset_s) else 'line.zone = "UTC"'
            return f" (looks like UTC: or write {where})"
        if site_s != ahead_s and abs(offset_s + ahead_s - site_s) < NEAR_S:
            return " (looks like the site's own time: or take its zone out of the settings)"
        if local.dst() and abs(offset_s + 3600) < NEAR_S:
            where = "its [[line.sensors]]" if self._alone(offset_s) else "line.zone"
            return f" (looks like winter time all year: or write its zone into {where})"
        if abs(offset_s + GPS_ROLLOVER_S) < 2 * 86_400:
            return " (1,024 weeks: its satellite receiver counts the weeks anew)"
        return ""

    def _alone(self, offset_s: float) -> bool:
        """Whether another clock on the line differs from this one, so that a zone of all would be wrong."""
        return any(abs(clock.offset_s - offset_s) >= NEAR_S for clock in self._clocks.values())
