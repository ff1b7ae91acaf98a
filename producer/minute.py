"""Readings to minutes: which minute a reading belongs to, and when a minute closes.

Minute T of a sensor closes when that sensor's own clock is `lateness_s` past the end of T. Its own clock is the time of
its newest reading, and goes on while the sensor is silent; it never counts as ahead of the site's. So neither a meter
whose clock is ahead closes the minutes of others early, nor does a right one those of a slow one. The first sensor of a
minute waits `GATHER_S` for the others: rows that come together cost the disk one flush instead of one each.

A reading of a closed minute is late and is dropped: there is only ever one row per (sensor, minute).
"""

import heapq
from collections.abc import Mapping
from typing import Any

from common.row import MOST_SENSORS
from producer.minute_mean import MinuteMean, Pair, Sums, sums_of

MOST_OBSERVED_S = 1.0  # of one step while bytes come
UNHEARD_S = 2.0  # on a line where others talk: this sensor is silent
GATHER_S = 5.0
HELD_BACK_S = 60.0  # a meter that is slower than this holds nobody back
NEVER = 1 << 60
NOBODY: Mapping[str, int] = {}


class Slot(dict[str, Sums]):
    """An open minute: the sums of each sensor. `over_s`: the observed time since which one of them is over."""

    def __init__(self, minute: int) -> None:
        self.minute = minute
        self.over_s: float | None = None


class _Own:
    """A sensor with open minutes: its newest reading's time, and when that was heard."""

    __slots__ = ("heard_s", "newest_s")

    def __init__(self, newest_s: float, heard_s: float) -> None:
        self.newest_s, self.heard_s = newest_s, heard_s


