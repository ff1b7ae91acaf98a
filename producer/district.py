"""A synthetic district: flow and pressure of a few meters for any minute, from a seed alone.

Every value depends only on (seed, sensor, minute), so a simulation can stop, restart or jump and still give the same
data. Shapes are those of ordinary supply zones: a morning and an evening peak, a quiet night, slower weekends, noise
that grows with the flow, pressure that falls with it. In every two weeks a meter has, each with a probability of one in
three, a growing leak, a burst, a stuck or silent instrument, a flushing through a hydrant, and a valve that is set
lower for some hours.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from common.clock import minute_start

DAY_MIN = 1440
FORTNIGHT_MIN = 14 * DAY_MIN
# Share of the mean flow by hour of a working day and of a weekend day; at night it is mostly leakage.
WORKDAY = (0.45, 0.4, 0.38, 0.38, 0.42, 0.6, 1.1, 1.55, 1.5, 1.25, 1.15, 1.1)
WORKDAY_PM = (1.15, 1.1, 1.0, 0.98, 1.02, 1.15, 1.4, 1.55, 1.45, 1.2, 0.9, 0.6)
WEEKEND = (0.5, 0.44, 0.4, 0.39, 0.4, 0.47, 0.7, 1.05, 1.45, 1.6, 1.5, 1.35)
WEEKEND_PM = (1.3, 1.15, 1.05, 1.0, 1.05, 1.2, 1.4, 1.5, 1.35, 1.15, 0.95, 0.7)
PROFILES = (WORKDAY + WORKDAY_PM, WEEKEND + WEEKEND_PM)
NOISE = 0.04  # of the flow, from minute to minute
HEADLOSS = 1.85  # exponent of the flow in the head loss


@dataclass(frozen=True, slots=True)
class SimulatedEvent:
    """An event at a meter, from `start` to before `end` (UTC minutes)."""

    kind: str  # leak, burst, stuck, dropout; operations: flushing, valve
    start: int
    end: int
    size: float  # share of the mean flow; for a valve, of the pressure before it


class District:
    """One meter of the district, as a source for the simulator."""

    def __init__(self, seed: int, sensor: str, zone: ZoneInfo) -> None:
        self._name = f"{seed} {sensor}"
        self._zone = zone
        character = random.Random(self._name)
        self.mean_m3h = round(character.uniform(15, 150), 1)
        self.still_bar = round(character.uniform(3.5, 6.0), 2)
        self._slope_bar = character.uniform(0.15, 0.45)
        self._events = lru_cache(maxsize=4)(self._fortnight)

    def at(self, minute: int) -> tuple[float | None, float | None]:
        """Flow (m3/h) and pressure (bar) of a UTC minute."""
        events = self.events(minute)
        if any(event.kind == "dropout" for event in events):
            return None, None
        stuck = next((event for event in events if event.kind == "stuck"), None)
        flow = self._flow(minute, events)
        pressure = self.still_bar - self._slope_bar * (flow / self.mean_m3h) ** HEADLOSS
        pressure += random.Random(f"{self._name} p {minute}").gauss(0, 0.01)
        pressure -= sum(self.still_bar * event.size for event in events if event.kind == "valve")
        if stuck:
            flow = self._flow(stuck.start, events)
        return round(flow, 2), round(max(pressure, 0.0), 3)

    def events(self, minute: int) -> Sequence[SimulatedEvent]:
        """What is happening at a minute."""
        fortnights = (minute // FORTNIGHT_MIN - 1, minute // FORTNIGHT_MIN)
        return [event for number in fortnights for event in self._events(number) if event.start <= minute < event.end]

    def _flow(self, minute: int, events: Sequence[SimulatedEvent]) -> float:
        local = minute_start(minute).astimezone(self._zone)
        profile = PROFILES[local.weekday() >= 5]
        place = local.minute / 60
        shape = profile[local.hour] * (1 - place) + profile[(local.hour + 1) % 24] * place
        day = random.Random(f"{self._name} d {local.date()}").gauss(1.0, 0.03)
        season = 1 + 0.1 * math.sin(2 * math.pi * (local.timetuple().tm_yday - 105) / 365)  # most in midsummer
        use = self.mean_m3h * shape * day * season
        use *= 1 + random.Random(f"{self._name} f {minute}").gauss(0, NOISE)
        return max(use, 0.0) + sum(self._lost(event, minute) for event in events)

    def _lost(self, event: SimulatedEvent, minute: int) -> float:
        if event.kind in ("burst", "flushing"):
            return self.mean_m3h * event.size
        if event.kind == "leak":
            return self.mean_m3h * event.size * (minute - event.start) / (event.end - event.start)
        return 0.0

    def _fortnight(self, number: int) -> tuple[SimulatedEvent, ...]:
        """The events that begin in a fortnight: one of each kind, for one fortnight in three each."""
        fate = random.Random(f"{self._name} e {number}")
        kinds = (
            ("leak", 10 * DAY_MIN, 0.15),
            ("burst", 600, 0.3),
            ("stuck", 240, 0.0),
            ("dropout", 45, 0.0),
            ("flushing", 40, 0.8),
            ("valve", 360, 0.2),
        )
        events = []
        for kind, longest, size in kinds:
            start = number * FORTNIGHT_MIN + fate.randrange(FORTNIGHT_MIN)
            length = fate.randint(longest // 2, longest)
            if fate.random() < 1 / 3:
                events.append(SimulatedEvent(kind, start, start + length, size * fate.uniform(0.4, 1.0)))
        return tuple(events)
