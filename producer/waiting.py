"""Readings that wait until the site's time is trusted: in slices of ten seconds by the monotonic clock.

When it is, they get the minute in which they came. If memory is full, the oldest are dropped and counted.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from common.row import MOST_SENSORS
from producer.minute import Minutes, Slot
from producer.minute_mean import Sums, sums_of
from producer.site_time import WAITS, implausible

SLICE_S = 10.0


class WaitingSlot(Slot):
    """The sums of each sensor in one slice.

    Attributes:
        arrived_s: monotonic, of the first reading.
        time_s: the meters' own time of the first reading, or None; a slice's readings are of one minute of it.
    """

    def __init__(self, arrived_s: float, time_s: float | None) -> None:
        super().__init__(0)
        self.arrived_s, self.time_s = arrived_s, time_s


class WaitingReadings:
    """`refused` counts what was dropped."""

    def __init__(self, most: int, refused: Counter[str]) -> None:
        """`most`: sums kept, one a sensor and slice."""
        self._most = most
        self._refused = refused
        self._slots: dict[tuple[int, int | None], WaitingSlot] = {}
        self._sums = 0

    @property
    def readings(self) -> int:
        return sum(sums.samples for slot in self._slots.values() for sums in slot.values())

    def __len__(self) -> int:
        return self._sums

    @property
    def first_s(self) -> float | None:
        """The monotonic time of the oldest reading; None if there is none."""
        return next((slot.arrived_s for slot in self._slots.values()), None)

    def at(self, time_s: float | None, monotonic_s: float) -> WaitingSlot:
        """The slice of a reading that has just come; `time_s`: the meter's own time, or None."""
        key = (int(monotonic_s // SLICE_S), None if time_s is None else int(time_s // 60))
        return self._slots.get(key) or self._slots.setdefault(key, WaitingSlot(monotonic_s, time_s))

    def sums(self, slot: WaitingSlot, sensor: str) -> Sums | str:
        """A sensor's sums in a slice, or the reason why there are none (sensors)."""
        if (found := slot.get(sensor)) is not None:
            return found
        if len(slot) >= MOST_SENSORS:
            return "sensors"
        while self._sums >= self._most and next(iter(self._slots.values())) is not slot:
            self._drop_oldest()
        self._sums += 1
        slot[sensor] = found = Sums()
        return found

    def release(self, lead_s: float, minutes: Minutes, *, sure: bool) -> None:
        """Put the readings into their minutes.

        Args:
            lead_s: the site's time less the monotonic one.
            sure: the site's time is, so a meter's time that is not plausible is wrong; else its readings wait on.
        """
        kept = {}
        for key, slot in self._slots.items():
            arrived_s = slot.arrived_s + lead_s
            time_s = arrived_s if slot.time_s is None else slot.time_s
            reason = implausible(time_s, arrived_s)
            if reason and not sure:
                kept[key] = slot
                continue
            for sensor, sums in slot.items():
                into = reason or minutes.sums_at(time_s, sensor)
                if isinstance(into, str):
                    self._refused[into] += sums.samples
                else:
                    into.merge(sums)
        self._slots, self._sums = kept, sum(map(len, kept.values()))

    def to_state(self) -> list[Any]:
        """As plain values, for the next start of the process."""
        return [
            [slot.arrived_s, slot.time_s, {sensor: sums.to_state() for sensor, sums in slot.items()}]
            for slot in self._slots.values()
        ]

    def restore(self, state: Sequence[Any]) -> None:
        """Restore the readings of `to_state`.

        Raises:
            ValueError, TypeError, AttributeError: the state is damaged.
        """
        for arrived_s, time_s, sensors in state:
            slot = self.at(None if time_s is None else float(time_s), float(arrived_s))
            for sensor, values in sensors.items():
                into = self.sums(slot, str(sensor))
                if not isinstance(into, str):
                    into.merge(sums_of(values))

    def _drop_oldest(self) -> None:
        slot = self._slots.pop(next(iter(self._slots)))
        self._sums -= len(slot)
        self._refused[WAITS] += sum(sums.samples for sums in slot.values())