class Minutes:
    """The open minutes, and each sensor's last closed one. Memory does not grow with the readings.

    `closed_through`: the minute through which all sensors are closed whose clock is right.
    """

    def __init__(
        self, lateness_s: float, closed_through: int = 0, closed: Mapping[str, int] = NOBODY, others: int = 0
    ) -> None:
        """`closed`: each sensor's last closed minute; `others`: that of sensors that are not in it."""
        self.lateness_s = lateness_s
        self.closed_through = closed_through
        self._closed = dict(closed)
        self._others = others
        self._newest_s = 0.0
        self._open: dict[int, Slot] = {}
        self._own: dict[str, _Own] = {}
        self._before: dict[str, Pair] = {}
        self._observed_s = 0.0  # time that has passed while somebody listened

    def add(self, sensor: str, time_s: float, flow: float | None, pressure: float | None) -> str:
        """Add a reading with a trusted time; returns the reason if it is refused (late, sensors), else an empty
        text."""
        sums = self.sums_at(time_s, sensor)
        if isinstance(sums, str):
            return sums
        sums.take(flow, pressure)
        return ""

    def sums_at(self, time_s: float, sensor: str) -> Sums | str:
        """The sensor's sums at a trusted time, or the reason why there are none (late, sensors)."""
        sums = self.sums(self.at(time_s), sensor)
        if not isinstance(sums, str):
            self.heard({sensor: ""}, {"": time_s})
        return sums

    def at(self, time_s: float) -> Slot:
        """The minute of a trusted time."""
        minute = int(time_s // 60)
        return self._open.get(minute) or self._open.setdefault(minute, Slot(minute))

    def sums(self, slot: Slot, sensor: str) -> Sums | str:
        """A sensor's sums in a minute, or the reason why there are none: late (it is closed), or too many sensors."""
        found = slot.get(sensor)
        if found is not None:
            return found
        if slot.minute <= self._closed.get(sensor, self._others):
            return "late"
        if len(slot) >= MOST_SENSORS:
            return "sensors"
        found = slot[sensor] = Sums(self._before.get(sensor, (None, None)))
        if sensor not in self._own:
            self._own[sensor] = _Own(slot.minute * 60.0, self._observed_s)
        return found

    def heard(self, texts: Mapping[str, str], times_s: Mapping[str, float]) -> None:
        """Readings of open minutes were taken: each sensor's last time as text, and the time of each text."""
        own_of, observed_s = self._own, self._observed_s
        for sensor, text in texts.items():
            own, time_s = own_of[sensor], times_s[text]
            if time_s > own.newest_s:
                own.newest_s = time_s
                self._newest_s = max(self._newest_s, time_s)
            own.heard_s = observed_s

    def close(self, now_s: float, elapsed_s: float = 0.0, *, quiet: bool = False) -> list[MinuteMean]:
        """Close the minutes that are over, oldest first.

        Args:
            elapsed_s: since the call before, by the monotonic clock.
            quiet: the line has been silent, so that no reading waits in it.
        """
        # After a standstill readings of all that time may still wait in the line.
        self._observed_s += elapsed_s if quiet else min(elapsed_s, MOST_OBSERVED_S)
        means: list[MinuteMean] = []
        held_back = NEVER
        for minute in sorted(self._open):
            slot = self._open[minute]
            end_s = (minute + 1) * 60.0 + self.lateness_s
            if end_s <= now_s:
                over = [sensor for sensor in slot if self._time_of(sensor, now_s, quiet=quiet) >= end_s]
                if over and not self._gathered(slot, len(over)):
                    held_back = min(held_back, minute - 1)
                    break  # a sensor's minutes keep their order
                means += [slot.pop(sensor).mean(minute, sensor) for sensor in sorted(over)]
                if any(self._own[sensor].newest_s >= now_s - HELD_BACK_S for sensor in slot):
                    held_back = min(held_back, minute - 1)
            if not slot:
                del self._open[minute]
        self._note(means)
        passed = int((min(self._newest_s, now_s) - self.lateness_s) // 60) - 1
        through = max([passed, *(mean.minute for mean in means)])
        self.closed_through = max(self.closed_through, min(through, held_back))
        return means

    def _gathered(self, slot: Slot, over: int) -> bool:
        """Whether nobody in this minute is worth waiting for."""
        if slot.over_s is None:
            slot.over_s = self._observed_s
        return over == len(slot) or self._observed_s - slot.over_s >= GATHER_S

    def _time_of(self, sensor: str, now_s: float, *, quiet: bool) -> float:
        """The sensor's own clock."""
        own = self._own[sensor]
        since_s = self._observed_s - own.heard_s
        silent = quiet or since_s >= UNHEARD_S
        return min(min(own.newest_s, now_s) + since_s, now_s) if silent else min(own.newest_s, now_s)

    def _note(self, means: list[MinuteMean]) -> None:
        """These minutes are closed."""
        if not means:
            return
        self._closed.update((mean.sensor, max(mean.minute, self._closed.get(mean.sensor, 0))) for mean in means)
        self._before = {mean.sensor: (mean.flow, mean.pressure) for mean in means}
        still = {sensor for slot in self._open.values() for sensor in slot}
        for sensor in {mean.sensor for mean in means} - still:
            del self._own[sensor]
        if len(self._closed) > 2 * MOST_SENSORS:  # invented ids: keep those that sent last
            kept = heapq.nlargest(MOST_SENSORS, self._closed, key=self._closed.__getitem__)
            self._others = max([self._others, *(self._closed[name] for name in {*self._closed} - {*kept})])
            self._closed = {name: self._closed[name] for name in kept}

    def have_rows(self, newest: Mapping[str, int]) -> None:
        """There are rows of these sensors up to these minutes: they are closed."""
        for sensor, minute in newest.items():
            self._closed[sensor] = max(minute, self._closed.get(sensor, self._others))
        self.closed_through = max([self.closed_through, *newest.values()])

    def forget_future(self, last: int) -> int:
        """A person confirmed that a wrong clock made the minutes after `last`: reopen those that it closed; returns the
        readings of those that were still open, which are dropped."""
        end_s = (last + 1) * 60.0
        self.closed_through = min(self.closed_through, last)
        self._closed = {sensor: min(minute, last) for sensor, minute in self._closed.items()}
        self._others = min(self._others, last)
        self._newest_s = min(self._newest_s, end_s)
        dropped = sum(sums.samples for minute in self._open if minute > last for sums in self._open[minute].values())
        self._open = {minute: slot for minute, slot in self._open.items() if minute <= last}
        still = {sensor for slot in self._open.values() for sensor in slot}
        self._own = {sensor: own for sensor, own in self._own.items() if sensor in still}
        for own in self._own.values():
            own.newest_s = min(own.newest_s, end_s)
        return dropped

    def to_state(self) -> dict[str, Any]:
        """The open minutes as plain values for the next start, and the closed minutes in case the mark is lost."""
        return {
            "closed_through": self.closed_through,
            "newest_s": self._newest_s,
            "own_s": {sensor: own.newest_s for sensor, own in self._own.items()},
            "open": {
                str(minute): {sensor: sums.to_state() for sensor, sums in sensors.items()}
                for minute, sensors in self._open.items()
            },
        }

    def restore(self, state: Mapping[str, Any], *, lost: bool = False) -> int:
        """Restore the open minutes of `to_state` that are still open; returns the number of readings.

        `lost`: nobody knows what each sensor has closed, so all have closed what the state says.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: the state is damaged; nothing was restored.
        """
        restored: dict[int, Slot] = {}
        newest_s = {str(sensor): float(time_s) for sensor, time_s in dict(state.get("own_s", {})).items()}
        closed_through = max(self.closed_through, int(state.get("closed_through", 0)))
        others = max(self._others, closed_through) if lost else self._others
        for text, sensors in state["open"].items():
            slot = restored[int(text)] = Slot(int(text))
            for sensor, values in sensors.items():
                if slot.minute > self._closed.get(str(sensor), others):
                    slot[str(sensor)] = sums_of(values)
        self._newest_s = max(self._newest_s, float(state["newest_s"]))
        self.closed_through, self._others = closed_through, others
        for minute, slot in sorted(restored.items()):
            if slot:
                self._open[minute] = slot
            for sensor in slot:
                self._own[sensor] = _Own(newest_s.get(sensor, minute * 60.0), self._observed_s)
        return sum(sums.samples for slot in restored.values() for sums in slot.values())
